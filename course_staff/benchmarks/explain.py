"""Grad-CAM of many pictures at once, against tf-explain picture by picture."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from course_staff.benchmarks import Row, measured

PICTURES = 100
SIDE = 96
CLASSES = 5


def against_tf_explain(quick: bool) -> dict[str, Any]:
    """Time maps of a small_cnn, and tf-explain's ``explain`` on the same layers as a function."""
    import keras
    from tf_explain.core.grad_cam import GradCAM

    from course_utils import explain, models

    warnings.filterwarnings("ignore", message="The structure of `inputs`")
    keras.utils.set_random_seed(0)
    model = models.small_cnn((SIDE, SIDE, 3), CLASSES)
    x = inputs = keras.Input((SIDE, SIDE, 3))
    for layer in model.layers:  # the equivalent functional model, with layers of its own
        x = type(layer).from_config(layer.get_config())(x)
    functional = keras.Model(inputs, x)
    functional.set_weights(model.get_weights())
    layer_name = explain.find_layer(functional)

    images = np.random.default_rng(0).integers(0, 256, (PICTURES, SIDE, SIDE, 3), dtype=np.uint8)
    classes = np.arange(PICTURES) % CLASSES

    def one_by_one(count: int) -> None:
        for image, index in zip(images[:count, None], classes, strict=False):
            GradCAM().explain(
                (image, None), functional, int(index), layer_name, use_guided_grads=False
            )

    explain.grad_cam(model, images[:2])
    one_by_one(2)
    ours, theirs = [], []
    for _ in range(2 if quick else 5):
        began = time.perf_counter()
        explain.grad_cam(model, images, classes)
        between = time.perf_counter()
        one_by_one(PICTURES)
        ours.append(between - began)
        theirs.append(time.perf_counter() - between)
    ratio = min(ours) / min(theirs)
    return measured(
        min(ours),
        min(theirs),
        wanted="ratio at most 0.25",
        ok=ratio <= 0.25,
        note=f"{1 / ratio:.1f} times as fast; best of {len(ours)} runs, taken in turn",
        all_ours=ours,
        all_theirs=theirs,
    )


ROWS = [
    Row(
        name="Grad-CAM against tf-explain",
        about=f"{PICTURES} maps of small_cnn at {SIDE}x{SIDE}: in batches, against one at a time",
        run=against_tf_explain,
    ),
]
