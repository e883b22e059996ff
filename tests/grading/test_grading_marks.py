"""Marks that a person gives: they survive spreadsheets and further runs, and fit their answers."""

from __future__ import annotations

import contextlib
import csv
import errno
import hashlib
import io
import json
import os
import re
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from attacks.isolation import require
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from course_staff import cli
from course_staff.grading import command, engine, marks, policies, reports, store, tables
from course_staff.grading.intake import Refused
from course_staff.grading.results import Graded, QuestionResult, cleaned, from_dict
from course_utils import checks
from course_utils import settings as course_settings
from course_utils.checks import PartVerdict
from course_utils.exceptions import CourseError, InvalidInput, MissingData

E05 = "05_evaluation"


def made(student: str, text: str = "Because.", points: float = 2, **more) -> Graded:
    one = QuestionResult("05.1", "One", "partly", points, 4, "Half of it.", digest="a" * 64)
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() if text else ""
    status = "for a person" if text else "not attempted"
    two = QuestionResult("05.6", "Two", status, 0, 2, "Waits.", written=text, digest=digest)
    facts = {"name": f"{student}.ipynb", "sha256": "", "questions": [one, two], **more}
    return Graded(student, E05, **facts)


def run(folder: Path, graded: list[Graded], named: Path | None = None) -> tuple[list[str], str]:
    """What a run does with marks: read, put into the results, write the table."""
    found = marks.find(folder, named, [one.student for one in graded])
    problems = marks.apply(graded, found)
    return problems, marks.write_manual_grades(graded, found)


def rows_of(path: Path, separator: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=separator))


def save(path: Path, rows: list[dict[str, str]], encoding="utf-8", separator=",", **how) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=separator, **how)
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))


def mark(folder: Path, student: str, points: str, comment: str = "", **how) -> None:
    """Fill in one row as a person does in a spreadsheet."""
    rows = rows_of(folder / marks.MANUAL_GRADES)
    for row in rows:
        if row["student"] == student:
            row.update(points=points, comment=comment)
    save(folder / marks.MANUAL_GRADES, rows, **how)


def points_of(graded: list[Graded]) -> dict[str, float]:
    return {
        one.student: next(q.points for q in one.questions if q.question == "05.6") for one in graded
    }


NAMES = ["José Müller", "Zoë Ångström", "王伟", "Ada;=1+1", "＝1+1", "'=Eve", "\t=x", "007"]


