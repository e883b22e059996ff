"""Networks that were trained before, put to a new task.

The pieces, in the order in which lesson 08 meets them: :func:`load_backbone` gives a network that
turns pixels into feature maps; :func:`extract_features` runs all images of a dataset through it
once; :func:`fit_head` trains a small classifier on those features, in a second or two;
:func:`attach_head` puts both together; :func:`fine_tune` goes on training the upper layers.

Preprocessing is part of every backbone: pixels stay 0-255 outside, so it cannot be forgotten or
done twice.

Lesson 08 writes each of them out in Keras.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import settings
from course_utils.datasets import SPLITS
from course_utils.exceptions import DownloadFailed, InvalidInput, MissingData, TrainingStopped

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from course_utils.datasets import ImageDataset

#: Files of the backbone that ships with the course: its weights, and those of its classifier.
COURSE_WEIGHTS = "course.weights.h5"
COURSE_CLASSIFIER = "course_classifier.npz"

#: The classes that the classifier of the backbone "course" knows, in the order of its outputs.
CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)

# Changed whenever features of the same backbone and pictures would come out otherwise.
_FEATURES_VERSION = 1


# --- the backbones --------------------------------------------------------------------------


@dataclass(frozen=True)
class Backbone:
    """A network that the course knows by name.

    Attributes
    ----------
    name : str
        What it is called here.
    title : str
        What it is.
    image_size : int
        Height and width in pixels of the images that it was trained on.
    smallest : int
        Least height and width that it can be given.
    parameters : int
        Number of parameters without the classifier on top.
    build : callable
        ``build(x, top)`` puts the untrained network behind a Keras tensor, with or without its
        classifier, and returns its output.
    preprocess : callable
        Puts preprocessing layers behind a Keras input of pixels in 0-255.
    weights : tuple of str
        File names of the weights without and with the classifier, as Keras calls them.
    """

    name: str
    title: str
    image_size: int
    smallest: int
    parameters: int
    build: Callable[[Any, bool], Any]
    preprocess: Callable[[Any], Any]
    weights: tuple[str, str]


def _minus_one_to_one(pixels: Any) -> Any:
    from keras import layers

    return layers.Rescaling(1 / 127.5, offset=-1, name="preprocessing")(pixels)


def _as_they_are(pixels: Any) -> Any:
    # EfficientNet of Keras begins with a Rescaling layer of its own and wants 0-255.
    return pixels


# Name and arguments of the networks in keras.applications.
_KERAS: dict[str, tuple[str, dict[str, Any]]] = {
    "mobilenet": ("MobileNet", {"alpha": 0.75}),
    "mobilenet_v2": ("MobileNetV2", {"alpha": 0.35}),
    "efficientnet_b0": ("EfficientNetB0", {}),
    "xception": ("Xception", {}),
}


def _application(name: str) -> Callable[[Any, bool], Any]:
    def build(x: Any, top: bool) -> Any:
        import keras

        maker_name, arguments = _KERAS[name]
        maker = getattr(keras.applications, maker_name)
        return maker(input_tensor=x, weights=None, include_top=top, **arguments).output

    return build


def _build_course(x: Any, top: bool) -> Any:
    from keras import layers

    early, middle, last = course_layers(x)
    if not top:
        # Maps of three depths, one behind the other: the last ones know CIFAR-10's classes, the
        # earlier ones colours and textures, which other tasks need more.
        early = layers.AveragePooling2D(2, padding="same", name="early_average")(early)
        return layers.Concatenate(name="depths")([early, middle, last])
    x = layers.GlobalAveragePooling2D(name="average")(last)
    return layers.Dense(len(CIFAR10_CLASSES), activation="softmax", name="classifier")(x)


def course_layers(x: Any) -> tuple[Any, Any, Any]:
    """Put the layers of the course's own small backbone behind `x`.

    Eight 3×3 convolutions, each with batch normalisation, in two stages with residual connections
    (He et al. 2016, "Deep Residual Learning for Image Recognition"); the picture is halved twice.

    Parameters
    ----------
    x : KerasTensor, shape (batch, height, width, 3)
        Preprocessed pixels.

    Returns
    -------
    early : KerasTensor, shape (batch, height / 2, width / 2, 48)
        After the first residual block.
    middle : KerasTensor, shape (batch, height / 4, width / 4, 96)
        Inside the second one.
    last : KerasTensor, shape (batch, height / 4, width / 4, 176)
        What the classifier of CIFAR-10 sees.
    """
    from keras import layers

    def convolution(x: Any, filters: int, name: str, strides: int = 1, relu: bool = True) -> Any:
        x = layers.Conv2D(
            filters, 3, strides=strides, padding="same", use_bias=False, name=f"{name}_conv"
        )(x)
        x = layers.BatchNormalization(name=f"{name}_norm")(x)
        return layers.Activation("relu", name=f"{name}_relu")(x) if relu else x

    def residual(x: Any, filters: int, name: str) -> tuple[Any, Any]:
        inner = convolution(x, filters, f"{name}a")
        y = convolution(inner, filters, f"{name}b", relu=False)
        x = layers.Add(name=f"{name}_add")([x, y])
        return inner, layers.Activation("relu", name=f"{name}_relu")(x)

    x = convolution(x, 32, "stem")
    x = convolution(x, 48, "down1", strides=2)
    _, early = residual(x, 48, "block1")
    x = convolution(early, 96, "down2", strides=2)
    middle, x = residual(x, 96, "block2")
    return early, middle, convolution(x, 176, "top")


_BACKBONES = {
    one.name: one
    for one in (
        Backbone(
            "course",
            "small residual network, trained by the course on CIFAR-10",
            32,
            8,
            418_144,
            _build_course,
            _minus_one_to_one,
            (COURSE_WEIGHTS, COURSE_CLASSIFIER),
        ),
        Backbone(
            "mobilenet",
            "MobileNet, width 0.75 (Howard et al. 2017), ImageNet",
            224,
            32,
            1_832_976,
            _application("mobilenet"),
            _minus_one_to_one,
            ("mobilenet_7_5_224_tf_no_top.h5", "mobilenet_7_5_224_tf.h5"),
        ),
        Backbone(
            "mobilenet_v2",
            "MobileNetV2, width 0.35 (Sandler et al. 2018), ImageNet",
            224,
            32,
            410_208,
            _application("mobilenet_v2"),
            _minus_one_to_one,
            (
                "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5",
                "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224.h5",
            ),
        ),
        Backbone(
            "efficientnet_b0",
            "EfficientNetB0 (Tan & Le 2019), ImageNet",
            224,
            32,
            4_049_571,
            _application("efficientnet_b0"),
            _as_they_are,
            ("efficientnetb0_notop.h5", "efficientnetb0.h5"),
        ),
        Backbone(
            "xception",
            "Xception (Chollet 2017), ImageNet",
            299,
            71,
            20_861_480,
            _application("xception"),
            _minus_one_to_one,
            (
                "xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "xception_weights_tf_dim_ordering_tf_kernels.h5",
            ),
        ),
    )
}


def _backbone(name: str) -> Backbone:
    if name in _BACKBONES:
        return _BACKBONES[name]
    close = get_close_matches(str(name), _BACKBONES, n=1)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    raise InvalidInput(
        f"There is no backbone called {name!r}{meant or ';'} "
        f"The course knows {', '.join(_BACKBONES)}."
    )


def _places(one: Backbone, top: bool) -> list[Path]:
    """Return where the weights may lie on this machine, the first choice first."""
    file = one.weights[1 if top else 0]
    if one.name == "course":
        return [settings.shipped_data() / "backbones" / file]
    root = settings.data_root()
    folders = [settings.keras_home() / "models", *([root / "weights"] if root else [])]
    return [folder / file for folder in folders]


def _weights_file(one: Backbone, top: bool = False) -> Path | None:
    return next((path for path in _places(one, top) if path.is_file()), None)


def backbones() -> pd.DataFrame:
    """List the pretrained networks that the course knows.

    Returns
    -------
    DataFrame
        One row per backbone, indexed by name: what it is, parameters (without the classifier on
        top), input size in pixels, whether its weights are here, and where they would come from.
    """
    import pandas as pd

    rows = []
    for one in _BACKBONES.values():
        here = _weights_file(one)
        origin = "ships with the course" if one.name == "course" else "downloaded by Keras"
        rows.append(
            {
                "name": one.name,
                "what": one.title,
                "parameters": one.parameters,
                "input size": one.image_size,
                "here": here is not None,
                "weights": here.name if here else f"{origin}: {one.weights[0]}",
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
    name : {"course", "mobilenet", "mobilenet_v2", "efficientnet_b0", "xception"}, optional
        Which one; by default "course", which ships with the course.
    image_size : int or (int, int), optional
        Height and width in pixels of the images that it will be given; by default the size of the
        images that it was trained on (96 for "course").
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
        If the download did not succeed.
    """
    import keras

    one = _backbone("course" if name is None else name)
    height, width = _image_size(image_size, 96 if one.name == "course" else one.image_size, one)
    pixels = keras.Input((height, width, 3), name="pixels")
    model = keras.Model(pixels, one.build(one.preprocess(pixels), False), name=one.name)
    if weights:
        _load_weights(model, one, top=False, download=download)
    model.trainable = False
    return model


