"""Training history: the loss and the accuracy of every epoch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


class History:
    """Training history, epoch by epoch; used like the one that Keras returns.

    Attributes
    ----------
    history : dict of str to list of float
        One list per metric: ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy`` and
        ``learning_rate``, each with one number per epoch.
    epoch : list of int
        The epochs, counted from 0.
    params : dict
        ``epochs`` (the number asked for), ``steps`` (batches in an epoch).
    seconds : float
        Duration of the training; if it was interrupted, the sum of its parts.
    best_epoch : int or None
        The epoch, counted from 0, whose weights early stopping restored; None without it.
    stopped_early : bool
        Whether early stopping ended the training.
    """

    def __init__(
        self,
        history: Mapping[str, list[float]] | None = None,
        params: Mapping[str, Any] | None = None,
        seconds: float = 0.0,
        best_epoch: int | None = None,
        stopped_early: bool = False,
    ):
        self.history: dict[str, list[float]] = {k: list(v) for k, v in (history or {}).items()}
        self.params: dict[str, Any] = dict(params or {})
        self.seconds = seconds
        self.best_epoch = best_epoch
        self.stopped_early = stopped_early

    @property
    def epoch(self) -> list[int]:
        """The epochs that were trained, counted from 0."""
        return list(range(max((len(values) for values in self.history.values()), default=0)))

    def final(self, name: str) -> float:
        """Return a metric for the final weights of the model.

        Parameters
        ----------
        name : str
            For instance "val_accuracy".

        Returns
        -------
        float
            Its value in the best epoch if early stopping restored that, else in the last one.
        """
        values = self.history[name]
        return values[-1 if self.best_epoch is None else self.best_epoch]

    def to_frame(self) -> pd.DataFrame:
        """Return the history as a table with one row per epoch, counted from 1."""
        import pandas as pd

        frame = pd.DataFrame(self.history)
        frame.index = pd.RangeIndex(1, len(frame) + 1, name="epoch")
        return frame

    def to_json(self) -> dict[str, Any]:
        """Return all attributes as JSON values."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> History:
        """Build a history from what :meth:`to_json` returned."""
        return cls(**content)

    def __repr__(self) -> str:
        return self.summary()

    def summary(self, *, timed: bool = True) -> str:
        """Return the training in one line: epochs, seconds if `timed`, last losses and metrics."""
        if not self.epoch:
            return "History of no epoch"
        number = len(self.epoch)
        seconds = f" in {self.seconds:.0f} s" if timed else ""
        parts = [f"{number} epoch{'s' if number > 1 else ''}{seconds}"]
        for name in ("loss", "accuracy", "val_loss", "val_accuracy"):
            if name in self.history:
                parts.append(f"{name.replace('val_', 'validation ')} {self.final(name):.3f}")
        if self.best_epoch is not None:
            parts.append(f"weights of epoch {self.best_epoch + 1}")
        return " · ".join(parts)
