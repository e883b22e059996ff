"""The lesson model: its weights come with the course and belong to its recipe and data."""

from __future__ import annotations

import numpy as np
import pytest

from course_utils import datasets, evaluation, training
from course_utils.exceptions import InvalidInput
from course_utils.training import shipped_model


@pytest.fixture(scope="module")
def flowers():
    return datasets.load("paper_flowers", image_size=96)


def test_the_shipped_weights_belong_to_the_recipe_and_the_data(flowers):
    assert shipped_model.is_shipped(flowers), "run 'make build': the recipe or the data changed"


def test_the_shipped_model_reaches_what_its_history_says(flowers, capsys):
    model, history = training.lesson_model(flowers)
    assert "weights come with the course" in capsys.readouterr().out
    best = int(np.argmin(history.history["val_loss"]))
    loss, accuracy = model.evaluate(flowers.validation, verbose=0)
    assert loss == pytest.approx(history.history["val_loss"][best], abs=2e-3)
    assert accuracy == pytest.approx(history.history["val_accuracy"][best], abs=1e-6)
    assert 0.70 <= evaluation.predict(model, flowers).accuracy <= 0.90


def test_another_test_split_keeps_the_model(flowers):
    assert shipped_model.is_shipped(flowers.subset(per_class={"test": 10}))


def test_other_data_seeds_and_damaged_files_are_trained(flowers, monkeypatch, tmp_path, capsys):
    assert not shipped_model.is_shipped(flowers.subset(per_class={"train": 10}))
    assert not shipped_model.is_shipped(datasets.load("paper_flowers", image_size=48))
    monkeypatch.setenv("COURSE_SEED", "7")
    assert not shipped_model.is_shipped(flowers)
    monkeypatch.delenv("COURSE_SEED")
    folder = tmp_path / "data" / "lesson_model"
    folder.mkdir(parents=True)
    content = bytearray(shipped_model.shipped_file().read_bytes())
    content[len(content) // 2] ^= 255
    damaged = folder / "lesson_model.npz"
    damaged.write_bytes(content)
    monkeypatch.setattr(shipped_model, "shipped_file", lambda: damaged)
    assert not shipped_model.is_shipped(flowers)
    assert "is damaged" in capsys.readouterr().out


def test_retrain_trains_again(flowers, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_EPOCHS", "1")
    monkeypatch.setenv("COURSE_WORK", str(tmp_path))
    _, history = training.lesson_model(flowers.subset(per_class=8), verbose=0, retrain=True)
    assert history.params["epochs"] == 1


def test_a_stored_model_is_read_again(flowers, monkeypatch, tmp_path):
    model, history = training.lesson_model(flowers, verbose=0)
    file = tmp_path / "lesson_model.npz"
    shipped_model.store_lesson_model(model, history, flowers, file)
    monkeypatch.setattr(shipped_model, "shipped_file", lambda: file)
    again, stored = training.lesson_model(flowers, verbose=0)
    assert stored.history == history.history
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_weights_that_rounding_would_change_are_refused(flowers, tmp_path):
    model, history = training.lesson_model(flowers, verbose=0)
    *_, kernel, _ = weights = model.get_weights()
    weights[-2] = np.repeat(kernel[:, :1], kernel.shape[1], axis=1)  # no class differs,
    weights[-1] = np.full(kernel.shape[1], 1000, np.float32) + [0, 0, 0, 0, 0.2]  # but for 0.2
    model.set_weights(weights)
    with pytest.raises(InvalidInput, match="answers 820 images differently"):
        shipped_model.store_lesson_model(model, history, flowers, tmp_path / "file.npz")
    assert not list(tmp_path.iterdir())
