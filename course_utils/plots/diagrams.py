"""Diagrams with little or no data: the course, a project, the splits, tasks and methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.plots._style import (
    HATCHES,
    INK,
    PALETTE,
    QUIET,
    arrow,
    described,
    hide_ticks,
    new_axes,
    panels,
    rectangle,
    rounded_box,
    write,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_GRAY_TEXT = "#555555"

#: Lesson number, title, what happens in it, and the stage it belongs to.
LESSONS = (
    ("00", "Start here", "what image classification is\nyour machine", 0),
    ("01", "Convolution by hand", "filter, ReLU, pooling:\nevery number on paper", 0),
    ("02", "Loading data", "folders, splits, quality,\na fast pipeline", 1),
    ("03", "Building a CNN", "layers, shapes,\nparameters", 2),
    ("04", "Training", "loss, optimizer, schedules,\nregularization", 2),
    ("05", "Evaluation", "curves, confusion matrix,\nprecision, recall, F1", 3),
    ("06", "Error analysis", "the worst mistakes\nand their causes", 3),
    ("07", "Grad-CAM", "what the network\nlooks at", 3),
    ("08", "Transfer learning", "start from what another\nnetwork has learned", 2),
    ("09", "Put it to work", "export, compare, quantize,\na service", 4),
    ("10", "Your own classifier", "your photographs, from\nthe folder to the service", 4),
)
_STAGES = ("understand", "prepare the data", "build and train", "judge and improve", "use it")
_STAGE_COLORS = (PALETTE[4], PALETTE[1], PALETTE[0], PALETTE[2], PALETTE[3])


def roadmap(current: str | int | None = None, ax: Axes | None = None) -> Axes:
    """Draw the lessons of the course and the five stages they belong to.

    Parameters
    ----------
    current : str or int, optional
        Number of the lesson to mark as "you are here", for instance "05" or 5.
    ax : Axes, optional

    Returns
    -------
    Axes

    Raises
    ------
    InvalidInput
        If there is no such lesson.
    """
    numbers = [number for number, *_ in LESSONS]
    here = None if current is None else f"{int(current):02d}"
    if here is not None and here not in numbers:
        raise InvalidInput(f"There is no lesson {current!r}; the lessons are {', '.join(numbers)}.")
    rows = -(-len(LESSONS) // 3)
    ax = new_axes(ax, (9.6, 0.5 + 1.35 * rows))
    width, height, gap_x, gap_y = 2.6, 0.82, 0.55, 0.5
    corners = []
    for i, (number, title, text, stage) in enumerate(LESSONS):
        row, place = divmod(i, 3)
        column = 2 - place if row % 2 else place  # every second row runs from right to left
        x, y = column * (width + gap_x), -row * (height + gap_y)
        corners.append((x, y))
        head, strong = f"{number}  {title}", number == here
        _text_box(ax, (x, y), width, height, head, text, _STAGE_COLORS[stage], strong=strong)
        style: dict[str, Any] = {"ha": "right", "va": "bottom", "style": "italic"}
        right, above = x + width - 0.08, y + height + 0.04
        write(ax, right, above, _STAGES[stage], 7.5, color=_GRAY_TEXT, **style)
        if strong:
            write(ax, x, above, "▼ you are here", ha="left", va="bottom", weight="bold")
    for (x0, y0), (x1, y1) in zip(corners, corners[1:], strict=False):
        if y0 == y1:
            start, end = (x0 + width, x1) if x1 > x0 else (x0, x1 + width)
            _arrow(ax, (start, y0 + height / 2), (end, y1 + height / 2))
        else:
            _arrow(ax, (x0 + width / 2, y0), (x1 + width / 2, y1 + height))
    ax.set(
        xlim=(-0.1, 3 * width + 2 * gap_x + 0.1),
        ylim=((1 - rows) * (height + gap_y) - 0.1, height + 0.35),
    )
    ax.set_axis_off()
    lessons = ", ".join(f"{number} {title}" for number, title, *_ in LESSONS)
    marked = "" if here is None else f" Lesson {here} is marked."
    return described(ax, f"The lessons of the course in their order: {lessons}.{marked}")


def workflow(ax: Axes | None = None) -> Axes:
    """Draw the steps of an image classification project, with the loop from errors back to data.

    Parameters
    ----------
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (9.6, 2.5))
    steps = (
        ("1  Data", "collect, label, check,\nsplit, augment", PALETTE[1]),
        ("2  Model", "architecture, new or\npretrained", PALETTE[0]),
        ("3  Training", "loss, optimizer,\nlearning rate", PALETTE[0]),
        ("4  Evaluation", "test split, confusion\nmatrix, mistakes", PALETTE[2]),
        ("5  Use", "export, predict,\nkeep watching", PALETTE[3]),
    )
    width, gap = 1.85, 0.4
    for i, (head, text, color) in enumerate(steps):
        x = i * (width + gap)
        _text_box(ax, (x, 0), width, 0.85, head, text, color)
        if i:
            _arrow(ax, (x - gap, 0.42), (x, 0.42))
    start = 3 * (width + gap) + width / 2
    ax.plot([start, start, width / 2], [0, -0.45, -0.45], color=QUIET, lw=1.4, ls="--")
    for i in (0, 1, 2):
        target = i * (width + gap) + width / 2
        _arrow(ax, (target, -0.45), (target, 0), color=QUIET, ls="--")
    loop = "what the mistakes show: better data, another model, another training"
    write(ax, (start + width / 2) / 2, -0.55, loop, va="top", color=_GRAY_TEXT)
    ax.set(xlim=(-0.1, 5 * width + 4 * gap + 0.1), ylim=(-0.85, 1.1))
    ax.set_axis_off()
    return described(
        ax,
        "Five boxes in a row: data, model, training, evaluation, use. Dashed arrows lead from "
        "evaluation back to training, model and data.",
    )


