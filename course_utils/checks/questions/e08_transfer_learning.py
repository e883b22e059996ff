"""Check the answers to exercise 08; what they are told is in e08.toml."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.checks import compare, model_checks
from course_utils.checks._question import Exercise, IncorrectAnswer, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.checks.model_checks import NetworkMistake
from course_utils.student_work import Ref, StudentError, StudentWork, models

if TYPE_CHECKING:
    import keras

Array = np.ndarray

# --- 08.1: on paper ----------------------------------------------------------------------------

_MAPS, _PLACES, _LAST = 320, 12 * 12, 50 * 5 + 5


#: Parameters by mistake, for so many inputs of the head.
_COUNTS: dict[str, Callable[[int], tuple[int, ...]]] = {
    "bias forgotten": lambda inputs: (
        inputs * 50 + 50 * 5,
        inputs * 50 + 50 + 50 * 5,
        inputs * 50 + 50 * 5 + 5,
    ),
    "last layer forgotten": lambda inputs: (inputs * 50 + 50, inputs * 50),
    "hidden layer forgotten": lambda inputs: (inputs * 5 + 5, inputs * 5),
    "first layer forgotten": lambda inputs: (_LAST,),
    "one bias for a layer": lambda inputs: (inputs * 50 + 1 + 50 * 5 + 1,),
}


def _counted(inputs: int) -> list[Mistake]:
    return [Mistake(key, *of(inputs)) for key, of in _COUNTS.items()]


def _trained(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [Mistake("flattened", _PLACES * _MAPS * 50 + 50 + _LAST), *_counted(_MAPS)]
    compare.number(subject, "trained", 16305, mistakes, whole=True)


def _flattened(subject: StudentWork, rng: np.random.Generator) -> None:
    name = "trained_with_flatten"
    pooled, got = (compare.earlier_number(subject, key) for key in ("trained", name))
    for of in _COUNTS.values():
        # What `trained` has told costs nothing here.
        pairs = zip(of(_MAPS), of(_PLACES * _MAPS), strict=True)
        if any(pooled == few and got == many for few, many in pairs):
            return
    mistakes = [
        Mistake("pooled", 16305),
        *_counted(_PLACES * _MAPS),
        Mistake("one side only", 12 * _MAPS * 50 + 50 + _LAST, 24 * _MAPS * 50 + 50 + _LAST),
        Mistake("maps forgotten", _PLACES * 50 + 50 + _LAST),
    ]
    compare.number(subject, name, 2304305, mistakes, whole=True)


def _fewer(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("learning rates forgotten", 30),
        Mistake("epochs forgotten", 4),
        Mistake("number instead of factor", 60000, 59500, 500, 15000, 2000),
        Mistake("upside down", 1 / 120),
        Mistake("sum instead of product", 34),
        Mistake("percent", 100 - 100 / 120, 1 - 1 / 120, 100 / 120),
    ]
    compare.number(subject, "times_fewer", 120, mistakes)


# --- 08.2: a new head --------------------------------------------------------------------------

_SIZE = (16, 16, 3)
_CLASSES = 4
_OF_BASE = 10  # arrays of the base: two kernels, and four of each batch normalization
_LEARN_IN_BASE = 6  # of these, all but the moving averages, unless they are frozen


def _base() -> keras.Model:
    """Build the network of the notebook's `small_base`."""
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
    offset: float = 0.0,
    frozen: bool = True,
) -> keras.Model:
    import keras

    base = _base()
    base.trainable = not frozen
    x = inputs = keras.Input(_SIZE)
    if scale != 1:
        x = keras.layers.Rescaling(scale, offset)(x)
    x = base(x)  # frozen, it works in inference mode
    x = getattr(keras.layers, pool)()(x)
    return keras.Model(inputs, keras.layers.Dense(_CLASSES, activation=activation)(x))


_NETWORK_MISTAKES = [
    NetworkMistake("rescaled twice", build=partial(_network, scale=1 / 255)),
    NetworkMistake("rescaled twice", build=partial(_network, scale=1 / 127.5)),
    NetworkMistake("rescaled twice", build=partial(_network, scale=1 / 127.5, offset=-1)),
    NetworkMistake("maximum instead of mean", build=partial(_network, pool="GlobalMaxPooling2D")),
    NetworkMistake("flattened", build=partial(_network, pool="Flatten")),
    NetworkMistake("softmax at the end", build=partial(_network, activation="softmax")),
    NetworkMistake("sigmoid at the end", build=partial(_network, activation="sigmoid")),
    NetworkMistake("ReLU at the end", build=partial(_network, activation="relu")),
    NetworkMistake("not pooled", build=partial(_network, pool="Identity")),
    NetworkMistake(build=partial(_network, frozen=False)),  # the second part tells it
]


