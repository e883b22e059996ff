"""The ten checks, one function each."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from course_utils.datasets.bit_depth import Extent
from course_utils.quality._copies import CLOSE_COMPARISONS, joined, near_pairs
from course_utils.quality._pictures import FLAT, Picture
from course_utils.quality._report import QualityReport, Row
from course_utils.validate import counted, some_of

#: A class with fewer images than this is hard to learn from scratch.
MIN_IMAGES = 50
#: The largest class may have this many times the images of the smallest ...
MAX_RATIO = 1.5
#: ... and beyond this ratio a network can be accurate without ever predicting the smallest.
BAD_RATIO = 10.0
#: More classes than this need more data and computing time than a first model should.
MAX_CLASSES = 20

#: Smallest median difference (of 255, root mean square) between two images of a class with enough
#: variation; photographs of flowers or clothes have 60 to 80.
LITTLE_VARIATION = 10.0
#: Share of copies in a class from which on the class is reported.
MANY_COPIES = 0.2
#: An image whose shorter side is below this (pixels) shows few details.
TINY = 32
#: Ratio of the sides from which on an image is badly distorted when it is resized to a square.
ELONGATED = 3.0

_ORDER = {"test": 0, "validation": 1, "train": 2}
_VERDICTS = ("ok", "warning", "problem")
# (id, what is wrong with it), and the id of the other image of a pair
Findings = list[tuple[str, ...]]


@dataclass
class _Answer:
    """Findings of one check; each has a verdict, advice and files."""

    check: str
    verdict: str = "ok"
    found: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    files: Findings = field(default_factory=list)

    def add(self, verdict: str, found: str, advice: str, files: Iterable[tuple] = ()) -> None:
        """Add a finding."""
        self.verdict = max(self.verdict, verdict, key=_VERDICTS.index)
        self.found.append(found)
        self.advice.append(advice)
        self.files.extend(files)

    def row(self, ok: str, advice: str = "") -> Row:
        """Return all findings as a row; `ok` is the text if there are none."""
        return Row(
            self.check,
            self.verdict,
            "; ".join(self.found) or ok,
            "; ".join(dict.fromkeys(self.advice)) or advice,
            tuple(file for file, *_ in self.files),
            tuple(detail for _, detail, *_ in self.files),
            tuple(other[0] if other else "" for _, _, *other in self.files),
        )


@dataclass
class Collection:
    """All images of a dataset, and the copies among them (positions in `pictures`)."""

    pictures: list[Picture]
    classes: list[str]
    splits: list[str]
    loose: list[str] = field(default_factory=list)  # images outside class folders
    skipped: list[str] = field(default_factory=list)  # files of a kind that is not read
    unclear: list[Extent] = field(default_factory=list)  # values without a clear white
    groups: Sequence[str] | None = None  # the group of each image
    exact: list[list[int]] = field(default_factory=list)
    near: list[tuple[int, int, str]] = field(default_factory=list)
    complete: bool = True  # whether the search for near copies was completed
    same: list[list[int]] = field(default_factory=list)  # exact and near copies together

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of readable images of each split and class."""
        found = Counter((picture.split, picture.label) for picture in self.readable())
        return {split: {name: found[split, name] for name in self.classes} for split in self.splits}

    def totals(self) -> dict[str, int]:
        """Return the number of readable images of each class."""
        found = Counter(picture.label for picture in self.readable())
        return {name: found[name] for name in self.classes}

    def readable(self) -> list[Picture]:
        """Return the images that could be decoded."""
        return [picture for picture in self.pictures if picture.error is None]

    def find_copies(self) -> None:
        """Find exact and near copies."""
        by_content: dict[bytes, list[int]] = defaultdict(list)
        for k, picture in enumerate(self.pictures):
            if picture.error is None:
                by_content[picture.digest].append(k)
        self.exact = [group for group in by_content.values() if len(group) > 1]
        firsts = [group[0] for group in by_content.values()]
        pairs, self.complete = near_pairs([self.pictures[k] for k in firsts])
        self.near = [(firsts[i], firsts[j], how) for i, j, how in pairs]
        copies = [(group[0], k) for group in self.exact for k in group[1:]]
        self.same = joined(copies + [(i, j) for i, j, _ in self.near])

    def preference(self, k: int) -> tuple[int, int, int]:
        """Return what copies are sorted by: one of the test split first, then the largest image."""
        picture = self.pictures[k]
        return _ORDER.get(picture.split, 3), -math.prod(picture.size), k

    def id(self, k: int) -> str:
        """Return the id of an image."""
        return self.pictures[k].id


