"""Error analysis: what to look at, which labels to doubt, and what a person wrote down."""

from __future__ import annotations

import multiprocessing
import re

import matplotlib
import numpy as np
import pandas as pd
import pytest

from course_utils import datasets, error_analysis, evaluation, plots, training
from course_utils.evaluation import Predictions, softmax
from course_utils.exceptions import InvalidInput

matplotlib.use("Agg")

NAMES = ("cat", "dog", "bird")


def made(count: int = 60, seed: int = 0, side: int = 8) -> Predictions:
    rng = np.random.default_rng(seed)
    return Predictions(
        ids=tuple(f"train/{i:03}.png" for i in range(count)),
        images=rng.integers(0, 256, (count, side, side, 3), dtype=np.uint8),
        labels=rng.integers(0, 3, count),
        probabilities=softmax(rng.normal(0, 2, (count, 3))),
        class_names=NAMES,
    )


def noisy(count: int = 600, wrong: int = 30, seed: int = 1) -> tuple[Predictions, set[str]]:
    """Predictions of a rather good model, and the ids of the labels that were made wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, count)
    logits = rng.normal(0, 1, (count, 3))
    logits[np.arange(count), truth] += 3
    labels = truth.copy()
    chosen = rng.choice(count, wrong, replace=False)
    labels[chosen] = (truth[chosen] + rng.integers(1, 3, wrong)) % 3
    ids = tuple(f"{i}.jpg" for i in range(count))
    images = np.zeros((count, 4, 4, 3), np.uint8)
    return Predictions(ids, images, labels, softmax(logits), NAMES), {ids[i] for i in chosen}


# --------------------------------------------------------------------- what to look at


def test_the_worst_has_the_largest_cross_entropy():
    predictions = made()
    worst = error_analysis.worst_predictions(predictions, limit=None)
    assert not worst.correct.any()
    assert len(worst) == (~predictions.correct).sum()
    entropy = -np.log(worst.probabilities[np.arange(len(worst)), worst.labels])
    assert (np.diff(entropy) <= 1e-6).all()
    all_wrong = -np.log(predictions.probabilities[np.arange(60), predictions.labels])
    assert entropy[0] == pytest.approx(all_wrong[~predictions.correct].max())


def test_the_worst_of_a_class_by_name_or_number():
    predictions = made()
    by_name = error_analysis.worst_predictions(predictions, "dog", limit=3)
    by_number = error_analysis.worst_predictions(predictions, 1, limit=3)
    assert by_name.ids == by_number.ids
    assert (by_name.labels == 1).all()
    assert len(by_name) <= 3


def test_a_model_without_a_mistake_has_no_worst_prediction():
    predictions = made()
    right = predictions.select(predictions.correct)
    assert len(error_analysis.worst_predictions(right)) == 0
    assert len(error_analysis.confused_pairs(right)) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"true_class": "dgo"}, "no class 'dgo'.*did you mean 'dog'"),
        ({"true_class": 3}, "true_class is 3.*from 0 to 2"),
        ({"true_class": -1}, "true_class is -1"),
        ({"limit": 0}, "limit is 0"),
    ],
)
def test_what_cannot_be_picked_is_said(arguments, words):
    with pytest.raises(InvalidInput, match=words):
        error_analysis.worst_predictions(made(), **arguments)


def test_pairs_are_the_confusion_matrix_without_its_diagonal():
    from sklearn.metrics import confusion_matrix

    predictions = made(200)
    pairs = error_analysis.confused_pairs(predictions)
    matrix = confusion_matrix(predictions.labels, predictions.predicted)
    for row in pairs.itertuples():
        i, j = NAMES.index(row.true), NAMES.index(row.predicted)
        assert row.images == matrix[i, j]
        assert row.share == pytest.approx(matrix[i, j] / matrix[i].sum())
        chosen = (predictions.labels == i) & (predictions.predicted == j)
        assert row.confidence == pytest.approx(predictions.confidence[chosen].mean(), rel=1e-5)
    assert pairs["images"].sum() == (~predictions.correct).sum()
    assert pairs["images"].is_monotonic_decreasing


def test_unknown_labels_are_refused():
    made_up = made()
    unknown = Predictions(
        made_up.ids, made_up.images, np.full(60, -1), made_up.probabilities, NAMES
    )
    for function in (
        error_analysis.worst_predictions,
        error_analysis.confused_pairs,
        error_analysis.suspect_labels,
    ):
        with pytest.raises(InvalidInput, match="true classes of these images are unknown"):
            function(unknown)


# --------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    "method", ["self_confidence", "normalized_margin", "confidence_weighted_entropy"]
)
def test_planted_wrong_labels_come_first(method):
    predictions, wrong = noisy()
    suspects = error_analysis.suspect_labels(predictions, method)
    assert set(suspects["id"][: len(wrong)]) & wrong > set()
    curve = error_analysis.inspection_curve(suspects, wrong)
    assert curve["recall"][2 * len(wrong) - 1] > 0.8
    assert curve["recall"].iloc[-1] == 1
    assert curve["precision"].iloc[-1] == pytest.approx(len(wrong) / len(predictions))
    assert suspects["disputed"].sum() > 0.5 * len(wrong)


def test_columns_of_suspects_are_those_of_the_predictions():
    predictions, _ = noisy()
    suspects = error_analysis.suspect_labels(predictions)
    assert suspects["quality"].is_monotonic_increasing
    for row in suspects.head(50).itertuples():
        probabilities = predictions.probabilities[row.position]
        label = NAMES.index(row.label)
        assert predictions.ids[row.position] == row.id
        assert predictions.labels[row.position] == label
        assert row.p_label == pytest.approx(probabilities[label], abs=1e-6)
        others = np.delete(probabilities, label)
        assert row.p_suggested == pytest.approx(others.max(), abs=1e-6)
        assert row.suggested != row.label


def test_disputed_follows_the_rule_of_confident_learning():
    """Northcutt et al. (2021), section 3.1: the thresholds are the mean self-confidences."""
    predictions, _ = noisy(seed=4)
    labels, p = predictions.labels, predictions.probabilities.astype(float)
    thresholds = np.array([p[labels == c, c].mean() for c in range(3)])
    above = np.where(p >= thresholds, p, -1)
    off_diagonal = (above.max(axis=1) >= 0) & (above.argmax(axis=1) != labels)
    suspects = error_analysis.suspect_labels(predictions).sort_values("position")
    np.testing.assert_array_equal(suspects["disputed"], off_diagonal)


def test_a_wrong_list_is_refused():
    predictions, wrong = noisy()
    suspects = error_analysis.suspect_labels(predictions)
    with pytest.raises(InvalidInput, match="nothing to find"):
        error_analysis.inspection_curve(suspects, [])
    with pytest.raises(InvalidInput, match="1 of the 31 wrong labels.*'other.jpg'"):
        error_analysis.inspection_curve(suspects, [*wrong, "other.jpg"])
    with pytest.raises(InvalidInput, match="method is 'margin'"):
        error_analysis.suspect_labels(predictions, "margin")


# --------------------------------------------------------------------- tags


def test_tags_survive_a_restart(tmp_path):
    predictions, file = made(), tmp_path / "new folder" / "tags.csv"
    error_analysis.tag(predictions.ids[0], "occluded", 'leaf, "big"\nand green', file=file)
    error_analysis.tag(predictions.ids[1:3], "mislabeled", predictions=predictions, file=file)
    again = error_analysis.tags(file)
    assert list(again["id"]) == list(predictions.ids[:3])
    assert again["note"][0] == 'leaf, "big"\nand green'
    assert again["true"][1] == NAMES[predictions.labels[1]]
    assert again["predicted"][2] == NAMES[predictions.predicted[2]]
    assert again["confidence"][1] == pytest.approx(predictions.confidence[1], abs=1e-4)
    assert np.isnan(again["confidence"][0])


def test_tagging_again_replaces_and_untag_takes_back(tmp_path):
    file = tmp_path / "tags.csv"
    error_analysis.tag("a", "occluded", file=file)
    error_analysis.tag(["a", "b"], "several objects", file=file)
    assert error_analysis.tags(file).set_index("id")["cause"].to_dict() == {
        "a": "several objects",
        "b": "several objects",
    }
    assert list(error_analysis.untag(["a", "never tagged"], file=file)["id"]) == ["b"]
    assert list(error_analysis.tags(file)["id"]) == ["b"]


def test_tags_of_older_versions_are_read_with_todays_names(tmp_path):
    file = tmp_path / "tags.csv"
    error_analysis.tag(["a", "b"], "mislabeled", file=file)
    error_analysis.tag("c", "several objects", file=file)
    old = file.read_text().replace("mislabeled", "mislabelled").replace("several", "two")
    file.write_text(old)
    assert list(error_analysis.tags(file)["cause"]) == ["mislabeled"] * 2 + ["several objects"]
    assert len(error_analysis.gallery(made(), limit=2, file=file).children) == 2


def test_the_authors_tagged_the_twenty_worst_errors_of_the_lesson_model():
    data = datasets.load("paper_flowers", image_size=96)
    model, _ = training.lesson_model(data, verbose=0)
    worst = error_analysis.worst_predictions(
        evaluation.predict(model, data, split="validation"), limit=20
    )
    tags = error_analysis.example_tags()
    assert set(worst.ids) == set(tags["id"]), "look at the new errors, and tag them again"
    assert set(tags["cause"]) <= set(error_analysis.CAUSES)


def test_without_a_file_the_tags_lie_in_the_work_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_WORK", str(tmp_path / "work"))
    assert len(error_analysis.tags()) == 0
    assert len(error_analysis.untag("a")) == 0
    error_analysis.tag("a", "no idea")
    assert (tmp_path / "work" / "tags.csv").is_file()


@pytest.mark.parametrize(
    ("ids", "cause", "words"),
    [
        ("train/000.png", "mislabelled", "cause is 'mislabelled'.*did you mean 'mislabeled'"),
        ("train/00.png", "occluded", "no picture 'train/00.png'.*did you mean 'train/0"),
    ],
)
def test_wrong_tags_are_refused_and_nothing_is_lost(tmp_path, ids, cause, words):
    predictions, file = made(), tmp_path / "tags.csv"
    error_analysis.tag(predictions.ids[5], "occluded", file=file)
    before = file.read_bytes()
    with pytest.raises(InvalidInput, match=words):
        error_analysis.tag(ids, cause, predictions=predictions, file=file)
    assert file.read_bytes() == before


def test_another_table_is_not_taken_for_tags(tmp_path):
    file = tmp_path / "grades.csv"
    file.write_text("name,grade\nAda,1\n")
    for use in (
        lambda: error_analysis.tags(file),
        lambda: error_analysis.tag("a", "occluded", file=file),
    ):
        with pytest.raises(InvalidInput, match="does not hold tags"):
            use()
    assert file.read_text() == "name,grade\nAda,1\n"


def _tag_ten(job):
    file, start = job
    for i in range(start, start + 10):
        error_analysis.tag(str(i), "occluded", file=file)


@pytest.mark.slow
def test_two_notebooks_at_once_lose_no_tag(tmp_path):
    file = tmp_path / "tags.csv"
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_tag_ten, [(file, 0), (file, 10)])
    assert set(error_analysis.tags(file)["id"]) == {str(i) for i in range(20)}


# --------------------------------------------------------------------- gallery and page


def test_choosing_in_the_gallery_writes_the_tag(tmp_path):
    predictions, file = made(), tmp_path / "tags.csv"
    error_analysis.tag(predictions.ids[1], "several objects", file=file)
    grid = error_analysis.gallery(predictions, limit=3, file=file)
    pictures, menus = zip(*(cell.children for cell in grid.children), strict=True)
    assert len(menus) == 3
    assert '<img alt="picture 2" src="data:image/png;base64,' in pictures[1].value
    assert [menu.description for menu in menus] == ["1", "2", "3"]
    assert menus[1].value == "several objects"
    menus[0].value = "occluded"
    assert error_analysis.tags(file).set_index("id")["cause"][predictions.ids[0]] == "occluded"
    menus[1].value = menus[1].options[0]
    assert list(error_analysis.tags(file)["id"]) == [predictions.ids[0]]


@pytest.mark.parametrize("channels", [1, 3])
def test_the_page_holds_pictures_and_tags(tmp_path, channels):
    predictions = made()
    named = Predictions(
        ids=("a<b>.png", "c.png"),
        images=predictions.images[:2, :, :, :channels],
        labels=predictions.labels[:2],
        probabilities=predictions.probabilities[:2],
        class_names=NAMES,
    )
    file = tmp_path / "tags.csv"
    error_analysis.tag("a<b>.png", "occluded", "<script>", file=file)
    page = error_analysis.export(named, tmp_path / "out", file=file)
    text = page.read_text("utf-8")
    assert text.count("data:image/png;base64,") == 2
    assert "<script>" not in text
    assert "a&lt;b&gt;.png" in text
    assert not re.search(r"(?:src|href)=\"http", text)
    table = pd.read_csv(tmp_path / "out" / "errors.csv", keep_default_na=False)
    assert list(table["cause"]) == ["occluded", ""]
    assert error_analysis.export(named, tmp_path / "out", file=file) == page


def test_nothing_to_show_is_said(tmp_path):
    nothing = made().select([])
    for show in (error_analysis.gallery, lambda p: error_analysis.export(p, tmp_path)):
        with pytest.raises(InvalidInput, match="no picture"):
            show(nothing)


# --------------------------------------------------------------------- figures


def test_the_grid_says_of_each_picture_what_is_known():
    predictions, wrong = noisy()
    suspects = error_analysis.suspect_labels(predictions)
    figure = plots.suspect_grid(suspects, predictions, 8, 4, wrong_ids=wrong)
    titles = [ax.get_title() for ax in figure.axes]
    assert len(titles) == 8
    for title, row in zip(titles, suspects.itertuples(), strict=False):
        assert f"label: {row.label}" in title
        assert ("✗ wrong label" in title) == (row.id in wrong)
    plain = plots.suspect_grid(suspects, predictions, 3)
    assert "wrong" not in plain.axes[0].get_title()
    with pytest.raises(InvalidInput, match="empty"):
        plots.suspect_grid(suspects.head(0), predictions)


def test_the_curve_marks_the_share_that_was_asked_for():
    predictions, wrong = noisy()
    curve = error_analysis.inspection_curve(error_analysis.suspect_labels(predictions), wrong)
    ax = plots.inspection_curve(curve, share=0.1)
    found = curve["recall"][round(0.1 * len(curve)) - 1]
    assert f"10% of the pictures:\n{found:.0%} found" in [text.get_text() for text in ax.texts]


def test_cleaning_draws_every_run_and_the_means():
    results = pd.DataFrame(
        {
            "training data": ["as they are"] * 3 + ["cleaned"] * 3 + ["once"],
            "test accuracy": [0.7, 0.72, 0.71, 0.74, 0.73, 0.78, 0.75],
        }
    )
    ax = plots.cleaning(results)
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "as they are",
        "cleaned",
        "once",
    ]
    runs = [line for line in ax.lines if line.get_marker() not in ("|", "None", None)]
    assert sorted(x for line in runs for x in line.get_xdata()) == sorted(results["test accuracy"])
    assert {"0.710", "0.750"} <= {text.get_text() for text in ax.texts}
