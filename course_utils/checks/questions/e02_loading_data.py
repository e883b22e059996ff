"""What exercise 02 asks, and how its answers are judged."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from PIL import Image

from course_utils.checks import chance, compare
from course_utils.checks._question import Exercise, IncorrectAnswer, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import Ref, StudentWork, StudentWorkError

Array = np.ndarray

# --- 02.1: labels ------------------------------------------------------------------------------


def _one_hot(labels: Array, num_classes: int) -> Array:
    return np.eye(num_classes)[labels]


_ONE_HOT_MISTAKES = [
    Mistake("axes swapped", lambda labels, n: _one_hot(labels, n).T),
    Mistake(
        "classes counted in the labels: largest label",
        lambda labels, n: np.eye(labels.max() + 1)[labels],
    ),
    Mistake(
        "classes counted in the labels: those that occur",
        lambda labels, n: (labels[:, None] == np.unique(labels)).astype(float),
    ),
    Mistake(
        "classes counted in the labels: numbered again",
        lambda labels, n: _one_hot(np.unique(labels, return_inverse=True)[1], n),
    ),
    Mistake(
        "counted from 1: columns",
        lambda labels, n: _one_hot((labels - 1) % n, n),
        lambda labels, n: np.eye(n + 1)[labels + 1],
    ),
    Mistake("zeros and ones exchanged", lambda labels, n: 1 - _one_hot(labels, n)),
]


def _to_one_hot(subject: StudentWork, rng: np.random.Generator) -> None:
    """Shape and entries, also where classes do not occur; labels left alone."""
    cases = [
        Case((np.array([2, 0, 1]), 3), "three labels of three classes"),
        Case((np.array([0, 1, 1, 2, 0, 1]), 5), "six labels of five classes"),
        Case((rng.integers(0, 7, 20), 8), "20 labels of 8 classes"),
        Case((np.array([5, 0, 2, 2]), 6), "four labels of six classes, not all of which occur"),
    ]
    compare.function(subject, "to_one_hot", cases, _one_hot, _ONE_HOT_MISTAKES)
    compare.leaves_arguments(subject, "to_one_hot", cases)


def _index(one_hot: Array) -> Array:
    return np.asarray(one_hot.argmax(axis=1))


_INDEX_MISTAKES = [
    Mistake("wrong axis: columns", lambda one_hot: one_hot.argmax(axis=0)),
    Mistake("counted from 1: indices", lambda one_hot: one_hot.argmax(axis=1) + 1),
    Mistake("sorted", lambda one_hot: np.sort(one_hot.argmax(axis=1))),
    Mistake(
        "empty columns left out", lambda one_hot: one_hot[:, one_hot.any(axis=0)].argmax(axis=1)
    ),
    Mistake("wrong axis: whole table", lambda one_hot: one_hot.argmax()),
]


def _to_index(subject: StudentWork, rng: np.random.Generator) -> None:
    """The index of each row, as whole numbers, for any number of classes."""
    cases = [
        Case((np.eye(5)[rng.integers(0, 5, n)],), f"{n} rows of five classes") for n in (7, 12)
    ]
    cases += [
        Case((np.eye(3)[[0, 0, 2, 2]],), "four rows of three classes"),
        Case((np.eye(4, dtype="float32")[[1]],), "a single row"),
        Case((np.eye(6, dtype=int)[[5, 0, 2, 2]],), "rows of whole numbers"),
    ]
    compare.function(subject, "to_index", cases, _index, _INDEX_MISTAKES)
    _whole(subject.call("to_index", np.eye(3)[[2, 1]]), "Class indices")
    compare.leaves_arguments(subject, "to_index", cases)


def _whole(got: Any, what: str) -> None:
    if np.asarray(got).dtype.kind == "f":
        raise wrong("not whole numbers", what=what)


def _kept(labels: Array, wanted: list[int]) -> tuple[Array, Array]:
    positions = np.flatnonzero(np.isin(labels, wanted))
    return positions, np.array([wanted.index(label) for label in labels[positions]])


def _renamed(labels: Array, wanted: list[int]) -> Array:
    new = labels[np.isin(labels, wanted)].copy()
    for number, one in enumerate(wanted):
        new[new == one] = number
    return new


_KEPT_MISTAKES = [
    Mistake(
        "labels not renumbered",
        lambda labels, wanted: (_kept(labels, wanted)[0], labels[_kept(labels, wanted)[0]]),
    ),
    Mistake(
        "labels in the order of the old ones",
        lambda labels, wanted: (_kept(labels, wanted)[0], _kept(labels, sorted(wanted))[1]),
    ),
    Mistake(
        "masks instead of positions",
        lambda labels, wanted: (np.isin(labels, wanted), _kept(labels, wanted)[1]),
    ),
    Mistake(
        "sorted by class",
        lambda labels, wanted: (
            np.concatenate([np.flatnonzero(labels == value) for value in wanted]),
            np.concatenate([np.full((labels == value).sum(), k) for k, value in enumerate(wanted)]),
        ),
    ),
    Mistake("order of results", lambda labels, wanted: _kept(labels, wanted)[::-1]),
    Mistake(
        "renamed twice", lambda labels, wanted: (_kept(labels, wanted)[0], _renamed(labels, wanted))
    ),
    Mistake(
        "the others kept",
        lambda labels, wanted: _kept(labels, [c for c in range(9) if c not in wanted]),
    ),
]


def _keep_classes(subject: StudentWork, rng: np.random.Generator) -> None:
    """Positions in their old order, new labels in the order of `wanted`, whole numbers.

    Also with a wanted class that does not occur, and with labels that are taken for new ones.
    """
    cases = [
        Case((np.array([4, 0, 2, 4]), [2, 4]), "the example"),
        Case((rng.integers(0, 5, 30), [3, 0]), "30 labels and the classes 3 and 0"),
        Case((rng.integers(0, 7, 40), [5, 1, 6]), "40 labels and the classes 5, 1 and 6"),
        Case((np.array([1, 0, 1, 2]), [1, 0]), "the classes 1 and 0"),
        Case((np.array([5, 0, 5, 2]), [2, 3, 5]), "a wanted class that does not occur"),
    ]
    compare.function(subject, "keep_classes", cases, _kept, _KEPT_MISTAKES)
    positions, labels = compare.listed(subject.call("keep_classes", *cases[0].args)) or [[], []]
    _whole(positions, "Positions")
    _whole(labels, "Labels")
    compare.leaves_arguments(subject, "keep_classes", cases)


# --- 02.2: splits, class by class --------------------------------------------------------------

_NAMES = ("training", "validation", "test")


def _positions(result: Any, names: tuple[str, ...], total: int, masks: bool = False) -> list[Array]:
    """What a split returned, as arrays of positions.

    Masks cost the points of the first part, which does not accept them.
    """
    parts = compare.listed(result)
    if parts is None or len(parts) != len(names):
        got, asked = compare.describe(result), ", ".join(names)
        raise wrong("other: number of arrays", number=len(names), names=asked, got=got)
    found = []
    for name, part in zip(names, parts, strict=True):
        entries = compare.listed(part)
        array = np.asarray(entries if _flat(entries) else None)
        if array.dtype == bool and array.shape == (total,):
            if not masks:
                raise wrong("masks instead of positions", name=name)
            array = np.flatnonzero(array)
        if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise wrong("other: no positions", name=name, got=compare.describe(part))
        array = array.astype(int)
        if array.size and (array.min() < 0 or array.max() >= total):
            raise wrong("other: no image there", name=name)
        found.append(array)
    return found


def _flat(entries: list[Any] | None) -> bool:
    return entries is not None and all(isinstance(entry, bool | int | float) for entry in entries)


def _whole_and_apart(parts: list[Array], names: tuple[str, ...], total: int) -> None:
    for name, part in zip(names, parts, strict=True):
        if len(np.unique(part)) < len(part):
            raise wrong("leak: twice", name=name)
    for (one, first), (other, second) in combinations(zip(names, parts, strict=True), 2):
        if np.intersect1d(first, second).size:
            raise wrong("leak: two splits", one=one, other=other)
    if sum(len(part) for part in parts) < total:
        raise wrong("images lost")


#: Large enough that a tenth of the rest (9 %) is no matter of rounding, and chance no excuse.
_SIZES = (400, 300, 187, 64, 40)
#: So many seeds: two of any few divisions are the same, and no luck is left.
_SEEDS = 16


def _split(subject: StudentWork, labels: Array, seed: int) -> list[Array]:
    result = compare.result_of(subject, "split", labels, seed)
    return _positions(result, _NAMES, len(labels), masks=True)


def _split_whole(subject: StudentWork, rng: np.random.Generator) -> None:
    """Each position once, for five and for seven classes; labels left alone."""
    for sizes in (_SIZES, (23, 10, 35, 71, 10, 57, 99)):
        labels = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
        result = compare.result_of(subject, "split", labels, int(rng.integers(1000)))
        parts = _positions(result, _NAMES, len(labels))
        found = np.concatenate(parts)
        if len(found) == len(labels) and np.array_equal(np.sort(found), np.sort(labels)):
            raise wrong("labels instead of positions")
        _whole_and_apart(parts, _NAMES, len(labels))
        compare.left_arguments(subject, "split")


def _split_shares(subject: StudentWork, rng: np.random.Generator) -> None:
    """The number of images of each class in each split, for labels in any order."""
    for sorted_ in (False, False, True):
        labels = np.repeat(np.arange(len(_SIZES)), _SIZES)
        labels = labels if sorted_ else rng.permutation(labels)
        parts = _split(subject, labels, int(rng.integers(1000)))
        counts = np.array([np.bincount(labels[part], minlength=len(_SIZES)) for part in parts])
        _judge_shares(counts)


def _judge_shares(counts: Array) -> None:
    """Judge the number of images of each class (column) in each split (row)."""
    shares = np.array([0.8, 0.1, 0.1])
    sizes, each = counts.sum(axis=1), np.array(_SIZES)
    if sizes[0] < sizes[1:].max():
        raise wrong("order of splits")
    # One image more or less of each class in validation and in test, so up to two in training.
    allowed = np.array([2.5, 1.5, 1.5])
    small = np.sort(sizes[1:]) / each.sum()
    if np.all(np.abs(small - (0.09, 0.1)) < 0.003):
        raise wrong("shares wrong: tenth of the rest")
    if np.any(np.abs(sizes - shares * each.sum()) > allowed * len(each)):
        told = ", ".join(f"{100 * share:.0f} %" for share in sizes / each.sum())
        raise wrong("shares wrong", shares=told)
    if np.any(np.abs(counts - shares[:, None] * each) > allowed[:, None]):
        raise wrong("not stratified")


def _split_seed(subject: StudentWork, rng: np.random.Generator) -> None:
    """That the seed alone decides, at random, and over all images: see `chance`."""
    labels, seed = np.repeat(np.arange(len(_SIZES)), _SIZES), int(rng.integers(1000))
    first, again = (_split(subject, labels, seed) for _ in range(2))
    if not all(map(_same_set, first, again)):
        raise wrong("not repeatable")
    splits = [_split(subject, labels, seed + k) for k in range(_SEEDS)]
    # The two small splits of the largest class, whichever of the three arrays they are.
    draws = [
        [part[part < _SIZES[0]] for part in sorted(parts, key=len)[:2] if (part < _SIZES[0]).any()]
        for parts in splits
    ]
    _judge_seed(draws, _SIZES[0])


def _judge_seed(draws: list[list[Array]], total: int) -> None:
    """Judge what was chosen for several seeds: for each seed one or more arrays of places."""
    same = all(
        len(draw) == len(draws[0]) and all(map(_same_set, draw, draws[0])) for draw in draws[1:]
    )
    regular = any(chance.too_regular(part, total) for parts in draws for part in parts)
    if same and regular:
        raise wrong("not shuffled")
    if same:
        raise wrong("seed ignored")
    if regular:
        raise wrong("not random: regular")
    if chance.too_alike(draws, total):
        raise wrong("seed hardly matters")
    for number in range(min(map(len, draws))):
        chosen = [parts[number] for parts in draws]
        if chance.too_regular_in_all(chosen, total):
            raise wrong("not random: regular")
        if chance.uneven(chosen, total):
            raise wrong("not random: uneven")


def _same_set(one: Array, other: Array) -> bool:
    return set(one.tolist()) == set(other.tolist())


# --- 02.3: patients ----------------------------------------------------------------------------

_SIDES = ("training", "test")
_PEOPLE = 200


def _patients(rng: np.random.Generator) -> Array:
    """A few patients with very many X-rays, and many with one or two; numbers with gaps."""
    people = 100 + 3 * rng.permutation(2 * _PEOPLE)[:_PEOPLE]
    times = np.where(np.arange(_PEOPLE) < _PEOPLE // 10, 30, rng.integers(1, 3, _PEOPLE))
    return np.asarray(rng.permutation(np.repeat(people, times)))


def _divide(subject: StudentWork, patients: Array, share: float, seed: int) -> list[Array]:
    result = compare.result_of(subject, "split_patients", patients, share, seed)
    return _positions(result, _SIDES, len(patients), masks=True)


def _patients_apart(subject: StudentWork, rng: np.random.Generator) -> None:
    """No X-ray twice or lost, no patient on both sides."""
    for share in (0.2, 0.3):
        patients = _patients(rng)
        seed = int(rng.integers(1000))
        result = compare.result_of(subject, "split_patients", patients, share, seed)
        compare.left_arguments(subject, "split_patients")
        if _are_the_patients(result, patients):
            raise wrong("patients instead of positions")
        train, test = _positions(result, _SIDES, len(patients))
        _whole_and_apart([train, test], _SIDES, len(patients))
        if np.intersect1d(patients[train], patients[test]).size:
            raise wrong("leak")


def _are_the_patients(result: Any, patients: Array) -> bool:
    """Return whether a result holds numbers of patients, each once or for each X-ray."""
    parts = compare.listed(result) or []
    entries = [entry for part in parts for entry in compare.listed(part) or []]
    if not _flat(entries):
        return False
    given = np.sort(np.array(entries))
    return any(np.array_equal(given, np.sort(all_)) for all_ in (np.unique(patients), patients))


def _patients_share(subject: StudentWork, rng: np.random.Generator) -> None:
    """The number of patients, whatever their numbers of X-rays, and how they are chosen.

    Choices are judged by `chance`; a difference of one patient is allowed.
    """
    shares = np.array([0.2, 0.3, 0.5, 0.1, 0.25, 0.4, 0.7] * 2)
    found = []
    for number, share in enumerate(shares):
        patients = np.sort(_patients(rng)) if number % 2 else _patients(rng)
        _, test = _divide(subject, patients, float(share), int(rng.integers(1000)))
        found.append(len(np.unique(patients[test])))
    wanted, counts = _PEOPLE * shares, np.array(found)
    # A difference of one patient does not matter, so rounding up or down is as good.
    if np.any(np.abs(counts - wanted) > 1):
        _name_share(counts, wanted, shares)
    _patients_seed(subject, rng)


def _name_share(counts: Array, wanted: Array, shares: Array) -> None:
    if np.all(np.abs(counts - (_PEOPLE - wanted)) <= 1):
        raise wrong("order of splits")
    if np.all(counts == counts[0]):
        raise wrong("shares wrong: share ignored")
    worst = int(np.argmax(np.abs(counts - wanted)))
    found = {"share": shares[worst], "wanted": wanted[worst], "count": counts[worst]}
    raise wrong("shares wrong: patients", people=_PEOPLE, **found)


def _patients_seed(subject: StudentWork, rng: np.random.Generator) -> None:
    """Whether the seed alone decides, and at random; among 400 patients in their order."""
    people, seed = 2 * _PEOPLE, int(rng.integers(1000))
    patients = np.repeat(100 + 3 * np.arange(people), rng.integers(1, 4, people))

    def chosen(one: int) -> Array:
        _, test = _divide(subject, patients, 0.1, one)
        return (np.unique(patients[test]) - 100) // 3

    first, again = chosen(seed), chosen(seed)
    if not _same_set(first, again):
        raise wrong("not repeatable")
    draws = [[chosen(seed + k)] for k in range(_SEEDS)]
    _judge_seed(draws, people)


# --- 02.4: X-rays ------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Folder:
    """A folder with pictures that can be told from each other.

    Attributes
    ----------
    names : list of str
        The classes, sorted.
    counts : list of int
        How many pictures each class has.
    levels : array, shape (pictures, 4)
        The gray levels of the top left, top right, bottom left and bottom right quarter.
    kinds : tuple of str
        The types of the files, in turn.
    """

    names: list[str]
    counts: list[int]
    levels: Array
    kinds: tuple[str, ...] = ("png",)

    @property
    def labels(self) -> Array:
        return np.repeat(np.arange(len(self.names)), self.counts)

    def files(self) -> dict[str, Array]:
        """The files, by their names below the folder."""
        found = {}
        numbers = np.concatenate([np.arange(n) for n in self.counts])
        for label, number, levels in zip(self.labels, numbers, self.levels, strict=True):
            picture = np.kron(levels.reshape(2, 2), np.ones((30, 40))).astype("uint8")
            kind = self.kinds[number % len(self.kinds)]
            stream = io.BytesIO()
            Image.fromarray(picture).save(stream, kind, quality=95)
            name = f"{self.names[label]}/{number:02}.{kind}"
            found[name] = np.frombuffer(stream.getvalue(), np.uint8)
        return found

    def which(self, images: Array) -> Array:
        """Which picture each image is, whatever its size; -1 where it is none of them."""
        height, width = images.shape[1:3]
        rows, columns = (height // 4, -(height // 4)), (width // 4, -(width // 4))
        gray = images[..., :3].mean(axis=-1)  # without transparency
        seen = np.stack([gray[:, r, c] for r in rows for c in columns], axis=1)
        apart = np.abs(seen[:, None] - self.levels[None]).max(axis=2)
        return np.where(apart.min(axis=1) < 4, apart.argmin(axis=1), -1)


def _folder(
    rng: np.random.Generator, names: list[str], counts: list[int], kinds: tuple[str, ...] = ("png",)
) -> _Folder:
    """Pictures whose quarters differ by 12 gray levels at least from those of every other one."""
    levels: list[Array] = []
    while len(levels) < sum(counts):
        one = rng.integers(0, 256, 4)
        if all(np.abs(one - other).max() >= 12 for other in levels):
            levels.append(one)
    return _Folder(sorted(names), counts, np.array(levels, float), kinds)


@dataclass(frozen=True)
class _Loaded:
    """What a loader made of a folder; `again` is a second pass through the same dataset."""

    batches: list[tuple[Array, ...]]
    again: list[tuple[Array, ...]]
    others: list[Any]
    in_order: bool


def _load(subject: StudentWork, folder: _Folder) -> _Loaded:
    label = f"a folder with the classes {', '.join(folder.names)}"
    files = subject.put_files(folder.files())
    result = compare.result_of(subject, "load_xrays", files, label=label)
    entries = [result] if isinstance(result, Ref) else compare.listed(result) or []
    is_one = [isinstance(entry, Ref) and subject.kind(entry) == "dataset" for entry in entries]
    if sum(is_one) != 1:
        raise wrong("other: no dataset")
    place = is_one.index(True)
    # More than there can be, so that a dataset that is repeated is seen.
    batches, again = (subject.batches(entries[place], 3 * len(folder.levels)) for _ in range(2))
    others = [entry for k, entry in enumerate(entries) if k != place]
    return _Loaded(batches, again, others, place == 0 and len(entries) == 2)


def _xray_shape(subject: StudentWork, rng: np.random.Generator) -> None:
    """The form of the images in a folder with two classes."""
    folder = _folder(rng, ["clear", "shadow"], [20, 20])
    batches = _load(subject, folder).batches
    shape = batches[0][0].shape if batches else ()
    if len(shape) != 4:
        raise wrong("no batches")
    if shape[3] != 1:
        raise wrong("color", channels=shape[3])
    if shape[1:3] == (64, 48):
        raise wrong("axes swapped")
    if shape[1:3] != (48, 64):
        raise wrong("size")
    if any(len(batch[0]) != 8 for batch in batches[:-1]):
        raise wrong("batch size")


def _xray_content(subject: StudentWork, rng: np.random.Generator) -> None:
    """Each picture once and in order, its pixels, its label, and the name of the label.

    Folders with other classes and pictures are used, so nothing of the notebook's folder helps. A
    second pass shows what is changed at random.
    """
    # Other classes and other numbers of pictures, the last batch of which is not full.
    for counts in ([24, 21], [8, 6, 5]):
        names = rng.permutation(["fracture", "healthy", "implant", "mass"])[: len(counts)]
        _judge_folder(subject, _folder(rng, names.tolist(), counts, ("png", "jpeg", "png")))


def _judge_folder(subject: StudentWork, folder: _Folder) -> None:
    made = _load(subject, folder)
    together = [np.concatenate(parts) for parts in _parts(made.batches)]
    if len(together) != 2:
        raise wrong("no labels")
    images, labels = together
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise wrong("labels one-hot")
    if len(labels) != len(images):
        raise wrong("no labels")
    _judge_pictures(folder, images, labels)
    if not _are_same(made.batches, made.again):
        raise wrong("changed each time")
    given = compare.texts(made.others[0]) if made.others else None
    if given is None or not made.in_order:
        raise wrong("class names: not returned")
    _judge_names(folder, folder.which(images), labels, given)


def _parts(batches: list[tuple[Array, ...]]) -> list[tuple[Array, ...]]:
    """For each part of an element (images, labels) those of all batches."""
    if len({len(batch) for batch in batches}) != 1:
        return []
    # A dataset without batches is judged in the other part.
    rows = [
        tuple(part[None] for part in batch) if batch[-1].ndim == 0 else batch for batch in batches
    ]
    return list(zip(*rows, strict=True))


def _are_same(batches: list[tuple[Array, ...]], others: list[tuple[Array, ...]]) -> bool:
    return len(batches) == len(others) and all(
        np.array_equal(one[0], other[0]) for one, other in zip(batches, others, strict=True)
    )


def _judge_pictures(folder: _Folder, images: Array, labels: Array) -> None:
    if images.ndim != 4:
        raise wrong("no batches")
    if images.max() <= 1.5:
        raise wrong("rescaled")
    which = folder.which(images)
    if np.all(which < 0) or len(which) == 0:
        raise wrong("folder ignored")
    if np.any(which < 0):
        raise wrong("changed otherwise")
    times = np.bincount(which, minlength=len(folder.levels))
    if times.min() == 0:
        raise wrong("images lost")
    if times.max() > 1:
        raise wrong("images repeated")
    classes = folder.labels[which]
    in_order = all(np.all(np.diff(which[classes == value]) > 0) for value in np.unique(classes))
    if not in_order or np.count_nonzero(np.diff(classes)) != len(folder.names) - 1:
        raise wrong("shuffled")
    if len(set(zip(classes.tolist(), labels.tolist(), strict=True))) != len(folder.names):
        raise wrong("labels mixed up")


def _judge_names(folder: _Folder, which: Array, labels: Array, given: list[str]) -> None:
    """Whether each label is the place of the right name."""
    if sorted(given) != folder.names:
        raise wrong("class names: of another folder")
    right = [folder.names[k] for k in folder.labels[which]]
    if [given[k] if 0 <= k < len(given) else "" for k in labels] != right:
        raise wrong("class names: other order")


def _unfit(subject: StudentWork, rng: np.random.Generator) -> None:
    """The two letters."""
    compare.choice(
        subject, "unfit", "bd", "abcde", {"b": "vertical flip kept", "d": "horizontal flip kept"}
    )


# --- 02.5: the pipeline ------------------------------------------------------------------------

#: Enough that chance cannot hide a buffer that is too small; neither fills its last batch.
_TRAIN, _VALIDATION, _EPOCHS, _BATCH = 250, 40, 6, 16


@dataclass(frozen=True)
class _Epoch:
    """What came in one epoch, and in which form.

    Attributes
    ----------
    images, labels : array
        All of the epoch.
    sizes : list of int
        How many images each batch has.
    faults : list of IncorrectAnswer
        What is wrong with the form: the first part tells it, the others go on with what was meant.
    """

    images: Array
    labels: Array
    sizes: list[int]
    faults: list[IncorrectAnswer]


class _Pipeline:
    """What a pipeline made of given pictures."""

    def __init__(self, subject: StudentWork, rng: np.random.Generator) -> None:
        numbers = {"training": _TRAIN, "validation": _VALIDATION}
        self.images = {k: rng.uniform(0, 255, (n, 8, 10, 3)) for k, n in numbers.items()}
        self.images = {k: image.astype("float32") for k, image in self.images.items()}
        self.labels = {k: rng.integers(0, 7, n) for k, n in numbers.items()}
        given = [values[k] for k in numbers for values in (self.images, self.labels)]
        result = compare.result_of(subject, "make_pipeline", *given)
        self.changed = subject.changed()
        refs = compare.listed(result)
        if refs is None or len(refs) != 2:
            raise wrong("other: two datasets")
        self.refs = dict(zip(numbers, refs, strict=True))
        self.subject = subject
        for name, ref in self.refs.items():
            if not isinstance(ref, Ref) or subject.kind(ref) != "dataset":
                raise wrong("other: dataset", name=name)
        first, _ = self.identified(self.epoch("training").images, "validation")
        self.exchanged = bool(np.all(first >= 0))
        if self.exchanged:
            self.refs = dict(zip(numbers, reversed(refs), strict=True))

    def epoch(self, split: str) -> _Epoch:
        """All images and labels of one epoch."""
        # More than there should be, so that repeated images are seen, and not more if without end.
        total = len(self.images[split])
        elements = self.subject.batches(self.refs[split], total // 4)
        if not elements or not all(map(_is_pair, elements)):
            raise wrong("other: elements", split=split)
        faults = []
        if elements[0][0].ndim == 3:
            elements = self.subject.batches(self.refs[split], 2 * total)
            faults.append(wrong("no batches", split=split))
            elements = [(image[None], label[None]) for image, label in elements]
        if any(len(images.shape) != 4 or images.shape[1:] != (8, 10, 3) for images, _ in elements):
            raise wrong("size", split=split)
        images, labels = (np.concatenate(parts) for parts in zip(*elements, strict=True))
        if labels.ndim != 1:
            faults.append(wrong("labels one-hot", split=split))
            labels = labels.argmax(axis=-1) if labels.shape[-1] > 1 else labels.ravel()
        elif labels.dtype.kind not in "iu":
            faults.append(wrong("labels not whole", split=split, dtype=labels.dtype))
        if images.dtype != np.float32:
            faults.append(wrong("dtype", split=split))
        if images.max() <= 1.5:
            faults.append(wrong("rescaled", split=split))
            images = images * np.float32(255)
        return _Epoch(images, labels, [len(batch[0]) for batch in elements], faults)

    def found(self, split: str) -> tuple[Array, Array, _Epoch]:
        """Which picture each image of an epoch is, and which of `_FORMS` it has.

        Pictures that come again, in one epoch, are judged in the first part, and left out here.
        """
        epoch = self.epoch(split)
        which, how = self.identified(epoch.images, split)
        _, first = np.unique(which, return_index=True)
        kept = np.sort(first) if np.all(which >= 0) else np.arange(len(which))
        batch = np.repeat(np.arange(len(epoch.sizes)), epoch.sizes)[kept]
        sizes = np.bincount(batch).tolist()
        return (
            which[kept],
            how[kept],
            _Epoch(epoch.images[kept], epoch.labels[kept], sizes, epoch.faults),
        )

    def others(self, images: Array, split: str) -> Array:
        """Whether each image is one of the other split."""
        other = "validation" if split == "training" else "training"
        return self.identified(images, other)[0] >= 0

    def identified(self, images: Array, split: str) -> tuple[Array, Array]:
        """The number and the form of each image; -1 where it is none of the given ones."""
        known = self.images[split].astype(float)
        forms = np.stack([form(known) for form in _FORMS.values()])
        rows = forms.reshape(len(forms) * len(known), -1)
        seen = images.astype(float).reshape(len(images), -1)
        # The squared distance of each image to each form, up to a constant for each image.
        nearest = ((rows**2).sum(axis=1) - 2 * seen @ rows.T).argmin(axis=1)
        form, number = np.divmod(nearest, len(known))
        apart = np.abs(forms[form, number] - images).max(axis=(1, 2, 3))
        # Other types lose decimals, which the first part tells.
        same = apart <= (0.01 if images.dtype == np.float32 else 1.0)
        return np.where(same, number, -1), np.where(same, form, -1)


def _is_pair(element: tuple[Array, ...]) -> bool:
    """Whether an element holds images and as many labels, or one image and its label."""
    if len(element) != 2:
        return False
    images, labels = element
    return images.ndim <= 3 or (labels.ndim > 0 and len(images) == len(labels))


_FORMS: dict[str, Callable[[Array], Array]] = {
    "same": lambda images: images,
    "mirrored": lambda images: images[:, :, ::-1],
    "upside down": lambda images: images[:, ::-1],
    "turned round": lambda images: images[:, ::-1, ::-1],
}


def _pipeline_form(subject: StudentWork, rng: np.random.Generator) -> None:
    """Batches, types and number of the images and labels; pixels not rescaled."""
    made = _Pipeline(subject, rng)
    if made.changed:
        raise wrong("arguments changed", name="make_pipeline")
    if made.exchanged:
        raise wrong("order of splits")
    for split, total in (("training", _TRAIN), ("validation", _VALIDATION)):
        epoch = made.epoch(split)
        for fault in epoch.faults:
            raise fault
        which, _ = made.identified(epoch.images, split)
        if len(which) and np.all(which < 0) and np.all(made.others(epoch.images, split)):
            raise wrong("wrong images", split=split)
        counts = np.bincount(which[which >= 0], minlength=total)
        if len(which) > total or counts.max() > 1:
            raise wrong("images repeated", split=split)
        if len(which) < total:
            raise wrong("images lost", split=split)
        if max(epoch.sizes) > _BATCH or sum(size < _BATCH for size in epoch.sizes) > 1:
            raise wrong("batch size", split=split)


def _pipeline_validation(subject: StudentWork, rng: np.random.Generator) -> None:
    """The validation images, their order and labels, in two epochs."""
    made = _Pipeline(subject, rng)
    for _ in range(2):
        which, how, epoch = made.found("validation")
        if np.any(how != 0):
            raise wrong("validation augmented")
        if np.any(np.diff(which) < 0):
            raise wrong("validation shuffled")
        if not np.array_equal(epoch.labels, made.labels["validation"][which]):
            raise wrong("labels mixed up: validation")


def _pipeline_training(subject: StudentWork, rng: np.random.Generator) -> None:
    """Order, flips and labels over six epochs of 250 images: see `chance`.

    Whether one could tell the order or the flips of an epoch by those of another, or by the place
    of an image, is asked, too.
    """
    made = _Pipeline(subject, rng)
    epochs = []
    for _ in range(_EPOCHS):
        which, how, epoch = made.found("training")
        _judge_images(made, which, how, epoch.labels)
        epochs.append((which, how == 1, epoch.sizes))
    _judge_order([which for which, _, _ in epochs])
    _judge_flips([flips for _, flips, _ in epochs], [sizes for _, _, sizes in epochs])
    _judge_epochs([which for which, _, _ in epochs], [flips for _, flips, _ in epochs])


def _judge_images(made: _Pipeline, which: Array, how: Array, labels: Array) -> None:
    if np.any(how < 0):
        raise wrong("changed otherwise")
    if np.any(how > 1):
        raise wrong("vertical flip")
    if not np.array_equal(labels, made.labels["training"][which]):
        raise wrong("labels mixed up: training")


def _judge_flips(flips: list[Array], sizes: list[list[int]]) -> None:
    """Judge how many images are flipped: over all, in an epoch, in a batch, at a place in it."""
    together = np.concatenate(flips)
    share, number = float(together.mean()), len(together)
    if share == 0:
        raise wrong("not augmented")
    if share == 1:
        raise wrong("always: all")

    def by_chance(some: Array) -> bool:
        far = chance.spread(len(some) * share * (1 - share))
        return bool(abs(some.sum() - len(some) * share) <= far)

    if not all(map(by_chance, flips)):
        raise wrong("one coin for all: epoch")
    groups = [
        batch
        for epoch, lengths in zip(flips, sizes, strict=True)
        for batch in np.split(epoch, np.cumsum(lengths)[:-1])
        if len(batch) > 1  # otherwise there are no batches, which the first part tells
    ]
    # The mean of these is about 1 for a coin of its own, and the batch's size for one coin.
    variance = share * (1 - share)
    if groups and np.mean([(g.sum() - len(g) * share) ** 2 / len(g) for g in groups]) > (
        2.5 * variance
    ):
        raise wrong("one coin for all: batch")
    if abs(share - 0.5) * number > chance.spread(number / 4):
        raise wrong("seldom flipped" if share < 0.5 else "always: most")
    for place in range(max(map(len, groups), default=0)):
        if not by_chance(np.array([g[place] for g in groups if len(g) > place])):
            raise wrong("one coin for all: place")


def _judge_order(orders: list[Array]) -> None:
    if all(np.all(np.diff(which) > 0) for which in orders):
        raise wrong("not shuffled")
    together = wrong("batches shuffled")
    if any(map(chance.in_runs, orders)):
        raise together
    for one, other in combinations(orders, 2):
        if _same_set(one, other) and chance.follows(one, other):
            raise wrong("same in each epoch: order")
    # With a buffer of B images none comes more than B - 1 places too early.
    early = max(int((which - np.arange(len(which))).max()) for which in orders)
    if early < 0.85 * _TRAIN:
        raise wrong("buffer too small", total=_TRAIN, early=early)
    if any(map(chance.near, orders)):
        raise together


def _judge_epochs(orders: list[Array], flips: list[Array]) -> None:
    """Judge whether the flips of an image are decided again in each epoch."""
    by_image = np.full((len(orders), _TRAIN), -1)
    for row, which, flipped in zip(by_image, orders, flips, strict=True):
        row[which] = flipped
    by_image = by_image[:, (by_image >= 0).all(axis=0)]
    number = by_image.shape[1]
    for one, other in combinations(by_image, 2):
        if abs((one == other).sum() - number / 2) > chance.spread(number / 4):
            raise wrong("same in each epoch: flips")


# --- 02.7: a list of files to keep -------------------------------------------------------------


@dataclass(frozen=True)
class _Files:
    """The files of a folder, and which of them to keep.

    Attributes
    ----------
    content : dict of str to bytes
        The files, by class and name. They are written in this order.
    same : list of list of str
        Files with the same content, sorted by name.
    broken : dict of str to str
        What is wrong with the files that cannot be read.
    """

    content: dict[str, bytes]
    same: list[list[str]]
    broken: dict[str, str]

    def arrays(self) -> dict[str, Array]:
        """The content of the files as arrays."""
        return {name: np.frombuffer(one, np.uint8) for name, one in self.content.items()}

    def wanted(self) -> set[str]:
        """The files to keep."""
        left_out = set(self.broken)
        for names in self.same:
            several = len(set(map(_class_of, names))) > 1
            left_out.update(names if several else names[1:])
        return set(self.content) - left_out


def _class_of(name: str) -> str:
    return name.split("/")[0]


def _picture_file(rng: np.random.Generator, kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (24, 24, 3), np.uint8)).save(stream, kind)
    return stream.getvalue()


#: Beginnings of names, in the order of the alphabet: the first by name is not the shortest.
_WORDS = ("afternoon", "building", "country", "dinner", "earth", "fork", "gap")


def _files(
    rng: np.random.Generator,
    same: Sequence[Sequence[int]] = (),
    broken: bool = False,
    alike: Sequence[int] = (),
) -> _Files:
    """A folder of four classes; `same` has, for each group of copies, the classes of its files.

    Names are drawn at random. Of copies the last by name is written first, so that the order in
    which a disk lists the files does not help. `alike` has the classes of files with the same
    pixels and the same beginning, but other bytes at the end: they are no copies.
    """
    classes = rng.permutation(["birch", "elm", "maple", "oak", "poplar", "willow"])[:4].tolist()
    numbers = iter(rng.permutation(np.arange(100, 1000)).tolist())

    def name(k: int, ending: str = "png") -> str:
        return f"{classes[k]}/{rng.choice(_WORDS)}{next(numbers)}.{ending}"

    content, groups, faults = {}, [], {}
    for members in same:
        names = sorted(name(k) for k in members)
        picture = _picture_file(rng, "png")
        content.update(dict.fromkeys(reversed(names), picture))
        groups.append(names)
    for k in range(4):
        for _ in range(int(rng.integers(2, 5))):
            content[name(k)] = _picture_file(rng, "png")
    picture = _picture_file(rng, "png")
    for number, k in enumerate(alike):
        content[name(k)] = picture + bytes(number)
    if broken:
        for k, part in enumerate((0.5, 0.8)):
            whole = _picture_file(rng, "jpeg")
            content[one := name(k, "jpg")] = whole[: int(part * len(whole))]
            faults[one] = "cut off"
        for k, text in ((1, b""), (2, b""), (3, b"<html>Not found</html>"), (0, b"notes")):
            content[one := name(k, "jpg")] = text
            faults[one] = "no picture"
    return _Files(content, groups, faults)


def _list_of(subject: StudentWork, files: _Files) -> set[str]:
    """The student's list for a folder with these files, as classes and names."""
    folder = subject.put_files(files.arrays())
    label = "a folder of four classes"
    result = compare.result_of(subject, "files_to_keep", folder, label=label)
    entries = compare.texts(result)
    if entries is None:
        several = compare.listed(result) is not None
        got = "a list of other objects" if several else compare.describe(result)
        raise wrong("other: no list of texts", got=got)
    # A whole path, or one with backslashes, names the file as well.
    parts = [entry.replace("\\", "/").split("/")[-2:] for entry in entries]
    names = ["/".join(part) for part in parts]
    for name, count in Counter(names).items():
        if "/" not in name:
            raise wrong("class left out")
        if name not in files.content:
            raise wrong("other: unknown file", name=name)
        if count > 1:
            raise wrong("files twice", name=name)
    return set(names)


