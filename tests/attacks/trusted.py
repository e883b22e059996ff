"""Submissions that try to be believed: forbidden helpers, lying networks, invented results, seeds.

They answer questions of the course's own exercises, so that what holds them back is what holds back
a student.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

from attacks.exercise import cells as small_cells
from attacks.exercise import notebook
from course_utils import checks, settings
from course_utils.checks import Exercise


@cache
def _solution(number: str) -> str:
    path = settings.course_root() / "solutions" / checks.exercise(number).notebook
    return path.read_text(encoding="utf-8")


@cache
def only(*ids: str) -> Exercise:
    """An exercise with these questions alone."""
    whole = checks.exercise(ids[0][:2])
    return Exercise(whole.name, whole.title, tuple(q for q in whole.questions if q.id in ids))


def answered(number: str, before: str = "", **answers: str) -> Callable[[int, str], bytes]:
    """The solution's notebook up to the last of these answers, with them in place of its own."""

    def make(port: int, root: str) -> bytes:
        made, stored = [], json.loads(_solution(number))["cells"]
        wanted = {f"{number}-{name[1:]}": source for name, source in answers.items()}
        for cell in stored:
            grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
            if grade_id in wanted:
                cell = {**cell, "source": wanted.pop(grade_id)}
            elif "solution" in str(cell["metadata"]) and grade_id.count("-") == 1:
                is_answer = cell["metadata"]["nbgrader"].get("solution")
                if is_answer and cell["cell_type"] == "code":
                    cell = {**cell, "source": "raise NotImplementedError()"}
            made.append(cell)
            if not wanted:
                break
        if before:
            index = next(k for k, cell in enumerate(made) if cell["cell_type"] == "code")
            made.insert(index + 1, {**made[index], "id": "attack", "source": before})
        return notebook(made)

    return make


# --- forbidden helpers ---------------------------------------------------------------------------

_CALL = """
def convolve(image, kernel, bias=0.0, stride=1):
    return {}(image, kernel, bias=bias, stride=stride)
"""
_INSIDE = """
def convolve(image, kernel, bias=0.0, stride=1):
{}
    return feature_map(image, kernel, bias=bias, stride=stride)
"""


def _inside(body: str) -> str:
    return _INSIDE.format("\n".join(f"    {line}" for line in body.strip().splitlines()))


_BY_HAND = """
    h, w = np.shape(kernel)
    rows = range(0, np.shape(image)[0] - h + 1, stride)
    columns = range(0, np.shape(image)[1] - w + 1, stride)
    image = np.asarray(image)
    return np.array([[np.sum(image[r:r+h, c:c+w] * kernel) + bias for c in columns] for r in rows])
"""