def examine(name: str, data: Collection) -> QualityReport:
    """Run all checks."""
    data.find_copies()
    rows = tuple(check(data) for check in _CHECKS)
    removable = [p.id for p in data.pictures if p.error is not None]
    for group in data.same:
        if len({data.pictures[k].label for k in group}) == 1:
            removable += [data.id(k) for k in sorted(group, key=data.preference)[1:]]
    pairs = [
        (data.id(k), data.id(group[0]), f"same content as {data.id(group[0])}")
        for group in data.exact
        for k in group[1:]
    ]
    pairs += [(data.id(j), data.id(i), how.format(data.id(i))) for i, j, how in data.near]
    return QualityReport(name, rows, data.counts(), tuple(removable), tuple(pairs))


def _images_per_class(data: Collection) -> Row:
    answer, totals = _Answer("images per class"), data.totals()
    few = [f"{name} {count}" for name, count in totals.items() if count < MIN_IMAGES]
    missing = [
        f"{name} in {split}"
        for split, counts in data.counts().items()
        for name, count in counts.items()
        if count == 0 and len(data.splits) > 1 and totals[name]
    ]
    if few:
        these, them = ("this class", "it") if len(few) == 1 else ("these classes", "them")
        answer.add(
            "problem",
            f"fewer than {MIN_IMAGES} images: {some_of(few, 20)}",
            f"collect more images of {these}, or leave {them} out",
        )
    if missing:
        answer.add(
            "problem",
            f"no image of {some_of(missing, 20)}",
            "give each split images of every class",
        )
    if data.loose:
        answer.add(
            "warning",
            f"{counted(len(data.loose), 'image')} in no class folder",
            "move loose images into the folder of their class",
            [(file, "lies outside class folders") for file in data.loose],
        )
    least = min(totals, key=lambda name: totals[name])
    return answer.row(f"every class has at least {MIN_IMAGES} (fewest: {least}, {totals[least]:,})")


def _balance(data: Collection) -> Row:
    answer, totals = _Answer("balance"), data.totals()
    if len(totals) < 2:
        return answer.row("one class only, nothing to compare")
    least = min(totals, key=lambda name: totals[name])
    most = max(totals, key=lambda name: totals[name])
    if 0 < totals[most] == totals[least]:
        return answer.row(f"{totals[least]:,} images of every class")
    ratio = totals[most] / totals[least] if totals[least] else float("inf")
    found = f"largest class {most} ({totals[most]:,}), smallest {least} ({totals[least]:,})"
    if totals[least]:
        found += f": {ratio:.1f} times as many"
    if ratio > MAX_RATIO:
        answer.add(
            "problem" if ratio > BAD_RATIO else "warning",
            found,
            "collect more images of the small classes, use fewer of the large ones "
            "(subset(per_class=...)), or weight the classes while training",
        )
    return answer.row(found)


def _unreadable(data: Collection) -> Row:
    answer = _Answer("unreadable files")
    broken = [(p.id, p.error) for p in data.pictures if p.error is not None]
    mistyped = [(p.id, p.mistyped) for p in data.pictures if p.mistyped]
    if broken:
        answer.add(
            "problem",
            f"{counted(len(broken), 'file')} cannot be read",
            "get broken files again or delete them",
            broken,
        )
    if mistyped:
        answer.add(
            "warning",
            f"{counted(len(mistyped), 'file')} of another type than the name says",
            "rename wrongly named files: some programs go by the name",
            mistyped,
        )
    if data.skipped:
        answer.add(
            "warning",
            f"{counted(len(data.skipped), 'file')} of a kind that is not read, not counted here",
            "save pictures among the skipped files as JPEG or PNG (.jpg, .png)",
            [(name, "is of a kind that is not read") for name in data.skipped],
        )
    return answer.row(f"{counted(len(data.pictures), 'file')} decoded")


