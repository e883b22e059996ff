"""The ten checks, one function each."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from course_utils.datasets.bit_depth import Extent
from course_utils.quality._copies import CLOSE_LOOKS, Groups, near_pairs
from course_utils.quality._pictures import FLAT, Picture
from course_utils.quality._report import QualityReport, Row, number
from course_utils.validate import some_of

#: A class with fewer images than this is hard to learn from scratch.
MIN_IMAGES = 50
#: The largest class may have this many times the images of the smallest ...
MAX_RATIO = 1.5
#: ... and beyond this a network can do well by never naming the smallest.
BAD_RATIO = 10.0
#: More classes than this ask for more data and computing than a first model should.
MAX_CLASSES = 20

#: Median difference (of 255, root mean square) between two images of a class below which the
#: class hardly varies; photographs of flowers or clothes have 60 to 80.
LITTLE_VARIATION = 10.0
#: Share of copies in a class from which on it varies less than its number of files says.
MANY_COPIES = 0.2
#: An image with a shorter side below this (pixels) shows little.
TINY = 32
#: An image that is this many times longer than wide loses much when it is made square.
ELONGATED = 3.0

_ORDER = {"test": 0, "validation": 1, "train": 2}
# (file, what is the matter with it), and the other file where there is one
Findings = list[tuple[str, ...]]


def _row(
    check: str,
    verdict: str,
    found: str,
    advice: str = "",
    files: Sequence[tuple[str, ...]] = (),
) -> Row:
    return Row(
        check,
        verdict,
        found,
        advice,
        tuple(file for file, *_ in files),
        tuple(detail for _, detail, *_ in files),
        tuple(rest[0] if rest else "" for _, _, *rest in files),
    )


@dataclass
class Collection:
    """All pictures of a dataset and what was found out about them."""

    pictures: list[Picture]
    classes: list[str]
    splits: list[str]
    loose: list[str] = field(default_factory=list)  # images outside class folders
    exact: list[list[int]] = field(default_factory=list)
    near: list[tuple[int, int, str]] = field(default_factory=list)
    complete: bool = True
    same: list[list[int]] = field(default_factory=list)  # exact and near copies together
    skipped: list[str] = field(default_factory=list)  # files of a kind that is not read
    unclear: list[Extent] = field(default_factory=list)  # values of which the white one is unknown
    groups: Sequence[str] | None = None  # what each picture belongs to

    def counts(self) -> dict[str, dict[str, int]]:
        table = {split: dict.fromkeys(self.classes, 0) for split in self.splits}
        for picture in self.readable():
            table[picture.split][picture.label] += 1
        return table

    def totals(self) -> dict[str, int]:
        total = Counter(picture.label for picture in self.readable())
        return {name: total[name] for name in self.classes}

    def readable(self) -> list[Picture]:
        return [picture for picture in self.pictures if picture.error is None]

    def find_copies(self) -> None:
        by_content: dict[bytes, list[int]] = defaultdict(list)
        for k, picture in enumerate(self.pictures):
            if picture.error is None:
                by_content[picture.digest].append(k)
        self.exact = [group for group in by_content.values() if len(group) > 1]
        firsts = [group[0] for group in by_content.values()]
        pairs, self.complete = near_pairs([self.pictures[k] for k in firsts])
        self.near = [(firsts[i], firsts[j], how) for i, j, how in pairs]
        groups = Groups(len(self.pictures))
        for group in self.exact:
            for k in group[1:]:
                groups.join(group[0], k)
        for i, j, _ in self.near:
            groups.join(i, j)
        self.same = groups.sets()

    def id(self, k: int) -> str:
        return self.pictures[k].id


def _images_per_class(data: Collection) -> Row:
    check, totals = "images per class", data.totals()
    few = [f"{name} {count}" for name, count in totals.items() if count < MIN_IMAGES]
    missing = [
        f"{name} in {split}"
        for split, counts in data.counts().items()
        for name, count in counts.items()
        if count == 0 and len(data.splits) > 1 and totals[name]
    ]
    found, advice = [], []
    if few:
        found.append(f"fewer than {MIN_IMAGES} images: {some_of(few, 20)}")
        advice.append(
            f"collect more images of {'this class' if len(few) == 1 else 'these classes'}, "
            f"or leave {'it' if len(few) == 1 else 'them'} out"
        )
    if missing:
        found.append(f"no image of {some_of(missing, 20)}")
        advice.append("give each split images of every class")
    verdict = "problem" if found else "warning"
    loose = [(file, "lies outside class folders") for file in data.loose]
    if loose:
        found.append(f"{number(len(loose), 'image')} in no class folder")
        advice.append("move loose images into the folder of their class")
    if found:
        return _row(check, verdict, "; ".join(found), "; ".join(advice), loose)
    least = min(totals, key=lambda name: totals[name])
    return _row(
        check, "ok", f"every class has at least {MIN_IMAGES} (fewest: {least}, {totals[least]:,})"
    )


def _balance(data: Collection) -> Row:
    check, totals = "balance", data.totals()
    if len(totals) < 2:
        return _row(check, "ok", "one class only, nothing to compare")
    least = min(totals, key=lambda name: totals[name])
    most = max(totals, key=lambda name: totals[name])
    found = f"largest class {most} ({totals[most]:,}), smallest {least} ({totals[least]:,})"
    advice = (
        "collect more images of the small classes, use fewer of the large ones "
        "(subset(per_class=...)), or weight the classes while training"
    )
    if totals[least] == 0:
        return _row(check, "problem", found, advice)
    if totals[most] == totals[least]:
        return _row(check, "ok", f"{totals[least]:,} images of every class")
    ratio = totals[most] / totals[least]
    found += f": {ratio:.1f} times as many"
    if ratio <= MAX_RATIO:
        return _row(check, "ok", found)
    return _row(check, "warning" if ratio <= BAD_RATIO else "problem", found, advice)


def _unreadable(data: Collection) -> Row:
    check = "unreadable files"
    broken: Findings = [(p.id, p.error) for p in data.pictures if p.error is not None]
    mistyped: Findings = [(p.id, p.mistyped) for p in data.pictures if p.mistyped]
    skipped: Findings = [(name, "is of a kind that is not read") for name in data.skipped]
    if not broken and not mistyped and not skipped:
        return _row(check, "ok", f"{number(len(data.pictures), 'file')} decoded")
    found, advice = [], []
    if broken:
        found.append(f"{number(len(broken), 'file')} cannot be read")
        advice.append("get broken files again or delete them")
    if mistyped:
        found.append(f"{number(len(mistyped), 'file')} of another type than the name says")
        advice.append("rename wrongly named files: some programs go by the name")
    if skipped:
        found.append(f"{number(len(skipped), 'file')} of a kind that is not read, not counted here")
        advice.append("save pictures among the skipped files as JPEG or PNG (.jpg, .png)")
    verdict = "problem" if broken else "warning"
    return _row(check, verdict, "; ".join(found), "; ".join(advice), broken + mistyped + skipped)


def _exact_duplicates(data: Collection) -> Row:
    check = "exact duplicates"
    if not data.exact:
        return _row(check, "ok", "no file is there twice")
    files: Findings = []
    for group in data.exact:
        for k in group:
            other = data.id(group[1] if k == group[0] else group[0])
            files.append((data.id(k), f"same content as {other}", other))
    extra = sum(len(group) - 1 for group in data.exact)
    return _row(
        check,
        "problem",
        f"{number(len(data.exact), 'picture')} stored more than once "
        f"({number(extra, 'superfluous file')})",
        "keep one file of each: a copy adds nothing new and counts twice",
        files,
    )


def _near_duplicates(data: Collection) -> Row:
    check = "near duplicates"
    note = "" if data.complete else f" (search stopped after {CLOSE_LOOKS:,} close comparisons)"
    if not data.near:
        return _row(check, "ok", f"no picture is there in two versions{note}")
    details: dict[int, tuple[str, str]] = {}
    for i, j, how in data.near:
        details.setdefault(i, (how.format(data.id(j)), data.id(j)))
        details.setdefault(j, (how.format(data.id(i)), data.id(i)))
    groups = Groups(len(data.pictures))
    for i, j, _ in data.near:
        groups.join(i, j)
    sets = groups.sets()
    return _row(
        check,
        "warning",
        f"{number(len(sets), 'picture')} in more than one version "
        f"({number(sum(map(len, sets)), 'file')}){note}",
        "look at them side by side; keep one of each, or at least all in the same split",
        [(data.id(k), *details[k]) for group in sets for k in group],
    )


def _conflicting_labels(data: Collection) -> Row:
    check = "conflicting labels"
    files: Findings = []
    groups = 0
    for group in data.same:
        labels = {data.pictures[k].label for k in group}
        if len(labels) < 2:
            continue
        groups += 1
        for k in group:
            own = data.pictures[k].label
            other = next(j for j in group if data.pictures[j].label != own)
            where = f"{data.pictures[other].label}: {data.id(other)}"
            files.append((data.id(k), f"is also filed under {where}", data.id(other)))
    if not files:
        return _row(check, "ok", "no picture is filed under two classes")
    return _row(
        check,
        "problem",
        f"{number(groups, 'picture')} filed under two classes ({number(len(files), 'file')})",
        "at most one of the labels is right: look at the pictures and delete the wrong ones",
        files,
    )


def _leakage(data: Collection) -> Row:
    check = "leakage between splits"
    together = _what_keeps_together(data)
    if len(data.splits) < 2:
        advice = "remove duplicates before splitting, or they end up on both sides"
        words = f"{advice}; {together}" if together else advice
        return _row(check, "ok", "there are no splits to compare", words if data.same else "")
    files, groups = _across_splits(data, data.same, "is also in")
    found, advices = [], []
    if files:
        found.append(f"{number(groups, 'picture')} in more than one split "
                     f"({number(len(files), 'file')})")  # fmt: skip
        advices.append(
            "delete the copies in the training split: a network remembers them, and the accuracy "
            "measured on the others is too high"
        )
        if together:
            advices.append(together)
    torn, number_torn = _across_splits(data, _members(data.groups or ()), "has its group in")
    if torn:
        found.append(f"{number(number_torn, 'group')} in more than one split")
        advices.append("put all images of a group into one split, or load them with groups=")
    if not found:
        return _row(check, "ok", "no picture is in two splits")
    return _row(check, "problem", "; ".join(found), "; ".join(advices), files + torn)


def _across_splits(
    data: Collection, groups: Sequence[Sequence[int]], words: str
) -> tuple[Findings, int]:
    """Return the pictures of the groups that are in several splits, and how many groups these are.

    A picture that cannot be read is in no split.
    """
    files: Findings = []
    count = 0
    for group in groups:
        group = [k for k in group if data.pictures[k].error is None]
        if len({data.pictures[k].split for k in group}) < 2:
            continue
        count += 1
        for k in group:
            own = data.pictures[k].split
            other = next(j for j in group if data.pictures[j].split != own)
            where = f"{data.pictures[other].split}: {data.id(other)}"
            files.append((data.id(k), f"{words} {where}", data.id(other)))
    return files, count


def _members(keys: Sequence[str]) -> list[list[int]]:
    """Return the positions of each key, in order."""
    members: dict[str, list[int]] = defaultdict(list)
    for k, key in enumerate(keys):
        members[key].append(k)
    return list(members.values())


#: What the names of a burst or of one patient's pictures often have in common: all but the last
#: number, or the folder inside the class folder.
_LIKELY_GROUPS = (r"(.+?)[ _.-]*\(?\d+\)?\.\w+$", r"^([^/]+/[^/]+(?:/[^/]+)*)/[^/]+$")


def _what_keeps_together(data: Collection) -> str:
    """Say which near copies groups= keeps in one split, and which groups= would."""
    if not data.near:
        return ""
    pairs = [(i, j) for i, j, _ in data.near]
    if data.groups is not None:
        kept = sum(data.groups[i] == data.groups[j] for i, j in pairs)
        return (
            f"groups= keeps {kept:,} of {number(len(pairs), 'near copy', 'near copies')} together"
        )
    for likely in _LIKELY_GROUPS:
        found = [re.search(likely, picture.id) for picture in data.pictures]
        keys = [one[1] if one else f"alone {k}" for k, one in enumerate(found)]
        kept = sum(keys[i] == keys[j] for i, j in pairs)
        largest = max(Counter(keys).values())
        if 2 * kept >= len(pairs) and 10 * largest <= len(keys):
            return (
                f"or keep them in one split: groups=r'{likely}' does so with {kept:,} of "
                f"{number(len(pairs), 'near copy', 'near copies')}"
            )
    return (
        "or name with groups= what belongs together (a burst, one patient), to keep it in one split"
    )


def _variation(data: Collection) -> Row:
    check = "variation"
    by_class: dict[str, list[int]] = defaultdict(list)
    for k, picture in enumerate(data.pictures):
        if picture.error is None:
            by_class[picture.label].append(k)
    copies = Counter(data.pictures[k].label for group in data.same for k in group[1:])
    found, advice, medians = [], [], {}
    for name, members in by_class.items():
        if len(members) < 2:
            continue
        share = copies[name] / len(members)
        if share >= MANY_COPIES:
            found.append(f"{share:.0%} of the images of {name} are copies")
        medians[name] = _median_difference([data.pictures[k].colours for k in members])
        if medians[name] < LITTLE_VARIATION:
            found.append(
                f"the images of {name} hardly differ (median difference {medians[name]:.0f} of 255)"
            )
    if found:
        advice.append("add images taken elsewhere, at other times, of other individuals")
    flat = [
        (p.id, "shows one flat colour") for p in data.readable() if p.thumb.std() < FLAT
    ]  # fmt: skip
    if flat:
        found.append(f"{number(len(flat), 'image')} of one flat colour")
        advice.append("look at the flat images: are they pictures of the class at all?")
    if found:
        return _row(check, "warning", "; ".join(found), "; ".join(advice), flat)
    if not medians:
        return _row(check, "ok", "too few images to compare")
    least = min(medians, key=lambda name: medians[name])
    return _row(
        check,
        "ok",
        f"images of a class differ (least: {least}, median difference {medians[least]:.0f} of 255)",
    )


def _median_difference(colours: list[np.ndarray]) -> float:
    """Median root-mean-square difference of all pairs of at most 200 images, (8, 8, 3) each."""
    if len(colours) > 200:
        chosen = np.random.default_rng(0).choice(len(colours), 200, replace=False)
        colours = [colours[k] for k in sorted(chosen)]
    flat = np.stack(colours).reshape(len(colours), -1).astype(np.float64)
    squares = (flat**2).sum(axis=1)
    distance = np.maximum(squares[:, None] + squares - 2 * flat @ flat.T, 0) / flat.shape[1]
    return float(np.median(np.sqrt(distance)[np.triu_indices(len(flat), 1)]))


def _number_of_classes(data: Collection) -> Row:
    check, count = "number of classes", len(data.classes)
    if count < 2:
        return _row(
            check, "problem", f"1 class: {data.classes[0]}",
            "a classifier needs at least two classes to choose from",
        )  # fmt: skip
    found = f"{count:,} classes: {some_of(data.classes, 10)}"
    if count > MAX_CLASSES:
        return _row(
            check, "warning", found,
            f"begin with at most {MAX_CLASSES} (subset(classes=[...])): more classes need more "
            "images, a larger network and more time",
        )  # fmt: skip
    return _row(check, "ok", found)


def _kind_of_mode(mode: str) -> str:
    if "transparency" in mode or mode.split(",")[0] in ("RGBA", "LA", "PA", "RGBa", "La"):
        return "transparent"
    if "animated" in mode:
        return "animated"
    base = mode.split(" ")[0]
    if base in ("L", "1"):
        return "grayscale"
    if base in ("RGB", "P", "YCbCr"):
        return "colour"
    if base.startswith("I"):
        return "of 16 or 32 bits"
    if base == "F":
        return "floating-point"
    return base  # CMYK, LAB, HSV


def _channels_and_sizes(data: Collection) -> Row:
    check, readable = "channels and sizes", data.readable()
    if not readable:
        return _row(check, "ok", "no readable image")
    files: Findings = []
    found, advice = [], []
    for extent in data.unclear:
        found.append(f"{number(extent.number, 'image')} with {extent.kind} values from "
                     f"{extent.low:,.9g} to {extent.high:,.9g}, of which the white one is not "
                     f"clear")  # fmt: skip
        advice.append(f"load them with value_range=(low, high), for example {extent.suggestion()}")

    kinds = Counter(_kind_of_mode(p.mode) for p in readable)
    main = max(kinds, key=lambda kind: (kinds[kind], kind == "colour"))
    odd = sorted(set(kinds) - {main}, key=lambda kind: (-kinds[kind], kind))
    if odd:
        found.append(f"among {main} images " + ", ".join(f"{kinds[k]:,} {k}" for k in odd))
    for kind in odd:
        of_kind = [p for p in readable if _kind_of_mode(p.mode) == kind]
        files += [(p.id, f"{kind} ({p.mode})") for p in of_kind]
    if odd:
        advice.append("let the loader bring all to one mode (ours does), and look at the odd ones")
    elif main == "grayscale":
        found_main = "all images are grayscale: load them with color_mode='grayscale'"
    elif main != "colour":
        found.append(f"all images are {main}")
        advice.append("save them as ordinary 8-bit RGB or grayscale images")

    shorter = np.array([min(p.size) for p in readable])
    middle = float(np.median(shorter))
    tiny = [p for p in readable if min(p.size) < min(TINY, middle / 2)]
    long = [p for p in readable if max(p.size) > ELONGATED * min(p.size)]
    if tiny:
        found.append(f"{number(len(tiny), 'tiny image')}")
        files += [(p.id, f"only {p.size[0]} x {p.size[1]} pixels") for p in tiny]
        advice.append("replace tiny images: enlarging brings no detail back")
    if long and len(long) <= len(readable) / 2:
        found.append(f"{len(long):,} very long or tall")
        files += [(p.id, f"{p.size[0]} x {p.size[1]} pixels") for p in long]
        advice.append("crop long images before they are squeezed into a square")
    elif long:
        found.append("most images are very long or tall")
        advice.append("choose an image size of the same shape")
    for clue in _clues(data):
        found.append(clue)
        advice.append("save all classes alike, or the network may learn the format")
    if found:
        verdict = "problem" if data.unclear else "warning"
        return _row(check, verdict, "; ".join(found), "; ".join(dict.fromkeys(advice)), files)
    sizes = {p.size for p in readable}
    if len(sizes) == 1:
        width, height = sizes.pop()
        words = f"all {width} x {height} pixels"
    else:
        least, most = int(shorter.min()), int(shorter.max())
        words = f"shorter side {f'{least:,} to {most:,}' if least < most else f'{least:,}'} pixels"
    return _row(check, "ok", f"{found_main if main == 'grayscale' else 'all in colour'}, {words}")


def _clues(data: Collection) -> list[str]:
    """Say which class can be told by file type, colour mode or size, whatever the picture shows."""
    clues = []
    for what, of in (
        ("file type", lambda p: p.kind),
        ("colour mode", lambda p: _kind_of_mode(p.mode)),
        ("size", lambda p: p.size),
    ):
        counts: dict[str, Counter] = defaultdict(Counter)
        for picture in data.readable():
            counts[picture.label][of(picture)] += 1
        if len(counts) < 2 or min(c.total() for c in counts.values()) < 5:
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


def examine(name: str, data: Collection) -> QualityReport:
    data.find_copies()
    rows = tuple(check(data) for check in _CHECKS)
    removable = [p.id for p in data.pictures if p.error is not None]
    for group in data.same:
        if len({data.pictures[k].label for k in group}) == 1:
            group = sorted(group, key=lambda k: (_ORDER.get(data.pictures[k].split, 3), k))
            removable += [data.id(k) for k in group[1:]]
    pairs = [
        (data.id(k), data.id(group[0]), f"same content as {data.id(group[0])}")
        for group in data.exact
        for k in group[1:]
    ]
    pairs += [(data.id(j), data.id(i), how.format(data.id(i))) for i, j, how in data.near]
    return QualityReport(name, rows, data.counts(), tuple(removable), tuple(pairs))
