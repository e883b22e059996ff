"""What exercise 07 asks, and how its answers are judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.checks import compare
from course_utils.checks._question import Exercise, IncorrectAnswer, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import Ref, StudentError, StudentWork, StudentWorkError

Array = np.ndarray

# --- 07.1: filters as pictures -----------------------------------------------------------------


def _pictures(weights: Array, axes: tuple[int, ...] | None = (1, 2, 3)) -> Array:
    return _stretch_filters(np.moveaxis(np.asarray(weights), 3, 0), axes)


def _stretch_filters(filters: Array, axes: tuple[int, ...] | None = (1, 2, 3)) -> Array:
    largest = np.abs(filters).max(axis=axes, keepdims=True)
    return np.asarray(0.5 + filters / np.where(largest == 0, 1, largest) / 2)


def _between(weights: Array, axes: tuple[int, ...] | None) -> Array:
    filters = np.moveaxis(weights, 3, 0)
    low = filters.min(axis=axes, keepdims=True)
    spread = filters.max(axis=axes, keepdims=True) - low
    return np.asarray((filters - low) / np.where(spread == 0, 1, spread))


def _without_sign(weights: Array) -> Array:
    filters = np.moveaxis(weights, 3, 0)
    largest = filters.max(axis=(1, 2, 3), keepdims=True)
    return np.asarray(0.5 + filters / np.where(largest == 0, 1, largest) / 2)


def _filters_first(weights: Array) -> tuple[int, ...]:
    return (weights.shape[3], *weights.shape[:3])


_FILTER_MISTAKES = [
    Mistake(
        "reshaped",
        lambda w: _stretch_filters(w.reshape(_filters_first(w))),
        lambda w: _stretch_filters(w.reshape(_filters_first(w), order="F")),
        lambda w: np.moveaxis(_pictures(w), 0, 3).reshape(_filters_first(w)),
    ),
    Mistake("all axes turned", lambda w: _pictures(w).transpose(0, 3, 2, 1)),
    Mistake(
        "first and last axis exchanged",
        lambda w: np.swapaxes(np.moveaxis(_pictures(w), 0, 3), 0, 3),
    ),
    Mistake("colors reversed", lambda w: _pictures(w)[..., ::-1]),
    Mistake("signs exchanged", lambda w: 1 - _pictures(w)),
    Mistake("0 to 255", lambda w: 255 * _pictures(w)),
    Mistake("clipped", lambda w: np.clip(_without_sign(w), 0, 1)),
    Mistake("filters stretched together", lambda w: _pictures(w, None)),
    Mistake("channels stretched apart", lambda w: _pictures(w, (1, 2))),
    Mistake("zero is not gray: you stretch from", lambda w: _between(w, (1, 2, 3))),
    Mistake("zero is not gray: you stretch from the", lambda w: _between(w, None)),
    Mistake("sign forgotten", _without_sign),
    Mistake("not shifted to gray", lambda w: 2 * _pictures(w) - 1),
    Mistake("sign lost", lambda w: 0.5 + np.abs(_pictures(w) - 0.5)),
    Mistake("axes not moved", lambda w: np.moveaxis(_pictures(w), 0, 3)),
    Mistake("height and width exchanged", lambda w: np.swapaxes(_pictures(w), 1, 2)),
]


def _filters(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    weights = rng.normal(0, 1, shape) * rng.uniform(0.2, 3, shape[3])
    # In some filters the largest weight is positive, in others negative.
    weights[0, 0, 0, 0] = 1.5 * np.abs(weights[..., 0]).max()
    weights[1, 0, 1, 1] = -1.5 * np.abs(weights[..., 1]).max()
    return np.asarray(weights)


def _stretched_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case((_filters(rng, shape),), f"weights of shape {shape}")
        for shape in [(3, 3, 3, 4), (2, 5, 3, 6), (7, 4, 3, 32)]
    ]


def _stretched(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _stretched_cases(rng)
    compare.function(subject, "filters_as_pictures", cases, _pictures, _FILTER_MISTAKES)
    compare.leaves_arguments(subject, "filters_as_pictures", cases[:1])


def _sum_is_zero(weights: Array) -> Array:
    """Filters whose weights cancel taken for filters of zeros."""
    pictures = _pictures(weights)
    pictures[np.abs(weights.sum(axis=(0, 1, 2))) < 1e-6] = 0.5
    return pictures


def _small_is_zero(weights: Array) -> Array:
    pictures = _pictures(weights)
    pictures[np.abs(weights).max(axis=(0, 1, 2)) < 1e-3] = 0.5
    return pictures


_ZERO_MISTAKES = [
    Mistake("weights that cancel", _sum_is_zero),
    Mistake("small weights taken for zero", _small_is_zero),
]


def _all_zero(subject: StudentWork, rng: np.random.Generator) -> None:
    # A mistake that has cost the other part costs nothing more.
    first = _stretched_cases(rng)
    told = compare.made(subject, "filters_as_pictures", first, _pictures, _FILTER_MISTAKES)
    right = told.answer if told else _pictures
    weights = _filters(rng, (3, 3, 3, 5))
    weights[..., 2] = 0
    weights[..., 3] *= 9e-4 / np.abs(weights[..., 3]).max()  # small, but not zero
    edge = weights[..., 4] * 0
    edge[0], edge[2] = 0.75, -0.75  # zero only in its sum
    weights[..., 4] = edge
    cases = [Case((weights,), "weights with a filter that is zero everywhere, and a small one")]
    compare.function(
        subject,
        "filters_as_pictures",
        cases,
        right,
        _ZERO_MISTAKES,
        rtol=1e-3,  # so that a tiny number may be added to what is divided by,
    )


# --- 07.2: the formula -------------------------------------------------------------------------


def _heat(maps: Array, gradients: Array) -> Array:
    return np.asarray(np.maximum((maps * gradients.mean(axis=(0, 1))).sum(axis=2), 0))


def _sum(maps: Array, gradients: Array) -> Array:
    return np.asarray((maps * gradients.mean(axis=(0, 1))).sum(axis=2))


def _not_zero(number: Any) -> Array:
    """What one may divide by: 1 in place of 0."""
    return np.where(np.equal(number, 0), 1.0, number)


def _stretch(heat: Array) -> Array:
    return np.asarray((heat - heat.min()) / _not_zero(heat.max() - heat.min()))


_WEIGHT_MISTAKES = [
    Mistake("sum instead of mean: you add the", lambda g: g.sum(axis=(0, 1))),
    Mistake("averaged over the maps", lambda g: g.mean(axis=2)),
    Mistake("guided: you leave negative", lambda g: np.maximum(g, 0).mean(axis=(0, 1))),
    Mistake("one weight for all maps", lambda g: g.mean()),
    Mistake("largest instead of mean", lambda g: g.max(axis=(0, 1))),
    Mistake("sign lost: the weights keep", lambda g: np.abs(g.mean(axis=(0, 1)))),
    Mistake("reshaped", lambda g: g.reshape(g.shape[2], -1).mean(axis=1)),
    Mistake("averaged over one axis", lambda g: g.mean(axis=0)),
]

_HEAT_MISTAKES = [
    Mistake("ReLU missing", _sum),
    Mistake("normalized too early: you stretch the", lambda m, g: _stretch(_sum(m, g))),
    Mistake(
        "normalized too early: you stretch each",
        lambda m, g: _heat(m / _not_zero(m.max(axis=(0, 1))), g),
    ),
    Mistake("normalized", lambda m, g: _heat(m, g) / _not_zero(_heat(m, g).max())),
    Mistake("weights not averaged", lambda m, g: np.maximum((m * g).sum(axis=2), 0)),
    Mistake("ReLU too early", lambda m, g: np.maximum(m * g.mean(axis=(0, 1)), 0).sum(axis=2)),
    Mistake("guided: you leave negative gradients", lambda m, g: _heat(m, np.maximum(g, 0))),
    Mistake("sign lost: you take the", lambda m, g: np.abs(_sum(m, g))),
    Mistake("mean instead of sum", lambda m, g: _heat(m, g) / m.shape[2]),
    Mistake(
        "sum instead of mean: the weights are", lambda m, g: _heat(m, g) * g.shape[0] * g.shape[1]
    ),
    Mistake("negative maps cut off", lambda m, g: _heat(np.maximum(m, 0), g)),
    Mistake("maps and gradients exchanged", lambda m, g: _heat(g, m)),
    Mistake("height and width exchanged", lambda m, g: _heat(m, g).T),
    Mistake("shifted", lambda m, g: _sum(m, g) - min(float(_sum(m, g).min()), 0.0)),
    Mistake(
        "negative weights left out",
        lambda m, g: np.maximum((m * np.maximum(g.mean(axis=(0, 1)), 0)).sum(axis=2), 0),
    ),
    Mistake("maps not weighted: you add the", lambda m, g: np.maximum(m.sum(axis=2), 0)),
    Mistake("maps not weighted: you add the maps", lambda m, g: m.sum(axis=2)),
]


def _maps_and_gradients(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Feature maps after ReLU, and gradients of both signs in and between the maps."""
    maps = np.maximum(rng.normal(0.5, 1.5, shape), 0) * rng.uniform(0.5, 2, shape[2])
    means = np.resize([0.6, -0.5, 0.3], shape[2]) * rng.uniform(0.5, 1.5, shape[2])
    return maps, rng.normal(means, 1, shape)


