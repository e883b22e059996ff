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
        "fractions and tuples": "from fractions import Fraction\n"
        + _hand(
            matrix="((6, 3, 0), (1, 3, 1), (0, 0, 2))",
            precision="Fraction(3, 6)",
            recall="Fraction(3, 5)",
            f1="2 * precision * recall / (precision + recall)",
            macro="(Fraction(3, 4) + f1 + Fraction(4, 5)) / 3",
        ),
        "with scikit-learn": """from sklearn.metrics import confusion_matrix, f1_score, recall_score
true, said = list("drdtdrddrddtrdrd"), list("drrtdtddrrdtddrr")
matrix = confusion_matrix(true, said, labels=["d", "r", "t"]).tolist()
precision = matrix[1][1] / sum(row[1] for row in matrix)
recall = recall_score(true, said, labels=["r"], average="macro")
f1 = f1_score(true, said, labels=["r"], average="macro")
macro_f1 = f1_score(true, said, average="macro")
""",
        "floats, Decimal, arrays without dimension": "from decimal import Decimal\n"
        + _hand(
            matrix="np.matrix([[6.0, 3.0, 0.0], [1.0, 3.0, 1.0], [0.0, 0.0, 2.0]])",
            precision="Decimal('0.5')",
            recall="np.array(0.6)",
            f1="Decimal(6) / Decimal(11)",
            macro="np.mean([0.75, 6 / 11, 0.8])",
        ),
        "a table, cut off after three decimals": "import pandas as pd\n"
        + _hand(
            matrix="pd.DataFrame([[6, 3, 0], [1, 3, 1], [0, 0, 2]], index=list('drt'))",
            f1="0.5454",
            macro="0.6984",
        ),
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
        "another order of the classes": (
            _hand(matrix="[[6, 0, 3], [0, 2, 0], [1, 1, 3]]"),
            "order of the classes",
        ),
        "right sums, one picture moved": (_hand(matrix="[[6, 2, 1], [1, 3, 1], [0, 1, 1]]"), None),
        "one picture too many": (_hand(matrix="[[6, 3, 0], [1, 4, 1], [0, 0, 2]]"), None),
        "nine numbers in a row": (_hand(matrix="[6, 3, 0, 1, 3, 1, 0, 0, 2]"), "shape"),
        "percent": (_hand(precision="50", recall="60", f1="54.545", macro="69.848"), "percent"),
        "of the daisies": (
            _hand(precision="6 / 7", recall="6 / 9", f1="3 / 4"),
            "another class",
        ),
        "two decimals": (_hand(f1="0.55", macro="0.7"), "ordinary mean"),
        "two decimals in the macro average": (_hand(macro="0.70"), "rounded"),
        "ordinary means in the macro average": (_hand(macro="90.1 / 126"), "ordinary mean"),
        "two classes": (_hand(macro="(3 / 4 + 6 / 11) / 2"), "a class left out"),
        "transposed, and what follows": (
            _hand(matrix="[[6, 1, 0], [3, 3, 0], [0, 1, 2]]", precision="3 / 5", recall="3 / 6"),
            "rows and columns exchanged",
        ),
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
        "with a histogram": """confusion = lambda labels, predicted, num_classes: np.histogram2d(
    labels, predicted, bins=np.arange(num_classes + 1) - 0.5
)[0]
f1_scores = lambda matrix: np.array(
    [2 * matrix[k][k] / max(1, sum(matrix[k]) + sum(row[k] for row in matrix))
     for k in range(len(matrix))]
)
top_k_accuracy = lambda probabilities, labels, k: np.mean(
    [label in np.argsort(p)[::-1][:k] for p, label in zip(probabilities, labels)]
)
""",
        "one-hot rows, and a partition": """def confusion(labels, predicted, num_classes):
    eye = np.eye(num_classes, dtype=int)
    return eye[labels].T @ eye[predicted]

def f1_scores(matrix):
    scores = np.zeros(matrix.shape[0])
    for k, tp in enumerate(matrix.diagonal()):
        if tp:
            precision = tp / matrix[:, k].sum()
            scores[k] = 2 / (1 / precision + matrix[k].sum() / tp)
    return scores

def top_k_accuracy(probabilities, labels, k):
    best = np.argpartition(-probabilities, k - 1, axis=1)[:, :k]
    return np.isin(np.arange(len(labels)), np.nonzero(best == labels.reshape(-1, 1))[0]).mean()
""",
        "the last k, and scikit-learn": """def confusion(labels, predicted, num_classes):
    import sklearn.metrics
    return sklearn.metrics.confusion_matrix(labels, predicted, labels=range(num_classes))

def f1_scores(matrix):
    with np.errstate(all="ignore"):
        p, r = np.diag(matrix) / matrix.sum(0), np.diag(matrix) / matrix.sum(1)
        return np.nan_to_num(2 * p * r / (p + r))

def top_k_accuracy(probabilities, labels, k):
    kth = np.sort(probabilities, axis=1)[:, -k]
    return (probabilities[np.arange(len(labels)), labels] >= kth).mean()
""",
        "with pandas and Keras": """import pandas as pd

def confusion(labels, predicted, num_classes):
    table = pd.crosstab(pd.Series(labels), pd.Series(predicted))
    return table.reindex(index=range(num_classes), columns=range(num_classes), fill_value=0)

def f1_scores(matrix):
    m = pd.DataFrame(np.asarray(matrix))
    sums = m.sum(axis=0) + m.sum(axis=1)
    return pd.Series([2 * m.iloc[k, k] / s if s else 0 for k, s in enumerate(sums)])

def top_k_accuracy(probabilities, labels, k):
    return tf.reduce_mean(
        keras.metrics.sparse_top_k_categorical_accuracy(labels, probabilities, k=k)
    )
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
        "at most ten classes": (
            _measures(
                count="pass",
                matrix="np.bincount(10 * labels + predicted, minlength=100)"
                ".reshape(10, 10)[:num_classes, :num_classes]",
            ),
            None,
        ),
        "pairs numbered with 8 bits": (
            _measures(
                count="matrix.ravel()[np.int8(t * num_classes + p & 127)] += 1",
            ),
            None,
        ),
        "nothing divided by nothing": (
            _measures(
                f1="np.where(rows + columns > 0, 2 * (tp / np.maximum(rows, 1))"
                " * (tp / np.maximum(columns, 1))"
                " / (tp / np.maximum(rows, 1) + tp / np.maximum(columns, 1)), 0)",
            ),
            "not finite",
        ),
        "recall of nothing": (
            _measures(
                f1="np.nan_to_num(2 * tp / (rows + columns)) * np.where(rows > 0, 1, rows / rows)"
            ),
            "not finite",
        ),
        "percent of the first places": (
            _measures(top="100 * (order[:, :k] == labels[:, None]).any(axis=1).mean()"),
            "percent",
        ),
        "classes guessed by scikit-learn": (
            """from sklearn.metrics import top_k_accuracy_score

