"""The model card: one page for people, beside the ``model.json`` for programs (lesson 10)."""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import error_analysis, evaluation, settings, validate
from course_utils.datasets import SPLITS, ImageDataset
from course_utils.datasets.display import image_address
from course_utils.deployment.card import installed_versions
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic

if TYPE_CHECKING:
    from jinja2 import Environment

#: What fits on one page: characters of the title, of a row of facts and of all words; pictures;
#: rows of facts; rows of the tables of classes; characters of a class name, longer ones are cut.
MOST = {"title": 80, "fact": 80, "words": 700, "heat": 4, "facts": 6, "classes": 8, "name": 22}

_TEMPLATES = Path(__file__).parent / "templates"
_WIDTH = 240  # pixels of a heat map


@dataclass(frozen=True, repr=False)
class ModelCard:
    """A model card that was written; notebooks show the page.

    Attributes
    ----------
    file : Path
        The page.
    html : str
        Its content.
    open : tuple of str
        Headings under which nothing is written yet.
    """

    file: Path
    html: str
    open: tuple[str, ...] = ()

    def _repr_html_(self) -> str:
        page = escape(self.html, quote=True)
        return (
            f'<iframe title="The model card" srcdoc="{page}" width="760" height="1000" '
            f'style="border:1px solid #999;max-width:100%;background:#fff"></iframe>'
        )

    def __repr__(self) -> str:
        missing = f"; still to be written: {', '.join(self.open)}" if self.open else ""
        return f"The model card {self.file.name} is written{missing}."


