"""Predictions, metrics and the reading of training curves."""

from __future__ import annotations

import dataclasses
import itertools
import math

import keras
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import tensorflow as tf
from keras import layers
from PIL import Image

from course_utils import datasets, evaluation
from course_utils.evaluation import Predictions, predictions
from course_utils.exceptions import InvalidInput, MissingData

NAMES = ("dandelion", "daisy", "tulips", "sunflowers", "roses")
RNG = np.random.default_rng(7)
SIZE = 12


def make(labels, probabilities, names=None, **more) -> Predictions:
    probabilities = np.asarray(probabilities, np.float32)
    count, classes = probabilities.shape
    return Predictions(
        ids=tuple(f"{i}.jpg" for i in range(count)),
        images=np.zeros((count, 2, 2, 3), np.uint8),
        labels=np.asarray(labels),
        probabilities=probabilities,
        class_names=names or tuple(f"class {i}" for i in range(classes)),
        **more,
    )


def random_predictions(count=400, classes=5, strength=1.5, seed=0) -> Predictions:
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, count, p=rng.dirichlet(np.full(classes, 5)))
    logits = rng.normal(0, 1.2, (count, classes))
    logits[np.arange(count), labels] += strength
    return make(labels, evaluation.softmax(logits), logits=logits.astype(np.float32))


