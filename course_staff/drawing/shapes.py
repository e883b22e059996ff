"""Drawing tools for all flowers: random numbers, colors, layers, leaves and petals.

A flower head is modeled in three dimensions as a set of curved sheets (petals), domes (the discs
of daisies and sunflowers) and threads (the seeds of a dandelion). It is turned, projected and
painted from back to front with Pillow on a canvas four times as wide as the final image. So one
model of a flower gives its top view, its side view and all views in between.

Lengths on the canvas are in pixels of the final image (0 to 96), lengths inside a flower head in
units of its radius.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

#: Width and height of an image in pixels.
SIZE = 96
#: The canvas is this many times as wide and as high.
SCALE = 4
#: Width and height of the canvas in its own pixels.
CANVAS = SIZE * SCALE

T = TypeVar("T")
Color = tuple[float, float, float]
Range = tuple[float, float]
#: For the name of a color: its weight, and ranges of hue, saturation and value.
ColorTable = dict[str, tuple[float, Range, Range, Range]]
#: Values that NumPy converts to an array of shape (N, 2), or (2,) for one point.
Points = Any


class RandomSource:
    """Random choices that depend on a seed only.

    All choices use uniform numbers between 0 and 1 from the PCG64 generator, whose stream is the
    same in all versions of NumPy.

    Parameters
    ----------
    seed : int or sequence of int
        The entropy of a ``numpy.random.SeedSequence``.
    """

    def __init__(self, seed: int | Sequence[int]):
        self._generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed)))

    def between(self, low: float, high: float) -> float:
        """Return a uniform random number between `low` and `high`."""
        return low + (high - low) * float(self._generator.random())

    def around(self, center: float, spread: float) -> float:
        """Return an approximately normal number around `center`, at most 3 `spread` away."""
        return center + spread * 2.0 * (float(self._generator.random(3).sum()) - 1.5)

    def whole(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self._generator.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return float(self._generator.random()) < probability

    def pick(self, options: Sequence[T], weights: Sequence[float] | None = None) -> T:
        """Return one of the `options`, with probabilities in proportion to `weights`."""
        if weights is None:
            return options[self.whole(0, len(options) - 1)]
        steps = np.cumsum(weights)
        return options[int(np.searchsorted(steps, self.between(0.0, steps[-1]), side="right"))]

    def pick_key(self, table: Mapping[str, Sequence[Any]]) -> str:
        """Return one key of a table whose entries begin with their weight."""
        return self.pick(list(table), [entry[0] for entry in table.values()])

    def grid(self, *shape: int) -> np.ndarray:
        """Return an array of uniform random numbers between 0 and 1."""
        return self._generator.random(shape)

    def noise(self, *shape: int) -> np.ndarray:
        """Return an array of approximately normal numbers with mean 0 and standard deviation 1."""
        return (self._generator.random((3, *shape)).sum(axis=0) - 1.5) * 2.0


# --- colors --------------------------------------------------------------------------------------


def hsv(hue: float, saturation: float, value: float) -> Color:
    """Return the RGB color (0-255) of a hue in degrees and a saturation and value in 0-1."""
    saturation, value = min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0)
    red, green, blue = colorsys.hsv_to_rgb((hue % 360) / 360, saturation, value)
    return 255 * red, 255 * green, 255 * blue


def named_color(rng: RandomSource, table: ColorTable) -> tuple[str, Color]:
    """Return the name of a color and one such color."""
    name = rng.pick_key(table)
    hue, saturation, value = (rng.between(*limits) for limits in table[name][1:])
    return name, hsv(hue, saturation, value)


def mix(first: Color, second: Color, share: float) -> Color:
    """Return the color `share` of the way from `first` to `second`."""
    return tuple(a + (b - a) * share for a, b in zip(first, second, strict=True))  # type: ignore[return-value]


def shade(color: Color, factor: float) -> Color:
    """Return the color made darker (`factor` < 1) or lighter (> 1)."""
    return tuple(min(255.0, max(0.0, c * factor)) for c in color)  # type: ignore[return-value]


def vary(rng: RandomSource, color: Color, amount: float = 1.0) -> Color:
    """Return a color near `color`."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(c / 255 for c in color))
    return hsv(
        360 * hue + rng.around(0, 5 * amount),
        saturation + rng.around(0, 0.05 * amount),
        value + rng.around(0, 0.05 * amount),
    )


def ink(color: Color, opacity: float = 1.0) -> tuple[int, int, int, int]:
    """Return the color as an RGBA tuple for Pillow, with an opacity in 0-1."""
    red, green, blue = (round(min(255.0, max(0.0, c))) for c in color)
    return red, green, blue, round(255 * min(1.0, max(0.0, opacity)))


