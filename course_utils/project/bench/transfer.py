"""Transfer learning on clothing and tf_flowers, against re-running the frozen base every epoch."""

from __future__ import annotations

import statistics
import time
from typing import Any

from course_utils import datasets
from course_utils.exceptions import CourseError
from course_utils.project.bench import Row, measured

DROPOUTS = (0.0, 0.2, 0.5, 0.8)
EPOCHS = 30
SIDE = 224


def _needs(dataset: str) -> str | None:
    try:
        datasets.image_folder(dataset)
        from course_utils import transfer

        if not transfer.backbones().loc["mobilenet", "here"]:
            return "the weights of MobileNet (width 0.75) are not here"
    except CourseError as error:
        return str(error)
    return None


def _sweep(quick: bool) -> dict[str, Any]:
    from course_utils import training, transfer

    data = datasets.load("clothing", image_size=SIDE, batch_size=32, seed=0)
    backbone = transfer.load_backbone("mobilenet", image_size=SIDE)
    began = time.perf_counter()
    features = transfer.extract_features(backbone, data, cache=False, verbose=0)
    for dropout in DROPOUTS[:1] if quick else DROPOUTS:
        transfer.fit_head(features, dropout=dropout, epochs=EPOCHS, batch_size=128)
    ours = time.perf_counter() - began
    # Theirs: the head trained on top of the frozen base, which sees every picture in every epoch.
    head = transfer.build_head(features.size, data.num_classes, 100, 0.2)
    model = training.compile_model(transfer.attach_head(backbone, head))
    model.fit(data.train.take(2), shuffle=False, verbose=0)
    began = time.perf_counter()
    model.fit(data.train, validation_data=data.validation, shuffle=False, verbose=0)
    epoch = time.perf_counter() - began
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


def _frozen(name: str, wanted: float, quick: bool) -> dict[str, Any]:
    from course_utils import transfer

    data = datasets.load(name, image_size=SIDE, batch_size=32, seed=0)
    backbone = transfer.load_backbone("mobilenet", image_size=SIDE)
    features = transfer.extract_features(backbone, data, verbose=0)
    choices = [(hidden, dropout) for hidden in (0, 100) for dropout in (0.2, 0.5)]
    heads = {
        choice: transfer.fit_head(
            features, hidden=choice[0], dropout=choice[1], epochs=EPOCHS, batch_size=128, seed=0
        )
        for choice in choices
    }
    hidden, dropout = max(heads, key=lambda choice: heads[choice].validation_accuracy)
    accuracies = [
        transfer.fit_head(
            features, hidden=hidden, dropout=dropout, epochs=EPOCHS, batch_size=128, seed=seed
        ).accuracy(features)
        for seed in range(2 if quick else 5)
    ]
    mean, spread = statistics.fmean(accuracies), statistics.stdev(accuracies)
    return measured(
        mean,
        None,
        "",
        f"at least {wanted}",
        mean >= wanted,
        f"test accuracy, frozen MobileNet, ± {spread:.3f} over {len(accuracies)} seeds; head "
        f"chosen on validation: {hidden} hidden units, dropout {dropout}",
        accuracies=accuracies,
    )


ROWS = [
    Row(
        "clothing, dropout sweep",
        "features computed once against the frozen base re-run in every epoch",
        _sweep,
        lambda: _needs("clothing"),
        expected=(70, 60),
    ),
    Row(
        "clothing, frozen MobileNet",
        "test accuracy with the head chosen on validation",
        lambda quick: _frozen("clothing", 0.86, quick),
        lambda: _needs("clothing"),
        expected=(90, 80),
    ),
    Row(
        "tf_flowers, frozen MobileNet",
        "test accuracy with the head chosen on validation",
        lambda quick: _frozen("tf_flowers", 0.87, quick),
        lambda: _needs("tf_flowers"),
        expected=(90, 80),
    ),
]
