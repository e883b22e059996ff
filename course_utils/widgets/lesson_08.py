"""The piece of lesson 08: what a network trained on ImageNet says to pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_utils import validate
from course_utils.datasets.display import image_address
from course_utils.exceptions import InvalidInput
from course_utils.widgets.page import Widget, sentence, small_square, still_image

_SIZE = 96  # pixels of a button
_STILL = 4  # pictures that are shown where scripts do not run


def imagenet_answers(
    images: ArrayLike,
    labels: Sequence[str],
    probabilities: ArrayLike,
    class_names: Sequence[str],
    top: int = 5,
) -> Widget:
    """Return pictures to choose from, and a network's most probable classes for each.

    First met in lesson 08.

    Parameters
    ----------
    images : array (N, H, W, 3)
        Pixels 0-255.
    labels : sequence of str
        What each picture shows.
    probabilities : array (N, classes)
        The network's probabilities.
    class_names : sequence of str
        The network's classes.
    top : int
        Number of classes that are shown for each picture.

    Returns
    -------
    Widget

    Raises
    ------
    InvalidInput
        If there are no pictures, or the numbers of pictures, labels and probabilities differ.
    """
    pictures, values = np.asarray(images), np.asarray(probabilities, np.float64)
    if not len(pictures):
        raise InvalidInput("There are no pictures to ask the network about.")
    if not len(pictures) == len(labels) == len(values):
        raise InvalidInput(
            f"There are {len(pictures)} pictures, {len(labels)} labels and {len(values)} rows of "
            f"probabilities; give one of each for every picture."
        )
    if values.ndim != 2 or values.shape[1] != len(class_names):
        raise InvalidInput(
            f"The probabilities have the shape {values.shape}, but there are {len(class_names)} "
            f"class names; give one probability for each class."
        )
    top = min(validate.whole_number("top", top, 1, example=5), len(class_names))
    shown: list[dict[str, Any]] = []
    for picture, label, row in zip(pictures, labels, values, strict=True):
        best = np.argsort(-row, kind="stable")[:top]
        answers = [[class_names[k], round(float(row[k]), 3)] for k in best]
        address = image_address(small_square(picture, _SIZE), quality=75)
        shown.append({"source": address, "label": str(label), "answers": answers})
    firsts = [f"{entry['label']}: {entry['answers'][0][0]}" for entry in shown]
    summary = f"The network's first answers. {'; '.join(firsts)}."
    still = "".join(
        still_image(entry["source"], f"a picture of the class {entry['label']}", _SIZE)
        for entry in shown[:_STILL]
    )
    return Widget("imagenet_answers", {"pictures": shown}, still + sentence(summary), summary)