def _image_size(given: Any, default: int, one: Backbone) -> tuple[int, int]:
    if given is None:
        given = default
    pair = tuple(given) if isinstance(given, tuple | list) else (given, given)
    whole = all(isinstance(n, int | np.integer) and not isinstance(n, bool) for n in pair)
    if len(pair) != 2 or not whole:
        raise InvalidInput(
            f"image_size is {given!r}, but it must be a whole number or (height, width) in pixels."
        )
    if min(pair) < one.smallest:
        raise InvalidInput(
            f"image_size is {given!r}, but {one.name} needs at least {one.smallest} pixels "
            f"in height and width."
        )
    return int(pair[0]), int(pair[1])


def _load_weights(model: keras.Model, one: Backbone, top: bool, download: bool) -> None:
    path = _weights_file(one, top)
    if path is None and download and one.name != "course":
        path = _download_weights(one, top)
    if path is None:
        looked = " nor ".join(str(place) for place in _places(one, top))
        remedy = (
            "restore the file with 'git checkout data/backbones' or train it again with "
            "'course pretrain'"
            if one.name == "course"
            else "with a network, load_backbone(..., download=True) lets Keras download them; "
            "without one, use the backbone 'course', which ships with the course"
        )
        raise MissingData(f"The weights of {one.name} are not at {looked}; {remedy}.")
    try:
        model.load_weights(path)
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InvalidInput(
            f"{path} cannot be loaded as weights of {one.name} ({reason}); delete the file and get "
            f"it again."
        ) from error


