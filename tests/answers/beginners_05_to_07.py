"""Exercises 05 to 07; see :mod:`answers.beginners`."""

from __future__ import annotations

# ruff: noqa: E501

RIGHT: dict[str, dict[str, str]] = {}
WRONG: dict[str, dict[str, tuple[str, str]]] = {}

_REST = "# The rest is that of the solution.\n"

# --- 05 · evaluation ---------------------------------------------------------------------------

_PAPER = """\
is_ = "drdtdrddrddtrdrd"
taken = "drrtdtddrrdtddrr"
names = "drt"
matrix = [[sum(a == t and b == p for a, b in zip(is_, taken)) for p in names] for t in names]
precision = matrix[1][1] / sum(row[1] for row in matrix)
recall = matrix[1][1] / sum(matrix[1])
all_f1 = [2 * matrix[k][k] / (sum(matrix[k]) + sum(row[k] for row in matrix)) for k in range(3)]
f1 = all_f1[1]
macro_f1 = sum(all_f1) / 3
"""
RIGHT["05.1"] = {
    "counted by a program": _PAPER,
    "by scikit-learn": """\
from sklearn import metrics

is_, taken = list("drdtdrddrddtrdrd"), list("drrtdtddrrdtddrr")
matrix = metrics.confusion_matrix(is_, taken)
precision, recall, f1, _ = (values[1] for values in metrics.precision_recall_fscore_support(is_, taken)[:3] + (np.zeros(3),))
macro_f1 = metrics.f1_score(is_, taken, average="macro")
""",
    "as a table": _PAPER
    + "import pandas as pd\n\nmatrix = pd.DataFrame(matrix, index=list('drt'), columns=list('drt'))\n",
}
WRONG["05.1"] = {
    "transposed": (_PAPER + "matrix = np.transpose(matrix)\n", "rows are predictions"),
    "precision and recall exchanged": (
        _PAPER + "precision, recall = recall, precision\n",
        "exchanged",
    ),
    "of daisy": (_PAPER.replace("[1][1]", "[0][0]"), "another class"),
    "f1 as a mean": (_PAPER + "f1 = (precision + recall) / 2\n", "arithmetic mean"),
    "micro": (_PAPER + "macro_f1 = sum(matrix[k][k] for k in range(3)) / 16\n", "accuracy"),
    "weighted": (
        _PAPER + "macro_f1 = np.average(all_f1, weights=np.sum(matrix, axis=1))\n",
        "weighted by frequency",
    ),
    "shares": (_PAPER + "matrix = np.array(matrix) / 16\n", "shares instead of counts"),
    "rows of shares": (
        _PAPER + "matrix = np.array(matrix) / np.sum(matrix, axis=1, keepdims=True)\n",
        "shares",
    ),
    "percent": (_PAPER + "recall = 100 * recall\n", "percent"),
    "two decimals": (
        _PAPER
        + "precision, recall, f1, macro_f1 = [round(x, 1) for x in (precision, recall, f1, macro_f1)]\n",
        "rounded",
    ),
    "order t r d": (_PAPER.replace('names = "drt"', 'names = "trd"'), "another order"),
}

RIGHT["05.2"] = {
    "dictionaries and lists": """\
def confusion(labels, predicted, num_classes):
    from collections import Counter

    pairs = Counter(zip(labels.tolist(), predicted.tolist()))
    return [[pairs[t, p] for p in range(num_classes)] for t in range(num_classes)]


def f1_scores(matrix):
    scores = []
    for k in range(len(matrix)):
        both = sum(matrix[k]) + sum(row[k] for row in matrix)
        scores.append(2 * matrix[k][k] / both if both > 0 else 0)
    return scores


def top_k_accuracy(probabilities, labels, k):
    hits = 0
    for row, label in zip(probabilities, labels):
        hits += label in sorted(range(len(row)), key=lambda c: -row[c])[:k]
    return hits / len(labels)
""",
    "libraries": """\
import sklearn.metrics


def confusion(labels, predicted, num_classes):
    return tf.math.confusion_matrix(labels, predicted, num_classes=num_classes)


def f1_scores(matrix):
    true = np.repeat(np.arange(len(matrix)), np.sum(matrix, axis=1))
    taken = np.concatenate([np.repeat(np.arange(len(matrix)), row) for row in matrix])
    return sklearn.metrics.f1_score(true, taken, average=None, labels=np.arange(len(matrix)), zero_division=0)


def top_k_accuracy(probabilities, labels, k):
    return keras.metrics.sparse_top_k_categorical_accuracy(labels, probabilities, k=k).numpy().mean()
""",
    "rank of the right class": _REST
    + """\
def top_k_accuracy(probabilities, labels, k):
    own = probabilities[range(len(labels)), labels]
    return np.count_nonzero((probabilities > own[:, None]).sum(axis=1) < k) / len(labels)
""",
    "one-hot product": _REST
    + """\
def confusion(labels, predicted, num_classes):
    eye = np.eye(num_classes)
    return eye[labels].T @ eye[predicted]
""",
}
WRONG["05.2"] = {
    "transposed": (
        _REST
        + "def confusion(labels, predicted, num_classes):\n    return np.array([[np.sum((predicted == r) & (labels == c)) for c in range(num_classes)] for r in range(num_classes)])\n",
        "rows are predictions",
    ),
    "without absent classes": (
        _REST
        + "from sklearn.metrics import confusion_matrix\n\n\ndef confusion(labels, predicted, num_classes):\n    return confusion_matrix(labels, predicted)\n",
        "absent classes are left out",
    ),
    "buffered": (
        _REST
        + "def confusion(labels, predicted, num_classes):\n    m = np.zeros((num_classes, num_classes), int)\n    m[labels, predicted] += 1\n    return m\n",
        "each pair counts once",
    ),
    "small counter": (
        _REST
        + "def confusion(labels, predicted, num_classes):\n    m = np.zeros((num_classes, num_classes), 'int8')\n    np.add.at(m, (labels, predicted), 1)\n    return np.minimum(m, 9)\n",
        "counts end at 9",
    ),
    "F1 of rows": (
        _REST
        + "def f1_scores(matrix):\n    return np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1)\n",
        "recall",
    ),
    "F1 not a number": (
        _REST
        + "def f1_scores(matrix):\n    p = np.diag(matrix) / matrix.sum(axis=0)\n    r = np.diag(matrix) / matrix.sum(axis=1)\n    return 2 * p * r / (p + r)\n",
        "nan where a class is absent",
    ),
    "F1 of 1 for absent classes": (
        _REST
        + "def f1_scores(matrix):\n    both = matrix.sum(0) + matrix.sum(1)\n    return np.where(both == 0, 1.0, 2 * np.diag(matrix) / np.maximum(both, 1))\n",
        "1 instead of 0",
    ),
    "F1 in whole numbers": (
        _REST
        + "def f1_scores(matrix):\n    return 2 * np.diag(matrix) // np.maximum(matrix.sum(0) + matrix.sum(1), 1)\n",
        "whole numbers",
    ),
    "F1 without the two": (
        _REST
        + "def f1_scores(matrix):\n    return np.diag(matrix) / np.maximum(matrix.sum(0) + matrix.sum(1) - np.diag(matrix), 1)\n",
        "IoU",
    ),
    "mean of both": (
        _REST
        + "def f1_scores(matrix):\n    p = np.diag(matrix) / np.maximum(matrix.sum(axis=0), 1)\n    r = np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1)\n    return (p + r) / 2\n",
        "arithmetic mean",
    ),
    "one F1": (
        _REST
        + "def f1_scores(matrix):\n    both = np.maximum(matrix.sum(0) + matrix.sum(1), 1)\n    return (2 * np.diag(matrix) / both).mean()\n",
        "one number",
    ),
    "changed matrix": (
        _REST
        + "def f1_scores(matrix):\n    both = np.maximum(matrix.sum(0) + matrix.sum(1), 1)\n    d = np.diag(matrix).copy()\n    matrix[:] = 0\n    return 2 * d / both\n",
        "the matrix is emptied",
    ),
    "the least probable": (
        _REST
        + "def top_k_accuracy(probabilities, labels, k):\n    top = np.argsort(probabilities, axis=1)[:, :k]\n    return np.mean([l in t for l, t in zip(labels, top)])\n",
        "smallest first",
    ),
    "the k-th alone": (
        _REST
        + "def top_k_accuracy(probabilities, labels, k):\n    return np.mean(np.argsort(-probabilities, axis=1)[:, k - 1] == labels)\n",
        "only place k",
    ),
    "one more": (
        _REST
        + "def top_k_accuracy(probabilities, labels, k):\n    top = np.argsort(-probabilities, axis=1)[:, :k + 1]\n    return np.mean([l in t for l, t in zip(labels, top)])\n",
        "k + 1 places",
    ),
    "count": (
        _REST
        + "def top_k_accuracy(probabilities, labels, k):\n    top = np.argsort(-probabilities, axis=1)[:, :k]\n    return sum(l in t for l, t in zip(labels, top))\n",
        "a count instead of a share",
    ),
    "any label of the batch": (
        _REST
        + "def top_k_accuracy(probabilities, labels, k):\n    top = np.argsort(-probabilities, axis=1)[:, :k]\n    return np.mean(np.isin(labels, top))\n",
        "in the top k of any picture",
    ),
    "divided by k": (
        _REST
        + "def top_k_accuracy(probabilities, labels, k):\n    top = np.argsort(-probabilities, axis=1)[:, :k]\n    return np.mean(top == labels[:, None])\n",
        "hits are divided by k",
    ),
    "k of 3": (
        _REST
        + "def top_k_accuracy(probabilities, labels, k=3):\n    top = np.argsort(-probabilities, axis=1)[:, :3]\n    return np.mean([l in t for l, t in zip(labels, top)])\n",
        "k is not used",
    ),
}

