"""The piece of lesson 07: one picture, the maps of all classes, and a square that covers a part."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import numpy as np

from course_utils import evaluation, explain, validate
from course_utils.datasets.display import image_address
from course_utils.exceptions import InvalidInput
from course_utils.widgets.page import Widget, figure_address, sentence, still_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    import keras

_COARSE, _FINE = 24, 32  # most rows of a stored map
_SHOWN = 280  # pixels of the longer side of the stored picture
_LAYERS = 4  # most convolutions to choose from
_STEPS = 16  # positions of the square from one side of the picture to the other, less one
_COLORS = 17  # of the color scale
_PAPER, _DEFAULT = "Grad-CAM (paper)", "default of tf-explain"


def class_maps(
    model: keras.Model,
    image: np.ndarray,
    class_names: Sequence[str],
    large: np.ndarray | None = None,
    square: int | None = None,
) -> Widget:
    """Return one picture with the maps of all classes, and a square that covers a part of it.

    First met in lesson 07.

    Parameters
    ----------
    model : keras.Model
        A classifier with a convolution and one output for each class.
    image : array (H, W, C)
        As the model takes it, 0-255.
    class_names : sequence of str
        In the order of the model's outputs.
    large : array (H', W', C), optional
        The same picture in more pixels, for display.
    square : int, optional
        Side of the covering square in pixels of `image`; a quarter of the smaller side by default.

    Returns
    -------
    Widget
        Methods: Grad-CAM of the paper and tf-explain's default, each at up to four convolutions;
        saliency; occlusion. The square has the mean color of the picture, as in
        ``explain.occlusion``.

    Raises
    ------
    InvalidInput
        If the names do not fit the outputs of the model, or the image does not fit it.
    """
    names = [str(name) for name in class_names]
    picture = np.asarray(image)
    if picture.ndim != 3:
        raise InvalidInput(
            f"image must be one image (height, width, channels), but it is {picture.shape}."
        )
    if model.output_shape[-1] != len(names):
        raise InvalidInput(
            f"The model has {model.output_shape[-1]} outputs, but there are {len(names)} names."
        )
    side = min(picture.shape[:2]) // 4 if square is None else square
    side = validate.whole_number("square", side, 1, min(picture.shape[:2]))
    probabilities = evaluation.predict_images(model, [picture], names).probabilities[0]
    layers = _some_layers(model)
    rows, columns, covered = _covered(model, picture, names, side)
    data = {
        "classes": names,
        # Not rounded to 3 digits as the others are: 0.8046 would become 0.805, and then 81 %.
        "probabilities": [round(float(p), 6) for p in probabilities],
        "picture": image_address(picture if large is None else large, quality=70, most=_SHOWN),
        "alt": "the picture that the network was asked about",
        "size": list(picture.shape[:2]),
        "layers": [[name, size] for name, size in layers.items()],
        "maps": _all_maps(model, picture, len(names), list(layers)),
        "colors": _color_scale(),
        "side": side,
        "rows": rows,
        "columns": columns,
        "covered": [[_short(classes) for classes in line] for line in covered],
    }
    best = int(probabilities.argmax())
    summary = (
        f"Maps of {len(names)} classes over one picture. The network gives "
        f"{', '.join(f'{n} {p:.2f}' for n, p in zip(names, probabilities, strict=True))}. The "
        f"square that lowers {names[best]} most brings it to {covered[..., best].min():.2f}."
    )
    still = still_image(
        figure_address(_still(model, picture, names, probabilities), dpi=60), summary
    )
    return Widget("class_maps", data, still + sentence(summary), summary)


def _some_layers(model: keras.Model) -> dict[str, str]:
    """Return names and sizes of at most four convolutions, from the first to the last."""
    table = explain.feature_maps(model)
    one_place = (table["height"] == 1) & (table["width"] == 1)
    table = table[table["kind"].str.contains("Conv") & ~one_place.fillna(False)]
    if not len(table):
        explain.find_layer(model)  # says what is missing
    chosen = np.unique(np.linspace(0, len(table) - 1, _LAYERS).round().astype(int))
    return {r.layer: f"{r.height} × {r.width}" for r in table.iloc[chosen].itertuples()}


def _short(numbers: np.ndarray) -> list[float]:
    return [round(float(number), 3) for number in numbers]


def _all_maps(
    model: keras.Model, picture: np.ndarray, classes: int, layers: list[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return for each method, or method and layer, one stored map per class."""
    copies, asked = np.repeat(picture[np.newaxis], classes, axis=0), np.arange(classes)
    maps = {}
    for name, guided in ((_PAPER, False), (_DEFAULT, True)):
        for k, layer in enumerate(layers):
            maps[f"{name}|{k}"] = explain.grad_cam(model, copies, asked, layer, guided)
    maps["saliency"] = explain.saliency(model, copies, asked)
    maps["occlusion"] = explain.occlusion(model, copies, asked)
    last = {f"{name}|{len(layers) - 1}" for name in (_PAPER, _DEFAULT)}
    coarse = last | {"occlusion"}
    return {
        key: [_stored(heat, _COARSE if key in coarse else _FINE) for heat in of_classes]
        for key, of_classes in maps.items()
    }


def _stored(heat: np.ndarray, most: int) -> dict[str, Any]:
    """Return a map in at most `most` rows and columns: bytes, 255 for its largest value."""
    import cv2

    height, width = heat.shape
    scale = min(1.0, most / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(np.maximum(heat, 0).astype("float32"), size, interpolation=cv2.INTER_AREA)
    top = np.percentile(small, 99) or small.max()
    share = np.minimum(small / top, 1) if top > 0 else small
    values = np.rint(255 * share).astype("uint8")
    return {"shape": list(values.shape), "values": base64.b64encode(values.tobytes()).decode()}


def _covered(
    model: keras.Model, picture: np.ndarray, names: list[str], side: int
) -> tuple[list[int], list[int], np.ndarray]:
    """Return rows and columns of the square, and the probabilities (rows, columns, classes)."""
    height, width = picture.shape[:2]
    rows, columns = (
        sorted({round(k * (length - side) / _STEPS) for k in range(_STEPS + 1)})
        for length in (height, width)
    )
    fill = np.rint(picture.mean(axis=(0, 1))).astype(picture.dtype)
    changed = []
    for row in rows:
        for column in columns:
            copy = picture.copy()
            copy[row : row + side, column : column + side] = fill
            changed.append(copy)
    found = evaluation.predict_images(model, changed, names).probabilities
    return rows, columns, found.reshape(len(rows), len(columns), len(names))


def _color_scale() -> list[list[int]]:
    import matplotlib

    colors = matplotlib.colormaps[explain.HEAT](np.linspace(0, 1, _COLORS))[:, :3]
    return np.rint(255 * colors).astype(int).tolist()


def _still(
    model: keras.Model, picture: np.ndarray, names: list[str], probabilities: np.ndarray
) -> Any:
    """Draw the Grad-CAM maps of the two most probable classes."""
    from course_utils import plots

    two = np.argsort(-probabilities)[:2]
    maps = {names[k]: explain.grad_cam(model, picture[np.newaxis], int(k)) for k in two}
    return plots.heat_maps(picture[np.newaxis], maps, size=2)
