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
_TWICE = f"{FLAG} the zip holds several files under one path; taken to be attempts of one person."
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
        The time of submission (ISO 8601, local time), and where it comes from: a name or the
        platform's table.
    flags : tuple of str
        Sentences about what is not certain.
    note : str
        ``"text"`` for a text that was typed on the platform, ``"receipt"`` for a file that the
        platform wrote itself.
    """

    student: str
    file_name: str
    attempt: int = 0
    late: bool = False
    time: str | None = None
    time_source: str = ""
    flags: tuple[str, ...] = ()
    note: str = ""


@dataclass
class _Box:
    """A folder or a zip, or all that was given: one level of the tree of names.

    Attributes
    ----------
    name : str
        Its name, for people.
    inner_zip : bool
        Whether it is a zip inside a zip or folder.
    boxes : dict
        The folders and zips in it, by their names as they were found.
    files : list of (str, int)
        The loose files in it: the name as it was found, and the place among all files.
    notes : list of (str, str)
        The loose notebooks in it: the name, and the exercise.
    members, topics : list of int, set of str
        All files in it and below, and the exercises of their notebooks.
    metadata : str
        The text of :data:`~course_staff.grading.unpack.METADATA` in it.
    """

    name: str
    inner_zip: bool = False
    boxes: dict[str, _Box] = field(default_factory=dict)
    files: list[tuple[str, int]] = field(default_factory=list)
    notes: list[tuple[str, str]] = field(default_factory=list)
    members: list[int] = field(default_factory=list)
    topics: set[str] = field(default_factory=set)
    metadata: str = ""

    @cached_property
    def labels(self) -> dict[str, Label]:
        """What a platform wrote into the names at this level, by the names as they were found."""
        bare = {raw: box.name if box.inner_zip else clean(raw) for raw, box in self.boxes.items()}
        bare |= {raw: clean(raw) for raw, _ in self.files if raw not in bare}
        handed = exports.read_metadata(self.metadata) if self.metadata else {}
        found = exports.labels(dict.fromkeys(bare.values()), handed)
        return {raw: found[name] for raw, name in bare.items() if name in found}

    @cached_property
    def shape(self) -> str:
        """Either "export" (of a platform), "group" (of people), "person" or "unclear"."""
        people = {
            (label.who, label.number) for label in self.labels.values() if label.note != "receipt"
        }
        if len(people) > 1 or (people and not self.inner_zip):
            return "export"
        active = [inner for inner in self.boxes.values() if inner.topics]
        only = active[0] if len(active) == 1 and not self.notes else None
        inner = only.shape if only is not None and not only.inner_zip else ""
        if self.is_group or inner in ("export", "group"):
            return "group"
        if self.notes or not self.boxes or any(map(_is_generic, self.boxes.values())):
            return "person"
        return "unclear"

    @cached_property
    def is_group(self) -> bool:
        """Whether several entries of it hold the same exercise, and no name says why."""
        counts: Counter[str] = Counter()
        beside: Counter[str] = Counter()  # in folders that may be of an assignment or a person
        for inner in self.boxes.values():
            if naming.is_assignment(inner.name) or naming.is_version(inner.name):
                if inner.shape in ("export", "group") or inner.holds_only_people:
                    return True
                if not naming.is_version(inner.name):
                    beside.update(inner.topics)
            elif not _is_generic(inner):
                counts.update(inner.topics)
        counts.update(topic for raw, topic in self.notes if not naming.says_nobody(_stem(raw)))
        return any(count + beside[topic] > 1 for topic, count in counts.items())

    @property
    def holds_only_people(self) -> bool:
        """Whether it is a folder of folders with names of people."""
        loose = self.notes or self.inner_zip or not self.boxes
        return not loose and not any(map(_is_generic, self.boxes.values()))

    @property
    def own_names(self) -> int:
        """The number of loose notebooks with a name that could be a person's."""
        return sum(not naming.says_nobody(_stem(raw)) for raw, _ in self.notes)


def _is_generic(box: _Box) -> bool:
    return naming.is_generic(box.name)


