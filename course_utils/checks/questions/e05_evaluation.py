"""What exercise 05 asks, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from course_utils.checks import compare
from course_utils.checks._question import (
    Exercise,
    IncorrectAnswer,
    NotAttempted,
    Question,
    wrong,
)
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import Missing, Ref, StudentError, StudentWork, StudentWorkError

Array = np.ndarray

# --- 05.1: by hand ------------------------------------------------------------

#: Rows: daisy, roses, tulips as they are; columns: what they were taken for.
_MATRIX = np.array([[6, 3, 0], [1, 3, 1], [0, 0, 2]])


def _matrix(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("rows and columns exchanged", _MATRIX.T),
        Mistake("shares instead of counts", _MATRIX / _MATRIX.sum(axis=1, keepdims=True)),
        Mistake("only right answers counted", np.diag(np.diag(_MATRIX))),
    ]
    for order in ([0, 2, 1], [1, 0, 2], [2, 1, 0]):
        turned = _MATRIX[order][:, order]

        mistakes.append(Mistake("order of the classes", turned))
    compare.value(subject, "matrix", _MATRIX, mistakes)


_PRECISIONS, _RECALLS = np.array([6 / 7, 3 / 6, 2 / 3]), np.array([6 / 9, 3 / 5, 1.0])
_F1S = 2 * _PRECISIONS * _RECALLS / (_PRECISIONS + _RECALLS)
_PRECISION, _RECALL, _F1 = float(_PRECISIONS[1]), float(_RECALLS[1]), float(_F1S[1])
_ACCURACY = 11 / 16
#: Three decimals are enough, rounded or cut off.
_DECIMALS = 6e-4


def _own_matrix(subject: StudentWork) -> Array | None:
    """A wrong matrix of theirs that may be of these pictures: transposed, or with a slip or two.

    It has cost its own part; what follows from it costs nothing more.
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


def _given_number(subject: StudentWork, name: str) -> float | None:
    try:
        return compare.one_number(subject.get(name))
    except StudentWorkError:
        return None


def _hand_number(
    subject: StudentWork,
    name: str,
    want: float,
    mistakes: list[Mistake],
    follows: Iterable[float],
    advice: str,
) -> None:
    """Check a number; one that follows from an earlier mistake is right, too."""
    got = compare.one_number(compare.attempted(subject, name))
    if got is not None and any(abs(got - one) <= _DECIMALS for one in follows):
        return
    wrong = [one for one in mistakes if got is not None and abs(got - one.answer) <= _DECIMALS]
    if got is not None and not wrong and compare.has_few_decimals(got, want):
        raise wrong("rounded", name=name)
    percent = Mistake("percent", 100 * want)
    compare.number(
        subject, name, want, [*mistakes, percent], rtol=0.0, atol=_DECIMALS, advice=advice
    )


def _precision_recall(subject: StudentWork, rng: np.random.Generator) -> None:
    others = [
        Mistake("accuracy taken: that is the", _ACCURACY),
        Mistake("divided by all pictures", 3 / 16),
    ]

    exchanged = "precision and recall exchanged"
    own = _own_matrix(subject)
    follows = [] if own is None else [own[1, 1] / own[:, 1].sum(), own[1, 1] / own[1].sum()]
    _hand_number(
        subject,
        "precision",
        _PRECISION,
        [
            Mistake(
                exchanged,
                "That is recall. Precision: of those that were **called** roses, how many are?",
                _RECALL,
            ),
            *others,
            *(Mistake("another class: that is the", float(_PRECISIONS[k])) for k in (0, 2)),
        ],
        follows[:1],
        "Look at the column of roses.",
    )
    _hand_number(
        subject,
        "recall",
        _RECALL,
        [
            Mistake(
                exchanged,
                "That is precision. Recall: of those that **are** roses, how many were found?",
                _PRECISION,
            ),
            *others,
            *(Mistake("another class: that is the", float(_RECALLS[k])) for k in (0, 2)),
        ],
        follows[1:],
        "Look at the row of roses.",
    )


