"""Keep what converters print away from the reader, also what their C++ parts print."""

from __future__ import annotations

import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress

from course_utils.validate import first_line


@contextmanager
def quiet() -> Iterator[None]:
    """Discard standard output, standard error, warnings and the log of the block.

    Parts in C++ write to the file descriptors 1 and 2, so these are redirected, too. Errors are
    raised as usual.
    """
    with ExitStack() as stack:
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)  # handlers may hold the streams of a notebook
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for number in (1, 2):
            stack.enter_context(_redirected(number))
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(redirect_stderr(io.StringIO()))
        yield


@contextmanager
def _redirected(number: int) -> Iterator[None]:
    """Point a file descriptor to a temporary file; leave it alone where there is none."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    try:
        kept = os.dup(number)
    except OSError:  # a program without a console
        yield
        return
    try:
        with tempfile.TemporaryFile() as discarded:
            os.dup2(discarded.fileno(), number)
            yield
    finally:
        os.dup2(kept, number)
        os.close(kept)


def reason(error: BaseException) -> str:
    """Return the first line of an error's message, without a period at its end."""
    first = first_line(error)
    return (first if len(first) <= 200 else first[:199] + "…").rstrip(".:")
