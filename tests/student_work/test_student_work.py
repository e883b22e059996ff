"""Plain data, references, errors and models of a submission."""

from __future__ import annotations

import array
import json
import linecache
import threading
import time
from collections import OrderedDict, UserDict, defaultdict, deque, namedtuple
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from course_utils import student_work
from course_utils.student_work import _errors, models


def work(source: str, seconds: float = 5.0, **given) -> student_work.Namespace:
    """The work of somebody who wrote `source` in one cell."""
    name = "<a cell>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    values = {"np": np, **given}
    exec(compile(source, name, "exec"), values)
    return student_work.Namespace(values, seconds)


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
    assert student_work.kind_of(value) == kind
    assert student_work.Namespace({"x": value}).kind("x") == kind


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
    subject = student_work.Namespace(things)
    assert {name: subject.kind(name) for name in things} == {name: name for name in things}
    assert student_work.Namespace({"t": tf.constant([1, 2])}).get("t").tolist() == [1, 2]
    assert student_work.Namespace({"t": pd.DataFrame({"a": [1, 2]})}).get("t").shape == (2, 1)


def test_missing_names():
    subject = work("a = 1\nb = None")
    assert subject.kind("c") == "missing"
    with pytest.raises(student_work.Missing, match="`c` is not defined yet"):
        subject.get("c")


class Equal:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 1


@pytest.mark.parametrize(
    "value",
    [Equal(), [Equal()], {"a": Equal()}, {Equal(): 1}, np.array([Equal()], object), range],
)
def test_only_plain_data_is_handed_out(value):
    with pytest.raises(student_work.WrongKind, match="`x` should be"):
        student_work.Namespace({"x": value}).get("x")


POINT = namedtuple("Point", "x y")


class LikeAnArray:
    """As xarray's and PyTorch's are: NumPy makes an array of it."""

    def __array__(self, dtype=None, copy=None):
        return np.arange(3)


@pytest.mark.parametrize(
    ("value", "is_plain"),
    [
        (np.float32(0.5), 0.5),
        (np.longdouble(0.5), 0.5),
        (np.bool_(True), True),
        (Fraction(1, 4), 0.25),
        (Decimal("0.25"), 0.25),
        (np.str_("a"), "a"),
        (b"a", "a"),
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, {"a": [1]}), {"a": [1]}),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (UserDict(a=(1,)), {"a": (1,)}),
        (POINT(1, 2), (1, 2)),
        (range(3), [0, 1, 2]),
        (deque([1, 2]), [1, 2]),
        ({"a": 1}.keys(), ["a"]),
        ({"a": 1}.values(), [1]),
        ({"a": 1}.items(), [("a", 1)]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("ba"), ["a", "b"]),
        (zip([1], [2], strict=True), [(1, 2)]),
        (np.array(["b", None], object), ["b", None]),
        (np.array([["a", 1]], object), [["a", 1]]),
    ],
)
def test_what_is_meant_as_plain_data_becomes_plain(value, is_plain):
    got = student_work.plain(value)
    assert got == is_plain
    assert type(got) is type(is_plain)


@pytest.mark.parametrize(
    ("value", "entries"),
    [
        (np.asmatrix([[1, 2]]), [[1, 2]]),
        (np.ma.array([1, 2]), [1, 2]),
        (np.array(5), 5),
        (np.array([Fraction(1, 2), 2], object), [0.5, 2]),
        (np.array([b"a", b"b"]), ["a", "b"]),
        (array.array("d", [1, 2]), [1, 2]),
        (memoryview(b"ab"), [97, 98]),
        (LikeAnArray(), [0, 1, 2]),
        (Image.new("L", (2, 1)), [[0, 0]]),
    ],
)
def test_what_numpy_turns_into_an_array_becomes_one(value, entries):
    got = student_work.plain(value)
    assert type(got) is np.ndarray
    assert got.tolist() == entries
    assert student_work.kind_of(value) == "array"


def test_masked_entries_are_no_numbers():
    got = student_work.plain(np.ma.array([1, 2], mask=[False, True]))
    assert np.isnan(got).tolist() == [False, True]


