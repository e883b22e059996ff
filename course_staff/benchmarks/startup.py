"""Time to import the package."""

from __future__ import annotations

import statistics
import subprocess
import sys
from typing import Any

from course_staff.benchmarks import Row, measured
from course_staff.benchmarks.timing import timed


def _median_seconds(code: str, times: int) -> float:
    def run() -> None:
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    return statistics.median(timed(run)[0] for _ in range(times))


def import_package(quick: bool) -> dict[str, Any]:
    """Time ``import course_utils`` and ``import tensorflow``, less the start of Python."""
    times = 3 if quick else 7
    bare = _median_seconds("pass", times)
    ours = max(0.0, _median_seconds("import course_utils", times) - bare)  # less than the noise
    theirs = _median_seconds("import tensorflow", min(times, 3)) - bare
    return measured(ours, theirs, wanted="under 0.3 s", ok=ours < 0.3)


ROWS = [
    Row(
        "import course_utils",
        "import course_utils, against import tensorflow; less the start of Python",
        import_package,
    )
]
