"""tf_flowers: 3,670 photographs of five kinds of flowers."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import settings, validate
from course_utils.datasets import _cache, _download, _source, _splits, decoding, folder
from course_utils.datasets._image_dataset import ImageDataset, Part, PixelStore
from course_utils.exceptions import MissingData

#: In the order of TensorFlow Datasets.
CLASS_NAMES = ("dandelion", "daisy", "tulips", "sunflowers", "roses")

#: Number of photographs of each class.
COUNTS: Mapping[str, int] = {
    "dandelion": 898,
    "daisy": 633,
    "tulips": 799,
    "sunflowers": 699,
    "roses": 641,
}

#: The archive of the TensorFlow team. The digest is the one that TensorFlow Datasets checks.
ARCHIVE = _download.Archive(
    name="tf_flowers",
    url="https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
    sha256="4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",
    size=228_813_984,
    instead=(
        "try again later, or set COURSE_DATA to a folder that holds flower_photos; "
        "the lessons work with paper_flowers too."
    ),
)

_TFDS_VERSION = "3.0.1"
_TITLE = "photographs of five kinds of flowers"
_LICENCE = "CC BY 2.0, photographers named in LICENSE.txt of the archive"


def photo_folder() -> Path | None:
    """Return the folder with all photographs, or None where no whole one is on this machine."""
    for root in _source.roots():
        if _is_whole(root / "flower_photos"):
            return root / "flower_photos"
    return None


def _is_whole(path: Path) -> bool:
    counts = _download.count_files(path)
    return all(counts.get(name) == number for name, number in COUNTS.items())


def prepared_folder() -> Path | None:
    """Return the folder in which TensorFlow Datasets has prepared the set already, or None."""
    path = settings.tfds_home() / "tf_flowers" / _TFDS_VERSION
    return path if (path / "dataset_info.json").is_file() else None


def locate() -> Path | None:
    """Return where the set is on this machine, or None."""
    return photo_folder() or prepared_folder()


def read(
    *, image_size: Any, batch_size: Any, seed: Any, color_mode: str = "rgb", quiet: bool = True
) -> ImageDataset:
    """Load the set from this machine: 80 % training, 10 % validation, 10 % test."""
    path = photo_folder()
    if path is not None:
        return folder.load_folder(
            folder.scan(path),
            image_size=image_size,
            batch_size=batch_size,
            seed=seed,
            color_mode=color_mode,
            name="tf_flowers",
            title=_TITLE,
            licence=_LICENCE,
            class_names=CLASS_NAMES,
            quiet=quiet,
        )
    prepared = prepared_folder()
    if prepared is not None:
        validate.choice("color_mode", color_mode, ("rgb",))
        return _read_prepared(prepared, image_size, batch_size, seed)
    raise MissingData(
        f"tf_flowers is not on this machine{_half_set()}; get it with 'course data get tf_flowers' "
        f"(229 MB), or set COURSE_DATA to a folder that holds all of flower_photos."
    )


def _half_set() -> str:
    for root in _source.roots():
        counts = _download.count_files(root / "flower_photos")
        if counts:
            number = sum(counts.get(name, 0) for name in CLASS_NAMES)
            return (
                f" ({root / 'flower_photos'} holds {number:,} photographs, not the "
                f"{sum(COUNTS.values()):,} of the whole set)"
            )
    return ""


def _read_prepared(path: Path, image_size: Any, batch_size: Any, seed: Any) -> ImageDataset:
    """Load what TensorFlow Datasets has prepared; ids are numbers in its order."""
    import tensorflow_datasets as tfds

    size, batch, number = (
        validate.image_size(image_size),
        validate.batch_size(batch_size),
        validate.seed(seed),
    )
    builder = tfds.builder_from_directory(str(path))
    features = builder.info.features
    names = tuple(features["label"].names)
    total = int(builder.info.splits["train"].num_examples)
    if set(names) != set(CLASS_NAMES) or total != sum(COUNTS.values()):
        raise MissingData(
            f"The tf_flowers that TensorFlow Datasets has prepared in {path} holds {total:,} "
            f"photographs of {len(names)} classes, not {sum(COUNTS.values()):,} of "
            f"{len(CLASS_NAMES)}; remove that folder and prepare it again."
        )
    stamp = (path / "dataset_info.json").stat()
    key = _cache.key_of("tfds", str(path), size, stamp.st_size, stamp.st_mtime_ns)

    def build(write: _cache.Write) -> _cache.Built:
        digests: list[str] = []
        labels: list[int] = []
        undecoded = {"image": tfds.decode.SkipDecoding()}
        examples = builder.as_dataset(split="train", decoders=undecoded, shuffle_files=False)
        for example in examples.as_numpy_iterator():
            digests.append(hashlib.blake2b(example["image"], digest_size=16).hexdigest())
            labels.append(CLASS_NAMES.index(names[example["label"]]))
            write(decoding.to_array(example["image"], size, 3)[None])
        return _cache.Built(tuple(digests), labels=tuple(labels))

    pixels = _cache.load_or_build(key, (total, *size, 3), build, label="tf_flowers")
    labels = np.array(pixels.labels, np.int32)
    ids = [f"{row:04d}" for row in range(total)]
    parts = _splits.carve(
        ids, labels, pixels.digests, CLASS_NAMES, {"test": 0.1, "validation": 0.1}, number
    )
    return ImageDataset(
        name="tf_flowers",
        class_names=CLASS_NAMES,
        image_size=size,
        channels=3,
        batch_size=batch,
        seed=number,
        title=_TITLE,
        licence=_LICENCE,
        _store=PixelStore(pixels.images, pixels.digests),
        _parts={
            split: Part(tuple(ids[i] for i in parts[split]), parts[split], labels[parts[split]])
            for split in _splits.SPLITS
        },
    )


def fetch(
    *,
    url: str | None = None,
    archive: _download.Archive = ARCHIVE,
) -> Path:
    """Download the set into ``data/downloads/flower_photos``, and return that folder."""
    if url is not None:
        archive = dataclasses.replace(archive, url=url)

    def unpack(packed: Path, aside: Path) -> None:
        _download.unpack_tar(packed, aside, "flower_photos")

    target = settings.downloads_root() / "flower_photos"
    return _download.obtain(archive, target, unpack, is_whole=_is_whole)


def made() -> tuple[Path, ...]:
    """Return what a download makes."""
    return (settings.downloads_root() / "flower_photos",)


SOURCE = _source.Source(
    name="tf_flowers",
    title=_TITLE,
    images=sum(COUNTS.values()),
    classes=len(CLASS_NAMES),
    licence=_LICENCE,
    how="course data get tf_flowers (229 MB), or COURSE_DATA with flower_photos in it",
    locate=locate,
    read=read,
    fetch=fetch,
    image_folder=photo_folder,
    made=made,
)
