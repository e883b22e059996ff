"""From maps to pictures."""

from __future__ import annotations

import numpy as np

from course_utils.exceptions import InvalidInput

#: Colour map of heat maps: purple is little, yellow is much.
HEAT = "viridis"


def normalise(maps: np.ndarray) -> np.ndarray:
    """Stretch each map to 0-1.

    Parameters
    ----------
    maps : array (N, H, W) or (H, W)
        Heat. Negative values (of `integrated_gradients` or `occlusion`) count as none.

    Returns
    -------
    ndarray, float32, of the shape of `maps`
        Each map divided by its largest value, so that maps of different images can be drawn with
        one scale. How strong a map was compared with the others is lost.

    Raises
    ------
    InvalidInput
        If a map is zero everywhere, has NaN in it, or if there are not two or three dimensions.

    Notes
    -----
    First met in lesson 07.
    """
    heat = _as_maps(maps)
    heat = np.maximum(heat, 0)
    peaks = heat.max(axis=(-2, -1), keepdims=True)
    empty = np.flatnonzero(peaks.ravel() == 0)
    if len(empty):
        which = f"Map {empty[0]}" if heat.ndim == 3 else "The map"
        others = f" (and {len(empty) - 1} more)" if len(empty) > 1 else ""
        raise InvalidInput(
            f"{which}{others} is zero everywhere: nothing at that layer speaks for that class; "
            f"leave it out (keep = maps.max(axis=(1, 2)) > 0), or explain the predicted class or "
            f"another layer."
        )
    return (heat / peaks).astype("float32")


def overlay(
    images: np.ndarray,
    maps: np.ndarray,
    alpha: float = 0.5,
    value_range: tuple[float, float] = (0, 255),
) -> np.ndarray:
    """Lay maps over their images: purple is little, yellow is much.

    Parameters
    ----------
    images : array (N, H, W, C) or (H, W, C)
        RGB or grayscale pixels in `value_range`.
    maps : array (N, H, W) or (H, W)
        Heat; each map is normalised by itself.
    alpha : float
        How much of the heat is seen, from 0 (the image alone) to 1 (the heat alone).
    value_range : (float, float)
        What black and white are in `images`.

    Returns
    -------
    ndarray, uint8 (N, H, W, 3) or (H, W, 3)

    Raises
    ------
    InvalidInput
        If shapes do not go together, pixels lie outside `value_range` or are clearly meant for
        another one, `alpha` is not within 0-1, or a map is zero everywhere.

    Notes
    -----
    First met in lesson 07.
    """
    import matplotlib

    pictures, heat = np.asarray(images), _as_maps(maps)
    if pictures.ndim != heat.ndim + 1 or pictures.shape[:-1] != heat.shape:
        raise InvalidInput(
            f"images of shape {pictures.shape} and maps of shape {heat.shape} do not go together; "
            f"(N, H, W, C) goes with (N, H, W), and (H, W, C) with (H, W)."
        )
    if pictures.shape[-1] not in (1, 3):
        raise InvalidInput(
            f"images must have 1 or 3 channels, but they have {pictures.shape[-1]}; an alpha "
            f"channel is left out with images[..., :3]."
        )
    if not 0 <= alpha <= 1:
        raise InvalidInput(f"alpha must lie between 0 and 1, but it is {alpha!r}.")
    low, high = value_range
    if not low < high:
        raise InvalidInput(f"value_range must be (black, white), but it is {value_range!r}.")
    if not np.isfinite(pictures).all() or pictures.min() < low or pictures.max() > high:
        raise InvalidInput(
            f"images hold values from {pictures.min():g} to {pictures.max():g}, outside of "
            f"value_range {value_range}; give the range that the pixels have."
        )
    if high == 255 and pictures.dtype.kind == "f" and 0 < pictures.max() <= 1:
        raise InvalidInput(
            f"images reach only {pictures.max():g}, so they are not 0–255; give value_range=(0, 1)."
        )
    grey_or_rgb = (pictures.astype("float32") - low) / (high - low)
    rgb = np.broadcast_to(grey_or_rgb, (*heat.shape, 3))
    colours = matplotlib.colormaps[HEAT](normalise(heat))[..., :3]
    return np.rint(255 * ((1 - alpha) * rgb + alpha * colours)).astype("uint8")


def _as_maps(maps: np.ndarray) -> np.ndarray:
    heat = np.asarray(maps)
    if heat.ndim not in (2, 3) or 0 in heat.shape:
        raise InvalidInput(
            f"maps must have the shape (N, height, width) or (height, width), but it is "
            f"{heat.shape}."
        )
    if not np.isfinite(heat).all():
        raise InvalidInput("maps hold NaN or infinite values.")
    return heat
