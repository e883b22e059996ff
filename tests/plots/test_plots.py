"""Figures: return values, the argument ax=, and alternative texts."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from course_utils import evaluation, plots
from course_utils.evaluation import Predictions
from course_utils.exceptions import InvalidInput
from course_utils.plots import _style

NAMES = ("dandelion", "daisy", "tulips", "sunflowers", "roses")
RNG = np.random.default_rng(3)
IMAGES = RNG.integers(0, 256, (12, 10, 10, 3), dtype=np.uint8)
LABELS = np.arange(12) % 5


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def _predictions(count=60) -> Predictions:
    labels = np.arange(count) % 5
    logits = RNG.normal(0, 1, (count, 5))
    logits[np.arange(count), labels] += 1.5
    return Predictions(
        ids=tuple(map(str, range(count))),
        images=RNG.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8),
        labels=labels,
        probabilities=evaluation.softmax(logits),
        class_names=NAMES,
    )


PREDICTIONS = _predictions()
COUNTS = pd.DataFrame(
    {"train": [300, 280, 9], "validation": [40, 38, 2], "test": [60, 0, 1]},
    index=pd.Index(["dandelion", "daisy", "roses"], name="class"),
)
COUNTS["total"] = COUNTS.sum(axis=1)
COUNTS.loc["total"] = COUNTS.sum()
HISTORY = {
    "loss": [1.6, 1.1, 0.8, 0.5, 0.3, 0.2],
    "val_loss": [1.5, 1.2, 1.0, 1.1, 1.3, 1.6],
    "accuracy": [0.3, 0.5, 0.7, 0.8, 0.9, 0.95],
    "val_accuracy": [0.3, 0.5, 0.6, 0.6, 0.6, 0.6],
}

ONE_AXES = {
    "class_counts": lambda ax: plots.class_counts(COUNTS, ax=ax),
    "pipeline_timing": lambda ax: plots.pipeline_timing({"slow": 100, "fast": 900}, ax=ax),
    "pipeline_timeline": lambda ax: plots.pipeline_timeline(ax=ax),
    "confusion_matrix": lambda ax: plots.confusion_matrix(PREDICTIONS, ax=ax),
    "per_class_bars": lambda ax: plots.per_class_bars(PREDICTIONS, ax=ax),
    "top_k": lambda ax: plots.top_k(PREDICTIONS, ax=ax),
    "calibration": lambda ax: plots.calibration(PREDICTIONS, ax=ax),
}
WHOLE_FIGURES = {
    "image_grid": lambda: plots.image_grid(IMAGES, LABELS, NAMES),
    "class_examples": lambda: plots.class_examples(_Dataset(), 3),
    "pixel_values": lambda: plots.pixel_values(IMAGES[0], 2, 3, 5),
    "one_vs_rest": lambda: plots.one_vs_rest(PREDICTIONS, "roses"),
    "probability_bars": lambda: plots.probability_bars(
        IMAGES[0], PREDICTIONS.probabilities[0], NAMES, true="daisy"
    ),
    "predictions_grid": lambda: plots.predictions_grid(PREDICTIONS),
    "diagnosis": lambda: plots.diagnosis(HISTORY, num_classes=5),
}


class _Dataset:
    class_names = NAMES

    def labels(self, split):
        return LABELS

    def images(self, split):
        return IMAGES

    def describe(self):
        return COUNTS


def texts(thing) -> str:
    """Return all texts in a figure or axes."""
    found = [t.get_text() for t in thing.findobj(matplotlib.text.Text)]
    return "\n".join(text for text in found if text)


# ---------------------------------------------------------------------------- the whole package


def test_every_exported_function_exists_and_is_documented():
    for name in plots.__all__:
        thing = getattr(plots, name)
        if callable(thing):
            assert inspect.getdoc(thing), name
        assert name in dir(plots)
    with pytest.raises(AttributeError, match="has no 'piechart'"):
        _ = plots.piechart


def test_functions_that_take_ax_draw_into_it_and_return_it():
    """The functions whose arguments are defined here; other test files cover the rest."""
    for name, draw in ONE_AXES.items():
        assert "ax" in inspect.signature(getattr(plots, name)).parameters, name
        figure, axes = plt.subplots(1, 2)
        assert draw(axes[1]) is axes[1], name
        assert not axes[0].has_data(), name
        assert plt.get_fignums() == [figure.number], f"{name} opened a second figure"
        plt.close("all")


@pytest.mark.parametrize("name", ONE_AXES)
def test_functions_make_axes_of_their_own(name):
    ax = ONE_AXES[name](None)
    assert isinstance(ax, Axes)
    assert len(plt.get_fignums()) == 1
    ax.figure.canvas.draw()
    assert texts(ax)


@pytest.mark.parametrize("name", WHOLE_FIGURES)
def test_functions_that_draw_several_axes_return_the_figure(name):
    figure = WHOLE_FIGURES[name]()
    assert isinstance(figure, Figure)
    assert len(plt.get_fignums()) == 1
    figure.canvas.draw()
    assert texts(figure)


def test_every_figure_is_drawn_by_a_test_of_this_room():
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    drawn = set(re.findall(r"plots\.(\w+)\(", tests))
    colors = {name for name in plots.__all__ if name.isupper()}
    assert not set(plots.__all__) - drawn - colors - {"new_axes"}


def test_no_figure_is_shown_by_a_helper():
    for where in set(plots._WHERE.values()):
        source = inspect.getsource(import_module(f"course_utils.plots.{where}"))
        assert "plt.show" not in source, where


def test_figures_need_no_tensorflow():
    code = (
        "import sys, numpy as np, matplotlib; matplotlib.use('Agg')\n"
        "from course_utils import plots, evaluation\n"
        "i = np.zeros((4, 8, 8, 3), np.uint8)\n"
        "p = evaluation.Predictions(tuple('abcd'), i, np.arange(4) % 2, np.eye(2)[[0, 1, 1, 1]], "
        "('x', 'y'))\n"
        "plots.image_grid(i); plots.drawing('roadmap'); plots.confusion_matrix(p)\n"
        "plots.calibration(p); plots.predictions_grid(p); plots.top_k(p); plots.per_class_bars(p)\n"
        "plots.diagnosis({'loss': [1.0] * 5, 'val_loss': [1.0] * 5})\n"
        "bad = {'tensorflow', 'keras'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_palette_can_be_told_apart():
    """Neighbors in the palette differ in lightness, so that they differ without color too."""
    assert len(set(_style.PALETTE)) == len(_style.PALETTE) >= 8

    def lightness(color):
        red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return 0.2126 * red**2.2 + 0.7152 * green**2.2 + 0.0722 * blue**2.2

    for colors in (_style.PALETTE, _style.VARIANTS):
        first, second = map(lightness, colors[:2])
        assert abs(first - second) > 0.2
    assert len(set(_style.VARIANTS)) == len(_style.VARIANTS) >= 6
    assert len(set(_style.LINE_STYLES)) >= 3


SCORES = pd.DataFrame({"all": [0.9, 0.4], "some": [0.8, 0.5]}, index=["one way", "another"])
RUNS = pd.DataFrame(
    [(20, 100, "a", 0.8), (20, 100, "b", 0.4), (50, 250, "a", 0.8), (50, 250, "b", 0.5)],
    columns=["per class", "pictures", "way", "test accuracy"],
)
INSPECTED = pd.DataFrame({"inspected": [1, 2], "found": [1, 2], "recall": [0.5, 1.0]})
INSPECTED["precision"] = 1.0
COMPARED = {  # figures that compare things that are no splits
    "several histories": lambda: plots.history({"a": HISTORY, "b": HISTORY, "c": HISTORY}),
    "curves": lambda: plots.compare_curves({"a": HISTORY, "b": HISTORY}, "loss"),
    "schedules": lambda: plots.schedules({"a": [1, 2], "b": [2, 1]}),
    "cross-entropy": lambda: plots.cross_entropy({"sure": 0.9}),
    "localization": lambda: plots.localization(SCORES),
    "few pictures": lambda: plots.few_pictures(RUNS),
    "sweeps": lambda: plots.sweeps({("rate", 0.1): HISTORY, ("rate", 1): HISTORY}),
    "precision, recall, F1": lambda: plots.per_class_bars(PREDICTIONS),
    "four kinds": lambda: plots.one_vs_rest(PREDICTIONS, "roses"),
    "layers": lambda: plots.parameter_bars({"net": _network()}),
    "answered": lambda: plots.answered(PREDICTIONS, 0.5),
    "inspection": lambda: plots.inspection_curve(INSPECTED, 0.5),
    "drift": lambda: plots.drift(pd.DataFrame({"not sure": [0.2, 0.3], "accuracy": [0.9, 0.8]})),
    "base and head": lambda: plots.base_and_head(IMAGES[0], (4, 4, 8), 10, NAMES),
}
SPLITS = {
    "history": lambda: plots.history(HISTORY),
    "diagnosis": lambda: plots.diagnosis(HISTORY, num_classes=5),
    "counts": lambda: plots.class_counts(COUNTS),
    "fine-tuning": lambda: plots.fine_tuning(HISTORY, HISTORY),
}


def _network():
    import keras

    inputs = keras.Input((8, 8, 3))
    maps = keras.layers.Conv2D(2, 3)(inputs)
    return keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Flatten()(maps)))


def _colors(drawn) -> set[str]:
    """Return the colors of all lines, bars and marks of a figure."""
    figure = drawn.figure
    found = [line.get_color() for line in figure.findobj(matplotlib.lines.Line2D)]
    for patch in figure.findobj(matplotlib.patches.Patch):
        found += [patch.get_facecolor(), patch.get_edgecolor()]
    for marks in figure.findobj(matplotlib.collections.Collection):
        found += [*marks.get_facecolor(), *marks.get_edgecolor()]
    return {to_hex(color).upper() for color in found}


@pytest.mark.parametrize("name", COMPARED)
def test_blue_and_orange_stand_for_training_and_validation_only(name):
    assert not _colors(COMPARED[name]()) & set(_style.PALETTE[:2])


@pytest.mark.parametrize("name", SPLITS)
def test_training_is_blue_and_validation_orange(name):
    assert _colors(SPLITS[name]()) >= set(_style.PALETTE[:2])


@pytest.mark.parametrize("name", [*ONE_AXES, *WHOLE_FIGURES])
def test_figures_describe_themselves(name):
    drawn = ONE_AXES[name](None) if name in ONE_AXES else WHOLE_FIGURES[name]()
    text = drawn.figure.get_gid()
    assert text.endswith(".")
    assert text[0].isupper() or text[0].isdigit()
    assert "\n" not in text


def test_the_descriptions_hold_the_numbers_of_the_figure():
    assert "dandelion 400" in plots.class_counts(COUNTS).figure.get_gid()
    assert (
        "slow: 100; fast: 900 (9.0 ×)"
        in plots.pipeline_timing({"slow": 100, "fast": 900}).figure.get_gid()
    )
    matrix = pd.DataFrame([[5, 2], [1, 4]], index=["cat", "dog"], columns=["cat", "dog"])
    text = plots.confusion_matrix(matrix).figure.get_gid()
    assert "cat predicted as dog (2)" in text
    right = plots.confusion_matrix(matrix * np.eye(2, dtype=int)).figure.get_gid()
    assert "no mistake" in right
    assert "diagnosis: overfitting" in plots.diagnosis(HISTORY, num_classes=5).get_gid()
    assert "validation loss 1.60" in plots.history(HISTORY).get_gid()
    mistakes = int((~PREDICTIONS.correct[:12]).sum())
    assert f"{mistakes} of them" in plots.predictions_grid(PREDICTIONS).get_gid()


def test_a_description_replaces_the_text_of_the_function():
    ax = plots.describe(plots.top_k(PREDICTIONS), "Three bars.")
    assert ax.figure.get_gid() == "Three bars."


def test_the_texts_of_several_panels_follow_one_another():
    figure, (left, right) = plt.subplots(1, 2)
    _style.described(left, "Left.")
    _style.described(right, "Right.")
    assert _style.described(right, "Right.") is right
    assert figure.get_gid() == "Left. Right."
    part = plt.figure().subfigures(1, 2)[1]
    plots.describe(part.subplots(), "Inside.")
    assert plt.gcf().get_gid() == "Inside."


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], "nothing"),
        (["a"], "a"),
        (("a", 2), "a and 2"),
        ({"a": 1, "b": 2, "c": 3}, "a, b and c"),
    ],
)
def test_names_are_listed(names, text):
    assert _style.listed(names) == text


# ------------------------------------------------------------------------------------- pictures


def test_image_grid_shows_the_pictures_as_they_are():
    figure = plots.image_grid(IMAGES, LABELS, NAMES, columns=5)
    shown = [ax for ax in figure.axes if ax.images]
    assert len(shown) == 12
    for i, ax in enumerate(shown):
        np.testing.assert_array_equal(ax.images[0].get_array(), IMAGES[i])
        assert ax.get_title() == NAMES[LABELS[i]]
    floats = plots.image_grid(IMAGES.astype("float32"))
    np.testing.assert_array_equal(floats.axes[3].images[0].get_array(), IMAGES[3])


def _same():
    import keras

    return keras.layers.Identity()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.image_grid(IMAGES[:2], LABELS[:2], NAMES),
        lambda: plots.image_grid(IMAGES[:3], titles=["two\nlines"] * 3, title="all"),
        lambda: plots.image_grid(IMAGES, LABELS, NAMES, columns=8),
        lambda: plots.predictions_grid(PREDICTIONS),
        lambda: plots.predictions_grid(PREDICTIONS, range(2)),
        lambda: plots.augmentation_grid(IMAGES[0], {"a name of some length": _same()}, 5),
        lambda: plots.augmentation_grid(IMAGES[0], _same(), times=2),
        lambda: plots.pixel_values(IMAGES[0], 2, 3),
        lambda: plots.pixel_values(IMAGES[0, ..., 0], 2, 3),
    ],
)
def test_pictures_are_large_enough_to_be_seen(draw):
    figure = draw()
    figure.set_dpi(100)
    figure.canvas.draw()
    assert 640 <= figure.get_tightbbox().width * 100 <= 1200
    assert min(ax.images[0].get_window_extent().width for ax in figure.axes if ax.images) >= 120


def test_a_single_picture_is_not_blown_up_and_a_given_size_is_kept():
    alone = plots.image_grid(IMAGES[:1], LABELS[:1], NAMES)
    small = plots.image_grid(IMAGES, LABELS, NAMES, size=0.5)
    assert alone.get_size_inches()[0] < 4
    assert small.get_size_inches()[0] == pytest.approx(6 * 0.6)


def test_a_photograph_is_drawn_with_fewer_pixels_in_its_own_coordinates():
    photograph = np.zeros((3000, 4000), np.uint8)
    photograph[:, 2000:] = 200
    (ax,) = plots.image_grid([photograph], boxes=[[2000, 0, 4000, 3000]]).axes
    drawn = ax.images[0].get_array()
    assert drawn.shape == (750, 1000)
    assert (drawn[:, :500] == 0).all()
    assert (drawn[:, 500:] == 200).all()
    assert ax.get_xlim() == (-0.5, 3999.5)
    assert ax.get_ylim() == (2999.5, -0.5)


def test_image_grid_takes_gray_pictures_of_any_size_names_shares_and_boxes():
    mixed = [np.zeros((4, 6), np.uint8), np.full((9, 3, 1), 200.0), IMAGES[0]]
    figure = plots.image_grid(
        mixed, ["a", "b", "c"], boxes=[[0, 0, 2, 2]] * 3, title="three pictures"
    )
    assert [ax.get_title() for ax in figure.axes] == ["a", "b", "c"]
    assert figure.axes[1].images[0].get_clim() == (0, 255)  # a gray image is not stretched
    assert len(figure.axes[0].patches) == 2
    assert "three pictures" in texts(figure)
    mixed_up = plots.image_grid(IMAGES[:2], [[0, 1, 0, 0, 0], [0.7, 0, 0, 0, 0.3]], NAMES)
    assert mixed_up.axes[0].get_title() == "daisy"
    assert mixed_up.axes[1].get_title() == "0.70 dandelion\n0.30 roses"


def test_values_outside_0_to_255_are_cut_off_and_do_not_wrap():
    shown = plots.image_grid([np.full((2, 2, 3), 300.0), np.full((2, 2, 3), -40.0)])
    assert (shown.axes[0].images[0].get_array() == 255).all()
    assert (shown.axes[1].images[0].get_array() == 0).all()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"images": []}, "no image to show"),
        ({"images": IMAGES, "labels": [1, 2]}, "12 images but 2 labels"),
        ({"images": IMAGES[:1], "labels": [5], "class_names": NAMES}, "label 5 has no class name"),
        ({"images": IMAGES / 255}, "between 0 and 1"),
        ({"images": np.zeros((151, 2, 2), np.uint8)}, "too many for one figure"),
        ({"images": np.zeros((2, 3, 3, 2), np.uint8)}, "1, 3 or 4 channels"),
        ({"images": np.full((1, 2, 2), np.nan)}, "not numbers"),
        ({"images": IMAGES, "columns": 0}, "at least 1"),
    ],
)
def test_image_grid_refuses(arguments, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        plots.image_grid(**arguments)


def test_class_examples_show_each_class_in_its_row():
    figure = plots.class_examples(_Dataset(), 3)
    rows = np.array(figure.axes, dtype=object).reshape(5, 3)
    for k, row in enumerate(rows):
        assert row[0].get_ylabel() == NAMES[k]
        wanted = IMAGES[k == LABELS][:3]
        assert [bool(ax.images) for ax in row] == [True] * len(wanted) + [False] * (3 - len(wanted))
        np.testing.assert_array_equal(row[0].images[0].get_array(), wanted[0])
    with pytest.raises(InvalidInput, match="too many"):
        plots.class_examples(_Dataset(), 40)


def test_pixel_values_writes_the_numbers_of_each_channel():
    figure = plots.pixel_values(IMAGES[0], 2, 3, 4)
    assert figure.axes[0].get_title() == f"{IMAGES.shape[1]} × {IMAGES.shape[2]} pixels"
    for c, ax in enumerate(figure.axes[1:]):
        written = [int(t.get_text()) for t in ax.texts]
        assert written == IMAGES[0, 2:6, 3:7, c].ravel().tolist()
    assert len(plots.pixel_values(IMAGES[0, ..., 0], 0, 0).axes) == 2
    with pytest.raises(InvalidInput, match="does not lie in the image"):
        plots.pixel_values(IMAGES[0], 8, 0)


def test_augmentation_grid_shows_original_and_versions():
    import keras

    flip = keras.layers.RandomFlip("horizontal", seed=1)
    figure = plots.augmentation_grid(IMAGES[0], {"flip": flip, "again": flip}, times=3)
    rows = np.array(figure.axes, dtype=object).reshape(2, 4)
    np.testing.assert_array_equal(rows[0, 0].images[0].get_array(), IMAGES[0])
    possible = [IMAGES[0].tolist(), IMAGES[0][:, ::-1].tolist()]
    assert all(ax.images[0].get_array().tolist() in possible for ax in rows[:, 1:].flat)
    assert rows[1, 0].get_ylabel() == "again"
    assert figure.get_gid() == "One image, as the original and augmented: flip and again."
    alone = plots.augmentation_grid(IMAGES[0], flip, times=2).get_gid()
    assert alone == "One image, as the original and augmented."

    def halves(images, labels):
        return (images + images[::-1]) / 2, (labels + labels[::-1]) / 2

    figure = plots.augmentation_grid(
        IMAGES[:4], {"half": halves}, 4, labels=[0, 1, 2, 3], class_names=NAMES
    )
    assert "0.50 dandelion\n0.50 sunflowers" in texts(figure)
    with pytest.raises(InvalidInput, match="needs a batch of images"):
        plots.augmentation_grid(IMAGES[:4], halves)


# -------------------------------------------------------------------------------------- counts


def test_class_counts_show_every_count_and_not_the_total():
    ax = plots.class_counts(_Dataset())
    widths = [[bar.get_width() for bar in bars] for bars in ax.containers]
    assert widths == [[300, 280, 9], [40, 38, 2], [60, 0, 1]]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["dandelion", "daisy", "roses"]
    assert ax.get_xlabel() == "number of images"
    assert len({bars[0].get_hatch() for bars in ax.containers}) == 3  # not by color alone
    with pytest.raises(InvalidInput, match="no column 'test'"):
        plots.class_counts(COUNTS.drop(columns="test"))


def test_pipeline_figures():
    ax = plots.pipeline_timing({"slow": 100, "fast": 900})
    assert "9.0 ×" in texts(ax)
    assert ax.get_xlabel() == "images per second"
    timeline = plots.pipeline_timeline(prepare=2, train=3, steps=4)
    assert "ends at 20" in texts(timeline)  # 4 · (2 + 3)
    assert "ends at 14" in texts(timeline)  # 2 + 4 · 3
    for wrong in ({}, {"a": 0.0}, {"a": float("nan")}):
        with pytest.raises(InvalidInput):
            plots.pipeline_timing(wrong)
    with pytest.raises(InvalidInput):
        plots.pipeline_timeline(prepare=0)


@pytest.mark.parametrize(
    "draw",
    [
        lambda: plots.resizings({}),
        lambda: plots.shuffle_buffers({}),
        lambda: plots.pipeline_timing({}),
        lambda: plots.descent({}),
        lambda: plots.sweeps({}),
        lambda: plots.parameter_bars({}),
        lambda: plots.augmentation_grid(IMAGES[0], {}),
    ],
)
def test_nothing_to_draw_is_refused(draw):
    with pytest.raises(InvalidInput, match="give at least one"):
        draw()


# ------------------------------------------------------------------------------------ evaluation


def test_confusion_matrix_shows_counts_or_shares():
    counts = evaluation.confusion_matrix(PREDICTIONS)
    ax = plots.confusion_matrix(PREDICTIONS)
    assert [int(t.get_text()) for t in ax.texts] == counts.to_numpy().ravel().tolist()
    assert ax.get_xlabel() == "predicted class"
    assert ax.get_ylabel() == "true class"
    shares = plots.confusion_matrix(counts, normalize="true")
    assert shares.texts[0].get_text() == f"{counts.iloc[0, 0] / counts.iloc[0].sum():.2f}"
    empty = counts.copy()
    empty.iloc[2] = 0
    dashes = [t for t in plots.confusion_matrix(empty, "true").texts if t.get_text() == "–"]
    assert [t.get_position()[1] for t in dashes] == [2.5] * 5
    many = pd.DataFrame(np.eye(30, dtype=int))
    assert not plots.confusion_matrix(many).texts  # no space for 900 numbers
    with pytest.raises(InvalidInput):
        plots.confusion_matrix(counts, "pred")


def test_one_vs_rest_adds_up():
    matrix = evaluation.confusion_matrix(PREDICTIONS)
    figure = plots.one_vs_rest(matrix, "tulips")
    tp, row, column = matrix.iloc[2, 2], matrix.iloc[2].sum(), matrix.iloc[:, 2].sum()
    words = texts(figure.axes[1])
    for name, value in (("TP", tp), ("FN", row - tp), ("FP", column - tp)):
        assert f"{name} = {value}\n" in words
    assert f"TN = {len(PREDICTIONS) - row - column + tp}\n" in words
    assert f"recall = TP / (TP + FN) = {tp} / {row} = {tp / row:.2f}" in words
    assert texts(figure.axes[0]).count("FN\n") == 4
    with pytest.raises(InvalidInput, match="no class 'violets'"):
        plots.one_vs_rest(PREDICTIONS, "violets")


def test_per_class_bars_show_the_report():
    report = evaluation.classification_report(PREDICTIONS)
    ax = plots.per_class_bars(report)
    widths = [[bar.get_width() for bar in bars] for bars in ax.containers]
    expected = report.drop(index="weighted average")[["precision", "recall", "f1"]].to_numpy().T
    np.testing.assert_allclose(widths, expected)
    never = Predictions(("a", "b"), IMAGES[:2], np.array([0, 1]), np.eye(2)[[0, 0]], ("cat", "dog"))
    with pytest.warns(UserWarning, match="never predicted"):
        assert "not defined" in texts(plots.per_class_bars(never))


def test_calibration_shows_accuracy_and_counts():
    found = evaluation.calibration(PREDICTIONS)
    ax = plots.calibration(found, title="before")
    words = texts(ax)
    assert f"ECE {found.ece:.3f}" in words
    assert "before" in words
    for count in found.table["count"][found.table["count"] > 0]:
        assert str(count) in words
    assert ax.get_xlabel() == "confidence"


def test_predictions_grid_tells_right_from_wrong_without_color():
    figure = plots.predictions_grid(PREDICTIONS, range(12))
    for i, ax in enumerate(figure.axes[:12]):
        right = PREDICTIONS.correct[i]
        assert ax.get_title().startswith("✓" if right else "✗")
        assert ("true: " in ax.get_title()) != right
        line = ax.spines["left"].get_linestyle()
        assert (line == "-") == right
        assert to_hex(ax.spines["left"].get_edgecolor()).upper() in _style.PALETTE


def test_predictions_grid_chooses():
    def shown(which, count=60):
        figure = plots.predictions_grid(PREDICTIONS, which, count)
        return {ax.get_title()[0] for ax in figure.axes if ax.images}

    assert shown("wrong") == {"✗"}
    assert shown("right") == {"✓"}
    figure = plots.predictions_grid(PREDICTIONS, "most certain mistakes", 3)
    wrong = PREDICTIONS.select(~PREDICTIONS.correct)
    assert f"{wrong.confidence.max():.2f}" in figure.axes[0].get_title()
    assert len(plots.predictions_grid(PREDICTIONS, "random", 5).axes) == 5
    with pytest.raises(InvalidInput, match="it can be 'first'"):
        plots.predictions_grid(PREDICTIONS, "best")
    with pytest.raises(InvalidInput, match="no image to show"):
        plots.predictions_grid(PREDICTIONS.select(PREDICTIONS.correct), "wrong")
    with pytest.raises(InvalidInput, match="columns is 0"):
        plots.predictions_grid(PREDICTIONS, columns=0)
    with pytest.raises(InvalidInput, match="positions are 0 to 59"):
        plots.predictions_grid(PREDICTIONS, [60])


def test_predictions_grid_of_new_pictures_shows_no_judgment():
    unknown = Predictions(("a",), IMAGES[:1], [-1], [[0.2, 0.8]], ("cat", "dog"))
    assert "wrong" not in plots.predictions_grid(unknown, "random").get_gid()
    title = plots.predictions_grid(unknown).axes[0].get_title()
    assert title == "dog 0.80"


def test_probability_bars():
    figure = plots.probability_bars(IMAGES[0], [0.1, 0.6, 0.1, 0.1, 0.1], NAMES, true=2)
    assert "tulips (true)" in texts(figure)
    bars = figure.axes[1].containers[0]
    assert [bar.get_width() for bar in bars] == [0.1, 0.6, 0.1, 0.1, 0.1]
    with pytest.raises(InvalidInput, match="may be logits"):
        plots.probability_bars(IMAGES[0], [2.0, -1.0, 0, 0, 0], NAMES)
    with pytest.raises(InvalidInput, match="5 class names"):
        plots.probability_bars(IMAGES[0], [0.5, 0.5], NAMES)


def test_diagnosis_marks_the_best_epoch_and_the_gap():
    figure = plots.diagnosis(HISTORY, num_classes=5)
    words = texts(figure)
    assert "overfitting" in words
    assert "best epoch: 3" in words
    found = evaluation.diagnose(HISTORY, num_classes=5)
    assert f"gap\n{found.evidence['loss_gap']:.2f}" in words
    assert f"gap\n{found.evidence['accuracy_gap']:.2f}" in words
    assert "guessing" in words
    train, validation = figure.axes[0].lines[:2]
    assert train.get_linestyle() != validation.get_linestyle()
    assert train.get_marker() != validation.get_marker()
    only_loss = {name: HISTORY[name] for name in ("loss", "val_loss")}
    assert len(plots.diagnosis(only_loss).axes) == 1
    broken = {"loss": [1.0, np.nan], "val_loss": [np.nan, np.nan]}
    assert "learning rate too high" in texts(plots.diagnosis(broken))
    assert plots.diagnosis({"loss": [9e5, 1, 1, 1], "val_loss": [1.0] * 4}).axes[
        0
    ].get_yscale() == ("log")
    plots.diagnosis({"loss": [1.0], "val_loss": [1.1]}).canvas.draw()


# ------------------------------------------------------------------------- lesson 06


def test_suspect_grid_tells_wrong_labels_by_word_and_frame():
    rows = [(str(i), i, "daisy", 0.1, "roses", 0.8) for i in range(3)]
    columns = ["id", "position", "label", "p_label", "suggested", "p_suggested"]
    suspects = pd.DataFrame(rows, columns=columns)
    figure = plots.suspect_grid(suspects, PREDICTIONS, wrong_ids={"1"})
    titles = [ax.get_title().splitlines() for ax in figure.axes]
    assert titles[1] == ["label: daisy 0.10", "roses 0.80?", "✗ wrong label"]
    assert [title[-1][0] for title in titles] == ["✓", "✗", "✓"]
    assert [ax.spines["left"].get_linestyle() == "-" for ax in figure.axes] == [False, True, False]
    assert "wrong labels: 1" in figure.get_gid()
    plain = plots.suspect_grid(suspects, PREDICTIONS, 2)
    assert [ax.get_title().count("\n") for ax in plain.axes] == [1, 1]
    with pytest.raises(InvalidInput, match="no image to show"):
        plots.suspect_grid(suspects.head(0), PREDICTIONS)


def test_the_inspection_curve_marks_what_was_found():
    found = np.minimum(np.arange(1, 41), 10)
    curve = pd.DataFrame({"inspected": np.arange(1, 41), "found": found, "recall": found / 10})
    curve["precision"] = found / curve["inspected"]
    ax = plots.inspection_curve(curve, 0.2, others={"another list": (20, 7)})
    assert "20% of the pictures:\n80% found" in texts(ax)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), curve["recall"])
    assert ax.lines[3].get_xdata()[0] == 8
    assert [list(values) for values in ax.lines[4].get_data()] == [[20], [0.7]]
    assert "another list: 20 images inspected, 70% found" in ax.figure.get_gid()


def test_the_tagged_grid_shows_class_answer_and_cause():
    predictions = evaluation.Predictions(
        ids=["a", "b", "c"],
        images=np.zeros((3, 4, 4, 3), np.uint8),
        labels=[0, 1, 1],
        probabilities=[[0.1, 0.9], [0.75, 0.25], [0.6, 0.4]],
        class_names=["daisy", "roses"],
    )
    tags = pd.DataFrame({"id": ["c", "a"], "cause": ["occluded", "no idea"]})
    figure = plots.tagged_grid(predictions, tags, count=3, columns=2)
    titles = [ax.get_title() for ax in figure.axes]
    assert titles[0] == "daisy\n→ roses 0.90\nno idea"
    assert titles[1].endswith("not tagged")
    assert titles[2].endswith("occluded")
    assert "1 no idea, 1 not tagged and 1 occluded" in figure.get_gid()


def test_cleaning_shows_every_run_and_the_means():
    results = pd.DataFrame(
        {"training data": ["as is", "as is", "cleaned"], "test accuracy": [0.7, 0.8, 0.9]}
    )
    ax = plots.cleaning(results)
    assert {"0.750", "0.900"} <= set(texts(ax).splitlines())
    np.testing.assert_allclose(ax.lines[0].get_xdata(), [0.7, 0.8])
    assert ax.figure.get_gid().endswith("Means: as is 0.750 and cleaned 0.900.")
