"""Grad-CAM and its peers: on every kind of model, against independent computations."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from course_utils import explain
from course_utils.exceptions import InvalidInput

SIZE = 32


def independent_grad_cam(model, image, class_index, layer):
    """Grad-CAM from the paper for one image, without tf-explain and without a view of the model.

    `layer` is a layer of `model` or of a model nested in it. Its output is caught while the model
    runs, and the logit is computed from the inputs of the last layer, so that nothing is shared
    with the code under test.
    """
    caught = {}
    original, head = layer.call, model.layers[-1]
    head_call = head.call

    def catch(*args, **kwargs):
        caught["map"] = original(*args, **kwargs)
        tape.watch(caught["map"])
        return caught["map"]

    def catch_logits(x, **kwargs):
        output = head_call(x, **kwargs)
        linear = not isinstance(head, layers.Dense)
        caught["logits"] = x if linear else x @ head.kernel + head.bias
        return output

    layer.call, head.call = catch, catch_logits
    try:
        with tf.GradientTape() as tape:
            model(image[np.newaxis], training=False)
            logits = caught["logits"]
            score = (
                logits[0, class_index]
                if logits.shape[-1] > 1
                else (logits[0, 0] * (1 if class_index else -1))
            )
        gradient = tape.gradient(score, caught["map"])
    finally:
        layer.call, head.call = original, head_call
    weights = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    heat = tf.nn.relu(tf.reduce_sum(weights * caught["map"], axis=-1, keepdims=True))
    return tf.image.resize(heat, image.shape[:2])[0, ..., 0].numpy()


def _body():
    return [
        layers.Rescaling(1 / 255),
        layers.Conv2D(4, 3, activation="relu", name="first"),
        layers.MaxPooling2D(),
        layers.Conv2D(6, 3, activation="relu", name="second"),
        layers.MaxPooling2D(),
        layers.Flatten(),
    ]


def sequential():
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), *_body(), layers.Dense(3)])
    return model, model.get_layer("second")


def sequential_without_input():
    model = keras.Sequential([*_body(), layers.Dense(3)])
    model(np.zeros((1, SIZE, SIZE, 3), "float32"))
    return model, model.get_layer("second")


def functional():
    x = inputs = keras.Input((SIZE, SIZE, 3))
    for layer in _body():
        x = layer(x)
    model = keras.Model(inputs, layers.Dense(3)(x))
    return model, model.get_layer("second")


def softmax_head():
    model = keras.Sequential(
        [keras.Input((SIZE, SIZE, 3)), *_body(), layers.Dense(3, activation="softmax")]
    )
    return model, model.get_layer("second")


def softmax_layer():
    model = keras.Sequential(
        [keras.Input((SIZE, SIZE, 3)), *_body(), layers.Dense(3), layers.Softmax()]
    )
    return model, model.get_layer("second")


def softmax_activation_layer():
    model = keras.Sequential(
        [keras.Input((SIZE, SIZE, 3)), *_body(), layers.Dense(3), layers.Activation("softmax")]
    )
    return model, model.get_layer("second")


def sigmoid_head():
    model = keras.Sequential(
        [keras.Input((SIZE, SIZE, 3)), *_body(), layers.Dense(1, activation="sigmoid")]
    )
    return model, model.get_layer("second")


def grayscale():
    model = keras.Sequential([keras.Input((SIZE, SIZE, 1)), *_body(), layers.Dense(3)])
    return model, model.get_layer("second")


def skip_connections():
    inputs = keras.Input((SIZE, SIZE, 3))
    x = layers.Conv2D(4, 3, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    y = layers.Conv2D(4, 3, padding="same", activation="relu")(x)
    x = layers.Add()([x, y]) + 0.5  # an operation that is no layer
    x = layers.ReLU(name="joined")(x)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(3)(x))
    return model, model.get_layer("joined")


def _nested(application, default, head="softmax", twice=False, **arguments):
    shape = (2 * SIZE, 2 * SIZE, 3)  # smaller ones end in 1 x 1
    backbone = application(weights=None, include_top=False, input_shape=shape, **arguments)
    inputs = keras.Input(shape)
    x = layers.GlobalAveragePooling2D()(backbone(inputs, training=False))
    if twice:
        inner = keras.Model(inputs, x, name="inner")
        model = keras.Sequential([keras.Input(shape), inner, layers.Dropout(0.5), layers.Dense(3)])
    else:
        model = keras.Model(inputs, layers.Dense(3, activation=head)(layers.Dropout(0.2)(x)))
    return model, backbone.get_layer(default)


def mobilenet_v2():
    return _nested(keras.applications.MobileNetV2, "out_relu", alpha=0.35)


def efficientnet_b0_twice_nested():
    return _nested(keras.applications.EfficientNetB0, "top_activation", twice=True)


def resnet50():
    return _nested(keras.applications.ResNet50, "conv5_block3_out", head=None)


LIGHT = [
    sequential,
    sequential_without_input,
    functional,
    softmax_head,
    softmax_layer,
    softmax_activation_layer,
    sigmoid_head,
    grayscale,
    skip_connections,
]
HEAVY = [mobilenet_v2, efficientnet_b0_twice_nested, resnet50]


@pytest.mark.parametrize(
    "build",
    LIGHT + [pytest.param(build, marks=pytest.mark.slow) for build in HEAVY],
    ids=lambda build: build.__name__,
)
def test_grad_cam_equals_the_paper_and_leaves_the_model_alone(build, tmp_path):
    keras.utils.set_random_seed(3)
    model, layer = build()
    shape = model.input_shape[1:]
    images = np.random.default_rng(0).integers(0, 256, (2, *shape)).astype("uint8")
    pixels = images.astype("float32")
    config, weights = model.to_json(), [w.copy() for w in model.get_weights()]
    outputs = model(pixels, training=False).numpy()
    nodes = [len(one._inbound_nodes) for one in model._flatten_layers()]
    classes = [1, 0] if outputs.shape[1] == 1 else [2, 0]

    maps = explain.grad_cam(model, images, classes)  # the default layer is the expected one

    assert maps.shape == (2, *shape[:2])
    assert maps.dtype == np.float32
    assert maps.min() >= 0
    assert maps.max() > 0
    for image, index, heat in zip(pixels, classes, maps, strict=True):
        expected = independent_grad_cam(model, image, index, layer)
        scale = max(expected.max(), 1e-3)
        np.testing.assert_allclose(heat / scale, expected / scale, atol=1e-5)

    assert model.to_json() == config
    assert [len(one._inbound_nodes) for one in model._flatten_layers()] == nodes
    np.testing.assert_array_equal(model(pixels, training=False), outputs)
    for now, then in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, then)
    if build in LIGHT or build is mobilenet_v2:  # the large ones would take too long
        model.save(tmp_path / "model.keras")
        loaded = keras.models.load_model(tmp_path / "model.keras")
        np.testing.assert_allclose(loaded(pixels), outputs, atol=1e-6)
        again = explain.grad_cam(loaded, images, classes)
        np.testing.assert_allclose(again, maps, rtol=1e-4, atol=1e-5 * maps.max())


@pytest.mark.parametrize(
    "build",
    LIGHT + [pytest.param(build, marks=pytest.mark.slow) for build in HEAVY],
    ids=lambda build: build.__name__,
)
@pytest.mark.parametrize("frozen", [False, True])
def test_the_compiled_grad_cam_gives_the_same_maps(build, frozen):
    model, _ = build()
    model.trainable = not frozen
    images = np.random.default_rng(4).integers(0, 256, (3, *model.input_shape[1:]))
    classes = [1, 0, 1] if model.output_shape[1] == 1 else [2, 0, 1]
    expected = explain.grad_cam(model, images, classes)
    maps_of = explain.compiled_grad_cam(model)
    for count in (3, 1):  # one compiled function for all sizes of a batch
        maps = maps_of(images[:count], classes[:count])
        assert maps.dtype == np.float32
        np.testing.assert_allclose(maps, expected[:count], rtol=1e-4, atol=1e-5 * expected.max())


def test_the_compiled_grad_cam_refuses_what_does_not_fit():
    maps_of = explain.compiled_grad_cam(sequential()[0])
    with pytest.raises(InvalidInput, match="There is no class 9"):
        maps_of(np.zeros((1, SIZE, SIZE, 3)), [9])
    with pytest.raises(InvalidInput, match="has no convolution layer"):
        explain.compiled_grad_cam(
            keras.Sequential([keras.Input((4, 4, 3)), layers.Flatten(), layers.Dense(2)])
        )


@pytest.mark.parametrize("build", LIGHT, ids=lambda build: build.__name__)
def test_all_methods_run_on_every_kind_of_model(build):
    model, _ = build()
    images = np.random.default_rng(1).uniform(0, 255, (2, *model.input_shape[1:]))
    for maps in (
        explain.grad_cam(model, images),
        explain.grad_cam(model, images, guided=True),
        explain.saliency(model, images),
        explain.integrated_gradients(model, images, steps=8).maps,
        explain.occlusion(model, images, classes=1, patch=8, stride=8),
    ):
        assert maps.shape == (2, SIZE, SIZE)
        assert maps.dtype == np.float32
        assert np.isfinite(maps).all()


def test_the_default_class_is_the_predicted_one():
    keras.utils.set_random_seed(0)
    for build in (sequential, softmax_head, sigmoid_head):
        model, _ = build()
        images = np.random.default_rng(5).uniform(0, 255, (6, SIZE, SIZE, 3)).astype("float32")
        scores = model(images).numpy()
        predicted = scores.argmax(1) if scores.shape[1] > 1 else (scores[:, 0] > 0.5).astype(int)
        for explain_it in (explain.grad_cam, explain.saliency):
            np.testing.assert_array_equal(
                explain_it(model, images), explain_it(model, images, predicted)
            )


def test_the_batch_size_does_not_matter():
    model, _ = sequential()
    images = np.random.default_rng(5).uniform(0, 255, (5, SIZE, SIZE, 3)).astype("float32")
    one = explain.grad_cam(model, images, [0, 1, 2, 1, 0], batch_size=2)
    np.testing.assert_allclose(one, explain.grad_cam(model, images, [0, 1, 2, 1, 0]), atol=1e-6)


def test_a_softmax_of_a_sure_model_does_not_blank_the_map():
    model, layer = softmax_head()
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 1000)  # sure of everything
    images = np.random.default_rng(2).uniform(0, 255, (4, SIZE, SIZE, 3)).astype("float32")
    assert model(images).numpy().max() > 0.9999
    maps = explain.grad_cam(model, images)
    image, index = images[0], int(model(images)[0].numpy().argmax())
    expected = independent_grad_cam(model, image, index, layer)
    np.testing.assert_allclose(maps[0], expected, rtol=1e-4, atol=1e-5 * expected.max())
    assert (maps.max(axis=(1, 2)) > 0).any()


def test_mixed_precision_models_can_be_explained():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = keras.Sequential(
            [keras.Input((SIZE, SIZE, 3)), *_body(), layers.Dense(3, dtype="float32")]
        )
    finally:
        keras.mixed_precision.set_global_policy("float32")
    images = np.random.default_rng(2).uniform(0, 255, (2, SIZE, SIZE, 3))
    for guided in (False, True):
        assert explain.grad_cam(model, images, guided=guided).dtype == np.float32


def test_guided_maps_are_those_of_tf_explain():
    from tf_explain.core.grad_cam import GradCAM

    keras.utils.set_random_seed(1)
    model, _ = functional()
    images = np.random.default_rng(2).uniform(0, 255, (2, SIZE, SIZE, 3)).astype("float32")
    outputs, gradients = GradCAM.get_gradients_and_filters(model, images, "second", 1, True)
    theirs = tf.stack(GradCAM.generate_ponderated_output(outputs, gradients))[..., None]
    expected = tf.image.resize(tf.nn.relu(theirs), (SIZE, SIZE))[..., 0]
    ours = explain.grad_cam(model, images, 1, layer="second", guided=True)
    np.testing.assert_allclose(ours, expected, atol=1e-6)


# Looking inside


def test_feature_maps_and_the_default_layer():
    table = explain.feature_maps(sequential()[0])
    assert list(table.columns) == ["layer", "kind", "height", "width", "channels"]
    assert table[["height", "width", "channels"]].to_numpy().tolist() == [
        [30, 30, 4],
        [15, 15, 4],
        [13, 13, 6],
        [6, 6, 6],
    ]
    assert explain.find_layer(sequential()[0]) == "second"
    assert explain.find_layer(skip_connections()[0]) == "joined"


def test_a_nested_layer_is_found_by_its_name_its_path_itself_or_its_model():
    inner = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(2, 3, name="conv"),
            layers.Conv2D(2, 6, name="last"),  # 1 x 1
        ],
        name="backbone",
    )
    model = keras.Sequential(
        [keras.Input((8, 8, 3)), inner, layers.Flatten(), layers.Dense(2)], name="whole"
    )
    for layer in (None, "conv", "backbone/conv", inner.layers[0]):
        assert explain.find_layer(model, layer) == "backbone/conv"
    for layer in ("last", "backbone"):  # a nested model stands for its output
        with pytest.raises(
            InvalidInput, match="'backbone/last' is 1 × 1.*earlier.*'backbone/conv'"
        ):
            explain.find_layer(model, layer)


def test_layers_used_twice_have_to_be_told_apart():
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    inputs = keras.Input((16, 16, 3))
    x = layers.GlobalAveragePooling2D()(shared(layers.ReLU()(shared(inputs))))
    model = keras.Model(inputs, layers.Dense(2)(x))
    assert explain.find_layer(model) == "shared:2"
    with pytest.raises(InvalidInput, match="found 2 times .* 'shared:1', 'shared:2'"):
        explain.find_layer(model, "shared")
    images = np.random.default_rng(0).uniform(0, 255, (1, 16, 16, 3))
    first, second = (explain.grad_cam(model, images, 0, layer=f"shared:{i}") for i in (1, 2))
    assert not np.allclose(first, second)


def test_one_name_in_two_nested_models_has_to_be_told_apart():
    def branch(name):
        x = keras.Input((16, 16, 3))
        return keras.Model(x, layers.Conv2D(3, 3, name="conv")(x), name=name)

    inputs = keras.Input((16, 16, 3))
    x = layers.Concatenate()([branch("left")(inputs), branch("right")(inputs)])
    model = keras.Model(inputs, layers.Dense(2)(layers.GlobalMaxPooling2D()(x)))
    with pytest.raises(InvalidInput, match="'left/conv', 'right/conv'"):
        explain.find_layer(model, "conv")
    assert explain.find_layer(model, "right") == "right/conv"


def test_first_layer_filters():
    model, _ = sequential()
    filters = explain.first_layer_filters(model)
    kernel = model.get_layer("first").get_weights()[0]
    assert filters.shape == (4, 3, 3, 3)
    np.testing.assert_array_equal(filters[2], kernel[..., 2])


def test_activations_are_the_outputs_of_the_layers():
    model, _ = sequential()
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype("uint8")
    pooling = model.layers[2]
    found = explain.activations(model, image, ["second", pooling])
    assert list(found) == ["second", pooling.name]
    x = image[np.newaxis].astype("float32")
    for layer in model.layers:
        x = layer(x)
        if layer.name == "second":
            np.testing.assert_allclose(found["second"], x[0], atol=1e-6)
            break
    assert list(explain.activations(model, image)) == ["first", "second"]


# The other methods


def linear_model():
    """Logits that are linear in the pixels: every attribution is known."""
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), layers.Flatten(), layers.Dense(2, use_bias=False)]
    )
    weights = np.random.default_rng(0).normal(size=(36, 2)).astype("float32")
    model.layers[-1].set_weights([weights])
    return model, weights.reshape(6, 6, 2)


def test_saliency_of_a_linear_model_is_its_weights():
    model, weights = linear_model()
    images = np.random.default_rng(1).uniform(0, 255, (2, 6, 6, 1))
    maps = explain.saliency(model, images, [0, 1])
    np.testing.assert_allclose(maps[0], np.abs(weights[..., 0]), rtol=1e-5)
    np.testing.assert_allclose(maps[1], np.abs(weights[..., 1]), rtol=1e-5)


def test_integrated_gradients_of_a_linear_model_are_weight_times_pixel():
    model, weights = linear_model()
    images = np.random.default_rng(1).uniform(0, 255, (2, 6, 6, 1)).astype("float32")
    maps, gap = explain.integrated_gradients(model, images, 1, steps=1, baseline=10.0)
    np.testing.assert_allclose(maps, weights[..., 1] * (images[..., 0] - 10), rtol=1e-4, atol=1e-3)
    assert gap.max() < 1e-4


def test_the_completeness_gap_shrinks_with_more_steps():
    keras.utils.set_random_seed(0)
    model, _ = sequential()
    images = np.random.default_rng(1).uniform(0, 255, (4, SIZE, SIZE, 3))
    gray = 127.5  # from black, a ReLU network without biases rises in a straight line
    coarse = explain.integrated_gradients(model, images, 0, steps=2, baseline=gray).gap
    maps, fine = explain.integrated_gradients(model, images, 0, steps=128, baseline=gray)
    assert fine.max() < 0.02
    assert fine.mean() < coarse.mean()
    rise = model(images.astype("float32"))[:, 0] - model(np.full((1, SIZE, SIZE, 3), gray))[0, 0]
    np.testing.assert_allclose(maps.sum(axis=(1, 2)), rise, rtol=0.03)


def test_occlusion_finds_the_only_pixel_that_counts():
    def model(images):  # any function will do
        return np.stack([images[:, 9, 4, 0], -images[:, 9, 4, 0]], axis=1)

    image = np.full((1, 12, 12, 3), 200.0)
    maps = explain.occlusion(model, image, classes=0, patch=3, stride=1, fill=0)
    peak = np.unravel_index(maps[0].argmax(), (12, 12))
    assert peak == (9, 4)
    assert maps[0].max() == pytest.approx(200)
    assert maps[0, :6].max() == 0
    assert explain.occlusion(model, image, classes=1, patch=3, stride=1, fill=0).max() <= 0


def test_occlusion_takes_subclassed_models():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(layers.Flatten()(x))

    model = Own()
    maps = explain.occlusion(model, np.random.default_rng(0).uniform(0, 255, (1, 8, 8, 3)))
    assert maps.shape == (1, 8, 8)
    with pytest.raises(InvalidInput, match="subclass.*functional API.*occlusion"):
        explain.grad_cam(model, np.zeros((1, 8, 8, 3)))


def test_edge_detector_is_the_sobel_operator():
    import cv2

    images = np.random.default_rng(0).uniform(0, 255, (1, 9, 11, 3)).astype("float32")
    gray = images[0].mean(-1)
    across = cv2.Sobel(gray, cv2.CV_32F, 1, 0, borderType=cv2.BORDER_REPLICATE) / 8
    down = cv2.Sobel(gray, cv2.CV_32F, 0, 1, borderType=cv2.BORDER_REPLICATE) / 8
    expected = np.sqrt(across**2 + down**2)
    np.testing.assert_allclose(explain.edge_detector(images)[0], expected, rtol=1e-4, atol=1e-4)


# Errors: one sentence that names the remedy


def _unbuilt():
    return keras.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)])


def _two_inputs():
    a, b = keras.Input((8, 8, 3)), keras.Input((8, 8, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3)(layers.Add()([a, b])))
    return keras.Model([a, b], layers.Dense(2)(x))


def _segmenter():
    return keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3)])


def _no_convolution():
    return keras.Sequential(
        [keras.Input((8, 8, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)]
    )


GOOD = np.full((2, SIZE, SIZE, 3), 100.0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m: explain.grad_cam(_unbuilt(), GOOD), "not built yet: put keras.Input"),
        (lambda m: explain.grad_cam("model.keras", GOOD), "must be a Keras model, but it is a str"),
        (lambda m: explain.grad_cam(_two_inputs(), GOOD), "has 2 inputs and 1 outputs"),
        (lambda m: explain.grad_cam(_segmenter(), GOOD), "a classifier of images turns"),
        (
            lambda m: explain.grad_cam(_no_convolution(), np.full((1, 8, 8, 3), 9.0)),
            "no convolution layer.*saliency",
        ),
        (
            lambda m: explain.grad_cam(m, GOOD, layer="secnd"),
            "no feature map called 'secnd'; .*'second'",
        ),
        (lambda m: explain.grad_cam(m, GOOD, layer="dense"), "no feature map called 'dense'"),
        (lambda m: explain.grad_cam(m, GOOD, layer=3), "no feature map called '?3'?"),
        (lambda m: explain.grad_cam(m, GOOD, -1), "There is no class -1: .* from 0 to 2"),
        (lambda m: explain.grad_cam(m, GOOD, [0, 3]), "There is no class 3"),
        (lambda m: explain.grad_cam(m, GOOD, [0, 1, 2]), "3 entries, but there are 2 images"),
        (lambda m: explain.grad_cam(m, GOOD, 1.0), "must be a class index"),
        (lambda m: explain.grad_cam(m, GOOD, "daisy"), "must be a class index"),
        (lambda m: explain.grad_cam(m, GOOD[0]), r"four dimensions.*images\[np.newaxis\]"),
        (lambda m: explain.grad_cam(m, GOOD[:0]), "empty batch"),
        (lambda m: explain.grad_cam(m, GOOD[:, :16]), "are 16 × 32 × 3, but .* takes 32 × 32 × 3"),
        (lambda m: explain.grad_cam(m, GOOD[..., :1]), "are 32 × 32 × 1, but"),
        (lambda m: explain.grad_cam(m, GOOD * np.nan), "NaN"),
        (lambda m: explain.grad_cam(m, GOOD / 255), "would be rescaled twice"),
        (lambda m: explain.grad_cam(m, np.full(GOOD.shape, "a")), "must be numbers"),
        (lambda m: explain.grad_cam(m, GOOD, batch_size=0), "batch_size is 0"),
        (lambda m: explain.saliency(m, GOOD, 5), "There is no class 5"),
        (lambda m: explain.integrated_gradients(m, GOOD, steps=0), "steps is 0"),
        (lambda m: explain.integrated_gradients(m, GOOD, baseline=GOOD), "baseline has the shape"),
        (lambda m: explain.occlusion(m, GOOD, patch=40), "patch must lie between 1 and 32"),
        (lambda m: explain.occlusion(m, GOOD, patch=4, stride=5), "stride between 1 and patch"),
        (lambda m: explain.occlusion(m, GOOD[0]), "four dimensions"),
        (lambda m: explain.occlusion(sigmoid_head()[0], GOOD), "class 0 or class 1"),
        (lambda m: explain.activations(m, GOOD), "takes one image, but it was given 2"),
        (lambda m: explain.edge_detector(GOOD[0]), "four dimensions"),
    ],
)
def test_errors_name_the_remedy(call, sentence):
    with pytest.raises(InvalidInput, match=sentence) as caught:
        call(sequential()[0])
    assert "\n" not in str(caught.value)
