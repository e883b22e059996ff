"""The coverage table: what the source documents teach, and where the course teaches it.

``coverage.csv`` has one row per topic, model, figure, exercise, mistake, question or result of a
source document: the lesson and the cell that hold it, and a phrase that this cell contains; the
cell may be one of the lesson's exercise. A topic of an exercise may say ``later`` in place of the
cell.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NOTEBOOKS = HERE.parent / "notebooks"
SOLUTIONS = HERE.parent / "solutions"
KINDS = {"topic", "model", "figure", "exercise", "mistake", "question", "result"}
LESSONS = {"00", "01", "02", "03", "04", "05", "06", "07", "08"}
SOURCES = {f"source {number:03d}" for number in range(5)}


def _rows() -> list[dict[str, str]]:
    with (HERE / "topics.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


ROWS = _rows()


@cache
def _cells(lesson: str) -> dict[str, str]:
    """Source of each cell of a lesson and its exercise, by id; blanks and line ends made equal."""
    paths = [*NOTEBOOKS.glob(f"{lesson}_*.ipynb"), *SOLUTIONS.glob(f"{lesson}_*/*.ipynb")]
    cells = [cell for path in paths for cell in json.loads(path.read_text("utf-8"))["cells"]]
    return {cell["id"]: _plain("".join(cell["source"])) for cell in cells}


def _plain(text: str) -> str:
    # long strings are broken into several in the code: "… a " "b …" reads as one
    return " ".join(" ".join(text.split()).replace('" "', "").split()).casefold()


def test_every_row_is_complete():
    for row in ROWS:
        assert row["source"] in SOURCES, row
        assert row["kind"] in KINDS, row
        assert row["topic"].strip() == row["topic"] != "", row
        assert row["lesson"] in LESSONS, row
    twice = [key for key, n in Counter((r["source"], r["topic"]) for r in ROWS).items() if n > 1]
    assert not twice


def test_every_source_is_covered_in_breadth():
    counts = Counter(row["source"] for row in ROWS)
    assert set(counts) == SOURCES
    assert min(counts.values()) >= 30
    for kind in ("topic", "figure", "mistake"):
        assert {row["source"] for row in ROWS if row["kind"] == kind} == SOURCES, kind


def test_only_exercises_may_be_held_over():
    held_over = [row for row in ROWS if row["cell"] == "later"]
    assert all(row["kind"] == "exercise" for row in held_over), held_over
    assert not [row for row in ROWS if not row["cell"]]


@pytest.mark.parametrize("lesson", sorted(LESSONS))
def test_the_cells_hold_what_the_table_says(lesson):
    rows = [row for row in ROWS if row["lesson"] == lesson and row["cell"] not in ("", "later")]
    if not rows:
        pytest.skip(f"the table names no cell of lesson {lesson} yet")
    cells = _cells(lesson)
    wrong = []
    for row in rows:
        phrase = _plain(row["phrase"])
        if row["cell"] not in cells:
            wrong.append(f"{row['source']}, {row['topic']}: there is no cell {row['cell']}")
        elif len(phrase) < 3 or phrase not in cells[row["cell"]]:
            wrong.append(f"{row['source']}, {row['topic']}: {row['cell']} lacks {row['phrase']!r}")
    assert not wrong, "\n".join(wrong)
