"""When a network should say "I don't know": a threshold on its confidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from course_utils import validate
from course_utils.evaluation import Interval, Predictions, wilson_interval
from course_utils.exceptions import InvalidInput


@dataclass(frozen=True)
class Threshold:
    """A threshold on the confidence, and what it reached on the pictures that it was chosen on.

    Attributes
    ----------
    value : float
        A prediction with a confidence below it counts as "not sure".
    precision : float
        Share of the answered pictures whose answer is right.
    answered : int
        Number of pictures with an answer.
    count : int
        Number of pictures.
    """

    value: float
    precision: float
    answered: int
    count: int

    @property
    def coverage(self) -> float:
        """Share of the pictures that get an answer."""
        return self.answered / self.count

    @property
    def interval(self) -> Interval:
        """95 % interval of the precision."""
        return wilson_interval(round(self.precision * self.answered), self.answered)

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return (
            f"answer from {self.value:.3f} on: {self.answered} of {self.count} pictures "
            f"({self.coverage:.1%}) get an answer, and {self.precision:.1%} of these are right"
        )


def choose_threshold(predictions: Predictions, precision: float) -> Threshold:
    """Find the lowest threshold whose answers reach a precision.

    Choose it on the validation split, of calibrated predictions if the temperature is used later,
    too; the test split then shows what it is worth on other pictures.

    First met in lesson 09.

    Parameters
    ----------
    predictions : Predictions
        With known labels.
    precision : float
        Wanted share of right answers among the answered pictures, above 0 and at most 1.

    Returns
    -------
    Threshold
        Halfway between the lowest confidence that is answered and the next lower one, so that a
        rounding error does not change an answer. 0 if all pictures may be answered.

    Raises
    ------
    InvalidInput
        If the precision is no such share, labels are unknown, or no threshold reaches it.
    """
    wanted = validate.number_between("precision", precision, 0, 1, example=0.95, open_low=True)
    predictions.require_labels("threshold")
    order = np.argsort(-predictions.confidence, kind="stable")
    confidence = predictions.confidence[order].astype(np.float64)
    right = np.cumsum(predictions.correct[order])
    answered = np.arange(1, len(order) + 1)
    # Pictures of equal confidence are answered together: only the last of them ends a group.
    ends_group = np.append(confidence[1:] < confidence[:-1], True)
    reached = np.flatnonzero(ends_group & (right / answered >= wanted))
    if not len(reached):
        best = (right / answered)[ends_group].max()
        raise InvalidInput(
            f"No threshold reaches a precision of {wanted:g} on these {len(order)} pictures: the "
            f"best is {best:.3f}; ask for less, or train a better network."
        )
    last = int(reached[-1])
    is_lowest = last == len(order) - 1
    value = 0.0 if is_lowest else float((confidence[last] + confidence[last + 1]) / 2)
    return Threshold(value, float(right[last] / answered[last]), last + 1, len(order))
