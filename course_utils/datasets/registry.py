"""The datasets that the course knows by name.

To add a dataset, write a module with a class for it, derived from
:class:`course_utils.datasets._source.Source` (or from ``DownloadSource`` for an archive on a
server, or ``PhotoFolder`` where the archive holds image files), and one object of it called
``SOURCE``; then add that object to `SOURCES` below. ``clothing.py`` is a short example. `load`,
`download`, `remove`, `image_folder` and the ``course data`` commands then work with it, and
``tests/datasets/test_sources.py`` tests what all datasets have in common. CONTRIBUTING.md says what
else is to do.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils import settings, validate
from course_utils.datasets import cifar10, clothing, folder, paper_flowers, removal, tf_flowers
from course_utils.datasets._image_dataset import ImageDataset
from course_utils.datasets._options import check_options
from course_utils.datasets._source import Source
from course_utils.exceptions import InvalidInput, MissingData

if TYPE_CHECKING:
    import pandas as pd

#: All datasets by name, in the order in which they are listed.
SOURCES: dict[str, Source] = {
    source.name: source
    for source in (paper_flowers.SOURCE, tf_flowers.SOURCE, clothing.SOURCE, cifar10.SOURCE)
}


def load(
    name: str | os.PathLike[str] | None = None,
    image_size: int | tuple[int, int] = (128, 128),
    batch_size: int = 32,
    seed: int | None = None,
    color_mode: str | None = None,
) -> ImageDataset:
    """Load a dataset that the course knows by name, or a folder of your own.

    Nothing is downloaded.

    Parameters
    ----------
    name : str or path, optional
        ``"paper_flowers"``, ``"tf_flowers"``, ``"clothing"`` or ``"cifar10"``, or the path of a
        folder, which is loaded as by :func:`from_directory`. By default the dataset, or the folder
        of your own, that COURSE_DATASET names or ``course data use`` chose; else tf_flowers if it
        is on this machine; else paper_flowers. One line is printed then that names the dataset.
    image_size : int or tuple of int
        Height and width in pixels to which every image is stretched.
    batch_size : int
        Images per batch.
    seed : int, optional
        Seed of the order of the training images and of the random splits (tf_flowers, and the
        validation images of cifar10); by default COURSE_SEED, else 42.
    color_mode : {"rgb", "grayscale"}, optional
        Whether images have three channels or one (cifar10: three only). By default three, but one
        for a folder of which all files store images without color.

    Returns
    -------
    ImageDataset
        tf_flowers is divided 80 : 10 : 10, class by class; the others have splits of their own
        (cifar10 without validation, for which 5,000 training images are taken). Its `source` is the
        name or the folder.

    Raises
    ------
    InvalidInput
        If there is no dataset of that name, or an argument cannot be used.
    MissingData
        If the dataset is not on this machine; the message says how to get it.

    Examples
    --------
    >>> data = load("paper_flowers", image_size=96)
    >>> data.class_names
    ('dandelion', 'daisy', 'tulips', 'sunflowers', 'roses')
    """
    options = check_options(
        image_size, batch_size, seed, "rgb" if color_mode is None else color_mode
    )
    chosen = _choose() if name is None else _named(name)
    if isinstance(chosen, Path):
        listing = folder.scan(chosen)
        if color_mode is None:
            options = replace(options, color_mode=folder.color_mode_of(listing))
        data = folder.load_folder(listing, options)
    else:
        data = source(chosen).load(options)
    return replace(data, source=str(chosen))


def available() -> pd.DataFrame:
    """Return the datasets that the course knows by name.

    Returns
    -------
    DataFrame
        One row per dataset; columns `name`, `title`, `images`, `classes`, `license`, `here` (bool:
        whether a complete copy is on this machine), `where` (its path, or empty) and `how to get`.
    """
    import pandas as pd

    columns = ("name", "title", "images", "classes", "license", "here", "where", "how to get")
    rows = []
    for known in SOURCES.values():
        where = known.locate()
        here = (where is not None, str(where or ""))
        classes = len(known.class_names)
        rows.append(
            (known.name, known.title, known.images, classes, known.license, *here, known.how)
        )
    return pd.DataFrame(rows, columns=columns)


def download(name: str, url: str | None = None) -> Path:
    """Download a dataset, with a progress bar, unless a complete copy is here already.

    The archive is checked (by its SHA-256, or by the names and number of its files), unpacked into
    a temporary folder and renamed last, so that an incomplete dataset is never used. An interrupted
    download is resumed the next time if the server supports that. Two processes that download the
    same dataset wait for each other.

    Parameters
    ----------
    name : str
        ``"tf_flowers"``, ``"clothing"`` or ``"cifar10"``.
    url : str, optional
        Another address of the same archive, for example a mirror in the classroom.

    Returns
    -------
    Path
        Where the dataset is.

    Raises
    ------
    InvalidInput
        If there is no dataset of that name.
    DownloadFailed
        If it could not be downloaded; the message gives the reason and the fix.
    """
    wanted = source(name)
    here = wanted.locate()
    if here is not None:
        validate.say(f"{wanted.name} is here already: {here}")
        return here
    place = wanted.download(url)
    removal.remember(wanted.name)
    return place


def remove(name: str) -> tuple[tuple[Path, ...], int]:
    """Remove the files of a dataset that the course downloaded, and no other files.

    Parameters
    ----------
    name : str
        ``"tf_flowers"``, ``"clothing"`` or ``"cifar10"``.

    Returns
    -------
    paths : tuple of Path
        The files and folders that were removed.
    size : int
        Their size in bytes.

    Raises
    ------
    InvalidInput
        If there is no dataset of that name, if it ships with the course, or if `name` is a folder.
    MissingData
        If the course has not downloaded it.
    """
    if isinstance(name, str) and own_folder(name) is not None:
        raise InvalidInput(
            f"{name} is a folder of your own; the course removes only what it has downloaded."
        )
    return removal.remove(source(name))


def image_folder(name: str) -> Path:
    """Return the folder with the image files of a dataset that is on this machine.

    Parameters
    ----------
    name : str
        ``"paper_flowers"``, ``"tf_flowers"`` or ``"clothing"``; or the path of a folder, which is
        returned as it is, so that the `source` of every dataset can be given.

    Returns
    -------
    Path

    Raises
    ------
    InvalidInput
        If there is no dataset of that name, or it has no image files (cifar10).
    MissingData
        If it is not on this machine.
    """
    own = _named(name)
    if isinstance(own, Path):
        return own
    wanted = source(name)
    if not wanted.has_image_files:
        with_files = [known.name for known in SOURCES.values() if known.has_image_files]
        raise InvalidInput(
            f"{wanted.name} has no folder of image files; {', '.join(with_files)} have one."
        )
    path = wanted.image_folder()
    if path is None:
        raise MissingData(
            f"There are no image files of {wanted.name} on this machine; to get them: {wanted.how}."
        )
    return path


def source(name: object) -> Source:
    """Return the dataset called `name`.

    Raises
    ------
    InvalidInput
        If there is none.
    """
    if name not in SOURCES:
        raise InvalidInput(
            f"There is no dataset called {name!r}{validate.nearest(str(name), SOURCES)}; "
            f"the course knows {', '.join(SOURCES)}, and datasets.from_directory(folder) loads "
            f"images of your own."
        )
    return SOURCES[str(name)]


def _named(name: str | os.PathLike[str]) -> str | Path:
    """Return the folder that an argument names, or the argument itself as the name of a dataset."""
    if isinstance(name, os.PathLike):
        return Path(os.path.expanduser(name)).absolute()
    return (own_folder(name) if isinstance(name, str) else None) or name


def own_folder(text: str) -> Path | None:
    """Return the absolute path of the folder that a setting names, or None if it names none.

    The name of a known dataset is never a folder. A relative path is looked for in the current
    folder, then in the course folder.
    """
    if text in SOURCES or "\0" in text or not text.strip():
        return None
    path = Path(os.path.expanduser(text))
    with suppress(OSError):
        if path.is_dir():
            return path.absolute()
    with suppress(OSError, MissingData):
        if (settings.course_root() / path).is_dir():
            return settings.course_root() / path
    return None


#: What to do if the folder that a setting names does not exist.
_INSTEAD = {
    "COURSE_DATASET": "set COURSE_DATASET to a folder that is there, or unset it",
    "course data use": "choose another one, or forget it with 'course data use --forget'",
}


def _choose() -> str | Path:
    """Return the name or the folder that `load` takes without a name, and print which it is."""
    named, by = settings.dataset_name(), settings.dataset_source()
    if named is not None:
        how = ", which COURSE_DATASET names" if by == "COURSE_DATASET" else f", chosen with '{by}'"
        how = "" if settings.storing_outputs() else how
        path = own_folder(named)
        if path is not None:
            validate.say(
                f"Using the folder {path}{how}; the texts of the lessons describe paper_flowers."
            )
            return path
        if named not in SOURCES and Path(named).name != named:
            raise MissingData(f"There is no folder {named}{how}; {_INSTEAD[str(by)]}.")
        chosen = source(named)  # an unknown name is refused before anything is printed
        validate.say(f"Using {chosen.name} ({chosen.title}){how}.")
        return chosen.name
    if tf_flowers.SOURCE.locate() is not None:
        validate.say(
            "Using tf_flowers (photographs), which is on this machine; "
            'load("paper_flowers") gives the drawn flowers instead.'
        )
        return "tf_flowers"
    validate.say(
        "Using paper_flowers (drawn by the course); for photographs get tf_flowers with "
        "'course data get tf_flowers' (229 MB)."
    )
    return "paper_flowers"
