"""Answers to exercise 01."""

from __future__ import annotations

from answers import Answers

# --- 01.1: numbers -----------------------------------------------------------------------------


def _by_hand(first="-2", second="-5", weights="912") -> str:
    return f"first = {first}\nsecond = {second}\nweights = {weights}\n"


BY_HAND = Answers(
    right={
        "numbers": _by_hand(),
        "floats": _by_hand("-2.0", "-5.0", "912.0"),
        "computed": (
            "first = (picture[:3, :3] * kernel).sum() + bias\n"
            "second = (picture[:3, 2:] * kernel).sum() + bias\n"
            "weights = convolution.parameter_count(12, 5, 3)\n"
        ),
        "as arrays of one": _by_hand("np.array([-2])", "np.array(-5)", "[912]"),
        "numbers of NumPy": _by_hand("np.int8(-2)", "np.float32(-5)", "np.uint16(912)"),
        "fractions and decimals": (
            "from decimal import Decimal\nfrom fractions import Fraction\n"
            + _by_hand("Fraction(-6, 3)", "Decimal('-5')", "Fraction(912)")
        ),
        "unpacked, and counted by Keras": (
            "import keras\nfirst, second = -3 + bias, -6 + bias\n"
            "layer = keras.layers.Conv2D(12, 5)\nlayer.build((None, 64, 64, 3))\n"
            "weights = layer.count_params()\n"
        ),
        "tensors and a Series": (
            "import pandas as pd\nimport tensorflow as tf\n"
            + _by_hand("tf.constant(-2)", "tf.reduce_sum([1.0, -6.0])", "pd.Series([912])")
        ),
    },
    wrong={
        "first without bias": (_by_hand(first="-3"), "bias forgotten"),
        "first with the bias taken off": (_by_hand(first="-4"), "bias subtracted"),
        "first flipped": (_by_hand(first="9"), "kernel flipped"),
        "first transposed": (_by_hand(first="-8"), "axes swapped"),
        "first after ReLU": (_by_hand(first="0"), "ReLU too early"),
        "first miscounted": (_by_hand(first="5"), None),
        "first as text": (_by_hand(first="'-2'"), "not a number"),
        "second without bias": (_by_hand(second="-6"), "bias forgotten"),
        "second flipped": (_by_hand(second="2"), "kernel flipped"),
        "second with stride 1": (_by_hand(second="-7"), "stride wrong"),
        "second moved down": (_by_hand(second="-9"), "axes swapped"),
        "second moved down by one": (_by_hand(second="4"), "axes swapped"),
        "second transposed": (_by_hand(second="-10"), "axes swapped"),
        "second after ReLU": (_by_hand(second="0"), "ReLU too early"),
        "second is NaN": (_by_hand(second="float('nan')"), None),
        "weights without bias": (_by_hand(weights="900"), "bias forgotten"),
        "weights with one bias": (_by_hand(weights="901"), "one bias for all"),
        "weights without channels": (_by_hand(weights="12 * 26"), "channels forgotten"),
        "weights without channels and bias": (_by_hand(weights="12 * 25"), "channels forgotten"),
        "weights with a bias per channel": (_by_hand(weights="12 * 78"), "bias for each channel"),
        "weights of one filter": (_by_hand(weights="76"), "filters forgotten"),
        "weights of a dense layer": (
            _by_hand(weights="12 * (64 * 64 * 3 + 1)"),
            "size of the picture counted",
        ),
        "weights at every place": (
            _by_hand(weights="912 * 64 * 64"),
            "size of the picture counted",
        ),
        "weights not whole": (_by_hand(weights="912.5"), None),
        "nothing but the first": ("first = -2\n", None),
        "everything is True": (_by_hand("True", "True", "True"), "not a number"),
        "first and second exchanged": (_by_hand("-5", "-2"), "values exchanged"),
        "first without its minus": (_by_hand(first="2"), "sign lost"),
        "second without its minus": (_by_hand(second="5"), "sign lost"),
        "weights are the values of the maps": (_by_hand(weights="12 * 60 * 60"), "values counted"),
        "weights of maps with a border": (_by_hand(weights="12 * 64 * 64"), "values counted"),
        "second is both": (_by_hand(second="[-2, -5]"), "not a number"),
        "second after ReLU of the wrong place": (_by_hand(second="4.0"), "axes swapped"),
        "weights as a shape": (_by_hand(weights="(12, 5, 5, 3)"), "not a number"),
        "weights as a formula in words": (_by_hand(weights="'12 * 76'"), "not a number"),
    },
    mutants=False,
)

