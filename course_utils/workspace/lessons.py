"""Find the lessons, run them, and write them as HTML."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.files import write_atomic
from course_utils.workspace.notebook_runner import Run, run_notebook

_NAME = re.compile(r"\d\d_\w+\.ipynb")


def all_lessons(root: Path | None = None) -> list[Path]:
    """Return the notebooks ``notebooks/NN_topic.ipynb`` of the course, in order."""
    folder = (root or settings.course_root()) / "notebooks"
    return sorted(path for path in folder.glob("*.ipynb") if _NAME.fullmatch(path.name))


def all_exercises(root: Path | None = None) -> list[Path]:
    """Return the notebooks ``exercises/NN_topic/topic.ipynb`` of the course, in order."""
    return exercises_in((root or settings.course_root()) / "exercises")


def exercises_in(folder: Path) -> list[Path]:
    """Return the notebooks ``NN_topic/topic.ipynb`` of a folder, in order."""
    found = (path for path in folder.glob("*/*.ipynb") if re.match(r"\d\d_", path.parent.name))
    return sorted(path for path in found if path.stem == path.parent.name[3:])


def as_bytes(notebook: dict[str, Any]) -> bytes:
    """Return a notebook, given as JSON, in the format that Jupyter writes."""
    text = json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True)
    return (text + "\n").encode()


#: Tag of cells with checks for authors. Students' copies and the site do not show them.
HIDDEN = "remove-cell"


def is_hidden(cell: Any) -> bool:
    """Return whether a cell has the tag :data:`HIDDEN`."""
    return HIDDEN in cell["metadata"].get("tags", [])


def remove_hidden(notebook: dict[str, Any]) -> None:
    """Remove the cells that only authors need from a notebook, given as JSON."""
    notebook["cells"] = [cell for cell in notebook["cells"] if not is_hidden(cell)]


def clear_outputs(notebook: dict[str, Any]) -> None:
    """Remove the outputs and the execution counts of a notebook, given as JSON."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None


def find(names: Iterable[str], lessons: list[Path] | None = None) -> list[Path]:
    """Return the lessons with the given names, or all lessons if `names` is empty.

    Parameters
    ----------
    names : iterable of str
        ``"3"``, ``"03"``, ``"03_building_a_cnn"``, ``"building"``, or the path of the notebook.
    lessons : list of Path, optional
        The lessons to choose from; by default all.

    Raises
    ------
    InvalidInput
        If a name matches no lesson, or more than one.
    MissingData
        If there are no lessons at all.
    """
    lessons = all_lessons() if lessons is None else lessons
    if not lessons:
        raise MissingData(
            f"There are no lessons in {settings.course_root() / 'notebooks'}; "
            f"download the course again, or restore the folder with 'git checkout notebooks'."
        )
    chosen = [_find_one(name, lessons) for name in names]
    return sorted(set(chosen)) if chosen else lessons


def _find_one(name: str, lessons: list[Path]) -> Path:
    stem = Path(name).name.removesuffix(".ipynb").lower()
    if stem.isdigit():
        found = [path for path in lessons if int(path.name[:2]) == int(stem)]
    else:
        found = [path for path in lessons if path.stem.lower() == stem]
        found = found or [path for path in lessons if stem and stem in path.stem.lower()]
    if len(found) == 1:
        return found[0]
    known = ", ".join(path.stem for path in lessons)
    many = "more than one lesson" if found else "no lesson"
    raise InvalidInput(f"{name!r} means {many}; the lessons are {known}.")


@dataclass(frozen=True)
class Outcome:
    """Result of one lesson, as ``course lessons`` lists it."""

    lesson: str
    run: Run
    html: Path

    @property
    def ok(self) -> bool:
        """Whether all cells ran."""
        return self.run.error is None

    def to_dict(self) -> dict[str, Any]:
        """Return the entry of ``build/lessons/results.json``."""
        return {
            "lesson": self.lesson,
            "seconds": round(self.run.seconds, 1),
            "peak_megabytes": round(self.run.peak_bytes / 1e6),
            "results": self.run.results,
            "error": str(self.run.error) if self.run.error else None,
        }


