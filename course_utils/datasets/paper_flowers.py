"""paper_flowers: 2,520 drawn images of five flowers, which ship with the course.

The images are in ``data/paper_flowers/{train,validation,test}/CLASS/NNNN.jpg``, with
``manifest.csv`` beside them, and may be used freely (CC0). Twenty more, which are in no split, are
in ``data/new_flowers``.

First used in lesson 02; lesson 07 uses the boxes, lesson 06 the labels that are wrong on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils import settings, validate
from course_utils.datasets import _files
from course_utils.datasets._source import Source
from course_utils.exceptions import InvalidInput, MissingData

if TYPE_CHECKING:
    import pandas as pd

#: The classes in the order of their indices, the same as in tf_flowers.
CLASSES = ("dandelion", "daisy", "tulips", "sunflowers", "roses")
#: Images per class and split.
COUNTS = {"train": 340, "validation": 60, "test": 104}
#: Share of the training images that are in the folder of another class on purpose.
WRONG_SHARE = 0.03


def folder() -> Path:
    """Return the folder of the shipped images.

    Raises
    ------
    MissingData
        If the course folder, or the dataset in it, does not exist.
    """
    return _files.shipped("paper_flowers", "manifest.csv")


def manifest(folder: str | Path | None = None) -> pd.DataFrame:
    """Return a table that describes each image, one row per file.

    Parameters
    ----------
    folder : str or Path, optional
        A folder with a ``manifest.csv``; the shipped one by default.

    Returns
    -------
    pandas.DataFrame
        Columns: ``path`` (relative, with "/"), ``split``, ``class`` (the label: the folder the file
        lies in), ``true_class`` (what was drawn), ``x0``, ``y0``, ``x1``, ``y1`` (the smallest box
        around the flower heads, in pixels; float), ``sha256`` (of the file), ``seed`` (from
        which the image was drawn), ``flowers`` (number of heads), and of the first flower
        ``color``, ``form``, ``view`` and ``background``; ``conditions`` names what makes the
        image difficult, separated by "; ", or is empty.

    Raises
    ------
    MissingData
        If there is no manifest.
    """
    import pandas as pd

    path = (globals()["folder"]() if folder is None else Path(folder)) / "manifest.csv"
    if not path.is_file():
        raise MissingData(
            f"There is no {path}; name a folder with a manifest.csv, or none for the shipped one."
        )
    return pd.read_csv(path, keep_default_na=False)


def mislabeled() -> pd.DataFrame:
    """Return the rows of :func:`manifest` whose label is wrong on purpose (3 % of train).

    Returns
    -------
    pandas.DataFrame
        The rows with ``class`` different from ``true_class``; the index starts at 0.
    """
    table = manifest()
    return table[table["class"] != table["true_class"]].reset_index(drop=True)


def boxes(ids: Iterable[str]) -> np.ndarray:
    """Return the boxes around the flowers of some images.

    Parameters
    ----------
    ids : iterable of str
        Ids as ``ImageDataset.ids`` gives them: "test/daisy/0001.jpg".

    Returns
    -------
    numpy.ndarray
        float32, shape (N, 4): x0, y0, x1, y1 in pixels of the 96 x 96 image, x to the right and
        y downwards, in the order of `ids`. Multiply by (new size / 96) for resized images.

    Raises
    ------
    InvalidInput
        If an id is not one of paper_flowers.
    """
    known = _boxes_by_id()
    ids = list(ids)
    missing = [i for i in ids if i not in known]
    if missing:
        raise InvalidInput(
            f"paper_flowers has no picture {missing[0]!r} ({len(missing)} of {len(ids)} ids are "
            f"unknown); ids look like 'test/daisy/0001.jpg', see dataset.ids('test')."
        )
    return np.array([known[i] for i in ids], dtype=np.float32).reshape(-1, 4)


@cache
def _boxes_by_id() -> dict[str, tuple[float, float, float, float]]:
    table = manifest()
    corners = table[["x0", "y0", "x1", "y1"]].itertuples(index=False, name=None)
    return dict(zip(table["path"], corners, strict=True))


def new_picture(class_name: str, number: int = 1) -> tuple[np.ndarray, tuple[float, ...]]:
    """Return an image that is in no split, so that no model was trained or chosen with it.

    Parameters
    ----------
    class_name : str
        "dandelion", "daisy", "tulips", "sunflowers" or "roses".
    number : int
        1 to 4.

    Returns
    -------
    image : numpy.ndarray
        uint8, shape (96, 96, 3).
    box : tuple of float
        x0, y0, x1, y1 in pixels: the smallest box around the flower heads.

    Raises
    ------
    InvalidInput
        If there is no such class or number.
    MissingData
        If the images do not exist.

    Examples
    --------
    >>> image, box = new_picture("daisy", 1)
    >>> image.shape, image.dtype.name, len(box)
    ((96, 96, 3), 'uint8', 4)
    """
    import pandas as pd
    from PIL import Image

    folder = _files.shipped("new_flowers", "boxes.csv")
    validate.choice("class_name", class_name, CLASSES)
    table = pd.read_csv(folder / "boxes.csv")
    rows = table[table["class"] == class_name]
    row = rows.iloc[validate.whole_number("number", number, 1, len(rows)) - 1]
    with Image.open(folder / row["path"]) as opened:
        image = np.asarray(opened.convert("RGB"))
    return image, tuple(float(row[corner]) for corner in ("x0", "y0", "x1", "y1"))


def two_flowers() -> tuple[np.ndarray, dict[str, tuple[float, ...]]]:
    """Return a large image with flowers of two classes, which is in no split.

    Returns
    -------
    image : numpy.ndarray
        uint8, shape (384, 384, 3). Its flowers are as large as those of the dataset once it is
        reduced to 96 x 96.
    boxes : dict of str to tuple
        For each class x0, y0, x1, y1 of its flower, in pixels of the image.

    Raises
    ------
    MissingData
        If the image does not exist.

    Examples
    --------
    >>> image, boxes = two_flowers()
    >>> image.shape, list(boxes)
    ((384, 384, 3), ['daisy', 'roses'])
    """
    import pandas as pd
    from PIL import Image

    folder = _files.shipped("new_flowers", "two_flowers.csv")
    table = pd.read_csv(folder / "two_flowers.csv").set_index("class")
    with Image.open(folder / table["path"].iloc[0]) as opened:
        image = np.asarray(opened.convert("RGB"))
    corners = table[["x0", "y0", "x1", "y1"]].itertuples(name=None)
    return image, {name: tuple(map(float, box)) for name, *box in corners}


@dataclass(frozen=True, kw_only=True)
class PaperFlowers(Source):
    """The dataset, with the splits of its folder."""

    def image_folder(self) -> Path | None:
        """Return the folder with the images, or None if it is missing in the course folder."""
        path = settings.shipped_data() / "paper_flowers"
        return path if (path / "manifest.csv").is_file() else None


SOURCE = PaperFlowers(
    name="paper_flowers",
    title="flowers drawn by the course",
    images=len(CLASSES) * sum(COUNTS.values()),
    class_names=CLASSES,
    license="CC0 1.0",
)