def _download_weights(one: Backbone, top: bool) -> Path:
    """Let Keras download (and verify) weights into its own cache."""
    import keras

    try:
        maker, arguments = _KERAS[one.name]
        getattr(keras.applications, maker)(weights="imagenet", include_top=top, **arguments)
    except Exception as error:
        raise DownloadFailed(
            f"The weights of {one.name} could not be downloaded "
            f"({type(error).__name__}: {str(error).splitlines()[0][:200]}); check the network and "
            f"try again, or use the backbone 'course', which ships with the course."
        ) from error
    path = _weights_file(one, top)
    if path is None:
        raise DownloadFailed(
            f"Keras downloaded the weights of {one.name}, but not to "
            f"{settings.keras_home() / 'models' / str(one.weights[int(top)])}; "
            f"set KERAS_HOME to the folder that Keras uses."
        )
    return path


def weights_digest(model: keras.Model) -> str:
    """Return a digest of a model's structure and of all its weights.

    Parameters
    ----------
    model : keras.Model

    Returns
    -------
    str
        32 hexadecimal digits; two models have the same only if they compute the same.
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


# --- features -------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Features:
    """The feature vectors of all images of a dataset, computed once by a frozen backbone.

    Attributes
    ----------
    backbone : str
        Name of the backbone.
    class_names : tuple of str
    vectors : dict of split to ndarray of float32, shape (N, D)
        The feature maps of each image, averaged over height and width. With augmented copies the
        training split has N × (1 + copies) rows, the copies after the originals.
    labels : dict of split to ndarray of int32, shape (N,)
    ids : dict of split to tuple of str
    seconds : float
        How long the extraction took; 0 where it came from the cache.
    """

    backbone: str
    class_names: tuple[str, ...]
    vectors: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    ids: dict[str, tuple[str, ...]]
    seconds: float = field(default=0.0, compare=False)

    @property
    def size(self) -> int:
        """Length of a feature vector."""
        return int(self.vectors["train"].shape[1])

    def subset(self, positions: Sequence[int] | np.ndarray) -> Features:
        """Return the features with only these rows of the training split.

        Parameters
        ----------
        positions : sequence of int
            Rows of ``vectors["train"]`` to keep.

        Returns
        -------
        Features
        """
        rows = np.asarray(positions, np.int64)
        return Features(
            self.backbone,
            self.class_names,
            {**self.vectors, "train": self.vectors["train"][rows]},
            {**self.labels, "train": self.labels["train"][rows]},
            {**self.ids, "train": tuple(self.ids["train"][row] for row in rows)},
        )

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(self.labels[split]):,} {split}" for split in SPLITS)
        return f"Features of {self.backbone}: {counts}; {self.size} numbers each"


def extract_features(
    backbone: keras.Model,
    dataset: ImageDataset,
    cache: bool = True,
    *,
    augment: Any = None,
    copies: int = 0,
    verbose: int = 1,
) -> Features:
    """Run every image of a dataset through a frozen backbone once.

    The features are kept on disk. The key covers the backbone's structure and weights, the image
    size, and the content, labels and division of the dataset, so stale features are never served.

    Parameters
    ----------
    backbone : keras.Model
        From pixels 0-255 to feature maps (batch, height, width, channels) or vectors
        (batch, channels), for instance from :func:`load_backbone`.
    dataset : ImageDataset
        Its image size must be that of the backbone.
    cache : bool
        Whether to use and fill the store on disk (``work/cache/features``).
    augment : keras layer or callable, optional
        Changes a batch of training images (float32 0-255) at random.
    copies : int
        How many augmented copies of each training image to add; needs `augment`.
    verbose : int
        0 for no progress bar.

    Returns
    -------
    Features

    Raises
    ------
    InvalidInput
        If the backbone does not take the images of the dataset, or an argument cannot be used.

    Notes
    -----
    A frozen backbone computes the same for the same picture in every epoch, so once is enough:
    training a head for 30 epochs costs one pass through the backbone and not thirty.
    """
    _takes(backbone, dataset)
    if copies < 0 or (copies and augment is None):
        raise InvalidInput("copies must be 0 or more, and augmented copies need augment=...")
    if copies and cache and not hasattr(augment, "get_config"):
        raise InvalidInput(
            "augment is not a Keras layer, so there is nothing to recognise it by in the store; "
            "pass a layer, for instance augmentation.geometric(), or cache=False."
        )
    augmentation = repr(augment.get_config()) if copies and cache else ""
    key = hashlib.blake2b(
        f"{_FEATURES_VERSION} {weights_digest(backbone)} {dataset.fingerprint} {copies} "
        f"{augmentation}".encode(),
        digest_size=16,
    ).hexdigest()
    path = settings.cache_root() / "features" / f"{backbone.name}-{dataset.name}-{key}.npz"
    vectors = _read_vectors(path, dataset, copies) if cache else None
    started = time.perf_counter()
    seconds = 0.0
    if vectors is None:
        vectors = _run_backbone(backbone, dataset, augment, copies, verbose)
        seconds = time.perf_counter() - started
        if cache:
            _write_vectors(path, vectors)
    labels = {split: dataset.labels(split) for split in SPLITS}
    ids = {split: dataset.ids(split) for split in SPLITS}
    labels["train"] = np.tile(labels["train"], 1 + copies)
    ids["train"] = ids["train"] * (1 + copies)
    return Features(backbone.name, dataset.class_names, vectors, labels, ids, seconds)


def _takes(model: keras.Model, dataset: ImageDataset) -> None:
    shape = tuple(model.input_shape[1:])
    wanted = dataset.input_shape
    if any(a is not None and a != b for a, b in zip(shape, wanted, strict=True)):
        raise InvalidInput(
            f"The images of {dataset.name} are {wanted[0]}×{wanted[1]} with {wanted[2]} "
            f"channel(s), but {model.name} takes {shape[0]}×{shape[1]} with {shape[2]}; load both "
            f"with the same image_size."
        )


def _run_backbone(
    backbone: keras.Model, dataset: ImageDataset, augment: Any, copies: int, verbose: int
) -> dict[str, np.ndarray]:
    import tensorflow as tf
    from tqdm.auto import tqdm

    @tf.function(reduce_retracing=True)
    def pooled(images: tf.Tensor) -> tf.Tensor:
        maps = backbone(images, training=False)
        return tf.reduce_mean(maps, axis=(1, 2)) if len(maps.shape) == 4 else maps

    passes: list[tuple[str, int | None]] = [(split, None) for split in SPLITS]
    passes[1:1] = [("train", number) for number in range(copies)]
    total = sum(len(dataset.ids(split)) for split, _ in passes)
    vectors: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    bar = tqdm(
        total=total,
        unit="image",
        desc=backbone.name,
        disable=not verbose,
        file=sys.stdout,
        leave=False,
    )
    with bar:
        for split, copy in passes:
            for images, _ in dataset.ordered(split):
                if copy is not None:
                    images = augment(images, training=True)
                vectors[split].append(np.asarray(pooled(images), np.float32))
                bar.update(len(images))
    return {split: np.concatenate(parts) for split, parts in vectors.items()}


def _write_vectors(path: Path, vectors: dict[str, np.ndarray]) -> None:
    """Write to one side, then rename, so that a half-written file is never read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(descriptor, "wb") as file:
            np.savez(file, **vectors)  # type: ignore[arg-type]
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _read_vectors(path: Path, dataset: ImageDataset, copies: int) -> dict[str, np.ndarray] | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            vectors = {split: stored[split] for split in SPLITS}
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile) as error:
        print(f"The stored features {path.name} are damaged ({error}); they are computed again.")
        return None
    counts = {split: len(dataset.ids(split)) for split in SPLITS}
    counts["train"] *= 1 + copies
    if any(vectors[split].shape[0] != counts[split] for split in SPLITS):
        return None
    return vectors


