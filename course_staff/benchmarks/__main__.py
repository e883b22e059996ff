"""Measure one row in this process: ``python -m course_staff.benchmarks NAME FILE [--quick]``."""

import json
import sys
from pathlib import Path

from course_staff import benchmarks

if __name__ == "__main__":
    name, answer, *switches = sys.argv[1:]
    (row,) = [row for row in benchmarks.all_rows() if row.name == name]
    result = row.run("--quick" in switches)
    Path(answer).write_text(json.dumps(result), encoding="utf-8")
