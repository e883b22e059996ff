"""Loader, quality report and predict_images decode equally, and like an independent decoder.

Images are drawn as arrays, encoded in many formats, modes, orientations and depths, and read back.
The expected values are computed here from the arrays, without the code under test.
"""

from __future__ import annotations

import io
import struct
import tempfile
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_folders import pixels
from PIL import Image

from course_utils import datasets, evaluation, quality
from course_utils.exceptions import InvalidInput

# --- writing -------------------------------------------------------------------------------

TYPES = {"u": 1, "i": 2, "f": 3}  # the TIFF tag SampleFormat


def tiff(array: np.ndarray, orientation: int = 1, order: str = "<") -> bytes:
    """Write a minimal TIFF: one uncompressed strip of any type."""
    height, width = array.shape[:2]
    samples = 1 if array.ndim == 2 else array.shape[2]
    data = array.astype(array.dtype.newbyteorder(order)).tobytes()
    bits = array.dtype.itemsize * 8
    tags = {
        256: width, 257: height, 258: [bits] * samples, 259: 1, 262: 1 if samples == 1 else 2,
        273: "data", 274: orientation, 277: samples, 278: height, 279: len(data),
        339: [TYPES[array.dtype.kind]] * samples,
    }  # fmt: skip
    if samples == 4:
        tags[338] = 2  # the fourth sample is transparency
    tags = dict(sorted(tags.items()))
    after = 8 + 2 + 12 * len(tags) + 4
    extra = b""
    entries = b""
    place = after + sum(2 * len(v) for v in tags.values() if isinstance(v, list) and len(v) > 2)
    for tag, value in tags.items():
        value = place if value == "data" else value
        if isinstance(value, list) and len(value) > 2:
            where = after + len(extra)
            extra += struct.pack(f"{order}{len(value)}H", *value)
            entries += struct.pack(f"{order}HHII", tag, 3, len(value), where)
        elif tag in (273, 279):
            entries += struct.pack(f"{order}HHII", tag, 4, 1, value)
        else:
            value = value[0] if isinstance(value, list) else value
            entries += struct.pack(f"{order}HHIHH", tag, 3, 1, value, 0)
    mark = b"II*\0" if order == "<" else b"MM\0*"
    head = mark + struct.pack(f"{order}IH", 8, len(tags))
    return head + entries + struct.pack(f"{order}I", 0) + extra + data


def by_pillow(array: np.ndarray, kind: str, orientation: int, mode: str = "", **more) -> bytes:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = Image.fromarray(array)
    picture = picture.convert(mode) if mode else picture
    if kind not in ("GIF", "BMP", "PPM"):
        more["exif"] = exif
    picture.save(buffer, kind, **more)
    return buffer.getvalue()


def by_opencv(array: np.ndarray, orientation: int) -> bytes:
    """Write a PNG with OpenCV, which supports 16-bit color, and add an EXIF record."""
    turned = array if array.ndim == 2 else array[..., [2, 1, 0, 3][: array.shape[2]]]
    data = cv2.imencode(".png", turned)[1].tobytes()
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = b"eXIf" + content
    import zlib

    block = struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return data[:33] + block + data[33:]  # after the header


# --- expected values ----------------------------------------------------------------------

TURNED = {  # how an image is stored that is displayed as `a`
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}


def expected(array: np.ndarray, low: float, high: float) -> np.ndarray:
    """Scale, put transparent parts on white, and return three channels: (H, W, 3), float."""
    exact = np.clip((array.astype(float) - low) / (high - low), 0, 1) * 255
    if array.ndim == 2:
        exact = np.dstack([exact] * 3)
    if exact.shape[2] == 4:
        full = 65535 if array.dtype == np.uint16 else 255
        alpha = array[..., 3:].astype(float) / full
        exact = exact[..., :3] * alpha + 255 * (1 - alpha)
    return exact


def gray(image: np.ndarray) -> np.ndarray:
    return (image @ [0.299, 0.587, 0.114])[..., None]  # ITU-R BT.601 luma