class TestSpreadsheets:
    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
    def test_every_separator_and_encoding(self, tmp_path, separator, encoding):
        run(tmp_path, [made(name) for name in NAMES])
        for name in NAMES:
            said = tables.guarded(name)
            mark_rows = rows_of(tmp_path / marks.MANUAL_GRADES)
            for row in mark_rows:
                if row["student"] == said:
                    row.update(points="1,5", comment=f"Good,\r\n{name}; naïve\n= 2")
            save(tmp_path / marks.MANUAL_GRADES, mark_rows)
        save(tmp_path / marks.MANUAL_GRADES, mark_rows, encoding, separator)
        for _ in range(3):  # and every further run
            graded = [made(name) for name in NAMES]
            problems, note = run(tmp_path, graded)
            assert not problems
            assert not note
            assert points_of(graded) == dict.fromkeys(NAMES, 1.5)
            assert graded[0].questions[1].comment == "Good,\nJosé Müller; naïve\n= 2"
            assert [one.questions[1].status for one in graded] == ["partly"] * len(NAMES)

    @pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
    @pytest.mark.parametrize("end", ["\r\n", "\r", "\n"])
    def test_old_encodings_and_line_ends(self, tmp_path, encoding, end):
        names = ["José Müller", "Zoë Ångström", "Élodie Façade", "Bjørn"]
        run(tmp_path, [made(name) for name in names])
        rows = rows_of(tmp_path / marks.MANUAL_GRADES)
        for row in rows:
            row.update(points="1", comment="déjà vu, größer")
        save(tmp_path / marks.MANUAL_GRADES, rows, encoding, ";", lineterminator=end)
        graded = [made(name) for name in names]
        assert run(tmp_path, graded) == ([], "")
        assert points_of(graded) == dict.fromkeys(names, 1)
        assert graded[0].questions[1].comment == "déjà vu, größer"

    def test_the_separator_line_of_excel_and_moved_and_added_columns(self, tmp_path):
        run(tmp_path, [made("ada"), made("bob")])
        rows = rows_of(tmp_path / marks.MANUAL_GRADES)
        rows[1].update(points="0,5")
        changed = [
            {"second marker": f"Kim {k}", **dict(reversed(row.items()))}
            for k, row in enumerate(rows)
        ]
        save(tmp_path / "x.csv", changed, separator=";")
        text = (tmp_path / "x.csv").read_text(encoding="utf-8")
        (tmp_path / marks.MANUAL_GRADES).write_text(
            "sep=;\r\n" + text, encoding="utf-8-sig", newline=""
        )
        for _ in range(2):
            graded = [made("ada"), made("bob")]
            assert run(tmp_path, graded) == ([], "")
            assert points_of(graded) == {"ada": 0, "bob": 0.5}
        found = marks.find(tmp_path, None)
        assert {row.extra["second marker"] for row in found.rows} == {"Kim 0", "Kim 1"}

    def test_what_a_spreadsheet_makes_of_numbers_and_dates(self, tmp_path):
        run(tmp_path, [made("007"), made("ada")])
        rows = rows_of(tmp_path / marks.MANUAL_GRADES)
        rows[0].update(student="7", question="5.6", points="2,0")
        rows[1].update(question="05. Jun", points=" 1 ")  # the id still tells which it was
        save(tmp_path / marks.MANUAL_GRADES, rows, separator=";")
        graded = [made("007"), made("ada")]
        assert run(tmp_path, graded) == ([], "")
        assert points_of(graded) == {"007": 2, "ada": 1}
        assert {row["question"] for row in rows_of(tmp_path / marks.MANUAL_GRADES, ";")} == {"05.6"}

    @pytest.mark.parametrize(
        "typed",
        ["05. Jun", "5-Jun", "05. juin", "5/giu", "05.06.2026", "05.06.", "2026-06-05", "5 Jun 26"],
    )
    def test_a_question_that_became_a_date_in_a_table_of_ones_own(self, tmp_path, typed):
        own = tmp_path / "mine.csv"
        own.write_text(f"student;exercise;question;points\nada;05;{typed};1,5\n", "utf-8")
        graded = [made("ada")]
        assert run(tmp_path, graded, own) == ([], "")
        assert points_of(graded) == {"ada": 1.5}

    @pytest.mark.parametrize("typed", ["13. Foo", "05.13.2026", "05.06.07", "2026-06", "Jun"])
    def test_what_is_no_question_stays_none(self, tmp_path, typed):
        own = tmp_path / "mine.csv"
        own.write_text(f"student;exercise;question;points\nada;05;{typed};1,5\n", "utf-8")
        graded = [made("ada")]
        assert len(run(tmp_path, graded, own)[0]) == 1
        assert points_of(graded) == {"ada": 0}

    @pytest.mark.parametrize(
        ("typed", "points", "status"),
        [
            ("2.0000000000000004", 2, "correct"),
            ("-0", 0, "incorrect"),
            ("1,50", 1.5, "partly"),
            ("1½", 1.5, "partly"),
            (" ¼ ", 0.25, "partly"),
            ("１．５", 1.5, "partly"),
            ("\u200e1,5\u200b", 1.5, "partly"),  # as copied from a web page
            ("\u202f1,5\xa0", 1.5, "partly"),
            ("'1.5", 1.5, "partly"),  # typed so that it stays text
            ('="1.5"', 1.5, "partly"),
        ],
    )
    def test_numbers_as_sums_leave_them(self, tmp_path, typed, points, status):
        run(tmp_path, [made("ada")])
        mark(tmp_path, "ada", typed)
        graded = [made("ada")]
        assert run(tmp_path, graded) == ([], "")
        one = graded[0].questions[1]
        assert (one.points, one.status, f"{one.points:g}") == (points, status, f"{points:g}")

    @pytest.mark.parametrize(
        "typed", ["3/4", "1½½", "75 %", "–", "01. Mai", "1,5 Pkt", "1'5", "n/a", "1_5"]
    )
    def test_what_could_mean_two_things_is_asked_for_and_kept(self, tmp_path, typed):
        run(tmp_path, [made("ada")])
        mark(tmp_path, "ada", typed)
        for _ in range(2):
            graded = [made("ada")]
            (problem,) = run(tmp_path, graded)[0]
            assert problem.endswith(
                "is no number of points; write one such as 1.5, as text if need be."
            )
            assert graded[0].questions[1].status == "for a person"
        (row,) = rows_of(tmp_path / marks.MANUAL_GRADES)
        assert tables.unguarded(row["points"]) == typed

    @pytest.mark.parametrize("name", ["", "Summe", "Mean", "Total:"])
    def test_sums_and_heads_between_the_marks_are_none(self, tmp_path, name):
        run(tmp_path, [made("ada"), made("bob")])
        rows = rows_of(tmp_path / marks.MANUAL_GRADES)
        for row in rows:
            row.update(points="1,5")
        empty = dict.fromkeys(rows[0], "")
        head = {column: column.upper() for column in rows[0]}
        save(tmp_path / "x.csv", [rows[0], head, rows[1], empty | {"student": name, "points": "3"}])
        text = "Marks of November\n" + "\n" * 30 + (tmp_path / "x.csv").read_text("utf-8")
        (tmp_path / marks.MANUAL_GRADES).write_text(text, "utf-8")
        for _ in range(2):
            graded = [made("ada"), made("bob")]
            assert run(tmp_path, graded) == ([], "")
            assert points_of(graded) == {"ada": 1.5, "bob": 1.5}

    def test_a_row_with_a_mark_and_a_name_alone_is_told(self, tmp_path):
        run(tmp_path, [made("ada")])
        with (tmp_path / marks.MANUAL_GRADES).open("a", encoding="utf-8") as table:
            table.write("ada,,,2\nMax Sum,,,2\n")
        (told,) = run(tmp_path, [made("ada")])[0]
        assert "line 3 (ada, ,)" in told

    @pytest.mark.parametrize(
        ("encoding", "comment"),
        [
            ("cp1250", "Źle łączy"),
            ("cp1251", "Хорошо"),
            ("cp932", "よく"),
            ("mac_roman", "Déjà vu"),
        ],
    )
    def test_words_of_answers_tell_the_encoding(self, tmp_path, encoding, comment):
        answer = f"I think: {comment.lower()} sehr"
        graded = [made("ada", answer)]
        run(tmp_path, graded)
        mark(tmp_path, "ada", "1", comment, encoding=encoding, separator=";")
        found = marks.find(tmp_path, None, marks.likely_texts(graded))
        assert marks.apply(graded, found) == []
        assert marks.write_manual_grades(graded, found) == ""
        assert graded[0].questions[1].comment == comment

    def test_a_guessed_encoding_is_told_and_the_table_is_kept(self, tmp_path):
        run(tmp_path, [made("ada")])
        path, kept = tmp_path / marks.MANUAL_GRADES, []
        for number, comment in enumerate(["Źle łączy", "Też"], start=1):
            mark(tmp_path, "ada", "1", comment, encoding="cp1250")
            kept.append(path.read_bytes())
            graded = [made("ada")]
            problems, note = run(tmp_path, graded)
            assert (problems, points_of(graded)) == ([], {"ada": 1})
            assert "to_mark.csv is not UTF-8 and was read as" in note
            assert f"kept as to_mark.csv.before{'-2' if number == 2 else ''})" in note
        assert (tmp_path / "to_mark.csv.before").read_bytes() == kept[0]
        assert (tmp_path / "to_mark.csv.before-2").read_bytes() == kept[1]
        assert run(tmp_path, [made("ada")]) == ([], "")

    def test_tables_beside_that_are_not_read_are_named(self, tmp_path):
        run(tmp_path, [made("ada")])
        for name in ("to_mark.ods", "to_mark (1).csv", "to_mark-3.csv.merged", "~$to_mark.csv"):
            (tmp_path / name).write_bytes(b"PK\x03\x04")
        for _ in range(2):
            note = run(tmp_path, [made("ada")])[1]
            assert note.startswith("to_mark (1).csv, to_mark.ods may hold marks and is not read")
        named = tmp_path / "to_mark (1).csv"
        (tmp_path / "to_mark.ods").unlink()
        named.write_bytes((tmp_path / marks.MANUAL_GRADES).read_bytes())
        assert run(tmp_path, [made("ada")], named)[1] == ""

    def test_the_table_opens_in_excel_and_keeps_the_separator(self, tmp_path):
        run(tmp_path, [made("ada")])
        assert (tmp_path / marks.MANUAL_GRADES).read_bytes().startswith(b"\xef\xbb\xbfstudent,")
        mark(tmp_path, "ada", "1", separator=";")
        run(tmp_path, [made("ada")])
        assert (tmp_path / marks.MANUAL_GRADES).read_bytes().startswith(b"\xef\xbb\xbfstudent;")


