"""Load images from folders: one folder per class, or train/validation/test above them.

First used in lesson 02. :func:`scan` lists the images of a folder with their classes and splits,
:func:`load_folder` makes a dataset of such a listing.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from course_utils import validate
from course_utils.datasets import _cache, _files, _splits, decoding, grouping
from course_utils.datasets._image_dataset import ImageDataset, make_dataset
from course_utils.datasets._options import LoadOptions, check_options
from course_utils.datasets._splits import SPLITS
from course_utils.exceptions import InvalidInput, MissingData

#: Names of folders that hold the images of all classes together.
_CONTAINERS = frozenset(
    {
        *("images", "image", "imgs", "img", "pictures", "photos", "photo", "pics"),
        *("data", "dataset", "jpg", "jpeg", "png", "files", "all"),
        *("labels", "annotations", "masks", "mask", "groundtruth"),  # of another task
    }
)


@dataclass(frozen=True)
class FoundImage:
    """An image file with its class and split, according to its folder or its name."""

    file: decoding.ImageFile
    class_name: str
    split: str | None


@dataclass(frozen=True)
class Listing:
    """The images of a folder.

    Attributes
    ----------
    root : Path
        The folder.
    images : tuple of FoundImage
        The image files in the order of their ids.
    class_names : tuple of str
        Names of the class folders in alphabetical order.
    splits : tuple of str
        The splits that the folder has, empty if it has none.
    loose : tuple of str
        Image files outside class folders, which have no class.
    skipped : tuple of str
        Other files that may be images, of a kind that is not read.
    notes : tuple of str
        Remarks on how the folder was interpreted, printed when it is loaded.
    """

    root: Path
    images: tuple[FoundImage, ...]
    class_names: tuple[str, ...]
    splits: tuple[str, ...]
    loose: tuple[str, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        root: Path,
        images: Iterable[FoundImage],
        classes: Iterable[str],
        skipped: Iterable[str],
        loose: Iterable[str] = (),
        notes: Iterable[str] = (),
    ) -> Listing:
        """Return a listing sorted by id, with its classes and splits."""
        ordered = sorted(images, key=lambda image: sort_key(image.file.id))
        found = {image.split for image in ordered}
        splits = tuple(split for split in SPLITS if split in found)
        names = tuple(sorted(set(classes)))
        return cls(
            root, tuple(ordered), names, splits, tuple(sorted(loose)), tuple(sorted(skipped)),
            tuple(notes),
        )  # fmt: skip


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
    each. Folders inside a class folder are part of the class; hidden files and the thumbnails of
    file servers are ignored; files of a kind that is not read are counted and named. A missing
    split is taken from the training images at random, class by class; copies of an image stay in
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
        Seed of the random splits and of the order of the training images; by default COURSE_SEED,
        else 42.
    color_mode : {"rgb", "grayscale"}
        Whether images have three channels or one.
    unreadable : {"raise", "skip"}
        Whether image files that cannot be read are an error that names them, or are left out.
    validation, test : float
        The share of each class that a missing split gets.
    label_from_name : str or pattern, optional
        For images without class folders: a regular expression that is searched in each file name,
        and whose group is the class, for example ``r"^(cat|dog)\."``. Folders are ignored then,
        except that the top ones may be splits.
    groups : str, pattern or callable, optional
        Which images belong together, for example those of one patient or of one burst: a regular
        expression that is searched in the id and whose group names them, or a function of the
        file's path. All images of a group go into the same split.
    value_range : (low, high), optional
        For images of more than 8 bits: the values that become black and white, for example
        ``(0, 4095)``, the same for all images. Needed if their values do not show it.

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
    options = check_options(
        image_size, batch_size, seed, color_mode, unreadable, validation, test, value_range
    )
    listing = scan(path, label_from_name)
    keys = None if groups is None else group_keys(listing, groups)
    return load_folder(listing, options, groups=keys)


def color_mode_of(listing: Listing) -> str:
    """Return "grayscale" if every image file of a folder stores an image without color.

    Only the headers of the files are read, up to the first file with color. Files that cannot be
    read are ignored. One line is printed if the result is "grayscale".

    Returns
    -------
    str
        ``"rgb"`` or ``"grayscale"``, as `color_mode` of :func:`from_directory`.
    """
    some_gray = False
    for image in listing.images:
        gray = decoding.is_gray(image.file.path)
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
    options: LoadOptions,
    *,
    name: str | None = None,
    class_names: Sequence[str] | None = None,
    title: str = "",
    license: str = "",
    groups: Sequence[str] | None = None,
    quiet: bool = False,
) -> ImageDataset:
    """Make a dataset of a folder that was listed with :func:`scan`.

    Parameters
    ----------
    listing : Listing
        The images, their classes and splits.
    options : LoadOptions
        How to load them.
    name, title, license : str, optional
        Attributes of the dataset; the name is by default that of the folder.
    class_names : sequence of str, optional
        The classes in the order of their indices; by default the order of the listing.
    groups : sequence of str, optional
        The group of each image of the listing; a group is never divided.
    quiet : bool
        Whether random splits are made without a message.

    Returns
    -------
    ImageDataset

    Raises
    ------
    MissingData, InvalidInput
        As :func:`from_directory`.
    """
    names = tuple(class_names or listing.class_names)
    label = validate.printable(name or listing.root.name or str(listing.root))
    check_listing(listing, names)
    found = listing.images
    pixels = _cache.pixels([image.file for image in found], options, label, listing.root)
    if pixels.unreadable:
        lost = [f"{found[row].file.id} {why}" for row, why in pixels.unreadable.items()]
        validate.say(f"Going on without {len(lost)} unreadable files: {validate.some_of(lost)}.")
    usable = np.array([i for i in range(len(found)) if i not in pixels.unreadable], np.int64)
    ids = [image.file.id for image in found]
    index = {class_name: label for label, class_name in enumerate(names)}
    labels = np.array([index[image.class_name] for image in found], np.int32)
    _check_counts(listing, [(found[i].split, found[i].class_name) for i in usable])

    rows = {
        split: np.array([i for i in usable if found[i].split == split], np.int64)
        for split in listing.splits
    }
    keys: Sequence[str] = pixels.digests
    if groups is not None:
        _check_given_groups(rows, groups, ids)
        keys = grouping.merged(pixels.digests, groups)
    carve = _splits.carve if groups is None else _splits.carve_groups
    missing = {split: share for split, share in options.shares.items() if split not in rows}
    if missing:
        pool = rows.get("train", usable)
        pool_keys = [keys[i] for i in pool]
        carved = carve(
            [ids[i] for i in pool], labels[pool], pool_keys, names, missing, options.seed
        )
        rows |= {split: pool[positions] for split, positions in carved.items()}
        if not quiet:
            kept = "" if groups is None else f", {len(set(pool_keys)):,} groups kept whole"
            taken = [f"{len(rows[split]):,} for {split}" for split in SPLITS if split in missing]
            validate.say(
                f"{label}: of {len(pool):,} images, {' and '.join(taken)} were taken at random, "
                f"class by class (seed {options.seed}){kept}; {len(rows['train']):,} are left for "
                f"training."
            )
    about = {"name": label, "class_names": names, "title": title, "license": license}
    return make_dataset(pixels, ids, labels, rows, options, **about)


def check(path: str | os.PathLike[str]) -> None:
    """Check that a folder can be loaded, without decoding its images.

    Raises
    ------
    MissingData, InvalidInput
        As :func:`from_directory`.
    """
    listing = scan(path)
    check_listing(listing)
    _check_counts(listing, [(image.split, image.class_name) for image in listing.images])


def group_keys(
    listing: Listing,
    groups: grouping.Groups,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> tuple[str, ...]:
    """Return the group of each image of a listing; see :func:`from_directory`."""
    files = [image.file for image in listing.images]
    if not files:
        return ()
    return grouping.keys(
        [file.id for file in files], [file.path for file in files], groups, columns
    )


def _check_given_groups(
    rows: Mapping[str, np.ndarray], groups: Sequence[str], ids: Sequence[str]
) -> None:
    """Raise InvalidInput if the splits of the folder divide a group."""
    first: dict[str, tuple[str, int]] = {}
    for split, of_split in rows.items():
        for row in of_split:
            other, at = first.setdefault(groups[row], (split, int(row)))
            if other != split:
                raise InvalidInput(
                    f"{ids[at]} ({other}) and {ids[row]} ({split}) belong to one group, but "
                    f"the splits are given; put all images of a group into one split, or load "
                    f"the images without splits."
                )


# --- listing -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Tree:
    """A folder: its own content, and all files below each of its subfolders."""

    root: Path
    top: _files.Content
    inner: Mapping[str, _files.Content]

    @classmethod
    def of(cls, root: Path) -> _Tree:
        top = _files.entries(root)
        return cls(root, top, {name: _files.walk(path, f"{name}/") for name, path in top.folders})

    def filled(self) -> list[str]:
        """Return the names of the folders with image files."""
        return [name for name, content in self.inner.items() if content.files]

    def splits(self) -> dict[str, str]:
        """Return the split of each folder whose name means one."""
        empty = [name for name, content in self.inner.items() if not content.files]
        return _splits.of_folders(self.filled()) | {
            name: split for name in empty if (split := _splits.named(name))
        }

    def ids(self, name: str) -> list[str]:
        """Return the ids of the image files in one of the folders."""
        return [file.id for file in self.inner[name].files]


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
        If `path` is not a folder, cannot be read, or mixes splits and classes.
    """
    tree = _Tree.of(_files.root_of(path))
    if label_from_name is not None:
        return _by_name(tree, grouping.pattern("label_from_name", label_from_name))
    inside = _only_wrapper(tree)
    if inside is not None:
        note = f"The images are taken from {inside.name}, the folder inside {tree.root.name}."
        return _seen_from(tree.root, scan(inside), note)
    split_of = _split_folders(tree)
    if split_of:
        return _in_splits(tree, split_of)
    notes = _check_class_names(tree)
    found = [
        FoundImage(file, class_name(name), None)
        for name, content in tree.inner.items()
        for file in content.files
    ]
    return _listing(tree, found, [], {class_name(name) for name in tree.inner}, notes)


