"""The one place that reads the environment.

==================  ==============================================================
variable            meaning
==================  ==============================================================
COURSE_EPOCHS       at most so many epochs (and seeds, folds, sweep values) per run
COURSE_DATASET      the dataset that ``datasets.load()`` takes when it is given no name
COURSE_DATA         a folder that already holds datasets and weights
COURSE_WORK         where the student's copies, caches and trained models are kept
COURSE_SEED         the seed that is used where none is given
==================  ==============================================================

First met in lesson 00.
"""

from __future__ import annotations

import os
from pathlib import Path

from course_utils.exceptions import InvalidInput, MissingData

DEFAULT_SEED = 42


def _whole_number(variable: str, least: int) -> int | None:
    text = os.environ.get(variable, "").strip()
    if not text:
        return None
    try:
        number = int(text)
    except ValueError:
        number = None
    if number is None or number < least:
        raise InvalidInput(
            f"{variable} is {text!r}, but it must be a whole number of at least {least}; "
            f"set it to such a number or unset it."
        )
    return number


def epochs(full: int) -> int:
    """Number of epochs to train: `full`, or COURSE_EPOCHS where that is smaller.

    Parameters
    ----------
    full : int
        The number of epochs of a complete run, at least 1.

    Returns
    -------
    int

    Raises
    ------
    InvalidInput
        If `full` or COURSE_EPOCHS is not a whole number of at least 1.

    Examples
    --------
    >>> epochs(20)  # doctest: +SKIP
    20
    """
    return _reduced("epochs", full)


def repeats(full: int) -> int:
    """Number of repetitions (seeds, folds, values of a sweep), shrunk by COURSE_EPOCHS.

    Parameters
    ----------
    full : int
        The number of repetitions of a complete run, at least 1.

    Returns
    -------
    int

    Raises
    ------
    InvalidInput
        If `full` or COURSE_EPOCHS is not a whole number of at least 1.
    """
    return _reduced("repeats", full)


def _reduced(what: str, full: int) -> int:
    if isinstance(full, bool) or not isinstance(full, int) or full < 1:
        raise InvalidInput(f"{what} must be a whole number of at least 1, but it is {full!r}.")
    limit = _whole_number("COURSE_EPOCHS", 1)
    return full if limit is None else min(full, limit)


def reduced() -> bool:
    """Whether COURSE_EPOCHS shortens the runs, so that trained results say little."""
    return _whole_number("COURSE_EPOCHS", 1) is not None


def dataset_name() -> str | None:
    """The dataset named by COURSE_DATASET, or None."""
    return os.environ.get("COURSE_DATASET", "").strip() or None


def seed() -> int:
    """The seed named by COURSE_SEED, else 42."""
    number = _whole_number("COURSE_SEED", 0)
    return DEFAULT_SEED if number is None else number


def data_root() -> Path | None:
    """The folder named by COURSE_DATA, which holds datasets already, or None.

    Raises
    ------
    MissingData
        If COURSE_DATA names something that is not a folder.
    """
    text = os.environ.get("COURSE_DATA", "").strip()
    if not text:
        return None
    path = Path(text).expanduser().resolve()
    if not path.is_dir():
        raise MissingData(
            f"COURSE_DATA is {text!r}, but there is no such folder; "
            f"set it to the folder that holds your datasets or unset it."
        )
    return path


def course_root() -> Path:
    """The folder of the course: the one that holds notebooks/, data/ and course_utils/.

    Raises
    ------
    MissingData
        If the package was installed away from the course and the course is not found from the
        current folder upwards either.
    """
    here = Path(__file__).resolve().parents[1]
    for folder in (here, Path.cwd().resolve(), *Path.cwd().resolve().parents):
        if (folder / "data" / "paper_flowers").is_dir():
            return folder
    raise MissingData(
        f"The course folder (with data/paper_flowers in it) is not at {here} nor above the current "
        f"folder {Path.cwd()}; start Python inside the course folder, or install the package with "
        f"'pip install -e .' from there."
    )


def shipped_data() -> Path:
    """The folder ``data/`` of the course: what ships with it, and ``data/downloads``."""
    return course_root() / "data"


def downloads_root() -> Path:
    """Where ``course data get`` puts what it downloads."""
    return shipped_data() / "downloads"


def work_root() -> Path:
    """Where the student's copies, caches, trained models and progress are kept.

    COURSE_WORK, else ``work/`` in the course folder. The folder is not created here.
    """
    text = os.environ.get("COURSE_WORK", "").strip()
    return Path(text).expanduser().resolve() if text else course_root() / "work"


def cache_root() -> Path:
    """Where decoded images, features and trained models are cached: ``work/cache``."""
    return work_root() / "cache"


def keras_home() -> Path:
    """The folder in which Keras keeps datasets and weights: KERAS_HOME, else ``~/.keras``."""
    text = os.environ.get("KERAS_HOME", "").strip()
    return Path(text).expanduser() if text else Path.home() / ".keras"


def tfds_home() -> Path:
    """Where TensorFlow Datasets keeps what it prepared: TFDS_DATA_DIR, else its default."""
    text = os.environ.get("TFDS_DATA_DIR", "").strip()
    return Path(text).expanduser() if text else Path.home() / "tensorflow_datasets"


def tf_config() -> str | None:
    """The content of TF_CONFIG, by which TensorFlow is told of several machines, or None."""
    return os.environ.get("TF_CONFIG", "").strip() or None