def run_lessons(
    lessons: list[Path],
    *,
    epochs: int | None = None,
    dataset: str | None = None,
    keep_cache: bool = False,
    shipped_only: bool = False,
    output: Path | None = None,
    on_cell: Callable[[str, int, int], None] | None = None,
    on_end: Callable[[Outcome], None] | None = None,
) -> list[Outcome]:
    """Run lessons one after the other, and write each with its outputs as HTML.

    Models are trained in a temporary cache, which the lessons of one call share.

    Parameters
    ----------
    lessons : list of Path
        The notebooks. They are not changed.
    epochs : int, optional
        Maximum number of epochs per training; by default that of the lessons (or COURSE_EPOCHS).
    dataset : str, optional
        The dataset of ``datasets.load()``; by default the one that the student chose.
    keep_cache : bool
        Whether to use the cache in ``work/`` with its trained models.
    shipped_only : bool
        Whether to hide the data that COURSE_DATA names from the lessons.
    output : Path, optional
        The folder of the HTML; by default ``build/lessons``.
    on_cell : callable, optional
        Called with the name of the lesson, the number of cells done and the number of cells: when
        the lesson begins, and before each of its cells.
    on_end : callable, optional
        Called with the outcome of each lesson.

    Returns
    -------
    list of Outcome
        One for each lesson, including failed ones.
    """
    import nbformat

    output = output or settings.course_root() / "build" / "lessons"
    changes: dict[str, str | None] = {
        "COURSE_DATASET": dataset or settings.dataset_name(),
        "MPLBACKEND": None,  # figures are shown in the notebook
    }
    if epochs is not None:
        changes["COURSE_EPOCHS"] = str(epochs)
    if shipped_only:
        changes["COURSE_DATA"] = None
    outcomes = []
    with nullcontext() if keep_cache else tempfile.TemporaryDirectory(prefix="course-") as work:
        if work is not None:
            changes["COURSE_WORK"] = work
        environment = settings.environment(**changes)
        for path in lessons:
            notebook = nbformat.read(path, as_version=4)
            show = None if on_cell is None else partial(on_cell, path.stem)
            if show is not None:
                show(0, len(notebook.cells))
            run = run_notebook(notebook, path.parent, environment, show)
            html = output / f"{path.stem}.html"
            write_atomic(html, to_html(notebook, path.stem))
            outcomes.append(Outcome(path.stem, run, html))
            if on_end is not None:
                on_end(outcomes[-1])
    table = [outcome.to_dict() for outcome in outcomes]
    write_atomic(output / "results.json", json.dumps(table, indent=1) + "\n")
    return outcomes


def to_html(notebook: Any, title: str) -> str:
    """Convert an executed notebook to one HTML page with alternative texts of its figures.

    ``plots.describe`` stores the description of a figure in the metadata of the output; here it
    becomes the ``alt`` attribute of the image.
    """
    from bs4 import BeautifulSoup
    from nbconvert import HTMLExporter

    exporter = HTMLExporter(exclude_output_stdin=True)
    exporter.log.setLevel("ERROR")
    page, _ = exporter.from_notebook_node(notebook, resources={"metadata": {"name": title}})
    descriptions = {
        "".join(output.data["image/png"].split()): output.metadata["image/png"]["alt"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("image/png", {}).get("alt")
    }
    soup = BeautifulSoup(page, "html.parser")
    start = "data:image/png;base64,"
    for image in soup.find_all("img"):
        source = "".join(str(image.get("src", "")).split())
        if source.startswith(start) and source.removeprefix(start) in descriptions:
            image["alt"] = descriptions[source.removeprefix(start)]
    return str(soup)
