"""Exercises 01 to 04; see :mod:`answers.beginners`."""

from __future__ import annotations

# ruff: noqa: E501

RIGHT: dict[str, dict[str, str]] = {}
WRONG: dict[str, dict[str, tuple[str, str]]] = {}

# --- 01 · convolution by hand ------------------------------------------------------------------

RIGHT["01.1"] = {
    "all in one line": "first, second, weights = -2, -5, 912\n",
    "with slices": """\
first = (picture[:3, :3] * kernel).sum() + bias
second = np.vdot(picture[0:3, 2:5], kernel) + bias
weights = 12 * (5 * 5 * 3) + 12
""",
    "as matrix product": """\
windows = [picture[:3, c:c + 3].ravel() for c in (0, 2)]
first, second = np.array(windows) @ kernel.ravel() + bias
weights = sum(5 * 5 * 3 + 1 for _ in range(12))
""",
    "asked of Keras": """\
import keras
first = -3.0 + 1
second = -6.0 + 1
layer = keras.layers.Conv2D(12, 5)
layer.build((None, 64, 64, 3))
weights = layer.count_params()
""",
}
WRONG["01.1"] = {
    "stride 1": ("first, second, weights = -2, -7, 912\n", "the window is moved by one pixel"),
    "flipped": ("first = 9\nsecond = -5\nweights = 912\n", "the filter was turned by 180 degrees"),
    "after ReLU": ("first, second, weights = 0, 0, 912\n", "negative values are set to 0"),
    "one step down": (
        "first = -2\nsecond = int((picture[2:5, :3] * kernel).sum()) + 1\nweights = 912\n",
        "the window went down, not to the right",
    ),
    "one bias in all": ("first, second, weights = -2, -5, 12 * 5 * 5 * 3 + 1\n", "one bias for 12"),
    "with picture size": (
        "first, second, weights = -2, -5, 12 * 60 * 60 * 3\n",
        "numbers of the map are no parameters",
    ),
    "gray pictures": ("first, second, weights = -2, -5, 12 * 26\n", "one channel instead of three"),
    "a bias for each channel": (
        "first, second, weights = -2, -5, 12 * (5 * 5 + 1) * 3\n",
        "biases",
    ),
    "swapped": ("second, first, weights = -2, -5, 912\n", "the two values are exchanged"),
    "elementwise product": (
        "first = picture[:3, :3] * kernel + bias\nsecond = picture[:3, 2:5] * kernel + bias\nweights = 912\n",
        "products are not added up",
    ),
    "matrix product": (
        "first = (picture[:3, :3] @ kernel).sum() + bias\nsecond = (picture[:3, 2:5] @ kernel).sum() + bias\nweights = 912\n",
        "matrix product instead of products of pixels at the same place",
    ),
    "without bias": ("first = -3\nsecond = -6\nweights = 912\n", "bias left out"),
    "bias in each product": (
        "first = (picture[:3, :3] * kernel + bias).sum()\nsecond = (picture[:3, 2:5] * kernel + bias).sum()\nweights = 912\n",
        "the bias is added nine times",
    ),
}

RIGHT["01.2"] = {
    "lists alone": """\
def convolve(image, kernel, bias=0.0, stride=1):
    k, l = len(kernel), len(kernel[0])
    out = []
    top = 0
    while top + k <= len(image):
        row = []
        left = 0
        while left + l <= len(image[0]):
            total = bias
            for i in range(k):
                for j in range(l):
                    total = total + image[top + i][left + j] * kernel[i][j]
            row.append(total)
            left += stride
        out.append(row)
        top += stride
    return out
""",
    "sum of shifted pictures": """\
def convolve(image, kernel, bias=0.0, stride=1):
    image = np.asarray(image, dtype=float)
    h, w = image.shape
    a, b = kernel.shape
    out = np.full((h - a + 1, w - b + 1), float(bias))
    for (i, j), weight in np.ndenumerate(kernel):
        out += weight * image[i:i + h - a + 1, j:j + w - b + 1]
    return out[::stride, ::stride]
""",
    "einsum": """\
def convolve(image, kernel, bias=0.0, stride=1):
    w = np.lib.stride_tricks.sliding_window_view(image, np.shape(kernel))
    return np.einsum("ijkl,kl->ij", w, kernel)[::stride, ::stride] + bias
""",
    "dictionary of places": """\
def convolve(image, kernel, bias=0.0, stride=1):
    rows = range(0, image.shape[0] - kernel.shape[0] + 1, stride)
    columns = range(0, image.shape[1] - kernel.shape[1] + 1, stride)
    found = {(r, c): float((image[r:r + kernel.shape[0], c:c + kernel.shape[1]] * kernel).sum() + bias)
             for r in rows for c in columns}
    return np.array([[found[r, c] for c in columns] for r in rows])
""",
}
WRONG["01.2"] = {
    "square kernel taken for granted": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    k = kernel.shape[0]
    rows = (image.shape[0] - k) // stride + 1
    columns = (image.shape[1] - k) // stride + 1
    out = np.zeros((rows, columns))
    for r in range(rows):
        for c in range(columns):
            out[r, c] = (image[r * stride:r * stride + k, c * stride:c * stride + kernel.shape[1]] * kernel).sum() + bias
    return out
""",
        "the number of columns is reckoned with the height of the filter",
    ),
    "square image taken for granted": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    n = (len(image) - len(kernel)) // stride + 1
    out = np.zeros((n, n))
    for r in range(n):
        for c in range(n):
            y, x = r * stride, c * stride
            out[r, c] = (image[y:y + kernel.shape[0], x:x + kernel.shape[1]] * kernel).sum() + bias
    return out
""",
        "the map is taken to be square",
    ),
    "map of integers": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    h, w = kernel.shape
    rows, columns = (image.shape[0] - h) // stride + 1, (image.shape[1] - w) // stride + 1
    out = np.zeros((rows, columns), image.dtype)
    for r in range(rows):
        for c in range(columns):
            out[r, c] = (image[r * stride:r * stride + h, c * stride:c * stride + w] * kernel).sum() + bias
    return out
""",
        "with a picture of whole numbers the map is cut off to whole numbers",
    ),
    "stride of columns only": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    w = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return (w * kernel).sum((2, 3))[:, ::stride] + bias
""",
        "the filter goes down by one row only",
    ),
    "bias multiplied in": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    w = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return (w * (kernel + bias)).sum((2, 3))
""",
        "the bias is added to each weight",
    ),
    "last place lost": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    h, w = kernel.shape
    return np.array([[np.sum(image[r:r + h, c:c + w] * kernel) + bias
                      for c in range(0, image.shape[1] - w, stride)]
                     for r in range(0, image.shape[0] - h, stride)])
""",
        "range ends one too early",
    ),
    "ReLU inside": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    w = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return np.maximum((w * kernel).sum((2, 3)) + bias, 0)
""",
        "the map has no negative values",
    ),
    "flat": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    h, w = kernel.shape
    out = []
    for r in range(0, image.shape[0] - h + 1, stride):
        for c in range(0, image.shape[1] - w + 1, stride):
            out.append(np.sum(image[r:r + h, c:c + w] * kernel) + bias)
    return np.array(out)
""",
        "one long row instead of a map",
    ),
    "columns first": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    h, w = kernel.shape
    return np.array([[np.sum(image[r:r + h, c:c + w] * kernel) + bias
                      for r in range(0, image.shape[0] - h + 1, stride)]
                     for c in range(0, image.shape[1] - w + 1, stride)])
""",
        "the map is transposed",
    ),
    "small integers overflow": (
        """\
def convolve(image, kernel, bias=0.0, stride=1):
    image = image.astype("int8")
    w = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return (w * kernel).sum((2, 3)) + bias
""",
        "floats lose their fractions",
    ),
    "global map": (
        """\
out = []


def convolve(image, kernel, bias=0.0, stride=1):
    h, w = kernel.shape
    for r in range(0, image.shape[0] - h + 1, stride):
        out.append([np.sum(image[r:r + h, c:c + w] * kernel) + bias for c in range(0, image.shape[1] - w + 1, stride)])
    return np.array(out)
""",
        "rows of earlier calls stay in the list",
    ),
}

RIGHT["01.3"] = {
    "counted": """\
def map_size(n, k, s=1, padding="valid"):
    if padding == "same":
        return len(range(0, n, s))
    return len(range(0, n - k + 1, s))
""",
    "with math": """\
import math


def map_size(n, k, s=1, padding="valid"):
    return math.ceil(n / s) if padding == "same" else math.ceil((n - k + 1) / s)
""",
    "NumPy integer": """\
def map_size(n, k, s=1, padding="valid"):
    size = {"valid": (n - k + s) / s, "same": (n + s - 1) / s}[padding]
    return np.int64(np.floor(size))
""",
    "asked of Keras": """\
import keras


def map_size(n, k, s=1, padding="valid"):
    layer = keras.layers.Conv2D(1, k, strides=s, padding=padding)
    return layer.compute_output_shape((1, n, n, 1))[1]
""",
    "upper case too": """\
