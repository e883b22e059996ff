"""Decoded pictures, kept on disk so that they are decoded once.

``work/cache/decoded/KEY/`` holds ``images.npy`` (uint8, one row per file) and ``about.json`` (ids,
digests, unreadable files, checksum). KEY depends on the folder, on each file's name, size and
times, on the image size and the channels, and on the format of the cache, so that a changed file or
another image size never meets an old cache. An entry is written aside and then renamed, so several
processes can build the same one. The pictures are mapped into memory, not read: the operating
system keeps them in memory where they fit, and TensorFlow reads them without a copy.
"""

from __future__ import annotations

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

from course_utils import settings, validate
from course_utils.datasets import bit_depth, decoding
from course_utils.datasets._image_dataset import aligned
from course_utils.exceptions import InvalidInput

#: Raised whenever decoding or the layout of an entry changes, so that older entries are not used.
FORMAT = 2

#: Entries beyond this many bytes in all are removed, the longest unused first.
LARGEST_CACHE = 6 * 2**30

_SPARE_DISK = 200 * 2**20  # left free for others
_verified: set[tuple[str, int, int]] = set()  # entries whose checksum this process has seen right


@dataclass(frozen=True)
class Pixels:
    """The decoded pictures of a source.

    Attributes
    ----------
    images : ndarray of uint8, shape (N, height, width, channels)
        One row per file that was found; the rows of unreadable files are black.
    digests : tuple of str
        One digest of the content per row, empty where the file could not be read.
    unreadable : dict of int to str
        Row and reason of each file that could not be decoded.
    ids, labels : tuple
        One per row, for sources that learn them only while they are read; else empty.
    """

    images: np.ndarray
    digests: tuple[str, ...]
    unreadable: dict[int, str]
    ids: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()


@dataclass(frozen=True)
class Built:
    """What is kept beside the pictures of an entry.

    Attributes
    ----------
    digests : tuple of str
        One digest of the content per row.
    unreadable : dict of int to str
        Row and reason of each file that could not be decoded.
    ids, labels : tuple
        One per row, for sources that learn them only while they are read.
    lasting : bool
        Whether the entry may be kept; not where a reason may be gone the next time.
    """

    digests: tuple[str, ...]
    unreadable: dict[int, str] = field(default_factory=dict)
    ids: tuple[str, ...] = ()
    labels: tuple[int, ...] = ()
    lasting: bool = True


#: A function that takes the next pictures, uint8 (n, height, width, channels).
Write = Callable[[np.ndarray], None]


def decoded_root() -> Path:
    """Return the folder of the decoded pictures."""
    return settings.cache_root() / "decoded"


