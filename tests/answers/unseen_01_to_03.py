"""Answers to exercises 01 to 03, written from their text alone by several kinds of readers.

Of each wrong one the name of the mistake is given, or None, and the reason why it is wrong; see
:mod:`answers.beginners`.
"""

# ruff: noqa: E501

from __future__ import annotations

RIGHT: dict[str, dict[str, str]] = {
    "01.2": {
        "shifted sums": """\
def convolve(image, kernel, bias=0.0, stride=1):
    image = np.array(image, dtype=np.float64)
    kernel = np.array(kernel)
    out_h = (image.shape[0] - kernel.shape[0]) // stride + 1
    out_w = (image.shape[1] - kernel.shape[1]) // stride + 1
    total = np.full((out_h, out_w), float(bias))
    for (i, j), weight in np.ndenumerate(kernel):
        total += weight * image[i : i + stride * (out_h - 1) + 1 : stride, j : j + stride * (out_w - 1) + 1 : stride]
    return total
""",
        "recursion": """\
def convolve(image, kernel, bias=0.0, stride=1):
    image = np.asarray(image).astype("float64")
    kernel = np.asarray(kernel).astype("float64")
    h, w = kernel.shape

    def row(strip):
        if strip.shape[1] < w:
            return []
        return [np.vdot(strip[:, :w], kernel) + bias, *row(strip[:, stride:])]

    def all_rows(rest):
        return [] if rest.shape[0] < h else [row(rest[:h])] + all_rows(rest[stride:])

    return np.array(all_rows(image))
""",
        "row by row with numpy.correlate": """\
def convolve(image, kernel, bias=0.0, stride=1):
    image, kernel = np.asarray(image, float), np.asarray(kernel, float)
    h = kernel.shape[0]
    full = np.zeros((image.shape[0] - h + 1, image.shape[1] - kernel.shape[1] + 1))
    for top in range(full.shape[0]):
        for i in range(h):
            full[top] += np.correlate(image[top + i], kernel[i], mode="valid")
    return full[::stride, ::stride] + bias
""",
        "fft of numpy": """\
def convolve(image, kernel, bias=0.0, stride=1):
    image, kernel = np.asarray(image, float), np.asarray(kernel, float)
    shape = (image.shape[0] + kernel.shape[0] - 1, image.shape[1] + kernel.shape[1] - 1)
    product = np.fft.rfft2(image, shape) * np.fft.rfft2(kernel[::-1, ::-1], shape)
    full = np.fft.irfft2(product, shape)
    h, w = kernel.shape
    valid = full[h - 1 : image.shape[0], w - 1 : image.shape[1]]
    return valid[::stride, ::stride] + bias
""",
    },
    "01.3": {
        "len of range": """\
def map_size(n, k, s=1, padding="valid"):
    return len(range(0, n, s)) if padding == "same" else len(range(0, n - k + 1, s))
""",
        "recursion": """\
def map_size(n, k, s=1, padding="valid"):
    if padding == "same":
        return 0 if n <= 0 else 1 + map_size(n - s, k, s, padding)
    return 0 if n < k else 1 + map_size(n - s, k, s, padding)
""",
        "numpy.convolve": """\
def map_size(n, k, s=1, padding="valid"):
    ones = np.ones(n if padding == "valid" else n + k - 1)
    return np.convolve(ones, np.ones(k), mode="valid")[::s].size
""",
        "numpy and match": """\
def map_size(n, k, s=1, padding="valid"):
    match padding:
        case "same":
            return int(np.ceil(n / s))
        case "valid":
            return int(np.floor((n - k) / s) + 1)
    raise ValueError("padding must be 'valid' or 'same'")
""",
    },
    "01.4": {
        "reduceat": """\
def pool(values, size=2, kind="max"):
    values = np.asarray(values)
    h, w = values.shape[0] // size, values.shape[1] // size
    cut = values[: h * size, : w * size]
    ufunc = np.maximum if kind == "max" else np.add
    if kind != "max":
        cut = cut.astype(float)
    rows = ufunc.reduceat(cut, np.arange(0, h * size, size), axis=0)
    out = ufunc.reduceat(rows, np.arange(0, w * size, size), axis=1)
    return out if kind == "max" else out / size**2
""",
        "pandas": """\
import pandas as pd
def pool(values, size=2, kind="max"):
    h, w = (n // size * size for n in np.shape(values))
    frame = pd.DataFrame(np.asarray(values)[:h, :w])
    how = "max" if kind == "max" else "mean"
    return frame.groupby(np.arange(h) // size).agg(how).T.groupby(np.arange(w) // size).agg(how).T.to_numpy()
""",
        "keras layers": """\
import keras
def pool(values, size=2, kind="max"):
    layer = keras.layers.MaxPooling2D(size) if kind == "max" else keras.layers.AveragePooling2D(size)
    return layer(np.asarray(values, "float32")[None, ..., None]).numpy()[0, ..., 0]
""",
        "sliding windows": """\
def pool(values, size=2, kind="max"):
    windows = np.lib.stride_tricks.sliding_window_view(values, (size, size))[::size, ::size]
    return getattr(windows, {"max": "max", "average": "mean"}[kind])((-1, -2))
""",
    },
    "01.6": {
        "keras model": """\
import keras
def letter_outputs(image):
    m = keras.Sequential([
        keras.Input((6, 6, 1)),
        keras.layers.Conv2D(1, 3, activation="relu"),
        keras.layers.MaxPooling2D(),
        keras.layers.Flatten(),
        keras.layers.Dense(1, activation="relu"),
        keras.layers.Dense(2),
    ])
    m.set_weights([letter_kernel.reshape(3, 3, 1, 1), np.array([letter_bias]), hidden_weights.reshape(4, 1), np.array([hidden_bias]), output_weights.reshape(1, 2), output_biases])
    return m(np.asarray(image, "float32").reshape(1, 6, 6, 1)).numpy()[0]
""",
        "a dataclass and a generator": """\
from dataclasses import dataclass
@dataclass
class Net:
    kernel: np.ndarray
    bias: float
    def __call__(self, picture):
        rows = [[sum(picture[r + i][c + 2 - i] for i in range(3)) + self.bias for c in range(4)] for r in range(4)]
        for top in (0, 2):
            for left in (0, 2):
                yield max(0.0, *(float(rows[top + i][left + j]) for i in (0, 1) for j in (0, 1)))
def letter_outputs(image):
    h = hidden_bias
    for x, w in zip(Net(letter_kernel, letter_bias)(np.asarray(image, float)), hidden_weights):
        h += x * w
    h = max(h, 0)
    return [float(h * output_weights[0] + output_biases[0]), float(h * output_weights[1] + output_biases[1])]
""",
    },
    "02.1": {
        "pandas": """\
import pandas as pd
from sklearn.preprocessing import label_binarize
def to_one_hot(labels, num_classes):
    series = pd.Categorical(labels, categories=range(num_classes))
    return pd.get_dummies(series).to_numpy().astype("uint8")


def to_index(one_hot):
    return pd.DataFrame(np.asarray(one_hot)).idxmax(axis=1).to_numpy()


def keep_classes(labels, wanted):
    series = pd.Series(np.asarray(labels))
    kept = series[series.isin(wanted)]
    return kept.index.to_numpy(), kept.map({old: new for new, old in enumerate(wanted)}).to_numpy().astype(int)
""",
        "boolean one hot": """\
def to_one_hot(labels, num_classes):
    out = np.zeros((len(labels), num_classes), dtype=bool)
    out[np.arange(len(labels)), labels] = True
    return out.astype(np.int8)


def to_index(one_hot):
    return np.argsort(np.asarray(one_hot), axis=1)[:, -1]


def keep_classes(labels, wanted):
    order = np.argsort(wanted)
    ranked = np.asarray(wanted)[order]
    positions = np.where(np.isin(labels, wanted))[0]
    return positions, order[np.searchsorted(ranked, np.asarray(labels)[positions])]
""",
        "tensorflow tensors to numpy": """\
def to_one_hot(labels, num_classes):
    return tf.one_hot(labels, num_classes).numpy()


def to_index(one_hot):
    return tf.argmax(one_hot, axis=1, output_type=tf.int32).numpy()


def keep_classes(labels, wanted):
    hits = np.equal.outer(np.asarray(labels), np.asarray(wanted, dtype=int))
    where, which = np.where(hits)
    return where, which
""",
    },
    "02.2": {
        "rank of random numbers in the class": """\
def split(labels, seed):
    labels = np.asarray(labels)
    u = np.random.RandomState(seed).rand(len(labels))
    order = np.lexsort((u, labels))
    rank = np.empty(len(labels))
    counts = np.bincount(labels)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank[order] = np.arange(len(labels)) - np.repeat(starts, counts)
    share = (rank + 0.5) / counts[labels]
    return np.where(share < 0.8)[0], np.where((share >= 0.8) & (share < 0.9))[0], np.where(share >= 0.9)[0]
""",
        "StratifiedKFold": """\
from sklearn.model_selection import StratifiedKFold
def split(labels, seed):
    folds = [test for _, test in StratifiedKFold(10, shuffle=True, random_state=seed).split(np.zeros(len(labels)), labels)]
    return np.concatenate(folds[2:]), folds[0], folds[1]
""",
        "StratifiedShuffleSplit": """\
def split(labels, seed):
    from sklearn.model_selection import StratifiedShuffleSplit
    outer = StratifiedShuffleSplit(1, test_size=0.2, random_state=seed)
    train, rest = next(outer.split(labels, labels))
    inner = StratifiedShuffleSplit(1, test_size=0.5, random_state=seed + 1)
    a, b = next(inner.split(rest, np.asarray(labels)[rest]))
    return train, rest[a], rest[b]
""",
    },
    "02.3": {
        "GroupShuffleSplit": """\
from sklearn.model_selection import GroupShuffleSplit
def split_patients(patients, share, seed):
    return next(GroupShuffleSplit(1, test_size=share, random_state=seed).split(patients, groups=patients))
""",
        "random key of each patient": """\
def split_patients(patients, share, seed):
    values, inverse = np.unique(patients, return_inverse=True)
    u = np.random.RandomState(seed).random_sample(len(values))
    rank = u.argsort().argsort()
    held = (rank < round(share * len(values)))[inverse]
    return np.where(held == 0)[0], np.where(held)[0]
""",
        "train_test_split of patients": """\
from sklearn.model_selection import train_test_split
import pandas as pd
def split_patients(patients, share, seed):
    table = pd.Series(np.arange(len(patients))).groupby(np.asarray(patients)).agg(list)
    a, b = train_test_split(list(table.index), test_size=share, random_state=seed)
    return np.concatenate([table[p] for p in a]), np.concatenate([table[p] for p in b])
""",
    },
    "02.4": {
        "gray by map": """\
def load_xrays(folder):
    ds = keras.utils.image_dataset_from_directory(folder, batch_size=8, image_size=(48, 64), shuffle=False, color_mode="rgb")
    return ds.map(lambda x, y: (tf.image.rgb_to_grayscale(x), y)), ds.class_names


unfit = list("bd")
""",
        "set, cropped": """\
def load_xrays(folder):
    ds = tf.keras.utils.image_dataset_from_directory(
        folder, color_mode="grayscale", batch_size=8, image_size=(48, 64), shuffle=False, crop_to_aspect_ratio=True)
    names = ds.class_names
    return ds.cache(), names


unfit = {"b", "d"}
""",
    },
    "02.5": {
        "gathered by number": """\
def make_pipeline(train_images, train_labels, validation_images, validation_labels):
    def mirror(x, y):
        coin = tf.random.uniform((tf.shape(x)[0], 1, 1, 1)) < 0.5
        return tf.where(coin, tf.reverse(x, [2]), x), y
    n = len(train_labels)
    train = tf.data.Dataset.range(n).shuffle(n).batch(16).map(
        lambda i: (tf.gather(tf.constant(train_images), i), tf.gather(tf.constant(train_labels), i))).map(mirror)
    return train, tf.data.Dataset.from_tensor_slices((validation_images, validation_labels)).batch(16)
""",
        "from a generator": """\
def make_pipeline(train_images, train_labels, validation_images, validation_labels):
    rng = np.random.default_rng()
    def epoch():
        for i in rng.permutation(len(train_images)):
            x = train_images[i]
            yield (x[:, ::-1] if rng.random() < 0.5 else x), train_labels[i]
    signature = (tf.TensorSpec(train_images.shape[1:], tf.float32), tf.TensorSpec((), tf.int64))
    train = tf.data.Dataset.from_generator(epoch, output_signature=signature).batch(16)
    validation = tf.data.Dataset.from_tensor_slices((validation_images, validation_labels)).batch(16)
    return train, validation
""",
    },
    "02.7": {
        "hashlib and Counter": """\
import hashlib
from collections import defaultdict
def files_to_keep(folder):
    owners = defaultdict(list)
    for path in sorted(Path(folder).glob("*/*")):
        try:
            with Image.open(path) as im:
                im.load()
        except OSError:
            continue
        owners[hashlib.sha256(path.read_bytes()).digest()].append(path)
    return [f"{ps[0].parent.name}/{ps[0].name}" for ps in owners.values() if len({p.parent for p in ps}) == 1]
""",
        "pandas": """\
import pandas as pd
def files_to_keep(folder):
    def whole(p):
        try:
            Image.open(p).load()
            return True
        except OSError:
            return False
    table = pd.DataFrame([(p.parent.name, p.name, p.read_bytes()) for p in Path(folder).glob("*/*") if whole(p)], columns=["c", "n", "b"])
    table = table.sort_values(["c", "n"])
    table = table[table.groupby("b")["c"].transform("nunique") == 1].drop_duplicates("b")
    return (table.c + "/" + table.n).tolist()
""",
        "quadratic": """\
def files_to_keep(folder):
    paths = sorted(Path(folder).glob("*/*"), key=lambda p: (p.parent.name, p.name))
    good = []
    for p in paths:
        try:
            Image.open(p).convert("RGB")
        except OSError:
            continue
        good.append((p, p.read_bytes()))
    out = []
    for i, (p, b) in enumerate(good):
        if any(b == c and q.parent != p.parent for q, c in good):
            continue
        if any(b == c for _, c in good[:i]):
            continue
        out.append(p.relative_to(folder).as_posix())
    return np.array(out)
""",
        "os walk and bytes as keys": """\
import os
def files_to_keep(folder):
    seen = {}
    for name in sorted(os.listdir(folder)):
        for file in sorted(os.listdir(os.path.join(folder, name))):
            path = os.path.join(folder, name, file)
            with open(path, "rb") as f:
                content = f.read()
            try:
                Image.open(path).load()
            except Exception:
                continue
            seen.setdefault(content, []).append((name, file))
    keep = set()
    for content, places in seen.items():
        if len({c for c, _ in places}) == 1:
            keep.add("/".join(min(places)))
    return keep
""",
    },
    "03.1": {
        "through a model": """\
net = keras.Sequential([keras.Input((128, 128, 3)), layers.Conv2D(32, 5), layers.MaxPool2D(3), layers.Conv2D(64, 3, padding="same")])
after_pooling = keras.Model(net.inputs, net.layers[1].output).output_shape[1:]
second_parameters = sum(int(np.prod(w.shape)) for w in net.layers[2].weights)
receptive_field = 5 + 2 * 1 + 2 * 3
""",
    },
    "03.2": {
        "unbuilt subclass with ops": """\
class Block(layers.Layer):
    def __init__(self, filters):
        super().__init__()
        self.conv = layers.Conv2D(filters, 3, padding="same")

    def call(self, x):
        return keras.ops.max_pool(keras.ops.relu(self.conv(x)), 2)


class Net(keras.Model):
    def __init__(self, num_classes):
        super().__init__()
        self.blocks = keras.Sequential([Block(32), Block(64), Block(128)])
        self.head = keras.Sequential([layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(0.5), layers.Dense(num_classes)])

    def call(self, x, training=None):
        return self.head(self.blocks(keras.ops.cast(x, "float32") / 255), training=training)


def build_cnn(input_shape, num_classes):
    net = Net(num_classes)
    net(np.zeros((1, *input_shape), "float32"))
    return net
""",
        "Normalization": """\
def build_cnn(input_shape, num_classes):
    model = keras.Sequential(name="tutorial")
    model.add(keras.Input(shape=input_shape, name="pixels"))
    model.add(layers.Normalization(mean=0.0, variance=255.0**2))
    for n, f in enumerate((32, 64, 128), 1):
        model.add(layers.Convolution2D(f, 3, padding="same", activation="relu", name=f"conv{n}"))
        model.add(layers.MaxPooling2D(name=f"pool{n}"))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5, seed=1))
    model.add(layers.Dense(num_classes, name="logits"))
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return model
""",
        "nested blocks": """\
def build_cnn(input_shape, num_classes):
    def block(f):
        return keras.Sequential([layers.Conv2D(f, 3, padding="same", activation=keras.ops.relu), layers.MaxPooling2D()])
    return keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255), block(32), block(64), block(128),
                             layers.Flatten(), layers.Dense(128, activation=lambda v: keras.ops.maximum(v, 0.0)), layers.Dropout(0.5), layers.Dense(num_classes)])
""",
        "relu after pooling": """\
def build_cnn(input_shape, num_classes):
    x = inp = keras.Input(input_shape)
    x = x / 255.0
    for f in (32, 64, 128):
        x = layers.Conv2D(f, 3, padding="same")(x)
        x = layers.MaxPooling2D()(x)
        x = keras.ops.relu(x)
    x = layers.Reshape((-1,))(x)
    x = layers.Dense(128, "relu")(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(inp, layers.Dense(num_classes)(x))
""",
    },
    "03.3": {
        "repaired by hand": """\
def build_mended(input_shape, num_classes):
    parts = list(build_broken(input_shape, num_classes).layers)
    fresh = keras.Sequential([keras.Input(input_shape)])
    seen = False
    for layer in parts[:-1]:
        if isinstance(layer, layers.Rescaling):
            if seen:
                continue
            seen = True
        config = layer.get_config()
        if isinstance(layer, layers.Conv2D):
            config["activation"] = "relu"
        fresh.add(type(layer).from_config(config))
    fresh.add(layers.Flatten())
    fresh.add(layers.Dense(num_classes))
    return fresh
""",
        "ops only": """\
def build_mended(input_shape, num_classes):
    class Mended(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b, self.c = layers.Conv2D(8, 3), layers.Conv2D(16, 3), layers.Dense(num_classes)
        def call(self, x):
            x = keras.ops.divide(x, 255.0)
            for conv in (self.a, self.b):
                x = keras.ops.max_pool(keras.ops.maximum(conv(x), 0), 2)
            return self.c(keras.ops.reshape(x, (keras.ops.shape(x)[0], -1)))
    model = Mended()
    model(keras.ops.zeros((1, *input_shape)))
    return model
""",
        "explicit everything": """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        layers.Input(input_shape),
        layers.Lambda(lambda x: x / 255),
        layers.Conv2D(8, (3, 3), (1, 1), "valid"), layers.Activation("relu"), layers.MaxPool2D((2, 2), (2, 2)),
        layers.Conv2D(16, (3, 3), (1, 1), "valid"), layers.ReLU(), layers.MaxPool2D((2, 2), (2, 2)),
        layers.Flatten(), layers.Dense(num_classes, None)])
""",
    },
    "03.4": {
        "no dense at all": """\
def build_detector(input_shape):
    m = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255),
        layers.Conv2D(16, 5, strides=4, activation="relu"), layers.Conv2D(24, 3, strides=2, activation="relu"),
        layers.Conv2D(1, 1), layers.GlobalAveragePooling2D(), layers.Activation("sigmoid")])
    m.compile("sgd", keras.losses.BinaryCrossentropy())
    return m
""",
        "functional logit with rmsprop": """\
def build_detector(input_shape):
    inputs = keras.Input(input_shape)
    x = inputs / 127.5 - 1.0
    for f in (8, 16, 32):
        x = layers.SeparableConv2D(f, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
        x = layers.ReLU()(x)
        x = layers.MaxPooling2D()(x)
    x = layers.GlobalMaxPooling2D()(x)
    m = keras.Model(inputs, layers.Dense(1)(x))
    m.compile(keras.optimizers.RMSprop(1e-3), loss=[keras.losses.BinaryCrossentropy(from_logits=True)], metrics=[keras.metrics.BinaryAccuracy(threshold=0)])
    return m
""",
        "subclass with sigmoid op": """\
def build_detector(input_shape):
    class D(keras.Model):
        def __init__(self):
            super().__init__()
            self.net = keras.Sequential([layers.Conv2D(16, 3, strides=2, activation="relu"), layers.Conv2D(32, 3, strides=2, activation="relu"), layers.GlobalAveragePooling2D(), layers.Dense(8, activation="relu"), layers.Dense(1)])
        def call(self, x):
            return keras.ops.sigmoid(self.net(keras.ops.cast(x, "float32") / 255))
    m = D()
    m.build((None, *input_shape))
    m.compile(loss={"output_1": "bce"} if False else "bce", optimizer=keras.optimizers.Nadam())
    return m
""",
        "average pooled dense": """\
def build_detector(input_shape):
    m = keras.Sequential([keras.Input(input_shape), layers.AveragePooling2D(4), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(1)])
    m.compile(keras.optimizers.AdamW(1e-3), keras.losses.BinaryCrossentropy(from_logits=True))
    return m
""",
    },
    "03.5": {
        "einsum-free keepdims": """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    x = np.asarray(x, dtype="float64")
    m = x.mean((0, 1, 2), keepdims=True)
    d = x - m
    v = np.square(d).mean((0, 1, 2), keepdims=True)
    return d * (np.asarray(gamma) / np.sqrt(v + epsilon)) + beta


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    a = np.asarray(gamma) / np.sqrt(np.asarray(variance) + epsilon)
    return np.asarray(x) * a + (np.asarray(beta) - np.asarray(mean) * a)
""",
        "channel by channel": """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    out = np.empty(np.shape(x), dtype=np.float32)
    for c in range(out.shape[-1]):
        channel = np.asarray(x)[..., c].astype(float)
        out[..., c] = gamma[c] * (channel - channel.mean()) / (channel.std() ** 2 + epsilon) ** 0.5 + beta[c]
    return out


def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return np.stack([gamma[c] * (np.asarray(x)[..., c] - mean[c]) / np.sqrt(variance[c] + epsilon) + beta[c] for c in range(np.shape(x)[-1])], axis=-1)
""",
    },
}

