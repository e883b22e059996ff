"""Read submitted files, folders and zips, with limits on sizes and numbers.

Nothing is written, no link is followed, and no name in a zip is used as a path. Other files than
notebooks are listed as :class:`File` too, with the reason why they cannot be graded.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import IO

#: Bytes of the largest notebook, of the largest zip inside a zip, and of all together.
LARGEST_NOTEBOOK = 20 * 2**20
LARGEST_INNER_ZIP = 200 * 2**20
LARGEST_TOTAL = 2 * 2**30
#: The most files in a zip that was named and in one inside it (a class may hand in the whole
#: course, with its pictures), and how many times larger than packed a notebook may be.
MOST_FILES = 200_000
MOST_INNER_FILES = 20_000
MOST_RATIO = 200
#: The most folders above a file, and letters of one name. Longer names are cut.
MOST_FOLDERS = 30
#: The most zips around a zip: that of the class, of the export, and those of a student.
MOST_ZIPS = 4
LONGEST_NAME = 120

_LINK = "It is a symbolic link, which could lead anywhere; hand in the file itself."
_OUTSIDE = "Its name leads out of the zip; compress it again."
_TOO_MUCH = "All together is more than can be unpacked safely."
_TOO_MANY_ZIPS = "It is inside too many zips; hand in the notebook alone."
_UNKNOWN_METHOD = (
    "It is packed in a way that only some programs know; compress it again as an ordinary zip."
)
_EMPTY = "The folder is empty."
_ONLY_JUNK = (
    "The folder holds nothing but files that a system or a program made by itself, such as the "
    "copies in .ipynb_checkpoints; ask for the notebook."
)
_TOO_DEEP = f"It lies in more than {MOST_FOLDERS} folders; hand in the notebook alone."

#: Files of the operating system, an editor or a platform.
_JUNK = {
    *("thumbs.db", "desktop.ini", "icon\r", "__macosx", "__pycache__", "ehthumbs.db", "@eadir"),
    "timestamp.txt",  # of Sakai and nbgrader
}

_JUNK_FOLDERS = {
    *(".ipynb_checkpoints", ".git", ".github", ".svn", ".vscode", ".idea", ".venv", ".virtualenv"),
    *(".cache", ".config", ".local", ".jupyter", ".ipython", ".mypy_cache", ".pytest_cache"),
    *(".ruff_cache", ".trash", ".trashes", ".spotlight-v100", ".fseventsd", ".conda", ".keras"),
    *("venv", "site-packages", "dist-packages", "node_modules"),  # packages, with notebooks
    *("$recycle.bin", "#recycle", "@recycle", "lost+found", "system volume information"),
    *("#snapshot", "~snapshot", ".snapshot", ".snapshots", ".temporaryitems", ".zfs"),
}

#: The file in which Gradescope lists students and times.
METADATA = "submission_metadata.yml"


@dataclass
class File:
    """A file as it was found.

    Attributes
    ----------
    parts : tuple of str
        Names of the folders and zips above it and its own name, as they were found.
    outer : int
        The number of `parts` up to a zip inside a zip or folder; only these can name people.
    name : str
        Where it was found, for people.
    content : bytes or None
        The notebook, or the text of :data:`METADATA`; None for everything else.
    why : str
        The reason why it cannot be graded; "" for a notebook.
    """

    parts: tuple[str, ...]
    outer: int
    name: str
    content: bytes | None = None
    why: str = ""

    @cached_property
    def sha256(self) -> str:
        """Checksum of the notebook."""
        return hashlib.sha256(self.content or b"").hexdigest()

    @property
    def is_notebook(self) -> bool:
        """Whether it is a notebook, by its name."""
        return self.content is not None and self.parts[-1] != METADATA


@dataclass
class Reader:
    """Read submissions, and count the bytes.

    Attributes
    ----------
    files : list of File
        What was found.
    left : int
        Bytes that may still be read.
    reports : str
        The real path of the folder of the reports, which is left out; "" for none.
    """

    files: list[File] = field(default_factory=list)
    left: int = LARGEST_TOTAL
    reports: str = ""

    def read(self, path: Path, parts: tuple[str, ...]) -> None:
        """Read a file, a folder or a zip.

        Parameters
        ----------
        path : Path
            What was given.
        parts : tuple of str
            Under which names it is known: none for the only folder or zip that was given.
        """
        if path.is_symlink():
            self._refuse(path, parts or (path.name,), _LINK)
        elif path.is_dir():
            self._read_folder(path, parts)
        elif path.suffix.lower() == ".zip" and stat.S_ISREG(path.stat().st_mode):
            self._read_zip_file(path, parts, inner=False)
        else:
            self._read_file(path, parts or (path.name,))

    def _refuse(self, where: object, parts: tuple[str, ...], why: str, outer: int = 0) -> None:
        self.files.append(File(parts, outer or len(parts), shown(str(where)), None, why))

    # --- folders ---------------------------------------------------------------------------------

    def _read_folder(self, folder: Path, above: tuple[str, ...]) -> None:
        def unreadable(error: OSError) -> None:
            where = Path(error.filename)
            parts = (*above, *where.relative_to(folder).parts, "")
            self._refuse(where, parts, f"The folder cannot be read ({error.strerror}).")

        for place, folders, files in os.walk(folder, onerror=unreadable):
            here = (*above, *Path(place).relative_to(folder).parts)
            made_by_itself = bool(files) or bool(folders)
            for name in list(folders):
                path = Path(place, name)
                if is_junk(name, folder=True) or self._is_of_reports(path):
                    folders.remove(name)
                elif path.is_symlink():
                    self._refuse(path, (*here, name), _LINK)
                    folders.remove(name)
                elif len(here) >= MOST_FOLDERS:
                    self._refuse(path, (*here, name), _TOO_DEEP)
                    folders.remove(name)
            folders.sort()
            for name in sorted(files):
                if not is_junk(name):
                    self._read_file(Path(place, name), (*here, name))
            if here and not folders and not any(not is_junk(name) for name in files):
                self._refuse(place, (*here, ""), _ONLY_JUNK if made_by_itself else _EMPTY)

    def _is_of_reports(self, path: Path) -> bool:
        same_name = bool(self.reports) and path.name == os.path.basename(self.reports)
        return same_name and os.path.realpath(path) == self.reports

    def _read_file(self, path: Path, parts: tuple[str, ...]) -> None:
        try:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                self._refuse(path, parts, _LINK)
            elif not stat.S_ISREG(found.st_mode):
                self._refuse(path, parts, "It is no ordinary file.")
            elif path.suffix.lower() == ".zip":
                self._read_zip_file(path, parts, inner=True)
            elif why := reason(path.name):
                self._refuse(path, parts, why)
            else:
                with path.open("rb") as stream:
                    self._take(stream.read(LARGEST_NOTEBOOK + 1), str(path), parts, len(parts))
        except OSError as error:
            self._refuse(path, parts, f"It cannot be read ({error.strerror}).")

    def _read_zip_file(self, path: Path, parts: tuple[str, ...], inner: bool) -> None:
        with path.open("rb") as stream:
            self._read_zip(stream, str(path), parts, len(parts) if inner else 0, depth=0)

    # --- zips ------------------------------------------------------------------------------------

    def _read_zip(
        self, stream: IO[bytes], name: str, above: tuple[str, ...], outer: int, depth: int
    ) -> None:
        """Read a zip; `outer` is 0 for one whose folders may name people."""
        most = MOST_INNER_FILES if outer else MOST_FILES
        start = len(self.files)
        parts = above or (Path(name).name,)
        try:
            archive = zipfile.ZipFile(stream)
            members = archive.infolist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
            self._refuse(name, parts, "It is damaged, or not a zip; compress it again.")
            return
        if len(members) > most:
            why = f"It holds {len(members):,} files, which is more than anybody hands in."
            self._refuse(name, parts, why)
            return
        folders: dict[tuple[str, ...], str] = {}
        filled: set[tuple[str, ...]] = {()}
        only_junk: set[tuple[str, ...]] = set()
        for member in members:
            inside = _name_in_zip(member).replace("\\", "/")
            own = tuple(part for part in inside.split("/") if part not in ("", "."))
            where = f"{name}: {inside}"
            if inside.startswith("/") or ".." in own or re.match(r"^[A-Za-z]:", inside):
                self._refuse(where, (*above, ""), _OUTSIDE, outer)
            elif _is_junk_path(own, member.is_dir()):
                only_junk.add(_before_junk(own))
            elif member.is_dir():
                folders[own[:MOST_FOLDERS]] = where
            else:
                filled.update(own[:k] for k in range(1, min(len(own), MOST_FOLDERS + 1)))
                self._read_member(archive, member, where, above, own, outer, depth)
        found = only_junk | folders.keys()
        filled |= {own[:k] for own in found for k in range(len(own))}
        for own in sorted(found - filled):
            where = folders.get(own, f"{name}: {'/'.join(own)}")
            why = _ONLY_JUNK if own in only_junk else _EMPTY
            self._refuse(where, (*above, *own, ""), why, outer)
        if outer and len(self.files) == start:
            self._refuse(name, above, "The zip is empty.")

    def _read_member(
        self,
        archive: zipfile.ZipFile,
        member: zipfile.ZipInfo,
        where: str,
        above: tuple[str, ...],
        own: tuple[str, ...],
        outer: int,
        depth: int,
    ) -> None:
        parts = (*above, *own)
        kind = os.path.splitext(own[-1])[1].lower()
        limit = LARGEST_INNER_ZIP if kind == ".zip" else LARGEST_NOTEBOOK
        why = _no_member(member, kind, limit) or (kind != ".zip" and reason(own[-1])) or ""
        if len(own) > MOST_FOLDERS:
            parts, why = (*above, *own[: MOST_FOLDERS - 1], own[-1]), _TOO_DEEP
        if kind == ".zip" and depth >= MOST_ZIPS:
            why = why or _TOO_MANY_ZIPS
        if why:
            self._refuse(where, parts, why, outer)
            return
        try:
            with archive.open(member) as packed:
                content = packed.read(limit + 1)  # the size in the zip may be a lie
        except NotImplementedError:
            self._refuse(where, parts, _UNKNOWN_METHOD, outer)
            return
        except Exception as error:
            why = f"It is damaged in the zip ({type(error).__name__}); compress it again."
            self._refuse(where, parts, why, outer)
            return
        if kind != ".zip":
            self._take(content, where, parts, outer)
        elif why := self._no_room(content, kind, limit):
            self._refuse(where, parts, why, outer)
        else:
            self._read_zip(io.BytesIO(content), where, parts, outer or len(parts), depth + 1)

    def _take(self, content: bytes, where: str, parts: tuple[str, ...], outer: int) -> None:
        if why := self._no_room(content, ".ipynb", LARGEST_NOTEBOOK):
            self._refuse(where, parts, why, outer)
        else:
            self.files.append(File(parts, outer or len(parts), shown(where), content))

    def _no_room(self, content: bytes, kind: str, limit: int) -> str:
        """Count the bytes of a file, or return why it is too large."""
        if len(content) > limit:
            return _too_large(kind, limit)
        if len(content) > self.left:
            return _TOO_MUCH
        self.left -= len(content)
        return ""


def _no_member(member: zipfile.ZipInfo, kind: str, limit: int) -> str:
    """Return why a file in a zip is not unpacked, or ""."""
    if stat.S_ISLNK(member.external_attr >> 16):
        return _LINK
    if kind not in (".ipynb", ".zip"):
        return ""
    if member.flag_bits & 1:
        return "It is encrypted; hand it in without a password."
    packed = max(1, member.compress_size)
    if member.file_size > limit or member.file_size > 2**20 + MOST_RATIO * packed:
        return _too_large(kind, limit)
    return ""


def _name_in_zip(member: zipfile.ZipInfo) -> str:
    """Return the name of a file in a zip, with its accents.

    A zip says by a flag that its names are UTF-8; else they are read as those of MS-DOS. Many
    programs, among them that of macOS, write UTF-8 without the flag, and Windows writes names as
    its country does: the reading with the fewest signs that are no letters is taken.
    """
    if member.flag_bits & 0x800:
        return member.filename
    try:
        stored = member.filename.encode("cp437")
    except UnicodeError:
        return member.filename
    if told := _name_beside(member.extra, stored):
        return told
    with suppress(UnicodeError):
        return stored.decode("utf-8")
    return min((stored.decode(code, "replace") for code in _OF_WINDOWS), key=_signs)


def _name_beside(extra: bytes, stored: bytes) -> str:
    """Return the name in UTF-8 that WinRAR and Info-ZIP write into an extra field, or ""."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        field, extra = extra[4 : 4 + size], extra[4 + size :]
        if kind == 0x7075 and field[1:5] == zlib.crc32(stored).to_bytes(4, "little"):
            with suppress(UnicodeError):
                return field[5:].decode("utf-8")
    return ""


