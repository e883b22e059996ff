"""Stand-in for functions that a question asks students to write."""

from __future__ import annotations

from typing import NoReturn

#: The functions that were called since :func:`take`, each once.
_called: list[str] = []


class WriteItYourself(RuntimeError):
    """A function was called that does not exist here, because a question asks for it."""


def stop(helper: str) -> NoReturn:
    """Record the call, and raise an error; this is the body of every removed function.

    Parameters
    ----------
    helper : str
        The function, such as ``"course_utils.convolution.feature_map"``.

    Raises
    ------
    WriteItYourself
        Always.
    """
    if helper not in _called:
        _called.append(helper)
    name = helper.removeprefix("course_utils.")
    raise WriteItYourself(f"{name} is not available here: a question asks you to write it yourself")


def called() -> list[str]:
    """Return the removed functions that were called since :func:`forget`."""
    return list(_called)


def forget() -> None:
    """Clear the list of called functions."""
    _called.clear()
