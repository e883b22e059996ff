"""Write what grading found: tables for machines, pages for students and for the instructor."""

from __future__ import annotations

import json
import re
import statistics
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_staff.grading import notebook, tables, written
from course_staff.grading.people import FLAG
from course_staff.grading.results import STATUSES, Graded, clean_sentence, cleaned
from course_utils import checks
from course_utils.checks.wording import marked, points
from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    from jinja2 import Environment

    from course_staff.grading.engine import Report
    from course_staff.grading.intake import Refused

FORMATS = ("nbgrader", "gradescope")

_ISOLATION = {
    "bubblewrap": "The code ran inside bubblewrap: no network, no view of this machine's files, "
    "limits on time, memory, processes and files.",
    "limits": "The code ran with limits on time, memory, processes and files alone: it could read "
    "and change what the user who graded may read and change (as root: what everybody may). Grade "
    "with bubblewrap for the full sandbox.",
}

#: Flags that are for the instructor only.
_PRIVATE = (
    "The answers are the same as those of",
    "The code tried to speak for the grader",
    "Graded again with the seed",
    FLAG,
)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    folder = Path(__file__).parent / "templates"
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,  # whatever a student wrote is text, never markup
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        points=points,
        marked=marked,
        words=STATUSES,
        style=(folder / "style.css").read_text(encoding="utf-8"),
    )
    return made


def write(report: Report, folder: Path, formats: Iterable[str] = ()) -> None:
    """Write all reports of a class into a folder.

    Parameters
    ----------
    report : Report
        The graded class.
    folder : Path
        Is made where it does not exist.
    formats : iterable of str
        Further forms, out of :data:`FORMATS`.

    Raises
    ------
    InvalidInput
        If there is no such form.
    OSError
        If something cannot be written.
    """
    formats = list(formats)
    for name in formats:
        if name not in FORMATS:
            raise InvalidInput(f"There is no format {name!r}; there are {', '.join(FORMATS)}.")
    folder.mkdir(parents=True, exist_ok=True)
    report = _safe(report)
    files = file_names(one.student for one in report.graded)
    _write(folder / "grades.json", json.dumps(_as_json(report), indent=1, ensure_ascii=False))
    tables.write(folder / "grades.csv", _table(report.graded, report.refused))
    pages = folder / "feedback"
    pages.mkdir(exist_ok=True)
    by_student: dict[str, list[Graded]] = defaultdict(list)
    for one in report.graded:
        by_student[one.student].append(one)
    for student, theirs in by_student.items():
        _write(pages / files[student], _feedback(student, theirs))
    for page in pages.glob("*.html"):  # of students who are not in the report any more
        if page.name not in files.values():
            page.unlink()
    _write_answers(report, by_student, folder / "marking", files)
    _write(folder / "summary.html", _summary(report, files, pages_of_answers(report)))
    if "nbgrader" in formats:  # read by programs, which do not expect a byte order mark
        tables.write(folder / "nbgrader.csv", _for_nbgrader(report.graded), encoding="utf-8")
    if "gradescope" in formats:
        place = folder / "gradescope"
        place.mkdir(exist_ok=True)
        for one in report.graded:
            name = f"{Path(files[one.student]).stem}-{one.exercise}.json"
            _write(place / name, json.dumps(_for_gradescope(one), indent=1, ensure_ascii=False))


def _safe(report: Report) -> Report:
    """The same report with every text of bounded length and safe to write."""
    refused = [
        replace(one, name=clean_sentence(one.name, 300), sentence=clean_sentence(one.sentence))
        for one in report.refused
    ]
    notes = [clean_sentence(one, 4000) for one in report.notes]
    graded = [cleaned(one) for one in report.graded]
    return replace(report, graded=graded, refused=refused, notes=notes)


def _write(path: Path, text: str) -> None:
    tables.replace(path, (text.rstrip("\n") + "\n").encode())


