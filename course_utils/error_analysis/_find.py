"""Select predictions and labels for inspection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.validate import choice, nearest, whole_number

if TYPE_CHECKING:
    import pandas as pd

    from course_utils.evaluation import Predictions


def worst_predictions(
    predictions: Predictions, true_class: str | int | None = None, limit: int | None = 10
) -> Predictions:
    """Return the wrong predictions with the largest loss, the worst first.

    They are sorted by the probability of the true class, lowest first, which is by the
    cross-entropy ``-log p(true class)``, largest first.

    First met in lesson 06.

    Parameters
    ----------
    predictions : Predictions
    true_class : str or int, optional
        Only images of this class, given by its name or index.
    limit : int, optional
        Largest number of predictions; None for all.

    Returns
    -------
    Predictions
        Wrong predictions only, so possibly none.

    Raises
    ------
    InvalidInput
        If labels are unknown, the class does not exist, or `limit` is below 1.
    """
    if limit is not None:
        limit = whole_number("limit", limit, 1, example=10)
    chosen = ~predictions.correct
    if true_class is not None:
        chosen &= predictions.labels == _class_index(predictions.class_names, true_class)
    positions = np.flatnonzero(chosen)
    p_true = predictions.probabilities[positions, predictions.labels[positions]]
    return predictions.select(positions[np.argsort(p_true, kind="stable")][:limit])


def confused_pairs(predictions: Predictions) -> pd.DataFrame:
    """List the pairs of confused classes, the most frequent first.

    These are the entries of the confusion matrix off its diagonal. First met in lesson 06.

    Parameters
    ----------
    predictions : Predictions

    Returns
    -------
    pandas.DataFrame
        Columns true, predicted, images (their number), share (of the images of the true class,
        0-1) and confidence (mean over these wrong predictions, 0-1). Pairs without images are left
        out.

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
    pairs["share"] = pairs["images"] / pairs["true"].map(dict(zip(names, sizes, strict=True)))
    pairs = pairs.sort_values(
        ["images", "confidence"], ascending=False, kind="stable", ignore_index=True
    )
    return pairs[["true", "predicted", "images", "share", "confidence"]]


def suspect_labels(
    out_of_fold_predictions: Predictions, method: str = "self_confidence"
) -> pd.DataFrame:
    """Rank labels by out-of-fold disagreement (confident learning).

    The predictions must come from models that were not trained on the images they predict, as
    ``evaluation.out_of_fold`` returns them: a network also learns the wrong labels of its training
    images and then agrees with them.

    The ranking and the decision are those of cleanlab. A label is *disputed* where confident
    learning finds an error: the probability of another class is at least the average probability of
    that class over the images that are labeled with it.

    First met in lesson 06.

    Parameters
    ----------
    out_of_fold_predictions : Predictions
        With known labels.
    method : {"self_confidence", "normalized_margin", "confidence_weighted_entropy"}
        Measure of the quality of a label; "self_confidence" is the probability of the label.

    Returns
    -------
    pandas.DataFrame
        One row for each image, the most suspect first: id, label, suggested (the most probable
        other class), p_label and p_suggested (0-1), quality (0-1, low is bad), disputed (bool), and
        position (index in the predictions).

    Raises
    ------
    InvalidInput
        If labels are unknown, there are fewer than two classes, or `method` is none of these.

    References
    ----------
    Northcutt, Jiang and Chuang (2021), Confident Learning: Estimating Uncertainty in Dataset
    Labels, Journal of Artificial Intelligence Research 70.
    """
    import pandas as pd
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    method = choice(
        "method", method, ("self_confidence", "normalized_margin", "confidence_weighted_entropy")
    )
    predictions = out_of_fold_predictions
    predictions.require_labels("ranking of labels")
    labels = predictions.labels
    # cleanlab needs rows that add up to 1 in float64; rows of float32 do so only approximately.
    probabilities = predictions.probabilities.astype(float)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    if len(predictions.class_names) < 2 or len(np.unique(labels)) < 2:
        raise InvalidInput("Labels can be disputed only where there are at least two classes.")
    quality = get_label_quality_scores(labels, probabilities, method=method)
    disputed = find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    positions = np.arange(len(labels))
    others = probabilities.copy()
    others[positions, labels] = -1
    suggested = others.argmax(axis=1)
    names = np.array(predictions.class_names, dtype=object)
    frame = pd.DataFrame(
        {
            "id": predictions.ids,
            "label": names[labels],
            "suggested": names[suggested],
            "p_label": probabilities[positions, labels],
            "p_suggested": probabilities[positions, suggested],
            "quality": quality,
            "disputed": disputed,
            "position": positions,
        }
    )
    return frame.sort_values("quality", kind="stable", ignore_index=True)


def inspection_curve(suspects: pd.DataFrame, wrong_ids: Iterable[str]) -> pd.DataFrame:
    """Compute how many of the wrong labels an inspection of the first suspects finds.

    First met in lesson 06.

    Parameters
    ----------
    suspects : pandas.DataFrame
        As :func:`suspect_labels` returns it, the most suspect first.
    wrong_ids : iterable of str
        The ids of the images whose labels are known to be wrong.

    Returns
    -------
    pandas.DataFrame
        One row for each number of inspected suspects: inspected, found, precision (found /
        inspected) and recall (found / all wrong labels).

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
            f"instance {min(unknown)!r}; use the predictions of the split that contains them."
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


def _class_index(class_names: tuple[str, ...], wanted: str | int) -> int:
    """Return the index of a class that is given by its name or index."""
    if isinstance(wanted, str):
        if wanted in class_names:
            return class_names.index(wanted)
        raise InvalidInput(
            f"There is no class {wanted!r} among {', '.join(class_names)}"
            f"{nearest(wanted, class_names)}."
        )
    return whole_number("true_class", wanted, 0, len(class_names) - 1)
