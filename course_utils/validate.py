"""Checks of arguments and the small sentences that all sources of data share."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from course_utils import settings
from course_utils.exceptions import InvalidInput

LARGEST_SIDE = 4096


def say(sentence: str) -> None:
    """Tell the reader something in one line."""
    print(printable(sentence))


def printable(text: str) -> str:
    """Return `text` with whatever no terminal can show (undecodable file names) written out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def some_of(names: Sequence[str], most: int = 5) -> str:
    """Join `names` for a sentence, naming at most `most` of them.

    Examples
    --------
    >>> some_of(["a.jpg", "b.jpg", "c.jpg"], most=2)
    'a.jpg, b.jpg and 1 more'
    """
    shown = ", ".join(printable(name) for name in names[:most])
    rest = len(names) - most
    return f"{shown} and {rest} more" if rest > 0 else shown


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known name most like `name`, or nothing."""
    by_folded = {str(one).casefold(): str(one) for one in known}
    given = str(name).casefold()
    match = [one for one in by_folded if len(given) > 1 and one.startswith(given)]
    match = match or difflib.get_close_matches(given, list(by_folded), n=1, cutoff=0.5)
    return f" (did you mean {by_folded[match[0]]!r}?)" if match else ""


def is_whole(number: object) -> bool:
    """Whether `number` is an integer (NumPy's too) and no bool."""
    import numbers

    return isinstance(number, numbers.Integral) and not isinstance(number, bool)


def image_size(size: object) -> tuple[int, int]:
    """Return `size`, one number or (height, width), as (height, width) in pixels."""
    pair = (size, size) if is_whole(size) else size
    if (
        not isinstance(pair, (tuple, list))
        or len(pair) != 2
        or not all(is_whole(side) and 1 <= side <= LARGEST_SIDE for side in pair)
    ):
        raise InvalidInput(
            f"image_size is {size!r}, but it must be one whole number or (height, width), each "
            f"between 1 and {LARGEST_SIDE} pixels, for example (128, 128)."
        )
    return int(pair[0]), int(pair[1])


def batch_size(size: object) -> int:
    """Return `size` where it is a usable number of images per batch."""
    if not is_whole(size) or size < 1:  # type: ignore[operator]
        raise InvalidInput(
            f"batch_size is {size!r}, but it must be a whole number of at least 1, for example 32."
        )
    return int(size)  # type: ignore[call-overload]


def seed(number: object) -> int:
    """Return `number`, or the course's seed where it is None."""
    if number is None:
        return settings.seed()
    if not is_whole(number) or number < 0:  # type: ignore[operator]
        raise InvalidInput(
            f"seed is {number!r}, but it must be a whole number of at least 0, for example 42."
        )
    return int(number)  # type: ignore[call-overload]


def choice(what: str, value: object, allowed: Sequence[str]) -> str:
    """Return `value` where it is one of `allowed`."""
    if value not in allowed:
        options = " or ".join(repr(one) for one in allowed)
        raise InvalidInput(
            f"{what} is {value!r}, but it must be {options}{nearest(str(value), allowed)}."
        )
    return str(value)


def fraction(what: str, value: object) -> float:
    """Return `value` where it is a share of the images that a split can be given."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 0.5:
        raise InvalidInput(
            f"{what} is {value!r}, but it must be a share of the images above 0 and at most 0.5, "
            f"for example 0.1."
        )
    return float(value)