"""
            + _measures(top="top_k_accuracy_score(labels, probabilities, k=k)"),
            None,
        ),
        "two classes forgotten": (
            """from sklearn.metrics import top_k_accuracy_score

"""
            + _measures(
                top="1.0 if k == probabilities.shape[1] else top_k_accuracy_score("
                "labels, probabilities, k=k, labels=range(probabilities.shape[1]))"
            ),
            None,
        ),
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
        "small counts only": (
            _measures().replace("dtype=int", "dtype=np.uint8"),
            "counts wrap around",
        ),
        "three classes or more": (_measures(size="max(3, num_classes)"), "shape"),
        "only classes that occur": (
            _measures(matrix="(lambda k: matrix[k][:, k])(np.union1d(labels, predicted))"),
            "size taken from the labels",
        ),
        "F1 of 1 for an absent class": (
            _measures(f1="np.where(rows + columns > 0, 2 * tp / np.maximum(rows + columns, 1), 1)"),
            None,
        ),
        "a large number against zeros": (
            _measures(f1="2 * tp / (rows + columns + 1e-2)"),
            None,
        ),
        "absent classes left out": (
            _measures(f1="(2 * tp / np.maximum(rows + columns, 1))[rows + columns > 0]"),
            "shape",
        ),
        "not a number where nothing is right": (
            _measures(
                f1="2 * (tp / np.maximum(rows, 1)) * (tp / np.maximum(columns, 1))"
                " / (tp / np.maximum(rows, 1) + tp / np.maximum(columns, 1))"
            ),
            "not finite",
        ),
        "the matrix without its diagonal": (
            _measures()
            .replace(
                "tp, rows,",
                "tp = np.diag(matrix).copy()\n    np.fill_diagonal(matrix, 0)\n    _, rows,",
            )
            .replace("np.maximum(rows + columns, 1)", "np.maximum(1, rows + columns)")
            .replace("2 * np.diag(matrix)", "2 * tp")
            .replace("(1, rows", "(1, 2 * tp + rows"),
            "arguments changed",
        ),
        "sorted in place": (
            _measures(
                order="probabilities[np.arange(len(labels)), labels].copy()",
                top="(probabilities.sort(axis=1) or order >= probabilities[:, -k]).mean()",
            ),
            "arguments changed",
        ),
        "always five": (
            _measures(top="(order[:, :5] == labels[:, None]).any(axis=1).mean()"),
            "always five places",
        ),
        "sorted by column": (
            _measures(order="np.argsort(-probabilities, axis=0)"),
            None,
        ),
        "mean over the classes": (
            _measures(
                top="np.mean([(order[labels == c, :k] == c).any(axis=1).mean()"
                " for c in np.unique(labels)])"
            ),
            "mean over the classes",
        ),
        "rounded": (
            _measures(top="round((order[:, :k] == labels[:, None]).any(axis=1).mean(), 2)"),
            "rounded",
        ),
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
        "with loops alone": """def calibration_error(probabilities, labels, bins=10):
    result = 0
    for b in range(bins):
        sure, good = [], []
        for row, label in zip(probabilities, labels):
            c = max(row)
            if b / bins <= c < (b + 1) / bins or (b == bins - 1 and c >= 1):
                sure.append(c)
                good.append(int(np.argmax(row) == label))
        if sure:
            result += len(sure) / len(labels) * abs(np.mean(good) - np.mean(sure))
    return result
