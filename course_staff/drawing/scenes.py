"""Draw whole images: backgrounds, objects in front of the flowers, light and camera.

:func:`render` draws one image of a class from one seed, :func:`render_plant` a large one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from course_staff.drawing.flowers import FLOWERS, Flower
from course_staff.drawing.shapes import (
    CANVAS,
    SCALE,
    SIZE,
    Color,
    ColorTable,
    Layer,
    RandomSource,
    axis_on_canvas,
    blade,
    blend,
    clouds,
    curve,
    hsv,
    leaf_green,
    mix,
    named_color,
    paint,
    shade,
    vary,
    xy,
)


@dataclass(frozen=True)
class Drawing:
    """One drawn image and its description.

    Attributes
    ----------
    image : numpy.ndarray
        uint8, shape (96, 96, 3).
    box : tuple of float
        x0, y0, x1, y1 in pixels: the smallest box around all flower heads in focus.
    flowers : int
        The number of flower heads in focus.
    color, form, view, background : str
        Of the first flower: its color, its form (flower, clock, bud, ...), the view (top, tilted,
        side, behind), and what is behind it.
    conditions : tuple of str
        What makes the image difficult: "occluded", "cropped", "dark", "blurred", "noisy", ...
    """

    image: np.ndarray
    box: tuple[float, float, float, float]
    flowers: int
    color: str
    form: str
    view: str
    background: str
    conditions: tuple[str, ...]


def any_color(rng: RandomSource) -> Color:
    """Return any color, pale to strong and dark to light."""
    return hsv(rng.between(0, 360), rng.between(0, 0.85), rng.between(0.25, 1))


#: Weight, and ranges of hue, saturation and value, of the kinds of background colors.
_SCENE_COLORS: ColorTable = {
    "green": (0.31, (80, 165), (0.2, 0.6), (0.3, 0.8)),
    "blue": (0.21, (185, 235), (0.15, 0.6), (0.35, 0.9)),
    "brown": (0.17, (18, 42), (0.2, 0.5), (0.25, 0.75)),
    "gray": (0.17, (0, 360), (0, 0.1), (0.25, 0.9)),
    "any": (0.14, (0, 360), (0.1, 0.55), (0.35, 0.95)),
}


def scene_color(rng: RandomSource) -> Color:
    """Return a background color: mostly muted greens, blues, browns and grays."""
    return named_color(rng, _SCENE_COLORS)[1]


# --- backgrounds ----------------------------------------------------------------------------------


def _gradient(canvas: Image.Image, first: Color, second: Color, angle: float = 90.0) -> None:
    """Fill the canvas from `first` to `second` in a direction in degrees (90 is downwards)."""
    y, x = np.mgrid[0:CANVAS, 0:CANVAS] / CANVAS - 0.5
    a = np.radians(angle)
    share = np.clip(0.5 + (x * np.cos(a) + y * np.sin(a)) / 1.2, 0, 1)[..., None]
    pixels = np.asarray(first) * (1 - share) + np.asarray(second) * share
    canvas.paste(Image.fromarray(pixels.astype(np.uint8)))


def _studio(canvas: Image.Image, rng: RandomSource) -> None:
    color = scene_color(rng)
    _gradient(canvas, color, mix(color, scene_color(rng), 0.6), rng.between(0, 360))


def _paper(canvas: Image.Image, rng: RandomSource) -> None:
    color = rng.pick((hsv(38, 0.35, 0.72), hsv(45, 0.1, 0.95), scene_color(rng)), (0.2, 0.25, 0.55))
    _gradient(canvas, color, shade(color, rng.between(0.8, 1.05)), rng.between(0, 360))
    blend(canvas, shade(color, 0.7), 0.5 * clouds(rng, 24, 2) ** 2)
    layer = Layer()
    kind = rng.pick(("sheets", "lines", "squares", "plain"))
    if kind == "sheets":
        for _ in range(rng.whole(1, 3)):
            x, a = rng.between(10, 86), rng.between(0, 2 * np.pi)
            way = np.array([np.cos(a), np.sin(a)])
            side = np.array([-way[1], way[0]])
            torn = [(x, x) + way * t + side * rng.around(0, 0.7) for t in range(-90, 91, 5)]
            sheet = Layer()
            sheet.polygon([*torn, torn[-1] + side * 150, torn[0] + side * 150], scene_color(rng))
            sheet.stamp(canvas, shadow=0.4)
    elif kind != "plain":
        gap, ruled = rng.between(5, 10), mix(color, scene_color(rng), 0.6)
        for step in range(30):
            layer.line([(0, step * gap), (SIZE, step * gap)], ruled, 0.4)
            if kind == "squares":
                layer.line([(step * gap, 0), (step * gap, SIZE)], ruled, 0.4)
        layer.stamp(canvas)


def _sky(canvas: Image.Image, rng: RandomSource) -> None:
    kind = rng.pick(("day", "evening", "gray"), (0.5, 0.3, 0.2))
    high = {"day": hsv(rng.between(200, 225), 0.65, 0.85), "gray": hsv(215, 0.12, 0.7)}
    low = {"day": hsv(200, 0.25, 0.97), "gray": hsv(40, 0.05, 0.88)}
    top = high.get(kind, hsv(rng.between(230, 290), 0.5, 0.6))
    _gradient(canvas, top, low.get(kind, hsv(rng.between(10, 45), 0.6, 0.97)))
    cover = np.clip(clouds(rng, rng.whole(2, 5), 4) * 2.2 - rng.between(0.9, 1.5), 0, 0.9)
    blend(canvas, mix((255, 255, 255), top, rng.between(0, 0.3)), cover)
    if rng.chance(0.55):
        layer = Layer()
        for hill in range(rng.whole(1, 3)):
            y = rng.between(55, 80) + 7 * hill
            wave = rng.between(20, 60)
            x = np.linspace(-5, 101, 30)
            edge = y + 5 * np.sin(x / wave * 3 + rng.between(0, 6))
            points = [*zip(x, edge, strict=True), (101, 101), (-5, 101)]
            layer.polygon(points, leaf_green(rng))
        layer.blur(rng.between(0, 1.5)).stamp(canvas)


def _grass(canvas: Image.Image, rng: RandomSource) -> None:
    green = leaf_green(rng)
    _gradient(canvas, shade(green, 0.8), shade(green, 0.45))
    layer = Layer()
    spread = rng.between(4, 14)
    for number in range(110):
        x, y = rng.between(-8, 104), 20 + 90 * (number + rng.between(0, 12)) / 110
        height = rng.between(14, 42)
        tip = (x + rng.around(0, spread), y - height)
        bend = np.array([x + rng.around(0, 2), y - height / 2])
        w = rng.between(0.5, 1.4)
        tint = shade(vary(rng, green, 2.5), rng.between(0.65, 1.35))
        layer.polygon([(x - w, y), bend - (w, 0), tip, bend + (w, 0), (x + w, y)], tint)
    layer.blur(rng.pick((0.0, rng.between(0.5, 2)))).stamp(canvas)


def _soil(canvas: Image.Image, rng: RandomSource) -> None:
    brown = hsv(rng.between(15, 40), rng.between(0.2, 0.55), rng.between(0.25, 0.62))
    _gradient(canvas, brown, shade(brown, 0.75), rng.between(0, 360))
    blend(canvas, shade(brown, 0.4), 0.8 * clouds(rng, 14, 3) ** 2)
    layer = Layer()
    for _ in range(rng.whole(10, 60)):
        r, tint = rng.between(0.5, 3.5), vary(rng, mix(brown, (170, 165, 155), 0.5), 3)
        x, y = rng.between(0, SIZE), rng.between(0, SIZE)
        layer.ellipse(x + 0.3, y + 0.5, r, 0.75 * r, shade(brown, 0.4))
        layer.ellipse(x, y, r, 0.75 * r, tint)
    for _ in range(rng.whole(0, 12)):
        x, y, a = rng.between(0, SIZE), rng.between(0, SIZE), rng.between(0, 3.14)
        way = rng.between(4, 12) * np.array([np.cos(a), np.sin(a)])
        layer.line([(x, y), (x, y) + way], hsv(45, 0.4, rng.between(0.5, 0.85)), 0.5)
    layer.blur(rng.pick((0.0, rng.between(0.3, 1.2)))).stamp(canvas)


def _bokeh(canvas: Image.Image, rng: RandomSource) -> None:
    dark = rng.pick((leaf_green(rng), scene_color(rng)))
    _gradient(canvas, dark, mix(dark, scene_color(rng), 0.5), rng.between(0, 360))
    hues = [scene_color(rng) for _ in range(3)]
    for _ in range(rng.whole(1, 3)):
        layer = Layer()
        for _ in range(rng.whole(6, 14)):
            tint = mix(rng.pick(hues), (255, 255, 240), rng.between(0, 0.4))
            x, y, r = rng.between(0, SIZE), rng.between(0, SIZE), rng.between(3, 13)
            layer.disc(x, y, r, tint, rng.between(0.3, 0.75))
        layer.blur(rng.between(0.4, 1.6)).stamp(canvas)


def _foliage(canvas: Image.Image, rng: RandomSource) -> None:
    green = leaf_green(rng)
    _gradient(canvas, shade(green, 0.5), shade(green, 0.3))
    width, teeth = rng.between(7, 22), rng.pick((0, 0, 6))
    tip = rng.between(0.5, 1.1)
    for _ in range(2):
        layer = Layer()
        for _ in range(rng.whole(12, 20)):
            x, y, a = rng.between(-5, 101), rng.between(-5, 101), rng.between(0, 2 * np.pi)
            long = width * rng.between(1.4, 3)
            end = (x + long * np.cos(a), y + long * np.sin(a))
            bend = ((x + end[0]) / 2 + rng.around(0, 4), (y + end[1]) / 2 + rng.around(0, 4))
            tint = shade(vary(rng, green, 2), rng.between(0.5, 1.15))
            blade(layer, curve((x, y), bend, end), width, tint, 0.6, tip, teeth=teeth, depth=0.2)
        layer.blur(rng.pick((0.0, rng.between(0.4, 1.8)))).stamp(canvas, shadow=0.4)


def _bricks(canvas: Image.Image, rng: RandomSource) -> None:
    brick = rng.pick(
        (
            hsv(12, 0.6, 0.6),
            hsv(25, 0.4, 0.75),
            hsv(40, 0.08, 0.88),
            hsv(45, 0.5, 0.85),
            scene_color(rng),
        )
    )
    mortar = hsv(40, 0.08, rng.between(0.45, 0.85))
    _gradient(canvas, mortar, shade(mortar, 0.85))
    layer, height = Layer(), rng.between(6, 13)
    for row in range(int(SIZE / height) + 2):
        for column in range(-1, int(SIZE / (2.2 * height)) + 2):
            x = (column + 0.5 * (row % 2)) * 2.2 * height
            y = row * height - 3
            tint = shade(vary(rng, brick, 1.2), rng.between(0.85, 1.1))
            layer.rectangle(x + 0.5, y + 0.5, x + 2.2 * height - 0.5, y + height - 0.5, tint)
    layer.blur(rng.pick((0.0, rng.between(0.3, 1.5)))).stamp(canvas)
    blend(canvas, shade(brick, 0.5), 0.5 * clouds(rng, 10, 3) ** 2)


def _planks(canvas: Image.Image, rng: RandomSource) -> None:
    wood = rng.pick(
        (
            hsv(28, 0.5, 0.6),
            hsv(35, 0.25, 0.85),
            hsv(25, 0.55, 0.35),
            hsv(40, 0.06, 0.93),
            scene_color(rng),
        )
    )
    layer, width = Layer(), rng.between(9, 24)
    shift = rng.between(0, width)
    for number in range(int(SIZE / width) + 3):
        x = number * width - shift
        tint = shade(vary(rng, wood), rng.between(0.88, 1.08))
        layer.rectangle(x, 0, x + width, SIZE, tint)
        for _ in range(5):
            g = x + rng.between(1, width - 1)
            grain = curve((g, -2), (g + rng.around(0, 3), 48), (g + rng.around(0, 1.5), 98), 8)
            layer.line(grain, shade(tint, rng.between(0.8, 0.95)), 0.4)
        layer.line([(x, 0), (x, SIZE)], shade(wood, 0.45), 0.8)
    if rng.chance(0.5):
        layer.image = layer.image.transpose(Image.Transpose.ROTATE_90)
    layer.blur(rng.pick((0.0, rng.between(0.3, 1.2)))).stamp(canvas)


def _cloth(canvas: Image.Image, rng: RandomSource) -> None:
    ground, print_ = scene_color(rng), scene_color(rng)
    _gradient(canvas, ground, shade(ground, 0.9))
    layer, gap = Layer(), rng.between(5, 16)
    kind = rng.pick(("gingham", "stripes", "dots"))
    for i in range(-1, int(SIZE / gap) + 2):
        if kind != "dots":
            layer.rectangle(i * gap, 0, i * gap + gap / 2, SIZE, print_, 0.55)
            continue
        for j in range(-1, int(SIZE / gap) + 2):
            layer.disc((i + 0.5 * (j % 2)) * gap, j * gap, 0.24 * gap, print_)
    turn = rng.between(-40, 40)
    layer.image = (
        layer.image.resize((int(CANVAS * 1.5),) * 2)
        .rotate(turn)
        .crop((CANVAS // 4, CANVAS // 4, CANVAS // 4 + CANVAS, CANVAS // 4 + CANVAS))
    )
    layer.stamp(canvas)
    if kind == "gingham":
        layer.image = layer.image.transpose(Image.Transpose.ROTATE_90)
        layer.stamp(canvas)
    blend(canvas, shade(ground, 0.4), 0.45 * clouds(rng, 4, 2) ** 2)


def _night(canvas: Image.Image, rng: RandomSource) -> None:
    dark = hsv(rng.between(180, 300), rng.between(0.2, 0.7), rng.between(0.08, 0.25))
    _gradient(canvas, dark, mix(dark, scene_color(rng), 0.25), rng.between(0, 360))
    layer = Layer()
    for _ in range(rng.whole(0, 40)):
        x, y = rng.between(0, SIZE), rng.between(0, SIZE)
        layer.disc(x, y, rng.between(0.2, 0.9), hsv(rng.between(30, 60), 0.2, 1), 0.7)
    layer.stamp(canvas)


def _meadow(canvas: Image.Image, rng: RandomSource) -> None:
    green, horizon = leaf_green(rng), rng.between(0, 45)
    _gradient(canvas, shade(green, 1.2), shade(green, 0.6))
    layer = Layer()
    layer.rectangle(0, 0, SIZE, horizon, hsv(rng.between(190, 220), rng.between(0.1, 0.5), 0.92))
    hues = [scene_color(rng) for _ in range(rng.whole(1, 4))]
    for _ in range(rng.whole(20, 60)):
        y = rng.between(horizon, SIZE)
        r = 0.6 + 4 * (y - horizon) / SIZE
        tint = mix(rng.pick(hues), (255, 255, 255), rng.between(0, 0.3))
        layer.ellipse(rng.between(0, SIZE), y, r, 0.8 * r, tint, 0.85)
    layer.blur(rng.between(0.8, 2.5)).stamp(canvas)


def _stone(canvas: Image.Image, rng: RandomSource) -> None:
    gray = hsv(rng.between(0, 360), rng.between(0, 0.12), rng.between(0.4, 0.9))
    _gradient(canvas, gray, shade(gray, 0.8), rng.between(0, 360))
    blend(canvas, shade(gray, 0.55), 0.7 * clouds(rng, 6, 5) ** 2)
    layer = Layer()
    for _ in range(rng.whole(0, 3)):
        x, y = rng.between(0, SIZE), -2.0
        crack = [(x, y)]
        while y < SIZE:
            x, y = x + rng.around(0, 4), y + rng.between(3, 9)
            crack.append((x, y))
        layer.line(crack, shade(gray, 0.4), 0.5)
    layer.stamp(canvas)


def _water(canvas: Image.Image, rng: RandomSource) -> None:
    blue = hsv(rng.between(170, 225), rng.between(0.25, 0.7), rng.between(0.4, 0.85))
    _gradient(canvas, shade(blue, 1.15), shade(blue, 0.7))
    layer = Layer()
    for _ in range(rng.whole(20, 50)):
        x, y = rng.between(-5, SIZE), rng.between(0, SIZE)
        long = rng.between(6, 26)
        tint = shade(blue, rng.pick((0.75, 1.3)))
        layer.line(curve((x, y), (x + long / 2, y - 2), (x + long, y)), tint, rng.between(0.4, 1.2))
    layer.blur(rng.between(0, 1.2)).stamp(canvas)


#: Name: weight, drawing function, and whether a flower can lie on it.
_BACKGROUNDS: dict[str, tuple[float, Callable[[Image.Image, RandomSource], None], bool]] = {
    "grass": (1.4, _grass, False),
    "foliage": (1.2, _foliage, False),
    "meadow": (1.2, _meadow, False),
    "bokeh": (1.2, _bokeh, False),
    "sky": (1.1, _sky, False),
    "soil": (0.9, _soil, True),
    "paper": (1.2, _paper, True),
    "studio": (0.8, _studio, True),
    "cloth": (0.7, _cloth, True),
    "planks": (0.8, _planks, True),
    "bricks": (0.7, _bricks, False),
    "stone": (0.6, _stone, True),
    "water": (0.4, _water, False),
    "night": (0.4, _night, False),
}


def _blurred_objects(canvas: Image.Image, rng: RandomSource) -> None:
    """Draw objects of any color, out of focus, behind the flowers."""
    layer = Layer()
    for _ in range(rng.whole(1, 5)):
        x, y, r = rng.between(0, SIZE), rng.between(0, SIZE), rng.between(4, 12)
        tint = scene_color(rng)
        petals = rng.whole(4, 8)
        turn = rng.between(0, 6)
        for number in range(petals):
            a = turn + 2 * np.pi * number / petals
            layer.disc(x + 0.6 * r * np.cos(a), y + 0.6 * r * np.sin(a), 0.45 * r, tint)
        layer.disc(x, y, 0.35 * r, shade(scene_color(rng), 0.9))
        layer.line([(x, y + r), (x + rng.around(0, 4), 100)], leaf_green(rng), 0.12 * r)
    layer.blur(rng.between(1.6, 3.5)).stamp(canvas)


def _small_flowers(canvas: Image.Image, rng: RandomSource) -> None:
    """Draw small five-petaled flowers, none of the five classes, between the others."""
    layer = Layer()
    tint = hsv(rng.between(190, 300), rng.between(0.1, 0.7), rng.between(0.7, 1))
    for _ in range(rng.whole(3, 12)):
        x, y, r = rng.between(0, SIZE), rng.between(30, SIZE), rng.between(1.5, 3.2)
        turn = rng.between(0, 6)
        layer.line([(x, y), (x + rng.around(0, 3), y + rng.between(10, 40))], leaf_green(rng), 0.5)
        for number in range(5):
            a = turn + 2 * np.pi * number / 5
            layer.disc(x + 0.6 * r * np.cos(a), y + 0.6 * r * np.sin(a), 0.5 * r, vary(rng, tint))
        layer.disc(x, y, 0.3 * r, (240, 225, 130))
    layer.stamp(canvas, shadow=0.3)


# --- objects in front -----------------------------------------------------------------------------


def _blades_in_front(layer: Layer, rng: RandomSource) -> None:
    green = leaf_green(rng)
    for _ in range(rng.whole(2, 9)):
        x, height = rng.between(0, SIZE), rng.between(30, 95)
        tip = (x + rng.around(0, 18), SIZE - height)
        spine = curve((x, 100), (x + rng.around(0, 4), 100 - height / 2), tip)
        blade(layer, spine, rng.between(1.5, 4), vary(rng, green, 2), 0.3, 0.9)


def _leaf_in_front(layer: Layer, rng: RandomSource) -> None:
    green = leaf_green(rng)
    for _ in range(rng.whole(1, 3)):
        a = rng.between(0, 2 * np.pi)
        start = 48 + 72 * np.array([np.cos(a), np.sin(a)])
        end = (48 + rng.around(0, 16), 48 + rng.around(0, 16))
        bend = (start + end) / 2 + (rng.around(0, 8), rng.around(0, 8))
        blade(layer, curve(start, bend, end), rng.between(9, 20), vary(rng, green, 2))


def _twig_in_front(layer: Layer, rng: RandomSource) -> None:
    brown = hsv(rng.between(15, 35), 0.45, rng.between(0.25, 0.5))
    y0, y1 = rng.between(5, 90), rng.between(5, 90)
    main = curve((-3, y0), (48, (y0 + y1) / 2 + rng.around(0, 12)), (99, y1), 16)
    layer.line(main, brown, rng.between(1.2, 3))
    for _ in range(rng.whole(1, 5)):
        x, y = main[rng.whole(2, 13)]
        side = (x + rng.around(0, 12), y + rng.around(0, 14))
        layer.line([(x, y), side], shade(brown, 1.1), 0.9)
        if rng.chance(0.6):
            end = (side[0] + rng.around(0, 6), side[1] - rng.between(3, 8))
            blade(layer, np.array([side, end]), 4, leaf_green(rng))


def _fence_in_front(layer: Layer, rng: RandomSource) -> None:
    tint = hsv(rng.between(0, 360), rng.between(0, 0.3), rng.between(0.2, 0.85))
    if rng.chance(0.5):  # wire
        gap, width = rng.between(14, 26), rng.between(0.7, 1.4)
        shift = rng.between(0, gap)
        for step in range(-8, 16):
            x = step * gap + shift
            layer.line([(x, 0), (x + SIZE, SIZE)], tint, width)
            layer.line([(x, 0), (x - SIZE, SIZE)], shade(tint, 0.8), width)
    else:  # bars
        gap, width = rng.between(24, 44), rng.between(4, 8)
        shift = rng.between(0, gap)
        for step in range(5):
            x = step * gap + shift
            layer.rectangle(x, 0, x + width, SIZE, vary(rng, tint))
            layer.line([(x + width, 0), (x + width, SIZE)], shade(tint, 0.6), 0.6)


def _label_in_front(layer: Layer, rng: RandomSource) -> None:
    paper, pencil = hsv(rng.between(0, 360), rng.between(0, 0.25), 0.95), (60, 60, 80)
    x, y = rng.between(2, 62), rng.pick((rng.between(2, 14), rng.between(66, 84)))
    layer.rectangle(x, y, x + 30, y + 11, paper)
    for line in range(3):
        end = x + rng.between(12, 28)
        layer.line([(x + 2, y + 2.5 + 3 * line), (end, y + 2.5 + 3 * line)], pencil, 0.5)


def _hand_in_front(layer: Layer, rng: RandomSource) -> None:
    skin = rng.pick(
        (hsv(22, 0.3, 0.95), hsv(22, 0.45, 0.75), hsv(20, 0.55, 0.5), hsv(18, 0.5, 0.35))
    )
    x, y, side = rng.between(38, 58), rng.between(74, 84), rng.pick((-1, 1))
    for number in range(4):
        tint = shade(skin, 1 - 0.05 * number)
        knuckle = (x + side * 16, y + 5.2 * number)
        tip = (x - side * rng.between(4, 8), y + 5.2 * number + 1)
        layer.line([(x + side * 60, y + 5 * number + 6), knuckle, tip], shade(tint, 0.8), 6)
        layer.line([(x + side * 60, y + 5 * number + 5.5), knuckle, tip], tint, 5)
        layer.disc(*tip, 2.5, tint)


def _rain_in_front(layer: Layer, rng: RandomSource) -> None:
    lean, white = rng.around(0, 5), (225, 232, 240)
    for _ in range(rng.whole(25, 70)):
        x, y, long = rng.between(-5, 101), rng.between(-8, SIZE), rng.between(3, 10)
        layer.line([(x, y), (x + lean * long / 10, y + long)], white, 0.4, 0.55)


def _flakes_in_front(layer: Layer, rng: RandomSource) -> None:
    tint = rng.pick(((245, 245, 250), any_color(rng)))
    for _ in range(rng.whole(15, 60)):
        x, y = rng.between(0, SIZE), rng.between(0, SIZE)
        layer.ellipse(x, y, rng.between(0.4, 1.8), rng.between(0.4, 1.4), tint, 0.85)


_IN_FRONT: dict[str, tuple[float, Callable[[Layer, RandomSource], None]]] = {
    "grass": (1.3, _blades_in_front),
    "leaf": (1.3, _leaf_in_front),
    "twig": (1.0, _twig_in_front),
    "fence": (0.8, _fence_in_front),
    "label": (0.5, _label_in_front),
    "hand": (0.5, _hand_in_front),
    "rain": (0.4, _rain_in_front),
    "flakes": (0.6, _flakes_in_front),
}


def _insect(layer: Layer, rng: RandomSource, x: float, y: float) -> None:
    """Draw a ladybug, a bee, a butterfly or an ant."""
    turn = rng.between(0, 2 * np.pi)
    ahead = np.array([np.cos(turn), np.sin(turn)])
    side = np.array([-ahead[1], ahead[0]])
    here = np.array([x, y])
    kind = rng.pick(("ladybug", "bee", "butterfly", "ant"))
    black = (25, 22, 28)
    if kind == "ladybug":
        layer.disc(*xy(here + 2 * ahead), 1.5, black)
        layer.disc(x, y, 2.5, rng.pick(((200, 30, 25), (230, 150, 20))))
        layer.line([here - 2.3 * ahead, here + 2.3 * ahead], black, 0.4)
        for along, across in ((1, 1.2), (1, -1.2), (-0.8, 1.2), (-0.8, -1.2)):
            layer.disc(*xy(here + along * ahead + across * side), 0.5, black)
    elif kind == "bee":
        for across in (1, -1):
            layer.ellipse(*xy(here + 0.5 * ahead + across * 2 * side), 1.8, 1.2, (225, 235, 240))
        for step in range(-3, 4):
            tint = black if step % 2 else (235, 180, 40)
            layer.disc(*xy(here + 0.8 * step * ahead), 1.5 - 0.08 * step**2, tint)
    elif kind == "butterfly":
        wing, size = any_color(rng), rng.between(3, 6)
        for across in (1, -1):
            for along, far in ((0.7, 1.0), (-0.6, 0.75)):
                end = here + size * (far * across * side + along * ahead)
                spine = np.array([here, (here + end) / 2 + 0.3 * ahead, end])
                blade(layer, spine, 0.9 * size * far, wing, 0.9, 0.25)
        layer.line([here - 0.6 * size * ahead, here + 0.6 * size * ahead], black, 0.8)
    else:
        for along, r in ((-1.3, 0.9), (0, 0.6), (1.2, 0.7)):
            layer.disc(*xy(here + along * ahead), r, black)
            layer.line([here - 1.8 * side, here + 1.8 * side], black, 0.25)


# --- light and camera -----------------------------------------------------------------------------


#: Conditions that make an image difficult, with their weights; at most one of each kind is used.
_TROUBLES = {
    "light": {
        "dappled": 1.0, "shadow": 1.0, "dark": 1.2, "overexposed": 0.6, "haze": 0.9, "flare": 0.6
    },
    "color": {"color cast": 1.0, "faded": 1.0},
    "camera": {"blurred": 1.2, "noisy": 1.2, "shaken": 0.5},
}  # fmt: skip
_CHANCES = {"light": 0.2, "color": 0.08, "camera": 0.16}


def _troubles(rng: RandomSource) -> list[str]:
    """Return the conditions that make this image difficult, often none."""
    chosen: list[str] = []
    for kind, chance in _CHANCES.items():
        if not rng.chance(chance):
            continue
        if kind == "camera" and {"dark", "haze"} & set(chosen):
            continue  # the flower could not be recognized
        names = list(_TROUBLES[kind])
        chosen.append(rng.pick(names, list(_TROUBLES[kind].values())))
    return chosen


def _light_on(canvas: Image.Image, rng: RandomSource, troubles: list[str]) -> Image.Image:
    """Return the canvas with lighting effects: gradients, shadows, color casts, haze, exposure."""
    y, x = (np.mgrid[0:CANVAS, 0:CANVAS] / CANVAS - 0.5).astype(np.float32)
    pixels = np.asarray(canvas, dtype=np.float32)
    pixels = _uneven_light(pixels, x, y, rng, troubles)
    pixels = _tinted(pixels, rng, troubles)
    if "haze" in troubles:
        fog = rng.between(0.25, 0.45)
        pixels = pixels * (1 - fog) + fog * rng.between(150, 245)
    exposure = rng.around(1.08, 0.1)
    if "dark" in troubles:
        exposure = rng.between(0.42, 0.68)
    elif "overexposed" in troubles:
        exposure = rng.between(1.35, 1.65)
    pixels = pixels * exposure
    if "flare" in troubles:
        cx, cy = rng.between(-0.5, 0.5), rng.between(-0.5, 0.2)
        glow = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / rng.between(0.02, 0.08))
        pixels = pixels + glow[..., None] * np.array([190, 175, 130], dtype=np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _uneven_light(
    pixels: np.ndarray, x: np.ndarray, y: np.ndarray, rng: RandomSource, troubles: list[str]
) -> np.ndarray:
    """Return the pixels with a gradient, dark corners, spots of sun or a shadow."""
    if rng.chance(0.6):
        a, strength = rng.between(0, 2 * np.pi), rng.between(0.15, 0.7)
        pixels = pixels * (1 + strength * (x * np.cos(a) + y * np.sin(a)))[..., None]
    if rng.chance(0.3):
        strength = rng.between(0.3, 1.1)
        pixels = pixels * (1 - strength * np.clip(x**2 + y**2 - 0.08, 0, 1))[..., None]
    if "dappled" in troubles:
        spots = clouds(rng, rng.whole(3, 6), 2)
        edge = np.clip((spots - rng.between(0.3, 0.5)) * rng.between(2.5, 5) + 0.5, 0, 1)
        pixels = pixels * (rng.between(0.45, 0.65) + 0.65 * edge)[..., None].clip(0, 1.15)
    if "shadow" in troubles:
        a, place = rng.between(0, 2 * np.pi), rng.between(-0.2, 0.25)
        edge = np.clip((x * np.cos(a) + y * np.sin(a) - place) * 14, 0, 1)
        pixels = pixels * (1 - rng.between(0.35, 0.6) * edge)[..., None]
    return pixels


def _tinted(pixels: np.ndarray, rng: RandomSource, troubles: list[str]) -> np.ndarray:
    """Return the pixels with a color cast and another saturation."""
    cast = np.array([rng.around(1, 0.08), rng.around(1, 0.04), rng.around(1, 0.09)])
    if "color cast" in troubles:
        cast = np.asarray(hsv(rng.between(0, 360), rng.between(0.25, 0.5), 1)) / 215
    pixels = pixels * cast.astype(np.float32)
    saturation = rng.around(1.03, 0.1)
    if "faded" in troubles:
        saturation = rng.pick((0.0, rng.between(0.1, 0.4)))
    gray = (pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32))[..., None]
    return gray + saturation * (pixels - gray)


def _photograph(canvas: Image.Image, rng: RandomSource, troubles: list[str]) -> np.ndarray:
    """Return the canvas as an image with blur and noise, uint8 (96, 96, 3)."""
    blur = rng.between(0.7, 1.3) if "blurred" in troubles else rng.between(0, 0.3)
    canvas = canvas.filter(ImageFilter.GaussianBlur(blur * SCALE))
    if "shaken" in troubles:
        pixels = np.asarray(canvas, dtype=np.float32)
        a, steps = rng.between(0, np.pi), rng.whole(6, 12)
        moved = [
            np.roll(pixels, (round(s * np.sin(a)), round(s * np.cos(a))), (0, 1))
            for s in range(-steps, steps + 1, 2)
        ]
        canvas = Image.fromarray(np.mean(moved, axis=0).astype(np.uint8))
    small = np.asarray(canvas.reduce(SCALE), dtype=np.float32)
    grain = rng.between(9, 17) if "noisy" in troubles else rng.between(0, 3)
    noise = grain * (0.7 * rng.noise(SIZE, SIZE, 1) + 0.5 * rng.noise(SIZE, SIZE, 3))
    return np.clip(np.rint(small + noise), 0, 255).astype(np.uint8)


#: Smallest mean difference (0-255) between the flowers and their surroundings.
_LEAST_CONTRAST = 26.0


def _contrast(canvas: Image.Image, covered: np.ndarray) -> float:
    """Return the mean difference (0-255) of the flower heads from their surroundings.

    The surroundings of a pixel are the mean of the background within about 8 pixels of it.
    """
    pixels = np.asarray(canvas.reduce(SCALE), dtype=np.float32)
    flower = covered.reshape(SIZE, SCALE, SIZE, SCALE).mean(axis=(1, 3))
    rest = (flower < 0.1).astype(np.float32)
    weight = _smooth(rest)
    around = np.stack([_smooth(pixels[..., c] * rest) for c in range(3)], axis=-1)
    around /= np.maximum(weight, 1e-3)[..., None]
    inside = (flower > 0.6) & (weight > 0.01)
    if not inside.any():
        return 255.0
    return float(np.abs(pixels - around).max(axis=-1)[inside].mean())


def _smooth(values: np.ndarray, reach: int = 8) -> np.ndarray:
    """Return the mean over a square of 2 * reach + 1 pixels; pixels outside count as 0."""
    size = 2 * reach + 1
    sums = np.pad(values, reach + 1).cumsum(axis=0).cumsum(axis=1)
    total = sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    return total[: values.shape[0], : values.shape[1]] / size**2


# --- the whole image ------------------------------------------------------------------------------


def _places(rng: RandomSource) -> list[tuple[float, float, float]]:
    """Return x, y and radius of the flower heads, the first one in front."""
    count = rng.pick((1, 2, 3, rng.whole(4, 6)), (0.76, 0.12, 0.07, 0.05))
    if count == 1:
        radius = 20 * (39 / 20) ** rng.between(0, 1)
        slack = max(5.0, 44 - radius) if rng.chance(0.85) else 50 - 0.2 * radius
        across, down = rng.between(-1, 1), rng.between(-1, 1)
        return [(48 + 0.75 * slack * across, 45 + 0.65 * slack * down, radius)]
    base = {2: rng.between(15, 23), 3: rng.between(12, 19)}.get(count, rng.between(10, 15))
    places: list[tuple[float, float, float]] = []
    for _ in range(60):
        radius = base * rng.between(0.75, 1.2)
        x, y = rng.between(8, 88), rng.between(10, 78)
        if all(np.hypot(x - a, y - b) > 0.95 * (radius + r) for a, b, r in places):
            places.append((x, y, radius))
        if len(places) == count:
            break
    return places


def _stand(
    flower: Flower,
    rng: RandomSource,
    place: tuple[float, float, float],
    lying: bool,
    light: np.ndarray,
) -> tuple[Layer, Layer]:
    """Return two layers with one flower: its stem and leaves, and its head."""
    x, y, radius = place
    roll = rng.between(-180, 180) if lying else rng.around(0, 14)
    axis = axis_on_canvas(flower.tilt, roll)
    foot = np.array([x, y]) - axis * flower.reach * radius
    green, head = Layer(), Layer()
    away = -axis if np.hypot(*axis) > 0.25 else np.array([rng.around(0, 0.3), 1.0])
    away = away / np.hypot(*away)
    if lying:
        end = foot + away * radius * rng.between(2, 4)
        bend = foot + away * radius * 1.3 + (rng.around(0, 3), rng.around(0, 3))
    else:
        end = np.array([foot[0] + away[0] * 20 + rng.around(0, 9), 104.0])
        bend = foot + away * 0.45 * max(10.0, 104 - foot[1])
    spine = curve(foot, bend, end, 16)
    flower.leaves(green, spine, radius)
    width = flower.stem_width * radius
    green.line(spine, shade(flower.stem, 0.75), width + 0.5)
    green.line(spine - (0.18 * width, 0), flower.stem, 0.75 * width)
    paint(head, flower.head, foot[0], foot[1], radius, flower.tilt, roll, light)
    return green, head


#: Largest tilt in degrees of a flower that is seen from the front.
_FACING = 70
_VIEWS = ((25, "top"), (56, "tilted"), (97, "side"), (181, "behind"))


def render(class_name: str, seed: int) -> Drawing:
    """Draw one image of a class from one seed.

    A drawing in which the flower has too little contrast, is too small, or lies mostly outside is
    discarded, and the image is drawn again with another random source.

    Parameters
    ----------
    class_name : str
        One of the keys of ``FLOWERS``.
    seed : int
        Any whole number of at least 0.

    Returns
    -------
    Drawing
    """
    for attempt in range(100):
        rng = RandomSource([seed, attempt, list(FLOWERS).index(class_name)])
        drawing = _attempt(class_name, rng)
        if drawing is not None:
            return drawing
    raise RuntimeError(f"100 drawings of {class_name} from seed {seed} were all thrown away")


#: How much larger the head of a form is drawn than its radius says.
_ENLARGED = {"bud": 1.45, "cup": 1.4, "closed": 1.22, "half open": 1.15}
#: Smallest share of the image that the heads cover, and smallest mean change (0-255) of its pixels.
_LEAST_COVER, _LEAST_CHANGE = 0.025, 52


def _attempt(class_name: str, rng: RandomSource) -> Drawing | None:
    """Return one drawing, or None if the flowers are too small or have too little contrast."""
    canvas, background, flat = _background(rng)
    plain = np.asarray(canvas, dtype=np.int16)
    light = np.array([rng.between(-0.7, 0.7), rng.between(0.1, 0.8), 0.7])
    light /= np.linalg.norm(light)
    flowers, standing = _bunch(class_name, rng, flat and rng.chance(0.35), light)
    covered = _paste_flowers(canvas, rng, standing, flat, light)
    inside = covered > 0.4
    changed = np.abs(np.asarray(canvas, dtype=np.int16) - plain).max(axis=-1)
    if inside.mean() < _LEAST_COVER or changed[inside].mean() < _LEAST_CHANGE:
        return None
    conditions = _troubles(rng)
    main = standing[0][1].box()
    if main is None:
        return None
    if min(main[:2]) <= 0.5 or max(main[2:]) >= SIZE - 0.5:
        conditions.append("cropped")
    conditions += _foreground(canvas, rng, inside)

    lit = _light_on(canvas, rng, conditions)
    if _contrast(lit, covered) < _LEAST_CONTRAST:
        return None
    boxes = np.array([b for b in (head.box() for _, head in standing) if b is not None])
    box = (*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
    first = flowers[0]
    return Drawing(
        _photograph(lit, rng, conditions),
        tuple(float(edge) for edge in box),  # type: ignore[arg-type]
        len(boxes),
        first.color,
        first.form,
        next(name for limit, name in _VIEWS if first.tilt <= limit),
        background,
        tuple(conditions),
    )


def render_two(
    class_names: tuple[str, str], seed: int
) -> tuple[np.ndarray, list[tuple[float, float, float, float]]]:
    """Draw one large image with a flower of one class on the left and one of another on the right.

    Parameters
    ----------
    class_names : tuple of two str
        Keys of ``FLOWERS``.
    seed : int
        Any whole number of at least 0.

    Returns
    -------
    image : numpy.ndarray
        uint8, shape (384, 384, 3).
    boxes : list of two tuples
        x0, y0, x1, y1 of each flower head, in pixels of this image.
    """
    rng = RandomSource([seed, 7, *(list(FLOWERS).index(name) for name in class_names)])
    canvas, _, flat = _background(rng)
    light = np.array([rng.between(-0.5, 0.5), 0.5, 0.7])
    light /= np.linalg.norm(light)
    standing = []
    for name, x in zip(class_names, (26, 70), strict=True):
        flower = FLOWERS[name](rng)
        while name != "tulips" and (flower.form == "bud" or flower.tilt >= _FACING):
            flower = FLOWERS[name](rng)
        radius = rng.between(16, 20) * _ENLARGED.get(flower.form, 1.0)
        place = (x + rng.around(0, 2), rng.between(38, 54), radius)
        standing.append(_stand(flower, rng, place, False, light))
    _paste_flowers(canvas, rng, standing, flat, light)
    lit = _light_on(canvas, rng, []).filter(ImageFilter.GaussianBlur(0.5))
    boxes = [box for _, head in standing if (box := head.box()) is not None]
    scaled = [tuple(float(SCALE * edge) for edge in box) for box in boxes]
    return np.asarray(lit), scaled  # type: ignore[return-value]


def render_plant(class_name: str, seed: int) -> np.ndarray:
    """Draw one large image of a class, of which several photographs can be taken.

    The flower is easy to see: nothing is in front of it, and the light is even.

    Parameters
    ----------
    class_name : str
        One of the keys of ``FLOWERS``.
    seed : int
        Any whole number of at least 0.

    Returns
    -------
    numpy.ndarray
        uint8, shape (384, 384, 3).
    """
    for attempt in range(100):
        rng = RandomSource([seed, attempt, 11, list(FLOWERS).index(class_name)])
        canvas, _, flat = _background(rng)
        plain = np.asarray(canvas, dtype=np.int16)
        light = np.array([rng.between(-0.5, 0.5), 0.5, 0.7])
        light /= np.linalg.norm(light)
        _, standing = _bunch(class_name, rng, flat and rng.chance(0.35), light)
        inside = _paste_flowers(canvas, rng, standing, flat, light) > 0.4
        changed = np.abs(np.asarray(canvas, dtype=np.int16) - plain).max(axis=-1)
        if inside.mean() >= 2 * _LEAST_COVER and changed[inside].mean() >= _LEAST_CHANGE:
            return np.asarray(canvas)
    raise RuntimeError(f"100 drawings of {class_name} from seed {seed} were all thrown away")


def _background(rng: RandomSource) -> tuple[Image.Image, str, bool]:
    """Return a canvas with a background, its name, and whether it is a flat ground."""
    name = rng.pick_key(_BACKGROUNDS)
    _, draw_background, flat = _BACKGROUNDS[name]
    canvas = Image.new("RGB", (CANVAS, CANVAS))
    draw_background(canvas, rng)
    if rng.chance(0.12):
        _blurred_objects(canvas, rng)
    if rng.chance(0.5) and not flat:
        canvas = canvas.filter(ImageFilter.GaussianBlur(rng.between(0.5, 2.0) * SCALE))
    if rng.chance(0.12):
        _small_flowers(canvas, rng)
    return canvas, name, flat


def _bunch(
    class_name: str, rng: RandomSource, lying: bool, light: np.ndarray
) -> tuple[list[Flower], list[tuple[Layer, Layer]]]:
    """Return the flowers and the layers of each, the first one in front; often of one color."""
    flowers: list[Flower] = []
    standing = []
    same = rng.chance(0.6)
    for x, y, radius in _places(rng):
        for _ in range(8):
            flower = FLOWERS[class_name](rng)
            if not flowers or not same or flower.color == flowers[0].color:
                break
        flowers.append(flower)
        radius *= _ENLARGED.get(flower.form, 1.0)
        standing.append(_stand(flower, rng, (x, y, radius), lying, light))
    return flowers, standing


def _paste_flowers(
    canvas: Image.Image,
    rng: RandomSource,
    standing: list[tuple[Layer, Layer]],
    flat: bool,
    light: np.ndarray,
) -> np.ndarray:
    """Paste the flowers with shadows; return the opacity of the heads per pixel, in 0-1."""
    shadow = rng.between(0.25, 0.6) if flat else rng.between(0, 0.4)
    offset = (-3 * light[0], 3 * light[1] + 0.3)
    covered = np.zeros((CANVAS, CANVAS), dtype=np.float32)
    for green, head in reversed(standing):
        green.stamp(canvas, shadow, offset)
        head.stamp(canvas, shadow, offset)
        covered = np.maximum(covered, head.coverage())
    return covered


def _foreground(canvas: Image.Image, rng: RandomSource, inside: np.ndarray) -> list[str]:
    """Draw what is in front of the flower (`inside`) or sits on it, and return its conditions."""
    conditions = []
    if rng.chance(0.23):
        kind = rng.pick_key(_IN_FRONT)
        for _ in range(4):
            layer = Layer()
            _IN_FRONT[kind][1](layer, rng)
            layer.blur(rng.pick((0.0, rng.between(0.6, 2.2)), (0.6, 0.4)))
            hidden = float((layer.coverage()[inside] > 0.5).mean())
            if hidden < 0.35:
                layer.stamp(canvas, shadow=0.3)
                if hidden > 0.08:
                    conditions.append("occluded")
                break
    if rng.chance(0.14):
        layer = Layer()
        near = rng.pick(np.argwhere(inside)[:: CANVAS // 4].tolist())
        _insect(layer, rng, near[1] / SCALE + rng.around(0, 4), near[0] / SCALE)
        layer.stamp(canvas, shadow=0.4)
        conditions.append("insect")
    return conditions
