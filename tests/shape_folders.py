"""Folders of drawn shapes, one folder per class, as small user datasets for the tests."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

#: Number of corners of each shape; a circle has none.
CORNERS = {"circles": 0, "squares": 4, "triangles": 3}


def draw(name: str, seed: int) -> Image.Image:
    """Draw one shape in color, 64 to 120 pixels wide and high.

    Parameters
    ----------
    name : str
        A key of `CORNERS`.
    seed : int
        Determines size, aspect ratio, colors, position and rotation.

    Returns
    -------
    PIL.Image.Image
        Mode RGB. The shape is brighter than the background by at least 70 in each channel.
    """
    random = np.random.default_rng([sorted(CORNERS).index(name), seed])
    width, height = (int(side) for side in random.integers(64, 121, 2))
    background = random.integers(0, 110, 3)
    color = background + random.integers(70, 146, 3)
    noise = random.normal(0, 6, (height, width, 1))
    pixels = np.clip(np.broadcast_to(background, (height, width, 3)) + noise, 0, 255)
    picture = Image.fromarray(pixels.astype(np.uint8))
    radius = random.uniform(0.2, 0.35) * min(width, height)
    x, y = (random.uniform(radius, side - radius) for side in (width, height))
    pen = ImageDraw.Draw(picture)
    fill = tuple(int(value) for value in color)
    corners = CORNERS[name]
    if corners:
        turn = random.uniform(0, 2 * math.pi)
        angles = [turn + 2 * math.pi * k / corners for k in range(corners)]
        pen.polygon([(x + radius * math.cos(a), y + radius * math.sin(a)) for a in angles], fill)
    else:
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill)
    return picture


def write(
    root: Path,
    per_class: int | Mapping[str, int] = 40,
    classes: tuple[str, ...] = tuple(CORNERS),
    grayscale: bool = False,
) -> Path:
    """Write `per_class` PNG files for each class below `root`, and return `root`.

    A mapping gives the number of files of each class. With `grayscale` the files have one channel
    (Pillow's mode L).
    """
    for name in classes:
        folder = root / name
        folder.mkdir(parents=True)
        for seed in range(per_class if isinstance(per_class, int) else per_class[name]):
            picture = draw(name, seed)
            picture = picture.convert("L") if grayscale else picture
            picture.save(folder / f"{name[:-1]}_{seed:03d}.png")
    return root
