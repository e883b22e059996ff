"""Models that were trained before are loaded instead of trained again.

Born in lesson 04: each later lesson runs alone without waiting for a training that was done.
"""

from __future__ import annotations

import inspect
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.training import _data_checks, device
from course_utils.training._progress import ProgressBar
from course_utils.training._signature import NotComparable, digest, signature
from course_utils.training.checkpoint import _reason, read_arrays, write_arrays
from course_utils.training.fit import compile_trained, fit
from course_utils.training.history import History

_FIT_ARGUMENTS = frozenset(inspect.signature(fit).parameters) - {"model", "dataset", "epochs"}


def fit_or_load(
    build: Callable[[], keras.Model],
    dataset: Any,
    epochs: int,
    *,
    name: str | None = None,
    **fit_arguments: Any,
) -> tuple[keras.Model, History]:
    """Train a model, or load it where the very same training was done before.

    The same means: the model's layers and initial weights, the content of the dataset, the number
    of epochs, all other arguments, and the versions of Keras, TensorFlow and the course. The
    trained weights are kept in ``work/cache/models``. Delete that folder to train everything anew.

    Parameters
    ----------
    build : callable
        Returns the model, not yet trained, for instance
        ``lambda: models.small_cnn(data.input_shape, data.num_classes)``. The random seed is set
        before it is called.
    dataset : ImageDataset
        The data.
    epochs : int
        Number of epochs, as for :func:`fit`.
    name : str, optional
        What the model is called in messages and in the name of its file; the name of the Keras
        model by default.
    **fit_arguments
        Further arguments of :func:`fit`; ``seed`` decides the initial weights as well.

    Returns
    -------
    model : keras.Model
        The trained model.
    history : History
        The course of its training.

    Raises
    ------
    InvalidInput
        If an argument cannot be used.
    """
    _data_checks.require_epochs(epochs)
    _require_arguments(fit_arguments)
    seed = fit_arguments.get("seed")
    fit_arguments["seed"] = seed = settings.seed() if seed is None else seed
    shown = fit_arguments.get("verbose", 1)
    shown = bool(shown) and not isinstance(shown, ProgressBar)
    model = _build(build, seed)
    label = name or model.name
    file, reason = None, ""
    try:
        file = _file(label, _key(model, dataset, epochs, fit_arguments))
    except NotComparable as error:
        reason = str(error)
    if file is not None and file.exists():
        try:
            history = _load(file, model)
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            print(
                f"The stored model {file.name} is damaged ({_reason(error)}); it is trained again."
            )
            model = _build(build, seed)
        else:
            compile_trained(model, fit_arguments)
            if shown:
                print(f"{label}: loaded, trained before. {history!r}")
            return model, history
    history = fit(model, dataset, epochs, **fit_arguments)
    if file is None:
        if shown:
            print(f"{label}: not stored for the next time. {reason}")
    else:
        try:
            arrays = {f"weights/{i}": w for i, w in enumerate(model.get_weights())}
            write_arrays(file, arrays, {"history": history.to_json()})
        except OSError as error:
            print(f"{label} could not be stored ({_reason(error)}); it is trained again next time.")
    return model, history


def _build(build: Callable[[], keras.Model], seed: int) -> keras.Model:
    if isinstance(build, keras.Model):
        raise InvalidInput(
            "fit_or_load needs a function that builds the model, so that it can begin anew; write "
            "lambda: models.small_cnn(...) instead of the model itself."
        )
    if not callable(build):
        raise InvalidInput(
            f"A function that builds the model is needed, but this is {type(build).__name__}."
        )
    keras.utils.set_random_seed(seed)
    with device.strategy().scope():
        model = build()
    _data_checks.require_model(model)
    return model


def _require_arguments(arguments: dict[str, Any]) -> None:
    known = _FIT_ARGUMENTS
    for argument in arguments:
        if argument not in known:
            raise InvalidInput(
                f"training.fit has no argument {argument!r}; it has {', '.join(sorted(known))}."
            )


def _key(model: keras.Model, dataset: Any, epochs: int, arguments: dict[str, Any]) -> str:
    if not hasattr(dataset, "fingerprint"):
        raise NotComparable("Only datasets of datasets.load() have a content that can be compared.")
    if not model.built:
        raise NotComparable("The model does not say how large its images are.")
    if arguments.get("callbacks"):
        raise NotComparable("What callbacks do cannot be repeated from a stored model.")
    if arguments.get("checkpoint") is not None:
        raise NotComparable("A training with a checkpoint folder keeps its own state.")
    counted = {name: value for name, value in arguments.items() if name != "verbose"}
    content = signature(model, dataset, epochs=epochs, **counted)
    if model.compiled:
        content["compiled"] = [model.optimizer.get_config(), str(_data_checks.loss_of(model))]
        content["compiled"] = repr(content["compiled"])
    content["initial weights"] = _weights_digest(model)
    return digest(content)


def _weights_digest(model: keras.Model) -> str:
    import hashlib

    content = hashlib.sha256()
    for weights in model.get_weights():
        content.update(np.ascontiguousarray(weights).tobytes())
    return content.hexdigest()


def _file(label: str, key: str) -> Path:
    slug = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "model"
    return settings.cache_root() / "models" / f"{slug[:60]}-{key}.npz"


def _load(file: Path, model: keras.Model) -> History:
    arrays, about = read_arrays(file)
    weights = [arrays[f"weights/{i}"] for i in range(len(arrays))]
    if [w.shape for w in weights] != [tuple(v.shape) for v in model.weights]:
        raise ValueError("it holds the weights of another model")
    history = History.from_json(about["history"])
    model.set_weights(weights)
    return history
