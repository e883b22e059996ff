"""How feedback looks: a box in a notebook, the same words as plain text elsewhere."""

from __future__ import annotations

import html
from dataclasses import dataclass

from course_utils.checks._question import Verdict
from course_utils.checks.wording import marked, points

#: A word, a sign and a color of the palette for each status, since color alone is not enough.
_LOOKS = {
    "correct": ("Correct", "✓", "#009E73"),
    "partly": ("Partly correct", "◐", "#E69F00"),
    "incorrect": ("Incorrect", "✗", "#D55E00"),
    "not attempted": ("Not attempted yet", "○", "#777777"),
    "error": ("Your code stopped with an error", "✗", "#D55E00"),
    "timeout": ("Your code takes too long", "✗", "#D55E00"),
    "for a person": ("Marked by a person", "○", "#0072B2"),
    "hint": ("Hint", "?", "#0072B2"),
    "solution": ("Solution", "=", "#0072B2"),
    "progress": ("Progress", "Σ", "#0072B2"),
}


@dataclass(frozen=True)
class Box:
    """A heading, some lines, and perhaps code or a table, in a box."""

    look: str
    heading: str
    lines: tuple[str, ...] = ()
    code: str = ""
    table: tuple[tuple[str, ...], ...] = ()

    def __repr__(self) -> str:
        _, sign, _ = _LOOKS[self.look]
        rows = [f"{sign} {self.heading}", *(f"  {line}" for line in self.lines)]
        if self.table:
            widths = [max(len(row[k]) for row in self.table) for k in range(len(self.table[0]))]
            rows += [
                "  " + "  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip()
                for row in self.table
            ]
        if self.code:
            rows += ["", *self.code.splitlines()]
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        _, sign, color = _LOOKS[self.look]
        parts = [f"<strong>{sign} {html.escape(self.heading)}</strong>"]
        parts += [f"<div>{marked(line)}</div>" for line in self.lines]
        if self.table:
            head, *body = self.table
            cells = "".join(f"<th style='text-align:left'>{html.escape(c)}</th>" for c in head)
            rows = "".join(
                "<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>"
                for row in body
            )
            parts.append(f"<table><thead><tr>{cells}</tr></thead><tbody>{rows}</tbody></table>")
        if self.code:
            parts.append(f"<pre style='margin:0.5em 0 0'>{html.escape(self.code)}</pre>")
        return (
            f"<div style='border:1px solid {color};border-left:6px solid {color};"
            f"padding:0.5em 0.8em;margin:0.3em 0;max-width:50em'>{''.join(parts)}</div>"
        )


def of_verdict(verdict: Verdict) -> Box:
    """Return the box that shows a verdict."""
    word = _LOOKS[verdict.status][0]
    score = f"{points(verdict.points)} of {points(verdict.maximum)}"
    if verdict.status == "for a person":  # "0 of 2" would read like a mark
        score = f"up to {points(verdict.maximum)}"
    unit = "point" if verdict.maximum == 1 else "points"
    heading = f"{verdict.question}: {word} ({score} {unit})"
    lines = [verdict.sentence] if verdict.sentence else []
    if len(verdict.parts) > 1 and verdict.status not in ("correct", "not attempted"):
        for part in verdict.parts:
            name, sign, _ = _LOOKS[part.status]
            apart = f", {part.sentence}" if part.status == "correct" and part.sentence else ""
            lines.append(f"{sign} {part.name}: {name[0].lower() + name[1:]}{apart}")
    return Box(verdict.status, heading, tuple(lines))
