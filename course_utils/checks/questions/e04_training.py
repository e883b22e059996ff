"""What exercise 04 asks, and how its answers are judged."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_utils.checks import compare, trainings
from course_utils.checks._question import Exercise, IncorrectAnswer, NotAttempted, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import Missing, Ref, StudentError, StudentWork

Array = np.ndarray

# --- 04.1: losses ------------------------------------------------------------------------------


def _softmax(x: Array, axis: int = 1) -> Array:
    powers = np.exp(x)
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True))


def _right(table: Array, labels: Array) -> Array:
    return np.asarray(table[np.arange(len(labels)), labels])


def _loss(logits: Array, labels: Array) -> float:
    return float(-np.log(_right(_softmax(logits), labels)).mean())


_LOSS_MISTAKES = [
    Mistake("softmax forgotten", lambda z, y: -np.log(_right(z, y)).mean()),
    Mistake("summed instead of averaged", lambda z, y: -np.log(_right(_softmax(z), y)).sum()),
    Mistake("one loss per image", lambda z, y: -np.log(_right(_softmax(z), y))),
    Mistake("minus forgotten", lambda z, y: np.log(_right(_softmax(z), y)).mean()),
    Mistake("softmax over the batch", lambda z, y: -np.log(_right(_softmax(z, 0), y)).mean()),
    Mistake(
        "softmax twice: by hand",
        lambda z, y: -np.log(_right(_softmax(_softmax(z)), y)).mean(),
    ),
    Mistake(
        "another logarithm",
        lambda z, y: -np.log2(_right(_softmax(z), y)).mean(),
        lambda z, y: -np.log10(_right(_softmax(z), y)).mean(),
    ),
    Mistake(
        "softmax over the whole table",
        lambda z, y: -np.log(_right(np.exp(z) / np.exp(z).sum(), y)).mean(),
    ),
    Mistake("every image with every label", lambda z, y: -np.log(_softmax(z)[:, y]).mean()),
    Mistake("all classes counted", lambda z, y: -np.log(_softmax(z)).mean()),
    Mistake("largest probability taken", lambda z, y: -np.log(_softmax(z).max(axis=1)).mean()),
    Mistake("logarithm of the mean", lambda z, y: -np.log(_right(_softmax(z), y).mean())),
    Mistake("logarithm forgotten", lambda z, y: 1 - _right(_softmax(z), y).mean()),
]


def _limited(change: Callable[[Array, float], Array]) -> list[Callable[[Array, Array], float]]:
    """Return losses whose probabilities were changed with one of the usual small numbers."""

    def by(small: float) -> Callable[[Array, Array], float]:
        return lambda z, y: float(-np.log(change(_right(_softmax(z), y), small)).mean())

    return [by(10.0**-power) for power in range(5, 21)]


_LIMITED = [
    Mistake(
        "probabilities limited",
        *_limited(np.maximum),
        *_limited(np.add),
        *_limited(lambda p, small: np.clip(p, small, 1 - small)),
    ),
]

#: Packages that would do the work of `batch_loss`; `choose_loss` needs Keras.
_READY = ("scipy", "sklearn", "torch", "jax", "tensorflow", "keras")


def _batch_loss(subject: StudentWork, rng: np.random.Generator) -> None:
    subject.watch((), _READY)
    cases = []
    for images, classes in ((1, 3), (4, 3), (6, 5)):
        logits = rng.uniform(0.1, 4, (images, classes))
        labels = rng.integers(0, classes, images)
        cases.append(Case((logits, labels), f"{images} image(s) and {classes} classes"))
    compare.function(subject, "batch_loss", cases, _loss, _LOSS_MISTAKES)
    # Looks at what these do not show: negative logits, images whose logits are of very different
    # size, classes that are found most improbable, and that the logits are left as they are.
    far = rng.uniform(0, 4, (3, 4)) + np.array([[600.0], [-200.0], [0.0]])
    more = [
        Case((rng.normal(0, 2, (5, 3)), rng.integers(0, 3, 5)), "negative logits"),
        Case((np.array([[12.0, 0, -1]]), np.array([1])), "a class that is found improbable"),
        Case((np.array([[80.0, 0, 9]]), np.array([2])), "a class that is found very improbable"),
        Case((far, rng.integers(0, 4, 3)), "images whose logits are of very different size"),
    ]
    compare.function(subject, "batch_loss", more, _loss, _LIMITED)
    compare.leaves_arguments(subject, "batch_loss", [*cases, *more])


def _one_loss(subject: StudentWork, rng: np.random.Generator, one_hot: bool, softmax: bool) -> None:
    """Ask for a loss and compare what it gives for some labels and outputs."""
    import keras

    chosen = compare.result_of(subject, "choose_loss", one_hot, softmax)
    if not isinstance(chosen, Ref):
        raise wrong("other: no loss")
    if subject.kind(chosen) == "class":
        raise wrong("class")
    labels = np.array([2, 0, 1, 1], "int32")
    outputs = rng.normal(0, 2, (4, 3)).astype("float32")
    if softmax:
        outputs = _softmax(outputs).astype("float32")
    y = np.eye(3, dtype="float32")[labels] if one_hot else labels
    try:
        given = np.asarray(subject.call(chosen, y, outputs))
    except StudentError:
        raise wrong("class indices" if one_hot else "labels one-hot") from None
    if given.ndim and subject.kind(Ref(f"{chosen.key}.reduction")) != "missing":
        raise wrong("not averaged")  # a function gives one number per image, and `compile` averages
    got = float(np.mean(given))

    def keras_loss(from_logits: bool) -> float:
        kind = keras.losses.CategoricalCrossentropy
        return float(kind(from_logits=from_logits)(np.eye(3)[labels], outputs))

    sparse = keras.losses.SparseCategoricalCrossentropy(from_logits=softmax)
    other = {keras_loss(softmax), float(sparse(labels, outputs))}
    if abs(got - keras_loss(not softmax)) < 1e-3:
        return
    if any(abs(got - value) < 1e-3 for value in other):
        raise wrong("softmax twice: by the loss" if softmax else "logits taken for probabilities")
    raise wrong("another loss")


# Looks at: each of the four cases by the number that the loss gives for a batch, so smoothing,
# sums, weights and other losses are seen; a loss that gives the same number is as good.
def _loss_of_logits(subject: StudentWork, rng: np.random.Generator) -> None:
    _one_loss(subject, rng, False, False)
    _one_loss(subject, rng, True, False)


def _loss_of_probabilities(subject: StudentWork, rng: np.random.Generator) -> None:
    try:
        _one_loss(subject, rng, False, True)
        _one_loss(subject, rng, True, True)
    except IncorrectAnswer as told:
        try:
            _loss_of_logits(subject, rng)
        except IncorrectAnswer as before:
            if (before.mistake, told.mistake) in _TOLD_BEFORE:
                return  # this has cost the other part
        raise


#: Mistakes of the loss of logits, and as what the same one shows in that of probabilities.
_TOLD_BEFORE = {
    *((name, name) for name in ("class", "not averaged", "labels one-hot", "class indices")),
    ("logits taken for probabilities", "softmax twice"),
}


# --- 04.2: a schedule, and when to stop ----------------------------------------------------------


def _rate(
    step: int,
    steps: int,
    warmup: int = 0,
    peak: float = 0.001,
    *,
    half: float = 0.5,
    wave: float = np.pi,
    counted: bool = False,
    straight: bool = False,
) -> float:
    if step < warmup:
        return peak * step / warmup
    done = step / steps if counted else (step - warmup) / (steps - warmup)
    if straight:
        return peak * (1 - done)
    return float(peak * half * (1 + np.cos(wave * done)))


def _starts_at_peak(step: int, steps: int, warmup: int = 0, peak: float = 0.001) -> float:
    return peak if step < warmup else _rate(step, steps, warmup, peak)


def _one_early(step: int, steps: int, warmup: int = 0, peak: float = 0.001) -> float:
    return peak * (step + 1) / warmup if step < warmup else _rate(step, steps, warmup, peak)


_RATE_MISTAKES = [
    Mistake(
        "warm-up forgotten: none",
        lambda step, steps, warmup=0, peak=0.001: _rate(step, steps, 0, peak),
    ),
    Mistake("warm-up forgotten: level", _starts_at_peak),
    Mistake("off by one", _one_early),
    Mistake("cosine counts the warm-up", lambda *a, **k: _rate(*a, **k, counted=True)),
    Mistake("half forgotten", lambda *a, **k: _rate(*a, **k, half=1.0)),
    Mistake("a whole wave", lambda *a, **k: _rate(*a, **k, wave=2 * np.pi)),
    Mistake("a quarter wave", lambda *a, **k: _rate(*a, **k, wave=np.pi / 2)),
    Mistake("straight line", lambda *a, **k: _rate(*a, **k, straight=True)),
    Mistake("degrees", lambda *a, **k: _rate(*a, **k, wave=180)),
]


def _rate_at(subject: StudentWork, rng: np.random.Generator) -> None:
    steps, warmup = int(rng.integers(80, 120)), int(rng.integers(10, 20))
    peak = float(rng.uniform(0.01, 0.1))
    cases = [
        Case((20, steps), "a step without warm-up"),
        Case((0, steps), "step 0 without warm-up"),
        Case((steps // 2, steps, 0, peak), "the middle of a training without warm-up"),
        Case((steps, steps, warmup, peak), "the last step"),
    ]
    places = (
        (0, "the first step of a warm-up"),
        (warmup // 2, "the middle of a warm-up"),
        (warmup // 4, "a quarter of a warm-up"),
        (warmup, "the end of a warm-up"),
        (warmup + 9, "a step after a warm-up"),
        (steps - 7, "a step near the end"),
    )
    cases += [Case((step, steps, warmup, peak), label) for step, label in places]
    cases += [Case((step, steps, 1, peak), "a warm-up of one step") for step in (0, 1, 5)]
    # Looks at: both defaults, each piece at its ends and in between, a warm-up of one step.
    compare.function(subject, "rate_at", cases, _rate, _RATE_MISTAKES, rtol=1e-5, atol=1e-9)


def _stop(
    losses: Sequence[float],
    patience: int,
    *,
    late: int = 0,
    equal: bool = False,
    reset: bool = True,
    before: bool = False,
) -> tuple[int, int]:
    best, best_epoch, waited = float("inf"), 0, 0
    for epoch, value in enumerate(losses, start=1):
        previous = losses[epoch - 2] if epoch > 1 else float("inf")
        better = value <= best if equal else value < best
        if better:
            best, best_epoch = value, epoch
        if value < previous if before else better:
            waited = 0 if reset else waited
        else:
            waited += 1
        if waited == patience + late:
            return epoch, best_epoch
    return len(losses), best_epoch


_STOP_MISTAKES = [
    Mistake("order exchanged", lambda x, p: _stop(x, p)[::-1]),
    Mistake("counted from 0", lambda x, p: tuple(n - 1 for n in _stop(x, p))),
    Mistake("last epoch is the best", lambda x, p: (_stop(x, p)[0], _stop(x, p)[0])),
    Mistake("one epoch late", lambda x, p: _stop(x, p, late=1)),
    Mistake("one epoch early", lambda x, p: _stop(x, p, late=-1)),
    Mistake("compared with the epoch before", lambda x, p: _stop(x, p, before=True)),
    Mistake("waiting not reset", lambda x, p: _stop(x, p, reset=False)),
    Mistake("equal counts as better", lambda x, p: _stop(x, p, equal=True)),
    Mistake("looks into the future", lambda x, p: (_stop(x, p)[0], int(np.argmin(x)) + 1)),
    Mistake("never stops", lambda x, p: (len(x), int(np.argmin(x)) + 1)),
]


def _when_to_stop(subject: StudentWork, rng: np.random.Generator) -> None:
    shift = float(rng.uniform(0.1, 1.0))
    lists: list[tuple[list[float], int, str]] = [
        ([4, 3, 2, 1], 2, "losses that always fall"),
        ([1.40, 1.10, 0.95, 0.97, 0.91, 0.93, 0.96, 0.92, 0.99, 0.5], 3, "losses that turn"),
        ([2, 2, 2, 2, 2], 3, "losses that are all equal"),
        ([3, 4, 1, 2], 1, "patience 1"),
        ([5, 4, 4.5, 3, 3.5, 2, 2.5, 2.4, 2.3, 2.2, 1], 4, "losses that go up and down"),
        ([3, 2, 1, 1, 1], 5, "a training that ends before the patience does"),
        ([240, 180, 200, 190], 2, "large losses"),
        ([2, 1, 1.1, 0.99998, 1.2, 1.3, 0.1], 2, "a loss that is lower by very little"),
        ([0.7, 0.9, 0.8], 1, "losses that never become lower"),
    ]
    cases = [
        Case(([value + shift for value in values], patience), label)
        for values, patience, label in lists
    ]
    cases.append(Case(([0.3, 0.1, 0.0, 0.2, 0.1], 2), "a loss that reaches 0"))
    for _ in range(3):
        walk = np.cumsum(rng.choice([-0.2, -0.1, 0.0, 0.1, 0.2], 15)).round(1) + 5
        cases.append(Case((walk.tolist(), int(rng.integers(2, 5))), "losses drawn at random"))
    compare.function(subject, "when_to_stop", cases, _stop, _STOP_MISTAKES)
    compare.leaves_arguments(subject, "when_to_stop", cases)


# --- 04.3: callbacks -----------------------------------------------------------------------------

#: What `fit` would report after each of twenty epochs: every number is best in another epoch.
_BEST = {"val_loss": 4, "loss": 7, "val_accuracy": 8}
_EPOCHS = 20


def _reports(offset: float) -> list[dict[str, float]]:
    rows = []
    for epoch in range(1, _EPOCHS + 1):
        row = {name: offset + 0.05 * abs(epoch - best) for name, best in _BEST.items()}
        row["val_accuracy"] = 0.9 - 0.03 * abs(epoch - _BEST["val_accuracy"])
        row["accuracy"] = 0.3 + 0.02 * epoch
        rows.append(row)
    return rows


#: By how much a loss is lower where that is very little; float32 can still tell it, as in `fit`.
_LITTLE = 1e-6


def _falling(start: float, step: float, epochs: int = _EPOCHS) -> list[float]:
    return [start - step * epoch for epoch in range(epochs)]


def _from_losses(losses: Sequence[float]) -> list[dict[str, float]]:
    """Reports with these validation losses; what else there is gets better all the time."""
    return [
        {
            "val_loss": value,
            "loss": 2 - 0.05 * epoch,
            "accuracy": 0.3 + 0.02 * epoch,
            "val_accuracy": 0.3 + 0.02 * epoch,
        }
        for epoch, value in enumerate(losses)
    ]


class _Training:
    """A pretended training: callbacks are called as `fit` does, with known losses."""

    def __init__(
        self,
        subject: StudentWork,
        rng: np.random.Generator,
        stops: bool,
        losses: Sequence[float] | None = None,
        look: int | None = None,
    ) -> None:
        compare.require(subject, "make_callbacks")
        self.subject = subject
        # New each time: nothing of an earlier check is in it.
        self.file = compare.given(subject, "new_file")
        callbacks = self._callbacks(compare.result_of(subject, "make_callbacks", self.file))
        self.model = compare.given(subject, "tiny_network", kind="model")
        # As in `fit`, metrics are known: Keras looks up whether accuracy should rise or fall.
        batch = np.zeros((1, 4), "float32"), np.zeros((1, 1), "float32")
        subject.call(Ref(f"{self.model.key}.test_on_batch"), *batch)
        self.base = float(rng.integers(1000, 50_000))
        self._shapes = [w.shape for w in subject.model_weights(self.model, (4,))]
        self.rates: list[float] = []
        self.stopped: int | None = None
        self.looked: int | None = None  # of which epoch the file is after epoch `look`
        reports = _reports(float(rng.uniform(0.5, 1))) if losses is None else _from_losses(losses)
        params = {"epochs": len(reports), "steps": 1, "verbose": 0}
        self._all(callbacks, "set_params", params)
        self._all(callbacks, "set_model", self.model)
        self._all(callbacks, "on_train_begin")
        for epoch, report in enumerate(reports):
            self._all(callbacks, "on_epoch_begin", epoch)
            weights = [np.full(s, self.base + epoch + 1, "float32") for s in self._shapes]
            subject.model_set_weights(self.model, (4,), weights)
            self._all(callbacks, "on_epoch_end", epoch, report)
            self.rates.append(float(subject.model_compiled(self.model)["learning_rate"]))
            if look == epoch + 1:
                self.looked = self.in_file()
            told = subject.get(Ref(f"{self.model.key}.stop_training"))
            if told and self.stopped is None:
                self.stopped = epoch + 1
            if self.stopped is not None and stops:
                break
        self.epochs = len(self.rates)
        self._all(callbacks, "on_train_end")

    def _callbacks(self, made: Any) -> list[Ref]:
        listed = made if isinstance(made, list | tuple) else [made]
        for entry in listed:
            if not isinstance(entry, Ref) or self.subject.kind(entry) != "callback":
                raise wrong("other: callbacks")
        return list(listed)

    def _all(self, callbacks: list[Ref], method: str, *args: Any) -> None:
        for callback in callbacks:
            self.subject.call(Ref(f"{callback.key}.{method}"), *args)

    def in_file(self) -> int:
        """Of which epoch the network in the file is; -1 where there is none."""
        try:
            stored = self.subject.call("keras.saving.load_model", self.file)
            return self.weights_of(stored)
        except StudentError:
            return -1

    def weights_of(self, model: Ref) -> int:
        """Of which epoch a network's weights are."""
        return round(float(self.subject.model_weights(model, (4,))[0].ravel()[0]) - self.base)


