"""Exporting a network: each file is read by its own runtime and answers like the Keras model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
import training_data
from keras import layers

from course_utils import augmentation, datasets, deployment, evaluation, models, transfer
from course_utils.deployment import exporting, runtimes
from course_utils.exceptions import InvalidInput, MissingData

NAMES = ("blue", "green", "red")
FILES = (
    "model.keras",
    "saved_model",
    "model.tflite",
    "model_dynamic.tflite",
    "model_int8.tflite",
    "model.onnx",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return datasets.from_directory(
        training_data.write(tmp_path_factory.mktemp("squares") / "squares"), image_size=24
    )


@pytest.fixture(scope="module")
def model(data):
    keras.utils.set_random_seed(0)
    network = models.small_cnn(data.input_shape, 3, filters=(4, 8), dense_units=16)
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    network.fit(data.train, epochs=2, verbose=0)
    return network


@pytest.fixture(scope="module")
def exported(model, data, tmp_path_factory):
    return deployment.export(
        model,
        tmp_path_factory.mktemp("out") / "net",
        data=data,
        formats=deployment.FORMATS,
        representative=data.images("train")[:50],
        temperature=1.5,
        threshold=0.4,
    )


@pytest.mark.parametrize("name", FILES)
def test_each_format_answers_like_the_keras_model(exported, model, data, name):
    deployed = deployment.load_exported(exported.folder / name)
    images = data.images("test")
    want = evaluation.with_temperature(evaluation.predict(model, data), 1.5)
    got = deployed.predict(list(images), data.labels("test"))
    exact = name not in ("model_dynamic.tflite", "model_int8.tflite")
    np.testing.assert_allclose(got.probabilities, want.probabilities, atol=1e-5 if exact else 0.05)
    assert (got.predicted == want.predicted).mean() >= (1 if exact else 0.9)
    # A batch, one picture and another batch: the runtimes take every size.
    for count in (1, 3, 2):
        part = deployed.predict(list(images[:count]))
        np.testing.assert_allclose(part.probabilities, got.probabilities[:count], atol=1e-3)


def test_the_saved_model_has_what_tensorflow_serving_looks_for(exported, model, data):
    loaded = tf.saved_model.load(exported.folder / "saved_model")
    assert (exported.folder / "saved_model" / "saved_model.pb").is_file()
    signature = loaded.signatures["serving_default"]
    (taken,) = signature.structured_input_signature[1].values()
    assert taken.name == "images"
    assert taken.shape.as_list() == [None, 24, 24, 3]
    assert taken.dtype == tf.float32
    (name,) = signature.structured_outputs
    assert name == "scores"
    # The REST interface sends {"instances": [pixels, ...]}, named inputs work, too.
    images = data.images("test")[:2].astype("float32")
    scores = signature(images=tf.constant(images))["scores"].numpy()
    np.testing.assert_allclose(scores, model.predict(images, verbose=0), atol=1e-5)
    # The tag by which it finds the graph.
    from tensorflow.python.saved_model.loader_impl import parse_saved_model

    (graph,) = parse_saved_model(str(exported.folder / "saved_model")).meta_graphs
    assert list(graph.meta_info_def.tags) == ["serve"]
    method = graph.signature_def["serving_default"].method_name
    assert method == "tensorflow/serving/predict"


def test_the_card_says_what_a_program_must_know(exported, data):
    card = json.loads((exported.folder / "model.json").read_text(encoding="utf-8"))
    assert card["class_names"] == list(NAMES)
    assert card["image_size"] == [24, 24]
    assert card["channels"] == 3
    assert card["outputs"] == "linear"
    assert (card["temperature"], card["threshold"]) == (1.5, 0.4)
    assert card["data"]["fingerprint"] == data.fingerprint
    assert card["data"]["images"]["train"] == len(data.ids("train"))
    assert card["versions"]["keras"] == keras.__version__
    assert set(card["files"]) == set(FILES) - {"saved_model"}
    assert "/" not in json.dumps(card["data"])  # no path of this machine
    read = deployment.read_card(exported.folder)
    assert read == exported.card == deployment.read_card(exported.folder / "model.onnx")


def test_the_optimizer_is_left_out(exported, model):
    again = keras.models.load_model(exported.folder / "model.keras")
    assert not again.compiled
    assert model.compiled  # the model itself goes on as it was
    size = (exported.folder / "model.keras").stat().st_size
    assert size < 4 * model.count_params() + 60_000


def test_a_threshold_makes_answers_unsure(exported, data):
    deployed = deployment.load_exported(exported.folder)
    for answer, row in zip(
        deployed.classify(list(data.images("test"))),
        deployed.predict(list(data.images("test"))).probabilities,
        strict=True,
    ):
        assert answer.best == NAMES[row.argmax()]
        assert answer.confidence == pytest.approx(row.max())
        assert answer.unsure == (row.max() < 0.4)
        assert [p for _, p in answer.classes] == sorted(row.tolist(), reverse=True)
        assert str(answer).startswith("not sure") == answer.unsure


def test_pictures_of_any_kind_are_decoded_alike(exported, data, tmp_path):
    from PIL import Image

    deployed = deployment.load_exported(exported.folder)
    picture = Image.fromarray(data.images("test")[0]).resize((80, 50))
    picture.save(tmp_path / "one.png")
    answers = deployed.classify(
        [picture, tmp_path / "one.png", (tmp_path / "one.png").read_bytes(), np.asarray(picture)]
    )
    assert len({answer.classes for answer in answers}) == 1
    with pytest.raises(MissingData, match=r"no image file .*none\.png"):
        deployed.classify(tmp_path / "none.png")


@pytest.mark.parametrize(
    ("last", "outputs", "names"),
    [
        (layers.Dense(3, activation="softmax"), "softmax", NAMES),
        (layers.Dense(1, activation="sigmoid"), "sigmoid", ("no", "yes")),
        (layers.Dense(1), "linear", ("no", "yes")),
    ],
)
def test_other_heads_are_decoded_as_evaluation_does(last, outputs, names, tmp_path):
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Rescaling(1 / 255), layers.Flatten(), last]
    )
    images = list(np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8))
    want = evaluation.predict_images(network, images, names).probabilities
    exported = deployment.export(network, tmp_path / "net", class_names=names)
    assert exported.card.outputs == outputs
    for name in ("model.keras", "saved_model", "model.tflite"):
        got = deployment.load_exported(exported.folder / name).predict(images).probabilities
        np.testing.assert_allclose(got, want, atol=1e-5)


def _small_base():
    """Return a frozen base with batch normalization that has seen other pictures."""
    base = keras.Sequential(
        [keras.Input((24, 24, 3)), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, strides=2)]
    )
    norm = layers.BatchNormalization()
    base.add(norm)
    norm.set_weights([np.full(4, value, np.float32) for value in (1.3, 0.2, 0.1, 0.6)])
    base.trainable = False
    return base


def _lite0():
    return transfer.load_backbone(image_size=64, weights=False)


AUGMENTATIONS = {
    "of Keras": lambda: [
        layers.RandomFlip(),
        layers.RandomRotation(0.2),
        layers.RandomZoom(0.2),
        layers.RandomTranslation(0.2, 0.2),
        layers.RandomContrast(0.5),
        layers.RandomBrightness(0.5),
    ],
    "of the course": lambda: [augmentation.geometric(), augmentation.color()],
}


@pytest.mark.parametrize(
    "kind", [pytest.param("of Keras", marks=pytest.mark.slow), "of the course"]
)
@pytest.mark.parametrize("build", [_small_base, pytest.param(_lite0, marks=pytest.mark.slow)])
def test_augmentation_inside_a_transfer_model_is_off_in_each_format(build, kind, tmp_path):
    keras.utils.set_random_seed(0)
    base = build()
    inputs = keras.Input(base.input_shape[1:])
    x = inputs
    for layer in AUGMENTATIONS[kind]():
        x = layer(x)
    x = layers.GlobalAveragePooling2D()(base(x))
    outputs = layers.Dense(3, kernel_initializer="random_normal")(layers.Dropout(0.5)(x))
    model = keras.Model(inputs, outputs)
    pictures = np.random.default_rng(0).integers(0, 256, (5, *base.input_shape[1:]), np.uint8)
    pictures[:, :9] //= 4  # so that a flip or a rotation changes the answer
    want = evaluation.predict_images(model, list(pictures), NAMES).probabilities
    exported = deployment.export(
        model,
        tmp_path / "net",
        class_names=NAMES,
        formats=deployment.FORMATS,
        representative=pictures.astype(np.float32),
    )
    assert {file.name for file in exported.files} == set(FILES)
    for file in exported.files:
        got = deployment.load_exported(file).predict(list(pictures)).probabilities
        exact = file.name not in ("model_dynamic.tflite", "model_int8.tflite")
        np.testing.assert_allclose(got, want, atol=1e-5 if exact else 0.05, err_msg=file.name)


@pytest.mark.slow
def test_nothing_is_printed(model, data, tmp_path):
    script = f"""
        import numpy as np, keras
        from course_utils import deployment
        model = keras.models.load_model({str(tmp_path / "m.keras")!r})
        print("before", flush=True)
        deployment.export(model, {str(tmp_path / "net")!r}, class_names=["a", "b", "c"],
                          formats=deployment.FORMATS,
                          representative=np.full((4, 24, 24, 3), 99.0))
        import logging, sys
        print("after", logging.root.manager.disable)
        print("end", file=sys.stderr)
    """
    model.save(tmp_path / "m.keras")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("before\n")[1] == "after 0\n"
    errors = [line for line in done.stderr.splitlines() if "flatbuffer" in line or "SavedM" in line]
    assert not errors
    assert done.stderr.endswith("end\n")


@pytest.mark.slow
def test_an_export_that_is_killed_leaves_the_earlier_one(model, tmp_path):
    place = tmp_path / "net"
    first = deployment.export(model, place, class_names=NAMES, formats=("keras",))
    model.save(tmp_path / "m.keras")
    script = f"""
        import keras
        from course_utils import deployment
        from course_utils.deployment import exporting
        def wait(*arguments):
            (exporting.Path({str(tmp_path)!r}) / "started").touch()
            import time; time.sleep(60)
        exporting._write_litert = wait
        model = keras.models.load_model({str(tmp_path / "m.keras")!r})
        deployment.export(model, {str(place)!r}, class_names=["x", "y", "z"])
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script)])
    for _ in range(600):
        if (tmp_path / "started").exists():
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert deployment.read_card(place) == first.card
    assert sorted(path.name for path in place.iterdir()) == ["model.json", "model.keras"]
    assert len(list(tmp_path.glob(".net-part-*"))) == 1
    deployment.export(model, place, class_names=["x", "y", "z"], formats=("keras",))
    assert deployment.read_card(place).class_names == ("x", "y", "z")
    assert not list(tmp_path.glob(".net-part-*"))