def _judge_list(files: _Files, got: set[str]) -> None:
    alone = files.wanted() - {name for names in files.same for name in names}
    if lost := sorted(alone - got):
        raise wrong("files lost", name=lost[0])
    if kept := sorted(got & set(files.broken), key=lambda name: files.broken[name] == "cut off"):
        cut = files.broken[kept[0]] == "cut off"
        raise wrong("broken files kept: header" if cut else "broken files kept", name=kept[0])
    for names in files.same:
        _judge_copies(names, sorted(got.intersection(names)))


def _judge_copies(names: list[str], kept: list[str]) -> None:
    """Judge which of some files with the same content are kept."""
    if len(set(map(_class_of, names))) > 1:
        if kept:
            other = next(name for name in names if _class_of(name) != _class_of(kept[0]))
            raise wrong("contradiction kept", name=kept[0], other=other)
    elif not kept:
        raise wrong("all copies lost", name=names[0], other=names[1])
    elif len(kept) > 1:
        raise wrong("copies kept", name=kept[1], other=kept[0])
    elif kept[0] != names[0]:
        raise wrong("other copy kept", name=names[0], other=kept[0])


def _require_untouched(subject: StudentWork, files: _Files) -> None:
    """Check that a call deletes, renames and changes nothing, whatever it returns."""
    given = files.arrays()
    folder = subject.put_files(given)
    try:
        subject.call("files_to_keep", folder)
    except StudentWorkError:
        return  # the other parts have such files, too
    left = subject.files(folder)
    if gone := sorted(set(given) - set(left)):
        raise wrong("files deleted", name=gone[0])
    if set(left) > set(given) or any(not np.array_equal(left[n], given[n]) for n in given):
        raise wrong("files changed")


