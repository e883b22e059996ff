"""The one setting for the address of the course, while it has its placeholder and later."""

from __future__ import annotations

import re

import pytest

from course_staff.authoring import derived
from course_staff.authoring.addresses import NOT_SET, Addresses, addresses, badges
from course_utils import settings
from course_utils.exceptions import InvalidInput

ROOT = settings.course_root()


def course(tmp_path, repository, site=None):
    """Return a folder whose pyproject.toml sets these addresses."""
    lines = ["[project.urls]", f'Repository = "{repository}"']
    lines += [f'Site = "{site}"'] if site else []
    (tmp_path / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


def test_the_placeholder_is_no_address(tmp_path):
    known = addresses(course(tmp_path, NOT_SET))
    assert known == Addresses(None, "http://localhost:8000/")
    assert known.file("README.md") is None
    assert badges(known) == []


@pytest.mark.parametrize(
    ("given", "repository", "site"),
    [
        ("https://github.com/Ada/cnn", "https://github.com/Ada/cnn", "https://ada.github.io/cnn/"),
        ("https://github.com/a/b.c/", "https://github.com/a/b.c", "https://a.github.io/b.c/"),
        ("https://github.com/a/b.git", "https://github.com/a/b", "https://a.github.io/b/"),
        ("https://github.com/Ab/ab.github.io", None, "https://ab.github.io/"),
    ],
)
def test_the_site_follows_from_the_repository(tmp_path, given, repository, site):
    known = addresses(course(tmp_path, given))
    assert known == Addresses(repository or given, site)
    assert known.file("data/README.md") == f"{repository or given}/blob/main/data/README.md"


def test_a_site_elsewhere(tmp_path):
    known = addresses(course(tmp_path, "https://github.com/a/b", "https://course.example.org"))
    assert known.site == "https://course.example.org/"
    (tests, site) = badges(known)
    assert tests == (
        "[![Tests](https://github.com/a/b/actions/workflows/test.yml/badge.svg?branch=main)]"
        "(https://github.com/a/b/actions/workflows/test.yml)"
    )
    assert site.endswith("(https://course.example.org/)")


@pytest.mark.parametrize(
    "wrong", ["https://gitlab.com/a/b", "git@github.com:a/b", "https://github.com/a", ""]
)
def test_an_address_that_leads_nowhere(tmp_path, wrong):
    with pytest.raises(InvalidInput, match=re.escape(f"Repository in pyproject.toml is {wrong!r}")):
        addresses(course(tmp_path, wrong))


def test_readme_gets_badges_with_the_address_only(tmp_path):
    text = (
        "<!-- lessons: a -->\n<!-- end of lessons -->\n<!-- badges: a -->\n<!-- end of badges -->"
    )
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    assert "![" not in derived.readme(course(tmp_path, NOT_SET))["README.md"].decode()
    written = derived.readme(course(tmp_path, "https://github.com/a/b"))["README.md"].decode()
    assert written.count("[![") == 2


def test_the_badges_name_workflows_that_exist():
    names = re.findall(r"workflows/(\w+\.yml)/badge", str(badges(Addresses("https://x", "y"))))
    assert len(names) == 2
    for name in names:
        assert (ROOT / ".github" / "workflows" / name).is_file()


def test_the_placeholder_stands_in_one_file_only():
    """Whoever sets the address edits one line."""
    folders = ("course_utils", "course_staff", "docs", ".github", ".binder", "notebooks")
    texts = [path for folder in folders for path in (ROOT / folder).rglob("*.*")]
    texts += [*ROOT.glob("*.md"), *ROOT.glob("*.toml"), *ROOT.glob("*.cff"), ROOT / "Makefile"]
    known = {".py", ".md", ".toml", ".yml", ".ipynb", ".html", ".cff", ".js", ""}
    found = [
        path.relative_to(ROOT).as_posix()
        for path in texts
        if path.suffix in known and path.is_file() and "OWNER/" in path.read_text(encoding="utf-8")
    ]
    assert set(found) <= {"pyproject.toml", "course_staff/authoring/addresses.py"}
