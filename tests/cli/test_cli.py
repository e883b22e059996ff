"""The command ``course``, as it is typed: what it prints, and with which status it ends."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from importlib import metadata
from pathlib import Path

import notebooks_for_tests
import pytest
from image_folders import tree
from typer.testing import CliRunner

import course_utils
from course_utils import cli, settings
from course_utils.datasets import cifar10, removal
from course_utils.workspace import copies, machine

VERBS = (
    "serve",
    "check",
    "lab",
    "lessons",
    "build",
    "reset",
    "bench",
    "grade",
    "release",
    "links",
    "data",
)


def process(*words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess:
    """Run ``course WORDS`` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "course_utils.cli", *words],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "200", **variables},
        timeout=300,
        cwd=cwd,
    )


@pytest.fixture
def course(monkeypatch, capsys):
    """Run ``course WORDS`` in this process; the same arguments and results as :func:`process`."""

    def run(*words: str, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["course", *words])
            for name, value in {"COLUMNS": "200", **variables}.items():
                patch.setenv(name, value)
            patch.setattr(cli.console, "_width", 200)  # it read COLUMNS when it was imported
            if cwd is not None:
                patch.chdir(cwd)
            capsys.readouterr()
            with pytest.raises(SystemExit) as ended:
                cli.main()
        code = ended.value.code or 0
        return subprocess.CompletedProcess(words, code, *capsys.readouterr())

    return run


def refused(answer: subprocess.CompletedProcess) -> str:
    """The one sentence on stderr with which the command refused."""
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    sentence = " ".join(answer.stderr.split())
    assert sentence.startswith("course: ")
    return sentence


