"""Train the small backbone that ships with the course: ``course pretrain``."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import settings
from course_utils.exceptions import InvalidInput

EPOCHS = 18
BATCH_SIZE = 128
LEARNING_RATE = 6e-3
WARMUP_EPOCHS = 2
WEIGHT_DECAY = 2e-2
LABEL_SMOOTHING = 0.1
PADDING = 4
SEED = 42
LARGEST_FILE = 2_000_000


def augmented_batches(
    images: np.ndarray, labels: np.ndarray, num_classes: int, seed: int, epoch: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the batches of one epoch: shuffled, shifted by up to 4 pixels, half of them mirrored.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, H, W, 3)
    labels : ndarray of int, shape (N,)
    num_classes : int
    seed, epoch : int
        Determine the order, the shifts and the mirroring.

    Yields
    ------
    tuple of ndarray
        float32 images 0-255 (128, H, W, 3) and one-hot labels (128, num_classes).
    """
    rng = np.random.default_rng([seed, epoch])
    height, width = images.shape[1:3]
    one_hot = np.eye(num_classes, dtype=np.float32)
    edges = ((0, 0), (PADDING, PADDING), (PADDING, PADDING), (0, 0))
    order = rng.permutation(len(images))
    for start in range(0, len(images) - BATCH_SIZE + 1, BATCH_SIZE):
        rows = order[start : start + BATCH_SIZE]
        padded = np.pad(images[rows], edges, mode="reflect")
        windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))
        shifts = rng.integers(0, 2 * PADDING + 1, (2, BATCH_SIZE))
        batch = windows[np.arange(BATCH_SIZE), shifts[0], shifts[1]].transpose(0, 2, 3, 1)
        batch = batch.astype(np.float32)
        mirrored = rng.random(BATCH_SIZE) < 0.5
        batch[mirrored] = batch[mirrored, :, ::-1]
        yield batch, one_hot[labels[rows]]


def train_backbone(
    images: np.ndarray,
    labels: np.ndarray,
    num_classes: int,
    epochs: int = EPOCHS,
    seed: int = SEED,
    backup: Path | None = None,
    verbose: Any = 1,
) -> Any:
    """Train the course's backbone with a linear classifier on top.

    Parameters
    ----------
    images : ndarray of uint8, shape (N, 32, 32, 3)
    labels : ndarray of int, shape (N,)
    num_classes : int
    epochs : int
    seed : int
    backup : Path, optional
        The folder of a checkpoint after each epoch, from which an interrupted training is resumed.
    verbose : int
        As for ``Model.fit``.

    Returns
    -------
    keras.Model
        From pixels to logits, with the layers of ``transfer.load_classifier("course")``.

    Raises
    ------
    InvalidInput
        If there are fewer images than one batch.
    """
    import keras
    import tensorflow as tf

    from course_utils import transfer

    if len(images) < BATCH_SIZE:
        raise InvalidInput(
            f"There are {len(images)} training images, but one batch takes {BATCH_SIZE}."
        )
    keras.utils.set_random_seed(seed)
    backbone = transfer.load_backbone("course", image_size=images.shape[1:3], weights=False)
    backbone.trainable = True
    average = keras.layers.GlobalAveragePooling2D(name="average")(
        backbone.get_layer("top_relu").output
    )
    logits = keras.layers.Dense(num_classes, name="classifier")(average)
    model = keras.Model(backbone.input, logits)
    steps = len(images) // BATCH_SIZE
    warmup = min(WARMUP_EPOCHS, epochs - 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE / 15,
        decay_steps=(epochs - warmup) * steps,
        alpha=1e-3,
        warmup_target=LEARNING_RATE,
        warmup_steps=warmup * steps,
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY),
        loss=keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=LABEL_SMOOTHING
        ),
        metrics=["accuracy"],
    )
    model.optimizer.build(model.trainable_variables)
    callbacks = [] if backup is None else [keras.callbacks.BackupAndRestore(str(backup))]

    def batches() -> Iterator[tuple[np.ndarray, np.ndarray]]:
        # The checkpoint contains the step count of the optimizer, which gives the epoch.
        epoch = int(model.optimizer.iterations) // steps
        while True:
            yield from augmented_batches(images, labels, num_classes, seed, epoch)
            epoch += 1

    shape = (BATCH_SIZE, *images.shape[1:])
    data = tf.data.Dataset.from_generator(
        batches,
        output_signature=(
            tf.TensorSpec(shape, tf.float32),
            tf.TensorSpec((BATCH_SIZE, num_classes), tf.float32),
        ),
    ).prefetch(4)
    model.fit(data, epochs=epochs, steps_per_epoch=steps, callbacks=callbacks, verbose=verbose)
    return model


