"""Lesson 01's convolution in NumPy, against the loop that it explains and against Keras."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from course_staff.benchmarks import Row, measured
from course_utils import convolution
from course_utils.exceptions import CourseError


def _photograph(side: int) -> tuple[np.ndarray, np.ndarray]:
    """A picture (side, side, 3) and 16 filters (3, 3, 3, 16) of random numbers, float32."""
    random = np.random.default_rng(0)
    image = random.random((side, side, 3), dtype=np.float32)
    kernels = random.standard_normal((3, 3, 3, 16)).astype(np.float32)
    return image, kernels


def _best_seconds(work: Callable[[], Any], times: int) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        spent.append(time.perf_counter() - began)
    return min(spent)


def _compare(ours: np.ndarray, theirs: np.ndarray) -> float:
    difference = float(np.max(np.abs(ours - theirs)))
    if difference > 1e-4:
        raise CourseError(f"The two results differ by {difference}, so times say nothing.")
    return difference


def against_the_loop(quick: bool) -> dict[str, Any]:
    """Time one filter over one channel of a picture, with windows as views and with loops."""
    image, kernels = _photograph(64 if quick else 128)
    channel, kernel = image[..., 0], kernels[:, :, 0, 0]
    difference = _compare(
        convolution.feature_map(channel, kernel), convolution.feature_map_loop(channel, kernel)
    )
    ours = _best_seconds(lambda: convolution.feature_map(channel, kernel), 10)
    theirs = _best_seconds(lambda: convolution.feature_map_loop(channel, kernel), 1 if quick else 3)
    note = f"{theirs / ours:.0f} times as fast as the loop"
    return measured(ours, theirs, note=note, largest_difference=difference)


def against_keras(quick: bool) -> dict[str, Any]:
    """Time 16 filters over a picture, in NumPy and in Keras."""
    import keras

    image, kernels = _photograph(128)
    tensors = keras.ops.convert_to_tensor(image[None]), keras.ops.convert_to_tensor(kernels)

    def with_keras() -> np.ndarray:
        return keras.ops.convert_to_numpy(keras.ops.conv(*tensors, padding="valid"))[0]

    difference = _compare(convolution.feature_map(image, kernels), with_keras())
    times = 5 if quick else 20
    ours = _best_seconds(lambda: convolution.feature_map(image, kernels), times)
    theirs = _best_seconds(with_keras, times)
    note = f"Keras is {ours / theirs:.1f} times as fast"
    return measured(ours, theirs, note=note, largest_difference=difference)


ROWS = [
    Row(
        name="convolution against the loop",
        about="one filter of 3x3 over 128x128 pixels: NumPy with views, against lesson 01's loop",
        run=against_the_loop,
    ),
    Row(
        name="convolution against Keras",
        about="16 filters of 3x3 over a picture of 128x128x3: NumPy with views, against Keras",
        run=against_keras,
    ),
]
