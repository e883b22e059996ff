"""Labelled images for the lessons: load a known dataset by name, or pictures of your own.

First met in lesson 02. TensorFlow is imported only when batches are asked for.
"""

from importlib import import_module
from types import ModuleType

from course_utils.datasets._image_dataset import ImageDataset
from course_utils.datasets._splits import SPLITS
from course_utils.datasets.decoding import decode
from course_utils.datasets.display import displayable
from course_utils.datasets.folder import from_directory
from course_utils.datasets.registry import available, download, image_folder, load, remove
from course_utils.datasets.table import from_csv

__all__ = [
    "SPLITS",
    "ImageDataset",
    "available",
    "decode",
    "displayable",
    "download",
    "from_csv",
    "from_directory",
    "image_folder",
    "load",
    "paper_flowers",
    "remove",
]


def __getattr__(name: str) -> ModuleType:
    if name in ("paper_flowers", "tfds_builder"):  # imported when first used
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"course_utils.datasets has no {name!r}")