def pretrain(out: Path | None = None, epochs: int = EPOCHS, seed: int = SEED) -> Path:
    """Train the backbone on CIFAR-10, and store its weights with a model card.

    Parameters
    ----------
    out : Path, optional
        The folder to write to; by default ``data/backbones`` of the course.
    epochs : int
    seed : int

    Returns
    -------
    Path
        The file of the weights.

    Raises
    ------
    InvalidInput
        If the file would be larger than 2 MB.
    MissingData
        If CIFAR-10 is not on this machine.
    """
    from course_utils import datasets

    folder = settings.shipped_data() / "backbones" if out is None else Path(out)
    cifar = datasets.load("cifar10", image_size=32, seed=seed)
    images = np.concatenate([cifar.images("train"), cifar.images("validation")])
    labels = np.concatenate([cifar.labels("train"), cifar.labels("validation")])
    # The name of the checkpoint depends on data and settings, so that others start from scratch.
    key = hashlib.blake2b(f"{cifar.fingerprint} {epochs} {seed}".encode(), digest_size=8)
    backup = settings.cache_root() / "pretrain" / key.hexdigest()
    backup.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    model = train_backbone(images, labels, cifar.num_classes, epochs, seed, backup)
    seconds = time.perf_counter() - started
    logits = model.predict(cifar.images("test"), batch_size=500, verbose=0)
    accuracy = float(np.mean(logits.argmax(axis=1) == cifar.labels("test")))
    path = store(model, folder, accuracy, epochs, seed, seconds)
    shutil.rmtree(backup, ignore_errors=True)
    print(f"{path.name}: test accuracy {accuracy:.3f} on CIFAR-10, {seconds / 60:.0f} minutes")
    return path


def store(
    model: Any, folder: Path, accuracy: float, epochs: int, seed: int, seconds: float
) -> Path:
    """Write the weights (without optimizer) and their model card, each in one step.

    Parameters
    ----------
    model : keras.Model
        From :func:`train_backbone`.
    folder : Path
        The folder of ``course.weights.h5`` (without the classifier), the two arrays of the
        classifier, and README.md.
    accuracy : float
        On the test split of CIFAR-10, 0-1.
    epochs, seed : int
    seconds : float
        Duration of the training.

    Returns
    -------
    Path
        The file of the weights without the classifier.

    Raises
    ------
    InvalidInput
        If the files would be larger than 2 MB.
    """
    import keras

    from course_utils import transfer

    folder.mkdir(parents=True, exist_ok=True)
    trained = keras.Model(model.input, model.get_layer("top_relu").output)
    backbone = transfer.load_backbone("course", image_size=model.input_shape[1:3], weights=False)
    backbone.set_weights(trained.get_weights())
    names = (transfer.COURSE_WEIGHTS, transfer.COURSE_CLASSIFIER)
    with tempfile.TemporaryDirectory(dir=folder) as side:
        new = [Path(side) / name for name in names]
        backbone.save_weights(new[0])
        kernel, bias = model.layers[-1].get_weights()
        np.savez(new[1], kernel=kernel, bias=bias)
        size = sum(path.stat().st_size for path in new)
        if size > LARGEST_FILE:
            raise InvalidInput(
                f"The weights take {size / 1e6:.1f} MB, but at most 2 MB may ship with the course."
            )
        card = Path(side) / "README.md"
        card.write_text(
            CARD.format(
                parameters=f"{backbone.count_params():,}",
                size=f"{size / 1e6:.2f}",
                accuracy=f"{accuracy:.3f}",
                epochs=epochs,
                seed=seed,
                minutes=f"{seconds / 60:.0f}",
                sha256=hashlib.sha256(new[0].read_bytes()).hexdigest(),
                digest=transfer.weights_digest(backbone),
                keras=keras.__version__,
                batch=BATCH_SIZE,
                rate=LEARNING_RATE,
                warmup=WARMUP_EPOCHS,
                decay=WEIGHT_DECAY,
                smoothing=LABEL_SMOOTHING,
                padding=PADDING,
            ),
            "utf-8",
        )
        for path in (*new, card):
            path.replace(folder / path.name)
    return folder / names[0]


CARD = """\
# The backbone that ships with the course

`course.weights.h5` holds the weights of `transfer.load_backbone("course")`: a small residual
network of {parameters} parameters ({size} MB, no optimizer state) that turns pixels (0-255) into
320 feature maps from three depths (48, 96 and 176) at a quarter of the height and width.
`course_classifier.npz` holds its classifier of CIFAR-10's ten classes, which sees the last 176, for
`transfer.load_classifier("course")`.

| | |
|---|---|
| trained on | the 50,000 training images of CIFAR-10 (Krizhevsky 2009), stored as JPEG, 32×32 |
| accuracy | {accuracy} on the 10,000 test images, after the last epoch |
| recipe | {epochs} epochs, batches of {batch}, AdamW, learning rate to {rate} in {warmup} \
warm-up epochs, then cosine decay to 0.1 % of it, weight decay {decay}, label smoothing \
{smoothing}, shifts of up to {padding} pixels, mirrored half of the time |
| seed | {seed} |
| time | {minutes} minutes on 2 cores that were busy with other work |
| made with | Keras {keras} |
| sha256 of the file | `{sha256}` |
| digest of the weights | `{digest}` |

`course pretrain` repeats the recipe. Sums of many threads are not added in the same order twice, so
another run gives other weights of about the same accuracy.

Licence: CC BY 4.0, as the text of the course. The weights are the course's own; CIFAR-10 itself is
not contained in them and does not ship with the course.
"""
