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
    figure = plots.duplicates(quality.report(folder), folder)
    parts = [part for row in [figure.subfigs] for part in np.ravel(row)]
    assert [part.get_suptitle() for part in parts if part.axes] == ["same content"]
    titles = [ax.get_title() for ax in parts[0].axes]
    assert sorted(titles) == ["test/a\ncopy.jpg", "train/a\n1.jpg"]


def test_no_copies_no_figure(folder):
    with pytest.raises(InvalidInput, match="no copies"):
        plots.duplicates(quality.report(folder), folder)


def test_copies_of_chosen_files_only(folder):
    for split, k in (("train", 1), ("train", 2), ("test", 2)):
        original = folder / split / "b" / f"{k}.jpg"
        (original.parent / f"{split}_{k}_copy.jpg").write_bytes(original.read_bytes())
    report = quality.report(folder)
    figure = plots.duplicates(report, folder, files=["train/b/2.jpg"])
    titles = {ax.get_title() for ax in np.ravel(figure.subfigs)[0].axes}
    assert titles == {"train/b\n2.jpg", "train/b\ntrain_2_copy.jpg"}
    assert "1 of the 3 pairs" in figure.get_gid()
    assert "train_2_copy.jpg" in figure.get_gid()
    with pytest.raises(InvalidInput, match="no copy of train/a/0.jpg"):
        plots.duplicates(report, folder, files=["train/b/2.jpg", "train/a/0.jpg"])
    with pytest.raises(InvalidInput, match="no copy of these files"):
        plots.duplicates(report, folder, files=[])


def test_a_file_that_is_cut_off_has_no_size(folder):
    whole = (folder / "train" / "a" / "1.jpg").read_bytes()
    (folder / "train" / "a" / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    assert "8 of 12 images:\n40 × 30" in texts(plots.image_sizes(folder))


def test_pictures_of_the_tree_do_not_overlap(folder):
    ax = plots.folder_tree(folder, per_class=2)
    ax.figure.canvas.draw()
    places = [ax.transData.transform(one.xy) for one in ax.artists]
    assert len(places) == 4
    zoomed = ax.artists[0].offsetbox.get_window_extent()
    for k, one in enumerate(places):
        for other in places[k + 1 :]:
            apart = np.abs(one - other)
            assert apart[0] >= zoomed.width or apart[1] >= zoomed.height


def test_an_x_ray_is_flipped_with_its_letter():
    figure = plots.harmful_augmentations(np.zeros((10, 10, 3), np.uint8))
    (upright, flipped) = (ax for ax in figure.axes if ax.get_facecolor() == (0, 0, 0, 1))
    assert not upright.texts  # a text would stay upright
    heights = [
        ax.transData.transform(ax.patches[-1].get_path().get_extents().corners())[:, 1].mean()
        for ax in (upright, flipped)
    ]
    boxes = [ax.get_window_extent() for ax in (upright, flipped)]
    assert heights[0] > (boxes[0].y0 + boxes[0].y1) / 2
    assert heights[1] < (boxes[1].y0 + boxes[1].y1) / 2


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
