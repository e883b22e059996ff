"""What exercise 01 asks, and how its answers are judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils import convolution
from course_utils.checks import compare
from course_utils.checks._question import Exercise, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import StudentWork

Array = np.ndarray

# --- 01.1: by hand -----------------------------------------------------------------------------

_PICTURE = np.array(
    [[0, 0, 0, 0, 0], [3, 0, 3, 0, 0], [0, 3, 2, 3, 3], [2, 0, 0, 2, 0], [0, 3, 3, 0, 0]]
)
_KERNEL = np.array([[1, 0, -1], [2, 1, 0], [0, -1, -3]])
_BIAS = 1


def _window(row: int, column: int, kernel: Array = _KERNEL, bias: int = _BIAS) -> int:
    return int((_PICTURE[row : row + 3, column : column + 3] * kernel).sum()) + bias


#: What some mistakes give, at any place of the filter.
_BY_HAND_MISTAKES = (
    Mistake("bias forgotten: by hand", lambda r, c: _window(r, c, bias=0)),
    Mistake("bias subtracted", lambda r, c: _window(r, c, bias=-1)),
    Mistake("kernel flipped", lambda r, c: _window(r, c, _KERNEL[::-1, ::-1])),
    Mistake("axes swapped: filter", lambda r, c: _window(r, c, _KERNEL.T)),
    Mistake("sign lost", lambda r, c: -_window(r, c)),
)
_RELU = Mistake("ReLU too early", 0)


def _at(row: int, column: int) -> list[Mistake]:
    return [Mistake(mistake.key, mistake.answer(row, column)) for mistake in _BY_HAND_MISTAKES]


def _first(subject: StudentWork, rng: np.random.Generator) -> None:
    """The one right number; how it was found is not asked."""
    mistakes = [*_at(0, 0), _RELU, Mistake("values exchanged", _window(0, 2))]
    compare.number(subject, "first", _window(0, 0), mistakes)


def _second(subject: StudentWork, rng: np.random.Generator) -> None:
    """The one right number, or what the mistake of `first` gives two columns further."""
    # A mistake in the products or the bias has cost the point of `first`; here the place counts.
    first = compare.earlier_number(subject, "first")
    second = compare.one_number(compare.attempted(subject, "second"))
    for mistake in _BY_HAND_MISTAKES:
        if (first, second) == (mistake.answer(0, 0), mistake.answer(0, 2)):
            return

    mistakes = [
        Mistake("stride wrong", _window(0, 1)),
        Mistake("axes swapped: moved down", _window(2, 0), _window(1, 0)),
        *(
            mistake for mistake in _at(0, 2) if mistake.name != "bias subtracted"
        ),  # gives what stride 1 gives
        _RELU,
        Mistake("values exchanged", _window(0, 0)),
    ]
    compare.number(subject, "second", _window(0, 2), mistakes)


def _weights(subject: StudentWork, rng: np.random.Generator) -> None:
    """The one right number, exactly."""
    mistakes = [
        Mistake("bias forgotten: of a layer", 12 * 75),
        Mistake("one bias for all", 12 * 75 + 1),
        Mistake("channels forgotten", 12 * 26, 12 * 25),
        Mistake("bias for each channel", 12 * 3 * 26),
        Mistake("filters forgotten", 76),
        Mistake("size of the picture counted", 12 * (64 * 64 * 3 + 1), 912 * 64 * 64),
        Mistake("values counted", 12 * 60 * 60, 12 * 64 * 64),
    ]
    compare.number(subject, "weights", 912, mistakes, whole=True)


# --- 01.2: the convolution ---------------------------------------------------------------------


def _convolve(image: Array, kernel: Array, bias: float = 0.0, stride: int = 1) -> Array:
    return np.asarray(convolution.feature_map(image, kernel, bias, stride))


def _steps_in_map(image: Array, kernel: Array, bias: float = 0.0, stride: int = 1) -> Array:
    """The map of stride 1, cut to the size that the stride gives."""
    height, width = _convolve(image, kernel, bias, stride).shape
    return _convolve(image, kernel, bias)[:height, :width]


#: Mistakes in the value of a window: they are told, and cost a point, once.
_VALUE_MISTAKES = (
    Mistake("kernel flipped", lambda i, k, b=0.0, s=1: _convolve(i, k[::-1, ::-1], b, s)),
    Mistake("bias forgotten", lambda i, k, b=0.0, s=1: _convolve(i, k, 0.0, s)),
    Mistake("bias subtracted", lambda i, k, b=0.0, s=1: _convolve(i, k, -b, s)),
    Mistake("bias added too often", lambda i, k, b=0.0, s=1: _convolve(i, k, b * k.size, s)),
    Mistake("ReLU too early", lambda i, k, b=0.0, s=1: np.maximum(_convolve(i, k, b, s), 0)),
    Mistake("maximum instead of sum", lambda i, k, b=0.0, s=1: _max_of_products(i, k, b, s)),
    Mistake("mean instead of sum", lambda i, k, b=0.0, s=1: _convolve(i, k / k.size, b, s)),
    Mistake("decimals lost: map", lambda i, k, b=0.0, s=1: np.trunc(_convolve(i, k, b, s))),
    Mistake(
        "decimals lost: arguments",
        lambda i, k, b=0.0, s=1: _convolve(np.trunc(i), k, b, s),
        lambda i, k, b=0.0, s=1: _convolve(i, np.trunc(k), b, s),
        lambda i, k, b=0.0, s=1: _convolve(i, k, int(b), s),
    ),
    Mistake("rounded: map", lambda i, k, b=0.0, s=1: np.round(_convolve(i, k, b, s), 2)),
)

_CONVOLVE_MISTAKES = (
    *_VALUE_MISTAKES,
    Mistake("kernel turned", lambda i, k, b=0.0, s=1: _convolve(i, k.T, b, s)),
    Mistake("off by one: too small", lambda i, k, b=0.0, s=1: _convolve(i, k, b, s)[:-1, :-1]),
    Mistake(
        "off by one: too large",
        lambda i, k, b=0.0, s=1: np.pad(_convolve(i, k, b, s), ((0, 1), (0, 1))),
    ),
    Mistake("padding wrong", lambda i, k, b=0.0, s=1: convolution.feature_map(i, k, b, s, "same")),
    Mistake("axes swapped", lambda i, k, b=0.0, s=1: _convolve(i, k, b, s).T),
)

_STRIDE_MISTAKES = (
    Mistake("stride ignored", lambda i, k, b=0.0, s=1: _convolve(i, k, b)),
    Mistake("stride wrong", _steps_in_map),
    Mistake(
        "stride in one direction",
        lambda i, k, b=0.0, s=1: _convolve(i, k, b)[:, ::s],
        lambda i, k, b=0.0, s=1: _convolve(i, k, b)[::s],
    ),
)


def _max_of_products(image: Array, kernel: Array, bias: float, stride: int) -> Array:
    from numpy.lib.stride_tricks import sliding_window_view

    windows = sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return np.asarray((windows * kernel).max(axis=(-1, -2)) + bias)


def _cases(
    rng: np.random.Generator,
    sizes: list[tuple[tuple[int, int], tuple[int, int]]],
    stride: int | None = None,
) -> list[Case]:
    cases = []
    for number, (image, kernel) in enumerate(sizes):
        label = f"a picture of {image[0]} × {image[1]} and a filter of {kernel[0]} × {kernel[1]}"
        if stride not in (None, 1):
            label += f" with a stride of {stride}"
        bias = round(float(rng.uniform(0.5, 3)) * (-1) ** number, 2)
        args = (rng.normal(size=image), rng.normal(size=kernel), bias)
        cases.append(Case(args if stride is None else (*args, stride), label))
    return cases


def _whole_pixels(rng: np.random.Generator) -> list[Case]:
    """Pictures of whole numbers, as files have them; the values of the map are not whole."""
    cases = []
    for dtype in ("int64", "uint8"):
        pixels = rng.integers(0, 256, (5, 5)).astype(dtype)
        label = "a picture of whole numbers (from 0 to 255)"
        cases.append(Case((pixels, rng.normal(size=(3, 3)), 0.25), label))
    kernel = rng.integers(-3, 4, (3, 3))
    both = "a picture and a filter of whole numbers, and a bias with decimals"
    return [
        *cases,
        Case((rng.normal(size=(5, 5)), kernel, 0.5), "a filter of whole numbers"),
        Case((rng.integers(0, 256, (5, 5)), kernel, -0.75), both),
    ]


def _square(rng: np.random.Generator) -> list[Case]:
    cases = _cases(rng, [((4, 4), (3, 3)), ((6, 6), (2, 2)), ((3, 3), (3, 3)), ((5, 5), (1, 1))])
    args = (rng.normal(size=(4, 4)), rng.normal(size=(3, 3)))
    return [*cases, Case(args, "no bias at all")]


def _convolve_square(subject: StudentWork, rng: np.random.Generator) -> None:
    """The value of a window: flip, bias, default values, types, decimals, arguments left alone.

    Height and width that differ, and strides, belong to the other parts.
    """
    cases, mistakes = [*_square(rng), *_whole_pixels(rng)], _CONVOLVE_MISTAKES
    compare.function(subject, "convolve", cases, _convolve, mistakes)
    more = [*_cases(rng, [((4, 7), (3, 2))]), *_cases(rng, [((7, 7), (3, 3))], stride=2)]
    compare.leaves_arguments(subject, "convolve", [*cases[:2], *more])


def _told_before(subject: StudentWork, rng: np.random.Generator) -> Any:
    """What the values of their map are, with the mistake that the first part has told."""
    return compare.as_told_before(subject, "convolve", _square(rng), _convolve, _VALUE_MISTAKES)


def _convolve_any(subject: StudentWork, rng: np.random.Generator) -> None:
    """Height and width of picture and filter that differ, to the right and downwards."""
    sizes = [
        ((4, 7), (3, 3)),
        ((6, 5), (2, 4)),
        ((8, 3), (3, 1)),
        ((3, 4), (3, 4)),
        ((9, 7), (6, 5)),
    ]
    cases = _cases(rng, sizes, stride=1)  # the default value belongs to the first part
    want = _told_before(subject, rng)
    compare.function(subject, "convolve", cases, want, _CONVOLVE_MISTAKES)


def _convolve_stride(subject: StudentWork, rng: np.random.Generator) -> None:
    """Steps in both directions, with and without a rest, larger than the filter, too."""
    cases = [
        *_cases(rng, [((7, 7), (3, 3)), ((8, 6), (3, 3)), ((9, 12), (5, 6))], stride=2),
        *_cases(rng, [((9, 11), (2, 3)), ((6, 4), (1, 1))], stride=3),
        *_cases(rng, [((5, 6), (3, 3))], stride=4),
    ]
    mistakes = (*_STRIDE_MISTAKES, *_CONVOLVE_MISTAKES)
    want = _told_before(subject, rng)
    compare.function(subject, "convolve", cases, want, mistakes)


# --- 01.3: the size of a map -------------------------------------------------------------------


def _size_cases(padding: str, strides: tuple[int, ...]) -> list[Case]:
    return [
        Case((n, k, s, padding), f"n = {n}, k = {k}, s = {s}, {padding!r}")
        for n, k in [(6, 3), (28, 5), (96, 3), (7, 7), (11, 2), (10, 4), (5, 1)]
        for s in strides
    ]


def _size(n: int, k: int, s: int = 1, padding: str = "valid") -> int:
    return convolution.output_size(n, k, s, padding)


_SIZE_MISTAKES = [
    Mistake(
        "off by one: one place missing",
        lambda n, k, s=1, p="valid": (n - k) // s if p == "valid" else _size(n, k, s, p),
    ),
    Mistake(
        "off by one: added before dividing",
        lambda n, k, s=1, p="valid": (n - k + 1) // s if p == "valid" else _size(n, k, s, p),
    ),
    Mistake(
        "rounded up",
        lambda n, k, s=1, p="valid": (
            math.ceil((n - k) / s) + 1 if p == "valid" else _size(n, k, s, p)
        ),
    ),
    Mistake("not rounded", lambda n, k, s=1, p="valid": (n - k) / s + 1 if p == "valid" else n / s),
    Mistake("stride ignored", lambda n, k, s=1, p="valid": n - k + 1 if p == "valid" else n),
    Mistake(
        "rounded down", lambda n, k, s=1, p="valid": n // s if p == "same" else _size(n, k, s, p)
    ),
    Mistake(
        "padding wrong: size kept",
        lambda n, k, s=1, p="valid": n if p == "same" else _size(n, k, s, p),
    ),
    Mistake("padding wrong: ignored", lambda n, k, s=1, p="valid": _size(n, k, s, "valid")),
    Mistake(
        "arguments exchanged",
        lambda n, k, s=1, p="valid": (k - n) // s + 1 if p == "valid" else -(-k // s),
    ),
    Mistake(
        "padding wrong: exchanged",
        lambda n, k, s=1, p="valid": _size(n, k, s, "same" if p == "valid" else "valid"),
    ),
]


def _are_floats(subject: StudentWork, padding: str) -> bool:
    """Whether their sizes are floats such as 4.0, which a whole number is not."""
    gots = [subject.call("map_size", *case.args) for case in _size_cases(padding, (1, 2, 3))]
    return any(isinstance(compare.one_number(got), float) for got in gots)


def _sizes(subject: StudentWork, cases: list[Case]) -> None:
    compare.function(subject, "map_size", cases, _size, _SIZE_MISTAKES)


def _size_valid(subject: StudentWork, rng: np.random.Generator) -> None:
    """The formula for odd and even sizes and filters, default values, whole numbers."""
    defaults = [Case((int(n), 3), f"n = {n}, k = 3") for n in rng.integers(5, 40, 2)]
    strides = [Case((int(n), 3, 2), f"n = {n}, k = 3, s = 2") for n in rng.integers(5, 40, 2)]
    _sizes(subject, [*_size_cases("valid", (1, 2, 3)), *defaults, *strides])
    if _are_floats(subject, "valid"):
        raise wrong("not a whole number")


def _size_same(subject: StudentWork, rng: np.random.Generator) -> None:
    """The same with a border; whole numbers, where the other part has not refused them."""
    more = [Case((int(n), 3, 4, "same"), f"n = {n}, k = 3, s = 4") for n in rng.integers(9, 40, 3)]
    _sizes(subject, [*_size_cases("same", (1, 2, 3)), *more])
    # Floats cost one point, not two.
    if _are_floats(subject, "same") and not _are_floats(subject, "valid"):
        raise wrong("not a whole number")


# --- 01.4: pooling -----------------------------------------------------------------------------


def _pool(values: Array, size: int = 2, kind: str = "max") -> Array:
    pooling = convolution.max_pool if kind == "max" else convolution.average_pool
    return np.asarray(pooling(values, size))


def _in_steps(values: Array, size: int, kind: str, step: int) -> Array:
    """Windows that begin `step` pixels after the one before."""
    pooling = convolution.max_pool if kind == "max" else convolution.average_pool
    return np.asarray(pooling(values, size, step))


def _places_of_height(values: Array, size: int = 2, kind: str = "max") -> Array:
    """As many windows to the right as downwards."""
    places = values.shape[0] // size
    return _pool(values[:, : places * size], size, kind)


def _filled(values: Array, size: int = 2, kind: str = "max") -> Array:
    """Windows that stick out are kept, with what lies in them."""
    fill = -np.inf if kind == "max" else np.nan
    height, width = (-n % size for n in values.shape)
    padded = np.pad(values.astype(float), ((0, height), (0, width)), constant_values=fill)
    rows, columns = padded.shape[0] // size, padded.shape[1] // size
    windows = padded.reshape(rows, size, columns, size)
    return np.asarray((np.max if kind == "max" else np.nanmean)(windows, axis=(1, 3)))


def _mean_without_zeros(values: Array, size: int, kind: str) -> Array:
    share = _pool((values != 0).astype(float), size, "average")
    return _pool(values, size, kind) / (np.where(share > 0, share, 1) if kind != "max" else 1)


def _wrapped(values: Array, size: int = 2, kind: str = "max") -> Array:
    """Sums of uint8 that stay uint8: behind 255 they begin at 0 again."""
    if kind == "max" or values.dtype != np.uint8:
        return _pool(values, size, kind)
    return np.asarray(np.round(_pool(values, size, kind) * size**2) % 256 / size**2)


#: Mistakes in where the windows lie: they are told, and cost a point, once.
_WINDOW_MISTAKES = (
    Mistake("windows overlap", lambda v, size=2, kind="max": _in_steps(v, size, kind, 1)),
    Mistake("steps of two", lambda v, size=2, kind="max": _in_steps(v, size, kind, 2)),
    Mistake("size ignored", lambda v, size=2, kind="max": _pool(v, 2, kind)),
    Mistake("height for width", _places_of_height),
    Mistake("off by one", lambda v, size=2, kind="max": _pool(v, size, kind)[:-1, :-1]),
    Mistake("axes swapped", lambda v, size=2, kind="max": _pool(v, size, kind).T),
)

_POOL_MISTAKES = [
    *_WINDOW_MISTAKES,
    Mistake("average instead of maximum", lambda v, size=2, kind="max": _pool(v, size, "average")),
    Mistake("maximum instead of average", lambda v, size=2, kind="max": _pool(v, size, "max")),
    Mistake(
        "sum instead of average",
        lambda v, size=2, kind="max": _pool(v, size, kind) * (size**2 if kind != "max" else 1),
    ),
    Mistake(
        "divided by four",
        lambda v, size=2, kind="max": _pool(v, size, kind) * (size**2 / 4 if kind != "max" else 1),
    ),
    Mistake(
        "starts at zero",
        lambda v, size=2, kind="max": (
            np.maximum(_pool(v, size, kind), 0) if kind == "max" else _pool(v, size, kind)
        ),
    ),
    Mistake("zeros left out", lambda v, size=2, kind="max": _mean_without_zeros(v, size, kind)),
    Mistake("rounded: mean", lambda v, size=2, kind="max": np.round(_pool(v, size, kind), 2)),
    Mistake("sums wrap around", _wrapped),
    Mistake("incomplete windows kept", _filled),
    Mistake("minimum", lambda v, size=2, kind="max": -_pool(-v, size, kind)),
    Mistake(
        "single pixels",
        lambda v, size=2, kind="max": v[: v.shape[0] // size * size : size][
            :, : v.shape[1] // size * size : size
        ],
    ),
]


def _pool_cases(
    rng: np.random.Generator, kind: str | None, shapes: list[tuple[int, int]], size: int
) -> list[Case]:
    options = () if kind is None else (kind,)
    word = "maximum" if kind in (None, "max") else "average"
    return [
        Case(
            (rng.normal(-1, 2, (h, w)), size, *options),
            f"the {word} of windows of {size} × {size} on a map of {h} × {w}",
        )
        for h, w in shapes
    ]


def _active(rng: np.random.Generator, shape: tuple[int, int], size: int, kind: str) -> Case:
    """A map as it is after ReLU: many values are 0, and one window holds nothing else."""
    values = np.maximum(rng.normal(0, 2, shape), 0)
    values[:size, :size] = 0
    values[size : 2 * size, 0] = 0
    return Case((values, size, kind), f"a map after ReLU, with windows of {size} × {size}")


def _whole(rng: np.random.Generator, kind: str) -> list[Case]:
    """Maps of whole numbers, whose means are not whole."""
    label = f"the {'maximum' if kind == 'max' else 'average'} of a map of whole numbers"
    values = (
        rng.integers(0, 100, (4, 6)),
        np.array([[1, 2, 8, 9], [3, 5, -8, -7]]),
        rng.integers(100, 256, (4, 6)).astype("uint8"),  # as pictures are: four are more than 255
    )
    return [Case((value, 2, kind), label) for value in values]


def _pool_with(subject: StudentWork, cases: list[Case], want: Callable[..., Any] = _pool) -> None:
    compare.function(subject, "pool", cases, want, _POOL_MISTAKES)


def _largest(rng: np.random.Generator) -> list[Case]:
    cases = _pool_cases(rng, "max", [(4, 4), (6, 8)], 2)
    cases += _pool_cases(rng, "max", [(6, 9)], 3) + _pool_cases(rng, None, [(4, 6)], 2)
    values = rng.normal(-1, 2, (6, 6))
    cases.append(Case((values,), "a map of 6 × 6, where nothing is said of size and kind"))
    all_negative = -rng.uniform(1, 2, (4, 4))
    cases.append(Case((all_negative, 2, "max"), "a map of negative values"))
    cases += [*_pool_cases(rng, "max", [(3, 4)], 1), _active(rng, (6, 6), 2, "max")]
    return [*cases, *_whole(rng, "max")]


def _pool_max(subject: StudentWork, rng: np.random.Generator) -> None:
    """The largest value: sizes 1 to 3, default values, negative values, whole numbers.

    That the argument is left alone is looked at here for both kinds.
    """
    cases = _largest(rng)
    _pool_with(subject, cases)
    more = _pool_cases(rng, "average", [(4, 6)], 2) + _pool_cases(rng, "average", [(7, 5)], 3)
    compare.leaves_arguments(subject, "pool", [*cases[:2], *more])


def _pool_average(subject: StudentWork, rng: np.random.Generator) -> None:
    """The mean: sizes 1 to 3, zeros, whole numbers; not rounded.

    Windows in other places have cost the point of the maximum.
    """
    cases = _pool_cases(rng, "average", [(4, 4), (6, 8)], 2)
    cases += _pool_cases(rng, "average", [(6, 9)], 3) + _pool_cases(rng, "average", [(3, 4)], 1)
    cases += [_active(rng, (6, 6), 2, "average"), _active(rng, (6, 9), 3, "average")]
    asked = ("pool", _largest(rng), _pool, _WINDOW_MISTAKES)
    want = compare.as_told_before(subject, *asked)
    _pool_with(subject, [*cases, *_whole(rng, "average")], want)


def _pool_rest(subject: StudentWork, rng: np.random.Generator) -> None:
    """What is left out, in rows, in columns and in both; whatever the windows give."""
    cases = _pool_cases(rng, "max", [(5, 7), (9, 4), (4, 9)], 2)
    cases += _pool_cases(rng, "average", [(11, 7)], 3) + _pool_cases(rng, "max", [(5, 6)], 4)
    if not _leaves_out(subject, cases):
        _pool_with(subject, cases)


def _leaves_out(subject: StudentWork, cases: list[Case]) -> bool:
    """Whether the rest is left out by a function that is wrong otherwise, which has cost points.

    Then it gives the same for the map without that rest, one value for each window.
    """
    for case in cases:
        values, size = case.args[:2]
        height, width = (n // size for n in values.shape)
        got, cut = (
            subject.call("pool", given, *case.args[1:])
            for given in (values, values[: height * size, : width * size])
        )
        array = compare.numbers(got)
        if array is None or array.shape != (height, width) or not compare.close(got, cut):
            return False
        if array.size > 1 and np.ptp(array) == 0:  # nothing is pooled
            return False
    return True


# --- 01.5: a filter for falling strokes --------------------------------------------------------


def _filter(subject: StudentWork) -> tuple[Array, float]:
    rows = compare.attempted(subject, "my_kernel")
    given = compare.attempted(subject, "my_bias")
    try:
        kernel = np.asarray(rows)
    except ValueError:  # rows of different lengths
        kernel = np.zeros(0)
    if kernel.dtype.kind not in "iuf" or kernel.shape != (3, 3):
        raise wrong("shape: kernel")
    bias = compare.one_number(given)
    if bias is None:
        raise wrong("not a number", name="my_bias", got=compare.describe(given))
    if not (np.all(np.isfinite(kernel)) and np.isfinite(bias)):
        raise wrong("not finite: filter")
    kernel = kernel.astype(float)
    size = np.abs(kernel).sum() + abs(bias)
    return kernel / (size or 1.0), bias / (size or 1.0)


#: All 512 windows of black and white pixels.
_WINDOWS = np.array([[int(bit) for bit in f"{k:09b}"] for k in range(512)]).reshape(-1, 3, 3)
_FALLING = _WINDOWS[:, [0, 1, 2], [0, 1, 2]].all(axis=1)
_RISING = _WINDOWS[:, [0, 1, 2], [2, 1, 0]].all(axis=1)


def _sums(subject: StudentWork) -> tuple[Array, float]:
    """The sum of each window before the bias, and the bias."""
    kernel, bias = _filter(subject)
    return np.asarray((_WINDOWS * kernel).sum(axis=(1, 2))), bias


def _found(subject: StudentWork) -> Array:
    sums, bias = _sums(subject)
    return np.asarray(sums + bias > 1e-12)  # numbers such as 0.1 are not exact


def _filter_finds(subject: StudentWork, rng: np.random.Generator) -> None:
    """Every one of the 512 windows of black and white pixels."""
    found = _found(subject)
    if found[_FALLING].all():
        return
    if found[_RISING].all():
        raise wrong("other diagonal: rising")
    if not found.any():
        raise wrong("bias too low: not found")
    raise wrong("other pixels count: not found")


def _filter_refuses(subject: StudentWork, rng: np.random.Generator) -> None:
    """Every one of the 512 windows of black and white pixels."""
    found = _found(subject)
    # The wrong diagonal and a bias that is too low have cost the other point.
    if np.array_equal(found, _RISING):
        return
    if not found[~_FALLING].any():
        sums, _ = _sums(subject)
        if not found.any() and sums[_FALLING].min() <= sums[~_FALLING].max() + 1e-12:
            raise wrong("bias too low: no window")
        return
    if found[_RISING].all() and not found[_FALLING].all():
        raise wrong("other diagonal")
    if found.all():
        raise wrong("bias too high: every window")
    diagonal = _WINDOWS[:, [0, 1, 2], [0, 1, 2]].sum(axis=1)
    only = (_WINDOWS.sum(axis=(1, 2)) == diagonal) & (diagonal == 2)
    if found[only].any():
        raise wrong("bias too high: two pixels")
    raise wrong("other pixels count: found too much")


# --- 01.6: the letter network ------------------------------------------------------------------

_NETWORK = convolution.LetterNetwork()


def _letter(image: Array, *faults: str) -> Array:
    """The outputs of the network, or of one with some faults."""
    diagonal = convolution.ANTI_DIAGONAL[:, :: -1 if "other diagonal" in faults else 1]
    bias = 0.0 if "no bias" in faults else convolution.BIAS
    found = convolution.feature_map(image, diagonal, bias)
    found = found if "no ReLU" in faults else convolution.relu(found)
    pooling = convolution.average_pool if "average" in faults else convolution.max_pool
    pooled = pooling(found, 2)
    inputs = (pooled.T if "turned" in faults else pooled).ravel()
    hidden = float(inputs @ _NETWORK.hidden_weights)
    late = "hidden bias late" in faults
    hidden += 0.0 if late or "no hidden bias" in faults else _NETWORK.hidden_bias
    hidden = hidden if "no hidden ReLU" in faults else max(0.0, hidden)
    hidden += _NETWORK.hidden_bias if late else 0.0
    return hidden * np.asarray(_NETWORK.output_weights) + np.asarray(_NETWORK.output_biases)


_LETTER_MISTAKES = [
    Mistake("ReLU missing: convolution", lambda image: _letter(image, "no ReLU")),
    Mistake("ReLU missing: hidden node", lambda image: _letter(image, "no hidden ReLU")),
    Mistake(
        "ReLU missing: both",
        lambda image: _letter(image, "no ReLU", "no hidden ReLU"),
    ),
    Mistake("ReLU at the outputs", lambda image: np.maximum(_letter(image), 0)),
    Mistake("bias forgotten: convolution", lambda image: _letter(image, "no bias")),
    Mistake("bias forgotten: hidden node", lambda image: _letter(image, "no hidden bias")),
    Mistake("bias behind ReLU", lambda image: _letter(image, "hidden bias late")),
    Mistake(
        "bias forgotten: outputs",
        lambda image: _letter(image) - np.asarray(_NETWORK.output_biases),
    ),
    Mistake("average instead of maximum", lambda image: _letter(image, "average")),
    Mistake("outputs exchanged", lambda image: _letter(image)[::-1]),
    Mistake("axes swapped", lambda image: _letter(image, "turned")),
    Mistake("other diagonal", lambda image: _letter(image, "other diagonal")),
    Mistake(
        "softmax at the end", lambda image: np.exp(_letter(image)) / np.exp(_letter(image)).sum()
    ),
    Mistake("rounded: outputs", lambda image: np.round(_letter(image), 2)),
]


def _letter_cases() -> list[Case]:
    return [
        Case((image.astype(dtype),), label)
        for image, label, dtype in [
            (convolution.LETTER_O, "the letter O", float),
            (convolution.LETTER_X, "the letter X", float),
            (convolution.LETTER_X_SHIFTED, "the shifted X", float),
            (convolution.LETTER_O, "the letter O in whole numbers", int),
        ]
    ]


def _letters(subject: StudentWork, rng: np.random.Generator) -> None:
    """The outputs for the pictures of the lesson."""
    compare.function(subject, "letter_outputs", _letter_cases(), _letter, _LETTER_MISTAKES)
    compare.leaves_arguments(subject, "letter_outputs", _letter_cases())


def _drawings(subject: StudentWork, rng: np.random.Generator) -> None:
    """The outputs for pictures that nobody can know: empty, full, random, gray.

    One is so dark that the hidden node needs its ReLU.
    """
    empty, full = np.zeros((6, 6)), np.ones((6, 6))
    corner = np.zeros((6, 6))
    corner[:3, :3] = 4 * np.fliplr(np.eye(3))  # dark enough for a negative sum in the hidden node
    cases = [Case((picture,), "a picture of another kind") for picture in (corner, empty, full)]
    for _ in range(6):
        image = (rng.random((6, 6)) < 0.5).astype(float)
        cases.append(Case((image,), "a picture of random pixels"))
    cases += [Case((rng.random((6, 6)) + 0.3,), "a picture with gray pixels") for _ in range(2)]
    # A mistake that the letters have shown has cost a point there.
    asked = ("letter_outputs", _letter_cases(), _letter, _LETTER_MISTAKES)
    want = compare.as_told_before(subject, *asked, then=cases)
    compare.function(subject, "letter_outputs", cases, want, _LETTER_MISTAKES)


EXERCISE = Exercise.of(
    "01_convolution_by_hand",
    Question.of("01.1", _first, _second, _weights),
    Question.of("01.2", _convolve_square, _convolve_any, _convolve_stride),
    Question.of("01.3", _size_valid, _size_same),
    Question.of("01.4", _pool_max, _pool_average, _pool_rest),
    Question.of("01.5", _filter_finds, _filter_refuses),
    Question.of("01.6", _letters, _drawings),
)
