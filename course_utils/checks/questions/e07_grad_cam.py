"""What exercise 07 asks, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks import compare
from course_utils.checks._question import Exercise, Part, Question, Wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.probe import Ref, Subject

Array = np.ndarray

# --- 07.1: filters as pictures -----------------------------------------------------------------


def _pictures(weights: Array, axes: tuple[int, ...] | None = (1, 2, 3)) -> Array:
    filters = np.moveaxis(np.asarray(weights), 3, 0)
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


_FILTER_MISTAKES = [
    Mistake(
        "filters stretched together",
        "You divide all filters by the same number. Stretch each filter by its own largest weight.",
        lambda w: _pictures(w, None),
    ),
    Mistake(
        "channels stretched apart",
        "You stretch red, green and blue by themselves, which changes the colours. One number per "
        "filter.",
        lambda w: _pictures(w, (1, 2)),
    ),
    Mistake(
        "zero is not grey",
        "You stretch from the smallest to the largest weight, so that a weight of zero may become "
        "any grey. Divide by the largest **size**, then shift so that zero becomes 0.5.",
        lambda w: _between(w, (1, 2, 3)),
    ),
    Mistake(
        "zero is not grey",
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
        "not shifted to grey",
        "Your values lie between −1 and 1; halve them and add 0.5.",
        lambda w: 2 * _pictures(w) - 1,
    ),
    Mistake(
        "sign lost",
        "Negative weights should be darker than grey; you make all of them brighter.",
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


def _stretched(subject: Subject, rng: np.random.Generator) -> None:
    cases = [
        Case((_filters(rng, shape),), f"weights of shape {shape}")
        for shape in [(3, 3, 3, 4), (2, 5, 3, 6)]
    ]
    compare.function(subject, "filters_as_pictures", cases, _pictures, _FILTER_MISTAKES)


def _all_zero(subject: Subject, rng: np.random.Generator) -> None:
    weights = _filters(rng, (3, 3, 3, 4))
    weights[..., 2] = 0
    cases = [Case((weights,), "weights with a filter that is zero everywhere")]
    advice = "What do you divide by where all weights of a filter are zero?"
    compare.function(subject, "filters_as_pictures", cases, _pictures, advice=advice)


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
        "normalised too early",
        "You stretch the sum to 0 to 1 **before** the ReLU: then nothing is negative any more, and "
        "what speaks against the class looks like heat. Leave the numbers as they are.",
        lambda m, g: _stretch(_sum(m, g)),
    ),
    Mistake(
        "normalised too early",
        "You stretch each feature map before it is weighted, so that weak maps count as much as "
        "strong ones. Leave them as they are.",
        lambda m, g: _heat(m / _not_zero(m.max(axis=(0, 1))), g),
    ),
    Mistake(
        "normalised",
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
        "maps not weighted",
        "You add the maps up without their weights.",
        lambda m, g: np.maximum(m.sum(axis=2), 0),
    ),
]


def _maps_and_gradients(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Feature maps after ReLU, and gradients of both signs in and between the maps."""
    maps = np.maximum(rng.normal(0.5, 1.5, shape), 0) * rng.uniform(0.5, 2, shape[2])
    means = np.resize([0.6, -0.5, 0.3], shape[2]) * rng.uniform(0.5, 1.5, shape[2])
    return maps, rng.normal(means, 1, shape)


def _shapes(rng: np.random.Generator) -> list[tuple[Array, Array, str]]:
    shapes = [(4, 4, 3), (5, 7, 6), (9, 3, 8)]
    return [(*_maps_and_gradients(rng, shape), f"maps of shape {shape}") for shape in shapes]


def _weights(subject: Subject, rng: np.random.Generator) -> None:
    cases = [Case((gradients,), label) for _, gradients, label in _shapes(rng)]
    right = lambda g: g.mean(axis=(0, 1))  # noqa: E731
    compare.function(subject, "map_weights", cases, right, _WEIGHT_MISTAKES)