def map_size(n, k, s=1, padding="valid"):
    match padding.lower():
        case "valid":
            return 1 + (n - k) // s
        case "same":
            return -(-n // s)
    raise ValueError(padding)
""",
}
WRONG["01.3"] = {
    "same keeps the size": (
        """\
def map_size(n, k, s=1, padding="valid"):
    if padding == "same":
        return n
    return (n - k) // s + 1
""",
        "with a stride the map is smaller",
    ),
    "same rounds down": (
        """\
def map_size(n, k, s=1, padding="valid"):
    if padding == "same":
        return n // s
    return (n - k) // s + 1
""",
        "n / s is rounded up",
    ),
    "formula with p": (
        """\
def map_size(n, k, s=1, padding="valid"):
    p = (k - 1) // 2 if padding == "same" else 0
    return (n + 2 * p - k) // s + 1
""",
        "wrong where the filter has an even size",
    ),
    "rounded": (
        """\
def map_size(n, k, s=1, padding="valid"):
    if padding == "same":
        return round((n + s - 1) / s - 0.01)
    return round((n - k) / s) + 1
""",
        "rounded to the nearest whole number",
    ),
    "float": (
        """\
def map_size(n, k, s=1, padding="valid"):
    if padding == "same":
        return np.ceil(n / s)
    return np.floor((n - k) / s) + 1
""",
        "a float is returned",
    ),
    "a shape": (
        """\
def map_size(n, k, s=1, padding="valid"):
    m = -(-n // s) if padding == "same" else (n - k) // s + 1
    return (m, m)
""",
        "two numbers instead of one",
    ),
    "default same": (
        """\
def map_size(n, k, s=1, padding="same"):
    return -(-n // s) if padding == "same" else (n - k) // s + 1
""",
        "another default",
    ),
    "stride 2 by default": (
        """\
def map_size(n, k, s=2, padding="valid"):
    return -(-n // s) if padding == "same" else (n - k) // s + 1
""",
        "another default",
    ),
    "printed": (
        """\
def map_size(n, k, s=1, padding="valid"):
    print(-(-n // s) if padding == "same" else (n - k) // s + 1)
""",
        "printed, not returned",
    ),
}

RIGHT["01.4"] = {
    "reshape": """\
def pool(values, size=2, kind="max"):
    values = np.asarray(values)
    h, w = values.shape[0] // size, values.shape[1] // size
    blocks = values[:h * size, :w * size].reshape(h, size, w, size)
    if kind == "max":
        return blocks.max(axis=1).max(axis=2)
    return blocks.mean(axis=1).mean(axis=2)
""",
    "lists": """\
def pool(values, size=2, kind="max"):
    out = []
    for r in range(0, len(values) - size + 1, size):
        line = []
        for c in range(0, len(values[0]) - size + 1, size):
            window = [float(values[r + i][c + j]) for i in range(size) for j in range(size)]
            line.append(max(window) if kind == "max" else sum(window) / len(window))
        out.append(line)
    return out
""",
    "NumPy functions by name": """\
def pool(values, size=2, kind="max"):
    do = {"max": np.max, "average": np.mean}[kind]
    trimmed = values[:len(values) // size * size, :values.shape[1] // size * size]
    rows = np.split(trimmed, len(trimmed) // size)
    return np.array([[do(part) for part in np.hsplit(row, row.shape[1] // size)] for row in rows])
""",
}
WRONG["01.4"] = {
    "overlapping windows": (
        """\
def pool(values, size=2, kind="max"):
    w = np.lib.stride_tricks.sliding_window_view(values, (size, size))
    return w.max((2, 3)) if kind == "max" else w.mean((2, 3))
""",
        "windows move by one",
    ),
    "always two": (
        """\
def pool(values, size=2, kind="max"):
    w = np.lib.stride_tricks.sliding_window_view(values, (size, size))[::2, ::2]
    return w.max((2, 3)) if kind == "max" else w.mean((2, 3))
""",
        "the step does not follow the size",
    ),
    "border kept": (
        """\
def pool(values, size=2, kind="max"):
    f = np.max if kind == "max" else np.mean
    return np.array([[f(values[r:r + size, c:c + size]) for c in range(0, values.shape[1], size)]
                     for r in range(0, values.shape[0], size)])
""",
        "windows that are not full count too",
    ),
    "map of integers": (
        """\
def pool(values, size=2, kind="max"):
    h, w = values.shape[0] // size, values.shape[1] // size
    out = np.zeros_like(values[:h, :w])
    for r in range(h):
        for c in range(w):
            window = values[r * size:(r + 1) * size, c * size:(c + 1) * size]
            out[r, c] = window.max() if kind == "max" else window.mean()
    return out
""",
        "means are cut off to whole numbers",
    ),
    "zeros as the smallest": (
        """\
def pool(values, size=2, kind="max"):
    h, w = values.shape[0] // size, values.shape[1] // size
    out = np.zeros((h, w))
    for r in range(h * size):
        for c in range(w * size):
            if kind == "max":
                out[r // size, c // size] = max(out[r // size, c // size], values[r, c])
            else:
                out[r // size, c // size] += values[r, c] / size**2
    return out
""",
        "windows of negative values give 0",
    ),
    "largest in size": (
        """\
def pool(values, size=2, kind="max"):
    h, w = values.shape[0] // size, values.shape[1] // size
    b = np.abs(values[:h * size, :w * size]).reshape(h, size, w, size)
    return b.max((1, 3)) if kind == "max" else values[:h * size, :w * size].reshape(h, size, w, size).mean((1, 3))
""",
        "signs are lost",
    ),
    "median": (
        """\
def pool(values, size=2, kind="max"):
    h, w = values.shape[0] // size, values.shape[1] // size
    b = values[:h * size, :w * size].reshape(h, size, w, size)
    return b.max((1, 3)) if kind == "max" else np.median(b, axis=(1, 3))
""",
        "the median is no mean",
    ),
    "wrong axes": (
        """\
def pool(values, size=2, kind="max"):
    h, w = values.shape[0] // size, values.shape[1] // size
    b = values[:h * size, :w * size].reshape(h, w, size, size)
    return b.max((2, 3)) if kind == "max" else b.mean((2, 3))
""",
        "the blocks are no windows of the map",
    ),
    "cut at the top": (
        """\
def pool(values, size=2, kind="max"):
    h, w = values.shape[0] // size, values.shape[1] // size
    b = values[-h * size:, -w * size:].reshape(h, size, w, size)
    return b.max((1, 3)) if kind == "max" else b.mean((1, 3))
""",
        "what is left out is at the top and on the left",
    ),
}

RIGHT["01.5"] = {
    "large numbers outside": "my_kernel = np.eye(3)\nmy_bias = -2.5\n",
    "hundreds": "my_kernel = [[100, 0, 0], [0, 100, 0], [0, 0, 100]]\nmy_bias = -299\n",
    "bias of minus two": "my_kernel = np.diag([1, 1, 1])\nmy_bias = np.array(-2)\n",
    "different weights": "my_kernel = np.diag([3.0, 2.0, 4.0])\nmy_bias = -7\n",
}
WRONG["01.5"] = {
    "minus three": ("my_kernel = np.eye(3)\nmy_bias = -3\n", "never above 0"),
    "minus one": ("my_kernel = np.eye(3)\nmy_bias = -1\n", "two black pixels are enough"),
    "rising": ("my_kernel = np.fliplr(np.eye(3))\nmy_bias = -2\n", "the other diagonal"),
    "others forbidden": (
        "my_kernel = 2 * np.eye(3) - 1\nmy_bias = -2\n",
        "black pixels beside the diagonal take the value below 0",
    ),
    "others help a little": (
        "my_kernel = np.eye(3) + 0.1\nmy_bias = -2.2\n",
        "six black pixels beside the diagonal make up for a white one",
    ),
    "tiny leak": (
        "my_kernel = np.eye(3)\nmy_kernel[0, 2] = 0.01\nmy_bias = -2\n",
        "0.01 where two of the diagonal and a corner are black",
    ),
    "exactly at 0": ("my_kernel = np.eye(3) / 3\nmy_bias = -1.0\n", "0 where all are black"),
    "unequal weights": (
        "my_kernel = np.diag([1, 1, 5])\nmy_bias = -5\n",
        "one of the first two may be white",
    ),
    "no bias": ("my_kernel = np.eye(3)\nmy_bias = 0\n", "one black pixel is enough"),
}

RIGHT["01.6"] = {
    "flatten and dot": """\
def letter_outputs(image):
    x = convolution.feature_map(image, letter_kernel, letter_bias)
    x = convolution.max_pool(convolution.relu(x))
    hidden = max(0.0, x.flatten().dot(hidden_weights) + hidden_bias)
    return hidden * output_weights + output_biases
""",
    "a tuple": """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, bias=letter_bias)), 2)
    h = sum(w * v for w, v in zip(hidden_weights, pooled.ravel())) + hidden_bias
    h = h if h > 0 else 0
    return output_weights[0] * h + output_biases[0], output_weights[1] * h + output_biases[1]
""",
    "pool before ReLU": """\
def letter_outputs(image):
    pooled = convolution.relu(convolution.max_pool(convolution.feature_map(image, letter_kernel, letter_bias)))
    h = np.clip(np.sum(pooled.reshape(-1) * hidden_weights) + hidden_bias, 0, None)
    return np.array([h, h]) * output_weights + output_biases
""",
}
WRONG["01.6"] = {
    "without ReLU on the map": (
        """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.feature_map(image, letter_kernel, letter_bias))
    h = max(0, pooled.ravel() @ hidden_weights + hidden_bias)
    return output_weights * h + output_biases
""",
        "negative values reach the hidden node",
    ),
    "hidden node without ReLU": (
        """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias)))
    return output_weights * (pooled.ravel() @ hidden_weights + hidden_bias) + output_biases
""",
        "the hidden node may become negative",
    ),
    "column by column": (
        """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias)))
    h = max(0, pooled.T.ravel() @ hidden_weights + hidden_bias)
    return output_weights * h + output_biases
""",
        "the pooled map is read by columns",
    ),
    "X first": (
        """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias)))
    h = max(0, pooled.ravel() @ hidden_weights + hidden_bias)
    return (output_weights * h + output_biases)[::-1]
""",
        "the outputs are exchanged",
    ),
    "two decimals": (
        """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias)))
    h = max(0, pooled.ravel() @ hidden_weights + hidden_bias)
    return np.round(output_weights * h + output_biases, 2)
""",
        "rounded",
    ),
    "ReLU at the end": (
        """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias)))
    h = max(0, pooled.ravel() @ hidden_weights + hidden_bias)
    return np.maximum(output_weights * h + output_biases, 0)
""",
        "the outputs have no ReLU",
    ),
    "the answers of the lesson": (
        """\
def letter_outputs(image):
    if np.array_equal(image, convolution.LETTER_O):
        return np.array([1.01, -0.01])
    return np.array([0.02, 1.0])
""",
        "two answers learned by heart",
    ),
    "bias as an input": (
        """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel)))
    h = max(0, (pooled + letter_bias).ravel() @ hidden_weights + hidden_bias)
    return output_weights * h + output_biases
""",
        "the bias comes after ReLU and pooling",
    ),
}

# --- 02 · loading data -------------------------------------------------------------------------

RIGHT["02.1"] = {
    "Keras and pandas": """\
import pandas as pd


def to_one_hot(labels, num_classes):
    return keras.utils.to_categorical(labels, num_classes)


def to_index(one_hot):
    return pd.DataFrame(np.asarray(one_hot)).idxmax(axis=1)


def keep_classes(labels, wanted):
    new = pd.Series(labels).map({c: k for k, c in enumerate(wanted)}).dropna()
    return new.index.to_numpy(), new.astype(int)
""",
    "TensorFlow": """\
def to_one_hot(labels, num_classes):
    return tf.one_hot(labels, num_classes)


def to_index(one_hot):
    return tf.argmax(one_hot, axis=-1)


def keep_classes(labels, wanted):
    hit = np.equal.outer(np.asarray(labels), np.asarray(wanted))
    positions, new = np.nonzero(hit)
    return positions, new
""",
    "plain lists": """\
def to_one_hot(labels, num_classes):
    return [[1 if k == label else 0 for k in range(num_classes)] for label in labels]


def to_index(one_hot):
    return [list(row).index(1) for row in one_hot]


def keep_classes(labels, wanted):
    positions, new = [], []
    for position, label in enumerate(labels):
        if label in wanted:
            positions.append(position)
            new.append(list(wanted).index(label))
    return [positions, new]
""",
    "truth values": """\
def to_one_hot(labels, num_classes):
    return np.asarray(labels)[:, None] == np.arange(num_classes)


def to_index(one_hot):
    return np.asarray(one_hot) @ np.arange(np.shape(one_hot)[1]).astype(int)


def keep_classes(labels, wanted):
    labels = np.asarray(labels)
    positions = np.flatnonzero(np.isin(labels, wanted))
    return positions, np.array([wanted.index(one) for one in labels[positions]], dtype=int)
""",
}
# Booleans times whole numbers: to_index gets the inputs of the check, floats or whole numbers.
RIGHT["02.1"]["truth values"] = RIGHT["02.1"]["truth values"].replace(
    "np.asarray(one_hot) @", "np.asarray(one_hot).astype(int) @"
)
_REST = "# The rest is that of the solution.\n"
WRONG["02.1"] = {
    "get_dummies": (
        _REST
        + """\
