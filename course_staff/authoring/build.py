"""Run the lessons and store their outputs, with the same result on every machine.

A stored notebook has no stderr, no timings and no paths of the machine. If a new output differs
from the stored one only in ways that vary from run to run (seconds, the compression of an identical
image), the stored one is kept, so that the file of an unchanged lesson does not change.
"""

from __future__ import annotations

import base64
import copy
import io
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic
from course_utils.workspace.notebook_runner import Run, join_streams, run_notebook

#: Largest size of a stored notebook in bytes.
LARGEST = 1_500_000

#: Metadata of every stored notebook.
METADATA: dict[str, Any] = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}

#: Metadata that Jupyter and editors add to cells; they are removed.
_CELL_LEFTOVERS = ("execution", "collapsed", "scrolled", "ExecuteTime", "vscode", "outputId")

#: Parts of a text that differ between runs: durations, addresses, progress bars.
_VARYING = re.compile(
    r"\d+(?:\.\d+)?\s?(?:ns|µs|us|ms|s|sec|seconds|min|minutes|h)(?:/(?:step|epoch|image))?\b"
    r"|0x[0-9a-f]{6,}"
    r"|[\x08━─╸╺]+"
)


@contextmanager
def build_environment(keep_cache: bool = False) -> Iterator[dict[str, str]]:
    """Give the environment variables with which a lesson has the same outputs on every machine.

    The dataset is paper_flowers. Other data, downloaded weights, settings of the user and GPUs are
    hidden; caches are empty, unless `keep_cache`.
    """
    import matplotlib

    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        changes: dict[str, str | None] = {
            "COURSE_DATASET": "paper_flowers",
            "COURSE_STORED": "1",
            "COURSE_DATA": "",
            "COURSE_EPOCHS": None,
            "COURSE_SEED": None,
            "COURSE_WORK": str(settings.work_root() if keep_cache else Path(folder, "work")),
            "CUDA_VISIBLE_DEVICES": "-1",
            "IPYTHONDIR": str(Path(folder, "ipython")),
            "KERAS_HOME": str(Path(folder, "keras")),
            "TFDS_DATA_DIR": str(Path(folder, "tensorflow_datasets")),
            "MPLBACKEND": None,
            "MATPLOTLIBRC": str(Path(matplotlib.get_data_path(), "matplotlibrc")),
            "PYTHONHASHSEED": "0",
            "TF_CONFIG": None,
        }
        yield settings.environment(**changes)


def build_lesson(
    path: Path,
    *,
    keep_cache: bool = False,
    on_cell: Callable[[str, int, int], None] | None = None,
) -> bool:
    """Run a lesson and store its outputs in its file.

    Parameters
    ----------
    path : Path
        The notebook.
    keep_cache : bool
        Whether to use the models and images cached in ``work/``.
    on_cell : callable, optional
        Called as by :func:`course_utils.workspace.lessons.run_lessons`.

    Returns
    -------
    bool
        Whether the file changed.

    Raises
    ------
    InvalidInput
        If a cell fails, or an output shows a path of this machine, or the notebook would be larger
        than 1.5 MB. The file is not changed then.
    """
    import nbformat

    before = path.read_text(encoding="utf-8")
    stored = nbformat.reads(before, as_version=4)
    notebook = copy.deepcopy(stored)
    show = None if on_cell is None else partial(on_cell, path.stem)
    if show is not None:
        show(0, len(notebook.cells))
    with build_environment(keep_cache) as environment:
        run = run_notebook(notebook, path.parent, environment, show)
        if run.error is not None:
            raise InvalidInput(f"{path.name} was not stored: {run.error}")
        tidy(notebook)
        add_alternative_texts(notebook)
        notebook.metadata["course"] = {"seconds": _computing_seconds(run, stored)}
        refuse_machine_paths(notebook, path.name, _private_paths(environment))
    keep_unchanged_outputs(notebook, stored)
    after = nbformat.writes(notebook, indent=1).rstrip("\n") + "\n"
    if (size := len(after.encode())) > LARGEST:
        raise InvalidInput(
            f"{path.name} would hold {size / 1e6:.1f} MB, and at most {LARGEST / 1e6:.1f} MB are "
            f"stored; draw its largest figures with a lower dpi or with fewer images "
            f"({_largest_cell(notebook)} is the largest cell)."
        )
    if after == before:
        return False
    write_atomic(path, after)
    return True


def tidy(notebook: Any) -> None:
    """Remove stderr, live widgets, empty outputs, timings and metadata of editors, in place."""
    notebook.metadata = type(notebook.metadata)(copy.deepcopy(METADATA))
    for cell in notebook.cells:
        for leftover in _CELL_LEFTOVERS:
            cell.metadata.pop(leftover, None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in map(_tidy_output, cell.outputs) if output]
            join_streams(cell)


