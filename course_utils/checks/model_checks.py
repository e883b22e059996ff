"""Comparisons of networks by what they compute, never by how they are written.

Random weights are put into a reference and into the student's network, in the order in which the
layers are first executed; then both must give the same for the same images. So Sequential,
functional and subclassed forms are all right, whatever their names.

What is judged by one part of a question must not cost another part as well. So the end of a network
(:func:`activation_at_end`), its dropout (:func:`drops`) and the rest (:func:`same_network`) are
looked at one by one, each in a way that does not depend on the others.
"""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from course_utils import student_work
from course_utils.checks import compare
from course_utils.checks._question import IncorrectAnswer, wrong
from course_utils.student_work import models

if TYPE_CHECKING:
    import keras

Array = np.ndarray


class NetworkMistake:
    """A usual mistake in building a network, or several at once.

    Parameters
    ----------
    *keys : str
        The keys of their messages, see :class:`~course_utils.checks.compare.Mistake`; none for what
        another part judges.
    build : callable
        Builds a network that makes them.
    **fields : object
        The values that stand in the messages.
    """

    def __init__(self, *keys: str, build: Callable[[], keras.Model], **fields: Any) -> None:
        self.keys, self.build, self.fields = keys, build, fields

    def told(self) -> IncorrectAnswer:
        """Return the exception that tells the mistakes."""
        return wrong(*self.keys, **self.fields)


@dataclass(frozen=True)
class Fault:
    """A usual mistake, as a change of the arguments of a function that builds a reference.

    Attributes
    ----------
    key : str
        The key of its message, in which the values of `change` may stand.
    change : mapping
        The arguments that make the mistake.
    elsewhere : bool
        Whether another part of the question judges it, so that it costs nothing here.
    """

    key: str
    change: Mapping[str, Any] = field(hash=False)
    elsewhere: bool = False


def combined(
    build: Callable[..., keras.Model], faults: Sequence[Fault], most: int = 2
) -> list[NetworkMistake]:
    """All networks that make one or several of some mistakes at once.

    Parameters
    ----------
    build : callable
        Builds the reference; a fault's `change` is passed to it.
    faults : sequence of Fault
        The mistakes.
    most : int
        How many are combined.

    Returns
    -------
    list of NetworkMistake
        Those with few mistakes first. The messages of all of them are told.
    """
    found = []
    for number in range(1, most + 1):
        for some in itertools.combinations(faults, number):
            changes = [key for fault in some for key in fault.change]
            if len(set(changes)) < len(changes):
                continue  # two ways to build the same layer
            change = {key: value for fault in some for key, value in fault.change.items()}
            keys = [fault.key for fault in some if not fault.elsewhere]
            found.append(NetworkMistake(*keys, build=partial(build, **change), **change))
    return found


def same_network(
    subject: student_work.StudentWork,
    what: student_work.Ref | str,
    build: Callable[[], keras.Model],
    input_shape: Sequence[int],
    rng: np.random.Generator,
    mistakes: Iterable[NetworkMistake] = (),
    *,
    end: str = "logits",
    passes: Sequence[bool] = (False, True),
) -> None:
    """Check that a network computes the same as a reference.

    Parameters
    ----------
    subject : StudentWork
        The work.
    what : Ref or str
        The network.
    build : callable
        Builds the reference.
    input_shape : sequence of int
        Shape of one input, without the batch.
    rng : numpy.random.Generator
        Draws weights and inputs.
    mistakes : iterable of NetworkMistake
        Those that are named. One without a key is judged by another part, and passes here.
    end : str
        What the network ends in, one of :data:`ENDS`, where another part judges that: the
        reference then ends in it, too.
    passes : sequence of bool
        What `training` is set to, one comparison for each.
    """
    require_model(subject, what)
    before = _ask_weights(subject, what, input_shape)
    # Each input has another largest value, as pictures have.
    reach = np.array([1.0, 0.4, 0.7, 0.55]).reshape(-1, *[1] * len(input_shape))
    x = rng.uniform(0, reach * 0.9 * 255, (4, *input_shape)).astype("float32")
    theirs = _Theirs(subject, what, input_shape, [w.shape for w in before])
    settings = _Comparison(x, int(rng.integers(2**31)), ENDS.get(end, ENDS["logits"]), passes)
    try:
        problem = _difference(theirs, build, settings)
        if problem is None:
            return
        for mistake in mistakes:
            if _difference(theirs, mistake.build, settings) is None:
                if not mistake.keys:
                    return
                raise mistake.told()
    finally:
        subject.model_set_weights(what, input_shape, before)
    raise problem


