"""Colors, alternative texts and small drawing helpers shared by all figures of the course."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence, Sized
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from course_utils import validate
from course_utils.datasets import displayable
from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle
    from matplotlib.text import Annotation, Text

    Drawn = TypeVar("Drawn", bound=Figure | Axes)

#: The colors of Okabe and Ito (2008), "Color Universal Design", which people with the common
#: color-vision deficiencies can tell apart. The first is used for training, the second for
#: validation, the third for test.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")

#: The colors of things to compare that are no splits: ways to train, methods, kinds of layers. Blue
#: and orange are left out, since they stand for training and validation in the whole course.
VARIANTS = ("#882255", "#56B4E9", "#CC79A7", "#000000", "#D55E00", "#F0E442", "#009E73")

#: The colors of precision, and of recall or of the share that is answered, over a threshold.
PRECISION, RECALL = VARIANTS[0], VARIANTS[3]

#: Line styles, markers and hatches that go with the colors: no figure depends on color alone.
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
HATCHES = ("", "///", "...")

#: The color map for quantities from low to high.
SEQUENTIAL = "cividis"

INK = "#222222"  # text and frames
QUIET = "#8a8a8a"  # reference lines and background
RIGHT, WRONG = PALETTE[2], PALETTE[5]
DASHED_FRAME = (0, (3, 2))
TAG = {"facecolor": "white", "edgecolor": "none", "pad": 1.2, "alpha": 0.9}  # behind text


# ------------------------------------------------------------------------ alternative texts
def describe(figure: Drawn, text: str) -> Drawn:
    """Set the alternative text of a figure, for readers who cannot see it.

    In a notebook the text is stored with the image, in the metadata of the cell's output, and
    becomes its ``alt`` attribute when the lesson is written as HTML.

    Parameters
    ----------
    figure : Figure or Axes
        The figure, or one of its axes.
    text : str
        One or two sentences that say what the figure shows.

    Returns
    -------
    Figure or Axes
        The argument, so that calls can be chained.
    """
    _whole_figure(figure).set_gid(text)
    _show_descriptions()
    return figure


def described(drawn: Drawn, text: str) -> Drawn:
    """Append the text of a plotting function to the alternative text of the figure.

    Plotting functions end with ``return described(ax, "…")``. If several functions draw into the
    axes of one figure, their texts are joined. :func:`describe` replaces all of them.

    Parameters
    ----------
    drawn : Figure or Axes
    text : str
        One or two sentences, with the main numbers of the figure.

    Returns
    -------
    Figure or Axes
        The argument.
    """
    before = _whole_figure(drawn).get_gid() or ""
    return describe(drawn, before if text in before else f"{before} {text}".strip())


def listed(names: Any) -> str:
    """Join names for an alternative text: "a, b and c"."""
    *most, last = [str(name) for name in names] or ["nothing"]
    return f"{', '.join(most)} and {last}" if most else last


def _whole_figure(drawn: Any) -> Figure:
    while (outer := getattr(drawn, "figure", drawn)) is not drawn:  # axes → subfigure → figure
        drawn = outer
    return drawn


def _show_descriptions() -> None:
    """Make IPython store the description of every figure with its image."""
    ipython = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if ipython is None:
        return
    from matplotlib.figure import Figure

    formatter = ipython.display_formatter.formatters["image/png"]
    try:
        draw = formatter.lookup_by_type(Figure)
    except KeyError:  # figures are not shown as images here
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


# ------------------------------------------------------------------------ axes
def require_some(what: str, things: Sized) -> None:
    """Raise InvalidInput if there is nothing to draw."""
    if not len(things):
        raise InvalidInput(f"There is no {what} to draw; give at least one.")


def new_axes(ax: Axes | None = None, figsize: tuple[float, float] = (6.0, 4.0)) -> Axes:
    """Return `ax`, or if it is None the axes of a new figure of `figsize` inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=figsize, layout="constrained")[1]


def panels(
    rows: int, columns: int, figsize: tuple[float, float], *, bare: bool = False, **options: Any
) -> tuple[Figure, NDArray[Any]]:
    """Return a new figure and its axes, an array of shape (rows, columns).

    With `bare`, the axes are drawn without ticks and frame.
    """
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(
        rows, columns, figsize=figsize, squeeze=False, layout="constrained", **options
    )
    if bare:
        for ax in axes.flat:
            ax.set_axis_off()
    return figure, axes


def grid_shape(count: int, columns: int) -> tuple[int, int]:
    """Return the rows and columns of a grid of `count` panels with at most `columns` in a row."""
    columns = min(validate.whole_number("columns", columns, 1, example=6), count)
    return -(-count // columns), columns


def hide_ticks(ax: Axes, frame: bool = True) -> None:
    """Remove the ticks, and if `frame` is false the frame too."""
    ax.set(xticks=[], yticks=[])
    if not frame:
        ax.spines[:].set_visible(False)


def open_frame(ax: Axes) -> None:
    """Remove the upper and the right line of the frame."""
    ax.spines[["top", "right"]].set_visible(False)


def legend_above(ax: Axes, columns: int = 3) -> None:
    """Put the legend above the axes, in one row of at most `columns` entries."""
    ax.legend(frameon=False, ncols=columns, loc="lower left", bbox_to_anchor=(0, 1), fontsize=9)


def legend_right(ax: Axes, **options: Any) -> None:
    """Put the legend on the right of the axes."""
    ax.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5), **options)


