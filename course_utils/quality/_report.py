"""The result of the checklist as text, tables and HTML."""

from __future__ import annotations

import html
import textwrap
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_utils.exceptions import InvalidInput
from course_utils.validate import counted, printable

if TYPE_CHECKING:
    import pandas as pd

_MARKS = {"ok": "✓", "warning": "!", "problem": "✗"}


@dataclass(frozen=True)
class Row:
    """One line of the checklist.

    Attributes
    ----------
    check : str
        Name of the check.
    verdict : {"ok", "warning", "problem"}
        A problem distorts training or evaluation; a warning should be checked.
    found : str
        What was found, with the numbers.
    advice : str
        What to do about it; empty if nothing is to be done.
    files : tuple of str
        The ids of the images concerned: paths relative to the folder, with ``/``.
    details : tuple of str
        What is wrong with each file.
    others : tuple of str
        The id of the image that `details` compares each file with, or "".
    """

    check: str
    verdict: str
    found: str
    advice: str = ""
    files: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the verdict, the findings, the advice and every file; a pair is named once."""
        head = f"{_MARKS[self.verdict]} {self.verdict:<8} {self.check:<22}  "
        pad = " " * len(head)
        lines = _wrap(self.found, head, pad)
        if self.advice:
            lines += _wrap(self.advice, pad + "→ ", pad + "  ")
        told: set[frozenset[str]] = set()
        for file, detail, other in zip(self.files, self.details, self.others, strict=True):
            pair = frozenset((file, other))
            if not other or pair not in told:
                lines.append(f"    {file}: {detail}")
            told.add(pair)
        return printable("\n".join(lines))


@dataclass(frozen=True, repr=False)
class QualityReport:
    """The result of the checklist, made by `report`.

    ``print(report)`` shows the verdicts and every file concerned, `to_frame` returns the same as a
    table, `files` one line per file; a notebook displays the report as a table.

    Attributes
    ----------
    name : str
        The folder or dataset that was checked.
    rows : tuple of Row
        One row per check, in the order of the checklist.
    counts : dict
        Number of readable images of each split and class: ``counts[split][class]``. The split is
        ``"all"`` if there are no splits.
    removable : tuple of str
        Ids that can be left out without losing an image: unreadable files, and of each group of
        copies all but one (one in the test split is kept rather than one in the training split,
        and a larger image rather than a smaller one).
        Copies with different labels are not among them: only you can say which label is right.
    pairs : tuple of (str, str, str)
        For each copy that was found: its id, the id of the image it is a copy of, and how the
        two are related.
    """

    name: str
    rows: tuple[Row, ...]
    counts: dict[str, dict[str, int]]
    removable: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str, str], ...] = ()

    @property
    def ok(self) -> bool:
        """Whether there is no problem; warnings do not count."""
        return all(row.verdict != "problem" for row in self.rows)

    @property
    def verdict(self) -> str:
        """The worst verdict of all rows."""
        verdicts = {row.verdict for row in self.rows}
        return next(v for v in ("problem", "warning", "ok") if v in verdicts)

    def __getitem__(self, check: str) -> Row:
        """Return the row of one check by its name, such as ``report["near duplicates"]``."""
        for row in self.rows:
            if row.check == check:
                return row
        raise InvalidInput(
            f"The report has no check called {check!r}; it has "
            f"{', '.join(repr(row.check) for row in self.rows)}."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one line per check: check, verdict, found, advice, files (a list of ids)."""
        import pandas as pd

        return pd.DataFrame(
            [(r.check, r.verdict, r.found, r.advice, list(r.files)) for r in self.rows],
            columns=["check", "verdict", "found", "advice", "files"],
        )

    def files(self) -> pd.DataFrame:
        """Return one line per file and check: check, verdict, file, detail, other."""
        import pandas as pd

        return pd.DataFrame(
            [
                (row.check, row.verdict, *entry)
                for row in self.rows
                for entry in zip(row.files, row.details, row.others, strict=True)
            ],
            columns=["check", "verdict", "file", "detail", "other"],
        )

    def _title(self) -> str:
        images = sum(sum(split.values()) for split in self.counts.values())
        classes = {name for split in self.counts.values() for name in split}
        title = f"Data quality of {self.name}: {counted(images, 'image')}, "
        title += counted(len(classes), "class", "classes")
        if set(self.counts) != {"all"}:
            title += ", " + " · ".join(f"{s} {sum(c.values()):,}" for s, c in self.counts.items())
        return title

    def __repr__(self) -> str:
        verdicts = Counter(row.verdict for row in self.rows)
        return (
            f"<{self._title()}: {counted(verdicts['problem'], 'problem')}, "
            f"{counted(verdicts['warning'], 'warning')}>"
        )

    def __str__(self) -> str:
        return "\n".join([printable(self._title()), *map(str, self.rows)])

    def _repr_html_(self) -> str:
        escape, left = html.escape, 'style="text-align:left"'
        lines = [f"<p><strong>{escape(self._title())}</strong></p><table><thead><tr>"]
        lines += [f"<th {left}>{h}</th>" for h in ("check", "verdict", "found", "what to do")]
        lines.append("</tr></thead><tbody>")
        for row in self.rows:
            files = "".join(
                f"<li><code>{escape(file)}</code> {escape(detail)}</li>"
                for file, detail in zip(row.files, row.details, strict=True)
            )
            if files:
                files = (
                    f"<details><summary>{counted(len(row.files), 'file')}</summary>"
                    f"<ul>{files}</ul></details>"
                )
            lines.append(
                f"<tr><td {left}>{escape(row.check)}</td>"
                f"<td {left}>{_MARKS[row.verdict]}&nbsp;{row.verdict}</td>"
                f"<td {left}>{escape(row.found)}{files}</td>"
                f"<td {left}>{escape(row.advice)}</td></tr>"
            )
        lines.append("</tbody></table>")
        return printable("".join(lines))


def _wrap(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent=first, subsequent_indent=rest)
