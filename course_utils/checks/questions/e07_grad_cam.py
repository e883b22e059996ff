"""Check the answers to exercise 07; what they are told is in e07.toml."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import compare, model_checks
from course_utils.checks._question import Exercise, IncorrectAnswer, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import StudentError, StudentWork, StudentWorkError

Array = np.ndarray

# --- 07.1: filters as pictures -----------------------------------------------------------------


def _around_gray(
    filters: Array,
    axes: tuple[int, ...] | None = (1, 2, 3),
    size: Callable[[Array], Array] = np.abs,
) -> Array:
    """Scale filters to 0–1 with zero at 0.5, by the largest `size` of their weights."""
    largest = size(filters).max(axis=axes, keepdims=True)
    return np.asarray(0.5 + filters / _not_zero(largest) / 2)


def _not_zero(number: Any) -> Array:
    """Replace 0 by 1, to divide by."""
    return np.where(np.equal(number, 0), 1.0, number)


def _pictures(
    weights: Array,
    axes: tuple[int, ...] | None = (1, 2, 3),
    size: Callable[[Array], Array] = np.abs,
) -> Array:
    return _around_gray(np.moveaxis(weights, 3, 0), axes, size)


def _by_signed(weights: Array) -> Array:
    """Divide filters by their largest weight instead of by the largest size."""
    return _pictures(weights, size=np.asarray)


def _by_mean(weights: Array) -> Array:
    """Divide filters by the mean size of their weights."""
    return _pictures(weights, size=lambda f: np.abs(f).mean(axis=(1, 2, 3), keepdims=True))


def _over(*axes: int) -> Callable[[Array], Array]:
    """Return a function that takes the largest size over some axes, the filters being first."""
    return lambda weights: _pictures(weights, axes)


def _wrong_way(axes: tuple[int, ...] | None) -> Callable[[Array], Array]:
    """Return a function that moves the first axis to the end."""
    return lambda weights: _around_gray(np.moveaxis(weights, 0, 3), axes)


def _from_smallest(weights: Array, axes: tuple[int, ...] | None) -> Array:
    filters = np.moveaxis(weights, 3, 0)
    low = filters.min(axis=axes, keepdims=True)
    return np.asarray((filters - low) / _not_zero(np.ptp(filters, axis=axes, keepdims=True)))


def _two_factors(weights: Array) -> Array:
    """Stretch positive weights to 1 and negative ones to 0, each by their own largest size."""
    filters = np.moveaxis(weights, 3, 0)
    up, down = (_relu(sign * filters) for sign in (1, -1))
    largest = (_not_zero(side.max(axis=(1, 2, 3), keepdims=True)) for side in (up, down))
    high, low = largest
    return np.asarray(0.5 + up / high / 2 - down / low / 2)


def _filters_first(weights: Array) -> tuple[int, ...]:
    return (weights.shape[3], *weights.shape[:3])


_FILTER_MISTAKES = [
    Mistake(
        "reshaped",
        lambda w: _around_gray(w.reshape(_filters_first(w))),
        lambda w: _around_gray(w.reshape(_filters_first(w), order="F")),
        lambda w: np.moveaxis(_pictures(w), 0, 3).reshape(_filters_first(w)),
    ),
    Mistake("all axes turned", lambda w: _pictures(w).transpose(0, 3, 2, 1)),
    Mistake("first and last axis exchanged", lambda w: _pictures(w).transpose(0, 2, 3, 1)),
    Mistake("colors reversed", lambda w: _pictures(w)[..., ::-1]),
    Mistake("signs exchanged", lambda w: 1 - _pictures(w)),
    Mistake(
        "0 to 255",
        lambda w: 255 * _pictures(w),
        lambda w: np.trunc(255 * _pictures(w)),
        lambda w: np.round(255 * _pictures(w)),
    ),
    Mistake("one filter", lambda w: _pictures(w)[0], lambda w: _pictures(w)[:1]),
    Mistake("not halved", lambda w: 2 * _pictures(w) - 0.5),
    Mistake("zero is black", lambda w: _pictures(w) - 0.5),
    Mistake("mean instead of largest", _by_mean, lambda w: np.clip(_by_mean(w), 0, 1)),
    Mistake("moved the wrong way", _wrong_way((1, 2, 3)), _wrong_way(None), _wrong_way((0, 1, 2))),
    Mistake("clipped", lambda w: np.clip(_by_signed(w), 0, 1)),
    Mistake("filters stretched together", lambda w: _pictures(w, None)),
    Mistake("channels stretched apart", _over(1, 2)),
    Mistake(
        "largest over other axes",
        *(_over(*axes) for axes in ((0,), (1,), (2,), (3,), (1, 3), (2, 3), (0, 1, 2))),
    ),
    Mistake(
        "zero is not gray",
        lambda w: _from_smallest(w, (1, 2, 3)),
        lambda w: _from_smallest(w, None),
    ),
    Mistake("sign forgotten", _by_signed),
    Mistake("two factors", _two_factors),
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


def _gray_where(zero: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Return a function that treats the filters that `zero` chooses as filters of zeros."""
    return lambda w: np.where(zero(w)[:, None, None, None], 0.5, _pictures(w))


