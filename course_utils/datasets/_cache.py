"""Keep decoded images on disk, so that they are decoded only once.

``work/cache/decoded/KEY/`` holds ``images.npy`` (uint8, one row per file) and ``about.json`` (ids,
digests, unreadable files, checksum). KEY depends on the folder, on each file's name, size and
times, on the image size and the channels, and on the format of the cache, so that a changed file or
another image size gets a new entry. An entry is written to a temporary folder and then renamed, so
several processes can build the same one. The images are mapped into memory, not read: the operating
system keeps them in memory if they fit, and TensorFlow reads them without a copy.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from course_utils import files, settings, validate
from course_utils.datasets import decoding
from course_utils.datasets._image_dataset import aligned
from course_utils.datasets._options import LoadOptions
from course_utils.exceptions import InvalidInput

#: Increased when decoding or the layout of an entry changes, so that older entries are not used.
FORMAT = 2

#: Largest total size in bytes; beyond it, the least recently used entries are removed.
LARGEST_CACHE = 6 * 2**30

_SPARE_DISK = 200 * 2**20  # bytes that stay free on the disk
_verified: set[tuple[str, int, int]] = set()  # entries whose checksum this process has verified


@dataclass(frozen=True)
class Record:
    """Metadata stored with the images of an entry.

    Attributes
    ----------
    digests : tuple of str
        One digest of the content per row, empty if the file could not be read.
    unreadable : dict of int to str
        Row and reason of each file that could not be decoded.
    ids, labels : tuple
        One per row, for sources where they are known only after reading; else empty.
    lasting : bool
        Whether the entry may be kept; False if a file was unreadable for a temporary reason.
    """

    digests: tuple[str, ...]
    unreadable: dict[int, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    lasting: bool = True


@dataclass(frozen=True)
class Pixels(Record):
    """Decoded images of a source, with their record.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, height, width, channels)
        One row per file that was found; the rows of unreadable files are black.
    """

    images: np.ndarray = field(kw_only=True)


#: A function that takes the next images, uint8 (n, height, width, channels).
Write = Callable[[np.ndarray], None]


def decoded_root() -> Path:
    """Return the folder of all entries."""
    return settings.cache_root() / "decoded"


def key_of(*parts: object, images: Iterable[decoding.ImageFile] = ()) -> str:
    """Return the name of an entry, which depends on `parts` and on each file's stamp."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((FORMAT, *parts)).encode())
    for file in images:
        digest.update(repr((file.id, file.stamp)).encode())
    return digest.hexdigest()


def pixels(
    images: Sequence[decoding.ImageFile], options: LoadOptions, label: str, root: Path
) -> Pixels:
    """Return the decoded images of files, from the cache if they are in it.

    Parameters
    ----------
    images : sequence of ImageFile
        What to decode, in this order.
    options : LoadOptions
        Image size and channels, the scales of images of more than 8 bits (by default found from
        the values of all), and whether unreadable files are left out.
    label : str
        Name of the dataset, for the progress bar and messages.
    root : Path
        The dataset's folder.

    Returns
    -------
    Pixels

    Raises
    ------
    InvalidInput
        If files cannot be decoded, or if there is room for the images neither on disk nor in
        memory.
    """
    size, channels = options.image_size, options.channels
    scales = sorted((options.scales or {}).items())

    def build(write: Write) -> Record:
        digests: list[str] = []
        unreadable: dict[int, str] = {}
        lasting = True
        blank = np.zeros((*size, channels), np.uint8)
        common = options.scales or common_scales(images, root)
        for chunk in decoding.decode_all(images, size, channels, label, common):
            for decoded in chunk:
                if decoded.image is None:
                    unreadable[len(digests)] = decoded.reason or "cannot be read"
                    lasting = lasting and not decoded.passing
                digests.append(decoded.digest)
            write(np.stack([blank if d.image is None else d.image for d in chunk]))
        if unreadable and not options.skip_unreadable:
            raise InvalidInput(
                _told_unreadable({images[row].id: why for row, why in unreadable.items()}, root)
            )
        return Record(tuple(digests), unreadable, lasting=lasting)

    key = key_of(str(root), size, channels, scales, images=images)
    return load_or_build(key, (len(images), *size, channels), build, label=label)


