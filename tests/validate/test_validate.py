"""Checks of arguments accept what is meant, and name the argument where it is not."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from course_utils import validate
from course_utils.exceptions import DownloadFailed, InvalidInput, MissingData


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3)])
def test_whole_numbers(value):
    number = validate.whole_number("epochs", value, 1)
    assert number == 3
    assert type(number) is int


@pytest.mark.parametrize("value", [0, -1, 2.0, "3", True, None, float("nan"), [3], 6])
def test_what_is_no_whole_number_within_the_limits(value):
    with pytest.raises(InvalidInput, match=r"epochs is .* whole number from 1 to 5"):
        validate.whole_number("epochs", value, 1, 5)


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.25), np.int8(1)])
def test_numbers(value):
    assert validate.number_between("rate", value, 0, 1, 0.1) == value


@pytest.mark.parametrize("value", [0, -0.1, 1.1, float("nan"), float("inf"), "0.5", True, None])
def test_what_is_no_number_within_the_limits(value):
    with pytest.raises(InvalidInput, match=r"rate is .* above 0 and at most 1"):
        validate.number_between("rate", value, 0, 1, 0.1, open_low=True)


@pytest.mark.parametrize("value", [1, 1.0, 2, -0.1, float("inf")])
def test_the_upper_limit_may_be_excluded(value):
    assert validate.number_between("share", 0.999, 0, 1, 0.1, open_high=True) == 0.999
    with pytest.raises(InvalidInput, match=r"share is .* at least 0 and below 1, for example 0.1"):
        validate.number_between("share", value, 0, 1, 0.1, open_high=True)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_infinity_is_no_number_where_there_is_no_upper_limit(value):
    assert validate.number_between("rate", 1e300, 0, float("inf"), 0.1) == 1e300
    with pytest.raises(InvalidInput, match=r"rate is .* at least 0, for example 0.1"):
        validate.number_between("rate", value, 0, float("inf"), 0.1)


def test_there_may_be_no_lower_limit():
    assert validate.number_between("shift", -1e300, float("-inf"), 0, -1) == -1e300
    with pytest.raises(InvalidInput, match=r"shift is 1, .* a number and at most 0"):
        validate.number_between("shift", 1, float("-inf"), 0, -1)


@pytest.mark.parametrize("kind", [InvalidInput, MissingData, DownloadFailed])
def test_messages_can_be_printed_and_sent_to_other_processes(kind):
    error = pickle.loads(pickle.dumps(kind("no file b/\udcff.jpg")))
    assert str(error) == r"no file b/\udcff.jpg"
    str(error).encode("utf-8")


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("one", "one"),
        ("\n\n  one  \ntwo", "one"),
        ("one\r\ntwo", "one"),
        ("", "ValueError"),
        (" \n\t\n", "ValueError"),
    ],
)
def test_the_first_line_of_an_error(message, line):
    assert validate.first_line(ValueError(message)) == line
    assert validate.first_line(ValueError(), "no message") == "no message"