def key_of(*parts: object, files: Iterable[decoding.ImageFile] = ()) -> str:
    """Return a name for the cache entry that depends on `parts` and on each file's stamp."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(repr((FORMAT, *parts)).encode())
    for file in files:
        digest.update(repr((file.id, file.stamp)).encode())
    return digest.hexdigest()


def pixels(
    files: Sequence[decoding.ImageFile],
    image_size: tuple[int, int],
    channels: int,
    *,
    label: str,
    root: Path,
    keep_unreadable: bool = False,
    scales: bit_depth.Scales | None = None,
) -> Pixels:
    """Return the decoded pictures of `files`, from the cache where they are there.

    Parameters
    ----------
    files : sequence of ImageFile
        What to decode, in this order.
    image_size : tuple of int
        Height and width in pixels.
    channels : int
        3 for RGB, 1 for grayscale.
    label : str
        Name of the dataset, for the progress bar and messages.
    root : Path
        The dataset's folder.
    keep_unreadable : bool
        Whether files that cannot be decoded are passed over (else they are an error).
    scales : mapping of kind to (low, high), optional
        The scales of pictures of more than 8 bits; by default found from the values of all.

    Returns
    -------
    Pixels

    Raises
    ------
    InvalidInput
        If files cannot be decoded, or if there is room for the pictures neither on disk nor in
        memory.
    """
    key = key_of(str(root), image_size, channels, sorted((scales or {}).items()), files=files)

    def build(write: Write) -> Built:
        digests: list[str] = []
        unreadable: dict[int, str] = {}
        lasting = True
        blank = np.zeros((*image_size, channels), np.uint8)
        common = scales or common_scales(files, root)
        for chunk in decoding.decode_all(files, image_size, channels, label, common):
            for one in chunk:
                if one.image is None:
                    unreadable[len(digests)] = one.reason or "cannot be read"
                    lasting = lasting and not one.passing
                digests.append(one.digest)
            write(np.stack([blank if one.image is None else one.image for one in chunk]))
        if unreadable and not keep_unreadable:
            raise InvalidInput(refusal({files[i].id: why for i, why in unreadable.items()}, root))
        return Built(tuple(digests), unreadable, lasting=lasting)

    return load_or_build(key, (len(files), *image_size, channels), build, label=label)


def common_scales(files: Sequence[decoding.ImageFile], root: Path) -> dict[str, tuple]:
    """Return one scale for all pictures of a kind beyond 8 bits.

    Raises
    ------
    InvalidInput
        If it is not clear from their values.
    """
    scales = {}
    for kind, extent in decoding.extents(files).items():
        scale = extent.scale()
        if scale is None:
            number = extent.number
            raise InvalidInput(
                validate.printable(
                    f"{number:,} image{'s' * (number != 1)} in {root} (such as {extent.example}) "
                    f"{'have' if number != 1 else 'has'} {extent.words()}, all of them alike."
                )
            )
        scales[kind] = scale
    return scales


def refusal(unreadable: dict[str, str], root: Path) -> str:
    """Return the sentence that names files which cannot be read."""
    named = [f"{name} {reason}" for name, reason in unreadable.items()]
    number = len(named)
    return validate.printable(
        f"{number} file{'s' * (number != 1)} in {root} cannot be used: "
        f"{'; '.join(named[:5])}{f'; and {number - 5} more' if number > 5 else ''}. Mend or remove "
        f'{"it" if number == 1 else "them"}, or give unreadable="skip" to go on without.'
    )


def load_or_build(
    key: str,
    shape: tuple[int, ...],
    build: Callable[[Write], Built],
    *,
    label: str,
) -> Pixels:
    """Return the entry `key`, or have `build` make it and keep it.

    Parameters
    ----------
    key : str
        Name of the entry.
    shape : tuple of int
        Shape of all pictures together (N, height, width, channels).
    build : callable
        Is given a function that takes the pictures in order, in pieces of any length, and returns
        what is to be kept beside them.
    label : str
        Name of the dataset, for messages.

    Returns
    -------
    Pixels
    """
    folder = decoded_root() / key
    found = _open(folder, shape)
    if found is not None:
        return found

    size = int(np.prod(shape, dtype=np.int64))
    memory: np.ndarray | None = None
    available = _available_memory()
    if size <= available // 4:
        memory = aligned(shape)
    problem: OSError | None = None
    entry: _Entry | None = None
    try:
        entry = _Entry(folder, shape)
    except OSError as error:
        problem = error
        if memory is None and size <= available // 2:
            memory = aligned(shape)
        if memory is None:
            raise InvalidInput(_no_room(label, size, folder, error)) from None

    done = 0

    def write(images: np.ndarray) -> None:
        nonlocal done, problem
        if memory is not None:
            memory[done : done + len(images)] = images
        done += len(images)
        if entry is not None and problem is None:
            try:
                entry.write(images)
            except OSError as error:
                problem = error
                if memory is None:
                    raise InvalidInput(_no_room(label, size, folder, error)) from None

    try:
        built = build(write)
        keep = entry is not None and problem is None and (built.lasting or memory is None)
        if entry is not None and keep:
            try:
                entry.finish(built)
            except OSError as error:
                keep, problem = False, error
        if keep:
            kept = _open(folder, shape)
            if kept is not None:
                _prune(keep=folder)
                return kept
    finally:
        if entry is not None:
            entry.close()
    if problem is not None:
        validate.say(
            f"The decoded images of {label} are kept in memory only, since {folder.parent} cannot "
            f"be written ({problem.strerror or problem}); they are decoded again the next time."
        )
    if memory is None:
        raise InvalidInput(_no_room(label, size, folder, problem))
    return Pixels(memory, built.digests, built.unreadable, built.ids, built.labels)


def _no_room(label: str, size: int, folder: Path, problem: OSError | None) -> str:
    reason = f" ({problem.strerror or problem})" if problem is not None else ""
    return (
        f"The decoded images of {label} take {size / 1e9:.1f} GB, too much for the free memory, "
        f"and {folder.parent} cannot be written{reason}; free some disk space, set COURSE_WORK to "
        f"a folder with room, or choose a smaller image_size."
    )


def _available_memory() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


class _Entry:
    """An entry of the cache while it is written, in a folder of its own beside the final one."""

    def __init__(self, folder: Path, shape: tuple[int, ...]) -> None:
        self.folder, self.shape = folder, shape
        self.checksum = 0
        folder.parent.mkdir(parents=True, exist_ok=True)
        size = int(np.prod(shape, dtype=np.int64))
        if shutil.disk_usage(folder.parent).free < size + _SPARE_DISK:
            import errno

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

    def finish(self, built: Built) -> None:
        """Give the entry its final name."""
        self.file.flush()
        self.file.close()
        about = {
            "format": FORMAT,
            "shape": self.shape,
            "checksum": self.checksum,
            "digests": built.digests,
            "unreadable": built.unreadable,
            "ids": built.ids,
            "labels": built.labels,
        }
        (self.aside / "about.json").write_text(json.dumps(about), encoding="utf-8")
        try:
            os.rename(self.aside, self.folder)
        except OSError:
            # Another process was faster. Its entry is as good as ours, or else it is put aside.
            if _open(self.folder, self.shape) is None:
                os.rename(self.aside, self.folder)

    def close(self) -> None:
        with suppress(OSError):
            self.file.close()
        shutil.rmtree(self.aside, ignore_errors=True)


def _open(folder: Path, shape: tuple[int, ...]) -> Pixels | None:
    """Return a whole entry, or None; a damaged one is removed."""
    images_path, about_path = folder / "images.npy", folder / "about.json"
    try:
        about = json.loads(about_path.read_text(encoding="utf-8"))
        if about["format"] != FORMAT or tuple(about["shape"]) != tuple(shape):
            raise ValueError("another format")
        # "c" (copy on write) because TensorFlow takes over only arrays that are not read-only.
        images = np.load(images_path, mmap_mode="c", allow_pickle=False)
        digests = tuple(str(one) for one in about["digests"])
        if images.dtype != np.uint8 or images.shape != tuple(shape) or len(digests) != shape[0]:
            raise ValueError("another shape")
        status = images_path.stat()
        seen = (str(images_path), status.st_size, status.st_mtime_ns)
        if seen not in _verified:
            if _checksum(images) != about["checksum"]:
                raise ValueError("damaged")
            _verified.add(seen)
        unreadable = {int(row): str(reason) for row, reason in about["unreadable"].items()}
        ids, labels = tuple(about["ids"]), tuple(about["labels"])
    except FileNotFoundError:
        if folder.is_dir():
            _remove(folder)
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError):
        _remove(folder)
        return None
    with suppress(OSError):
        os.utime(about_path)  # remembers when the entry was last used
    return Pixels(images, digests, unreadable, ids, labels)


def _checksum(images: np.ndarray) -> int:
    checksum = 0
    for start in range(0, len(images), decoding._CHUNK):
        checksum = zlib.crc32(images[start : start + decoding._CHUNK].data, checksum)
    return checksum


def _remove(folder: Path) -> None:
    """Take an entry away in one step, so that no other process meets half of it."""
    with suppress(OSError):
        aside = Path(mkdtemp(prefix=".removed-", dir=folder.parent))
        os.replace(folder, aside / "entry")
        shutil.rmtree(aside, ignore_errors=True)


def _prune(keep: Path) -> None:
    """Remove the entries that were not used for longest, and what crashed processes left."""
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