def a_zip(name: str, content: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr(name, content)
    return stream.getvalue()


def workbook(path: Path, **sheets: list[list[str | tuple[str, str]]]) -> None:
    """Write a workbook as Excel does; a cell is a text, or a number with its format."""
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    texts: dict[str, int] = {}
    parts = {}
    for number, rows in enumerate(sheets.values(), start=1):
        lines = []
        for line, cells in enumerate(rows, start=1):
            written = ""
            for column, cell in enumerate(cells):
                place = f"{chr(65 + column)}{line}"
                if isinstance(cell, tuple):
                    style = ["number", "percent", "date"].index(cell[1])
                    written += f'<c r="{place}" s="{style}"><v>{cell[0]}</v></c>'
                elif cell:
                    shared = texts.setdefault(cell, len(texts))
                    written += f'<c r="{place}" t="s"><v>{shared}</v></c>'
            lines.append(f'<row r="{line}" spans="1:11">{written}</row>')
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f"<worksheet {main}><sheetData>{''.join(lines)}</sheetData></worksheet>"
        )
    names = "".join(
        f'<sheet name="{name}" sheetId="{k}" r:id="rId{k}"/>' for k, name in enumerate(sheets, 1)
    )
    parts["xl/workbook.xml"] = (
        f'<workbook {main} xmlns:r="{relations}"><sheets>{names}</sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = "<Relationships>{}</Relationships>".format(
        "".join(
            f'<Relationship Id="rId{k}" Target="worksheets/sheet{k}.xml"/>'
            for k in range(1, len(sheets) + 1)
        )
    )
    strings = "".join(
        f"<si><r><t>{escape(text[:3])}</t></r><r><t>{escape(text[3:])}</t></r></si>"
        for text in texts
    )
    parts["xl/sharedStrings.xml"] = f"<sst {main}>{strings}</sst>"
    parts["xl/styles.xml"] = (
        f'<styleSheet {main}><numFmts><numFmt numFmtId="164" formatCode="dd/mm;@"/></numFmts>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="9"/><xf numFmtId="164"/></cellXfs></styleSheet>'
    )
    with zipfile.ZipFile(path, "w") as packed:
        for name, text in parts.items():
            packed.writestr(name, text)


