"""Check arguments, and word messages, in one place for all rooms."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable, Sequence

from course_utils import exceptions, settings
from course_utils.exceptions import InvalidInput

LARGEST_SIDE = 4096


def say(sentence: str) -> None:
    """Print one line for the reader."""
    print(printable(sentence))


def printable(text: str) -> str:
    """Return `text` with characters that cannot be shown (as in file names) written as escapes."""
    return exceptions.printable(text)


def in_line(name: str) -> str:
    """Return a name for a sentence: printable, with line breaks and tabs written as escapes."""
    return printable(name).replace("\n", "\\n").replace("\t", "\\t")


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun, singular or plural.

    Examples
    --------
    >>> counted(1, "image"), counted(1200, "class", "classes")
    ('1 image', '1,200 classes')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def some_of(names: Sequence[str], most: int = 5) -> str:
    """Join `names` for a sentence, naming at most `most` of them.

    Examples
    --------
    >>> some_of(["a.jpg", "b.jpg", "c.jpg"], most=2)
    'a.jpg, b.jpg and 1 more'
    """
    shown = ", ".join(map(in_line, names[:most]))
    rest = len(names) - most
    return f"{shown} and {rest} more" if rest > 0 else shown


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the known name most like `name`, or nothing."""
    by_folded = {str(candidate).casefold(): str(candidate) for candidate in known}
    given = str(name).casefold()
    match = [folded for folded in by_folded if len(given) > 1 and folded.startswith(given)]
    match = match or difflib.get_close_matches(given, list(by_folded), n=1, cutoff=0.5)
    return f" (did you mean {by_folded[match[0]]!r}?)" if match else ""


def shown(value: object) -> str:
    """Return the repr of `value` on one line of at most 60 characters, for a message.

    Examples
    --------
    >>> shown([[1, 2],
    ...        [3, 4]])
    '[[1, 2], [3, 4]]'
    """
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:59] + "…"


def first_line(error: BaseException, empty: str | None = None) -> str:
    r"""Return the first line of an error's message that is not blank.

    Parameters
    ----------
    error : BaseException
        The error.
    empty : str, optional
        What is returned if there is no message; by default the name of the error's class.

    Examples
    --------
    >>> first_line(ValueError("The shape is wrong.\nIt must be (32, 32, 3)."))
    'The shape is wrong.'
    >>> first_line(NotImplementedError())
    'NotImplementedError'
    """
    lines = str(error).strip().splitlines()
    return lines[0].rstrip() if lines else empty or type(error).__name__


def is_whole(number: object) -> bool:
    """Return whether `number` is an integer, a NumPy integer too, but not a bool."""
    return isinstance(number, numbers.Integral) and not isinstance(number, bool)


def whole_number(
    name: str, value: object, at_least: int = 0, at_most: int | None = None, example: int = 1
) -> int:
    """Return `value` as an int where it is an integer within the limits.

    Parameters
    ----------
    name : str
        The argument, for the message.
    value : object
        What was given; NumPy's integers are integers, bools are not.
    at_least, at_most : int
        The limits, inclusive; `at_most` may be None.
    example : int
        A usual value, for the message.

    Raises
    ------
    InvalidInput
        If it is no integer or beyond the limits.
    """
    if is_whole(value):
        number = int(value)  # type: ignore[call-overload]
        if number >= at_least and (at_most is None or number <= at_most):
            return number
    limits = f"of at least {at_least}" if at_most is None else f"from {at_least} to {at_most}"
    raise InvalidInput(
        f"{name} is {shown(value)}, but it must be a whole number {limits}, for example {example}."
    )


def number_between(
    name: str,
    value: object,
    low: float,
    high: float,
    example: float,
    open_low: bool = False,
    open_high: bool = False,
) -> float:
    """Return `value` as a float where it is a number from `low` to `high`.

    Parameters
    ----------
    name : str
        The argument, for the message.
    value : object
        What was given; NumPy's numbers are numbers, bools and NaN are not.
    low, high : float
        The limits; where `high` is infinite, every finite number from `low` on will do.
    example : float
        A usual value, for the message.
    open_low, open_high : bool
        Whether `low` or `high` itself is excluded.

    Raises
    ------
    InvalidInput
        If it is no number or beyond the limits.
    """
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        number = float(value)
        above = low < number or (number == low and not open_low)
        if above and (number < high or (number == high < float("inf") and not open_high)):
            return number
    lower = f" {'above' if open_low else 'of at least'} {low:g}" if low > -float("inf") else ""
    upper = f" and {'below' if open_high else 'at most'} {high:g}" if high < float("inf") else ""
    raise InvalidInput(
        f"{name} is {value!r}, but it must be a number{lower}{upper}, for example {example:g}."
    )


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
    return whole_number("batch_size", size, 1, example=32)


def seed(number: object) -> int:
    """Return `number`, or the course's seed where it is None."""
    if number is None:
        return settings.seed()
    return whole_number("seed", number, 0, example=42)


def choice(what: str, value: object, allowed: Sequence[str]) -> str:
    """Return `value` where it is one of `allowed`."""
    if value not in allowed:
        options = " or ".join(map(repr, allowed))
        raise InvalidInput(
            f"{what} is {shown(value)}, but it must be {options}{nearest(str(value), allowed)}."
        )
    return str(value)


def fraction(what: str, value: object) -> float:
    """Return `value` if it is a share of the images that a split can have: 0 < value <= 0.5."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= 0.5:
        raise InvalidInput(
            f"{what} is {value!r}, but it must be a share of the images above 0 and at most 0.5, "
            f"for example 0.1."
        )
    return float(value)
