"""Draw messy_flowers, with all problems of :mod:`course_utils.datasets.messy_flowers`."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_staff.drawing import paper_flowers
from course_utils.datasets.paper_flowers import CLASSES

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

#: Number of images without problems per split and class (in the order of ``CLASSES``).
COUNTS = {
    "train": (38, 38, 54, 33, 6),
    "validation": (6, 6, 9, 6, 2),
    "test": (6, 6, 9, 6, 2),
}
#: The seed from which the shipped folder was drawn.
SEED = 404


def generate(path: str | Path, seed: int = SEED, progress: bool = True) -> Path:
    """Draw the whole messy folder again; takes about half a minute.

    Parameters
    ----------
    path : str or Path
        A folder that does not exist yet. A temporary folder is renamed to it at the end.
    seed : int
        The seed of the shipped folder is ``messy_flowers.SEED``.
    progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InvalidInput
        If the folder exists already.
    """
    with paper_flowers.new_folder(path) as partial:
        builder = MessyFolderBuilder(partial, seed, progress)
        builder.draw_correct_pictures()
        _plant_counts(builder)
        _plant_copies(builder)
        _plant_leaks(builder)
        _plant_broken_files(builder)
        _plant_odd_pictures(builder)
        _plant_odd_names(builder)
        head = ("path", "kind", "detail", "partner")
        paper_flowers.write_table(partial / "planted.csv", head, builder.planted)
    return Path(path).expanduser().resolve()


@dataclass
class MessyFolderBuilder:
    """Write the files, and record the planted problems."""

    root: Path
    seed: int
    progress: bool
    planted: list[tuple[str, str, str, str]] = field(default_factory=list)
    _drawn: int = 0

    def new_picture(self, class_name: str) -> np.ndarray:
        """Draw an image that was not used before, uint8 (96, 96, 3)."""
        self._drawn += 1
        key = (self.seed, CLASSES.index(class_name), self._drawn)
        own_seed = int(np.random.SeedSequence(key).generate_state(1)[0])
        return paper_flowers.draw(class_name, own_seed)[0]

    def write(self, path: str, content: bytes) -> None:
        """Write `content` to a file below the folder."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)

    def plant(self, path: str, kind: str, detail: str, partner: str = "") -> None:
        """Add a problem to the list."""
        self.planted.append((path, kind, detail, partner))

    def read(self, path: str) -> bytes:
        """Return the content of a file."""
        return (self.root / path).read_bytes()

    def open(self, path: str) -> Picture:
        """Open a file with Pillow."""
        from PIL import Image

        return Image.open(io.BytesIO(self.read(path)))

    def draw_correct_pictures(self) -> None:
        """Draw all images without problems."""
        from tqdm.auto import tqdm

        plan = [
            (f"{split}/{name}/{number:03d}.jpg", name)
            for split, counts in COUNTS.items()
            for name, count in zip(CLASSES, counts, strict=True)
            for number in range(1, count + 1)
        ]
        for path, name in tqdm(
            plan, desc="Drawing flowers", unit="picture", disable=not self.progress
        ):
            self.write(path, paper_flowers.encode(self.new_picture(name)))