def _f1_that_follow(subject: StudentWork) -> list[tuple[float, float]]:
    """F1 of the roses and the macro average, as they follow from mistakes in the earlier parts."""
    pairs = []
    own = _own_matrix(subject)
    if own is not None:
        scores = 2 * np.diag(own) / (own.sum(axis=0) + own.sum(axis=1))
        pairs.append((float(scores[1]), float(scores.mean())))
    p, r = _given_number(subject, "precision"), _given_number(subject, "recall")
    if p is not None and r is not None and p > 0 and r > 0:
        f1 = 2 * p * r / (p + r)
        hundred = 100 if np.allclose([p, r], [100 * _PRECISION, 100 * _RECALL], atol=0.1) else 1
        pairs.append((f1, (_F1S[0] * hundred + f1 + _F1S[2] * hundred) / 3))
        pairs.append((f1, float(_F1S.mean()) * hundred))
    return pairs


def _f1(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("ordinary mean: 0 55 is", (_PRECISION + _RECALL) / 2),
        Mistake("factor 2 forgotten", _F1 / 2),
        Mistake("not divided", 2 * _PRECISION * _RECALL),
        Mistake("accuracy taken: that is the accuracy", _ACCURACY),
        *(Mistake("another class: that is f1", float(_F1S[k])) for k in (0, 2)),
    ]
    follow = _f1_that_follow(subject)
    advice = "2 · precision · recall / (precision + recall), for roses."
    _hand_number(subject, "f1", _F1, mistakes, [one for one, _ in follow], advice)
    p, r = _PRECISIONS.mean(), _RECALLS.mean()
    mistakes = [
        Mistake("weighted mean", float((_F1S * _MATRIX.sum(axis=1)).sum() / 16)),
        Mistake("averaged first", float(2 * p * r / (p + r))),
        Mistake("ordinary mean: you take the", float((_PRECISIONS + _RECALLS).mean() / 2)),
        Mistake("a class left out: you leave out", float(_F1S[:2].mean())),
        Mistake("a class left out: you leave out a", float(_F1S[1:].mean())),
        Mistake("accuracy taken: that is the accuracy", _ACCURACY),
        Mistake("one class only", _F1),
        Mistake("summed", float(_F1S.sum())),
    ]
    advice = "F1 of daisy, of roses and of tulips, and the mean of the three."
    macros = [one for _, one in follow]
    _hand_number(subject, "macro_f1", float(_F1S.mean()), mistakes, macros, advice)


# --- 05.2: the same as functions ------------------------------------------------------------


def _confusion(labels: Array, predicted: Array, num_classes: int) -> Array:
    matrix = np.zeros((num_classes, num_classes), int)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


