"""Augmentation: held to Keras's own layers, to the formulas of the papers, and to its promises."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from course_utils import augmentation
from course_utils.exceptions import InvalidInput


@pytest.fixture
def images() -> np.ndarray:
    """Smooth pictures, since two ways of interpolation differ at hard edges."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (8, 6, 6, 3)).astype("float32")
    return tf.image.resize(coarse, (36, 48), method="bicubic").numpy().clip(0, 255)


@pytest.fixture
def labels() -> np.ndarray:
    return np.eye(8, dtype="float32")


def still(**changes):
    """The geometric layer with everything off but what is named."""
    arguments = {"flip": None, "rotation": 0, "zoom": 0, "translation": 0, **changes}
    return augmentation.geometric(**arguments)


# ------------------------------------------------------------------------------ geometry, color


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"rotation": (0.07, 0.07)}, layers.RandomRotation((0.07, 0.07))),
        ({"rotation": (-0.2, -0.2)}, layers.RandomRotation((-0.2, -0.2))),
        ({"zoom": (0.2, 0.2)}, layers.RandomZoom((0.2, 0.2))),
        ({"zoom": (-0.3, -0.3)}, layers.RandomZoom((-0.3, -0.3))),
        ({"translation": (0.15, 0.15)}, layers.RandomTranslation((0.15, 0.15), (0.15, 0.15))),
        ({"translation": (-0.1, -0.1)}, layers.RandomTranslation((-0.1, -0.1), (-0.1, -0.1))),
    ],
)
def test_each_movement_is_that_of_keras(images, ours, theirs):
    changed = still(**ours)(images, training=True)
    np.testing.assert_allclose(changed, theirs(images, training=True), atol=1.5)


def only(**changes):
    """The color layer with everything off but what is named."""
    return augmentation.color(**{"brightness": 0, "contrast": 0, "saturation": 0, **changes})


@pytest.mark.parametrize("share", [0.2, -0.3])
def test_brightness_is_that_of_keras(images, share):
    theirs = layers.RandomBrightness((share, share), value_range=(0, 255))
    changed = only(brightness=(share, share))(images, training=True)
    np.testing.assert_allclose(changed, theirs(images, training=True), atol=1e-2)


@pytest.mark.parametrize("factor", [0.6, 1.5])
def test_contrast_is_that_of_keras(images, factor):
    theirs = layers.RandomContrast(0.5, value_range=(0, 255))
    expected = theirs.transform_images(images, {"contrast_factor": factor}, training=True)
    changed = only(contrast=(factor - 1, factor - 1))(images, training=True)
    np.testing.assert_allclose(changed, expected, atol=1e-2)


def test_saturation_and_hue_are_those_of_tensorflow(images):
    gray = only(saturation=(-0.999999, -0.999999))
    result = gray(images, training=True).numpy()
    expected = tf.image.rgb_to_grayscale(images).numpy()
    np.testing.assert_allclose(result, np.repeat(expected, 3, axis=-1), atol=0.2)

    layer = only(hue=0.1)
    seed = tf.constant([1, 2])
    result = layer(images, training=True, seed=seed).numpy()
    before, after = (tf.image.rgb_to_hsv(x / 255).numpy() for x in (images, result))
    turn = (after[..., 0] - before[..., 0] + 0.5) % 1 - 0.5
    vivid = before[..., 1] * before[..., 2] > 0.2  # gray and black have no hue
    for one, mask in zip(turn, vivid, strict=True):
        assert one[mask].std() < 1e-3
        assert abs(one[mask].mean()) <= 0.1
    np.testing.assert_allclose(after[..., 2], before[..., 2], atol=1e-3)


def test_mirrors_about_half_of_the_images():
    rows = np.arange(2000 * 4 * 4, dtype="float32").reshape(2000, 4, 4, 1)
    result = still(flip="horizontal")(rows, training=True).numpy()
    mirrored = (result == rows[:, :, ::-1]).all(axis=(1, 2, 3))
    kept = (result == rows).all(axis=(1, 2, 3))
    assert (mirrored ^ kept).all()
    assert 0.45 < mirrored.mean() < 0.55