def _zeros_become(
    value: float, others: Callable[[Array], Array] = _pictures
) -> Callable[[Array], Array]:
    """Return a function that gives filters of zeros a value; `others` makes the rest."""
    return lambda w: np.where((w == 0).all(axis=(0, 1, 2))[:, None, None, None], value, others(w))


_ZERO_MISTAKES = [
    Mistake("zeros not gray", _zeros_become(0), _zeros_become(1)),
    Mistake("weights that cancel", _gray_where(lambda w: np.abs(w.sum(axis=(0, 1, 2))) < 1e-6)),
    Mistake(
        "small weights taken for zero",
        _gray_where(lambda w: np.abs(w).max(axis=(0, 1, 2)) < 1e-3),
    ),
]


def _all_zero(subject: StudentWork, rng: np.random.Generator) -> None:
    name = "filters_as_pictures"
    right = compare.as_told_before(
        subject, name, _stretched_cases(rng), _pictures, _FILTER_MISTAKES
    )
    weights = _filters(rng, (3, 3, 3, 5))
    weights[..., 2] = 0
    weights[..., 3] *= 9e-4 / np.abs(weights[..., 3]).max()  # small, but not zero
    edge = weights[..., 4] * 0
    edge[0], edge[2] = 0.75, -0.75  # zero only in its sum
    weights[..., 4] = edge
    cases = [Case((weights,), "weights with a filter that is zero everywhere, and a small one")]
    try:
        # With this tolerance a tiny number may be added to what is divided by.
        compare.function(subject, name, cases, right, _ZERO_MISTAKES, rtol=1e-3)
    except IncorrectAnswer:
        # What is wrong with every filter has cost its own part.
        if not _zeros_right(subject, weights, right):
            raise


def _zeros_right(subject: StudentWork, weights: Array, told: Callable[[Array], Array]) -> bool:
    """Tell whether a function that is wrong for other filters gives gray for one of zeros.

    Its mistake is that of `told`; where this is the right function, it is none that is known.
    """
    got = subject.call("filters_as_pictures", weights)
    if np.shape(got) != _filters_first(weights):
        return False
    if told is not _pictures:
        return compare.close(got, _zeros_become(0.5, told)(weights), rtol=1e-3)
    apart = np.abs(np.asarray(got, float) - 0.5).max(axis=(1, 2, 3))
    zero = (weights == 0).all(axis=(0, 1, 2))
    stretched = np.abs(_pictures(weights) - got).max(axis=(1, 2, 3)) < 1e-3
    return bool(np.all((apart < 1e-3) == zero)) and not stretched[~zero].any()


# --- 07.2: the formula -------------------------------------------------------------------------


def _mean(gradients: Array) -> Array:
    return np.asarray(gradients.mean(axis=(0, 1)))


def _sum(maps: Array, weights: Array | float) -> Array:
    return np.asarray((maps * weights).sum(axis=-1))


def _relu(values: Array) -> Array:
    return np.maximum(values, 0)


def _heat(maps: Array, gradients: Array) -> Array:
    return _relu(_sum(maps, _mean(gradients)))


def _stretch(heat: Array) -> Array:
    return np.asarray((heat - heat.min()) / _not_zero(np.ptp(heat)))


_WEIGHT_MISTAKES = [
    Mistake("sum instead of mean", lambda g: g.sum(axis=(0, 1))),
    Mistake("zeros left out", lambda g: g.sum(axis=(0, 1)) / _not_zero((g != 0).sum(axis=(0, 1)))),
    Mistake("averaged over the maps", lambda g: g.mean(axis=2)),
    Mistake("guided", lambda g: _mean(_relu(g))),
    Mistake("one weight for all maps", lambda g: g.mean()),
    Mistake("largest instead of mean", lambda g: g.max(axis=(0, 1))),
    Mistake("sign lost: weights", lambda g: np.abs(_mean(g))),
    Mistake("reshaped", lambda g: g.reshape(g.shape[2], -1).mean(axis=1)),
    Mistake("averaged over one axis", lambda g: g.mean(axis=0), lambda g: g.mean(axis=1)),
    Mistake(
        "averaged over other axes", *(partial(np.mean, axis=axes) for axes in ((1, 2), (0, 2)))
    ),
]


