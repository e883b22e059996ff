"""Labels in every form that Keras takes, with class weights, against Keras's own computation."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from course_utils import evaluation, training

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (24, 8, 8, 3)).astype("float32")
THREE = np.array([0, 1, 2, 0, 0, 0] * 4)
TWO = np.array([0, 1, 0, 0, 0, 1] * 4)
WEIGHTS = {0: 0.5, 1: 2.0, 2: 3.0}
SLOW = pytest.mark.slow  # all of them together

SPARSE = keras.losses.SparseCategoricalCrossentropy
CATEGORICAL = keras.losses.CategoricalCrossentropy
BINARY = keras.losses.BinaryCrossentropy

#: Labels, number of outputs, activation, loss (None: fit compiles).
FORMS = {
    "indices": (THREE, 3, None, SPARSE(from_logits=True)),
    "indices, compiled by fit": (THREE, 3, None, None),
    "indices as a column": (THREE[:, None], 3, None, SPARSE(from_logits=True)),
    "indices as a column, compiled by fit": (THREE[:, None], 3, None, None),
    "uint8": (THREE.astype("uint8"), 3, None, None),
    "one-hot float": (np.eye(3, dtype="float32")[THREE], 3, None, CATEGORICAL(from_logits=True)),
    "one-hot float, compiled by fit": (np.eye(3, dtype="float32")[THREE], 3, None, None),
    "one-hot int": (np.eye(3, dtype="int64")[THREE], 3, "softmax", "categorical_crossentropy"),
    "one-hot bool": (np.eye(3, dtype=bool)[THREE], 3, None, None),
    "binary": (TWO, 1, "sigmoid", "binary_crossentropy"),
    "binary float": (TWO.astype("float32"), 1, "sigmoid", BINARY()),
    "binary logit": (TWO, 1, None, BINARY(from_logits=True)),
    "binary column": (TWO[:, None], 1, "sigmoid", BINARY()),
    "binary column float": (TWO[:, None].astype("float32"), 1, None, BINARY(from_logits=True)),
    "binary bool": (TWO.astype(bool), 1, "sigmoid", "binary_crossentropy"),
    "binary, compiled by fit": (TWO, 1, None, None),
    "binary sigmoid, compiled by fit": (TWO, 1, "sigmoid", None),
    "two outputs": (TWO, 2, None, SPARSE(from_logits=True)),
}


def network(outputs, activation):
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(outputs, activation=activation),
        ]
    )


def indices(labels):
    return labels.argmax(axis=1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.ravel()


def weighted_loss(model, labels, weights):
    """The weighted cross-entropy over the whole batch, from the probabilities alone."""
    outputs = np.asarray(model(IMAGES, training=False), dtype="float64")
    if outputs.shape[1] == 1:
        if model.layers[-1].activation is not keras.activations.sigmoid:
            outputs = 1 / (1 + np.exp(-outputs))
        outputs = np.concatenate([1 - outputs, outputs], axis=1)
    elif model.layers[-1].activation is not keras.activations.softmax:
        outputs = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    own = indices(labels).astype(int)
    each = -np.log(outputs[np.arange(len(own)), own])
    return float(np.mean(each * np.array([weights[k] for k in own])))


def _forms_and_weights():
    """Each form with weights of its own; with none and balanced ones, `make test` tries four."""
    for form in FORMS:
        yield pytest.param(form, WEIGHTS, id=f"{form}-own")
        marks = [] if form in ("indices", "one-hot float", "binary", "two outputs") else [SLOW]
        for weights in (None, "balanced"):
            yield pytest.param(form, weights, id=f"{form}-{weights}", marks=marks)


@pytest.mark.parametrize(("form", "weights"), _forms_and_weights())
def test_the_first_loss_is_the_weighted_cross_entropy(form, weights):
    labels, outputs, activation, loss = FORMS[form]
    model = network(outputs, activation)
    if loss is not None:
        model.compile(optimizer=keras.optimizers.SGD(1e-6), loss=loss, metrics=["accuracy"])
    classes = max(outputs, 2)
    given = {k: WEIGHTS[k] for k in range(classes)} if isinstance(weights, dict) else weights
    counts = np.bincount(indices(labels).astype(int))
    if weights is None:
        used = dict.fromkeys(range(classes), 1.0)
    elif weights == "balanced":
        used = {k: len(labels) / (classes * n) for k, n in enumerate(counts)}
    else:
        used = given
    want = weighted_loss(model, labels, used)
    batches = tf.data.Dataset.from_tensor_slices((IMAGES, labels)).batch(len(IMAGES))
    history = training.fit(model, (batches, batches), 1, class_weight=given, verbose=0)
    assert history.history["loss"][0] == pytest.approx(want, rel=1e-3)
    assert "val_accuracy" in history.history


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_one_output_compiled_by_fit_learns_and_is_judged(activation):
    pixels = np.where(TWO[:, None, None, None], 220, 30) + RNG.normal(0, 10, IMAGES.shape)
    model = network(1, activation)
    batches = tf.data.Dataset.from_tensor_slices((pixels.astype("float32"), TWO)).batch(8)
    history = training.fit(model, (batches, batches), 30, learning_rate=0.02, verbose=0)
    found = evaluation.predict(model, (pixels.astype("float32"), TWO), class_names=["a", "b"])
    assert found.accuracy == 1.0
    assert history.history["val_accuracy"][-1] == pytest.approx(found.accuracy)


@pytest.mark.parametrize("form", ["one-hot float", "one-hot int", "one-hot bool", "uint8"])
def test_predictions_take_the_same_labels(form):
    labels = FORMS[form][0]
    found = evaluation.predict(network(3, None), (IMAGES, labels), class_names=list("abc"))
    np.testing.assert_array_equal(found.labels, THREE)
