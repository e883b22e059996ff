"""Base classes of the datasets that are known by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.datasets import _download, folder
from course_utils.datasets._image_dataset import ImageDataset
from course_utils.datasets._options import LoadOptions
from course_utils.exceptions import MissingData


def roots() -> Iterator[Path]:
    """Yield the folders in which datasets are looked for: COURSE_DATA, then the downloads."""
    named = settings.data_root()
    if named is not None:
        yield named
    yield settings.downloads_root()


@dataclass(frozen=True, kw_only=True)
class Source:
    """A dataset that the course knows by name.

    Attributes
    ----------
    name : str
        Name for :func:`course_utils.datasets.load`.
    title : str
        Description in a few words.
    images : int
        Number of images.
    class_names : tuple of str
        Names of the classes, in the order of their indices.
    license : str
        License of the images.
    has_image_files : bool
        Whether :meth:`image_folder` can return a folder.
    """

    name: str
    title: str
    images: int
    class_names: tuple[str, ...]
    license: str
    has_image_files: bool = True

    @property
    def about(self) -> dict[str, Any]:
        """The attributes that the loaded :class:`ImageDataset` has too."""
        names = ("name", "class_names", "title", "license")
        return {name: getattr(self, name) for name in names}

    @property
    def how(self) -> str:
        """How to get it, for the table of :func:`course_utils.datasets.available`."""
        return "ships with the course"

    def image_folder(self) -> Path | None:
        """Return the folder with the image files, or None if it is not on this machine."""
        return None

    def locate(self) -> Path | None:
        """Return where a complete copy is on this machine, or None; nothing is downloaded."""
        return self.image_folder()

    def load(self, options: LoadOptions) -> ImageDataset:
        """Load the dataset from this machine; by default its folder of images.

        Raises
        ------
        MissingData
            If it is not on this machine.
        """
        path = self.image_folder()
        if path is None:
            raise MissingData(self.missing())
        return folder.load_folder(folder.scan(path), options, quiet=True, **self.about)

    def missing(self) -> str:
        """Return the message for a dataset that is not on this machine."""
        return (
            f"{self.name} {self.how}, but it is not in {settings.shipped_data()}; restore it "
            f"with 'git checkout -- data/{self.name}'."
        )

    def download(self, url: str | None = None) -> Path:
        """Download the dataset, from `url` where it is given, and return where it is.

        Raises
        ------
        MissingData
            If the dataset ships with the course.
        DownloadFailed
            If it could not be downloaded.
        """
        raise MissingData(self.missing())

    def downloaded_paths(self) -> tuple[Path, ...]:
        """Return the files and folders that :meth:`download` makes."""
        return ()


@dataclass(frozen=True, kw_only=True)
class DownloadSource(Source):
    """A dataset that can be downloaded as one archive.

    Attributes
    ----------
    url : str
        Address of the archive.
    sha256 : str or None
        SHA-256 of the archive; None if the server packs it again for each request.
    size : int
        Size of the archive in bytes, approximate without `sha256`.
    prefix : str
        The folder in the archive that holds the dataset.
    content : str
        Name of the folder, or of the archive, that COURSE_DATA may hold instead.
    """

    url: str
    sha256: str | None
    size: int
    prefix: str
    content: str

    @property
    def archive(self) -> _download.Archive:
        """The archive, for :func:`course_utils.datasets._download.obtain`."""
        instead = (
            f"try again later, or set COURSE_DATA to a folder that holds {self.content}; "
            f"the lessons work with paper_flowers too."
        )
        return _download.Archive(self.name, self.url, self.sha256, self.size, instead)

    @property
    def how(self) -> str:
        """How to get it, for the table of :func:`course_utils.datasets.available`."""
        return f"{self._command} ({self._megabytes}), or COURSE_DATA with {self.content} in it"

    @property
    def _command(self) -> str:
        return f"course data get {self.name}"

    @property
    def _megabytes(self) -> str:
        return f"{'' if self.sha256 else 'about '}{self.size / 1e6:.0f} MB"

    def incomplete(self) -> str:
        """Return a remark, in parentheses, on an incomplete copy on this machine, or nothing."""
        return ""

    def missing(self) -> str:
        """Return the message for a dataset that is not on this machine."""
        content = f"all of {self.content}" if self.has_image_files else self.content
        return (
            f"{self.name} is not on this machine{self.incomplete()}; get it with "
            f"'{self._command}' ({self._megabytes}), or set COURSE_DATA to a folder that holds "
            f"{content}."
        )

    def at(self, url: str | None) -> DownloadSource:
        """Return the same source with another address, unless `url` is None."""
        return self if url is None else dataclasses.replace(self, url=url)


@dataclass(frozen=True, kw_only=True)
class PhotoFolder(DownloadSource):
    """A dataset whose archive is unpacked into a folder of image files, named `content`."""

    def is_complete(self, path: Path) -> bool:
        """Return whether a folder holds the complete dataset."""
        raise NotImplementedError

    def check_unpacked(self, path: Path) -> None:
        """Raise CorruptArchive if what was unpacked into `path` is not the dataset."""

    def image_folder(self) -> Path | None:
        """Return the folder with the image files, or None if it is not on this machine."""
        return next(
            (root / self.content for root in roots() if self.is_complete(root / self.content)), None
        )

    def download(self, url: str | None = None) -> Path:
        """Download the dataset into ``data/downloads``, and return its folder."""

        def unpack(packed: Path, aside: Path) -> None:
            _download.unpack_tar(packed, aside, self.prefix)
            self.check_unpacked(aside)

        (target,) = self.downloaded_paths()
        return _download.obtain(self.at(url).archive, target, unpack, is_complete=self.is_complete)

    def downloaded_paths(self) -> tuple[Path, ...]:
        """Return the files and folders that :meth:`download` makes."""
        return (settings.downloads_root() / self.content,)
