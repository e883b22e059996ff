"""Convert images for display."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from course_utils.exceptions import InvalidInput


def displayable(image: Any) -> np.ndarray:
    """Convert one image to uint8, 0 to 255, so that ``Axes.imshow`` shows its values unchanged.

    Parameters
    ----------
    image : array (H, W), (H, W, 1), (H, W, 3) or (H, W, 4)
        uint8, or float in 0 to 255. Values outside, as after augmentation, are clipped.

    Returns
    -------
    np.ndarray
        uint8, (H, W), (H, W, 3) or (H, W, 4).

    Raises
    ------
    InvalidInput
        If its shape is not that of an image, or it holds NaN or infinity.
    """
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] not in (3, 4)):
        raise InvalidInput(
            f"A picture must have the shape (height, width) or (height, width, channels) with 1, 3 "
            f"or 4 channels, but this one has the shape {array.shape}."
        )
    if array.dtype == np.uint8:
        return array
    if not np.isfinite(array).all():
        raise InvalidInput("The picture holds values that are not numbers (NaN or infinity).")
    return np.clip(np.rint(array), 0, 255).astype(np.uint8)


def image_address(image: Any, quality: int | None = None, most: int | None = None) -> str:
    """Return one image as a ``data:`` address for HTML.

    Parameters
    ----------
    image : array
        As for :func:`displayable`.
    quality : int, optional
        JPEG quality from 1 to 95; by default the image is a PNG, which keeps all values.
    most : int, optional
        A longer side of more pixels is shrunk to this number.

    Returns
    -------
    str

    Raises
    ------
    InvalidInput
        If the array is not one image.
    """
    from PIL import Image

    kind = "png" if quality is None else "jpeg"
    picture = Image.fromarray(displayable(image))
    if kind == "jpeg":
        picture = picture.convert("RGB")
    if most is not None:
        picture.thumbnail((most, most), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({} if quality is None else {"quality": quality}))
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
