"""Comparisons that most questions need: a value, a choice, a function on many inputs.

Each raises :class:`~course_utils.checks.IncorrectAnswer`, whose message says what is wrong, and
names the mistake where a usual one gives exactly their answer.
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from course_utils import student_work
from course_utils.checks import _texts
from course_utils.checks._question import TOLD_BEFORE, IncorrectAnswer, NotAttempted, wrong

#: The difference that is accepted of a number with three decimals, rounded or cut off.
_THREE_DECIMALS = 6e-4


class Mistake:
    """A usual mistake.

    Parameters
    ----------
    key : str
        The key of its message: its name, such as "kernel flipped", or "name: which sentence".
    *answers : object
        What it gives: values, or functions of the same arguments as the right one. A function that
        raises does not give their answer.
    **fields : object
        The values that stand in the message.
    """

    def __init__(self, key: str, *answers: Any, **fields: Any) -> None:
        self.key, self.answers, self.fields = key, answers, fields

    @property
    def name(self) -> str:
        """The name of the mistake."""
        return self.key.partition(":")[0]

    @property
    def answer(self) -> Any:
        """The first of the answers."""
        return self.answers[0]

    def told(self, *, is_all: bool = True) -> IncorrectAnswer:
        """Return the exception that tells the mistake, which is all that is wrong or not."""
        error = wrong(self.key, **self.fields)
        error.is_all = is_all
        return error


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
    """Whether two plain values are the same: shape and numbers, or text, entry by entry.

    A list is as good as a tuple or an array with the same entries.
    """
    got, want = _without_dimension(got), _without_dimension(want)
    if got is None or want is None:
        return got is want
    if isinstance(want, str) or isinstance(got, str):
        return type(got) is str and type(want) is str and got == want
    if isinstance(want, dict) or isinstance(got, dict):
        return (
            isinstance(want, dict)
            and isinstance(got, dict)
            and set(want) == set(got)
            and all(close(got[key], want[key], rtol, atol) for key in want)
        )
    first, second = numbers(got), numbers(want)
    if first is not None and second is not None:
        return (
            first.shape == second.shape
            and bool(np.all(np.isfinite(first)))
            and bool(np.allclose(first, second, rtol=rtol, atol=atol))
        )
    entries, wanted = listed(got), listed(want)
    return (
        entries is not None
        and wanted is not None
        and len(entries) == len(wanted)
        and all(close(g, w, rtol, atol) for g, w in zip(entries, wanted, strict=True))
    )


def _without_dimension(value: Any) -> Any:
    """An array of no dimension as what it holds."""
    return value.item() if isinstance(value, np.ndarray) and value.ndim == 0 else value


def numbers(value: Any) -> np.ndarray | None:
    """A number, or an array or list of numbers, as an array of floats; None for anything else.

    Rows of different lengths are something else.
    """
    if isinstance(value, bool | int | float | np.generic | np.ndarray | list | tuple):
        try:
            array = np.asarray(value)
        except ValueError:
            return None
        return array.astype(float) if array.dtype.kind in "biuf" else None
    return None


# --- one value in each of the forms that an answer may have --------------------------------------


def listed(value: Any) -> list[Any] | None:
    """The entries of a list, a tuple or an array, as a list; None for anything else.

    The rows of an array of several dimensions are its entries.
    """
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, np.ndarray) and value.ndim:
        return list(value) if value.ndim > 1 else value.tolist()
    return None


def one_number(value: Any) -> int | float | None:
    """A number, also one that stands alone in a list or an array; None for anything else.

    True and False are no numbers.
    """
    if isinstance(value, np.ndarray | list | tuple):
        array = numbers(value)
        if array is None or array.size != 1:
            return None
        value = np.asarray(value).ravel().tolist()[0]
    if isinstance(value, complex) and not value.imag:
        value = value.real
    if type(value) is int and abs(value) > sys.float_info.max:
        value = math.inf if value > 0 else -math.inf
    return None if isinstance(value, bool) or not isinstance(value, int | float) else value


def has_few_decimals(got: float, want: float) -> bool:
    """Whether a number is another one with one or two decimals, rounded or cut off.

    Where the other one has no more decimals itself, it is not.
    """
    cuts = [cut(want * ten) / ten for ten in (10, 100) for cut in (round, int)]
    return abs(got - want) > 1e-9 and any(abs(got - cut) < 1e-9 for cut in cuts)


def texts(value: Any) -> list[str] | None:
    """The entries of a list, a tuple or an array that holds text only; None for anything else."""
    entries = listed(value)
    if entries is None or not all(isinstance(entry, str) for entry in entries):
        return None
    return entries


def mapping(subject: student_work.StudentWork, name: str) -> dict[Any, Any] | None:
    """A dictionary, or what answers like one: a mapping, a training history, a table of pandas.

    Parameters
    ----------
    subject : StudentWork
        The work.
    name : str
        The name.

    Returns
    -------
    dict or None
        None for anything else.

    Raises
    ------
    NotAttempted
        If the name is missing or None.
    """
    got = attempted(subject, name)
    if isinstance(got, np.ndarray | list) and subject.kind(f"{name}.to_dict") == "function":
        got = subject.call(f"{name}.to_dict")
    return got if isinstance(got, dict) else None


def dictionary(subject: student_work.StudentWork, name: str) -> dict[Any, Any]:
    """Return what :func:`mapping` does, or raise :class:`IncorrectAnswer` for anything else."""
    found = mapping(subject, name)
    if found is None:
        raise wrong("not a dictionary", name=name, got=describe(attempted(subject, name)))
    return found


def letters(given: Any, known: Iterable[str]) -> set[str] | None:
    """The letters of choices or claims, in whatever form they were written.

    Accepted are a list, a tuple, a set or an array of letters and one string with all of them;
    capitals; spaces, brackets and dots ("a)", " A "); and what follows the letter ("a) turn it").

    Parameters
    ----------
    given : object
        Plain data.
    known : iterable of str
        The letters that there are.

    Returns
    -------
    set of str or None
        The letters in lower case, and as it stands what is none of `known`; None if something is
        no text.
    """
    given = _without_dimension(given)
    entries = [given] if isinstance(given, str) else listed(given)
    if entries is None or not all(isinstance(entry, str) for entry in entries):
        return None
    return {letter for entry in entries for letter in _letters_in(entry, set(known))}


def _letters_in(text: str, known: set[str]) -> list[str]:
    text = unicodedata.normalize("NFKC", text).lower().strip()
    labeled = re.match(
        r"\W*(\w)\s*[).:\]–-]\s*(?!(?:and|or)\b)\w{2}", text
    )  # "a) turn the picture"
    if labeled and labeled[1] in known:
        return [labeled[1]]
    words = [word for word in re.findall(r"\w+", text) if word not in ("and", "or")]
    if len(words) == 1 and set(words[0]) <= known:  # "bd"
        return list(words[0])
    return words if all(word in known for word in words) else [text]


def number(
    subject: student_work.StudentWork,
    name: str,
    want: float,
    mistakes: Iterable[Mistake] = (),
    *,
    whole: bool = False,
    decimals: bool = False,
    rtol: float = 1e-4,
    atol: float = 1e-9,
) -> None:
    """Check that a name holds one number.

    Parameters
    ----------
    subject : StudentWork
        The work.
    name : str
        The name.
    want : float
        The right number.
    mistakes : iterable of Mistake
        Those that are named; the first whose answer is theirs.
    whole : bool
        Whether it must be a whole number (4.0 is accepted for 4).
    decimals : bool
        Whether to say that one or two decimals are too few, where that is all that is wrong.
    rtol, atol : float
        What difference is accepted.
    """
    given = attempted(subject, name)
    got = one_number(given)
    if got is None:
        raise wrong("not a number", name=name, got=describe(given))
    if not np.isfinite(got):
        raise wrong("not finite: number", name=name)
    if whole:
        if got != int(got):
            raise wrong("other: whole number", name=name, got=got)
        rtol = 0.0  # so that one bias too few is seen among thousands of weights
    if close(got, want, rtol, atol):
        return
    tell(got, mistakes, rtol=rtol, atol=atol)
    if decimals and has_few_decimals(got, want):
        raise wrong("rounded: number", name=name)
    raise wrong("other: not right", name=name, advice=_texts.common()["other: try again"])


def earlier_number(subject: student_work.StudentWork, name: str) -> int | float | None:
    """Return the number that an earlier part has found; None if there is none."""
    try:
        return one_number(subject.get(name))
    except student_work.StudentWorkError:
        return None


def number_by_hand(
    subject: student_work.StudentWork,
    name: str,
    want: float,
    mistakes: Iterable[Mistake] = (),
    follows: Iterable[float] = (),
    *,
    slack: float = _THREE_DECIMALS,
) -> None:
    """Check a number to three decimals; one that follows from an earlier mistake is right, too.

    Parameters
    ----------
    subject, name, want, mistakes
        As for :func:`number`.
    follows : iterable of float
        The numbers that follow from mistakes in earlier parts.
    slack : float
        The largest difference from one of them.
    """
    got = one_number(attempted(subject, name))
    if got is not None and any(abs(got - value) <= slack for value in follows):
        return
    number(subject, name, want, mistakes, rtol=0.0, atol=_THREE_DECIMALS, decimals=True)


def value(
    subject: student_work.StudentWork,
    name: str,
    want: Any,
    mistakes: Iterable[Mistake] = (),
    *,
    rtol: float = 1e-4,
    atol: float = 1e-6,
) -> None:
    """Check that a name holds an array, a list, a tuple or a string; see :func:`number`.

    A list is as good as a tuple or an array with the same entries.
    """
    got = attempted(subject, name)
    if close(got, want, rtol, atol):
        return
    tell(got, mistakes, rtol=rtol, atol=atol)
    _compare_shapes(f"`{name}`", got, want)
    _name_lost_decimals(f"`{name}`", got, want)
    raise wrong("other: not right", name=name, advice=_texts.common()["other: try again"])


def tell(
    got: Any, mistakes: Iterable[Mistake], *args: Any, rtol: float = 1e-4, atol: float = 1e-6
) -> None:
    """Raise the first mistake that gives an answer.

    Parameters
    ----------
    got : object
        The answer.
    mistakes : iterable of Mistake
        Those that are told.
    *args : object
        Arguments for the mistakes' answers, where they are functions.
    rtol, atol : float
        What difference is accepted.
    """
    for mistake in mistakes:
        for answer in mistake.answers:
            if callable(answer):
                same = _gives(answer, Case(args, ""), got, rtol, atol)
            else:
                same = close(got, answer, rtol, atol)
            if same:
                raise mistake.told()


def choice(
    subject: student_work.StudentWork,
    name: str,
    right: str | Sequence[str],
    choices: str,
    mistakes: dict[str, str] | None = None,
) -> None:
    """Check that a name holds the letter (or the letters) of the right choice.

    Parameters
    ----------
    subject : StudentWork
        The work.
    name : str
        The name.
    right : str or sequence of str
        The right letter, or all right letters where several are to be named.
    choices : str
        The letters of all choices. Of each wrong one (and where several are right, of each one) the
        question's messages say something, by the key "name letter".
    mistakes : dict, optional
        The names of the mistakes behind some wrong choices.
    """
    wanted = set(right)
    several = not isinstance(right, str) or len(right) > 1
    known = wanted | set(choices)
    got = attempted(subject, name)
    given = letters(got, known)
    if given is None:
        form = "a list of letters" if several else "a letter in quotation marks"
        raise wrong("other: letters", name=name, form=form, letter=min(known), got=describe(got))
    unknown = sorted(given - known)
    if unknown:
        all_letters = ", ".join(sorted(known))
        raise wrong("other: unknown letter", name=name, letters=all_letters, letter=unknown[0])
    if given == wanted:
        return
    if not given:
        raise wrong("other: no letter", name=name)
    if not several and len(given) > 1:
        raise wrong("other: several letters", name=name)
    differing = min(given ^ wanted if several else given)
    mistake = (mistakes or {}).get(differing)
    raise wrong(f"{name} {differing}", mistake=mistake or "other")


def function(
    subject: student_work.StudentWork,
    name: str,
    cases: Sequence[Case],
    reference: Callable[..., Any],
    mistakes: Iterable[Mistake] = (),
    *,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    form: Callable[[Any], Any] | None = None,
) -> None:
    """Check that a function gives the same as a reference for all cases.

    Parameters
    ----------
    subject : StudentWork
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
    form : callable, optional
        Brings what the function returns into the form that the reference gives; may raise.
    """
    require(subject, name)
    with np.errstate(all="ignore"):  # that of a mistake may divide by zero
        wants = [reference(*case.args, **case.kwargs) for case in cases]
    gots = []
    for case in cases:
        try:
            gots.append(_formed(subject, name, case, form))
        except student_work.StudentError as error:
            if error.kind != "NotImplementedError":
                # Those before may show a mistake that also explains why it stops here.
                _name_common(cases[: len(gots)], gots, wants, mistakes, rtol, atol, is_all=False)
            raise
    failed = [k for k in range(len(cases)) if not close(gots[k], wants[k], rtol, atol)]
    if not failed:
        return
    _name_common(cases, gots, wants, mistakes, rtol, atol)
    case, got, want = cases[failed[0]], gots[failed[0]], wants[failed[0]]
    leaves_arguments(subject, name, [case], is_all=False)
    if got is None:
        raise wrong("nothing returned", name=name)
    if isinstance(got, student_work.Ref):
        kind_in_words = student_work.IN_WORDS[subject.kind(got)]
        raise wrong("other: returns", name=name, want=describe(want), got=kind_in_words)
    _compare_shapes(f"What `{name}` returns for {case.label}", got, want)
    _name_lost_decimals(f"What `{name}` returns for {case.label}", got, want)
    where = _first_difference(got, want, rtol, atol)
    most = len(cases) - len(failed)
    so_far = f"(It is right for {most} of {len(cases)} inputs that were tried.)" if most else ""
    found = {"label": case.label, "where": where, "so_far": so_far}
    raise wrong("other: wrong for a case", name=name, **found)


@contextmanager
def standing_in(
    subject: student_work.StudentWork,
    name: str,
    arguments: Sequence[Sequence[np.ndarray]],
    reference: Callable[..., np.ndarray],
) -> Iterator[None]:
    """Put the right function in the place of one of the student's while the block runs.

    So a later part that calls it can be judged by itself: the mistake of an earlier part, or an
    answer that is missing there, does not cost points twice.

    Parameters
    ----------
    subject : StudentWork
        The work.
    name : str
        The function.
    arguments : sequence of sequences of array
        What it is going to be called with; for anything else it is the student's.
    reference : callable
        The right function.
    """
    given = [list(args) for args in arguments]
    subject.stand_in(name, given, [reference(*args) for args in given])
    try:
        yield
    finally:
        subject.stand_in(name, [], [])


def leaves_arguments(
    subject: student_work.StudentWork, name: str, cases: Iterable[Case], *, is_all: bool = True
) -> None:
    """Check that a function does not change the arrays and lists that it is given.

    With `is_all` nothing else is wrong: its results have been checked before. Cases in which it
    stops with an error are left to the part that asks for their results.
    """
    for case in cases:
        try:
            subject.call(name, *case.args, **case.kwargs)
        except student_work.StudentWorkError:
            continue
        left_arguments(subject, name, is_all=is_all)


def left_arguments(subject: student_work.StudentWork, name: str, *, is_all: bool = False) -> None:
    """Check that the last call, that of the function `name`, has not changed its arguments."""
    if subject.changed():
        error = wrong("arguments changed", name=name)
        error.is_all = is_all
        raise error


def as_told_before(
    subject: student_work.StudentWork,
    name: str,
    cases: Sequence[Case],
    reference: Callable[..., Any],
    mistakes: Iterable[Mistake],
    *,
    rtol: float = 1e-4,
    atol: float = 1e-5,
    form: Callable[[Any], Any] | None = None,
    then: Sequence[Case] = (),
) -> Callable[..., Any]:
    """Return the reference for a part that must not count the mistake of an earlier part again.

    Parameters
    ----------
    subject, name, cases, reference, mistakes, rtol, atol, form
        What the earlier part has asked, as for :func:`function`.
    then : sequence of Case
        What the later part asks: where several mistakes give all their answers to `cases`, the
        first that gives these answers, too, is meant.

    Returns
    -------
    callable
        What the first mistake that gives all their answers gives, rounding included; `reference`
        if there is none, or if the function is right. Where it stops with an error, the answers
        before show the mistake, as in :func:`function`.
    """
    gots = []
    try:
        for case in cases:
            gots.append(_formed(subject, name, case, form))
    except student_work.StudentError:
        cases = cases[: len(gots)]
    except (student_work.StudentWorkError, IncorrectAnswer):
        return reference
    wants = [reference(*case.args, **case.kwargs) for case in cases]
    if all(close(got, want, rtol, atol) for got, want in zip(gots, wants, strict=True)):
        return reference
    known = [*mistakes, *_rounded(reference)]
    found = [answer for _, answer in _all_common(cases, gots, known, rtol, atol)]
    if len(found) > 1 and then:
        try:
            later = [_formed(subject, name, case, form) for case in then]
        except (student_work.StudentWorkError, IncorrectAnswer):
            return found[0]
        for answer in found:
            if all(
                _gives(answer, case, got, rtol, atol) for case, got in zip(then, later, strict=True)
            ):
                subject.known[TOLD_BEFORE] = True
                return answer
    if found:
        subject.known[TOLD_BEFORE] = True
    return found[0] if found else reference


def _rounded(reference: Callable[..., Any]) -> list[Mistake]:
    """Return the mistakes of rounding what a function gives to 0 to 4 decimals, or cutting them."""

    def by(cut: Callable[..., Any], *places: int) -> Callable[..., Any]:
        return lambda *args, **kwargs: cut(reference(*args, **kwargs), *places)

    rounded = [by(np.round, places) for places in range(5)]
    return [Mistake("rounded", *rounded, by(np.trunc), by(np.floor))]


def _formed(
    subject: student_work.StudentWork,
    name: str,
    case: Case,
    form: Callable[[Any], Any] | None,
) -> Any:
    result = _call(subject, name, *case.args, label=case.label, **case.kwargs)
    return result if form is None or result is None else form(result)


def attempted(subject: student_work.StudentWork, name: str) -> Any:
    """Return a value as plain data.

    Raises
    ------
    NotAttempted
        If it is missing or None.
    """
    require(subject, name)
    return subject.get(name)


def require(subject: student_work.StudentWork, name: str) -> None:
    """Raise :class:`NotAttempted` if a name is missing or None; it is asked until it is there."""
    if ("is there", name) in subject.known:
        return
    if subject.kind(name) in ("missing", "none"):
        raise NotAttempted(str(student_work.Missing(name)))
    subject.known["is there", name] = True


def result_of(
    subject: student_work.StudentWork, name: str, *args: Any, label: str = "", **kwargs: Any
) -> Any:
    """Call a function of the student and return what it returns.

    Parameters
    ----------
    subject : StudentWork
        The work.
    name : str
        The function.
    *args, **kwargs : object
        Its arguments.
    label : str
        How to speak of them if it stops with an error; completes "for ...".

    Raises
    ------
    NotAttempted
        If it is missing.
    IncorrectAnswer
        If it returns nothing.
    """
    require(subject, name)
    result = _call(subject, name, *args, label=label, **kwargs)
    if result is None:
        raise wrong("nothing returned", name=name)
    return result


def _call(
    subject: student_work.StudentWork, name: str, *args: Any, label: str, **kwargs: Any
) -> Any:
    try:
        return subject.call(name, *args, **kwargs)
    except student_work.StudentError as error:
        if error.kind == "NotImplementedError" or not label:
            raise
        told = f"{error.message} (for {label})".strip()
        raise student_work.StudentError(error.kind, told, error.line, error.code) from None


def given(
    subject: student_work.StudentWork, name: str, *args: Any, kind: str = ""
) -> student_work.Ref:
    """Call a function that the notebook gives, and return what it makes.

    Parameters
    ----------
    subject : StudentWork
        The work.
    name : str
        The function.
    *args : object
        Its arguments.
    kind : str
        What it must make, as :meth:`StudentWork.kind` says it, for example "model"; "" for any
        object.

    Raises
    ------
    IncorrectAnswer
        If it makes something else: then its cell was changed, or not run.
    """
    made = subject.call(name, *args)
    if not isinstance(made, student_work.Ref) or (kind and subject.kind(made) != kind):
        raise wrong("other: given", name=name)
    return made


def pair_counts(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Count how often each pair of indices occurs; of labels and predictions: the confusion matrix.

    Parameters
    ----------
    rows, columns : array of int, shape (pairs,)
        The indices.
    shape : tuple of int
        How many rows and columns the table has.

    Returns
    -------
    array of int, of that shape
    """
    table = np.zeros(shape, int)
    np.add.at(table, (rows, columns), 1)
    return table


