"""Run an exported network with the program that its format was made for.

Each :class:`Runtime` answers like a Keras model that ends in one activation, as far as the room
``evaluation`` asks: it has an input and an output shape and ``predict_on_batch``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import validate
from course_utils.deployment.card import ModelInfo
from course_utils.exceptions import InvalidInput, MissingData
from course_utils.quiet import quiet

INPUT, OUTPUT, SIGNATURE = "images", "scores", "serving_default"

Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Format:
    """One of the files of an export.

    Attributes
    ----------
    file : str
        Its name in the folder.
    title : str
        How tables name it.
    opens : callable
        Takes the path; returns the object of the runtime, and a function from float32 pixels
        (N, H, W, C) to outputs (N, units).
    package : str or None
        The package that runs it, where that is not TensorFlow.
    """

    file: str
    title: str
    opens: Callable[[Path], tuple[Any, Run]]
    package: str | None = None

    def missing(self) -> str | None:
        """Return the sentence for the reader if its package is not installed, else None."""
        if self.package is None or find_spec(self.package) is not None:
            return None
        name = self.package.replace("_", "-")
        return f"{self.title} is left out: it needs the package {name} (pip install {name})."


class Runtime:
    """An opened network with the interface that ``evaluation.predict`` takes.

    Parameters
    ----------
    path : Path
        One of the files of an export.
    card : ModelInfo

    Attributes
    ----------
    native : object
        The object of the runtime: a Keras model, a loaded SavedModel, an interpreter, a session.
    """

    built = True

    def __init__(self, path: Path, card: ModelInfo):
        import keras

        self.format = format_of(path)
        sentence = self.format.missing()
        if sentence:
            raise InvalidInput(sentence)
        self.native, self._run = _opened(self.format, path)
        self.input_shape = (None, *card.input_shape)
        units = self._units(path, card)
        self.output_shape = (None, units)
        self.activation = keras.activations.get(card.outputs)

    def _units(self, path: Path, card: ModelInfo) -> int:
        """Return the number of outputs for one picture, and check it against the card."""
        try:
            units = self.predict_on_batch(np.zeros((1, *card.input_shape), np.float32)).shape[-1]
        except Exception:  # each runtime has errors of its own
            height, width, channels = card.input_shape
            raise InvalidInput(
                f"{path} does not take the pictures that model.json beside it describes, of "
                f"{height} × {width} pixels and {channels} "
                f"{'channel' if channels == 1 else 'channels'}; export the model again."
            ) from None
        names = len(card.class_names)
        if units != names and (units, names) != (1, 2):
            raise InvalidInput(
                f"{path} has {validate.counted(units, 'output')}, but model.json beside it has "
                f"{names} class names; export the model again."
            )
        return units

    def predict_on_batch(self, images: Any) -> np.ndarray:
        """Compute the outputs (N, units) of pixels (N, H, W, C) from 0 to 255."""
        return np.asarray(self._run(np.asarray(images, dtype=np.float32)))


def _opened(kind: Format, path: Path) -> tuple[Any, Run]:
    if not path.exists():
        raise MissingData(f"There is no {kind.title} at {path}; export the model in this format.")
    try:
        with quiet():
            return kind.opens(path)
    except Exception as error:  # each runtime has errors of its own
        raise InvalidInput(
            f"{path} cannot be read as {kind.title} ({reason(error)}); export the model again."
        ) from None


def reason(error: BaseException) -> str:
    """Return the first line of an error's message, without a period at its end."""
    first = validate.first_line(error)
    return (first if len(first) <= 200 else first[:199] + "…").rstrip(".:")


def format_of(path: Path) -> Format:
    """Return the format of a file by its name, else by its ending."""
    if path.name in _BY_FILE:
        return _BY_FILE[path.name]
    for kind in FILES:
        if path.suffix and path.suffix == Path(kind.file).suffix:
            return kind
    if (path / "saved_model.pb").is_file():
        return _BY_FILE["saved_model"]
    known = ", ".join(kind.file for kind in FILES)
    raise InvalidInput(
        f"{path} is no exported network; give the folder of an export, or one of the files in it: "
        f"{known}."
    )


# ---------------------------------------------------------------------------- the runtimes
def _keras(path: Path) -> tuple[Any, Run]:
    import keras

    model = keras.models.load_model(path, compile=False)
    return model, compiled_call(model)


def compiled_call(model: Any) -> Run:
    """Return a function that calls a Keras model through one compiled graph."""
    import tensorflow as tf

    call = tf.function(lambda images: model(images, training=False))
    compiled = call.get_concrete_function(tf.TensorSpec(model.inputs[0].shape, tf.float32))
    return lambda images: compiled(tf.constant(images, tf.float32)).numpy()


def _saved_model(path: Path) -> tuple[Any, Run]:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures[SIGNATURE]

    def run(images: np.ndarray) -> np.ndarray:
        return signature(**{INPUT: tf.constant(images)})[OUTPUT].numpy()

    return loaded, run


def _litert(path: Path) -> tuple[Any, Run]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=os.cpu_count())
    place = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]
    interpreter.allocate_tensors()

    def run(images: np.ndarray) -> np.ndarray:
        if tuple(interpreter.get_input_details()[0]["shape"]) != images.shape:
            interpreter.resize_tensor_input(place, images.shape)
            interpreter.allocate_tensors()
        interpreter.set_tensor(place, images)
        interpreter.invoke()
        return interpreter.get_tensor(result)

    return interpreter, run


def _onnx(path: Path) -> tuple[Any, Run]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session, lambda images: session.run([OUTPUT], {INPUT: images})[0]


#: Every file that an export may hold, in the order of the tables.
FILES = (
    Format("model.keras", "Keras", _keras),
    Format("saved_model", "SavedModel", _saved_model),
    Format("model.tflite", "LiteRT float32", _litert, "ai_edge_litert"),
    Format("model_dynamic.tflite", "LiteRT dynamic range", _litert, "ai_edge_litert"),
    Format("model_int8.tflite", "LiteRT int8", _litert, "ai_edge_litert"),
    Format("model.onnx", "ONNX", _onnx, "onnxruntime"),
)
_BY_FILE = {kind.file: kind for kind in FILES}
