"""Convolution of lesson 01 in NumPy, against the loop of the lesson and against Keras."""

from __future__ import annotations

from typing import Any

import numpy as np

from course_staff.benchmarks import Row, measured
from course_staff.benchmarks.timing import best_seconds
from course_utils import convolution
from course_utils.exceptions import CourseError


def _photograph(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image (side, side, 3) and 16 filters (3, 3, 3, 16) of random float32 numbers."""
    random = np.random.default_rng(0)
    image = random.random((side, side, 3), dtype=np.float32)
    kernels = random.standard_normal((3, 3, 3, 16)).astype(np.float32)
    return image, kernels


def _largest_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    difference = float(np.max(np.abs(ours - theirs)))
    if difference > 1e-4:
        raise CourseError(
            f"The two results differ by {difference}, so their times cannot be compared."
        )
    return difference


def against_the_loop(quick: bool) -> dict[str, Any]:
    """Time one filter on one channel of an image: with views of NumPy and with Python loops."""
    image, kernels = _photograph(64 if quick else 128)
    pair = image[..., 0], kernels[:, :, 0, 0]
    difference = _largest_difference(
        convolution.feature_map(*pair), convolution.feature_map_loop(*pair)
    )
    ours = best_seconds(lambda: convolution.feature_map(*pair), 10)
    theirs = best_seconds(lambda: convolution.feature_map_loop(*pair), 1 if quick else 3)
    note = f"{theirs / ours:.0f} times as fast as the loop"
    return measured(ours, theirs, note=note, largest_difference=difference)


def against_keras(quick: bool) -> dict[str, Any]:
    """Time 16 filters on an image, in NumPy and in Keras."""
    import keras

    image, kernels = _photograph(128)
    tensors = keras.ops.convert_to_tensor(image[None]), keras.ops.convert_to_tensor(kernels)

    def with_keras() -> np.ndarray:
        return keras.ops.convert_to_numpy(keras.ops.conv(*tensors, padding="valid"))[0]

    difference = _largest_difference(convolution.feature_map(image, kernels), with_keras())
    times = 5 if quick else 20
    ours = best_seconds(lambda: convolution.feature_map(image, kernels), times)
    theirs = best_seconds(with_keras, times)
    note = f"Keras is {ours / theirs:.1f} times as fast"
    return measured(ours, theirs, note=note, largest_difference=difference)


ROWS = [
    Row(
        "convolution against the loop",
        "one filter of 3x3 over 128x128 pixels: NumPy with views, against the loop of lesson 01",
        against_the_loop,
    ),
    Row(
        "convolution against Keras",
        "16 filters of 3x3 over an image of 128x128x3: NumPy with views, against Keras",
        against_keras,
    ),
]
