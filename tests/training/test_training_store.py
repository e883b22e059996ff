"""Trained models are stored and found again; experiments put variants side by side."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import training_data

from course_utils import augmentation, datasets, models, settings, training
from course_utils.exceptions import InvalidInput
from course_utils.training import store


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_WORK", str(tmp_path_factory.mktemp("work")))
        folder = training_data.write(tmp_path_factory.mktemp("data") / "squares", per_class=20)
        yield datasets.from_directory(folder, image_size=training_data.SIZE, batch_size=16)


def build():
    return models.small_cnn((24, 24, 3), 3, filters=(4,), dense_units=8)


def stored() -> list:
    folder = settings.cache_root() / "models"
    return sorted(folder.iterdir()) if folder.exists() else []


# ------------------------------------------------------------------------------ fit_or_load


def test_the_second_call_loads_what_the_first_one_trained(data, capsys, monkeypatch):
    model, history = training.fit_or_load(build, data, 2, name="My model")
    assert [path.name.rsplit("-", 1)[0] for path in stored()] == ["my-model"]
    capsys.readouterr()

    def never(*arguments, **more):
        raise AssertionError("trained again")

    monkeypatch.setattr(store, "fit", never)
    models.deep_cnn((32, 32, 3), 2)  # moves Keras's counters of names
    again, same = training.fit_or_load(build, data, 2, name="My model")
    assert capsys.readouterr().out.startswith("My model: loaded")
    assert same.to_json() == history.to_json()
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert again.evaluate(data.test, verbose=0) == model.evaluate(data.test, verbose=0)


def test_whatever_differs_is_trained_again(data, monkeypatch):
    keys = []
    monkeypatch.setattr(store, "fit", lambda *_, **__: training.History({"loss": [1.0]}))

    def run(build=build, dataset=data, epochs=2, **arguments):
        training.fit_or_load(build, dataset, epochs, name="m", verbose=0, **arguments)
        new = [path.name for path in stored() if path.name not in keys]
        keys.extend(new)
        return len(new) == 1

    assert run()
    assert not run()
    assert run(epochs=1)
    assert run(build=lambda: models.small_cnn((24, 24, 3), 3, filters=(5,), dense_units=8))
    assert run(dataset=data.without(data.ids("train")[:1]))
    assert run(dataset=data.with_labels({data.ids("train")[0]: 2}))
    assert run(learning_rate=0.01)
    assert run(seed=1)
    assert run(patience=1)
    assert run(augment=augmentation.geometric())
    assert run(augment=augmentation.geometric(zoom=0.2))
    assert run(augment=[augmentation.geometric(), augmentation.cutout()])
    assert not run(augment=[augmentation.geometric(), augmentation.cutout()])
    assert run(augment=keras.layers.RandomFlip("horizontal", seed=1))
    assert not run(augment=keras.layers.RandomFlip("horizontal", seed=1))
    assert run(optimizer=keras.optimizers.SGD(0.1))
    assert run(optimizer=keras.optimizers.SGD(0.2))
    assert run(class_weight={0: 2.0})

    def other_weights():
        model = build()
        model.set_weights([w + 1 for w in model.get_weights()])
        return model

    assert run(build=other_weights)
    monkeypatch.setattr(store, "signature", lambda *a, **k: {"Keras version": "9"})
    assert run()


def test_reduced_epochs_are_never_taken_for_full_ones(data, monkeypatch):
    monkeypatch.setenv("COURSE_EPOCHS", "1")
    _, short = training.fit_or_load(build, data, settings.epochs(3), name="m", verbose=0)
    monkeypatch.delenv("COURSE_EPOCHS")
    _, full = training.fit_or_load(build, data, settings.epochs(3), name="m", verbose=0)
    assert len(short.epoch) == 1
    assert len(full.epoch) == 3


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c[: len(c) // 2],
        pytest.param(lambda c: b"", marks=pytest.mark.slow),
        pytest.param(lambda c: c[:500] + b"x" * (len(c) - 500), marks=pytest.mark.slow),
    ],
)
def test_a_damaged_store_is_trained_again_and_said_so(data, capsys, damage):
    _, history = training.fit_or_load(build, data, 1, name="m", verbose=0)
    (file,) = stored()
    whole = file.read_bytes()
    file.write_bytes(damage(whole))
    _, again = training.fit_or_load(build, data, 1, name="m", verbose=0)
    out = capsys.readouterr().out
    assert "is damaged" in out
    assert out.count("\n") == 1
    for name, values in history.history.items():
        assert again.history[name] == pytest.approx(values, rel=1e-4)
    _, last = training.fit_or_load(build, data, 1, name="m", verbose=0)
    assert last.to_json() == again.to_json()


def test_a_full_disk_costs_the_store_and_not_the_model(data, capsys, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    _, history = training.fit_or_load(build, data, 1, name="m", verbose=0)
    assert len(history.epoch) == 1
    assert "could not be stored (the disk is full)" in capsys.readouterr().out
    assert stored() == []


def test_what_cannot_be_compared_is_trained_and_said_so(data, capsys):
    def halve(images, labels):
        return images / 2, labels

    _, history = training.fit_or_load(build, data, 1, name="m", augment=halve)
    assert len(history.epoch) == 1
    assert "m: not stored for the next time." in capsys.readouterr().out
    assert stored() == []


class WithoutConfig(keras.layers.Layer):
    def call(self, inputs):
        return inputs

    def get_config(self):
        raise NotImplementedError


def test_a_layer_whose_get_config_raises_an_error_without_a_message(data, capsys, tmp_path):
    def build_without_config():
        return keras.Sequential([keras.Input((24, 24, 3)), build(), WithoutConfig()], name="own")

    words = "The model 'own' cannot be described (NotImplementedError)."
    _, history = training.fit_or_load(build_without_config, data, 1)
    assert len(history.epoch) == 1
    assert f"own: not stored for the next time. {words}" in capsys.readouterr().out
    with pytest.raises(InvalidInput) as caught:
        training.fit(build_without_config(), data, 1, checkpoint=tmp_path / "run", verbose=0)
    assert str(caught.value) == words


def test_the_model_itself_and_unknown_arguments_are_refused(data):
    with pytest.raises(InvalidInput, match="needs a function that builds"):
        training.fit_or_load(build(), data, 1)
    with pytest.raises(InvalidInput, match="no argument 'lr'; it has"):
        training.fit_or_load(build, data, 1, lr=0.1)
    with pytest.raises(InvalidInput, match="epochs is 0"):
        training.fit_or_load(build, data, 0)


@pytest.mark.slow
def test_two_processes_at_once_do_not_disturb_each_other(tmp_path):
    folder = training_data.write(tmp_path / "squares", per_class=12)
    script = (
        "import sys\n"
        "from course_utils import datasets, models, training\n"
        "data = datasets.from_directory(sys.argv[1], image_size=24)\n"
        "build = lambda: models.small_cnn((24, 24, 3), 3, filters=(4,), dense_units=8)\n"
        "model, history = training.fit_or_load(build, data, 2, name='m', verbose=0)\n"
        "print(round(history.final('val_loss'), 3))\n"
    )
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "COURSE_WORK": str(tmp_path / "w")}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(folder)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    results = [process.communicate(timeout=240) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], results
    assert results[0][0].splitlines()[-1] == results[1][0].splitlines()[-1]
    assert len(list((tmp_path / "w" / "cache" / "models").iterdir())) == 1


# ------------------------------------------------------------------------------ experiment


def test_an_experiment_is_one_table_and_one_bar(data, capfd):
    result = training.experiment(
        {
            "plain": build,
            "slow": {"build": build, "learning_rate": 1e-6, "epochs": 1},
        },
        data,
        epochs=3,
        repeats=2,
        learning_rate=0.01,
    )
    out, error = capfd.readouterr()
    lines = out.strip().splitlines()
    assert len(lines) <= 12
    assert lines[-1] == "2 variants, 4 runs"
    assert "epoch" not in error
    table = result.table
    assert list(table.index) == ["plain", "slow"]
    assert list(table["runs"]) == [2, 2]
    assert list(table["epochs"]) == [3, 1]
    assert table.loc["plain", "parameters"] == build().count_params()
    finals = [history.history["val_accuracy"][-1] for history in result.histories["plain"]]
    assert table.loc["plain", "val accuracy"] == pytest.approx(np.mean(finals))
    assert table.loc["plain", "std"] == pytest.approx(np.std(finals, ddof=1))
    losses = [history.history["loss"][0] for history in result.histories["plain"]]
    assert losses[0] != losses[1]  # two seeds


def test_a_variant_that_fails_does_not_take_the_others_with_it(data, capsys):
    def broken():
        raise RuntimeError("no such layer\nmore")

    result = training.experiment(
        {"good": build, "broken": broken, "wrong": lambda: models.small_cnn((24, 24, 3), 7)},
        data,
        epochs=1,
    )
    assert list(result.table["runs"]) == [1, 0, 0]
    assert "RuntimeError: no such layer" in result.table.loc["broken", "failed"]
    assert "3 classes" in result.errors["wrong"]
    assert np.isnan(result.table.loc["broken", "val accuracy"])
    out = capsys.readouterr().out
    assert "broken failed. RuntimeError: no such layer" in out


def test_an_experiment_goes_on_where_it_stopped(data, monkeypatch):
    first = training.experiment({"plain": build}, data, epochs=1, repeats=2, verbose=0)
    monkeypatch.setattr(store, "fit", None)  # any training would fail now
    again = training.experiment({"plain": build}, data, epochs=1, repeats=2, verbose=0)
    assert again.table.equals(first.table)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"variants": {}}, "at least one entry"),
        ({"variants": [build]}, "must be a dictionary"),
        ({"variants": {"a": {"epochs": 3}}}, "does not say which model"),
        ({"repeats": 0}, "repeats is 0"),
        ({"epochs": 0}, "epochs is 0"),
        ({"lr": 0.1}, "Every run failed. InvalidInput: training.fit has no argument 'lr'"),
    ],
)
def test_an_experiment_refuses_what_it_cannot_run(data, arguments, words):
    arguments = {"variants": {"a": build}, "epochs": 1, "verbose": 0, **arguments}
    with pytest.raises(InvalidInput, match=words):
        training.experiment(dataset=data, **arguments)


# ------------------------------------------------------------------------------ recipes


def test_the_lesson_model_is_the_recipe_of_lesson_04_and_stored_once(data, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_EPOCHS", "1")
    model, history = training.lesson_model(data.subset(per_class=5), verbose=0)
    assert model.name == "small_cnn"
    assert history.params["epochs"] == 1
    training.lesson_model(data.subset(per_class=5))
    assert "lesson model: loaded" in capsys.readouterr().out


def test_the_run_on_photographs_needs_a_time_above_zero(monkeypatch):
    with pytest.raises(InvalidInput, match="seconds is"):
        training.flowers_run(seconds=-1)
    with pytest.raises(InvalidInput, match="seconds is"):
        training.flowers_run(seconds="long")


@pytest.mark.data
@pytest.mark.slow
def test_the_run_on_photographs_trains_as_much_as_its_time_allows(real_data, monkeypatch):
    from course_utils.training import recipes

    monkeypatch.setattr(recipes, "FLOWERS_SIZE", 24)  # the shape of the thing, not its accuracy
    monkeypatch.setattr(recipes, "FLOWERS_FIRST_SIZE", 16)
    _, short = training.flowers_run(seconds=0.1, seed=0)
    assert len(short.epoch) == 2, "always at least one batch of each size"
    began = time.monotonic()
    model, longer = training.flowers_run(seconds=30, seed=0)
    spent = time.monotonic() - began
    assert spent > 0.9 * 30, "the time that is given is used"
    assert len(longer.epoch) > 2
    assert model.input_shape == (None, 24, 24, 3)
    assert longer.seconds > 0.8 * 30, "of both sizes together"
    assert longer.final("val_accuracy") == longer.history["val_accuracy"][-1] > 0.3
    assert float(model.optimizer.learning_rate) < 0.1 * 4e-3, "the clock lowers the rate"


@pytest.mark.slow
def test_a_given_training_time_leaves_out_what_comes_before_the_first_step_is_done(data):
    from course_utils.training import recipes

    class SlowToBuild(keras.layers.Layer):
        def call(self, x):  # runs where a step is traced, and in no step after it
            time.sleep(0.5)
            return x

    class Watch(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.begins, self.rates = [], []

        def on_train_batch_begin(self, batch, logs=None):
            self.begins.append(time.monotonic())
            self.rates.append(float(self.model.optimizer.learning_rate))

    clock, watch = recipes._TrainingClock(2.0, 0.01), Watch()
    for until, before in ((0.5, 0.0), (1.0, 1.0)):
        clock.until, watch.begins, watch.rates = until, [], []
        layers = [keras.Input((24, 24, 3)), SlowToBuild(), keras.layers.Flatten()]
        model = keras.Sequential([*layers, keras.layers.Dense(3)])
        began = time.monotonic()
        history = training.fit(
            model, data, 10_000, callbacks=[clock, watch], validate=False, verbose=0
        )
        assert time.monotonic() - began > 1.5, "tracing takes half a second, the training one"
        longest = max(np.diff(watch.begins[1:]))
        # The last step ends about where the time does, however long the steps are.
        assert clock.elapsed == pytest.approx(2.0 * until, abs=0.1 + 2 * longest)
        trained = clock.elapsed - before
        assert trained == pytest.approx(watch.begins[-1] - watch.begins[1], abs=0.1 + 2 * longest)
        assert len(history.epoch) < 10_000
        assert watch.rates[0] == pytest.approx(0.01 * recipes.cosine_factor(before / 2), abs=1e-3)
        assert watch.rates[-1] == pytest.approx(0.01 * recipes.cosine_factor(until), abs=3e-3)


def test_a_time_that_is_over_at_once_is_noticed_after_a_few_steps(data):
    from course_utils.training import recipes

    clock = recipes._TrainingClock(1e-9, 0.01)
    model = build()
    training.fit(model, data, 100, callbacks=[clock], validate=False, verbose=0)
    assert 1 <= int(model.optimizer.iterations) <= 3


@pytest.mark.slow
def test_a_recipe_with_a_time_limit_ends_where_it_should(data, monkeypatch):
    from course_utils.training import recipes

    monkeypatch.setattr(recipes, "FLOWERS_FIRST_SIZE", 16)
    model, history = recipes.timed_run(data, seconds=3.0, seed=0)
    assert model.input_shape == (None, 24, 24, 3)
    assert history.seconds > 2.7, "of both sizes together, start-up included"
    assert history.final("val_accuracy") == history.history["val_accuracy"][-1]
    assert np.isnan(history.history["val_accuracy"][:-1]).all()
    assert len(history.history["val_accuracy"]) == len(history.epoch) > 2
    assert float(model.optimizer.learning_rate) < 0.25 * 4e-3, "the time lowers the rate"


def test_the_rate_by_time_is_that_of_the_schedule_by_steps():
    from course_utils.training import recipes

    rates = training.learning_rates("cosine", 1.0, epochs=10, steps_per_epoch=100, warmup_epochs=1)
    clock = [recipes.cosine_factor(step / 1000) for step in range(1000)]
    np.testing.assert_allclose(clock, rates, atol=0.011)
    assert recipes.cosine_factor(1.2) == 0


def test_a_model_that_was_loaded_can_be_stored_and_loaded_without_a_warning(tmp_path, recwarn):
    import keras

    from course_utils import models
    from course_utils.training.fitting import compile_trained

    model = models.small_cnn((24, 24, 3), 3, filters=(4,))
    compile_trained(model, {})
    model.save(tmp_path / "model.keras")
    keras.saving.load_model(tmp_path / "model.keras")
    assert not [warning for warning in recwarn if "optimizer" in str(warning.message)]