def _exact_duplicates(data: Collection) -> Row:
    answer = _Answer("exact duplicates")
    files: Findings = []
    for group in data.exact:
        for k in group:
            other = data.id(group[1] if k == group[0] else group[0])
            files.append((data.id(k), f"same content as {other}", other))
    if files:
        extra = sum(len(group) - 1 for group in data.exact)
        answer.add(
            "problem",
            f"{counted(len(data.exact), 'picture')} stored more than once "
            f"({counted(extra, 'superfluous file')})",
            "keep one file of each: a copy adds nothing new and counts twice",
            files,
        )
    return answer.row("no file is there twice")


def _near_duplicates(data: Collection) -> Row:
    answer = _Answer("near duplicates")
    note = (
        "" if data.complete else f" (search stopped after {CLOSE_COMPARISONS:,} close comparisons)"
    )
    details: dict[int, tuple[str, str]] = {}
    for i, j, how in data.near:
        details.setdefault(i, (how.format(data.id(j)), data.id(j)))
        details.setdefault(j, (how.format(data.id(i)), data.id(i)))
    sets = joined((i, j) for i, j, _ in data.near)
    if sets:
        answer.add(
            "warning",
            f"{counted(len(sets), 'picture')} in more than one version "
            f"({counted(len(details), 'file')}){note}",
            "look at them side by side; keep one of each, or at least all in the same split",
            [(data.id(k), *details[k]) for group in sets for k in group],
        )
    return answer.row(f"no picture is there in two versions{note}")


def _conflicting_labels(data: Collection) -> Row:
    answer = _Answer("conflicting labels")
    files, groups = _divided(data, data.same, lambda p: p.label, "is also filed under")
    if files:
        answer.add(
            "problem",
            f"{counted(groups, 'picture')} filed under two classes ({counted(len(files), 'file')})",
            "at most one of the labels is right: look at the pictures and delete the wrong ones",
            files,
        )
    return answer.row("no picture is filed under two classes")


def _leakage(data: Collection) -> Row:
    answer = _Answer("leakage between splits")
    together = _groups_advice(data)
    if len(data.splits) < 2:
        advice = ["remove duplicates before splitting, or they end up on both sides", together]
        words = "; ".join(filter(None, advice)) if data.same else ""
        return answer.row("there are no splits to compare", words)
    files, number = _divided(data, data.same, lambda p: p.split, "is also in")
    if files:
        advice = [
            "delete the copies in the training split: a network remembers them, and the accuracy "
            "measured on the others is too high",
            together,
        ]
        answer.add(
            "problem",
            f"{counted(number, 'picture')} in more than one split ({counted(len(files), 'file')})",
            "; ".join(filter(None, advice)),
            files,
        )
    members: dict[str, list[int]] = defaultdict(list)
    for k, key in enumerate(data.groups or ()):
        members[key].append(k)
    files, number = _divided(data, members.values(), lambda p: p.split, "has its group in")
    if files:
        answer.add(
            "problem",
            f"{counted(number, 'group')} in more than one split",
            "put all images of a group into one split, or load them with groups=",
            files,
        )
    return answer.row("no picture is in two splits")


def _divided(
    data: Collection,
    groups: Iterable[Sequence[int]],
    value_of: Callable[[Picture], str],
    words: str,
) -> tuple[Findings, int]:
    """Return the readable images of groups with several values, and the number of such groups."""
    files: Findings = []
    count = 0
    for group in groups:
        values = {k: value_of(data.pictures[k]) for k in group if data.pictures[k].error is None}
        if len(set(values.values())) < 2:
            continue
        count += 1
        for k, own in values.items():
            other = next(j for j, value in values.items() if value != own)
            where = f"{values[other]}: {data.id(other)}"
            files.append((data.id(k), f"{words} {where}", data.id(other)))
    return files, count


#: Patterns of what the names of a burst or of one patient's images often have in common: all but
#: the last number, or the folder inside the class folder.
_LIKELY_GROUPS = (r"(.+?)[ _.-]*\(?\d+\)?\.\w+$", r"^([^/]+/[^/]+(?:/[^/]+)*)/[^/]+$")


