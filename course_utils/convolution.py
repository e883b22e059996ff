"""Convolution, ReLU and pooling with NumPy alone, and the two letters that lesson 01 tells apart.

Every function here is written out by hand in lesson 01, once with plain loops and once in Keras;
the three give the same numbers. Nothing in this module needs TensorFlow.

Images are arrays of shape (height, width) or (height, width, channels). Kernels are arrays of
shape (height, width), (height, width, channels) or (height, width, channels, filters), which is
the order in which Keras keeps the weights of ``Conv2D``.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from course_utils.exceptions import InvalidInput

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

#: How many numbers the copied windows of one step may take (8 bytes each): large enough to be
#: fast, small enough that a photograph from a camera does not fill the memory.
_NUMBERS_PER_STEP = 1_000_000


def _letter(*rows: str) -> NDArray[np.uint8]:
    letter = np.array([[int(pixel) for pixel in row] for row in rows], dtype=np.uint8)
    letter.setflags(write=False)
    return letter


#: The letter O on 6 × 6 pixels: 0 is white, 1 is black.
LETTER_O = _letter("001100", "010010", "100001", "100001", "010010", "001100")

#: The letter X on 6 × 6 pixels.
LETTER_X = _letter("100001", "010010", "001100", "001100", "010010", "100001")

#: The letter X moved one pixel to the right; its last column falls off the picture.
LETTER_X_SHIFTED = _letter("010000", "001001", "000110", "000110", "001001", "010000")

#: The 3 × 3 filter of lesson 01: ones from the top right corner to the bottom left one.
ANTI_DIAGONAL = np.fliplr(np.eye(3))
ANTI_DIAGONAL.setflags(write=False)

#: The bias that goes with it.
BIAS = -2.0


# ------------------------------------------------------------------------------- reading arguments
def _numbers(name: str, values: ArrayLike) -> NDArray[Any]:
    """`values` as an array of real numbers, or one sentence that says why it is none."""
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
    array = _numbers(name, values)
    if array.ndim not in (2, 3):
        hint = " pass one image of the batch at a time." if array.ndim == 4 else ""
        raise InvalidInput(
            f"{name} must have the shape (height, width) or (height, width, channels), "
            f"but its shape is {array.shape}" + (f";{hint}" if hint else ".")
        )
    if array.size == 0:
        raise InvalidInput(f"{name} has no values: its shape is {array.shape}.")
    return array


def _shown(value: Any) -> str:
    """`value` as it is shown in a sentence: on one line and not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:59] + "…"


def _is_whole(value: Any) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _pair(name: str, value: Any) -> tuple[int, int]:
    """`value` as (vertical, horizontal): a whole number of at least 1, or a pair of such."""
    is_sequence = isinstance(value, Sequence) or np.ndim(value) == 1
    pair = tuple(value) if is_sequence else (value, value)
    if len(pair) != 2 or not all(_is_whole(one) and one >= 1 for one in pair):
        raise InvalidInput(
            f"{name} must be a whole number of at least 1, or a pair of such "
            f"(vertical, horizontal), but it is {_shown(value)}."
        )
    return int(pair[0]), int(pair[1])


def _count(name: str, value: Any) -> int:
    if not _is_whole(value) or value < 1:
        raise InvalidInput(
            f"{name} must be a whole number of at least 1, but it is {_shown(value)}."
        )
    return int(value)


def _padding(value: Any) -> str:
    known = ("valid", "same")
    if isinstance(value, str) and value.lower() in known:
        return value.lower()
    near = difflib.get_close_matches(str(value).lower(), known, n=1)
    raise InvalidInput(
        "padding must be 'valid' (no border) or 'same' (a border of zeros), "
        f"but it is {_shown(value)}" + (f"; did you mean {near[0]!r}?" if near else ".")
    )


