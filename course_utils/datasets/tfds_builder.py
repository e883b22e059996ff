"""paper_flowers as a dataset of TensorFlow Datasets (lesson 02).

Importing this module registers the dataset, so that ``tfds.load`` finds it like any other.
No network is needed: the images are those of ``data/paper_flowers``.

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

import hashlib
from collections.abc import Iterator

import tensorflow_datasets as tfds

from course_utils import settings
from course_utils.datasets import _files, paper_flowers


def data_dir() -> str:
    """Return the folder for the copies that TensorFlow Datasets prepares: ``work/cache/tfds``.

    Pass it as ``data_dir`` to ``tfds.load``, which writes into the home folder by default.
    """
    return str(settings.cache_root() / "tfds")


def _version() -> tfds.core.Version:
    """Return a version that changes whenever the images do.

    TensorFlow Datasets finds a prepared copy by its version. The last number is taken from the
    SHA-256 of the manifest, which lists the SHA-256 of every image.
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
        table = paper_flowers.manifest().query("split == @split")
        for path, label in zip(table["path"], table["class"], strict=True):
            image = _files.shipped("paper_flowers", path) / path
            yield path, {"image": str(image), "label": label}


def prepare() -> str:
    """Prepare paper_flowers without output, unless it is prepared already; return the folder.

    ``tfds.load`` prepares it too, but prints the place and a dozen progress bars.

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
