"""What a student's process says is not believed: it is left out, computed again, or not told."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys

import numpy as np
import pytest
from answers import cells as solution_cells
from attacks import trusted
from attacks.exercise import code, notebook
from attacks.isolation import require

from course_staff.grading import command, networks, packages, runner, stripped
from course_staff.grading import sandbox as module
from course_staff.grading.intake import Submission
from course_staff.grading.messages import Lines
from course_staff.grading.remote import OWN_CODE, RemoteWork
from course_staff.grading.sandbox import Limits, Sandbox
from course_staff.grading.sandbox_runtime import server, wire
from course_utils import checks, student_work
from course_utils.exceptions import InvalidInput


@pytest.fixture(scope="module")
def sandbox():
    require("bubblewrap")
    with Sandbox("bubblewrap", limits=Limits(cell=30, call=10, patience=60)) as made:
        yield made


def grade(content: bytes, sandbox: Sandbox, exercise: checks.Exercise):
    submission = Submission(student="S", file_name="s.ipynb", name="s.ipynb", content=content)
    return runner.grade(submission, exercise, sandbox, 2**99)


# --- forbidden functions do not exist ------------------------------------------------------------


def test_a_copy_of_the_package_lacks_what_is_forbidden_and_works_otherwise(tmp_path):
    staged = module._staged()
    folder = staged[0] if isinstance(staged, tuple) else staged
    target = tmp_path / "copy"
    helpers = ["course_utils.convolution.max_pool", "course_utils.convolution.LetterNetwork.hidden"]
    for _ in range(2):  # the second does no harm
        stripped.copy(folder / "course", target, helpers)
    assert [one.name for one in tmp_path.iterdir()] == ["copy"]
    tried = """
import sys
sys.path.insert(0, sys.argv[1])
from course_utils import convolution as c
from course_staff.grading.sandbox_runtime import removed
assert c.__file__.startswith(sys.argv[1]), c.__file__
print(c.average_pool([[1.0, 3], [5, 7]]), c.feature_map(c.LETTER_O, c.ANTI_DIAGONAL).shape)
for call in (lambda: c.max_pool(), lambda: c.LetterNetwork.hidden(None, None)):
    try:
        print(call())
    except removed.WriteItYourself as error:
        print(error)
