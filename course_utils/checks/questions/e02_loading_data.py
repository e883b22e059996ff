"""What exercise 02 asks, and how its answers are judged."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from course_utils.checks import compare
from course_utils.checks._question import Exercise, NotAttempted, Part, Question, Wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.probe import Missing, Ref, Subject

Array = np.ndarray

# --- 02.1: labels ------------------------------------------------------------------------------


def _one_hot(labels: Array, num_classes: int) -> Array:
    return np.eye(num_classes)[labels]


_ONE_HOT_MISTAKES = [
    Mistake(
        "axes swapped",
        "Your table is turned: one **row** per label, one column per class.",
        lambda labels, n: _one_hot(labels, n).T,
    ),
    Mistake(
        "classes counted in the labels",
        "Your table has as many columns as there are classes **in these labels**. A batch need not "
        "hold all classes; `num_classes` says how many there are.",
        lambda labels, n: np.eye(labels.max() + 1)[labels],
    ),
    Mistake(
        "classes counted in the labels",
        "Your table has a column for each class that occurs in these labels; `num_classes` says "
        "how many there are.",
        lambda labels, n: (labels[:, None] == np.unique(labels)).astype(float),
    ),
    Mistake(
        "counted from 1",
        "Class 0 has the first column; you begin to count at 1.",
        lambda labels, n: _one_hot((labels - 1) % n, n),
    ),
    Mistake(
        "counted from 1",
        "Class 0 has the first column; you begin to count at 1.",
        lambda labels, n: np.eye(n + 1)[labels + 1],
    ),
    Mistake(
        "zeros and ones exchanged",
        "Ones and zeros are exchanged.",
        lambda labels, n: 1 - _one_hot(labels, n),
    ),
]


def _to_one_hot(subject: Subject, rng: np.random.Generator) -> None:
    cases = [
        Case((np.array([2, 0, 1]), 3), "three labels of three classes"),
        Case((np.array([0, 1, 1, 2, 0, 1]), 5), "six labels of five classes"),
        Case((rng.integers(0, 7, 20), 8), "20 labels of 8 classes"),
    ]
    compare.function(subject, "to_one_hot", cases, _one_hot, _ONE_HOT_MISTAKES)


def _index(one_hot: Array) -> Array:
    return np.asarray(one_hot.argmax(axis=1))


_INDEX_MISTAKES = [
    Mistake(
        "wrong axis",
        "You look for the 1 in each column; look for it in each row (`axis=1`).",
        lambda one_hot: one_hot.argmax(axis=0),
    ),
    Mistake(
        "counted from 1",
        "The first column is class 0; you begin to count at 1.",
        lambda one_hot: one_hot.argmax(axis=1) + 1,
    ),
    Mistake(
        "wrong axis", "Give one index per row, not a single one.", lambda one_hot: one_hot.argmax()
    ),
]


def _to_index(subject: Subject, rng: np.random.Generator) -> None:
    cases = [
        Case((np.eye(5)[rng.integers(0, 5, n)],), f"{n} rows of five classes") for n in (7, 12)
    ]
    cases.append(Case((np.eye(3)[[0, 0, 2, 2]],), "four rows of three classes"))
    cases.append(Case((np.eye(4, dtype="float32")[[1]],), "a single row"))
    compare.function(subject, "to_index", cases, _index, _INDEX_MISTAKES)
    got = subject.call("to_index", np.eye(3)[[2, 1]])
    if isinstance(got, np.ndarray) and got.dtype.kind == "f":
        raise Wrong(
            "The numbers are right, but they are floats such as 2.0. Class indices are whole "
            "numbers: `.astype(int)`.",
            "not whole numbers",
        )


def _kept(labels: Array, wanted: list[int]) -> tuple[Array, Array]:
    positions = np.flatnonzero(np.isin(labels, wanted))
    return positions, np.array([wanted.index(label) for label in labels[positions]])


_KEPT_MISTAKES = [
    Mistake(
        "labels not renumbered",
        "The positions are right, but the labels are still the old ones. A network for two classes "
        "has two outputs, number 0 and number 1.",
        lambda labels, wanted: (_kept(labels, wanted)[0], labels[_kept(labels, wanted)[0]]),
    ),
    Mistake(
        "labels in the order of the old ones",
        "You number the classes by their old numbers; number them as they stand in `wanted`.",
        lambda labels, wanted: (
            _kept(labels, wanted)[0],
            _kept(labels, sorted(wanted))[1],
        ),
    ),
    Mistake(
        "masks instead of positions",
        "Give the positions of the images (such as 0, 2, 3), not True and False for each.",
        lambda labels, wanted: (np.isin(labels, wanted), _kept(labels, wanted)[1]),
    ),
    Mistake(
        "sorted by class",
        "Keep the images in their old order; you put them class by class.",
        lambda labels, wanted: (
            np.concatenate([np.flatnonzero(labels == one) for one in wanted]),
            np.concatenate([np.full((labels == one).sum(), k) for k, one in enumerate(wanted)]),
        ),
    ),
    Mistake(
        "the others kept",
        "You keep the images of the other classes.",
        lambda labels, wanted: _kept(labels, [c for c in range(9) if c not in wanted]),
    ),
]


def _keep_classes(subject: Subject, rng: np.random.Generator) -> None:
    cases = [
        Case((np.array([4, 0, 2, 4]), [2, 4]), "the example"),
        Case((rng.integers(0, 5, 30), [3, 0]), "30 labels and the classes 3 and 0"),
        Case((rng.integers(0, 7, 40), [5, 1, 6]), "40 labels and the classes 5, 1 and 6"),
    ]
    advice = "Work the example of the question out on paper."
    compare.function(subject, "keep_classes", cases, _kept, _KEPT_MISTAKES, advice=advice)


# --- 02.2: splits, class by class --------------------------------------------------------------

_NAMES = ("training", "validation", "test")


def _positions(result: Any, names: tuple[str, ...], total: int) -> list[Array]:
    """What a split returned, as arrays of positions."""
    if result is None:
        raise Wrong("Your function returns nothing; does it end with `return`?", "nothing returned")
    if not isinstance(result, list | tuple) or len(result) != len(names):
        raise Wrong(
            f"Return {len(names)} arrays of positions, for {', '.join(names)}, not "
            f"{compare.describe(result)}."
        )
    found = []
    for name, part in zip(names, result, strict=True):
        array = np.asarray(part) if isinstance(part, np.ndarray | list | tuple) else None
        if array is None or array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
            raise Wrong(
                f"The positions for {name} should be a list or array of whole numbers, not "
                f"{compare.describe(part)}."
            )
        array = array.astype(int)
        if array.size and (array.min() < 0 or array.max() >= total):
            raise Wrong(f"There are positions for {name} at which there is no image.")
        found.append(array)
    return found


def _whole_and_apart(parts: list[Array], names: tuple[str, ...], total: int) -> None:
    for name, part in zip(names, parts, strict=True):
        if len(np.unique(part)) < len(part):
            raise Wrong(f"There are images that are twice in {name}.", "leak")
    for k, one in enumerate(parts):
        for m in range(k + 1, len(parts)):
            if np.intersect1d(one, parts[m]).size:
                raise Wrong(
                    f"There are images in {names[k]} that are also in {names[m]}. That is a leak: "
                    f"the network would be asked about pictures that it has practised.",
                    "leak",
                )
    if sum(len(part) for part in parts) < total:
        raise Wrong("Some images are in none of the splits; each has to be in one.", "images lost")


def _labels(rng: np.random.Generator) -> Array:
    return np.asarray(rng.permutation(np.repeat([0, 1, 2, 3], [200, 120, 61, 20])))


def _split_whole(subject: Subject, rng: np.random.Generator) -> None:
    for _ in range(2):
        labels = _labels(rng)
        parts = _positions(subject.call("split", labels, int(rng.integers(1000))), _NAMES, 401)
        _whole_and_apart(parts, _NAMES, len(labels))


def _split_shares(subject: Subject, rng: np.random.Generator) -> None:
    for _ in range(3):
        labels = _labels(rng)
        parts = _positions(subject.call("split", labels, int(rng.integers(1000))), _NAMES, 401)
        counts = np.array([np.bincount(labels[part], minlength=4) for part in parts])
        wanted = np.array([0.8, 0.1, 0.1])[:, None] * np.bincount(labels)
        sizes = counts.sum(axis=1)
        if sizes[0] < sizes[1:].max():
            raise Wrong(
                "The first array should be the largest, the one for training.", "order of splits"
            )
        if np.any(np.abs(sizes - wanted.sum(axis=1)) > 5):
            raise Wrong(
                "The shares are not 80 %, 10 % and 10 %. Whoever cuts off 10 % twice, cuts the "
                "second time from what is left: that takes 1/9.",
                "shares wrong",
            )
        if np.any(np.abs(counts - wanted) > 1.5):
            raise Wrong(
                "The shares are right over all images, but not class by class: a small class may "
                "end up with no test image at all. Divide each class by itself, or use `stratify`.",
                "not stratified",
            )


def _split_seed(subject: Subject, rng: np.random.Generator) -> None:
    labels = np.sort(_labels(rng))
    seed = int(rng.integers(1000))
    splits = [_positions(subject.call("split", labels, s), _NAMES, 401) for s in (seed, seed)]
    others = [
        _positions(subject.call("split", labels, seed + k), _NAMES, 401) for k in (1, 2, 3, 4)
    ]
    first, again = ([set(part.tolist()) for part in parts] for parts in splits)
    if first != again:
        raise Wrong(
            "The same seed gives another division each time. Make a generator from the seed: "
            "`np.random.default_rng(seed)`, or hand it on as `random_state=seed`.",
            "not repeatable",
        )
    if all([set(part.tolist()) for part in parts] == first for parts in others):
        ordered = all(
            np.all(np.diff(part[labels[part] == c]) == 1) for part in splits[0] for c in range(4)
        )
        if ordered:
            raise Wrong(
                "You take the images in the order in which they come. Files are often sorted by "
                "date or place, so the test images would be different from the others: shuffle "
                "first.",
                "not shuffled",
            )
        raise Wrong("Every seed gives the same division; use `seed`.", "seed ignored")


# --- 02.3: patients ----------------------------------------------------------------------------

_SIDES = ("training", "test")


def _patients(rng: np.random.Generator) -> Array:
    people = rng.permutation(90)[:30] + 100
    return np.asarray(rng.permutation(np.repeat(people, rng.integers(1, 12, 30))))


def _patients_apart(subject: Subject, rng: np.random.Generator) -> None:
    for share in (0.2, 0.3):
        patients = _patients(rng)
        result = subject.call("split_patients", patients, share, int(rng.integers(1000)))
        train, test = _positions(result, _SIDES, len(patients))
        _whole_and_apart([train, test], _SIDES, len(patients))
        if np.intersect1d(patients[train], patients[test]).size:
            raise Wrong(
                "There are patients with X-rays on both sides. Choose patients first, then take "
                "all X-rays of those.",
                "leak",
            )


def _patients_share(subject: Subject, rng: np.random.Generator) -> None:
    seed = int(rng.integers(1000))
    shares, chosen_people = (0.2, 0.3, 0.5), []
    for share in shares:
        patients = np.sort(_patients(rng)) if share == 0.2 else _patients(rng)
        result = subject.call("split_patients", patients, share, seed)
        _, test = _positions(result, _SIDES, len(patients))
        chosen_people.append(len(np.unique(patients[test])))
    wanted = 30 * np.array(shares)
    if np.any(np.abs(chosen_people - wanted) > 1):
        if np.all(np.abs(chosen_people - (30 - wanted)) <= 1):
            raise Wrong(
                "The test split has the patients that should be in training; the first array is "
                "for training.",
                "order of splits",
            )
        raise Wrong(
            "`share` is the share of the **patients** in the test split, of all patients.",
            "shares wrong",
        )
    patients = np.sort(_patients(rng))
    chosen = []
    for one in (seed, seed, seed + 1, seed + 2, seed + 3):
        result = subject.call("split_patients", patients, 0.2, one)
        chosen.append(set(_positions(result, _SIDES, len(patients))[1].tolist()))
    if chosen[0] != chosen[1]:
        raise Wrong("The same seed gives other patients each time.", "not repeatable")
    if all(one == chosen[0] for one in chosen):
        raise Wrong(
            "Every seed chooses the same patients; choose them at random, with the seed.",
            "seed ignored",
        )


# --- 02.4: X-rays ------------------------------------------------------------------------------


def _two(subject: Subject, result: Any, what: str) -> tuple[Any, Any]:
    if result is None:
        raise Wrong("Your function returns nothing; does it end with `return`?", "nothing returned")
    if not isinstance(result, list | tuple) or len(result) != 2:
        raise Wrong(f"Return two things: {what}.")
    return result[0], result[1]


def _xrays(subject: Subject) -> tuple[list[tuple[Array, ...]], Any]:
    if subject.kind("load_xrays") in ("missing", "none"):
        raise NotAttempted(str(Missing("load_xrays")))
    result = subject.call("load_xrays", Ref("xray_folder"))
    dataset, names = _two(subject, result, "the dataset and its class names")
    if not isinstance(dataset, Ref) or subject.kind(dataset) != "dataset":
        raise Wrong("The first thing that `load_xrays` returns should be a `tf.data.Dataset`.")
    batches = subject.batches(dataset, 50)
    if not batches or len(batches[0]) != 2:
        raise Wrong("Each element of the dataset should be a batch of images and their labels.")
    return batches, names


def _xray_shape(subject: Subject, rng: np.random.Generator) -> None:
    batches, _ = _xrays(subject)
    shape = batches[0][0].shape
    if len(shape) != 4:
        raise Wrong("The images should come in batches of shape (images, 48, 64, 1).", "no batches")
    if shape[3] != 1:
        raise Wrong(
            'The pictures have three channels; X-rays need one: `color_mode="grayscale"`.',
            "colour",
        )
    if shape[1:3] == (64, 48):
        raise Wrong(
            "Height and width are exchanged. Keras, like NumPy, wants the height first.",
            "axes swapped",
        )
    if shape[1:3] != (48, 64):
        raise Wrong("The pictures should be 48 pixels high and 64 wide.", "size")
    if shape[0] != 8:
        raise Wrong("A batch should have 8 pictures.", "batch size")
    if sum(len(one[0]) for one in batches) != 40:
        raise Wrong("All 40 pictures should be in the dataset.", "images lost")


def _xray_content(subject: Subject, rng: np.random.Generator) -> None:
    batches, names = _xrays(subject)
    labels = [one[1] for one in batches]
    if labels[0].ndim != 1:
        raise Wrong(
            'The labels are one-hot or in columns; `label_mode="int"` gives class indices.',
            "labels one-hot",
        )
    if labels[0].dtype.kind not in "iu":
        raise Wrong(
            'The labels are floats; `label_mode="int"` gives whole numbers.', "labels one-hot"
        )
    images = np.concatenate([one[0] for one in batches])
    if images.max() <= 1.5:
        raise Wrong(
            "The numbers lie between 0 and 1. In this course data stay at 0 to 255, and the "
            "network rescales them, or it will be done twice.",
            "rescaled",
        )
    together = np.concatenate(labels)
    if np.any(np.diff(together) < 0):
        raise Wrong("The pictures are shuffled; `shuffle=False` keeps their order.", "shuffled")
    if np.bincount(together, minlength=2).tolist() != [20, 20]:
        raise Wrong("There should be 20 pictures of each class.", "images lost")
    if names is None or not compare.close(
        list(names) if isinstance(names, tuple) else names,
        [
            "clear",
            "shadow",
        ],
    ):
        raise Wrong(
            "The second thing that `load_xrays` returns should be the list of class names; the "
            "dataset has it as `class_names`.",
            "class names",
        )


def _unfit(subject: Subject, rng: np.random.Generator) -> None:
    compare.choice(
        subject,
        "unfit",
        ("b", "d"),
        {
            "a": "Nobody stands perfectly straight before the machine: small turns are normal.",
            "b": "No patient stands on the head: a network would have to learn pictures that never "
            "come.",
            "c": "Machines and patients differ, so pictures are a little brighter or darker.",
            "d": "In the mirror the heart is on the other side. For flowers that does not matter; "
            "here it is another finding.",
            "e": "Some patients are larger than others, so slightly larger pictures are normal.",
        },
        {"b": "vertical flip kept", "d": "horizontal flip kept"},
    )


# --- 02.5: the pipeline ------------------------------------------------------------------------

_TRAIN, _VALIDATION = 40, 24


class _Pipeline:
    """What a pipeline made of given pictures."""

    def __init__(self, subject: Subject, rng: np.random.Generator) -> None:
        if subject.kind("make_pipeline") in ("missing", "none"):
            raise NotAttempted(str(Missing("make_pipeline")))
        self.images = {
            "training": rng.integers(0, 256, (_TRAIN, 8, 10, 3)).astype("float32"),
            "validation": rng.integers(0, 256, (_VALIDATION, 8, 10, 3)).astype("float32"),
        }
        self.labels = {
            "training": rng.integers(0, 3, _TRAIN),
            "validation": rng.integers(0, 3, _VALIDATION),
        }
        result = subject.call(
            "make_pipeline",
            self.images["training"],
            self.labels["training"],
            self.images["validation"],
            self.labels["validation"],
        )
        self.refs = dict(
            zip(
                ("training", "validation"),
                _two(subject, result, "the datasets for training and for validation"),
                strict=True,
            )
        )
        self.subject = subject
        for name, ref in self.refs.items():
            if not isinstance(ref, Ref) or subject.kind(ref) != "dataset":
                raise Wrong(f"What you return for {name} should be a `tf.data.Dataset`.")

    def epoch(self, split: str) -> tuple[Array, Array]:
        """All images and labels of one epoch, of the right shape."""
        batches = self.subject.batches(self.refs[split], 200)
        if not batches or len(batches[0]) != 2:
            raise Wrong(f"The elements for {split} should be batches of images with their labels.")
        images, labels = batches[0]
        if images.ndim != 4:
            raise Wrong(
                f"The images for {split} come one by one or in batches of batches; give batches of "
                f"16, of shape (16, height, width, 3).",
                "no batches",
            )
        if labels.ndim != 1:
            raise Wrong(f"The labels for {split} should be class indices.", "labels one-hot")
        together = np.concatenate([one[0] for one in batches])
        answers = np.concatenate([one[1] for one in batches])
        if together.shape[1:] != (8, 10, 3):
            raise Wrong(f"The images for {split} should keep their height and width.", "size")
        if together.max() <= 1.5:
            raise Wrong(
                f"The images for {split} are rescaled to 0 to 1; leave them as they are, since the "
                f"network rescales them.",
                "rescaled",
            )
        return together, answers

    def found(self, split: str) -> tuple[list[int], list[str], Array]:
        """Which picture each image of an epoch is, what happened to it, and the labels."""
        images, answers = self.epoch(split)
        known = self.images[split]
        forms = {
            "same": known,
            "mirrored": known[:, :, ::-1],
            "upside down": known[:, ::-1],
            "turned round": known[:, ::-1, ::-1],
        }
        which, how = [], []
        for image in images:
            distances = {
                name: np.abs(form - image).max(axis=(1, 2, 3)) for name, form in forms.items()
            }
            name = min(distances, key=lambda one: float(distances[one].min()))
            near = float(distances[name].min())
            which.append(int(distances[name].argmin()) if near < 1.5 else -1)
            how.append(name if near < 1.5 else "changed")
        return which, how, answers


def _pipeline_batches(subject: Subject, rng: np.random.Generator) -> None:
    made = _Pipeline(subject, rng)
    for split, total in (("training", _TRAIN), ("validation", _VALIDATION)):
        images, labels = made.epoch(split)
        size = len(subject.batches(made.refs[split], 1)[0][0])
        if size != 16:
            raise Wrong(f"A batch for {split} should have 16 images.", "batch size")
        if images.dtype != np.float32:
            raise Wrong(f"The images for {split} should be float32.", "dtype")
        if len(images) != total:
            more = len(images) > total
            raise Wrong(
                f"An epoch for {split} should have each image once; it has "
                f"{'more' if more else 'fewer'} images.",
                "images repeated" if more else "images lost",
            )


def _pipeline_validation(subject: Subject, rng: np.random.Generator) -> None:
    made = _Pipeline(subject, rng)
    which, how, labels = made.found("validation")
    if any(name != "same" for name in how):
        raise Wrong(
            "Your validation images are changed. Augmentation is for training only: validation "
            "measures how good the network is on pictures as they are.",
            "validation augmented",
        )
    if sorted(which) == list(range(_VALIDATION)) and which != list(range(_VALIDATION)):
        raise Wrong(
            "Your validation images are shuffled; keep their order, so that you can say which "
            "image was number 17.",
            "validation shuffled",
        )
    if which != list(range(_VALIDATION)):
        raise Wrong("The validation images are not those that were given.", "images lost")
    if not np.array_equal(labels, made.labels["validation"]):
        raise Wrong("The validation labels do not belong to their images.", "labels mixed up")


def _pipeline_training(subject: Subject, rng: np.random.Generator) -> None:
    made = _Pipeline(subject, rng)
    which, how, labels = made.found("training")
    if "changed" in how:
        raise Wrong(
            "Your training images are changed in other ways than by flipping left to right.",
            "changed otherwise",
        )
    if "upside down" in how or "turned round" in how:
        raise Wrong(
            "Some of your training images are upside down; flip left to right only.",
            "vertical flip",
        )
    if sorted(which) != list(range(_TRAIN)):
        raise Wrong("An epoch should have each training image once.", "images lost")
    if not np.array_equal(labels, made.labels["training"][which]):
        raise Wrong(
            "The training labels no longer belong to their images: shuffle images and labels "
            "together, as pairs.",
            "labels mixed up",
        )
    if "mirrored" not in how:
        raise Wrong(
            "No training image is flipped; a Keras layer flips when it is called with "
            "`training=True`.",
            "not augmented",
        )
    if "same" not in how:
        raise Wrong("Every training image is flipped; each should be, or not, at random.", "always")
    if which == list(range(_TRAIN)):
        raise Wrong("The training images are not shuffled.", "not shuffled")
    if np.mean(np.diff(which) == 1) > 0.5:
        raise Wrong(
            "Most images still come right after the one before them: shuffle single images, with "
            "a buffer that holds all of them, and make batches afterwards.",
            "batches shuffled",
        )
    again, how_again, _ = made.found("training")
    if again == which:
        raise Wrong(
            "The second epoch has the same order as the first. Shuffle anew in each epoch.",
            "same in each epoch",
        )
    flipped = {k for k, name in zip(which, how, strict=True) if name == "mirrored"}
    if flipped == {k for k, name in zip(again, how_again, strict=True) if name == "mirrored"}:
        raise Wrong(
            "The second epoch flips the same images as the first. Flip after `cache`, and inside "
            "`map`, so that it is decided anew each time.",
            "same in each epoch",
        )


# --- 02.4: another folder, in another process ----------------------------------------------------


def _xray_folders(subject: Subject, rng: np.random.Generator) -> None:
    _xray_content(subject, rng)
    _another_folder(subject, rng)


def _another_folder(subject: Subject, rng: np.random.Generator) -> None:
    """Ask the same function for a folder with other classes and pictures."""
    second = subject.second()
    names = sorted(rng.choice(_FINDINGS, 3, replace=False).tolist())
    pictures, labels, files = [], [], {}
    for label, name in enumerate(names):
        for number in range(int(rng.integers(4, 8))):
            picture = _smooth_picture(rng)
            stream = io.BytesIO()
            Image.fromarray(picture).save(stream, "PNG")
            files[f"{name}/{number:02}.png"] = np.frombuffer(stream.getvalue(), np.uint8)
            pictures.append(picture)
            labels.append(label)
    result = second.call("load_xrays", second.put_files(files))
    dataset, found = _two(subject, result, "the dataset and its class names")
    if not isinstance(dataset, Ref) or second.kind(dataset) != "dataset":
        raise Wrong("For another folder `load_xrays` does not return a `tf.data.Dataset`.")
    batches = second.batches(dataset, 50)
    if not compare.close(list(found) if isinstance(found, tuple) else found, names):
        raise Wrong(
            "For a folder with other classes `load_xrays` does not return their names; take them "
            "from the dataset, which has them as `class_names`.",
            "class names",
        )
    images = np.concatenate([one[0] for one in batches])
    if images.shape != (len(pictures), 48, 64, 1):
        raise Wrong(
            "For another folder `load_xrays` does not give all of its pictures; read the folder "
            "that is given as `folder`.",
            "folder ignored",
        )
    if not np.array_equal(np.concatenate([one[1] for one in batches]), labels):
        raise Wrong(
            "For another folder the labels are not the positions of the classes in the list of "
            "their names.",
            "labels and names do not match",
        )
    want = np.stack([_reduced(one) for one in pictures])
    if np.abs(images[..., 0] - want).mean(axis=(1, 2)).max() > 8:
        raise Wrong(
            "For another folder the pictures are not those that lie in it, in their order.",
            "folder ignored",
        )


_FINDINGS = ["clear", "edema", "fracture", "mass", "nodule", "pneumonia", "shadow", "tube"]


def _smooth_picture(rng: np.random.Generator) -> Array:
    """A picture of 60 × 80 pixels that looks alike however it is reduced."""
    coarse = Image.fromarray(rng.integers(0, 256, (4, 5)).astype("uint8"))
    return np.asarray(coarse.resize((80, 60), Image.Resampling.BICUBIC))


def _reduced(picture: Array) -> Array:
    image = Image.fromarray(picture).resize((64, 48), Image.Resampling.BILINEAR)
    return np.asarray(image, "float32")


EXERCISE = Exercise(
    "02_loading_data",
    "Loading data",
    (
        Question(
            "02.1",
            "Labels",
            3,
            (
                Part("to one-hot", 1, _to_one_hot),
                Part("and back", 1, _to_index),
                Part("some of the classes", 1, _keep_classes),
            ),
            needs=("to_one_hot", "to_index", "keep_classes"),
            hints=(
                "`np.eye(num_classes)` is a table whose row k is the one-hot form of class k.",
                "`np.argmax(table, axis=1)` gives the column of the largest number of each row.",
                "`np.isin(labels, wanted)` is True where a label is wanted; `wanted.index(label)` "
                "is its place in the list.",
            ),
            seconds=5,
        ),
        Question(
            "02.2",
            "Three splits, class by class",
            3,
            (
                Part("each image in one split", 1, _split_whole),
                Part("80, 10 and 10 % of each class", 1, _split_shares),
                Part("decided by the seed", 1, _split_seed),
            ),
            needs=("split",),
            hints=(
                "Go through the classes with a loop. `np.flatnonzero(labels == c)` gives the "
                "positions of class c; shuffle them with `np.random.default_rng(seed)`, then cut.",
                "With scikit-learn: cut off the test images with `train_test_split(positions, "
                "test_size=0.1, stratify=labels, random_state=seed)`, then divide the rest again, "
                "with `test_size=1 / 9` and `stratify=labels[rest]`.",
            ),
            seconds=10,
        ),
        Question(
            "02.3",
            "Patients",
            2,
            (
                Part("each patient on one side", 1, _patients_apart),
                Part("so many patients, chosen by the seed", 1, _patients_share),
            ),
            needs=("split_patients",),
            hints=(
                "Do not divide the X-rays: `np.unique(patients)` are the patients. Divide those.",
                "`np.isin(patients, chosen)` is True for each X-ray of a chosen patient.",
            ),
            seconds=10,
        ),
        Question(
            "02.4",
            "X-rays have no colour",
            3,
            (
                Part("shape and channels", 1, _xray_shape),
                Part("numbers, labels and order", 1, _xray_folders),
                Part("unfit augmentations", 1, _unfit),
            ),
            needs=("load_xrays", "unfit"),
            hints=(
                'The argument for one channel is `color_mode="grayscale"`; `image_size` takes the '
                "height first.",
                "`dataset.class_names` is there right after loading, and no longer after `map` or "
                "`batch`.",
                "Ask of each change: could a patient stand like this before the machine?",
            ),
            seconds=30,
        ),
        Question(
            "02.5",
            "A pipeline with augmentation",
            3,
            (
                Part("batches of 16", 1, _pipeline_batches),
                Part("validation stays as it is", 1, _pipeline_validation),
                Part("training is shuffled and flipped", 1, _pipeline_training),
            ),
            needs=("make_pipeline",),
            hints=(
                "`tf.data.Dataset.from_tensor_slices((images, labels))` gives single images with "
                "their labels; then `.shuffle(...)`, then `.batch(16)`.",
                '`keras.layers.RandomFlip("horizontal")` is a layer; in `.map(lambda images, '
                "labels: (flip(images, training=True), labels))` it flips the images of each "
                "batch.",
            ),
            seconds=30,
        ),
        Question(
            "02.6",
            "Would you trust this data?",
            2,
            kind="written",
            rubric=(
                "1 point: two reasons, each with its evidence: pictures (or near duplicates) in "
                "training and test, as the report says; the test split used to choose, or to stop, "
                "the best of twenty. Half a point for one of them.",
                "1 point: a plan that leaves out unreadable files and copies, divides anew without "
                "leaks and keeps a test split for the end; and says that a person must settle "
                "labels that contradict each other, or find pictures for the small class. Half a "
                "point where the person's part is missing.",
            ),
        ),
    ),
)
