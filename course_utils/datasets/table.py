"""Load images whose labels are in a table (CSV), as in competitions (lesson 02)."""

from __future__ import annotations

import csv as csv_files
import io
import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from course_utils import validate
from course_utils.datasets import _files, _splits, decoding, folder, grouping
from course_utils.datasets._image_dataset import ImageDataset
from course_utils.datasets._options import check_options
from course_utils.exceptions import InvalidInput, MissingData

if TYPE_CHECKING:
    import pandas as pd

#: Usual names of columns, in lower case with "_" between words.
_FILE_COLUMNS = (
    *("filename", "file_name", "file", "image_path", "filepath", "file_path", "path", "image"),
    *("image_name", "imagename", "image_file", "image_id", "imageid", "img", "img_name", "img_id"),
    *("photo", "picture", "name", "id", "id_code", "uuid"),
)
_LABEL_COLUMNS = (
    *("label", "labels", "class", "class_name", "classname", "target", "category", "label_name"),
    *("class_id", "label_id", "category_name", "category_id", "breed", "species", "diagnosis"),
    "dx",
)
_SPLIT_COLUMNS = ("split", "subset", "set", "partition", "fold")
_SEPARATORS = ",;\t|"
#: Other columns that divide images, which are mentioned if they are not used.
_OTHER_SPLITS = re.compile(r"(is_)?(train|valid|val|validation|test)(ing)?(_(set|img|split))?")
#: How programs write that a label is missing.
_NO_LABEL = frozenset({"nan", "NaN", "NA", "N/A", "#N/A", "<NA>", "null", "NULL"})
#: What begins a file that is no table, and what to say of it.
_NO_TABLES = (
    ("{", "is JSON and no table; save the labels as CSV"),
    ("[", "is JSON and no table; save the labels as CSV"),
    ("<", "is a web page and no table; download the table itself"),
    ("version https://git-lfs", "is a pointer of Git LFS and no table; run 'git lfs pull'"),
)


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    path : Path
        The file.
    cells : DataFrame of str
        One row per image; the index is the line of the file.
    """

    path: Path
    cells: pd.DataFrame


def from_csv(
    csv: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    filename_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    image_size: int | tuple[int, int] = (128, 128),
    batch_size: int = 32,
    seed: int | None = None,
    color_mode: str = "rgb",
    unreadable: str = "raise",
    validation: float = 0.1,
    test: float = 0.1,
    groups: grouping.Groups | None = None,
    value_range: tuple[float, float] | None = None,
) -> ImageDataset:
    """Load images whose classes are in a table: one row per image, with a name and a label.

    Separator (comma, semicolon, tab, bar) and encoding (UTF-8, UTF-16, Windows) are recognized. A
    name may be a path relative to `images`, and may lack its ending; the file may be in any folder
    inside `images` if there is only one file of that name.

    Parameters
    ----------
    csv : str or path
        The table.
    images : str or path, optional
        The folder with the images; by default the folder of the table.
    filename_column, label_column : str, optional
        The columns with the names of the files and with the classes; by default found by their
        usual names (filename, image, id, path ... and label, class, target, category ...), or by
        the files that exist. One column of 0 and 1 for each class (one-hot) is recognized too.
    split_column : str, optional
        The column with train, validation or test; by default a column called ``split`` or similar.
        Without one the splits are taken at random, class by class.
    image_size, batch_size, seed, color_mode, validation, test, value_range
        As for :func:`course_utils.datasets.from_directory`.
    unreadable : {"raise", "skip"}
        Whether rows whose file is missing or cannot be read are an error that names them, or are
        left out.
    groups : str, pattern or callable, optional
        Which images belong together: the name of a column (for example ``"patient"``), a regular
        expression that is searched in the id and whose group names them, or a function of the
        file's path. All images of a group go into the same split.

    Returns
    -------
    ImageDataset
        Classes in alphabetical order, numbers by value; ids are paths relative to `images`, with
        ``/``.

    Raises
    ------
    MissingData
        If there is no such table or folder, or files of the table are missing.
    InvalidInput
        If the table cannot be read, its columns are not found, a file has two labels, or the
        labels are measurements rather than classes; and as for from_directory.
    """
    options = check_options(
        image_size, batch_size, seed, color_mode, unreadable, validation, test, value_range
    )
    found = scan(
        csv,
        images,
        filename_column,
        label_column,
        split_column,
        skip_missing=options.skip_unreadable,
        groups=groups,
    )
    keys = None if groups is None else folder.group_keys(found.listing, groups, found.columns)
    return folder.load_folder(
        found.listing, options, name=found.name, class_names=found.class_names, groups=keys
    )


@dataclass(frozen=True)
class ListedTable:
    """The images that a table names.

    Attributes
    ----------
    name : str
        Name of the table.
    listing : Listing
        The images with their classes and splits.
    class_names : tuple of str
        In alphabetical order, numbers by value.
    columns : dict of str to list of str
        The columns of the table, one entry for each image of the listing.
    """

    name: str
    listing: folder.Listing
    class_names: tuple[str, ...]
    columns: dict[str, list[str]]


def scan(
    csv: str | os.PathLike[str],
    images: str | os.PathLike[str] | None = None,
    filename_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    *,
    skip_missing: bool = False,
    groups: grouping.Groups | None = None,
) -> ListedTable:
    """List the images that a table names, without opening them.

    Parameters
    ----------
    csv, images, filename_column, label_column, split_column
        As for :func:`from_csv`.
    skip_missing : bool
        Whether rows whose file is missing are left out, unless all are missing.
    groups : str, pattern or callable, optional
        The column that it names is not taken for that of the classes.

    Returns
    -------
    ListedTable

    Raises
    ------
    MissingData, InvalidInput
        As :func:`from_csv`.
    """
    table = read_table(csv)
    root = _files.root_of(table.path.parent if images is None else images)
    content = _files.walk(root, "")
    find = _Finder(content.files)
    table = _with_one_hot(_with_header(table, find), label_column)
    usable = Table(table.path, table.cells.drop(columns=_named_column(table, groups, label_column)))
    columns = _columns(usable, find, filename_column, label_column, split_column)
    found = _find_images(table, find, columns)
    if found.missing and not (skip_missing and len(found.missing) < len(table.cells)):
        raise MissingData(_told_missing(table, root, found.missing, find))
    listing = _listing(table, root, content, found, columns)
    if listing.splits and "train" not in listing.splits:
        raise InvalidInput(
            f"Column {columns.split!r} of {table.path.name} has no row for train, but only for "
            f"{' and '.join(listing.splits)}; add the training images, or take the column out of "
            f"the table."
        )
    _check_classes(table, columns.label, listing)
    lines = [found.lines[image.file.id] for image in listing.images]
    return ListedTable(
        table.path.stem,
        listing,
        tuple(_in_order(listing.class_names)),
        table.cells.loc[lines].to_dict("list"),
    )


# --- reading the table ---------------------------------------------------------------------


def read_table(csv: str | os.PathLike[str]) -> Table:
    """Read a table of text with any usual separator and encoding.

    Raises
    ------
    MissingData
        If there is no such file.
    InvalidInput
        If it is not a table.
    """
    import pandas as pd

    path = _files.as_path(csv, "The path of a table is needed, such as 'labels.csv'")
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder, but a table is needed, such as 'labels.csv'.")
    if not path.is_file():
        hint = _files.near(path, lambda other: other.suffix.lower() == path.suffix)
        raise MissingData(
            f"There is no file {path}{hint}; give the table that names the images and their "
            f"classes."
        )
    text = _text(path)
    for begin, what in _NO_TABLES:
        if text.lstrip().startswith(begin):
            raise InvalidInput(f"{path} {what}.")
    # The first line "sep=;" of Excel is emptied, not removed, so that line numbers stay right.
    rows = _rows(re.sub(r"\A\s*sep=.[^\S\r\n]*(?=[\r\n]|\Z)", "", text))
    if not rows:
        why = "holds a cell of more than 100,000 characters" if text.strip() else "is empty"
        raise InvalidInput(f"The table {path} {why}.")
    head = next(iter(rows.values()))
    if any(_is_image_name(cell) for cell in head):  # no header: the first row names an image
        names = [""] * len(head)
    else:
        names = head
        rows = {line: row for line, row in rows.items() if row != head}  # of joined tables, too
    if len(names) < 2 or not rows:
        found = "one column only" if len(names) < 2 else "no row below its header"
        raise InvalidInput(
            f"The table {path} has {found}, but it needs one row per image with a name and a label."
        )
    cells = [(row + [""] * len(names))[: len(names)] for row in rows.values()]
    return Table(path, pd.DataFrame(cells, index=list(rows), columns=_unique(names), dtype=object))


def _text(path: Path) -> str:
    """Decode a text file: UTF-16 if it looks like it, else UTF-8, else the Windows encoding."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"The table {path} cannot be read ({error.strerror or error})."
        ) from None
    if data[:2] in (b"PK", b"\x1f\x8b") or data[:4] == b"\xd0\xcf\x11\xe0":
        raise InvalidInput(
            f"{path} is a workbook or an archive and no text; save the table as CSV."
        )
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif b"\0" in data[:200]:
        encodings = ["utf-16-le" if data[1:2] == b"\0" else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252", "latin-1"]
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise InvalidInput(f"{path} is no text that can be read; save the table as CSV in UTF-8.")


def _rows(text: str) -> dict[int, list[str]]:
    """Divide text into rows of cells by the separator that fits most rows, by line number.

    pandas would need the separator, stops at rows of different length, and drops line numbers.
    """
    best: dict[int, list[str]] = {}
    best_fit = (-1, 0)
    for separator in (*_SEPARATORS, " "):
        if separator == " " and best_fit[1] > 1:
            break  # names may hold spaces, so they only divide where nothing else does
        reader = csv_files.reader(
            io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True
        )
        try:
            lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader]
        except csv_files.Error:
            continue
        rows = _without_title({line: row for line, row in lines if any(row)})
        width = len(next(iter(rows.values()), []))
        fit = (sum(len(row) == width for row in rows.values()) if width > 1 else 0, width)
        if fit > best_fit:
            best, best_fit = rows, fit
    return best