print(removed.called())
"""
    told = subprocess.run(
        [sys.executable, "-P", "-c", tried, str(target)], capture_output=True, text=True
    )
    assert told.stdout.splitlines()[0] == "[[4.]] (4, 4)", told.stderr
    assert "convolution.max_pool is not available here: a question asks you" in told.stdout
    assert "convolution.LetterNetwork.hidden is not available" in told.stdout
    assert str(helpers) in told.stdout


def test_private_functions_that_nothing_else_uses_are_removed_too(tmp_path):
    package = tmp_path / "course_utils"
    package.mkdir()
    (package / "convolution.py").write_text(
        "def max_pool(x):\n    return _deep(x)\n"
        "def average_pool(x):\n    return _shared(x)\n"
        "def _deep(x):\n    return _deeper(x) + _shared(x)\n"
        "def _deeper(x):\n    return 12345\n"
        "def _shared(x):\n    return 67\n"
    )
    stripped.strip(package, ["course_utils.convolution.max_pool"])
    left = (package / "convolution.py").read_text()
    assert "12345" not in left
    assert "67" in left


def test_questions_with_different_forbidden_functions_share_processes(sandbox, monkeypatch):
    """The first process asks 01.2 to 01.4, the second all others: no question needs a third."""
    lacking = []
    start = Sandbox.worker

    def noting(self, *args, **kwargs):
        lacking.append(kwargs["without"])
        return start(self, *args, **kwargs)

    monkeypatch.setattr(Sandbox, "worker", noting)
    exercise = checks.exercise("01")
    content = json.dumps({"cells": solution_cells("01"), "metadata": {}, "nbformat": 4})
    graded = grade(content.encode(), sandbox, exercise)
    assert graded.points == sum(one.points for one in exercise.questions if one.kind != "written")
    forbidden = {one.id: frozenset(one.forbids) for one in exercise.questions}
    assert lacking == [frozenset().union(*forbidden.values()), forbidden["01.6"]]


def test_a_removed_function_leaves_what_other_modules_use(tmp_path):
    """A private function that another module imports, or a method of its name uses, is kept."""
    package = tmp_path / "course_utils"
    package.mkdir()
    (package / "convolution.py").write_text(
        "def max_pool(x):\n    return _one(x) + _two(x) + _three(x)\n"
        "def _one(x):\n    return 111\n"
        "def _two(x):\n    return 222\n"
        "def _three(x, again=None):\n    return _three(x) if again else 333\n"
        "def _four():\n    return 444\n"
    )
    (package / "other.py").write_text("from course_utils.convolution import _one\n")
    before = (package / "other.py").read_bytes()
    stripped.strip(package, ["course_utils.convolution.max_pool"])
    left = (package / "convolution.py").read_text()
    assert [text in left for text in ("111", "222", "333", "444")] == [True, False, True, True]
    assert (package / "other.py").read_bytes() == before


def test_what_modules_of_the_course_import_is_looked_up_after_all_others(monkeypatch):
    """Else a process that looks it up imports TensorFlow for itself, which takes seconds."""
    known = []

    def looked_up(name):
        known.append(list(imported))
        return ["PIL"]

    monkeypatch.setattr(server, "_imported_by", looked_up)
    monkeypatch.setattr(server, "_looked_up", {})
    imported = []
    for name in server._of_others(["course_utils.models", "keras", "numpy"]):
        imported.append(name)
    assert imported == ["keras", "numpy", "PIL"]
    assert known == [["keras", "numpy"]]


@pytest.mark.parametrize("exercise", checks.exercises(), ids=lambda one: one.name)
def test_given_cells_do_not_need_what_the_exercise_forbids(exercise, sandbox):
    """What the first process cannot do is for the second; but given cells run in each."""
    forbidden = frozenset(name for one in exercise.questions for name in one.forbids)
    if not forbidden:
        pytest.skip("nothing is forbidden")
    given = [
        "".join(cell["source"])
        for cell in solution_cells(exercise.name)
        if cell["cell_type"] == "code" and "nbgrader" not in cell["metadata"]
    ]
    names = {name.rpartition(".")[2] for name in forbidden} - {"grad_cam", "predict", "hidden"}
    used = {name for text in given for name in names if f".{name}(" in text}
    assert not used


def test_a_question_that_may_use_what_another_forbids_is_asked_where_it_exists(sandbox):
    """01.6 may call feature_map, which 01.2 forbids; neither 01.6 nor 01.2 suffers."""
    answers = {
        "q2": "def convolve(image, kernel, bias=0.0, stride=1):\n" + trusted._BY_HAND.lstrip("\n"),
        "q6": "def letter_outputs(image):\n"
        "    f = getattr(convolution, 'feature' + '_map')\n"
        "    maps = convolution.relu(f(image, letter_kernel, bias=letter_bias))\n"
        "    pooled = getattr(convolution, 'max' + '_pool')(maps)\n"
        "    node = max(0, pooled.ravel() @ hidden_weights + hidden_bias)\n"
        "    return output_weights * node + output_biases",
    }
    content = trusted.answered("01", **answers)(0, "")
    graded = grade(content, sandbox, trusted.only("01.2", "01.6"))
    assert [one.status for one in graded.questions] == ["correct", "correct"]


def test_a_cell_that_compares_with_the_course_keeps_its_other_statements(sandbox):
    """Comparing with the course's own function is good practice, and costs nothing."""
    by_hand = "def convolve(image, kernel, bias=0.0, stride=1):\n" + trusted._BY_HAND.lstrip("\n")
    source = (
        "own = convolution.feature_map(np.eye(4), np.ones((2, 2)))\nprint(own)\n"
        "@staticmethod\ndef nothing():\n    pass\n" + by_hand
    )
    content = trusted.answered("01", q2=source)(0, "")
    graded = grade(content, sandbox, trusted.only("01.2"))
    assert graded.questions[0].status == "correct"
    assert any("not available here" in one for one in graded.cells)


