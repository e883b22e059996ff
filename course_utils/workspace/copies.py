"""Copies of lessons and exercises for the student in ``work/``, which git ignores.

The copies have no outputs, so that questions before a cell are real questions. ``git pull`` never
meets a file that the student changed, and an update never overwrites one:

* a copy without changes is replaced by the new lesson, also if JupyterLab saved it again;
* a copy that was run but not edited is moved to ``work/backups/``, and replaced;
* a copy that was edited stays, and the new lesson is put beside it.

A copy has changes if its cells or their outputs differ. The bytes of the file do not count, because
JupyterLab rewrites metadata as soon as a notebook is opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.files import write_atomic
from course_utils.workspace import lessons

_RECORD = ".handed_out.json"

#: Jupyter files of ``course lab``: a configuration (no news, and no menus and buttons of packages
#: that only the tests need: nbgrader, notebook, jupytext), an extension that gives figures their
#: texts, and a kernel that leaves in the terminal what TensorFlow's C++ code logs (some red lines
#: below the first cell). Errors and warnings of Python are shown in the notebook as usual.
_LAB_FILES = Path(__file__).with_name("lab")


@dataclass(frozen=True)
class Copy:
    """Result of updating one copy.

    Attributes
    ----------
    path : Path
        The student's copy.
    state : str
        ``"new"``, ``"unchanged"``, ``"updated"``, ``"backed up"`` (updated; the copy that was run
        is in `extra`), ``"kept"`` (run or edited; there is no new lesson) or ``"beside"`` (edited;
        the new lesson is in `extra`).
    extra : Path or None
        The backup or the new lesson.
    """

    path: Path
    state: str
    extra: Path | None = None


@dataclass(frozen=True)
class _Content:
    """Hashes of a notebook: of the file, of its cells, and of its outputs.

    `text` is of all cells that are not blank (Shift+Enter in the last cell adds a blank one) and
    not hidden from students.
    `outputs` is empty if no cell was run. Neither depends on metadata.
    """

    file: str
    text: str
    outputs: str


def update(
    originals: Iterable[Path] | None = None,
    work: Path | None = None,
    *,
    with_outputs: bool | None = None,
) -> list[Copy]:
    """Update the copies in ``work/`` without overwriting changes of the student.

    Lessons are copied to ``work/notebooks``, exercises to ``work/exercises``. The copies are
    signed, so that JupyterLab trusts them.

    Parameters
    ----------
    originals : iterable of Path, optional
        The notebooks to copy; by default all lessons and exercises.
    work : Path, optional
        The student's folder; by default that of the settings.
    with_outputs : bool, optional
        Whether new and unchanged copies have the stored outputs. By default as in the call before;
        at first without.

    Returns
    -------
    list of Copy
        One for each original.

    Raises
    ------
    InvalidInput
        If an original is not a notebook, or the record of the copies is damaged.
    MissingData
        If outputs are requested and no original has any.
    """
    if originals is None:
        originals = [*lessons.all_lessons(), *lessons.all_exercises()]
    originals = list(originals)
    if with_outputs:
        _need_outputs(originals)
    work = work or settings.work_root()
    record = _read_record(work)
    copies = [_update_one(original, work, record, with_outputs) for original in originals]
    _write_record(work, record)
    beside = [copy.extra for copy in copies if copy.state == "beside" and copy.extra]
    _sign([*beside, *(copy.path for copy in copies if copy.state not in ("beside", "kept"))])
    return copies


def _update_one(
    original: Path, work: Path, record: dict[str, dict[str, str]], with_outputs: bool | None
) -> Copy:
    name, copy = _place(original, work)
    handed_out = record.setdefault(name, {})
    if with_outputs is None:
        with_outputs = bool(handed_out.get("outputs"))
    new = _prepare(original, with_outputs)
    fresh = _content(new)
    state = _state(copy, fresh, original, handed_out)
    extra = None
    if state == "beside":
        extra = _free_name(copy.with_name(f"{copy.stem}.new.ipynb"))
        write_atomic(extra, new)
        handed_out["offered"] = fresh.text
    elif state != "kept":
        if state == "backed up":
            extra = _back_up(copy, work)
        if state != "unchanged":
            write_atomic(copy, new)
        handed_out.update(asdict(fresh))
    return Copy(copy, state, extra)


def _state(copy: Path, fresh: _Content, original: Path, handed_out: dict[str, str]) -> str:
    """Return the state of a copy, as in :class:`Copy`."""
    if not copy.exists():
        return "new"
    mine, source = _content(copy.read_bytes()), _content(original.read_bytes())
    if _untouched(mine, handed_out, source):
        same = fresh.file in (mine.file, handed_out.get("file"))
        return "unchanged" if same else "updated"
    offered = handed_out.get(
        "offered"
    )  # older versions of the course recorded the hash of the file
    if fresh.text in (mine.text, handed_out.get("text"), offered) or source.file == offered:
        return "kept"
    return "backed up" if mine.text == handed_out.get("text") else "beside"


def _untouched(mine: _Content, handed_out: dict[str, str], original: _Content) -> bool:
    """Return whether the student did not change a copy.

    Older versions of the course recorded no outputs and gave copies those of the original.
    """
    if mine.file == handed_out.get("file"):
        return True
    shown = ("", handed_out.get("outputs", original.outputs))
    return mine.text in (handed_out.get("text"), original.text) and mine.outputs in shown


def _place(original: Path, work: Path) -> tuple[str, Path]:
    """Return the name of a notebook in the record, and the path of the student's copy."""
    if original.parent.parent.name == "exercises":
        name = f"{original.parent.name}/{original.name}"
        return name, work / "exercises" / name
    return original.name, work / "notebooks" / original.name