def _groups_advice(data: Collection) -> str:
    """Return how many near copies groups= keeps in one split, or suggest a value for groups=."""
    if not data.near:
        return ""
    pairs = [(i, j) for i, j, _ in data.near]
    if data.groups is not None:
        kept = sum(data.groups[i] == data.groups[j] for i, j in pairs)
        return (
            f"groups= keeps {kept:,} of {counted(len(pairs), 'near copy', 'near copies')} together"
        )
    for likely in _LIKELY_GROUPS:
        found = [re.search(likely, picture.id) for picture in data.pictures]
        keys = [match[1] if match else f"alone {k}" for k, match in enumerate(found)]
        kept = sum(keys[i] == keys[j] for i, j in pairs)
        largest = max(Counter(keys).values())
        if 2 * kept >= len(pairs) and 10 * largest <= len(keys):
            return (
                f"or keep them in one split: groups=r'{likely}' does so with {kept:,} of "
                f"{counted(len(pairs), 'near copy', 'near copies')}"
            )
    return (
        "or name with groups= what belongs together (a burst, one patient), to keep it in one split"
    )


def _variation(data: Collection) -> Row:
    answer = _Answer("variation")
    copies = Counter(data.pictures[k].label for group in data.same for k in group[1:])
    by_class: dict[str, list[np.ndarray]] = defaultdict(list)
    for picture in data.readable():
        by_class[picture.label].append(picture.colors)
    found, medians = [], {}
    for name, colors in by_class.items():
        if len(colors) < 2:
            continue
        share = copies[name] / len(colors)
        if share >= MANY_COPIES:
            found.append(f"{share:.0%} of the images of {name} are copies")
        medians[name] = _median_difference(colors)
        if medians[name] < LITTLE_VARIATION:
            found.append(
                f"the images of {name} hardly differ (median difference {medians[name]:.0f} of 255)"
            )
    if found:
        advice = "add images taken elsewhere, at other times, of other individuals"
        answer.add("warning", "; ".join(found), advice)
    flat = [picture.id for picture in data.readable() if picture.thumb.std() < FLAT]
    if flat:
        answer.add(
            "warning",
            f"{counted(len(flat), 'image')} of one flat color",
            "look at the flat images: are they pictures of the class at all?",
            [(id_, "shows one flat color") for id_ in flat],
        )
    if not medians:
        return answer.row("too few images to compare")
    least = min(medians, key=lambda name: medians[name])
    return answer.row(
        f"images of a class differ (least: {least}, median difference {medians[least]:.0f} of 255)"
    )


def _median_difference(colors: list[np.ndarray]) -> float:
    """Return the median RMS difference of all pairs of at most 200 images, (8, 8, 3) each."""
    if len(colors) > 200:
        chosen = np.random.default_rng(0).choice(len(colors), 200, replace=False)
        colors = [colors[k] for k in sorted(chosen)]
    flat = np.stack(colors).reshape(len(colors), -1).astype(np.float64)
    squares = (flat**2).sum(axis=1)
    distance = np.maximum(squares[:, None] + squares - 2 * flat @ flat.T, 0) / flat.shape[1]
    return float(np.median(np.sqrt(distance)[np.triu_indices(len(flat), 1)]))


def _number_of_classes(data: Collection) -> Row:
    answer, count = _Answer("number of classes"), len(data.classes)
    found = f"{counted(count, 'class', 'classes')}: {some_of(data.classes, 10)}"
    if count < 2:
        answer.add("problem", found, "a classifier needs at least two classes to choose from")
    if count > MAX_CLASSES:
        advice = (
            f"begin with at most {MAX_CLASSES} (subset(classes=[...])): more classes need more "
            f"images, a larger network and more time"
        )
        answer.add("warning", found, advice)
    return answer.row(found)


def _channels_and_sizes(data: Collection) -> Row:
    answer, readable = _Answer("channels and sizes"), data.readable()
    if not readable:
        return answer.row("no readable image")
    for extent in data.unclear:
        answer.add(
            "problem",
            f"{counted(extent.number, 'image')} with {extent.kind} values from {extent.low:,.9g} "
            f"to {extent.high:,.9g}, of which the white one is not clear",
            f"load them with value_range=(low, high), for example {extent.suggestion()}",
        )
    modes = _check_modes(answer, readable)
    sizes = _check_sizes(answer, readable)
    for clue in _clues(readable):
        advice = "save all classes alike, or the network may learn the format"
        answer.add("warning", clue, advice)
    return answer.row(f"{modes}, {sizes}")