def _without_title(rows: dict[int, list[str]]) -> dict[int, list[str]]:
    """Leave out titles and comments of one cell above a table of several columns."""
    widths = [len(row) for row in rows.values()]
    start = next((at for at, width in enumerate(widths) if width > 1), 0)
    return dict(list(rows.items())[start:]) if 2 * start < len(widths) else rows


def _unique(names: Sequence[str]) -> list[str]:
    """Return column names that are all different; a column without a name gets its number."""
    result: list[str] = []
    for at, name in enumerate(names, 1):
        name = name or f"column {at}"
        while name in result:
            name += f" ({at})"
        result.append(name)
    return result


# --- columns -------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Columns:
    """The columns of the file names, of the labels and, where there is one, of the splits."""

    name: str
    label: str
    split: str | None


def _columns(
    table: Table, find: _Finder, filename: str | None, label: str | None, split: str | None
) -> _Columns:
    """Return the given columns, and for those that are None the likely ones."""
    columns = list(table.cells.columns)
    shown = validate.some_of([repr(name) for name in columns], 20)
    given = {"filename_column": filename, "label_column": label, "split_column": split}
    for argument, name in given.items():
        if name is not None and name not in columns:
            raise InvalidInput(
                f"{argument} is {name!r}, but {table.path.name} has no such column"
                f"{validate.nearest(str(name), columns)}; it has {shown}."
            )
    split = split or next((name for name in columns if _is_split_column(table, name)), None)
    free = [name for name in columns if name not in (label, split)]
    filename = filename or _names_files(table, find, free)
    if filename is None:
        raise InvalidInput(
            f"It is not clear which column of {table.path.name} names the files (it has {shown}); "
            f"give filename_column=, or name that column 'file'."
        )
    free = [name for name in free if name != filename]
    label = label or _usual(free, _LABEL_COLUMNS) or (free[0] if len(free) == 1 else None)
    if label is None:
        raise InvalidInput(
            f"It is not clear which column of {table.path.name} is the class (it has {shown}); "
            f"give label_column=, or name that column 'label'."
        )
    return _Columns(filename, label, split)


