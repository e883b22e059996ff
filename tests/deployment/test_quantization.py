"""Quantization: by hand, and as LiteRT does it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from keras import layers

from course_utils import deployment
from course_utils.exceptions import InvalidInput

interpreter = pytest.importorskip("ai_edge_litert.interpreter")


def test_by_hand():
    found = deployment.quantize([-1.0, 0.0, 0.32, 2.0], bits=4)
    assert found.scale == pytest.approx(0.2)
    assert found.zero_point == -3
    assert found.values.tolist() == [-8, -3, -1, 7]
    np.testing.assert_allclose(found.restored, [-1.0, 0.0, 0.4, 2.0])
    np.testing.assert_allclose(found.error, [0, 0, 0.08, 0], atol=1e-12)


def test_by_hand_with_0_in_the_middle():
    found = deployment.quantize([[-0.5, 10.0], [0.25, -5.0]], symmetric=True, axis=-1)
    np.testing.assert_allclose(found.scale, [0.5 / 127, 10 / 127])
    assert found.values.tolist() == [[-127, 127], [64, -64]]  # halves away from 0
    assert found.zero_point == 0


@given(
    st.lists(st.floats(-1e6, 1e6, allow_subnormal=False), min_size=1, max_size=30),
    st.integers(2, 16),
    st.booleans(),
)
def test_no_number_moves_more_than_half_a_step(numbers, bits, symmetric):
    found = deployment.quantize(numbers, bits, symmetric=symmetric)
    assert np.abs(found.error).max() <= found.scale * (0.5 + 1e-6) * (1 if symmetric else 2)
    assert found.values.min() >= -(2 ** (bits - 1)) + symmetric
    assert found.values.max() < 2 ** (bits - 1)
    np.testing.assert_allclose(
        found.restored, found.scale * (found.values - found.zero_point * 1.0)
    )
    zero = deployment.quantize([*numbers, 0.0], bits, symmetric=symmetric)
    assert zero.restored[-1] == 0  # 0 is always kept


def tensors_of(model, pictures, shape):
    """Return the int8 tensors of an int8 file that have a shape, with their parameters."""
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([one[None]] for one in pictures)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    file = interpreter.Interpreter(
        model_content=converter.convert(),
        experimental_op_resolver_type=interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    file.allocate_tensors()
    return [
        (file.get_tensor(found["index"]), found["quantization_parameters"])
        for found in file.get_tensor_details()
        if found["dtype"] == np.int8 and tuple(found["shape"]) == shape
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_weights_are_those_of_litert(seed):
    rng = np.random.default_rng(seed)
    model = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(5, 3), layers.Flatten()])
    kernel = rng.normal(0, rng.uniform(0.1, 3, 5), (3, 3, 3, 5)).astype("float32")
    model.layers[0].set_weights([kernel, rng.normal(size=5).astype("float32")])
    pictures = rng.uniform(-1, 1, (20, 6, 6, 3)).astype("float32")
    ((theirs, parameters),) = tensors_of(model, pictures, (5, 3, 3, 3))
    ours = deployment.quantize(kernel, symmetric=True, axis=-1)
    np.testing.assert_allclose(ours.scale, parameters["scales"], rtol=1e-6)
    assert (parameters["zero_points"] == 0).all()
    np.testing.assert_array_equal(np.moveaxis(ours.values, -1, 0), theirs)


def test_activations_are_those_of_litert():
    rng = np.random.default_rng(2)
    model = keras.Sequential([keras.Input((6, 6, 3)), layers.Conv2D(5, 3), layers.Flatten()])
    pictures = rng.uniform(-0.7, 2.1, (20, 6, 6, 3)).astype("float32")
    found = tensors_of(model, pictures, (1, 6, 6, 3))
    ours = deployment.quantize(pictures)
    for _, parameters in found:
        assert parameters["scales"][0] == pytest.approx(ours.scale, rel=1e-5)
        assert parameters["zero_points"][0] == ours.zero_point
    assert found


@pytest.mark.parametrize(
    ("values", "options", "sentence"),
    [
        ([], {}, "needs finite numbers"),
        ([1.0, np.nan], {}, "needs finite numbers"),
        (["a"], {}, "needs finite numbers"),
        ([1.0], {"bits": 1}, "bits is 1"),
        ([1.0], {"bits": 8.0}, "bits is 8.0"),
        ([1.0], {"axis": 0}, "needs symmetric=True"),
        ([1.0], {"axis": 1, "symmetric": True}, "the values have 1 axes"),
    ],
)
def test_what_cannot_be_quantized_gets_a_sentence(values, options, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        deployment.quantize(values, **options)


def test_zeros_and_single_numbers():
    assert deployment.quantize(np.zeros(3)).restored.tolist() == [0, 0, 0]
    assert deployment.quantize(0.3).restored == pytest.approx(0.3)
    dead = deployment.quantize([[0.0, 1.0], [0.0, -2.0]], symmetric=True, axis=-1)
    np.testing.assert_allclose(dead.scale, [1.0, 2 / 127])
