"""Where the course is on the web: ``Repository`` in ``pyproject.toml``, the one setting."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from course_utils.exceptions import InvalidInput

#: What stands in pyproject.toml before the course has a repository on the web.
NOT_SET = "https://github.com/OWNER/REPOSITORY"

_GITHUB = re.compile(r"https://github\.com/([\w-]+)/([\w.-]+)")


@dataclass(frozen=True)
class Addresses:
    """The addresses of the course.

    Attributes
    ----------
    repository : str or None
        The repository, without a slash at the end; None while none is set.
    site : str
        The site, with a slash at the end; without a repository that of a local web server.
    """

    repository: str | None = None
    site: str = "http://localhost:8000/"

    def file(self, name: str) -> str | None:
        """Return the address of a file in the repository, or None while none is set."""
        return self.repository and f"{self.repository}/blob/main/{name}"


def addresses(root: Path) -> Addresses:
    """Return the addresses that ``pyproject.toml`` sets under ``project.urls``.

    Parameters
    ----------
    root : Path
        The folder of the course.

    Returns
    -------
    Addresses
        ``Repository``, and ``Site``; without ``Site`` that of GitHub Pages for the repository.

    Raises
    ------
    InvalidInput
        If the repository is not one on GitHub.
    """
    urls = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    repository = urls["Repository"].rstrip("/").removesuffix(".git")
    if repository == NOT_SET:
        return Addresses()
    found = _GITHUB.fullmatch(repository)
    if found is None:
        raise InvalidInput(
            f"Repository in pyproject.toml is {repository!r}; it must be an address such as "
            f"https://github.com/NAME/COURSE."
        )
    owner, name = found[1].lower(), found[2]
    pages = f"https://{owner}.github.io/"
    pages += "" if name.lower() == f"{owner}.github.io" else f"{name}/"
    return Addresses(repository, urls.get("Site", pages).rstrip("/") + "/")


def badges(known: Addresses) -> list[str]:
    """Return the badges of README.md as Markdown: tests, site; none without an address.

    Parameters
    ----------
    known : Addresses
    """
    if known.repository is None:
        return []
    tests = f"{known.repository}/actions/workflows/test.yml"
    return [
        f"[![Tests]({tests}/badge.svg?branch=main)]({tests})",
        f"[![Site]({known.repository}/actions/workflows/site.yml/badge.svg)]({known.site})",
    ]