# ------------------------------------------------------------------------------------- convolution
def output_size(n: int, kernel: int, stride: int = 1, padding: str = "valid") -> int:
    """Height (or width) of a feature map, from the height (or width) of the image.

    With ``padding="valid"`` it is ``(n − kernel) // stride + 1``: the kernel only takes places
    where it lies on the image completely. With ``padding="same"`` it is ``n / stride``, rounded up.
    Written out in lesson 01.

    Parameters
    ----------
    n : int
        Height or width of the image, in pixels.
    kernel : int
        Height or width of the kernel (or of the pooling window), in pixels.
    stride : int
        How many pixels the kernel moves at a time.
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
    n, kernel, stride = _count("n", n), _count("kernel", kernel), _count("stride", stride)
    if _padding(padding) == "same":
        return math.ceil(n / stride)
    if kernel > n:
        raise InvalidInput(
            f"a kernel of {kernel} pixels does not fit on an image of {n} pixels; "
            f"take a smaller kernel, a larger image, or padding='same'."
        )
    return (n - kernel) // stride + 1


def _border(n: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after `n` pixels for padding "same"; an odd one out goes after."""
    total = max((output_size(n, kernel, stride, "same") - 1) * stride + kernel - n, 0)
    return total // 2, total - total // 2


def feature_map(
    image: ArrayLike,
    kernel: ArrayLike,
    bias: ArrayLike = 0.0,
    stride: int | tuple[int, int] = 1,
    padding: str = "valid",
) -> NDArray[np.floating]:
    """Slide a kernel over an image; at each place, the dot product plus the bias.

    As in every deep-learning library, the kernel is *not* flipped: a mathematician would call
    this a cross-correlation. Lesson 01 writes it with loops and shows that Keras gives the same.

    Parameters
    ----------
    image : array of shape (H, W) or (H, W, C)
        One image. Whole numbers, truth values and floats are all accepted. A NaN in the image makes
        every place NaN whose window holds it.
    kernel : array of shape (kh, kw), (kh, kw, C) or (kh, kw, C, F)
        One filter, or F filters at once. The number of channels C must be that of the image.
    bias : float or array of shape (F,)
        Is added to every value; one number for all filters or one number each.
    stride : int or pair of int
        How many pixels the kernel moves at a time (down, right).
    padding : {"valid", "same"}
        "valid": the kernel stays inside the image. "same": zeros around the image, so that with a
        stride of 1 the result is as large as the image. Where the number of zeros is odd,
        TensorFlow puts the odd one below and to the right, and so does this function.

    Returns
    -------
    array of shape (H', W') or (H', W', F)
        The feature map, or F of them. H' and W' are those of :func:`output_size`. The third axis is
        there whenever the kernel has four, even where F is 1. float32 where image and kernel are
        float32 (or smaller), else float64.

    Raises
    ------
    InvalidInput
        If shapes do not fit each other, or an argument is not what it has to be.

    Notes
    -----
    The windows are a *view*: NumPy addresses the same pixels several times, without a copy
    (``sliding_window_view``). The dot products of all windows and all filters are then one matrix
    product, which is also how libraries compute convolutions.

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

    # (H', W', kh, kw, C): for every place of the feature map, the window under the kernel
    windows = sliding_window_view(pixels, (kh, kw), axis=(0, 1))[::down, ::right]
    windows = np.moveaxis(windows, 2, -1)
    result = np.empty((*windows.shape[:2], weights.shape[-1]), dtype=dtype)
    rows = max(1, _NUMBERS_PER_STEP // math.prod(windows.shape[1:]))
    for top in range(0, len(result), rows):
        result[top : top + rows] = np.tensordot(windows[top : top + rows], weights, axes=3)
    result += offset.astype(dtype)
    return result[:, :, 0] if one_filter else result


def _check_operands(
    image: ArrayLike, kernel: ArrayLike, bias: ArrayLike
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Image, kernel and bias as arrays whose shapes go together."""
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
            f"the kernel has {needed} (shape {weights.shape}); a kernel needs one layer of "
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