def describe(value: Any) -> str:
    """Say in words what a plain value is, without its numbers."""
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        of = {"U": "strings of ", "c": "complex numbers of "}.get(value.dtype.kind, "")
        return f"an array of {of}shape {value.shape}"
    if isinstance(value, bool):
        return "True or False"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} with {len(value)} {_unit(value)}"
    if isinstance(value, dict):
        return "a dictionary"
    if isinstance(value, complex):
        return "a complex number"
    return "an object of another type" if isinstance(value, student_work.Ref) else "a number"


def _unit(entries: Sequence[Any]) -> str:
    """Say what a list holds, where that is no table of numbers."""
    if entries and all(isinstance(entry, str) for entry in entries):
        return "string" if len(entries) == 1 else "strings"
    if len(entries) == 1:
        return "entry"
    if any(entry is None for entry in entries):
        return "entries, among them None"
    if len({len(entry) for entry in map(listed, entries) if entry is not None}) > 1:
        return "entries of different lengths"
    return "entries"


def _name_common(
    cases: Sequence[Case],
    gots: Sequence[Any],
    wants: Sequence[Any],
    mistakes: Iterable[Mistake],
    rtol: float,
    atol: float,
    *,
    is_all: bool = True,
) -> None:
    """Raise the first mistake that gives their answers to all cases, one of them wrong."""
    if all(close(got, want, rtol, atol) for got, want in zip(gots, wants, strict=False)):
        return
    found = _common(cases, gots, mistakes, rtol, atol)
    if found:
        raise found[0].told(is_all=is_all)