def test_a_forbidden_function_is_named_in_the_verdict(sandbox):
    _, source = trusted.HELPERS["called"]
    graded = grade(trusted.answered("01", q2=source)(0, ""), sandbox, trusted.only("01.2"))
    first = graded.questions[0]
    assert (first.status, first.mistake, first.points) == ("incorrect", "helper used", 0)
    assert "your code calls convolution.feature_map" in first.sentence


@pytest.mark.slow
def test_packages_that_a_question_does_not_mean_are_told(sandbox):
    source = (
        "def convolve(image, kernel, bias=0.0, stride=1):\n"
        "    from numpy.lib.stride_tricks import sliding_window_view as view\n"
        "    import tensorflow\n"
        "    parts = view(np.asarray(image), np.shape(kernel))[::stride, ::stride]\n"
        "    return (parts * kernel).sum(axis=(2, 3)) + bias\n"
    )
    graded = grade(trusted.answered("01", q2=source)(0, ""), sandbox, trusted.only("01.2"))
    assert graded.questions[0].points == 3
    (note,) = graded.questions[0].notes
    assert note.startswith("The answer uses tensorflow, which")


def test_packages_are_found_through_what_an_answer_calls():
    given = "import numpy as np\nimport keras\nimport scipy.signal as sg\nx = keras.Input((3,))"
    assert packages.used(["def f(x):\n    return np.max(x)"], [given], ["numpy"]) == []
    helper = given + "\ndef g(a):\n    return sg.correlate(a, a)"
    assert packages.used(["def f(x):\n    return g(x)"], [helper], ["numpy"]) == ["scipy"]
    hidden = "def f(x):\n    return __import__('sci' + 'py').signal(x)"
    assert packages.used([hidden], [given], ["numpy"]) == ["__import__"]
    assert packages.used(["def f(:"], [given], ["numpy"]) == []
    assert packages.used(["def f(m):\n    return keras.ops.relu(m)"], [given], []) == []


# --- networks ------------------------------------------------------------------------------------

NETWORKS = """
import keras
import numpy as np
from keras import layers

class Block(layers.Layer):
    def __init__(self, filters):
        super().__init__()
        self.convolution = layers.Conv2D(filters, 3, padding="same", activation="relu")
        self.pool = layers.MaxPooling2D()
    def call(self, x):
        return self.pool(self.convolution(x))

class Mine(keras.Model):
    def __init__(self):
        super().__init__()
        self.last, self.block, self.drop = layers.Dense(3), Block(4), layers.Dropout(0.5)
        self.norm = layers.BatchNormalization()
    def call(self, x, training=False):
        x = self.norm(self.block(x / 255), training=training)
        return self.last(self.drop(keras.ops.mean(x, axis=(1, 2)), training=training))

class Branch(Mine):
    def call(self, x, training=False):
        x = keras.ops.mean(self.block(x), axis=(1, 2))
        return self.last(self.drop(x, training=True) if training else x)

class Always(Mine):
    def call(self, x):
        return self.last(self.drop(keras.ops.mean(self.block(x), axis=(1, 2)), training=True))

class Still(Mine):
    def call(self, x, training=False):
        return self.last(keras.ops.mean(self.norm(self.block(x), training=False), axis=(1, 2)))

mine, branch = Mine(), Branch()
always, still = Always(), Still()
base = keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(2, 3), layers.BatchNormalization()])
base.trainable = False
inputs = keras.Input((8, 8, 3))
pooled = layers.GlobalAveragePooling2D()(base(inputs, training=False))
frozen = keras.Model(inputs, layers.Dense(2)(pooled))
frozen.compile(keras.optimizers.SGD(0.1), "mse")
twice = layers.Dense(4)
x = layers.Flatten()(inputs)
shared = keras.Model(inputs, twice(twice(layers.Dense(4)(x))))
late = keras.Sequential([layers.Flatten(), layers.Dense(2, kernel_constraint="non_neg")])
flip = layers.RandomFlip("horizontal")
own = keras.Sequential([keras.Input((8, 8, 3)), layers.Lambda(lambda x: x + 1)])

def slower(model):
    model.optimizer.learning_rate = 0.01
def sums(model):
    return [float(w.sum()) for w in model.get_weights()]
"""
SHAPE = (8, 8, 3)