# --- 01.2: the convolution ---------------------------------------------------------------------


def _convolve(
    value="(window * kernel).sum() + bias",
    height="(image.shape[0] - kh) // stride + 1",
    width="(image.shape[1] - kw) // stride + 1",
    top="row * stride",
    left="column * stride",
    end="return result",
    sizes="kh, kw = kernel.shape",
    begin="",
) -> str:
    return f"""def convolve(image, kernel, bias=0.0, stride=1):
    {begin or "pass"}
    {sizes}
    height = {height}
    width = {width}
    result = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            top, left = {top}, {left}
            window = image[top : top + kh, left : left + kw]
            result[row, column] = {value}
    {end}
"""


CONVOLVE = Answers(
    right={
        "four loops": """def convolve(image, kernel, bias=0.0, stride=1):
    rows = []
    for top in range(0, image.shape[0] - kernel.shape[0] + 1, stride):
        row = []
        for left in range(0, image.shape[1] - kernel.shape[1] + 1, stride):
            total = bias
            for i in range(kernel.shape[0]):
                for j in range(kernel.shape[1]):
                    total = total + image[top + i, left + j] * kernel[i, j]
            row.append(total)
        rows.append(row)
    return rows
""",
        "sliding windows": """from numpy.lib.stride_tricks import sliding_window_view

def convolve(image, kernel, bias=0.0, stride=1):
    windows = sliding_window_view(image, kernel.shape)[::stride, ::stride]
    return np.einsum("abij,ij->ab", windows, kernel) + bias
""",
        "a sum of shifted pictures": """def convolve(image, kernel, bias=0.0, stride=1):
    height = image.shape[0] - kernel.shape[0] + 1
    width = image.shape[1] - kernel.shape[1] + 1
    total = np.full((height, width), float(bias))
    for (i, j), weight in np.ndenumerate(kernel):
        total += weight * image[i : i + height, j : j + width]
    return total[::stride, ::stride]
""",
        "a comprehension with a dot product": """def convolve(image, kernel, bias=0.0, stride=1):
    h, w = kernel.shape
    return np.array([
        [np.dot(image[r:r + h, c:c + w].ravel(), kernel.ravel()) + bias
         for c in range(0, image.shape[1] - w + 1, stride)]
        for r in range(0, image.shape[0] - h + 1, stride)
    ])
""",
        "while and append": """def convolve(image, kernel, bias=0.0, stride=1):
    result = []
    r = 0
    while r + len(kernel) <= len(image):
        line, c = [], 0
        while c + len(kernel[0]) <= len(image[0]):
            window = image[r:r+len(kernel), c:c+len(kernel[0])]
            line.append(np.sum(np.multiply(window, kernel)) + bias)
            c += stride
        result.append(line)
        r += stride
    return np.asarray(result, dtype="float32")
""",
        "whatever the arguments are called": _convolve().replace(
            "def convolve(image, kernel, bias=0.0, stride=1):\n",
            "def convolve(picture, weights, b=0.0, step=1):\n"
            "    image, kernel, bias, stride = picture, weights, b, step\n",
        ),
        "a matrix product": """def convolve(image, kernel, bias=0.0, stride=1):
    rows = range(0, image.shape[0] - kernel.shape[0] + 1, stride)
    columns = range(0, image.shape[1] - kernel.shape[1] + 1, stride)
    h, w = kernel.shape
    windows = [image[r:r + h, c:c + w].ravel() for r in rows for c in columns]
    return (np.array(windows) @ kernel.ravel() + bias).reshape(len(rows), len(columns))
""",
        "one row at a time with NumPy's own": """def convolve(image, kernel, bias=0.0, stride=1):
    rows = []
    for top in range(0, len(image) - len(kernel) + 1, stride):
        row = sum(np.correlate(image[top + i].astype(float), kernel[i].astype(float), "valid")
                  for i in range(len(kernel)))
        rows.append(row[::stride] + bias)
    return np.stack(rows)
""",
        "a generator of rows": """def convolve(image, kernel, bias=0.0, stride=1):
    h, w = np.shape(kernel)
    for r in range(0, image.shape[0] - h + 1, stride):
        yield [float(np.vdot(kernel, image[r:r + h, c:c + w])) + bias
               for c in range(0, image.shape[1] - w + 1, stride)]
""",
        "a masked array": _convolve(end="return np.ma.masked_array(result)"),
        "a table": "import pandas as pd\n" + _convolve(end="return pd.DataFrame(result)"),
    },
    wrong={
        "kernel flipped": (
            _convolve("(window * kernel[::-1, ::-1]).sum() + bias"),
            "kernel flipped",
        ),
        "bias left out": (_convolve("(window * kernel).sum()"), "bias forgotten"),
        "bias taken off": (_convolve("(window * kernel).sum() - bias"), "bias subtracted"),
        "bias in every product": (
            _convolve("(window * kernel + bias).sum()"),
            "bias added too often",
        ),
        "last row and column missing": (
            _convolve(
                height="(image.shape[0] - kh) // stride", width="(image.shape[1] - kw) // stride"
            ),
            "off by one",
        ),
        "an empty row and column": (
            _convolve(end="return np.pad(result, ((0, 1), (0, 1)))"),
            "off by one",
        ),
        "stride ignored": (
            _convolve(
                height="image.shape[0] - kh + 1",
                width="image.shape[1] - kw + 1",
                top="row",
                left="column",
            ),
            "stride ignored",
        ),
        "stride only in the size": (_convolve(top="row", left="column"), "stride wrong"),
        "stride only to the right": (
            _convolve(height="image.shape[0] - kh + 1", top="row"),
            "stride in one direction",
        ),
        "stride only downwards": (
            _convolve(width="image.shape[1] - kw + 1", left="column"),
            "stride in one direction",
        ),
        "square pictures only": (_convolve(width="height"), None),
        "square filters only": (_convolve(sizes="kh = kw = kernel.shape[0]"), None),
        "filters of 3 only": (_convolve(sizes="kh = kw = 3"), None),
        "ReLU applied": (_convolve(end="return np.maximum(result, 0)"), "ReLU too early"),
        "map turned": (_convolve(end="return result.T"), "axes swapped"),
        "filter turned": (
            _convolve("(window * kernel.T).sum() + bias", begin="kernel = kernel.T.copy().T"),
            None,
        ),
        "zeros around": (
            """def convolve(image, kernel, bias=0.0, stride=1):
    up, left = (kernel.shape[0] - 1) // 2, (kernel.shape[1] - 1) // 2
    down, right = kernel.shape[0] - 1 - up, kernel.shape[1] - 1 - left
    image = np.pad(image, ((up, down), (left, right)))
    h, w = kernel.shape
    return np.array([
        [(image[r:r + h, c:c + w] * kernel).sum() + bias for c in range(image.shape[1] - w + 1)]
        for r in range(image.shape[0] - h + 1)
    ])
""",
            "padding wrong",
        ),
        "matrix product": (_convolve("(window @ kernel.T).sum() + bias"), None),
        "largest product": (_convolve("(window * kernel).max() + bias"), "maximum instead of sum"),
        "mean of the products": (_convolve("(window * kernel).mean() + bias"), None),
        "nothing returned": (_convolve(end="print(result)"), "nothing returned"),
        "whole numbers only": (_convolve(end="return result.astype(int)"), None),
        "the course's function": (
            "def convolve(image, kernel, bias=0.0, stride=1):\n"
            "    return convolution.feature_map(image, kernel, bias, stride)\n",
            "helper used",
        ),
        "the course's function under another name": (
            "from course_utils.convolution import feature_map as f\n"
            "def convolve(*args, **kwargs):\n    return f(*args, **kwargs)\n",
            "helper used",
        ),
        "picture changed on the way": (
            _convolve(begin="image = image.astype(int)"),
            None,
        ),
        "stops with an error": (_convolve(sizes="kh, kw, channels = kernel.shape"), None),
        "an array like the picture": (
            _convolve().replace(
                "np.zeros((height, width))", "np.zeros((height, width), image.dtype)"
            ),
            "decimals lost",
        ),
        "an array of whole numbers": (
            _convolve().replace(
                "np.zeros((height, width))", "np.zeros((height, width), dtype=int)"
            ),
            "decimals lost",
        ),
        "an array like the filter": (
            _convolve(end="return result.astype(kernel.dtype)"),
            "decimals lost",
        ),
        "rounded": (_convolve(end="return result.round(2)"), "rounded"),
        "float16": (_convolve(end="return result.astype('float16')"), None),
        "negative bias left out": (_convolve("(window * kernel).sum() + max(bias, 0)"), None),
        "the given bias": (
            _convolve().replace("bias=0.0", "bias=bias"),
            None,
        ),
        "steps of 2 where nothing is said": (_convolve().replace("stride=1", "stride=2"), None),
        "windows multiplied where they stand": (
            _convolve(
                "(np.multiply(window, kernel, out=window)).sum() + bias",
                begin="image = image.astype(float)",
            ),
            None,
        ),
        "the picture is darkened on the way": (
            _convolve(end="image[:] = 0\n    return result"),
            "arguments changed",
        ),
        "the filter is turned in its place": (
            _convolve(end="kernel[:] = kernel[::-1, ::-1].copy()\n    return result"),
            "arguments changed",
        ),
        "pixels are 0 or 1": (_convolve(begin="image = (image != 0).astype(float)"), None),
        "the last place left out with a stride": (
            _convolve(
                height="len(range(0, image.shape[0] - kh + (stride == 1), stride))",
                width="len(range(0, image.shape[1] - kw + (stride == 1), stride))",
            ),
            None,
        ),
        "a border where the stride does not fit": (
            _convolve(
                begin="image = np.pad(image, ((0, -(image.shape[0] - kernel.shape[0]) % stride), "
                "(0, -(image.shape[1] - kernel.shape[1]) % stride)))",
            ),
            None,
        ),
        "flat": (_convolve(end="return result.ravel()"), "shape"),
        "the size of the map, too": (_convolve(end="return result, result.shape"), None),
        "never ends": (
            "def convolve(image, kernel, bias=0.0, stride=1):\n    while True: pass\n",
            None,
        ),
    },
    equivalent={"L5: np.zeros → np.ones": "every value is set afterwards"},
)

