"""Binder sets the course up with the commands of README.md."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib

from packaging.specifiers import SpecifierSet

from course_utils import settings
from course_utils.workspace import lessons

ROOT = settings.course_root()


def commands() -> list[str]:
    lines = (ROOT / ".binder" / "postBuild").read_text(encoding="utf-8").splitlines()
    return [line.replace(" --no-cache-dir", "") for line in lines if line.startswith("pip ")]


def test_binder_installs_what_the_readme_says():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    plain = readme.partition("### Plain Python")[2].partition("###")[0]
    assert commands() == [line for line in plain.splitlines() if line.startswith("pip install")]


def test_binder_can_run_the_script():
    path = ROOT / ".binder" / "postBuild"
    assert path.read_bytes().startswith(b"#!/bin/bash\n")
    assert path.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", str(path)]).returncode == 0


def test_binder_opens_notebooks_as_students_get_them(tmp_path, monkeypatch):
    for folder in ("notebooks", "exercises"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    monkeypatch.setattr(settings, "course_root", lambda: tmp_path)
    text = (ROOT / ".binder" / "postBuild").read_text(encoding="utf-8")
    (program,) = re.findall(r"<<'END'\n(.+?)^END$", text, re.MULTILINE | re.DOTALL)
    exec(program, {})
    opened = [*tmp_path.rglob("*.ipynb")]
    assert len(opened) == len(lessons.all_lessons(ROOT)) + len(lessons.all_exercises(ROOT))
    for path in opened:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert len(cells) > 10
        assert not [cell for cell in cells if cell.get("outputs") or lessons.is_hidden(cell)]


def test_binder_takes_a_python_that_the_course_supports():
    found = re.fullmatch(
        r"python-(3\.\d+)\n", (ROOT / ".binder" / "runtime.txt").read_text(encoding="utf-8")
    )
    assert found is not None
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert SpecifierSet(project["requires-python"]).contains(found[1])