def leaf_green(rng: RandomSource) -> Color:
    """Return a leaf color: from blue-green to olive, light to dark."""
    return hsv(rng.between(75, 150), rng.between(0.3, 0.75), rng.between(0.28, 0.72))


# --- layers ---------------------------------------------------------------------------------------


class Layer:
    """A transparent sheet as large as the canvas, to draw on.

    All methods take lengths in pixels of the final image.
    """

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (CANVAS, CANVAS), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)

    def polygon(self, points: Points, color: Color, opacity: float = 1.0) -> None:
        """Fill the polygon with the given corners, an array of shape (N, 2)."""
        scaled = np.asarray(points, dtype=float) * SCALE
        self._draw.polygon([tuple(p) for p in scaled.tolist()], fill=ink(color, opacity))

    def line(self, points: Points, color: Color, width: float, opacity: float = 1.0) -> None:
        """Draw a line through the points, an array of shape (N, 2)."""
        scaled = np.asarray(points, dtype=float) * SCALE
        self._draw.line(
            [tuple(p) for p in scaled.tolist()],
            fill=ink(color, opacity),
            width=max(1, round(width * SCALE)),
            joint="curve",
        )

    def disc(self, x: float, y: float, radius: float, color: Color, opacity: float = 1.0) -> None:
        """Fill a circle."""
        self.ellipse(x, y, radius, radius, color, opacity)

    def ellipse(
        self, x: float, y: float, rx: float, ry: float, color: Color, opacity: float = 1.0
    ) -> None:
        """Fill an ellipse with half-axes `rx` and `ry`."""
        box = [SCALE * (x - rx), SCALE * (y - ry), SCALE * (x + rx), SCALE * (y + ry)]
        self._draw.ellipse(box, fill=ink(color, opacity))

    def rectangle(
        self, x0: float, y0: float, x1: float, y1: float, color: Color, opacity: float = 1.0
    ) -> None:
        """Fill a rectangle."""
        self._draw.rectangle(
            [SCALE * x0, SCALE * y0, SCALE * x1, SCALE * y1], fill=ink(color, opacity)
        )

    def blur(self, radius: float) -> Layer:
        """Blur the layer by `radius` pixels, without darkening the colors."""
        if radius <= 0:
            return self
        # Premultiply the colors by their opacity; else the edges would become black.
        blurred = self.image.convert("RGBa").filter(ImageFilter.GaussianBlur(radius * SCALE))
        self.image = blurred.convert("RGBA")
        self._draw = ImageDraw.Draw(self.image)
        return self

    def box(self) -> tuple[float, float, float, float] | None:
        """Return the box (x0, y0, x1, y1) of the drawn pixels inside the image, or None."""
        found = self.image.getchannel("A").point(lambda a: 255 if a > 60 else 0).getbbox()
        return None if found is None else tuple(edge / SCALE for edge in found)  # type: ignore[return-value]

    def coverage(self) -> np.ndarray:
        """Return the opacity in 0-1 of each pixel of the canvas, shape (CANVAS, CANVAS)."""
        return np.asarray(self.image.getchannel("A"), dtype=np.float32) / 255

    def stamp(
        self,
        canvas: Image.Image,
        shadow: float = 0.0,
        offset: tuple[float, float] = (1.0, 1.5),
        softness: float = 1.5,
    ) -> None:
        """Paste the layer on the canvas, with a shadow of the given strength (0-1) below it."""
        alpha = self.image.getchannel("A")
        if shadow > 0:
            moved = Image.new("L", alpha.size)
            moved.paste(alpha, (round(offset[0] * SCALE), round(offset[1] * SCALE)))
            moved = moved.filter(ImageFilter.GaussianBlur(softness * SCALE))
            canvas.paste((14, 12, 24), mask=moved.point(lambda a: int(a * shadow)))
        canvas.paste(self.image, mask=alpha)


def clouds(rng: RandomSource, cells: int, octaves: int = 3) -> np.ndarray:
    """Return smooth random noise in 0-1, float32 of shape (CANVAS, CANVAS).

    Parameters
    ----------
    rng : RandomSource
        The random numbers.
    cells : int
        Number of bumps per side in the coarsest octave.
    octaves : int
        Number of octaves; each is finer, with half the amplitude of the one before.
    """
    total = np.zeros((CANVAS, CANVAS), dtype=np.float32)
    for octave in range(octaves):
        coarse = rng.grid(cells * 2**octave + 1, cells * 2**octave + 1).astype(np.float32)
        fine = Image.fromarray(coarse).resize((CANVAS, CANVAS), Image.Resampling.BICUBIC)
        total += np.asarray(fine) * 0.5**octave
    total -= total.min()
    return total / max(float(total.max()), 1e-6)


