"""Feature vectors: run every image through a frozen backbone once, and keep the results."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from course_utils import settings, validate
from course_utils.datasets import SPLITS, ImageDataset
from course_utils.exceptions import InvalidInput
from course_utils.files import atomic_path
from course_utils.progress import progress_bar
from course_utils.training.checkpoint import UNREADABLE
from course_utils.transfer.backbones import weights_digest

# To be raised when the features of the same backbone and images change.
_FEATURES_VERSION = 1


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
        Duration of the extraction; 0 if the features came from the cache.
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
        """Return the features with only some rows of the training split.

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

    The features are cached on disk. The key covers the backbone's structure and weights, the image
    size, and the content, labels and splits of the dataset, so no features are used after a change.

    Parameters
    ----------
    backbone : keras.Model
        From pixels 0-255 to feature maps (batch, height, width, channels) or vectors
        (batch, channels), for instance from :func:`load_backbone`.
    dataset : ImageDataset
        Its image size must be that of the backbone.
    cache : bool
        Whether to use the cache on disk (``work/cache/features``).
    augment : keras layer or callable, optional
        Changes a batch of training images (float32 0-255) at random.
    copies : int
        Number of augmented copies of each training image to add; needs `augment`.
    verbose : int
        0 shows no progress bar.

    Returns
    -------
    Features

    Raises
    ------
    InvalidInput
        If the images of the dataset have another size, or an argument cannot be used.

    Notes
    -----
    A frozen backbone computes the same features for an image in every epoch. So training a head for
    30 epochs needs one pass through the backbone, not thirty.
    """
    check_input_shape(backbone, dataset)
    copies = validate.whole_number("copies", copies, 0)
    if copies and augment is None:
        raise InvalidInput("Augmented copies need an augmentation; give augment=... as well.")
    path = _cache_file(backbone, dataset, augment, copies) if cache else None
    vectors = _read_vectors(path, dataset, copies) if path is not None else None
    seconds = 0.0
    if vectors is None:
        started = time.perf_counter()
        vectors = _run_backbone(backbone, dataset, augment, copies, verbose)
        seconds = time.perf_counter() - started
        if path is not None:
            with atomic_path(path) as part:
                np.savez(part, **vectors)  # type: ignore[arg-type]
    labels = {split: dataset.labels(split) for split in SPLITS}
    ids = {split: dataset.ids(split) for split in SPLITS}
    labels["train"] = np.tile(labels["train"], 1 + copies)
    ids["train"] = ids["train"] * (1 + copies)
    return Features(backbone.name, dataset.class_names, vectors, labels, ids, seconds)


def check_input_shape(model: keras.Model, dataset: ImageDataset) -> None:
    """Raise InvalidInput unless the images of a dataset have the shape of a model's input."""
    shape = tuple(model.input_shape[1:])
    wanted = dataset.input_shape
    if any(a is not None and a != b for a, b in zip(shape, wanted, strict=True)):
        raise InvalidInput(
            f"The images of {dataset.name} are {wanted[0]}×{wanted[1]} with {wanted[2]} "
            f"channel(s), but {model.name} takes {shape[0]}×{shape[1]} with {shape[2]}; load both "
            f"with the same image_size."
        )


def _cache_file(backbone: keras.Model, dataset: ImageDataset, augment: Any, copies: int) -> Path:
    if copies and not hasattr(augment, "get_config"):
        raise InvalidInput(
            "augment is not a Keras layer, so its features cannot be recognized in the cache; "
            "pass a layer, for instance augmentation.geometric(), or cache=False."
        )
    augmentation = repr(augment.get_config()) if copies else ""
    key = hashlib.blake2b(
        f"{_FEATURES_VERSION} {weights_digest(backbone)} {dataset.fingerprint} {copies} "
        f"{augmentation}".encode(),
        digest_size=16,
    ).hexdigest()
    return settings.cache_root() / "features" / f"{backbone.name}-{dataset.name}-{key}.npz"


def _run_backbone(
    backbone: keras.Model, dataset: ImageDataset, augment: Any, copies: int, verbose: int
) -> dict[str, np.ndarray]:
    @tf.function
    def pooled(images: tf.Tensor) -> tf.Tensor:
        maps = backbone(images, training=False)
        return tf.reduce_mean(maps, axis=(1, 2)) if len(maps.shape) == 4 else maps

    shape = (None, *dataset.input_shape)
    compiled = pooled.get_concrete_function(tf.TensorSpec(shape, tf.float32))

    passes: list[tuple[str, int | None]] = [(split, None) for split in SPLITS]
    passes[1:1] = [("train", number) for number in range(copies)]
    total = sum(len(dataset.ids(split)) for split, _ in passes)
    vectors: dict[str, list[np.ndarray]] = {split: [] for split in SPLITS}
    with progress_bar(total, backbone.name, shown=bool(verbose), unit=" images") as bar:
        for split, copy in passes:
            for images, _ in dataset.ordered(split):
                if copy is not None:
                    images = augment(images, training=True)
                vectors[split].append(np.asarray(compiled(tf.cast(images, tf.float32)), np.float32))
                bar.update(len(images))
    return {split: np.concatenate(parts) for split, parts in vectors.items()}


def _read_vectors(path: Path, dataset: ImageDataset, copies: int) -> dict[str, np.ndarray] | None:
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as stored:
            vectors = {split: stored[split] for split in SPLITS}
    except UNREADABLE as error:
        print(f"The stored features {path.name} are damaged ({error}); they are computed again.")
        return None
    counts = {split: len(dataset.ids(split)) for split in SPLITS}
    counts["train"] *= 1 + copies
    if any(vectors[split].shape[0] != counts[split] for split in SPLITS):
        return None
    return vectors