def _common(
    cases: Sequence[Case],
    gots: Sequence[Any],
    mistakes: Iterable[Mistake],
    rtol: float,
    atol: float,
) -> tuple[Mistake, Callable[..., Any]] | None:
    """Return the first mistake that gives all their answers, with the answer that gives them."""
    return next(_all_common(cases, gots, mistakes, rtol, atol), None)


def _all_common(
    cases: Sequence[Case],
    gots: Sequence[Any],
    mistakes: Iterable[Mistake],
    rtol: float,
    atol: float,
) -> Iterator[tuple[Mistake, Callable[..., Any]]]:
    """Yield each mistake that gives all their answers, with each answer that gives them.

    The last cases may have no answer.
    """
    for mistake in mistakes:
        for answer in mistake.answers:
            if all(_gives(answer, case, got, rtol, atol) for case, got in zip(cases, gots)):  # noqa: B905
                yield mistake, answer


def _gives(answer: Callable[..., Any], case: Case, got: Any, rtol: float, atol: float) -> bool:
    try:
        with np.errstate(all="ignore"):
            theirs = answer(*case.args, **case.kwargs)
    except Exception:  # the mistaken function cannot do this case, so it is not theirs
        return False
    return close(got, theirs, rtol, atol)


def _name_lost_decimals(what: str, got: Any, want: Any) -> None:
    """Raise if the numbers are right but for their decimals: rounded, or cut off by an array."""
    theirs, right = numbers(got), numbers(want)
    if theirs is None or right is None or theirs.shape != right.shape or not np.any(theirs):
        return
    whole = theirs.ndim and np.all(theirs == np.round(theirs)) and np.any(right != np.round(right))
    if whole and any(np.array_equal(theirs, cut(right)) for cut in (np.trunc, np.floor, np.round)):
        raise wrong("decimals lost", what=what)
    if any(np.array_equal(theirs, np.round(right, places)) for places in (1, 2, 3, 4)):
        raise wrong("rounded", what=what)


def _compare_shapes(what: str, got: Any, want: Any) -> None:
    theirs, right = numbers(got), numbers(want)
    if right is None:
        return
    said = describe(got)
    if theirs is None:
        raise wrong("other: another form", what=what, want=describe(want), got=said)
    if theirs.shape != right.shape:
        if right.ndim == 0:
            raise wrong("other: one number", what=what, got=said)
        if right.ndim > 1 or isinstance(want, np.ndarray):
            raise wrong("shape", what=what, want=right.shape, got=theirs.shape)
        if theirs.ndim > 1 and len(theirs) == len(right):
            raise wrong("other: entries", what=what[0].lower() + what[1:])
        raise wrong("other: number of entries", what=what, number=right.size, got=said)
    if not np.all(np.isfinite(theirs)):
        raise wrong("not finite", what=what)


def _first_difference(got: Any, want: Any, rtol: float, atol: float) -> str:
    first, second = numbers(got), numbers(want)
    if first is None or second is None or first.ndim == 0:
        return ""
    differing = np.argwhere(~np.isclose(first, second, rtol=rtol, atol=atol))
    place = ", ".join(str(k) for k in differing[0])
    return f": of {first.size} values {len(differing)} differ, the first at [{place}]"
