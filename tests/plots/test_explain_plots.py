"""The figures of lesson 07, and its dataset with a planted shortcut."""

from __future__ import annotations

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from course_utils import explain, plots
from course_utils.datasets import from_directory
from course_utils.exceptions import InvalidInput


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (3, 24, 24, 3)).astype("uint8")
MAPS = RNG.random((3, 24, 24)).astype("float32")


def _panels(figure):
    return [ax for ax in figure.axes if ax.images]


def test_first_layer_filters_are_drawn_around_gray():
    kernels = np.zeros((5, 3, 3, 3), "float32")
    kernels[0, 1, 1, 0] = -2
    figure = plots.first_layer_filters(kernels, columns=3)
    assert len(_panels(figure)) == 5
    picture = _panels(figure)[0].images[0].get_array()
    np.testing.assert_allclose(picture[0, 0], 0.5)
    np.testing.assert_allclose(picture[1, 1], [0, 0.5, 0.5])
    assert len(_panels(plots.first_layer_filters(RNG.normal(size=(4, 5, 5, 1))))) == 4
    with pytest.raises(InvalidInput, match="first_layer_filters"):
        plots.first_layer_filters(np.zeros((3, 3, 3)))


def test_activation_grid_shows_the_strongest_maps_of_each_layer():
    maps = np.zeros((6, 6, 10), "float32")
    maps[..., 7] = 3
    maps[..., 2] = 1
    figure = plots.activation_grid({"first": maps, "second": maps[::2, ::2]}, IMAGES[0], most=4)
    assert len(_panels(figure)) == 1 + 2 * 4
    assert [text.get_text() for text in _panels(figure)[1].texts] == ["7"]
    with pytest.raises(InvalidInput, match="no feature maps"):
        plots.activation_grid({})


def test_grad_cam_steps_add_up():
    maps = RNG.random((6, 6, 8)).astype("float32")
    weights = RNG.normal(size=8)
    figure = plots.grad_cam_steps(IMAGES[0], maps, weights, "daisy", shown=3)
    panels = _panels(figure)
    assert len(panels) == 3 + 4
    np.testing.assert_allclose(panels[-3].images[0].get_array(), maps @ weights, atol=1e-6)
    assert panels[-1].get_title() == "over the image: daisy"
    plots.grad_cam_steps(IMAGES[0], maps, -np.abs(weights))  # nothing left after ReLU
    with pytest.raises(InvalidInput, match="do not go together"):
        plots.grad_cam_steps(IMAGES[0], maps, weights[:3])


def test_heat_maps_have_a_column_for_each_method():
    boxes = np.tile([[2, 3, 10, 12]], (3, 1))
    figure = plots.heat_maps(
        IMAGES, {"one": MAPS, "two": MAPS * [[[1]], [[0]], [[-1]]]}, ["a", "b", "c"], boxes=boxes
    )
    panels = _panels(figure)[:9]
    assert [ax.get_title() for ax in panels[:3]] == ["image", "one", "two"]
    assert [bool(ax.texts) for ax in panels] == [False] * 5 + [True] + [False] * 2 + [True]
    assert all(len(ax.patches) == 2 for ax in panels)
    assert len(_panels(plots.heat_maps(IMAGES[..., :1], MAPS, color_bar=False))) == 6
    large = RNG.integers(0, 256, (48, 60, 3)).astype("uint8")  # larger than its map
    shown = _panels(plots.heat_maps([large], {"one": [MAPS[0]]}, color_bar=False))[1]
    assert shown.images[0].get_array().shape == (48, 60, 3)
    huge = RNG.integers(0, 256, (480, 600, 1)).astype("uint8")  # drawn smaller, boxes stay right
    shown = _panels(plots.heat_maps([huge], {"one": [MAPS[0]]}, size=1, color_bar=False))[1]
    assert shown.images[0].get_array().shape == (64, 80, 3)
    assert shown.get_xlim() == (-0.5, 599.5)
    with pytest.raises(InvalidInput, match="3 images but 2 maps"):
        plots.heat_maps(IMAGES, MAPS[:2])
    with pytest.raises(InvalidInput, match="a figure has between"):
        plots.heat_maps(IMAGES[:0], MAPS[:0])


