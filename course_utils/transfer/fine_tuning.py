"""Fine-tuning: train the upper layers of a pretrained network further, in small steps."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from course_utils import training, validate
from course_utils.datasets import ImageDataset
from course_utils.exceptions import InvalidInput
from course_utils.training import History
from course_utils.transfer.features import check_input_shape


def unfreeze(model: keras.Model, unfreeze_from: str | int) -> list[str]:
    """Unfreeze a layer and all layers after it, except for batch normalization.

    Batch normalization stays frozen, in inference mode: its running means come from millions of
    images, and a few small batches would spoil them.

    Parameters
    ----------
    model : keras.Model
        A flat model, for instance from :func:`attach_head`; it is changed in place.
    unfreeze_from : str or int
        Name of the first layer to train, or its position (negative: counted from the end).

    Returns
    -------
    list of str
        Names of the layers with trainable weights.

    Raises
    ------
    InvalidInput
        If there is no such layer.
    """
    names = [layer.name for layer in model.layers]
    if isinstance(unfreeze_from, str):
        if unfreeze_from not in names:
            raise InvalidInput(
                f"{model.name} has no layer called {unfreeze_from!r}"
                f"{validate.nearest(unfreeze_from, names)}; its layers with weights are "
                f"{', '.join(layer.name for layer in model.layers if layer.weights)}."
            )
        first = names.index(unfreeze_from)
    elif -len(names) <= unfreeze_from < len(names):
        first = unfreeze_from % len(names)
    else:
        raise InvalidInput(
            f"unfreeze_from is {unfreeze_from}, but {model.name} has {len(names)} layers."
        )
    model.trainable = True
    for position, layer in enumerate(model.layers):
        layer.trainable = position >= first and not isinstance(layer, layers.BatchNormalization)
    return [layer.name for layer in model.layers if layer.trainable_weights]


def fine_tune(
    model: keras.Model,
    dataset: ImageDataset,
    unfreeze_from: str | int,
    learning_rate: float = 1e-5,
    epochs: int = 5,
    **fit_arguments: Any,
) -> History:
    """Train the upper layers of a pretrained network further, in small steps.

    Parameters
    ----------
    model : keras.Model
        From :func:`attach_head`, with a trained head; it is changed in place.
    dataset : ImageDataset
        Images of the model's size.
    unfreeze_from : str or int
        Name or position of the first layer to train.
    learning_rate : float
        Much smaller than for the head: large steps destroy what the network has learned.
    epochs : int
        Number of epochs.
    **fit_arguments
        Passed on to :func:`course_utils.training.fit`.

    Returns
    -------
    History
        Training history.

    Raises
    ------
    InvalidInput
        If there is no such layer, or the images do not fit.
    """
    check_input_shape(model, dataset)
    unfreeze(model, unfreeze_from)
    return training.fit(model, dataset, epochs, learning_rate=learning_rate, **fit_arguments)