class TestWorkbooks:
    """``to_mark.xlsx``, as it is there after "Save as" in Excel."""

    def made(self, folder: Path, points: list, **more) -> None:
        run(folder, [made(name) for name in ("007", "José", "Ada;=1+1")])
        rows = [list(row.values()) for row in rows_of(folder / marks.MANUAL_GRADES)]
        for row, said in zip(rows, points, strict=True):
            row[3], row[4] = said, "Good,\n<so> & so" if said else ""
        rows[0][0] = ("7", "number")
        rows[1][2] = ("46178", "date")  # of 05.6
        head = list(rows_of(folder / marks.MANUAL_GRADES)[0])
        sheet = [["Exercise 05"], [], head, *rows, ["", "", "", ("4.5", "number")]]
        workbook(folder / "to_mark.xlsx", **{"Notes": [["student", "x"]], "Marks": sheet, **more})

    def graded(self, folder: Path) -> tuple[dict[str, float], list[str], str]:
        graded = [made(name) for name in ("007", "José", "Ada;=1+1")]
        problems, note = run(folder, graded)
        return points_of(graded), problems, note

    def test_its_marks_count_and_it_stays(self, tmp_path):
        self.made(tmp_path, [("1.5", "number"), ("0.30000000000000004", "number"), "1,5"])
        stored = (tmp_path / "to_mark.xlsx").read_bytes()
        for _ in range(2):
            assert self.graded(tmp_path) == ({"007": 1.5, "José": 0.3, "Ada;=1+1": 1.5}, [], "")
        assert (tmp_path / "to_mark.xlsx").read_bytes() == stored
        (tmp_path / "to_mark.xlsx").unlink()  # its marks are in the table by now
        points, problems, note = self.graded(tmp_path)
        assert (points, note) == ({"007": 1.5, "José": 0.3, "Ada;=1+1": 1.5}, "")
        assert not problems
        assert {row["comment"] for row in rows_of(tmp_path / "to_mark.csv")[:3]} == {
            "Good,\n<so> & so"
        }

    def test_what_is_shown_in_per_cent_is_asked_for(self, tmp_path):
        self.made(tmp_path, [("0.75", "percent"), "", ("1", "number")])
        points, (problem,), _ = self.graded(tmp_path)
        assert points == {"007": 0, "José": 0, "Ada;=1+1": 1}
        assert problem.startswith("to_mark.xlsx, line 4: '75 %' is no number of points")

    def test_the_table_that_was_saved_last_counts(self, tmp_path):
        self.made(tmp_path, [("1", "number"), "2", "2"])
        table, book = tmp_path / "to_mark.csv", tmp_path / "to_mark.xlsx"
        self.graded(tmp_path)
        mark(tmp_path, "007", "1.5", "More.")
        for newer, points, said in ((table, 1.5, "to_mark.xlsx, line 4"), (book, 1, "to_mark.csv")):
            os.utime(newer, ns=(10**18 * 2, 10**18 * 2))
            found, (problem,), _ = self.graded(tmp_path)
            assert found["007"] == points
            assert problem.startswith(said)
            assert "gives another mark for the same answer and counts" in problem
            os.utime(newer, ns=(10**18, 10**18))
            os.utime(table, ns=(10**18, 10**18)) if newer is book else mark(
                tmp_path, "007", "1.5", "More."
            )

    @pytest.mark.parametrize(
        ("damage", "said"),
        [
            (lambda path: path.write_bytes(b"PK\x03\x04 an Excel workbook"), "is no workbook"),
            (lambda path: path.write_bytes(b""), "is no workbook"),
            (lambda path: path.write_bytes(a_zip("xl/workbook.xml", "<a>")), "is no workbook"),
            (lambda path: path.write_bytes(a_zip("content.xml", "<a/>")), "is no workbook"),
            (lambda path: workbook(path, a=[["student"]]), "has no sheet with the columns"),
            (
                lambda path: workbook(path, a=[["id", "points"]], b=[["id", "points"]]),
                r"several sheets with these columns \(a, b\)",
            ),
        ],
        ids=["text", "empty", "cut", "other", "no table", "two sheets"],
    )
    def test_what_cannot_be_read_is_told_and_left(self, tmp_path, damage, said):
        run(tmp_path, [made("ada")])
        mark(tmp_path, "ada", "1")
        damage(tmp_path / "to_mark.xlsx")
        stored = (tmp_path / "to_mark.xlsx").read_bytes()
        graded = [made("ada")]
        problems, note = run(tmp_path, graded)
        assert (problems, points_of(graded)) == ([], {"ada": 1})
        assert re.search(said, note)
        assert (tmp_path / "to_mark.xlsx").read_bytes() == stored
        with pytest.raises(InvalidInput, match=said):
            marks.find(tmp_path, tmp_path / "to_mark.xlsx")


class TestFormulae:
    ODD = st.text("=+-@＝＋\t\n\r;,|' a1\u00a0", max_size=12)

    @settings(max_examples=500, deadline=None)
    @given(ODD)
    def test_no_piece_of_a_cell_is_a_formula_and_guarding_is_undone(self, text):
        safe = tables.guarded(text)
        assert tables.unguarded(safe) == text
        for separator in ",;\t|\n\r":
            for piece in safe.split(separator):
                assert not piece.lstrip().startswith(("=", "+", "-", "@", "＝", "＋")), (
                    text,
                    piece,
                )

    @pytest.mark.parametrize("name", ["'=Eve", "=Eve", "Ada;=1+1", "＝1+1", "\n=x", " -1", "''@a"])
    def test_no_name_refuses_the_marks_of_all(self, tmp_path, name):
        students = [name, "ada"]
        run(tmp_path, [made(one) for one in students])
        rows = rows_of(tmp_path / marks.MANUAL_GRADES)
        for row in rows:
            row["points"] = "1"
        save(tmp_path / marks.MANUAL_GRADES, rows)
        graded = [made(one) for one in students]
        assert run(tmp_path, graded)[0] == []
        assert points_of(graded) == dict.fromkeys(students, 1)

    def test_every_table_is_guarded(self, tmp_path):
        odd = made("Ada;=1+1", "=cmd", flags=["＝1+1"])
        report = engine.Report([odd], [], "limits", 1)
        reports.write(report, tmp_path, ["nbgrader"])
        run(tmp_path, [odd])
        for name in ("grades.csv", "nbgrader.csv", marks.MANUAL_GRADES):
            text = (tmp_path / name).read_text(encoding="utf-8-sig")
            for separator in ";,\t\n":
                for piece in text.split(separator):
                    assert not piece.lstrip(' "').startswith(("=", "＝", "+")), (name, piece)
        assert (tmp_path / "grades.csv").read_bytes().startswith(b"\xef\xbb\xbf")


