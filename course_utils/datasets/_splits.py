"""Dividing images into training, validation and test (lesson 02)."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from course_utils.exceptions import InvalidInput

#: The names of the splits, in the order in which they are shown.
SPLITS = ("train", "validation", "test")

_WORDS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
    "development": "validation",
    "test": "test",
    "testing": "test",
    "holdout": "test",
    "heldout": "test",
    "eval": "test",
    "evaluation": "test",
}
_NAME = re.compile(
    rf"(?:seg)?({'|'.join(sorted(_WORDS, key=len, reverse=True))})"
    r"(?:set|data|dataset|split|folder|images?|imgs?|pictures?|photos?)?\d?"
)


def named(text: str) -> str | None:
    """Return the split that a folder of this name stands for, or None.

    Examples
    --------
    >>> named("Training_Set"), named("val"), named("hold-out"), named("trains")
    ('train', 'validation', 'test', None)
    """
    found = _NAME.fullmatch(re.sub(r"[\s_.-]", "", text.casefold()))
    return _WORDS[found[1]] if found else None


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

    See Also
    --------
    carve_groups : the same where pictures of several classes belong together.
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


def carve_groups(
    ids: Sequence[str],
    labels: np.ndarray,
    groups: Sequence[str],
    class_names: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, np.ndarray]:
    """Divide images at random so that the images of a group are all in one split.

    A group may hold images of several classes, as the pictures of one patient do. Groups are gone
    through in random order; a split takes a group while it gets no more of a class than its share.
    Then each split takes the smallest groups with the classes that it lacks.

    Parameters
    ----------
    ids, labels, class_names, shares, seed
        As for :func:`carve`.
    groups : sequence of str
        The group of each image.

    Returns
    -------
    dict of str to ndarray of int64

    Raises
    ------
    InvalidInput
        If a class has too few groups to give each split one.
    """
    labels = np.asarray(labels)
    members: dict[str, list[int]] = {}
    for position in sorted(range(len(ids)), key=lambda i: unicodedata.normalize("NFC", ids[i])):
        members.setdefault(groups[position], []).append(position)
    counts = {
        key: np.bincount(labels[places], minlength=len(class_names))
        for key, places in members.items()
    }
    _check_groups(counts, class_names, shares)
    totals = np.bincount(labels, minlength=len(class_names))
    names = list(members)
    waiting = [names[i] for i in np.random.default_rng(seed).permutation(len(names))]
    taken: dict[str, list[str]] = {}
    for split, share in shares.items():
        wanted = np.maximum(1, np.round(share * totals)).astype(int)
        needed = len(shares) - len(taken)  # splits that come after this one, training included
        taken[split] = _take(waiting, counts, wanted, needed)
        waiting = [key for key in waiting if key not in set(taken[split])]
    taken["train"] = waiting
    for split, keys in taken.items():
        got = sum((counts[key] for key in keys), np.zeros(len(class_names), int))
        if not got.all():
            lost = class_names[int(np.flatnonzero(got == 0)[0])]
            raise InvalidInput(
                f"The groups cannot be divided so that the {split} split has an image of class "
                f"{lost!r}; give smaller shares or smaller groups, or another seed."
            )
    return {
        split: np.array(sorted(i for key in keys for i in members[key]), np.int64)
        for split, keys in taken.items()
    }


def _check_groups(
    counts: Mapping[str, np.ndarray], class_names: Sequence[str], shares: Mapping[str, float]
) -> None:
    needed = len(shares) + 1
    of_class = sum((count > 0).astype(int) for count in counts.values())
    for name, number in zip(class_names, np.asarray(of_class).tolist(), strict=True):
        if number < needed:
            raise InvalidInput(
                f"The images of class {name!r} belong to {number} group{'s' * (number != 1)}, but "
                f"at least {needed} are needed, one for each split; groups= keeps too much "
                f"together, or the class needs images of other groups."
            )


def _take(
    waiting: Sequence[str], counts: Mapping[str, np.ndarray], wanted: np.ndarray, needed: int
) -> list[str]:
    """Choose the groups of one split; of each class, leave `needed` groups for the others."""
    left = sum((counts[key] > 0).astype(int) for key in waiting)
    got = np.zeros_like(wanted)
    chosen: list[str] = []

    def take(key: str) -> None:
        nonlocal left, got
        chosen.append(key)
        got = got + counts[key]
        left = left - (counts[key] > 0)

    def spare(key: str) -> bool:
        return bool((left - (counts[key] > 0))[counts[key] > 0].min() >= needed)

    for key in waiting:
        if (got + counts[key] <= wanted).all() and spare(key):
            take(key)
    while (got == 0).any():
        lacking = int(np.flatnonzero(got == 0)[0])
        rest = [key for key in waiting if key not in chosen and counts[key][lacking]]
        rest = [key for key in rest if spare(key)] or rest
        if not rest:
            break
        take(min(rest, key=lambda key: int(np.maximum(got + counts[key] - wanted, 0).sum())))
    return chosen
