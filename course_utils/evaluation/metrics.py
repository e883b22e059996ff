"""Numbers about predictions: confusion matrix, precision, recall, F1, top-k, calibration."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.evaluation.predictions import Predictions, softmax
from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    import pandas as pd


def confusion_matrix(predictions: Predictions, normalize: str | None = None) -> pd.DataFrame:
    """Count, for each true class (row), how often each class (column) was predicted.

    First written out in lesson 05.

    Parameters
    ----------
    predictions : Predictions
    normalize : {None, "true"}
        "true" divides each row by its sum, so that the diagonal holds the recalls; a class without
        images gives a row of NaN.

    Returns
    -------
    pandas.DataFrame
        (classes, classes): int counts, or float shares.

    Raises
    ------
    InvalidInput
        If labels are unknown or `normalize` is something else.
    """
    import pandas as pd

    if normalize not in (None, "true"):
        raise InvalidInput(f"normalize must be None or 'true', but it is {normalize!r}.")
    predictions._need_labels("confusion matrix")
    classes = len(predictions.class_names)
    counts = np.zeros((classes, classes), dtype=int)
    np.add.at(counts, (predictions.labels, predictions.predicted), 1)
    names = list(predictions.class_names)
    frame = pd.DataFrame(
        counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted")
    )
    if normalize == "true":
        totals = frame.sum(axis=1)
        frame = frame.div(totals.where(totals > 0), axis=0)
    return frame


def classification_report(predictions: Predictions) -> pd.DataFrame:
    """Precision, recall and F1 of every class, and their averages.

    ``precision = TP / (TP + FP)``, ``recall = TP / (TP + FN)`` and
    ``F1 = 2 · precision · recall / (precision + recall)``. Where the divisor is 0 (a class that was
    never predicted has no precision) the value is counted as 0, a warning says so, and
    ``frame.attrs["undefined"]`` lists the (class, measure) pairs.

    First written out in lesson 05.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    pandas.DataFrame
        Rows: the classes, "macro average" (each class counts the same) and "weighted average"
        (each image counts the same). Columns: precision, recall, f1, support.

    Raises
    ------
    InvalidInput
        If labels are unknown.

    References
    ----------
    Manning, Raghavan and Schütze (2008), Introduction to Information Retrieval, chapter 8.
    """
    import pandas as pd

    matrix = confusion_matrix(predictions).to_numpy()
    hits, predicted, support = np.diag(matrix), matrix.sum(axis=0), matrix.sum(axis=1)
    undefined: list[tuple[str, str]] = []

    def ratio(above: np.ndarray, below: np.ndarray, measure: str) -> np.ndarray:
        for i in np.flatnonzero(below == 0):
            undefined.append((predictions.class_names[i], measure))
        return np.divide(above, below, out=np.zeros(len(below)), where=below != 0)

    precision = ratio(hits, predicted, "precision")
    recall = ratio(hits, support, "recall")
    # 2PR / (P + R) with both written as fractions of counts: no second division by zero.
    f1 = ratio(2 * hits, predicted + support, "f1")
    frame = pd.DataFrame(
        {"precision": precision, "recall": recall, "f1": f1, "support": support},
        index=pd.Index(list(predictions.class_names), name="class"),
    )
    measures = frame[["precision", "recall", "f1"]].to_numpy()
    total = int(support.sum())
    for name, weights in (("macro average", None), ("weighted average", support)):
        frame.loc[name] = [*np.average(measures, axis=0, weights=weights), total]
    frame["support"] = frame["support"].astype(int)
    frame.attrs["undefined"] = undefined
    if undefined:
        what = {
            "precision": "was never predicted, so it has no precision",
            "recall": "has no image in this split, so it has no recall",
        }
        said = [f"{name!r} {what[measure]}" for name, measure in undefined if measure in what]
        warnings.warn(f"{'; '.join(said)}: counted as 0.", UserWarning, stacklevel=2)
    return frame


def top_k_accuracy(predictions: Predictions, k: int) -> float:
    """Share of the images whose true class is among the `k` most probable ones.

    Of classes with equal probability the one with the smaller index comes first, as with argmax,
    so that k = 1 gives the accuracy. First written out in lesson 05.

    Parameters
    ----------
    predictions : Predictions
    k : int
        From 1 to the number of classes.

    Returns
    -------
    float

    Raises
    ------
    InvalidInput
        If `k` is out of range or labels are unknown.
    """
    classes = len(predictions.class_names)
    if not isinstance(k, (int, np.integer)) or not 1 <= k <= classes:
        raise InvalidInput(f"k must be a whole number from 1 to {classes}, but it is {k!r}.")
    predictions._need_labels("top-k accuracy")
    order = np.argsort(-predictions.probabilities, axis=1, kind="stable")[:, :k]
    return float((order == predictions.labels[:, None]).any(axis=1).mean())


class Interval(NamedTuple):
    """An estimate and the range that goes with it."""

    value: float
    low: float
    high: float


def wilson_interval(correct: int, total: int, level: float = 0.95) -> Interval:
    """Confidence interval for a share that was counted, such as an accuracy.

    Parameters
    ----------
    correct, total : int
        `correct` of `total` were right.
    level : float
        How often such an interval holds the true share, if one could repeat the test with new
        images: 0.95 by default.

    Returns
    -------
    Interval
        (value, low, high), each from 0 to 1.

    Raises
    ------
    InvalidInput
        If the counts are impossible or the level is not between 0 and 1.

    References
    ----------
    Wilson, E. B. (1927), Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22, 209–212.

    Examples
    --------
    >>> [round(number, 3) for number in wilson_interval(80, 100)]
    [0.8, 0.711, 0.867]
    """
    if total < 1 or not 0 <= correct <= total:
        raise InvalidInput(f"{correct} correct of {total} is not possible.")
    if not 0 < level < 1:
        raise InvalidInput(f"level must lie between 0 and 1, but it is {level}.")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    share = correct / total
    middle = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2)) / (1 + z**2 / total)
    return Interval(share, float(max(0.0, middle - half)), float(min(1.0, middle + half)))


def accuracy_interval(predictions: Predictions, level: float = 0.95) -> Interval:
    """Accuracy with its confidence interval after Wilson: how much chance is in the number.

    Parameters
    ----------
    predictions : Predictions
    level : float

    Returns
    -------
    Interval
        (value, low, high). It covers the luck of which images were drawn for the split, not that
        of the random initial weights.
    """
    correct = predictions.correct
    return wilson_interval(int(correct.sum()), len(correct), level)


def majority_accuracy(predictions: Predictions) -> float:
    """Accuracy of always naming the most frequent class: what a network has to beat.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float
    """
    predictions._need_labels("majority class")
    return float(np.bincount(predictions.labels).max() / len(predictions))


def negative_log_likelihood(predictions: Predictions) -> float:
    """Mean of ``-log(probability of the true class)``: the cross-entropy loss, in nats.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float
        0 for a model that is right and certain each time; log(classes) for one that guesses.
        A probability of 0 counts as 1e-12.
    """
    predictions._need_labels("likelihood")
    rows = np.arange(len(predictions))
    if predictions.logits is not None:
        scores = predictions.logits.astype(np.float64)
        top = scores.max(axis=1, keepdims=True)
        log_sum = top[:, 0] + np.log(np.exp(scores - top).sum(axis=1))
        return float((log_sum - scores[rows, predictions.labels]).mean())
    true = predictions.probabilities[rows, predictions.labels].astype(np.float64)
    return float(-np.log(np.maximum(true, 1e-12)).mean())


@dataclass(frozen=True, eq=False)
class CalibrationTable:
    """Confidence against accuracy, bin by bin.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per bin: lower, upper (the bin holds lower < confidence ≤ upper), count, confidence
        (mean in the bin), accuracy (share that is right), gap = accuracy - confidence. Empty bins
        hold NaN.
    ece : float
        Expected calibration error, from 0 (perfect) to 1.
    """

    table: pd.DataFrame
    ece: float

    def __str__(self) -> str:
        return f"expected calibration error {self.ece:.3f}\n{self.table.round(3).to_string()}"


def calibration(predictions: Predictions, bins: int = 10) -> CalibrationTable:
    """Compare how certain a model is with how often it is right.

    The images are sorted into `bins` equally wide bins by confidence. The expected calibration
    error is the mean over the images of the distance between their bin's accuracy and its mean
    confidence: ``ECE = sum over bins of (count / N) · |accuracy - confidence|``.

    First written out in lesson 05.

    Parameters
    ----------
    predictions : Predictions
    bins : int
        At least 1.

    Returns
    -------
    CalibrationTable

    Raises
    ------
    InvalidInput
        If `bins` is below 1 or labels are unknown.

    References
    ----------
    Guo, Pleiss, Sun and Weinberger (2017), On calibration of modern neural networks, equations
    2, 3 and 5.
    """
    import pandas as pd

    if bins < 1:
        raise InvalidInput(f"bins must be at least 1, but it is {bins}.")
    correct, confidence = predictions.correct, predictions.confidence.astype(np.float64)
    edges = np.linspace(0, 1, bins + 1)
    # Bin m holds the confidences in (m/bins, (m+1)/bins].
    place = np.clip(np.digitize(confidence, edges, right=True) - 1, 0, bins - 1)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        mean_confidence = np.bincount(place, confidence, bins) / count
        accuracy = np.bincount(place, correct, bins) / count
    gap = accuracy - mean_confidence
    ece = float(np.nansum(np.abs(gap) * count) / len(predictions))
    table = pd.DataFrame(
        {
            "lower": edges[:-1],
            "upper": edges[1:],
            "count": count,
            "confidence": mean_confidence,
            "accuracy": accuracy,
            "gap": gap,
        }
    )
    return CalibrationTable(table, ece)


def with_temperature(predictions: Predictions, temperature: float) -> Predictions:
    """Divide the logits by a temperature before the softmax.

    Above 1 the model becomes less certain, below 1 more; the predicted classes stay the same.

    Parameters
    ----------
    predictions : Predictions
    temperature : float
        Positive.

    Returns
    -------
    Predictions

    Raises
    ------
    InvalidInput
        If the temperature is not positive.
    """
    if not np.isfinite(temperature) or temperature <= 0:
        raise InvalidInput(f"The temperature must be positive, but it is {temperature}.")
    scores = _scores(predictions) / temperature
    return Predictions(
        ids=predictions.ids,
        images=lambda: predictions.images,
        labels=predictions.labels,
        probabilities=softmax(scores),
        class_names=predictions.class_names,
        head=f"{predictions.head}, temperature {temperature:.3g}",
        logits=scores.astype(np.float32),
    )


def fit_temperature(predictions: Predictions) -> float:
    """Find the temperature that makes the validation labels most likely.

    Lesson 05 uses it to calibrate a network. Fit it on the validation split, never on the test
    split.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float
        Between 0.05 and 20.

    References
    ----------
    Guo et al. (2017), On calibration of modern neural networks, section 4.2.
    """
    predictions._need_labels("temperature")
    scores = _scores(predictions)
    rows = np.arange(len(scores))

    def loss(log_temperature: float) -> float:
        scaled = scores / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        log_sum = np.log(np.exp(scaled).sum(axis=1))
        return float((log_sum - scaled[rows, predictions.labels]).mean())

    # Golden-section search: the loss has one minimum, since it is convex in 1 / temperature.
    low, high = np.log(0.05), np.log(20.0)
    golden = (np.sqrt(5) - 1) / 2
    left, right = high - golden * (high - low), low + golden * (high - low)
    while high - low > 1e-5:
        if loss(left) < loss(right):
            high, right = right, left
            left = high - golden * (high - low)
        else:
            low, left = left, right
            right = low + golden * (high - low)
    return float(np.exp((low + high) / 2))


def _scores(predictions: Predictions) -> np.ndarray:
    """Logits, or logarithms of the probabilities, which differ from them by a constant per row."""
    if predictions.logits is not None:
        return predictions.logits.astype(np.float64)
    return np.log(np.maximum(predictions.probabilities.astype(np.float64), 1e-12))
