"""Draw garden_walk: a small folder as somebody brings it home on a phone, for lesson 10.

Each plant was photographed two to four times, so photographs of one plant belong together. One
photograph lies in the folder of another class, one is stored twice, and one file is cut off.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance

from course_staff.drawing import paper_flowers
from course_staff.drawing.scenes import render_plant
from course_staff.drawing.shapes import RandomSource

#: The seed from which the shipped folder was drawn.
SEED = 1010
#: Number of plants of each class.
PLANTS = {"daisy": 12, "roses": 10, "tulips": 11}
#: Longer and shorter side of a photograph in pixels.
SIDES = (160, 120)
#: The plant of which one photograph lies in the folder of another class: plant, shot and folder.
WRONG = (25, 2, "roses")
#: The photograph that is stored a second time, smaller, as a messenger sends it.
SENT = "daisy/plant05_1.jpg"
#: The photograph whose second half is missing.
CUT_OFF = "tulips/plant29_1.jpg"

_COLUMNS = ("path", "class", "true_class", "plant", "problem", "sha256")


def generate(path: str | Path, seed: int = SEED) -> Path:
    """Draw the whole folder again; takes about a quarter of a minute.

    Parameters
    ----------
    path : str or Path
        A folder that does not exist yet. A temporary folder is renamed to it at the end.
    seed : int
        The seed of the shipped folder is ``garden_walk.SEED``.

    Returns
    -------
    Path
        The folder, with ``CLASS/plantNN_K.jpg`` and ``photographs.csv``, which has a row for each
        file: path, class (its folder), true class, plant, what is wrong with it, and the SHA-256.

    Raises
    ------
    InvalidInput
        If the folder exists already.
    """
    files: dict[str, tuple[bytes, str, int, str]] = {}  # content, true class, plant, problem
    plants = [name for name, number in PLANTS.items() for _ in range(number)]
    for plant, name in enumerate(plants, start=1):
        scene = Image.fromarray(render_plant(name, seed + plant))
        rng = RandomSource([seed, plant])
        for shot in range(1, rng.whole(2, 4) + 1):
            wrong = (plant, shot) == WRONG[:2]
            place = WRONG[2] if wrong else name
            problem = "wrong label" if wrong else ""
            content = _jpeg(photograph(scene, rng))
            files[f"{place}/plant{plant:02d}_{shot}.jpg"] = (content, name, plant, problem)
    content, name, plant, _ = files[SENT]
    with Image.open(io.BytesIO(content)) as picture:
        smaller = picture.resize((3 * picture.width // 4, 3 * picture.height // 4))
    copy = SENT.replace(".jpg", " sent.jpg")
    files[copy] = (_jpeg(smaller, 70), name, plant, f"near duplicate of {SENT}")
    content, name, plant, _ = files[CUT_OFF]
    files[CUT_OFF] = (content[: len(content) // 2], name, plant, "cut off")
    with paper_flowers.new_folder(path) as partial:
        rows = []
        for file, (content, name, plant, problem) in sorted(files.items()):
            (partial / file).parent.mkdir(exist_ok=True)
            (partial / file).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            rows.append((file, file.split("/")[0], name, f"plant{plant:02d}", problem, digest))
        paper_flowers.write_table(partial / "photographs.csv", _COLUMNS, rows)
    return Path(path).expanduser().resolve()


def photograph(scene: Image.Image, rng: RandomSource) -> Image.Image:
    """Take one photograph of a scene: another place, distance, angle, light and noise each time.

    Parameters
    ----------
    scene : Image
        384 x 384 pixels.
    rng : RandomSource

    Returns
    -------
    Image
        160 x 120 pixels, or 120 x 160 upright.
    """
    turned = scene.rotate(rng.around(0, 7), Image.Resampling.BICUBIC, fillcolor=_border(scene))
    longer = rng.between(0.74, 0.97) * scene.width
    width, height = (longer, 0.75 * longer) if rng.chance(0.5) else (0.75 * longer, longer)
    left = (scene.width - width) * np.clip(rng.around(0.5, 0.16), 0, 1)
    top = (scene.height - height) * np.clip(rng.around(0.45, 0.16), 0, 1)
    size = SIDES if width > height else SIDES[::-1]
    box = (float(left), float(top), float(left + width), float(top + height))
    shot = turned.resize(size, Image.Resampling.LANCZOS, box=box)
    shot = ImageEnhance.Brightness(shot).enhance(rng.between(0.72, 1.15))
    shot = ImageEnhance.Color(shot).enhance(rng.between(0.7, 1.1))
    pixels = np.asarray(shot, np.float32) * (1 + 0.03 * rng.noise(3))
    pixels += rng.between(2, 6) * rng.noise(*pixels.shape)
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _border(scene: Image.Image) -> tuple[int, ...]:
    """Return the mean color of the border, which fills the corners of a turned scene."""
    pixels = np.asarray(scene)
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    return tuple(int(value) for value in np.concatenate(edges).mean(axis=0))


def _jpeg(picture: Image.Image, quality: int = 82) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
