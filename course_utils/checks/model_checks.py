"""Comparisons of networks by what they compute, never by how they are written.

Random weights are put into a reference and into the student's network, in the order in which the
layers are first executed; then both must give the same for the same images, with training on and
off. So Sequential, functional and subclassed forms are all right, whatever their names.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import probe
from course_utils.checks._question import NotAttempted, Wrong
from course_utils.probe import _models

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class NetworkMistake:
    """A usual mistake in building a network.

    Attributes
    ----------
    name, sentence : str
        Its name, and what to say to somebody who makes it.
    build : callable
        Builds a network that makes it.
    """

    name: str
    sentence: str
    build: Callable[[], keras.Model]


def same_network(
    subject: probe.Subject,
    what: probe.Ref | str,
    build: Callable[[], keras.Model],
    input_shape: Sequence[int],
    rng: np.random.Generator,
    mistakes: Iterable[NetworkMistake] = (),
    *,
    called: str = "Your network",
    low: float = 0.0,
    high: float = 255.0,
    dropout: bool = False,
    passes: Sequence[bool] = (False, True),
) -> None:
    """Check that a network computes the same as a reference.

    Parameters
    ----------
    subject : Subject
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
        Those that are named.
    called : str
        How to speak of the network.
    low, high : float
        Between which numbers the inputs lie.
    dropout : bool
        Whether the reference drops values at random while training: then mean and spread over
        many passes are compared. Otherwise the outputs themselves are, with training on as well.
    passes : sequence of bool
        What `training` is set to, one comparison for each.
    """
    require_model(subject, what)
    before = _ask_weights(subject, what, input_shape, called)
    x = rng.uniform(low, high, (4, *input_shape)).astype("float32")
    theirs = _Theirs(subject, what, input_shape, [w.shape for w in before])
    state = int(rng.integers(2**31))
    try:
        problem = _difference(theirs, build, x, state, dropout, passes)
        if problem is None:
            return
        for mistake in mistakes:
            if _difference(theirs, mistake.build, x, state, dropout, passes) is None:
                raise Wrong(mistake.sentence, mistake.name)
    finally:
        subject.model_set_weights(what, input_shape, before)
    raise Wrong(f"{called} {problem}")


class _Theirs:
    """Their network, asked for outputs with given weights; the same question is asked once."""

    def __init__(
        self,
        subject: probe.Subject,
        what: probe.Ref | str,
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


def require_model(subject: probe.Subject, what: probe.Ref | str) -> None:
    """Raise where `what` is no network."""
    kind = subject.kind(what)
    if kind in ("missing", "none") and isinstance(what, str):
        raise NotAttempted(str(probe.Missing(what)))
    if kind != "model":
        name = what if isinstance(what, str) else "The result"
        word = "a Keras layer" if kind == "layer" else f"of kind {kind}"
        raise Wrong(f"{name} should be a Keras network (`keras.Model`), but it is {word}.")


def build_with(subject: probe.Subject, name: str, *args: Any, **kwargs: Any) -> probe.Ref:
    """Call their function that builds a network, and return the network.

    Raises
    ------
    Wrong
        If it returns something else.
    """
    if subject.kind(name) in ("missing", "none"):
        raise NotAttempted(str(probe.Missing(name)))
    result = subject.call(name, *args, **kwargs)
    if result is None:
        raise Wrong(f"`{name}` returns nothing; does it end with `return`?", "nothing returned")
    if not isinstance(result, probe.Ref) or subject.kind(result) != "model":
        raise Wrong(f"`{name}` should return a Keras network (`keras.Model`), and does not.")
    return result


def _ask_weights(
    subject: probe.Subject, what: probe.Ref | str, input_shape: Sequence[int], called: str
) -> list[np.ndarray]:
    try:
        return subject.model_weights(what, input_shape)
    except probe.StudentError as error:
        size = " × ".join(str(n) for n in input_shape)
        raise Wrong(
            f"{called} cannot take a batch of inputs of {size}: {error.message or error.kind}",
            "does not fit",
        ) from None


def _difference(
    theirs: _Theirs,
    build: Callable[[], keras.Model],
    x: np.ndarray,
    state: int,
    dropout: bool,
    passes: Sequence[bool],
) -> str | None:
    """What differs between their network and a reference, or None."""
    reference, variables = _reference(build, tuple(theirs.input_shape))
    wanted = [tuple(v.shape) for v in variables]
    order = _assignment(theirs.shapes, wanted)
    if order is None:
        return _about_shapes(theirs.shapes, wanted)
    weights = _draw(variables, np.random.default_rng(state))
    for variable, weight in zip(variables, weights, strict=True):
        variable.assign(weight)
    for training in passes:
        given = np.repeat(x[:1], _COPIES, axis=0) if training and dropout else x
        want = _models.outputs(reference, given, training)
        got = theirs.outputs([weights[k] for k in order], given, training)
        if not isinstance(got, np.ndarray):
            return "should give one array of outputs, but gives several."
        if got.shape[1:] != want.shape[1:]:
            return f"gives outputs of shape {got.shape[1:]} for one input, which is not right."
        same = _alike(got, want) if training and dropout else _equal(got, want)
        if not same:
            when = " while training" if training else ""
            return (
                f"has weights of the right shapes, but it computes something else{when}. Look "
                f"at activations, strides, padding, pooling and the order of the layers."
            )
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
        if len(_built.known) >= 64:
            _built.known.clear()
        reference = build()
        _built.known[key] = (reference, _models.in_order(reference, input_shape))
    return _built.known[key]


#: How often one input is passed through a network that drops values at random.
_COPIES = 512


def _equal(got: np.ndarray, want: np.ndarray) -> bool:
    scale = float(np.abs(want).max()) or 1.0
    return bool(np.all(np.isfinite(got))) and float(np.abs(got - want).max()) <= 2e-3 * scale


def _alike(got: np.ndarray, want: np.ndarray) -> bool:
    """Whether two samples of random outputs have the same mean and spread."""
    spread = want.std(axis=0) + 1e-9
    error = 6 * spread / np.sqrt(len(want)) + 1e-6
    if np.any(np.abs(got.mean(axis=0) - want.mean(axis=0)) > 1.5 * error):
        return False
    ratio = float(np.median((got.std(axis=0) + 1e-9) / spread))
    return 0.88 < ratio < 1.14


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


def _about_shapes(shapes: list[tuple[int, ...]], wanted: list[tuple[int, ...]]) -> str:
    total = sum(int(np.prod(shape)) for shape in shapes)
    right = sum(int(np.prod(shape)) for shape in wanted)
    amount = "too many" if total > right else "too few" if total < right else "the right number of"
    for k, shape in enumerate(shapes):
        if k >= len(wanted) or shape != wanted[k]:
            return (
                f"has {amount} weights ({total:,}); the first ones that differ have the shape "
                f"{shape}. Look at the number of filters, the kernel sizes, the units, and what "
                f"comes before that layer."
            )
    return f"has {amount} weights ({total:,}): a layer is missing, or one has no bias."


def random_weights(
    model: keras.Model, input_shape: Sequence[int], rng: np.random.Generator
) -> list[np.ndarray]:
    """Draw weights for a network that keep its outputs in a sensible range.

    Returns
    -------
    list of ndarray of float32
        In the order of first execution.
    """
    return _draw(_models.in_order(model, input_shape), rng)


def _draw(variables: list[Any], rng: np.random.Generator) -> list[np.ndarray]:
    weights = []
    for variable in variables:
        shape = tuple(variable.shape)
        if "variance" in variable.name or "gamma" in variable.name:
            weight = rng.uniform(0.5, 1.5, shape)
        elif len(shape) >= 2:
            weight = rng.normal(0, np.sqrt(2 / np.prod(shape[:-1])), shape)
        else:
            weight = rng.normal(0, 0.3, shape)
        weights.append(weight.astype("float32"))
    return weights


def trains(
    subject: probe.Subject,
    what: probe.Ref | str,
    x: np.ndarray,
    y: np.ndarray,
    *,
    steps: int = 12,
    share: float = 0.8,
    called: str = "Your network",
) -> None:
    """Check that a compiled network can learn one tiny batch: its loss must fall.

    Parameters
    ----------
    subject : Subject
        The work.
    what : Ref or str
        The network, compiled.
    x, y : ndarray
        Inputs and targets.
    steps : int
        How many steps of training.
    share : float
        What the loss may be at the end, as a share of the first one.
    called : str
        How to speak of the network.
    """
    require_model(subject, what)
    if not subject.model_compiled(what):
        raise Wrong(f"{called} is not compiled; call its method `compile` first.", "not compiled")
    losses = np.array(subject.model_train(what, x, y, steps=steps))
    if not np.all(np.isfinite(losses)):
        raise Wrong(f"{called} does not learn: its loss is no number (NaN).", "loss is not finite")
    if losses[-3:].mean() > share * losses[0]:
        raise Wrong(
            f"{called} hardly learns: after {steps} steps on the same few images its loss has not "
            f"fallen. Look at the learning rate, the loss and the last layer."
        )
