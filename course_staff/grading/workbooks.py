"""Read the sheets of a workbook of Excel (.xlsx), as far as a table of marks needs it."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

#: The endings of workbooks that are read.
ENDINGS = (".xlsx", ".xlsm")
#: Bytes of the largest workbook, unpacked.
LARGEST_WORKBOOK = 200 * 2**20

Element = ElementTree.Element

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_ID = re.compile(r"\{[^}]*/officeDocument/(?:2006/)?relationships\}id")
#: The numbers of the formats for per cent and for dates that every workbook has.
_PERCENT, _DATES = {9, 10}, {*range(14, 18), 22, *range(27, 37), *range(50, 59)}
_IN_QUOTES = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')


def sheets(path: Path) -> dict[str, list[tuple[int, list[str]]]]:
    """Return the rows of each sheet, with their numbers, as a person sees them.

    Parameters
    ----------
    path : Path
        The workbook.

    Raises
    ------
    ValueError, KeyError, OSError, zipfile.BadZipFile
        If it is not a workbook, or too large.
    """
    with zipfile.ZipFile(path) as packed:
        if sum(member.file_size for member in packed.infolist()) > LARGEST_WORKBOOK:
            raise ValueError("it is too large")
        book = _Book(packed)
        return {name: list(book.rows(place)) for name, place in book.places()}


class _Book:
    """The parts of a workbook: texts, formats and sheets."""

    def __init__(self, packed: zipfile.ZipFile) -> None:
        self._packed, self._names = packed, set(packed.namelist())
        self._texts = [_text(item) for item in self._read("xl/sharedStrings.xml").iter("si")]
        self._formats = self._kinds(self._read("xl/styles.xml"))
        properties = self._read("xl/workbook.xml").find("workbookPr")
        since_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        self._day_zero = datetime(1904, 1, 1) if since_1904 else datetime(1899, 12, 30)

    def _read(self, name: str) -> Element:
        """Return the root of a part without name spaces; an empty one where it is not there."""
        if name not in self._names and name != "xl/workbook.xml":
            return ElementTree.Element("nothing")
        try:
            root = ElementTree.fromstring(self._packed.read(name))
        except ElementTree.ParseError as error:
            raise ValueError(f"{name} is damaged") from error
        for element in root.iter():
            element.tag = element.tag.removeprefix(_MAIN).removeprefix(_STRICT)
        return root

    def places(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each sheet and where it is stored."""
        targets = {
            part.get("Id"): part.get("Target", "")
            for part in self._read("xl/_rels/workbook.xml.rels")
        }
        for sheet in self._read("xl/workbook.xml").iter("sheet"):
            number = next((value for key, value in sheet.items() if _ID.fullmatch(key)), None)
            target = targets.get(number, "")
            yield sheet.get("name", ""), target[1:] if target[:1] == "/" else f"xl/{target}"

    def rows(self, place: str) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows of a sheet that hold something."""
        number = 0
        for row in self._read(place).iter("row"):
            number = int(row.get("r", number + 1))
            cells: list[str] = []
            for cell in row.iter("c"):
                column = _column(cell.get("r", "")) or len(cells) + 1
                cells += [""] * (min(column, 1000) - 1 - len(cells))
                cells.append(self._shown(cell))
            if any(cells):
                yield number, cells

    def _shown(self, cell: Element) -> str:
        kind, value = cell.get("t", "n"), cell.findtext("v", "")
        if kind == "inlineStr":
            return _text(cell)
        if kind == "s":
            return self._texts[int(value)]
        if kind != "n" or not value:
            return value
        style = int(cell.get("s", 0))
        form = self._formats[style] if style < len(self._formats) else ""
        if form == "percent":
            return f"{round(float(value) * 100, 9):g} %"
        if form == "date" and 0 < float(value) < 2_000_000:
            return (self._day_zero + timedelta(float(value))).isoformat(" ", "seconds")
        return value

    @staticmethod
    def _kinds(styles: Element) -> list[str]:
        """Return for each style whether its numbers are shown as "percent" or "date"."""
        codes = {form.get("numFmtId"): form.get("formatCode", "") for form in styles.iter("numFmt")}
        kinds = []
        for style in styles.findall("cellXfs/xf"):
            number = style.get("numFmtId", "0")
            code = _IN_QUOTES.sub("", codes.get(number, ""))
            if int(number) in _PERCENT or "%" in code:
                kinds.append("percent")
            elif int(number) in _DATES or re.search("[dmy]", code, re.I):
                kinds.append("date")
            else:
                kinds.append("")
        return kinds


def _text(element: Element) -> str:
    """Return the text of a cell of one or several formats, without its pronunciation."""
    pieces = [*element.findall(".//t")]
    spoken = {id(piece) for phonetic in element.iter("rPh") for piece in phonetic.iter("t")}
    return "".join(piece.text or "" for piece in pieces if id(piece) not in spoken)


def _column(reference: str) -> int:
    """Return the number of the column of a cell such as ``B3``; 0 where it says none."""
    number = 0
    for letter in re.match("[A-Z]*", reference)[0]:  # type: ignore[index]
        number = 26 * number + ord(letter) - 64
    return number
