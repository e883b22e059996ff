"""Networks and datasets in the sandbox: asked from outside, they say what they say at home."""

from __future__ import annotations

import numpy as np
import pytest
from attacks.exercise import code, notebook, text
from attacks.isolation import require

from course_staff.grading import runner
from course_staff.grading.intake import Submission
from course_staff.grading.remote import RemoteWork
from course_staff.grading.sandbox import Limits, Sandbox
from course_utils import checks, student_work
from course_utils.checks import compare, model_checks

SHAPE = (8, 8, 3)
PRELOAD = ("keras", "numpy", "tensorflow")

WORK = """
import keras
import numpy as np
import tensorflow as tf

inputs = keras.Input((8, 8, 3))
x = keras.layers.Rescaling(1 / 255)(inputs)
x = keras.layers.Conv2D(4, 3, activation="relu")(x)
x = keras.layers.BatchNormalization()(x)
x = keras.layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, keras.layers.Dense(3)(x))
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(keras.optimizers.SGD(0.1), loss, metrics=["accuracy"])
pictures = np.arange(10 * 8 * 8 * 3, dtype="float32").reshape(10, 8, 8, 3)
data = tf.data.Dataset.from_tensor_slices((pictures, np.arange(10) % 3)).batch(4)

def build(filters):
    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(filters, 3)])
"""

RIGHT = """
model = keras.Sequential([
    keras.Input((8, 8, 3)),
    keras.layers.Conv2D(4, 3, activation="relu"),
    keras.layers.GlobalAveragePooling2D(),
    keras.layers.Dense(3),
])
"""


@pytest.fixture(scope="module")
def sandbox():
    require()
    with Sandbox(limits=Limits(cell=30, call=10, patience=30)) as made:
        yield made


