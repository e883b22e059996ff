"""The convolution of lesson 01: by hand, with loops, with NumPy and with Keras."""

from __future__ import annotations

import ast
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_utils import convolution as cv
from course_utils.exceptions import InvalidInput

PROPERTY = settings(max_examples=150, deadline=None, derandomize=True)


def _conv_by_keras(image, kernel, bias, stride, padding):
    import keras

    image = np.asarray(image, dtype="float64")
    kernel = np.asarray(kernel, dtype="float64")
    image = image.reshape(1, *image.shape[:2], -1)
    filters = kernel.shape[3] if kernel.ndim == 4 else None
    kernel = kernel.reshape(*kernel.shape[:2], image.shape[3], -1)
    result = keras.ops.conv(
        image, kernel, strides=stride, padding=padding, data_format="channels_last"
    )
    result = keras.ops.convert_to_numpy(result)[0] + np.asarray(bias)
    return result if filters else result[:, :, 0]


def _conv_by_definition(image, kernel, bias, stride, padding):
    """Formula of the textbook, with the padding of TensorFlow's notes, in plain Python."""
    image = np.asarray(image, dtype="float64")
    kernel = np.asarray(kernel, dtype="float64")
    one = kernel.ndim < 4
    image = image.reshape(*image.shape[:2], -1)
    kernel = kernel.reshape(*kernel.shape[:2], image.shape[2], -1)
    kh, kw, channels, filters = kernel.shape
    bias = np.broadcast_to(bias, filters)
    sizes, starts = [], []
    for n, k, s in zip(image.shape[:2], (kh, kw), stride, strict=True):
        if padding == "valid":
            size, start = math.ceil((n - k + 1) / s), 0
        else:
            size = math.ceil(n / s)
            start = -(max((k - s) if n % s == 0 else k - n % s, 0) // 2)
        sizes.append(size)
        starts.append(start)
    out = np.zeros((*sizes, filters))
    for row in range(sizes[0]):
        for column in range(sizes[1]):
            for f in range(filters):
                total = 0.0
                for i in range(kh):
                    for j in range(kw):
                        y, x = starts[0] + row * stride[0] + i, starts[1] + column * stride[1] + j
                        if 0 <= y < image.shape[0] and 0 <= x < image.shape[1]:
                            for c in range(channels):
                                total += image[y, x, c] * kernel[i, j, c, f]
                out[row, column, f] = total + bias[f]
    return out[:, :, 0] if one else out


@st.composite
def operands(draw, largest=9):
    """Image, kernel, bias, stride and padding that go together, in every allowed shape."""
    padding = draw(st.sampled_from(["valid", "same"]))
    height, width = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    tallest, widest = (height, width) if padding == "valid" else (6, 6)
    kh, kw = draw(st.integers(1, min(5, tallest))), draw(st.integers(1, min(5, widest)))
    channels = draw(st.integers(1, 3))
    shapes = [((height, width, channels), (kh, kw, channels))]
    shapes.append(((height, width, channels), (kh, kw, channels, draw(st.integers(1, 4)))))
    if channels == 1:
        shapes += [((height, width), (kh, kw)), ((height, width, 1), (kh, kw))]
        shapes += [((height, width), (kh, kw, 1, 2))]
    image_shape, kernel_shape = draw(st.sampled_from(shapes))
    values = st.floats(-4, 4, width=32)
    image = draw(hnp.arrays("float64", image_shape, elements=values))
    kernel = draw(hnp.arrays("float64", kernel_shape, elements=values))
    bias = draw(values)
    if len(kernel_shape) == 4 and draw(st.booleans()):
        bias = draw(hnp.arrays("float64", kernel_shape[3], elements=values))
    stride = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return image, kernel, bias, stride, padding


# --------------------------------------------------------------------------- the numbers by hand
O_MAP = [[1, -1, -2, -1], [-1, -2, -1, -2], [-2, -1, -2, -1], [-1, -2, -1, 1]]


def test_the_letters_are_drawn_as_they_should():
    def rows(letter):
        return ["".join(str(pixel) for pixel in row) for row in letter]

    assert rows(cv.LETTER_O) == ["001100", "010010", "100001", "100001", "010010", "001100"]
    assert rows(cv.LETTER_X) == ["100001", "010010", "001100", "001100", "010010", "100001"]
    shifted = np.zeros((6, 6), dtype="uint8")
    shifted[:, 1:] = cv.LETTER_X[:, :-1]
    np.testing.assert_array_equal(cv.LETTER_X_SHIFTED, shifted)
    assert cv.LETTER_O.dtype == np.uint8
    np.testing.assert_array_equal(cv.ANTI_DIAGONAL, [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    assert cv.BIAS == -2.0


def test_the_letters_cannot_be_changed_by_accident():
    with pytest.raises(ValueError, match="read-only"):
        cv.LETTER_O[0, 0] = 1


def test_feature_map_of_the_letter_o():
    np.testing.assert_array_equal(cv.feature_map(cv.LETTER_O, cv.ANTI_DIAGONAL, cv.BIAS), O_MAP)


def test_first_windows_of_the_letter_o():
    without_bias = cv.feature_map(cv.LETTER_O, cv.ANTI_DIAGONAL)
    assert without_bias[0, 0] == 3
    assert without_bias[0, 1] == 1


@pytest.mark.parametrize(
    ("letter", "pooled", "hidden", "outputs", "name"),
    [
        (cv.LETTER_O, [1, 0, 0, 1], 0.34, (1.01, -0.01), "O"),
        (cv.LETTER_X, [0, 1, 1, 0], 1.10, (0.02, 1.00), "X"),
        (cv.LETTER_X_SHIFTED, [0, 1, 1, 1], 1.27, (-0.20, 1.23), "X"),
    ],
    ids=["O", "X", "shifted X"],
)
def test_the_letter_network(letter, pooled, hidden, outputs, name):
    network = cv.LetterNetwork()
    mine = network.pooled(letter)
    np.testing.assert_array_equal(mine.ravel(), pooled)
    assert network.hidden(mine) == pytest.approx(hidden, abs=1e-9)
    np.testing.assert_allclose(network.outputs(mine), outputs, atol=0.005)
    np.testing.assert_allclose(
        network.outputs(np.ravel(mine)), [-1.3 * hidden + 1.45, 1.33 * hidden - 0.46], atol=1e-9
    )
    assert network.predict(letter) == name


def test_the_hidden_node_is_a_relu():
    assert cv.LetterNetwork().hidden([10, 0, 0, 0]) == 0.0


# ------------------------------------------------------------------ against independent sources
@PROPERTY
@given(operands())
def test_feature_map_is_what_keras_computes(case):
    image, kernel, bias, stride, padding = case
    expected = _conv_by_keras(image, kernel, bias, stride, padding)
    mine = cv.feature_map(image, kernel, bias, stride, padding)
    assert mine.shape == expected.shape
    np.testing.assert_allclose(mine, expected, atol=1e-6, rtol=0)


@PROPERTY
@given(operands(largest=6))
def test_feature_map_is_what_the_definition_says(case):
    image, kernel, bias, stride, padding = case
    expected = _conv_by_definition(image, kernel, bias, stride, padding)
    mine = cv.feature_map(image, kernel, bias, stride, padding)
    assert mine.shape == expected.shape
    np.testing.assert_allclose(mine, expected, atol=1e-9, rtol=0)


@PROPERTY
@given(operands())
def test_output_size_is_the_size_of_the_feature_map(case):
    image, kernel, bias, stride, padding = case
    mine = cv.feature_map(image, kernel, bias, stride, padding)
    for axis in (0, 1):
        expected = cv.output_size(image.shape[axis], kernel.shape[axis], stride[axis], padding)
        assert mine.shape[axis] == expected


@PROPERTY
@given(
    hnp.arrays(
        "float64", st.tuples(st.integers(2, 9), st.integers(2, 9)), elements=st.floats(-9, 9)
    ),
    hnp.arrays("float64", (2, 2), elements=st.floats(-9, 9)),
    st.integers(1, 3),
)
def test_the_plain_loop_gives_the_same(image, kernel, stride):
    np.testing.assert_allclose(
        cv.feature_map_loop(image, kernel, -2.0, stride),
        cv.feature_map(image, kernel, -2.0, stride),
        atol=1e-9,
    )


@PROPERTY
@given(
    hnp.arrays(
        "float32",
        hnp.array_shapes(min_dims=2, max_dims=3, min_side=1, max_side=8),
        elements=st.floats(-100, 100, width=32),
    ),
    st.tuples(st.integers(1, 3), st.integers(1, 3)),
    st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4)),
)
def test_pooling_is_what_keras_computes(maps, size, stride):
    import keras

    size = tuple(min(one, n) for one, n in zip(size, maps.shape[:2], strict=True))
    batch = maps.reshape(1, *maps.shape[:2], -1)
    for mine, theirs in (
        (cv.max_pool, keras.ops.max_pool),
        (cv.average_pool, keras.ops.average_pool),
    ):
        expected = theirs(batch, size, stride, padding="valid", data_format="channels_last")
        expected = keras.ops.convert_to_numpy(expected)[0]
        result = mine(maps, size, stride)
        assert result.dtype == np.float32
        if maps.ndim == 2:
            expected = expected[:, :, 0]
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("filters", "size", "channels"), [(1, 3, 1), (4, 5, 3), (8, (3, 5), 7), (32, 3, 3)]
)
def test_parameter_count_is_that_of_a_keras_layer(filters, size, channels):
    import keras

    layer = keras.layers.Conv2D(filters, size)
    layer.build((None, 16, 16, channels))
    assert cv.parameter_count(filters, size, channels) == layer.count_params()


