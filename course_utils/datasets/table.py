"""Images whose labels stand in a table (CSV), as competitions give them out (lesson 02)."""

from __future__ import annotations

import csv as csv_files
import io
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from course_utils import validate
from course_utils.datasets import _files, _splits, decoding, folder, grouping
from course_utils.datasets._image_dataset import ImageDataset
from course_utils.datasets._splits import SPLITS
from course_utils.exceptions import InvalidInput, MissingData

_FILE_COLUMNS = (
    *("filename", "file_name", "file", "image_path", "filepath", "file_path", "path", "image"),
    *("image_name", "imagename", "image_file", "image_id", "imageid", "img", "img_name", "img_id"),
    *("photo", "picture", "name", "id", "id_code", "uuid"),
)
_LABEL_COLUMNS = (
    *("label", "labels", "class", "class_name", "classname", "target", "category", "label_name"),
    *("class_id", "label_id", "category_name", "category_id", "breed", "species", "diagnosis"),
    *("dx", "y", "level", "type", "tag"),
)
_SPLIT_COLUMNS = ("split", "subset", "set", "partition", "fold")
_SEPARATORS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """A table of text: its columns, each as long as there are rows."""

    path: Path
    columns: dict[str, list[str]]
    lines: list[int]  # the line of the file on which each row stands

    def __len__(self) -> int:
        return len(self.lines)


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
    """Load images whose classes stand in a table: one row per image, a name and a label.

    Separator (comma, semicolon, tab, bar) and encoding (UTF-8, UTF-16, Windows) are recognized. A
    name may be a path relative to `images`, or lack its ending, as ids do; it may lie in any folder
    inside `images` as long as there is one file of that name.

    Parameters
    ----------
    csv : str or path
        The table.
    images : str or path, optional
        The folder with the images; by default the folder of the table.
    filename_column, label_column : str, optional
        The columns with the names of the files and with the classes; by default found by their
        usual names (filename, image, id, path ... and label, class, target, category ...), or by
        the files that are there. A column of 0 and 1 for each class is understood too.
    split_column : str, optional
        The column that says train, validation or test; by default ``split`` or the like where there
        is one. Without it the splits are taken at random, class by class.
    image_size, batch_size, seed, color_mode, validation, test, value_range
        As for :func:`course_utils.datasets.from_directory`.
    unreadable : {"raise", "skip"}
        What to do about rows whose file is missing or cannot be read: refuse the table and name
        them, or go on without them.
    groups : str, pattern or callable, optional
        Which images belong together: the name of a column (such as ``"patient"``), a regular
        expression whose group is searched in the id, or a function of the file's path. All of a
        group go into the same split.

    Returns
    -------
    ImageDataset
        Classes in alphabetical order, numbers in rising order; ids are paths relative to `images`,
        with ``/``.

    Raises
    ------
    MissingData
        If there is no such table or folder, or files of the table are missing.
    InvalidInput
        If the table cannot be read, its columns are not found, a file has two labels, or the
        labels are measurements rather than classes; and as for from_directory.
    """
    skip = validate.choice("unreadable", unreadable, ("raise", "skip")) == "skip"
    table = read_table(csv)
    root = _files.root_of(table.path.parent if images is None else images)
    content = _files.walk(root, "")
    find = _Finder(content.files)
    table = _with_one_hot(table, label_column)
    columns = _columns(table, find, filename_column, label_column, split_column)
    listing, order, rows = _listing(table, root, content, find, columns, skip)
    keys = None
    if groups is not None:
        kept = {name: [values[row] for row in rows] for name, values in table.columns.items()}
        keys = folder.group_keys(listing, groups, kept)
    return folder.load_folder(
        listing,
        image_size=image_size,
        batch_size=batch_size,
        seed=seed,
        color_mode=color_mode,
        unreadable=unreadable,
        validation=validation,
        test=test,
        name=table.path.stem,
        class_names=order,
        groups=keys,
        value_range=value_range,
    )


# --- reading the table ---------------------------------------------------------------------


