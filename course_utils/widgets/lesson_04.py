"""The ball in the loss valley: gradient descent with a learning rate and momentum."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from course_utils import plots
from course_utils.widgets.page import Widget, figure_address, still_image

#: A valley has the loss Σ curvature / 2 · weight², so with a learning rate above
#: 2 / (largest curvature) gradient descent diverges: here above 1 in both of them.
VALLEYS: tuple[dict[str, Any], ...] = (
    {"name": "one weight: loss = w²", "curvatures": [2.0], "start": [-2.0]},
    {
        "name": "two weights: a long, narrow valley",
        "curvatures": [0.1, 2.0],
        "start": [-9.0, 1.5],
    },
)

#: The loss below which a training in a valley has reached its goal.
GOAL = 0.01

_STILL_RATES = (0.02, 0.3, 0.95, 1.1)
_STILL_STEPS = 8


def loss_valley() -> Widget:
    """Return a ball that rolls down a loss valley, step by step.

    First met in lesson 04. Its reader sets the learning rate and the momentum, takes single steps
    or many, and sees the weights and the loss after each: in a valley of one weight, or of two
    weights with very different curvatures.

    Returns
    -------
    Widget
    """
    valley = VALLEYS[0]
    paths = {
        f"learning rate {rate}": descent(
            valley["curvatures"], valley["start"], rate, 0.0, _STILL_STEPS
        )[:, 0].tolist()
        for rate in _STILL_RATES
    }
    alt = (
        "Gradient descent in the valley loss = w², from w = −2: with the learning rate 0.02 the "
        "ball creeps, with 0.3 it arrives, with 0.95 it jumps from side to side, with 1.1 each "
        "jump ends higher than the one before."
    )
    still = still_image(figure_address(plots.descent(paths, size=2.2), dpi=70), alt)
    summary = "The ball in the loss valley: gradient descent with a learning rate and momentum."
    return Widget("loss_valley", {"valleys": list(VALLEYS), "goal": GOAL}, still, summary)


def descent(
    curvatures: list[float],
    start: list[float],
    learning_rate: float,
    momentum: float,
    steps: int,
) -> NDArray[np.float64]:
    """Return the weights after each step of gradient descent in a valley.

    The steps are those of ``keras.optimizers.SGD``: velocity ← momentum · velocity − learning rate
    · gradient, weight ← weight + velocity.

    Parameters
    ----------
    curvatures, start : list of float
        Of each weight.
    learning_rate, momentum : float
    steps : int

    Returns
    -------
    array (steps + 1, weights) of float64
        The start comes first.
    """
    path = [np.array(start, dtype=float)]
    velocity = np.zeros(len(start))
    for _ in range(steps):
        velocity = momentum * velocity - learning_rate * np.array(curvatures) * path[-1]
        path.append(path[-1] + velocity)
    return np.array(path)