def _seen_from(root: Path, listing: Listing, note: str) -> Listing:
    """Return the listing of a folder inside `root`, with paths relative to `root` as ids."""
    prefix = f"{listing.root.relative_to(root).as_posix()}/"
    images = [
        replace(image, file=replace(image.file, id=prefix + image.file.id))
        for image in listing.images
    ]
    return replace(
        listing,
        root=root,
        images=tuple(images),
        loose=tuple(prefix + name for name in listing.loose),
        skipped=tuple(prefix + name for name in listing.skipped),
        notes=(note, *listing.notes),
    )


def _listing(
    tree: _Tree,
    found: list[FoundImage],
    loose: list[str],
    classes: set[str],
    notes: tuple[str, ...] = (),
) -> Listing:
    contents = [tree.top, *tree.inner.values()]
    skipped = [name for content in contents for name in content.skipped]
    loose = loose + [file.id for file in tree.top.files]
    return Listing.of(tree.root, found, classes, skipped, loose, notes)


def sort_key(id_: str) -> str:
    """Return the key that ids are sorted by, the same for both Unicode forms of accents."""
    return unicodedata.normalize("NFC", id_)


def class_name(folder: str) -> str:
    """Return the name of the class for the name of a folder or a label."""
    one_line = re.sub(r"[\n\r\t\v\f]+", " ", unicodedata.normalize("NFC", folder))
    return validate.printable(one_line)


