"""Export a trained network in several formats, with one ``model.json`` beside them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import validate
from course_utils.deployment import card as cards
from course_utils.deployment.card import ModelInfo
from course_utils.deployment.runtimes import INPUT, OUTPUT, SIGNATURE, reason
from course_utils.deployment.thresholds import Threshold
from course_utils.exceptions import InvalidInput
from course_utils.models import last_activation
from course_utils.quiet import quiet

if TYPE_CHECKING:
    import keras

#: What :func:`export` can write.
FORMATS = ("keras", "saved_model", "litert", "onnx")

_NEEDED_FOR_ONNX = ("onnx", "tf2onnx")
_VERSIONS = ("keras", "tensorflow")


@dataclass(frozen=True)
class Exported:
    """What :func:`export` wrote.

    Attributes
    ----------
    folder : Path
    files : tuple of Path
        The network in each format.
    card : ModelInfo
        The content of ``model.json``.
    skipped : dict
        A sentence for each format that a missing package kept from being written.
    """

    folder: Path
    files: tuple[Path, ...]
    card: ModelInfo
    skipped: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        names = ", ".join(file.name for file in self.files)
        return f"Exported: {names} and {cards.NAME} in {self.folder}"


def export(
    model: keras.Model,
    folder: str | Path,
    *,
    class_names: Sequence[str] | None = None,
    image_size: int | tuple[int, int] | None = None,
    formats: Sequence[str] = ("keras", "saved_model", "litert"),
    representative: Any = None,
    temperature: float = 1.0,
    threshold: float | Threshold | None = None,
    data: Any = None,
) -> Exported:
    """Write a trained network in several formats into a folder, with ``model.json`` beside them.

    The files are written to a folder beside, which gets its name when all of them are complete, so
    an export that is interrupted leaves the earlier one as it was.

    First met in lesson 09.

    Parameters
    ----------
    model : keras.Model
        Takes pixels 0-255 and returns one score per class.
    folder : str or Path
        A new or empty folder, or one of an earlier export, which is replaced.
    class_names : sequence of str, optional
        In the order of the outputs; by default those of `data`.
    image_size : int or (height, width), optional
        By default the size of the model's input.
    formats : sequence of {"keras", "saved_model", "litert", "onnx"}
        "keras" writes ``model.keras``; "saved_model" the folder ``saved_model``, with a signature
        ``serving_default`` from ``images`` to ``scores``; "litert" ``model.tflite`` and
        ``model_dynamic.tflite``, and with `representative` also ``model_int8.tflite``; "onnx"
        ``model.onnx`` if the packages onnx and tf2onnx are installed.
    representative : array of pixels (N, H, W, C), optional
        Some training images, from which int8 takes the range of every layer's output; 100 are
        enough.
    temperature : float
        See ``evaluation.fit_temperature``.
    threshold : float or Threshold, optional
        See :func:`choose_threshold`.
    data : ImageDataset or mapping, optional
        What the network was trained on.

    Returns
    -------
    Exported

    Raises
    ------
    InvalidInput
        If an argument cannot be used, the folder holds something else, or the network cannot be
        converted. Nothing is written then.
    """
    wanted = _formats(formats)
    card = _card(model, class_names, image_size, data, temperature, threshold)
    pictures = _representative(representative, card)
    target = Path(os.path.expanduser(folder)).resolve()
    _require_free(target)
    skipped = {}
    if "onnx" in wanted and (sentence := _missing_for_onnx()):
        wanted.remove("onnx")
        skipped["onnx"] = sentence
        validate.say(sentence)
    with _replaced_folder(target) as part:
        _write(model, part, wanted, pictures, card)
        names = sorted(path.name for path in part.iterdir())
        sums = {name: cards.digest(part / name) for name in names if (part / name).is_file()}
        card = ModelInfo(**{**vars(card), "files": sums})
        (part / cards.NAME).write_text(card.to_json(), encoding="utf-8")
    return Exported(target, tuple(target / name for name in names), card, skipped)


# ------------------------------------------------------------------------- its arguments
def _formats(formats: Sequence[str]) -> list[str]:
    given = [formats] if isinstance(formats, str) else list(formats)
    if not given:
        raise InvalidInput(f"formats is empty; give some of {', '.join(FORMATS)}.")
    for name in given:
        validate.choice("A format", name, FORMATS)
    return [name for name in FORMATS if name in given]


def _card(
    model: Any, class_names: Any, image_size: Any, data: Any, temperature: Any, threshold: Any
) -> ModelInfo:
    """Return the description of the network, without files."""
    shape = getattr(model, "input_shape", None) if getattr(model, "built", False) else None
    if not isinstance(shape, tuple) or len(shape) != 4 or shape[3] not in (1, 3):
        raise InvalidInput(
            f"export needs a built Keras model that takes one batch of pictures (batch, height, "
            f"width, 1 or 3 channels), but it was given {type(model).__name__} with the input "
            f"{shape}."
        )
    size = validate.image_size(shape[1:3] if image_size is None else image_size)
    if any(side not in (None, given) for side, given in zip(shape[1:3], size, strict=True)):
        raise InvalidInput(
            f"image_size is {size[0]} × {size[1]}, but the model takes {shape[1]} × {shape[2]}."
        )
    names = getattr(data, "class_names", None) if class_names is None else class_names
    if names is None:
        raise InvalidInput("The names of the classes are unknown; give class_names=[...].")
    if threshold is not None:
        threshold = float(threshold)
    card = ModelInfo(
        class_names=names,
        image_size=size,
        channels=shape[3],
        preprocessing=cards.preprocessing_of(shape[3]),
        outputs=_activation(model),
        temperature=temperature,
        threshold=threshold,
        data=_described(data),
        versions=cards.installed_versions(_VERSIONS),
    )
    units = model.output_shape[-1]
    if units != len(card.class_names) and (units, len(card.class_names)) != (1, 2):
        raise InvalidInput(
            f"The model has {units} outputs, but class_names holds {len(card.class_names)} names."
        )
    return card


def _activation(model: Any) -> str:
    name = last_activation(model)
    return name if name in ("softmax", "sigmoid") else "linear"


def _described(data: Any) -> Mapping[str, Any]:
    """Return name, counts and fingerprint of a dataset; a mapping as it is."""
    if data is None or isinstance(data, Mapping):
        return dict(data or {})
    if not hasattr(data, "fingerprint"):
        raise InvalidInput(
            f"data is {validate.shown(data)}, but it must be a dataset of datasets.load(), or a "
            f"dict that describes the data."
        )
    return {
        "name": data.name,
        "title": data.title,
        "images": {split: len(data.ids(split)) for split in ("train", "validation", "test")},
        "fingerprint": data.fingerprint,
    }


def _representative(images: Any, card: ModelInfo) -> np.ndarray | None:
    if images is None:
        return None
    array = np.asarray(images, dtype=np.float32)
    if array.ndim != 4 or not len(array) or array.shape[1:] != card.input_shape:
        raise InvalidInput(
            f"representative must be an array of some training images of the shape "
            f"(N, {', '.join(map(str, card.input_shape))}), but its shape is {array.shape}."
        )
    if array.max() <= 1:
        raise InvalidInput(
            "representative holds pixels from 0 to 1, but the model takes 0 to 255; give the "
            "images as dataset.images('train') returns them."
        )
    return array


def _missing_for_onnx() -> str | None:
    missing = [name for name in _NEEDED_FOR_ONNX if find_spec(name) is None]
    if not missing:
        return None
    names = " ".join(missing)
    return f"ONNX is left out: it needs a package that is not installed (pip install {names})."


# ------------------------------------------------------------------------- the folder
def _require_free(target: Path) -> None:
    """Refuse a folder that holds something other than an export."""
    if target.is_dir() and (not any(target.iterdir()) or (target / cards.NAME).is_file()):
        return
    if target.exists():
        raise InvalidInput(
            f"{target} exists and is no export, so it is not replaced; give a new folder."
        )


@contextmanager
def _replaced_folder(target: Path) -> Iterator[Path]:
    """Give a new folder beside `target` that takes its place when the block ends without error.

    What an interrupted export left is put in order first.
    """
    from filelock import FileLock

    old = target.parent / f".{target.name}-old"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.parent / f".{target.name}.lock"):
            _restore(old, target)
            for left in target.parent.glob(f".{target.name}-part-*"):
                shutil.rmtree(left, ignore_errors=True)
            part = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}-part-"))
            part.chmod(0o755)
            try:
                yield part
                if target.exists():
                    os.replace(target, old)
                os.replace(part, target)
            finally:
                shutil.rmtree(part, ignore_errors=True)
                _restore(old, target)
    except OSError as error:
        raise InvalidInput(
            f"The folder {target} cannot be written ({(error.strerror or str(error)).lower()}); "
            f"give another one."
        ) from None


def _restore(old: Path, target: Path) -> None:
    """Give the earlier export its name back if nothing has taken its place, else remove it."""
    if old.exists() and not target.exists():
        os.replace(old, target)
    shutil.rmtree(old, ignore_errors=True)


# ------------------------------------------------------------------------- the formats
def _write(
    model: Any, part: Path, formats: list[str], pictures: np.ndarray | None, card: ModelInfo
) -> None:
    """Write the network into a folder; one sentence if it cannot be converted."""
    doing = ""
    try:
        with quiet(), tempfile.TemporaryDirectory() as scratch:
            model(np.zeros((1, *card.input_shape), np.float32), training=False)
            graph = part / "saved_model" if "saved_model" in formats else Path(scratch, "graph")
            if "keras" in formats:
                doing = "model.keras"
                _write_keras(model, part / "model.keras")
            if "saved_model" in formats or "litert" in formats:
                doing = "a SavedModel"
                _write_saved_model(model, graph, card)
            if "litert" in formats:
                doing = "a LiteRT file"
                _write_litert(graph, part, pictures)
            if "onnx" in formats:
                doing = "an ONNX file"
                _write_onnx(model, part / "model.onnx", card)
    except OSError:
        raise
    except Exception as error:  # each converter has errors of its own
        raise InvalidInput(
            f"The model {model.name!r} cannot be written as {doing} ({reason(error)})."
        ) from None


def _write_keras(model: Any, file: Path) -> None:
    """Save a model without its optimizer, which only a training that goes on needs."""
    import keras

    model.save(file)
    if model.compiled:
        keras.models.load_model(file, compile=False).save(file)


def _write_saved_model(model: Any, folder: Path, card: ModelInfo) -> None:
    import keras
    import tensorflow as tf

    archive = keras.export.ExportArchive()
    archive.track(model)
    archive.add_endpoint(
        "serve",  # Keras writes the first endpoint as "serving_default", too
        lambda images: {OUTPUT: model(images, training=False)},
        input_signature=[tf.TensorSpec((None, *card.input_shape), tf.float32, name=INPUT)],
    )
    archive.write_out(str(folder), verbose=False)


def _write_litert(saved_model: Path, part: Path, pictures: np.ndarray | None) -> None:
    import tensorflow as tf

    def converter() -> Any:
        return tf.lite.TFLiteConverter.from_saved_model(
            str(saved_model), signature_keys=[SIGNATURE]
        )

    (part / "model.tflite").write_bytes(converter().convert())
    dynamic = converter()
    dynamic.optimizations = [tf.lite.Optimize.DEFAULT]
    (part / "model_dynamic.tflite").write_bytes(dynamic.convert())
    if pictures is None:
        return
    whole = converter()
    whole.optimizations = [tf.lite.Optimize.DEFAULT]
    whole.representative_dataset = lambda: ([picture[None]] for picture in pictures)
    whole.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    (part / "model_int8.tflite").write_bytes(whole.convert())


def _write_onnx(model: Any, file: Path, card: ModelInfo) -> None:
    import keras
    import onnx

    # Keras exports layers such as RandomFlip as in training, unless the call says otherwise.
    inputs = keras.Input(card.input_shape, dtype="float32", name=INPUT)
    in_inference = keras.Model(inputs, model(inputs, training=False))
    spec = keras.InputSpec(shape=(None, *card.input_shape), dtype="float32", name=INPUT)
    in_inference.export(str(file), format="onnx", verbose=False, input_signature=[spec])
    content = onnx.load(file)
    old = content.graph.output[0].name
    content.graph.output[0].name = OUTPUT
    for node in content.graph.node:
        node.output[:] = [OUTPUT if name == old else name for name in node.output]
        node.input[:] = [OUTPUT if name == old else name for name in node.input]
    onnx.save(content, file)