def _named_column(table: Table, groups: grouping.Groups | None, label: str | None) -> list[str]:
    """Return the column that `groups` names, unless it is given as the label, too."""
    named = isinstance(groups, str) and groups in table.cells.columns and groups != label
    return [str(groups)] if named else []


def _with_header(table: Table, find: _Finder) -> Table:
    """Return the table with its header as a row if the header names an image, like other rows."""
    head = list(table.cells.columns)
    usual = {*_FILE_COLUMNS, *_LABEL_COLUMNS, *_SPLIT_COLUMNS}
    if any(_plain(name) in usual for name in head):
        return table
    named = [name for name in head if find.knows(name) and find.knows(table.cells[name].iloc[0])]
    if not named:
        return table
    columns = _unique([""] * len(head))
    lines = [1, *table.cells.index]
    cells = [head, *table.cells.to_numpy().tolist()]
    return Table(table.path, type(table.cells)(cells, index=lines, columns=columns, dtype=object))


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().casefold())


def _usual(columns: Sequence[str], usual: Sequence[str]) -> str | None:
    """Return the column whose name comes first in `usual`."""
    plain = {_plain(name): name for name in reversed(columns)}
    return next((plain[name] for name in usual if name in plain), None)


def _names_files(table: Table, find: _Finder, free: Sequence[str]) -> str | None:
    """Return the column that names most files, or the one with a usual name if it does."""
    known = {name: sum(map(find.knows, table.cells[name])) for name in free}
    naming = [name for name in free if known[name]]
    usual = _usual(naming, _FILE_COLUMNS)
    if naming and (usual is None or 2 * known[usual] < max(known.values())):
        return max(naming, key=lambda name: known[name])
    if usual is not None:
        return usual
    endings = [name for name in free if table.cells[name].map(_is_image_name).all()]
    return _usual(free, _FILE_COLUMNS) or next(iter(endings), None)


