"""Answers to exercise 09."""

from __future__ import annotations

from answers import Answers

# --- 09.1: numbers -----------------------------------------------------------------------------


def _paper(scale="0.2", zero="-3", whole="4", restored="1.4") -> str:
    return f"scale = {scale}\nzero_point = {zero}\nwhole = {whole}\nrestored = {restored}\n"


PAPER = Answers(
    right={
        "numbers": _paper(),
        "computed": _paper("3 / 15", "round(-8 + 1 / scale)", "round(1.32 / scale) - 3", "0.2 * 7"),
        "floats": _paper("(2 - -1) / 15", "-3.0", "4.0", "scale * (whole - zero_point)"),
        "NumPy numbers": _paper("np.float32(0.2)", "np.int8(-3)", "np.array([4])", "np.array(1.4)"),
        "in a list": _paper("[0.2]", "[-3]", "[4]", "[1.4]"),
        "rounded with Python": _paper(
            "round(3 / 15, 3)", "int(-8 - (-1) / 0.2)", "7 + zero_point", "round(7 * scale, 2)"
        ),
    },
    wrong={
        "16 steps, the rest follows": (
            _paper("3 / 16", "-3", "4", "0.1875 * 7"),
            "number of steps",
        ),
        "8 bits, the rest right": (_paper("3 / 255"), "eight bits"),
        "8 numbers": (_paper("3 / 8"), "half of the numbers"),
        "4 numbers": (_paper("3 / 4"), "bits for steps"),
        "downwards": (_paper("-0.2"), "negative scale"),
        "the lowest whole number": (_paper(zero="-8", whole="4"), "lowest value"),
        "counted from -8": (_paper(whole="-1"), "steps counted from the lowest"),
        "steps kept": (_paper(restored="7"), "steps instead of value"),
        "256 steps": (_paper("3 / 256"), "eight bits"),
        "0 in the middle": (_paper("2 / 7"), "0 in the middle"),
        "up to 0": (_paper("2 / 15"), "only up to 0"),
        "the range": (_paper("3"), "the whole range"),
        "steps per unit": (_paper("5"), "upside down"),
        "positive zero point": (_paper(zero="3", whole="4"), "sign of the zero point"),
        "lowest subtracted": (_paper(zero="-13", whole="4"), "lowest subtracted"),
        "from 0 to 15": (_paper(zero="5", whole="4"), "counted from 0"),
        "0 is 0": (_paper(zero="0", whole="4"), "0 stays 0"),
        "zero point forgotten": (_paper(whole="7"), "zero point forgotten"),
        "zero point subtracted": (_paper(whole="10"), "zero point on the wrong side"),
        "cut off": (_paper(whole="3"), "cut off"),
        "not rounded": (_paper(whole="3.6"), "not rounded"),
        "restored without the zero point": (_paper(restored="0.8"), "zero point forgotten"),
        "restored with it added": (_paper(restored="0.2"), "zero point on the wrong side"),
        "not changed": (_paper(restored="1.32"), "the number itself"),
        "the error": (_paper(restored="0.08"), "error instead of value"),
        "a text": (_paper(whole="'4'"), None),
        "nothing": (_paper(restored="None"), None),
    },
    mutants=False,
)

# --- 09.2: weights in whole numbers ------------------------------------------------------------


def _quantize(
    largest="np.abs(weights).max(axis=0)",
    highest="2 ** (bits - 1) - 1",
    scale="np.where(largest > 0, largest / highest, 1.0)",
    whole="np.round(weights / scales)",
) -> str:
    return f"""def scales_of(weights, bits):
    largest = {largest}
    highest = {highest}
    return {scale}

def to_whole(weights, scales):
    return {whole}
"""


