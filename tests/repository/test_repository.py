"""The repository as a whole: files, pinned versions, imports and stored lessons."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_staff.authoring import derived
from course_staff.authoring.build import LARGEST, METADATA
from course_utils import settings
from course_utils.workspace import lessons

ROOT = settings.course_root()
LESSONS = lessons.all_lessons()

#: A path that exists only on the machine of an author.
MACHINE_PATH = re.compile(
    r"(?<![\w.~])/(?:home|root|Users|work|farm|tmp|opt|private|mnt)/[\w.-]+|\b[A-Z]:\\Users\\"
)


def tracked_files() -> list[Path]:
    answer = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if answer.returncode != 0:
        pytest.skip("this copy of the course is not a git clone")
    paths = [ROOT / name for name in answer.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


# --- the stored lessons ------------------------------------------------------------------------


def cells_of(path: Path) -> list[dict]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)


def texts_of(output: dict) -> list[str]:
    kept = [joined(output.get("text", ""))]
    return kept + [joined(v) for k, v in output.get("data", {}).items() if k.startswith("text/")]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
class TestLesson:
    def test_ids_are_named_and_unique(self, path):
        ids = [cell.get("id", "") for cell in cells_of(path)]
        wrong = [name for name in ids if not re.fullmatch(rf"L{path.name[:2]}-[\w-]{{1,60}}", name)]
        assert not wrong, f"ids that are not like L{path.name[:2]}-name: {wrong}"
        assert len(set(ids)) == len(ids), sorted(name for name in ids if ids.count(name) > 1)

    def test_was_run_from_top_to_bottom(self, path):
        code = [cell for cell in cells_of(path) if cell["cell_type"] == "code"]
        counts = [cell["execution_count"] for cell in code if joined(cell["source"]).strip()]
        assert counts == list(range(1, len(counts) + 1)), f"run 'course build {path.stem}'"

    def test_stores_neither_stderr_nor_errors(self, path):
        for cell in cells_of(path):
            for output in cell.get("outputs", []):
                assert output.get("name") != "stderr", cell["id"]
                if "raises-exception" not in cell["metadata"].get("tags", []):
                    assert output["output_type"] != "error", cell["id"]

    def test_is_small_enough(self, path):
        assert path.stat().st_size <= LARGEST

    def test_stores_nothing_of_the_machine(self, path):
        stored = json.loads(path.read_text(encoding="utf-8"))
        measured = stored["metadata"].pop("course", {"seconds": 0})
        assert stored["metadata"] == METADATA
        assert list(measured) == ["seconds"]
        for cell in stored["cells"]:
            shown = [text for output in cell.get("outputs", []) for text in texts_of(output)]
            for text in [joined(cell["source"]), *shown]:
                assert not MACHINE_PATH.search(text), (cell["id"], MACHINE_PATH.search(text))

    def test_figures_are_described(self, path):
        bare = [
            cell["id"]
            for cell in cells_of(path)
            for output in cell.get("outputs", [])
            if "image/png" in output.get("data", {})
            and not output["metadata"].get("image/png", {}).get("alt")
        ]
        assert not bare, f"figures without alternative text: {bare}"

    def test_is_named_in_the_readme(self, path):
        assert f"notebooks/{path.name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_there_are_lessons():
    numbers = [path.name[:2] for path in LESSONS]
    assert numbers[:6] == [f"{n:02}" for n in range(6)]
    assert numbers == sorted(set(numbers)), "two lessons have the same number"


# --- pins and ranges ---------------------------------------------------------------------------


def requirements_in(name: str) -> dict[str, Requirement]:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    lines = [re.split(r"(?:^|\s)#", line)[0].strip() for line in lines]
    return as_requirements(line for line in lines if line)


def as_requirements(lines) -> dict[str, Requirement]:
    return {canonicalize_name(need.name): need for need in map(Requirement, lines)}


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

#: In requirements.in only to pin their versions; comments there give the reasons.
ONLY_FOR_PINS = {"setuptools", "array-record", "soupsieve"}


def test_environment_yml_has_the_pins_of_requirements_txt():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, through_pip = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}"
    assert pip == "pip"
    assert as_requirements(through_pip["pip"]) == requirements_in("requirements.txt")


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_everything_is_pinned_exactly(name):
    for need in requirements_in(name).values():
        assert [part.operator for part in need.specifier] == ["=="], need
        assert need.url is None


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "environment.yml"])
def test_pins_name_no_index_and_no_folder(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*--?[a-z]+[ =]", text.replace("- pip", ""), re.MULTILINE)
    assert not re.search(r"(?<!\w)/\w+/", text)


@pytest.mark.parametrize(
    ("ranges", "source", "pins", "besides"),
    [
        (PROJECT["dependencies"], "requirements.in", "requirements.txt", ONLY_FOR_PINS),
        (
            PROJECT["optional-dependencies"]["dev"],
            "requirements-dev.in",
            "requirements-dev.txt",
            set(),
        ),
    ],
)
def test_ranges_and_pins_agree(ranges, source, pins, besides):
    wanted, listed, pinned = as_requirements(ranges), requirements_in(source), requirements_in(pins)
    assert set(listed) == set(wanted) | besides
    for name, need in wanted.items():
        assert need.specifier == listed[name].specifier, name
        (pin,) = pinned[name].specifier
        assert need.specifier.contains(pin.version), (name, pin)
        assert ">=" in str(need.specifier), f"{name} has no lower bound"
        assert "==" not in str(need.specifier), f"{name} is pinned where a range belongs"


def test_development_and_course_pin_the_same_versions():
    course, development = (
        requirements_in("requirements.txt"),
        requirements_in("requirements-dev.txt"),
    )
    for name in course.keys() & development.keys():
        assert course[name].specifier == development[name].specifier


def test_each_dependency_says_what_it_is_for():
    for name in ("requirements.in", "requirements-dev.in"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                assert " # " in line, line


def test_derived_files_are_up_to_date():
    assert not derived.stale(ROOT), "run 'make build', or 'course build --derived'"


# --- what is in git ----------------------------------------------------------------------------


def test_tracked_files_are_small():
    sizes = {path: path.stat().st_size for path in tracked_files()}
    largest = sorted(sizes, key=lambda path: -sizes[path])[:5]
    # 9 lessons of at most 1.5 MB, data of 12 MB, the weights of the lesson model, and the code
    assert sum(sizes.values()) <= 30e6, [(path.name, sizes[path]) for path in largest]


def test_no_file_names_a_path_or_registry_of_a_machine():
    here = Path(__file__).resolve()
    found = []
    for path in tracked_files():
        inside = path.relative_to(ROOT).as_posix()
        if path == here or inside.startswith("data/"):
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        text = re.sub(r'"image/png": "[^"]*"', "", text)
        for pattern in (r"(?<![\w.~-])/(?:work|root|farm|opt)/\w", r"/simple\b/?(?:\"|'|\s)"):
            found += [(inside, match.group()) for match in re.finditer(pattern, text)]
    assert not found


# --- the cost of an import ---------------------------------------------------------------------


def loaded_by(statement: str) -> tuple[float, set[str]]:
    """Return the seconds that `statement` takes in a new Python, and the modules it loads."""
    code = (
        "import sys, time; began = time.perf_counter()\n"
        f"{statement}\n"
        "print(time.perf_counter() - began, *sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    seconds, *names = answer.stdout.split()
    return float(seconds), set(names)


def test_the_package_imports_fast_and_without_tensorflow():
    times = []
    for _ in range(3):
        seconds, names = loaded_by("import course_utils")
        times.append(seconds)
        assert not names & {"tensorflow", "keras", "pandas", "matplotlib"}
    assert min(times) < 0.3


@pytest.mark.parametrize("room", ["settings", "convolution", "datasets", "quality", "cli"])
def test_rooms_that_need_no_tensorflow_do_not_load_it(room):
    assert "tensorflow" not in loaded_by(f"import course_utils.{room}")[1]
