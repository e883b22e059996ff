"""Answers to exercise 06."""

from __future__ import annotations

from answers import Answers

# --- 06.1: by hand ------------------------------------------------------------


def _hand(confused='("tulips", "roses")', share="0.5", worst="7", loss="-np.log(0.04)") -> str:
    return f"confused = {confused}\nshare = {share}\nworst = {worst}\nworst_loss = {loss}\n"


HAND = Answers(
    right={
        "as asked": _hand(),
        "three decimals": _hand(share="2 / 4", loss="3.219"),
        "an array": _hand('np.array(["tulips", "roses"])'),
        "a list, other numbers": _hand('["tulips", "roses"]', worst="7.0", loss="np.log(25)"),
        "singular, a Fraction": "from fractions import Fraction\n"
        + _hand('("tulip", "rose")', share="Fraction(2, 4)", worst="np.array(7)"),
        "a named tuple": "from collections import namedtuple\n"
        "Pair = namedtuple('Pair', 'really taken_for')\n"
        + _hand('Pair("tulips", "roses")', share="np.mean([1, 0, 1, 0])", loss="np.log(1 / 0.04)"),
        "cut off": "import pandas as pd\n" + _hand('pd.Series(["tulips", "roses"])', loss="3.218"),
        "capitals": _hand('("Tulips", " roses")', share="np.float64(0.5)", worst="np.int64(7)"),
    },
    wrong={
        "exchanged": (_hand('("roses", "tulips")'), "true and predicted exchanged"),
        "right answers": (_hand('("roses", "roses")'), "right answers counted"),
        "another pair": (_hand('("daisy", "roses")'), None),
        "no such class": (_hand('("lilies", "roses")'), None),
        "a set": (_hand('{"tulips", "roses"}'), "a set"),
        "one text": (_hand('"tulips, roses"'), None),
        "three names": (_hand('("tulips", "roses", "daisy")'), None),
        "of the wrong tulips": (_hand(share="2 / 2"), "share of the wrong ones"),
        "two decimals": (_hand(loss="3.22"), "rounded"),
        "all probabilities": (
            _hand(loss="-np.log([0.44, 0.52, 0.04]).sum()"),
            "other classes counted",
        ),
        "binary cross-entropy": (
            _hand(loss="-np.log(0.04) - np.log(1 - 0.44) - np.log(1 - 0.52)"),
            "other classes counted",
        ),
        "divided by twelve": (_hand(loss="-np.log(0.04) / 12"), "mean instead of one"),
        "one name": (_hand('"tulips"'), None),
        "numbers": (_hand("(2, 1)"), None),
        "of the errors": (_hand(share="2 / 5"), "share of the errors"),
        "of all": (_hand(share="2 / 12"), "share of all pictures"),
        "of the column": (_hand(share="2 / 6"), "share of the predicted class"),
        "how many": (_hand(share="2"), "number instead of share"),
        "percent": (_hand(share="50"), "percent"),
        "most certain": (_hand(worst="5"), "most certain error"),
        "near miss": (_hand(worst="3"), "nearest to being right"),
        "from 0": (_hand(worst="6"), "counted from 0"),
        "least confident": (_hand(worst="11"), "least confident"),
        "two pictures": (_hand(worst="(5, 7)"), "not a number"),
        "base 10": (_hand(loss="-np.log10(0.04)"), "logarithm to base 10"),
        "base 2": (_hand(loss="-np.log2(0.04)"), "logarithm to base 2"),
        "negative": (_hand(loss="np.log(0.04)"), "sign forgotten"),
        "of the answer": (_hand(loss="-np.log(0.52)"), "probability of the predicted class"),
        "no logarithm": (_hand(loss="0.04"), "logarithm forgotten"),
        "1 - p": (_hand(loss="1 - 0.04"), "logarithm forgotten"),
        "of picture 5": (_hand(loss="-np.log(0.06)"), "loss of another picture"),
    },
    mutants=False,
)

# --- 06.2: confused pairs ------------------------------------------------------------


def _pairs(
    keep="t != p and count > 0",
    row="(class_names[t], class_names[p], int(count))",
    end="sorted(pairs, key=lambda pair: -pair[2])",
    count="((labels == t) & (predicted == p)).sum()",
    before="",
) -> str:
    return f"""def confused_pairs(labels, predicted, class_names):
    pairs = []
    {before}
    for t in range(len(class_names)):
        for p in range(len(class_names)):
            count = {count}
            if {keep}:
                pairs.append({row})
    return {end}
"""