def test_a_crop_shows_a_part_and_fills_the_frame():
    ramp = np.broadcast_to(np.linspace(0, 200, 64, dtype="float32")[:, None], (1, 64, 64))[
        ..., None
    ]
    result = still(crop=0.5)(np.repeat(ramp, 200, axis=0), training=True).numpy()
    share = (result[:, -1, 32, 0] - result[:, 0, 32, 0]) / 200
    assert result.shape == (200, 64, 64, 1)
    assert (share >= 0.49).all()
    assert (share <= 1.0 + 1e-6).all()
    assert share.min() < 0.55
    assert share.max() > 0.95
    assert result.min() >= 0
    assert result.max() <= 200


@pytest.mark.parametrize("layer", [augmentation.geometric(), augmentation.color()])
def test_layers_leave_images_alone_outside_of_training(images, layer):
    np.testing.assert_array_equal(layer(images), images)
    np.testing.assert_array_equal(layer(images, training=False), images)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_number_of_channels_and_any_brightness_stays_in_range(channels):
    extreme = np.random.default_rng(0).choice([0.0, 255.0], (4, 16, 16, channels))
    for layer in (
        augmentation.color(brightness=0.9, contrast=0.9, saturation=0.9),
        augmentation.geometric(rotation=0.5, zoom=0.5, translation=0.5, crop=0.2),
    ):
        result = layer(extreme.astype("float32"), training=True).numpy()
        assert result.shape == extreme.shape
        assert result.min() >= 0
        assert result.max() <= 255


def test_rescaling_before_or_after_the_geometry_makes_no_difference(images):
    layer, seed = augmentation.geometric(), tf.constant([3, 4])
    before = layer(images / 255, training=True, seed=seed)
    after = layer(images, training=True, seed=seed) / 255
    np.testing.assert_allclose(before, after, atol=1e-5)


@pytest.mark.parametrize("build", [augmentation.color, augmentation.geometric])
def test_mixed_precision_leaves_the_pixels_in_float32(build, images):
    seed = tf.constant([1, 2])
    expected = build()(images, training=True, seed=seed)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        found = build()(images, training=True, seed=seed)
    finally:
        keras.config.set_dtype_policy("float32")
    assert found.dtype == tf.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("layer", [augmentation.geometric(crop=0.8), augmentation.color(hue=0.1)])
def test_layers_can_be_stored_and_loaded(layer, images, tmp_path):
    model = keras.Sequential([keras.Input((36, 48, 3)), layer])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[-1]
    seed = tf.constant([5, 6])
    np.testing.assert_array_equal(
        loaded(images, training=True, seed=seed), layer(images, training=True, seed=seed)
    )


# ---------------------------------------------------------------------- cutout, mixup, cutmix


@pytest.mark.parametrize("size", [0.25, 0.5, 1.0])
def test_cutout_covers_one_square_and_nothing_else(size):
    images = np.full((300, 20, 30, 3), 200.0, "float32")
    labels = np.eye(3, dtype="float32")[np.zeros(300, int)]
    result, after = augmentation.cutout(size, fill=0)(images, labels)
    covered = result.numpy()[..., 0] == 0
    side = round(size * 20)
    np.testing.assert_array_equal(after, labels)
    assert set(np.unique(result)) <= {0.0, 200.0}
    for one in covered:
        rows, columns = one.any(axis=1).sum(), one.any(axis=0).sum()
        assert one.sum() == rows * columns  # a rectangle
        assert rows <= side
        assert columns <= side
    # Where the center is far enough from the border the square is whole; its center is uniform.
    if size < 1:
        assert covered.sum(axis=(1, 2)).max() == side * side
    assert covered.mean(axis=0)[10, 15] == pytest.approx(
        min(side / 20, 1) * min(side / 30, 1), abs=0.1
    )


def test_mixup_is_the_formula_of_the_paper(images, labels):
    mixed, shares = augmentation.mixup(alpha=1.0)(images, labels)
    mixed, shares = mixed.numpy(), shares.numpy()
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-6)
    assert (shares >= 0).all()
    # All images differ and are labeled by their number, so the labels say how to mix them.
    np.testing.assert_allclose(mixed, np.tensordot(shares, images, axes=1), atol=1e-2)
    assert ((shares > 0).sum(axis=1) <= 2).all()
    assert (np.diag(shares) < 1).any()