def test_float32_photograph_equals_keras_to_1e_6():
    import keras

    rng = np.random.default_rng(0)
    photo = rng.random((64, 96, 3), dtype="float32")
    layer = keras.layers.Conv2D(8, 3, strides=2, padding="same", bias_initializer="normal")
    expected = keras.ops.convert_to_numpy(layer(photo[None]))[0]
    kernel, bias = layer.get_weights()
    mine = cv.feature_map(photo, kernel, bias, stride=2, padding="same")
    assert mine.dtype == np.float32
    np.testing.assert_allclose(mine, expected, atol=1e-6)


@pytest.fixture(scope="module")
def lesson() -> dict:
    """The functions that lesson 01 writes, taken from its cells."""
    path = Path(__file__).parents[2] / "notebooks" / "01_convolution_by_hand.ipynb"
    sources = {
        cell["id"]: "".join(cell["source"]) for cell in json.loads(path.read_text("utf-8"))["cells"]
    }
    names: dict = {"np": np, "sliding_window_view": np.lib.stride_tricks.sliding_window_view}
    for cell in ("L01-loop", "L01-pool", "L01-stride", "L01-speed"):
        functions = [
            node for node in ast.parse(sources[cell]).body if isinstance(node, ast.FunctionDef)
        ]
        exec(compile(ast.Module(functions, []), cell, "exec"), names)
    return names


