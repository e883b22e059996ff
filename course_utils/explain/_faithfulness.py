"""Checks that tell a good map from a pretty one. All of them compare with maps that know nothing.

See the notes of each function for what it can and cannot show; all are met in lesson 07.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.explain._maps import _parts, edge_detector
from course_utils.explain._overlay import _as_maps
from course_utils.explain._view import check_classes, check_images, flat_view

if TYPE_CHECKING:
    from collections.abc import Callable


def baseline_maps(images: np.ndarray, seed: int | None = None) -> dict[str, np.ndarray]:
    """Make maps that know no model, to be beaten by those that claim to know one.

    Parameters
    ----------
    images : array (N, H, W, C)
    seed : int, optional
        For the random maps; COURSE_SEED by default.

    Returns
    -------
    dict of str to ndarray, float32 (N, H, W)
        "random": noise, coarse like the map of a convolution; "centre": a hill in the middle of
        the image; "edges": `edge_detector`.

    Notes
    -----
    First met in lesson 07.
    """
    edges = edge_detector(images)
    count, height, width = edges.shape
    rng = np.random.default_rng(settings.seed() if seed is None else seed)
    cells = rng.random((count, 8, 8), dtype="float32")
    rows = np.linspace(0, 7, height)
    columns = np.linspace(0, 7, width)
    noise = np.stack([_bilinear(grid, rows, columns) for grid in cells])
    y = (np.arange(height) + 0.5) / height - 0.5
    x = (np.arange(width) + 0.5) / width - 0.5
    hill = np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / (2 * 0.2**2)).astype("float32")
    return {
        "random": noise,
        "centre": np.repeat(hill[np.newaxis], count, axis=0),
        "edges": edges,
    }


def _bilinear(grid: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    down = np.stack([np.interp(rows, np.arange(len(grid)), line) for line in grid.T], axis=1)
    return np.stack([np.interp(columns, np.arange(grid.shape[1]), line) for line in down]).astype(
        "float32"
    )


def pointing_hits(maps: np.ndarray, boxes: np.ndarray, tolerance: float = 0) -> np.ndarray:
    """Tell whether the hottest pixel of each map lies in the box of the object (pointing game).

    Parameters
    ----------
    maps : array (N, H, W)
    boxes : array (N, 4)
        x0, y0, x1, y1 in pixels; x to the right, y down; x1 and y1 are the first pixels outside.
    tolerance : float
        By how many pixels the peak may miss the box.

    Returns
    -------
    ndarray, bool (N,)
        The mean of it is the score. A map that is zero everywhere has no peak and does not hit; of
        several equal peaks the mean position counts.

    Raises
    ------
    InvalidInput
        If the shapes do not go together or a box is empty.

    References
    ----------
    Zhang et al. (2018), "Top-down Neural Attention by Excitation Backprop", section 4.1.
    https://arxiv.org/abs/1608.00507

    Notes
    -----
    Where the object is large or in the middle, anything hits; so look at the hits of
    `baseline_maps`, too. First met in lesson 07.
    """
    heat, frames = _maps_and_boxes(maps, boxes)
    if not tolerance >= 0:
        raise InvalidInput(f"tolerance must be at least 0 pixels, but it is {tolerance!r}.")
    hits = np.zeros(len(heat), dtype=bool)
    for i, (one, (x0, y0, x1, y1)) in enumerate(zip(heat, frames, strict=True)):
        if one.max() > 0:
            ys, xs = np.nonzero(one == one.max())
            x, y = xs.mean() + 0.5, ys.mean() + 0.5  # the middle of the pixel
            hits[i] = (
                x0 - tolerance <= x <= x1 + tolerance and y0 - tolerance <= y <= y1 + tolerance
            )
    return hits


def energy_inside(maps: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Measure which share of each map's heat falls inside the box of the object.

    Parameters
    ----------
    maps : array (N, H, W)
        Negative values count as no heat.
    boxes : array (N, 4)
        As for `pointing_hits`.

    Returns
    -------
    ndarray, float32 (N,)
        From 0 to 1; 0 for a map that is zero everywhere. An even map gives the share of the image
        that the box covers, so compare with that and with `baseline_maps`.

    Raises
    ------
    InvalidInput
        If the shapes do not go together or a box is empty.

    References
    ----------
    Wang et al. (2020), "Score-CAM", section 4.3 (energy-based pointing game).
    https://arxiv.org/abs/1910.01279

    Notes
    -----
    First met in lesson 07.
    """
    heat, frames = _maps_and_boxes(maps, boxes)
    _, height, width = heat.shape
    middle_x, middle_y = np.arange(width) + 0.5, np.arange(height) + 0.5
    inside = ((middle_y >= frames[:, 1:2]) & (middle_y < frames[:, 3:4]))[:, :, None] & (
        (middle_x >= frames[:, 0:1]) & (middle_x < frames[:, 2:3])
    )[:, None, :]
    total = heat.sum(axis=(1, 2))
    share = (heat * inside).sum(axis=(1, 2)) / np.where(total > 0, total, 1)
    return share.astype("float32")