def blend(canvas: Image.Image, color: Color, opacity: np.ndarray) -> None:
    """Blend one color into the canvas with an opacity in 0-1 per pixel, shape (CANVAS, CANVAS)."""
    mask = Image.fromarray((np.clip(opacity, 0, 1) * 255).astype(np.uint8))
    canvas.paste(ink(color)[:3], mask=mask)


# --- curves and leaves ----------------------------------------------------------------------------


def xy(point: np.ndarray) -> tuple[float, float]:
    """Return the two coordinates of a point."""
    return point[0], point[1]


def curve(start: Points, bend: Points, end: Points, steps: int = 12) -> np.ndarray:
    """Return points of the quadratic Bezier curve with three control points, shape (steps, 2)."""
    t = np.linspace(0, 1, steps)[:, None]
    a, b, c = (np.asarray(p, dtype=float) for p in (start, bend, end))
    return (1 - t) ** 2 * a + 2 * t * (1 - t) * b + t**2 * c


def outline(u: np.ndarray, base: float, tip: float) -> np.ndarray:
    """Return the half-width of a petal or leaf along its length, 1 at the widest place.

    The form is u^base * (1 - u)^tip, divided by its maximum: a small `base` gives a broad foot, a
    small `tip` a blunt end, and large values give pointed ends.
    """
    top = base / (base + tip)
    return u**base * (1 - u) ** tip / (top**base * (1 - top) ** tip)


def blade(
    layer: Layer,
    spine: np.ndarray,
    width: float,
    color: Color,
    base: float = 0.6,
    tip: float = 0.9,
    teeth: int = 0,
    depth: float = 0.3,
) -> None:
    """Draw a leaf along a spine: two halves in two shades, and a vein.

    Parameters
    ----------
    layer : Layer
        The layer to draw on.
    spine : numpy.ndarray
        Points from the foot to the tip, shape (N, 2).
    width : float
        The whole width at the widest place, in pixels.
    color : tuple
        RGB, 0-255.
    base, tip : float
        Form of the two ends, see :func:`outline`.
    teeth : int
        Number of teeth along each edge; `depth` says how deep they cut, 0-1.
    """
    steps = max(14, 6 * teeth)
    u = np.linspace(0, 1, steps)
    x = np.interp(u, np.linspace(0, 1, len(spine)), spine[:, 0])
    y = np.interp(u, np.linspace(0, 1, len(spine)), spine[:, 1])
    dx, dy = np.gradient(x), np.gradient(y)
    norm = np.maximum(np.hypot(dx, dy), 1e-6)
    half = width / 2 * outline(u, base, tip)
    if teeth:
        half = half * (1 - depth * ((u * teeth) % 1.0))
    middle = np.stack([x, y], axis=1)
    side = np.stack([-dy / norm * half, dx / norm * half], axis=1)
    layer.polygon(np.concatenate([middle, (middle + side)[::-1]]), shade(color, 1.12))
    layer.polygon(np.concatenate([middle, (middle - side)[::-1]]), shade(color, 0.88))
    layer.line(middle, shade(color, 1.35), max(0.3, width / 22))


# --- flower heads ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Petal:
    """The form of one petal.

    Attributes
    ----------
    angle : float
        Direction in which the petal points, degrees around the axis.
    length, width : float
        In radii of the flower.
    base, tip : float
        Form of the two ends, see :func:`outline`.
    rise : (float, float)
        Slope of the petal at its foot and at its tip, in degrees: 0 is flat, 90 is vertical.
    foot : (float, float)
        Where the petal starts: distance from the axis, and height.
    cup : float
        How far the long edges bend up.
    wrap : bool
        Whether the petal bends around the axis, as in a cup, instead of being flat across.
    twist : float
        Rotation of the tip about the petal's own length, in degrees.
    steps : (int, int)
        Number of points along and across.
    """

    angle: float
    length: float
    width: float
    base: float
    tip: float
    rise: tuple[float, float]
    foot: tuple[float, float] = (0.0, 0.0)
    cup: float = 0.0
    wrap: bool = False
    twist: float = 0.0
    steps: tuple[int, int] = (7, 3)

    def points(self) -> np.ndarray:
        """Return the grid of points, shape (steps along, steps across, 3).

        The third axis holds x, y, z, with z along the flower's axis.
        """
        along, across = self.steps
        u = (1 - np.cos(np.pi * np.linspace(0, 1, along))) / 2
        climb = np.radians(self.rise[0] + (self.rise[1] - self.rise[0]) * u)
        gaps = np.diff(u, prepend=0.0) * self.length
        radius = self.foot[0] + np.cumsum(np.cos(climb) * gaps)
        height = self.foot[1] + np.cumsum(np.sin(climb) * gaps)
        half = self.width / 2 * outline(np.clip(u, 0.02, 0.995), self.base, self.tip)
        t = np.linspace(-1, 1, across)[None, :]
        sideways = half[:, None] * t
        twisted = np.tan(np.radians(self.twist)) * sideways * u[:, None]
        lift = self.cup * np.abs(sideways) + twisted
        radial = radius[:, None] - np.sin(climb)[:, None] * lift
        up = height[:, None] + np.cos(climb)[:, None] * lift
        if self.wrap:
            turn = sideways / np.maximum(np.abs(radial), 0.25)
            x, y = radial * np.cos(turn), radial * np.sin(turn)
        else:
            x, y = radial, sideways
        a = np.radians(self.angle)
        return np.stack([x * np.cos(a) - y * np.sin(a), x * np.sin(a) + y * np.cos(a), up], axis=-1)


