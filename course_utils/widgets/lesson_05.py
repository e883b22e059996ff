"""The pieces of lesson 05: a threshold for one class, and a temperature for the logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import validate
from course_utils.datasets.display import image_address
from course_utils.exceptions import InvalidInput
from course_utils.widgets.page import Widget, figure_address, sentence, small_square, still_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from course_utils.evaluation import Predictions

_SIZE = 64  # pixels of the thumbnails


def threshold(predictions: Predictions, class_name: str, thumbnails: int = 40) -> Widget:
    """Return a slider for the threshold above which the network says a class.

    First met in lesson 05.

    Parameters
    ----------
    predictions : Predictions
        With labels, for instance of the test split.
    class_name : str
        The class that is *positive*; all others are *negative*.
    thumbnails : int
        Number of pictures that are shown when they change sides: those whose probability of the
        class is nearest to 0.5.

    Returns
    -------
    Widget

    Raises
    ------
    InvalidInput
        If the class does not exist, the labels are unknown, or no picture shows the class.
    """
    predictions.require_labels("threshold")
    names = list(predictions.class_names)
    k = names.index(validate.choice("class_name", class_name, names))
    p = predictions.probabilities[:, k].astype(float)
    positive = predictions.labels == k
    if not positive.any():
        raise InvalidInput(f"No picture shows {class_name!r}, so there is no recall.")
    count = validate.whole_number("thumbnails", thumbnails, 1, example=40)
    nearest = sorted(np.argsort(np.abs(p - 0.5), kind="stable")[:count].tolist())
    pictures = {
        i: image_address(small_square(predictions.images[i], _SIZE), quality=70) for i in nearest
    }
    data = {
        "name": class_name,
        "probabilities": [round(value, 5) for value in p.tolist()],
        "positive": positive.astype(int).tolist(),
        "labels": [names[label] for label in predictions.labels],
        "pictures": pictures,
    }
    hits = int((positive & (p >= 0.5)).sum())
    said = int((p >= 0.5).sum())
    summary = (
        f"Precision and recall of {class_name} for a threshold. At 0.5 the network says "
        f"{class_name} to {said} pictures, {hits} of them rightly, of {int(positive.sum())}."
    )
    still = still_image(figure_address(_curves(p, positive, class_name)), summary)
    return Widget("threshold", data, still + sentence(summary), summary)


def temperature(predictions: Predictions, best: float | None = None) -> Widget:
    """Return a slider for the temperature, with the reliability diagram.

    First met in lesson 05.

    Parameters
    ----------
    predictions : Predictions
        With labels and logits.
    best : float, optional
        A temperature that a button sets, for instance of ``evaluation.fit_temperature``.

    Returns
    -------
    Widget

    Raises
    ------
    InvalidInput
        If labels or logits are unknown.
    """
    from course_utils import evaluation, plots

    predictions.require_labels("calibration")
    if predictions.logits is None:
        raise InvalidInput("A temperature divides logits, but this network gives probabilities.")
    logits = predictions.logits.astype(float)
    data: dict[str, Any] = {
        # With fewer digits, two classes can get the same logit, and another one would be first.
        "logits": [[round(value, 4) for value in row] for row in logits.tolist()],
        "labels": predictions.labels.tolist(),
    }
    if best is not None:
        data["best"] = round(float(best), 4)
    table = evaluation.calibration(predictions)
    summary = (
        f"Confidence and accuracy at temperature 1: mean confidence "
        f"{predictions.confidence.mean():.2f}, accuracy {predictions.accuracy:.2f}, expected "
        f"calibration error {table.ece:.3f}."
    )
    figure = plots.calibration(table).figure
    still = still_image(figure_address(figure), summary) + sentence(summary)
    return Widget("temperature", data, still, summary)


def _curves(p: np.ndarray, positive: np.ndarray, name: str) -> Figure:
    """Draw precision and recall over the threshold."""
    import matplotlib.pyplot as plt

    from course_utils import plots

    levels = np.linspace(0, 1, 101)
    said = np.array([(p >= level).sum() for level in levels])
    hits = np.array([(positive & (p >= level)).sum() for level in levels])
    figure, ax = plt.subplots(figsize=(6.4, 3), layout="constrained")
    precision = np.divide(hits, said, out=np.full(101, np.nan), where=said > 0)
    ax.plot(levels, precision, color=plots.PRECISION, label="precision")
    ax.plot(levels, hits / positive.sum(), "--", color=plots.RECALL, label="recall")
    ax.axvline(0.5, color="black", lw=1, ls=":")
    ax.set(xlabel=f"threshold for {name}", ylabel="share", ylim=(0, 1.02), xlim=(0, 1))
    ax.legend(frameon=False, loc="lower left")
    return figure