PAIRS = Answers(
    right={
        "two loops": _pairs(),
        "with a matrix": """def confused_pairs(labels, predicted, class_names):
    n = len(class_names)
    matrix = np.zeros((n, n))
    for t, p in zip(labels, predicted):
        matrix[t, p] += 1
    np.fill_diagonal(matrix, 0)
    order = np.argsort(-matrix.ravel(), kind="stable")
    found = []
    for place in order:
        t, p = divmod(int(place), n)
        if matrix[t, p]:
            found.append([class_names[t], class_names[p], matrix[t, p]])
    return found
""",
        "with a counter": """def confused_pairs(labels, predicted, class_names):
    from collections import Counter
    wrong = Counter((int(t), int(p)) for t, p in zip(labels, predicted) if t != p)
    rows = sorted(wrong.items(), key=lambda item: (-item[1], item[0]))
    return [(class_names[t], class_names[p], count) for (t, p), count in rows]
""",
        "the largest again and again": """def confused_pairs(labels, predicted, class_names):
    counts = {}
    for i, j in zip(labels.tolist(), predicted.tolist()):
        if i != j:
            counts[i, j] = counts.get((i, j), 0) + 1
    result = []
    while counts:
        best = None
        for pair in sorted(counts):
            if best is None or counts[pair] > counts[best]:
                best = pair
        result.append((class_names[best[0]], class_names[best[1]], counts.pop(best)))
    return tuple(result)
""",
        "sorted by three keys": """def confused_pairs(labels, predicted, class_names):
    n = len(class_names)
    matrix = np.zeros((n, n), int)
    np.add.at(matrix, (labels, predicted), 1)
    np.fill_diagonal(matrix, 0)
    t, p = np.nonzero(matrix)
    counts = matrix[t, p]
    names = np.array(class_names)
    return [(names[t[i]], names[p[i]], counts[i]) for i in np.lexsort((p, t, -counts))]
""",
        "named tuples": """from typing import NamedTuple
from sklearn.metrics import confusion_matrix

class Confusion(NamedTuple):
    true: str
    predicted: str
    pictures: float

def confused_pairs(labels, predicted, class_names):
    numbers = range(len(class_names))
    matrix = confusion_matrix(labels, predicted, labels=list(numbers))
    for i in numbers:
        matrix[i, i] = 0
    found = [
        Confusion(class_names[i], class_names[j], float(matrix[i, j]))
        for i in numbers for j in numbers if matrix[i, j]
    ]
    found.sort(key=lambda one: -one.pictures)
    yield from found
""",
        "with pandas": """def confused_pairs(labels, predicted, class_names):
    import pandas as pd
    table = pd.DataFrame({"t": labels, "p": predicted})
    table = table[table["t"] != table["p"]]
    sizes = table.groupby(["t", "p"]).size().reset_index(name="images")
    sizes = sizes.sort_values("images", ascending=False, kind="stable")
    return [
        (class_names[row.t], class_names[row.p], row.images) for row in sizes.itertuples()
    ]
""",
        "a table": _pairs(
            row="(class_names[t], class_names[p], float(count))",
            end="__import__('pandas').DataFrame(sorted(pairs, key=lambda r: -r[2]), "
            "columns=['true', 'predicted', 'images'])",
        ),
        "a table of texts": _pairs(end="np.array(sorted(pairs, key=lambda pair: -pair[2]))"),
    },
    wrong={
        "counts of 8 bits": (
            _pairs(count="((labels == t) & (predicted == p)).sum().astype('uint8')"),
            "counts wrap around",
        ),
        "numbers sorted as texts": (
            _pairs(
                row="(-count, str((t, p)), class_names[t], class_names[p])",
                end="[(t, p, int(-n)) for n, _, t, p in sorted(pairs)]",
            ),
            "ties in another order",
        ),
        "names sorted in place": (
            _pairs(
                before="class_names.sort()",
                end="sorted(pairs, key=lambda pair: -pair[2])",
            ),
            "arguments changed",
        ),
        "exchanged": (
            _pairs(row="(class_names[p], class_names[t], int(count))"),
            "true and predicted exchanged",
        ),
        "columns true": (
            _pairs(count="((labels == p) & (predicted == t)).sum()"),
            "true and predicted exchanged",
        ),
        "right ones too": (_pairs(keep="count > 0"), "right answers counted"),
        "zeros too": (_pairs(keep="t != p"), "zero counts kept"),
        "everything": (_pairs(keep="True"), "right answers counted"),
        "rarest first": (
            _pairs(end="sorted(pairs, key=lambda pair: pair[2])"),
            "least frequent first",
        ),
        "turned round": (
            _pairs(end="sorted(pairs, key=lambda pair: -pair[2])[::-1]"),
            "least frequent first",
        ),
        "not sorted": (_pairs(end="pairs"), "not sorted"),
        "numbers": (_pairs(row="(t, p, int(count))"), "numbers instead of names"),
        "shares": (
            _pairs(row="(class_names[t], class_names[p], count / (labels == t).sum())"),
            "shares instead of counts",
        ),
        "shares, the most frequent first": (
            _pairs(
                end="[(t, p, n / np.sum(labels == list(class_names).index(t))) for t, p, n in "
                "sorted(pairs, key=lambda pair: -pair[2])]"
            ),
            "shares instead of counts",
        ),
        "added up": (
            _pairs(
                keep="t < p and count > 0",
                count="((labels == t) & (predicted == p) | (labels == p) & (predicted == t)).sum()",
            ),
            "both directions added",
        ),
        "the first": (_pairs(end="sorted(pairs, key=lambda r: -r[2])[:1]"), "one pair only"),
        "by the alphabet": (
            _pairs(end="sorted(pairs, key=lambda r: (-r[2], r[0], r[1]))"),
            "ties in another order",
        ),
        "as met": (
            """def confused_pairs(labels, predicted, class_names):
    from collections import Counter
    wrong = Counter((t, p) for t, p in zip(labels.tolist(), predicted.tolist()) if t != p)
    return [(class_names[t], class_names[p], n) for (t, p), n in wrong.most_common()]
""",
            "ties in another order",
        ),
        "ties backwards": (
            _pairs(row="(int(count), t, p)", end="_named(sorted(pairs, reverse=True), class_names)")
            + """
def _named(rows, names):
    return [(names[t], names[p], n) for n, t, p in rows]
""",
            "ties in another order",
        ),
        "ties by the predicted class": (
            _pairs(
                end="sorted(pairs, key=lambda r: (-r[2], list(class_names).index(r[1]), "
                "list(class_names).index(r[0])))"
            ),
            "ties in another order",
        ),
        "pairs without counts": (_pairs(row="(class_names[t], class_names[p])"), None),
        "a dictionary": (_pairs(end="{(t, p): n for t, p, n in pairs}"), None),
        "rare ones lost": (_pairs(keep="t != p and count > 1"), "single errors left out"),
        "at most ten": (_pairs(end="sorted(pairs, key=lambda r: -r[2])[:10]"), "list cut off"),
        "one direction": (_pairs(keep="t < p and count > 0"), "one direction only"),
        "three classes": (
            _pairs(keep="t != p and count > 0 and max(t, p) < 3"),
            "three classes assumed",
        ),
        "the last class forgotten": (
            _pairs().replace(
                "for p in range(len(class_names))", "for p in range(len(class_names) - 1)"
            ),
            "a class forgotten",
        ),
        "by share, with counts": (
            _pairs(
                row="(class_names[t], class_names[p], int(count), count / (labels == t).sum())",
                end="[r[:3] for r in sorted(pairs, key=lambda r: -r[3])]",
            ),
            "sorted by share",
        ),
        "the predicted classes backwards": (
            _pairs(
                end="sorted(pairs, key=lambda r: (-r[2], list(class_names).index(r[0]), "
                "-list(class_names).index(r[1])))"
            ),
            "another order",
        ),
        "ties as they fall": (
            """def confused_pairs(labels, predicted, class_names):
    n = len(class_names)
    matrix = np.bincount(labels * n + predicted, minlength=n * n).reshape(n, n)
    np.fill_diagonal(matrix, 0)
    places = [divmod(int(k), n) for k in np.argsort(-matrix.ravel(), kind="quicksort")]
    return [(class_names[i], class_names[j], int(matrix[i, j])) for i, j in places if matrix[i, j]]
""",
            "another order",
        ),
        "a list outside": (
            "pairs = []\n" + _pairs().replace("    pairs = []\n", ""),
            "not repeatable",
        ),
        "names inside": (
            _pairs(row="((class_names[t], class_names[p]), count)", end="pairs"),
            None,
        ),
        "labels sorted": (
            _pairs(before="labels.sort()"),
            None,
        ),
        "None without errors": (
            _pairs(end="sorted(pairs, key=lambda r: -r[2]) or None"),
            "nothing returned",
        ),
        "nothing returned": (_pairs(end="None"), "nothing returned"),
        "the number first": (
            _pairs(
                row="(int(count), class_names[t], class_names[p])",
                end="sorted(pairs, key=lambda pair: -pair[0])",
            ),
            "number first",
        ),
        "a matrix of the classes that occur": (
            _pairs(
                before="from sklearn.metrics import confusion_matrix\n"
                "    matrix = confusion_matrix(labels, predicted)",
                count="matrix[t, p] if max(t, p) < len(matrix) else 0",
            ),
            "absent class left out",
        ),
        "the helper": (
            """from course_utils import error_analysis

class _Given:
    def __init__(self, labels, predicted, names):
        self.labels, self.predicted, self.class_names = labels, predicted, tuple(names)
        self.correct, self.confidence = labels == predicted, np.ones(len(labels))

def confused_pairs(labels, predicted, class_names):
    table = error_analysis.confused_pairs(_Given(labels, predicted, class_names))
    return table[["true", "predicted", "images"]].to_numpy().tolist()
""",
            "helper used",
        ),
        "the helper's matrix": (
            _pairs(
                before="matrix = _theirs(labels, predicted, len(class_names))",
                count="matrix[t, p]",
            )
            + """
class _Given:
    pass

def _theirs(labels, predicted, n):
    from course_utils import evaluation
    given = _Given()
    given.labels, given.predicted = labels, predicted
    given.class_names = [str(k) for k in range(n)]
    return evaluation.confusion_matrix(given).to_numpy()
""",
            "helper used",
        ),
    },
)

