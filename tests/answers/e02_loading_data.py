"""Answers to exercise 02."""

from __future__ import annotations

from answers import Answers

# --- 02.1: labels ------------------------------------------------------------------------------


def _labels(
    one_hot="np.eye(num_classes)[labels]",
    index="np.argmax(one_hot, axis=1)",
    positions="np.flatnonzero(np.isin(labels, wanted))",
    new="np.array([wanted.index(c) for c in labels[positions]])",
    end="positions, new",
) -> str:
    return f"""def to_one_hot(labels, num_classes):
    return {one_hot}

def to_index(one_hot):
    return {index}

def keep_classes(labels, wanted):
    positions = {positions}
    new = {new}
    return {end}
"""


LABELS = Answers(
    right={
        "with Keras": _labels(
            "keras.utils.to_categorical(labels, num_classes)", "one_hot.argmax(axis=-1)"
        ),
        "compared": _labels(
            "(labels[:, None] == np.arange(num_classes)).astype('float32')",
            "np.array([list(row).index(1) for row in one_hot])",
            "[k for k, c in enumerate(labels) if c in wanted]",
        ),
        "with loops": """def to_one_hot(labels, num_classes):
    table = np.zeros((len(labels), num_classes))
    for row, label in enumerate(labels):
        table[row, label] = 1
    return table

def to_index(one_hot):
    indices = []
    for row in one_hot:
        for column, value in enumerate(row):
            if value == 1:
                indices.append(column)
    return indices

def keep_classes(labels, wanted):
    positions, new = [], []
    for k in range(len(labels)):
        for number, c in enumerate(wanted):
            if labels[k] == c:
                positions.append(k)
                new.append(number)
    return positions, new
""",
        "with TensorFlow and a dictionary": _labels(
            "tf.one_hot(labels, num_classes)",
            "tf.argmax(one_hot, axis=1)",
            new="[{c: k for k, c in enumerate(wanted)}[int(c)] for c in labels[positions]]",
            end="[np.asarray(positions), np.asarray(new)]",
        ),
    },
    wrong={
        "table turned": (_labels("np.eye(num_classes)[labels].T"), "axes swapped"),
        "columns of these labels": (
            _labels("np.eye(labels.max() + 1)[labels]"),
            "classes counted in the labels",
        ),
        "columns of the classes that occur": (
            _labels("(labels[:, None] == np.unique(labels)).astype(int)"),
            "classes counted in the labels",
        ),
        "counted from 1": (_labels("np.eye(num_classes)[labels - 1]"), "counted from 1"),
        "a column too many": (_labels("np.eye(num_classes + 1)[labels + 1]"), "counted from 1"),
        "zeros for ones": (
            _labels("1 - np.eye(num_classes)[labels]"),
            "zeros and ones exchanged",
        ),
        "labels as they are": (_labels("labels"), "shape"),
        "largest of each column": (_labels(index="one_hot.argmax(axis=0)"), "wrong axis"),
        "largest of all": (_labels(index="one_hot.argmax()"), "wrong axis"),
        "one more": (_labels(index="one_hot.argmax(axis=1) + 1"), "counted from 1"),
        "floats": (_labels(index="one_hot.argmax(axis=1).astype(float)"), "not whole numbers"),
        "the largest itself": (_labels(index="one_hot.max(axis=1)"), None),
        "old labels": (_labels(new="labels[positions]"), "labels not renumbered"),
        "numbered in the old order": (
            _labels(new="np.array([sorted(wanted).index(c) for c in labels[positions]])"),
            "labels in the order of the old ones",
        ),
        "True and False": (
            _labels(positions="np.isin(labels, wanted)"),
            "masks instead of positions",
        ),
        "class by class": (
            _labels(positions="np.concatenate([np.flatnonzero(labels == c) for c in wanted])"),
            "sorted by class",
        ),
        "the others": (
            _labels(
                positions="np.flatnonzero(~np.isin(labels, wanted))",
                new="np.array([[c for c in range(9) if c not in wanted].index(c)"
                " for c in labels[positions]])",
            ),
            "the others kept",
        ),
        "labels only": (_labels(end="new"), None),
        "only the first class": (_labels(positions="np.flatnonzero(labels == wanted[0])"), None),
    },
)