def read_table(csv: str | os.PathLike[str]) -> Table:
    """Read a table of text, whatever its separator and encoding.

    Raises
    ------
    MissingData
        If there is no such file.
    InvalidInput
        If it is no table.
    """
    if not isinstance(csv, (str, os.PathLike)) or not str(csv).strip() or "\0" in str(csv):
        raise InvalidInput(
            f"The path of a table is needed, such as 'labels.csv', but it is {csv!r}."
        )
    path = Path(csv).expanduser().absolute()
    if path.is_dir():
        raise InvalidInput(f"{path} is a folder, but a table is needed, such as 'labels.csv'.")
    if not path.is_file():
        raise MissingData(
            validate.printable(
                f"There is no file {path}{_near_table(path)}; give the table that names the images "
                f"and their classes."
            )
        )
    text = _text(path)
    lines = text.splitlines()
    if lines and re.fullmatch(r"sep=.", lines[0].strip()):  # a line that Excel writes
        lines[0] = ""
        text = "\n".join(lines)
    rows, numbers = _rows(text)
    if not rows:
        raise InvalidInput(f"The table {path} is empty.")
    head = [name.strip() for name in rows[0]]
    if _is_headless(head):
        head = [f"column {at + 1}" for at in range(len(head))]
    else:
        rows, numbers = rows[1:], numbers[1:]
    if len(head) < 2 or not rows:
        found = "one column only" if len(head) < 2 else "no row below its header"
        raise InvalidInput(
            f"The table {path} has {found}, but it needs one row per image with a name and a label."
        )
    names = _unique(head)
    columns = {
        name: [row[at].strip() if at < len(row) else "" for row in rows]
        for at, name in enumerate(names)
    }
    return Table(path, columns, numbers)


def _near_table(path: Path) -> str:
    try:
        names = [one.name for one in path.parent.iterdir() if one.suffix.lower() == path.suffix]
    except OSError:
        return ""
    return validate.nearest(path.name, names)


