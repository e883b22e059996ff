"""What the course has to know of a dataset that it offers by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from course_utils import settings
from course_utils.datasets._image_dataset import ImageDataset


@dataclass(frozen=True)
class Source:
    """A dataset that the course knows by name.

    Attributes
    ----------
    name : str
        What it is called.
    title : str
        What it shows, in a few words.
    images, classes : int
        How many there are.
    licence : str
        Under what terms the images may be used.
    how : str
        How to get it, for the table of :func:`course_utils.datasets.available`.
    locate : callable
        Returns where a whole copy is on this machine, or None. Never downloads.
    read : callable
        Makes an ImageDataset from the keyword arguments image_size, batch_size, seed
        and, where other than RGB is asked for, color_mode.
    fetch : callable or None
        Downloads it (keyword argument url, None for the usual address) and returns where it is.
    image_folder : callable or None
        Returns the folder with the image files, or None where it is not here; None for a source
        that has no image files.
    made : callable or None
        Returns the files and folders that `fetch` makes; None for a source that ships.
    """

    name: str
    title: str
    images: int
    classes: int
    licence: str
    how: str
    locate: Callable[[], Path | None]
    read: Callable[..., ImageDataset]
    fetch: Callable[..., Path] | None = None
    image_folder: Callable[[], Path | None] | None = None
    made: Callable[[], tuple[Path, ...]] | None = None


def roots() -> Iterator[Path]:
    """Yield the folders in which datasets may lie: that of COURSE_DATA, then the downloads."""
    named = settings.data_root()
    if named is not None:
        yield named
    yield settings.downloads_root()