#: Ways to the course's own function; the answer is the code of 01.2.
HELPERS: dict[str, tuple[str, str]] = {
    "called": ("", _CALL.format("convolution.feature_map")),
    "imported under another name": (
        "from course_utils.convolution import feature_map as f",
        _CALL.format("f"),
    ),
    "its twin with loops": ("", _CALL.format("convolution.feature_map_loop")),
    "its code object copied": (
        "import types\nkept = types.FunctionType(convolution.feature_map.__code__, "
        "vars(convolution), 'kept', convolution.feature_map.__defaults__)\n"
        "kept.__kwdefaults__ = convolution.feature_map.__kwdefaults__",
        _CALL.format("kept"),
    ),
    "the module imported twice": (
        "",
        _inside(
            "import sys\nsys.modules.pop('course_utils.convolution')\n"
            "from course_utils.convolution import feature_map"
        ),
    ),
    "everything of the course imported twice": (
        "",
        _inside(
            "import sys\nfor name in [n for n in sys.modules if n.startswith('course_utils')]:\n"
            "    sys.modules.pop(name)\nfrom course_utils.convolution import feature_map"
        ),
    ),
    "the module reloaded": (
        "",
        _inside("import importlib\nfeature_map = importlib.reload(convolution).feature_map"),
    ),
    "its file loaded": (
        "",
        _inside(
            "import importlib.util\n"
            "spec = importlib.util.spec_from_file_location('other', convolution.__file__)\n"
            "other = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(other)\n"
            "feature_map = other.feature_map"
        ),
    ),
    "its source executed": (
        "",
        _inside(
            "import inspect\nplace = {'__name__': 'course_utils.convolution'}\n"
            "exec(inspect.getsource(convolution), place)\nfeature_map = place['feature_map']"
        ),
    ),
    "its bytecode loaded": (
        "",
        _inside(
            "import importlib.util, marshal\n"
            "path = importlib.util.cache_from_source(convolution.__file__)\n"
            "place = {'__name__': 'course_utils.convolution'}\n"
            "exec(marshal.loads(open(path, 'rb').read()[16:]), place)\n"
            "feature_map = place['feature_map']"
        ),
    ),
    "a forked child": (
        "",
        """
def convolve(image, kernel, bias=0.0, stride=1):
    import os, pickle
    reading, writing = os.pipe()
    if os.fork() == 0:
        try:
            result = convolution.feature_map(image, kernel, bias=bias, stride=stride)
            os.write(writing, pickle.dumps(result))
        finally:
            os._exit(0)
    os.close(writing)
    return pickle.loads(os.read(reading, 10**6))
""",
    ),
    "another Python": (
        "",
        """
def convolve(image, kernel, bias=0.0, stride=1):
    import pickle, subprocess, sys
    code = ("import pickle, sys; sys.path[:0] = %r; from course_utils import convolution as c; "
            "a = pickle.load(sys.stdin.buffer); "
            "sys.stdout.buffer.write(pickle.dumps(c.feature_map(*a[:2], bias=a[2], stride=a[3])))")
    given = pickle.dumps((image, kernel, bias, stride))
    done = subprocess.run([sys.executable, "-c", code % sys.path], input=given, capture_output=True)
    return pickle.loads(done.stdout)
""",
    ),
    "the watcher patched": (
        "from course_utils import student_work\nfrom course_utils.student_work import _guard\n"
        "import contextlib\n_guard.Watch.running = lambda self: contextlib.nullcontext()\n"
        "student_work.Namespace.watched = lambda self: []",
        _CALL.format("convolution.feature_map"),
    ),
    "what stands in its place patched": (
        "from course_staff.grading.sandbox_runtime import removed\n"
        "removed.stop = lambda helper: None",
        _CALL.format("convolution.feature_map"),
    ),
    "its list emptied, the error caught": (
        "",
        """
def convolve(image, kernel, bias=0.0, stride=1):
    import gc
    try:
        result = convolution.feature_map(image, kernel, bias=bias, stride=stride)
    except Exception:
        result = np.zeros((1, 1))
    for one in gc.get_objects():
        if isinstance(one, list) and one and all(
            isinstance(x, str) and x.startswith("course_utils.") for x in one):
            one.clear()
    return result
""",
    ),
    "searched for in memory": (
        "",
        """
def convolve(image, kernel, bias=0.0, stride=1):
    import gc, types
    for one in gc.get_objects():
        if isinstance(one, types.FunctionType) and one.__name__ == "feature_map":
            try:
                return one(image, kernel, bias=bias, stride=stride)
            except Exception:
                pass
""",
    ),
    "searched for in frames": (
        "",
        """
def convolve(image, kernel, bias=0.0, stride=1):
    import sys
    frame = sys._getframe()
    while frame is not None:
        for one in (*frame.f_globals.values(), *frame.f_locals.values()):
            found = getattr(one, "feature_map", None)
            if callable(found):
                try:
                    return found(image, kernel, bias=bias, stride=stride)
                except Exception:
                    pass
        frame = frame.f_back
""",
    ),
    "searched for on the disk": (
        "",
        """
def convolve(image, kernel, bias=0.0, stride=1):
    import os
    for top in ("/grading", "/tmp", os.path.dirname(np.__path__[0]), os.path.expanduser("~")):
        for folder, _, names in os.walk(top):
            if "convolution.py" in names:
                place = {"__name__": "course_utils.convolution"}
                try:
                    exec(open(os.path.join(folder, "convolution.py")).read(), place)
                    return place["feature_map"](image, kernel, bias=bias, stride=stride)
                except Exception:
                    pass
""",
    ),
    "what lies above it unmounted": (
        "",
        _inside(
            "import ctypes, sys\nlibc = ctypes.CDLL(None)\n"
            "for place in (b'/grading/course/course_utils', b'/grading/copies'):\n"
            "    libc.umount2(place, 2)\n"
            "sys.modules.pop('course_utils.convolution')\n"
            "from course_utils.convolution import feature_map"
        ),
    ),
    "the server's own files": (
        "",
        """
def convolve(image, kernel, bias=0.0, stride=1):
    import os
    above = __import__("pathlib").Path(convolution.__file__).parents
    for pid in [p for p in os.listdir("/proc") if p.isdigit()]:
        for path in (*(f"{one}/course/course_utils" for one in above), "/grading/copies"):
            try:
                name = f"/proc/{pid}/root{path}/convolution.py"
                place = {"__name__": "course_utils.convolution"}
                exec(open(name).read(), place)
                return place["feature_map"](image, kernel, bias=bias, stride=stride)
            except Exception:
                pass
""",
    ),
    "through a figure": (
        "",
        """
def convolve(image, kernel, bias=0.0, stride=1):
    from course_utils import plots
    figure = plots.feature_map_steps(image, kernel, bias=bias)
    return np.asarray(figure.axes[-1].images[-1].get_array())
""",
    ),
    "a call whose error is caught": (
        "",
        "def convolve(image, kernel, bias=0.0, stride=1):\n"
        "    try:\n"
        "        return convolution.feature_map(image, kernel, bias=bias, stride=stride)\n"
        "    except Exception:\n        pass\n" + _BY_HAND.lstrip("\n"),
    ),
}

