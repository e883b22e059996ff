"""Links: those of the documents exist, and broken ones are found."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

from course_staff.authoring import links
from course_staff.authoring.links import Link
from course_utils.exceptions import MissingData


def notebook(*cells: str) -> str:
    return json.dumps({"cells": [{"cell_type": "markdown", "source": [cell]} for cell in cells]})


@pytest.fixture
def course(tmp_path):
    """Write a small course with one document and two lessons."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "README.md").write_text("# A course\n\n## Other ways to *install*\n")
    (tmp_path / "notebooks" / "01_one.ipynb").write_text(notebook("# One\n", "## The X, shifted"))
    return tmp_path


def reasons(course) -> dict[str, str]:
    return {
        answer.link.target: answer.reason
        for answer in links.check_inside(links.find_links(course), course)
    }


def test_links_of_the_repository_lead_to_files_and_headings():
    answers = links.check_inside(links.find_links())
    assert len(answers) > 10
    assert [answer for answer in answers if answer.verdict != "ok"] == []


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("README.md", ""),
        ("notebooks/01_one.ipynb", ""),
        ("notebooks/", ""),
        ("#other-ways-to-install", ""),
        ("notebooks/01_one.ipynb#The-X-shifted", ""),
        ("notebooks/01_one.ipynb#the-x-shifted", ""),
        ("notebooks/02_two.ipynb", "there is no notebooks/02_two.ipynb"),
        ("#how-to-install", "README.md has no heading 'how-to-install'"),
        ("../elsewhere.md", "it leads out of the repository"),
        ("/notebooks/01_one.ipynb", ""),
        ("README.md?plain=1#a-course", ""),
        ("#a-course-1", "README.md has no heading 'a-course-1'"),
    ],
)
def test_each_kind_of_link_inside(course, target, reason):
    (course / "README.md").open("a").write(f"\nSee [this]({target}), please.\n")
    assert reasons(course) == {target: reason}


def test_links_relative_to_the_folder_of_a_lesson(course):
    text = 'See [one](01_one.ipynb "the first"), [two](02_two.ipynb) and [all](../README.md).'
    (course / "notebooks" / "03_three.ipynb").write_text(notebook(text))
    assert reasons(course) == {
        "01_one.ipynb": "",
        "02_two.ipynb": "there is no notebooks/02_two.ipynb",
        "../README.md": "",
    }


def test_code_is_no_link(course):
    text = "\n```\n[a](b.md) https://example.org/x\n```\nand `[a](c.md)`, ``[a](d.md)``\n"
    (course / "README.md").open("a").write(text)
    assert links.find_links(course) == []


@pytest.mark.parametrize(
    "text",
    [
        "![picture](gone.md)",
        "[`code`](gone.md)",
        '[a](<gone.md> "title")',
        "[a text\nof two lines](gone.md)",
        "[a][b]\n\n[b]: gone.md",
        '<a href="gone.md">a</a>',
        '<img alt="" src="gone.md">',
    ],
)
def test_all_forms_of_links_are_found(course, text):
    (course / "README.md").open("a").write(f"\n{text}\n")
    assert reasons(course) == {"gone.md": "there is no gone.md"}


def test_a_heading_that_occurs_twice_has_two_anchors(course):
    (course / "README.md").open("a").write("\n# A course\n[a](#a-course) [b](#a-course-1)\n")
    assert set(reasons(course).values()) == {""}


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("at https://example.org/a_(b).", "https://example.org/a_(b)"),
        ("[paper](https://example.org/a_(b))", "https://example.org/a_(b)"),
        ("<https://example.org/x>, or", "https://example.org/x"),
        ("**https://example.org/x**", "https://example.org/x"),
        ("(https://example.org/x#part)", "https://example.org/x#part"),
    ],
)
def test_addresses_in_text(course, text, target):
    (course / "README.md").write_text(text)
    assert links.find_links(course) == [Link("README.md", target)]


class Server(http.server.BaseHTTPRequestHandler):
    """Answer /STATUS with that status, and /moved with a redirect to /200."""

    def do_GET(self):
        status = self.path.strip("/").partition("?")[0]
        self.send_response(302 if status == "moved" else int(status))
        if status == "moved":
            self.send_header("Location", "/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def address():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_answers_of_servers(address):
    wanted = {
        "200": "ok",
        "206": "ok",
        "moved": "ok",
        "416": "ok",
        "404": "broken",
        "410": "broken",
        "403": "unknown",
        "429": "unknown",
        "503": "unknown",
    }
    found = [Link("README.md", f"{address}/{path}#part") for path in wanted]
    answers = links.check_web([*found, Link("README.md", "README.md")])
    assert [answer.verdict for answer in answers] == list(wanted.values())
    assert answers[4].reason == "the server answers 404"


def test_a_server_that_is_gone_is_broken_and_no_network_is_said(address):
    gone = Link("README.md", "http://127.0.0.1:9/")
    here = Link("README.md", f"{address}/200")
    assert [answer.verdict for answer in links.check_web([gone, here])] == ["broken", "ok"]
    with pytest.raises(MissingData, match="network"):
        links.check_web([gone])


def test_a_server_that_does_not_answer_is_unknown():
    import socket

    with socket.create_server(("127.0.0.1", 0)) as silent:
        link = Link("README.md", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        (answer,) = links.check_web([link], timeout=0.3)
    assert (answer.verdict, answer.reason) == ("unknown", "no answer within 0.3 s")
