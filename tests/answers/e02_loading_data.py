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
        "named pairs and whole numbers": """from collections import namedtuple
Kept = namedtuple("Kept", "positions labels")

def to_one_hot(labels, num_classes):
    rows = np.zeros((len(labels), num_classes), np.uint8)
    rows[range(len(labels)), labels] = 1
    return rows

def to_index(one_hot):
    return np.rint(one_hot @ np.arange(one_hot.shape[1])).astype(int)

def keep_classes(labels, wanted):
    table = np.asarray(labels)[:, None] == np.asarray(wanted)[None, :]
    positions = np.nonzero(table.any(axis=1))[0]
    return Kept(positions, table[positions].argmax(axis=1))
""",
        "pandas": """import pandas as pd

def to_one_hot(labels, num_classes):
    return pd.get_dummies(pd.Categorical(labels, categories=range(num_classes)))

def to_index(one_hot):
    return pd.DataFrame(one_hot).idxmax(axis=1)

def keep_classes(labels, wanted):
    kept = pd.Series(labels)[np.isin(labels, wanted)]
    return kept.index, kept.map({c: k for k, c in enumerate(wanted)})
""",
        "generators": _labels(
            "([int(c == label) for c in range(num_classes)] for label in labels)",
            "map(np.argmax, one_hot)",
            end="(list(part) for part in (positions, new))",
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
        "classes numbered again": (
            _labels("np.eye(num_classes)[np.unique(labels, return_inverse=True)[1]]"),
            "classes counted in the labels",
        ),
        "sorted indices": (_labels(index="np.sort(one_hot.argmax(axis=1))"), "sorted"),
        "columns that are used": (
            _labels(index="one_hot[:, one_hot.any(axis=0)].argmax(axis=1)"),
            "empty columns left out",
        ),
        "renamed one class after the other": (
            _labels().replace(
                "    return positions, new",
                "    new = labels[positions].copy()\n    for k, c in enumerate(wanted):\n"
                "        new[new == c] = k\n    return positions, new",
            ),
            "renamed twice",
        ),
        "the labels themselves renamed": (
            _labels().replace(
                "    return positions, new",
                "    labels[positions] = new\n    return positions, new",
            ),
            "arguments changed",
        ),
        "labels first": (_labels(end="new, positions"), "order of results"),
        "floats for new labels": (
            _labels(new="np.array([float(wanted.index(c)) for c in labels[positions]])"),
            "not whole numbers",
        ),
        "floats for positions": (
            _labels(
                positions="np.flatnonzero(np.isin(labels, wanted)) * 1",
                end="positions.astype(float), new",
            ),
            "not whole numbers",
        ),
        "all classes in between": (
            _labels(
                positions="np.flatnonzero((labels >= min(wanted)) & (labels <= max(wanted)))",
                new="np.array([wanted.index(c) if c in wanted else 0 for c in labels[positions]])",
            ),
            None,
        ),
        "the place in the sorted list": (
            _labels(new="np.searchsorted(wanted, labels[positions])"),
            None,
        ),
        "the smallest wanted class subtracted": (
            _labels(new="labels[positions] - min(wanted)"),
            None,
        ),
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
        "a named tuple of sets": (
            "from collections import namedtuple\nSplits = namedtuple('Splits', 'a b c')\n"
            + _split(end="Splits(set(train), set(validation), set(test))")
        ),
        "ten folds": """from sklearn.model_selection import StratifiedKFold

def split(labels, seed):
    folds = StratifiedKFold(10, shuffle=True, random_state=seed).split(labels, labels)
    parts = [test for _, test in folds]
    return np.concatenate(parts[2:]), parts[0], parts[1]
""",
        "two cuts of StratifiedShuffleSplit": """from sklearn import model_selection

def split(labels, seed):
    cut = model_selection.StratifiedShuffleSplit(1, test_size=0.2, random_state=seed)
    train, rest = next(cut.split(labels, labels))
    cut = model_selection.StratifiedShuffleSplit(1, test_size=0.5, random_state=seed)
    first, second = next(cut.split(rest, labels[rest]))
    return train, rest[first], rest[second]
""",
        "a table of images": """import pandas as pd

def split(labels, seed):
    table = pd.DataFrame({"label": labels}).sample(frac=1, random_state=seed)
    place = table.groupby("label").cumcount() / table.groupby("label")["label"].transform("size")
    test = (place >= 0.1) & (place < 0.2)
    return table.index[place >= 0.2], table.index[place < 0.1], table.index[test]
""",
    },
    wrong={
        "the labels of the splits": (
            """
def split(labels, seed):
    order = np.random.default_rng(seed).permutation(labels)
    return np.split(order, [int(0.8 * len(order)), int(0.9 * len(order))])
""",
            "labels instead of positions",
        ),
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
            "labels instead of positions",
        ),
        "nothing returned": (_split().replace("return", "result ="), "nothing returned"),
        "masks": (
            _split(
                end="tuple(np.isin(np.arange(len(labels)), p) for p in (train, validation, test))"
            ),
            "masks instead of positions",
        ),
        "stratified twice with a tenth": (_sklearn(second="0.1"), "shares wrong"),
        "a tenth of the rest, not stratified": (
            _sklearn(second="0.1", stratify="None", rest="None"),
            "shares wrong",
        ),
        "70, 15 and 15 %": (_split(tenth="round(0.15 * len(positions))"), "shares wrong"),
        "rotated by the seed": (
            _split(begin="", positions="np.roll(np.flatnonzero(labels == c), 7 * seed)"),
            "not random",
        ),
        "one order, rotated by the seed": (
            _split(
                begin="rng = np.random.default_rng(0)",
                positions="np.roll(rng.permutation(np.flatnonzero(labels == c)), 10 * seed)",
            ),
            "seed hardly matters",
        ),
        "every tenth": (
            _split(
                begin="",
                positions="np.concatenate([np.flatnonzero(labels == c)[(seed + k) % 10 :: 10]"
                " for k in range(10)])",
            ),
            "not random",
        ),
        "blocks of neighbors": (
            _split(
                positions="np.concatenate([block for _, block in sorted((rng.random(), block) for "
                "block in np.array_split(np.flatnonzero(labels == c), 40))])"
            ),
            "not random",
        ),
        "ten divisions only": (
            _split(begin="rng = np.random.default_rng(seed % 10)"),
            "seed hardly matters",
        ),
        "test is always the end": (
            _split(
                positions="np.flatnonzero(labels == c)",
                test="positions[-tenth:]",
                train="[]",
            ).replace(
                "validation.extend(positions[:tenth])",
                "positions[:-tenth] = rng.permutation(positions[:-tenth])\n"
                "        train.extend(positions[tenth:-tenth])\n"
                "        validation.extend(positions[:tenth])",
            ),
            "not random",
        ),
        "the same test images shuffled": (
            _split(
                positions="np.random.default_rng(1).permutation(np.flatnonzero(labels == c))",
                test="rng.permutation(positions[tenth : 2 * tenth])",
            ),
            "seed ignored",
        ),
        "test from the second half": (
            _split(
                positions="np.flatnonzero(labels == c)",
                train="[k for k in positions if k not in {*validation, *test}]",
                test="half[tenth : 2 * tenth]",
            ).replace(
                "validation.extend(positions[:tenth])",
                "half = rng.permutation(positions[len(positions) // 2 :])\n"
                "        validation.extend(half[:tenth])",
            ),
            "not random",
        ),
        "five classes": (_split(classes="range(5)"), "images lost"),
        "the labels sorted in their place": (
            _split(begin="rng = np.random.default_rng(seed); labels.sort()"),
            None,
        ),
        "floats": (_split(end="np.array(train) * 1.0, np.array(validation), np.array(test)"), None),
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
        "rounded up": _patients(chosen="people[: -int(-share * len(people) // 1)]"),
        "a dictionary of places": """import random

def split_patients(patients, share, seed):
    places = {}
    for k, p in enumerate(patients):
        places.setdefault(int(p), []).append(k)
    test = random.Random(seed).sample(sorted(places), round(share * len(places)))
    return ([k for p, one in places.items() if p not in test for k in one],
            [k for p in test for k in places[p]])
""",
        "a table": """import pandas as pd

def split_patients(patients, share, seed):
    table = pd.Series(patients)
    test = table.isin(table.drop_duplicates().sample(frac=share, random_state=seed))
    return table.index[~test], table.index[test]
""",
        "numbered by np.unique": """def split_patients(patients, share, seed):
    people, number = np.unique(patients, return_inverse=True)
    rank = np.random.default_rng(seed).permutation(len(people))
    chosen = rank[number] < round(share * len(people))
    return np.where(~chosen)[0], np.where(chosen)[0]
""",
    },
    wrong={
        "numbers of the patients": (
            _patients(end="np.setdiff1d(people, chosen), chosen"),
            "patients instead of positions",
        ),
        "numbers of patients for each X-ray": (
            _patients(end="patients[~in_test], patients[in_test]"),
            "patients instead of positions",
        ),
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
        "the first patients": (_patients(people="np.unique(patients)"), "not shuffled"),
        "seed ignored": (_patients(rng="np.random.default_rng(1)"), "seed ignored"),
        "others each time": (_patients(rng="np.random.default_rng()"), "not repeatable"),
        "patients for positions": (_patients(end="people, chosen"), None),
        "one patient only": (_patients(chosen="people[:1]"), "shares wrong"),
        "X-rays lost": (
            _patients(end="np.flatnonzero(~in_test)[1:], np.flatnonzero(in_test)"),
            "images lost",
        ),
        "masks": (_patients(end="~in_test, in_test"), "masks instead of positions"),
        "rotated by the seed": (
            _patients(people="np.roll(np.unique(patients), 7 * seed)"),
            "not random",
        ),
        "every so many patients": (
            _patients(
                people="np.unique(patients)",
                chosen="people[(seed + np.arange(round(share * len(people))) * len(people) // "
                "round(share * len(people))) % len(people)]",
            ),
            "not random",
        ),
        "one order, rotated by the seed": (
            _patients(
                rng="np.random.default_rng(0)",
                people="np.roll(rng.permutation(np.unique(patients)), 9 * seed)",
            ),
            "seed hardly matters",
        ),
        "twelve choices only": (
            _patients(rng="np.random.default_rng(seed % 12)"),
            "seed hardly matters",
        ),
        "until the X-rays are enough": (
            """def split_patients(patients, share, seed):
    chosen, enough = [], 0
    for p in np.random.default_rng(seed).permutation(np.unique(patients)):
        if enough < share * len(patients):
            chosen.append(p)
            enough += (patients == p).sum()
    in_test = np.isin(patients, chosen)
    return np.flatnonzero(~in_test), np.flatnonzero(in_test)
""",
            "shares wrong",
        ),
        "a coin for each patient": (
            _patients(chosen="people[rng.random(len(people)) < share]"),
            "shares wrong",
        ),
        "numbers without gaps": (
            _patients(people="rng.permutation(patients.max() + 1)"),
            "shares wrong",
        ),
        "patients among the first half": (
            _patients(
                people="rng.permutation(np.unique(patients))",
                chosen="sorted(people, key=lambda p: p > np.median(people))"
                "[: round(share * len(people))]",
            ),
            "not random",
        ),
        "X-rays of a patient follow each other": (
            _patients(
                end="np.flatnonzero(np.isin(np.sort(patients), chosen) == 0), "
                "np.flatnonzero(np.isin(np.sort(patients), chosen))"
            ),
            "leak",
        ),
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
        str(folder), labels="inferred", class_names=None, color_mode="grayscale",
        image_size=(48, 64), batch_size=8, shuffle=False)
    return [dataset, list(dataset.class_names)]