def test_an_export_that_was_cut_off_between_two_names_is_put_in_order(model, tmp_path):
    place = tmp_path / "net"
    card = deployment.export(model, place, class_names=NAMES, formats=("keras",)).card
    place.rename(tmp_path / ".net-old")  # killed before the new folder got its name
    with pytest.raises(InvalidInput, match="at least two names"):
        deployment.export(model, place, class_names=("a", "a", "b"))
    with exporting._replaced_folder(place) as part:
        assert deployment.read_card(place) == card
        (part / "model.json").write_text(card.to_json())
    assert sorted(path.name for path in tmp_path.iterdir()) == [".net.lock", "net"]
    assert [path.name for path in place.iterdir()] == ["model.json"]


def test_an_export_that_fails_writes_nothing(tmp_path):
    network = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Lambda(lambda x: tf.strings.length(tf.strings.as_string(x))),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )
    with pytest.raises(InvalidInput, match="cannot be written as"):
        deployment.export(network, tmp_path / "net", class_names=("a", "b"))
    assert not (tmp_path / "net").exists()
    assert not list(tmp_path.glob(".net-part-*"))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"class_names": ("a", "b")}, "has 3 outputs, but class_names holds 2"),
        ({"class_names": "abc"}, "must be a list of names"),
        ({"class_names": ("a", "b", "a")}, "at least two names, each once"),
        ({"class_names": None}, "names of the classes are unknown"),
        ({"image_size": 32}, "image_size is 32 × 32, but the model takes 24 × 24"),
        ({"formats": ("tflite",)}, "must be 'keras' or 'saved_model' or 'litert' or 'onnx'"),
        ({"formats": ()}, "formats is empty"),
        ({"temperature": 0}, "temperature is 0"),
        ({"threshold": 1.2}, "threshold is 1.2"),
        ({"representative": np.zeros((4, 8, 8, 3))}, r"\(N, 24, 24, 3\)"),
        ({"representative": np.full((4, 24, 24, 3), 0.5)}, "pixels from 0 to 1"),
        ({"data": "flowers"}, "must be a dataset of datasets.load"),
    ],
)
def test_bad_arguments_get_a_sentence(model, tmp_path, changes, sentence):
    arguments = {"class_names": NAMES, **changes}
    with pytest.raises(InvalidInput, match=sentence):
        deployment.export(model, tmp_path / "net", **arguments)
    assert not list(tmp_path.iterdir())


