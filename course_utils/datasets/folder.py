"""Images in folders: one folder per class, or train/validation/test above them (lesson 02)."""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from course_utils import validate
from course_utils.datasets import _cache, _files, _splits, bit_depth, decoding, grouping
from course_utils.datasets._image_dataset import ImageDataset, Part, PixelStore
from course_utils.datasets._splits import SPLITS
from course_utils.exceptions import InvalidInput, MissingData

#: Folders with such a name hold pictures of all classes together.
_CONTAINERS = frozenset(
    {
        *("images", "image", "imgs", "img", "pictures", "photos", "photo", "pics"),
        *("data", "dataset", "jpg", "jpeg", "png", "files", "all"),
        *("labels", "annotations", "masks", "mask", "groundtruth"),  # of another task
    }
)


@dataclass(frozen=True)
class FoundImage:
    """An image file with the class and split that its place gives it."""

    file: decoding.ImageFile
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
    skipped : tuple of str
        Other files that may be pictures, of a kind that is not read.
    notes : tuple of str
        Sentences on how the folder was understood, to be told when it is loaded.
    """

    root: Path
    images: tuple[FoundImage, ...]
    class_names: tuple[str, ...]
    splits: tuple[str, ...]
    loose: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def from_directory(
    path: str | os.PathLike[str],
    image_size: int | tuple[int, int] = (128, 128),
    batch_size: int = 32,
    seed: int | None = None,
    color_mode: str = "rgb",
    unreadable: str = "raise",
    validation: float = 0.1,
    test: float = 0.1,
    label_from_name: str | re.Pattern | None = None,
    groups: grouping.Groups | None = None,
    value_range: tuple[float, float] | None = None,
) -> ImageDataset:
    r"""Load a folder of images of your own.

    The folder holds one folder per class, or the folders ``train``, ``validation`` and ``test``
    (or ``training_set``, ``val``, ``dev``, ``holdout`` and the like) with one folder per class in
    each. Folders inside a class folder count as part of the class; hidden files and the thumbnails
    of file servers are passed over; files of a kind that is not read are counted and named. A split
    that is missing is taken from the training images at random, class by class; copies of an image
    stay in the same split.

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
    label_from_name : str or pattern, optional
        For images that lie together: a regular expression that is searched in each file name, and
        whose group gives the class, such as ``r"^(cat|dog)\."``. Folders above do not matter then,
        except that the top ones may be splits.
    groups : str, pattern or callable, optional
        Which images belong together, such as those of one patient or of one burst: a regular
        expression whose group is searched in the id, or a function of the file's path. All of a
        group go into the same split.
    value_range : (low, high), optional
        For images of more than 8 bits: the value that becomes black and the one that becomes
        white, such as ``(0, 4095)``, the same for all. Needed where it is not clear from their
        values.

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
    listing = scan(path, label_from_name)
    return load_folder(
        listing,
        groups=None if groups is None else group_keys(listing, groups),
        value_range=value_range,
        image_size=image_size,
        batch_size=batch_size,
        seed=seed,
        color_mode=color_mode,
        unreadable=unreadable,
        validation=validation,
        test=test,
    )


