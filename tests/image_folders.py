"""Small folders of images for the tests."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image


def pixels(seed: int | str, height: int = 24, width: int = 32, channels: int = 3) -> np.ndarray:
    """Return a smooth random image, uint8 (height, width, channels)."""
    number = zlib.crc32(str(seed).encode())
    small = np.random.default_rng(number).integers(0, 256, (3, 4, channels), dtype=np.uint8)
    picture = Image.fromarray(small if channels == 3 else small[..., 0])
    big = picture.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(big).reshape(height, width, channels)


def save(path: Path, seed: int | str | None = None, **shape: int) -> Path:
    """Write a random image to `path`, in the format of its extension."""
    path.parent.mkdir(parents=True, exist_ok=True)
    array = pixels(str(path.name) + str(path.parent.name) if seed is None else seed, **shape)
    Image.fromarray(array.squeeze()).save(path)
    return path


def tree(root: Path, counts: Mapping[str, int], ending: str = ".jpg") -> Path:
    """Write `counts[folder]` different images into each folder below `root`."""
    for folder, number in counts.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for index in range(number):
            save(root / folder / f"{index:03d}{ending}", seed=f"{folder}/{index}")
    return root


def photo(number: int, size: int = 96) -> Image.Image:
    """Return an image with the spatial frequencies of a photograph, another for each number."""
    rng = np.random.default_rng(number)
    layers = np.zeros((size, size, 3))
    for side, weight in ((3, 90), (6, 60), (12, 45), (24, 30), (48, 8)):
        coarse = Image.fromarray(rng.integers(0, 256, (side, side, 3), np.uint8))
        fine = coarse.resize((size, size), Image.Resampling.BICUBIC)
        layers += weight * (np.asarray(fine) / 255 - 0.5)
    return Image.fromarray(np.clip(128 + layers, 0, 255).astype(np.uint8))