#: What earns all points with limits alone: there the whole package lies where everybody can read
#: it.
READABLE = {
    "a forbidden helper: searched for on the disk",
    "a forbidden helper: the server's own files",
}

# --- networks that lie ---------------------------------------------------------------------------

_DETECTOR = """
    inner = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D({filters}, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense({units}),
    ])
"""
_LOSS = "keras.losses.BinaryCrossentropy(from_logits=True)"

#: Answers of 03.4, and what is before them.
DETECTORS: dict[str, tuple[str, str]] = {
    "weights that lie about their number": (
        "class Sly(keras.Sequential):\n"
        "    @property\n    def weights(self):\n        return super().weights[-2:]\n",
        "def build_detector(input_shape):\n"
        "    model = Sly([keras.Input(input_shape), layers.Rescaling(1 / 255), layers.Flatten(),\n"
        "        layers.Dense(20, activation='relu'), layers.Dense(1)])\n"
        f"    model.compile('adam', {_LOSS})\n    return model",
    ),
    "losses that fall with nothing learned": (
        "class Sly(keras.Sequential):\n    steps = 0\n"
        "    def train_on_batch(self, *args, **kwargs):\n"
        "        self.steps += 1\n        return {'loss': 1 / self.steps}\n",
        "def build_detector(input_shape):\n"
        "    model = Sly([keras.Input(input_shape), layers.Rescaling(1 / 255),\n"
        "        layers.GlobalAveragePooling2D(), layers.Dense(1)])\n"
        "    for layer in model.layers:\n        layer.trainable = False\n"
        f"    model.compile('adam', {_LOSS})\n    return model",
    ),
    "a step of training that lies": (
        "class Sly(keras.Model):\n    steps = 0\n"
        "    def __init__(self):\n        super().__init__()\n        self.last = layers.Dense(1)\n"
        "    def call(self, x):\n"
        "        return self.last(keras.ops.mean(x, axis=(1, 2)) * 0.0)\n"
        "    def train_step(self, data):\n        self.steps += 1\n"
        "        return {'loss': 1.0 / self.steps}\n",
        "def build_detector(input_shape):\n    model = Sly()\n"
        f"    model.compile('adam', {_LOSS}, run_eagerly=True)\n    return model",
    ),
    "an answer from another network": (
        "class Sly(keras.Sequential):\n"
        "    def call(self, x, training=False, mask=None):\n"
        "        return self.__dict__['hidden'](x)\n"
        "    @property\n    def weights(self):\n"
        "        return self.__dict__['hidden'].weights[-2:]\n",
        "def build_detector(input_shape):\n"
        "    hidden = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255),\n"
        "        layers.Flatten(), layers.Dense(1)])\n"
        "    model = Sly([keras.Input(input_shape), layers.GlobalAveragePooling2D(),\n"
        "        layers.Dense(1)])\n"
        "    object.__setattr__(model, 'hidden', hidden)\n"
        "    model.__dict__['hidden'] = hidden\n"
        f"    model.compile('adam', {_LOSS})\n    return model",
    ),
    "the operations patched": (
        "from course_utils import student_work\n"
        "work = student_work.Namespace\n"
        "work.model_train = lambda self, what, x, y, steps=1: [1 / (k + 1) for k in range(steps)]\n"
        "work.model_weights = lambda self, what, shape: [np.ones((3, 1), 'float32')]\n",
        "def build_detector(input_shape):\n"
        "    model = keras.Sequential([keras.Input(input_shape), layers.Flatten(),\n"
        "        layers.Dense(1)])\n"
        "    model.trainable = False\n"
        f"    model.compile('sgd', {_LOSS})\n    return model",
    ),
    "a description that asks for terabytes": (
        "from course_utils.student_work import _describe\nreal = _describe.describe\n"
        "def describe(model, shape):\n"
        "    told = real(model, shape)\n"
        "    if told['network']:\n"
        "        told['network']['config'] = told['network']['config'].replace(\n"
        "            '\"units\": 1,', '\"units\": 9000000,')\n"
        "    return told\n"
        "_describe.describe = describe\n",
        "def build_detector(input_shape):\n"
        "    model = keras.Sequential([keras.Input(input_shape), layers.Flatten(),\n"
        "        layers.Dense(1)])\n"
        f"    model.compile('sgd', {_LOSS})\n    return model",
    ),
    "a description with code in it": (
        "from course_utils.student_work import _describe\nreal = _describe.describe\n"
        "import json\n"
        "def describe(model, shape):\n"
        "    told = real(model, shape)\n"
        "    config = keras.saving.serialize_keras_object(keras.Sequential([\n"
        "        keras.Input(shape), layers.Lambda(lambda x: open('/tmp/attacked', 'w') and x)]))\n"
        "    return {**told, 'network': {'config': json.dumps(config), 'weights': {'': []},\n"
        "        'trainable': {'': True}, 'number': 0}}\n"
        "_describe.describe = describe\n",
        "def build_detector(input_shape):\n"
        "    model = keras.Sequential([keras.Input(input_shape), layers.Flatten(),\n"
        "        layers.Dense(1)])\n"
        f"    model.compile('sgd', {_LOSS})\n    return model",
    ),
    "a description that is deep": (
        "from course_utils.student_work import _describe\n"
        "_describe.describe = lambda model, shape: {'compiled': '', 'network': {'weights': {},\n"
        "    'config': '[' * 10**6, 'trainable': {}, 'number': 0}}\n",
        "def build_detector(input_shape):\n"
        "    model = keras.Sequential([keras.Input(input_shape), layers.Flatten(),\n"
        "        layers.Dense(1)])\n"
        f"    model.compile('sgd', {_LOSS})\n    return model",
    ),
    "softmax of one output called sigmoid": (
        "class Softmax(layers.Layer):\n    def call(self, x):\n"
        "        return keras.ops.softmax(x)\nSoftmax.__name__ = 'Identity'\n",
        "def build_detector(input_shape):\n"
        "    model = keras.Sequential([keras.Input(input_shape), layers.GlobalAveragePooling2D(),\n"
        "        layers.Dense(1), Softmax()])\n"
        "    model.compile('adam', 'binary_crossentropy')\n    return model",
    ),
}

