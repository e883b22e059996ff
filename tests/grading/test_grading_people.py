"""Who handed in what: the layouts that platforms and people make, and names made to do harm."""

# ruff: noqa: E501 (a layout is easier to compare on one line)

from __future__ import annotations

import io
import json
import os
import random
import struct
import time
import unicodedata
import zipfile
import zlib
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from course_staff import cli
from course_staff.grading import command, engine, exports, intake, naming, policies, reports, times
from course_staff.grading.listing import listing
from course_staff.grading.people import FLAG
from course_staff.grading.results import Graded, QuestionResult
from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData

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
        ["ada | 05", "alan | 05"], []),
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
        ["lovelaceada | 05", "lovelaceada | 05 | #1", "turingalan | 05"], []),
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
         "Alan Turing | 05 | 2024-03-03T00:15"], []),
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
        ["inbound/ada+ps1+2024-03-01 10:15:00.123 UTC+x9/evaluation.ipynb",
         "inbound/alan+ps1+2024-03-02 10:15:00 UTC+x8/evaluation.ipynb"],
        ["ada | 05", "alan | 05"], []),
    "nbgrader in two sections": (
        ["s1/submitted/ada/ps1/x.ipynb", "s1/submitted/bo/ps1/x.ipynb", "s2/submitted/cy/ps1/x.ipynb"],
        ["ada | 05", "bo | 05", "cy | 05"], []),
    "Teams, working files": (
        ["Working files/Ada/Ev/x.ipynb", "Submitted files/Ada/Ev/Version 1/x.ipynb",
         "Submitted files/Bo/Ev/Version 1/x.ipynb"],
        ["Ada | 05 | #1", "Bo | 05 | #1"], [""]),
    "an export packed into another zip": (
        {"all.zip": [MOODLE.format("Ada", 7) + "/x.ipynb", MOODLE.format("Bo", 8) + "/x.ipynb"]},
        ["Ada | 05", "Bo | 05"], []),
    "an export among folders": (
        ["class/ada/evaluation.ipynb", "class/bo/evaluation.ipynb", "liwei_12_34_evaluation.ipynb"],
        ["class / ada | 05", "class / bo | 05", "liwei | 05"], []),
    "nobody handed in a notebook": (
        ["class/ada/x.pdf", "class/bo/x.rar", "class/bo/y.rar"], [], ["ada", "bo", "bo"]),
    "one notebook only": (
        ["class/ada/stuff/evaluation.ipynb", "class/bo/x.pdf", "class/cy/evaluation.ipynb.docx"],
        ["ada | 05"], ["bo", "cy"]),
    "handouts beside the class": (
        ["class/ada/evaluation.ipynb", "class/bo/evaluation.ipynb", "handout/a.pdf"],
        ["ada | 05", "bo | 05"], [""]),
    "notebooks of students in folders of exercises": (
        ["05_evaluation/ada.ipynb", "05_evaluation/bo.ipynb", "04_training/ada_training.ipynb"],
        ["ada | 04", "ada | 05", "bo | 05"], []),
    "a zip in each student's folder": (
        {"class/ada/stuff.zip": ["evaluation.ipynb"], "class/bo/my work.zip": ["a/evaluation.ipynb"]},
        ["ada | 05", "bo | 05"], []),
    "versions of the exercise's folder": (
        ["ada/05_evaluation/x.ipynb", "ada/05_evaluation_v2/x.ipynb", "bo/05_evaluation/x.ipynb"],
        ["ada | 05", "ada | 05 | #2", "bo | 05"], []),
    "ids and addresses": (
        ["12345/evaluation.ipynb", "12346/evaluation.ipynb", "a.b@uni.edu/evaluation.ipynb", "j.smith.ipynb"],
        ["12345 | 05", "12346 | 05", "a.b@uni.edu | 05", "j.smith | 05"], []),
    "other scripts": (
        ["王伟/evaluation.ipynb", "李娜/evaluation.ipynb", "Ольга/evaluation.ipynb"],
        ["Ольга | 05", "李娜 | 05", "王伟 | 05"], []),
    "a name that leads out of the zip": (
        {"x/../../evil.ipynb": None, "class/ada/evaluation.ipynb": None, "class/bo/evaluation.ipynb": None},
        ["ada | 05", "bo | 05"], [""]),
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
    "a folder and a file of one name": (
        ["ada/evaluation.ipynb", "ada.ipynb", "bo/evaluation.ipynb", "bo.pdf"],
        ["ada (1) | 05", "ada (2) | 05", "bo | 05"], ["bo"]),
    "hidden folders": (
        [".ada/evaluation.ipynb", "bo/.git/x.ipynb", "bo/evaluation.ipynb", "bo/.env", "cy/.ipynb"],
        ["ada | 05", "bo | 05", "cy | 05"], []),
    "numbers in place of names": (
        ["CNN 2024/student1.ipynb", "CNN 2024/student2_training.ipynb"],
        ["student1 | 05", "student2 | 04"], []),
    "names of blanks and signs": (
        [" /evaluation.ipynb", "\u00a0/x.ipynb", "?!/evaluation.ipynb", "ada/evaluation.ipynb"],
        ["ada | 05", "unknown (1) | 05", "unknown (2) | 05", "unknown (3) | 05"], []),
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
    # as platforms and people leave them, second collection
    "zips in zips of an export in the class's zip": (
        {"CNN-Kurs WS26-Abgabe 5-4711.zip": {
            MOODLE.format("Jürgen Weiß", 101) + "/abgabe.zip": {"a/abgabe.zip": {"evaluation.ipynb": None}},
            MOODLE.format("Ana María García López", 102) + "/evaluation.ipynb": None,
            "Ana María García López_102_assignsubmission_onlinetext_/onlinetext.html": b"see file"}},
        ["Ana María García López | 05", "Jürgen Weiß | 05"], ["Ana María García López"]),
    "Moodle, feedback files beside": (
        [MOODLE.format("Ada L", 1) + "/x.ipynb", "Ada L_1_assignfeedback_file_/x.ipynb",
         MOODLE.format("Bo", 2) + "/x.ipynb", "Cy_3_assignfeedback_file_x.ipynb"],
        ["Ada L | 05", "Bo | 05"], ["Ada L", "Cy"]),
    "Blackboard, two assignments": (
        ["HW 4_ada1_attempt_2024-03-01-10-15-00_training.ipynb",
         "HW 5_ada1_attempt_2024-03-08-10-15-00_evaluation.ipynb",
         "HW 5_bob2_attempt_2024-03-08-10-15-00_evaluation.ipynb"],
        ["ada1 | 04 | 2024-03-01T10:15", "ada1 | 05 | 2024-03-08T10:15", "bob2 | 05 | 2024-03-08T10:15"], []),
    "Gradescope, names saved again by an editor": (
        {"e/submission_11/x.ipynb": None, "e/submission_12/x.ipynb": None,
         "e/submission_metadata.yml": b"\xef\xbb\xbf" + METADATA.removeprefix(b"---\n").replace(b"\n", b"\r\n")},
        ["Ada Lovelace | 05 | 2024-03-01T10:15", "Zoë M & Alan Turing | 05 | 2024-03-02T10:15"], []),
    "nbgrader, a whole course": (
        ["course101/submitted/ada/ps5/evaluation.ipynb", "course101/submitted/ada/ps5/timestamp.txt",
         "course101/submitted/bo/ps5/evaluation.ipynb", "course101/autograded/ada/ps5/evaluation.ipynb",
         "course101/source/ps5/evaluation.ipynb", "course101/feedback/ada/ps5/x.html"],
        ["ada | 05", "bo | 05"], ["", "", ""]),
    "a student's own folder named source": (
        ["ada/source/evaluation.ipynb", "bo/evaluation.ipynb"], ["ada | 05", "bo | 05"], []),
    "Google Forms": (
        ["Notebook (File responses)/evaluation - Ada Lovelace.ipynb",
         "Notebook (File responses)/evaluation (1) - Bo M.ipynb",
         "Notebook (File responses)/Untitled1 - Cy D.ipynb",
         "Notebook (File responses)/Kopie von evaluation - Di E.ipynb",
         "Notebook (File responses)/Copy of evaluation.ipynb - Anna-Lena F.ipynb"],
        ["Ada Lovelace | 05", "Anna-Lena F | 05", "Bo M | 05", "Cy D | 05", "Di E | 05"], []),
    "only what Jupyter and macOS made": (
        ["ada/evaluation.ipynb", "bo/.ipynb_checkpoints/evaluation-checkpoint.ipynb", "cy/sub/.DS_Store",
         "dora/.ipynb_checkpoints/", "Icon\r", "__MACOSX/eve/._evaluation.ipynb"],
        ["ada | 05"], ["bo", "cy", "dora"]),
    "names of pictures": (
        ["😀/evaluation.ipynb", "👩‍💻 Ada/evaluation.ipynb", "con/evaluation.ipynb", ".../evaluation.ipynb"],
        ["con | 05", "unknown | 05", "👩‍💻 Ada | 05", "😀 | 05"], []),
    # third collection
    "Sakai": (
        ["Ex 5/Lovelace, Ada(ada1)/Submission attachment(s)/evaluation.ipynb", "Ex 5/grades.csv",
         "Ex 5/Lovelace, Ada(ada1)/timestamp.txt", "Ex 5/Turing, Alan(a2)/Submission attachment(s)/x.ipynb",
         "Ex 5/Turing, Alan(a2)/Feedback Attachment(s)/x.ipynb", "Ex 5/Bo, Li(li3)/timestamp.txt",
         "Ex 5/Bo, Li(li4)/Submission attachment(s)/x.ipynb"],
        ["Bo, Li li4 | 05", "Lovelace, Ada | 05", "Turing, Alan | 05"], ["Bo, Li li3", "Turing, Alan", ""]),
    "Schoology": (
        ["Lovelace, Ada - 12345/Revision 1 - 2026-11-01 10-15/evaluation.ipynb",
         "Lovelace, Ada - 12345/Revision 2 - 2026-11-02 10-15/x.ipynb", "Turing, Alan - 12346/Revision 1/x.ipynb"],
        ["Lovelace, Ada - 12345 | 05 | #1", "Lovelace, Ada - 12345 | 05 | #2", "Turing, Alan - 12346 | 05 | #1"], []),
    "ILIAS": (
        ["multi_feedback_Abgabe_77/Lovelace_Ada_ada1_1234/20261101101500_evaluation.ipynb",
         "multi_feedback_Abgabe_77/Turing_Alan_alan_1235/evaluation.ipynb"],
        ["Lovelace_Ada_ada1_1234 | 05", "Turing_Alan_alan_1235 | 05"], []),
    "Google Classroom": (
        ["Classroom/CNN/Exercise 5/Ada Lovelace - evaluation.ipynb", "Classroom/CNN/Exercise 5/Copy of x - Cy.ipynb",
         "Classroom/CNN/Exercise 5/Bo M - Copy of evaluation.ipynb"],
        ["Ada Lovelace | 05", "Bo M | 05", "x - Cy | 05"], []),
    "a download from Drive that names nobody": (
        ["drive-download-20261127T101500Z-001/Copy of evaluation.ipynb",
         "drive-download-20261127T101500Z-001/Copy of Copy of evaluation.ipynb"],
        ["Copy of Copy of evaluation | 05", "Copy of evaluation | 05"], []),
    "OneDrive": (
        {"OneDrive_1_27-11-2026.zip": ["Ada Lovelace/evaluation.ipynb", "Alan/evaluation.ipynb"]},
        ["Ada Lovelace | 05", "Alan | 05"], []),
    "conflicts of Dropbox, Nextcloud and Syncthing": (
        ["ada/evaluation.ipynb", "ada/evaluation (Ada's conflicted copy 2026-11-27).ipynb",
         "bo_evaluation (conflicted copy 2026-11-27 101500).ipynb",
         "cy_evaluation.sync-conflict-20261127-101500-ABC.ipynb"],
        ["ada | 05", "ada | 05", "bo | 05", "cy | 05"], []),
    "bins and packages": (
        ["class/#recycle/zed/evaluation.ipynb", "class/ada/evaluation.ipynb", "class/bo/evaluation.ipynb",
         "class/$RECYCLE.BIN/x.ipynb", "class/.Trash-1000/files/x.ipynb", "class/lost+found/",
         "class/ada/venv/lib/site-packages/a/tests/a.ipynb", "class/bo/env/Lib/site-packages/y.ipynb",
         "class/bo/node_modules/z.ipynb"],
        ["ada | 05", "bo | 05"], []),
    "dates before the names": (
        ["2026-11-27 Ada L/evaluation.ipynb", "2026-11-28 Bo/evaluation.ipynb"],
        ["2026-11-27 Ada L | 05", "2026-11-28 Bo | 05"], []),
    "Moodle with groups": (
        [MOODLE.format("Group A-Ada L", 7) + "/evaluation.ipynb", MOODLE.format("Group A-Bo", 8) + "/x.ipynb",
         MOODLE.format("محمد علي", 9) + "/x.ipynb", MOODLE.format("Seán O'Brien-García López", 10) + "/x.ipynb"],
        ["Group A-Ada L | 05", "Group A-Bo | 05", "Seán O'Brien-García López | 05", "محمد علي | 05"], []),
    "Canvas in folders of sections": (
        ["Section 1/lovelaceada_1234_5678_evaluation.ipynb", "Section 2/o'brienseán_1235_5679_evaluation-3.ipynb"],
        ["lovelaceada | 05", "o'brienseán | 05 | #3"], []),
    "parts of files and archives": (
        ["ada/x.zipx", "bo/x.ipynb.crdownload", "cy/x.zip.part", "dora/x.tar.xz", "eve/evaluation.ipynb"],
        ["eve | 05"], ["ada", "bo", "cy", "dora"]),
}  # fmt: skip