def test_what_is_no_model_or_no_free_folder_is_refused(model, tmp_path):
    with pytest.raises(InvalidInput, match="built Keras model"):
        deployment.export(keras.Sequential([layers.Dense(2)]), tmp_path / "net", class_names=NAMES)
    with pytest.raises(InvalidInput, match="built Keras model"):
        deployment.export("model.keras", tmp_path / "net", class_names=NAMES)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("words")
    with pytest.raises(InvalidInput, match="is no export, so it is not replaced"):
        deployment.export(model, tmp_path / "mine", class_names=NAMES)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "words"
    with pytest.raises(InvalidInput, match="cannot be written"):
        deployment.export(model, tmp_path / "mine" / "thesis.txt" / "net", class_names=NAMES)


def test_a_missing_package_costs_one_sentence(model, data, exported, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(exporting, "_NEEDED_FOR_ONNX", ("onnx", "no_such_package"))
    without = deployment.export(
        model, tmp_path / "net", class_names=NAMES, formats=("keras", "onnx")
    )
    line = "ONNX is left out: it needs a package that is not installed"
    assert line in capsys.readouterr().out
    assert [path.name for path in without.files] == ["model.keras"]
    assert line in without.skipped["onnx"]

    monkeypatch.setattr(
        runtimes, "find_spec", lambda name: None if name == "ai_edge_litert" else name
    )
    table = deployment.compare(exported.folder, data, repeats=1)
    assert list(table.index) == ["Keras", "SavedModel", "ONNX"]
    assert "LiteRT int8 is left out: it needs the package ai-edge-litert" in capsys.readouterr().out
    with pytest.raises(InvalidInput, match="pip install ai-edge-litert"):
        deployment.load_exported(exported.folder / "model.tflite")


def test_damaged_or_foreign_files_get_a_sentence(model, tmp_path):
    place = deployment.export(model, tmp_path / "net", class_names=NAMES, formats=("keras",)).folder
    with pytest.raises(MissingData, match="There is no"):
        deployment.load_exported(tmp_path / "none")
    with (place / "model.keras").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(InvalidInput, match="checksum differs"):
        deployment.load_exported(place)
    (place / "model.tflite").write_bytes(b"no network")
    with pytest.raises(InvalidInput, match="cannot be read as LiteRT float32"):
        deployment.load_exported(place / "model.tflite")
    (place / "notes.txt").write_text("words")
    with pytest.raises(InvalidInput, match="is no exported network"):
        deployment.load_exported(place / "notes.txt")
    (place / "model.json").write_text("{")
    with pytest.raises(InvalidInput, match="cannot be used"):
        deployment.load_exported(place)
    os.remove(place / "model.json")
    with pytest.raises(MissingData, match=r"no model\.json"):
        deployment.load_exported(place / "model.keras")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": [7, 5]}, "does not take the pictures .*, of 7 × 5 pixels and 3 channels;"),
        ({"channels": 1}, "does not take the pictures .* and 1 channel;"),
        ({"class_names": ["a", "b", "c", "d", "e", "f"]}, "outputs, but .* has 6 class names"),
        ({"class_names": {"a": 0, "b": 1}}, "it must be a list of names"),
        ({"channels": 2}, r"it must be 3 \(RGB\) or 1 \(grayscale\)"),
        ({"files": None}, "files is None, but it must be a dictionary"),
    ],
)
def test_a_card_of_another_network_gets_a_sentence(model, tmp_path, changes, words):
    place = deployment.export(model, tmp_path / "net", class_names=NAMES, formats=("keras",)).folder
    card = json.loads((place / "model.json").read_text("utf-8"))
    (place / "model.json").write_text(json.dumps(card), "utf-8-sig")  # as Notepad saves it
    deployment.load_exported(place)
    (place / "model.json").write_text(json.dumps(card | changes), "utf-8")
    with pytest.raises(InvalidInput, match=words) as caught:
        deployment.load_exported(place)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "it is no JSON object"),
        ("null", "it is no JSON object"),
        ("[" * 100_000, "export the model again"),
        ("{}", "not written by this version of the course"),
        ('{"format": 1}', "does not say class_names, image_size"),
        ('{"format": 1, "class_names": ["a", "b"]}', "does not say image_size"),
        ('{"format": 1, "class_names": ["a", "b"], "image_size": [8, 8], "new": 1}', "not written"),
    ],
)
def test_a_card_that_is_none_gets_a_sentence(tmp_path, text, words):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(InvalidInput, match=words):
        deployment.load_exported(tmp_path)
    with pytest.raises(MissingData, match="There is no"):
        deployment.load_exported("x" * 300)


