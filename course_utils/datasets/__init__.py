"""Labelled images for the lessons: load a known dataset by name, or a folder of your own.

First met in lesson 02. TensorFlow is imported only when batches are asked for.
"""

from course_utils.datasets._image_dataset import ImageDataset
from course_utils.datasets._registry import load
from course_utils.datasets._splits import SPLITS
from course_utils.datasets.folder import from_directory

__all__ = ["SPLITS", "ImageDataset", "from_directory", "load"]
