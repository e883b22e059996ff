"""The progress of a student, kept on disk."""

from __future__ import annotations

import getpass
import json
import re
from pathlib import Path
from typing import Any

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic


def file() -> Path:
    """Return the file of this student's progress: ``work/progress/NAME.json``."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name
        name = "student"
    safe = re.sub(r"[^\w.-]", "_", name) or "student"
    return settings.work_root() / "progress" / f"{safe}.json"


def read() -> dict[str, dict[str, Any]]:
    """Return what is known of each question: points, maximum, status, tries, hints.

    Raises
    ------
    InvalidInput
        If the file is damaged.
    """
    path = file()
    if not path.is_file():
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))["questions"]
        return {str(id): dict(entry) for id, entry in kept.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            f"{path} is damaged, so your progress cannot be read; delete the file and run the "
            f"checks of your exercises again."
        ) from error


def change(id: str, **entries: Any) -> dict[str, Any]:
    """Change what is known of a question, and write the file."""
    from filelock import FileLock

    path = file()
    path.parent.mkdir(parents=True, exist_ok=True)  # for the lock
    with FileLock(str(path) + ".lock"):
        known = read()
        entry = {"tries": 0, "hints": 0, **known.get(id, {}), **entries}
        known[id] = entry
        write_atomic(path, json.dumps({"questions": known}, indent=1) + "\n")
    return entry
