"""The five flowers of paper_flowers, each with its colours, its forms and its leaves.

Every function takes :class:`~course_staff.drawing.shapes.Dice` and returns a :class:`Flower`:
no two calls with different dice give the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course_staff.drawing.shapes import (
    Colour,
    Dice,
    Dome,
    Head,
    Layer,
    Sheet,
    Thread,
    blade,
    curve,
    hsv,
    leaf_green,
    mix,
    petal,
    shade,
    vary,
)


@dataclass
class Flower:
    """One flower: its head, how it is held, and what grows on its stem.

    `tilt` is in degrees (0 from above, 90 from the side, more than 90 from behind), `stem_width` in
    radii of the head, `reach` the distance in radii from the middle of the head to its foot along
    the axis. `leaves` draws the leaves, given a layer, the stem's points and the head's radius.
    """

    head: Head
    colour: str
    form: str
    tilt: float
    stem: Colour
    stem_width: float
    leaves: Callable[[Layer, np.ndarray, float], None]
    reach: float = 0.0


def _view(dice: Dice, top: float, tilted: float, side: float, behind: float) -> float:
    """Return a tilt in degrees: the four numbers are the weights of the four kinds of view."""
    kind = dice.pick(("top", "tilted", "side", "behind"), (top, tilted, side, behind))
    low, high = {"top": (0, 25), "tilted": (25, 56), "side": (56, 77), "behind": (100, 132)}[kind]
    return dice.between(low, high)


# --- daisy ----------------------------------------------------------------------------------------

_DAISY = {
    "white": (0.64, lambda d: hsv(d.between(40, 60), d.between(0, 0.07), d.between(0.93, 1))),
    "pink": (0.13, lambda d: hsv(d.between(325, 350), d.between(0.25, 0.65), d.between(0.85, 1))),
    "yellow": (0.09, lambda d: hsv(d.between(46, 56), d.between(0.5, 0.85), d.between(0.94, 1))),
    "violet": (
        0.08,
        lambda d: hsv(d.between(255, 290), d.between(0.2, 0.5), d.between(0.75, 0.98)),
    ),
    "orange": (0.06, lambda d: hsv(d.between(14, 32), d.between(0.55, 0.9), d.between(0.92, 1))),
}


def _named(dice: Dice, table: dict) -> tuple[str, Colour]:
    names = list(table)
    name = dice.pick(names, [table[n][0] for n in names])
    return name, table[name][1](dice)


def daisy(dice: Dice) -> Flower:
    """Return a daisy: narrow petals with round ends about a small yellow disc."""
    name, colour = _named(dice, _DAISY)
    tilt = _view(dice, 0.46, 0.42, 0.1, 0.02)
    count = dice.whole(11, 24)
    rows = dice.pick((1, 2), (0.6, 0.4))
    disc = dice.between(0.2, 0.31)
    rise = dice.pick((dice.between(-12, 12), dice.between(15, 55)), (0.75, 0.25))
    droop = dice.between(-35, 10)
    base, tip = dice.between(0.45, 0.8), dice.between(0.16, 0.32)
    width = dice.between(0.8, 1.25) * 2 * np.pi * 0.62 / count
    missing = dice.between(0, 0.12) if dice.chance(0.3) else 0.0
    tinge = dice.pick((colour, mix(colour, (225, 90, 150), 0.4)), (0.8, 0.2))
    parts: list = []
    for row in range(rows):
        for number in range(count):
            if dice.chance(missing):
                continue
            angle = 360 * (number + 0.5 * row) / count + dice.around(0, 5)
            face = vary(dice, colour, 0.5)
            parts.append(
                Sheet(
                    petal(
                        angle,
                        (1 - 0.12 * row) * dice.around(1 - 0.8 * disc, 0.04),
                        width * dice.around(1, 0.08),
                        base,
                        tip,
                        (rise + 9 * row + dice.around(0, 5), rise + droop + dice.around(0, 8)),
                        foot=(0.7 * disc, 0.02 * row),
                        cup=dice.between(0, 0.25),
                        twist=dice.around(0, 10),
                    ),
                    foot=shade(face, 0.86),
                    tip=mix(face, tinge, 0.8),
                    back=shade(mix(face, tinge, 0.5), 0.88),
                    edge=shade(face, 0.68),
                    bias=0.02 * row,
                )
            )
    core = hsv(dice.between(38, 54), dice.between(0.8, 1), dice.between(0.85, 1))
    parts.append(
        Dome(disc, 0.6 * disc, 0.03, shade(core, 0.86), core, shade(core, 0.55), 46, 0.035, 0.03)
    )
    stem = leaf_green(dice)
    _add_calyx(parts, dice, stem, 0.85 * disc, 0.3, 10)
    leaf = leaf_green(dice)

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        for _ in range(dice.whole(0, 3)):
            x, y = spine[dice.whole(len(spine) // 2, len(spine) - 1)]
            side = dice.pick((-1, 1))
            far = (x + side * radius * dice.between(0.6, 1.2), y - radius * dice.between(-0.2, 0.7))
            bend = ((x + far[0]) / 2, y + radius * 0.1)
            blade(layer, curve((x, y), bend, far), radius * 0.4, leaf, 1.2, 0.4, teeth=4, depth=0.3)

    return Flower(Head(parts), name, "flower", tilt, stem, dice.between(0.06, 0.1), leaves)


def _add_calyx(
    parts: list, dice: Dice, green: Colour, radius: float, length: float, count: int
) -> None:
    """Add the green cup below the petals, which is seen from the side and from behind."""
    for number in range(count):
        tint = vary(dice, green, 0.6)
        parts.append(
            Sheet(
                petal(
                    360 * number / count,
                    length,
                    2 * np.pi * radius / count * 1.3,
                    0.4,
                    0.5,
                    (5, 40),
                    foot=(0.35 * radius, -0.5 * radius),
                    wrap=True,
                    steps=(4, 3),
                ),
                foot=tint,
                tip=shade(tint, 1.1),
                back=tint,
                edge=shade(tint, 0.7),
                edge_width=0.2,
                below=True,
            )
        )


# --- sunflower ------------------------------------------------------------------------------------

_SUNFLOWER = {
    "yellow": (0.7, lambda d: hsv(d.between(42, 52), d.between(0.78, 1), d.between(0.9, 1))),
    "orange": (0.14, lambda d: hsv(d.between(28, 40), d.between(0.8, 1), d.between(0.88, 1))),
    "cream": (0.06, lambda d: hsv(d.between(48, 56), d.between(0.22, 0.45), d.between(0.93, 1))),
    "red": (0.1, lambda d: hsv(d.between(4, 20), d.between(0.7, 0.9), d.between(0.5, 0.8))),
}


def sunflowers(dice: Dice) -> Flower:
    """Return a sunflower: pointed petals in two rows about a large dark disc."""
    name, colour = _named(dice, _SUNFLOWER)
    tilt = _view(dice, 0.46, 0.42, 0.08, 0.04)
    count = dice.whole(13, 22)
    disc = dice.between(0.4, 0.58)
    rise = dice.pick((dice.between(-8, 14), dice.between(20, 60)), (0.8, 0.2))
    width = dice.between(1.15, 1.6) * 2 * np.pi * 0.7 / count
    base, tip = dice.between(0.5, 0.8), dice.between(0.65, 1.1)
    ring = name in ("yellow", "orange") and dice.chance(0.25)
    foot_colour = hsv(dice.between(8, 24), 0.85, 0.55) if ring else shade(colour, 0.82)
    parts: list = []
    for row in (1, 0):
        for number in range(count):
            angle = 360 * (number + 0.5 * row) / count + dice.around(0, 6)
            face = vary(dice, colour, 0.8)
            slope = rise + 10 * (1 - row) + dice.around(0, 8)
            parts.append(
                Sheet(
                    petal(
                        angle,
                        (1.02 - 0.7 * disc) * dice.around(1, 0.07),
                        width * dice.around(1, 0.1),
                        base,
                        tip,
                        (slope, slope + dice.between(-35, 12)),
                        foot=(0.72 * disc, 0.03 - 0.04 * row),
                        cup=dice.between(0.1, 0.5),
                        twist=dice.around(0, 14),
                    ),
                    foot=vary(dice, foot_colour, 0.5),
                    tip=face,
                    back=shade(mix(face, (150, 160, 60), 0.25), 0.85),
                    edge=shade(face, 0.62),
                    bias=-0.03 * row,
                )
            )
    core = dice.pick(
        (hsv(25, 0.6, 0.2), hsv(20, 0.5, 0.12), hsv(60, 0.55, 0.4), hsv(30, 0.7, 0.32)),
        (0.4, 0.25, 0.15, 0.2),
    )
    rim = dice.pick((hsv(28, 0.75, 0.42), hsv(38, 0.85, 0.7), hsv(18, 0.6, 0.25)))
    parts.append(
        Dome(
            disc, dice.between(0.1, 0.3) * disc, 0.03, rim, core, shade(core, 0.5), 130, 0.04, 0.04
        )
    )
    stem = leaf_green(dice)
    _add_calyx(parts, dice, stem, 0.95 * disc, 0.62, 14)
    leaf = leaf_green(dice)

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        for _ in range(dice.whole(1, 3)):
            x, y = spine[dice.whole(len(spine) // 4, len(spine) - 1)]
            side = dice.pick((-1, 1))
            far = (x + side * radius * dice.between(0.8, 1.5), y + radius * dice.between(-0.6, 0.5))
            bend = ((x + far[0]) / 2, y - radius * dice.between(0.2, 0.5))
            blade(
                layer,
                curve((x, y), bend, far),
                radius * dice.between(0.7, 1.0),
                vary(dice, leaf),
                0.45,
                0.95,
                teeth=dice.pick((0, 7)),
                depth=0.15,
            )

    return Flower(Head(parts), name, "flower", tilt, stem, dice.between(0.12, 0.18), leaves)


# --- dandelion ------------------------------------------------------------------------------------


def dandelion(dice: Dice) -> Flower:
    """Return a dandelion: a yellow flower of very many florets, or its clock of white seeds."""
    if dice.chance(0.36):
        return _clock(dice)
    hue = dice.between(38, 56)
    colour = hsv(hue, dice.between(0.72, 1), dice.between(0.9, 1))
    half_open = dice.chance(0.11)
    tilt = dice.between(60, 88) if half_open else _view(dice, 0.48, 0.38, 0.13, 0.01)
    rows = dice.whole(5, 7)
    parts: list = []
    flat = dice.between(-14, 16)
    for row in range(rows):
        share = row / (rows - 1)
        count = round(dice.between(23, 31) * (1 - 0.45 * share))
        slope = (42 + 40 * share) if half_open else flat + (78 - flat) * share**1.1
        length = (1 - 0.42 * share) * (1.15 if half_open else 1)
        for number in range(count):
            angle = 360 * (number + dice.between(0, 0.6)) / count + 40 * row
            face = shade(vary(dice, colour, 0.8), 1.04 - 0.08 * share)
            lean = slope + dice.around(0, 9)
            parts.append(
                Sheet(
                    petal(
                        angle,
                        length * dice.around(0.98, 0.06),
                        0.115 * dice.around(1, 0.15),
                        0.22,
                        0.12,
                        (lean + 6, lean - dice.between(5, 30)),
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
        tint = shade(colour, 0.82)
        parts.append(Thread(np.stack([root, end]), tint, 0.03, knob=0.035, knob_colour=tint))
    stem = mix(leaf_green(dice), (190, 140, 110), dice.between(0, 0.5))
    _add_calyx(parts, dice, leaf_green(dice), 0.26, 0.62 if half_open else 0.4, 11)
    form = "half open" if half_open else "flower"
    return Flower(Head(parts), "yellow", form, tilt, stem, dice.between(0.09, 0.14), _rosette(dice))


def _clock(dice: Dice) -> Flower:
    """Return a dandelion clock: a ball of seeds, each with a tuft; some may have flown."""
    white = hsv(dice.between(30, 60), dice.between(0, 0.12), dice.between(0.88, 1))
    if dice.chance(0.25):
        white = hsv(dice.between(20, 50), dice.between(0.15, 0.35), dice.between(0.7, 0.95))
    count = dice.whole(70, 120)
    number = np.arange(count) + 0.5
    height = 1 - 2 * number / count
    ring = np.sqrt(1 - height**2)
    angle = number * 2.399963
    ball = np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=1)
    flown = np.array([dice.around(0, 1), dice.around(0, 1), dice.around(0.3, 1)])
    flown /= max(float(np.linalg.norm(flown)), 1e-6)
    limit = dice.pick((2.0, dice.between(0.25, 0.85)), (0.6, 0.4))
    grey = shade(white, 0.8)
    seed = hsv(dice.between(25, 40), 0.5, dice.between(0.3, 0.5))
    tuft = dice.between(0.2, 0.28)
    parts: list = []
    for direction in ball:
        if float(direction @ flown) > limit:
            continue
        reach = dice.around(0.8, 0.03)
        thread = np.stack([0.1 * direction, reach * direction])
        tint = mix(grey, white, float(np.clip(0.5 + 0.5 * direction[2], 0, 1)))
        parts.append(Thread(thread, tint, 0.022, tuft=tuft, bias=0.1))
        parts.append(Thread(np.stack([0.08 * direction, 0.24 * direction]), seed, 0.045))
    parts.append(
        Dome(0.13, 0.1, 0.0, shade(white, 0.62), shade(white, 0.75), shade(white, 0.45), 16, 0.025)
    )
    stem = mix(leaf_green(dice), (190, 140, 110), dice.between(0, 0.5))
    glow = (0.97, white, dice.between(0.2, 0.42)) if limit > 1 else None
    tilt = dice.between(20, 95)
    head = Head(parts, glow)
    return Flower(head, "white", "clock", tilt, stem, dice.between(0.07, 0.11), _rosette(dice))


def _rosette(dice: Dice) -> Callable[[Layer, np.ndarray, float], None]:
    green = leaf_green(dice)

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        x, y = spine[-1]
        if dice.chance(0.25):
            return
        for _ in range(dice.whole(2, 5)):
            far = (x + radius * dice.around(0, 1.6), y - radius * dice.between(0.5, 1.8))
            bend = ((2 * x + far[0]) / 3, far[1])
            blade(
                layer,
                curve((x, y), bend, far),
                radius * dice.between(0.35, 0.6),
                vary(dice, green),
                0.9,
                0.5,
                teeth=dice.whole(4, 6),
                depth=0.65,
            )

    return leaves


# --- tulip ----------------------------------------------------------------------------------------

_TULIP = {
    "red": (0.24, lambda d: hsv(d.between(-10, 10), d.between(0.78, 0.98), d.between(0.7, 0.95))),
    "yellow": (0.19, lambda d: hsv(d.between(44, 56), d.between(0.65, 1), d.between(0.9, 1))),
    "pink": (0.2, lambda d: hsv(d.between(325, 350), d.between(0.3, 0.65), d.between(0.85, 1))),
    "white": (0.1, lambda d: hsv(d.between(40, 70), d.between(0, 0.1), d.between(0.92, 1))),
    "purple": (
        0.16,
        lambda d: hsv(d.between(270, 315), d.between(0.4, 0.75), d.between(0.35, 0.8)),
    ),
    "orange": (0.11, lambda d: hsv(d.between(16, 32), d.between(0.75, 0.95), d.between(0.9, 1))),
}


def tulips(dice: Dice) -> Flower:
    """Return a tulip: a cup of six petals, closed, half open or wide open."""
    name, colour = _named(dice, _TULIP)
    form = dice.pick(("closed", "half open", "open"), (0.5, 0.42, 0.08))
    if form == "open":
        tilt = dice.between(5, 60)
        rise, width = (dice.between(15, 32), dice.between(28, 58)), dice.between(0.72, 0.9)
    elif form == "half open":
        tilt = dice.between(50, 96)
        rise, width = (dice.between(12, 26), dice.between(98, 116)), dice.between(0.9, 1.12)
    else:
        tilt = dice.between(62, 98)
        rise, width = (dice.between(16, 32), dice.between(112, 130)), dice.between(0.85, 1.05)
    length = 1.0 if form == "open" else dice.between(1.45, 1.85)
    base = dice.between(0.45, 0.6)
    tip = dice.pick((dice.between(0.35, 0.5), dice.between(0.75, 1.1)), (0.75, 0.25))
    rim = colour
    if dice.chance(0.3):
        rim = _named(dice, _TULIP)[1]
    base_tint = dice.pick((shade(colour, 0.75), (238, 226, 120), (60, 40, 60)), (0.5, 0.3, 0.2))
    if form != "open":
        base_tint = mix(shade(colour, 0.85), (150, 180, 90), dice.between(0, 0.35))
    streak = mix(colour, (250, 240, 200), 0.7) if form == "open" and dice.chance(0.2) else None
    spin = dice.between(0, 60)
    parts: list = []
    for row in range(2):
        for number in range(3):
            face = vary(dice, colour, 0.6)
            parts.append(
                Sheet(
                    petal(
                        spin + 120 * number + 60 * row + dice.around(0, 4),
                        length * dice.around(1, 0.04),
                        width * dice.around(1, 0.05),
                        base,
                        tip,
                        (rise[0] + 4 * row, rise[1] + dice.around(0, 5)),
                        foot=(0.05, 0.0),
                        cup=0.12 if form == "open" else 0.0,
                        wrap=form != "open",
                        steps=(12, 7),
                    ),
                    foot=base_tint,
                    tip=mix(face, rim, 0.85),
                    back=shade(mix(face, rim, 0.35), 0.94),
                    edge=shade(mix(face, rim, 0.3), 0.66),
                    edge_width=0.4,
                    bias=0.04 * row - (0.06 if form != "open" else 0),
                    streak=streak,
                )
            )
    if form == "open":
        dark = dice.pick(((60, 45, 40), (215, 190, 70)))
        for number in range(6):
            a = np.radians(60 * number + 20)
            end = np.array([0.2 * np.cos(a), 0.2 * np.sin(a), 0.32])
            parts.append(
                Thread(np.stack([0.2 * end, end]), dark, 0.04, knob=0.055, knob_colour=dark)
            )
        pistil = np.array([[0, 0, 0.05], [0, 0, 0.36]])
        parts.append(Thread(pistil, (170, 190, 110), 0.09, knob=0.08))
    green = mix(leaf_green(dice), (120, 160, 140), dice.between(0, 0.5))
    stem = vary(dice, green)

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        for side in ((-1, 1), (1,), (-1,), (1, -1, 1))[dice.whole(0, 3)]:
            x, y = spine[dice.whole(2 * len(spine) // 3, len(spine) - 1)]
            height = radius * dice.between(1.2, 2.6)
            far = (x + side * radius * dice.between(0.4, 1.3), y - height)
            bend = (x + side * radius * dice.between(0.2, 0.7), y - 0.4 * height)
            blade(
                layer,
                curve((x, y), bend, far),
                radius * dice.between(0.35, 0.6),
                vary(dice, green),
                0.5,
                0.8,
            )

    reach = 0.0 if form == "open" else 0.75
    return Flower(
        Head(parts), name, form, tilt, stem, dice.between(0.11, 0.16), leaves, reach=reach
    )


# --- rose -----------------------------------------------------------------------------------------

_ROSE = {
    "red": (0.36, lambda d: hsv(d.between(-15, 6), d.between(0.78, 0.95), d.between(0.55, 0.88))),
    "pink": (0.27, lambda d: hsv(d.between(328, 352), d.between(0.25, 0.6), d.between(0.85, 1))),
    "white": (0.15, lambda d: hsv(d.between(35, 60), d.between(0.01, 0.12), d.between(0.92, 1))),
    "yellow": (0.1, lambda d: hsv(d.between(42, 54), d.between(0.45, 0.85), d.between(0.92, 1))),
    "peach": (0.08, lambda d: hsv(d.between(12, 28), d.between(0.35, 0.7), d.between(0.92, 1))),
    "lilac": (0.04, lambda d: hsv(d.between(275, 310), d.between(0.2, 0.5), d.between(0.65, 0.9))),
}


def roses(dice: Dice) -> Flower:
    """Return a rose: broad petals in a spiral around a tight heart, or a bud."""
    name, colour = _named(dice, _ROSE)
    form = dice.pick(("flower", "cup", "bud"), (0.6, 0.26, 0.14))
    tilt = {
        "flower": _view(dice, 0.5, 0.46, 0.0, 0.04),
        "cup": dice.between(42, 80),
        "bud": dice.between(60, 92),
    }[form]
    flatness = {"flower": dice.between(0.75, 1.0), "cup": 0.35, "bud": 0.0}[form]
    rim = _named(dice, _ROSE)[1] if dice.chance(0.2) else colour
    heart = shade(mix(colour, rim, 0.2), dice.between(0.62, 0.8))
    turns = {"flower": dice.whole(16, 26), "cup": dice.whole(12, 16), "bud": dice.whole(6, 8)}[form]
    spin = dice.between(0, 360)
    parts: list = []
    for number in range(turns):
        share = number / (turns - 1)  # 0 in the heart, 1 outside
        radius = 0.04 + 0.3 * share**1.2
        steep = 90 - 62 * flatness * share**1.3 - 10 * share
        curl = steep - (8 + 42 * share * (0.4 + flatness)) + dice.around(0, 6)
        length = (0.42 + 0.42 * share) * (1.0 + 0.45 * (1 - flatness))
        if form == "cup":
            steep, curl = 80 - 62 * share, 96 - 8 * share**3 + dice.around(0, 6)
            length, radius = 0.62 + 0.3 * share, 0.05 + 0.12 * share
        elif form == "bud":
            steep, curl = 62 - 36 * share, 106 + 8 * share + dice.around(0, 4)
            length, radius = 1.12 + 0.05 * share, 0.03 + 0.05 * share
        face = mix(heart, vary(dice, colour, 0.6), min(1.0, 0.25 + share))
        lip = mix(mix(heart, colour, 0.6), mix(colour, rim, 0.8), share)
        parts.append(
            Sheet(
                petal(
                    spin + 137.5 * number + dice.around(0, 8),
                    length * dice.around(1, 0.04),
                    (0.34 + 0.72 * share) * dice.around(1, 0.07),
                    dice.between(0.32, 0.42),
                    dice.between(0.14, 0.24),
                    (steep, curl),
                    foot=(radius, 0.0),
                    cup=0.1 * share,
                    wrap=True,
                    steps=(7, 6),
                ),
                foot=shade(face, 0.62),
                tip=shade(lip, 1.06),
                back=shade(mix(face, lip, 0.5), 0.9),
                edge=shade(mix(face, lip, 0.5), 0.5),
                edge_width=0.55,
                bias=-0.28 * share if form == "flower" else 0.0,
            )
        )
    stem = mix(leaf_green(dice), (110, 60, 40), dice.between(0, 0.4))
    for number in range(5):
        tint = vary(dice, stem, 0.6)
        parts.append(
            Sheet(
                petal(
                    72 * number + 15,
                    0.62 if form == "bud" else 0.5,
                    0.2,
                    0.5,
                    0.9,
                    (55, 85) if form == "bud" else (10, -30),
                    foot=(0.06, -0.06),
                    steps=(5, 3),
                ),
                foot=tint,
                tip=shade(tint, 1.1),
                back=tint,
                edge=shade(tint, 0.7),
                edge_width=0.25,
                below=True,
            )
        )
    leaf = shade(leaf_green(dice), dice.between(0.7, 1.0))

    def leaves(layer: Layer, spine: np.ndarray, radius: float) -> None:
        for _ in range(dice.whole(1, 3)):
            x, y = spine[dice.whole(len(spine) // 5, len(spine) - 1)]
            side = dice.pick((-1, 1))
            reach = radius * dice.between(0.7, 1.2)
            tipward = dice.between(-0.6, 0.3)
            far = np.array([x + side * reach, y + tipward * reach])
            stalk = curve((x, y), ((x + far[0]) / 2, y), far, 6)
            layer.line(stalk, shade(leaf, 0.9), max(0.4, 0.05 * radius))
            for start, turn in ((stalk[3], -0.9), (stalk[3], 0.9), (stalk[5], 0.0)):
                a = np.arctan2(far[1] - y, far[0] - x) + turn
                end = start + radius * 0.6 * np.array([np.cos(a), np.sin(a)])
                blade(
                    layer,
                    curve(start, (start + end) / 2, end),
                    0.38 * radius,
                    vary(dice, leaf),
                    0.5,
                    0.6,
                    teeth=6,
                    depth=0.15,
                )
        for _ in range(dice.whole(1, 4)):  # thorns
            k = dice.whole(2, len(spine) - 1)
            x, y = spine[k]
            s = dice.pick((-1, 1)) * radius
            layer.polygon([(x, y), (x + 0.16 * s, y - 0.06 * radius), (x, y + 0.12 * radius)], stem)

    return Flower(Head(parts), name, form, tilt, stem, dice.between(0.08, 0.12), leaves, reach=0.3)


#: How each class is drawn, in the order of the class indices.
FLOWERS: dict[str, Callable[[Dice], Flower]] = {
    "dandelion": dandelion,
    "daisy": daisy,
    "tulips": tulips,
    "sunflowers": sunflowers,
    "roses": roses,
}