def color_images(count, seed=0):
    """Pictures whose class is told by their color, in mixed order."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    images = rng.integers(0, 90, (count, SIZE, SIZE, 3))
    images[np.arange(count), :, :, labels] += 120
    return images.astype(np.uint8), labels.astype(np.int32)


def color_model(head=None, outputs=3, input_shape=(SIZE, SIZE, 3)) -> keras.Model:
    """A network without training whose logits are 8 × the mean of each channel."""
    model = keras.Sequential(
        [
            keras.Input(input_shape),
            layers.Rescaling(1 / 255),
            layers.GlobalAveragePooling2D(),
            layers.Dense(outputs, activation=head),
        ]
    )
    kernel = np.zeros((input_shape[-1], outputs), np.float32)
    np.fill_diagonal(kernel, 8.0)
    model.layers[-1].set_weights([kernel, np.zeros(outputs, np.float32)])
    return model


@pytest.fixture(scope="module")
def colors(tmp_path_factory):
    """A folder of 3 color classes, 16 pictures each, loaded as a dataset."""
    root = tmp_path_factory.mktemp("colors")
    images, labels = color_images(60)
    for i, (image, label) in enumerate(zip(images, labels, strict=True)):
        folder = root / ["a red", "b green", "c blue"][label]
        folder.mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / f"{i:03d}.png")
    return datasets.from_directory(
        root, image_size=SIZE, batch_size=7, seed=1, validation=0.2, test=0.3
    )


# ------------------------------------------------------------------------------------- softmax


def test_softmax_agrees_with_keras_and_never_overflows():
    logits = RNG.normal(0, 20, (50, 5))
    expected = keras.ops.convert_to_numpy(keras.ops.softmax(keras.ops.cast(logits, "float64")))
    np.testing.assert_allclose(evaluation.softmax(logits), expected, atol=1e-6)
    huge = evaluation.softmax([1e6, 1e6, -1e6])
    np.testing.assert_allclose(huge, [0.5, 0.5, 0.0])
    np.testing.assert_allclose(
        evaluation.softmax(logits + 1000), evaluation.softmax(logits), atol=1e-9
    )


def test_softmax_by_hand():
    # exp(1) / (exp(1) + exp(0)) = 2.71828 / 3.71828
    np.testing.assert_allclose(evaluation.softmax([1.0, 0.0]), [0.731059, 0.268941], atol=1e-6)


def test_softmax_refuses_what_it_cannot_use():
    with pytest.raises(InvalidInput, match="not numbers"):
        evaluation.softmax([1.0, math.nan])
    with pytest.raises(InvalidInput, match="one logit per class"):
        evaluation.softmax(3.0)


# --------------------------------------------------------------------------------- Predictions


def test_predictions_know_what_was_predicted():
    found = make([0, 1, 1], [[0.7, 0.3], [0.6, 0.4], [0.1, 0.9]], ("cat", "dog"))
    assert found.predicted.tolist() == [0, 0, 1]
    np.testing.assert_allclose(found.confidence, [0.7, 0.6, 0.9])
    assert found.correct.tolist() == [True, False, True]
    assert found.accuracy == pytest.approx(2 / 3)
    frame = found.to_frame()
    assert frame.columns.tolist() == ["id", "true", "predicted", "confidence", "correct"]
    assert frame["true"].tolist() == ["cat", "dog", "dog"]
    assert frame["predicted"].tolist() == ["cat", "cat", "dog"]
    assert found.to_frame(probabilities=True)["p(dog)"].tolist() == pytest.approx([0.3, 0.4, 0.9])
    assert "accuracy 0.667" in repr(found)


def test_predictions_cannot_be_changed_and_can_be_selected():
    found = random_predictions(20)
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.labels = np.zeros(20)
    wrong = found.select(~found.correct)
    assert not wrong.correct.any()
    assert len(wrong) == len(wrong.images) == 20 - found.correct.sum()
    assert found.select([3, 1]).ids == ("3.jpg", "1.jpg")
    with pytest.raises(InvalidInput, match="mask has 2 entries"):
        found.select(np.array([True, False]))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"probabilities": np.array([[2.0, -1.0], [0.5, 0.5]])}, "may be logits"),
        ({"probabilities": np.array([[np.nan, 1.0], [0.5, 0.5]])}, "not numbers"),
        ({"probabilities": np.full((2, 3), 1 / 3)}, r"must have the shape \(2, 2\)"),
        ({"labels": np.array([0, 2])}, "label 2, but only 2 classes"),
        ({"labels": np.array([0])}, "2 ids but 1 labels"),
        ({"labels": np.full((2, 2), 0.5)}, "not one-hot"),
        ({"labels": np.array([0.5, 1])}, "whole numbers"),
        ({"labels": np.array([0, -3])}, "labels begin at 0"),
        ({"images": np.zeros((3, 2, 2, 3), np.uint8)}, "2 ids but 3 images"),
    ],
)
def test_predictions_refuse_parts_that_do_not_fit(changes, sentence):
    parts = {
        "ids": ("a", "b"),
        "images": np.zeros((2, 2, 2, 3), np.uint8),
        "labels": np.array([0, 1]),
        "probabilities": np.full((2, 2), 0.5),
        "class_names": ("x", "y"),
    }
    with pytest.raises(InvalidInput, match=sentence):
        Predictions(**{**parts, **changes})


# ------------------------------------------------------------------------------------- predict


def test_predict_keeps_the_order_of_the_dataset(colors):
    model = color_model()
    found = evaluation.predict(model, colors)
    assert found.ids == colors.ids("test")
    assert found.class_names == colors.class_names
    np.testing.assert_array_equal(found.labels, colors.labels("test"))
    np.testing.assert_array_equal(found.images, colors.images("test"))
    logits = model.predict(colors.images("test").astype("float32"), verbose=0)
    np.testing.assert_allclose(found.probabilities, evaluation.softmax(logits), atol=1e-5)
    assert found.accuracy == 1.0
    for split in ("train", "validation"):
        other = evaluation.predict(model, colors, split)
        assert other.ids == colors.ids(split)
        np.testing.assert_array_equal(other.labels, colors.labels(split))


def test_predict_reads_the_pixels_only_when_they_are_asked_for(colors):
    class Counting:
        def __init__(self):
            self.reads = 0

        def __getattr__(self, name):
            return getattr(colors, name)

        def images(self, split):
            self.reads += 1
            return colors.images(split)

    counting = Counting()
    found = evaluation.predict(color_model(), counting)
    evaluation.confusion_matrix(found)
    assert counting.reads == 0
    assert found.images.dtype == np.uint8
    assert found.images is found.images
    assert counting.reads == 1


def test_predict_takes_each_batch_of_a_shuffled_dataset_once():
    images, labels = color_images(50, seed=3)
    data = tf.data.Dataset.from_tensor_slices((images.astype("float32"), labels))
    passes = []
    counted = data.map(lambda x, y: (x, tf.numpy_function(_note(passes), [y], tf.int32)))
    found = evaluation.predict(color_model(), counted.shuffle(50).batch(8))
    assert len(passes) == 50
    assert found.accuracy == 1.0  # labels and outputs belong together, though shuffled
    assert found.images.shape == (50, SIZE, SIZE, 3)
    assert found.images.dtype == np.uint8
    assert not np.array_equal(found.labels, labels)


def _note(passes):
    def note(label):
        passes.append(int(label))
        return label

    return note


def test_predict_takes_arrays_and_labels_as_keras_gives_them():
    images, labels = color_images(20)
    found = evaluation.predict(color_model(), (images, labels[:, None]), class_names="rgb")
    assert found.accuracy == 1.0
    assert found.class_names == ("r", "g", "b")
    assert found.images is images or np.shares_memory(found.images, images)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: color_model(), "logits (softmax applied)"),
        (lambda: color_model("softmax"), "its last activation"),
        (lambda: keras.Sequential([color_model(), layers.Softmax()]), "its last activation"),
        (lambda: keras.Sequential([color_model(), layers.Activation("softmax")]), "last act"),
        (lambda: _functional(color_model()), "last activation"),
        (lambda: _hidden_softmax(), "its outputs add up to 1"),
    ],
    ids=["logits", "softmax", "Softmax layer", "Activation", "functional", "cast after softmax"],
)
def test_predict_recognizes_the_head(build, said):
    images, labels = color_images(20)
    expected = evaluation.predict(color_model(), (images, labels)).probabilities
    found = evaluation.predict(build(), (images, labels))
    assert said in found.head
    assert said in repr(found)
    np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)


def _functional(inner):
    inputs = keras.Input((SIZE, SIZE, 3))
    return keras.Model(inputs, keras.ops.softmax(inner(inputs)))


def _hidden_softmax():
    inputs = keras.Input((SIZE, SIZE, 3))
    outputs = layers.Softmax()(color_model()(inputs))
    return keras.Model(inputs, layers.Activation("linear", dtype="float32")(outputs))


@pytest.mark.parametrize("head", ["sigmoid", None])
def test_predict_with_one_output_for_two_classes(head):
    images, labels = color_images(30)
    keep = labels < 2
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Rescaling(1 / 255),
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation=head),
        ]
    )
    model.layers[-1].set_weights([np.array([[-8.0], [8.0], [0.0]]), np.zeros(1)])
    found = evaluation.predict(model, (images[keep], labels[keep]), class_names=("red", "green"))
    assert found.probabilities.shape == (keep.sum(), 2)
    assert found.accuracy == 1.0
    assert "second class (sigmoid" in found.head
    logit = _logit(model, images[keep])
    np.testing.assert_allclose(found.probabilities[:, 1], 1 / (1 + np.exp(-logit)), atol=1e-5)


@pytest.mark.parametrize(
    ("outputs", "activation", "second"),
    [
        ([[0.0, 0.0]], "linear", 0.5),
        ([[0.0, 0.0]], None, 0.5),
        ([[0.2, 0.8]], "softmax", 0.8),
        ([[0.2, 0.8]], None, 0.8),
        ([[2.0, 6.0]], "softmax", 0.75),  # rounded ones need not add up to 1
        ([[0.2]], "sigmoid", 0.2),
        ([[0.2]], None, 0.2),
        ([[0.0]], "linear", 0.5),
        ([[-1e4]], "linear", 0.0),
    ],
)
def test_outputs_are_interpreted_by_the_last_activation(outputs, activation, second):
    found = evaluation.interpret_outputs(outputs, activation, images=np.zeros((1, 2, 2, 3), "u1"))
    np.testing.assert_allclose(found.probabilities, [[1 - second, second]], atol=1e-6)
    assert (found.ids, found.class_names) == (("0",), ("0", "1"))
    assert found.labels.tolist() == [evaluation.UNKNOWN]


@pytest.mark.parametrize(
    ("outputs", "activation", "sentence"),
    [
        ([[0.2, 0.9, 0.1]], "sigmoid", "a sigmoid for each class"),
        ([[0.2, np.nan, 0.1]], "softmax", "for 1 of 1 images; the training diverged"),
        ([[0.2, 0.8]], "softmax", "2 outputs, but the dataset has 3 classes"),
        ([0.2, 0.8, 0.0], None, "one row of class scores per image"),
        (np.zeros((0, 3)), None, r"no outputs to interpret: their shape is \(0, 3\)"),
    ],
)
def test_outputs_that_cannot_be_interpreted_get_a_sentence(outputs, activation, sentence):
    with pytest.raises(InvalidInput, match=sentence) as caught:
        evaluation.interpret_outputs(outputs, activation, "rgb", images=np.zeros((1, 2, 2, 3)))
    assert "\n" not in str(caught.value)


def _logit(model, images):
    means = images.astype(np.float64).mean(axis=(1, 2)) / 255
    return means @ model.layers[-1].get_weights()[0][:, 0]


def _batches(images, labels):
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(4)


def _wrong_inputs():
    images, labels = color_images(8)
    floats = images.astype("float32")
    model = color_model
    yield "classes", model(outputs=4), (images, labels), "rgb", "has 4 outputs.*3 classes"
    yield "size", model(), (images[:, :8], labels), "rgb", "are 8 × 12 × 3.*takes 12 × 12 × 3"
    yield "channels", model(), (images[..., :1], labels), "rgb", "are 12 × 12 × 1"
    yield "soft", model(), (images, 0.9 * np.eye(3)[labels] + 0.1 / 3), "rgb", "not one-hot"
    yield "0 to 1", model(), (floats / 255, labels), "rgb", "rescales 0-255 itself"
    yield "label", model(), (images, labels + 1), None, "label 3, but only 3 classes"
    yield "empty", model(), (images[:0], labels[:0]), "rgb", "dataset is empty"
    yield "lengths", model(), (images, labels[:3]), "rgb", "8 images but 3 labels"
    yield "no labels", model(), tf.data.Dataset.from_tensor_slices(floats).batch(4), None, "labels"
    single = tf.data.Dataset.from_tensor_slices((floats, labels))
    yield "unbatched", model(), single, None, "come one by one"
    yield "endless", model(), _batches(floats, labels).repeat(), None, "never ends"
    yield "images only", model(), images, None, "a ndarray|an ndarray"
    yield "no model", "model.keras", (images, labels), None, "needs a Keras model"
    yield "multi-label", model("sigmoid"), (images, labels), "rgb", "sigmoid for each class"
    maps = keras.Sequential([keras.Input((SIZE, SIZE, 3)), layers.Conv2D(3, 3)])
    yield "feature map", maps, (images, labels), "rgb", "one row of class scores"


@pytest.mark.parametrize(
    ("model", "data", "names", "sentence"),
    [pytest.param(*case[1:], id=case[0]) for case in _wrong_inputs()],
)
def test_predict_says_in_a_sentence_what_does_not_fit(model, data, names, sentence):
    with pytest.raises(InvalidInput, match=sentence) as caught:
        evaluation.predict(model, data, class_names=names)
    assert "\n" not in str(caught.value)


class Batches(keras.utils.PyDataset):
    """A Keras dataset of 2 batches."""

    def __len__(self):
        return 2

    def __getitem__(self, at):
        images, labels = color_images(8)
        return images[4 * at : 4 * at + 4].astype("float32"), labels[4 * at : 4 * at + 4]


class Endless(Batches):
    """One that does not say how many batches it has."""

    __len__ = None
    num_batches = None


def forever():
    images, labels = color_images(4)
    while True:
        yield images.astype("float32"), labels


class Again:
    """An object that can be gone through again and again, and never ends."""

    def __iter__(self):
        return forever()


def from_forever():
    parts = tf.TensorSpec((None, SIZE, SIZE, 3)), tf.TensorSpec((None,), tf.int32)
    return tf.data.Dataset.from_generator(forever, output_signature=parts)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (forever, "The generator does not say how many batches it has"),
        (lambda: itertools.cycle([next(forever())]), "The cycle does not say how many"),
        (lambda: map(tuple, forever()), r"The map does not say .* \.take\(n\), or a list of n"),
        (Again, "40 batches have come with no end in sight"),
        (from_forever, r"40 batches have come with no end in sight; .* with \.take\(n\)"),
        (lambda: from_forever().repeat(), "never ends|no end in sight"),
        (lambda: from_forever().take(2).repeat(), "never ends|no end in sight"),
        (Endless, "The Endless does not say how many batches it has"),
    ],
)
def test_predict_refuses_data_that_never_ends(make, words, monkeypatch):
    monkeypatch.setattr(predictions, "_MOST_BATCHES", 40)  # fewer, so that the test is quick
    with pytest.raises(InvalidInput, match=words) as caught:
        evaluation.predict(color_model(), make(), class_names="rgb")
    assert "\n" not in str(caught.value)


def test_data_without_an_end_is_stopped_by_its_size_too(monkeypatch):
    monkeypatch.setattr(predictions, "_MOST_BYTES", 30 * 4 * SIZE * SIZE * 3)
    with pytest.raises(InvalidInput, match="30 batches have come with no end in sight"):
        evaluation.predict(color_model(), from_forever(), class_names="rgb")


@pytest.mark.parametrize(
    ("make", "number"),
    [
        (Batches, 8),
        (lambda: from_forever().take(5), 20),
        (lambda: [next(forever()), next(forever())], 8),
        (lambda: _batches(*next(forever())).filter(lambda x, y: True), 4),
        (lambda: _batches(*next(forever())).repeat(3), 12),
    ],
)
def test_predict_takes_data_that_ends_once(make, number):
    found = evaluation.predict(color_model(), make(), class_names="rgb")
    assert len(found) == number
    assert found.accuracy == 1.0


def test_predict_refuses_outputs_that_are_no_numbers():
    model = color_model()
    model.layers[-1].set_weights([np.full((3, 3), np.nan), np.zeros(3)])
    with pytest.raises(InvalidInput, match="NaN or infinity.*8 of 8.*smaller learning rate"):
        evaluation.predict(model, color_images(8))


def test_a_model_that_does_not_rescale_may_have_pixels_from_0_to_1():
    images, labels = color_images(8)
    model = keras.Sequential([keras.Input((SIZE, SIZE, 3)), layers.Flatten(), layers.Dense(3)])
    assert len(evaluation.predict(model, ((images / 255).astype("float32"), labels))) == 8


# ------------------------------------------------------------------------------- predict_images


def test_predict_images_from_files_and_arrays(tmp_path):
    images, labels = color_images(4)
    paths = []
    for i, image in enumerate(images):
        paths.append(tmp_path / f"new picture {i}.png")
        Image.fromarray(image).resize((40, 30), Image.Resampling.NEAREST).save(paths[-1])
    found = evaluation.predict_images(color_model(), paths, "rgb", labels)
    assert found.accuracy == 1.0
    assert found.ids[0] == str(paths[0])
    assert found.images.shape == (4, SIZE, SIZE, 3)
    from_arrays = evaluation.predict_images(color_model(), list(images), "rgb")
    np.testing.assert_array_equal(from_arrays.predicted, labels)
    np.testing.assert_array_equal(from_arrays.images, images)
    one = evaluation.predict_images(color_model(), images[0], "rgb")
    assert one.ids == ("image 0",)
    assert evaluation.predict_images(color_model(), paths[1], "rgb").predicted[0] == labels[1]


def test_predict_images_reads_like_the_datasets(colors, tmp_path):
    """A file gives the same pixels, and so the same prediction, as when the folder was loaded."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(4):
            picture = Image.fromarray(RNG.integers(0, 255, (50, 70, 3), dtype=np.uint8))
            picture.save(tmp_path / name / f"{i}.jpg", quality=95)
    data = datasets.from_directory(tmp_path, image_size=SIZE, validation=0.25, test=0.25)
    first = data.ids("train")[0]
    found = evaluation.predict_images(color_model(outputs=2), tmp_path / first, data.class_names)
    np.testing.assert_array_equal(found.images[0], data.images("train")[0])


