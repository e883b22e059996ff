"""Comparisons that most questions need: a value, a choice, a function on many inputs.

Each raises :class:`~course_utils.checks.Wrong` with a sentence that says what is wrong, and names
the mistake where a usual one gives exactly their answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_utils import probe
from course_utils.checks._question import NotAttempted, Wrong


@dataclass(frozen=True)
class Mistake:
    """A usual mistake.

    Attributes
    ----------
    name : str
        Its name, such as "kernel flipped".
    sentence : str
        What to say to somebody who makes it.
    answer : object
        What it gives: a value, or a function of the same arguments as the right one. A function
        that raises does not give their answer.
    """

    name: str
    sentence: str
    answer: Any


@dataclass(frozen=True)
class Case:
    """Arguments for a function, and how to speak of them.

    Attributes
    ----------
    args, kwargs : tuple, dict
        The arguments.
    label : str
        Completes "for ...", for example "an image of 5 × 7 pixels".
    """

    args: tuple[Any, ...]
    label: str
    kwargs: dict[str, Any] = field(default_factory=dict)


def close(got: Any, want: Any, rtol: float = 1e-5, atol: float = 1e-6) -> bool:
    """Whether two plain values are the same: shape and numbers, or text, entry by entry."""
    if isinstance(want, str) or isinstance(got, str):
        return type(got) is str and type(want) is str and got == want
    if isinstance(want, dict) or isinstance(got, dict):
        return (
            isinstance(want, dict)
            and isinstance(got, dict)
            and set(want) == set(got)
            and all(close(got[key], want[key], rtol, atol) for key in want)
        )
    if _ragged(want) or _ragged(got):
        return (
            isinstance(got, list | tuple)
            and isinstance(want, list | tuple)
            and len(got) == len(want)
            and all(close(g, w, rtol, atol) for g, w in zip(got, want, strict=True))
        )
    first, second = _numbers(got), _numbers(want)
    if first is None or second is None:
        if isinstance(got, np.ndarray | list | tuple) and isinstance(
            want, np.ndarray | list | tuple
        ):
            return np.array_equal(np.asarray(got), np.asarray(want))
        return False
    return (
        first.shape == second.shape
        and bool(np.all(np.isfinite(first)))
        and bool(np.allclose(first, second, rtol=rtol, atol=atol))
    )


def _ragged(value: Any) -> bool:
    if not isinstance(value, list | tuple):
        return False
    if any(isinstance(one, np.ndarray | dict | str) for one in value):
        return True
    try:
        np.asarray(value)
    except ValueError:
        return True
    return False


def _numbers(value: Any) -> np.ndarray | None:
    """`value` as an array of numbers, or None."""
    if isinstance(value, bool | int | float | np.generic | np.ndarray | list | tuple):
        try:
            array = np.asarray(value)
        except ValueError:
            return None
        return array.astype(float) if array.dtype.kind in "biuf" else None
    return None


def number(
    subject: probe.Subject,
    name: str,
    want: float,
    mistakes: Iterable[Mistake] = (),
    *,
    whole: bool = False,
    rtol: float = 1e-4,
    atol: float = 1e-9,
    advice: str = "Work it out once more, step by step.",
) -> None:
    """Check that a name holds one number.

    Parameters
    ----------
    subject : Subject
        The work.
    name : str
        The name.
    want : float
        The right number.
    mistakes : iterable of Mistake
        Those that are named; the first whose answer is theirs.
    whole : bool
        Whether it must be a whole number (4.0 is accepted for 4).
    rtol, atol : float
        What difference is accepted.
    advice : str
        What to try, where no mistake is recognised.
    """
    got = attempted(subject, name)
    if isinstance(got, np.ndarray | list | tuple) and np.size(got) == 1:
        got = np.asarray(got).ravel().tolist()[0]
    if isinstance(got, bool) or not isinstance(got, int | float):
        raise Wrong(f"`{name}` should be one number, but it is {describe(got)}.", "not a number")
    if whole:
        if got != int(got if np.isfinite(got) else 0):
            raise Wrong(f"`{name}` should be a whole number, but it is {got:g}.")
        rtol = 0.0  # so that one bias too few is seen among thousands of weights
    if close(got, want, rtol, atol):
        return
    _name_mistake(got, mistakes, rtol, atol)
    raise Wrong(f"`{name}` is not right. {advice}")


def value(
    subject: probe.Subject,
    name: str,
    want: Any,
    mistakes: Iterable[Mistake] = (),
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
    advice: str = "Work it out once more, step by step.",
) -> None:
    """Check that a name holds an array, a list, a tuple or a text; see :func:`number`.

    A list is as good as a tuple or an array with the same entries.
    """
    got = attempted(subject, name)
    if close(got, want, rtol, atol):
        return
    _name_mistake(got, mistakes, rtol, atol)
    _compare_shapes(f"`{name}`", got, want)
    raise Wrong(f"`{name}` is not right. {advice}")


def choice(
    subject: probe.Subject,
    name: str,
    right: str | Sequence[str],
    why_not: dict[str, str],
    mistakes: dict[str, str] | None = None,
) -> None:
    """Check that a name holds the letter (or the letters) of the right choice.

    Parameters
    ----------
    subject : Subject
        The work.
    name : str
        The name.
    right : str or sequence of str
        The right letter, or all right letters where several are to be named.
    why_not : dict
        For each wrong choice what to say to somebody who takes it. Its keys and `right` are all
        choices that there are. Where several letters are right: what to say if the letter is
        missing or too many.
    mistakes : dict, optional
        The names of the mistakes behind some wrong choices.
    """
    got = attempted(subject, name)
    several = not isinstance(right, str)
    wanted = {right} if isinstance(right, str) else set(right)
    known = wanted | set(why_not)
    given = [got] if isinstance(got, str) and not several else got
    if isinstance(got, str) and several:
        given = [one for one in got.replace(",", " ").split() if one]
        if len(given) == 1 and given[0].lower() not in known:
            given = list(given[0])
    if not isinstance(given, list | tuple) or not all(isinstance(one, str) for one in given):
        form = "a list of letters" if several else "a letter in quotation marks"
        raise Wrong(f'`{name}` should be {form}, such as "{min(known)}", not {describe(got)}.')
    letters = {one.strip().lower() for one in given}
    unknown = sorted(letters - known)
    if unknown:
        raise Wrong(f"`{name}` may only name {', '.join(sorted(known))}, not {unknown[0]!r}.")
    if letters == wanted:
        return
    differing = min(letters ^ wanted if several else letters)
    said = why_not.get(differing, f"Look at {differing!r} once more.")
    raise Wrong(said, (mistakes or {}).get(differing))


def function(
    subject: probe.Subject,
    name: str,
    cases: Sequence[Case],
    reference: Callable[..., Any],
    mistakes: Iterable[Mistake] = (),
    *,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    advice: str = "",
) -> None:
    """Check that a function gives the same as a reference for all cases.

    Parameters
    ----------
    subject : Subject
        The work.
    name : str
        The function.
    cases : sequence of Case
        What it is called with, the simplest first.
    reference : callable
        The right function.
    mistakes : iterable of Mistake
        A mistake is named if its answer is theirs for every case.
    rtol, atol : float
        What difference is accepted.
    advice : str
        What to try, where no mistake is recognised.
    """
    kind = subject.kind(name)
    if kind in ("missing", "none"):
        raise NotAttempted(str(probe.Missing(name)))
    wants = [reference(*case.args, **case.kwargs) for case in cases]
    gots = []
    for case in cases:
        try:
            gots.append(subject.call(name, *case.args, **case.kwargs))
        except probe.StudentError as error:
            if error.kind == "NotImplementedError":
                raise
            # Those before may show a mistake that also explains why it stops here.
            _name_common(cases, gots, wants, mistakes, rtol, atol)
            told = f"{error.message} (for {case.label})".strip()
            raise probe.StudentError(error.kind, told, error.line, error.code) from None
    failed = [k for k in range(len(cases)) if not close(gots[k], wants[k], rtol, atol)]
    if not failed:
        return
    _name_common(cases, gots, wants, mistakes, rtol, atol)
    case, got, want = cases[failed[0]], gots[failed[0]], wants[failed[0]]
    if got is None:
        raise Wrong(f"`{name}` returns nothing; does it end with `return`?", "nothing returned")
    if isinstance(got, probe.Ref):
        kind = subject.kind(got)
        raise Wrong(f"`{name}` should return {describe(want)}, but it returns a {kind}.")
    _compare_shapes(f"What `{name}` returns for {case.label}", got, want)
    where = _first_difference(got, want, rtol, atol)
    most = len(cases) - len(failed)
    so_far = f" (It is right for {most} of {len(cases)} inputs that were tried.)" if most else ""
    raise Wrong(f"`{name}` is wrong for {case.label}{where}. {advice}".strip() + so_far)


def attempted(subject: probe.Subject, name: str) -> Any:
    """Return a value as plain data.

    Raises
    ------
    NotAttempted
        If it is missing, None or an ellipsis.
    """
    if subject.kind(name) in ("missing", "none"):
        raise NotAttempted(str(probe.Missing(name)))
    return subject.get(name)


def describe(value: Any) -> str:
    """Say in words what a plain value is, without its numbers."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, bool):
        return "True or False"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, list | tuple):
        unit = "entry" if len(value) == 1 else "entries"
        return f"a {type(value).__name__} with {len(value)} {unit}"
    if isinstance(value, dict):
        return "a dictionary"
    return "a number"