# --- 02.2: the split ---------------------------------------------------------------------------


def _split(
    begin="rng = np.random.default_rng(seed)",
    classes="np.unique(labels)",
    positions="rng.permutation(np.flatnonzero(labels == c))",
    tenth="len(positions) // 10",
    test="positions[tenth : 2 * tenth]",
    train="positions[2 * tenth :]",
    end="np.array(train), np.array(validation), np.array(test)",
) -> str:
    return f"""def split(labels, seed):
    {begin}
    train, validation, test = [], [], []
    for c in {classes}:
        positions = {positions}
        tenth = {tenth}
        validation.extend(positions[:tenth])
        test.extend({test})
        train.extend({train})
    return {end}
"""


def _sklearn(second="1 / 9", stratify="labels", rest="labels[rest]", state="seed", more="") -> str:
    return f"""from sklearn.model_selection import train_test_split

def split(labels, seed):
    every = np.arange(len(labels))
    rest, test = train_test_split(
        every, test_size=0.1, stratify={stratify}, random_state={state}{more})
    train, validation = train_test_split(
        rest, test_size={second}, stratify={rest}, random_state={state}{more})
    return train, validation, test
"""


SPLIT = Answers(
    right={
        "scikit-learn": _sklearn(),
        "rounded down": _split(),
        "lists": _split(end="[int(k) for k in train], validation, test"),
        "sorted afterwards": _split(end="tuple(np.sort(one) for one in (train, validation, test))"),
        "old generator and array_split": """def split(labels, seed):
    random = np.random.RandomState(seed)
    parts = [[], [], []]
    for c in set(labels.tolist()):
        positions = np.where(labels == c)[0]
        random.shuffle(positions)
        n = len(positions)
        cuts = [int(round(0.8 * n)), int(round(0.9 * n))]
        for part, piece in zip(parts, np.split(positions, cuts)):
            part += piece.tolist()
    return tuple(parts)
""",
    },
    wrong={
        "test images in training, too": (_split(train="positions[tenth:]"), "leak"),
        "validation is test": (_split(test="positions[:tenth]"), "leak"),
        "drawn with replacement": (
            _split(positions="rng.choice(np.flatnonzero(labels == c), (labels == c).sum())"),
            "leak",
        ),
        "everything in training": (_split(train="positions"), "leak"),
        "some left over": (_split(train="positions[3 * tenth :]"), "images lost"),
        "not stratified": (
            """def split(labels, seed):
    order = np.random.default_rng(seed).permutation(len(labels))
    n = len(labels) // 10
    return order[2 * n:], order[:n], order[n:2 * n]
""",
            "not stratified",
        ),
        "stratified once": (_sklearn(stratify="None", rest="None"), "not stratified"),
        "twenty percent": (_split(tenth="len(positions) // 5"), "shares wrong"),
        "a tenth of the rest": (
            _split(
                tenth="len(positions) // 10",
                test="positions[tenth : tenth + 2 * tenth]",
                train="positions[3 * tenth :]",
            ),
            "shares wrong",
        ),
        "test first": (
            _split(end="np.array(test), np.array(validation), np.array(train)"),
            "order of splits",
        ),
        "another one each time": (_split(begin="rng = np.random.default_rng()"), "not repeatable"),
        "seed ignored": (_split(begin="rng = np.random.default_rng(0)"), "seed ignored"),
        "not shuffled": (_split(positions="np.flatnonzero(labels == c)"), "not shuffled"),
        "two arrays": (_split(end="np.array(train), np.array(test)"), None),
        "labels for positions": (
            _split(end="labels[train], labels[validation], labels[test]"),
            "leak",
        ),
        "nothing returned": (_split().replace("return", "result ="), "nothing returned"),
        "masks": (
            _split(
                end="tuple(np.isin(np.arange(len(labels)), p) for p in (train, validation, test))"
            ),
            None,
        ),
    },
)

# --- 02.3: patients ----------------------------------------------------------------------------


def _patients(
    rng="np.random.default_rng(seed)",
    people="rng.permutation(np.unique(patients))",
    chosen="people[: round(share * len(people))]",
    end="np.flatnonzero(~in_test), np.flatnonzero(in_test)",
) -> str:
    return f"""def split_patients(patients, share, seed):
    rng = {rng}
    people = {people}
    chosen = {chosen}
    in_test = np.isin(patients, chosen)
    return {end}
"""


