"""Which isolation must work on this machine, found out without the grader."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

_INSIDE = ["unshare", "--pid", "--mount", "--net", "--fork", "true"]
if os.geteuid() != 0:
    _INSIDE[1:1] = ["--user", "--map-root-user"]
_TRIAL = [
    *("bwrap", "--ro-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--dev", "/dev"),
    *_INSIDE,
]


def missing(level: str) -> str | None:
    """One sentence that says why a level cannot work here, or None where it must."""
    if level == "bubblewrap":
        if shutil.which(_TRIAL[0]) is None:
            return f"{level}: the command {_TRIAL[0]} is not here"
        tried = subprocess.run(_TRIAL, capture_output=True, text=True)
        return f"{level}: {tried.stderr.strip()}" if tried.returncode else None
    if level == "limits" and os.geteuid() == 0:
        for folder in (sys.base_prefix, sys.prefix):
            while folder != os.path.dirname(folder):
                if not os.stat(folder).st_mode & 0o001:
                    return f"limits: the user nobody cannot read {folder}, where Python lies"
                folder = os.path.dirname(folder)
    return None


def require(level: str = "bubblewrap") -> None:
    """Skip a test where a level cannot work; where it could, it has to."""
    reason = missing(level)
    if reason is not None:
        pytest.skip(reason)