def _heat_from(subject: Subject, rng: np.random.Generator) -> None:
    cases = [Case((maps, gradients), label) for maps, gradients, label in _shapes(rng)]
    advice = "Print the shape after each of the three steps."
    compare.function(subject, "heat_from", cases, _heat, _HEAT_MISTAKES, advice=advice)


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
    elif of == "all":
        one_hot = np.ones_like(one_hot)
    gradients = ((one_hot @ last.T) * (before > 0)) @ first.T
    return maps, gradients.reshape(maps.shape)


def _all(formula: Callable[[Array, Array], Array], maps: Array, gradients: Array) -> Array:
    return np.stack([formula(m, g) for m, g in zip(maps, gradients, strict=True)])


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

    return [
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


def _telling_weights(rng: np.random.Generator, given: list[tuple[Array, Array]]) -> list[Array]:
    """Weights for which each picture has places that speak for its class, and some against it."""
    weights: list[Array] = []
    for _ in range(500):
        per_map = rng.normal(0, 0.3, (4, 8))
        weights = [
            rng.normal(0, 0.3, (3, 3, 3, 4)),
            rng.normal(0, 0.3, 4),
            rng.normal(0, 0.15, (100, 8)) + np.tile(per_map, (25, 1)),
            rng.normal(0, 0.3, 8),
            rng.normal(0, 0.5, (8, 3)),
            rng.normal(0, 0.3, 3),
        ]
        sums = np.concatenate([_all(_sum, *_parts(weights, *one)) for one in given])
        if sums.max(axis=(1, 2)).min() > 0.1 and sums.min(axis=(1, 2)).max() < -0.1:
            break
    return [weight.astype("float32") for weight in weights]


def _asked(subject: Subject, rng: np.random.Generator, counts: tuple[int, ...]) -> None:
    ref = subject.call("build_inner")
    if not isinstance(ref, Ref) or subject.kind(ref) != "model":
        raise Wrong("`build_inner` is not as it was given; run its cell again.")
    given = [
        (
            rng.uniform(0, 255, (number, *_INNER)).astype("float32"),
            np.resize(rng.permutation(3), number),
        )
        for number in counts
    ]
    weights = _telling_weights(rng, given)
    subject.model_set_weights(ref, _INNER, weights)
    cases = [Case((ref, *one), f"{len(one[1])} pictures") for one in given]
    compare.function(
        subject,
        "grad_cam",
        cases,
        lambda _, pictures, classes: _all(_heat, *_parts(weights, pictures, classes)),
        _tape_mistakes(weights),
        rtol=2e-3,
        atol=1e-4,
        advice="Print the shapes of the gradients and of the weights.",
    )


def _several(subject: Subject, rng: np.random.Generator) -> None:
    _asked(subject, rng, (6, 3))


def _single(subject: Subject, rng: np.random.Generator) -> None:
    _asked(subject, rng, (1, 1, 1))


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
        "empty map counted",
        "A map that is zero everywhere has no hottest pixel, but `argmax` gives its first one.",
        _flat_hits,
    ),
    Mistake(
        "empty maps left out",
        "You leave out the maps that are zero; they count as misses.",
        lambda m, b: _hits(m, b)[m.max(axis=(1, 2)) > 0].mean(),
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
        x, y = places[k % 8]
        maps[k, int(y), int(x)] = 2
    maps[maps < 0.2] = 0
    return 0.3 * maps, boxes


def _pointing(subject: Subject, rng: np.random.Generator) -> None:
    cases = []
    for number in (8, 29, 54):
        maps, boxes = _maps_with_peaks(rng, number)
        cases.append(Case((maps, boxes), f"{number} maps"))
    # One map at a time, so that one hit too many and one too few do not make up for each other.
    maps, boxes = _maps_with_peaks(rng, 8)
    for k in range(8):
        cases.append(Case((maps[k : k + 1], boxes[k : k + 1]), "a single map"))
    advice = "Try it with the tiny map of lesson 07, section 9."
    compare.function(subject, "pointing_game", cases, _share, _POINTING_MISTAKES, advice=advice)


def _empty(subject: Subject, rng: np.random.Generator) -> None:
    cases = []
    for number in (7, 20):
        maps, boxes = _maps_with_peaks(rng, number)
        maps[[1, 5]] = 0
        boxes[[1, 5], :2] = 0  # the first pixel lies in these boxes
        cases.append(Case((maps, boxes), f"{number} maps, two of them zero everywhere"))
    compare.function(subject, "pointing_game", cases, _share, _POINTING_MISTAKES)


# --- 07.5: the cheat ---------------------------------------------------------------------------

_PLACE = (37, 8)


def _class(subject: Subject, rng: np.random.Generator) -> None:
    got = compare.attempted(subject, "cheating_class")
    if not isinstance(got, str):
        raise Wrong(
            f"`cheating_class` should be the name of the class, as a text, not "
            f"{compare.describe(got)}."
        )
    if got.strip().lower() not in ("roses", "rose"):
        raise Wrong(
            "In that class the peaks lie here and there. Look for the class whose peaks crowd in "
            "one spot, whatever the picture shows.",
            "another class",
        )


def _place(subject: Subject, rng: np.random.Generator) -> None:
    got = compare.attempted(subject, "cheat_place")
    array = np.asarray(got) if isinstance(got, list | tuple | np.ndarray) else np.zeros(0)
    if array.shape != (2,) or array.dtype.kind not in "iuf":
        raise Wrong(
            f"`cheat_place` should be two numbers, row and column, not {compare.describe(got)}."
        )
    distance = float(np.abs(array - np.array(_PLACE)).max())
    if distance <= 4:
        return
    if np.abs(array[::-1] - np.array(_PLACE)).max() <= 4:
        raise Wrong(
            "Row first, then column: rows count from the top, columns from the left.",
            "row and column exchanged",
        )
    if np.abs(np.array([47 - array[0], array[1]]) - np.array(_PLACE)).max() <= 4:
        raise Wrong("Rows count from the top, not from the bottom.", "rows from the bottom")
    if np.abs(array - 23.5).max() <= 6:
        raise Wrong(
            "That is the middle of the picture, where most flowers are. Look at the mean map of "
            "the one class whose peaks lie together elsewhere.",
            "the flower",
        )
    raise Wrong("There is nothing special at that place. Look at some pictures of the class.")


def _claims(subject: Subject, rng: np.random.Generator) -> None:
    compare.choice(
        subject,
        "true_claims",
        ("b", "d"),
        {
            "a": "Look at the recall of this class on their test pictures again: is it low? The "
            "test pictures have the same fault.",
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
                Part("each filter stretched by itself", 1.5, _stretched),
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
                Part("weights of the maps", 1, _weights),
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
                Part("several pictures and classes", 2, _several),
                Part("a single picture", 1, _single),
            ),
            needs=("grad_cam",),
            forbids=("course_utils.explain.grad_cam",),
            hints=(
                "Inside `with tf.GradientTape() as tape:` compute `feature_maps, logits = "
                "inner(pictures)` and the logits of the classes; after it `tape.gradient(scores, "
                "feature_maps)`.",
                "`tf.gather(logits, classes, batch_dims=1)` takes from each row the logit "
                "of its class; so does `tf.reduce_sum(logits * tf.one_hot(classes, 3), axis=1)`.",
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
                Part("peaks in boxes", 1.5, _pointing),
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
                Part("the class", 1, _class),
                Part("the place", 1, _place),
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
                "(boxes, pointing game), baselines that know nothing, the randomisation check, "
                "maps for another class, mean maps per class to find shortcuts, covering the "
                "place, test pictures from another source.",
            ),
        ),
    ),
)