def _text(path: Path) -> str:
    """Decode a text file: UTF-8 or UTF-16 with a mark, else UTF-8, else the Windows encoding."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"The table {path} cannot be read ({error.strerror or error})."
        ) from None
    if data[:2] == b"PK" or data[:4] == b"\xd0\xcf\x11\xe0":
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


def _rows(text: str) -> tuple[list[list[str]], list[int]]:
    """Divide text into rows of cells by the separator that fits most rows; with line numbers."""
    best: tuple[tuple[int, int], list[list[str]], list[int]] = ((-1, 0), [], [])
    for separator in _SEPARATORS:
        reader = csv_files.reader(
            io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True
        )
        rows, numbers = [], []
        try:
            for row in reader:
                if any(cell.strip() for cell in row):
                    rows.append(row)
                    numbers.append(reader.line_num)
        except csv_files.Error:
            continue
        width = len(rows[0]) if rows else 0
        fitting = sum(len(row) == width for row in rows) if width > 1 else 0
        if (fitting, width) > best[0]:
            best = ((fitting, width), rows, numbers)
    return best[1], best[2]


def _is_headless(head: Sequence[str]) -> bool:
    """Whether the first row names an image already."""
    return any(_is_image_name(cell) for cell in head)


def _unique(names: Sequence[str]) -> list[str]:
    """Give columns without a name, or with the name of another, a name of their own."""
    result: list[str] = []
    for at, name in enumerate(names):
        name = name or f"column {at + 1}"
        result.append(name if name not in result else f"{name} ({at + 1})")
    return result


# --- which column is which -----------------------------------------------------------------


def _columns(
    table: Table, find: _Finder, filename: str | None, label: str | None, split: str | None
) -> tuple[str, str, str | None]:
    """Return the columns of the names, of the labels and, where there is one, of the splits."""
    for what, given in (("filename_column", filename), ("label_column", label),
                        ("split_column", split)):  # fmt: skip
        if given is not None and given not in table.columns:
            raise InvalidInput(
                f"{what} is {given!r}, but {table.path.name} has no such column"
                f"{validate.nearest(str(given), table.columns)}; it has {_shown(table)}."
            )
    if split is None:
        split = next((one for one in table.columns if _is_split_column(table, one)), None)
    taken = {one for one in (label, split) if one is not None}
    name = filename or _names_files(table, find, taken)
    if name is None:
        raise InvalidInput(
            f"It is not clear which column of {table.path.name} names the files (it has "
            f"{_shown(table)}); give filename_column=."
        )
    taken.add(name)
    label = label or _usual([one for one in table.columns if one not in taken], _LABEL_COLUMNS)
    if label is None:
        rest = [one for one in table.columns if one not in taken]
        if len(rest) != 1:
            raise InvalidInput(
                f"It is not clear which column of {table.path.name} is the class (it has "
                f"{_shown(table)}); give label_column=."
            )
        label = rest[0]
    return name, label, split


def _shown(table: Table) -> str:
    return validate.some_of([repr(name) for name in table.columns], 20)


def _plain(name: str) -> str:
    return re.sub(r"[\s-]+", "_", name.strip().casefold())


def _usual(columns: Sequence[str], usual: Sequence[str]) -> str | None:
    """Return the first column with one of the usual names."""
    plain = {_plain(name): name for name in reversed(columns)}
    return next((plain[one] for one in usual if one in plain), None)


def _names_files(table: Table, find: _Finder, taken: set[str]) -> str | None:
    """Return the column that names the files: of those that do, the one with a usual name."""
    free = [name for name in table.columns if name not in taken]
    known = {name: sum(find.knows(value) for value in table.columns[name]) for name in free}
    naming = [name for name in free if known[name]]
    usual = _usual(naming, _FILE_COLUMNS)
    if naming and (usual is None or 2 * known[usual] < max(known.values())):
        return max(naming, key=lambda name: known[name])
    if usual is not None:
        return usual
    endings = [name for name in free if all(_is_image_name(one) for one in table.columns[name])]
    return _usual(free, _FILE_COLUMNS) or next(iter(endings), None)


def _is_image_name(text: str) -> bool:
    return PurePosixPath(text).suffix.lower() in decoding.IMAGE_ENDINGS


def _with_one_hot(table: Table, label: str | None) -> Table:
    """Add a column of classes to a table that has a column of 0 and 1 for each class."""
    if label is not None or _usual(list(table.columns), _LABEL_COLUMNS) is not None:
        return table
    binary = [
        name
        for name, values in table.columns.items()
        if all(re.fullmatch(r"[01](\.0+)?", value) for value in values)
    ]
    rows = [[table.columns[name][row][0] for name in binary] for row in range(len(table))]
    if len(binary) < 2 or any(row.count("1") != 1 for row in rows):
        return table
    rest = {name: values for name, values in table.columns.items() if name not in binary}
    classes = [binary[row.index("1")] for row in rows]
    return Table(table.path, {**rest, "class": classes}, table.lines)


def _is_split_column(table: Table, name: str) -> bool:
    values = {value for value in table.columns[name] if value}
    return (
        _plain(name) in _SPLIT_COLUMNS
        and bool(values)
        and all(_splits.named(value) for value in values)
    )


# --- from rows to images -------------------------------------------------------------------


def _listing(
    table: Table,
    root: Path,
    content: _files.Content,
    find: _Finder,
    columns: tuple[str, str, str | None],
    skip: bool,
) -> tuple[folder.Listing, tuple[str, ...], list[int]]:
    """Return the images of the table, the classes in order, and the row of each image."""
    name_column, label_column, split_column = columns
    names, labels = table.columns[name_column], _labels(table, label_column)
    missing: list[str] = []
    unlabeled = 0
    rows: dict[str, int] = {}
    images: list[folder.FoundImage] = []
    for row, (name, label) in enumerate(zip(names, labels, strict=True)):
        file = find(name)
        if file is None:
            missing.append(name or f"(no name in line {table.lines[row]})")
            continue
        if not label:
            unlabeled += 1
            continue
        if file.id in rows:
            _check_same(table, rows[file.id], row, labels, file.id)
            continue
        rows[file.id] = row
        split = _split_of(table, split_column, row)
        images.append(folder.FoundImage(file, folder.class_name(label), split))
    _check_found(table, root, missing, len(names), skip)
    images.sort(key=lambda one: folder.sort_key(one.file.id))
    unused = sorted({file.id for file in content.files} - set(rows))
    notes = _notes(table, missing, unlabeled, unused)
    classes = {one.class_name for one in images}
    _check_classes(table, label_column, classes, len(images))
    listing = folder.Listing(
        root=root,
        images=tuple(images),
        class_names=tuple(sorted(classes)),
        splits=tuple(split for split in SPLITS if split in {one.split for one in images}),
        loose=(),
        skipped=tuple(sorted(content.skipped)),
        notes=notes,
    )
    return listing, _in_order(classes), [rows[one.file.id] for one in images]


def _in_order(classes: set[str]) -> tuple[str, ...]:
    """Return classes in alphabetical order, or by value where all of them are numbers."""
    if all(re.fullmatch(r"-?\d{1,15}", one) for one in classes):
        return tuple(sorted(classes, key=lambda one: (int(one), one)))
    return tuple(sorted(classes))


class _Finder:
    """Finds the file that a row of the table means."""

    def __init__(self, files: Sequence[decoding.ImageFile]) -> None:
        self._exact = {file.id: file for file in files}
        self._places: dict[str, list[decoding.ImageFile]] = defaultdict(list)
        for file in sorted(files, key=lambda file: file.id):
            path = PurePosixPath(file.id.casefold())
            for key in {path.name, path.stem, str(path), str(path.with_suffix(""))}:
                self._places[key].append(file)
            if path.stem.isdecimal():  # 7 for 0007.png, as programs write it that read numbers
                self._places[f"number {int(path.stem)}"].append(file)

    def knows(self, name: str) -> bool:
        """Whether a name stands for at least one file."""
        try:
            return self(name) is not None
        except InvalidInput:  # for several
            return True

    def __call__(self, name: str) -> decoding.ImageFile | None:
        """Return the file, or None where there is none.

        Raises
        ------
        InvalidInput
            If several files could be meant.
        """
        path = name.replace("\\", "/").removeprefix("./")
        if path in self._exact:
            return self._exact[path]
        if not path:
            return None
        parts = path.casefold().split("/")
        keys = ["/".join(parts[start:]) for start in range(len(parts))]  # paths from elsewhere
        if path.isdecimal():
            keys.append(f"number {int(path)}")
        for key in keys:
            found = self._places.get(key, [])
            if len(found) == 1:
                return found[0]
            if found:
                raise InvalidInput(
                    validate.printable(
                        f"The table names {name!r}, which may be {found[0].id} or {found[1].id}; "
                        f"write the path relative to the folder of the images, or name a smaller "
                        f"folder with images=."
                    )
                )
        return None


def _labels(table: Table, column: str) -> list[str]:
    """Return the labels; numbers that a program wrote as 1.0 become 1."""
    labels = table.columns[column]
    if all(re.fullmatch(r"\d+\.0+", label) for label in labels if label):
        return [label.split(".")[0] for label in labels]
    return labels


def _check_same(table: Table, first: int, row: int, labels: Sequence[str], id_: str) -> None:
    if labels[first] != labels[row]:
        raise InvalidInput(
            validate.printable(
                f"{table.path.name} gives {id_} two labels: {labels[first]!r} in line "
                f"{table.lines[first]} and {labels[row]!r} in line {table.lines[row]}; one image "
                f"has one class here, so remove one of the lines."
            )
        )


def _split_of(table: Table, column: str | None, row: int) -> str | None:
    if column is None:
        return None
    text = table.columns[column][row]
    split = _splits.named(text)
    if split is None:
        raise InvalidInput(
            f"Line {table.lines[row]} of {table.path.name} has the split {text!r} in column "
            f"{column!r}, but it must be train, validation or test."
        )
    return split


def _check_found(table: Table, root: Path, missing: Sequence[str], total: int, skip: bool) -> None:
    if not missing or (skip and len(missing) < total):
        return
    number = len(missing)
    raise MissingData(
        validate.printable(
            f"Of {total:,} files in {table.path.name}, {number:,} "
            f"{'are' if number > 1 else 'is'} not in {root}: {validate.some_of(missing)}; "
            + (
                "give the folder with the images= argument, or the column of their names with "
                "filename_column=."
                if number == total
                else 'add them, or give unreadable="skip" to go on without them.'
            )
        )
    )


def _notes(
    table: Table, missing: Sequence[str], unlabeled: int, unused: Sequence[str]
) -> tuple[str, ...]:
    notes = []
    if missing:
        notes.append(f"Going on without {len(missing):,} missing files: "
                     f"{validate.some_of(missing)}.")  # fmt: skip
    if unlabeled:
        notes.append(f"{unlabeled:,} rows of {table.path.name} have no label and are not used.")
    if unused:
        notes.append(
            f"{len(unused):,} images are not in {table.path.name} or have no label there, and are "
            f"not used: {validate.some_of(unused, 3)}."
        )
    return tuple(notes)


def _check_classes(table: Table, column: str, classes: set[str], images: int) -> None:
    """Refuse labels that are measurements, or names of single images."""
    if not classes:
        raise InvalidInput(f"No row of {table.path.name} has a label in column {column!r}.")
    fractions = [one for one in classes if re.fullmatch(r"[-+]?\d*[.,]\d+(e[-+]?\d+)?", one, re.I)]
    if fractions or (len(classes) > 20 and len(classes) > images / 2):
        some = validate.some_of(sorted(fractions or classes), 3)
        raise InvalidInput(
            f"Column {column!r} of {table.path.name} holds {len(classes):,} different values for "
            f"{images:,} images ({some}), so it is no class; give label_column=, or make classes "
            f"of it."
        )
    if len(classes) < 2:
        raise InvalidInput(
            f"Column {column!r} of {table.path.name} holds one class only ({classes.pop()}), but "
            f"at least two are needed; give label_column= if another column is the class."
        )