@pytest.mark.parametrize("count", [2, 3, 6, 32])
def test_every_image_meets_another_one_and_each_is_used_once(count):
    images = np.zeros((count, 4, 4, 1), "float32")
    labels = np.eye(count, dtype="float32")
    met = np.zeros((count, count))
    for number in range(60):
        shares = augmentation.mixup(5.0)(images, labels, seed=tf.constant([number, 1]))[1].numpy()
        partners = shares - np.diag(np.diag(shares)) > 0
        assert (partners.sum(axis=1) == 1).all()
        assert (partners.sum(axis=0) == 1).all()
        met += partners
    if count <= 6:  # every pair meets
        assert (met + np.eye(count) > 0).all()


@pytest.mark.parametrize("alpha", [0.01, 0.2, 1.0, 5.0])
def test_lambda_has_the_distribution_of_the_paper(alpha):
    count = 4000
    images = np.zeros((count, 1, 1, 1), "float32")
    images[::2] = 1  # the pixel of the result tells λ where the partner is of the other kind
    labels = np.eye(2, dtype="float32")[(np.arange(count) + 1) % 2]
    shares = augmentation.mixup(alpha)(images, labels)[1].numpy()
    other = shares[np.arange(count), np.arange(count) % 2]
    met = other[other > 0]
    assert np.isfinite(shares).all()
    # Var of Beta(α, α) is 1 / (4 (2α + 1)).
    if alpha >= 0.2:
        assert met.mean() == pytest.approx(0.5, abs=0.03)
        assert met.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.1)


def test_cutmix_shares_the_label_by_the_pixels_that_are_seen(labels):
    """λ is the share of the pixels that was kept, also where the box was cut at the border."""
    images = np.arange(8, dtype="float32")[:, None, None, None] * np.ones((8, 24, 40, 1), "float32")
    for number in range(20):
        pasted, shares = augmentation.cutmix()(images, labels, seed=tf.constant([number, 0]))
        pasted, shares = pasted.numpy(), shares.numpy()
        np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
        for value in range(8):
            seen = (pasted == value).mean(axis=(1, 2, 3))
            np.testing.assert_allclose(seen, shares[:, value], atol=1e-5)


def test_cutmix_pastes_one_rectangle_of_the_area_that_was_drawn():
    images = np.stack([np.zeros((32, 32, 1)), np.ones((32, 32, 1))] * 500).astype("float32")
    labels = np.eye(2, dtype="float32")[[0, 1] * 500]
    pasted, shares = augmentation.cutmix(alpha=1.0)(images, labels)
    other = np.abs(pasted.numpy()[..., 0] - images[..., 0])
    for one in other:
        assert one.sum() == one.any(axis=1).sum() * one.any(axis=0).sum()
    area = other.mean(axis=(1, 2))
    kept = shares.numpy()[np.arange(1000), [0, 1] * 500]
    np.testing.assert_allclose(area[area > 0], 1 - kept[area > 0], atol=1e-5)


@pytest.mark.parametrize(
    "change", [augmentation.cutout(), augmentation.mixup(), augmentation.cutmix()]
)
def test_the_seed_decides(images, labels, change):
    one, two = tf.constant([1, 2]), tf.constant([1, 3])
    first = change(images, labels, seed=one)
    np.testing.assert_array_equal(first[0], change(images, labels, seed=one)[0])
    np.testing.assert_array_equal(first[1], change(images, labels, seed=one)[1])
    assert not np.array_equal(first[0], change(images, labels, seed=two)[0])


@pytest.mark.parametrize(
    "change", [augmentation.cutout(), augmentation.mixup(), augmentation.cutmix()]
)
def test_a_batch_of_one_image_is_no_problem(change):
    image = np.random.default_rng(0).uniform(0, 255, (1, 9, 7, 3)).astype("float32")
    result, label = change(image, np.eye(2, dtype="float32")[:1])
    assert result.shape == image.shape
    np.testing.assert_allclose(label, [[1, 0]], atol=1e-6)


# ------------------------------------------------------------------------------ on a dataset


@pytest.fixture
def batches(images) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices((images, np.arange(8, dtype="int32"))).batch(3)


