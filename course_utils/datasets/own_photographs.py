"""Photographs of one's own: list a folder or a table, check it, then load it (lesson 10)."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from course_utils import settings, validate
from course_utils.datasets import _files, folder, grouping, table
from course_utils.datasets._image_dataset import ImageDataset
from course_utils.datasets._options import check_options
from course_utils.exceptions import InvalidInput, MissingData

#: Fewest photographs of a class: two to train, and one each to choose and to test.
FEWEST = 4

_TABLES = (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")


@dataclass(frozen=True, repr=False)
class Photographs:
    """The photographs of a folder or table, with their classes and groups, not yet decoded.

    Attributes
    ----------
    name : str
        Of the folder or table.
    class_names : tuple of str
    listing : Listing
        The files with their classes.
    groups : tuple of str or None
        The group of each file; None if none were named.
    """

    name: str
    class_names: tuple[str, ...]
    listing: folder.Listing = field(repr=False)
    groups: tuple[str, ...] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.listing.images)

    @property
    def ids(self) -> tuple[str, ...]:
        """Paths of the files relative to the folder, with ``/``."""
        return tuple(image.file.id for image in self.listing.images)

    def __repr__(self) -> str:
        found = Counter(image.class_name for image in self.listing.images)
        classes = validate.some_of([f"{name} {found[name]:,}" for name in self.class_names], 20)
        text = f"{self.name}: {validate.counted(len(self), 'photograph')} ({classes})"
        if self.groups is None:
            return text
        labeled = {
            (key, one.class_name) for key, one in zip(self.groups, self.listing.images, strict=True)
        }
        mixed = sum(many > 1 for many in Counter(key for key, _ in labeled).values())
        text = f"{text}, {len(set(self.groups)):,} groups"
        return f"{text} ({mixed:,} in several classes)" if mixed else text

    def groups_of(self, ids: Iterable[str]) -> list[str]:
        """Return the group of each photograph, or its id if no groups were named.

        Parameters
        ----------
        ids : iterable of str

        Returns
        -------
        list of str

        Raises
        ------
        InvalidInput
            If an id is unknown.
        """
        keys = self.ids if self.groups is None else self.groups
        known = dict(zip(self.ids, keys, strict=True))
        return [known[name] for name in self._known(ids)]

    def path_of(self, name: str) -> Path:
        """Return the path of the file of a photograph.

        Parameters
        ----------
        name : str
            The id of the photograph.

        Returns
        -------
        Path

        Raises
        ------
        InvalidInput
            If the id is unknown.
        """
        (known,) = self._known([name])
        return self.listing.images[self.ids.index(known)].file.path

    def without(self, ids: Iterable[str]) -> Photographs:
        """Return the photographs without some of them, for example those that cannot be read.

        Parameters
        ----------
        ids : iterable of str

        Returns
        -------
        Photographs

        Raises
        ------
        InvalidInput
            If an id is unknown.
        """
        gone = set(self._known(ids))
        keep = [k for k, name in enumerate(self.ids) if name not in gone]
        images = tuple(self.listing.images[k] for k in keep)
        groups = None if self.groups is None else tuple(self.groups[k] for k in keep)
        return replace(self, listing=replace(self.listing, images=images), groups=groups)

    def load(
        self,
        image_size: int | tuple[int, int] = 224,
        *,
        batch_size: int = 32,
        validation: float = 0.2,
        test: float = 0.2,
        seed: int | None = None,
    ) -> ImageDataset:
        """Decode the photographs and divide them, with all photographs of a group in one split.

        Files that cannot be read are left out with a message; photographs without color get three
        equal channels, as pretrained networks need them.

        Parameters
        ----------
        image_size : int or tuple of int
            Height and width in pixels to which every photograph is stretched.
        batch_size : int
            Photographs per batch.
        validation, test : float
            The share of each class that a split gets, unless the folder has this split.
        seed : int, optional
            Seed of the division; by default COURSE_SEED, else 42.

        Returns
        -------
        ImageDataset

        Raises
        ------
        InvalidInput
            If a class has fewer than four photographs or too few groups, or an argument cannot be
            used.
        """
        options = check_options(
            image_size, batch_size, seed, unreadable="skip", validation=validation, test=test
        )
        found = Counter(image.class_name for image in self.listing.images)
        few = [name for name in self.class_names if found[name] < FEWEST]
        if few:
            counts = validate.some_of([f"{name!r} has {found[name]}" for name in few])
            raise InvalidInput(
                f"Each class needs at least {FEWEST} photographs to learn from and to test on, but "
                f"{counts}; take more of them, or move the class out of {self.name}."
            )
        return folder.load_folder(
            self.listing,
            options,
            name=self.name,
            class_names=self.class_names,
            groups=self.groups,
        )

    def _known(self, ids: Iterable[str]) -> list[str]:
        known, names = set(self.ids), list(ids)
        unknown = [name for name in names if name not in known]
        if unknown:
            raise InvalidInput(
                f"{self.name} has no photograph {unknown[0]!r}"
                f"{validate.nearest(str(unknown[0]), self.ids)}; ids look like {self.ids[0]!r}."
            )
        return names


def photographs(
    source: str | os.PathLike[str], groups: grouping.Groups | None = None
) -> Photographs:
    r"""List photographs of one's own, without decoding them.

    Parameters
    ----------
    source : str or path
        A folder with one folder per class (or a table, CSV, that names the files and their
        classes). A relative path is looked for in the current folder, then in the course folder.
    groups : str, pattern or callable, optional
        Which photographs belong together, for example those of one plant: a regular expression
        that is searched in each id and whose group names them, such as ``r"(plant\d+)"``; a
        function of the path; or, with a table, the name of a column.

    Returns
    -------
    Photographs

    Raises
    ------
    MissingData
        If there is no such folder or table, or all files of the table are missing.
    InvalidInput
        If it holds no photographs or fewer than two classes, or `groups` cannot be used.

    Examples
    --------
    >>> photographs("data/garden_walk", groups=r"(plant\d+)")
    garden_walk: 96 photographs (daisy 38, roses 27, tulips 31), 33 groups (1 in several classes)
    """
    path = _found(source)
    if path.suffix.lower() in _TABLES and not path.is_dir():
        rows = table.scan(path, skip_missing=True, groups=groups)
        listing, names, columns = rows.listing, rows.class_names, rows.columns
        name = path.stem
    else:
        listing, columns = folder.scan(path), None
        folder.check_listing(listing)
        names, name = listing.class_names, listing.root.name
    keys = None if groups is None else folder.group_keys(listing, groups, columns)
    return Photographs(validate.printable(name), tuple(names), listing, keys)


def _found(source: str | os.PathLike[str]) -> Path:
    """Return the absolute path of a folder or table, which a relative path may name twice."""
    needed = "The path of a folder of photographs is needed, such as 'C:/Pictures/mugs'"
    given = source.strip().strip("\"'") if isinstance(source, str) else source
    path = _files.as_path(given, needed)
    if not os.path.isabs(os.path.expanduser(os.fspath(given))) and not os.path.exists(path):
        try:
            inside = settings.course_root() / Path(given)
        except MissingData:
            return path
        if os.path.exists(inside):
            return inside
    return path