def reference():
    import keras

    return keras.Sequential(
        [
            keras.Input(SHAPE),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )


def _network(subject, rng):
    model_checks.same_network(subject, "model", reference, SHAPE, rng)


def _number(subject, rng):
    compare.number(subject, "answer", 12)


@pytest.mark.slow
def test_weights_arrive_whole_though_only_changed_ones_are_sent(sandbox):
    reset = "def reset():\n    model.set_weights([0 * w for w in model.get_weights()])\n"
    with sandbox.worker(0, PRELOAD) as worker, sandbox.worker(0, PRELOAD) as clean:
        assert worker.run(WORK + reset) is None
        remote = RemoteWork(worker, clean=lambda: clean)

        def set_to(wanted):
            remote.model_set_weights("model", SHAPE, wanted)
            got = remote.model_weights("model", SHAPE)
            assert all(map(np.array_equal, got, wanted))

        ones = [np.ones_like(w) for w in remote.model_weights("model", SHAPE)]
        set_to(ones)
        set_to([2 * ones[0], *ones[1:]])
        ones[0][:] = 3  # the same array with other numbers
        set_to(ones)
        remote.call("reset")
        assert not any(w.any() for w in remote.model_weights("model", SHAPE))
        set_to(ones)


EXERCISE = checks.Exercise(
    "91_networks",
    "Networks",
    (
        checks.Question(
            "91.1",
            "A network",
            2,
            (checks.Part("all", 2, _network),),
            ("model",),
            kind="model",
            seconds=3,
        ),
        checks.Question("91.2", "A number", 1, (checks.Part("it", 1, _number),), ("answer",)),
    ),
)


def submission(source: str, before: str = "") -> Submission:
    made = [
        code("import keras\nimport numpy as np\n" + before),
        text("Build it.", "91-1-prompt"),
        code(source, "91-1", solution=True),
        text("How many?", "91-2-prompt"),
        code("answer = 12", "91-2", solution=True),
    ]
    return Submission(student="S", file_name="s.ipynb", name="s.ipynb", content=notebook(made))


def test_every_operation_says_the_same_from_outside(sandbox):
    here: dict = {"__name__": "__main__"}
    exec(WORK, here)
    x = np.random.default_rng(0).uniform(0, 255, (6, *SHAPE)).astype("float32")
    y = np.arange(6) % 3
    with sandbox.worker(0, PRELOAD) as worker:
        assert worker.run(WORK) is None
        remote, local = RemoteWork(worker), student_work.Namespace(here)
        weights = local.model_weights("model", SHAPE)
        assert [w.shape for w in weights] == [w.shape for w in remote.model_weights("model", SHAPE)]
        remote.model_set_weights("model", SHAPE, weights)
        both = (remote, local)

        def same(ask):
            for one, other in zip(*(np.ravel(ask(s)) for s in both), strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)

        same(lambda s: s.model_outputs("model", x))
        same(lambda s: s.model_outputs("model", x, True))
        same(lambda s: s.model_loss("model", y, np.eye(3, dtype="float32")[y]))
        same(lambda s: s.model_train("model", x, y, 3))
        for ask in (
            lambda s: s.model_trainable("model", SHAPE),
            lambda s: s.model_constrained("model", SHAPE),
            lambda s: s.model_reached("model", SHAPE),
            lambda s: s.model_compiled("model"),
            lambda s: [part.tolist() for batch in s.batches("data", 2) for part in batch],
            lambda s: s.kind("data"),
            lambda s: s.kind("nothing"),
        ):
            assert ask(remote) == ask(local)
        built = remote.call("build", filters=5)
        assert isinstance(built, student_work.Ref)
        assert remote.model_outputs(built, x).shape == (6, 6, 6, 5)
        with pytest.raises(student_work.WrongKind):
            remote.model_weights("data", SHAPE)
        with pytest.raises(student_work.Missing):
            remote.get("nothing")


def test_networks_are_judged_by_what_they_compute(sandbox):
    subclass = """
class Mine(keras.Model):
    def __init__(self):
        super().__init__()
        self.last = keras.layers.Dense(3)
        self.mean = keras.layers.GlobalAveragePooling2D()
        self.first = keras.layers.Conv2D(4, 3, activation="relu")
    def call(self, x, training=False):
        return self.last(self.mean(self.first(x)))
model = Mine()
"""
    for source, status in {
        RIGHT: "correct",
        subclass: "correct",
        RIGHT.replace("relu", "sigmoid"): "incorrect",
        "model = 3": "incorrect",
        "model = None": "not attempted",
    }.items():
        graded = runner.grade(submission(source), EXERCISE, sandbox, 1)
        assert [one.status for one in graded.questions] == [status, "correct"], source


ATTACKS = {
    "patched calls": (
        "keras.layers.Layer.__call__ = lambda self, x, **kwargs: x",
        RIGHT.replace("relu", "tanh"),
    ),
    "patched comparison": (
        "import tensorflow as tf\nkeras.ops.convert_to_numpy = lambda x: Zero()\n"
        "class Zero(np.ndarray):\n    def __sub__(self, other): return 0\n",
        RIGHT.replace("relu", "tanh"),
    ),
    "weights that cannot be set": (
        "keras.Variable.assign = lambda self, value: self",
        RIGHT.replace("relu", "tanh"),
    ),
    "a network that answers with everything it has": (
        "",
        "class Sly(keras.Model):\n    def call(self, x, training=False):\n"
        "        return keras.ops.zeros((len(x), 3))\n"
        "    @property\n    def weights(self):\n        return []\nmodel = Sly()",
    ),
    "a network that never ends": (
        "",
        "class Slow(keras.Model):\n    def call(self, x, training=False):\n"
        "        while True: pass\nmodel = Slow()",
    ),
    "a network that ends Python": (
        "import os",
        "class Gone(keras.Model):\n    def call(self, x, training=False):\n"
        "        os._exit(0)\nmodel = Gone()",
    ),
    "a file in place of a network": ("", "model = keras.saving.load_model('nothing.keras')"),
}


#: Waits for the limit of a call; tests/grading/test_grading_attacks.py has endless loops too.
ENDLESS = "a network that never ends"


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n == ENDLESS else n for n in ATTACKS]
)
def test_no_attack_on_keras_earns_anything(name, sandbox):
    before, source = ATTACKS[name]
    graded = runner.grade(submission(source, before), EXERCISE, sandbox, 1)
    assert graded.questions[0].points == 0, graded.questions[0]
    assert graded.questions[0].status not in ("correct", "partly")
    assert graded.questions[1].status == "correct"