#: Layouts in which the time of the machine's zone or of a shortened line is not compared.
_SHORT = {"Brightspace, loose files and namesakes", "nbgrader, the exchange"}


@pytest.mark.parametrize("packing", ["zip", "folder"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_who_handed_in_what(layout, packing, tmp_path):
    members, expected, refused = LAYOUTS[layout]
    if packing == "folder" and "leads out" in layout:
        pytest.skip("no folder can hold such a name")
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


NAMES = [
    "Ada Lovelace", "Anna-Lena", "Anna-Maria", "Zoë d'Arc", "王伟", "李娜", "J. R. Smith", "Group 1",
    "Group 2", "Ольга", "O'Neil", "Müller-Lüdenscheidt", "x", "y", "Lee 2", "12345", "12346",
]  # fmt: skip
STYLES = {
    "folders": "{name}/evaluation.ipynb",
    "folders of exercises": "{name}/05_evaluation/x.ipynb",
    "folders and another one": "{name}/stuff/x.ipynb",
    "loose": "{name}.ipynb",
    "loose with the exercise": "05_evaluation_{name}.ipynb",
    "Moodle": "{name}_{k}7_assignsubmission_file_/evaluation.ipynb",
    "Moodle, loose": "{name}_{k}7_assignsubmission_file_work {k}.ipynb",
    "Canvas": "{plain}_{k}34_{k}5678_evaluation.ipynb",
    "Canvas, late": "{plain}_LATE_{k}34_{k}5678_x-1.ipynb",
    "Blackboard": "HW 5_{plain}_attempt_2024-03-01-10-15-00_evaluation.ipynb",
    "Brightspace": "{k}23-456 - {name} - Mar 1, 2024 1015 AM/evaluation.ipynb",
    "Brightspace, loose": "77-{k}56 - {name} - Mar 1, 2024 1015 AM - x - y.ipynb",
    "Gradescope": "assignment_1_export/submission_{k}00/evaluation.ipynb",
    "GitHub": "hw5-submissions/hw5-{plain}/evaluation.ipynb",
    "Teams": "Homework/{name}/Version 1/evaluation.ipynb",
    "nbgrader": "submitted/{name}/ps5/evaluation.ipynb",
}


@pytest.mark.parametrize("style", STYLES)
def test_as_many_students_as_handed_in(style, tmp_path):
    """In any layout, under any folders, every student is there once and nobody else."""
    rng = random.Random(style)
    for trial in range(12):
        names = rng.sample(NAMES, rng.randint(2, 8))
        above = rng.sample(["class", "CNN 2024", "export", "Tuesday", "a b"], rng.randint(0, 3))
        whole = "/".join([*above, STYLES[style]])
        plain = {name: "".join(one for one in name.casefold() if one.isalnum()) for name in names}
        paths = [
            whole.format(name=name, plain=plain[name], k=k) for k, name in enumerate(names, start=1)
        ]
        given = tmp_path / f"class{trial}.zip"
        given.write_bytes(packed(paths))
        found = [one.student for one in intake.collect([given]).submissions]
        if "{name}" in whole:
            expected = names
        elif "{plain}" in whole:
            expected = list(plain.values())
        else:
            expected = [f"submission_{k}00" for k in range(1, len(names) + 1)]
        assert sorted(found) == sorted(expected), paths


def flags_of(members: dict | list, tmp_path: Path) -> dict[str, str]:
    """All flags of each student, together."""
    given = tmp_path / "class.zip"
    given.write_bytes(packed(members))
    flags: dict[str, str] = {}
    for one in intake.collect([given]).submissions:
        flags[one.student] = flags.get(one.student, "") + " ".join(one.flags)
    return flags


class TestFlags:
    @pytest.mark.parametrize(
        ("layout", "words"),
        [
            ("Moodle, namesakes with different files", "occurs more than once"),
            ("Canvas, namesakes", "occurs more than once"),
            ("namesakes in two sections", "occurs more than once"),
            ("loose files, one name twice", "occurs more than once"),
            ("NFC and NFD, one exercise", "occurs more than once"),
            ("NFC and NFD, two exercises", "taken to be one person"),
            ("loose files that say nobody", "no name of a person"),
            ("capital letters", "differs only in case"),
            ("numbers in place of names", "a folder above it may name the person"),
            ("versions of the exercise's folder", ""),
            ("an export packed into another zip", "taken for an export"),
            ("a name of a platform in a zip of one's own", "attempts of one person"),
            ("a person or a group", "unclear whether"),
            ("Canvas, one renamed by hand", "not made by the platform"),
            ("the whole course", "not graded, an untouched copy of the exercise: evaluation.ipynb"),
        ],
    )
    def test_what_cannot_be_told_is_flagged(self, layout, words, tmp_path):
        flags = flags_of(LAYOUTS[layout][0], tmp_path)
        together = " ".join(flags.values()).strip()
        assert words in together if words else not together

    def test_a_student_without_a_namesake_has_no_flag(self, tmp_path):
        flags = flags_of(LAYOUTS["Moodle, namesakes with different files"][0], tmp_path)
        assert [name for name, text in flags.items() if text] == ["Ada 7", "Ada 8"]
        for layout in ("a folder above the students'", "Moodle with folders", "Canvas", "Teams"):
            assert not any(flags_of(LAYOUTS[layout][0], tmp_path).values()), layout

    def test_the_same_file_twice_is_graded_once(self, tmp_path):
        same = note("05", "mine")
        members = {
            "ada/evaluation.ipynb": same,
            "ada/old/evaluation.ipynb": same,
            "bo/x.ipynb": same,
        }
        flags = flags_of(members, tmp_path)
        assert "the same file again" in flags["ada"]
        assert flags["bo"] == ""

    def test_what_is_handed_in_beside_a_notebook(self, tmp_path):
        members = [
            "ada/evaluation.ipynb",
            "ada/helper.py",
            "ada/plot.png",
            "ada/report.pdf",
            "ada/w.rar",
        ]
        given = unpacked(tmp_path / "class", [*members, "bo/x.ipynb", "cy/helper.py"])
        found = intake.collect([given])
        assert found.submissions[0].flags == (
            f"{FLAG} not graded, other files: helper.py, plot.png.",
        )
        rows = {(one.student, Path(one.name).name) for one in found.refused}
        assert rows == {("ada", "report.pdf"), ("ada", "w.rar"), ("cy", "helper.py")}

    def test_with_an_exercise_named_those_of_others_are_left_out(self, tmp_path):
        given = unpacked(
            tmp_path / "class", ["ada/evaluation.ipynb", "ada/training.ipynb", "bo/x.ipynb"]
        )
        (given / "bo" / "x.ipynb").write_bytes(b'{"cells": []}')
        found = intake.collect([given], "05")
        assert people(found) == ["ada | 05", "bo | 05"]
        assert "of another exercise: training.ipynb" in found.submissions[0].flags[0]


class TestSeveralPaths:
    """What is given on the command line is a level like any other."""

    def found(self, folder: Path, members: dict | list, *paths: str) -> list[str]:
        unpacked(folder, members)
        return people(intake.collect([folder / path for path in paths]))

    def test_notebooks_of_one_name_are_told_apart_by_their_folders(self, tmp_path):
        members = ["ada/evaluation.ipynb", "bo/evaluation.ipynb"]
        assert self.found(tmp_path, members, *members) == ["ada | 05", "bo | 05"]

    def test_a_folder_or_a_zip_for_each_student(self, tmp_path):
        members = {"ada/evaluation.ipynb": None, "bo.zip": ["evaluation.ipynb"], "cy.ipynb": None}
        paths = ("ada", "bo.zip", "cy.ipynb")
        assert self.found(tmp_path, members, *paths) == ["ada | 05", "bo | 05", "cy | 05"]

    def test_one_folder_may_be_the_class_or_a_student(self, tmp_path):
        members = ["ada/evaluation.ipynb", "ada/training.ipynb"]
        assert self.found(tmp_path, members, "ada") == ["ada | 04", "ada | 05"]
        assert people(intake.collect([tmp_path])) == ["ada | 04", "ada | 05"]

    @pytest.mark.parametrize("paths", [("1.zip", "2.zip"), (".",)])
    def test_two_exports_give_one_person_another_number(self, paths, tmp_path):
        members = {
            "1.zip": [MOODLE.format("Ada", 7) + "/training.ipynb", MOODLE.format("Bo", 8) + "/training.ipynb"],
            "2.zip": [MOODLE.format("Ada", 17) + "/evaluation.ipynb", MOODLE.format("Cy", 8) + "/evaluation.ipynb"],
        }  # fmt: skip
        expected = ["Ada | 04", "Ada | 05", "Bo | 04", "Cy | 05"]
        assert self.found(tmp_path, members, *paths) == expected

    def test_two_exports_of_one_exercise_may_hold_namesakes(self, tmp_path):
        members = {
            "1.zip": [MOODLE.format("Ada", 7) + "/evaluation.ipynb", MOODLE.format("Bo", 8) + "/x.ipynb"],
            "2.zip": [MOODLE.format("Ada", 17) + "/evaluation.ipynb", MOODLE.format("Cy", 8) + "/x.ipynb"],
        }  # fmt: skip
        assert self.found(tmp_path, members, "1.zip", "2.zip") == [
            "Ada 17 | 05", "Ada 7 | 05", "Bo | 05", "Cy | 05",
        ]  # fmt: skip

    def test_an_export_and_a_late_notebook(self, tmp_path):
        members = {"1.zip": [MOODLE.format("Ada", 7) + "/x.ipynb", MOODLE.format("Bo", 8) + "/x.ipynb"],
                   "Cy D.ipynb": None}  # fmt: skip
        assert self.found(tmp_path, members, "1.zip", "Cy D.ipynb") == [
            "Ada | 05",
            "Bo | 05",
            "Cy D | 05",
        ]

    def test_the_same_path_twice_and_a_path_in_another_count_once(self, tmp_path):
        members = ["ada/evaluation.ipynb", "bo/evaluation.ipynb"]
        assert self.found(tmp_path, members, ".", "ada", "ada/evaluation.ipynb", ".") == [
            "ada | 05", "bo | 05",
        ]  # fmt: skip


class TestHostileNames:
    def test_long_names_take_no_time_and_stay_apart(self, tmp_path):
        long = [
            f"x ({'1' * 5000}).ipynb",
            f"x attempt {'1' * 5000}.ipynb",
            "-" * 60_000 + ".ipynb",
            "_" * 60_000 + ".ipynb",
            " (" * 30_000 + ".ipynb",
            "_1" * 30_000 + "_x.ipynb",
            "a_LATE_" * 9_000 + ".ipynb",
            "1-1 - " * 10_000 + ".ipynb",
            "ada" + " - " * 20_000 + "/evaluation.ipynb",
            "a/" * 32_000 + "x.ipynb",
            "\u0301" * 20_000 + ".ipynb",
            "_attempt_" * 7_000 + ".ipynb",
            "z" * 65_000 + "a.ipynb",
            "z" * 65_000 + "b.ipynb",
        ]
        given = tmp_path / "class.zip"
        given.write_bytes(packed([*long, "ada/evaluation.ipynb"]))
        began = time.process_time()
        found = intake.collect([given])
        assert time.process_time() - began < 5
        names = [one.student for one in found.submissions]
        assert len(set(names)) == len(names)
        assert len(found.submissions) + len(found.refused) == len(long) + 1
        assert all(len(name) <= 150 for name in names)
        assert all(len(one.name) <= 500 for one in [*found.submissions, *found.refused])

    def test_names_of_folders_that_are_not_unicode(self, tmp_path):
        for raw in (b"Zo\xeb", b"Zo\xe9", b"\xff\xfe", b"A\x1b[31mB", "a\u202eb".encode()):
            folder = os.fsencode(tmp_path / "class") + b"/" + raw
            os.makedirs(folder)
            Path(os.fsdecode(folder), "evaluation.ipynb").write_bytes(note("05", repr(raw)))
            Path(os.fsdecode(folder), os.fsdecode(b"b\xe9\x1b.zip")).write_bytes(b"no zip")
        found = intake.collect([tmp_path / "class"])
        names = [one.student for one in found.submissions]
        assert len(set(names)) == 5
        assert len(found.refused) == 5
        texts = [*names, *(text for one in found.refused for text in (one.name, one.student))]
        for text in [*texts, *(one.name for one in found.submissions)]:
            text.encode()
            assert text.isprintable()
            assert text == unicodedata.normalize("NFC", text)

    def test_surrogates_in_a_zip(self):
        assert naming.student_name(intake.clean("A\ud800B")) == "A?B"
        assert intake.clean("x\u0000y\n z.ipynb") == "x?y z.ipynb"
        assert intake.clean("e\u0301" * 300 + ".ipynb").endswith(".ipynb")

    def test_many_files_take_little_time(self, tmp_path):
        members = {f"class/s{k:04}/data/{n}.jpg": b"x" for k in range(300) for n in range(30)}
        members |= {f"class/s{k:04}/evaluation.ipynb": note("05", str(k)) for k in range(300)}
        given = tmp_path / "class.zip"
        given.write_bytes(packed(members))
        began = time.process_time()
        found = intake.collect([given])
        assert time.process_time() - began < 10
        assert len({one.student for one in found.submissions}) == len(found.submissions) == 300
        assert not found.refused
        (flag,) = found.submissions[0].flags
        assert flag.startswith(f"{FLAG} not graded, other files: ")
        assert flag.endswith(".jpg and 27 more.")

    def test_a_thousand_namesakes_stay_apart(self, tmp_path):
        members = [MOODLE.format("Ada", k) + "/evaluation.ipynb" for k in range(1000)]
        given = tmp_path / "class.zip"
        given.write_bytes(packed(members))
        began = time.process_time()
        found = intake.collect([given])
        assert time.process_time() - began < 10
        assert len({one.student for one in found.submissions}) == 1000


# --- reading names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stem", "base", "attempt"),
    [
        ("evaluation", "evaluation", 0),
        ("evaluation (3)", "evaluation", 3),
        ("evaluation-2", "evaluation", 2),
        ("evaluation-Copy1", "evaluation", 1),
        ("evaluation - Copy", "evaluation", 1),
        ("evaluation - Copy (2)", "evaluation", 2),
        ("evaluation_v12", "evaluation", 12),
        ("evaluation attempt 2", "evaluation", 2),
        ("evaluation (12345)", "evaluation (12345)", 0),
        ("(1)", "(1)", 0),
        ("grad_cam", "grad_cam", 0),
        ("Marcopy", "Marcopy", 0),
        ("Olav", "Olav", 0),
    ],
)
def test_the_number_of_an_attempt(stem, base, attempt):
    assert naming.attempt_of(stem) == (base, attempt)


@pytest.mark.parametrize(
    ("stem", "person"),
    [
        ("ada", "ada"),
        ("ada_evaluation", "ada"),
        ("05_evaluation_Ada Lovelace", "Ada Lovelace"),
        ("Ada Lovelace - convolution by hand (final)", "Ada Lovelace"),
        ("evaluation", "evaluation"),
        ("my final homework 5", "my final homework 5"),
        ("Straßer_evaluation", "strasser"),
        ("j.smith", "j.smith"),
        ("Evaluationis", "Evaluationis"),
    ],
)
def test_the_person_in_the_name_of_a_file(stem, person):
    assert naming.person_in(stem)[0] == person


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mar 1, 2024 1015 AM", "2024-03-01T10:15:00"),
        ("March 1, 2024 1215 AM", "2024-03-01T00:15:00"),
        ("Mar 1, 2024 1215 PM", "2024-03-01T12:15:00"),
        ("Sep 30, 2024 905 PM", "2024-09-30T21:05:00"),
        ("1 March 2024, 10:15 AM", "2024-03-01T10:15:00"),
        ("29 Feb 2023 1015 AM", None),
        ("Foo 1, 2024 1015 AM", None),
        ("Mar 1, 2024 1315 PM", None),
        ("Mar 99, 2024 1015 AM", None),
    ],
)
def test_days_as_platforms_write_them(text, expected):
    assert exports.read_day(text) == expected


