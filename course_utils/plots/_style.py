"""Colours and small tools shared by all figures of the course."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: The colours of Okabe and Ito (2008), "Color Universal Design", which people with the common
#: colour-vision deficiencies can tell apart. The first is used for training, the second for
#: validation, the third for test.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")

#: Line styles that go with the colours, so that no figure depends on colour alone.
LINE_STYLES = ("-", "--", "-.", ":")

#: Markers that go with the colours.
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")

#: The colour map for quantities that run from little to much.
SEQUENTIAL = "cividis"

#: The colour map for quantities with a meaningful zero in the middle.
DIVERGING = "PuOr"


def new_axes(ax: Axes | None = None, figsize: tuple[float, float] = (6.0, 4.0)) -> Axes:
    """Return `ax`, or the axes of a new figure of `figsize` inches where it is None."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def describe(figure: Figure | Axes, text: str) -> Figure | Axes:
    """Give a figure a description for people who cannot see it.

    In a notebook the text is stored with the picture, in the metadata of the cell's output, and
    becomes its ``alt`` attribute when the lesson is written as HTML.

    Parameters
    ----------
    figure : Figure or Axes
        What was drawn.
    text : str
        One or two sentences that say what the figure shows.

    Returns
    -------
    Figure or Axes
        What was given, so that calls can be chained.
    """
    getattr(figure, "figure", figure).set_gid(text)
    _show_descriptions()
    return figure


def _show_descriptions() -> None:
    """Let IPython send a figure's description along with its picture, from now on."""
    ipython = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if ipython is None:
        return
    from matplotlib.figure import Figure

    formatter = ipython.display_formatter.formatters["image/png"]
    try:
        draw = formatter.lookup_by_type(Figure)
    except KeyError:  # figures are not shown as pictures here
        return
    if getattr(draw, "describes", False):
        return

    def draw_and_describe(figure: Figure) -> Any:
        picture = draw(figure)
        text = figure.get_gid()
        if not text or picture is None:
            return picture
        data, metadata = picture if isinstance(picture, tuple) else (picture, {})
        return data, {**metadata, "alt": text}

    draw_and_describe.describes = True  # type: ignore[attr-defined]
    formatter.for_type(Figure, draw_and_describe)
