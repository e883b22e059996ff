"""The zip for students: what it contains, what it omits, and that it runs on its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest

from course_staff.authoring import release
from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.workspace import lessons


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """Unpack the release of lesson 01 in a folder with spaces; return it with its file names."""
    folder = tmp_path_factory.mktemp("my downloads")
    zipped = folder / "course 01.zip"
    count = release.release(lessons.find(["01"]), zipped)
    with zipfile.ZipFile(zipped) as archive:
        names = archive.namelist()
        archive.extractall(folder)
    assert len(names) == count
    return folder / release.FOLDER, names


# With an editable install, files missing in the copy would be found in the course itself.
ALONE = (
    "import sys\n"
    "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in str(f).lower()]\n"
)


def command(root, *words):
    return run(
        root,
        f"from course_utils import cli\nsys.argv = ['course', *{words!r}]\ncli.main()\n",
    )


def run(root, code):
    variables = {
        "PYTHONPATH": str(root),
        "COURSE_WORK": str(root / "work"),
        "COURSE_DATA": "",
        "COURSE_DATASET": "paper_flowers",
        "COURSE_EPOCHS": "1",
        "COLUMNS": "200",
    }
    return subprocess.run(
        [sys.executable, "-c", ALONE + code],
        cwd=root,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_it_holds_what_a_student_needs_and_nothing_that_gives_answers_away(unpacked):
    _, names = unpacked
    inside = {name.removeprefix(f"{release.FOLDER}/") for name in names}
    topic = "01_convolution_by_hand"
    assert {f"notebooks/{topic}.ipynb", "README.md", "requirements.txt"} <= inside
    assert f"exercises/{topic}/convolution_by_hand.ipynb" in inside
    assert len([name for name in inside if name.startswith("data/paper_flowers/")]) > 2500
    folders = {name.split("/")[0] for name in inside if "/" in name}
    assert folders == {"course_utils", "data", "exercises", "notebooks"}
    assert not [name for name in inside if "course_staff" in name or "__pycache__" in name]
    assert {name for name in inside if name.startswith("notebooks/")} == {
        f"notebooks/{topic}.ipynb"
    }


def test_lessons_come_without_outputs(unpacked):
    root, _ = unpacked
    name = "01_convolution_by_hand.ipynb"
    stored = nbformat.read(settings.course_root() / "notebooks" / name, as_version=4)
    assert any(cell.get("outputs") for cell in stored.cells)
    stored.cells = [c for c in stored.cells if "remove-cell" not in c.metadata.get("tags", [])]
    for cell in stored.cells:
        if cell.cell_type == "code":
            cell.update(outputs=[], execution_count=None)
    assert nbformat.read(root / "notebooks" / name, as_version=4) == stored


def test_readme_and_makefile_name_only_what_is_there(unpacked):
    root, _ = unpacked
    text = (root / "README.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (root / link).exists(), link
    for anchor in re.findall(r"\]\(#([^)]+)\)", text):
        titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        assert anchor in {title.lower().replace(" ", "-") for title in titles}
    for word in ("INSTRUCTORS", "tests/", "requirements-dev", "git ", "repository"):
        assert word not in text, word
    assert len(re.findall(r"\(notebooks/", text)) == 1, "the lesson that went along"
    verbs = set(re.findall(r"(?m)^ *│ (\w+) ", command(root, "--help").stdout))
    assert verbs == {"check", "lab", "reset", "lessons", "data", "serve"}
    assert set(re.findall(r"(?:`|^)course (\w+)", text, re.MULTILINE)) <= verbs
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    assert targets == {"help", "setup", "lab", "lessons"}
    assert set(re.findall(r"make ([a-z]\w*)", text + makefile)) <= targets
    shown = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^make ([\w-]+)", shown.stdout, re.MULTILINE)) == targets - {"help"}


def test_what_is_here_names_the_rest_too():
    text = (settings.course_root() / "README.md").read_text(encoding="utf-8")
    assert {"make test", "make bench"} <= set(re.findall(r"make \w+", text))
    assert {"course grade", "course release"} <= set(re.findall(r"course \w+", text))


@pytest.mark.parametrize("name", ["README.md", "Makefile"])
def test_a_mark_that_stands_alone_is_refused(name):
    text = b"a\n<!-- only in the repository -->\nb\n"
    with pytest.raises(InvalidInput, match=f"{name} must hold the lines"):
        release._for_students(name, text, [])
    assert release._for_students("data/README.md", text, []) == text


def test_the_solutions_go_along_only_when_asked_for(tmp_path):
    out = tmp_path / "with.zip"
    release.release(lessons.find(["01"]), out, solutions=True)
    with zipfile.ZipFile(out) as archive:
        solved = [name for name in archive.namelist() if "/solutions/" in name]
    assert solved == [
        f"{release.FOLDER}/solutions/01_convolution_by_hand/convolution_by_hand.ipynb"
    ]


def test_the_same_files_give_the_same_zip(tmp_path):
    both = [tmp_path / "a.zip", tmp_path / "b.zip"]
    for out in both:
        release.release(lessons.find(["00"]), out)
    assert both[0].read_bytes() == both[1].read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip"]


@pytest.mark.slow
def test_the_lesson_runs_on_its_own(unpacked):
    root, _ = unpacked
    answer = command(root, "lessons")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "1 of 1 lessons ran" in answer.stdout
    assert (root / "build" / "lessons" / "01_convolution_by_hand.html").is_file()


def test_the_checks_answer(unpacked):
    root, _ = unpacked
    code = (
        "from course_utils import settings\n"
        "from course_utils.checks import check\n"
        "print(settings.course_root())\n"
        "check('01.1')\n"
    )
    answer = run(root, code)
    assert str(root) in answer.stdout, answer.stderr
    assert "Not attempted yet" in answer.stdout
    assert answer.returncode == 0, answer.stderr


def test_the_grader_is_missed_in_one_sentence(unpacked):
    root, _ = unpacked
    answer = command(root, "grade", "x.ipynb", "--out", "report")
    assert answer.returncode == 1
    assert "is for instructors and is not part of a copy for students" in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    ("name", "words"), [("course.tar", "name it course.zip"), ("no/course.zip", "no folder")]
)
def test_a_name_that_cannot_be_written_is_refused(tmp_path, name, words):
    with pytest.raises(InvalidInput, match=words):
        release.release(lessons.find(["00"]), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_part_that_is_missing_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "course_root", lambda: tmp_path)
    with pytest.raises(Exception, match="README.md is missing"):
        release.release([], tmp_path / "course.zip")