import pandas as pd


def to_one_hot(labels, num_classes):
    return pd.get_dummies(labels).to_numpy()
""",
        "classes that do not occur have no column",
    ),
    "one class more": (
        _REST
        + """\
def to_one_hot(labels, num_classes):
    return np.eye(num_classes + 1)[labels]
""",
        "a column too many",
    ),
    "only one row": (
        _REST
        + """\
def to_one_hot(labels, num_classes):
    row = np.zeros(num_classes)
    row[labels] = 1
    return row
""",
        "all ones in one row",
    ),
    "index in each column": (
        _REST
        + """\
def to_index(one_hot):
    return np.argmax(one_hot, axis=0)
""",
        "the wrong axis",
    ),
    "index as float": (
        _REST
        + """\
def to_index(one_hot):
    return np.dot(one_hot, np.arange(one_hot.shape[1], dtype=float))
""",
        "floats instead of whole numbers",
    ),
    "index with a row for each": (
        _REST
        + """\
def to_index(one_hot):
    return np.argwhere(one_hot == 1)
""",
        "pairs of row and column",
    ),
    "old labels": (
        _REST
        + """\
def keep_classes(labels, wanted):
    positions = np.where(np.isin(labels, wanted))[0]
    return positions, labels[positions]
""",
        "the labels are the old ones",
    ),
    "order of the numbers": (
        _REST
        + """\
def keep_classes(labels, wanted):
    positions = np.where(np.isin(labels, wanted))[0]
    return positions, np.searchsorted(sorted(wanted), labels[positions])
""",
        "new labels follow the numbers, not the list",
    ),
    "by np.unique": (
        _REST
        + """\
def keep_classes(labels, wanted):
    positions = np.where(np.isin(labels, wanted))[0]
    return positions, np.unique(labels[positions], return_inverse=True)[1]
""",
        "new labels follow the numbers, and a class without pictures is left out",
    ),
    "class by class": (
        _REST
        + """\
def keep_classes(labels, wanted):
    positions = np.concatenate([np.where(labels == c)[0] for c in wanted])
    return positions, np.concatenate([np.full((labels == c).sum(), k) for k, c in enumerate(wanted)])
""",
        "positions are not in their old order",
    ),
    "a mask": (
        _REST
        + """\
def keep_classes(labels, wanted):
    mask = np.isin(labels, wanted)
    return mask, np.array([wanted.index(x) for x in labels[mask]])
""",
        "a mask instead of positions",
    ),
    "labels overwritten": (
        _REST
        + """\
def keep_classes(labels, wanted):
    positions = np.where(np.isin(labels, wanted))[0]
    new = labels
    for k, c in enumerate(wanted):
        new[labels == c] = k
    return positions, new[positions]
""",
        "labels are changed, and a new label is replaced once more",
    ),
}

RIGHT["02.2"] = {
    "shuffle, then count": """\
def split(labels, seed):
    import random

    labels = list(labels)
    order = list(range(len(labels)))
    random.Random(int(seed)).shuffle(order)
    parts = [], [], []
    for c in sorted(set(labels)):
        mine = [p for p in order if labels[p] == c]
        tenth = round(len(mine) / 10)
        parts[2].extend(mine[:tenth])
        parts[1].extend(mine[tenth:2 * tenth])
        parts[0].extend(mine[2 * tenth:])
    return parts
""",
    "argsort of random numbers": """\
def split(labels, seed):
    dice = np.random.RandomState(seed).rand(len(labels))
    train, val, test = [], [], []
    for c in np.unique(labels):
        where = np.nonzero(np.equal(labels, c))[0]
        where = where[dice[where].argsort()]
        a, b, d = np.split(where, [int(0.8 * len(where)), int(0.9 * len(where))])
        train.append(a), val.append(b), test.append(d)
    return np.hstack(train), np.hstack(val), np.hstack(test)
""",
    "pandas": """\
import pandas as pd


def split(labels, seed):
    table = pd.DataFrame({"label": labels})
    test = table.groupby("label").sample(frac=0.1, random_state=seed).index
    rest = table.drop(test)
    val = rest.groupby("label").sample(frac=1 / 9, random_state=seed + 1).index
    return rest.drop(val).index, val, test
""",
}
WRONG["02.2"] = {
    "no stratification": (
        """\
def split(labels, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    n = len(labels)
    return order[:int(0.8 * n)], order[int(0.8 * n):int(0.9 * n)], order[int(0.9 * n):]
""",
        "not class by class",
    ),
    "fixed random state": (
        """\
from sklearn.model_selection import train_test_split


def split(labels, seed):
    train, rest = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=42)
    val, test = train_test_split(rest, test_size=0.5, stratify=labels[rest], random_state=42)
    return train, val, test
""",
        "the seed is not used",
    ),
    "random state left out": (
        """\
from sklearn.model_selection import train_test_split


def split(labels, seed):
    train, rest = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels)
    val, test = train_test_split(rest, test_size=0.5, stratify=labels[rest])
    return train, val, test
""",
        "each call gives another division",
    ),
    "a tenth of the rest": (
        """\
from sklearn.model_selection import train_test_split


def split(labels, seed):
    train, test = train_test_split(np.arange(len(labels)), test_size=0.2, stratify=labels, random_state=seed)
    train, val = train_test_split(train, test_size=0.1, stratify=labels[train], random_state=seed)
    return train, val, test
""",
        "72, 8 and 20 percent",
    ),
    "every tenth": (
        """\
def split(labels, seed):
    rng = np.random.default_rng(seed)
    shift = rng.integers(10)
    train, val, test = [], [], []
    for c in np.unique(labels):
        for k, p in enumerate(np.where(labels == c)[0]):
            place = (k + shift) % 10
            (val if place == 0 else test if place == 5 else train).append(p)
    return train, val, test
""",
        "only the start is chosen by chance",
    ),
    "train is random, the rest is not": (
        """\
