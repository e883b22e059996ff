"""The slides: their cells are there, nothing is cut off, and nothing comes from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace

import nbformat
import pytest
from decks_in_browser import pages_of, show, speaker
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_staff.authoring import minutes
from course_staff.site import cells, parts, slides
from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.workspace.lessons import all_lessons

ROOT = settings.course_root()
LESSONS = {path.name[:2]: path for path in all_lessons(ROOT)}
DECKS = parts.data_files("slides")
BOOK = (ROOT / "INSTRUCTORS.md").read_text(encoding="utf-8")
#: Lessons whose slides are complete; the others have at least 8.
IN_FULL = ("01", "04", "07")


def deck(name: str) -> tuple[str, list[slides.Slide]]:
    """Return the deck of a lesson, and its slides after the first."""
    told = slides.advice(name, BOOK)
    chosen = slides.read_slides(DECKS[name])
    return slides.make_deck(parts.read_lesson(LESSONS[name]), chosen, told), chosen


def small_lesson(*cells) -> parts.Lesson:
    """Return a lesson of these cells behind a first one."""
    first = new_markdown_cell(
        "# 99 · Small\n\n- What is it?\n\n**After it you can**\n\n- see", id="a"
    )
    notebook = nbformat.from_dict(new_notebook(cells=[first, *cells]))
    return parts.Lesson("99", notebook, notebook)


@pytest.mark.parametrize("name", sorted(set(DECKS) & set(LESSONS)))
def test_deck(name):
    """Every cell, line and difficulty that a deck names is there; its times are the lesson's."""
    page, chosen = deck(name)
    assert 12 <= len(chosen) + 1 <= 25 if name in IN_FULL else len(chosen) + 1 >= 8
    assert page.count("<section") == len(chosen) + 1
    assert page.count('class="notes"') == len(chosen) + 1
    pictures = re.findall(r"<figure><img alt=\"([^\"]*)\"", page)
    assert pictures
    assert all(pictures), "every figure has a description"
    seconds = sum(int(one) for one in re.findall(r'data-timing="(\d+)"', page))
    lesson = parts.read_lesson(LESSONS[name])
    assert seconds / 60 == pytest.approx(minutes.parts(lesson.notebook, name).total, abs=0.5)
    for what, say in slides.advice(name, BOOK).difficulties.items():
        assert parts.markdown(f"{say}.")[3:-4] in page, f"{what}: not in the notes of {name}"


@pytest.mark.parametrize("name", sorted(set(DECKS) & set(LESSONS)))
def test_an_answer_comes_a_step_after_its_question(name):
    lesson = parts.read_lesson(LESSONS[name])
    shown_at_once = [
        slide.title
        for slide in slides.read_slides(DECKS[name])
        for before in slide.parts[:-1]
        if not slide.steps and "predict" in dict(cells.questions(lesson.cell(before.cell).source))
    ]
    assert not shown_at_once, "set 'steps = true' for these slides"


def test_every_lesson_has_slides():
    missing = set(LESSONS) - set(DECKS)
    assert not missing, f"docs/slides has no file for {sorted(missing)}"


def test_nothing_is_loaded_from_elsewhere():
    """A deck asks no other address: no script, style, font or picture has a source outside."""
    page = re.sub(r"(<script>).*?(</script>)", r"\1\2", deck("01")[0], flags=re.DOTALL)
    assert not re.findall(r"<(?:script|link|img|iframe)[^>]+(?:src|href)=.(?!data:)", page)
    assert not re.search(r"@import|url\((?![\"']?data:)", page)
    for word in ("jquery", "require.js", "MathJax", "mermaid"):
        assert word.lower() not in page.lower()


def test_formulae_are_mathml():
    page, _ = deck("04")
    assert "<math" in page
    assert "$$" not in re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)


def test_decks_are_the_same_each_time():
    assert deck("07")[0] == deck("07")[0]


def test_parts_of_a_text():
    text = "## Head\n\n*Figure: no.*\n\n[here](02_x.ipynb), [there](https://a.b).\n\n- one\n- two"
    assert parts.markdown(text, "list") == "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"
    shown = parts.markdown(text)
    assert "Head" not in shown
    assert "Figure" not in shown
    assert "<span>here</span>" in shown, "links inside the repository lead nowhere from a slide"
    assert '<a href="https://a.b">there</a>' in shown
    assert parts.markdown("a\n\n$$x^2$$", "formula").startswith("<div")
    assert "<a" not in parts.markdown("$a<b$", "formula"), "a formula is no markup"


