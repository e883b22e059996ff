"""What exercise 01 asks, and how its answers are judged."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from course_utils import convolution
from course_utils.checks import compare
from course_utils.checks._question import Exercise, Part, Question, Wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.probe import Subject

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


def _window(row: int, column: int, kernel: Array = _KERNEL, bias: int = _BIAS) -> int:
    return int((_PICTURE[row : row + 3, column : column + 3] * kernel).sum()) + bias


def _first(subject: Subject, rng: np.random.Generator) -> None:
    right = _window(0, 0)
    mistakes = [
        Mistake("bias forgotten", _FORGOT_BIAS, _window(0, 0, bias=0)),
        Mistake("bias subtracted", "Add the bias; you subtracted it.", _window(0, 0, bias=-1)),
        Mistake("kernel flipped", _FLIPPED, _window(0, 0, _KERNEL[::-1, ::-1])),
        Mistake("axes swapped", _SWAPPED, _window(0, 0, _KERNEL.T)),
        Mistake("ReLU too early", "That is the value after ReLU; give the one before.", 0),
    ]
    advice = "Write down all nine products of pixel and filter number, then add them and the bias."
    compare.number(subject, "first", right, mistakes, advice=advice)


def _second(subject: Subject, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("bias forgotten", _FORGOT_BIAS, _window(0, 2, bias=0)),
        Mistake("kernel flipped", _FLIPPED, _window(0, 2, _KERNEL[::-1, ::-1])),
        Mistake(
            "stride wrong",
            "That is the value for a stride of 1; with 2 the filter moves two pixels at a time.",
            _window(0, 1),
        ),
        Mistake("axes swapped", "You moved the filter down; move it to the right.", _window(2, 0)),
        Mistake("axes swapped", "You moved the filter down; move it to the right.", _window(1, 0)),
        Mistake("axes swapped", _SWAPPED, _window(0, 2, _KERNEL.T)),
        Mistake("ReLU too early", "That is the value after ReLU; give the one before.", 0),
    ]
    advice = "The filter lies on the last three columns now. Write down all nine products."
    compare.number(subject, "second", _window(0, 2), mistakes, advice=advice)


_SWAPPED = "You took the filter's rows for columns: go through picture and filter row by row."


def _weights(subject: Subject, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("bias forgotten", "Each of the filters has a bias, too.", 12 * 75),
        Mistake("one bias for all", "There is not one bias, but one for each filter.", 12 * 75 + 1),
        Mistake(
            "channels forgotten",
            "A colour picture has three channels, and a filter has numbers for each of them.",
            12 * 26,
        ),
        Mistake(
            "channels forgotten",
            "A colour picture has three channels, and a filter has numbers for each of them.",
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


_CONVOLVE_MISTAKES = (
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
        "ReLU too early",
        "Your map has no negative values; leave ReLU out here.",
        lambda i, k, b=0.0, s=1: np.maximum(_convolve(i, k, b, s), 0),
    ),
    Mistake(
        "axes swapped",
        "Your map is turned: its rows should be the rows of the picture.",
        lambda i, k, b=0.0, s=1: _convolve(i, k, b, s).T,
    ),
    Mistake(
        "kernel turned",
        "You use the filter with rows and columns exchanged.",
        lambda i, k, b=0.0, s=1: _convolve(i, k.T, b, s),
    ),
    Mistake(
        "maximum instead of sum",
        "Add the products; you take something else of them.",
        lambda i, k, b=0.0, s=1: _max_of_products(i, k, b, s),
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
    rng: np.random.Generator, sizes: list[tuple[tuple[int, int], tuple[int, int]]], **kwargs: Any
) -> list[Case]:
    cases = []
    for image, kernel in sizes:
        label = f"a picture of {image[0]} × {image[1]} and a filter of {kernel[0]} × {kernel[1]}"
        if kwargs.get("stride"):
            label += f" with a stride of {kwargs['stride']}"
        bias = round(float(rng.uniform(0.5, 3)) * (1 if rng.random() < 0.5 else -1), 2)
        args = (rng.normal(size=image).round(2), rng.normal(size=kernel).round(2))
        cases.append(Case(args, label, {"bias": bias, **kwargs}))
    return cases


def _keyed(mistakes: tuple[Mistake, ...]) -> list[Mistake]:
    """Mistakes whose answers take (image, kernel, bias, stride), whatever the call looked like."""

    def keyed(answer: Any) -> Any:
        return lambda image, kernel, bias=0.0, stride=1: answer(image, kernel, bias, stride)

    return [Mistake(m.name, m.sentence, keyed(m.answer)) for m in mistakes]


_ADVICE = "Try it on a small picture whose map you have worked out by hand."


def _convolve_square(subject: Subject, rng: np.random.Generator) -> None:
    cases = _cases(rng, [((4, 4), (3, 3)), ((6, 6), (2, 2)), ((3, 3), (3, 3))])
    cases.append(Case((rng.normal(size=(4, 4)), rng.normal(size=(3, 3))), "no bias at all"))
    mistakes = _keyed(_CONVOLVE_MISTAKES)
    compare.function(subject, "convolve", cases, _convolve, mistakes, advice=_ADVICE)


def _convolve_any(subject: Subject, rng: np.random.Generator) -> None:
    cases = _cases(rng, [((4, 7), (3, 3)), ((6, 5), (2, 4)), ((8, 3), (3, 1))])
    mistakes = _keyed(_CONVOLVE_MISTAKES)
    compare.function(subject, "convolve", cases, _convolve, mistakes, advice=_ADVICE)


def _convolve_stride(subject: Subject, rng: np.random.Generator) -> None:
    cases = [
        *_cases(rng, [((7, 7), (3, 3)), ((8, 6), (3, 3))], stride=2),
        *_cases(rng, [((9, 11), (2, 3))], stride=3),
    ]
    mistakes = _keyed((*_STRIDE_MISTAKES, *_CONVOLVE_MISTAKES))
    compare.function(subject, "convolve", cases, _convolve, mistakes, advice=_ADVICE)


# --- 01.3: the size of a map -------------------------------------------------------------------


def _size_cases(padding: str, strides: tuple[int, ...]) -> list[Case]:
    return [
        Case((n, k, s, padding), f"n = {n}, k = {k}, s = {s}, {padding!r}")
        for n, k in [(6, 3), (28, 5), (96, 3), (7, 7), (11, 2)]
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
        "padding wrong",
        "You have exchanged the two kinds of padding.",
        lambda n, k, s=1, p="valid": _size(n, k, s, "same" if p == "valid" else "valid"),
    ),
]


def _whole_results(subject: Subject, cases: list[Case]) -> None:
    for case in cases:
        got = subject.call("map_size", *case.args)
        if isinstance(got, float) and got == int(got):
            raise Wrong(
                "The numbers are right, but they are floats such as 4.0. A size is a whole number: "
                "divide with `//`, or use `int(...)` or `math.ceil(...)`.",
                "not a whole number",
            )


def _sizes(subject: Subject, cases: list[Case]) -> None:
    advice = "Draw the picture as a row of boxes and count the places of the filter."
    compare.function(subject, "map_size", cases, _size, _SIZE_MISTAKES, advice=advice)
    _whole_results(subject, cases[:3])


def _size_valid(subject: Subject, rng: np.random.Generator) -> None:
    defaults = [Case((int(n), 3), f"n = {n}, k = 3") for n in rng.integers(5, 40, 2)]
    _sizes(subject, [*_size_cases("valid", (1, 2, 3)), *defaults])


def _size_same(subject: Subject, rng: np.random.Generator) -> None:
    more = [Case((int(n), 3, 4, "same"), f"n = {n}, k = 3, s = 4") for n in rng.integers(9, 40, 3)]
    _sizes(subject, [*_size_cases("same", (1, 2, 3)), *more])


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
    options = {} if kind is None else {"kind": kind}
    word = "maximum" if kind in (None, "max") else "average"
    return [
        Case(
            (rng.normal(-1, 2, (h, w)).round(2), size),
            f"the {word} of windows of {size} × {size} on a map of {h} × {w}",
            dict(options),
        )
        for h, w in shapes
    ]


def _pool_with(subject: Subject, cases: list[Case]) -> None:
    advice = "Try it on a map of 4 × 4 on paper."
    compare.function(subject, "pool", cases, _pool, _POOL_MISTAKES, advice=advice)


def _pool_max(subject: Subject, rng: np.random.Generator) -> None:
    cases = _pool_cases(rng, "max", [(4, 4), (6, 8)], 2)
    cases += _pool_cases(rng, "max", [(6, 9)], 3) + _pool_cases(rng, None, [(4, 6)], 2)
    values = rng.normal(-1, 2, (6, 6)).round(2)
    cases.append(Case((values,), "a map of 6 × 6, where nothing is said of size and kind"))
    _pool_with(subject, cases)


def _pool_average(subject: Subject, rng: np.random.Generator) -> None:
    cases = _pool_cases(rng, "average", [(4, 4), (6, 8)], 2)
    _pool_with(subject, cases + _pool_cases(rng, "average", [(6, 9)], 3))


def _pool_rest(subject: Subject, rng: np.random.Generator) -> None:
    cases = _pool_cases(rng, "max", [(5, 7), (9, 4)], 2)
    _pool_with(subject, cases + _pool_cases(rng, "average", [(11, 7)], 3))


# --- 01.5: a filter for falling strokes --------------------------------------------------------


def _filter(subject: Subject) -> tuple[Array, float]:
    kernel = compare.attempted(subject, "my_kernel")
    bias = compare.attempted(subject, "my_bias")
    kernel = np.asarray(kernel) if isinstance(kernel, list | tuple | np.ndarray) else None
    if kernel is None or kernel.dtype.kind not in "biuf" or kernel.shape != (3, 3):
        raise Wrong("`my_kernel` should be an array of 3 × 3 numbers.", "shape")
    if isinstance(bias, np.ndarray | list) and np.size(bias) == 1:
        bias = np.ravel(bias)[0].item()
    if isinstance(bias, bool) or not isinstance(bias, int | float):
        raise Wrong("`my_bias` should be one number.")
    if not (np.all(np.isfinite(kernel)) and np.isfinite(bias)):
        raise Wrong("`my_kernel` and `my_bias` should hold finite numbers.", "not finite")
    return kernel.astype(float), float(bias)


#: All 512 windows of black and white pixels.
_WINDOWS = np.array([[int(bit) for bit in f"{k:09b}"] for k in range(512)]).reshape(-1, 3, 3)
_FALLING = _WINDOWS[:, [0, 1, 2], [0, 1, 2]].all(axis=1)
_RISING = _WINDOWS[:, [0, 1, 2], [2, 1, 0]].all(axis=1)


def _found(subject: Subject) -> Array:
    kernel, bias = _filter(subject)
    return np.asarray((_WINDOWS * kernel).sum(axis=(1, 2)) + bias > 1e-9)


def _filter_finds(subject: Subject, rng: np.random.Generator) -> None:
    found = _found(subject)
    if found[_FALLING].all():
        return
    if found[_RISING].all():
        raise Wrong(
            "Your filter looks for rising strokes, from the bottom left to the top right. The "
            "first row of the filter lies on the top row of the window.",
            "other diagonal",
        )
    if not found.any():
        raise Wrong(
            "Your values are never above 0, even if the whole diagonal is black: the bias is too "
            "low for this filter.",
            "bias too low",
        )
    raise Wrong(
        "There are windows whose falling diagonal is black, but whose value is not above 0. The "
        "other six pixels must not pull the value down: which numbers ask for nothing?",
        "other pixels count",
    )


def _filter_refuses(subject: Subject, rng: np.random.Generator) -> None:
    found = _found(subject)
    if not found[~_FALLING].any():
        if not found.any():
            raise Wrong("Your values are never above 0: the bias is too low.", "bias too low")
        return
    if found[_RISING].all() and not found[_FALLING].all():
        raise Wrong("Your filter looks for rising strokes, not for falling ones.", "other diagonal")
    if found.all():
        raise Wrong(
            "Your values are above 0 for every window, even an empty one: the bias has to set a "
            "bar.",
            "bias too high",
        )
    diagonal = _WINDOWS[:, [0, 1, 2], [0, 1, 2]].sum(axis=1)
    only = (_WINDOWS.sum(axis=(1, 2)) == diagonal) & (diagonal == 2)
    if found[only].any():
        raise Wrong(
            "Two black pixels of the diagonal already give a value above 0. The bias has to be so "
            "low that only three are enough.",
            "bias too high",
        )
    raise Wrong(
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
) -> Array:
    found = convolution.feature_map(
        image, convolution.ANTI_DIAGONAL, convolution.BIAS if bias else 0.0
    )
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
]


def _letters(subject: Subject, rng: np.random.Generator) -> None:
    cases = [
        Case((image.astype(float),), label)
        for image, label in [
            (convolution.LETTER_O, "the letter O"),
            (convolution.LETTER_X, "the letter X"),
            (convolution.LETTER_X_SHIFTED, "the shifted X"),
        ]
    ]
    compare.function(subject, "letter_outputs", cases, _letter, _LETTER_MISTAKES, advice=_STEPS)


def _drawings(subject: Subject, rng: np.random.Generator) -> None:
    empty, full = np.zeros((6, 6)), np.ones((6, 6))
    corner = np.zeros((6, 6))
    corner[:3, :3] = 4 * np.fliplr(np.eye(3))  # dark enough for a negative sum in the hidden node
    cases = [Case((one,), "a picture of another kind") for one in (corner, empty, full)]
    for _ in range(6):
        image = (rng.random((6, 6)) < 0.5).astype(float)
        cases.append(Case((image,), "a picture of random pixels"))
    compare.function(subject, "letter_outputs", cases, _letter, _LETTER_MISTAKES, advice=_STEPS)


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
                "A filter for a colour picture has 5 × 5 × 3 numbers and one bias.",
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
            only=("numpy",),
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
            only=("numpy",),
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
