"""Read tables as any spreadsheet program saves them, and write tables that it opens safely."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path

from course_staff.grading import store, workbooks
from course_staff.grading.results import clean_text
from course_utils.exceptions import InvalidInput

#: Bytes of the largest table that is read.
LARGEST_TABLE = 100 * 2**20
#: The most characters of a cell: Excel cuts what is longer than 32,767.
LONGEST_CELL = 8_000

_SEPARATORS = (",", ";", "\t", "|")
#: Encodings that are tried where a table is not UTF-8: the first two by themselves, the others
#: only if more names of the class are found with them.
_ENCODINGS = ("cp1252", "mac_roman")
_MORE_ENCODINGS = (
    *("cp850", "cp437", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257"),
    *("cp1258", "mac_latin2", "mac_cyrillic", "cp932", "gb18030", "big5", "cp949", "cp874"),
)


@dataclass
class Table:
    """A table as it was read.

    Attributes
    ----------
    path : Path
        Where it is.
    head : list of str
        The names of its columns, in lower case and without blanks around them.
    rows : list of tuple of int and list of str
        The line in the file at which each row begins, and its cells.
    separator : str
        The separator between cells.
    guessed : str
        The encoding, where nothing confirmed that it is the right one; else "".
    """

    path: Path
    head: list[str]
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    separator: str = ","
    guessed: str = ""

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield each row as its line and its cells by column; of two equal columns the first."""
        for line, cells in self.rows:
            pairs = [*zip_longest(self.head, cells[: len(self.head)], fillvalue="")]
            yield line, dict(reversed(pairs))


def read(path: Path, columns: Sequence[set[str]], names: Iterable[str] = ()) -> Table:
    """Read a table of any separator and encoding, with its columns in any order.

    Parameters
    ----------
    path : Path
        A file.
    columns : sequence of set of str
        The table needs all columns of one of these sets.
    names : iterable of str
        Names that are likely to be in the table, which help to find the encoding.

    Raises
    ------
    InvalidInput
        If it cannot be read; one sentence that says why.
    """
    if path.suffix.lower() in workbooks.ENDINGS:
        return _of_workbook(path, columns)
    text, guessed = _decoded(path, names)
    first, _, rest = text.partition("\n")
    match = re.fullmatch(r'\s*"?sep=(.)"?[\s,;]*', first, re.I)
    if match:  # Excel's own line, which names the separator
        text = rest
    offset = 1 if match else 0
    separators = [match[1], *_SEPARATORS] if match else [*_SEPARATORS]
    best: tuple[int, str, list[str]] = (-1, ",", [])
    wanted = set().union(*columns)
    for separator in separators:
        for number, (_, cells) in enumerate(_first(path, text, separator)):
            head = [_column(cell) for cell in cells]
            if _fits(head, columns):
                rows = list(_records(path, text, separator))[number:]
                rows = [(line + offset, cells) for line, cells in rows]
                return _table(path, rows, separator, guessed)
            found = len(wanted & set(head))
            if found > best[0]:
                best = (found, separator, head)
    raise InvalidInput(
        f"{path.name} has no column {_missing(best[2], columns)!r}; it needs {_needed(columns)}, "
        f"and was read as a table with {best[1]!r} between the cells."
    )


def _of_workbook(path: Path, columns: Sequence[set[str]]) -> Table:
    """Read the one sheet of a workbook that has the columns."""
    try:
        sheets = workbooks.sheets(path)
    except (OSError, ValueError, KeyError, IndexError, OverflowError, zipfile.BadZipFile) as error:
        raise InvalidInput(
            f"{path.name} is no workbook of Excel that can be read ({error}); save it again, or as "
            f"CSV (UTF-8)."
        ) from error
    found = {}
    for name, rows in sheets.items():
        for number, (_, cells) in enumerate(rows[:_MOST_ABOVE]):
            if _fits([_column(cell) for cell in cells], columns):
                found[name] = _table(path, rows[number:], ",")
                break
    if not found:
        raise InvalidInput(f"{path.name} has no sheet with the columns {_needed(columns)}.")
    if len(found) > 1:
        raise InvalidInput(
            f"{path.name} has several sheets with these columns ({', '.join(found)}); keep one."
        )
    return next(iter(found.values()))


def _fits(head: Sequence[str], columns: Sequence[set[str]]) -> bool:
    return any(needed <= set(head) for needed in columns)


def _missing(head: Sequence[str], columns: Sequence[set[str]]) -> str:
    """Return the first column that is missing of those of which most are there."""
    nearest = min(columns, key=lambda needed: len(needed - set(head)) / len(needed))
    return min(nearest - set(head))


def _needed(columns: Sequence[set[str]]) -> str:
    largest: set[str] = max(columns, key=len)
    return ", ".join(sorted(largest))


def _column(cell: str) -> str:
    return " ".join(cell.strip(" \t\r\n\ufeff'\"").lower().split())


def _table(
    path: Path, records: list[tuple[int, list[str]]], separator: str, guessed: str = ""
) -> Table:
    """Make a table of its head and what is below, without heads that are repeated there."""
    head = [_column(cell) for cell in records[0][1]]
    rows = [row for row in records[1:] if [_column(cell) for cell in row[1]] != head]
    return Table(path, head, rows, separator, guessed)


#: The head of a table is looked for in so many rows from above.
_MOST_ABOVE = 20


def _first(path: Path, text: str, separator: str) -> list[tuple[int, list[str]]]:
    """Return the first records, as far as they can be read with this separator."""
    found: list[tuple[int, list[str]]] = []
    with suppress(InvalidInput):
        for record in islice(_records(path, text, separator), _MOST_ABOVE):
            found.append(record)
    return found