def collected(dataset):
    pairs = [(x.numpy(), y.numpy()) for x, y in dataset]
    return np.concatenate([x for x, _ in pairs]), np.concatenate([y for _, y in pairs])


def test_every_epoch_is_changed_again_and_the_seed_repeats_it(batches, images):
    layer = augmentation.geometric()
    one = augmentation.apply(batches, layer, seed=1)
    first, second = collected(one)[0], collected(one)[0]
    again = collected(augmentation.apply(batches, layer, seed=1))[0]
    other = collected(augmentation.apply(batches, layer, seed=2))[0]
    np.testing.assert_array_equal(first, again)
    for different in (second, other, images):
        assert not np.allclose(first, different)


def test_labels_stay_int_for_layers_and_become_one_hot_for_mixtures(batches):
    _, labels = collected(augmentation.apply(batches, augmentation.color()))
    np.testing.assert_array_equal(labels, np.arange(8))
    mixed = augmentation.apply(batches, augmentation.mixup(), num_classes=8)
    _, labels = collected(mixed)
    assert labels.shape == (8, 8)
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    assert len(mixed) == len(batches)


def test_layers_of_keras_and_functions_of_ones_own_are_welcome_and_repeatable(batches):
    theirs = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])

    def darker(images, labels):
        return images * 0.5, labels

    def run():
        return collected(augmentation.apply(batches, theirs, darker, num_classes=8, seed=3))[0]

    first = run()
    np.testing.assert_array_equal(first, run())
    assert first.max() <= 128


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: augmentation.geometric(flip="sideways"), "flip is 'sideways'"),
        (lambda: augmentation.geometric(rotation=-0.1), "rotation is -0.1"),
        (lambda: augmentation.geometric(zoom=1.0), "zoom is 1.0, .* below 1"),
        (
            lambda: augmentation.geometric(zoom=(0.3, 0.1)),
            "the highest zoom is 0.1, .* at least 0.3",
        ),
        (lambda: augmentation.geometric(crop=1.5), "crop is 1.5, .* above 0 and at most 1"),
        (lambda: augmentation.geometric(fill_mode="blur"), "fill_mode is 'blur'"),
        (lambda: augmentation.color(brightness="much"), "brightness is 'much'"),
        (lambda: augmentation.color(hue=2), "hue is 2, .* at most 0.5"),
        (lambda: augmentation.cutout(0), "size is 0, .* above 0"),
        (lambda: augmentation.cutout(fill=300), "fill is 300, .* at most 255"),
        (lambda: augmentation.mixup(0), "alpha is .* above 0"),
        (lambda: augmentation.cutmix(float("nan")), "alpha is .* above 0"),
    ],
)
def test_refuses_what_makes_no_sense(call, words):
    with pytest.raises(InvalidInput, match=words) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_says_what_is_missing(batches, images):
    with pytest.raises(InvalidInput, match="give num_classes="):
        augmentation.apply(batches, augmentation.mixup())
    with pytest.raises(InvalidInput, match="neither"):
        augmentation.apply(batches, "flip")
    with pytest.raises(InvalidInput, match="one-hot labels"):
        augmentation.mixup()(images, np.arange(8))
    with pytest.raises(InvalidInput, match=r"must return \(images, labels\)"):
        collected(augmentation.apply(batches, lambda images, labels: images, num_classes=8))


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize(
    ("flip", "axes"),
    [
        ("horizontal", [(), (1,)]),
        ("vertical", [(), (0,)]),
        ("horizontal_and_vertical", [(), (0,), (1,), (0, 1)]),
    ],
)
def test_mirroring_is_that_of_numpy(flip, axes, channels):
    images = np.random.default_rng(0).uniform(0, 255, (40, 5, 6, channels)).astype("float32")
    result = still(flip=flip)(images, training=True).numpy()
    seen = set()
    for image, changed in zip(images, result, strict=True):
        same = [axis for axis in axes if np.array_equal(changed, np.flip(image, axis))]
        assert len(same) == 1
        seen.add(same[0])
    assert seen == set(axes)
    for few in (images[:0], images[:1]):
        assert still(flip=flip)(few, training=True).shape == few.shape