def test_times_with_a_zone_become_local(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        assert exports.read_time("2024-03-01T10:15:00Z") == "2024-03-01T11:15:00"
        assert exports.read_time("2024-07-01 10:15:00.5 -07:00") == "2024-07-01T19:15:00"
        assert exports.read_time("2024-03-01 10:15") == "2024-03-01T10:15:00"
        assert exports.read_time("2024-13-01 10:15") is None
        assert exports.read_time("0001-01-01 00:00:00 +14:00") is None
    finally:
        monkeypatch.undo()
        time.tzset()


def test_gradescope_metadata_with_odd_content():
    assert exports.read_metadata("") == {}
    assert exports.read_metadata("x\n- y\n  :submitters:\n- :name: z") == {}
    assert exports.read_metadata("submission_1:\n  :submitters:\n  - :name:\n") == {}
    found = exports.read_metadata(
        "submission_1:\n  :submitters:\n  - :email: x@y\n    :name: 'O''Neil: A'\n  :created_at:\n"
    )
    assert found == {"submission_1": exports.Handed((("O'Neil: A", "x@y"),), None)}


# --- times and lateness --------------------------------------------------------------------------


def graded(student: str, points: float = 2, **more) -> Graded:
    question = QuestionResult("05.1", "One", "partly", points, 4, "Half of it.")
    facts = {"name": f"{student}.ipynb", "sha256": "", "questions": [question], **more}
    return Graded(student, "05_evaluation", **facts)


class TestTimes:
    def table(self, folder: Path, text: str, encoding: str = "utf-8") -> Path:
        path = folder / "times.csv"
        path.write_bytes(text.encode(encoding))
        return path

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("student,time\nZoë,2024-03-01 10:15\n", "utf-8"),
            ("Student;Time\r\nZoë;2024-03-01T10:15:00\r\n", "cp1252"),
            ("student\ttime\nZoe\u0308\t1 March 2024, 10:15 AM\n", "utf-16"),
            ('\ufeff"Full name","Last modified (submission)"\n"zoë","Friday, 1 March 2024, 10:15 AM"\n',
             "utf-8"),
        ],
    )  # fmt: skip
    def test_a_table_in_any_usual_form(self, text, encoding, tmp_path):
        one = graded("Zoë")
        read = times.read_times(self.table(tmp_path, text, encoding))
        assert times.apply(read, [one]) == []
        assert (one.time, one.time_source) == ("2024-03-01T10:15:00", "times.csv, line 2")

    @pytest.mark.parametrize("above", ["sep=;\n", "Course 7;exported today\n"])
    def test_lines_above_the_head_are_passed_over(self, above, tmp_path):
        (read,) = times.read_times(
            self.table(tmp_path, f"{above}student;time\nada;2024-03-01 10:15\n")
        )
        assert (read.student, read.source) == ("ada", "times.csv, line 3")

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("name,when\nada,2024-03-01 10:15\n", "no column 'time'"),
            ("", "no column 'student'"),
            ("student,time\nada,soon\n", "line 2: 'soon' is no time"),
            ("student,time\nada,2024-03-01 10:15\nAda,2024-03-02 10:15\n", "lines 2 and 3"),
            ("student,time,exercise\nada,2024-03-01 10:15,99\n", "no exercise '99'"),
        ],
    )
    def test_what_cannot_be_understood_is_said(self, text, sentence, tmp_path):
        with pytest.raises(InvalidInput, match=sentence):
            times.read_times(self.table(tmp_path, text))

    def test_no_table(self, tmp_path):
        with pytest.raises(MissingData, match=r"There is no .*nowhere\.csv with times"):
            times.read_times(tmp_path / "nowhere.csv")

    def test_the_most_exact_row_counts(self, tmp_path):
        text = (
            "student,time,exercise,file\nada,2024-03-01 10:00,,\nada,2024-03-02 10:00,05,\n"
            "ada,2024-03-03 10:00,05,second.ipynb\nADA B,2024-03-04 10:00,,\nnobody,2024-03-01 10:00,,\n"
        )
        first, second = graded("ada"), graded("ada", name="x/second.ipynb")
        other, b, capital = graded("ada"), graded("Ada B"), graded("Ada b")
        other.exercise = "04_training"
        read = times.read_times(self.table(tmp_path, text))
        unused = times.apply(read, [first, second, other, b, capital])
        assert [one.time and one.time[8:10] for one in (first, second, other, b, capital)] == [
            "02", "03", "01", None, None,  # "ADA B" could be either
        ]  # fmt: skip
        assert [one.student for one in unused] == ["ADA B", "nobody"]


