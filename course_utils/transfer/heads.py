"""Heads: small classifiers on feature vectors, and models that join them to their backbone."""

from __future__ import annotations

import time
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from course_utils import settings
from course_utils.exceptions import InvalidInput, TrainingStopped
from course_utils.training import free_training_graphs
from course_utils.transfer.features import Features
from course_utils.validate import number_between, whole_number


@dataclass(frozen=True, repr=False)
class Head:
    """A small classifier on features, and its training history.

    Attributes
    ----------
    model : keras.Model
        From feature vectors (batch, D) to logits (batch, classes).
    history : dict of str to list of float
        Loss and accuracy of each epoch, on training and validation.
    best_epoch : int
        The epoch (from 1) with the lowest validation loss; the model has its weights.
    seconds : float
        Duration of the training.
    class_names : tuple of str
    """

    model: keras.Model
    history: dict[str, list[float]]
    best_epoch: int
    seconds: float
    class_names: tuple[str, ...]

    @property
    def validation_accuracy(self) -> float:
        """Accuracy on the validation split, in the best epoch."""
        return self.history["val_accuracy"][self.best_epoch - 1]

    def accuracy(self, features: Features, split: str = "test") -> float:
        """Return the accuracy on a split, in 0-1.

        Parameters
        ----------
        features : Features
            From the same backbone.
        split : {"train", "validation", "test"}
        """
        logits = np.asarray(self.model(features.vectors[split], training=False))
        return float(np.mean(logits.argmax(axis=1) == features.labels[split]))

    def __repr__(self) -> str:
        return (
            f"Head: validation accuracy {self.validation_accuracy:.3f} at epoch {self.best_epoch} "
            f"of {len(self.history['loss'])}, {self.seconds:.1f} s"
        )


def fit_head(
    features: Features,
    hidden: int = 100,
    dropout: float = 0.2,
    learning_rate: float = 1e-3,
    epochs: int = 30,
    *,
    batch_size: int = 64,
    seed: int | None = None,
) -> Head:
    """Train a classifier on features, and keep the weights of the best epoch.

    A first layer of the head brings the features to mean 0 and one scale; see
    :func:`feature_statistics`.

    Parameters
    ----------
    features : Features
        From :func:`extract_features`.
    hidden : int
        Units of the hidden layer; 0 for none, which is logistic regression.
    dropout : float
        Share of the hidden units (or, without any, of the features) dropped in training, in [0, 1).
    learning_rate : float
        Of Adam.
    epochs : int
        Number of epochs. The head gets the weights of the epoch with the lowest validation loss.
    batch_size : int
        Feature vectors per step.
    seed : int, optional
        Seed of the initial weights, the order and the dropout; COURSE_SEED or 42 by default.

    Returns
    -------
    Head

    Raises
    ------
    InvalidInput
        If an argument cannot be used, there are no training or validation images, or some of
        their features are NaN.
    TrainingStopped
        If the loss becomes NaN.
    """
    _require_vectors(features)
    whole_number("hidden", hidden, 0, example=100)
    number_between("dropout", dropout, 0, 1, 0.2, open_high=True)
    number_between("learning_rate", learning_rate, 0, float("inf"), 0.001, open_low=True)
    whole_number("epochs", epochs, 1, example=30)
    whole_number("batch_size", batch_size, 1, example=64)
    free_training_graphs()
    keras.utils.set_random_seed(settings.seed() if seed is None else seed)
    mean, variance = feature_statistics(features.vectors["train"])
    model = build_head(features.size, len(features.class_names), hidden, dropout, mean, variance)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    started = time.perf_counter()
    history, best_epoch = _fit_in_memory(model, features, epochs, batch_size)
    return Head(model, history, best_epoch, time.perf_counter() - started, features.class_names)