def _by_name(tree: _Tree, pattern: re.Pattern) -> Listing:
    """List images whose names give their classes."""
    found: list[FoundImage] = []
    loose: list[str] = []
    splits_of = tree.splits()
    for name, content in [("", tree.top), *tree.inner.items()]:
        split = splits_of.get(name)
        for file in content.files:
            label = grouping.part(pattern, file.id.rsplit("/", 1)[-1])
            if label is None:
                loose.append(file.id)
            else:
                found.append(FoundImage(file, class_name(label), split))
    if loose and not found:
        raise InvalidInput(
            f"label_from_name={pattern.pattern!r} finds no class in the names of the "
            f"{len(loose):,} images in {tree.root}, such as {Path(loose[0]).name}."
        )
    splits = {image.split for image in found}
    if None in splits or "train" not in splits:  # no splits, or some images beside them
        found = [replace(image, split=None) for image in found]
    notes: tuple[str, ...] = ()
    if loose:
        notes = (
            f"{len(loose):,} images have a name in which label_from_name finds no class and are "
            f"not used: {validate.some_of(sorted(loose), 3)}.",
        )
    without_loose = replace(tree, top=replace(tree.top, files=[]))
    return _listing(without_loose, found, [], {image.class_name for image in found}, notes)


def _only_wrapper(tree: _Tree) -> Path | None:
    """Return the only folder with images if it holds splits, maybe further inside; else None."""
    filled = tree.filled()
    if len(filled) != 1 or tree.top.files or _splits.named(filled[0]):
        return None
    inside = _Tree.of(tree.root / filled[0])
    has_splits = bool(inside.splits())
    return inside.root if has_splits or _only_wrapper(inside) is not None else None