PATIENTS = Answers(
    right={
        "rounded down": _patients(chosen="people[: int(share * len(people))]"),
        "chosen": _patients(chosen="rng.choice(people, round(share * len(people)), replace=False)"),
        "scikit-learn": """from sklearn.model_selection import GroupShuffleSplit

def split_patients(patients, share, seed):
    splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
    return next(splitter.split(patients, groups=patients))
""",
        "a set and loops": """import random

def split_patients(patients, share, seed):
    people = sorted(set(patients.tolist()))
    random.Random(seed).shuffle(people)
    chosen = set(people[: round(share * len(people))])
    train = [k for k, p in enumerate(patients) if p not in chosen]
    test = [k for k, p in enumerate(patients) if p in chosen]
    return train, test
""",
        "people divided first": """from sklearn.model_selection import train_test_split

def split_patients(patients, share, seed):
    train, test = train_test_split(np.unique(patients), test_size=share, random_state=seed)
    return np.where(np.isin(patients, train))[0], np.where(np.isin(patients, test))[0]
""",
    },
    wrong={
        "X-rays divided": (
            """def split_patients(patients, share, seed):
    order = np.random.default_rng(seed).permutation(len(patients))
    n = round(share * len(patients))
    return order[n:], order[:n]
""",
            "leak",
        ),
        "one X-ray of each patient": (
            """def split_patients(patients, share, seed):
    order = np.random.default_rng(seed).permutation(len(patients))
    _, first = np.unique(patients[order], return_index=True)
    test = order[first]
    return np.setdiff1d(order, test), test
""",
            "leak",
        ),
        "stratified by patient": (
            """def split_patients(patients, share, seed):
    rng = np.random.default_rng(seed)
    train, test = [], []
    for p in np.unique(patients):
        k = rng.permutation(np.flatnonzero(patients == p))
        n = round(share * len(k))
        test.extend(k[:n])
        train.extend(k[n:])
    return train, test
""",
            "leak",
        ),
        "test X-rays in training, too": (
            _patients(end="np.arange(len(patients)), np.flatnonzero(in_test)"),
            "leak",
        ),
        "exchanged": (
            _patients(end="np.flatnonzero(in_test), np.flatnonzero(~in_test)"),
            "order of splits",
        ),
        "share of the X-rays": (
            _patients(
                people="rng.permutation(patients)", chosen="people[: round(share * len(people))]"
            ),
            "shares wrong",
        ),
        "always a fifth": (_patients(chosen="people[: len(people) // 5]"), "shares wrong"),
        "the first patients": (_patients(people="np.unique(patients)"), "seed ignored"),
        "seed ignored": (_patients(rng="np.random.default_rng(1)"), "seed ignored"),
        "others each time": (_patients(rng="np.random.default_rng()"), "not repeatable"),
        "patients for positions": (_patients(end="people, chosen"), None),
        "one patient only": (_patients(chosen="people[:1]"), "shares wrong"),
        "X-rays lost": (
            _patients(end="np.flatnonzero(~in_test)[1:], np.flatnonzero(in_test)"),
            "images lost",
        ),
        "masks": (_patients(end="~in_test, in_test"), None),
    },
)

# --- 02.4: X-rays ------------------------------------------------------------------------------


def _xrays(
    color='"grayscale"',
    size="(48, 64)",
    batch="8",
    shuffle="False",
    mode='"int"',
    after="",
    end="dataset, dataset.class_names",
    unfit='["b", "d"]',
) -> str:
    return f"""def load_xrays(folder):
    dataset = keras.utils.image_dataset_from_directory(
        folder, label_mode={mode}, color_mode={color}, image_size={size}, batch_size={batch},
        shuffle={shuffle}, verbose=False)
    names = dataset.class_names
    {after or "pass"}
    return {end}

unfit = {unfit}
"""


_LOADING = (
    "L2: keras.utils.image_dataset_from_directory(folder, label_mode… → "
    "keras.utils.image_dataset_from_directory "
)

