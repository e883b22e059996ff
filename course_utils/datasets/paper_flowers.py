"""paper_flowers: 2,520 pictures of five flowers that the course draws itself.

The pictures ship with the course in ``data/paper_flowers/{train,validation,test}/CLASS/NNNN.jpg``,
with ``manifest.csv`` beside them. They are drawn by :func:`draw` from nothing but a class and a
seed, so they may be used freely (CC0), and as many more as you like can be drawn.

First met in lesson 02; the boxes are used in lesson 07, the labels that are wrong on purpose in
lesson 06.
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import io
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from course_utils import settings
from course_utils.exceptions import InvalidInput, MissingData

if TYPE_CHECKING:
    import pandas as pd

    from course_utils.datasets._drawing_scenes import Drawing

#: The classes in the order of their indices, the same as in tf_flowers.
CLASSES = ("dandelion", "daisy", "tulips", "sunflowers", "roses")
#: Pictures per class and split.
COUNTS = {"train": 340, "validation": 60, "test": 104}
#: Share of the training pictures that lie in the folder of another class on purpose.
WRONG_SHARE = 0.03
#: The seed from which the shipped pictures were drawn.
SEED = 20250

_JPEG = {"quality": 90, "optimize": True}
_NEAREST = 10  # bits of 64 in which the perceptual hashes of any two pictures must differ at least
_COLUMNS = (
    "path", "split", "class", "true_class", "x0", "y0", "x1", "y1", "sha256",
    "seed", "flowers", "colour", "form", "view", "background", "conditions",
)  # fmt: skip


def folder() -> Path:
    """Return the folder in which the shipped pictures lie.

    Raises
    ------
    MissingData
        If the course folder, or the dataset in it, is not there.
    """
    path = settings.shipped_data() / "paper_flowers"
    if not (path / "manifest.csv").is_file():
        raise MissingData(
            f"There is no manifest.csv in {path}; restore the folder with "
            f"'git checkout -- data/paper_flowers', or draw it anew with "
            f"paper_flowers.generate({str(path)!r})."
        )
    return path


def manifest(folder: str | Path | None = None) -> pd.DataFrame:
    """Return what is known of each picture, one row per file.

    Parameters
    ----------
    folder : str or Path, optional
        A folder that :func:`generate` wrote; the shipped one where none is given.

    Returns
    -------
    pandas.DataFrame
        Columns: ``path`` (relative, with "/"), ``split``, ``class`` (the label: the folder the file
        lies in), ``true_class`` (what was drawn), ``x0``, ``y0``, ``x1``, ``y1`` (the smallest box
        around the flower heads, in pixels; float), ``sha256`` (of the file), ``seed`` (``draw(
        true_class, seed)`` draws the picture again), ``flowers`` (how many heads), and of the
        first flower ``colour``, ``form``, ``view`` and ``background``; ``conditions`` names what
        makes the picture hard, separated by "; ", or is empty.

    Raises
    ------
    MissingData
        If there is no manifest.
    """
    import pandas as pd

    path = (globals()["folder"]() if folder is None else Path(folder)) / "manifest.csv"
    if not path.is_file():
        raise MissingData(
            f"There is no {path}; give the folder that paper_flowers.generate() wrote, or none."
        )
    return pd.read_csv(path, keep_default_na=False)


def mislabelled() -> pd.DataFrame:
    """Return the rows of :func:`manifest` whose label is wrong on purpose (3 % of train).

    Returns
    -------
    pandas.DataFrame
        The rows with ``class`` different from ``true_class``; the index starts at 0.
    """
    table = manifest()
    return table[table["class"] != table["true_class"]].reset_index(drop=True)


def boxes(ids: Iterable[str]) -> np.ndarray:
    """Return the boxes around the flowers of some pictures.

    Parameters
    ----------
    ids : iterable of str
        Ids as ``ImageDataset.ids`` gives them: "test/daisy/0001.jpg".

    Returns
    -------
    numpy.ndarray
        float32, shape (N, 4): x0, y0, x1, y1 in pixels of the 96 x 96 picture, x to the right and
        y downwards, in the order of `ids`. Multiply by (new size / 96) for resized pictures.

    Raises
    ------
    InvalidInput
        If an id is not one of paper_flowers.
    """
    known = _boxes_by_id()
    ids = list(ids)
    missing = [i for i in ids if i not in known]
    if missing:
        raise InvalidInput(
            f"paper_flowers has no picture {missing[0]!r} ({len(missing)} of {len(ids)} ids are "
            f"unknown); ids look like 'test/daisy/0001.jpg', see dataset.ids('test')."
        )
    return np.array([known[i] for i in ids], dtype=np.float32).reshape(-1, 4)


@cache
def _boxes_by_id() -> dict[str, tuple[float, float, float, float]]:
    table = manifest()
    corners = table[["x0", "y0", "x1", "y1"]].itertuples(index=False, name=None)
    return dict(zip(table["path"], corners, strict=True))


def draw(class_name: str, seed: int) -> tuple[np.ndarray, tuple[float, float, float, float]]:
    """Draw a picture that nobody has seen before.

    Parameters
    ----------
    class_name : str
        "dandelion", "daisy", "tulips", "sunflowers" or "roses".
    seed : int
        Any whole number of at least 0: the same seed gives the same picture.

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
    from course_utils.datasets._drawing_scenes import render

    if class_name not in CLASSES:
        near = difflib.get_close_matches(str(class_name), CLASSES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose one of {', '.join(CLASSES)}."
        raise InvalidInput(f"paper_flowers has no class {class_name!r}; {hint}")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidInput(f"seed must be a whole number of at least 0, but it is {seed!r}.")
    return render(class_name, int(seed))


def encode(image: np.ndarray) -> bytes:
    """Return a picture, uint8 (H, W, 3), as the bytes of a JPEG file such as the shipped ones."""
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

    The files are written to a folder beside it, which gets its name when everything is there, so
    that a drawing broken off leaves no half dataset behind. No two pictures are duplicates, not
    even near ones: a picture whose perceptual hash (64 bits) differs from that of an earlier one in
    fewer than 10 bits is drawn again.

    Parameters
    ----------
    folder : str or Path
        A folder that does not exist yet.
    seed : int
        The shipped pictures have seed ``paper_flowers.SEED``.
    counts : dict, optional
        Pictures per class for each split; ``paper_flowers.COUNTS`` where none is given.
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
        with (partial / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, _COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return Path(folder).expanduser().resolve()


@contextmanager
def new_folder(folder: str | Path) -> Iterator[Path]:
    """Give a folder to write into that becomes `folder` when all went well.

    Parameters
    ----------
    folder : str or Path
        A folder that does not exist yet.

    Yields
    ------
    Path
        An empty folder beside it, called "NAME.partial". It is left where it is if something goes
        wrong, and emptied the next time.

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
            if not done or (seen[:done] != bits).sum(axis=1).min() >= _NEAREST:
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
            "conditions": "; ".join(drawing.conditions),
        }
        for name in ("colour", "form", "view", "background"):
            facts[name] = getattr(drawing, name)
        rows.append(facts)
    return rows


def _plan(seed: int, counts: dict[str, int]) -> list[tuple[str, str, str, int]]:
    """Return split, label, true class and number of every picture."""
    from course_utils.datasets._drawing import Dice

    dice = Dice([seed, 1])
    total = round(WRONG_SHARE * counts.get("train", 0) * len(CLASSES))
    plan = []
    for split, count in counts.items():
        for index, label in enumerate(CLASSES):
            others = [name for name in CLASSES if name != label]
            wrong: dict[int, str] = {}
            if split == "train":
                share = total // len(CLASSES) + (index < total % len(CLASSES))
                order = np.argsort(dice.grid(count))[:share] + 1
                wrong = {int(n): others[k % len(others)] for k, n in enumerate(order)}
            plan += [(split, label, wrong.get(n, label), n) for n in range(1, count + 1)]
    return plan


def _perceptual_hash(image: np.ndarray) -> np.ndarray:
    """Return 64 bits that stay nearly the same when a picture is resized, lit or encoded anew."""
    import imagehash
    from PIL import Image

    return imagehash.phash(Image.fromarray(image)).hash.ravel()
