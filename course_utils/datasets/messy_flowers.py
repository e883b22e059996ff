"""messy_flowers: a small folder of drawn flowers with the usual data quality problems.

``data/messy_flowers`` ships with the course: duplicates, leaks between the splits, broken files,
wrong types, too few images of one class. ``planted.csv`` lists each problem, so that a data
quality check can be tested.

First used in lesson 02.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.datasets import _files

if TYPE_CHECKING:
    import pandas as pd


def folder() -> Path:
    """Return the folder of messy_flowers.

    Raises
    ------
    MissingData
        If it does not exist.
    """
    return _files.shipped("messy_flowers", "planted.csv")


def planted() -> pd.DataFrame:
    """Return a table of all problems that were planted.

    Returns
    -------
    pandas.DataFrame
        Columns: ``path`` (of the file, or the name of the class), ``kind`` (of the problem),
        ``detail`` (the change), ``partner`` (the file it is a copy of, or empty).
    """
    import pandas as pd

    return pd.read_csv(folder() / "planted.csv", keep_default_na=False)
