"""Measure how faithful a saliency map is to the model, in comparison with baseline maps.

The notes of each function say what it can and cannot show. All are met in lesson 07.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd

from course_utils import validate
from course_utils.exceptions import InvalidInput
from course_utils.explain._inputs import batch_slices, check_classes, check_images
from course_utils.explain._maps import edge_detector
from course_utils.explain._overlay import as_maps
from course_utils.explain._view import flat_view
from course_utils.validate import number_between, whole_number

if TYPE_CHECKING:
    from collections.abc import Callable


def baseline_maps(images: np.ndarray, seed: int | None = None) -> dict[str, np.ndarray]:
    """Return baseline saliency maps that do not use the model.

    Parameters
    ----------
    images : array (N, H, W, C)
    seed : int, optional
        Seed of the random maps; COURSE_SEED by default.

    Returns
    -------
    dict of str to ndarray, float32 (N, H, W)
        "random": noise, as coarse as the map of a convolution; "center": a Gaussian in the middle
        of the image; "edges": `edge_detector`.

    Notes
    -----
    First met in lesson 07.
    """
    edges = edge_detector(images)
    count, height, width = edges.shape
    grids = np.random.default_rng(validate.seed(seed)).random((count, 8, 8), dtype="float32")
    noise = (_interpolation(height) @ grids @ _interpolation(width).T).astype("float32")
    y = (np.arange(height) + 0.5) / height - 0.5
    x = (np.arange(width) + 0.5) / width - 0.5
    gaussian = np.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / (2 * 0.2**2)).astype("float32")
    return {
        "random": noise,
        "center": np.repeat(gaussian[np.newaxis], count, axis=0),
        "edges": edges,
    }


def _interpolation(size: int, cells: int = 8) -> np.ndarray:
    """Return the matrix (size, cells) that interpolates `cells` values linearly to `size`."""
    positions = np.linspace(0, cells - 1, size)
    return np.maximum(0, 1 - np.abs(positions[:, np.newaxis] - np.arange(cells)))


def pointing_hits(maps: np.ndarray, boxes: np.ndarray, tolerance: float = 0) -> np.ndarray:
    """Return whether the maximum of each map lies in the box of the object (pointing game).

    Parameters
    ----------
    maps : array (N, H, W)
    boxes : array (N, 4)
        x0, y0, x1, y1 in pixels; x to the right, y down; x1 and y1 are the first pixels outside.
    tolerance : float
        Distance in pixels by which the maximum may miss the box.

    Returns
    -------
    ndarray, bool (N,)
        The mean over the images is the score. A map that is zero everywhere has no maximum and does
        not hit; of several equal maxima the mean position counts.

    Raises
    ------
    InvalidInput
        If the shapes do not match or a box is empty.

    References
    ----------
    Zhang et al. (2018), "Top-down Neural Attention by Excitation Backprop", section 4.1.
    https://arxiv.org/abs/1608.00507

    Notes
    -----
    Where the object is large or in the middle, most maps hit, so compare with `baseline_maps`.
    First met in lesson 07.
    """
    heat, frames = _maps_and_boxes(maps, boxes)
    tolerance = number_between("tolerance", tolerance, 0, float("inf"), example=2)
    hits = np.zeros(len(heat), dtype=bool)
    for i, (heat_map, frame) in enumerate(zip(heat, frames, strict=True)):
        if heat_map.max() > 0:
            ys, xs = np.nonzero(heat_map == heat_map.max())
            peak = np.array([xs.mean(), ys.mean()]) + 0.5  # the middle of the pixel
            hits[i] = (abs(peak - np.clip(peak, frame[:2], frame[2:])) <= tolerance).all()
    return hits


def energy_inside(maps: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Compute the share of the sum of each map that lies inside the box of the object.

    Parameters
    ----------
    maps : array (N, H, W)
        Negative values count as 0.
    boxes : array (N, 4)
        As for `pointing_hits`.

    Returns
    -------
    ndarray, float32 (N,)
        From 0 to 1; 0 for a map that is zero everywhere. A constant map gives the area of the box
        as a share of the image, so compare with that and with `baseline_maps`.

    Raises
    ------
    InvalidInput
        If the shapes do not match or a box is empty.

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
    heat = np.maximum(as_maps(maps), 0).astype("float64")
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
    """Remove or insert the pixels in the order of a map and measure the class probability.

    Deletion replaces the pixels by the mean color of the image, those with the highest values of
    the map first. With a faithful map the probability of the class drops fast, so **low is good**.
    Insertion starts from a blurred image and restores the pixels in the same order. The probability
    rises fast, so **high is good**. The maps of `baseline_maps` are always scored, too: edges alone
    often reach a good score.

    Parameters
    ----------
    model : keras.Model
        A built classifier of images, Sequential or functional.
    images : array (N, H, W, C)
    maps : array (N, H, W), or dict of str to such arrays
        Maps of one method, or of several methods by name.
    classes : int or sequence of N ints, optional
        The classes whose probability is measured; the predicted classes by default.
    steps : int
        Number of equal portions in which the pixels are replaced.
    blur : float, optional
        Standard deviation of the blur in pixels; a tenth of the width by default.
    seed : int, optional
        Seed of the random map; COURSE_SEED by default.
    batch_size : int, optional
        Images per batch; see `grad_cam`.

    Returns
    -------
    DataFrame
        One row per map, indexed by its name ("maps" where no name was given; then "random",
        "center" and "edges"): deletion, deletion spread, insertion, insertion spread. Scores are
        areas under the curve, 0-1, averaged over the images; spread is the standard deviation
        between images. The curves themselves are in ``.attrs["curves"][row]["deletion"]`` and
        ``["insertion"]``: lists of ``steps + 1`` mean probabilities.

    Raises
    ------
    InvalidInput
        If the images do not fit the model, or the maps do not fit the images.

    References
    ----------
    Petsiuk, Das, Saenko (2018), "RISE: Randomized Input Sampling for Explanation of Black-box
    Models", section 4.2. https://arxiv.org/abs/1806.07421

    Notes
    -----
    Partly covered images are unlike the training images, so the score depends both on the map and
    on how the model reacts to such images. First met in lesson 07.
    """
    view = flat_view(model)
    batch = check_images(images, model)
    by_name = dict(maps) if isinstance(maps, dict) else {"maps": maps}
    baselines = baseline_maps(batch, seed)
    clash = set(by_name) & set(baselines)
    if clash:
        raise InvalidInput(f"{clash.pop()!r} names a baseline; give your maps another name.")
    by_name |= baselines
    steps = whole_number("steps", steps, 1, example=16)
    for name, heat in by_name.items():
        if as_maps(heat).shape != batch.shape[:3]:
            raise InvalidInput(
                f"{name} has the shape {np.shape(heat)}, but the images have {batch.shape}."
            )
    # One output unit stands for the logits -z and z; the softmax of -z/2 and z/2 is its sigmoid.
    head = keras.Model(view.inputs, keras.ops.softmax(view.logits / (2 if view.binary else 1)))
    if classes is None:
        wanted = _predict(head, batch, batch_size).argmax(axis=1)
    else:
        wanted = check_classes(classes, len(batch), view.num_classes)

    def curve(ranks: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Return the probabilities (N, steps + 1) while `end` replaces `start` by rank."""
        curve = np.empty((len(batch), steps + 1), dtype="float32")
        for step in range(steps + 1):
            replaced = (ranks < step / steps * ranks[0].size)[..., np.newaxis]
            found = _predict(head, np.where(replaced, end, start), batch_size)
            curve[:, step] = found[np.arange(len(batch)), wanted]
        return curve

    width = batch.shape[2] / 10 if blur is None else blur
    blurred = np.stack([_blur(image, width) for image in batch])
    mean = np.broadcast_to(batch.mean(axis=(1, 2), keepdims=True), batch.shape)
    rows: dict[str, dict[str, float]] = {}
    curves: dict[str, dict[str, list[float]]] = {}
    for name, heat in by_name.items():
        ranks = _ranks(heat)
        rows[name], curves[name] = {}, {}
        for game, start, end in (("deletion", batch, mean), ("insertion", blurred, batch)):
            probabilities = curve(ranks, start, end)
            areas = ((probabilities[:, 1:] + probabilities[:, :-1]) / 2).mean(axis=1)
            rows[name] |= {game: float(areas.mean()), f"{game} spread": float(areas.std())}
            curves[name][game] = probabilities.mean(axis=0).tolist()
    table = pd.DataFrame.from_dict(rows, orient="index").astype("float64")
    table.attrs["curves"] = curves
    return table