@pytest.mark.parametrize("value", [np.datetime64("2026-01-01"), Decimal("sNaN"), Fraction(10**400)])
def test_numbers_that_are_none_are_not_plain(value):
    with pytest.raises(student_work.WrongKind):
        student_work.Namespace({"x": value}).get("x")


def test_what_tensorflow_keras_and_pandas_hold_becomes_plain():
    import keras
    import pandas as pd
    import tensorflow as tf

    for tensor in (tf.constant([1.0, 2]), tf.Variable([1.0, 2]), keras.Variable([1.0, 2])):
        assert student_work.plain(tensor).tolist() == [1, 2]
    assert student_work.plain(tf.constant([1.5], tf.bfloat16)).tolist() == [1.5]
    assert student_work.plain(tf.constant(["a"])).tolist() == ["a"]
    assert student_work.plain(tf.TensorShape([2, None])) == [2, None]
    assert student_work.plain(tf.ragged.constant([[1], [2, 3]])) == [[1], [2, 3]]
    assert student_work.plain(pd.Series(["a", "b"])).tolist() == ["a", "b"]
    assert student_work.plain(pd.DataFrame({"a": [1], "b": ["x"]})) == [[1, "x"]]
    assert student_work.plain({"r": pd.Series({"a": 1, "b": 2})}) == {"r": {"a": 1, "b": 2}}
    history = keras.callbacks.History()
    assert student_work.kind_of(history) == "callback"
    history.history = {"loss": [np.float32(1)]}
    assert student_work.kind_of(history) == "history"
    assert student_work.plain({"trial": history}) == {"trial": {"loss": [1.0]}}


def test_generators_are_read_while_helpers_are_watched():
    subject = work("from course_utils import convolution as c\ndef f(x):\n    yield c.relu(x)")
    subject.watch(["course_utils.convolution.relu"])
    assert [one.tolist() for one in subject.call("f", np.array([-1.0]))] == [[0.0]]
    assert subject.watched() == ["course_utils.convolution.relu"]


def test_the_codes_of_a_terminal_are_taken_out_of_errors():
    subject = work("def f():\n    raise ValueError('\\x1b[1mInput 0\\x1b[0m is wrong')")
    with pytest.raises(student_work.StudentError) as caught:
        subject.call("f")
    assert caught.value.message == "Input 0 is wrong"


def test_what_tensorflow_adds_about_its_operations_is_taken_out_of_errors():
    subject = work(
        "import tensorflow as tf\ndef f():\n    return tf.ones((2, 3)) * tf.ones((4, 5))"
    )
    with pytest.raises(student_work.StudentError) as caught:
        subject.call("f")
    assert caught.value.message == "Incompatible shapes: [2,3] vs. [4,5]"


def test_a_list_that_holds_itself_is_no_plain_data():
    endless: list = []
    endless.append(endless)
    with pytest.raises(student_work.WrongKind):
        student_work.Namespace({"x": endless}).get("x")


def test_what_is_handed_out_is_a_copy():
    values = {"x": np.zeros(3), "y": [1, [2]]}
    subject = student_work.Namespace(values)
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
    assert isinstance(box, student_work.Ref)
    assert subject.get(student_work.Ref(f"{box.key}.size")) == 3
    assert subject.call(f"{box.key}.grow", 2) == 5
    subject.forget()
    with pytest.raises(KeyError):
        subject.get(box)


def test_private_attributes_are_not_handed_out():
    with pytest.raises(student_work.Missing):
        work("def f(): pass").get("f.__globals__")


def test_their_error_names_their_line():
    subject = work("def f(x):\n    y = x + 1\n    return np.zeros(2)[y]\n")
    with pytest.raises(student_work.StudentError) as caught:
        subject.call("f", 5)
    assert caught.value.line == 3
    assert "IndexError in line 3, `return np.zeros(2)[y]`" in str(caught.value)
    again = _errors.rebuild(caught.value.facts())
    assert str(again) == str(caught.value)


def test_an_error_below_numpy_still_names_their_line():
    subject = work("def f(x):\n    return np.linalg.inv(x)\n")
    with pytest.raises(student_work.StudentError, match="line 2"):
        subject.call("f", np.zeros((2, 2)))