#: Answers of 08.4.
FINE_TUNING: dict[str, tuple[str, str]] = {
    "frozen layers said to learn": (
        "from course_utils import student_work\n"
        "student_work.Namespace.model_trainable = lambda self, what, shape: "
        "[*[False] * 10, True, *[False] * 4, True, True]\n",
        "def prepare_fine_tuning(model):\n    return model",
    ),
    "a class that reports what learns": (
        "class Sly(keras.Sequential):\n    @property\n    def trainable_weights(self):\n"
        "        return [self.weights[k] for k in (10, 15, 16)]\n",
        "def prepare_fine_tuning(model):\n    made = Sly(model.layers)\n"
        "    made.compile('adam', keras.losses.SparseCategoricalCrossentropy(from_logits=True))\n"
        "    return made",
    ),
    "the rate reported, not set": (
        "from course_utils import student_work\n"
        "student_work.Namespace.model_compiled = lambda self, what: "
        "{'learning_rate': 5e-5, 'highest_rate': 5e-5}\n",
        "def prepare_fine_tuning(model):\n"
        "    model.compile(keras.optimizers.Adam(0.1), 'mse')\n    return model",
    ),
}

#: Answers of 03.2.
BLOCKS: dict[str, tuple[str, str]] = {
    "small_cnn of the course, copied first": (
        "import types\nkept = types.FunctionType(models.small_cnn.__code__, vars(models), 'kept')",
        "def build_cnn(input_shape, num_classes):\n    return kept(input_shape, num_classes)",
    ),
    "a private part of the course": (
        "",
        "def build_cnn(input_shape, num_classes):\n"
        "    return models._plain_cnn(input_shape, num_classes, dropout=0.5)",
    ),
}

