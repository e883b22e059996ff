"""Show images with their predictions, and export them as a web page."""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from course_utils.datasets.display import image_address
from course_utils.error_analysis._tags import CAUSES, tag, tags, untag
from course_utils.exceptions import InvalidInput
from course_utils.files import write_atomic

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
    """Show images with a menu below each to choose the cause of the wrong prediction.

    Each choice is written to the file of tags immediately and shown again the next time. The menus
    need a running notebook; they are not stored in its outputs.

    First met in lesson 06.

    Parameters
    ----------
    predictions : Predictions
        For example from :func:`worst_predictions`.
    limit : int
        Largest number of images.
    columns : int
        Images per row.
    file : path, optional
        The CSV file, as for :func:`course_utils.error_analysis.tag`.

    Returns
    -------
    ipywidgets.GridBox

    Raises
    ------
    InvalidInput
        If there are no predictions, or the file does not hold tags.
    """
    import ipywidgets

    _require_images(predictions)
    known = tags(file).set_index("id")["cause"]
    cells = []
    for i, name in enumerate(predictions.ids[:limit]):
        address = image_address(predictions.images[i])
        picture = (
            f'<img alt="picture {i + 1}" src="{address}" width="140" '
            f'style="display:block;image-rendering:pixelated">{_caption(predictions, i)}'
        )
        menu = ipywidgets.Dropdown(
            options=[_NO_CAUSE, *CAUSES],
            value=known.get(name, _NO_CAUSE),
            description=str(i + 1),  # becomes the label of the menu
            tooltip=f"cause of picture {i + 1}",
            style={"description_width": "initial"},
            layout=ipywidgets.Layout(width="190px"),
        )
        menu.observe(_tag_writer(name, predictions, file), names="value")
        cells.append(ipywidgets.VBox([ipywidgets.HTML(picture), menu]))
    return ipywidgets.GridBox(
        cells, layout=ipywidgets.Layout(grid_template_columns=f"repeat({columns}, 200px)")
    )


def export(
    predictions: Predictions,
    folder: str | os.PathLike[str],
    *,
    file: str | os.PathLike[str] | None = None,
) -> Path:
    """Write a web page with the images, their predictions and their tags, and the same as a table.

    The page contains its images, so it is a single file that can be sent, opened offline and
    printed. Files of an earlier export in this folder are replaced.

    First met in lesson 06.

    Parameters
    ----------
    predictions : Predictions
        The predictions to export, in this order.
    folder : path
        Folder for ``errors.html`` and ``errors.csv``; it is created if it does not exist.
    file : path, optional
        The CSV file of tags, as for :func:`course_utils.error_analysis.tag`.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    InvalidInput
        If there are no predictions, or the file does not hold tags.
    """
    _require_images(predictions)
    known = tags(file).set_index("id")
    frame = predictions.to_frame()
    for column in ("cause", "note"):
        frame[column] = [known[column].get(name, "") for name in frame["id"]]
    figures = []
    for i, row in frame.iterrows():
        name, cause, note = (html.escape(row[column]) for column in ("id", "cause", "note"))
        address = image_address(predictions.images[i])
        shown = f"<br><b>{cause}</b>" * bool(cause) + f" ({note})" * bool(note)
        figures.append(
            f'<figure><img alt="{name}" src="{address}">'
            f"<figcaption>{name}<br>{_caption(predictions, i)}{shown}</figcaption></figure>"
        )
    target = Path(os.path.expanduser(folder))
    page = _PAGE.replace("COUNT", str(len(frame))).replace("FIGURES", "\n".join(figures))
    write_atomic(target / "errors.csv", frame.to_csv(index=False, lineterminator="\n"))
    write_atomic(target / "errors.html", page)
    return target / "errors.html"


def _require_images(predictions: Predictions) -> None:
    if not len(predictions):
        raise InvalidInput("There is no picture to show: these predictions are empty.")


def _tag_writer(name: str, predictions: Predictions, file: str | os.PathLike[str] | None) -> Any:
    """Return a callback that writes the choice in a menu to the file of tags."""

    def write(change: Any) -> None:
        if change["new"] == _NO_CAUSE:
            untag(name, file=file)
        else:
            tag(name, change["new"], predictions=predictions, file=file)

    return write


def _caption(predictions: Predictions, i: int) -> str:
    """Return the true class (if known), the predicted class and its confidence as HTML."""
    names = predictions.class_names
    predicted = html.escape(names[int(predictions.predicted[i])])
    label = int(predictions.labels[i])
    truth = f"true: {html.escape(names[label])}<br>" if label >= 0 else ""
    return f"{truth}predicted: {predicted}, {predictions.confidence[i]:.0%}"


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
