"""The one place that reads the environment.

==================  ==============================================================
variable            meaning
==================  ==============================================================
COURSE_EPOCHS       maximum number of epochs (and seeds, folds, sweep values) per run
COURSE_DATASET      the dataset of ``datasets.load()`` without a name: a name of the course, or the
                    path of a folder
COURSE_DATA         a folder with datasets and weights
COURSE_WORK         the folder of the student's copies, caches and trained models
COURSE_SEED         the default seed
COURSE_STORED       set while the outputs of lessons are stored: they do not mention settings
NBGRADER_EXECUTION  set by nbgrader while it runs a notebook: checks that fail then raise
==================  ==============================================================

The choice of ``course data use``, a name or a folder, is stored in ``work/settings.json``;
COURSE_DATASET has priority.

First met in lesson 00.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_utils.exceptions import InvalidInput, MissingData
from course_utils.files import write_atomic

DEFAULT_SEED = 42

#: Variables that name folders.
_FOLDERS = ("COURSE_DATA", "COURSE_WORK", "KERAS_HOME", "TFDS_DATA_DIR")


def epochs(full: int) -> int:
    """Return the number of epochs to train: `full`, or COURSE_EPOCHS if that is smaller.

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
    """Return the number of repetitions (seeds, folds, values of a sweep), limited by COURSE_EPOCHS.

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


def is_quick_run() -> bool:
    """Return whether COURSE_EPOCHS limits the runs, so that results are not meaningful."""
    return _whole_number("COURSE_EPOCHS", 1) is not None


def dataset_name() -> str | None:
    """Return the dataset of COURSE_DATASET, else the choice of ``course data use``, or None.

    It is a name that the course knows, or the path of a folder.

    Raises
    ------
    InvalidInput
        If ``work/settings.json`` is damaged.
    """
    return _read("COURSE_DATASET") or chosen_dataset()


def dataset_source() -> str | None:
    """Return the source of :func:`dataset_name`: COURSE_DATASET, ``course data use`` or None."""
    if _read("COURSE_DATASET"):
        return "COURSE_DATASET"
    return "course data use" if chosen_dataset() else None


def storing_outputs() -> bool:
    """Return whether outputs of lessons are being stored, which must not mention settings."""
    return _read("COURSE_STORED") is not None


def chosen_dataset() -> str | None:
    """Return the dataset that ``course data use`` stored in ``work/settings.json``, or None.

    Raises
    ------
    InvalidInput
        If the file is damaged.
    """
    try:
        file = _choices_file()
    except MissingData:  # there is no course folder, so nothing was chosen
        return None
    if not file.is_file():
        return None
    try:
        name = json.loads(file.read_text(encoding="utf-8"))["dataset"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidInput(
            f"{file} is damaged; choose a dataset again with 'course data use NAME'."
        ) from error
    return name if isinstance(name, str) and name.strip() else None


def choose_dataset(name: str | None) -> None:
    """Store the name or folder of the default dataset; None deletes the choice."""
    file = _choices_file()
    if name is None:
        file.unlink(missing_ok=True)
        return
    write_atomic(file, json.dumps({"dataset": name}, indent=1) + "\n")


def environment(**changes: str | None) -> dict[str, str]:
    """Return environment variables for a new process.

    Parameters
    ----------
    **changes : str or None
        Variables to set; None removes a variable.
    """
    # TensorFlow then allocates GPU memory on demand, so that several users can share a GPU.
    copy = {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
    copy |= {name: value for name, value in os.environ.items() if name not in changes}
    # A relative folder is that of this process; a notebook has another current folder.
    copy |= {
        name: str(_absolute(text)) for name in _FOLDERS if (text := copy.get(name, "").strip())
    }
    return copy | {name: value for name, value in changes.items() if value is not None}


@contextmanager
def without_proxy(host: str) -> Iterator[None]:
    """Let programs reach a host without the proxy of the network, until the block ends.

    Parameters
    ----------
    host : str
        Name or address. It is added to the variables ``no_proxy`` and ``NO_PROXY``.
    """
    names = ("no_proxy", "NO_PROXY")
    before = {name: os.environ.get(name) for name in names}
    listed = before["no_proxy"] or before["NO_PROXY"]
    if listed != "*":  # all hosts; it must stand alone
        os.environ.update(dict.fromkeys(names, f"{listed},{host}" if listed else host))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def seed() -> int:
    """Return COURSE_SEED, by default 42."""
    number = _whole_number("COURSE_SEED", 0)
    return DEFAULT_SEED if number is None else number


def data_root() -> Path | None:
    """Return the folder of COURSE_DATA, which contains datasets, or None.

    Raises
    ------
    MissingData
        If COURSE_DATA is not a folder.
    """
    text = _read("COURSE_DATA")
    if not text:
        return None
    path = _absolute(text)
    if not os.path.isdir(path):  # unlike Path.is_dir, it raises no error, whatever the path is
        raise MissingData(
            f"COURSE_DATA is {text!r}, but there is no such folder that may be read; "
            f"set it to the folder that holds your datasets or unset it."
        )
    return path


def course_root() -> Path:
    """Return the folder of the course, which contains notebooks/, data/ and course_utils/.

    Raises
    ------
    MissingData
        If neither the folder of the package nor a folder from the current one upwards is it.
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
    """Return the folder ``data/`` of the course, with the shipped data and ``data/downloads``."""
    return course_root() / "data"


def downloads_root() -> Path:
    """Return the folder of the downloads of ``course data get``."""
    return shipped_data() / "downloads"


def work_root() -> Path:
    """Return the folder of the student's copies, caches, trained models and progress.

    COURSE_WORK, else ``work/`` in the course folder. The folder is not created here.
    """
    text = _read("COURSE_WORK")
    return _absolute(text) if text else course_root() / "work"


def cache_root() -> Path:
    """Return ``work/cache``, the folder of decoded images, features and trained models."""
    return work_root() / "cache"


def keras_home() -> Path:
    """Return the folder of datasets and weights of Keras: KERAS_HOME, else ``~/.keras``."""
    text = _read("KERAS_HOME")
    return _absolute(text or "~/.keras")


def tfds_home() -> Path:
    """Return the folder of TensorFlow Datasets: TFDS_DATA_DIR, else its default."""
    text = _read("TFDS_DATA_DIR")
    return _absolute(text or "~/tensorflow_datasets")


def run_by_nbgrader() -> bool:
    """Return whether nbgrader runs this notebook."""
    return _read("NBGRADER_EXECUTION") is not None


def tf_config() -> str | None:
    """Return TF_CONFIG, which configures distributed training of TensorFlow, or None."""
    return _read("TF_CONFIG")


def _reduced(what: str, full: int) -> int:
    if isinstance(full, bool) or not isinstance(full, int) or full < 1:
        raise InvalidInput(f"{what} must be a whole number of at least 1, but it is {full!r}.")
    limit = _whole_number("COURSE_EPOCHS", 1)
    return full if limit is None else min(full, limit)


def _choices_file() -> Path:
    return work_root() / "settings.json"


def _absolute(text: str) -> Path:
    """Return an absolute path; unlike Path.expanduser and Path.resolve, it raises no error."""
    return Path(os.path.realpath(os.path.expanduser(text)))


def _read(variable: str) -> str | None:
    """Return the value of an environment variable; None if it is unset or blank."""
    return os.environ.get(variable, "").strip() or None


def _whole_number(variable: str, least: int) -> int | None:
    text = _read(variable)
    if text is None:
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