_ECE = """\
def calibration_error(probabilities, labels, bins=10):
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return error
"""
RIGHT["05.3"] = {
    "loop over edges": _ECE.replace(
        "place == b", "(confidence >= b / bins) & ((confidence < (b + 1) / bins) | (b == bins - 1))"
    ),
    "bincount": """\
def calibration_error(probabilities, labels, bins=10):
    c = np.max(probabilities, axis=1)
    k = np.clip(np.digitize(c, np.linspace(0, 1, bins + 1)) - 1, 0, bins - 1)
    d = (np.argmax(probabilities, axis=1) == labels) - c
    return np.abs(np.bincount(k, d, bins)).sum() / len(c)
""",
    "pandas": """\
import pandas as pd


def calibration_error(probabilities, labels, bins=10):
    t = pd.DataFrame({"c": probabilities.max(1), "r": (probabilities.argmax(1) == labels).astype(float)})
    g = t.groupby(pd.cut(t.c, np.linspace(0, 1, bins + 1), include_lowest=True), observed=True)
    return float((g.size() / len(t) * (g.r.mean() - g.c.mean()).abs()).sum())
""",
}
WRONG["05.3"] = {
    "not weighted": (
        _ECE.replace("inside.mean() * abs", "1 / bins * abs"),
        "every bin counts the same",
    ),
    "with the sign": (_ECE.replace("abs(", "("), "signs cancel"),
    "squared": (
        _ECE.replace(
            "abs(right[inside].mean() - confidence[inside].mean())",
            "(right[inside].mean() - confidence[inside].mean()) ** 2",
        ),
        "squared",
    ),
    "ten bins always": (
        _ECE.replace("    confidence", "    bins = 10\n    confidence", 1),
        "bins is not used",
    ),
    "largest of all": (
        _ECE.replace("error += inside.mean() * abs(", "error = max(error, ").replace(
            "confidence[inside].mean())",
            "confidence[inside].mean(), confidence[inside].mean() - right[inside].mean())",
        ),
        "the largest distance",
    ),
    "confidence of the label": (
        _ECE.replace("probabilities.max(axis=1)", "probabilities[np.arange(len(labels)), labels]"),
        "the probability of the right class",
    ),
    "equally filled": (
        _ECE.replace(
            "np.minimum((confidence * bins).astype(int), bins - 1)",
            "np.argsort(np.argsort(confidence)) * bins // len(confidence)",
        ),
        "bins with as many pictures",
    ),
    "one lost": (
        _ECE.replace(
            "np.minimum((confidence * bins).astype(int), bins - 1)",
            "(confidence * bins).astype(int)",
        ),
        "a confidence of 1 is left out",
    ),
    "rounded places": (
        _ECE.replace("(confidence * bins).astype(int)", "np.rint(confidence * bins).astype(int)"),
        "bins are moved by half",
    ),
    "from 0.5": (
        _ECE.replace("(confidence * bins)", "((confidence - 0.5) * 2 * bins)"),
        "bins from 0.5 to 1",
    ),
    "overall": (
        _ECE.replace("    place", "    return abs(right.mean() - confidence.mean())\n    place"),
        "one bin",
    ),
    "per full bin": (
        _ECE.replace("    return error", "    return error / len(np.unique(place))"),
        "divided by the number of bins",
    ),
    "rounded": (_ECE.replace("return error", "return round(error, 2)"), "rounded"),
    "all probabilities": (
        """\
def calibration_error(probabilities, labels, bins=10):
    confidence = probabilities.ravel()
    right = np.eye(probabilities.shape[1])[labels].ravel()
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return sum((place == b).mean() * abs(right[place == b].mean() - confidence[place == b].mean()) for b in np.unique(place))
""",
        "all classes instead of the most probable one",
    ),
}

