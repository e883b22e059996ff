"""How points and sentences are written, in a notebook's feedback and in a grader's reports."""

from __future__ import annotations

import html
import re


def marked(line: str) -> str:
    """`line` for HTML: `code` between backticks, and **stress** between pairs of asterisks."""
    parts = re.split(r"(`[^`]+`)", html.escape(line, quote=False))
    parts[::2] = [
        re.sub(r"(?<!\w)\*\*(\w[^*]*)\*\*(?!\w)", r"<b>\1</b>", part) for part in parts[::2]
    ]
    parts[1::2] = [f"<code>{part[1:-1]}</code>" for part in parts[1::2]]
    return "".join(parts)


def points(number: float) -> str:
    """A number of points without needless decimals: two at most."""
    return f"{round(number, 2):g}"
