"""Write what grading found: tables for machines, pages for students and for the instructor."""

from __future__ import annotations

import csv
import json
import re
import statistics
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils import checks
from course_utils.checks.wording import marked, points
from course_utils.exceptions import InvalidInput
from course_utils.grading.policies import guarded
from course_utils.grading.results import STATUSES, Graded

if TYPE_CHECKING:
    from jinja2 import Environment

    from course_utils.grading.engine import Report

FORMATS = ("nbgrader", "gradescope")

_ISOLATION = {
    "bubblewrap": "The code ran inside bubblewrap: no network, no view of this machine's files, "
    "limits on time, memory, processes and files.",
    "namespaces": "The code ran in namespaces of its own, made without bubblewrap: no network, no "
    "view of this machine's files, limits on time, memory, processes and files.",
    "limits": "The code ran with limits on time, memory, processes and files alone: it could read "
    "what everybody on this machine may read. Install bubblewrap for the full sandbox.",
}

#: Flags that are for the instructor only.
_PRIVATE = ("The answers are the same as those of", "The code tried to speak for the grader")


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
    """
    formats = list(formats)
    for name in formats:
        if name not in FORMATS:
            raise InvalidInput(f"There is no format {name!r}; there are {', '.join(FORMATS)}.")
    folder.mkdir(parents=True, exist_ok=True)
    files = file_names(one.student for one in report.graded)
    _write(folder / "grades.json", json.dumps(_as_json(report), indent=1, ensure_ascii=False))
    _write_csv(folder / "grades.csv", _table(report.graded))
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
    _write(folder / "summary.html", _summary(report, files))
    if "nbgrader" in formats:
        _write_csv(folder / "nbgrader.csv", _for_nbgrader(report.graded))
    if "gradescope" in formats:
        place = folder / "gradescope"
        place.mkdir(exist_ok=True)
        for one in report.graded:
            name = f"{Path(files[one.student]).stem}-{one.exercise}.json"
            _write(place / name, json.dumps(_for_gradescope(one), indent=1, ensure_ascii=False))


def _write(path: Path, text: str) -> None:
    fresh = path.with_name(path.name + ".part")
    fresh.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    fresh.replace(path)


def _write_csv(path: Path, rows: Iterable[Iterable[object]]) -> None:
    fresh = path.with_name(path.name + ".part")
    with fresh.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([guarded(cell) for cell in row] for row in rows)
    fresh.replace(path)


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
        "refused": [{"name": one.name, "sentence": one.sentence} for one in report.refused],
    }


def _table(graded: list[Graded]) -> list[list[object]]:
    """A row per student and exercise, a column per question, and a row of maxima per exercise."""
    ids = sorted({q.question for one in graded for q in one.questions})
    rows: list[list[object]] = [["student", "exercise", "points", "maximum", "percent", *ids]]
    rows[0] += ["waiting", "penalty", "flags", "statuses"]
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
            rows.append([*row, one.waits, one.penalty, " ".join(one.flags), statuses])
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


def _summary(report: Report, files: dict[str, str]) -> str:
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
            files=files,
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
        replace(one, student=ids[one.student], name=f"{ids[one.student]}.ipynb")
        for one in report.graded
    ]
    return replace(report, graded=graded)