# --- the head -------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Head:
    """A small classifier on features, and how it was trained.

    Attributes
    ----------
    model : keras.Model
        From feature vectors (batch, D) to logits (batch, classes).
    history : dict of str to list of float
        Loss and accuracy of each epoch, on training and validation.
    best_epoch : int
        The epoch (from 1) with the lowest validation loss, whose weights the model has.
    seconds : float
    class_names : tuple of str
    """

    model: keras.Model
    history: dict[str, list[float]]
    best_epoch: int
    seconds: float
    class_names: tuple[str, ...]

    @property
    def validation_accuracy(self) -> float:
        """Accuracy on the validation split with the weights that were kept."""
        return self.history["val_accuracy"][self.best_epoch - 1]

    def accuracy(self, features: Features, split: str = "test") -> float:
        """Return the share of images of a split that the head classifies correctly.

        Parameters
        ----------
        features : Features
            From the same backbone.
        split : {"train", "validation", "test"}

        Returns
        -------
        float
            In 0-1.
        """
        logits = self.model.predict(features.vectors[split], batch_size=1024, verbose=0)
        return float(np.mean(logits.argmax(axis=1) == features.labels[split]))

    def __repr__(self) -> str:
        return (
            f"Head: validation accuracy {self.validation_accuracy:.3f} at epoch {self.best_epoch} "
            f"of {len(self.history['loss'])}, {self.seconds:.1f} s"
        )