unfit = ("B", "D")
""",
        "batched anew": _xrays(
            batch="None", after="dataset = dataset.batch(8)", end="dataset, names"
        ),
        "letters in an array, with brackets": _xrays(unfit="np.array(['b)', 'D)'])"),
        "letters in a set": _xrays(unfit="{'d', 'b'}"),
        "letters with what they stand for": _xrays(
            unfit="['b: flip it upside down', 'd: flip it left to right']"
        ),
        "gray afterwards": _xrays(
            '"rgb"',
            after="dataset = dataset.map(lambda x, y: (tf.image.rgb_to_grayscale(x), y))",
            end="(dataset, np.array(names))",
        ),
        "names from the folder": _xrays(
            end="dataset, (p.name for p in sorted(Path(folder).iterdir()))"
        ),
        "a named tuple": (
            "from collections import namedtuple\nLoaded = namedtuple('Loaded', 'data names')\n"
            + _xrays(end="Loaded(dataset, tuple(names))", size="[48, 64]")
        ),
    },
    wrong={
        "in color": (_xrays('"rgb"'), "color"),
        "with alpha": (_xrays('"rgba"'), "color"),
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
        "folder not looked at": (
            _xrays().replace("        folder,", "        xray_folder,"),
            "folder ignored",
        ),
        "names built in": (_xrays(end='dataset, ["clear", "shadow"]'), "class names"),
        "names given to Keras": (
            _xrays().replace("shuffle=", 'class_names=["clear", "shadow"], shuffle='),
            None,
        ),
        "labels exchanged": (
            _xrays(after="dataset = dataset.map(lambda x, y: (x, 1 - y))", end="dataset, names"),
            "class names",
        ),
        "labels counted from the other end": (
            _xrays(
                after="dataset = dataset.map(lambda x, y: (x, len(names) - 1 - y))",
                end="dataset, names",
            ),
            "class names",
        ),
        "classes in the other order, names sorted": (
            _xrays(end="dataset, sorted(names)").replace(
                "shuffle=",
                "class_names=sorted((p.name for p in Path(folder).iterdir()), reverse=True), "
                "shuffle=",
            ),
            "class names",
        ),
        "the same picture twice": (
            _xrays(
                after="dataset = dataset.unbatch(); dataset = dataset.take(1).concatenate("
                "dataset.take(44)).batch(8)",
                end="dataset, names",
            ),
            None,
        ),
        "the first picture again and again": (
            _xrays(
                after="dataset = dataset.map(lambda x, y: (tf.zeros_like(x) + x[:1], y))",
                end="dataset, names",
            ),
            "images lost",
        ),
        "five batches": (
            _xrays(after="dataset = dataset.take(5)", end="dataset, names"),
            "images lost",
        ),
        "last batch dropped where it is not full": (
            _xrays(
                batch="None",
                after="dataset = dataset.batch(8, drop_remainder=True)",
                end="dataset, names",
            ),
            "images lost",
        ),
        "kept from the first call": (
            "kept = []\n" + _xrays(after="kept.append((dataset, names))", end="kept[0]"),
            "folder ignored",
        ),
        "upside down": (
            _xrays(
                after="dataset = dataset.map(lambda x, y: (x[:, ::-1], y))", end="dataset, names"
            ),
            None,
        ),
        "inverted": (
            _xrays(after="dataset = dataset.map(lambda x, y: (255 - x, y))", end="dataset, names"),
            None,
        ),
        "around zero": (
            _xrays(after="dataset = dataset.map(lambda x, y: (x - 128, y))", end="dataset, names"),
            None,
        ),
        "names first": (_xrays(end="names, dataset"), "class names"),
        "repeated": (
            _xrays(after="dataset = dataset.repeat(2)", end="dataset, names"),
            "images repeated",
        ),
        "a part for validation": (
            _xrays().replace(
                "shuffle=", "validation_split=0.2, subset='training', seed=1, shuffle="
            ),
            "images lost",
        ),
    },
    equivalent={
        _LOADING + "without label_mode": "class indices are the default",
        _LOADING + "without verbose": "it only prints less",
        "L9: False → True": "it only prints more",
    },
)

# --- 02.5: the pipeline ------------------------------------------------------------------------


def _pipeline(
    train="train.shuffle(len(train_images)).batch(16)",
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
        "positions shuffled": """def make_pipeline(
    train_images, train_labels, validation_images, validation_labels
):
    def take(k):
        image, label = tf.gather(train_images, k), tf.gather(train_labels, k)
        return tf.image.random_flip_left_right(image), label

    places = tf.data.Dataset.range(len(train_labels)).shuffle(len(train_labels))
    validation = tf.data.Dataset.from_tensor_slices((validation_images, validation_labels))
    return places.map(take).batch(16), validation.batch(16)
