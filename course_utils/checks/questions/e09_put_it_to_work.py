"""Check the answers to exercise 09; what they are told is in e09.toml."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np

from course_utils.checks import compare
from course_utils.checks._question import Exercise, IncorrectAnswer, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import StudentWork

Array = np.ndarray

# --- 09.1: on paper ----------------------------------------------------------------------------

_LOW, _HIGH, _NUMBER = -1.0, 2.0, 1.32
_SCALE, _ZERO, _WHOLE, _RESTORED = 0.2, -3, 4, 1.4


#: Check a number on paper; what follows from a mistake may be wrong by 0.001.
_paper = partial(compare.number_by_hand, slack=1e-3)


def _given(subject: StudentWork, name: str, otherwise: float) -> float:
    """Return what the student found in an earlier part, or the right number."""
    found = compare.earlier_number(subject, name)
    return otherwise if found is None else float(found)


def _nearest(value: float) -> float:
    return float(np.sign(value) * np.floor(abs(value) + 0.5))


def _scale(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("number of steps", 3 / 16),
        Mistake("eight bits", 3 / 255, 3 / 256),
        Mistake("0 in the middle", 2 / 7, 2 / 8),
        Mistake("only up to 0", 2 / 15, 1 / 15),
        Mistake("half of the numbers", 3 / 8, 3 / 7),
        Mistake("bits for steps", 3 / 4),
        Mistake("negative scale", -0.2),
        Mistake("the whole range", 3.0),
        Mistake("upside down", 5.0),
    ]
    _paper(subject, "scale", _SCALE, mistakes)


def _zero_point(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("sign of the zero point", 3),
        Mistake("lowest subtracted", -13),
        Mistake("counted from 0", 5),
        Mistake("0 stays 0", 0),
        Mistake("lowest value", -8),
    ]
    scale = _given(subject, "scale", _SCALE)
    follows = [_nearest(-8 - _LOW / scale)] if scale > 0 else []
    _paper(subject, "zero_point", _ZERO, mistakes, follows)


def _whole(subject: StudentWork, rng: np.random.Generator) -> None:
    scale, zero = _given(subject, "scale", _SCALE), _given(subject, "zero_point", _ZERO)
    follows = [_nearest(_NUMBER / scale) + zero] if scale > 0 else []
    mistakes = [
        Mistake("zero point forgotten", 7, 6.6),
        Mistake("zero point on the wrong side", 10, 9.6),
        Mistake("cut off", 3),
        Mistake("not rounded", 3.6),
        Mistake("steps counted from the lowest", -1),
    ]
    _paper(subject, "whole", _WHOLE, mistakes, follows)


def _restored(subject: StudentWork, rng: np.random.Generator) -> None:
    scale, zero = _given(subject, "scale", _SCALE), _given(subject, "zero_point", _ZERO)
    whole = _given(subject, "whole", _WHOLE)
    mistakes = [
        Mistake("zero point forgotten", 0.8),
        Mistake("zero point on the wrong side", 0.2),
        Mistake("the number itself", _NUMBER),
        Mistake("error instead of value", 0.08, -0.08),
        Mistake("steps instead of value", 7),
    ]
    _paper(subject, "restored", _RESTORED, mistakes, [scale * (whole - zero)])


# --- 09.2: weights in whole numbers ------------------------------------------------------------


def _highest(bits: int) -> int:
    return 2 ** (bits - 1) - 1


def _largest(weights: Array, axis: int | None) -> Array:
    return np.asarray(np.abs(weights).max(axis=axis))


def _scales(
    weights: Array,
    bits: int,
    axis: int | None = 0,
    steps: int | None = None,
    size: Callable[[Array, int | None], Array] = _largest,
) -> Array:
    """Divide the `size` of the weights of each unit by the number of steps; 1 for zeros."""
    zero = np.abs(weights).max(axis=axis) == 0
    return np.where(zero, 1, size(weights, axis) / (steps or _highest(bits)))


def _signed(weights: Array, axis: int | None) -> Array:
    return np.asarray(weights.max(axis=axis))


_SCALE_MISTAKES = [
    Mistake(
        "one scale for all",
        lambda w, b: _scales(w, b, None),
        lambda w, b: np.full(w.shape[1], _scales(w, b, None)),
    ),
    Mistake("rows instead of columns", lambda w, b: _scales(w, b, 1)),
    Mistake("axis kept", lambda w, b: _scales(w, b)[None], lambda w, b: _scales(w, b)[:, None]),
    Mistake(
        "sign forgotten",
        lambda w, b: _scales(w, b, size=_signed),
        lambda w, b: _scales(w, b, size=lambda w, axis: np.abs(_signed(w, axis))),
    ),
    Mistake("always eight bits", lambda w, b: _scales(w, 8)),
    Mistake(
        "number of steps",
        lambda w, b: _scales(w, b, steps=2**b - 1),
        lambda w, b: _scales(w, b, steps=2**b),
        lambda w, b: _scales(w, b, steps=2 ** (b - 1)),
        lambda w, b: _scales(w, b, steps=2**b - 2),
    ),
    Mistake(
        "caret for a power",
        lambda w, b: _scales(w, b, steps=2 ^ (b - 2)),  # `2 ^ (b - 1) - 1`: minus comes first
        lambda w, b: _scales(w, b, steps=(2 ^ (b - 1)) - 1),
    ),
    Mistake(
        "range of the numbers",
        lambda w, b: _scales(w, b, steps=2**b - 1, size=np.ptp),
        lambda w, b: _scales(w, b, size=np.ptp),
    ),
    Mistake("small weights", lambda w, b: np.maximum(_largest(w, 0), 1) / _highest(b)),
    Mistake("upside down", lambda w, b: 1 / _scales(w, b)),
]


def _weights(rng: np.random.Generator, inputs: int, units: int) -> Array:
    """Draw weights whose columns differ in size.

    The largest absolute value may be negative. One weight of each unit is 0, and one positive.
    """
    drawn = rng.normal(0, 1, (inputs, units)) * rng.uniform(0.2, 3, units)
    drawn[0] = -1.1 * np.abs(drawn).max(axis=0)
    drawn[1], drawn[2] = 0, np.abs(drawn[2])
    return rng.permuted(drawn, axis=0)


def _scale_cases(rng: np.random.Generator) -> list[Case]:
    return [
        Case((_weights(rng, 6, 4), 8), "6 inputs, 4 units and 8 bits"),
        Case((_weights(rng, 9, 3), 5), "9 inputs, 3 units and 5 bits"),
        Case((_weights(rng, 5, 5), 3), "5 inputs, 5 units and 3 bits"),
        Case((_weights(rng, 8, 2), 12), "8 inputs, 2 units and 12 bits"),
    ]


def _of_units(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _scale_cases(rng)
    compare.function(subject, "scales_of", cases, _scales, _SCALE_MISTAKES)
    compare.leaves_arguments(subject, "scales_of", cases[:1])


def _whole_numbers(weights: Array, scales: Array) -> Array:
    return np.round(weights / scales)


_WHOLE_MISTAKES = [
    Mistake("not rounded", lambda w, s: w / s, lambda w, s: np.round(w / s, 1)),
    Mistake("zero point added", lambda w, s: np.round(w / s) + 128),
    Mistake("cut off", lambda w, s: np.trunc(w / s), lambda w, s: np.floor(w / s)),
    Mistake("rounded up", lambda w, s: np.ceil(w / s)),
    Mistake("multiplied", lambda w, s: np.round(w * s)),
    Mistake("restored at once", lambda w, s: s * np.round(w / s)),
    Mistake("only positive numbers", lambda w, s: np.abs(np.round(w / s))),
    Mistake("wraps around", lambda w, s: np.round(w / s).astype(np.int64).astype(np.uint8)),
]


def _to_whole(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = []
    for case in _scale_cases(rng):
        scales = _scales(*case.args)
        # At a distance from the halves, where rounding rules differ.
        whole = rng.integers(-_highest(case.args[1]), _highest(case.args[1]) + 1, (7, len(scales)))
        weights = scales * (whole + rng.uniform(-0.4, 0.4, whole.shape))
        cases.append(Case((weights, scales), case.label.replace("6 inputs", "7 inputs")))
    compare.function(subject, "to_whole", cases, _whole_numbers, _WHOLE_MISTAKES)
    compare.leaves_arguments(subject, "to_whole", cases[:1])


def _zero_unit(subject: StudentWork, rng: np.random.Generator) -> None:
    name = "scales_of"
    # A mistake that the first part has told costs nothing here.
    right = compare.as_told_before(subject, name, _scale_cases(rng), _scales, _SCALE_MISTAKES)

    def zeros_become(scale: Callable[[int], float]) -> Callable[[Array, int], Array]:
        return lambda w, b: np.where(np.abs(w).max(axis=0) == 0, scale(b), right(w, b))

    to_zero = zeros_become(lambda bits: 0)
    mistakes = [
        Mistake(
            "zeros: scale 0",
            to_zero,
            lambda w, b: (to_zero if w.any() else right)(w, b),  # all units or none
            lambda w, b: right(w, b) * w.any(),  # where rows or all weights have one scale
        ),
        Mistake("zeros: weight 1", zeros_become(lambda bits: 1 / _highest(bits))),
    ]
    weights = _weights(rng, 6, 3)
    weights[:, 1] = 0
    small = weights * [1.0, 0.0, 1e-6]
    cases = [
        Case((weights, 8), "a unit whose weights are all 0"),
        Case((small, 8), "a unit whose weights are all 0, and one with very small weights"),
        Case((np.zeros((4, 4)), 8), "units whose weights are all 0"),
    ]
    try:
        compare.function(subject, name, cases, right, mistakes)
    except IncorrectAnswer:
        # What is wrong with every unit has cost its own part.
        got = np.asarray(subject.call(name, weights, 8), float)
        others_wrong = got.shape == (3,) and not np.isclose(got, _scales(weights, 8))[[0, 2]].any()
        if not (others_wrong and abs(got[1] - 1) < 1e-6):
            raise


# --- 09.3: what model.json is for --------------------------------------------------------------


def _softmax(logits: Array) -> Array:
    powers = np.exp(logits - logits.max())
    return np.asarray(powers / powers.sum())


def _answer(
    logits: Array,
    card: dict[str, Any],
    probabilities: Callable[[Array], Array] = _softmax,
    heat: float | None = None,
    sure: float | None = None,
    before: bool = False,
) -> list[Any]:
    """Return name and probability; `before` applies the threshold before the temperature.

    With a mistake, another function of the logits stands for the `probabilities`.
    """
    temperature = card["temperature"] if heat is None else heat
    p = probabilities(np.asarray(logits, float) / temperature)
    asked = probabilities(np.asarray(logits, float)) if before else p
    threshold = card["threshold"] if sure is None else sure
    unsure = threshold is not None and asked.max() < threshold
    return ["not sure" if unsure else card["class_names"][int(p.argmax())], float(p.max())]


def _inverted(logits: Array, card: dict[str, Any]) -> list[Any]:
    return _answer(logits, card, heat=1 / card["temperature"])


def _cooled_late(logits: Array, card: dict[str, Any]) -> list[Any]:
    """Divide the probability by the temperature instead of the logits."""
    return _answer(logits, card, lambda x: _softmax(x) / card["temperature"], heat=1.0)


def _second(logits: Array, card: dict[str, Any], value: Callable[[float], Any]) -> list[Any]:
    """Return another second value."""
    name, p = _answer(logits, card)
    return [name, value(p)]


def _with_logit(logits: Array, card: dict[str, Any]) -> list[Any]:
    return [_answer(logits, card)[0], float(np.max(logits) / card["temperature"])]


def _turned(
    logits: Array, card: dict[str, Any], equal: bool = True, named: bool = True
) -> list[Any]:
    """Be unsure from the threshold on; `named`: not where there is none."""
    name, p = _answer(logits, card)
    threshold = card["threshold"]
    sure = named if threshold is None else p < threshold or (not equal and p == threshold)
    return [_answer(logits, card, sure=0.0)[0] if sure else "not sure", p]


def _of_logit(logits: Array, card: dict[str, Any], cooled: bool = False) -> list[Any]:
    """Compare the largest logit with the threshold."""
    threshold, top = card["threshold"], float(np.max(logits))
    unsure = threshold is not None and top / (card["temperature"] if cooled else 1) < threshold
    name, p = _answer(logits, card, sure=0.0)
    return ["not sure" if unsure else name, p]


def _place(logits: Array, card: dict[str, Any]) -> list[Any]:
    name, p = _answer(logits, card)
    return [name if name == "not sure" else int(np.argmax(logits)), p]


def _least(logits: Array, card: dict[str, Any]) -> list[Any]:
    name, p = _answer(logits, card)
    return [name if name == "not sure" else card["class_names"][int(np.argmin(logits))], p]


#: The card that the notebook shows.
_EXAMPLE = {"class_names": ["cup", "plate", "fork"], "temperature": 1.6, "threshold": 0.7}


def _of_example(key: str) -> Callable[..., list[Any]]:
    """Return a function that takes a value of the example; None is still no threshold."""
    return lambda x, c: _answer(x, c if c[key] is None else {**c, key: _EXAMPLE[key]})


def _fixed(sure: float) -> list[Callable[..., list[Any]]]:
    """Return functions with a threshold of their own, also where the card has none, and not."""
    return [
        lambda x, c: _answer(x, c, sure=sure),
        lambda x, c: _answer(x, c, sure=None if c["threshold"] is None else sure),
    ]


#: Thresholds that one writes down without looking at the card.
_USUAL = (0.5, 0.6, 0.65, 0.75, 0.8, 0.85, 0.9)


def _with_sorted_names(logits: Array, card: dict[str, Any]) -> list[Any]:
    return _answer(logits, {**card, "class_names": sorted(card["class_names"])})


_ANSWER_MISTAKES = [
    Mistake("temperature forgotten", lambda x, c: _answer(x, c, heat=1.0)),
    Mistake("multiplied by the temperature", _inverted),
    Mistake("temperature after the softmax", _cooled_late),
    Mistake("threshold before the temperature", lambda x, c: _answer(x, c, before=True)),
    Mistake("threshold ignored", lambda x, c: _answer(x, c, sure=0.0)),
    Mistake(
        "threshold the other way round",
        *(
            partial(_turned, equal=equal, named=named)
            for named in (True, False)
            for equal in (True, False)
        ),
    ),
    Mistake("a fixed threshold", *(answer for sure in _USUAL for answer in _fixed(sure))),
    Mistake("threshold for logits", _of_logit, partial(_of_logit, cooled=True)),
    Mistake(
        "values of the example",
        *map(_of_example, _EXAMPLE),
        lambda x, c: _answer(x, {**c, "threshold": _EXAMPLE["threshold"]}),
    ),
    Mistake("names sorted", _with_sorted_names),
    Mistake("softmax twice", lambda x, c: _answer(x, c, lambda z: _softmax(_softmax(z)))),
    Mistake("logit instead of probability", _with_logit),
    Mistake(
        "not divided by the sum",
        lambda x, c: _answer(x, c, lambda z: np.exp(z - z.max())),
        lambda x, c: _answer(x, c, np.exp),
    ),
    Mistake("logits divided by their sum", lambda x, c: _answer(x, c, lambda z: z / z.sum())),
    Mistake("sigmoid", lambda x, c: _answer(x, c, lambda z: 1 / (1 + np.exp(-z)))),
    Mistake("percent", lambda x, c: _second(x, c, lambda p: 100 * p)),
    Mistake(
        "rounded",
        *(partial(_second, value=partial(round, ndigits=places)) for places in (1, 2, 3)),
        what="The probability",
    ),
    Mistake("place instead of name", _place),
    Mistake("only the name", lambda x, c: _answer(x, c)[0]),
    Mistake("order of the values", lambda x, c: _answer(x, c)[::-1]),
    Mistake("the least likely", lambda x, c: _answer(-np.asarray(x), c), _least),
]


def _card(rng: np.random.Generator, classes: int, temperature: float, threshold: Any) -> dict:
    names = ["cup", "plate", "fork", "spoon", "knife", "bowl", "glass"]
    return {
        "class_names": [names[k] for k in rng.permutation(len(names))[:classes]],
        "image_size": [96, 96],
        "temperature": temperature,
        "threshold": threshold,
    }


def _logits_of(rng: np.random.Generator, classes: int, temperature: float, p: float) -> Array:
    """Return logits whose likeliest class has the probability `p` at the temperature."""
    rest = rng.dirichlet(np.full(classes - 1, 20.0)) * (1 - p)
    logits = temperature * np.log(np.append(rest, p))
    return np.asarray(rng.permutation(logits) + rng.normal())


def _answer_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for classes, heat, threshold, p, label in (
        (3, 2.0, 0.6, 0.7237, "a sure answer"),
        (4, 1.6, 0.7, 0.5562, "an unsure answer"),
        (5, 0.5, 0.8, 0.9034, "a temperature below 1"),
        (4, 3.0, 0.75, 0.6071, "a temperature of 3"),
        (5, 1.5, 0.4, 0.4658, "a low threshold"),
        (4, 1.4, 0.7, 0.6963, "an answer just below the threshold"),
    ):
        card = _card(rng, classes, heat, threshold)
        cases.append(Case((_logits_of(rng, classes, heat, p), card), label))
    return cases


def _judge_answers(
    subject: StudentWork,
    cases: list[Case],
    reference: Callable[..., Any],
    mistakes: Iterable[Mistake],
) -> None:
    try:
        compare.function(subject, "answer", cases, reference, mistakes)
    except IncorrectAnswer as told:
        if not told.mistake:
            for case in cases:
                _say_form(subject.call("answer", *case.args), case.args[1])
        raise


def _say_form(got: Any, card: dict[str, Any]) -> None:
    """Say what is wrong with the form of an answer, if something is."""
    entries = compare.listed(got)
    if entries is None or len(entries) != 2:
        raise wrong("other: two values", got=compare.describe(got))
    name, p = entries[0], compare.one_number(entries[1])
    if p is None:
        raise wrong("other: probability", got=compare.describe(entries[1]))
    if np.isnan(p):
        raise wrong("overflow")
    if name not in [*card["class_names"], "not sure"]:
        raise wrong("other: name", got=repr(name))


def _uses_card(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _answer_cases(rng)
    _judge_answers(subject, cases, _answer, _ANSWER_MISTAKES)
    compare.leaves_arguments(subject, "answer", cases[:1])


def _no_threshold(rng: np.random.Generator) -> Case:
    card = _card(rng, 4, 1.5, None)
    return Case((_logits_of(rng, 4, 1.5, 0.3419), card), "a card without a threshold (None)")


def _number_of(answer: Any) -> float:
    """Return the number of an answer or a mistake, 0 where it has none."""
    entries = answer if isinstance(answer, list) else [answer]
    return next((float(entry) for entry in entries if isinstance(entry, int | float)), 0.0)


def _without_threshold(subject: StudentWork, rng: np.random.Generator) -> None:
    far = [
        Case(
            (level + _logits_of(rng, 3, 1.0, 0.8127), _card(rng, 3, 1.0, 0.6)),
            f"logits of about {level}",
        )
        for level in (1000, 2000, -1000)
    ]
    cases = [
        _no_threshold(rng),
        *far,
        Case(
            (np.array([-1000.0, 1000.0, 0.0]), _card(rng, 3, 1.0, 1.0)),
            "logits from -1000 to 1000, whose probability of 1 is not below a threshold of 1",
        ),
    ]
    # A mistake that the first part has told costs nothing here.
    reference = compare.as_told_before(
        subject, "answer", _answer_cases(rng), _answer, _ANSWER_MISTAKES, then=cases
    )
    # Where that mistake gives no number, nothing can be asked.
    with np.errstate(all="ignore"):
        cases = [case for case in cases if np.isfinite(_number_of(reference(*case.args)))]

    def unsure(when: Callable[[float, Any], bool]) -> Callable[..., list[Any]]:
        """Return a function that is not sure in further cases."""

        def answer(logits: Array, card: dict[str, Any]) -> list[Any]:
            name, p = _answer(logits, card)
            return ["not sure" if when(p, card["threshold"]) else name, p]

        return answer

    mistakes = [
        Mistake("None taken for not sure", unsure(lambda p, threshold: threshold is None)),
        Mistake("equal taken for below", unsure(lambda p, threshold: p == threshold)),
    ]
    _judge_answers(subject, cases, reference, mistakes)
    try:
        compare.leaves_arguments(subject, "answer", _answer_cases(rng)[:1])
    except IncorrectAnswer:
        return  # this has cost the first part
    compare.leaves_arguments(subject, "answer", cases[:1])


# --- 09.4: a threshold -------------------------------------------------------------------------


def _reached(confidence: Array, right: Array, precision: float) -> list[float]:
    """Return the confidences from which on the precision is reached, the lowest first."""
    levels = np.unique(confidence)
    return [float(t) for t in levels if right[confidence >= t].mean() >= precision]


def _lowest(confidence: Array, right: Array, precision: float) -> float | None:
    return next(iter(_reached(confidence, right, precision)), None)


def _first_failure(confidence: Array, right: Array, precision: float) -> float | None:
    """Go down from the highest confidence, and stop where the precision is missed once."""
    kept = None
    for level in np.unique(confidence)[::-1]:
        if right[confidence >= level].mean() < precision:
            break
        kept = float(level)
    return kept


def _ties_cut(
    order: Callable[[Array, Array], Any],
) -> Callable[[Array, Array, float], float | None]:
    """Return a function that answers picture by picture in an order, also among equal ones."""

    def found(confidence: Array, right: Array, precision: float) -> float | None:
        places = np.asarray(order(confidence, right))
        shares = np.cumsum(right[places]) / np.arange(1, len(places) + 1)
        good = np.flatnonzero(shares >= precision)
        return float(confidence[places][good[-1]]) if len(good) else None

    return found


#: How pictures come to be sorted by falling confidence; equal ones stand in another order in each.
_ORDERS: tuple[Callable[[Array, Array], Any], ...] = (
    lambda c, r: np.argsort(-c),
    lambda c, r: np.argsort(-c, kind="stable"),
    lambda c, r: np.argsort(c)[::-1],
    lambda c, r: np.argsort(c, kind="stable")[::-1],
    lambda c, r: np.lexsort((~r, -c)),  # as sorted(zip(confidence, right), reverse=True) does
)


def _first_of(
    levels: Callable[[Array, Array], Any], share: Callable[[float, Array, Array], Any]
) -> Callable[[Array, Array, float], float | None]:
    """Return a function that takes the first of some levels at which a share is reached."""

    def found(confidence: Array, right: Array, precision: float) -> float | None:
        for level in levels(confidence, right):
            if share(level, confidence, right) >= precision:
                return float(level)
        return None

    return found


def _sorted(confidence: Array, right: Array) -> Array:
    return np.unique(confidence)


def _precision_at(level: float, confidence: Array, right: Array) -> float:
    return float(right[confidence >= level].mean())


def _at_lowest(
    value: Callable[[float, Array, Array], Any],
) -> Callable[[Array, Array, float], Any]:
    """Return a function that finds the right threshold, and returns something else there."""

    def found(confidence: Array, right: Array, precision: float) -> Any:
        level = _lowest(confidence, right, precision)
        return None if level is None else value(level, confidence, right)

    return found


def _rounded_to(places: int) -> Callable[..., float]:
    return lambda t, c, r: round(_precision_at(t, c, r), places)


_THRESHOLD_MISTAKES = [
    Mistake("highest instead of lowest", lambda c, r, p: max(_reached(c, r, p), default=None)),
    Mistake("stopped at the first failure", _first_failure),
    Mistake(
        "above only",
        _first_of(lambda c, r: _sorted(c, r)[:-1], lambda t, c, r: r[c > t].mean()),
    ),
    Mistake("share of all pictures", _first_of(_sorted, lambda t, c, r: (r & (c >= t)).mean())),
    Mistake(
        "coverage instead of precision",
        _first_of(lambda c, r: _sorted(c, r)[::-1], lambda t, c, r: (c >= t).mean()),
    ),
    Mistake("always the lowest", lambda c, r, p: c.min()),
    Mistake("at most the threshold", _first_of(_sorted, lambda t, c, r: r[c <= t].mean())),
    Mistake("equal confidences only", _first_of(_sorted, lambda t, c, r: r[c == t].mean())),
    Mistake("order of the pictures", _first_of(lambda c, r: c, _precision_at)),
    Mistake("only right pictures", _first_of(lambda c, r: np.unique(c[r]), _precision_at)),
    Mistake(
        "confidence instead of precision",
        _first_of(_sorted, lambda t, c, r: c[c >= t].mean()),
        _first_of(_sorted, lambda t, c, r: t),
    ),
    Mistake(
        "share rounded",
        *(_first_of(_sorted, _rounded_to(places)) for places in (1, 2, 3)),
    ),
    Mistake(
        "a fixed precision",
        *(lambda c, r, p, fixed=fixed: _lowest(c, r, fixed) for fixed in (0.9, 0.95, 0.8, 0.7)),
    ),
    Mistake("sorted alone", lambda c, r, p: _lowest(np.sort(c), r, p)),
    Mistake("the precision itself", lambda c, r, p: p, _at_lowest(_precision_at)),
    Mistake(
        "a number of pictures",
        _at_lowest(lambda t, c, r: (c >= t).sum()),
        _at_lowest(lambda t, c, r: (c < t).sum()),
    ),
    Mistake(
        "a share instead of a threshold", lambda c, r, p: float((c >= _lowest(c, r, p)).mean())
    ),
]


def _made(rng: np.random.Generator, count: int, ties: bool = False) -> tuple[Array, Array]:
    confidence = rng.uniform(0.25, 0.99, count)
    confidence = np.round(confidence, 1) if ties else np.round(confidence, 4)
    right = rng.uniform(size=count) < confidence
    # One of the surest answers is wrong and the next ones are right: the precision falls and rises.
    order = np.argsort(-confidence, kind="stable")
    right[order[:12]] = True
    right[order[2]] = False
    return confidence, right


def _backward(confidence: Array, right: Array) -> tuple[Array, Array]:
    return confidence[::-1].copy(), right[::-1].copy()


def _threshold_cases(rng: np.random.Generator) -> list[Case]:
    small = np.array([0.95, 0.55, 0.9, 0.7, 0.6]), np.array([True, False, True, False, True])
    falling = np.array([0.9, 0.6, 0.8, 0.7]), np.array([True, False, True, False])
    third = np.array([0.7, 0.9, 0.5]), np.array([True, True, False])
    return [
        Case((*small, 0.7), "five pictures and a precision of 0.7"),
        # With all pictures together this precision is reached, in the other cases it is not.
        Case((*small, 0.55), "five pictures and a precision of 0.55"),
        Case((*falling, 0.6), "four pictures and a precision of 0.6"),
        Case((*third, 0.67), "three pictures and a precision of 0.67"),
        Case((*_made(rng, 60), 0.871), "60 pictures and a precision of 0.871"),
        Case((*_made(rng, 150), 0.838), "150 pictures and a precision of 0.838"),
    ]


def _lowest_threshold(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _threshold_cases(rng)
    try:
        compare.function(subject, "threshold_for", cases, _lowest, _THRESHOLD_MISTAKES)
    except IncorrectAnswer as told:
        got = compare.one_number(subject.call("threshold_for", *cases[0].args))
        if not told.mistake and got is not None and got not in cases[0].args[0]:
            raise wrong("other: no confidence") from None
        raise
    compare.leaves_arguments(subject, "threshold_for", cases[:2])


def _special(subject: StudentWork, rng: np.random.Generator) -> None:
    hopeless = np.array([0.9, 0.8, 0.7]), np.array([False, True, False])
    none = Case((*hopeless, 0.9), "pictures among which no threshold reaches the precision")
    got = subject.call("threshold_for", *none.args)
    before = _threshold_cases(rng)
    reference = compare.as_told_before(
        subject, "threshold_for", before, _lowest, _THRESHOLD_MISTAKES
    )
    if got is not None and reference(*none.args) is None:
        raise wrong("not None")
    equal = np.array([0.8, 0.9, 0.7, 0.8]), np.array([True, True, False, False])
    many = _made(rng, 80, ties=True)
    cases = [
        Case((*equal, 0.9), "four pictures, two of equal confidence"),
        Case((*_backward(*equal), 0.9), "the same four pictures, backward"),
        Case((*many, 0.853), "pictures with equal confidences"),
        Case((*_backward(*many), 0.853), "the same pictures with equal confidences, backward"),
        Case((np.array([0.4, 0.8, 0.6]), np.array([True, True, True]), 1.0), "only right answers"),
        Case(
            (np.array([0.4, 0.0]), np.array([True, True]), 1.0),
            "right answers, one of confidence 0",
        ),
    ]
    mistakes = [
        Mistake(
            "more than the precision",
            lambda c, r, p: _lowest(c, r, np.nextafter(p, np.inf)),
        ),
        Mistake("ties cut", *map(_ties_cut, _ORDERS)),
        Mistake("0 taken for None", lambda c, r, p: _lowest(c, r, p) or None),
    ]
    if _is_right(subject, before):  # otherwise it is another mistake that gives the same here
        mistakes += _THRESHOLD_MISTAKES
    compare.function(subject, "threshold_for", cases, reference, mistakes)


def _is_right(subject: StudentWork, cases: list[Case]) -> bool:
    return all(
        compare.close(subject.call("threshold_for", *case.args), _lowest(*case.args))
        for case in cases
    )


EXERCISE = Exercise.of(
    "09_put_it_to_work",
    Question.of("09.1", _scale, _zero_point, _whole, _restored),
    Question.of("09.2", _of_units, _to_whole, _zero_unit),
    Question.of("09.3", _uses_card, _without_threshold),
    Question.of("09.4", _lowest_threshold, _special),
    Question.of("09.5"),
)
