"""Labeled images: load a known dataset by name, or images of your own.

`load` takes the datasets in `registry`, whose docstring says how to add one. `from_directory`
and `from_csv` load a folder or a table. All of them return an `ImageDataset`. `photographs` lists
a folder or table first, to check it before it is loaded.

First used in lesson 02. TensorFlow is imported only when batches are made.
"""

from importlib import import_module
from types import ModuleType

from course_utils.datasets import paper_flowers
from course_utils.datasets._image_dataset import ImageDataset
from course_utils.datasets._splits import SPLITS
from course_utils.datasets.decoding import decode
from course_utils.datasets.display import displayable
from course_utils.datasets.folder import from_directory
from course_utils.datasets.own_photographs import Photographs, photographs
from course_utils.datasets.registry import available, download, image_folder, load, remove
from course_utils.datasets.table import from_csv

__all__ = [
    "SPLITS",
    "ImageDataset",
    "Photographs",
    "available",
    "decode",
    "displayable",
    "download",
    "from_csv",
    "from_directory",
    "image_folder",
    "load",
    "paper_flowers",
    "photographs",
    "remove",
]


def __getattr__(name: str) -> ModuleType:
    if name == "tfds_builder":  # imports TensorFlow Datasets, so only when it is used
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"course_utils.datasets has no {name!r}")
