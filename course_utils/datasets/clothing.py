"""clothing: 3,781 photographs of ten kinds of clothes."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.datasets import _download, _source, decoding, folder
from course_utils.datasets._image_dataset import ImageDataset
from course_utils.exceptions import MissingData

#: In alphabetical order.
CLASS_NAMES = (
    *("dress", "hat", "longsleeve", "outwear", "pants"),
    *("shirt", "shoes", "shorts", "skirt", "t-shirt"),
)

#: Number of photographs in each split.
COUNTS = {"train": 3068, "validation": 341, "test": 372}

#: SHA-256 of the sorted names ``SPLIT/CLASS/FILE.jpg``, joined by line feeds. GitHub packs its
#: archives anew now and then, so a digest of the archive itself would not last.
_NAMES_DIGEST = "c7a5ea344870477a035e76171589b72c58516b96e74fa0c07916bcbee9497d83"

_COMMIT = "11961516512414bf9f6c150a832cfd21b54a6b54"

#: The archive of the dataset's repository at one commit.
ARCHIVE = _download.Archive(
    name="clothing",
    url=f"https://github.com/alexeygrigorev/clothing-dataset-small/archive/{_COMMIT}.tar.gz",
    sha256=None,
    size=115_000_000,
    instead=(
        "try again later, or set COURSE_DATA to a folder that holds clothing-dataset-small; "
        "the lessons work with paper_flowers too."
    ),
)

_FOLDER = "clothing-dataset-small"
_TITLE = "photographs of ten kinds of clothes"
_LICENCE = "CC0 1.0"


def names_digest(path: Path) -> str:
    """Return the SHA-256 of the sorted names of the images in a copy of the dataset."""
    names = [
        f"{split}/{kind.name}/{file.name}"
        for split in COUNTS
        for kind in _folders(path / split)
        for file in kind.iterdir()
        if file.suffix.lower() in decoding.IMAGE_ENDINGS and not file.name.startswith(".")
    ]
    return hashlib.sha256("\n".join(sorted(names)).encode("utf-8", "surrogateescape")).hexdigest()


def _folders(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    return [one for one in path.iterdir() if one.is_dir() and not one.name.startswith(".")]


def _is_whole(path: Path, digest: str = _NAMES_DIGEST) -> bool:
    try:
        return names_digest(path) == digest
    except OSError:
        return False


def image_folder() -> Path | None:
    """Return the folder with all photographs, or None where no whole one is on this machine."""
    for root in _source.roots():
        if _is_whole(root / _FOLDER):
            return root / _FOLDER
    return None


def read(*, image_size: Any, batch_size: Any, seed: Any, color_mode: str = "rgb") -> ImageDataset:
    """Load the set from this machine, with the splits that its authors made."""
    path = image_folder()
    if path is None:
        raise MissingData(
            f"clothing is not on this machine{_half_set()}; get it with 'course data get clothing' "
            f"(about 115 MB), or set COURSE_DATA to a folder that holds all of {_FOLDER}."
        )
    return folder.load_folder(
        folder.scan(path),
        image_size=image_size,
        batch_size=batch_size,
        seed=seed,
        color_mode=color_mode,
        name="clothing",
        title=_TITLE,
        licence=_LICENCE,
        class_names=CLASS_NAMES,
    )


def _half_set() -> str:
    for root in _source.roots():
        if (root / _FOLDER).is_dir():
            return f" ({root / _FOLDER} does not hold exactly the files of the whole set)"
    return ""


def fetch(
    *,
    url: str | None = None,
    archive: _download.Archive = ARCHIVE,
    digest: str = _NAMES_DIGEST,
) -> Path:
    """Download the set into ``data/downloads/clothing-dataset-small``, and return that folder."""
    if url is not None:
        archive = dataclasses.replace(archive, url=url)

    def unpack(packed: Path, aside: Path) -> None:
        _download.unpack_tar(packed, aside, f"{_FOLDER}-{_COMMIT}")
        if not _is_whole(aside, digest):
            raise _download.Wrong("it does not hold exactly the files that it should")
        listing = folder.scan(aside)
        files = [one.file for one in listing.images]
        for chunk in decoding.decode_all(files, (8, 8), 3, "clothing, to check it"):
            broken = [one for one in chunk if one.image is None]
            if broken:
                raise _download.Wrong(f"an image in it {broken[0].reason}")

    target = settings.downloads_root() / _FOLDER
    return _download.obtain(archive, target, unpack, is_whole=lambda path: _is_whole(path, digest))


def made() -> tuple[Path, ...]:
    """Return what a download makes."""
    return (settings.downloads_root() / _FOLDER,)


SOURCE = _source.Source(
    name="clothing",
    title=_TITLE,
    images=sum(COUNTS.values()),
    classes=len(CLASS_NAMES),
    licence=_LICENCE,
    how=f"course data get clothing (about 115 MB), or COURSE_DATA with {_FOLDER} in it",
    locate=image_folder,
    read=read,
    fetch=fetch,
    image_folder=image_folder,
    made=made,
)