# --- 01.3: sizes -------------------------------------------------------------------------------


def _size(valid="(n - k) // s + 1", same="math.ceil(n / s)", test='padding == "same"') -> str:
    return f"""import math

def map_size(n, k, s=1, padding="valid"):
    if {test}:
        return {same}
    return {valid}
"""


SIZE = Answers(
    right={
        "with math.ceil": _size(),
        "with int": _size("int((n - k) / s + 1)", "int(np.ceil(n / s))"),
        "by counting": """def map_size(n, k, s=1, padding="valid"):
    if padding == "valid":
        return len(range(0, n - k + 1, s))
    return len(range(0, n, s))
""",
        "from one to the other": """def map_size(n, k, s=1, padding="valid"):
    border = max((-(-n // s) - 1) * s + k - n, 0) if padding == "same" else 0
    return (n + border - k) // s + 1
""",
        "other names and a dictionary": """import math
def map_size(size, window, step=1, padding="valid"):
    valid = math.floor((size - window) / step) + 1
    return {"valid": valid, "same": (size + step - 1) // step}[padding]
""",
        "numbers of NumPy": _size("np.int64((n - k) // s) + 1", "np.ceil(n / s).astype(int)"),
        "fractions": "from fractions import Fraction\n" + _size("int(Fraction(n - k, s)) + 1"),
        "divmod": """def map_size(n, k, s=1, padding="valid"):
    steps, rest = divmod(n, s) if padding == "same" else divmod(n - k + 1, s)
    return steps + bool(rest)
""",
        "an array of no dimension": _size("np.array((n - k) // s + 1)", "np.array(-(-n // s))"),
    },
    wrong={
        "valid without the 1": (_size("(n - k) // s"), "off by one"),
        "1 before dividing": (_size("(n - k + 1) // s"), "off by one"),
        "valid rounded up": (_size("math.ceil((n - k) / s) + 1"), "rounded up"),
        "not rounded": (_size("(n - k) / s + 1", "n / s"), "not rounded"),
        "stride ignored": (_size("n - k + 1", "n"), "stride ignored"),
        "same rounded down": (_size(same="n // s"), "rounded down"),
        "same is n": (_size(same="n"), "stride ignored"),
        "padding ignored": (_size(test="False"), "padding wrong"),
        "padding exchanged": (_size(test='padding == "valid"'), "padding wrong"),
        "same like valid plus k": (_size(same="(n - k) // s + k"), None),
        "floats": (_size("float((n - k) // s + 1)"), "not a whole number"),
        "kernel forgotten": (_size("n // s + 1"), None),
        "arguments exchanged": (
            _size("(k - n) // s + 1", "math.ceil(k / s)"),
            "arguments exchanged",
        ),
        "same as floats only": (_size(same="np.ceil(n / s)"), "not a whole number"),
        "same rounded to the nearest": (_size(same="round(n / s)"), None),
        "a border of k // 2": (_size(same="(n + 2 * (k // 2) - k) // s + 1"), None),
        "divided one by one": (_size("n // s - k // s + 1"), None),
        "same where nothing is said": (
            _size().replace('padding="valid"', 'padding="same"'),
            None,
        ),
        "same like valid for larger strides": (_size(test='padding == "same" and s == 1'), None),
        "height and width": (_size("((n - k) // s + 1,) * 2"), None),
        "as text": (_size("str((n - k) // s + 1)"), None),
        "the course's function": (
            "def map_size(n, k, s=1, padding='valid'):\n"
            "    return convolution.output_size(n, k, s, padding)\n",
            "helper used",
        ),
        "nothing returned": (_size().replace("return", "print"), None),
    },
)

