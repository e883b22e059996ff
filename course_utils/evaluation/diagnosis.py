"""Diagnose training curves: overfitting, underfitting, learning rate too high, and so on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.validate import whole_number

DIAGNOSES = (
    "overfitting",
    "underfitting",
    "learning rate too high",
    "still improving",
    "healthy",
    "too short",
)

_ADVICE = {
    "overfitting": "take the weights of the best epoch (early stopping); then more images or "
    "augmentation, dropout, L2, or a smaller network",
    "underfitting": "train longer, with a larger learning rate, or take a larger network; "
    "remove augmentation or dropout that is too strong",
    "learning rate too high": "start again with a learning rate 10 times smaller; a warm-up helps",
    "still improving": "train for more epochs",
    "healthy": "judge it once on the test split, then look at its mistakes",
    "too short": "train for at least {least} epochs, then diagnose again",
}
_LEAST_EPOCHS = 4


@dataclass(frozen=True)
class Diagnosis:
    """The diagnosis of a training curve, with its evidence.

    Attributes
    ----------
    name : str
        One of ``DIAGNOSES``: overfitting, underfitting, learning rate too high, still improving,
        healthy, or too short (too few epochs to tell).
    reasons : tuple of str
        The observations that led to the name.
    evidence : dict of str to float
        The measured values: epochs, averaged_epochs (how many of the last ones the gaps are
        averaged over), best_epoch (1 is the first), best_val_loss, val_loss_rise, accuracy_gap,
        loss_gap, train_slope, val_slope, oscillation, and chance if it is known.
    advice : str
        What to try next.
    """

    name: str
    reasons: tuple[str, ...]
    evidence: dict[str, float]
    advice: str

    def __str__(self) -> str:
        lines = [self.name, *(f"  - {reason}" for reason in self.reasons)]
        return "\n".join([*lines, f"  what to try: {self.advice}"])


def history_table(one: Any) -> Mapping[str, Any]:
    """Return the values of one history (of the course, of Keras, a dict or a DataFrame)."""
    table = getattr(one, "history", one)
    if not isinstance(table, Mapping) and not hasattr(table, "columns"):
        raise InvalidInput(
            f"A history is what fit returns, its .history dict or a DataFrame, but this is a "
            f"{type(one).__name__}."
        )
    return table


def curves(history: Any) -> dict[str, np.ndarray]:
    """Return the loss and accuracy curves of a training history as arrays.

    Parameters
    ----------
    history : History, dict of lists, or DataFrame
        With loss and val_loss, and optionally accuracy and val_accuracy (under any of the names
        that Keras uses for accuracies).

    Returns
    -------
    dict of str to np.ndarray
        float64 (epochs,) under "loss", "val_loss" and, if present, "accuracy", "val_accuracy".

    Raises
    ------
    InvalidInput
        If there is no validation loss or no epoch.
    """
    table = history_table(history)
    names = list(table.keys())
    found: dict[str, np.ndarray] = {}
    for key in ("loss", "val_loss"):
        if key not in names:
            raise InvalidInput(
                f"The history has no {key!r} (it has {', '.join(map(str, names)) or 'nothing'}); "
                f"train with validation data."
            )
        found[key] = np.asarray(table[key], dtype=np.float64)
    candidates = ["accuracy", "acc", *(n for n in names if str(n).endswith("_accuracy"))]
    accuracy = next((n for n in candidates if n in names and f"val_{n}" in names), None)
    if accuracy is not None:
        found["accuracy"] = np.asarray(table[accuracy], dtype=np.float64)
        found["val_accuracy"] = np.asarray(table[f"val_{accuracy}"], dtype=np.float64)
    if not len(found["loss"]):
        raise InvalidInput("The history holds no epoch.")
    if len({len(values) for values in found.values()}) != 1:
        raise InvalidInput("The curves of the history have different numbers of epochs.")
    return found


def diagnose(
    history: Any, num_classes: int | None = None, chance: float | None = None
) -> Diagnosis:
    """Diagnose a training curve by simple rules.

    The rules, in this order (rules of thumb):

    1. *learning rate too high*: the loss is NaN or infinite; or the training loss ends above its
       first value; or it starts above twice the loss of guessing and accuracy stays low; or it
       oscillates (after epoch 1 its rises add up to 40 % of its range); or it stays at the loss of
       guessing, with the same prediction for every image.
    2. *too short*: fewer than 4 epochs.
    3. *overfitting*: the validation loss ends at least 10 % above its minimum while the training
       loss keeps falling; or training accuracy is 0.15 above validation accuracy while the
       validation loss has stopped falling.
    4. *underfitting*: the training accuracy is below the middle between chance and 1, and the
       training loss falls by less than 2 % per epoch.
    5. *still improving*: the validation loss falls by more than 1 % per epoch and its minimum is
       among the last epochs.
    6. *healthy*: none of these.

    First met in lesson 05, which produces each of these curves.

    Parameters
    ----------
    history : History, dict of lists, or DataFrame
    num_classes : int, optional
        Number of classes. It determines the chance level 1 / classes and the loss of guessing,
        log(classes).
    chance : float, optional
        Accuracy of guessing, where it is not 1 / classes (see ``majority_accuracy``).

    Returns
    -------
    Diagnosis

    Raises
    ------
    InvalidInput
        If the history has no validation loss, or chance is not between 0 and 1.
    """
    if num_classes is not None:
        num_classes = whole_number("num_classes", num_classes, 2, example=5)
        chance = 1 / num_classes if chance is None else chance
    if chance is not None and not 0 < chance < 1:
        raise InvalidInput(f"chance must lie between 0 and 1, but it is {chance}.")
    return _Rules(curves(history), num_classes, chance).diagnosis()


class _Rules:
    """The values measured on the curves, and the rules that use them."""

    def __init__(
        self, found: dict[str, np.ndarray], num_classes: int | None, chance: float | None
    ) -> None:
        self.loss, self.val_loss = found["loss"], found["val_loss"]
        self.accuracy, self.val_accuracy = found.get("accuracy"), found.get("val_accuracy")
        self.epochs, self.chance = len(self.loss), chance
        self.guess_loss = None if num_classes is None else float(np.log(num_classes))
        self.finite = bool(np.isfinite(self.loss).all() and np.isfinite(self.val_loss).all())
        self.evidence: dict[str, float] = {"epochs": self.epochs}
        if chance is not None:
            self.evidence["chance"] = chance
        if self.finite:
            self._measure()

    def _measure(self) -> None:
        loss, val_loss = self.loss, self.val_loss
        self.best = int(val_loss.argmin())
        tail = max(1, min(3, self.epochs - 1 - self.best))
        self.rise = float(val_loss[-tail:].mean() / max(val_loss[self.best], 1e-12) - 1)
        averaged = min(3, self.epochs)
        last = slice(-averaged, None)
        self.loss_gap = float(val_loss[last].mean() - loss[last].mean())
        self.train_slope, self.val_slope = _slope(loss), _slope(val_loss)
        later = loss[min(1, self.epochs - 1) :]  # the first step is often large in any case
        steps, span = np.diff(later), float(np.ptp(later))
        more_than_noise = span > 0.1 * later.mean()
        self.rises = int((steps > 0).sum())
        self.oscillation = float(np.clip(steps, 0, None).sum() / span) if more_than_noise else 0.0
        self.evidence |= {
            "averaged_epochs": averaged,
            "best_epoch": self.best + 1,
            "best_val_loss": float(val_loss[self.best]),
            "val_loss_rise": self.rise,
            "loss_gap": self.loss_gap,
            "train_slope": self.train_slope,
            "val_slope": self.val_slope,
            "oscillation": self.oscillation,
        }
        self.gap = self.skill = self.level = None
        if self.accuracy is not None and self.val_accuracy is not None:
            self.level = float(self.accuracy[last].mean())
            self.gap = self.level - float(self.val_accuracy[last].mean())
            floor = self.chance if self.chance is not None else 0.0
            self.skill = (self.level - floor) / (1 - floor)
            self.evidence["accuracy_gap"] = self.gap

    # Each rule returns its reasons, or an empty list if it does not apply.

    def too_high(self) -> list[str]:
        if not self.finite:
            where = np.flatnonzero(~(np.isfinite(self.loss) & np.isfinite(self.val_loss)))[0]
            return [f"the loss is NaN or infinite in epoch {where + 1}"]
        first, last = self.loss[0], self.loss[-1]
        if self.epochs > 1 and last > 1.1 * first:
            return [f"the training loss rose from {_text(first)} in epoch 1 to {_text(last)}"]
        if self.epochs < _LEAST_EPOCHS:
            return []
        later = float(np.median(self.loss[1:]))
        guess = self.guess_loss if self.guess_loss is not None else later
        poor = self.skill is not None and self.skill < 0.5
        reasons = []
        if first > 2 * guess and poor:
            reasons.append(
                f"the training loss was {_text(first)} in epoch 1, far above the {_text(guess)} of "
                f"guessing (pixels that are not rescaled have the same effect)"
            )
        if self.oscillation >= 0.4 and self.rises >= 2:
            reasons.append(
                f"after epoch 1 the training loss rose in {self.rises} of {self.epochs - 2} steps; "
                f"the rises add up to {self.oscillation:.0%} of its range"
            )
        if self._stuck(guess, later):
            reasons.append(
                f"after epoch 1 ({_text(first)}) the training loss stays at {_text(later)}, the "
                f"level of guessing: the network predicts the same class for every image"
            )
        return reasons + self._level_reason() if reasons else []

    def _stuck(self, guess: float, later: float) -> bool:
        """Return whether the loss stays constant at the level of guessing (dead units)."""
        losses = self.loss[1:]
        flat = (losses.max() - losses.min()) < 0.02 * losses.mean()
        at_chance = self.level is not None and self.level < (self.chance or 0.25) + 0.1
        if not (flat and at_chance and abs(later / guess - 1) < 0.1):
            return False
        assert self.val_accuracy is not None
        same_answer = len(set(self.val_accuracy[-3:])) == 1
        return bool(self.loss[0] > 1.05 * guess or same_answer)

    def _level_reason(self) -> list[str]:
        if self.level is None:
            return []
        known = f"; guessing gives {self.chance:.2f}" if self.chance is not None else ""
        return [f"training accuracy at the end{self._averaged()} {self.level:.2f}{known}"]

    def _averaged(self) -> str:
        count = self.evidence["averaged_epochs"]
        return f" (mean of {count} epochs)" if count > 1 else ""

    def _gap_reason(self) -> list[str]:
        if self.gap is None or self.level is None:
            return []
        return [
            f"at the end{self._averaged()} training accuracy {self.level:.2f}, validation accuracy "
            f"{self.level - self.gap:.2f}: a gap of {self.gap:z.2f}"
        ]

    def _best_reason(self) -> str:
        lowest = f"{_text(self.val_loss[self.best])}, epoch {self.best + 1} of {self.epochs}"
        if self.best + 1 == self.epochs:
            return f"the validation loss is lowest at the very end ({lowest})"
        ends = f"{self.rise:.0%} higher" if self.rise >= 0.005 else "at nearly the same level"
        return f"the validation loss was lowest before ({lowest}) and ends {ends}"

    def overfits(self) -> list[str]:
        falling = self.loss[-1] < 0.95 * self.loss[self.best]
        risen = self.best + 1 < self.epochs and self.rise >= 0.10 and falling
        apart = self.gap is not None and self.gap >= 0.15 and self.val_slope > -0.01
        if not (risen or apart):
            return []
        reasons = [self._best_reason()]
        if falling:
            reasons.append(
                f"the training loss meanwhile fell from {_text(self.loss[self.best])} to "
                f"{_text(self.loss[-1])}"
            )
        return reasons + self._gap_reason()

    def underfits(self) -> list[str]:
        if self.skill is None or self.skill >= 0.5 or self.train_slope < -0.02:
            return []
        return [
            *self._level_reason(),
            f"the training loss changes by only {_signed(self.train_slope)} an epoch",
            *self._gap_reason(),
        ]

    def improves(self) -> list[str]:
        recent = self.best + 1 > self.epochs - max(2, self.epochs // 5)
        if not recent or self.val_slope > -0.01:
            return []
        return [
            self._best_reason(),
            f"over the last epochs it changed by {_signed(self.val_slope)} an epoch",
            *self._gap_reason(),
        ]

    def diagnosis(self) -> Diagnosis:
        reasons = self.too_high()
        if reasons:
            return self._named("learning rate too high", reasons)
        if self.epochs < _LEAST_EPOCHS:
            text = f"{self.epochs} epoch{'s' * (self.epochs > 1)}: too few for a diagnosis"
            return self._named("too short", [text, *self._gap_reason()])
        for name, rule in (
            ("overfitting", self.overfits),
            ("underfitting", self.underfits),
            ("still improving", self.improves),
        ):
            reasons = rule()
            if reasons:
                return self._named(name, reasons)
        change = f"the validation loss changes by {_signed(self.val_slope)} an epoch"
        return self._named("healthy", [self._best_reason(), change, *self._gap_reason()])

    def _named(self, name: str, reasons: list[str]) -> Diagnosis:
        advice = _ADVICE[name].format(least=_LEAST_EPOCHS)
        return Diagnosis(name, tuple(reasons), self.evidence, advice)


def _text(number: float) -> str:
    """Format a loss: three decimals, or none if it is large."""
    return f"{number:.3f}" if abs(number) < 100 else f"{number:,.0f}"


def _signed(share: float) -> str:
    """Format a change in percent with its sign."""
    return f"{share:+z.1%}"


def _slope(values: np.ndarray) -> float:
    """Return the relative change per epoch over the last third (at least 3 epochs) of a curve."""
    tail = values[-max(3, len(values) // 3) :]
    level = np.abs(tail).mean()
    if level == 0 or len(values) < 2:
        return 0.0
    return float(np.polyfit(np.arange(len(tail)), tail, 1)[0] / level)
