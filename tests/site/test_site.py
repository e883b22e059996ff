"""The built site: every page in a real browser, its links, its size, and a second build.

All tests share one build, so they stay in one file: the workers of a test run take whole files.
``--all`` opens every page with axe, builds twice, and builds with the other state of the address of
the repository: set, or still the placeholder.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest
from bs4 import BeautifulSoup
from site_in_browser import Browser, browser, served

from course_staff.authoring.addresses import NOT_SET, Addresses, addresses
from course_staff.site import pages, sources
from course_utils import settings
from course_utils.workspace import lessons

ROOT = settings.course_root()
LESSONS = lessons.all_lessons()
KNOWN = addresses(ROOT)
#: Bytes of a page with its figures; and of all that a first visit loads, text as servers pack it.
LARGEST = 1.5e6
#: Width of a phone's window, in pixels.
PHONE = 360

#: Pages that axe looks at in each run; with --all it looks at every page.
SAMPLE = (
    *("index.html", "404.html", "start.html", "topics.html", "api/training.html"),
    *("notebooks/00_start_here.html", "notebooks/05_evaluation.html"),
    "notebooks/09_put_it_to_work.html",
    "exercises/03_building_a_cnn/building_a_cnn.html",
)


def build(out: Path, seed: str = "1", root: Path = ROOT) -> float:
    """Build the site of the course in `root`, and return the seconds that the processor took."""
    environment = os.environ | {"SOURCE_DATE_EPOCH": "0", "PYTHONHASHSEED": seed}
    command = [sys.executable, "-m", "course_staff.site", str(out)]
    before = os.times()
    answer = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr[-3000:]
    after = os.times()
    return after.children_user - before.children_user


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The built site."""
    pytest.importorskip("sphinx", reason="the packages for the site are not installed")
    out = tmp_path_factory.mktemp("build") / "site"
    seconds = build(out)
    assert seconds <= 60, "make site takes too long"
    return out


@pytest.fixture(scope="module")
def open_site(site) -> Iterator[Browser]:
    """A browser on the served site."""
    with served(site, KNOWN.site) as address, browser(address) as opened:
        yield opened


@pytest.fixture(scope="module")
def soups(site) -> dict[str, BeautifulSoup]:
    """Every page, parsed."""
    return {name: parsed(site, name) for name in names_of(site)}


@pytest.fixture(scope="module")
def all_soups(site, soups) -> dict[str, BeautifulSoup]:
    """Every page, slides, handouts and grading examples too."""
    return soups | {name: parsed(site, name) for name in others_of(site)}


def parsed(site: Path, name: str) -> BeautifulSoup:
    return BeautifulSoup((site / name).read_text(encoding="utf-8"), "html.parser")


#: Folders of pages that Sphinx does not make.
OTHERS = ("slides/", "handouts/", "grading_examples/")


def names_of(site: Path) -> list[str]:
    names = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return [name for name in names if not name.startswith(OTHERS)]


