"""Handle statements that work only on Colab, Kaggle, Deepnote and VS Code, or with a keyboard.

A cell that imports ``google.colab`` runs only on Colab. Here such statements do nothing, and the
rest of the cell runs: :data:`PREPARE` is run in the sandbox before such a notebook, and
:func:`noticed` returns a sentence about what is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Modules, folders and magics that exist only on a platform. A cell with such a magic is not run.
_MODULES = (
    *("google.colab", "kaggle_secrets", "kaggle_datasets", "kaggle_web_client"),
    *("deepnote_toolkit", "dbutils", "pyspark.dbutils", "notebookutils", "mssparkutils"),
)
_FOLDERS = ("/content", "/kaggle", "/work", "/drive", "/datasets")
_LINE_MAGICS = (
    *("tensorflow_version", "unload_ext", "sql", "bigquery"),
    *("fs", "md", "sh", "scala"),  # of Databricks
)
_CELL_MAGICS = ("shell", "bigquery", "sql", "R", "julia", "spark", "configure", "writetemplate")

#: Runs inside the sandbox, before the first cell. Statements that need a platform's modules do
#: nothing there; imports inside ``try`` are left alone, because such code is ready for their
#: absence. It is text, since the sandbox has no access to the grader's modules.
_PREPARE = '''
def _prepare_for_other_platforms(roots, elsewhere, line_magics, cell_magics):
    import ast, builtins, getpass, os, sys
    from IPython import get_ipython

    shell = get_ipython()

    class NotHere(str):
        """Stands for something that exists only on another platform; an empty text, too."""
        def __getattr__(self, name):
            if name.startswith("__"):
                raise AttributeError(name)
            return self
        def __call__(self, *args, **kwargs):
            return self
        def __getitem__(self, key):
            return self
        def __iter__(self):
            return iter(())
        def __enter__(self):
            return self
        def __exit__(self, *args):
            return None

    nothing = NotHere()

    def is_elsewhere(module):
        return any(module == root or module.startswith(root + ".") for root in roots)

    def exists(path):
        return os.path.exists(os.path.expanduser(path))

    class Skip(ast.NodeTransformer):
        def visit_Try(self, node):
            if not node.handlers:
                return self.generic_visit(node)
            for field in ("handlers", "orelse", "finalbody"):  # the body of `try` stays
                setattr(node, field, [self.visit(inner) for inner in getattr(node, field)])
            return node

        def visit_Import(self, node):
            return self._instead(node, [alias for alias in node.names if is_elsewhere(alias.name)])

        def visit_ImportFrom(self, node):
            if node.level or not node.module:
                return node
            here = [
                alias
                for alias in node.names
                if is_elsewhere(node.module) or is_elsewhere(node.module + "." + alias.name)
            ]
            return self._instead(node, here)

        def visit_Expr(self, node):
            call = node.value
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "chdir"
                and len(call.args) == 1
                and isinstance(call.args[0], ast.Constant)
                and str(call.args[0].value).startswith(elsewhere)
                and not exists(str(call.args[0].value))
            ):
                return ast.copy_location(ast.Pass(), node)
            return node

        def _instead(self, node, skipped):
            if not skipped:
                return node
            kept = [alias for alias in node.names if alias not in skipped]
            made = []
            if kept:
                node.names = kept
                made.append(node)
            for alias in skipped:
                name = alias.asname or alias.name.split(".")[0]
                text = "pass" if name == "*" else name + " = __not_here__"
                for fresh in ast.parse(text).body:
                    for inner in ast.walk(fresh):
                        ast.copy_location(inner, node)
                    made.append(fresh)
            return made

    builtins.input = getpass.getpass = lambda *args, **kwargs: ""  # nobody is there to type
    builtins.__not_here__ = nothing
    shell.ast_transformers.append(Skip())
    line, cell = shell.magics_manager.magics["line"], shell.magics_manager.magics["cell"]
    for name in line_magics:
        line.setdefault(name, lambda text="": None)
    for name in cell_magics:
        cell.setdefault(name, lambda text="", body="": None)
    change = shell.find_line_magic("cd")

    def load_ext(text=""):
        if text.split()[:1] == ["autoreload"]:
            shell.extension_manager.load_extension("autoreload")

    def cd(text=""):
        path = text.strip().strip("'\\"")
        return None if path.startswith(elsewhere) and not exists(path) else change(text)

    line["load_ext"] = line["reload_ext"] = load_ext
    line["cd"] = cd


'''
PREPARE = f"""{_PREPARE}
_prepare_for_other_platforms({_MODULES!r}, {_FOLDERS!r}, {_LINE_MAGICS!r}, {_CELL_MAGICS!r})
del _prepare_for_other_platforms
"""

_MODULE = "|".join(map(re.escape, _MODULES))
_FOLDER = rf"(?:{'|'.join(_FOLDERS)})\b"
_MAGIC = rf"%(?:(?:re)?load_ext|{'|'.join(_LINE_MAGICS)})\b"
_LINE = re.compile(
    rf"""(?:^(?P<indent>[ \t]{{0,99}})|;[ \t]{{0,9}})(?P<text>
        import[ \t]{{1,9}}(?:[\w., \t]{{0,300}}\b)?(?:{_MODULE})\b[^\n#;]* |
        from[ \t]{{1,9}}(?:{_MODULE})\b[^\n#;]* |
        from[ \t]{{1,9}}google[ \t]{{1,9}}import[ \t]{{1,9}}colab\b[^\n#;]* |
        {_MAGIC}[^\n#]* |
        (?:%cd|os\.chdir)\b[ \t(]*['"]?{_FOLDER}[^\n#]*
    )""",
    re.M | re.X,
)
_USED = re.compile(
    r"^(?:\w+[ \t]*=[ \t]*)?(?:drive\.mount|files\.upload|files\.download|userdata\.get|"
    r"auth\.authenticate_user|output\.\w+|UserSecretsClient)[ \t]*\([^\n]*",
    re.M,
)
#: What waits for somebody to type.
_TYPED = re.compile(r"(?<![\w.])(?:input|getpass)[ \t]*\(|\bgetpass\.getpass[ \t]*\(")
_CELL_MAGIC = re.compile(rf"\s*%%(?P<name>{'|'.join(_CELL_MAGICS)})\b")
#: What may need :data:`PREPARE`.
_HINT = re.compile(
    rf"{_TYPED.pattern}|{_MODULE}|google[ \t]{{1,9}}import|^[ \t]{{0,99}}%%\w|{_MAGIC}|{_FOLDER}",
    re.M,
)
#: Cells of Deepnote that hold Python of the student's own.
_DEEPNOTE_RUNS = ("code", "input-", "markdown", "text-cell", "separator", "image", "button")

#: The most characters of a cell in which platform statements are looked for.
_MOST = 1_000_000


#: Where VS Code and its extension Polyglot say what a cell is written in.
_LANGUAGES = (
    ("vscode", "languageId"),
    ("polyglot_notebook", "kernelName"),
    ("dotnet_interactive", "language"),
)
#: What they say of cells that may be Python.
_PYTHON = (
    *("", "python", "ipython", "ipython3", "python3", "pythonkernel", "magicpython"),
    *("plaintext", "raw", "polyglot-notebook", "dotnet-interactive.python"),
)


def language(metadata: Mapping[str, Any]) -> str:
    """Return what a code cell is written in where that is not Python, else "".

    Parameters
    ----------
    metadata : mapping
        The metadata of the cell, as VS Code and Deepnote write them.
    """
    for program, key in _LANGUAGES:
        said = metadata.get(program)
        name = said.get(key) if isinstance(said, Mapping) else None
        if isinstance(name, str) and name.lower() not in _PYTHON:
            return name[:30]
    kind = metadata.get("deepnote_cell_type")
    if isinstance(kind, str) and kind and not kind.startswith(_DEEPNOTE_RUNS):
        return f"{kind[:30]} of Deepnote"
    return ""


def noticed(number: int, source: str) -> str:
    """Return a sentence about what a code cell holds that exists only elsewhere, or "".

    Parameters
    ----------
    number : int
        The number of the cell, counted from 1.
    source : str
        Its text.
    """
    source = source[:_MOST]
    magic = _CELL_MAGIC.match(source)
    if magic:
        return f"Cell {number} is written for %%{magic['name']}, which exists elsewhere: not run."
    typed = f"Cell {number} asks for input; it got an empty text." if _TYPED.search(source) else ""
    guarded = re.search(r"^[ \t]*try[ \t]*:", source, re.M) is not None
    found = [
        match["text"].strip()
        for match in _LINE.finditer(source)
        if not (match["indent"] and guarded) and "autoreload" not in match["text"]
    ]
    if not found:
        return typed
    found += [match[0].strip() for match in _USED.finditer(source)]
    shown = ", ".join(f"`{text[:60]}`" for text in dict.fromkeys(found[:5]))
    more = f" and {len(found) - 5} more" if len(found) > 5 else ""
    return (
        f"Cell {number} has lines that work only on another platform: {shown}{more}. They were "
        f"skipped; the rest of the cell ran. {typed}"
    ).rstrip()


def needs_preparing(source: str) -> bool:
    """Return whether a code cell may hold something for which :data:`PREPARE` is needed."""
    return _HINT.search(source[:_MOST]) is not None
