"""Drawing maps, and the checks that tell how faithful a map is to the model."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers

from course_utils import explain
from course_utils.exceptions import InvalidInput

SIZE = 24


def corner_model():
    """Class 1 if the upper left quarter is bright, by hand-made weights; nothing else counts."""
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(2, 3, padding="same", activation="relu"),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    kernel = np.zeros((3, 3, 3, 2), "float32")
    kernel[1, 1] = 1 / 3  # brightness, twice
    weights = np.zeros((SIZE, SIZE, 2, 2), "float32")
    weights[: SIZE // 2, : SIZE // 2, :, 1] = 0.05
    model.set_weights([kernel, np.zeros(2), weights.reshape(-1, 2), np.array([1.0, -1.0])])
    return model


def trained_like_model(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(8, 3, activation="relu", name="first"),
            layers.MaxPooling2D(),
            layers.Conv2D(8, 3, activation="relu", name="second"),
            layers.Flatten(),
            layers.Dense(3, name="head"),
        ]
    )


def pictures(count=4, seed=0):
    return np.random.default_rng(seed).uniform(0, 255, (count, SIZE, SIZE, 3)).astype("float32")


# Drawing


def test_normalize_stretches_each_map_by_itself():
    maps = np.array([[[0, 2], [4, -1]], [[0.5, 0], [0, 0]]], "float32")
    np.testing.assert_allclose(
        explain.normalize(maps), [[[0, 0.5], [1, 0]], [[1, 0], [0, 0]]], atol=1e-7
    )
    assert explain.normalize(maps[0]).shape == (2, 2)


def test_overlay_covers_the_picture_only_where_there_is_heat():
    picture = np.full((2, 2, 3), 100, "uint8")
    heat = np.array([[0.0, 1.0], [0.5, 0.0]])
    np.testing.assert_array_equal(explain.overlay(picture, heat, alpha=0), picture)
    yellow, middle = np.array([240, 249, 33]), np.array([204, 71, 120])  # of plasma
    full = explain.overlay(picture, heat, alpha=1)
    np.testing.assert_array_equal(full[[0, 1], [0, 1]], picture[[0, 1], [0, 1]])
    np.testing.assert_allclose(full[0, 1], yellow, atol=1)
    half = explain.overlay(picture, heat, alpha=0.5)
    assert half.dtype == np.uint8
    np.testing.assert_allclose(half[0, 1], (yellow + 100) / 2, atol=1)
    opacity = 0.5 * 0.5**0.7
    np.testing.assert_allclose(half[1, 0], (1 - opacity) * 100 + opacity * middle, atol=1)


@pytest.mark.parametrize("alpha", [0, 0.3, 0.75, 1])
def test_a_heat_layer_over_the_picture_gives_the_overlay(alpha):
    random = np.random.default_rng(8)
    images = random.integers(0, 256, (2, 5, 6, 3), dtype=np.uint8)
    maps = random.uniform(0, 3, (2, 5, 6))
    layer = explain.heat_layer(maps)
    assert layer.dtype == np.uint8
    opacity = alpha * layer[..., 3:] / 255
    blended = (1 - opacity) * images + opacity * layer[..., :3]
    np.testing.assert_allclose(blended, explain.overlay(images, maps, alpha), atol=1.5)
    np.testing.assert_array_equal(explain.heat_layer(maps[0]), layer[0])
    with pytest.raises(InvalidInput, match="zero everywhere"):
        explain.heat_layer(np.zeros((4, 4)))


def test_overlay_takes_floats_other_ranges_and_grayscale():
    heat = np.arange(8, dtype="float32").reshape(2, 2, 2)
    as_bytes = np.random.default_rng(0).integers(0, 256, (2, 2, 2, 1)).astype("uint8")
    expected = explain.overlay(as_bytes, heat)
    assert expected.shape == (2, 2, 2, 3)
    np.testing.assert_array_equal(explain.overlay(as_bytes.astype("float32"), heat), expected)
    scaled = as_bytes / 255
    np.testing.assert_array_equal(explain.overlay(scaled, heat, value_range=(0, 1)), expected)
    np.testing.assert_array_equal(
        explain.overlay(scaled * 2 - 1, heat, value_range=(-1, 1)), expected
    )


# Pointing and energy


def test_pointing_hits_at_the_borders_of_the_box():
    maps = np.zeros((4, 10, 10), "float32")
    for i, (y, x) in enumerate([(2, 3), (2, 4), (7, 7), (2, 5)]):
        maps[i, y, x] = 1
    box = np.tile([[4, 2, 6, 5]], (4, 1))
    assert explain.pointing_hits(maps, box).tolist() == [False, True, False, True]
    assert explain.pointing_hits(maps, box, tolerance=1).tolist() == [True, True, False, True]
    assert explain.pointing_hits(maps, box, tolerance=4).all()


def test_a_map_without_a_peak_does_not_hit():
    maps = np.stack([np.zeros((10, 10)), np.ones((10, 10))])
    corner = np.tile([[0, 0, 2, 2]], (2, 1))
    assert not explain.pointing_hits(maps, corner).any()


def test_energy_inside():
    maps = np.zeros((3, 10, 10), "float32")
    maps[0] = 1
    maps[1, 2:4, 3:5] = [[3, -5], [0, 1]]
    boxes = [[0, 0, 5, 10], [3, 2, 4, 3], [0, 0, 5, 5]]
    np.testing.assert_allclose(explain.energy_inside(maps, boxes), [0.5, 0.75, 0], atol=1e-6)


def test_baselines_know_no_model():
    images = pictures(50)
    maps = explain.baseline_maps(images, seed=1)
    assert list(maps) == ["random", "center", "edges"]
    for one in maps.values():
        assert one.shape == (50, SIZE, SIZE)
        assert one.dtype == np.float32
    np.testing.assert_array_equal(maps["random"], explain.baseline_maps(images, 1)["random"])
    boxes = np.tile([[0, 0, SIZE / 2, SIZE / 2]], (50, 1))
    for one in maps.values():  # nothing prefers a quarter of the picture
        assert explain.energy_inside(one, boxes).mean() == pytest.approx(0.25, abs=0.03)
    assert maps["center"][0].argmax() in {
        y * SIZE + x for y in (SIZE // 2 - 1, SIZE // 2) for x in (SIZE // 2 - 1, SIZE // 2)
    }


# Insertion and deletion


def test_insertion_and_deletion_prefer_the_pixels_that_count():
    model = corner_model()
    images = np.full((3, SIZE, SIZE, 3), 40.0, "float32")
    images[:, : SIZE // 2, : SIZE // 2] = 200
    truth = np.zeros((3, SIZE, SIZE))
    truth[:, : SIZE // 2, : SIZE // 2] = 1
    table = explain.insertion_deletion(
        model, images, {"truth": truth, "wrong": 1 - truth}, classes=1, steps=8
    )
    assert list(table.index) == ["truth", "wrong", "random", "center", "edges"]
    deletion, insertion = table["deletion"], table["insertion"]
    assert deletion["truth"] == deletion.min()
    assert deletion["wrong"] == deletion.max()
    assert insertion["truth"] == insertion.max()
    assert insertion["wrong"] == insertion.min()
    curve = table.attrs["curves"]["truth"]["deletion"]
    assert len(curve) == 9
    probability = keras.ops.softmax(model(images))[:, 1].numpy()
    assert curve[0] == pytest.approx(probability.mean(), abs=1e-5)
    area = (np.array(curve[1:]) + np.array(curve[:-1])).mean() / 2
    assert deletion["truth"] == pytest.approx(area, abs=1e-5)


def test_insertion_ends_with_the_picture_itself():
    model = trained_like_model()
    images = pictures()
    table = explain.insertion_deletion(model, images, explain.grad_cam(model, images), steps=4)
    probability = keras.ops.softmax(model(images)).numpy().max(axis=1).mean()
    for curves in table.attrs["curves"].values():
        assert curves["insertion"][-1] == pytest.approx(probability, abs=1e-5)
        assert curves["deletion"][0] == pytest.approx(probability, abs=1e-5)
    assert "maps" in table.index


def test_the_probability_of_a_single_sigmoid_is_that_of_the_model():
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            layers.Conv2D(2, 3),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    images = pictures(2)[..., :1] / 100
    maps = explain.saliency(model, images)
    table = explain.insertion_deletion(model, images, maps, classes=1, steps=2)
    assert table.attrs["curves"]["maps"]["deletion"][0] == pytest.approx(
        float(np.mean(model(images))), abs=1e-5
    )


# Randomisation


def test_an_edge_detector_is_exposed_and_grad_cam_is_not():
    model, images = trained_like_model(), pictures(6)
    weights = model.get_weights()
    impostor = explain.randomization_check(model, images, lambda m, x: explain.edge_detector(x))
    assert impostor["layer"].tolist() == ["(trained)", "head", "second", "first"]
    assert impostor["parameters"].tolist() == [0, *(m.count_params() for m in _with_weights(model))]
    assert np.allclose(impostor["correlation"], 1)

    honest = explain.randomization_check(
        model, images, lambda m, x: explain.grad_cam(m, x, classes=0)
    )
    assert honest["correlation"][0] == pytest.approx(1)
    assert honest["correlation"][1:].abs().max() < 0.6
    for now, then in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, then)


def _with_weights(model):
    return [layer for layer in reversed(model.layers) if layer.weights]


def test_randomization_reaches_into_nested_models_without_input_layer():
    inner = keras.Sequential([layers.Conv2D(2, 3, name="conv")], name="inner")
    model = keras.Sequential([inner, layers.Flatten(), layers.Dense(2, name="head")])
    model(pictures(1))
    table = explain.randomization_check(
        model, pictures(2), lambda m, x: explain.grad_cam(m, x, classes=1), seed=3
    )
    assert table["layer"].tolist() == ["(trained)", "head", "inner/conv"]


def test_rank_correlation_is_spearman():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 9, (2, 6, 6))
    expected = spearmanr(one.ravel(), other.ravel()).statistic
    assert explain.rank_correlation(one, other) == pytest.approx(expected)
    assert explain.rank_correlation(one, np.ones((6, 6))) == 0


# Errors

MAPS, BOXES = np.ones((2, 8, 8)), np.array([[0, 0, 4, 4], [2, 2, 6, 6]])
IMAGES = np.full((2, 8, 8, 3), 100.0)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: explain.normalize(MAPS * [[[1]], [[0]]]), "Map 1 is zero everywhere: .*leave it"),
        (lambda: explain.normalize(np.zeros((8, 8))), "The map is zero everywhere"),
        (lambda: explain.normalize(np.zeros((3, 8, 8))), r"Map 0 \(and 2 more\) is zero"),
        (lambda: explain.normalize(MAPS * np.nan), "NaN"),
        (lambda: explain.normalize(np.ones((2, 8, 8, 1))), "shape .N, height, width."),
        (lambda: explain.overlay(IMAGES, MAPS * 0), "zero everywhere"),
        (lambda: explain.overlay(IMAGES, MAPS[:1]), "do not go together"),
        (lambda: explain.overlay(IMAGES[0], MAPS), "do not go together"),
        (lambda: explain.overlay(np.ones((2, 8, 8, 4)), MAPS), r"1 or 3 channels.*\[..., :3\]"),
        (lambda: explain.overlay(IMAGES, MAPS, alpha=2), "alpha is 2"),
        (lambda: explain.overlay(IMAGES, MAPS, value_range=(0, 1)), "outside of value_range"),
        (lambda: explain.overlay(IMAGES / 255, MAPS), r"give value_range=\(0, 1\)"),
        (lambda: explain.overlay(IMAGES, MAPS, value_range=(1, 0)), "black, white"),
        (lambda: explain.pointing_hits(MAPS, BOXES[:1]), "do not go together"),
        (lambda: explain.pointing_hits(MAPS, BOXES[:, ::-1]), "box 0 is"),
        (lambda: explain.pointing_hits(MAPS, BOXES, tolerance=-1), "tolerance is -1"),
        (lambda: explain.energy_inside(MAPS, BOXES * np.nan), "NaN"),
        (lambda: explain.energy_inside(MAPS[0], BOXES), "do not go together"),
        (
            lambda: explain.insertion_deletion(trained_like_model(), pictures(2), MAPS),
            "maps has the shape",
        ),
        (
            lambda: explain.insertion_deletion(trained_like_model(), pictures(2), {"edges": MAPS}),
            "'edges' names a baseline",
        ),
        (
            lambda: explain.insertion_deletion(
                trained_like_model(), pictures(1), np.ones((1, SIZE, SIZE)), steps=0
            ),
            "steps is 0",
        ),
        (
            lambda: explain.randomization_check(
                trained_like_model(), pictures(2), lambda m, x: MAPS
            ),
            "explain_fn gave maps of shape",
        ),
    ],
)
def test_errors_name_the_remedy(call, sentence):
    with pytest.raises(InvalidInput, match=sentence) as caught:
        call()
    assert "\n" not in str(caught.value)
