"""Interpret the names of files and folders that people chose themselves.

All functions take names that :func:`course_staff.grading.unpack.clean` made.
"""

from __future__ import annotations

import os
import re
import unicodedata
from functools import cache

from course_utils import checks


def _set(text: str) -> set[str]:
    return set(text.split())


#: Folders that stand above those of the students, and say nothing.
_FRAMES = _set(
    """submitted submissions submission export exports exported download downloads downloaded class
    classes course students work files all group folder moodle canvas blackboard brightspace teams
    gradescope zip inbound collected handins handed in notebooks of student archive"""
)
#: Words for one assignment among several.
_ASSIGNMENTS = _set(
    """assignment assignments exercise exercises homework hw ps problem set week lab project task
    sheet lesson chapter unit module quiz practical tutorial uebung übung übungen aufgabe blatt
    abgabe tp devoir tarea"""
)
#: Words for one of several versions of the same thing.
_VERSIONS = _set(
    """version v ver attempt try versuch draft old new backup copy kopie copie copia final last
    first second third latest resubmission revision rev revised corrected fixed update updated
    previous original save saved"""
)
#: Folders of the course itself, or of a machine.
_COURSE = _set(
    """exercises notebooks solutions work src code course utils data docs images img figures tests
    build home jovyan desktop documents shared course_staff"""
)
#: Words in the name of a notebook that say nobody's name.
_NOBODY = (
    _ASSIGNMENTS
    | _VERSIONS
    | _set(
        """my the a notebook untitled solution solutions answer answers done completed file ipynb
        finished is it cnn and"""
    )
)
#: Files that lie beside submissions and are nobody's.
_SUPPORT = _set(
    """readme license notes index requirements grades marks times rubric feedback syllabus to
    instructions metadata environment information info gradebook worksheet"""
)
#: Folders as Google and Microsoft name them when several files are downloaded together.
_DOWNLOAD = re.compile(r"(?:drive-download|takeout|onedrive)[-_]\d", re.I)
_WORDS = re.compile(r"[^\W\d_]+|\d+")


def words(name: str) -> list[str]:
    """Return the words and numbers of a name, in lower case."""
    return _WORDS.findall(name.casefold())


@cache
def _topics() -> list[tuple[str, list[str]]]:
    return [(exercise.number, words(exercise.name[3:])) for exercise in checks.exercises()]


def _only(name: str, known: set[str]) -> bool:
    found = words(name)
    letters = [word for word in found if not word.isdigit()]
    return bool(letters) and all(word in known for word in letters) and not _has_id(found)


def _has_id(found: list[str]) -> bool:
    """Return whether a number is long enough for a student's id (a year has four digits)."""
    return any(word.isdigit() and len(word) > 4 for word in found)


def is_frame(name: str) -> bool:
    """Return whether it is the name of a folder above those of students, such as ``submitted``."""
    return bool(_DOWNLOAD.match(name)) or (
        _only(name, _FRAMES) and not any(word.isdigit() for word in words(name))
    )


def is_version(name: str) -> bool:
    """Return whether it is the name of one of several versions, such as ``Version 2``."""
    return _only(name, _VERSIONS)


def is_assignment(name: str) -> bool:
    """Return whether it is the name of an assignment, such as ``05_evaluation`` or ``Week 2``."""
    rest, found = without_topic(name)
    return (found and not rest) or (found and _only(rest, _VERSIONS)) or _only(name, _ASSIGNMENTS)


def is_generic(name: str) -> bool:
    """Return whether a folder of this name is nobody's in particular."""
    return is_version(name) or is_assignment(name) or _only(name, _COURSE)


def without_topic(stem: str) -> tuple[str, bool]:
    """Remove the name of an exercise from a name; return the rest, and whether there was one."""
    found = list(_WORDS.finditer(stem.casefold()))
    if len(stem.casefold()) != len(stem):  # places are those of the name in lower case
        stem = stem.casefold()
    plain = [match[0] for match in found]
    for number, topic in _topics():
        for place in range(len(plain) - len(topic) + 1):
            if plain[place : place + len(topic)] != topic:
                continue
            first, last = place, place + len(topic) - 1
            if first and plain[first - 1].lstrip("0") == number.lstrip("0"):
                first -= 1
            sides = (stem[: found[first].start()], stem[found[last].end() :])
            rest = " ".join(side.strip(" _-.,+") for side in sides).strip()
            return rest, True
    return stem, False


def says_nobody(stem: str) -> bool:
    """Return whether the name of a notebook holds nothing that could be a person's name."""
    rest, _ = without_topic(attempt_of(stem)[0])
    found = words(_COPY_OF.sub("", rest))
    return all(word in _NOBODY or word.isdigit() for word in found) and not _has_id(found)


def is_support(stem: str) -> bool:
    """Return whether a file that is no notebook is nobody's work, such as ``readme.txt``."""
    return says_nobody(stem) or _only(stem, _SUPPORT | _NOBODY)