# --- 01.4: pooling -----------------------------------------------------------------------------


def _pool(
    value='window.max() if kind == "max" else window.mean()',
    height="values.shape[0] // size",
    width="values.shape[1] // size",
    step="size",
    end="return result",
) -> str:
    return f"""def pool(values, size=2, kind="max"):
    height, width = {height}, {width}
    result = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            top, left = row * {step}, column * {step}
            window = values[top : top + size, left : left + size]
            result[row, column] = {value}
    {end}
"""


POOL = Answers(
    right={
        "reshaped": """def pool(values, size=2, kind="max"):
    rows, columns = values.shape[0] // size, values.shape[1] // size
    blocks = values[:rows * size, :columns * size].reshape(rows, size, columns, size)
    return blocks.max(axis=(1, 3)) if kind == "max" else blocks.mean(axis=(1, 3))
""",
        "lists": """def pool(values, size=2, kind="max"):
    keep = np.max if kind == "max" else np.mean
    return [
        [keep(values[r:r + size, c:c + size]) for c in range(0, values.shape[1] - size + 1, size)]
        for r in range(0, values.shape[0] - size + 1, size)
    ]
""",
        "by hand": """def pool(values, size=2, kind="max"):
    height, width = values.shape
    result = []
    for r in range(height // size):
        line = []
        for c in range(width // size):
            best, total = float("-inf"), 0.0
            for i in range(size):
                for j in range(size):
                    value = values[r * size + i, c * size + j]
                    total += value
                    best = value if value > best else best
            line.append(best if kind == "max" else total / size ** 2)
        result.append(line)
    return np.array(result)
""",
        "sliding windows": """from numpy.lib.stride_tricks import sliding_window_view
def pool(values, size=2, kind="max"):
    windows = sliding_window_view(values, (size, size))[::size, ::size]
    return getattr(windows, {"max": "max", "average": "mean"}[kind])(axis=(2, 3))
""",
        "Python's sum of floats": _pool(
            'window.max() if kind == "max" else sum(window.ravel(), 0.0) / window.size'
        ),
        "first rows, then columns": """def pool(values, size=2, kind="max"):
    keep = np.mean if kind == "average" else np.max
    for _ in range(2):
        n = len(values) // size
        values = keep(np.array([values[k : n * size : size] for k in range(size)]), axis=0).T
    return values
""",
        "a generator of rows": """def pool(values, size=2, kind="max"):
    for r in range(len(values) // size):
        line = [values[r * size : (r + 1) * size, c * size : (c + 1) * size]
                for c in range(values.shape[1] // size)]
        yield [w.max() if kind == "max" else w.sum() / size**2 for w in line]
""",
        "fractions of whole numbers": """from statistics import mean
def pool(values, size=2, kind="max"):
    keep = max if kind == "max" else mean
    return np.array([[keep(values[r:r + size, c:c + size].ravel().astype(float).tolist())
        for c in range(0, values.shape[1] - size + 1, size)]
        for r in range(0, values.shape[0] - size + 1, size)])
""",
        "a table": "import pandas as pd\n" + _pool(end="return pd.DataFrame(result)"),
    },
    wrong={
        "always the mean": (_pool("window.mean()"), "average instead of maximum"),
        "always the maximum": (_pool("window.max()"), "maximum instead of average"),
        "by hand, from a whole number": (
            """def pool(values, size=2, kind="max"):
    height, width = values.shape
    result = np.zeros((height // size, width // size))
    for r in range(height // size):
        for c in range(width // size):
            best, total = float("-inf"), 0
            for i in range(size):
                for j in range(size):
                    value = values[r * size + i, c * size + j]
                    total += value
                    best = value if value > best else best
            result[r, c] = best if kind == "max" else total / size**2
    return result
""",
            "sums wrap around",
        ),
        "Python's sum of uint8": (
            _pool('window.max() if kind == "max" else sum(window.ravel()) / window.size'),
            "sums wrap around",
        ),
        "sum for the mean": (
            _pool('window.max() if kind == "max" else window.sum()'),
            "sum instead of average",
        ),
        "windows overlap": (
            _pool(
                height="values.shape[0] - size + 1",
                width="values.shape[1] - size + 1",
                step="1",
            ),
            "windows overlap",
        ),
        "always 2 × 2": (
            _pool().replace("height, width =", "size = 2\n    height, width ="),
            "size ignored",
        ),
        "incomplete windows kept": (
            _pool(height="-(-values.shape[0] // size)", width="-(-values.shape[1] // size)"),
            "incomplete windows kept",
        ),
        "last row and column missing": (_pool(end="return result[:-1, :-1]"), "off by one"),
        "turned": (_pool(end="return result.T"), "axes swapped"),
        "minimum": (_pool('window.min() if kind == "max" else window.mean()'), "minimum"),
        "top left value": (_pool("window[0, 0]"), "single pixels"),
        "never below zero": (
            _pool('max(0, window.max()) if kind == "max" else window.mean()'),
            "starts at zero",
        ),
        "square maps only": (_pool(width="height"), None),
        "kinds exchanged": (_pool('window.mean() if kind == "max" else window.max()'), None),
        "an array like the map": (
            _pool().replace("(height, width))", "(height, width), values.dtype)"),
            "decimals lost",
        ),
        "divided in whole numbers": (
            _pool('window.max() if kind == "max" else window.sum() // size**2'),
            None,
        ),
        "mean rounded": (
            _pool('window.max() if kind == "max" else round(window.mean(), 2)'),
            "rounded",
        ),
        "divided by four": (
            _pool('window.max() if kind == "max" else window.sum() / 4'),
            "divided by four",
        ),
        "median": (_pool('window.max() if kind == "max" else np.median(window)'), None),
        "zeros left out of the mean": (
            _pool(
                'window.max() if kind == "max" or not window.any() else window[window != 0].mean()'
            ),
            "zeros left out",
        ),
        "kinds the other way round": (
            _pool('window.max() if kind == "average" else window.mean()'),
            "maximum instead of average",
        ),
        "mean where nothing is said": (_pool().replace('kind="max"', 'kind="average"'), None),
        "windows of 3 where nothing is said": (_pool().replace("size=2", "size=3"), None),
        "the map is sorted on the way": (
            _pool("(window.sort(axis=1), window.max())[1] if kind == 'max' else window.mean()"),
            "arguments changed",
        ),
        "the rest at the top": (
            _pool().replace(
                "    result =",
                "    values = values[len(values) % size :, values.shape[1] % size :]\n    result =",
            ),
            None,
        ),
        "only what is left in the rows is left out": (
            _pool(width="-(-values.shape[1] // size)"),
            None,
        ),
        "row by row": (_pool('window.max(axis=0)[0] if kind == "max" else window.mean()'), None),
        "the course's function": (
            "def pool(values, size=2, kind='max'):\n"
            "    f = convolution.max_pool if kind == 'max' else convolution.average_pool\n"
            "    return f(values, size)\n",
            "helper used",
        ),
        "absolute values": (
            _pool('np.abs(window).max() if kind == "max" else window.mean()'),
            None,
        ),
    },
    equivalent={"L3: np.zeros → np.ones": "every value is set afterwards"},
)

