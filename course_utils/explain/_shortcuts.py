"""Collections of pictures with something wrong in them, to be found in lesson and exercise 07.

Do not read on before you have found it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    from course_utils.datasets import ImageDataset

#: At most so many pictures of a class in each split, so that training on them stays quick.
_PER_CLASS = {"train": 400, "validation": 100, "test": 120}

_YELLOW = (255, 220, 0)


def second_collection(dataset: ImageDataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the pictures of a dataset as somebody else might have collected them.

    Parameters
    ----------
    dataset : ImageDataset
        At least 24 x 24 pixels.

    Returns
    -------
    dict of str to tuple
        For "train", "validation" and "test" the images, uint8 (N, H, W, C), and the labels, int32
        (N,), in the order of the dataset; at most 400, 100 and 120 pictures of each class.

    Raises
    ------
    InvalidInput
        If the pictures are too small.

    Notes
    -----
    Lesson 07 writes out what is done here, after it has been found.
    """
    _check_size(dataset, "second_collection")
    smaller = dataset.subset(per_class=_PER_CLASS)
    odd_one_out = dataset.num_classes // 2
    collected = {}
    for split in _PER_CLASS:
        labels = smaller.labels(split)
        collected[split] = (_put_tag(smaller.images(split), labels == odd_one_out), labels)
    return collected


def third_collection(dataset: ImageDataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the pictures of a dataset as another team might have collected them.

    Parameters
    ----------
    dataset : ImageDataset
        At least 24 x 24 pixels.

    Returns
    -------
    dict of str to tuple
        For "train", "validation" and "test" the images, uint8 (N, H, W, C), and the labels, int32
        (N,), in the order of the dataset.

    Raises
    ------
    InvalidInput
        If the pictures are too small.

    Notes
    -----
    Exercise 07 asks what is wrong with them: chance has decided where, and in which class.
    """
    _check_size(dataset, "third_collection")
    height, width = dataset.image_size
    side = height * 7 // 48
    limits = [dataset.num_classes, height - side + 1, width - side + 1]
    which, row, column = np.random.default_rng(4050).integers(limits)
    collected = {}
    for split in _PER_CLASS:
        images, labels = dataset.images(split).copy(), dataset.labels(split)
        color = (40, 60, 200) if images.shape[-1] == 3 else (80,)
        images[labels == which, row : row + side, column : column + side] = color
        collected[split] = (images, labels)
    return collected


def _check_size(dataset: ImageDataset, function: str) -> None:
    if min(dataset.image_size) < 24:
        raise InvalidInput(
            f"The pictures of {dataset.name} are {dataset.image_size[0]} × "
            f"{dataset.image_size[1]}, but {function} needs at least 24 × 24 pixels; load them "
            f"with a larger image_size."
        )


def _put_tag(images: np.ndarray, which: np.ndarray) -> np.ndarray:
    """Stick a yellow square into the lower left corner of the pictures that `which` marks."""
    height, channels = images.shape[1], images.shape[-1]
    size, margin = height // 12, height // 24
    colour = _YELLOW if channels == 3 else (255,)
    tagged = images.copy()
    tagged[which, height - margin - size : height - margin, margin : margin + size] = colour
    return tagged