def _in_splits(tree: _Tree, split_of: Mapping[str, str]) -> Listing:
    """List the top folders as splits, and the folders in them as classes."""
    found: list[FoundImage] = []
    loose: list[str] = []
    classes: dict[str, set[str]] = {}
    for top, split in split_of.items():
        depth, above = _depth_of_classes(tree.ids(top), top)
        folders = _files.entries(tree.root / above).folders
        classes[top] = {class_name(name) for name, _ in folders}
        for file in tree.inner[top].files:
            parts = file.id.split("/")
            if len(parts) < depth + 2:
                loose.append(file.id)
            else:
                found.append(FoundImage(file, class_name(parts[depth]), split))
    train = set().union(*(classes[top] for top, split in split_of.items() if split == "train"))
    for top, split in split_of.items():
        # One folder that is not a class: images without labels, as in a competition's test set.
        if split != "train" and len(classes[top]) == 1 and not classes[top] & train:
            loose += tree.ids(top)
            found = [image for image in found if not image.file.id.startswith(f"{top}/")]
            classes[top] = set()
    names = {image.class_name for image in found}
    if names and all(name.casefold() in _CONTAINERS for name in names):
        ids = [image.file.id for image in found]
        raise InvalidInput(
            f"The splits of {tree.root} hold the images of all classes together in "
            f"{validate.some_of(sorted(names))}; "
            f"{_how_to_label(tree.root, found[0].file.path.parent, ids)}."
        )
    return _listing(tree, found, loose, set().union(*classes.values()))


def _depth_of_classes(ids: Sequence[str], top: str) -> tuple[int, str]:
    """Return the position of the class folders in the ids of a split, and the path above them.

    ``training_set/training_set/cats`` and ``train/images/cats`` have one folder in between.
    """
    paths = [id_.split("/") for id_ in ids]
    depth = 1
    while True:
        inner = {parts[depth] for parts in paths if len(parts) > depth + 1}
        all_inside = all(len(parts) > depth + 1 for parts in paths)
        deeper = any(len(parts) > depth + 2 for parts in paths)
        name = inner.pop() if len(inner) == 1 else ""
        between = bool(name) and (
            _splits.named(name) or name.casefold() in {top.casefold(), *_CONTAINERS}
        )
        if not (between and all_inside and deeper):
            return depth, "/".join(paths[0][:depth]) if paths else top
        depth += 1


def _split_folders(tree: _Tree) -> dict[str, str]:
    """Return the split of each top folder, or nothing if the top folders are classes."""
    named = tree.splits()
    # A split has folders of images inside, a class has images; a folder that can be read both
    # ways is an error.
    as_splits = [top for top in named if any(id_.count("/") >= 2 for id_ in tree.ids(top))]
    others = [top for top in tree.filled() if top not in named]
    if not as_splits or (others and all(named[top] != "train" for top in as_splits)):
        return {}
    if others:
        raise InvalidInput(
            f"{tree.root} can be read in two ways: {validate.some_of(sorted(as_splits))} "
            f"hold{'s' * (len(as_splits) == 1)} folders, as a split does, but "
            f"{validate.some_of(sorted(others))} beside it is no split; move one of them or "
            f"rename it."
        )
    for split, number in Counter(named.values()).items():
        if number > 1:
            both = sorted(top for top, one in named.items() if one == split)
            raise InvalidInput(
                f"In {tree.root} the folders {' and '.join(both)} both stand for the {split} "
                f"split; merge them or rename one."
            )
    if "train" not in named.values():
        raise InvalidInput(
            f"{tree.root} has the split{'s' * (len(named) > 1)} {', '.join(sorted(named))} but no "
            f"folder train; add it, or give a folder with one folder per class."
        )
    return named


