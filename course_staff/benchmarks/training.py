"""``training.fit`` against ``fit`` of Keras, its input pipelines, and GPU against CPU."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

from course_staff.benchmarks import Row, measured
from course_staff.benchmarks.timing import best_seconds, compare_pipelines, in_turn
from course_utils import datasets

SIDE, BATCH = 96, 32

#: The smallest share of the side that a crop keeps, as in the recipe for photographs.
CROP = 0.7


def _flowers(batch_size: int = BATCH) -> Any:
    return datasets.load("paper_flowers", image_size=SIDE, batch_size=batch_size, seed=0)


# ------------------------------------------------------------------------------------------- fit


def _tiny(shape: tuple[int, int, int], num_classes: int) -> Any:
    """Return a network with very short steps, so that the overhead around them is measured."""
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Rescaling(1 / 255),
            layers.AveragePooling2D(16),
            layers.Flatten(),
            layers.Dense(num_classes),
        ]
    )


def _small(shape: tuple[int, int, int], num_classes: int) -> Any:
    from course_utils import models

    return models.small_cnn(shape, num_classes)


def _fit(build: Callable[..., Any], epochs: int, rounds: int, quick: bool) -> dict[str, Any]:
    """Time a training of a new model, with both ways of ``fit``; building it is not measured.

    Both train on the same images in the same order, evaluate the validation split after each
    epoch, and print nothing. Checks of arguments and tracing are included.
    """
    import keras

    from course_utils import settings, training

    data = _flowers()

    def new_model(_: int) -> Any:
        keras.utils.set_random_seed(settings.seed())
        return build(data.input_shape, data.num_classes)

    def ours(model: Any) -> list[float]:
        return training.fit(model, data, epochs, seed=0, verbose=0).history["loss"]

    def theirs(model: Any) -> list[float]:
        training.compile_model(model)
        history = model.fit(
            data.shuffled(),
            validation_data=data.validation,
            epochs=epochs,
            shuffle=False,
            verbose=0,
        )
        return history.history["loss"]

    seconds, losses = in_turn(
        {"ours": ours, "theirs": theirs}, 1 if quick else rounds, prepare=new_model
    )
    pairs = list(zip(seconds["ours"], seconds["theirs"], strict=True))
    ratio = statistics.median(mine / other for mine, other in pairs)
    last = {name: runs[-1] for name, runs in losses.items()}
    median = statistics.median(seconds["theirs"])
    return measured(
        ratio * median,
        median,
        "s",
        "ratio at most 1.1",
        None if quick else ratio <= 1.1,
        f"{epochs} epochs of the same steps with validation; median ratio of {len(pairs)} rounds; "
        f"last loss {last['ours'][-1]:.4f} and {last['theirs'][-1]:.4f}",
        seconds=seconds,
        losses=last,
    )


# ------------------------------------------------------------------------------------- pipelines


def _augmenting(crop: bool, quick: bool) -> dict[str, Any]:
    """Compare the pipeline of ``fit`` with Keras layers in a tf.data pipeline."""
    import tensorflow as tf
    from keras import layers

    from course_utils import augmentation
    from course_utils.training.pipeline import training_stream

    data = _flowers()
    change = augmentation.geometric(rotation=0, zoom=0, translation=0, crop=CROP if crop else None)
    ours = partial(training_stream, data, seed=0, num_classes=data.num_classes, augment=[change])
    parts: list[Any] = [layers.RandomFlip("horizontal", seed=0)]
    if crop:  # Keras does a random crop that is enlarged as a zoom and a shift
        shift = (1 - CROP) / 2
        parts += [
            layers.RandomZoom((CROP - 1, 0.0), seed=0),
            layers.RandomTranslation(shift, shift, seed=0),
        ]

    def keras_layers(images: Any, labels: Any) -> Any:
        images = tf.cast(images, tf.float32)
        for part in parts:
            images = part(images, training=True)
        return images, labels

    pixels, labels = data.images("train"), data.labels("train")
    theirs = (
        tf.data.Dataset.from_tensor_slices((pixels, labels))
        .shuffle(len(labels), seed=0)
        .batch(BATCH)
        .map(keras_layers, num_parallel_calls=tf.data.AUTOTUNE)
        .prefetch(tf.data.AUTOTUNE)
    )
    return compare_pipelines(
        lambda epochs: ours(range(epochs)),
        theirs.repeat,
        1.5 if crop else 1,
        quick,
        f"at {SIDE} px from memory; theirs: {', '.join(type(part).__name__ for part in parts)} of "
        f"Keras in Dataset.map, run in parallel",
    )


# ------------------------------------------------------------------------------------------ card


def _needs_card() -> str | None:
    from course_utils import training

    if training.device_report().gpus:
        return None
    return "TensorFlow finds no graphics card on this machine"


def _epoch(network: str, batch: int, policy: str, device: str, times: int) -> float:
    """Return the seconds of the fastest epoch on a device; the first epoch is not counted."""
    import keras
    import tensorflow as tf

    from course_utils import models, training

    data = _flowers(batch)
    keras.config.set_dtype_policy(policy)
    try:
        with tf.device(device):
            keras.utils.set_random_seed(0)
            model = getattr(models, network)(data.input_shape, data.num_classes)
            training.compile_model(model)
            fit = partial(model.fit, data.train, epochs=1, shuffle=False, verbose=0)
            fit()  # traces the model
            return best_seconds(fit, times)
    finally:
        keras.config.set_dtype_policy("float32")


def card_against_processor(quick: bool, card: str = "/GPU:0") -> dict[str, Any]:
    """Time epochs on the GPU and on the CPU of the same machine."""
    from course_utils import training

    seconds: dict[str, float] = {}
    for network in ("small_cnn", "deep_cnn"):
        for batch in (32, 256):
            ways = [("float32", card), ("mixed_float16", card), ("float32", "/CPU:0")]
            for policy, device in ways:
                name = f"{network}, batch {batch}, {'CPU' if device == '/CPU:0' else policy}"
                seconds[name] = _epoch(network, batch, policy, device, 1 if quick else 3)
    on_card = [value for name, value in seconds.items() if not name.endswith("CPU")]
    report = training.device_report()
    return measured(
        seconds["deep_cnn, batch 256, float32"],
        seconds["deep_cnn, batch 256, CPU"],
        "s",
        note=f"an epoch of paper_flowers at {SIDE} px on "
        f"{report.gpus[0].name if report.gpus else card} against {report.cpu_cores} cores; "
        f"{min(on_card):.2g} to {max(on_card):.2g} s on the card; "
        + "; ".join(f"{name}: {value:.2g} s" for name, value in seconds.items()),
        epochs=seconds,
    )


ROWS = [
    Row(
        "fit, small_cnn",
        "training.fit against model.fit of Keras: small_cnn on paper_flowers, 2 epochs",
        lambda quick: _fit(_small, 2, 5, quick),
        expected=(80, 25),
    ),
    Row(
        "fit, tiny network",
        "training.fit against model.fit of Keras with very short steps, 3 epochs",
        lambda quick: _fit(_tiny, 3, 7, quick),
        expected=(25, 12),
    ),
    Row(
        "augmentation, flip",
        "images per second at 96 px: pipeline of fit, against Keras's layer in tf.data",
        lambda quick: _augmenting(False, quick),
        expected=(20, 12),
    ),
    Row(
        "augmentation, flip and crop",
        "images per second at 96 px: pipeline of fit, against Keras's layers in tf.data",
        lambda quick: _augmenting(True, quick),
        expected=(20, 12),
    ),
    Row(
        "GPU",
        "an epoch of small_cnn and deep_cnn, batch 32 and 256, float32 and mixed precision: the "
        "card against the processor of the same machine",
        card_against_processor,
        _needs_card,
        expected=(240, 120),
    ),
]
