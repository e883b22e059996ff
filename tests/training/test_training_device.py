"""Devices: what is reported, several of them, mixed precision, several machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
import training_data

from course_utils import models, settings, training
from course_utils.exceptions import InvalidInput
from course_utils.training import device

MIRRORED = """
import json, sys
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
import keras
from course_utils import datasets, models, training

data = datasets.from_directory(sys.argv[1], image_size=24, batch_size=16)
mirrored = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
results = {}
for name, strategy in (("one", tf.distribute.get_strategy()), ("two", mirrored)):
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = models.small_cnn(data.input_shape, 3, filters=(4, 8), dense_units=8)
    pair = (data.ordered("train"), data.validation)
    history = training.fit(model, pair, 3, learning_rate=0.005, schedule="cosine", verbose=0)
    results[name] = history.history
    if name == "two":
        results["replicas"] = model.distribute_strategy.num_replicas_in_sync
# Everything together: augmentation, one-hot labels, early stopping, a checkpoint, a shown bar.
from course_utils import augmentation
for part in (1, 2):
    keras.utils.set_random_seed(1)
    with mirrored.scope():
        model = models.deep_cnn(data.input_shape, 3, filters=(4, 8), synchronized=True)
    history = training.fit(
        model, data, 2, augment=[augmentation.geometric(), augmentation.mixup()], patience=2,
        class_weight="balanced", checkpoint=sys.argv[2],
    )
    results[f"part {part}"] = history.history
print(json.dumps(results))
"""


@pytest.mark.slow
def test_two_devices_give_the_loss_of_one(tmp_path):
    folder = training_data.write(tmp_path / "squares", per_class=20)
    done = subprocess.run(
        [sys.executable, "-c", MIRRORED, str(folder), str(tmp_path / "run")],
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    results = json.loads(done.stdout.splitlines()[-1])
    assert results["replicas"] == 2
    for name in ("loss", "val_loss", "accuracy", "val_accuracy", "learning_rate"):
        np.testing.assert_allclose(
            results["two"][name], results["one"][name], rtol=2e-3, atol=1e-5, err_msg=name
        )
    assert results["part 1"] == results["part 2"]
    assert len(results["part 1"]["loss"]) == 2


def test_the_report_is_friendly_and_true():
    report = training.device_report()
    assert len(report.gpus) == len(tf.config.list_physical_devices("GPU"))
    assert report.keras == keras.__version__
    assert report.cpu_cores >= 1
    text = str(report)
    assert keras.__version__ in text
    assert tf.__version__ in text
    if not report.gpus and not report.card_without_libraries:
        assert "No GPU: the processor is used." in text


def report(*gpus, card=False):
    return training.DeviceReport(tuple(gpus), card, 4, "float32", "2.21", "3.15")


@pytest.mark.parametrize(
    ("capability", "made"), [((6, 1), False), ((7, 0), True), ((7, 5), True), ((10, 0), True)]
)
def test_mixed_precision_is_for_cards_from_volta_on(capability, made):
    gpu = training.Device("NVIDIA Something", capability)
    assert gpu.made_for_mixed_precision is made
    assert report(gpu).made_for_mixed_precision is made
    assert ("turns it on" in str(report(gpu))) is made
    assert "NVIDIA Something (compute capability" in str(report(gpu))


def test_one_old_card_is_enough_to_leave_mixed_precision_off():
    new, old = training.Device("new", (8, 0)), training.Device("old", (6, 1))
    unknown = training.Device("unknown", None)
    assert not report(new, old).made_for_mixed_precision
    assert not report(unknown).made_for_mixed_precision
    assert not report().made_for_mixed_precision
    assert "shared among the 2 GPUs" in str(report(new, old))


def test_a_card_without_libraries_differs_from_no_card():
    assert "CUDA libraries are missing" in str(report(card=True))
    assert "make lab GPU=1" in str(report(card=True))
    assert "No GPU" in str(report())


@pytest.fixture
def restore_policy():
    before = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(before)


@pytest.mark.usefixtures("restore_policy")
def test_mixed_precision_is_off_without_a_gpu_and_can_be_forced():
    if not training.device_report().made_for_mixed_precision:
        assert training.use_mixed_precision() == "float32"
    assert training.use_mixed_precision(True) == "mixed_float16"
    assert keras.config.dtype_policy().name == "mixed_float16"
    assert training.use_mixed_precision(False) == "float32"


@pytest.mark.usefixtures("restore_policy")
def test_a_model_in_mixed_precision_is_trained_with_a_scaled_loss(tmp_path):
    training.use_mixed_precision(True)
    images = np.random.default_rng(0).integers(0, 256, (16, 24, 24, 3)).astype("float32")
    batches = tf.data.Dataset.from_tensor_slices((images, np.arange(16) % 3)).batch(8)
    model = models.small_cnn((24, 24, 3), 3, filters=(4,), dense_units=8)
    history = training.fit(
        model, (batches, batches), 2, schedule="cosine", checkpoint=tmp_path, verbose=0
    )
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert np.isfinite(history.history["loss"]).all()
    assert history.history["learning_rate"][0] == pytest.approx(0.00085, abs=1e-4)
    assert model(images).dtype == "float32"


def test_without_several_gpus_the_strategy_changes_nothing(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if len(tf.config.list_physical_devices("GPU")) < 2:
        assert training.strategy() is tf.distribute.get_strategy()


def test_several_machines_are_refused_in_one_sentence(monkeypatch):
    cluster = {"cluster": {"worker": ["one:1234", "two:1234"]}, "task": {"index": 0}}
    monkeypatch.setenv("TF_CONFIG", json.dumps(cluster))
    with pytest.raises(InvalidInput, match="names 2 tasks on several machines") as caught:
        training.strategy()
    assert "\n" not in str(caught.value)
    assert "unset TF_CONFIG" in str(caught.value)
    with pytest.raises(InvalidInput, match="several machines"):
        training.fit(models.small_cnn((24, 24, 3), 3), None, 1)


@pytest.mark.parametrize("text", ["not json", "[1]", '{"cluster": 5}'])
def test_a_broken_tf_config_is_reported(monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(InvalidInput, match="not the JSON object"):
        training.strategy()


def test_a_cluster_of_one_is_this_machine(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"worker": ["here:1"]}}))
    device.refuse_several_machines()


def test_xla_is_used_only_where_it_is_asked_for():
    model = models.small_cnn((24, 24, 3), 3, filters=(4,))
    training.compile_model(model)
    assert model.jit_compile is False
    training.compile_model(model, jit_compile=True)
    assert model.jit_compile is True


@pytest.mark.slow
def test_importing_reconfigures_no_device():
    """Memory growth is set in the environment of the processes that the course starts."""
    code = """
import tensorflow as tf
asked = []
tf.config.experimental.set_memory_growth = lambda *arguments: asked.append(arguments)
tf.config.list_physical_devices = lambda kind=None: ["a card"]
import course_utils.training, course_utils.explain, course_utils.transfer
assert not asked, asked
"""
    environment = settings.environment(COURSE_DATA=None)
    assert environment["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