@dataclass(frozen=True)
class _Comparison:
    """With what two networks are compared."""

    x: Array
    state: int
    end: Callable[[Array], Array]
    passes: Sequence[bool]


class _Theirs:
    """Their network, asked for outputs with given weights; the same question is asked once."""

    def __init__(
        self,
        subject: student_work.StudentWork,
        what: student_work.Ref | str,
        input_shape: Sequence[int],
        shapes: list[tuple[int, ...]],
    ) -> None:
        self.subject, self.what, self.input_shape = subject, what, input_shape
        self.shapes = shapes
        self._known: dict[tuple[Any, ...], Any] = {}
        self._weights: bytes = b""

    def outputs(self, weights: list[np.ndarray], x: np.ndarray, training: bool) -> Any:
        digest = b"".join(w.tobytes() for w in weights)
        key = (hash(digest), x.shape, training)
        if key not in self._known:
            if digest != self._weights:
                self.subject.model_set_weights(self.what, self.input_shape, weights)
                self._weights = digest
            self._known[key] = self.subject.model_outputs(self.what, x, training)
        return self._known[key]


def require_model(subject: student_work.StudentWork, what: student_work.Ref | str) -> None:
    """Raise where `what` is no network."""
    if isinstance(what, str):
        compare.require(subject, what)
    kind = subject.kind(what)
    if kind != "model":
        name = what if isinstance(what, str) else "The result"
        word = "a Keras layer" if kind == "layer" else f"of kind {kind}"
        raise wrong("other: network", name=name, got=word)


def build_with(
    subject: student_work.StudentWork, name: str, *args: Any, **kwargs: Any
) -> student_work.Ref:
    """Call their function that builds a network, and return the network.

    Raises
    ------
    IncorrectAnswer
        If it returns something else.
    """
    try:
        result = compare.result_of(subject, name, *args, **kwargs)
    except student_work.StudentError as error:
        if error.kind == "NotImplementedError":
            raise
        told = without_keras(error.message).removesuffix(".")
        raise student_work.StudentError(error.kind, told, error.line, error.code) from None
    if not isinstance(result, student_work.Ref) or subject.kind(result) != "model":
        raise wrong("other: returns no network", name=name)
    return result


def _ask_weights(
    subject: student_work.StudentWork,
    what: student_work.Ref | str,
    input_shape: Sequence[int],
) -> list[np.ndarray]:
    try:
        return subject.model_weights(what, input_shape)
    except student_work.StudentError as error:
        found = {"size": _by(input_shape), "because": _because(error)}
        raise wrong("does not fit", **found) from None


def _by(shape: Sequence[int]) -> str:
    return " × ".join(str(n) for n in shape)


#: Errors of Keras that a beginner meets, and what they mean.
_IN_PLAIN_WORDS = (
    (
        r"output size would be (negative|zero)|[Nn]egative dimension|output shape.*negative",
        "the maps become smaller than a filter or a pooling window, so nothing is left of them",
    ),
    (
        r"expected (?:axis|shape)|incompatible with the layer|expected (?:min_|max_)?ndim",
        "the shape that comes into a layer is not the one that it was made for",
    ),
    (
        r"[Mm]atrix size-incompatible|[Ii]ncompatible shapes|[Dd]imensions must be equal",
        "two shapes do not fit together",
    ),
)


def without_keras(message: str) -> str:
    """An error of Keras in plain words: without colors, layer names and lists of arguments."""
    plain = " ".join(re.sub(r"\x1b?\[[0-9;]*m", "", message).split())
    for pattern, meaning in _IN_PLAIN_WORDS:
        if re.search(pattern, plain):
            return meaning + "."
    first = re.split(r"(?<=[.!?])\s+(?=[A-Z])|\s+(?:Received|Arguments received)\b", plain)[0]
    return first if len(first) <= 200 else first[:199] + "…"


def _because(error: student_work.StudentError) -> str:
    """The reason, where it is told; a grader keeps the texts of some errors back."""
    told = without_keras(error.message)
    return f": {told}" if told else "."