# --- comparing ---------------------------------------------------------------------------------


def test_the_formats_are_compared(exported, model, data):
    table = deployment.compare(exported.folder, data, repeats=3, batch_size=4)
    assert list(table.columns) == ["MB", "ms alone", "ms in batches", "accuracy", "same answers"]
    assert table.index[0] == "Keras"
    assert len(table) == 6
    accuracy = evaluation.predict(model, data).accuracy
    assert table.loc["Keras", "accuracy"] == pytest.approx(accuracy)
    size = (exported.folder / "model.tflite").stat().st_size / 1e6
    assert table.loc["LiteRT float32", "MB"] == pytest.approx(size)
    assert table.loc["LiteRT int8", "MB"] < table.loc["LiteRT float32", "MB"]
    assert (table.loc[["Keras", "SavedModel", "ONNX"], "same answers"] == 1).all()
    assert (table["ms alone"] > 0).all()


def test_only_a_fitting_dataset_is_compared(exported, data):
    renamed = data.subset(per_class=4)
    object.__setattr__(renamed, "class_names", ("x", "y", "z"))
    with pytest.raises(InvalidInput, match="are not those of the network"):
        deployment.compare(exported.folder, renamed)
    with pytest.raises(MissingData, match=r"no model\.json"):
        deployment.compare(exported.folder.parent, data)
    with pytest.raises(InvalidInput, match="repeats is 0"):
        deployment.compare(exported.folder, data, repeats=0)


def test_the_first_call_does_not_count():
    from course_utils.deployment.comparison import median_ms

    slow = iter([0.2, 0.0, 0.0, 0.0])
    assert median_ms(lambda _: time.sleep(next(slow)), [1, 2], 3) < 100
