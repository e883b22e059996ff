"""Figures about collecting and preparing images."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from PIL import Image

from course_utils import plots, quality
from course_utils.exceptions import InvalidInput

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("a", "b"):
            for k in range(3):
                size = (40, 30) if k else (20, 60)
                picture = Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8))
                path = tmp_path / "photos" / split / name / f"{k}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                picture.resize(size).save(path)
    return tmp_path / "photos"


def texts(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_the_tree_names_every_folder_with_its_count_and_label(folder):
    ax = plots.folder_tree(folder)
    assert [t for t in texts(ax) if t.endswith("/")] == ["photos/", "train/", "a/", "b/", "test/"]
    assert "3 images   → label 1" in texts(ax)
    with pytest.raises(InvalidInput, match="no images"):
        plots.folder_tree(folder.parent / "photos" / "train" / "a")


def test_copies_shows_each_pair_side_by_side(folder):
    original = folder / "train" / "a" / "1.jpg"
    (folder / "test" / "a" / "copy.jpg").write_bytes(original.read_bytes())
    figure = plots.copies(quality.report(folder), folder)
    parts = [part for row in [figure.subfigs] for part in np.ravel(row)]
    assert [part.get_suptitle() for part in parts if part.axes] == ["same content"]
    titles = [ax.get_title() for ax in parts[0].axes]
    assert sorted(titles) == ["test/a\ncopy.jpg", "train/a\n1.jpg"]


def test_no_copies_no_figure(folder):
    with pytest.raises(InvalidInput, match="no copies"):
        plots.copies(quality.report(folder), folder)


def test_sizes_are_drawn_where_they_belong(folder):
    (folder / "train" / "a" / "broken.jpg").write_bytes(b"")
    ax = plots.image_sizes(folder)
    assert sorted(map(tuple, ax.collections[0].get_offsets().tolist())) == [(20, 60), (40, 30)]
    assert "8 of 12 images:\n40 × 30" in texts(ax)


def test_resizings_draws_all_to_one_scale():
    figure = plots.resizings({"original": np.zeros((40, 80, 3)), "small": np.zeros((20, 20, 3))})
    assert [ax.get_title() for ax in figure.axes] == ["original\n40 × 80", "small\n20 × 20"]
    figure.canvas.draw()
    wide, small = (ax.get_window_extent() for ax in figure.axes)
    assert wide.width / small.width == pytest.approx(4, rel=0.1)


def test_shuffle_buffers_and_harmful_augmentations_can_be_drawn():
    ax = plots.shuffle_buffers({"sorted": [0, 0, 1, 1], "mixed": [0, 1, 0, 1]})
    assert [t.get_text() for t in ax.get_yticklabels()] == ["sorted", "mixed"]
    flower = np.full((10, 10, 3), (250, 200, 20), np.uint8)
    figure = plots.harmful_augmentations(flower)
    drawn = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert np.array_equal(drawn[2], drawn[3][:, ::-1])  # the mirrored pair
    assert not np.array_equal(drawn[0], drawn[1])  # another hue