def others_of(site: Path) -> list[str]:
    names = (path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return sorted(name for name in names if name.startswith(OTHERS))


# --- every page --------------------------------------------------------------------------------


@dataclass
class Seen:
    """What one visit to each of some pages showed."""

    wrong: dict[str, tuple] = field(default_factory=dict)  # status, errors, addresses elsewhere
    wide: dict[str, int] = field(default_factory=dict)  # pixels, of pages wider than a phone

    def visit(self, names: list[str], open_site: Browser) -> Seen:
        """Open each page; then make the window as narrow as a phone's, and wide again."""
        for name in names:
            visit = open_site.open(name)
            open_site.page.set_viewport_size({"width": PHONE, "height": 700})
            width = open_site.page.evaluate("document.documentElement.scrollWidth")
            open_site.page.set_viewport_size({"width": 1200, "height": 900})
            if width > PHONE:
                self.wide[name] = width
            if visit.errors or open_site.outside() or visit.status != 200:
                self.wrong[name] = (visit.status, visit.errors, open_site.outside())
        return self


@pytest.fixture(scope="module")
def seen(site, open_site, request) -> Seen:
    """Pages that Sphinx makes, visited: one of each kind, or every one with ``--all``."""
    every = request.config.getoption("--all")
    return Seen().visit(names_of(site) if every else SAMPLE, open_site)


def test_pages_open_without_errors_and_ask_nobody_else(site, seen):
    assert not seen.wrong
    assert len(names_of(site)) > 40


def test_no_page_scrolls_sideways_on_a_phone(seen):
    assert not seen.wide


@pytest.mark.slow
def test_slides_handouts_and_examples_open_without_errors(site, open_site):
    assert not Seen().visit(others_of(site), open_site).wrong


def test_slides_handouts_and_examples_load_nothing(all_soups, site):
    """Each is one file: what it shows is in it, and no style asks for more."""
    names = others_of(site)
    assert {name.split("/")[0] + "/" for name in names} == set(OTHERS)
    assert len(names) >= 2 * len(LESSONS)
    loading = {}
    for name in names:
        page = all_soups[name]
        tags = page.find_all(["script", "img", "iframe", "link", "video", "audio", "source"])
        named = [tag.get("src") or tag.get("href") for tag in tags]
        loading[name] = [one for one in named if one and not one.startswith("data:")]
        styles = " ".join(style.get_text() for style in page.find_all("style"))
        loading[name] += re.findall(r"@import[^;]*|url\((?![\"']?data:)[^)]*", styles)
    assert not {name: found for name, found in loading.items() if found}


@pytest.mark.parametrize(
    ("theme", "rules", "names"),
    [("light", None, SAMPLE[::2]), ("dark", ["color-contrast", "link-in-text-block"], SAMPLE[::4])],
)
def test_axe_finds_nothing(open_site, theme, rules, names):
    """In the dark only colors differ; the other rules and pages are for ``--all``."""
    wrong = {}
    for name in names:
        open_site.open(name, theme)
        if found := open_site.violations(rules):
            wrong[name] = found
    assert not wrong


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(site, open_site, theme):
    wrong = {}
    for name in names_of(site):
        open_site.open(name, theme)
        if found := open_site.violations():
            wrong[name] = found
    assert not wrong


def test_every_link_inside_leads_somewhere(site, all_soups):
    soups = all_soups
    ids = {name: {tag["id"] for tag in soup.find_all(id=True)} for name, soup in soups.items()}
    base = urlsplit(KNOWN.site).path
    broken = []
    for name, soup in soups.items():
        for tag in soup.find_all(["a", "link", "img", "script"]):
            target = tag.get("href") or tag.get("src") or ""
            if urlsplit(target).scheme or not target:
                continue
            path, fragment = urldefrag(unquote(target.partition("?")[0]))
            fragment = fragment or unquote(urlsplit(target).fragment)
            path = path.removeprefix(base) if name == "404.html" else path
            where = os.path.normpath(os.path.join(os.path.dirname(name), path)) if path else name
            where = where if name != "404.html" or where != "." else "index.html"
            lost = fragment and where in ids and fragment not in ids[where]
            if lost or not (site / where).is_file():
                broken.append((name, target))
    assert not broken


def test_pages_are_small(site, soups):
    large = {}
    for name, soup in soups.items():
        folder = (site / name).parent
        base = urlsplit(KNOWN.site).path
        named = {tag.get("src") for tag in soup.find_all(["img", "script"], src=True)}
        named |= {tag["href"] for tag in soup.find_all("link", rel="stylesheet")}
        own = (site / name).stat().st_size
        packed = len(gzip.compress((site / name).read_bytes()))
        for source in named:
            if source.startswith("data:"):
                continue
            source = source.partition("?")[0]
            path = site / source.removeprefix(base) if source[0] == "/" else folder / source
            picture = path.suffix in {".png", ".jpeg", ".jpg"}
            own += path.stat().st_size if picture else 0
            packed += path.stat().st_size if picture else len(gzip.compress(path.read_bytes()))
        if max(own, packed) > LARGEST:
            large[name] = (own, packed)
    assert not large


def test_no_page_names_a_path_of_this_machine(site):
    wanted = {str(ROOT), str(Path.home()), sys.executable}
    found = {
        path.relative_to(site).as_posix(): place
        for path in site.rglob("*.*")
        if path.suffix in {".html", ".js", ".json", ".ipynb"}
        for place in wanted
        if re.search(rf"{re.escape(place)}(?![\w.-])", path.read_text(encoding="utf-8"))
    }
    assert not found


def test_every_figure_is_described(all_soups):
    bare = [
        (name, str(image)[:120])
        for name, soup in all_soups.items()
        for image in soup.find_all("img")
        if not image.get("alt", "").strip()
    ]
    assert not bare


def test_formulae_are_mathml_and_nothing_is_left_of_tex(soups):
    assert any(soup.find("math") for soup in soups.values())
    for name, soup in soups.items():
        assert "MathJax" not in str(soup), name
        for tag in soup.find_all("math"):
            assert "\\" not in tag.get_text(), (name, tag)


# --- lessons and exercises ---------------------------------------------------------------------


def test_each_lesson_and_exercise_has_a_page_and_a_notebook_without_outputs(site):
    for path in pages.all_notebooks(ROOT):
        name = path.relative_to(ROOT).as_posix()
        assert (site / name).with_suffix(".html").is_file()
        notebook = json.loads((site / "_sources" / name).read_text(encoding="utf-8"))
        assert not [cell for cell in notebook["cells"] if cell.get("outputs")]
        assert not [cell for cell in notebook["cells"] if lessons.is_hidden(cell)]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_offers_its_notebook(soups, path):
    links = soups[f"notebooks/{path.stem}.html"].select(".article-header-buttons a[href]")
    assert f"../_sources/notebooks/{path.name}" in [link["href"] for link in links]


def test_cells_for_authors_and_answers_are_left_out(soups):
    for path in LESSONS:
        text = " ".join(soups[f"notebooks/{path.stem}.html"].get_text().split())
        assert "widgets.compare" not in text
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            source = " ".join("".join(cell["source"]).split())
            assert not (lessons.is_hidden(cell) and source in text), cell["id"]
    for name, page in soups.items():
        assert "BEGIN SOLUTION" not in page.get_text() or name.endswith("maintainer.html")


def test_what_follows_a_prediction_opens_together(open_site):
    open_site.open("notebooks/00_start_here.html")
    page = open_site.page
    folds = page.locator("details.hide")
    assert folds.count() >= 3
    assert page.locator("details.hide[open]").count() == 0
    folds.first.locator("summary").click()
    page.wait_for_function("document.querySelectorAll('details.hide[open]').length == 2")
    assert page.get_by_text("You noted no prediction.").first.is_visible()
    folds.first.locator("summary").click()
    page.wait_for_function("document.querySelectorAll('details.hide[open]').length == 0")


def test_a_prediction_is_noted_and_judged(open_site):
    open_site.open("notebooks/00_start_here.html")
    page = open_site.page
    asked = page.locator('[data-widget="predict"]').first
    asked.get_by_role("textbox").fill("27648")
    asked.get_by_role("button").click()
    assert "Now show the result below." in asked.inner_text()
    page.locator("details.hide summary").first.click()
    judged = page.locator('[data-widget="compare"]').first
    judged.get_by_text("Right.").wait_for()
    page.evaluate("localStorage.clear()")


def test_the_explorer_of_lesson_01_computes(open_site):
    open_site.open("notebooks/01_convolution_by_hand.html")
    piece = open_site.page.locator('[data-widget="explorer"], [data-widget="explore_convolution"]')
    assert piece.first.locator("button, input, select").count() > 3


def test_terms_of_lessons_lead_to_the_glossary(soups):
    for path in LESSONS:
        links = soups[f"notebooks/{path.stem}.html"].select("a[href*='glossary.html#term-']")
        targets = [link["href"] for link in links]
        assert len(targets) >= 8, path.stem
        assert len(set(targets)) == len(targets), path.stem


# --- the rest of the site ----------------------------------------------------------------------


def test_the_first_page_has_a_card_for_each_lesson(soups):
    cards = soups["index.html"].select(".sd-card")
    assert len(cards) == len(LESSONS)
    for card, path in zip(cards, LESSONS, strict=True):
        assert card.select_one("a")["href"] == f"notebooks/{path.stem}.html"
        if '"image/png"' in path.read_text(encoding="utf-8"):
            assert card.img["alt"]


def test_topics_lead_to_their_cells(soups):
    rows = pages.topics(ROOT)
    links = soups["topics.html"].select("table a[href*='notebooks/'], table a[href*='exercises/']")
    assert len(links) == len(rows)
    with_cell = [link for link in links if "#" in link["href"]]
    assert len(with_cell) >= 0.95 * len(rows)


def test_functions_are_described(soups):
    entry = soups["api/training.html"].find(id="course_utils.training.fit")
    assert entry is not None
    assert "Parameters" in entry.parent.get_text()


# --- the address of the repository -------------------------------------------------------------


def test_what_needs_the_repository_is_there_exactly_when_it_has_an_address(site, soups):
    looks_as_set(site, soups, KNOWN)


@pytest.mark.slow
def test_the_site_with_the_address_in_its_other_state(tmp_path):
    """A site whose repository is set where ours is not, or the other way round."""
    root = tmp_path / "course"
    root.mkdir()
    for path in ROOT.iterdir():
        if path.name in ("course_utils", "course_staff"):
            shutil.copytree(path, root / path.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif path.name not in ("pyproject.toml", ".git", ".venv", "build", "work"):
            (root / path.name).symlink_to(path)
    address = NOT_SET if KNOWN.repository else "https://github.com/Some-Name/some.course"
    settings_file = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    changed = re.sub(r'(?m)^Repository = "[^"]*"', f'Repository = "{address}"', settings_file)
    (root / "pyproject.toml").write_text(changed, encoding="utf-8")
    build(tmp_path / "site", root=root)
    pages_there = {name: parsed(tmp_path / "site", name) for name in names_of(tmp_path / "site")}
    known = addresses(root)
    assert (known.repository is None) == (KNOWN.repository is not None)
    looks_as_set(tmp_path / "site", pages_there, known)


def looks_as_set(site: Path, soups: dict[str, BeautifulSoup], known: Addresses) -> None:
    """Compare buttons and links of a site with the address of the repository, which may be None."""
    is_set = known.repository is not None
    for path in LESSONS:
        page = soups[f"notebooks/{path.stem}.html"]
        links = {link["href"] for link in page.select(".article-header-buttons a[href]")}
        place = urlsplit(known.repository or "").path
        file = f"main/notebooks/{path.name}"
        wanted = {
            f"https://colab.research.google.com/github{place}/blob/{file}",
            f"https://mybinder.org/v2/gh{place}/main?urlpath=lab/tree/notebooks/{path.name}",
            known.repository,
        }
        assert (wanted <= links) if is_set else not [one for one in links if "://" in one]
        assert bool(page.select(".dropdown-launch-buttons")) == is_set
        assert bool(page.select(".dropdown-source-buttons")) == is_set
    code = (
        soups["api/training.html"]
        .find(id="course_utils.training.fit")
        .find("a", href=re.compile(r"/course_utils/training/fitting\.py#L\d+-L\d+$"))
    )
    assert (code is not None) == is_set
    assert code is None or code["href"].startswith(f"{known.repository}/blob/main/")
    start = soups["start.html"].get_text()
    assert f"git clone {known.repository or 'ADDRESS'} course" in start
    assert ("ask whoever gave you" in start) != is_set
    assert bool(soups["start.html"].find(id="binder")) == is_set
    text = sources.on_site("See [the license](LICENSE).", "README.md", ROOT, known)
    linked = f"[the license]({known.repository}/blob/main/LICENSE)" if is_set else "the license"
    assert text == f"See {linked}."
    (first,) = soups["404.html"].select(".navbar-brand.logo")
    assert first["href"] == f"{urlsplit(known.site).path}index.html"
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r'href="[^"]*(OWNER|None/|localhost)', text), path


def test_a_wrong_address_shows_the_way_back(open_site):
    visit = open_site.open("notebooks/99/nothing.html")
    assert visit.status == 404
    assert [e for e in visit.errors if "404" not in e] == []
    assert not open_site.outside()
    page = open_site.page
    assert page.locator("main h1").last.inner_text().startswith("There is no such page")
    assert page.evaluate("getComputedStyle(document.querySelector('.bd-main')).display") == "flex"
    page.get_by_role("link", name="The first page").first.click()
    page.wait_for_load_state()
    assert "Classifying images" in page.locator("main h1").last.inner_text()


def test_search_finds_a_lesson(open_site):
    open_site.open("search.html?q=dropout")
    result = open_site.page.locator("#search-results li a").first
    result.wait_for(timeout=20_000)
    assert "dropout" in open_site.page.locator("#search-results").inner_text().casefold()


def test_the_keyboard_reaches_everything_in_sight(open_site):
    open_site.open("notebooks/00_start_here.html")
    page = open_site.page
    wanted = page.evaluate(
        """() => {
          const all = [...document.querySelectorAll(
            "a[href], button, input, select, summary, [tabindex='0']")];
          window.wanted = new Set(all.filter(one => one.checkVisibility(
            {visibilityProperty: true, contentVisibilityAuto: true}) && !one.disabled
            && one.tabIndex >= 0 && !one.matches("[type=radio]")));
          return window.wanted.size;
        }"""
    )
    assert wanted > 40
    for _ in range(wanted + 40):
        page.keyboard.press("Tab")
        if not page.evaluate("window.wanted.delete(document.activeElement) || window.wanted.size"):
            break
    left = page.evaluate("[...window.wanted].map(one => one.outerHTML.slice(0, 150))")
    assert not left


def test_paper_shows_what_is_folded_cuts_nothing_off_and_has_no_menus(open_site):
    open_site.open("notebooks/01_convolution_by_hand.html")
    page = open_site.page
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.locator("details.hide:not([open])").count() == 0
    assert not page.locator(".bd-sidebar-primary").is_visible()
    assert not page.locator(".bd-header-article").is_visible()
    page.set_viewport_size({"width": 718, "height": 1040})  # A4 between its margins
    cut = page.evaluate(
        """[...document.querySelectorAll(".bd-article pre, .bd-article table, .bd-article img")]
        .filter(box => box.checkVisibility() && (box.scrollWidth > box.clientWidth + 1
          || box.getBoundingClientRect().right > document.documentElement.clientWidth))
        .map(box => box.outerHTML.slice(0, 120))"""
    )
    page.set_viewport_size({"width": 1200, "height": 900})
    assert not cut
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")


#: How lessons and docstrings name a work: by an address, or by authors and year.
ADDRESS = re.compile(r"arxiv\.org/abs/([\d.]+\d)|doi\.org/([^\s)\]\"<>]+\w)|arXiv:([\d.]+\d)")
AUTHORS = re.compile(
    r"\b([A-Z]\w+)(?:, [A-Z]\w+)* (?:et al\.|and others|and [A-Z]\w+),? \(?((?:19|20)\d\d)\b"
)


def test_works_that_lessons_and_docstrings_name_are_in_the_bibliography():
    known = pages.references(ROOT)
    marks = {mark for work in known for mark in work.marks}
    missing = set()
    for where, text in pages.texts(ROOT):
        for address in ADDRESS.findall(text):
            if not marks & set(address):
                missing.add((where, *address))
        for author, year in AUTHORS.findall(text):
            if not any(work.text.startswith(author) and f"({year})" in work.text for work in known):
                missing.add((where, author, year))
    assert not missing


def test_every_reference_is_named_somewhere():
    named_in = [text for _, text in pages.texts(ROOT)]
    unused = [
        one.text
        for one in pages.references(ROOT)
        if not any(mark in text for text in named_in for mark in one.marks)
    ]
    assert not unused


@pytest.mark.slow
def test_a_second_build_gives_the_same_bytes(site, tmp_path):
    build(tmp_path / "site", seed="2")
    assert digests(tmp_path / "site") == digests(site)


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
