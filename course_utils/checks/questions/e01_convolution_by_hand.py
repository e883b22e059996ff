"""What exercise 01 asks, and how its answers are judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from course_utils import convolution
from course_utils.checks import compare
from course_utils.checks._question import Exercise, IncorrectAnswer, Part, Question
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import StudentWork, StudentWorkError

Array = np.ndarray

# --- 01.1: by hand -----------------------------------------------------------------------------

_PICTURE = np.array(
    [[0, 0, 0, 0, 0], [3, 0, 3, 0, 0], [0, 3, 2, 3, 3], [2, 0, 0, 2, 0], [0, 3, 3, 0, 0]]
)
_KERNEL = np.array([[1, 0, -1], [2, 1, 0], [0, -1, -3]])
_BIAS = 1

_FORGOT_BIAS = "The sum of the products is right; now add the bias."
_FLIPPED = (
    "You turned the filter around (upside down and left to right) before multiplying. That is the "
    "convolution of mathematics; networks lay the filter on the picture as it is."
)
_SWAPPED = "You took the filter's rows for columns: go through picture and filter row by row."


def _window(row: int, column: int, kernel: Array = _KERNEL, bias: int = _BIAS) -> int:
    return int((_PICTURE[row : row + 3, column : column + 3] * kernel).sum()) + bias


#: What some mistakes give, at any place of the filter.
_BY_HAND_MISTAKES = (
    Mistake("bias forgotten", _FORGOT_BIAS, lambda r, c: _window(r, c, bias=0)),
    Mistake(
        "bias subtracted", "Add the bias; you subtracted it.", lambda r, c: _window(r, c, bias=-1)
    ),
    Mistake("kernel flipped", _FLIPPED, lambda r, c: _window(r, c, _KERNEL[::-1, ::-1])),
    Mistake("axes swapped", _SWAPPED, lambda r, c: _window(r, c, _KERNEL.T)),
    Mistake(
        "sign lost",
        "The value lacks its minus: the negative products are larger than the positive ones.",
        lambda r, c: -_window(r, c),
    ),
)
_RELU = Mistake("ReLU too early", "That is the value after ReLU; give the one before.", 0)
_EXCHANGED = (
    "You have exchanged the two values: `first` belongs to the top left corner of the picture."
)


def _at(row: int, column: int) -> list[Mistake]:
    return [Mistake(m.name, m.sentence, m.answer(row, column)) for m in _BY_HAND_MISTAKES]


def _first(subject: StudentWork, rng: np.random.Generator) -> None:
    """The one right number; how it was found is not asked."""
    mistakes = [*_at(0, 0), _RELU, Mistake("values exchanged", _EXCHANGED, _window(0, 2))]
    advice = "Write down all nine products of pixel and filter number, then add them and the bias."
    compare.number(subject, "first", _window(0, 0), mistakes, advice=advice)


def _second(subject: StudentWork, rng: np.random.Generator) -> None:
    """The one right number, or what the mistake of `first` gives two columns further."""
    # A mistake in the products or the bias has cost the point of `first`; here the place counts.
    try:
        first = compare.one_number(subject.get("first"))
    except StudentWorkError:
        first = None
    second = compare.one_number(compare.attempted(subject, "second"))
    for mistake in _BY_HAND_MISTAKES:
        if (first, second) == (mistake.answer(0, 0), mistake.answer(0, 2)):
            return
    down = "You moved the filter down; move it to the right."
    mistakes = [
        Mistake(
            "stride wrong",
            "That is the value for a stride of 1; with 2 the filter moves two pixels at a time.",
            _window(0, 1),
        ),
        Mistake("axes swapped", down, _window(2, 0)),
        Mistake("axes swapped", down, _window(1, 0)),
        *(one for one in _at(0, 2) if one.name != "bias subtracted"),  # gives what stride 1 gives
        _RELU,
        Mistake("values exchanged", _EXCHANGED, _window(0, 0)),
    ]
    advice = "The filter lies on the last three columns now. Write down all nine products."
    compare.number(subject, "second", _window(0, 2), mistakes, advice=advice)


def _weights(subject: StudentWork, rng: np.random.Generator) -> None:
    """The one right number, exactly."""
    mistakes = [
        Mistake("bias forgotten", "Each of the filters has a bias, too.", 12 * 75),
        Mistake("one bias for all", "There is not one bias, but one for each filter.", 12 * 75 + 1),
        Mistake(
            "channels forgotten",
            "A color picture has three channels, and a filter has numbers for each of them.",
            12 * 26,
        ),
        Mistake(
            "channels forgotten",
            "A color picture has three channels, and a filter has numbers for each of them.",
            12 * 25,
        ),
        Mistake(
            "bias for each channel", "A filter has one bias, not one per channel.", 12 * 3 * 26
        ),
        Mistake("filters forgotten", "That is one filter; the layer has 12 of them.", 76),
        Mistake(
            "size of the picture counted",
            "The same filters are used at every place, so the size of the picture does not matter.",
            12 * (64 * 64 * 3 + 1),
        ),
        Mistake(
            "size of the picture counted",
            "The same filters are used at every place, so the size of the picture does not matter.",
            912 * 64 * 64,
        ),
        *(
            Mistake(
                "values counted",
                "That is how many values the feature maps have. The parameters are the numbers in "
                "the filters, and the biases.",
                12 * size * size,
            )
            for size in (60, 64)
        ),
    ]
    advice = "Count the numbers of one filter, with its bias; then multiply by the filters."
    compare.number(subject, "weights", 912, mistakes, whole=True, advice=advice)


# --- 01.2: the convolution ---------------------------------------------------------------------


def _convolve(image: Array, kernel: Array, bias: float = 0.0, stride: int = 1) -> Array:
    return np.asarray(convolution.feature_map(image, kernel, bias, stride))


def _one_off(image: Array, kernel: Array, bias: float = 0.0, stride: int = 1) -> Array:
    right = _convolve(image, kernel, bias, stride)
    return right[:-1, :-1]


def _one_too_many(image: Array, kernel: Array, bias: float = 0.0, stride: int = 1) -> Array:
    right = _convolve(image, kernel, bias, stride)
    return np.asarray(np.pad(right, ((0, 1), (0, 1))))


def _bias_each(image: Array, kernel: Array, bias: float = 0.0, stride: int = 1) -> Array:
    return _convolve(image, kernel, bias * kernel.size, stride)


def _padded(image: Array, kernel: Array, bias: float = 0.0, stride: int = 1) -> Array:
    return np.asarray(convolution.feature_map(image, kernel, bias, stride, "same"))


def _steps_in_map(image: Array, kernel: Array, bias: float = 0.0, stride: int = 1) -> Array:
    """The map of stride 1, cut to the size that the stride gives."""
    height, width = _convolve(image, kernel, bias, stride).shape
    return _convolve(image, kernel, bias)[:height, :width]


#: Mistakes in the value of a window: they are told, and cost a point, once.
_VALUE_MISTAKES = (
    Mistake("kernel flipped", _FLIPPED, lambda i, k, b=0.0, s=1: _convolve(i, k[::-1, ::-1], b, s)),
    Mistake(
        "bias forgotten",
        "Your values lack the bias; add it to each of them.",
        lambda i, k, b=0.0, s=1: _convolve(i, k, 0.0, s),
    ),
    Mistake(
        "bias subtracted",
        "Add the bias; you subtract it.",
        lambda i, k, b=0.0, s=1: _convolve(i, k, -b, s),
    ),
    Mistake(
        "bias added too often",
        "You add the bias for each product; add it once, after the sum.",
        _bias_each,
    ),
    Mistake(
        "ReLU too early",
        "Your map has no negative values; leave ReLU out here.",
        lambda i, k, b=0.0, s=1: np.maximum(_convolve(i, k, b, s), 0),
    ),
    Mistake(
        "maximum instead of sum",
        "Add the products; you take something else of them.",
        lambda i, k, b=0.0, s=1: _max_of_products(i, k, b, s),
    ),
    Mistake(
        "mean instead of sum",
        "Add the products; you take their mean.",
        lambda i, k, b=0.0, s=1: _convolve(i, k / k.size, b, s),
    ),
    Mistake(
        "decimals lost",
        "Your map holds whole numbers only, so its values have lost their decimals: an array that "
        "is made with `dtype=int` cuts off what is put into it.",
        lambda i, k, b=0.0, s=1: np.trunc(_convolve(i, k, b, s)),
    ),
    Mistake(
        "rounded",
        "You round the values; give all decimals.",
        lambda i, k, b=0.0, s=1: np.round(_convolve(i, k, b, s), 2),
    ),
)

_CONVOLVE_MISTAKES = (
    *_VALUE_MISTAKES,
    Mistake(
        "kernel turned",
        "You use the filter with rows and columns exchanged.",
        lambda i, k, b=0.0, s=1: _convolve(i, k.T, b, s),
    ),
    Mistake(
        "off by one",
        "Your map lacks its last row and column. How many places are there for a filter of 3 on "
        "a picture of 3?",
        _one_off,
    ),
    Mistake(
        "off by one",
        "Your map has a row and a column too many: the last values are never computed.",
        _one_too_many,
    ),
    Mistake("padding wrong", "You put zeros around the picture; here there is no border.", _padded),
    Mistake(
        "axes swapped",
        "Your map is turned: its rows should be the rows of the picture.",
        lambda i, k, b=0.0, s=1: _convolve(i, k, b, s).T,
    ),
)

_STRIDE_MISTAKES = (
    Mistake(
        "stride ignored",
        "Your function gives the map for a stride of 1, whatever `stride` is.",
        lambda i, k, b=0.0, s=1: _convolve(i, k, b),
    ),
    Mistake(
        "stride wrong",
        "The map has the right size, but the windows still move one pixel at a time: where does "
        "the window of row 1 begin?",
        _steps_in_map,
    ),
    Mistake(
        "stride in one direction",
        "You use the stride in one direction only; it counts to the right and downwards.",
        lambda i, k, b=0.0, s=1: _convolve(i, k, b)[:, ::s],
    ),
    Mistake(
        "stride in one direction",
        "You use the stride in one direction only; it counts to the right and downwards.",
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
        if stride is not None:
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
    label = "a filter of whole numbers"
    return [*cases, Case((rng.normal(size=(5, 5)), kernel, 0.5), label)]


_ADVICE = "Try it on a small picture whose map you have worked out by hand."


def _square(rng: np.random.Generator) -> list[Case]:
    cases = _cases(rng, [((4, 4), (3, 3)), ((6, 6), (2, 2)), ((3, 3), (3, 3)), ((5, 5), (1, 1))])
    args = (rng.normal(size=(4, 4)), rng.normal(size=(3, 3)))
    return [*cases, Case(args, "no bias at all"), *_whole_pixels(rng)]


def _convolve_square(subject: StudentWork, rng: np.random.Generator) -> None:
    """The value of a window: flip, bias, default values, types, decimals, arguments left alone.

    Height and width that differ, and strides, belong to the other parts.
    """
    cases, mistakes = _square(rng), _CONVOLVE_MISTAKES
    compare.function(subject, "convolve", cases, _convolve, mistakes, advice=_ADVICE)
    more = [*_cases(rng, [((4, 7), (3, 2))]), *_cases(rng, [((7, 7), (3, 3))], stride=2)]
    compare.leaves_arguments(subject, "convolve", [*cases[:2], *more])


def _told_before(subject: StudentWork, rng: np.random.Generator) -> Any:
    """What the values of their map are, with the mistake that the first part has told."""
    mistake = compare.made(subject, "convolve", _square(rng)[:-3], _convolve, _VALUE_MISTAKES)
    return mistake.answer if mistake else _convolve


def _convolve_any(subject: StudentWork, rng: np.random.Generator) -> None:
    """Height and width of picture and filter that differ, to the right and downwards."""
    sizes = [
        ((4, 7), (3, 3)),
        ((6, 5), (2, 4)),
        ((8, 3), (3, 1)),
        ((3, 4), (3, 4)),
        ((9, 7), (6, 5)),
    ]
    cases = _cases(rng, sizes)
    want = _told_before(subject, rng)
    compare.function(subject, "convolve", cases, want, _CONVOLVE_MISTAKES, advice=_ADVICE)


def _convolve_stride(subject: StudentWork, rng: np.random.Generator) -> None:
    """Steps in both directions, with and without a rest, larger than the filter, too."""
    cases = [
        *_cases(rng, [((7, 7), (3, 3)), ((8, 6), (3, 3)), ((9, 12), (5, 6))], stride=2),
        *_cases(rng, [((9, 11), (2, 3)), ((6, 4), (1, 1))], stride=3),
        *_cases(rng, [((5, 6), (3, 3))], stride=4),
    ]
    mistakes = (*_STRIDE_MISTAKES, *_CONVOLVE_MISTAKES)
    want = _told_before(subject, rng)
    compare.function(subject, "convolve", cases, want, mistakes, advice=_ADVICE)


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
        "off by one",
        "One place is missing: a filter of 3 on a picture of 3 fits once, not never.",
        lambda n, k, s=1, p="valid": (n - k) // s if p == "valid" else _size(n, k, s, p),
    ),
    Mistake(
        "off by one",
        "You add 1 before you divide by the stride; add it afterwards.",
        lambda n, k, s=1, p="valid": (n - k + 1) // s if p == "valid" else _size(n, k, s, p),
    ),
    Mistake(
        "rounded up",
        "A place where the filter would stick out does not count: round down.",
        lambda n, k, s=1, p="valid": (
            math.ceil((n - k) / s) + 1 if p == "valid" else _size(n, k, s, p)
        ),
    ),
    Mistake(
        "not rounded",
        "A size is a whole number: round down.",
        lambda n, k, s=1, p="valid": (n - k) / s + 1 if p == "valid" else n / s,
    ),
    Mistake(
        "stride ignored",
        "The stride changes the size, too.",
        lambda n, k, s=1, p="valid": n - k + 1 if p == "valid" else n,
    ),
    Mistake(
        "rounded down",
        'With "same" the size is n / s rounded **up**: zeros are added where a window sticks out.',
        lambda n, k, s=1, p="valid": n // s if p == "same" else _size(n, k, s, p),
    ),
    Mistake(
        "padding wrong",
        'With "same" the size is n only for a stride of 1.',
        lambda n, k, s=1, p="valid": n if p == "same" else _size(n, k, s, p),
    ),
    Mistake(
        "padding wrong",
        'Your function gives the same for "valid" and "same"; look at `padding`.',
        lambda n, k, s=1, p="valid": _size(n, k, s, "valid"),
    ),
    Mistake(
        "arguments exchanged",
        "The first argument is the size of the picture, the second one the size of the filter.",
        lambda n, k, s=1, p="valid": (k - n) // s + 1 if p == "valid" else -(-k // s),
    ),
    Mistake(
        "padding wrong",
        "You have exchanged the two kinds of padding.",
        lambda n, k, s=1, p="valid": _size(n, k, s, "same" if p == "valid" else "valid"),
    ),
]


def _are_floats(subject: StudentWork, padding: str) -> bool:
    """Whether their sizes are floats such as 4.0, which a whole number is not."""
    gots = [subject.call("map_size", *case.args) for case in _size_cases(padding, (1, 2, 3))]
    return any(isinstance(compare.one_number(got), float) for got in gots)


def _sizes(subject: StudentWork, cases: list[Case]) -> None:
    advice = "Draw the picture as a row of boxes and count the places of the filter."
    compare.function(subject, "map_size", cases, _size, _SIZE_MISTAKES, advice=advice)


_FLOATS = (
    "The numbers are right, but they are floats such as 4.0. A size is a whole number: divide with "
    "`//`, or use `int(...)` or `math.ceil(...)`.",
    "not a whole number",
)


def _size_valid(subject: StudentWork, rng: np.random.Generator) -> None:
    """The formula for odd and even sizes and filters, default values, whole numbers."""
    defaults = [Case((int(n), 3), f"n = {n}, k = 3") for n in rng.integers(5, 40, 2)]
    strides = [Case((int(n), 3, 2), f"n = {n}, k = 3, s = 2") for n in rng.integers(5, 40, 2)]
    _sizes(subject, [*_size_cases("valid", (1, 2, 3)), *defaults, *strides])
    if _are_floats(subject, "valid"):
        raise IncorrectAnswer(*_FLOATS)


def _size_same(subject: StudentWork, rng: np.random.Generator) -> None:
    """The same with a border; whole numbers, where the other part has not refused them."""
    more = [Case((int(n), 3, 4, "same"), f"n = {n}, k = 3, s = 4") for n in rng.integers(9, 40, 3)]
    _sizes(subject, [*_size_cases("same", (1, 2, 3)), *more])
    # Floats cost one point, not two.
    if _are_floats(subject, "same") and not _are_floats(subject, "valid"):
        raise IncorrectAnswer(*_FLOATS)


# --- 01.4: pooling -----------------------------------------------------------------------------


def _pool(values: Array, size: int = 2, kind: str = "max") -> Array:
    pooling = convolution.max_pool if kind == "max" else convolution.average_pool
    return np.asarray(pooling(values, size))


def _overlapping(values: Array, size: int = 2, kind: str = "max") -> Array:
    pooling = convolution.max_pool if kind == "max" else convolution.average_pool
    return np.asarray(pooling(values, size, 1))


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


_POOL_MISTAKES = [
    Mistake(
        "average instead of maximum",
        'For `kind="max"` keep the largest value of each window, not the mean.',
        lambda v, size=2, kind="max": _pool(v, size, "average"),
    ),
    Mistake(
        "maximum instead of average",
        'For `kind="average"` give the mean of each window; look at `kind`.',
        lambda v, size=2, kind="max": _pool(v, size, "max"),
    ),
    Mistake(
        "sum instead of average",
        "You give the sum of each window; divide it by the number of values in it.",
        lambda v, size=2, kind="max": _pool(v, size, kind) * (size**2 if kind != "max" else 1),
    ),
    Mistake(
        "divided by four",
        "You divide by 4 whatever the size is; a window has `size * size` values.",
        lambda v, size=2, kind="max": _pool(v, size, kind) * (size**2 / 4 if kind != "max" else 1),
    ),
    Mistake(
        "starts at zero",
        "Where all values of a window are negative, its largest value is negative, too; your "
        "maximum starts at 0.",
        lambda v, size=2, kind="max": (
            np.maximum(_pool(v, size, kind), 0) if kind == "max" else _pool(v, size, kind)
        ),
    ),
    Mistake(
        "zeros left out",
        "The mean is over all values of the window, zeros too.",
        lambda v, size=2, kind="max": _mean_without_zeros(v, size, kind),
    ),
    Mistake(
        "rounded",
        "You round the mean; give all decimals.",
        lambda v, size=2, kind="max": np.round(_pool(v, size, kind), 2),
    ),
    Mistake(
        "windows overlap",
        "Your windows overlap. Each one begins where the one before ends: `size` further.",
        _overlapping,
    ),
    Mistake(
        "size ignored",
        "Your windows are always 2 × 2; look at `size`.",
        lambda v, size=2, kind="max": _pool(v, 2, kind),
    ),
    Mistake(
        "incomplete windows kept",
        "Rows and columns that do not fill a window are to be left out.",
        _filled,
    ),
    Mistake(
        "off by one",
        "Your result lacks its last row and column.",
        lambda v, size=2, kind="max": _pool(v, size, kind)[:-1, :-1],
    ),
    Mistake(
        "axes swapped",
        "Your result is turned: rows and columns are exchanged.",
        lambda v, size=2, kind="max": _pool(v, size, kind).T,
    ),
    Mistake(
        "minimum",
        "You keep the smallest value of each window.",
        lambda v, size=2, kind="max": -_pool(-v, size, kind),
    ),
    Mistake(
        "single pixels",
        "You pick one value of each window; look at all of them.",
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
    values = (rng.integers(0, 100, (4, 6)), np.array([[1, 2, 8, 9], [3, 5, -8, -7]]))
    return [Case((one, 2, kind), label) for one in values]


def _pool_with(subject: StudentWork, cases: list[Case]) -> None:
    advice = "Try it on a map of 4 × 4 on paper."
    compare.function(subject, "pool", cases, _pool, _POOL_MISTAKES, advice=advice)


def _pool_max(subject: StudentWork, rng: np.random.Generator) -> None:
    """The largest value: sizes 1 to 3, default values, negative values, whole numbers.

    That the argument is left alone is looked at here for both kinds.
    """
    cases = _pool_cases(rng, "max", [(4, 4), (6, 8)], 2)
    cases += _pool_cases(rng, "max", [(6, 9)], 3) + _pool_cases(rng, None, [(4, 6)], 2)
    values = rng.normal(-1, 2, (6, 6))
    cases.append(Case((values,), "a map of 6 × 6, where nothing is said of size and kind"))
    all_negative = -rng.uniform(1, 2, (4, 4))
    cases.append(Case((all_negative, 2, "max"), "a map of negative values"))
    cases += [*_pool_cases(rng, "max", [(3, 4)], 1), _active(rng, (6, 6), 2, "max")]
    _pool_with(subject, [*cases, *_whole(rng, "max")])
    more = _pool_cases(rng, "average", [(4, 6)], 2) + _pool_cases(rng, "average", [(7, 5)], 3)
    compare.leaves_arguments(subject, "pool", [*cases[:2], *more])


def _pool_average(subject: StudentWork, rng: np.random.Generator) -> None:
    """The mean: sizes 1 to 3, zeros, whole numbers; not rounded."""
    cases = _pool_cases(rng, "average", [(4, 4), (6, 8)], 2)
    cases += _pool_cases(rng, "average", [(6, 9)], 3) + _pool_cases(rng, "average", [(3, 4)], 1)
    cases += [_active(rng, (6, 6), 2, "average"), _active(rng, (6, 9), 3, "average")]
    _pool_with(subject, [*cases, *_whole(rng, "average")])


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
            subject.call("pool", one, *case.args[1:])
            for one in (values, values[: height * size, : width * size])
        )
        array = np.asarray(got) if isinstance(got, np.ndarray | list) else np.zeros(0)
        if array.shape != (height, width) or not compare.close(got, cut):
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
        raise IncorrectAnswer("`my_kernel` should be an array of 3 × 3 numbers.", "shape")
    bias = compare.one_number(given)
    if bias is None:
        raise IncorrectAnswer(
            f"`my_bias` should be one number, but it is {compare.describe(given)}."
        )
    if not (np.all(np.isfinite(kernel)) and np.isfinite(bias)):
        raise IncorrectAnswer("`my_kernel` and `my_bias` should hold finite numbers.", "not finite")
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
        raise IncorrectAnswer(
            "Your filter looks for rising strokes, from the bottom left to the top right. The "
            "first row of the filter lies on the top row of the window.",
            "other diagonal",
        )
    if not found.any():
        raise IncorrectAnswer(
            "Your values are never above 0, even if the whole diagonal is black: the bias is too "
            "low for this filter.",
            "bias too low",
        )
    raise IncorrectAnswer(
        "There are windows whose falling diagonal is black, but whose value is not above 0. The "
        "other six pixels must not pull the value down: which numbers ask for nothing?",
        "other pixels count",
    )


def _filter_refuses(subject: StudentWork, rng: np.random.Generator) -> None:
    """Every one of the 512 windows of black and white pixels."""
    found = _found(subject)
    # The wrong diagonal and a bias that is too low have cost the other point.
    if np.array_equal(found, _RISING):
        return
    if not found[~_FALLING].any():
        sums, _ = _sums(subject)
        if not found.any() and sums[_FALLING].min() <= sums[~_FALLING].max() + 1e-12:
            raise IncorrectAnswer(
                "Your values are never above 0, and with no bias would this filter find only the "
                "falling strokes.",
                "bias too low",
            )
        return
    if found[_RISING].all() and not found[_FALLING].all():
        raise IncorrectAnswer(
            "Your filter looks for rising strokes, not for falling ones.", "other diagonal"
        )
    if found.all():
        raise IncorrectAnswer(
            "Your values are above 0 for every window, even an empty one: the bias has to set a "
            "bar.",
            "bias too high",
        )
    diagonal = _WINDOWS[:, [0, 1, 2], [0, 1, 2]].sum(axis=1)
    only = (_WINDOWS.sum(axis=(1, 2)) == diagonal) & (diagonal == 2)
    if found[only].any():
        raise IncorrectAnswer(
            "Two black pixels of the diagonal already give a value above 0. The bias has to be so "
            "low that only three are enough.",
            "bias too high",
        )
    raise IncorrectAnswer(
        "There are windows with a white pixel on the diagonal and a value above 0: pixels beside "
        "the diagonal make up for it.",
        "other pixels count",
    )


# --- 01.6: the letter network ------------------------------------------------------------------

_NETWORK = convolution.LetterNetwork()


def _letter(
    image: Array,
    relu: bool = True,
    hidden_relu: bool = True,
    bias: bool = True,
    hidden_bias: bool = True,
    average: bool = False,
    swapped: bool = False,
    turned: bool = False,
    falling: bool = False,
) -> Array:
    diagonal = convolution.ANTI_DIAGONAL[:, ::-1] if falling else convolution.ANTI_DIAGONAL
    found = convolution.feature_map(image, diagonal, convolution.BIAS if bias else 0.0)
    found = convolution.relu(found) if relu else found
    pooled = (convolution.average_pool if average else convolution.max_pool)(found, 2)
    inputs = (pooled.T if turned else pooled).ravel()
    total = inputs @ _NETWORK.hidden_weights + (_NETWORK.hidden_bias if hidden_bias else 0.0)
    hidden = float(total)
    hidden = max(0.0, hidden) if hidden_relu else hidden
    outputs = hidden * np.asarray(_NETWORK.output_weights) + np.asarray(_NETWORK.output_biases)
    return np.asarray(outputs[::-1] if swapped else outputs)


_LETTER_MISTAKES = [
    Mistake(
        "ReLU missing",
        "ReLU is missing behind the convolution: negative values have to become 0.",
        lambda image: _letter(image, relu=False),
    ),
    Mistake(
        "ReLU missing",
        "The hidden node lacks its ReLU: a negative value has to become 0.",
        lambda image: _letter(image, hidden_relu=False),
    ),
    Mistake(
        "ReLU missing",
        "ReLU is missing, behind the convolution and in the hidden node.",
        lambda image: _letter(image, relu=False, hidden_relu=False),
    ),
    Mistake(
        "ReLU at the outputs",
        "The outputs have no ReLU: they may be negative.",
        lambda image: np.maximum(_letter(image), 0),
    ),
    Mistake(
        "bias forgotten",
        "The convolution lacks its bias.",
        lambda image: _letter(image, bias=False),
    ),
    Mistake(
        "bias forgotten",
        "The hidden node lacks its bias.",
        lambda image: _letter(image, hidden_bias=False),
    ),
    Mistake(
        "bias forgotten",
        "The outputs lack their biases.",
        lambda image: _letter(image) - np.asarray(_NETWORK.output_biases),
    ),
    Mistake(
        "average instead of maximum",
        "The network keeps the largest value of each window, not the mean.",
        lambda image: _letter(image, average=True),
    ),
    Mistake(
        "outputs exchanged",
        "Give the output for O first, then the one for X.",
        lambda image: _letter(image, swapped=True),
    ),
    Mistake(
        "axes swapped",
        "The four inputs go row by row; you go column by column.",
        lambda image: _letter(image, turned=True),
    ),
    Mistake(
        "other diagonal",
        "The filter lies on the picture as it is; you use its mirror image.",
        lambda image: _letter(image, falling=True),
    ),
    Mistake(
        "softmax at the end",
        "The outputs are the two numbers themselves, without softmax.",
        lambda image: np.exp(_letter(image)) / np.exp(_letter(image)).sum(),
    ),
    Mistake(
        "rounded",
        "You round the outputs; give all decimals.",
        lambda image: np.round(_letter(image), 2),
    ),
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
    mistakes = _LETTER_MISTAKES
    compare.function(subject, "letter_outputs", _letter_cases(), _letter, mistakes, advice=_STEPS)
    compare.leaves_arguments(subject, "letter_outputs", _letter_cases())


def _drawings(subject: StudentWork, rng: np.random.Generator) -> None:
    """The outputs for pictures that nobody can know: empty, full, random, gray.

    One is so dark that the hidden node needs its ReLU.
    """
    empty, full = np.zeros((6, 6)), np.ones((6, 6))
    corner = np.zeros((6, 6))
    corner[:3, :3] = 4 * np.fliplr(np.eye(3))  # dark enough for a negative sum in the hidden node
    cases = [Case((one,), "a picture of another kind") for one in (corner, empty, full)]
    for _ in range(6):
        image = (rng.random((6, 6)) < 0.5).astype(float)
        cases.append(Case((image,), "a picture of random pixels"))
    cases += [Case((rng.random((6, 6)) + 0.3,), "a picture with gray pixels") for _ in range(2)]
    # A mistake that the letters have shown has cost a point there.
    told = compare.made(subject, "letter_outputs", _letter_cases(), _letter, _LETTER_MISTAKES)
    want = told.answer if told else _letter
    compare.function(subject, "letter_outputs", cases, want, _LETTER_MISTAKES, advice=_STEPS)


_STEPS = "Print what comes out of each step for the letter O, and compare it with the lesson."


EXERCISE = Exercise(
    "01_convolution_by_hand",
    "Convolution by hand",
    (
        Question(
            "01.1",
            "With pen and paper",
            3,
            (
                Part("the first value", 1, _first),
                Part("the next value, with a stride of 2", 1, _second),
                Part("the parameters of a layer", 1, _weights),
            ),
            needs=("first", "second", "weights"),
            hints=(
                "Lay the filter on the top left corner of the picture. Multiply each number of the "
                "filter with the pixel under it; add the nine products, then the bias.",
                "With a stride of 2 the filter moves two columns, so it lies on columns 2, 3 and 4 "
                "then (counted from 0).",
                "A filter for a color picture has 5 × 5 × 3 numbers and one bias.",
            ),
            kind="value",
        ),
        Question(
            "01.2",
            "Write the convolution",
            3,
            (
                Part("stride 1, square", 1, _convolve_square),
                Part("any height and width", 1, _convolve_any),
                Part("other strides", 1, _convolve_stride),
            ),
            seconds=3.0,
            needs=("convolve",),
            only=("numpy",),
            packages=("scipy", "skimage", "cv2", "torch", "jax", "tensorflow", "keras"),
            forbids=(
                "course_utils.convolution.feature_map",
                "course_utils.convolution.feature_map_loop",
            ),
            hints=(
                "Two loops, one inside the other: over the rows and over the columns of the "
                "**map**. In the middle stands one window: `image[top : top + height, left : left "
                "+ width]`.",
                "The map has `(image height - kernel height) // stride + 1` rows.",
                "The window of row `row` begins at `row * stride` in the picture; the value is "
                "`(window * kernel).sum() + bias`.",
            ),
        ),
        Question(
            "01.3",
            "The size of a map",
            2,
            (Part("valid", 1, _size_valid), Part("same", 1, _size_same)),
            seconds=3.0,
            needs=("map_size",),
            forbids=("course_utils.convolution.output_size",),
            hints=(
                "A filter of 3 pixels on a row of 6: it can begin at 0, 1, 2 and 3. With a stride "
                "of 2 it begins at 0 and 2.",
                "valid: (n − k) / s, rounded down, plus 1. same: n / s, rounded up; `math.ceil` "
                "rounds up, `//` rounds down.",
            ),
        ),
        Question(
            "01.4",
            "Pooling",
            3,
            (
                Part("maximum", 1, _pool_max),
                Part("average", 1, _pool_average),
                Part("what does not fill a window is left out", 1, _pool_rest),
            ),
            seconds=3.0,
            needs=("pool",),
            forbids=(
                "course_utils.convolution.max_pool",
                "course_utils.convolution.average_pool",
            ),
            hints=(
                "The result has `values.shape[0] // size` rows: `//` leaves out what does not fill "
                "a window.",
                "The window of row `row` begins at `row * size` and ends before "
                "`(row + 1) * size`.",
            ),
        ),
        Question(
            "01.5",
            "A filter of your own",
            2,
            (
                Part("it finds falling strokes", 1, _filter_finds),
                Part("it finds nothing else", 1, _filter_refuses),
            ),
            needs=("my_kernel", "my_bias"),
            hints=(
                "Where the filter has a 0, the pixel does not matter. Which six numbers have to be "
                "0?",
                "If all three pixels of the diagonal are black, the sum is as large as it can be. "
                "The bias has to be so low that a sum of two does not get above 0.",
            ),
            kind="value",
        ),
        Question(
            "01.6",
            "The letter network",
            2,
            (Part("O, X and the shifted X", 1, _letters), Part("any picture", 1, _drawings)),
            seconds=3.0,
            needs=("letter_outputs",),
            forbids=(
                "course_utils.convolution.LetterNetwork.pooled",
                "course_utils.convolution.LetterNetwork.hidden",
                "course_utils.convolution.LetterNetwork.outputs",
                "course_utils.convolution.LetterNetwork.predict",
            ),
            hints=(
                "Write one step per line and give each result a name: the map, the map after ReLU, "
                "the pooled map, the list of four inputs, the hidden value, the outputs.",
                "`.ravel()` makes a list of the pooled map; `inputs @ hidden_weights` multiplies "
                "and adds; `max(0.0, value)` is the ReLU of one number.",
            ),
        ),
    ),
)
