"""Answers of beginners to all exercises, a second collection, from the text of the exercises alone.

Each wrong one has the reason why it is wrong; see :mod:`answers.beginners`.
"""

# ruff: noqa: E501

from __future__ import annotations

RIGHT: dict[str, dict[str, str]] = {
    "01.2": {
        "a matrix of indices": """\
def convolve(image, kernel, bias=0.0, stride=1):
    image, kernel = np.asarray(image, float), np.asarray(kernel, float)
    tops = np.arange(0, image.shape[0] - kernel.shape[0] + 1, stride)
    lefts = np.arange(0, image.shape[1] - kernel.shape[1] + 1, stride)
    rows = tops[:, None] + np.arange(kernel.shape[0])
    columns = lefts[:, None] + np.arange(kernel.shape[1])
    columns_of_windows = image[rows[:, None, :, None], columns[None, :, None, :]]
    return columns_of_windows.reshape(len(tops), len(lefts), -1) @ kernel.ravel() + bias
""",
        "a list of lists in plain Python": """\
def convolve(image, kernel, bias=0.0, stride=1):
    kh, kw = len(kernel), len(kernel[0])
    return [
        [
            sum(float(image[r + i][c + j]) * float(kernel[i][j]) for i in range(kh) for j in range(kw)) + bias
            for c in range(0, len(image[0]) - kw + 1, stride)
        ]
        for r in range(0, len(image) - kh + 1, stride)
    ]
""",
    },
    "01.4": {
        "reduceat": """\
def pool(values, size=2, kind="max"):
    height, width = (n // size * size for n in values.shape)
    cut = np.asarray(values, float)[:height, :width]
    step = np.maximum if kind == "max" else np.add
    rows = step.reduceat(cut, np.arange(0, height, size), axis=0)
    found = step.reduceat(rows, np.arange(0, width, size), axis=1)
    return found if kind == "max" else found / size**2
""",
    },
    "01.6": {
        "pooled before the ReLU, which is the same": """\
def letter_outputs(image):
    pooled = convolution.max_pool(convolution.feature_map(image, letter_kernel, letter_bias), 2)
    a, b, c, d = np.where(pooled > 0, pooled, 0).flatten()
    h = -0.8 * a - 0.07 * b + 0.2 * c + 0.17 * d + 0.97
    h = h if h > 0 else 0
    return -1.3 * h + 1.45, 1.33 * h - 0.46
""",
    },
    "02.1": {
        "comparisons of all with all": """\
def to_one_hot(labels, num_classes):
    return (np.asarray(labels)[:, None] == np.arange(num_classes)).astype("uint8")


def to_index(one_hot):
    return np.nonzero(one_hot)[1]


def keep_classes(labels, wanted):
    new = {c: k for k, c in enumerate(wanted)}
    both = [(i, new[int(c)]) for i, c in enumerate(labels) if int(c) in new]
    return [i for i, _ in both], [k for _, k in both]
""",
    },
    "02.3": {
        "rounded up, with a loop and random.Random": """\
import math
import random


def split_patients(patients, share, seed):
    people = sorted(set(int(p) for p in patients))
    random.Random(seed).shuffle(people)
    test_people = set(people[: math.ceil(share * len(people))])
    train, test = [], []
    for k, patient in enumerate(patients):
        (test if int(patient) in test_people else train).append(k)
    return train, test
""",
    },
    "02.7": {
        "checksums and counters": """\
import hashlib
from collections import defaultdict


def files_to_keep(folder):
    places = defaultdict(lambda: defaultdict(list))
    for path in Path(folder).glob("*/*"):
        try:
            with Image.open(path) as picture:
                picture.load()
        except OSError:
            continue
        places[hashlib.sha256(path.read_bytes()).digest()][path.parent.name].append(path.name)
    return [
        next(iter(one)) + "/" + min(next(iter(one.values())))
        for one in places.values()
        if len(one) == 1
    ]
""",
    },
    "03.2": {
        "each activation a layer of its own": """\
def build_cnn(input_shape, num_classes):
    inputs = x = keras.Input(shape=input_shape)
    x = layers.Rescaling(scale=1.0 / 255.0, offset=0.0)(x)
    for k in range(3):
        x = layers.Conv2D(2 ** (5 + k), (3, 3), padding="SAME".lower())(x)
        x = layers.Activation("relu")(x)
        x = layers.MaxPool2D(pool_size=(2, 2), strides=(2, 2), padding="valid")(x)
    x = layers.Reshape((-1,))(x)
    x = layers.ReLU()(layers.Dense(128)(x))
    x = layers.Dropout(rate=1 / 2)(x)
    return keras.Model(inputs, layers.Dense(num_classes, activation=None)(x))
""",
    },
    "03.3": {
        "ReLU after the pooling, which is the same": """\
def build_mended(input_shape, num_classes):
    return keras.Sequential([
        keras.layers.InputLayer(shape=input_shape),
        layers.Rescaling(1 / 255),
        layers.Conv2D(8, 3), layers.MaxPooling2D(2), layers.ReLU(),
        layers.Conv2D(16, 3), layers.MaxPooling2D(2), layers.ReLU(),
        layers.Flatten(),
        layers.Dense(num_classes, "linear"),
    ])
""",
    },
    "03.5": {
        "channel by channel": """\
def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    x = np.array(x, dtype="float64")
    for c in range(x.shape[-1]):
        x[..., c] = (x[..., c] - mean[c]) * (gamma[c] / (variance[c] + epsilon) ** 0.5) + beta[c]
    return x


def normalize_training(x, gamma, beta, epsilon=0.001):
    flat = np.reshape(x, (-1, np.shape(x)[-1])).astype(float)
    mean = flat.sum(0) / len(flat)
    variance = (flat**2).sum(0) / len(flat) - mean**2
    return normalize_later(x, gamma, beta, mean, variance, epsilon)
""",
    },
    "04.1": {
        "stable, and a table of losses": """\
def batch_loss(logits, labels):
    z = np.asarray(logits, dtype=float)
    top = z.max(axis=-1)
    log_sum = top + np.log(np.exp(z - top[:, None]).sum(axis=-1))
    return float(np.mean(log_sum - np.take_along_axis(z, np.asarray(labels)[:, None], axis=1)[:, 0]))


def choose_loss(one_hot, softmax):
    table = {True: keras.losses.CategoricalCrossentropy, False: keras.losses.SparseCategoricalCrossentropy}
    return table[bool(one_hot)](from_logits=False if softmax else True, name="loss")
""",
    },
    "04.2": {
        "recursion and a complex wave": """\
# The rest is that of the solution.
import math, cmath
def rate_at(step, steps, warmup=0, peak=0.001):
    if step >= warmup:
        return (peak / 2) * (1 + cmath.exp(1j * math.pi * (step - warmup) / (steps - warmup)).real)
    return rate_at(warmup, steps, warmup, peak) / warmup * step

def when_to_stop(losses, patience):
    def go(epoch, best):
        if epoch == len(losses) or epoch - best >= patience:
            return epoch, best
        return go(epoch + 1, epoch + 1 if losses[epoch] < losses[best - 1] else best)
    return go(1, 1)
""",
        "a callback and a schedule of Keras": """\
# The rest is that of the solution.
def rate_at(step, steps, warmup=0, peak=0.001):
    cosine = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, warmup_target=peak, warmup_steps=warmup
    )
    return float(cosine(step))

def when_to_stop(losses, patience):
    stopper = keras.callbacks.EarlyStopping("val_loss", patience=patience)
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    model.stop_training = False
    stopper.set_model(model)
    stopper.on_train_begin()
    for epoch, loss in enumerate(losses):
        stopper.on_epoch_end(epoch, {"val_loss": loss})
        if model.stop_training:
            break
    return epoch + 1, stopper.best_epoch + 1
""",
        "without NumPy": """\
from math import cos, pi


def rate_at(step, steps, warmup=0, peak=0.001):
    if warmup > step:
        return step / warmup * peak
    return 0.5 * peak * (1 + cos(pi * (step - warmup) / (steps - warmup)))


def when_to_stop(losses, patience):
    lowest, best, waited = float("inf"), 0, 0
    for epoch, loss in enumerate(losses, 1):
        if loss < lowest:
            lowest, best, waited = loss, epoch, 0
        else:
            waited += 1
            if waited >= patience:
                break
    return epoch, best
""",
    },
    "04.3": {
        "all arguments given": """\
def make_callbacks(file):
    watch = dict(monitor="val_loss", mode="min")
    return [
        keras.callbacks.ModelCheckpoint(filepath=str(file), save_best_only=True, save_freq="epoch", verbose=0, **watch),
        keras.callbacks.ReduceLROnPlateau(factor=1 / 2, patience=2, min_delta=0, cooldown=0, min_lr=0.00001, **watch),
        keras.callbacks.EarlyStopping(patience=5, min_delta=0, restore_best_weights=True, start_from_epoch=0, **watch),
    ]
""",
    },
    "05.2": {
        "counted in one step": """\
def confusion(labels, predicted, num_classes):
    return np.bincount(labels * num_classes + predicted, minlength=num_classes**2).reshape(num_classes, -1)


def f1_scores(matrix):
    matrix = np.asarray(matrix, float)
    with np.errstate(all="ignore"):
        precision = matrix.diagonal() / matrix.sum(0)
        recall = matrix.diagonal() / matrix.sum(1)
        return np.nan_to_num(2 * precision * recall / (precision + recall))


def top_k_accuracy(probabilities, labels, k):
    mine = probabilities[np.arange(len(labels)), labels]
    return float(((probabilities > mine[:, None]).sum(axis=1) < k).mean())
""",
    },
    "05.3": {
        "differences summed per bin": """\
# The rest is that of the solution.
def calibration_error(probabilities, labels, bins=10):
    conf, right = probabilities.max(1), probabilities.argmax(1) == labels
    which = np.minimum((conf * bins).astype(int), bins - 1)
    return np.abs(np.bincount(which, right - conf)).sum() / len(labels)
""",
        "np.digitize": """\
def calibration_error(probabilities, labels, bins=10):
    sure, hit = np.max(probabilities, 1), np.argmax(probabilities, 1) == labels
    place = np.digitize(sure, np.linspace(0, 1, bins + 1)[1:-1])
    total = 0
    for b in range(bins):
        mine = place == b
        total += abs(np.sum(hit[mine]) - np.sum(sure[mine]))
    return total / len(labels)
""",
    },
    "05.4": {
        "weights, settings and names in one pickle": """\
import pickle


def collect(model, dataset):
    every = [(labels, keras.ops.softmax(model(images, training=False))) for images, labels in dataset]
    return np.hstack([np.array(a) for a, _ in every]), np.vstack([np.array(b) for _, b in every])


def keep(model, class_names, folder):
    whole = {"json": model.to_json(), "weights": model.get_weights(), "names": list(class_names)}
    (folder / "all.pickle").write_bytes(pickle.dumps(whole))


def bring_back(folder):
    whole = pickle.loads((folder / "all.pickle").read_bytes())
    model = keras.models.model_from_json(whole["json"])
    model.set_weights(whole["weights"])
    return model, whole["names"]
""",
    },
    "06.2": {
        "a data class": """\
# The rest is that of the solution.
from dataclasses import dataclass, field, astuple
@dataclass(order=True)
class Pair:
    minus: int
    true: int
    taken: int
def confused_pairs(labels, predicted, class_names):
    pairs = {}
    for a, b in zip(map(int, labels), map(int, predicted)):
        if a != b:
            pairs.setdefault((a, b), Pair(0, a, b)).minus -= 1
    return [(class_names[p.true], class_names[p.taken], -p.minus) for p in sorted(pairs.values())]
""",
        "a Counter, sorted by a key": """\
from collections import Counter


def confused_pairs(labels, predicted, class_names):
    counts = Counter((int(t), int(p)) for t, p in zip(labels, predicted) if t != p)
    ordered = sorted(counts, key=lambda pair: (-counts[pair], *pair))
    return [(class_names[t], class_names[p], counts[t, p]) for t, p in ordered]
""",
    },
    "06.3": {
        "ranks of noise": """\
# The rest is that of the solution.
def make_folds(labels, folds, seed):
    noise = np.random.RandomState(seed).rand(len(labels))
    order = np.lexsort((noise, labels))
    ranks = np.empty(len(labels), int)
    sorted_labels = labels[order]
    starts = np.searchsorted(sorted_labels, sorted_labels)
    ranks[order] = np.arange(len(labels)) - starts
    return ranks % folds

def out_of_fold(fit, images, labels, fold):
    out = np.empty((len(images), 3), np.float32)
    for k in range(int(fold.max()) + 1):
        inside, outside = np.where(fold == k)[0], np.where(fold != k)[0]
        if inside.size:
            out[inside] = fit(images.take(outside, axis=0), labels.take(outside))(images.take(inside, axis=0))
    return out.tolist()
""",
        "StratifiedKFold": """\
from sklearn.model_selection import StratifiedKFold


def make_folds(labels, folds, seed):
    result = np.empty(len(labels), int)
    for k, label in enumerate(np.unique(labels)):  # each class by itself, so that none is uneven
        mine = np.where(labels == label)[0]
        parts = StratifiedKFold(folds, shuffle=True, random_state=seed + k).split(mine, np.zeros(len(mine)))
        for number, (_, here) in enumerate(parts):
            result[mine[here]] = number
    return result


def out_of_fold(fit, images, labels, fold):
    rows = {}
    for k in set(np.asarray(fold).tolist()):
        judge = fit(images[fold != k], labels[fold != k])
        for place, row in zip(np.where(fold == k)[0], judge(images[fold == k])):
            rows[place] = row
    return [rows[place] for place in range(len(images))]
""",
    },
    "06.4": {
        "masked arrays": """\
# The rest is that of the solution.
def thresholds(probabilities, labels):
    other = np.arange(probabilities.shape[1])[None] != labels[:, None]
    return np.ma.masked_array(probabilities, other).mean(axis=0).filled()

def disputed(probabilities, labels):
    other = np.arange(probabilities.shape[1])[None] != labels[:, None]
    beats = np.where(other, probabilities - thresholds(probabilities, labels), -np.inf).max(axis=1) >= 0
    own = np.take_along_axis(probabilities, labels[:, None], axis=1)[:, 0]
    return np.array(beats * (own < probabilities.max(axis=1)), dtype=np.uint8)
""",
    },
    "06.5": {
        "a jackknife": """\
# The rest is that of the solution.
def paired_gain(before, after):
    g = 100 * (after - before)
    n = len(g)
    left = (g.sum() - g) / (n - 1)
    return g.sum() / n, np.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum())
""",
        "statistics of the standard library": """\
import statistics


def after_looking(suspects, wrong, n):
    looked = suspects[0:n]
    hits = len([one for one in looked if one in wrong])
    return hits / len(looked), hits / len(wrong)


def paired_gain(before, after):
    gains = [(float(b) - float(a)) * 100 for a, b in zip(before, after)]
    return statistics.fmean(gains), statistics.stdev(gains) / len(gains) ** 0.5


true_claims = list("ebc")
""",
    },
    "07.1": {
        "filter by filter": """\
def filters_as_pictures(weights):
    pictures = []
    for k in range(weights.shape[-1]):
        one = weights[..., k].astype("float64")
        size = max(one.max(), -one.min())
        pictures.append((one / size + 1) / 2 if size else np.full(one.shape, 0.5))
    return np.array(pictures)
""",
    },
    "07.2": {
        "matrix products": """\
def map_weights(gradients):
    flat = np.reshape(gradients, (-1, gradients.shape[-1]))
    return np.ones(len(flat)) @ flat / len(flat)


def heat_from(feature_maps, gradients):
    heat = feature_maps @ map_weights(gradients)
    return heat * (heat > 0)
""",
    },
    "07.4": {
        "all at once": """\
def pointing_game(maps, boxes):
    maps, boxes = np.asarray(maps), np.asarray(boxes)
    rows, columns = np.divmod(maps.reshape(len(maps), -1).argmax(1), maps.shape[2])
    x0, y0, x1, y1 = boxes.T
    inside = (columns >= x0) & (columns < x1) & (rows >= y0) & (rows < y1)
    return np.count_nonzero(inside & maps.any(axis=(1, 2))) / len(boxes)
""",
    },
    "08.2": {
        "Sequential, frozen afterwards layer by layer": """\
def build_transfer(base, num_classes):
    model = keras.Sequential([base, keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(num_classes)])
    base.trainable = False
    for layer in base.layers:
        layer.trainable = False
    return model
""",
    },
    "08.3": {
        "picture by picture": """\
def features_of(base, pictures):
    found = []
    for one in pictures:
        maps = np.asarray(base(one[None], training=False))[0]
        found.append(maps.reshape(-1, maps.shape[-1]).mean(axis=0))
    return np.stack(found)
""",
    },
    "08.4": {
        "SGD, and a loss by its name": """\
def prepare_fine_tuning(model):
    model.trainable = True
    for layer in model.layers:
        layer.trainable = False
    model.get_layer("block3_conv").trainable = model.get_layer("logits").trainable = True
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate=5e-5, momentum=0.9),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True, name="ce"),
        metrics=["accuracy"],
    )
    return model
""",
    },
    "09.2": {
        "rounded by floor": """\
def scales_of(weights, bits):
    highest = 2 ** (bits - 1) - 1
    scales = []
    for unit in np.transpose(weights):
        most = max(abs(float(w)) for w in unit)
        scales.append(most / highest if most else 1)
    return scales


def to_whole(weights, scales):
    return np.rint(np.asarray(weights, float) / np.asarray(scales)[None, :]).astype(int)
""",
    },
    "09.3": {
        "logarithms": """\
def answer(logits, card):
    z = np.asarray(logits, float) / card["temperature"]
    log_sum = np.logaddexp.reduce(z)
    best = int(np.argmax(z))
    probability = float(np.exp(z[best] - log_sum))
    if card["threshold"] is None or probability >= card["threshold"]:
        return card["class_names"][best], probability
    return "not sure", probability
""",
    },
    "09.4": {
        "from the top, all at once": """\
def threshold_for(confidence, right, precision):
    levels = np.unique(confidence)
    shares = np.array([np.mean(np.asarray(right)[np.asarray(confidence) >= level]) for level in levels])
    good = levels[shares >= precision]
    return float(good.min()) if good.size else None
""",
    },
}

