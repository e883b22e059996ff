"""The model card: what it says, that it fits one page, and that it can be read by everybody."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import image_folders
import numpy as np
import pytest
from widgets.pieces_in_browser import CHROMIUM, OpenPage

from course_utils import datasets, deployment, evaluation
from course_utils.deployment import model_cards
from course_utils.exceptions import InvalidInput


def made(tmp_path, names=("daisy", "roses"), per_class=10):
    """Return a small dataset, and predictions of a test split of six pictures a class."""
    folder = image_folders.tree(tmp_path / "photos", dict.fromkeys(names, per_class))
    data = datasets.from_directory(folder, image_size=16, validation=0.2, test=0.2)
    return data, predictions_of(data.class_names)


def predictions_of(names, right=5, wrong=1, confidence=0.8):
    """Return predictions: of each class some are right, and some are called the next class."""
    count = len(names)
    labels = np.repeat(np.arange(count), right + wrong)
    answers = np.concatenate([[k] * right + [(k + 1) % count] * wrong for k in range(count)])
    rows = np.full((len(labels), count), (1 - confidence) / (count - 1), np.float32)
    rows[np.arange(len(labels)), answers] = confidence
    ids = [f"test/{k}.jpg" for k in range(len(labels))]
    return evaluation.Predictions(ids, np.zeros((len(ids), 8, 8, 3)), labels, rows, tuple(names))


class Texts(HTMLParser):
    """The text of a page, without its style."""

    def __init__(self, html):
        super().__init__()
        self.words, self.style = [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.style = tag == "style"

    def handle_data(self, data):
        if not self.style:
            self.words.append(data)


def text_of(html: str) -> str:
    return " ".join(" ".join(Texts(html).words).split())


def test_the_numbers_are_those_of_the_predictions(tmp_path):
    data, test = made(tmp_path)
    card = deployment.model_card(tmp_path / "card.html", data, test, title="Two flowers")
    text = text_of(card.html)
    assert "Two flowers" in text
    assert "10 of 12 test pictures right" in text
    value, low, high = evaluation.wilson_interval(10, 12)
    assert f"Accuracy {value:.0%}".replace("%", " %") in text
    assert f"{100 * low:.0f} % to {100 * high:.0f} %" in text
    assert "Always answering “daisy” reaches 50 %" in text
    _, low, high = evaluation.wilson_interval(5, 6)
    assert f"daisy 5 of 6 {100 * low:.0f} % to {100 * high:.0f} %" in text
    assert "daisy 6 2 2 roses 6 2 2 together 12 4 4" in text
    assert "daisy called roses (1 picture), roses called daisy (1 picture)" in text
    assert (tmp_path / "card.html").read_text(encoding="utf-8") == card.html


def test_the_threshold_counts_answers_and_right_answers(tmp_path):
    data, test = made(tmp_path)
    rows = test.probabilities.copy()
    rows[:4] = 0.5  # four right ones become unsure
    less = evaluation.Predictions(test.ids, test.images, test.labels, rows, test.class_names)
    text = text_of(deployment.model_card(tmp_path, data, less, threshold=0.7).html)
    assert "Below a confidence of 0.70" in text
    assert "it answers 8 of 12 test pictures, and 6 of these answers are right" in text
    chosen = deployment.Threshold(0.75, 10 / 12, 12, 12)
    assert "it answers 12 of 12" in text_of(
        deployment.model_card(tmp_path, data, test, threshold=chosen).html
    )
    none = text_of(deployment.model_card(tmp_path, data, less, threshold=1.0).html)
    assert "it answers 0 of 12 test pictures." in none
    for never in (None, 0.0):
        card = deployment.model_card(tmp_path, data, less, threshold=never)
        assert "not sure" not in text_of(card.html)


def test_words_are_escaped_and_open_ones_are_named(tmp_path):
    data, test = made(tmp_path)
    words = {"Use & <b>": 'a <script>alert("x")</script>\nsecond line', "Limits": " … ", "Not": "."}
    card = deployment.model_card(
        tmp_path, data, test, title="<i>T</i>", words=words, facts={"a<b": "1 > 0", "n": 3}
    )
    assert "<script>" not in card.html
    assert "<b>" not in card.html
    assert "<i>" not in card.html
    assert 'a <script>alert("x")</script> second line' in text_of(card.html)
    assert card.open == ("Limits", "Not")
    assert text_of(card.html).count("Not written yet.") == 2
    assert (
        str(card) == "The model card model_card.html is written; still to be written: Limits, Not."
    )
    assert repr(card) == str(card)
    assert "srcdoc=" in card._repr_html_()
    assert "<script" not in card._repr_html_()


def test_a_class_without_test_pictures_and_names_in_other_scripts(tmp_path):
    data, _ = made(tmp_path, ("Gänseblümchen", "バラ", "c"))
    test = predictions_of(data.class_names).select(np.arange(12))  # none of the third class
    text = text_of(deployment.model_card(tmp_path, data, test).html)
    assert "バラ no picture" in text or "Gänseblümchen no picture" in text
    assert "no picture" in text


def test_many_classes_show_the_weakest_ones(tmp_path):
    names = [f"class {k:02d}" for k in range(14)]
    data, _ = made(tmp_path, names, per_class=6)
    test = predictions_of(data.class_names)
    rows = test.probabilities.copy()
    rows[test.labels == 12] = 0
    rows[test.labels == 12, 0] = 1  # nothing right in this class
    worse = evaluation.Predictions(test.ids, test.images, test.labels, rows, test.class_names)
    text = text_of(deployment.model_card(tmp_path, data, worse).html)
    assert "class 12 0 of 6" in text
    assert "The 8 classes with the lowest recall; 6 more are not shown." in text
    assert "7 more classes" in text
    assert text.index("class 12 0 of 6") < text.index("5 of 6")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"title": "x" * 81}, "the title has 81 characters, and 80 fit"),
        ({"words": {"Limits": "x" * 1200}}, "all words together have 1,206 characters"),
        ({"facts": {f"f{k}": k for k in range(9)}}, "the facts have 9 rows, and 6 fit"),
        ({"facts": {"row": "x" * 111}}, "the row 'row' has 114 characters"),
        (
            {"heat": {str(k): np.zeros((8, 8, 3), np.uint8) for k in range(5)}},
            "heat has 5 pictures",
        ),
        ({"threshold": 1.5}, "threshold"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, given, says):
    data, test = made(tmp_path)
    with pytest.raises(InvalidInput, match=re.escape(says)):
        deployment.model_card(tmp_path / "card.html", data, test, **given)
    assert not (tmp_path / "card.html").exists()


def test_predictions_of_something_else_are_refused(tmp_path):
    data, _ = made(tmp_path)
    with pytest.raises(InvalidInput, match="The predictions have the classes cat, dog"):
        deployment.model_card(tmp_path, data, predictions_of(("cat", "dog")))
    with pytest.raises(InvalidInput, match="no predictions"):
        deployment.model_card(tmp_path, data, predictions_of(data.class_names).select([]))


def test_the_date_is_that_of_today_but_not_in_stored_lessons(tmp_path, monkeypatch):
    data, test = made(tmp_path)
    assert re.search(
        r"Model card, 20\d\d-\d\d-\d\d\.", deployment.model_card(tmp_path, data, test).html
    )
    monkeypatch.setenv("COURSE_STORED", "1")
    assert "Model card. A classifier" in deployment.model_card(tmp_path, data, test).html


# --- in a browser --------------------------------------------------------------------------------


def fullest(tmp_path):
    """Return a card with as much as is allowed of everything."""
    names = [f"a class with the rather long name {k:02d}" for k in range(12)]
    data, _ = made(tmp_path, names, per_class=6)
    test = predictions_of(data.class_names)
    word = "understanding what it does "
    most = model_cards.MOST
    texts = dict.fromkeys(("For", "Made", "Limits", "Not"), (word * 30)[: most["words"] // 4 - 12])
    captions = [
        f"a class with a long name {k}, called another long one" for k in range(most["heat"])
    ]
    heat = {name: np.asarray(image_folders.photo(k, 224)) for k, name in enumerate(captions)}
    facts = {f"fact number {k}": (word * 9)[: most["fact"] - 20] for k in range(most["facts"])}
    return deployment.model_card(
        tmp_path / "card.html",
        data,
        test,
        title="A classifier with a title that needs all of the room there is for titles of it"[:80],
        words=texts,
        threshold=0.5,
        heat=heat,
        facts=facts,
    )


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed here")
@pytest.mark.parametrize("full", [True, False])
def test_it_fits_one_page_and_everybody_can_read_it(tmp_path, full):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if full:
        card = fullest(tmp_path)
    else:
        data, test = made(tmp_path)
        card = deployment.model_card(tmp_path / "card.html", data, test)
    assert len(card.html) < 150_000
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = OpenPage(browser.new_page(viewport={"width": 794, "height": 1123}))
        opened.page.goto(card.file.as_uri())
        opened.sound()
        pages = opened.page.pdf(prefer_css_page_size=True, print_background=True)
        assert len(re.findall(rb"/Type\s*/Page\b", pages)) == 1
        # The browser makes a page smaller that is too wide; so its size is measured, too.
        opened.page.emulate_media(media="print")
        opened.page.set_viewport_size({"width": 703, "height": 1047})  # A4 without its margins
        root = opened.page.locator("html")
        assert root.evaluate("node => node.scrollWidth") <= 703
        assert root.evaluate("node => node.scrollHeight") <= 1047
        opened.page.emulate_media(media="screen")
        for image in opened.page.locator("img").all():
            assert image.get_attribute("alt")
            assert image.evaluate("node => node.naturalWidth") > 0
        opened.page.set_viewport_size({"width": 360, "height": 800})
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= 360
        browser.close()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed here")
def test_a_notebook_shows_it_in_a_frame(tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    data, test = made(tmp_path)
    card = deployment.model_card(tmp_path, data, test, words={"Use": "quotes \" ' & <b>"})
    page = tmp_path / "notebook.html"
    body = f"<main><h1>Notebook</h1>{card._repr_html_()}</main>"
    page.write_text(
        f"<!doctype html><html lang='en'><title>N</title><body>{body}", encoding="utf-8"
    )
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = OpenPage(browser.new_page())
        opened.page.goto(page.as_uri())
        frame = opened.page.frame_locator("iframe")
        assert frame.locator("h1").inner_text() == "photos"
        assert "quotes \" ' & <b>" in frame.locator("body").inner_text()
        opened.sound()
        browser.close()
