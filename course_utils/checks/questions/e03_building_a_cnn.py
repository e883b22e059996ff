"""What exercise 03 asks, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.checks import compare, model_checks
from course_utils.checks._question import Exercise, IncorrectAnswer, Part, Question
from course_utils.checks.compare import Case, Mistake
from course_utils.checks.model_checks import Fault, NetworkMistake
from course_utils.student_work import Missing, Ref, StudentError, StudentWork, WrongKind

if TYPE_CHECKING:
    import keras

Array = np.ndarray

# --- 03.1: on paper ----------------------------------------------------------------------------


def _after_pooling(subject: StudentWork, rng: np.random.Generator) -> None:
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


def _second_parameters(subject: StudentWork, rng: np.random.Generator) -> None:
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


def _receptive_field(subject: StudentWork, rng: np.random.Generator) -> None:
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
    input_shape: Sequence[int],
    classes: int = 5,
    *,
    rescale: float | None = 1 / 255,
    offset: float = 0.0,
    filters: Sequence[int] = (32, 64, 128),
    kernel: int = 3,
    padding: str = "same",
    activation: str | None = "relu",
    pooling: str = "MaxPooling2D",
    pool_padding: str = "valid",
    flat: str | None = "Flatten",
    units: int = 128,
    dense: str | None = "relu",
    dense_first: bool = True,
) -> keras.Model:
    """The network of 03.2 as it is used, without dropout, which another part judges."""
    import keras
    from keras import layers

    stack: list[Any] = [keras.Input(tuple(input_shape))]
    if rescale is not None:
        stack.append(layers.Rescaling(rescale, offset))
    for number in filters:
        stack.append(layers.Conv2D(number, kernel, padding=padding, activation=activation))
        stack.append(getattr(layers, pooling)(2, padding=pool_padding))
    if flat:
        stack.append(getattr(layers, flat)())
    if dense_first:
        stack.append(layers.Dense(units, activation=dense))
    return keras.Sequential([*stack, layers.Dense(classes)])


_SOFTMAX = (
    "Your network ends in softmax; this course's networks end in logits: no activation in the last "
    "layer."
)
_FLATTEN = (
    "The output has more than two axes: between the maps and the last dense layer there is nothing "
    "that makes one row of them, such as `Flatten`."
)

#: Those that may be made together, and then those that are rarely made with another one.
_CNN_FAULTS = (
    Fault("flatten missing", _FLATTEN, {"flat": None}, elsewhere=True),
    Fault(
        "padding wrong",
        'The convolutions lack the padding "same", so the maps get smaller.',
        {"padding": "valid"},
    ),
    Fault("ReLU missing", "The convolutions lack their ReLU.", {"activation": None}),
    Fault("ReLU missing", "The dense layer lacks its ReLU.", {"dense": None}),
    Fault(
        "average instead of maximum",
        "Use max pooling, not average pooling.",
        {"pooling": "AveragePooling2D"},
    ),
    Fault(
        "pooling with a border",
        'Pooling has no border here: its padding is "valid" (the default), not "same". Where a '
        "side is odd, what does not fill a window is left out.",
        {"pool_padding": "same"},
    ),
    Fault(
        "rescaling missing",
        "The pixels come as 0 to 255 and are not rescaled.",
        {"rescale": None},
    ),
    Fault(
        "averaged instead of flattened",
        "You take the mean of each map; here the maps are to be flattened.",
        {"flat": "GlobalAveragePooling2D"},
    ),
    Fault(
        "dense layer missing",
        "There should be a dense layer of 128 units before the last one.",
        {"dense_first": False},
    ),
)
_RARE_CNN_FAULTS = (
    Fault("rescaled twice", "The pixels are rescaled twice.", {"rescale": 1 / 255**2}),
    Fault("rescaling wrong", "Rescaling multiplies: give it 1 / 255, not 255.", {"rescale": 255.0}),
    Fault(
        "rescaled to another range",
        "The pixels are to be rescaled to 0 to 1, not to −1 to 1.",
        {"rescale": 1 / 127.5, "offset": -1.0},
    ),
    Fault(
        "filters in the wrong order",
        "The numbers of filters are right, but not their order: 32 first.",
        {"filters": (128, 64, 32)},
    ),
    Fault("kernel size wrong", "Use filters of 3 × 3, not of 5 × 5.", {"kernel": 5}),
    Fault(
        "averaged instead of flattened",
        "You take the largest number of each map; here the maps are to be flattened.",
        {"flat": "GlobalMaxPooling2D"},
    ),
    *(
        Fault(
            "activation wrong",
            f"The activation of the convolutions should be ReLU, not {one}.",
            {"activation": one},
        )
        for one in ("relu6", "leaky_relu", "sigmoid", "tanh", "elu", "gelu", "swish", "softmax")
    ),
    *(
        Fault(
            "activation wrong",
            f"The activation of the dense layer should be ReLU, not {one}.",
            {"dense": one},
        )
        for one in ("relu6", "leaky_relu", "sigmoid", "tanh", "elu", "gelu", "swish", "softmax")
    ),
)


def _one_row_per_picture(
    subject: StudentWork, what: Ref, shape: Sequence[int], classes: int, rng: np.random.Generator
) -> None:
    x = rng.uniform(0, 255, (3, *shape)).astype("float32")
    outputs = subject.model_outputs(what, x)
    if not isinstance(outputs, np.ndarray):
        raise IncorrectAnswer("Your network should have one output, not several.")
    if outputs.ndim > 2:
        raise IncorrectAnswer(_FLATTEN, "flatten missing")
    if classes == 1 and outputs.shape == (3,):
        return
    if outputs.shape != (3, classes):
        wanted = f"one output for each of {classes} classes" if classes > 1 else "one output"
        raise IncorrectAnswer(
            f"The network should give {wanted} per picture. For a batch of 3 pictures the shape of "
            f"the output should be (3, {classes}), but it is {outputs.shape}.",
            "number of outputs",
        )


def _require_logits(
    subject: StudentWork, what: Ref, shape: Sequence[int], rng: np.random.Generator
) -> None:
    end = model_checks.activation_at_end(subject, what, shape, rng)
    if end == "logits":
        return
    if end == "softmax":
        raise IncorrectAnswer(_SOFTMAX, "softmax at the end")
    if end == "ReLU":
        raise IncorrectAnswer(
            "A logit may be negative: leave ReLU out in the last layer.", "ReLU at the end"
        )
    name = "an activation" if end == model_checks.UNKNOWN_END else end
    raise IncorrectAnswer(
        f"Your network ends in {name}; this course's networks end in logits: no activation in the "
        f"last layer, and nothing behind it.",
        f"{end} at the end",
    )


_SIZES: tuple[tuple[tuple[int, int, int], int], ...] = (((45, 37, 3), 5), ((40, 48, 1), 3))


def _built_cnn(
    subject: StudentWork, shape: tuple[int, int, int], classes: int, *, strict: bool = False
) -> tuple[Ref, tuple[int, ...]]:
    """Their network, and the shape of the pictures that it takes."""
    what = model_checks.build_with(subject, "build_cnn", shape, classes)
    call = f"build_cnn({shape}, {classes})"
    return what, model_checks.fitting_shape(subject, what, shape, call, strict=strict)


def _cnn_output(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: sizes and number of outputs as asked for, one row per picture, nothing behind the
    # last layer. Everything before that layer is judged by the next part.
    for shape, classes in _SIZES:
        what, _ = _built_cnn(subject, shape, classes, strict=True)
        _one_row_per_picture(subject, what, shape, classes, rng)
        _require_logits(subject, what, shape, rng)


def _cnn_calculation(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: every layer with and without weights, by the outputs for random weights, small and
    # large; sides that are odd after some pooling; what learns, and from where it starts. Not at
    # the end of the network (part 1) and at what happens only while training (part 3).
    what, shape = _built_cnn(subject, *_SIZES[0])
    end = model_checks.activation_at_end(subject, what, shape, rng)
    classes = np.asarray(subject.model_outputs(what, np.zeros((2, *shape), "float32"))).shape[-1]
    build = _of(_cnn, shape, classes)
    mistakes = _cnn_mistakes(shape, classes)
    model_checks.same_network(subject, what, build, shape, rng, mistakes, end=end, passes=(False,))
    model_checks.ready_to_learn(subject, what, shape)


@lru_cache(maxsize=8)
def _of(build: Callable[..., keras.Model], *args: Any) -> Callable[..., keras.Model]:
    """A function with its first arguments, the same each time, since references are remembered."""
    return partial(build, *args)


@lru_cache(maxsize=8)
def _cnn_mistakes(shape: tuple[int, ...], classes: int) -> tuple[NetworkMistake, ...]:
    build = _of(_cnn, shape, classes)
    alone = model_checks.combined(build, (*_CNN_FAULTS, *_RARE_CNN_FAULTS), most=1)
    pairs = model_checks.combined(build, _CNN_FAULTS, most=2)[len(_CNN_FAULTS) :]
    return (*alone, *pairs)


def _cnn_dropout(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: each number by itself, for many pictures and units; nothing else that is random in
    # training, nothing random in use. The other layers may be wrong.
    what, shape = _built_cnn(subject, (45, 37, 3), 100)
    end = model_checks.activation_at_end(subject, what, shape, rng)
    model_checks.drops(subject, what, shape, rng, rate=0.5, end=end)


# --- 03.3: the broken network ------------------------------------------------------------------


def _mended(
    *,
    rescale: float | None = 1 / 255,
    first: str | None = "relu",
    second: str | None = "relu",
    flat: str | None = "Flatten",
    padding: str = "valid",
    pool_padding: str = "valid",
    pools: int = 2,
) -> keras.Model:
    import keras
    from keras import layers

    stack: list[Any] = [keras.Input(_MENDED_SHAPE)]
    if rescale is not None:
        stack.append(layers.Rescaling(rescale))
    stack.append(layers.Conv2D(8, 3, activation=first, padding=padding))
    stack.append(layers.MaxPooling2D(2, padding=pool_padding))
    stack.append(layers.Conv2D(16, 3, activation=second, padding=padding))
    if pools == 2:
        stack.append(layers.MaxPooling2D(2, padding=pool_padding))
    if flat:
        stack.append(getattr(layers, flat)())
    return keras.Sequential([*stack, layers.Dense(4)])


_MENDED_SHAPE = (21, 26, 3)  # so that sides are odd before each pooling
_NO_RELU = "The {} convolution has no ReLU."

_MENDED_MISTAKES = model_checks.combined(
    _mended,
    (
        Fault("flatten missing", _FLATTEN, {"flat": None}, elsewhere=True),
        Fault(
            "rescaled twice",
            "The pixels are still rescaled twice: the network sees pictures that are nearly black.",
            {"rescale": 1 / 255**2},
        ),
        Fault("ReLU missing", _NO_RELU.format("second"), {"second": None}),
        Fault("ReLU missing", _NO_RELU.format("first"), {"first": None}),
        Fault(
            "rescaling missing",
            "The pixels come as 0 to 255 and are not rescaled at all.",
            {"rescale": None},
        ),
        Fault(
            "averaged instead of flattened",
            "You take the mean of each map; here they are to be flattened.",
            {"flat": "GlobalAveragePooling2D"},
        ),
        Fault(
            "padding wrong",
            'The convolutions were meant to have the padding "valid".',
            {"padding": "same"},
        ),
        Fault(
            "pooling with a border",
            'Pooling was meant to have no border: its padding is "valid", the default.',
            {"pool_padding": "same"},
        ),
        Fault("pooling missing", "One of the two poolings is missing.", {"pools": 1}),
    ),
    most=3,
)


def _built_mended(subject: StudentWork, *, strict: bool = False) -> Ref:
    what = model_checks.build_with(subject, "build_mended", _MENDED_SHAPE, 4)
    model_checks.fitting_shape(subject, what, _MENDED_SHAPE, f"build_mended({_MENDED_SHAPE}, 4)")
    return what


def _mended_output(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: number of outputs for two sizes, one row per picture, nothing behind the last layer.
    for shape, classes in ((_MENDED_SHAPE, 4), ((32, 20, 1), 7)):
        what = model_checks.build_with(subject, "build_mended", shape, classes)
        call = f"build_mended({shape}, {classes})"
        model_checks.fitting_shape(subject, what, shape, call)
        _one_row_per_picture(subject, what, shape, classes, rng)
        _require_logits(subject, what, shape, rng)


def _mended_calculation(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: every layer, in use and in training; not at the end of the network (part 1).
    what = _built_mended(subject)
    end = model_checks.activation_at_end(subject, what, _MENDED_SHAPE, rng)
    model_checks.same_network(subject, what, _mended, _MENDED_SHAPE, rng, _MENDED_MISTAKES, end=end)
    model_checks.ready_to_learn(subject, what, _MENDED_SHAPE)


# --- 03.4: one output --------------------------------------------------------------------------

_BUDGET = 10_000
_PICTURE = (96, 96, 3)


def _detector(subject: StudentWork) -> Ref:
    what = model_checks.build_with(subject, "build_detector", _PICTURE)
    advice = "Use `input_shape`, not numbers of your own."
    model_checks.fitting_shape(subject, what, _PICTURE, f"build_detector({_PICTURE})", advice)
    return what


def _detector_size(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: number of outputs and parameters. The architecture is free.
    what = _detector(subject)
    _one_row_per_picture(subject, what, _PICTURE, 1, rng)
    total = sum(w.size for w in subject.model_weights(what, _PICTURE))
    if total > _BUDGET:
        raise IncorrectAnswer(
            f"Your network has {total:,} parameters, more than {_BUDGET:,}. Most of them sit in a "
            f"dense layer behind `Flatten`; `GlobalAveragePooling2D` needs none.",
            "over budget",
        )
    other = (64, 80, 1)
    smaller = model_checks.build_with(subject, "build_detector", other)
    advice = "Use `input_shape`, not numbers of your own."
    model_checks.fitting_shape(subject, smaller, other, f"build_detector({other})", advice)


def _cross_entropy(p: Array, y: Array) -> float:
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))


def _detector_loss(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: the end of the network and the loss, and that they fit. Softmax of one output is
    # left to the next part, since such a network cannot learn.
    what = _detector(subject)
    if not subject.model_compiled(what):
        raise IncorrectAnswer(
            "Your network is not compiled; call its method `compile`.", "not compiled"
        )
    end = model_checks.activation_at_end(subject, what, _PICTURE, rng)
    if end == "ReLU":
        raise IncorrectAnswer(
            "Your network never gives a negative output. A logit may be negative: leave ReLU out "
            "at the end.",
            "ReLU at the end",
        )
    if end not in ("logits", "sigmoid", "softmax"):
        name = "an activation other than sigmoid" if end == model_checks.UNKNOWN_END else end
        raise IncorrectAnswer(
            f"Your network ends in {name}. Its output should be a plain logit, or the probability "
            f"that sigmoid makes of it.",
            f"{end} at the end",
        )
    _require_loss(subject, what, sigmoid=end != "logits")


def _require_loss(subject: StudentWork, what: Ref, sigmoid: bool) -> None:
    y = np.array([0.0, 1, 1, 0, 1, 0], "float32").reshape(-1, 1)
    shown = np.array([0.1, 0.7, 0.4, 0.6, 0.9, 0.3], "float32").reshape(-1, 1)
    another = IncorrectAnswer(
        "The loss is not binary cross-entropy: for some outputs it gives another number.",
        "another loss",
    )
    try:
        got = subject.model_loss(what, y, shown)
    except StudentError:
        raise another from None
    as_probabilities = _cross_entropy(shown, y)
    as_logits = _cross_entropy(1 / (1 + np.exp(-shown)), y)
    if abs(got - (as_probabilities if sigmoid else as_logits)) < 1e-4:
        return
    if sigmoid and abs(got - as_logits) < 1e-4:
        raise IncorrectAnswer(
            "Your network ends in sigmoid, but the loss is told `from_logits=True`, so it applies "
            "sigmoid once more.",
            "sigmoid with from_logits",
        )
    if not sigmoid and abs(got - as_probabilities) < 1e-4:
        raise IncorrectAnswer(
            "Your network ends in a logit, but the loss takes it for a probability: tell it "
            "`from_logits=True`, or end in sigmoid.",
            "logits taken for probabilities",
        )
    raise another


_FACTORS = {
    1.0: (
        "The network takes pixels from 0 to 255 and should rescale them itself.",
        "rescaling missing",
    ),
    1 / 255**2: ("The pixels are rescaled twice.", "rescaled twice"),
    255.0: ("Rescaling multiplies: give it 1 / 255, not 255.", "rescaling wrong"),
}


def _detector_learns(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: what the first layer sees of pixels from 0 to 255, and whether the loss falls. What
    # the parts before judge (outputs, loss, an activation at the end) is put right first.
    what = _detector(subject)
    end = model_checks.activation_at_end(subject, what, _PICTURE, rng)
    if end == "softmax":
        raise IncorrectAnswer(
            "Softmax of a single output is always 1, so your network gives the same for all "
            "pictures and cannot learn: use sigmoid, or no activation.",
            "softmax of one output",
        )
    factor = model_checks.pixel_factor(subject, what, _PICTURE, rng)
    if factor in _FACTORS:
        sentence, name = _FACTORS[factor]
        raise IncorrectAnswer(sentence, name)
    if end not in ("logits", "sigmoid") and _may_learn(subject, what):
        return
    _put_right(subject, what, sigmoid=end == "sigmoid")
    outputs = np.asarray(subject.model_outputs(what, np.zeros((16, *_PICTURE), "float32")))
    y = np.tile([0.0, 1.0], 8).astype("float32").reshape(-1, *[1] * (outputs.ndim - 1))
    y = np.broadcast_to(y, outputs.shape).copy()
    # Class 1 is bright and blotchy, class 0 dark and even: any network that learns can tell.
    x = rng.uniform(0, 60, (16, *_PICTURE))
    x[1::2] += np.kron(rng.uniform(60, 190, (8, 12, 12, 1)), np.ones((1, 8, 8, 3)))
    x = x.astype("float32")
    try:
        model_checks.trains(subject, what, x, y, steps=30, share=0.85, patience=200)
    except IncorrectAnswer:
        # A small network may start with no filter that is ever above 0: once more, with another.
        again = _detector(subject)
        _put_right(subject, again, sigmoid=end == "sigmoid")
        model_checks.trains(subject, again, x, y, steps=200, share=0.95)


def _may_learn(subject: StudentWork, what: Ref) -> bool:
    """Whether something is trained, at a rate that can be seen."""
    rate = subject.model_compiled(what).get("learning_rate", 1.0)
    return rate > 1e-5 and any(subject.model_trainable(what, _PICTURE))


def _put_right(subject: StudentWork, what: Ref, sigmoid: bool) -> None:
    """Compile their network with their optimizer and binary cross-entropy, if it is not."""
    try:
        compiled = bool(subject.model_compiled(what))
        if compiled:
            try:
                _require_loss(subject, what, sigmoid)
            except IncorrectAnswer:
                pass
            else:
                return
        loss = subject.call("keras.losses.BinaryCrossentropy", from_logits=not sigmoid)
        optimizer: Any = Ref(f"{what.key}.optimizer")
        if not compiled:
            optimizer = subject.call("keras.optimizers.Adam", 0.01)
        subject.call(Ref(f"{what.key}.compile"), optimizer=optimizer, loss=loss)
    except (StudentError, Missing, WrongKind):
        return  # then it learns, or not, with the loss that it has


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
        "default of epsilon wrong",
        "Where no epsilon is given, it is 0.001.",
        lambda x, g, b, e=1e-5: _normalize(x, g, b, e),
    ),
    Mistake(
        "epsilon not used",
        "Use the epsilon that is given, not always 0.001.",
        lambda x, g, b, e=0.001: _normalize(x, g, b, 0.001),
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
        "default of epsilon wrong",
        "Where no epsilon is given, it is 0.001.",
        lambda x, g, b, m, v, e=1e-5: _later(x, g, b, m, v, e),
    ),
    Mistake(
        "epsilon not used",
        "Use the epsilon that is given, not always 0.001.",
        lambda x, g, b, m, v, e=0.001: _later(x, g, b, m, v, 0.001),
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
        ((2, 3, 5, 3), 0.03, None),  # epsilon is not much smaller than the variance
    ]:
        x, gamma, beta = _batch(rng, shape, spread)
        args: tuple[Any, ...] = (x, gamma, beta)
        if later:
            around = spread**2
            moments = rng.normal(0, 1, shape[-1]), rng.uniform(0.2, 2, shape[-1]) * around
            args += moments
        args += () if epsilon is None else (epsilon,)
        cases.append(Case(args, f"a batch of shape {shape}"))
    if later:
        x, gamma, beta = _batch(rng, (1, 3, 3, 2), 1.0)
        moments = (rng.normal(0, 1, 2), rng.uniform(0.2, 2, 2))
        cases.append(Case((x, gamma, beta, *moments), "a single picture"))
    return cases


def _whole_numbers(rng: np.random.Generator, later: bool) -> list[Case]:
    whole = rng.integers(0, 256, (3, 4, 5, 2))
    _, gamma, beta = _batch(rng, (1, 1, 1, 2), 1.0)
    moments = [np.array([120.5, 99.0]), np.array([5000.0, 6100.5])] if later else []
    return [Case((whole, gamma, beta, *moments), "a batch of whole numbers")]


def _bn_training(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: batches of several shapes, given and default epsilon, small and large variances,
    # whole numbers, and that `x` is left as it is. Other packages are watched.
    advice = (
        "Write mean and variance into variables and print their shapes: one number per channel."
    )
    cases = _bn_cases(rng, later=False)
    compare.function(
        subject, "normalize_training", cases, _normalize, _TRAINING_MISTAKES, advice=advice
    )
    compare.leaves_arguments(subject, "normalize_training", cases)
    cases = _whole_numbers(rng, later=False)
    compare.function(subject, "normalize_training", cases, _normalize, _TRAINING_MISTAKES)


def _bn_later(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _bn_cases(rng, later=True)
    compare.function(subject, "normalize_later", cases, _later, _LATER_MISTAKES)
    compare.leaves_arguments(subject, "normalize_later", cases)
    cases = _whole_numbers(rng, later=True)
    compare.function(subject, "normalize_later", cases, _later, _LATER_MISTAKES)


# --- 03.6: the experiment ----------------------------------------------------------------------

_VARIANTS = {"3x3 max": 3, "5x5 max": 5, "7x7 max": 7, "3x3 mean": 3}


def _variant_parameters(kernel: int) -> int:
    channels, total = 3, 0
    for filters in (8, 16, 32):
        total += filters * (kernel * kernel * channels + 1)
        channels = filters
    return total + 5 * (channels + 1)


#: Pictures in the given data, and epochs that are asked for.
_TRAIN, _VALIDATION, _EPOCHS = 750, 300, 4
#: The mean loss of the first epoch of a new network is near that of guessing, ln 5 = 1.609: with
#: ten seeds between 1.58 and 1.62. Networks that were trained before begin lower.
_FIRST_LOSS = (1.54, 1.70)
_CURVES = ("loss", "accuracy", "val_loss", "val_accuracy")


def _entries(subject: StudentWork) -> dict[str, dict[str, Any]]:
    results = compare.mapping(subject, "results")
    if results is None:
        said = compare.describe(compare.attempted(subject, "results"))
        raise IncorrectAnswer(
            f"`results` should be a dictionary, but it is {said}.", "not a dictionary"
        )
    missing = [name for name in _VARIANTS if not isinstance(results.get(name), dict)]
    if missing:
        raise IncorrectAnswer(
            f"`results` lacks an entry for {missing[0]!r}: a dictionary with parameters, seconds, "
            f"accuracy and history.",
            "variant missing",
        )
    return results


def _numbers(results: dict[str, dict[str, Any]], key: str) -> dict[str, float]:
    found = {}
    for name in _VARIANTS:
        got = compare.one_number(results[name].get(key))
        if got is None or not np.isfinite(got):
            raise IncorrectAnswer(f"The entry {key!r} of {name!r} should be a number.")
        found[name] = float(got)
    return found


def _measured(subject: StudentWork, rng: np.random.Generator) -> None:
    # These numbers are not measured again (that takes a minute). Looks at whether they can be what
    # four trainings of the given networks on the given pictures gave: seconds above 0 that differ
    # and are no reading of a clock; shares of the right number of pictures; a first loss that is
    # near guessing; the same number of epochs, four at most; the accuracy of the last epoch.
    results = _entries(subject)
    seconds, accuracy = _numbers(results, "seconds"), _numbers(results, "accuracy")
    _require_seconds(list(seconds.values()))
    if any(not 0 <= value <= 1 for value in accuracy.values()):
        raise IncorrectAnswer(
            "The accuracy should lie between 0 and 1 (not in percent).", "accuracy in percent"
        )
    histories = {name: _history(results[name].get("history"), name) for name in _VARIANTS}
    _require_trainings(histories)
    for name, curves in histories.items():
        if compare.close(accuracy[name], curves["val_accuracy"][-1], rtol=0, atol=6e-3):
            continue
        if compare.close(accuracy[name], curves["accuracy"][-1], rtol=0, atol=6e-3):
            raise IncorrectAnswer(
                f"The accuracy of {name!r} is that of the training pictures; take `val_accuracy`.",
                "training accuracy taken",
            )
        raise IncorrectAnswer(
            f"The accuracy of {name!r} is not the last `val_accuracy` of its history.",
            "another accuracy",
        )


def _require_seconds(seconds: list[float]) -> None:
    if min(seconds) <= 0:
        raise IncorrectAnswer(
            "The seconds should be above 0: the time after `fit` minus the time before it.",
            "time reversed",
        )
    if len(set(seconds)) == 1:
        raise IncorrectAnswer(
            "All four took exactly the same time; measure each training by itself.",
            "not measured",
        )
    if max(seconds) > 1200:
        raise IncorrectAnswer(
            "More than 20 minutes for one training? Give seconds, and the difference of two "
            "readings of the clock, not a reading.",
            "not seconds",
        )


def _history(value: Any, name: str) -> dict[str, list[float]]:
    """The curves of a training, or a sentence about what is not one."""
    if isinstance(value, dict) and isinstance(value.get("history"), dict):
        value = value["history"]
    if not isinstance(value, dict):
        raise IncorrectAnswer(
            f"The entry 'history' of {name!r} should be what `fit` returns.", "history missing"
        )
    curves = {}
    for key in _CURVES:
        curve = compare.listed(value.get(key))
        numbers = [compare.one_number(one) for one in curve or []]
        if not numbers or any(one is None or not np.isfinite(one) for one in numbers):
            raise IncorrectAnswer(
                f"The history of {name!r} lacks {key!r}, with a number for each epoch. (For "
                f"`val_loss` and `val_accuracy`, `fit` needs `validation_data`.)",
                "curve missing",
            )
        curves[key] = [float(one) for one in numbers if one is not None]
    return curves


def _require_trainings(histories: dict[str, dict[str, list[float]]]) -> None:
    epochs = {len(curve) for curves in histories.values() for curve in curves.values()}
    if len(epochs) > 1 or max(epochs) > _EPOCHS:
        raise IncorrectAnswer(
            f"Train each network for the same number of epochs, `settings.epochs({_EPOCHS})`.",
            "different epochs",
        )
    for name, curves in histories.items():
        first = curves["loss"][0]
        if not _FIRST_LOSS[0] <= first <= _FIRST_LOSS[1]:
            raise IncorrectAnswer(
                f"A new network begins with guessing, a loss near 1.61; that of {name!r} does not. "
                f"Build a new network for each variant with `build_variant(name)`, and train it "
                f"once.",
                "not a new network",
            )
        for key, pictures in (("accuracy", _TRAIN), ("val_accuracy", _VALIDATION)):
            if not all(_share_of(pictures, value) for value in curves[key]):
                which = "training" if key == "accuracy" else "validation"
                raise IncorrectAnswer(
                    f"{key!r} of {name!r} is no share of {pictures} pictures. Train on "
                    f"`data.train` and give `fit` `validation_data=data.validation`.",
                    f"other pictures for {which}",
                )
    if len({tuple(curves["loss"]) for curves in histories.values()}) < len(histories):
        raise IncorrectAnswer(
            "Two variants have exactly the same curve; keep for each the history of its own "
            "training.",
            "one history for all",
        )


def _share_of(pictures: int, value: float) -> bool:
    """Whether an accuracy is a whole number of pictures; rounded ones may be a little off."""
    digits = next((d for d in (2, 3, 4) if abs(round(value, d) - value) < 1e-7), 6)
    allowed = pictures * 0.5 * 10.0**-digits + 2e-3
    return 0 <= value <= 1 and abs(value * pictures - round(value * pictures)) <= allowed


def _counted(subject: StudentWork, rng: np.random.Generator) -> None:
    results = _entries(subject)
    parameters = _numbers(results, "parameters")
    for name, kernel in _VARIANTS.items():
        if parameters[name] != _variant_parameters(kernel):
            raise IncorrectAnswer(
                f"The number of parameters of {name!r} is not that of its network.",
                "another network",
            )


def _claims(subject: StudentWork, rng: np.random.Generator) -> None:
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
            packages=("scipy", "sklearn", "torch", "jax", "tensorflow", "keras"),
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
            note="The measurements were not repeated; it was looked at whether they fit together.",
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