def reset(
    name: str,
    work: Path | None = None,
    *,
    exercise: bool = False,
    with_outputs: bool = False,
) -> tuple[Path, Path | None]:
    """Replace the student's copy of a lesson, or of its exercise, by the original.

    Parameters
    ----------
    name : str
        The lesson, as for :func:`course_utils.workspace.lessons.find`.
    work : Path, optional
        The student's folder; by default that of the settings.
    exercise : bool
        Whether to reset the exercise of the lesson.
    with_outputs : bool
        Whether the copy has the stored outputs.

    Returns
    -------
    copy, backup : Path, Path or None
        The copy, and the dated backup of what it was if it was run or edited.

    Raises
    ------
    InvalidInput
        If `name` matches no lesson, or more than one, or the lesson has no exercise.
    MissingData
        If outputs are requested and the original has none.
    """
    (original,) = lessons.find([name])
    if exercise:
        found = [p for p in lessons.all_exercises() if p.parent.name == original.stem]
        if not found:
            raise InvalidInput(f"There is no exercise for lesson {original.stem}.")
        (original,) = found
    if with_outputs:
        _need_outputs([original])
    work = work or settings.work_root()
    record = _read_record(work)
    key, copy = _place(original, work)
    backup = None
    if copy.exists():
        mine, source = _content(copy.read_bytes()), _content(original.read_bytes())
        if mine.text != source.text or mine.outputs not in ("", source.outputs):
            backup = _back_up(copy, work)
    new = _prepare(original, with_outputs)
    write_atomic(copy, new)
    record[key] = asdict(_content(new))
    _write_record(work, record)
    _sign([copy])
    return copy, backup


def _need_outputs(originals: list[Path]) -> None:
    if not any(_content(path.read_bytes()).outputs for path in originals):
        which = f"{originals[0].name} is" if len(originals) == 1 else "All notebooks are"
        raise MissingData(
            f"{which} stored without outputs in this copy of the course, so there are none to "
            f"keep; leave out --with-outputs."
        )


def _prepare(original: Path, with_outputs: bool) -> bytes:
    """Return the content of a new copy.

    It contains the version of Python as the kernel reports it; otherwise JupyterLab marks a
    notebook as changed as soon as its kernel has started.
    """
    try:
        notebook = json.loads(original.read_text(encoding="utf-8"))
        lessons.remove_hidden(notebook)
        if not with_outputs:
            lessons.clear_outputs(notebook)
        language = notebook["metadata"].get("language_info")
        if language is not None:
            language["version"] = sys.version.split()[0]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{original} is no longer a notebook; restore it with 'git checkout', or download "
            f"the course again."
        ) from error
    return lessons.as_bytes(notebook)


def _sign(notebooks: Iterable[Path]) -> None:
    """Sign notebooks, so that JupyterLab trusts them, as ``jupyter trust`` does.

    Raises
    ------
    MissingData
        If the data folder of Jupyter cannot be written.
    """
    import nbformat
    from jupyter_core.paths import jupyter_data_dir
    from nbformat.sign import NotebookNotary

    folder = Path(jupyter_data_dir())
    try:
        folder.mkdir(parents=True, exist_ok=True)
        notary = NotebookNotary(data_dir=str(folder))
        with closing(notary.store):
            for path in notebooks:
                notary.sign(nbformat.read(path, as_version=4))
    except OSError as error:
        raise MissingData(
            f"Jupyter cannot write to its folder {folder}: {error.strerror}; set JUPYTER_DATA_DIR "
            f"to a folder of your own."
        ) from error


def _back_up(copy: Path, work: Path) -> Path:
    moment = datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
    backup = _free_name(work / "backups" / f"{copy.stem}.{moment}.ipynb")
    backup.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(copy, backup)
    return backup