#: Name: channels of the array, its type, whether orientation is stored, how to write it, and the
#: tolerance of the decoded values (for lossy formats).
FORMATS = {
    "jpeg": (3, "u1", True, lambda a, o: by_pillow(a, "JPEG", o, quality=98, subsampling=0), 12),
    "gray jpeg": (0, "u1", True, lambda a, o: by_pillow(a, "JPEG", o, quality=98), 6),
    "cmyk jpeg": (3, "u1", True, lambda a, o: by_pillow(a, "JPEG", o, "CMYK", quality=98), 14),
    "png": (3, "u1", True, lambda a, o: by_pillow(a, "PNG", o), 1),
    "gray png": (0, "u1", True, lambda a, o: by_pillow(a, "PNG", o), 1),
    "png with alpha": (4, "u1", True, lambda a, o: by_pillow(a, "PNG", o), 2),
    "webp": (3, "u1", True, lambda a, o: by_pillow(a, "WEBP", o, lossless=True), 1),
    "bmp": (3, "u1", False, lambda a, o: by_pillow(a, "BMP", o), 1),
    "gif": (0, "u1", False, lambda a, o: by_pillow(a, "GIF", o), 1),
    "ppm": (3, "u1", False, lambda a, o: by_pillow(a, "PPM", o), 1),
    "tiff": (3, "u1", True, tiff, 1),
    "tiff with alpha": (4, "u1", True, tiff, 2),
    "cmyk tiff": (3, "u1", False, lambda a, o: by_pillow(a, "TIFF", 1, "CMYK"), 1),
    "16-bit png": (0, "u2", True, by_opencv, 1),
    "16-bit color png": (3, "u2", True, by_opencv, 1),
    "16-bit png with alpha": (4, "u2", True, by_opencv, 2),
    "16-bit tiff": (0, "u2", True, tiff, 1),
    "16-bit big-endian tiff": (0, "u2", True, lambda a, o: tiff(a, o, ">"), 1),
    "16-bit color tiff": (3, "u2", True, tiff, 1),
    "signed 16-bit tiff": (0, "i2", True, tiff, 1),
    "32-bit tiff": (0, "i4", True, tiff, 1),
    "float tiff": (0, "f4", True, tiff, 1),
}
ENDINGS = {
    "jpeg": ".jpg", "png": ".png", "tiff": ".tif", "webp": ".webp", "bmp": ".bmp", "gif": ".gif",
    "ppm": ".ppm",
}  # fmt: skip
DEEP = {name for name, row in FORMATS.items() if row[1] != "u1"}
#: Ranges of values that follow from the type of an image, as documented.
USUAL = {
    "u2": [(0, 65535)],
    "i2": [(0, 255), (0, 65535)],
    "i4": [(0, 255), (0, 65535)],
    "f4": [(0, 1), (0, 255)],
}


def drawing(seed: object, height: int, width: int, channels: int) -> np.ndarray:
    """Return a smooth image, uint8 (height, width, channels or 1)."""
    if channels == 4:
        parts = [pixels(f"{seed}", height, width), pixels(f"{seed} alpha", height, width, 1)]
        return np.dstack(parts)
    return pixels(f"{seed}", height, width, max(channels, 1))


@st.composite
def sets(draw):
    """Draw a format, six images, their range of values and the value_range argument, or None."""
    name = draw(st.sampled_from(sorted(FORMATS)))
    channels, kind, turns, _, _ = FORMATS[name]
    size = draw(st.sampled_from([(5, 7), (8, 8), (16, 6)]))
    orientation = draw(st.integers(1, 8)) if turns else 1
    low, high = 0.0, 255.0
    if kind == "u2":
        high = draw(st.sampled_from([255, 1023, 4095, 16383, 40000, 65535]))
    elif kind in ("i2", "i4"):
        low, high = draw(st.sampled_from([(0, 250), (0, 260), (-1000, 2000), (0, 30000), (5, 99)]))
    elif kind == "f4":
        low, high = draw(st.sampled_from([(0, 1), (0, 1.02), (0, 255), (-1000, 2000), (0, 0.1)]))
    arrays = []
    for number in range(6):
        smooth = drawing(f"{draw(st.integers(0, 10**6))}/{number}", *size, channels)
        array = low + smooth.astype(float) / 255 * (high - low)
        array.flat[0], array.flat[-1] = low, high
        if channels == 4:
            array[..., 3] = smooth[..., 3] / 255 * (65535 if kind == "u2" else 255)
            array[0, 0, 0], array[1, 1, 0] = low, high
            array[:2, :2, 3] = 65535 if kind == "u2" else 255
        arrays.append(array.astype(kind) if channels else array[..., 0].astype(kind))
    named = draw(st.sampled_from([None, None, (low, high), (0, 4095)])) if name in DEEP else None
    return name, orientation, arrays, named


