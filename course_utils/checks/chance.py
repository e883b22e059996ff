"""Tests of randomness, with bounds that random choices practically never cross.

A check of random choices must not depend on luck, for a right answer or for a wrong one. Random
choices cross each bound with a probability of about 1e-11, so all tests of a question together
reject fewer than one right answer in a million. Choices that are known to be wrong (neighbors that
stay together, the same choice for other seeds) always cross it, if a question asks for enough of
them: about 400 items of which a tenth is chosen, for 16 seeds.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

_ERROR = 1e-11


def spread(variance: float) -> float:
    """Return how far a count may be from its expectation, by Bernstein's inequality.

    Parameters
    ----------
    variance : float
        The variance of the count: n p (1 - p) for n coins, about the expected number itself for
        rare events.

    Returns
    -------
    float
    """
    log = math.log(2 / _ERROR)
    return log / 3 + math.sqrt((log / 3) ** 2 + 2 * variance * log)


def too_regular(chosen: np.ndarray, total: int) -> bool:
    """Whether chosen places are at one distance from each other more often than by chance.

    This happens if neighbors stay together, whole blocks are chosen, or every tenth item is.

    Parameters
    ----------
    chosen : array of int
        The chosen places, from 0 to `total` - 1.
    total : int
        The number of places.
    """
    return too_regular_in_all([chosen], total)


def too_regular_in_all(draws: Sequence[np.ndarray], total: int) -> bool:
    """Whether chosen places are at one distance more often than by chance, over all draws.

    It detects what a single draw does not show: pairs of neighbors that always come together.

    Parameters
    ----------
    draws : sequence of array of int
        For each seed the places that were chosen, from 0 to `total` - 1.
    total : int
        The number of places.
    """
    times, expected = np.zeros(total), 0.0
    for chosen in draws:
        apart = (chosen[:, None] - chosen[None, :]) % total
        times += np.bincount(apart[apart > 0], minlength=total)  # each pair for d and total - d
        expected += len(chosen) * (len(chosen) - 1) / (total - 1)
    if total % 2 == 0:
        times[total // 2] /= 2  # where d is total - d, each pair has counted twice
    return bool(times.max() > expected + spread(expected))


def too_alike(draws: Sequence[Sequence[np.ndarray]], total: int) -> bool:
    """Whether two draws have more in common than by chance.

    Parameters
    ----------
    draws : sequence of sequence of array of int
        For each seed the places that were chosen, for each split.
    total : int
        The number of places.
    """
    for one, other in combinations(draws, 2):
        for first in one:
            for second in other:
                expected = len(first) * len(second) / total
                if len(np.intersect1d(first, second)) > expected + spread(expected):
                    return True
    return False


def uneven(draws: Sequence[np.ndarray], total: int, regions: int = 4) -> bool:
    """Whether some regions are chosen more often than others, over all draws.

    Parameters
    ----------
    draws : sequence of array of int
        For each seed the places that were chosen.
    total : int
        The number of places.
    regions : int
        The number of equal regions into which the places are divided.
    """
    places = np.concatenate(draws)
    times = np.bincount(places * regions // total, minlength=regions)
    expected = len(places) / regions
    return bool(np.abs(times - expected).max() > spread(expected))


def follows(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two orders of the same items are equal, reversed, or rotated.

    Parameters
    ----------
    one, other : array of int
        A permutation: the item at each place.
    """
    first, second = np.argsort(one), np.argsort(other)
    most = 1 + spread(1.0)
    return any(np.bincount((first + sign * second) % len(one)).max() > most for sign in (1, -1))


def near(order: np.ndarray) -> bool:
    """Whether consecutive items have stayed closer together than by chance.

    Parameters
    ----------
    order : array of int
        A permutation: the item at each place.
    """
    total = len(order)
    places = np.argsort(order)
    together = int((np.abs(np.diff(places)) <= total // 10).sum())
    expected = 0.19 * total  # 1 - 0.9 * 0.9: within a tenth of all places, before or after
    return together > expected + spread(expected)


def in_runs(order: np.ndarray) -> bool:
    """Whether items follow each other at one distance more often than in a random order.

    Parameters
    ----------
    order : array of int
        A permutation: the item at each place.
    """
    steps = np.diff(order)
    times = np.bincount(steps - steps.min())
    return bool(times.max() > 1 + spread(1.0))
