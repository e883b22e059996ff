"""How points and sentences are written, in a notebook's feedback and in a grader's reports."""

from __future__ import annotations

import html
import re


def marked(line: str) -> str:
    """Convert a line to HTML: `code` between backticks, **bold** between pairs of asterisks."""
    parts = re.split(r"(`[^`]+`)", html.escape(line, quote=False))
    parts[::2] = [
        re.sub(r"(?<!\w)\*\*(\w[^*]*)\*\*(?!\w)", r"<b>\1</b>", part) for part in parts[::2]
    ]
    parts[1::2] = [f"<code>{part[1:-1]}</code>" for part in parts[1::2]]
    return "".join(parts)


def points(number: float) -> str:
    """Format a number of points with at most two decimals."""
    return f"{round(number, 2):g}"
