"""Load a model that was trained before instead of training it again.

Lesson 04 shows why: later lessons run alone, without waiting for the same training again.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
from tqdm import tqdm

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.training import _data_checks, checkpoint, device
from course_utils.training._signature import NotComparable, compiled_config, digest, signature
from course_utils.training.fitting import compile_trained, fit
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
    """Train a model, or load it if the same training was done before.

    Two trainings are the same if the model's layers and initial weights, the content of the
    dataset, the number of epochs, all other arguments, and the versions of Keras, TensorFlow and
    the course are equal. The trained weights are kept in ``work/cache/models``. Delete that folder
    to train everything again.

    Parameters
    ----------
    build : callable
        Function that returns the untrained model, for instance
        ``lambda: models.small_cnn(data.input_shape, data.num_classes)``. The random seed is set
        before it is called.
    dataset : ImageDataset
        The data.
    epochs : int
        Number of epochs, as for :func:`fit`.
    name : str, optional
        Name of the model in messages and in its file name; the name of the Keras model by default.
    **fit_arguments
        Further arguments of :func:`fit`; ``seed`` is the seed of the initial weights as well.

    Returns
    -------
    model : keras.Model
        The trained model.
    history : History
        Training history.

    Raises
    ------
    InvalidInput
        If an argument cannot be used.
    """
    _data_checks.require_epochs(epochs)
    _require_arguments(fit_arguments)
    seed = fit_arguments.get("seed")
    fit_arguments["seed"] = seed = settings.seed() if seed is None else seed
    verbose = fit_arguments.get("verbose", 1)
    shown = bool(verbose) and not isinstance(verbose, tqdm)
    model = _build(build, seed)
    label = name or model.name
    try:
        file = _file(label, _key(model, dataset, epochs, fit_arguments))
    except NotComparable as error:
        history = fit(model, dataset, epochs, **fit_arguments)
        if shown:
            print(f"{label}: not stored for the next time. {error}")
        return model, history
    stored = _load(file, model)
    if stored is not None:
        compile_trained(model, fit_arguments)
        if shown:
            print(f"{label}: loaded, trained before. {stored!r}")
        return model, stored
    history = fit(model, dataset, epochs, **fit_arguments)
    _store(file, label, model, history)
    return model, history


def _build(build: Callable[[], keras.Model], seed: int) -> keras.Model:
    if isinstance(build, keras.Model):
        raise InvalidInput(
            "fit_or_load needs a function that builds the model, so that it can be built again; "
            "write lambda: models.small_cnn(...) instead of the model itself."
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
    for argument in arguments:
        if argument not in _FIT_ARGUMENTS:
            raise InvalidInput(
                f"training.fit has no argument {argument!r}; it has "
                f"{', '.join(sorted(_FIT_ARGUMENTS))}."
            )


def _key(model: keras.Model, dataset: Any, epochs: int, arguments: dict[str, Any]) -> str:
    if not hasattr(dataset, "fingerprint"):
        raise NotComparable("Only datasets of datasets.load() can be compared by their content.")
    if not model.built:
        raise NotComparable("The model has no weights before it gets its first images.")
    if arguments.get("callbacks"):
        raise NotComparable("A stored model cannot repeat what callbacks do.")
    if arguments.get("checkpoint") is not None:
        raise NotComparable("A training with a checkpoint folder keeps its own state.")
    counted = {name: value for name, value in arguments.items() if name != "verbose"}
    content = signature(model, dataset, epochs=epochs, **counted)
    if model.compiled:
        content["compiled"] = repr(compiled_config(model))
    content["initial weights"] = checkpoint.arrays_digest(model.get_weights())
    return digest(content)


def _file(label: str, key: str) -> Path:
    slug = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "model"
    return settings.cache_root() / "models" / f"{slug[:60]}-{key}.npz"


def _load(file: Path, model: keras.Model) -> History | None:
    """Set the stored weights and return the history, or None where no usable file is stored."""
    if not file.exists():
        return None
    try:
        arrays, about = checkpoint.read_arrays(file)
        weights = checkpoint.of_kind("weights", arrays)
        if [w.shape for w in weights] != [tuple(v.shape) for v in model.weights]:
            raise ValueError("it holds the weights of another model")
        history = History.from_json(about["history"])
    except checkpoint.UNREADABLE as error:
        reason = checkpoint.reason(error)
        print(f"The stored model {file.name} is damaged ({reason}); it is trained again.")
        return None
    model.set_weights(weights)
    return history


def _store(file: Path, label: str, model: keras.Model, history: History) -> None:
    weights = checkpoint.numbered("weights", model.get_weights())
    try:
        checkpoint.write_arrays(file, weights, {"history": history.to_json()})
    except OSError as error:
        reason = checkpoint.reason(error)
        print(f"{label} could not be stored ({reason}); it is trained again next time.")
