"""Images in folders: one folder per class, or train/validation/test above them (lesson 02)."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils.datasets import _cache, _checks, _decode, _splits
from course_utils.datasets._image_dataset import ImageDataset, Part, PixelStore
from course_utils.datasets._splits import SPLITS
from course_utils.exceptions import InvalidInput, MissingData

_IGNORED_NAMES = frozenset({"__macosx", "thumbs.db", "desktop.ini", "__pycache__"})


@dataclass(frozen=True)
class FoundImage:
    """An image file with the class and split that its place gives it."""

    file: _decode.ImageFile
    class_name: str
    split: str | None


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Attributes
    ----------
    root : Path
        The folder.
    images : tuple of FoundImage
        The image files in the order of their ids.
    class_names : tuple of str
        Names of the class folders in alphabetical order.
    splits : tuple of str
        The splits that the folder has of its own, empty where there are none.
    loose : tuple of str
        Image files outside every class folder, which belong to no class.
    """

    root: Path
    images: tuple[FoundImage, ...]
    class_names: tuple[str, ...]
    splits: tuple[str, ...]
    loose: tuple[str, ...]


def from_directory(
    path: str | os.PathLike[str],
    image_size: int | tuple[int, int] = (128, 128),
    batch_size: int = 32,
    seed: int | None = None,
    color_mode: str = "rgb",
    unreadable: str = "raise",
    validation: float = 0.1,
    test: float = 0.1,
) -> ImageDataset:
    """Load a folder of images of your own.

    The folder holds one folder per class, or the folders ``train``, ``validation`` (or ``val`` or
    ``valid``) and ``test`` with one folder per class in each. Folders inside a class folder count
    as part of the class; hidden files and files that are no images are passed over. A split that is
    missing is taken from the training images at random, class by class; copies of an image stay in
    the same split.

    Parameters
    ----------
    path : str or path
        The folder.
    image_size : int or tuple of int
        Height and width in pixels to which every image is stretched.
    batch_size : int
        Images per batch.
    seed : int, optional
        Decides the division and the order of the training images; by default COURSE_SEED, else 42.
    color_mode : {"rgb", "grayscale"}
        Whether images have three channels or one.
    unreadable : {"raise", "skip"}
        What to do about image files that cannot be read: refuse the folder and name them, or go on
        without them.
    validation, test : float
        The share of each class that a missing split gets.

    Returns
    -------
    ImageDataset
        Classes in alphabetical order; ids are paths relative to the folder, with ``/``.

    Raises
    ------
    MissingData
        If there is no such folder.
    InvalidInput
        If the folder holds no images, fewer than two classes, a class with too few images, a split
        that leaves a class out, or files that cannot be read; or if an argument cannot be used.
    """
    return load_folder(
        scan(path),
        image_size=image_size,
        batch_size=batch_size,
        seed=seed,
        color_mode=color_mode,
        unreadable=unreadable,
        validation=validation,
        test=test,
    )


def load_folder(
    listing: Listing,
    *,
    image_size: int | tuple[int, int] = (128, 128),
    batch_size: int = 32,
    seed: int | None = None,
    color_mode: str = "rgb",
    unreadable: str = "raise",
    validation: float = 0.1,
    test: float = 0.1,
    name: str | None = None,
    title: str = "",
    licence: str = "",
    class_names: Sequence[str] | None = None,
    quiet: bool = False,
) -> ImageDataset:
    """Make a dataset of a folder that has been listed; see :func:`from_directory`."""
    size = _checks.image_size(image_size)
    batch = _checks.batch_size(batch_size)
    number = _checks.seed(seed)
    channels = 1 if _checks.choice("color_mode", color_mode, ("rgb", "grayscale")) != "rgb" else 3
    skip = _checks.choice("unreadable", unreadable, ("raise", "skip")) == "skip"
    shares = {
        "test": _checks.fraction("test", test),
        "validation": _checks.fraction("validation", validation),
    }
    label = name or listing.root.name or str(listing.root)
    names = tuple(class_names or listing.class_names)
    _check_listing(listing, names)

    found = listing.images
    pixels = _cache.pixels(
        [one.file for one in found],
        size,
        channels,
        label=_checks.printable(label),
        root=listing.root,
        keep_unreadable=skip,
    )
    if pixels.unreadable:
        lost = [f"{found[row].file.id} {why}" for row, why in pixels.unreadable.items()]
        _checks.say(f"Going on without {len(lost)} unreadable files: {_checks.some_of(lost)}.")
    rows = np.array([i for i in range(len(found)) if i not in pixels.unreadable], np.int64)
    index = {one: i for i, one in enumerate(names)}
    labels = np.array([index[one.class_name] for one in found], np.int32)
    ids = tuple(one.file.id for one in found)
    _check_counts(listing.root, names, [(found[i].split, int(labels[i])) for i in rows])

    by_split = {
        split: np.array([i for i in rows if found[i].split == split], np.int64)
        for split in listing.splits
    }
    missing = {split: share for split, share in shares.items() if split not in by_split}
    if missing:
        pool = by_split.get("train", rows)
        carved = _splits.carve(
            [ids[i] for i in pool],
            labels[pool],
            [pixels.digests[i] for i in pool],
            names,
            missing,
            number,
        )
        by_split |= {split: pool[positions] for split, positions in carved.items()}
        if not quiet:
            told = " and ".join(
                f"{len(by_split[split]):,} for {split}" for split in SPLITS if split in missing
            )
            _checks.say(
                f"{label}: of {len(pool):,} images, {told} were taken at random, class by class "
                f"(seed {number}); {len(by_split['train']):,} are left for training."
            )
    parts = {
        split: Part(
            tuple(ids[i] for i in by_split[split]), by_split[split], labels[by_split[split]]
        )
        for split in SPLITS
    }
    return ImageDataset(
        name=_checks.printable(label),
        class_names=names,
        image_size=size,
        channels=channels,
        batch_size=batch,
        seed=number,
        title=title,
        licence=licence,
        _store=PixelStore(pixels.images, pixels.digests),
        _parts=parts,
    )