@pytest.fixture(scope="module")
def both(sandbox):
    """The same networks here, and in the sandbox computed apart from the student's code."""
    here: dict = {"__name__": "__main__"}
    exec(NETWORKS, here)
    preload = ("keras", "numpy", "tensorflow")
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(sandbox.worker(0, preload))
        clean = stack.enter_context(sandbox.worker(0, preload))
        assert worker.run(NETWORKS) is None
        yield RemoteWork(worker, 60, clean=lambda: clean), student_work.Namespace(here, 60)


@pytest.mark.parametrize("name", ["mine", "frozen", "shared", "late"])
def test_a_network_computes_the_same_apart_from_the_students_code(name, both):
    remote, local = both
    remote.take_notes()
    weights = local.model_weights(name, SHAPE)
    assert [w.shape for w in remote.model_weights(name, SHAPE)] == [w.shape for w in weights]
    rng = np.random.default_rng(0)
    fresh = [rng.uniform(0.1, 0.5, w.shape).astype("float32") for w in weights]
    x = rng.uniform(0, 255, (6, *SHAPE)).astype("float32")
    for subject in both:
        subject.model_set_weights(name, SHAPE, fresh)
    np.testing.assert_allclose(
        remote.model_outputs(name, x), local.model_outputs(name, x), rtol=1e-3, atol=1e-3
    )
    assert remote.model_trainable(name, SHAPE) == local.model_trainable(name, SHAPE)
    assert remote.model_reached(name, SHAPE) == local.model_trainable(name, SHAPE)
    limited = [name == "late", *[False] * (len(weights) - 1)]
    assert remote.model_constrained(name, SHAPE) == local.model_constrained(name, SHAPE) == limited
    assert remote.take_notes() == []
    # What was set apart is there when the student's code runs.
    sums = remote.call("sums", student_work.Ref(name))
    assert sorted(sums) == pytest.approx(sorted(float(w.sum()) for w in fresh), rel=1e-4)


def test_what_code_changes_is_read_again(both):
    remote, _ = both
    assert remote.model_compiled("frozen")["learning_rate"] == pytest.approx(0.1)
    remote.call("slower", student_work.Ref("frozen"))
    assert remote.model_compiled("frozen")["learning_rate"] == pytest.approx(0.01)


@pytest.mark.parametrize("name", ["branch", "always", "still", "own"])
def test_a_network_with_code_of_its_own_is_asked_where_it_is_and_that_is_told(name, both):
    remote, local = both
    remote.take_notes()
    assert len(remote.model_weights(name, SHAPE)) == len(local.model_weights(name, SHAPE))
    assert remote.take_notes() == [OWN_CODE]


def test_a_layer_is_computed_apart_too(both):
    remote, _ = both
    remote.take_notes()
    x = np.random.default_rng(0).uniform(0, 255, (4, *SHAPE)).astype("float32")
    np.testing.assert_array_equal(remote.model_outputs("flip", x), x)
    assert remote.take_notes() == []


