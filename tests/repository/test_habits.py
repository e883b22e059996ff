"""Files for maintainers: versions, hooks, workflows, issue forms and CONTRIBUTING.md."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

import course_utils
from course_utils import settings

ROOT = settings.course_root()
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
#: The only jobs that may write, and what.
MAY_WRITE = {
    ("site", "deploy"): {"pages": "write", "id-token": "write"},
    ("release", "publish"): {"contents": "write"},
}
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("[0-9]*.yml"))


def read_yaml(path: Path) -> dict:
    # PyYAML follows YAML 1.1, in which the key "on" of a workflow is the value true
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def recipe(target: str) -> list[str]:
    """Return the commands of a target of the Makefile."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)
    assert found, f"the Makefile has no target {target}"
    return [line.strip() for line in found[1].splitlines()]


def targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE))


# --- versions ----------------------------------------------------------------------------------


def test_the_citation_names_this_version_and_license():
    citation = read_yaml(ROOT / "CITATION.cff")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert str(citation["version"]) == course_utils.__version__
    assert citation["license"] == project["license"]


def test_the_changelog_begins_with_what_is_not_released_or_with_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first, *_ = re.findall(r"^## \[?([^\]\n]+?)\]?(?: - \d{4}-\d\d-\d\d)?$", text, re.MULTILINE)
    assert first in {"Unreleased", course_utils.__version__}


@pytest.mark.parametrize("package", ["course_utils", "course_staff"])
def test_type_hints_are_announced_and_installed(package):
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert (ROOT / package / "py.typed").is_file()
    assert "py.typed" in setuptools["setuptools"]["package-data"][package]


# --- make lint and the hooks -------------------------------------------------------------------


def test_the_hooks_run_the_commands_of_make_lint():
    (repository,) = read_yaml(ROOT / ".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    hooks = repository["hooks"]
    assert [hook["entry"] for hook in hooks] == [
        command.replace("$(RUN)", ".venv/bin/python") for command in recipe("lint")
    ]
    for hook in hooks:
        assert hook["language"] == "system"  # the course's own environment
        assert hook["pass_filenames"] is False


def test_make_help_names_targets_that_exist():
    named = set(re.findall(r'@echo "make ([\w-]+)', MAKEFILE))
    assert named <= targets()
    assert targets() - named <= {"help", "dev"}


# --- workflows ---------------------------------------------------------------------------------


def commands(workflow: dict) -> list[str]:
    """Return the lines of all "run:" steps."""
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    return [line.strip() for step in steps if "run" in step for line in step["run"].splitlines()]


def windows_lines() -> list[str]:
    """Return the commands for Windows in README.md."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").partition("### Windows")[2]
    return re.findall(r"```\n(.*?)```", text, re.DOTALL)[0].splitlines()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_call_make_and_course_alone(path):
    """Workflows call make and course only; on Windows, the commands of README.md."""
    allowed = (r"make [\w-]+( [A-Z]+=\S+| ARGS=\"[\w ]+\")*", r"(\.venv/bin/)?course [\w ]+")
    for command in commands(read_yaml(path)):
        if command.startswith("$"):  # a setting of PowerShell
            continue
        if command in windows_lines():
            continue
        assert any(re.fullmatch(pattern, command) for pattern in allowed), command
        if command.startswith("make"):
            assert command.split()[1] in targets(), command


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_may_only_read_and_end(path):
    workflow = read_yaml(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert 0 < job["timeout-minutes"] <= 180
        assert job.get("permissions", {}) == MAY_WRITE.get((path.stem, name), {})


def test_only_actions_of_github_are_used():
    """No code of others runs with the rights of a workflow."""
    for path in WORKFLOWS:
        for job in read_yaml(path)["jobs"].values():
            used = [step["uses"] for step in job["steps"] if "uses" in step]
            assert all(re.fullmatch(r"actions/[\w-]+@v\d+", action) for action in used), path.name


def test_a_release_has_what_it_promises():
    """Each zip that "make release" writes is named in the target, and all are published."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = re.search(r"^release:.*\n((?:\t.+\n)+)", text, re.MULTILINE)[1]
    made = set(re.findall(r"build/release/(\w+)\.zip", recipe))
    assert made == {"course", "slides", "handouts"}
    assert "build/release/*.zip" in re.search(r"^publish:\n((?:\t.+\n)+)", text, re.MULTILINE)[1]


def test_windows_is_set_up_as_the_readme_says():
    workflow = read_yaml(ROOT / ".github" / "workflows" / "test.yml")
    windows = commands({"jobs": {"windows": workflow["jobs"]["windows"]}})
    setup = [line for line in windows_lines() if line not in {"course check", "course lab"}]
    assert [line for line in windows if not line.startswith("$")] == [
        *setup,
        "course check",
        "course lessons 00 01",
    ]


def test_every_python_that_is_promised_is_tested():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    promised = SpecifierSet(project["requires-python"])
    workflow = read_yaml(ROOT / ".github" / "workflows" / "test.yml")
    tested = workflow["jobs"]["linux"]["strategy"]["matrix"]["python"]
    assert tested == [f"3.{n}" for n in range(30) if promised.contains(f"3.{n}")]


# --- issue forms -------------------------------------------------------------------------------


def test_there_is_a_form_for_each_kind_of_reader():
    assert [path.stem for path in FORMS] == ["1-student", "2-instructor", "3-contributor"]


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_issue_forms_are_what_the_site_takes(path):
    form = read_yaml(path)
    assert form["name"]
    assert form["description"]
    ids = [field["id"] for field in form["body"] if field["type"] != "markdown"]
    assert len(set(ids)) == len(ids) > 0
    for field in form["body"]:
        wanted = {"markdown": "value"}.get(field["type"], "label")
        assert field["type"] in {"markdown", "input", "textarea", "dropdown", "checkboxes"}
        assert field["attributes"][wanted]
        if field["type"] in {"dropdown", "checkboxes"}:
            assert field["attributes"]["options"]


# --- CONTRIBUTING.md ---------------------------------------------------------------------------


def test_the_contributors_page_names_what_exists():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 200
    named = set(re.findall(r"\bmake ([a-z][\w-]*)", "\n".join(re.findall(r"`+[^`]+`+", text))))
    assert named
    assert named <= targets(), named - targets()
    paths = re.findall(
        r"`((?:course_utils|course_staff|tests|notebooks|solutions|data)/[\w/.]+)`", text
    )
    named = [path for path in paths if not re.search("NN|NAME|ROOM", path)]
    missing = [path for path in named if not (ROOT / path).exists()]
    assert paths
    assert not missing


def test_ci_is_a_script_that_bash_can_read():
    answer = subprocess.run(
        ["bash", "-n", str(ROOT / ".ci" / "run")], capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stderr
