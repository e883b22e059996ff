"""The datasets that the course knows by name, and paper_flowers through TensorFlow Datasets."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from image_folders import pixels, tree
from PIL import Image

from course_utils import datasets, settings
from course_utils.datasets import cifar10, clothing, removal, tf_flowers
from course_utils.exceptions import InvalidInput, MissingData

FLOWERS = ("dandelion", "daisy", "tulips", "sunflowers", "roses")


# --- paper_flowers -------------------------------------------------------------------------


def test_paper_flowers_has_the_splits_of_its_manifest(capsys):
    data = datasets.load("paper_flowers", image_size=96)
    assert capsys.readouterr().out == ""
    manifest = datasets.paper_flowers.manifest().set_index("path")
    assert data.class_names == FLOWERS
    assert data.license == "CC0 1.0"
    for split in datasets.SPLITS:
        assert sorted(data.ids(split)) == sorted(manifest.index[manifest["split"] == split])
        names = [data.class_names[label] for label in data.labels(split)]
        assert names == manifest.loc[list(data.ids(split)), "class"].tolist()
    total = int(data.describe().loc["total", "total"])
    row = datasets.available().set_index("name").loc["paper_flowers"]
    assert (row["images"], row["classes"], row["here"]) == (total, 5, True)
    assert datasets.image_folder("paper_flowers") == Path(row["where"])


def test_the_table_of_datasets(nothing_here):
    table = datasets.available()
    assert list(table["name"]) == ["paper_flowers", "tf_flowers", "clothing", "cifar10"]
    assert list(table.columns) == [
        *("name", "title", "images", "classes", "license", "here", "where", "how to get"),
    ]
    assert table["here"].tolist() == [True, False, False, False]
    assert table["images"].tolist()[1:] == [3670, 3781, 60000]


def test_without_a_name_paper_flowers_is_the_last_resort(nothing_here, monkeypatch, capsys):
    data = datasets.load(image_size=8)
    assert data.name == "paper_flowers"
    assert capsys.readouterr().out.splitlines() == [
        "Using paper_flowers (drawn by the course); for photographs get tf_flowers with "
        "'course data get tf_flowers' (229 MB)."
    ]
    monkeypatch.setenv("COURSE_DATASET", "paper_flowers")
    assert datasets.load(image_size=8).fingerprint == data.fingerprint
    assert capsys.readouterr().out.splitlines() == [
        "Using paper_flowers (flowers drawn by the course), which COURSE_DATASET names."
    ]


# --- what load() takes without a name, and removing -----------------------------------------


def test_the_line_says_what_really_named_the_dataset(nothing_here, monkeypatch, capsys):
    settings.choose_dataset("paper_flowers")
    datasets.load(image_size=8)
    line = "Using paper_flowers (flowers drawn by the course)"
    assert capsys.readouterr().out == f"{line}, chosen with 'course data use'.\n"
    monkeypatch.setenv("COURSE_DATASET", "paper_flowers")
    datasets.load(image_size=8)
    assert capsys.readouterr().out == f"{line}, which COURSE_DATASET names.\n"
    monkeypatch.setenv("COURSE_STORED", "1")  # as when the outputs of lessons are stored
    datasets.load(image_size=8)
    assert capsys.readouterr().out == f"{line}.\n"


@pytest.fixture
def own(tmp_path):
    root = tree(tmp_path / "my photos – Müll", {"b": 6, "a": 6})
    for file in root.rglob("*.jpg"):  # grayscale, as scans are
        with Image.open(file) as picture:
            picture.convert("L").save(file)
    return root


@pytest.mark.parametrize("by", ["COURSE_DATASET", "course data use"])
def test_a_folder_of_ones_own_is_taken(nothing_here, own, by, monkeypatch, capsys):
    if by == "COURSE_DATASET":
        monkeypatch.setenv("COURSE_DATASET", str(own))
    else:
        settings.choose_dataset(str(own))
    data = datasets.load(image_size=8, batch_size=2)
    assert data.class_names == ("a", "b")
    assert data.input_shape == (8, 8, 1)  # the files store no color
    same = datasets.from_directory(own, 8, 2, color_mode="grayscale")
    assert data.fingerprint == same.fingerprint
    assert f"Using the folder {own}" in capsys.readouterr().out
    assert datasets.load(image_size=8, color_mode="rgb").input_shape == (8, 8, 3)
    own.rename(own.with_name("elsewhere"))
    with pytest.raises(MissingData, match=f"There is no folder .*{by}"):
        datasets.load(image_size=8)


def test_a_relative_folder_is_found_from_the_current_one(own, monkeypatch):
    monkeypatch.chdir(own.parent)
    monkeypatch.setenv("COURSE_DATASET", own.name)
    assert datasets.load(image_size=8).class_names == ("a", "b")


def test_a_folder_never_takes_the_place_of_a_known_name(tmp_path, monkeypatch):
    tree(tmp_path / "paper_flowers", {"a": 4, "b": 4})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COURSE_DATASET", "paper_flowers")
    assert datasets.load(image_size=8).num_classes == 5


def test_gray_images_of_a_known_dataset():
    color = datasets.load("paper_flowers", image_size=8)
    gray = datasets.load("paper_flowers", image_size=8, color_mode="grayscale")
    assert gray.input_shape == (8, 8, 1)
    assert gray.ids("test") == color.ids("test")
    with pytest.raises(InvalidInput, match="color_mode is 'gray'"):
        datasets.load("paper_flowers", color_mode="gray")


def test_only_what_the_course_downloaded_is_removed(nothing_here, tmp_path, monkeypatch):
    tree(tmp_path / "downloads/flower_photos", {"roses": 2, "tulips": 1})
    elsewhere = tree(tmp_path / "elsewhere/flower_photos", {"roses": 2})
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "elsewhere"))
    size = sum(file.stat().st_size for file in (tmp_path / "downloads").rglob("*.jpg"))
    assert datasets.remove("tf_flowers") == ((tmp_path / "downloads/flower_photos",), size)
    assert list((tmp_path / "downloads").iterdir()) == []
    assert len(list(elsewhere.rglob("*.jpg"))) == 2
    with pytest.raises(MissingData, match="The course has not downloaded tf_flowers"):
        datasets.remove("tf_flowers")


def test_what_keras_downloaded_is_not_removed(nothing_here, tmp_path):
    kept, archive = cifar10.SOURCE.downloaded_paths()
    kept.mkdir(parents=True)
    archive.write_bytes(b"12345")
    with pytest.raises(MissingData, match="has not downloaded cifar10"):
        datasets.remove("cifar10")
    removal.remember("cifar10")  # as after a download by the course
    assert datasets.remove("cifar10") == ((kept, archive), 5)
    assert not kept.exists()
    archive.write_bytes(b"12345")  # downloaded by Keras later
    with pytest.raises(MissingData, match="has not downloaded cifar10"):
        datasets.remove("cifar10")


def test_a_link_and_a_folder_of_ones_own_are_not_removed(nothing_here, tmp_path, own):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/flower_photos").symlink_to(own)
    with pytest.raises(InvalidInput, match="is a link to .*remove the link yourself"):
        datasets.remove("tf_flowers")
    for name in (str(own), "paper_flowers", "nothing", None):
        with pytest.raises(InvalidInput) as caught:
            datasets.remove(name)
        assert str(caught.value).endswith(".")
    assert len(list(own.rglob("*.jpg"))) == 12


# --- TensorFlow Datasets -------------------------------------------------------------------


NO_NETWORK = """
import socket
def refuse(*args, **kwargs):
    raise AssertionError("the network was used")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import tensorflow_datasets as tfds
