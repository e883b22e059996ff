"""The one place that reads the environment.

==================  ==============================================================
variable            meaning
==================  ==============================================================
COURSE_EPOCHS       at most so many epochs (and seeds, folds, sweep values) per run
COURSE_DATASET      the dataset that ``datasets.load()`` takes when it is given no name: a name of
                    the course, or a folder of one's own
COURSE_DATA         a folder that already holds datasets and weights
COURSE_WORK         where the student's copies, caches and trained models are kept
COURSE_SEED         the seed that is used where none is given
COURSE_STORED       set while the outputs of lessons are stored: they say nothing of settings
NBGRADER_EXECUTION  set by nbgrader while it runs a notebook: checks then raise where they fail
==================  ==============================================================

What ``course data use`` chose, a name or a folder, is kept in ``work/settings.json``;
COURSE_DATASET wins over it.

First met in lesson 00.
"""

from __future__ import annotations

import json
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
    >>> epochs(20)
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


def is_quick_run() -> bool:
    """Return whether COURSE_EPOCHS shortens the runs, so that trained results say little."""
    return _whole_number("COURSE_EPOCHS", 1) is not None


def dataset_name() -> str | None:
    """The dataset named by COURSE_DATASET, else the one chosen with ``course data use``, or None.

    It is a name that the course knows, or the path of a folder.

    Raises
    ------
    InvalidInput
        If ``work/settings.json`` is damaged.
    """
    return os.environ.get("COURSE_DATASET", "").strip() or chosen_dataset()


def dataset_source() -> str | None:
    """What named the dataset: ``COURSE_DATASET``, ``course data use`` or None."""
    if os.environ.get("COURSE_DATASET", "").strip():
        return "COURSE_DATASET"
    return "course data use" if chosen_dataset() else None


def storing_outputs() -> bool:
    """Whether lessons run to have their outputs stored, so that they should not name settings."""
    return bool(os.environ.get("COURSE_STORED", "").strip())


def _choices_file() -> Path:
    return work_root() / "settings.json"


def chosen_dataset() -> str | None:
    """The dataset that ``course data use`` wrote into ``work/settings.json``, or None.

    Raises
    ------
    InvalidInput
        If the file is damaged.
    """
    try:
        file = _choices_file()
    except MissingData:  # no course folder, so nothing was chosen in it
        return None
    if not file.is_file():
        return None
    try:
        name = json.loads(file.read_text(encoding="utf-8"))["dataset"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{file} is damaged; choose a dataset anew with 'course data use NAME'."
        ) from error
    return name if isinstance(name, str) and name.strip() else None


def choose_dataset(name: str | None) -> None:
    """Remember a name or folder as what ``datasets.load()`` takes; None forgets the choice."""
    file = _choices_file()
    if name is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".json.part")
    fresh.write_text(json.dumps({"dataset": name}, indent=1) + "\n", encoding="utf-8")
    fresh.replace(file)


def environment(**changes: str | None) -> dict[str, str]:
    """A copy of the environment for a process that is to be started.

    Parameters
    ----------
    **changes : str or None
        Variables to set; None takes a variable away.
    """
    # TensorFlow then takes GPU memory as it needs it, so that a class can share a card.
    copy = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    copy |= {name: value for name, value in os.environ.items() if name not in changes}
    return copy | {name: value for name, value in changes.items() if value is not None}


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
        if (folder / "data").is_dir() and (folder / "notebooks").is_dir():
            return folder
    raise MissingData(
        f"The course folder (with data/ and notebooks/ in it) is not at {here} nor above the "
        f"current folder {Path.cwd()}; start Python inside the course folder, or install the "
        f"package with 'pip install -e .' from there."
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


def run_by_nbgrader() -> bool:
    """Whether nbgrader runs this notebook, to grade it or to validate it."""
    return bool(os.environ.get("NBGRADER_EXECUTION", "").strip())


def tf_config() -> str | None:
    """The content of TF_CONFIG, by which TensorFlow is told of several machines, or None."""
    return os.environ.get("TF_CONFIG", "").strip() or None
