"""Draw paper_flowers: 2,520 images of five flowers, each from a class and a seed.

The images ship in ``data/paper_flowers/{train,validation,test}/CLASS/NNNN.jpg`` with
``manifest.csv`` beside them; students read them with :mod:`course_utils.datasets.paper_flowers`.
Any number of further images can be drawn (CC0).
"""

from __future__ import annotations

import csv
import hashlib
import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from course_staff.drawing.scenes import Drawing, render, render_two
from course_staff.drawing.shapes import RandomSource
from course_utils import validate
from course_utils.datasets.paper_flowers import CLASSES, COUNTS, WRONG_SHARE
from course_utils.exceptions import InvalidInput

#: The seed from which the shipped images were drawn.
SEED = 20250
#: The seeds of the images in ``data/new_flowers``, which are in no split.
NEW_SEEDS = (1, 2, 100, 2024)
#: The two classes and the seed of ``data/new_flowers/two_flowers.jpg``.
TWO_CLASSES, TWO_SEED = ("daisy", "roses"), 0

_JPEG = {"quality": 90, "optimize": True}
_MIN_DISTANCE = 10  # smallest number of different bits (of 64) in the hashes of two images
_COLUMNS = (
    "path", "split", "class", "true_class", "x0", "y0", "x1", "y1", "sha256",
    "seed", "flowers", "color", "form", "view", "background", "conditions",
)  # fmt: skip
_BOX_COLUMNS = ("path", "class", "x0", "y0", "x1", "y1")


def draw(class_name: str, seed: int) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Draw a new image.

    Parameters
    ----------
    class_name : str
        "dandelion", "daisy", "tulips", "sunflowers" or "roses".
    seed : int
        Any whole number of at least 0: the same seed gives the same image.

    Returns
    -------
    image : numpy.ndarray
        uint8, shape (96, 96, 3).
    box : tuple of float
        x0, y0, x1, y1 in pixels: the smallest box around the flower heads.

    Raises
    ------
    InvalidInput
        If there is no such class, or the seed is not a whole number of at least 0.

    Examples
    --------
    >>> image, box = draw("daisy", seed=1)
    >>> image.shape, image.dtype.name, len(box)
    ((96, 96, 3), 'uint8', 4)
    """
    drawing = _drawing(class_name, seed)
    return drawing.image, drawing.box


def _drawing(class_name: str, seed: int) -> Drawing:
    validate.choice("class_name", class_name, CLASSES)
    return render(class_name, validate.whole_number("seed", seed))


def encode(image: np.ndarray) -> bytes:
    """Return an image, uint8 (H, W, 3), as a JPEG file with the settings of the shipped ones."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", **_JPEG)
    return buffer.getvalue()


