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


@pytest.mark.parametrize("kind", [InvalidInput, MissingData, DownloadFailed])
def test_messages_can_be_printed_and_sent_to_other_processes(kind):
    error = pickle.loads(pickle.dumps(kind("no file b/\udcff.jpg")))
    assert str(error) == r"no file b/\udcff.jpg"
    str(error).encode("utf-8")
