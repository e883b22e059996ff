"""Write files so that a reader sees the old content or the new one, never a part of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path` that replaces it when the block ends without an error.

    Parameters
    ----------
    path : str or Path
        The file to write. Its folder is made if it does not exist.

    Yields
    ------
    Path
        A file that does not exist yet, with the ending of `path`. It is removed after an error.

    Raises
    ------
    OSError
        If the folder cannot be made, or the file cannot be replaced.

    Examples
    --------
    >>> import tempfile
    >>> target = Path(tempfile.mkdtemp()) / "table.csv"
    >>> with atomic_path(target) as part:
    ...     _ = part.write_text("a,b")
    >>> target.read_text()
    'a,b'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    part = Path(name)
    part.unlink()
    try:
        yield part
        os.replace(part, path)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def write_atomic(path: str | Path, content: str | bytes) -> None:
    """Replace the content of a file in one step; text is written as UTF-8, its line ends as given.

    Parameters
    ----------
    path : str or Path
        The file. Its folder is made if it does not exist.
    content : str or bytes
        The whole new content.

    Raises
    ------
    OSError
        If the file cannot be written; it is unchanged then.
    """
    with atomic_path(path) as part:
        part.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


def remove_atomic(path: Path) -> None:
    """Remove a file or a folder in one step: it is renamed first, then deleted.

    Parameters
    ----------
    path : Path
        What to remove. No other process sees a folder that is half deleted.

    Raises
    ------
    OSError
        If it cannot be renamed; it is unchanged then.
    """
    aside = Path(tempfile.mkdtemp(prefix=".removed-", dir=path.parent))
    try:
        os.replace(path, aside / path.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