_KEEP = """\
import json


def collect(model, dataset):
    labels, rows = [], []
    for images, y in dataset:
        rows.append(tf.nn.softmax(model(images, training=False)).numpy())
        labels.append(y.numpy())
    return np.concatenate(labels), np.concatenate(rows)


def keep(model, class_names, folder):
    model.save(folder / "network.keras")
    (folder / "names.json").write_text(json.dumps(list(class_names)))


def bring_back(folder):
    return keras.models.load_model(folder / "network.keras"), json.loads((folder / "names.json").read_text())
"""
RIGHT["05.4"] = {
    "model and json": _KEEP,
    "predict on each batch": _KEEP.replace(
        "tf.nn.softmax(model(images, training=False)).numpy()",
        "keras.ops.convert_to_numpy(keras.activations.softmax(keras.ops.convert_to_tensor(model.predict_on_batch(images))))",
    ),
    "configuration and weights": _KEEP.replace(
        'model.save(folder / "network.keras")',
        '(folder / "network.json").write_text(model.to_json())\n    model.save_weights(folder / "network.weights.h5")',
    ).replace(
        '    return keras.models.load_model(folder / "network.keras"),',
        '    model = keras.models.model_from_json((folder / "network.json").read_text())\n    model.load_weights(folder / "network.weights.h5")\n    return model,',
    ),
    "names as an array": _KEEP.replace(
        '(folder / "names.json").write_text(json.dumps(list(class_names)))',
        'np.save(folder / "names.npy", np.array(class_names))',
    ).replace(
        'json.loads((folder / "names.json").read_text())', 'np.load(folder / "names.npy").tolist()'
    ),
    "names in a pickle": _KEEP.replace(
        '(folder / "names.json").write_text(json.dumps(list(class_names)))',
        'import pickle\n    (folder / "names").write_bytes(pickle.dumps(class_names))',
    ).replace(
        'json.loads((folder / "names.json").read_text())',
        '__import__("pickle").loads((folder / "names").read_bytes())',
    ),
    "names line by line": _KEEP.replace(
        '(folder / "names.json").write_text(json.dumps(list(class_names)))',
        '(folder / "names.txt").write_text("\\n".join(class_names), encoding="utf-8")',
    ).replace(
        'json.loads((folder / "names.json").read_text())',
        '(folder / "names.txt").read_text(encoding="utf-8").split("\\n")',
    ),
    "pictures kept first": _KEEP.replace(
        "    for images, y in dataset:\n",
        "    for images, y in list(dataset.as_numpy_iterator()):\n",
    ).replace("y.numpy()", "y"),
}
WRONG["05.4"] = {
    "two passes": (
        _KEEP.replace(
            "    labels, rows = [], []\n    for images, y in dataset:\n        rows.append(tf.nn.softmax(model(images, training=False)).numpy())\n        labels.append(y.numpy())\n    return np.concatenate(labels), np.concatenate(rows)",
            "    labels = np.concatenate([y for _, y in dataset])\n    return labels, tf.nn.softmax(model.predict(dataset, verbose=0)).numpy()",
        ),
        "the dataset is read twice, in two orders",
    ),
    "logits": (
        _KEEP.replace(
            "tf.nn.softmax(model(images, training=False))", "model(images, training=False)"
        ),
        "logits",
    ),
    "first batch": (_KEEP.replace("in dataset:", "in dataset.take(1):"), "the first batch only"),
    "training mode": (_KEEP.replace("training=False", "training=True"), "batch statistics"),
    "sigmoid": (_KEEP.replace("tf.nn.softmax", "tf.nn.sigmoid"), "sigmoid"),
    "softmax over the batch": (
        _KEEP.replace("training=False))", "training=False), axis=0)"),
        "the wrong axis",
    ),
    "predictions instead of labels": (
        _KEEP.replace("labels.append(y.numpy())", "labels.append(rows[-1].argmax(axis=1))"),
        "predicted classes",
    ),
    "sorted labels": (
        _KEEP.replace("return np.concatenate(labels),", "return np.sort(np.concatenate(labels)),"),
        "labels are sorted",
    ),
    "last batch lost": (
        _KEEP.replace(
            "        rows.append", "        if len(y) < 8:\n            break\n        rows.append"
        ),
        "the last batch is left out",
    ),
    "probabilities first": (
        _KEEP.replace(
            "return np.concatenate(labels), np.concatenate(rows)",
            "return np.concatenate(rows), np.concatenate(labels)",
        ),
        "exchanged",
    ),
    "kept in memory": (
        _KEEP.replace('model.save(folder / "network.keras")', "MEMORY[folder] = model")
        .replace('keras.models.load_model(folder / "network.keras")', "MEMORY[folder]")
        .replace("import json", "import json\n\nMEMORY = {}"),
        "the network is not in the folder",
    ),
    "weights alone": (
        _KEEP.replace(
            'model.save(folder / "network.keras")',
            'model.save_weights(folder / "network.weights.h5")',
        ).replace(
            '    return keras.models.load_model(folder / "network.keras"),',
            '    model = color_network()\n    model.load_weights(folder / "network.weights.h5")\n    return model,',
        ),
        "four classes only",
    ),
    "names sorted": (_KEEP.replace("list(class_names)", "sorted(class_names)"), "another order"),
    "split at commas": (
        _KEEP.replace("json.dumps(list(class_names))", '",".join(class_names)').replace(
            'json.loads((folder / "names.json").read_text())',
            '(folder / "names.json").read_text().split(",")',
        ),
        "commas in names",
    ),
}

_CURVES = """\
diagnoses = {"A": "overfitting", "B": "underfitting", "C": "learning rate too high", "D": "still improving"}
best_epoch = int(np.argmin(TRAININGS["A"]["val_loss"])) + 1
true_claims = ["a", "d", "f"]
"""
RIGHT["05.5"] = {
    "other containers": _CURVES.replace('["a", "d", "f"]', '("f", "d", "a")').replace(
        "int(np.argmin", "(np.argmin"
    ),
    "zip": _CURVES
    + 'diagnoses = dict(zip("ABCD", ("overfitting", "underfitting", "learning rate too high", "still improving")))\n',
}
WRONG["05.5"] = {
    "from 0": (_CURVES.replace(" + 1", ""), "counted from 0"),
    "of the accuracy": (
        _CURVES.replace(
            'argmin(TRAININGS["A"]["val_loss"])', 'argmax(TRAININGS["A"]["val_accuracy"])'
        ),
        "the best accuracy",
    ),
    "of the training loss": (_CURVES.replace('"val_loss"', '"loss"'), "training loss"),
    "B and D exchanged": (
        _CURVES.replace('"B"', '"X"').replace('"D"', '"B"').replace('"X"', '"D"'),
        "exchanged",
    ),
    "all healthy": (_CURVES + 'diagnoses = dict.fromkeys("ABCD", "healthy")\n', "none is healthy"),
    "b true": (_CURVES.replace('"a", ', '"a", "b", '), "b is false"),
    "e true": (_CURVES.replace('"f"]', '"e", "f"]'), "e is false"),
    "f missing": (_CURVES.replace(', "f"]', "]"), "f is true"),
    "C is underfitting": (_CURVES.replace("learning rate too high", "underfitting"), "C"),
    "one missing": (_CURVES + 'del diagnoses["C"]\n', "no diagnosis of C"),
}

# --- 06 · error analysis -----------------------------------------------------------------------

_TWELVE = 'confused = ("tulips", "roses")\nshare = 2 / 4\nworst = 7\nworst_loss = -np.log(0.04)\n'
RIGHT["06.1"] = {
    "math and a list": 'import math\n\nconfused = ["tulips", "roses"]\nshare = 0.5\nworst = 7\nworst_loss = math.log(25)\n',
    "an array of names": _TWELVE + "confused = np.array(confused)\nworst = np.int32(worst)\n",
}
WRONG["06.1"] = {
    "exchanged names": (_TWELVE.replace('("tulips", "roses")', '("roses", "tulips")'), "exchanged"),
    "share of all": (_TWELVE.replace("2 / 4", "2 / 12"), "of all pictures"),
    "share of the errors": (_TWELVE.replace("2 / 4", "2 / 5"), "of the errors"),
    "share of the predictions": (_TWELVE.replace("2 / 4", "2 / 6"), "of what was taken for roses"),
    "most confident": (
        _TWELVE.replace("worst = 7", "worst = 1").replace("0.04", "0.2"),
        "the most confident error",
    ),
    "log 10": (_TWELVE.replace("np.log", "np.log10"), "another logarithm"),
    "of the wrong class": (_TWELVE.replace("0.04", "0.52"), "the predicted class"),
    "minus lost": (_TWELVE.replace("-np.log", "np.log"), "negative"),
    "counted from 0": (_TWELVE.replace("worst = 7", "worst = 6"), "counted from 0"),
    "difference": (_TWELVE.replace("-np.log(0.04)", "1 - 0.04"), "no cross-entropy"),
    "one text": (_TWELVE.replace('("tulips", "roses")', '"tulips, roses"'), "one text"),
}

