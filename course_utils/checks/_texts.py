"""The texts of the exercises: one TOML file for each, beside the module that judges its answers.

See ``questions/__init__.py`` for what stands in these files.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).with_name("questions")


@cache
def read(name: str) -> dict[str, Any]:
    """Return the texts of a file such as ``"e01"`` or ``"common"``, each string in one line."""
    text = _FOLDER.joinpath(f"{name}.toml").read_text(encoding="utf-8")
    found: dict[str, Any] = _in_one_line(tomllib.loads(text))
    return found


def _in_one_line(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_one_line(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_in_one_line(entry) for entry in value]
    return " ".join(value.split()) if isinstance(value, str) else value


def common() -> dict[str, str]:
    """Return the messages that all exercises share."""
    found: dict[str, str] = read("common")["messages"]
    return found


def verdict(key: str, **fields: str) -> str:
    """Return what to say of an answer beside the mistakes of its question."""
    found: dict[str, str] = read("common")["verdicts"]
    return found[key].format(**fields)


def explained(message: str) -> str:
    """Return what to add to the text of an exception that does not tell a beginner what to do."""
    found: dict[str, str] = read("common")["exceptions"]
    return next((say for pattern, say in found.items() if re.search(pattern, message)), "")


def sentence(
    keys: Sequence[str],
    fields: Mapping[str, Any],
    messages: Mapping[str, str],
    advice: Mapping[str, str],
) -> str:
    """Return what to say to somebody who makes some mistakes.

    Parameters
    ----------
    keys : sequence of str
        The keys of the mistakes' messages.
    fields : mapping
        The values that stand in the messages; ``name`` is the name that was looked at.
    messages : mapping
        The messages by their keys.
    advice : mapping
        What to try, by the name that was looked at, where no usual mistake is recognized.

    Raises
    ------
    KeyError
        If there is no such message.
    """
    filled = {"advice": "", **fields}
    filled["advice"] = advice.get(str(fields.get("name")), filled["advice"])
    told = [re.sub(" +", " ", messages[key].format(**filled)).strip() for key in keys]
    if len(told) == 1:
        return told[0]
    numbered = " ".join(f"({k}) {one}" for k, one in enumerate(told, start=1))
    return f"There are {len(told)} mistakes. {numbered}"
