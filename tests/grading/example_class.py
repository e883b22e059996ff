"""The grading examples of ``docs/grading_examples``: an invented class, and its report.

``make examples`` makes them: twelve people hand in exercise 05 as an export of Moodle, with answers
from those with which the checks are tested, ``course grade`` grades them, a person marks some of
the written answers, and ``course grade`` runs again. Nobody of the class exists.
"""

from __future__ import annotations

import contextlib
import csv
import json
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from answers import answers_of, solution

from course_staff.grading import command, engine, policies
from course_staff.grading.marks import MANUAL_GRADES
from course_utils import settings

EXERCISE = "05_evaluation/evaluation.ipynb"
#: Seed of the inputs: with it the report is the same each time.
SEED = 20261127
FOLDER = settings.course_root() / "docs" / "grading_examples"
#: What is kept of the report.
KEPT = ("summary.html", "grades.csv", MANUAL_GRADES, "feedback", "marking")
DUE = "2026-11-20T23:59:00"

NO = (
    "No. Of the 40 ill people only 15 are found, a recall of 0.375, and a program that calls "
    "everybody healthy has an accuracy of 0.96. Sending an ill person home is worse than a further "
    "test. I would lower the threshold on the validation split, and ask for more pictures of ill "
    "people."
)
MAYBE = "The accuracy is 0.97, but it misses many of the ill people. I would not send people home."
YES = "Yes: an accuracy of 0.97 is better than that of most doctors."


@dataclass(frozen=True)
class Person:
    """Somebody who hands in the exercise.

    Attributes
    ----------
    name : str
    wrong : dict of str to str
        Names of wrong answers by question (see :mod:`answers`); the others are right.
    blank : tuple of str
        Questions that are left as they were.
    written : str
        The answer to the question that a person marks.
    points, comment : str
        The mark of the instructor, or "" where it is still to be given.
    time : str
        When it was handed in.
    other : dict of str to str
        Sources of answers that come from no collection.
    """

    name: str
    wrong: dict[str, str] = field(default_factory=dict)
    blank: tuple[str, ...] = ()
    written: str = ""
    points: str = ""
    comment: str = ""
    time: str = "2026-11-19T18:00:00"
    other: dict[str, str] = field(default_factory=dict)


CLASS = (
    Person("Amira Castellan", written=NO, points="2"),
    Person(
        "Bo Lindgard",
        {"05.1": "transposed", "05.3": "not weighted", "05.5": "B is better"},
        written=MAYBE,
        points="1",
        comment="Which numbers show it? And what would you do or ask next?",
    ),
    Person(
        "Chidi Marlow",
        {"05.2": "recall", "05.4": "softmax twice", "05.5": "D is healthy"},
        written=NO.replace("I would lower", "One could lower"),
        points="2",
    ),
    Person("Dana Petrakis", {"05.2": "one place more", "05.4": "two passes"}, written=MAYBE),
    Person("Elif Sorland", {"05.2": "one place more", "05.4": "two passes"}, written=MAYBE),
    Person(
        "Farid Nowak",
        {"05.1": "ordinary mean"},
        written=YES,
        points="0",
        comment="A program that calls everybody healthy has 0.96: look at the recall of the ill.",
    ),
    Person(
        "Greta Holmqvist",
        other={"05.2": "def confusion(labels, predicted, num_classes)\n    return 0\n"},
        written=MAYBE,
        points="0.5",
        comment="Work out the recall.",
    ),
    Person(
        "Hana Okoro",
        {"05.1": "transposed", "05.3": "ten bins"},
        blank=("05.5",),
        written=NO,
    ),
    Person("Ivo Tanner"),
    Person("Juno Alvaredo"),
    Person(
        "Kofi Brandstet",
        {"05.3": "nothing returned"},
        blank=("05.4", "05.5"),
        time="2026-11-22T09:30:00",
    ),
    Person("Lena Ruizdal", {"05.2": "the helper", "05.3": "the helper"}, written=YES),
)


def notebook_of(person: Person) -> dict:
    """Return the notebook that somebody hands in."""
    path = settings.course_root() / "exercises" / EXERCISE
    notebook = json.loads(path.read_text(encoding="utf-8"))
    exercise, known = answers_of("e05_evaluation")
    questions = {question.id: question for question in exercise.questions}
    for cell in notebook["cells"]:
        grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
        asked = grade_id.replace("-", ".", 1)
        if asked in known and asked not in person.blank:
            cell["source"] = answer_of(person, questions[asked], known[asked])
        elif grade_id.endswith("-written") and person.written:
            cell["source"] = person.written
    return notebook


def answer_of(person: Person, question, known) -> str:
    """Return the source of somebody's answer; each right one is written in a way of its own."""
    if question.id in person.other:
        return person.other[question.id]
    if question.id in person.wrong:
        return known.wrong[person.wrong[question.id]][0]
    ways = [solution(question), *known.right.values()]
    alike = person.name.replace("Elif Sorland", "Dana Petrakis")  # who hand in the same
    return ways[sum(alike.encode()) % len(ways)]


def export(path: Path, people: Iterable[Person] = CLASS) -> None:
    """Write the hand-ins as a zip of Moodle."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, person in enumerate(people, start=40201):
            folder = f"{person.name}_{number}_assignsubmission_file"
            text = json.dumps(notebook_of(person))
            if person.name == "Ivo Tanner":
                packed.writestr(f"{folder}/evaluation.pdf", b"%PDF-1.7\n")
            elif person.name == "Juno Alvaredo":
                packed.writestr(f"{folder}/evaluation.ipynb", text[: len(text) // 2])
            elif person.name == "Farid Nowak":
                first = notebook_of(Person(person.name, {"05.3": "not weighted"}, ("05.4",)))
                packed.writestr(f"{folder}/evaluation.ipynb", json.dumps(first))
                packed.writestr(f"{folder}/evaluation (1).ipynb", text)
            else:
                packed.writestr(f"{folder}/evaluation.ipynb", text)


def report(folder: Path) -> None:
    """Grade the class, mark some of the written answers, and grade again, into `folder`."""
    folder = folder.absolute()
    with tempfile.TemporaryDirectory() as place, contextlib.chdir(place):  # its path is not told
        handed_in, times = Path("moodle-export.zip"), Path("times.csv")
        export(handed_in)
        with times.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["student", "time"])
            rows.writerows((person.name, person.time) for person in CLASS)
        due = policies.Lateness(datetime.fromisoformat(DUE), 0.1)
        chosen = command.Policies(lateness=due, times=times)
        options = engine.Options(seed=SEED)
        command.grade([handed_in], folder, options, chosen)
        mark(folder / MANUAL_GRADES)
        command.grade([handed_in], folder, options, chosen)


def mark(table: Path) -> None:
    """Fill in the marks of the instructor."""
    marks = {person.name: person for person in CLASS}
    with table.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row.update(points=marks[row["student"]].points, comment=marks[row["student"]].comment)
    with table.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def main() -> None:
    """Make the examples again."""
    with tempfile.TemporaryDirectory() as place:
        made = Path(place, "report")
        report(made)
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        for name in KEPT:
            if (made / name).is_dir():
                shutil.copytree(made / name, FOLDER / name)
            else:
                shutil.copy(made / name, FOLDER / name)
    size = sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file())
    print(f"{FOLDER.relative_to(settings.course_root())}: {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