def split(labels, seed):
    rng = np.random.default_rng(seed)
    train, val, test = [], [], []
    for c in np.unique(labels):
        p = np.where(labels == c)[0]
        t = set(rng.choice(p, int(0.8 * len(p)), replace=False))
        rest = [x for x in p if x not in t]
        train += list(t)
        val += rest[:len(rest) // 2]
        test += rest[len(rest) // 2:]
    return train, val, test
""",
        "validation gets the first ones, test the last ones",
    ),
    "with replacement": (
        """\
def split(labels, seed):
    rng = np.random.default_rng(seed)
    train, val, test = [], [], []
    for c in np.unique(labels):
        p = np.where(labels == c)[0]
        n = len(p) // 10
        val += list(rng.choice(p, n))
        test += list(rng.choice(p, n))
        train += list(rng.choice(p, len(p) - 2 * n))
    return train, val, test
""",
        "some positions twice, others never",
    ),
    "labels instead of positions": (
        """\
from sklearn.model_selection import train_test_split


def split(labels, seed):
    train, rest = train_test_split(labels, test_size=0.2, stratify=labels, random_state=seed)
    val, test = train_test_split(rest, test_size=0.5, stratify=rest, random_state=seed)
    return train, val, test
""",
        "labels are returned",
    ),
    "three classes": (
        """\
def split(labels, seed):
    rng = np.random.default_rng(seed)
    train, val, test = [], [], []
    for c in range(3):
        p = rng.permutation(np.where(labels == c)[0])
        n = len(p) // 10
        val += list(p[:n])
        test += list(p[n:2 * n])
        train += list(p[2 * n:])
    return train, val, test
""",
        "only classes 0, 1 and 2",
    ),
    "test twice": (
        """\
def split(labels, seed):
    rng = np.random.default_rng(seed)
    train, val, test = [], [], []
    for c in np.unique(labels):
        p = rng.permutation(np.where(labels == c)[0])
        n = len(p) // 10
        val += list(p[:n])
        test += list(p[:n])
        train += list(p[n:])
    return train, val, test
""",
        "the test split is the validation split",
    ),
}

RIGHT["02.3"] = {
    "GroupShuffleSplit": """\
from sklearn.model_selection import GroupShuffleSplit


def split_patients(patients, share, seed):
    divided = GroupShuffleSplit(n_splits=1, test_size=share, random_state=seed)
    return next(divided.split(np.zeros(len(patients)), groups=patients))
""",
    "sample of the sorted numbers": """\
import random


def split_patients(patients, share, seed):
    people = sorted(set(np.asarray(patients).tolist()))
    chosen = set(random.Random(seed).sample(people, round(share * len(people))))
    test = [k for k, p in enumerate(patients) if p in chosen]
    train = [k for k, p in enumerate(patients) if p not in chosen]
    return train, test
""",
    "a random number for each patient": """\
def split_patients(patients, share, seed):
    people, who = np.unique(patients, return_inverse=True)
    dice = np.random.default_rng(seed).random(len(people))
    in_test = dice.argsort().argsort() < np.floor(share * len(people))
    return np.flatnonzero(~in_test[who]), np.flatnonzero(in_test[who])
""",
}
WRONG["02.3"] = {
    "X-rays divided": (
        """\
from sklearn.model_selection import train_test_split


def split_patients(patients, share, seed):
    return train_test_split(np.arange(len(patients)), test_size=share, random_state=seed)
""",
        "one patient on both sides",
    ),
    "share of the X-rays": (
        """\
def split_patients(patients, share, seed):
    people = np.random.default_rng(seed).permutation(np.unique(patients))
    test, wanted = [], share * len(patients)
    for person in people:
        if len(test) >= wanted:
            break
        test += list(np.where(patients == person)[0])
    return np.setdiff1d(np.arange(len(patients)), test), np.array(test)
""",
        "share counts X-rays instead of patients",
    ),
    "stratified by patient": (
        """\
from sklearn.model_selection import train_test_split


def split_patients(patients, share, seed):
    train, test = [], []
    rng = np.random.default_rng(seed)
    for p in np.unique(patients):
        where = rng.permutation(np.where(patients == p)[0])
        n = int(len(where) * share)
        test += list(where[:n])
        train += list(where[n:])
    return train, test
""",
        "each patient is divided",
    ),
    "the last patients": (
        """\
def split_patients(patients, share, seed):
    people = np.unique(patients)
    np.random.default_rng(seed).shuffle(people[:2])
    n = round(share * len(people))
    mask = np.isin(patients, people[len(people) - n:])
    return np.where(~mask)[0], np.where(mask)[0]
""",
        "always the last patients",
    ),
    "patients instead of positions": (
        """\
def split_patients(patients, share, seed):
    people = np.random.default_rng(seed).permutation(np.unique(patients))
    n = round(share * len(people))
    return people[n:], people[:n]
""",
        "patients are returned",
    ),
    "drawn with replacement": (
        """\
def split_patients(patients, share, seed):
    people = np.unique(patients)
    chosen = np.random.default_rng(seed).choice(people, round(share * len(people)))
    mask = np.isin(patients, chosen)
    return np.where(~mask)[0], np.where(mask)[0]
""",
        "one patient drawn twice, so there are too few",
    ),
    "test first": (
        """\
def split_patients(patients, share, seed):
    people = np.random.default_rng(seed).permutation(np.unique(patients))
    mask = np.isin(patients, people[:round(share * len(people))])
    return np.where(mask)[0], np.where(~mask)[0]
""",
        "training and test are exchanged",
    ),
    "chance without the seed": (
        """\
def split_patients(patients, share, seed):
    people = np.random.permutation(np.unique(patients))
    mask = np.isin(patients, people[:round(share * len(people))])
    return np.where(~mask)[0], np.where(mask)[0]
""",
        "each call gives other patients",
    ),
    "numbers from 0": (
        """\
def split_patients(patients, share, seed):
    number = patients.max() + 1
    chosen = np.random.default_rng(seed).permutation(number)[:round(share * number)]
    mask = np.isin(patients, chosen)
    return np.where(~mask)[0], np.where(mask)[0]
""",
        "patients need not have the numbers from 0",
    ),
    "each with a probability": (
        """\
def split_patients(patients, share, seed):
    people, who = np.unique(patients, return_inverse=True)
    mask = (np.random.default_rng(seed).random(len(people)) < share)[who]
    return np.where(~mask)[0], np.where(mask)[0]
""",
        "the share holds on the average only",
    ),
}

_XRAYS = """\
def load_xrays(folder):
    data = keras.utils.image_dataset_from_directory(
        folder, {settings}, verbose=False
    )
    return data, data.class_names


unfit = ["b", "d"]
"""
_FIT = 'color_mode="grayscale", image_size=(48, 64), batch_size=8, shuffle=False'
RIGHT["02.4"] = {
    "a set of letters": _XRAYS.format(settings=_FIT).replace('["b", "d"]', '{"d", "b"}'),
    "names from the folder": _XRAYS.format(settings=_FIT).replace(
        "data.class_names", "sorted(p.name for p in Path(folder).iterdir() if p.is_dir())"
    ),
    "prefetched": _XRAYS.format(settings=_FIT).replace(
        "return data, data.class_names",
        "names = list(data.class_names)\n    return data.prefetch(2), names",
    ),
    "all settings by name": _XRAYS.format(
        settings='labels="inferred", label_mode="int", color_mode="grayscale", batch_size=8, '
        'image_size=(48, 64), shuffle=False, interpolation="bilinear", seed=1'
    ),
}
WRONG["02.4"] = {
    "width first": (
        _XRAYS.format(settings=_FIT.replace("(48, 64)", "(64, 48)")),
        "height and width are exchanged",
    ),
    "color": (_XRAYS.format(settings=_FIT.replace("grayscale", "rgb")), "three channels"),
    "shuffled": (_XRAYS.format(settings=_FIT.replace(", shuffle=False", ", seed=0")), "shuffled"),
    "one-hot": (_XRAYS.format(settings=_FIT + ', label_mode="categorical"'), "labels are one-hot"),
    "binary": (_XRAYS.format(settings=_FIT + ', label_mode="binary"'), "floats, two classes only"),
    "no labels": (_XRAYS.format(settings=_FIT + ", label_mode=None"), "no labels"),
    "rescaled": (
        _XRAYS.format(settings=_FIT).replace(
            "return data, data.class_names",
            "return data.map(lambda x, y: (x / 255, y)), data.class_names",
        ),
        "pixels from 0 to 1",
    ),
    "names first": (
        _XRAYS.format(settings=_FIT).replace(
            "return data, data.class_names", "return data.class_names, data"
        ),
        "the names come first",
    ),
    "names given": (
        _XRAYS.format(settings=_FIT + ', class_names=["clear", "shadow"]'),
        "the names of this folder only",
    ),
    "names reversed": (
        _XRAYS.format(settings=_FIT).replace("data.class_names", "data.class_names[::-1]"),
        "the names do not fit the labels",
    ),
    "folder of the notebook": (
        _XRAYS.format(settings=_FIT).replace("        folder,", "        xray_folder,"),
        "another folder is never read",
    ),
    "dataset alone": (
        _XRAYS.format(settings=_FIT).replace("return data, data.class_names", "return data"),
        "no names",
    ),
    "half of it": (
        _XRAYS.format(settings=_FIT + ', validation_split=0.5, subset="training"'),
        "half of the pictures",
    ),
    "no batches": (_XRAYS.format(settings=_FIT.replace("=8", "=None")), "no batches"),
    "upside down only": (_XRAYS.format(settings=_FIT).replace('"b", "d"', '"b"'), "d is missing"),
    "turned too": (
        _XRAYS.format(settings=_FIT).replace('"b", "d"', '"a", "b", "d"'),
        "a does no harm",
    ),
    "last 32": (_XRAYS.format(settings=_FIT.replace("=8", "=32")), "batches of 32"),
    "crop to a square": (
        _XRAYS.format(settings=_FIT).replace(
            "return data, data.class_names",
            "names = data.class_names\n    return data.map(lambda x, y: (x[:, :, 8:56], y)), names",
        ),
        "the sides are cut off",
    ),
}

_PIPELINE = """\
def flip(image, label):
    return tf.image.random_flip_left_right(image), label


def make_pipeline(train_images, train_labels, validation_images, validation_labels):
    train = tf.data.Dataset.from_tensor_slices((train_images, train_labels))
    train = train.shuffle(len(train_images)).map(flip).batch(16)
    validation = tf.data.Dataset.from_tensor_slices((validation_images, validation_labels)).batch(16)
    return train, validation
"""
RIGHT["02.5"] = {
    "flip of the batch": _PIPELINE.replace(".map(flip).batch(16)", ".batch(16).map(flip)"),
    "tf.cond": _PIPELINE.replace(
        "tf.image.random_flip_left_right(image), label",
        "tf.cond(tf.random.uniform(()) < 0.5, lambda: image[:, ::-1], lambda: image), label",
    ),
    "tf.where on the batch": _PIPELINE.replace(
        "return tf.image.random_flip_left_right(image), label",
        "dice = tf.random.uniform((tf.shape(image)[0], 1, 1, 1)) < 0.5\n    return tf.where(dice, tf.reverse(image, [2]), image), label",
    ).replace(".map(flip).batch(16)", ".batch(16).map(flip)"),
    "generator": """\
def make_pipeline(train_images, train_labels, validation_images, validation_labels):
    dice = np.random.default_rng()

    def pictures():
        for k in dice.permutation(len(train_images)):
            picture = train_images[k]
            yield (picture[:, ::-1] if dice.random() < 0.5 else picture), train_labels[k]

    kind = (
        tf.TensorSpec(train_images.shape[1:], tf.float32),
        tf.TensorSpec((), tf.int64),
    )
    train = tf.data.Dataset.from_generator(pictures, output_signature=kind).batch(16).prefetch(1)
    validation = tf.data.Dataset.from_tensor_slices((validation_images, validation_labels))
    return train, validation.batch(16).cache()
""",
    "Keras layer with training": _PIPELINE.replace(
        "def flip(image, label):\n    return tf.image.random_flip_left_right(image), label",
        'layer = keras.layers.RandomFlip("horizontal")\n\n\ndef flip(image, label):\n    return layer(image, training=True), label',
    ).replace(".map(flip).batch(16)", ".batch(16).map(flip)"),
    "cache first": _PIPELINE.replace("train.shuffle(", "train.cache().shuffle("),
    "as a list of both": _PIPELINE.replace(
        "return train, validation", "return [train.prefetch(tf.data.AUTOTUNE), validation]"
    ),
}
WRONG["02.5"] = {
    "decided in Python": (
        _PIPELINE.replace(
            "return tf.image.random_flip_left_right(image), label",
            "return (image[:, ::-1] if np.random.rand() < 0.5 else image), label",
        ),
        "decided once for all, when the function is traced",
    ),
    "flipped beforehand": (
        """\
def make_pipeline(train_images, train_labels, validation_images, validation_labels):
    train_images = np.array([x[:, ::-1] if np.random.rand() < 0.5 else x for x in train_images])
    train = tf.data.Dataset.from_tensor_slices((train_images, train_labels)).shuffle(len(train_images)).batch(16)
    return train, tf.data.Dataset.from_tensor_slices((validation_images, validation_labels)).batch(16)
""",
        "decided once, not in each epoch",
    ),
    "kept after flipping": (
        _PIPELINE.replace(".map(flip).batch(16)", ".map(flip).cache().batch(16)"),
        "the cache keeps the flips of the first epoch",
    ),
    "batch flipped as one": (
        _PIPELINE.replace(
            "tf.image.random_flip_left_right(image), label",
            "tf.cond(tf.random.uniform(()) < 0.5, lambda: image[:, :, ::-1], lambda: image), label",
        ).replace(".map(flip).batch(16)", ".batch(16).map(flip)"),
        "all pictures of a batch are flipped together",
    ),
    "batches shuffled": (
        _PIPELINE.replace(
            ".shuffle(len(train_images)).map(flip).batch(16)", ".map(flip).batch(16).shuffle(100)"
        ),
        "the batches are shuffled, not the pictures",
    ),
    "buffer of 16": (_PIPELINE.replace("len(train_images))", "16)"), "not shuffled completely"),
    "same order again": (
        _PIPELINE.replace(
            "len(train_images))", "len(train_images), reshuffle_each_iteration=False)"
        ),
        "not shuffled anew",
    ),
    "rows flipped": (
        _PIPELINE.replace("random_flip_left_right", "random_flip_up_down"),
        "flipped upside down",
    ),
    "validation flipped too": (
        _PIPELINE.replace(
            "validation_labels)).batch(16)", "validation_labels)).map(flip).batch(16)"
        ),
        "validation is changed",
    ),
    "drop_remainder": (
        _PIPELINE.replace(".map(flip).batch(16)", ".map(flip).batch(16, drop_remainder=True)"),
        "pictures are lost",
    ),
    "validation shuffled": (
        _PIPELINE.replace(
            "validation_labels)).batch(16)", "validation_labels)).shuffle(1000).batch(16)"
        ),
        "validation is shuffled",
    ),
    "originals and copies": (
        _PIPELINE.replace(
            "train.shuffle(len(train_images)).map(flip)",
            "train.concatenate(train.map(flip)).shuffle(2 * len(train_images))",
        ),
        "each picture is there twice",
    ),
    "repeat": (
        _PIPELINE.replace(".map(flip).batch(16)", ".map(flip).batch(16).repeat(2)"),
        "two epochs",
    ),
    "labels shuffled alone": (
        _PIPELINE.replace(
            "train = tf.data.Dataset.from_tensor_slices((train_images, train_labels))\n    train = train.shuffle(len(train_images)).map(flip)",
            "n = len(train_images)\n    train = tf.data.Dataset.zip(tf.data.Dataset.from_tensor_slices(train_images).shuffle(n), tf.data.Dataset.from_tensor_slices(train_labels).shuffle(n)).map(flip)",
        ),
        "labels no longer belong to the pictures",
    ),
    "rescaled": (
        _PIPELINE.replace(
            "random_flip_left_right(image), label", "random_flip_left_right(image / 255.0), label"
        ),
        "the training pictures are rescaled",
    ),
    "always the same dice": (
        _PIPELINE.replace(
            "tf.image.random_flip_left_right(image), label",
            "tf.image.stateless_random_flip_left_right(image, seed=(1, 2)), label",
        ),
        "the same decision for each picture",
    ),
    "flip by label": (
        _PIPELINE.replace(
            "tf.image.random_flip_left_right(image), label",
            "tf.cond(label % 2 == 0, lambda: image[:, ::-1], lambda: image), label",
        ),
        "the class decides",
    ),
    "turned by 180 degrees": (
        _PIPELINE.replace(
            "tf.image.random_flip_left_right(image), label",
            "tf.cond(tf.random.uniform(()) < 0.5, lambda: image[::-1, ::-1], lambda: image), label",
        ),
        "turned, not flipped",
    ),
    "one third": (
        _PIPELINE.replace(
            "tf.image.random_flip_left_right(image), label",
            "tf.cond(tf.random.uniform(()) < 0.1, lambda: image[:, ::-1], lambda: image), label",
        ),
        "a tenth is flipped",
    ),
    "channels reversed": (
        _PIPELINE.replace(
            "tf.image.random_flip_left_right(image), label",
            "tf.cond(tf.random.uniform(()) < 0.5, lambda: image[..., ::-1], lambda: image), label",
        ),
        "red and blue are exchanged",
    ),
}

# --- 03 · building a CNN -----------------------------------------------------------------------

RIGHT["03.1"] = {
    "as NumPy array": "after_pooling = np.array([41, 41, 32])\nsecond_parameters = 18_496\nreceptive_field = 13\n",
    "by loops": """\
after_pooling = tuple([((128 - 5) // 1 + 1) // 3] * 2 + [32])
second_parameters = sum(3 * 3 * 32 + 1 for _ in range(64))
last = {0}
last = {3 * p + d for p in {k + d for k in last for d in (-1, 0, 1)} for d in range(3)}
last = {p + d for p in last for d in range(5)}
receptive_field = len(last)
""",
}
WRONG["03.1"] = {
    "channels first": (
        "after_pooling = (32, 41, 41)\nsecond_parameters = 18496\nreceptive_field = 13\n",
        "order",
    ),
    "without biases": (
        "after_pooling = (41, 41, 32)\nsecond_parameters = 18432\nreceptive_field = 13\n",
        "biases",
    ),
    "sum of windows": (
        "after_pooling = (41, 41, 32)\nsecond_parameters = 18496\nreceptive_field = 11\n",
        "5 + 3 + 3",
    ),
    "product": (
        "after_pooling = (41, 41, 32)\nsecond_parameters = 18496\nreceptive_field = 45\n",
        "5 * 3 * 3",
    ),
    "same padding": (
        "after_pooling = (42, 42, 32)\nsecond_parameters = 18496\nreceptive_field = 13\n",
        "128 / 3",
    ),
    "area": (
        "after_pooling = (41, 41, 32)\nsecond_parameters = 18496\nreceptive_field = 13 * 13\n",
        "not the width",
    ),
    "no pooling step": (
        "after_pooling = (41, 41, 32)\nsecond_parameters = 18496\nreceptive_field = 9\n",
        "5 + 2 + 2",
    ),
    "nothing but a number": (
        "after_pooling = 41\nsecond_parameters = 18496\nreceptive_field = 13\n",
        "one of three",
    ),
}

_CNN = """\
def build_cnn(input_shape, num_classes):
    model = keras.Sequential()
    model.add(keras.Input(input_shape))
    model.add(layers.Rescaling(1 / 255))
    for filters in [32, 64, 128]:
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D())
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(num_classes))
    return model
"""
RIGHT["03.2"] = {
    "model.add in a loop": _CNN,
    "compiled already": _CNN.replace(
        "    return model",
        '    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])\n    model.summary()\n    return model',
    ),
    "he_normal": _CNN.replace('padding="same"', 'padding="same", kernel_initializer="he_normal"'),
    "Lambda for the pixels": _CNN.replace(
        "layers.Rescaling(1 / 255)", "layers.Lambda(lambda x: x / 255.0)"
    ),
    "names for all": _CNN.replace("layers.Flatten()", 'layers.Flatten(name="flat")').replace(
        "layers.Dropout(0.5)", 'layers.Dropout(rate=0.5, name="half")'
    ),
}
WRONG["03.2"] = {
    "pool only twice": (
        _CNN.replace(
            "model.add(layers.MaxPooling2D())", "filters < 128 and model.add(layers.MaxPooling2D())"
        ),
        "no pooling in the third block",
    ),
    "pooling pads": (
        _CNN.replace("MaxPooling2D()", 'MaxPooling2D(padding="same")'),
        "pooling has a border",
    ),
}

_MENDED = """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dense(num_classes),
    ])
"""
RIGHT["03.3"] = {
    "from the broken one": """\
def build_mended(input_shape, num_classes):
    parts = build_broken(input_shape, num_classes).layers
    x = inputs = keras.Input(input_shape)
    for part in parts[1:-1]:
        config = part.get_config()
        if config.get("activation") == "linear":
            config["activation"] = "relu"
        x = type(part).from_config(config)(x)
    return keras.Model(inputs, layers.Dense(num_classes)(layers.Flatten()(x)))
""",
    "scaled in two steps": _MENDED.replace(
        "layers.Rescaling(1 / 255)", "layers.Rescaling(1 / 5), layers.Rescaling(1 / 51)"
    ),
    "ReLU with max_value None": _MENDED.replace(
        'layers.Conv2D(16, 3, activation="relu"),',
        "layers.Conv2D(16, 3),\n        layers.ReLU(max_value=None),",
    ),
    "pooling before ReLU": _MENDED.replace(
        'layers.Conv2D(16, 3, activation="relu"),\n        layers.MaxPooling2D(2),',
        "layers.Conv2D(16, 3),\n        layers.MaxPooling2D(2),\n        layers.ReLU(),",
    ),
}
WRONG["03.3"] = {
    "three of four": (
        _MENDED.replace("Dense(num_classes)", 'Dense(num_classes, activation="softmax")'),
        "softmax",
    ),
    "global pooling": (_MENDED.replace("Flatten", "GlobalAveragePooling2D"), "not flattened"),
    "no rescaling": (
        _MENDED.replace("        layers.Rescaling(1 / 255),\n", ""),
        "both rescalings removed",
    ),
    "padding changed": (
        _MENDED.replace("3, activation", '3, padding="same", activation'),
        "padding",
    ),
}

_DETECTOR = """\
def build_detector(input_shape):
    model = keras.Sequential([
        keras.Input(input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.GlobalAveragePooling2D(),
        layers.Dense(1),
    ])
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    return model
"""

_NORMALIZE = """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    mean = x.mean(axis=(0, 1, 2))
    variance = x.var(axis=(0, 1, 2))
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta
"""
RIGHT["03.5"] = {
    "channel by channel": """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    out = np.zeros(x.shape)
    for c in range(x.shape[-1]):
        v = x[..., c].astype("float64")
        m = v.sum() / v.size
        s = ((v - m) ** 2).sum() / v.size
        out[..., c] = (v - m) * (s + epsilon) ** -0.5 * gamma[c] + beta[c]
    return out


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    scale = np.asarray(gamma) / np.sqrt(np.asarray(variance) + epsilon)
    return x * scale + (np.asarray(beta) - np.asarray(mean) * scale)
""",
    "flattened": """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    flat = np.reshape(x, (-1, np.shape(x)[-1]))
    return normalize_later(x, gamma, beta, np.mean(flat, 0), np.var(flat, 0), epsilon)


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return np.add(np.multiply(gamma, np.divide(np.subtract(x, mean), np.sqrt(np.add(variance, epsilon)))), beta)
""",
    "mean of squares": _NORMALIZE.replace(
        "variance = x.var(axis=(0, 1, 2))",
        "x = np.array(x, dtype=float)\n    variance = np.mean((x - mean) ** 2, axis=(0, 1, 2), keepdims=True)",
    ),
}
WRONG["03.5"] = {
    "one mean for all": (
        _NORMALIZE.replace("x.mean(axis=(0, 1, 2))", "x.mean()").replace(
            "x.var(axis=(0, 1, 2))", "x.var()"
        ),
        "not each channel by itself",
    ),
    "each picture by itself": (
        _NORMALIZE.replace("(axis=(0, 1, 2))", "(axis=(1, 2), keepdims=True)"),
        "not over the batch",
    ),
    "over the batch only": (
        _NORMALIZE.replace("(axis=(0, 1, 2))", "(axis=0)"),
        "not over all places",
    ),
    "epsilon outside": (
        _NORMALIZE.replace("np.sqrt(variance + epsilon)", "(np.sqrt(variance) + epsilon)"),
        "epsilon is added after the root",
    ),
    "no root": (
        _NORMALIZE.replace("np.sqrt(variance + epsilon)", "(variance + epsilon)"),
        "no root",
    ),
    "sample variance": (
        _NORMALIZE.replace("var(axis=(0, 1, 2))", "var(axis=(0, 1, 2), ddof=1)"),
        "N - 1",
    ),
    "beta first": (
        _NORMALIZE.replace(
            "gamma * (x - mean) / np.sqrt(variance + epsilon) + beta",
            "gamma * ((x - mean) / np.sqrt(variance + epsilon) + beta)",
        ),
        "beta is multiplied by gamma",
    ),
    "in place": (
        _NORMALIZE.replace(
            "    mean = x.mean",
            "    x -= x.mean(axis=(0, 1, 2)).astype(x.dtype)\n    mean = x.mean",
        ),
        "x is changed",
    ),
    "fixed epsilon": (
        _NORMALIZE.replace("variance + epsilon", "variance + 0.001"),
        "epsilon is not used",
    ),
    "later from the batch": (
        _NORMALIZE.replace(
            "mean, variance, epsilon=0.001):\n    return",
            "mean, variance, epsilon=0.001):\n    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))\n    return",
        ),
        "mean and variance of the batch",
    ),
    "later with deviation": (
        _NORMALIZE.replace(
            "mean, variance, epsilon=0.001):\n    return gamma * (x - mean) / np.sqrt(variance + epsilon)",
            "mean, variance, epsilon=0.001):\n    return gamma * (x - mean) / (variance + epsilon)",
        ),
        "the variance is taken for the standard deviation",
    ),
    "type of x": (
        _NORMALIZE.replace("+ beta\n", "+ beta\n", 1).replace(
            "return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta\n\n",
            "return (gamma * (x - mean) / np.sqrt(variance + epsilon) + beta).astype(x.dtype)\n\n",
        ),
        "whole numbers are returned for whole numbers",
    ),
    "half precision": (
        _NORMALIZE.replace("+ beta\n", "+ beta\n").replace(
            "return gamma", "x = x.astype('float16')\n    return gamma"
        ),
        "numbers lose digits",
    ),
    "unsigned difference": (
        _NORMALIZE.replace("(x - mean)", "(x - mean.astype(x.dtype))"),
        "the mean of whole numbers is cut off, and the difference wraps around",
    ),
    "clipped": (
        _NORMALIZE.replace(
            "return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta",
            "return np.clip(gamma * (x - mean) / np.sqrt(variance + epsilon) + beta, -3, 3)",
        ),
        "large values are cut off",
    ),
}

_TRAINED = """\
import time

results = {}
for name in VARIANTS:
    model = build_variant(name)
    start = time.perf_counter()
    history = model.fit(data.train, validation_data=data.validation, epochs=settings.epochs(4), shuffle=False, verbose=0)
    results[name] = {
        "parameters": model.count_params(),
        "seconds": time.perf_counter() - start,
        "accuracy": history.history["val_accuracy"][-1],
        "history": history,
    }
true_claims = ["a", "b", "d"]
"""

# --- 04 · training -----------------------------------------------------------------------------

_LOSS = """\
def batch_loss(logits, labels):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))


