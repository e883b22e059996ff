"""messy_flowers: a small folder of drawn flowers with everything wrong that goes wrong in folders.

``data/messy_flowers`` ships with the course: duplicates, leaks between the splits, broken files,
wrong types, too few images of one class. ``planted.csv`` lists each problem, so that a check of
the data can be checked itself.

First met in lesson 02.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from course_utils import settings
from course_utils.exceptions import MissingData

if TYPE_CHECKING:
    import pandas as pd


def folder() -> Path:
    """Return the folder in which messy_flowers lies.

    Raises
    ------
    MissingData
        If it is not there.
    """
    path = settings.shipped_data() / "messy_flowers"
    if not (path / "planted.csv").is_file():
        raise MissingData(
            f"There is no planted.csv in {path}; restore the folder with "
            f"'git checkout -- data/messy_flowers', or from the zip of the course."
        )
    return path


def planted() -> pd.DataFrame:
    """Return the list of all problems that were planted.

    Returns
    -------
    pandas.DataFrame
        Columns: ``path`` (of the file, or the name of the class), ``kind`` (of the problem),
        ``detail`` (what was done), ``partner`` (the file it is a copy of, or empty).
    """
    import pandas as pd

    return pd.read_csv(folder() / "planted.csv", keep_default_na=False)
