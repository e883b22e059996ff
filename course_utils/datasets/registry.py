"""The datasets that the course knows by name."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils import settings, validate
from course_utils.datasets import cifar10, clothing, folder, removal, tf_flowers
from course_utils.datasets._image_dataset import ImageDataset
from course_utils.datasets._source import Source
from course_utils.exceptions import InvalidInput, MissingData

if TYPE_CHECKING:
    import pandas as pd


def _paper_flowers_folder() -> Path | None:
    path = settings.shipped_data() / "paper_flowers"
    return path if (path / "manifest.csv").is_file() else None


def _read_paper_flowers(**arguments: Any) -> ImageDataset:
    from course_utils.datasets import paper_flowers

    return folder.load_folder(
        folder.scan(paper_flowers.folder()),
        name=_PAPER_FLOWERS.name,
        title=_PAPER_FLOWERS.title,
        licence=_PAPER_FLOWERS.licence,
        class_names=paper_flowers.CLASSES,
        **arguments,
    )


_PAPER_FLOWERS = Source(
    name="paper_flowers",
    title="flowers drawn by the course",
    images=2520,
    classes=5,
    licence="CC0 1.0",
    how="ships with the course",
    locate=_paper_flowers_folder,
    read=_read_paper_flowers,
    image_folder=_paper_flowers_folder,
)

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (_PAPER_FLOWERS, tf_flowers.SOURCE, clothing.SOURCE, cifar10.SOURCE)
}


_INSTEAD = {
    "COURSE_DATASET": "set COURSE_DATASET to a folder that is there, or unset it",
    "course data use": "choose another one, or forget it with 'course data use --forget'",
}


def source(name: object) -> Source:
    """Return the source called `name`."""
    if name not in SOURCES:
        raise InvalidInput(
            f"There is no dataset called {name!r}{validate.nearest(str(name), SOURCES)}; "
            f"the course knows {', '.join(SOURCES)}, and datasets.from_directory(folder) loads "
            f"images of your own."
        )
    return SOURCES[str(name)]


def load(
    name: str | os.PathLike[str] | None = None,
    image_size: int | tuple[int, int] = (128, 128),
    batch_size: int = 32,
    seed: int | None = None,
    color_mode: str | None = None,
) -> ImageDataset:
    """Load a dataset that the course knows by name, or a folder of one's own.

    Nothing is ever downloaded.

    Parameters
    ----------
    name : str or path, optional
        ``"paper_flowers"``, ``"tf_flowers"``, ``"clothing"`` or ``"cifar10"``, or the path of a
        folder, which is loaded as :func:`from_directory` does. Without a name the
        one that COURSE_DATASET names or ``course data use`` chose is taken, which may be a folder
        of one's own; else tf_flowers where it is on this machine; else paper_flowers. One line then
        says which it is.
    image_size : int or tuple of int
        Height and width in pixels to which every image is stretched.
    batch_size : int
        Images per batch.
    seed : int, optional
        Decides the order of the training images and, for tf_flowers and the validation images of
        cifar10, the division; by default COURSE_SEED, else 42.
    color_mode : {"rgb", "grayscale"}, optional
        Whether images have three channels or one (cifar10: three only). By default three, but one
        for a folder whose files all store pictures without color.

    Returns
    -------
    ImageDataset
        tf_flowers is divided 80 : 10 : 10, class by class; the others come with splits (cifar10
        without validation, for which 5,000 training images are taken). Its `source` is the name or
        the folder that was taken.

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
    arguments: dict[str, Any] = {"image_size": image_size, "batch_size": batch_size, "seed": seed}
    if color_mode is not None:
        validate.choice("color_mode", color_mode, ("rgb", "grayscale"))
    chosen = _choose() if name is None else _named(name)
    if isinstance(chosen, Path):
        listing = folder.scan(chosen)
        mode = folder.color_mode_of(listing) if color_mode is None else color_mode
        data = folder.load_folder(listing, color_mode=mode, **arguments)
    else:
        if color_mode == "grayscale":
            arguments["color_mode"] = color_mode
        data = source(chosen).read(**arguments)
    return replace(data, source=str(chosen))