def _name_mistake(got: Any, mistakes: Iterable[Mistake], rtol: float, atol: float) -> None:
    for mistake in mistakes:
        if close(got, mistake.answer, rtol, atol):
            raise Wrong(mistake.sentence, mistake.name)


def _name_common(
    cases: Sequence[Case],
    gots: Sequence[Any],
    wants: Sequence[Any],
    mistakes: Iterable[Mistake],
    rtol: float,
    atol: float,
) -> None:
    """Raise the first mistake that gives their answers to all cases, one of them wrong."""
    if all(close(got, want, rtol, atol) for got, want in zip(gots, wants, strict=False)):
        return
    for mistake in mistakes:
        if all(_gives(mistake, case, got, rtol, atol) for case, got in zip(cases, gots)):  # noqa: B905
            raise Wrong(mistake.sentence, mistake.name)


def _gives(mistake: Mistake, case: Case, got: Any, rtol: float, atol: float) -> bool:
    try:
        answer = mistake.answer(*case.args, **case.kwargs)
    except Exception:  # the mistaken function cannot do this case, so it is not theirs
        return False
    return close(got, answer, rtol, atol)


def _compare_shapes(what: str, got: Any, want: Any) -> None:
    theirs, right = _numbers(got), _numbers(want)
    if right is None:
        return
    if theirs is None:
        raise Wrong(f"{what} should be {describe(want)}, but it is {describe(got)}.")
    if theirs.shape != right.shape:
        if right.ndim == 0:
            raise Wrong(f"{what} should be one number, but it is {describe(got)}.")
        if right.ndim == 1 and not isinstance(want, np.ndarray):
            raise Wrong(f"{what} should have {right.size} entries, but it is {describe(got)}.")
        raise Wrong(
            f"{what} should have the shape {right.shape}, but the shape is {theirs.shape}.", "shape"
        )
    if not np.all(np.isfinite(theirs)):
        raise Wrong(f"{what} holds values that are not numbers (NaN or infinite).", "not finite")


def _first_difference(got: Any, want: Any, rtol: float, atol: float) -> str:
    first, second = _numbers(got), _numbers(want)
    if first is None or second is None or first.ndim == 0:
        return ""
    differing = np.argwhere(~np.isclose(first, second, rtol=rtol, atol=atol))
    place = ", ".join(str(k) for k in differing[0])
    return f": of {first.size} values {len(differing)} differ, the first at [{place}]"
