"""Pictures with their predictions, to look at, to tag, and to hand on."""

from __future__ import annotations

import base64
import html
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils.datasets import displayable
from course_utils.error_analysis._tags import CAUSES, tag, tags, untag
from course_utils.exceptions import InvalidInput

if TYPE_CHECKING:
    from course_utils.evaluation import Predictions

_NO_CAUSE = "– choose a cause –"


def gallery(
    predictions: Predictions,
    limit: int = 12,
    columns: int = 4,
    *,
    file: str | os.PathLike[str] | None = None,
) -> Any:
    """Show pictures with a menu under each, in which you choose why it was predicted wrongly.

    Each choice is written to the file of tags at once, and shown again the next time. It needs a
    running notebook; in a stored one the menus are missing.

    First met in lesson 06.

    Parameters
    ----------
    predictions : Predictions
        For instance from :func:`worst_predictions`.
    limit : int
        At most so many pictures.
    columns : int
        Pictures in a row.
    file : path, optional
        The CSV file, as for :func:`course_utils.error_analysis.tag`.

    Returns
    -------
    ipywidgets.GridBox

    Raises
    ------
    InvalidInput
        If there is no picture to show, or the file is not one of tags.
    """
    import ipywidgets

    if not len(predictions):
        raise InvalidInput("There is no picture to show: these predictions are empty.")
    known = dict(zip(*(tags(file)[column] for column in ("id", "cause")), strict=True))
    cells = []
    for i, name in enumerate(predictions.ids[:limit]):
        picture = ipywidgets.Image(value=_png(predictions.images[i]), format="png", width=140)
        picture.add_class("jp-mod-pixelated")
        words = ipywidgets.HTML(_words(predictions, i))
        menu = ipywidgets.Dropdown(
            options=[_NO_CAUSE, *CAUSES],
            value=known.get(name, _NO_CAUSE),
            layout=ipywidgets.Layout(width="180px"),
        )
        menu.observe(_writer(name, predictions, file), names="value")
        cells.append(ipywidgets.VBox([picture, words, menu]))
    return ipywidgets.GridBox(
        cells, layout=ipywidgets.Layout(grid_template_columns=f"repeat({columns}, 200px)")
    )


def _writer(name: str, predictions: Predictions, file: str | os.PathLike[str] | None) -> Any:
    def write(change: Any) -> None:
        if change["new"] == _NO_CAUSE:
            untag(name, file=file)
        else:
            tag(name, change["new"], predictions=predictions, file=file)

    return write


def _png(image: np.ndarray) -> bytes:
    from PIL import Image

    pixels = displayable(image)
    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(stream, "PNG")
    return stream.getvalue()


def _words(predictions: Predictions, i: int) -> str:
    names = predictions.class_names
    predicted = html.escape(names[int(predictions.predicted[i])])
    label = int(predictions.labels[i])
    truth = f"true: {html.escape(names[label])}<br>" if label >= 0 else ""
    return f"{truth}predicted: {predicted}, {predictions.confidence[i]:.0%}"


def export(
    predictions: Predictions,
    folder: str | os.PathLike[str],
    *,
    file: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a page with the pictures, their predictions and their tags, and a table of the same.

    The page holds its pictures, so it can be sent by itself, opened without a network and printed.
    Files of an earlier export in this folder are replaced.

    First met in lesson 06.

    Parameters
    ----------
    predictions : Predictions
        What is shown, in this order.
    folder : path
        Made where it is missing; gets ``errors.html`` and ``errors.csv``.
    file : path, optional
        The CSV file of tags, as for :func:`course_utils.error_analysis.tag`.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    InvalidInput
        If there is no picture to show, or the file is not one of tags.
    """
    if not len(predictions):
        raise InvalidInput("There is no picture to export: these predictions are empty.")
    frame = predictions.to_frame()
    known = tags(file).set_index("id")
    frame["cause"] = [known["cause"].get(name, "") for name in frame["id"]]
    frame["note"] = [known["note"].get(name, "") for name in frame["id"]]
    figures = []
    for i, (name, cause, note) in enumerate(
        zip(frame["id"], frame["cause"], frame["note"], strict=True)
    ):
        data = base64.b64encode(_png(predictions.images[i])).decode("ascii")
        shown = f"<br><b>{html.escape(cause)}</b>" if cause else ""
        shown += f" ({html.escape(note)})" if note else ""
        figures.append(
            f'<figure><img alt="{html.escape(name, quote=True)}" '
            f'src="data:image/png;base64,{data}">'
            f"<figcaption>{html.escape(name)}<br>{_words(predictions, i)}{shown}</figcaption>"
            "</figure>"
        )
    target = Path(folder).expanduser()
    target.mkdir(parents=True, exist_ok=True)
    page = _PAGE.replace("COUNT", str(len(frame))).replace("FIGURES", "\n".join(figures))
    for path, text in (
        (target / "errors.csv", frame.to_csv(index=False, lineterminator="\n")),
        (target / "errors.html", page),
    ):
        side = path.with_name(f".{path.name}.part")
        side.write_text(text, "utf-8")
        side.replace(path)
    return target / "errors.html"


_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Predictions to look at</title>
<style>
  body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff; }
  main { display: grid; grid-template-columns: repeat(auto-fill, 190px); gap: 1rem; }
  figure { margin: 0; break-inside: avoid; }
  img { width: 180px; image-rendering: pixelated; }
  figcaption { font-size: 13px; overflow-wrap: anywhere; }
</style>
<h1>Predictions to look at: COUNT</h1>
<main>
FIGURES
</main>
</html>
"""
