"""Manual grades: read from a table, put into the results, and written into the table again.

A mark belongs to the text it was given for. Each row has an id made of the student, the question
and a checksum of the answer. If the answer has changed since, the mark does not count, the old mark
stays visible in its row, and the answer waits to be marked again.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from course_staff.grading import naming, store, tables, workbooks
from course_staff.grading.results import (
    Graded,
    QuestionResult,
    Status,
    clean_sentence,
    clean_text,
)
from course_utils.exceptions import InvalidInput, MissingData

#: The table in which a person writes marks, in the folder of the reports.
MANUAL_GRADES = "to_mark.csv"
#: The columns that a person fills in or needs to know whose the row is.
COLUMNS = ("student", "exercise", "question", "points", "comment")
#: All columns of the table, in the order in which they are written.
HEAD = (*COLUMNS, "maximum", "previous mark", "answer", "notebook", "page", "id")

_BESIDE = re.compile(r"to_mark-\d+\.csv")
#: Files that a run puts away: tables that were merged, and those of a doubtful encoding.
_PUT_AWAY = re.compile(r".*\.(merged|before)(-\d+)?")

#: With one of these sets of columns a row can be understood.
_NEEDED = ({"student", "exercise", "question", "points"}, {"id", "points"})

#: Student, exercise and question.
Slot = tuple[str, str, str]


@dataclass
class Row:
    """A row of a table of marks.

    Attributes
    ----------
    source : Path
        The table.
    line : int
        The line at which the row begins.
    cells : dict
        The cells of the known columns, without the apostrophes that guard formulas.
    extra : dict
        The cells of columns that a person added, by the name of the column.
    surplus : list of str
        Cells after the last column: perhaps a decimal comma.
    slot : tuple of str or None
        The student, exercise and question it is for, where this is known.
    text : str
        The beginning of the checksum of the answer that it is for, or "".
    alike : str
        If the student of the row is not there: the only one with this answer, or the only one
        of them with a similar name; else "".
    """

    source: Path
    line: int
    cells: dict[str, str]
    extra: dict[str, str] = field(default_factory=dict)
    surplus: list[str] = field(default_factory=list)
    slot: Slot | None = None
    text: str = ""
    alike: str = ""

    @property
    def where(self) -> str:
        """The place, for people."""
        return f"{self.source.name}, line {self.line}"

    def is_touched(self) -> bool:
        """Whether a person wrote something into it, or it has an earlier mark."""
        mine = ("points", "comment", "previous mark")
        values = [self.cells.get(name, "") for name in mine]
        return any(text.strip() for text in [*values, *self.extra.values(), *self.surplus])


@dataclass
class Tables:
    """The tables of marks that were found.

    Attributes
    ----------
    named : Path or None
        The table that was named.
    rows : list of Row
        The rows of all of them; those that count where tables differ come first.
    unreadable : dict
        The tables that could not be read, and why. They are left as they are.
    merged : list of Path
        Tables of the folder that are read beside the main one.
    separator : str
        The separator between cells in the folder's own table.
    target : Path
        Where the table is to be written.
    guessed : dict
        The tables of which the encoding is a guess, with this encoding.
    ignored : list of str
        Other files of the folder that may hold marks, and are not read.
    """

    target: Path
    named: Path | None = None
    rows: list[Row] = field(default_factory=list)
    unreadable: dict[Path, str] = field(default_factory=dict)
    merged: list[Path] = field(default_factory=list)
    separator: str = ","
    guessed: dict[Path, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)


def find(folder: Path, named: Path | None, names: Iterable[str] = ()) -> Tables:
    """Read the tables of marks: the folder's own, and one that was named.

    Parameters
    ----------
    folder : Path
        The folder of the reports. Its ``to_mark.csv``, any ``to_mark-2.csv`` ... and a workbook
        ``to_mark.xlsx`` are its own. Where they differ, the one that was saved last counts.
    named : Path, optional
        A further table, of which the marks come first.
    names : iterable of str
        Texts that are likely to be in the tables, such as the names of the students.

    Returns
    -------
    Tables

    Raises
    ------
    MissingData, InvalidInput
        If the table that was named is not there or cannot be read.
    """
    names = list(names)
    main = folder / MANUAL_GRADES
    found = Tables(main, named)
    if named is not None:
        check_named(named)
    beside = sorted(path for path in folder.glob("to_mark-*.csv") if _BESIDE.fullmatch(path.name))
    books = [main.with_suffix(ending) for ending in workbooks.ENDINGS]
    own = [path for path in (main, *beside, *books) if path.exists()]
    own.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    if named is not None:
        own = [named, *(path for path in own if not path.samefile(named))]
    for path in own:
        try:
            rows, table = read_rows(path, names)
        except InvalidInput as error:
            found.unreadable[path] = str(error)
            continue
        found.rows += rows
        if table.guessed:
            found.guessed[path] = table.guessed
        if main.exists() and path.samefile(main):
            found.separator = table.separator
        elif path in beside:
            found.merged.append(path)
    found.target = next(
        path for path in itertools.chain([main], _further(folder)) if path not in found.unreadable
    )
    found.merged = [path for path in found.merged if path != found.target]
    others = {path.name for path in folder.glob("to_mark*.*")} - {path.name for path in own}
    found.ignored = sorted(name for name in others if not _PUT_AWAY.fullmatch(name))
    return found


def likely_texts(graded: Iterable[Graded]) -> list[str]:
    """Return what a table of marks holds whose letters tell its encoding: names, and words."""
    results = list(graded)
    words: dict[str, None] = {}
    for question in (question for result in results for question in result.questions):
        words |= dict.fromkeys(re.findall(r"[^\W\d_]{2,30}", question.written))
    return [*(result.student for result in results), *words]


def _further(folder: Path) -> Iterator[Path]:
    """Yield the names of tables that are written beside one that could not be read."""
    return (folder / f"to_mark-{number}.csv" for number in itertools.count(2))


def check_named(path: Path) -> None:
    """Raise an error if a named table cannot be used.

    Raises
    ------
    MissingData, InvalidInput
        If it is not there or cannot be read.
    """
    if not path.exists():
        raise MissingData(f"There is no {path} with marks.")
    tables.read(path, _NEEDED)


def read_rows(path: Path, names: Iterable[str] = ()) -> tuple[list[Row], tables.Table]:
    """Read the rows of a table of marks; return the table, too.

    Raises
    ------
    InvalidInput
        If it cannot be read.
    """
    table = tables.read(path, _NEEDED, names)
    rows = []
    for line, cells in table.rows:
        row = Row(path, line, {})
        for place, (name, cell) in enumerate(zip(table.head, cells, strict=False)):
            plain = tables.unguarded(cell)
            if name in HEAD and name not in row.cells:
                row.cells[name] = plain.strip()
            elif name or plain.strip():
                row.extra[name if name not in row.extra else f"{name} {place + 1}"] = plain
        row.surplus = [cell for cell in cells[len(table.head) :] if cell.strip()]
        rows.append(row)
    return rows, table


# --- for which answer a row is ------------------------------------------------------------------


def row_id(slot: Slot, digest: str) -> str:
    """Return the id of a row: whose it is, and for which text. No spreadsheet changes it."""
    return f"{_slot_id(slot)}-{_text_id(digest)}"


def _slot_id(slot: Slot) -> str:
    return "m" + hashlib.sha256("\n".join(slot).encode("utf-8", "replace")).hexdigest()[:16]


def _text_id(digest: str) -> str:
    return f"t{digest[:16] or 'none'}"


_ID = re.compile(r"(?P<slot>m[0-9a-f]{16})-(?P<text>t(?:[0-9a-f]{16}|none))")


class _Places:
    """The questions of a class, found by a row that a spreadsheet may have changed."""

    def __init__(self, graded: Iterable[Graded]) -> None:
        self.results: dict[Slot, list[tuple[Graded, QuestionResult]]] = defaultdict(list)
        for result in graded:
            for question in result.questions:
                slot = (result.student, result.exercise, question.question)
                self.results[slot].append((result, question))
        self._by_id = {_slot_id(slot): slot for slot in self.results}
        self._plain: dict[Slot, set[Slot]] = defaultdict(set)
        self._by_answer: dict[tuple[str, str, str], set[Slot]] = defaultdict(set)
        for slot, results in self.results.items():
            plain = _plain_slot(slot)
            self._plain[plain].add(slot)
            for _, question in results:
                if question.digest:
                    self._by_answer[(*plain[1:], _text_id(question.digest))].add(slot)

    def assign(self, row: Row) -> str:
        """Find the slot of a row; return a sentence if that is not possible."""
        name = row.cells.get("id", "")
        match = _ID.fullmatch(name)
        if name and not match:
            return f"{name!r:.40} is no id of a row; perhaps cells have moved to another column."
        row.text = match["text"] if match else ""
        by_id = self._by_id.get(match["slot"]) if match else None
        seen = self._by_text(_shown(row))
        if by_id and seen and by_id != seen:
            return (
                f"the row says {_told(seen)}, but its id is that of {_told(by_id)}; perhaps some "
                f"columns were sorted and others not."
            )
        row.slot = by_id or seen or self._renamed(row)
        return ""

    def _renamed(self, row: Row) -> Slot | None:
        """Return the slot of the same answer, if only one student with a similar name has it.

        A name changes when a namesake hands in, or when another export writes it in another way.
        """
        _, exercise, question = _plain_slot(_shown(row))
        slots = self._by_answer.get((exercise, question, row.text), set())
        name = row.cells.get("student", "")
        similar = [slot for slot in slots if naming.may_be_one(name, slot[0])]
        nearest = similar or list(slots)
        if len(nearest) == 1:
            row.alike = nearest[0][0]
        return similar[0] if len(similar) == 1 else None

    def _by_text(self, shown: Slot) -> Slot | None:
        if shown in self.results:
            return shown
        found = self._plain.get(_plain_slot(shown), set())
        return next(iter(found)) if len(found) == 1 else None


def _shown(row: Row) -> Slot:
    return tuple(row.cells.get(name, "") for name in COLUMNS[:3])  # type: ignore[return-value]


def _plain_slot(slot: Slot) -> Slot:
    """Return a slot without what spreadsheets change: zeros in front, kinds of letters, blanks."""
    student = " ".join(unicodedata.normalize("NFKC", slot[0]).casefold().split())
    student = student.lstrip("0") if student.isdigit() else student
    exercise = re.match(r"0*(\d+)", slot[1].strip())
    question = re.match(r"\D{0,2}0*(\d+)\s?[.,]\s?0*(\d+)(?![\d.,])", _undated(slot[2].strip()))
    number = exercise[1] if exercise else slot[1].strip().casefold()
    return (
        student,
        number or (question[1] if question else ""),  # a cell that is merged with those above
        f"{question[1]}.{question[2]}" if question else slot[2].strip().casefold(),
    )


#: The first letters of the months in the languages of the platforms, as far as they are three.
_MONTHS = (
    *("jan ene gen", "feb fév fev", "mar mrz mär", "apr abr avr", "may mai mag", "jun juin giu"),
    *("jul juil lug", "aug août ago", "sep set", "oct okt ott", "nov", "dec dez déc dic"),
)
_MONTH = {
    month: number for number, months in enumerate(_MONTHS, start=1) for month in months.split()
}
_DATES = (
    re.compile(r"(?P<day>\d{1,2})[. /-]{1,2}(?P<name>[^\W\d_]{3,10})\.?(?:[ -]\d{2,4})?"),
    re.compile(r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?:\d{4})?"),
    re.compile(r"\d{4}-(?P<month>\d\d)-(?P<day>\d\d)(?: 00:00:00)?"),
)


def _undated(text: str) -> str:
    """Return the question of which a spreadsheet made a date, such as ``05. Jun`` of ``05.6``."""
    for pattern in _DATES:
        if match := pattern.fullmatch(text):
            found = match.groupdict()
            name = (found.get("name") or "").casefold()
            month = found.get("month") or _MONTH.get(name[:4]) or _MONTH.get(name[:3])
            return f"{found['day']}.{int(month)}" if month else text
    return text


def _told(slot: Slot) -> str:
    return clean_sentence(", ".join(slot), 200)


# --- marks ---------------------------------------------------------------------------------------


def points_of(text: str) -> float | None:
    """Return the points in a text, with a decimal point or comma; None if there are none.

    They are rounded to six places: a sum of tenths may be 2.0000000000000004. Signs that make a
    spreadsheet keep a cell as text, and characters that nobody sees, do not count.
    """
    plain = "".join(sign for sign in text if unicodedata.category(sign) != "Cf").strip(
        "'\"= \t\xa0"
    )
    fraction = re.fullmatch(r"(\d{0,3})\s?([\xbc-\xbe\u2150-\u215e])", plain)  # such as 1½
    if fraction:
        return round(int(fraction[1] or 0) + unicodedata.numeric(fraction[2]), 6)
    plain = re.sub("[,\u066b\uff0c\uff0e]", ".", plain)
    try:
        number = float(plain) if "_" not in plain else math.nan
    except ValueError:
        return None
    return round(number, 6) + 0.0 if math.isfinite(number) else None  # 0.0 for -0.0


def apply(
    graded: list[Graded], found: Tables, renamed: Mapping[str, str] | None = None
) -> list[str]:
    """Put the marks of all tables into the results.

    A mark for a question that was graded already overrides it, and must say why in its comment. A
    row that cannot be used changes nothing; it is kept in the table.

    Parameters
    ----------
    graded : list of Graded
        All results; they are changed.
    found : Tables
        The tables; rows are told for which answers they are.
    renamed : mapping, optional
        The ids that stand in place of names.

    Returns
    -------
    list of str
        A sentence for each row that was not used, with its line.
    """
    places = _Places(graded)
    problems: list[str] = []
    strangers: list[Row] = []
    candidates: list[Row] = []
    for row in itertools.filterfalse(_is_sum, found.rows):
        student = row.cells.get("student", "")
        row.cells["student"] = (renamed or {}).get(student, student)
        problem = places.assign(row)
        if problem:
            problems.append(f"{row.where}: {problem}")
        elif row.cells.get("points"):
            (strangers if row.slot is None else candidates).append(row)
    _bind_copies(candidates, found.rows)
    used: dict[tuple[Slot | None, str], Row] = {}
    doubtful = set()
    for row in candidates:
        if problem := _problem(row, places):
            problems.append(f"{row.where}: {problem}")
            continue
        first = used.setdefault((row.slot, row.text), row)
        if _mark(first) != _mark(row):
            problems.append(f"{row.where}: {_conflict(first, row, found.named)}")
            if first.source == row.source:
                doubtful.add((row.slot, row.text))
    for key, row in used.items():
        if key not in doubtful:
            _give(row, places)
    renamed_rows = [row for row in used.values() if row.slot and row.alike]
    problems += [
        f"{row.where}: the mark of {clean_sentence(row.cells['student'], 100)} counts for "
        f"{clean_sentence(row.alike, 100)}, who has the same answer and a similar name."
        for row in renamed_rows
    ]
    return problems + _not_here(strangers)


def _conflict(first: Row, row: Row, named: Path | None) -> str:
    """Return what is done about two marks for one answer."""
    if first.source == row.source:
        return (
            f"line {first.line} gives another mark for the same answer; neither counts until one "
            f"of them is removed."
        )
    why = "was named" if first.source == named else "was saved later"
    return f"{first.where} gives another mark for the same answer and counts: its table {why}."


#: What stands below the marks, in the languages of the platforms. (The brackets are for the
#: spelling check, which takes a French word for a misspelled English one.)
_SUM = re.compile(
    r"((sum|total|summe|gesamt|s[o]mme|suma|razem|totale|totaal|mean|average|mittelwert|durchschnitt|"
    r"moyenne|średnia|media|promedio|gemiddelde|median|maximum|minimum|count|anzahl)\b\W*)*"
)


def _is_sum(row: Row) -> bool:
    """Return whether a row is for no answer, such as a sum or a mean below the marks."""
    if any(row.cells.get(name) for name in ("exercise", "question", "id")):
        return False
    return _SUM.fullmatch(row.cells.get("student", "").casefold()) is not None


def _bind_copies(candidates: list[Row], rows: list[Row]) -> None:
    """Give rows without an id the id of a row with the same mark in another table.

    So a mark from another table stays with the text it was given for, although that table does not
    name the text.
    """
    by_slot: dict[Slot | None, list[Row]] = defaultdict(list)
    for row in rows:
        by_slot[row.slot].append(row)
    for row in candidates:
        for other in by_slot[row.slot] if not row.text else []:
            if other is row:
                continue
            if other.text and other.cells.get("points") and _mark(other) == _mark(row):
                row.text = other.text
            elif _said(row) in other.cells.get("previous mark", "").split("; "):
                row.text = "an earlier answer"


def _not_here(rows: list[Row]) -> list[str]:
    if not rows:
        return []
    shown = "; ".join(f"{row.where} ({_told(_shown(row))}{_hint(row)})" for row in rows[:10])
    more = f"; and {len(rows) - 10} more" if len(rows) > 10 else ""
    return [
        f"Nothing that these marks could be for is among what was graded now; they are kept, and "
        f"count nowhere: {shown}{more}."
    ]


def _hint(row: Row) -> str:
    if not row.alike:
        return ""
    return (
        f"; {clean_sentence(row.alike, 100)} has the same answer: if it is the same person, change "
        f"the name in the row"
    )


def _problem(row: Row, places: _Places) -> str:
    """Return why a row with points cannot be used, or bind it to its answer and return ""."""
    assert row.slot is not None
    results = places.results[row.slot]
    problem = _misread(row, results)
    if problem:
        return problem
    points = points_of(row.cells["points"])
    if not row.cells.get("comment") and not any(_is_for_a_person(result) for _, result in results):
        return (
            f"{row.slot[2]} was graded already; a mark that overrides it needs a reason in the "
            f"column comment."
        )
    if not row.text and _is_for_this(row, results[-1][1]):
        row.text = _text_id(results[-1][1].digest)
    if any(_text_id(question.digest) == row.text for _, question in results):
        return ""
    for result, question in results:
        result.flags.append(
            f"The answer to {question.question} was changed after it was marked; the mark of "
            f"{points:g} points does not count any more."
        )
    _grow_old(row)
    return (
        f"the answer of {_told(row.slot)} was changed after it was marked; the old mark, "
        f"{points:g} points, does not count, and is in the column previous mark."
    )


def _misread(row: Row, results: list[tuple[Graded, QuestionResult]]) -> str:
    """Return what is wrong with the numbers of a row, or ""."""
    text, maximum = row.cells["points"], row.cells.get("maximum", "")
    most = max(question.maximum for _, question in results)
    points = points_of(text)
    if row.surplus or (maximum and points_of(maximum) is None):
        return (
            f"cells have moved to another column; perhaps {text!r:.40} was meant to have decimals: "
            f"a number with a comma needs quotation marks where commas separate the cells."
        )
    if points is None:
        return f"{text!r:.40} is no number of points; write one such as 1.5, as text if need be."
    if not 0 <= points <= most:
        return f"{points:g} points, but there are 0 to {most:g}."
    return ""


def _is_for_a_person(question: QuestionResult) -> bool:
    return bool(question.written) or question.status == Status.FOR_A_PERSON


def _is_for_this(row: Row, question: QuestionResult) -> bool:
    """Return whether the answer in a row without an id is the one that is there now."""
    shown = _squeezed(row.cells.get("answer", ""))[:300]
    return not (shown and question.written) or _squeezed(question.written).startswith(shown)


def _squeezed(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def _said(row: Row) -> str:
    """Return the mark of a row as it stands among the previous ones."""
    parts = (row.cells.get("points", ""), row.cells.get("comment", ""))
    return ": ".join(part.replace("; ", ", ") for part in parts if part)


def _grow_old(row: Row) -> None:
    """Move the mark of a row to the column of previous marks."""
    earlier = row.cells.get("previous mark", "")
    if _said(row) not in earlier.split("; "):
        row.cells["previous mark"] = "; ".join(mark for mark in (earlier, _said(row)) if mark)
    row.cells["points"] = row.cells["comment"] = row.text = ""


def _mark(row: Row) -> tuple[float | None, str]:
    return points_of(row.cells["points"]), row.cells.get("comment", "")


def _give(row: Row, places: _Places) -> None:
    assert row.slot is not None
    points, comment = _mark(row)
    for _, question in places.results[row.slot]:
        if points is None or _text_id(question.digest) != row.text:
            continue
        if _is_for_a_person(question):
            question.sentence = "Marked by a person."
        else:
            before = f"{question.points:g} of {question.maximum:g} points before"
            question.sentence = f"Changed by a person: {clean_sentence(comment)} ({before}.)"
        question.comment = clean_text(comment)
        question.by_person = True
        question.points = points
        question.status = Status.PARTLY
        if points >= question.maximum:
            question.status = Status.CORRECT
        elif points <= 0:
            question.status = Status.INCORRECT


# --- the table -----------------------------------------------------------------------------------


def write_manual_grades(
    graded: Iterable[Graded], found: Tables, pages: Mapping[str, str] | None = None
) -> str:
    """Write the table: what a person wrote, and a row for each answer that waits.

    A table that could not be read is left unchanged; the new one is written beside it. Everything
    that a person wrote is kept, columns and unusable rows included.

    Parameters
    ----------
    graded : iterable of Graded
        The results that count, with marks.
    found : Tables
        What was read, after :func:`apply`.
    pages : mapping, optional
        The page with the written answers of each student, relative to the table.

    Returns
    -------
    str
        A sentence about tables that could not be read, or "".
    """
    kept = _kept(found.rows)
    by_slot: dict[Slot | None, list[Row]] = defaultdict(list)
    for row in kept:
        by_slot[row.slot].append(row)
    for result in graded:
        for question in result.questions:
            slot = (result.student, result.exercise, question.question)
            theirs = by_slot[slot]
            here = [row for row in theirs if row.text in ("", _text_id(question.digest))]
            if not here and question.status == Status.FOR_A_PERSON:
                here = [Row(found.target, 0, {}, slot=slot)]
                here[0].cells["previous mark"] = _earlier(theirs)
                kept += here
            for row in here:
                _fill(row, result, question, pages or {})
    extra = list(dict.fromkeys(name for row in kept for name in row.extra))
    surplus = max((len(row.surplus) for row in kept), default=0)
    lines: list[list[object]] = [[*HEAD, *extra]]
    for row in kept:
        cells: list[object] = [row.cells.get(name, "") for name in HEAD]
        cells += [row.extra.get(name, "") for name in extra]
        lines.append(cells + (list(row.surplus) if surplus else []))
    kept_as = _keep_doubtful(found)
    try:
        tables.write(found.target, lines, found.separator)
    except PermissionError as error:  # as on Windows, while a spreadsheet program has it open
        found.unreadable[found.target] = (
            f"{found.target.name} cannot be replaced ({error.strerror})."
        )
        found.target = next(path for path in _further(found.target.parent) if not path.exists())
        tables.write(found.target, lines, found.separator)
    for path in found.merged:
        path.replace(path.with_name(path.name + ".merged"))
    return _note(found, kept_as)


def _keep_doubtful(found: Tables) -> str:
    """Keep the table as it was if its encoding is a guess; return the name of the copy, or ""."""
    if found.target not in found.guessed:
        return ""
    name = f"{found.target.name}.before"
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    places = (found.target.with_name(name) for name in names)
    place = next(path for path in places if not path.exists())
    store.write(place, found.target.read_bytes())
    return place.name


def _note(found: Tables, kept: str) -> str:
    """Return sentences about tables that were not read, or perhaps wrongly, or ""."""
    said = []
    for path, encoding in found.guessed.items():
        where = f" (as it was, it is kept as {kept})" if path == found.target else ""
        said.append(
            f"{path.name} is not UTF-8 and was read as {encoding}; look whether letters such as é "
            f"in its comments are right{where}."
        )
    if found.unreadable:
        said.append(
            f"{' '.join(found.unreadable.values())} It was left as it is and its marks are not "
            f"used; what waits is in {found.target.name}. Save the old table again as CSV (UTF-8), "
            f"or copy its marks into the new one and remove it."
        )
    if found.ignored:
        said.append(
            f"{', '.join(found.ignored)} may hold marks and is not read; save such a table as "
            f"{MANUAL_GRADES}, or name it with --marks."
        )
    return " ".join(said)


def _kept(rows: list[Row]) -> list[Row]:
    """Return the rows that hold something, each once."""
    kept: list[Row] = []
    seen: dict[object, Row] = {}
    for row in rows:
        if not row.is_touched():
            continue
        if not row.cells.get("points") and not row.cells.get("comment"):
            row.text = ""  # what is marked next is the answer that is there now
        first = seen.setdefault((row.slot or _shown(row), row.text), row)
        if first is row:
            kept.append(row)
        elif first.source == row.source or row.slot is None:
            if _written(first) != _written(row):
                kept.append(row)
        else:  # a table that was named repeats or replaces what the folder's own says
            for name in ("previous mark", "points", "comment"):
                first.cells[name] = first.cells.get(name) or row.cells.get(name, "")
            first.extra = {**row.extra, **first.extra}
    return [row for row in kept if not _is_said_again(row, kept)]


def _is_said_again(row: Row, rows: list[Row]) -> bool:
    """Return whether a row has only an earlier mark, which the row of the new mark has, too."""
    own = (row.cells.get("points"), row.cells.get("comment"), row.extra, row.surplus)
    if any(own) or row.slot is None:
        return False
    marks = set(row.cells.get("previous mark", "").split("; "))
    return any(
        other.slot == row.slot
        and bool(other.cells.get("points"))
        and marks <= set(other.cells.get("previous mark", "").split("; "))
        for other in rows
    )


def _written(row: Row) -> object:
    """Return what a person wrote into a row."""
    return [row.cells.get(name, "") for name in COLUMNS], row.extra, row.surplus


def _earlier(rows: list[Row]) -> str:
    """Return what was said of earlier answers to a question."""
    said = [_said(row) for row in rows if row.cells.get("points")]
    return "; ".join(dict.fromkeys(said))


def _fill(row: Row, one: Graded, question: QuestionResult, pages: Mapping[str, str]) -> None:
    """Fill in the columns of a row that describe the answer."""
    slot = (one.student, one.exercise, question.question)
    page = pages.get(one.student, "") if question.written else ""
    row.cells |= dict(zip(COLUMNS, slot, strict=False)) | {
        "maximum": f"{question.maximum:g}",
        "answer": question.written,
        "notebook": one.name,
        "page": page,
        "id": row_id(slot, question.digest),
    }