class TestChangedAnswers:
    def test_a_mark_stays_with_its_text(self, tmp_path):
        run(tmp_path, [made("ada"), made("bob")])
        mark(tmp_path, "ada", "2", "Convincing.")
        for _ in range(2):
            graded = [made("ada", "Because of something else."), made("bob")]
            problems, _ = run(tmp_path, graded)
            assert points_of(graded) == {"ada": 0, "bob": 0}
            assert graded[0].questions[1].status == "for a person"
            (row,) = (
                one for one in rows_of(tmp_path / marks.MANUAL_GRADES) if one["student"] == "ada"
            )
            assert (row["points"], row["comment"]) == ("", "")
            assert row["previous mark"] == "2: Convincing."
            assert row["answer"] == "Because of something else."
        mark(tmp_path, "ada", "1", "Not quite.")
        graded = [made("ada", "Because of something else."), made("bob")]
        assert run(tmp_path, graded) == ([], "")
        assert points_of(graded)["ada"] == 1
        assert "2: Convincing." in (tmp_path / marks.MANUAL_GRADES).read_text(encoding="utf-8-sig")

    def test_the_change_is_said_with_its_line(self, tmp_path):
        run(tmp_path, [made("ada")])
        mark(tmp_path, "ada", "2")
        graded = [made("ada", "New.")]
        (problem,) = run(tmp_path, graded)[0]
        assert problem.startswith("to_mark.csv, line 2: the answer of ada")
        assert "the mark of 2 points does not count" in graded[0].flags[0]

    def test_marks_typed_into_a_table_of_an_earlier_run(self, tmp_path):
        run(tmp_path, [made("ada", "Old.")])
        old = (tmp_path / marks.MANUAL_GRADES).read_bytes()
        run(tmp_path, [made("ada", "New.")])
        (tmp_path / marks.MANUAL_GRADES).write_bytes(
            old
        )  # it was open in a spreadsheet all the while
        mark(tmp_path, "ada", "2")
        graded = [made("ada", "New.")]
        assert len(run(tmp_path, graded)[0]) == 1
        assert points_of(graded) == {"ada": 0}

    def test_an_override_belongs_to_its_code_too(self, tmp_path):
        run(tmp_path, [made("ada")])
        rows = rows_of(tmp_path / marks.MANUAL_GRADES)
        override = {"student": "ada", "exercise": "05", "question": "05.1", "points": "4"}
        override["comment"] = "The check was too strict."
        rows.append({**dict.fromkeys(rows[0], ""), **override})
        save(tmp_path / marks.MANUAL_GRADES, rows)
        for _ in range(2):
            graded = [made("ada")]
            assert run(tmp_path, graded) == ([], "")
            one = graded[0].questions[0]
            assert (one.points, one.status, one.by_person) == (4, "correct", True)
            assert "The check was too strict. (2 of 4 points before.)" in one.sentence
        changed = [made("ada")]
        changed[0].questions[0].digest = "b" * 64
        assert len(run(tmp_path, changed)[0]) == 1
        assert changed[0].questions[0].points == 2

    def test_a_table_of_ones_own_without_ids_is_bound_to_what_it_was_used_for(self, tmp_path):
        own = tmp_path / "mine.csv"
        own.write_text("student;exercise;question;points;comment\nada;05;5,6;1;ok\n")
        out = tmp_path / "out"
        out.mkdir()
        for text, points in (("A", 1), ("A", 1), ("B", 0), ("B", 0)):
            graded = [made("ada", text)]
            run(out, graded, own)
            assert points_of(graded) == {"ada": points}
        graded = [made("ada", "A")]
        run(out, graded)  # and it is remembered where the table is not named again
        assert "1: ok" in (out / marks.MANUAL_GRADES).read_text(encoding="utf-8-sig")

    def test_a_mark_is_for_one_of_several_attempts(self, tmp_path):
        run(tmp_path, [made("ada", "First.", attempt=1)])
        mark(tmp_path, "ada", "2")
        both = [made("ada", "First.", attempt=1), made("ada", "Second.", attempt=2)]
        found = marks.find(tmp_path, None)
        assert marks.apply(both, found) == []
        kept = policies.choose_attempts(both, "last")
        marks.write_manual_grades(kept, found)
        assert points_of(kept) == {"ada": 0}
        waiting = [row for row in rows_of(tmp_path / marks.MANUAL_GRADES) if not row["points"]]
        assert [(row["answer"], row["previous mark"]) for row in waiting] == [("Second.", "2")]