def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=not softmax)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax)
"""
RIGHT["04.1"] = {
    "picture by picture": """\
def batch_loss(logits, labels):
    total = 0.0
    for row, label in zip(logits, labels):
        top = max(row)
        total += top + np.log(sum(np.exp(z - top) for z in row)) - row[label]
    return total / len(labels)


def choose_loss(one_hot, softmax):
    kinds = {True: keras.losses.CategoricalCrossentropy, False: keras.losses.SparseCategoricalCrossentropy}
    return kinds[bool(one_hot)](from_logits=not softmax)
""",
    "logaddexp": _LOSS.replace(
        """\
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.mean(np.log(p[np.arange(len(labels)), labels]))
""",
        """\
    logits = np.asarray(logits, dtype=np.float64)
    right = np.take_along_axis(logits, np.asarray(labels)[:, None], axis=1)[:, 0]
    return float((np.logaddexp.reduce(logits, axis=1) - right).mean())
""",
    ),
    "other names of the losses": _LOSS.replace(
        "keras.losses.CategoricalCrossentropy(from_logits=not softmax)",
        'keras.losses.CategoricalCrossentropy(not softmax, name="cce")',
    ),
}
WRONG["04.1"] = {
    "sum": (_LOSS.replace("-np.mean(", "-np.sum("), "sum instead of mean"),
    "no softmax": (
        _LOSS.replace("e / e.sum(axis=1, keepdims=True)", "e"),
        "not divided by the sum",
    ),
    "over the batch": (
        _LOSS.replace("e.sum(axis=1, keepdims=True)", "e.sum(axis=0, keepdims=True)"),
        "axis",
    ),
    "over everything": (
        _LOSS.replace("e.sum(axis=1, keepdims=True)", "e.sum()"),
        "one sum for all images",
    ),
    "all labels of all rows": (
        _LOSS.replace("p[np.arange(len(labels)), labels]", "p[:, labels]"),
        "each image with every label",
    ),
    "base 2": (_LOSS.replace("np.log(", "np.log2("), "another logarithm"),
    "predicted class": (
        _LOSS.replace("p[np.arange(len(labels)), labels]", "p.max(axis=1)"),
        "labels are not used",
    ),
    "all pairs": (
        _LOSS.replace("p[np.arange(len(labels)), labels]", "p[:, labels]"),
        "every row with every label",
    ),
    "log of the mean": (
        _LOSS.replace("-np.mean(np.log(", "-np.log(np.mean("),
        "mean before the logarithm",
    ),
    "minus lost": (_LOSS.replace("return -np", "return np"), "negative"),
    "one for each": (
        _LOSS.replace(
            "-np.mean(np.log(p[np.arange(len(labels)), labels]))",
            "-np.log(p[np.arange(len(labels)), labels])",
        ),
        "one number for each image",
    ),
    "from_logits the wrong way": (
        _LOSS.replace("not softmax", "softmax"),
        "from_logits is exchanged",
    ),
    "sparse exchanged": (
        _LOSS.replace("if one_hot", "if not one_hot"),
        "the two losses are exchanged",
    ),
    "binary": (
        _LOSS.replace(
            "return keras.losses.CategoricalCrossentropy", "return keras.losses.BinaryCrossentropy"
        ),
        "binary",
    ),
    "names": (
        _LOSS.replace(
            "keras.losses.CategoricalCrossentropy(from_logits=not softmax)",
            '"categorical_crossentropy"',
        ),
        "a name cannot say from_logits",
    ),
    "overwritten": (
        _LOSS.replace("    e = np", "    logits -= logits.max(axis=1, keepdims=True)\n    e = np"),
        "logits are changed",
    ),
    "small number added": (_LOSS.replace("labels]))", "labels] + 0.01))"), "0.01 in the logarithm"),
    "softmax twice": (
        _LOSS.replace(
            "    return -np",
            "    p = np.exp(p) / np.exp(p).sum(axis=1, keepdims=True)\n    return -np",
        ),
        "softmax of softmax",
    ),
    "smoothing": (
        _LOSS.replace(
            "CategoricalCrossentropy(from_logits",
            "CategoricalCrossentropy(label_smoothing=0.1, from_logits",
            1,
        ),
        "label smoothing",
    ),
}

_SCHEDULE = """\
def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return peak * step / warmup
    t = (step - warmup) / (steps - warmup)
    return peak * (1 + np.cos(np.pi * t)) / 2