class TestLateness:
    due = datetime(2024, 3, 1, 12)

    def test_the_platforms_mark_and_no_time_of_a_zip(self, tmp_path):
        given = tmp_path / "class.zip"
        members = ["lovelaceada_12_34_x.ipynb", "turingalan_LATE_13_35_x.ipynb"]
        given.write_bytes(packed(members))  # the entries have the time of today
        listed = listing([given], lateness=policies.Lateness(self.due, 0.1))
        ada, alan = listed.found
        assert (ada.time, ada.flags) == (None, [])
        assert ada.time_source == "no LATE mark of Canvas"
        assert alan.flags == [
            "Handed in late (LATE mark of Canvas): a day has begun since it was due."
        ]

    def test_no_time_of_a_copied_file(self, tmp_path):
        given = unpacked(tmp_path / "class", ["ada/evaluation.ipynb", "bo/evaluation.ipynb"])
        os.utime(given / "ada" / "evaluation.ipynb", (10**9, 10**9))
        (one, two) = listing([given], lateness=policies.Lateness(self.due)).found
        for row in (one, two):
            assert row.time is None
            assert len(row.flags) == 1
            assert "not known when it was handed in" in row.flags[0]

    def test_the_time_in_a_name_and_the_table_before_it(self, tmp_path):
        given = tmp_path / "class.zip"
        given.write_bytes(packed([
            "HW_ada_attempt_2024-03-02-10-15-00_x.ipynb", "HW_bo_attempt_2024-03-03-13-00-00_x.ipynb",
        ]))  # fmt: skip
        table = tmp_path / "times.csv"
        table.write_text("student,time\nbo,2024-03-01 11:00\n")
        late = policies.Lateness(self.due, 0.5)
        ada, bo = listing([given], None, late, table).found
        assert ada.flags == [
            "Handed in late (2024-03-02 10:15:00, name from Blackboard): a day has begun since it "
            "was due."
        ]
        assert (bo.flags, bo.time_source) == ([], "times.csv, line 2")
        table.write_text("student,time\nelse,2024-03-01 11:00\n")
        with pytest.raises(InvalidInput, match="No time in the table is for anybody here"):
            listing([given], table=table)

    def test_a_file_in_a_students_own_zip_does_not_say_when(self, tmp_path):
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            old = zipfile.ZipInfo(
                "HW_eve_attempt_2020-01-01-00-00-00_x.ipynb", (2020, 1, 1, 0, 0, 0)
            )
            archive.writestr(old, note("05", "eve"))
        given = tmp_path / "class.zip"
        given.write_bytes(packed({"HW_eve_attempt_2024-03-02-10-15-00_w.zip": stream.getvalue()}))
        (eve,) = intake.collect([given]).submissions
        assert (eve.student, eve.time) == ("eve", "2024-03-02T10:15:00")