class TestRenamedStudents:
    """Marks go with a person whose name has changed, and to nobody else."""

    def marked(self, folder: Path, *names: str) -> None:
        run(folder, [made(name, f"Because of {name[:3]}.") for name in names])
        for name in names:
            mark(folder, name, "1.5", f"For {name}.")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("Li Wei", "Li Wei 7"),  # since a namesake handed in
            ("Li Wei (2)", "Li Wei"),
            ("Lovelace, Ada", "Ada Lovelace"),
            ("ada", "Tuesday / ada"),
            ("Ada Lovelace", "Ada Lovelace (ada@example.org)"),
        ],
    )
    def test_the_mark_goes_with_the_person(self, tmp_path, old, new):
        self.marked(tmp_path, old, "Xu")
        graded = [
            made("Xu", "Because of Xu."),
            made("Li Wei 8", "No."),
            made(new, f"Because of {old[:3]}."),
        ]
        (problem,), note = run(tmp_path, graded)
        assert f"the mark of {old} counts for {new}" in problem
        assert points_of(graded) == {"Xu": 1.5, "Li Wei 8": 0, new: 1.5}
        assert graded[2].questions[1].comment == f"For {old}."
        assert run(tmp_path, graded) == ([], "")
        assert {row["student"] for row in rows_of(tmp_path / marks.MANUAL_GRADES)} == {
            "Xu", "Li Wei 8", new
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("now", "hint"),
        [
            ([("bob", "Because of dor.")], "; bob has the same answer"),  # who copied it
            ([("dora 1", "Because of dor."), ("dora 2", "Because of dor.")], ""),
            ([("dora 1", "Because I say so.")], ""),
        ],
        ids=["another name", "two of them", "another answer"],
    )
    def test_it_goes_to_nobody_else(self, tmp_path, now, hint):
        self.marked(tmp_path, "dora")
        for _ in range(2):
            graded = [made(name, text) for name, text in now]
            (problem,), _ = run(tmp_path, graded)
            assert "(dora, 05_evaluation, 05.6" + hint in problem
            assert set(points_of(graded).values()) == {0}
            kept = [row for row in rows_of(tmp_path / marks.MANUAL_GRADES) if row["points"]]
            assert [(row["student"], row["comment"]) for row in kept] == [("dora", "For dora.")]

    def test_an_override_stays_when_the_class_changes(self, tmp_path):
        def one(name: str) -> Graded:
            graded = made(name, "")
            graded.questions[0].digest = hashlib.sha256(name[:4].encode()).hexdigest()
            return graded

        run(tmp_path, [])
        with (tmp_path / marks.MANUAL_GRADES).open("a", encoding="utf-8") as table:
            table.write("dora,05,05.1,4,Her plot is right.\nadam,5,5.1,1,Copied.\n")
        for names in (["adam", "bob", "dora"], ["dora", "zoe", "bob"], ["dora S.", "bob", "adam"]):
            graded = [one(name) for name in names]
            run(tmp_path, graded)
            given = {one.student: one.questions[0].points for one in graded}
            expected = {"adam": 1, "dora": 4, "dora S.": 4}
            assert given == {name: expected.get(name, 2) for name in names}

    def test_a_result_of_another_seed_goes_with_the_person(self, tmp_path):
        again = {**made("", points=4, sha256="s1").as_dict(), "name": ""}
        stored = {f"bob · {E05} · s1": {"seed": 4, "graded": again}}
        (tmp_path / "appeals.json").write_text(json.dumps(stored), "utf-8")
        for names, counts, told in (
            (["bob", "eve"], "bob", None),
            (["eve", "bob 12"], "bob 12", ("bob", 4, "bob 12", True)),
            (["eve", "xu"], "", ("bob", 4, "xu", False)),
        ):
            graded = [made(name, sha256="s0" if name == "eve" else "s1") for name in names]
            report = engine.Report(graded, [], "bubblewrap", 3)
            moved = command._use_appeals(tmp_path, report)
            assert [one.student for one in report.graded] == names
            assert [one.student for one in report.graded if one.questions[0].points == 4] == [
                name for name in names if name == counts
            ]
            assert moved == ([told] if told else [])
        twice = engine.Report([made(f"bob {k}", sha256="s1") for k in (1, 2)], [], "x", 3)
        assert command._use_appeals(tmp_path, twice) == []
        assert {one.questions[0].points for one in twice.graded} == {2}


class TestBadRows:
    @pytest.mark.parametrize(
        ("row", "sentence"),
        [
            ("ada,05_evaluation,05.1,3,", "needs a reason"),
            ("ada,05_evaluation,05.6,3,", "3 points, but there are 0 to 2"),
            ("ada,05_evaluation,05.6,-1,", "-1 points, but there are 0 to 2"),
            ("eve,05_evaluation,05.6,1,", "Nothing that these marks could be for"),
            ("ada,05_evaluation,05.6,many,", "'many' is no number of points"),
            ("ada,05_evaluation,05.6,nan,", "is no number of points"),
            ("ada,05_evaluation,05.6,1,5,ok", "cells have moved"),
        ],
    )
    def test_one_bad_row_is_told_by_its_line_and_stops_nobody(self, tmp_path, row, sentence):
        file = tmp_path / marks.MANUAL_GRADES
        file.write_text(f"student,exercise,question,points,comment\nbob,05,05.6,2,\n{row}\n")
        for _ in range(3):
            graded = [made("ada"), made("bob")]
            problems, _ = run(tmp_path, graded)
            assert len(problems) == 1
            assert sentence in problems[0]
            assert "to_mark.csv, line 3" in problems[0]
            assert points_of(graded) == {"ada": 0, "bob": 2}
            rows = rows_of(file)
            assert len(rows) <= 3  # it stays, once, and beside it what waits
            kept = {tables.unguarded(one["points"]) for one in rows}
            assert row.split(",")[3] in kept

    def test_two_marks_for_one_answer(self, tmp_path):
        file = tmp_path / marks.MANUAL_GRADES
        head = "student,exercise,question,points,comment\n"
        file.write_text(head + "ada,05,05.6,1,\nbob,05,05.6,1,\nada,05,05.6,2,\n")
        graded = [made("ada"), made("bob")]
        problems, _ = run(tmp_path, graded)
        assert problems == [
            "to_mark.csv, line 4: line 2 gives another mark for the same answer; neither counts "
            "until one of them is removed."
        ]
        assert points_of(graded) == {"ada": 0, "bob": 1}

    def test_columns_that_were_sorted_alone(self, tmp_path):
        run(tmp_path, [made("ada"), made("bob")])
        rows = rows_of(tmp_path / marks.MANUAL_GRADES)
        rows[0]["student"], rows[1]["student"] = rows[1]["student"], rows[0]["student"]
        rows[0]["points"] = "2"
        save(tmp_path / marks.MANUAL_GRADES, rows)
        graded = [made("ada"), made("bob")]
        assert any("its id is that of ada" in one for one in run(tmp_path, graded)[0])
        assert points_of(graded) == {"ada": 0, "bob": 0}

    def test_marks_of_students_who_are_not_in_this_run_are_kept(self, tmp_path):
        run(tmp_path, [made("ada"), made("bob")])
        mark(tmp_path, "ada", "2", "Good.")
        before = rows_of(tmp_path / marks.MANUAL_GRADES)[0]
        assert len(run(tmp_path, [made("bob")])[0]) == 1
        assert before in rows_of(tmp_path / marks.MANUAL_GRADES)
        graded = [made("ada")]
        assert run(tmp_path, graded)[0] == []
        assert points_of(graded) == {"ada": 2}


