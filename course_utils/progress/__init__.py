"""Progress of what takes long, and what is shown: as outputs in a notebook, else as text.

A progress bar is a widget in a notebook, which takes its output away at the end, and text
elsewhere. No bar is shown while the outputs of lessons are stored.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

from tqdm import tqdm

from course_utils import settings

_LINES_IN_A_FILE = 8
_WITHOUT_COUNTS = "{desc}{percentage:3.0f}%|{bar:20}| {elapsed}<{remaining}{postfix}"


class _Line:
    """A line of text, with other forms of it for the notebook, by their MIME types."""

    def __init__(self, text: str, forms: Mapping[str, Any]):
        self._text, self._forms = text, forms

    def __repr__(self) -> str:
        return self._text

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"text/plain": self._text, **self._forms}


def progress_bar(
    total: int | None, text: str = "", *, shown: bool = True, **arguments: Any
) -> tqdm:
    """Open a progress bar over `total` steps.

    Parameters
    ----------
    total : int or None
        Number of steps until the end, if it is known.
    text : str
        What is done, in front of the bar.
    shown : bool
        Whether the bar is visible.
    **arguments
        Further arguments of ``tqdm.tqdm``, such as ``delay``: the seconds before the bar appears.
        With a ``unit``, the bar says how many are done.

    Returns
    -------
    tqdm
        In a file, such as a log, it writes a few lines only.
    """
    kind: type[tqdm] = tqdm
    if _in_notebook():
        from course_utils.progress._notebook_bar import NotebookBar as kind  # loads ipywidgets
    arguments = {"file": sys.stdout, **arguments}
    live = _in_notebook() or arguments["file"].isatty()
    pace = {"mininterval": 0.25, "miniters": 1}
    if not live and total is not None:
        every = math.ceil((total - arguments.get("initial", 0)) / _LINES_IN_A_FILE)
        pace = {"mininterval": 0, "miniters": every, "maxinterval": math.inf}
    elif not live:
        pace = {"mininterval": 60, "miniters": 1}
    if "unit" not in arguments:
        arguments["bar_format"] = _WITHOUT_COUNTS
    return kind(
        total=total,
        desc=text,
        disable=not shown or settings.storing_outputs(),
        leave=not live,
        **pace,
        **arguments,
    )


def show(thing: object) -> None:
    """Show an object as an output of its own in a notebook; else print it.

    Parameters
    ----------
    thing : object
        A notebook shows its richest form. Of a string it would show the quotation marks, so text
        is for :func:`show_line`.
    """
    if _in_notebook():
        from IPython.display import display

        display(thing)
    else:
        print(thing, flush=True)


def show_line(text: str, forms: Mapping[str, Any] | None = None) -> None:
    """Show one line of text as :func:`show` does.

    Parameters
    ----------
    text : str
        The line.
    forms : mapping, optional
        What the output of a notebook holds beside the text, by MIME types.
    """
    show(_Line(text, forms or {}))


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    return getattr(sys.modules["IPython"].get_ipython(), "kernel", None) is not None