# --- 01.5: a filter ----------------------------------------------------------------------------


def _filter(kernel="np.eye(3)", bias="-2") -> str:
    return f"my_kernel = {kernel}\nmy_bias = {bias}\n"


FILTER = Answers(
    right={
        "as in the lesson": _filter(),
        "a list": _filter("[[1, 0, 0], [0, 1, 0], [0, 0, 1]]", "-2.5"),
        "other weights": _filter("np.diag([2.0, 3.0, 2.0])", "-6"),
        "turned from the lesson's": _filter("np.fliplr(convolution.ANTI_DIAGONAL)"),
        "small numbers": _filter("0.1 * np.eye(3)", "-0.25"),
        "beside it a little": _filter("np.eye(3) - 0.01 * (1 - np.eye(3))", "-2.5"),
        "tuples": _filter("((1, 0, 0), (0, 1, 0), (0, 0, 1))", "(-2,)"),
        "fractions": (
            "from fractions import Fraction\n"
            + _filter(
                "[[Fraction(r == c, 3) for c in range(3)] for r in range(3)]", "Fraction(-5, 6)"
            )
        ),
        "very small numbers": _filter("1e-13 * np.eye(3)", "-2.5e-13"),
        "very large numbers": _filter("1e13 * np.eye(3)", "-2.5e13"),
        "a matrix and a number of NumPy": _filter("np.asmatrix(np.eye(3))", "np.float16(-2.75)"),
        "nearly three": _filter(bias="-2.99"),
        "a tensor": "import tensorflow as tf\n" + _filter("tf.eye(3)", "tf.constant([-2.0])"),
    },
    wrong={
        "the lesson's filter": (_filter("convolution.ANTI_DIAGONAL"), "other diagonal"),
        "bias too high": (_filter(bias="-1"), "bias too high"),
        "bias of zero": (_filter(bias="0"), "bias too high"),
        "always above": (_filter(bias="1"), "bias too high"),
        "bias too low": (_filter(bias="-3"), "bias too low"),
        "white punished": (_filter("2 * np.eye(3) - 1", "-2"), "other pixels count"),
        "all ones": (_filter("np.ones((3, 3))", "-2"), "other pixels count"),
        "all ones and a high bar": (_filter("np.ones((3, 3))", "-2.9"), "other pixels count"),
        "wrong shape": (_filter("np.eye(4)"), "shape"),
        "no number": (_filter(bias="'-2'"), None),
        "infinite": (_filter(bias="-np.inf"), "not finite"),
        "bias a little too high": (_filter(bias="-1.99"), "bias too high"),
        "bias with the wrong sign": (_filter(bias="2"), "bias too high"),
        "unequal weights": (_filter("np.diag([1, 2, 3])", "-4"), "bias too high"),
        "one corner counts": (
            _filter("[[1, 0, 0.5], [0, 1, 0], [0, 0, 1]]", "-2"),
            "other pixels count",
        ),
        "one corner is punished": (
            _filter("[[1, 0, 0], [0, 1, 0], [-1, 0, 1]]", "-2"),
            "other pixels count",
        ),
        "an empty filter and a low bias": (_filter("np.zeros((3, 3))", "-1"), "bias too low"),
        "no bar": (_filter("np.zeros((3, 3))", "0"), None),
        "a row of nine": (_filter("[1, 0, 0, 0, 1, 0, 0, 0, 1]"), "shape"),
        "rows of different lengths": (_filter("[[1, 0, 0], [0, 1], [0, 0, 1]]"), "shape"),
        "True and False": (_filter("np.eye(3, dtype=bool)"), "shape"),
        "a bias for each": (_filter(bias="[-2, -2]"), None),
        "only two of the diagonal": (_filter("np.diag([1, 1, 0])", "-1"), None),
    },
    mutants=False,
)

