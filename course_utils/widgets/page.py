"""The HTML of an interactive piece: data, a still picture, and a JavaScript file of the course.

A piece needs no network, no library and no running kernel. Its script, ``NAME.js``, defines a
function ``NAME(root, data, kit)`` that fills the empty element ``root``; ``kit.js`` has helpers.
Where scripts do not run (a notebook that is not trusted, a preview on a website), the still picture
and its sentence are shown.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from course_utils.datasets import displayable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FOLDER = Path(__file__).parent

_PAGE = """\
<div class="course-widget" data-widget="{name}" data-version="{version}">
<style>{style}</style>
<div class="cw-page">{still}</div>
<script type="application/json">{data}</script>
<script>
(function () {{
{script}
const fresh = '.course-widget[data-widget="{name}"]:not([data-ready])';
document.querySelectorAll(fresh).forEach(box => {{
  box.setAttribute("data-ready", "1");
  kit.ownKeys(box);
  const page = box.querySelector(".cw-page");
  page.textContent = "";
  {name}(page, JSON.parse(box.querySelector("script").textContent), kit);
}});
}})();
</script>
</div>
"""


@dataclass(frozen=True)
class Widget:
    """An interactive piece; notebooks show it as HTML.

    Attributes
    ----------
    name : str
        Name of the JavaScript file and of its function.
    data : dict
        What the function gets, as JSON.
    still : str
        HTML that is shown where scripts do not run.
    summary : str
        The piece in one sentence, for readers of plain text.
    """

    name: str
    data: dict[str, Any] = field(repr=False)
    still: str = field(repr=False)
    summary: str

    def _repr_html_(self) -> str:
        data = json.dumps(self.data, separators=(",", ":"), ensure_ascii=False)
        style = (_FOLDER / "kit.css").read_text(encoding="utf-8")
        extra = _FOLDER / f"{self.name}.css"
        if extra.is_file():
            style += extra.read_text(encoding="utf-8")
        return _PAGE.format(
            name=self.name,
            version=version(self.name),
            style=style,
            still=self.still,
            data=data.replace("</", "<\\/"),
            script=_script(self.name),
        )

    def __repr__(self) -> str:
        return self.summary


_STORED = re.compile(
    r'<div class="course-widget" data-widget="(?P<name>\w+)".*?<div class="cw-page">(?P<still>.*?)'
    r'</div>\n<script type="application/json">(?P<data>.*?)</script>\n.*\Z',
    re.DOTALL,
)


def refreshed(html: str) -> str:
    """Return the stored HTML of a piece with today's script and style, and the same data.

    Parameters
    ----------
    html : str
        HTML of any kind; what is no piece is returned as it is.
    """
    found = _STORED.match(html)
    if found is None:
        return html
    data = json.loads(found["data"])
    return Widget(found["name"], data, found["still"], "")._repr_html_()


@cache
def _script(name: str) -> str:
    texts = ((_FOLDER / file).read_text(encoding="utf-8") for file in ("kit.js", f"{name}.js"))
    return _compact("\n".join(texts))


def _compact(script: str) -> str:
    """Return a script without indentation, empty lines and comments that have lines of their own.

    A lesson stores many pieces; whoever wants to read a script opens its file.
    """
    script = re.sub(r"^\s*/\*\*.*?\*/\s*?$", "", script, flags=re.DOTALL | re.MULTILINE)
    lines = (line.strip() for line in script.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def version(name: str) -> str:
    """Return a short hash of the script and the style of a piece.

    A stored lesson shows it, so that a test finds lessons that were stored with an older script.
    """
    style = [_FOLDER / "kit.css", _FOLDER / f"{name}.css"]
    sheets = "".join(path.read_text(encoding="utf-8") for path in style if path.is_file())
    return hashlib.sha256((_PAGE + _script(name) + sheets).encode()).hexdigest()[:10]


def identifier(key: str) -> str:
    """Return an id for HTML made of a key: ``cw-01-window`` for ``01.window``."""
    return "cw-" + re.sub(r"[^A-Za-z0-9]+", "-", key)


def sentence(text: str) -> str:
    """Return a text as an HTML paragraph."""
    return f"<p>{escape(text)}</p>"


def still_image(source: str, alt: str, width: int | None = None) -> str:
    """Return an HTML image of a data address, with its alternative text."""
    size = "" if width is None else f' width="{width}"'
    return f'<img src="{source}" alt="{escape(alt, quote=True)}"{size}>'


def small_square(image: ArrayLike, side: int) -> np.ndarray:
    """Return an image in color, resized to a square of `side` pixels."""
    from PIL import Image

    picture = Image.fromarray(displayable(image)).convert("RGB")
    return np.asarray(picture.resize((side, side), Image.Resampling.LANCZOS))


def figure_address(figure: Figure, dpi: int = 80) -> str:
    """Return a matplotlib figure as a ``data:`` address, and close the figure."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    plt.close(figure)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"