def fit_head(
    features: Features,
    hidden: int = 100,
    dropout: float = 0.2,
    learning_rate: float = 1e-3,
    epochs: int = 30,
    *,
    batch_size: int = 64,
    seed: int | None = None,
) -> Head:
    """Train a classifier on features; the weights of the best epoch are kept.

    The features of the training images are brought to mean 0 and about variance 1 first, by a layer
    of the head: channels of a network differ in scale by far more than in importance.

    Parameters
    ----------
    features : Features
        From :func:`extract_features`.
    hidden : int
        Units of the hidden layer; 0 for none, which is logistic regression.
    dropout : float
        Share of the hidden units (or, without any, of the features) dropped in training, in [0, 1).
    learning_rate : float
        Of Adam.
    epochs : int
        Number of epochs. The epoch with the lowest validation loss decides the weights.
    batch_size : int
        Feature vectors per step.
    seed : int, optional
        Decides the first weights, the order and the dropout; by default ``settings.seed()``.

    Returns
    -------
    Head

    Raises
    ------
    InvalidInput
        If an argument cannot be used, there are no training or validation images, or some of
        their features are NaN.
    TrainingStopped
        If the loss becomes NaN.
    """
    import keras

    _require_vectors(features)
    _positive("epochs", epochs)
    _positive("batch_size", batch_size)
    if not 0 <= dropout < 1:
        raise InvalidInput(f"dropout is {dropout!r}, but it must be at least 0 and less than 1.")
    if not learning_rate > 0:
        raise InvalidInput(f"learning_rate is {learning_rate!r}, but it must be more than 0.")
    if hidden < 0:
        raise InvalidInput(f"hidden is {hidden!r}, but it must be 0 (no hidden layer) or more.")
    keras.utils.set_random_seed(settings.seed() if seed is None else seed)
    mean, variance = _spread(features.vectors["train"])
    model = build_head(features.size, len(features.class_names), hidden, dropout, mean, variance)
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    started = time.perf_counter()
    history, best_epoch = _fit_in_memory(model, features, epochs, batch_size)
    return Head(model, history, best_epoch, time.perf_counter() - started, features.class_names)


