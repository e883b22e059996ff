"""Who handed in what: the layouts that platforms and people make, and names made to do harm."""

from __future__ import annotations

import io
import json
import os
import time
import unicodedata
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from course_utils import cli, settings
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.grading import command, engine, exports, intake, naming, policies, reports, times
from course_utils.grading.people import FLAG
from course_utils.grading.results import Graded, QuestionResult

# --- making what is handed in --------------------------------------------------------------------


def note(number: str = "05", text: str = "") -> bytes:
    """A notebook of an exercise, with an answer of its own."""
    cell = {
        "cell_type": "code",
        "source": f"answer = {text!r}",
        "metadata": {"nbgrader": {"grade_id": f"{number}-1", "solution": True}},
    }
    return json.dumps({"cells": [cell], "nbformat": 4, "nbformat_minor": 5}).encode()


def given_out(name: str = "05_evaluation/evaluation.ipynb") -> bytes:
    return (settings.course_root() / "exercises" / name).read_bytes()


TOPICS = {
    "convolution_by_hand": "01",
    "training": "04",
    "evaluation": "05",
    "error_analysis": "06",
}


def content(path: str, value: object) -> bytes:
    """What a file holds: given as bytes, as another zip, or by default what its name says."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict | list):
        return packed(value)
    if not path.lower().endswith(".ipynb"):
        return b"something"
    number = next((n for topic, n in TOPICS.items() if topic in path.rpartition("/")[2]), "05")
    return note(number, path)


def entries(members: dict | list) -> dict[str, object]:
    return members if isinstance(members, dict) else dict.fromkeys(members)


def packed(members: dict | list) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, value in entries(members).items():
            archive.writestr(path, b"" if path.endswith("/") else content(path, value))
    return stream.getvalue()


def unpacked(folder: Path, members: dict | list) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for path, value in entries(members).items():
        place = folder / path
        if path.endswith("/"):
            place.mkdir(parents=True)
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content(path, value))
    return folder


def people(found: intake.Intake) -> list[str]:
    """One line for each notebook: student, exercise, attempt, late, time."""
    lines = []
    for one in found.submissions:
        facts = [one.student, one.exercise[:2] or "?"]
        facts += [f"#{one.attempt}"] if one.attempt else []
        facts += ["LATE"] if one.late else []
        facts += [one.time[:16]] if one.time else []
        lines.append(" | ".join(facts))
    return sorted(lines)


MOODLE = "{}_{}_assignsubmission_file_"
BOARD = "HW 1_{}_attempt_2024-03-0{}-10-15-00"
METADATA = b"""---
submission_11:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1'
    :email: ada@example.org
  :created_at: 2024-03-01 10:15:21.652087000
  :score: 10.0
  :history:
  - :id: 9
    :created_at: 2024-02-01 10:00:00
submission_12:
  :submitters:
  - :name: "Zo\\xEB M"
    :sid:
    :email: zoe@example.org
  - :name: Alan Turing
    :email: alan@example.org
  :created_at: 2024-03-02 10:15:00
submission_13:
  :submitters:
  - :name: Ada Lovelace
    :email: other@example.org
  :created_at: nonsense