def _records(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the records that are not empty, with the lines at which they begin."""
    before, line = csv.field_size_limit(LARGEST_TABLE), 1
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise InvalidInput(
            f"{path.name}, line {line}: a quotation mark opens a cell and is not closed where the "
            f"cell ends ({error})."
        ) from error
    finally:
        csv.field_size_limit(before)


# --- encodings -----------------------------------------------------------------------------------


def _decoded(path: Path, names: Iterable[str]) -> tuple[str, str]:
    """Return the text of a table, and its encoding where that is a guess."""
    try:
        with path.open("rb") as stream:
            data = stream.read(LARGEST_TABLE + 1)
    except OSError as error:
        raise InvalidInput(f"{path.name} cannot be opened ({error.strerror}).") from error
    if len(data) > LARGEST_TABLE:
        raise InvalidInput(f"{path.name} is larger than {LARGEST_TABLE // 2**20} MB.")
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise InvalidInput(f"{path.name} is a workbook; save it as CSV (UTF-8) under this name.")
    text, guessed = decode(data, names)
    if text is None or "\0" in text:
        raise InvalidInput(f"{path.name} is no text; save it as CSV (UTF-8) under this name.")
    return text, guessed


def decode(data: bytes, names: Iterable[str] = ()) -> tuple[str | None, str]:
    """Decode a file of unknown encoding.

    Parameters
    ----------
    data : bytes
        The file: UTF-8 or UTF-16, with a byte order mark or without, or the encoding of an older
        Windows or macOS.
    names : iterable of str
        Names that are likely to be in the text.

    Returns
    -------
    text : str or None
        The text; None if it is not text.
    guessed : str
        The encoding, if none of the names was found with it; else "".
    """
    try:
        return data.decode(_unicode_of(data)), ""
    except UnicodeDecodeError:
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            return None, ""
    known = [name for name in names if not name.isascii()][:500]
    tried: list[tuple[tuple[int, int], str, str]] = []
    for encoding in (*_ENCODINGS, *_MORE_ENCODINGS):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        found = sum(name in text for name in known)
        if encoding in _ENCODINGS:
            tried.append(((found, -_oddities(text)), text, encoding))
        elif found > max((score[0] for score, *_ in tried), default=0):
            tried.append(((found, 0), text, encoding))
    if not tried:
        return None, ""
    (found, _), text, encoding = max(tried, key=lambda one: one[0])
    return text, "" if found else encoding


def _unicode_of(data: bytes) -> str:
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe\x00\x00", "utf-32"),
        (b"\x00\x00\xfe\xff", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if data.startswith(mark):
            return encoding
    start = data[:4000]
    if start[1::2].count(0) > len(start) // 4:
        return "utf-16-le"
    if start[::2].count(0) > len(start) // 4:
        return "utf-16-be"
    return "utf-8"


_ODD = re.compile(
    "(?<=[a-zß-öø-ÿ])[À-ÖØ-ÞŠŽŒŸ]"  # a capital letter with an accent behind a small letter
    "|(?<=[A-Za-zß-öø-ÿ])[À-ÖØ-ÞŠŽŒŸ](?=[a-zß-öø-ÿ])"  # and in the middle of a word
    "|[ƒ‡†‰•¤¦¨¯´¸¬¶§©®°±∂∑∏π∫ªºΩ≈∆√≤≥◊ﬁﬂıˆ˜˘˙˚˝˛ˇ‹›‚„…](?=[A-Za-zß-öø-ÿ])"
    "|(?<=[A-Za-zß-öø-ÿ])[ƒ‡†‰¤¦¨¯´¸¬¶∂∑∏π∫ªºΩ≈∆√≤≥◊ﬁﬂıˆ˜˘˙˚˝˛ˇ‹‚„]"
)


def _oddities(text: str) -> int:
    """Return the number of characters that are unlikely in correctly decoded text."""
    return len(_ODD.findall(text))


# --- formulae ------------------------------------------------------------------------------------

# A program that assumes another separator splits cells further, so each piece after a separator or
# a line break is guarded, too. Blanks and apostrophes before a sign are skipped: some programs drop
# them. Guarding adds one apostrophe at each such place and changes none of the other places, so
# removing one at each place restores the text.
_SIGN = "[=+\\-@\uff1d\uff0b\uff0d\uff20\u2212]"
_AT_THE_START = rf"(?=['\s\u200b\ufeff]*{_SIGN})"
_IN_A_PIECE = rf"(?=(?:'|[^\S\t\r\n]|\u200b|\ufeff)*{_SIGN})"
_TO_GUARD = re.compile(rf"\A{_AT_THE_START}|(?<=[,;|\t\r\n]){_IN_A_PIECE}")
_GUARDED = re.compile(rf"\A'{_AT_THE_START}|(?<=[,;|\t\r\n])'{_IN_A_PIECE}")


def guarded(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; :func:`unguarded` undoes it exactly.

    Parameters
    ----------
    cell : object
        A text, or a number, which stays as it is.
    """
    return _TO_GUARD.sub("'", cell) if isinstance(cell, str) else cell


def unguarded(text: str) -> str:
    """Return the text that :func:`guarded` was given."""
    return _GUARDED.sub("", text)


def write(
    path: Path,
    rows: Iterable[Iterable[object]],
    separator: str = ",",
    encoding: str = "utf-8-sig",
) -> None:
    """Write a table for Excel: UTF-8 with a byte order mark, and no cell is a formula.

    The file is replaced in one step; see :func:`~course_staff.grading.store.write`.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    for row in rows:
        writer.writerow([guarded(_short(cell)) for cell in row])
    store.write(path, text.getvalue().encode(encoding))


def _short(cell: object) -> object:
    return clean_text(cell, LONGEST_CELL) if isinstance(cell, str) else cell
