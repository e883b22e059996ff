"""CIFAR-10: 60,000 photographs of 32×32 pixels, ten classes.

The images stay at 32×32 in memory (184 MB) and are enlarged batch by batch. All of them at
once as floats of 128×128 would take 9.8 GB (lesson 02).
"""

from __future__ import annotations

import hashlib
import io
import pickle
import sys
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from course_utils import settings, validate
from course_utils.datasets import _cache, _download, _splits
from course_utils.datasets._image_dataset import ImageDataset, make_dataset
from course_utils.datasets._options import LoadOptions
from course_utils.datasets._source import DownloadSource
from course_utils.exceptions import MissingData
from course_utils.progress import progress_bar

CLASS_NAMES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)

_TRAINING, _TEST = 50_000, 10_000
_VALIDATION = 5_000
_SIDE = 32

#: MD5 of each file of the archive, as its authors' page and other libraries give them. A file is
#: unpickled only if it matches, since unpickling can run code.
_BATCHES = {
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}

_INNER = "cifar-10-batches-py"

#: One image as it is read: id, class index, digest, picture.
_Example = tuple[str, int, str, Image.Image]


@dataclass(frozen=True, kw_only=True)
class Cifar10(DownloadSource):
    """The dataset, from the copy of Keras or from an archive of JPEG files in COURSE_DATA."""

    def locate(self) -> Path | None:
        """Return the path of the dataset on this machine: Keras's folder or the archive."""
        for path in _keras_folders():
            if _is_complete(path):
                return path
        root = settings.data_root()
        packed = root / self.content if root is not None else None
        return packed if packed is not None and packed.is_file() else None

    def load(self, options: LoadOptions) -> ImageDataset:
        """Load 45,000 training, 5,000 validation (500 of each class) and 10,000 test images."""
        validate.choice("color_mode", options.color_mode, ("rgb",))
        path = self.locate()
        if path is None:
            raise MissingData(self.missing())
        # Images that are enlarged are stored at their own size; others are shrunk once.
        size = (_SIDE, _SIDE) if min(options.image_size) >= _SIDE else options.image_size
        pixels = _read(path, size)
        labels = np.array(pixels.labels, np.int32)
        is_test = np.array([id_.startswith("test/") for id_ in pixels.ids])
        pool, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
        carved = _splits.carve(
            [pixels.ids[i] for i in pool],
            labels[pool],
            [pixels.digests[i] for i in pool],
            CLASS_NAMES,
            {"validation": _VALIDATION / _TRAINING},
            options.seed,
        )
        rows = {split: pool[positions] for split, positions in carved.items()} | {"test": test}
        return make_dataset(pixels, pixels.ids, labels, rows, options, **self.about)

    def download(self, url: str | None = None) -> Path:
        """Download the dataset to the folder of ``keras.datasets``, and return that folder."""

        def unpack(packed: Path, aside: Path) -> None:
            _download.unpack_tar(packed, aside / _INNER, self.prefix)

        target, archive = self.downloaded_paths()
        return _download.obtain(
            self.at(url).archive,
            target,
            unpack,
            is_complete=lambda path: _is_complete(path / _INNER),
            keep_archive_as=archive,  # without it Keras downloads the archive again
        )

    def downloaded_paths(self) -> tuple[Path, ...]:
        """Return the files and folders that :meth:`download` makes."""
        datasets = settings.keras_home() / "datasets"
        return datasets / f"{_INNER}-target", datasets / f"{_INNER}-target_archive"


def _keras_folders() -> list[Path]:
    """Return the folders where Keras stores the dataset: that of newer versions, then of older."""
    datasets = settings.keras_home() / "datasets"
    return [datasets / f"{_INNER}-target" / _INNER, datasets / _INNER]


def _is_complete(path: Path) -> bool:
    return all((path / name).is_file() for name in _BATCHES)


def _read(path: Path, size: tuple[int, int]) -> _cache.Pixels:
    """Return the images of either copy, from the cache where they are in it."""
    files = [path / name for name in _BATCHES] if path.is_dir() else [path]
    stamps = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    total = _TRAINING + _TEST

    def build(write: _cache.Write) -> _cache.Record:
        ids: list[str] = []
        labels: list[int] = []
        digests: list[str] = []
        examples = _from_batches(path) if path.is_dir() else _from_tar(path)
        with progress_bar(
            total, "reading cifar10", unit=" images", delay=2, file=sys.stderr
        ) as bar:
            for id_, label, digest, picture in examples:
                ids.append(id_)
                labels.append(label)
                digests.append(digest)
                if picture.size != (size[1], size[0]):
                    picture = picture.resize((size[1], size[0]), Image.Resampling.BILINEAR)
                write(np.asarray(picture, np.uint8)[None])
                bar.update()
        if sum(id_.startswith("train/") for id_ in ids) != _TRAINING or len(ids) != len(set(ids)):
            raise MissingData(
                f"{path} holds {len(ids):,} images, not the {total:,} of CIFAR-10; copy it again."
            )
        return _cache.Record(tuple(digests), ids=tuple(ids), labels=tuple(labels))

    key = _cache.key_of("cifar10", str(path), size, stamps)
    return _cache.load_or_build(key, (total, *size, 3), build, label="cifar10")


def _from_batches(path: Path) -> Iterator[_Example]:
    """Yield the images of Keras's copy."""
    number = {"train": 0, "test": 0}
    for name, md5 in _BATCHES.items():
        data = (path / name).read_bytes()
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != md5:
            raise MissingData(
                f"{path / name} is damaged (its checksum differs); remove {path.parent} and "
                f"get the set again with 'course data get cifar10'."
            )
        batch = pickle.loads(data, encoding="bytes")
        split = "test" if name == "test_batch" else "train"
        images = batch[b"data"].reshape(-1, 3, _SIDE, _SIDE).transpose(0, 2, 3, 1)
        for label, image in zip(batch[b"labels"], images, strict=True):
            id_ = f"{split}/{number[split]:05d}"
            yield id_, label, _digest(image.tobytes()), Image.fromarray(image)
            number[split] += 1


def _from_tar(path: Path) -> Iterator[_Example]:
    """Yield the images of an archive of JPEG files, ``cifar10/SPLIT/CLASS/NNNN.jpg``."""
    try:
        with tarfile.open(path, "r:gz") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isfile() else None
                if content is None or not member.name.endswith(".jpg"):
                    continue
                _, split, class_name, name = member.name.split("/")
                data = content.read()
                with Image.open(io.BytesIO(data)) as picture:
                    yield (
                        f"{split}/{class_name}/{name}",
                        CLASS_NAMES.index(class_name),
                        _digest(data),
                        picture.convert("RGB"),
                    )
    except (tarfile.TarError, EOFError, zlib.error, ValueError, UnidentifiedImageError) as error:
        raise MissingData(
            f"{path} is damaged or is not the archive of CIFAR-10 ({error}); copy it again."
        ) from None


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


SOURCE = Cifar10(
    name="cifar10",
    title="small photographs of animals and vehicles",
    images=_TRAINING + _TEST,
    class_names=CLASS_NAMES,
    license="none stated; made for research by A. Krizhevsky, V. Nair and G. Hinton",
    has_image_files=False,
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",  # the University of Toronto
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",  # as Keras checks it
    size=170_498_071,
    prefix=_INNER,
    content="cifar10-jpeg.tar.gz",
)
