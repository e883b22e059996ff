"""Find out whose each file is, from the names of all files together.

The names are a tree of folders and zips. One level of it has an entry for each student: the first
level with names of a platform, or the one below the folders that all share. Rules:

- Entries of the same name are one person only if that is certain, or if they are of different
  exercises; otherwise they stay separate. Both cases are flagged.
- A platform's number is removed from a name only if the name has one number.
- A zip inside a zip or folder belongs to one student, whatever the names inside it.
- What the names do not determine is flagged, in one sentence that begins with :data:`FLAG`.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from course_staff.grading import exports, naming
from course_staff.grading.exports import Label
from course_staff.grading.unpack import METADATA, File, clean

#: The beginning of the flags of this module, which are for the instructor only.
FLAG = "Hand-in:"

_NOBODY = f"{FLAG} no name of a person was found; the name of the file or folder is used."
_APART = (
    f"{FLAG} this name occurs more than once, and it is not certain that it is one person; they "
    f"are kept separate."
)
_JOINED = (
    f"{FLAG} this name was found in several places, with different exercises or the same files; "
    f"taken to be one person."
)
_ALIKE = f"{FLAG} another name differs only in case, blanks or a number such as (1); kept separate."
_UNCLEAR = f"{FLAG} it is unclear whether a folder above it is a person or a group; kept separate."
_WHICH = f"{FLAG} more than one folder above the file may name the person; the lowest was taken."
_FOLDERS = (
    f"{FLAG} several notebooks of one exercise are in different folders; taken to be attempts of "
    f"one person."
)
_EXPORT = f"{FLAG} it is in a zip inside the given zip or folder, which was taken for an export."
_GIVEN = f"{FLAG} it names nobody; the name of the given folder or zip is used."
_ABOVE = f"{FLAG} the name of the file is used; a folder above it may name the person instead."
_OWN_NAMES = (
    f"{FLAG} several notebooks with different names are in one folder; taken to be one person's."
)
_UNLABELED = f"{FLAG} this name was not made by the platform, but is used as the person's name."
_PREFIX = f"{FLAG} several assignments may be mixed here, so the user name may be wrong."


@dataclass(frozen=True)
class Whose:
    """The student of a file, and further facts in its names.

    Attributes
    ----------
    student : str
        The name; "" for files of no particular student.
    file_name : str
        The name of the file, without the platform's prefix and the number of the attempt.
    attempt : int
        The number of the attempt in a name, or 0.
    late : bool
        Whether the platform marked it as late.
    time, time_source : str or None, str
        The time of submission in a name or the platform's table, and which of them.
    flags : tuple of str
        Sentences about what is not certain.
    ignored : bool
        Whether the platform itself wrote the file.
    note : str
        ``"text"`` for a text that was typed on the platform.
    """

    student: str
    file_name: str
    attempt: int = 0
    late: bool = False
    time: str | None = None
    time_source: str = ""
    flags: tuple[str, ...] = ()
    ignored: bool = False
    note: str = ""


@dataclass
class _Box:
    """A folder or a zip, or all that was given."""

    name: str
    inner_zip: bool = False
    boxes: dict[str, _Box] = field(default_factory=dict)
    files: list[tuple[str, int]] = field(default_factory=list)
    metadata: str = ""

    def all_files(self) -> list[int]:
        found, waiting = [], [self]
        while waiting:
            box = waiting.pop()
            found += [index for _, index in box.files]
            waiting += box.boxes.values()
        return found

    @cached_property
    def labels(self) -> dict[str, Label]:
        """What a platform wrote into the names at this level, by the names as they were found."""
        cleaned = {raw: clean(raw) for raw in [*self.boxes, *(raw for raw, _ in self.files)]}
        bare = {
            raw: name[:-4] if raw in self.boxes and self.boxes[raw].inner_zip else name
            for raw, name in cleaned.items()
        }
        handed = exports.read_metadata(self.metadata) if self.metadata else {}
        found = exports.labels(dict.fromkeys(bare.values()), handed)
        return {raw: found[name] for raw, name in bare.items() if name in found}


@dataclass
class _Unit:
    """An entry of the level of the students."""

    name: str
    files: list[int]
    level: int
    raw: str
    label: Label | None = None
    group: str = ""
    attempt: int = 0
    flags: list[str] = field(default_factory=list)
    student: str = ""

    @property
    def identity(self) -> tuple[str, ...]:
        """Equal only for entries that certainly are one person's."""
        if self.label is None:
            return ("", str(self.level), self.raw)
        if self.label.number and self.label.steady:
            return (self.label.platform, self.label.number)
        return (self.label.platform, self.label.number, str(self.level))