""",
        "a coin for each image of a batch": _pipeline(
            changed="(tf.where(tf.random.uniform((tf.shape(images)[0], 1, 1, 1)) < 0.5, "
            "images[:, :, ::-1], images), labels)"
        ),
        "a generator with NumPy": """def make_pipeline(
    train_images, train_labels, validation_images, validation_labels
):
    def epoch():
        rng = np.random.default_rng()
        for k in rng.permutation(len(train_images)):
            image = train_images[k]
            yield (image[:, ::-1] if rng.random() < 0.5 else image), train_labels[k]

    kinds = (tf.TensorSpec(train_images.shape[1:], tf.float32), tf.TensorSpec((), tf.int64))
    train = tf.data.Dataset.from_generator(epoch, output_signature=kinds).batch(16)
    validation = tf.data.Dataset.from_tensor_slices((validation_images, validation_labels))
    return {"training": train, "validation": validation.batch(16)}.values()
""",
        "batches shuffled, too": _pipeline(
            train="train.shuffle(len(train_images)).batch(16).shuffle(4)"
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
            _pipeline(train="train.shuffle(999, reshuffle_each_iteration=False).batch(16)"),
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
            _pipeline(train="train.shuffle(999).batch(16, drop_remainder=True)"),
            "images lost",
        ),
        "repeated": (_pipeline(train="train.repeat(2).shuffle(999).batch(16)"), "images repeated"),
        "without end": (
            _pipeline(train="train.repeat().shuffle(999).batch(16)"),
            "images repeated",
        ),
        "batches of 32": (_pipeline(train="train.shuffle(999).batch(32)"), "batch size"),
        "no batches": (
            _pipeline(
                train="train.shuffle(999)",
                changed="(images[:, ::1], labels)",
                validation=".skip(0)",
            ),
            "no batches",
        ),
        "one-hot": (
            _pipeline(changed="(flip(images, training=True), tf.one_hot(labels, 3))"),
            "labels one-hot",
        ),
        "exchanged": (_pipeline(end="validation, train"), "order of splits"),
        "training only": (_pipeline(end="train"), None),
        "arrays": (_pipeline(end="train_images, validation_images"), None),
        "images only": (_pipeline(changed="flip(images, training=True)"), None),
        **{
            f"a buffer of {size}": (_pipeline(train=f"train.shuffle({size}).batch(16)"), mistake)
            for size, mistake in (
                (3, "batches shuffled"),
                (5, None),
                (32, "buffer too small"),
                (100, "buffer too small"),
            )
        },
        "a buffer for half of the images": (
            _pipeline(train="train.shuffle(len(train_images) // 2).batch(16)"),
            "buffer too small",
        ),
        "rotated": (
            _pipeline(
                begin="k = np.random.randint(1, 99); train_images, train_labels = "
                "(np.roll(one, k, axis=0) for one in (train_images, train_labels))",
                train="train.batch(16)",
            ),
            "batches shuffled",
        ),
        "the order of one epoch, begun elsewhere in the next": (
            _pipeline(
                begin="order = tf.random.shuffle(tf.range(len(train_images)))",
                train="tf.data.Dataset.range(1).flat_map(lambda _: tf.data.Dataset."
                "from_tensor_slices(tf.roll(order, tf.random.uniform((), 0, 99, tf.int32), 0)))"
                ".map(lambda k: (tf.gather(train_images, k), tf.gather(train_labels, k)))"
                ".batch(16)",
            ),
            "same in each epoch",
        ),
        "batches shuffled, then a few images": (
            _pipeline(train="train.batch(16).shuffle(99).unbatch().shuffle(16).batch(16)"),
            "batches shuffled",
        ),
        "labels as floats": (
            _pipeline(changed="(flip(images, training=True), tf.cast(labels, tf.float32))"),
            "labels not whole",
        ),
        "training images for validation": (
            _pipeline(
                more="validation = tf.data.Dataset.from_tensor_slices("
                "(train_images, train_labels)).batch(16)"
            ),
            "wrong images",
        ),
        "one flip in twelve": (
            _pipeline(
                changed="(tf.where(tf.random.uniform((tf.shape(images)[0], 1, 1, 1)) < 1 / 12, "
                "images[:, :, ::-1], images), labels)"
            ),
            "seldom flipped",
        ),
        "one flip in four": (
            _pipeline(
                changed="(tf.where(tf.random.uniform((tf.shape(images)[0], 1, 1, 1)) < 0.25, "
                "images[:, :, ::-1], images), labels)"
            ),
            "seldom flipped",
        ),
        "most are flipped": (
            _pipeline(
                changed="(tf.where(tf.random.uniform((tf.shape(images)[0], 1, 1, 1)) < 0.9, "
                "images[:, :, ::-1], images), labels)"
            ),
            "always",
        ),
        "whole batches flipped": (
            _pipeline(
                changed="(images[:, :, :: 1 - 2 * tf.random.uniform((), 0, 2, tf.int32)], labels)"
            ),
            "one coin for all",
        ),
        "half batches flipped": (
            _pipeline(
                train="train.shuffle(len(train_images)).batch(8)",
                changed="(images[:, :, :: 1 - 2 * tf.random.uniform((), 0, 2, tf.int32)], labels)",
                end="train.unbatch().batch(16), validation",
            ),
            "one coin for all",
        ),
        "every second place flipped": (
            _pipeline(
                changed="(tf.where((tf.range(tf.shape(images)[0]) % 2 == 0)[:, None, None, None], "
                "images[:, :, ::-1], images), labels)"
            ),
            "one coin for all",
        ),
        "every second image flipped": (
            _pipeline(
                begin="train_images = np.stack([one[:, ::-1] if k % 2 else one for k, one in "
                "enumerate(train_images)])",
                changed="(images, labels)",
            ),
            "same in each epoch",
        ),
        "flipped copies added": (
            _pipeline(
                train="train.concatenate(train.map(lambda x, y: (x[:, ::-1], y)))"
                ".shuffle(999).batch(16)",
                changed="(images, labels)",
            ),
            "images repeated",
        ),
        "coins in whole numbers": (
            _pipeline(changed="(tf.cast(flip(images, training=True), tf.uint8), labels)"),
            "dtype",
        ),
        "decimals lost on the way": (
            _pipeline(changed="(tf.floor(flip(images, training=True)), labels)"),
            None,
        ),
        "validation in one batch": (
            _pipeline(validation=".batch(len(validation_images))"),
            "batch size",
        ),
    },
    equivalent={
        "L5: flip(images, training=True) → flip without training": "it flips unless told not to",
    },
)

# --- 02.7: a list of files to keep -------------------------------------------------------------


def _clean(
    paths='sorted(Path(folder).glob("*/*"))',
    read="Image.open(path).load()",
    key="path.read_bytes()",
    keep="len({path.parent.name for path in paths}) == 1",
    entry='f"{paths[0].parent.name}/{paths[0].name}"',
    end="kept",
) -> str:
    return f"""def files_to_keep(folder):
    found = {{}}
    for path in {paths}:
        try:
            {read}
        except OSError:
            continue
        found.setdefault({key}, []).append(path)
    kept = []
    for paths in found.values():
        if {keep}:
            kept.append({entry})
    return {end}