def when_to_stop(losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return epoch, best_epoch
    return len(losses), best_epoch
"""
RIGHT["04.2"] = {
    "half angle": _SCHEDULE.replace(
        "peak * (1 + np.cos(np.pi * t)) / 2", "peak * np.cos(np.pi * t / 2) ** 2"
    ),
    "interp": _SCHEDULE.replace("peak * step / warmup", "np.interp(step, [0, warmup], [0, peak])"),
    "waiting counter": """\
import math


def rate_at(step, steps, warmup=0, peak=0.001):
    return (peak * step / warmup if step < warmup
            else 0.5 * peak * (1 + math.cos(math.pi * (step - warmup) / (steps - warmup))))


def when_to_stop(losses, patience):
    wait, best = 0, 0
    for k in range(1, len(losses)):
        if losses[k] < losses[best]:
            wait, best = 0, k
        else:
            wait += 1
        if wait == patience:
            return [k + 1, best + 1]
    return [len(losses), best + 1]
""",
    "argmin of the beginning": _SCHEDULE[: _SCHEDULE.index("def when")]
    + """\
def when_to_stop(losses, patience):
    for n in range(1, len(losses) + 1):
        best = int(np.argmin(losses[:n])) + 1
        if n - best >= patience:
            break
    return n, best
""",
}
WRONG["04.2"] = {
    "warm-up forgotten": (_SCHEDULE.replace("step < warmup", "False"), "no warm-up"),
    "t of all steps": (
        _SCHEDULE.replace("(step - warmup) / (steps - warmup)", "step / steps"),
        "t counts the warm-up",
    ),
    "t not shifted": (
        _SCHEDULE.replace("(step - warmup) / (steps - warmup)", "step / (steps - warmup)"),
        "t does not begin at 0",
    ),
    "starts above zero": (
        _SCHEDULE.replace("peak * step / warmup", "peak * (step + 1) / warmup"),
        "one step early",
    ),
    "degrees": (_SCHEDULE.replace("np.cos(np.pi * t)", "np.cos(180 * t)"), "degrees"),
    "straight down": (
        _SCHEDULE.replace("peak * (1 + np.cos(np.pi * t)) / 2", "peak * (1 - t)"),
        "no cosine",
    ),
    "quarter wave": (
        _SCHEDULE.replace("(1 + np.cos(np.pi * t)) / 2", "np.cos(np.pi * t / 2)"),
        "quarter wave",
    ),
    "peak fixed": (_SCHEDULE.replace("return peak * (1", "return 0.001 * (1"), "peak is not used"),
    "one epoch late": (_SCHEDULE.replace(">= patience", "> patience"), "one epoch late"),
    "counted from 0": (_SCHEDULE.replace("start=1", "start=0"), "counted from 0"),
    "equal is better": (_SCHEDULE.replace("loss < best", "loss <= best"), "equal counts as better"),
    "compared with the last": (
        _SCHEDULE.replace(
            "            best, best_epoch = loss, epoch\n", "            best_epoch = epoch\n"
        ).replace(
            "            return epoch, best_epoch\n",
            "            return epoch, best_epoch\n        best = loss\n",
        ),
        "compared with the epoch before",
    ),
    "best of all": (
        _SCHEDULE.replace("return epoch, best_epoch", "return epoch, int(np.argmin(losses)) + 1"),
        "later epochs are looked at",
    ),
    "wait never reset": (
        _SCHEDULE.replace(
            'best, best_epoch = float("inf"), 0', 'best, best_epoch, bad = float("inf"), 0, 0'
        ).replace(
            "        elif epoch - best_epoch >= patience:\n            return",
            "        else:\n            bad += 1\n        if bad >= patience:\n            return",
        ),
        "bad epochs are counted in all",
    ),
    "best first": (
        _SCHEDULE.replace("return epoch, best_epoch", "return best_epoch, epoch"),
        "exchanged",
    ),
    "only the last": (_SCHEDULE.replace("return epoch, best_epoch", "return epoch"), "one number"),
    "sorted in place": (
        _SCHEDULE.replace(
            "    return len(losses), best_epoch",
            "    losses.sort()\n    return len(losses), best_epoch",
        ),
        "the list is changed",
    ),
    "losses below 100": (
        _SCHEDULE.replace('float("inf")', "1.0"),
        "a first loss above 1 is no best one",
    ),
}

_CALLBACKS = """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping("val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=2),
        keras.callbacks.ModelCheckpoint(file, "val_loss", save_best_only=True),
    ]
"""
RIGHT["04.3"] = {
    "all settings": """\
def make_callbacks(file):
    watch = dict(monitor="val_loss", mode="min", verbose=0)
    stop = keras.callbacks.EarlyStopping(**watch, min_delta=0.0, patience=5, restore_best_weights=True, start_from_epoch=0)
    half = keras.callbacks.ReduceLROnPlateau(**watch, factor=1 / 2, patience=2, min_delta=0, cooldown=0, min_lr=1e-6)
    keep = keras.callbacks.ModelCheckpoint(filepath=str(file), **watch, save_best_only=True, save_freq="epoch")
    return [keep, half, stop]
""",
    "a tuple": _CALLBACKS.replace("return [", "return (").replace("    ]\n", "    )\n"),
    "one more for the log": _CALLBACKS.replace(
        "    ]\n", "        keras.callbacks.TerminateOnNaN(),\n    ]\n"
    ),
}
WRONG["04.3"] = {
    "accuracy watched": (
        _CALLBACKS.replace('"val_loss", patience=5', '"val_accuracy", patience=5'),
        "accuracy",
    ),
    "training loss": (_CALLBACKS.replace('"val_loss", factor', '"loss", factor'), "training loss"),
    "mode max": (_CALLBACKS.replace("patience=5", 'patience=5, mode="max"'), "the wrong way"),
    "a tenth": (_CALLBACKS.replace("factor=0.5", "factor=0.1"), "not halved"),
    "last weights": (
        _CALLBACKS.replace(", restore_best_weights=True", ""),
        "weights of the last epoch",
    ),
    "every epoch saved": (_CALLBACKS.replace(", save_best_only=True", ""), "the last network"),
    "name with the epoch": (
        _CALLBACKS.replace("(file,", '(str(file).replace("best", "best-{epoch}"),'),
        "another file",
    ),
    "weights alone": (
        _CALLBACKS.replace(
            "save_best_only=True", "save_best_only=True, save_weights_only=True"
        ).replace("(file,", '(str(file).replace(".keras", ".weights.h5"),'),
        "weights in another file",
    ),
    "patience exchanged": (
        _CALLBACKS.replace("patience=5", "patience=X")
        .replace("patience=2", "patience=5")
        .replace("=X", "=2"),
        "exchanged",
    ),
    "floor too high": (
        _CALLBACKS.replace("patience=2", "patience=2, min_lr=0.01"),
        "the rate stays above 0.01",
    ),
    "cooldown": (_CALLBACKS.replace("patience=2", "patience=2, cooldown=3"), "waits after halving"),
    "min_delta": (
        _CALLBACKS.replace("patience=5", "patience=5, min_delta=0.01"),
        "small gains do not count",
    ),
    "start later": (
        _CALLBACKS.replace("patience=5", "patience=5, start_from_epoch=3"),
        "not from the first epoch",
    ),
    "two of three": (
        _CALLBACKS.replace(
            '        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=2),\n', ""
        ),
        "no halving",
    ),
    "a schedule": (
        _CALLBACKS.replace(
            'keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=2)',
            "keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2 if epoch and epoch % 2 == 0 else rate)",
        ),
        "halved every two epochs, whatever the loss",
    ),
    "threshold": (
        _CALLBACKS.replace(
            "save_best_only=True", "save_best_only=True, initial_value_threshold=0.3"
        ),
        "losses above 0.3 are not saved",
    ),
    "baseline": (_CALLBACKS.replace("patience=5", "patience=5, baseline=0.1"), "must go below 0.1"),
    "every second epoch": (
        _CALLBACKS.replace("save_best_only=True", "save_best_only=True, save_freq=2"),
        "counts batches",
    ),
    "classes, no objects": (
        "def make_callbacks(file):\n    return [keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau, keras.callbacks.ModelCheckpoint]\n",
        "no objects",
    ),
    "one callback": (
        "def make_callbacks(file):\n    return keras.callbacks.EarlyStopping(patience=5, restore_best_weights=True)\n",
        "one only",
    ),
}

_AUGMENT = """\
def build_augmentation():
    return keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)])