def build_for(
    subject: student_work.StudentWork,
    name: str,
    shape: Sequence[int],
    *args: int,
    strict: bool = True,
) -> tuple[student_work.Ref, tuple[int, ...]]:
    """Call their function that builds a network for a shape of inputs, once for each question.

    Parameters
    ----------
    subject : StudentWork
        The work.
    name : str
        The function.
    shape : sequence of int
        The shape of one input, its first argument.
    *args : int
        Its other arguments.
    strict : bool
        See :func:`fitting_shape`.

    Returns
    -------
    tuple
        The network, and the shape of one input that it takes.
    """
    key = ("build_for", name, tuple(shape), args)
    if key in subject.known:
        return subject.known[key], tuple(shape)
    what = build_with(subject, name, shape, *args)
    fitting = fitting_shape(subject, what, shape, name, *args, strict=strict)
    # One that used a forbidden helper is built for each part, so that each part notices it.
    if fitting == tuple(shape) and not subject.watched():
        subject.known[key] = what
    return what, fitting


def fitting_shape(
    subject: student_work.StudentWork,
    what: student_work.Ref,
    wanted: Sequence[int],
    name: str,
    *args: int,
    strict: bool = True,
) -> tuple[int, ...]:
    """The shape of one input that a network takes; it should be the one that was asked for.

    Parameters
    ----------
    subject : StudentWork
        The work.
    what : Ref
        The network.
    wanted : sequence of int
        The shape with which it was built.
    name : str
        The function that built it.
    *args : int
        Its other arguments.
    strict : bool
        Whether another shape is wrong. Otherwise it is returned, so that a part that judges
        something else can go on with it.

    Returns
    -------
    tuple of int

    Raises
    ------
    IncorrectAnswer
        If the network cannot take such inputs.
    """
    try:
        subject.known[_first(what, wanted)] = subject.model_outputs(
            what, np.zeros((ROWS, *wanted), "float32")
        )
    except student_work.StudentError as error:
        own = None if strict else _own_shape(subject, what)
        if own is not None:
            return own
        call = f"{name}({', '.join(map(str, (tuple(wanted), *args)))})"
        found = {"size": _by(wanted), "because": _because(error)}
        raise wrong("does not fit: built", name=name, call=call, **found) from None
    return tuple(wanted)


#: How many pictures are shown to a network at first.
ROWS = 3


def _first(what: student_work.Ref, shape: Sequence[int]) -> tuple[Any, ...]:
    return "first outputs", what.key, tuple(shape)


def first_outputs(
    subject: student_work.StudentWork, what: student_work.Ref, shape: Sequence[int]
) -> Any:
    """Return the outputs of a network for `ROWS` black pictures, computed once for each question.

    Parameters
    ----------
    subject : StudentWork
        The work.
    what : Ref
        The network.
    shape : sequence of int
        Shape of one input, without the batch.
    """
    key = _first(what, shape)
    if key not in subject.known:
        subject.known[key] = subject.model_outputs(what, np.zeros((ROWS, *shape), "float32"))
    return subject.known[key]


def _own_shape(subject: student_work.StudentWork, what: student_work.Ref) -> tuple[int, ...] | None:
    """The shape that a network says it takes; None where it does not say, or says what is wrong."""
    try:
        said = subject.get(student_work.Ref(f"{what.key}.input_shape"))
        shape = tuple(int(n) for n in said[1:])
        if len(shape) != 3 or np.prod(shape) > 512 * 512 * 3:
            return None
        subject.model_outputs(what, np.zeros((2, *shape), "float32"))
    except (student_work.StudentWorkError, TypeError, ValueError, IndexError):
        return None
    return shape


def _difference(
    theirs: _Theirs, build: Callable[[], keras.Model], settings: _Comparison
) -> IncorrectAnswer | None:
    """Return what differs between their network and a reference, or None."""
    reference, variables = _reference(build, tuple(theirs.input_shape))
    wanted = [tuple(v.shape) for v in variables]
    order = _assignment(theirs.shapes, wanted)
    if order is None:
        return _about_shapes(theirs.shapes, wanted)
    for bright in (False, True):
        weights = _draw(variables, np.random.default_rng(settings.state), bright)
        for variable, weight in zip(variables, weights, strict=True):
            variable.assign(weight)
        for training in settings.passes:
            want = settings.end(models.outputs(reference, settings.x, training))
            got = theirs.outputs([weights[k] for k in order], settings.x, training)
            if not isinstance(got, np.ndarray):
                return wrong("other: outputs")
            if got.shape[1:] != want.shape[1:]:
                return wrong("other: output shape", shape=got.shape[1:])
            if not _equal(got, want):
                when = " while training" if training else ""
                return wrong("other: calculation", when=when)
    return None