def test_new_pictures_without_labels_have_no_accuracy():
    images, _ = color_images(3)
    found = evaluation.predict_images(color_model(), images, "rgb")
    assert "labels unknown" in repr(found)
    assert found.to_frame().columns.tolist() == ["id", "predicted", "confidence"]
    for ask in (lambda: found.accuracy, lambda: evaluation.confusion_matrix(found)):
        with pytest.raises(InvalidInput, match="true classes of these images are unknown"):
            ask()


def test_predict_images_turns_color_into_gray_for_a_gray_model():
    images, _ = color_images(2)
    model = color_model(outputs=2, input_shape=(SIZE, SIZE, 1))
    found = evaluation.predict_images(model, images, "ab")
    assert found.images.shape == (2, SIZE, SIZE, 1)


@pytest.mark.parametrize(
    ("images", "sentence"),
    [
        ([], "list is empty"),
        (np.zeros((0, 4, 3), np.uint8), "no pixels"),
        (np.full((5, 5, 3), 0.5), "between 0 and 1"),
    ],
)
def test_predict_images_refuses(images, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        evaluation.predict_images(color_model(), images, "rgb")


def test_predict_images_says_that_a_file_is_missing():
    with pytest.raises(MissingData, match="no image file .*no such file.jpg; check its name"):
        evaluation.predict_images(color_model(), ["no such file.jpg"], "rgb")


def test_predict_images_names_the_file_that_is_no_image(tmp_path):
    path = tmp_path / "notes.jpg"
    path.write_text("this is no picture")
    with pytest.raises(InvalidInput, match=r"notes\.jpg is no image"):
        evaluation.predict_images(color_model(), path, "rgb")


# --------------------------------------------------------------------------------- out of fold


def test_out_of_fold_never_predicts_what_it_has_trained_on(colors, monkeypatch):
    from course_utils import training

    trained_on = []

    def remember(model, dataset, epochs, **arguments):
        trained_on.append(set(dataset.ids("train")))

    monkeypatch.setattr(training, "fit", remember)
    predicted = []
    original = keras.Sequential.predict_on_batch

    def note(self, batch):
        predicted.append(np.asarray(batch))
        return original(self, batch)

    monkeypatch.setattr(keras.Sequential, "predict_on_batch", note)
    found = evaluation.out_of_fold(color_model, colors, folds=3, epochs=1)
    assert found.ids == colors.ids("train")
    np.testing.assert_array_equal(found.labels, colors.labels("train"))
    assert found.accuracy == 1.0
    everything, position = set(colors.ids("train")), {}
    for i, image in enumerate(colors.images("train")):
        position[image.tobytes()] = colors.ids("train")[i]
    held = [everything - ids for ids in trained_on]
    assert set().union(*held) == everything
    assert sum(map(len, held)) == len(everything)
    asked = [position[image.astype(np.uint8).tobytes()] for batch in predicted for image in batch]
    assert sorted(asked) == sorted(everything)
    for ids in held:
        assert set(asked[: len(ids)]) == ids  # this fold's images, by this fold's model
        asked = asked[len(ids) :]


def test_out_of_fold_trains_for_real(colors):
    def build():
        inputs = keras.Input((SIZE, SIZE, 3))
        pooled = layers.GlobalAveragePooling2D()(layers.Rescaling(1 / 255)(inputs))
        return keras.Model(inputs, layers.Dense(3)(pooled))

    found = evaluation.out_of_fold(build, colors, folds=2, epochs=25, learning_rate=0.1)
    assert found.accuracy > 0.9
    assert found.logits is not None


def test_out_of_fold_refuses_folds_that_are_too_many(colors):
    with pytest.raises(InvalidInput, match="folds is 1"):
        evaluation.out_of_fold(color_model, colors, folds=1)
    with pytest.raises(InvalidInput, match="too few for 50 folds"):
        evaluation.out_of_fold(color_model, colors, folds=50)


# ------------------------------------------------------------------------------------- metrics


@pytest.mark.parametrize("classes", [2, 5, 12])
def test_matrix_and_report_agree_with_scikit_learn(classes):
    found = random_predictions(500, classes, seed=classes)
    matrix = evaluation.confusion_matrix(found)
    expected = sklearn.metrics.confusion_matrix(found.labels, found.predicted)
    np.testing.assert_array_equal(matrix, expected)
    assert matrix.index.name == "true"
    assert matrix.columns.name == "predicted"
    shares = evaluation.confusion_matrix(found, normalize="true")
    np.testing.assert_allclose(
        shares,
        sklearn.metrics.confusion_matrix(found.labels, found.predicted, normalize="true"),
    )

    report = evaluation.classification_report(found)
    theirs = sklearn.metrics.classification_report(
        found.labels, found.predicted, target_names=found.class_names, output_dict=True
    )
    for name in (*found.class_names, "macro average", "weighted average"):
        reference = theirs[name.replace("average", "avg")]
        for ours, key in (("precision",) * 2, ("recall",) * 2, ("f1", "f1-score")):
            assert report.loc[name, ours] == pytest.approx(reference[key]), (name, ours)
        assert report.loc[name, "support"] == reference["support"]
    assert report["support"].dtype.kind == "i"
    assert found.accuracy == pytest.approx(theirs["accuracy"])


def test_the_example_of_nine_predictions():
    """Three classes of three: one 0 is taken for 1, one 1 is taken for 2."""
    true, predicted = [0, 0, 0, 1, 1, 1, 2, 2, 2], [0, 0, 1, 1, 1, 2, 2, 2, 2]
    found = make(true, np.eye(3)[predicted])
    assert evaluation.confusion_matrix(found).to_numpy().tolist() == [
        [2, 1, 0],
        [0, 2, 1],
        [0, 0, 3],
    ]
    report = evaluation.classification_report(found)
    # class 1: TP 2, FP 1 (a 0), FN 1 (taken for 2)
    assert report.loc["class 1", ["precision", "recall", "f1"]].tolist() == pytest.approx(
        [2 / 3, 2 / 3, 2 / 3]
    )
    assert report.loc["class 0", "precision"] == 1
    assert report.loc["class 0", "f1"] == pytest.approx(2 * 1 * (2 / 3) / (1 + 2 / 3))


def test_division_by_zero_counts_as_0_and_is_said():
    found = make([0, 0, 1, 1], np.eye(3)[[0, 0, 0, 0]], ("a", "b", "c"))
    with pytest.warns(UserWarning, match="'b' was never predicted.*'c' has no image"):
        report = evaluation.classification_report(found)
    theirs = sklearn.metrics.precision_recall_fscore_support(
        found.labels, found.predicted, labels=[0, 1, 2], zero_division=0
    )
    np.testing.assert_allclose(report[["precision", "recall", "f1"]][:3], np.array(theirs[:3]).T)
    assert ("b", "precision") in report.attrs["undefined"]
    assert ("c", "recall") in report.attrs["undefined"]
    assert ("c", "f1") in report.attrs["undefined"]
    shares = evaluation.confusion_matrix(found, "true")
    assert shares.loc["c"].isna().all()
    with pytest.raises(InvalidInput, match="normalize must be None or 'true'"):
        evaluation.confusion_matrix(found, "pred")


def test_top_k_agrees_with_scikit_learn():
    found = random_predictions(500, 6)
    for k in range(1, 6):
        expected = sklearn.metrics.top_k_accuracy_score(
            found.labels, found.probabilities, k=k, labels=range(6)
        )
        assert evaluation.top_k_accuracy(found, k) == pytest.approx(expected)
    assert evaluation.top_k_accuracy(found, 1) == found.accuracy
    assert evaluation.top_k_accuracy(found, 6) == 1.0


def test_top_k_breaks_ties_as_argmax_does():
    found = make([0, 1, 2, 3], np.full((4, 4), 0.25))
    assert [evaluation.top_k_accuracy(found, k) for k in (1, 2, 3, 4)] == [0.25, 0.5, 0.75, 1.0]
    second = make([1, 2], [[0.4, 0.4, 0.2], [0.4, 0.3, 0.3]])
    assert evaluation.top_k_accuracy(second, 1) == second.accuracy == 0.0
    assert evaluation.top_k_accuracy(second, 2) == 0.5
    for k in (0, 5, 1.5, "2"):
        with pytest.raises(InvalidInput, match="k is .*from 1 to 4"):
            evaluation.top_k_accuracy(found, k)


def test_wilson_interval_agrees_with_published_values_and_covers_95_percent():
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3 (Wilson, uncorrected):
    for (r, n), (low, high) in {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }.items():
        found = evaluation.wilson_interval(r, n)
        assert found.value == r / n
        assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)
    draws = np.random.default_rng(0).binomial(500, 0.8, 4000)
    inside = [
        i.low <= 0.8 <= i.high for i in (evaluation.wilson_interval(int(d), 500) for d in draws)
    ]
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)
    found = random_predictions(200)
    assert evaluation.accuracy_interval(found).value == pytest.approx(found.accuracy)
    for wrong in ((3, 2), (-1, 5), (0, 0)):
        with pytest.raises(InvalidInput, match="not possible"):
            evaluation.wilson_interval(*wrong)