def feature_statistics(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of each feature, and the variance to divide it by.

    Ten times the mean variance of all features is added to the variance of each, so that all of
    them are divided by nearly the same number. Division of each feature by its own standard
    deviation would amplify those that hardly vary, which are mostly noise: on paper_flowers with 20
    images per class it costs four percentage points.

    Parameters
    ----------
    vectors : ndarray of float, shape (N, D)
        Feature vectors of the training images.

    Returns
    -------
    mean, variance : ndarray of float, shape (D,)
    """
    variance = vectors.var(axis=0)
    return vectors.mean(axis=0), variance + 10 * float(variance.mean()) + 1e-12


def build_head(
    size: int,
    num_classes: int,
    hidden: int,
    dropout: float,
    mean: np.ndarray | None = None,
    variance: np.ndarray | None = None,
) -> keras.Model:
    """Return an untrained head: one scale, dense with ReLU, dropout, dense to logits.

    Parameters
    ----------
    size : int
        Length of a feature vector.
    num_classes : int
        Number of logits.
    hidden : int
        Units of the hidden layer; 0 for none.
    dropout : float
        Share dropped in training, in [0, 1).
    mean, variance : ndarray of float, shape (size,), optional
        From :func:`feature_statistics`. With them the first layer computes
        ``(feature - mean) / sqrt(variance)``; without them there is no such layer.

    Returns
    -------
    keras.Model
        From (batch, size) to logits (batch, num_classes).
    """
    middle: list[keras.layers.Layer] = []
    if mean is not None and variance is not None:
        middle.append(layers.Normalization(mean=mean, variance=variance, name="standardize"))
    if hidden:
        middle.append(layers.Dense(hidden, activation="relu", name="hidden"))
    return keras.Sequential(
        [
            keras.Input((size,), name="features"),
            *middle,
            layers.Dropout(dropout, name="dropout"),
            layers.Dense(num_classes, dtype="float32", name="logits"),
        ],
        name="head",
    )


def attach_head(backbone: keras.Model, head: Head | keras.Model) -> keras.Model:
    """Join a head to its backbone: one model from pixels to logits.

    It predicts from an image what the head predicts from the features of the image.

    Parameters
    ----------
    backbone : keras.Model
        From pixels to feature maps or vectors.
    head : Head or keras.Model
        From feature vectors to logits.

    Returns
    -------
    keras.Model
        From pixels, float32 0-255, (batch, height, width, 3), to logits (batch, classes). It
        shares its weights with both.

    Raises
    ------
    InvalidInput
        If the head takes feature vectors of another length than the backbone gives.
    """
    top = head.model if isinstance(head, Head) else head
    given, expected = backbone.output_shape[-1], top.input_shape[-1]
    if given != expected:
        raise InvalidInput(
            f"{backbone.name} gives {given} features, but this head takes {expected}; train the "
            f"head on features of the same backbone."
        )
    x = backbone.output
    if len(x.shape) == 4:
        x = layers.GlobalAveragePooling2D(name="average")(x)
    for layer in top.layers:
        x = layer(x)
    return keras.Model(backbone.input, x, name=f"{backbone.name}_with_head")


def _fit_in_memory(
    model: keras.Model, features: Features, epochs: int, batch_size: int
) -> tuple[dict[str, list[float]], int]:
    """Train a compiled head, one TensorFlow function for each epoch, and keep its best weights.

    A step on feature vectors is so short that ``model.fit`` would spend most of its time between
    the steps. The vectors are standardized once, not in each step.

    Returns
    -------
    history : dict of str to list of float
        Loss and accuracy of each epoch, on training and validation, as ``model.fit`` names them.
    best_epoch : int
        Counted from 1: the first epoch with the lowest validation loss.

    Raises
    ------
    TrainingStopped
        If the loss becomes NaN.
    """
    standardize, body = model.layers[0], keras.Sequential(model.layers[1:])
    optimizer, loss_of = model.optimizer, keras.losses.get(model.loss)
    optimizer.build(model.trainable_variables)
    vectors, labels = {}, {}
    for split in ("train", "validation"):
        vectors[split] = tf.convert_to_tensor(standardize(features.vectors[split]))
        labels[split] = tf.convert_to_tensor(features.labels[split])
    count = len(features.labels["train"])

    def measure(split_labels: tf.Tensor, logits: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        right = tf.equal(tf.argmax(logits, axis=1, output_type=split_labels.dtype), split_labels)
        return loss_of(split_labels, logits), tf.reduce_mean(tf.cast(right, tf.float32))

    @tf.function
    def one_epoch(order: tf.Tensor) -> tuple[tf.Tensor, ...]:
        loss_sum, accuracy_sum = 0.0, 0.0
        for start in tf.range(0, count, batch_size):
            rows = order[start : start + batch_size]
            with tf.GradientTape() as tape:
                logits = body(tf.gather(vectors["train"], rows), training=True)
                loss, accuracy = measure(tf.gather(labels["train"], rows), logits)
                scaled = optimizer.scale_loss(loss)  # by 1, except in mixed precision
            optimizer.apply(tape.gradient(scaled, model.trainable_variables))
            share = tf.cast(tf.size(rows), tf.float32) / count
            loss_sum += share * loss
            accuracy_sum += share * accuracy
        logits = body(vectors["validation"], training=False)
        return loss_sum, accuracy_sum, *measure(labels["validation"], logits)

    # Compiled here, not at its first call: TensorFlow warns of many heads with few epochs each.
    compiled = one_epoch.get_concrete_function(tf.TensorSpec([count], tf.int32))
    rng = keras.random.SeedGenerator()
    history: dict[str, list[float]] = {
        name: [] for name in ("loss", "accuracy", "val_loss", "val_accuracy")
    }
    best_epoch, best = 0, model.get_weights()
    for epoch in range(epochs):
        order = keras.random.shuffle(tf.range(count), seed=rng)
        for values, value in zip(history.values(), compiled(order), strict=True):
            values.append(float(value))
        if not np.isfinite([history["loss"][-1], history["val_loss"][-1]]).all():
            raise TrainingStopped(
                f"The loss of the head became NaN or infinite (epoch {epoch + 1} of {epochs}); "
                f"try a smaller learning rate."
            )
        if epoch == 0 or history["val_loss"][-1] < history["val_loss"][best_epoch]:
            best_epoch, best = epoch, model.get_weights()
    model.set_weights(best)
    return history, best_epoch + 1


def _require_vectors(features: Features) -> None:
    """Raise InvalidInput unless the training and validation splits have finite features."""
    for split in ("train", "validation"):
        if not len(features.labels[split]):
            raise InvalidInput(
                f"The {split} split holds no images, but a head is trained on the training split "
                f"and its best epoch is chosen on the validation split; load the data with both."
            )
        if not np.isfinite(features.vectors[split]).all():
            raise InvalidInput(
                f"Some features of the {split} split are NaN or infinite; look for broken images "
                f"with quality.report, and extract the features again with cache=False."
            )
