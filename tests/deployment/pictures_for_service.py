"""Image files and a small exported network for the tests of the web service."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
import zlib
from pathlib import Path

import keras
import numpy as np
from PIL import Image

from course_utils import deployment
from course_utils.models import small_cnn

NAMES = ("daisy", "rose", "tulip", "sunflower")


def exported(folder: Path, threshold: float | None = 0.9) -> Path:
    """Export an untrained network for four classes; return its folder."""
    keras.utils.set_random_seed(3)
    model = small_cnn((32, 32, 3), len(NAMES))
    deployment.export(
        model,
        folder,
        class_names=NAMES,
        formats=("keras",),
        temperature=1.5,
        threshold=threshold,
    )
    return folder


def drawing(size=(60, 40), mode="RGB") -> Image.Image:
    """Return a red image with a black upper left quarter, so that rotations show."""
    image = Image.new("RGB", size, (200, 30, 30))
    image.paste((0, 0, 0), (0, 0, size[0] // 2, size[1] // 2))
    return image.convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    """Return an image as the content of a file."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def exif(orientation: int) -> Image.Exif:
    record = Image.Exif()
    record[0x0112] = orientation
    return record


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("flower.png", encoded(drawing()))
    return stream.getvalue()


def of_megapixels(width: int, height: int) -> bytes:
    """Return a small file of a large white picture."""
    return encoded(Image.new("1", (width, height), 1))


def of_announced_size(width: int, height: int) -> bytes:
    """Return a PNG of one pixel whose header says that it is larger."""
    data = of_megapixels(1, 1)
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


#: Files that are read.
GOOD = {
    "JPEG": encoded(drawing(), "JPEG", quality=95),
    "JPEG on its side": encoded(drawing(), "JPEG", exif=exif(6)),
    "JPEG of four inks": encoded(drawing(mode="CMYK"), "JPEG"),
    "gray JPEG": encoded(drawing(mode="L"), "JPEG"),
    "PNG": encoded(drawing()),
    "transparent PNG": encoded(drawing(mode="RGBA")),
    "PNG of 16 bits": encoded(
        Image.fromarray(np.arange(4096, dtype=np.uint16).reshape(64, 64) * 16)
    ),
    "PNG with a palette": encoded(drawing(mode="P")),
    "one pixel": encoded(drawing((1, 1))),
    "black": encoded(Image.new("RGB", (50, 50))),
    "almost black": encoded(Image.new("RGB", (50, 50), (1, 1, 1))),
    "animated GIF": encoded(
        drawing(), "GIF", save_all=True, append_images=[Image.new("RGB", (60, 40))]
    ),
    "WebP": encoded(drawing(), "WEBP"),
    "TIFF": encoded(drawing(), "TIFF"),
    "BMP": encoded(drawing(), "BMP"),
    "PPM": encoded(drawing(), "PPM"),
    "AVIF": encoded(drawing(), "AVIF"),
    "wide panorama": encoded(drawing((4000, 20)), "JPEG"),
}

#: Files that are refused: the status and a part of the sentence.
BAD = {
    "nothing": (b"", 400, "empty"),
    "text": (b"a flower", 415, "no known format"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "SVG"),
    "PDF": (b"%PDF-1.7 ...", 415, "PDF"),
    "ZIP": (archive(), 415, "ZIP archive"),
    "PostScript": (encoded(drawing(), "EPS"), 415, "EPS"),
    "cut off": (encoded(drawing((300, 300)), "JPEG")[:2000], 422, "cut off"),
    "51 megapixels": (of_megapixels(10200, 5000), 413, "51.0 million pixels"),
    "one row": (of_announced_size(70_000, 1), 413, "more than 65,535 pixels"),
    "one column": (of_announced_size(1, 40_000_000), 413, "more than 65,535 pixels"),
    "values of 32 bits": (
        encoded(Image.fromarray(1000 * np.arange(400, dtype="int32").reshape(20, 20)), "TIFF"),
        422,
        "which value is white; save it with 8 bits for each color.",
    ),
    "NaN": (encoded(Image.fromarray(np.full((2, 2), np.nan, "float32")), "TIFF"), 422, "NaN"),
    "400 megapixels": (of_announced_size(20000, 20000), 413, "far too many pixels"),
    "100 megapixels": (of_announced_size(10000, 10000), 413, "100.0 million pixels"),
}


def image_of(address: str) -> Image.Image:
    """Return the image of a ``data:`` address."""
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
