"""Small notebooks for the tests that run, build and release lessons."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def write(path: Path, *sources: str, **tags: list[str]) -> Path:
    """Write a notebook with one code cell for each source, with the ids T-0, T-1, ..."""
    cells = [new_markdown_cell("# A small lesson", id="T-title")]
    for number, source in enumerate(sources):
        metadata = {"tags": tags[f"T_{number}"]} if f"T_{number}" in tags else {}
        cells.append(new_code_cell(source, id=f"T-{number}", metadata=metadata))
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(new_notebook(cells=cells), path)
    return path


def outputs(path: Path) -> dict[str, list]:
    """Return the stored outputs of each code cell, by its id."""
    notebook = nbformat.read(path, as_version=4)
    return {cell.id: cell.outputs for cell in notebook.cells if cell.cell_type == "code"}
