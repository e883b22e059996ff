"""What a person saw in a picture, kept in a CSV file."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils import settings
from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from course_utils.evaluation import Predictions

#: Why a prediction can be wrong. The first one is a mistake of the data, the others mostly are not.
CAUSES = (
    "mislabelled",
    "occluded",
    "two objects",
    "looks like the other class",
    "bad picture",
    "no idea",
)

_COLUMNS = ("id", "cause", "note", "true", "predicted", "confidence")


def tag(
    ids: str | Iterable[str],
    cause: str,
    note: str = "",
    *,
    predictions: Predictions | None = None,
    file: str | os.PathLike[str] | None = None,
) -> pd.DataFrame:
    """Write down why a picture was predicted wrongly, in your judgement.

    A picture has one cause; tagging it again replaces the old one. The file is written anew beside
    the old one and then renamed, so that a crash loses nothing.

    First met in lesson 06.

    Parameters
    ----------
    ids : str or iterable of str
        The pictures, as in ``predictions.ids``.
    cause : str
        One of ``errors.CAUSES``.
    note : str
        Anything to add.
    predictions : Predictions, optional
        Where the pictures come from: unknown ids are refused, and what was true and predicted is
        kept, too.
    file : path, optional
        The CSV file; ``tags.csv`` in the folder ``work`` by default.

    Returns
    -------
    pandas.DataFrame
        All tags so far.

    Raises
    ------
    InvalidInput
        If there is no such cause or picture, or the file is not one of tags.
    """
    import pandas as pd
    from filelock import FileLock

    chosen = [ids] if isinstance(ids, str) else list(ids)
    if cause not in CAUSES:
        near = difflib.get_close_matches(str(cause), CAUSES, 1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise InvalidInput(f"There is no cause {cause!r} among {', '.join(CAUSES)}{meant}.")
    known = _known(chosen, predictions)
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
    """Take tags back.

    Parameters
    ----------
    ids : str or iterable of str
        Pictures; those without a tag are passed over.
    file : path, optional
        As for :func:`tag`.

    Returns
    -------
    pandas.DataFrame
        The tags that are left.

    Raises
    ------
    InvalidInput
        If the file is not one of tags.
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
    """Read all tags.

    Parameters
    ----------
    file : path, optional
        As for :func:`tag`.

    Returns
    -------
    pandas.DataFrame
        Columns id, cause, note, true, predicted (class names, empty where unknown), confidence
        (0-1); without rows where nothing has been tagged.

    Raises
    ------
    InvalidInput
        If the file is not one of tags.
    """
    return _read(_path(file))


def _path(file: str | os.PathLike[str] | None) -> Path:
    return settings.work_root() / "tags.csv" if file is None else Path(file).expanduser()


def _known(ids: list[str], predictions: Predictions | None) -> dict[str, dict[str, object]]:
    nothing = {"true": "", "predicted": "", "confidence": float("nan")}
    if predictions is None:
        return dict.fromkeys(ids, nothing)
    place = {name: i for i, name in enumerate(predictions.ids)}
    found = {}
    for name in ids:
        if name not in place:
            near = difflib.get_close_matches(name, place, 1)
            meant = f"; did you mean {near[0]!r}?" if near else "."
            raise InvalidInput(f"There is no picture {name!r} in these predictions{meant}")
        i, names = place[name], predictions.class_names
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
    except (ValueError, OSError, pd.errors.ParserError) as error:
        raise InvalidInput(
            f"{path} does not hold tags (its columns must be {', '.join(_COLUMNS)}); "
            f"move it away or give another file=."
        ) from error
    return frame


def _write(path: Path, frame: pd.DataFrame) -> None:
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=".tags-", suffix=".csv", encoding="utf-8", delete=False
    ) as side:
        try:
            frame.to_csv(side, index=False, lineterminator="\n")
        except BaseException:
            Path(side.name).unlink()
            raise
    Path(side.name).replace(path)
