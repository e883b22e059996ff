"""Define the five flowers of paper_flowers with their colors, forms and leaves.

Every public function takes a :class:`~course_staff.drawing.shapes.RandomSource`, which decides the
details, and returns a :class:`Flower`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course_staff.drawing.shapes import (
    Color,
    ColorTable,
    Dome,
    Head,
    Layer,
    Petal,
    RandomSource,
    Sheet,
    Thread,
    blade,
    curve,
    hsv,
    leaf_green,
    mix,
    named_color,
    shade,
    vary,
)


@dataclass
class Flower:
    """One flower: its head, its direction and its leaves.

    `tilt` is in degrees (0 from above, 90 from the side, more than 90 from behind), `stem_width` in
    radii of the head, `reach` the distance in radii from the middle of the head to its foot along
    the axis. `leaves` draws the leaves, given a layer, the stem's points and the head's radius.
    """

    head: Head
    color: str
    form: str
    tilt: float
    stem: Color
    stem_width: float
    leaves: Callable[[Layer, np.ndarray, float], None]
    reach: float = 0.0


def _view(rng: RandomSource, top: float, tilted: float, side: float, behind: float) -> float:
    """Return a random tilt in degrees, given the weights of the four kinds of view."""
    kind = rng.pick(("top", "tilted", "side", "behind"), (top, tilted, side, behind))
    low, high = {"top": (0, 25), "tilted": (25, 56), "side": (56, 77), "behind": (100, 132)}[kind]
    return rng.between(low, high)


# --- daisy ----------------------------------------------------------------------------------------

_DAISY: ColorTable = {
    "white": (0.64, (40, 60), (0, 0.07), (0.93, 1)),
    "pink": (0.13, (325, 350), (0.25, 0.65), (0.85, 1)),
    "yellow": (0.09, (46, 56), (0.5, 0.85), (0.94, 1)),
    "violet": (0.08, (255, 290), (0.2, 0.5), (0.75, 0.98)),
    "orange": (0.06, (14, 32), (0.55, 0.9), (0.92, 1)),
}


def daisy(rng: RandomSource) -> Flower:
    """Return a daisy: narrow petals with round ends around a small yellow disc."""
    name, color = named_color(rng, _DAISY)
    tilt = _view(rng, 0.46, 0.42, 0.1, 0.02)
    count = rng.whole(11, 24)
    rows = rng.pick((1, 2), (0.6, 0.4))
    disc = rng.between(0.2, 0.31)
    rise = rng.pick((rng.between(-12, 12), rng.between(15, 55)), (0.75, 0.25))
    droop = rng.between(-35, 10)
    base, tip = rng.between(0.45, 0.8), rng.between(0.16, 0.32)
    width = rng.between(0.8, 1.25) * 2 * np.pi * 0.62 / count
    missing = rng.between(0, 0.12) if rng.chance(0.3) else 0.0
    tinge = rng.pick((color, mix(color, (225, 90, 150), 0.4)), (0.8, 0.2))
    parts: list = []
    for row in range(rows):
        for number in range(count):
            if rng.chance(missing):
                continue
            angle = 360 * (number + 0.5 * row) / count + rng.around(0, 5)
            face = vary(rng, color, 0.5)
            parts.append(
                Sheet(
                    Petal(
                        angle,
                        (1 - 0.12 * row) * rng.around(1 - 0.8 * disc, 0.04),
                        width * rng.around(1, 0.08),
                        base,
                        tip,
                        (rise + 9 * row + rng.around(0, 5), rise + droop + rng.around(0, 8)),
                        foot=(0.7 * disc, 0.02 * row),
                        cup=rng.between(0, 0.25),
                        twist=rng.around(0, 10),
                    ),
                    foot=shade(face, 0.86),
                    tip=mix(face, tinge, 0.8),
                    back=shade(mix(face, tinge, 0.5), 0.88),
                    edge=shade(face, 0.68),
                    bias=0.02 * row,
                )
            )
    core = hsv(rng.between(38, 54), rng.between(0.8, 1), rng.between(0.85, 1))
    parts.append(
        Dome(disc, 0.6 * disc, 0.03, shade(core, 0.86), core, shade(core, 0.55), 46, 0.035, 0.03)
    )
    stem = leaf_green(rng)
    _add_calyx(parts, rng, stem, 0.85 * disc, 0.3, 10)
    leaf = leaf_green(rng)

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        for _ in range(rng.whole(0, 3)):
            x, y = spine[rng.whole(len(spine) // 2, len(spine) - 1)]
            side = rng.pick((-1, 1))
            far = (x + side * radius * rng.between(0.6, 1.2), y - radius * rng.between(-0.2, 0.7))
            bend = ((x + far[0]) / 2, y + radius * 0.1)
            blade(layer, curve((x, y), bend, far), radius * 0.4, leaf, 1.2, 0.4, teeth=4, depth=0.3)

    return Flower(Head(parts), name, "flower", tilt, stem, rng.between(0.06, 0.1), leaves)


def _add_calyx(
    parts: list, rng: RandomSource, green: Color, radius: float, length: float, count: int
) -> None:
    """Add the green cup below the petals, which is visible from the side and from behind."""
    width, foot = 2 * np.pi * radius / count * 1.3, (0.35 * radius, -0.5 * radius)
    for number in range(count):
        form = Petal(
            360 * number / count, length, width, 0.4, 0.5, (5, 40), foot, wrap=True, steps=(4, 3)
        )
        parts.append(_sepal(rng, green, form, 0.2))


def _sepal(rng: RandomSource, green: Color, form: Petal, edge_width: float) -> Sheet:
    """Return one green leaf below the petals."""
    tint = vary(rng, green, 0.6)
    tip, edge = shade(tint, 1.1), shade(tint, 0.7)
    return Sheet(form, tint, tip, tint, edge, edge_width=edge_width, below=True)


# --- sunflower ------------------------------------------------------------------------------------

_SUNFLOWER: ColorTable = {
    "yellow": (0.7, (42, 52), (0.78, 1), (0.9, 1)),
    "orange": (0.14, (28, 40), (0.8, 1), (0.88, 1)),
    "cream": (0.06, (48, 56), (0.22, 0.45), (0.93, 1)),
    "red": (0.1, (4, 20), (0.7, 0.9), (0.5, 0.8)),
}


def sunflowers(rng: RandomSource) -> Flower:
    """Return a sunflower: pointed petals in two rows around a large dark disc."""
    name, color = named_color(rng, _SUNFLOWER)
    tilt = _view(rng, 0.46, 0.42, 0.08, 0.04)
    count = rng.whole(13, 22)
    disc = rng.between(0.4, 0.58)
    rise = rng.pick((rng.between(-8, 14), rng.between(20, 60)), (0.8, 0.2))
    width = rng.between(1.15, 1.6) * 2 * np.pi * 0.7 / count
    base, tip = rng.between(0.5, 0.8), rng.between(0.65, 1.1)
    ring = name in ("yellow", "orange") and rng.chance(0.25)
    foot_color = hsv(rng.between(8, 24), 0.85, 0.55) if ring else shade(color, 0.82)
    parts: list = []
    for row in (1, 0):
        for number in range(count):
            angle = 360 * (number + 0.5 * row) / count + rng.around(0, 6)
            face = vary(rng, color, 0.8)
            slope = rise + 10 * (1 - row) + rng.around(0, 8)
            parts.append(
                Sheet(
                    Petal(
                        angle,
                        (1.02 - 0.7 * disc) * rng.around(1, 0.07),
                        width * rng.around(1, 0.1),
                        base,
                        tip,
                        (slope, slope + rng.between(-35, 12)),
                        foot=(0.72 * disc, 0.03 - 0.04 * row),
                        cup=rng.between(0.1, 0.5),
                        twist=rng.around(0, 14),
                    ),
                    foot=vary(rng, foot_color, 0.5),
                    tip=face,
                    back=shade(mix(face, (150, 160, 60), 0.25), 0.85),
                    edge=shade(face, 0.62),
                    bias=-0.03 * row,
                )
            )
    core = rng.pick(
        (hsv(25, 0.6, 0.2), hsv(20, 0.5, 0.12), hsv(60, 0.55, 0.4), hsv(30, 0.7, 0.32)),
        (0.4, 0.25, 0.15, 0.2),
    )
    rim = rng.pick((hsv(28, 0.75, 0.42), hsv(38, 0.85, 0.7), hsv(18, 0.6, 0.25)))
    parts.append(
        Dome(disc, rng.between(0.1, 0.3) * disc, 0.03, rim, core, shade(core, 0.5), 130, 0.04, 0.04)
    )
    stem = leaf_green(rng)
    _add_calyx(parts, rng, stem, 0.95 * disc, 0.62, 14)
    leaf = leaf_green(rng)

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        for _ in range(rng.whole(1, 3)):
            x, y = spine[rng.whole(len(spine) // 4, len(spine) - 1)]
            side = rng.pick((-1, 1))
            far = (x + side * radius * rng.between(0.8, 1.5), y + radius * rng.between(-0.6, 0.5))
            bend = ((x + far[0]) / 2, y - radius * rng.between(0.2, 0.5))
            width, tint, teeth = radius * rng.between(0.7, 1.0), vary(rng, leaf), rng.pick((0, 7))
            blade(layer, curve((x, y), bend, far), width, tint, 0.45, 0.95, teeth, depth=0.15)

    return Flower(Head(parts), name, "flower", tilt, stem, rng.between(0.12, 0.18), leaves)


# --- dandelion ------------------------------------------------------------------------------------


def dandelion(rng: RandomSource) -> Flower:
    """Return a dandelion: a yellow flower of many florets, or its ball of white seeds."""
    if rng.chance(0.36):
        return _clock(rng)
    hue = rng.between(38, 56)
    color = hsv(hue, rng.between(0.72, 1), rng.between(0.9, 1))
    half_open = rng.chance(0.11)
    tilt = rng.between(60, 88) if half_open else _view(rng, 0.48, 0.38, 0.13, 0.01)
    rows = rng.whole(5, 7)
    parts: list = []
    flat = rng.between(-14, 16)
    for row in range(rows):
        share = row / (rows - 1)
        count = round(rng.between(23, 31) * (1 - 0.45 * share))
        slope = (42 + 40 * share) if half_open else flat + (78 - flat) * share**1.1
        length = (1 - 0.42 * share) * (1.15 if half_open else 1)
        for number in range(count):
            angle = 360 * (number + rng.between(0, 0.6)) / count + 40 * row
            face = shade(vary(rng, color, 0.8), 1.04 - 0.08 * share)
            lean = slope + rng.around(0, 9)
            parts.append(
                Sheet(
                    Petal(
                        angle,
                        length * rng.around(0.98, 0.06),
                        0.115 * rng.around(1, 0.15),
                        0.22,
                        0.12,
                        (lean + 6, lean - rng.between(5, 30)),
                        foot=(0.03, 0.0),
                        steps=(5, 2),
                    ),
                    foot=shade(mix(face, (190, 110, 10), 0.45), 0.85),
                    tip=face,
                    back=shade(mix(face, (170, 150, 40), 0.3), 0.86),
                    edge=shade(mix(face, (170, 90, 0), 0.35), 0.8),
                    edge_width=0.22,
                    bias=0.02 * row,
                )
            )
    for number in range(10 if not half_open and tilt < 40 else 0):
        angle = np.radians(36 * number)
        root = np.array([0.05 * np.cos(angle), 0.05 * np.sin(angle), 0.3])
        end = np.array([0.15 * np.cos(angle), 0.15 * np.sin(angle), 0.55])
        tint = shade(color, 0.82)
        parts.append(Thread(np.stack([root, end]), tint, 0.03, knob=0.035, knob_color=tint))
    stem = mix(leaf_green(rng), (190, 140, 110), rng.between(0, 0.5))
    _add_calyx(parts, rng, leaf_green(rng), 0.26, 0.62 if half_open else 0.4, 11)
    form = "half open" if half_open else "flower"
    return Flower(Head(parts), "yellow", form, tilt, stem, rng.between(0.09, 0.14), _rosette(rng))


def _clock(rng: RandomSource) -> Flower:
    """Return a dandelion clock: a ball of seeds, each with a tuft; some may be missing."""
    white = hsv(rng.between(30, 60), rng.between(0, 0.12), rng.between(0.88, 1))
    if rng.chance(0.25):
        white = hsv(rng.between(20, 50), rng.between(0.15, 0.35), rng.between(0.7, 0.95))
    count = rng.whole(70, 120)
    number = np.arange(count) + 0.5
    height = 1 - 2 * number / count
    ring = np.sqrt(1 - height**2)
    angle = number * 2.399963
    ball = np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)
    flown = np.array([rng.around(0, 1), rng.around(0, 1), rng.around(0.3, 1)])
    flown /= max(float(np.linalg.norm(flown)), 1e-6)
    limit = rng.pick((2.0, rng.between(0.25, 0.85)), (0.6, 0.4))
    gray = shade(white, 0.8)
    seed = hsv(rng.between(25, 40), 0.5, rng.between(0.3, 0.5))
    tuft = rng.between(0.2, 0.28)
    parts: list = []
    for direction in ball:
        if float(direction @ flown) > limit:
            continue
        reach = rng.around(0.8, 0.03)
        thread = np.stack([0.1 * direction, reach * direction])
        tint = mix(gray, white, float(np.clip(0.5 + 0.5 * direction[2], 0, 1)))
        parts.append(Thread(thread, tint, 0.022, tuft=tuft, bias=0.1))
        parts.append(Thread(np.stack([0.08 * direction, 0.24 * direction]), seed, 0.045))
    parts.append(
        Dome(0.13, 0.1, 0.0, shade(white, 0.62), shade(white, 0.75), shade(white, 0.45), 16, 0.025)
    )
    stem = mix(leaf_green(rng), (190, 140, 110), rng.between(0, 0.5))
    glow = (0.97, white, rng.between(0.2, 0.42)) if limit > 1 else None
    tilt = rng.between(20, 95)
    head = Head(parts, glow)
    return Flower(head, "white", "clock", tilt, stem, rng.between(0.07, 0.11), _rosette(rng))


def _rosette(rng: RandomSource) -> Callable[[Layer, np.ndarray, float], None]:
    green = leaf_green(rng)

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        x, y = spine[-1]
        if rng.chance(0.25):
            return
        for _ in range(rng.whole(2, 5)):
            far = (x + radius * rng.around(0, 1.6), y - radius * rng.between(0.5, 1.8))
            bend = ((2 * x + far[0]) / 3, far[1])
            width, tint, teeth = radius * rng.between(0.35, 0.6), vary(rng, green), rng.whole(4, 6)
            blade(layer, curve((x, y), bend, far), width, tint, 0.9, 0.5, teeth, depth=0.65)

    return leaves


# --- tulip ----------------------------------------------------------------------------------------

_TULIP: ColorTable = {
    "red": (0.24, (-10, 10), (0.78, 0.98), (0.7, 0.95)),
    "yellow": (0.19, (44, 56), (0.65, 1), (0.9, 1)),
    "pink": (0.2, (325, 350), (0.3, 0.65), (0.85, 1)),
    "white": (0.1, (40, 70), (0, 0.1), (0.92, 1)),
    "purple": (0.16, (270, 315), (0.4, 0.75), (0.35, 0.8)),
    "orange": (0.11, (16, 32), (0.75, 0.95), (0.9, 1)),
}


#: For each form: ranges of the tilt, of the slope of a petal at its foot and at its tip, and of the
#: width of a petal.
_TULIP_FORMS = {
    "open": ((5, 60), (15, 32), (28, 58), (0.72, 0.9)),
    "half open": ((50, 96), (12, 26), (98, 116), (0.9, 1.12)),
    "closed": ((62, 98), (16, 32), (112, 130), (0.85, 1.05)),
}


def tulips(rng: RandomSource) -> Flower:
    """Return a tulip: a cup of six petals, closed, half open or wide open."""
    name, color = named_color(rng, _TULIP)
    form = rng.pick(("closed", "half open", "open"), (0.5, 0.42, 0.08))
    tilt, *rise, width = (rng.between(*limits) for limits in _TULIP_FORMS[form])
    parts = _tulip_petals(rng, color, form == "open", (rise[0], rise[1]), width)
    if form == "open":
        _add_stamens(parts, rng)
    green = mix(leaf_green(rng), (120, 160, 140), rng.between(0, 0.5))
    stem = vary(rng, green)

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        for side in ((-1, 1), (1,), (-1,), (1, -1, 1))[rng.whole(0, 3)]:
            x, y = spine[rng.whole(2 * len(spine) // 3, len(spine) - 1)]
            height = radius * rng.between(1.2, 2.6)
            far = (x + side * radius * rng.between(0.4, 1.3), y - height)
            bend = (x + side * radius * rng.between(0.2, 0.7), y - 0.4 * height)
            width, tint = radius * rng.between(0.35, 0.6), vary(rng, green)
            blade(layer, curve((x, y), bend, far), width, tint, 0.5, 0.8)

    reach = 0.0 if form == "open" else 0.75
    return Flower(Head(parts), name, form, tilt, stem, rng.between(0.11, 0.16), leaves, reach=reach)


def _tulip_petals(
    rng: RandomSource, color: Color, is_open: bool, rise: tuple[float, float], width: float
) -> list:
    """Return two rows of three petals each."""
    length = 1.0 if is_open else rng.between(1.45, 1.85)
    base = rng.between(0.45, 0.6)
    tip = rng.pick((rng.between(0.35, 0.5), rng.between(0.75, 1.1)), (0.75, 0.25))
    rim = named_color(rng, _TULIP)[1] if rng.chance(0.3) else color
    base_tint = rng.pick((shade(color, 0.75), (238, 226, 120), (60, 40, 60)), (0.5, 0.3, 0.2))
    streak = None
    if not is_open:
        base_tint = mix(shade(color, 0.85), (150, 180, 90), rng.between(0, 0.35))
    elif rng.chance(0.2):
        streak = mix(color, (250, 240, 200), 0.7)
    spin = rng.between(0, 60)
    parts: list = []
    for row in range(2):
        for number in range(3):
            face = vary(rng, color, 0.6)
            parts.append(
                Sheet(
                    Petal(
                        spin + 120 * number + 60 * row + rng.around(0, 4),
                        length * rng.around(1, 0.04),
                        width * rng.around(1, 0.05),
                        base,
                        tip,
                        (rise[0] + 4 * row, rise[1] + rng.around(0, 5)),
                        foot=(0.05, 0.0),
                        cup=0.12 if is_open else 0.0,
                        wrap=not is_open,
                        steps=(12, 7),
                    ),
                    foot=base_tint,
                    tip=mix(face, rim, 0.85),
                    back=shade(mix(face, rim, 0.35), 0.94),
                    edge=shade(mix(face, rim, 0.3), 0.66),
                    edge_width=0.4,
                    bias=0.04 * row - (0.0 if is_open else 0.06),
                    streak=streak,
                )
            )
    return parts


def _add_stamens(parts: list, rng: RandomSource) -> None:
    """Add six stamens and the pistil, which are visible in an open tulip."""
    dark = rng.pick(((60, 45, 40), (215, 190, 70)))
    for number in range(6):
        a = np.radians(60 * number + 20)
        end = np.array([0.2 * np.cos(a), 0.2 * np.sin(a), 0.32])
        parts.append(Thread(np.stack([0.2 * end, end]), dark, 0.04, knob=0.055, knob_color=dark))
    pistil = np.array([[0, 0, 0.05], [0, 0, 0.36]])
    parts.append(Thread(pistil, (170, 190, 110), 0.09, knob=0.08))


# --- rose -----------------------------------------------------------------------------------------

_ROSE: ColorTable = {
    "red": (0.36, (-15, 6), (0.78, 0.95), (0.55, 0.88)),
    "pink": (0.27, (328, 352), (0.25, 0.6), (0.85, 1)),
    "white": (0.15, (35, 60), (0.01, 0.12), (0.92, 1)),
    "yellow": (0.1, (42, 54), (0.45, 0.85), (0.92, 1)),
    "peach": (0.08, (12, 28), (0.35, 0.7), (0.92, 1)),
    "lilac": (0.04, (275, 310), (0.2, 0.5), (0.65, 0.9)),
}


def roses(rng: RandomSource) -> Flower:
    """Return a rose: broad petals in a spiral around a tight heart, or a bud."""
    name, color = named_color(rng, _ROSE)
    form = rng.pick(("flower", "cup", "bud"), (0.6, 0.26, 0.14))
    tilt = {
        "flower": _view(rng, 0.5, 0.46, 0.0, 0.04),
        "cup": rng.between(42, 80),
        "bud": rng.between(60, 92),
    }[form]
    parts = _rose_petals(rng, form, color)
    stem = mix(leaf_green(rng), (110, 60, 40), rng.between(0, 0.4))
    length, rise = (0.62, (55, 85)) if form == "bud" else (0.5, (10, -30))
    for number in range(5):
        leaflet = Petal(
            72 * number + 15, length, 0.2, 0.5, 0.9, rise, foot=(0.06, -0.06), steps=(5, 3)
        )
        parts.append(_sepal(rng, stem, leaflet, 0.25))
    leaves = _rose_leaves(rng, stem)
    return Flower(Head(parts), name, form, tilt, stem, rng.between(0.08, 0.12), leaves, reach=0.3)


def _rose_petals(rng: RandomSource, form: str, color: Color) -> list:
    """Return the petals of a rose from the heart to the outside."""
    flatness = {"flower": rng.between(0.75, 1.0), "cup": 0.35, "bud": 0.0}[form]
    rim = named_color(rng, _ROSE)[1] if rng.chance(0.2) else color
    heart = shade(mix(color, rim, 0.2), rng.between(0.62, 0.8))
    turns = {"flower": rng.whole(16, 26), "cup": rng.whole(12, 16), "bud": rng.whole(6, 8)}[form]
    spin = rng.between(0, 360)
    parts: list = []
    for number in range(turns):
        share = number / (turns - 1)  # 0 in the heart, 1 outside
        radius = 0.04 + 0.3 * share**1.2
        steep = 90 - 62 * flatness * share**1.3 - 10 * share
        curl = steep - (8 + 42 * share * (0.4 + flatness)) + rng.around(0, 6)
        length = (0.42 + 0.42 * share) * (1.0 + 0.45 * (1 - flatness))
        if form == "cup":
            steep, curl = 80 - 62 * share, 96 - 8 * share**3 + rng.around(0, 6)
            length, radius = 0.62 + 0.3 * share, 0.05 + 0.12 * share
        elif form == "bud":
            steep, curl = 62 - 36 * share, 106 + 8 * share + rng.around(0, 4)
            length, radius = 1.12 + 0.05 * share, 0.03 + 0.05 * share
        face = mix(heart, vary(rng, color, 0.6), min(1.0, 0.25 + share))
        lip = mix(mix(heart, color, 0.6), mix(color, rim, 0.8), share)
        petal = Petal(
            spin + 137.5 * number + rng.around(0, 8),
            length * rng.around(1, 0.04),
            (0.34 + 0.72 * share) * rng.around(1, 0.07),
            rng.between(0.32, 0.42),
            rng.between(0.14, 0.24),
            (steep, curl),
            foot=(radius, 0.0),
            cup=0.1 * share,
            wrap=True,
            steps=(7, 6),
        )
        between = mix(face, lip, 0.5)
        colors = (shade(face, 0.62), shade(lip, 1.06), shade(between, 0.9), shade(between, 0.5))
        bias = -0.28 * share if form == "flower" else 0.0
        parts.append(Sheet(petal, *colors, edge_width=0.55, bias=bias))
    return parts


def _rose_leaves(rng: RandomSource, stem: Color) -> Callable[[Layer, np.ndarray, float], None]:
    """Return what draws leaves of three leaflets, and thorns."""
    leaf = shade(leaf_green(rng), rng.between(0.7, 1.0))

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        for _ in range(rng.whole(1, 3)):
            x, y = spine[rng.whole(len(spine) // 5, len(spine) - 1)]
            side = rng.pick((-1, 1))
            reach = radius * rng.between(0.7, 1.2)
            tipward = rng.between(-0.6, 0.3)
            far = np.array([x + side * reach, y + tipward * reach])
            stalk = curve((x, y), ((x + far[0]) / 2, y), far, 6)
            layer.line(stalk, shade(leaf, 0.9), max(0.4, 0.05 * radius))
            for start, turn in ((stalk[3], -0.9), (stalk[3], 0.9), (stalk[5], 0.0)):
                a = np.arctan2(far[1] - y, far[0] - x) + turn
                end = start + radius * 0.6 * np.array([np.cos(a), np.sin(a)])
                line, tint = curve(start, (start + end) / 2, end), vary(rng, leaf)
                blade(layer, line, 0.38 * radius, tint, 0.5, 0.6, teeth=6, depth=0.15)
        for _ in range(rng.whole(1, 4)):  # thorns
            x, y = spine[rng.whole(2, len(spine) - 1)]
            s = rng.pick((-1, 1)) * radius
            layer.polygon([(x, y), (x + 0.16 * s, y - 0.06 * radius), (x, y + 0.12 * radius)], stem)

    return leaves


#: The function for each class, in the order of the class indices.
FLOWERS: dict[str, Callable[[RandomSource], Flower]] = {
    "dandelion": dandelion,
    "daisy": daisy,
    "tulips": tulips,
    "sunflowers": sunflowers,
    "roses": roses,
}