_PAIRS = """\
def confused_pairs(labels, predicted, class_names):
    counts = {}
    for t, p in zip(labels.tolist(), predicted.tolist()):
        if t != p:
            counts[t, p] = counts.get((t, p), 0) + 1
    order = sorted(counts, key=lambda pair: (-counts[pair], pair))
    return [(class_names[t], class_names[p], counts[t, p]) for t, p in order]
"""
RIGHT["06.2"] = {
    "stable sorting": """\
def confused_pairs(labels, predicted, class_names):
    found = []
    for t, true in enumerate(class_names):
        for p, taken in enumerate(class_names):
            n = np.count_nonzero((labels == t) & (predicted == p))
            if t != p and n > 0:
                found += [(true, taken, n)]
    found.sort(key=lambda one: one[2], reverse=True)
    return found
""",
    "pandas": """\
import pandas as pd


def confused_pairs(labels, predicted, class_names):
    t = pd.DataFrame({"t": labels, "p": predicted})
    t = t[t.t != t.p].groupby(["t", "p"]).size().reset_index(name="n").sort_values("n", ascending=False, kind="stable")
    return [(class_names[a], class_names[b], int(n)) for a, b, n in t.itertuples(index=False)]
""",
    "Counter and np.unique": """\
from collections import Counter


def confused_pairs(labels, predicted, class_names):
    wrong = labels != predicted
    pairs = np.stack([labels[wrong], predicted[wrong]], axis=1)
    unique, n = np.unique(pairs, axis=0, return_counts=True)
    return [[class_names[unique[k][0]], class_names[unique[k][1]], n[k]] for k in np.argsort(-n, kind="stable")]
""",
}
WRONG["06.2"] = {
    "most_common": (
        """\
from collections import Counter


def confused_pairs(labels, predicted, class_names):
    pairs = Counter((t, p) for t, p in zip(labels, predicted) if t != p)
    return [(class_names[t], class_names[p], n) for (t, p), n in pairs.most_common()]
""",
        "equal pairs stand in the order in which they occur",
    ),
    "alphabet": (
        _PAIRS.replace(
            "(-counts[pair], pair))", "(-counts[pair], class_names[pair[0]], class_names[pair[1]]))"
        ),
        "alphabetical",
    ),
    "rare first": (_PAIRS.replace("-counts[pair]", "counts[pair]"), "rare pairs first"),
    "right ones too": (_PAIRS.replace("if t != p", "if True"), "right answers are in the list"),
    "predicted first": (
        _PAIRS.replace("(class_names[t], class_names[p],", "(class_names[p], class_names[t],"),
        "exchanged",
    ),
    "numbers": (_PAIRS.replace("class_names[t], class_names[p]", "t, p"), "no names"),
    "reversed": (
        _PAIRS.replace(
            "key=lambda pair: (-counts[pair], pair))",
            "key=lambda pair: (counts[pair], pair), reverse=True)",
        ),
        "equal pairs from the back",
    ),
    "order of the predicted class": (
        _PAIRS.replace("(-counts[pair], pair))", "(-counts[pair], pair[::-1]))"),
        "first by the predicted class",
    ),
    "both directions together": (
        """\
def confused_pairs(labels, predicted, class_names):
    counts = {}
    for t, p in zip(labels.tolist(), predicted.tolist()):
        if t != p:
            key = (min(t, p), max(t, p))
            counts[key] = counts.get(key, 0) + 1
    order = sorted(counts, key=lambda pair: (-counts[pair], pair))
    return [(class_names[t], class_names[p], counts[t, p]) for t, p in order]
""",
        "the two directions are added up",
    ),
    "zeros": (
        """\
def confused_pairs(labels, predicted, class_names):
    n = len(class_names)
    found = [(class_names[t], class_names[p], int(((labels == t) & (predicted == p)).sum())) for t in range(n) for p in range(n) if t != p]
    return sorted(found, key=lambda one: -one[2])
""",
        "pairs that never happened",
    ),
    "first alone": (
        _PAIRS.replace("for t, p in order]", "for t, p in order][:1]"),
        "only the first pair",
    ),
    "None without errors": (
        _PAIRS.replace("    order", "    if not counts:\n        return None\n    order"),
        "None instead of an empty list",
    ),
    "shares": (
        _PAIRS.replace(
            "class_names[p], counts[t, p])", "class_names[p], counts[t, p] / len(labels))"
        ),
        "shares",
    ),
}

