"""Transfer learning: frozen bases, few pictures, fine-tuning, and the time of sweeps."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from course_staff.benchmarks import Row, measured
from course_staff.benchmarks.timing import in_turn, medians, timed
from course_utils import datasets
from course_utils.exceptions import CourseError

DROPOUTS = (0.0, 0.2, 0.5, 0.8)
EPOCHS = 30
SIDE = 224
MOBILENET = "mobilenet"
LITE = "efficientnet_lite0"
#: Seeds of the rows on paper_flowers.
SEEDS = (0, 1, 2)


def _needs(dataset: str, backbone: str = LITE) -> str | None:
    try:
        datasets.image_folder(dataset)
        from course_utils import transfer

        if not transfer.backbones().loc[backbone, "here"]:
            return f"the weights of {backbone} are not here"
    except CourseError as error:
        return str(error)
    return None


def _sweep(quick: bool) -> dict[str, Any]:
    from course_utils import training, transfer

    data = datasets.load("clothing", image_size=SIDE, batch_size=32, seed=0)
    backbone = transfer.load_backbone(MOBILENET, image_size=SIDE)

    def with_features() -> Any:
        features = transfer.extract_features(backbone, data, cache=False, verbose=0)
        for dropout in DROPOUTS[:1] if quick else DROPOUTS:
            transfer.fit_head(features, dropout=dropout, epochs=EPOCHS, batch_size=128)
        return features

    ours, features = timed(with_features)
    # Theirs: the head is trained on top of the frozen base, which sees every image in every epoch.
    head = transfer.build_head(features.size, data.num_classes, 100, 0.2)
    model = training.compile_model(transfer.attach_head(backbone, head))
    model.fit(data.train.take(2), shuffle=False, verbose=0)
    epoch, _ = timed(
        lambda: model.fit(data.train, validation_data=data.validation, shuffle=False, verbose=0)
    )
    theirs = epoch * EPOCHS * (1 if quick else len(DROPOUTS))
    return measured(
        ours,
        theirs,
        "s",
        "50 times faster, at most 90 s",
        None if quick else theirs / ours >= 50 and ours <= 90,
        f"4 dropout rates × {EPOCHS} epochs, features included; theirs extrapolated from one epoch "
        f"of {epoch:.1f} s",
    )


def _best_head(
    features: Any, choices: list[tuple[int, float]], epochs: int, batch_size: int
) -> tuple[int, float]:
    """Train a head for each (hidden units, dropout), and return the best one on validation."""
    from course_utils import transfer

    def accuracy(choice: tuple[int, float]) -> float:
        head = transfer.fit_head(
            features,
            hidden=choice[0],
            dropout=choice[1],
            epochs=epochs,
            batch_size=batch_size,
            seed=0,
        )
        return head.validation_accuracy

    return max(choices, key=accuracy)


def _frozen(
    name: str, wanted: float, quick: bool, network: str = LITE, side: int = SIDE
) -> dict[str, Any]:
    from course_utils import transfer

    data = datasets.load(name, image_size=side, color_mode="rgb", batch_size=32, seed=0)
    backbone = transfer.load_backbone(network, image_size=side)
    features = transfer.extract_features(backbone, data, verbose=0)
    choices = list(product((0, 100), (0.2, 0.5)))
    hidden, dropout = _best_head(features, choices, EPOCHS, 128)
    heads = [
        transfer.fit_head(
            features, hidden=hidden, dropout=dropout, epochs=EPOCHS, batch_size=128, seed=seed
        )
        for seed in range(2 if quick else 5)
    ]
    accuracies = [head.accuracy(features) for head in heads]
    logits = [head.model.predict(features.vectors["test"], verbose=0) for head in heads]
    top_3 = [_top_3(values, features.labels["test"]) for values in logits]
    mean, spread = statistics.fmean(accuracies), statistics.stdev(accuracies)
    return measured(
        mean,
        None,
        "",
        f"at least {wanted}",
        mean >= wanted,
        f"test accuracy, frozen {network}, ± {spread:.3f} over {len(accuracies)} seeds; top 3 "
        f"{statistics.fmean(top_3):.3f}; head chosen on validation: {hidden} hidden units, "
        f"dropout {dropout}",
        accuracies=accuracies,
        top_3=top_3,
    )


def _top_3(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of images whose class is among the three with the highest scores."""
    best = np.argsort(-scores, axis=1)[:, :3]
    return float(np.mean((best == labels[:, np.newaxis]).any(axis=1)))


