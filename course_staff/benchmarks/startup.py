"""How long the package takes to import."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from typing import Any

from course_staff.benchmarks import Row, measured


def _median_seconds(code: str, times: int) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def import_package(quick: bool) -> dict[str, Any]:
    """Time ``import course_utils``, beside ``import tensorflow``, both less Python's own start."""
    times = 3 if quick else 7
    bare = _median_seconds("pass", times)
    ours = max(0.0, _median_seconds("import course_utils", times) - bare)  # less than the noise
    theirs = _median_seconds("import tensorflow", min(times, 3)) - bare
    return measured(ours, theirs, wanted="under 0.3 s", ok=ours < 0.3)


ROWS = [
    Row(
        name="import course_utils",
        about="import course_utils, against import tensorflow; less the start of Python",
        run=import_package,
    )
]