RIGHT["06.3"] = {
    "lists": """\
import random


def make_folds(labels, folds, seed):
    dice = random.Random(int(seed))
    result = [None] * len(labels)
    for c in set(int(x) for x in labels):
        mine = [k for k, x in enumerate(labels) if x == c]
        dice.shuffle(mine)
        for place, k in enumerate(mine):
            result[k] = place % folds
    return result


def out_of_fold(fit, images, labels, fold):
    fold = np.asarray(fold)
    rows = {}
    for f in sorted(set(fold.tolist())):
        judge = fit(images[fold != f], labels[fold != f])
        for k, row in zip(np.flatnonzero(fold == f), judge(images[fold == f])):
            rows[k] = row
    return [rows[k] for k in range(len(images))]
""",
    "scikit-learn": """\
from sklearn.model_selection import StratifiedKFold


def make_folds(labels, folds, seed):
    fold = np.zeros(len(labels), int)
    for c in np.unique(labels):
        members = np.where(labels == c)[0]
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed + 100 * int(c))
        for k, (_, test) in enumerate(splitter.split(members, np.zeros(len(members)))):
            fold[members[test]] = k
    return fold


def out_of_fold(fit, images, labels, fold):
    out = np.full((len(labels), 3), np.nan)
    for k in range(max(fold) + 1):
        test = fold == k
        if test.any():
            out[test] = fit(images[~test], labels[~test])(images[test])
    return out
""",
    "order by random numbers": _REST
    + """\
def make_folds(labels, folds, seed):
    dice = np.random.default_rng(seed).random(len(labels))
    fold = np.empty(len(labels), dtype=np.int8)
    for c in np.unique(labels):
        members = np.flatnonzero(labels == c)
        fold[members[np.argsort(dice[members])]] = np.arange(len(members)) % folds
    return fold
""",
}
WRONG["06.3"] = {
    "not stratified": (
        _REST
        + "def make_folds(labels, folds, seed):\n    return np.random.default_rng(seed).permutation(len(labels)) % folds\n",
        "classes are not spread",
    ),
    "independent dice": (
        _REST
        + "def make_folds(labels, folds, seed):\n    return np.random.default_rng(seed).integers(0, folds, len(labels))\n",
        "only about as many",
    ),
    "no chance": (
        _REST
        + "def make_folds(labels, folds, seed):\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        fold[labels == c] = np.arange((labels == c).sum()) % folds\n    return fold\n",
        "the seed is not used",
    ),
    "only rotated": (
        _REST
        + "def make_folds(labels, folds, seed):\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        fold[labels == c] = (np.arange((labels == c).sum()) + seed) % folds\n    return fold\n",
        "the same pictures stay together",
    ),
    "numbers of folds shuffled": (
        _REST
        + "def make_folds(labels, folds, seed):\n    names = np.random.default_rng(seed).permutation(folds)\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        fold[labels == c] = names[np.arange((labels == c).sum()) % folds]\n    return fold\n",
        "only the numbers change",
    ),
    "from 1": (
        _REST
        + "def make_folds(labels, folds, seed):\n    rng = np.random.default_rng(seed)\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        n = (labels == c).sum()\n        fold[labels == c] = rng.permutation(np.arange(n) % folds) + 1\n    return fold\n",
        "folds are counted from 1",
    ),
    "five folds": (
        _REST
        + "def make_folds(labels, folds, seed):\n    rng = np.random.default_rng(seed)\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        n = (labels == c).sum()\n        fold[labels == c] = rng.permutation(np.arange(n) % 5)\n    return fold\n",
        "folds is not used",
    ),
    "clock": (
        _REST
        + "def make_folds(labels, folds, seed):\n    rng = np.random.default_rng()\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        n = (labels == c).sum()\n        fold[labels == c] = rng.permutation(np.arange(n) % folds)\n    return fold\n",
        "each call differs",
    ),
    "last fold takes the rest": (
        _REST
        + "def make_folds(labels, folds, seed):\n    rng = np.random.default_rng(seed)\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        n = (labels == c).sum()\n        fold[labels == c] = rng.permutation(np.minimum(np.arange(n) // (n // folds), folds - 1))\n    return fold\n",
        "the last fold gets all that is left over",
    ),
    "pairs stay together": (
        _REST
        + "def make_folds(labels, folds, seed):\n    rng = np.random.default_rng(seed)\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        p = np.flatnonzero(labels == c)\n        blocks = np.array_split(p, folds)\n        for k, b in enumerate(rng.permutation(folds)):\n            fold[blocks[b]] = k\n    return fold\n",
        "neighbors together",
    ),
    "learns its own fold": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    for k in np.unique(fold):\n        out[fold == k] = fit(images[fold == k], labels[fold == k])(images[fold == k])\n    return out\n",
        "judged by what has seen them",
    ),
    "learns all": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    for k in np.unique(fold):\n        out[fold == k] = fit(images, labels)(images[fold == k])\n    return out\n",
        "judged by what has seen them",
    ),
    "judges the others": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    for k in np.unique(fold):\n        out[fold != k] = fit(images[fold == k], labels[fold == k])(images[fold != k])\n    return out\n",
        "learns from one fold, judges the others",
    ),
    "fold by fold": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    return np.concatenate([fit(images[fold != k], labels[fold != k])(images[fold == k]) for k in np.unique(fold)])\n",
        "in the order of the folds",
    ),
    "next fold only": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    n = max(fold) + 1\n    for k in range(n):\n        other = fold == (k + 1) % n\n        out[fold == k] = fit(images[other], labels[other])(images[fold == k])\n    return out\n",
        "learns from one other fold",
    ),
    "only earlier folds": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    for k in np.unique(fold):\n        other = fold < k if k else fold > k\n        out[fold == k] = fit(images[other], labels[other])(images[fold == k])\n    return out\n",
        "learns from earlier folds",
    ),
    "by_neighbors": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    for k in np.unique(fold):\n        out[fold == k] = by_neighbors(images[fold != k], labels[fold != k])(images[fold == k])\n    return out\n",
        "fit is not used",
    ),
    "classes": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros(len(images), int)\n    for k in np.unique(fold):\n        out[fold == k] = fit(images[fold != k], labels[fold != k])(images[fold == k]).argmax(1)\n    return out\n",
        "classes instead of rows",
    ),
    "last fold forgotten": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    for k in range(max(fold)):\n        out[fold == k] = fit(images[fold != k], labels[fold != k])(images[fold == k])\n    return out\n",
        "the last fold stays zero",
    ),
    "five always": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    for k in range(5):\n        out[fold == k] = fit(images[fold != k], labels[fold != k])(images[fold == k])\n    return out\n",
        "five folds are taken for granted",
    ),
}

_DISPUTED = """\
def thresholds(probabilities, labels):
    return np.array([probabilities[labels == c, c].mean() for c in range(probabilities.shape[1])])


def disputed(probabilities, labels):
    limits = thresholds(probabilities, labels)
    rows = np.arange(len(labels))
    reached = probabilities >= limits
    reached[rows, labels] = False
    return reached.any(axis=1) & (probabilities.argmax(axis=1) != labels)
"""
RIGHT["06.4"] = {
    "loops": """\
def thresholds(probabilities, labels):
    result = []
    for c in range(len(probabilities[0])):
        own = [row[c] for row, label in zip(probabilities, labels) if label == c]
        result.append(sum(own) / len(own))
    return result


def disputed(probabilities, labels):
    limits = thresholds(probabilities, labels)
    result = []
    for row, label in zip(probabilities, labels):
        reached = [c for c in range(len(row)) if c != label and row[c] >= limits[c]]
        result.append(int(bool(reached) and max(row) > row[label]))
    return result
""",
    "one-hot": _DISPUTED.replace(
        "np.array([probabilities[labels == c, c].mean() for c in range(probabilities.shape[1])])",
        "(probabilities * np.eye(probabilities.shape[1])[labels]).sum(0) / np.bincount(labels, minlength=probabilities.shape[1])",
    ),
}
WRONG["06.4"] = {
    "mean of the column": (
        _DISPUTED.replace("probabilities[labels == c, c].mean()", "probabilities[:, c].mean()"),
        "all pictures",
    ),
    "where predicted": (
        _DISPUTED.replace("labels == c, c", "probabilities.argmax(1) == c, c"),
        "where the class is predicted",
    ),
    "right answers only": (
        _DISPUTED.replace("labels == c, c", "(labels == c) & (probabilities.argmax(1) == c), c"),
        "right answers only",
    ),
    "largest of the row": (
        _DISPUTED.replace("probabilities[labels == c, c]", "probabilities[labels == c].max(1)"),
        "the confidence",
    ),
    "one threshold": (
        _DISPUTED.replace(
            "limits = thresholds(probabilities, labels)",
            "limits = thresholds(probabilities, labels).mean()",
        ),
        "one for all",
    ),
    "above": (
        _DISPUTED.replace(">= limits", "> limits"),
        "a class that just reaches its threshold",
    ),
    "own class too": (
        _DISPUTED.replace("    reached[rows, labels] = False\n", ""),
        "the own class counts",
    ),
    "wrong is enough": (_DISPUTED.replace("reached.any(axis=1) & ", ""), "every error"),
    "threshold is enough": (
        _DISPUTED.replace(" & (probabilities.argmax(axis=1) != labels)", ""),
        "also where the label is most probable",
    ),
    "either": (_DISPUTED.replace("any(axis=1) &", "any(axis=1) |"), "or instead of and"),
    "the most probable must reach": (
        _DISPUTED.replace(
            "reached.any(axis=1) & ", "reached[rows, probabilities.argmax(axis=1)] & "
        ),
        "the most probable class must reach its threshold",
    ),
    "positions": (
        _DISPUTED.replace(
            "return reached.any(axis=1) & (probabilities.argmax(axis=1) != labels)",
            "return np.flatnonzero(reached.any(axis=1) & (probabilities.argmax(axis=1) != labels))",
        ),
        "positions",
    ),
    "rounded": (
        _DISPUTED.replace("    return np.array([", "    return np.round([", 1).replace(
            "shape[1])])", "shape[1])], 2)"
        ),
        "rounded",
    ),
    "below the own threshold": (
        _DISPUTED.replace(
            "reached.any(axis=1) &", "(probabilities[rows, labels] < limits[labels]) &"
        ),
        "own class below its threshold",
    ),
    "median": (
        _DISPUTED.replace(
            "probabilities[labels == c, c].mean()", "np.median(probabilities[labels == c, c])"
        ),
        "median",
    ),
    "two classes": (_DISPUTED.replace("range(probabilities.shape[1])", "range(2)"), "two classes"),
    "overwritten": (
        _DISPUTED.replace(
            "    rows =",
            "    probabilities[probabilities < 0] = 0\n    probabilities -= 0.0\n    probabilities[0] = probabilities[0][::-1]\n    rows =",
        ),
        "probabilities are changed",
    ),
}