def _few(quick: bool, per_class: int = 20, epochs: int = 100) -> dict[str, Any]:
    """Compare a frozen base with a network from scratch, with as many steps and the best epoch."""
    import keras

    from course_utils import augmentation, evaluation, models, training, transfer

    data = datasets.load("paper_flowers", image_size=128)
    small = datasets.load("paper_flowers", image_size=96)
    features = transfer.extract_features(transfer.load_backbone(image_size=128), data, verbose=0)
    position = {identifier: row for row, identifier in enumerate(features.ids["train"])}
    epochs = 3 if quick else epochs
    ours, theirs = [], []
    seconds: dict[str, list[float]] = {"features and head": [], "from scratch": []}
    for seed in SEEDS[:1] if quick else SEEDS:
        part = small.subset(per_class={"train": per_class}, seed=seed)
        chosen = features.subset([position[identifier] for identifier in part.ids("train")])
        head = transfer.fit_head(chosen, epochs=epochs, batch_size=32, seed=seed)
        ours.append(head.accuracy(features))
        seconds["features and head"].append(features.seconds + head.seconds)
        scratch = models.small_cnn(small.input_shape, small.num_classes)
        history = training.fit(
            scratch,
            part,
            epochs,
            callbacks=[
                keras.callbacks.EarlyStopping(
                    monitor="val_accuracy", mode="max", patience=epochs, restore_best_weights=True
                )
            ],
            augment=augmentation.geometric(),
            seed=seed,
            verbose=0,
        )
        theirs.append(evaluation.predict(scratch, small).accuracy)
        seconds["from scratch"].append(history.seconds)
        print(f"seed {seed}: frozen {ours[-1]:.3f}, from scratch {theirs[-1]:.3f}", flush=True)
    gain = statistics.fmean(ours) - statistics.fmean(theirs)
    return measured(
        statistics.fmean(ours),
        statistics.fmean(theirs),
        "",
        "at least 0.25 above",
        None if quick else gain >= 0.25,
        f"test accuracy with {per_class} images per class, {epochs} epochs each, best epoch on "
        f"validation, means of {len(ours)} seeds; "
        + ", ".join(f"{statistics.fmean(s):.0f} s {what}" for what, s in seconds.items()),
        accuracies=ours,
        from_scratch=theirs,
        seconds_each=seconds,
    )


@dataclass(frozen=True)
class _Recipe:
    """How a network is fine-tuned: from which layer up, in which steps, on which pictures."""

    unfreeze_from: str
    learning_rate: float
    epochs: int
    augment: dict[str, Any] = field(default_factory=dict)


#: What lesson 08 does with its drawings.
AS_IN_LESSON_08 = _Recipe("block6a_expand_conv", 1e-4, 5, {"rotation": 0, "zoom": 0})
#: For photographs: chosen on the validation images of clothing.
DEEPER = _Recipe("block4a_expand_conv", 3e-4, 8)