def _bytes(picture: Picture, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _plant_counts(builder: MessyFolderBuilder) -> None:
    totals = {name: sum(counts[k] for counts in COUNTS.values()) for k, name in enumerate(CLASSES)}
    least, most = min(totals, key=totals.__getitem__), max(totals, key=totals.__getitem__)
    builder.plant(least, "too few images", f"about {totals[least]} images in all")
    builder.plant(most, "imbalance", f"about {totals[most]} images, {least} about {totals[least]}")


def _versions() -> dict[str, Callable[[Picture], bytes]]:
    """Return functions that make near duplicates of an image, by name."""
    from PIL import ImageEnhance, ImageOps

    return {
        "compressed again": lambda p: _bytes(p, "JPEG", quality=45),
        "brighter": lambda p: _bytes(ImageEnhance.Brightness(p).enhance(1.15), "JPEG", quality=90),
        "smaller": lambda p: _bytes(p.resize((72, 72)), "JPEG", quality=92),
        "cropped": lambda p: _bytes(p.crop((3, 2, 93, 92)).resize((96, 96)), "JPEG", quality=92),
        "mirrored": lambda p: _bytes(ImageOps.mirror(p), "JPEG", quality=92),
        "saved as PNG": lambda p: _bytes(p, "PNG", optimize=True),
    }


def _plant_copies(builder: MessyFolderBuilder) -> None:
    copies = (
        ("train/daisy/003.jpg", "train/daisy/003 (copy).jpg"),
        ("train/tulips/010.jpg", "train/tulips/IMG_2210.jpg"),
        ("train/tulips/011.jpg", "train/tulips/IMG_2211.jpg"),
        ("train/dandelion/005.jpg", "train/dandelion/005_1.jpg"),
    )
    for original, copy in copies:
        builder.write(copy, builder.read(original))
        builder.plant(copy, "exact duplicate", "same bytes", original)

    conflict = ("train/sunflowers/008.jpg", "train/daisy/yellow.jpg")
    builder.write(conflict[1], builder.read(conflict[0]))
    builder.plant(conflict[1], "conflicting labels", "same bytes in another class", conflict[0])

    places = ("daisy/011", "daisy/014", "tulips/021", "tulips/033", "dandelion/020", "daisy/030")
    for (detail, change), place in zip(_versions().items(), places, strict=True):
        original = f"train/{place}.jpg"
        ending = "png" if "PNG" in detail else "jpg"
        copy = f"train/{place} {detail}.{ending}".replace(" ", "_")
        builder.write(copy, change(builder.open(original)))
        builder.plant(copy, "near duplicate", detail, original)

    from PIL import Image

    burst = builder.new_picture("sunflowers")
    noise = np.random.Generator(np.random.PCG64(builder.seed))
    first = "train/sunflowers/series_01.jpg"
    for number in range(1, 18):
        shot = burst + 6 * (noise.random(burst.shape) - 0.5) + 3 * (number % 4)
        picture = Image.fromarray(np.clip(np.rint(shot), 0, 255).astype(np.uint8))
        path = f"train/sunflowers/series_{number:02d}.jpg"
        builder.write(path, _bytes(picture, "JPEG", quality=88))
        if number > 1:
            builder.plant(path, "near duplicate", "one of a series of shots", first)
    builder.plant("sunflowers", "little variation", "many shots of one and the same flower", first)


def _plant_leaks(builder: MessyFolderBuilder) -> None:
    exact = (
        ("train/tulips/040.jpg", "test/tulips/040.jpg"),
        ("train/dandelion/031.jpg", "test/dandelion/extra.jpg"),
        ("train/daisy/022.jpg", "validation/daisy/022.jpg"),
        ("validation/sunflowers/002.jpg", "test/sunflowers/007.jpg"),
    )
    for original, copy in exact:
        builder.write(copy, builder.read(original))
        builder.plant(copy, "leak", "same bytes in another split", original)
    near = (
        ("train/tulips/050.jpg", "test/tulips/010.jpg", "compressed again"),
        ("train/dandelion/036.jpg", "test/dandelion/007.jpg", "smaller"),
        ("train/sunflowers/020.jpg", "validation/sunflowers/007.jpg", "brighter"),
    )
    for original, copy, detail in near:
        builder.write(copy, _versions()[detail](builder.open(original)))
        builder.plant(copy, "leak", f"{detail}, in another split", original)


def _plant_broken_files(builder: MessyFolderBuilder) -> None:
    whole = paper_flowers.encode(builder.new_picture("tulips"))
    half = whole[: len(whole) // 2]
    page = (
        "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head>\n"
        "<body><h1>Not Found</h1><p>The picture is no longer here.</p></body></html>\n"
    )
    broken = (
        ("train/tulips/empty.jpg", b"", "a file of 0 bytes"),
        ("train/tulips/download.jpg", half, "truncated: the second half is gone"),
        ("train/daisy/notes.jpg", b"Remember to photograph the daisies.\n", "a text file"),
        ("train/dandelion/0815.jpg", page.encode(), "an error page of a web server"),
        ("test/daisy/header.jpg", whole[:20], "truncated: only the first 20 bytes"),
    )
    for path, content, detail in broken:
        builder.write(path, content)
        builder.plant(path, "unreadable", detail)


def _plant_odd_pictures(builder: MessyFolderBuilder) -> None:
    from PIL import Image, ImageOps

    def new(class_name: str) -> Picture:
        return Image.fromarray(builder.new_picture(class_name))

    def flat(level: int) -> bytes:
        return _bytes(Image.new("RGB", (96, 96), (level, level, level)), "JPEG")

    def jpeg(picture: Picture, quality: int) -> bytes:
        return _bytes(picture, "JPEG", quality=quality)

    def png(picture: Picture) -> bytes:
        return _bytes(picture, "PNG", optimize=True)

    alpha = new("roses")
    corners = Image.new("L", alpha.size, 0)
    corners.paste(255, (8, 8, 88, 88))
    alpha.putalpha(corners)
    deep = Image.fromarray(np.asarray(ImageOps.grayscale(new("daisy"))).astype(np.uint16) * 257)
    scan, paint, web = new("daisy"), new("tulips"), new("tulips")
    gray, cmyk = ImageOps.grayscale(new("dandelion")), new("tulips").convert("CMYK")
    icon = new("dandelion").resize((20, 20))
    banner = new("tulips").crop((0, 30, 96, 54)).resize((240, 60))
    odd = {
        "train/daisy/scan.jpg": (_bytes(scan, "PNG"), "mistyped", "a PNG called .jpg"),
        "train/tulips/paint.png": (_bytes(paint, "BMP"), "mistyped", "a BMP called .png"),
        "test/tulips/web.jpg": (_bytes(web, "GIF"), "mistyped", "a GIF called .jpg"),
        "train/dandelion/old.jpg": (jpeg(gray, 90), "channels", "grayscale: 1 channel"),
        "train/tulips/print.jpg": (jpeg(cmyk, 90), "channels", "CMYK: 4 channels, as for printing"),
        "train/roses/cutout.png": (png(alpha), "channels", "transparent: 4 channels"),
        "train/daisy/microscope.png": (png(deep), "channels", "16 bits a channel"),
        "train/tulips/lens_cap.jpg": (flat(9), "no variation", "one flat color"),
        "validation/dandelion/white.jpg": (flat(254), "no variation", "one flat color"),
        "train/dandelion/icon.jpg": (jpeg(icon, 92), "size", "tiny: 20 x 20 pixels"),
        "train/tulips/banner.jpg": (jpeg(banner, 88), "size", "four times as wide as high"),
    }
    for path, (content, kind, detail) in odd.items():
        builder.write(path, content)
        builder.plant(path, kind, detail)
    lost = "train/where_does_this_go.jpg"
    builder.write(lost, paper_flowers.encode(builder.new_picture("roses")))
    builder.plant(lost, "outside class folders", "lies beside the classes")


def _plant_odd_names(builder: MessyFolderBuilder) -> None:
    """Add files that a loader must accept or ignore: unusual names, and files without images."""
    from PIL import Image

    harmless = (
        ("train/daisy/Gänseblümchen im März.jpg", "daisy"),
        ("train/tulips/tulipán nº 3.jpg", "tulips"),
        ("train/dandelion/pissenlit (l'été).jpg", "dandelion"),
        ("train/sunflowers/UPPER CASE.JPEG", "sunflowers"),
    )
    for path, name in harmless:
        builder.write(path, paper_flowers.encode(builder.new_picture(name)))
        builder.plant(path, "harmless", "an unusual name; the picture is fine")
    turned = Image.fromarray(builder.new_picture("sunflowers")).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: rotate clockwise by 90 degrees to display
    path = "train/sunflowers/upright_by_exif.jpg"
    builder.write(path, _bytes(turned, "JPEG", quality=90, exif=exif))
    builder.plant(path, "harmless", "stored lying, with an EXIF note to turn it upright")
    for path, content in (
        ("train/daisy/Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 not a picture"),
        ("train/tulips/._001.jpg", b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"),
    ):
        builder.write(path, content)
        builder.plant(path, "hidden file", "left behind by the operating system; no picture")
