"""Collections of images with a planted flaw, which lesson and exercise 07 ask you to find.

Do not read this file before you have found it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    from course_utils.datasets import ImageDataset

#: Maximum number of images per class in each split, to keep training short.
_PER_CLASS = {"train": 400, "validation": 100, "test": 120}

_YELLOW = (255, 220, 0)


def second_collection(dataset: ImageDataset) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return the images of a dataset as another person might have collected them.

    Parameters
    ----------
    dataset : ImageDataset
        At least 24 x 24 pixels.

    Returns
    -------
    dict of str to tuple
        For "train", "validation" and "test" the images, uint8 (N, H, W, C), and the labels, int32
        (N,), in the order of the dataset; at most 400, 100 and 120 images of each class.

    Raises
    ------
    InvalidInput
        If the images are too small.

    Notes
    -----
    Lesson 07 shows the code of this function after you have found the flaw.
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
    """Return the images of a dataset as another team might have collected them.

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
        If the images are too small.

    Notes
    -----
    Exercise 07 asks what is wrong with them. The position and the class were drawn at random.
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
    """Draw a yellow square into the lower left corner of the images where `which` is true."""
    height, channels = images.shape[1], images.shape[-1]
    size, margin = height // 12, height // 24
    color = _YELLOW if channels == 3 else (255,)
    tagged = images.copy()
    tagged[which, height - margin - size : height - margin, margin : margin + size] = color
    return tagged