def assign(files: Sequence[File], topics: Sequence[str], root: str = "") -> list[Whose]:
    """Return for each file whose it is.

    Parameters
    ----------
    files : sequence of File
        Everything that was found.
    topics : sequence of str
        The exercise of each notebook, or "" if unknown.
    root : str
        The name of the given folder or zip, if it is only one.

    Returns
    -------
    list of Whose
        One for each file, in the same order.
    """
    finder = _Finder(files, topics, root)
    finder.look(finder.tree, [])
    _settle_names(finder.units, files, finder.topics)
    return finder.result()


class _Finder:
    """Finds the level of the students in the tree of names."""

    def __init__(self, files: Sequence[File], topics: Sequence[str], root: str) -> None:
        self.files = files
        self.topics = [
            topic
            or (f"? {naming.attempt_of(_stem(file.parts[-1]))[0]}" if file.is_notebook else "")
            for file, topic in zip(files, topics, strict=True)
        ]
        if not any(self.topics):  # without any notebook, people are found by their other files
            self.topics = ["no notebook"] * len(self.topics)
        self.tree = _tree(files, root)
        self.units: list[_Unit] = []
        self.levels = 0
        self.shapes: dict[int, str] = {}
        self.held: dict[int, set[str]] = {}

    # --- what a level looks like -----------------------------------------------------------------

    def notes(self, box: _Box) -> list[tuple[str, int]]:
        """Return the loose notebooks of a level."""
        return [(raw, index) for raw, index in box.files if self.files[index].is_notebook]

    def holds(self, box: _Box) -> set[str]:
        """Return the exercises of all notebooks in it."""
        if id(box) not in self.held:
            self.held[id(box)] = {self.topics[index] for index in box.all_files()} - {""}
        return self.held[id(box)]

    def shape(self, box: _Box) -> str:
        """Return "export" (of a platform), "group" (of people), "person" or "unclear"."""
        if id(box) not in self.shapes:
            self.shapes[id(box)] = self._shape(box)
        return self.shapes[id(box)]

    def _shape(self, box: _Box) -> str:
        people = {
            (label.who, label.number) for label in box.labels.values() if label.note != "receipt"
        }
        if len(people) > 1 or (people and not box.inner_zip):
            return "export"
        active = [inner for inner in box.boxes.values() if self.holds(inner)]
        only = active[0] if len(active) == 1 and not self.notes(box) else None
        inner = self.shape(only) if only is not None and not only.inner_zip else ""
        if self._is_group(box) or inner in ("export", "group"):
            return "group"
        if self.notes(box) or not box.boxes:
            return "person"
        if any(naming.is_generic(inner.name) for inner in box.boxes.values()):
            return "person"
        return "unclear"

    def _is_group(self, box: _Box) -> bool:
        """Return whether several entries of it hold the same exercise, and no name says why."""
        counts: Counter[str] = Counter()
        beside: Counter[str] = Counter()  # in folders that may be of an assignment or a person
        for inner in box.boxes.values():
            if naming.is_assignment(inner.name) or naming.is_version(inner.name):
                if self.shape(inner) in ("export", "group") or self._holds_only_people(inner):
                    return True
                if not naming.is_version(inner.name):
                    beside.update(self.holds(inner))
            elif not naming.is_generic(inner.name):
                counts.update(self.holds(inner))
        for raw, index in self.notes(box):
            if not naming.says_nobody(_stem(raw)):
                counts[self.topics[index]] += 1
        return any(count + beside[topic] > 1 for topic, count in counts.items())

    def _holds_only_people(self, box: _Box) -> bool:
        return (
            bool(box.boxes)
            and not self.notes(box)
            and not box.inner_zip
            and not any(naming.is_generic(inner.name) for inner in box.boxes.values())
        )

    # --- going down ------------------------------------------------------------------------------

    def look(self, box: _Box, trail: list[str], unclear: bool = False) -> None:
        """Find the students in a box; `trail` names the folders above that may name a person."""
        self.levels += 1
        if box.labels and (not box.inner_zip or self.shape(box) == "export"):
            self._labeled(box, trail, unclear)
            return
        active = {raw: inner for raw, inner in box.boxes.items() if self.holds(inner)}
        passive = {raw: inner for raw, inner in box.boxes.items() if raw not in active}
        named = any(not naming.is_generic(inner.name) for inner in passive.values())
        if not active:
            self._without_notebooks(passive, trail, unclear)
            self._loose(box.files, trail, unclear, beside=named)
        elif self._is_one_person(box, trail) and (trail or len(active) > 1 or self.notes(box)):
            self._person(box, trail, unclear)
        elif len(active) > 1 or self.notes(box):
            self._several(box, active, passive, trail, unclear)
        else:
            ((raw, only),) = active.items()
            if named and self.shape(only) in ("person", "unclear"):
                self._several(box, active, passive, trail, unclear)
            else:
                self._without_notebooks(passive, [], unclear, nobodys=True)
                self._loose(box.files, trail, unclear, beside=True)
                self._only_box(raw, only, trail, unclear)

    def _without_notebooks(
        self, boxes: dict[str, _Box], trail: list[str], unclear: bool, nobodys: bool = False
    ) -> None:
        """Assign folders without a notebook: to a student, beside those of others, or to nobody."""
        level = self.levels
        for raw, inner in boxes.items():
            if self.shape(inner) == "export":
                self.look(inner, [*trail, inner.name], unclear)
                continue
            name = "" if nobodys or naming.is_generic(inner.name) else inner.name
            self._add(name, raw, inner.all_files(), trail, unclear, level=level)

    def _is_one_person(self, box: _Box, trail: list[str]) -> bool:
        """Return whether the folders of a level are of exercises and versions, not of people."""
        _, said = self._name_of(trail)
        stems = [_stem(self.files[k].parts[-1]) for k in box.all_files() if self.topics[k]]
        return (said or all(map(naming.says_nobody, stems))) and (
            all(naming.is_generic(inner.name) for inner in box.boxes.values() if self.holds(inner))
            and all(naming.says_nobody(_stem(raw)) for raw, _ in self.notes(box))
            and not self._is_group(box)
        )

    def _only_box(self, raw: str, only: _Box, trail: list[str], unclear: bool) -> None:
        shape = self.shape(only)
        if only.inner_zip:
            if shape in ("export", "group"):
                self._look_into_zip(only, [], unclear)
            elif naming.says_nobody(only.name):
                self._person(only, trail or [only.name], unclear, raw)
            else:
                above = [folder for folder in trail if not _says_nothing(folder)]
                self._add(only.name, raw, only.all_files(), above, unclear or bool(above))
        elif shape == "person" and not (
            self._own_names(only) > 1 or (naming.is_frame(only.name) and self.notes(only))
        ):
            self._person(only, [*trail, only.name], unclear, raw)
        else:
            self.look(only, [*trail, only.name], unclear)

    def _own_names(self, box: _Box) -> int:
        """Return how many loose notebooks have a name that could be a person's."""
        return sum(not naming.says_nobody(_stem(raw)) for raw, _ in self.notes(box))

    def _look_into_zip(self, box: _Box, trail: list[str], unclear: bool) -> None:
        first = len(self.units)
        self.look(box, trail, unclear)
        for unit in self.units[first:]:
            unit.flags.append(_EXPORT)

    def _person(self, box: _Box, trail: list[str], unclear: bool, raw: str = "") -> None:
        """Assign all of a box to the person that the folders above it name."""
        name, said = self._name_of(trail)
        unit = self._add(name or "unknown", raw or box.name, box.all_files(), trail[:-1], unclear)
        if not said:
            unit.flags.append(_NOBODY)
        elif all(map(_says_nothing, trail)):
            unit.flags.append(_GIVEN)
        elif len([folder for folder in trail if not _says_nothing(folder)]) > 1 and not unclear:
            unit.flags.append(_WHICH)

    def _name_of(self, trail: list[str]) -> tuple[str, bool]:
        named = [folder for folder in trail if not _says_nothing(folder)]
        if named:
            return named[-1], True
        root = self.tree.name
        if root and not _says_nothing(root):
            return root, True
        return (trail[-1] if trail else root), False

    def _several(
        self,
        box: _Box,
        boxes: dict[str, _Box],
        passive: dict[str, _Box],
        trail: list[str],
        unclear: bool,
    ) -> None:
        """Search a level with several folders: each is a person, or a group of people."""
        groups = [
            raw
            for raw, inner in boxes.items()
            if self.shape(inner) in ("export", "group")
            or (naming.is_generic(inner.name) and self._holds_only_people(inner))
        ]
        exports = [raw for raw in groups if self.shape(boxes[raw]) == "export"]
        zips = [raw for raw, inner in boxes.items() if inner.inner_zip]
        only_exports = len(exports) == len(boxes) and not self.notes(box)
        if zips and not only_exports:
            groups = [raw for raw in groups if raw not in zips]
        people = [raw for raw in boxes if raw in zips or self.shape(boxes[raw]) == "person"]
        people = [raw for raw in people if raw not in groups]
        if box.name.casefold() == "submitted":  # nbgrader: submitted/STUDENT/ASSIGNMENT
            groups = []
        level = self.levels
        names = naming.without_assignment([inner.name for inner in boxes.values()], box.name)
        self._without_notebooks(passive, trail, unclear, nobodys=bool(groups))
        all_generic = all(naming.is_generic(inner.name) for inner in boxes.values())
        if all_generic or (groups and not people and 2 * len(groups) >= len(boxes)):
            for raw, inner in boxes.items():
                into = self._look_into_zip if raw in zips else self.look
                into(inner, [*trail, inner.name], unclear)
        else:
            for (raw, inner), name in zip(boxes.items(), names, strict=True):
                if raw in groups:
                    self.look(inner, [*trail, inner.name], True)
                else:
                    unit = self._add(name, raw, inner.all_files(), trail, unclear, level=level)
                    if self._own_names(inner) > 1 and not inner.inner_zip:
                        unit.flags.append(_OWN_NAMES)
        self._loose(box.files, trail, unclear, beside=True, level=level)

    def _loose(
        self,
        files: list[tuple[str, int]],
        trail: list[str],
        unclear: bool,
        beside: bool = False,
        level: int | None = None,
    ) -> None:
        """Assign the files of a level that is no person's: the name of each names its owner.

        Beside folders of people, what is no notebook and no archive is nobody's.
        """
        notes = [(raw, index) for raw, index in files if self.files[index].is_notebook]
        topics = [self.topics[index] for _, index in notes]
        nameless = all(naming.says_nobody(_stem(raw)) for raw, _ in notes)
        name, said = self._name_of(trail)
        differ = bool(notes) and not beside and len(set(topics)) == len(topics)
        unsure = differ and not all(map(_says_nothing, trail))
        if nameless and said and differ:
            mine = [index for _, index in files]
            unit = self._add(name, name, mine, trail[:-1], unclear)
            if all(map(_says_nothing, trail)):
                unit.flags.append(_GIVEN)
            return
        for raw, index in files:
            file = self.files[index]
            archive = "archive" in file.why or raw.lower().endswith(".zip")
            if not raw or (not file.is_notebook and not archive and beside and not notes):
                self._add("", raw, [index], trail, unclear)
                continue
            stem = _stem(raw)
            who, attempt = naming.person_in(stem)
            unit = self._add(who, raw, [index], trail, unclear, level=level)
            unit.attempt = attempt
            if file.is_notebook and naming.says_nobody(stem):
                unit.flags.append(_NOBODY)
            elif unsure:
                unit.flags.append(_ABOVE)
            elif not file.is_notebook and naming.is_support(stem):
                unit.name = ""

    def _labeled(self, box: _Box, trail: list[str], unclear: bool) -> None:
        """Assign the entries of a level whose names a platform made."""
        labels = box.labels
        level = self.levels
        for raw, inner in box.boxes.items():
            if raw not in labels and self.shape(inner) in ("export", "group"):
                self.look(inner, [*trail, inner.name], True)
                continue
            unit = self._add(
                inner.name, raw, inner.all_files(), trail, unclear, labels.get(raw), level
            )
            if raw not in labels:
                unit.flags.append(_UNLABELED)
        others = []
        for raw, index in box.files:
            if raw in labels:
                self._add("", raw, [index], trail, unclear, labels[raw], level)
            else:
                others.append((raw, index))
        first = len(self.units)
        self._loose(others, trail, unclear, beside=True, level=level)
        for unit in self.units[first:]:
            if unit.name:
                unit.flags.append(_UNLABELED)

    def _add(
        self,
        name: str,
        raw: str,
        files: list[int],
        trail: list[str],
        unclear: bool,
        label: Label | None = None,
        level: int | None = None,
    ) -> _Unit:
        group = trail[-1] if trail else ""
        unit = _Unit(name, files, self.levels if level is None else level, raw, label, group)
        if label is not None:
            unit.name = f"{label.who} {label.number}" if label.blind else label.who
            if label.platform == "Blackboard" and "_" in label.who:
                unit.flags.append(_PREFIX)
        if unclear and unit.name:
            unit.flags.append(_UNCLEAR)
            if group and group != unit.name:
                unit.name = f"{group} / {unit.name}"
        unit.attempt = _version(group)
        if unit.name:
            unit.name = naming.student_name(unit.name)
        if self._in_several_folders(files):
            unit.flags.append(_FOLDERS)
        self.units.append(unit)
        return unit

    def _in_several_folders(self, files: list[int]) -> bool:
        """Return whether an exercise is there more than once, in folders that are no versions."""
        folders: dict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
        for index in files:
            file = self.files[index]
            if file.is_notebook and not any(_version(clean(part)) for part in file.parts[:-1]):
                folders[self.topics[index]].setdefault(file.sha256, file.parts[:-1])
        return any(len(set(found.values())) > 1 for found in folders.values())

    # --- the result ------------------------------------------------------------------------------

    def result(self) -> list[Whose]:
        found: dict[int, Whose] = {}
        for unit in self.units:
            for index in unit.files:
                found[index] = self._whose(unit, index)
        return [found[index] for index in range(len(self.files))]

    def _whose(self, unit: _Unit, index: int) -> Whose:
        file, label = self.files[index], unit.label
        name = clean(file.parts[-1])
        if label is not None and file.parts[-1] == unit.raw:
            name = label.rest or name
        stem, attempt = naming.attempt_of(_stem(name))
        versions = [_version(clean(part)) for part in file.parts[:-1]]
        attempt = max([attempt, unit.attempt, *versions])
        ending = PurePosixPath(name).suffix
        time = label.time if label else None
        source = ""
        if label is not None and time:
            source = METADATA if label.platform == "Gradescope" else f"name from {label.platform}"
        elif label is not None and label.platform == "Canvas":
            source = "LATE mark of Canvas" if label.late else "no LATE mark of Canvas"
        return Whose(
            unit.student,
            f"{stem}{ending}" if file.is_notebook else name,
            attempt,
            bool(label and label.late),
            time,
            source,
            tuple(dict.fromkeys(unit.flags)),
            bool(label and label.note == "receipt"),
            label.note if label else "",
        )


