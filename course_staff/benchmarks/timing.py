"""Helpers for the rows: measure ours and theirs in turn, as the speed of a machine changes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from course_staff.benchmarks import measured


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds that a call took, and its result."""
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result


def best_seconds(work: Callable[[], Any], times: int) -> float:
    """Return the seconds of the fastest of several calls."""
    return min(timed(work)[0] for _ in range(times))


def in_turn(
    ways: Mapping[str, Callable[[Any], Any]],
    rounds: int,
    warm_up: bool = True,
    prepare: Callable[[int], Any] = int,
) -> tuple[dict[str, list[float]], dict[str, list[Any]]]:
    """Call several functions in each of several rounds, in alternating order.

    Parameters
    ----------
    ways : mapping of str to callable
        Each gets the result of `prepare`.
    rounds : int
        Number of rounds that are measured.
    warm_up : bool
        Whether one round more, which is not measured, comes first; its number is -1.
    prepare : callable
        Called before each call, outside of the measured time, with the number of the round; by
        default returns this number.

    Returns
    -------
    seconds, results : dict
        For each name, one value per round.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    results: dict[str, list[Any]] = {name: [] for name in ways}
    for number in range(-1 if warm_up else 0, rounds):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            spent, result = timed(partial(ways[name], prepare(number)))
            if number >= 0:
                seconds[name].append(spent)
                results[name].append(result)
    return seconds, results


def medians(values: Mapping[str, list[float]]) -> list[float]:
    """Return the median of each list, in the order of the mapping."""
    return [statistics.median(each) for each in values.values()]


def images_per_second(batches: Callable[[int], Any], epochs: int) -> float:
    """Return the throughput of an input pipeline without a model.

    Parameters
    ----------
    batches : callable
        Given a number of epochs, returns an iterable of (images, labels). One epoch, which fills
        the caches, is not counted.
    epochs : int
        Number of epochs that are measured.
    """

    def count(epochs: int) -> int:
        return sum(len(labels) for _, labels in batches(epochs))

    count(1)
    seconds, number = timed(lambda: count(epochs))
    return number / seconds


def compare_pipelines(
    ours: Callable[[int], Any], theirs: Callable[[int], Any], least: float, quick: bool, note: str
) -> dict[str, Any]:
    """Measure the images per second of two pipelines.

    Parameters
    ----------
    ours, theirs : callable
        As for :func:`images_per_second`.
    least : float
        The ratio that is wanted.
    quick : bool
        Whether one round is enough.
    note : str
        One line for the table.
    """
    ways = {
        "ours": lambda _: images_per_second(ours, 3),
        "theirs": lambda _: images_per_second(theirs, 1),
    }
    _, rates = in_turn(ways, 1 if quick else 3, warm_up=False)
    fast, slow = medians(rates)
    wanted = f"ratio at least {least:g}"
    return measured(fast, slow, "images/s", wanted, fast / slow >= least, note, rates=rates)