def add_alternative_texts(notebook: Any) -> None:
    """Give figures without alternative text the one in the metadata of their cell, in place.

    Figures of ``course_utils.plots`` have a text of their own. A figure that a lesson draws itself
    gets its text from ``"alt"`` in the cell's metadata.
    """
    for cell in notebook.cells:
        text = cell.metadata.get("alt")
        for output in cell.get("outputs", []):
            if text and "image/png" in output.get("data", {}):
                output.metadata.setdefault("image/png", {}).setdefault("alt", text)


def _computing_seconds(run: Run, stored: Any) -> int:
    """Return how long the cells computed, to 10 seconds; the stored time if it is about the same.

    On a busy machine the processor time is nearer to the time that a reader waits.
    """
    measured = min(run.seconds, run.cpu_seconds)
    before: int = stored.metadata.get("course", {}).get("seconds", 0)
    if abs(measured - before) <= max(10, 0.3 * before):
        return before
    return 10 * round(measured / 10)


def _tidy_output(output: Any) -> Any | None:
    if output.output_type == "stream":
        if output.name == "stderr":
            return None
        return output if output.text.strip() else None
    data = output.get("data", {})
    if any(kind.startswith("application/vnd.jupyter.widget") for kind in data):
        return None
    output.pop("transient", None)
    if "image/png" in output.get("data", {}):
        output.data["image/png"] = _smaller(output.data["image/png"])
    return output


def _smaller(picture: str) -> str:
    """Return a PNG in base64 with the same pixels in fewer bytes, without an unused alpha."""
    from PIL import Image

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        opaque = image.mode != "RGBA" or image.getchannel("A").getextrema() == (255, 255)
        pixels = image.convert("RGB") if opaque else image
        pixels.save(buffer, "PNG", optimize=True, dpi=image.info.get("dpi"))
    smaller = base64.b64encode(buffer.getvalue()).decode()
    return min(smaller, picture.replace("\n", ""), key=len)


def keep_unchanged_outputs(notebook: Any, stored: Any) -> None:
    """Replace new outputs by the stored ones that show the same, in place.

    Two outputs show the same if they differ only in durations, memory addresses and progress bars,
    or if their images have equal pixels.
    """
    old = {cell.get("id"): cell for cell in stored.cells if cell.cell_type == "code"}
    for cell in notebook.cells:
        before = old.get(cell.get("id"))
        if cell.cell_type != "code" or before is None or before.source != cell.source:
            continue
        if len(before.outputs) == len(cell.outputs):
            cell.outputs = [
                was if _shows_the_same(was, now) else now
                for was, now in zip(before.outputs, cell.outputs, strict=True)
            ]


def _shows_the_same(was: Any, now: Any) -> bool:
    if was.output_type != now.output_type or was.get("metadata") != now.get("metadata"):
        return False
    if now.output_type == "stream":
        return was.name == now.name and _constant(was.text) == _constant(now.text)
    if now.output_type == "error":
        return bool(was == now)
    if was.get("execution_count") != now.get("execution_count") or set(was.data) != set(now.data):
        return False
    return all(_same_content(kind, was.data[kind], now.data[kind]) for kind in now.data)


def _same_content(kind: str, was: Any, now: Any) -> bool:
    if was == now:
        return True
    if kind == "image/png":
        return _pixels(was) == _pixels(now)
    return isinstance(was, str) and isinstance(now, str) and _constant(was) == _constant(now)


def _constant(text: str) -> str:
    return re.sub(r"[ \t]+", " ", _VARYING.sub("", text))


def _pixels(picture: str) -> tuple[tuple[int, int], bytes]:
    from PIL import Image

    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        return image.size, image.convert("RGBA").tobytes()


def _private_paths(environment: dict[str, str]) -> list[str]:
    work = Path(environment["COURSE_WORK"])
    places = [settings.course_root(), Path.home(), Path(tempfile.gettempdir()), work]
    return sorted({str(place) for place in places if place != Path(place.anchor)})


def refuse_machine_paths(notebook: Any, name: str, private: list[str]) -> None:
    """Raise an error if an output of a notebook shows one of the `private` paths.

    Raises
    ------
    InvalidInput
        With the first such cell.
    """
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts = [output.get("text", ""), *(data[kind] for kind in data if "text/" in kind)]
            for place in private:
                if any(re.search(rf"{re.escape(place)}(?![\w.-])", text) for text in texts):
                    raise InvalidInput(
                        f"{name} was not stored: cell {cell.get('id')} shows {place}, a path of "
                        f"this machine; show paths relative to the course or to the dataset."
                    )


def _largest_cell(notebook: Any) -> str:
    sizes = {cell.get("id", "?"): len(str(cell.get("outputs", ""))) for cell in notebook.cells}
    return max(sizes, key=lambda name: sizes[name])
