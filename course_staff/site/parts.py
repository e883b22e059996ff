"""Parts of lessons as HTML, for slides and handouts: texts, code, outputs, formulae as MathML."""

from __future__ import annotations

import html
import re
import textwrap
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import nbformat

from course_staff.site import cells
from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.workspace.lessons import all_lessons

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_TEMPLATES = Path(__file__).parent / "templates"

#: What of a cell can be shown, by its type; the first is not the default but a word for all of it.
SHOWN = {
    "markdown": ("all", "text", "list", "table", "formula", "quote"),
    "code": ("all", "code", "output", "figure", "print", "piece"),
}

_BLOCKS = {
    "paragraph_open": "text",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "math_block": "formula",
    "blockquote_open": "quote",
    "html_block": "text",
}
#: A head of a column that says nothing: for screen readers it is an empty cell.
_EMPTY_HEAD = re.compile(r"<th[^>]*>\s*</th>")
_CAPTION = re.compile(r"\*(Figure|Left|Above)\b")


@dataclass(frozen=True)
class Part:
    """What is shown of one cell.

    Attributes
    ----------
    cell : str
        Id of the cell.
    show : str
        A word of :data:`SHOWN`, or "" for the default: of a text all of it, of code its figures
        and interactive pieces, and where it has none the code and what it prints.
    first, last : str
        Beginnings of the first and the last line that are shown; "" for the ends of the cell.
    """

    cell: str
    show: str = ""
    first: str = ""
    last: str = ""


@dataclass(frozen=True)
class Lesson:
    """A stored lesson.

    Attributes
    ----------
    number : str
        Such as ``"01"``.
    notebook : NotebookNode
        The lesson as it is stored.
    shown : NotebookNode
        The lesson as readers see it, see :mod:`course_staff.site.cells`.
    """

    number: str
    notebook: Any
    shown: Any

    @property
    def title(self) -> str:
        """Title without the number."""
        return heading(self.notebook.cells[0].source).split("·", 1)[-1].strip()

    def cell(self, name: str) -> Any:
        """Return the cell with an id.

        Raises
        ------
        InvalidInput
            If the lesson has no such cell.
        """
        for cell in self.shown.cells:
            if cell.id == name:
                return cell
        raise InvalidInput(
            f"Lesson {self.number} has no cell {name!r}; name a cell by its id in notebooks/."
        )

    def place(self, name: str) -> int:
        """Return the position of a cell in the stored lesson."""
        return [cell.id for cell in self.notebook.cells].index(self.cell(name).id)


def read_lesson(path: Path) -> Lesson:
    """Read a stored lesson."""
    stored = nbformat.read(path, as_version=4)
    return Lesson(path.name[:2], stored, nbformat.from_dict(cells.lesson(path)))


def data_files(kind: str) -> dict[str, Path]:
    """Return the data files of all ``"slides"`` or ``"handouts"`` by the number of the lesson."""
    folder = settings.course_root() / "docs" / kind
    return {path.stem: path for path in sorted(folder.glob("[0-9][0-9].toml"))}


def read_data(path: Path) -> dict[str, Any]:
    """Read a data file.

    Raises
    ------
    InvalidInput
        If it is not valid TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{path.name} is not valid TOML: {error}.") from None


def lessons_with(kind: str, names: list[str] | None) -> Iterator[tuple[Lesson, Path]]:
    """Yield each lesson that has slides or a handout, and its data file.

    Parameters
    ----------
    kind : str
        ``"slides"`` or ``"handouts"``.
    names : list of str or None
        Numbers of lessons; by default all that have a data file.

    Raises
    ------
    InvalidInput
        If a lesson has none.
    """
    stored = {path.name[:2]: path for path in all_lessons(settings.course_root())}
    known = data_files(kind)
    for name in names or sorted(set(known) & set(stored)):
        if name not in known or name not in stored:
            raise InvalidInput(f"Lesson {name} has no {kind}; there are: {', '.join(known)}.")
        yield read_lesson(stored[name]), known[name]


def template(name: str) -> jinja2.Template:
    """Return a template of the slides and handouts."""
    loader = jinja2.FileSystemLoader(_TEMPLATES)
    pages = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    return pages.get_template(name)


def template_text(name: str) -> str:
    """Return the text of a style or a script that pages contain."""
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def part_of(value: str | dict[str, str], where: str) -> Part:
    """Return the part that a data file names: ``"ID"``, ``"ID SHOW"``, or a table.

    Raises
    ------
    InvalidInput
        If it is something else; `where` says in which file and place.
    """
    if isinstance(value, str) and len(words := value.split()) in (1, 2):
        return Part(*words)
    known = {"cell", "show", "first", "last"}
    if isinstance(value, dict) and "cell" in value and set(value) <= known:
        return Part(**value)
    raise InvalidInput(
        f"{where}: {value!r} names no cell; write 'ID', 'ID SHOW', or a table with 'cell' and "
        f"perhaps 'show', 'first' and 'last'."
    )


def heading(source: str) -> str:
    """Return the text of the first heading of a markdown text, or ""."""
    found = re.search(r"^#+ +(.+)$", source, re.MULTILINE)
    return found[1].strip() if found else ""


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    parser.use(dollarmath_plugin, renderer=_mathml, double_inline=True)
    parser.add_render_rule("link_open", _link_open)
    parser.add_render_rule("link_close", _link_close)
    return parser


def _mathml(formula: str, options: dict[str, Any]) -> str:
    from latex2mathml.converter import convert

    return str(convert(formula, display="block" if options["display_mode"] else "inline"))


def _is_outside(address: Any) -> bool:
    return str(address).startswith(("https://", "http://"))


def _link_open(_: Any, tokens: list[Token], index: int, *__: Any) -> str:
    """Keep links to the web; those inside the repository lead nowhere from a slide."""
    address = tokens[index].attrGet("href")
    tokens[_closing(tokens, index)].meta["outside"] = _is_outside(address)
    return f'<a href="{html.escape(str(address))}">' if _is_outside(address) else "<span>"


def _link_close(_: Any, tokens: list[Token], index: int, *__: Any) -> str:
    return "</a>" if tokens[index].meta["outside"] else "</span>"


def _closing(tokens: list[Token], index: int) -> int:
    return next(i for i in range(index, len(tokens)) if tokens[i].type == "link_close")


def markdown(source: str, show: str = "all") -> str:
    """Return a markdown text as HTML, without headings and captions of figures.

    Parameters
    ----------
    source : str
        Markdown with formulae between dollars.
    show : str
        ``"all"``, or the kind of blocks to keep: ``"text"``, ``"list"``, ``"table"``,
        ``"formula"`` or ``"quote"``.
    """
    parser = _markdown()
    kept = []
    for block in _blocks(parser.parse(source)):
        kind = _kind(block)
        if kind and show in ("all", kind):
            kept += block
    return _EMPTY_HEAD.sub("<td></td>", parser.renderer.render(kept, parser.options, {})).strip()


def _kind(block: list[Token]) -> str:
    kind = _BLOCKS.get(block[0].type, "")
    if block[0].type == "paragraph_open":
        content = block[1].content
        if _CAPTION.match(content):
            return ""
        children = [child.type for child in block[1].children or []]
        if children and set(children) <= {"math_inline", "math_inline_double", "softbreak"}:
            return "formula"
    return kind


def _blocks(tokens: list[Token]) -> Iterable[list[Token]]:
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield block
            block = []


def code(source: str) -> str:
    """Return Python code as HTML with colors."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    colored = highlight(source, PythonLexer(), HtmlFormatter(nowrap=True))
    return f'<pre class="code"><code>{colored.rstrip()}</code></pre>'