#: Encodings of names in zips of Windows: America, Western and Central Europe, Cyrillic.
_OF_WINDOWS = ("cp437", "cp850", "cp852", "cp866")


def _signs(name: str) -> int:
    """Return the number of characters that are unlikely in a name."""
    return sum(not (letter.isascii() or letter.isalpha()) or letter in "ªº" for letter in name)


def _too_large(kind: str, limit: int) -> str:
    what = "A notebook" if kind == ".ipynb" else "A zip inside a zip"
    return (
        f"{what} of at most {limit // 2**20} MB is taken, and this one is larger or packed far "
        f"too tightly; clear its outputs and hand it in again."
    )


# --- names ---------------------------------------------------------------------------------------


def is_junk(name: str, folder: bool = False) -> bool:
    """Return whether the operating system or an editor made the file."""
    if name.startswith(("._", ".~", "~$", "__MACOSX")) or name.casefold() in _JUNK:
        return True
    if folder:
        return name.casefold() in _JUNK_FOLDERS or name.startswith(".Trash-")
    return name.startswith(".") and not name.lower().endswith((".ipynb", ".zip"))


def _is_junk_path(own: tuple[str, ...], folder: bool) -> bool:
    above = any(is_junk(part, folder=True) for part in own[:-1])
    return above or not own or is_junk(own[-1], folder)


