"""Asking somebody's work: what is plain, what is theirs, and how their errors are told."""

from __future__ import annotations

import linecache
import threading

import numpy as np
import pytest

from course_utils import probe
from course_utils.probe import _errors


def work(source: str, seconds: float = 5.0, **given) -> probe.Namespace:
    """The work of somebody who wrote `source` in one cell."""
    name = "<a cell>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    values = {"np": np, **given}
    exec(compile(source, name, "exec"), values)
    return probe.Namespace(values, seconds)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (None, "none"),
        (3, "number"),
        (True, "number"),
        (np.float32(2), "number"),
        ("text", "text"),
        ([1], "sequence"),
        ((1, 2), "sequence"),
        ({"a": 1}, "mapping"),
        (np.zeros(2), "array"),
        (len, "function"),
        (int, "class"),
        (np, "module"),
        (object(), "other"),
    ],
)
def test_kinds(value, kind):
    assert probe.kind_of(value) == kind
    assert probe.Namespace({"x": value}).kind("x") == kind


def test_kinds_of_keras_and_the_like():
    import keras
    import pandas as pd
    import tensorflow as tf
    from matplotlib.figure import Figure

    things = {
        "model": keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]),
        "layer": keras.layers.Dense(1),
        "optimizer": keras.optimizers.Adam(),
        "loss": keras.losses.MeanSquaredError(),
        "callback": keras.callbacks.EarlyStopping(),
        "dataset": tf.data.Dataset.range(3),
        "figure": Figure(),
    }
    subject = probe.Namespace(things)
    assert {name: subject.kind(name) for name in things} == {name: name for name in things}
    assert probe.Namespace({"t": tf.constant([1, 2])}).get("t").tolist() == [1, 2]
    assert probe.Namespace({"t": pd.DataFrame({"a": [1, 2]})}).get("t").shape == (2, 1)


def test_names_and_missing_ones():
    subject = work("a = 1\nb = None")
    assert {"a", "b"} <= set(subject.names())
    assert subject.kind("c") == "missing"
    with pytest.raises(probe.Missing, match="`c` is not defined yet"):
        subject.get("c")


class Equal:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1


class OwnArray(np.ndarray):
    pass


@pytest.mark.parametrize(
    "value",
    [Equal(), [Equal()], {"a": Equal()}, np.zeros(2).view(OwnArray), np.array([Equal()], object)],
)
def test_only_plain_data_is_handed_out(value):
    with pytest.raises(probe.WrongKind, match="`x` should be"):
        probe.Namespace({"x": value}).get("x")


def test_a_list_that_holds_itself_is_no_plain_data():
    endless: list = []
    endless.append(endless)
    with pytest.raises(probe.WrongKind):
        probe.Namespace({"x": endless}).get("x")


def test_what_is_handed_out_is_a_copy():
    values = {"x": np.zeros(3), "y": [1, [2]]}
    subject = probe.Namespace(values)
    subject.get("x")[0] = 9
    subject.get("y")[1].append(3)
    assert values["x"][0] == 0
    assert values["y"] == [1, [2]]


def test_calls_cannot_change_what_they_are_given():
    subject = work("def spoil(x):\n    x[0] = 9\n    return x")
    given = np.zeros(3)
    assert subject.call("spoil", given).tolist() == [9, 0, 0]
    assert given.tolist() == [0, 0, 0]


def test_results_that_are_not_plain_are_kept():
    subject = work("class Box:\n    size = 3\n    def grow(self, n):\n        return self.size + n")
    box = subject.call("Box")
    assert isinstance(box, probe.Ref)
    assert subject.get(probe.Ref(f"{box.key}.size")) == 3
    assert subject.call(f"{box.key}.grow", 2) == 5
    subject.forget()
    with pytest.raises(KeyError):
        subject.get(box)


def test_private_attributes_are_not_handed_out():
    with pytest.raises(probe.Missing):
        work("def f(): pass").get("f.__globals__")


def test_their_error_names_their_line():
    subject = work("def f(x):\n    y = x + 1\n    return np.zeros(2)[y]\n")
    with pytest.raises(probe.StudentError) as caught:
        subject.call("f", 5)
    assert caught.value.line == 3
    assert "IndexError in line 3, `return np.zeros(2)[y]`" in str(caught.value)
    again = _errors.rebuild(caught.value.facts())
    assert str(again) == str(caught.value)


def test_an_error_below_numpy_still_names_their_line():
    subject = work("def f(x):\n    return np.linalg.inv(x)\n")
    with pytest.raises(probe.StudentError, match="line 2"):
        subject.call("f", np.zeros((2, 2)))


@pytest.mark.parametrize("how", ["raise SystemExit", "raise BaseException('x')", "import nowhere"])
def test_whatever_ends_their_code_is_theirs(how):
    with pytest.raises(probe.StudentError):
        work(f"def f():\n    {how}").call("f")


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n        try:\n            pass\n        except Exception: 1",
    ],
)
def test_an_endless_loop_is_stopped(body):
    with pytest.raises(probe.TimedOut, match=r"had not finished after 0.2 seconds.*in line 2"):
        work(f"def f():\n    {body}", seconds=0.2).call("f")