def _ranks(maps: np.ndarray) -> np.ndarray:
    """Return the rank of each pixel in its map (N, H, W), 0 for the highest value.

    Equal values are ranked in random order, so that no position is preferred.
    """
    flat = np.asarray(maps, dtype="float64").reshape(len(maps), -1)
    random = np.random.default_rng(0).random(flat.shape)
    order = np.lexsort((random, -flat), axis=1)
    return np.argsort(order, axis=1).reshape(np.shape(maps))


def _predict(head: keras.Model, batch: np.ndarray, batch_size: int | None) -> np.ndarray:
    return np.concatenate(
        [np.asarray(head(batch[part], training=False)) for part in batch_slices(batch, batch_size)]
    )


def _blur(image: np.ndarray, width: float) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(image, (0, 0), width).reshape(image.shape)


def randomization_check(
    model: keras.Model,
    images: np.ndarray,
    explain_fn: Callable[[keras.Model, np.ndarray], np.ndarray],
    *,
    seed: int | None = None,
) -> pd.DataFrame:
    """Shuffle the weights layer by layer and measure how much the maps change.

    From the last layer to the first, the weights of each layer are shuffled, and the maps of this
    model are compared with those of the trained one. The maps of a method that explains the model
    must change; maps that stay the same depend on the image only, not on the model.

    Parameters
    ----------
    model : keras.Model
        A built, trained classifier. It is not changed; a copy is shuffled.
    images : array (N, H, W, C)
    explain_fn : callable
        ``explain_fn(model, images)`` returns maps (N, H, W). Fix the classes in it, because the
        shuffled model predicts other classes: ``lambda m, x: grad_cam(m, x, classes=predicted)``.
    seed : int, optional
        Seed of the shuffling; COURSE_SEED by default.

    Returns
    -------
    DataFrame
        One row for the trained model, then one for each layer with weights, from the last to the
        first, shuffled in addition to those before: layer, parameters, correlation (rank
        correlation with the map of the trained model, mean over the images; 1 is the same map, 0
        an unrelated one; a constant map counts as 0), spread (standard deviation between images),
        flat (share of maps that are constant).

    Raises
    ------
    InvalidInput
        If the model cannot be copied, or `explain_fn` returns no maps.

    References
    ----------
    Adebayo et al. (2018), "Sanity Checks for Saliency Maps", section 3.1 (cascading
    randomization). https://arxiv.org/abs/1810.03292

    Notes
    -----
    Shuffling keeps the values of a layer's weights and changes their positions, so activations stay
    in the usual range. First met in lesson 07.
    """
    flat_view(model)
    batch = check_images(images, model)
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    rng = np.random.default_rng(validate.seed(seed))

    def explain() -> np.ndarray:
        maps = as_maps(np.asarray(explain_fn(copy, batch)))
        if maps.shape != batch.shape[:3]:
            raise InvalidInput(
                f"explain_fn gave maps of shape {maps.shape}, but the images have {batch.shape}."
            )
        return maps

    before = explain()
    rows: list[dict[str, Any]] = [_compare("(trained)", 0, before, before)]
    for path, layer in reversed(_layers_with_weights(copy)):
        layer.set_weights(
            [
                rng.permutation(weight.ravel()).reshape(weight.shape)
                for weight in layer.get_weights()
            ]
        )
        size = sum(int(np.prod(weight.shape)) for weight in layer.weights)
        rows.append(_compare(path, size, before, explain()))
    return pd.DataFrame(rows)