def _version(folder: str) -> int:
    """Return the number of the version that a folder's name says, such as ``Version 2``, or 0."""
    if naming.is_version(folder):
        return naming.attempt_of(f"x {folder}")[1]
    return naming.attempt_of(folder, bare=False)[1] if naming.is_assignment(folder) else 0


def _says_nothing(folder: str) -> bool:
    return naming.is_frame(folder) or naming.is_generic(folder)


def _stem(name: str) -> str:
    """Return the cleaned name of a file without its ending, or both as in ``.tar.gz``."""
    path = clean(name)
    base, dot, ending = path.rpartition(".")
    if not (base and dot and re.fullmatch(r"[A-Za-z0-9]{1,6}", ending)) or ending.isdigit():
        return path
    inner, dot, ending = base.rpartition(".")
    return inner if inner and dot and ending.lower() in ("tar", "ipynb") else base


def _tree(files: Sequence[File], root: str) -> _Box:
    tree = _Box(root)
    for index, file in enumerate(files):
        box = tree
        for place, part in enumerate(file.parts[:-1]):
            inner = place == file.outer - 1 < len(file.parts) - 1
            zipped = part.lower().endswith(".zip")
            if part not in box.boxes:
                name = clean(part)
                box.boxes[part] = _Box(name[:-4] if zipped else name, inner)
            box = box.boxes[part]
        if (
            file.parts[-1] == METADATA
            and file.content is not None
            and file.outer == len(file.parts)
        ):
            box.metadata = file.content.decode("utf-8", "replace")
        box.files.append((file.parts[-1], index))
    return tree