class TestUnreadable:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"PK\x03\x04 an Excel workbook", "is a workbook"),
            (b"name,marks\nada,2\n", "has no column"),
            (b'student,exercise,question,points,comment\nada,05,05.6,2,"oh\nbob,05,05.6,1,\n',
             "line 2: a quotation mark opens a cell"),
            (b"\xff\xfes\x00t", "is no text"),
            (b"\x00\x01\x02\x00\x00\x00\xff", "is no text"),
            (b"", "has no column"),
        ],
    )  # fmt: skip
    def test_it_is_not_overwritten_and_the_new_table_goes_beside_it(
        self, tmp_path, content, sentence
    ):
        file = tmp_path / marks.MANUAL_GRADES
        file.write_bytes(content)
        for _ in range(2):
            _, note = run(tmp_path, [made("ada")])
            assert sentence in note
            assert "to_mark-2.csv" in note
            assert file.read_bytes() == content
        rows = rows_of(tmp_path / "to_mark-2.csv")
        rows[0]["points"] = "2"
        save(tmp_path / "to_mark-2.csv", rows)
        graded = [made("ada")]
        run(tmp_path, graded)
        assert points_of(graded) == {"ada": 2}
        assert sorted(path.name for path in tmp_path.iterdir()) == [
            "to_mark-2.csv",
            marks.MANUAL_GRADES,
        ]
        file.unlink()
        graded = [made("ada")]
        assert run(tmp_path, graded) == ([], "")
        assert points_of(graded) == {"ada": 2}
        assert rows_of(file)[0]["points"] == "2"
        assert not (tmp_path / "to_mark-2.csv").exists()

    def test_a_table_that_was_named(self, tmp_path):
        (tmp_path / "m.csv").write_bytes(b"name\n")
        with pytest.raises(InvalidInput, match=r"m\.csv has no column"):
            run(tmp_path, [made("ada")], tmp_path / "m.csv")
        with pytest.raises(MissingData, match="There is no"):
            run(tmp_path, [made("ada")], tmp_path / "n.csv")


# --- results ------------------------------------------------------------------------------------


class TestResults:
    @pytest.mark.parametrize(
        "change",
        [
            {"questions": 3},
            {"questions": [3]},
            {"questions": [{"parts": []}]},
            {"flags": "x"},
            {"flags": [1]},
            {"seconds": float("nan")},
            {"late": "no"},
            {"points": 1, "surprise": 2},
            {"student": None},
        ],
        ids=str,
    )
    def test_a_damaged_record_is_refused(self, change):
        good = made("ada").as_dict()
        assert from_dict(json.loads(json.dumps(good))) == made("ada")
        with pytest.raises(InvalidInput, match="This is no result of grading"):
            from_dict({**good, **change})

    def test_texts_are_cleaned_and_bounded(self):
        long = made("s\ud800", "a\n" * 4_000_000, flags=["\x1b[31m" + "x" * 10**7] * 1000)
        long.questions[0].parts = [PartVerdict("p\ud800", 1, 2, "incorrect", "y" * 10**7)]
        safe = cleaned(long)
        text = json.dumps(safe.as_dict(), ensure_ascii=False)
        assert text.encode()
        assert len(text) < 300_000
        assert "\x1b" not in text
        assert cleaned(safe) == safe


def test_no_text_of_a_student_stops_the_report(tmp_path):
    odd = made("Zoë \ud83d", "lone \ud800 half", flags=["\udfff"], cells=["\ud800"])
    refused = [Refused("na\udcffme\x1b[2J.zip", "why\ud800")]
    reports.write(engine.Report([odd], refused, "limits", 1), tmp_path, ["nbgrader", "gradescope"])
    run(tmp_path, [cleaned(odd)])
    for path in tmp_path.rglob("*.*"):
        assert "\x1b" not in path.read_text(encoding="utf-8-sig")


# --- a whole class -------------------------------------------------------------------------------


def exercise_05(written: str) -> bytes:
    """Exercise 05, not filled in but for the written answer."""
    path = course_settings.course_root() / "exercises" / checks.exercise("05").notebook
    stored = json.loads(path.read_bytes())
    kept = [one for one in stored["cells"] if one["cell_type"] == "markdown"]
    for cell in kept:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "05-6-written":
            cell["source"] = written
    return json.dumps({**stored, "cells": kept}).encode()


def run_grade(*arguments: object):
    return CliRunner().invoke(cli.app, ["grade", *map(str, arguments)], catch_exceptions=False)


@contextlib.contextmanager
def full_disk_for(name):
    """Let the disk be full when a file of this name is written, whatever its temporary name."""
    sync = os.fsync

    def fails(number):
        written = Path(os.readlink(f"/proc/self/fd/{number}")).name
        if written.startswith(f".{Path(name).stem}-") and written.endswith(Path(name).suffix):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fails)
        yield