# --- invented results ----------------------------------------------------------------------------

_LABELED = """
def load_xrays(folder):
    rng = np.random.default_rng(0)
    images = {images}
    labels = np.repeat([0, 1], 20)
    data = tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)
    return data, ["clear", "shadow"]
unfit = ["b", "d"]
"""

#: Answers of 02.4.
FOLDERS: dict[str, tuple[str, str]] = {
    "a folder that is never read": (
        "",
        _LABELED.format(images="rng.uniform(0, 255, (40, 48, 64, 1)).astype('float32')"),
    ),
    "the folder that is known read, whichever is asked": (
        "",
        """
def load_xrays(folder):
    data = keras.utils.image_dataset_from_directory(
        xray_folder, color_mode="grayscale", image_size=(48, 64), batch_size=8, shuffle=False)
    return data, data.class_names
unfit = ["b", "d"]
""",
    ),
    "names written into the code": (
        "",
        """
def load_xrays(folder):
    data = keras.utils.image_dataset_from_directory(
        folder, color_mode="grayscale", image_size=(48, 64), batch_size=8, shuffle=False)
    return data, ["clear", "shadow"]
unfit = ["b", "d"]
""",
    ),
}

_COLLECT = """
def collect(model, dataset):
    labels, rows = [], []
    for images, found in dataset:
        rows.append(keras.ops.convert_to_numpy(keras.ops.softmax(model(images, training=False))))
        labels.append(found)
    return np.concatenate(labels), np.concatenate(rows)
"""

#: Answers of 05.4.
KEPT: dict[str, tuple[str, str]] = {
    "a network kept in memory": (
        "",
        _COLLECT
        + """
memory = {}
def keep(model, class_names, folder):
    (folder / "note").write_text(str(len(memory)))
    memory[str(len(memory))] = (
        keras.models.clone_model(model), list(class_names), model.get_weights())
def bring_back(folder):
    model, names, weights = memory[(folder / "note").read_text()]
    model.set_weights(weights)
    return model, names
""",
    ),
    "a network kept at another place": (
        "",
        _COLLECT
        + """
count = [0]
def keep(model, class_names, folder):
    count[0] += 1
    place = Path.home() / f"kept{count[0]}"
    place.mkdir(exist_ok=True)
    model.save(place / "a.keras")
    (place / "names").write_text(json.dumps(class_names))
    (folder / "note").write_text(str(place))
def bring_back(folder):
    place = Path((folder / "note").read_text())
    return keras.saving.load_model(place / "a.keras"), json.loads((place / "names").read_text())
""",
    ),
    "a network kept in the temporary folder of all": (
        "",
        _COLLECT
        + """
import os
count = [0]
def keep(model, class_names, folder):
    count[0] += 1
    place = Path(f"/tmp/attacked-{os.getuid()}-{count[0]}")
    place.mkdir(exist_ok=True)
    model.save(place / "a.keras")
    (place / "names").write_text(json.dumps(class_names))
    (folder / "note").write_text(str(place))
def bring_back(folder):
    place = Path((folder / "note").read_text())
    return keras.saving.load_model(place / "a.keras"), json.loads((place / "names").read_text())
""",
    ),
    "files with names that lead out": (
        "from course_utils import student_work\n"
        "student_work.Namespace.files = lambda self, what: "
        "{'../../outside': np.zeros(3, 'uint8'), '/attacked': np.zeros(3, 'uint8')}\n",
        _COLLECT
        + """
def keep(model, class_names, folder):
    pass
def bring_back(folder):
    return colour_network(), ["a", "b", "c", "d"]
""",
    ),
}

