"""Build the site: ``python -m course_staff.site [FOLDER]``, by default into ``build/site``."""

from __future__ import annotations

import json
import re
import shutil
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from course_staff.authoring.addresses import addresses
from course_staff.site import pages, sources, teaching
from course_utils import settings
from course_utils.files import write_atomic

#: An icon of Font Awesome in the theme's script, and the names by which pages ask for one.
_ICON = re.compile(
    r'(?:"([\w-]+)"|\b([\w$]+)):\[\d+,\d+,\[([^\]]*)\],"\w*",(?:"[^"]*"|\["[^"]*","[^"]*"\])\],?'
)
_ICON_NAME = re.compile(r"\bfa-([a-z][a-z-]*)")
#: Addresses of a page that are relative to the site's folder.
_RELATIVE = re.compile(r'\b(href|src|action|data-content_root)="(?![#/]|[a-z]+:)([^"]*)"')


def build(root: Path, out: Path) -> int:
    """Build the site.

    Parameters
    ----------
    root : Path
        The folder of the course.
    out : Path
        The folder of the site; what was in it is removed.

    Returns
    -------
    int
        The status of Sphinx: 0 where no page has a fault.
    """
    from sphinx.cmd.build import build_main

    known = addresses(root)
    work = out.parent / f"{out.name}-work"
    shutil.rmtree(out, ignore_errors=True)
    shutil.rmtree(work, ignore_errors=True)
    sources.write(root, work / "source", known)
    status = build_main(
        ["-q", "-W", "--keep-going", "-b", "html", "-c", str(root / "docs")]
        + ["-d", str(work / "doctrees"), str(work / "source"), str(out)]
    )
    if status == 0:
        _finish(root, out, known.site)
    return status


def _finish(root: Path, out: Path, site: str) -> None:
    """Put in what Sphinx does not: notebooks to download, and a page for wrong addresses."""
    shutil.rmtree(out / "_sources")
    for path in pages.all_notebooks(root):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        name = path.relative_to(root).as_posix()
        write_atomic(out / "_sources" / name, sources.for_download(notebook))
    base = urlsplit(site).path
    page = out / "404.html"
    text = page.read_text(encoding="utf-8")
    write_atomic(page, _RELATIVE.sub(rf'\1="{base}\2"', text).replace(f'"{base}./', f'"{base}'))
    _keep_used_icons(out)
    for unused in (out / ".buildinfo", *out.glob("_static/*macros.html")):
        unused.unlink()
    write_atomic(out / ".nojekyll", "")
    teaching.add(root, out)


def _keep_used_icons(out: Path) -> None:
    """Remove the icons that no page shows from the theme's script: 1.4 of 1.6 MB."""
    script = out / "_static/scripts/fontawesome.js"
    pages_and_scripts = [*out.rglob("*.html"), *out.glob("_static/**/*-theme.js")]
    texts = (path.read_text(encoding="utf-8") for path in pages_and_scripts)
    used = {name for text in texts for name in _ICON_NAME.findall(text)}

    def keep(icon: re.Match[str]) -> str:
        names = {icon[1] or icon[2], *re.findall(r'"([\w-]+)"', icon[3])}
        return icon[0] if names & used else ""

    write_atomic(script, _ICON.sub(keep, script.read_text(encoding="utf-8")))


def main() -> int:
    """Build the site, and say how long it took."""
    began = time.perf_counter()
    root = settings.course_root()
    out = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else root / "build" / "site"
    status = build(root, out)
    if status == 0:
        files = [path for path in out.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        count = len(list(out.rglob("*.html")))
        seconds = time.perf_counter() - began
        print(f"{out}: {count} pages, {len(files)} files, {size:.1f} MB, in {seconds:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