def scale_of(kind: str, arrays: list[np.ndarray], named: tuple | None) -> tuple | None:
    """Return the expected scale, or None if it is not clear and loading must fail."""
    if kind == "u1":
        return 0, 255
    if named is not None:
        return named
    colors = [a if a.ndim == 2 else a[..., :3] for a in arrays]
    low, high = min(c.min() for c in colors), max(c.max() for c in colors)
    return next((r for r in USUAL[kind] if low >= r[0] and r[1] / 2 < high <= r[1]), None)


@lru_cache
def model(height: int, width: int):
    import keras

    layers = [keras.Input((height, width, 3)), keras.layers.GlobalAveragePooling2D()]
    return keras.Sequential([*layers, keras.layers.Dense(2)])


FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@FUZZ
@given(sets())
def test_all_decode_alike_and_as_computed_by_hand(drawn):
    name, orientation, arrays, named = drawn
    _, kind, _, write, tolerance = FORMATS[name]
    ending = next(ending for word, ending in ENDINGS.items() if word in name)
    with tempfile.TemporaryDirectory() as place:
        files = []
        for number, array in enumerate(arrays):
            file = Path(place, "ab"[number % 2], f"{number}{ending}")
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(write(np.ascontiguousarray(TURNED[orientation](array)), orientation))
            files.append(file)
        height, width = arrays[0].shape[:2]
        scale = scale_of(kind, arrays, named)
        report = quality.report(place, value_range=named)
        assert report["unreadable files"].verdict == "ok", report["unreadable files"].found
        unclear = "is not clear" in report["channels and sizes"].found
        assert unclear == (scale is None)
        if scale is None:
            with pytest.raises(InvalidInput, match=r"value_range=\(low, high\)") as caught:
                datasets.from_directory(place, (height, width))
            assert "\n" not in str(caught.value)
            return
        right = {f"{file.parent.name}/{file.name}": expected(array, *scale)
                 for file, array in zip(files, arrays, strict=True)}  # fmt: skip
        for color, channels in (("rgb", 3), ("grayscale", 1)):
            data = datasets.from_directory(
                place, (height, width), color_mode=color, value_range=named
            )
            for split in datasets.SPLITS:
                for id_, image in zip(data.ids(split), data.images(split), strict=True):
                    wanted = right[id_] if channels == 3 else gray(right[id_])
                    np.testing.assert_allclose(image.astype(float), wanted, atol=tolerance)
        loaded = {
            id_: image
            for split in datasets.SPLITS
            for id_, image in zip(data.ids(split), data.images(split), strict=True)
        }
        assert len(loaded) == 6
        sources = [files[0], files[1].read_bytes(), io.BytesIO(files[2].read_bytes()),
                   Image.open(files[3])]  # fmt: skip
        clear = [scale_of(kind, [array], named) == scale for array in arrays[:4]]
        for source, array, alone in zip(sources, arrays, clear, strict=False):
            if not alone:  # the range of one image may be less clear than that of all
                continue
            found = evaluation.predict_images(model(height, width), source, "ab", None, named)
            wanted = expected(array, *scale)
            np.testing.assert_allclose(found.images[0].astype(float), wanted, atol=tolerance)


places = st.floats(0, 1)


@settings(FUZZ, max_examples=60)
@given(st.sampled_from(sorted(FORMATS)), st.integers(0, 10**6), places, st.integers(0, 255))
def test_damaged_pictures_are_decoded_or_refused_in_one_sentence(name, seed, share, value):
    channels, kind, turns, write, _ = FORMATS[name]
    array = drawing(seed, 8, 9, channels).astype(kind)
    data = bytearray(write(array if channels else array[..., 0], 6 if turns else 1))
    data[int(share * (len(data) - 1))] = value
    for content in (bytes(data), bytes(data[: int(share * len(data))])):
        refusal, image = "", None
        try:
            image = datasets.decode(content, (5, 4), value_range=(0, 255))
        except InvalidInput as error:
            refusal = str(error)
        if image is None:
            assert refusal.endswith(".")
            assert "\n" not in refusal
        else:
            assert image.shape == (5, 4, 3)
            assert image.dtype == np.uint8