@PROPERTY
@given(
    hnp.arrays(
        "float64", st.tuples(st.integers(3, 8), st.integers(3, 8)), elements=st.floats(-9, 9)
    ),
    hnp.arrays(
        "float64", st.tuples(st.integers(1, 3), st.integers(1, 3)), elements=st.floats(-9, 9)
    ),
    st.integers(1, 3),
)
def test_what_lesson_01_writes_gives_the_same(lesson, image, kernel, stride):
    expected = cv.feature_map(image, kernel, -2.0)
    for name in ("feature_map_loop", "windows_as_views"):
        np.testing.assert_allclose(lesson[name](image, kernel, -2.0), expected, atol=1e-9)
    np.testing.assert_allclose(
        lesson["feature_map_stride"](image, kernel, -2.0, stride),
        cv.feature_map(image, kernel, -2.0, stride),
        atol=1e-9,
    )
    size = min(stride, *image.shape)
    np.testing.assert_array_equal(lesson["max_pool_loop"](image, size), cv.max_pool(image, size))


# -------------------------------------------------------------------------------- small properties
def test_the_kernel_is_not_flipped():
    image = np.zeros((3, 3))
    image[0, 0] = 1
    kernel = np.arange(9.0).reshape(3, 3)
    assert cv.feature_map(image, kernel)[0, 0] == kernel[0, 0]


def test_large_images_are_computed_in_parts_and_give_the_same(monkeypatch):
    rng = np.random.default_rng(1)
    image, kernel = rng.random((40, 30, 3)), rng.random((5, 4, 3, 6))
    whole = cv.feature_map(image, kernel, padding="same")
    monkeypatch.setattr(cv, "_NUMBERS_PER_STEP", 4000)
    np.testing.assert_allclose(cv.feature_map(image, kernel, padding="same"), whole, atol=1e-12)


@pytest.mark.parametrize(
    ("image_type", "kernel_type", "result"),
    [
        ("uint8", "float64", "float64"),
        ("float32", "float32", "float32"),
        ("uint8", "float32", "float32"),
        ("bool", "float32", "float32"),
        ("float16", "float16", "float32"),
        ("int64", "int64", "float64"),
    ],
)
def test_types_of_the_result(image_type, kernel_type, result):
    image = np.ones((4, 4), dtype=image_type)
    made = cv.feature_map(image, np.ones((3, 3), dtype=kernel_type))
    assert made.dtype == result
    np.testing.assert_array_equal(made, np.full((2, 2), 9))
    pooled = cv.average_pool(image)
    assert pooled.dtype == np.result_type(image_type, "float32")
    np.testing.assert_array_equal(pooled, np.ones((2, 2)))