def _is_image_name(text: str) -> bool:
    return PurePosixPath(text).suffix.lower() in decoding.IMAGE_ENDINGS


def _with_one_hot(table: Table, label: str | None) -> Table:
    """Replace one column of 0 and 1 for each class by a column of the classes."""
    cells = table.cells
    if label is not None or _usual(list(cells.columns), _LABEL_COLUMNS) is not None:
        return table
    zero_or_one = r"(?i:[01](\.0+)?|true|false)"
    binary = cells.loc[:, [cells[name].str.fullmatch(zero_or_one).all() for name in cells]]
    is_one = binary.map(lambda cell: cell[0] in "1tT")
    if binary.shape[1] < 2 or (is_one.sum(axis=1) != 1).any():
        return table
    rest = cells.drop(columns=binary.columns)
    return Table(table.path, rest.assign(**{"class": is_one.idxmax(axis=1)}))


def _is_split_column(table: Table, name: str) -> bool:
    values = set(table.cells[name]) - {""}
    return _plain(name) in _SPLIT_COLUMNS and any(map(_splits.named, values))


# --- from rows to images -------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """Images of a table, the line of each id, and the rows that are not used."""

    images: list[folder.FoundImage]
    lines: dict[str, int]
    missing: list[str]
    unlabeled: int


def _find_images(table: Table, find: _Finder, columns: _Columns) -> _Found:
    """Find the file of each row with a label."""
    labels = _labels(table, columns.label)
    missing: list[str] = []
    unlabeled = 0
    lines: dict[str, int] = {}
    images: list[folder.FoundImage] = []
    for line, name in table.cells[columns.name].items():
        _check_closed(table, line, name, labels[line])
        file = find(name)
        if file is None:
            missing.append(name or f"(no name in line {line})")
        elif not labels[line]:
            unlabeled += 1
        elif file.id in lines:
            _check_same(table, labels, lines[file.id], line, file.id)
        else:
            lines[file.id] = line
            split = _split_of(table, columns.split, line)
            images.append(folder.FoundImage(file, folder.class_name(labels[line]), split))
    return _Found(images, lines, missing, unlabeled)


