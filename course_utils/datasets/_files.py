"""Find the image files of a folder, and the other files in it."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from course_utils import settings, validate
from course_utils.datasets import decoding
from course_utils.exceptions import InvalidInput, MissingData

#: Names of files and folders that systems and file servers add, such as thumbnails, in lower case.
#: Hidden names, which begin with a dot, are ignored too.
_IGNORED_NAMES = frozenset(
    {
        *("__macosx", "__pycache__", "thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"),
        *("@eadir", "@tmp", "@recycle", "#recycle", "#snapshot", "@recently-snapshot"),
        *("$recycle.bin", "system volume information", "lost+found", "lost.dir"),
    }
)

#: Endings of files that are often beside images and are not reported as skipped.
_COMPANIONS = frozenset(
    {
        *(".txt", ".md", ".rst", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".html", ".htm"),
        *(".pdf", ".doc", ".docx", ".odt", ".xls", ".xlsx", ".ods", ".py", ".ipynb", ".js", ".css"),
        *(".yaml", ".yml", ".toml", ".ini", ".cfg", ".log", ".lock", ".md5", ".sha1", ".sha256"),
        *(".mat", ".npy", ".npz", ".h5", ".hdf5", ".pkl", ".pt", ".db", ".sqlite", ".parquet"),
        *(".zip", ".gz", ".tar", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tfrecord", ".names"),
        *(".xmp", ".aae", ".url", ".lnk", ".bib", ".sh", ".bat", ".r", ".data"),
    }
)
_COMPANION_NAMES = frozenset(
    {
        *("license", "licence", "copying", "readme", "notice", "authors", "changelog", "citation"),
        *("contributing", "manifest", "version", "makefile", "dockerfile", "checksums"),
    }
)


@dataclass
class Content:
    """Content of a folder: subfolders, image files, and files that are not read."""

    folders: list[tuple[str, Path]] = field(default_factory=list)
    files: list[decoding.ImageFile] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)


def shipped(name: str, needed: str) -> Path:
    """Return a folder of the data that ships with the course.

    Raises
    ------
    MissingData
        If the file `needed` does not exist in it.
    """
    path = settings.shipped_data() / name
    if not (path / needed).is_file():
        raise MissingData(
            f"There is no {needed} in {path}; restore the folder with "
            f"'git checkout -- data/{name}', or from the zip of the course."
        )
    return path


def root_of(path: object) -> Path:
    """Return the absolute path of a folder given by the user.

    Raises
    ------
    MissingData
        If there is no such folder.
    InvalidInput
        If `path` is not a path, is a file, or cannot be read for lack of permission.
    """
    root = as_path(path, "The path of a folder is needed, such as 'photos' or Path('photos')")
    try:
        root.stat()
    except PermissionError:
        raise InvalidInput(
            f"{root} may not be read (no permission); change its permissions or copy the "
            f"images to a folder of your own."
        ) from None
    except OSError:
        raise MissingData(
            f"There is no folder {root}{near(root, Path.is_dir)}; give the folder that holds one "
            f"folder of images per class."
        ) from None
    if not root.is_dir():
        raise InvalidInput(
            f"{root} is a file, but a folder is needed that holds one folder of images per "
            f"class{' (unpack the archive first)' if _is_archive(root) else ''}"
            f"{' (for a table of labels: datasets.from_csv)' if is_table(root) else ''}."
        )
    return root


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith((".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar"))


def packed(root: Path) -> str:
    """Return a hint at an archive in a folder or one level below it, or nothing."""
    for path in sorted([*root.glob("*"), *root.glob("*/*")]):
        if _is_archive(path) and path.is_file() and not _ignored(path.name):
            return f" (unpack {path.relative_to(root).as_posix()} first, if they are in it)"
    return ""


def is_table(path: Path) -> bool:
    """Return whether a file is a table of text, by its ending."""
    return path.suffix.lower() in (".csv", ".tsv")


def as_path(given: object, needed: str) -> Path:
    """Return `given` as an absolute path; `needed` says in the error what is expected."""
    if not isinstance(given, (str, os.PathLike)) or not str(given).strip() or "\0" in str(given):
        raise InvalidInput(f"{needed}, but it is {given!r}.")
    text = os.fspath(given)
    path = Path(os.path.expanduser(text)).absolute()
    if isinstance(text, str) and not os.path.exists(path):
        # Copied from a file manager: with quotation marks, spaces around it, or as an address.
        plain = text.strip().strip("\"'").strip()
        if plain.startswith("file://"):
            plain = url2pathname(urlsplit(plain).path)
        path = Path(os.path.expanduser(plain or text)).absolute()
    return path


def near(path: Path, is_candidate: Callable[[Path], bool]) -> str:
    """Return `` (did you mean 'x'?)`` for a similar name beside a path that does not exist."""
    if os.name != "nt" and re.search(r"(^|/)[A-Za-z]:[\\/]", str(path)):
        return " (this is a path of Windows; in WSL, C:\\ is /mnt/c/)"
    try:
        names = [other.name for other in path.parent.iterdir() if is_candidate(other)]
    except OSError:
        return ""
    return validate.nearest(path.name, names)


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _IGNORED_NAMES


def _is_companion(name: str) -> bool:
    """Return whether a file that is not an image often accompanies images."""
    stem, ending = os.path.splitext(name.lower())
    return ending in _COMPANIONS or (not ending and stem in _COMPANION_NAMES)


def entries(folder: Path, prefix: str = "") -> Content:
    """Return the sorted content of `folder` itself; ids begin with `prefix`."""
    content = Content()
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if _ignored(entry.name):
                    continue
                if entry.is_dir():
                    if not _leads_up(entry):
                        content.folders.append((entry.name, Path(entry.path)))
                elif not entry.is_file() and _is_special(entry):
                    continue
                elif os.path.splitext(entry.name)[1].lower() in decoding.IMAGE_ENDINGS:
                    content.files.append(
                        decoding.ImageFile(f"{prefix}{entry.name}", Path(entry.path), _stamp(entry))
                    )
                elif not _is_companion(entry.name):
                    nowhere = "" if entry.is_file() else " (a link that leads nowhere)"
                    content.skipped.append(f"{prefix}{entry.name}{nowhere}")
    except PermissionError:
        raise InvalidInput(
            f"The folder {folder} may not be read (no permission); change its permissions or "
            f"copy the images to a folder of your own."
        ) from None
    except OSError as error:
        raise InvalidInput(
            f"The folder {folder} cannot be read: {error.strerror or error}."
        ) from None
    content.folders.sort()
    content.files.sort(key=lambda file: file.id)
    content.skipped.sort()
    return content


def _leads_up(entry: os.DirEntry[str]) -> bool:
    """Return whether a folder is a link to a folder in which it lies itself."""
    if not entry.is_symlink():
        return False
    return Path(entry.path).resolve() in Path(entry.path).parent.resolve().joinpath("x").parents


def _is_special(entry: os.DirEntry[str]) -> bool:
    """Return whether an entry is a pipe, a socket or a device, whose reading may never end."""
    try:
        mode = entry.stat().st_mode
    except OSError:  # a broken link, which is named when it is read
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _stamp(entry: os.DirEntry[str]) -> tuple[int, int, int]:
    try:
        status = entry.stat()
    except OSError:  # a broken link, or a file that is being removed
        return (-1, -1, -1)
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def walk(folder: Path, prefix: str) -> Content:
    """Return all files below `folder`; a link to a folder above it is not followed again."""
    result = Content()
    waiting = [(folder, prefix, frozenset[tuple[int, int]]())]
    while waiting:
        here, path, above = waiting.pop()
        try:
            status = here.stat()
        except OSError:
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            continue
        content = entries(here, path)
        result.files += content.files
        result.skipped += content.skipped
        waiting.extend(
            (inner, f"{path}{name}/", above | {identity}) for name, inner in content.folders
        )
    return result


def told_skipped(skipped: Sequence[str]) -> str:
    """Return the message that names files which were not read as images."""
    number = validate.counted(len(skipped), "file is", "files are")
    return (
        f"{number} of a kind that is not read and not "
        f"used: {validate.some_of(skipped)}; save pictures as JPEG or PNG, with the ending .jpg or "
        f".png."
    )
