"""Small images for the tests of training: colored squares on noise, three classes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = ("blue", "green", "red")
SIZE = 24


def write(folder: Path, per_class: int = 40) -> Path:
    """Write the images, one folder per class, and return the folder."""
    rng = np.random.default_rng(0)
    for channel, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            pixels = rng.integers(0, 160, (SIZE, SIZE, 3))
            row, column = rng.integers(0, SIZE - 8, 2)
            pixels[row : row + 8, column : column + 8, 2 - channel] += 60
            Image.fromarray(pixels.astype("uint8")).save(folder / name / f"{number:03d}.png")
    return folder
