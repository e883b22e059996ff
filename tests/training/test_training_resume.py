"""A training that is killed and started again ends as if it had not been killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest
import training_data

from course_utils import augmentation, datasets, models, training
from course_utils.exceptions import InvalidInput
from course_utils.training.checkpoint import read_arrays

SCRIPT = """
import json, sys
import keras
from keras import layers
from course_utils import augmentation, datasets, models, training

folder, checkpoint, out, mode = sys.argv[1:5]
data = datasets.from_directory(folder, image_size=24, batch_size=16)
keras.utils.set_random_seed(3)
model = models.regularized_cnn(data.input_shape, data.num_classes, filters=(4,), dense_units=8)


class Slow(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        open(out + ".epoch", "a").write(f"{epoch + 1}\\n")

    def on_train_batch_begin(self, batch, logs=None):
        if mode == "slow":
            import time
            time.sleep(0.15)


history = training.fit(
    model, data, 6, learning_rate=0.002, schedule=sys.argv[5], warmup_epochs=1, patience=4,
    augment=[
        augmentation.geometric(), layers.RandomFlip("vertical"), augmentation.mixup(),
    ],
    label_smoothing=0.1, callbacks=[Slow()], checkpoint=checkpoint, verbose=0,
)
weights = [float(w.sum()) for w in model.get_weights()]
logits = model.predict(data.validation, verbose=0).tolist()
json.dump({"history": history.to_json(), "weights": weights, "logits": logits}, open(out, "w"))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return training_data.write(tmp_path_factory.mktemp("data") / "squares", per_class=20)


@pytest.fixture
def data(folder):
    return datasets.from_directory(folder, image_size=training_data.SIZE, batch_size=16)


def start(folder, checkpoint, out, mode, schedule) -> subprocess.Popen:
    command = [sys.executable, "-c", SCRIPT, folder, checkpoint, out, mode, schedule]
    return subprocess.Popen(
        [str(part) for part in command],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen, out: Path) -> dict:
    _, error = process.communicate(timeout=300)
    assert process.returncode == 0, error
    return json.loads(out.read_text())


def epochs_begun(out: Path) -> list[int]:
    log = Path(f"{out}.epoch")
    return [int(line) for line in log.read_text().split()] if log.exists() else []


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
def test_killed_in_epoch_3_and_started_again_ends_as_if_nothing_had_happened(
    folder, tmp_path, schedule
):
    whole = start(folder, tmp_path / "whole", tmp_path / "whole.json", "fast", schedule)
    out = tmp_path / "killed.json"
    killed = start(folder, tmp_path / "run", out, "slow", schedule)
    deadline = time.monotonic() + 240
    while 3 not in epochs_begun(out):
        assert killed.poll() is None, killed.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert not out.exists()

    expected = finish(whole, tmp_path / "whole.json")
    resumed = finish(start(folder, tmp_path / "run", out, "fast", schedule), out)

    # Epoch 3 was begun twice; nothing before it was trained again.
    assert epochs_begun(out) == [1, 2, 3, 3, 4, 5, 6]
    history, wanted = resumed["history"]["history"], expected["history"]["history"]
    assert {len(values) for values in history.values()} == {6}
    for name, values in wanted.items():
        np.testing.assert_allclose(history[name], values, rtol=1e-3, atol=1e-3, err_msg=name)
    np.testing.assert_allclose(history["learning_rate"], wanted["learning_rate"], rtol=1e-6)
    np.testing.assert_allclose(resumed["weights"], expected["weights"], rtol=1e-2, atol=1e-3)
    np.testing.assert_allclose(resumed["logits"], expected["logits"], rtol=1e-2, atol=2e-3)
    assert resumed["history"]["best_epoch"] == expected["history"]["best_epoch"]


class Kill(keras.callbacks.Callback):
    """Stands for a power cut at the end of an epoch, before or after the state is kept."""

    def __init__(self, epoch: int):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def network(seed=1):
    keras.utils.set_random_seed(seed)
    return models.small_cnn((24, 24, 3), 3, filters=(4,), dense_units=8)


def frozen():
    """A model that does not learn, so that early stopping and the plateau count every epoch."""
    model = network()
    model.trainable = False
    return model


@pytest.mark.filterwarnings("ignore:The model does not have any trainable weights")
def test_patience_and_plateau_go_on_counting(data, tmp_path):
    arguments = {"schedule": "plateau", "patience": 5, "verbose": 0}
    whole = training.fit(frozen(), data, 12, callbacks=[Kill(99)], **arguments)
    assert whole.stopped_early
    assert len(whole.epoch) == 6
    with pytest.raises(KeyboardInterrupt):
        training.fit(
            frozen(), data, 12, callbacks=[Kill(3)], checkpoint=tmp_path / "run", **arguments
        )
    resumed = training.fit(
        frozen(), data, 12, callbacks=[Kill(99)], checkpoint=tmp_path / "run", **arguments
    )
    assert resumed.history["learning_rate"] == pytest.approx(whole.history["learning_rate"])
    assert len(resumed.epoch) == 6
    assert resumed.stopped_early
    assert resumed.best_epoch == whole.best_epoch == 0


def test_killed_between_early_stopping_and_the_end_still_gives_the_best_weights(
    data, tmp_path, monkeypatch
):
    from course_utils.training.checkpoint import RunFolder

    save = RunFolder.save

    def power_cut(self, *arguments, finished=False):
        if finished:
            raise KeyboardInterrupt
        save(self, *arguments)

    arguments = {"learning_rate": 0.05, "patience": 1, "checkpoint": tmp_path / "run", "verbose": 0}
    monkeypatch.setattr(RunFolder, "save", power_cut)
    first = network()
    with pytest.raises(KeyboardInterrupt):
        training.fit(first, data, 30, **arguments)
    monkeypatch.undo()
    second = network(seed=99)
    history = training.fit(second, data, 30, **arguments)
    assert history.stopped_early
    assert history.best_epoch == int(np.argmin(history.history["val_loss"]))
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(one, other)


def test_a_finished_training_returns_at_once(data, tmp_path):
    model = network()
    first = training.fit(model, data, 2, checkpoint=tmp_path / "run", verbose=0)
    other = network(seed=2)
    began = time.monotonic()
    again = training.fit(other, data, 2, checkpoint=tmp_path / "run", verbose=0)
    assert time.monotonic() - began < 5
    assert again.to_json() == first.to_json()
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


def test_another_training_is_refused_by_name_and_nothing_is_lost(data, folder, tmp_path):
    run = tmp_path / "my run"
    training.fit(network(), data, 1, checkpoint=run, verbose=0)
    before = (run / "state.npz").read_bytes()
    bigger = models.small_cnn((24, 24, 3), 3, filters=(5,), dense_units=8)
    cases = [
        (bigger, data, 1, {}, "with another model;"),
        (network(), data.without(data.ids("train")[:1]), 1, {}, "with another dataset;"),
        (network(), data, 2, {}, r"with another epochs \(1 there, 2 now\);"),
        (network(), data, 1, {"learning_rate": 0.1}, r"learning_rate \(None there, 0.1 now\)"),
        (network(), data, 1, {"augment": augmentation.geometric()}, "with another augment;"),
        (network(), data, 1, {"patience": 3, "seed": 5}, "patience .* and seed"),
    ]
    for model, dataset, epochs, arguments, words in cases:
        with pytest.raises(InvalidInput, match=words) as caught:
            training.fit(model, dataset, epochs, checkpoint=run, verbose=0, **arguments)
        assert "\n" not in str(caught.value)
        assert "give another checkpoint folder" in str(caught.value)
    assert (run / "state.npz").read_bytes() == before


def test_a_damaged_checkpoint_is_reported(data, tmp_path):
    run = tmp_path / "run"
    training.fit(network(), data, 1, checkpoint=run, verbose=0)
    content = (run / "state.npz").read_bytes()
    entry = content.index(b"PK\x01\x02")  # the directory of the archive
    version, encrypted = (
        content[: entry + at] + b"\xff" + content[entry + at + 1 :] for at in (6, 8)
    )
    half = content[: len(content) // 2]
    for damaged in (half, b"", b"PK\x03\x04 no archive", version, encrypted):
        (run / "state.npz").write_bytes(damaged)
        with pytest.raises(InvalidInput, match="cannot be read.*delete the folder") as caught:
            training.fit(network(), data, 1, checkpoint=run, verbose=0)
        assert "\n" not in str(caught.value)


def test_a_full_disk_costs_the_checkpoint_and_not_the_training(data, tmp_path, monkeypatch, capsys):
    import errno

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    history = training.fit(network(), data, 3, checkpoint=tmp_path / "run", verbose=0)
    assert len(history.epoch) == 3
    out = capsys.readouterr().out
    assert out.count("the disk is full") == 1
    assert list((tmp_path / "run").iterdir()) == []  # no half-written file is left behind


def test_a_folder_that_cannot_be_made_is_refused(data, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InvalidInput, match="cannot be made"):
        training.fit(network(), data, 1, checkpoint=tmp_path / "file" / "run", verbose=0)


def test_the_state_is_one_file_without_pickles(data, tmp_path):
    training.fit(network(), data, 1, checkpoint=tmp_path / "run", verbose=0)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["state.npz"]
    arrays, about = read_arrays(tmp_path / "run" / "state.npz")
    assert about["finished"]
    assert all(array.dtype != object for array in arrays.values())


def test_a_number_of_epochs_from_numpy_can_be_kept_and_resumed(data, tmp_path):
    history = training.fit(network(), data, np.int64(1), checkpoint=tmp_path / "run", verbose=0)
    again = training.fit(network(), data, 1, checkpoint=tmp_path / "run", verbose=0)
    assert again.to_json() == history.to_json()
