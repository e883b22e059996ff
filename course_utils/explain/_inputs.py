"""Check the models, images and classes that the methods are given."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import keras
import numpy as np

from course_utils import validate
from course_utils.exceptions import InvalidInput
from course_utils.models import check_pixels

#: So many pixels go through a model at a time, so that large models fit into memory.
_PIXELS_PER_BATCH = 500_000


@lru_cache
def _functional_class() -> Any:
    """Return the class of functional models, which Keras does not export."""
    x = keras.Input((1,), name="x")
    return type(keras.Model(x, x, name="functional_model"))


def has_graph(model: Any) -> bool:
    """Return whether this is a Sequential or functional model, without a `call` of its own."""
    calls = (keras.Sequential.call, _functional_class().call)
    return isinstance(model, keras.Model) and type(model).call in calls


def check_model(model: Any) -> None:
    """Raise InvalidInput unless `model` is a built image classifier with a graph of layers."""
    if not isinstance(model, keras.Model):
        raise InvalidInput(f"model must be a Keras model, but it is a {type(model).__name__}.")
    if not has_graph(model):
        raise InvalidInput(
            f"The model {model.name!r} is a subclass of keras.Model with a call method of its own "
            f"({type(model).__name__}), so its layers cannot be listed; build it with the "
            f"functional API, or use explain.occlusion, which needs nothing but predictions."
        )
    if not model.built or not all(layer.built for layer in model.layers):
        raise InvalidInput(
            f"The model {model.name!r} is not built yet: put keras.Input(shape=(height, width, "
            f"channels)) first in it, or call it once on a batch of images."
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise InvalidInput(
            f"The model {model.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} "
            f"outputs, but one of each is needed; make a keras.Model of the pair to be explained."
        )
    if len(model.inputs[0].shape) != 4 or len(model.outputs[0].shape) != 2:
        raise InvalidInput(
            f"The model {model.name!r} turns {model.inputs[0].shape} into "
            f"{model.outputs[0].shape}, but a classifier of images turns (N, height, width, "
            f"channels) into (N, classes)."
        )


def image_batch(images: Any) -> np.ndarray:
    """Return `images` as a float32 array (N, H, W, C).

    Raises
    ------
    InvalidInput
        If they are no numbers, have not four dimensions, or there is no image.
    """
    batch = np.asarray(images)
    if batch.ndim != 4:
        hint = "put it into a batch with images[np.newaxis]" if batch.ndim == 3 else "give a batch"
        raise InvalidInput(
            f"images must have four dimensions (N, height, width, channels), but their shape is "
            f"{batch.shape}; {hint}."
        )
    if not len(batch):
        raise InvalidInput("images is an empty batch; give at least one image.")
    if not np.issubdtype(batch.dtype, np.number):
        raise InvalidInput(f"images must be numbers, but their dtype is {batch.dtype}.")
    return batch.astype("float32")


def check_images(images: Any, model: keras.Model) -> np.ndarray:
    """Return `images` as a float32 array (N, H, W, C) that fits `model`.

    Raises
    ------
    InvalidInput
        If the shape is not that of the model's input, values are not finite, or pixels are scaled
        to 0-1 although the model rescales them itself.
    """
    batch = image_batch(images)
    wanted = tuple(model.inputs[0].shape[1:])
    if any(w is not None and w != n for w, n in zip(wanted, batch.shape[1:], strict=True)):
        shape = " × ".join("any" if n is None else str(n) for n in wanted)
        raise InvalidInput(
            f"images are {' × '.join(map(str, batch.shape[1:]))}, but the model {model.name!r} "
            f"takes {shape} (height × width × channels); load them with that size."
        )
    if not np.isfinite(batch).all():
        raise InvalidInput("images hold NaN or infinite values; look at how they were loaded.")
    check_pixels(model, batch)
    return batch


def check_classes(classes: Any, count: int, num_classes: int) -> np.ndarray:
    """Return one class index per image, int32 (count,), from one index or from one per image."""
    array = np.asarray(classes)
    if not np.issubdtype(array.dtype, np.integer) or array.ndim > 1:
        raise InvalidInput(
            f"classes must be a class index, or one for each image, but it is {classes!r}."
        )
    if array.ndim == 1 and len(array) != count:
        raise InvalidInput(
            f"classes has {len(array)} entries, but there are {count} images; give one for each, "
            f"or one number for all."
        )
    unknown = array[(array < 0) | (array >= num_classes)]
    if unknown.size:
        raise InvalidInput(
            f"There is no class {unknown.flat[0]}: the model tells {num_classes} classes apart, "
            f"counted from 0 to {num_classes - 1}."
        )
    return np.broadcast_to(array, (count,)).astype("int32")


def batch_slices(
    images: np.ndarray, batch_size: int | None, count: int | None = None
) -> list[slice]:
    """Divide a batch into slices that go through a model one after the other.

    Parameters
    ----------
    images : array (N, H, W, C)
        Images of the size in question.
    batch_size : int or None
        Images per slice; by default as many as have half a million pixels together.
    count : int, optional
        Number of images to divide, where it is not N.
    """
    if batch_size is None:
        size = max(1, _PIXELS_PER_BATCH // (images.shape[1] * images.shape[2]))
    else:
        size = validate.batch_size(batch_size)
    count = len(images) if count is None else count
    return [slice(start, start + size) for start in range(0, count, size)]