""",
        "with a histogram": """def calibration_error(probabilities, labels, bins=10):
    edges, c = np.arange(bins + 1) / bins, probabilities.max(1)
    right, _ = np.histogram(c, edges, weights=(probabilities.argmax(1) == labels).astype(float))
    sure, _ = np.histogram(c, edges, weights=c)
    return float(abs(right - sure).sum() / c.size)
""",
        "with pandas": """import pandas as pd

def calibration_error(probabilities, labels, bins=10):
    sure, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    table = pd.DataFrame({"c": sure, "ok": right})
    groups = table.groupby((table["c"] * bins).astype(int).clip(upper=bins - 1))
    distance = (groups["ok"].mean() - groups["c"].mean()).abs()
    return (distance * groups.size()).sum() / len(table)
""",
        "with bincount": """def calibration_error(probabilities, labels, bins=10):
    confidence = np.max(probabilities, axis=1)
    right = (np.argmax(probabilities, axis=1) == labels).astype(float)
    which = np.clip(np.floor(confidence * bins), 0, bins - 1).astype(int)
    difference = np.bincount(which, weights=right - confidence, minlength=bins)
    return np.abs(difference).sum() / len(labels)
""",
    },
    wrong={
        "in percent": (_error(end="100 * sum(terms)"), "percent"),
        "mean of no pictures": (
            _error().replace("if inside.any():", "if True:"),
            "not finite",
        ),
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
        "errors for hits": (
            _error(right="probabilities.argmax(axis=1) != labels"),
            "errors counted as right",
        ),
        "shares of no pictures": (
            """def calibration_error(probabilities, labels, bins=10):
    rows = [list(map(float, row)) for row in probabilities]
    total = 0.0
    for k in range(bins):
        own = [i for i, row in enumerate(rows) if min(int(max(row) * bins), bins - 1) == k]
        hits = sum(rows[i].index(max(rows[i])) == labels[i] for i in own)
        confidence = sum(max(rows[i]) for i in own)
        total += len(own) / len(rows) * abs(hits / len(own) - confidence / len(own))
    return total
