"""Answers to exercise 05."""

from __future__ import annotations

from answers import Answers

# --- 05.1: by hand ------------------------------------------------------------


def _hand(
    matrix="[[6, 3, 0], [1, 3, 1], [0, 0, 2]]",
    precision="0.5",
    recall="0.6",
    f1="6 / 11",
    macro="(3 / 4 + 6 / 11 + 4 / 5) / 3",
) -> str:
    return (
        f"matrix = {matrix}\nprecision = {precision}\nrecall = {recall}\n"
        f"f1 = {f1}\nmacro_f1 = {macro}\n"
    )


HAND = Answers(
    right={
        "fractions": _hand(),
        "three decimals": _hand(f1="0.545", macro="0.698"),
        "an array": _hand(matrix="np.array([[6, 3, 0], [1, 3, 1], [0, 0, 2]])"),
        "NumPy numbers": _hand(precision="np.float32(3 / 6)", recall="np.divide(3, 5)"),
    },
    wrong={
        "transposed": (
            _hand(matrix="[[6, 1, 0], [3, 3, 0], [0, 1, 2]]"),
            "rows and columns exchanged",
        ),
        "shares": (
            _hand(matrix="[[6 / 9, 3 / 9, 0], [1 / 5, 3 / 5, 1 / 5], [0, 0, 1]]"),
            "shares instead of counts",
        ),
        "diagonal": (
            _hand(matrix="[[6, 0, 0], [0, 3, 0], [0, 0, 2]]"),
            "only right answers counted",
        ),
        "one picture lost": (_hand(matrix="[[6, 2, 0], [1, 3, 1], [0, 0, 2]]"), None),
        "a row missing": (_hand(matrix="[[6, 3, 0], [1, 3, 1]]"), None),
        "exchanged": (
            _hand(precision="0.6", recall="0.5"),
            "precision and recall exchanged",
        ),
        "recall for precision": (_hand(precision="3 / 5"), "precision and recall exchanged"),
        "precision for recall": (_hand(recall="3 / 6"), "precision and recall exchanged"),
        "accuracy for precision": (_hand(precision="11 / 16"), "accuracy taken"),
        "accuracy for recall": (_hand(recall="11 / 16"), "accuracy taken"),
        "of all pictures": (_hand(precision="3 / 16"), "divided by all pictures"),
        "ordinary mean": (_hand(f1="0.55"), "ordinary mean"),
        "no factor": (_hand(f1="0.3 / 1.1"), "factor 2 forgotten"),
        "product": (_hand(f1="0.6"), "not divided"),
        "accuracy for F1": (_hand(f1="11 / 16"), "accuracy taken"),
        "weighted": (
            _hand(macro="(9 * 0.75 + 5 * 6 / 11 + 2 * 0.8) / 16"),
            "weighted mean",
        ),
        "averaged first": (
            _hand(macro="(lambda p, r: 2 * p * r / (p + r))(85 / 126, 34 / 45)"),
            "averaged first",
        ),
        "accuracy for the macro average": (_hand(macro="11 / 16"), "accuracy taken"),
        "roses only": (_hand(macro="6 / 11"), "one class only"),
        "summed": (_hand(macro="3 / 4 + 6 / 11 + 4 / 5"), "summed"),
        "a text": (_hand(f1="'6/11'"), "not a number"),
    },
    mutants=False,
)

# --- 05.2: the same as functions ------------------------------------------------------------


def _measures(
    count="matrix[t, p] += 1",
    size="num_classes",
    matrix="matrix",
    f1="2 * np.diag(matrix) / np.maximum(rows + columns, 1)",
    top="(order[:, :k] == labels[:, None]).any(axis=1).mean()",
    order="np.argsort(probabilities, axis=1)[:, ::-1]",
) -> str:
    return f"""def confusion(labels, predicted, num_classes):
    matrix = np.zeros(({size}, {size}), dtype=int)
    for t, p in zip(labels, predicted):
        {count}
    return {matrix}

def f1_scores(matrix):
    tp, rows, columns = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return {f1}

def top_k_accuracy(probabilities, labels, k):
    order = {order}
    return {top}
"""


