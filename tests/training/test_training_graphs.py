"""What TensorFlow compiles for a training does not outlive the model."""

import gc

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.func_graph import FuncGraph

from course_utils import training, transfer


def _graphs():
    gc.collect()
    return {id(thing) for thing in gc.get_objects() if isinstance(thing, FuncGraph)}


def _plain_keras():
    training.free_training_graphs()
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("adam", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 3)), batch_size=4, verbose=0)


def _fit():
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    images, labels = np.zeros((8, 6, 6, 1), np.float32), np.arange(8) % 2
    batches = tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)
    training.fit(model, (batches, batches), 1, verbose=0)


def _head():
    vectors = np.random.default_rng(0).random((2, 12, 5), dtype=np.float32)
    splits = dict(zip(("train", "validation"), vectors, strict=True))
    labels = dict.fromkeys(splits, np.arange(12) % 3)
    ids = dict.fromkeys(splits, tuple(map(str, range(12))))
    backbone = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D()])
    transfer.fit_head(transfer.Features(backbone, ("a", "b", "c"), splits, labels, ids), epochs=2)


@pytest.mark.parametrize(
    "train",
    [
        _fit,
        pytest.param(_plain_keras, marks=pytest.mark.slow),
        pytest.param(_head, marks=pytest.mark.slow),
    ],
)
def test_no_graph_of_a_training_stays(train):
    train()  # whatever is made once
    before = _graphs()
    for _ in range(3):
        train()
    keras.backend.clear_session()
    assert not _graphs() - before


def test_leaving_the_sum_out_changes_no_weight(monkeypatch):
    from keras.src.backend.tensorflow.optimizer import TFOptimizer

    from course_utils.training import graphs

    def weights():
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
        model.compile(keras.optimizers.Adam(0.1), "mse")
        data = np.random.default_rng(0).random((16, 4))
        model.fit(data, data.sum(axis=1), batch_size=4, epochs=3, verbose=0)
        return model.get_weights()

    training.free_training_graphs()
    training.free_training_graphs()  # a second call must not replace the replacement
    ours = weights()
    monkeypatch.setattr(TFOptimizer, "_all_reduce_sum_gradients", graphs._ORIGINAL[0])
    for a, b in zip(ours, weights(), strict=True):
        np.testing.assert_array_equal(a, b)
