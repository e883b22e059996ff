"""The model of lessons 04 to 07: its recipe, and its weights that ship with the course.

``make build`` trains it on paper_flowers and stores its weights in ``data/lesson_model``, so that
these lessons start with it at once and show the same numbers. On other data it is trained once and
kept in ``work/``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np

from course_utils import augmentation, models, settings
from course_utils.exceptions import InvalidInput
from course_utils.training import checkpoint
from course_utils.training._signature import describe, digest
from course_utils.training.device import strategy
from course_utils.training.fitting import compile_trained
from course_utils.training.history import History
from course_utils.training.store import fit_or_load

#: Number of epochs of :func:`lesson_model`.
LESSON_EPOCHS = 25

_SPLITS = ("train", "validation")  # what the training depends on


def lesson_recipe() -> dict[str, Any]:
    """Return the arguments of :func:`fit` that lesson 04 arrives at, without the epochs."""
    return {
        "learning_rate": 1e-3,
        "schedule": "cosine",
        "patience": 6,
        "augment": augmentation.geometric(),
    }


def lesson_model(
    dataset: Any, verbose: int = 1, *, retrain: bool = False
) -> tuple[keras.Model, History]:
    """Return the model of lessons 04 to 07, ``models.small_cnn`` trained with the recipe.

    On paper_flowers at 96 pixels its weights come with the course. On other data, with another
    seed, or with `retrain`, it is trained (and kept in ``work/`` for the next time).

    Parameters
    ----------
    dataset : ImageDataset
        The data.
    verbose : int
        0 shows nothing.
    retrain : bool
        Whether to train even if the course has weights for these data.

    Returns
    -------
    model : keras.Model
    history : History
        Training history.
    """
    if not retrain:
        shipped = _load_shipped(dataset)
        if shipped is not None:
            if verbose:
                print(f"lesson model: its weights come with the course. {shipped[1]!r}")
            return shipped
    return fit_or_load(
        lambda: models.small_cnn(dataset.input_shape, dataset.num_classes),
        dataset,
        settings.epochs(LESSON_EPOCHS),
        name="lesson model",
        verbose=verbose,
        **lesson_recipe(),
    )


def shipped_file() -> Path:
    """Return the file of the weights that ship with the course."""
    return settings.shipped_data() / "lesson_model" / "lesson_model.npz"


def training_digest(dataset: Any, model: keras.Model) -> str:
    """Return a digest of what the training depends on: data, network, recipe and seed."""
    content = {
        "data": dataset.fingerprint_of(_SPLITS),
        "network": [list(weights.shape) for weights in model.weights],
        "recipe": {name: describe(name, value) for name, value in lesson_recipe().items()},
        "epochs": LESSON_EPOCHS,
        "seed": settings.seed(),
    }
    return digest(content)


def store_lesson_model(model: keras.Model, history: History, dataset: Any, file: Path) -> None:
    """Store weights as float16, with the history and what they were trained on.

    Parameters
    ----------
    model : keras.Model
        The trained lesson model. It gets the rounded weights.
    history : History
    dataset : ImageDataset
        The data that it was trained on.
    file : Path
        An existing file is replaced in one step.

    Raises
    ------
    InvalidInput
        If the rounded weights answer a validation or test image differently. Nothing is stored.
    """
    batches = [dataset.validation, dataset.test]
    before = [model.predict(images, verbose=0).argmax(axis=1) for images in batches]
    rounded = [weights.astype(np.float16) for weights in model.get_weights()]
    model.set_weights([weights.astype(np.float32) for weights in rounded])
    after = [model.predict(images, verbose=0).argmax(axis=1) for images in batches]
    differing = sum(int(np.sum(a != b)) for a, b in zip(before, after, strict=True))
    if differing:
        raise InvalidInput(
            f"Rounded to float16, the lesson model answers {differing} images differently; "
            f"store its weights as float32."
        )
    about = {
        "history": history.to_json(),
        "trained on": training_digest(dataset, model),
        "sha256": checkpoint.arrays_digest(rounded),
    }
    checkpoint.write_arrays(file, checkpoint.numbered("weights", rounded), about)


def is_shipped(dataset: Any) -> bool:
    """Return whether the course has usable weights of the lesson model for these data."""
    return _load_shipped(dataset) is not None


def _load_shipped(dataset: Any) -> tuple[keras.Model, History] | None:
    """Return the shipped model, or None if the data, the seed or the file are others."""
    file = shipped_file()
    known = getattr(dataset, "name", "") == "paper_flowers" and dataset.input_shape == (96, 96, 3)
    if not known or not file.is_file():
        return None
    try:
        arrays, about = checkpoint.read_arrays(file)
        weights = checkpoint.of_kind("weights", arrays)
        if about["sha256"] != checkpoint.arrays_digest(weights):
            raise ValueError("its checksum differs")
        history = History.from_json(about["history"])
    except checkpoint.UNREADABLE as error:
        print(
            f"{file} is damaged ({checkpoint.reason(error)}), so the lesson model is trained; "
            f"restore the file with 'git checkout', or download the course again."
        )
        return None
    model = _untrained(dataset)
    if about["trained on"] != training_digest(dataset, model):
        return None
    model.set_weights([values.astype(np.float32) for values in weights])
    compile_trained(model, lesson_recipe())
    return model, history


def _untrained(dataset: Any) -> keras.Model:
    with strategy().scope():
        return models.small_cnn(dataset.input_shape, dataset.num_classes)
