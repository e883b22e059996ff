"""Dividing images into training, validation and test (lesson 02)."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from course_utils.exceptions import InvalidInput

#: The names of the splits, in the order in which they are shown.
SPLITS = ("train", "validation", "test")

#: Folder names that stand for a split (compared without regard to case).
FOLDER_NAMES = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "test": "test",
    "testing": "test",
}


def carve(
    ids: Sequence[str],
    labels: np.ndarray,
    digests: Sequence[str],
    class_names: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, np.ndarray]:
    """Divide images at random, class by class, so that no copy of an image is in two splits.

    The result depends on the ids, the classes and the seed alone, not on the order in which the
    images are given, and one class is divided without regard to the others. Images with the same
    digest stay together; those that several classes share stay in training.

    Parameters
    ----------
    ids : sequence of str
        One name per image.
    labels : ndarray of int, shape (N,)
        Index of each image's class.
    digests : sequence of str
        One digest of the content per image; equal digests mean equal images.
    class_names : sequence of str
        Name of each class.
    shares : mapping of split to float
        The share of each class's images that a split gets, for example
        ``{"test": 0.1, "validation": 0.1}``; the rest is training.
    seed : int
        Which random division to make.

    Returns
    -------
    dict of str to ndarray of int64
        For ``"train"`` and each split in `shares` the positions of its images, in rising order.

    Raises
    ------
    InvalidInput
        If a class has too few different images to give each split one.
    """
    labels = np.asarray(labels)
    groups: dict[str, list[int]] = {}
    for position in sorted(range(len(ids)), key=lambda i: unicodedata.normalize("NFC", ids[i])):
        groups.setdefault(digests[position], []).append(position)

    taken: dict[str, list[int]] = {"train": [], **{split: [] for split in shares}}
    by_class: list[list[list[int]]] = [[] for _ in class_names]
    for group in groups.values():
        of_classes = {int(labels[position]) for position in group}
        if len(of_classes) == 1:
            by_class[of_classes.pop()].append(group)
        else:
            taken["train"].extend(group)

    for label, of_class in enumerate(by_class):
        name = class_names[label]
        number = int((labels == label).sum())
        if len(of_class) < len(shares) + 1:
            raise InvalidInput(
                f"Class {name!r} has {number} image{'s' * (number != 1)}"
                + (f", {len(of_class)} without copies" if len(of_class) != number else "")
                + f", but at least {len(shares) + 1} different ones are needed, one for each of "
                f"{', '.join(one for one in SPLITS if one in taken)}; add images to it or take the "
                f"class away."
            )
        salt = zlib.crc32(unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape"))
        order = np.random.default_rng([seed, salt]).permutation(len(of_class))
        waiting = [of_class[i] for i in order]
        still_needed = len(shares) + 1  # splits that have no image of this class yet
        for split, share in shares.items():
            wanted = max(1, round(share * number))
            still_needed -= 1
            got = 0
            left: list[list[int]] = []
            for at, group in enumerate(waiting):
                enough_left = len(left) + len(waiting) - at > still_needed
                if enough_left and got + len(group) <= wanted:
                    taken[split].extend(group)
                    got += len(group)
                else:
                    left.append(group)
            if not got:  # every group of copies is larger than the share: take the smallest
                smallest = min(left, key=len)
                left.remove(smallest)
                taken[split].extend(smallest)
            waiting = left
        for group in waiting:
            taken["train"].extend(group)
    return {split: np.array(sorted(rows), dtype=np.int64) for split, rows in taken.items()}