@pytest.mark.parametrize("how", ["raise SystemExit", "raise BaseException('x')", "import nowhere"])
def test_whatever_ends_their_code_is_theirs(how):
    with pytest.raises(student_work.StudentError):
        work(f"def f():\n    {how}").call("f")


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "while True:\n        try:\n            pass\n        except Exception: 1",
    ],
)
def test_an_endless_loop_is_stopped(body):
    with pytest.raises(
        student_work.TimedOut, match=r"had not finished after 0.2 seconds.*in line 2"
    ):
        work(f"def f():\n    {body}", seconds=0.2).call("f")


def test_on_a_busy_machine_seconds_are_those_in_which_it_computed():
    """A process that waits for a processor computes nothing meanwhile, like one that sleeps."""
    assert work("import time\ndef f():\n    time.sleep(0.35)\n    return 1", seconds=0.2).call("f")
    began = time.monotonic()
    with pytest.raises(student_work.TimedOut, match="in line 3"):
        work("import time\ndef f():\n    time.sleep(30)", seconds=0.2).call("f")
    assert 0.6 <= time.monotonic() - began < 15


def test_an_import_in_a_function_is_not_counted(tmp_path, monkeypatch):
    (tmp_path / "slow_to_load.py").write_text("import time\ntime.sleep(0.8)\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    subject = work("def f():\n    import slow_to_load\n    return 1", seconds=0.3)
    assert subject.call("f") == 1
    source = "def f():\n    import slow_to_load\n    while True: pass"
    with pytest.raises(student_work.TimedOut, match="in line 3"):
        work(source, seconds=0.3).call("f")


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
    assert {"get", "call", "model_weights", "batches"} <= set(student_work.OPERATIONS)
    for name in student_work.OPERATIONS:
        assert callable(getattr(student_work.Namespace, name)), name
    assert student_work.operate(work("a = 2"), "get", ["a"], {}) == 2
    with pytest.raises(KeyError):
        student_work.operate(work("a = 2"), "_find", ["a"], {})


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
    layers.BatchNormalization(), layers.Flatten(), layers.Dense(3, kernel_constraint="max_norm")])

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
        assert networks.model_reached(name, shape) == networks.model_trainable(name, shape)
        limited = [name == "chain" and one == (32, 3) for one in shapes]
        assert networks.model_constrained(name, shape) == limited
    for other in results[1:]:
        np.testing.assert_allclose(results[0], other, atol=1e-4)
    assert not np.allclose(results[0][0], results[0][1]), "batch normalization depends on training"


def test_weights_that_no_gradient_reaches():
    subject = work("""
import keras, tensorflow as tf
from keras import layers

class Still(layers.Layer):
    def call(self, x, training=False):
        return tf.stop_gradient(x) if training else x

def network(*between):
    return keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.BatchNormalization(),
        *between, layers.Dropout(0.5), layers.Dense(2, activation="softmax")])

free, still, always = network(), network(Still()), network(layers.Lambda(tf.stop_gradient))
""")
    before = subject.model_weights("free", (4,))
    learns = [True] * 4 + [False] * 2 + [True] * 2
    assert subject.model_reached("free", (4,)) == subject.model_trainable("free", (4,)) == learns
    for one, other in zip(subject.model_weights("free", (4,)), before, strict=True):
        assert np.array_equal(one, other)
    for name in ("still", "always"):
        assert subject.model_reached(name, (4,)) == [False] * 6 + [True] * 2


def test_a_row_of_plain_layers_is_not_run_to_know_its_order(monkeypatch):
    import keras
    from keras import layers

    def row(*first):
        return keras.Sequential([keras.Input(shape), *first, layers.Flatten(), layers.Dense(3)])

    shape = (6, 6, 1)
    plain = row(layers.Conv2D(2, 3), layers.BatchNormalization())
    nested = row(keras.Sequential([layers.Conv2D(2, 3), layers.BatchNormalization()]))
    wrapped = row(layers.TimeDistributed(layers.Dense(3)))
    calls = []
    original = keras.layers.Layer.__call__

    def counted(layer, *args, **kwargs):
        calls.append(layer)
        return original(layer, *args, **kwargs)

    for model, runs in ((plain, False), (nested, True), (wrapped, True)):
        monkeypatch.setattr(keras.layers.Layer, "__call__", counted)
        calls.clear()
        found = models.in_order(model, shape)
        assert bool(calls) == runs
        monkeypatch.setattr(models, "_is_chain", lambda *_: False)
        assert [id(v) for v in found] == [id(v) for v in models.in_order(model, shape)]
        assert len(found) == len(model.weights)
        monkeypatch.undo()
    for other in ((7, 7, 1), (6, 6, 3)):
        with pytest.raises(ValueError, match="incompatible|expected"):
            models.in_order(plain, other)