def test_whoever_says_that_a_network_has_code_of_its_own_is_told_to_the_instructor(sandbox):
    """It cannot be computed again; so the marks stand beside a sentence."""
    before = (
        "from course_utils.student_work import _describe\n"
        "_describe.describe = lambda model, shape: {'network': None, 'compiled': None}\n"
    )
    answer = (
        "def build_cnn(input_shape, num_classes):\n"
        "    return keras.Sequential([keras.Input(input_shape), layers.Flatten(),\n"
        "        layers.Dense(num_classes)])"
    )
    content = trusted.answered("03", before, q2=answer)(0, "")
    graded = grade(content, sandbox, trusted.only("03.2"))
    assert graded.questions[0].notes == [OWN_CODE]


def _description(config: object) -> dict:
    return {"config": json.dumps(config), "weights": {}, "trainable": {}, "number": 0}


def _layer(kind: str, module: str = "keras.layers", registered=None, **config) -> dict:
    return {
        "module": module,
        "class_name": kind,
        "config": config,
        "registered_name": registered,
    }


@pytest.mark.parametrize(
    "config",
    [
        _layer("Lambda", function={"class_name": "__lambda__", "config": {"code": "x"}}),
        _layer("TFSMLayer", filepath="/tmp/x"),
        _layer("Dense", registered="mine>Dense"),
        _layer("Popen", module="subprocess"),
        _layer("Mine", module="__main__"),
        _layer("function", module="builtins", registered="function"),
        {"module": "builtins", "class_name": "function", "config": "eval"},
        {"module": "os", "class_name": "function", "config": "system"},
        _layer("Dense", units=10**9),
        _layer("Dense", units=float("inf")),
        _layer("Dense", name="x" * 1000),
        _layer("__lambda__", module=None),
        _layer("Dense", activation={"class_name": "function", "module": "os", "config": "relu"}),
        _layer("Scan", module="keras.src.ops.core"),
        json.loads("[" * 100 + "]" * 100),
    ],
)
def test_descriptions_with_anything_but_kerass_own_parts_are_not_built(config):
    assert not networks.is_safe_network(_description(config))


def test_descriptions_of_the_wrong_form_are_not_built():
    good = _description(_layer("Dense", units=3))
    assert networks.is_safe_network(good)
    for change in (
        {"config": 3},
        {"config": "["},
        {"number": "1"},
        {"weights": {"": [np.zeros(3)]}},
        {"weights": {"": 3}, "trainable": {"": True}},
        {"weights": {"": [np.array("x")]}, "trainable": {"": True}},
        {"weights": {"": []}, "trainable": {"": 1}},
        {"more": 1},
    ):
        assert not networks.is_safe_network({**good, **change}), change
    assert not networks.is_safe_network(None)


# --- a second process ----------------------------------------------------------------------------


def test_files_go_to_a_second_process_and_memory_does_not(sandbox):
    source = (
        "import tempfile, pathlib\nmemory = []\n"
        "def new():\n    return pathlib.Path(tempfile.mkdtemp())\n"
        "def keep(folder, text):\n    memory.append(text)\n    (folder / 'a').mkdir()\n"
        "    (folder / 'a' / 'b.txt').write_text(text)\n"
        "def back(folder):\n    return (folder / 'a' / 'b.txt').read_text(), len(memory)"
    )

    def run(worker):
        assert worker.run(source) is None
        return worker

    with sandbox.worker(0) as one, sandbox.worker(0) as two:
        first = RemoteWork(run(one), again=lambda: RemoteWork(run(two)))
        folder = first.call("new")
        first.call("keep", folder, "words")
        assert first.call("back", folder) == ("words", 1)
        files = first.files(folder)
        assert {name: bytes(one) for name, one in files.items()} == {"a/b.txt": b"words"}
        second = first.second()
        assert first.is_repeated()
        assert second.call("back", second.put_files(files)) == ("words", 0)


def test_in_a_notebook_the_second_process_is_the_same():
    subject = student_work.Namespace({"x": 1})
    assert subject.second() is subject
    assert not subject.is_repeated()
    with pytest.raises(student_work.WrongKind, match="the path of a folder"):
        subject.files("x")
    with pytest.raises(ValueError, match="not below"):
        subject.put_files({"../x": np.zeros(1, "uint8")})


