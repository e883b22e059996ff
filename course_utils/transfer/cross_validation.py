"""Cross-validation of a head: predict every photograph with a head that has not seen its group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from course_utils import settings, validate
from course_utils.datasets import ImageDataset
from course_utils.evaluation import Predictions, softmax
from course_utils.exceptions import InvalidInput
from course_utils.transfer.features import Features
from course_utils.transfer.heads import fit_head

_SPLITS = ("train", "validation")


def out_of_fold(
    features: Features,
    dataset: ImageDataset,
    groups: Sequence[str] | None = None,
    folds: int = 5,
    **head: Any,
) -> Predictions:
    """Predict the training and validation images with heads that have not seen them.

    The images are divided into folds, with all images of a group in one fold. For each fold a head
    is trained on the other folds for a fixed number of epochs, and predicts this one. With few
    images this gives more predictions to look at than the validation split alone.

    Parameters
    ----------
    features : Features
        From :func:`extract_features`, without augmented copies.
    dataset : ImageDataset
        The images of the features.
    groups : sequence of str, optional
        The group of each training image, then of each validation image; by default each image is a
        group of its own.
    folds : int
        At least 2; fewer are made if a class has fewer groups.
    **head
        Arguments of :func:`fit_head`.

    Returns
    -------
    Predictions
        Of the training images, then of the validation images.

    Raises
    ------
    InvalidInput
        If the features are not those of the dataset, or a class has fewer than two groups.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    ids = tuple(name for split in _SPLITS for name in dataset.ids(split))
    if ids != tuple(name for split in _SPLITS for name in features.ids[split]):
        raise InvalidInput(
            "These features do not belong to this dataset; extract them again, without copies."
        )
    vectors = np.concatenate([features.vectors[split] for split in _SPLITS])
    labels = np.concatenate([dataset.labels(split) for split in _SPLITS])
    keys = np.array(ids if groups is None else list(groups), dtype=object)
    if len(keys) != len(ids):
        raise InvalidInput(f"There are {len(ids)} images, but {len(keys)} groups are given.")
    folds = _possible_folds(folds, labels, keys, dataset.class_names)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=settings.seed())
    logits = np.zeros((len(ids), dataset.num_classes), np.float32)
    for others, held_out in splitter.split(vectors, labels, keys):
        part = {"train": vectors[others], "validation": vectors[others]}  # no choice of an epoch
        its_labels = {"train": labels[others], "validation": labels[others]}
        fold = Features(features.backbone, features.class_names, part, its_labels, features.ids)
        model = fit_head(fold, **head).model
        logits[held_out] = model(vectors[held_out], training=False)  # no new graph for each fold
    return Predictions(
        ids,
        lambda: np.concatenate([dataset.images(split) for split in _SPLITS]),
        labels,
        softmax(logits),
        dataset.class_names,
        head="logits (softmax applied)",
        logits=logits,
    )


def _possible_folds(
    folds: int, labels: np.ndarray, keys: np.ndarray, class_names: Sequence[str]
) -> int:
    """Return the number of folds, at most the number of groups of the smallest class."""
    folds = validate.whole_number("folds", folds, 2, example=5)
    of_class = [len(set(keys[labels == k])) for k in range(len(class_names))]
    smallest = int(np.argmin(of_class))
    if of_class[smallest] < 2:
        raise InvalidInput(
            f"The class {class_names[smallest]!r} has "
            f"{validate.counted(of_class[smallest], 'group')} outside the test split, but at least "
            f"2 are needed; add photographs of other groups."
        )
    return min(folds, of_class[smallest])
