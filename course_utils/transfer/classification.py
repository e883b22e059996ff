"""Name the most probable classes of images."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import pandas as pd

from course_utils.exceptions import InvalidInput, MissingData
from course_utils.models import last_activation

#: The number of classes of ImageNet's challenge, for which the networks were trained.
IMAGENET_CLASSES = 1000


def classify(
    model: keras.Model, images: np.ndarray, class_names: Sequence[str], top: int = 3
) -> pd.DataFrame:
    """Name the most probable classes of each image.

    Parameters
    ----------
    model : keras.Model
        From pixels to logits, or to probabilities where it ends in a softmax.
    images : ndarray, shape (H, W, C) or (N, H, W, C)
        Pixels in 0-255, uint8 or float32.
    class_names : sequence of str
        One name per output of the model.
    top : int
        Number of classes per image.

    Returns
    -------
    DataFrame
        Columns image (position), rank (from 1), class, probability.

    Raises
    ------
    InvalidInput
        If the images do not have the size of the model's input, or the number of names is not that
        of the model's outputs.
    """
    batch = np.asarray(images, np.float32)
    if batch.ndim == 3:
        batch = batch[None]
    size, outputs = tuple(model.input_shape[1:]), model.output_shape[-1]
    if batch.ndim != 4 or batch.shape[1:] != size:
        raise InvalidInput(
            f"The images have the shape {np.shape(images)}, but {model.name} takes {size} each; "
            f"resize them first."
        )
    if len(class_names) != outputs:
        raise InvalidInput(
            f"There are {len(class_names)} class names, but {model.name} has {outputs} outputs; "
            f"give one name per output, in the model's order."
        )
    probabilities = model.predict(batch, verbose=0).astype(np.float64)
    if last_activation(model) != "softmax":
        exponentials = np.exp(probabilities - probabilities.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return _most_probable(probabilities, class_names, top)


def decode(probabilities: np.ndarray, top: int = 5) -> pd.DataFrame:
    """Name the most probable classes of ImageNet for each image.

    Parameters
    ----------
    probabilities : ndarray, shape (N, 1000)
        The output of a network of :func:`load_classifier`.
    top : int
        Number of classes per image.

    Returns
    -------
    DataFrame
        Columns image (position), rank (from 1), class, probability.

    Raises
    ------
    InvalidInput
        If there are not 1000 probabilities per image.
    MissingData
        As :func:`imagenet_names`.
    """
    values = np.asarray(probabilities)
    names = imagenet_names()
    if values.ndim != 2 or values.shape[1] != len(names):
        raise InvalidInput(
            f"The probabilities have the shape {values.shape}, but ImageNet's classes need "
            f"(images, {len(names)})."
        )
    return _most_probable(values, names, top)


def imagenet_names() -> list[str]:
    """Return the names of the 1000 classes of ImageNet, in the order of the networks' outputs.

    TensorFlow Datasets, which the course needs anyway, has the list: the synonyms of each class, of
    which the first is taken.

    Raises
    ------
    MissingData
        If the installed version of TensorFlow Datasets does not have the list.
    """
    try:
        from tensorflow_datasets.datasets.siscore import labels

        names = [synonyms.split(",")[0] for synonyms in labels.IMAGENET_LABELS_LIST]
    except (ImportError, AttributeError) as error:
        raise MissingData(
            "The installed version of tensorflow-datasets does not have the names of ImageNet's "
            "classes; install the pinned one: pip install -r requirements.txt"
        ) from error
    return names


def _most_probable(probabilities: np.ndarray, class_names: Sequence[str], top: int) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"image": image, "rank": rank, "class": class_names[k], "probability": float(row[k])}
            for image, row in enumerate(probabilities)
            for rank, k in enumerate(np.argsort(-row, kind="stable")[:top], start=1)
        ]
    )