# --- who is who ----------------------------------------------------------------------------------


def _settle_names(units: list[_Unit], files: Sequence[File], topics: list[str]) -> None:
    """Name the student of each unit: one name for each person, and never one name for two."""
    by_name: dict[str, dict[tuple[str, ...], list[_Unit]]] = defaultdict(lambda: defaultdict(list))
    for unit in units:
        if unit.name:
            by_name[unit.name][unit.identity].append(unit)
    taken = set(by_name)
    for name, people in by_name.items():
        several = [unit for mine in people.values() for unit in mine]
        if len(people) == 1:
            _call(several, name)
        elif _may_be_one(list(people.values()), files, topics):
            with_work = [mine for mine in people.values() if _work(mine, files)]
            _call(several, name, _JOINED if len(with_work) > 1 else "")
        else:
            groups = {mine[0].group for mine in people.values()}
            by_group = "" not in groups and len(groups) == len(people)
            for mine in people.values():
                _call(mine, _distinct(mine[0], taken, by_group), _APART)
    _flag_alike([unit for unit in units if unit.student])


def _flag_alike(units: list[_Unit]) -> None:
    """Add a flag where names of students differ only in what a reader may overlook."""
    alike: dict[str, set[str]] = defaultdict(set)
    for unit in units:
        alike[_folded(unit.student)].add(unit.student)
    for unit in units:
        if len(alike[_folded(unit.student)]) > 1 and _APART not in unit.flags:
            unit.flags.append(_ALIKE)