def test_version_names_what_is_installed_and_imports_no_tensorflow():
    code = (
        "import sys; sys.argv = ['course', '--version']\n"
        "from course_utils.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print('tensorflow' in sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert answer.returncode == 0
    assert answer.stdout.splitlines() == [
        f"course-utils {course_utils.__version__}",
        f"Python {platform.python_version()} on {platform.system()}",
        f"TensorFlow {metadata.version('tensorflow')}",
        "False",
    ]


def test_version_without_tensorflow(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("course_utils.workspace.machine.metadata.version", missing)
    answer = CliRunner().invoke(cli.app, ["--version"])
    assert answer.exit_code == 0
    assert "TensorFlow is not installed" in answer.output


def test_help_names_every_verb_and_is_quick():
    began = time.perf_counter()
    answer = process("--help")
    assert time.perf_counter() - began < 10
    assert answer.returncode == 0
    for verb in VERBS:
        assert f" {verb} " in answer.stdout


@pytest.mark.parametrize("words", [["data"], ["lessons"], ["data", "use"], ["build"], ["reset"]])
def test_every_verb_explains_itself(words, course):
    answer = course(*words, "--help")
    assert answer.returncode == 0
    assert "Usage" in answer.stdout


def test_help_loads_nothing_heavy():
    code = (
        "import sys\n"
        "sys.argv = ['course', '--help']\n"
        "from course_utils import cli\n"
        "try:\n    cli.main()\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'tensorflow', 'keras', 'pandas', 'nbclient', 'matplotlib'}\n"
        "print(sorted(heavy & {*sys.modules}))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip().endswith("[]")


def test_a_wrong_word_is_refused_with_what_is_possible(course):
    answer = course("lesson")
    assert answer.returncode == 2
    assert "lessons" in answer.stderr


@pytest.mark.parametrize("words", [["lessons", "77"], ["build", "77"], ["reset", "77"]])
def test_an_unknown_lesson_is_one_sentence_with_the_known_ones(words, course):
    assert "'77' means no lesson; the lessons are 00_start_here" in refused(course(*words))


@pytest.mark.parametrize(
    "words",
    [
        ["data", "use", "tf_flower"],
        ["data", "get", "tf_flower"],
        ["lessons", "--dataset", "tf_flower"],
    ],
)
def test_an_unknown_dataset_suggests_the_nearest(words, course):
    assert "did you mean 'tf_flowers'?" in refused(course(*words))


def test_epochs_must_be_a_number_of_at_least_1(course):
    assert course("lessons", "--epochs", "0").returncode == 2
    assert course("lessons", "--epochs", "ten").returncode == 2
    assert "COURSE_EPOCHS is 'ten'" in refused(course("lessons", "00", COURSE_EPOCHS="ten"))


def test_a_dataset_is_chosen_and_forgotten(tmp_path, course):
    work = {"COURSE_WORK": str(tmp_path / "a work folder")}
    assert "Nothing is chosen" in course("data", "use", **work).stdout
    assert "use paper_flowers from now on" in course("data", "use", "paper_flowers", **work).stdout
    assert "use paper_flowers." in course("data", "use", **work).stdout
    assert "in use" in course("data", "list", **work).stdout
    answer = course("data", "use", "paper_flowers", **work, COURSE_DATASET="tf_flowers")
    assert "COURSE_DATASET is tf_flowers and has priority" in answer.stdout
    course("data", "use", "--forget", **work)
    assert "Nothing is chosen" in course("data", "use", **work).stdout


def test_a_dataset_that_is_not_here_cannot_be_chosen(tmp_path, course):
    empty = {"COURSE_DATA": "", "KERAS_HOME": str(tmp_path), "TFDS_DATA_DIR": str(tmp_path)}
    if (settings.downloads_root() / "cifar10").exists():
        pytest.skip("cifar10 was downloaded into this copy of the course")
    answer = course("data", "use", "cifar10", **empty)
    assert "fetch it with 'course data get cifar10'" in refused(answer)


def test_a_folder_of_ones_own_is_chosen_and_listed(tmp_path, course):
    root = tree(tmp_path / "my [photos]", {"cats": 4, "dogs": 5})
    work = {"COURSE_WORK": str(tmp_path / "work"), "COURSE_DATA": ""}
    answer = course("data", "use", root.name, cwd=tmp_path, **work)
    assert f"The lessons use {root} from now on." in answer.stdout
    shown = course("data", "list", **work).stdout
    (line,) = [line for line in shown.splitlines() if "my [photos]" in line]
    assert line.split()[:3] == ["here", "in", "use"]
    assert " 9 " in line
    assert " 2 " in line
    assert str(tmp_path / "work/settings.json") in shown
    shutil.rmtree(root / "dogs")
    assert "one class only (cats)" in refused(course("data", "use", str(root), **work))
    assert f"is no folder {root}" not in course("data", "list", **work).stdout
    shutil.rmtree(root)
    assert "no such folder" in course("data", "list", **work).stdout


def test_a_folder_of_ones_own_is_never_removed(tmp_path, course):
    root = tree(tmp_path / "photos", {"cats": 4, "dogs": 5})
    sentence = refused(course("data", "remove", str(root)))
    assert "is a folder of your own; the course removes only what it has downloaded" in sentence
    assert len(list(root.rglob("*.jpg"))) == 9
    assert "ships with the course" in refused(course("data", "remove", "paper_flowers"))
    assert "did you mean 'tf_flowers'?" in refused(course("data", "remove", "tf_flower"))


def test_what_lies_in_work_is_listed_with_its_size(tmp_path, course):
    (tmp_path / "work/cache/decoded").mkdir(parents=True)
    (tmp_path / "work/cache/decoded/x").write_bytes(bytes(2_500_000))
    (tmp_path / "work/notebooks").mkdir()
    (tmp_path / "work/notebooks/x").write_bytes(bytes(1_200))
    shown = course("data", "list", COURSE_WORK=str(tmp_path / "work")).stdout
    sizes = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if "/work/" in line}
    assert sizes[str(tmp_path / "work/cache/decoded")] == ["2.5", "MB"]
    assert sizes[str(tmp_path / "work/notebooks")] == ["1.2", "kB"]


def test_the_choice_is_what_settings_give_and_the_variable_wins(monkeypatch):
    settings.choose_dataset("clothing")
    assert settings.dataset_name() == "clothing"
    monkeypatch.setenv("COURSE_DATASET", "cifar10")
    assert settings.dataset_name() == "cifar10"
    monkeypatch.delenv("COURSE_DATASET")
    settings.choose_dataset(None)
    assert settings.dataset_name() is None


def test_a_damaged_choice_is_one_sentence(tmp_path, course):
    (tmp_path / "settings.json").write_text("{")
    answer = course("data", "use", COURSE_WORK=str(tmp_path))
    assert "is damaged; choose a dataset again" in refused(answer)
    assert course("data", "use", "paper_flowers", COURSE_WORK=str(tmp_path)).returncode == 0
    assert "use paper_flowers." in course("data", "use", COURSE_WORK=str(tmp_path)).stdout


@pytest.mark.parametrize("words", [("data", "use", "paper_flowers"), ("reset", "00")])
def test_a_work_folder_that_cannot_be_one_is_one_sentence(tmp_path, course, words):
    (tmp_path / "file").write_text("mine")
    answer = course(*words, COURSE_WORK=str(tmp_path / "file"))
    assert "free some space, or set COURSE_WORK to another folder." in refused(answer)
    assert (tmp_path / "file").read_text() == "mine"


def test_a_terminal_that_lacks_a_character_shows_its_code(tmp_path):
    code = "import sys; sys.argv = ['course', 'data', 'get', '日本']; import course_utils.cli as c"
    environment = settings.environment(PYTHONIOENCODING="ascii", COURSE_WORK=str(tmp_path))
    answer = subprocess.run(
        [sys.executable, "-c", f"{code}; c.main()"], capture_output=True, text=True, env=environment
    )
    assert r"no folder called '\u65e5\u672c'" in refused(answer)


def test_relative_folders_stay_where_they_are_in_other_processes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_WORK", "my work")
    monkeypatch.setenv("COURSE_DATA", " ")
    made = settings.environment()
    assert made["COURSE_WORK"] == str(settings.work_root()) == str(tmp_path / "my work")
    assert made["COURSE_DATA"] == " "


def test_check_ends_well_on_this_machine_and_badly_with_a_wrong_setting(
    tmp_path, course, monkeypatch
):
    good = course("check", COURSE_DATA="")
    assert good.returncode == 0, good.stdout
    assert "The lessons can run here." in good.stdout
    monkeypatch.setattr(machine, "probe_tensorflow", machine.TensorFlow)  # once is enough
    bad = course("check", COURSE_DATA=str(tmp_path / "nowhere"))
    assert bad.returncode == 1
    assert "there is no such folder" in bad.stdout
    assert "fix what is marked with stop" in bad.stdout


def test_reset_hands_out_the_original_again(course):
    answer = course("reset", "00")
    assert answer.returncode == 0
    (copy,) = (settings.work_root() / "notebooks").glob("*.ipynb")
    original = settings.course_root() / "notebooks" / copy.name
    mine, theirs = (json.loads(path.read_text(encoding="utf-8")) for path in (copy, original))
    assert [one["source"] for one in mine["cells"]] == [one["source"] for one in theirs["cells"]]
    assert not any(one.get("outputs") for one in mine["cells"])
    copy.write_text("mine")
    again = course("reset", "00")
    assert "Your copy is kept as" in again.stdout
    (backup,) = (settings.work_root() / "backups").iterdir()
    assert backup.read_text() == "mine"


def test_lessons_are_run_and_listed_and_one_that_fails_is_named(tmp_path, course, monkeypatch):
    monkeypatch.setattr(settings, "course_root", lambda: tmp_path)
    told = "from course_utils.results import report_result\nreport_result('accuracy', 0.5)"
    notebooks_for_tests.write(tmp_path / "notebooks/00_good.ipynb", told)
    answer = course("lessons", "--epochs", "1")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    (row,) = [line for line in answer.stdout.splitlines() if "accuracy" in line]
    assert "00_good" in row
    assert "1 of 1 lessons ran" in answer.stdout
    notebooks_for_tests.write(tmp_path / "notebooks/01_bad.ipynb", "1 / 0")
    answer = course("lessons")
    assert answer.returncode == 1
    assert "01_bad failed in cell T-0: ZeroDivisionError: division by zero" in answer.stdout
    assert "1 of 2 lessons ran" in answer.stdout


@pytest.mark.slow
def test_every_verb_works_in_a_folder_with_spaces(tmp_path):
    root = tmp_path / "my course – Kurs"
    here = settings.course_root()
    unneeded = shutil.ignore_patterns("__pycache__", "0[1-9]_*.ipynb")
    shutil.copytree(here / "course_utils", root / "course_utils", ignore=unneeded)
    shutil.copytree(here / "notebooks", root / "notebooks", ignore=unneeded)
    for name in ("data", "README.md", "pyproject.toml", "requirements.txt"):
        (root / name).symlink_to(here / name)
    variables = {
        "PYTHONPATH": str(root),
        "COURSE_WORK": str(root / "my work"),
        "COURSE_DATA": "",
        "COURSE_DATASET": "paper_flowers",
        "COURSE_EPOCHS": "1",
    }
    for words, expected in (
        (["check"], "The lessons can run here."),
        (["lessons", "00"], "1 of 1 lessons ran"),
        (["reset", "00"], "is the original again"),
        (["data", "list"], "paper_flowers"),
        (["data", "use", "paper_flowers"], "use paper_flowers from now on"),
        (["bench", "--list"], "import"),
        (["build", "00"], ""),
    ):
        answer = process(*words, cwd=root, **variables)
        assert answer.returncode == 0, (words, answer.stdout, answer.stderr)
        assert expected in answer.stdout
    assert (root / "build" / "lessons" / "00_start_here.html").is_file()


@pytest.mark.slow
def test_lessons_that_are_stopped_say_what_ran(tmp_path):
    environment = settings.environment(
        COURSE_DATASET="paper_flowers", COURSE_DATA="", COURSE_WORK=str(tmp_path), COURSE_EPOCHS="1"
    )
    command = [sys.executable, "-m", "course_utils.cli", "lessons", "00", "01"]
    running = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    told = []
    for line in running.stdout:
        # Interrupted while it is being written, the line may come twice; Ctrl-C is pressed once.
        if "01_convolution_by_hand ..." in line and line not in told:
            running.send_signal(signal.SIGINT)
        told.append(line)
    assert running.wait(timeout=60) == 130
    shown = "".join(told)
    assert "1 of 1 lessons ran" in shown
    assert "Stopped: 1 of 2 lessons did not run." in shown
    assert "Traceback" not in shown


def test_a_changed_copy_is_kept_when_the_lab_opens(course, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "course_root", lambda: tmp_path)
    opened = []
    monkeypatch.setattr(copies, "open_lab", lambda browser: opened.append(browser) or 0)
    original = tmp_path / "notebooks/00_small.ipynb"
    notebooks_for_tests.write(original, "x = 1")
    assert course("lab", "--no-browser").stdout == ""
    (copy,) = (settings.work_root() / "notebooks").glob("*.ipynb")
    notebooks_for_tests.write(copy, "x = 'mine'")
    notebooks_for_tests.write(original, "x = 2")
    told = " ".join(course("lab").stdout.split())
    assert "00_small.ipynb was not updated, because you changed it; the new version is" in told
    assert "mine" in copy.read_text(encoding="utf-8")
    assert opened == [False, True]


def test_a_download_that_is_here_is_named_and_removed_with_its_choice(
    course, tmp_path, monkeypatch
):
    monkeypatch.setattr(settings, "downloads_root", lambda: tmp_path / "downloads")
    monkeypatch.setenv("COURSE_DATA", "")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    folder = tmp_path / "datasets/cifar-10-batches-py-target/cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name in cifar10._BATCHES:
        (folder / name).write_bytes(bytes(1000))
    answer = course("data", "get", "cifar10")
    assert f"cifar10 is here: {folder}" in answer.stdout
    assert course("data", "use", "cifar10").returncode == 0
    sentence = refused(course("data", "remove", "cifar10"))
    assert "which is not a download of the course" in sentence
    removal.remember("cifar10")
    answer = course("data", "remove", "cifar10")
    assert f"Disk space freed: {len(cifar10._BATCHES)}.0 kB." in answer.stdout
    assert "the choice is deleted too" in answer.stdout
    assert not folder.exists()
    assert "fetch it with" in refused(course("data", "use", "cifar10"))


# --- verbs of course_staff -----------------------------------------------------------------------


def test_rows_of_the_bench_are_listed(course):
    answer = course("bench", "--list", "import course_utils")
    assert answer.returncode == 0
    assert answer.stdout.startswith("import course_utils: ")
    assert len(answer.stdout.splitlines()) == 1
    assert "There is no row 'nothing' to measure" in refused(course("bench", "nothing"))


def test_a_broken_link_is_listed_and_ends_badly(course, tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "course_root", lambda: tmp_path)
    (tmp_path / "README.md").write_text("[one](nowhere.md) and [another](README.md)")
    answer = course("links", "--offline")
    assert answer.returncode == 1
    assert "broken README.md: nowhere.md: " in answer.stdout
    assert "2 links checked, 1 broken." in answer.stdout
    (tmp_path / "nowhere.md").touch()
    answer = course("links", "--offline")
    assert answer.returncode == 0
    assert answer.stdout == "2 links checked, 0 broken.\n"


def test_the_zip_for_students_is_written_and_counted(course, tmp_path):
    answer = course("release", "00", "--out", str(tmp_path / "course.zip"))
    assert answer.returncode == 0
    with zipfile.ZipFile(tmp_path / "course.zip") as archive:
        assert f"is written: {len(archive.namelist())} files, " in answer.stdout


def test_submissions_are_listed_before_anything_is_graded(course, tmp_path):
    (tmp_path / "class/Ada").mkdir(parents=True)
    solution = settings.course_root() / "solutions/01_convolution_by_hand"
    shutil.copy(solution / "convolution_by_hand.ipynb", tmp_path / "class/Ada")
    (tmp_path / "class/Bob").mkdir()
    (tmp_path / "class/Bob/convolution_by_hand.ipynb").write_text("{")
    folder = str(tmp_path / "class")
    assert "Name a folder for the reports with --out" in refused(course("grade", folder))
    answer = course("grade", folder, "--list")
    assert answer.returncode == 0
    (ada,) = [line for line in answer.stdout.splitlines() if line.startswith("Ada")]
    assert "01_convolution_by_hand" in ada
    assert "not graded: Bob: " in answer.stdout
    assert "Notebooks: 1; students: 2. Nothing was graded." in answer.stdout