def test_without_the_main_thread_there_is_no_limit_but_an_answer():
    answers = []
    subject = work("def f():\n    return 1", seconds=0.5)
    thread = threading.Thread(target=lambda: answers.append(subject.call("f")))
    thread.start()
    thread.join()
    assert answers == [1]


def test_what_they_print_is_not_shown(capsys):
    work("def f():\n    print('hello')").call("f")
    assert capsys.readouterr().out == ""


def test_helpers_are_seen_under_any_name():
    helper = "course_utils.convolution.feature_map"
    subject = work(
        "from course_utils.convolution import feature_map as mine\n"
        "def f(x):\n    return mine(x, np.ones((2, 2)))\n"
        "def g(x):\n    return x"
    )
    subject.watch([helper])
    subject.call("g", np.zeros((3, 3)))
    assert subject.watched() == []
    assert subject.call("f", np.eye(3)).tolist() == [[2, 1], [1, 2]], "it works as ever"
    assert subject.watched() == [helper]
    from course_utils import convolution

    assert convolution.feature_map(np.eye(3), np.ones((2, 2)), 1.0)[0, 0] == 3
    assert subject.watched() == [helper]
    assert not [name for name in vars(convolution) if name.startswith("_watched")]
    with pytest.raises(ValueError, match="no plain function"):
        subject.watch(["course_utils.convolution.LETTER_O"])


def test_operations_are_those_of_the_protocol_and_nothing_else():
    assert {"get", "call", "model_weights", "batches"} <= set(probe.OPERATIONS)
    for name in probe.OPERATIONS:
        assert callable(getattr(probe.Namespace, name)), name
    assert probe.operate(work("a = 2"), "get", ["a"], {}) == 2
    with pytest.raises(KeyError):
        probe.operate(work("a = 2"), "_find", ["a"], {})


def test_seeded_work_repeats_itself():
    subject = work("def f():\n    return np.random.rand(3)")
    subject.seed(1)
    first = subject.call("f")
    subject.seed(1)
    assert np.array_equal(first, subject.call("f"))


# --- networks ----------------------------------------------------------------------------------

THREE_FORMS = """
import keras
from keras import layers

chain = keras.Sequential([keras.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu"),
    layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)])

inputs = keras.Input((6, 6, 1))
last = layers.Dense(3)
x = layers.ReLU()(layers.Conv2D(2, 3)(inputs))
graph = keras.Model(inputs, last(layers.Flatten()(layers.BatchNormalization()(x))))

class Own(keras.Model):
    def __init__(self):
        super().__init__()
        self.d = layers.Dense(3)
        self.b = layers.BatchNormalization()
        self.c = layers.Conv2D(2, 3, activation="relu")
        self.f = layers.Flatten()

    def call(self, x, training=False):
        return self.d(self.f(self.b(self.c(x), training=training)))

own = Own()
"""


@pytest.fixture(scope="module")
def networks():
    return work(THREE_FORMS, seconds=60)


def test_weights_come_in_the_order_of_execution(networks):
    shape = (6, 6, 1)
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 6, 6, 1)).astype("float32")
    shapes = [w.shape for w in networks.model_weights("chain", shape)]
    assert shapes == [(3, 3, 1, 2), (2,), (2,), (2,), (2,), (2,), (32, 3), (3,)]
    weights = [np.abs(rng.normal(size=s)).astype("float32") for s in shapes]
    results = []
    for name in ("chain", "graph", "own"):
        assert [w.shape for w in networks.model_weights(name, shape)] == shapes, name
        networks.model_set_weights(name, shape, weights)
        results.append([networks.model_outputs(name, x, training) for training in (False, True)])
        assert networks.model_trainable(name, shape) == [True] * 4 + [False] * 2 + [True] * 2
    for other in results[1:]:
        np.testing.assert_allclose(results[0], other, atol=1e-4)
    assert not np.allclose(results[0][0], results[0][1]), "batch normalisation depends on training"


def test_what_was_compiled_and_how_it_trains():
    subject = work(
        "import keras\n"
        "m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])\n"
        "m.compile(keras.optimizers.SGD(0.1, momentum=0.9), metrics=['accuracy'],\n"
        "    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))\n",
        seconds=60,
    )
    told = subject.model_compiled("m")
    assert told["loss"] == "sparse_categorical_crossentropy"
    assert told["from_logits"] is True
    assert (told["optimizer"], round(told["learning_rate"], 6)) == ("sgd", 0.1)
    assert told["metrics"] == ["accuracy"]
    y, logits = np.array([0, 2]), np.array([[0.0, 0, 0], [0, 0, 100]], "float32")
    assert subject.model_loss("m", y, logits) == pytest.approx(np.log(3) / 2, abs=1e-5)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    losses = subject.model_train("m", x, np.arange(8) % 3, steps=10)
    assert len(losses) == 10
    assert losses[-1] < losses[0]


def test_batches():
    subject = work(
        "import tensorflow as tf\n"
        "d = tf.data.Dataset.from_tensor_slices((np.zeros((5, 2), 'float32'), np.arange(5)))\n"
        "d = d.batch(2)"
    )
    first, second = subject.batches("d", 2)
    assert first[0].shape == (2, 2)
    assert second[1].tolist() == [2, 3]