# --- 06.3: out of fold ------------------------------------------------------------


def _folds(
    rng="np.random.default_rng(seed)",
    places="rng.permutation(np.flatnonzero(labels == k))",
    deal="np.arange(len(places)) % folds",
    made="result",
    learns="fold != k",
    judged="fold == k",
    numbers="range(fold.max() + 1)",
    fit="fit",
    back="rows",
) -> str:
    return f"""def make_folds(labels, folds, seed):
    rng = {rng}
    result = np.zeros(len(labels), int)
    for k in range(labels.max() + 1):
        places = {places}
        result[places] = {deal}
    return {made}

def out_of_fold(fit, images, labels, fold):
    rows = np.zeros((len(labels), 3))
    for k in {numbers}:
        learns, judged = {learns}, {judged}
        predict = {fit}(images[learns], labels[learns])
        rows[judged] = predict(images[judged])
    return {back}
"""


_OUT = _folds()[_folds().index("def out_of_fold") :]
_MAKE = _folds()[: _folds().index("def out_of_fold")]

FOLDS = Answers(
    right={
        "dealt out": _folds(),
        "with scikit-learn": """from sklearn.model_selection import StratifiedKFold

def make_folds(labels, folds, seed):
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed).split(labels, labels)
    result = np.empty(len(labels))
    for k, (_, held) in enumerate(parts):
        result[held] = k
    return result

def out_of_fold(fit, images, labels, fold):
    result = np.empty((len(images), 3), np.float32)
    for k in range(int(fold.max()) + 1):
        held = np.flatnonzero(fold == k)
        rest = np.setdiff1d(np.arange(len(images)), held)
        result[held] = fit(images[rest], labels[rest])(images[held])
    return result
""",
        "shuffled, then dealt out by class": """def make_folds(labels, folds, seed):
    order = np.random.RandomState(seed).permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    result = np.zeros(len(labels), int)
    result[by_class] = np.arange(len(labels)) % folds
    return result.tolist()

def out_of_fold(fit, images, labels, fold):
    parts, places = [], []
    for k in sorted(set(fold.tolist())):
        learnt = fit(images[fold != k], labels[fold != k])
        parts.append(learnt(images[fold == k]))
        places.append(np.flatnonzero(fold == k))
    return np.concatenate(parts)[np.argsort(np.concatenate(places))]
""",
        "picture by picture": """import random

def make_folds(labels, folds, seed):
    chance = random.Random(seed)
    result = [None] * len(labels)
    for k in set(labels.tolist()):
        places = [i for i, label in enumerate(labels) if label == k]
        chance.shuffle(places)
        for number, place in enumerate(places):
            result[place] = number % folds
    return np.array(result)

def out_of_fold(fit, images, labels, fold):
    networks = {k: fit(images[fold != k], labels[fold != k]) for k in np.unique(fold)}
    return [networks[fold[i]](images[i : i + 1])[0].tolist() for i in range(len(images))]
""",
        "fold numbers permuted": """def make_folds(labels, folds, seed):
    generator = np.random.Generator(np.random.PCG64(seed))
    fold = np.full(labels.shape, -1)
    for c in set(labels.tolist()):
        n = (labels == c).sum()
        numbers = np.tile(np.arange(folds), n // folds + 1)[:n]
        fold[labels == c] = generator.permutation(numbers)
    return fold

def out_of_fold(fit, images, labels, fold):
    result = None
    for k in np.unique(fold):
        answers = fit(images[fold != k], labels[fold != k])(images)
        result = np.where((fold == k)[:, None], answers, 0 if result is None else result)
    return result
""",
        "parts of an array, a list": """import random

def make_folds(labels, folds, seed):
    dice = random.Random(int(seed))
    result = [0.0] * len(labels)
    for c in sorted(set(int(x) for x in labels)):
        places = [i for i, x in enumerate(labels) if x == c]
        dice.shuffle(places)
        for number, part in enumerate(np.array_split(places, folds)):
            for i in part:
                result[int(i)] = float(number)
    return result

def out_of_fold(fit, images, labels, fold):
    rows = [None] * len(images)
    for number in sorted(set(fold.tolist())):
        learn = [i for i in range(len(fold)) if fold[i] != number]
        judge = [i for i in range(len(fold)) if fold[i] == number]
        for i, answer in zip(judge, fit(images[learn], labels[learn])(images[judge])):
            rows[i] = answer
    return rows
""",
        "the rest by chance": """class Dealer:
    def __init__(self, folds, seed):
        self.folds, self.rng = folds, np.random.default_rng([seed, 77])

    def deal(self, n):
        whole = np.repeat(np.arange(self.folds), n // self.folds)
        rest = self.rng.choice(self.folds, n % self.folds, replace=False)
        return self.rng.permutation(np.concatenate([whole, rest]))

def make_folds(labels, folds, seed):
    dealer = Dealer(folds, seed)
    fold = np.zeros_like(labels, dtype=np.uint8)
    for c in np.unique(labels):
        fold[labels == c] = dealer.deal(np.count_nonzero(labels == c))
    return fold

def out_of_fold(fit, images, labels, fold):
    result = np.empty((len(images), 3), "float32")
    for k in np.unique(fold):
        (held,) = np.nonzero(fold == k)
        result[held] = fit(np.delete(images, held, axis=0), np.delete(labels, held))(images[held])
    return result
""",
        "legacy random numbers": _folds(
            rng="np.random.seed(seed)", places="np.random.permutation(np.where(labels == k)[0])"
        ),
    },
    wrong={
        "0 taken for no seed": (
            _folds(rng="np.random.default_rng(seed or None)"),
            "not repeatable",
        ),
        "whole numbers cut off": (
            _folds(back="rows.astype(int)"),
            "decimals lost",
        ),
        "not stratified": (
            """def make_folds(labels, folds, seed):
    return np.random.default_rng(seed).permutation(len(labels)) % folds

"""
            + _OUT,
            "not stratified",
        ),
        "one after the other": (
            """def make_folds(labels, folds, seed):
    return np.arange(len(labels)) % folds

"""
            + _OUT,
            "not stratified",
        ),
        "three classes": (
            _folds().replace("range(labels.max() + 1)", "range(3)"),
            "three classes assumed",
        ),
        "drawn for each picture": (
            _folds(deal="rng.integers(0, folds, len(places))"),
            "not stratified",
        ),
        "blocks": (
            """def make_folds(labels, folds, seed):
    return np.arange(len(labels)) * folds // len(labels)

"""
            + _OUT,
            "not stratified",
        ),
        "not shuffled": (_folds(places="np.flatnonzero(labels == k)"), "seed ignored"),
        "always the same seed": (_folds(rng="np.random.default_rng(0)"), "seed ignored"),
        "only turned": (
            _folds(
                places="np.flatnonzero(labels == k)",
                deal="(np.arange(len(places)) + seed) % folds",
            ),
            "seed ignored",
        ),
        "no seed": (_folds(rng="np.random.default_rng()"), "not repeatable"),
        "each class turned": (
            _folds(
                places="np.flatnonzero(labels == k)",
                deal="(np.arange(len(places)) + rng.integers(folds)) % folds",
            ),
            "seed hardly matters",
        ),
        "only the first class": (
            _folds(places="np.flatnonzero(labels == k)[:: 1 if k else 1]").replace(
                "result[places]",
                "places = places if k else rng.permutation(places)\n        result[places]",
            ),
            "seed hardly matters",
        ),
        "two pictures exchanged": (
            _folds(places="np.flatnonzero(labels == k)").replace(
                "        result[places]",
                "        pair = rng.choice(len(places), 2, replace=False)\n"
                "        places[pair] = places[pair[::-1]]\n"
                "        result[places]",
            ),
            "seed hardly matters",
        ),
        "neighbors stay together": (
            _folds(
                places="np.flatnonzero(labels == k)",
                deal="rng.permutation(folds)[np.arange(len(places)) * folds // len(places)]",
            ),
            "seed hardly matters",
        ),
        "a permutation of each few": (
            _folds(
                places="np.flatnonzero(labels == k)",
                deal="np.concatenate([rng.permutation(folds) for _ in places])[: len(places)]",
            ),
            "seed hardly matters",
        ),
        "the last digit": (
            _folds(rng="np.random.default_rng(seed % 10)"),
            "seed hardly matters",
        ),
        "the last bits": (
            _folds(rng="np.random.default_rng(seed & 255)"),
            "seed hardly matters",
        ),
        "one generator for all calls": (
            "RNG = []\n"
            + _folds(rng="(RNG or [RNG.append(np.random.default_rng(seed)), *RNG])[-1]"),
            "not repeatable",
        ),
        "only the numbers drawn": (
            _folds(places="np.flatnonzero(labels == k)", made="rng.permutation(folds)[result]"),
            "seed ignored",
        ),
        "the labels shuffled": (
            """def make_folds(labels, folds, seed):
    np.random.default_rng(seed).shuffle(labels)
    result = np.zeros(len(labels), int)
    for k in np.unique(labels):
        places = np.flatnonzero(labels == k)
        result[places] = np.arange(len(places)) % folds
    return result

"""
            + _OUT,
            None,
        ),
        "the rest in the last fold": (
            _folds(deal="np.minimum(np.arange(len(places)) // (len(places) // folds), folds - 1)"),
            "not stratified",
        ),
        "one picture moved": (
            _folds().replace(
                "    return result", "    result[rng.integers(len(result))] = 0\n    return result"
            ),
            None,
        ),
        "one fold learned, the others judged": (
            _folds(learns="fold == k", judged="fold != k"),
            "train and held-out exchanged",
        ),
        "the folds before": (
            _folds(learns="(fold < k) if k else (fold != k)"),
            "only the folds before",
        ),
        "leave one out": (
            _MAKE
            + """def out_of_fold(fit, images, labels, fold):
    rows = np.zeros((len(labels), 3))
    for i in range(len(labels)):
        others = np.arange(len(labels)) != i
        rows[i] = fit(images[others], labels[others])(images[i : i + 1])[0]
    return rows
""",
            "each picture by itself",
        ),
        "back by a wrong way": (
            _MAKE
            + """def out_of_fold(fit, images, labels, fold):
    rows = np.concatenate(
        [fit(images[fold != k], labels[fold != k])(images[fold == k]) for k in np.unique(fold)]
    )
    return rows[np.argsort(fold, kind="stable")]
""",
            "order of the pictures lost",
        ),
        "one-hot": (
            _folds(back="np.eye(3)[rows.argmax(axis=1)]"),
            "classes instead of probabilities",
        ),
        "whole numbers": (
            _folds().replace(
                "np.zeros((len(labels), 3))", "np.zeros((len(labels), 3), labels.dtype)"
            ),
            "decimals lost",
        ),
        "five folds": (
            _folds(numbers="range(min(5, fold.max() + 1))"),
            None,
        ),
        "folds of its own": (
            _folds().replace(
                "    rows = ", "    fold = make_folds(labels, fold.max() + 1, 0)\n    rows = "
            ),
            None,
        ),
        "from 1": (_folds(made="result + 1"), "folds counted from 1"),
        "one fold too many": (
            _folds(deal="np.arange(len(places)) % (folds + 1)"),
            "wrong number of folds",
        ),
        "one fold too few": (
            _folds(deal="np.arange(len(places)) % (folds - 1)"),
            "wrong number of folds",
        ),
        "class after class": (
            """def make_folds(labels, folds, seed):
    rng = np.random.default_rng(seed)
    parts = [rng.permutation(np.arange(n) % folds) for n in np.bincount(labels)]
    return np.concatenate(parts)

"""
            + _OUT,
            "order of the pictures lost",
        ),
        "places": (
            _folds(made="[np.flatnonzero(result == k) for k in range(folds)]"),
            "places instead of fold numbers",
        ),
        "too short": (_folds(made="result[1:]"), None),
        "no folds returned": (_folds(made="None"), "nothing returned"),
        "leak": (_folds(learns="fold >= 0"), "held-out pictures learned"),
        "one network of all": (
            _MAKE
            + """def out_of_fold(fit, images, labels, fold):
    return fit(images, labels)(images)
""",
            "held-out pictures learned",
        ),
        "exchanged": (
            _folds(learns="fold == k"),
            "train and held-out exchanged",
        ),
        "others judged": (_folds(learns="fold == k", judged="fold != k"), None),
        "in the order of the folds": (
            _folds(back="np.concatenate([rows[fold == k] for k in range(fold.max() + 1)])"),
            "order of the pictures lost",
        ),
        "last fold forgotten": (_folds(numbers="range(fold.max())"), "a fold forgotten"),
        "first fold forgotten": (_folds(numbers="range(1, fold.max() + 1)"), "a fold forgotten"),
        "first network for all": (
            _folds(numbers="[0]", judged="fold >= 0"),
            "one network for all",
        ),
        "last network for all": (_folds(judged="fold >= 0"), "one network for all"),
        "mean of all": (
            _MAKE
            + """def out_of_fold(fit, images, labels, fold):
    tables = [fit(images[fold != k], labels[fold != k])(images) for k in np.unique(fold)]
    return np.mean(tables, axis=0)
""",
            "mean of all networks",
        ),
        "sum of all": (
            _folds(back="rows").replace(
                "rows[judged] = predict(images[judged])", "rows += predict(images)"
            ),
            "mean of all networks",
        ),
        "the fold before": (
            _folds(learns="fold == (k - 1) % (fold.max() + 1)"),
            "only the fold before",
        ),
        "the fold after": (
            _folds(learns="fold == (k + 1) % (fold.max() + 1)"),
            "only the fold after",
        ),
        "classes": (_folds(back="rows.argmax(axis=1)"), "classes instead of probabilities"),
        "always neighbors": (_folds(fit="by_neighbors"), "fit ignored"),
        "left empty": (
            _folds(
                numbers="range(fold.max())", back="np.where(rows.sum(1)[:, None], rows, np.nan)"
            ),
            "not finite",
        ),
        "labels of others": (
            _folds().replace("labels[learns]", "labels[: learns.sum()]"),
            "labels of other pictures",
        ),
        "nothing returned": (_folds(back="None"), "nothing returned"),
    },
    equivalent={
        "L3: np.zeros(len(labels), dtype=int) → np.zeros without dtype": "the same numbers as "
        "floats",
        "L3: np.zeros → np.ones": "every place is written",
        "L11: np.zeros → np.ones": "every row is written",
    },
)