def split_roles(ax: Axes | None = None) -> Axes:
    """Draw the purpose of the three splits: learn, choose, report.

    Parameters
    ----------
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes(ax, (9.0, 2.7))
    parts = (
        ("train", 5.6, "sets the weights", "seen in every epoch"),
        ("validation", 2.2, "chooses", "epochs, learning rate,\narchitecture"),
        ("test", 2.2, "is reported", "used once,\nat the very end"),
    )
    left = 0.0
    for i, (name, width, verb, text) in enumerate(parts):
        look: dict[str, Any] = {"color": PALETTE[i], "hatch": HATCHES[i]}
        ax.barh(0, width, 0.9, left=left, edgecolor="white", linewidth=2, **look)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 2.0}
        middle = left + width / 2
        write(ax, middle, 0, name, 10, weight="bold", bbox=box)
        write(ax, middle, -0.58, verb, 11, va="top", weight="bold")
        write(ax, middle, -0.92, text, va="top")
        left += width
    ax.set(xlim=(-0.05, left + 0.05), ylim=(-1.65, 0.6))
    ax.set_axis_off()
    return described(
        ax,
        "A bar in three parts: train, the largest, sets the weights; validation chooses epochs, "
        "learning rate and architecture; test is reported, once.",
    )


def task_comparison() -> Figure:
    """Draw one scene with the outputs of three tasks: classification, detection, segmentation.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = panels(1, 3, (10.2, 3.35))
    whole, boxes, regions = axes[0]
    _draw_scene(whole)
    rectangle(whole, 0, 2.55, 4, 0.45, color="white", alpha=0.85, lw=0)
    for name, x in zip(_SCENE_CLASSES, (0.56, 1.4, 2.0, 2.8, 3.6), strict=True):
        answer = {"bbox": {"facecolor": "white", "edgecolor": INK, "boxstyle": "round,pad=0.25"}}
        look = {"weight": "bold", **answer} if name == "daisy" else {"color": _GRAY_TEXT}
        write(whole, x, 2.77, name, 8.5, **look)

    tag = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
    _draw_scene(boxes)
    for kind, x, y, size in _SCENE:
        left, right, below, above = (size * reach for reach in _REACH[kind])
        corner, dashes = (x - left, y - below), "-" if kind == "daisy" else "--"
        for color, line, style in ((INK, 3.4, "-"), ("white", 1.6, dashes)):
            box = rectangle(boxes, *corner, left + right, below + above, fill=False)
            box.set(edgecolor=color, linewidth=line, linestyle=style)
        write(boxes, corner[0] + 0.03, y + above, kind, ha="left", va="bottom", bbox=tag)

    _draw_scene(regions, {"daisy": (PALETTE[6], ""), "bee": (PALETTE[3], "xxx")})
    for kind, x, y, size in _SCENE:
        write(regions, x, y + 1.15 * size, kind, va="bottom", bbox=tag)
    write(regions, 0.12, 0.12, "background", ha="left", va="bottom", color="white")

    words = {
        "Classification": "What is in the picture?\none class for all of it, from a fixed list",
        "Detection": "What is where?\na box and a class for each object",
        "Segmentation": "Which pixel belongs to what?\na class for each pixel",
    }
    for ax, (head, text) in zip(axes[0], words.items(), strict=True):
        ax.set_title(head, fontsize=12, weight="bold")
        ax.set_xlabel(text, fontsize=9.5)
    return described(
        figure,
        "The same two daisies and a bee three times. Classification: one class for the whole "
        f"picture, daisy, from the list {', '.join(_SCENE_CLASSES)}. Detection: a box and a class "
        "for each daisy and for the bee. Segmentation: each pixel is colored by its class, daisy, "
        "bee or background.",
    )