class _References(threading.local):
    """Networks that were built for comparison; each thread has its own, since weights are set."""

    def __init__(self) -> None:
        self.known: dict[Any, tuple[Any, list[Any]]] = {}


_built = _References()


def _reference(
    build: Callable[[], keras.Model], input_shape: tuple[int, ...]
) -> tuple[Any, list[Any]]:
    """A network for comparison and its weights in order, built once for many answers."""
    key = (build, input_shape)
    if key not in _built.known:
        if len(_built.known) >= 256:
            _built.known.clear()
        reference = build()
        _built.known[key] = (reference, models.in_order(reference, input_shape))
    return _built.known[key]


def _equal(got: np.ndarray, want: np.ndarray) -> bool:
    scale = float(np.abs(want).max()) or 1.0
    return bool(np.all(np.isfinite(got))) and float(np.abs(got - want).max()) <= 2e-3 * scale


def _assignment(shapes: list[tuple[int, ...]], wanted: list[tuple[int, ...]]) -> list[int] | None:
    """For each weight of theirs the reference's that belongs to it; None if they do not match.

    Branches may be executed in another order: then weights of the same shape are taken in turn.
    """
    if shapes == wanted:
        return list(range(len(wanted)))
    if sorted(shapes) != sorted(wanted):
        return None
    free = list(range(len(wanted)))
    order = []
    for shape in shapes:
        index = next(k for k in free if wanted[k] == shape)
        free.remove(index)
        order.append(index)
    return order


def _about_shapes(shapes: list[tuple[int, ...]], wanted: list[tuple[int, ...]]) -> IncorrectAnswer:
    total = sum(int(np.prod(shape)) for shape in shapes)
    right = sum(int(np.prod(shape)) for shape in wanted)
    amount = "too many" if total > right else "too few" if total < right else "the right number of"
    found: dict[str, Any] = {"amount": amount, "total": total}
    for shape, other in itertools.zip_longest(shapes, wanted):
        if shape is not None and shape != other:
            return wrong("other: shapes", shape=shape, **found)
    return wrong("other: weights missing", **found)


def random_weights(
    model: keras.Model, input_shape: Sequence[int], rng: np.random.Generator
) -> list[np.ndarray]:
    """Draw weights for a network that keep its outputs in a sensible range.

    Returns
    -------
    list of ndarray of float32
        In the order of first execution.
    """
    return _draw(models.in_order(model, input_shape), rng)


#: With its first filters so many times larger, a network's values become large in all layers: then
#: an activation with a ceiling, such as relu6, shows.
_BRIGHT = 40.0


def _draw(variables: list[Any], rng: np.random.Generator, bright: bool = False) -> list[np.ndarray]:
    weights: list[np.ndarray] = []
    factor = _BRIGHT if bright else 1.0
    for variable in variables:
        shape = tuple(variable.shape)
        if "variance" in variable.name or "gamma" in variable.name:
            weight = rng.uniform(0.5, 1.5, shape)
        elif len(shape) >= 2:
            weight = rng.normal(0, factor * np.sqrt(2 / np.prod(shape[:-1])), shape)
            factor = 1.0
        else:
            weight = rng.normal(0, 0.3, shape)
        weights.append(weight.astype("float32"))
    return weights


def ready_to_learn(
    subject: student_work.StudentWork, what: student_work.Ref | str, input_shape: Sequence[int]
) -> None:
    """Check that all weights of a new network learn freely, from values that differ.

    None may be frozen, limited by a constraint, or cost a penalty, and a gradient must arrive at
    each of them.

    Parameters
    ----------
    subject : StudentWork
        The work.
    what : Ref or str
        The network.
    input_shape : sequence of int
        Shape of one input, without the batch.
    """
    weights = subject.model_weights(what, input_shape)
    if not all(subject.model_trainable(what, input_shape)):
        raise wrong("frozen")
    if any(w.ndim >= 2 and w.size > 1 and np.ptp(w) == 0 for w in weights):
        raise wrong("weights all equal")
    if any(subject.model_constrained(what, input_shape)):
        raise wrong("constraint")
    if not all(subject.model_reached(what, input_shape)):
        raise wrong("gradient stopped")
    key = what if isinstance(what, str) else what.key
    try:
        # A penalty on activities is there after a call, in the process of the submission.
        subject.call(student_work.Ref(key), np.zeros((1, *input_shape), "float32"))
        penalties = subject.get(student_work.Ref(f"{key}.losses"))
    except student_work.StudentWorkError:
        return
    if len(penalties) if isinstance(penalties, list | tuple | np.ndarray) else penalties:
        raise wrong("penalty")


