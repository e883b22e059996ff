"""Check the answers to exercise 05; what they are told is in e05.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from course_utils.checks import compare, model_checks
from course_utils.checks._question import Exercise, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import Ref, StudentError, StudentWork, StudentWorkError

Array = np.ndarray

# --- 05.1: by hand ------------------------------------------------------------

#: Rows: daisy, roses, tulips as they are; columns: what they were taken for.
_MATRIX = np.array([[6, 3, 0], [1, 3, 1], [0, 0, 2]])
_PRECISIONS = np.diag(_MATRIX) / _MATRIX.sum(axis=0)
_RECALLS = np.diag(_MATRIX) / _MATRIX.sum(axis=1)
_F1S = 2 * _PRECISIONS * _RECALLS / (_PRECISIONS + _RECALLS)
_PRECISION, _RECALL, _F1 = _PRECISIONS[1], _RECALLS[1], _F1S[1]
_ACCURACY = 11 / 16


def _matrix(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("rows and columns exchanged", _MATRIX.T),
        Mistake("shares instead of counts", _MATRIX / _MATRIX.sum(axis=1, keepdims=True)),
        Mistake("only right answers counted", np.diag(np.diag(_MATRIX))),
        Mistake(
            "order of the classes", *[_MATRIX[o][:, o] for o in ([0, 2, 1], [1, 0, 2], [2, 1, 0])]
        ),
    ]
    compare.value(subject, "matrix", _MATRIX, mistakes)


def _own_matrix(subject: StudentWork) -> Array | None:
    """Return a wrong matrix of the student that may be of these pictures, or None.

    It is transposed, or has a slip or two. It has cost its own part; what follows from it costs
    nothing more.
    """
    try:
        own = np.asarray(subject.get("matrix"), float)
    except (StudentWorkError, TypeError, ValueError):
        return None
    if own.shape != (3, 3) or not np.all(own >= 0):
        return None
    likely = np.array_equal(own, _MATRIX.T) or np.abs(own - _MATRIX).sum() <= 4
    complete = own.sum(axis=0).min() > 0 and own.sum(axis=1).min() > 0 and np.diag(own).min() > 0
    return own if likely and complete else None


def _hand_number(
    subject: StudentWork,
    name: str,
    want: float,
    mistakes: list[Mistake],
    follows: Iterable[float],
) -> None:
    """Check a number by hand; that it is in percent is one more mistake."""
    mistakes = [*mistakes, Mistake("percent", 100 * want)]
    compare.number_by_hand(subject, name, want, mistakes, follows)


def _precision_recall(subject: StudentWork, rng: np.random.Generator) -> None:
    own = _own_matrix(subject)
    scores = (("precision", _PRECISIONS, _RECALL), ("recall", _RECALLS, _PRECISION))
    for axis, (name, values, other) in enumerate(scores):
        mistakes = [
            Mistake("precision and recall exchanged", other),
            Mistake("accuracy taken", _ACCURACY),
            Mistake("divided by all pictures", 3 / 16),
            Mistake("another class", values[0], values[2]),
        ]
        follows = [] if own is None else [own[1, 1] / own.sum(axis=axis)[1]]
        _hand_number(subject, name, values[1], mistakes, follows)


def _f1_that_follow(subject: StudentWork) -> list[tuple[float, float]]:
    """Return pairs of F1 and macro average that follow from mistakes in the earlier parts."""
    pairs = []
    own = _own_matrix(subject)
    if own is not None:
        scores = 2 * np.diag(own) / (own.sum(axis=0) + own.sum(axis=1))
        pairs.append((float(scores[1]), float(scores.mean())))
    p, r = (compare.earlier_number(subject, name) for name in ("precision", "recall"))
    if p is not None and r is not None and p > 0 and r > 0:
        f1 = 2 * p * r / (p + r)
        hundred = 100 if np.allclose([p, r], [100 * _PRECISION, 100 * _RECALL], atol=0.1) else 1
        pairs.append((f1, (_F1S[0] * hundred + f1 + _F1S[2] * hundred) / 3))
        pairs.append((f1, float(_F1S.mean()) * hundred))
    return pairs


def _f1(subject: StudentWork, rng: np.random.Generator) -> None:
    follow = _f1_that_follow(subject)
    mistakes = [
        Mistake("ordinary mean", (_PRECISION + _RECALL) / 2),
        Mistake("factor 2 forgotten", _F1 / 2),
        Mistake("not divided", 2 * _PRECISION * _RECALL),
        Mistake("accuracy taken", _ACCURACY),
        Mistake("another class", _F1S[0], _F1S[2]),
    ]
    _hand_number(subject, "f1", _F1, mistakes, [one for one, _ in follow])
    p, r = _PRECISIONS.mean(), _RECALLS.mean()
    mistakes = [
        Mistake("weighted mean", np.average(_F1S, weights=_MATRIX.sum(axis=1))),
        Mistake("averaged first", 2 * p * r / (p + r)),
        Mistake("ordinary mean", (p + r) / 2),
        Mistake("a class left out", _F1S[:2].mean(), _F1S[1:].mean()),
        Mistake("accuracy taken", _ACCURACY),
        Mistake("one class only", _F1),
        Mistake("summed", _F1S.sum()),
    ]
    _hand_number(subject, "macro_f1", _F1S.mean(), mistakes, [one for _, one in follow])


# --- 05.2: the same as functions ------------------------------------------------------------


def _confusion(labels: Array, predicted: Array, classes: int) -> Array:
    return compare.pair_counts(labels, predicted, (classes, classes))


_CONFUSION_MISTAKES = [
    Mistake("rows and columns exchanged", lambda y, p, n: _confusion(p, y, n)),
    Mistake(
        "shares instead of counts",
        lambda y, p, n: (
            _confusion(y, p, n) / np.maximum(_confusion(y, p, n).sum(axis=1, keepdims=True), 1)
        ),
    ),
    Mistake("counted once only", lambda y, p, n: np.minimum(_confusion(y, p, n), 1)),
    Mistake("only right answers counted", lambda y, p, n: np.diag(np.diag(_confusion(y, p, n)))),
    Mistake("counts wrap around", lambda y, p, n: _confusion(y, p, n) % 256),
    Mistake(
        "size taken from the labels",
        lambda y, p, n: _confusion(y, p, int(max(y.max(), p.max())) + 1),
    ),
]


def _confusion_function(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = [
        Case((np.array([0, 0, 1, 1, 1]), np.array([0, 1, 1, 1, 0]), 2), "five pictures"),
        Case((rng.integers(0, 4, 60), rng.integers(0, 4, 60), 4), "60 pictures of 4 classes"),
        Case(
            (rng.integers(0, 3, 30), rng.integers(0, 3, 30), 5),
            "5 classes of which the last two do not occur",
        ),
        Case((rng.integers(0, 2, 20_000), rng.integers(0, 2, 20_000), 2), "20,000 pictures"),
        Case((rng.integers(0, 23, 300), rng.integers(0, 23, 300), 23), "23 classes"),
    ]
    compare.function(subject, "confusion", cases, _confusion, _CONFUSION_MISTAKES)
    compare.leaves_arguments(subject, "confusion", cases[:2])


def _recalls(matrix: Array) -> Array:
    return np.asarray(np.diag(matrix) / np.maximum(matrix.sum(axis=1), 1))


def _precisions(matrix: Array) -> Array:
    return _recalls(matrix.T)


def _f1_scores(matrix: Array) -> Array:
    both = matrix.sum(axis=0) + matrix.sum(axis=1)
    return np.asarray(2 * np.diag(matrix) / np.maximum(both, 1))


_F1_MISTAKES = [
    Mistake("recall instead of F1", _recalls),
    Mistake("precision instead of F1", _precisions),
    Mistake("ordinary mean", lambda m: (_recalls(m) + _precisions(m)) / 2),
    Mistake("factor 2 forgotten", lambda m: _f1_scores(m) / 2),
    Mistake("one number for all", lambda m: _f1_scores(m).mean()),
]


def _f1_function(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = [
        Case((np.array([[5, 1], [2, 4]]),), "two classes"),
        Case((rng.integers(1, 30, (4, 4)),), "four classes"),
    ]
    compare.function(subject, "f1_scores", cases, _f1_scores, _F1_MISTAKES)
    compare.leaves_arguments(subject, "f1_scores", cases)
    odd = np.array([[4, 0, 2], [3, 0, 1], [0, 0, 5]])
    absent = np.array([[4, 0, 2], [0, 0, 0], [1, 0, 5]])
    invented = np.array([[4, 1, 2], [0, 0, 0], [1, 3, 5]])
    never_right = np.array([[4, 1, 2], [2, 0, 1], [1, 3, 5]])
    cases = [
        Case((odd,), "a class that is never predicted"),
        Case((absent,), "a class that is neither there nor predicted"),
        Case((invented,), "a class that is predicted, but not there"),
        Case((never_right,), "a class that is never predicted rightly"),
    ]
    compare.function(subject, "f1_scores", cases, _f1_scores, _F1_MISTAKES)


def _place(probabilities: Array, labels: Array) -> Array:
    """Count the classes that are more probable than the right one, for each picture."""
    of_right = probabilities[np.arange(len(labels)), labels]
    return np.asarray((probabilities > of_right[:, None]).sum(axis=1))


def _top_k(probabilities: Array, labels: Array, k: int) -> float:
    return float((_place(probabilities, labels) < k).mean())


_TOP_MISTAKES = [
    Mistake("the least probable taken", lambda p, y, k: _top_k(-p, y, k)),
    Mistake("only the most probable", lambda p, y, k: _top_k(p, y, 1)),
    Mistake("only place k", lambda p, y, k: (_place(p, y) == k - 1).mean()),
    Mistake("one place too many", lambda p, y, k: _top_k(p, y, k + 1)),
    Mistake("one place too few", lambda p, y, k: _top_k(p, y, k - 1)),
    Mistake("number instead of share", lambda p, y, k: (_place(p, y) < k).sum()),
    Mistake("the first k classes", lambda p, y, k: (y < k).mean()),
    Mistake(
        "mean over the classes",
        lambda p, y, k: np.mean([_top_k(p[y == c], y[y == c], k) for c in np.unique(y)]),
    ),
    Mistake("always five places", lambda p, y, k: _top_k(p, y, 5)),
    Mistake("a list of answers", lambda p, y, k: _place(p, y) < k),
    Mistake("percent", lambda p, y, k: 100 * _top_k(p, y, k)),
]


def _probabilities(rng: np.random.Generator, pictures: int, classes: int) -> Array:
    return np.asarray(rng.dirichlet(np.full(classes, 0.7), pictures))


def _top_k_function(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = []
    sizes = ((50, 4, 1), (60, 5, 2), (80, 8, 3), (40, 6, 5), (30, 3, 3), (90, 12, 8), (40, 2, 1))
    for pictures, classes, k in sizes:
        table = _probabilities(rng, pictures, classes)
        labels = np.array([rng.choice(classes, p=row) for row in table])
        table = table.astype("float32")  # which NumPy takes, and TensorFlow's functions too
        cases.append(Case((table, labels, k), f"{classes} classes and k = {k}"))
    table, few = _probabilities(rng, 30, 7).astype("float32"), rng.choice([0, 2, 5], 30)
    cases.append(Case((table, few, 2), "7 classes of which 4 do not occur"))
    compare.function(subject, "top_k_accuracy", cases, _top_k, _TOP_MISTAKES)
    compare.leaves_arguments(subject, "top_k_accuracy", cases[:2])


# --- 05.3: calibration ------------------------------------------------------------


def _bin(confidence: Array, bins: int) -> Array:
    return np.minimum((confidence * bins).astype(int), bins - 1)


def _gap(distances: Array, place: Array) -> float:
    """Sum the distances in each bin, and return the mean absolute sum per picture."""
    _, place = np.unique(place, return_inverse=True)
    return float(np.abs(np.bincount(place, distances)).sum() / len(distances))


def _ece(probabilities: Array, labels: Array, bins: int = 10) -> float:
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    return _gap(right - confidence, _bin(confidence, bins))


def _bent(how: Callable[[Array, Array, int], Any]) -> Callable[..., Any]:
    """Return a wrong error from the confidences, which answers are right, and the bins."""
    return lambda p, y, bins=10: how(p.max(axis=1), p.argmax(axis=1) == y, bins)


def _by_bins(how: Callable[[Array, Array, int], Any]) -> Callable[..., Any]:
    """Return a wrong error from the size and the distance of each bin, and the bins."""

    def answer(confidence: Array, right: Array, bins: int) -> Any:
        _, place, size = np.unique(_bin(confidence, bins), return_inverse=True, return_counts=True)
        return how(size, np.bincount(place, right - confidence) / size, bins)

    return _bent(answer)


def _equally_full(confidence: Array, bins: int) -> Array:
    """Return bins that hold equally many pictures."""
    place = np.zeros(len(confidence), int)
    for number, part in enumerate(np.array_split(np.argsort(confidence, kind="stable"), bins)):
        place[part] = number
    return place


def _from_guessing(p: Array, y: Array, bins: int = 10) -> float:
    guess = 1 / p.shape[1]
    place = np.floor((p.max(axis=1) - guess) / (1 - guess) * bins).clip(0, bins - 1)
    return _gap((p.argmax(axis=1) == y) - p.max(axis=1), place)


def _of_right_class(p: Array, y: Array, bins: int = 10) -> float:
    value = p[np.arange(len(y)), y]
    return _gap((p.argmax(axis=1) == y) - value, _bin(value, bins))


def _of_all_probabilities(p: Array, y: Array, bins: int = 10) -> float:
    own = np.arange(p.shape[1]) == y[:, None]
    return _gap((own - p).ravel(), _bin(p.ravel(), bins))


_ECE_MISTAKES = [
    Mistake(
        "bins not weighted",
        _by_bins(lambda size, d, bins: np.abs(d).mean()),
        _by_bins(lambda size, d, bins: np.abs(d).sum() / bins),
    ),
    Mistake("bins summed", _by_bins(lambda size, d, bins: np.abs(d).sum())),
    Mistake(
        "distances cancel out",
        _by_bins(lambda size, d, bins: np.average(d, weights=size)),
        _by_bins(lambda size, d, bins: -np.average(d, weights=size)),
    ),
    Mistake("one bin for all", _bent(lambda c, right, bins: _gap(right - c, 0 * right))),
    Mistake("largest distance", _by_bins(lambda size, d, bins: np.abs(d).max())),
    Mistake("squared", _by_bins(lambda size, d, bins: np.average(d**2, weights=size))),
    Mistake(
        "middle of the bin",
        _bent(lambda c, right, bins: _gap(right - (_bin(c, bins) + 0.5) / bins, _bin(c, bins))),
    ),
    Mistake("probability of the right class", _of_right_class),
    Mistake(
        "root of the mean square",
        _by_bins(lambda size, d, bins: np.sqrt(np.average(d**2, weights=size))),
    ),
    Mistake(
        "errors counted as right", _bent(lambda c, right, bins: _gap(~right - c, _bin(c, bins)))
    ),
    Mistake("no bins", _bent(lambda c, right, bins: np.abs(right - c).mean())),
    Mistake("one bin too few", lambda p, y, bins=10: _ece(p, y, bins - 1)),
    Mistake(
        "bins around the edges",
        _bent(lambda c, right, bins: _gap(right - c, np.minimum(np.rint(c * bins), bins - 1))),
    ),
    Mistake(
        "bins of the data",
        _bent(
            lambda c, right, bins: _gap(
                right - c, np.floor((c - c.min()) / (np.ptp(c) + 1e-12) * bins)
            )
        ),
        _from_guessing,
    ),
    Mistake(
        "bins equally full", _bent(lambda c, right, bins: _gap(right - c, _equally_full(c, bins)))
    ),
    Mistake("all probabilities", _of_all_probabilities),
    Mistake(
        "a single picture left out",
        _by_bins(lambda size, d, bins: np.average(np.abs(d) * (size > 1), weights=size)),
    ),
    Mistake("number of bins ignored", lambda p, y, bins=10: _ece(p, y, 10)),
    Mistake("percent", lambda p, y, bins=10: 100 * _ece(p, y, bins)),
    Mistake(
        "certain answers lost",
        _bent(lambda c, right, bins: _gap(np.where(c < 1, right - c, 0), _bin(c, bins))),
    ),
    Mistake(
        "a bin for certain answers",
        _bent(lambda c, right, bins: _gap(right - c, np.floor(c * bins))),
    ),
]


def _answers(
    rng: np.random.Generator, pictures: int, classes: int, bins: int = 10
) -> tuple[Array, Array]:
    """Draw probabilities of an overconfident network, and the right classes.

    No confidence is so near to the edge of a bin that float32 would decide.
    """
    table = _probabilities(rng, 2 * pictures, classes)
    distance = table.max(axis=1) * bins % 1
    table = table[(distance > 1e-5) & (distance < 1 - 1e-5)][:pictures]
    honest = 0.75 * table + 0.25 / classes
    labels = np.array([rng.choice(classes, p=row / row.sum()) for row in honest])
    return table, labels


def _ten_bin_cases(rng: np.random.Generator) -> list[Case]:
    cases = [
        Case(_answers(rng, pictures, classes), f"{pictures} pictures of {classes} classes")
        for pictures, classes in ((200, 3), (300, 5), (3000, 20))
    ]
    sure = np.array([[0.92, 0.08], [0.97, 0.03], [0.08, 0.92], [0.45, 0.55]])
    return [*cases, Case((sure, np.array([0, 0, 1, 1])), "four pictures in two bins")]


def _ten_bins(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _ten_bin_cases(rng)
    compare.function(subject, "calibration_error", cases, _ece, _ECE_MISTAKES)
    compare.leaves_arguments(subject, "calibration_error", cases[:2])


def _in_all_bins(rng: np.random.Generator, bins: int) -> tuple[Array, Array]:
    """Draw answers of which some lie in each bin, and some have a confidence of exactly 1."""
    confidence = ((np.arange(bins) + rng.uniform(0.45, 0.55, (40, bins))) / bins).ravel()
    confidence[-3:] = 1
    classes = 3 * bins + 2
    table = np.repeat((1 - confidence)[:, None] / (classes - 1), classes, axis=1)
    labels = rng.integers(0, classes, len(table))
    table[np.arange(len(table)), labels] = confidence
    wrong_ones = rng.random(len(table)) < 0.6 * confidence
    return table, (labels + wrong_ones) % classes


def _stops_at_empty_bins(subject: StudentWork, cases: list[Case]) -> bool:
    """Tell whether a function gives NaN, or divides by zero, just where a bin is empty."""
    seen = set()
    for case in cases:
        table = case.args[0]
        is_empty = len(np.unique(_bin(table.max(axis=1), 10))) < 10
        try:
            got = compare.one_number(subject.call("calibration_error", *case.args))
            stops = got is not None and bool(np.isnan(got))
        except StudentError as error:
            stops = error.kind == "ZeroDivisionError"
        if stops is not is_empty:
            return False
        seen.add(stops)
    return True in seen


def _any_bins(subject: StudentWork, rng: np.random.Generator) -> None:
    first = _ten_bin_cases(rng)
    right = compare.as_told_before(subject, "calibration_error", first, _ece, _ECE_MISTAKES)
    cases = []
    for bins, pictures, classes in ((1, 200, 4), (4, 200, 4), (15, 200, 4), (37, 2000, 9)):
        unit = "bin" if bins == 1 else "bins"
        cases.append(Case((*_answers(rng, pictures, classes, bins), bins), f"{bins} {unit}"))
    cases.append(Case(_answers(rng, 2000, 9), "ten bins, `bins` left out"))
    if _stops_at_empty_bins(subject, first):  # this has cost the first part
        cases = [Case((*_in_all_bins(rng, bins), bins), f"{bins} full bins") for bins in (1, 4, 7)]
        compare.function(subject, "calibration_error", cases, right, _ECE_MISTAKES)
        return
    compare.function(subject, "calibration_error", cases, right, _ECE_MISTAKES)
    # Surest answers wrong, sure ones right: so it shows in which bin an answer is counted.
    table, labels = _answers(rng, 80, 3, 8)
    table[:20] = np.eye(3)[rng.integers(0, 3, 20)]
    table[20:24] = rng.permutation([0.95, 0.03, 0.02])
    table[24:28] = rng.permutation([0.81, 0.15, 0.04])
    sure = table.max(axis=1) > 0.75
    labels[sure] = table[sure].argmax(axis=1)
    labels[:20] = (labels[:20] + 1) % 3
    cases = [Case((table, labels, 8), "answers of which some have a confidence of exactly 1")]
    compare.function(subject, "calibration_error", cases, right, _ECE_MISTAKES)


# --- 05.4: in one pass, and kept ------------------------------------------------------------

_PICTURES, _CLASSES, _SHAPE = 53, 6, (8, 8, 3)


class _Collected:
    """The result of `collect` for a shuffled dataset and a network with random weights.

    Attributes
    ----------
    labels : array of int
        The labels of the dataset.
    probabilities : array, shape (pictures, classes)
        What the network gives to the pictures.
    mistaken : list of (str, array, float)
        Wrong tables that are known: the mistake, the rows, and how near theirs must be.
    found_labels, found : array
        What `collect` returned.
    """

    def __init__(self, subject: StudentWork, rng: np.random.Generator) -> None:
        model = _random_network(subject, _CLASSES, rng)
        colors = rng.uniform(0, 255, (_PICTURES, 1, 1, 3))
        images = np.broadcast_to(colors, (_PICTURES, *_SHAPE)).astype("float32")
        self.labels = rng.integers(0, _CLASSES, _PICTURES)
        dataset = subject.call("shuffled", images, self.labels)
        softmax, sigmoid = model_checks.ENDS["softmax"], model_checks.ENDS["sigmoid"]
        self.logits = np.asarray(subject.model_outputs(model, images))
        self.probabilities = softmax(self.logits)
        each = sigmoid(self.logits)
        dark = np.asarray(subject.model_outputs(model, images / 255))
        self.mistaken = [
            ("logits instead of probabilities", self.logits, 1e-2),
            ("softmax twice", softmax(self.probabilities), 1e-3),
            ("sigmoid instead of softmax", each, 1e-3),
            ("sigmoid instead of softmax", each / each.sum(axis=1, keepdims=True), 1e-3),
            ("rescaled twice", softmax(dark), 1e-3),
        ]
        before = subject.model_weights(model, _SHAPE)
        result = compare.result_of(subject, "collect", model, dataset)
        after = subject.model_weights(model, _SHAPE)
        self.changed = not all(map(np.array_equal, before, after))
        again = np.asarray(subject.model_outputs(model, images))
        self.other_end = again.shape != self.logits.shape or not np.allclose(
            again, self.logits, rtol=1e-3, atol=1e-3
        )
        self._unpack(result)

    def _unpack(self, result: Any) -> None:
        """Take labels and probabilities, in either order, from what `collect` returned."""
        if not isinstance(result, list | tuple) or len(result) != 2:
            raise wrong("other: two arrays")
        first, second = _array(result[0]), _array(result[1])
        if first is None or second is None:
            raise wrong("batches not joined")
        self.exchanged = first.ndim == 2 and second.ndim == 1
        if self.exchanged:
            first, second = second, first
        if first.ndim != 1:
            raise wrong("other: labels")
        if second.ndim == 1:
            raise wrong("classes instead of probabilities")
        if second.ndim != 2 or second.shape[1] != _CLASSES:
            raise wrong("shape: probabilities")
        self.found_labels, self.found = first, second.astype(float)

    def rows(self) -> Array:
        """Return which picture each row belongs to; raise what is wrong with the rows."""
        if self.changed:
            raise wrong("training mode")
        if self.other_end:
            raise wrong("network altered")
        if self.exchanged:
            raise wrong("order exchanged")
        if len(self.found) != _PICTURES or len(self.found_labels) != _PICTURES:
            raise wrong("one batch only" if len(self.found) <= 8 else "pictures lost")
        which, distance = _nearest(self.found, self.probabilities)
        if distance < 1e-4:
            return which
        if distance < 6e-3 and np.allclose(self.found, self.found.round(3), rtol=0, atol=1e-6):
            raise wrong("rounded: probabilities")
        for mistake, rows, near in self.mistaken:
            if _nearest(self.found, rows)[1] < near:
                raise wrong(mistake)
        one_each = np.allclose(self.found.sum(axis=1), 1, atol=1e-3)
        raise wrong("other: probabilities" if one_each else "softmax over the batch")

    def recognized(self) -> Array | None:
        """Return the picture of each row, even if the rows are wrong in a known way."""
        for rows in (self.probabilities, *(rows for _, rows, _ in self.mistaken)):
            which, distance = _nearest(self.found, rows)
            if distance < 6e-3:
                return which
        return None


def _array(one: Any) -> Array | None:
    """Return numbers as one array, or None."""
    try:
        array = np.asarray(one)
    except ValueError:  # batches of different sizes
        return None
    return array if array.ndim and array.dtype.kind in "biuf" else None


def _nearest(found: Array, known: Array) -> tuple[Array, float]:
    """Return the nearest known row of each row, and the largest of the distances."""
    distances = np.abs(found[:, None] - known[None]).max(axis=2)
    return distances.argmin(axis=1), float(distances.min(axis=1).max())


def _random_network(subject: StudentWork, classes: int, rng: np.random.Generator) -> Ref:
    model = compare.given(subject, "color_network", classes, kind="model")
    _fresh_weights(subject, model, rng)
    return model


def _fresh_weights(subject: StudentWork, model: Ref, rng: np.random.Generator) -> None:
    """Set random weights: each value another one, and all variances above zero."""
    fresh = [
        rng.normal(0, 1.5 / np.sqrt(len(weight)), weight.shape)
        if weight.ndim > 1
        else rng.uniform(0.2, 0.8, weight.shape)
        for weight in subject.model_weights(model, _SHAPE)
    ]
    subject.model_set_weights(model, _SHAPE, [weight.astype("float32") for weight in fresh])


def _all_rows(subject: StudentWork, rng: np.random.Generator) -> None:
    which = _Collected(subject, rng).rows()
    if sorted(which) != list(range(_PICTURES)):
        raise wrong("pictures lost: some twice")


def _paired(subject: StudentWork, rng: np.random.Generator) -> None:
    collected = _Collected(subject, rng)
    which = collected.recognized()
    if which is None or len(which) != len(collected.found_labels):
        which = collected.rows()
    want, found = collected.labels[which], collected.found_labels
    if np.array_equal(found, want):
        return
    # Rounded rows may be those of two pictures.
    near = np.abs(collected.found[:, None] - collected.probabilities[None]).max(axis=2) < 6e-3
    if (near & (found[:, None] == collected.labels)).any(axis=1).all():
        return
    if np.array_equal(found, collected.logits[which].argmax(axis=1)):
        raise wrong("predicted classes taken")
    raise wrong("two passes" if sorted(found) == sorted(want) else "other: other labels")


_KEPT = ("wild pears", "apples, red", "quinces", "crème figs", "dates", "sloes")
_OTHERS = ["limes", "medlars", "grapes", "plums"]


def _kept(subject: StudentWork, rng: np.random.Generator) -> None:
    compare.require(subject, "keep")
    compare.require(subject, "bring_back")
    x = rng.uniform(0, 255, (5, *_SHAPE)).astype("float32")
    names = [str(name) for name in rng.permutation(_KEPT)]
    if names == sorted(names):
        names.reverse()
    folders = [subject.call("new_folder"), subject.call("new_folder")]
    if not all(isinstance(folder, Ref) for folder in folders):
        raise wrong("other: given", name="new_folder")
    wants = [
        _keep(subject, classes, folder, x, rng)
        for classes, folder in zip((names, _OTHERS), folders, strict=True)
    ]
    # In a second process (in a notebook: in another place) only the files are there.
    files = [subject.files(folder) for folder in folders]
    subject = subject.second()
    folder, _ = [subject.put_files(file) for file in files]
    model, found = _brought_back(subject, folder)
    try:
        got = subject.model_outputs(model, x)
    except StudentError as error:
        raise wrong("other: network of no use", kind=error.kind) from None
    own, other = [compare.close(got, want, rtol=1e-4, atol=1e-4) for want in wants]
    if other or found == _OTHERS:
        raise wrong("folder ignored")
    if not own:
        raise wrong("weights lost")
    if found != names:
        same = found is not None and sorted(found) == sorted(names)
        raise wrong("order of the names lost" if same else "names lost")


def _keep(
    subject: StudentWork, classes: list[str], folder: Ref, x: Array, rng: np.random.Generator
) -> Array:
    """Store a new network with `keep`, and return its outputs for some pictures."""
    model = _random_network(subject, len(classes), rng)
    want = subject.model_outputs(model, x)
    subject.call("keep", model, classes, folder)
    if not np.allclose(subject.model_outputs(model, x), want, rtol=1e-3, atol=1e-3):
        raise wrong("network changed")
    stored = sum(len(content) for content in subject.files(folder).values())
    weights = sum(weight.size for weight in subject.model_weights(model, _SHAPE))
    if stored < 1.5 * weights:  # random float32 cannot be stored in less
        raise wrong("not in the folder")
    _fresh_weights(subject, model, rng)  # what is kept is a file, not the network in memory
    return np.asarray(want)


def _brought_back(subject: StudentWork, folder: Ref) -> tuple[Ref, list[str] | None]:
    """Return the network and the class names that `bring_back` returns."""
    try:
        result = compare.result_of(subject, "bring_back", folder)
    except StudentError as error:
        if error.kind == "NotImplementedError":
            raise
        raise wrong("files not enough", classes=len(_KEPT), kind=error.kind) from None
    if not isinstance(result, list | tuple) or len(result) != 2:
        raise wrong("other: two things")
    if not _is_model(subject, result[0]):
        exchanged = _is_model(subject, result[1])
        raise wrong("order exchanged: bring_back" if exchanged else "other: no network")
    return result[0], compare.texts(result[1])


def _is_model(subject: StudentWork, what: Any) -> bool:
    return isinstance(what, Ref) and subject.kind(what) == "model"


# --- 05.5: curves and claims ------------------------------------------------------------

_KINDS = ("overfitting", "underfitting", "learning rate too high", "still improving", "healthy")
_TRAININGS = {
    "A": "overfitting",
    "B": "underfitting",
    "C": "learning rate too high",
    "D": "still improving",
}


#: What the usual wrong diagnoses of a training show.
_WRONG_DIAGNOSES = {
    ("A", "underfitting"): "overfitting and underfitting exchanged: A",
    ("A", "healthy"): "rise of the validation loss overlooked",
    ("A", "still improving"): "training loss taken for quality",
    ("B", "overfitting"): "overfitting and underfitting exchanged: B",
    ("B", "healthy"): "small gap taken for quality: B",
    ("C", "underfitting"): "first epochs overlooked",
    ("D", "healthy"): "stopped too soon: healthy",
    ("D", "underfitting"): "stopped too soon: underfitting",
}


def _diagnoses(subject: StudentWork, rng: np.random.Generator) -> None:
    given = compare.mapping(subject, "diagnoses") or {}
    got = {str(name).strip().upper(): said for name, said in given.items()}
    if any(not isinstance(got.get(name), str) for name in _TRAININGS):
        raise wrong("other: no dictionary")
    for name, right in _TRAININGS.items():
        said = " ".join(got[name].lower().rstrip(".!").split())
        if said not in _KINDS:
            raise wrong("other: unknown diagnosis", training=name, known=", ".join(_KINDS))
        if said != right:
            key = _WRONG_DIAGNOSES.get((name, said), "other: diagnosis")
            raise wrong(key, training=name)


def _best_epoch(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("counted from 0", 6),
        Mistake("last epoch", 20),
        Mistake("accuracy instead of loss", 12, 13),
    ]
    compare.number(subject, "best_epoch", 7, mistakes, whole=True)


def _claims(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = {
        "b": "difference within the interval",
        "c": "small gap taken for quality",
        "e": "temperature changes the answers",
    }
    compare.choice(subject, "true_claims", "adf", "abcdef", mistakes)


EXERCISE = Exercise.of(
    "05_evaluation",
    Question.of("05.1", _matrix, _precision_recall, _f1),
    Question.of("05.2", _confusion_function, _f1_function, _top_k_function),
    Question.of("05.3", _ten_bins, _any_bins),
    Question.of("05.4", _all_rows, _paired, _kept),
    Question.of("05.5", _diagnoses, _best_epoch, _claims),
    Question.of("05.6"),
)