# --- listing -------------------------------------------------------------------------------


def scan(path: str | os.PathLike[str]) -> Listing:
    """List the images of a folder with their classes and splits, without opening them.

    Parameters
    ----------
    path : str or path
        The folder.

    Returns
    -------
    Listing

    Raises
    ------
    MissingData
        If there is no such folder.
    InvalidInput
        If `path` is no folder, may not be read, or mixes splits and classes.
    """
    root = _root(path)
    tops, loose = _entries(root)
    trees = {name: _walk(folder, name) for name, folder in tops}
    split_of = _split_folders(root, trees)

    found: list[FoundImage] = []
    if split_of:
        for top, split in split_of.items():
            for file in trees[top]:
                inner = file.id.split("/")
                if len(inner) < 3:
                    loose.append(file)
                else:
                    found.append(FoundImage(file, _class_name(inner[1]), split))
    else:
        for top, files in trees.items():
            found.extend(FoundImage(file, _class_name(top), None) for file in files)
    found.sort(key=lambda one: unicodedata.normalize("NFC", one.file.id))
    classes = _class_folders(root, tops, split_of)
    return Listing(
        root=root,
        images=tuple(found),
        class_names=tuple(sorted(classes)),
        splits=tuple(split for split in SPLITS if split in {one.split for one in found}),
        loose=tuple(sorted(file.id for file in loose)),
    )


def _root(path: object) -> Path:
    """Return the folder that a reader named, absolute, or refuse it."""
    if not isinstance(path, (str, os.PathLike)) or not str(path).strip() or "\0" in str(path):
        raise InvalidInput(
            f"The path of a folder is needed, such as 'photos' or Path('photos'), but it is "
            f"{path!r}."
        )
    root = Path(os.path.expanduser(os.fspath(path))).absolute()
    try:
        root.stat()
    except PermissionError:
        raise InvalidInput(
            _checks.printable(
                f"{root} may not be read (no permission); change its permissions or copy the "
                f"images to a folder of your own."
            )
        ) from None
    except OSError:
        raise MissingData(
            _checks.printable(
                f"There is no folder {root}{_near_path(root)}; give the folder that holds one "
                f"folder of images per class."
            )
        ) from None
    if not root.is_dir():
        raise InvalidInput(
            _checks.printable(
                f"{root} is a file, but a folder is needed that holds one folder of images per "
                f"class{' (unpack the archive first)' if _is_archive(root) else ''}."
            )
        )
    return root


def _ignored(name: str) -> bool:
    return name.startswith(".") or name.casefold() in _IGNORED_NAMES


def _is_archive(path: Path) -> bool:
    return path.name.lower().endswith((".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar"))


def _near_path(path: Path) -> str:
    try:
        names = [entry.name for entry in os.scandir(path.parent) if entry.is_dir()]
    except OSError:
        return ""
    return _checks.nearest(path.name, names)


def _class_name(folder: str) -> str:
    return _checks.printable(unicodedata.normalize("NFC", folder))


def _entries(folder: Path, prefix: str = "") -> tuple[list[tuple[str, Path]], list]:
    """Return the folders and the image files directly in `folder`, by name."""
    folders: list[tuple[str, Path]] = []
    files: list[_decode.ImageFile] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if _ignored(entry.name):
                    continue
                if entry.is_dir():
                    folders.append((entry.name, Path(entry.path)))
                elif os.path.splitext(entry.name)[1].lower() in _decode.IMAGE_ENDINGS:
                    files.append(
                        _decode.ImageFile(f"{prefix}{entry.name}", Path(entry.path), _stamp(entry))
                    )
    except PermissionError:
        raise InvalidInput(
            _checks.printable(
                f"The folder {folder} may not be read (no permission); change its permissions or "
                f"copy the images to a folder of your own."
            )
        ) from None
    except OSError as error:
        raise InvalidInput(
            _checks.printable(f"The folder {folder} cannot be read: {error.strerror or error}.")
        ) from None
    folders.sort()
    files.sort(key=lambda file: file.id)
    return folders, files