def _fit_in_memory(
    model: keras.Model, features: Features, epochs: int, batch_size: int
) -> tuple[dict[str, list[float]], int]:
    """Train a compiled head, one TensorFlow function for each epoch, and keep its best weights.

    A step on feature vectors takes so little computing that ``model.fit`` would spend most of its
    time between the steps. The vectors are standardized once, not in each step.

    Returns
    -------
    history : dict of str to list of float
        Loss and accuracy of each epoch, on training and validation, as ``model.fit`` names them.
    best_epoch : int
        Counted from 1: the first epoch with the lowest validation loss.

    Raises
    ------
    TrainingStopped
        If the loss becomes NaN.
    """
    import keras
    import tensorflow as tf

    standardize, body = model.layers[0], keras.Sequential(model.layers[1:])
    optimizer, loss_of = model.optimizer, keras.losses.get(model.loss)
    optimizer.build(model.trainable_variables)
    vectors, labels = {}, {}
    for split in ("train", "validation"):
        vectors[split] = tf.convert_to_tensor(standardize(features.vectors[split]))
        labels[split] = tf.convert_to_tensor(features.labels[split])
    count = len(features.labels["train"])

    def measure(split_labels: Any, logits: Any) -> tuple[Any, Any]:
        right = tf.equal(tf.argmax(logits, axis=1, output_type=split_labels.dtype), split_labels)
        return loss_of(split_labels, logits), tf.reduce_mean(tf.cast(right, tf.float32))

    @tf.function
    def one_epoch(order: tf.Tensor) -> tuple[Any, ...]:
        loss_sum, accuracy_sum = 0.0, 0.0
        for start in tf.range(0, count, batch_size):
            rows = order[start : start + batch_size]
            with tf.GradientTape() as tape:
                logits = body(tf.gather(vectors["train"], rows), training=True)
                loss, accuracy = measure(tf.gather(labels["train"], rows), logits)
                scaled = optimizer.scale_loss(loss)  # by 1, except in mixed precision
            optimizer.apply(tape.gradient(scaled, model.trainable_variables))
            share = tf.cast(tf.size(rows), tf.float32) / count
            loss_sum += share * loss
            accuracy_sum += share * accuracy
        logits = body(vectors["validation"], training=False)
        return loss_sum, accuracy_sum, *measure(labels["validation"], logits)

    rng = keras.random.SeedGenerator()
    history: dict[str, list[float]] = {
        name: [] for name in ("loss", "accuracy", "val_loss", "val_accuracy")
    }
    best_epoch, best = 0, model.get_weights()
    for epoch in range(epochs):
        order = keras.random.shuffle(tf.range(count), seed=rng)
        for values, value in zip(history.values(), one_epoch(order), strict=True):
            values.append(float(value))
        if not np.isfinite([history["loss"][-1], history["val_loss"][-1]]).all():
            raise TrainingStopped(
                f"The loss of the head is not a finite number any more (epoch {epoch + 1} of "
                f"{epochs}); try a smaller learning rate."
            )
        if epoch == 0 or history["val_loss"][-1] < history["val_loss"][best_epoch]:
            best_epoch, best = epoch, model.get_weights()
    model.set_weights(best)
    return history, best_epoch + 1


def _require_vectors(features: Features) -> None:
    """Raise InvalidInput unless there are features to train on and to choose the best epoch by."""
    for split in ("train", "validation"):
        if not len(features.labels[split]):
            raise InvalidInput(
                f"The {split} split holds no images, but a head is trained on the training split "
                f"and its best epoch is chosen on the validation split; load the data with both."
            )
        if not np.isfinite(features.vectors[split]).all():
            raise InvalidInput(
                f"Some features of the {split} split are NaN or infinite; look for broken images "
                f"with quality.report, and extract the features again with cache=False."
            )