def test_a_cell_that_is_too_long_is_refused_before_it_is_sent(sandbox, monkeypatch):
    monkeypatch.setattr(wire, "LARGEST_REQUEST", 10_000)
    with sandbox.worker(0) as worker:
        facts = worker.run(f"x = '{'y' * 20_000}'")
        assert facts == {
            "error": "StudentError",
            "arguments": ["ValueError", "this cell is too long to be run", None, ""],
        }
        assert worker.run("x = 3") is None
        assert RemoteWork(worker).get("x") == 3


# --- seeds and errors ----------------------------------------------------------------------------


def test_a_seed_is_drawn_once_for_a_folder_and_kept_from_others(tmp_path):
    first = command.seed_for(tmp_path, None)
    assert first.bit_length() > 60
    assert command.seed_for(tmp_path, None) != first
    command.keep_seed(tmp_path, first)
    assert command.seed_for(tmp_path, None) == first
    assert command.seed_for(tmp_path, 7) == 7
    command.keep_seed(tmp_path, 7)
    assert command.seed_for(tmp_path, None) == 7
    other = tmp_path / "other"
    command.keep_seed(other, command.seed_for(other, None))
    assert command.seed_for(other, None) not in (first, 7)
    assert (other / "seed.json").stat().st_mode & 0o777 == 0o600
    for damaged in ("", "{", "[]", '{"seed": "x"}', '{"seed": -1}'):
        (other / "seed.json").write_text(damaged)
        with pytest.raises(InvalidInput, match=r"seed\.json"):
            command.seed_for(other, None)


def test_the_students_random_numbers_do_not_depend_on_the_seed(sandbox):
    content = notebook([code("import numpy as np\nanswer = np.random.rand(3).tolist()")])

    def drawn(subject, rng):
        seen.append((subject.get("answer"), rng.integers(10**9)))

    part = checks.Part("all", 1, drawn)
    exercise = checks.Exercise("90_x", "X", (checks.Question("90.1", "X", 1, (part,)),))
    seen: list = []
    for seed in (1, 2):
        submission = Submission(student="S", file_name="s.ipynb", name="s.ipynb", content=content)
        runner.grade(submission, exercise, sandbox, seed)
    assert seen[0][0] == seen[1][0]
    assert seen[0][1] != seen[1][1]


def test_an_error_is_told_by_the_lines_of_the_notebook():
    lines = Lines(["x = 1\ny = x / z", "def f():\n    return [1][3]"])

    def safe(kind, message, line, code, **more):
        facts = {"error": "StudentError", "arguments": [kind, message, line, code]}
        return str(lines.safe(facts, "f", 1.0, **more))

    assert safe("NameError", "name 'z' is not defined", 2, "y = x / z") == (
        "Your code stopped with NameError in line 2, `y = x / z`: name 'z' is not defined"
    )
    assert safe("ValueError", "one two three", 2, "y = x / z").endswith("`y = x / z`")
    assert "four" not in safe("FourError", "", 2, "y = x / z").lower()
    assert "77" not in safe("ValueError", "", 77, "y = x / z")
    assert "secret" not in safe("ValueError", "", 2, "secret")
    assert "two" in safe("ValueError", "one two three", 2, "y = x / z", in_cell=True)
    missing = {"error": "Missing", "arguments": ["spelled_out"]}
    assert "spelled" not in str(lines.safe(missing, "f", 1.0))
    kind = {"error": "WrongKind", "arguments": ["spelled", "spelled", "spelled"]}
    assert "spelled" not in str(lines.safe(kind, "f", 1.0))
    late = {"error": "TimedOut", "arguments": [123.0, 1, "spelled"]}
    told = str(lines.safe(late, "f", 1.0))
    assert "spelled" not in told
    assert "123" not in told