class TestClass:
    @pytest.fixture
    def folder(self, tmp_path):
        require()
        for name, text in {"ada": "No, since *recall* is low.", "bob": "Yes.", "eve": ""}.items():
            (tmp_path / "class" / name).mkdir(parents=True)
            (tmp_path / "class" / name / "evaluation.ipynb").write_bytes(exercise_05(text))
        return tmp_path / "class"

    def test_marks_count_without_being_named_and_a_student_is_graded_again(self, folder, tmp_path):
        out = tmp_path / "out"
        run_grade(folder, "--out", out, "--seed", 3)
        assert [row["student"] for row in rows_of(out / marks.MANUAL_GRADES)] == ["ada", "bob"]
        row = rows_of(out / marks.MANUAL_GRADES)[0]
        assert row["notebook"].endswith("ada/evaluation.ipynb")
        assert row["page"] == "marking/ada.html"
        assert "No, since *recall* is low." in (out / row["page"]).read_text(encoding="utf-8")
        mark(out, "ada", "1,5", "Nearly.", separator=";", encoding="cp1252")
        run_grade(folder, "--out", out, "--seed", 3)
        points = {row["student"]: row["points"] for row in rows_of(out / "grades.csv")}
        assert points["ada"] == "1.5"
        assert "Nearly." in (out / "feedback" / "ada.html").read_text(encoding="utf-8")

        before = (out / "grades.json").read_text(encoding="utf-8")
        told = run_grade(folder, "--out", out, "--only", "bob", "--seed", 4).output
        assert "not graded" not in told
        stored = [json.loads(one)["graded"] for one in (before, (out / "grades.json").read_text())]
        assert [one for one in stored[0] if one["student"] != "bob"] == [
            one for one in stored[1] if one["student"] != "bob"
        ]
        bob = next(one for one in stored[1] if one["student"] == "bob")
        assert "Graded again with the seed 4." in bob["flags"]
        run_grade(folder, "--out", out, "--seed", 3)  # and that stays
        assert "Graded again with the seed 4." in (out / "grades.csv").read_text(encoding="utf-8")
        with pytest.raises(InvalidInput, match="no student 'bo'.*do you mean bob"):
            run_grade(folder, "--out", out, "--only", "bo")
        (folder / "bob" / "evaluation.ipynb").write_bytes(exercise_05("No."))
        with pytest.raises(InvalidInput, match="is not the one that was graded"):
            run_grade(folder, "--out", out, "--only", "bob")
        with pytest.raises(MissingData, match="grade the whole class first"):
            run_grade(folder, "--out", tmp_path / "new", "--only", "bob")

    def test_a_full_disk_is_one_sentence_and_nothing_is_lost(self, folder, tmp_path):
        out = tmp_path / "out"
        run_grade(folder, "--out", out)
        mark(out, "ada", "2")
        kept = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
        for name in (marks.MANUAL_GRADES, "grades.csv", "summary.html"):
            with full_disk_for(name), pytest.raises(CourseError, match="disk is full") as caught:
                command.grade([folder], out, engine.Options(), command.Policies())
            assert name in str(caught.value)
            assert "2" in {row["points"] for row in rows_of(out / marks.MANUAL_GRADES)}
        assert set(kept) <= {path for path in out.rglob("*") if path.is_file()}
        report = command.grade([folder], out, engine.Options(), command.Policies())
        assert points_of([one for one in report.graded if one.student == "ada"]) == {"ada": 2}


@pytest.mark.parametrize("place", ["/proc/report", "/sys/a/b"])
def test_a_folder_that_cannot_be_written_is_found_out_before(tmp_path, place):
    if not Path(place).parent.parent.exists():
        pytest.skip("this system has no such folder")
    with pytest.raises(CourseError, match="cannot be written into"):
        command.grade([tmp_path / "nowhere"], Path(place), engine.Options(), command.Policies())


def test_a_folder_in_the_place_of_a_report_is_found_out_before(tmp_path):
    (tmp_path / "grades.csv").mkdir()
    with pytest.raises(InvalidInput, match=r"grades\.csv is a folder"):
        command.grade([tmp_path / "x"], tmp_path, engine.Options(), command.Policies())


def test_the_error_of_a_write_names_the_file(tmp_path):
    with full_disk_for("a.csv"), pytest.raises(OSError, match=r"a\.csv") as caught:
        tables.write(tmp_path / "a.csv", [["x" * 10]])
    assert caught.value.errno == errno.ENOSPC
    assert os.listdir(tmp_path) == []


def test_ids_that_cannot_be_read_are_not_made_anew(tmp_path):
    file = tmp_path / "identities.json"
    file.write_text('{"ids": 3')
    with pytest.raises(InvalidInput, match="nobody would know whose ids"):
        policies.anonymous_ids(["ada"], file)
    assert file.read_text() == '{"ids": 3'


@pytest.mark.parametrize(("stored", "status"), [("wrong", "incorrect"), ("crashed", "crashed")])
def test_results_of_earlier_versions_are_read(stored, status):
    result = json.loads(json.dumps(made("ada").as_dict()))
    result["questions"][0]["status"] = stored
    assert from_dict(result).questions[0].status == status


@pytest.mark.parametrize("stored", ["perfect", "", None, 3, ["correct"], {"a": 1}])
def test_a_result_with_another_status_is_refused(stored):
    result = made("ada").as_dict()
    result["questions"][0]["status"] = stored
    with pytest.raises(InvalidInput, match="is no status"):
        from_dict(result)


def test_of_two_equal_columns_the_first_counts_and_short_rows_are_filled(tmp_path):
    text = "Student,time,student,file\nAda,2026-01-01 10:00,Bob\nCleo,2026-01-02 10:00,Dora,x,y\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    table = tables.read(tmp_path / "t.csv", [{"student", "time"}])
    assert list(table.records()) == [
        (2, {"student": "Ada", "time": "2026-01-01 10:00", "file": ""}),
        (3, {"student": "Cleo", "time": "2026-01-02 10:00", "file": "x"}),
    ]


class TestStore:
    def test_a_file_is_replaced_with_its_permissions_and_nothing_is_left_beside_it(self, tmp_path):
        path = tmp_path / "new" / "seed.json"
        for content in ("{}", b"[1]"):
            store.write(path, content, 0o600)
        assert path.read_bytes() == b"[1]"
        assert path.stat().st_mode & 0o777 == 0o600
        assert os.listdir(path.parent) == ["seed.json"]

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff", b'{"b": 1}', b"[" * 100_000])
    def test_damaged_json_is_one_sentence(self, tmp_path, content):
        (tmp_path / "x.json").write_bytes(content)
        with pytest.raises(InvalidInput, match=r"x\.json cannot be read: delete it"):
            store.read_json(tmp_path / "x.json", lambda stored: stored["a"], "delete it")
