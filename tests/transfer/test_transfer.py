"""The room `transfer`: backbones, features computed once, heads, fine-tuning."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from PIL import Image

from course_utils import datasets, settings, transfer
from course_utils.exceptions import InvalidInput, MissingData, TrainingStopped

COLORS = {"green": (40, 160, 60), "red": (190, 40, 40), "white": (220, 220, 215)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Pictures of three colors with noise: easy to tell apart from any features."""
    root = tmp_path_factory.mktemp("colors")
    rng = np.random.default_rng(0)
    for name, color in COLORS.items():
        (root / name).mkdir()
        for number in range(20):
            pixels = np.clip(rng.normal(color, 25, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number:02}.png")
    return root


@pytest.fixture
def pictures(folder):
    return datasets.from_directory(folder, image_size=32, seed=1, validation=0.2, test=0.2)


@pytest.fixture(scope="module")
def backbone():
    """The course's network, for tests that leave its weights as they are."""
    return transfer.load_backbone(image_size=32)


def test_the_table_lists_every_backbone_and_what_is_here():
    table = transfer.backbones()
    assert list(table.index) == [
        "efficientnet_lite0",
        "mobilenet",
        "mobilenet_v2",
        "efficientnet_b0",
        "xception",
    ]
    assert table["here"].dtype == bool


@pytest.mark.parametrize(
    "name", ["efficientnet_lite0", "mobilenet", "mobilenet_v2", "efficientnet_b0"]
)
def test_parameter_counts_are_those_of_the_table(name):
    model = transfer.load_backbone(name, image_size=64, weights=False)
    assert model.count_params() == transfer.backbones().loc[name, "parameters"]
    assert not model.trainable_weights


def test_preprocessing_is_inside():
    """Pixels go in as 0-255: the result is that of Keras's own network on preprocessed pixels."""
    keras.utils.set_random_seed(0)
    ours = transfer.load_backbone("mobilenet_v2", image_size=64, weights=False)
    theirs = keras.applications.MobileNetV2(
        input_shape=(64, 64, 3), alpha=0.35, include_top=False, weights=None
    )
    theirs.set_weights(ours.get_weights())
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype(np.float32)
    prepared = keras.applications.mobilenet_v2.preprocess_input(pixels.copy())
    np.testing.assert_allclose(
        ours.predict(pixels, verbose=0), theirs.predict(prepared, verbose=0), atol=1e-5
    )


def test_features_are_the_averaged_feature_maps(backbone, pictures):
    features = transfer.extract_features(backbone, pictures, cache=False, verbose=0)
    for split in transfer.SPLITS:
        images = pictures.images(split).astype(np.float32)
        expected = backbone.predict(images, verbose=0).mean(axis=(1, 2))
        np.testing.assert_allclose(features.vectors[split], expected, atol=1e-5)
        assert features.ids[split] == pictures.ids(split)
        np.testing.assert_array_equal(features.labels[split], pictures.labels(split))


def test_features_come_from_the_store_the_second_time(backbone, pictures, capsys):
    first = transfer.extract_features(backbone, pictures, verbose=0)
    again = transfer.extract_features(backbone, pictures, verbose=0)
    assert first.seconds > 0
    assert again.seconds == 0
    np.testing.assert_array_equal(first.vectors["test"], again.vectors["test"])


def _stored() -> set[str]:
    return {path.name for path in (settings.cache_root() / "features").glob("*.npz")}


def test_no_change_gets_stale_features(backbone, folder, pictures):
    """Other weights, another structure, image size, labels or images: always computed again."""
    transfer.extract_features(backbone, pictures, verbose=0)
    seen = _stored()

    def is_new(model, data) -> bool:
        nonlocal seen
        assert transfer.extract_features(model, data, verbose=0).seconds > 0
        grown = _stored() > seen
        seen = _stored()
        return grown

    other = transfer.load_backbone(image_size=32, weights=False)
    other.set_weights(backbone.get_weights())
    weights = other.get_weights()
    weights[0] = weights[0] + 1e-4
    other.set_weights(weights)
    assert is_new(other, pictures)
    larger = datasets.from_directory(folder, image_size=36, seed=1, validation=0.2, test=0.2)
    resized = transfer.load_backbone(image_size=36, weights=False)
    resized.set_weights(backbone.get_weights())
    assert is_new(resized, larger)
    first = pictures.ids("train")[0]
    assert is_new(backbone, pictures.without([first]))
    assert is_new(backbone, pictures.with_labels({first: "white"}))
    pooled = keras.Model(
        backbone.input,
        keras.layers.MaxPooling2D(padding="same")(backbone.output),
        name=backbone.name,
    )
    assert is_new(pooled, pictures)


def test_damaged_features_are_computed_again_and_said(backbone, pictures, capsys):
    first = transfer.extract_features(backbone, pictures, verbose=0)
    (path,) = (settings.cache_root() / "features").glob("*.npz")
    path.write_bytes(path.read_bytes()[:200])
    again = transfer.extract_features(backbone, pictures, verbose=0)
    assert again.seconds > 0
    assert "damaged" in capsys.readouterr().out
    np.testing.assert_array_equal(first.vectors["train"], again.vectors["train"])


def test_augmented_copies_are_added_to_training_only(backbone, pictures):
    flip = keras.layers.RandomFlip("horizontal", seed=5)
    plain = transfer.extract_features(backbone, pictures, cache=False, verbose=0)
    more = transfer.extract_features(backbone, pictures, augment=flip, copies=2, verbose=0)
    n = len(plain.labels["train"])
    assert len(more.vectors["train"]) == len(more.labels["train"]) == 3 * n
    np.testing.assert_allclose(more.vectors["train"][:n], plain.vectors["train"], atol=1e-5)
    assert not np.allclose(more.vectors["train"][n : 2 * n], plain.vectors["train"], atol=1e-5)
    np.testing.assert_allclose(more.vectors["test"], plain.vectors["test"], atol=1e-5)


def test_a_head_learns_and_keeps_the_best_epoch(backbone, pictures):
    features = transfer.extract_features(backbone, pictures, cache=False, verbose=0)
    head = transfer.fit_head(features, epochs=40, learning_rate=1e-2)
    assert head.accuracy(features) >= 0.9
    logits = head.model.predict(features.vectors["validation"], verbose=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    kept = float(loss(features.labels["validation"], logits))
    assert kept == pytest.approx(min(head.history["val_loss"]), abs=1e-4)


def drawn(train=61, size=10, seed=0, spread=0.5):
    """Features of three classes, drawn around three centers."""
    rng = np.random.default_rng(seed)
    counts = {"train": train, "validation": 30, "test": 90}
    labels = {name: np.arange(n, dtype=np.int32) % 3 for name, n in counts.items()}
    centers = rng.normal(0, 1, (3, size))
    vectors = {
        name: rng.normal(centers[index], spread).astype(np.float32)
        for name, index in labels.items()
    }
    ids = {name: tuple(f"{name}{k}" for k in range(n)) for name, n in counts.items()}
    return transfer.Features("drawn", ("a", "b", "c"), vectors, labels, ids)


def test_features_that_hardly_vary_are_not_amplified():
    vectors = np.random.default_rng(0).normal(0, 1, (60, 200))
    vectors[:, 50:] *= 0.01
    mean, variance = transfer.feature_statistics(vectors)
    scaled = (vectors - mean) / np.sqrt(variance)
    np.testing.assert_allclose(scaled.mean(axis=0), 0, atol=1e-9)
    assert scaled[:, 50:].std() / scaled[:, :50].std() < 0.02


def test_a_constant_feature_stays_finite():
    vectors = np.ones((4, 3), np.float32)
    mean, variance = transfer.feature_statistics(vectors)
    np.testing.assert_array_equal((vectors - mean) / np.sqrt(variance), 0)


@pytest.mark.parametrize("hidden", [0, 8])
@pytest.mark.parametrize(("train", "batch_size"), [(61, 16), (64, 16), (7, 64)])
def test_a_head_trains_on_any_number_of_vectors(hidden, train, batch_size):
    features = drawn(train, spread=0.2)
    head = transfer.fit_head(
        features, hidden=hidden, epochs=30, batch_size=batch_size, learning_rate=0.03, seed=1
    )
    assert set(head.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert {len(values) for values in head.history.values()} == {30}
    assert head.history["loss"][-1] < 0.5 * head.history["loss"][0]
    assert head.accuracy(features) > 0.9


def test_the_history_of_a_head_is_that_of_its_weights():
    # Without dropout, and with steps that change nothing, the mean over the batches (the last of
    # which is smaller) is what Keras measures on the whole split.
    features = drawn(61)
    head = transfer.fit_head(features, dropout=0.0, learning_rate=1e-12, epochs=2, batch_size=16)
    head.model.compile(
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    for split, prefix in (("train", ""), ("validation", "val_")):
        found = head.model.evaluate(
            features.vectors[split], features.labels[split], return_dict=True, verbose=0
        )
        for name, value in found.items():
            assert head.history[prefix + name] == pytest.approx([value, value], abs=1e-5)


def test_a_head_keeps_its_best_epoch_where_it_gets_worse_afterwards():
    features = drawn(30, spread=2.0)  # classes that overlap: the head memorizes them
    head = transfer.fit_head(features, epochs=60, dropout=0.0, learning_rate=0.02, batch_size=8)
    losses = head.history["val_loss"]
    assert head.best_epoch == int(np.argmin(losses)) + 1 < 60
    assert losses[-1] > 1.2 * min(losses)
    logits = head.model.predict(features.vectors["validation"], verbose=0)
    right = np.mean(logits.argmax(axis=1) == features.labels["validation"])
    assert right == pytest.approx(head.validation_accuracy)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert float(loss(features.labels["validation"], logits)) == pytest.approx(
        min(losses), abs=1e-4
    )


def test_the_seed_of_a_head_decides_everything():
    features = drawn()
    first, again, other = (
        transfer.fit_head(features, epochs=4, batch_size=16, seed=seed) for seed in (5, 5, 6)
    )
    assert first.history == again.history
    for mine, same in zip(first.model.get_weights(), again.model.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, same)
    assert first.history["loss"] != other.history["loss"]


def test_a_head_learns_in_mixed_precision_too():
    features = drawn(spread=0.2)
    how = {"epochs": 20, "batch_size": 16, "learning_rate": 0.01, "dropout": 0.0}
    plain = transfer.fit_head(features, **how)
    keras.config.set_dtype_policy("mixed_float16")
    try:
        mixed = transfer.fit_head(features, **how)
        assert mixed.accuracy(features) > 0.9
    finally:
        keras.config.set_dtype_policy("float32")
    # The gradients have the size of those in float32: the same steps, within rounding.
    np.testing.assert_allclose(
        mixed.history["loss"][:3], plain.history["loss"][:3], rtol=0.05, atol=1e-3
    )


def test_a_head_whose_loss_becomes_nan_says_so():
    with pytest.raises(TrainingStopped, match="of 30.*smaller learning rate"):
        transfer.fit_head(drawn(), hidden=0, learning_rate=1e38)


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_features_that_are_not_numbers_are_refused(split, value):
    features = drawn()
    features.vectors[split][3, 2] = value  # behind ReLU it would be 0, and nobody would notice
    with pytest.raises(InvalidInput, match=f"Some features of the {split} split are NaN"):
        transfer.fit_head(features)


@pytest.mark.parametrize("split", ["train", "validation"])
def test_a_head_needs_images_to_learn_from_and_to_choose_by(split):
    features = drawn()
    features.vectors[split], features.labels[split] = np.zeros((0, 10)), np.zeros(0, np.int32)
    with pytest.raises(InvalidInput, match=f"The {split} split holds no images"):
        transfer.fit_head(features)


def test_a_head_on_its_backbone_predicts_the_same_from_pixels(backbone, pictures):
    features = transfer.extract_features(backbone, pictures, cache=False, verbose=0)
    head = transfer.fit_head(features, epochs=3)
    model = transfer.attach_head(backbone, head)
    np.testing.assert_allclose(
        model.predict(pictures.images("test").astype(np.float32), verbose=0),
        head.model.predict(features.vectors["test"], verbose=0),
        atol=1e-4,
    )


def test_fine_tuning_moves_what_is_unfrozen_and_nothing_else(pictures):
    backbone = transfer.load_backbone(image_size=32)
    features = transfer.extract_features(backbone, pictures, cache=False, verbose=0)
    model = transfer.attach_head(backbone, transfer.fit_head(features, epochs=2))
    before = {v.path: np.array(v) for v in model.variables}
    transfer.fine_tune(
        model,
        pictures,
        unfreeze_from="block6a_expand_conv",
        learning_rate=1e-3,
        epochs=1,
        verbose=0,
    )
    moved = {path for path, old in before.items() if not np.array_equal(old, _value(model, path))}
    assert moved
    assert not any("norm" in path for path in moved), "batch normalization stays as it was"
    assert not any("stem" in path or "block1" in path for path in moved)
    assert any("block6a_expand_conv" in path for path in moved)


def _value(model, path):
    return np.array(next(v for v in model.variables if v.path == path))


def test_classify_names_the_most_probable_classes(backbone, pictures):
    features = transfer.extract_features(backbone, pictures, cache=False, verbose=0)
    head = transfer.fit_head(features, epochs=40, learning_rate=1e-2)
    model = transfer.attach_head(backbone, head)
    table = transfer.classify(model, pictures.images("test"), pictures.class_names, top=3)
    sums = table.groupby("image")["probability"].sum()
    np.testing.assert_allclose(sums, 1.0, atol=1e-5)
    first = table[table["rank"] == 1]["class"].to_numpy()
    truth = np.array(pictures.class_names)[pictures.labels("test")]
    assert np.mean(first == truth) >= 0.9


def test_decode_names_the_most_probable_classes_of_imagenet():
    probabilities = np.full((1, 1000), 1e-4)
    probabilities[0, [985, 3]] = 0.6, 0.3
    assert list(transfer.decode(probabilities, top=2)["class"]) == ["daisy", "tiger shark"]


def test_weights_of_the_applications_are_found_under_course_data(real_data):
    if not (real_data / "weights").is_dir():
        pytest.skip("COURSE_DATA has no folder weights")
    table = transfer.backbones()
    assert table.loc[["mobilenet", "mobilenet_v2"], "here"].all()
    model, names = transfer.load_classifier("mobilenet")
    assert len(names) == 1000
    daisy = sorted((real_data / "flower_photos" / "daisy").glob("*.jpg"))[:20]
    images = [
        keras.utils.img_to_array(keras.utils.load_img(p, target_size=(224, 224))) for p in daisy
    ]
    named = transfer.decode(model.predict(np.stack(images), verbose=0), top=1)["class"]
    assert (named == "daisy").mean() > 0.5


class TestSentences:
    """Bad input gets one sentence that says what to do."""

    def test_unknown_backbone(self):
        with pytest.raises(InvalidInput, match="did you mean 'mobilenet'"):
            transfer.load_backbone("mobilnet")

    def test_weights_that_are_not_here(self, monkeypatch, tmp_path):
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        monkeypatch.setenv("COURSE_DATA", "")
        with pytest.raises(MissingData, match="download=True"):
            transfer.load_backbone("xception")

    def test_weights_of_something_else(self, monkeypatch, tmp_path):
        (tmp_path / "models").mkdir()
        (tmp_path / "models" / "mobilenet_7_5_224_tf_no_top.h5").write_bytes(b"<html>404</html>")
        monkeypatch.setenv("KERAS_HOME", str(tmp_path))
        with pytest.raises(InvalidInput, match="delete the file"):
            transfer.load_backbone("mobilenet", image_size=64)

    @pytest.mark.parametrize("size", [0, 4, "big", (32, 32, 3), 32.5])
    def test_image_size(self, size):
        with pytest.raises(InvalidInput, match="image_size"):
            transfer.load_backbone(image_size=size, weights=False)

    def test_images_of_another_size(self, pictures):
        backbone = transfer.load_backbone(image_size=40, weights=False)
        with pytest.raises(InvalidInput, match="32×32.*40×40"):
            transfer.extract_features(backbone, pictures, verbose=0)

    @pytest.mark.parametrize(
        "wrong", [{"dropout": 1.0}, {"learning_rate": 0}, {"epochs": 0}, {"hidden": -1}]
    )
    def test_head_arguments(self, wrong):
        vectors = dict.fromkeys(("train", "validation", "test"), np.ones((4, 3), np.float32))
        labels = dict.fromkeys(vectors, np.array([0, 1, 0, 1], np.int32))
        ids = dict.fromkeys(vectors, tuple("abcd"))
        features = transfer.Features("drawn", ("a", "b"), vectors, labels, ids)
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            transfer.fit_head(features, **wrong)

    def test_head_of_another_backbone(self, backbone):
        with pytest.raises(InvalidInput, match="1280 features.*takes 10"):
            transfer.attach_head(backbone, transfer.build_head(10, 3, 0, 0.0))

    def test_unknown_layer(self, backbone):
        with pytest.raises(InvalidInput, match="did you mean 'block6a_expand_conv'"):
            transfer.unfreeze(backbone, "block6a_expand_conf")

    def test_number_of_names(self, backbone, pictures):
        model = transfer.attach_head(backbone, transfer.build_head(1280, 3, 0, 0.0))
        with pytest.raises(InvalidInput, match="2 class names"):
            transfer.classify(model, pictures.images("test"), ["a", "b"])