def _without_broken(subject: StudentWork, rng: np.random.Generator) -> None:
    """Files that are empty, cut off, or no pictures, among others that can be read.

    That a folder with reasons of all kinds is left as it is is looked at here for all parts.
    """
    files = _files(rng, broken=True)
    _judge_list(files, _list_of(subject, files))
    _require_untouched(subject, _files(rng, same=[(0, 0), (1, 2)], broken=True))


def _without_copies(subject: StudentWork, rng: np.random.Generator) -> None:
    """Two to four files with the same content in one class, the last by name written first."""
    copies = [(0, 0), (1, 1, 1), (1, 1), (2, 2), (3, 3, 3, 3)]
    files = _files(rng, same=copies, alike=(0, 0, 2))
    _judge_list(files, _list_of(subject, files))


def _without_contradictions(subject: StudentWork, rng: np.random.Generator) -> None:
    """The same content in two or three classes, also twice in one of them."""
    files = _files(rng, same=[(0, 1), (2, 1), (0, 2, 3), (3, 3, 0)])
    _judge_list(files, _list_of(subject, files))


EXERCISE = Exercise.of(
    "02_loading_data",
    Question.of("02.1", _to_one_hot, _to_index, _keep_classes),
    Question.of("02.2", _split_whole, _split_shares, _split_seed),
    Question.of("02.3", _patients_apart, _patients_share),
    Question.of("02.4", _xray_shape, _xray_content, _unfit),
    Question.of("02.5", _pipeline_form, _pipeline_validation, _pipeline_training),
    Question.of("02.6"),
    Question.of("02.7", _without_broken, _without_copies, _without_contradictions),
)
