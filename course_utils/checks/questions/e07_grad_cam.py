"""What exercise 07 asks, and how its answers are judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.checks import compare
from course_utils.checks._question import Exercise, IncorrectAnswer, Part, Question
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


_RESHAPED = (
    "`reshape` keeps the numbers in their order and only divides them anew, so that each picture "
    "holds weights of all filters. Move the axis: `np.moveaxis(weights, 3, 0)`."
)
_TURNED = (
    "`.T` turns all axes round: (filters, 3, width, height). Only the last axis should move to the "
    "front: `np.moveaxis(weights, 3, 0)`."
)

_FILTER_MISTAKES = [
    Mistake(
        "reshaped",
        _RESHAPED,
        lambda w: _stretch_filters(w.reshape(_filters_first(w))),
    ),
    Mistake(
        "reshaped",
        _RESHAPED,
        lambda w: _stretch_filters(w.reshape(_filters_first(w), order="F")),
    ),
    Mistake(
        "reshaped",
        _RESHAPED,
        lambda w: np.moveaxis(_pictures(w), 0, 3).reshape(_filters_first(w)),
    ),
    Mistake("all axes turned", _TURNED, lambda w: _pictures(w).transpose(0, 3, 2, 1)),
    Mistake(
        "first and last axis exchanged",
        "You exchange the first and the last axis; the shape should be (filters, height, width, "
        "3): `np.moveaxis(weights, 3, 0)`.",
        lambda w: np.swapaxes(np.moveaxis(_pictures(w), 0, 3), 0, 3),
    ),
    Mistake(
        "colors reversed",
        "Red and blue are exchanged; leave the channels in their order.",
        lambda w: _pictures(w)[..., ::-1],
    ),
    Mistake(
        "signs exchanged",
        "Positive weights should become brighter, negative ones darker.",
        lambda w: 1 - _pictures(w),
    ),
    Mistake(
        "0 to 255",
        "The values should lie between 0 and 1, not between 0 and 255.",
        lambda w: 255 * _pictures(w),
    ),
    Mistake(
        "clipped",
        "You divide by the largest weight and cut off what leaves the range from 0 to 1; divide "
        "by the largest **size**, `np.abs(...).max(...)`.",
        lambda w: np.clip(_without_sign(w), 0, 1),
    ),
    Mistake(
        "filters stretched together",
        "You divide all filters by the same number. Stretch each filter by its own largest weight.",
        lambda w: _pictures(w, None),
    ),
    Mistake(
        "channels stretched apart",
        "You stretch red, green and blue by themselves, which changes the colors. One number per "
        "filter.",
        lambda w: _pictures(w, (1, 2)),
    ),
    Mistake(
        "zero is not gray",
        "You stretch from the smallest to the largest weight, so that a weight of zero may become "
        "any gray. Divide by the largest **size**, then shift so that zero becomes 0.5.",
        lambda w: _between(w, (1, 2, 3)),
    ),
    Mistake(
        "zero is not gray",
        "You stretch from the smallest to the largest weight of all filters. Each filter by "
        "itself, and zero becomes 0.5.",
        lambda w: _between(w, None),
    ),
    Mistake(
        "sign forgotten",
        "You divide by the largest weight. If a negative one is larger in size, the picture leaves "
        "the range from 0 to 1: use `np.abs` first.",
        _without_sign,
    ),
    Mistake(
        "not shifted to gray",
        "Your values lie between −1 and 1; halve them and add 0.5.",
        lambda w: 2 * _pictures(w) - 1,
    ),
    Mistake(
        "sign lost",
        "Negative weights should be darker than gray; you make all of them brighter.",
        lambda w: 0.5 + np.abs(_pictures(w) - 0.5),
    ),
    Mistake(
        "axes not moved",
        "The axis of the filters should be the first one: `np.moveaxis(weights, 3, 0)`.",
        lambda w: np.moveaxis(_pictures(w), 0, 3),
    ),
    Mistake(
        "height and width exchanged",
        "Move the last axis to the front and leave the others in their order; a plain transpose "
        "turns the filters round.",
        lambda w: np.swapaxes(_pictures(w), 1, 2),
    ),
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
    Mistake(
        "weights that cancel",
        "A filter whose weights cancel, such as an edge filter, is not a filter of zeros.",
        _sum_is_zero,
    ),
    Mistake(
        "small weights taken for zero",
        "A filter with small weights is stretched like any other one; only zeros stay 0.5.",
        _small_is_zero,
    ),
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
    advice = "What do you divide by where all weights of a filter are zero?"
    compare.function(
        subject,
        "filters_as_pictures",
        cases,
        right,
        _ZERO_MISTAKES,
        rtol=1e-3,  # so that a tiny number may be added to what is divided by
        advice=advice,
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
    Mistake(
        "sum instead of mean",
        "You add the gradients up; take their mean.",
        lambda g: g.sum(axis=(0, 1)),
    ),
    Mistake(
        "averaged over the maps",
        "You average over the maps; average over the places of each map.",
        lambda g: g.mean(axis=2),
    ),
    Mistake(
        "guided",
        "You leave negative gradients out; all of them count.",
        lambda g: np.maximum(g, 0).mean(axis=(0, 1)),
    ),
    Mistake(
        "one weight for all maps",
        "Give one number per map, not one for all.",
        lambda g: g.mean(),
    ),
    Mistake(
        "largest instead of mean",
        "You take the largest gradient of each map; take the mean.",
        lambda g: g.max(axis=(0, 1)),
    ),
    Mistake(
        "sign lost",
        "The weights keep their sign: a negative one speaks against the class.",
        lambda g: np.abs(g.mean(axis=(0, 1))),
    ),
    Mistake(
        "reshaped",
        "`reshape` mixes the maps, since they are the last axis. Average over the first two axes.",
        lambda g: g.reshape(g.shape[2], -1).mean(axis=1),
    ),
    Mistake(
        "averaged over one axis",
        "Average over both axes of the places: `axis=(0, 1)`.",
        lambda g: g.mean(axis=0),
    ),
]

_HEAT_MISTAKES = [
    Mistake(
        "ReLU missing",
        "There are negative values left: what speaks against the class has to become zero.",
        _sum,
    ),
    Mistake(
        "normalized too early",
        "You stretch the sum to 0 to 1 **before** the ReLU: then nothing is negative any more, and "
        "what speaks against the class looks like heat. Leave the numbers as they are.",
        lambda m, g: _stretch(_sum(m, g)),
    ),
    Mistake(
        "normalized too early",
        "You stretch each feature map before it is weighted, so that weak maps count as much as "
        "strong ones. Leave them as they are.",
        lambda m, g: _heat(m / _not_zero(m.max(axis=(0, 1))), g),
    ),
    Mistake(
        "normalized",
        "You stretch the heat to 0 to 1. Then a map with hardly any heat looks like one with much; "
        "leave the numbers as they are.",
        lambda m, g: _heat(m, g) / _not_zero(_heat(m, g).max()),
    ),
    Mistake(
        "weights not averaged",
        "You multiply each place by its own gradient. First average the gradients over the map: "
        "one weight per map.",
        lambda m, g: np.maximum((m * g).sum(axis=2), 0),
    ),
    Mistake(
        "ReLU too early",
        "You cut each weighted map before adding them up. Add first: maps that speak against the "
        "class are subtracted from the others.",
        lambda m, g: np.maximum(m * g.mean(axis=(0, 1)), 0).sum(axis=2),
    ),
    Mistake(
        "guided",
        "You leave negative gradients out before averaging; all of them count.",
        lambda m, g: _heat(m, np.maximum(g, 0)),
    ),
    Mistake(
        "sign lost",
        "You take the size of the sum without its sign; what is negative becomes zero.",
        lambda m, g: np.abs(_sum(m, g)),
    ),
    Mistake(
        "mean instead of sum",
        "You take the mean of the weighted maps; add them up.",
        lambda m, g: _heat(m, g) / m.shape[2],
    ),
    Mistake(
        "sum instead of mean",
        "The weights are sums of the gradients; take their mean.",
        lambda m, g: _heat(m, g) * g.shape[0] * g.shape[1],
    ),
    Mistake(
        "negative maps cut off",
        "You cut off what is negative in the feature maps; only the sum is cut off.",
        lambda m, g: _heat(np.maximum(m, 0), g),
    ),
    Mistake(
        "maps and gradients exchanged",
        "The maps are multiplied by the weights, which are the means of the gradients.",
        lambda m, g: _heat(g, m),
    ),
    Mistake(
        "height and width exchanged",
        "The heat should have the shape (height, width); yours is turned round.",
        lambda m, g: _heat(m, g).T,
    ),
    Mistake(
        "shifted",
        "What is negative becomes zero; do not subtract the lowest value.",
        lambda m, g: _sum(m, g) - min(float(_sum(m, g).min()), 0.0),
    ),
    Mistake(
        "negative weights left out",
        "Maps with a negative weight count, too: they are subtracted.",
        lambda m, g: np.maximum((m * np.maximum(g.mean(axis=(0, 1)), 0)).sum(axis=2), 0),
    ),
    Mistake(
        "maps not weighted",
        "You add the maps up without their weights.",
        lambda m, g: np.maximum(m.sum(axis=2), 0),
    ),
    Mistake(
        "maps not weighted",
        "You add the maps up without their weights, and leave negative values.",
        lambda m, g: m.sum(axis=2),
    ),
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
    advice = "Print the shape after each of the three steps."
    try:
        compare.function(subject, "heat_from", cases, _heat, _HEAT_MISTAKES, advice=advice)
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
        Mistake(
            "all asked classes at once",
            "The scores have the wrong shape: for each picture you take the logits of all the "
            "classes that are asked about. There should be one score for each picture, of its own "
            "class: `tf.gather(logits, classes, batch_dims=1)`.",
            answer(_heat, "all that are asked"),
        ),
        Mistake(
            "logarithm of the probability",
            "You take the gradient of the logarithm of the probability, or of the loss; take the "
            "logit itself.",
            answer(_heat, "log probability"),
        ),
        Mistake(
            "mean of the scores",
            "The gradient of the **mean** of the scores is divided by the number of pictures; take "
            "the scores themselves, or their sum.",
            mean_score,
        ),
        Mistake(
            "weights of the first picture",
            "You weight all maps as those of the first picture; each picture has its own weights.",
            first_weights,
        ),
        Mistake(
            "rows gathered",
            "`tf.gather(logits, classes)` takes whole rows of other pictures. Take one logit from "
            "each row: `tf.gather(logits, classes, batch_dims=1)`.",
            answer(_heat, "rows"),
        ),
        Mistake(
            "averaged over other axes",
            "The first axis is that of the pictures: average over axes 1 and 2, height and width.",
            lambda _, pictures, classes: _over_first_axes(*_parts(weights, pictures, classes)),
        ),
        Mistake(
            "last axis kept",
            "The shape should be (N, height, width), without an axis of length 1 at the end.",
            lambda _, pictures, classes: _all(_heat, *_parts(weights, pictures, classes))[
                ..., None
            ],
        ),
        Mistake(
            "order of the pictures lost",
            "The heat maps stand in the order of the classes; put them in that of the pictures.",
            by_class,
        ),
        Mistake(
            "probability instead of logit",
            "You take the gradient of the probability, after softmax. Where the network is sure, "
            "that gradient is nearly zero; take the logit.",
            answer(_heat, "probability"),
        ),
        Mistake(
            "always the predicted class",
            "You explain the class that the network predicts, not the one that is asked about.",
            answer(_heat, "predicted"),
        ),
        Mistake(
            "all classes at once",
            "You take the gradient of all logits together; take only the one of each picture's "
            "class.",
            answer(_heat, "all"),
        ),
        Mistake(
            "class of the first picture",
            "You ask about the class of the first picture for all of them; each has its own.",
            first_class,
        ),
        Mistake(
            "averaged over the batch",
            "Your weights are a mean over the pictures, too. Each picture has its own weights: "
            "average over two axes, not three.",
            over_batch,
        ),
        Mistake(
            "rescaled twice",
            "You divide the pixels by 255, and the network does so once more. It takes 0 to 255.",
            twice,
        ),
        *(Mistake(one.name, one.sentence, answer(one.answer)) for one in _HEAT_MISTAKES),
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
        raise IncorrectAnswer("`build_inner` is not as it was given; run its cell again.")
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
    advice = "Print the shapes of the scores, of the gradients and of the weights."
    try:
        compare.function(
            subject, "grad_cam", asked.cases, right, asked.mistakes, **_CLOSE, advice=advice
        )
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
            raise IncorrectAnswer(
                f"In line {error.line} a tensor is indexed with an array, which TensorFlow does "
                f"not do. `tf.gather(logits, classes, batch_dims=1)` takes from each row the logit "
                f"of its class.",
                "indexed with an array",
            ) from None
        shapes = re.search(r"ncompatible shapes: (\[[\d,]*\]) vs\. (\[[\d,]*\])", error.message)
        if shapes:
            raise IncorrectAnswer(
                f"In line {error.line} two tensors meet whose shapes do not fit: {shapes[1]} and "
                f"{shapes[2]}. Feature maps have the shape (N, height, width, maps), so weights of "
                f"the shape (N, 1, 1, maps) fit (`keepdims=True`); logits have the shape "
                f"(N, classes), for any number of classes.",
                "shapes do not fit",
            ) from None
        if not re.search(r"\bNone(Type)?\b|'_id'", error.message):
            raise
        raise IncorrectAnswer(
            f"In line {error.line} there is no gradient: it is None, or asked of a NumPy array. "
            f"{_INSIDE}",
            "score outside the tape",
        ) from None


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
    Mistake(
        "empty map counted",
        "A map that is zero everywhere has no hottest pixel, but `argmax` gives its first one.",
        _flat_hits,
    ),
    Mistake(
        "empty maps left out",
        "You leave out the maps that are zero; they count as misses.",
        lambda m, b: float(_hits(m, b).sum() / max(1, (m.max(axis=(1, 2)) > 0).sum())),
    ),
]

_POINTING_MISTAKES = [
    Mistake(
        "x and y exchanged",
        "x counts columns and y counts rows, and an array has the rows first: `heat[y, x]`.",
        lambda m, b: _share(m, b[:, [1, 0, 3, 2]]),
    ),
    Mistake(
        "end of the box included",
        "`x1` and `y1` are the first column and row **behind** the flower.",
        _closed,
    ),
    Mistake(
        "beginning of the box left out",
        "`x0` and `y0` are the first column and row of the flower; they belong to it.",
        lambda m, b: _share(m, b + np.array([1, 1, 0, 0])),
    ),
    Mistake(
        "end taken for size",
        "`x1` and `y1` are places, not width and height.",
        lambda m, b: _share(m, np.concatenate([b[:, :2], b[:, :2] + b[:, 2:]], axis=1)),
    ),
    Mistake(
        "only the columns",
        "Both the column and the row must lie in the box.",
        lambda m, b: _share(m, np.stack([b[:, 0], 0 * b[:, 1], b[:, 2], b[:, 3] * 0 + 99], 1)),
    ),
    Mistake(
        "nearly the hottest",
        "Only the hottest pixel counts, not others that are nearly as hot.",
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
        "weak maps missed",
        "A weak map has a hottest pixel, too; only maps that are zero everywhere have none.",
        lambda m, b: float((_hits(m, b) & (m.max(axis=(1, 2)) > 0.01)).mean()),
    ),
    Mistake(
        "one scale for all maps",
        "Each map has its own hottest pixel, whatever the other maps hold.",
        lambda m, b: float((_hits(m, b) & (m.max(axis=(1, 2)) == m.max())).mean()),
    ),
    Mistake(
        "share of the heat",
        "You measure how much heat lies in the box; here only the hottest pixel counts.",
        _energy,
    ),
    Mistake(
        "number instead of share",
        "You return the number of hits; divide it by the number of maps.",
        lambda m, b: float(_hits(m, b).sum()),
    ),
    Mistake(
        "percent", "Return a share between 0 and 1.", lambda m, b: 100 * float(_hits(m, b).mean())
    ),
    Mistake(
        "misses counted",
        "You count the misses; count the hits.",
        lambda m, b: 1 - _share(m, b),
    ),
    Mistake(
        "coldest pixel",
        "You look for the coldest pixel.",
        lambda m, b: _share(m.max() + 1 - m, b),
    ),
    Mistake(
        "each map for itself",
        "Return one number for all maps together.",
        lambda m, b: _hits(m, b).astype(float),
    ),
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
    advice = "Try it with the tiny map of lesson 07, section 9."
    compare.function(subject, "pointing_game", cases, _share, _POINTING_MISTAKES, advice=advice)
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
        raise IncorrectAnswer(
            f"`cheating_class` should be the name of the class, as a text, not "
            f"{compare.describe(got)}."
        )
    if got.strip().lower() not in ("roses", "rose"):
        raise IncorrectAnswer(
            "In that class the peaks lie here and there. Look for the class whose peaks crowd in "
            "one spot, whatever the picture shows.",
            "another class",
        )


def _place(subject: StudentWork, rng: np.random.Generator) -> None:
    got = compare.attempted(subject, "cheat_place")
    array = np.asarray(got) if isinstance(got, list | tuple | np.ndarray) else np.zeros(0)
    if array.shape != (2,) or array.dtype.kind not in "iuf":
        raise IncorrectAnswer(
            f"`cheat_place` should be two numbers, row and column, not {compare.describe(got)}."
        )
    distance = float(np.abs(array - np.array(_PLACE)).max())
    if distance <= _NEAR:
        return
    if distance <= 5:
        raise IncorrectAnswer(
            "That is its edge or corner, or close to it; give the middle.", "edge instead of middle"
        )
    if np.abs(array[::-1] - np.array(_PLACE)).max() <= 5:
        raise IncorrectAnswer(
            "Row first, then column: rows count from the top, columns from the left.",
            "row and column exchanged",
        )
    if np.abs(np.array([47 - array[0], array[1]]) - np.array(_PLACE)).max() <= 5:
        raise IncorrectAnswer(
            "Rows count from the top, not from the bottom.", "rows from the bottom"
        )
    if np.abs(array - 23.5).max() <= 6:
        raise IncorrectAnswer(
            "That is the middle of the picture, where most flowers are. Look at the mean map of "
            "the one class whose peaks lie together elsewhere.",
            "the flower",
        )
    raise IncorrectAnswer(
        "There is nothing special at that place. Look at some pictures of the class."
    )


def _claims(subject: StudentWork, rng: np.random.Generator) -> None:
    compare.choice(
        subject,
        "true_claims",
        ("b", "d"),
        {
            "a": "The test pictures of the same team have the same fault. What is a high recall "
            "worth then?",
            "b": "How can the place be made to say nothing about the class?",
            "c": "If only this class is covered, the cover itself says which class it is.",
            "d": "One map can be chance. What if all of a class agree?",
            "e": "A heat map says where the network looked, not what it saw there.",
        },
        {
            "a": "test pictures with the same fault",
            "c": "the cover is a mark",
            "e": "heat on the object is a proof",
        },
    )


EXERCISE = Exercise(
    "07_grad_cam",
    "Grad-CAM",
    (
        Question(
            "07.1",
            "The filters of the first layer",
            2,
            (
                # Looks at: every value; the weights are left as they are.
                Part("each filter stretched by itself", 1.5, _stretched),
                # Looks at: zeros, small weights, weights that cancel.
                Part("a filter of zeros", 0.5, _all_zero),
            ),
            needs=("filters_as_pictures",),
            only=("numpy",),
            forbids=("course_utils.explain.first_layer_filters",),
            hints=(
                "`np.moveaxis(weights, 3, 0)` brings the axis of the filters to the front. Then "
                "take the largest `np.abs` of each filter, with `keepdims=True`.",
                "In one line: 0.5 + filter / (2 · largest). Where the largest is 0, divide by 1.",
            ),
            seconds=3,
        ),
        Question(
            "07.2",
            "The formula",
            3,
            (
                # Looks at: every weight, up to 40 maps.
                Part("weights of the maps", 1, _weights),
                # Looks at: every value, also of negative maps; arguments left alone.
                Part("heat", 2, _heat_from),
            ),
            needs=("map_weights", "heat_from"),
            only=("numpy",),
            hints=(
                "`gradients.mean(axis=(0, 1))` is a mean over height and width; one number per map "
                "remains.",
                "`feature_maps * weights` multiplies each map by its weight, since the maps are "
                "the last axis. Then `.sum(axis=2)`, and `np.maximum(..., 0)` comes last.",
            ),
            seconds=3,
        ),
        Question(
            "07.3",
            "The gradients",
            3,
            (
                # Looks at: every value, 3 and 5 classes, the given network.
                Part("several pictures and classes", 2, _several),
                # Looks at: a batch of one.
                Part("a single picture", 1, _single),
            ),
            needs=("grad_cam",),
            forbids=("course_utils.explain.grad_cam",),
            hints=(
                "Inside `with tf.GradientTape() as tape:` compute `feature_maps, logits = "
                "inner(pictures)` and the logits of the classes; after it `tape.gradient(scores, "
                "feature_maps)`.",
                "`tf.gather(logits, classes, batch_dims=1)` takes from each row the logit "
                "of its class; so does `tf.reduce_sum(logits * tf.one_hot(classes, "
                "logits.shape[-1]), axis=1)`.",
                "The gradients have four axes: picture, row, column, map. Average over axes 1 and "
                "2 with `keepdims=True`.",
            ),
            seconds=30,
        ),
        Question(
            "07.4",
            "The pointing game",
            2,
            (
                # Looks at: each map by itself, strong and weak, at every border.
                Part("peaks in boxes", 1.5, _pointing),
                # Looks at: some or all maps zero.
                Part("maps without a peak", 0.5, _empty),
            ),
            needs=("pointing_game",),
            only=("numpy",),
            forbids=("course_utils.explain.pointing_hits",),
            hints=(
                "`heat.argmax()` counts through the whole map; `np.unravel_index(heat.argmax(), "
                "heat.shape)` makes row and column of it.",
                "A hit: x0 ≤ x < x1 and y0 ≤ y < y1, and the map's largest value is above 0.",
            ),
            seconds=3,
        ),
        Question(
            "07.5",
            "Find the cheat",
            3,
            (
                # Looks at: the name.
                Part("the class", 1, _class),
                # Looks at: both numbers, two pixels off at most.
                Part("the place", 1, _place),
                # Looks at: each letter.
                Part("what follows", 1, _claims),
            ),
            needs=("cheating_class", "cheat_place", "true_claims"),
            hints=(
                "In the figure of `plots.class_heat` each dot is the peak of one picture. In which "
                "class do the dots lie on top of each other?",
                '`plots.image_grid(test_images[test_labels == k][:6].astype("uint8"))` shows six '
                "pictures of class k. Read the place off with `plt.imshow(test_images[i] / 255)`.",
            ),
            kind="figure",
            seconds=10,
        ),
        Question(
            "07.6",
            "In your own words",
            2,
            kind="written",
            rubric=(
                "Half a point: three chosen maps say nothing about all pictures, or heat on the "
                "lung says where the network looked and not whether it is right.",
                "Half a point for each of up to three sensible demands: numbers over many pictures "
                "(boxes, pointing game), baselines that know nothing, the randomization check, "
                "maps for another class, mean maps per class to find shortcuts, covering the "
                "place, test pictures from another source.",
            ),
        ),
    ),
)