# --- the end of a network -----------------------------------------------------------------------


#: What a network may end in, as functions of its logits.
ENDS: dict[str, Callable[[Array], Array]] = {
    "logits": lambda z: z,
    "softmax": partial(special.softmax, axis=-1),
    "sigmoid": special.expit,
    "ReLU": lambda z: np.maximum(z, 0),
    "tanh": np.tanh,
    "log-softmax": partial(special.log_softmax, axis=-1),
}
#: Something else, or nothing that can be told apart.
UNKNOWN_END = "another activation"


def activation_at_end(
    subject: student_work.StudentWork,
    what: student_work.Ref,
    input_shape: Sequence[int],
    rng: np.random.Generator,
) -> str:
    """Say what a network ends in, whatever comes before.

    With all weights at zero but the last biases, a network that ends in logits gives these biases;
    any activation that follows shows what it makes of them. Where the last layer has no bias, its
    filters are made larger instead, and logits must grow in proportion.

    Parameters
    ----------
    subject : StudentWork
        The work.
    what : Ref
        The network.
    input_shape : sequence of int
        Shape of one input, without the batch.
    rng : numpy.random.Generator
        Draws inputs.

    Returns
    -------
    str
        One of :data:`ENDS`, or :data:`UNKNOWN_END`.
    """
    key = ("activation_at_end", what.key, tuple(input_shape))
    if key not in subject.known:
        subject.known[key] = _look_at_end(subject, what, input_shape, rng)
    return str(subject.known[key])


def _look_at_end(
    subject: student_work.StudentWork,
    what: student_work.Ref,
    input_shape: Sequence[int],
    rng: np.random.Generator,
) -> str:
    before = _ask_weights(subject, what, input_shape)
    last = _last_kernel(before)
    if last is None:
        return UNKNOWN_END
    x = rng.uniform(0, 255, (3, *input_shape)).astype("float32")

    def outputs(weights: list[Array]) -> Array:
        subject.model_set_weights(what, input_shape, weights)
        got = subject.model_outputs(what, x)
        return np.asarray(got if isinstance(got, np.ndarray) else np.nan, float)

    try:
        if [w.shape for w in before[last + 1 :]] == [before[last].shape[-1:]]:
            return _end_by_biases(before, outputs)
        return _end_by_scale(before, last, rng, outputs)
    finally:
        subject.model_set_weights(what, input_shape, before)


def _last_kernel(weights: list[Array]) -> int | None:
    return max((k for k, weight in enumerate(weights) if weight.ndim >= 2), default=None)


def is_scale(weight: Array) -> bool:
    """Whether a weight is a scale or a variance, which begin as ones."""
    return weight.ndim == 1 and bool(np.all(weight == 1))


def _neutral(weights: list[Array]) -> list[Array]:
    """Zeros, and ones for scales and variances."""
    return [np.ones_like(w) if is_scale(w) else np.zeros_like(w) for w in weights]


def _end_by_biases(before: list[Array], outputs: Callable[[list[Array]], Array]) -> str:
    number = before[-1].size
    ladder = np.linspace(-1, 1, number) if number > 1 else np.ones(1)
    # A ladder has values in between; a single output gets them one by one.
    sizes = (0.5, 20.0, -20.0) if number > 1 else (0.5, 3.0, -3.0, 20.0, -20.0)
    fits = set(ENDS)
    for size in sizes:
        weights = _neutral(before)
        weights[-1] = (size * ladder).astype("float32")
        got = outputs(weights)
        got = got[:, None] if got.ndim == 1 else got  # one number per picture
        for name in sorted(fits):
            want = ENDS[name](weights[-1].astype(float))
            if got.shape[-1:] != want.shape or not np.allclose(got, want, rtol=1e-3, atol=1e-5):
                fits.remove(name)
    return fits.pop() if len(fits) == 1 else UNKNOWN_END