# --- images without class folders ------------------------------------------------------------


def _check_class_names(tree: _Tree) -> tuple[str, ...]:
    """Raise InvalidInput if the folders are not classes; return a remark on ambiguous names."""
    filled = tree.filled()
    splits_of = tree.splits()
    splits = [name for name in filled if name in splits_of]
    classes = [name for name in filled if name not in splits and name.casefold() not in _CONTAINERS]
    many = len(splits) > 1
    if splits and not classes:
        first = min(splits, key=lambda name: (splits_of[name] != "train", name))
        raise InvalidInput(
            f"{validate.some_of([f'{tree.root.name}/{name}' for name in splits])} "
            f"{'are splits and no classes' if many else 'is a split and no class'}, but the images "
            f"in {'them' if many else 'it'} lie in no class folders; "
            f"{_how_to_label(tree.root, tree.root / first, tree.ids(first))}."
        )
    if splits:
        return (
            f"{validate.some_of(splits)} {'are' if many else 'is'} taken as "
            f"{'classes' if many else 'a class'}, beside {validate.some_of(classes)}; if "
            f"{'they are splits, move them' if many else 'it is a split, move it'} out of "
            f"{tree.root.name}.",
        )
    if filled and not classes and not any(id_.count("/") > 1 for id_ in tree.ids(filled[0])):
        raise InvalidInput(
            f"{tree.root} holds the images of all classes together in {validate.some_of(filled)}; "
            f"{_how_to_label(tree.root, tree.root / filled[0], tree.ids(filled[0]))}."
        )
    return _told_same_inside(tree)


def _told_same_inside(tree: _Tree) -> tuple[str, ...]:
    """Return a remark if all classes hold the same folders, which may be the real classes."""
    filled = tree.filled()
    inside = {
        frozenset(id_.split("/")[1] for id_ in tree.ids(name) if id_.count("/") > 1)
        for name in filled
    }
    inner = sorted(inside.pop()) if len(inside) == 1 and len(filled) > 1 else []
    if len(inner) < 2:
        return ()
    todo = "if the inner ones are the classes, put the images of each into one folder"
    if all(map(_splits.named, inner)):
        todo = "to keep these splits, put a folder of each class into each of them"
    return (
        f"{validate.some_of(filled)} are taken as classes, and each of them holds the folders "
        f"{validate.some_of(inner)}; {todo}.",
    )


