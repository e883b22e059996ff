"""The grading examples of the site belong to the exercise and to the reports of today."""

from __future__ import annotations

import csv
import re

import example_class
from attacks.isolation import require

from course_utils import checks

AGAIN = "make them again with 'make examples'"
PEOPLE = [person.name for person in example_class.CLASS]


def rows() -> list[dict[str, str]]:
    path = example_class.FOLDER / "grades.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_the_questions_and_people_are_those_of_today():
    maxima, *graded = rows()
    questions = checks.exercise("05").questions
    assert {q.id: q.points for q in questions} == {
        name: float(points) for name, points in maxima.items() if re.fullmatch(r"05\.\d", name)
    }, AGAIN
    assert sorted(row["student"] for row in graded) == sorted(PEOPLE), AGAIN
    feedback = (example_class.FOLDER / "feedback" / "amira-castellan.html").read_text("utf-8")
    for question in questions:
        assert question.title in feedback, AGAIN
    marking = (example_class.FOLDER / "marking" / "amira-castellan.html").read_text("utf-8")
    assert example_class.NO[:40] in marking, AGAIN


def test_they_show_what_happens_in_a_class():
    """All right, wrong, late, twice, the same, unreadable, marked and still to be marked."""
    _, *graded = rows()
    by_name = {row["student"]: row for row in graded}
    assert by_name["Amira Castellan"]["percent"] == "100.0"
    assert float(by_name["Kofi Brandstet"]["penalty"]) > 0
    assert "attempts" in by_name["Farid Nowak"]["flags"]
    assert "the same as those of Elif Sorland" in by_name["Dana Petrakis"]["flags"]
    assert [name for name in PEOPLE if by_name[name]["statuses"] == "not graded"] == [
        "Ivo Tanner",
        "Juno Alvaredo",
    ]
    assert {row["waiting"] for row in graded} == {"", "0", "2"}


def test_they_are_small_and_name_no_machine():
    files = [path for path in example_class.FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 400_000
    for path in files:
        assert not re.search(r"/(?:tmp|home|work|root)/", path.read_text("utf-8")), path.name


def test_grading_again_gives_the_same(tmp_path):
    require()
    example_class.report(tmp_path)
    kept = [path for path in example_class.FOLDER.rglob("*") if path.is_file()]
    for path in kept:
        again = tmp_path / path.relative_to(example_class.FOLDER)
        assert again.read_text("utf-8") == path.read_text("utf-8"), f"{path.name}: {AGAIN}"