def test_uint8_pixels_do_not_overflow():
    image = np.full((3, 3), 255, dtype="uint8")
    assert cv.feature_map(image, np.full((3, 3), -1, dtype="int8"), 1)[0, 0] == -255 * 9 + 1
    assert cv.average_pool(image, 3)[0, 0] == 255


def test_inputs_are_left_alone():
    image, kernel = np.ones((5, 5)), np.ones((3, 3))
    cv.feature_map(image, kernel, 1.0, padding="same")
    cv.relu(image)
    cv.max_pool(image)
    np.testing.assert_array_equal(image, np.ones((5, 5)))
    np.testing.assert_array_equal(kernel, np.ones((3, 3)))


def test_nan_reaches_exactly_the_windows_that_hold_it():
    image = np.zeros((5, 5))
    image[0, 0] = np.nan
    np.testing.assert_array_equal(
        np.isnan(cv.feature_map(image, np.ones((3, 3)))), [[True, False, False]] + [[False] * 3] * 2
    )
    assert np.isnan(cv.relu(image)[0, 0])
    assert np.isnan(cv.max_pool(image)[0, 0])


def test_relu():
    np.testing.assert_array_equal(cv.relu([[-1.5, 0.0], [2.0, -0.0]]), [[0, 0], [2, 0]])
    assert cv.relu(np.array([-3, 3], dtype="int8")).dtype == np.int8
    assert cv.relu(-2.0) == 0


def test_max_pool_drops_what_does_not_fill_a_window():
    maps = np.arange(25).reshape(5, 5)
    np.testing.assert_array_equal(cv.max_pool(maps), [[6, 8], [16, 18]])
    np.testing.assert_array_equal(cv.max_pool(maps, 3, stride=1).shape, (3, 3))


def test_same_padding_of_an_even_kernel_puts_the_odd_zero_below_and_right():
    image = np.ones((3, 3))
    np.testing.assert_array_equal(
        cv.feature_map(image, np.ones((2, 2)), padding="same"), [[4, 4, 2], [4, 4, 2], [2, 2, 1]]
    )