def _shapes(rng: np.random.Generator) -> list[tuple[Array, Array, str]]:
    shapes = [(4, 4, 3), (5, 7, 6), (9, 3, 8), (6, 5, 40)]
    given = [(*_maps_and_gradients(rng, shape), f"maps of shape {shape}") for shape in shapes]
    maps, gradients, _ = given[-1]
    return [*given, (maps - 1, gradients, "maps that hold negative numbers")]


def _weights(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = [Case((gradients,), label) for _, gradients, label in _shapes(rng)[:4]]
    compare.function(subject, "map_weights", cases, _mean, _WEIGHT_MISTAKES)
    compare.leaves_arguments(subject, "map_weights", cases[:1])


def _mean(gradients: Array) -> Array:
    return np.asarray(gradients.mean(axis=(0, 1)))


def _heat_from(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = [Case((maps, gradients), label) for maps, gradients, label in _shapes(rng)]

    try:
        compare.function(subject, "heat_from", cases, _heat, _HEAT_MISTAKES)
    except (IncorrectAnswer, StudentError):
        # Wrong weights have cost their own part; what is right with them costs nothing more.
        if not _right_for_own_weights(subject, cases):
            raise
    compare.leaves_arguments(subject, "heat_from", cases[:1])


def _right_for_own_weights(subject: StudentWork, cases: list[Case]) -> bool:
    """Whether the student's `map_weights` is wrong, and `heat_from` right for what it gives."""
    wrong = False
    for case in cases:
        maps, gradients = case.args
        try:
            own = np.asarray(subject.call("map_weights", gradients), float)
            got = subject.call("heat_from", maps, gradients)
            want = np.maximum((maps * own).sum(axis=2), 0)
        except (StudentWorkError, TypeError, ValueError):
            return False
        if not compare.close(got, want, rtol=1e-4, atol=1e-5):
            return False
        wrong |= not compare.close(own, _mean(gradients), rtol=1e-4, atol=1e-5)
    return wrong


# --- 07.3: with a tape -------------------------------------------------------------------------

#: The shape of one picture for the notebook's `build_inner`.
_INNER = (12, 12, 3)


def _parts(
    weights: list[Array], pictures: Array, classes: Array, of: str = "logit"
) -> tuple[Array, Array]:
    """Feature maps and gradients of the classes' logits, probabilities or their sum."""
    kernel, bias, first, first_bias, last, last_bias = (w.astype(float) for w in weights)
    x = pictures.astype(float) / 255
    height, width = (x.shape[1] - 1) // 2, (x.shape[2] - 1) // 2
    maps = np.zeros((len(x), height, width, kernel.shape[3])) + bias
    for row in range(3):
        for column in range(3):
            part = x[:, row : row + 2 * height - 1 : 2, column : column + 2 * width - 1 : 2]
            maps += part @ kernel[row, column]
    maps = np.maximum(maps, 0)
    before = maps.reshape(len(x), -1) @ first + first_bias
    logits = np.maximum(before, 0) @ last + last_bias
    one_hot = np.eye(last.shape[1])[classes]
    if of == "probability":
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        one_hot = p * one_hot - p * (p * one_hot).sum(axis=1, keepdims=True)
    elif of == "predicted":
        one_hot = np.eye(last.shape[1])[logits.argmax(axis=1)]
    elif of == "log probability":
        p = np.exp(logits - logits.max(axis=1, keepdims=True))
        one_hot = one_hot - p / p.sum(axis=1, keepdims=True)
    elif of == "all":
        one_hot = np.ones_like(one_hot)
    elif of == "rows":
        one_hot = np.ones_like(one_hot) * np.bincount(classes, minlength=len(x))[: len(x), None]
    elif of == "all that are asked":
        one_hot = np.tile(one_hot.sum(axis=0), (len(classes), 1))
    gradients = ((one_hot @ last.T) * (before > 0)) @ first.T
    return maps, gradients.reshape(maps.shape)


def _all(formula: Callable[[Array, Array], Array], maps: Array, gradients: Array) -> Array:
    return np.stack([formula(m, g) for m, g in zip(maps, gradients, strict=True)])


def _over_first_axes(maps: Array, gradients: Array) -> Array:
    weights = gradients.mean(axis=(0, 1), keepdims=True)
    return np.asarray(np.maximum((maps * weights).sum(axis=3), 0))


def _tape_mistakes(weights: list[Array]) -> list[Mistake]:
    def answer(formula: Callable[[Array, Array], Array], of: str = "logit") -> Any:
        return lambda _, pictures, classes: _all(formula, *_parts(weights, pictures, classes, of))

    def over_batch(_: Any, pictures: Array, classes: Array) -> Array:
        maps, gradients = _parts(weights, pictures, classes)
        return np.asarray(np.maximum((maps * gradients.mean(axis=(0, 1, 2))).sum(axis=3), 0))

    def first_class(_: Any, pictures: Array, classes: Array) -> Array:
        return _all(_heat, *_parts(weights, pictures, np.full(len(classes), classes[0])))

    def twice(_: Any, pictures: Array, classes: Array) -> Array:
        return _all(_heat, *_parts(weights, pictures / 255, classes))

    def first_weights(_: Any, pictures: Array, classes: Array) -> Array:
        maps, gradients = _parts(weights, pictures, classes)
        return np.asarray(np.maximum((maps * gradients[0].mean(axis=(0, 1))).sum(axis=3), 0))

    def mean_score(_: Any, pictures: Array, classes: Array) -> Array:
        return _all(_heat, *_parts(weights, pictures, classes)) / len(classes)

    def by_class(_: Any, pictures: Array, classes: Array) -> Array:
        order = np.argsort(classes, kind="stable")
        return _all(_heat, *_parts(weights, pictures, classes))[order]

    return [
        Mistake("all asked classes at once", answer(_heat, "all that are asked")),
        Mistake("logarithm of the probability", answer(_heat, "log probability")),
        Mistake("mean of the scores", mean_score),
        Mistake("weights of the first picture", first_weights),
        Mistake("rows gathered", answer(_heat, "rows")),
        Mistake(
            "averaged over other axes",
            lambda _, pictures, classes: _over_first_axes(*_parts(weights, pictures, classes)),
        ),
        Mistake(
            "last axis kept",
            lambda _, pictures, classes: _all(_heat, *_parts(weights, pictures, classes))[
                ..., None
            ],
        ),
        Mistake("order of the pictures lost", by_class),
        Mistake("probability instead of logit", answer(_heat, "probability")),
        Mistake("always the predicted class", answer(_heat, "predicted")),
        Mistake("all classes at once", answer(_heat, "all")),
        Mistake("class of the first picture", first_class),
        Mistake("averaged over the batch", over_batch),
        Mistake("rescaled twice", twice),
        *(Mistake(one.key, answer(one.answer)) for one in _HEAT_MISTAKES),
    ]


def _telling_weights(
    rng: np.random.Generator, given: list[tuple[Array, Array]], classes: int
) -> list[Array]:
    """Weights for which each picture has places that speak for its class, and some against it."""
    weights: list[Array] = []
    for _ in range(5000):
        per_map = rng.normal(0, 0.6, (4, 8))
        weights = [
            rng.normal(0, 0.3, (3, 3, 3, 4)),
            rng.normal(0, 0.3, 4),
            rng.normal(0, 0.3, (100, 8)) + np.tile(per_map, (25, 1)),
            rng.normal(0, 0.3, 8),
            rng.normal(0, 0.5, (8, classes)),
            rng.normal(0, 0.3, classes),
        ]
        sums = np.concatenate([_all(_sum, *_parts(weights, *one)) for one in given])
        telling = sums.max(axis=(1, 2)).min() > 0.1 and sums.min(axis=(1, 2)).max() < -0.1
        if telling and all(_mistakes_differ(weights, *one) for one in given):
            break
    return [weight.astype("float32") for weight in weights]


def _mistakes_differ(weights: list[Array], pictures: Array, classes: Array) -> bool:
    """Whether other weights and classes of pictures can be told apart, where there are several."""
    if len(pictures) == 1:
        return True
    of_first = _parts(weights, pictures, np.full(len(classes), classes[0]))[1].mean(axis=(1, 2))
    of_predicted = _parts(weights, pictures, classes, "predicted")[1].mean(axis=(1, 2))
    same_class = np.abs(of_first - of_predicted).max() < 0.01
    return not same_class and bool(np.ptp(of_first, axis=0).max() > 0.01)


_PICTURES = ("picture", "pictures")


@dataclass
class _Asked:
    """A network with telling weights, and what `grad_cam` is asked about it."""

    cases: list[Case]
    right: Callable[..., Array]
    mistakes: list[Mistake]


def _network(
    subject: StudentWork, rng: np.random.Generator, counts: tuple[int, ...], classes: int
) -> _Asked:
    ref = subject.call("build_inner", classes)
    if not isinstance(ref, Ref) or subject.kind(ref) != "model":
        raise wrong("other: build_inner is not")
    given = [
        (
            rng.uniform(0, 255, (number, *_INNER)).astype("float32"),
            np.resize(rng.permutation(classes), number),
        )
        for number in counts
    ]
    weights = _telling_weights(rng, given, classes)
    subject.model_set_weights(ref, _INNER, weights)
    return _Asked(
        [
            Case((ref, *one), f"{len(one[1])} {_PICTURES[len(one[1]) > 1]} of {classes} classes")
            for one in given
        ],
        lambda _, pictures, classes: _all(_heat, *_parts(weights, pictures, classes)),
        _tape_mistakes(weights),
    )


_CLOSE = {"rtol": 2e-3, "atol": 1e-4}


def _judge_heat(subject: StudentWork, asked: _Asked, right: Callable[..., Array]) -> None:
    try:
        compare.function(subject, "grad_cam", asked.cases, right, asked.mistakes, **_CLOSE)
    except IncorrectAnswer as wrong:
        if wrong.mistake != "nothing returned":
            raise
        raise IncorrectAnswer(
            f"`grad_cam` returns None. Either it does not end with `return`, or it returns a "
            f"gradient that is None. {_INSIDE}",
            wrong.mistake,
        ) from None
    except StudentError as error:
        if "valid indices" in error.message:
            raise wrong("indexed with an array", line=error.line) from None
        shapes = re.search(r"ncompatible shapes: (\[[\d,]*\]) vs\. (\[[\d,]*\])", error.message)
        if shapes:
            raise wrong(
                "shapes do not fit", line=error.line, value=shapes[1], value2=shapes[2]
            ) from None
        if not re.search(r"\bNone(Type)?\b|'_id'", error.message):
            raise
        raise wrong("score outside the tape", line=error.line) from None


_INSIDE = (
    "Compute the feature maps and the score **inside** `with tf.GradientTape() as tape:`, with "
    "TensorFlow's functions, not NumPy's: what happens elsewhere has no gradient. And ask for the "
    "gradient with respect to the feature maps that `inner` gave there."
)


def _several(subject: StudentWork, rng: np.random.Generator) -> None:
    for counts, classes in (((6, 3), 3), ((8,), 5)):
        asked = _network(subject, rng, counts, classes)
        _judge_heat(subject, asked, asked.right)
        compare.leaves_arguments(subject, "grad_cam", asked.cases[:1])


def _single(subject: StudentWork, rng: np.random.Generator) -> None:
    # A mistake that has cost the other part costs nothing more.
    first = _network(subject, rng, (6, 3), 3)
    told = compare.made(subject, "grad_cam", first.cases, first.right, first.mistakes, **_CLOSE)
    asked = _network(subject, rng, (1, 1, 1), 3)
    right = asked.mistakes[first.mistakes.index(told)].answer if told else asked.right
    _judge_heat(subject, asked, right)


# --- 07.4: the pointing game -------------------------------------------------------------------


def _peaks(maps: Array) -> tuple[Array, Array]:
    flat = maps.reshape(len(maps), -1).argmax(axis=1)
    return flat // maps.shape[2], flat % maps.shape[2]


def _hits(maps: Array, boxes: Array) -> Array:
    y, x = _peaks(maps)
    x0, y0, x1, y1 = boxes.T
    inside = (x0 <= x) & (x < x1) & (y0 <= y) & (y < y1)
    return np.asarray(inside & (maps.max(axis=(1, 2)) > 0))


def _share(maps: Array, boxes: Array) -> float:
    return float(_hits(maps, boxes).mean())


def _closed(maps: Array, boxes: Array) -> float:
    return _share(maps, boxes + np.array([0, 0, 1, 1]))


def _flat_hits(maps: Array, boxes: Array) -> float:
    shifted = maps - maps.min() + 1  # now none of them is zero
    return _share(shifted, boxes)


def _energy(maps: Array, boxes: Array) -> float:
    rows = np.arange(maps.shape[1])[None, :, None]
    columns = np.arange(maps.shape[2])[None, None, :]
    x0, y0, x1, y1 = (side[:, None, None] for side in boxes.T)
    inside = (x0 <= columns) & (columns < x1) & (y0 <= rows) & (rows < y1)
    sums = maps.sum(axis=(1, 2))
    return float(((maps * inside).sum(axis=(1, 2)) / np.where(sums > 0, sums, 1)).mean())


_EMPTY_MISTAKES = [
    Mistake("empty map counted", _flat_hits),
    Mistake(
        "empty maps left out",
        lambda m, b: float(_hits(m, b).sum() / max(1, (m.max(axis=(1, 2)) > 0).sum())),
    ),
]

_POINTING_MISTAKES = [
    Mistake("x and y exchanged", lambda m, b: _share(m, b[:, [1, 0, 3, 2]])),
    Mistake("end of the box included", _closed),
    Mistake("beginning of the box left out", lambda m, b: _share(m, b + np.array([1, 1, 0, 0]))),
    Mistake(
        "end taken for size",
        lambda m, b: _share(m, np.concatenate([b[:, :2], b[:, :2] + b[:, 2:]], axis=1)),
    ),
    Mistake(
        "only the columns",
        lambda m, b: _share(m, np.stack([b[:, 0], 0 * b[:, 1], b[:, 2], b[:, 3] * 0 + 99], 1)),
    ),
    Mistake(
        "nearly the hottest",
        lambda m, b: float(
            np.mean(
                [
                    one[y0:y1, x0:x1].max() >= 0.9 * one.max() > 0
                    for one, (x0, y0, x1, y1) in zip(m, b, strict=True)
                ]
            )
        ),
    ),
    Mistake(
        "weak maps missed", lambda m, b: float((_hits(m, b) & (m.max(axis=(1, 2)) > 0.01)).mean())
    ),
    Mistake(
        "one scale for all maps",
        lambda m, b: float((_hits(m, b) & (m.max(axis=(1, 2)) == m.max())).mean()),
    ),
    Mistake("share of the heat", _energy),
    Mistake("number instead of share", lambda m, b: float(_hits(m, b).sum())),
    Mistake("percent", lambda m, b: 100 * float(_hits(m, b).mean())),
    Mistake("misses counted", lambda m, b: 1 - _share(m, b)),
    Mistake("coldest pixel", lambda m, b: _share(m.max() + 1 - m, b)),
    Mistake("each map for itself", lambda m, b: _hits(m, b).astype(float)),
]


def _maps_with_peaks(rng: np.random.Generator, number: int) -> tuple[Array, Array]:
    """Maps whose peaks lie inside, outside, on the first and just behind the last row or column."""
    height, width = 9, 13
    maps = rng.uniform(0, 1, (number, height, width))
    boxes = np.zeros((number, 4), int)
    for k in range(number):
        x0, y0 = rng.integers(0, width - 5), rng.integers(0, height - 5)
        x1, y1 = x0 + rng.integers(2, 5), y0 + rng.integers(2, 5)
        boxes[k] = x0, y0, x1, y1
        places: list[tuple[Any, Any]] = [
            (x0, y0),
            (x1 - 1, y1 - 1),
            (x1, y0),
            (x0, y1),
            (rng.integers(x0, x1), rng.integers(y0, y1)),
            (width - 1, height - 1),
            (x0 - 1 if x0 else x1, y0),
            (x0, y0 - 1 if y0 else y1),
        ]
        x, y = (int(one) for one in places[k % 8])
        maps[k, y, x] = 2
        # The second hottest pixel is nearly as hot, and lies on the other side of the border.
        hit = x0 <= x < x1 and y0 <= y < y1
        free = [(row, column) for row in range(height) for column in range(width)]
        free = [p for p in free if (y0 <= p[0] < y1 and x0 <= p[1] < x1) != hit]
        row, column = free[int(rng.integers(len(free)))]
        maps[k, row, column] = 1.97
    maps[maps < 0.2] = 0
    # Maps are as strong as they are: some are thousands of times weaker than others.
    strength = np.resize([0.3, 4e-4, 6.0, 2e-6], number)
    return maps * strength[:, None, None], boxes


def _pointing_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for number in (8, 29, 54):
        maps, boxes = _maps_with_peaks(rng, number)
        cases.append(Case((maps, boxes), f"{number} maps"))
    # One map at a time, so that one hit too many and one too few do not make up for each other.
    maps, boxes = _maps_with_peaks(rng, 16)
    for k in range(16):
        cases.append(Case((maps[k : k + 1], boxes[k : k + 1]), "a single map"))
    return cases


def _pointing(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _pointing_cases(rng)
    compare.function(subject, "pointing_game", cases, _share, _POINTING_MISTAKES)
    compare.leaves_arguments(subject, "pointing_game", cases[:2])


def _empty(subject: StudentWork, rng: np.random.Generator) -> None:
    # A mistake that has cost the other part costs nothing more.
    cases = _pointing_cases(rng)
    told = compare.made(subject, "pointing_game", cases, _share, _POINTING_MISTAKES)
    right = told.answer if told else _share
    cases = []
    for number in (7, 20):
        maps, boxes = np.zeros((number, 9, 9)), np.tile([2, 2, 7, 7], (number, 1))
        for k in range(number):  # far inside or outside, so that only the empty maps matter
            place = 4 if rng.random() < 0.5 else 8
            maps[k, place, place] = 1
        empty = rng.permutation(number)[:2]
        maps[empty] = 0
        boxes[empty] = [0, 0, 5, 5]  # the first pixel lies in these boxes
        cases.append(Case((maps, boxes), f"{number} maps, two of them zero everywhere"))
    compare.function(subject, "pointing_game", cases, right, _EMPTY_MISTAKES)
    none = np.zeros((3, 9, 13))
    cases = [Case((none, np.tile([0, 0, 13, 9], (3, 1))), "maps that are all zero")]
    compare.function(subject, "pointing_game", cases, right, _EMPTY_MISTAKES)


# --- 07.5: the cheat ---------------------------------------------------------------------------

_PLACE = (37, 8)
#: How far off the place may be, in pixels: two, and half a pixel for those who give the middle so.
_NEAR = 2.5


def _class(subject: StudentWork, rng: np.random.Generator) -> None:
    got = compare.attempted(subject, "cheating_class")
    if isinstance(got, list | tuple | np.ndarray) and np.size(got) == 1:
        got = np.ravel(got)[0]
    if not isinstance(got, str):
        raise wrong("other: cheating_class should be", got=compare.describe(got))
    if got.strip().lower() not in ("roses", "rose"):
        raise wrong("another class")


def _place(subject: StudentWork, rng: np.random.Generator) -> None:
    got = compare.attempted(subject, "cheat_place")
    array = np.asarray(got) if isinstance(got, list | tuple | np.ndarray) else np.zeros(0)
    if array.shape != (2,) or array.dtype.kind not in "iuf":
        raise wrong("other: cheat_place should be", got=compare.describe(got))
    distance = float(np.abs(array - np.array(_PLACE)).max())
    if distance <= _NEAR:
        return
    if distance <= 5:
        raise wrong("edge instead of middle")
    if np.abs(array[::-1] - np.array(_PLACE)).max() <= 5:
        raise wrong("row and column exchanged")
    if np.abs(np.array([47 - array[0], array[1]]) - np.array(_PLACE)).max() <= 5:
        raise wrong("rows from the bottom")
    if np.abs(array - 23.5).max() <= 6:
        raise wrong("the flower")
    raise wrong("other: there is nothing")


def _claims(subject: StudentWork, rng: np.random.Generator) -> None:
    compare.choice(
        subject,
        "true_claims",
        "bd",
        "abcde",
        {
            "a": "test pictures with the same fault",
            "c": "the cover is a mark",
            "e": "heat on the object is a proof",
        },
    )


EXERCISE = Exercise.of(
    "07_grad_cam",
    Question.of(
        "07.1",
        _stretched,
        _all_zero,
        needs=("filters_as_pictures",),
        only=("numpy",),
        forbids=("course_utils.explain.first_layer_filters",),
        seconds=3,
    ),
    Question.of(
        "07.2", _weights, _heat_from, needs=("map_weights", "heat_from"), only=("numpy",), seconds=3
    ),
    Question.of(
        "07.3",
        _several,
        _single,
        needs=("grad_cam",),
        forbids=("course_utils.explain.grad_cam",),
        seconds=30,
    ),
    Question.of(
        "07.4",
        _pointing,
        _empty,
        needs=("pointing_game",),
        only=("numpy",),
        forbids=("course_utils.explain.pointing_hits",),
        seconds=3,
    ),
    Question.of(
        "07.5",
        _class,
        _place,
        _claims,
        needs=("cheating_class", "cheat_place", "true_claims"),
        kind="figure",
        seconds=10,
    ),
    Question.of("07.6", kind="written"),
)
