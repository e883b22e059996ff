"""Remove downloaded datasets, and no other files."""

from __future__ import annotations

import json
import os
from pathlib import Path

from course_utils import files, settings
from course_utils.datasets._source import Source
from course_utils.exceptions import InvalidInput, MissingData

#: Names of the datasets that the course downloaded, in the folder of the downloads.
_RECORD = ".downloaded.json"


def size_of(path: Path) -> int:
    """Return the size of a file or folder in bytes; links count as 0 and are not followed."""
    inside = [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
    plain = [file for file in (path, *inside) if file.is_file() and not file.is_symlink()]
    return sum(file.stat().st_size for file in plain)


def remember(name: str) -> None:
    """Record that the course downloaded a dataset."""
    _write(sorted({*_downloaded(), name}))


def _downloaded() -> list[str]:
    try:
        names = json.loads((settings.downloads_root() / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _write(names: list[str]) -> None:
    files.write_atomic(settings.downloads_root() / _RECORD, json.dumps(names) + "\n")


def remove(source: Source) -> tuple[tuple[Path, ...], int]:
    """Remove the downloaded files of a dataset; see :func:`course_utils.datasets.remove`."""
    if not source.downloaded_paths():
        raise InvalidInput(f"{source.name} {source.how}, so it is not removed.")
    root = settings.downloads_root()
    # Other programs download to other places too; what is there is removed only if it is recorded.
    mine = [
        path
        for path in source.downloaded_paths()
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
        files.remove_atomic(path)
    if source.name in _downloaded():
        _write([name for name in _downloaded() if name != source.name])
    return tuple(mine), size
