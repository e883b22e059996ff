"""The networks: shapes, parameters, what they refuse, and that they are what lesson 03 writes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from course_utils import models
from course_utils.convolution import output_size, parameter_count
from course_utils.exceptions import InvalidInput

BUILDERS = [
    models.dense_baseline,
    models.small_cnn,
    models.regularized_cnn,
    models.deep_cnn,
]


def same_weights(one: keras.Model, other: keras.Model) -> None:
    """Give both models the same weights and hold their outputs against each other."""
    assert [w.shape for w in one.weights] == [w.shape for w in other.weights]
    rng = np.random.default_rng(0)
    weights = [rng.normal(0, 0.1, w.shape) ** 2 for w in one.weights]  # variances are positive
    one.set_weights(weights)
    other.set_weights(weights)
    images = rng.integers(0, 256, (3, *one.input_shape[1:])).astype("float32")
    np.testing.assert_allclose(one(images), other(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize("shape", [(48, 48, 3), (40, 56, 1)])
def test_takes_pixels_and_gives_one_logit_per_class(build, shape):
    model = build(shape, 4)
    images = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype("float32")
    logits = model(images)
    assert logits.shape == (2, 4)
    assert model.input_shape == (None, *shape)
    assert model.layers[-1].activation is keras.activations.linear
    assert sum(isinstance(layer, layers.Rescaling) for layer in model.layers) == 1


@pytest.mark.parametrize("build", BUILDERS)
def test_rescales_the_pixels_itself(build):
    model = build((48, 48, 3), 3)
    rescaling = next(layer for layer in model.layers if isinstance(layer, layers.Rescaling))
    pixels = np.full((1, 48, 48, 3), 255.0, "float32")
    np.testing.assert_allclose(rescaling(pixels), 1.0, rtol=1e-6)


def test_small_cnn_is_the_network_written_out_in_full():
    written_out = keras.Sequential(
        [
            keras.Input((48, 48, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(5),
        ]
    )
    same_weights(models.small_cnn((48, 48, 3), 5), written_out)


def test_deep_cnn_is_the_network_written_out_in_full():
    inputs = keras.Input((48, 48, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(8, 5, strides=2, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.Conv2D(16, 3, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    x = layers.ReLU()(x)
    x = layers.MaxPooling2D()(x)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(0.2)(x)
    written_out = keras.Model(inputs, layers.Dense(5)(x))
    same_weights(models.deep_cnn((48, 48, 3), 5, filters=(8, 16)), written_out)


def test_parameters_of_small_cnn_follow_from_the_formulas_of_lesson_01():
    size, total, channels = 96, 0, 3
    for filters in (16, 32, 64):
        total += parameter_count(filters, 3, channels)
        size, channels = output_size(size, 3) // 2, filters
    total += (size * size * channels + 1) * 128 + (128 + 1) * 5
    assert models.small_cnn((96, 96, 3), 5).count_params() == total


def test_regularized_cnn_adds_its_penalty_to_the_loss_and_drops_only_while_training():
    model = models.regularized_cnn((32, 32, 3), 3, dropout=0.5, l2=0.01)
    expected = sum(
        0.01 * float(np.sum(np.square(layer.kernel.numpy())))
        for layer in model.layers
        if hasattr(layer, "kernel") and layer.name != "logits"
    )
    assert float(sum(model.losses)) == pytest.approx(expected, rel=1e-5)
    images = np.full((1, 32, 32, 3), 100.0, "float32")
    np.testing.assert_array_equal(model(images), model(images))
    runs = {float(model(images, training=True)[0, 0]) for _ in range(5)}
    assert len(runs) > 1


def test_deep_cnn_has_the_same_weights_for_every_image_size():
    assert (
        models.deep_cnn((48, 48, 3), 5).count_params()
        == models.deep_cnn((128, 96, 3), 5).count_params()
    )


@pytest.mark.parametrize("build", BUILDERS)
def test_logits_stay_float32_in_mixed_precision(build):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = build((48, 48, 3), 3)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.layers[-1].compute_dtype == "float32"
    assert model(np.full((1, 48, 48, 3), 255.0, "float32")).dtype == "float32"
    assert any(layer.compute_dtype == "float16" for layer in model.layers)


@pytest.mark.parametrize(
    ("build", "arguments", "words"),
    [
        (models.small_cnn, {"input_shape": (20, 96, 3)}, "20×96 pixels are too small"),
        (models.deep_cnn, {"input_shape": (12, 12, 3)}, "at least 16×16"),
        (models.small_cnn, {"input_shape": (96, 96)}, "input_shape is"),
        (models.small_cnn, {"input_shape": 96}, "input_shape is"),
        (models.small_cnn, {"input_shape": (96, 96.0, 3)}, "input_shape is"),
        (models.dense_baseline, {"num_classes": 1}, "num_classes is 1"),
        (models.dense_baseline, {"num_classes": "five"}, "num_classes is 'five'"),
        (models.dense_baseline, {"units": 0}, "units is 0"),
        (models.small_cnn, {"filters": ()}, "filters is"),
        (models.small_cnn, {"filters": (16, 0)}, "an entry of filters is 0"),
        (models.small_cnn, {"kernel_size": -1}, "kernel_size is -1"),
        (models.regularized_cnn, {"dropout": 1.0}, "dropout is 1.0, .* at least 0 and below 1"),
        (models.regularized_cnn, {"l2": -1e-3}, "l2 is"),
        (models.deep_cnn, {"dropout": 20}, "dropout is 20"),
    ],
)
def test_refuses_what_cannot_be_built_in_one_sentence(build, arguments, words):
    arguments = {"input_shape": (96, 96, 3), "num_classes": 5, **arguments}
    with pytest.raises(InvalidInput, match=words) as caught:
        build(**arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", range(16, 40))
def test_the_smallest_images_are_found(size):
    """Whatever is not refused can be built, and what is refused would have failed in Keras."""
    try:
        model = models.small_cnn((size, size, 3), 2)
    except InvalidInput:
        side = size
        for _ in range(3):
            side = (side - 2) // 2
        assert side < 1
    else:
        assert model.count_params() > 0


def test_layer_table_explains_every_number():
    table = models.layer_table(models.small_cnn((96, 96, 3), 5))
    first = table[table.kind == "Conv2D"].iloc[0]
    assert first["how the number comes about"] == "3×3×3×16 + 16 = 448"
    assert first["output shape"] == "94 × 94 × 16"
    assert table["parameters"].sum() == models.small_cnn((96, 96, 3), 5).count_params()


@pytest.mark.parametrize("build", BUILDERS)
def test_the_explanations_of_layer_table_are_true(build):
    table = models.layer_table(build((48, 48, 3), 5))
    for row in table.itertuples():
        explanation = row[-1]
        if not row.parameters:
            assert explanation.startswith("nothing to learn")
            continue
        formula, total = explanation.split(":")[-1].removesuffix(", no bias").split(" = ")
        assert int(total.replace(",", "")) == row.parameters
        assert eval(formula.replace("×", "*")) == row.parameters
    assert table["parameters"].sum() == build((48, 48, 3), 5).count_params()


def test_layer_table_knows_nested_models_and_other_layers():
    inner = models.deep_cnn((32, 32, 3), 4, filters=(4, 8))
    outer = keras.Sequential(
        [keras.Input((32, 32, 3)), layers.DepthwiseConv2D(3, padding="same"), inner]
    )
    table = models.layer_table(outer)
    assert table["parameters"].sum() == outer.count_params()
    assert "layers inside" in table.iloc[-1, -1]
    assert table.iloc[0, -1].endswith(f"= {outer.layers[0].count_params():,}")


def test_layer_table_needs_a_built_model():
    with pytest.raises(InvalidInput, match=r"begin it with keras\.Input"):
        models.layer_table(keras.Sequential([layers.Dense(3)]))
    with pytest.raises(InvalidInput, match="was given str"):
        models.layer_table("small_cnn")