# --- 06.4: suspect labels -------------------------------------------------------------


def _dispute(
    limit="probabilities[labels == k, k].mean()",
    limits="np.array(limits)",
    reached="probabilities >= limits",
    own="False",
    other="reached.any(axis=1)",
    top="probabilities.argmax(axis=1) != labels",
    both="other & top",
    use="thresholds(probabilities, labels)",
) -> str:
    return f"""def thresholds(probabilities, labels):
    limits = []
    for k in range(probabilities.shape[1]):
        limits.append({limit})
    return {limits}

def disputed(probabilities, labels):
    limits = {use}
    mine = probabilities[np.arange(len(labels)), labels]
    reached = {reached}
    reached[np.arange(len(labels)), labels] = {own}
    other = {other}
    top = {top}
    return {both}
"""


#: Makes the image's own class count like any other class.
_COUNTED = "reached[np.arange(len(labels)), labels]"

DISPUTE = Answers(
    right={
        "with a table": _dispute(),
        "with one-hot labels": """def thresholds(probabilities, labels):
    own = np.eye(probabilities.shape[1])[labels]
    return (probabilities * own).sum(axis=0) / own.sum(axis=0)

def disputed(probabilities, labels):
    others = np.eye(probabilities.shape[1])[labels] == 0
    reached = (probabilities - thresholds(probabilities, labels)) >= -1e-12
    label = probabilities[~others]
    return (reached & others).any(axis=1) * (probabilities.max(axis=1) > label)
""",
        "picture by picture": """def thresholds(probabilities, labels):
    sums, counts = [0.0] * len(probabilities[0]), [0] * len(probabilities[0])
    for row, label in zip(probabilities, labels):
        sums[label] += row[label]
        counts[label] += 1
    return [s / c for s, c in zip(sums, counts)]

def disputed(probabilities, labels):
    limits = thresholds(probabilities, labels)
    found = []
    for row, label in zip(probabilities, labels):
        others = [k for k in range(len(row)) if k != label]
        reaches = any(row[k] >= limits[k] for k in others)
        found.append(bool(reaches and row.argmax() != label))
    return found
""",
        "with bincount": """def thresholds(probabilities, labels):
    own = probabilities[np.arange(len(labels)), labels]
    return np.bincount(labels, weights=own) / np.bincount(labels)

def disputed(probabilities, labels):
    shifted = probabilities - thresholds(probabilities, labels)
    shifted[np.arange(len(labels)), labels] = -1
    return (shifted.max(axis=1) >= 0) & (np.argmax(probabilities, 1) != labels)
""",
        "masked": """def thresholds(probabilities, labels):
    own = np.arange(probabilities.shape[1]) == np.asarray(labels)[:, None]
    return np.ma.masked_array(probabilities, ~own).mean(axis=0)

def disputed(probabilities, labels):
    own = np.arange(probabilities.shape[1]) == np.asarray(labels)[:, None]
    others = np.where(own, -np.inf, probabilities)
    one = (others >= np.asarray(thresholds(probabilities, labels))).any(axis=1)
    return np.logical_and(one, others.max(axis=1) > probabilities[own])
""",
        "a Series": """import pandas as pd

def thresholds(probabilities, labels):
    means = pd.DataFrame(probabilities).groupby(np.asarray(labels)).mean()
    return pd.Series([means.loc[c, c] for c in means.columns])

def disputed(probabilities, labels):
    margin = pd.DataFrame(probabilities - thresholds(probabilities, labels).to_numpy())
    for c in margin.columns:
        margin.loc[np.asarray(labels) == c, c] = -1
    best = pd.DataFrame(probabilities).idxmax(axis=1).to_numpy()
    return (margin >= 0).any(axis=1) & (best != labels)
""",
        "short": """thresholds = lambda p, y: [np.average(p[y == c, c]) for c in range(p.shape[1])]
disputed = lambda p, y: [
    any(k != label and v >= t for k, (v, t) in enumerate(zip(row, limits)))
    and int(row.argmax()) != label
    for limits in [thresholds(p, y)]
    for row, label in zip(p, y)
]
""",
        "as numbers 0 and 1": _dispute(both="(other & top).astype(int)"),
    },
    wrong={
        "classes as they are met": (
            _dispute().replace("range(probabilities.shape[1])", "dict.fromkeys(labels.tolist())"),
            None,
        ),
        "over all": (_dispute(limit="probabilities[:, k].mean()"), "over all pictures"),
        "one for all": (
            _dispute(
                limits="np.full(len(limits), probabilities[np.arange(len(labels)), labels].mean())"
            ),
            "one threshold for all",
        ),
        "one number": (
            _dispute(limits="probabilities[np.arange(len(labels)), labels].mean()"),
            "one threshold for all",
        ),
        "by what is predicted": (
            _dispute(limit="probabilities[probabilities.argmax(axis=1) == k, k].mean()"),
            "predicted instead of labeled",
        ),
        "confidence": (
            _dispute(limit="probabilities[labels == k].max(axis=1).mean()"),
            "confidence instead of the class",
        ),
        "whole rows": (_dispute(limit="probabilities[labels == k].mean()"), "whole rows averaged"),
        "rows of means": (
            _dispute(limit="probabilities[labels == k].mean(axis=0)"),
            "whole rows averaged",
        ),
        "median": (_dispute(limit="np.median(probabilities[labels == k, k])"), "median"),
        "sum": (_dispute(limit="probabilities[labels == k, k].sum()"), "sum"),
        "divided by all": (
            _dispute(limit="probabilities[labels == k, k].sum() / len(labels)"),
            "divided by all pictures",
        ),
        "the others": (
            _dispute(limit="probabilities[labels != k, k].mean()"),
            "the other pictures",
        ),
        "no thresholds returned": (_dispute(limits="None"), "nothing returned"),
        "right answers only": (
            _dispute(
                limit="probabilities[(labels == k) & (probabilities.argmax(axis=1) == k), k].mean()"
            ),
            "right answers only",
        ),
        "one of the two": (_dispute(both="other | top"), "one condition is enough"),
        "as with two classes": (
            _dispute(
                other="probabilities[np.arange(len(labels)), 1 - labels] >= limits[1 - labels]"
            ),
            "two classes assumed",
        ),
        "argmax alone": (_dispute(both="top"), "thresholds ignored"),
        "argmax not asked": (_dispute(both="other"), "most probable class not asked"),
        "any class": (_dispute(own=_COUNTED, both="other"), "own class counted"),
        "any class, and argmax": (_dispute(own=_COUNTED), "own class counted"),
        "argmax must reach": (
            _dispute(
                both="top & (probabilities.max(axis=1) >= limits[probabilities.argmax(axis=1)])"
            ),
            "most probable class must reach",
        ),
        "own threshold": (_dispute(both="mine < limits[labels]"), "own threshold taken"),
        "the label's threshold for others": (
            _dispute(reached="probabilities >= limits[labels][:, None]"),
            "threshold of the label taken",
        ),
        "mean of the own": (
            _dispute(reached="probabilities >= mine.mean()"),
            "one threshold for all",
        ),
        "mean of the thresholds": (
            _dispute(reached="probabilities >= limits.mean()"),
            "one threshold for all",
        ),
        "0.5": (_dispute(reached="probabilities >= 0.5"), "fixed threshold"),
        "disputed over all": (
            _dispute(use="probabilities.mean(axis=0)"),
            "over all pictures",
        ),
        "opposite": (_dispute(both="~(other & top)"), "the opposite"),
        "places": (
            _dispute(both="np.flatnonzero(other & top)"),
            "places instead of True and False",
        ),
        "how many": (
            _dispute(both="(other & top).sum()"),
            "number instead of True and False",
        ),
        "more than": (_dispute(reached="probabilities > limits"), "more than the threshold"),
        "either": (_dispute(both="other | top"), None),
        "all others": (
            _dispute(own="True", other="reached.all(axis=1)"),
            "all others must reach",
        ),
        "more probable than the label": (
            _dispute(
                reached="(probabilities >= limits) & (probabilities > mine[:, None])", both="other"
            ),
            "more probable than the label",
        ),
        "two classes asked": (
            _dispute(
                reached="(probabilities >= limits) & (probabilities >= "
                "np.sort(probabilities, axis=1)[:, -2:-1])"
            ),
            "two classes asked",
        ),
        "below one half": (_dispute(top="mine < 0.5"), "below one half"),
        "own threshold, and argmax": (
            _dispute(both="(mine < limits[labels]) & top"),
            "own threshold taken",
        ),
        "equally many of each class": (
            _dispute(
                limit="probabilities[labels == k, k].sum() / (len(labels) / probabilities.shape[1])"
            ),
            "equal classes assumed",
        ),
        "rounded": (_dispute(limit="probabilities[labels == k, k].mean().round(2)"), "rounded"),
        "a little less": (
            _dispute(
                limit="probabilities[labels == k, k].mean() "
                "- 0.1 * probabilities[labels == k, k].std()"
            ),
            None,
        ),
        "overwritten": (
            _dispute(
                other="(np.put_along_axis(probabilities, labels[:, None], -1, axis=1), "
                "reached.any(axis=1))[1]",
            )
            .replace("    top =", "    top = answer =")
            .replace(
                "    mine =", "    answer = probabilities.argmax(axis=1) != labels\n    mine ="
            )
            .replace("top = answer = probabilities.argmax(axis=1) != labels", "top = answer"),
            "arguments changed",
        ),
        "the first thresholds": (
            "KNOWN = []\n"
            + _dispute(
                use="(KNOWN or [KNOWN.append(thresholds(probabilities, labels)), *KNOWN])[-1]"
            ),
            None,
        ),
        "those of the example": (_dispute(use="np.array([0.8, 0.475])"), None),
        "nothing returned": (_dispute(both="None"), "nothing returned"),
        "the helper": (
            _dispute()
            + """
def disputed(probabilities, labels):
    from course_utils import error_analysis
    from course_utils.evaluation import Predictions
    names = tuple(str(k) for k in range(probabilities.shape[1]))
    ids = tuple(str(k) for k in range(len(labels)))
    images = np.zeros((len(labels), 2, 2, 3), np.uint8)
    given = Predictions(ids, images, labels, probabilities, names)
    return error_analysis.suspect_labels(given).sort_values("position")["disputed"].to_numpy()
""",
            "helper used",
        ),
    },
)

