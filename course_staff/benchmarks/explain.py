"""Grad-CAM of many images at once, against tf-explain image by image."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from course_staff.benchmarks import Row, measured
from course_staff.benchmarks.timing import in_turn

IMAGES = 100
SIDE = 96
CLASSES = 5


def _as_functional(model: Any) -> Any:
    """Return the functional model that is equivalent to a Sequential one, with its weights."""
    import keras

    x = inputs = keras.Input((SIDE, SIDE, 3))
    for layer in model.layers:
        x = type(layer).from_config(layer.get_config())(x)
    functional = keras.Model(inputs, x)
    functional.set_weights(model.get_weights())
    return functional


def against_tf_explain(quick: bool) -> dict[str, Any]:
    """Time the maps of a small_cnn, and ``explain`` of tf-explain on the same layers."""
    import keras
    from tf_explain.core.grad_cam import GradCAM

    from course_utils import explain, models

    warnings.filterwarnings("ignore", message="The structure of `inputs`")
    keras.utils.set_random_seed(0)
    model = models.small_cnn((SIDE, SIDE, 3), CLASSES)
    functional = _as_functional(model)
    layer_name = explain.find_layer(functional)
    images = np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE, SIDE, 3), dtype=np.uint8)
    classes = np.arange(IMAGES) % CLASSES

    def one_by_one(_: int) -> None:
        for image, index in zip(images[:, None], classes, strict=True):
            GradCAM().explain(
                (image, None), functional, int(index), layer_name, use_guided_grads=False
            )

    ways = {"ours": lambda _: explain.grad_cam(model, images, classes), "theirs": one_by_one}
    seconds, _ = in_turn(ways, 2 if quick else 5)
    ours, theirs = min(seconds["ours"]), min(seconds["theirs"])
    return measured(
        ours,
        theirs,
        wanted="ratio at most 0.25",
        ok=ours / theirs <= 0.25,
        note=f"{theirs / ours:.1f} times as fast; best of {len(seconds['ours'])} runs, in turn",
        all_ours=seconds["ours"],
        all_theirs=seconds["theirs"],
    )


ROWS = [
    Row(
        "Grad-CAM against tf-explain",
        f"{IMAGES} maps of small_cnn at {SIDE}x{SIDE}: in batches, against one at a time",
        against_tf_explain,
    ),
]