"""

#: Name of the layout: members, notebooks found, students of what was refused.
LAYOUTS: dict[str, tuple[dict | list, list[str], list[str]]] = {
    # folders
    "a folder for each student": (
        ["ada/evaluation.ipynb", "alan/evaluation.ipynb"],
        ["ada | 05", "alan | 05"], []),
    "a folder above the students'": (
        ["class/ada/evaluation.ipynb", "class/alan/evaluation.ipynb"],
        ["ada | 05", "alan | 05"], []),
    "four folders above the students'": (
        ["a/b/CNN course/x/ada/evaluation.ipynb", "a/b/CNN course/x/alan/training.ipynb"],
        ["ada | 05", "alan | 04"], []),
    "different exercises in the students' folders": (
        ["class/ada/training.ipynb", "class/alan/evaluation.ipynb"],
        ["ada | 04", "alan | 05"], []),
    "students by exercise": (
        ["05_evaluation/ada/x.ipynb", "05_evaluation/alan/x.ipynb", "04_training/ada/training.ipynb"],
        ["ada | 04", "ada | 05", "alan | 05"], []),
    "students by week, one each": (
        ["week 1/ada/training.ipynb", "week 2/ada/evaluation.ipynb"],
        ["ada | 04", "ada | 05"], []),
    "sections": (
        ["Tuesday/ada/evaluation.ipynb", "Tuesday/alan/evaluation.ipynb", "Friday/bob/evaluation.ipynb"],
        ["ada | 05", "alan | 05", "bob | 05"], []),
    "namesakes in two sections": (
        ["Tue/ada/evaluation.ipynb", "Tue/bob/evaluation.ipynb", "Fri/ada/evaluation.ipynb",
         "Fri/cy/evaluation.ipynb"],
        ["Fri / ada | 05", "Tue / ada | 05", "bob | 05", "cy | 05"], []),
    "groups with a number": (
        ["Group 1/evaluation.ipynb", "Group 2/training.ipynb"],
        ["Group 1 | 05", "Group 2 | 04"], []),
    "several exercises in a student's folder": (
        ["ada/05_evaluation/evaluation.ipynb", "ada/04_training/training.ipynb", "alan/evaluation.ipynb"],
        ["ada | 04", "ada | 05", "alan | 05"], []),
    "attempts beside each other": (
        ["ada/evaluation.ipynb", "ada/evaluation (1).ipynb", "ada/evaluation-Copy2.ipynb",
         "ada/final_final.ipynb", "alan/evaluation_v3.ipynb"],
        ["ada | 05", "ada | 05", "ada | 05 | #1", "ada | 05 | #2", "alan | 05 | #3"], []),
    "attempts in folders": (
        ["ada/attempt 1/evaluation.ipynb", "ada/attempt 2/evaluation.ipynb", "alan/evaluation.ipynb"],
        ["ada | 05 | #1", "ada | 05 | #2", "alan | 05"], []),
    "a person or a group": (
        ["ada/evaluation.ipynb", "B/cleo/evaluation.ipynb", "B/dora/evaluation.ipynb", "bob/evaluation.ipynb"],
        ["B / cleo | 05", "B / dora | 05", "ada | 05", "bob | 05"], []),
    "checkpoints and files of the system": (
        ["ada/evaluation.ipynb", "ada/.ipynb_checkpoints/evaluation-checkpoint.ipynb",
         "__MACOSX/ada/._evaluation.ipynb", "ada/.DS_Store", "Thumbs.db", "alan/evaluation.ipynb"],
        ["ada | 05", "alan | 05"], []),
    "an empty folder": (
        ["ada/evaluation.ipynb", "alan/", "bob/evaluation.ipynb"],
        ["ada | 05", "bob | 05"], ["alan"]),
    "a zip for each student": (
        {"Ada L.zip": ["work/evaluation.ipynb"], "alan.zip": ["evaluation.ipynb"]},
        ["Ada L | 05", "alan | 05"], []),
    "a single zip": (
        {"Ada Lovelace.zip": ["work/evaluation.ipynb"]}, ["Ada Lovelace | 05"], []),
    "a folder and loose notebooks": (
        ["ada/evaluation.ipynb", "alan/evaluation.ipynb", "bob.ipynb", "cleo.rar", "syllabus.pdf"],
        ["ada | 05", "alan | 05", "bob | 05"], ["cleo", ""]),
    # the whole course
    "the whole course": (
        {"ada/exercises/05_evaluation/evaluation.ipynb": given_out(),
         "ada/work/exercises/05_evaluation/evaluation.ipynb": note("05", "mine"),
         "ada/notebooks/05_evaluation.ipynb": b'{"cells": [{"id": "L05-title", "cell_type": "raw"}]}',
         "ada/notebooks/scratch.ipynb": b"{}",
         "ada/course_utils/plots.py": None,
         "alan/evaluation.ipynb": None},
        ["ada | 05", "alan | 05"], ["ada"]),
    "an untouched exercise alone": (
        {"ada/evaluation.ipynb": given_out(), "alan/evaluation.ipynb": None},
        ["ada | 05", "alan | 05"], []),
    # Moodle
    "Moodle with folders": (
        [MOODLE.format("Ada Lovelace", 7) + "/evaluation.ipynb",
         MOODLE.format("Zoë d'Arc", 8) + "/my work.ipynb"],
        ["Ada Lovelace | 05", "Zoë d'Arc | 05"], []),
    "Moodle without folders": (
        [MOODLE.format("Ada Lovelace", 7) + "evaluation.ipynb", MOODLE.format("Bo", 8) + "x.ipynb"],
        ["Ada Lovelace | 05", "Bo | 05"], []),
    "Moodle, namesakes with different files": (
        [MOODLE.format("Ada", 7) + "/evaluation.ipynb", MOODLE.format("Ada", 8) + "/exercise5.ipynb",
         MOODLE.format("Bo", 9) + "/evaluation.ipynb"],
        ["Ada 7 | 05", "Ada 8 | 05", "Bo | 05"], []),
    "Moodle, namesakes with different exercises": (
        [MOODLE.format("Ada", 7) + "/evaluation.ipynb", MOODLE.format("Ada", 8) + "/training.ipynb"],
        ["Ada 7 | 05", "Ada 8 | 04"], []),
    "Moodle, blind marking": (
        [MOODLE.format("Participant", 12345) + "/evaluation.ipynb",
         MOODLE.format("Participant", 12346) + "/exercise5.ipynb"],
        ["Participant 12345 | 05", "Participant 12346 | 05"], []),
    "Moodle, blind marking, one student": (
        [MOODLE.format("Participant", 12345) + "evaluation.ipynb"], ["Participant 12345 | 05"], []),
    "Moodle, what is no notebook": (
        [MOODLE.format("A", 1) + "/x.rar", MOODLE.format("B", 2) + "/x.7z", MOODLE.format("C", 3) + "/x.tar.gz",
         MOODLE.format("D", 4) + "/x.html", MOODLE.format("E", 5) + "/x.py",
         MOODLE.format("F", 6) + "/x.ipynb.txt", "G_7_assignsubmission_onlinetext_/onlinetext.html",
         MOODLE.format("H", 8) + "/evaluation.ipynb", "I_9_assignsubmission_onlinetext_onlinetext.html"],
        ["H | 05"], ["A", "B", "C", "D", "E", "F", "G", "I"]),
    "Moodle, a group of two": (
        [MOODLE.format("Group 1", 7) + "/evaluation.ipynb", MOODLE.format("Group 2", 8) + "/evaluation.ipynb"],
        ["Group 1 | 05", "Group 2 | 05"], []),
    "Moodle, a name of a platform in the student's own zip": (
        {MOODLE.format("Eve", 9) + "/work.zip": [MOODLE.format("Ada Lovelace", 11) + "/evaluation.ipynb"],
         MOODLE.format("Ada Lovelace", 11) + "/evaluation.ipynb": None},
        ["Ada Lovelace | 05", "Eve | 05"], []),
    "a name of a platform in a zip of one's own": (
        {"eve.zip": [MOODLE.format("Ada", 11) + "/evaluation.ipynb", MOODLE.format("Bo", 12) + "/x.ipynb"],
         "ada.zip": ["evaluation.ipynb"]},
        ["ada | 05", "eve | 05", "eve | 05"], []),
    "a name of a platform as one's own file": (
        [MOODLE.format("Eve", 9) + "HW_ada_attempt_2024-01-01-00-00-00_x.ipynb",
         MOODLE.format("Ada", 8) + MOODLE.format("Bo", 7) + "x.ipynb"],
        ["Ada | 05", "Eve | 05"], []),
    # Canvas
    "Canvas": (
        ["lovelaceada_1234_5678_evaluation.ipynb", "turingalan_LATE_1235_5679_evaluation-2.ipynb"],
        ["lovelaceada | 05", "turingalan | 05 | #2 | LATE"], []),
    "Canvas, packed again in a folder": (
        ["submissions/lovelaceada_1234_5678_my work.ipynb", "submissions/turingalan_1235_5679_x.ipynb"],
        ["lovelaceada | 05", "turingalan | 05"], []),
    "Canvas, a student's own zip, late": (
        {"turingalan_LATE_1_2_my work.zip": ["a/evaluation.ipynb"], "lovelaceada_3_4_x.zip": ["training.ipynb"]},
        ["lovelaceada | 04", "turingalan | 05 | LATE"], []),
    "Canvas, anonymous": (
        ["anon_Ab3dE_5678_evaluation.ipynb", "anon_LATEx_LATE_5679_evaluation.ipynb",
         "anonymous_33_5680_evaluation.ipynb", "anonymous_34_5681_evaluation.ipynb"],
        ["anon_Ab3dE | 05", "anon_LATEx | 05 | LATE", "anonymous 33 | 05", "anonymous 34 | 05"], []),
    "Canvas, namesakes": (
        ["liwei_1234_5678_evaluation.ipynb", "liwei_1235_5679_evaluation.ipynb"],
        ["liwei 1234 | 05", "liwei 1235 | 05"], []),
    "Canvas, one renamed by hand": (
        ["lovelaceada_1234_5678_evaluation.ipynb", "turingalan_1235_5679_evaluation.ipynb", "Li Wei.ipynb"],
        ["Li Wei | 05", "lovelaceada | 05", "turingalan | 05"], []),
    "Canvas, online text": (
        ["lovelaceada_1234_text.html", "turingalan_1235_5679_evaluation.ipynb"],
        ["turingalan | 05"], ["lovelaceada"]),
    "two attempts and another file on Canvas": (
        ["lovelaceada_1234_5678_evaluation.ipynb", "lovelaceada_1234_5699_evaluation-1.ipynb",
         "lovelaceada_1234_5700_plot.png", "turingalan_1235_5679_evaluation.ipynb"],
        ["lovelaceada | 05", "lovelaceada | 05 | #1", "turingalan | 05"], ["lovelaceada"]),
    "names that only look like those of Canvas": (
        ["week_10_20_ada.ipynb", "week_10_20_bob.ipynb"],
        ["week_10_20_ada | 05", "week_10_20_bob | 05"], []),
    # other platforms
    "Blackboard": (
        [BOARD.format("ada1", 1) + "_evaluation.ipynb", BOARD.format("ada1", 1) + ".txt",
         BOARD.format("ada1", 2) + "_evaluation.ipynb", BOARD.format("bob2", 1) + ".txt"],
        ["ada1 | 05 | 2024-03-01T10:15", "ada1 | 05 | 2024-03-02T10:15"], ["bob2"]),
    "Blackboard, an assignment and users with underscores": (
        ["HW_1_ada_l_attempt_2024-03-01-10-15-00_x.ipynb", "HW_1_bob_l_attempt_2024-03-01-10-16-00_x.ipynb"],
        ["ada_l | 05 | 2024-03-01T10:15", "bob_l | 05 | 2024-03-01T10:16"], []),
    "Brightspace": (
        ["123-456 - Ada Lovelace - Mar 1, 2024 1015 AM/evaluation.ipynb",
         "123-456 - Ada Lovelace - Mar 2, 2024 115 PM/evaluation.ipynb",
         "124-456 - Alan Turing - 3 March 2024 1215 AM/evaluation.ipynb", "index.html"],
        ["Ada Lovelace | 05 | 2024-03-01T10:15", "Ada Lovelace | 05 | 2024-03-02T13:15",
         "Alan Turing | 05 | 2024-03-03T00:15"], [""]),
    "Brightspace, loose files and namesakes": (
        ["123-456 - Ada L - Mar 1, 2024 1015 AM - evaluation.ipynb",
         "124-456 - Ada L - Mar 1, 2024 1016 AM - a - b.ipynb"],
        ["Ada L | 05", "Ada L | 05"], []),
    "Gradescope without names": (
        ["assignment_1_export/submission_11/evaluation.ipynb", "assignment_1_export/submission_12/evaluation.ipynb"],
        ["submission_11 | 05", "submission_12 | 05"], []),
    "Gradescope with names": (
        {"e/submission_11/evaluation.ipynb": None, "e/submission_12/evaluation.ipynb": None,
         "e/submission_13/evaluation.ipynb": None, "e/submission_metadata.yml": METADATA},
        ["Ada Lovelace (ada@example.org) | 05 | 2024-03-01T10:15", "Ada Lovelace (other@example.org) | 05",
         "Zoë M & Alan Turing | 05 | 2024-03-02T10:15"], []),
    "Gradescope, names by a student": (
        {"submission_11/evaluation.ipynb": None, "submission_12/submission_metadata.yml": METADATA,
         "submission_12/evaluation.ipynb": None},
        ["submission_11 | 05", "submission_12 | 05"], []),
    "GitHub Classroom": (
        ["cnn-evaluation-submissions/cnn-evaluation-ada-l/evaluation.ipynb",
         "cnn-evaluation-submissions/cnn-evaluation-ada-l/notes/scratch.ipynb",
         "cnn-evaluation-submissions/cnn-evaluation-ada-m/evaluation.ipynb"],
        ["ada-l | 05", "ada-l | 05", "ada-m | 05"], []),
    "names with a hyphen in common": (
        ["anna-lena/evaluation.ipynb", "anna-maria/evaluation.ipynb"],
        ["anna-lena | 05", "anna-maria | 05"], []),
    "Teams": (
        ["Evaluation/Ada Lovelace/Version 1/x.ipynb", "Evaluation/Ada Lovelace/Version 2/x.ipynb",
         "Evaluation/Alan Turing/Version 1/x.ipynb"],
        ["Ada Lovelace | 05 | #1", "Ada Lovelace | 05 | #2", "Alan Turing | 05 | #1"], []),
    "Teams, one student": (
        ["Submitted files/Ada Lovelace/Assignment 5/Version 2/x.ipynb"], ["Ada Lovelace | 05 | #2"], []),
    "nbgrader": (
        ["submitted/ada/ps1/evaluation.ipynb", "submitted/ada/ps2/training.ipynb", "submitted/alan/ps1/evaluation.ipynb"],
        ["ada | 04", "ada | 05", "alan | 05"], []),
    "nbgrader, the exchange": (
        ["inbound/ada+ps1+2024-03-01 10:15:00 +0000+x9/evaluation.ipynb",
         "inbound/alan+ps1+2024-03-02 10:15:00 +0000+x8/evaluation.ipynb"],
        ["ada | 05", "alan | 05"], []),
    # loose files
    "loose files": (
        ["Ada L.ipynb", "bob.ipynb", "cleo.pdf", "dora.ipynb.json", "eve.tar.gz", "readme.txt"],
        ["Ada L | 05", "bob | 05"], ["cleo", "dora", "eve", ""]),
    "loose files with the exercise in the name": (
        ["ada_evaluation.ipynb", "ada_training.ipynb", "05_evaluation_bob.ipynb", "Cy - evaluation.ipynb"],
        ["Cy | 05", "ada | 04", "ada | 05", "bob | 05"], []),
    "loose files, one name twice": (
        ["ada_evaluation.ipynb", "evaluation ada.ipynb"], ["ada (1) | 05", "ada (2) | 05"], []),
    "loose files that say nobody": (
        ["evaluation.ipynb", "evaluation (1).ipynb", "evaluation (2).ipynb"],
        ["evaluation (1) | 05 | #1", "evaluation (2) | 05 | #2", "evaluation | 05"], []),
    "loose files with numbers": (
        ["group-1.ipynb", "group-2.ipynb", "ada.ipynb", "ada (1).ipynb", "bo attempt 2.ipynb"],
        ["ada (1) | 05 | #1", "ada | 05", "bo | 05 | #2", "group-1 | 05 | #1", "group-2 | 05 | #2"], []),
    # names
    "NFC and NFD, two exercises": (
        ["Zo\u00eb/evaluation.ipynb", "Zoe\u0308/training.ipynb"],
        ["Zoë | 04", "Zoë | 05"], []),
    "NFC and NFD, one exercise": (
        ["Zo\u00eb/evaluation.ipynb", "Zoe\u0308/evaluation.ipynb"],
        ["Zoë (1) | 05", "Zoë (2) | 05"], []),
    "capital letters": (
        ["ada/evaluation.ipynb", "Ada/training.ipynb"], ["Ada | 04", "ada | 05"], []),
    "formulas": (
        ["'=Eve/evaluation.ipynb", "=1+1/evaluation.ipynb", "+Bo/evaluation.ipynb", "---/evaluation.ipynb"],
        ["1+1 | 05", "Bo | 05", "Eve | 05", "unknown | 05"], []),
}  # fmt: skip

#: Layouts in which the time of the machine's zone or of a shortened line is not compared.
_SHORT = {"Brightspace, loose files and namesakes", "nbgrader, the exchange"}


@pytest.mark.parametrize("packing", ["zip", "folder"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_who_handed_in_what(layout, packing, tmp_path):
    members, expected, refused = LAYOUTS[layout]
    if packing == "zip":
        given = tmp_path / "class.zip"
        given.write_bytes(packed(members))
    else:
        given = unpacked(tmp_path / "class", members)
    found = intake.collect([given])
    lines = people(found)
    if layout in _SHORT:
        lines = [" | ".join(line.split(" | ")[:2]) for line in lines]
    if layout == "Brightspace, loose files and namesakes":
        expected = ["Ada L 123 | 05", "Ada L 124 | 05"]
    assert lines == sorted(expected)
    assert sorted(one.student for one in found.refused) == sorted(refused)
    # nothing is lost: every file that somebody made is a row, or named in a flag
    assert all(one.sentence.endswith(".") for one in found.refused)
    for one in found.submissions:
        assert all(flag.startswith(FLAG) for flag in one.flags)