XRAYS = Answers(
    right={
        "the other order of letters": _xrays(unfit='["d", "b"]'),
        "as text": _xrays(unfit='"bd"'),
        "with prefetch": _xrays(
            after="dataset = dataset.prefetch(tf.data.AUTOTUNE)", end="dataset, names"
        ),
        "labels inferred": """def load_xrays(folder):
    dataset = keras.preprocessing.image_dataset_from_directory(
        str(folder), labels="inferred", class_names=["clear", "shadow"], color_mode="grayscale",
        image_size=(48, 64), batch_size=8, shuffle=False)
    return [dataset, list(dataset.class_names)]

unfit = ("B", "D")
""",
        "batched anew": _xrays(
            batch="None", after="dataset = dataset.batch(8)", end="dataset, names"
        ),
    },
    wrong={
        "in colour": (_xrays('"rgb"'), "colour"),
        "with alpha": (_xrays('"rgba"'), "colour"),
        "width first": (_xrays(size="(64, 48)"), "axes swapped"),
        "as large as the files": (_xrays(size="(60, 80)"), "size"),
        "Keras's own batches": (_xrays(batch="32"), "batch size"),
        "no batches": (_xrays(batch="None"), "no batches"),
        "one-hot": (_xrays(mode='"categorical"'), "labels one-hot"),
        "binary": (_xrays(mode='"binary"'), "labels one-hot"),
        "no labels": (_xrays(mode="None"), None),
        "shuffled": (_xrays(shuffle="True"), "shuffled"),
        "rescaled": (
            _xrays(after="dataset = dataset.map(lambda x, y: (x / 255, y))", end="dataset, names"),
            "rescaled",
        ),
        "last batch dropped": (
            _xrays(after="dataset = dataset.take(4)", end="dataset, names"),
            "images lost",
        ),
        "no names": (_xrays(end="dataset"), None),
        "names exchanged": (_xrays(end="dataset, names[::-1]"), "class names"),
        "names too late": (_xrays(after="dataset = dataset.map(lambda x, y: (x, y))"), None),
        "vertical flip fits": (_xrays(unfit='["d"]'), "vertical flip kept"),
        "horizontal flip fits": (_xrays(unfit='["b"]'), "horizontal flip kept"),
        "turning does not fit": (_xrays(unfit='["a", "b", "d"]'), None),
        "everything is unfit": (_xrays(unfit='["a", "b", "c", "d", "e"]'), None),
        "numbers": (_xrays(unfit="[2, 4]"), None),
        "no such letter": (_xrays(unfit='["b", "x"]'), None),
    },
    equivalent={
        _LOADING + "without label_mode": "class indices are the default",
        _LOADING + "without verbose": "it only prints less",
        "L9: False → True": "it only prints more",
    },
)

# --- 02.5: the pipeline ------------------------------------------------------------------------


def _pipeline(
    train="train.shuffle(40).batch(16)",
    changed="(flip(images, training=True), labels)",
    layer='keras.layers.RandomFlip("horizontal")',
    more="",
    validation=".batch(16)",
    begin="",
    end="train, validation",
) -> str:
    return f"""def make_pipeline(train_images, train_labels, validation_images, validation_labels):
    {begin or "pass"}
    flip = {layer}
    train = tf.data.Dataset.from_tensor_slices((train_images, train_labels))
    train = {train}
    train = train.map(lambda images, labels: {changed})
    validation = tf.data.Dataset.from_tensor_slices((validation_images, validation_labels))
    validation = validation{validation}
    {more or "pass"}
    return {end}
"""