def with_augmentation(network):
    return keras.Sequential([build_augmentation(), network])
"""
RIGHT["04.4"] = {
    "any size": """\
def build_augmentation():
    return keras.Sequential([
        layers.RandomTranslation((-0.1, 0.1), (-0.1, 0.1), fill_mode="nearest"),
        layers.RandomFlip(mode="horizontal"),
    ])


def with_augmentation(network):
    inputs = keras.Input((None, None, 3))
    return keras.Model(inputs, network(build_augmentation()(inputs)))
""",
    "zeros at the border": _AUGMENT.replace(
        "0.1, 0.1)", '0.1, 0.1, fill_mode="constant", fill_value=255.0, interpolation="nearest")'
    ),
    "a class": """\
class Augmentation(layers.Layer):
    def __init__(self):
        super().__init__()
        self.flip = layers.RandomFlip("horizontal")
        self.shift = layers.RandomTranslation(0.1, 0.1)

    def call(self, pictures, training=None):
        return self.shift(self.flip(pictures, training=training), training=training)


def build_augmentation():
    return Augmentation()


def with_augmentation(network):
    x = inputs = keras.Input(network.input_shape[1:])
    return keras.Model(inputs=inputs, outputs=network(build_augmentation()(x)))
""",
    "Pipeline layer": _AUGMENT.replace(
        "keras.Sequential([layers.RandomFlip", "layers.Pipeline([layers.RandomFlip"
    ),
}
WRONG["04.4"] = {
    "both ways": (_AUGMENT.replace('RandomFlip("horizontal")', "RandomFlip()"), "upside down, too"),
    "to one side": (_AUGMENT.replace("0.1, 0.1", "(0, 0.1), (0, 0.1)"), "shifted to one side only"),
    "ten pixels": (_AUGMENT.replace("0.1, 0.1", "10, 10"), "0.1 is meant"),
    "height only": (_AUGMENT.replace("0.1, 0.1", "0.1, 0"), "no shift to the side"),
    "rotation": (
        _AUGMENT.replace("0.1, 0.1)]", "0.1, 0.1), layers.RandomRotation(0.1)]"),
        "turned, too",
    ),
    "zoom": (_AUGMENT.replace("RandomTranslation(0.1, 0.1)", "RandomZoom(0.1)"), "enlarged"),
    "contrast": (
        _AUGMENT.replace("0.1, 0.1)]", "0.1, 0.1), layers.RandomContrast(0.05)]"),
        "contrast",
    ),
    "rescaled": (
        _AUGMENT.replace("[layers.RandomFlip", "[layers.Rescaling(1 / 255), layers.RandomFlip"),
        "pixels to 1",
    ),
    "always on": (
        _AUGMENT.replace(
            "keras.Sequential([build_augmentation(), network])",
            "keras.Sequential([layers.Lambda(lambda x, a=build_augmentation(): a(x, training=True)), network])",
        ),
        "training is set by hand",
    ),
    "behind": (
        _AUGMENT.replace("[build_augmentation(), network]", "[network, build_augmentation()]"),
        "behind the network",
    ),
    "not at all": (
        _AUGMENT.replace("keras.Sequential([build_augmentation(), network])", "network"),
        "no augmentation",
    ),
    "frozen": (
        _AUGMENT.replace(
            "    return keras.Sequential([build",
            "    network.trainable = False\n    return keras.Sequential([build",
        ),
        "does not learn",
    ),
    "flip alone in front": (
        _AUGMENT.replace(
            "[build_augmentation(), network]",
            'layers.RandomFlip("horizontal"), network]'.replace("layers", "[layers"),
        ),
        "no shift in front of the network",
    ),
    "half the shift": (_AUGMENT.replace("0.1, 0.1", "0.05, 0.05"), "5 % only"),
    "twice": (
        _AUGMENT.replace(
            "[build_augmentation(), network]",
            "[build_augmentation(), build_augmentation(), network]",
        ),
        "shifted twice, by up to 20 %",
    ),
    "never off": (
        _AUGMENT.replace(
            'keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomTranslation(0.1, 0.1)])',
            "layers.Lambda(lambda x: tf.image.random_flip_left_right(x))"
            if False
            else "layers.Lambda(lambda x: keras.ops.flip(x, axis=2))",
        ),
        "always flipped",
    ),
    "crop": (
        _AUGMENT.replace("layers.RandomTranslation(0.1, 0.1)", "layers.RandomCrop(20, 28)"),
        "smaller pictures",
    ),
    "batch statistics": (
        _AUGMENT.replace(
            "[build_augmentation(), network]",
            "[build_augmentation(), layers.BatchNormalization(), network]",
        ),
        "another layer",
    ),
}

_TRIALS = """\
histories, gaps = {}, {}
for name in TRIALS:
    histories[name] = build_trial(name).fit(data.train, validation_data=data.validation, epochs=settings.epochs(25), shuffle=False, verbose=0)
    curves = histories[name].history
    gaps[name] = curves["val_loss"][-1] - curves["loss"][-1]
true_claims = ["a", "b", "e"]
"""

# --- near misses: right in general, wrong in an edge case ----------------------------------------

_CONVOLVE = """\
def convolve(image, kernel, bias=0.0, stride=1):
    image, kernel = np.asarray(image), np.asarray(kernel)
    h, w = kernel.shape
    rows = range(0, image.shape[0] - h + 1, stride)
    columns = range(0, image.shape[1] - w + 1, stride)
    return np.array([[(image[r:r + h, c:c + w] * kernel).sum() + bias for c in columns] for r in rows])
"""
RIGHT["01.2"] |= {
    "matrix of Python numbers": _CONVOLVE.replace(
        "return np.array(", "return np.array(", 1
    ).replace("+ bias for", "+ float(bias) for"),
    "padded and cut again": _CONVOLVE.replace(
        "    h, w = kernel.shape\n",
        "    image = np.pad(image, 1)[1:-1, 1:-1]\n    h, w = kernel.shape\n",
    ),
}
WRONG["01.2"] |= {
    "kernel normalized": (
        _CONVOLVE.replace(
            "    h, w", "    kernel = kernel / max(1, np.abs(kernel).sum())\n    h, w"
        ),
        "weights are scaled",
    ),
    "image clipped": (
        _CONVOLVE.replace("    h, w", "    image = np.clip(image, 0, 1)\n    h, w"),
        "pixels above 1 are cut off",
    ),
    "rows of the kernel flipped": (
        _CONVOLVE.replace("    h, w", "    kernel = kernel[::-1]\n    h, w"),
        "the filter is upside down",
    ),
    "kernel transposed": (
        _CONVOLVE.replace("    h, w", "    kernel = kernel.T\n    h, w"),
        "the filter is transposed",
    ),
    "bias rounded": (_CONVOLVE.replace("+ bias", "+ int(bias)"), "the bias is cut off"),
    "bias only if positive": (
        _CONVOLVE.replace("+ bias", "+ max(bias, 0)"),
        "a negative bias is lost",
    ),
    "stride of the kernel": (
        _CONVOLVE.replace("stride)", "max(stride, h - 2))"),
        "the stride depends on the filter",
    ),
    "stride up to 2": (
        _CONVOLVE.replace("stride)", "min(stride, 2))"),
        "larger strides are cut to 2",
    ),
}
WRONG["01.3"] |= {
    "same by halves": (
        'def map_size(n, k, s=1, padding="valid"):\n    if padding == "same":\n        return n if s == 1 else (n + 1) // 2\n    return (n - k) // s + 1\n',
        "every stride is taken for 2",
    ),
    "same of a border": (
        'def map_size(n, k, s=1, padding="valid"):\n    n = n + k - 1 - (k % 2 == 0) if padding == "same" else n\n    return (n - k) // s + 1\n',
        "one pixel too few for a filter of even size",
    ),
    "never below one": (
        'def map_size(n, k, s=1, padding="valid"):\n    return -(-n // s) if padding == "same" else int((n - k + 0.5) / s + 0.5)\n',
        "rounded",
    ),
}
_POOL = """\
def pool(values, size=2, kind="max"):
    values = np.asarray(values)
    h, w = values.shape[0] // size, values.shape[1] // size
    blocks = values[:h * size, :w * size].reshape(h, size, w, size)
    return blocks.max(axis=(1, 3)) if kind == "max" else blocks.mean(axis=(1, 3))