_HEAT_MISTAKES = [
    Mistake("ReLU missing", lambda m, g: _sum(m, _mean(g))),
    Mistake("normalized too early: sum", lambda m, g: _stretch(_sum(m, _mean(g)))),
    Mistake("normalized too early: maps", lambda m, g: _heat(m / _not_zero(m.max(axis=(0, 1))), g)),
    Mistake("normalized", lambda m, g: _heat(m, g) / _not_zero(_heat(m, g).max())),
    Mistake("weights not averaged", lambda m, g: _relu(_sum(m, g))),
    Mistake("ReLU too early", lambda m, g: _relu(m * _mean(g)).sum(axis=2)),
    Mistake("guided", lambda m, g: _heat(m, _relu(g))),
    Mistake("sign lost", lambda m, g: np.abs(_sum(m, _mean(g)))),
    Mistake("mean instead of sum", lambda m, g: _heat(m, g) / m.shape[2]),
    Mistake("sum instead of mean", lambda m, g: _relu(_sum(m, g.sum(axis=(0, 1))))),
    Mistake("negative maps cut off", lambda m, g: _heat(_relu(m), g)),
    Mistake("maps and gradients exchanged", lambda m, g: _heat(g, m)),
    Mistake("height and width exchanged", lambda m, g: _heat(m, g).T),
    Mistake("shifted", lambda m, g: _sum(m, _mean(g)) - min(float(_sum(m, _mean(g)).min()), 0)),
    Mistake("negative weights left out", lambda m, g: _relu(_sum(m, _relu(_mean(g))))),
    Mistake("sign lost: weights", lambda m, g: _relu(_sum(m, np.abs(_mean(g))))),
    Mistake("maps not weighted", lambda m, g: _relu(_sum(m, 1)), lambda m, g: _sum(m, 1)),
    Mistake("weights from the maps", lambda m, g: _heat(m, m)),
    Mistake("cut off from above", lambda m, g: np.minimum(_sum(m, _mean(g)), 0)),
]

#: Mistakes of functions of NumPy, which :func:`grad_cam` with its four axes makes in another form.
_LARGEST = Mistake(
    "largest instead of ReLU",
    lambda m, g: _sum(m, _mean(g)).max(axis=0),
    lambda m, g: _sum(m, _mean(g)).max(),
)


