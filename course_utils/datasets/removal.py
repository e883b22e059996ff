"""Removing what the course downloaded, and nothing else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp

from course_utils import settings
from course_utils.datasets._source import Source
from course_utils.exceptions import InvalidInput, MissingData

#: Names of the datasets that the course downloaded, in the folder of the downloads.
_RECORD = ".downloaded.json"


def size_of(path: Path) -> int:
    """Return how many bytes a file or folder takes; links count as nothing and are not followed."""
    if path.is_symlink():
        return 0
    if path.is_file():
        return path.stat().st_size
    total = 0
    for folder, _, files in os.walk(path):
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink():
                total += file.stat().st_size if file.exists() else 0
    return total


def remember(name: str) -> None:
    """Write down that the course downloaded a dataset."""
    _write(sorted({*_downloaded(), name}))


def _downloaded() -> list[str]:
    try:
        names = json.loads((settings.downloads_root() / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _write(names: list[str]) -> None:
    file = settings.downloads_root() / _RECORD
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".part")
    fresh.write_text(json.dumps(names) + "\n", encoding="utf-8")
    fresh.replace(file)


def remove(source: Source) -> tuple[tuple[Path, ...], int]:
    """Remove what `fetch` made; see :func:`course_utils.datasets.remove`."""
    if source.made is None:
        raise InvalidInput(f"{source.name} {source.how}, so it is not removed.")
    root = settings.downloads_root()
    # What lies elsewhere, where other programs download too, is the course's only if it says so.
    mine = [
        path
        for path in source.made()
        if path.exists() and (path.parent == root or source.name in _downloaded())
    ]
    if not mine:
        where = source.locate()
        place = f" (it lies in {where}, which is not a download of the course)" if where else ""
        raise MissingData(
            f"The course has not downloaded {source.name}{place}, so there is nothing to remove."
        )
    for path in mine:
        if path.is_symlink():
            raise InvalidInput(
                f"{path} is a link to {path.resolve()}, which the course has not downloaded; "
                f"remove the link yourself."
            )
    size = sum(size_of(path) for path in mine)
    for path in mine:
        _take_away(path)
    if source.name in _downloaded():
        _write([name for name in _downloaded() if name != source.name])
    return tuple(mine), size


def _take_away(path: Path) -> None:
    """Remove a file or folder in one step, so that no other process meets half of it."""
    aside = Path(mkdtemp(prefix=".removed-", dir=path.parent))
    try:
        path.replace(aside / path.name)
    finally:
        shutil.rmtree(aside)