def _check_closed(table: Table, line: int, *cells: str) -> None:
    """Raise InvalidInput if a cell has several lines, since a quotation mark is not closed."""
    for cell in cells:
        if "\n" in cell or "\r" in cell:
            number = len(cell.splitlines())
            raise InvalidInput(
                f"A name or label of {table.path.name} goes over {number} lines and ends in line "
                f"{line} ({validate.shown(cell)}); close or remove the quotation mark at its "
                f"beginning."
            )


def _listing(
    table: Table, root: Path, content: _files.Content, found: _Found, columns: _Columns
) -> folder.Listing:
    """Return the images in the order of their ids, with remarks on what is not used."""
    unused = sorted({file.id for file in content.files} - set(found.lines))
    notes = _remarks(table, found, columns)
    if found.missing:
        notes.append(
            f"Going on without {len(found.missing):,} missing files: "
            f"{validate.some_of(found.missing)}."
        )
    if found.unlabeled:
        notes.append(
            f"{validate.counted(found.unlabeled, 'row')} of {table.path.name} "
            f"{'has' if found.unlabeled == 1 else 'have'} no label and "
            f"{'is' if found.unlabeled == 1 else 'are'} not used."
        )
    if unused:
        notes.append(
            f"{validate.counted(len(unused), 'image')} without a label in {table.path.name} "
            f"{'is' if len(unused) == 1 else 'are'} not used: {validate.some_of(unused, 3)}."
        )
    classes = [image.class_name for image in found.images]
    return folder.Listing.of(root, found.images, classes, content.skipped, notes=notes)


def _remarks(table: Table, found: _Found, columns: _Columns) -> list[str]:
    """Return remarks on labels and columns that may be meant in another way."""
    classes = {image.class_name for image in found.images}
    missing = sorted(classes & _NO_LABEL)
    several = sorted(
        name for name in classes if set(re.split(r"\s*[,;|]\s*", name)) <= classes - {name}
    )
    splits = [
        name
        for name in table.cells.columns
        if name not in (columns.name, columns.label, columns.split)
        and (_plain(name) in _SPLIT_COLUMNS or _OTHER_SPLITS.fullmatch(_plain(name)))
    ]
    notes = []
    if missing:
        notes.append(
            f"The label {missing[0]!r} is taken as a class; if it means that the label is missing, "
            f"empty it in {table.path.name}."
        )
    if several:
        notes.append(
            f"The label {several[0]!r} is taken as a class of its own; one image has one class "
            f"here, so images of several classes are better left out."
        )
    if splits and columns.split is None:
        notes.append(
            f"The column {splits[0]!r} does not hold train, validation and test, so it is not used "
            f"to divide the images."
        )
    return notes


def _in_order(classes: Sequence[str]) -> list[str]:
    """Return classes in alphabetical order, or by value if all of them are numbers."""
    if all(re.fullmatch(r"-?\d{1,15}", name) for name in classes):
        return sorted(classes, key=lambda name: (int(name), name))
    return sorted(classes)


