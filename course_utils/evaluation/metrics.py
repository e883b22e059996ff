"""Metrics: confusion matrix, precision, recall, F1, top-k accuracy, calibration."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from course_utils.evaluation.predictions import Predictions, softmax
from course_utils.exceptions import InvalidInput
from course_utils.validate import number_between, whole_number

if TYPE_CHECKING:
    import pandas as pd


def confusion_matrix(predictions: Predictions, normalize: str | None = None) -> pd.DataFrame:
    """Return the confusion matrix: for each true class (row) the counts of the predicted classes.

    Entry (i, j) is the number of images of class i that were predicted as class j.

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
    from sklearn import metrics

    if normalize not in (None, "true"):
        raise InvalidInput(f"normalize must be None or 'true', but it is {normalize!r}.")
    predictions.require_labels("confusion matrix")
    names = list(predictions.class_names)
    counts = metrics.confusion_matrix(
        predictions.labels, predictions.predicted, labels=range(len(names))
    )
    frame = pd.DataFrame(
        counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted")
    )
    if normalize == "true":
        totals = frame.sum(axis=1)
        frame = frame.div(totals.where(totals > 0), axis=0)
    return frame


def classification_report(predictions: Predictions) -> pd.DataFrame:
    """Compute precision, recall and F1 of every class, and their averages.

    ``precision = TP / (TP + FP)``, ``recall = TP / (TP + FN)`` and
    ``F1 = 2 · precision · recall / (precision + recall) = 2 TP / (2 TP + FP + FN)``, with TP true
    positives, FP false positives and FN false negatives of the class. A value with the divisor 0 (a
    class that was never predicted has no precision) is set to 0 with a warning, and
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
    from sklearn import metrics

    predictions.require_labels("precision, recall and F1")
    names = list(predictions.class_names)
    *values, support = metrics.precision_recall_fscore_support(
        predictions.labels, predictions.predicted, labels=range(len(names)), zero_division=np.nan
    )
    classes = pd.DataFrame(np.transpose(values), index=names, columns=["precision", "recall", "f1"])
    undefined = [(name, what) for what in classes for name in classes.index[classes[what].isna()]]
    classes = classes.fillna(0.0)
    averages = {
        "macro average": classes.mean(),
        "weighted average": classes.mul(support, axis=0).sum() / support.sum(),
    }
    frame = pd.concat([classes, pd.DataFrame(averages).T]).rename_axis("class")
    frame["support"] = [*support, support.sum(), support.sum()]
    frame.attrs["undefined"] = undefined
    reasons = {
        "precision": "was never predicted, so it has no precision",
        "recall": "has no image in this split, so it has no recall",
    }
    parts = [f"{name!r} {reasons[measure]}" for name, measure in undefined if measure in reasons]
    if parts:
        warnings.warn(f"{'; '.join(parts)}: counted as 0.", UserWarning, stacklevel=2)
    return frame


def top_k_accuracy(predictions: Predictions, k: int) -> float:
    """Compute the share of images whose true class is among the `k` most probable classes.

    Of classes with equal probability the one with the smaller index comes first, as with argmax,
    so that k = 1 gives the accuracy. (scikit-learn puts the larger index first.)
    First written out in lesson 05.

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
    k = whole_number("k", k, 1, len(predictions.class_names))
    predictions.require_labels("top-k accuracy")
    order = np.argsort(-predictions.probabilities, axis=1, kind="stable")[:, :k]
    return float((order == predictions.labels[:, None]).any(axis=1).mean())


class Interval(NamedTuple):
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float


def wilson_interval(correct: int, total: int, level: float = 0.95) -> Interval:
    """Compute the Wilson score interval of a proportion, such as an accuracy.

    Parameters
    ----------
    correct, total : int
        Number of correct predictions, and of all predictions.
    level : float
        Confidence level: the share of such intervals that contain the true proportion when the
        test is repeated with new images.

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
    """Compute the accuracy with its Wilson confidence interval.

    Parameters
    ----------
    predictions : Predictions
    level : float

    Returns
    -------
    Interval
        (value, low, high). It describes the random choice of the images of the split, not that of
        the initial weights.
    """
    correct = predictions.correct
    return wilson_interval(int(correct.sum()), len(correct), level)


def majority_accuracy(predictions: Predictions) -> float:
    """Compute the accuracy of always predicting the most frequent class, the simplest baseline.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float
    """
    predictions.require_labels("majority class")
    return float(np.bincount(predictions.labels).max() / len(predictions))


def negative_log_likelihood(predictions: Predictions) -> float:
    """Compute the mean of ``-log(probability of the true class)``: the cross-entropy, in nats.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    float
        0 where each true class has the probability 1; log(classes) where all probabilities are
        equal. A probability of 0 counts as 1e-12.
    """
    predictions.require_labels("likelihood")
    if predictions.logits is not None:
        return _cross_entropy(_scores(predictions), predictions.labels)
    return float(-_of_true_class(_scores(predictions), predictions.labels).mean())


@dataclass(frozen=True, eq=False)
class CalibrationTable:
    """Confidence and accuracy in each bin, and the expected calibration error.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per bin: lower, upper (lower < confidence ≤ upper), count, confidence (mean in the
        bin), accuracy (in the bin), gap = accuracy - confidence. Empty bins hold NaN.
    ece : float
        Expected calibration error, from 0 (perfect) to 1.
    """

    table: pd.DataFrame
    ece: float

    def __str__(self) -> str:
        return f"expected calibration error {self.ece:.3f}\n{self.table.round(3).to_string()}"


def calibration(predictions: Predictions, bins: int = 10) -> CalibrationTable:
    """Compare the confidence of predictions with their accuracy (reliability diagram, ECE).

    The images are sorted by confidence into `bins` bins of equal width. The expected calibration
    error is ``ECE = sum over bins of (count / N) · |accuracy - confidence|``, with the accuracy and
    the mean confidence of the bin.

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

    bins = whole_number("bins", bins, 1, example=10)
    correct, confidence = predictions.correct, predictions.confidence.astype(np.float64)
    edges = np.linspace(0, 1, bins + 1)
    # Bin m holds the confidences in (m / bins, (m + 1) / bins].
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

    A temperature above 1 lowers the confidence, one below 1 raises it. The predicted classes stay
    the same.

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
    temperature = number_between("temperature", temperature, 0, 1e6, example=1.5, open_low=True)
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
    """Find the temperature that minimizes the cross-entropy of the labels.

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
    predictions.require_labels("temperature")
    scores = _scores(predictions)

    def loss(log_temperature: float) -> float:
        return _cross_entropy(scores / np.exp(log_temperature), predictions.labels)

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
    """Return the logits, or the log probabilities (equal up to a constant per row)."""
    if predictions.logits is not None:
        return predictions.logits.astype(np.float64)
    return np.log(np.maximum(predictions.probabilities.astype(np.float64), 1e-12))


def _of_true_class(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the value of the true class in each row of (N, classes), as (N,)."""
    return values[np.arange(len(labels)), labels]


def _cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Compute the mean cross-entropy of logits (N, classes): log(sum exp(logits)) - true logit."""
    return float((np.logaddexp.reduce(logits, axis=1) - _of_true_class(logits, labels)).mean())
