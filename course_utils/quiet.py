"""Keep what libraries print away from the reader, also what their C++ parts print."""

from __future__ import annotations

import io
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress


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
            stack.enter_context(discarded(number))
        stack.enter_context(redirect_stdout(io.StringIO()))
        stack.enter_context(redirect_stderr(io.StringIO()))
        yield


@contextmanager
def discarded(number: int) -> Iterator[None]:
    """Discard what the block writes to a file descriptor; do nothing where it does not exist.

    Parameters
    ----------
    number : int
        1 for standard output, 2 for standard error.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    try:
        kept = os.dup(number)
    except OSError:  # a program without a console
        yield
        return
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), number)
            yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