def _fine_tuned(
    name: str, side: int, wanted: float, recipe: _Recipe, quick: bool
) -> dict[str, Any]:
    """Fine-tune EfficientNet-Lite0 after its head was trained."""
    from course_utils import augmentation, evaluation, transfer

    data = datasets.load(name, image_size=side, color_mode="rgb")
    epochs = 1 if quick else recipe.epochs
    before, after, top_3 = [], [], []
    for seed in SEEDS[:1] if quick else SEEDS:
        base = transfer.load_backbone(image_size=side)
        features = transfer.extract_features(base, data, verbose=0)
        head = transfer.fit_head(features, epochs=15, seed=seed)
        before.append(head.accuracy(features))
        model = transfer.attach_head(base, head)
        transfer.fine_tune(
            model,
            data,
            recipe.unfreeze_from,
            learning_rate=recipe.learning_rate,
            schedule="cosine",
            epochs=epochs,
            augment=augmentation.geometric(**recipe.augment),
            seed=seed,
            verbose=0,
        )
        predictions = evaluation.predict(model, data)
        after.append(predictions.accuracy)
        top_3.append(_top_3(predictions.probabilities, predictions.labels))
        print(f"seed {seed}: frozen {before[-1]:.3f}, fine-tuned {after[-1]:.3f}", flush=True)
    mean = statistics.fmean(after)
    return measured(
        mean,
        statistics.fmean(before),
        "",
        f"at least {wanted}",
        None if quick else mean >= wanted,
        f"test accuracy after {epochs} epochs of fine-tuning from {recipe.unfreeze_from} up, and "
        f"frozen; {len(after)} seeds",
        fine_tuned=after,
        frozen=before,
        top_3=top_3,
    )


def _vectors(classes: int = 5, size: int = 1280) -> Any:
    """Return random features of overlapping classes, with 2,500 vectors for training."""
    from course_utils import transfer

    rng = np.random.default_rng(0)
    centers = rng.normal(0, 1, (classes, size))
    counts = {"train": 2500, "validation": 500, "test": 1000}
    labels = {name: rng.integers(0, classes, n).astype(np.int32) for name, n in counts.items()}
    vectors = {
        name: np.maximum(rng.normal(0.12 * centers[index], 1), 0).astype(np.float32)
        for name, index in labels.items()
    }
    ids = {name: tuple(f"{name} {k}" for k in range(n)) for name, n in counts.items()}
    return transfer.Features("drawn", tuple("abcde"[:classes]), vectors, labels, ids)


