"""Keep images that belong together in one split: a burst, one patient, views of one plant.

Such images are near copies of each other. If some are in the training and some in the test split,
the test measures how well the network remembers them. ``groups=`` says which belong together.
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
        If it is not a regular expression or has no group.
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
    """Return the first group of the pattern that is not empty in `text`, or None."""
    found = compiled.search(text)
    return next(filter(None, found.groups()), None) if found else None


def keys(
    ids: Sequence[str],
    paths: Sequence[Path],
    groups: Groups,
    columns: Mapping[str, Sequence[str]] | None = None,
) -> tuple[str, ...]:
    """Return the group of each image; an image without one is a group of its own.

    Parameters
    ----------
    ids : sequence of str
        Paths relative to the dataset's folder, with ``/``.
    paths : sequence of Path
        The files.
    groups : str, pattern or callable
        The name of a column; or a regular expression that is searched in the id and whose group
        is the name; or a function of the path.
    columns : mapping of str to sequence of str, optional
        The columns of the table that names the images.

    Returns
    -------
    tuple of str

    Raises
    ------
    InvalidInput
        If `groups` cannot be used, finds nothing, or finds the same group for all images.
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
            f"The function groups failed for {path}: {type(error).__name__}: {error}."
        ) from error
    return "" if key is None else str(key)


def merged(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Merge two groupings: images that share a group in either of them share one in the result."""
    from scipy.cluster.hierarchy import DisjointSet

    sets = DisjointSet()
    for keys in zip(first, second, strict=True):
        for node in enumerate(keys):
            sets.add(node)
        sets.merge(*enumerate(keys))
    return [str(sets[0, key]) for key in first]