def model_card(
    file: str | Path,
    data: ImageDataset,
    predictions: evaluation.Predictions,
    *,
    title: str = "",
    words: Mapping[str, str] | None = None,
    threshold: Any = None,
    heat: Mapping[str, np.ndarray] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> ModelCard:
    """Write a model card: one page that says what a classifier is for, how good it is, its limits.

    The page needs no other file and prints on one sheet of A4. All texts are escaped.

    First met in lesson 10.

    Parameters
    ----------
    file : str or Path
        The page; a folder gets ``model_card.html``.
    data : ImageDataset
        What the network was trained and tested on.
    predictions : Predictions
        Of the test split, calibrated if a threshold is given.
    title : str
        By default the name of the dataset.
    words : mapping of heading to text, optional
        What only a person can say: purpose, limits. An empty text is marked as not written yet.
    threshold : float or Threshold, optional
        Confidence below which the answer is "not sure".
    heat : mapping of caption to array (H, W, 3), optional
        Up to four pictures with heat maps, as ``explain.overlay`` makes them.
    facts : mapping of name to value, optional
        Further rows on how the network was made, such as what was left out.

    Returns
    -------
    ModelCard

    Raises
    ------
    InvalidInput
        If the predictions are not those of a labeled split with the classes of the dataset, or more
        is given than fits on one page.

    References
    ----------
    Mitchell et al. (2019), Model cards for model reporting. https://arxiv.org/abs/1810.03993
    """
    predictions.require_labels("model card")
    if tuple(predictions.class_names) != tuple(data.class_names):
        raise InvalidInput(
            f"The predictions have the classes {validate.some_of(predictions.class_names)}, but "
            f"the dataset has {validate.some_of(data.class_names)}; give the predictions of its "
            f"test split."
        )
    written = [(_text(name), _text(text)) for name, text in (words or {}).items()]
    title = _text(title) or data.name
    rows = [(_text(name), _text(value)) for name, value in (facts or {}).items()]
    _check_room(title, written, rows, heat or {})
    page = (
        _environment()
        .get_template("model_card.html")
        .render(
            title=title,
            date="" if settings.storing_outputs() else datetime.date.today().isoformat(),
            classes=data.class_names,
            named=validate.some_of([_short(name) for name in data.class_names], 6),
            words=written,
            facts=rows,
            heat=[
                (_text(caption), image_address(image, quality=85, most=_WIDTH))
                for caption, image in (heat or {}).items()
            ],
            answers=_answers(predictions, threshold),
            footer=_footer(),
            **_counts(data),
            **_measures(predictions),
        )
    )
    place = Path(os.path.expanduser(file))
    place = place / "model_card.html" if place.is_dir() or not place.suffix else place
    write_atomic(place, page)
    return ModelCard(place, page, tuple(name for name, text in written if not text))


def _text(given: Any) -> str:
    """Return a text for the page; "..." stands for nothing written."""
    text = "\n".join(validate.printable(line) for line in str(given).strip().splitlines())
    return "" if text.strip(". …") == "" else text


def _short(name: Any) -> str:
    """Return the name of a class, cut so that it fits in one line."""
    text = " ".join(_text(name).split()) or "?"
    return text if len(text) <= MOST["name"] else text[: MOST["name"] - 1] + "…"


def _check_room(
    title: str,
    words: list[tuple[str, str]],
    facts: list[tuple[str, str]],
    heat: Mapping[str, np.ndarray],
) -> None:
    """Raise InvalidInput if something does not fit on the page."""
    letters = sum(len(name) + len(text) for name, text in words)
    _require_room("the title has", len(title), "title", "characters")
    _require_room("all words together have", letters, "words", "characters")
    _require_room("the facts have", len(facts), "facts", "rows")
    _require_room("heat has", len(heat), "heat", "pictures")
    for name, value in facts:
        row = f"the row {validate.shown(name)} has"
        _require_room(row, len(name) + len(value), "fact", "characters")


def _require_room(what: str, number: int, limit: str, unit: str) -> None:
    if number > MOST[limit]:
        raise InvalidInput(
            f"A model card is one page: {what} {number:,} {unit}, and {MOST[limit]:,} fit; "
            f"shorten it."
        )


def _counts(data: ImageDataset) -> dict[str, Any]:
    """Return the numbers of pictures of each class, the largest classes first if there are many."""
    found = {split: np.bincount(data.labels(split), minlength=data.num_classes) for split in SPLITS}
    rows = [
        (_short(name), [int(found[split][k]) for split in SPLITS])
        for k, name in enumerate(data.class_names)
    ]
    if len(rows) > MOST["classes"]:
        rows.sort(key=lambda row: -sum(row[1]))
        rest = rows[MOST["classes"] - 1 :]
        numbers = [sum(row[1][k] for row in rest) for k in range(len(SPLITS))]
        rows = [*rows[: MOST["classes"] - 1], (f"{len(rest)} more classes", numbers)]
    rows.append(("together", [len(data.ids(split)) for split in SPLITS]))
    return {"splits": ("training", "validation", "test"), "counts": rows}


def _measures(predictions: evaluation.Predictions) -> dict[str, Any]:
    """Return accuracy, baseline, recall of each class and the confused pairs."""
    labels, right = predictions.labels, predictions.correct
    rows: list[dict[str, Any]] = []
    for k, name in enumerate(predictions.class_names):
        total, hits = int((labels == k).sum()), int(right[labels == k].sum())
        interval = evaluation.wilson_interval(hits, total) if total else None
        rows.append({"name": _short(name), "right": hits, "total": total, "interval": interval})
    left_out = max(0, len(rows) - MOST["classes"])
    if left_out:
        rows.sort(key=lambda row: row["interval"].value if row["interval"] else 2)
    frequent = int(np.bincount(labels).argmax())
    return {
        "total": len(labels),
        "right": int(right.sum()),
        "accuracy": evaluation.accuracy_interval(predictions),
        "baseline": evaluation.majority_accuracy(predictions),
        "majority": _short(predictions.class_names[frequent]),
        "recalls": rows[: MOST["classes"]],
        "left_out": left_out,
        "confused": _confused(predictions),
    }


def _confused(predictions: evaluation.Predictions) -> str:
    pairs = error_analysis.confused_pairs(predictions).head(3)
    texts = [
        f"{_short(row.true)} called {_short(row.predicted)} "
        f"({validate.counted(row.images, 'picture')})"
        for row in pairs.itertuples()
    ]
    return f"Most often: {', '.join(texts)}." if texts else ""


def _answers(predictions: evaluation.Predictions, given: Any) -> dict[str, Any] | None:
    """Return how many pictures get an answer, and how many answers are right; None if all do."""
    if given is None:
        return None
    given = getattr(given, "value", given)
    threshold = validate.number_between("threshold", given, 0, 1, example=0.7)
    if threshold == 0:
        return None
    answered = predictions.confidence >= threshold
    right, number = int(predictions.correct[answered].sum()), int(answered.sum())
    interval = evaluation.wilson_interval(right, number) if number else None
    return {"threshold": threshold, "answered": number, "right": right, "interval": interval}


def _footer() -> str:
    versions = installed_versions(("keras", "tensorflow"))
    programs = ", ".join(f"{name.title()} {version}" for name, version in versions.items())
    return (
        f"Intervals are Wilson score intervals; they count each picture as independent of the "
        f"others, and say nothing about pictures of another kind. Made with {programs}."
    )


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["percent"] = lambda share: f"{100 * share:.0f} %"
    return environment
