"""What is discarded, and that everything is as before afterwards."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import warnings

import pytest

from course_utils.quiet import discarded, quiet


def test_what_c_code_writes_is_discarded_in_the_block_alone(capfd):
    for number in (1, 2):
        os.write(number, b"before ")
        print("printed", end=" ", file=sys.stderr if number == 2 else sys.stdout)
        with discarded(number):
            os.write(number, b"inside ")
        os.write(number, b"after")
    assert capfd.readouterr() == ("before printed after", "before printed after")


def test_the_other_descriptor_is_left_alone(capfd):
    with discarded(2):
        os.write(1, b"out")
        os.write(2, b"err")
    assert capfd.readouterr() == ("out", "")


def fail() -> None:
    os.write(2, b"inside")
    raise ZeroDivisionError


def test_after_an_error_and_in_blocks_in_blocks_all_is_as_before(capfd):
    open_before = os.listdir("/dev/fd")
    with pytest.raises(ZeroDivisionError), quiet(), discarded(2), discarded(2):
        fail()
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
    assert os.listdir("/dev/fd") == open_before


def test_quiet_discards_prints_warnings_and_logs_too(capfd, recwarn):
    with quiet():
        print("printed")
        print("printed", file=sys.stderr)
        warnings.warn("a warning", stacklevel=1)
        logging.getLogger("library").error("logged")
        os.write(1, b"written")
    assert capfd.readouterr() == ("", "")
    assert not recwarn
    assert logging.root.manager.disable == 0


def test_without_a_console_nothing_is_redirected():
    code = (
        "import os; os.close(1); os.close(2)\n"
        "from course_utils.quiet import quiet\n"
        "with quiet(): print('x')\n"
        "os._exit(7)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 7