QUANTIZE = Answers(
    right={
        "arrays": _quantize(),
        "integers": _quantize(whole="np.rint(weights / scales).astype(np.int16)"),
        "larger of both ends": _quantize(
            largest="np.maximum(weights.max(axis=0), -weights.min(axis=0))"
        ),
        "loops": """def scales_of(weights, bits):
    scales = []
    for k in range(weights.shape[1]):
        column = weights[:, k]
        biggest = max(abs(w) for w in column)
        if biggest == 0:
            scales.append(1)
        else:
            scales.append(biggest / (2 ** (bits - 1) - 1))
    return scales

def to_whole(weights, scales):
    result = np.zeros(weights.shape, dtype=int)
    for i in range(weights.shape[0]):
        for k in range(weights.shape[1]):
            result[i, k] = round(weights[i, k] / scales[k])
    return result
""",
        "a half added": _quantize(whole="np.floor(weights / scales + 0.5)"),
        "in place on an own array": """def scales_of(weights, bits):
    scales = np.amax(np.absolute(weights), axis=0) / (2 ** bits // 2 - 1)
    scales[scales == 0] = 1
    return scales

def to_whole(weights, scales):
    numbers = weights / scales[np.newaxis, :]
    return np.around(numbers, 0)
""",
        "by shifting bits": _quantize(highest="(1 << (bits - 1)) - 1"),
        "transposed": _quantize(
            largest="np.abs(weights.T).max(axis=1)",
            whole="np.round(weights.T / np.reshape(scales, (-1, 1))).T",
        ),
    },
    wrong={
        "one scale": (
            _quantize(
                largest="np.full(weights.shape[1], np.abs(weights).max())",
            ),
            "one scale for all",
        ),
        "one number": (_quantize(largest="np.abs(weights).max()"), "one scale for all"),
        "axis kept": (_quantize(largest="np.abs(weights).max(axis=0, keepdims=True)"), "axis kept"),
        "a single weight of 0": (
            _quantize(scale="np.where((weights == 0).any(axis=0), 1.0, largest / highest)"),
            None,
        ),
        "very small weights": (
            _quantize(scale="np.where(largest / highest < 1e-6, 1.0, largest / highest)"),
            None,
        ),
        "rows": (_quantize(largest="np.abs(weights).max(axis=1)"), "rows instead of columns"),
        "no absolute values": (
            _quantize(largest="weights.max(axis=0)", scale="largest / highest"),
            "sign forgotten",
        ),
        "127 always": (_quantize(highest="127"), "always eight bits"),
        "128": (_quantize(highest="2 ** (bits - 1)"), "number of steps"),
        "255": (_quantize(highest="2 ** bits - 1"), "number of steps"),
        "256": (_quantize(highest="2 ** bits"), "number of steps"),
        "range": (
            _quantize(largest="weights.max(axis=0) - weights.min(axis=0)", highest="2 ** bits - 1"),
            "range of the numbers",
        ),
        "absolute value of the largest": (
            _quantize(largest="np.abs(weights.max(axis=0))"),
            "sign forgotten",
        ),
        "a caret": (_quantize(highest="2 ^ (bits - 1) - 1"), "caret for a power"),
        "a caret in brackets": (_quantize(highest="(2 ^ (bits - 1)) - 1"), "caret for a power"),
        "at least 1": (
            _quantize(largest="np.maximum(np.abs(weights).max(axis=0), 1)"),
            "small weights",
        ),
        "the largest weight replaced": (
            _quantize(scale="np.where(largest == 0, 1, largest) / highest"),
            "zeros",
        ),
        "a small number added": (_quantize(scale="largest / highest + 1e-8"), "zeros"),
        "all units or none": (
            _quantize(scale="largest / highest if largest.any() else np.ones(len(largest))"),
            "zeros",
        ),
        "Python's max": (_quantize(largest="max(np.abs(weights))"), None),
        "the standard deviation": (_quantize(largest="weights.std(axis=0)"), None),
        "one decimal": (_quantize(whole="np.round(weights / scales, 1)"), "not rounded"),
        "128 added": (_quantize(whole="np.round(weights / scales) + 128"), "zero point added"),
        "Python's round": (_quantize(whole="round(weights / scales)"), None),
        "scales as a column": (_quantize(whole="np.round(weights / scales[:, None])"), None),
        "upside down": (_quantize(scale="highest / largest"), "upside down"),
        "zeros divide": (_quantize(scale="largest / highest"), "zeros"),
        "zeros give NaN": (
            _quantize(scale="np.where(largest > 0, largest / highest, np.nan)"),
            None,
        ),
        "not rounded": (_quantize(whole="weights / scales"), "not rounded"),
        "cut off": (_quantize(whole="(weights / scales).astype(int)"), "cut off"),
        "floor": (_quantize(whole="weights // scales"), "cut off"),
        "rounded up": (_quantize(whole="np.ceil(weights / scales)"), "rounded up"),
        "multiplied": (_quantize(whole="np.round(weights * scales)"), "multiplied"),
        "restored": (_quantize(whole="np.round(weights / scales) * scales"), "restored at once"),
        "no sign": (_quantize(whole="np.round(np.abs(weights) / scales)"), "only positive numbers"),
        "uint8": (
            _quantize(whole="np.round(weights / scales).astype(int).astype('uint8')"),
            "wraps around",
        ),
        "rounded first": (_quantize(whole="np.round(weights) / scales"), None),
        "changes the weights": (
            """def scales_of(weights, bits):
    weights[weights < 0] *= -1
    largest = weights.max(axis=0)
    return np.where(largest > 0, largest / (2 ** (bits - 1) - 1), 1.0)

def to_whole(weights, scales):
    return np.round(weights / scales)
""",
            "arguments changed",
        ),
        "the course's": (
            """def scales_of(weights, bits):
    return deployment.quantize(weights, bits, symmetric=True, axis=-1).scale

def to_whole(weights, scales):
    return np.round(weights / scales)
""",
            "helper used",
        ),
        "nothing returned": (
            _quantize().replace("return np.round", "np.round"),
            "nothing returned",
        ),
    },
)