def _transfer(subject: StudentWork, rng: np.random.Generator) -> tuple[Ref, Ref, list[Array]]:
    """Return their network, the base that it was given, and the weights of the base.

    They are drawn, as those of a trained base: new moving averages are 0 and 1.
    """
    base = compare.given(subject, "small_base", kind="model")
    weights = model_checks.random_weights(_base(), _SIZE, rng)
    subject.model_set_weights(base, _SIZE, weights)
    return model_checks.build_with(subject, "build_transfer", base, _CLASSES), base, weights


def _head_size(subject: StudentWork, model: Ref) -> None:
    """Say what is wrong with the number of layers and units behind the base."""
    try:
        head = [weights.shape for weights in subject.model_weights(model, _SIZE)][_OF_BASE:]
    except StudentError:
        return  # the comparison of the networks tells it
    if len(head) > 2:
        raise wrong("another layer in the head")
    if len(head) == 2 and head[0][0] == 8 and head[0] != (8, _CLASSES):
        raise wrong("number of classes ignored", got=head[0][1], wanted=_CLASSES)


def _calculation(subject: StudentWork, rng: np.random.Generator) -> None:
    model, base, given = _transfer(subject, rng)
    model_checks.require_model(subject, model)
    _head_size(subject, model)
    try:
        model_checks.same_network(subject, model, _network, _SIZE, rng, _NETWORK_MISTAKES)
    except IncorrectAnswer as told:
        if told.fields.get("when"):  # only while training
            x = rng.uniform(0, 255, (2, *_SIZE)).astype("float32")
            first, second = (subject.model_outputs(model, x, True) for _ in range(2))
            if not np.allclose(first, second):
                raise wrong("dropout") from None
        raise
    if not all(map(np.array_equal, given, subject.model_weights(model, _SIZE))):
        raise wrong("another base")
    fresh = model_checks.random_weights(_base(), _SIZE, rng)
    subject.model_set_weights(base, _SIZE, fresh)
    compare.given(subject, "small_base")  # in grading, a call brings their process up to date
    if not all(map(np.array_equal, fresh, subject.model_weights(model, _SIZE))):
        raise wrong("another base: a copy")


def _frozen(subject: StudentWork, rng: np.random.Generator) -> None:
    model, *_ = _transfer(subject, rng)
    subject.model_weights(model, _SIZE)  # a network of a class of its own is built only now
    learns = subject.model_trainable(model, _SIZE)
    base, head = learns[:_OF_BASE], learns[_OF_BASE:]
    if not any(learns):
        raise wrong("everything frozen")
    if any(base):
        # Its moving averages never learn.
        raise wrong("base not frozen" if sum(base) == _LEARN_IN_BASE else "base not frozen: a part")
    if not head or (len(head) == 2 and not all(head)):  # more layers have cost their own part
        raise wrong("other: only the head")


# --- 08.3: features ----------------------------------------------------------------------------


_NEAR: dict[str, Any] = {"rtol": 1e-3, "atol": 1e-4}


def _features(
    subject: StudentWork, rng: np.random.Generator, *counts: int
) -> tuple[list[Case], Callable[..., Array], list[Mistake]]:
    """Return cases of so many pictures, the right function, and the mistakes."""
    ref = compare.given(subject, "small_base", kind="model")
    model = _base()
    weights = model_checks.random_weights(model, _SIZE, rng)
    for variable, weight in zip(models.in_order(model, _SIZE), weights, strict=True):
        variable.assign(weight)
    subject.model_set_weights(ref, _SIZE, weights)

    def of(
        pool: Callable[[Array], Array],
        scale: float = 1.0,
        training: bool = False,
        offset: float = 0.0,
    ) -> Any:
        return lambda _, x: pool(
            models.outputs(model, (x * scale + offset).astype("float32"), training)
        )

    def over(*axes: int) -> Callable[[Array], Array]:
        return lambda maps: np.asarray(maps.mean(axis=axes))

    mean = over(1, 2)
    cases = [
        Case(
            (ref, rng.uniform(0, 255, (n, *_SIZE)).astype("float32")), f"{n} picture{'s' * (n > 1)}"
        )
        for n in counts
    ]
    return (
        cases,
        of(mean),
        [
            Mistake(
                "rescaled twice",
                of(mean, 1 / 255),
                of(mean, 1 / 127.5),
                of(mean, 1 / 127.5, offset=-1),
            ),
            Mistake("batch normalization in training mode", of(mean, training=True)),
            Mistake("flattened", of(lambda maps: maps.reshape(len(maps), -1))),
            Mistake("not pooled", of(lambda maps: maps)),
            Mistake("maximum instead of mean", of(lambda maps: maps.max(axis=(1, 2)))),
            Mistake("sum instead of mean", of(lambda maps: maps.sum(axis=(1, 2)))),
            Mistake("averaged over the maps", of(over(3))),
            Mistake("averaged over the batch", of(over(0, 1, 2))),
            Mistake("averaged over one axis", of(over(1)), of(over(2))),
            Mistake(
                "averaged over other axes",
                *(of(over(*a)) for a in ((0, 1), (0, 2), (1, 3), (2, 3))),
            ),
        ],
    )