def test_majority_accuracy_is_what_always_the_same_answer_reaches():
    found = make([0] * 9 + [1], np.full((10, 2), 0.5))
    assert evaluation.majority_accuracy(found) == 0.9


def test_negative_log_likelihood_agrees_with_scikit_learn_and_keras():
    found = random_predictions(300)
    ours = evaluation.negative_log_likelihood(found)
    theirs = sklearn.metrics.log_loss(found.labels, evaluation.softmax(found.logits))
    assert ours == pytest.approx(theirs, abs=1e-5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    assert ours == pytest.approx(float(loss(found.labels, found.logits)), abs=1e-5)
    without = dataclasses.replace(found, logits=None)
    assert evaluation.negative_log_likelihood(without) == pytest.approx(ours, abs=1e-5)
    guessing = make([0, 1, 2], np.full((3, 3), 1 / 3))
    assert evaluation.negative_log_likelihood(guessing) == pytest.approx(math.log(3))


# --------------------------------------------------------------------------------- calibration


def test_calibration_by_hand():
    """Ten images at confidence 0.9, of which 8 are right; five at 0.6, of which 3 are right."""
    labels = [0] * 8 + [1] * 2 + [0] * 3 + [1] * 2
    rows = [[0.9, 0.1]] * 10 + [[0.6, 0.4]] * 5
    found = evaluation.calibration(make(labels, rows), bins=10)
    # 10/15 · |0.8 - 0.9| + 5/15 · |0.6 - 0.6|
    assert found.ece == pytest.approx(10 / 15 * 0.1, abs=1e-6)
    filled = found.table[found.table["count"] > 0]
    assert filled["count"].tolist() == [5, 10]
    assert filled["accuracy"].tolist() == pytest.approx([0.6, 0.8])
    assert filled["gap"].tolist() == pytest.approx([0.0, -0.1], abs=1e-6)
    assert "0.067" in str(found)


def test_bins_hold_their_upper_edge():
    found = evaluation.calibration(make([0, 0], [[0.5, 0.5], [1.0, 0.0]]), bins=4)
    assert found.table["count"].tolist() == [0, 1, 0, 1]
    # float32 has no 0.7; it must still fall where its value says
    edge = np.float32(0.7)
    below = evaluation.calibration(make([0], [[edge, 1 - edge]]), bins=10).table["count"]
    assert below.to_numpy().nonzero()[0].tolist() == [6 if float(edge) <= 0.7 else 7]


def test_expected_calibration_error_of_analytic_cases():
    always = make([0] * 30 + [1] * 70, np.tile([1.0, 0.0], (100, 1)))
    assert evaluation.calibration(always).ece == pytest.approx(0.7)  # certain, right in 30 %
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet([1, 1, 1], 40000)
    drawn = (probabilities.cumsum(axis=1) > rng.random((40000, 1))).argmax(axis=1)
    honest = make(drawn, probabilities)  # the truth is drawn from the probabilities themselves
    assert evaluation.calibration(honest, bins=15).ece < 0.01
    one_bin = evaluation.calibration(honest, bins=1)
    assert one_bin.ece == pytest.approx(abs(honest.accuracy - honest.confidence.mean()), abs=1e-6)
    with pytest.raises(InvalidInput, match="bins is 0"):
        evaluation.calibration(honest, bins=0)


def test_ece_agrees_with_a_loop_over_the_bins():
    found = random_predictions(1000)
    confidence, correct = found.confidence.astype(float), found.correct
    expected = 0.0
    for m in range(15):
        inside = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    assert evaluation.calibration(found, 15).ece == pytest.approx(expected, abs=1e-9)


def test_temperature_repairs_logits_that_are_too_large():
    rng = np.random.default_rng(2)
    logits = rng.normal(0, 1.5, (20000, 4))
    honest = evaluation.softmax(logits)
    labels = (honest.cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    loud = logits * 2.5
    found = make(labels, evaluation.softmax(loud), logits=loud.astype(np.float32))
    temperature = evaluation.fit_temperature(found)
    assert temperature == pytest.approx(2.5, rel=0.05)
    cooled = evaluation.with_temperature(found, temperature)
    assert evaluation.calibration(cooled).ece < 0.01 < evaluation.calibration(found).ece
    np.testing.assert_array_equal(cooled.predicted, found.predicted)
    better = evaluation.negative_log_likelihood(cooled)
    assert better < evaluation.negative_log_likelihood(found)
    for factor in (0.97, 1.03):
        other = evaluation.with_temperature(found, temperature * factor)
        assert evaluation.negative_log_likelihood(other) > better
    without = dataclasses.replace(found, logits=None)  # a model that ends with softmax
    assert evaluation.fit_temperature(without) == pytest.approx(temperature, rel=0.01)
    np.testing.assert_allclose(
        evaluation.with_temperature(without, 2.0).probabilities,
        evaluation.with_temperature(found, 2.0).probabilities,
        atol=1e-3,
    )
    with pytest.raises(InvalidInput, match="temperature is 0"):
        evaluation.with_temperature(found, 0)


# ------------------------------------------------------------------------------------ diagnose


def history(loss, val_loss, accuracy=None, val_accuracy=None) -> dict:
    table = {"loss": loss, "val_loss": val_loss}
    if accuracy is not None:
        table |= {"accuracy": accuracy, "val_accuracy": val_accuracy}
    return {name: np.asarray(values, float).tolist() for name, values in table.items()}


EPOCHS = np.arange(20)

SYNTHETIC = {
    "overfitting": history(
        1.6 * 0.8**EPOCHS,
        1.5 * 0.85**EPOCHS + 0.05 * EPOCHS,
        1 - 0.8 * 0.8**EPOCHS,
        0.7 - 0.5 * 0.7**EPOCHS,
    ),
    "underfitting": history(
        1.45 + 0.15 * 0.7**EPOCHS,
        1.47 + 0.15 * 0.7**EPOCHS,
        0.35 - 0.1 * 0.7**EPOCHS,
        0.34 - 0.1 * 0.7**EPOCHS,
    ),
    "learning rate too high": history(
        [40.0, 2.1, *[1.61, 1.612] * 5],
        [1.7, 1.62, *[1.609] * 10],
        [0.21, *[0.2] * 11],
        [0.2] * 12,
    ),
    "still improving": history(
        1.6 * 0.93 ** EPOCHS[:10],
        1.6 * 0.94 ** EPOCHS[:10],
        0.2 + 0.05 * EPOCHS[:10],
        0.2 + 0.045 * EPOCHS[:10],
    ),
    "healthy": history(
        0.5 + 1.1 * 0.7**EPOCHS,
        0.55 + 1.1 * 0.7**EPOCHS,
        0.85 - 0.6 * 0.7**EPOCHS,
        0.82 - 0.6 * 0.7**EPOCHS,
    ),
    "too short": history([1.6, 1.2], [1.4, 1.2], [0.3, 0.5], [0.4, 0.5]),
}

# Recorded with a network of three convolutions on photographs of flowers at 48 pixels, five
# classes, Adam; rounded. The name says what was done.
RECORDED = {
    "150 images, 20 epochs": (
        "overfitting",
        history(
            [1.631, 1.571, 1.548, 1.482, 1.394, 1.273, 1.169, 1.074, 1.013, 1.066, 0.868, 0.787]
            + [0.745, 0.647, 0.598, 0.543, 0.519, 0.438, 0.386, 0.342],
            [1.589, 1.596, 1.559, 1.516, 1.444, 1.397, 1.354, 1.338, 1.615, 1.28, 1.284, 1.306]
            + [1.282, 1.33, 1.318, 1.392, 1.375, 1.439, 1.464, 1.521],
            [0.22, 0.2, 0.247, 0.333, 0.467, 0.54, 0.56, 0.573, 0.62, 0.547, 0.68, 0.727, 0.707]
            + [0.76, 0.8, 0.813, 0.787, 0.867, 0.9, 0.92],
            [0.185, 0.18, 0.245, 0.265, 0.352, 0.395, 0.43, 0.425, 0.32, 0.477, 0.475, 0.463]
            + [0.485, 0.475, 0.472, 0.463, 0.472, 0.482, 0.465, 0.472],
        ),
    ),
    "2,800 images, 15 epochs": (
        "overfitting",
        history(
            [1.397, 1.117, 1.033, 0.967, 0.906, 0.855, 0.801, 0.754, 0.708, 0.653, 0.59, 0.541]
            + [0.521, 0.509, 0.435],
            [1.167, 1.112, 1.032, 1.008, 1.001, 0.992, 0.989, 1.0, 1.033, 1.101, 1.154, 1.155]
            + [1.251, 1.219, 1.284],
            [0.389, 0.533, 0.588, 0.622, 0.637, 0.668, 0.692, 0.71, 0.727, 0.749, 0.778, 0.803]
            + [0.815, 0.804, 0.844],
            [0.517, 0.535, 0.58, 0.603, 0.61, 0.62, 0.637, 0.64, 0.64, 0.625, 0.637, 0.642, 0.618]
            + [0.623, 0.635],
        ),
    ),
    "2,800 images, 4 epochs": (
        "still improving",
        history(
            [1.397, 1.117, 1.033, 0.967],
            [1.167, 1.112, 1.032, 1.008],
            [0.389, 0.533, 0.588, 0.622],
            [0.517, 0.535, 0.58, 0.603],
        ),
    ),
    "learning rate 0.01: dead from the start": (
        "learning rate too high",
        history(
            [1.64, 1.606, 1.605, 1.605, 1.604, 1.604, 1.604, 1.604, 1.604, 1.604],
            [1.602, 1.6, 1.601, 1.601, 1.601, 1.601, 1.601, 1.601, 1.601, 1.601],
            [0.206, *[0.229] * 9],
            [0.25] * 10,
        ),
    ),
    "learning rate 0.1": (
        "learning rate too high",
        history(
            [52.461, 1.616, 1.612, 1.609, 1.61, 1.61, 1.611, 1.611],
            [1.61, 1.601, 1.603, 1.6, 1.601, 1.601, 1.601, 1.601],
            [0.189, 0.199, 0.196, 0.205, 0.201, 0.201, 0.201, 0.201],
            [0.195, 0.25, 0.195, 0.25, 0.25, 0.25, 0.25, 0.25],
        ),
    ),
    "learning rate 1": (
        "learning rate too high",
        history(
            [5129529.0, 131.402, 1.811, 1.644, 1.647, 1.643, 1.636, 1.631],
            [2036.704, 496.032, 679.32, 696.04, 697.418, 697.516, 697.515, 697.51],
            [0.183, 0.185, 0.186, 0.18, 0.209, 0.211, 0.218, 0.221],
            [0.25, 0.195, 0.195, 0.248, 0.248, 0.248, 0.248, 0.248],
        ),
    ),
    "one dense layer, learning rate 0.3": (
        "learning rate too high",
        history(
            [7.068, 2.569, 1.691, 1.71, 2.017, 1.83, 1.804, 2.095, 1.862, 1.748, 1.82, 1.748]
            + [1.622, 1.556, 1.564],
            [2.343, 2.492, 2.207, 2.22, 2.312, 1.962, 2.262, 3.078, 2.071, 2.451, 2.217, 2.181]
            + [2.099, 2.067, 2.058],
            [0.26, 0.416, 0.426, 0.433, 0.39, 0.446, 0.438, 0.407, 0.466, 0.485, 0.454, 0.46, 0.47]
            + [0.486, 0.472],
            [0.347, 0.34, 0.373, 0.4, 0.357, 0.382, 0.387, 0.343, 0.407, 0.35, 0.377, 0.377, 0.385]
            + [0.38, 0.377],
        ),
    ),
    "learning rate 0.00001": (
        "underfitting",
        history(
            [1.618, 1.611, 1.606, 1.602, 1.598, 1.596, 1.593, 1.591],
            [1.63, 1.621, 1.614, 1.609, 1.604, 1.6, 1.597, 1.594],
            [0.189, 0.189, 0.186, 0.19, 0.201, 0.241, 0.262, 0.278],
            [0.15, 0.155, 0.153, 0.175, 0.203, 0.222, 0.26, 0.257],
        ),
    ),
    "learning rate 0.0001, 8 epochs": (
        "still improving",
        history(
            [1.605, 1.583, 1.563, 1.536, 1.499, 1.449, 1.399, 1.343],
            [1.589, 1.574, 1.554, 1.528, 1.49, 1.447, 1.403, 1.348],
            [0.235, 0.3, 0.325, 0.361, 0.4, 0.43, 0.431, 0.48],
            [0.282, 0.35, 0.37, 0.4, 0.415, 0.407, 0.41, 0.447],
        ),
    ),
    "one dense layer on 6 × 6 pixels": (
        "underfitting",
        history(
            [1.64, 1.576, 1.553, 1.531, 1.512, 1.494, 1.477, 1.462, 1.448, 1.435, 1.423, 1.412]
            + [1.402, 1.392, 1.383, 1.374, 1.366, 1.359, 1.351, 1.345],
            [1.604, 1.58, 1.562, 1.545, 1.529, 1.515, 1.502, 1.49, 1.479, 1.469, 1.459, 1.451]
            + [1.443, 1.436, 1.429, 1.423, 1.417, 1.411, 1.406, 1.401],
            [0.234, 0.273, 0.308, 0.322, 0.34, 0.365, 0.373, 0.384, 0.393, 0.401, 0.401, 0.407]
            + [0.415, 0.42, 0.421, 0.417, 0.423, 0.431, 0.436, 0.436],
            [0.233, 0.265, 0.292, 0.31, 0.327, 0.33, 0.347, 0.363, 0.37, 0.373, 0.38, 0.387, 0.385]
            + [0.393, 0.393, 0.395, 0.403, 0.41, 0.41, 0.415],
        ),
    ),
    # Ten epochs on tf_flowers at 128 pixels with augmentation, a log that was printed elsewhere.
    "a published log of ten epochs": (
        "still improving",
        history(
            [1.5751, 1.2851, 1.2049, 1.1273, 1.0898, 1.1074, 1.0394, 1.0153, 1.0585, 1.0071],
            [1.2972, 1.1665, 1.1280, 1.1105, 1.1288, 1.0711, 1.0270, 1.0300, 1.0189, 1.0016],
            [0.3776, 0.5466, 0.5969, 0.6276, 0.6424, 0.6417, 0.6755, 0.6859, 0.6883, 0.7014],
            [0.5434, 0.6097, 0.6290, 0.6166, 0.6331, 0.6676, 0.6786, 0.6897, 0.6993, 0.6897],
        ),
    ),
}


@pytest.mark.parametrize("name", SYNTHETIC)
def test_diagnose_synthetic_histories(name):
    found = evaluation.diagnose(SYNTHETIC[name], num_classes=5)
    assert found.name == name, str(found)
    assert found.name in evaluation.DIAGNOSES
    assert found.reasons
    assert found.advice
    assert str(found).startswith(name)


@pytest.mark.parametrize("what", RECORDED)
def test_diagnose_recorded_histories(what):
    name, table = RECORDED[what]
    found = evaluation.diagnose(table, num_classes=5)
    assert found.name == name, str(found)


@pytest.mark.parametrize("what", RECORDED)
def test_diagnose_without_the_number_of_classes(what):
    name, table = RECORDED[what]
    found = evaluation.diagnose(table)
    assert found.name == name, str(found)
    assert "chance" not in found.evidence


def test_diagnosis_evidence_can_be_checked_by_eye():
    table = history(
        [1.0, 0.8, 0.6, 0.4, 0.2], [1.1, 0.9, 0.8, 1.0, 1.2], [0.5] * 5, [0.4, 0.4, 0.4, 0.4, 0.4]
    )
    found = evaluation.diagnose(table, 5)
    assert found.name == "overfitting"
    assert found.evidence["epochs"] == 5
    assert found.evidence["best_epoch"] == 3
    assert found.evidence["best_val_loss"] == 0.8
    assert found.evidence["val_loss_rise"] == pytest.approx((1.0 + 1.2) / 2 / 0.8 - 1)
    assert found.evidence["accuracy_gap"] == pytest.approx(0.1)
    assert found.evidence["loss_gap"] == pytest.approx(1.0 - 0.4)
    assert found.evidence["train_slope"] == pytest.approx(-0.2 / 0.4)
    assert found.evidence["oscillation"] == 0
    assert "epoch 3 of 5" in str(found)


def test_a_loss_that_is_no_number():
    found = evaluation.diagnose(history([1.5, np.nan, np.nan], [1.4, np.nan, np.nan]))
    assert found.name == "learning rate too high"
    assert "NaN or infinite in epoch 2" in str(found)


def test_a_loss_that_jumps_up_and_down():
    jumps = [1.5, 0.9, 1.3, 0.8, 1.2, 0.85, 1.25, 0.8]
    found = evaluation.diagnose(history(jumps, jumps, [0.6] * 8, [0.6] * 8), 5)
    assert found.name == "learning rate too high"
    assert "rose in 3 of 6 steps" in str(found)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_too_few_epochs_are_said_to_be_too_few(epochs):
    table = {name: values[:epochs] for name, values in SYNTHETIC["overfitting"].items()}
    found = evaluation.diagnose(table, 5)
    assert found.name == "too short"
    assert "too few" in str(found)


def test_noise_on_a_plateau_is_no_oscillation():
    rng = np.random.default_rng(0)
    flat = 0.5 + rng.normal(0, 0.004, 20)
    table = history(flat, flat + 0.05, np.full(20, 0.85), np.full(20, 0.83))
    assert evaluation.diagnose(table, 5).name == "healthy"


def test_early_stopping_soon_after_the_best_epoch_is_healthy():
    loss = [1.2, 0.9, 0.75, 0.66, 0.6, 0.57, 0.55]
    val = [1.1, 0.9, 0.78, 0.72, 0.70, 0.71, 0.72]
    table = history(loss, val, np.linspace(0.5, 0.82, 7), np.linspace(0.52, 0.78, 7))
    assert evaluation.diagnose(table, 5).name == "healthy"


def test_every_form_of_history_is_read():
    table = SYNTHETIC["healthy"]
    frame = pd.DataFrame(table)

    class Like:
        history = table

    names = {evaluation.diagnose(form, 5).name for form in (table, frame, Like())}
    assert names == {"healthy"}
    renamed = {k.replace("accuracy", "sparse_categorical_accuracy"): v for k, v in table.items()}
    assert set(evaluation.curves(renamed)) == {"loss", "val_loss", "accuracy", "val_accuracy"}
    losses = {name: table[name] for name in ("loss", "val_loss")}
    assert evaluation.diagnose(losses).name == "healthy"
    extra = {**table, "learning_rate": [1e-3] * 20}
    assert evaluation.diagnose(extra).name == "healthy"


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"loss": [1.0]}, "no 'val_loss'.*validation data"),
        ({}, "has nothing"),
        ({"loss": [], "val_loss": []}, "no epoch"),
        ({"loss": [1.0, 2.0], "val_loss": [1.0]}, "different numbers of epochs"),
        (3, "is a int"),
    ],
)
def test_diagnose_refuses_what_is_no_history(table, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        evaluation.diagnose(table)


def test_diagnose_refuses_an_impossible_chance():
    with pytest.raises(InvalidInput, match="num_classes is 1"):
        evaluation.diagnose(SYNTHETIC["healthy"], num_classes=1)
    with pytest.raises(InvalidInput, match="chance must lie between 0 and 1"):
        evaluation.diagnose(SYNTHETIC["healthy"], chance=1.5)


@pytest.mark.slow
def test_diagnose_a_real_training_that_overfits():
    """Labels that have nothing to do with the pictures can only be memorized."""
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    images, labels = rng.random((40, 8, 8, 1), np.float32), rng.integers(0, 2, 40)
    model = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(64, "relu"), layers.Dense(2)]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    run = model.fit(
        images[:24],
        labels[:24],
        validation_data=(images[24:], labels[24:]),
        epochs=40,
        verbose=0,
    )
    found = evaluation.diagnose(run, num_classes=2)
    assert found.name == "overfitting", str(found)