# --- 09.3: what model.json is for --------------------------------------------------------------


def _answer(
    cooled="logits / card['temperature']",
    powers="np.exp(cooled - np.max(cooled))",
    p="powers / powers.sum()",
    test="card['threshold'] is not None and p.max() < card['threshold']",
    name="card['class_names'][np.argmax(p)]",
    probability="p.max()",
) -> str:
    return f"""def answer(logits, card):
    cooled = {cooled}
    powers = {powers}
    p = {p}
    if {test}:
        return "not sure", {probability}
    return {name}, {probability}
"""


ANSWER = Answers(
    right={
        "arrays": _answer(),
        "a float": _answer(probability="float(np.max(p))"),
        "Keras's softmax": _answer(powers="keras.ops.softmax(cooled).numpy()", p="powers"),
        "a list": """def answer(logits, card):
    t = card.get("temperature")
    shifted = [(x - max(logits)) / t for x in logits]
    total = sum(np.exp(x) for x in shifted)
    best = max(range(len(logits)), key=lambda k: logits[k])
    probability = float(np.exp(shifted[best]) / total)
    name = card["class_names"][best]
    threshold = card["threshold"]
    if threshold is None:
        return [name, probability]
    if probability >= threshold:
        return [name, probability]
    return ["not sure", probability]
""",
        "no threshold is 0": """def answer(logits, card):
    threshold = card["threshold"]
    if threshold is None:
        threshold = 0
    z = np.array(logits) / card["temperature"]
    z = z - z.max()
    p = np.exp(z) / np.sum(np.exp(z))
    order = np.argsort(p)[::-1]
    probability = p[order[0]]
    name = card["class_names"][order[0]] if probability >= threshold else "not sure"
    return name, probability
""",
        "threshold or 0": _answer(test="p.max() < (card['threshold'] or 0)"),
        "log of the sum": _answer(
            powers="cooled - cooled.max()", p="np.exp(powers - np.log(np.exp(powers).sum()))"
        ),
        "at most": _answer(test="not (card['threshold'] is None or p.max() >= card['threshold'])"),
    },
    wrong={
        "temperature forgotten": (_answer(cooled="logits"), "temperature forgotten"),
        "multiplied": (
            _answer(cooled="logits * card['temperature']"),
            "multiplied by the temperature",
        ),
        "threshold first": (
            """def softmax(z):
    e = np.exp(z - z.max())
    return e / e.sum()

def answer(logits, card):
    p = softmax(logits / card["temperature"])
    if card["threshold"] is not None and softmax(logits).max() < card["threshold"]:
        return "not sure", p.max()
    return card["class_names"][p.argmax()], p.max()
""",
            "threshold before the temperature",
        ),
        "never unsure": (_answer(test="False"), "threshold ignored"),
        "the other way round": (
            _answer(test="card['threshold'] is None or p.max() > card['threshold']"),
            "threshold the other way round",
        ),
        "one half": (_answer(test="p.max() < 0.5"), "a fixed threshold"),
        "eight tenths": (_answer(test="p.max() < 0.8"), "a fixed threshold"),
        "three quarters, where there is a threshold": (
            _answer(test="card['threshold'] is not None and p.max() < 0.75"),
            "a fixed threshold",
        ),
        "the example's threshold": (_answer(test="p.max() < 0.7"), "values of the example"),
        "the example's temperature": (_answer(cooled="logits / 1.6"), "values of the example"),
        "the example's card": (
            _answer(name="example_card['class_names'][np.argmax(p)]"),
            "values of the example",
        ),
        "temperature after the softmax": (
            _answer(cooled="logits", p="powers / powers.sum() / card['temperature']"),
            "temperature after the softmax",
        ),
        "threshold for the logits": (
            _answer(
                test="card['threshold'] is not None and logits.max() < card['threshold']",
            ),
            "threshold for logits",
        ),
        "more is unsure": (
            _answer(test="card['threshold'] is not None and p.max() > card['threshold']"),
            "threshold the other way round",
        ),
        "equal is unsure": (
            _answer(test="card['threshold'] is not None and p.max() <= card['threshold']"),
            "equal taken for below",
        ),
        "None is unsure": (
            _answer(test="card['threshold'] is None or p.max() < card['threshold']"),
            "None taken for not sure",
        ),
        "sigmoid": (_answer(powers="1 / (1 + np.exp(-cooled))", p="powers"), "sigmoid"),
        "only powers": (_answer(p="powers"), "not divided by the sum"),
        "logits by their sum": (
            _answer(powers="cooled", p="cooled / cooled.sum()"),
            "logits divided by their sum",
        ),
        "two decimals": (_answer(probability="round(float(p.max()), 2)"), "rounded"),
        "probability first": (
            _answer()
            .replace('"not sure", p.max()', 'p.max(), "not sure"')
            .replace(
                "card['class_names'][np.argmax(p)], p.max()",
                "p.max(), card['class_names'][np.argmax(p)]",
            ),
            "order of the values",
        ),
        "a dictionary": (
            _answer()
            .replace('"not sure", p.max()', '{"name": "not sure", "p": p.max()}')
            .replace(
                "card['class_names'][np.argmax(p)], p.max()",
                "{'name': card['class_names'][np.argmax(p)], 'p': p.max()}",
            ),
            None,
        ),
        "all probabilities": (_answer(probability="p"), None),
        "no probability if unsure": (
            _answer().replace('"not sure", p.max()', '"not sure", None'),
            None,
        ),
        "name of the least likely": (
            _answer(name="card['class_names'][np.argmin(p)]"),
            "the least likely",
        ),
        "a logit": (
            _answer(
                test="card['threshold'] is not None and p.max() < card['threshold']",
                probability="cooled.max()",
            ),
            "logit instead of probability",
        ),
        "a number for the class": (_answer(name="int(np.argmax(p))"), "place instead of name"),
        "only a name": (
            _answer().replace(", p.max()\n", "\n"),
            "only the name",
        ),
        "the least likely": (
            _answer(powers="np.exp(np.min(cooled) - cooled)"),
            "the least likely",
        ),
        "None not expected": (_answer(test="p.max() < card['threshold']"), None),
        "a thousand subtracted": (
            _answer(powers="np.exp(cooled - 1000 * (cooled.max() > 700))"),
            "overflow",
        ),
        "nothing but large ones subtracted": (
            _answer(powers="np.exp(cooled - max(0, cooled.max()))"),
            "overflow",
        ),
        "the card changed": (
            """def answer(logits, card):
    if card["threshold"] is None:
        card["threshold"] = 0
    cooled = logits / card["temperature"]
    p = np.exp(cooled - cooled.max())
    p = p / p.sum()
    name = card["class_names"][p.argmax()] if p.max() >= card["threshold"] else "not sure"
    return name, p.max()
""",
            "arguments changed",
        ),
        "names sorted": (_answer(name="sorted(card['class_names'])[np.argmax(p)]"), "names sorted"),
        "softmax twice": (
            _answer(p="np.exp(powers / powers.sum()) / np.exp(powers / powers.sum()).sum()"),
            "softmax twice",
        ),
        "the example's threshold, if there is one": (
            _answer(test="card['threshold'] is not None and p.max() < 0.7"),
            "values of the example",
        ),
        "overflow": (_answer(powers="np.exp(cooled)"), "overflow"),
        "no softmax": (_answer(powers="cooled", p="powers"), None),
        "percent": (_answer(probability="100 * p.max()"), "percent"),
        "None instead of a name": (_answer().replace('"not sure"', "None"), None),
        "another word": (_answer().replace('"not sure"', '"unsure"'), None),
        "divided by the sum of the logits": (_answer(powers="cooled", p="cooled / 10"), None),
        "the course's": (
            """def answer(logits, card):
    p = evaluation.softmax(logits / card["temperature"])
    if card["threshold"] is not None and p.max() < card["threshold"]:
        return "not sure", p.max()
    return card["class_names"][p.argmax()], p.max()
""",
            "helper used",
        ),
        "nothing returned": (
            "def answer(logits, card):\n    print(card['class_names'][np.argmax(logits)])\n",
            "nothing returned",
        ),
    },
)

