"""Compare the formats of an export: size, time, accuracy, equal answers."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import evaluation, validate
from course_utils.deployment.card import read_card
from course_utils.deployment.runtimes import FILES, Runtime
from course_utils.exceptions import InvalidInput, MissingData

if TYPE_CHECKING:
    import pandas as pd

_MILLION, _MILLISECONDS = 1e6, 1e3


def compare(
    folder: str | Path,
    dataset: Any,
    *,
    split: str = "test",
    repeats: int = 50,
    batch_size: int = 32,
) -> pd.DataFrame:
    """Compare all formats of an export, each run by its own runtime.

    First met in lesson 09.

    Parameters
    ----------
    folder : str or Path
        A folder of :func:`export`.
    dataset : ImageDataset
        Its images are predicted and serve for the timing.
    split : {"test", "validation", "train"}
    repeats : int
        How often one picture, and one batch, are timed; the median is taken, after one run that
        does not count.
    batch_size : int
        Pictures in a batch.

    Returns
    -------
    pandas.DataFrame
        A row for each file, by its name in words, with the columns ``MB`` (of 1,000,000 bytes),
        ``ms alone`` and ``ms in batches`` (milliseconds per picture), ``accuracy``, and ``same
        answers``: share of the pictures with the same class as the first row.

    Raises
    ------
    MissingData
        If the folder holds no export.
    InvalidInput
        If the dataset does not fit the network.
    """
    import pandas as pd

    repeats = validate.whole_number("repeats", repeats, 1, example=50)
    batch_size = validate.batch_size(batch_size)
    place = Path(os.path.expanduser(folder)).resolve()
    card = read_card(place)
    if tuple(dataset.class_names) != card.class_names:
        raise InvalidInput(
            f"The classes of the dataset ({validate.some_of(dataset.class_names)}) are not those "
            f"of the network ({validate.some_of(card.class_names)})."
        )
    images = dataset.images(split).astype(np.float32)
    rows: dict[str, dict[str, float]] = {}
    reference: np.ndarray | None = None
    for kind in FILES:
        path = place / kind.file
        sentence = kind.missing() if path.exists() else None
        if sentence:
            validate.say(sentence)
        if sentence or not path.exists():
            continue
        runtime = Runtime(path, card)
        found = evaluation.predict(runtime, dataset, split)
        reference = found.predicted if reference is None else reference
        rows[kind.title] = {
            "MB": size_of(path) / _MILLION,
            **_times(runtime.predict_on_batch, images, repeats, batch_size),
            "accuracy": found.accuracy,
            "same answers": float((found.predicted == reference).mean()),
        }
    if not rows:
        raise MissingData(f"There is no network in {place} that can be run here.")
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("format")


def _times(
    run: Callable[[Any], Any], images: np.ndarray, repeats: int, batch_size: int
) -> dict[str, float]:
    batch = images[:batch_size]
    return {
        "ms alone": median_ms(run, [images[k : k + 1] for k in range(len(images))], repeats),
        "ms in batches": median_ms(run, [batch], repeats) / len(batch),
    }


def median_ms(run: Callable[[Any], Any], inputs: list[Any], repeats: int) -> float:
    """Return the median time of a call in milliseconds, after one call that does not count.

    Parameters
    ----------
    run : callable
        Takes one input.
    inputs : list
        They are taken in turn.
    repeats : int
    """
    run(inputs[0])
    times = []
    for k in range(repeats):
        given = inputs[k % len(inputs)]
        start = time.perf_counter()
        run(given)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * _MILLISECONDS


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
