"""Explanations are computed in inference mode, and judge pixels as prediction does."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from course_utils import evaluation, explain, models, training
from course_utils.exceptions import InvalidInput

RANDOM = {
    "flip": lambda: layers.RandomFlip(),
    "rotation": lambda: layers.RandomRotation(0.3),
    "zoom": lambda: layers.RandomZoom(0.4),
    "translation": lambda: layers.RandomTranslation(0.3, 0.3),
    "brightness": lambda: layers.RandomBrightness(0.5),
    "contrast": lambda: layers.RandomContrast(0.9),
    "shear": lambda: layers.RandomShear(0.3, 0.3),
    "erasing": lambda: layers.RandomErasing(),
    "hue": lambda: layers.RandomHue(0.5),
    "grayscale": lambda: layers.RandomGrayscale(0.5),
    "invert": lambda: layers.RandomInvert(0.5),
    "rand augment": lambda: layers.RandAugment(),
    "pipeline": lambda: layers.Pipeline([layers.RandomFlip(), layers.RandomContrast(0.9)]),
    "noise": lambda: layers.GaussianNoise(1.0),
    "dropout": lambda: layers.Dropout(0.5),
    "spatial dropout": lambda: layers.SpatialDropout2D(0.5),
    "alpha dropout": lambda: layers.AlphaDropout(0.5),
}


class Hidden(layers.Layer):
    """A layer of one's own, with a random layer inside and no argument `training`."""

    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, x):
        return self.inner(x)


def _end(x):
    x = layers.Rescaling(1 / 255)(x)
    x = layers.Conv2D(4, 3, activation="relu")(x)
    return layers.Dense(3)(layers.GlobalAveragePooling2D()(x))


def sequential(random):
    steps = [keras.Input((24, 24, 3)), random, layers.Rescaling(1 / 255)]
    steps += [layers.Conv2D(4, 3, activation="relu"), layers.MaxPooling2D()]
    return keras.Sequential([*steps, layers.Flatten(), layers.Dense(3)])


def nested(random):
    inner = keras.Sequential([keras.Input((24, 24, 3)), random])
    images = keras.Input((24, 24, 3))
    return keras.Model(images, _end(inner(images)))


def nested_with_training(random):
    images = keras.Input((24, 24, 3))
    return keras.Model(images, _end(random(images, training=True)))


def hidden(random):
    images = keras.Input((24, 24, 3))
    return keras.Model(images, _end(Hidden(random)(images)))


METHODS = {
    "grad_cam": lambda model, x: explain.grad_cam(model, x, 1),
    "guided": lambda model, x: explain.grad_cam(model, x, 1, guided=True),
    "saliency": lambda model, x: explain.saliency(model, x, 1),
    "integrated gradients": lambda model, x: explain.integrated_gradients(model, x, 1, 4).maps,
    "activations": lambda model, x: next(iter(explain.activations(model, x).values())),
}


def images(number=1):
    return np.random.default_rng(3).uniform(0, 255, (number, 24, 24, 3)).astype("float32")


def check(build, kind, methods):
    keras.utils.set_random_seed(0)
    model = build(RANDOM[kind]())
    without = build(layers.Dropout(0.0))
    without.set_weights(model.get_weights())
    for name in methods:
        method = METHODS[name]
        first = method(model, images())
        np.testing.assert_array_equal(first, method(model, images()), err_msg=name)
        np.testing.assert_allclose(first, method(without, images()), atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", RANDOM)
def test_random_layers_do_nothing_in_an_explanation(kind):
    check(sequential, kind, ["saliency"])


@pytest.mark.parametrize("build", [sequential, nested, nested_with_training, hidden])
@pytest.mark.parametrize("kind", ["flip", "contrast", "dropout"])
def test_random_layers_do_nothing_however_they_are_nested(build, kind):
    check(build, kind, METHODS)


def test_an_explanation_leaves_the_state_of_the_model_alone():
    x = keras.Input((24, 24, 3))
    normalized = layers.BatchNormalization(name="bn")(x, training=True)
    model = keras.Model(x, _end(layers.RandomFlip()(normalized)))
    before = [v.numpy() for v in model.variables]
    for method in METHODS.values():
        method(model, images())
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(variable, value)


# --- pixels ------------------------------------------------------------------------------------


def efficient_net(first=None):
    base = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=(32, 32, 3), pooling="avg"
    )
    steps = [keras.Input((32, 32, 3)), *([first] if first else []), base, layers.Dense(3)]
    return keras.Sequential(steps)


