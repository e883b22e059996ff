"""Load an exported network and classify pictures with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import datasets, evaluation
from course_utils.deployment.card import ModelInfo, digest, read_card
from course_utils.deployment.runtimes import FILES, Runtime, format_of
from course_utils.exceptions import InvalidInput, MissingData


@dataclass(frozen=True)
class Answer:
    """What a network says about one picture.

    Attributes
    ----------
    classes : tuple of (str, float)
        Class names with calibrated probabilities, the likeliest first.
    unsure : bool
        Whether the probability of the likeliest class is below the threshold.
    """

    classes: tuple[tuple[str, float], ...]
    unsure: bool

    @property
    def best(self) -> str:
        """The likeliest class."""
        return self.classes[0][0]

    @property
    def confidence(self) -> float:
        """The probability of the likeliest class."""
        return self.classes[0][1]

    def __str__(self) -> str:
        if self.unsure:
            return f"not sure (most likely {self.best}, {self.confidence:.0%})"
        return f"{self.best}, {self.confidence:.0%}"


class DeployedModel:
    """An exported network, ready to answer.

    Attributes
    ----------
    path : Path
        The file, or the folder of the SavedModel.
    card : ModelInfo
        The content of ``model.json``.
    runtime : Runtime
        Runs the network; functions of ``evaluation`` take it in the place of a Keras model.
    model : object
        The object of the runtime: the keras.Model of ``model.keras``, else the loaded SavedModel,
        the interpreter or the session.
    """

    def __init__(self, path: Path, card: ModelInfo):
        self.path = path
        self.card = card
        self.runtime = Runtime(path, card)
        self.model = self.runtime.native

    def __repr__(self) -> str:
        height, width = self.card.image_size
        return (
            f"DeployedModel: {self.runtime.format.title} ({self.path.name}), "
            f"{len(self.card.class_names)} classes, {height} × {width} pixels"
        )

    def decode(self, picture: Any) -> np.ndarray:
        """Decode one picture as the card says: uint8 (H, W, C) of the network's size.

        Parameters
        ----------
        picture : path, bytes, binary file object, PIL picture or array
            See ``datasets.decode``.
        """
        return datasets.decode(picture, self.card.image_size, self.card.channels)

    def predict(self, images: Any, labels: Sequence[int] | None = None) -> evaluation.Predictions:
        """Predict pictures of any kind and size, calibrated with the temperature of the card.

        Parameters
        ----------
        images : picture or list of pictures
            See ``evaluation.predict_images``.
        labels : sequence of int, optional
            The true classes, if known.

        Returns
        -------
        evaluation.Predictions
        """
        found = evaluation.predict_images(self.runtime, images, self.card.class_names, labels)
        if self.card.temperature == 1:
            return found
        return evaluation.with_temperature(found, self.card.temperature)

    def classify(self, images: Any) -> list[Answer]:
        """Classify pictures of any kind and size.

        Parameters
        ----------
        images : picture or list of pictures
            Paths, bytes, open files, PIL pictures or arrays with pixels 0-255.

        Returns
        -------
        list of Answer
            One for each picture.

        Raises
        ------
        MissingData
            If a file does not exist.
        InvalidInput
            If a picture cannot be read.
        """
        return [self.answer(row) for row in self.predict(images).probabilities]

    def answer(self, probabilities: np.ndarray) -> Answer:
        """Turn the probabilities (classes,) of one picture into an answer."""
        order = np.argsort(-probabilities, kind="stable")
        names = self.card.class_names
        ranked = tuple((names[k], float(probabilities[k])) for k in order)
        threshold = self.card.threshold
        return Answer(ranked, threshold is not None and ranked[0][1] < threshold)


def load_exported(path: str | Path) -> DeployedModel:
    """Load an exported network.

    First met in lesson 09.

    Parameters
    ----------
    path : str or Path
        The folder of :func:`export` (``model.keras`` is loaded, else the first format that is
        there), or one of the files in it.

    Returns
    -------
    DeployedModel

    Raises
    ------
    MissingData
        If there is no such folder, no ``model.json``, or no network.
    InvalidInput
        If a file is damaged, or is not the one that ``model.json`` describes.
    """
    place = Path(os.path.expanduser(path)).resolve()
    if not place.exists():
        raise MissingData(f"There is no {place}; give the folder of deployment.export.")
    file = _chosen(place)
    card = read_card(file)
    known = card.files.get(file.name)
    if file.is_file() and known is not None and digest(file) != known:
        raise InvalidInput(
            f"{file} is not the file that model.json beside it describes (its checksum differs); "
            f"export the model again."
        )
    return DeployedModel(file, card)


def _chosen(place: Path) -> Path:
    """Return the file of a network in a folder, or the given file."""
    is_network = place.is_file() or (place / "saved_model.pb").is_file()
    if is_network:
        format_of(place)
        return place
    read_card(place)
    for kind in FILES:
        if (place / kind.file).exists():
            return place / kind.file
    raise MissingData(f"There is no network in {place}, only its model.json; export it again.")
