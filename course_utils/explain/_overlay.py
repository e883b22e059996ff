"""Draw saliency maps over images."""

from __future__ import annotations

import numpy as np

from course_utils.exceptions import InvalidInput
from course_utils.validate import number_between

#: Color map of saliency maps, from purple (low) to yellow (high).
HEAT = "plasma"
#: The opacity of a map grows with its values, as a power, so that the image stays visible.
FADE = 0.7


def normalize(maps: np.ndarray) -> np.ndarray:
    """Scale each map to 0-1.

    Parameters
    ----------
    maps : array (N, H, W) or (H, W)
        Saliency maps. Negative values (of `integrated_gradients` or `occlusion`) are set to 0.

    Returns
    -------
    ndarray, float32, of the shape of `maps`
        Each map divided by its maximum, so that maps of different images can be drawn with one
        scale. Their relative strength is lost.

    Raises
    ------
    InvalidInput
        If a map is zero everywhere, contains NaN, or there are not two or three dimensions.

    Notes
    -----
    First met in lesson 07.
    """
    heat = np.maximum(as_maps(maps), 0)
    peaks = heat.max(axis=(-2, -1), keepdims=True)
    empty = np.flatnonzero(peaks.ravel() == 0)
    if len(empty):
        which = f"Map {empty[0]}" if heat.ndim == 3 else "The map"
        others = f" (and {len(empty) - 1} more)" if len(empty) > 1 else ""
        raise InvalidInput(
            f"{which}{others} is zero everywhere: nothing in that layer is evidence for the class; "
            f"leave it out (keep = maps.max(axis=(1, 2)) > 0), or explain the predicted class or "
            f"another layer."
        )
    return (heat / peaks).astype("float32")


def overlay(
    images: np.ndarray,
    maps: np.ndarray,
    alpha: float = 0.75,
    value_range: tuple[float, float] = (0, 255),
) -> np.ndarray:
    """Blend images with their maps, drawn from purple (low) to yellow (high).

    Where a map is zero the image stays as it is; where it is highest the color covers most.

    Parameters
    ----------
    images : array (N, H, W, C) or (H, W, C)
        RGB or grayscale pixels in `value_range`.
    maps : array (N, H, W) or (H, W)
        Saliency maps; each is normalized separately.
    alpha : float
        Opacity where the map is highest, from 0 (only the image) to 1.
    value_range : (float, float)
        The values of black and white in `images`.

    Returns
    -------
    ndarray, uint8 (N, H, W, 3) or (H, W, 3)

    Raises
    ------
    InvalidInput
        If the shapes do not match, pixels lie outside `value_range` or clearly have another range,
        `alpha` is not within 0-1, or a map is zero everywhere.

    Notes
    -----
    First met in lesson 07.
    """
    pixels, heat = np.asarray(images), as_maps(maps)
    if pixels.ndim != heat.ndim + 1 or pixels.shape[:-1] != heat.shape:
        raise InvalidInput(
            f"images of shape {pixels.shape} and maps of shape {heat.shape} do not go together; "
            f"(N, H, W, C) goes with (N, H, W), and (H, W, C) with (H, W)."
        )
    if pixels.shape[-1] not in (1, 3):
        raise InvalidInput(
            f"images must have 1 or 3 channels, but they have {pixels.shape[-1]}; an alpha "
            f"channel is removed by images[..., :3]."
        )
    alpha = number_between("alpha", alpha, 0, 1, example=0.5)
    low, high = value_range
    if not low < high:
        raise InvalidInput(f"value_range must be (black, white), but it is {value_range!r}.")
    if not np.isfinite(pixels).all() or pixels.min() < low or pixels.max() > high:
        raise InvalidInput(
            f"images hold values from {pixels.min():g} to {pixels.max():g}, outside of "
            f"value_range {value_range}; give the range that the pixels have."
        )
    if high == 255 and pixels.dtype.kind == "f" and 0 < pixels.max() <= 1:
        raise InvalidInput(
            f"images reach only {pixels.max():g}, so they are not 0–255; give value_range=(0, 1)."
        )
    gray_or_rgb = (pixels.astype("float32") - low) / (high - low)
    rgb = np.broadcast_to(gray_or_rgb, (*heat.shape, 3))
    share = normalize(heat)
    colors = _colors(share)[..., :3]
    opacity = alpha * share[..., np.newaxis] ** FADE
    return np.rint(255 * ((1 - opacity) * rgb + opacity * colors)).astype("uint8")


def heat_layer(maps: np.ndarray) -> np.ndarray:
    """Return maps as transparent layers, to be drawn over their images.

    Drawn with an opacity of `alpha`, a layer gives the same as ``overlay(images, maps, alpha)``.

    Parameters
    ----------
    maps : array (N, H, W) or (H, W)
        Saliency maps; each is normalized separately.

    Returns
    -------
    ndarray, uint8 (N, H, W, 4) or (H, W, 4)
        Red, green, blue and opacity.

    Raises
    ------
    InvalidInput
        If a map is zero everywhere, or the shape is another.

    Notes
    -----
    The page of the web service uses it, lesson 09.
    """
    share = normalize(maps)
    layer = _colors(share)
    layer[..., 3] = share**FADE
    return np.rint(255 * layer).astype("uint8")


def _colors(share: np.ndarray) -> np.ndarray:
    """Return red, green, blue and opacity 1, all from 0 to 1, for values from 0 to 1."""
    import matplotlib

    return matplotlib.colormaps[HEAT](share)


def as_maps(maps: np.ndarray) -> np.ndarray:
    """Return `maps` as an array (N, H, W) or (H, W) of finite values; else raise InvalidInput."""
    heat = np.asarray(maps)
    if heat.ndim not in (2, 3) or 0 in heat.shape:
        raise InvalidInput(
            f"maps must have the shape (N, height, width) or (height, width), but it is "
            f"{heat.shape}."
        )
    if not np.isfinite(heat).all():
        raise InvalidInput("maps hold NaN or infinite values.")
    return heat