MEASURES = Answers(
    right={
        "with loops": _measures(),
        "with NumPy": """def confusion(labels, predicted, num_classes):
    pairs = np.bincount(labels * num_classes + predicted, minlength=num_classes**2)
    return pairs.reshape(num_classes, num_classes)

def f1_scores(matrix):
    tp = np.diag(matrix)
    p = tp / np.where(matrix.sum(0) > 0, matrix.sum(0), 1)
    r = tp / np.where(matrix.sum(1) > 0, matrix.sum(1), 1)
    return 2 * p * r / np.where(p + r > 0, p + r, 1)

def top_k_accuracy(probabilities, labels, k):
    right = probabilities[np.arange(len(labels)), labels]
    return np.mean((probabilities > right[:, None]).sum(axis=1) < k)
""",
        "with TensorFlow": """def confusion(labels, predicted, num_classes):
    return tf.math.confusion_matrix(labels, predicted, num_classes)

def f1_scores(matrix):
    tp = np.diag(matrix)
    fp, fn = matrix.sum(0) - tp, matrix.sum(1) - tp
    with np.errstate(all="ignore"):
        return np.nan_to_num(tp / (tp + 0.5 * (fp + fn)))

def top_k_accuracy(probabilities, labels, k):
    hits = tf.math.in_top_k(labels, probabilities.astype("float32"), k)
    return float(np.mean(hits))
""",
        "with lists": """def confusion(labels, predicted, num_classes):
    pairs = list(zip(labels.tolist(), predicted.tolist()))
    return [[pairs.count((t, p)) for p in range(num_classes)] for t in range(num_classes)]

def f1_scores(matrix):
    scores = []
    for k in range(len(matrix)):
        tp = matrix[k][k]
        everything = sum(matrix[k]) + sum(row[k] for row in matrix)
        scores.append(float(2 * tp / everything) if everything else 0.0)
    return scores

def top_k_accuracy(probabilities, labels, k):
    right = 0
    for row, label in zip(probabilities, labels):
        right += label in sorted(range(len(row)), key=lambda c: -row[c])[:k]
    return right / len(labels)
""",
    },
    wrong={
        "transposed": (_measures(count="matrix[p, t] += 1"), "rows and columns exchanged"),
        "shares": (
            _measures(matrix="matrix / np.maximum(matrix.sum(1), 1)[:, None]"),
            "shares instead of counts",
        ),
        "each pair once": (_measures(count="matrix[t, p] = 1"), "counted once only"),
        "at once": (
            _measures(count="pass", matrix="_counted(matrix, labels, predicted)")
            + """
def _counted(matrix, labels, predicted):
    matrix[labels, predicted] += 1
    return matrix
""",
            "counted once only",
        ),
        "diagonal": (_measures(count="matrix[t, t] += t == p"), "only right answers counted"),
        "as many classes as there are": (
            _measures(size="max(labels.max(), predicted.max()) + 1"),
            "size taken from the labels",
        ),
        "the helper": (
            "from course_utils import evaluation\n"
            + _measures(matrix="_theirs(labels, predicted, num_classes)")
            + """
class _Given:
    def __init__(self, labels, predicted, n):
        self.labels, self.predicted = labels, predicted
        self.class_names = [str(k) for k in range(n)]

def _theirs(labels, predicted, n):
    return evaluation.confusion_matrix(_Given(labels, predicted, n)).to_numpy()
""",
            "helper used",
        ),
        "recall": (_measures(f1="tp / np.maximum(rows, 1e-9)"), "recall instead of F1"),
        "precision": (
            _measures(f1="tp / np.maximum(columns, 1e-9)"),
            "precision instead of F1",
        ),
        "ordinary mean": (
            _measures(f1="(tp / np.maximum(rows, 1e-9) + tp / np.maximum(columns, 1e-9)) / 2"),
            "ordinary mean",
        ),
        "no factor": (
            _measures(f1="tp / np.maximum(rows + columns, 1)"),
            "factor 2 forgotten",
        ),
        "their mean": (
            _measures(f1="(2 * tp / np.maximum(rows + columns, 1)).mean()"),
            "one number for all",
        ),
        "divided by zero": (_measures(f1="2 * tp / (rows + columns)"), "not finite"),
        "least probable": (
            _measures(order="np.argsort(probabilities, axis=1)"),
            "the least probable taken",
        ),
        "most probable only": (
            _measures(top="(order[:, 0] == labels).mean()"),
            "only the most probable",
        ),
        "place k": (_measures(top="(order[:, k - 1] == labels).mean()"), "only place k"),
        "one place more": (
            _measures(top="(order[:, : k + 1] == labels[:, None]).any(axis=1).mean()"),
            "one place too many",
        ),
        "one place less": (
            _measures(top="(order[:, : k - 1] == labels[:, None]).any(axis=1).mean()"),
            "one place too few",
        ),
        "a number": (
            _measures(top="(order[:, :k] == labels[:, None]).any(axis=1).sum()"),
            "number instead of share",
        ),
        "first columns": (_measures(top="(labels < k).mean()"), "the first k classes"),
        "answers": (
            _measures(top="(order[:, :k] == labels[:, None]).any(axis=1)"),
            "a list of answers",
        ),
        "mean of the table": (
            _measures(top="(order[:, :k] == labels[:, None]).mean()"),
            None,
        ),
        "nothing returned": (_measures(matrix="None"), "nothing returned"),
    },
    equivalent={
        "L2: np.zeros((num_classes, num_classes), dtype=int) → np.zeros without dtype": "the "
        "same counts as floats",
        "L3: zip(labels, predicted, strict=True) → zip without strict": "both are equally long",
        "L3: True → False": "both are equally long",
        "L10: 1 → 2": "a sum of 1 belongs to a class without true positives: 0 in any case",
        "L14: np.argsort(-probabilities, axis=1) → np.argsort without axis": "the last axis is "
        "the default",
    },
)