def _maps_and_boxes(maps: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    heat = np.maximum(_as_maps(maps), 0).astype("float64")
    frames = np.asarray(boxes, dtype="float64")
    if heat.ndim != 3 or frames.shape != (len(heat), 4):
        raise InvalidInput(
            f"maps of shape {np.shape(maps)} and boxes of shape {frames.shape} do not go together; "
            f"(N, H, W) goes with (N, 4)."
        )
    empty = np.flatnonzero((frames[:, 2] <= frames[:, 0]) | (frames[:, 3] <= frames[:, 1]))
    if len(empty) or not np.isfinite(frames).all():
        where = f"box {empty[0]} is {frames[empty[0]].tolist()}" if len(empty) else "one has NaN"
        raise InvalidInput(f"boxes must be x0 < x1 and y0 < y1 in pixels, but {where}.")
    return heat, frames


def insertion_deletion(
    model: keras.Model,
    images: np.ndarray,
    maps: np.ndarray | dict[str, np.ndarray],
    classes: int | np.ndarray | None = None,
    steps: int = 16,
    *,
    blur: float | None = None,
    seed: int | None = None,
    batch_size: int | None = None,
) -> pd.DataFrame:
    """Take away, or put in, the pixels in the order of a map and watch the probability.

    Deletion replaces the hottest pixels first by the mean colour of the image; with a good map the
    probability of the class falls fast, so **low is good**. Insertion starts from a blurred image
    and uncovers the hottest pixels first; the probability rises fast, so **high is good**. The
    baselines of `baseline_maps` are always scored along with the maps: edges alone often do well.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional.
    images : array (N, H, W, C)
    maps : array (N, H, W), or dict of str to such arrays
        One method's maps, or those of several by name.
    classes : int or sequence of N ints, optional
        Whose probability is watched; the predicted classes by default.
    steps : int
        In how many equal portions the pixels are moved.
    blur : float, optional
        Width of the blur (standard deviation, in pixels); a tenth of the width by default.
    seed : int, optional
        For the random map; COURSE_SEED by default.
    batch_size : int, optional
        How many images go through the model at a time; see `grad_cam`.

    Returns
    -------
    DataFrame
        One row per map, indexed by its name ("maps" where no name was given; then "random",
        "centre" and "edges"): deletion, deletion spread, insertion, insertion spread. Scores are
        areas under the curve, 0-1, as mean over the images; spread is the standard deviation
        between images. The curves themselves are in ``.attrs["curves"][row]["deletion"]`` and
        ``["insertion"]``: lists of ``steps + 1`` mean probabilities.

    Raises
    ------
    InvalidInput
        If the images do not fit the model, or the maps not the images.

    References
    ----------
    Petsiuk, Das, Saenko (2018), "RISE: Randomized Input Sampling for Explanation of Black-box
    Models", section 4.2. https://arxiv.org/abs/1806.07421

    Notes
    -----
    Half-covered pictures are unlike any that the model was trained on, so the score mixes what the
    map found with how the model takes such pictures. First met in lesson 07.
    """
    view = flat_view(model)
    batch = check_images(images, model)
    by_name = dict(maps) if isinstance(maps, dict) else {"maps": maps}
    baselines = baseline_maps(batch, seed)
    clash = set(by_name) & set(baselines)
    if clash:
        raise InvalidInput(f"{clash.pop()!r} names a baseline; give your maps another name.")
    by_name |= baselines
    if not isinstance(steps, int) or steps < 1:
        raise InvalidInput(f"steps must be a whole number of at least 1, but it is {steps!r}.")
    for name, one in by_name.items():
        if _as_maps(one).shape != batch.shape[:3]:
            raise InvalidInput(
                f"{name} has the shape {np.shape(one)}, but the images have {batch.shape}."
            )
    # one output unit stands for the logits -z and z, and the softmax of -z/2 and z/2 is its sigmoid
    head = keras.Model(view.inputs, keras.ops.softmax(view.logits / (2 if view.binary else 1)))
    wanted = (
        _predict(head, batch, batch_size).argmax(axis=1)
        if classes is None
        else check_classes(classes, len(batch), view.num_classes)
    )
    width = batch.shape[2] / 10 if blur is None else blur
    blurred = np.stack([_blur(image, width) for image in batch])
    mean = np.broadcast_to(batch.mean(axis=(1, 2), keepdims=True), batch.shape)
    rows: dict[str, dict[str, float]] = {}
    curves: dict[str, dict[str, list[float]]] = {}
    for name, one in by_name.items():
        # rank 0 is the hottest pixel; equal ones in random order, not from the top left on
        rng = np.random.default_rng(0)
        flat = np.asarray(one, dtype="float64").reshape(len(batch), -1)
        order = np.lexsort((rng.random(flat.shape), -flat), axis=1)
        ranks = np.empty_like(order)
        np.put_along_axis(ranks, order, np.arange(flat.shape[1])[np.newaxis], axis=1)
        ranks = ranks.reshape(batch.shape[:3])
        areas, curves[name] = {}, {}
        for game, start, end in (("deletion", batch, mean), ("insertion", blurred, batch)):
            curve = np.empty((len(batch), steps + 1), dtype="float32")
            for step in range(steps + 1):
                moved = (ranks < step / steps * flat.shape[1])[..., np.newaxis]
                found = _predict(head, np.where(moved, end, start), batch_size)
                curve[:, step] = found[np.arange(len(batch)), wanted]
            areas[game] = ((curve[:, 1:] + curve[:, :-1]) / 2).mean(axis=1)
            curves[name][game] = curve.mean(axis=0).tolist()
        rows[name] = {
            "deletion": float(areas["deletion"].mean()),
            "deletion spread": float(areas["deletion"].std()),
            "insertion": float(areas["insertion"].mean()),
            "insertion spread": float(areas["insertion"].std()),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").astype("float64")
    table.attrs["curves"] = curves
    return table


def _predict(head: keras.Model, batch: np.ndarray, batch_size: int | None) -> np.ndarray:
    return np.concatenate(
        [np.asarray(head(batch[part], training=False)) for part in _parts(batch, batch_size)]
    )


def _blur(image: np.ndarray, width: float) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(image, (0, 0), width).reshape(image.shape)


def randomisation_check(
    model: keras.Model,
    images: np.ndarray,
    explain_fn: Callable[[keras.Model, np.ndarray], np.ndarray],
    *,
    seed: int | None = None,
) -> pd.DataFrame:
    """Destroy what the model has learnt, layer by layer, and watch whether the maps notice.

    From the last layer to the first, the weights of each layer are shuffled, and the maps of the
    damaged model are compared with those of the trained one. A method that explains the model must
    give other maps; one that keeps drawing the same picture shows the image, not the model.

    Parameters
    ----------
    model : keras.Model
        A built, trained classifier. It is not changed: a copy of it is damaged.
    images : array (N, H, W, C)
    explain_fn : callable
        ``explain_fn(model, images)`` to maps (N, H, W). Fix the classes in it, else the damaged
        model is asked about another class:
        ``lambda m, x: grad_cam(m, x, classes=predicted)``.
    seed : int, optional
        Of the shuffling; COURSE_SEED by default.

    Returns
    -------
    DataFrame
        One row for the trained model, then one for each layer with weights, from the last to the
        first, shuffled on top of the ones before: layer, parameters, correlation (rank correlation
        of a map with that of the trained model, mean over the images; 1 is the same picture, 0 a
        different one; a map that has become flat counts as 0), spread (standard deviation between
        images), flat (share of maps that have become flat).

    Raises
    ------
    InvalidInput
        If the model cannot be copied, or `explain_fn` returns no maps.

    References
    ----------
    Adebayo et al. (2018), "Sanity Checks for Saliency Maps", section 3.1 (cascading
    randomisation). https://arxiv.org/abs/1810.03292

    Notes
    -----
    Shuffling keeps the values of a layer's weights and destroys their arrangement, so the damaged
    network stays in a sensible range. First met in lesson 07.
    """
    flat_view(model)
    batch = check_images(images, model)
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    rng = np.random.default_rng(settings.seed() if seed is None else seed)

    def explain() -> np.ndarray:
        maps = _as_maps(np.asarray(explain_fn(copy, batch)))
        if maps.shape != batch.shape[:3]:
            raise InvalidInput(
                f"explain_fn gave maps of shape {maps.shape}, but the images have {batch.shape}."
            )
        return maps

    before = explain()
    rows: list[dict[str, Any]] = [_compare("(trained)", 0, before, before)]
    for path, layer in reversed(_layers_with_weights(copy)):
        layer.set_weights([_shuffled(weight, rng) for weight in layer.get_weights()])
        size = sum(int(np.prod(weight.shape)) for weight in layer.weights)
        rows.append(_compare(path, size, before, explain()))
    return pd.DataFrame(rows)


def _layers_with_weights(model: keras.Model) -> list[tuple[str, Any]]:
    found: dict[int, tuple[str, Any]] = {}
    for name, use in flat_view(model).uses.items():
        if getattr(use.layer, "weights", None):
            found.setdefault(id(use.layer), (name, use.layer))
    return list(found.values())


def _shuffled(weight: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return rng.permutation(weight.ravel()).reshape(weight.shape)


def _compare(name: str, size: int, before: np.ndarray, now: np.ndarray) -> dict[str, Any]:
    flat = np.array([np.ptp(one) == 0 for one in now])
    correlation = np.array(
        [rank_correlation(one, other) for one, other in zip(before, now, strict=True)]
    )
    return {
        "layer": name,
        "parameters": size,
        "correlation": float(correlation.mean()),
        "spread": float(correlation.std()),
        "flat": float(flat.mean()),
    }


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Correlate the ranks of two maps (Spearman): 1 is the same order of heat, 0 no relation.

    Parameters
    ----------
    one, other : array (H, W)

    Returns
    -------
    float
        0 where one of the maps is the same everywhere.

    Notes
    -----
    First met in lesson 07.
    """
    first, second = pd.Series(np.ravel(one)).rank(), pd.Series(np.ravel(other)).rank()
    if first.nunique() < 2 or second.nunique() < 2:
        return 0.0
    return float(first.corr(second))
