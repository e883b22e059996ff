"""Divide images into training, validation and test (lesson 02)."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from os.path import commonprefix

import numpy as np

from course_utils import validate
from course_utils.exceptions import InvalidInput

#: The names of the splits, in the order in which they are shown.
SPLITS = ("train", "validation", "test")

_SPLIT_OF_WORD = {
    word: split
    for split, words in {
        "train": "train training",
        "validation": "validation val valid dev development",
        "test": "test testing holdout heldout eval evaluation",
    }.items()
    for word in words.split()
}
_NAME = re.compile(
    rf"\d*(?:seg)?({'|'.join(sorted(_SPLIT_OF_WORD, key=len, reverse=True))})"
    r"(?:set|data|dataset|split|folder|images?|imgs?|pictures?|photos?)?\d*"
)


def named(text: str) -> str | None:
    """Return the split that the name of a folder means, or None.

    Examples
    --------
    >>> named("Training_Set"), named("val"), named("hold-out"), named("trains")
    ('train', 'validation', 'test', None)
    """
    found = _NAME.fullmatch(re.sub(r"[\s_.-]|\(\d+\)", "", text.casefold()))
    return _SPLIT_OF_WORD[found[1]] if found else None


def of_folders(names: Iterable[str]) -> dict[str, str]:
    """Return the split of each folder whose name means one.

    Words that all names begin or end with do not count.

    Examples
    --------
    >>> of_folders(["asl_train", "asl_test"])
    {'asl_train': 'train', 'asl_test': 'test'}
    >>> of_folders(["asl_train", "asl_car"])
    {}
    """
    names = list(names)
    found = {name: split for name in names if (split := named(name))}
    if found or len(names) < 2:
        return found
    words = [re.split(r"[\s_.-]+", name.casefold()) for name in names]
    first = len(commonprefix(words))
    last = len(commonprefix([part[::-1] for part in words]))
    rest = ["".join(part[first : len(part) - last]) for part in words]
    found = {name: split for name, part in zip(names, rest, strict=True) if (split := named(part))}
    return found if len(found) == len(names) and "train" in found.values() else {}


def carve(
    ids: Sequence[str],
    labels: np.ndarray,
    digests: Sequence[str],
    class_names: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, np.ndarray]:
    """Divide images at random, class by class, with all copies of an image in one split.

    The result depends on the ids, the classes and the seed alone, not on the order of the images,
    and each class is divided independently of the others. Images with the same digest stay
    together; copies that are in several classes stay in training.

    Parameters
    ----------
    ids : sequence of str
        One name per image.
    labels : ndarray of int, shape (N,)
        Class index of each image.
    digests : sequence of str
        Digest of the content of each image; equal digests mean equal images.
    class_names : sequence of str
        Name of each class.
    shares : mapping of split to float
        The share of each class's images that a split gets, for example
        ``{"test": 0.1, "validation": 0.1}``; the rest is training.
    seed : int
        Seed of the random division.

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
    carve_groups : the same for groups of images that may have several classes.
    """
    labels = np.asarray(labels)
    taken: dict[str, list[int]] = {"train": [], **{split: [] for split in shares}}
    by_class: list[list[list[int]]] = [[] for _ in class_names]
    for copies in _members(ids, digests).values():
        classes = {int(labels[position]) for position in copies}
        if len(classes) == 1:
            by_class[classes.pop()].append(copies)
        else:
            taken["train"].extend(copies)

    for name, of_class, number in zip(
        class_names, by_class, np.bincount(labels, minlength=len(class_names)), strict=True
    ):
        _check_different(name, int(number), len(of_class), shares)
        salt = zlib.crc32(unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape"))
        order = np.random.default_rng([seed, salt]).permutation(len(of_class))
        waiting = [of_class[i] for i in order]
        for at, (split, share) in enumerate(shares.items()):
            needed = len(shares) - at  # splits that come after this one, training included
            chosen, waiting = _take_copies(waiting, max(1, round(share * number)), needed)
            taken[split] += sum(chosen, [])
        taken["train"] += sum(waiting, [])
    return {split: np.array(sorted(rows), dtype=np.int64) for split, rows in taken.items()}


def _members(ids: Sequence[str], keys: Sequence[str]) -> dict[str, list[int]]:
    """Return the positions of the images with each key, in the order of the ids."""
    members: dict[str, list[int]] = defaultdict(list)
    for position in sorted(range(len(ids)), key=lambda i: unicodedata.normalize("NFC", ids[i])):
        members[keys[position]].append(position)
    return members


def _check_different(name: str, number: int, different: int, shares: Mapping[str, float]) -> None:
    needed = len(shares) + 1
    if different >= needed:
        return
    raise InvalidInput(
        f"Class {name!r} has {validate.counted(number, 'image')}"
        + (f", {different} without copies here or in other classes" if different != number else "")
        + f", but at least {needed} different ones are needed, one for each of "
        f"{', '.join(split for split in SPLITS if split == 'train' or split in shares)}; add "
        f"images to it or take the class away."
    )


def _take_copies(
    waiting: Sequence[list[int]], wanted: int, needed: int
) -> tuple[list[list[int]], list[list[int]]]:
    """Choose sets of copies with about `wanted` images; leave at least `needed` sets.

    Where every set of copies is larger than `wanted`, the smallest is taken.
    """
    chosen: list[list[int]] = []
    left: list[list[int]] = []
    got = 0
    for at, copies in enumerate(waiting):
        if len(left) + len(waiting) - at > needed and got + len(copies) <= wanted:
            chosen.append(copies)
            got += len(copies)
        else:
            left.append(copies)
    if not chosen:
        smallest = min(left, key=len)
        left.remove(smallest)
        chosen.append(smallest)
    return chosen, left


def carve_groups(
    ids: Sequence[str],
    labels: np.ndarray,
    groups: Sequence[str],
    class_names: Sequence[str],
    shares: Mapping[str, float],
    seed: int,
) -> dict[str, np.ndarray]:
    """Divide images at random so that the images of a group are all in one split.

    A group may hold images of several classes, for example the images of one patient. Groups come
    in random order; a split takes a group if it then has no more of any class than its share.
    Then each split takes the smallest groups with the classes that it still lacks.

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
    members = _members(ids, groups)
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
        taken[split] = _take_groups(waiting, counts, wanted, needed)
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
                f"The images of class {name!r} belong to {validate.counted(number, 'group')}, but "
                f"at least {needed} are needed, one for each split; groups= keeps too much "
                f"together, or the class needs images of other groups."
            )


def _take_groups(
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

    def is_spare(key: str) -> bool:
        return bool((left - (counts[key] > 0))[counts[key] > 0].min() >= needed)

    for key in waiting:
        if (got + counts[key] <= wanted).all() and is_spare(key):
            take(key)
    while (got == 0).any():
        lacking = int(np.flatnonzero(got == 0)[0])
        rest = [key for key in waiting if key not in chosen and counts[key][lacking]]
        rest = [key for key in rest if is_spare(key)] or rest
        if not rest:
            break
        take(min(rest, key=lambda key: int(np.maximum(got + counts[key] - wanted, 0).sum())))
    return chosen
