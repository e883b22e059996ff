"""Drawings that are the same for every reader: SVG files, shown as they are."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from html import escape, unescape
from pathlib import Path

from course_utils.exceptions import InvalidInput

_FOLDER = Path(__file__).with_name("drawings")


@dataclass(frozen=True)
class Drawing:
    """A drawing, as the value of a cell; its alternative text is the ``<desc>`` of the file."""

    svg: str

    def __repr__(self) -> str:
        found = re.search(r"<desc>(.*?)</desc>", self.svg, re.DOTALL)
        return " ".join(unescape(found[1]).split()) if found else ""

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode()).decode()
        source = f"data:image/svg+xml;base64,{data}"
        return f'<img alt="{escape(repr(self))}" src="{source}" style="max-width: 100%">'


def drawing(name: str) -> Drawing:
    """Return a fixed drawing of the course: the lessons, a project, splits, tasks, methods.

    Parameters
    ----------
    name : str
        Name of a file in ``course_utils/plots/drawings/``, without ".svg".

    Returns
    -------
    Drawing
        A notebook shows it when it is the last value of a cell.

    Raises
    ------
    InvalidInput
        If there is no such drawing.
    """
    known = {path.stem: path for path in sorted(_FOLDER.glob("*.svg"))}
    if name not in known:
        raise InvalidInput(f"There is no drawing {name!r}; the drawings are {', '.join(known)}.")
    return Drawing(known[name].read_text(encoding="utf-8"))