# --- 05.3: calibration ------------------------------------------------------------


def _error(
    confidence="probabilities.max(axis=1)",
    which="np.minimum((confidence * bins).astype(int), bins - 1)",
    term="inside.mean() * abs(right[inside].mean() - confidence[inside].mean())",
    end="sum(terms)",
    right="probabilities.argmax(axis=1) == labels",
) -> str:
    return f"""def calibration_error(probabilities, labels, bins=10):
    confidence = {confidence}
    right = {right}
    which = {which}
    terms = []
    for b in range(bins):
        inside = which == b
        if inside.any():
            terms.append({term})
    return {end}
"""


ERROR = Answers(
    right={
        "with a loop": _error(),
        "with edges": """def calibration_error(probabilities, labels, bins=10):
    edges = np.linspace(0, 1, bins + 1)
    confidence, answer = probabilities.max(axis=1), probabilities.argmax(axis=1)
    total = 0
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (confidence > low) & (confidence <= high)
        if inside.sum() > 0:
            accuracy = (answer[inside] == labels[inside]).mean()
            total += inside.sum() * abs(accuracy - confidence[inside].mean())
    return total / len(labels)
""",
        "with digitize": _error(
            which="np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1])",
        ),
        "with bincount": """def calibration_error(probabilities, labels, bins=10):
    confidence = np.max(probabilities, axis=1)
    right = (np.argmax(probabilities, axis=1) == labels).astype(float)
    which = np.clip(np.floor(confidence * bins), 0, bins - 1).astype(int)
    difference = np.bincount(which, weights=right - confidence, minlength=bins)
    return np.abs(difference).sum() / len(labels)
""",
    },
    wrong={
        "not weighted": (
            _error(
                term="abs(right[inside].mean() - confidence[inside].mean())", end="np.mean(terms)"
            ),
            "bins not weighted",
        ),
        "not weighted, empty ones too": (
            _error(
                term="abs(right[inside].mean() - confidence[inside].mean())",
                end="sum(terms) / bins",
            ),
            "bins not weighted",
        ),
        "summed": (
            _error(term="abs(right[inside].mean() - confidence[inside].mean())"),
            "bins summed",
        ),
        "signs kept": (
            _error(term="inside.mean() * (right[inside].mean() - confidence[inside].mean())"),
            "distances cancel out",
        ),
        "signs kept, the other way": (
            _error(term="inside.mean() * (confidence[inside].mean() - right[inside].mean())"),
            "distances cancel out",
        ),
        "one bin": (_error(end="abs(right.mean() - confidence.mean())"), "one bin for all"),
        "largest": (
            _error(term="abs(right[inside].mean() - confidence[inside].mean())", end="max(terms)"),
            "largest distance",
        ),
        "squared": (
            _error(term="inside.mean() * (right[inside].mean() - confidence[inside].mean()) ** 2"),
            "squared",
        ),
        "middle": (
            _error(term="inside.mean() * abs(right[inside].mean() - (b + 0.5) / bins)"),
            "middle of the bin",
        ),
        "right class": (
            _error(confidence="probabilities[np.arange(len(labels)), labels]"),
            "probability of the right class",
        ),
        "ten bins": (
            _error(which="np.minimum((confidence * 10).astype(int), 9)").replace(
                "range(bins)", "range(10)"
            ),
            "number of bins ignored",
        ),
        "certain answers lost": (
            _error(which="(confidence * bins).astype(int)"),
            "certain answers lost",
        ),
        "empty bins divide by zero": (
            _error().replace("if inside.any():", "if True:"),
            "not finite",
        ),
        "accuracy alone": (_error(term="inside.mean() * right[inside].mean()"), None),
        "errors for hits": (_error(right="probabilities.argmax(axis=1) != labels"), None),
        "the helper": (
            """def calibration_error(probabilities, labels, bins=10):
    from course_utils import evaluation

    class Given:
        confidence = probabilities.max(axis=1)
        correct = probabilities.argmax(axis=1) == labels

    Given.probabilities, Given.labels = probabilities, labels
    return evaluation.calibration(Given(), bins=bins).ece
""",
            "helper used",
        ),
        "nothing returned": (_error(end="None"), "nothing returned"),
    },
)