def whole_epochs(ax: Axes) -> None:
    """Put ticks at whole epochs only."""
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def in_percent(axis: Axis) -> None:
    """Label the ticks of an axis with shares from 0 to 1 in percent."""
    axis.set_major_formatter(lambda value, _: f"{value:.0%}")


# ------------------------------------------------------------------------ drawing
def series_style(number: int, colors: Sequence[str] = VARIANTS, **changes: Any) -> dict[str, Any]:
    """Return color, line style and marker of the series with this number, with `changes`.

    `colors` is PALETTE where the series are training, validation and test.
    """
    return {
        "color": colors[number % len(colors)],
        "linestyle": LINE_STYLES[number % len(LINE_STYLES)],
        "marker": MARKERS[number % len(MARKERS)],
        **changes,
    }


def write(ax: Axes, x: float, y: float, text: str, fontsize: float = 9, **style: Any) -> Text:
    """Write text centered on (x, y) in data coordinates."""
    return ax.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": fontsize, **style})


def note(
    ax: Axes, text: str, point: tuple[Any, Any], offset: tuple[float, float], **style: Any
) -> Annotation:
    """Write text at a distance of `offset` points from `point`."""
    style = {"fontsize": 9, "textcoords": "offset points", **style}
    return ax.annotate(text, point, offset, **style)


def row_name(ax: Axes, text: str, fontsize: float = 9.5) -> None:
    """Write text on the left of the axes, as the name of a row of panels."""
    ax.set_ylabel(text, rotation=0, ha="right", va="center", fontsize=fontsize)


def arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
    """Draw an arrow between two points in data coordinates."""
    ax.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": INK, **style})


def rectangle(ax: Axes, x: float, y: float, width: float, height: float, **style: Any) -> Rectangle:
    """Draw a rectangle with a corner at (x, y)."""
    from matplotlib.patches import Rectangle

    patch = Rectangle((x, y), width, height, **style)
    ax.add_patch(patch)
    return patch


def rounded_box(
    ax: Axes, x: float, y: float, width: float, height: float, radius: float, **style: Any
) -> None:
    """Draw a rectangle with round corners, the lower left one at (x, y)."""
    from matplotlib.patches import FancyBboxPatch

    shape = f"round,pad=0,rounding_size={radius}"
    ax.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=shape, **style))


def outline_box(ax: Axes, box: Any, outer: float = 2.6, inner: float = 1.2) -> None:
    """Draw the box (x0, y0, x1, y1) in white on black, so that it is visible on any color."""
    x0, y0, x1, y1 = (float(value) for value in box)
    for color, line in (("black", outer), ("white", inner)):
        rectangle(
            ax, x0 - 0.5, y0 - 0.5, x1 - x0, y1 - y0, fill=False, edgecolor=color, linewidth=line
        )


def show_image(ax: Axes, image: Any) -> None:
    """Show an image with values from 0 to 255; a gray image is not stretched.

    Of a photograph of many megapixels, only every n-th row and column is drawn: drawing all of
    them takes seconds, and a figure does not show them.
    """
    shown = displayable(image)
    height, width = shown.shape[:2]
    step = max(1, min(height, width) // 700)
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    ax.imshow(shown[::step, ::step], cmap="gray", vmin=0, vmax=255, extent=extent)


def grouped_bars(
    ax: Axes,
    table: pd.DataFrame,
    places: NDArray[Any] | None = None,
    fill: float = 0.92,
    colors: Sequence[str] = VARIANTS,
) -> Iterator[tuple[str, BarContainer]]:
    """Draw a group of horizontal bars for each row of a table, and yield each column with its bars.

    Parameters
    ----------
    ax : Axes
    table : DataFrame
        One bar for each value; the columns are named in the legend.
    places : array of float, optional
        Where the groups are drawn; by default at 0, 1, 2 …
    fill : float
        Share of its height that a bar fills.
    colors : sequence of str
        One for each column; PALETTE where the columns are the splits.
    """
    height = 0.8 / len(table.columns)
    base = np.arange(len(table)) if places is None else places
    ax.set_yticks(base, table.index)
    for i, column in enumerate(table.columns):
        bars = ax.barh(
            base + (i - (len(table.columns) - 1) / 2) * height,
            table[column],
            height * fill,
            label=column,
            color=colors[i % len(colors)],
            hatch=HATCHES[i % len(HATCHES)],
            edgecolor="white",
            linewidth=0.5,
        )
        yield column, bars
    ax.invert_yaxis()