# ------------------------------------------------------------------------------------- bad input
GRAY = np.zeros((6, 6))
RGB = np.zeros((6, 6, 3))
K3 = np.ones((3, 3))
BAD = {
    "kernel larger than image": (lambda: cv.feature_map(GRAY, np.ones((7, 3))), "does not fit"),
    "channels of image and kernel": (lambda: cv.feature_map(RGB, K3), "3 channels"),
    "kernel with too many channels": (
        lambda: cv.feature_map(GRAY, np.ones((3, 3, 3))),
        "1 channel ",
    ),
    "stride 0": (lambda: cv.feature_map(GRAY, K3, stride=0), "stride must be"),
    "stride negative": (lambda: cv.feature_map(GRAY, K3, stride=-1), "stride must be"),
    "stride float": (lambda: cv.feature_map(GRAY, K3, stride=1.0), "stride must be"),
    "stride truth value": (lambda: cv.feature_map(GRAY, K3, stride=True), "stride must be"),
    "stride of three": (lambda: cv.feature_map(GRAY, K3, stride=(1, 1, 1)), "stride must be"),
    "stride a word": (lambda: cv.feature_map(GRAY, K3, stride="12"), "stride must be"),
    "padding misspelt": (lambda: cv.feature_map(GRAY, K3, padding="smae"), "did you mean 'same'"),
    "padding a number": (lambda: cv.feature_map(GRAY, K3, padding=1), "padding must be 'valid'"),
    "image a number": (lambda: cv.feature_map(3.0, K3), r"shape is \(\)"),
    "image a row": (lambda: cv.feature_map([1, 2, 3], K3), "height, width"),
    "a batch of images": (lambda: cv.feature_map(np.zeros((1, 6, 6, 1)), K3), "one image of the"),
    "5 axes": (lambda: cv.feature_map(np.zeros((1, 1, 6, 6, 1)), K3), "height, width"),
    "empty image": (lambda: cv.feature_map(np.zeros((0, 6)), K3), "no values"),
    "words": (lambda: cv.feature_map([["a", "b"]], K3), "real numbers"),
    "complex": (lambda: cv.feature_map(GRAY * 1j, K3), "real numbers"),
    "nothing": (lambda: cv.feature_map(None, K3), "real numbers"),
    "uneven rows": (lambda: cv.feature_map([[1, 2], [3]], K3), "not equally long"),
    "kernel a row": (lambda: cv.feature_map(GRAY, [1, 2]), "kernel must have the shape"),
    "empty kernel": (lambda: cv.feature_map(GRAY, np.zeros((0, 3))), "kernel has no values"),
    "bias of another length": (
        lambda: cv.feature_map(GRAY, np.ones((3, 3, 1, 2)), [1, 2, 3]),
        "each of the 2 filters",
    ),
    "bias a table": (lambda: cv.feature_map(GRAY, K3, [[1.0]]), "bias must be one number"),
    "bias a word": (lambda: cv.feature_map(GRAY, K3, "two"), "bias must hold real numbers"),
    "loop with channels": (lambda: cv.feature_map_loop(RGB, np.ones((3, 3, 3))), "use feature_map"),
    "relu of words": (lambda: cv.relu(["a"]), "real numbers"),
    "pool larger than map": (lambda: cv.max_pool(GRAY, 7), "window of 7×7 does not fit"),
    "pool size 0": (lambda: cv.max_pool(GRAY, 0), "size must be"),
    "pool stride 0": (lambda: cv.max_pool(GRAY, 2, 0), "stride must be"),
    "average pool of a row": (lambda: cv.average_pool([1, 2]), "feature_map must have the shape"),
    "output size, kernel": (lambda: cv.output_size(2, 3), "does not fit"),
    "output size, n": (lambda: cv.output_size(0, 3), "n must be"),
    "output size, float": (lambda: cv.output_size(6.0, 3), "n must be"),
    "parameters, filters": (lambda: cv.parameter_count(0, 3, 1), "filters must be"),
    "parameters, size": (lambda: cv.parameter_count(4, (3, 3, 3), 1), "kernel_size must be"),
    "parameters, channels": (lambda: cv.parameter_count(4, 3, -1), "channels must be"),
    "letter too large": (lambda: cv.LetterNetwork().predict(np.zeros((28, 28))), r"\(6, 6\)"),
    "hidden node, 36 inputs": (lambda: cv.LetterNetwork().hidden(GRAY), "takes 4 values"),
}


@pytest.mark.parametrize("case", BAD, ids=list(BAD))
def test_bad_input_gets_one_sentence(case):
    call, words = BAD[case]
    with pytest.raises(InvalidInput, match=words) as caught:
        call()
    message = str(caught.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    assert len(message) < 260


ODD_THINGS = st.one_of(
    st.none(),
    st.integers(-3, 9),
    st.floats(),
    st.text(max_size=3),
    st.lists(
        st.one_of(st.integers(-2, 9), st.text(max_size=1), st.lists(st.integers(), max_size=3))
    ),
    hnp.arrays(
        st.sampled_from(["float32", "uint8", "bool", "complex64", "U1", "datetime64[s]", "object"]),
        hnp.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=4),
    ),
)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(ODD_THINGS, ODD_THINGS, ODD_THINGS, ODD_THINGS, ODD_THINGS)
def test_whatever_is_given_there_is_a_result_or_one_sentence(image, kernel, bias, stride, padding):
    for call in (
        lambda: cv.feature_map(image, kernel, bias, stride, padding),
        lambda: cv.feature_map(np.ones((5, 5)), kernel, bias),
        lambda: cv.feature_map(image, np.ones((1, 1)), stride=stride),
        lambda: cv.relu(image),
        lambda: cv.max_pool(image, kernel, stride),
        lambda: cv.average_pool(image),
        lambda: cv.output_size(image, kernel, stride, padding),
        lambda: cv.parameter_count(image, kernel, bias),
        lambda: cv.LetterNetwork().predict(image),
        lambda: cv.LetterNetwork().outputs(image),
    ):
        message = ""
        try:
            call()
        except InvalidInput as error:
            message = str(error)
        assert "\n" not in message
        assert len(message) < 260


@pytest.mark.parametrize("padding", ["SAME", "Valid"])
def test_padding_may_be_written_in_capitals(padding):
    assert cv.output_size(6, 3, 1, padding) == cv.output_size(6, 3, 1, padding.lower())


def test_the_module_needs_no_tensorflow():
    code = (
        "import sys, course_utils.convolution; "
        "print(sorted({'tensorflow', 'keras', 'pandas', 'matplotlib'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