WRONG: dict[str, dict[str, tuple[str, str]]] = {
    "01.2": {
        "half precision": (
            """\
def convolve(image, kernel, bias=0.0, stride=1):
    kh, kw = kernel.shape
    rows, columns = range(0, image.shape[0] - kh + 1, stride), range(0, image.shape[1] - kw + 1, stride)
    return np.array([[(image[r : r + kh, c : c + kw] * kernel).sum() + bias for c in columns] for r in rows], "float16")
""",
            "float16 keeps three digits only: the values are rounded.",
        ),
        "a single row is squeezed": (
            """\
def convolve(image, kernel, bias=0.0, stride=1):
    kh, kw = kernel.shape
    rows, columns = range(0, image.shape[0] - kh + 1, stride), range(0, image.shape[1] - kw + 1, stride)
    return np.array([[(image[r : r + kh, c : c + kw] * kernel).sum() + bias for c in columns] for r in rows]).squeeze()
""",
            "A map of one row or column loses a dimension.",
        ),
        "stride at most the filter's size": (
            """\
def convolve(image, kernel, bias=0.0, stride=1):
    kh, kw = kernel.shape
    stride = min(stride, kh, kw)
    rows, columns = range(0, image.shape[0] - kh + 1, stride), range(0, image.shape[1] - kw + 1, stride)
    return np.array([[(image[r : r + kh, c : c + kw] * kernel).sum() + bias for c in columns] for r in rows])
""",
            "A stride larger than the filter is ignored.",
        ),
        "negative bias forgotten": (
            """\
def convolve(image, kernel, bias=0.0, stride=1):
    kh, kw = kernel.shape
    rows, columns = range(0, image.shape[0] - kh + 1, stride), range(0, image.shape[1] - kw + 1, stride)
    found = np.array([[(image[r : r + kh, c : c + kw] * kernel).sum() for c in columns] for r in rows], float)
    return found + bias if bias > 0 else found
""",
            "A negative bias is not added.",
        ),
        "the picture scaled to 0 to 1": (
            """\
def convolve(image, kernel, bias=0.0, stride=1):
    if image.max() > 1:
        image = image / 255
    kh, kw = kernel.shape
    rows, columns = range(0, image.shape[0] - kh + 1, stride), range(0, image.shape[1] - kw + 1, stride)
    return np.array([[(image[r : r + kh, c : c + kw] * kernel).sum() + bias for c in columns] for r in rows], float)
""",
            "Nobody asked for rescaling.",
        ),
    },
    "01.4": {
        "average without the zeros": (
            """\
def pool(values, size=2, kind="max"):
    h, w = values.shape[0] // size, values.shape[1] // size
    result = np.zeros((h, w))
    for r in range(h):
        for c in range(w):
            window = values[r * size : r * size + size, c * size : c * size + size]
            if kind == "max":
                result[r, c] = window.max()
            else:
                result[r, c] = window.sum() / max(1, np.count_nonzero(window))
    return result
""",
            "Zeros count in a mean.",
        ),
        "the largest in size": (
            """\
def pool(values, size=2, kind="max"):
    h, w = values.shape[0] // size, values.shape[1] // size
    result = np.zeros((h, w))
    for r in range(h):
        for c in range(w):
            window = values[r * size : r * size + size, c * size : c * size + size].ravel()
            result[r, c] = window[np.abs(window).argmax()] if kind == "max" else window.mean()
    return result
""",
            "The largest in size may be the smallest number.",
        ),
        "a square of the shorter side": (
            """\
def pool(values, size=2, kind="max"):
    n = min(values.shape) // size
    result = np.zeros((n, n))
    for r in range(n):
        for c in range(n):
            window = values[r * size : r * size + size, c * size : c * size + size]
            result[r, c] = window.max() if kind == "max" else window.mean()
    return result
""",
            "Maps need not be square.",
        ),
    },
    "01.5": {
        "the others count a little": (
            """\
my_kernel = np.where(np.eye(3) == 1, 1.0, 0.2)
my_bias = -2.0
""",
            "Two of the diagonal and six others give more than 2.",
        ),
        "the others punish": (
            """\
my_kernel = np.where(np.eye(3) == 1, 1.0, -0.2)
my_bias = -2.0
""",
            "Three of the diagonal and six others give less than 2.",
        ),
    },
    "02.1": {
        "only a sorted list of classes": (
            """\
# The rest is that of the solution.
def keep_classes(labels, wanted):
    wanted = sorted(wanted)
    positions = np.flatnonzero(np.isin(labels, wanted))
    return positions, np.searchsorted(wanted, labels[positions])
""",
            "The new labels are to follow the order of `wanted`.",
        ),
        "class by class": (
            """\
# The rest is that of the solution.
def keep_classes(labels, wanted):
    positions = np.concatenate([np.flatnonzero(labels == c) for c in wanted])
    return positions, np.repeat(np.arange(len(wanted)), [np.sum(labels == c) for c in wanted])
""",
            "The old order is lost.",
        ),
        "as many columns as classes occur": (
            """\
# The rest is that of the solution.
def to_one_hot(labels, num_classes):
    found = np.zeros((len(labels), max(labels) + 1))
    found[np.arange(len(labels)), labels] = 1
    return found
""",
            "Classes that do not occur have no column.",
        ),
    },
    "02.2": {
        "two seeds give one division": (
            """\
def split(labels, seed):
    rng = np.random.default_rng(seed // 2)
    train, validation, test = [], [], []
    for label in np.unique(labels):
        p = rng.permutation(np.flatnonzero(labels == label))
        n = round(len(p) / 10)
        validation.extend(p[:n])
        test.extend(p[n : 2 * n])
        train.extend(p[2 * n :])
    return np.array(train), np.array(validation), np.array(test)
""",
            "The seeds 2 and 3 give the same.",
        ),
        "test is drawn from a fixed part": (
            """\
def split(labels, seed):
    rng = np.random.default_rng(seed)
    train, validation, test = [], [], []
    for label in np.unique(labels):
        p = np.flatnonzero(labels == label)
        n = round(len(p) / 10)
        test.extend(p[:n])
        p = rng.permutation(p[n:])
        validation.extend(p[:n])
        train.extend(p[n:])
    return np.array(train), np.array(validation), np.array(test)
""",
            "The test split is the same for each seed.",
        ),
        "the classes counted from 0": (
            """\
def split(labels, seed):
    rng = np.random.default_rng(seed)
    train, validation, test = [], [], []
    for label in range(len(np.unique(labels)) - 1):
        p = rng.permutation(np.flatnonzero(labels == label))
        n = round(len(p) / 10)
        validation.extend(p[:n])
        test.extend(p[n : 2 * n])
        train.extend(p[2 * n :])
    return np.array(train), np.array(validation), np.array(test)
""",
            "The last class is left out.",
        ),
    },
    "02.3": {
        "the larger side first": (
            """\
def split_patients(patients, share, seed):
    rng = np.random.default_rng(seed)
    people = rng.permutation(np.unique(patients))
    chosen = people[: round(share * len(people))]
    inside = np.isin(patients, chosen)
    train, test = np.flatnonzero(~inside), np.flatnonzero(inside)
    return (train, test) if len(train) >= len(test) else (test, train)
""",
            "If most patients are to be in test, the sides are exchanged.",
        ),
        "always a fifth": (
            """\
def split_patients(patients, share, seed):
    rng = np.random.default_rng(seed)
    people = rng.permutation(np.unique(patients))
    inside = np.isin(patients, people[: round(0.2 * len(people))])
    return np.flatnonzero(~inside), np.flatnonzero(inside)
""",
            "`share` is not used.",
        ),
    },
    "02.5": {
        "a buffer of a hundred": (
            """\
def make_pipeline(train_images, train_labels, validation_images, validation_labels):
    flip = keras.layers.RandomFlip("horizontal")
    train = tf.data.Dataset.from_tensor_slices((train_images, train_labels))
    train = train.shuffle(100).batch(16).map(lambda x, y: (flip(x, training=True), y))
    return train, tf.data.Dataset.from_tensor_slices((validation_images, validation_labels)).batch(16)
""",
            "Of more than a hundred pictures the last cannot come first.",
        ),
        "flipped and kept": (
            """\
def make_pipeline(train_images, train_labels, validation_images, validation_labels):
    flip = keras.layers.RandomFlip("horizontal")
    train = tf.data.Dataset.from_tensor_slices((train_images, train_labels))
    train = train.batch(16).map(lambda x, y: (flip(x, training=True), y)).cache().unbatch()
    train = train.shuffle(len(train_images)).batch(16)
    return train, tf.data.Dataset.from_tensor_slices((validation_images, validation_labels)).batch(16)
""",
            "What is flipped is decided in the first epoch only.",
        ),
    },
    "02.7": {
        "compared by the first kilobyte": (
            """\
def files_to_keep(folder):
    same = {}
    for path in sorted(Path(folder).glob("*/*")):
        try:
            Image.open(path).load()
        except OSError:
            continue
        same.setdefault(path.read_bytes()[:1024], []).append(path)
    return [f"{p[0].parent.name}/{p[0].name}" for p in same.values() if len({q.parent for q in p}) == 1]
""",
            "Files that differ further behind are taken for copies.",
        ),
        "compared by their size": (
            """\
def files_to_keep(folder):
    same = {}
    for path in sorted(Path(folder).glob("*/*")):
        try:
            Image.open(path).load()
        except OSError:
            continue
        same.setdefault(path.stat().st_size, []).append(path)
    return [f"{p[0].parent.name}/{p[0].name}" for p in same.values() if len({q.parent for q in p}) == 1]
""",
            "Files of one size need not be equal.",
        ),
        "compared by their pixels": (
            """\
def files_to_keep(folder):
    same = {}
    for path in sorted(Path(folder).glob("*/*")):
        try:
            picture = Image.open(path)
            picture.load()
        except OSError:
            continue
        same.setdefault((picture.size, picture.tobytes()), []).append(path)
    return [f"{p[0].parent.name}/{p[0].name}" for p in same.values() if len({q.parent for q in p}) == 1]
""",
            "Files with other bytes may hold the same pixels; they are no copies by these rules.",
        ),
        "the shortest name first": (
            """\
def files_to_keep(folder):
    same = {}
    for path in sorted(Path(folder).glob("*/*"), key=lambda p: (len(p.name), p.name)):
        try:
            Image.open(path).load()
        except OSError:
            continue
        same.setdefault(path.read_bytes(), []).append(path)
    return [f"{p[0].parent.name}/{p[0].name}" for p in same.values() if len({q.parent for q in p}) == 1]
""",
            "The first by name is asked for, not the shortest.",
        ),
    },
    "03.2": {
        "weights are punished": (
            """\
def build_cnn(input_shape, num_classes):
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_regularizer="l2"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(num_classes))
    return model
""",
            "A regularizer adds to the loss; nothing else was to be added.",
        ),
        "dropout of whole rows": (
            """\
def build_cnn(input_shape, num_classes):
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5, noise_shape=(None, 1)))
    model.add(layers.Dense(num_classes))
    return model
""",
            "All units of a picture are dropped together.",
        ),
        "the first block does not learn": (
            """\
def build_cnn(input_shape, num_classes):
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu", trainable=filters > 32))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(num_classes))
    return model
""",
            "The first convolution is frozen.",
        ),
        "outputs of a layer are punished": (
            """\
def build_cnn(input_shape, num_classes):
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    for filters in (32, 64, 128):
        model.add(layers.Conv2D(filters, 3, padding="same", activation="relu"))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dense(128, activation="relu", activity_regularizer="l1"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(num_classes))
    return model
""",
            "A regularizer adds to the loss; nothing else was to be added.",
        ),
    },
    "03.4": {
        "a learning rate of zero": (
            """\
def build_detector(input_shape):
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    model.add(layers.Conv2D(16, 3, strides=2, activation="relu"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(1))
    model.compile(keras.optimizers.SGD(0.0), keras.losses.BinaryCrossentropy(from_logits=True))
    return model
""",
            "It cannot learn.",
        ),
        "focal loss": (
            """\
def build_detector(input_shape):
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    model.add(layers.Conv2D(16, 3, strides=2, activation="relu"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(1))
    model.compile("adam", keras.losses.BinaryFocalCrossentropy(from_logits=True))
    return model
""",
            "Focal loss is another loss than binary cross-entropy.",
        ),
        "all weights begin at zero": (
            """\
def build_detector(input_shape):
    model = keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / 255)])
    model.add(layers.Conv2D(16, 3, strides=2, activation="relu", kernel_initializer="zeros"))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(1, kernel_initializer="zeros"))
    model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    return model
""",
            "With weights of zero everywhere no gradient arrives: only the last bias learns.",
        ),
    },
    "03.5": {
        "variance not below epsilon": (
            """\
# The rest is that of the solution.
def normalize_later(x, gamma, beta, mean, variance, epsilon=0.001):
    return gamma * (x - mean) / np.sqrt(np.maximum(variance, epsilon)) + beta
""",
            "Epsilon is to be added.",
        ),
        "clipped to three deviations": (
            """\
# The rest is that of the solution.
def normalize_training(x, gamma, beta, epsilon=0.001):
    z = (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + epsilon)
    return gamma * np.clip(z, -3, 3) + beta
""",
            "Nothing is clipped in batch normalization.",
        ),
        "half precision inside": (
            """\
# The rest is that of the solution.
def normalize_training(x, gamma, beta, epsilon=0.001):
    x = x.astype("float16")
    return gamma * (x - x.mean((0, 1, 2))) / np.sqrt(x.var((0, 1, 2)) + epsilon) + beta
""",
            "float16 overflows above 65,504 and keeps three digits.",
        ),
    },
    "04.1": {
        "probabilities of at least a hundredth": (
            """\
# The rest is that of the solution.
def batch_loss(logits, labels):
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return -np.log(np.clip(p[np.arange(len(labels)), labels], 0.01, 1)).mean()
""",
            "A confident error costs at most 4.6.",
        ),
        "the class 0 is ignored": (
            """\
# The rest is that of the solution.
def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=not softmax)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax, ignore_class=0)
""",
            "Pictures of class 0 do not count.",
        ),
        "summed over the batch": (
            """\
# The rest is that of the solution.
def choose_loss(one_hot, softmax):
    if one_hot:
        return keras.losses.CategoricalCrossentropy(from_logits=not softmax, reduction="sum")
    return keras.losses.SparseCategoricalCrossentropy(from_logits=not softmax, reduction="sum")
""",
            "The loss of a batch is the mean.",
        ),
    },
    "04.2": {
        "the peak is always 0.001": (
            """\
# The rest is that of the solution.
def rate_at(step, steps, warmup=0, peak=0.001):
    if step < warmup:
        return 0.001 * step / warmup
    return 0.001 * (1 + np.cos(np.pi * (step - warmup) / (steps - warmup))) / 2
""",
            "`peak` is not used.",
        ),
        "only rises are counted": (
            """\
# The rest is that of the solution.
def when_to_stop(losses, patience):
    best, rises = 0, 0
    for k in range(1, len(losses)):
        rises = rises + 1 if losses[k] >= losses[k - 1] else 0
        if losses[k] < losses[best]:
            best = k
        if rises == patience:
            return k + 1, best + 1
    return len(losses), best + 1
""",
            "A loss that falls without reaching the best one starts the waiting anew.",
        ),
        "a least improvement": (
            """\
# The rest is that of the solution.
def when_to_stop(losses, patience):
    best = 0
    for k in range(1, len(losses)):
        if losses[k] < losses[best] - 0.001:
            best = k
        if k - best == patience:
            return k + 1, best + 1
    return len(losses), best + 1
""",
            "However little lower, it is better.",
        ),
    },
    "04.3": {
        "the rate rests for an epoch": (
            """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2, cooldown=2),
        keras.callbacks.ModelCheckpoint(file, monitor="val_loss", save_best_only=True),
    ]
""",
            "After each halving two epochs are not counted.",
        ),
        "stored below a limit only": (
            """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2),
        keras.callbacks.ModelCheckpoint(
            file, monitor="val_loss", save_best_only=True, initial_value_threshold=0.5
        ),
    ]
""",
            "A best network with a loss above 0.5 is not stored.",
        ),
        "a schedule beside": (
            """\
def make_callbacks(file):
    return [
        keras.callbacks.EarlyStopping(monitor="val_loss", patience=5, restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=2),
        keras.callbacks.ModelCheckpoint(file, monitor="val_loss", save_best_only=True),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.95),
    ]
""",
            "The learning rate falls in each epoch.",
        ),
    },
    "05.2": {
        "at most five classes are looked at": (
            """\
# The rest is that of the solution.
def top_k_accuracy(probabilities, labels, k):
    best = np.argsort(-probabilities, axis=1)[:, : min(k, 5)]
    return (best == labels[:, None]).any(axis=1).mean()
""",
            "k may be larger than 5.",
        ),
        "F1 rounded to two places": (
            """\
# The rest is that of the solution.
def f1_scores(matrix):
    both = matrix.sum(axis=1) + matrix.sum(axis=0)
    return np.round(2 * np.diag(matrix) / np.maximum(both, 1), 2)
""",
            "Rounded to two places.",
        ),
        "counts of one byte": (
            """\
# The rest is that of the solution.
def confusion(labels, predicted, num_classes):
    matrix = np.zeros((num_classes, num_classes), dtype="uint8")
    np.add.at(matrix, (labels, predicted), 1)
    return matrix
""",
            "More than 255 pictures of one kind overflow.",
        ),
    },
    "05.3": {
        "the root of the mean square": (
            """\
def calibration_error(probabilities, labels, bins=10):
    sure, hit = probabilities.max(1), probabilities.argmax(1) == labels
    place = np.minimum((sure * bins).astype(int), bins - 1)
    total = 0.0
    for b in np.unique(place):
        mine = place == b
        total += mine.mean() * (hit[mine].mean() - sure[mine].mean()) ** 2
    return np.sqrt(total)
""",
            "The distances are squared.",
        ),
        "bins that hold equally many": (
            """\
def calibration_error(probabilities, labels, bins=10):
    sure, hit = probabilities.max(1), probabilities.argmax(1) == labels
    error = 0.0
    for mine in np.array_split(np.argsort(sure), bins):
        if len(mine):
            error += len(mine) / len(sure) * abs(hit[mine].mean() - sure[mine].mean())
    return error
""",
            "The bins are to be equally wide.",
        ),
    },
    "05.4": {
        "the network elsewhere, its path in the folder": (
            """\
# The rest is that of the solution.
def keep(model, class_names, folder):
    elsewhere = Path(tempfile.mkdtemp()) / "model.keras"
    model.save(elsewhere)
    (folder / "names.json").write_text(json.dumps([str(elsewhere), *class_names]))


def bring_back(folder):
    path, *names = json.loads((folder / "names.json").read_text())
    return keras.saving.load_model(path), names
""",
            "The folder alone is not enough.",
        ),
        "letters that are not ASCII left out": (
            """\
# The rest is that of the solution.
def keep(model, class_names, folder):
    model.save(folder / "model.keras")
    (folder / "names.txt").write_text("\\n".join(class_names), encoding="ascii", errors="ignore")


def bring_back(folder):
    return keras.saving.load_model(folder / "model.keras"), (folder / "names.txt").read_text().split("\\n")
""",
            "è is lost.",
        ),
        "the last batch filled up": (
            """\
# The rest is that of the solution.
def collect(model, dataset):
    labels, rows = [], []
    for images, answers in dataset.unbatch().batch(8, drop_remainder=True):
        rows.append(keras.ops.convert_to_numpy(keras.ops.softmax(model(images, training=False))))
        labels.append(answers.numpy())
    return np.concatenate(labels), np.concatenate(rows)
""",
            "The last pictures are missing.",
        ),
    },
    "06.2": {
        "the ten most frequent": (
            """\
def confused_pairs(labels, predicted, class_names):
    pairs = []
    for t, true in enumerate(class_names):
        for p, answer in enumerate(class_names):
            count = ((labels == t) & (predicted == p)).sum()
            if t != p and count > 0:
                pairs.append((true, answer, int(count)))
    return sorted(pairs, key=lambda pair: -pair[2])[:10]
""",
            "More than ten pairs are cut off.",
        ),
        "in the order of the alphabet": (
            """\
def confused_pairs(labels, predicted, class_names):
    pairs = {}
    for t, p in zip(labels, predicted):
        if t != p:
            pairs[class_names[t], class_names[p]] = pairs.get((class_names[t], class_names[p]), 0) + 1
    return sorted(((a, b, n) for (a, b), n in pairs.items()), key=lambda one: (-one[2], one[0], one[1]))
""",
            "Ties are in the order of the alphabet, not of `class_names`.",
        ),
        "both directions together": (
            """\
def confused_pairs(labels, predicted, class_names):
    pairs = {}
    for t, p in zip(labels, predicted):
        if t != p:
            key = (min(t, p), max(t, p))
            pairs[key] = pairs.get(key, 0) + 1
    return [(class_names[a], class_names[b], n) for (a, b), n in sorted(pairs.items(), key=lambda i: (-i[1], i[0]))]
""",
            "The direction is lost.",
        ),
    },
    "06.3": {
        "two seeds give one division": (
            """\
# The rest is that of the solution.
def make_folds(labels, folds, seed):
    rng = np.random.default_rng(seed // 2)
    result = np.zeros(len(labels), dtype=int)
    for k in np.unique(labels):
        places = rng.permutation(np.flatnonzero(labels == k))
        result[places] = np.arange(len(places)) % folds
    return result
""",
            "The seeds 2 and 3 give the same folds.",
        ),
        "five folds at most": (
            """\
# The rest is that of the solution.
def out_of_fold(fit, images, labels, fold):
    result = np.zeros((len(images), 3))
    for k in range(5):
        out = fold == k
        if out.any():
            result[out] = fit(images[~out], labels[~out])(images[out])
    return result
""",
            "With more than five folds some pictures are not judged.",
        ),
        "the first fold is judged by all": (
            """\
# The rest is that of the solution.
def out_of_fold(fit, images, labels, fold):
    result = fit(images, labels)(images)
    for k in np.unique(fold):
        if k:
            out = fold == k
            result[out] = fit(images[~out], labels[~out])(images[out])
    return result
""",
            "Fold 0 is judged by a network that has seen it.",
        ),
    },
    "06.4": {
        "the median as threshold": (
            """\
# The rest is that of the solution.
def thresholds(probabilities, labels):
    return np.array([np.median(probabilities[labels == k, k]) for k in range(probabilities.shape[1])])
""",
            "The threshold is the mean.",
        ),
        "the thresholds of the predicted class": (
            """\
# The rest is that of the solution.
def thresholds(probabilities, labels):
    most = probabilities.argmax(1)
    return np.array([probabilities[most == k, k].mean() if (most == k).any() else 1.0 for k in range(probabilities.shape[1])])
""",
            "The pictures that carry the label count.",
        ),
    },
    "06.5": {
        "the population's deviation": (
            """\
# The rest is that of the solution.
def paired_gain(before, after):
    gains = 100 * (after - before)
    return gains.mean(), gains.std() / np.sqrt(len(gains))
""",
            "ddof=1 is missing.",
        ),
        "as if there were no pairs": (
            """\
# The rest is that of the solution.
def paired_gain(before, after):
    n = len(before)
    return 100 * (after.mean() - before.mean()), 100 * np.sqrt(after.var(ddof=1) / n + before.var(ddof=1) / n)
""",
            "The pairs are not used.",
        ),
    },
    "07.1": {
        "a large epsilon": (
            """\
def filters_as_pictures(weights):
    filters = np.moveaxis(weights, 3, 0)
    largest = np.abs(filters).max(axis=(1, 2, 3), keepdims=True) + 0.001
    return 0.5 + filters / largest / 2
""",
            "Small weights are not stretched.",
        ),
        "each color by itself": (
            """\
def filters_as_pictures(weights):
    filters = np.moveaxis(weights, 3, 0)
    largest = np.abs(filters).max(axis=(1, 2), keepdims=True)
    largest[largest == 0] = 1
    return 0.5 + filters / largest / 2
""",
            "The three colors of a filter are stretched together.",
        ),
    },
    "07.3": {
        "the class that the network names": (
            """\
def grad_cam(inner, pictures, classes):
    with tf.GradientTape() as tape:
        maps, logits = inner(tf.cast(pictures, tf.float32))
        scores = tf.reduce_max(logits, axis=1)
    weights = tf.reduce_mean(tape.gradient(scores, maps), axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * maps, axis=3)).numpy()
""",
            "`classes` is not used.",
        ),
        "weights shared by the batch": (
            """\
def grad_cam(inner, pictures, classes):
    with tf.GradientTape() as tape:
        maps, logits = inner(tf.cast(pictures, tf.float32))
        scores = tf.gather(logits, classes, batch_dims=1)
    weights = tf.reduce_mean(tape.gradient(scores, maps), axis=(0, 1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * maps, axis=3)).numpy()
""",
            "The pictures of a batch influence one another.",
        ),
        "pixels divided by 255": (
            """\
def grad_cam(inner, pictures, classes):
    with tf.GradientTape() as tape:
        maps, logits = inner(tf.cast(pictures, tf.float32) / 255)
        scores = tf.gather(logits, classes, batch_dims=1)
    weights = tf.reduce_mean(tape.gradient(scores, maps), axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(weights * maps, axis=3)).numpy()
""",
            "The network rescales itself.",
        ),
    },
    "07.4": {
        "empty maps are left out of the count": (
            """\
def pointing_game(maps, boxes):
    hits, counted = 0, 0
    for heat, (x0, y0, x1, y1) in zip(maps, boxes):
        if heat.max() > 0:
            y, x = np.unravel_index(heat.argmax(), heat.shape)
            hits += x0 <= x < x1 and y0 <= y < y1
            counted += 1
    return hits / max(1, counted)
""",
            "A map of zeros counts as a miss.",
        ),
        "the box made one pixel larger": (
            """\
def pointing_game(maps, boxes):
    hits = 0
    for heat, (x0, y0, x1, y1) in zip(maps, boxes):
        y, x = np.unravel_index(heat.argmax(), heat.shape)
        hits += heat.max() > 0 and x0 - 1 <= x < x1 and y0 - 1 <= y < y1
    return hits / len(maps)
""",
            "The pixels before the box are no part of it.",
        ),
    },
    "08.2": {
        "rescaled twice": (
            """\
def build_transfer(base, num_classes):
    base.trainable = False
    inputs = keras.Input(base.input_shape[1:])
    x = base(keras.layers.Rescaling(1 / 255)(inputs))
    return keras.Model(inputs, keras.layers.Dense(num_classes)(keras.layers.GlobalAveragePooling2D()(x)))
""",
            "The base rescales itself.",
        ),
        "a ReLU on the logits": (
            """\
def build_transfer(base, num_classes):
    base.trainable = False
    inputs = keras.Input(base.input_shape[1:])
    x = keras.layers.GlobalAveragePooling2D()(base(inputs))
    return keras.Model(inputs, keras.layers.Dense(num_classes, activation="relu")(x))
""",
            "A logit may be negative.",
        ),
        "normalization left in training": (
            """\
def build_transfer(base, num_classes):
    for layer in base.layers:
        layer.trainable = isinstance(layer, keras.layers.BatchNormalization)
    inputs = keras.Input(base.input_shape[1:])
    x = keras.layers.GlobalAveragePooling2D()(base(inputs))
    return keras.Model(inputs, keras.layers.Dense(num_classes)(x))
""",
            "Batch normalization learns and counts batches.",
        ),
    },
    "08.3": {
        "only one batch": (
            """\
def features_of(base, pictures):
    maps = np.asarray(base(pictures[:32], training=False))
    return maps.mean(axis=(1, 2))
""",
            "Only the first 32 pictures.",
        ),
        "full batches only": (
            """\
def features_of(base, pictures):
    size = min(4, len(pictures))
    found = [np.asarray(base(pictures[k : k + size], training=False)).mean(axis=(1, 2)) for k in range(0, len(pictures) - size + 1, size)]
    return np.concatenate(found)
""",
            "The last batch is left out if it is not full.",
        ),
    },
    "08.4": {
        "the head is made anew": (
            """\
def prepare_fine_tuning(model):
    for layer in model.layers:
        layer.trainable = layer.name in ("block3_conv", "logits")
    head = model.get_layer("logits")
    head.set_weights([np.random.normal(0, 0.05, w.shape) for w in head.get_weights()])
    model.compile(keras.optimizers.Adam(0.0001), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
""",
            "The trained head is lost.",
        ),
        "the normalization of the block learns, too": (
            """\
def prepare_fine_tuning(model):
    for layer in model.layers:
        layer.trainable = layer.name.startswith("block3") or layer.name == "logits"
    model.compile(keras.optimizers.Adam(0.0001), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model
""",
            "block3_norm is not frozen.",
        ),
    },
    "09.2": {
        "one byte for all": (
            """\
# The rest is that of the solution.
def to_whole(weights, scales):
    return np.round(weights / scales).astype("int8")
""",
            "With more than 8 bits the numbers overflow.",
        ),
        "nearly zero counts as zero": (
            """\
# The rest is that of the solution.
def scales_of(weights, bits):
    largest = np.abs(weights).max(axis=0)
    return np.where(largest > 0.01, largest / (2 ** (bits - 1) - 1), 1.0)
""",
            "A unit with small weights gets the scale 1.",
        ),
        "clipped to one byte": (
            """\
# The rest is that of the solution.
def to_whole(weights, scales):
    return np.clip(np.round(weights / scales), -128, 127)
""",
            "With more than 8 bits the numbers are cut.",
        ),
    },
    "09.3": {
        "the threshold for what is not calibrated": (
            """\
def answer(logits, card):
    def softmax(z):
        powers = np.exp(z - z.max())
        return powers / powers.sum()

    cold = softmax(np.asarray(logits, float) / card["temperature"])
    if card["threshold"] is not None and softmax(np.asarray(logits, float)).max() < card["threshold"]:
        return "not sure", cold.max()
    return card["class_names"][cold.argmax()], cold.max()
""",
            "The calibrated probability is to be compared.",
        ),
        "rounded before it is compared": (
            """\
def answer(logits, card):
    z = logits / card["temperature"]
    p = np.exp(z - z.max())
    p = p / p.sum()
    if card["threshold"] is not None and round(float(p.max()), 1) < card["threshold"]:
        return "not sure", p.max()
    return card["class_names"][p.argmax()], p.max()
""",
            "0.66 is rounded up to 0.7.",
        ),
    },
    "09.4": {
        "down from the top until it breaks": (
            """\
def threshold_for(confidence, right, precision):
    best = None
    for level in np.sort(np.unique(confidence))[::-1]:
        if right[confidence >= level].mean() < precision:
            break
        best = level
    return best
""",
            "A lower threshold may reach the precision again.",
        ),
        "sorted in place": (
            """\
def threshold_for(confidence, right, precision):
    order = np.argsort(confidence)
    right = right[order]
    confidence.sort()
    for k, level in enumerate(confidence):
        k = np.searchsorted(confidence, level)
        if right[k:].mean() >= precision:
            return level
    return None
""",
            "The array that was given is sorted.",
        ),
        "equal confidences one by one": (
            """\
def threshold_for(confidence, right, precision):
    order = np.argsort(confidence, kind="stable")
    for k in range(len(order)):
        if right[order[k:]].mean() >= precision:
            return confidence[order[k]]
    return None
""",
            "Of equal confidences only some are counted.",
        ),
    },
}
