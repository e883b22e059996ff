"""Download archives completely or not at all.

An archive is written to a ``.part`` file, checked, unpacked into a temporary folder, checked again,
and only then renamed. An interrupted download is resumed the next time if the server supports that.
"""

from __future__ import annotations

import errno
import hashlib
import shutil
import sys
import tarfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import mkdtemp
from urllib.parse import urlsplit

from course_utils import validate
from course_utils.exceptions import DownloadFailed
from course_utils.progress import progress_bar

_CONNECT_SECONDS = 6.0
_SILENCE_SECONDS = 30.0
_PIECE = 2**15  # bytes written at a time; at most this much is lost when a connection breaks
_TRIES = 4
_PAUSE = 1.0  # seconds before the second try, and as many more before each further one
_LARGEST_SET = 2 * 2**30  # bytes; larger than any unpacked dataset of the course


_NO_ADDRESS = "this is no address that begins with https:// or http://"
_PROXY = "the proxy of the network refused the connection (HTTPS_PROXY names it)"


@dataclass(frozen=True)
class Archive:
    """A packed dataset on a server.

    Attributes
    ----------
    name : str
        Name of the dataset.
    url : str
        Its address.
    sha256 : str or None
        Digest of the file; None if the server packs it again for each request.
    size : int
        Its size in bytes, at least approximately.
    instead : str
        What to do if the download fails, as the end of a sentence.
    """

    name: str
    url: str
    sha256: str | None
    size: int
    instead: str


class _Broken(Exception):
    """A failed download; the message is the reason, `again` says whether a retry may help."""

    def __init__(self, reason: str, again: bool = False) -> None:
        super().__init__(reason)
        self.again = again


def obtain(
    archive: Archive,
    folder: Path,
    unpack: Callable[[Path, Path], None],
    *,
    is_complete: Callable[[Path], bool],
    keep_archive_as: Path | None = None,
) -> Path:
    """Download an archive, check it, and unpack it into `folder`.

    Parameters
    ----------
    archive : Archive
        What to download.
    folder : Path
        The folder to make. If it exists and is complete, nothing is done; if it is incomplete, it
        is renamed, and nothing in it is lost.
    unpack : callable
        Called with the path of the archive and an empty folder, which it fills. It raises
        :class:`CorruptArchive` if the content is not the dataset.
    is_complete : callable
        Returns whether a folder holds the complete dataset.
    keep_archive_as : Path, optional
        Where to keep the archive itself; by default it is removed.

    Returns
    -------
    Path
        `folder`.

    Raises
    ------
    DownloadFailed
        With the reason and the fix. Nothing is left but a ``.part`` file, if the server can resume
        the download.
    """
    from filelock import FileLock, Timeout

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.parent / f".{archive.name}.lock")
        try:
            lock.acquire(timeout=0.1)
        except Timeout:
            validate.say(f"Waiting for another process that is downloading {archive.name} ...")
            lock.acquire()
        try:
            if not is_complete(folder):
                _obtain(archive, folder, unpack, is_complete, keep_archive_as)
        finally:
            lock.release()
    except _Broken as broken:
        raise DownloadFailed(_sentence(archive, str(broken))) from None
    except OSError as error:
        raise DownloadFailed(_sentence(archive, _disk_reason(error, folder.parent))) from None
    return folder


def _sentence(archive: Archive, reason: str) -> str:
    return f"{archive.name} could not be downloaded from {archive.url}: {reason}; {archive.instead}"


def _disk_reason(error: OSError, folder: Path) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"there is too little space left on the disk of {folder}"
    return f"{folder} cannot be written ({error.strerror or error})"


class CorruptArchive(Exception):
    """An archive whose content is not the dataset; the message is the reason."""


