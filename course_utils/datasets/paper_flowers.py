"""paper_flowers: 2,520 drawn pictures of five flowers, which ship with the course.

The pictures are in ``data/paper_flowers/{train,validation,test}/CLASS/NNNN.jpg``, with
``manifest.csv`` beside them, and may be used freely (CC0). Twenty more, which are in no split, are
in ``data/new_flowers``.

First met in lesson 02; the boxes are used in lesson 07, the labels that are wrong on purpose in
lesson 06.
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData

if TYPE_CHECKING:
    import pandas as pd

#: The classes in the order of their indices, the same as in tf_flowers.
CLASSES = ("dandelion", "daisy", "tulips", "sunflowers", "roses")
#: Pictures per class and split.
COUNTS = {"train": 340, "validation": 60, "test": 104}
#: Share of the training pictures that lie in the folder of another class on purpose.
WRONG_SHARE = 0.03


def folder() -> Path:
    """Return the folder in which the shipped pictures lie.

    Raises
    ------
    MissingData
        If the course folder, or the dataset in it, is not there.
    """
    path = settings.shipped_data() / "paper_flowers"
    if not (path / "manifest.csv").is_file():
        raise MissingData(
            f"There is no manifest.csv in {path}; restore the folder with "
            f"'git checkout -- data/paper_flowers', or from the zip of the course."
        )
    return path


def manifest(folder: str | Path | None = None) -> pd.DataFrame:
    """Return what is known of each picture, one row per file.

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
        which the picture was drawn), ``flowers`` (how many heads), and of the
        first flower ``colour``, ``form``, ``view`` and ``background``; ``conditions`` names what
        makes the picture hard, separated by "; ", or is empty.

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


def mislabelled() -> pd.DataFrame:
    """Return the rows of :func:`manifest` whose label is wrong on purpose (3 % of train).

    Returns
    -------
    pandas.DataFrame
        The rows with ``class`` different from ``true_class``; the index starts at 0.
    """
    table = manifest()
    return table[table["class"] != table["true_class"]].reset_index(drop=True)


def boxes(ids: Iterable[str]) -> np.ndarray:
    """Return the boxes around the flowers of some pictures.

    Parameters
    ----------
    ids : iterable of str
        Ids as ``ImageDataset.ids`` gives them: "test/daisy/0001.jpg".

    Returns
    -------
    numpy.ndarray
        float32, shape (N, 4): x0, y0, x1, y1 in pixels of the 96 x 96 picture, x to the right and
        y downwards, in the order of `ids`. Multiply by (new size / 96) for resized pictures.

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
    """Return a picture that is in no split, so that no model was trained or chosen with it.

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
        If the pictures are not there.

    Examples
    --------
    >>> image, box = new_picture("daisy", 1)
    >>> image.shape, image.dtype.name, len(box)
    ((96, 96, 3), 'uint8', 4)
    """
    from PIL import Image

    folder = settings.shipped_data() / "new_flowers"
    if not (folder / "boxes.csv").is_file():
        raise MissingData(
            f"There is no boxes.csv in {folder}; restore the folder with "
            f"'git checkout -- data/new_flowers', or from the zip of the course."
        )
    if class_name not in CLASSES:
        near = difflib.get_close_matches(str(class_name), CLASSES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(CLASSES)}."
        raise InvalidInput(f"paper_flowers has no class {class_name!r}; {hint}")
    with (folder / "boxes.csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["class"] == class_name]
    numbers = range(1, len(rows) + 1)
    if isinstance(number, bool) or number not in numbers:
        raise InvalidInput(
            f"There are new pictures 1 to {len(rows)} of each class, but number is {number!r}."
        )
    row = rows[int(number) - 1]
    with Image.open(folder / row["path"]) as opened:
        image = np.asarray(opened.convert("RGB"))
    return image, tuple(float(row[corner]) for corner in ("x0", "y0", "x1", "y1"))