def test_class_heat_draws_the_mean_of_each_class():
    figure = plots.class_heat(MAPS, [0, 0, 2], ["daisy", "roses", "tulips"])
    drawn = {ax.get_title(): ax.images for ax in figure.axes[:3]}
    assert list(drawn) == ["daisy (2)", "roses (0)", "tulips (1)"]
    assert not drawn["roses (0)"]
    expected = (MAPS[:2] / MAPS[:2].sum(axis=(1, 2), keepdims=True)).mean(axis=0)
    np.testing.assert_allclose(drawn["daisy (2)"][0].get_array(), expected, rtol=1e-5)


def test_heat_leaves_the_picture_as_bright_as_it_is():
    picture = np.full((1, 10, 10, 3), 150, "uint8")
    heat = np.zeros((1, 10, 10), "float32")
    heat[0, :3, :3] = 1
    shown = _panels(plots.heat_maps(picture, heat))[1].images[0].get_array()
    assert np.abs(shown[5:, 5:].astype(int) - 187).max() <= 6  # pale gray: 90 + 150 · 165 / 255
    red, green, blue = shown[0, 0].astype(int)
    assert red > 200 > 100 > blue  # mostly yellow
    assert green > 200


def test_the_alternative_text_says_where_the_peaks_of_a_class_lie():
    maps = np.zeros((4, 20, 20), "float32")
    maps[[0, 1, 2, 3], [17, 18, 17, 3], [2, 2, 3, 10]] = 1
    figure = plots.class_heat(maps, [0, 0, 0, 1], ["marked", "other"])
    text = figure.get_gid()
    assert "marked, 3 images (peaks around row 17, column 2, half of them at most 1 " in text


def test_lines_and_bars_of_the_checks():
    table = pd.DataFrame({"layer": ["(trained)", "a/head"], "correlation": [1.0, 0.2]})
    ax = plots.randomization({"Grad-CAM": table, "edges": table})
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["(trained)", "head"]
    assert len(ax.lines) == 3

    scores = pd.DataFrame({"peak": [0.5, np.nan], "heat": [0.4, 0.3]}, index=["Grad-CAM", "even"])
    ax = plots.localization(scores)
    assert [text.get_text() for text in ax.texts] == ["50 %", "–", "40 %", "30 %"]
    assert ax.get_yticklabels()[1].get_text() == "even (baseline)"

    curves = {name: {"deletion": [1, 0.5], "insertion": [0, 1]} for name in ("mine", "random")}
    moved = pd.DataFrame({"deletion": [0.4, 0.5], "insertion": [0.7, 0.6]}, index=list(curves))
    moved.attrs["curves"] = curves
    figure = plots.insertion_deletion(moved)
    assert [len(ax.lines) for ax in figure.axes] == [2, 2]
    assert "mine 0.40 and 0.70 and random 0.50 and 0.60." in figure.get_gid()  # as in the table
    with pytest.raises(InvalidInput, match="no curves"):
        plots.insertion_deletion(pd.DataFrame())


@pytest.mark.parametrize("mode", ["rgb", "grayscale"])
def test_the_second_collection_marks_one_class_and_nothing_else(tmp_path, mode):
    from PIL import Image

    for name in ("a", "b", "c"):
        for i in range(12):
            file = tmp_path / name / f"{i}.png"
            file.parent.mkdir(exist_ok=True)
            pixels = RNG.integers(0, 200, (48, 48, 3)).astype("uint8")
            Image.fromarray(pixels).save(file)
    data = from_directory(tmp_path, image_size=48, color_mode=mode, validation=0.2, test=0.2)
    collected = explain.second_collection(data)
    assert list(collected) == ["train", "validation", "test"]
    for split, (images, labels) in collected.items():
        np.testing.assert_array_equal(labels, data.labels(split))
        changed = (images != data.images(split)).any(axis=-1)
        tag = np.zeros((48, 48), bool)
        tag[42:46, 2:6] = True
        assert not changed[labels != 1].any()
        assert (changed[labels == 1] == tag).all()
    small = from_directory(tmp_path, image_size=16, validation=0.2, test=0.2)
    with pytest.raises(InvalidInput, match="at least 24 × 24"):
        explain.second_collection(small)
