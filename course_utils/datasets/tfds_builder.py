"""paper_flowers as a dataset of TensorFlow Datasets (lesson 02).

Importing this module makes the name known, so that ``tfds.load`` finds it like any other dataset.
No network is needed: the pictures are those of ``data/paper_flowers``.

>>> import tensorflow_datasets as tfds
>>> from course_utils.datasets import tfds_builder
>>> train = tfds.load(
...     "paper_flowers", split="train", as_supervised=True, data_dir=tfds_builder.data_dir()
... )  # doctest: +ELLIPSIS
Downloading and preparing dataset ...
>>> len(train)
1700
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path

import tensorflow_datasets as tfds

from course_utils import settings
from course_utils.datasets import paper_flowers
from course_utils.exceptions import MissingData


def data_dir() -> str:
    """Return the folder for the copies that TensorFlow Datasets prepares: ``work/cache/tfds``.

    Give it as ``data_dir`` to ``tfds.load``; by default that would write into the home folder.
    """
    return str(settings.cache_root() / "tfds")


def _version() -> tfds.core.Version:
    """Return a version that changes whenever the pictures do.

    TensorFlow Datasets finds a prepared copy by its version. The last number is made of the first
    digits of the SHA-256 of the manifest, which names the SHA-256 of every picture.
    """
    digest = hashlib.sha256((paper_flowers.folder() / "manifest.csv").read_bytes()).hexdigest()
    return tfds.core.Version(f"1.0.{int(digest[:7], 16)}")


class PaperFlowers(tfds.core.GeneratorBasedBuilder):
    """Flowers drawn by the course, with the classes of tf_flowers."""

    VERSION = _version()

    def _info(self) -> tfds.core.DatasetInfo:
        return tfds.core.DatasetInfo(
            builder=self,
            description="Flowers drawn by the course, with the classes of tf_flowers.",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(None, None, 3), encoding_format="jpeg"),
                    "label": tfds.features.ClassLabel(names=list(paper_flowers.CLASSES)),
                }
            ),
            supervised_keys=("image", "label"),
            license="CC0 1.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        del dl_manager  # nothing is downloaded
        return {split: self._generate_examples(split) for split in paper_flowers.COUNTS}

    def _generate_examples(self, split: str) -> Iterator[tuple[str, dict[str, str]]]:
        folder = paper_flowers.folder()
        with (folder / "manifest.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["split"] != split:
                    continue
                path: Path = folder / row["path"]
                if not path.is_file():
                    raise MissingData(
                        f"{path} is missing; restore the pictures with "
                        f"'git checkout -- data/paper_flowers'."
                    )
                yield row["path"], {"image": str(path), "label": row["class"]}


def prepare() -> str:
    """Prepare paper_flowers without a word, where that has not been done; return the folder.

    ``tfds.load`` prepares it too, but prints where, and a dozen progress bars.

    Returns
    -------
    str
        The same as :func:`data_dir`.
    """
    import contextlib
    import io

    builder = PaperFlowers(data_dir=data_dir())
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        builder.download_and_prepare()
    return data_dir()
