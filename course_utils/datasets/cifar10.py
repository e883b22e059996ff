"""CIFAR-10: 60,000 photographs of 32×32 pixels, ten classes.

The images stay at 32×32 in memory (184 MB); where larger ones are asked for, each batch is enlarged
when it is its turn. Blown up to 128×128 floats at once they would take 9.8 GB (lesson 02).
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import pickle
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from tqdm import tqdm

from course_utils import settings, validate
from course_utils.datasets import _cache, _download, _splits
from course_utils.datasets._image_dataset import ImageDataset, Part, PixelStore
from course_utils.datasets._source import Source
from course_utils.exceptions import MissingData

CLASS_NAMES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

#: The archive of the University of Toronto, with the digest that Keras checks.
ARCHIVE = _download.Archive(
    name="cifar10",
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    size=170_498_071,
    instead=(
        "try again later, or set COURSE_DATA to a folder that holds cifar10-jpeg.tar.gz; "
        "the lessons work with paper_flowers too."
    ),
)

_TRAINING, _TEST = 50_000, 10_000
_VALIDATION = 5_000
_SIDE = 32

#: MD5 of each file of the archive, as its authors' page and other libraries give them. A file is
#: unpickled only if it matches, since unpickling runs what a file says.
_BATCHES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}

_INNER = "cifar-10-batches-py"
_TITLE = "small photographs of animals and vehicles"
_LICENCE = "none stated; made for research by A. Krizhevsky, V. Nair and G. Hinton"


def _keras_folders() -> list[Path]:
    """Return where Keras keeps the set: newer versions in the first, older ones in the second."""
    datasets = settings.keras_home() / "datasets"
    return [datasets / f"{_INNER}-target" / _INNER, datasets / _INNER]


def _is_whole(path: Path) -> bool:
    return all((path / name).is_file() for name in _BATCHES)


def locate() -> Path | None:
    """Return where the set is on this machine: Keras's copy, or the tar in COURSE_DATA."""
    for path in _keras_folders():
        if _is_whole(path):
            return path
    root = settings.data_root()
    packed = root / "cifar10-jpeg.tar.gz" if root is not None else None
    return packed if packed is not None and packed.is_file() else None


def read(*, image_size: Any, batch_size: Any, seed: Any, color_mode: str = "rgb") -> ImageDataset:
    """Load the set: 45,000 training, 5,000 validation (500 of each class), 10,000 test images."""
    validate.choice("color_mode", color_mode, ("rgb",))
    size, batch, number = (
        validate.image_size(image_size),
        validate.batch_size(batch_size),
        validate.seed(seed),
    )
    path = locate()
    if path is None:
        raise MissingData(
            "cifar10 is not on this machine; get it with 'course data get cifar10' (170 MB), or "
            "set COURSE_DATA to a folder that holds cifar10-jpeg.tar.gz."
        )
    build = _from_batches(path) if path.is_dir() else _from_tar(path)
    stamps = [
        (one.name, one.stat().st_size, one.stat().st_mtime_ns)
        for one in ([path / name for name in _BATCHES] if path.is_dir() else [path])
    ]
    # Images are kept as they are where they are to be enlarged, and shrunk once otherwise.
    kept = (_SIDE, _SIDE) if min(size) >= _SIDE else size
    key = _cache.key_of("cifar10", str(path), kept, stamps)
    total = _TRAINING + _TEST
    pixels = _cache.load_or_build(
        key, (total, *kept, 3), lambda write: build(write, kept), label="cifar10"
    )
    ids, labels = pixels.ids, np.array(pixels.labels, np.int32)
    is_test = np.array([one.startswith("test/") for one in ids])
    pool, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    carved = _splits.carve(
        [ids[i] for i in pool],
        labels[pool],
        [pixels.digests[i] for i in pool],
        CLASS_NAMES,
        {"validation": _VALIDATION / _TRAINING},
        number,
    )
    rows = {"train": pool[carved["train"]], "validation": pool[carved["validation"]], "test": test}
    return ImageDataset(
        name="cifar10",
        class_names=CLASS_NAMES,
        image_size=size,
        channels=3,
        batch_size=batch,
        seed=number,
        title=_TITLE,
        licence=_LICENCE,
        _store=PixelStore(pixels.images, pixels.digests),
        _parts={
            split: Part(tuple(ids[i] for i in rows[split]), rows[split], labels[rows[split]])
            for split in _splits.SPLITS
        },
    )