@dataclass
class Sheet:
    """A petal with its colors.

    `bias` moves the sheet to the front (> 0) in the painting order; `below` marks the green
    leaves under the flower, which are painted first if the flower faces the viewer and last if it
    is seen from behind.
    """

    petal: Petal
    foot: Color
    tip: Color
    back: Color
    edge: Color
    edge_width: float = 0.35
    bias: float = 0.0
    streak: Color | None = None
    below: bool = False


@dataclass
class Dome:
    """A disc of small florets: a cap of given radius and height, with dots in a spiral."""

    radius: float
    height: float
    lift: float
    rim: Color
    core: Color
    ground: Color
    dots: int
    dot: float
    bias: float = 0.0


@dataclass
class Thread:
    """A line in space that ends in a tuft: a seed of a dandelion, a stamen of a tulip."""

    points: np.ndarray
    color: Color
    width: float
    opacity: float = 1.0
    knob: float = 0.0
    knob_color: Color | None = None
    tuft: float = 0.0
    bias: float = 0.0


Part = Sheet | Dome | Thread


@dataclass
class Head:
    """The head of a flower: its parts and its size (the radius is about 1)."""

    parts: list[Part] = field(default_factory=list)
    glow: tuple[float, Color, float] | None = None  # radius, color and opacity of a blurred disc


def paint(
    layer: Layer,
    head: Head,
    x: float,
    y: float,
    radius: float,
    tilt: float,
    roll: float,
    light: np.ndarray,
) -> None:
    """Paint a head on the layer.

    Parameters
    ----------
    layer : Layer
        The layer to draw on.
    head : Head
        The flower.
    x, y : float
        Position of the foot of the head (the origin of its space), in pixels.
    radius : float
        Pixels per unit of length of the head.
    tilt : float
        Degrees: 0 is the view from above, 90 from the side, more than 90 from behind.
    roll : float
        Rotation in the image plane, degrees counterclockwise.
    light : numpy.ndarray
        Unit vector towards the light; x right, y up, z towards the viewer.
    """
    turn = _view(tilt, roll)

    def place(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        seen = points @ turn.T
        flat = np.stack([x + radius * seen[..., 0], y - radius * seen[..., 1]], axis=-1)
        return flat, seen

    if head.glow:
        middle, _ = place(np.zeros(3))
        ball, color, opacity = head.glow
        for step in range(6):
            layer.disc(
                *xy(middle),
                radius * ball * (1 - 0.09 * step),
                color,
                opacity * (0.4 + 0.12 * step),
            )
    order: list[tuple[float, int, Callable[[], None]]] = []
    for number, part in enumerate(head.parts):
        if isinstance(part, Sheet):
            flat, seen = place(part.petal.points())
            depth = float(seen[..., 2].mean())
            if part.below:
                depth -= 10 * np.sign(90 - tilt)
            job = _sheet_job(layer, part, flat, seen, light, radius)
        elif isinstance(part, Dome):
            flat, seen = place(_dome_points(part))
            depth = float(seen[..., 2].mean())
            rim = place(_dome_rim(part))[0]
            job = _dome_job(layer, part, flat, rim, light, radius)
        else:
            flat, seen = place(part.points)
            depth = float(seen[-1, 2])
            job = _thread_job(layer, part, flat, radius)
        order.append((depth + part.bias, number, job))
    for _, _, job in sorted(order, key=lambda entry: entry[:2]):
        job()


def _view(tilt: float, roll: float) -> np.ndarray:
    """Return the rotation matrix (3, 3) from the flower's space to the viewer's."""
    t, r = np.radians(tilt), np.radians(roll)
    lean = np.array([[1, 0, 0], [0, np.cos(t), np.sin(t)], [0, -np.sin(t), np.cos(t)]])
    spin = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return spin @ lean


def axis_on_canvas(tilt: float, roll: float) -> np.ndarray:
    """Return the projected axis of the flower: x to the right, y downward, length <= 1."""
    direction = _view(tilt, roll)[:, 2]
    return np.array([direction[0], -direction[1]])


def _sheet_job(layer, sheet, flat, seen, light, radius) -> Callable[[], None]:
    def job() -> None:
        along = seen[1:, :-1] - seen[:-1, 1:]
        across = seen[1:, 1:] - seen[:-1, :-1]
        normal = np.cross(along, across)
        normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-9)
        # the normal points to the inner, upper side of the petal; if it points away from the
        # viewer, the back of the petal is visible
        is_back = normal[..., 2] < 0
        facing = np.where(is_back[..., None], -normal, normal)
        bright = 0.66 + 0.42 * np.clip(facing @ light, 0, 1)
        steps, lanes = bright.shape
        for i in range(steps):
            share = (i + 0.5) / steps
            face = mix(sheet.foot, sheet.tip, share)
            for k in range(lanes):
                color = sheet.back if is_back[i, k] else face
                if sheet.streak and abs(k - (lanes - 1) / 2) < 1 and share < 0.8:
                    color = mix(color, sheet.streak, 0.75 * (1 - share))
                quad = [flat[i, k], flat[i, k + 1], flat[i + 1, k + 1], flat[i + 1, k]]
                layer.polygon(quad, shade(color, bright[i, k]))
        rim = np.concatenate([flat[:, 0], flat[-1, 1:], flat[::-1, -1]])
        if sheet.edge_width > 0:
            layer.line(rim, sheet.edge, sheet.edge_width * max(0.6, radius / 22))

    return job