from course_utils.datasets import tfds_builder
print(len(tfds.load("paper_flowers", split="test", data_dir=tfds_builder.prepare())))
"""


@pytest.mark.slow
def test_paper_flowers_through_tensorflow_datasets():
    ran = subprocess.run([sys.executable, "-c", NO_NETWORK], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr

    import tensorflow_datasets as tfds

    from course_utils.datasets import tfds_builder

    folder = tfds_builder.data_dir()
    assert folder == str(settings.cache_root() / "tfds")
    (train, rest, test), info = tfds.load(
        "paper_flowers",
        split=["train[:80%]", "train[80%:]", "test"],
        as_supervised=True,
        with_info=True,
        data_dir=folder,
    )
    data = datasets.load("paper_flowers", image_size=96)
    assert ran.stdout.splitlines() == [str(len(data.ids("test")))]  # prepared without output
    assert tuple(info.features["label"].names) == data.class_names
    assert info.splits["train"].num_examples == len(data.ids("train"))
    assert len(train) == round(0.8 * len(data.ids("train")))
    assert len(train) + len(rest) == len(data.ids("train"))
    labels = [int(label) for _, label in test]
    assert np.bincount(labels).tolist() == np.bincount(data.labels("test")).tolist()
    undecoded = {"image": tfds.decode.SkipDecoding()}
    files = tfds.load("paper_flowers", split="test", data_dir=folder, decoders=undecoded)
    root = datasets.image_folder("paper_flowers")
    assert {(one["image"], FLOWERS[one["label"]]) for one in files.as_numpy_iterator()} == {
        ((root / id_).read_bytes(), id_.split("/")[1]) for id_ in data.ids("test")
    }
    manifest = datasets.paper_flowers.folder() / "manifest.csv"
    digest = hashlib.sha256(manifest.read_bytes()).hexdigest()
    assert str(info.version) == f"1.0.{int(digest[:7], 16)}"


@pytest.fixture
def prepared(nothing_here, tmp_path):
    """Prepare tf_flowers as TensorFlow Datasets does, with the same number of tiny images."""
    import tensorflow_datasets as tfds

    def jpeg(number: int) -> bytes:
        buffer = io.BytesIO()
        Image.fromarray(pixels(number, 4, 4)).save(buffer, "JPEG")
        return buffer.getvalue()

    def make(counts):
        examples = [
            (f"{kind}{i}", {"image": jpeg(100 * i + at), "label": FLOWERS.index(kind)})
            for at, (kind, number) in enumerate(counts.items())
            for i in range(number)
        ]
        tfds.dataset_builders.store_as_tfds_dataset(
            "tf_flowers",
            "3.0.1",
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(),
                    "label": tfds.features.ClassLabel(names=list(FLOWERS)),
                }
            ),
            split_datasets={"train": examples},
            data_dir=str(tmp_path / "tfds"),
        )

    return make


def test_tf_flowers_prepared_by_tensorflow_datasets(prepared, capsys):
    prepared(tf_flowers.COUNTS)
    capsys.readouterr()
    data = datasets.load(image_size=4)
    assert "Using tf_flowers" in capsys.readouterr().out
    assert data.class_names == FLOWERS
    assert data.describe().loc["total"].tolist() == [2936, 367, 367, 3670]
    assert data.describe()["total"].tolist()[:5] == list(tf_flowers.COUNTS.values())
    assert datasets.load("tf_flowers", image_size=4).fingerprint == data.fingerprint
    assert [len(y) for _, y in data.test.take(1)] == [32]
    for id_, label in zip(data.ids("test")[:20], data.labels("test")[:20], strict=True):
        assert id_.isdigit()
        assert 0 <= label < 5


def test_half_a_prepared_set_is_refused(prepared):
    prepared(dict.fromkeys(FLOWERS, 3))
    with pytest.raises(FileNotFoundError, match="holds 15 photographs of 5 classes, not 3,670"):
        datasets.load("tf_flowers")


# --- CIFAR-10 ------------------------------------------------------------------------------


@pytest.fixture
def small_cifar(nothing_here, monkeypatch):
    """Write a copy of CIFAR-10 with 600 images in the file layout of Keras."""
    folder = cifar10._keras_folders()[0]
    folder.mkdir(parents=True)
    sums = {}
    for at, name in enumerate(cifar10._BATCHES):
        random = np.random.default_rng(at)
        images = np.stack([pixels(1000 * at + i, 32, 32) for i in range(100)])
        content = pickle.dumps(
            {
                b"data": images.transpose(0, 3, 1, 2).reshape(100, -1),
                b"labels": random.permutation(np.arange(100) % 10).tolist(),
            }
        )
        (folder / name).write_bytes(content)
        sums[name] = hashlib.md5(content).hexdigest()
    monkeypatch.setattr(cifar10, "_BATCHES", sums)
    monkeypatch.setattr(cifar10, "_TRAINING", 500)
    monkeypatch.setattr(cifar10, "_TEST", 100)
    monkeypatch.setattr(cifar10, "_VALIDATION", 50)
    return folder


def test_cifar10_as_keras_keeps_it(small_cifar):
    from keras.src.datasets.cifar import load_batch

    data = datasets.load("cifar10", image_size=32)
    assert data.describe().loc["total"].tolist() == [450, 50, 100, 600]
    assert data.describe()["validation"].tolist() == [5] * 10 + [50]
    images, labels = load_batch(str(small_cifar / "test_batch"))
    np.testing.assert_array_equal(data.images("test"), images.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(data.labels("test"), labels)
    assert data.ids("test")[:2] == ("test/00000", "test/00001")
    images, labels = load_batch(str(small_cifar / "data_batch_3"))
    ids = [f"train/{i:05d}" for i in range(200, 300)]
    for split in ("train", "validation"):
        inside = [one for one in ids if one in data.ids(split)]
        rows = [ids.index(one) for one in inside]
        np.testing.assert_array_equal(
            data.images(split, inside), images[rows].transpose(0, 2, 3, 1)
        )


def test_small_images_are_enlarged_batch_by_batch(small_cifar):
    import tensorflow as tf

    small = datasets.load("cifar10", image_size=32)
    large = datasets.load("cifar10", image_size=(80, 96))
    assert large._store.images.shape == (600, 32, 32, 3)
    assert large.fingerprint != small.fingerprint
    expected = tf.image.resize(small.images("test").astype(np.float32), (80, 96)).numpy()
    got = np.concatenate([x.numpy() for x, _ in large.ordered("test")])
    np.testing.assert_array_equal(got, expected)
    assert np.abs(large.images("test").astype(float) - expected).max() <= 0.5
    tiny = datasets.load("cifar10", image_size=16)
    assert tiny.images("test").shape == (100, 16, 16, 3)


def test_streamed_images_train_like_an_array_blown_up_in_memory(small_cifar):
    import keras
    import tensorflow as tf

    data = datasets.load("cifar10", image_size=64, seed=5)

    def model():
        keras.utils.set_random_seed(0)
        network = keras.Sequential(
            [
                keras.Input(data.input_shape),
                keras.layers.Rescaling(1 / 255),
                keras.layers.Conv2D(8, 5, strides=3, activation="relu"),
                keras.layers.Flatten(),
                keras.layers.Dense(10),
            ]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile("adam", loss)
        return network

    streamed = model().fit(data.shuffled(), epochs=2, shuffle=False, verbose=0).history["loss"]
    small = datasets.load("cifar10", image_size=32, seed=5)
    images = tf.image.resize(small.images("train").astype(np.float32), (64, 64)).numpy()
    network, blown_up = model(), []
    for epoch in range(2):
        order = np.random.default_rng([5, epoch]).permutation(len(images))
        fitted = network.fit(
            images[order], data.labels("train")[order], batch_size=32, shuffle=False, verbose=0
        )
        blown_up += fitted.history["loss"]
    np.testing.assert_allclose(streamed, blown_up, atol=1e-4, rtol=0)


def test_cifar10_from_the_archive_of_jpeg_files(nothing_here, tmp_path, monkeypatch):
    with tarfile.open(tmp_path / "cifar10-jpeg.tar.gz", "w:gz") as tar:
        for split, number in (("test", 2), ("train", 4)):
            for kind in cifar10.CLASS_NAMES:
                for i in range(number):
                    buffer = io.BytesIO()
                    Image.fromarray(pixels(f"{split}{kind}{i}", 32, 32)).save(buffer, "JPEG")
                    member = tarfile.TarInfo(f"cifar10/{split}/{kind}/{i:04d}.jpg")
                    member.size = buffer.tell()
                    buffer.seek(0)
                    tar.addfile(member, buffer)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(cifar10, "_TRAINING", 40)
    monkeypatch.setattr(cifar10, "_TEST", 20)
    monkeypatch.setattr(cifar10, "_VALIDATION", 10)
    data = datasets.load("cifar10", image_size=32)
    assert data.describe().loc["total"].tolist() == [30, 10, 20, 60]
    for id_, image in zip(data.ids("train"), data.images("train"), strict=True):
        split, kind, name = id_.split("/")
        original = pixels(f"{split}{kind}{int(name[:4])}", 32, 32).astype(int)
        assert np.abs(image - original).mean() < 8


# --- several devices -----------------------------------------------------------------------

TWO_DEVICES = """
import sys
import keras
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from course_utils import datasets
data = datasets.load("paper_flowers", image_size=16).subset(per_class=20)
def losses(strategy):
    with strategy.scope():
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [keras.Input(data.input_shape), keras.layers.Flatten(), keras.layers.Dense(5)]
        )
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.SGD(1e-6), loss)
    fitted = model.fit(
        data.ordered("train"), validation_data=data.validation, epochs=2, verbose=0, shuffle=False
    )
    return fitted.history["loss"] + fitted.history["val_loss"]