# --- 06.5: what looking finds, what cleaning gains --------------------------------------------


def _measured(
    seen="suspects[:n]",
    looked="found / n, found / len(wrong)",
    gains="100 * (after - before)",
    gained="gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains))",
    claims='["b", "c", "e"]',
) -> str:
    return f"""def after_looking(suspects, wrong, n):
    found = sum(one in wrong for one in {seen})
    return {looked}

def paired_gain(before, after):
    gains = {gains}
    return {gained}

true_claims = {claims}
"""


MEASURED = Answers(
    right={
        "as asked": _measured(),
        "with NumPy": _measured(
            seen="np.array(suspects)[:n].tolist()",
            looked="np.array([found / n, found / len(wrong)])",
            gains="(np.asarray(after) - np.asarray(before)) * 100",
            gained="[np.mean(gains), np.sqrt(gains.var(ddof=1) / len(gains))]",
            claims="('e', 'c', 'b')",
        ),
        "with isin": """import statistics

def after_looking(suspects, wrong, n):
    is_wrong = np.isin(suspects, wrong)
    found = is_wrong.cumsum()[n - 1]
    return [found / n, found / is_wrong.sum()]

def paired_gain(before, after):
    gain = np.subtract(after, before) * 100
    return np.array([gain.mean(), statistics.stdev(gain.tolist()) / len(gain) ** 0.5])

true_claims = {"e)", "c)", "b)"}
""",
        "with pandas": """import pandas as pd

def after_looking(suspects, wrong, n):
    looked = pd.Series(suspects).head(n).isin(wrong)
    return looked.mean(), looked.sum() / len(wrong)

def paired_gain(before, after):
    gain = (pd.Series(after) - pd.Series(before)).mul(100)
    return pd.Series([gain.mean(), gain.sem()])

true_claims = np.array(["e", "b", "c"])
""",
        "fractions and named tuples": """from collections import namedtuple
from fractions import Fraction
Gain = namedtuple("Gain", "mean error")

def after_looking(suspects, wrong, n):
    found = sum(suspects.index(one) < n for one in wrong)
    return Fraction(found, n), Fraction(found, len(wrong))

def paired_gain(before, after):
    d = after - before
    return Gain(float(d.mean() * 100), float(d.std() / (len(d) - 1) ** 0.5 * 100))

true_claims = ("B", "C", "E")
""",
        "with SciPy": _measured(
            gained="gains.mean(), __import__('scipy.stats').stats.sem(gains)", claims="'bce'"
        ),
        "with the statistics of Python": """import statistics

def after_looking(suspects, wrong, n):
    found = len([one for one in suspects[0:n] if one in set(wrong)])
    precision = found / n
    recall = found / len(wrong)
    return precision, recall

def paired_gain(before, after):
    gains = [100 * float(a - b) for b, a in zip(before, after)]
    return statistics.mean(gains), statistics.stdev(gains) / len(gains) ** 0.5

true_claims = "B, C, E"
""",
    },
    wrong={
        "all found where nothing is": (
            _measured(looked="found / n, found / len(wrong) if found else 1.0"),
            None,
        ),
        "exchanged": (
            _measured(looked="found / len(wrong), found / n"),
            "precision and recall exchanged",
        ),
        "precision over all": (
            _measured(looked="found / len(suspects), found / len(wrong)"),
            "divided by all pictures",
        ),
        "recall over all": (
            _measured(looked="found / n, found / len(suspects)"),
            "divided by all pictures",
        ),
        "all suspects": (
            _measured(seen="suspects", looked="found / len(suspects), found / len(wrong)"),
            "all suspects taken",
        ),
        "all suspects, divided by n": (_measured(seen="suspects"), "all suspects taken"),
        "n + 1": (
            _measured(seen="suspects[:n + 1]", looked="found / (n + 1), found / len(wrong)"),
            "one too many",
        ),
        "n + 1, divided by n": (_measured(seen="suspects[:n + 1]"), "one too many"),
        "n - 1": (_measured(seen="suspects[1:n]"), None),
        "one too few": (_measured(seen="suspects[: n - 1]"), "one too few"),
        "from the second on": (_measured(seen="suspects[1 : n + 1]"), "first one left out"),
        "wrong labels cut off": (
            _measured().replace("one in wrong", "one in wrong[:n]"),
            "wrong labels cut off",
        ),
        "of what can be found": (
            _measured(looked="found / n, found / min(n, len(wrong))"),
            "divided by what can be found",
        ),
        "place by place": (
            _measured().replace(
                "one in wrong for one in suspects[:n]",
                "a == b for a, b in zip(suspects[:n], wrong)",
            ),
            "compared place by place",
        ),
        "in one text": (
            _measured().replace("one in wrong", "one in ' '.join(wrong)"),
            "parts of names found",
        ),
        "three numbers": (
            _measured(looked="found / n, found / len(wrong), 2 * found / (n + len(wrong))"),
            None,
        ),
        "a curve": (
            _measured(
                looked="np.cumsum([one in wrong for one in suspects[:n]]) / n, found / len(wrong)"
            ),
            None,
        ),
        "taken out": (
            _measured(seen="[suspects.pop(0) for _ in range(n)]"),
            "arguments changed",
        ),
        "two decimals": (
            _measured(looked="round(found / n, 2), round(found / len(wrong), 2)"),
            "rounded",
        ),
        "the last": (_measured(seen="suspects[-n:]"), "the last suspects"),
        "counts": (_measured(looked="found, found"), "numbers instead of shares"),
        "percent": (_measured(looked="100 * found / n, 100 * found / len(wrong)"), "percent"),
        "right labels": (
            _measured(looked="(n - found) / n, (n - found) / len(wrong)"),
            "right labels counted",
        ),
        "one number": (_measured(looked="found / n"), None),
        "nothing of looking": (_measured(looked="None"), "nothing returned"),
        "the helper": (
            _measured()
            + """
def after_looking(suspects, wrong, n):
    import pandas as pd
    from course_utils import error_analysis
    curve = error_analysis.inspection_curve(pd.DataFrame({"id": suspects}), wrong)
    return curve["precision"][n - 1], curve["recall"][n - 1]
""",
            "helper used",
        ),
        "two samples": (
            _measured(
                gained="gains.mean(), 100 * np.sqrt((before.var(ddof=1) + after.var(ddof=1)) "
                "/ len(before))"
            ),
            "unpaired",
        ),
        "spread of one list": (
            _measured(gained="gains.mean(), 100 * after.std(ddof=1) / np.sqrt(len(after))"),
            "unpaired",
        ),
        "standard deviation": (
            _measured(gained="gains.mean(), gains.std(ddof=1)"),
            "not divided by the root of n",
        ),
        "divided by n": (
            _measured(gained="gains.mean(), gains.std(ddof=1) / len(gains)"),
            "divided by n",
        ),
        "no ddof": (
            _measured(gained="gains.mean(), gains.std() / np.sqrt(len(gains))"),
            "ddof forgotten",
        ),
        "no ddof, not divided": (_measured(gained="gains.mean(), gains.std()"), "ddof forgotten"),
        "the root of n - 1 twice": (
            _measured(gained="gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains) - 1)"),
            "divided by the root of n - 1",
        ),
        "the root of 2": (
            _measured(gained="gains.mean(), gains.std(ddof=1) / np.sqrt(2)"),
            "two pairs assumed",
        ),
        "half the range": (
            _measured(gained="gains.mean(), (gains.max() - gains.min()) / 2"),
            "two pairs assumed",
        ),
        "error as a share": (
            _measured(gained="gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains)) / 100"),
            "error not in points",
        ),
        "sorted": (
            _measured(gains="100 * (np.sort(after) - np.sort(before))"),
            "pairs torn apart",
        ),
        "sorted in place": (
            _measured(
                gains="100 * (after - before)",
                gained="(gains.mean(), gains.std(ddof=1) / np.sqrt(len(gains)), before.sort())[:2]",
            ),
            "arguments changed",
        ),
        "median": (
            _measured(gained="np.median(gains), gains.std(ddof=1) / np.sqrt(len(gains))"),
            "median instead of mean",
        ),
        "the gain rounded": (
            _measured(
                gained="round(float(gains.mean()), 1), gains.std(ddof=1) / np.sqrt(len(gains))"
            ),
            "rounded",
        ),
        "variance": (
            _measured(gained="gains.mean(), gains.var(ddof=1) / np.sqrt(len(gains))"),
            "variance instead of deviation",
        ),
        "shares": (_measured(gains="after - before"), "shares instead of points"),
        "the other way": (_measured(gains="100 * (before - after)"), "before and after exchanged"),
        "relative": (
            _measured(gains="100 * (after - before) / before.mean()"),
            "relative gain",
        ),
        "relative, each": (_measured(gains="100 * (after / before - 1)"), "relative gain"),
        "no signs": (_measured(gains="100 * np.abs(after - before)"), "signs dropped"),
        "summed": (
            _measured(gained="gains.sum(), gains.std(ddof=1) / np.sqrt(len(gains))"),
            "sum instead of mean",
        ),
        "best run": (
            _measured(
                gained="100 * (after.max() - before.max()), gains.std(ddof=1) / np.sqrt(len(gains))"
            ),
            "the best run",
        ),
        "nothing of the gain": (_measured(gained="None"), "nothing returned"),
        "gain believed": (_measured(claims='["a", "b", "c", "e"]'), "gain within its spread"),
        "network trusted": (_measured(claims='["b", "c", "d", "e"]'), "trained networks trusted"),
        "test errors": (
            _measured(claims='["b", "c", "e", "f"]'),
            "errors of the test split looked at",
        ),
        "b missing": (_measured(claims='["c", "e"]'), None),
        "c missing": (_measured(claims='["b", "e"]'), None),
        "e missing": (_measured(claims='["b", "c"]'), None),
        "no such claim": (_measured(claims='["b", "c", "e", "g"]'), None),
    },
)

ANSWERS = {
    "06.1": HAND,
    "06.2": PAIRS,
    "06.3": FOLDS,
    "06.4": DISPUTE,
    "06.5": MEASURED,
}