def _dome_points(dome: Dome) -> np.ndarray:
    number = np.arange(dome.dots) + 0.5
    share = np.sqrt(number / dome.dots)
    angle = number * 2.399963  # the golden angle, as in real sunflowers
    r = dome.radius * share
    z = dome.lift + dome.height * (1 - share**2)
    return np.stack([r * np.cos(angle), r * np.sin(angle), z], axis=-1)


def _dome_rim(dome: Dome) -> np.ndarray:
    """Return rings of the cap from the rim to the top, shape (5, 28, 3)."""
    share = np.array([1.0, 0.9, 0.75, 0.5, 0.25])[:, None]
    angle = np.linspace(0, 2 * np.pi, 28)[None, :]
    r = dome.radius * share
    z = dome.lift + dome.height * (1 - share**2)
    return np.stack(np.broadcast_arrays(r * np.cos(angle), r * np.sin(angle), z), axis=-1)


def _dome_job(layer, dome, flat, rim, light, radius) -> Callable[[], None]:
    def job() -> None:
        for number, ring in enumerate(rim):
            layer.polygon(ring, mix(dome.rim, dome.core, number / len(rim)))
        share = np.sqrt((np.arange(dome.dots) + 0.5) / dome.dots)
        middle = flat.mean(axis=0)
        side = (flat - middle) @ np.array([light[0], -light[1]]) / max(dome.radius * radius, 1e-6)
        size = dome.dot * radius
        for (px, py), s, lit in zip(flat.tolist(), share.tolist(), side.tolist(), strict=True):
            color = mix(dome.core, dome.rim, s**2)
            layer.disc(px + 0.25 * size, py + 0.35 * size, size, dome.ground)
            layer.disc(px, py, 0.8 * size, shade(color, 1.05 + 0.25 * lit))

    return job


def _thread_job(layer, thread, flat, radius) -> Callable[[], None]:
    def job() -> None:
        width = thread.width * radius
        layer.line(flat, thread.color, width, thread.opacity)
        end = flat[-1]
        if thread.tuft > 0:
            ahead = flat[-1] - flat[0]
            ahead = ahead / max(float(np.hypot(*ahead)), 1e-6)
            for step in range(7):
                a = np.radians(-75 + 25 * step)
                ray = np.array(
                    [
                        ahead[0] * np.cos(a) - ahead[1] * np.sin(a),
                        ahead[0] * np.sin(a) + ahead[1] * np.cos(a),
                    ]
                )
                layer.line(
                    [end, end + ray * thread.tuft * radius], thread.color, width, thread.opacity
                )
        if thread.knob > 0:
            layer.disc(*end, thread.knob * radius, thread.knob_color or thread.color)

    return job