_GAIN = """\
def after_looking(suspects, wrong, n):
    hits = len(set(suspects[:n]) & set(wrong))
    return hits / n, hits / len(wrong)


def paired_gain(before, after):
    gains = 100 * (np.asarray(after) - np.asarray(before))
    return gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))


true_claims = ["b", "c", "e"]
"""
RIGHT["06.5"] = {
    "statistics": """\
import statistics


def after_looking(suspects, wrong, n):
    hits = sum(1 for one in suspects[:n] if one in wrong)
    return np.array([hits / n, hits / len(wrong)])


def paired_gain(before, after):
    gains = [100 * (b - a) for a, b in zip(before, after)]
    return statistics.mean(gains), statistics.stdev(gains) / len(gains) ** 0.5


true_claims = {"b", "c", "e"}
""",
    "scipy": _GAIN.replace(
        "gains.std(ddof=1) / np.sqrt(len(gains))", "__import__('scipy.stats').stats.sem(gains)"
    ),
    "a namedtuple": _GAIN.replace(
        "    return hits / n, hits / len(wrong)",
        "    from collections import namedtuple\n\n    return namedtuple('Found', 'precision recall')(np.float32(hits / n), hits / len(wrong))",
    ),
}
WRONG["06.5"] = {
    "recall first": (
        _GAIN.replace("return hits / n, hits / len(wrong)", "return hits / len(wrong), hits / n"),
        "exchanged",
    ),
    "of all suspects": (
        _GAIN.replace("hits / n,", "hits / len(suspects),"),
        "divided by all suspects",
    ),
    "recall of the suspects": (
        _GAIN.replace("hits / len(wrong)", "hits / len(suspects)"),
        "divided by the suspects",
    ),
    "one too many": (_GAIN.replace("suspects[:n]", "suspects[:n + 1]"), "n + 1"),
    "the last n": (_GAIN.replace("suspects[:n]", "suspects[-n:]"), "the least suspect"),
    "first of wrong": (_GAIN.replace("set(wrong)", "set(wrong[:n])"), "only n of the wrong ones"),
    "percent": (
        _GAIN.replace(
            "return hits / n, hits / len(wrong)", "return 100 * hits / n, 100 * hits / len(wrong)"
        ),
        "percent",
    ),
    "sorted suspects": (_GAIN.replace("suspects[:n]", "sorted(suspects)[:n]"), "order lost"),
    "not in points": (_GAIN.replace("100 * (", "("), "not in percentage points"),
    "relative": (
        _GAIN.replace("np.asarray(before))", "np.asarray(before)) / np.asarray(before)"),
        "relative gain",
    ),
    "deviation": (_GAIN.replace(" / np.sqrt(len(gains))", ""), "standard deviation"),
    "ddof 0": (_GAIN.replace("ddof=1", "ddof=0"), "N instead of N - 1"),
    "divided by n": (_GAIN.replace("np.sqrt(len(gains))", "len(gains)"), "no root"),
    "not paired": (
        _GAIN.replace(
            "gains.std(ddof=1) / np.sqrt(len(gains))",
            "100 * np.sqrt((np.var(before, ddof=1) + np.var(after, ddof=1)) / len(gains))",
        ),
        "pairs are torn apart",
    ),
    "loss": (
        _GAIN.replace(
            "np.asarray(after) - np.asarray(before)", "np.asarray(before) - np.asarray(after)"
        ),
        "sign",
    ),
    "size": (
        _GAIN.replace("return gains.mean()", "return np.abs(gains).mean()"),
        "the sign is lost",
    ),
    "rounded": (
        _GAIN.replace("return gains.mean(), ", "return round(gains.mean(), 1), "),
        "rounded",
    ),
    "sorted accuracies": (
        _GAIN.replace("np.asarray(after) - np.asarray(before)", "np.sort(after) - np.sort(before)"),
        "pairs are lost",
    ),
    "confidence interval": (_GAIN.replace("gains.std", "1.96 * gains.std"), "1.96 standard errors"),
    "claim a": (_GAIN.replace('["b",', '["a", "b",'), "a is false"),
    "claim f": (_GAIN.replace('"e"]', '"e", "f"]'), "f is false"),
    "one text": (_GAIN.replace('["b", "c", "e"]', '["c", "e"]'), "b is missing"),
}

# --- 07 · Grad-CAM -----------------------------------------------------------------------------

_FILTERS = """\
def filters_as_pictures(weights):
    pictures = np.transpose(weights, (3, 0, 1, 2))
    largest = np.abs(pictures).max(axis=(1, 2, 3), keepdims=True)
    return 0.5 + pictures / np.where(largest == 0, 1, largest) / 2
"""
RIGHT["07.1"] = {
    "filter by filter": """\
def filters_as_pictures(weights):
    out = []
    for k in range(weights.shape[-1]):
        one = np.array(weights[..., k], dtype=float)
        top = max(one.max(), -one.min())
        out.append(np.full(one.shape, 0.5) if top == 0 else (one / top + 1) / 2)
    return out
""",
    "moveaxis and divide": """\
def filters_as_pictures(weights):
    w = np.moveaxis(weights, -1, 0)
    top = np.abs(w).reshape(len(w), -1).max(1)[:, None, None, None]
    return 0.5 * (1 + np.divide(w, top, out=np.zeros(w.shape), where=top > 0))
""",
    "nan_to_num": """\
def filters_as_pictures(weights):
    with np.errstate(invalid="ignore"):
        w = weights / np.abs(weights).max(axis=(0, 1, 2))
    return (np.nan_to_num(w) / 2 + 0.5).transpose(3, 0, 1, 2)
""",
    "tensor": _FILTERS.replace("    return 0.5", "    return tf.constant(0.5, pictures.dtype)"),
}
WRONG["07.1"] = {
    "smallest to largest": (
        """\
def filters_as_pictures(weights):
    w = np.transpose(weights, (3, 0, 1, 2))
    low, high = w.min(axis=(1, 2, 3), keepdims=True), w.max(axis=(1, 2, 3), keepdims=True)
    return np.where(high > low, (w - low) / np.where(high > low, high - low, 1), 0.5)
""",
        "zero is not gray",
    ),
    "all together": (_FILTERS.replace("axis=(1, 2, 3), keepdims=True", ""), "not each by itself"),
    "channel by channel": (
        _FILTERS.replace("axis=(1, 2, 3)", "axis=(1, 2)"),
        "each channel by itself",
    ),
    "reshape": (
        _FILTERS.replace(
            "np.transpose(weights, (3, 0, 1, 2))",
            "weights.reshape(weights.shape[3], *weights.shape[:3])",
        ),
        "numbers are mixed",
    ),
    "width first": (_FILTERS.replace("(3, 0, 1, 2)", "(3, 1, 0, 2)"), "height and width exchanged"),
    "not moved": (
        _FILTERS.replace("np.transpose(weights, (3, 0, 1, 2))", "weights").replace(
            "(1, 2, 3)", "(0, 1, 2)"
        ),
        "the filters stand last",
    ),
    "nan for zeros": (
        _FILTERS.replace("np.where(largest == 0, 1, largest)", "largest"),
        "nan for a filter of zeros",
    ),
    "small stays gray": (
        _FILTERS.replace("np.where(largest == 0, 1, largest)", "(largest + 0.001)"),
        "small weights stay gray",
    ),
    "plus one percent": (
        _FILTERS.replace("np.where(largest == 0, 1, largest)", "np.maximum(largest, 0.01)"),
        "small weights stay gray",
    ),
    "largest with sign": (
        _FILTERS.replace("np.abs(pictures).max", "pictures.max"),
        "negative weights leave 0 to 1",
    ),
    "to 255": (_FILTERS.replace("return 0.5", "return 255 * 0.5"), "not 0 to 1"),
    "inverted": (_FILTERS.replace("0.5 + pictures", "0.5 - pictures"), "positive is dark"),
    "clipped": (
        "def filters_as_pictures(weights):\n    return np.clip(np.transpose(weights, (3, 0, 1, 2)) + 0.5, 0, 1)\n",
        "not stretched",
    ),
    "standardized": (
        "def filters_as_pictures(weights):\n    w = np.transpose(weights, (3, 0, 1, 2))\n    s = w.std(axis=(1, 2, 3), keepdims=True)\n    return np.clip(0.5 + w / np.where(s > 0, 4 * s, 1), 0, 1)\n",
        "another scale",
    ),
    "in place": (
        _FILTERS.replace(
            "    pictures = np.transpose",
            "    weights /= np.abs(weights).max()\n    pictures = np.transpose",
        ),
        "weights are changed",
    ),
}