def common_scales(images: Sequence[decoding.ImageFile], root: Path) -> dict[str, tuple]:
    """Return one scale for each kind of values beyond 8 bits, common to all images.

    Raises
    ------
    InvalidInput
        If the scale is not clear from the values.
    """
    scales = {}
    for kind, extent in decoding.extents(images).items():
        scale = extent.scale()
        if scale is None:
            raise InvalidInput(
                f"{validate.counted(extent.number, 'image')} in {root} (such as {extent.example}) "
                f"{'have' if extent.number != 1 else 'has'} {extent.words()}, all of them alike."
            )
        scales[kind] = scale
    return scales


def _told_unreadable(reasons: dict[str, str], root: Path) -> str:
    """Return the message that names files which cannot be read."""
    number = len(reasons)
    named = "; ".join(
        [f"{validate.in_line(name)} {reason}" for name, reason in reasons.items()][:5]
    )
    more = f"; and {number - 5} more" if number > 5 else ""
    return (
        f"{validate.counted(number, 'file')} in {root} cannot be used: {named}{more}. Repair or "
        f'remove {"it" if number == 1 else "them"}, or give unreadable="skip" to go on without.'
    )


def load_or_build(
    key: str,
    shape: tuple[int, ...],
    build: Callable[[Write], Record],
    *,
    label: str,
) -> Pixels:
    """Return the cache entry `key`; build and store it if it does not exist.

    Parameters
    ----------
    key : str
        Name of the entry.
    shape : tuple of int
        Shape of all images together (N, height, width, channels).
    build : callable
        Called with a function that takes the images in order, in pieces of any length; returns
        the metadata to store with them.
    label : str
        Name of the dataset, for messages.

    Returns
    -------
    Pixels

    Raises
    ------
    InvalidInput
        If there is room for the images neither on disk nor in memory.
    """
    folder = decoded_root() / key
    found = _open(folder, shape)
    if found is not None:
        return found
    images = _NewImages(folder, shape, label)
    try:
        record = build(images.write)
        return images.on_disk(record) or images.in_memory(record)
    finally:
        images.close()


class _NewImages:
    """Images while they are decoded: written to disk, and kept in memory too if there is room.

    Images in memory are used if the disk is full, or if the entry must not be kept.
    """

    def __init__(self, folder: Path, shape: tuple[int, ...], label: str) -> None:
        self.folder, self.shape, self.label = folder, shape, label
        self.done = 0
        self.memory: np.ndarray | None = None
        self.entry: _Entry | None = None
        problem = None
        try:
            self.entry = _Entry(folder, shape)
        except OSError as error:
            problem = error
        available = _available_memory()
        if _size(shape) <= available // (4 if self.entry else 2):
            self.memory = aligned(shape)
        self.problem: OSError | None = None
        if problem is not None:
            self._disk_failed(problem)

    def _disk_failed(self, error: OSError) -> None:
        self.problem = error
        if self.memory is None:
            raise InvalidInput(
                f"The decoded images of {self.label} take {_size(self.shape) / 1e9:.1f} GB, too "
                f"much for the free memory, and {self.folder.parent} cannot be written "
                f"({error.strerror or error}); free some disk space, set COURSE_WORK to a folder "
                f"with room, or choose a smaller image_size."
            ) from None

    def write(self, images: np.ndarray) -> None:
        """Write the next images."""
        if self.memory is not None:
            self.memory[self.done : self.done + len(images)] = images
        self.done += len(images)
        if self.entry is not None and self.problem is None:
            try:
                self.entry.write(images)
            except OSError as error:
                self._disk_failed(error)

    def on_disk(self, record: Record) -> Pixels | None:
        """Rename the entry and open it; return None if it cannot or must not be kept."""
        if self.entry is None or self.problem is not None:
            return None
        if self.memory is not None and not record.lasting:
            return None
        try:
            self.entry.finish(record)
        except OSError as error:
            self._disk_failed(error)
            return None
        kept = _open(self.folder, self.shape)
        if kept is None:  # damaged, or removed by another process
            self._disk_failed(OSError(errno.EIO, os.strerror(errno.EIO)))
        else:
            _prune(keep=self.folder)
        return kept

    def in_memory(self, record: Record) -> Pixels:
        """Return the images in memory."""
        assert self.memory is not None  # else the failure of the disk was an error
        if self.problem is not None:
            validate.say(
                f"The decoded images of {self.label} are kept in memory only, since "
                f"{self.folder.parent} cannot be written "
                f"({self.problem.strerror or self.problem}); they are decoded again the next time."
            )
        return Pixels(**vars(record), images=self.memory)

    def close(self) -> None:
        """Remove temporary files."""
        if self.entry is not None:
            self.entry.close()


