"""Find the notebooks in what was handed in, and say whose they are and of which exercise.

A submission may be a notebook, a folder, or a zip as learning platforms export them. What could do
harm or is no notebook is refused in one sentence; the others are graded all the same.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePosixPath

from course_utils.exceptions import InvalidInput, MissingData

#: Bytes of the largest notebook, of the largest zip inside a zip, and of all together.
LARGEST_NOTEBOOK = 20 * 2**20
LARGEST_INNER_ZIP = 200 * 2**20
LARGEST_TOTAL = 2 * 2**30
#: The most files in one zip, and how many times larger than packed a notebook may be.
MOST_FILES = 20_000
MOST_RATIO = 200

# "Ada Lovelace_12345_assignsubmission_file_topic.ipynb", or a folder "..._assignsubmission_file_"
_MOODLE = re.compile(
    r"^(?P<who>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext)_?(?P<rest>.*)$"
)
# "lovelaceada_LATE_123_456_topic.ipynb"
_CANVAS = re.compile(r"^(?P<who>[^\W_]+)_(?P<late>LATE_)?\d{2,}_\d{2,}_(?P<rest>.+)$")
_COPY = re.compile(r"(?:[ _-]*\((\d+)\)|-(\d{1,2})|[ _-]+(?:attempt|copy|kopie)[ _-]*(\d*))$", re.I)


@dataclass(frozen=True)
class Submission:
    """One notebook that somebody handed in.

    Attributes
    ----------
    student : str
        Whose it is, as far as the names of file and folders say.
    name : str
        Where it was found, for people: a path, or a path in a zip.
    file_name : str
        The name of the notebook alone, without what the platform put in front.
    content : bytes
        The file.
    time : str or None
        When it was handed in or last changed, as far as it is known: ISO 8601, local time.
    attempt : int
        The number that the platform or the browser put behind the name, else 0.
    late : bool
        Whether the platform marked it as late.
    """

    student: str
    name: str
    file_name: str
    content: bytes
    time: str | None = None
    attempt: int = 0
    late: bool = False

    @property
    def sha256(self) -> str:
        """Checksum of the file."""
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True)
class Refused:
    """Something that was handed in and is not graded, and why, in one sentence."""

    name: str
    sentence: str


@dataclass
class Intake:
    """What was found: the submissions, and what was refused."""

    submissions: list[Submission] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


def collect(paths: Iterable[Path]) -> Intake:
    """Read everything that was handed in.

    Parameters
    ----------
    paths : iterable of Path
        Notebooks, folders and zips.

    Raises
    ------
    MissingData
        If a path does not exist.
    InvalidInput
        If there is nothing in all of them that could be graded or refused.
    """
    found = Intake()
    budget = [LARGEST_TOTAL]
    paths = list(paths)
    for path in paths:
        if not os.path.lexists(path):
            raise MissingData(f"There is no {path}; name a notebook, a folder or a zip.")
        if path.is_dir() and not path.is_symlink():
            for file in _files(path, found):
                _take_file(file, file.relative_to(path).parts, found, budget)
        else:
            _take_file(path, (path.name,), found, budget)
    if not found.submissions and not found.refused:
        names = ", ".join(str(path) for path in paths)
        raise InvalidInput(f"There is no notebook in {names}; notebooks end with .ipynb.")
    found.submissions = _told_apart(found.submissions)
    return found


def _files(folder: Path, found: Intake) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        for name in list(folders):
            if _is_hidden(name):
                folders.remove(name)
            elif Path(place, name).is_symlink():
                found.refused.append(Refused(str(Path(place, name)), _LINK))
                folders.remove(name)
        folders.sort()
        for name in sorted(files):
            if not _is_hidden(name) and name.lower().endswith((".ipynb", ".zip")):
                yield Path(place, name)


_LINK = "It is a symbolic link, which could lead anywhere; hand in the file itself."


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "__MACOSX", "~$"))


def _take_file(path: Path, parts: tuple[str, ...], found: Intake, budget: list[int]) -> None:
    name = str(path)
    if path.is_symlink():
        found.refused.append(Refused(name, _LINK))
        return
    if not stat.S_ISREG(path.stat().st_mode):
        found.refused.append(Refused(name, "It is no ordinary file."))
        return
    if path.suffix.lower() == ".zip":
        with path.open("rb") as stream:
            _take_zip(stream, name, parts[:-1], found, budget, depth=0)
        return
    if path.suffix.lower() != ".ipynb":
        found.refused.append(Refused(name, "It is neither a notebook (.ipynb) nor a zip."))
        return
    with path.open("rb") as stream:
        content = stream.read(LARGEST_NOTEBOOK + 1)
    when = datetime.fromtimestamp(path.stat().st_mtime).isoformat(timespec="seconds")
    _take(content, name, parts, when, found, budget)


def _take_zip(
    stream: io.BufferedIOBase | io.BytesIO | io.BufferedReader,
    name: str,
    above: tuple[str, ...],
    found: Intake,
    budget: list[int],
    depth: int,
) -> None:
    def refuse(what: str, sentence: str) -> None:
        found.refused.append(Refused(f"{name}: {what}" if what else name, sentence))

    try:
        archive = zipfile.ZipFile(stream)
        members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        refuse("", "It is damaged, or no zip; pack it anew.")
        return
    if len(members) > MOST_FILES:
        refuse("", f"It holds {len(members):,} files, which is more than any class hands in.")
        return
    for member in members:
        inside = _name_in_zip(member).replace("\\", "/")
        if member.is_dir():
            continue
        parts = PurePosixPath(inside).parts
        if inside.startswith("/") or ".." in parts or re.match(r"^[A-Za-z]:", inside):
            refuse(_shown(inside), "Its name leads out of the zip; pack it anew.")
            continue
        if stat.S_ISLNK(member.external_attr >> 16):
            refuse(_shown(inside), _LINK)
            continue
        if not parts or any(_is_hidden(part) for part in parts):
            continue
        kind = PurePosixPath(inside).suffix.lower()
        if kind not in (".ipynb", ".zip"):
            continue
        limit = LARGEST_NOTEBOOK if kind == ".ipynb" else LARGEST_INNER_ZIP
        if member.flag_bits & 1:
            refuse(_shown(inside), "It is encrypted; hand it in without a password.")
            continue
        packed = max(1, member.compress_size)
        if member.file_size > limit or member.file_size > 2**20 + MOST_RATIO * packed:
            refuse(_shown(inside), _too_large(kind, limit))
            continue
        try:
            with archive.open(member) as packed_stream:
                content = packed_stream.read(limit + 1)  # the size in the zip may be a lie
        except Exception as error:
            refuse(_shown(inside), f"It cannot be unpacked ({type(error).__name__}).")
            continue
        if len(content) > limit:
            refuse(_shown(inside), _too_large(kind, limit))
            continue
        if kind == ".zip":
            if depth >= 2:
                refuse(_shown(inside), "It is a zip in a zip in a zip; hand in the notebook.")
                continue
            budget[0] -= len(content)
            if budget[0] < 0:
                refuse(_shown(inside), "All together is more than can be unpacked safely.")
                return
            whose = (*above, *parts[:-1], PurePosixPath(inside).stem)
            _take_zip(io.BytesIO(content), f"{name}: {inside}", whose, found, budget, depth + 1)
            continue
        try:
            when: str | None = datetime(*member.date_time).isoformat(timespec="seconds")
        except ValueError:
            when = None
        _take(content, f"{name}: {inside}", (*above, *parts), when, found, budget)


def _name_in_zip(member: zipfile.ZipInfo) -> str:
    """Return the name of a file in a zip, with its accents.

    A zip says by a flag that its names are UTF-8; else they are read as those of MS-DOS. Many
    programs, among them that of macOS, write UTF-8 without the flag.
    """
    if member.flag_bits & 0x800:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename


def _shown(name: str) -> str:
    text = "".join(letter if letter.isprintable() else "?" for letter in name)
    return text if len(text) <= 120 else text[:119] + "…"


def _too_large(kind: str, limit: int) -> str:
    what = "A notebook" if kind == ".ipynb" else "A zip inside a zip"
    return (
        f"{what} of at most {limit // 2**20} MB is taken, and this one is larger or packed far "
        f"too tightly; clear its outputs and hand it in again."
    )


def _take(
    content: bytes,
    name: str,
    parts: tuple[str, ...],
    when: str | None,
    found: Intake,
    budget: list[int],
) -> None:
    if len(content) > LARGEST_NOTEBOOK:
        found.refused.append(Refused(name, _too_large(".ipynb", LARGEST_NOTEBOOK)))
        return
    budget[0] -= len(content)
    if budget[0] < 0:
        found.refused.append(Refused(name, "All together is more than can be unpacked safely."))
        return
    student, file_name, late, attempt = whose(parts)
    found.submissions.append(
        Submission(student, _shown(name), file_name, content, when, attempt, late)
    )


def whose(parts: tuple[str, ...]) -> tuple[str, str, bool, int]:
    """Read from a path who handed in a notebook.

    Parameters
    ----------
    parts : tuple of str
        Folders and file name, from the folder or zip that was given to the grader.

    Returns
    -------
    student, file_name, late, attempt : str, str, bool, int
        Name of the student, name of the notebook, whether the platform marked it as late, and the
        number of the attempt as far as the name says it.
    """
    *folders, file_name = parts
    late = False
    student = ""
    for index, part in enumerate(parts):
        if match := _MOODLE.match(part):
            student = f"{match['who']} {match['number']}"
            if index == len(parts) - 1:
                file_name = match["rest"] or file_name
            break
    if not student and folders:
        # STUDENT/topic.ipynb, STUDENT/EXERCISE/topic.ipynb, submitted/STUDENT/EXERCISE/topic.ipynb
        skipped = [one for one in folders if one.lower() not in _FRAMES]
        student = skipped[0] if skipped else ""
    if not student and (match := _CANVAS.match(file_name)):
        student, late, file_name = match["who"], bool(match["late"]), match["rest"]
    stem = PurePosixPath(file_name).stem
    attempt = 0
    if match := _COPY.search(stem):
        attempt = int(next((one for one in match.groups() if one), "1"))
        stem = stem[: match.start()]
    return _shown(student or stem).strip() or "unknown", f"{stem}.ipynb", late, attempt


#: Folders that stand above those of the students.
_FRAMES = {"submitted", "submissions", "submission", "export", "downloaded"}


def _told_apart(submissions: list[Submission]) -> list[Submission]:
    """Take the platform's number off names of which there is only one.

    Platforms give the same person another number in each assignment, so a name counts as that of
    two people only where two numbers handed in the same notebook.
    """
    from collections import defaultdict
    from dataclasses import replace

    numbers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in submissions:
        if match := _NUMBERED.match(one.student):
            numbers[match[1], one.file_name].add(match[2])
    several = {name for (name, _), found in numbers.items() if len(found) > 1}
    plain = {one.student for one in submissions if not _NUMBERED.match(one.student)}
    result = []
    for one in submissions:
        match = _NUMBERED.match(one.student)
        unique = match and match[1] not in several | plain
        result.append(replace(one, student=match[1]) if match and unique else one)
    return result


_NUMBERED = re.compile(r"^(.*\D) (\d+)$")
