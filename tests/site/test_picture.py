"""The picture at the top of README.md shows the figures of today, and is small."""

from __future__ import annotations

import numpy as np
from PIL import Image

from course_staff.site import picture


def test_the_stored_picture_is_that_of_today():
    now = np.asarray(picture.make_picture().convert("RGB"), dtype=float)
    with Image.open(picture.picture_file()) as image:
        stored = np.asarray(image.convert("RGB"), dtype=float)
    assert stored.shape == now.shape == (600, 1240, 3)
    assert np.abs(stored - now).mean() < 2, "draw it again with 'make examples'"
    assert now.std() > 30, "it should not be empty"
    assert picture.picture_file().stat().st_size <= 200_000