def _layers_with_weights(model: keras.Model) -> list[tuple[str, Any]]:
    """Return the path and the layer of each layer with weights, once, in the order of the graph."""
    found: dict[int, tuple[str, Any]] = {}
    for name, use in flat_view(model).uses.items():
        if getattr(use.layer, "weights", None):
            found.setdefault(id(use.layer), (name, use.layer))
    return list(found.values())


def _compare(name: str, size: int, before: np.ndarray, now: np.ndarray) -> dict[str, Any]:
    """Return one row of `randomization_check`."""
    flat = np.ptp(now, axis=(1, 2)) == 0
    correlation = np.array([rank_correlation(*pair) for pair in zip(before, now, strict=True)])
    return {
        "layer": name,
        "parameters": size,
        "correlation": float(correlation.mean()),
        "spread": float(correlation.std()),
        "flat": float(flat.mean()),
    }


def rank_correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Compute the rank correlation (Spearman) of two maps: 1 for the same order, 0 for none.

    Parameters
    ----------
    one, other : array (H, W)

    Returns
    -------
    float
        0 if one of the maps is constant.

    Notes
    -----
    First met in lesson 07.
    """
    first, second = pd.Series(np.ravel(one)).rank(), pd.Series(np.ravel(other)).rank()
    if first.nunique() < 2 or second.nunique() < 2:
        return 0.0
    return float(first.corr(second))
