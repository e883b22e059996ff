"""Convolution, ReLU and pooling with NumPy, and the two letters that lesson 01 classifies.

Lesson 01 writes out each of these functions, once with loops and once in Keras; the three give the
same numbers. Nothing in this module needs TensorFlow.

Images are arrays of shape (height, width) or (height, width, channels). Kernels are arrays of
shape (height, width), (height, width, channels) or (height, width, channels, filters), which is
the order in which Keras stores the weights of ``Conv2D``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from course_utils.exceptions import InvalidInput
from course_utils.validate import choice, is_whole, shown, whole_number

__all__ = [
    "ANTI_DIAGONAL",
    "BIAS",
    "LETTER_O",
    "LETTER_X",
    "LETTER_X_SHIFTED",
    "LetterNetwork",
    "average_pool",
    "feature_map",
    "feature_map_loop",
    "max_pool",
    "output_size",
    "parameter_count",
    "relu",
]

#: Maximum number of values in the windows that are copied at a time (8 bytes each): fast, and small
#: enough for a photograph from a camera.
_VALUES_PER_STEP = 1_000_000


def _letter(*rows: str) -> NDArray[np.uint8]:
    letter = np.array([[int(pixel) for pixel in row] for row in rows], dtype=np.uint8)
    letter.setflags(write=False)
    return letter


#: The letter O on 6 × 6 pixels: 0 is white, 1 is black.
LETTER_O = _letter("001100", "010010", "100001", "100001", "010010", "001100")

#: The letter X on 6 × 6 pixels.
LETTER_X = _letter("100001", "010010", "001100", "001100", "010010", "100001")

#: The letter X moved one pixel to the right, without its last column.
LETTER_X_SHIFTED = _letter("010000", "001001", "000110", "000110", "001001", "010000")

#: The 3 × 3 filter of lesson 01: ones from the top right corner to the bottom left one.
ANTI_DIAGONAL = np.fliplr(np.eye(3))
ANTI_DIAGONAL.setflags(write=False)

#: The bias of this filter.
BIAS = -2.0


# ------------------------------------------------------------------------------------- convolution
def output_size(n: int, kernel: int, stride: int = 1, padding: str = "valid") -> int:
    """Compute the height (or width) of a feature map from that of the image.

    With ``padding="valid"`` it is ``(n − kernel) // stride + 1``: the kernel stays inside the
    image. With ``padding="same"`` it is ``n / stride``, rounded up. Written out in lesson 01.

    Parameters
    ----------
    n : int
        Height or width of the image, in pixels.
    kernel : int
        Height or width of the kernel (or of the pooling window), in pixels.
    stride : int
        Step of the kernel in pixels.
    padding : {"valid", "same"}
        Without a border, or with a border of zeros.

    Returns
    -------
    int

    Raises
    ------
    InvalidInput
        If a number is not a whole number of at least 1, if the padding is unknown, or if the
        kernel is larger than an image without a border.

    References
    ----------
    Dumoulin and Visin (2016), "A guide to convolution arithmetic for deep learning",
    https://arxiv.org/abs/1603.07285, relations 6 and following; "same" as TensorFlow does it,
    https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2.

    Examples
    --------
    >>> output_size(6, 3)
    4
    >>> output_size(6, 3, stride=2), output_size(6, 3, stride=2, padding="same")
    (2, 3)
    """
    n, kernel = whole_number("n", n, 1), whole_number("kernel", kernel, 1)
    stride = whole_number("stride", stride, 1)
    if _padding(padding) == "same":
        return math.ceil(n / stride)
    if kernel > n:
        raise InvalidInput(
            f"a kernel of {kernel} pixels does not fit on an image of {n} pixels; "
            f"take a smaller kernel, a larger image, or padding='same'."
        )
    return (n - kernel) // stride + 1


def feature_map(
    image: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike = 0.0,
    stride: int | tuple[int, int] = 1,
    padding: str = "valid",
) -> NDArray[np.floating]:
    """Convolve an image with a kernel: the dot product at each position, plus the bias.

    As in all deep-learning libraries the kernel is *not* flipped, which mathematics calls a
    cross-correlation. Lesson 01 writes it with loops and shows that Keras gives the same.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        One image of integers, booleans or floats. All values whose window contains a NaN are NaN.
    kernel : array of shape (kh, kw), (kh, kw, C) or (kh, kw, C, F)
        One filter, or F filters at once. The number of channels C must be that of the image.
    bias : float or array of shape (F,)
        Added to all values; one number for all filters or one for each.
    stride : int or pair of int
        Step of the kernel in pixels (down, right).
    padding : {"valid", "same"}
        "valid": the kernel stays inside the image. "same": zeros around the image, so that with a
        stride of 1 the result has the size of the image. If the number of zeros is odd, the odd one
        is below or to the right, as in TensorFlow.

    Returns
    -------
    array of shape (H', W') or (H', W', F)
        The feature map, or F of them; for H' and W' see :func:`output_size`. There is a third axis
        whenever the kernel has four, even if F is 1. float32 if image and kernel are float32 (or
        smaller), else float64.

    Raises
    ------
    InvalidInput
        If the shapes do not match, or an argument is invalid.

    Notes
    -----
    The windows are a *view* of the same pixels, without a copy (``sliding_window_view``). The dot
    products of all windows and all filters are then one matrix product, which is also how libraries
    compute convolutions.

    Examples
    --------
    >>> feature_map(LETTER_O, ANTI_DIAGONAL, BIAS)
    array([[ 1., -1., -2., -1.],
           [-1., -2., -1., -2.],
           [-2., -1., -2., -1.],
           [-1., -2., -1.,  1.]])
    """
    pixels, weights, offset = _check_operands(image, kernel, bias)
    down, right = _pair("stride", stride)
    border = _padding(padding)
    one_filter = weights.ndim < 4
    dtype = np.result_type(pixels.dtype, weights.dtype, np.float32)
    pixels = pixels.reshape(*pixels.shape[:2], -1).astype(dtype, copy=False)
    weights = weights.reshape(*weights.shape[:2], pixels.shape[2], -1).astype(dtype, copy=False)
    kh, kw = weights.shape[:2]

    if border == "same":
        zeros = (_border(pixels.shape[0], kh, down), _border(pixels.shape[1], kw, right), (0, 0))
        pixels = np.pad(pixels, zeros)
    elif kh > pixels.shape[0] or kw > pixels.shape[1]:
        raise InvalidInput(
            f"a kernel of {kh}×{kw} does not fit on an image of {pixels.shape[0]}×"
            f"{pixels.shape[1]}; take a smaller kernel, a larger image, or padding='same'."
        )

    # (H', W', kh, kw, C): for each position of the feature map, the window under the kernel
    windows = sliding_window_view(pixels, (kh, kw), axis=(0, 1))[::down, ::right]
    windows = np.moveaxis(windows, 2, -1)
    result = np.empty((*windows.shape[:2], weights.shape[-1]), dtype=dtype)
    rows = max(1, _VALUES_PER_STEP // math.prod(windows.shape[1:]))
    for top in range(0, len(result), rows):
        result[top : top + rows] = np.tensordot(windows[top : top + rows], weights, axes=3)
    result += offset.astype(dtype)
    return result[:, :, 0] if one_filter else result


def feature_map_loop(
    image: ArrayLike, kernel: ArrayLike, bias: float = 0.0, stride: int = 1
) -> NDArray[np.float64]:
    """Compute the same as :func:`feature_map` with loops, one value at a time.

    Lesson 01 writes this function, first without and then with a stride. It serves as a reference:
    it supports one channel, one filter and no padding, and is much slower.

    Parameters
    ----------
    image : array of shape (H, W)
    kernel : array of shape (kh, kw)
    bias : float
    stride : int

    Returns
    -------
    array of shape (H', W'), float64

    Raises
    ------
    InvalidInput
        As :func:`feature_map`; also if image or kernel have channels.
    """
    pixels, weights, offset = _check_operands(image, kernel, bias)
    if pixels.ndim != 2 or weights.ndim != 2:
        raise InvalidInput(
            "feature_map_loop takes an image and a kernel of shape (height, width), but theirs are "
            f"{pixels.shape} and {weights.shape}; use feature_map for channels and several filters."
        )
    step = whole_number("stride", stride, 1)
    height = output_size(pixels.shape[0], weights.shape[0], step)
    width = output_size(pixels.shape[1], weights.shape[1], step)
    result = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            total = 0.0
            for i in range(weights.shape[0]):
                for j in range(weights.shape[1]):
                    total += pixels[row * step + i, column * step + j] * weights[i, j]
            result[row, column] = total + float(offset)
    return result


def relu(x: ArrayLike) -> NDArray[Any]:
    """Apply the rectified linear unit: set negative values to 0.

    Written out in lesson 01.

    Parameters
    ----------
    x : array of any shape
        Real numbers. NaN is returned as NaN.

    Returns
    -------
    array of the same shape and dtype

    Raises
    ------
    InvalidInput
        If `x` does not hold real numbers.

    Examples
    --------
    >>> relu([1.0, -1.0, -2.0])
    array([1., 0., 0.])
    """
    values = _numbers("x", x)
    return np.maximum(values, values.dtype.type(0))


def max_pool(
    feature_map: ArrayLike,
    size: int | tuple[int, int] = 2,
    stride: int | tuple[int, int] | None = None,
) -> NDArray[Any]:
    """Return the maximum of each window.

    Values at the right and lower edge that do not fill a window are dropped, as Keras does with
    ``padding="valid"``. Pooling has no parameters to learn. Written out in lesson 01.

    Parameters
    ----------
    feature_map : array of shape (H, W) or (H, W, F)
        Each of the F maps is pooled separately.
    size : int or pair of int
        Height and width of the window.
    stride : int or pair of int, optional
        Step of the window; by default its size, so that windows do not overlap.

    Returns
    -------
    array of shape (H', W') or (H', W', F), same dtype

    Raises
    ------
    InvalidInput
        If the window is larger than the map, or an argument is invalid.

    Examples
    --------
    >>> max_pool([[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 1]])
    array([[1, 0],
           [0, 1]])
    """
    return _pooling_windows(feature_map, size, stride).max(axis=(-2, -1))


def average_pool(
    feature_map: ArrayLike,
    size: int | tuple[int, int] = 2,
    stride: int | tuple[int, int] | None = None,
) -> NDArray[np.floating]:
    """Return the mean of each window.

    Parameters
    ----------
    feature_map : array of shape (H, W) or (H, W, F)
    size : int or pair of int
    stride : int or pair of int, optional
        As for :func:`max_pool`.

    Returns
    -------
    array of shape (H', W') or (H', W', F)
        float32 if the map is float32 (or smaller), else float64.

    Raises
    ------
    InvalidInput
        As for :func:`max_pool`.

    Examples
    --------
    >>> average_pool([[1, 0], [0, 3]])
    array([[1.]])
    """
    windows = _pooling_windows(feature_map, size, stride)
    return windows.mean(axis=(-2, -1), dtype=np.result_type(windows.dtype, np.float32))


def parameter_count(filters: int, kernel_size: int | tuple[int, int], channels: int) -> int:
    """Count the parameters of a convolution layer: filters × (channels × height × width + 1).

    Each filter has one weight for each pixel and channel of its window, and one bias. The number
    does not depend on the size of the image. Worked out in lesson 01.

    Parameters
    ----------
    filters : int
        Number of filters of the layer.
    kernel_size : int or pair of int
        Height and width of each filter.
    channels : int
        Channels of the input: 1 for gray, 3 for RGB, else the filters of the previous layer.

    Returns
    -------
    int

    Raises
    ------
    InvalidInput
        If a number is not a whole number of at least 1.

    Examples
    --------
    >>> parameter_count(4, 5, 3)  # 4 × (3 × 5 × 5 + 1)
    304
    """
    height, width = _pair("kernel_size", kernel_size)
    return whole_number("filters", filters, 1) * (
        whole_number("channels", channels, 1) * height * width + 1
    )


# ------------------------------------------------------------------------- the network for letters
@dataclass(frozen=True, eq=False)
class LetterNetwork:
    """The network of lesson 01, which classifies the letters O and X.

    A filter with its bias, ReLU, 2×2 max pooling, then 4 inputs → 1 hidden ReLU node → 2 outputs.
    Its weights are given, so that each step can be computed by hand.

    Attributes
    ----------
    kernel : array of shape (3, 3)
    bias : float
    hidden_weights : array of shape (4,)
        One weight for each value of the pooled feature map, row by row.
    hidden_bias : float
    output_weights, output_biases : arrays of shape (2,)
        For the output of O and the output of X.

    Examples
    --------
    >>> network = LetterNetwork()
    >>> network.predict(LETTER_O), network.predict(LETTER_X), network.predict(LETTER_X_SHIFTED)
    ('O', 'X', 'X')
    """

    kernel: NDArray[np.float64] = field(default_factory=lambda: ANTI_DIAGONAL)
    bias: float = BIAS
    hidden_weights: NDArray[np.float64] = field(
        default_factory=lambda: np.array([-0.8, -0.07, 0.2, 0.17])
    )
    hidden_bias: float = 0.97
    output_weights: NDArray[np.float64] = field(default_factory=lambda: np.array([-1.3, 1.33]))
    output_biases: NDArray[np.float64] = field(default_factory=lambda: np.array([1.45, -0.46]))

    #: The names of the two outputs, in their order.
    letters: ClassVar[tuple[str, str]] = ("O", "X")

    def pooled(self, image: ArrayLike) -> NDArray[np.floating]:
        """Compute feature map, ReLU and max pooling of a 6×6 `image`; return shape (2, 2)."""
        pixels = _image("image", image)
        if pixels.shape != (6, 6):
            raise InvalidInput(
                f"the letter network takes images of shape (6, 6), but this one has {pixels.shape}."
            )
        return max_pool(relu(feature_map(pixels, self.kernel, self.bias)))

    def hidden(self, pooled: ArrayLike) -> float:
        """Compute the hidden node from the 4 values of a pooled feature map of shape (2, 2).

        Raises
        ------
        InvalidInput
            If there are not 4 values.
        """
        inputs = _numbers("pooled", pooled)
        if inputs.size != 4:
            raise InvalidInput(
                f"the hidden node takes 4 values (a pooled map of 2×2), but it was given "
                f"{inputs.size} (shape {inputs.shape})."
            )
        return float(relu(inputs.ravel() @ self.hidden_weights + self.hidden_bias))

    def outputs(self, pooled: ArrayLike) -> NDArray[np.float64]:
        """Compute the outputs for O and for X, shape (2,), from the 4 values of a pooled map."""
        return self.output_weights * self.hidden(pooled) + self.output_biases

    def predict(self, image: ArrayLike) -> str:
        """Return the letter, "O" or "X", with the larger output for a 6×6 `image`."""
        return self.letters[int(np.argmax(self.outputs(self.pooled(image))))]


# ------------------------------------------------------------------------------ checking arguments
def _numbers(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return `values` as an array of real numbers, or raise InvalidInput."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of unequal length
        raise InvalidInput(
            f"{name} cannot be made into an array, because its rows are not equally long; "
            f"give every row the same number of values."
        ) from error
    if array.dtype.kind not in "biuf":
        raise InvalidInput(
            f"{name} must hold real numbers, but its values are of type {array.dtype}; "
            f"convert it first, for instance with np.asarray(…, dtype='float32')."
        )
    return array


def _image(name: str, values: ArrayLike) -> NDArray[Any]:
    """Return `values` as an array (height, width) or (height, width, channels)."""
    array = _numbers(name, values)
    if array.ndim not in (2, 3):
        hint = "; pass one image of the batch at a time" if array.ndim == 4 else ""
        raise InvalidInput(
            f"{name} must have the shape (height, width) or (height, width, channels), "
            f"but its shape is {array.shape}{hint}."
        )
    if array.size == 0:
        raise InvalidInput(f"{name} has no values: its shape is {array.shape}.")
    return array


def _pair(name: str, value: Any) -> tuple[int, int]:
    """Return `value`, a whole number of at least 1 or a pair of them, as (vertical, horizontal)."""
    is_sequence = isinstance(value, Sequence) or np.ndim(value) == 1
    pair = tuple(value) if is_sequence else (value, value)
    if len(pair) != 2 or not all(is_whole(number) and number >= 1 for number in pair):
        raise InvalidInput(
            f"{name} is {shown(value)}, but it must be a whole number of at least 1, or a pair of "
            f"such (vertical, horizontal)."
        )
    return int(pair[0]), int(pair[1])


def _padding(value: Any) -> str:
    return choice("padding", str(value).lower(), ("valid", "same"))


def _check_operands(
    image: ArrayLike, kernel: ArrayLike, bias: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return image, kernel and bias as arrays with matching shapes, or raise InvalidInput."""
    pixels = _image("image", image)
    weights = _numbers("kernel", kernel)
    if weights.ndim not in (2, 3, 4):
        raise InvalidInput(
            "kernel must have the shape (height, width), (height, width, channels) or (height, "
            f"width, channels, filters), but its shape is {weights.shape}."
        )
    if weights.size == 0:
        raise InvalidInput(f"kernel has no values: its shape is {weights.shape}.")
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    needed = weights.shape[2] if weights.ndim > 2 else 1
    if channels != needed:
        raise InvalidInput(
            f"the image has {channels} channel{'s' * (channels > 1)} (shape {pixels.shape}), but "
            f"the kernel has {needed} (shape {weights.shape}); a kernel needs one table of "
            f"weights for each channel: shape (height, width, {channels})."
        )
    filters = weights.shape[3] if weights.ndim == 4 else 1
    offset = _numbers("bias", bias)
    if offset.ndim > 1 or (offset.ndim == 1 and len(offset) != filters):
        raise InvalidInput(
            f"bias must be one number, or one for each of the {filters} "
            f"filter{'s' * (filters > 1)}, but its shape is {offset.shape}."
        )
    return pixels, weights, offset


def _border(n: int, kernel: int, stride: int) -> tuple[int, int]:
    """Return the zeros before and after `n` pixels for padding "same"; an odd one goes after."""
    total = max((output_size(n, kernel, stride, "same") - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def _pooling_windows(
    values: ArrayLike, size: int | tuple[int, int], stride: int | tuple[int, int] | None
) -> NDArray[Any]:
    """Return a view (H', W', …, height, width) of the windows that are pooled."""
    maps = _image("feature_map", values)
    height, width = _pair("size", size)
    down, right = (height, width) if stride is None else _pair("stride", stride)
    if height > maps.shape[0] or width > maps.shape[1]:
        raise InvalidInput(
            f"a pooling window of {height}×{width} does not fit on a feature map of "
            f"{maps.shape[0]}×{maps.shape[1]}; take a smaller window."
        )
    return sliding_window_view(maps, (height, width), axis=(0, 1))[::down, ::right]