@pytest.mark.parametrize("wrapped", ["loss", "[loss]"])
def test_what_was_compiled_and_how_it_trains(wrapped):
    subject = work(
        "import keras\n"
        "m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])\n"
        "loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)\n"
        "m.compile(keras.optimizers.SGD(0.1, momentum=0.9), metrics=['accuracy'],\n"
        f"    loss={wrapped})\n",
        seconds=60,
    )
    told = subject.model_compiled("m")
    assert told["loss"] == "sparse_categorical_crossentropy"
    assert told["from_logits"] is True
    assert (told["optimizer"], round(told["learning_rate"], 6)) == ("sgd", 0.1)
    assert told["highest_rate"] == told["learning_rate"]
    assert told["metrics"] == ["accuracy"]
    y, logits = np.array([0, 2]), np.array([[0.0, 0, 0], [0, 0, 100]], "float32")
    assert subject.model_loss("m", y, logits) == pytest.approx(np.log(3) / 2, abs=1e-5)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    losses = subject.model_train("m", x, np.arange(8) % 3, steps=10)
    assert len(losses) == 10
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("schedule", "highest"),
    [
        ("CosineDecay(1e-5, 1000, warmup_target=0.01, warmup_steps=100)", 0.01),
        ("ExponentialDecay(0.1, 1000, 0.5)", 0.1),
        ("PiecewiseConstantDecay([50_000], [1e-4, 0.2])", 0.2),
    ],
)
def test_the_highest_rate_of_a_schedule_is_told(schedule, highest):
    subject = work(
        "import keras\nm = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])\n"
        f"m.compile(keras.optimizers.SGD(keras.optimizers.schedules.{schedule}), 'mse')\n",
        seconds=60,
    )
    assert subject.model_compiled("m")["highest_rate"] == pytest.approx(highest, rel=0.1)


def _losses(y, metrics=("accuracy",), **compiled):
    import keras

    keras.utils.set_random_seed(3)
    layers = [keras.Input((4,)), keras.layers.Dropout(0.3), keras.layers.Dense(3)]
    model = keras.Sequential(layers)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=list(metrics), **compiled)
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    return models.train(model, x, y, 6)


def test_training_is_traced_once_and_learns_as_keras_does(monkeypatch):
    import keras

    y = np.arange(8) % 3
    of_keras = _losses(y, run_eagerly=True)
    traced = []
    compute_loss = keras.Model.compute_loss

    def noting(self, x, *args, **kwargs):
        traced.append(kwargs.get("training"))
        return compute_loss(self, x, *args, **kwargs)

    monkeypatch.setattr(keras.Model, "compute_loss", noting)
    assert _losses(y) == pytest.approx(of_keras, rel=1e-4)
    assert traced.count(True) == 1


def test_training_raises_the_errors_of_loss_and_metrics():
    with pytest.raises(ValueError, match="same"):
        _losses(np.arange(5) % 3)
    with pytest.raises(ValueError, match="metric"):
        _losses(np.arange(8) % 3, metrics=["no such metric"])


def test_a_frozen_model_is_trained_without_a_change():
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.trainable = False
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    losses = models.train(model, np.ones((8, 4), "float32"), np.arange(8) % 3, 3)
    assert losses[0] == losses[2]


