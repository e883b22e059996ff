"""Progress of a training: a tqdm bar while it runs, one line of text at the end.

The bar is a widget in a notebook, which takes its output away at the end, and text on stdout
elsewhere. Nothing is written to stderr.
"""

from __future__ import annotations

import math
import sys

from tqdm import tqdm

_LINES_IN_A_FILE = 8


class _Text:
    """An object that a notebook shows as plain text."""

    def __init__(self, text: str):
        self._text = text

    def __repr__(self) -> str:
        return self._text


def progress_bar(total: int, shown: bool = True) -> tqdm:
    """Open a progress bar over `total` steps.

    Parameters
    ----------
    total : int
        Number of steps until the end.
    shown : bool
        Whether the bar is visible.

    Returns
    -------
    tqdm
        In a file, such as a log, it writes a few lines only.
    """
    kind: type[tqdm] = tqdm
    if _in_notebook():
        from course_utils.training._notebook_bar import NotebookBar as kind  # loads ipywidgets
    live = _in_notebook() or sys.stdout.isatty()
    pace = {"mininterval": 0.25, "miniters": 1}
    if not live:
        every = math.ceil(total / _LINES_IN_A_FILE)
        pace = {"mininterval": 0, "miniters": every, "maxinterval": math.inf}
    return kind(
        total=total,
        disable=not shown,
        file=sys.stdout,
        leave=not live,
        bar_format="{desc}{percentage:3.0f}%|{bar:20}| {elapsed}<{remaining}{postfix}",
        **pace,
    )


def show_line(text: str) -> None:
    """Show one line of text: as an output of its own in a notebook, else printed."""
    if _in_notebook():
        from IPython.display import display

        display(_Text(text))
    else:
        print(text, flush=True)


def _in_notebook() -> bool:
    if "IPython" not in sys.modules:
        return False
    return getattr(sys.modules["IPython"].get_ipython(), "kernel", None) is not None
