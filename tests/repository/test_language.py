"""The language check: what it reports, what it ignores, and the allowed numbers."""

from __future__ import annotations

import pytest
from check_language import (
    comments_and_docstrings,
    findings,
    main,
    read_allowed,
    read_phrases,
    shorten,
)


def found_in(tmp_path, name: str, text: str) -> list[str]:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return [message for _, message in findings(tmp_path).get(name, [])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# This happens in earnest.", ["in earnest ==> in practice"]),
        ("# This happens in\n# earnest.", ["in # earnest ==> in practice"]),
        ('"""In\nearnest."""', ["In earnest ==> in practice"]),
        ("# Three lorries.", ["lorries ==> truck"]),
        (
            "for one in many:\n    pass",
            ["for one in ==> for NAME in (a name that says what it is)"],
        ),
        ("# The colour of it.", ["colour ==> color"]),
        ("# It is normalised.", ["normalised ==> normalized"]),
        ("# Recieve it.", ["Recieve ==> Receive"]),
        ("my_colours = 1", ["colours ==> colors"]),
        ("# The amended text, for someone in need.", []),
        ("# The color, normalized in practice.", []),
        ('row["colour"], "licence"', ["colour ==> color"]),
        ("Source(licence=text)", ["licence ==> license"]),
        ("# The licence of it.", ["licence ==> license"]),
    ],
)
def test_findings_in_a_module(tmp_path, text, expected):
    assert found_in(tmp_path, "course_utils/some/module.py", text + "\n") == expected


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", ".github/workflows/test.yml"])
def test_documents_are_read(tmp_path, name):
    assert found_in(tmp_path, name, "# The centre\n") == ["centre ==> center"]


def test_of_tests_only_comments_and_docstrings_are_read(tmp_path):
    text = 'def test_x():\n    """Say colour."""\n    assert f("smae grey") == "lable"  # grey\n'
    assert found_in(tmp_path, "tests/room/test_x.py", text) == [
        "colour ==> color",
        "grey ==> gray",
    ]


def test_lines_keep_their_numbers():
    text = 'x = """a\nb"""\n\nclass A:\n    """C.\n\n    D.\n    """  # no\n\n    y = 1  # e\n'
    kept = comments_and_docstrings(text).splitlines()
    assert len(kept) == len(text.splitlines())
    assert [number for number, line in enumerate(kept, 1) if line.strip()] == [5, 7, 8, 10]


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(SyntaxError):
        found_in(tmp_path, "tests/test_x.py", "def (:\n")


def test_a_phrase_needs_an_arrow(tmp_path):
    (tmp_path / "list.txt").write_text("# a comment\n\nin earnest\n")
    with pytest.raises(ValueError, match="in earnest"):
        read_phrases(tmp_path / "list.txt")


def test_the_list_is_only_ever_shortened(tmp_path):
    path = tmp_path / "allowed.csv"
    path.write_text("path,findings\na.py,3\nb.py,1\nc.py,2\n")
    shorten(path, {"a.py": [(1, "x")] * 5, "c.py": [(1, "x")], "new.py": [(1, "x")]})
    assert read_allowed(path) == {"a.py": 3, "c.py": 1}


def test_the_repository_has_no_more_findings_than_allowed(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["check_language.py"])
    assert main() == 0, capsys.readouterr().out
