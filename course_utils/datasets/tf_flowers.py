"""tf_flowers: 3,670 photographs of five kinds of flowers."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils import settings, validate
from course_utils.datasets import _cache, _download, _source, _splits, decoding
from course_utils.datasets._image_dataset import ImageDataset, make_dataset
from course_utils.datasets._options import LoadOptions
from course_utils.exceptions import MissingData

#: In the order of TensorFlow Datasets.
CLASS_NAMES = ("dandelion", "daisy", "tulips", "sunflowers", "roses")

#: Number of photographs of each class.
COUNTS: Mapping[str, int] = dict(zip(CLASS_NAMES, (898, 633, 799, 699, 641), strict=True))

_TFDS_VERSION = "3.0.1"


@dataclass(frozen=True, kw_only=True)
class TfFlowers(_source.PhotoFolder):
    """The dataset, from its folder of photographs or as TensorFlow Datasets prepared it."""

    def is_complete(self, path: Path) -> bool:
        """Return whether a folder holds all photographs."""
        counts = _download.count_files(path)
        return all(counts.get(name) == number for name, number in COUNTS.items())

    def incomplete(self) -> str:
        """Return a remark on an incomplete copy on this machine, or nothing."""
        for root in _source.roots():
            counts = _download.count_files(root / self.content)
            if counts:
                number = sum(counts.get(name, 0) for name in CLASS_NAMES)
                return (
                    f" ({root / self.content} holds {number:,} photographs, not the "
                    f"{self.images:,} of the whole set)"
                )
        return ""

    def locate(self) -> Path | None:
        """Return where a complete copy is on this machine, or None."""
        return self.image_folder() or _prepared_folder()

    def load(self, options: LoadOptions) -> ImageDataset:
        """Load the dataset from this machine: 80 % training, 10 % validation, 10 % test."""
        prepared = _prepared_folder()
        if prepared is None or self.image_folder() is not None:
            return super().load(options)
        validate.choice("color_mode", options.color_mode, ("rgb",))
        pixels = _read_prepared(prepared, options.image_size)
        labels = np.array(pixels.labels, np.int32)
        rows = _splits.carve(
            pixels.ids, labels, pixels.digests, CLASS_NAMES, options.shares, options.seed
        )
        return make_dataset(pixels, pixels.ids, labels, rows, options, **self.about)


def _prepared_folder() -> Path | None:
    """Return the folder in which TensorFlow Datasets has prepared the dataset, or None."""
    path = settings.tfds_home() / "tf_flowers" / _TFDS_VERSION
    return path if (path / "dataset_info.json").is_file() else None


def _read_prepared(path: Path, size: tuple[int, int]) -> _cache.Pixels:
    """Decode what TensorFlow Datasets has prepared; ids are numbers in its order."""
    import tensorflow_datasets as tfds

    builder = tfds.builder_from_directory(str(path))
    names = tuple(builder.info.features["label"].names)
    total = int(builder.info.splits["train"].num_examples)
    if set(names) != set(CLASS_NAMES) or total != sum(COUNTS.values()):
        raise MissingData(
            f"The tf_flowers that TensorFlow Datasets has prepared in {path} holds {total:,} "
            f"photographs of {len(names)} classes, not {sum(COUNTS.values()):,} of "
            f"{len(CLASS_NAMES)}; remove that folder and prepare it again."
        )

    def build(write: _cache.Write) -> _cache.Record:
        digests: list[str] = []
        labels: list[int] = []
        undecoded = {"image": tfds.decode.SkipDecoding()}
        examples = builder.as_dataset(split="train", decoders=undecoded, shuffle_files=False)
        for example in examples.as_numpy_iterator():
            digests.append(hashlib.blake2b(example["image"], digest_size=16).hexdigest())
            labels.append(CLASS_NAMES.index(names[example["label"]]))
            write(decoding.to_array(example["image"], size, 3)[None])
        ids = tuple(f"{row:04d}" for row in range(total))
        return _cache.Record(tuple(digests), ids=ids, labels=tuple(labels))

    stamp = (path / "dataset_info.json").stat()
    key = _cache.key_of("tf_flowers, prepared", str(path), size, stamp.st_size, stamp.st_mtime_ns)
    return _cache.load_or_build(key, (total, *size, 3), build, label="tf_flowers")


SOURCE = TfFlowers(
    name="tf_flowers",
    title="photographs of five kinds of flowers",
    images=sum(COUNTS.values()),
    class_names=CLASS_NAMES,
    license="CC BY 2.0, photographers named in LICENSE.txt of the archive",
    url="https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz",
    sha256="4c54ace7911aaffe13a365c34f650e71dd5bf1be0a58b464e5a7183e3e595d9c",  # as tfds checks it
    size=228_813_984,
    prefix="flower_photos",
    content="flower_photos",
)