def _end_by_scale(
    before: list[Array],
    last: int,
    rng: np.random.Generator,
    outputs: Callable[[list[Array]], Array],
) -> str:
    drawn = [
        w if k > last or is_scale(before[k]) else _he(w.shape, rng)
        for k, w in enumerate(_neutral(before))
    ]

    def of(size: float) -> Array:
        return outputs([size * w if k == last else w for k, w in enumerate(drawn)])

    for inverse, name in ((_same, "logits"), (special.logit, "sigmoid")):
        for size in (1.0, 0.1, 0.01, 1e-3, 1e-4):
            one, other = inverse(of(size)), inverse(of(-size))
            if np.all(np.isfinite(one)) and np.abs(one).max() < 4:
                break
        double = inverse(of(2 * size))
        scale = np.abs(double).max()
        if np.isfinite(scale) and scale and np.allclose(double, 2 * one, atol=1e-3 * scale):
            if min(one.min(), other.min()) < 0 < max(one.max(), other.max()):
                return name
            return "ReLU" if name == "logits" else UNKNOWN_END
    got = of(1.0)
    if np.allclose(got.sum(axis=-1), 1, atol=1e-3) and got.min() >= 0:
        return "softmax"
    return UNKNOWN_END


def _he(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    scale = np.sqrt(2 / max(int(np.prod(shape[:-1])), 1)) if len(shape) > 1 else 0.3
    return np.asarray(rng.normal(0, scale, shape), "float32")


def _same(values: Array) -> Array:
    return values


# --- dropout ------------------------------------------------------------------------------------

#: How often one input is passed through a network that drops values at random.
_COPIES = 64
#: The same in use, where all outputs must be equal.
_STILL = 4


def drops(
    subject: student_work.StudentWork,
    what: student_work.Ref,
    input_shape: Sequence[int],
    rng: np.random.Generator,
    *,
    rate: float,
    end: str = "logits",
) -> None:
    """Check that a network drops values right before its last layer while training, and no others.

    The last layer is made to pass on what comes into it. Then each output is, while training,
    either 0 or 1 / (1 - rate) times what it is otherwise. Its other layers may be wrong.

    Parameters
    ----------
    subject : StudentWork
        The work.
    what : Ref
        The network; the more outputs it has, the better is the rate seen.
    input_shape : sequence of int
        Shape of one input, without the batch.
    rng : numpy.random.Generator
        Draws weights and inputs.
    rate : float
        The share that is to be dropped.
    end : str
        What the network ends in; see :data:`ENDS`.
    """
    before = _ask_weights(subject, what, input_shape)
    last = _last_kernel(before)
    if last is None:
        raise wrong("other: no weights")
    x = np.repeat(rng.uniform(0, 255, (1, *input_shape)), _COPIES, axis=0).astype("float32")
    # The last biases are not 0, so that numbers dropped behind the last layer show; of what an
    # unknown end makes of them nothing is known.
    is_known = not end.endswith("softmax") and end != UNKNOWN_END
    bias = _LAST_BIAS if before[last + 1 :] and is_known else 0.0

    def outputs(weights: list[Array], training: bool) -> Array:
        subject.model_set_weights(what, input_shape, weights)
        got = subject.model_outputs(what, x if training else x[:_STILL], training)
        if not isinstance(got, np.ndarray):
            raise wrong("other: one output")
        return _undone(got.reshape(len(got), -1).astype(float), end) - bias

    try:
        relative = end.endswith("softmax")
        still, weights = _passed_on(before, last, rng, outputs, relative, bias)
        scale = np.abs(still).max() or 1.0
        if np.ptp(still, axis=0).max() > 1e-3 * scale:
            raise wrong("always on: dropout")
        moved = np.nan_to_num(outputs(weights, True))
        if np.abs(moved - still[0]).max() <= 1e-3 * scale:
            raise wrong("dropout missing")
        dropped = _Dropped.of(moved)
        if not dropped.one_value:
            level = [np.ones_like(w) if w.ndim == 1 else np.zeros_like(w) for w in weights]
            level[last:] = weights[last:]
            _misplaced(moved + bias, _Dropped.of(np.nan_to_num(outputs(level, True))))
        dropped.require(still[0], rate)
    finally:
        subject.model_set_weights(what, input_shape, before)


_LAST_BIAS = 0.25


def _undone(outputs: Array, end: str) -> Array:
    """The logits behind some outputs; those of softmax are told from the first one, which is 0."""
    with np.errstate(all="ignore"):
        if end == "softmax":
            return np.asarray(np.log(outputs / outputs[:, :1]))
        if end == "log-softmax":
            return np.asarray(outputs - outputs[:, :1])
        if end == "sigmoid":
            return np.asarray(special.logit(outputs))
        return np.asarray(np.arctanh(outputs) if end == "tanh" else outputs)


def _passed_on(
    before: list[Array],
    last: int,
    rng: np.random.Generator,
    outputs: Callable[[list[Array], bool], Array],
    relative: bool,
    bias: float,
) -> tuple[Array, list[Array]]:
    """Outputs of a network whose last layer passes its inputs on and adds a bias, and its weights.

    `relative` says whether all outputs are told from the first one, which then is 0.
    """
    weights = []
    for k, w in enumerate(before):
        if k > last and not is_scale(w):
            weights.append(np.full(w.shape, bias, "float32"))
        elif w.ndim == 1 and not is_scale(w):
            weights.append(rng.uniform(0.2, 1, w.shape).astype("float32"))
        else:
            weights.append(w if is_scale(w) else _he(w.shape, rng))
    shape: tuple[int, ...] = weights[last].shape
    one_each = np.zeros((int(np.prod(shape[:-1])), shape[-1]), "float32")
    for k in range(min(one_each.shape)):
        one_each[k, k] = 1
    if relative:
        one_each[:, 0] = 0
    for size in (1.0, 0.1, 0.01, 1e-3, 1e-4):
        weights[last] = (size * one_each).reshape(shape)
        still = outputs(weights, False)
        if np.all(np.isfinite(still)) and np.abs(still).max() < 1.5:
            break
    return np.nan_to_num(still), weights


@dataclass(frozen=True)
class _Dropped:
    """What many passes of one input show, output by output; those that are always 0 left out.

    Attributes
    ----------
    live : ndarray of bool, shape (outputs,)
        Which outputs are not always 0.
    gone : ndarray of bool, shape (copies, live outputs)
        What was dropped.
    kept : ndarray, shape (live outputs,)
        What each is where it is not dropped.
    one_value : bool
        Whether that is the same in all passes.
    """

    live: Array
    gone: Array
    kept: Array
    one_value: bool

    @classmethod
    def of(cls, moved: Array) -> _Dropped:
        zero = np.abs(moved) <= 5e-3 * (np.abs(moved).max() or 1.0)
        live = ~np.all(zero, axis=0)
        gone = zero[:, live]
        high = np.where(gone, -np.inf, moved[:, live]).max(axis=0)
        low = np.where(gone, np.inf, moved[:, live]).min(axis=0)
        return cls(live, gone, high, bool(np.all(high - low <= 1e-2 * np.abs(high))))

    def require(self, still: Array, rate: float) -> None:
        """Raise if another share was dropped, or if not each number by itself."""
        wrong_rate = wrong("dropout rate wrong", rate=rate)
        per_row = self.gone.mean(axis=1)
        many = self.gone.shape[1] >= 30
        if not self.gone.any() or (many and np.all((per_row == 0) | (per_row == 1))):
            raise wrong("dropped together")
        share = float(self.gone.mean())
        if abs(share - rate) > 6 * np.sqrt(rate * (1 - rate) / self.gone.size):
            raise wrong_rate
        with np.errstate(all="ignore"):
            ratio = self.kept / still[self.live]
        same_for_all = np.all(np.isfinite(ratio)) and np.ptp(ratio) < 0.03 * np.abs(ratio).max()
        if same_for_all and abs(float(np.median(ratio)) * (1 - rate) - 1) > 0.01:
            raise wrong_rate


def _misplaced(moved: Array, at_the_end: _Dropped) -> None:
    """Say what is wrong where more varies than by dropout before the last layer.

    `at_the_end` is what is dropped where nothing that comes before can vary.
    """
    if float(np.mean(np.abs(moved) < 1e-6)) > 0.02:
        raise wrong("dropout in another place: behind")
    if not at_the_end.one_value:
        raise wrong("another kind of noise")
    where = "both" if at_the_end.gone.any() else "before"
    raise wrong(f"dropout in another place: {where}")


# --- what a network does to its pixels ----------------------------------------------------------


def pixel_factor(
    subject: student_work.StudentWork,
    what: student_work.Ref,
    input_shape: Sequence[int],
    rng: np.random.Generator,
) -> float | None:
    """Say by what the pixels are multiplied before the first layer with weights.

    A picture of one level is shown to a first layer that passes it on; it must give the same as
    one that ignores the picture and has that level, times the factor, as its bias.

    Parameters
    ----------
    subject : StudentWork
        The work.
    what : Ref
        The network.
    input_shape : sequence of int
        Shape of one input, without the batch.
    rng : numpy.random.Generator
        Draws the other weights.

    Returns
    -------
    float or None
        1, 1 / 255, 1 / 255² or 255; None where it is something else, or cannot be seen.
    """
    before = _ask_weights(subject, what, input_shape)
    first = next((k for k, w in enumerate(before) if w.ndim >= 2), None)
    shift = next(
        (
            k
            for k, w in enumerate(before)
            if first is not None and k > first and w.ndim == 1 and not np.any(w)
        ),
        None,
    )
    if first is None or shift is None:
        return None
    x = np.full((2, *input_shape), 1.0, "float32")

    def answer(level: float | None) -> Array:
        """Outputs where the first layer has a level as its bias, or None: passes the picture."""
        weights = [weight.copy() for weight in drawn]
        weights[shift] = np.full_like(weights[shift], level or 0.0)
        for k in range(first, shift):
            if weights[k].ndim >= 2:
                passing = _passing(before[k], before[k + 1])
                weights[k] = passing if level is None else np.zeros_like(passing)
        subject.model_set_weights(what, input_shape, weights)
        got = subject.model_outputs(what, x)
        return np.asarray(got if isinstance(got, np.ndarray) else np.nan, float)

    found: set[float | None] = set()
    try:
        for _ in range(3):
            drawn = [
                _he(w.shape, rng) if w.ndim >= 2 else n
                for w, n in zip(before, _neutral(before), strict=True)
            ]
            seen, dark = answer(None), answer(0.0)
            for factor in (1.0, 1 / 255, 1 / 255**2, 255.0):
                lit = answer(factor)
                change = np.abs(lit - dark).max()
                if change > 1e-7 and np.abs(seen - lit).max() < 0.02 * change:
                    found.add(factor)
            if found == {1 / 255}:  # the usual one: there is nothing to be sure of
                break
    finally:
        subject.model_set_weights(what, input_shape, before)
    return found.pop() if len(found) == 1 else None


def _passing(kernel: np.ndarray, following: np.ndarray) -> Array:
    """Filters that pass on a picture of one level: one number in the middle, for each channel."""
    fresh = np.zeros_like(kernel)
    channels, filters = kernel.shape[-2:]
    into = following.shape[-2] if following.ndim >= 2 else following.size
    each_by_itself = into == channels * filters and channels > 1  # a depthwise convolution
    middle = tuple((n - 1) // 2 for n in kernel.shape[:-2])
    fresh[middle] = 1.0 if each_by_itself else 1.0 / channels
    return fresh


def trains(
    subject: student_work.StudentWork,
    what: student_work.Ref | str,
    x: np.ndarray,
    y: np.ndarray,
    *,
    steps: int = 12,
    share: float = 0.8,
    patience: int = 0,
) -> None:
    """Check that a compiled network can learn one tiny batch: its loss must fall.

    Parameters
    ----------
    subject : StudentWork
        The work.
    what : Ref or str
        The network, compiled.
    x, y : ndarray
        Inputs and targets.
    steps : int
        How many steps of training.
    share : float
        What the loss may be at the end, as a share of the first one.
    patience : int
        How many steps are taken where the first ones did not do; then a twentieth less is enough.
    """
    require_model(subject, what)
    if not subject.model_compiled(what):
        raise wrong("not compiled")
    for number, limit in ((steps, share), (patience, 0.95)):
        if not number:
            continue
        losses = np.array(subject.model_train(what, x, y, steps=number))
        if not np.all(np.isfinite(losses)):
            raise wrong("loss is not finite")
        if losses[-3:].mean() <= limit * losses[0]:
            return
        steps = number
    raise wrong("other: hardly learns", steps=steps)
