"""The arguments that all loading functions share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_utils import validate
from course_utils.datasets import bit_depth


@dataclass(frozen=True)
class LoadOptions:
    """Checked arguments; made by :func:`check_options`.

    Attributes
    ----------
    image_size : tuple of int
        Height and width in pixels.
    batch_size : int
        Images per batch.
    seed : int
        Seed of the order of the training images and of random splits.
    color_mode : {"rgb", "grayscale"}
        Whether images have three channels or one.
    skip_unreadable : bool
        Whether files that cannot be decoded are left out; else they are an error.
    shares : mapping of split to float
        Share of each class for the test and the validation split, where one is missing.
    scales : mapping of kind to (low, high), or None
        Which values of images of more than 8 bits become black and white.
    """

    image_size: tuple[int, int]
    batch_size: int
    seed: int
    color_mode: str
    skip_unreadable: bool
    shares: Mapping[str, float]
    scales: bit_depth.Scales | None

    @property
    def channels(self) -> int:
        """3 for RGB, 1 for grayscale."""
        return 3 if self.color_mode == "rgb" else 1


def check_options(
    image_size: Any = (128, 128),
    batch_size: Any = 32,
    seed: Any = None,
    color_mode: Any = "rgb",
    unreadable: Any = "raise",
    validation: Any = 0.1,
    test: Any = 0.1,
    value_range: Any = None,
) -> LoadOptions:
    """Check the arguments that :func:`course_utils.datasets.from_directory` shares with others.

    Raises
    ------
    InvalidInput
        If one of them cannot be used.
    """
    return LoadOptions(
        image_size=validate.image_size(image_size),
        batch_size=validate.batch_size(batch_size),
        seed=validate.seed(seed),
        color_mode=validate.choice("color_mode", color_mode, ("rgb", "grayscale")),
        skip_unreadable=validate.choice("unreadable", unreadable, ("raise", "skip")) == "skip",
        shares={
            "test": validate.fraction("test", test),
            "validation": validate.fraction("validation", validation),
        },
        scales=bit_depth.scales_for(value_range),
    )