_CONFUSION_MISTAKES = [
    Mistake("rows and columns exchanged", lambda y, p, n: _confusion(y, p, n).T),
    Mistake(
        "shares instead of counts",
        lambda y, p, n: _confusion(y, p, n) / np.maximum(_confusion(y, p, n).sum(1)[:, None], 1),
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
    ]
    compare.function(subject, "confusion", cases, _confusion, _CONFUSION_MISTAKES)
    compare.leaves_arguments(subject, "confusion", cases[:2])


def _divide(top: Array, bottom: Array) -> Array:
    return np.asarray(top / np.maximum(bottom, 1e-12))


def _parts(m: Array) -> tuple[Array, Array, Array]:
    return np.diag(m).astype(float), m.sum(axis=1), m.sum(axis=0)


def _f1_scores(matrix: Array) -> Array:
    tp, rows, columns = _parts(matrix)
    return _divide(2 * tp, rows + columns)


_F1_MISTAKES = [
    Mistake("recall instead of F1", lambda m: _divide(_parts(m)[0], _parts(m)[1])),
    Mistake("precision instead of F1", lambda m: _divide(_parts(m)[0], _parts(m)[2])),
    Mistake(
        "ordinary mean",
        lambda m: (_divide(_parts(m)[0], _parts(m)[1]) + _divide(_parts(m)[0], _parts(m)[2])) / 2,
    ),
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
    cases = [
        Case((odd,), "a class that is never predicted"),
        Case((absent,), "a class that is neither there nor predicted"),
    ]

    try:
        compare.function(subject, "f1_scores", cases, _f1_scores, _F1_MISTAKES)
    except IncorrectAnswer as error:
        if error.mistake == "not finite":
            raise wrong("not finite: F1", **error.fields) from None
        raise


def _top_k(probabilities: Array, labels: Array, k: int) -> float:
    order = np.argsort(-probabilities, axis=1)[:, :k]
    return float((order == labels[:, None]).any(axis=1).mean())


def _place(probabilities: Array, labels: Array) -> Array:
    """How many classes are more probable than the right one."""
    of_right = probabilities[np.arange(len(labels)), labels]
    return np.asarray((probabilities > of_right[:, None]).sum(axis=1))


_TOP_MISTAKES = [
    Mistake("the least probable taken", lambda p, y, k: _top_k(-p, y, k)),
    Mistake("only the most probable", lambda p, y, k: _top_k(p, y, 1)),
    Mistake("only place k", lambda p, y, k: float((_place(p, y) == k - 1).mean())),
    Mistake("one place too many", lambda p, y, k: float((_place(p, y) <= k).mean())),
    Mistake("one place too few", lambda p, y, k: float((_place(p, y) < k - 1).mean())),
    Mistake("number instead of share", lambda p, y, k: float((_place(p, y) < k).sum())),
    Mistake("the first k classes", lambda p, y, k: float((y < k).mean())),
    Mistake(
        "mean over the classes",
        lambda p, y, k: float(np.mean([(_place(p, y) < k)[y == c].mean() for c in np.unique(y)])),
    ),
    Mistake("always five places", lambda p, y, k: float((_place(p, y) < 5).mean())),
    Mistake("a list of answers", lambda p, y, k: _place(p, y) < k),
]


def _probabilities(rng: np.random.Generator, pictures: int, classes: int) -> Array:
    table = rng.dirichlet(np.full(classes, 0.7), pictures)
    return np.asarray(table)


def _top_k_function(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = []
    for pictures, classes, k in ((50, 4, 1), (60, 5, 2), (80, 8, 3), (40, 6, 5), (30, 3, 3)):
        table = _probabilities(rng, pictures, classes)
        labels = np.array([rng.choice(classes, p=row) for row in table])
        table = table.astype("float32")  # which NumPy takes, and TensorFlow's functions too
        cases.append(Case((table, labels, k), f"{classes} classes and k = {k}"))
    compare.function(subject, "top_k_accuracy", cases, _top_k, _TOP_MISTAKES)
    compare.leaves_arguments(subject, "top_k_accuracy", cases[:2])


# --- 05.3: calibration ------------------------------------------------------------


def _bins(probabilities: Array, labels: Array, bins: int) -> list[tuple[float, float, float]]:
    """For each bin with pictures: their share, mean confidence, accuracy."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        (
            float((which == b).mean()),
            float(confidence[which == b].mean()),
            float(right[which == b].mean()),
        )
        for b in np.unique(which)
    ]


def _ece(probabilities: Array, labels: Array, bins: int = 10) -> float:
    return sum(share * abs(a - c) for share, c, a in _bins(probabilities, labels, bins))


def _bent(how: Callable[[list[tuple[float, float, float]], int], float]) -> Callable[..., float]:
    def answer(probabilities: Array, labels: Array, bins: int = 10) -> float:
        return how(_bins(probabilities, labels, bins), bins)

    return answer


def _centres(probabilities: Array, labels: Array, bins: int = 10) -> float:
    confidence = probabilities.max(axis=1)
    middle = (np.minimum((confidence * bins).astype(int), bins - 1) + 0.5) / bins
    right = probabilities.argmax(axis=1) == labels
    return float(
        sum((middle == m).mean() * abs(right[middle == m].mean() - m) for m in np.unique(middle))
    )


def _of_right_class(probabilities: Array, labels: Array, bins: int = 10) -> float:
    value = probabilities[np.arange(len(labels)), labels]
    right = probabilities.argmax(axis=1) == labels
    which = np.minimum((value * bins).astype(int), bins - 1)
    return float(
        sum(
            (which == b).mean() * abs(right[which == b].mean() - value[which == b].mean())
            for b in np.unique(which)
        )
    )


def _without_certain(probabilities: Array, labels: Array, bins: int = 10) -> float:
    keep = probabilities.max(axis=1) < 1
    return _ece(probabilities[keep], labels[keep], bins) * float(keep.mean())


def _in_bins(which: Callable[[Array, int, int], Array]) -> Callable[..., float]:
    """The error with other bins; `which` gets the confidences, and how many classes and bins."""

    def answer(probabilities: Array, labels: Array, bins: int = 10) -> float:
        confidence = probabilities.max(axis=1)
        right = probabilities.argmax(axis=1) == labels
        place = which(confidence, probabilities.shape[1], bins)
        found = [place == b for b in np.unique(place)]
        return float(sum(abs((right[one] - confidence[one]).sum()) for one in found) / len(labels))

    return answer


def _equally_full(confidence: Array, classes: int, bins: int) -> Array:
    place = np.zeros(len(confidence), int)
    for number, part in enumerate(np.array_split(np.argsort(confidence, kind="stable"), bins)):
        place[part] = number
    return place


def _all_probabilities(probabilities: Array, labels: Array, bins: int) -> float:
    own = (np.arange(probabilities.shape[1]) == labels[:, None]).ravel()
    place = np.minimum((probabilities.ravel() * bins).astype(int), bins - 1)
    sums = np.bincount(place, weights=own - probabilities.ravel())
    return float(np.abs(sums).sum() / probabilities.size)


def _bent_by_size(keep: Callable[[float], bool]) -> Callable[..., float]:
    def answer(probabilities: Array, labels: Array, bins: int = 10) -> float:
        rows = _bins(probabilities, labels, bins)
        return sum(s * abs(a - c) for s, c, a in rows if keep(round(s * len(labels))))

    return answer


_ECE_MISTAKES = [
    Mistake(
        "bins not weighted",
        _bent(lambda rows, n: float(np.mean([abs(a - c) for _, c, a in rows]))),
        _bent(lambda rows, n: sum(abs(a - c) for _, c, a in rows) / n),
    ),
    Mistake("bins summed", _bent(lambda rows, n: sum(abs(a - c) for _, c, a in rows))),
    Mistake(
        "distances cancel out",
        _bent(lambda rows, n: sum(s * (a - c) for s, c, a in rows)),
        _bent(lambda rows, n: sum(s * (c - a) for s, c, a in rows)),
    ),
    Mistake("one bin for all", _bent(lambda rows, n: abs(sum(s * (a - c) for s, c, a in rows)))),
    Mistake("largest distance", _bent(lambda rows, n: max(abs(a - c) for _, c, a in rows))),
    Mistake("squared", _bent(lambda rows, n: sum(s * (a - c) ** 2 for s, c, a in rows))),
    Mistake("middle of the bin", _centres),
    Mistake("probability of the right class", _of_right_class),
    Mistake(
        "root of the mean square",
        _bent(lambda rows, n: float(np.sqrt(sum(s * (a - c) ** 2 for s, c, a in rows)))),
    ),
    Mistake(
        "no bins",
        lambda p, y, bins=10: float(np.abs((p.argmax(axis=1) == y) - p.max(axis=1)).mean()),
    ),
    Mistake("one bin too few", lambda p, y, bins=10: _ece(p, y, bins - 1)),
    Mistake(
        "bins around the edges",
        _in_bins(lambda c, classes, bins: np.minimum(np.rint(c * bins), bins - 1)),
    ),
    Mistake(
        "bins of the data: your bins go",
        _in_bins(
            lambda c, classes, bins: np.floor((c - c.min()) / (c.max() - c.min() + 1e-12) * bins)
        ),
    ),
    Mistake(
        "bins of the data: your bins begin",
        _in_bins(
            lambda c, classes, bins: np.clip(
                np.floor((c - 1 / classes) / (1 - 1 / classes) * bins), 0, bins - 1
            )
        ),
    ),
    Mistake("bins equally full", _in_bins(_equally_full)),
    Mistake("all probabilities", lambda p, y, bins=10: _all_probabilities(p, y, bins)),
    Mistake("a single picture left out", _bent_by_size(lambda size: size > 1)),
    Mistake("number of bins ignored", lambda p, y, bins=10: _ece(p, y, 10)),
    Mistake("certain answers lost", _without_certain),
]


def _answers(
    rng: np.random.Generator, pictures: int, classes: int, bins: int = 10
) -> tuple[Array, Array]:
    """Probabilities of a network that is too sure where it is sure, and the right classes.

    No confidence is so near to the edge of a bin that float32 would decide.
    """
    table = _probabilities(rng, 2 * pictures, classes)
    distance = table.max(axis=1) * bins % 1
    table = table[(distance > 1e-5) & (distance < 1 - 1e-5)][:pictures]
    honest = 0.75 * table + 0.25 / classes
    labels = np.array([rng.choice(classes, p=row / row.sum()) for row in honest])
    return table, labels


def _ten_bin_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for pictures, classes in ((200, 3), (300, 5), (3000, 20)):
        table, labels = _answers(rng, pictures, classes)
        cases.append(Case((table, labels), f"{pictures} pictures of {classes} classes"))
    sure = np.array([[0.92, 0.08], [0.97, 0.03], [0.08, 0.92], [0.45, 0.55]])
    cases.append(Case((sure, np.array([0, 0, 1, 1])), "four pictures in two bins"))
    return cases


def _ten_bins(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _ten_bin_cases(rng)
    compare.function(subject, "calibration_error", cases, _ece, _ECE_MISTAKES)
    compare.leaves_arguments(subject, "calibration_error", cases[:2])


def _any_bins(subject: StudentWork, rng: np.random.Generator) -> None:
    # A mistake that has cost the first part costs nothing more.
    told = compare.made(subject, "calibration_error", _ten_bin_cases(rng), _ece, _ECE_MISTAKES)
    right = told.answer if told else _ece
    cases = []
    for bins, pictures, classes in ((1, 200, 4), (4, 200, 4), (15, 200, 4), (37, 2000, 9)):
        table, labels = _answers(rng, pictures, classes, bins)
        unit = "bin" if bins == 1 else "bins"
        cases.append(Case((table, labels, bins), f"{bins} {unit}"))
    cases.append(Case(_answers(rng, 2000, 9), "ten bins, `bins` left out"))
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
    apart = Mistake(
        "a bin for certain answers", _in_bins(lambda c, classes, bins: np.floor(c * bins))
    )
    mistakes = [*_ECE_MISTAKES, apart]
    compare.function(subject, "calibration_error", cases, right, mistakes)


# --- 05.4: in one pass, and kept ------------------------------------------------------------

_PICTURES, _CLASSES = 53, 6


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


class _Collected:
    """What `collect` made of a shuffled dataset and a network with random weights."""

    def __init__(self, subject: StudentWork, rng: np.random.Generator) -> None:
        if subject.kind("collect") in ("missing", "none"):
            raise NotAttempted(str(Missing("collect")))
        model = _given_network(subject, _CLASSES)
        _fresh_weights(subject, model, rng)
        colors = rng.uniform(0, 255, (_PICTURES, 1, 1, 3))
        images = np.broadcast_to(colors, (_PICTURES, 8, 8, 3)).astype("float32")
        self.labels = rng.integers(0, _CLASSES, _PICTURES)
        dataset = subject.call("shuffled", images, self.labels)
        self.logits = np.asarray(subject.model_outputs(model, images))
        self.dark = _softmax(np.asarray(subject.model_outputs(model, images / 255)))
        self.probabilities = _softmax(self.logits)
        before = subject.model_weights(model, (8, 8, 3))
        result = subject.call("collect", model, dataset)
        after = subject.model_weights(model, (8, 8, 3))
        self.changed = not all(map(np.array_equal, before, after))
        if result is None:
            raise wrong("nothing returned", name="collect")
        if not isinstance(result, list | tuple) or len(result) != 2:
            raise wrong("other: return two arrays")
        first, second = _array(result[0]), _array(result[1])
        if first is None or second is None:
            raise wrong("batches not joined")
        self.exchanged = first.ndim == 2 and second.ndim == 1
        if self.exchanged:
            first, second = second, first
        if first.ndim != 1:
            raise wrong("other: the labels should")
        if second.ndim == 1:
            raise wrong("classes instead of probabilities")
        self.found_labels, self.found = first, second.astype(float)
        if self.found.ndim != 2 or self.found.shape[1] != _CLASSES:
            raise wrong("shape")

    def rows(self) -> Array:
        """Which picture each row belongs to; raise what is wrong with the rows."""
        if self.changed:
            raise wrong("training mode")
        if self.exchanged:
            raise wrong("order exchanged")
        if len(self.found) != _PICTURES or len(self.found_labels) != _PICTURES:
            one_batch = len(self.found) <= 8
            raise IncorrectAnswer(
                "There should be one label and one row for each picture of the dataset"
                + (": go through all batches." if one_batch else "."),
                "one batch only" if one_batch else "pictures lost",
            )
        which, distance = _nearest(self.found, self.probabilities)
        if distance < 1e-4:
            return which
        if distance < 6e-3 and np.allclose(self.found, self.found.round(3), rtol=0, atol=1e-6):
            raise wrong("rounded")
        if _nearest(self.found, self.logits)[1] < 1e-2:
            raise wrong("logits instead of probabilities")
        if _nearest(self.found, _softmax(self.probabilities))[1] < 1e-3:
            raise wrong("softmax twice")
        sigmoid = 1 / (1 + np.exp(-self.logits))
        for one in (sigmoid, sigmoid / sigmoid.sum(axis=1, keepdims=True)):
            if _nearest(self.found, one)[1] < 1e-3:
                raise wrong("sigmoid instead of softmax")
        if _nearest(self.found, self.dark)[1] < 1e-3:
            raise wrong("rescaled twice")
        if not np.allclose(self.found.sum(axis=1), 1, atol=1e-3):
            raise wrong("softmax over the batch")
        raise wrong("other: the probabilities are")

    def recognized(self) -> Array | None:
        """Which picture each row belongs to, where that can be told although the rows are wrong."""
        sigmoid = 1 / (1 + np.exp(-self.logits))
        for known in (
            self.probabilities,
            self.logits,
            _softmax(self.probabilities),
            sigmoid,
            sigmoid / sigmoid.sum(axis=1, keepdims=True),
            self.dark,
        ):
            which, distance = _nearest(self.found, known)
            if distance < 6e-3:
                return which
        return None


def _array(one: Any) -> Array | None:
    """Numbers as one array, or None."""
    try:
        array = np.asarray(one)
    except ValueError:  # batches of different sizes
        return None
    return array if array.ndim and array.dtype.kind in "biuf" else None


def _nearest(found: Array, known: Array) -> tuple[Array, float]:
    """For each row the nearest known one, and the largest of the distances."""
    distances = np.abs(found[:, None] - known[None]).max(axis=2)
    return distances.argmin(axis=1), float(distances.min(axis=1).max())


def _given_network(subject: StudentWork, classes: int) -> Ref:
    model = subject.call("color_network", classes)
    if not isinstance(model, Ref) or subject.kind(model) != "model":
        raise wrong("other: color_network is given")
    return model


def _fresh_weights(subject: StudentWork, model: Ref, rng: np.random.Generator) -> None:
    """Set random weights: each value another one, and all variances above zero."""
    before = subject.model_weights(model, (8, 8, 3))
    fresh = [
        rng.normal(0, 1.5 / np.sqrt(len(one)), one.shape)
        if one.ndim > 1
        else rng.uniform(0.2, 0.8, one.shape)
        for one in before
    ]
    subject.model_set_weights(model, (8, 8, 3), [one.astype("float32") for one in fresh])


def _all_rows(subject: StudentWork, rng: np.random.Generator) -> None:
    which = _Collected(subject, rng).rows()
    if sorted(which) != list(range(_PICTURES)):
        raise wrong("pictures lost")


def _paired(subject: StudentWork, rng: np.random.Generator) -> None:
    collected = _Collected(subject, rng)
    which = collected.recognized()
    if which is None or len(which) != len(collected.found_labels):
        which = collected.rows()
    if np.array_equal(collected.found_labels, collected.labels[which]):
        return
    # Rounded rows may be those of two pictures.
    near = np.abs(collected.found[:, None] - collected.probabilities[None]).max(axis=2) < 6e-3
    if (near & (collected.found_labels[:, None] == collected.labels)).any(axis=1).all():
        return
    if np.array_equal(collected.found_labels, collected.logits[which].argmax(axis=1)):
        raise wrong("predicted classes taken")
    if sorted(collected.found_labels) == sorted(collected.labels[which]):
        raise wrong("two passes")
    raise wrong("other: the labels are")


_KEPT = ("wild pears", "apples, red", "quinces", "crème figs", "dates", "sloes")
_OTHERS = ("limes", "medlars", "grapes", "plums")


def _kept(subject: StudentWork, rng: np.random.Generator) -> None:
    for name in ("keep", "bring_back"):
        if subject.kind(name) in ("missing", "none"):
            raise NotAttempted(str(Missing(name)))
    x = rng.uniform(0, 255, (5, 8, 8, 3)).astype("float32")
    names = [str(one) for one in rng.permutation(_KEPT)]
    if names == sorted(names):
        names.reverse()
    wants, folders = [], [subject.call("new_folder"), subject.call("new_folder")]
    if not all(isinstance(folder, Ref) for folder in folders):
        raise wrong("other: new_folder is given")
    for folder, classes in zip(folders, (names, list(_OTHERS)), strict=True):
        model = _given_network(subject, len(classes))
        _fresh_weights(subject, model, rng)
        wants.append(subject.model_outputs(model, x))
        subject.call("keep", model, classes, folder)
        if not np.allclose(subject.model_outputs(model, x), wants[-1], rtol=1e-3, atol=1e-3):
            raise wrong("network changed")
        _holds(subject, folder, model)
        _fresh_weights(subject, model, rng)  # what is kept is a file, not the network in memory
    subject, folder = _elsewhere(subject, folders)
    again, found = _brought_back(subject, folder)
    try:
        got = subject.model_outputs(again, x)
    except StudentError as error:
        raise wrong("other: the network that", kind=error.kind) from None
    same = [compare.close(got, want, rtol=1e-4, atol=1e-4) for want in wants]
    if same[1] or found == list(_OTHERS):
        raise wrong("folder ignored")
    if not same[0]:
        raise wrong("weights lost")
    if found != names:
        if found is not None and sorted(found) == sorted(names):
            raise wrong("order of the names lost")
        raise wrong("names lost")


def _holds(subject: StudentWork, folder: Ref, model: Ref) -> None:
    """Check that the files in a folder are large enough for the weights (random float32)."""
    files = subject.files(folder)
    size = sum(len(one) for one in files.values())
    weights = sum(one.size for one in subject.model_weights(model, (8, 8, 3)))
    if not files or size < 1.5 * weights:
        raise wrong("not in the folder")


def _elsewhere(subject: StudentWork, folders: list[Ref]) -> tuple[StudentWork, Ref]:
    """Copy the folders to a second process (in a notebook: to another place)."""
    files = [subject.files(folder) for folder in folders]
    second = subject.second()
    return second, [second.put_files(one) for one in files][0]


def _brought_back(subject: StudentWork, folder: Ref) -> tuple[Ref, list[str] | None]:
    """The network and the class names that `bring_back` returns."""
    try:
        result = subject.call("bring_back", folder)
    except StudentError as error:
        if error.kind == "NotImplementedError":
            raise
        raise wrong("files not enough", value=len(_KEPT), kind=error.kind) from None
    if result is None:
        raise wrong("nothing returned", name="bring_back")
    if not isinstance(result, list | tuple) or len(result) != 2:
        raise wrong("other: bring_back should return")
    again, found = result
    if not isinstance(again, Ref) or subject.kind(again) != "model":
        exchanged = isinstance(found, Ref) and subject.kind(found) == "model"
        raise IncorrectAnswer(
            "The first thing that `bring_back` returns should be the network, the second the list.",
            "order exchanged" if exchanged else None,
        )
    return again, compare.texts(found)


# --- 05.5: curves and claims ------------------------------------------------------------

_KINDS = ("overfitting", "underfitting", "learning rate too high", "still improving", "healthy")
_TRAININGS = {
    "A": "overfitting",
    "B": "underfitting",
    "C": "learning rate too high",
    "D": "still improving",
}
_TOLD = {
    ("A", "underfitting"): (
        "A has learned its training pictures very well: its training loss falls to nearly 0. Look "
        "at the validation loss.",
        "overfitting and underfitting exchanged",
    ),
    ("A", "healthy"): (
        "Look at the validation loss of A after its lowest point.",
        "rise of the validation loss overlooked",
    ),
    ("A", "still improving"): (
        "In A only the training loss is still improving; look at the other curve.",
        "training loss taken for quality",
    ),
    ("B", "overfitting"): (
        "In B there is hardly a gap: it is no better on its training pictures.",
        "overfitting and underfitting exchanged",
    ),
    ("B", "healthy"): (
        "B has a small gap, but how good is it on its training pictures?",
        "small gap taken for quality",
    ),
    ("C", "underfitting"): (
        "C ends like B, but look at its first epochs.",
        "first epochs overlooked",
    ),
    ("D", "healthy"): (
        "Look at the last epochs of D: has its validation loss settled?",
        "stopped too soon",
    ),
    ("D", "underfitting"): (
        "D is far better than guessing, and where do its curves go?",
        "stopped too soon",
    ),
}


def _diagnoses(subject: StudentWork, rng: np.random.Generator) -> None:
    given = compare.mapping(subject, "diagnoses") or {}
    got = {str(name).strip().upper(): said for name, said in given.items()}
    if any(not isinstance(got.get(name), str) for name in _TRAININGS):
        raise wrong("other: diagnoses should be")
    for name, right in _TRAININGS.items():
        said = " ".join(got[name].lower().rstrip(".!").split())
        if said == right:
            continue
        if said not in _KINDS:
            raise wrong("other: the diagnosis of", name=name, value=", ".join(_KINDS))
        sentence, mistake = _TOLD.get(
            (name, said), (f"Look at {name} once more, with the table of lesson 05, 4d.", None)
        )
        raise IncorrectAnswer(sentence, mistake)


def _best_epoch(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("counted from 0", 6),
        Mistake("last epoch", 20),
        Mistake("accuracy instead of loss: there the validation", 13),
        Mistake("accuracy instead of loss: look at the", 12),
    ]
    compare.number(subject, "best_epoch", 7, mistakes, whole=True)


def _claims(subject: StudentWork, rng: np.random.Generator) -> None:
    compare.choice(
        subject,
        "true_claims",
        "adf",
        "abcdef",
        {
            "b": "difference within the interval",
            "c": "small gap taken for quality",
            "e": "temperature changes the answers",
        },
    )


EXERCISE = Exercise.of(
    "05_evaluation",
    Question.of(
        "05.1",
        _matrix,
        _precision_recall,
        _f1,
        needs=("matrix", "precision", "recall", "f1", "macro_f1"),
        kind="value",
    ),
    Question.of(
        "05.2",
        _confusion_function,
        _f1_function,
        _top_k_function,
        needs=("confusion", "f1_scores", "top_k_accuracy"),
        forbids=(
            "course_utils.evaluation.confusion_matrix",
            "course_utils.evaluation.classification_report",
            "course_utils.evaluation.top_k_accuracy",
        ),
        seconds=5,
    ),
    Question.of(
        "05.3",
        _ten_bins,
        _any_bins,
        needs=("calibration_error",),
        forbids=("course_utils.evaluation.calibration",),
        seconds=5,
    ),
    Question.of(
        "05.4",
        _all_rows,
        _paired,
        _kept,
        needs=("collect", "keep", "bring_back"),
        forbids=("course_utils.evaluation.predict",),
        seconds=30,
    ),
    Question.of(
        "05.5",
        _diagnoses,
        _best_epoch,
        _claims,
        needs=("diagnoses", "best_epoch", "true_claims"),
        kind="figure",
    ),
    Question.of("05.6", kind="written"),
)