def _maps_and_gradients(rng: np.random.Generator, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Draw feature maps after ReLU, and gradients of both signs in and between the maps.

    Some gradients are 0, as below a pooling layer.
    """
    maps = _relu(rng.normal(0.5, 1.5, shape)) * rng.uniform(0.5, 2, shape[2])
    means = np.resize([0.6, -0.5, 0.3], shape[2]) * rng.uniform(0.5, 1.5, shape[2])
    return maps, rng.normal(means, 1, shape) * (rng.uniform(size=shape) < 0.8)


def _shapes(rng: np.random.Generator) -> list[tuple[Array, Array, str]]:
    shapes = [(4, 4, 3), (5, 7, 6), (9, 3, 8), (6, 5, 40)]
    given = [(*_maps_and_gradients(rng, shape), f"maps of shape {shape}") for shape in shapes]
    maps, gradients, _ = given[-1]
    return [*given, (maps - 1, gradients, "maps that hold negative numbers")]


def _weights(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = [Case((gradients,), label) for _, gradients, label in _shapes(rng)[:4]]
    compare.function(subject, "map_weights", cases, _mean, _WEIGHT_MISTAKES)
    compare.leaves_arguments(subject, "map_weights", cases[:1])


def _heat_from(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = [Case((maps, gradients), label) for maps, gradients, label in _shapes(rng)]
    maps, gradients = cases[1].args
    against = Case((maps, -np.abs(gradients)), "gradients that are negative: no heat is left")
    given = [case.args[1:] for case in (*cases, against)]
    try:
        _judge_heat_from(subject, cases, against, _mean)
    except (IncorrectAnswer, StudentError) as told:
        # Wrong weights have cost their own part, whether they are called or computed again.
        of_weights = [Case(case.args[1:], case.label) for case in cases]
        own = compare.as_told_before(subject, "map_weights", of_weights, _mean, _WEIGHT_MISTAKES)
        with compare.standing_in(subject, "map_weights", given, _mean):
            found = [_told_of_heat(subject, cases, against, weigh) for weigh in (_mean, own)]
        if None not in found:
            named = [e for e in found if isinstance(e, IncorrectAnswer) and e.mistake]
            raise (named[0] if named else told) from None
    with compare.standing_in(subject, "map_weights", given, _mean):
        compare.leaves_arguments(subject, "heat_from", cases[:1])


def _judge_heat_from(
    subject: StudentWork, cases: list[Case], against: Case, weigh: Callable[[Array], Array]
) -> None:
    def heat(maps: Array, gradients: Array) -> Array:
        return _relu(_sum(maps, weigh(gradients)))

    compare.function(subject, "heat_from", cases, heat, [*_HEAT_MISTAKES, _LARGEST])
    # What divides by the largest heat, or takes what is there, has been told before.
    compare.function(subject, "heat_from", [against], heat)


def _told_of_heat(
    subject: StudentWork, cases: list[Case], against: Case, weigh: Callable[[Array], Array]
) -> Exception | None:
    """Return what is wrong with the heat if its weights are those of `weigh`; None if nothing."""
    try:
        _judge_heat_from(subject, cases, against, weigh)
    except (IncorrectAnswer, StudentError, ValueError) as error:  # ValueError: they fit no maps
        return error
    return None


# --- 07.3: with a tape -------------------------------------------------------------------------

_softmax = model_checks.ENDS["softmax"]


def _gathered_rows(logits: Array, asked: Array) -> Array:
    """Return gradients of `tf.gather(logits, classes)`, which takes whole rows."""
    times = np.bincount(asked.argmax(axis=1), minlength=len(asked))
    return np.ones_like(logits) * times[: len(asked), None]


#: Gradients of a score with respect to the logits, from the logits and the one-hot asked classes.
_SCORES: dict[str, Callable[[Array, Array], Array]] = {
    "logit": lambda logits, asked: asked,
    "probability": lambda logits, asked: (
        _softmax(logits) * (asked - (_softmax(logits) * asked).sum(axis=1, keepdims=True))
    ),
    "log probability": lambda logits, asked: asked - _softmax(logits),
    "loss": lambda logits, asked: _softmax(logits) - asked,
    "mean loss": lambda logits, asked: (_softmax(logits) - asked) / len(asked),
    "predicted": lambda logits, asked: np.eye(logits.shape[1])[logits.argmax(axis=1)],
    "all": lambda logits, asked: np.ones_like(logits),
    "rows": _gathered_rows,
    "all that are asked": lambda logits, asked: np.tile(asked.sum(axis=0), (len(asked), 1)),
}


def _parts(
    weights: list[Array], pictures: Array, classes: Array, score: str = "logit"
) -> tuple[Array, Array]:
    """Compute feature maps of the notebook's network, and gradients of a score of the classes."""
    kernel, bias, first, first_bias, last, last_bias = (w.astype(float) for w in weights)
    x = pictures.astype(float) / 255
    height, width = (x.shape[1] - 1) // 2, (x.shape[2] - 1) // 2
    maps = np.zeros((len(x), height, width, kernel.shape[3])) + bias
    for row in range(3):
        for column in range(3):
            part = x[:, row : row + 2 * height - 1 : 2, column : column + 2 * width - 1 : 2]
            maps += part @ kernel[row, column]
    maps = _relu(maps)
    before = maps.reshape(len(x), -1) @ first + first_bias
    logits = _relu(before) @ last + last_bias
    of_logits = _SCORES[score](logits, np.eye(last.shape[1])[classes])
    gradients = ((of_logits @ last.T) * (before > 0)) @ first.T
    return maps, gradients.reshape(maps.shape)


def _each(maps: Array, gradients: Array, formula: Callable[[Array, Array], Array] = _heat) -> Array:
    return np.stack([formula(m, g) for m, g in zip(maps, gradients, strict=True)])


#: The weights of each network that `build_inner` has given, by its key.
_Networks = dict[str, list[Array]]


def _tape_answers(networks: _Networks) -> tuple[Callable[..., Array], list[Mistake]]:
    """Return the right function for some networks, and the mistakes."""

    def of(score: str, formula: Callable[[Array, Array], Array] = _heat) -> Callable[..., Array]:
        return lambda ref, x, y: _each(*_parts(networks[ref.key], x, y, score), formula)

    def bent(how: Callable[[Array, Array], Array]) -> Callable[..., Array]:
        return lambda ref, x, y: how(*_parts(networks[ref.key], x, y))

    def of_first(answer: Callable[..., Array]) -> Callable[..., Array]:
        return lambda ref, x, y: answer(ref, x, np.full(len(y), y[0]))

    def always(index: int) -> Callable[..., Array]:
        return lambda ref, x, y: right(ref, x, np.full(len(y), index % networks[ref.key][-1].size))

    right = of("logit")
    over_batch = bent(lambda m, g: _relu(_sum(m, g.mean(axis=(0, 1, 2)))))
    return right, [
        Mistake("all asked classes at once", of("all that are asked")),
        Mistake("logarithm of the probability", of("log probability"), of("loss"), of("mean loss")),
        Mistake("mean of the scores", bent(lambda m, g: _each(m, g) / len(m))),
        Mistake("weights of the first picture", bent(lambda m, g: _relu(_sum(m, _mean(g[0]))))),
        Mistake("rows gathered", of("rows")),
        Mistake("averaged over other axes", bent(lambda m, g: _relu(_sum(m, _mean(g))))),
        Mistake("last axis kept", bent(lambda m, g: _each(m, g)[..., None])),
        Mistake(
            "order of the pictures lost",
            lambda ref, x, y: right(ref, x, y)[np.argsort(y, kind="stable")],
        ),
        Mistake("probability instead of logit", of("probability")),
        Mistake("always the predicted class", of("predicted")),
        Mistake("all classes at once", of("all")),
        Mistake("class of the first picture", of_first(right), of_first(over_batch)),
        Mistake("always the same class", *(always(index) for index in (0, 1, 2, -1))),
        Mistake("averaged over the batch", over_batch),
        Mistake("rescaled twice", lambda ref, x, y: right(ref, x / 255, y)),
        Mistake("normalized", bent(lambda m, g: _each(m, g) / _not_zero(_each(m, g).max()))),
        *(
            Mistake(mistake.key, *(of("logit", formula) for formula in mistake.answers))
            for mistake in _HEAT_MISTAKES
        ),
    ]


def _telling_weights(
    rng: np.random.Generator, given: list[tuple[Array, Array]], classes: int, maps: int
) -> list[Array]:
    """Draw weights for which each picture has evidence for its class, and against it."""
    weights: list[Array] = []
    places = ((given[0][0].shape[1] - 1) // 2) ** 2
    for _ in range(5000):
        per_map = rng.normal(0, 0.6, (maps, 8))
        weights = [
            rng.normal(0, 0.3, (3, 3, 3, maps)),
            rng.normal(0, 0.3, maps),
            rng.normal(0, 0.3, (places * maps, 8)) + np.tile(per_map, (places, 1)),
            rng.normal(0, 0.3, 8),
            rng.normal(0, 0.5, (8, classes)),
            rng.normal(0, 0.3, classes),
        ]
        sums = np.concatenate(
            [_each(*_parts(weights, *case), lambda m, g: _sum(m, _mean(g))) for case in given]
        )
        telling = sums.max(axis=(1, 2)).min() > 0.1 and sums.min(axis=(1, 2)).max() < -0.1
        if telling and all(_mistakes_differ(weights, *case) for case in given):
            break
    return [weight.astype("float32") for weight in weights]


def _mistakes_differ(weights: list[Array], pictures: Array, classes: Array) -> bool:
    """Tell whether mixing up weights or classes of several pictures changes the result.

    The network does not predict one class for all of them: so it shows which class is explained.
    """
    if len(pictures) == 1:
        return True
    of_predicted = _parts(weights, pictures, classes, "predicted")[1].mean(axis=(1, 2))
    for index in range(weights[-1].size):
        of_one = _parts(weights, pictures, np.full(len(classes), index))[1].mean(axis=(1, 2))
        if np.abs(of_one - of_predicted).max() < 0.01:
            return False
        if index == classes[0] and np.ptp(of_one, axis=0).max() <= 0.01:
            return False
    return True


def _asked(
    subject: StudentWork,
    rng: np.random.Generator,
    networks: _Networks,
    counts: tuple[int, ...],
    network: tuple[int, int, int] = (3, 4, 12),
) -> list[Case]:
    """Add a network with drawn weights to `networks`, and return the cases for `grad_cam`.

    A network is given by its numbers of classes and of maps, and the side of its pictures.
    """
    classes, maps, side = network
    shape = (side, side, 3)
    ref = compare.given(subject, "build_inner", *network, kind="model")
    given = [
        (
            rng.uniform(0, 255, (number, *shape)).astype("float32"),
            np.resize(rng.permutation(classes), number),
        )
        for number in counts
    ]
    networks[ref.key] = _telling_weights(rng, given, classes, maps)
    subject.model_set_weights(ref, shape, networks[ref.key])
    labels = [f"{n} {'picture' if n == 1 else 'pictures'} of {classes} classes" for n in counts]
    return [Case((ref, *case), label) for case, label in zip(given, labels, strict=True)]


_CLOSE: dict[str, Any] = {"rtol": 2e-3, "atol": 1e-4}


#: What exceptions of TensorFlow say, and the mistake behind it; groups are fields of its message.
_STOPS = {
    r"valid indices": "indexed with an array",
    r"non-persistent GradientTape": "tape used twice",
    r"\[0\]\.shape = \[\d+,5,5,4\] != values\[1\]\.shape = \[\d+,\d+\]$": "two outputs",
    r"ncompatible shapes: (\[\d+,1,1,3\] vs\. \[\d+,5,5,4\])": "gradient of the pictures",
    r"ncompatible shapes: (?P<one>\[[\d,]*\]) vs\. (?P<other>\[[\d,]*\])": "shapes do not fit",
    r"NoneType|\bNone\b(?!, \d)|'_id'": "score outside the tape",
}


def _judge_heat(
    subject: StudentWork, cases: list[Case], right: Callable[..., Array], mistakes: list[Mistake]
) -> None:
    try:
        compare.function(subject, "grad_cam", cases, right, mistakes, **_CLOSE)
    except StudentError as error:
        for pattern, mistake in _STOPS.items():
            found = re.search(pattern, error.message.partition(" (for ")[0])
            if found:
                raise wrong(mistake, line=error.line, **found.groupdict()) from None
        raise
    except IncorrectAnswer as told:
        of_pictures = cases[0].args[1].shape[1:3]
        if told.keys == ("shape",) and str(told.fields["got"]).endswith(f"{of_pictures}"[1:]):
            raise wrong("size of the pictures") from None
        raise


def _several(subject: StudentWork, rng: np.random.Generator) -> None:
    networks: _Networks = {}
    right, mistakes = _tape_answers(networks)
    for counts, network in (((6, 3), (3, 4, 12)), ((8,), (5, 6, 16))):
        cases = _asked(subject, rng, networks, counts, network)
        _judge_heat(subject, cases, right, mistakes)
        compare.leaves_arguments(subject, "grad_cam", cases[:1])


def _single(subject: StudentWork, rng: np.random.Generator) -> None:
    networks: _Networks = {}
    right, mistakes = _tape_answers(networks)
    first = _asked(subject, rng, networks, (6, 3))
    told = compare.as_told_before(subject, "grad_cam", first, right, mistakes, **_CLOSE)
    cases = _asked(subject, rng, networks, (1, 1, 1))
    if _enlarges(subject, first, right) and _enlarges(subject, cases, right):
        return  # this has cost the first part
    _judge_heat(subject, cases, told, mistakes)


def _enlarges(subject: StudentWork, cases: list[Case], right: Callable[..., Array]) -> bool:
    """Tell whether a function gives the right heat, enlarged to the size of the pictures.

    Whatever is done between the places of the maps, a pixel cannot be hotter or colder than all
    places around it, but for what bends a curve through them.
    """
    for case in cases:
        pictures = case.args[1]
        try:
            got = compare.numbers(subject.call("grad_cam", *case.args))
        except StudentWorkError:
            return False
        if got is None or got.shape != pictures.shape[:3]:
            return False
        heat = right(*case.args)
        side, places = pictures.shape[1], heat.shape[1]
        near = np.abs((np.arange(side) + 0.5) * places / side - 0.5 - np.arange(places)[:, None])
        around = near.T <= 1.25  # (side, places): also where corners lie on corners
        slack = 0.3 * np.ptp(heat, axis=(1, 2)) + 1e-6
        for number, one in enumerate(heat):
            high, low = (_of_neighbors(one, around, of) for of in (np.max, np.min))
            if np.any(got[number] > high + slack[number]) or np.any(
                got[number] < low - slack[number]
            ):
                return False
    return True


def _of_neighbors(heat: Array, around: Array, of: Callable[..., Array]) -> Array:
    """Return the highest or lowest heat around each pixel of an enlarged map."""
    rows = np.stack([of(heat[near], axis=0) for near in around])
    return np.stack([of(rows[:, near], axis=1) for near in around], axis=1)


# --- 07.4: the pointing game -------------------------------------------------------------------


def _inside(maps: Array, boxes: Array) -> Array:
    """Tell which pixels lie in the box of their map."""
    rows, columns = np.arange(maps.shape[1])[:, None], np.arange(maps.shape[2])
    x0, y0, x1, y1 = (side[:, None, None] for side in boxes.T)
    return np.asarray((x0 <= columns) & (columns < x1) & (y0 <= rows) & (rows < y1))


def _flat(maps: Array) -> Array:
    return maps.reshape(len(maps), -1)


def _hits(maps: Array, boxes: Array) -> Array:
    hottest = _flat(maps).argmax(axis=1)
    hit = _flat(_inside(maps, boxes))[np.arange(len(maps)), hottest]
    return np.asarray(hit & (_flat(maps).max(axis=1) > 0))


def _share(maps: Array, boxes: Array) -> float:
    return float(_hits(maps, boxes).mean())


def _without(boxes: Array, first: int, last: int) -> Array:
    """Extend boxes from one side of the map to the other."""
    wide = boxes.copy()
    wide[:, first], wide[:, last] = 0, 99
    return wide


def _hottest_in_box(maps: Array, boxes: Array) -> Array:
    """Return the hottest value in the box as a share of the hottest one of the map."""
    top = _flat(maps).max(axis=1)
    return np.asarray(_flat(maps * _inside(maps, boxes)).max(axis=1) / _not_zero(top))


def _energy(maps: Array, boxes: Array) -> Array:
    inside = (maps * _inside(maps, boxes)).sum(axis=(1, 2))
    return np.asarray(inside / _not_zero(maps.sum(axis=(1, 2))))


def _share_at(rows: Array, columns: Array, maps: Array, boxes: Array) -> float:
    """Share of the maps that are not zero and whose place lies in its box."""
    x0, y0, x1, y1 = boxes.T
    hit = (x0 <= columns) & (columns < x1) & (y0 <= rows) & (rows < y1)
    return float((hit & (_flat(maps).max(axis=1) > 0)).mean())


def _divided_by_height(maps: Array, boxes: Array) -> float:
    rows, columns = np.divmod(_flat(maps).argmax(axis=1), maps.shape[1])
    return _share_at(rows, columns, maps, boxes)


def _center(maps: Array, boxes: Array) -> float:
    """Take the center of the heat for its peak."""
    height, width = maps.shape[1:]
    rows, columns = np.mgrid[:height, :width]
    heat = _not_zero(maps.sum(axis=(1, 2)))
    row, column = ((maps * places).sum(axis=(1, 2)) / heat for places in (rows, columns))
    return _share_at(row, column, maps, boxes)


def _either(maps: Array, boxes: Array) -> float:
    """Ask for the column or the row."""
    columns, rows = (_hits(maps, _without(boxes, *sides)) for sides in ((1, 3), (0, 2)))
    return float((columns | rows).mean())


_EMPTY_MISTAKES = [
    Mistake("empty map counted", lambda m, b: _share(m - m.min() + 1, b)),
    Mistake(
        "empty maps left out",
        lambda m, b: _hits(m, b).sum() / max(1, (_flat(m).max(axis=1) > 0).sum()),
    ),
]

_POINTING_MISTAKES = [
    Mistake("x and y exchanged", lambda m, b: _share(m, b[:, [1, 0, 3, 2]])),
    Mistake("end of the box included", lambda m, b: _share(m, b + np.array([0, 0, 1, 1]))),
    Mistake("beginning of the box left out", lambda m, b: _share(m, b + np.array([1, 1, 0, 0]))),
    Mistake(
        "end taken for size",
        lambda m, b: _share(m, np.hstack([b[:, :2], b[:, :2] + b[:, 2:]])),
    ),
    Mistake(
        "only the columns",
        lambda m, b: _share(m, _without(b, 1, 3)),
        lambda m, b: _share(m, _without(b, 0, 2)),
        _either,
    ),
    Mistake("order in the box", lambda m, b: _share(m, b[:, [0, 2, 1, 3]])),
    Mistake("divided by the height", _divided_by_height),
    Mistake(
        "only the first map", lambda m, b: _hits(m, b)[0] / len(m), lambda m, b: _hits(m, b)[0]
    ),
    Mistake("center instead of peak", _center),
    Mistake("nearly the hottest", lambda m, b: (_hottest_in_box(m, b) >= 0.9).mean()),
    Mistake("weak maps missed", lambda m, b: (_hits(m, b) & (_flat(m).max(axis=1) > 0.01)).mean()),
    Mistake(
        "first pixel missed",
        lambda m, b: (_hits(m, b) & (_flat(m).argmax(axis=1) > 0)).mean(),
    ),
    Mistake(
        "one scale for all maps",
        lambda m, b: (_hits(m, b) & (_flat(m).max(axis=1) == m.max())).mean(),
    ),
    Mistake("no hits", lambda m, b: 0.0),
    Mistake("share of the heat", lambda m, b: _energy(m, b).mean()),
    Mistake("number instead of share", lambda m, b: _hits(m, b).sum()),
    Mistake("percent", lambda m, b: 100 * _share(m, b)),
    Mistake("misses counted", lambda m, b: 1 - _share(m, b)),
    Mistake("coldest pixel", lambda m, b: _share(m.max() + 1 - m, b)),
    Mistake("each map for itself", _hits),
]


def _maps_with_peaks(rng: np.random.Generator, number: int) -> tuple[Array, Array]:
    """Draw maps with peaks inside and outside of boxes, and at each of their borders."""
    height, width = 9, 13
    maps = rng.uniform(0, 1, (number, height, width))
    boxes = np.zeros((number, 4), int)
    for k in range(number):
        # The peak of the first map is its very first pixel.
        x0, y0 = (rng.integers(0, side - 5) if k else 0 for side in (width, height))
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
        x, y = (int(place) for place in places[k % 8])
        maps[k, y, x] = 2
        # The second hottest pixel is nearly as hot, and lies on the other side of the border.
        inside = _inside(maps[k : k + 1], boxes[k : k + 1])[0]
        free = np.argwhere(inside != inside[y, x])
        row, column = free[int(rng.integers(len(free)))]
        maps[k, row, column] = 1.97
    maps[maps < 0.2] = 0
    # Maps are as strong as they are: some are thousands of times weaker than others, also of hits.
    strength = np.resize([6.0, 4e-4, 6.0, 2e-6, 0.3], number)
    return maps * strength[:, None, None], boxes


def _pointing_cases(rng: np.random.Generator) -> list[Case]:
    cases = [Case(_maps_with_peaks(rng, number), f"{number} maps") for number in (8, 29, 54)]
    # One map at a time, so that one hit too many and one too few do not make up for each other.
    maps, boxes = _maps_with_peaks(rng, 16)
    single = [(maps[k : k + 1], boxes[k : k + 1]) for k in range(16)]
    return [*cases, *(Case(case, "a single map") for case in single)]


def _pointing(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _pointing_cases(rng)
    compare.function(subject, "pointing_game", cases, _share, _POINTING_MISTAKES)
    compare.leaves_arguments(subject, "pointing_game", cases[:2])


def _empty(subject: StudentWork, rng: np.random.Generator) -> None:
    first = _pointing_cases(rng)
    right = compare.as_told_before(subject, "pointing_game", first, _share, _POINTING_MISTAKES)
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

_PLACE = np.array([37, 8])
#: How far off the place may be, in pixels: two, and half a pixel for those who give the middle so.
_NEAR = 2.5


_NAMES = (
    *("dandelion", "daisy", "tulips", "sunflowers", "roses"),
    *("dandelions", "daisies", "tulip", "sunflower", "rose"),
)


def _class(subject: StudentWork, rng: np.random.Generator) -> None:
    got = compare.attempted(subject, "cheating_class")
    if isinstance(got, list | tuple | np.ndarray) and np.size(got) == 1:
        got = np.ravel(got)[0]
    if not isinstance(got, str):
        raise wrong("other: no name", got=compare.describe(got))
    name = got.strip().lower()
    if name not in _NAMES:
        raise wrong("other: no class", names=", ".join(_NAMES[:5]))
    if name not in ("roses", "rose"):
        raise wrong("another class")


def _place(subject: StudentWork, rng: np.random.Generator) -> None:
    got = compare.attempted(subject, "cheat_place")
    try:
        array = np.squeeze(np.asarray(got))  # also as `np.argwhere` or `np.where` gives a place
    except ValueError:  # lists of several lengths
        array = np.zeros(0)
    if array.shape != (2,) or array.dtype.kind not in "iuf":
        raise wrong("other: no place", got=compare.describe(got))

    def near(place: Array, distance: float) -> bool:
        return bool(np.abs(place - array).max() <= distance)

    if near(_PLACE, _NEAR):
        return
    if near(_PLACE, 5):
        raise wrong("edge instead of middle")
    if near(_PLACE[::-1], 5):
        raise wrong("row and column exchanged")
    if near(np.array([47 - _PLACE[0], _PLACE[1]]), 5):
        raise wrong("rows from the bottom")
    if array.max() < 1 and array.min() >= 0:
        raise wrong("share instead of pixels")
    if array.max() > 47 or array.min() < 0:
        raise wrong("outside of the picture")
    raise wrong("the flower" if near(np.array([23.5, 23.5]), 6) else "other: nothing special")


def _claims(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = {
        "a": "test pictures with the same fault",
        "c": "the cover is a mark",
        "e": "heat on the object is a proof",
    }
    compare.choice(subject, "true_claims", "bd", "abcde", mistakes)


EXERCISE = Exercise.of(
    "07_grad_cam",
    Question.of("07.1", _stretched, _all_zero),
    Question.of("07.2", _weights, _heat_from),
    Question.of("07.3", _several, _single),
    Question.of("07.4", _pointing, _empty),
    Question.of("07.5", _class, _place, _claims),
    Question.of("07.6"),
)