def _call(units: list[_Unit], name: str, flag: str = "") -> None:
    for unit in units:
        unit.student = name
        if flag:
            unit.flags.append(flag)


def _work(units: list[_Unit], files: Sequence[File]) -> set[str]:
    return {files[k].sha256 for unit in units for k in unit.files if files[k].is_notebook}


def _may_be_one(people: list[list[_Unit]], files: Sequence[File], topics: list[str]) -> bool:
    """Return whether entries of one name may count as one person, without any conflict."""
    if all(naming.is_version(unit.group) for mine in people for unit in mine):
        return True
    seen: set[tuple[str, str]] = set()
    steady: dict[str, str] = {}
    for mine in people:
        label = mine[0].label
        if label is None or not label.number:
            continue
        scope = (label.platform, str(mine[0].level))
        if scope in seen or (
            label.steady and steady.setdefault(label.platform, label.number) != label.number
        ):
            return False
        seen.add(scope)
    counts: Counter[str] = Counter()
    for mine in people:
        indexes = [k for unit in mine for k in unit.files if files[k].is_notebook]
        counts.update({topics[k] for k in indexes})
    if all(count == 1 for count in counts.values()):
        return not any(topic.startswith("?") for topic in counts) or len(counts) < 2
    whole = [_work(mine, files) for mine in people]
    return all(digests == whole[0] for digests in whole)


def _distinct(unit: _Unit, taken: set[str], by_group: bool) -> str:
    """Return a unique name: with the platform's number, the folder above, or a count."""
    name = unit.name
    label = unit.label
    options = []
    if label is not None and label.number:
        number = label.number
        options.append(f"{name} ({number})" if "@" in number else f"{name} {number}")
    if by_group and " / " not in name:
        options.append(naming.student_name(f"{unit.group} / {name}"))
    numbered = (f"{name} ({count})" for count in itertools.count(1))
    chosen = next(option for option in itertools.chain(options, numbered) if option not in taken)
    taken.add(chosen)
    return chosen


def _folded(name: str) -> str:
    """Return a key that is equal for names that a reader could confuse."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\s_.-]+", " ", re.sub(r" ?\(\d{1,4}\)$", "", text)).strip()