_WATCHED = {"loss": "the training loss", "val_accuracy": "validation accuracy"}


def _stopping(subject: StudentWork, rng: np.random.Generator) -> None:
    training = _Training(subject, rng, stops=True)
    best, stopped = _BEST["val_loss"], training.stopped
    if stopped is None:
        raise wrong("never stops")
    if stopped != best + 5:
        for name, said in _WATCHED.items():
            if stopped == _BEST[name] + 5:
                raise wrong(f"watches {said}: early stopping")
        when = "late" if stopped > best + 5 else "early"
        raise wrong("patience wrong: early stopping", when=when)
    if training.weights_of(training.model) != best:
        raise wrong("best weights not restored")
    _stops_otherwise(subject, rng)


def _stops_otherwise(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at what one training does not show: losses that are lower by very little, a best epoch
    # right at the beginning, large losses, a wait that begins again.
    little = [9.0, *_falling(3.0, _LITTLE, 12), *[3.5] * 7]
    early = [2.0, *[2.5] * 19]
    again = [8.0, 7.0, 7.1, 7.2, 7.3, 7.4, 6.9, *[7.5] * 13]
    for losses, best, key in (
        (again, 7, "patience wrong: wait"),
        (little, 13, "least change asked for: early stopping"),
        (early, 1, "starts later: early stopping"),
    ):
        training = _Training(subject, rng, stops=True, losses=losses)
        if training.stopped != best + 5 or training.weights_of(training.model) != best:
            raise wrong(key)


def _rates(name: str, factor: float, patience: int) -> list[float]:
    """The learning rates after each epoch, as shares of the first one."""
    rates, rate, waited = [], 1.0, 0
    for epoch in range(1, _EPOCHS + 1):
        waited = 0 if epoch <= _BEST[name] else waited + 1
        if waited == patience:
            rate, waited = rate * factor, 0
        rates.append(rate)
    return rates


def _plateau(subject: StudentWork, rng: np.random.Generator) -> None:
    training = _Training(subject, rng, stops=False)
    shares = np.array(training.rates) / 0.1  # the rate with which `tiny_network` is compiled

    want = _rates("val_loss", 0.5, 2)
    if np.allclose(shares, want, rtol=1e-3, atol=0):
        _lowers_otherwise(subject, rng)
        return
    if np.allclose(shares[:8], want[:8], rtol=1e-3):
        raise wrong("not halved for long")
    compare.tell(shares, _PLATEAU_MISTAKES, rtol=1e-3, atol=0.0)
    raise wrong("other: rate")


_PLATEAU_MISTAKES = [
    Mistake("watches the training loss: rate", _rates("loss", 0.5, 2)),
    Mistake("watches validation accuracy: rate", _rates("val_accuracy", 0.5, 2)),
    Mistake("rate never lowered", [1.0] * _EPOCHS),
    Mistake("patience wrong: rate", *(_rates("val_loss", 0.5, n) for n in (1, 3, 4, 5, 10))),
    Mistake("factor wrong", *(_rates("val_loss", f, 2) for f in (0.1, 0.2, 0.25, 0.75, 0.8, 0.9))),
]


def _lowers_otherwise(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: losses that are lower by a little more than Keras's own least change (0.0001), which
    # the text allows, each time after one that is not, so that two small falls do not count as one;
    # and a loss that is never lower than in the first epoch.
    losses = [loss for lower in _falling(3.0, 1.1e-4, _EPOCHS // 2) for loss in (lower, 3.5)]
    little = _Training(subject, rng, stops=False, losses=losses)
    if not np.allclose(np.array(little.rates) / 0.1, 1):
        raise wrong("least change asked for: rate")
    early = _Training(subject, rng, stops=False, losses=[2.0, *[2.5] * 19])
    want = [0.5 ** (epoch // 2) for epoch in range(_EPOCHS)]
    if not np.allclose(np.array(early.rates) / 0.1, want, rtol=1e-3):
        raise wrong("starts later: rate")


def _checkpoint(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: the file at the end, while training goes on, for losses that are lower by little,
    # and for large ones.
    training = _Training(subject, rng, stops=False)
    found = training.in_file()
    if found == _BEST["val_loss"]:
        little = [50.0, *_falling(3.0, _LITTLE, 5), *[31.0] * 6]
        later = _Training(subject, rng, stops=False, losses=little, look=4)
        if later.looked != 4:
            raise wrong("not at any time")
        if later.in_file() != 6:
            raise wrong("least change asked for: file")
        return
    if not 1 <= found <= _EPOCHS:
        raise wrong("nothing saved")
    for name, said in _WATCHED.items():
        if found == _BEST[name]:
            raise wrong(f"watches {said}: file")
    if found == _EPOCHS:
        raise wrong("last instead of best")
    raise wrong("other: another network saved")


# --- 04.4: augmentation, in training only --------------------------------------------------------

_H, _W = 40, 60


#: So many pictures that chance decides nothing: shares and means are compared at six standard
#: errors.
_PICTURES = 192


def _ramps(number: int) -> Array:
    """Pictures that show what was done to them.

    The first channel rises from left to right, the second from top to bottom; the third has one
    level on the left and another one on the right.
    """
    picture = np.zeros((_H, _W, 3), "float32")
    picture[..., 0] = 40 + 3 * np.arange(_W)
    picture[..., 1] = 40 + 4 * np.arange(_H)[:, None]
    picture[..., 2] = np.where(np.arange(_W) < _W // 2, _LOW, _HIGH)
    return np.repeat(picture[None], number, axis=0)


_LOW, _HIGH = 90.0, 180.0


def _changes(got: Array) -> IncorrectAnswer | None:
    """What is wrong with the augmented pictures that were made of `_ramps`, or None."""
    x = _ramps(1)
    if np.allclose(got, x, atol=0.05):
        return wrong("not augmented")
    if not np.all(np.isfinite(got)) or np.any(got < -1) or np.any(got > 256):
        return wrong("colors changed: range")
    # Only the middle is looked at: the border is filled in one way or another.
    middle = got[:, 9:-9, 12:-12].astype(float)
    right, down = np.diff(middle, axis=2), np.diff(middle, axis=1)
    across, along = right.mean(axis=(1, 2)), down.mean(axis=(1, 2))
    even = (
        max(np.abs(right[..., k] - across[:, k, None, None]).max() for k in (0, 1)) < 0.05
        and max(np.abs(down[..., k] - along[:, k, None, None]).max() for k in (0, 1)) < 0.05
    )
    levels = middle[:, :, [0, 1, 2, 3, -4, -3, -2, -1], 2]
    level = np.minimum(np.abs(levels - _LOW), np.abs(levels - _HIGH)).max()
    if level > 0.05:
        return wrong("colors changed: levels")
    if np.abs(across[:, 1]).max() > 0.01 or np.abs(along[:, 0]).max() > 0.01:
        return wrong("turned")
    if np.any(along[:, 1] < 0):
        return wrong("vertical flip")
    if not even:
        return wrong("distorted")
    if np.abs(np.abs(across[:, 0]) - 3).max() > 0.01 or np.abs(along[:, 1] - 4).max() > 0.01:
        return wrong("zoomed")
    return _flips(across[:, 0] < 0) or _shifts(middle, across[:, 0] < 0)


def _flips(flipped: Array) -> IncorrectAnswer | None:
    batches = flipped.reshape(-1, _PICTURES // 4)
    each = batches.all(axis=1) | ~batches.any(axis=1)
    if each.any():
        return wrong("not flipped")
    if (batches == batches[0]).all():
        return wrong("the same each time")
    if abs(flipped.mean() - 0.5) > 6 * 0.5 / np.sqrt(len(flipped)):
        return wrong("flip share wrong")
    return None


def _shifts(middle: Array, flipped: Array) -> IncorrectAnswer | None:
    x = _ramps(1)[:, 9:-9, 12:-12]
    across = (middle[..., 0].mean(axis=(1, 2)) - x[..., 0].mean()) / 3 / _W
    across = np.where(flipped, across, -across)  # to the right
    along = -(middle[..., 1].mean(axis=(1, 2)) - x[..., 1].mean()) / 4 / _H
    farthest = np.array([np.abs(across).max(), np.abs(along).max()])
    if np.any(farthest < 0.02):
        return wrong("shifted one way only" if np.any(farthest > 0.02) else "not shifted")
    if np.any(farthest > 0.104):
        return wrong("shifted too far")
    if max(abs(across.mean()), abs(along.mean())) > 6 * 0.06 / np.sqrt(len(across)):
        return wrong("one way")
    if np.any(farthest < 0.09):
        return wrong("shifted too little")
    if min(np.ptp(across[: _PICTURES // 4]), np.ptp(along[: _PICTURES // 4])) < 0.05:
        return wrong("shifted together")
    batches = np.stack([across, along]).reshape(2, -1, _PICTURES // 4)
    if np.ptp(batches, axis=1).max(axis=1).min() < 0.01:
        return wrong("the same each time")
    return None


def _augmentation(subject: StudentWork) -> Ref:
    made = compare.result_of(subject, "build_augmentation")
    if not isinstance(made, Ref) or subject.kind(made) not in ("model", "layer"):
        raise wrong("other: augmentation")
    return made


def _passed(subject: StudentWork, what: Ref, x: Array, training: bool) -> Array:
    result = subject.model_outputs(what, x, training)
    if not isinstance(result, np.ndarray) or result.shape != x.shape:
        raise wrong("other: size or number")
    return result


def _nothing_in_use(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: pictures of two sizes that are not changed at all, all of them.
    what = _augmentation(subject)
    for shape in ((24, 32, 3), (_H, _W, 3)):
        x = rng.uniform(0, 255, (6, *shape)).astype("float32")
        got = _passed(subject, what, x, False)
        if np.allclose(got, x / 255, atol=0.01):
            raise wrong("rescaled twice: augmentation")
        if not np.allclose(got, x, atol=0.01):
            raise wrong("always on: augmentation")


def _augmented(subject: StudentWork, what: Ref) -> Array:
    """What becomes of `_ramps` while training; rescaled pixels are corrected (part 1 says so)."""
    x = _ramps(_PICTURES // 4)
    got = np.concatenate([_passed(subject, what, x, True) for _ in range(4)])
    return got * 255 if got.max() <= 1.5 else got


def _in_training(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: every pixel of the middle, so anything but flips and shifts is seen; the share of
    # flips; how far, in which directions and how differently pictures are shifted. The border may
    # be filled in any way.
    problem = _changes(_augmented(subject, _augmentation(subject)))
    if problem is not None:
        raise problem


def _with_augmentation(subject: StudentWork, network: Ref) -> Ref:
    made = compare.result_of(subject, "with_augmentation", network)
    if not isinstance(made, Ref) or subject.kind(made) != "model":
        raise wrong("other: augmented network")
    return made


def _in_front(subject: StudentWork, rng: np.random.Generator) -> None:
    # Looks at: what the given network gets in use (nothing changed, also by `predict`) and in
    # training (what their augmentation gives, by a network that shows it), for two sizes; that the
    # given network itself goes on to train, its dropout included. Mistakes in `build_augmentation`
    # are judged by the parts before.
    compare.require(subject, "with_augmentation")
    network = compare.given(subject, "picture_network", kind="model")
    made = _with_augmentation(subject, network)
    known = _known_mistakes(subject, rng)
    _same_in_use(subject, made, network, rng, known)
    shown = subject.call("layers.Rescaling", 1.0)
    seen = _with_augmentation(subject, _network_of(subject, (_H, _W, 3), shown))
    try:
        problem = _changes(_augmented(subject, seen))
    except StudentError:
        raise wrong("does not fit") from None
    if problem is not None and not known & _like(problem.mistake):
        raise problem
    _still_learns(subject, rng)


#: Mistakes that chance may show as one another, in other pictures of the same augmentation.
_ALIKE: tuple[set[str | None], ...] = (
    {"not flipped", "flip share wrong", "the same each time"},
    {"not shifted", "shifted one way only", "shifted too far", "shifted too little", "one way"},
)


def _like(mistake: str | None) -> set[str | None]:
    """The mistakes that count as this one."""
    return next((alike for alike in _ALIKE if mistake in alike), {mistake})


def _known_mistakes(subject: StudentWork, rng: np.random.Generator) -> set[str | None]:
    """The mistakes of `build_augmentation`, which must not cost a second time."""
    found: set[str | None] = set()
    for part in (_nothing_in_use, _in_training):
        try:
            part(subject, rng)
        except IncorrectAnswer as error:
            found.add(error.mistake)
        except (StudentError, NotAttempted):
            continue
    return found


def _network_of(subject: StudentWork, shape: tuple[int, ...], *parts: Ref) -> Ref:
    """A network of some layers, made in their process."""
    inputs = subject.call("keras.Input", list(shape))
    return compare.given(subject, "keras.Sequential", [inputs, *parts])


def _same_in_use(
    subject: StudentWork, made: Ref, network: Ref, rng: np.random.Generator, known: set[str | None]
) -> None:
    x = np.repeat(rng.uniform(0, 255, (1, 24, 32, 3)), 12, axis=0).astype("float32")
    x += 0.4 * _smooth(rng)
    want = subject.model_outputs(network, x)
    got = _outputs_of(subject, made, x)
    if not isinstance(got, np.ndarray) or got.shape != want.shape:
        raise wrong("other: another end")
    scale = float(np.abs(want).max())
    off = np.abs(got - want).max() > 1e-3 * scale
    if off and np.abs(got - subject.model_outputs(network, x / 255)).max() <= 1e-3 * scale:
        if "rescaled twice" not in known:
            raise wrong("rescaled twice: network")
        return
    if off and "always on" in known:
        return
    if off and np.abs(got - got[:1]).max() > 1e-3 * scale:
        raise wrong("always on: in use")
    if off:
        raise wrong("other: other outputs")
    predicted = subject.call(Ref(f"{made.key}.predict"), x, verbose=0)
    if np.abs(np.asarray(predicted) - want).max() > 1e-3 * scale:
        raise wrong("always on: predict")
    if _sets_training(subject, made):
        raise wrong("always on: set by hand")


def _outputs_of(subject: StudentWork, made: Ref, x: Array) -> Any:
    try:
        return subject.model_outputs(made, x)
    except StudentError as error:
        if "image tensor" in str(error):  # a random layer of Keras got what is no picture
            raise wrong("behind the network") from None
        raise


def _sets_training(subject: StudentWork, made: Ref) -> bool:
    """Whether a layer of a functional network was called with `training=True`."""
    try:
        text = subject.call(Ref(f"{made.key}.to_json"))
        config = json.loads(text)
    except (StudentError, Missing, TypeError, ValueError):
        return False  # a class of its own; what it does was seen above

    def inside(one: Any, called: str = "") -> bool:
        if isinstance(one, dict):
            called = str(one["class_name"]) if "inbound_nodes" in one else called
            kwargs = one.get("kwargs")
            if isinstance(kwargs, dict) and kwargs.get("training") is True:
                return not _trains_by_default(called)
            return any(inside(entry, called) for entry in one.values())
        return isinstance(one, list) and any(inside(entry, called) for entry in one)

    return inside(config)


def _trains_by_default(name: str) -> bool:
    """Whether a layer's `training` is True where nobody says: Keras records that as if set."""
    import keras

    kind = getattr(keras.layers, name, None)
    known = inspect.signature(kind.call).parameters if kind else {}
    return "training" in known and known["training"].default is True


def _still_learns(subject: StudentWork, rng: np.random.Generator) -> None:
    parts = subject.call("layers.Dropout", 0.5), subject.call("layers.Dense", 3)
    made = _with_augmentation(subject, _network_of(subject, (_H, _W, 3), *parts))
    ones = np.full((8, _H, _W, 3), 200.0, "float32")
    subject.model_outputs(made, ones)
    if not all(subject.model_trainable(made, (_H, _W, 3))):
        raise wrong("frozen")
    middle = np.asarray(subject.model_outputs(made, ones, True))[:, 12:-12, 12:-12]
    if np.ptp(middle.reshape(-1, 3), axis=0).max() < 1e-3:
        raise wrong("network not in training")


def _smooth(rng: np.random.Generator) -> Array:
    rows = np.linspace(0, rng.uniform(60, 120), 24)[:, None, None]
    return np.asarray(rows + np.linspace(0, 100, 32)[None, :, None], "float32")[None]


# --- 04.5: the experiment ------------------------------------------------------------------------

_TRIALS = ("dropout 0", "dropout 0.2", "dropout 0.5", "dropout 0.8", "SGD")
#: Images in the given data, and epochs that are asked for.
_IMAGES, _TRIAL_EPOCHS = {"accuracy": 300, "val_accuracy": 300}, 25
#: The mean loss of the first epoch of a new network is near that of guessing, ln 5 = 1.609: with
#: seven seeds between 1.60 and 1.69. Networks that were trained before begin lower.
_FIRST_LOSS = (1.53, 1.85)


def _entries(subject: StudentWork, *, most_missing: int = 0) -> dict[str, dict[str, list[float]]]:
    """The curves of each trial, from whatever `fit` returned; some trials may be missing."""
    histories = compare.dictionary(subject, "histories")
    found: dict[str, dict[str, list[float]]] = {}
    missing = [name for name in _TRIALS if name not in histories]
    for name in [name for name in _TRIALS if name not in missing[:most_missing]]:
        entries = trainings.history(histories.get(name))
        if entries is None:
            raise wrong("trial missing: histories", name=name)
        found[name] = {str(key): trainings.curve(entry) for key, entry in entries.items()}
        for key, message in (("loss", "other: no curve"), ("val_loss", "no validation curve")):
            if min(found[name].get(key) or [0.0]) <= 0:
                raise wrong(message, key=key, name=name)
    return found


def _curves(subject: StudentWork, rng: np.random.Generator) -> None:
    # These curves are not measured again (that takes a minute). Looks at whether they can be what
    # five trainings of new networks on the given pictures gave: the same number of epochs, 25 at
    # most; a first loss near guessing; accuracies that are shares of the right number of pictures;
    # no curve twice.
    histories = _entries(subject)
    trainings.require_epochs(histories, ("loss", "val_loss"), _TRIAL_EPOCHS)
    if not trainings.all_different(histories):
        raise wrong("one network for all")
    trainings.require_new(histories, _FIRST_LOSS, _IMAGES)
    # Curves of several epochs that cannot belong to the names that they have.
    slow, fast = histories["SGD"]["loss"], histories["dropout 0"]["loss"]
    if len(slow) >= 10 and slow[-1] < fast[-1]:
        raise wrong("curves exchanged")
    # Without dropout it memorizes its pictures long before, so the losses lie far apart: over the
    # last five epochs the validation loss was 1.5 to 4 times the training loss, and 0.9 to 1.0
    # times where the training pictures were validated. A single epoch may be above or below.
    last, learned = (np.mean(c[-5:]) for c in (histories["dropout 0"]["val_loss"], fast))
    if len(fast) >= 20 and last < 1.15 * learned:
        raise wrong("validated on what was learned")


def _gaps(subject: StudentWork, rng: np.random.Generator) -> None:
    histories = _entries(subject, most_missing=1)  # that one is missing costs the part before
    gaps = compare.mapping(subject, "gaps")
    if gaps is None or any(name not in gaps for name in histories):
        raise wrong("trial missing: gaps")
    got = {name: compare.one_number(gaps[name]) for name in histories}
    if None in got.values():
        raise wrong("not a number: gaps")
    if compare.close(got, _gap(histories), rtol=1e-3, atol=2e-3):
        return
    compare.tell(got, _GAP_MISTAKES, histories, rtol=1e-3, atol=2e-3)
    raise wrong("other: gap")


def _each(of_trial: Callable[[dict[str, list[float]]], float]) -> Callable[..., dict[str, float]]:
    return lambda histories: {name: of_trial(one) for name, one in histories.items()}


_gap = _each(lambda h: h["val_loss"][-1] - h["loss"][-1])
_GAP_MISTAKES = [
    Mistake("sign reversed", _each(lambda h: h["loss"][-1] - h["val_loss"][-1])),
    Mistake("first epoch taken", _each(lambda h: h["val_loss"][0] - h["loss"][0])),
    Mistake("lowest losses taken", _each(lambda h: min(h["val_loss"]) - min(h["loss"]))),
    Mistake("ratio instead of difference", _each(lambda h: h["val_loss"][-1] / h["loss"][-1])),
    Mistake(
        "rounded: gaps",
        _each(lambda h: round(h["val_loss"][-1] - h["loss"][-1], 2)),
        _each(lambda h: round(h["val_loss"][-1] - h["loss"][-1], 1)),
    ),
    Mistake("sign lost", _each(lambda h: abs(h["val_loss"][-1] - h["loss"][-1]))),
    Mistake("accuracy instead of loss", _each(lambda h: h["val_accuracy"][-1] - h["accuracy"][-1])),
]


def _claims(subject: StudentWork, rng: np.random.Generator) -> None:
    compare.choice(
        subject,
        "true_claims",
        "abe",
        "abcdef",
        {
            "c": "small gap taken for quality",
            "d": "judged by one learning rate",
            "f": "one training is enough",
        },
    )


EXERCISE = Exercise.of(
    "04_training",
    Question.of("04.1", _batch_loss, _loss_of_logits, _loss_of_probabilities),
    Question.of("04.2", _rate_at, _when_to_stop),
    Question.of("04.3", _stopping, _plateau, _checkpoint),
    Question.of("04.4", _nothing_in_use, _in_training, _in_front),
    Question.of("04.5", _curves, _gaps, _claims),
    Question.of("04.6"),
)
