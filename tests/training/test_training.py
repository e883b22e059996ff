"""compile_model and fit: the same as Keras by hand, plus what Keras does not check."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
import training_data
from keras import layers

from course_utils import augmentation, datasets, models, training
from course_utils.exceptions import InvalidInput, TrainingStopped
from course_utils.training import _data_checks, pipeline


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_WORK", str(tmp_path_factory.mktemp("work")))
        folder = training_data.write(tmp_path_factory.mktemp("data") / "squares")
        yield datasets.from_directory(folder, image_size=training_data.SIZE, batch_size=16)


def network(filters=(4, 8), classes=3, shape=(24, 24, 3)):
    keras.utils.set_random_seed(7)
    return models.small_cnn(shape, classes, filters=filters, dense_units=8)


# ------------------------------------------------------------------------------ like Keras


def test_compile_and_fit_are_what_lesson_04_writes_in_keras(data):
    # In fixed order, so that both see the same batches.
    pair = (data.ordered("train"), data.validation)
    by_hand = network()
    by_hand.compile(
        optimizer=keras.optimizers.Adam(learning_rate=0.002),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile=False,
    )
    expected = by_hand.fit(pair[0], validation_data=pair[1], epochs=3, verbose=0).history
    model = network()
    history = training.fit(model, pair, 3, learning_rate=0.002, verbose=0).history
    for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
        np.testing.assert_allclose(history[name], expected[name], rtol=2e-3, atol=1e-3)


def test_the_history_reads_like_that_of_keras(data):
    history = training.fit(network(), data, 2, verbose=0)
    assert set(history.history) == {
        "loss",
        "accuracy",
        "val_loss",
        "val_accuracy",
        "learning_rate",
    }
    assert history.epoch == [0, 1]
    assert history.params == {"epochs": 2, "steps": 6}
    assert history.seconds > 0
    assert list(history.to_frame().index) == [1, 2]
    assert history.final("loss") == history.history["loss"][-1]
    assert repr(history).startswith("2 epochs in")


def test_the_same_seed_gives_the_same_training_and_another_seed_another(data):
    augment = [augmentation.geometric(), augmentation.cutout()]

    def losses(seed):
        return training.fit(network(), data, 2, augment=augment, seed=seed, verbose=0).history[
            "loss"
        ]

    first = losses(1)
    np.testing.assert_allclose(first, losses(1), rtol=1e-4)
    assert abs(first[0] - losses(2)[0]) > 1e-5


def test_a_second_training_begins_with_a_new_optimizer(data):
    model = network()
    training.fit(model, data, 2, schedule="cosine", verbose=0)
    again = training.fit(model, data, 2, schedule="cosine", verbose=0)
    assert again.history["learning_rate"][0] > 4e-4


def test_a_model_that_the_reader_compiled_keeps_its_optimizer(data):
    model = network()
    training.compile_model(model, optimizer=keras.optimizers.SGD(0.05, momentum=0.9))
    mine = model.optimizer
    history = training.fit(model, data, 1, verbose=0)
    assert model.optimizer is mine
    assert history.history["learning_rate"] == [pytest.approx(0.05)]
    training.fit(model, data, 1, learning_rate=0.01, verbose=0)
    assert isinstance(model.optimizer, keras.optimizers.Adam)


def test_builds_a_model_that_does_not_know_its_images_yet(data):
    model = keras.Sequential([layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(3)])
    history = training.fit(model, data, 1, verbose=0)
    assert len(history.epoch) == 1
    assert model.built


# ------------------------------------------------------------------------------ schedules


def test_cosine_with_warm_up_is_the_formula():
    rates = training.learning_rates("cosine", 0.01, epochs=10, steps_per_epoch=20, warmup_epochs=2)
    warm, rest = 40, 160
    expected = [0.01 * (i + 1) / warm for i in range(warm)]
    expected += [0.01 * 0.5 * (1 + np.cos(np.pi * i / rest)) for i in range(rest)]
    np.testing.assert_allclose(rates, expected, rtol=1e-4, atol=1e-8)


def test_step_divides_by_ten_at_half_and_at_three_quarters():
    rates = training.learning_rates("step", 0.1, epochs=8, steps_per_epoch=10)
    np.testing.assert_allclose(rates[:40], 0.1, rtol=1e-6)
    np.testing.assert_allclose(rates[40:60], 0.01, rtol=1e-6)
    np.testing.assert_allclose(rates[60:], 0.001, rtol=1e-6)


@pytest.mark.parametrize("name", ["cosine", "step", "plateau", None])
@pytest.mark.parametrize("epochs", [1, 3])
def test_a_warm_up_takes_at_most_half_of_a_short_training(name, epochs):
    rates = training.learning_rates(name, 1.0, epochs, steps_per_epoch=8, warmup_epochs=5)
    assert len(rates) == 8 * epochs
    assert rates.argmax() == pytest.approx(4 * epochs - 1, abs=1)
    assert rates.max() == pytest.approx(1.0)
    assert (rates >= 0).all()


def test_the_history_holds_the_rate_of_each_epochs_last_batch(data):
    for name in ("cosine", "step"):
        history = training.fit(network(), data, 4, schedule=name, warmup_epochs=1, verbose=0)
        rates = training.learning_rates(name, 1e-3, 4, 6, warmup_epochs=1)
        np.testing.assert_allclose(history.history["learning_rate"], rates[5::6], rtol=1e-4)


def test_a_schedule_can_be_stored_with_the_model(tmp_path):
    model = network()
    training.compile_model(model, schedule="cosine", warmup_epochs=1, epochs=4, steps_per_epoch=5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for step in (0, 3, 7, 19):
        mine, stored = (m.optimizer._learning_rate(step) for m in (model, loaded))
        assert float(mine) == pytest.approx(float(stored))


def test_plateau_halves_the_rate_when_the_validation_loss_stays(data):
    frozen = network()
    frozen.trainable = False
    history = training.fit(frozen, data, 9, schedule="plateau", warmup_epochs=1, verbose=0)
    rates = history.history["learning_rate"]
    np.testing.assert_allclose(rates, [1e-3] * 4 + [5e-4] * 3 + [2.5e-4] * 2, rtol=1e-4)


# ------------------------------------------------------------------------------ stopping


def test_early_stopping_leaves_the_best_weights(data):
    model = network()
    history = training.fit(model, data, 12, learning_rate=0.02, patience=2, verbose=0)
    losses = history.history["val_loss"]
    assert history.best_epoch == int(np.argmin(losses))
    assert history.stopped_early == (len(losses) < 12)
    now = model.evaluate(data.validation, verbose=0, return_dict=True)
    assert now["loss"] == pytest.approx(min(losses), rel=1e-3)
    assert history.final("val_accuracy") == history.history["val_accuracy"][history.best_epoch]


@pytest.mark.parametrize("learning_rate", [1e9])
def test_a_loss_that_is_no_number_stops_the_training_and_says_what_to_try(data, learning_rate):
    model = network()
    optimizer = keras.optimizers.SGD(learning_rate)
    with pytest.raises(TrainingStopped, match="smaller learning rate, for instance 1e") as caught:
        training.fit(model, data, 5, optimizer=optimizer, verbose=0)
    assert "epoch 1 of 5" in str(caught.value) or "epoch 2 of 5" in str(caught.value)


# ------------------------------------------------------------------------------ labels, weights


def first_batch(data, **arguments):
    stream = pipeline.training_stream(data, epochs=range(1), seed=0, num_classes=3, **arguments)
    return [part.numpy() for part in next(iter(stream))]


def test_label_smoothing_spreads_a_share_over_all_classes(data):
    plain = first_batch(data, one_hot=True)[1]
    smooth = first_batch(data, one_hot=True, label_smoothing=0.3)[1]
    np.testing.assert_allclose(smooth, 0.7 * plain + 0.1, rtol=1e-6)
    np.testing.assert_allclose(smooth.sum(axis=1), 1, rtol=1e-6)


def test_the_validation_loss_is_that_of_the_true_labels_whatever_training_does(data):
    model = network()
    history = training.fit(
        model, data, 1, label_smoothing=0.2, augment=augmentation.mixup(), verbose=0
    )
    logits = model.predict(data.validation, verbose=0)
    labels = data.labels("validation")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    assert history.history["val_loss"][0] == pytest.approx(float(loss), rel=1e-3)
    accuracy = (logits.argmax(axis=1) == labels).mean()
    assert history.history["val_accuracy"][0] == pytest.approx(accuracy, abs=1e-6)


def test_without_validation_the_same_is_learned(data):
    weights = []
    for validate in (True, False):
        model = network()
        history = training.fit(model, data, 2, seed=1, validate=validate, verbose=0)
        weights.append(model.get_weights())
        assert ("val_loss" in history.history) is validate
    for with_it, without in zip(*weights, strict=True):
        np.testing.assert_array_equal(with_it, without)
    with pytest.raises(InvalidInput, match="validate is False"):
        training.fit(network(), data, 2, patience=1, validate=False, verbose=0)


def test_validation_images_are_never_augmented(data):
    images = np.concatenate([x for x, _ in pipeline.validation_batches(data.validation, 3, True)])
    np.testing.assert_array_equal(images, data.images("validation").astype("float32"))
    changed = first_batch(data, augment=[augmentation.geometric(flip=None)])[0]
    assert not np.array_equal(changed, first_batch(data)[0])


@pytest.mark.parametrize(
    "augment",
    [
        [augmentation.geometric("horizontal_and_vertical", rotation=0, zoom=0, translation=0)],
        [augmentation.geometric(rotation=0, zoom=0, translation=0), augmentation.color()],
        [augmentation.geometric()],
        [augmentation.cutout()],
        [keras.layers.RandomContrast(0.5)],
    ],
)
@pytest.mark.parametrize("side", [24, 40])  # as it is stored, and enlarged from batch to batch
def test_pixels_that_are_changed_as_bytes_end_as_those_changed_as_floats(tmp_path, augment, side):
    folder = training_data.write(tmp_path / "squares", per_class=12)
    data = datasets.from_directory(folder, image_size=side, batch_size=8, seed=0)

    def epochs(of):
        stream = pipeline.training_stream(
            of, epochs=range(2), seed=0, num_classes=3, augment=augment
        )
        assert stream.element_spec[0].dtype == "float32"
        return np.concatenate([images for images, _ in stream])

    np.testing.assert_array_equal(epochs(data), epochs((data.shuffled(), None)))


def test_batches_that_make_no_epoch_are_refused(data):
    nothing = data.train.take(0)
    unknown = nothing.filter(lambda *_: tf.constant(True))  # its length is not known
    for train, words in (
        (nothing, "holds no images"),
        (unknown, "holds no images"),
        (data.train.repeat(), "never end"),
    ):
        with pytest.raises(InvalidInput, match=words):
            pipeline.batches_per_epoch(train)


def test_no_pipeline_starts_the_thread_for_which_its_end_may_wait(data):
    flip = augmentation.geometric(rotation=0, zoom=0, translation=0)
    stream = pipeline.training_stream(
        data, epochs=range(1), seed=0, num_classes=3, augment=[flip], one_hot=True
    )
    for batches in (
        data.train,
        data.ordered("test"),
        stream,
        augmentation.apply(data.train, flip),
        pipeline.validation_batches(data.validation, 3, True),
    ):
        options = batches.options()
        assert options.autotune.enabled is False
        assert options.experimental_optimization.apply_default_optimizations is False


def test_every_epoch_shows_every_image_once_in_a_new_order(data):
    stream = pipeline.training_stream(data, epochs=range(3), seed=5, num_classes=3)
    epochs = np.concatenate([x.numpy().sum(axis=(1, 2, 3)) for x, _ in stream]).reshape(3, -1)
    everything = np.sort(data.images("train").astype("float32").sum(axis=(1, 2, 3)))
    for epoch in epochs:
        np.testing.assert_allclose(np.sort(epoch), everything, rtol=1e-6)
    assert not np.array_equal(epochs[0], epochs[1])
    later = pipeline.training_stream(data, epochs=range(2, 3), seed=5, num_classes=3)
    again = np.concatenate([x.numpy().sum(axis=(1, 2, 3)) for x, _ in later])
    np.testing.assert_array_equal(again, epochs[2])


def test_balanced_weights_are_those_of_scikit_learn():
    from sklearn.utils.class_weight import compute_class_weight

    labels = np.array([0] * 10 + [1] * 3 + [2] * 7)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(list(pipeline.balanced_weights(labels, 3).values()), expected)


def test_class_weights_count_for_indices_and_for_mixed_labels(data):
    weights = {0: 1.0, 1: 2.0, 2: 5.0}
    _, labels, counted = first_batch(data, class_weight=weights)
    np.testing.assert_allclose(counted, [weights[label] for label in labels])
    mixed = [augmentation.mixup(1.0)]
    _, labels, counted = first_batch(data, class_weight=weights, one_hot=True, augment=mixed)
    np.testing.assert_allclose(counted, labels @ [1, 2, 5], rtol=1e-5)


def test_a_class_of_weight_zero_is_not_learned(data):
    model = network()
    training.fit(model, data, 4, learning_rate=0.01, class_weight={0: 0.0}, verbose=0)
    predicted = model.predict(data.ordered("train"), verbose=0).argmax(axis=1)
    assert (predicted == 0).mean() < 0.1


# ------------------------------------------------------------------------------ what is shown


def test_shows_a_few_lines_in_a_file_and_nothing_on_stderr(data, capfd):
    training.fit(network(), data, 6, verbose=1)
    out, error = capfd.readouterr()
    lines = out.strip().splitlines()
    assert 2 <= len(lines) <= 12
    assert lines[-1].startswith("6 epochs in")
    assert "validation" in lines[-2]
    assert "it/s" not in error
    assert "epoch" not in error.lower()


def test_a_stored_lesson_shows_no_seconds(data, capfd, monkeypatch):
    monkeypatch.setenv("COURSE_STORED", "1")
    history = training.fit(network(), data, 2, verbose=1)
    last = capfd.readouterr()[0].strip().splitlines()[-1]
    assert last.startswith("2 epochs · loss")
    assert repr(history).startswith("2 epochs in")


def test_verbose_zero_is_silent(data, capfd):
    training.fit(network(), data, 1, verbose=0)
    assert capfd.readouterr().out == ""


# ------------------------------------------------------------------------------ what is refused


def ending_in(activation, compiled=None):
    model = keras.Sequential(
        [
            keras.Input((24, 24, 3)),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(3, activation=activation),
        ]
    )
    if compiled is not None:
        model.compile(optimizer="adam", loss=compiled, metrics=["accuracy"])
    return model


def with_softmax_layer():
    return keras.Sequential([network(), layers.Softmax()])


LOSSES = keras.losses
REFUSED = [
    (lambda d: (models.small_cnn, d), {}, "'small_cnn' is a function; call it"),
    (lambda d: ("network", d), {}, "A Keras model is needed"),
    (lambda d: (network(classes=5), d), {}, "5 outputs, but the dataset has 3 classes"),
    (lambda d: (network(shape=(32, 32, 3)), d), {}, "images of 32×32×3, but the dataset's are 24"),
    (lambda d: (network(shape=(24, 24, 1)), d), {}, "images with 1 channel, .* have 3 channels"),
    (lambda d: (ending_in("softmax"), d), {}, "ends in softmax.* expects logits"),
    (lambda d: (with_softmax_layer(), d), {}, "ends in softmax.* expects logits"),
    (
        lambda d: (ending_in(None, "sparse_categorical_crossentropy"), d),
        {},
        "ends in logits, but its loss expects probabilities",
    ),
    (
        lambda d: (ending_in(None, LOSSES.CategoricalCrossentropy(from_logits=True)), d),
        {},
        "class indices, but the model was compiled with a loss for one-hot",
    ),
    (
        lambda d: (ending_in(None, LOSSES.SparseCategoricalCrossentropy(from_logits=True)), d),
        {"augment": augmentation.mixup()},
        "makes one-hot labels, but the model was compiled",
    ),
    (
        lambda d: (ending_in("softmax", "sparse_categorical_crossentropy"), one_hot(d)),
        {},
        "labels are one-hot, but the loss expects class ind",
    ),
    (lambda d: (network(), rescaled(d)), {}, "rescaled twice; give it pixels in 0-255"),
    (lambda d: (network(), one_hot(d, 4)), {}, "3 outputs, but the one-hot labels have 4"),
    (
        lambda d: (one_output("sigmoid", "sparse_categorical_crossentropy"), only_train(d, 2)),
        {},
        "single output, but its loss expects one output per class",
    ),
    (lambda d: (one_output(), only_train(d)), {}, "between 0 and 1, but .* from 0 to 2"),
    (
        lambda d: (one_output(), only_train(d, 2)),
        {"label_smoothing": 0.1},
        "need one output per class",
    ),
    (
        lambda d: (ending_in("sigmoid", "binary_crossentropy"), only_train(d)),
        {},
        "3 outputs and a binary loss",
    ),
    (lambda d: (network(), floats(d)), {}, "Labels must be whole numbers"),
    (lambda d: (network(classes=2), only_train(d)), {}, "labels must lie between 0 and 1"),
    (lambda d: (network(), broken(d)), {}, "Some pixels are not numbers"),
    (lambda d: (network(), d.train.unbatch()), {}, "must be what datasets.load"),
    (lambda d: (network(), (d.train.unbatch(), None)), {}, "single images and not batches"),
    (lambda d: (network(), (d.train.repeat(), None)), {}, "never end"),
    (lambda d: (network(), (d.train.take(0), None)), {}, "holds no images"),
    (lambda d: (network(), only_train(d)), {"patience": 2}, "there are no validation data"),
    (lambda d: (network(), d), {"epochs": 0}, "epochs is 0, .* whole number of at least 1"),
    (lambda d: (network(), d), {"epochs": "ten"}, "epochs is 'ten'"),
    (lambda d: (network(), d), {"learning_rate": 0}, "learning_rate is 0, .* above 0"),
    (lambda d: (network(), d), {"learning_rate": "small"}, "learning_rate is 'small'"),
    (lambda d: (network(), d), {"optimizer": "adamm"}, "no optimizer 'adamm'"),
    (lambda d: (network(), d), {"schedule": "cosinus"}, "no schedule 'cosinus'"),
    (lambda d: (network(), d), {"warmup_epochs": -1}, "warmup_epochs is -1"),
    (lambda d: (network(), d), {"patience": 1.5}, "patience is 1.5"),
    (lambda d: (network(), d), {"label_smoothing": 1}, "label_smoothing is 1, .* below 1"),
    (lambda d: (network(), d), {"class_weight": "even"}, "'even', but it must be 'balanced'"),
    (lambda d: (network(), d), {"class_weight": {7: 1.0}}, "names the class 7"),
    (lambda d: (network(), d), {"class_weight": {0: -1.0}}, "class_weight of class 0 is -1.0"),
    (lambda d: (network(), d), {"augment": "flip"}, "An augmentation must be"),
    (lambda d: (network(), d), {"callbacks": [keras.callbacks.EarlyStopping]}, "parentheses"),
    (lambda d: (network(), d), {"callbacks": keras.callbacks.TerminateOnNaN()}, "must be a list"),
    (lambda d: (network(), d), {"callbacks": None}, "must be a list"),
    (lambda d: (network(), d), {"class_weight": [1.0, 2.0, 3.0]}, "dictionary from class index"),
    (lambda d: (network(), d), {"class_weight": {0: float("inf")}}, "class_weight of class 0"),
    (lambda d: (network(), d), {"learning_rate": float("inf")}, "learning_rate is inf"),
    (lambda d: (network(), d), {"seed": -1}, "seed is -1"),
]


def one_hot(data, classes=3):
    return (data.train.map(lambda x, y: (x, tf.one_hot(y, classes))), None)


def one_output(activation=None, compiled=None):
    model = keras.Sequential([keras.Input((24, 24, 3)), layers.Rescaling(1 / 255)])
    model.add(layers.Flatten())
    model.add(layers.Dense(1, activation=activation))
    if compiled is not None:
        model.compile(optimizer="adam", loss=compiled, metrics=["accuracy"])
    return model


def rescaled(data):
    return (data.train.map(lambda x, y: (x / 255, y)), data.validation)


def floats(data):
    return (data.train.map(lambda x, y: (x, tf.cast(y, tf.float32))), None)


def broken(data):
    return (data.train.map(lambda x, y: (x * float("nan"), y)), None)


def only_train(data, classes=3):
    return (data.train.map(lambda x, y: (x, tf.minimum(y, classes - 1))), None)


@pytest.mark.parametrize(("make", "arguments", "words"), REFUSED)
def test_refuses_what_does_not_fit_in_one_sentence(data, make, arguments, words):
    model, given = make(data)
    with pytest.raises((InvalidInput, FileNotFoundError), match=words) as caught:
        training.fit(model, given, **{"epochs": 1, "verbose": 0, **arguments})
    text = str(caught.value)
    assert "\n" not in text
    assert text.endswith(".")


def test_a_model_with_another_way_of_ending_is_left_to_its_loss(data):
    history = training.fit(
        ending_in("softmax", "sparse_categorical_crossentropy"), data, 1, verbose=0
    )
    assert np.isfinite(history.history["loss"]).all()


def test_a_label_that_is_no_class_is_reported_when_it_comes_late(data):
    def spoil(index, batch):
        images, labels = batch
        return images, tf.where(index == 4, labels + 90, labels)

    train = data.ordered("train").enumerate().map(spoil)
    with pytest.raises(InvalidInput, match="A label is not one of the classes"):
        training.fit(network(), (train, None), 1, verbose=0)


# ------------------------------------------------------------------------------ what it costs


def test_metrics_are_read_for_what_is_shown_only(data, capsys):
    # Reading a metric waits for the device, so a bar in a file must not do it in every batch.
    class Counting(keras.Model):
        reads = 0

        def get_metrics_result(self):
            Counting.reads += 1
            return super().get_metrics_result()

    inner = network()
    model = Counting(inner.inputs, inner.outputs)
    training.fit(model, data, 10, verbose=1)
    shown = [line for line in capsys.readouterr().out.splitlines() if "epoch" in line]
    assert 8 <= len(shown) <= 12, "a few lines in a file"
    quiet = Counting.reads
    Counting.reads = 0
    training.fit(model, data, 10, verbose=0)
    assert quiet - Counting.reads <= len(shown)


def test_checks_before_training_build_no_pipeline_of_their_own(data, monkeypatch):
    def never(*_):
        raise AssertionError("reading a few pictures needs no pipeline")

    monkeypatch.setattr(type(data), "ordered", never)
    model = network()
    assert _data_checks.require_match(model, data, data.shuffled()) == 3
    with pytest.raises(InvalidInput, match="24×24"):
        _data_checks.require_match(network(shape=(32, 32, 3)), data, data.shuffled())


def test_batch_normalization_is_of_use_after_three_epochs(tmp_path):
    folder = training_data.write(tmp_path / "squares")
    few = datasets.from_directory(
        folder, image_size=24, batch_size=8, seed=0, validation=0.25, test=0.1
    )
    keras.utils.set_random_seed(0)
    model = models.deep_cnn(few.input_shape, few.num_classes, filters=(16, 32))
    history = training.fit(model, few, 3, learning_rate=3e-3, seed=0, verbose=0)
    accuracy = model.evaluate(few.validation, return_dict=True, verbose=0)["accuracy"]
    assert history.history["accuracy"][-1] > 0.8
    assert accuracy > 0.75, "with Keras's momentum of 0.99 about 0.5"
    assert accuracy == pytest.approx(history.history["val_accuracy"][-1], abs=1e-6)


# ------------------------------------------------------------------------------ subclasses


class Subclass(keras.Model):
    def __init__(self, outputs):
        super().__init__()
        self.flat, self.out = layers.Flatten(), layers.Dense(outputs)

    def call(self, images, training=False):
        return self.out(self.flat(images / 255.0))


def test_a_subclass_of_model_trains_whether_it_was_called_before_or_not(data):
    for called in (False, True):
        keras.utils.set_random_seed(0)
        model = Subclass(3)
        if called:
            model(np.zeros((1, 24, 24, 3), "float32"))
        history = training.fit(model, data, 3, label_smoothing=0.1 if called else 0, verbose=0)
        assert history.history["loss"][-1] < history.history["loss"][0]


def test_a_model_that_raises_an_error_without_a_message_is_refused(data):
    class Unfinished(keras.Model):
        def build(self, input_shape):
            raise ValueError

    with pytest.raises(InvalidInput, match=r"cannot be given images of 24×24×3: ValueError\.$"):
        training.fit(Unfinished(), data, epochs=1, verbose=0)


def test_a_subclass_with_one_output_gets_the_loss_of_one_output(data):
    two = data.subset(classes=["blue", "red"])
    model = Subclass(1)
    training.fit(model, two, 1, verbose=0)
    assert isinstance(model.loss, keras.losses.BinaryCrossentropy)
    with pytest.raises(InvalidInput, match="single output"):
        training.fit(Subclass(1), two, 1, label_smoothing=0.1, verbose=0)


# ------------------------------------------------------------------------------ callbacks


def test_a_loss_that_becomes_infinite_late_is_noticed_within_the_epoch(data, monkeypatch):
    """Without a bar the loss is read once a second; a clock that jumps stands for a slow step."""
    from course_utils.training import _callbacks

    class Clock:
        now = 0.0

        def monotonic(self):
            Clock.now += 10.0
            return Clock.now

        def time(self):
            return self.monotonic()

    class Spoil(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 2:
                self.model.layers[-1].bias.assign([float("nan")] * 3)

    monkeypatch.setattr(_callbacks, "time", Clock())
    with pytest.raises(TrainingStopped, match="epoch 1 of 4, by batch 3") as caught:
        training.fit(network(), data, 4, callbacks=[Spoil()], verbose=0)
    assert "0.0001 instead of 0.001" in str(caught.value)


def test_nothing_is_kept_of_an_epoch_whose_loss_is_nan(data, tmp_path):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                self.model.layers[-1].bias.assign([float("nan")] * 3)

    run = tmp_path / "run"
    with pytest.raises(TrainingStopped, match="epoch 2 of 3"):
        training.fit(network(), data, 3, callbacks=[Spoil()], checkpoint=run, verbose=0)
    kept = np.load(run / "state.npz")
    assert all(np.isfinite(kept[name]).all() for name in kept.files if name.startswith("model/"))