"""
WRONG["01.4"] |= {
    "square map": (_POOL.replace("values.shape[1] // size", "h"), "the map is taken to be square"),
    "mean of rows, then largest": (
        _POOL.replace("blocks.mean(axis=(1, 3))", "blocks.mean(axis=1).max(axis=2)"),
        "mean of the columns, then the largest",
    ),
    "mean of the largest": (
        _POOL.replace(
            "blocks.mean(axis=(1, 3))", "(blocks.max(axis=(1, 3)) + blocks.min(axis=(1, 3))) / 2"
        ),
        "mean of the largest and the smallest",
    ),
    "divided by four": (
        _POOL.replace("blocks.mean(axis=(1, 3))", "blocks.sum(axis=(1, 3)) / 4"),
        "wrong where size is not 2",
    ),
    "default average": (_POOL.replace('kind="max"):', 'kind="average"):'), "another default"),
    "without zeros": (
        _POOL.replace(
            "blocks.mean(axis=(1, 3))",
            "blocks.sum(axis=(1, 3)) / np.maximum((blocks != 0).sum(axis=(1, 3)), 1)",
        ),
        "zeros are not counted",
    ),
    "as whole pixels": (
        _POOL.replace("blocks.max(axis=(1, 3))", "blocks.max(axis=(1, 3)).astype(int)"),
        "floats are cut off",
    ),
    "absolute mean": (_POOL.replace("blocks.mean", "np.abs(blocks).mean"), "signs are lost"),
}
WRONG["01.5"] |= {
    "negative corners": (
        "my_kernel = np.array([[1, 0, -0.01], [0, 1, 0], [0, 0, 1]])\nmy_bias = -2.995\n",
        "a black corner forbids it",
    ),
    "two by two": ("my_kernel = np.eye(2)\nmy_bias = -1.5\n", "not 3 by 3"),
    "infinite": ("my_kernel = np.eye(3)\nmy_bias = -np.inf\n", "minus infinity"),
    "twice the bias": ("my_kernel = np.eye(3)\nmy_bias = [-2, -2]\n", "two numbers"),
}
WRONG["01.6"] |= {
    "mean pooling": (
        "def letter_outputs(image):\n    m = convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias))\n    pooled = m.reshape(2, 2, 2, 2).mean(axis=(1, 3))\n    h = max(0, pooled.ravel() @ hidden_weights + hidden_bias)\n    return output_weights * h + output_biases\n",
        "mean instead of maximum",
    ),
    "bias of the hidden node behind ReLU": (
        "def letter_outputs(image):\n    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias)))\n    h = max(0, pooled.ravel() @ hidden_weights) + hidden_bias\n    return output_weights * h + output_biases\n",
        "the bias comes after ReLU",
    ),
    "softmax": (
        "def letter_outputs(image):\n    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias)))\n    z = output_weights * max(0, pooled.ravel() @ hidden_weights + hidden_bias) + output_biases\n    return np.exp(z) / np.exp(z).sum()\n",
        "probabilities",
    ),
    "binarized": (
        "def letter_outputs(image):\n    pooled = convolution.max_pool(convolution.relu(convolution.feature_map((np.asarray(image) > 0.5).astype(float), letter_kernel, letter_bias)))\n    return output_weights * max(0, pooled.ravel() @ hidden_weights + hidden_bias) + output_biases\n",
        "gray pixels are made black or white",
    ),
    "changes the picture": (
        "def letter_outputs(image):\n    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias)))\n    result = output_weights * max(0, pooled.ravel() @ hidden_weights + hidden_bias) + output_biases\n    image += 1\n    return result\n",
        "the picture is changed",
    ),
}
WRONG["02.3"] |= {
    "sorts in place": (
        "def split_patients(patients, share, seed):\n    people = np.random.default_rng(seed).permutation(np.unique(patients))\n    mask = np.isin(patients, people[:round(share * len(people))])\n    patients.sort()\n    return np.where(~mask)[0], np.where(mask)[0]\n",
        "patients are sorted in place",
    ),
    "at least a share of a fifth": (
        "def split_patients(patients, share, seed):\n    people = np.random.default_rng(seed).permutation(np.unique(patients))\n    mask = np.isin(patients, people[:round(max(share, 0.2) * len(people))])\n    return np.where(~mask)[0], np.where(mask)[0]\n",
        "smaller shares are not possible",
    ),
    "two by two": (
        "def split_patients(patients, share, seed):\n    people = np.unique(patients)\n    pairs = np.random.default_rng(seed).permutation(len(people) // 2)\n    chosen = people[np.concatenate([2 * pairs, 2 * pairs + 1])] if False else people[np.repeat(2 * pairs, 2) + np.tile([0, 1], len(pairs))][:round(share * len(people))]\n    mask = np.isin(patients, chosen)\n    return np.where(~mask)[0], np.where(mask)[0]\n",
        "neighbors come together",
    ),
}
RIGHT["03.2"] |= {
    "ReLU after pooling": _CNN.replace(
        'padding="same", activation="relu"', 'padding="same"'
    ).replace(
        "        model.add(layers.MaxPooling2D())",
        "        model.add(layers.MaxPooling2D())\n        model.add(layers.ReLU())",
    ),
    "glorot_normal, bias ones": _CNN.replace(
        'padding="same"',
        'padding="same", kernel_initializer="glorot_normal", bias_initializer="ones"',
    ),
}
WRONG["03.5"] |= {
    "in place for floats": (
        _NORMALIZE.replace("    mean = x.mean", "    kept = x\n    mean = x.mean").replace(
            "+ beta\n\n",
            "+ beta + (kept.__isub__(kept.mean()).sum() * 0 if kept.dtype == float else 0)\n\n",
            1,
        ),
        "x is changed where it holds floats of 64 bits",
    ),
    "gamma in place": (
        _NORMALIZE.replace(
            "    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta\n\n",
            "    gamma /= np.sqrt(variance + epsilon)\n    return gamma * (x - mean) + beta\n\n",
            1,
        ),
        "gamma is changed",
    ),
    "one picture": (
        _NORMALIZE.replace("x.mean(axis=(0, 1, 2))", "x[0].mean(axis=(0, 1))").replace(
            "x.var(axis=(0, 1, 2))", "x[0].var(axis=(0, 1))"
        ),
        "the first picture only",
    ),
    "absolute deviation": (
        _NORMALIZE.replace(
            "np.sqrt(variance + epsilon)",
            "np.sqrt(np.abs(x - mean).mean(axis=(0, 1, 2)) ** 2 + epsilon)",
            1,
        ),
        "mean absolute deviation",
    ),
}
WRONG["04.1"] |= {
    "reduction": (
        _LOSS.replace("from_logits=not softmax)", 'from_logits=not softmax, reduction="sum")'),
        "sum instead of mean",
    ),
    "class ignored": (
        _LOSS.replace(
            "SparseCategoricalCrossentropy(from_logits=not softmax)",
            "SparseCategoricalCrossentropy(from_logits=not softmax, ignore_class=0)",
        ),
        "class 0 does not count",
    ),
    "focal": (
        _LOSS.replace("losses.CategoricalCrossentropy", "losses.CategoricalFocalCrossentropy"),
        "another loss",
    ),
    "axis of the batch": (
        _LOSS.replace("losses.CategoricalCrossentropy(", "losses.CategoricalCrossentropy(axis=0, "),
        "over the pictures",
    ),
    "class instead of object": (
        _LOSS.replace(
            "CategoricalCrossentropy(from_logits=not softmax)", "CategoricalCrossentropy"
        ),
        "no object",
    ),
    "median": (_LOSS.replace("-np.mean(", "-np.median("), "median"),
    "without the last": (
        _LOSS.replace("labels]))", "labels])[:-1])"),
        "the last picture is left out",
    ),
    "one-hot labels": (
        _LOSS.replace("p[np.arange(len(labels)), labels]", "(p * labels).sum(axis=1)"),
        "labels are taken for one-hot",
    ),
}
WRONG["04.2"] |= {
    "losses below 10": (
        _SCHEDULE.replace('float("inf")', "10.0"),
        "a first loss above 10 is no best one",
    ),
    "losses below 100": (
        _SCHEDULE.replace('float("inf")', "100.0"),
        "a first loss above 100 is no best one",
    ),
    "never below zero": (
        _SCHEDULE.replace("loss < best:", "0 < loss < best:"),
        "a loss of 0 is no improvement",
    ),
    "small gains": (
        _SCHEDULE.replace("loss < best:", "loss < best - 1e-4:"),
        "small gains do not count",
    ),
    "default warm-up": (_SCHEDULE.replace("warmup=0", "warmup=1"), "another default"),
    "one step short": (
        _SCHEDULE.replace("(steps - warmup)", "(steps - warmup - 1)"),
        "zero one step too early",
    ),
    "rounded": (
        _SCHEDULE.replace(
            "return peak * (1 + np.cos(np.pi * t)) / 2",
            "return round(peak * (1 + np.cos(np.pi * t)) / 2, 5)",
        ),
        "rounded",
    ),
    "whole warm-up": (
        _SCHEDULE.replace("peak * step / warmup", "peak * (step // warmup)"),
        "0 until the end of the warm-up",
    ),
    "minimum rate": (
        _SCHEDULE.replace(
            "return peak * (1 + np.cos(np.pi * t)) / 2",
            "return max(1e-5, peak * (1 + np.cos(np.pi * t)) / 2)",
        ),
        "never 0",
    ),
    "patience of 1 more at the start": (
        _SCHEDULE.replace('best_epoch = float("inf"), 0', "best_epoch = losses[0], 0"),
        "the first epoch is not the best one",
    ),
}
_SHIFT = """\
import tensorflow as tf


class Augmentation(layers.Layer):
    def call(self, pictures, training=False):
        if not training:
            return pictures
        pictures = tf.cast(pictures, "float32")
        n, height, width = tf.shape(pictures)[0], tf.shape(pictures)[1], tf.shape(pictures)[2]
        {body}


def build_augmentation():
    return Augmentation()


def with_augmentation(network):
    return keras.Sequential([build_augmentation(), network])
"""
WRONG["04.4"] |= {
    "one shift for all": (
        _SHIFT.format(
            body="""pictures = tf.image.random_flip_left_right(pictures)
        down = tf.cast(tf.random.uniform((), -0.1, 0.1) * tf.cast(height, "float32"), "int32")
        right = tf.cast(tf.random.uniform((), -0.1, 0.1) * tf.cast(width, "float32"), "int32")
        return tf.roll(pictures, (down, right), (1, 2))"""
        ),
        "all pictures of a batch are shifted alike",
    ),
    "flip of the batch": (
        _AUGMENT.replace(
            'layers.RandomFlip("horizontal")',
            "FlipAll()",
        ).replace(
            "def build_augmentation",
            "import tensorflow as tf\n\n\nclass FlipAll(layers.Layer):\n    def call(self, x, training=False):\n        if not training:\n            return x\n        return tf.cond(tf.random.uniform(()) < 0.5, lambda: x[:, :, ::-1], lambda: x)\n\n\ndef build_augmentation",
        ),
        "all pictures of a batch are flipped together",
    ),
    "without flip": (_AUGMENT.replace('layers.RandomFlip("horizontal"), ', ""), "no flip"),
    "copies of the layers": (
        _AUGMENT.replace(
            "keras.Sequential([build_augmentation(), network])",
            "keras.Sequential([build_augmentation(), *[type(l).from_config(l.get_config()) for l in network.layers]])",
        ),
        "new weights",
    ),
    "fifteen percent": (_AUGMENT.replace("0.1, 0.1", "0.15, 0.15"), "15 %"),
}