def _obtain(
    archive: Archive,
    folder: Path,
    unpack: Callable[[Path, Path], None],
    is_complete: Callable[[Path], bool],
    keep_archive_as: Path | None,
) -> None:
    free = shutil.disk_usage(folder.parent).free
    if free < int(2.2 * archive.size):
        raise _Broken(
            f"it needs {2.2 * archive.size / 1e9:.1f} GB on the disk of {folder.parent}, where "
            f"{free / 1e9:.1f} GB are free"
        )
    part = folder.parent / f".{archive.name}.part"
    _fetch(archive, part)
    aside = Path(mkdtemp(prefix=f".{archive.name}-", dir=folder.parent))
    try:
        try:
            unpack(part, aside)
            if not is_complete(aside):
                raise CorruptArchive("files are missing in it")
        except (tarfile.TarError, EOFError, CorruptArchive, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk
            raise _Broken(f"the archive is not what it should be ({error})") from None
        aside.chmod(0o755)
        if keep_archive_as is not None:
            part.replace(keep_archive_as)
        if folder.exists():
            _put_aside(folder)
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
        part.unlink(missing_ok=True)


def _put_aside(folder: Path) -> None:
    """Rename an incomplete folder."""
    number = 1
    while (other := folder.with_name(f"{folder.name}-incomplete-{number}")).exists():
        number += 1
    folder.rename(other)
    validate.say(f"The incomplete folder {folder} was renamed to {other.name}.")


def _fetch(archive: Archive, part: Path) -> None:
    """Download `archive` to `part`, and resume what is there already."""
    continued = part.exists() and part.stat().st_size > 0
    for attempt in range(1, _TRIES + 1):
        before = part.stat().st_size if part.exists() else 0
        try:
            _stream(archive, part)
            if archive.sha256 is not None and _sha256(part) != archive.sha256:
                if continued:  # the beginning was of another file: start again once
                    continued = False
                    part.unlink()
                    continue
                raise _Broken(
                    "what arrived is not the file that was asked for (its checksum differs)"
                )
            return
        except _Broken as broken:
            grown = part.exists() and part.stat().st_size > before
            if broken.again and grown and attempt < _TRIES:
                continued = True
                time.sleep(_PAUSE * attempt)
                continue
            if not broken.again:
                part.unlink(missing_ok=True)
            raise
        except OSError:
            part.unlink(missing_ok=True)
            raise
    raise _Broken("the connection broke off again and again", again=True)


def _stream(archive: Archive, part: Path) -> None:
    """Send one request and append the answer to `part`."""
    import requests

    here = part.stat().st_size if part.exists() else 0
    host = _host(archive.url)
    headers = {"User-Agent": "course-utils", "Accept-Encoding": "identity"}
    if here:
        headers["Range"] = f"bytes={here}-"
    can_continue = False
    try:
        with requests.get(
            archive.url, headers=headers, stream=True, timeout=(_CONNECT_SECONDS, _SILENCE_SECONDS)
        ) as answer:
            if here and answer.status_code == 416:  # nothing is missing, or the file changed
                return
            # Some servers declare that .gz files are encoded text, which must not be unpacked here.
            answer.raw.headers.pop("Content-Encoding", None)
            _check_answer(answer.status_code, answer.headers.get("Content-Type", ""), host)
            appending = here > 0 and answer.status_code == 206
            can_continue = appending or answer.headers.get("Accept-Ranges", "").lower() == "bytes"
            length = answer.headers.get("Content-Length", "")
            total = int(length) + (here if appending else 0) if length.isdigit() else None
            with (
                part.open("ab" if appending else "wb") as file,
                progress_bar(
                    total,
                    archive.name,
                    initial=here if appending else 0,
                    unit="B",
                    unit_scale=True,
                    file=sys.stderr,
                ) as bar,
            ):
                for piece in answer.iter_content(_PIECE):
                    file.write(piece)
                    bar.update(len(piece))
            if total is not None and part.stat().st_size < total:
                raise _Broken("the connection broke off before the end", again=can_continue)
    except requests.exceptions.RequestException as error:
        raise _broken(error, host, can_continue) from None


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or url
    except ValueError:
        raise _Broken(_NO_ADDRESS) from None


def _broken(error: Exception, host: str, can_continue: bool) -> _Broken:
    """Return the reason of a failed request."""
    from requests import exceptions as kinds

    # The first that fits: some of the kinds are subclasses of ConnectionError.
    reasons: tuple[tuple[tuple[type[Exception], ...], str, bool], ...] = (
        ((kinds.Timeout,), f"{host} does not answer (is there a network?)", True),
        ((kinds.SSLError,), f"the certificate of {host} is not accepted", False),
        ((kinds.ProxyError,), _PROXY, False),
        (
            (kinds.ChunkedEncodingError, kinds.ContentDecodingError),
            "the connection broke off before the end",
            True,
        ),
        ((kinds.ConnectionError,), f"there is no connection to {host} (is there a network?)", True),
        ((kinds.InvalidSchema, kinds.MissingSchema, kinds.InvalidURL), _NO_ADDRESS, False),
    )
    for classes, reason, may_continue in reasons:
        if isinstance(error, classes):
            return _Broken(reason, again=may_continue and can_continue)
    return _Broken(f"the request failed ({type(error).__name__})")


def _check_answer(status: int, content_type: str, host: str) -> None:
    if status == 407:
        raise _Broken(_PROXY)
    if status in (404, 410):
        raise _Broken(f"{host} has no such file (answer {status})")
    if status >= 500:
        raise _Broken(f"{host} is out of order for now (answer {status})")
    if status not in (200, 206):
        raise _Broken(f"{host} refused (answer {status})")
    if content_type.lower().startswith("text/html"):
        raise _Broken(
            f"{host} answered with a web page instead of the file (does your network want you to "
            f"sign in first?)"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack_tar(archive: Path, folder: Path, prefix: str) -> None:
    """Unpack the plain files below ``prefix/`` of a tar archive into `folder`.

    Links, devices and names that lead out of the folder are errors.

    Parameters
    ----------
    archive : Path
        A .tar.gz file.
    folder : Path
        Where to put the files, without the prefix.
    prefix : str
        The folder in the archive that holds the dataset.

    Raises
    ------
    CorruptArchive
        If a member is unsafe or the files are too large.
    """
    written = 0
    with tarfile.open(archive, "r:*") as tar:
        for member in tar:
            path = PurePosixPath(member.name)
            if path.is_absolute() or ".." in path.parts or "\\" in member.name:
                raise CorruptArchive(f"it holds the unsafe name {member.name!r}")
            if member.isdir() or path.parts[:1] != (prefix,) or len(path.parts) < 2:
                continue
            if not member.isfile():
                raise CorruptArchive(f"{member.name!r} is no plain file")
            written += member.size
            if written > _LARGEST_SET:
                raise CorruptArchive("it unpacks to more than 2 GB")
            content = tar.extractfile(member)
            assert content is not None  # true of plain files
            target = folder.joinpath(*path.parts[1:])
            target.parent.mkdir(parents=True, exist_ok=True)
            with content, target.open("wb") as file:
                shutil.copyfileobj(content, file)


def count_files(folder: Path, ending: str = ".jpg") -> dict[str, int]:
    """Return the number of files with `ending` in each folder directly below `folder`."""
    counts: dict[str, int] = {}
    with suppress(OSError):
        for inner in sorted(folder.iterdir()):
            if inner.is_dir() and not inner.name.startswith("."):
                counts[inner.name] = sum(
                    file.name.lower().endswith(ending) and not file.name.startswith(".")
                    for file in inner.iterdir()
                )
    return counts
