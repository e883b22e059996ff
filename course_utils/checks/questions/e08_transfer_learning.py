"""What exercise 08 asks, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.checks import compare, model_checks
from course_utils.checks._question import Exercise, IncorrectAnswer, Part, Question
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
        Mistake("bias forgotten", "Each unit has a bias, too.", 320 * 50 + 50 * 5),
        Mistake(
            "last layer forgotten", "There is a second dense layer, for the logits.", 320 * 50 + 50
        ),
        Mistake(
            "flattened",
            "Average pooling makes **one** number of each feature map.",
            12 * 12 * 320 * 50 + 50 + _LAST,
        ),
        Mistake(
            "hidden layer forgotten", "The logits come after a layer of 50 units.", 320 * 5 + 5
        ),
    ]
    advice = "Two dense layers: inputs times units, and a bias for each unit."
    compare.number(subject, "trained", 16305, mistakes, whole=True, advice=advice)


def _flattened(subject: StudentWork, rng: np.random.Generator) -> None:
    flat = 12 * 12 * 320
    mistakes = [
        Mistake("pooled", "That is the number with average pooling.", 16305),
        Mistake("bias forgotten", "Each unit has a bias, too.", flat * 50 + 250),
        Mistake(
            "one side only", "The maps have 12 rows **and** 12 columns.", 12 * 320 * 50 + 50 + _LAST
        ),
        Mistake("last layer forgotten", "There is a second dense layer.", flat * 50 + 50),
    ]
    advice = "How many numbers go into the first dense layer if nothing is averaged?"
    compare.number(subject, "trained_with_flatten", 2304305, mistakes, whole=True, advice=advice)


def _fewer(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("learning rates forgotten", "There are several learning rates to try.", 30),
        Mistake("epochs forgotten", "Each training has several epochs.", 4),
        Mistake("number instead of factor", "That is how many run through without it.", 60000),
        Mistake("number instead of factor", "Give the factor, not what is saved.", 59500),
        Mistake("upside down", "By which factor fewer: a number above 1.", 1 / 120),
        Mistake("sum instead of product", "Each rate has that many epochs: multiply.", 34),
    ]
    advice = "How many pictures pass through the base in all trainings, and how many if only once?"
    compare.number(subject, "times_fewer", 120, mistakes, advice=advice)


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
    NetworkMistake(
        "rescaled twice",
        "The pixels are rescaled before the base, which rescales them itself: to the base all "
        "pictures are nearly the same.",
        _twice,
    ),
    NetworkMistake(
        "rescaled twice",
        "The pixels are rescaled before the base, which rescales them itself.",
        _twice_around_zero,
    ),
    NetworkMistake(
        "maximum instead of mean", "Take the mean of each map, not its largest value.", _maximum
    ),
    NetworkMistake(
        "flattened",
        "Your head gets every place of the maps. `GlobalAveragePooling2D` makes one number of each "
        "map.",
        _flat,
    ),
    NetworkMistake("softmax at the end", "End in logits, without softmax.", _softmax),
    NetworkMistake("sigmoid at the end", "End in logits, without sigmoid.", _sigmoid),
    NetworkMistake("ReLU at the end", "End in logits, without ReLU.", _relu),
    NetworkMistake(
        "batch normalisation in training mode",
        "While training, batch normalisation takes the averages of the batch: the answer for a "
        "picture depends on its neighbours. Freeze the base, and call it with `training=False`.",
        _training_mode,
    ),
]


def _given(subject: StudentWork, name: str) -> Ref:
    """A new network from a function of the notebook that was given."""
    ref = subject.call(name)
    if not isinstance(ref, Ref) or subject.kind(ref) != "model":
        raise IncorrectAnswer(f"`{name}` is not as it was given; run its cell again.")
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
        raise IncorrectAnswer(
            "Nothing can learn: the head must not be frozen.", "everything frozen"
        )
    if all(base):
        raise IncorrectAnswer(
            "The base can learn: set `base.trainable = False`. Training would soon overwrite what "
            "it knows.",
            "base not frozen",
        )
    if any(base):
        raise IncorrectAnswer(
            "A part of the base can still learn; freeze all of it, batch normalisation, too.",
            "base not frozen",
        )
    if len(head) != 2 or not all(head):
        raise IncorrectAnswer("Only the dense layer should learn, with its weights and its bias.")


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
        Mistake(
            "rescaled twice",
            "You rescale the pixels, and the base does so once more: to it all pictures are nearly "
            "the same. It takes 0 to 255.",
            of(mean, 1 / 255),
        ),
        Mistake("rescaled twice", "You rescale; so does the base.", of(mean, 1 / 127.5)),
        Mistake(
            "batch normalisation in training mode",
            "In training mode the features of a picture depend on the others in the batch: "
            "`training=False`.",
            of(mean, training=True),
        ),
        Mistake(
            "flattened",
            "You keep every place of the maps; take the mean of each map.",
            of(lambda maps: maps.reshape(len(maps), -1)),
        ),
        Mistake("not pooled", "These are the maps; take the mean of each.", of(lambda maps: maps)),
        Mistake(
            "maximum instead of mean",
            "You take the largest value of each map; take the mean.",
            of(lambda maps: maps.max(axis=(1, 2))),
        ),
        Mistake(
            "sum instead of mean",
            "You add each map up; take the mean.",
            of(lambda maps: maps.sum(axis=(1, 2))),
        ),
        Mistake(
            "averaged over the maps",
            "You average over the maps; average over the places of each map.",
            of(lambda maps: maps.mean(axis=3)),
        ),
        Mistake(
            "averaged over the batch",
            "You average over the pictures, too; each has its own features.",
            of(lambda maps: maps.mean(axis=(0, 1, 2))),
        ),
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
        raise IncorrectAnswer("Return the network that is given, without another layer.")
    if not any(learns):
        raise IncorrectAnswer("Nothing can learn.", "everything frozen")
    if not any(learns[:15]):
        raise IncorrectAnswer(
            "Only the head learns: `block3_conv` is still frozen.", "still frozen"
        )
    if not learns[15]:
        raise IncorrectAnswer("The head (`logits`) goes on learning, too.", "head frozen")
    if any(learns[k] for k in (0, 5)):
        raise IncorrectAnswer(
            "Earlier blocks can learn. They know edges and colours; leave them frozen.",
            "base not frozen",
        )
    if any(learns[k] for k in (1, 2, 6, 7, 11, 12)):
        raise IncorrectAnswer(
            "A batch normalisation can learn; then it also takes the averages of small batches. "
            "Leave it frozen.",
            "batch normalisation not frozen",
        )
    raise IncorrectAnswer("What learns is not what was asked for.")


def _small_steps(subject: StudentWork, rng: np.random.Generator) -> None:
    model = _prepared(subject)
    compiled = subject.model_compiled(model)
    if not compiled:
        raise IncorrectAnswer(
            "The network is not compiled; a change of `trainable` needs it.", "not compiled"
        )
    y = np.array([0, 3, 1, 4, 2, 2])
    outputs = rng.normal(0, 2, (6, 5)).astype("float32")
    logs = outputs - np.log(np.exp(outputs).sum(axis=1, keepdims=True))
    want = -logs[np.arange(6), y].mean()
    if abs(subject.model_loss(model, y, outputs) - want) > 1e-3:
        raise IncorrectAnswer(
            "The loss does not fit: the network ends in logits, and the labels are class indices.",
            "loss does not fit",
        )
    rate = compiled["learning_rate"]
    if rate > 0.000101:
        raise IncorrectAnswer(
            "The learning rate is too high for fine-tuning: large steps destroy what the network "
            "knows. Take one 10 to 100 times smaller than that of the head.",
            "rate too high for fine-tuning",
        )
    if rate < 0.0000099:
        raise IncorrectAnswer(
            "With this learning rate hardly anything changes; 10 to 100 times smaller than that of "
            "the head is enough.",
            "rate too small",
        )


EXERCISE = Exercise(
    "08_transfer_learning",
    "Transfer learning",
    (
        Question(
            "08.1",
            "On paper first",
            3,
            (
                Part("parameters of the head", 1, _trained),
                Part("with Flatten", 1, _flattened),
                Part("features computed once", 1, _fewer),
            ),
            needs=("trained", "trained_with_flatten", "times_fewer"),
            hints=(
                "A dense layer has (inputs × units) weights and one bias for each unit. Pooling "
                "and frozen layers train nothing.",
                "Average pooling gives one number per map, `Flatten` gives all of them: height × "
                "width × maps.",
            ),
            kind="value",
        ),
        Question(
            "08.2",
            "A new head",
            3,
            (
                Part("the right calculation", 1.5, _calculation),
                Part("only the head learns", 1.5, _frozen),
            ),
            needs=("build_transfer",),
            forbids=(
                "course_utils.transfer.attach_head",
                "course_utils.transfer.build_head",
            ),
            hints=(
                "First `base.trainable = False`, then `maps = base(inputs, training=False)`, as in "
                "section 2 of the lesson.",
                "`inputs = keras.Input(base.input_shape[1:])`, pooling, dense, and in the end "
                "`keras.Model(inputs, outputs)`. Do not rescale: the base does.",
            ),
            kind="model",
            seconds=30,
        ),
        Question(
            "08.3",
            "Features, computed once",
            2,
            (Part("one vector for each picture", 2, _vectors),),
            needs=("features_of",),
            forbids=("course_utils.transfer.extract_features",),
            hints=(
                "A network can be called like a function: `base(pictures, training=False)` gives "
                "the feature maps, of the shape (N, height, width, maps).",
                "The mean of each map: over the axes 1 and 2.",
            ),
            seconds=30,
        ),
        Question(
            "08.4",
            "Fine-tuning",
            3,
            (
                Part("what learns", 1.5, _learning),
                Part("small steps", 1.5, _small_steps),
            ),
            needs=("prepare_fine_tuning",),
            forbids=("course_utils.transfer.unfreeze", "course_utils.transfer.fine_tune"),
            hints=(
                "`for layer in model.layers:` and `layer.trainable = ...`, with `layer.name`.",
                "`model.compile(keras.optimizers.Adam(...), "
                "keras.losses.SparseCategoricalCrossentropy(from_logits=True))`, and `return "
                "model`.",
            ),
            kind="model",
            seconds=30,
        ),
        Question(
            "08.5",
            "In your own words",
            2,
            kind="written",
            rubric=(
                "Half a point: steps that large overwrite what the pretrained layers know.",
                "Half a point: an order that makes sense (head first, then some upper layers).",
                "Half a point: a rate 10 to 100 times smaller, or batch normalisation left frozen.",
                "Half a point: a good reason to keep the base frozen (few pictures, similar "
                "pictures, a gain within the spread, little time).",
            ),
        ),
    ),
)