@dataclass(frozen=True)
class _Above:
    """The folders above a level.

    Attributes
    ----------
    names : tuple of str
        Their names; one of them may name a person.
    unclear : bool
        Whether one of them may be a person or a group.
    """

    names: tuple[str, ...] = ()
    unclear: bool = False

    def plus(self, box: _Box, unclear: bool = False) -> _Above:
        """Return the same with one folder more."""
        return _Above((*self.names, box.name), self.unclear or unclear)

    @property
    def telling(self) -> tuple[str, ...]:
        """Those that may name a person."""
        return tuple(name for name in self.names if not _says_nothing(name))


@dataclass
class _Unit:
    """An entry of the level of the students.

    Attributes
    ----------
    name, raw : str
        The name of the student, and that of the entry as it was found.
    files : list of int
        Its files.
    work : list of (str, str)
        The exercise and the checksum of each of its notebooks.
    level : int
        The number of the level on which it is.
    label : Label, optional
        What a platform wrote into its name.
    group : str
        The folder above it.
    attempt : int
        The number of the attempt, or 0.
    flags : list of str
        Sentences about what is not certain.
    student : str
        The name that tells the student from all others.
    """

    name: str
    raw: str
    files: list[int]
    work: list[tuple[str, str]]
    level: int
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
    finder.look(finder.tree, _Above())
    _settle_names(finder.units)
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
        self.tree = self._tree(root)
        self.units: list[_Unit] = []
        self.levels = 0

    def _tree(self, root: str) -> _Box:
        tree = _Box(root)
        for index, (file, topic) in enumerate(zip(self.files, self.topics, strict=True)):
            *folders, raw = file.parts
            above = [tree]
            for place, part in enumerate(folders, start=1):
                if part not in above[-1].boxes:
                    name = clean(part)
                    name = name[:-4] if part.lower().endswith(".zip") else name
                    above[-1].boxes[part] = _Box(name, place == file.outer < len(file.parts))
                above.append(above[-1].boxes[part])
            for box in above:
                box.members.append(index)
                box.topics |= {topic} - {""}
            above[-1].files.append((raw, index))
            if file.is_notebook:
                above[-1].notes.append((raw, topic))
            elif raw == METADATA and file.content is not None and file.outer == len(file.parts):
                above[-1].metadata = file.content.decode("utf-8-sig", "replace")
        return tree

    # --- going down ------------------------------------------------------------------------------

    def look(self, box: _Box, above: _Above) -> None:
        """Find the students in a box, below the folders `above`."""
        self.levels += 1
        if box.labels and (not box.inner_zip or box.shape == "export"):
            self._labeled(box, above)
            return
        active = {raw: inner for raw, inner in box.boxes.items() if inner.topics}
        passive = {raw: inner for raw, inner in box.boxes.items() if not inner.topics}
        named = not all(map(_is_generic, passive.values()))
        several = len(active) > 1 or bool(box.notes)
        if not active:
            self._without_notebooks(passive, above)
            self._loose(box.files, above, beside=named)
        elif (above.names or several) and self._is_one_person(box, above):
            self._person(box, above)
        elif several:
            self._several(box, active, passive, above)
        else:
            ((raw, only),) = active.items()
            if named and only.shape in ("person", "unclear"):
                self._several(box, active, passive, above)
            else:
                self._without_notebooks(passive, _Above((), above.unclear), nobodys=True)
                self._loose(box.files, above, beside=True)
                self._only_box(raw, only, above)

    def _without_notebooks(
        self, boxes: dict[str, _Box], above: _Above, nobodys: bool = False
    ) -> None:
        """Assign folders without a notebook: to a student, beside those of others, or to nobody."""
        level = self.levels
        for raw, inner in boxes.items():
            if inner.shape == "export":
                self.look(inner, above.plus(inner))
            else:
                name = "" if nobodys or _is_generic(inner) else inner.name
                self._add(name, raw, inner.members, above, level=level)

    def _is_one_person(self, box: _Box, above: _Above) -> bool:
        """Return whether the folders of a level are of exercises and versions, not of people."""
        _, said = self._name_of(above)
        stems = [_stem(self.files[k].parts[-1]) for k in box.members if self.topics[k]]
        return (
            (said or all(map(naming.says_nobody, stems)))
            and all(_is_generic(inner) for inner in box.boxes.values() if inner.topics)
            and not box.own_names
            and not box.is_group
        )

    def _only_box(self, raw: str, only: _Box, above: _Above) -> None:
        if only.inner_zip and only.shape in ("export", "group"):
            self._look_into_zip(only, _Above((), above.unclear))
        elif only.inner_zip and naming.says_nobody(only.name):
            self._person(only, above if above.names else above.plus(only), raw)
        elif only.inner_zip:
            telling = above.telling
            unclear = above.unclear or bool(telling)
            self._add(only.name, raw, only.members, _Above(telling, unclear))
        elif only.shape == "person" and not (
            only.own_names > 1 or (naming.is_frame(only.name) and only.notes)
        ):
            self._person(only, above.plus(only), raw)
        else:
            self.look(only, above.plus(only))

    def _look_into_zip(self, box: _Box, above: _Above) -> None:
        first = len(self.units)
        self.look(box, above)
        for unit in self.units[first:]:
            unit.flags.append(_EXPORT)

    def _person(self, box: _Box, above: _Above, raw: str = "") -> None:
        """Assign all of a box to the person that the folders above it name."""
        name, said = self._name_of(above)
        higher = _Above(above.names[:-1], above.unclear)
        unit = self._add(name or "unknown", raw or box.name, box.members, higher)
        if not said:
            unit.flags.append(_NOBODY)
        elif not above.telling:
            unit.flags.append(_GIVEN)
        elif len(above.telling) > 1 and not above.unclear:
            unit.flags.append(_WHICH)

    def _name_of(self, above: _Above) -> tuple[str, bool]:
        """Return the lowest name that may be a person's, and whether there is one."""
        root = self.tree.name
        named = above.telling or ((root,) if root and not _says_nothing(root) else ())
        return (named or above.names or (root,))[-1], bool(named)

    def _several(
        self, box: _Box, boxes: dict[str, _Box], passive: dict[str, _Box], above: _Above
    ) -> None:
        """Search a level with several folders: each is a person, or a group of people."""
        zips = {raw for raw, inner in boxes.items() if inner.inner_zip}
        groups = {
            raw
            for raw, inner in boxes.items()
            if inner.shape in ("export", "group")
            or (_is_generic(inner) and inner.holds_only_people)
        }
        only_exports = not box.notes and all(inner.shape == "export" for inner in boxes.values())
        if zips and not only_exports:
            groups -= zips
        people = {raw for raw, inner in boxes.items() if raw in zips or inner.shape == "person"}
        if box.name.casefold() == "submitted":  # nbgrader: submitted/STUDENT/ASSIGNMENT
            groups = set()
        level = self.levels
        names = naming.without_assignment([inner.name for inner in boxes.values()], box.name)
        self._without_notebooks(passive, above, nobodys=bool(groups))
        mostly_groups = groups and not people - groups and 2 * len(groups) >= len(boxes)
        if mostly_groups or all(map(_is_generic, boxes.values())):
            for raw, inner in boxes.items():
                into = self._look_into_zip if raw in zips else self.look
                into(inner, above.plus(inner))
        else:
            for (raw, inner), name in zip(boxes.items(), names, strict=True):
                if raw in groups:
                    self.look(inner, above.plus(inner, unclear=True))
                    continue
                unit = self._add(name, raw, inner.members, above, level=level)
                if inner.own_names > 1 and not inner.inner_zip:
                    unit.flags.append(_OWN_NAMES)
        self._loose(box.files, above, beside=True, level=level)

    def _loose(
        self,
        files: list[tuple[str, int]],
        above: _Above,
        beside: bool = False,
        level: int | None = None,
    ) -> None:
        """Assign the files of a level that is no person's: the name of each names its owner.

        Beside folders of people, what is no notebook and no archive is nobody's.
        """
        notes = [(raw, self.topics[index]) for raw, index in files if self.files[index].is_notebook]
        nameless = all(naming.says_nobody(_stem(raw)) for raw, _ in notes)
        name, said = self._name_of(above)
        differ = bool(notes) and not beside and len({topic for _, topic in notes}) == len(notes)
        if nameless and said and differ:
            higher = _Above(above.names[:-1], above.unclear)
            unit = self._add(name, name, [index for _, index in files], higher)
            if not above.telling:
                unit.flags.append(_GIVEN)
            return
        for raw, index in files:
            file = self.files[index]
            archive = "archive" in file.why or raw.lower().endswith(".zip")
            if not raw or (not file.is_notebook and not archive and beside and not notes):
                self._add("", raw, [index], above)
                continue
            stem = _stem(raw)
            who, attempt = naming.person_in(stem)
            unit = self._add(who, raw, [index], above, level=level)
            unit.attempt = attempt
            if file.is_notebook and naming.says_nobody(stem):
                unit.flags.append(_NOBODY)
            elif differ and above.telling:
                unit.flags.append(_ABOVE)
            elif not file.is_notebook and naming.is_support(stem):
                unit.name = ""

    def _labeled(self, box: _Box, above: _Above) -> None:
        """Assign the entries of a level whose names a platform made."""
        labels = box.labels
        level = self.levels
        for raw, inner in box.boxes.items():
            if raw not in labels and inner.shape in ("export", "group"):
                self.look(inner, above.plus(inner, unclear=True))
                continue
            unit = self._add(inner.name, raw, inner.members, above, labels.get(raw), level)
            if raw not in labels:
                unit.flags.append(_UNLABELED)
        for raw, index in box.files:
            if raw in labels:
                self._add("", raw, [index], above, labels[raw], level)
        first = len(self.units)
        others = [(raw, index) for raw, index in box.files if raw not in labels]
        self._loose(others, above, beside=True, level=level)
        for unit in self.units[first:]:
            if unit.name:
                unit.flags.append(_UNLABELED)

    def _add(
        self,
        name: str,
        raw: str,
        files: list[int],
        above: _Above,
        label: Label | None = None,
        level: int | None = None,
    ) -> _Unit:
        group = above.names[-1] if above.names else ""
        work = [(self.topics[k], self.files[k].sha256) for k in files if self.files[k].is_notebook]
        level = self.levels if level is None else level
        unit = _Unit(name, raw, files, work, level, label, group, _version(group))
        if label is not None:
            unit.name = f"{label.who} {label.number}" if label.blind else label.who
            if label.platform == "Blackboard" and "_" in label.who:
                unit.flags.append(_PREFIX)
        if above.unclear and unit.name:
            unit.flags.append(_UNCLEAR)
            if group and group != unit.name:
                unit.name = f"{group} / {unit.name}"
        if unit.name:
            unit.name = naming.student_name(unit.name)
        if self._in_several_folders(files):
            unit.flags.append(_FOLDERS)
        paths = [self.files[k].parts for k in files if self.files[k].is_notebook]
        if len(set(paths)) < len(paths):
            unit.flags.append(_TWICE)
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
            label.note if label else "",
        )


_FIRST_NUMBER = re.compile(r"[^\W\d_]+[ _-]?(\d{1,4})(?!\d)")


def _version(folder: str) -> int:
    """Return the number of the version that a folder's name says, such as ``Version 2``, or 0."""
    if naming.is_version(folder):
        if first := _FIRST_NUMBER.match(folder):  # behind it, a time may follow
            return int(first[1])
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


# --- who is who ----------------------------------------------------------------------------------


def _settle_names(units: list[_Unit]) -> None:
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
        elif _may_be_one(list(people.values())):
            with_work = [mine for mine in people.values() if _work(mine)]
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


def _work(units: list[_Unit]) -> set[str]:
    """Return the checksums of all notebooks of some entries."""
    return {digest for unit in units for _, digest in unit.work}


def _may_be_one(people: list[list[_Unit]]) -> bool:
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
        counts.update({topic for unit in mine for topic, _ in unit.work})
    if all(count == 1 for count in counts.values()):
        return not any(topic.startswith("?") for topic in counts) or len(counts) < 2
    return all(_work(mine) == _work(people[0]) for mine in people)


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