def test_parts_of_code():
    cell = new_code_cell("a = 1\nif a:\n    b = 2\n    c = 3\n", id="b")
    cell.outputs = [new_output("stream", text="<1>\n")]
    lesson = small_lesson(cell)
    lines = parts.Part("b", "code", first="b = 2", last="c")
    shown = re.sub(r"<[^>]+>", "", parts.render(lesson, lines))
    assert shown == "b = 2\nc = 3"
    assert parts.render(lesson, parts.Part("b", "print")) == '<pre class="output">&lt;1&gt;</pre>'
    assert "&lt;1&gt;" in parts.render(lesson, parts.Part("b"))


@pytest.mark.parametrize(
    ("part", "says"),
    [
        (parts.Part("z"), "Lesson 99 has no cell 'z'"),
        (parts.Part("b", "list"), "one can show all, code, output"),
        (parts.Part("b", "figure"), "nothing to show as 'figure'"),
        (parts.Part("b", first="x = "), "no line that begins with 'x = '"),
    ],
)
def test_wrong_parts(part, says):
    with pytest.raises(InvalidInput, match=re.escape(says)):
        parts.render(small_lesson(new_code_cell("a = 1", id="b")), part)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[slide]\n", "not valid TOML"),
        ("", "has no slide"),
        ("[[slide]]\n", "slide 1: name at least one cell"),
        ("[[slide]]\ncells = ['a b c']\n", "'a b c' names no cell"),
        ("[[slide]]\ncells = [{ show = 'code' }]\n", "names no cell"),
        ("[[slide]]\ncells = ['a']\ncolor = 'red'\n", "slide 1: color is not known"),
    ],
)
def test_wrong_data(tmp_path, text, says):
    (tmp_path / "99.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=re.escape(says)):
        slides.read_slides(tmp_path / "99.toml")


def test_wrong_order_and_difficulty():
    lesson = small_lesson(new_markdown_cell("one", id="b"), new_markdown_cell("two", id="c"))
    b, c = (slides.Slide((parts.Part(name),)) for name in "bc")
    with pytest.raises(InvalidInput, match="begins with b comes too late"):
        slides.make_deck(lesson, [c, b], slides.Advice())
    with pytest.raises(InvalidInput, match="0 difficulties of INSTRUCTORS.md begin with 'no such'"):
        slides.make_deck(lesson, [replace(b, stumble=("no such",))], slides.Advice())


def test_unknown_lesson(tmp_path):
    with pytest.raises(InvalidInput, match="Lesson 77 has no slides"):
        slides.make_slides(tmp_path, ["77"], pdf=False)


def shown_deck(tmp_path, name):
    slides.make_slides(tmp_path, [name], pdf=False, say=lambda _: None)
    seen = show(tmp_path / f"{name}.html")
    assert seen.slides == len(slides.read_slides(DECKS[name])) + 1
    assert not seen.errors
    assert not seen.requests
    assert not seen.faults
    assert not seen.violations


def test_a_deck_in_the_browser(tmp_path):
    """Nothing is cut off, text has 20 pixels or more, and axe finds nothing on any slide."""
    shown_deck(tmp_path, "00")


def test_the_speaker_sees_notes_and_nothing_comes_from_elsewhere(tmp_path):
    slides.make_slides(tmp_path, ["01"], pdf=False, say=lambda _: None)
    seen = speaker(tmp_path / "01.html")
    first, second = seen.notes
    assert re.match(r"Lesson 01: \d+ min of teaching; exercise \d+ min;", first)
    assert re.match(r"Minute 0, about \d+ minutes?\.", second)
    assert "Let somebody read the numbers of one row aloud." in second
    assert not seen.errors
    assert not seen.requests


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted((set(DECKS) & set(LESSONS)) - {"00"}))
def test_decks_in_the_browser(tmp_path, name):
    shown_deck(tmp_path, name)


@pytest.mark.slow
def test_pdf_has_a_page_for_each_slide(tmp_path):
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    slides.make_slides(tmp_path, ["00"], say=lambda _: None)
    count = len(slides.read_slides(DECKS["00"])) + 1
    assert pages_of(tmp_path / "00.pdf") == count
