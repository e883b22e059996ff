"""Check the links of the documents and the lessons; ``make links`` runs it.

Links inside the repository must lead to a file, and to a heading where they name one; a test checks
these. Addresses on the web are requested one by one, which needs a network.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urldefrag

from course_utils import settings
from course_utils.exceptions import MissingData

#: Where links are looked for.
SOURCES = (
    "*.md",
    "docs/*.toml",
    ".github/**/*.md",
    "data/**/*.md",
    "notebooks/*.ipynb",
    "solutions/*/*.ipynb",
)

#: Seconds that a server may take to begin its answer.
TIMEOUT = 20.0

#: The forms of a link: inline, a definition, an attribute of HTML, an address in the text.
_INLINE = re.compile(
    r"\]\(\s*(?:<([^<>\n]+)>|((?:[^()\s<>]|\([^()\s]*\))+))(?:\s+\"[^\"]*\")?\s*\)"
)
_DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:\s*<?([^\s<>]+)>?", re.MULTILINE)
_ATTRIBUTE = re.compile(r"\b(?:href|src)=\"([^\"]+)\"")
_ADDRESS = re.compile(r"https?://(?:[^\s<>\"'`\\()\[\]{}]|\([^\s()<>]*\))+")
_HEADING = re.compile(r"^#{1,6}\s+(.+?)\s*#*\s*$", re.MULTILINE)
_BLOCK = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)[^\n]+?\1")

#: Statuses with which a server says that it does not answer programs or is too busy.
_NO_ANSWER = {401, 403, 405, 406, 408, 418, 425, 429, 451, 500, 502, 503, 504, 999}


_NO_CONNECTION = "no connection to this server"


@dataclass(frozen=True, order=True)
class Link:
    """A link: the file that has it, relative to the course, and where it leads."""

    file: str
    target: str

    @property
    def on_the_web(self) -> bool:
        """Whether the target is an address on the web."""
        return self.target.startswith(("http://", "https://"))


@dataclass(frozen=True)
class Answer:
    """What came of one link: ``ok``, ``broken``, or ``unknown`` where the server did not tell."""

    link: Link
    verdict: Literal["ok", "broken", "unknown"]
    reason: str = ""


def find_links(root: Path | None = None) -> list[Link]:
    """Return every link of the documents, the lessons and the solutions, each once per file.

    Parameters
    ----------
    root : Path, optional
        The folder of the course.

    Returns
    -------
    list of Link
        In the order of their files and targets.
    """
    root = root or settings.course_root()
    found = set()
    for path in sorted({path for pattern in SOURCES for path in root.glob(pattern)}):
        name = path.relative_to(root).as_posix()
        found |= {Link(name, target) for target in _targets(_text(path))}
    return sorted(found)


def check_inside(links: Iterable[Link], root: Path | None = None) -> list[Answer]:
    """Check the links that lead to files and headings of the repository.

    Parameters
    ----------
    links : iterable of Link
        Those on the web are passed over.
    root : Path, optional
        The folder of the course.

    Returns
    -------
    list of Answer
        One for each link inside the repository.
    """
    root = root or settings.course_root()
    answers = []
    for link in links:
        if not link.on_the_web and not link.target.startswith("mailto:"):
            reason = _wrong_inside(link, root)
            answers.append(Answer(link, "broken" if reason else "ok", reason))
    return answers


def check_web(links: Iterable[Link], timeout: float = TIMEOUT) -> list[Answer]:
    """Request each address on the web once.

    Parameters
    ----------
    links : iterable of Link
        Those inside the repository are passed over.
    timeout : float
        Seconds that a server may take to begin its answer; a second try gets as many.

    Returns
    -------
    list of Answer
        One for each link. ``broken``: no such page or no such server; ``unknown``: the server
        refuses programs, asks for a login or is overloaded.

    Raises
    ------
    MissingData
        If no server at all can be reached.
    """
    wanted = [link for link in links if link.on_the_web]
    addresses = sorted({urldefrag(link.target).url for link in wanted})
    with ThreadPoolExecutor(8) as pool:
        verdicts = dict(
            zip(addresses, pool.map(lambda each: _request(each, timeout), addresses), strict=True)
        )
    if verdicts and all(reason == _NO_CONNECTION for _, reason in verdicts.values()):
        raise MissingData(
            f"None of {len(verdicts)} addresses could be reached: connect this machine to a "
            f"network, or check only the links inside the repository with --offline."
        )
    return [Answer(link, *verdicts[urldefrag(link.target).url]) for link in wanted]


def _text(path: Path) -> str:
    """Return a Markdown file, or all Markdown cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def _targets(text: str) -> Iterator[str]:
    prose = _CODE.sub("", _BLOCK.sub("", text))
    for form in (_INLINE, _DEFINITION, _ATTRIBUTE):
        yield from (match[match.lastindex or 0].strip() for match in form.finditer(prose))
        prose = form.sub("", prose)
    yield from (match[0].rstrip(".,;:!?*_") for match in _ADDRESS.finditer(prose))


def _wrong_inside(link: Link, root: Path) -> str:
    """Return what is wrong with a link inside the repository, or nothing."""
    name, heading = urldefrag(link.target)
    name = unquote(name.partition("?")[0])
    here = root / link.file
    path = (root / name[1:] if name.startswith("/") else here.parent / name).resolve()
    path = path if name else here
    if not path.is_relative_to(root.resolve()):
        return "it leads out of the repository"
    if not path.exists():
        return f"there is no {path.relative_to(root.resolve()).as_posix()}"
    heading = unquote(heading)
    with_headings = heading and path.suffix in {".md", ".ipynb"}
    if with_headings and heading.casefold() not in _anchors(_text(path)):
        return f"{path.name} has no heading {heading!r}"
    return ""


def _anchors(text: str) -> set[str]:
    """Return the anchors of all headings as GitHub makes them; Jupyter's differ in capitals only.

    A heading that occurs again has a number behind its anchor.
    """
    found: Counter[str] = Counter()
    anchors = set()
    for heading in _HEADING.findall(_BLOCK.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).casefold()
        anchor = re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-")
        anchors.add(f"{anchor}-{found[anchor]}" if found[anchor] else anchor)
        found[anchor] += 1
    return anchors


def _request(address: str, timeout: float) -> tuple[Literal["ok", "broken", "unknown"], str]:
    """Return the verdict on an address and its reason; a failed connection gets a second try."""
    import requests

    headers = {"User-Agent": "Mozilla/5.0 (link check of a course)", "Range": "bytes=0-0"}
    reason = ""
    for _ in range(2):
        try:
            with requests.get(address, headers=headers, timeout=timeout, stream=True) as answer:
                status = answer.status_code
        except requests.Timeout:
            return "unknown", f"no answer within {timeout:g} s"
        except requests.ConnectionError:
            reason = _NO_CONNECTION
        except requests.RequestException as error:
            return "broken", f"not an address that can be requested ({type(error).__name__})"
        else:
            if status < 400 or status == 416:  # 416: an empty page has no first byte
                return "ok", ""
            return "unknown" if status in _NO_ANSWER else "broken", f"the server answers {status}"
    return "broken", reason