def generate(
    folder: str | Path,
    seed: int = SEED,
    counts: dict[str, int] | None = None,
    progress: bool = True,
) -> Path:
    """Draw the whole dataset into a new folder; takes some minutes.

    The files are written to a temporary folder, which is renamed when it is complete, so that an
    interruption leaves no incomplete dataset. There are no duplicates and no near duplicates: an
    image whose perceptual hash (64 bits) differs from that of an earlier one in fewer than 10
    bits is drawn again.

    Parameters
    ----------
    folder : str or Path
        A folder that does not exist yet.
    seed : int
        The seed of the shipped images is ``paper_flowers.SEED``.
    counts : dict, optional
        Images per class for each split; ``paper_flowers.COUNTS`` by default.
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
    with new_folder(folder) as partial:
        rows = _write_pictures(partial, seed, counts or COUNTS, progress)
        table = ([row[name] for name in _COLUMNS] for row in rows)
        write_table(partial / "manifest.csv", _COLUMNS, table)
    return Path(folder).expanduser().resolve()


def generate_new(folder: str | Path) -> Path:
    """Draw the images of ``data/new_flowers``.

    Each class is drawn once for each of :data:`NEW_SEEDS`; one large image has two flowers.

    Parameters
    ----------
    folder : str or Path
        A folder that does not exist yet.

    Returns
    -------
    Path
        The folder, with ``CLASS_NUMBER.png`` (numbers from 1), ``boxes.csv``, ``two_flowers.jpg``
        and its ``two_flowers.csv``.

    Raises
    ------
    InvalidInput
        If the folder exists already.
    """
    from PIL import Image

    with new_folder(folder) as partial:
        rows = []
        for name in CLASSES:
            for number, seed in enumerate(NEW_SEEDS, start=1):
                image, box = draw(name, seed)
                path = f"{name}_{number}.png"
                Image.fromarray(image).save(partial / path, optimize=True)
                rows.append((path, name, *box))
        write_table(partial / "boxes.csv", _BOX_COLUMNS, rows)
        image, boxes = render_two(TWO_CLASSES, TWO_SEED)
        (partial / "two_flowers.jpg").write_bytes(encode(image))
        pair = zip(TWO_CLASSES, boxes, strict=True)
        rows = [("two_flowers.jpg", name, *box) for name, box in pair]
        write_table(partial / "two_flowers.csv", _BOX_COLUMNS, rows)
    return Path(folder).expanduser().resolve()


def write_table(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table with column names as a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)


@contextmanager
def new_folder(folder: str | Path) -> Iterator[Path]:
    """Yield a temporary folder that is renamed to `folder` if no error occurs.

    Parameters
    ----------
    folder : str or Path
        A folder that does not exist yet.

    Yields
    ------
    Path
        An empty folder beside it, called "NAME.partial". After an error it is kept; the next call
        empties it.

    Raises
    ------
    InvalidInput
        If `folder` exists already.
    """
    folder = Path(folder).expanduser().resolve()
    if folder.exists():
        raise InvalidInput(f"{folder} exists already; name a folder that does not exist yet.")
    partial = folder.with_name(folder.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    partial.mkdir(parents=True)
    yield partial
    partial.rename(folder)


def _write_pictures(
    folder: Path, seed: int, counts: dict[str, int], progress: bool
) -> list[dict[str, object]]:
    from tqdm.auto import tqdm

    plan = _plan(seed, counts)
    seen = np.zeros((len(plan), 64), dtype=bool)
    rows = []
    for done, (split, label, true_class, number) in enumerate(
        tqdm(plan, desc="Drawing flowers", unit="picture", disable=not progress)
    ):
        for attempt in range(50):
            key = (seed, list(counts).index(split), CLASSES.index(label), number, attempt)
            own_seed = int(np.random.SeedSequence(key).generate_state(1)[0])
            drawing = _drawing(true_class, own_seed)
            bits = _perceptual_hash(drawing.image)
            if not done or (seen[:done] != bits).sum(axis=1).min() >= _MIN_DISTANCE:
                break
        seen[done] = bits
        path = f"{split}/{label}/{number:04d}.jpg"
        content = encode(drawing.image)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
        facts: dict[str, object] = {
            "path": path,
            "split": split,
            "class": label,
            "true_class": true_class,
            **dict(zip(("x0", "y0", "x1", "y1"), drawing.box, strict=True)),
            "sha256": hashlib.sha256(content).hexdigest(),
            "seed": own_seed,
            "flowers": drawing.flowers,
            "color": drawing.color,
            **{name: getattr(drawing, name) for name in ("form", "view", "background")},
            "conditions": "; ".join(drawing.conditions),
        }
        rows.append(facts)
    return rows


def _plan(seed: int, counts: dict[str, int]) -> list[tuple[str, str, str, int]]:
    """Return split, label, true class and number of every image."""
    rng = RandomSource([seed, 1])
    total = round(WRONG_SHARE * counts.get("train", 0) * len(CLASSES))
    plan = []
    for split, count in counts.items():
        for index, label in enumerate(CLASSES):
            others = [name for name in CLASSES if name != label]
            wrong: dict[int, str] = {}
            if split == "train":
                share = total // len(CLASSES) + (index < total % len(CLASSES))
                order = np.argsort(rng.grid(count))[:share] + 1
                wrong = {int(n): others[k % len(others)] for k, n in enumerate(order)}
            plan += [(split, label, wrong.get(n, label), n) for n in range(1, count + 1)]
    return plan


def _perceptual_hash(image: np.ndarray) -> np.ndarray:
    """Return 64 bits that hardly change when an image is resized, brightened or compressed."""
    import imagehash
    from PIL import Image

    return imagehash.phash(Image.fromarray(image)).hash.ravel()