# --- 05.4: in one pass, and kept ------------------------------------------------------------


def _collect(
    outputs="keras.ops.convert_to_numpy(model(images))",
    softmax="np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)",
    result="np.concatenate(labels), np.concatenate(rows)",
    each="",
    save="model.save(str(folder) + '/network.keras')",
    names="(folder / 'names.txt').write_text(chr(10).join(class_names))",
    load="keras.models.load_model(folder / 'network.keras')",
    read="(folder / 'names.txt').read_text().splitlines()",
    back="network, names",
) -> str:
    return f"""def collect(model, dataset):
    labels, rows = [], []
    for images, answers in dataset:
        z = {outputs}
        labels.append(answers.numpy())
        rows.append({softmax})
        {each}
    return {result}

def keep(model, class_names, folder):
    {save}
    {names}

def bring_back(folder):
    network = {load}
    names = {read}
    return {back}
"""


COLLECT = Answers(
    right={
        "model called": _collect(),
        "softmax of Keras": _collect(
            outputs="model.predict(images, verbose=0)",
            softmax="keras.ops.convert_to_numpy(keras.ops.softmax(z))",
        ),
        "softmax at the end": _collect(
            softmax="z",
            result="np.concatenate(labels), np.array(tf.nn.softmax(np.concatenate(rows)))",
        ),
        "stored in memory first": """def collect(model, dataset):
    images, labels = zip(*[(i.numpy(), y.numpy()) for i, y in dataset])
    network = keras.Sequential([model, layers.Softmax()])
    return np.concatenate(labels), network.predict(np.concatenate(images), verbose=0)

def keep(model, class_names, folder):
    np.save(folder / "names.npy", np.array(class_names))
    model.save(folder / "m.keras")

def bring_back(folder):
    return keras.saving.load_model(folder / "m.keras"), np.load(folder / "names.npy").tolist()
""",
        "weights only, names in JSON": _collect(
            save="model.save_weights(folder / 'a.weights.h5')",
            names="(folder / 'n.json').write_text(json.dumps(list(class_names)))",
            load="colour_network(); network.load_weights(folder / 'a.weights.h5')",
            read="tuple(json.loads((folder / 'n.json').read_text()))",
        ),
    },
    wrong={
        "two passes": (
            _collect(
                result="np.concatenate([y.numpy() for _, y in dataset]), np.concatenate(rows)"
            ),
            "two passes",
        ),
        "two passes with predict": (
            _collect(
                result="np.concatenate(labels), "
                "np.array(tf.nn.softmax(model.predict(dataset, verbose=0)))"
            ),
            "two passes",
        ),
        "logits": (_collect(softmax="z"), "logits instead of probabilities"),
        "softmax twice": (
            _collect(softmax="np.array(tf.nn.softmax(tf.nn.softmax(z)))"),
            "softmax twice",
        ),
        "softmax over the batch": (
            _collect(softmax="np.exp(z) / np.exp(z).sum(axis=0)"),
            "softmax over the batch",
        ),
        "sigmoid": (_collect(softmax="1 / (1 + np.exp(-z))"), None),
        "classes": (
            _collect(softmax="z.argmax(axis=1)"),
            "classes instead of probabilities",
        ),
        "first batch": (_collect(each="break"), "one batch only"),
        "last batch": (_collect(result="labels[-1], rows[-1]"), "one batch only"),
        "last batch lost": (
            _collect(result="np.concatenate(labels[:-1]), np.concatenate(rows[:-1])"),
            "pictures lost",
        ),
        "exchanged": (
            _collect(result="np.concatenate(rows), np.concatenate(labels)"),
            "order exchanged",
        ),
        "batches in a list": (_collect(result="labels, rows"), None),
        "rescaled twice": (
            _collect(outputs="keras.ops.convert_to_numpy(model(images / 255))"),
            None,
        ),
        "sorted": (
            _collect(result="np.sort(np.concatenate(labels)), np.concatenate(rows)"),
            "two passes",
        ),
        "the helper": (
            _collect(
                result="(lambda found: (found.labels, found.probabilities))("
                "__import__('course_utils.evaluation').evaluation.predict(model, dataset))"
            ),
            "helper used",
        ),
        "names lost": (_collect(names="pass", read="None"), "names lost"),
        "names sorted": (
            _collect(read="sorted((folder / 'names.txt').read_text().splitlines())"),
            "order of the names lost",
        ),
        "names in one text": (_collect(read="(folder / 'names.txt').read_text()"), "names lost"),
        "in memory": (
            "MEMORY = {}\n" + _collect(save="MEMORY[folder] = model", load="MEMORY[folder]"),
            "weights lost",
        ),
        "a fresh network": (_collect(load="colour_network()"), "weights lost"),
        "always the same folder": (
            "HERE = new_folder()\n"
            + _collect(
                save="model.save(HERE / 'network.keras')",
                load="keras.models.load_model(HERE / 'network.keras')",
            ),
            "folder ignored",
        ),
        "the network alone": (_collect(back="network"), None),
        "names first": (_collect(back="names, network"), None),
        "nothing returned": (_collect(back="None"), "nothing returned"),
    },
    equivalent={
        "L12: (folder / 'names.json').write_text(json.dumps(class_names),… → "
        "(folder / 'names.json').write_text without encoding": "JSON is written in ASCII",
        "L16: (folder / 'names.json').read_text(encoding='utf-8') → "
        "(folder / 'names.json').read_text without encoding": "JSON is written in ASCII",
    },
)