_HEAT = """\
def map_weights(gradients):
    return gradients.mean(axis=(0, 1))


def heat_from(feature_maps, gradients):
    return np.maximum((feature_maps * map_weights(gradients)).sum(axis=-1), 0)
"""
RIGHT["07.2"] = {
    "tensordot": _HEAT.replace(
        "(feature_maps * map_weights(gradients)).sum(axis=-1)",
        "np.tensordot(feature_maps, map_weights(gradients), axes=1)",
    ),
    "loops": """\
def map_weights(gradients):
    return [np.mean(gradients[:, :, k]) for k in range(gradients.shape[2])]


def heat_from(feature_maps, gradients):
    heat = 0
    for k, weight in enumerate(map_weights(gradients)):
        heat = heat + weight * feature_maps[..., k]
    return np.where(heat > 0, heat, 0).tolist()
""",
    "TensorFlow": _HEAT.replace(
        "gradients.mean(axis=(0, 1))", "tf.reduce_mean(gradients, [0, 1])"
    ).replace(
        "np.maximum((feature_maps * map_weights(gradients)).sum(axis=-1), 0)",
        "tf.nn.relu(tf.einsum('hwk,k->hw', feature_maps, map_weights(gradients)))",
    ),
}
WRONG["07.2"] = {
    "one weight for all": (_HEAT.replace("mean(axis=(0, 1))", "mean()"), "one number"),
    "sum": (
        _HEAT.replace("gradients.mean(axis=(0, 1))", "gradients.sum(axis=(0, 1))"),
        "sum instead of mean",
    ),
    "mean over the maps": (_HEAT.replace("mean(axis=(0, 1))", "mean(axis=-1)"), "the wrong axis"),
    "ReLU on the gradients": (
        _HEAT.replace("gradients.mean(", "np.maximum(gradients, 0).mean("),
        "guided",
    ),
    "ReLU on the weights": (
        _HEAT.replace("* map_weights(gradients))", "* np.maximum(map_weights(gradients), 0))"),
        "negative weights are lost",
    ),
    "ReLU on the maps": (
        _HEAT.replace("(feature_maps * map", "(np.maximum(feature_maps, 0) * map"),
        "negative numbers of the maps are lost",
    ),
    "ReLU before the sum": (
        _HEAT.replace(
            "np.maximum((feature_maps * map_weights(gradients)).sum(axis=-1), 0)",
            "np.maximum(feature_maps * map_weights(gradients), 0).sum(axis=-1)",
        ),
        "ReLU comes too early",
    ),
    "no ReLU": (
        _HEAT.replace(
            "np.maximum((feature_maps * map_weights(gradients)).sum(axis=-1), 0)",
            "(feature_maps * map_weights(gradients)).sum(axis=-1)",
        ),
        "negative heat",
    ),
    "mean of the maps": (_HEAT.replace(".sum(axis=-1)", ".mean(axis=-1)"), "mean instead of sum"),
    "absolute": (
        _HEAT.replace(
            "np.maximum((feature_maps * map_weights(gradients)).sum(axis=-1), 0)",
            "np.abs((feature_maps * map_weights(gradients)).sum(axis=-1))",
        ),
        "absolute value",
    ),
    "normalized": (
        _HEAT.replace(
            "    return np.maximum((feature_maps * map_weights(gradients)).sum(axis=-1), 0)",
            "    heat = np.maximum((feature_maps * map_weights(gradients)).sum(axis=-1), 0)\n    return heat / (heat.max() + 1e-9)",
        ),
        "normalized",
    ),
    "gradient times map": (
        _HEAT.replace("feature_maps * map_weights(gradients)", "feature_maps * gradients"),
        "no mean",
    ),
    "transposed": (_HEAT.replace("sum(axis=-1), 0)", "sum(axis=-1), 0).T"), "transposed"),
    "heat of shape 1": (
        _HEAT.replace("sum(axis=-1)", "sum(axis=-1, keepdims=True)"),
        "an axis too many",
    ),
    "absolute gradients": (
        _HEAT.replace("gradients.mean(", "np.abs(gradients).mean("),
        "signs are lost",
    ),
    "weights sum to one": (
        _HEAT.replace(
            "return gradients.mean(axis=(0, 1))",
            "w = gradients.mean(axis=(0, 1))\n    return w / np.abs(w).sum()",
        ),
        "normalized weights",
    ),
}

_CAM = """\
def grad_cam(inner, pictures, classes):
    with tf.GradientTape() as tape:
        maps, logits = inner(pictures, training=False)
        chosen = tf.gather(logits, classes, axis=1, batch_dims=1)
    gradients = tape.gradient(chosen, maps)
    weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(maps * weights, axis=-1)).numpy()
"""
RIGHT["07.3"] = {
    "one-hot": _CAM.replace(
        "tf.gather(logits, classes, axis=1, batch_dims=1)",
        "tf.reduce_sum(logits * tf.one_hot(classes, logits.shape[-1]))",
    ),
    "picture by picture": """\
def grad_cam(inner, pictures, classes):
    heats = []
    for picture, wanted in zip(pictures, classes):
        with tf.GradientTape() as tape:
            maps, logits = inner(tf.constant(picture)[None])
            tape.watch(maps)
            score = logits[0, int(wanted)]
        g = tape.gradient(score, maps)[0]
        heat = np.einsum("hwk,k->hw", maps[0], np.mean(g, axis=(0, 1)))
        heats.append(heat.clip(min=0))
    return heats
""",
    "Jacobian": _CAM.replace(
        "        chosen = tf.gather(logits, classes, axis=1, batch_dims=1)\n", ""
    ).replace(
        "tape.gradient(chosen, maps)",
        "tf.stack([j[c] for j, c in zip(tape.batch_jacobian(logits, maps), classes)])",
    ),
}
WRONG["07.3"] = {
    "predicted class": (
        _CAM.replace(
            "tf.gather(logits, classes, axis=1, batch_dims=1)", "tf.reduce_max(logits, axis=1)"
        ),
        "the predicted class",
    ),
    "class of the first": (
        _CAM.replace("tf.gather(logits, classes, axis=1, batch_dims=1)", "logits[:, classes[0]]"),
        "one class for all",
    ),
    "all logits": (
        _CAM.replace("tf.gather(logits, classes, axis=1, batch_dims=1)", "logits"),
        "all classes",
    ),
    "softmax": (
        _CAM.replace("tf.gather(logits,", "tf.gather(tf.nn.softmax(logits),"),
        "probability",
    ),
    "all classes of the batch": (
        _CAM.replace(
            "tf.gather(logits, classes, axis=1, batch_dims=1)", "tf.gather(logits, classes, axis=1)"
        ),
        "every class of the list, for each picture",
    ),
    "three classes": (
        _CAM.replace(
            "tf.gather(logits, classes, axis=1, batch_dims=1)",
            "tf.reduce_sum(logits[:, :3] * tf.one_hot(classes, 3))",
        ),
        "three classes only",
    ),
    "mean over the batch": (
        _CAM.replace("axis=(1, 2), keepdims", "axis=(0, 1, 2), keepdims"),
        "weights of the whole batch",
    ),
    "no ReLU": (
        _CAM.replace(
            "tf.nn.relu(tf.reduce_sum(maps * weights, axis=-1))",
            "tf.reduce_sum(maps * weights, axis=-1)",
        ),
        "no ReLU",
    ),
    "rescaled": (
        _CAM.replace("inner(pictures,", "inner(pictures / 255,"),
        "the network rescales itself",
    ),
}