def explanation_methods(ax: Axes | None = None) -> Axes:
    """Draw a table of explanation methods: what they require, and what they explain.

    Parameters
    ----------
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    from matplotlib.colors import to_rgba

    ax = new_axes(ax, (9.2, 4.4))
    ax.set(xlim=(-0.52, 2), ylim=(-0.02, 2.3))
    ax.set_axis_off()
    fields = {
        (0, 1): ("Grad-CAM", "saliency", "integrated gradients", "feature maps of a picture"),
        (1, 1): ("occlusion", "LIME", "SHAP", "Anchors"),
        (0, 0): ("filters of the first layer", "mean Grad-CAM of a class"),
        (1, 0): ("confusion matrix", "accuracy on changed pictures", "a simple stand-in model"),
    }
    for (column, row), names in fields.items():
        color = PALETTE[(0, 2)[column]]
        style: dict[str, Any] = {"facecolor": to_rgba(color, 0.13), "edgecolor": color}
        rounded_box(ax, column + 0.02, row + 0.03, 0.96, 0.92, 0.04, linewidth=1.2, **style)
        spaces = np.linspace(0.83, 0.15, len(names) + 2)[1:-1]
        for name, y in zip(names, spaces, strict=True):
            write(ax, column + 0.5, row + y, name, 10.5, color=INK)
    head: dict[str, Any] = {"va": "baseline", "weight": "bold", "color": INK}
    quiet = "#6f6f6f"
    columns = {
        "model-specific": "needs the inside: layers, gradients",
        "model-agnostic": "needs predictions only",
    }
    for column, (name, need) in enumerate(columns.items()):
        write(ax, column + 0.5, 2.18, name, 11.5, **head)
        write(ax, column + 0.5, 2.05, need, 9.5, va="baseline", color=quiet)
    rows = {"global": "how the model\nworks in general", "local": "why this one\nprediction"}
    for row, (name, what) in enumerate(rows.items()):
        write(ax, -0.04, row + 0.58, name, 11.5, ha="right", **head)
        write(ax, -0.04, row + 0.5, what, 9.5, ha="right", va="top", color=quiet)
    return described(
        ax,
        "A table of ways to explain a model. Local and model-specific: "
        f"{', '.join(fields[0, 1])}. Local and model-agnostic: {', '.join(fields[1, 1])}. Global "
        f"and model-specific: {', '.join(fields[0, 0])}. Global and model-agnostic: "
        f"{', '.join(fields[1, 0])}.",
    )


def _text_box(
    ax: Axes,
    corner: tuple[float, float],
    width: float,
    height: float,
    head: str,
    text: str,
    color: str,
    *,
    strong: bool = False,
) -> None:
    """Draw a box with a bold heading and some lines of text."""
    x, y = corner
    face, line = ("#fff7d6", 3.2) if strong else ("white", 1.6)
    rounded_box(ax, x, y, width, height, 0.09, facecolor=face, edgecolor=color, linewidth=line)
    style: dict[str, Any] = {"ha": "left", "color": INK}
    write(ax, x + 0.1, y + height - 0.1, head, 11, va="top", weight="bold", **style)
    write(ax, x + 0.1, y + 0.09, text, va="bottom", linespacing=1.25, **style)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
    arrow(ax, start, end, **{"lw": 1.4, "mutation_scale": 13, **style})


# ------------------------------------------------------------------------ the scene of flowers
# (kind, x, y, size) in a frame of 4 × 3, drawn from back to front.
_SCENE = (("daisy", 0.95, 1.75, 0.62), ("daisy", 2.15, 1.05, 0.48), ("bee", 3.2, 2.05, 0.36))
_REACH = {"daisy": (1, 1, 1, 1), "bee": (1.15, 1.05, 0.9, 1.12)}  # left, right, below, above
_SCENE_CLASSES = ("dandelion", "daisy", "tulip", "sunflower", "rose")
_PETALS = 12
_NATURAL = {
    "stem": "#4d8a3c",
    "leaf": "#4d8a3c",
    "daisy petal": "#fbfbf4",
    "daisy center": "#f2b90f",
    "bee wing": "#f4fbff",
    "bee body": "#f2b90f",
    "bee stripe": "#33291a",
}


def _draw_scene(ax: Axes, classes: Mapping[str, tuple[str, str]] | None = None) -> None:
    """Draw the scene in its own colors, or only the flowers in the (color, hatch) of each class."""
    sky, meadow = ("#bfe0f2", "#8fbf6a") if classes is None else ("#4a4a4a", "#4a4a4a")
    rectangle(ax, 0, 0, 4, 3, color=sky, lw=0)
    rectangle(ax, 0, 0, 4, 1.15, color=meadow, lw=0)
    for kind, x, y, size in _SCENE:
        for part, patch in _patches(kind, x, y, size):
            if classes is None:
                patch.set(facecolor=_NATURAL[part], edgecolor="#00000030", linewidth=0.5)
                ax.add_patch(patch)
            elif part not in ("stem", "leaf"):
                color, hatch = classes[kind]
                patch.set(facecolor=color, edgecolor=color, linewidth=0.6)
                ax.add_patch(patch)
                if part.endswith("body"):
                    patch.set(hatch=hatch, edgecolor="white", linewidth=0)
    ax.set(xlim=(0, 4), ylim=(0, 3), aspect="equal")
    hide_ticks(ax)


def _patches(kind: str, x: float, y: float, size: float) -> list[tuple[str, Any]]:
    """Return the (part, patch) pairs of one flower head or bee whose center is at (x, y)."""
    from matplotlib.patches import Circle, Ellipse, Polygon

    if kind == "bee":
        return _bee_patches(x, y, size)
    stem = Polygon([(x - 0.035, y), (x + 0.035, y), (x + 0.06, -0.1), (x - 0.02, -0.1)])
    leaf = Ellipse((x + 0.2, y - 1.25 * size - 0.2), 0.42, 0.13, angle=38)
    parts: list[tuple[str, Any]] = [("stem", stem), ("leaf", leaf)]
    for angle in 2 * np.pi * np.arange(_PETALS) / _PETALS:
        center = (x + 0.66 * size * np.cos(angle), y + 0.66 * size * np.sin(angle))
        petal = Ellipse(center, 0.68 * size, 0.27 * size, angle=np.degrees(angle))
        parts.append(("daisy petal", petal))
    parts.append(("daisy center", Circle((x, y), 0.33 * size)))
    return parts


def _bee_patches(x: float, y: float, size: float) -> list[tuple[str, Any]]:
    """Return the (part, patch) pairs of a bee that flies to the left."""
    from matplotlib.patches import Circle, Ellipse

    y -= 0.25 * size
    wings = [
        ("bee wing", Ellipse((x + 0.1 * size, y + 0.75 * size), 0.5 * size, 1.1 * size, angle=12)),
        ("bee wing", Ellipse((x + 0.45 * size, y + 0.65 * size), 0.45 * size, size, angle=-25)),
    ]
    body = [("bee body", Ellipse((x + 0.1 * size, y), 1.7 * size, 1.1 * size))]
    head = [("bee stripe", Circle((x - 0.75 * size, y), 0.32 * size))]
    stripes = [
        ("bee stripe", Ellipse((x + place * size, y), 0.22 * size, high * size))
        for place, high in ((-0.2, 1.0), (0.2, 1.04), (0.6, 0.84))
    ]
    return [*wings, *body, *stripes, *head]