"""


CLEAN = Answers(
    right={
        "with a hash": "import hashlib\n"
        + _clean(key="hashlib.sha256(path.read_bytes()).digest()"),
        "pixels read": _clean(read="np.asarray(Image.open(path))"),
        "whole paths": _clean(entry="str(paths[0])"),
        "relative paths": _clean(entry="str(paths[0].relative_to(folder))"),
        "an array": _clean(end="np.array(kept)"),
        "sorted in the end": _clean(
            paths='Path(folder).rglob("*.*")',
            entry='min(f"{path.parent.name}/{path.name}" for path in paths)',
        ),
        "with os and two passes": """import os

def files_to_keep(folder):
    good = []
    for name in sorted(os.listdir(folder)):
        for file in sorted(os.listdir(os.path.join(folder, name))):
            try:
                with Image.open(os.path.join(folder, name, file)) as image:
                    image.load()
                good.append((name, file))
            except Exception:
                pass
    content = {}
    for name, file in good:
        with open(os.path.join(folder, name, file), "rb") as opened:
            content[name, file] = opened.read()
    kept = []
    for name, file in good:
        same = [one for one in good if content[one] == content[name, file]]
        if all(one[0] == name for one in same) and same[0] == (name, file):
            kept.append(name + "/" + file)
    return kept