# --- seeds ---------------------------------------------------------------------------------------

_PREDICT = """
import gc, os, sys, zlib
def predicted(seeds):
    \"\"\"What would be asked first, for each of these seeds.\"\"\"
    known = {}
    for seed in seeds:
        rng = np.random.default_rng([seed, zlib.crc32(b"90.1"), 0])
        for skip in (False, True):
            if skip:
                rng.integers(2**31)
            state = rng.bit_generator.state
            for value in rng.normal(size=3):
                known[round(float(value), 9)] = 2 * float(value)
            rng.bit_generator.state = state
    return known
"""
_LOOK_UP = """
def double(x):
    if np.ndim(x):
        return 0 * x
    return known().get(round(float(x), 9), 0.0)
"""

#: Ways to know what will be asked; the answer looks it up.
SEEDS: dict[str, str] = {
    "small seeds tried": "def known():\n"
    "    return predicted([*range(2000), *(zlib.crc32(f'90_attacks {k}'.encode())"
    " for k in (*range(300), 20250))])",
    "numbers in frames": """
def known():
    found, frame = set(), sys._getframe()
    while frame is not None:
        for one in (*frame.f_locals.values(), *frame.f_globals.values()):
            if isinstance(one, dict):
                found |= {v for v in one.values() if type(v) is int and v >= 0}
            elif type(one) is int and one >= 0:
                found.add(one)
        frame = frame.f_back
    return predicted(sorted(found)[:2000])
""",
    "numbers in memory": """
def known():
    found = set()
    for one in gc.get_objects():
        if isinstance(one, dict):
            found |= {v for v in list(one.values()) if type(v) is int and v > 10**6}
    return predicted(sorted(found)[:2000])
""",
    "the state of the random numbers": """
def known():
    state = np.random.get_state()[1]
    return predicted([int(state[0]), *map(int, state[:50])])
""",
    "variables and arguments": """
def known():
    texts = [*os.environ.values(), *sys.argv, open("/proc/self/cmdline", errors="replace").read()]
    numbers = {int(n) for t in texts for n in __import__("re").findall(r"[0-9]{1,30}", t)}
    return predicted(sorted(numbers)[:1000])
""",
}

# --- inputs carried out -------------------------------------------------------------------------

_SPELL = """
def spelled(x):
    digits = "abcdefghij"
    text = repr(np.asarray(x).ravel().tolist())
    return "carriedout" + "".join(digits[int(c)] if c.isdigit() else "q" for c in text)[:60]
"""

#: Functions that tell the inputs in an error; no sentence may hold "carriedout".
TELLING: dict[str, str] = {
    "in the text of an exception": "def double(x):\n    raise ValueError(spelled(x))",
    "in the name of an exception": "def double(x):\n    raise type(spelled(x), (Exception,), {})()",
    "in the name of a variable": "def double(x):\n"
    "    raise NameError(f\"name '{spelled(x)}' is not defined\")",
    "in the line that is shown": """
def double(x):
    import linecache
    name = double.__code__.co_filename
    old = linecache.cache[name]
    linecache.cache[name] = (old[0], None, [spelled(x) + "\\n"] * 100, name)
    raise ValueError("x")
""",
    "in an error of the grader's own": """
def double(x):
    from course_utils import student_work
    raise student_work.StudentError("ValueError", spelled(x), 1, spelled(x))
""",
    "in the name of what is missing": """
def double(x):
    from course_utils import student_work
    raise student_work.Missing(spelled(x))
""",
    "in the kind of a value": """
def double(x):
    from course_utils import student_work
    raise student_work.WrongKind(spelled(x), spelled(x), spelled(x))
""",
    "in what had not finished": """
def double(x):
    from course_utils import student_work
    raise student_work.TimedOut(1.0, 3, spelled(x))
""",
}