def file_names(students: Iterable[str]) -> dict[str, str]:
    """Give each student's page a name that is safe on every system and belongs to nobody else."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for student in dict.fromkeys(students):
        plain = unicodedata.normalize("NFKC", student)  # names of all languages keep their letters
        stem = re.sub(r"[\W_]+", "-", plain).strip("-").lower()[:60] or "student"
        name, number = stem, 1
        while name in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(name)
        names[student] = f"{name}.html"
    return names


# --- tables --------------------------------------------------------------------------------------


def _as_json(report: Report) -> dict[str, Any]:
    return {
        "isolation": report.level,
        "isolation_in_words": _ISOLATION[report.level],
        "graded": [one.as_dict() for one in report.graded],
        "refused": [asdict(one) for one in report.refused],
    }


def _table(graded: list[Graded], refused: Iterable[Refused] = ()) -> list[list[object]]:
    """A row per student and exercise, a column per question, and a row of maxima per exercise.

    Whatever was not graded has a row at the end, without points and with the reason.
    """
    ids = sorted({q.question for one in graded for q in one.questions})
    rows: list[list[object]] = [["student", "exercise", "points", "maximum", "percent", *ids]]
    rows[0] += ["waiting", "penalty", "flags", "statuses", "handed_in", "handed_in_from"]
    for name in dict.fromkeys(one.exercise for one in graded):
        group = [one for one in graded if one.exercise == name]
        most = {q.question: q.maximum for q in group[0].questions}
        whole = sum(most.values())
        rows.append(["(maximum)", name, whole, whole, 100, *(most.get(i, "") for i in ids)])
        for one in group:
            got = {q.question: q.points for q in one.questions}
            percent = round(100 * one.points / one.maximum, 1) if one.maximum else 0
            row: list[object] = [one.student, name, one.points, one.maximum, percent]
            row += [got.get(i, "") for i in ids]
            statuses = ", ".join(f"{q.question} {q.status}" for q in one.questions)
            row += [one.waits, one.penalty, " ".join(one.flags), statuses]
            rows.append([*row, one.time or "", one.time_source])
    for left in refused:
        empty = [""] * (len(ids) + 6)
        rows.append([left.student, *empty, f"{left.sentence} ({left.name})", "not graded", "", ""])
    return rows


def _for_nbgrader(graded: list[Graded]) -> list[list[object]]:
    """The columns of ``nbgrader export``."""
    head = "assignment duedate timestamp student_id last_name first_name email raw_score"
    rows: list[list[object]] = [[*head.split(), "late_submission_penalty", "score", "max_score"]]
    for one in graded:
        raw = sum(q.points for q in one.questions)
        first, _, last = one.student.rpartition(" ")
        row = [one.exercise, "", one.time or "", one.student, last, first, "", raw]
        rows.append([*row, one.penalty, one.points, one.maximum])
    return rows


def _for_gradescope(graded: Graded) -> dict[str, Any]:
    """The ``results.json`` of a Gradescope autograder."""
    return {
        "score": graded.points,
        "execution_time": graded.seconds,
        "output": " ".join(flag for flag in graded.flags if not flag.startswith(_PRIVATE)),
        "visibility": "visible",
        "tests": [
            {
                "number": question.question,
                "name": question.title,
                "score": question.points,
                "max_score": question.maximum,
                "status": "passed" if question.status == "correct" else "failed",
                "output": question.sentence,
                "visibility": "visible",
            }
            for question in graded.questions
        ],
    }


# --- pages ---------------------------------------------------------------------------------------


def _titles() -> dict[str, str]:
    return {one.name: f"{one.number} · {one.title}" for one in checks.exercises()}


def _feedback(student: str, graded: list[Graded]) -> str:
    titles = _titles()
    told = [[f for f in one.flags if not f.startswith(_PRIVATE)] for one in graded]
    return (
        _templates()
        .get_template("feedback.html")
        .render(
            student=student,
            graded=graded,
            told=told,
            titles={one.exercise: titles.get(one.exercise, one.exercise) for one in graded},
        )
    )


def pages_of_answers(report: Report) -> dict[str, str]:
    """The page of each student with written answers, relative to the folder of the reports."""
    files = file_names(one.student for one in report.graded)
    return {
        one.student: f"marking/{files[one.student]}"
        for one in report.graded
        if any(question.written for question in one.questions)
    }


def _write_answers(
    report: Report, by_student: dict[str, list[Graded]], folder: Path, files: dict[str, str]
) -> None:
    """Write a page for each student with written answers, for whoever marks."""
    exercises = {one.name: one for one in checks.exercises()}
    for student, theirs in by_student.items():
        found = []
        for one in theirs:
            content, exercise = report.contents.get(one.sha256), exercises.get(one.exercise)
            waiting = {q.question: q for q in one.questions if q.written}
            if content is None or exercise is None or not waiting:
                continue
            answers = written.answers(notebook.plan(notebook.read(content), exercise), exercise)
            for question in exercise.questions:
                if question.id in waiting and question.id in answers:
                    found.append((one, question, waiting[question.id], answers[question.id]))
        if found:
            folder.mkdir(exist_ok=True)
            template = _templates().get_template("marking.html")
            _write(folder / files[student], template.render(student=student, found=found))


def _summary(report: Report, files: dict[str, str], shown: dict[str, str]) -> str:
    titles = _titles()
    exercises = []
    for name in dict.fromkeys(one.exercise for one in report.graded):
        group = [one for one in report.graded if one.exercise == name]
        exercises.append(_of_exercise(titles.get(name, name), group))
    return (
        _templates()
        .get_template("summary.html")
        .render(
            graded=report.graded,
            students=len({one.student for one in report.graded}),
            isolation=_ISOLATION[report.level],
            exercises=exercises,
            refused=report.refused,
            notes=report.notes,
            files=files,
            shown=shown,
        )
    )


def _of_exercise(title: str, group: list[Graded]) -> dict[str, Any]:
    shares = [100 * one.points / one.maximum if one.maximum else 0.0 for one in group]
    counts = Counter(min(9, int(share // 10)) for share in shares)
    highest = max(counts.values())
    labels = [f"{10 * k}–{10 * k + 10}" for k in range(10)]
    bars = [
        {"count": counts[k], "label": labels[k], "height": round(140 * counts[k] / highest)}
        for k in range(10)
    ]
    said = ", ".join(f"{labels[k]} %: {counts[k]}" for k in range(10) if counts[k])
    questions = []
    for index, question in enumerate(group[0].questions):
        results = [one.questions[index] for one in group]
        judged = [one for one in results if one.status != "for a person"]
        most = sum(one.maximum for one in judged)
        reached = sum(one.points for one in judged) / most if most else None
        questions.append(
            {
                "id": question.question,
                "title": question.title,
                "share": None if reached is None else round(100 * reached),
                "waits": len(results) - len(judged),
                "correct": sum(one.status == "correct" for one in results),
                "untouched": sum(one.status in ("not attempted", "missing") for one in results),
            }
        )
    mistakes = Counter(
        (q.mistake, q.question) for one in group for q in one.questions if q.mistake is not None
    )
    return {
        "title": title,
        "count": len(group),
        "maximum": group[0].maximum,
        "median": statistics.median(one.points for one in group),
        "mean": statistics.fmean(one.points for one in group),
        "waits": sum(q.status == "for a person" for one in group for q in one.questions),
        "bars": bars,
        "said": f"Points reached: {said}",
        "questions": sorted(
            questions, key=lambda row: 101 if row["share"] is None else row["share"]
        ),
        "mistakes": [
            {"name": name, "question": question, "count": count}
            for (name, question), count in mistakes.most_common(15)
        ],
    }


def under_ids(report: Report, ids: dict[str, str]) -> Report:
    """The same report with ids in place of names."""
    graded = [
        replace(
            one,
            student=ids[one.student],
            name=f"{ids[one.student]}.ipynb",
            # names of other files hold names of people
            flags=[re.sub(r"(not graded, [^:]*): .*", r"\1.", flag) for flag in one.flags],
        )
        for one in report.graded
    ]
    refused = [
        replace(one, student=ids.get(one.student, ""), name=ids.get(one.student, "(a file)"))
        for one in report.refused
    ]
    return replace(report, graded=graded, refused=refused)