""",
    },
    wrong={
        "only the header is read": (_clean(read="Image.open(path)"), "broken files kept"),
        "verified": (_clean(read="Image.open(path).verify()"), "broken files kept"),
        "nothing is read": (_clean(read="pass"), "broken files kept"),
        "only empty files": (
            _clean(read="if not path.read_bytes(): raise OSError"),
            "broken files kept",
        ),
        "not sorted": (
            _clean(paths='sorted(Path(folder).glob("*/*"), reverse=True)'),
            "other copy kept",
        ),
        "all copies kept": (_clean(key="path"), "copies kept"),
        "copies all left out": (_clean(keep="len(paths) == 1"), "all copies lost"),
        "one of a contradiction kept": (_clean(keep="True"), "contradiction kept"),
        "majority": (
            _clean(keep="len(paths) > 2 or len({p.parent.name for p in paths}) == 1"),
            "contradiction kept",
        ),
        "two files are a copy": (
            _clean(keep="len(paths) == 2 or len({p.parent.name for p in paths}) == 1"),
            "contradiction kept",
        ),
        "equal names": (_clean(key="path.name"), "copies kept"),
        "equal sizes": (_clean(key="path.stat().st_size"), "files lost"),
        "names without classes": (_clean(entry="paths[0].name"), "class left out"),
        "a number": (_clean(end="len(kept)"), None),
        "each twice": (_clean(end="kept + kept"), "files twice"),
        "one class only": (
            _clean(end="[k for k in kept if k.startswith(kept[0][:3])]"),
            "files lost",
        ),
        "the files left out": (
            _clean(keep="len({path.parent.name for path in paths}) > 1"),
            "files lost",
        ),
        "JPEG only": (_clean(paths='sorted(Path(folder).glob("*/*.jpg"))'), "files lost"),
        "another folder": (_clean(entry='f"other/{paths[0].name}"'), None),
    },
    equivalent={},
)

ANSWERS = {
    "02.1": LABELS,
    "02.2": SPLIT,
    "02.3": PATIENTS,
    "02.4": XRAYS,
    "02.5": PIPELINE,
    "02.7": CLEAN,
}