_Build = Callable[[_cache.Write, tuple[int, int]], _cache.Built]


def _from_batches(path: Path) -> _Build:
    """Return how to read Keras's copy."""

    def build(write: _cache.Write, size: tuple[int, int]) -> _cache.Built:
        ids: list[str] = []
        labels: list[int] = []
        digests: list[str] = []
        for name, md5 in _BATCHES.items():
            data = (path / name).read_bytes()
            if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
                raise MissingData(
                    f"{path / name} is damaged (its checksum differs); remove {path.parent} and "
                    f"get the set again with 'course data get cifar10'."
                )
            batch = pickle.loads(data, encoding="bytes")
            split = "test" if name == "test_batch" else "train"
            first = 0 if split == "test" else len(ids)
            ids += [f"{split}/{first + at:05d}" for at in range(len(batch[b"labels"]))]
            labels += batch[b"labels"]
            images = batch[b"data"].reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
            digests += [_digest(image.tobytes()) for image in images]
            write(np.stack([_shrunk(Image.fromarray(image), size) for image in images]))
        return _cache.Built(tuple(digests), ids=tuple(ids), labels=tuple(labels))

    return build


def _from_tar(path: Path) -> _Build:
    """Return how to read the archive of JPEG files, ``cifar10/SPLIT/CLASS/NNNN.jpg``."""

    def build(write: _cache.Write, size: tuple[int, int]) -> _cache.Built:
        ids: list[str] = []
        labels: list[int] = []
        digests: list[str] = []
        try:
            with (
                tarfile.open(path, "r:gz") as tar,
                tqdm(total=_TRAINING + _TEST, desc="reading cifar10", delay=2, leave=False) as bar,
            ):
                for member in tar:
                    content = tar.extractfile(member) if member.isfile() else None
                    if content is None or not member.name.endswith(".jpg"):
                        continue
                    _, split, kind, name = member.name.split("/")
                    data = content.read()
                    ids.append(f"{split}/{kind}/{name}")
                    labels.append(CLASS_NAMES.index(kind))
                    digests.append(_digest(data))
                    with Image.open(io.BytesIO(data)) as picture:
                        write(_shrunk(picture.convert("RGB"), size)[None])
                    bar.update()
        except (
            tarfile.TarError,
            EOFError,
            zlib.error,
            ValueError,
            UnidentifiedImageError,
        ) as error:
            raise MissingData(
                f"{path} is damaged or is not the archive of CIFAR-10 ({error}); copy it again."
            ) from None
        if sum(one.startswith("train/") for one in ids) != _TRAINING or len(ids) != len(set(ids)):
            raise MissingData(
                f"{path} holds {len(ids):,} images, not the {_TRAINING + _TEST:,} of CIFAR-10; "
                f"copy it again."
            )
        return _cache.Built(tuple(digests), ids=tuple(ids), labels=tuple(labels))

    return build


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _shrunk(picture: Image.Image, size: tuple[int, int]) -> np.ndarray:
    if picture.size != (size[1], size[0]):
        picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(picture, np.uint8)


def fetch(*, url: str | None = None, archive: _download.Archive = ARCHIVE) -> Path:
    """Download the set to where ``keras.datasets`` keeps it, and return that folder."""
    if url is not None:
        archive = dataclasses.replace(archive, url=url)
    datasets = settings.keras_home() / "datasets"

    def unpack(packed: Path, aside: Path) -> None:
        _download.unpack_tar(packed, aside / _INNER, _INNER)

    return _download.obtain(
        archive,
        datasets / f"{_INNER}-target",
        unpack,
        is_whole=lambda path: _is_whole(path / _INNER),
        # Keras wants the archive beside what it unpacked, else it downloads it again.
        keep_archive_as=datasets / f"{_INNER}-target_archive",
    )


def made() -> tuple[Path, ...]:
    """Return what a download makes."""
    datasets = settings.keras_home() / "datasets"
    return datasets / f"{_INNER}-target", datasets / f"{_INNER}-target_archive"


SOURCE = Source(
    name="cifar10",
    title=_TITLE,
    images=_TRAINING + _TEST,
    classes=len(CLASS_NAMES),
    licence=_LICENCE,
    how="course data get cifar10 (170 MB), or COURSE_DATA with cifar10-jpeg.tar.gz in it",
    locate=locate,
    read=read,
    fetch=fetch,
    made=made,
)