class TestAttempts:
    def which(self, several: list[Graded], policy: str) -> tuple[str, list[str]]:
        (one,) = policies.choose_attempts(several, policy)
        return one.name, one.flags

    def test_times_count_before_numbers(self):
        def several() -> list[Graded]:
            return [
                graded("a", 1, name="one", attempt=2, time="2024-03-01T10:00:00"),
                graded("a", 2, name="two", attempt=1, time="2024-03-02T10:00:00"),
            ]

        assert self.which(several(), "last")[0] == "two"
        assert self.which(several(), "first")[0] == "one"
        no_time = [*several(), graded("a", 0, name="three", attempt=3)]
        assert self.which(no_time, "last")[0] == "three"

    def test_where_nothing_says_which_is_the_last_the_best_counts(self):
        def several() -> list[Graded]:
            return [graded("a", 1, name="evaluation"), graded("a", 3, name="final_final"),
                    graded("a", 2, name="evaluation (1)", attempt=1)]  # fmt: skip

        name, flags = self.which(several(), "first")
        assert name == "final_final"
        assert "neither times nor names say which attempt is the first" in flags[1]
        name, flags = self.which(several(), "last")
        assert name == "evaluation (1)"
        assert len(flags) == 1
        assert "left out: evaluation, final_final" in flags[0]