def color_mode_of(listing: Listing) -> str:
    """Return "grayscale" where every image file of a folder stores a picture without color.

    Only the heads of the files are read, up to the first file with color. Files that cannot be read
    do not count. One line says it where the answer is "grayscale".

    Returns
    -------
    str
        ``"rgb"`` or ``"grayscale"``, as `color_mode` of :func:`from_directory`.
    """
    some_gray = False
    for one in listing.images:
        gray = decoding.is_gray(one.file.path)
        if gray is False:
            return "rgb"
        some_gray = some_gray or gray is True
    if not some_gray:
        return "rgb"
    name = validate.printable(listing.root.name)
    validate.say(f"The pictures in {name} have no color, so they are loaded with one channel.")
    return "grayscale"


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
    groups: Sequence[str] | None = None,
    value_range: tuple[float, float] | None = None,
) -> ImageDataset:
    """Make a dataset of a folder that has been listed; see :func:`from_directory`.

    `groups` names the group of each image of the listing.
    """
    size = validate.image_size(image_size)
    batch = validate.batch_size(batch_size)
    number = validate.seed(seed)
    channels = 1 if validate.choice("color_mode", color_mode, ("rgb", "grayscale")) != "rgb" else 3
    skip = validate.choice("unreadable", unreadable, ("raise", "skip")) == "skip"
    shares = {
        "test": validate.fraction("test", test),
        "validation": validate.fraction("validation", validation),
    }
    label = name or listing.root.name or str(listing.root)
    names = tuple(class_names or listing.class_names)
    _check_listing(listing, names)
    scales = bit_depth.scales_for(value_range)

    found = listing.images
    pixels = _cache.pixels(
        [one.file for one in found],
        size,
        channels,
        label=validate.printable(label),
        root=listing.root,
        keep_unreadable=skip,
        scales=scales,
    )
    if pixels.unreadable:
        lost = [f"{found[row].file.id} {why}" for row, why in pixels.unreadable.items()]
        validate.say(f"Going on without {len(lost)} unreadable files: {validate.some_of(lost)}.")
    rows = np.array([i for i in range(len(found)) if i not in pixels.unreadable], np.int64)
    index = {one: i for i, one in enumerate(names)}
    labels = np.array([index[one.class_name] for one in found], np.int32)
    ids = tuple(one.file.id for one in found)
    _check_counts(listing, names, [(found[i].split, int(labels[i])) for i in rows])

    by_split = {
        split: np.array([i for i in rows if found[i].split == split], np.int64)
        for split in listing.splits
    }
    if groups is not None:
        _check_given_groups(by_split, groups, ids)
    missing = {split: share for split, share in shares.items() if split not in by_split}
    if missing:
        pool = by_split.get("train", rows)
        some = ([ids[i] for i in pool], labels[pool])
        copies = [pixels.digests[i] for i in pool]
        if groups is None:
            carved = _splits.carve(*some, copies, names, missing, number)
        else:
            together = grouping.merged(copies, [groups[i] for i in pool])
            carved = _splits.carve_groups(*some, together, names, missing, number)
        by_split |= {split: pool[positions] for split, positions in carved.items()}
        if not quiet:
            told = " and ".join(
                f"{len(by_split[split]):,} for {split}" for split in SPLITS if split in missing
            )
            kept = "" if groups is None else f", {len(set(together)):,} groups kept whole"
            validate.say(
                f"{label}: of {len(pool):,} images, {told} were taken at random, class by class "
                f"(seed {number}){kept}; {len(by_split['train']):,} are left for training."
            )
    parts = {
        split: Part(
            tuple(ids[i] for i in by_split[split]), by_split[split], labels[by_split[split]]
        )
        for split in SPLITS
    }
    return ImageDataset(
        name=validate.printable(label),
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


def check(path: str | os.PathLike[str]) -> None:
    """Refuse a folder that cannot be loaded, without decoding its images.

    Raises
    ------
    MissingData, InvalidInput
        As :func:`from_directory`.
    """
    listing = scan(path)
    _check_listing(listing, listing.class_names)
    index = {one: i for i, one in enumerate(listing.class_names)}
    pairs = [(one.split, index[one.class_name]) for one in listing.images]
    _check_counts(listing, listing.class_names, pairs)


def group_keys(
    listing: Listing,
    groups: grouping.Groups,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> tuple[str, ...]:
    """Return the group of each image of a listing; see :func:`from_directory`."""
    files = [one.file for one in listing.images]
    if not files:
        return ()
    return grouping.keys(
        [file.id for file in files], [file.path for file in files], groups, columns
    )


def _check_given_groups(
    by_split: Mapping[str, np.ndarray], groups: Sequence[str], ids: Sequence[str]
) -> None:
    """Refuse splits of the folder itself that tear a group apart."""
    first: dict[str, tuple[str, int]] = {}
    for split, rows in by_split.items():
        for row in rows:
            other, at = first.setdefault(groups[row], (split, int(row)))
            if other != split:
                raise InvalidInput(
                    validate.printable(
                        f"{ids[at]} ({other}) and {ids[row]} ({split}) belong to one group, but "
                        f"the splits are given; put all images of a group into one split, or load "
                        f"the images without splits."
                    )
                )


# --- listing -------------------------------------------------------------------------------


def scan(path: str | os.PathLike[str], label_from_name: str | re.Pattern | None = None) -> Listing:
    """List the images of a folder with their classes and splits, without opening them.

    Parameters
    ----------
    path : str or path
        The folder.
    label_from_name : str or pattern, optional
        A regular expression whose group finds the class in the name of a file.

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
    root = _files.root_of(path)
    top = _files.entries(root)
    trees = {name: _files.walk(folder, f"{name}/") for name, folder in top.folders}
    if label_from_name is not None:
        return _by_name(root, top, trees, grouping.pattern("label_from_name", label_from_name))
    inside = _only_wrapper(root, top, trees)
    if inside is not None:
        note = f"The images are taken from {inside.name}, the folder inside {root.name}."
        return _seen_from(root, scan(inside), note)
    split_of = _split_folders(root, trees)
    notes = () if split_of else _check_class_names(root, top, trees)
    found, loose, classes = (
        _in_splits(root, trees, split_of) if split_of else _in_classes(top, trees)
    )
    return _listing(root, top, trees, found, loose, classes, notes)


def _seen_from(root: Path, listing: Listing, note: str) -> Listing:
    """The listing of a folder inside `root`, with every file named by its path from `root`."""
    prefix = f"{listing.root.relative_to(root).as_posix()}/"

    def named(one: FoundImage) -> FoundImage:
        return replace(one, file=replace(one.file, id=prefix + one.file.id))

    return replace(
        listing,
        root=root,
        images=tuple(named(one) for one in listing.images),
        loose=tuple(prefix + name for name in listing.loose),
        skipped=tuple(prefix + name for name in listing.skipped),
        notes=(note, *listing.notes),
    )


def _listing(
    root: Path,
    top: _files.Content,
    trees: Mapping[str, _files.Content],
    found: list[FoundImage],
    loose: list[str],
    classes: set[str],
    notes: tuple[str, ...],
) -> Listing:
    found.sort(key=lambda one: sort_key(one.file.id))
    skipped = top.skipped + [name for tree in trees.values() for name in tree.skipped]
    return Listing(
        root=root,
        images=tuple(found),
        class_names=tuple(sorted(classes)),
        splits=tuple(split for split in SPLITS if split in {one.split for one in found}),
        loose=tuple(sorted(loose + [file.id for file in top.files])),
        skipped=tuple(sorted(skipped)),
        notes=notes,
    )


def sort_key(id_: str) -> str:
    """Return what ids are sorted by: the same whichever way a system writes accents."""
    return unicodedata.normalize("NFC", id_)


def class_name(folder: str) -> str:
    """Return the name of the class that a folder or a label stands for."""
    return validate.printable(unicodedata.normalize("NFC", folder))


def _by_name(
    root: Path,
    top: _files.Content,
    trees: Mapping[str, _files.Content],
    pattern: re.Pattern,
) -> Listing:
    """List images whose names give their classes."""
    found: list[FoundImage] = []
    loose: list[str] = []
    for name, tree in [("", top), *trees.items()]:
        split = _splits.named(name) if name else None
        for file in tree.files:
            label = grouping.part(pattern, file.id.rsplit("/", 1)[-1])
            if label is None:
                loose.append(file.id)
            else:
                found.append(FoundImage(file, class_name(label), split))
    if loose and not found:
        raise InvalidInput(
            validate.printable(
                f"label_from_name={pattern.pattern!r} finds no class in the names of the "
                f"{len(loose):,} images in {root}, such as {Path(loose[0]).name}."
            )
        )
    splits = {one.split for one in found}
    if None in splits or "train" not in splits:  # no splits, or some images beside them
        found = [replace(one, split=None) for one in found]
    notes: tuple[str, ...] = ()
    if loose:
        notes = (
            f"{len(loose):,} images have a name in which label_from_name finds no class and are "
            f"not used: {validate.some_of(sorted(loose), 3)}.",
        )
    classes = {one.class_name for one in found}
    return _listing(root, replace(top, files=[]), trees, found, [], classes, notes)


def _only_wrapper(
    root: Path, top: _files.Content, trees: Mapping[str, _files.Content]
) -> Path | None:
    """Return the one folder that holds everything, where it holds splits; else None."""
    filled = [name for name, tree in trees.items() if tree.files]
    if len(filled) != 1 or top.files or _splits.named(filled[0]):
        return None
    inside = root / filled[0]
    inner = {
        name: _files.walk(folder, f"{name}/") for name, folder in _files.entries(inside).folders
    }
    splits = any(_splits.named(one) for one, tree in inner.items() if tree.files)
    deeper = splits or _only_wrapper(inside, _files.entries(inside), inner) is not None
    return inside if deeper else None


def _in_classes(
    top: _files.Content, trees: Mapping[str, _files.Content]
) -> tuple[list[FoundImage], list[str], set[str]]:
    """Read the top folders as classes."""
    found = [
        FoundImage(file, class_name(name), None)
        for name, tree in trees.items()
        for file in tree.files
    ]
    return found, [], {class_name(name) for name, _ in top.folders}


def _in_splits(
    root: Path, trees: Mapping[str, _files.Content], split_of: Mapping[str, str]
) -> tuple[list[FoundImage], list[str], set[str]]:
    """Read the top folders as splits, and the folders in them as classes."""
    found: list[FoundImage] = []
    loose: list[str] = []
    folders: dict[str, set[str]] = {}
    for top, split in split_of.items():
        depth, above = _depth_of_classes(trees[top].files, top)
        folders[top] = {class_name(name) for name, _ in _files.entries(root / above).folders}
        for file in trees[top].files:
            inner = file.id.split("/")
            if len(inner) < depth + 2:
                loose.append(file.id)
            else:
                found.append(FoundImage(file, class_name(inner[depth]), split))
    train = set().union(*(folders[top] for top, split in split_of.items() if split == "train"))
    for top, split in split_of.items():
        # Images to be submitted, whose classes nobody tells: one folder that is no class.
        if split != "train" and len(folders[top]) == 1 and not folders[top] & train:
            loose += [one.file.id for one in found if one.file.id.startswith(f"{top}/")]
            found = [one for one in found if not one.file.id.startswith(f"{top}/")]
            folders[top] = set()
    names = {one.class_name for one in found}
    if names and all(name.casefold() in _CONTAINERS for name in names):
        first = found[0].file.path.parent
        raise InvalidInput(
            validate.printable(
                f"The splits of {root} hold the images of all classes together in "
                f"{validate.some_of(sorted(names))}; "
                f"{_how_to_label(root, first, [one.file.id for one in found])}."
            )
        )
    return found, loose, set().union(*folders.values())


def _depth_of_classes(files: Sequence[decoding.ImageFile], top: str) -> tuple[int, str]:
    """Return at which place of their ids the class folders of a split stand, and what is above.

    ``training_set/training_set/cats`` and ``train/images/cats`` have one folder in between.
    """
    depth = 1
    while True:
        ids = [file.id.split("/") for file in files]
        inner = {parts[depth] for parts in ids if len(parts) > depth + 1}
        direct = any(len(parts) <= depth + 1 for parts in ids)
        deeper = any(len(parts) > depth + 2 for parts in ids)
        name = next(iter(inner)) if len(inner) == 1 else ""
        between = bool(name) and (_splits.named(name) or name.casefold() in _CONTAINERS)
        if not between or direct or not deeper:
            break
        depth += 1
    return depth, "/".join(files[0].id.split("/")[:depth]) if files else top


def _split_folders(root: Path, trees: Mapping[str, _files.Content]) -> dict[str, str]:
    """Return which top folders are splits, or nothing where the top folders are classes."""
    named = {top: split for top in trees if (split := _splits.named(top))}
    if not named:
        return {}
    # A split has folders of images inside, a class has images; where the folder can be read both
    # ways it is refused rather than guessed.
    as_splits = [top for top in named if any(f.id.count("/") >= 2 for f in trees[top].files)]
    others = [top for top, tree in trees.items() if top not in named and tree.files]
    if not as_splits or (others and all(named[top] != "train" for top in as_splits)):
        return {}
    if others:
        raise InvalidInput(
            validate.printable(
                f"{root} can be read in two ways: {validate.some_of(sorted(as_splits))} "
                f"hold{'s' * (len(as_splits) == 1)} folders, as a split does, but "
                f"{validate.some_of(sorted(others))} beside it is no split; move the one or rename "
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


# --- images that lie together, without class folders -----------------------------------------


def _check_class_names(
    root: Path, top: _files.Content, trees: Mapping[str, _files.Content]
) -> tuple[str, ...]:
    """Refuse folders of images that are no classes; say where a name may mislead."""
    filled = [name for name, tree in trees.items() if tree.files]
    splits = [name for name in filled if _splits.named(name)]
    classes = [name for name in filled if name not in splits and name.casefold() not in _CONTAINERS]
    if splits and not classes:
        raise InvalidInput(
            validate.printable(
                f"{validate.some_of([f'{root.name}/{name}' for name in splits])} "
                f"{'are splits' if len(splits) > 1 else 'is a split'} and no "
                f"{'classes' if len(splits) > 1 else 'class'}, but the images in "
                f"{'them' if len(splits) > 1 else 'it'} lie in no class folders; "
                f"{_how_together(root, _labeled_first(splits)[0], trees)}."
            )
        )
    if splits:
        return (
            f"{validate.some_of(splits)} {'are' if len(splits) > 1 else 'is'} taken as "
            f"{'classes' if len(splits) > 1 else 'a class'}, beside {validate.some_of(classes)}; "
            f"if {'they are splits' if len(splits) > 1 else 'it is a split'}, move "
            f"{'them' if len(splits) > 1 else 'it'} out of {root.name}.",
        )
    containers = [name for name in filled if name not in classes]
    if (
        containers
        and not classes
        and not any("/" in f.id.split("/", 1)[1] for f in trees[containers[0]].files)
    ):
        raise InvalidInput(
            validate.printable(
                f"{root} holds the images of all classes together in "
                f"{validate.some_of(containers)}; {_how_together(root, containers[0], trees)}."
            )
        )
    return ()


def _how_together(root: Path, name: str, trees: Mapping[str, _files.Content]) -> str:
    return _how_to_label(root, root / name, [file.id for file in trees[name].files])


def _labeled_first(splits: Sequence[str]) -> list[str]:
    return sorted(splits, key=lambda name: (_splits.named(name) != "train", name))


def _how_to_label(root: Path, where: Path, ids: Sequence[str]) -> str:
    """Say how to load images that lie together: by a table, by their names, or in folders."""
    tables = [path for place in (root, root.parent) for path in _tables(place)]
    if tables:
        return (
            f"if {tables[0].name} holds their labels, load them with "
            f"datasets.from_csv({str(tables[0])!r}, images={str(where)!r})"
        )
    pattern = _likely_pattern(ids)
    if pattern:
        return (
            f"if their names begin with their classes, load them with "
            f"datasets.from_directory({str(root)!r}, label_from_name=r'{pattern}')"
        )
    return (
        "make one folder per class, load a table of labels with datasets.from_csv, or give "
        r"label_from_name=, for example r'^(cat|dog)\.'"
    )


def _tables(place: Path) -> list[Path]:
    """Return the tables in a folder, those first that are likely to hold the labels."""

    def unlikely(path: Path) -> tuple[bool, bool, str]:
        stem = path.stem.lower()
        return "submission" in stem, _splits.named(stem) not in (None, "train"), path.name

    try:
        files = [path for path in place.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    return sorted((one for one in files if one.suffix.lower() in (".csv", ".tsv")), key=unlikely)


def _likely_pattern(ids: Sequence[str]) -> str:
    """Return a regular expression for names such as ``cat.12.jpg``, or nothing."""
    begins = [re.match(r"([^\W\d_]+)[ ._(-]*\d", one.rsplit("/", 1)[-1]) for one in ids]
    names = sorted({found[1] for found in begins if found})
    if not all(begins) or not 2 <= len(names) <= 30:
        return ""
    return f"^({'|'.join(names)})"


# --- is it enough to train on? -------------------------------------------------------------


def _check_listing(listing: Listing, names: tuple[str, ...]) -> None:
    root = listing.root
    for note in listing.notes:
        validate.say(note)
    if not listing.images:
        if listing.loose:
            raise InvalidInput(
                validate.printable(
                    f"The images in {root} lie outside class folders ({listing.loose[0]}, for "
                    f"example); put those of each class into a folder with the name of the class, "
                    f"or {_how_to_label(root, root, listing.loose)}."
                )
            )
        if listing.skipped:
            raise InvalidInput(
                validate.printable(
                    f"{root} holds no images that can be read, but {len(listing.skipped):,} of "
                    f"other kinds ({validate.some_of(listing.skipped, 3)}); save them as JPEG or "
                    f"PNG, with the ending .jpg or .png."
                )
            )
        raise InvalidInput(
            validate.printable(
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
            validate.printable(
                f"{root} holds one class only ({listing.class_names[0]}), but at least two are "
                f"needed; give the folder that holds one folder of images per class{hint}."
            )
        )
    if set(names) != set(listing.class_names):
        raise MissingData(
            validate.printable(
                f"{root} should hold the classes {', '.join(names)}, but it holds "
                f"{validate.some_of(listing.class_names, 20)}."
            )
        )
    if listing.skipped:
        validate.say(_files.told_skipped(listing.skipped))
    if listing.loose:
        validate.say(
            f"{len(listing.loose)} images lie outside class folders and are not used: "
            f"{validate.some_of(listing.loose, 3)}."
        )


def _check_counts(
    listing: Listing, names: Sequence[str], images: Sequence[tuple[str | None, int]]
) -> None:
    root, splits = listing.root, listing.splits or (None,)
    counts = Counter(images)
    for label, name in enumerate(names):
        if not any(counts[split, label] for split in splits):
            raise InvalidInput(
                validate.printable(
                    f"The class {name!r} in {root} has no image that can be used; add images or "
                    f"remove the folder."
                )
            )
        for split in SPLITS:
            if split in splits and not counts[split, label]:
                raise InvalidInput(
                    validate.printable(
                        f"The {split} split in {root} has no image of class {name!r}, which other "
                        f"splits have; each split needs images of every class."
                    )
                )