# --- 09.4: a threshold -------------------------------------------------------------------------


def _threshold(
    levels="np.sort(confidence)",
    answered="confidence >= level",
    test="right[answered].mean() >= precision",
    found="level",
    end="None",
) -> str:
    return f"""def threshold_for(confidence, right, precision):
    for level in {levels}:
        answered = {answered}
        if {test}:
            return {found}
    return {end}
"""


THRESHOLD = Answers(
    right={
        "a loop": _threshold(),
        "each level once": _threshold(levels="np.unique(confidence)"),
        "a float": _threshold(levels="sorted(set(confidence.tolist()))"),
        "counted": _threshold(test="right[answered].sum() / answered.sum() >= precision"),
        "from above, the last kept": """def threshold_for(confidence, right, precision):
    best = None
    for level in sorted(confidence, reverse=True):
        answered = confidence >= level
        if np.mean(right[answered]) >= precision:
            best = level
    return best
""",
        "all that reach it": """def threshold_for(confidence, right, precision):
    good = [t for t in confidence if right[confidence >= t].mean() >= precision]
    return min(good) if good else None
""",
        "cumulative": """def threshold_for(confidence, right, precision):
    order = np.argsort(-confidence)
    c, r = confidence[order], right[order]
    precisions = np.cumsum(r) / np.arange(1, len(r) + 1)
    last_of_group = np.append(c[1:] != c[:-1], True)
    good = np.where(last_of_group & (precisions >= precision))[0]
    if len(good) == 0:
        return None
    return c[good[-1]]
""",
        "of scikit-learn": """from sklearn.metrics import precision_recall_curve

def threshold_for(confidence, right, precision):
    shares, _, levels = precision_recall_curve(right, confidence)
    good = levels[shares[:-1] >= precision]
    return good.min() if len(good) else None
""",
        "plain Python": """def threshold_for(confidence, right, precision):
    pairs = list(zip(confidence, right))
    answer = None
    for level, _ in pairs:
        said = [ok for c, ok in pairs if c >= level]
        if sum(said) / len(said) >= precision and (answer is None or level < answer):
            answer = level
    return answer
""",
    },
    wrong={
        "from above": (
            _threshold(levels="np.sort(confidence)[::-1]"),
            "highest instead of lowest",
        ),
        "the highest that reaches it": (
            """def threshold_for(confidence, right, precision):
    good = [t for t in confidence if right[confidence >= t].mean() >= precision]
    return max(good) if good else None
""",
            "highest instead of lowest",
        ),
        "stopped early": (
            """def threshold_for(confidence, right, precision):
    best = None
    for level in np.unique(confidence)[::-1]:
        if right[confidence >= level].mean() < precision:
            return best
        best = level
    return best
""",
            "stopped at the first failure",
        ),
        "above": (
            """def threshold_for(confidence, right, precision):
    for level in np.sort(confidence):
        answered = confidence > level
        if answered.any() and right[answered].mean() >= precision:
            return level
    return None
""",
            "above only",
        ),
        "of all pictures": (
            _threshold(test="(right & answered).sum() / len(right) >= precision"),
            "share of all pictures",
        ),
        "coverage": (
            _threshold(levels="np.sort(confidence)[::-1]", test="answered.mean() >= precision"),
            "coverage instead of precision",
        ),
        "the precision": (_threshold(found="precision"), "the precision itself"),
        "the share": (_threshold(found="answered.mean()"), "a share instead of a threshold"),
        "in the given order": (_threshold(levels="confidence"), "order of the pictures"),
        "below": (_threshold(answered="confidence <= level"), "at most the threshold"),
        "equal": (_threshold(answered="confidence == level"), "equal confidences only"),
        "strictly more": (
            _threshold(test="right[answered].mean() > precision"),
            "more than the precision",
        ),
        "only those of right answers": (
            _threshold(levels="np.sort(confidence[right])"),
            "only right pictures",
        ),
        "coverage, from the lowest": (
            _threshold(test="answered.mean() >= precision"),
            "always the lowest",
        ),
        "recall": (
            _threshold(test="right[answered].sum() / right.sum() >= precision"),
            "always the lowest",
        ),
        "mean confidence": (
            _threshold(test="confidence[answered].mean() >= precision"),
            "confidence instead of precision",
        ),
        "as confident as precise": (
            _threshold(test="level >= precision"),
            "confidence instead of precision",
        ),
        "None within the loop": (
            _threshold().replace("    return None", "        return None"),
            "share of all pictures",
        ),
        "the precision reached": (
            _threshold(found="right[answered].mean()"),
            "the precision itself",
        ),
        "a number of pictures": (_threshold(found="answered.sum()"), "a number of pictures"),
        "sorted without the answers": (
            "def threshold_for(confidence, right, precision):\n"
            "    confidence = np.sort(confidence)\n"
            + _threshold(levels="confidence").split("\n", 1)[1],
            "sorted alone",
        ),
        "a quantile": (
            "def threshold_for(confidence, right, precision):\n"
            "    return np.quantile(confidence, 1 - precision)\n",
            None,
        ),
        "always 0.9": (_threshold(test="right[answered].mean() >= 0.9"), "a fixed precision"),
        "two decimals of the share": (
            _threshold(test="round(right[answered].mean(), 2) >= precision"),
            "share rounded",
        ),
        "0 is False": (
            """def threshold_for(confidence, right, precision):
    found = 0
    for level in np.unique(confidence)[::-1]:
        if right[confidence >= level].mean() >= precision:
            found = level
    return found or None
""",
            "0 taken for None",
        ),
        "both": (_threshold(found="level, right[answered].mean()"), None),
        "always None": (_threshold(test="False"), "nothing returned"),
        "never None": (_threshold(end="1.0"), "not None"),
        "the highest at the end": (_threshold(end="confidence.max()"), "not None"),
        "an error at the end": (
            """def threshold_for(confidence, right, precision):
    return min(t for t in confidence if right[confidence >= t].mean() >= precision)
""",
            None,
        ),
        "a grid": (_threshold(levels="np.linspace(0, 1, 101)"), None),
        **{
            f"ties cut, {order}": (
                f"""def threshold_for(confidence, right, precision):
    order = {order}
    c, r = confidence[order], right[order]
    precisions = np.cumsum(r) / np.arange(1, len(r) + 1)
    good = np.where(precisions >= precision)[0]
    return c[good[-1]] if len(good) else None
""",
                "ties cut",
            )
            for order in (
                "np.argsort(-confidence)",
                'np.argsort(-confidence, kind="stable")',
                "np.argsort(confidence)[::-1]",
                "np.argsort(confidence, kind='stable')[::-1]",
            )
        },
        "ties cut, pairs": (
            """def threshold_for(confidence, right, precision):
    found, hits = None, 0
    for count, (c, r) in enumerate(sorted(zip(confidence, right), reverse=True), 1):
        hits += r
        if hits / count >= precision:
            found = c
    return found
""",
            "ties cut",
        ),
        "sorts the argument": (
            """def threshold_for(confidence, right, precision):
    order = np.argsort(confidence)
    right[:] = right[order]
    confidence.sort()
    for k in range(len(confidence)):
        if right[confidence >= confidence[k]].mean() >= precision:
            return confidence[k]
    return None
""",
            "arguments changed",
        ),
        "the course's": (
            """def threshold_for(confidence, right, precision):
    rows = np.stack([1 - confidence, confidence], axis=1)
    made = evaluation.Predictions(
        [str(k) for k in range(len(right))], np.zeros((len(right), 1, 1, 1), "uint8"),
        right.astype(int), rows, ["wrong", "right"])
    return deployment.choose_threshold(made, precision).value
""",
            "helper used",
        ),
        "nothing returned": (_threshold().replace("return level", "level"), None),
    },
)

ANSWERS = {
    "09.1": PAPER,
    "09.2": QUANTIZE,
    "09.3": ANSWER,
    "09.4": THRESHOLD,
}