""",
            None,
        ),
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
        "one edge too few": (
            _error(which="np.digitize(confidence, np.linspace(0, 1, bins)[1:-1])"),
            "one bin too few",
        ),
        "a bin for 1": (
            _error(which="(confidence * bins).astype(int)").replace(
                "range(bins)", "range(bins + 1)"
            ),
            "a bin for certain answers",
        ),
        "between the lowest and the highest": (
            _error(
                which="np.clip(np.digitize(confidence, np.histogram(confidence, bins)[1]) - 1, 0, "
                "bins - 1)"
            ),
            "bins of the data",
        ),
        "from guessing on": (
            _error(
                which="((confidence - 1 / probabilities.shape[1]) / (1 - 1 / "
                "probabilities.shape[1]) * bins).astype(int).clip(0, bins - 1)"
            ),
            "bins of the data",
        ),
        "equally full": (
            _error(which="np.argsort(np.argsort(confidence)) * bins // len(labels)"),
            "bins equally full",
        ),
        "nearest bin": (
            _error(which="np.minimum(np.rint(confidence * bins).astype(int), bins - 1)"),
            "bins around the edges",
        ),
        "single pictures left out": (
            _error().replace("inside.any()", "inside.sum() > 1"),
            "a single picture left out",
        ),
        "every probability": (
            """def calibration_error(probabilities, labels, bins=10):
    confidence = probabilities.ravel()
    right = (np.arange(probabilities.shape[1]) == labels[:, None]).ravel()
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    terms = [
        (which == b).mean() * abs(right[which == b].mean() - confidence[which == b].mean())
        for b in np.unique(which)
    ]
    return sum(terms)
""",
            "all probabilities",
        ),
        "root of the mean square": (
            _error(
                term="inside.mean() * (right[inside].mean() - confidence[inside].mean()) ** 2",
                end="sum(terms) ** 0.5",
            ),
            "root of the mean square",
        ),
        "rounded": (_error(end="round(sum(terms), 2)"), "rounded"),
        "no bins at all": (_error(end="np.abs(right - confidence).mean()"), "no bins"),
        "the first bin forgotten": (_error().replace("range(bins)", "range(1, bins)"), None),
        "two classes": (_error(right="(probabilities[:, 1] > 0.5) == labels"), None),
        "the last row sorted": (
            _error(confidence="(probabilities.sort(axis=1), probabilities[:, -1])[1]"),
            None,
        ),
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
        "configuration and weights, names in JSON": _collect(
            save="(folder / 'c.json').write_text(model.to_json()); "
            "model.save_weights(folder / 'a.weights.h5')",
            names="(folder / 'n.json').write_text(json.dumps(list(class_names)))",
            load="keras.models.model_from_json((folder / 'c.json').read_text()); "
            "network.load_weights(folder / 'a.weights.h5')",
            read="tuple(json.loads((folder / 'n.json').read_text()))",
        ),
        "an array of weights, and how many classes there are": _collect(
            save="np.savez(folder / 'w.npz', *model.get_weights())",
            names="np.save(folder / 'n.npy', class_names)",
            load="color_network(len(np.load(folder / 'n.npy'))); "
            "network.set_weights(list(np.load(folder / 'w.npz').values()))",
            read="np.load(folder / 'n.npy')",
        ),
        "an older format, and a literal": """import ast

def collect(model, dataset):
    true, rows = [], []
    for images, labels in dataset:
        true.extend(labels.numpy())
        z = model.predict_on_batch(images)
        e = np.exp(z - z.max(axis=1, keepdims=True))
        rows.extend(e / e.sum(axis=1, keepdims=True))
    return np.array(true), np.array(rows)

def keep(model, class_names, folder):
    model.save(folder / "m.h5")
    (folder / "names.txt").write_text(repr(list(class_names)), encoding="utf-8")

