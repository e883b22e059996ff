"""What exercise 05 asks, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from course_utils.checks import compare
from course_utils.checks._question import Exercise, IncorrectAnswer, NotAttempted, Part, Question
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import Missing, Ref, StudentError, StudentWork, StudentWorkError

Array = np.ndarray

# --- 05.1: by hand ------------------------------------------------------------

#: Rows: daisy, roses, tulips as they are; columns: what they were taken for.
_MATRIX = np.array([[6, 3, 0], [1, 3, 1], [0, 0, 2]])


def _matrix(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake(
            "rows and columns exchanged",
            "Rows are the true classes, columns the predicted ones; yours is the other way round.",
            _MATRIX.T,
        ),
        Mistake(
            "shares instead of counts",
            "Count the pictures; do not divide.",
            _MATRIX / _MATRIX.sum(axis=1, keepdims=True),
        ),
        Mistake(
            "only right answers counted",
            "The wrong answers have their places, too, beside the diagonal.",
            np.diag(np.diag(_MATRIX)),
        ),
    ]
    for order in ([0, 2, 1], [1, 0, 2], [2, 1, 0]):
        turned = _MATRIX[order][:, order]
        said = "The classes stand in the order daisy, roses, tulips, in the rows and the columns."
        mistakes.append(Mistake("order of the classes", said, turned))
    advice = "Go through the list picture by picture and make a mark in the right row and column."
    compare.value(subject, "matrix", _MATRIX, mistakes, advice=advice)


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
        raise IncorrectAnswer(
            f"`{name}` has too few decimals: give at least three, or write a fraction.", "rounded"
        )
    percent = Mistake("percent", "Give a share between 0 and 1, not percent.", 100 * want)
    compare.number(
        subject, name, want, [*mistakes, percent], rtol=0.0, atol=_DECIMALS, advice=advice
    )


def _precision_recall(subject: StudentWork, rng: np.random.Generator) -> None:
    others = [
        Mistake(
            "accuracy taken",
            "That is the share of right answers over all pictures; here only roses matter.",
            _ACCURACY,
        ),
        Mistake(
            "divided by all pictures",
            "Do not divide by all pictures, but by those that are roses, or were called roses.",
            3 / 16,
        ),
    ]
    another = "That is the number of another class; take the roses."
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
            *(Mistake("another class", another, float(_PRECISIONS[k])) for k in (0, 2)),
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
            *(Mistake("another class", another, float(_RECALLS[k])) for k in (0, 2)),
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
        Mistake(
            "ordinary mean",
            "0.55 is the ordinary mean of precision and recall; F1 is another one (lesson 05, "
            "section 10). If you worked out F1 and rounded it, give three decimals.",
            (_PRECISION + _RECALL) / 2,
        ),
        Mistake("factor 2 forgotten", "There is a factor of 2 in F1.", _F1 / 2),
        Mistake(
            "not divided", "Divide by the sum of precision and recall.", 2 * _PRECISION * _RECALL
        ),
        Mistake("accuracy taken", "That is the accuracy.", _ACCURACY),
        *(Mistake("another class", "That is F1 of another class.", float(_F1S[k])) for k in (0, 2)),
    ]
    follow = _f1_that_follow(subject)
    advice = "2 · precision · recall / (precision + recall), for roses."
    _hand_number(subject, "f1", _F1, mistakes, [one for one, _ in follow], advice)
    p, r = _PRECISIONS.mean(), _RECALLS.mean()
    mistakes = [
        Mistake(
            "weighted mean",
            "You weight the classes by their pictures; in the macro average each counts the same.",
            float((_F1S * _MATRIX.sum(axis=1)).sum() / 16),
        ),
        Mistake(
            "averaged first",
            "First F1 for each class, then the mean of the three.",
            float(2 * p * r / (p + r)),
        ),
        Mistake(
            "ordinary mean",
            "You take the ordinary mean of precision and recall of each class; F1 is another one.",
            float((_PRECISIONS + _RECALLS).mean() / 2),
        ),
        Mistake(
            "a class left out",
            "You leave out a class; there are three.",
            float(_F1S[:2].mean()),
        ),
        Mistake("a class left out", "You leave out a class.", float(_F1S[1:].mean())),
        Mistake("accuracy taken", "That is the accuracy.", _ACCURACY),
        Mistake("one class only", "That is F1 of the roses alone.", _F1),
        Mistake("summed", "Take the mean of the three classes, not their sum.", float(_F1S.sum())),
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
    Mistake(
        "rows and columns exchanged",
        "Rows are the true classes, columns the predicted ones.",
        lambda y, p, n: _confusion(y, p, n).T,
    ),
    Mistake(
        "shares instead of counts",
        "Count; do not divide.",
        lambda y, p, n: _confusion(y, p, n) / np.maximum(_confusion(y, p, n).sum(1)[:, None], 1),
    ),
    Mistake(
        "counted once only",
        "`matrix[labels, predicted] += 1` adds 1 only once for pairs that come several times; use "
        "a loop, or `np.add.at`.",
        lambda y, p, n: np.minimum(_confusion(y, p, n), 1),
    ),
    Mistake(
        "only right answers counted",
        "IncorrectAnswer answers are counted, too, beside the diagonal.",
        lambda y, p, n: np.diag(np.diag(_confusion(y, p, n))),
    ),
    Mistake(
        "counts wrap around",
        "Numbers above 255 do not fit into an array of the dtype uint8; make it with `dtype=int`.",
        lambda y, p, n: _confusion(y, p, n) % 256,
    ),
    Mistake(
        "size taken from the labels",
        "The matrix has a row and a column for each class, also for those that do not occur: use "
        "`num_classes`.",
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
    Mistake(
        "recall instead of F1",
        "That is recall alone.",
        lambda m: _divide(_parts(m)[0], _parts(m)[1]),
    ),
    Mistake(
        "precision instead of F1",
        "That is precision alone.",
        lambda m: _divide(_parts(m)[0], _parts(m)[2]),
    ),
    Mistake(
        "ordinary mean",
        "That is the ordinary mean of precision and recall; F1 is another one.",
        lambda m: (_divide(_parts(m)[0], _parts(m)[1]) + _divide(_parts(m)[0], _parts(m)[2])) / 2,
    ),
    Mistake("factor 2 forgotten", "There is a factor of 2 in F1.", lambda m: _f1_scores(m) / 2),
    Mistake(
        "one number for all",
        "Return one number for each class, not their mean.",
        lambda m: _f1_scores(m).mean(),
    ),
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
    advice = "Where there is nothing to divide by, F1 is 0."
    try:
        compare.function(subject, "f1_scores", cases, _f1_scores, _F1_MISTAKES, advice=advice)
    except IncorrectAnswer as wrong:
        if wrong.mistake == "not finite":
            raise IncorrectAnswer(f"{wrong.sentence} {advice}", wrong.mistake) from None
        raise


def _top_k(probabilities: Array, labels: Array, k: int) -> float:
    order = np.argsort(-probabilities, axis=1)[:, :k]
    return float((order == labels[:, None]).any(axis=1).mean())


def _place(probabilities: Array, labels: Array) -> Array:
    """How many classes are more probable than the right one."""
    of_right = probabilities[np.arange(len(labels)), labels]
    return np.asarray((probabilities > of_right[:, None]).sum(axis=1))


_TOP_MISTAKES = [
    Mistake(
        "the least probable taken",
        "You look at the least probable classes; `np.argsort` puts the smallest number first.",
        lambda p, y, k: _top_k(-p, y, k),
    ),
    Mistake(
        "only the most probable",
        "You look only at the most probable class, whatever k is.",
        lambda p, y, k: _top_k(p, y, 1),
    ),
    Mistake(
        "only place k",
        "The right class may stand on **any** of the first k places, not only on place k.",
        lambda p, y, k: float((_place(p, y) == k - 1).mean()),
    ),
    Mistake(
        "one place too many",
        "You look at k + 1 places.",
        lambda p, y, k: float((_place(p, y) <= k).mean()),
    ),
    Mistake(
        "one place too few",
        "You look at k − 1 places.",
        lambda p, y, k: float((_place(p, y) < k - 1).mean()),
    ),
    Mistake(
        "number instead of share",
        "Return the share of the pictures, not their number.",
        lambda p, y, k: float((_place(p, y) < k).sum()),
    ),
    Mistake(
        "the first k classes",
        "You look at the first k columns; sort each row by probability first.",
        lambda p, y, k: float((y < k).mean()),
    ),
    Mistake(
        "mean over the classes",
        "You average over the classes; take the share of all pictures.",
        lambda p, y, k: float(np.mean([(_place(p, y) < k)[y == c].mean() for c in np.unique(y)])),
    ),
    Mistake(
        "always five places",
        "You always look at five places; look at k.",
        lambda p, y, k: float((_place(p, y) < 5).mean()),
    ),
    Mistake(
        "a list of answers",
        "Return one number: the share of the pictures that are right.",
        lambda p, y, k: _place(p, y) < k,
    ),
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
        "Each bin counts the same in yours; a bin with many pictures counts more.",
        _bent(lambda rows, n: float(np.mean([abs(a - c) for _, c, a in rows]))),
    ),
    Mistake(
        "bins not weighted",
        "Each bin counts the same in yours; a bin with many pictures counts more.",
        _bent(lambda rows, n: sum(abs(a - c) for _, c, a in rows) / n),
    ),
    Mistake(
        "bins summed",
        "Weight each distance with the share of the pictures that are in the bin.",
        _bent(lambda rows, n: sum(abs(a - c) for _, c, a in rows)),
    ),
    Mistake(
        "distances cancel out",
        "In some bins confidence is too high, in others too low; take the absolute value of each "
        "distance, or they cancel out.",
        _bent(lambda rows, n: sum(s * (a - c) for s, c, a in rows)),
    ),
    Mistake(
        "distances cancel out",
        "In some bins confidence is too high, in others too low; take the absolute value of each "
        "distance, or they cancel out.",
        _bent(lambda rows, n: sum(s * (c - a) for s, c, a in rows)),
    ),
    Mistake(
        "one bin for all",
        "You compare mean confidence and accuracy over all pictures; do it bin by bin.",
        _bent(lambda rows, n: abs(sum(s * (a - c) for s, c, a in rows))),
    ),
    Mistake(
        "largest distance",
        "That is the largest distance of a bin; take the weighted mean.",
        _bent(lambda rows, n: max(abs(a - c) for _, c, a in rows)),
    ),
    Mistake(
        "squared",
        "Take the distances themselves, not their squares.",
        _bent(lambda rows, n: sum(s * (a - c) ** 2 for s, c, a in rows)),
    ),
    Mistake(
        "middle of the bin",
        "You compare with the middle of each bin; take the mean confidence of the pictures in it.",
        _centres,
    ),
    Mistake(
        "probability of the right class",
        "The confidence is the highest probability of a row, whatever the right class is.",
        _of_right_class,
    ),
    Mistake(
        "root of the mean square",
        "Take the distances themselves, not their squares.",
        _bent(lambda rows, n: float(np.sqrt(sum(s * (a - c) ** 2 for s, c, a in rows)))),
    ),
    Mistake(
        "no bins",
        "You take the distance of each picture; take that of the accuracy and the mean confidence "
        "of each bin.",
        lambda p, y, bins=10: float(np.abs((p.argmax(axis=1) == y) - p.max(axis=1)).mean()),
    ),
    Mistake(
        "one bin too few",
        "`np.linspace(0, 1, bins)` makes the edges of `bins - 1` bins.",
        lambda p, y, bins=10: _ece(p, y, bins - 1),
    ),
    Mistake(
        "bins around the edges",
        "You round to the nearest edge; a bin goes from one edge to the next.",
        _in_bins(lambda c, classes, bins: np.minimum(np.rint(c * bins), bins - 1)),
    ),
    Mistake(
        "bins of the data",
        "Your bins go from the lowest to the highest confidence; they should go from 0 to 1.",
        _in_bins(
            lambda c, classes, bins: np.floor((c - c.min()) / (c.max() - c.min() + 1e-12) * bins)
        ),
    ),
    Mistake(
        "bins of the data",
        "Your bins begin at guessing; they should go from 0 to 1.",
        _in_bins(
            lambda c, classes, bins: np.clip(
                np.floor((c - 1 / classes) / (1 - 1 / classes) * bins), 0, bins - 1
            )
        ),
    ),
    Mistake(
        "bins equally full",
        "Your bins hold equally many pictures; they should be equally wide.",
        _in_bins(_equally_full),
    ),
    Mistake(
        "all probabilities",
        "You put each probability into a bin; the confidence is the highest one of each row.",
        lambda p, y, bins=10: _all_probabilities(p, y, bins),
    ),
    Mistake(
        "a single picture left out",
        "A bin with a single picture counts, too.",
        _bent_by_size(lambda size: size > 1),
    ),
    Mistake(
        "number of bins ignored",
        "You always take ten bins; use `bins`.",
        lambda p, y, bins=10: _ece(p, y, 10),
    ),
    Mistake(
        "certain answers lost",
        "Answers with a confidence of exactly 1 are in none of your bins; they belong to the last.",
        _without_certain,
    ),
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
    advice = "Work the example of lesson 05 through it: 0.067."
    compare.function(subject, "calibration_error", cases, _ece, _ECE_MISTAKES, advice=advice)
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
        "a bin for certain answers",
        "Answers with a confidence of exactly 1 have a bin of their own; they belong to the last.",
        _in_bins(lambda c, classes, bins: np.floor(c * bins)),
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
            raise IncorrectAnswer(
                "`collect` returns nothing; does it end with `return`?", "nothing returned"
            )
        if not isinstance(result, list | tuple) or len(result) != 2:
            raise IncorrectAnswer("Return two arrays: the labels, and the probabilities.")
        first, second = _array(result[0]), _array(result[1])
        if first is None or second is None:
            raise IncorrectAnswer(
                "Return two arrays: the labels, and the probabilities. `np.concatenate` joins a "
                "list of batches.",
                "batches not joined",
            )
        self.exchanged = first.ndim == 2 and second.ndim == 1
        if self.exchanged:
            first, second = second, first
        if first.ndim != 1:
            raise IncorrectAnswer(
                "The labels should be one array of class indices, one for each picture."
            )
        if second.ndim == 1:
            raise IncorrectAnswer(
                "Return all probabilities, one row for each picture, not only the predicted class.",
                "classes instead of probabilities",
            )
        self.found_labels, self.found = first, second.astype(float)
        if self.found.ndim != 2 or self.found.shape[1] != _CLASSES:
            raise IncorrectAnswer(
                "The probabilities should have the shape (pictures, classes), one row each, for "
                "any number of classes.",
                "shape",
            )

    def rows(self) -> Array:
        """Which picture each row belongs to; raise what is wrong with the rows."""
        if self.changed:
            raise IncorrectAnswer(
                "The network is another one after `collect`: it was called with `training=True`, "
                "or trained. Call it as `model(images, training=False)`.",
                "training mode",
            )
        if self.exchanged:
            raise IncorrectAnswer(
                "Return the labels first, then the probabilities.", "order exchanged"
            )
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
            raise IncorrectAnswer("The probabilities are rounded; give all decimals.", "rounded")
        if _nearest(self.found, self.logits)[1] < 1e-2:
            raise IncorrectAnswer(
                "You return logits; make probabilities of them with softmax.",
                "logits instead of probabilities",
            )
        if _nearest(self.found, _softmax(self.probabilities))[1] < 1e-3:
            raise IncorrectAnswer("You apply softmax twice.", "softmax twice")
        sigmoid = 1 / (1 + np.exp(-self.logits))
        for one in (sigmoid, sigmoid / sigmoid.sum(axis=1, keepdims=True)):
            if _nearest(self.found, one)[1] < 1e-3:
                raise IncorrectAnswer(
                    "You take the sigmoid of each logit, which is for classes that do not exclude "
                    "each other; take softmax over the classes of each picture.",
                    "sigmoid instead of softmax",
                )
        if _nearest(self.found, self.dark)[1] < 1e-3:
            raise IncorrectAnswer(
                "You divide the pixels by 255, and the network does so once more. It takes 0 to "
                "255.",
                "rescaled twice",
            )
        if not np.allclose(self.found.sum(axis=1), 1, atol=1e-3):
            raise IncorrectAnswer(
                "The rows do not add up to 1. Softmax goes over the classes of each picture.",
                "softmax over the batch",
            )
        raise IncorrectAnswer(
            "The probabilities are not those that the network gives to the pictures."
        )

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
        raise IncorrectAnswer("`color_network` is given; run its cell again.")
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
        raise IncorrectAnswer("Some pictures are there twice, others are missing.", "pictures lost")


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
        raise IncorrectAnswer(
            "You return the classes that the network predicts; return the labels of the dataset.",
            "predicted classes taken",
        )
    if sorted(collected.found_labels) == sorted(collected.labels[which]):
        raise IncorrectAnswer(
            "The labels do not belong to their rows. The dataset is shuffled anew in each pass: "
            "take label and probabilities of a batch in the same pass.",
            "two passes",
        )
    raise IncorrectAnswer("The labels are not those of the dataset.")


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
        raise IncorrectAnswer("`new_folder` is given; run its cell again.")
    for folder, classes in zip(folders, (names, list(_OTHERS)), strict=True):
        model = _given_network(subject, len(classes))
        _fresh_weights(subject, model, rng)
        wants.append(subject.model_outputs(model, x))
        subject.call("keep", model, classes, folder)
        if not np.allclose(subject.model_outputs(model, x), wants[-1], rtol=1e-3, atol=1e-3):
            raise IncorrectAnswer("`keep` changes the network that it stores.", "network changed")
        _holds(subject, folder, model)
        _fresh_weights(subject, model, rng)  # what is kept is a file, not the network in memory
    subject, folder = _elsewhere(subject, folders)
    again, found = _brought_back(subject, folder)
    try:
        got = subject.model_outputs(again, x)
    except StudentError as error:
        raise IncorrectAnswer(
            f"The network that comes back cannot be used ({error.kind})."
        ) from None
    same = [compare.close(got, want, rtol=1e-4, atol=1e-4) for want in wants]
    if same[1] or found == list(_OTHERS):
        raise IncorrectAnswer(
            "Two networks were kept in two folders, and what belongs to the other one came back; "
            "use `folder`, and keep the names there, too.",
            "folder ignored",
        )
    if not same[0]:
        raise IncorrectAnswer(
            "The network that comes back gives other numbers than the one that was kept: weights "
            "are missing or rounded (those that are not trained belong to it), or it never left "
            "the memory.",
            "weights lost",
        )
    if found != names:
        if found is not None and sorted(found) == sorted(names):
            raise IncorrectAnswer(
                "The class names come back in another order.", "order of the names lost"
            )
        raise IncorrectAnswer(
            "The class names do not come back as a list of the same texts. A name may hold spaces, "
            "commas and letters such as è.",
            "names lost",
        )


def _holds(subject: StudentWork, folder: Ref, model: Ref) -> None:
    """Check that the files in a folder are large enough for the weights (random float32)."""
    files = subject.files(folder)
    size = sum(len(one) for one in files.values())
    weights = sum(one.size for one in subject.model_weights(model, (8, 8, 3)))
    if not files or size < 1.5 * weights:
        raise IncorrectAnswer(
            "`keep` does not store the weights of the network in files in the folder that it is "
            "given. What stays in memory or lies elsewhere is lost on another computer.",
            "not in the folder",
        )


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
        raise IncorrectAnswer(
            f"Two networks were kept, one with {len(_KEPT)} classes, and their folders moved to "
            f"another place. Now `bring_back` stops ({error.kind}): it should need nothing but the "
            f"files in `folder`, for a network of any size.",
            "files not enough",
        ) from None
    if result is None:
        raise IncorrectAnswer(
            "`bring_back` returns nothing; does it end with `return`?", "nothing returned"
        )
    if not isinstance(result, list | tuple) or len(result) != 2:
        raise IncorrectAnswer(
            "`bring_back` should return two things: the network and the class names."
        )
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
        raise IncorrectAnswer(
            "`diagnoses` should be a dictionary with a text for each of A, B, C and D."
        )
    for name, right in _TRAININGS.items():
        said = " ".join(got[name].lower().rstrip(".!").split())
        if said == right:
            continue
        if said not in _KINDS:
            raise IncorrectAnswer(f"The diagnosis of {name} should be one of: {', '.join(_KINDS)}.")
        sentence, mistake = _TOLD.get(
            (name, said), (f"Look at {name} once more, with the table of lesson 05, 4d.", None)
        )
        raise IncorrectAnswer(sentence, mistake)


def _best_epoch(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("counted from 0", "Epochs are counted from 1.", 6),
        Mistake(
            "last epoch",
            "In the last epoch the training loss is lowest; by then A has memorized much.",
            20,
        ),
        Mistake(
            "accuracy instead of loss",
            "There the validation **accuracy** is highest; the validation loss rises before.",
            13,
        ),
        Mistake("accuracy instead of loss", "Look at the validation **loss**.", 12),
    ]
    advice = "Where is the validation loss of A lowest?"
    compare.number(subject, "best_epoch", 7, mistakes, whole=True, advice=advice)


def _claims(subject: StudentWork, rng: np.random.Generator) -> None:
    compare.choice(
        subject,
        "true_claims",
        ("a", "d", "f"),
        {
            "a": "How wide is the interval for 50 pictures? (Lesson 05, section 3.)",
            "b": "How wide are the intervals of both on 300 pictures? (Lesson 05, section 3.)",
            "c": "Look at training B: its gap is tiny.",
            "d": "The more variants you compare, the luckier the winner. (Lesson 05, section 1.)",
            "e": "All logits are divided by the same number. Does another one become the largest?",
            "f": "What accuracy has a program that calls every leaf healthy?",
        },
        {
            "b": "difference within the interval",
            "c": "small gap taken for quality",
            "e": "temperature changes the answers",
        },
    )


EXERCISE = Exercise(
    "05_evaluation",
    "Evaluation",
    (
        Question(
            "05.1",
            "Sixteen pictures by hand",
            3,
            (
                # Looks at: every count.
                Part("confusion matrix", 1, _matrix),
                # Looks at: both numbers, or what follows from a wrong matrix.
                Part("precision and recall", 1, _precision_recall),
                # Looks at: both numbers, or what follows from wrong ones above.
                Part("F1", 1, _f1),
            ),
            needs=("matrix", "precision", "recall", "f1", "macro_f1"),
            hints=(
                "In the matrix each row is a true class. The row of roses adds up to the number of "
                "roses.",
                "Precision divides by the sum of the **column** of roses, recall by the sum of "
                "their **row**.",
                "For `macro_f1` work out precision, recall and F1 of each class, then the mean of "
                "the three F1.",
            ),
            kind="value",
        ),
        Question(
            "05.2",
            "The same for any network",
            3,
            (
                # Looks at: absent classes, large counts, arguments left alone.
                Part("confusion matrix", 1, _confusion_function),
                # Looks at: also what is never predicted, or absent.
                Part("F1 of each class", 1, _f1_function),
                # Looks at: each k from 1 to all classes; no ties occur.
                Part("top-k accuracy", 1, _top_k_function),
            ),
            needs=("confusion", "f1_scores", "top_k_accuracy"),
            forbids=(
                "course_utils.evaluation.confusion_matrix",
                "course_utils.evaluation.classification_report",
                "course_utils.evaluation.top_k_accuracy",
            ),
            hints=(
                "`confusion`: a matrix of zeros, and a loop over `zip(labels, predicted)`.",
                "F1 is also 2 · TP / (2 · TP + FP + FN); and 2 · TP + FP + FN is the sum of a row "
                "plus the sum of a column. `np.diag(matrix)` is the diagonal.",
                "`np.argsort(-probabilities, axis=1)[:, :k]` are the k most probable classes of "
                "each row.",
            ),
            seconds=5,
        ),
        Question(
            "05.3",
            "Can I trust the confidence?",
            2,
            (
                # Looks at: also first bins, and bins of one picture.
                Part("ten bins", 1, _ten_bins),
                # Looks at: 1 to 37 bins.
                Part("other numbers of bins, and certain answers", 1, _any_bins),
            ),
            needs=("calibration_error",),
            forbids=("course_utils.evaluation.calibration",),
            hints=(
                "The confidence is `probabilities.max(axis=1)`. The bin of each picture is "
                "`(confidence * bins).astype(int)`; what about a confidence of 1?",
                "For each bin that is not empty: share of all pictures times |accuracy − mean "
                "confidence|. Add them up.",
            ),
            seconds=5,
        ),
        Question(
            "05.4",
            "In one pass, and kept",
            3,
            (
                # Looks at: each row, once; the network is left as it is.
                Part("probabilities of all pictures", 1, _all_rows),
                # Looks at: each label against its own row.
                Part("labels that belong to them", 1, _paired),
                # Looks at: files alone, in another place; names of any kind.
                Part("a network kept as a file", 1, _kept),
            ),
            needs=("collect", "keep", "bring_back"),
            forbids=("course_utils.evaluation.predict",),
            hints=(
                "`for images, labels in dataset:` goes through the batches once; both lists grow "
                "in the same loop. `np.concatenate` joins them in the end.",
                'Softmax row by row turns logits into probabilities. `model.save(folder / "a.keras'
                '")` and `keras.saving.load_model` keep a network; `json.dumps` and `json.loads` a '
                "list of names.",
            ),
            seconds=30,
        ),
        Question(
            "05.5",
            "Reading curves, judging claims",
            3,
            (
                # Looks at: all four.
                Part("four trainings", 1, _diagnoses),
                # Looks at: the number.
                Part("the best epoch", 1, _best_epoch),
                # Looks at: each letter.
                Part("what follows, and what does not", 1, _claims),
            ),
            needs=("diagnoses", "best_epoch", "true_claims"),
            hints=(
                "Ask the three questions of lesson 05, section 4, of each training, and look at "
                "the first epochs, too.",
                '`np.argmin(TRAININGS["A"]["val_loss"])` counts from 0.',
            ),
            kind="figure",
        ),
        Question(
            "05.6",
            "Would you use it?",
            2,
            kind="written",
            rubric=(
                "1 point: judges by the class that matters: recall of the ill is 15 of 40 "
                "(0.375), and a program that calls everybody healthy has an accuracy of 0.96, so "
                "0.97 says little. Half a point for saying only that accuracy misleads, without "
                "the numbers.",
                "1 point: the answer: no, not for sending people home; with a reason that weighs "
                "the two kinds of mistakes (a missed illness costs more than a false alarm), and "
                "one thing to do or ask: another threshold or more pictures of ill people, how "
                "many variants were compared on this split, the interval for 40 ill pictures, "
                "calibration. Half a point where one of the two is missing.",
            ),
        ),
    ),
)
