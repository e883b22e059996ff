"""Several small networks one after another, and TensorFlow does not warn of compiling a loop."""

import logging

import keras
import numpy as np
import pytest
import tensorflow as tf

from course_utils import evaluation, explain, models, training, transfer
from course_utils.deployment.runtimes import compiled_call
from course_utils.student_work import models as judged

IMAGES = np.random.default_rng(0).uniform(0, 255, (6, 24, 24, 3)).astype(np.float32)
LABELS = np.arange(6) % 2
BATCHES = [(IMAGES, LABELS)]


def _network():
    return models.small_cnn((24, 24, 3), 2)


def _fit():
    batches = tf.data.Dataset.from_tensor_slices((IMAGES, LABELS)).batch(6)
    training.fit(_network(), (batches, batches), 1, verbose=0)


def _predict():
    evaluation.predict(_network(), BATCHES, class_names=["a", "b"])


def _heat_map():
    explain.compiled_grad_cam(_network())(IMAGES, LABELS)


def _served():
    compiled_call(_network())(IMAGES[:1])


def _judged():
    network = _network()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile("adam", loss, metrics=["accuracy"])
    judged.train(network, IMAGES, LABELS, 2)


def _head():
    vectors = dict.fromkeys(("train", "validation", "test"), IMAGES[:, 0, :, 0])
    labels, ids = dict.fromkeys(vectors, LABELS), dict.fromkeys(vectors, tuple("abcdef"))
    features = transfer.Features("drawn", ("a", "b"), vectors, labels, ids)
    transfer.fit_head(features, epochs=2).accuracy(features)


SLOW = [
    pytest.param(once, marks=pytest.mark.slow)
    for once in (_fit, _predict, _heat_map, _served, _head)
]


@pytest.mark.parametrize("once", [_judged, *SLOW])
def test_many_networks_are_no_reason_for_a_warning(once, monkeypatch):
    said = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: said.append(record.getMessage()))
    logger = logging.getLogger("tensorflow")
    logger.addHandler(handler)
    try:
        for _ in range(6):
            once()
    finally:
        logger.removeHandler(handler)
    assert not [sentence for sentence in said if "retracing" in sentence]


def test_a_block_inside_another_does_not_end_it():
    logger = logging.getLogger("tensorflow")
    record = logger.makeRecord("", 30, "", 0, "triggered tf.function retracing", (), None)
    with models.without_tracing_warning():
        with models.without_tracing_warning():
            pass
        assert not logger.filter(record)
    assert logger.filter(record)
