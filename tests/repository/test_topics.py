"""The table of topics: the content of the source documents, and the cell that teaches each.

``topics.csv`` has one row for each topic, model, figure, exercise, mistake, question or result of
the five documents that the course grew from ("source 000" to "source 004"; they are not part of the
repository), with the lesson and the id of the cell that teaches it; the cell may be one of the
lesson's exercise. Sentences can be rewritten freely: only if a topic is a name in the code or a
technical term, the row has this term, and the cell must contain it.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
KINDS = {"topic", "model", "figure", "exercise", "mistake", "question", "result"}
SOURCES = {f"source {number:03d}" for number in range(5)}

with (HERE / "topics.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))


@cache
def cells_of(lesson: str) -> dict[str, str]:
    """Return the source of each cell of a lesson and its exercise, by id."""
    paths = [*ROOT.glob(f"notebooks/{lesson}_*.ipynb"), *ROOT.glob(f"solutions/{lesson}_*/*.ipynb")]
    cells = [
        cell for path in paths for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]
    ]
    return {cell["id"]: "".join(cell["source"]) for cell in cells}


def wrong_with(row: dict[str, str], cells: dict[str, str]) -> str:
    """Return what is wrong with a row of the table, or an empty string."""
    if row["cell"] not in cells:
        return f"there is no cell {row['cell']} in lesson {row['lesson']} or its exercise"
    text = plain(cells[row["cell"]])
    if not text:
        return f"cell {row['cell']} is empty"
    if plain(row["term"]) not in text:
        return f"cell {row['cell']} does not contain {row['term']!r}"
    return ""


def plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def test_every_row_is_complete():
    for row in ROWS:
        assert row["source"] in SOURCES, row
        assert row["kind"] in KINDS, row
        assert row["topic"].strip() == row["topic"] != "", row
        assert row["cell"], row
    counts = Counter((row["source"], row["topic"]) for row in ROWS)
    assert not [key for key, number in counts.items() if number > 1]


def test_every_source_is_covered_in_breadth():
    counts = Counter(row["source"] for row in ROWS)
    assert set(counts) == SOURCES
    assert min(counts.values()) >= 30
    for kind in ("topic", "figure", "mistake"):
        assert {row["source"] for row in ROWS if row["kind"] == kind} == SOURCES, kind


def test_terms_are_terms_and_no_sentences():
    assert not [row for row in ROWS if len(row["term"].split()) > 4]


@pytest.mark.parametrize("lesson", sorted({row["lesson"] for row in ROWS}))
def test_the_cells_exist_and_teach_something(lesson):
    rows = [row for row in ROWS if row["lesson"] == lesson]
    wrong = [
        f"{row['source']}, {row['topic']}: {reason}"
        for row in rows
        if (reason := wrong_with(row, cells_of(lesson)))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("cell", "term", "reason"),
    [
        ("L01-a", "", ""),
        ("L01-a", "Dot Product", ""),
        ("L01-a", "softmax", "does not contain 'softmax'"),
        ("L01-gone", "", "there is no cell L01-gone"),
        ("L01-empty", "", "is empty"),
    ],
)
def test_a_wrong_row_is_found(cell, term, reason):
    cells = {"L01-a": "A dot\nproduct of two windows.", "L01-empty": " \n"}
    row = {"lesson": "01", "cell": cell, "term": term}
    assert reason in wrong_with(row, cells)
    assert bool(reason) == bool(wrong_with(row, cells))
