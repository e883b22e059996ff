"""Causes of wrong predictions, as judged by a person, in a CSV file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.files import atomic_path
from course_utils.validate import choice, nearest

if TYPE_CHECKING:
    import pandas as pd

    from course_utils.evaluation import Predictions

#: Causes of wrong predictions. The first is an error in the data, the others mostly are not.
CAUSES = (
    "mislabeled",
    "occluded",
    "several objects",
    "looks like the other class",
    "unusual color or view",
    "bad picture",
    "no idea",
)

#: Names of causes in files that older versions of the course wrote.
_OLD_NAMES = {"mislabelled": "mislabeled", "two objects": "several objects"}

_COLUMNS = ("id", "cause", "note", "true", "predicted", "confidence")


def tag(
    ids: str | Iterable[str],
    cause: str,
    note: str = "",
    *,
    predictions: Predictions | None = None,
    file: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Record the cause of wrong predictions, as you judge it.

    An image has one cause; a new tag replaces the old one. The file is replaced atomically, so a
    crash loses nothing.

    First met in lesson 06.

    Parameters
    ----------
    ids : str or iterable of str
        The images, as in ``predictions.ids``.
    cause : str
        One of ``error_analysis.CAUSES``.
    note : str
        A comment in your own words.
    predictions : Predictions, optional
        The predictions of the images. With them unknown ids are refused, and the true and the
        predicted class are stored, too.
    file : path, optional
        The CSV file; ``tags.csv`` in the folder ``work`` by default.

    Returns
    -------
    pandas.DataFrame
        All tags so far.

    Raises
    ------
    InvalidInput
        If the cause or an image does not exist, or the file does not hold tags.
    """
    import pandas as pd
    from filelock import FileLock

    chosen = [ids] if isinstance(ids, str) else list(ids)
    cause = choice("cause", cause, CAUSES)
    known = _classes(chosen, predictions)
    path = _path(file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{path}.lock"):
        frame = _read(path)
        rows = [{"id": name, "cause": cause, "note": note, **known[name]} for name in chosen]
        kept = frame[~frame["id"].isin(chosen)]
        frame = pd.DataFrame([*kept.to_dict("records"), *rows], columns=_COLUMNS)
        _write(path, frame)
    return frame


def untag(ids: str | Iterable[str], *, file: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Remove tags.

    Parameters
    ----------
    ids : str or iterable of str
        The images; those without a tag are ignored.
    file : path, optional
        As for :func:`tag`.

    Returns
    -------
    pandas.DataFrame
        The remaining tags.

    Raises
    ------
    InvalidInput
        If the file does not hold tags.
    """
    from filelock import FileLock

    chosen = [ids] if isinstance(ids, str) else list(ids)
    path = _path(file)
    if not path.exists():
        return _read(path)
    with FileLock(f"{path}.lock"):
        frame = _read(path)
        frame = frame[~frame["id"].isin(chosen)].reset_index(drop=True)
        _write(path, frame)
    return frame


def tags(file: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Return all tags.

    Parameters
    ----------
    file : path, optional
        As for :func:`tag`.

    Returns
    -------
    pandas.DataFrame
        Columns id, cause, note, true, predicted (class names, empty where unknown), confidence
        (0-1); empty where nothing has been tagged.

    Raises
    ------
    InvalidInput
        If the file does not hold tags.
    """
    return _read(_path(file))


def example_tags() -> pd.DataFrame:
    """Return how the authors tagged the twenty worst validation errors of the lesson model.

    Returns
    -------
    pandas.DataFrame
        As :func:`tags`; the images are those of paper_flowers.
    """
    return _read(settings.shipped_data() / "lesson_model" / "tags.csv")


def _path(file: str | os.PathLike[str] | None) -> Path:
    return settings.work_root() / "tags.csv" if file is None else Path(os.path.expanduser(file))


def _classes(ids: list[str], predictions: Predictions | None) -> dict[str, dict[str, object]]:
    """Return the columns true, predicted and confidence of each image."""
    if predictions is None:
        return dict.fromkeys(ids, {"true": "", "predicted": "", "confidence": float("nan")})
    positions = {name: i for i, name in enumerate(predictions.ids)}
    found = {}
    for name in ids:
        if name not in positions:
            raise InvalidInput(
                f"There is no picture {name!r} in these predictions{nearest(name, positions)}."
            )
        i, names = positions[name], predictions.class_names
        label = int(predictions.labels[i])
        found[name] = {
            "true": names[label] if label >= 0 else "",
            "predicted": names[int(predictions.predicted[i])],
            "confidence": round(float(predictions.confidence[i]), 4),
        }
    return found


def _read(path: Path) -> pd.DataFrame:
    import pandas as pd

    if not path.exists():
        return pd.DataFrame(columns=_COLUMNS)
    texts = dict.fromkeys(set(_COLUMNS) - {"confidence"}, str)
    try:
        frame = pd.read_csv(path, dtype=texts, keep_default_na=False, na_values={"confidence": ""})
        if list(frame.columns) != list(_COLUMNS):
            raise ValueError
        frame["confidence"] = frame["confidence"].astype(float)
        frame["cause"] = frame["cause"].replace(_OLD_NAMES)
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise InvalidInput(
            f"{path} does not hold tags (its columns must be {', '.join(_COLUMNS)}); "
            f"move it away or give another file=."
        ) from error
    return frame


def _write(path: Path, frame: pd.DataFrame) -> None:
    with atomic_path(path) as part:
        frame.to_csv(part, index=False, lineterminator="\n")