# --- 01.6: the network -------------------------------------------------------------------------


def _network(
    found="convolution.feature_map(image, letter_kernel, letter_bias)",
    active="convolution.relu(found)",
    pooled="convolution.max_pool(active, 2)",
    inputs="pooled.ravel()",
    total="inputs @ hidden_weights + hidden_bias",
    hidden="max(0, total)",
    outputs="hidden * output_weights + output_biases",
) -> str:
    return f"""def letter_outputs(image):
    found = {found}
    active = {active}
    pooled = {pooled}
    inputs = {inputs}
    total = {total}
    hidden = {hidden}
    return {outputs}
"""


NETWORK = Answers(
    right={
        "step by step": _network(),
        "pooled before ReLU": _network(
            active="found", pooled="np.maximum(convolution.max_pool(found), 0)"
        ),
        "own functions": _network(
            found="convolve(image, letter_kernel, letter_bias)",
            active="np.maximum(found, 0)",
            pooled="pool(active, 2)",
        ),
        "a tuple of two": _network(
            outputs="(hidden * output_weights[0] + output_biases[0], hidden * 1.33 - 0.46)"
        ),
        "loops": """def letter_outputs(image):
    inputs = []
    for r in (0, 2):
        for c in (0, 2):
            best = 0
            for i in range(2):
                for j in range(2):
                    w = image[r + i:r + i + 3, c + j:c + j + 3]
                    best = max(best, w[0, 2] + w[1, 1] + w[2, 0] - 2)
            inputs.append(best)
    h = hidden_bias
    for x, w in zip(inputs, hidden_weights):
        h += x * w
    h = h if h > 0 else 0
    return [w * h + b for w, b in zip(output_weights, output_biases)]
""",
        "a dictionary's values": _network(
            outputs="{'O': hidden * output_weights[0] + output_biases[0], "
            "'X': hidden * output_weights[1] + output_biases[1]}.values()"
        ),
        "pairs": _network(
            outputs="(hidden * w + b for w, b in zip(output_weights, output_biases))"
        ),
        "a Series with names": (
            "import pandas as pd\n"
            + _network(outputs="pd.Series(hidden * output_weights + output_biases, list('OX'))")
        ),
        "diagonals": """def letter_outputs(image):
    image = np.asarray(image, dtype=float)
    found = image[:-2, 2:] + image[1:-1, 1:-1] + image[2:, :-2] - 2
    pooled = found.clip(0).reshape(2, 2, 2, 2).max((1, 3))
    hidden = np.clip((pooled * hidden_weights.reshape(2, 2)).sum() + hidden_bias, 0, None)
    return np.outer(hidden, output_weights)[0] + output_biases
""",
    },
    wrong={
        "no ReLU behind the convolution": (_network(active="found"), "ReLU missing"),
        "no ReLU in the hidden node": (_network(hidden="total"), "ReLU missing"),
        "no ReLU at all": (_network(active="found", hidden="total"), "ReLU missing"),
        "ReLU at the outputs": (
            _network(outputs="np.maximum(hidden * output_weights + output_biases, 0)"),
            "ReLU at the outputs",
        ),
        "no bias in the convolution": (
            _network(found="convolution.feature_map(image, letter_kernel)"),
            "bias forgotten",
        ),
        "no bias in the hidden node": (_network(total="inputs @ hidden_weights"), "bias forgotten"),
        "bias behind the hidden ReLU": (
            _network(total="inputs @ hidden_weights", hidden="max(0, total) + hidden_bias"),
            "bias behind ReLU",
        ),
        "an array of whole numbers": (
            _network(outputs="np.array(hidden * output_weights + output_biases, dtype=int)"),
            "decimals lost",
        ),
        "no bias at the outputs": (_network(outputs="hidden * output_weights"), "bias forgotten"),
        "mean instead of maximum": (
            _network(pooled="convolution.average_pool(active, 2)"),
            "average instead of maximum",
        ),
        "X before O": (
            _network(outputs="(hidden * output_weights + output_biases)[::-1]"),
            "outputs exchanged",
        ),
        "columns first": (_network(inputs="pooled.T.ravel()"), "axes swapped"),
        "rounded": (
            _network(outputs="np.round(hidden * output_weights + output_biases, 2)"),
            "rounded",
        ),
        "softmax": (
            _network(
                outputs="np.exp(hidden * output_weights + output_biases) / "
                "np.exp(hidden * output_weights + output_biases).sum()"
            ),
            "softmax at the end",
        ),
        "falling strokes": (
            _network(found="convolution.feature_map(image, np.fliplr(letter_kernel), letter_bias)"),
            "other diagonal",
        ),
        "the picture turned": (
            _network(found="convolution.feature_map(image.T, letter_kernel, letter_bias)"),
            "axes swapped",
        ),
        "gray is white": (
            _network(found="convolution.feature_map(image >= 1, letter_kernel, letter_bias)"),
            None,
        ),
        "inputs exchanged": (_network(inputs="pooled.ravel()[[0, 2, 1, 3]]"), "axes swapped"),
        "windows overlap": (
            _network(
                pooled="np.array([[active[r:r + 2, c:c + 2].max() for c in (0, 1)] "
                "for r in (0, 1)])"
            ),
            None,
        ),
        "answers for the first picture": (
            _network().replace(
                "def letter_outputs(image):\n",
                "seen = []\n\ndef letter_outputs(image):\n    seen.append(image)\n"
                "    image = seen[0]\n",
            ),
            None,
        ),
        "the letter only": (
            _network(outputs="'OX'[int(np.argmax(hidden * output_weights + output_biases))]"),
            None,
        ),
        "the answers by heart": (
            "def letter_outputs(image):\n"
            "    if np.array_equal(image, convolution.LETTER_O):\n"
            "        return [1.008, -0.0078]\n"
            "    return [0.02, 1.0028]\n",
            None,
        ),
        "stride 2 for pooling": (
            _network(pooled="active[::2, ::2]"),
            None,
        ),
        "the course's network": (
            "def letter_outputs(image):\n"
            "    network = convolution.LetterNetwork()\n"
            "    return network.outputs(network.pooled(image))\n",
            "helper used",
        ),
    },
    needs=("01.2", "01.4"),
)

ANSWERS = {
    "01.1": BY_HAND,
    "01.2": CONVOLVE,
    "01.3": SIZE,
    "01.4": POOL,
    "01.5": FILTER,
    "01.6": NETWORK,
}
