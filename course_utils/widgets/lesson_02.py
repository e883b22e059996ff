"""A folder to be split: photographs go to train, validation or test, and leaks are named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_utils import settings
from course_utils.datasets import displayable
from course_utils.datasets.display import image_address
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.validate import counted
from course_utils.widgets.page import Widget, sentence, still_image

#: Most photographs that the piece shows, so that it stays small.
MOST = 40
_SIDE = 72  # pixels of a photograph in the piece

#: The flowers of the album (files of paper_flowers/train), and how often each was photographed.
_FLOWERS = {
    "daisy": {"0001": 3, "0009": 1, "0011": 2, "0003": 2},
    "roses": {"0001": 2, "0007": 3, "0014": 1, "0017": 2},
    "sunflowers": {"0002": 2, "0004": 3, "0019": 2, "0007": 1},
}


def split_folder(
    images: Sequence[Any] | NDArray[Any] | None = None,
    class_names: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
) -> Widget:
    """Let the reader split photographs into train, validation and test.

    The piece shows the shares of each class, and names the leaks: groups with photographs in more
    than one split.

    Parameters
    ----------
    images : array (N, H, W, C) or sequence of arrays, optional
        At most 40 images with values from 0 to 255; by default an :func:`album` of drawn flowers.
    class_names : sequence of str, optional
        The class of each image.
    groups : sequence of str, optional
        For each image what it belongs to, such as a plant, a patient or a video. Images with equal
        entries must stay in one split. By default each image is a group of its own.

    Returns
    -------
    Widget

    Raises
    ------
    InvalidInput
        If there are no images or too many, or if the lengths differ.
    """
    if images is None:
        images, class_names, groups = album()
    shown = [_square(image) for image in images]
    names = list(class_names or ())
    keys = [str(k) for k in range(len(shown))] if groups is None else [str(key) for key in groups]
    if not 0 < len(shown) <= MOST:
        raise InvalidInput(f"split_folder shows 1 to {MOST} images, but it was given {len(shown)}.")
    for what, given in (("class_names", names), ("groups", keys)):
        if len(given) != len(shown):
            raise InvalidInput(
                f"split_folder needs one entry of {what} for each image: there are {len(shown)} "
                f"images, but {len(given)} entries."
            )
    labels = _group_labels(names, keys)
    pictures = [
        {
            "source": image_address(image, quality=70),
            "name": f"{label}{number}",
            "class": str(name),
            "group": label,
        }
        for image, name, label, number in zip(shown, names, labels, _numbers(labels), strict=True)
    ]
    text = (
        f"{counted(len(shown), 'photograph')} of {counted(len(set(labels)), 'group')} in "
        f"{counted(len(set(names)), 'class', 'classes')}, to be split into train, validation and "
        f"test. Split at random, photographs of one group can come into several splits, which is a "
        f"leak; split by group, they stay together."
    )
    still = still_image(image_address(_contact_sheet(shown), quality=70), text) + sentence(text)
    data = {"pictures": pictures, "near": _by_similarity(shown).tolist()}
    return Widget("split_folder", data, still, text)


def album() -> tuple[list[NDArray[np.uint8]], list[str], list[str]]:
    """Return photographs of twelve drawn flowers, some of which were taken several times.

    Returns
    -------
    images : list of array (H, W, 3)
        uint8. Photographs of one flower differ a little in place and brightness.
    class_names, groups : list of str
        The class and the flower of each image.

    Raises
    ------
    MissingData
        If the drawn flowers are not there.
    """
    from PIL import Image

    images, names, groups = [], [], []
    for name, flowers in _FLOWERS.items():
        for file, shots in flowers.items():
            path = settings.shipped_data() / "paper_flowers" / "train" / name / f"{file}.jpg"
            if not path.is_file():
                raise MissingData(f"{path} is missing; get the course's folder data/ again.")
            pixels = np.asarray(Image.open(path), dtype=np.float32)
            for shot in range(shots):
                part = pixels[3 * shot : 3 * shot + 88, 4 * shot : 4 * shot + 88]
                bright = np.clip(part * (1 - 0.08 * shot), 0, 255)
                images.append(bright.astype(np.uint8))
                names.append(name)
                groups.append(f"{name} {file}")
    return images, names, groups


def _square(image: ArrayLike) -> NDArray[np.uint8]:
    """Return an image as uint8 (72, 72, 3): the middle of it, resized."""
    from PIL import Image, ImageOps

    picture = Image.fromarray(displayable(np.asarray(image))).convert("RGB")
    return np.asarray(ImageOps.fit(picture, (_SIDE, _SIDE)))


def _group_labels(names: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Return a short name for the group of each image, such as "daisy A".

    A group with images of several classes has the name of its first image.
    """
    found: dict[str, str] = {}
    count: dict[str, int] = {}
    for name, key in zip(names, keys, strict=True):
        if key not in found:
            number = count.get(name, 0)
            count[name] = number + 1
            letters = chr(ord("A") + number % 26) + (str(number // 26) if number >= 26 else "")
            found[key] = f"{name} {letters}"
    return [found[key] for key in keys]


def _numbers(labels: Sequence[str]) -> list[int]:
    """Return for each image its number in its group, from 1."""
    return [labels[: k + 1].count(label) for k, label in enumerate(labels)]


def _by_similarity(images: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Return for each image the positions of the others, the most similar first."""
    # As in the lesson: the distance of images that are shrunk to 12 x 12 blocks.
    small = np.stack(images).astype(float)
    small = small.reshape(len(small), 12, 6, 12, 6, 3).mean(axis=(2, 4)).reshape(len(small), -1)
    distance = ((small[:, None] - small[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distance, np.inf)
    return distance.argsort(axis=1, kind="stable")[:, :-1]


def _contact_sheet(images: Sequence[NDArray[Any]], columns: int = 8) -> NDArray[np.uint8]:
    rows = -(-len(images) // columns)
    sheet = np.full((rows * _SIDE, columns * _SIDE, 3), 255, np.uint8)
    for k, image in enumerate(images):
        row, column = divmod(k, columns)
        sheet[row * _SIDE : (row + 1) * _SIDE, column * _SIDE : (column + 1) * _SIDE] = image
    return sheet[::2, ::2]