class _Finder:
    """Find the file for a name in the table."""

    def __init__(self, files: Sequence[decoding.ImageFile]) -> None:
        self._exact = {file.id: file for file in files}
        self._places: dict[str, list[decoding.ImageFile]] = defaultdict(list)
        for file in sorted(files, key=lambda file: file.id):
            path = PurePosixPath(file.id.casefold())
            for key in {path.name, path.stem, str(path), str(path.with_suffix(""))}:
                self._places[key].append(file)
            if path.stem.isdecimal():  # a program that reads numbers writes 7 for 0007.png
                self._places[f"number {int(path.stem)}"].append(file)

    def knows(self, name: str) -> bool:
        """Return whether at least one file may be meant."""
        try:
            return self(name) is not None
        except InvalidInput:  # several files
            return True

    def __call__(self, name: str) -> decoding.ImageFile | None:
        """Return the file, or None if there is none.

        Raises
        ------
        InvalidInput
            If several files could be meant.
        """
        path = name.replace("\\", "/").removeprefix("./")
        if path in self._exact:
            return self._exact[path]
        if "://" in path:
            path = unquote(path.partition("?")[0])
        if not path:
            return None
        parts = path.casefold().split("/")
        keys = ["/".join(parts[start:]) for start in range(len(parts))]  # paths of another machine
        if re.fullmatch(r"\d+(\.0+)?", path):
            keys.append(f"number {int(path.partition('.')[0])}")
        for key in keys:
            found = self._places.get(key, [])
            if len(found) == 1:
                return found[0]
            if found:
                raise InvalidInput(
                    f"The table names {name!r}, which may be {found[0].id} or {found[1].id}; "
                    f"write the path relative to the folder of the images, or name a smaller "
                    f"folder with images=."
                )
        return None

    def other_ending(self, name: str) -> decoding.ImageFile | None:
        """Return a file of the same name with another ending, if there is one only."""
        path = PurePosixPath(name.replace("\\", "/"))
        found = self._places.get(path.stem.casefold(), []) if _is_image_name(path.name) else []
        return found[0] if len(found) == 1 else None


def _labels(table: Table, column: str) -> dict[int, str]:
    """Return the label of each line; numbers that a program wrote as 1.0 become 1."""
    labels = table.cells[column]
    if labels[labels != ""].str.fullmatch(r"\d+\.0+").all():
        labels = labels.str.split(".").str[0]
    return labels.to_dict()


def _check_same(table: Table, labels: Mapping[int, str], first: int, line: int, id_: str) -> None:
    """Raise InvalidInput if two lines give a file different labels."""
    if labels[first] != labels[line]:
        raise InvalidInput(
            f"{table.path.name} gives {id_} two labels: {labels[first]!r} in line {first} and "
            f"{labels[line]!r} in line {line}; one image has one class here, so remove one of the "
            f"lines."
        )


def _split_of(table: Table, column: str | None, line: int) -> str | None:
    if column is None:
        return None
    text = table.cells.loc[line, column]
    split = _splits.named(text)
    if split is None:
        raise InvalidInput(
            f"Line {line} of {table.path.name} has the split {text!r} in column {column!r}, but it "
            f"must be train, validation or test."
        )
    return split


def _told_missing(table: Table, root: Path, missing: Sequence[str], find: _Finder) -> str:
    """Return the message that names the missing files."""
    total, number = len(table.cells), len(missing)
    fix = 'add them, or give unreadable="skip" to go on without them.'
    if number == total:
        fix = (
            "give the folder with the images= argument, or the column of their names with "
            "filename_column=."
        )
    other = find.other_ending(missing[0])
    if other is not None:
        fix = f"there is {other.id}, so correct the endings in the table."
    return (
        f"Of {total:,} files in {table.path.name}, {number:,} {'are' if number > 1 else 'is'} not "
        f"in {root}: {validate.some_of(missing)}; {fix}"
    )


def _check_classes(table: Table, column: str, listing: folder.Listing) -> None:
    """Raise InvalidInput if the labels are measurements, or names of single images."""
    classes, images = listing.class_names, len(listing.images)
    if not classes:
        raise InvalidInput(f"No row of {table.path.name} has a label in column {column!r}.")
    number = re.compile(r"[-+]?\d*[.,]\d+(e[-+]?\d+)?", re.IGNORECASE)
    fractions = [name for name in classes if number.fullmatch(name)]
    if fractions or (len(classes) > 20 and len(classes) > images / 2):
        some = validate.some_of(fractions or classes, 3)
        raise InvalidInput(
            f"Column {column!r} of {table.path.name} holds {len(classes):,} different values for "
            f"{images:,} images ({some}), so it is no class; give label_column=, or make classes "
            f"of it."
        )
    if len(classes) < 2:
        raise InvalidInput(
            f"Column {column!r} of {table.path.name} holds one class only ({classes[0]}), but "
            f"at least two are needed; give label_column= if another column is the class."
        )