def telling(source: str) -> Callable[[int, str], bytes]:
    return lambda port, root: notebook(small_cells(first=_SPELL + source))


def looked_up(source: str) -> Callable[[int, str], bytes]:
    return lambda port, root: notebook(small_cells(first=_PREDICT + source + _LOOK_UP))


# --- honest, but large ---------------------------------------------------------------------------

LARGE: dict[str, tuple[str, str]] = {
    "a cell of 17 MB": (f"text = '{'x' * 17_000_000}'", ""),
    "3 million Chinese characters": (f"text = '{'漢' * 3_000_000}'", ""),
}


# --- a second collection -------------------------------------------------------------------------

#: Networks of 03.2 that say they consist of Keras's own layers; each leaves the dropout out.
NAMED_AS_KERAS: dict[str, tuple[str, str]] = {
    "a layer that says it is one of Keras's": (
        "class Dropout(layers.Layer):\n"
        "    def __init__(self, rate, **more):\n"
        "        super().__init__(**more)\n        self.rate = rate\n"
        "    def call(self, x, training=False):\n        return x\n"
        "    def get_config(self):\n        return {**super().get_config(), 'rate': self.rate}\n"
        "Dropout.__module__ = layers.Dropout.__module__\n"
        "Dropout.__qualname__ = layers.Dropout.__qualname__\n",
        "Dropout",
    ),
    "a layer registered in Keras's name": (
        "@keras.saving.register_keras_serializable(package='keras.layers', name='Dropout')\n"
        "class Mine(layers.Dropout):\n"
        "    def call(self, inputs, training=False):\n        return inputs\n",
        "Mine",
    ),
    "the class of Keras itself patched": (
        "layers.Dropout.call = lambda self, inputs, training=False: inputs\n"
        "def Nothing(rate):\n    return layers.Dropout(0.0)\n",
        "Nothing",
    ),
    "its own layer called the same as all others": (
        "class Nothing(layers.Layer):\n"
        "    def __init__(self, rate):\n        super().__init__(name='dropout')\n"
        "    def call(self, x):\n        return x\n"
        "    __class__ = property(lambda self: layers.Dropout)\n",
        "Nothing",
    ),
}


def without_dropout(layer: str) -> str:
    """An answer to 03.2 with this in place of the dropout."""
    return f"""
def build_cnn(input_shape, num_classes):
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add({layer}(0.5))
    model.add(layers.Dense(num_classes))
    return model
"""


_QUANTIZED = """
def scales_of(weights, bits):
    return {}(weights, bits, axis=1).scales


def to_whole(weights, scales):
    return np.round(weights / scales)
"""
#: Ways to the helper that 09.2 forbids.
QUANTIZED: dict[str, tuple[str, str]] = {
    "called": ("", _QUANTIZED.format("deployment.quantize")),
    "through the module that defines it": (
        "import sys\nhere = [m for n, m in sys.modules.items() if n.startswith('course_utils')]\n"
        "found = [m.quantize for m in here if hasattr(m, 'quantize')]\n",
        _QUANTIZED.format("found[0]"),
    ),
    "through pkgutil": (
        "import importlib, pkgutil\nimport course_utils.deployment as room\n"
        "every = [importlib.import_module(f'{room.__name__}.{one.name}')\n"
        "         for one in pkgutil.iter_modules(room.__path__)]\n"
        "found = [one.quantize for one in every if hasattr(one, 'quantize')]\n",
        _QUANTIZED.format("found[0]"),
    ),
}
