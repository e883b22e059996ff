"""The student's own copies of lessons and exercises, in ``work/``, which git does not see.

The copies come without outputs, so that a question asked before a cell runs is a real question.
``git pull`` never meets a file that the student changed, and an update never overwrites one:

* a copy that was not touched follows the original, also if JupyterLab saved it in its own format;
* of a copy that was run but not edited, the run one goes to ``work/backups/``, and the new lesson
  takes its place;
* a copy that was edited stays, and the new lesson is put beside it.

Whether a copy was touched is decided by what a person sees in it, the cells and their outputs, and
not by the bytes of the file: JupyterLab rewrites metadata as soon as a notebook is opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.workspace import lessons

_RECORD = ".handed_out.json"

#: Jupyter configuration of ``course lab``: no question about news, and no menus or
#: buttons of the packages that only the tests need (nbgrader, its notebook, jupytext).
_LAB_CONFIG = Path(__file__).with_name("lab")


@dataclass(frozen=True)
class Copy:
    """What happened to one copy.

    Attributes
    ----------
    path : Path
        The student's copy.
    state : str
        ``"new"``, ``"unchanged"``, ``"updated"``, ``"backed up"`` (updated, the run copy kept in
        `extra`), ``"kept"`` (run or edited; nothing new) or ``"beside"`` (edited; the new lesson
        is in `extra`).
    extra : Path or None
        The file that was made besides.
    """

    path: Path
    state: str
    extra: Path | None = None


@dataclass(frozen=True)
class _Content:
    """Hashes of a notebook: of the file, of what a person wrote in it, and of its outputs.

    `text` covers the cells that are not blank, in their order; Shift+Enter in the last cell adds a
    blank one. `outputs` is empty where no cell was run. Neither depends on metadata.
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
    """Bring the copies in ``work/`` up to date without losing anything.

    Lessons go to ``work/notebooks``, exercises to ``work/exercises``. The copies are signed, so
    that JupyterLab trusts them.

    Parameters
    ----------
    originals : iterable of Path, optional
        The notebooks to copy; by default all lessons and exercises.
    work : Path, optional
        The student's folder; by default that of the settings.
    with_outputs : bool, optional
        Whether new and untouched copies show the outputs that the lessons are stored with. By
        default each copy stays as it was asked for before, and new ones come without.

    Returns
    -------
    list of Copy
        One for each original.

    Raises
    ------
    InvalidInput
        If an original is not a notebook, or the record of the copies is damaged.
    MissingData
        If outputs are asked for and no original has any.
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
        _write(extra, new)
        handed_out["offered"] = fresh.text
    elif state != "kept":
        if state == "backed up":
            extra = _back_up(copy, work)
        if state != "unchanged":
            _write(copy, new)
        handed_out.update(asdict(fresh))
    return Copy(copy, state, extra)


def _state(copy: Path, fresh: _Content, original: Path, handed_out: dict[str, str]) -> str:
    """What is to be done with a copy, as :class:`Copy` says it."""
    if not copy.exists():
        return "new"
    mine, source = _content(copy.read_bytes()), _content(original.read_bytes())
    if _untouched(mine, handed_out, source):
        same = fresh.file in (mine.file, handed_out.get("file"))
        return "unchanged" if same else "updated"
    offered = handed_out.get("offered")  # older versions of the course recorded a file
    if fresh.text in (mine.text, handed_out.get("text"), offered) or source.file == offered:
        return "kept"
    return "backed up" if mine.text == handed_out.get("text") else "beside"


def _untouched(mine: _Content, handed_out: dict[str, str], original: _Content) -> bool:
    """Whether a copy holds nothing but what was handed out.

    Older versions of the course recorded no outputs and handed out those of the original.
    """
    if mine.file == handed_out.get("file"):
        return True
    shown = ("", handed_out.get("outputs", original.outputs))
    return mine.text in (handed_out.get("text"), original.text) and mine.outputs in shown


def _place(original: Path, work: Path) -> tuple[str, Path]:
    """The name of a notebook in the record, and where the student's copy of it is."""
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
    """Put the student's copy of a lesson, or of its exercise, back to the original.

    Parameters
    ----------
    name : str
        The lesson, as :func:`course_utils.workspace.lessons.find` takes it.
    work : Path, optional
        The student's folder; by default that of the settings.
    exercise : bool
        Whether the lesson's exercise is meant.
    with_outputs : bool
        Whether the copy shows the outputs that the lesson is stored with.

    Returns
    -------
    copy, backup : Path, Path or None
        The copy, and the dated backup of what it was, where a person had run or edited it.

    Raises
    ------
    InvalidInput
        If `name` means no lesson, or more than one, or the lesson has no exercise.
    MissingData
        If outputs are asked for and the original has none.
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
    _write(copy, new)
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
    """The content of a new copy.

    The version of Python stands in it as the kernel reports it; without it, JupyterLab marks a
    notebook as changed as soon as its kernel has started.
    """
    try:
        notebook = json.loads(original.read_text(encoding="utf-8"))
        if not with_outputs:
            lessons.clear_outputs(notebook)
        language = notebook["metadata"].get("language_info")
        if language is not None:
            language["version"] = sys.version.split()[0]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{original} is not a notebook any more; restore it with 'git checkout', or fetch the "
            f"course again."
        ) from error
    return lessons.as_bytes(notebook)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".part")
    fresh.write_bytes(content)
    fresh.replace(path)


def _sign(notebooks: Iterable[Path]) -> None:
    """Let JupyterLab trust notebooks, as ``jupyter trust`` does.

    Raises
    ------
    MissingData
        If Jupyter's folder for its data cannot be written to.
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
    """`path`, or the first of ``path-2``, ``path-3``, ... that does not exist yet."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}.ipynb")
    return candidate


def _content(data: bytes) -> _Content:
    file = hashlib.sha256(data).hexdigest()
    try:
        cells = [c for c in json.loads(data)["cells"] if "".join(c["source"]).strip()]
        text = [_text_of(cell) for cell in cells]
        shown = [_shown_by(cell) for cell in cells if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError, AttributeError):
        return _Content(file, file, file)  # not a notebook any more: it was changed
    outputs = _hash(shown) if any(ran or outputs for ran, outputs in shown) else ""
    return _Content(file, _hash(text), outputs)


def _text_of(cell: dict[str, Any]) -> list[Any]:
    text = [cell["cell_type"], "".join(cell["source"])]
    pasted = cell.get("attachments")  # pictures
    return [*text, pasted] if pasted else text


def _shown_by(cell: dict[str, Any]) -> tuple[bool, Any]:
    return cell.get("execution_count") is not None, _joined(cell.get("outputs", []))


def _joined(value: Any) -> Any:
    """A part of a notebook with each text that is stored as a list of lines in one piece."""
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
            f"{file} is damaged; delete it, and your copies will be taken for changed ones, which "
            f"are never overwritten."
        ) from error


def _write_record(work: Path, record: dict[str, dict[str, str]]) -> None:
    work.mkdir(parents=True, exist_ok=True)
    fresh = work / (_RECORD + ".part")
    fresh.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(work / _RECORD)


def open_lab(browser: bool = True, work: Path | None = None) -> int:
    """Open the student's folder in JupyterLab.

    The settings of the course are given to this JupyterLab only; the student's own settings stay
    as they are and win over them.

    Parameters
    ----------
    browser : bool
        Whether to open a browser window.
    work : Path, optional
        The student's folder; by default that of the settings.

    Returns
    -------
    int
        The exit status of JupyterLab, once it is closed.
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
        # In a container one is often root; JupyterLab then wants to be told that this is meant.
        *(["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
    ]
    environment = settings.environment()
    others = environment.get("JUPYTER_CONFIG_PATH")
    environment["JUPYTER_CONFIG_PATH"] = os.pathsep.join(
        [str(_LAB_CONFIG), *([others] if others else [])]
    )
    interrupted = False
    with subprocess.Popen(command, env=environment) as lab:
        while True:
            try:
                status = lab.wait()
                # Ctrl-C is the usual way to close it, also before it could ask whether to stop.
                return 0 if interrupted and status == -signal.SIGINT else status
            except KeyboardInterrupt:  # JupyterLab gets it too, and asks whether to stop
                interrupted = True


def _workspaces(work: Path) -> Path:
    """The folder in which JupyterLab keeps its layout, with the table of contents in view at first.

    It is one of the course, so that tabs of other work are not mixed with the lessons.
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
        _write(folder / name, json.dumps(workspace).encode())
    return folder