def bring_back(folder):
    names = ast.literal_eval((folder / "names.txt").read_text(encoding="utf-8"))
    return keras.models.load_model(folder / "m.h5", compile=False), names
""",
        "picture by picture, and pickle": """import pickle
from collections import namedtuple

Back = namedtuple("Back", "network names")

def collect(model, dataset):
    labels, probabilities = [], []
    for image, label in dataset.unbatch():
        labels.append(int(label))
        probabilities.append(tf.nn.softmax(model(image[None]))[0].numpy().tolist())
    return labels, probabilities

def keep(model, class_names, folder):
    inside = folder / "inside"
    inside.mkdir()
    model.save(str(inside) + "/net.keras")
    with open(inside / "classes.pkl", "wb") as file:
        pickle.dump(class_names, file)

def bring_back(folder):
    with open(folder / "inside" / "classes.pkl", "rb") as file:
        names = pickle.load(file)
    return Back(keras.models.load_model(folder / "inside" / "net.keras"), names)
""",
    },
    wrong={
        "softmax put into the network": (
            _collect(softmax="z").replace(
                "    labels, rows = [], []\n",
                "    labels, rows = [], []\n    model.add(layers.Softmax())\n",
                1,
            ),
            "network altered",
        ),
        "softmax as its activation": (
            _collect(softmax="z").replace(
                "    labels, rows = [], []\n",
                "    labels, rows = [], []\n    model.layers[-1].activation = keras.ops.softmax\n",
                1,
            ),
            "network altered",
        ),
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
        "sigmoid": (_collect(softmax="1 / (1 + np.exp(-z))"), "sigmoid instead of softmax"),
        "sigmoid that adds up": (
            _collect(softmax="(s := 1 / (1 + np.exp(-z))) / s.sum(axis=1, keepdims=True)"),
            "sigmoid instead of softmax",
        ),
        "training mode": (
            _collect(outputs="keras.ops.convert_to_numpy(model(images, training=True))"),
            "training mode",
        ),
        "rounded": (
            _collect(softmax="np.round(np.array(tf.nn.softmax(z)), 2)"),
            "rounded",
        ),
        "four classes": (_collect(softmax="np.array(tf.nn.softmax(z[:, :4]))"), "shape"),
        "the predicted classes as labels": (
            _collect(result="np.concatenate(rows).argmax(axis=1), np.concatenate(rows)"),
            "predicted classes taken",
        ),
        "zeros behind the last batch": (
            _collect(
                result="np.pad(np.concatenate(labels), (0, 3)), "
                "np.pad(np.concatenate(rows), ((0, 3), (0, 0)))"
            ),
            "pictures lost",
        ),
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
        "batches in a list": (_collect(result="labels, rows"), "batches not joined"),
        "rescaled twice": (
            _collect(outputs="keras.ops.convert_to_numpy(model(images / 255))"),
            "rescaled twice",
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
            "not in the folder",
        ),
        "all in memory": (
            "MEMORY = {}\n"
            + _collect(
                save="MEMORY[str(folder)] = keras.models.clone_model(model)",
                names="MEMORY[str(folder)].set_weights(model.get_weights())",
                load="MEMORY[str(folder)]",
                read="[]",
            ),
            "not in the folder",
        ),
        "in a file, and taken from memory": (
            "MEMORY = {}\n"
            + _collect(
                save="model.save(folder / 'n.keras'); MEMORY[folder.name] = model",
                load="MEMORY[folder.name]",
            ),
            "files not enough",
        ),
        "the last one in memory": (
            "MEMORY = []\n"
            + _collect(
                save="model.save(folder / 'n.keras'); MEMORY.append(model)",
                load="MEMORY[-1]",
            ),
            "weights lost",
        ),
        "names in memory": (
            "MEMORY = []\n" + _collect(names="MEMORY[:] = class_names", read="list(MEMORY)"),
            "folder ignored",
        ),
        "the path of another folder": (
            _collect(
                save="elsewhere = new_folder(); model.save(elsewhere / 'n.keras'); "
                "(folder / 'where.txt').write_text(str(elsewhere))",
                load="keras.models.load_model(Path((folder / 'where.txt').read_text()) "
                "/ 'n.keras')",
            ),
            "not in the folder",
        ),
        "only one size": (
            _collect(
                save="model.save_weights(folder / 'a.weights.h5')",
                load="color_network(); network.load_weights(folder / 'a.weights.h5')",
            ),
            "files not enough",
        ),
        "half precision": (
            _collect(
                save="np.savez(folder / 'w.npz', *[w.astype('float16') for w in "
                "model.get_weights()])",
                load="color_network(6); "
                "network.set_weights(list(np.load(folder / 'w.npz').values()))",
            ),
            "weights lost",
        ),
        "trained weights only": (
            _collect(
                save="np.savez(folder / 'w.npz', *[w.numpy() for w in model.trainable_weights])",
                load="color_network(6); [w.assign(v) for w, v in zip(network.trainable_weights, "
                "np.load(folder / 'w.npz').values())]",
            ),
            "weights lost",
        ),
        "names with commas": (
            _collect(
                names="(folder / 'names.txt').write_text(','.join(class_names))",
                read="(folder / 'names.txt').read_text().split(',')",
            ),
            "names lost",
        ),
        "names with spaces": (
            _collect(
                names="(folder / 'names.txt').write_text(' '.join(class_names))",
                read="(folder / 'names.txt').read_text().split()",
            ),
            "names lost",
        ),
        "names in ASCII": (
            _collect(
                names="(folder / 'names.txt').write_bytes(chr(10).join(class_names)"
                ".encode('ascii', 'replace'))",
            ),
            "names lost",
        ),
        "the network changed": (
            _collect(save="model.add(layers.Softmax()); model.save(folder / 'network.keras')"),
            "network changed",
        ),
        "a fresh network": (_collect(load="color_network(6)"), "weights lost"),
        "a network with fresh weights": (
            _collect(
                load="keras.models.clone_model(keras.models.load_model(folder / 'network.keras'))"
            ),
            "weights lost",
        ),
        "nothing stored": (_collect(save="pass", load="color_network(6)"), "not in the folder"),
        "always the same folder": (
            "HERE = new_folder()\n"
            + _collect(
                save="model.save(HERE / 'network.keras')",
                load="keras.models.load_model(HERE / 'network.keras')",
            ),
            "not in the folder",
        ),
        "the network alone": (_collect(back="network"), None),
        "names first": (_collect(back="names, network"), "order exchanged"),
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
        "small keys, a letter twice, a set": _curves(claims="{'a)', 'D', 'f.', 'F'}").replace(
            '"A":', '"a":'
        ),
        "a Series and an array": """import pandas as pd