def _free_name(path: Path) -> Path:
    """Return `path`, or the first of ``path-2``, ``path-3``, ... that does not exist."""
    numbered = (path.with_name(f"{path.stem}-{number}.ipynb") for number in count(2))
    return next(candidate for candidate in chain([path], numbered) if not candidate.exists())


def _content(data: bytes) -> _Content:
    file = hashlib.sha256(data).hexdigest()
    try:
        cells = [
            cell
            for cell in json.loads(data)["cells"]
            if "".join(cell["source"]).strip() and not lessons.is_hidden(cell)
        ]
        text = [_text_of(cell) for cell in cells]
        shown = [_shown_by(cell) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Content(file, file, file)  # no longer a notebook, so it was changed
    outputs = _hash(shown) if any(ran or outputs for ran, outputs in shown) else ""
    return _Content(file, _hash(text), outputs)


def _text_of(cell: dict[str, Any]) -> list[Any]:
    text = [cell["cell_type"], "".join(cell["source"])]
    pasted = cell.get("attachments")  # images
    return [*text, pasted] if pasted else text


def _shown_by(cell: dict[str, Any]) -> tuple[bool, Any]:
    return cell.get("execution_count") is not None, _joined(cell.get("outputs", []))


def _joined(value: Any) -> Any:
    """Return a part of a notebook with each list of lines joined to one text."""
    if isinstance(value, dict):
        return {key: _joined(inner) for key, inner in value.items()}
    if isinstance(value, list):
        if value and all(isinstance(inner, str) for inner in value):
            return "".join(value)
        return [_joined(inner) for inner in value]
    return value


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _read_record(work: Path) -> dict[str, dict[str, str]]:
    file = work / _RECORD
    if not file.is_file():
        return {}
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        return {name: dict(entry) for name, entry in record.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{file} is damaged; delete it. Your copies then count as changed, and changed copies "
            f"are never overwritten."
        ) from error


def _write_record(work: Path, record: dict[str, dict[str, str]]) -> None:
    write_atomic(work / _RECORD, json.dumps(record, indent=1, sort_keys=True) + "\n")


def open_lab(browser: bool = True, work: Path | None = None) -> int:
    """Open the student's folder in JupyterLab.

    The settings of the course are only for this JupyterLab; the student's own settings are not
    changed and have priority.

    Parameters
    ----------
    browser : bool
        Whether to open a browser window.
    work : Path, optional
        The student's folder; by default that of the settings.

    Returns
    -------
    int
        The exit status of JupyterLab after it is closed.
    """
    work = work or settings.work_root()
    first = sorted((work / "notebooks").glob("*.ipynb"))
    start = f"/lab/tree/notebooks/{first[0].name}" if first else "/lab"
    command = [
        *(sys.executable, "-m", "jupyterlab"),
        f"--ServerApp.root_dir={work}",
        f"--LabApp.default_url={start}",
        f"--LabApp.workspaces_dir={_workspaces(work)}",
        *([] if browser else ["--no-browser"]),
        # In a container the user is often root, which JupyterLab refuses without this option.
        *(["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
    ]
    environment = settings.environment()
    first_folders = {
        "JUPYTER_CONFIG_PATH": str(_LAB_FILES),
        "JUPYTER_PATH": str(_LAB_FILES),
        # The command `course` is found in JupyterLab's terminal, in which nothing is activated.
        "PATH": sysconfig.get_path("scripts"),
    }
    for name, folder in first_folders.items():
        environment[name] = os.pathsep.join(filter(None, [folder, environment.get(name)]))
    interrupted = False
    with subprocess.Popen(command, env=environment) as lab:
        while True:
            try:
                status = lab.wait()
                # Ctrl-C is the usual way to close it, even before it asks for confirmation.
                return 0 if interrupted and status == -signal.SIGINT else status
            except KeyboardInterrupt:  # JupyterLab gets it too, and asks for confirmation
                interrupted = True


def _workspaces(work: Path) -> Path:
    """Return the folder of the layout of JupyterLab, which at first shows the table of contents.

    The course has its own folder, so that tabs of other work are not mixed with the lessons.
    """
    from jupyterlab_server.workspaces_handler import WORKSPACE_EXTENSION, slugify

    folder = work / ".jupyter" / "workspaces"
    if not any(folder.glob(f"*{WORKSPACE_EXTENSION}")):
        layout = {
            "left": {"collapsed": False, "visible": True, "current": "@jupyterlab/toc:plugin"},
            "relativeSizes": [0.22, 0.78, 0],
        }
        workspace = {"data": {"layout-restorer:data": layout}, "metadata": {"id": "default"}}
        name = slugify("default") + WORKSPACE_EXTENSION
        write_atomic(folder / name, json.dumps(workspace))
    return folder