def _before_junk(own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the folders above the first one, or the file, that nobody made."""
    place = next((k for k, part in enumerate(own) if is_junk(part, folder=True)), len(own) - 1)
    return own[: min(max(place, 0), MOST_FOLDERS)]


def _printable(name: str) -> str:
    """Return a bounded NFC text, with "?" for control characters and lone surrogates."""
    text = name[:4096].encode("utf-8", "replace").decode("utf-8")  # lone surrogates become "?"
    text = re.sub(r"\s", " ", unicodedata.normalize("NFC", text))
    return "".join(c if c.isprintable() or c in "\u200c\u200d" else "?" for c in text)


def shown(name: str) -> str:
    """Return a printable name for messages, cut in the middle if it is long."""
    text = _printable(name if len(name) <= 4096 else f"{name[:400]}…{name[-400:]}")
    return text if len(text) <= 400 else f"{text[:200]}…{text[-199:]}"


def clean(name: str) -> str:
    """Return one name of a file or folder: bounded, printable, in NFC, blanks made single.

    Two names that differ stay different in nearly all cases; whoever must tell them apart for
    certain compares the names as they were found.
    """
    stem, ending = os.path.splitext(name)
    ending = ending if len(ending) <= 12 else ""
    stem = stem if ending else name
    if len(stem) > LONGEST_NAME:
        digest = hashlib.sha256(stem.encode("utf-8", "surrogatepass")).hexdigest()[:6]
        stem = f"{stem[: LONGEST_NAME - 8]}… {digest}"
    return " ".join(_printable(stem + ending).split()) or ("?" if name else "")


# --- what is not graded --------------------------------------------------------------------------

_REASONS = {
    "rar 7z tar gz tgz bz2 xz zst tbz2 txz lzh arj cab z zipx sit sitx dmg iso": "It is a {} "
    "archive, which is not unpacked here; ask for the notebook, or for a zip.",
    "html htm mhtml": "It is a web page ({}), not the notebook itself; ask for the .ipynb file.",
    "py": "It is a Python script ({}), not the notebook; ask for the .ipynb file.",
    "pdf doc docx odt rtf pages ppt pptx xls xlsx": "It is a document ({}), not the notebook; ask "
    "for the .ipynb file.",
    "png jpg jpeg gif heic heif webp bmp tif tiff svg": "It is a picture ({}), not the notebook; "
    "ask for the .ipynb file.",
    "crdownload part partial opdownload tmp": "It is a part of a file ({}), of an upload or "
    "download that was not finished; ask for the file again.",
    "url webloc link lnk gdoc gsheet": "It is a link ({}), not the notebook; ask for the file.",
}
_OTHER = "It is neither a notebook (.ipynb) nor a zip."
_BY_ENDING = {f".{ending}": text for ends, text in _REASONS.items() for ending in ends.split()}


def reason(name: str) -> str:
    """Return why a file of this name cannot be graded, in one sentence; "" for a notebook."""
    lowered = name.lower()
    stem, ending = os.path.splitext(lowered)
    ending = shown(ending)[:12]
    if ending == ".ipynb" or lowered == ".ipynb" or name == METADATA:
        return ""
    inner = os.path.splitext(stem)[1]
    if inner == ".ipynb" or ending.startswith(".ipynb"):
        ending = f".ipynb{ending}" if inner == ".ipynb" else ending
        return f"Its name ends with {ending}; if it is the notebook, rename it to end with .ipynb."
    if inner == ".tar":
        ending = f".tar{ending}"
    text = _BY_ENDING.get(ending, _BY_ENDING[".gz"] if inner == ".tar" else "")
    return text.format(ending) or _OTHER


def lies_beside(why: str) -> bool:
    """Return whether such files (code, pictures, data, nothing) often lie beside a notebook."""
    return why in (_OTHER, _ONLY_JUNK, _EMPTY) or why.startswith(
        ("It is a Python script", "It is a picture")
    )
