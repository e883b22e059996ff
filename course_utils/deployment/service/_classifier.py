"""The model of the service: probabilities and heat maps of batches of pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import evaluation
from course_utils.deployment.card import ModelInfo
from course_utils.deployment.service._batches import LARGEST_BATCH
from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    import keras

_NO_EVIDENCE = "No part of the picture is evidence for this class, so there is no heat map."


@dataclass(frozen=True)
class Job:
    """A picture to classify.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (height, width, channels)
        In the size of the network.
    with_map : bool
        Whether a heat map is wanted.
    """

    pixels: np.ndarray
    with_map: bool


@dataclass(frozen=True)
class Result:
    """What the model says of a picture.

    Attributes
    ----------
    probabilities : ndarray of float32, shape (classes,)
        Calibrated.
    layer : ndarray of uint8, shape (height, width, 4), or None
        The heat map of the most likely class as a transparent layer.
    note : str
        Why there is no heat map although one was wanted, else empty.
    """

    probabilities: np.ndarray
    layer: np.ndarray | None = None
    note: str = ""


class Classifier:
    """A network with what belongs to it, ready for the service.

    Parameters
    ----------
    run : callable
        Turns pixels 0-255, float32 (N, height, width, channels), into outputs (N, units): logits,
        probabilities, or one unit for two classes.
    card : ModelInfo
        Class names, image size, last activation, temperature, threshold.
    name : str
        For the page.
    model : keras.Model, optional
        The network, for heat maps.
    """

    def __init__(
        self,
        run: Callable[[np.ndarray], np.ndarray],
        card: ModelInfo,
        name: str,
        model: keras.Model | None = None,
    ) -> None:
        self.card, self.name = card, name
        self._run = run
        self._maps: Callable[[np.ndarray, Any], np.ndarray] | None = None
        self.note = "This format of the network gives no heat maps; use its model.keras."
        if model is not None:
            from course_utils import explain  # imports TensorFlow, so only when it is used

            try:
                self._maps = explain.compiled_grad_cam(model)
            except InvalidInput as error:
                self.note = f"There are no heat maps of this network. {error}"

    def warm_up(self) -> None:
        """Classify gray pictures, so that the first answers do not wait for TensorFlow.

        Raises
        ------
        InvalidInput
            If the outputs of the network cannot be interpreted.
        """
        gray = np.full(self.card.input_shape, 128, np.uint8)
        for count in (1, LARGEST_BATCH):
            self.classify([Job(gray, True)] * count)

    def classify(self, jobs: Sequence[Job]) -> list[Result]:
        """Classify pictures together.

        Parameters
        ----------
        jobs : sequence of Job

        Returns
        -------
        list of Result
            In the order of `jobs`.

        Raises
        ------
        InvalidInput
            If the outputs of the model cannot be interpreted; see
            ``evaluation.interpret_outputs``.
        """
        pixels = np.stack([job.pixels for job in jobs])
        images = pixels.astype(np.float32)
        found = evaluation.interpret_outputs(
            self._run(images), self.card.outputs, self.card.class_names, images=pixels
        )
        probabilities = evaluation.with_temperature(found, self.card.temperature).probabilities
        results = [Result(row) for row in probabilities]
        wanted = [i for i, job in enumerate(jobs) if job.with_map]
        if not wanted:
            return results
        if self._maps is None:
            for i in wanted:
                results[i] = Result(probabilities[i], note=self.note)
            return results
        from course_utils import explain

        maps = self._maps(images[wanted], probabilities[wanted].argmax(axis=1))
        for i, heat in zip(wanted, maps, strict=True):
            if heat.max() > 0:
                results[i] = Result(probabilities[i], explain.heat_layer(heat))
            else:
                results[i] = Result(probabilities[i], note=_NO_EVIDENCE)
        return results
