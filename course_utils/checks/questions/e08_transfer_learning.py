"""What exercise 08 asks, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.checks import compare, model_checks
from course_utils.checks._question import Exercise, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.checks.model_checks import NetworkMistake
from course_utils.student_work import Ref, StudentWork, models

if TYPE_CHECKING:
    import keras

Array = np.ndarray

# --- 08.1: on paper ----------------------------------------------------------------------------

_LAST = 50 * 5 + 5


def _trained(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("bias forgotten", 320 * 50 + 50 * 5),
        Mistake("last layer forgotten: there is a", 320 * 50 + 50),
        Mistake("flattened", 12 * 12 * 320 * 50 + 50 + _LAST),
        Mistake("hidden layer forgotten", 320 * 5 + 5),
    ]
    compare.number(subject, "trained", 16305, mistakes, whole=True)


def _flattened(subject: StudentWork, rng: np.random.Generator) -> None:
    flat = 12 * 12 * 320
    mistakes = [
        Mistake("pooled", 16305),
        Mistake("bias forgotten", flat * 50 + 250),
        Mistake("one side only", 12 * 320 * 50 + 50 + _LAST),
        Mistake("last layer forgotten: there is a second", flat * 50 + 50),
    ]
    compare.number(subject, "trained_with_flatten", 2304305, mistakes, whole=True)


def _fewer(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("learning rates forgotten", 30),
        Mistake("epochs forgotten", 4),
        Mistake("number instead of factor: that is how", 60000),
        Mistake("number instead of factor: give the factor", 59500),
        Mistake("upside down", 1 / 120),
        Mistake("sum instead of product", 34),
    ]
    compare.number(subject, "times_fewer", 120, mistakes)


# --- 08.2: a new head --------------------------------------------------------------------------

_SIZE = (16, 16, 3)
_CLASSES = 4


def _base() -> keras.Model:
    """The network of the notebook's `small_base`."""
    import keras

    return keras.Sequential(
        [
            keras.Input(_SIZE),
            keras.layers.Rescaling(1 / 127.5, offset=-1),
            keras.layers.Conv2D(6, 3, strides=2, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Conv2D(8, 3, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
        ]
    )


def _network(
    pool: str = "GlobalAveragePooling2D",
    activation: str | None = None,
    scale: float = 1.0,
    frozen: bool = True,
) -> keras.Model:
    import keras

    base = _base()
    base.trainable = not frozen
    x = inputs = keras.Input(_SIZE)
    if scale != 1:
        x = keras.layers.Rescaling(scale)(x)
    x = base(x, training=False) if frozen else base(x)
    x = getattr(keras.layers, pool)()(x)
    return keras.Model(inputs, keras.layers.Dense(_CLASSES, activation=activation)(x))


def _twice() -> keras.Model:
    return _network(scale=1 / 255)


def _twice_around_zero() -> keras.Model:
    return _network(scale=1 / 127.5)


def _maximum() -> keras.Model:
    return _network("GlobalMaxPooling2D")


def _flat() -> keras.Model:
    return _network("Flatten")


def _softmax() -> keras.Model:
    return _network(activation="softmax")


def _sigmoid() -> keras.Model:
    return _network(activation="sigmoid")


def _relu() -> keras.Model:
    return _network(activation="relu")


def _training_mode() -> keras.Model:
    return _network(frozen=False)


_NETWORK_MISTAKES = [
    NetworkMistake("rescaled twice: the pixels are", build=_twice),
    NetworkMistake("rescaled twice: the pixels are rescaled", build=_twice_around_zero),
    NetworkMistake("maximum instead of mean", build=_maximum),
    NetworkMistake("flattened", build=_flat),
    NetworkMistake("softmax at the end", build=_softmax),
    NetworkMistake("sigmoid at the end", build=_sigmoid),
    NetworkMistake("ReLU at the end", build=_relu),
    NetworkMistake("batch normalisation in training mode", build=_training_mode),
]


def _given(subject: StudentWork, name: str) -> Ref:
    """A new network from a function of the notebook that was given."""
    ref = subject.call(name)
    if not isinstance(ref, Ref) or subject.kind(ref) != "model":
        raise wrong("other: is not as", name=name)
    return ref


def _transfer(subject: StudentWork) -> Ref:
    base = _given(subject, "small_base")
    return model_checks.build_with(subject, "build_transfer", base, _CLASSES)


def _calculation(subject: StudentWork, rng: np.random.Generator) -> None:
    model = _transfer(subject)
    model_checks.same_network(subject, model, _network, _SIZE, rng, _NETWORK_MISTAKES)


def _frozen(subject: StudentWork, rng: np.random.Generator) -> None:
    model = _transfer(subject)
    subject.model_weights(model, _SIZE)  # a network of a class of its own is built only now
    learns = subject.model_trainable(model, _SIZE)
    base, head = learns[:10], learns[10:]
    if not any(learns):
        raise wrong("everything frozen")
    if all(base):
        raise wrong("base not frozen: the base can")
    if any(base):
        raise wrong("base not frozen: a part of")
    if len(head) != 2 or not all(head):
        raise wrong("other: only the dense")


# --- 08.3: features ----------------------------------------------------------------------------


def _vectors(subject: StudentWork, rng: np.random.Generator) -> None:
    ref = _given(subject, "small_base")
    model = _base()
    weights = model_checks.random_weights(model, _SIZE, rng)
    for variable, weight in zip(models.in_order(model, _SIZE), weights, strict=True):
        variable.assign(weight)
    subject.model_set_weights(ref, _SIZE, weights)

    def of(pool: Callable[[Array], Array], scale: float = 1.0, training: bool = False) -> Any:
        def answer(_: Any, x: Array) -> Array:
            return pool(models.outputs(model, (x * scale).astype("float32"), training))

        return answer

    def mean(maps: Array) -> Array:
        return np.asarray(maps.mean(axis=(1, 2)))

    mistakes = [
        Mistake("rescaled twice: you rescale the", of(mean, 1 / 255)),
        Mistake("rescaled twice: you rescale so", of(mean, 1 / 127.5)),
        Mistake("batch normalisation in training mode", of(mean, training=True)),
        Mistake("flattened", of(lambda maps: maps.reshape(len(maps), -1))),
        Mistake("not pooled", of(lambda maps: maps)),
        Mistake("maximum instead of mean", of(lambda maps: maps.max(axis=(1, 2)))),
        Mistake("sum instead of mean", of(lambda maps: maps.sum(axis=(1, 2)))),
        Mistake("averaged over the maps", of(lambda maps: maps.mean(axis=3))),
        Mistake("averaged over the batch", of(lambda maps: maps.mean(axis=(0, 1, 2)))),
    ]
    cases = [
        Case((ref, rng.uniform(0, 255, (n, *_SIZE)).astype("float32")), f"{n} pictures")
        for n in (5, 3)
    ]
    compare.function(subject, "features_of", cases, of(mean), mistakes, rtol=1e-3, atol=1e-4)


# --- 08.4: fine-tuning -------------------------------------------------------------------------

#: Which weights learn: of each block a kernel, gamma, beta, mean, variance; then the logits.
_LEARN = [*[False] * 10, True, *[False] * 4, True, True]


def _prepared(subject: StudentWork) -> Ref:
    return model_checks.build_with(
        subject, "prepare_fine_tuning", _given(subject, "with_trained_head")
    )


def _learning(subject: StudentWork, rng: np.random.Generator) -> None:
    learns = subject.model_trainable(_prepared(subject), _SIZE)
    if learns == _LEARN:
        return
    if len(learns) != len(_LEARN):
        raise wrong("other: return the network")
    if not any(learns):
        raise wrong("everything frozen")
    if not any(learns[:15]):
        raise wrong("still frozen")
    if not learns[15]:
        raise wrong("head frozen")
    if any(learns[k] for k in (0, 5)):
        raise wrong("base not frozen")
    if any(learns[k] for k in (1, 2, 6, 7, 11, 12)):
        raise wrong("batch normalisation not frozen")
    raise wrong("other: what learns is")


def _small_steps(subject: StudentWork, rng: np.random.Generator) -> None:
    model = _prepared(subject)
    compiled = subject.model_compiled(model)
    if not compiled:
        raise wrong("not compiled")
    y = np.array([0, 3, 1, 4, 2, 2])
    outputs = rng.normal(0, 2, (6, 5)).astype("float32")
    logs = outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True))
    want = -logs[np.arange(6), y].mean()
    if abs(subject.model_loss(model, y, outputs) - want) > 1e-3:
        raise wrong("loss does not fit")
    rate = compiled["learning_rate"]
    if rate > 0.000101:
        raise wrong("rate too high for fine-tuning")
    if rate < 0.0000099:
        raise wrong("rate too small")


EXERCISE = Exercise.of(
    "08_transfer_learning",
    Question.of(
        "08.1",
        _trained,
        _flattened,
        _fewer,
        needs=("trained", "trained_with_flatten", "times_fewer"),
        kind="value",
    ),
    Question.of(
        "08.2",
        _calculation,
        _frozen,
        needs=("build_transfer",),
        forbids=(
            "course_utils.transfer.attach_head",
            "course_utils.transfer.build_head",
        ),
        kind="model",
        seconds=30,
    ),
    Question.of(
        "08.3",
        _vectors,
        needs=("features_of",),
        forbids=("course_utils.transfer.extract_features",),
        seconds=30,
    ),
    Question.of(
        "08.4",
        _learning,
        _small_steps,
        needs=("prepare_fine_tuning",),
        forbids=("course_utils.transfer.unfreeze", "course_utils.transfer.fine_tune"),
        kind="model",
        seconds=30,
    ),
    Question.of("08.5", kind="written"),
)