def by_operations():
    x = keras.Input((24, 24, 3))
    scaled = (x - 127.5) / 127.5
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D()(
        layers.Conv2D(4, 3)(scaled))))  # fmt: skip


def normalized():
    layer = layers.Normalization(mean=[120.0] * 3, variance=[3600.0] * 3)
    return keras.Sequential(
        [keras.Input((24, 24, 3)), layer, layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)]
    )


RESCALING = {
    "small_cnn": lambda: models.small_cnn((32, 32, 3), 3),
    "deep_cnn": lambda: models.deep_cnn((32, 32, 3), 3),
    "EfficientNet": efficient_net,
    "random layers first": lambda: sequential(layers.RandomFlip()),
    "nested": lambda: nested(layers.RandomContrast(0.5)),
    "operations": by_operations,
    "normalization": normalized,
}


@pytest.mark.parametrize("kind", RESCALING)
def test_pixels_in_0_to_1_are_refused_everywhere_where_the_model_rescales(kind):
    model = RESCALING[kind]()
    size = model.input_shape[1]
    pixels = np.random.default_rng(0).uniform(0, 1, (4, size, size, 3)).astype("float32")
    labels = np.array([0, 1, 2, 0])
    calls = (
        lambda: evaluation.predict(model, (pixels, labels), class_names=list("abc")),
        lambda: explain.grad_cam(model, pixels),
        lambda: explain.saliency(model, pixels),
        lambda: explain.integrated_gradients(model, pixels),
        lambda: explain.occlusion(model, pixels),
        lambda: explain.activations(model, pixels[0]),
    )
    for call in calls:
        with pytest.raises(InvalidInput, match="0-255"):
            call()
    evaluation.predict(model, (pixels * 255, labels), class_names=list("abc"))
    if kind != "EfficientNet":  # which takes long
        explain.saliency(model, pixels * 255)


def test_pixels_in_0_to_1_are_taken_where_the_model_does_not_rescale():
    model = keras.Sequential(
        [keras.Input((24, 24, 3)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)]
    )
    assert models.rescaled_range(model) == (0, 255)
    explain.saliency(model, images() / 255)


def test_the_range_that_reaches_the_first_weights():
    assert models.rescaled_range(models.small_cnn((32, 32, 3), 3)) == pytest.approx((0, 1))
    assert models.rescaled_range(by_operations()) == pytest.approx((-1, 1))
    assert models.rescaled_range(normalized()) == pytest.approx((-2, 2.25))
    low, high = models.rescaled_range(efficient_net())
    assert 0.5 < high - low < 10


@pytest.mark.parametrize(
    "build",
    [
        lambda: efficient_net(layers.Rescaling(1 / 255)),
        lambda: keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255),
                                  models.small_cnn((32, 32, 3), 3)]),
        lambda: keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 127.5, -1),
                                  layers.RandomFlip(), layers.Rescaling(1 / 255),
                                  layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(3)]),
    ],
)  # fmt: skip
def test_a_model_that_rescales_twice_is_noticed(build):
    model = build()
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    with pytest.warns(UserWarning, match="rescale pixels twice"):
        evaluation.predict(model, (pixels, np.zeros(4, int)), class_names=list("abc"))
    with pytest.warns(UserWarning, match="rescale pixels twice"):
        explain.saliency(model, pixels)


def test_training_notices_it_too_and_ends_with_models_nested_at_the_end():
    import tensorflow as tf

    inner = models.small_cnn((32, 32, 3), 3)
    model = keras.Sequential([keras.Input((32, 32, 3)), layers.Rescaling(1 / 255), inner])
    pixels = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
    data = tf.data.Dataset.from_tensor_slices((pixels, np.array([0, 1, 2, 0]))).batch(2)
    with pytest.warns(UserWarning, match="rescale pixels twice"):
        training.fit(model, (data, None), 1, verbose=0)
    assert models.last_activation(model) == "linear"


def test_the_last_activation_is_found_in_every_form():
    x = keras.Input((8, 8, 3))
    flat = layers.Flatten()(x)
    inner = keras.Sequential([keras.Input((192,)), layers.Dense(3, activation="softmax")])
    assert models.last_activation(keras.Model(x, inner(flat))) == "softmax"
    assert models.last_activation(keras.Model(x, layers.Softmax()(flat))) == "softmax"
    assert models.last_activation(keras.Model(x, layers.Activation("sigmoid")(flat))) == "sigmoid"
    assert models.last_activation(keras.Model(x, flat)) is None
    assert models.last_activation(keras.Sequential([layers.Dense(3)])) == "linear"