def _positive(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidInput(f"{name} is {value!r}, but it must be a whole number of at least 1.")


def _spread(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each feature, so that all of them can be brought to the same scale.

    A feature that hardly varies in these images would be blown up by its own variance; a hundredth
    of the mean variance is added to each.
    """
    variance = vectors.var(axis=0)
    return vectors.mean(axis=0), variance + 0.01 * float(variance.mean()) + 1e-12


def build_head(
    size: int,
    num_classes: int,
    hidden: int,
    dropout: float,
    mean: np.ndarray | None = None,
    variance: np.ndarray | None = None,
) -> keras.Model:
    """Return an untrained head: standardisation, dense with ReLU, dropout, dense to logits.

    Parameters
    ----------
    size : int
        Length of a feature vector.
    num_classes : int
        Number of logits.
    hidden : int
        Units of the hidden layer; 0 for none.
    dropout : float
        Share dropped in training, in [0, 1).
    mean, variance : ndarray of float, shape (size,), optional
        Those of the features. With them the first layer computes
        ``(feature - mean) / sqrt(variance)``; without, features enter as they are.

    Returns
    -------
    keras.Model
        From (batch, size) to logits (batch, num_classes).
    """
    import keras
    from keras import layers

    middle: list[Any] = []
    if mean is not None and variance is not None:
        middle.append(layers.Normalization(mean=mean, variance=variance, name="standardise"))
    if hidden:
        middle.append(layers.Dense(hidden, activation="relu", name="hidden"))
    return keras.Sequential(
        [
            keras.Input((size,), name="features"),
            *middle,
            layers.Dropout(dropout, name="dropout"),
            layers.Dense(num_classes, dtype="float32", name="logits"),
        ],
        name="head",
    )


def attach_head(backbone: keras.Model, head: Head | keras.Model) -> keras.Model:
    """Put a head on its backbone: one model from pixels to logits.

    It predicts from an image what the head predicts from the image's features.

    Parameters
    ----------
    backbone : keras.Model
        From pixels to feature maps or vectors.
    head : Head or keras.Model
        From feature vectors to logits.

    Returns
    -------
    keras.Model
        From pixels, float32 0-255, (batch, height, width, 3), to logits (batch, classes). It
        shares its weights with both.

    Raises
    ------
    InvalidInput
        If the head wants feature vectors of another length than the backbone gives.
    """
    import keras
    from keras import layers

    top = head.model if isinstance(head, Head) else head
    given, wanted = backbone.output_shape[-1], top.input_shape[-1]
    if given != wanted:
        raise InvalidInput(
            f"{backbone.name} gives {given} features, but this head takes {wanted}; train the head "
            f"on features of the same backbone."
        )
    x = backbone.output
    if len(x.shape) == 4:
        x = layers.GlobalAveragePooling2D(name="average")(x)
    for layer in top.layers:
        x = layer(x)
    return keras.Model(backbone.input, x, name=f"{backbone.name}_with_head")


# --- fine-tuning ----------------------------------------------------------------------------


def unfreeze(model: keras.Model, unfreeze_from: str | int) -> list[str]:
    """Let the layers from one on learn, all before it not, and batch normalisation never.

    Batch normalisation stays in inference mode: its running averages come from millions of
    pictures, and a few small batches would spoil them.

    Parameters
    ----------
    model : keras.Model
        A flat model, for instance from :func:`attach_head`; it is changed in place.
    unfreeze_from : str or int
        Name of the first layer that learns, or its position (negative: counted from the end).

    Returns
    -------
    list of str
        Names of the layers that learn now.

    Raises
    ------
    InvalidInput
        If there is no such layer.
    """
    from keras import layers

    names = [layer.name for layer in model.layers]
    if isinstance(unfreeze_from, str):
        if unfreeze_from not in names:
            close = get_close_matches(unfreeze_from, names, n=1)
            hint = f" (did you mean {close[0]!r}?)" if close else ""
            raise InvalidInput(
                f"{model.name} has no layer called {unfreeze_from!r}{hint}; its layers with "
                f"weights are {', '.join(layer.name for layer in model.layers if layer.weights)}."
            )
        first = names.index(unfreeze_from)
    elif -len(names) <= unfreeze_from < len(names):
        first = unfreeze_from % len(names)
    else:
        raise InvalidInput(
            f"unfreeze_from is {unfreeze_from}, but {model.name} has {len(names)} layers."
        )
    model.trainable = True
    for position, layer in enumerate(model.layers):
        layer.trainable = position >= first and not isinstance(layer, layers.BatchNormalization)
    return [layer.name for layer in model.layers if layer.trainable_weights]


def fine_tune(
    model: keras.Model,
    dataset: ImageDataset,
    unfreeze_from: str | int,
    learning_rate: float = 1e-5,
    epochs: int = 5,
    **fit_arguments: Any,
) -> Any:
    """Go on training the upper layers of a pretrained network, in small steps.

    Parameters
    ----------
    model : keras.Model
        From :func:`attach_head`, with a head that is trained already; it is changed in place.
    dataset : ImageDataset
        Images of the model's size.
    unfreeze_from : str or int
        Name or position of the first layer that learns.
    learning_rate : float
        Much smaller than for the head: large steps destroy what the network knows.
    epochs : int
        Number of epochs.
    **fit_arguments
        Passed on to :func:`course_utils.training.fit`.

    Returns
    -------
    History
        What :func:`course_utils.training.fit` returns.

    Raises
    ------
    InvalidInput
        If there is no such layer, or the images do not fit.
    """
    from course_utils import training

    _takes(model, dataset)
    unfreeze(model, unfreeze_from)
    return training.fit(model, dataset, epochs, learning_rate=learning_rate, **fit_arguments)


# --- classifying ----------------------------------------------------------------------------


def classify(
    model: keras.Model, images: np.ndarray, class_names: Sequence[str], top: int = 3
) -> pd.DataFrame:
    """Name the classes that a model finds most probable for each image.

    Parameters
    ----------
    model : keras.Model
        From pixels to logits, or to probabilities where it ends in a softmax.
    images : ndarray, shape (H, W, C) or (N, H, W, C)
        Pixels in 0-255, uint8 or float32.
    class_names : sequence of str
    top : int
        How many classes per image.

    Returns
    -------
    DataFrame
        Columns image (position), rank (from 1), class, probability.

    Raises
    ------
    InvalidInput
        If the images are of another size than the model's, or the number of names is not that of
        the model's outputs.
    """
    import pandas as pd

    batch = np.asarray(images, np.float32)
    if batch.ndim == 3:
        batch = batch[None]
    if batch.ndim != 4 or tuple(batch.shape[1:]) != tuple(model.input_shape[1:]):
        raise InvalidInput(
            f"The images have the shape {tuple(np.shape(images))}, but {model.name} takes "
            f"{tuple(model.input_shape[1:])} each; resize them first."
        )
    if len(class_names) != model.output_shape[-1]:
        raise InvalidInput(
            f"There are {len(class_names)} class names, but {model.name} has "
            f"{model.output_shape[-1]} outputs; give one name per output, in the model's order."
        )
    probabilities = model.predict(batch, verbose=0).astype(np.float64)
    if not _ends_in_softmax(model):
        exponentials = np.exp(probabilities - probabilities.max(axis=1, keepdims=True))
        probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    rows = [
        {
            "image": number,
            "rank": rank,
            "class": class_names[index],
            "probability": float(row[index]),
        }
        for number, row in enumerate(probabilities)
        for rank, index in enumerate(np.argsort(-row, kind="stable")[:top], start=1)
    ]
    return pd.DataFrame(rows)


def _ends_in_softmax(model: keras.Model) -> bool:
    import keras

    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax):
        return True
    return getattr(last, "activation", None) is keras.activations.softmax


def load_classifier(
    name: str | None = None,
    image_size: int | tuple[int, int] | None = None,
    *,
    download: bool = False,
) -> tuple[keras.Model, list[str]]:
    """Load a pretrained network as it is, with its own classifier on top.

    Parameters
    ----------
    name : {"course", "mobilenet", "mobilenet_v2", "efficientnet_b0", "xception"}, optional
        By default "course", which knows the 10 classes of CIFAR-10; the others know the 1000 of
        ImageNet.
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
    import keras

    one = _backbone("course" if name is None else name)
    names = list(CIFAR10_CLASSES) if one.name == "course" else imagenet_names()
    height, width = _image_size(image_size, one.image_size, one)
    pixels = keras.Input((height, width, 3), name="pixels")
    model = keras.Model(pixels, one.build(one.preprocess(pixels), True), name=one.name)
    if one.name == "course":
        backbone = load_backbone("course", (height, width))
        with np.load(settings.shipped_data() / "backbones" / COURSE_CLASSIFIER) as stored:
            model.set_weights([*backbone.get_weights(), stored["kernel"], stored["bias"]])
    else:
        _load_weights(model, one, top=True, download=download)
    model.trainable = False
    return model, names


def imagenet_names() -> list[str]:
    """Return the names of ImageNet's 1000 classes, in the order of the networks' outputs.

    Returns
    -------
    list of str

    Raises
    ------
    MissingData
        If the list is not on this machine.
    """
    root = settings.data_root()
    file = "imagenet_class_index.json"
    places = [settings.keras_home() / "models" / file, *([root / "weights" / file] if root else [])]
    for path in places:
        if path.is_file():
            index = json.loads(path.read_text("utf-8"))
            return [index[str(number)][1] for number in range(len(index))]
    raise MissingData(
        f"The names of ImageNet's classes are not at {' nor '.join(str(place) for place in places)}"
        f"; with a network, keras.applications.mobilenet.decode_predictions downloads them."
    )


def decode(probabilities: np.ndarray, top: int = 5) -> pd.DataFrame:
    """Name ImageNet's most probable classes for each image.

    Parameters
    ----------
    probabilities : ndarray, shape (N, 1000)
        What a network of :func:`load_classifier` gives.
    top : int
        How many classes per image.

    Returns
    -------
    DataFrame
        Columns image (position), rank (from 1), class, probability.

    Raises
    ------
    InvalidInput
        If there are not 1000 probabilities per image.
    MissingData
        If the names of the classes are not on this machine.
    """
    import pandas as pd

    values = np.asarray(probabilities)
    names = imagenet_names()
    if values.ndim != 2 or values.shape[1] != len(names):
        raise InvalidInput(
            f"The probabilities have the shape {values.shape}, but ImageNet's classes need "
            f"(images, {len(names)})."
        )
    return pd.DataFrame(
        [
            {"image": n, "rank": rank, "class": names[i], "probability": float(row[i])}
            for n, row in enumerate(values)
            for rank, i in enumerate(np.argsort(-row, kind="stable")[:top], start=1)
        ]
    )