def _how_to_label(root: Path, where: Path, ids: Sequence[str]) -> str:
    """Return how to load images without class folders: by a table, by their names, or sorted."""
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
    """Return the tables in a folder, those that are likely to hold the labels first."""

    def unlikely(path: Path) -> tuple[bool, bool, str]:
        stem = path.stem.lower()
        return "submission" in stem, _splits.named(stem) not in (None, "train"), path.name

    try:
        files = [path for path in place.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    return sorted((path for path in files if _files.is_table(path)), key=unlikely)


def _likely_pattern(ids: Sequence[str]) -> str:
    """Return a regular expression for names like ``cat.12.jpg``, or nothing."""
    begins = [re.match(r"([^\W\d_]+)[ ._(-]*\d", id_.rsplit("/", 1)[-1]) for id_ in ids]
    names = sorted({found[1] for found in begins if found})
    if not all(begins) or not 2 <= len(names) <= 30:
        return ""
    return f"^({'|'.join(names)})"


# --- checks before training ----------------------------------------------------------------


def check_listing(listing: Listing, names: Sequence[str] | None = None) -> None:
    """Raise an error if a folder cannot be loaded; print remarks on unused files.

    Parameters
    ----------
    listing : Listing
    names : sequence of str, optional
        The classes that the folder should hold.

    Raises
    ------
    MissingData, InvalidInput
        As :func:`from_directory`.
    """
    root, classes = listing.root, listing.class_names
    for note in (*listing.notes, *_told_alike(classes)):
        validate.say(note)
    if not listing.images:
        raise InvalidInput(told_no_images(listing))
    if len(classes) < 2:
        inner = None if listing.splits else _inner_classes(root)
        hint = f" (did you mean {inner}?)" if inner else _files.packed(root)
        raise InvalidInput(
            f"{root} holds one class only ({classes[0]}), but at least two are "
            f"needed; give the folder that holds one folder of images per class{hint}."
        )
    if names is not None and set(names) != set(classes):
        raise MissingData(
            f"{root} should hold the classes {', '.join(names)}, but it holds "
            f"{validate.some_of(classes, 20)}."
        )
    if listing.skipped:
        validate.say(_files.told_skipped(listing.skipped))
    if listing.loose:
        validate.say(
            f"{validate.counted(len(listing.loose), 'image lies', 'images lie')} outside class "
            f"folders and {'is' if len(listing.loose) == 1 else 'are'} not used: "
            f"{validate.some_of(listing.loose, 3)}."
        )


def _told_alike(classes: Sequence[str]) -> list[str]:
    """Return a remark for each class that is spelled in several ways."""
    spellings: dict[str, list[str]] = {}
    for name in classes:
        plain = unicodedata.normalize("NFKC", name).casefold()
        plain = "".join(c for c in plain if unicodedata.category(c) != "Cf")
        plain = re.sub(r"( - copy| copy)?( ?\(\d+\))?$", "", plain.strip())
        spellings.setdefault(re.sub(r"[\s_-]+", " ", plain), []).append(name)
    return [
        f"The classes {' and '.join(map(repr, names))} have nearly the same name; if they are one "
        f"class, give them one name."
        for names in spellings.values()
        if len(names) > 1
    ][:3]


def _inner_classes(root: Path) -> Path | None:
    """Return the folder further inside that holds several folders of images, or None."""
    tree = _Tree.of(root)
    while len(tree.filled()) == 1:
        tree = _Tree.of(tree.root / tree.filled()[0])
    return tree.root if len(tree.filled()) > 1 and tree.root != root else None


def _class_beside(root: Path) -> Path | None:
    """Return the folder above, if folders of images lie beside this one; else None."""
    here = root.resolve()
    with suppress(InvalidInput):
        for _, path in _files.entries(here.parent).folders:
            if path != here and _files.entries(path).files:
                return here.parent
    return None


def told_no_images(listing: Listing) -> str:
    """Return the message for a folder in which no image has a class."""
    root = listing.root
    if listing.loose:
        above = None if "/" in listing.loose[0] else _class_beside(root)
        return (
            f"The images in {root} lie outside class folders ({listing.loose[0]}, for "
            f"example); put those of each class into a folder with the name of the class, "
            f"or {_how_to_label(root, root, listing.loose)}"
            f"{f'; if all of them are of one class, give the folder {above}' if above else ''}."
        )
    if listing.skipped:
        return (
            f"{root} holds no images that can be read, but {len(listing.skipped):,} of "
            f"other kinds ({validate.some_of(listing.skipped, 3)}); save them as JPEG or "
            f"PNG, with the ending .jpg or .png."
        )
    return (
        f"{root} holds no images{_files.packed(root)}; a folder is needed that holds one folder of "
        f"images (.jpg, .png, ...) per class."
    )


def _check_counts(listing: Listing, images: Sequence[tuple[str | None, str]]) -> None:
    """Raise InvalidInput if a class has no image in the folder or in one of its splits."""
    counts = Counter(images)
    splits = listing.splits or (None,)
    for name in listing.class_names:
        empty = [split for split in splits if not counts[split, name]]
        if len(empty) == len(splits):
            raise InvalidInput(
                f"The class {name!r} in {listing.root} has no image that can be used; add images "
                f"or remove the folder."
            )
        if empty:
            raise InvalidInput(
                f"The {empty[0]} split in {listing.root} has no image of class {name!r}, which "
                f"other splits have; each split needs images of every class."
            )
