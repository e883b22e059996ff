"""Check the language of packages, lessons, documents and tests; part of ``make lint``.

Three kinds of findings are printed, one a line:

- misspelled words (codespell's dictionaries "clear" and "rare");
- British spellings (its dictionary "en-GB_to_en-US");
- phrases that ``phrases.txt`` lists, with what to write instead.

The status is 1 where a file has more findings than ``language_allowed.csv`` allows; a file that is
not listed there may have none. ``--shorten`` lowers the allowed numbers to what is found, and never
raises one. Of tests, comments and docstrings are read, not the data of the tests; of notebooks,
the sources of the cells.
"""

from __future__ import annotations

import argparse
import ast
import csv
import io
import re
import subprocess
import sys
import tempfile
import tokenize
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

PATTERNS = (
    *("notebooks/*.ipynb", "solutions/*/*.ipynb", "course_utils/**/*.toml"),
    *(
        "*.md",
        "docs/**/*.md",
        "docs/*.py",
        "course_utils/**/*.py",
        "course_staff/**/*.py",
        "tests/**/*.py",
    ),
    *(".github/**/*.yml", ".github/**/*.md", "Makefile", "CITATION.cff"),
)
#: Words that are right here: NumPy's and HTML's names, file names and words of other languages.
WORDS = "writeable,notin,copie,wronly"
#: A name of files that is looked for.
FILE_NAME = '"licence"'

#: A finding: line number and message.
Finding = tuple[int, str]


def read_phrases(path: Path = HERE / "phrases.txt") -> list[tuple[re.Pattern[str], str]]:
    """Return the pattern of each listed phrase and what to write instead.

    A space in a phrase also matches the end of a line with what begins the next one in a comment
    or in a string that is broken into two; a star matches the rest of a word.
    """
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            phrase, arrow, instead = (part.strip() for part in line.partition("->"))
            if not (phrase and arrow and instead):
                raise ValueError(f"{path.name}: {line!r} is not 'phrase -> what to write instead'")
            words = re.escape(phrase).replace(r"\*", r"\w*").replace(r"\ ", r"[\s#\"']+")
            found.append((re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE), instead))
    return found


def comments_and_docstrings(text: str) -> str:
    """Return the comments and docstrings of Python code, with blank lines for all other lines."""
    lines = text.splitlines()
    kept = [""] * len(lines)
    tree = ast.parse(text)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            kept[token.start[0] - 1] = token.string
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and ast.get_docstring(node) is not None:
                for number in range(first.lineno - 1, first.end_lineno or first.lineno):
                    kept[number] = lines[number]
    return "\n".join(kept) + "\n"


def sources_of_cells(text: str) -> str:
    """Return the sources of a notebook's cells, with blank lines for all other lines of the file.

    A stored notebook has one line for each line of a source.
    """
    kept, inside = [], False
    for line in text.splitlines():
        if line.strip() in ("]", "],"):
            inside = False
        kept.append(line.strip().removesuffix(",").removesuffix('\\n"') if inside else "")
        if line.strip() == '"source": [':
            inside = True
    return "\n".join(kept) + "\n"


def texts(root: Path) -> dict[str, str]:
    """Return what is checked, by the path of the file in the repository."""
    found = {}
    for path in sorted({path for pattern in PATTERNS for path in root.glob(pattern)}):
        name = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        if name.startswith("tests/"):
            text = comments_and_docstrings(text)
        elif name.endswith(".ipynb"):
            text = sources_of_cells(text)
        found[name] = text
    return found


def misspelled(checked: dict[str, str]) -> Iterator[tuple[str, Finding]]:
    """Yield path and finding of each word that codespell lists as misspelled or British."""
    with tempfile.TemporaryDirectory() as folder:
        for name, text in checked.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.replace("_", " "), encoding="utf-8")
        command = [sys.executable, "-m", "codespell_lib", "--check-hidden", "--disable-colors"]
        command += ["--builtin", "clear,rare,en-GB_to_en-US", "--ignore-words-list", WORDS]
        command += ["--ignore-regex", FILE_NAME, "."]
        answer = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if answer.stderr.strip() and answer.returncode not in (0, 65):
        raise RuntimeError(f"codespell failed: {answer.stderr.strip()}")
    for line in answer.stdout.splitlines():
        if match := re.match(r"\./(.+?):(\d+): (.+ ==> .+)", line):
            yield match[1], (int(match[2]), match[3])


def phrases(checked: dict[str, str]) -> Iterator[tuple[str, Finding]]:
    """Yield path and finding of each listed phrase."""
    listed = read_phrases()
    for name, text in checked.items():
        for pattern, instead in listed:
            for match in pattern.finditer(text):
                line = text.count("\n", 0, match.start()) + 1
                yield name, (line, f"{' '.join(match[0].split())} ==> {instead}")


def findings(root: Path = ROOT) -> dict[str, list[Finding]]:
    """Return the findings of each file that has any, in the order of its lines."""
    checked = texts(root)
    found: defaultdict[str, list[Finding]] = defaultdict(list)
    for name, finding in (*misspelled(checked), *phrases(checked)):
        found[name].append(finding)
    return {name: sorted(found[name]) for name in sorted(found)}


def read_allowed(path: Path) -> dict[str, int]:
    """Return the allowed number of findings of each listed file."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {row["path"]: int(row["findings"]) for row in csv.DictReader(file)}


def shorten(path: Path, found: dict[str, list[Finding]]) -> None:
    """Lower the allowed numbers to what is found; files without findings leave the list."""
    allowed = {name: min(n, len(found.get(name, ()))) for name, n in read_allowed(path).items()}
    lines = [f"{name},{number}\n" for name, number in sorted(allowed.items()) if number]
    path.write_text("path,findings\n" + "".join(lines), encoding="utf-8", newline="\n")


def main() -> int:
    """Print what is wrong, and return the status of the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shorten", action="store_true", help="lower the allowed numbers")
    parser.add_argument("--all", action="store_true", help="print what is allowed, too")
    options = parser.parse_args()
    list_of_allowed = HERE / "language_allowed.csv"
    found = findings()
    if options.shorten:
        shorten(list_of_allowed, found)
    allowed = read_allowed(list_of_allowed)
    too_many = {name: of for name, of in found.items() if len(of) > allowed.get(name, 0)}
    for name, of in (found if options.all else too_many).items():
        for line, message in of:
            print(f"{name}:{line}: {message}")
    for name, of in too_many.items():
        print(f"{name}: {len(of)} findings, {allowed.get(name, 0)} allowed")
    return 1 if too_many else 0


if __name__ == "__main__":
    sys.exit(main())