PIPELINE = Answers(
    right={
        "with prefetch": _pipeline(end="train.prefetch(1), validation.prefetch(tf.data.AUTOTUNE)"),
        "image by image": """def make_pipeline(
    train_images, train_labels, validation_images, validation_labels
):
    def flip(image, label):
        return tf.image.random_flip_left_right(image), label

    slices = tf.data.Dataset.from_tensor_slices
    train = slices((train_images, train_labels)).shuffle(1000).map(flip).batch(16)
    return train, slices((validation_images, validation_labels)).batch(16)
""",
        "cached, then shuffled": _pipeline(train="train.cache().shuffle(1000, seed=1).batch(16)"),
        "flipped, then shuffled": """def make_pipeline(
    train_images, train_labels, validation_images, validation_labels
):
    train = tf.data.Dataset.from_tensor_slices((train_images, train_labels)).batch(1)
    layer = keras.layers.RandomFlip("horizontal")
    train = train.map(lambda x, y: (layer(x, training=True), y)).unbatch()
    train = train.shuffle(len(train_labels)).batch(16)
    validation = tf.data.Dataset.from_tensor_slices((validation_images, validation_labels))
    return [train, validation.batch(16).cache()]
""",
        "as a network": _pipeline(
            layer='keras.Sequential([keras.layers.RandomFlip("horizontal")])'
        ),
    },
    wrong={
        "validation flipped": (
            _pipeline(validation=".batch(16).map(lambda x, y: (flip(x, training=True), y))"),
            "validation augmented",
        ),
        "validation shuffled": (
            _pipeline(validation=".shuffle(100).batch(16)"),
            "validation shuffled",
        ),
        "both shuffled together": (
            _pipeline(more="validation = validation.unbatch().shuffle(99).batch(16)"),
            "validation shuffled",
        ),
        "training not shuffled": (_pipeline(train="train.batch(16)"), "not shuffled"),
        "batches shuffled": (
            _pipeline(train="train.batch(8).shuffle(40).unbatch().batch(16)"),
            "batches shuffled",
        ),
        "batches of 16 shuffled": (_pipeline(train="train.batch(16).shuffle(40)"), None),
        "shuffled in a buffer of one": (
            _pipeline(train="train.shuffle(1).batch(16)"),
            "not shuffled",
        ),
        "same order in each epoch": (
            _pipeline(train="train.shuffle(40, reshuffle_each_iteration=False).batch(16)"),
            "same in each epoch",
        ),
        "cached after flipping": (
            _pipeline(end="train.cache(), validation"),
            "same in each epoch",
        ),
        "not flipped": (_pipeline(changed="(images, labels)"), "not augmented"),
        "flipped without training": (
            _pipeline(changed="(flip(images, training=False), labels)"),
            "not augmented",
        ),
        "always flipped": (_pipeline(changed="(images[:, :, ::-1], labels)"), "always"),
        "flipped upside down, too": (
            _pipeline(layer='keras.layers.RandomFlip("horizontal_and_vertical")'),
            "vertical flip",
        ),
        "flipped upside down": (
            _pipeline(layer='keras.layers.RandomFlip("vertical")'),
            "vertical flip",
        ),
        "turned": (_pipeline(layer="keras.layers.RandomRotation(0.1)"), "changed otherwise"),
        "images shuffled without their labels": (
            _pipeline(begin="train_images = np.random.permutation(train_images)"),
            "labels mixed up",
        ),
        "rescaled": (
            _pipeline(changed="(flip(images / 255, training=True), labels)"),
            "rescaled",
        ),
        "validation rescaled": (
            _pipeline(validation=".batch(16).map(lambda x, y: (x / 255, y))"),
            "rescaled",
        ),
        "last batch dropped": (
            _pipeline(train="train.shuffle(40).batch(16, drop_remainder=True)"),
            "images lost",
        ),
        "repeated": (_pipeline(train="train.repeat(2).shuffle(80).batch(16)"), "images repeated"),
        "without end": (_pipeline(train="train.repeat().shuffle(80).batch(16)"), "images repeated"),
        "batches of 32": (_pipeline(train="train.shuffle(40).batch(32)"), "batch size"),
        "no batches": (
            _pipeline(
                train="train.shuffle(40)", changed="(images[:, ::1], labels)", validation=".skip(0)"
            ),
            "no batches",
        ),
        "one-hot": (
            _pipeline(changed="(flip(images, training=True), tf.one_hot(labels, 3))"),
            "labels one-hot",
        ),
        "exchanged": (_pipeline(end="validation, train"), None),
        "training only": (_pipeline(end="train"), None),
        "arrays": (_pipeline(end="train_images, validation_images"), None),
        "images only": (_pipeline(changed="flip(images, training=True)"), None),
    },
    equivalent={
        "L5: flip(images, training=True) → flip without training": "it flips unless told not to",
    },
)

ANSWERS = {
    "02.1": LABELS,
    "02.2": SPLIT,
    "02.3": PATIENTS,
    "02.4": XRAYS,
    "02.5": PIPELINE,
}
