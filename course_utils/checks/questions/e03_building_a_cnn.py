"""What exercise 03 asks, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.checks import compare, model_checks
from course_utils.checks._question import Exercise, Part, Question, Wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.checks.model_checks import NetworkMistake
from course_utils.probe import Ref, Subject

if TYPE_CHECKING:
    import keras

Array = np.ndarray

# --- 03.1: on paper ----------------------------------------------------------------------------


def _after_pooling(subject: Subject, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake(
            "pool size wrong",
            "That is the shape for windows of 2 × 2; here they are 3 × 3.",
            (62, 62, 32),
        ),
        Mistake(
            "not rounded down",
            "What does not fill a window is left out: round down. And mind the padding of the "
            "convolution.",
            (42, 42, 32),
        ),
        Mistake(
            "channels of the picture",
            "After a convolution there are as many channels as it has filters.",
            (41, 41, 3),
        ),
        Mistake(
            "windows overlap",
            "You moved the pooling window one pixel at a time; its steps are as large as itself.",
            (122, 122, 32),
        ),
        Mistake("pooling forgotten", "That is the shape before pooling.", (124, 124, 32)),
        Mistake("channels first", "Give (height, width, channels) in this order.", (32, 41, 41)),
        Mistake(
            "off by one",
            "How many places are there for a filter of 5 on a row of 128? One more than 128 − 5.",
            (123 // 3 - 1, 123 // 3 - 1, 32),
        ),
    ]
    advice = "First the convolution: 128 pixels, filter 5, no border. Then the windows of 3."
    compare.value(subject, "after_pooling", (41, 41, 32), mistakes, advice=advice)


def _second_parameters(subject: Subject, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("bias forgotten", "Each filter has a bias, too.", 64 * 9 * 32),
        Mistake(
            "channels of the picture",
            "Not the picture comes into this layer, but the maps of the layer before it: how many "
            "channels have they?",
            64 * (9 * 3 + 1),
        ),
        Mistake(
            "channels forgotten", "A filter has numbers for each channel that comes in.", 64 * 10
        ),
        Mistake(
            "filters and channels exchanged",
            "You have exchanged the filters of this layer with the channels that come in.",
            32 * (9 * 64 + 1),
        ),
        Mistake("one bias for all", "Each filter has a bias of its own.", 64 * 9 * 32 + 1),
        Mistake("kernel size wrong", "You took the filter size of layer 1.", 64 * (25 * 32 + 1)),
    ]
    advice = "How many numbers has one filter of this layer, with its bias? Then times the filters."
    compare.number(subject, "second_parameters", 18496, mistakes, whole=True, advice=advice)


def _receptive_field(subject: Subject, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake(
            "steps forgotten",
            "After pooling, two neighbours lie 3 pixels apart: a window of 3 adds two steps of 3.",
            9,
        ),
        Mistake(
            "sizes added",
            "The sizes are not added: a window of k adds k − 1 steps to what is seen already.",
            11,
        ),
        Mistake("sizes multiplied", "The sizes are not multiplied; think in steps.", 45),
        Mistake(
            "last layer forgotten", "That is what a number after layer 2 sees; one more layer.", 7
        ),
        Mistake(
            "pooling forgotten", "Pooling windows widen the view, too, and enlarge the step.", 5 + 2
        ),
        Mistake(
            "whole windows counted",
            "Three windows of 3 steps overlap the view they start from: add two steps, not three.",
            5 + 2 + 9,
        ),
    ]
    advice = "Begin at the end: three numbers of layer 2 in a row; which pixels do they see?"
    compare.number(subject, "receptive_field", 13, mistakes, whole=True, advice=advice)


# --- 03.2: three blocks ------------------------------------------------------------------------


def _cnn(
    input_shape: Sequence[int] = (24, 32, 3),
    classes: int = 5,
    *,
    rescale: float | None = 1 / 255,
    filters: Sequence[int] = (32, 64, 128),
    kernel: int = 3,
    padding: str = "same",
    activation: str | None = "relu",
    pooling: str = "MaxPooling2D",
    flat: str = "Flatten",
    units: int = 128,
    dense: str | None = "relu",
    dropout: float = 0.5,
    early_dropout: float = 0.0,
    end: str | None = None,
    dense_first: bool = True,
) -> keras.Model:
    import keras
    from keras import layers

    stack: list[Any] = [keras.Input(tuple(input_shape))]
    if rescale is not None:
        stack.append(layers.Rescaling(rescale))
    for number in filters:
        stack.append(layers.Conv2D(number, kernel, padding=padding, activation=activation))
        stack.append(getattr(layers, pooling)(2))
    stack.append(getattr(layers, flat)())
    if early_dropout:
        stack.append(layers.Dropout(early_dropout))
    if dense_first:
        stack.append(layers.Dense(units, activation=dense))
    if dropout:
        stack.append(layers.Dropout(dropout))
    return keras.Sequential([*stack, layers.Dense(classes, activation=end)])


_SOFTMAX = (
    "Your network ends in softmax; this course's networks end in logits: no activation in the last "
    "layer."
)

_CNN_MISTAKES = [
    NetworkMistake("softmax at the end", _SOFTMAX, lambda: _cnn(end="softmax")),
    NetworkMistake(
        "padding wrong",
        'The convolutions lack the padding "same", so the maps get smaller.',
        lambda: _cnn(padding="valid"),
    ),
    NetworkMistake(
        "ReLU missing", "The convolutions lack their ReLU.", lambda: _cnn(activation=None)
    ),
    NetworkMistake("ReLU missing", "The dense layer lacks its ReLU.", lambda: _cnn(dense=None)),
    NetworkMistake(
        "ReLU missing",
        "Convolutions and dense layer lack their ReLU.",
        lambda: _cnn(activation=None, dense=None),
    ),
    NetworkMistake(
        "average instead of maximum",
        "Use max pooling, not average pooling.",
        lambda: _cnn(pooling="AveragePooling2D"),
    ),
    NetworkMistake(
        "rescaling missing",
        "The pixels come as 0 to 255 and are not rescaled.",
        lambda: _cnn(rescale=None),
    ),
    NetworkMistake(
        "rescaled twice", "The pixels are rescaled twice.", lambda: _cnn(rescale=1 / 255**2)
    ),
    NetworkMistake(
        "rescaling wrong",
        "Rescaling multiplies: give it 1 / 255, not 255.",
        lambda: _cnn(rescale=255.0),
    ),
    NetworkMistake(
        "averaged instead of flattened",
        "You take the mean of each map; here the maps are to be flattened.",
        lambda: _cnn(flat="GlobalAveragePooling2D"),
    ),
    NetworkMistake(
        "filters in the wrong order",
        "The numbers of filters are right, but not their order: 32 first.",
        lambda: _cnn(filters=(128, 64, 32)),
    ),
    NetworkMistake(
        "kernel size wrong", "Use filters of 3 × 3, not of 5 × 5.", lambda: _cnn(kernel=5)
    ),
    NetworkMistake(
        "dense layer missing",
        "There should be a dense layer of 128 units before the last one.",
        lambda: _cnn(dense_first=False),
    ),
    NetworkMistake("ReLU at the end", "The logits have no ReLU.", lambda: _cnn(end="relu")),
]

_DROPOUT_MISTAKES = [
    NetworkMistake(
        "dropout missing", "While training, nothing is dropped.", lambda: _cnn(dropout=0)
    ),
    NetworkMistake(
        "dropout rate wrong",
        "The dropout rate is not 0.5. (It is the share that is **dropped**.)",
        lambda: _cnn(dropout=0.2),
    ),
    NetworkMistake(
        "dropout in another place",
        "The dropout stands before the dense layer; put it behind.",
        lambda: _cnn(dropout=0, early_dropout=0.5),
    ),
    NetworkMistake(
        "dropout in another place",
        "There is dropout before the dense layer, too; here it stands behind it only.",
        lambda: _cnn(early_dropout=0.5),
    ),
]


def _one_row_per_picture(
    subject: Subject, what: Ref, shape: Sequence[int], classes: int, rng: np.random.Generator
) -> None:
    x = rng.uniform(0, 255, (3, *shape)).astype("float32")
    outputs = subject.model_outputs(what, x)
    if not isinstance(outputs, np.ndarray):
        raise Wrong("Your network should have one output, not several.")
    if outputs.ndim != 2:
        raise Wrong(
            "The output has more than two axes: between the maps and the last dense layer there "
            "is nothing that makes one row of them, such as `Flatten`.",
            "flatten missing",
        )
    if outputs.shape != (3, classes):
        raise Wrong(
            f"For {classes} classes and a batch of 3 pictures the output should have the shape "
            f"(3, {classes}), but its shape is {outputs.shape}.",
            "number of outputs",
        )


def _no_probabilities(
    subject: Subject, what: Ref, shape: Sequence[int], rng: np.random.Generator
) -> None:
    """Logits of large random weights go beyond 0 to 1; probabilities never do."""
    x = rng.uniform(0, 255, (6, *shape)).astype("float32")
    outputs = _spread_outputs(subject, what, x, rng, factor=4.0)
    if np.any(outputs < 0) or np.any(outputs > 1):
        return
    if np.allclose(outputs.sum(axis=1), 1, atol=1e-3):
        raise Wrong(_SOFTMAX, "softmax at the end")
    raise Wrong(
        "Your network ends in sigmoid; this course's networks end in logits.", "sigmoid at the end"
    )


def _cnn_output(subject: Subject, rng: np.random.Generator) -> None:
    for shape, classes in (((24, 32, 3), 5), ((28, 24, 1), 3)):
        what = model_checks.build_with(subject, "build_cnn", shape, classes)
        _one_row_per_picture(subject, what, shape, classes, rng)
        _no_probabilities(subject, what, shape, rng)


def _cnn_calculation(subject: Subject, rng: np.random.Generator) -> None:
    what = model_checks.build_with(subject, "build_cnn", (24, 32, 3), 5)
    model_checks.same_network(subject, what, _cnn, (24, 32, 3), rng, _CNN_MISTAKES, passes=(False,))


def _cnn_dropout(subject: Subject, rng: np.random.Generator) -> None:
    what = model_checks.build_with(subject, "build_cnn", (24, 32, 3), 5)
    model_checks.same_network(
        subject, what, _cnn, (24, 32, 3), rng, _DROPOUT_MISTAKES, passes=(True,), dropout=True
    )


# --- 03.3: the broken network ------------------------------------------------------------------


def _mended(
    *,
    rescale: float = 1 / 255,
    first: str | None = "relu",
    second: str | None = "relu",
    flat: str = "Flatten",
    padding: str = "valid",
    end: str | None = None,
) -> keras.Model:
    import keras
    from keras import layers

    return keras.Sequential(
        [
            keras.Input((20, 24, 3)),
            layers.Rescaling(rescale),
            layers.Conv2D(8, 3, activation=first, padding=padding),
            layers.MaxPooling2D(2),
            layers.Conv2D(16, 3, activation=second, padding=padding),
            layers.MaxPooling2D(2),
            getattr(layers, flat)(),
            layers.Dense(4, activation=end),
        ]
    )


_TWICE = "The pixels are still rescaled twice: the network sees pictures that are nearly black."
_NO_RELU = "One of the convolutions still has no ReLU."

_MENDED_MISTAKES = [
    NetworkMistake("rescaled twice", _TWICE, lambda: _mended(rescale=1 / 255**2)),
    NetworkMistake("ReLU missing", _NO_RELU, lambda: _mended(second=None)),
    NetworkMistake("ReLU missing", _NO_RELU, lambda: _mended(first=None)),
    NetworkMistake("softmax at the end", _SOFTMAX, lambda: _mended(end="softmax")),
    NetworkMistake("rescaled twice", _TWICE, lambda: _mended(rescale=1 / 255**2, second=None)),
    NetworkMistake("softmax at the end", _SOFTMAX, lambda: _mended(end="softmax", second=None)),
    NetworkMistake(
        "softmax at the end", _SOFTMAX, lambda: _mended(end="softmax", rescale=1 / 255**2)
    ),
    NetworkMistake(
        "averaged instead of flattened",
        "You take the mean of each map; here they are to be flattened.",
        lambda: _mended(flat="GlobalAveragePooling2D"),
    ),
    NetworkMistake(
        "padding wrong",
        'The convolutions were meant to have the padding "valid".',
        lambda: _mended(padding="same"),
    ),
]


def _mended_output(subject: Subject, rng: np.random.Generator) -> None:
    what = model_checks.build_with(subject, "build_mended", (20, 24, 3), 4)
    _one_row_per_picture(subject, what, (20, 24, 3), 4, rng)
    _no_probabilities(subject, what, (20, 24, 3), rng)


def _mended_calculation(subject: Subject, rng: np.random.Generator) -> None:
    what = model_checks.build_with(subject, "build_mended", (20, 24, 3), 4)
    model_checks.same_network(subject, what, _mended, (20, 24, 3), rng, _MENDED_MISTAKES)


# --- 03.4: one output --------------------------------------------------------------------------

_BUDGET = 10_000


def _detector(subject: Subject) -> Ref:
    return model_checks.build_with(subject, "build_detector", (96, 96, 3))


def _detector_size(subject: Subject, rng: np.random.Generator) -> None:
    what = _detector(subject)
    _one_row_per_picture(subject, what, (96, 96, 3), 1, rng)
    total = sum(w.size for w in subject.model_weights(what, (96, 96, 3)))
    if total > _BUDGET:
        raise Wrong(
            f"Your network has {total:,} parameters, more than {_BUDGET:,}. Most of them sit in a "
            f"dense layer behind `Flatten`; `GlobalAveragePooling2D` needs none.",
            "over budget",
        )
    x = rng.uniform(0, 255, (6, 96, 96, 3)).astype("float32")
    x[:3] *= 0.2
    if np.ptp(_spread_outputs(subject, what, x, rng), axis=0).max() < 1e-6:
        raise Wrong(
            "Your network gives the same output for all pictures. (Softmax of a single output is "
            "always 1.)",
            "softmax of one output",
        )


def _spread_outputs(
    subject: Subject, what: Ref, x: Array, rng: np.random.Generator, factor: float = 1.0
) -> Array:
    """Outputs with random weights, and with those of the last layer negated.

    So a logit is sure to be negative now and then, and a probability is sure not to be.
    """
    shape = x.shape[1:]
    before = subject.model_weights(what, shape)
    last = max((k for k, weight in enumerate(before) if weight.ndim >= 2), default=0)
    outputs = []
    try:
        for _ in range(2):
            drawn = []
            for weight in before:
                scale = np.sqrt(2 / max(int(np.prod(weight.shape[:-1])), 1))
                fresh = rng.normal(0, factor * scale, weight.shape)
                drawn.append(
                    (np.abs(fresh) + 0.5 if _positive(weight) else fresh).astype("float32")
                )
            for sign in (1, -1):
                signed = [w if k < last else sign * w for k, w in enumerate(drawn)]
                subject.model_set_weights(what, shape, signed)
                outputs.append(subject.model_outputs(what, x))
    finally:
        subject.model_set_weights(what, shape, before)
    return np.concatenate(outputs)


def _positive(weight: Array) -> bool:
    """Whether a weight is a scale or a variance, which begin as ones."""
    return weight.ndim == 1 and bool(np.all(weight == 1))


def _cross_entropy(p: Array, y: Array) -> float:
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def _detector_loss(subject: Subject, rng: np.random.Generator) -> None:
    what = _detector(subject)
    told = subject.model_compiled(what)
    if not told:
        raise Wrong("Your network is not compiled; call its method `compile`.", "not compiled")
    x = rng.uniform(0, 255, (6, 96, 96, 3)).astype("float32")
    outputs = _spread_outputs(subject, what, x, rng, factor=6.0)
    sigmoid = bool(np.all((outputs >= 0) & (outputs <= 1)))
    if np.all(outputs >= 0) and not sigmoid:
        raise Wrong(
            "Your network never gives a negative output. A logit may be negative: leave ReLU out "
            "at the end.",
            "ReLU at the end",
        )
    y = np.array([0.0, 1, 1, 0, 1, 0], "float32").reshape(-1, 1)
    shown = np.array([0.1, 0.7, 0.4, 0.6, 0.9, 0.3], "float32").reshape(-1, 1)
    got = subject.model_loss(what, y, shown)
    as_probabilities = _cross_entropy(shown, y)
    as_logits = _cross_entropy(1 / (1 + np.exp(-shown)), y)
    if abs(got - (as_probabilities if sigmoid else as_logits)) < 1e-3:
        return
    if sigmoid and abs(got - as_logits) < 1e-3:
        raise Wrong(
            "Your network ends in sigmoid, but the loss is told `from_logits=True`, so it applies "
            "sigmoid once more.",
            "sigmoid with from_logits",
        )
    if not sigmoid and abs(got - as_probabilities) < 1e-3:
        raise Wrong(
            "Your network ends in a logit, but the loss takes it for a probability: tell it "
            "`from_logits=True`, or end in sigmoid.",
            "logits taken for probabilities",
        )
    raise Wrong(
        "The loss is not binary cross-entropy: for some outputs it gives another number.",
        "another loss",
    )


def _detector_learns(subject: Subject, rng: np.random.Generator) -> None:
    what = _detector(subject)
    y = np.tile([0.0, 1.0], 8).astype("float32").reshape(-1, 1)
    # Class 1 is bright and blotchy, class 0 dark and even: any network that learns can tell.
    x = rng.uniform(0, 60, (16, 96, 96, 3))
    x[1::2] += np.kron(rng.uniform(60, 190, (8, 12, 12, 1)), np.ones((1, 8, 8, 3)))
    model_checks.trains(subject, what, x.astype("float32"), y, steps=30, share=0.85)


# --- 03.5: batch normalisation -----------------------------------------------------------------


def _normalize(
    x: Array,
    gamma: Array,
    beta: Array,
    epsilon: float = 0.001,
    axis: tuple[int, ...] | None = (0, 1, 2),
    ddof: int = 0,
) -> Array:
    mean = x.mean(axis=axis, keepdims=True)
    variance = x.var(axis=axis, keepdims=True, ddof=ddof)
    return np.asarray(gamma * (x - mean) / np.sqrt(variance + epsilon) + beta)


def _later(
    x: Array, gamma: Array, beta: Array, mean: Array, variance: Array, epsilon: float = 0.001
) -> Array:
    return np.asarray(gamma * (x - mean) / np.sqrt(variance + epsilon) + beta)


_TRAINING_MISTAKES = [
    Mistake(
        "mean over the batch only",
        "You take mean and variance for each place by itself; take them over the batch **and** all "
        "places: three axes.",
        lambda x, g, b, e=0.001: _normalize(x, g, b, e, (0,)),
    ),
    Mistake(
        "each picture by itself",
        "You normalise each picture by itself; the mean goes over the batch, too.",
        lambda x, g, b, e=0.001: _normalize(x, g, b, e, (1, 2)),
    ),
    Mistake(
        "channels mixed",
        "You take one mean over everything; each channel has its own.",
        lambda x, g, b, e=0.001: _normalize(x, g, b, e, None),
    ),
    Mistake(
        "gamma and beta forgotten",
        "Multiply by gamma and add beta in the end.",
        lambda x, g, b, e=0.001: _normalize(x, np.ones(1), np.zeros(1), e),
    ),
    Mistake(
        "gamma and beta exchanged",
        "Gamma multiplies, beta is added.",
        lambda x, g, b, e=0.001: _normalize(x, b, g, e),
    ),
    Mistake(
        "variance not rooted",
        "Divide by the **square root** of variance + epsilon.",
        lambda x, g, b, e=0.001: g * (x - _mean(x)) / (_variance(x) + e) + b,
    ),
    Mistake(
        "epsilon in another place",
        "Epsilon is added to the variance, inside the square root.",
        lambda x, g, b, e=0.001: g * (x - _mean(x)) / (np.sqrt(_variance(x)) + e) + b,
    ),
    Mistake(
        "epsilon forgotten",
        "Epsilon is missing.",
        lambda x, g, b, e=0.001: _normalize(x, g, b, 0.0),
    ),
    Mistake(
        "mean not subtracted",
        "Subtract the mean first.",
        lambda x, g, b, e=0.001: g * x / np.sqrt(_variance(x) + e) + b,
    ),
    Mistake(
        "divided by n − 1",
        "Batch normalisation divides the squares by n, as `np.var` does, not by n − 1.",
        lambda x, g, b, e=0.001: _normalize(x, g, b, e, ddof=1),
    ),
]

_LATER_MISTAKES = [
    Mistake(
        "mean of the batch used",
        "You compute mean and variance from `x`; take those that are given.",
        lambda x, g, b, m, v, e=0.001: _normalize(x, g, b, e),
    ),
    Mistake(
        "gamma and beta forgotten",
        "Multiply by gamma and add beta in the end.",
        lambda x, g, b, m, v, e=0.001: _later(x, np.ones(1), np.zeros(1), m, v, e),
    ),
    Mistake(
        "variance not rooted",
        "Divide by the **square root** of variance + epsilon.",
        lambda x, g, b, m, v, e=0.001: g * (x - m) / (v + e) + b,
    ),
    Mistake(
        "gamma and beta exchanged",
        "Gamma multiplies, beta is added.",
        lambda x, g, b, m, v, e=0.001: _later(x, b, g, m, v, e),
    ),
    Mistake(
        "epsilon in another place",
        "Epsilon is added to the variance, inside the square root.",
        lambda x, g, b, m, v, e=0.001: g * (x - m) / (np.sqrt(v) + e) + b,
    ),
    Mistake(
        "epsilon forgotten",
        "Epsilon is missing.",
        lambda x, g, b, m, v, e=0.001: _later(x, g, b, m, v, 0.0),
    ),
]


def _mean(x: Array) -> Array:
    return np.asarray(x.mean(axis=(0, 1, 2)))


def _variance(x: Array) -> Array:
    return np.asarray(x.var(axis=(0, 1, 2)))


def _batch(rng: np.random.Generator, shape: tuple[int, ...], spread: float) -> tuple[Array, ...]:
    channels = shape[-1]
    x = rng.normal(rng.uniform(-3, 3, channels), spread * rng.uniform(0.5, 2, channels), shape)
    return x, rng.uniform(0.5, 2, channels), rng.normal(0, 1, channels)


def _bn_cases(rng: np.random.Generator, later: bool) -> list[Case]:
    cases = []
    for shape, spread, epsilon in [
        ((4, 3, 3, 2), 1.0, None),
        ((3, 5, 4, 3), 0.3, 0.2),
        ((2, 4, 4, 4), 0.1, 0.01),
    ]:
        x, gamma, beta = _batch(rng, shape, spread)
        args: tuple[Any, ...] = (x, gamma, beta)
        if later:
            args += (rng.normal(0, 1, shape[-1]), rng.uniform(0.2, 2, shape[-1]))
        args += () if epsilon is None else (epsilon,)
        cases.append(Case(args, f"a batch of shape {shape}"))
    if later:
        x, gamma, beta = _batch(rng, (1, 3, 3, 2), 1.0)
        moments = (rng.normal(0, 1, 2), rng.uniform(0.2, 2, 2))
        cases.append(Case((x, gamma, beta, *moments), "a single picture"))
    return cases


def _bn_training(subject: Subject, rng: np.random.Generator) -> None:
    advice = (
        "Write mean and variance into variables and print their shapes: one number per channel."
    )
    compare.function(
        subject,
        "normalize_training",
        _bn_cases(rng, later=False),
        _normalize,
        _TRAINING_MISTAKES,
        advice=advice,
    )


def _bn_later(subject: Subject, rng: np.random.Generator) -> None:
    cases = _bn_cases(rng, later=True)
    compare.function(subject, "normalize_later", cases, _later, _LATER_MISTAKES)


# --- 03.6: the experiment ----------------------------------------------------------------------

_VARIANTS = {"3x3 max": 3, "5x5 max": 5, "7x7 max": 7, "3x3 mean": 3}


def _variant_parameters(kernel: int) -> int:
    channels, total = 3, 0
    for filters in (8, 16, 32):
        total += filters * (kernel * kernel * channels + 1)
        channels = filters
    return total + 5 * (channels + 1)


def _entries(subject: Subject) -> dict[str, dict[str, Any]]:
    results = compare.attempted(subject, "results")
    if not isinstance(results, dict):
        raise Wrong(f"`results` should be a dictionary, but it is {compare.describe(results)}.")
    missing = [name for name in _VARIANTS if not isinstance(results.get(name), dict)]
    if missing:
        raise Wrong(
            f"`results` lacks an entry for {missing[0]!r}: a dictionary with parameters, seconds "
            f"and accuracy.",
            "variant missing",
        )
    return results


def _measured(subject: Subject, rng: np.random.Generator) -> None:
    results = _entries(subject)
    for name in _VARIANTS:
        for key in ("seconds", "accuracy"):
            got = results[name].get(key)
            if isinstance(got, bool) or not isinstance(got, int | float) or not np.isfinite(got):
                raise Wrong(f"The entry {key!r} of {name!r} should be a number.")
        if results[name]["seconds"] <= 0:
            raise Wrong(
                "The seconds should be above 0: the time after `fit` minus the time before it.",
                "time reversed",
            )
        if not 0 <= results[name]["accuracy"] <= 1:
            raise Wrong(
                "The accuracy should lie between 0 and 1 (not in percent).", "accuracy in percent"
            )
    if len({results[name]["seconds"] for name in _VARIANTS}) == 1:
        raise Wrong(
            "All four took exactly the same time; measure each training by itself.",
            "not measured",
        )


def _counted(subject: Subject, rng: np.random.Generator) -> None:
    results = _entries(subject)
    for name, kernel in _VARIANTS.items():
        got = results[name].get("parameters")
        if isinstance(got, bool) or not isinstance(got, int | float):
            raise Wrong(f"The entry 'parameters' of {name!r} should be a number.")
        if got != _variant_parameters(kernel):
            raise Wrong(
                f"The number of parameters of {name!r} is not that of its network.",
                "another network",
            )


def _claims(subject: Subject, rng: np.random.Generator) -> None:
    compare.choice(
        subject,
        "true_claims",
        ("a", "b", "d"),
        {
            "a": "Pooling has no parameters at all, of either kind. Look at your results.",
            "b": "One 3 × 3 convolution sees 3 pixels in a row, two see 5. And three?",
            "c": "Claim c says *always*. More weights can also mean more to learn by heart.",
            "d": "A filter of 7 × 7 has 49 numbers per channel. And one of 3 × 3?",
            "e": "With another seed, the same network ends elsewhere. One training each cannot "
            "tell luck from a better network.",
        },
        {"c": "more is better", "e": "one training is enough"},
    )


EXERCISE = Exercise(
    "03_building_a_cnn",
    "Building a CNN",
    (
        Question(
            "03.1",
            "On paper first",
            3,
            (
                Part("shape after pooling", 1, _after_pooling),
                Part("parameters of a convolution", 1, _second_parameters),
                Part("receptive field", 1, _receptive_field),
            ),
            needs=("after_pooling", "second_parameters", "receptive_field"),
            hints=(
                "valid: n − k + 1 places with stride 1. Pooling divides by the size of its window "
                "and rounds down.",
                "The channels that come into layer 3 are the filters of layer 1; pooling keeps "
                "their number.",
                "A number after layer 1 sees 5 pixels. Each further window of k adds k − 1 steps; "
                "a step is 1 pixel before the pooling and 3 pixels behind it.",
            ),
            kind="value",
        ),
        Question(
            "03.2",
            "Three blocks",
            3,
            (
                Part("one logit per class", 1, _cnn_output),
                Part("the right calculation", 1, _cnn_calculation),
                Part("dropout while training", 1, _cnn_dropout),
            ),
            needs=("build_cnn",),
            forbids=(
                "course_utils.models.small_cnn",
                "course_utils.models.regularized_cnn",
                "course_utils.models.deep_cnn",
            ),
            hints=(
                "Begin with `keras.Sequential([keras.Input(input_shape), layers.Rescaling(1 / "
                "255), ...])` and add layers with `model.add(...)` in a loop.",
                'The last three layers are `Dense(128, activation="relu")`, `Dropout(0.5)` and '
                "`Dense(num_classes)`.",
            ),
            kind="model",
            seconds=60,
        ),
        Question(
            "03.3",
            "A broken network",
            2,
            (
                Part("one logit per class", 1, _mended_output),
                Part("the calculation that was meant", 1, _mended_calculation),
            ),
            needs=("build_mended",),
            hints=(
                "Compare code and description layer by layer; look at what is twice, and at what "
                "is not there.",
                "The output of the broken network has four axes: which layer is missing? And what "
                "do this course's networks end in?",
            ),
            kind="model",
            seconds=60,
        ),
        Question(
            "03.4",
            "One output for two classes, on a budget",
            3,
            (
                Part("one output, at most 10,000 parameters", 1, _detector_size),
                Part("the loss fits the output", 1, _detector_loss),
                Part("it can learn", 1, _detector_learns),
            ),
            needs=("build_detector",),
            hints=(
                "`GlobalAveragePooling2D` makes one number of each map, without a single "
                "parameter; then `Dense(1)`.",
                '`model.compile(optimizer="adam", loss=keras.losses.BinaryCrossentropy('
                "from_logits=True))` belongs to a last layer without activation.",
            ),
            kind="model",
            seconds=60,
        ),
        Question(
            "03.5",
            "What batch normalisation computes",
            3,
            (
                Part("while training", 2, _bn_training),
                Part("later", 1, _bn_later),
            ),
            needs=("normalize_training", "normalize_later"),
            only=("numpy",),
            hints=(
                "`x.mean(axis=(0, 1, 2))` is the mean over batch, height and width: one number per "
                "channel. `x.var` takes the same `axis`.",
                "In one line: gamma * (x − mean) / √(variance + epsilon) + beta.",
            ),
            seconds=5,
        ),
        Question(
            "03.6",
            "An experiment",
            3,
            (
                Part("parameters", 1, _counted),
                Part("seconds and accuracy", 1, _measured),
                Part("what follows, and what does not", 1, _claims),
            ),
            needs=("results", "true_claims"),
            note="The measurements were not repeated; they are the student's own.",
            hints=(
                "A loop `for name in VARIANTS:` with four steps: build, take the time, fit, take "
                'the time again. `history.history["val_accuracy"][-1]` is the last accuracy.',
                "For claims a, b and d you need no training, only paper. For c and e, imagine "
                "another seed.",
            ),
            kind="experiment",
            seconds=10,
        ),
    ),
)