def shared_front(split: list[list[str]]) -> int:
    """Return how many first words several names have in common, less what would empty one."""
    if len(split) < 2:
        return 0
    return min(len(os.path.commonprefix(split)), min(map(len, split)) - 1)


def without_assignment(names: list[str], above: str = "") -> list[str]:
    """Take the assignment off names such as ``assignment-username`` (GitHub Classroom).

    Parameters
    ----------
    names : list of str
        Folders beside each other.
    above : str
        The folder above, such as ``assignment-submissions``.

    Returns
    -------
    list of str
        The names without what they have in common, where that is the name of an assignment.
    """
    split = [name.split("-") for name in names]
    shared = shared_front([name.casefold().split("-") for name in names])
    front = "-".join(split[0][:shared])
    if not any(character.isalpha() for character in front):  # as in dates
        return names
    while shared and above.casefold() != f"{front}-submissions".casefold():
        last = words(split[0][shared - 1])
        if any(word in _ASSIGNMENTS or word.isdigit() or word in _topic_words() for word in last):
            break
        shared -= 1
        front = "-".join(split[0][:shared])
    return ["-".join(tokens[shared:]) for tokens in split]


@cache
def _topic_words() -> set[str]:
    return {topic[-1] for _, topic in _topics()}


def person_in(stem: str) -> tuple[str, int]:
    """Return the person in the name of a loose notebook, and the attempt if a word states it.

    A bare number such as ``(1)`` stays: it may stand for another person.
    """
    base, attempt = attempt_of(stem, bare=False)
    rest, _ = without_topic(base)
    if says_nobody(stem):
        return stem, 0
    rest = _COPY_OF.sub("", rest)
    parts = [part for part in _PARTS.split(rest) if part.strip() and not says_nobody(part)]
    rest = " - ".join(parts) or rest  # as Google's forms name files: "evaluation (1) - Ada L"
    found = list(_WORDS.finditer(rest))
    while len(found) > 1 and found[-1][0].casefold() in _VERSIONS:  # "ada_final"
        rest = rest[: found.pop().start()].rstrip(" _-.,+(")
    return rest or stem, attempt


_COPY_OF = re.compile(
    r"(?:^|(?<= - ))(?:(?:copy of|kopie von|copie de|copia de|cópia de|copia di)(?:\s+|$))+", re.I
)
_PARTS = re.compile(r" -+ ")

_BARE = (re.compile(r"\((\d{1,4})\)$"), re.compile(r"(?<=[^\W_])-(\d{1,2})$"))
_WORDED = (
    re.compile(r"(?<=[ _-])(?:attempt|try|versuch|version|ver|v)[ _-]?(\d{1,4})$", re.I),
    re.compile(r"(?<=[ _-])(?:copy|kopie|copie|copia)[ _-]?(\d{0,4})$", re.I),
)
#: What Dropbox, Nextcloud and Syncthing add to a file that was changed in two places.
_CONFLICT = re.compile(
    r"\s*\([^()]{0,60}(?:conflicted copy|konfliktkopie|in konflikt stehende kopie|"
    r"copie en conf[l]it|copia en conflicto)[^()]{0,60}\)|\.sync-conflict-[\w-]{1,40}",
    re.I,
)


def attempt_of(stem: str, bare: bool = True) -> tuple[str, int]:
    """Take the number of an attempt off the end of a name.

    Parameters
    ----------
    stem : str
        Such as ``evaluation (1)``, ``evaluation-2``, ``evaluation-Copy1``, ``evaluation_v3``.
    bare : bool
        Whether ``(1)`` and ``-2`` count, or only words such as copy and attempt.

    Returns
    -------
    base, attempt : str, int
        The name without it, and the number; 0 where there is none.
    """
    number, stem = 0, _CONFLICT.sub("", stem) or stem
    for _ in range(3):
        for pattern in (*_WORDED, *(_BARE if bare else ())):
            match = pattern.search(stem)
            base = stem[: match.start()].rstrip(" _-") if match else ""
            if match and base:
                stem, number = base, max(number, int(match[1] or 1))
                break
        else:
            break
    return stem, number


def may_be_one(name: str, other: str) -> bool:
    """Return whether one of two names has all words of the other one, in any order."""
    mine, theirs = set(words(name)), set(words(other))
    return bool(mine and theirs) and (mine <= theirs or theirs <= mine)


_TRICKS = "'\"=+-@|%\uff1d\uff0b\uff0d\uff20 \t"


def student_name(name: str) -> str:
    """Return a name as the reports show it: no spreadsheet takes it for a formula; never empty."""
    text = name.strip().lstrip(_TRICKS).strip(" _.,;")
    return text if any(_says_something(character) for character in text) else "unknown"


def _says_something(character: str) -> bool:
    """Return whether a name may consist of it: a letter, a digit or a picture such as an emoji."""
    return character.isalnum() or unicodedata.category(character) == "So"