def _vectors(subject: StudentWork, rng: np.random.Generator) -> None:
    given = _features(subject, rng, 5, 3, 70)  # more than two batches of 32
    compare.function(subject, "features_of", *given, **_NEAR)


def _one_picture(subject: StudentWork, rng: np.random.Generator) -> None:
    # A mistake that the first part has told costs nothing here.
    (*several, one), mean, mistakes = _features(subject, rng, 5, 3, 1)
    right = compare.as_told_before(subject, "features_of", several, mean, mistakes, **_NEAR)
    compare.function(subject, "features_of", [one], right, **_NEAR)
    compare.leaves_arguments(subject, "features_of", several[:1])


# --- 08.4: fine-tuning -------------------------------------------------------------------------

#: Which weights learn: of each block a kernel, gamma, beta, mean, variance; then the logits.
_LEARN = [*[False] * 10, True, *[False] * 4, True, True]


def _prepared(subject: StudentWork) -> Ref:
    model = compare.given(subject, "with_trained_head", kind="model")
    return model_checks.build_with(subject, "prepare_fine_tuning", model)


def _learning(subject: StudentWork, rng: np.random.Generator) -> None:
    given = compare.given(subject, "with_trained_head", kind="model")
    before = subject.model_weights(given, _SIZE)
    pictures = rng.uniform(0, 255, (3, *_SIZE)).astype("float32")
    answers = subject.model_outputs(given, pictures)
    prepared = model_checks.build_with(subject, "prepare_fine_tuning", given)
    learns = subject.model_trainable(prepared, _SIZE)
    if len(learns) != len(_LEARN):
        raise wrong("another layer")
    after = subject.model_weights(prepared, _SIZE)
    if not all(map(np.array_equal, before, after)):
        raise wrong("trained head lost")
    now = subject.model_outputs(prepared, pictures)
    if np.shape(now) != np.shape(answers) or not np.allclose(now, answers, atol=1e-4):
        raise wrong("another layer")
    _require_learning(learns)
    if subject.model_trainable(given, _SIZE) != _LEARN:
        raise wrong("a copy")


def _require_learning(learns: list[bool]) -> None:
    if learns == _LEARN:
        return
    if not any(learns):
        raise wrong("everything frozen")
    if not any(learns[:15]):
        raise wrong("still frozen")
    if not learns[15]:
        raise wrong("head frozen")
    if any(learns[k] for k in (0, 5)):
        raise wrong("base not frozen")
    if any(learns[k] for k in (1, 2, 6, 7, 11, 12)):
        raise wrong("batch normalization not frozen")
    raise wrong("other: what learns")


def _small_steps(subject: StudentWork, rng: np.random.Generator) -> None:
    model = _prepared(subject)
    compiled = subject.model_compiled(model)
    if not compiled:
        raise wrong("not compiled: again")
    y = np.array([0, 3, 1, 4, 2, 2])
    outputs = rng.normal(0, 2, (6, 5)).astype("float32")
    logs = outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True))
    want = -logs[np.arange(6), y].mean()
    try:
        loss = subject.model_loss(model, y, outputs)
    except StudentError:  # for instance a loss that expects one-hot labels
        raise wrong("loss does not fit") from None
    if abs(loss - want) > 1e-3:
        raise wrong("loss does not fit")
    rate = compiled["highest_rate"]
    if rate > 0.000101:
        raise wrong("rate too high for fine-tuning")
    if rate <= 0:
        raise wrong("rate not positive")
    if rate < 0.0000099:
        raise wrong("rate too small")


EXERCISE = Exercise.of(
    "08_transfer_learning",
    Question.of("08.1", _trained, _flattened, _fewer),
    Question.of("08.2", _calculation, _frozen),
    Question.of("08.3", _vectors, _one_picture),
    Question.of("08.4", _learning, _small_steps),
    Question.of("08.5"),
)
