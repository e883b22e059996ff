"""Random folders of valid and broken files either load or fail with one sentence."""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from image_folders import pixels
from PIL import Image

from course_utils import datasets
from course_utils.datasets import decoding
from course_utils.exceptions import InvalidInput, MissingData


def encoded(kind: str, seed: int, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    picture = Image.fromarray(pixels(seed, 6, 5))
    if mode == "I;16":
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    else:
        picture = picture.convert(mode)
    picture.save(buffer, kind)
    return buffer.getvalue()


FORMATS = [
    *(("JPEG", mode) for mode in ("RGB", "L", "CMYK")),
    *(("PNG", mode) for mode in ("RGB", "L", "LA", "RGBA", "P", "1", "I;16")),
    *(("BMP", "RGB"), ("GIF", "P"), ("TIFF", "RGB"), ("TIFF", "F"), ("WEBP", "RGB")),
]
# Many different images, so that few are copies of each other.
GOOD = [encoded(kind, seed, mode) for kind, mode in FORMATS for seed in range(20)]

good = st.integers(0, len(GOOD) - 1).map(GOOD.__getitem__)
cut = st.builds(lambda data, share: data[: int(len(data) * share)], good, st.floats(0, 1))
flipped = st.builds(
    lambda data, at, value: data[: at % len(data)] + bytes([value]) + data[at % len(data) + 1 :],
    good,
    st.integers(0, 10**6),
    st.integers(0, 255),
)
content = st.one_of(good, good, good, cut, flipped, st.binary(max_size=60))

stems = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=6
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)
endings = st.sampled_from([".jpg", ".JPEG", ".png", ".bmp", ".gif", ".tif", ".txt", "", ".heic"])
file_names = st.builds(str.__add__, stems, endings)
folder_names = st.one_of(
    st.sampled_from(["train", "Test", "val", "valid", "a", "b", "c", ".git", "__MACOSX", "x.jpg"]),
    stems,
)
trees = st.recursive(
    st.dictionaries(file_names, content, max_size=6),
    lambda inner: st.dictionaries(folder_names, inner, max_size=4),
    max_leaves=8,
)


def classes(files, least: int):
    """Return a strategy for two or three class folders."""
    inner = st.dictionaries(file_names, files, min_size=least, max_size=7)
    names = st.sampled_from(["a", "b", "train", "é ü"])
    return st.dictionaries(names, inner, min_size=2, max_size=3)


def splits(files):
    """Return a strategy for training and optional other splits, all with the same classes."""
    inner = st.dictionaries(file_names, files, min_size=3, max_size=6)
    both = st.fixed_dictionaries({"a": inner, "b": inner})
    return st.fixed_dictionaries({"train": both}, optional={"val": both, "test": both})


# Random, nearly valid and valid folders, so that loading succeeds about as often as it fails.
folders = st.one_of(
    trees, classes(content, 3), splits(content), classes(good, 5), splits(good), splits(good)
)


def write(folder: Path, tree: dict) -> None:
    folder.mkdir(exist_ok=True)
    for name, value in tree.items():
        try:
            if isinstance(value, dict):
                write(folder / name, value)
            else:
                (folder / name).write_bytes(value)
        except (FileExistsError, IsADirectoryError, NotADirectoryError):
            pass  # a file and a folder with the same name


def check(data: datasets.ImageDataset) -> None:
    sets = [data.ids(split) for split in datasets.SPLITS]
    together = [id_ for one in sets for id_ in one]
    assert len(together) == len(set(together))
    assert data.num_classes >= 2
    for split in datasets.SPLITS:
        assert set(data.labels(split)) == set(range(data.num_classes))
        images = data.images(split)
        assert images.shape == (len(data.ids(split)), 7, 4, data.channels)
        assert images.dtype == np.uint8
    assert len(data.fingerprint) == 32
    assert data.describe().loc["total", "total"] == len(together)
    repr(data).encode()
    data._repr_html_().encode()


FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None
)


@FUZZ
@example(tree={"a": {"x.png": GOOD[0]}, "b": {}}, skip=True, gray=False)
@given(folders, st.booleans(), st.booleans())
def test_a_random_folder_loads_or_is_refused_in_one_sentence(tree, skip, gray):
    place = Path(tempfile.mkdtemp())
    try:
        write(place / "data", tree)
        try:
            data = datasets.from_directory(
                place / "data",
                image_size=(7, 4),
                unreadable="skip" if skip else "raise",
                color_mode="grayscale" if gray else "rgb",
            )
        except (InvalidInput, MissingData) as error:
            refusal = str(error)
        else:
            refusal = None
            check(data)
        if refusal is not None:
            assert refusal.endswith(".")
            assert len(refusal) < 3000
            refusal.encode()
    finally:
        shutil.rmtree(place)


@FUZZ
@given(content)
def test_any_bytes_are_decoded_or_said_to_be_unreadable(data):
    try:
        image = decoding.to_array(data, (7, 4), 3)
    except decoding.Unreadable:
        return
    assert image.shape == (7, 4, 3)
    assert image.dtype == np.uint8