def code_style() -> str:
    """Return the CSS of the colors of code."""
    from pygments.formatters import HtmlFormatter

    return str(HtmlFormatter(style="xcode").get_style_defs(".code"))


def render(lesson: Lesson, part: Part) -> str:
    """Return what is shown of a cell as HTML.

    Raises
    ------
    InvalidInput
        If the cell, a line, or what is to be shown of it, is not there.
    """
    cell = lesson.cell(part.cell)
    allowed = SHOWN[cell.cell_type]
    if part.show and part.show not in allowed:
        raise InvalidInput(
            f"Of the {cell.cell_type} cell {part.cell} one can show {', '.join(allowed)}, and not "
            f"{part.show!r}."
        )
    source = _lines(cell.source, part)
    if cell.cell_type == "markdown":
        shown = markdown(source, part.show or "all")
        shown = f'<div class="text">{shown}</div>' if shown else ""
    else:
        shown = _code_cell(cell, source, part.show)
    if not shown:
        raise InvalidInput(
            f"Cell {part.cell} of lesson {lesson.number} has nothing to show as "
            f"{part.show or 'a figure, code or text'!r}."
        )
    return shown


def _code_cell(cell: Any, source: str, show: str) -> str:
    outputs = [made for made in map(_output, cell.outputs) if made[1]]
    figures = "".join(text for kind, text in outputs if kind in ("figure", "piece"))
    if show == "" and figures:
        return figures
    if show in ("figure", "print", "piece"):
        return "".join(text for kind, text in outputs if kind == show)
    everything = "".join(text for _, text in outputs)
    if show == "output":
        return everything
    return code(source) + ("" if show == "code" else everything)


def _lines(source: str, part: Part) -> str:
    """Return the lines of a cell from the first to the last that the part names."""
    lines = source.splitlines()
    begin = _find(lines, part.first, 0, part) if part.first else 0
    end = _find(lines, part.last, begin, part) if part.last else len(lines) - 1
    return textwrap.dedent("\n".join(lines[begin : end + 1]))


def _find(lines: list[str], beginning: str, start: int, part: Part) -> int:
    for number in range(start, len(lines)):
        if lines[number].strip().startswith(beginning):
            return number
    raise InvalidInput(f"Cell {part.cell} has no line that begins with {beginning!r}.")


def _output(output: Any) -> tuple[str, str]:
    """Return the kind of an output and its HTML."""
    if output.output_type == "stream":
        return "print", f'<pre class="output">{html.escape(output.text.rstrip())}</pre>'
    data = output.get("data", {})
    if "image/png" in data:
        alt = output.metadata.get("image/png", {}).get("alt", "")
        picture = data["image/png"].replace("\n", "")
        return "figure", (
            f'<figure><img alt="{html.escape(alt)}" src="data:image/png;base64,{picture}"></figure>'
        )
    if "text/html" in data:
        if data["text/html"].startswith("<img "):
            return "figure", f"<figure>{data['text/html']}</figure>"
        if 'class="course-widget"' in data["text/html"]:
            return "piece", f'<div class="piece">{data["text/html"]}</div>'
        return (
            "print",
            f'<div class="table">{_EMPTY_HEAD.sub("<td></td>", data["text/html"])}</div>',
        )
    if "text/plain" in data and not any(kind.startswith("application/vnd.") for kind in data):
        return "print", f'<pre class="output">{html.escape(data["text/plain"].rstrip())}</pre>'
    return "", ""