# --- 05.5: curves and claims ------------------------------------------------------------


def _curves(
    a="overfitting",
    b="underfitting",
    c="learning rate too high",
    d="still improving",
    epoch="7",
    claims="['a', 'd', 'f']",
) -> str:
    return f"""diagnoses = {{"A": "{a}", "B": "{b}", "C": "{c}", "D": "{d}"}}
best_epoch = {epoch}
true_claims = {claims}
"""


CURVES = Answers(
    right={
        "as read": _curves(),
        "with capitals": _curves(a="Overfitting", claims="'A, D, F'"),
        "computed": _curves(epoch="np.argmin(TRAININGS['A']['val_loss']) + 1"),
        "a tuple": _curves(epoch="7.0", claims="('f', 'd', 'a')"),
    },
    wrong={
        "A underfits": (_curves(a="underfitting"), "overfitting and underfitting exchanged"),
        "A is healthy": (_curves(a="healthy"), "rise of the validation loss overlooked"),
        "A improves": (_curves(a="still improving"), "training loss taken for quality"),
        "B overfits": (_curves(b="overfitting"), "overfitting and underfitting exchanged"),
        "B is healthy": (_curves(b="healthy"), "small gap taken for quality"),
        "C underfits": (_curves(c="underfitting"), "first epochs overlooked"),
        "D is healthy": (_curves(d="healthy"), "stopped too soon"),
        "D underfits": (_curves(d="underfitting"), "stopped too soon"),
        "C is healthy": (_curves(c="healthy"), None),
        "no such diagnosis": (_curves(d="good"), None),
        "from 0": (_curves(epoch="6"), "counted from 0"),
        "the last": (_curves(epoch="20"), "last epoch"),
        "by accuracy": (
            _curves(epoch="np.argmax(TRAININGS['A']['val_accuracy']) + 1"),
            "accuracy instead of loss",
        ),
        "by accuracy, from 0": (_curves(epoch="12"), "accuracy instead of loss"),
        "all four": (_curves(epoch="[7, 20, 20, 20]"), "not a number"),
        "B is better": (_curves(claims="'abdf'"), "difference within the interval"),
        "small gap": (_curves(claims="'acdf'"), "small gap taken for quality"),
        "temperature": (_curves(claims="'adef'"), "temperature changes the answers"),
        "a missing": (_curves(claims="'df'"), None),
        "d missing": (_curves(claims="'af'"), None),
        "f missing": (_curves(claims="'ad'"), None),
    },
    mutants=False,
)

ANSWERS = {
    "05.1": HAND,
    "05.2": MEASURES,
    "05.3": ERROR,
    "05.4": COLLECT,
    "05.5": CURVES,
}