def _keras_head(features: Any, epochs: int, batch_size: int) -> float:
    """Train the same head with ``fit`` of Keras, and return the test accuracy of its best epoch."""
    import keras

    from course_utils import transfer

    mean, variance = transfer.feature_statistics(features.vectors["train"])
    head = transfer.build_head(features.size, len(features.class_names), 100, 0.2, mean, variance)
    head.compile(
        optimizer=keras.optimizers.Adam(1e-3),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    head.fit(
        features.vectors["train"],
        features.labels["train"],
        validation_data=(features.vectors["validation"], features.labels["validation"]),
        epochs=epochs,
        batch_size=batch_size,
        callbacks=[keras.callbacks.EarlyStopping(patience=epochs, restore_best_weights=True)],
        verbose=0,
    )
    logits = head.predict(features.vectors["test"], batch_size=1024, verbose=0)
    return float(np.mean(logits.argmax(axis=1) == features.labels["test"]))


def _head(quick: bool) -> dict[str, Any]:
    """Time the training of one head with ``fit_head`` and with Keras, with several seeds."""
    import keras

    from course_utils import transfer

    features, epochs = _vectors(), 5 if quick else EPOCHS

    def ours(seed: int) -> float:
        head = transfer.fit_head(features, epochs=epochs, batch_size=32, seed=seed)
        return head.accuracy(features)

    def theirs(seed: int) -> float:
        keras.utils.set_random_seed(seed)
        return _keras_head(features, epochs, 32)

    seconds, accuracies = in_turn(
        {"ours": ours, "theirs": theirs}, 1 if quick else 3, warm_up=False
    )
    mine, other = medians(seconds)
    accurate = {name: statistics.fmean(values) for name, values in accuracies.items()}
    return measured(
        mine,
        other,
        "s",
        "ratio at most 0.5, as accurate",
        None if quick else mine / other <= 0.5 and accurate["ours"] >= accurate["theirs"] - 0.01,
        f"{epochs} epochs at batch 32; test accuracy {accurate['ours']:.3f} and "
        f"{accurate['theirs']:.3f}, mean of {len(accuracies['ours'])} seeds",
        seconds=seconds,
        accuracies=accuracies,
    )


def _head_sweep(quick: bool) -> dict[str, Any]:
    """Time twelve heads: three sizes of the hidden layer times four dropout rates."""
    features, epochs = _vectors(), 5 if quick else EPOCHS
    choices = list(product((0, 100, 200), DROPOUTS))
    ours, (hidden, dropout) = timed(lambda: _best_head(features, choices, epochs, 32))
    one, _ = timed(lambda: _keras_head(features, epochs, 32))
    theirs = one * len(choices)
    return measured(
        ours,
        theirs,
        "s",
        "ratio at most 0.5",
        None if quick else ours / theirs <= 0.5,
        f"{len(choices)} heads of {epochs} epochs at batch 32; theirs extrapolated from one of "
        f"{one:.1f} s; best on validation: {hidden} hidden units, dropout {dropout}",
        choices=[list(choice) for choice in choices],
    )


def _frozen_row(name: str, network: str, side: int, wanted: float, seconds: int) -> Row:
    return Row(
        f"{name}, frozen {TITLES[network]}",
        f"test accuracy at {side} pixels with the head chosen on validation",
        lambda quick: _frozen(name, wanted, quick, network, side),
        lambda: _needs(name, network),
        expected=(seconds, seconds - 10),
    )


def _fine_tuned_row(name: str, side: int, wanted: float, recipe: _Recipe, seconds: int) -> Row:
    return Row(
        f"{name}, fine-tuned {TITLES[LITE]}",
        f"test accuracy at {side} pixels, against the frozen base",
        lambda quick: _fine_tuned(name, side, wanted, recipe, quick),
        lambda: _needs(name),
        limit=3600,
        expected=(seconds, seconds // 5),
    )


#: Names of the networks in the table.
TITLES = {LITE: "EfficientNet-Lite0", MOBILENET: "MobileNet"}
#: Dataset, network, pixels, wanted test accuracy, and expected seconds.
FROZEN = (
    ("clothing", MOBILENET, 224, 0.87, 90),
    ("tf_flowers", MOBILENET, 224, 0.87, 90),
    ("paper_flowers", LITE, 128, 0.875, 40),
    ("tf_flowers", LITE, 224, 0.90, 120),
    ("clothing", LITE, 224, 0.85, 120),
)
#: Dataset, pixels, wanted test accuracy, recipe, and expected seconds.
FINE_TUNED = (
    ("paper_flowers", 128, 0.915, AS_IN_LESSON_08, 250),
    ("tf_flowers", 224, 0.94, DEEPER, 1800),
    ("clothing", 224, 0.91, DEEPER, 1800),
)

ROWS = [
    Row(
        "head, one",
        "fit_head on 2,500 vectors of 1,280 numbers against Keras's fit of the same head",
        _head,
        expected=(40, 10),
    ),
    Row(
        "head, sweep of twelve",
        "twelve heads on the same vectors, against Keras's fit of one, times twelve",
        _head_sweep,
        expected=(60, 20),
    ),
    Row(
        "clothing, dropout sweep",
        "features computed once against the frozen base re-run in every epoch",
        _sweep,
        lambda: _needs("clothing", MOBILENET),
        expected=(70, 60),
    ),
    *(_frozen_row(*row) for row in FROZEN),
    Row(
        "paper_flowers, 20 images per class",
        "a head on a frozen base against training from scratch, with as many steps",
        _few,
        lambda: _needs("paper_flowers"),
        expected=(150, 25),
    ),
    *(_fine_tuned_row(*row) for row in FINE_TUNED),
]