def _named(name: str | os.PathLike[str]) -> str | Path:
    """Return the folder that an argument names, or the argument itself as the name of a dataset."""
    if isinstance(name, os.PathLike):
        return Path(name).expanduser().absolute()
    return (own_folder(name) if isinstance(name, str) else None) or name


def own_folder(text: str) -> Path | None:
    """Return the folder that a setting names, absolute, or None where it names no folder.

    A name that the course knows is never a folder. A relative path is looked for in the current
    folder, then in that of the course.
    """
    if text in SOURCES or "\0" in text or not text.strip():
        return None
    path = Path(text).expanduser()
    with suppress(OSError):
        if path.is_dir():
            return path.absolute()
    with suppress(OSError, MissingData):
        if (settings.course_root() / path).is_dir():
            return settings.course_root() / path
    return None


def _choose() -> str | Path:
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
            raise MissingData(
                validate.printable(f"There is no folder {named}{how}; {_INSTEAD[str(by)]}.")
            )
        chosen = source(named)  # an unknown name is refused before anything is said of it
        validate.say(f"Using {chosen.name} ({chosen.title}){how}.")
        return chosen.name
    if tf_flowers.locate() is not None:
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


def available() -> pd.DataFrame:
    """Return the datasets that the course knows by name.

    Returns
    -------
    DataFrame
        One row per dataset; columns name, title, images, classes, licence, here (bool: whether a
        whole copy is on this machine), where (its path, or empty), and how to get.
    """
    import pandas as pd

    rows = []
    for one in SOURCES.values():
        where = one.locate()
        rows.append(
            {
                "name": one.name,
                "title": one.title,
                "images": one.images,
                "classes": one.classes,
                "licence": one.licence,
                "here": where is not None,
                "where": str(where or ""),
                "how to get": one.how,
            }
        )
    return pd.DataFrame(rows)


def download(name: str, url: str | None = None) -> Path:
    """Download a dataset, with a progress bar, unless a whole copy is here already.

    What arrives is checked (by its SHA-256, or by the names and number of its files), unpacked
    aside and renamed last, so that half a dataset is never taken for a whole one. A download that
    broke off is continued the next time where the server can do that. Two processes that download
    the same dataset wait for each other.

    Parameters
    ----------
    name : str
        ``"tf_flowers"``, ``"clothing"`` or ``"cifar10"``.
    url : str, optional
        Another address of the same archive, such as a mirror in the classroom.

    Returns
    -------
    Path
        Where the dataset is.

    Raises
    ------
    InvalidInput
        If there is no dataset of that name.
    DownloadFailed
        If it could not be downloaded; the message gives the reason and says what to do.
    """
    wanted = source(name)
    here = wanted.locate()
    if here is not None:
        validate.say(f"{wanted.name} is here already: {here}")
        return here
    if wanted.fetch is None:
        raise MissingData(
            f"{wanted.name} {wanted.how}, but it is not in {settings.shipped_data()}; restore it "
            f"with 'git checkout -- data/{wanted.name}'."
        )
    place = wanted.fetch(url=url)
    removal.remember(wanted.name)
    return place


def remove(name: str) -> tuple[tuple[Path, ...], int]:
    """Remove what the course downloaded of a dataset; nothing else is touched.

    Parameters
    ----------
    name : str
        ``"tf_flowers"``, ``"clothing"`` or ``"cifar10"``.

    Returns
    -------
    paths : tuple of Path
        What was removed.
    size : int
        Bytes that are free again.

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
    if wanted.image_folder is None:
        with_files = [one.name for one in SOURCES.values() if one.image_folder is not None]
        raise InvalidInput(
            f"{wanted.name} has no folder of image files; {', '.join(with_files)} have one."
        )
    path = wanted.image_folder()
    if path is None:
        raise MissingData(
            f"There are no image files of {wanted.name} on this machine; to get them: {wanted.how}."
        )
    return path