@pytest.mark.parametrize("shape", [(9, 7, 3), (8, 8, 1)])
def test_outputs_of_a_row_of_layers_are_those_of_a_call(shape):
    import keras

    layers = keras.layers
    row = [
        *(keras.Input(shape), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu")),
        *(layers.MaxPooling2D(2), layers.ReLU(), layers.Flatten(), layers.Dropout(0.5)),
        *(layers.Dense(5), layers.Activation("softmax")),
    ]
    model = keras.Sequential(row)
    x = np.random.default_rng(0).uniform(0, 255, (6, *shape)).astype("float32")
    assert models._is_simple(model, x)
    want = keras.ops.convert_to_numpy(model(x, training=False))
    assert np.array_equal(models.outputs(model, x, training=False), want)
    assert not np.array_equal(models.outputs(model, x, training=True), want)
    with pytest.raises(ValueError, match="shape"):
        models.outputs(model, x[:, 2:], training=False)


def test_a_layer_with_a_call_of_its_own_is_called_as_it_is():
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    x = np.ones((2, 4), "float32")
    model.layers[0].call = lambda inputs, **options: inputs * 0 + 7
    assert np.all(models.outputs(model, x, training=False) == 7)


def test_batches():
    subject = work(
        "import tensorflow as tf\n"
        "d = tf.data.Dataset.from_tensor_slices((np.zeros((5, 2), 'float32'), np.arange(5)))\n"
        "d = d.batch(2)"
    )
    first, second = subject.batches("d", 2)
    assert first[0].shape == (2, 2)
    assert second[1].tolist() == [2, 3]


def test_a_model_is_built_from_its_description():
    import keras
    from keras import layers

    from course_utils.student_work import _describe

    block = keras.Sequential([keras.Input((6, 6, 2)), layers.Conv2D(3, 3), layers.Dropout(0.5)])
    last = layers.Dense(2, "softmax", kernel_initializer="orthogonal")
    model = keras.Sequential([keras.Input((6, 6, 2)), block, layers.Flatten(), last], name="mine")
    block.trainable = False
    told = _describe.describe(model, None)
    built = _describe.build(told["network"], "")
    x = np.random.default_rng(0).uniform(size=(3, 6, 6, 2)).astype("float32")
    assert np.array_equal(built(x), model(x))
    assert built.name == "mine"
    assert [len(built.trainable_weights), len(built.weights)] == [2, 4]
    assert json.dumps(built.get_config()) == json.dumps(model.get_config())
    open_ended = keras.Sequential([layers.Flatten(), layers.Dense(4)])
    later = _describe.build(_describe.describe(open_ended, None)["network"], "")
    assert np.ptp(later(x)) > 0  # weights that are made later are random


# --- a function that stands in -----------------------------------------------------------------

_DOUBLED = """
def double(x):
    return 3 * x

def total(x):
    return double(x).sum() + double(x=x).sum()
"""


def test_a_function_stands_in_until_it_is_put_back():
    subject, x = work(_DOUBLED), np.arange(4.0)
    subject.stand_in("double", [[x]], [2 * x])
    assert subject.call("total", x) == 24
    assert subject.call("total", x + 1) == 60, "other arguments go to the student's function"
    subject.stand_in("double", [[x + 1]], [2 * x + 2])
    assert subject.call("total", x) == 36, "the second one replaces the first"
    subject.stand_in("double", [], [])
    assert subject.call("total", x) == 36
    assert subject.call("total", x + 1) == 60


def test_a_function_stands_in_for_one_that_is_missing():
    subject, x = work(_DOUBLED.replace("def double", "def triple")), np.arange(4.0)
    subject.stand_in("double", [[x]], [2 * x])
    assert subject.call("total", x) == 24
    with pytest.raises(student_work.StudentError, match="double"):
        subject.call("total", x + 1)
    subject.stand_in("double", [], [])
    assert subject.kind("double") == "missing"


def test_results_of_what_stands_in_cannot_be_spoiled():
    subject, x = work("def spoil(x):\n    y = f(x)\n    y[:] = 0\n    return f(x)"), np.ones(3)
    subject.stand_in("f", [[x]], [2 * x])
    assert np.array_equal(subject.call("spoil", x), 2 * x)


def test_what_stands_in_looks_at_all_arguments():
    subject = work("def f(a, b):\n    return -1\n\ndef g(a, b):\n    return f(a, b=b)")
    one, two = np.ones(3), np.array(["a", "b"])
    subject.stand_in("f", [[one, one]], [one])
    assert np.array_equal(subject.call("g", one, one), one)
    assert subject.call("g", one, 2 * one) == -1
    assert subject.call("g", one, two) == -1
