"""Write the reports: tables for programs, pages for students and for the instructor."""

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

from course_staff.grading import notebook, store, tables, written
from course_staff.grading.engine import Report
from course_staff.grading.intake import Refused
from course_staff.grading.people import FLAG
from course_staff.grading.results import (
    WORDS,
    Graded,
    QuestionResult,
    Status,
    clean_sentence,
    cleaned,
)
from course_utils import checks
from course_utils.checks.wording import marked, points
from course_utils.validate import choice

if TYPE_CHECKING:
    from jinja2 import Environment

FORMATS = ("nbgrader", "gradescope")
#: The files and the folders that :func:`write` makes.
FILES = ("grades.csv", "grades.json", "summary.html")
FOLDERS = ("feedback", "marking", "gradescope")

_ISOLATION = {
    "bubblewrap": "The code ran inside bubblewrap: no network, no access to this machine's files, "
    "limits on time, memory, processes and files.",
    "limits": "The code ran with limits on time, memory, processes and files only: it could read "
    "and change what the user who graded can read and change (as root: what every user can). Grade "
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
    made.globals.update(points=points, marked=marked, words=WORDS, title=_title, told=_told)
    made.globals["style"] = (folder / "style.css").read_text(encoding="utf-8")
    return made


def write(report: Report, folder: Path, formats: Iterable[str] = ()) -> None:
    """Write all reports of a class into a folder.

    Parameters
    ----------
    report : Report
        The graded class.
    folder : Path
        The folder, which is made if it does not exist.
    formats : iterable of str
        Further formats, out of :data:`FORMATS`.

    Raises
    ------
    InvalidInput
        If there is no such format.
    OSError
        If a file cannot be written.
    """
    formats = [choice("--format", name, FORMATS) for name in formats]
    report = _safe(report)
    files = file_names(graded.student for graded in report.graded)
    by_student: dict[str, list[Graded]] = defaultdict(list)
    for graded in report.graded:
        by_student[graded.student].append(graded)
    _write_json(folder / "grades.json", _as_json(report))
    tables.write(folder / "grades.csv", _table(report.graded, report.refused))
    for student, theirs in by_student.items():
        values: dict[str, Any] = {"student": student, "graded": theirs}
        _write_page(folder / "feedback" / files[student], "feedback", values)
    for page in (folder / "feedback").glob("*.html"):  # of students who are no longer in the report
        if page.name not in files.values():
            page.unlink()
    for student, theirs in by_student.items():
        if found := _written_answers(report, theirs):
            values = {"student": student, "found": found}
            _write_page(folder / "marking" / files[student], "marking", values)
    _write_page(folder / "summary.html", "summary", _summary(report, files))
    if "nbgrader" in formats:  # read by programs that do not expect a byte order mark
        tables.write(folder / "nbgrader.csv", _for_nbgrader(report.graded), encoding="utf-8")
    for graded in report.graded if "gradescope" in formats else []:
        name = f"{Path(files[graded.student]).stem}-{graded.exercise}.json"
        _write_json(folder / "gradescope" / name, _for_gradescope(graded))


def _safe(report: Report) -> Report:
    """Return the same report with every text of bounded length and safe to write."""
    return replace(
        report,
        graded=cleaned(report.graded),
        refused=[
            replace(
                item, name=clean_sentence(item.name, 300), sentence=clean_sentence(item.sentence)
            )
            for item in report.refused
        ],
        notes=[clean_sentence(note, 4000) for note in report.notes],
    )


def _write_json(path: Path, content: Any) -> None:
    store.write(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _write_page(path: Path, template: str, values: dict[str, Any]) -> None:
    page = _templates().get_template(f"{template}.html").render(values)
    store.write(path, page.rstrip("\n") + "\n")


def file_names(students: Iterable[str]) -> dict[str, str]:
    """Return a unique file name for the page of each student, safe on every system."""
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
        "graded": [graded.as_dict() for graded in report.graded],
        "refused": [asdict(refused) for refused in report.refused],
    }


def _table(graded: list[Graded], refused: Iterable[Refused] = ()) -> list[list[object]]:
    """Return a row per student and exercise, with a column per question, and a row of maxima.

    Whatever was not graded has a row at the end, without points and with the reason.
    """
    ids = sorted({q.question for result in graded for q in result.questions})
    rows: list[list[object]] = [["student", "exercise", "points", "maximum", "percent", *ids]]
    rows[0] += ["waiting", "penalty", "flags", "statuses", "handed_in", "handed_in_from"]
    for name in dict.fromkeys(result.exercise for result in graded):
        group = [result for result in graded if result.exercise == name]
        most = {q.question: q.maximum for q in group[0].questions}
        whole = sum(most.values())
        rows.append(["(maximum)", name, whole, whole, 100, *(most.get(i, "") for i in ids)])
        for result in group:
            got = {q.question: q.points for q in result.questions}
            percent = round(100 * result.points / result.maximum, 1) if result.maximum else 0
            row: list[object] = [result.student, name, result.points, result.maximum, percent]
            row += [got.get(i, "") for i in ids]
            statuses = ", ".join(f"{q.question} {q.status}" for q in result.questions)
            row += [result.waits, result.penalty, " ".join(result.flags), statuses]
            rows.append([*row, result.time or "", result.time_source])
    for left in refused:
        empty = [""] * (len(ids) + 6)
        rows.append([left.student, *empty, f"{left.sentence} ({left.name})", "not graded", "", ""])
    return rows


def _for_nbgrader(graded: list[Graded]) -> list[list[object]]:
    """Return the columns of ``nbgrader export``."""
    head = "assignment duedate timestamp student_id last_name first_name email raw_score"
    rows: list[list[object]] = [[*head.split(), "late_submission_penalty", "score", "max_score"]]
    for result in graded:
        raw = sum(q.points for q in result.questions)
        first, _, last = result.student.rpartition(" ")
        row = [result.exercise, "", result.time or "", result.student, last, first, "", raw]
        rows.append([*row, result.penalty, result.points, result.maximum])
    return rows


def _for_gradescope(graded: Graded) -> dict[str, Any]:
    """Return the ``results.json`` of a Gradescope autograder."""
    return {
        "score": graded.points,
        "execution_time": graded.seconds,
        "output": " ".join(_told(graded)),
        "visibility": "visible",
        "tests": [
            {
                "number": question.question,
                "name": question.title,
                "score": question.points,
                "max_score": question.maximum,
                "status": "passed" if question.status == Status.CORRECT else "failed",
                "output": question.sentence,
                "visibility": "visible",
            }
            for question in graded.questions
        ],
    }


# --- pages ---------------------------------------------------------------------------------------


def _title(name: str) -> str:
    """Return the number and the title of an exercise, or its name if it is not known here."""
    exercises = checks.exercises()
    known = {exercise.name: f"{exercise.number} · {exercise.title}" for exercise in exercises}
    return known.get(name, name)


def _told(graded: Graded) -> list[str]:
    """Return the flags that the student may read."""
    return [flag for flag in graded.flags if not flag.startswith(_PRIVATE)]


def pages_of_answers(report: Report) -> dict[str, str]:
    """Return the page of each student with written answers, relative to the reports."""
    files = file_names(graded.student for graded in report.graded)
    return {
        graded.student: f"marking/{files[graded.student]}"
        for graded in report.graded
        if any(question.written for question in graded.questions)
    }


def _written_answers(report: Report, theirs: list[Graded]) -> list[tuple[Any, ...]]:
    """Return a student's written answers: notebook, question, result, and answer."""
    exercises = {exercise.name: exercise for exercise in checks.exercises()}
    found = []
    for graded in theirs:
        content, exercise = report.contents.get(graded.sha256), exercises.get(graded.exercise)
        results = {result.question: result for result in graded.questions if result.written}
        if content is None or exercise is None or not results:
            continue
        answers = written.answers(notebook.plan(notebook.read(content), exercise), exercise)
        found += [
            (graded, question, results[question.id], answers[question.id])
            for question in exercise.questions
            if question.id in results and question.id in answers
        ]
    return found


def _summary(report: Report, files: dict[str, str]) -> dict[str, Any]:
    groups: dict[str, list[Graded]] = defaultdict(list)
    for graded in report.graded:
        groups[graded.exercise].append(graded)
    return {
        "graded": report.graded,
        "students": len(files),
        "isolation": _ISOLATION[report.level],
        "exercises": [_of_exercise(group) for group in groups.values()],
        "refused": report.refused,
        "notes": report.notes,
        "files": files,
        "shown": pages_of_answers(report),
    }


def _of_exercise(group: list[Graded]) -> dict[str, Any]:
    shares = [100 * graded.points / graded.maximum if graded.maximum else 0.0 for graded in group]
    counts = Counter(min(9, int(share // 10)) for share in shares)
    highest = max(counts.values())
    labels = [f"{10 * k}–{10 * k + 10}" for k in range(10)]
    reached = ", ".join(f"{labels[k]} %: {counts[k]}" for k in range(10) if counts[k])
    questions = [
        _of_question([graded.questions[k] for graded in group])
        for k in range(len(group[0].questions))
    ]
    mistakes = Counter(
        (result.mistake, result.question)
        for graded in group
        for result in graded.questions
        if result.mistake is not None
    )
    return {
        "title": _title(group[0].exercise),
        "count": len(group),
        "maximum": group[0].maximum,
        "median": statistics.median(graded.points for graded in group),
        "mean": statistics.fmean(graded.points for graded in group),
        "waits": sum(row["waits"] for row in questions),
        "bars": [
            {"count": counts[k], "label": labels[k], "height": round(140 * counts[k] / highest)}
            for k in range(10)
        ],
        "said": f"Points reached: {reached}",
        "questions": sorted(questions, key=lambda row: (row["share"] is None, row["share"])),
        "mistakes": [
            {"name": name, "question": question, "count": count}
            for (name, question), count in mistakes.most_common(15)
        ],
    }


def _of_question(results: list[QuestionResult]) -> dict[str, Any]:
    judged = [result for result in results if result.status != Status.FOR_A_PERSON]
    most = sum(result.maximum for result in judged)
    empty = (Status.NOT_ATTEMPTED, Status.MISSING)
    return {
        "id": results[0].question,
        "title": results[0].title,
        "share": round(100 * sum(result.points for result in judged) / most) if most else None,
        "waits": len(results) - len(judged),
        "correct": sum(result.status == Status.CORRECT for result in results),
        "untouched": sum(result.status in empty for result in results),
    }


def pseudonymize(report: Report, ids: dict[str, str]) -> Report:
    """Return the same report with ids in place of names."""
    graded = [
        replace(
            result,
            student=ids[result.student],
            name=f"{ids[result.student]}.ipynb",
            # names of other files contain names of people
            flags=[re.sub(r"(not graded, [^:]*): .*", r"\1.", flag) for flag in result.flags],
        )
        for result in report.graded
    ]
    refused = [
        replace(item, student=ids.get(item.student, ""), name=ids.get(item.student, "(a file)"))
        for item in report.refused
    ]
    return replace(report, graded=graded, refused=refused)