def feature_map_loop(
    image: ArrayLike, kernel: ArrayLike, bias: float = 0.0, stride: int = 1
) -> NDArray[np.float64]:
    """Compute what :func:`feature_map` computes, one value at a time with plain loops.

    This is the function that lesson 01 writes, first without and then with a stride. It is here to
    be compared with: it takes one channel, one filter and no padding, and is far slower.

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
    step = _count("stride", stride)
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
    """Rectified linear unit: negative values become 0, the others stay as they are.

    Written out in lesson 01.

    Parameters
    ----------
    x : array of any shape
        Real numbers. A NaN stays a NaN.

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
    """Keep the largest value of each window.

    What is left over at the right and lower edge and does not fill a window is dropped, as Keras
    does with ``padding="valid"``. Pooling has no parameters to learn. Written out in lesson 01.

    Parameters
    ----------
    feature_map : array of shape (H, W) or (H, W, F)
        Each of the F maps is pooled by itself.
    size : int or pair of int
        Height and width of the window.
    stride : int or pair of int, optional
        How far the window moves; by default as far as it is large, so that windows do not overlap.

    Returns
    -------
    array of shape (H', W') or (H', W', F), same dtype

    Raises
    ------
    InvalidInput
        If the window is larger than the map, or an argument is not what it has to be.

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
    """Keep the mean of each window.

    Parameters
    ----------
    feature_map : array of shape (H, W) or (H, W, F)
    size : int or pair of int
    stride : int or pair of int, optional
        As for :func:`max_pool`.

    Returns
    -------
    array of shape (H', W') or (H', W', F)
        float32 where the map is float32 (or smaller), else float64.

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


def _pooling_windows(
    values: ArrayLike, size: int | tuple[int, int], stride: int | tuple[int, int] | None
) -> NDArray[Any]:
    """View of shape (H', W', …, height, width) of the windows that are pooled."""
    maps = _image("feature_map", values)
    height, width = _pair("size", size)
    down, right = (height, width) if stride is None else _pair("stride", stride)
    if height > maps.shape[0] or width > maps.shape[1]:
        raise InvalidInput(
            f"a pooling window of {height}×{width} does not fit on a feature map of "
            f"{maps.shape[0]}×{maps.shape[1]}; take a smaller window."
        )
    return sliding_window_view(maps, (height, width), axis=(0, 1))[::down, ::right]


def parameter_count(filters: int, kernel_size: int | tuple[int, int], channels: int) -> int:
    """Count the parameters of a convolution layer: filters × (channels × height × width + 1).

    Each filter has one weight for each pixel and channel of its window, and one bias. The size of
    the image does not matter. Worked out in lesson 01.

    Parameters
    ----------
    filters : int
        Number of filters of the layer.
    kernel_size : int or pair of int
        Height and width of each filter.
    channels : int
        Channels of what goes in: 1 for grey, 3 for RGB, else the filters of the layer before.

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
    return _count("filters", filters) * (_count("channels", channels) * height * width + 1)


# ------------------------------------------------------------------------- the network for letters
@dataclass(frozen=True, eq=False)
class LetterNetwork:
    """The network of lesson 01 that tells the letter O from the letter X.

    A filter with its bias, ReLU, 2×2 max pooling, then 4 inputs → 1 hidden ReLU node → 2 outputs.
    Its numbers are given, so that every step can be worked out by hand.

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
        """Feature map, ReLU and max pooling of a 6×6 `image`: an array of shape (2, 2)."""
        pixels = _image("image", image)
        if pixels.shape != (6, 6):
            raise InvalidInput(
                f"the letter network takes images of shape (6, 6), but this one has {pixels.shape}."
            )
        return max_pool(relu(feature_map(pixels, self.kernel, self.bias)))

    def hidden(self, pooled: ArrayLike) -> float:
        """Value of the hidden node, for the 4 values of a pooled feature map of shape (2, 2).

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
        """Name the letter, "O" or "X", whose output is larger for a 6×6 `image`."""
        return self.letters[int(np.argmax(self.outputs(self.pooled(image))))]