_POINT = """\
def pointing_game(maps, boxes):
    hits = 0
    for heat, (x0, y0, x1, y1) in zip(maps, boxes):
        row, column = np.unravel_index(heat.argmax(), heat.shape)
        hits += heat.max() > 0 and x0 <= column < x1 and y0 <= row < y1
    return hits / len(maps)
"""

# --- near misses: right in general, wrong in an edge case ----------------------------------------

WRONG["05.5"] |= {
    "last epoch": (_CURVES + "best_epoch = 20\n", "the last epoch"),
    "text of the epoch": (_CURVES + "best_epoch = 'five'\n", "no number"),
    "c true": (_CURVES.replace('"a", ', '"a", "c", '), "c is false"),
}
WRONG["06.2"] |= {
    "at least two": (
        _PAIRS.replace("for t, p in order]", "for t, p in order if counts[t, p] > 1]"),
        "rare pairs are left out",
    ),
    "ten at most": (_PAIRS.replace("for t, p in order]", "for t, p in order][:10]"), "only ten"),
    "dictionary": (
        _PAIRS.replace(
            "return [(class_names[t], class_names[p], counts[t, p]) for t, p in order]",
            "return {(class_names[t], class_names[p]): counts[t, p] for t, p in order}",
        ),
        "no list",
    ),
}
# An array of names and numbers is an array of strings.
RIGHT["06.2"]["an array of texts"] = _PAIRS.replace("return [", "return np.array([").replace(
    "for t, p in order]", "for t, p in order])"
)
WRONG["06.3"] |= {
    "same seed for each class": (
        _REST
        + "def make_folds(labels, folds, seed):\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        n = (labels == c).sum()\n        fold[labels == c] = np.random.default_rng(0).permutation(np.arange(n) % folds)\n    return fold\n",
        "the seed is not used",
    ),
    "labels shuffled": (
        _REST
        + "def make_folds(labels, folds, seed):\n    rng = np.random.default_rng(seed)\n    rng.shuffle(labels)\n    fold = np.zeros(len(labels), int)\n    for c in np.unique(labels):\n        n = (labels == c).sum()\n        fold[labels == c] = rng.permutation(np.arange(n) % folds)\n    return fold\n",
        "labels are shuffled in place",
    ),
    "means of two": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    for k in np.unique(fold):\n        own, other = fold == k, fold != k\n        out[own] = (fit(images[other], labels[other])(images[own]) + fit(images, labels)(images[own])) / 2\n    return out\n",
        "half of it has seen the pictures",
    ),
    "normalized images": (
        _REST
        + "def out_of_fold(fit, images, labels, fold):\n    out = np.zeros((len(images), 3))\n    for k in np.unique(fold):\n        own, other = fold == k, fold != k\n        out[own] = fit(images[other], labels[other])(images[own][::-1])\n    return out\n",
        "pictures are judged in reverse order",
    ),
}
WRONG["06.4"] |= {
    "in order of the labels": (
        _DISPUTED.replace("range(probabilities.shape[1])", "np.unique(labels)[::-1]"),
        "thresholds in reverse order",
    ),
    "below the most probable": (
        _DISPUTED.replace("probabilities >= limits", "probabilities >= limits[labels][:, None]"),
        "the threshold of the own class",
    ),
    "wrong only": (
        _DISPUTED.replace(
            "probabilities[labels == c, c].mean()", "probabilities[(labels == c), c].max()"
        ),
        "the largest",
    ),
    "small tolerance": (
        _DISPUTED.replace(">= limits", ">= limits - 0.05"),
        "nearly reached is enough",
    ),
}
WRONG["06.5"] |= {
    "mean without sign": (
        _GAIN.replace("return gains.mean(), ", "return abs(gains.mean()), "),
        "a loss is called a gain",
    ),
    "never negative": (
        _GAIN.replace("return gains.mean(), ", "return max(0, gains.mean()), "),
        "a loss is called nothing",
    ),
    "of all ids": (
        _GAIN.replace("hits / len(wrong)", "hits / max(n, len(wrong))"),
        "divided by the larger one",
    ),
    "not more than one": (
        _GAIN.replace("hits / n,", "hits / min(n, len(wrong)),"),
        "divided by the smaller one",
    ),
    "reversed in place": (
        _GAIN.replace("    hits =", "    wrong.reverse()\n    hits ="),
        "the list is reversed",
    ),
    "median": (_GAIN.replace("gains.mean(),", "np.median(gains),"), "median"),
}
WRONG["07.1"] |= {
    "three channels mixed": (
        _FILTERS.replace("    return", "    pictures = pictures[..., ::-1]\n    return"),
        "red and blue are exchanged",
    ),
    "gray at 0.4": (_FILTERS.replace("0.5 +", "0.4 +"), "another gray"),
    "squared": (
        _FILTERS.replace(
            "0.5 + pictures /",
            "0.5 + pictures * np.abs(pictures) / np.where(largest == 0, 1, largest) /",
        ),
        "squared",
    ),
    "upside down": (
        _FILTERS.replace("    return", "    pictures = pictures[:, ::-1]\n    return"),
        "upside down",
    ),
}
WRONG["07.2"] |= {
    "gradients emptied": (
        _HEAT.replace(
            "    return gradients.mean(axis=(0, 1))",
            "    w = gradients.mean(axis=(0, 1))\n    gradients *= 0\n    return w",
        ),
        "gradients are changed",
    ),
    "leaky": (
        _HEAT.replace(
            "np.maximum((feature_maps * map_weights(gradients)).sum(axis=-1), 0)",
            "np.maximum((feature_maps * map_weights(gradients)).sum(axis=-1), 0.01 * (feature_maps * map_weights(gradients)).sum(axis=-1))",
        ),
        "a hundredth of the negative heat",
    ),
    "largest map": (
        _HEAT.replace(".sum(axis=-1)", ".max(axis=-1)"),
        "the largest instead of the sum",
    ),
    "median": (_HEAT.replace("gradients.mean(", "np.median(gradients, "), "median"),
}