def _check_modes(answer: _Answer, readable: Sequence[Picture]) -> str:
    """Add findings on color modes; return the mode of all images as text."""
    kinds = Counter(_kind_of_mode(p.mode) for p in readable)
    main = max(kinds, key=lambda kind: (kinds[kind], kind == "color"))
    odd = sorted(set(kinds) - {main}, key=lambda kind: (-kinds[kind], kind))
    if odd:
        answer.add(
            "warning",
            f"among {main} images " + ", ".join(f"{kinds[kind]:,} {kind}" for kind in odd),
            "let the loader bring all to one mode (ours does), and look at the odd ones",
            [
                (p.id, f"{kind} ({p.mode})")
                for kind in odd
                for p in readable
                if _kind_of_mode(p.mode) == kind
            ],
        )
    elif main not in ("color", "grayscale"):
        advice = "save them as ordinary 8-bit RGB or grayscale images"
        answer.add("warning", f"all images are {main}", advice)
    if main == "grayscale":
        return "all images are grayscale: load them with color_mode='grayscale'"
    return "all in color"


def _kind_of_mode(mode: str) -> str:
    """Return the kind of a mode of Pillow with its remarks, such as "P with transparency"."""
    if "transparency" in mode or mode.split(",")[0] in ("RGBA", "LA", "PA", "RGBa", "La"):
        return "transparent"
    if "animated" in mode:
        return "animated"
    base = mode.split(" ")[0]
    if base.startswith("I"):
        return "of 16 or 32 bits"
    kinds = {"L": "grayscale", "1": "grayscale", "F": "floating-point"}
    kinds |= dict.fromkeys(("RGB", "P", "YCbCr"), "color")
    return kinds.get(base, base)  # CMYK, LAB, HSV


def _check_sizes(answer: _Answer, readable: Sequence[Picture]) -> str:
    """Add findings on sizes and shapes; return the sizes of all images as text."""
    shorter = np.array([min(p.size) for p in readable])
    tiny = [p for p in readable if min(p.size) < min(TINY, float(np.median(shorter)) / 2)]
    long = [p for p in readable if max(p.size) > ELONGATED * min(p.size)]
    if tiny:
        answer.add(
            "warning",
            counted(len(tiny), "tiny image"),
            "replace tiny images: enlarging brings no detail back",
            [(p.id, f"only {p.size[0]} x {p.size[1]} pixels") for p in tiny],
        )
    if len(long) > len(readable) / 2:
        advice = "choose an image size of the same shape"
        answer.add("warning", "most images are very long or tall", advice)
    elif long:
        answer.add(
            "warning",
            f"{len(long):,} very long or tall",
            "crop long images before they are squeezed into a square",
            [(p.id, f"{p.size[0]} x {p.size[1]} pixels") for p in long],
        )
    if len({p.size for p in readable}) == 1:
        width, height = readable[0].size
        return f"all {width} x {height} pixels"
    least, most = int(shorter.min()), int(shorter.max())
    return f"shorter side {f'{least:,} to {most:,}' if least < most else f'{least:,}'} pixels"


def _clues(readable: Sequence[Picture]) -> list[str]:
    """Return the classes that can be recognized by file type, color mode or size alone."""
    clues = []
    for what, value_of in (
        ("file type", lambda p: p.kind),
        ("color mode", lambda p: _kind_of_mode(p.mode)),
        ("size", lambda p: p.size),
    ):
        counts: dict[str, Counter] = defaultdict(Counter)
        for picture in readable:
            counts[picture.label][value_of(picture)] += 1
        if len(counts) < 2 or min(count.total() for count in counts.values()) < 5:
            continue
        for name, own in counts.items():
            value, number = own.most_common(1)[0]
            others = [c[value] / c.total() for other, c in counts.items() if other != name]
            if number >= 0.9 * own.total() and max(others) <= 0.1:
                clues.append(f"the {what} gives {name} away")
    return clues


_CHECKS = (
    _images_per_class,
    _balance,
    _unreadable,
    _exact_duplicates,
    _near_duplicates,
    _conflicting_labels,
    _leakage,
    _variation,
    _number_of_classes,
    _channels_and_sizes,
)