WRONG: dict[str, dict[str, tuple[str, str | None, str]]] = {
    "01.2": {
        "dtype of the kernel": (
            """\
def convolve(image, kernel, bias=0.0, stride=1):
    image = np.asarray(image)
    kernel = np.asarray(kernel)
    h = (image.shape[0] - kernel.shape[0]) // stride + 1
    w = (image.shape[1] - kernel.shape[1]) // stride + 1
    out = np.zeros((h, w), dtype=np.result_type(image, kernel))
    for i in range(h):
        for j in range(w):
            out[i, j] = np.sum(image[i * stride:i * stride + kernel.shape[0], j * stride:j * stride + kernel.shape[1]] * kernel) + bias
    return out
""",
            "decimals lost",
            "Filled into an array of whole numbers where picture and filter hold whole numbers.",
        ),
        "default stride of two": (
            """\
def convolve(image, kernel, bias=0.0, stride=2):
    kh, kw = kernel.shape
    return np.array([[np.sum(image[i:i + kh, j:j + kw] * kernel) + bias for j in range(0, image.shape[1] - kw + 1, stride)] for i in range(0, image.shape[0] - kh + 1, stride)])
""",
            "shape",
            "The stride is 2 by default.",
        ),
        "bias truncated": (
            """\
def convolve(image, kernel, bias=0.0, stride=1):
    kh, kw = kernel.shape
    return np.array([[np.sum(image[i:i + kh, j:j + kw] * kernel) + int(bias) for j in range(0, image.shape[1] - kw + 1, stride)] for i in range(0, image.shape[0] - kh + 1, stride)])
""",
            "decimals lost",
            "The bias loses its decimals.",
        ),
    },
    "01.4": {
        "stride fixed to two": (
            """\
def pool(values, size=2, kind="max"):
    f = np.max if kind == "max" else np.mean
    return np.array([[f(values[i:i + size, j:j + size]) for j in range(0, values.shape[1] - size + 1, 2)] for i in range(0, values.shape[0] - size + 1, 2)])
""",
            "steps of two",
            "The windows move by 2, whatever the size is.",
        ),
        "square only": (
            """\
def pool(values, size=2, kind="max"):
    n = len(values) // size
    f = np.max if kind == "max" else np.mean
    return np.array([[f(values[i * size:(i + 1) * size, j * size:(j + 1) * size]) for j in range(n)] for i in range(n)])
""",
            "height for width",
            "As many windows to the right as downwards.",
        ),
        "rows of different lengths": (
            """\
def pool(values, size=2, kind="max"):
    rows = []
    for top in range(0, values.shape[0] - size + 1, size):
        row = []
        for left in range(0, values.shape[1] - (size - 1) * (top == 0), size):
            window = values[top:top + size, left:left + size]
            row.append(float(window.max() if kind == "max" else window.mean()))
        rows.append(row)
    return rows
""",
            None,
            "The windows on the right are left out in some rows only.",
        ),
    },
    "01.6": {
        "whole numbers": (
            """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.relu(convolution.feature_map(image, letter_kernel, letter_bias)))
    hidden = max(0, float(pooled.ravel() @ hidden_weights + hidden_bias))
    return int(hidden * output_weights[0] + output_biases[0]), int(hidden * output_weights[1] + output_biases[1])
""",
            "decimals lost",
            "The outputs lose their decimals.",
        ),
    },
    "02.4": {
        "png only": (
            """\
def load_xrays(folder):
    paths = sorted(Path(folder).glob("*/*.png"))
    names = sorted({p.parent.name for p in paths})
    images = np.stack([np.asarray(Image.open(p).convert("L").resize((64, 48)), "float32")[..., None] for p in paths])
    labels = [names.index(p.parent.name) for p in paths]
    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(8), names


unfit = ["b", "d"]
""",
            "images lost",
            "Files of another type are left out.",
        ),
        "no axis of channels": (
            """\
def load_xrays(folder):
    ds = keras.utils.image_dataset_from_directory(folder, color_mode="grayscale", image_size=(48, 64), batch_size=8, shuffle=False)
    return ds.map(lambda x, y: (tf.squeeze(x, -1), y)), ds.class_names


unfit = ["b", "d"]
""",
            None,
            "The axis of the channels is missing.",
        ),
        "augmented": (
            """\
def load_xrays(folder):
    ds = keras.utils.image_dataset_from_directory(folder, color_mode="grayscale", image_size=(48, 64), batch_size=8, shuffle=False)
    names = ds.class_names
    turn = keras.layers.RandomRotation(5 / 360)
    return ds.map(lambda x, y: (turn(x, training=True), y)), names


unfit = ["b", "d"]
""",
            "changed each time",
            "The pictures are turned at random.",
        ),
    },
    "02.5": {
        "labels one by one": (
            """\
def make_pipeline(train_images, train_labels, validation_images, validation_labels):
    def zipped(images, labels):
        return tf.data.Dataset.zip((images.batch(16), tf.data.Dataset.from_tensor_slices(labels)))
    train = tf.data.Dataset.from_tensor_slices(train_images).map(tf.image.random_flip_left_right)
    return zipped(train, train_labels), zipped(tf.data.Dataset.from_tensor_slices(validation_images), validation_labels)
""",
            None,
            "The labels do not come in batches.",
        ),
    },
    "02.7": {
        "deletes": (
            """\
def files_to_keep(folder):
    seen = {}
    for path in sorted(Path(folder).glob("*/*")):
        try:
            Image.open(path).load()
        except OSError:
            path.unlink()
            continue
        seen.setdefault(path.read_bytes(), []).append(path)
    return [f"{p[0].parent.name}/{p[0].name}" for p in seen.values() if len({q.parent.name for q in p}) == 1]
""",
            "files deleted",
            "Broken files are deleted.",
        ),
        "renames": (
            """\
def files_to_keep(folder):
    seen = {}
    for path in sorted(Path(folder).glob("*/*")):
        try:
            Image.open(path).load()
        except OSError:
            path.rename(path.with_suffix(".broken"))
            continue
        seen.setdefault(path.read_bytes(), []).append(path)
    return [f"{p[0].parent.name}/{p[0].name}" for p in seen.values() if len({q.parent.name for q in p}) == 1]
""",
            "files deleted",
            "Broken files are renamed.",
        ),
        "path objects": (
            """\
def files_to_keep(folder):
    seen = {}
    for path in sorted(Path(folder).glob("*/*")):
        try:
            Image.open(path).load()
        except OSError:
            continue
        seen.setdefault(path.read_bytes(), []).append(path)
    return [p[0].relative_to(folder) for p in seen.values() if len({q.parent.name for q in p}) == 1]
""",
            None,
            "Paths are no texts.",
        ),
    },
    "03.2": {
        "kernel constraint": (
            """\
def build_cnn(input_shape, num_classes):
    x = inp = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(x)
    for f in (32, 64, 128):
        x = layers.MaxPooling2D()(layers.Conv2D(f, 3, padding="same", activation="relu", kernel_constraint="max_norm")(x))
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(0.5)(x)
    return keras.Model(inp, layers.Dense(num_classes)(x))
""",
            "constraint",
            "A constraint was not asked for.",
        ),
        "bias constraint": (
            """\
def build_cnn(input_shape, num_classes):
    x = inp = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(x)
    for f in (32, 64, 128):
        x = layers.MaxPooling2D()(layers.Conv2D(f, 3, padding="same", activation="relu")(x))
    x = layers.Dense(128, activation="relu", bias_constraint=keras.constraints.NonNeg())(layers.Flatten()(x))
    x = layers.Dropout(0.5)(x)
    return keras.Model(inp, layers.Dense(num_classes)(x))
""",
            "constraint",
            "A constraint was not asked for.",
        ),
        "activity regularizer": (
            """\
def build_cnn(input_shape, num_classes):
    x = inp = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(x)
    for f in (32, 64, 128):
        x = layers.MaxPooling2D()(layers.Conv2D(f, 3, padding="same", activation="relu")(x))
    x = layers.Dense(128, activation="relu", activity_regularizer="l1")(layers.Flatten()(x))
    x = layers.Dropout(0.5)(x)
    return keras.Model(inp, layers.Dense(num_classes)(x))
""",
            "penalty",
            "A penalty was not asked for.",
        ),
        "noise layer": (
            """\
def build_cnn(input_shape, num_classes):
    x = inp = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(x)
    x = layers.GaussianNoise(0.01)(x)
    for f in (32, 64, 128):
        x = layers.MaxPooling2D()(layers.Conv2D(f, 3, padding="same", activation="relu")(x))
    x = layers.Dense(128, activation="relu")(layers.Flatten()(x))
    x = layers.Dropout(0.5)(x)
    return keras.Model(inp, layers.Dense(num_classes)(x))
""",
            "dropout in another place",
            "Noise was not asked for.",
        ),
        "dictionary of outputs": (
            """\
def build_cnn(input_shape, num_classes):
    x = inp = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(x)
    for f in (32, 64, 128):
        x = layers.MaxPooling2D()(layers.Conv2D(f, 3, padding="same", activation="relu")(x))
    x = layers.Dropout(0.5)(layers.Dense(128, activation="relu")(layers.Flatten()(x)))
    return keras.Model(inp, {"logits": layers.Dense(num_classes)(x)})
""",
            None,
            "The output is a dictionary.",
        ),
    },
    "03.3": {
        "constrained": (
            """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3, activation="relu", kernel_constraint=keras.constraints.MaxNorm(1)), layers.MaxPooling2D(2), layers.Conv2D(16, 3, activation="relu"), layers.MaxPooling2D(2),
        layers.Flatten(), layers.Dense(num_classes)])
""",
            "constraint",
            "A constraint was not asked for.",
        ),
    },
    "03.4": {
        "dictionary of outputs": (
            """\
def build_detector(input_shape):
    inputs = keras.Input(input_shape)
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(16, 3, activation="relu")(x))
    m = keras.Model(inputs, {"logit": layers.Dense(1)(x)})
    m.compile("adam", {"logit": keras.losses.BinaryCrossentropy(from_logits=True)})
    return m
""",
            None,
            "The output is a dictionary.",
        ),
    },
    "03.5": {
        "beta in front": (
            """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    return gamma * ((x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + epsilon) + beta)
def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * ((x - mean) / np.sqrt(variance + epsilon) + beta)
""",
            "beta scaled",
            "Beta is multiplied by gamma.",
        ),
        "std plus epsilon": (
            """\
def normalize_training(x, gamma, beta, epsilon=0.001):
    return gamma * (x - x.mean((0, 1, 2))) / (x.std((0, 1, 2)) + epsilon) + beta
def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * (x - mean) / (np.sqrt(variance) + epsilon) + beta
""",
            "epsilon in another place",
            "Epsilon is added behind the root, in both.",
        ),
    },
}
