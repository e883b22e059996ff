"""Read and write the files in the folder of the reports."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from course_utils.exceptions import InvalidInput
from course_utils.files import atomic_path

T = TypeVar("T")


def write(path: Path, content: str | bytes, mode: int = 0o666) -> None:
    """Replace a file in one step; its content is on the disk when this returns.

    Parameters
    ----------
    path : Path
        The file.
    content : str or bytes
        The new content; text is written as UTF-8.
    mode : int
        The permissions of the file, less those that the umask takes away.

    Raises
    ------
    OSError
        If that fails, with the name of the file; the old file is unchanged.
    """
    data = content.encode() if isinstance(content, str) else content
    try:
        with atomic_path(path) as part:
            number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with open(number, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(number)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def read_json(path: Path, convert: Callable[[Any], T], advice: str) -> T:
    """Read a JSON file that an earlier run wrote.

    Parameters
    ----------
    path : Path
        The file.
    convert : callable
        Takes what is needed from the content; any error of it means that the file is damaged.
    advice : str
        What to do with a damaged file, for the message.

    Raises
    ------
    InvalidInput
        If the file is damaged.
    """
    try:
        return convert(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(f"{path} cannot be read: {advice}") from error


def reason(error: OSError) -> str:
    """Return why a file cannot be read or written, in a few words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    return (error.strerror or str(error) or type(error).__name__).lower()