def _size(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64))


def _available_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


class _Entry:
    """An entry of the cache that is being written, in a temporary folder beside the final one."""

    def __init__(self, folder: Path, shape: tuple[int, ...]) -> None:
        self.folder, self.shape = folder, shape
        self.checksum = 0
        folder.parent.mkdir(parents=True, exist_ok=True)
        if shutil.disk_usage(folder.parent).free < _size(shape) + _SPARE_DISK:
            raise OSError(errno.ENOSPC, "too little space left on the disk")
        self.aside = Path(mkdtemp(prefix=".building-", dir=folder.parent))
        try:
            self.file = (self.aside / "images.npy").open("wb")
            np.lib.format.write_array_header_1_0(
                self.file, {"descr": "|u1", "fortran_order": False, "shape": shape}
            )
        except BaseException:
            shutil.rmtree(self.aside, ignore_errors=True)
            raise

    def write(self, images: np.ndarray) -> None:
        data = np.ascontiguousarray(images, dtype=np.uint8)
        self.checksum = zlib.crc32(data.data, self.checksum)
        self.file.write(data.data)

    def finish(self, record: Record) -> None:
        """Rename the entry to its final name."""
        self.file.close()
        about = {"format": FORMAT, "shape": self.shape, "checksum": self.checksum}
        about |= vars(record)
        (self.aside / "about.json").write_text(json.dumps(about), encoding="utf-8")
        try:
            os.rename(self.aside, self.folder)
        except OSError:
            # Another process was faster. Its entry is used, or removed if it is damaged.
            if _open(self.folder, self.shape) is None:
                os.rename(self.aside, self.folder)

    def close(self) -> None:
        with suppress(OSError):
            self.file.close()
        shutil.rmtree(self.aside, ignore_errors=True)


def _open(folder: Path, shape: tuple[int, ...]) -> Pixels | None:
    """Return a complete entry, or None; remove a damaged one."""
    images_path, about_path = folder / "images.npy", folder / "about.json"
    try:
        about = json.loads(about_path.read_text(encoding="utf-8"))
        if about["format"] != FORMAT or tuple(about["shape"]) != tuple(shape):
            raise ValueError("another format")
        # "c" (copy on write) because TensorFlow shares the memory of writeable arrays only.
        images = np.load(images_path, mmap_mode="c", allow_pickle=False)
        digests = tuple(map(str, about["digests"]))
        if images.dtype != np.uint8 or images.shape != tuple(shape) or len(digests) != shape[0]:
            raise ValueError("another shape")
        status = images_path.stat()
        seen = (str(images_path), status.st_size, status.st_mtime_ns)
        if seen not in _verified:
            if _checksum(images) != about["checksum"]:
                raise ValueError("damaged")
            _verified.add(seen)
        unreadable = {int(row): str(reason) for row, reason in about["unreadable"].items()}
        record = Record(digests, unreadable, tuple(about["ids"]), tuple(about["labels"]))
    except FileNotFoundError:
        if folder.is_dir():
            _remove(folder)
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        _remove(folder)
        return None
    with suppress(OSError):
        os.utime(about_path)  # records when the entry was last used
    return Pixels(**vars(record), images=images)


def _checksum(images: np.ndarray) -> int:
    checksum = 0
    for start in range(0, len(images), 256):
        checksum = zlib.crc32(images[start : start + 256].data, checksum)
    return checksum


def _remove(folder: Path) -> None:
    with suppress(OSError):
        files.remove_atomic(folder)


def _prune(keep: Path) -> None:
    """Remove the least recently used entries, and temporary folders left by crashes."""
    entries: list[tuple[float, int, Path]] = []
    total = 0
    with suppress(OSError):
        for folder in decoded_root().iterdir():
            with suppress(OSError):
                if folder.name.startswith("."):
                    if time.time() - folder.stat().st_mtime > 86_400:
                        shutil.rmtree(folder, ignore_errors=True)
                    continue
                size = (folder / "images.npy").stat().st_size
                used = (folder / "about.json").stat().st_mtime
                total += size
                if folder != keep:
                    entries.append((used, size, folder))
    for _, size, folder in sorted(entries):
        if total <= LARGEST_CACHE:
            break
        _remove(folder)
        total -= size
