"""Pictures that belong together: a burst, one patient, one plant seen from several sides.

Such pictures are near copies of each other. If some are in training and some in the test split, the
test measures how well the network remembers them. ``groups=`` names what belongs together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from course_utils import validate
from course_utils.exceptions import InvalidInput

Groups = str | re.Pattern | Callable[[Path], Any]


def pattern(what: str, given: Any) -> re.Pattern:
    """Return a regular expression with a group, given as text or compiled.

    Raises
    ------
    InvalidInput
        If it is no regular expression or has no group.
    """
    try:
        compiled = re.compile(given)
    except (re.error, TypeError) as error:
        raise InvalidInput(
            f"{what} is {given!r}, which is no regular expression ({error}); give one with a "
            rf"group, for example r'^(cat|dog)\.'."
        ) from None
    if not compiled.groups or not isinstance(compiled.pattern, str):
        raise InvalidInput(
            f"{what} is {given!r}, but it needs a group, the part in parentheses that is wanted, "
            rf"for example r'^(cat|dog)\.'."
        )
    return compiled


def part(compiled: re.Pattern, text: str) -> str | None:
    """Return what the first group of the pattern that took part finds in `text`, or None."""
    found = compiled.search(text)
    if found is None:
        return None
    return next((one for one in found.groups() if one), None)


def keys(
    ids: Sequence[str],
    paths: Sequence[Path],
    groups: Groups,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> tuple[str, ...]:
    """Return the group of each picture; a picture without one is a group of its own.

    Parameters
    ----------
    ids : sequence of str
        Paths relative to the dataset's folder, with ``/``.
    paths : sequence of Path
        Where the pictures are.
    groups : str, pattern or callable
        The name of a column; or a regular expression with a group, which is searched in the id; or
        a function of the path.
    columns : mapping of str to sequence of str, optional
        The columns of the table that the pictures come from.

    Returns
    -------
    tuple of str

    Raises
    ------
    InvalidInput
        If `groups` cannot be used, finds nothing, or finds one and the same group for all.
    """
    found = _found(ids, paths, groups, columns or {})
    if not any(found):
        raise InvalidInput(
            f"groups={groups!r} finds no group in any of {len(ids):,} paths, such as "
            f"{validate.some_of(ids, 1)}."
        )
    if len(ids) > 1 and len(set(found)) == 1:
        raise InvalidInput(
            f"groups={groups!r} puts all {len(ids):,} images into one group ({found[0]!r}), so "
            f"they cannot be divided; name a smaller group."
        )
    return tuple(
        f"of {key}" if key else f"alone {id_}" for key, id_ in zip(found, ids, strict=True)
    )


def _found(
    ids: Sequence[str], paths: Sequence[Path], groups: Groups, columns: Mapping[str, Sequence[str]]
) -> list[str]:
    if isinstance(groups, str) and groups in columns:
        return [value.strip() for value in columns[groups]]
    if isinstance(groups, (str, re.Pattern)):
        if columns and isinstance(groups, str) and re.fullmatch(r"[\w ]+", groups):
            raise InvalidInput(
                f"The table has no column {groups!r}{validate.nearest(groups, columns)}; it has "
                f"{validate.some_of(list(columns), 20)}."
            )
        compiled = pattern("groups", groups)
        return [part(compiled, id_) or "" for id_ in ids]
    if not callable(groups):
        raise InvalidInput(
            f"groups is {groups!r}, but it must be a regular expression with a group, such as "
            r"r'(patient\d+)', the name of a column, or a function of the path."
        )
    return [_called(groups, path) for path in paths]


def _called(function: Callable[[Path], Any], path: Path) -> str:
    try:
        key = function(path)
    except Exception as error:
        raise InvalidInput(
            validate.printable(
                f"The function groups failed for {path}: {type(error).__name__}: {error}."
            )
        ) from error
    return "" if key is None else str(key)


def merged(*keys: Sequence[str]) -> list[str]:
    """Return groups that keep together whatever one of several groupings keeps together."""
    parent: dict[tuple[int, str], tuple[int, str]] = {}

    def find(one: tuple[int, str]) -> tuple[int, str]:
        parent.setdefault(one, one)
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    for row in zip(*keys, strict=True):
        first, *others = (find((at, key)) for at, key in enumerate(row))
        for other in others:
            parent[find(other)] = find(first)
    return ["/".join(map(str, find((0, key)))) for key in keys[0]]