one = losses(tf.distribute.get_strategy())
two = losses(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
print(max(abs(a - b) / abs(a) for a, b in zip(one, two)))
"""


@pytest.mark.slow
def test_batches_can_be_shared_out_to_several_devices():
    ran = subprocess.run([sys.executable, "-c", TWO_DEVICES], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout.splitlines()[-1]) < 1e-5


# --- real photographs ----------------------------------------------------------------------


@pytest.mark.data
def test_real_tf_flowers(real_data, capsys):
    data = datasets.load(image_size=32)
    assert "Using tf_flowers" in capsys.readouterr().out
    assert data.class_names == FLOWERS
    assert data.describe()["total"].to_dict() == tf_flowers.COUNTS | {"total": 3670}
    assert data.describe().loc["total"].tolist() == [2936, 367, 367, 3670]
    assert data.images("test").mean() == pytest.approx(110, abs=20)


@pytest.mark.data
def test_real_clothing(real_data):
    data = datasets.load("clothing", image_size=32)
    assert data.class_names == clothing.CLASS_NAMES
    assert data.describe().loc["total"].tolist()[:3] == list(clothing.COUNTS.values())
    assert set(data.ids("train")[0].split("/")) >= {"train", "dress"}


# VmHWM is the peak of this process alone; ru_maxrss would include the memory of its parent.
MEMORY = """
import re
from pathlib import Path
import keras
from course_utils import datasets
data = datasets.load("cifar10", image_size=128)
model = keras.Sequential([
    keras.Input(data.input_shape), keras.layers.Rescaling(1 / 255),
    keras.layers.Conv2D(16, 3, activation="relu"), keras.layers.MaxPooling2D(),
    keras.layers.Conv2D(32, 3, activation="relu"), keras.layers.MaxPooling2D(),
    keras.layers.Conv2D(64, 3, activation="relu"), keras.layers.MaxPooling2D(),
    keras.layers.Flatten(), keras.layers.Dense(128, activation="relu"), keras.layers.Dense(10),
])
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(data.train, steps_per_epoch=100, verbose=0, shuffle=False)
print(data.describe().loc["total"].tolist())
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc, as Linux has it")
def test_real_cifar10_is_streamed_in_little_memory(real_data):
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    ran = subprocess.run(
        [sys.executable, "-c", MEMORY], capture_output=True, text=True, env=environment
    )
    assert ran.returncode == 0, ran.stderr
    counts, peak = ran.stdout.splitlines()[-2:]
    assert counts == "[45000, 5000, 10000, 60000]"
    print(f"peak memory {int(peak) * 1024 / 1e9:.2f} GB")
    assert int(peak) * 1024 / 1e9 <= 2.0
