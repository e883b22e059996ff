"""The datasets that the course knows by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.datasets import _checks, folder
from course_utils.datasets._image_dataset import ImageDataset
from course_utils.exceptions import InvalidInput, MissingData

FLOWERS = ("dandelion", "daisy", "tulips", "sunflowers", "roses")


@dataclass(frozen=True)
class Source:
    """A dataset that the course knows by name.

    Attributes
    ----------
    name, title, licence : str
        What it is called, what it shows, and under what terms it may be used.
    images, classes : int
        How many there are.
    how : str
        How to get it.
    locate : callable
        Returns where it is on this machine, or None.
    read : callable
        Makes an ImageDataset from image_size, batch_size and seed.
    """

    name: str
    title: str
    images: int
    classes: int
    licence: str
    how: str
    locate: Callable[[], Path | None]
    read: Callable[..., ImageDataset]


def _paper_flowers_folder() -> Path | None:
    path = settings.shipped_data() / "paper_flowers"
    return path if (path / "train").is_dir() else None


def _read_paper_flowers(**arguments: Any) -> ImageDataset:
    path = _paper_flowers_folder()
    if path is None:
        raise MissingData(
            f"The drawings of paper_flowers are not in {settings.shipped_data()}; get the course "
            f"folder anew ('git checkout data/paper_flowers' restores it)."
        )
    return folder.load_folder(
        folder.scan(path),
        name="paper_flowers",
        title=SOURCES["paper_flowers"].title,
        licence=SOURCES["paper_flowers"].licence,
        class_names=FLOWERS,
        **arguments,
    )


SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        Source(
            "paper_flowers",
            "flowers drawn by the course",
            2400,
            5,
            "CC0 1.0",
            "ships with the course",
            _paper_flowers_folder,
            _read_paper_flowers,
        ),
    )
}


def source(name: object) -> Source:
    """Return the source called `name`."""
    if name not in SOURCES:
        raise InvalidInput(
            f"There is no dataset called {name!r}{_checks.nearest(str(name), SOURCES)}; "
            f"the course knows {', '.join(SOURCES)}. For images of your own use "
            f"datasets.from_directory(folder)."
        )
    return SOURCES[str(name)]


def load(
    name: str | None = None,
    image_size: int | tuple[int, int] = (128, 128),
    batch_size: int = 32,
    seed: int | None = None,
) -> ImageDataset:
    """Load a dataset by name."""
    return source(name or settings.dataset_name() or "paper_flowers").read(
        image_size=image_size, batch_size=batch_size, seed=seed
    )