def _stamp(entry: os.DirEntry[str]) -> tuple[int, int, int]:
    try:
        status = entry.stat()
    except OSError:  # a link that leads nowhere, or a file that is being removed
        return (-1, -1, -1)
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _walk(folder: Path, prefix: str) -> list[_decode.ImageFile]:
    """Return all image files under `folder`; links to a folder above are followed once."""
    result: list[_decode.ImageFile] = []
    waiting = [(folder, f"{prefix}/", frozenset[tuple[int, int]]())]
    while waiting:
        here, path, above = waiting.pop()
        try:
            status = here.stat()
        except OSError:
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            continue
        folders, files = _entries(here, path)
        result.extend(files)
        waiting.extend((inner, f"{path}{name}/", above | {identity}) for name, inner in folders)
    return result


def _split_folders(root: Path, trees: dict[str, list[_decode.ImageFile]]) -> dict[str, str]:
    """Return which top folders are splits, or nothing where the top folders are classes."""
    named = {
        top: _splits.FOLDER_NAMES[top.casefold()]
        for top in trees
        if top.casefold() in _splits.FOLDER_NAMES
    }
    if not named:
        return {}
    # A class may be called "test" or "train" too. A split has folders of images inside, a class
    # has images; where the folder can be read both ways it is refused rather than guessed.
    as_splits = [top for top in named if any(file.id.count("/") >= 2 for file in trees[top])]
    others = [top for top, files in trees.items() if top not in named and files]
    if not as_splits or (others and all(named[top] != "train" for top in as_splits)):
        return {}
    if others:
        raise InvalidInput(
            _checks.printable(
                f"{root} can be read in two ways: {_checks.some_of(sorted(as_splits))} "
                f"hold{'s' * (len(as_splits) == 1)} folders, as a split does, but "
                f"{_checks.some_of(sorted(others))} beside it is no split; move the one or rename "
                f"the other."
            )
        )
    splits = Counter(named.values())
    for split, number in splits.items():
        if number > 1:
            both = [top for top, one in named.items() if one == split]
            raise InvalidInput(
                f"In {root} the folders {' and '.join(sorted(both))} both stand for the {split} "
                f"split; merge them or rename one."
            )
    if "train" not in splits:
        raise InvalidInput(
            f"{root} has the split{'s' * (len(splits) > 1)} {', '.join(sorted(named))} but no "
            f"folder train; add it, or give a folder with one folder per class."
        )
    return named


def _class_folders(root: Path, tops: list[tuple[str, Path]], split_of: dict[str, str]) -> set[str]:
    """Return the names of all class folders, empty ones too."""
    if not split_of:
        return {_class_name(name) for name, _ in tops}
    names: set[str] = set()
    for top in split_of:
        names.update(_class_name(name) for name, _ in _entries(root / top)[0])
    return names


# --- is it enough to train on? -------------------------------------------------------------


def _check_listing(listing: Listing, names: tuple[str, ...]) -> None:
    root = listing.root
    if not listing.images:
        if listing.loose:
            raise InvalidInput(
                _checks.printable(
                    f"The images in {root} lie outside class folders ({listing.loose[0]}, for "
                    f"example); put those of each class into a folder with the name of the class."
                )
            )
        raise InvalidInput(
            _checks.printable(
                f"{root} holds no images; a folder is needed that holds one folder of images "
                f"(.jpg, .png, ...) per class."
            )
        )
    if len(listing.class_names) < 2:
        inner = sorted({"/".join(one.file.id.split("/")[:-1]) for one in listing.images})
        hint = ""
        if len(inner) > 1 and not listing.splits:
            hint = f" (did you mean {root / listing.class_names[0]}?)"
        raise InvalidInput(
            _checks.printable(
                f"{root} holds one class only ({listing.class_names[0]}), but at least two are "
                f"needed; give the folder that holds one folder of images per class{hint}."
            )
        )
    if set(names) != set(listing.class_names):
        raise MissingData(
            _checks.printable(
                f"{root} should hold the classes {', '.join(names)}, but it holds "
                f"{_checks.some_of(listing.class_names, 20)}."
            )
        )
    if listing.loose:
        _checks.say(
            f"{len(listing.loose)} images lie outside class folders and are not used: "
            f"{_checks.some_of(listing.loose, 3)}."
        )


def _check_counts(root: Path, names: tuple[str, ...], images: list[tuple[str | None, int]]) -> None:
    counts = Counter(images)
    splits = {split for split, _ in images}
    for label, name in enumerate(names):
        if not any(counts[split, label] for split in splits):
            raise InvalidInput(
                _checks.printable(
                    f"The class {name!r} in {root} has no image that can be used; add images or "
                    f"remove the folder."
                )
            )
        for split in SPLITS:
            if split in splits and not counts[split, label]:
                raise InvalidInput(
                    _checks.printable(
                        f"The {split} split in {root} has no image of class {name!r}, which other "
                        f"splits have; each split needs images of every class."
                    )
                )