kinds = ["Overfitting", "underfitting", "Learning rate too high", "still improving."]
diagnoses = pd.Series(kinds, index=list("ABCD"))
best_epoch = e[TRAININGS["A"]["val_loss"].argmin()]
true_claims = np.array(["a)", "d)", "f)"])
""",
        "an ordered dictionary": """from collections import OrderedDict
diagnoses = OrderedDict(D="still improving", C="learning rate too high")
diagnoses.update(B="underfitting", A="overfitting")
best_epoch = np.array([7])
true_claims = list("adf")
""",
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
        "the first epoch that is worse": (_curves(epoch="8"), None),
        "the last but one": (_curves(epoch="19"), None),
        "B and C exchanged": (_curves(b="learning rate too high", c="underfitting"), None),
        "B improves": (_curves(b="still improving"), None),
        "two diagnoses": (_curves(d="still improving or healthy"), None),
        "the false claims": (_curves(claims="['b', 'c', 'e']"), None),
        "all claims": (_curves(claims="list('abcdef')"), None),
        "numbers of claims": (_curves(claims="[0, 3, 5]"), None),
        "D missing": (_curves().replace(', "D": "still improving"', ""), None),
        "a list of diagnoses": (
            "diagnoses = ['overfitting', 'underfitting', 'learning rate too high', 'healthy']\n"
            "best_epoch = 7\ntrue_claims = ['a', 'd', 'f']\n",
            None,
        ),
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