# --- what is shown -------------------------------------------------------------------------------

MIXED = [
    MOODLE.format("Ada", 1) + "/evaluation.ipynb",
    MOODLE.format("Bo", 2) + "/work\x1b[31m.rar",
    MOODLE.format("Cy", 3) + "/evaluation.ipynb.txt",
    MOODLE.format("Di", 4) + "/evaluation.ipynb",
    "Ed_5_assignsubmission_onlinetext_/onlinetext.html",
]


class TestShown:
    @pytest.fixture
    def given(self, tmp_path: Path) -> Path:
        path = tmp_path / "class.zip"
        broken = MOODLE.format("Di", 4) + "/evaluation.ipynb"
        path.write_bytes(packed({**dict.fromkeys(MIXED), broken: b"<html>"}))
        return path

    def run(self, *arguments: str) -> str:
        runner = CliRunner(env={"COLUMNS": "400"})
        return runner.invoke(cli.app, ["grade", *arguments], catch_exceptions=False).output

    def test_the_list_shows_who_was_found_and_grades_nothing(self, given, tmp_path, monkeypatch):
        monkeypatch.setattr(engine, "grade_class", None)
        monkeypatch.setattr(command, "grade_class", None)
        told = self.run(str(given), "--list", "--due", "2024-03-01T12:00:00")
        rows = {line.split()[0]: line for line in told.splitlines() if line}
        assert "05_evaluation" in rows["Ada"]
        assert "not known" in rows["Ada"]
        assert told.count("not graded:") == 4
        assert "not graded: Di: " in told
        assert "It is no notebook" in told
        assert "not graded: Bo: " in told
        assert ".rar archive" in told
        assert "Notebooks: 1; students: 5. Nothing was graded." in told
        assert "\x1b" not in told
        assert [path.name for path in tmp_path.iterdir()] == ["class.zip"]

    def test_without_a_folder_for_the_reports_nothing_is_graded(self, given):
        with pytest.raises(InvalidInput, match="--out"):
            self.run(str(given))

    def test_each_student_without_a_grade_has_a_row_with_the_reason(self, given, tmp_path):
        found = intake.collect([given])
        refused = [*found.refused, intake.Refused("x", "It is no notebook.", "=Di")]
        report = engine.Report([graded("Ada")], refused, "limits", 1)
        reports.write(report, tmp_path / "out")
        import csv

        with (tmp_path / "out" / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        not_graded = {row["student"]: row for row in rows if row["statuses"] == "not graded"}
        assert set(not_graded) == {"Bo", "Cy", "Ed", "'=Di"}
        assert not_graded["Bo"]["points"] == ""
        assert ".rar archive" in not_graded["Bo"]["flags"]
        assert ".ipynb.txt" in not_graded["Cy"]["flags"]
        stored = json.loads((tmp_path / "out" / "grades.json").read_text(encoding="utf-8"))
        assert {one["student"] for one in stored["refused"]} == {"Bo", "Cy", "Ed", "=Di"}
        page = (tmp_path / "out" / "summary.html").read_text(encoding="utf-8")
        for name in ("Bo", "Cy", "Ed"):
            assert f"<td>{name}</td>" in page

    def test_names_stay_hidden_where_ids_are_wanted(self, given):
        found = intake.collect([given])
        report = engine.Report(
            [graded("Ada", flags=[f"{FLAG} not graded, of no exercise: Ada.ipynb."])],
            found.refused, "limits", 1,
        )  # fmt: skip
        ids = {name: f"id-{name.encode().hex()}" for name in ("Ada", "Bo", "Cy", "Ed")}
        hidden = reports.pseudonymize(report, ids)
        text = repr(hidden)
        assert not any(
            f"{name}" in text for name in ("Ada", "Bo_", "Cy_", "Ed_", "onlinetext.html")
        )

    def test_flags_of_the_intake_are_not_for_students(self, tmp_path):
        report = engine.Report([graded("Ada", flags=[f"{FLAG} a secret."])], [], "limits", 1)
        reports.write(report, tmp_path)
        assert "a secret" in (tmp_path / "summary.html").read_text(encoding="utf-8")
        assert "a secret" not in (tmp_path / "feedback" / "ada.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("encoding", "names"),
    [
        ("cp437", ["Jürgen Weiß", "Renée Núñez"]),
        ("cp850", ["João Pedro", "Søren Ø"]),
        ("cp852", ["Dvořák Jiří", "Łukasz Żak"]),
        ("cp866", ["Ольга Иванова", "Пётр"]),
        ("utf-8", ["João", "王伟"]),
    ],
)
def test_names_in_zips_of_windows(encoding, names, tmp_path):
    """Windows writes backslashes and the encoding of its country, and does not say which."""
    given = tmp_path / "class.zip"
    stored = {name: f"{name}\\work\\evaluation.ipynb".encode(encoding) for name in names}
    with zipfile.ZipFile(given, "w") as archive:
        for place, name in enumerate(names):
            archive.writestr(zipfile.ZipInfo("AB"[place] * len(stored[name])), note("05", name))
    content = given.read_bytes()
    for place, name in enumerate(names):
        content = content.replace(b"AB"[place : place + 1] * len(stored[name]), stored[name])
    given.write_bytes(content)
    assert sorted(one.student for one in intake.collect([given]).submissions) == names


def test_names_that_winrar_writes_beside_the_mangled_ones(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("王伟", "李娜"):
            mangled, path = b"??/evaluation.ipynb", f"{name}/evaluation.ipynb".encode()
            member = zipfile.ZipInfo(mangled.decode())
            field = b"\x01" + zlib.crc32(mangled).to_bytes(4, "little") + path
            member.extra = struct.pack("<HHI", 0x9999, 4, 0) + struct.pack(
                "<HH", 0x7075, len(field)
            )
            member.extra += field
            archive.writestr(member, note("05", name))
    (tmp_path / "class.zip").write_bytes(stream.getvalue())
    assert people(intake.collect([tmp_path / "class.zip"])) == ["李娜 | 05", "王伟 | 05"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_path_twice_in_a_zip_is_told(tmp_path):
    """As where a program wrote "??" for the letters of all names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in ("王伟", "李娜"):
            archive.writestr("??/evaluation.ipynb", note("05", name))
    (tmp_path / "class.zip").write_bytes(stream.getvalue())
    found = intake.collect([tmp_path / "class.zip"]).submissions
    assert len(found) == 2
    assert all("several files under one path" in " ".join(one.flags) for one in found)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (10, 9, "only some programs know"),  # Deflate64, as Windows packs large files
        (10, 93, "only some programs know"),
        (16, 0, "damaged in the zip"),  # the checksum
        (8, 1, "encrypted"),
    ],
)
def test_a_file_that_cannot_be_unpacked_is_told_and_the_others_are_graded(
    place, value, said, tmp_path
):
    content = bytearray(packed(["ada/evaluation.ipynb", "bo/evaluation.ipynb"]))
    last = content.rfind(b"PK\x01\x02")
    first = struct.unpack_from("<I", content, last + 42)[0]
    struct.pack_into("<H", content, last + place, value)
    struct.pack_into("<H", content, first + place - 2, value)
    (tmp_path / "class.zip").write_bytes(bytes(content))
    found = intake.collect([tmp_path / "class.zip"])
    assert people(found) == ["ada | 05"]
    (refused,) = found.refused
    assert (refused.student, said in refused.sentence) == ("bo", True)


def test_a_file_of_no_bytes_is_said_to_be_empty(tmp_path):
    members = {"ada/evaluation.ipynb": None, "bo/evaluation.ipynb": b"", "cy/x.ipynb": b"\0\0\0"}
    found = listing([unpacked(tmp_path / "class", members)], "05")
    assert [(one.student, one.sentence[:13]) for one in found.refused] == [
        ("bo", "It is empty; "),
        ("cy", "It is empty; "),
    ]


def test_a_folder_of_reports_inside_the_class_is_nobodys(tmp_path):
    members = ["ada/evaluation.ipynb", "bo/evaluation.ipynb", "out/grades.csv", "out/x/ada.html"]
    given = unpacked(tmp_path / "class", members)
    out = given / "out"
    for place in (out, Path(os.path.relpath(out))):
        assert intake.collect([given], None, place).refused == []
    assert [one.student for one in intake.collect([given]).refused] == ["out", "out"]
    (given / "bo" / "out").mkdir()
    (given / "bo" / "out" / "report.pdf").write_bytes(b"of his own")
    assert [one.student for one in intake.collect([given], None, out).refused] == ["bo"]
