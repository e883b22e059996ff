"""Which predictions and which labels deserve a look."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    import pandas as pd

    from course_utils.evaluation import Predictions


def worst_predictions(
    predictions: Predictions, true_class: str | int | None = None, limit: int | None = 10
) -> Predictions:
    """Pick the wrong predictions that were furthest from the truth.

    The worst comes first: the one that gave the least probability to the true class, which is the
    one with the largest cross-entropy ``-log p(true class)``.

    First met in lesson 06.

    Parameters
    ----------
    predictions : Predictions
    true_class : str or int, optional
        Only images of this class, given by its name or number.
    limit : int, optional
        At most so many; None for all.

    Returns
    -------
    Predictions
        Only wrong ones, so possibly none.

    Raises
    ------
    InvalidInput
        If labels are unknown, there is no such class, or `limit` is below 1.
    """
    if limit is not None and limit < 1:
        raise InvalidInput(f"limit must be at least 1, or None for all, but it is {limit}.")
    chosen = ~predictions.correct
    if true_class is not None:
        chosen &= predictions.labels == class_number(predictions.class_names, true_class)
    places = np.flatnonzero(chosen)
    own = predictions.probabilities[places, predictions.labels[places]]
    return predictions.select(places[np.argsort(own, kind="stable")][:limit])


def class_number(class_names: tuple[str, ...], wanted: str | int) -> int:
    """Return the number of a class that is given by name or number.

    Parameters
    ----------
    class_names : tuple of str
    wanted : str or int

    Returns
    -------
    int

    Raises
    ------
    InvalidInput
        If there is no such class.
    """
    if isinstance(wanted, str):
        if wanted in class_names:
            return class_names.index(wanted)
        near = difflib.get_close_matches(wanted, class_names, 1)
        meant = f"; did you mean {near[0]!r}?" if near else "."
        raise InvalidInput(
            f"There is no class {wanted!r} among {', '.join(class_names)}{meant}".rstrip()
        )
    if not 0 <= int(wanted) < len(class_names):
        raise InvalidInput(
            f"There is no class {wanted}; the {len(class_names)} classes have the numbers 0 to "
            f"{len(class_names) - 1}."
        )
    return int(wanted)


def confused_pairs(predictions: Predictions) -> pd.DataFrame:
    """List which class is taken for which other one, the most frequent confusion first.

    It is the confusion matrix without its diagonal, as a list. First met in lesson 06.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    pandas.DataFrame
        Columns true, predicted, images (how many), share (of the images of the true class, 0-1)
        and confidence (the mean of these wrong predictions, 0-1). Pairs that never happened are
        left out.

    Raises
    ------
    InvalidInput
        If labels are unknown.
    """
    import pandas as pd

    wrong = ~predictions.correct
    names = np.array(predictions.class_names, dtype=object)
    frame = pd.DataFrame(
        {
            "true": names[predictions.labels[wrong]],
            "predicted": names[predictions.predicted[wrong]],
            "confidence": predictions.confidence[wrong].astype(float),
        }
    )
    pairs = frame.groupby(["true", "predicted"], as_index=False).agg(
        images=("confidence", "size"), confidence=("confidence", "mean")
    )
    sizes = np.bincount(predictions.labels, minlength=len(names))
    pairs["share"] = [
        count / sizes[predictions.class_names.index(name)]
        for name, count in zip(pairs["true"], pairs["images"], strict=True)
    ]
    pairs = pairs.sort_values(
        ["images", "confidence"], ascending=False, kind="stable", ignore_index=True
    )
    return pairs[["true", "predicted", "images", "share", "confidence"]]


def suspect_labels(
    out_of_fold_predictions: Predictions, method: str = "self_confidence"
) -> pd.DataFrame:
    """Rank the labels by how strongly a model disputes them that has not seen them.

    The predictions must come from models that were not trained on the image they judge, as
    ``evaluation.out_of_fold`` gives them: a network learns the wrong labels of its own training
    pictures, too, and then agrees with them.

    The ranking and the decision are those of cleanlab. A label is *disputed* where confident
    learning finds an error: the model gives another class at least as much probability as it gives
    that class on average where the label says so.

    First met in lesson 06.

    Parameters
    ----------
    out_of_fold_predictions : Predictions
        With known labels.
    method : {"self_confidence", "normalized_margin", "confidence_weighted_entropy"}
        How quality is measured; "self_confidence" is the probability of the label itself.

    Returns
    -------
    pandas.DataFrame
        One row for each image, the most suspect first: id, label, suggested (the likeliest other
        class), p_label and p_suggested (0-1), quality (0-1, low is bad), disputed (bool), and
        position (its place in the predictions).

    Raises
    ------
    InvalidInput
        If labels are unknown or `method` is something else.

    References
    ----------
    Northcutt, Jiang and Chuang (2021), Confident Learning: Estimating Uncertainty in Dataset
    Labels, Journal of Artificial Intelligence Research 70.
    """
    import pandas as pd
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    methods = ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
    if method not in methods:
        raise InvalidInput(f"method must be one of {', '.join(methods)}, but it is {method!r}.")
    predictions = out_of_fold_predictions
    predictions.require_labels("suspicion")
    labels = predictions.labels
    # Rows of float32 add up to 1 only roughly, and cleanlab looks closely.
    sums = predictions.probabilities.astype(float)
    probabilities = sums / sums.sum(axis=1, keepdims=True)
    if len(predictions.class_names) < 2 or len(np.unique(labels)) < 2:
        raise InvalidInput("Labels can be disputed only where there are at least two classes.")
    quality = get_label_quality_scores(labels, probabilities, method=method)
    disputed = find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    places = np.arange(len(labels))
    others = probabilities.copy()
    others[places, labels] = -1
    suggested = others.argmax(axis=1)
    names = np.array(predictions.class_names, dtype=object)
    frame = pd.DataFrame(
        {
            "id": predictions.ids,
            "label": names[labels],
            "suggested": names[suggested],
            "p_label": probabilities[places, labels],
            "p_suggested": probabilities[places, suggested],
            "quality": quality,
            "disputed": disputed,
            "position": places,
        }
    )
    return frame.sort_values("quality", kind="stable", ignore_index=True)


def inspection_curve(suspects: pd.DataFrame, wrong_ids: Iterable[str]) -> pd.DataFrame:
    """Say how many of the wrong labels are found by looking at so many suspects.

    First met in lesson 06.

    Parameters
    ----------
    suspects : pandas.DataFrame
        As :func:`suspect_labels` gives it, the most suspect first.
    wrong_ids : iterable of str
        The ids whose labels are known to be wrong.

    Returns
    -------
    pandas.DataFrame
        One row for each number of suspects looked at: inspected, found, precision (found /
        inspected) and recall (found / all wrong ones).

    Raises
    ------
    InvalidInput
        If no id is given, or one of them is not among the suspects.
    """
    import pandas as pd

    wrong = set(wrong_ids)
    unknown = wrong.difference(suspects["id"])
    if not wrong:
        raise InvalidInput("No wrong label is known, so there is nothing to find.")
    if unknown:
        raise InvalidInput(
            f"{len(unknown)} of the {len(wrong)} wrong labels are not among the suspects, for "
            f"instance {min(unknown)!r}; take the predictions of the split that they lie in."
        )
    found = suspects["id"].isin(wrong).to_numpy().cumsum()
    inspected = np.arange(1, len(found) + 1)
    return pd.DataFrame(
        {
            "inspected": inspected,
            "found": found,
            "precision": found / inspected,
            "recall": found / len(wrong),
        }
    )
