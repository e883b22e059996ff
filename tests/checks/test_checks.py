"""The checks themselves: verdicts, comparisons, what is shown and what is remembered."""

from __future__ import annotations

import json
import logging
import os

import numpy as np
import pytest

from course_utils import checks, settings, student_work
from course_utils.checks import (
    IncorrectAnswer,
    NotAttempted,
    Part,
    Question,
    _feedback,
    _record,
    chance,
    compare,
    model_checks,
    trainings,
    verdict,
    wording,
)
from course_utils.exceptions import InvalidInput


def work(source: str = "", **given) -> student_work.Namespace:
    values = {"np": np, **given}
    exec(source, values)
    return student_work.Namespace(values)


def asking(*runs, **settings_) -> Question:
    parts = tuple(Part(f"part {k}", 1.0, run) for k, run in enumerate(runs))
    return Question("99.1", "a question", float(len(runs)), parts, **settings_)


def right(subject, rng):
    return None


def wrong(subject, rng):
    raise IncorrectAnswer("try again", "a mistake")


# --- verdicts ----------------------------------------------------------------------------------


def test_statuses_and_points():
    judged = verdict(asking(right), work(), 1)
    assert (judged.status, judged.points, judged.maximum, judged.sentence) == ("correct", 1, 1, "")
    judged = verdict(asking(right, wrong), work(), 1)
    assert (judged.status, judged.points) == ("partly", 1)
    assert (judged.sentence, judged.mistake) == ("try again", "a mistake")
    assert verdict(asking(wrong, wrong), work(), 1).status == "incorrect"


def test_a_mistake_that_is_all_that_is_wrong_costs_one_part():
    squared = compare.Mistake("squared", np.square)

    def part(name, *numbers, mistakes=(squared,)):
        cases = [compare.Case((np.array(numbers),), "numbers")]
        return lambda subject, rng: compare.function(subject, name, cases, double, mistakes)

    three = (part("f", 3.0, 4.0), part("f", 5.0), part("g", 6.0))
    same = work("def f(x):\n    return x * x\ng = f")
    judged = verdict(asking(*three), same, 1)
    assert (judged.status, judged.points, judged.mistake) == ("partly", 2, "squared")
    shown = repr(_feedback.of_verdict(judged))
    assert "✗ part 0: incorrect" in shown
    assert "✓ part 2: correct, apart from what is told above" in shown
    # Something else is wrong, too, or only there.
    for g in ("x * x + 1", "x[0] if x[0] == 6 else x"):
        other = work(f"def f(x):\n    return x * x\ndef g(x):\n    return {g}")
        statuses = [one.status for one in verdict(asking(*three), other, 1).parts]
        assert statuses == ["incorrect", "correct", "incorrect"]
    # It explains what was returned until the function stopped: this is not all.
    stops = work("def f(x):\n    return x * x\ndef g(x):\n    return x * x if x[0] < 6 else 1 / 0")
    with_two = [compare.Case((np.array([number]),), "a number") for number in (5.0, 6.0)]
    last = lambda subject, rng: compare.function(subject, "g", with_two, double, [squared])  # noqa: E731
    assert verdict(asking(three[0], last), stops, 1).points == 0


def test_arguments_that_are_changed_cost_one_part():
    cases = [compare.Case((np.array([3.0, 4.0]),), "numbers")]

    def part(subject, rng):
        compare.function(subject, "f", cases, double)
        compare.leaves_arguments(subject, "f", cases)

    changing = work("def f(x):\n    y = 2 * x\n    x[:] = 0\n    return y")
    judged = verdict(asking(part, part), changing, 1)
    assert (judged.points, judged.mistake) == (1, "arguments changed")


def test_a_question_looks_messages_and_advice_up():
    def run(subject, rng):
        compare.number(subject, "x", 10, [compare.Mistake("bias forgotten: last", 9, lost=1)])

    ask = asking(
        run,
        messages={
            "bias forgotten: last": "Add {lost} bias.",
            "other: not right": "{name}? {advice}",
        },
        advice={"x": "Count."},
    )
    judged = verdict(ask, work("x = 9"), 1)
    assert (judged.sentence, judged.mistake) == ("Add 1 bias.", "bias forgotten")
    judged = verdict(ask, work("x = 8"), 1)
    assert (judged.sentence, judged.mistake) == ("x? Count.", None)
    ask = asking(run, messages={"other: not right": "{name}?"})
    with pytest.raises(KeyError):  # a message that is missing is a fault of the course
        verdict(ask, work("x = 9"), 1)


def test_what_is_not_there_is_not_attempted():
    ask = asking(lambda subject, rng: subject.get("x"), needs=("x",))
    assert verdict(ask, work(), 1).status == "not attempted"
    assert verdict(ask, work("x = None"), 1).status == "not attempted"
    assert "`x` is not defined yet" in verdict(ask, work(), 1).sentence
    ask = asking(lambda subject, rng: subject.call("f"))
    judged = verdict(ask, work("def f():\n    raise NotImplementedError()"), 1)
    assert judged.status == "not attempted"

    def nothing(subject, rng):
        raise NotAttempted("nothing yet")

    assert verdict(asking(nothing, wrong), work(), 1).sentence == "try again"


def test_their_errors_are_theirs():
    ask = asking(lambda subject, rng: subject.call("f"), seconds=0.2)
    assert verdict(ask, work("def f():\n    return 1 / 0"), 1).status == "error"
    judged = verdict(ask, work("def f():\n    while True:\n        pass"), 1)
    assert judged.status == "timeout"
    assert "0.2 seconds" in judged.sentence


#: What nobody asks for: no check may stop with an error of its own.
ODD = {
    "rows of different lengths": [[1, 2], [3]],
    "arrays of different shapes": (np.zeros(2), np.zeros((3, 3))),
    "a mixture": [1, "a", None],
    "a dictionary": {"a": [1]},
    "a text": "abc",
    "a huge number": 10**400,
    "NaN": np.full((2, 2), np.nan),
    "nothing": [],
    "an object": object(),
}


@pytest.mark.parametrize(
    "question",
    [one for asked in checks.exercises()[:3] for one in asked.questions if one.kind != "written"],
    ids=lambda one: one.id,
)
def test_odd_answers_are_wrong_and_stop_no_check(question):
    for name, odd in ODD.items():
        for answer in (odd, lambda *args, odd=odd, **kwargs: odd):
            given = work(**dict.fromkeys(question.needs, answer))
            assert verdict(question, given, 42).points == 0, name


def test_an_error_of_the_check_itself_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        verdict(asking(lambda subject, rng: 1 / 0), work(), 1)


def test_inputs_follow_from_seed_question_and_part():
    seen = []

    def note(subject, rng):
        seen.append(float(rng.random()))

    verdict(asking(note, note), work(), 1)
    verdict(asking(note, note), work(), 1)
    verdict(asking(note, note), work(), 2)
    assert seen[:2] == seen[2:4]
    assert len(set(seen)) == 4


def test_forbidden_helpers_are_noticed():
    ask = asking(
        lambda subject, rng: subject.call("f", np.zeros((2, 2))),
        forbids=("course_utils.convolution.relu",),
    )
    source = "from course_utils import convolution\ndef f(x):\n    return convolution.relu(x)"
    judged = verdict(ask, work(source), 1)
    assert (judged.status, judged.mistake) == ("incorrect", "helper used")
    assert judged.sentence == "Write this one yourself: your code calls convolution.relu."
    assert verdict(ask, work("def f(x):\n    return x"), 1).status == "correct"


def test_written_answers_are_left_for_a_person():
    ask = Question("99.2", "why", 2, kind="written", rubric=("says why",))
    left = verdict(ask, work(), 1)
    assert left.status == "for a person"
    assert str(_feedback.of_verdict(left)).startswith("○ 99.2: Marked by a person (up to 2 points)")


@pytest.mark.parametrize(
    "settings_",
    [
        {"kind": "riddle", "parts": (Part("a", 1, right),)},
        {"parts": (Part("a", 2, right),)},
        {"parts": ()},
        {"kind": "written"},
        {"kind": "written", "parts": (Part("a", 1, right),), "rubric": ("x",)},
    ],
)
def test_questions_that_cannot_be(settings_):
    with pytest.raises(ValueError, match=r"question 99\.3"):
        Question("99.3", "a question", 1, **settings_)


# --- comparisons -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "want", "same"),
    [
        (4.0, 4, True),
        ([1, 2], (1, 2), True),
        (np.array([1, 2]), [1, 2], True),
        ([[1], [2]], [1, 2], False),
        ([1, 2], [1, 2, 3], False),
        (float("nan"), float("nan"), False),
        ("4", 4, False),
        ("a", "a", True),
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["a", "c"], False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"b": 1}, False),
        ([np.zeros(2), np.ones(3)], [np.zeros(2), np.ones(3)], True),
        (None, 4, False),
        (student_work.Ref("x"), 4, False),
        ([[1, 2], [3]], [[1, 2], [3]], True),
        (np.array(["a", "b"]), ["a", "b"], True),
        (np.array(["a", "b"]), ["a", "c"], False),
        (np.array("a"), "a", True),
        (np.array(4), 4, True),
        ([["a", 1]], [("a", 1)], True),
        (["1"], [1], False),
        (np.zeros((2, 2)), [np.zeros(2), np.zeros(2)], True),
        (None, None, True),
        ([None], [0], False),
    ],
)
def test_close(got, want, same):
    assert compare.close(got, want) is same


def said(run) -> tuple[str, str | None]:
    with pytest.raises(IncorrectAnswer) as caught:
        run()
    return caught.value.sentence, caught.value.mistake


def test_numbers():
    forgot = compare.Mistake("bias forgotten", 8, 9)
    for source in ("x = 10", "x = 10.0", "x = np.float32(10)", "x = np.array([10])"):
        compare.number(work(source), "x", 10, [forgot], whole=True)
    for source in ("x = 8", "x = 9"):
        heard = said(lambda s=source: compare.number(work(s), "x", 10, [forgot]))
        assert heard[1] == "bias forgotten"
    assert "is not right" in said(lambda: compare.number(work("x = 8"), "x", 10))[0]
    assert "a string" in said(lambda: compare.number(work("x = '10'"), "x", 10))[0]
    assert said(lambda: compare.number(work("x = True"), "x", 1))[1] == "not a number"
    whole = said(lambda: compare.number(work("x = 9.5"), "x", 10, whole=True))[0]
    assert "whole number" in whole
    with pytest.raises(NotAttempted):
        compare.number(work(), "x", 10)


RIGHT_LETTERS = (
    "x = ['a', 'c']",
    "x = 'ac'",
    "x = 'c, a'",
    "x = 'a and c'",
    "x = ('C', 'A')",
    "x = {'a', 'c'}",
    "x = np.array(['c', 'a'])",
    "x = np.array(['c', 'a'], dtype=object)",
    "x = ['a)', ' (C) ']",
    "x = ['a.', 'c:']",
    "x = 'a) c)'",
    "x = 'a) and c)'",
    "x = ['a, c']",
    "x = ['a) turn the picture by up to 5 degrees', 'C: enlarge it']",
    "x = {'a': 1, 'c': 2}.keys()",
    "x = (letter for letter in 'ca')",
    "x = np.array('ac')",
    "x = ['\uff41', 'c']",
    "import pandas as pd\nx = pd.Series(['a', 'c'])",
    "from collections import deque\nx = deque('ac')",
)


def test_choices():
    for source in ("x = 'a'", "x = ' A '", "x = ['a']", "x = np.array('A')", "x = '(a)'"):
        compare.choice(work(source), "x", "a", "abc")
    names = {"b": "taken for a"}
    assert said(lambda: compare.choice(work("x = 'b'"), "x", "a", "abc", names))[1] == "taken for a"
    assert chosen("b", "a") == ("x b",)
    assert "may only name" in said(lambda: compare.choice(work("x = 'z'"), "x", "a", "abc"))[0]
    assert "a letter" in said(lambda: compare.choice(work("x = 3"), "x", "a", "abc"))[0]
    for source in RIGHT_LETTERS:
        compare.choice(work(source), "x", "ac", "abcd")
    assert chosen("c", "ac") == ("x a",)
    assert chosen("acd", "ac") == ("x d",)
    for source, sentence in WRONG_LETTERS.items():
        heard = said(lambda s=source: compare.choice(work(s), "x", "ac", "acd"))[0]
        assert sentence in heard, source
    assert chosen("a) turn the picture and enlarge it", "ac") == ("x c",)
    one = said(lambda: compare.choice(work("x = ['a', 'b']"), "x", "a", "abc"))[0]
    assert "should be one letter" in one


def chosen(given: str, right: str) -> tuple[str, ...]:
    """The keys of the messages that a choice hears."""
    with pytest.raises(IncorrectAnswer) as caught:
        compare.choice(work(x=[given]), "x", right, "abcd")
    return caught.value.keys


@pytest.mark.parametrize(
    ("got", "want", "few"),
    [
        (0.70, 0.69848, True),
        (0.69, 0.69848, True),
        (0.6, 0.69848, True),
        (0.698, 0.69848, False),
        (0.6985, 0.69848, False),
        (0.5, 0.5, False),
        (3.22, 3.21888, True),
        (-0.12, -0.125, True),
        (0.71, 0.69848, False),
    ],
)
def test_numbers_with_few_decimals_are_known(got, want, few):
    assert compare.has_few_decimals(got, want) is few


def test_too_few_decimals_are_told_where_that_is_asked_for():
    half = compare.Mistake("another number", 0.72)
    for given, mistake in (
        (0.7, "rounded"),
        (0.71, "rounded"),
        (0.72, "another number"),
        (3, None),
    ):
        with pytest.raises(IncorrectAnswer) as caught:
            compare.number(work(x=given), "x", 5 / 7, [half], decimals=True)
        assert caught.value.mistake == mistake
    compare.number(work(x=0.7143), "x", 5 / 7, decimals=True)
    with pytest.raises(IncorrectAnswer) as caught:
        compare.number(work(x=0.7), "x", 5 / 7)
    assert caught.value.mistake is None


def test_pairs_are_counted():
    counts = compare.pair_counts(np.array([0, 2, 2, 2]), np.array([1, 0, 0, 1]), (3, 2))
    assert counts.tolist() == [[0, 1], [0, 0], [2, 1]]


def test_entries_that_should_be_numbers_are_named():
    cases = [compare.Case((3,), "3")]
    source = "def f(n):\n    return np.ones(n), np.ones(n)"
    heard = said(lambda: compare.function(work(source), "f", cases, lambda n: (1.0, 1.0)))[0]
    assert heard == "Each entry of what `f` returns for 3 should be one number."


WRONG_LETTERS = {
    "x = [1, 3]": "a list of letters",
    "x = {'a': True}": "not a dictionary",
    "x = ['a', 'z']": "not 'z'",
    "x = 'apple'": "not 'apple'",
    "x = ['the first', 'c']": "not 'the first'",
    "x = []": "names no letter",
    "x = ''": "names no letter",
}


def test_a_generator_is_the_same_at_the_second_check():
    subject = work("x = (letter for letter in 'ac')\ny = zip('ac', (1, 2))")
    for _ in range(2):
        assert subject.get("x") == ["a", "c"]
        assert subject.get("y") == [("a", 1), ("c", 2)]


@pytest.mark.parametrize(
    "source",
    [
        "x = {'a': 1.5, 'b': 2}",
        "from types import MappingProxyType\nx = MappingProxyType({'a': 1.5, 'b': 2})",
        "from collections import UserDict\nx = UserDict(a=1.5, b=2)",
        "from collections import ChainMap\nx = ChainMap({'a': 1.5}, {'b': 2})",
        "import pandas as pd\nx = pd.Series([1.5, 2], index=['a', 'b'])",
        "from fractions import Fraction\nfrom decimal import Decimal\n"
        "x = {'a': Fraction(3, 2), 'b': Decimal(2)}",
        "x = {np.str_('a'): np.float32(1.5), 'b': np.array(2)}",
    ],
)
def test_whatever_answers_like_a_dictionary_is_one(source):
    assert compare.close(compare.mapping(work(source), "x"), {"a": 1.5, "b": 2})


def test_mappings_of_mappings_and_what_is_none():
    table = (
        "import pandas as pd\nx = pd.DataFrame({'v': {'a': 1, 'b': 2.5}, 'w': {'a': 3, 'b': 4}})"
    )
    nested = "import pandas as pd\nx = {k: pd.Series({'a': n}) for k, n in zip('vw', (1, 2))}"
    assert compare.mapping(work(table), "x") == {"v": {"a": 1, "b": 2.5}, "w": {"a": 3, "b": 4}}
    assert compare.mapping(work(nested), "x") == {"v": {"a": 1}, "w": {"a": 2}}
    for source in ("x = [1]", "x = np.zeros(2)", "x = 'ab'", "x = 3", "x = {1, 2}"):
        assert compare.mapping(work(source), "x") is None
    with pytest.raises(NotAttempted):
        compare.mapping(work("x = None"), "x")


def test_one_value_in_each_form():
    for one in (2, 2.0, [2], np.array(2), np.array([[2.0]]), (np.array([2]),), 2 + 0j):
        assert compare.one_number(one) == 2
    for none in (
        True,
        "2",
        2 + 1j,
        [1, 2],
        [],
        None,
        np.array(True),
        {"a": 2},
        student_work.Ref("x"),
    ):
        assert compare.one_number(none) is None
    assert compare.one_number(10**400) == -compare.one_number(-(10**400)) == np.inf
    assert compare.numbers([[1, 2], [3]]) is compare.numbers([1, "a"]) is None
    assert compare.texts(np.array(["a", "b"])) == compare.texts(("a", "b")) == ["a", "b"]
    assert compare.texts(["a", 1]) is compare.texts("ab") is compare.texts(np.array("a")) is None
    assert [row.tolist() for row in compare.listed(np.eye(2))] == [[1, 0], [0, 1]]
    assert compare.listed("ab") is compare.listed(np.array(3)) is compare.listed({}) is None


def test_lost_decimals_are_named():
    cases = [compare.Case((np.array([2.5, -1.25]),), "two numbers")]
    for cut in ("x.astype(int)", "np.round(x)", "np.floor(x)", "[int(one) for one in x]"):
        source = f"def f(x):\n    return {cut}"
        sentence, mistake = said(
            lambda s=source: compare.function(work(s), "f", cases, lambda x: x)
        )
        assert mistake == "decimals lost"
        assert "has lost its decimals" in sentence
    zeros = said(lambda: compare.function(work("def f(x):\n    return 0 * x"), "f", cases, double))
    assert zeros[1] is None


def double(x):
    return 2 * np.asarray(x)


CASES = [compare.Case((np.arange(3.0),), "three numbers"), compare.Case((np.ones(2),), "two")]


def test_functions():
    compare.function(work("def f(x):\n    return x + x"), "f", CASES, double)
    compare.function(work("def f(x):\n    return [2 * y for y in x]"), "f", CASES, double)
    power = compare.Mistake("power", lambda x: x**3, lambda x: x**2)
    for theirs in ("x * x", "x * x * x"):
        source = f"def f(x):\n    return {theirs}"
        heard = said(lambda s=source: compare.function(work(s), "f", CASES, double, [power]))
        assert heard[1] == "power"
    assert said(
        lambda: compare.function(work("def f(x):\n    print(2 * x)"), "f", CASES, double)
    ) == ("`f` returns nothing; does it end with `return`?", "nothing returned")
    shape = said(lambda: compare.function(work("def f(x):\n    return x[1:]"), "f", CASES, double))
    assert shape == (
        "What `f` returns for three numbers should have the shape (3,), but the shape is (2,).",
        "shape",
    )
    with pytest.raises(
        student_work.StudentError, match=r"ZeroDivisionError.*\(for three numbers\)"
    ):
        compare.function(work("def f(x):\n    1 / 0"), "f", CASES, double)
    some = "def f(x):\n    return 2 * x if len(x) == 2 else x"
    assert "right for 1 of 2" in said(lambda: compare.function(work(some), "f", CASES, double))[0]


def test_a_mistake_is_found_again_where_another_part_asks():
    def cube(x):
        return x**3

    power = compare.Mistake("power", cube, np.square)
    for source, right in (
        ("def f(x):\n    return x * x", np.square),
        ("def f(x):\n    return x ** 3", cube),
        ("def f(x):\n    return 2 * x", double),
        ("def f(x):\n    return 3 * x", double),
        ("def f(x):\n    1 / 0", double),
    ):
        assert compare.as_told_before(work(source), "f", CASES, double, [power]) is right


def test_of_mistakes_that_look_the_same_the_one_is_meant_that_the_later_part_shows():
    first, later = (
        compare.Case((np.array([1.2, -0.3]),), "a"),
        compare.Case((np.array([1.7]),), "b"),
    )
    for cut in (np.round, np.trunc):
        source = f"import numpy as np\ndef f(x):\n    return np.{cut.__name__}(x)"
        told = compare.as_told_before(work(source), "f", [first], lambda x: x, [], then=[later])
        assert told(*later.args) == cut(1.7)
    stops = "def f(x):\n    return (x + 0.5).astype(int) if len(x) > 1 else 1 / 0"
    told = compare.as_told_before(work(stops), "f", [first], lambda x: x, [], then=[later])
    assert told(*first.args).tolist() == [1, 0]


def test_results_are_brought_into_one_form():
    def texts(got):
        if not isinstance(got, list):
            raise IncorrectAnswer("a list", "no list")
        return [str(one) for one in got]

    def names(n):
        return [str(k) for k in range(n)]

    def backwards(n):
        return names(n)[::-1]

    cases = [compare.Case((n,), f"{n} names") for n in (2, 4)]
    known = [compare.Mistake("turned", backwards)]
    for source, mistake, told in (
        ("def f(n):\n    return list(range(n))", None, names),
        ("def f(n):\n    return list(range(n))[::-1]", "turned", backwards),
        ("def f(n):\n    return set(range(n)) and 'abc'", "no list", names),
        ("def f(n):\n    pass", "nothing returned", names),
    ):
        again = compare.as_told_before(work(source), "f", cases, names, known, form=texts)
        assert again is told
        if mistake is None:
            compare.function(work(source), "f", cases, names, known, form=texts)
            continue
        with pytest.raises(IncorrectAnswer) as caught:
            compare.function(work(source), "f", cases, names, known, form=texts)
        assert caught.value.mistake == mistake


def test_functions_leave_their_arguments_alone():
    compare.leaves_arguments(work("def f(x):\n    return 2 * x"), "f", CASES)
    compare.leaves_arguments(work("def f(x):\n    x = x + 1\n    return x / 0"), "f", CASES)
    for spoiled in ("x += 1", "x[0] = 9", "x.sort(); x[:] = x[::-1].copy()", "x.shape = (-1, 1)"):
        source = f"def f(x):\n    {spoiled}\n    return x"
        heard = said(lambda s=source: compare.leaves_arguments(work(s), "f", CASES))
        assert heard[1] == "arguments changed"


def test_results_of_functions():
    assert compare.result_of(work("def f(x):\n    return x + 1"), "f", 2) == 3
    nothing = said(lambda: compare.result_of(work("def f(x):\n    x + 1"), "f", 2))
    assert nothing[1] == "nothing returned"
    for source in ("", "f = None"):
        with pytest.raises(NotAttempted):
            compare.result_of(work(source), "f", 2)
    with pytest.raises(student_work.StudentError, match=r"ZeroDivisionError.*\(for two\)"):
        compare.result_of(work("def f(x):\n    return x / 0"), "f", 2, label="two")
    untouched = work("def f(x):\n    raise NotImplementedError()")
    with pytest.raises(student_work.StudentError) as caught:
        compare.result_of(untouched, "f", 2, label="two")
    assert "two" not in str(caught.value)


def test_functions_that_the_notebook_gives():
    given = work("class Thing: pass\ndef f(): return Thing()\ndef g(): return 3")
    assert isinstance(compare.given(given, "f"), student_work.Ref)
    for name, kind in (("f", "model"), ("g", "")):
        heard = said(lambda n=name, k=kind: compare.given(given, n, kind=k))
        assert heard == (f"`{name}` is given; run its cell again.", None)


def test_dictionaries_are_asked_for_by_name():
    assert compare.dictionary(work("x = {'a': 1}"), "x") == {"a": 1}
    heard = said(lambda: compare.dictionary(work("x = [1]"), "x"))
    assert heard == (
        "`x` should be a dictionary, but it is a list with 1 entry.",
        "not a dictionary",
    )
    with pytest.raises(NotAttempted):
        compare.dictionary(work(), "x")


def test_mistakes_are_told_by_values_and_by_functions():
    ratio = compare.Mistake("ratio", lambda a, b: a / b, lambda a, b: b / a)
    compare.tell(5, [ratio], 6, 2)
    for got in (3.0, 1 / 3):
        assert said(lambda g=got: compare.tell(g, [ratio], 6, 2))[1] == "ratio"
    compare.tell(3, [ratio], 6, 0)  # a function that raises does not give the answer
    assert (
        said(lambda: compare.tell([1, 2], [compare.Mistake("listed", [2, 1], (1, 2))]))[1]
        == "listed"
    )


def test_packages_that_a_question_rules_out_are_noticed():
    ask = asking(
        lambda subject, rng: compare.function(subject, "f", CASES, double), packages=("scipy",)
    )
    imported = "import scipy.ndimage\ndef g(x):\n    return scipy.ndimage.convolve1d(x, [2.0])\n"
    for source in (
        imported + "def f(x):\n    return g(x)",
        imported + "def f(x):\n    return (y for y in g(x))",
        imported + "f = lambda x: list(map(float, g(x)))",
        "def f(x):\n    from scipy.fft import fft, ifft\n    return 2 * ifft(fft(x)).real",
    ):
        judged = verdict(ask, work(source), 1)
        assert (judged.status, judged.mistake) == ("incorrect", "helper used"), source
        assert judged.sentence == "Write this one yourself: your code calls scipy."
    unused = verdict(ask, work(imported + "def f(x):\n    return 2 * x"), 1)
    assert unused.status == "correct"


# --- curves of trainings --------------------------------------------------------------------


def measured(**changes):
    curve = {"loss": [1.61, 1.2], "accuracy": [0.25, 0.5], "val_loss": [1.6, 1.3]}
    return {"a": curve, "b": {**curve, "loss": [1.6, 1.1], **changes}}


def test_curves_come_in_several_forms():
    assert trainings.history({"history": {"loss": [1]}}) == {"loss": [1]}
    assert trainings.history({"loss": [1]}) == {"loss": [1]}
    assert trainings.history([1]) is trainings.history(None) is None
    assert trainings.curve(np.array([1.5, 2])) == trainings.curve((1.5, [2])) == [1.5, 2.0]
    for none in ([], None, "12", [1, "2"], [1, float("nan")], [float("inf")], [1, None], {"a": 1}):
        assert trainings.curve(none) == []


def test_trainings_that_were_not_new_or_not_on_the_given_images():
    def new(**changes):
        trainings.require_new(measured(**changes), (1.5, 1.7), {"accuracy": 20, "val_accuracy": 20})

    new()
    new(accuracy=[0.3, 0.45], val_accuracy=[0.55])
    assert said(lambda: new(loss=[1.1, 1.0]))[1] == "not a new network"
    sentence, mistake = said(lambda: new(accuracy=[0.25, 0.333]))
    assert mistake == "other pictures for training"
    assert "no share of 20 pictures" in sentence
    assert said(lambda: new(val_accuracy=[0.51]))[1] == "other pictures for validation"


def test_trainings_that_cannot_be_compared():
    trainings.require_epochs(measured(), ("loss", "val_loss"), 2)
    for changes, most in (({"val_loss": [1.0]}, 2), ({}, 1)):
        heard = said(
            lambda c=changes, m=most: trainings.require_epochs(measured(**c), ("val_loss",), m)
        )
        assert heard[1] == "different epochs"
    assert trainings.all_different(measured())
    assert not trainings.all_different(measured(loss=[1.61, 1.2]))


@pytest.mark.parametrize(
    ("number", "value", "share"),
    [(300, 0.5, True), (300, 1 / 3, True), (300, 0.333, True), (300, 0.3312, False)]
    + [(750, 0.2013, True), (750, 1.0, True), (750, 1.2, False), (750, -0.1, False)],
)
def test_shares_of_images(number, value, share):
    assert trainings.is_share(number, value) is share


# --- what is random ----------------------------------------------------------------------------


def shuffled(seed, total=400):
    return np.random.default_rng(seed).permutation(total)


CHOICES = {
    "at random": lambda seed: shuffled(seed)[:40],
    "rotated": lambda seed: (np.arange(40) + 7 * seed) % 400,
    "each tenth": lambda seed: np.arange(seed % 10, 400, 10),
    "blocks of ten": lambda seed: (10 * shuffled(seed, 40)[:4, None] + np.arange(10)).ravel(),
    "blocks of four": lambda seed: (4 * shuffled(seed, 100)[:10, None] + np.arange(4)).ravel(),
    "pairs": lambda seed: (2 * shuffled(seed, 200)[:20, None] + np.arange(2)).ravel(),
    "the same": lambda seed: shuffled(1)[:40],
    "two choices": lambda seed: shuffled(seed % 2)[:40],
    "fifteen choices": lambda seed: shuffled(seed % 15)[:40],
    "one order, rotated": lambda seed: np.roll(shuffled(1), 40 * seed)[:40],
    "most are the same": lambda seed: np.append(np.arange(35), 35 + shuffled(seed, 365)[:5]),
    "the first half": lambda seed: shuffled(seed, 200)[:40],
}


def judged_as(choose, start):
    draws = [[choose(start + k)] for k in range(16)]
    return {
        name
        for name, is_so in {
            "regular": any(chance.too_regular(one[0], 400) for one in draws),
            "regular in all": chance.too_regular_in_all([one[0] for one in draws], 400),
            "alike": chance.too_alike(draws, 400),
            "uneven": chance.uneven([one[0] for one in draws], 400),
        }.items()
        if is_so
    }


@pytest.mark.parametrize("start", range(0, 400, 16))
def test_random_choices_are_never_refused(start):
    assert judged_as(CHOICES["at random"], start) == set()


@pytest.mark.parametrize("name", [name for name in CHOICES if name != "at random"])
def test_choices_that_are_not_random_are_always_found(name):
    for start in range(0, 400, 16):
        assert judged_as(CHOICES[name], start), start


def test_orders_that_are_not_random_are_found():
    for seed in range(50):
        order, other = shuffled(seed, 250), shuffled(seed + 1000, 250)
        assert not chance.in_runs(order)
        assert not chance.follows(order, other)
        assert not chance.near(order)
        windows = (16 * shuffled(seed, 15)[:, None] + np.arange(16)).ravel()
        assert chance.near(windows + np.random.default_rng(seed).uniform(0, 16, 240))
        for again in (order, order[::-1], np.roll(order, 1 + seed), np.roll(order[::-1], seed)):
            assert chance.follows(order, again)
        pairs = (2 * shuffled(seed, 125)[:, None] + np.arange(2)).ravel()
        for regular in (np.roll(np.arange(250), seed), np.arange(250)[::-1], pairs):
            assert chance.in_runs(regular)


# --- networks ----------------------------------------------------------------------------------


def plain_network(activation="relu", dropout=0.0):
    import keras
    from keras import layers

    stack = [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, activation=activation)]
    stack += [layers.Dropout(dropout)] if dropout else []
    return keras.Sequential([*stack, layers.Flatten(), layers.Dense(3)])


def same(theirs, **settings_):
    return model_checks.same_network(
        student_work.Namespace({"m": theirs}, 60),
        "m",
        settings_.pop("build", plain_network),
        (8, 8, 3),
        np.random.default_rng(0),
        **settings_,
    )


def test_networks_are_compared_by_what_they_compute():
    theirs = plain_network()
    before = theirs.get_weights()
    same(theirs)
    for old, new in zip(before, theirs.get_weights(), strict=True):
        assert np.array_equal(old, new), "a check leaves the weights as they were"
    linear = model_checks.NetworkMistake("no ReLU", build=lambda: plain_network(None))
    assert said(lambda: same(plain_network(None), mistakes=[linear]))[1] == "no ReLU"
    assert "computes something else" in said(lambda: same(plain_network("tanh")))[0]


def test_networks_with_other_weights_are_told_so():
    import keras

    one = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)])
    assert "weights" in said(lambda: same(one))[0]
    assert "should be a Keras network" in said(lambda: same(3))[0]
    narrow = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3)])
    assert said(lambda: same(narrow))[1] == "does not fit"


def test_values_that_only_large_inputs_show():
    assert "computes something else" in said(lambda: same(plain_network("relu6")))[0]


def test_mistakes_are_told_together_and_those_of_other_parts_pass():
    def build(activation="relu", units=3, flat=True):
        import keras
        from keras import layers

        stack = [keras.Input((8, 8, 3)), layers.Conv2D(4, 3, activation=activation)]
        return keras.Sequential([*stack, *[layers.Flatten()] * flat, layers.Dense(units)])

    faults = (
        model_checks.Fault("no ReLU", {"activation": None}),
        model_checks.Fault("units wrong", {"units": 2}),
        model_checks.Fault("not flat", {"flat": False}, elsewhere=True),
    )
    mistakes = model_checks.combined(build, faults, most=3)
    same(build(flat=False), build=build, mistakes=mistakes)
    both = build(activation=None, units=2, flat=False)
    with pytest.raises(IncorrectAnswer) as caught:
        same(both, build=build, mistakes=mistakes)
    assert caught.value.mistake == "no ReLU"
    assert caught.value.keys == ("no ReLU", "units wrong")
    assert caught.value.fields["units"] == 2


@pytest.mark.parametrize(
    ("last", "end"),
    [
        ({}, "logits"),
        ({"activation": "softmax"}, "softmax"),
        ({"activation": "sigmoid"}, "sigmoid"),
        ({"activation": "relu"}, "ReLU"),
        ({"activation": "tanh"}, "tanh"),
        ({"activation": "relu6"}, model_checks.UNKNOWN_END),
        ({"activation": "hard_sigmoid"}, model_checks.UNKNOWN_END),
        ({"activation": "leaky_relu"}, model_checks.UNKNOWN_END),
        ({"activation": "hard_tanh"}, model_checks.UNKNOWN_END),
        ({"activation": "softplus"}, model_checks.UNKNOWN_END),
        ({"use_bias": False}, "logits"),
        ({"use_bias": False, "activation": "sigmoid"}, "sigmoid"),
        ({"use_bias": False, "activation": "relu"}, "ReLU"),
        ({"use_bias": False, "activation": "softmax"}, "softmax"),
        ({"use_bias": False, "activation": "tanh"}, model_checks.UNKNOWN_END),
    ],
)
def test_the_end_of_a_network_is_seen(last, end):
    import keras
    from keras import layers

    stack = [layers.Rescaling(1 / 255), layers.Conv2D(4, 3, activation="relu"), layers.Flatten()]
    network = keras.Sequential([keras.Input((8, 8, 3)), *stack, layers.Dense(3, **last)])
    before = network.get_weights()
    subject = student_work.Namespace({"m": network}, 60)
    rng = np.random.default_rng(0)
    assert model_checks.activation_at_end(subject, student_work.Ref("m"), (8, 8, 3), rng) == end
    for old, new in zip(before, network.get_weights(), strict=True):
        assert np.array_equal(old, new)


def test_an_activation_of_one_output_alone_is_seen():
    import keras
    from keras import layers

    class Last(layers.Layer):
        def call(self, x):
            return keras.ops.concatenate([keras.ops.minimum(x[:, :1], 6), x[:, 1:]], axis=1)

    network = keras.Sequential([keras.Input((8, 8, 3)), layers.Flatten(), layers.Dense(3), Last()])
    subject, rng = student_work.Namespace({"m": network}, 60), np.random.default_rng(0)
    end = model_checks.activation_at_end(subject, student_work.Ref("m"), (8, 8, 3), rng)
    assert end == model_checks.UNKNOWN_END


BUILD = """
import keras
from course_utils import convolution
calls = []
def build(shape, classes):
    calls.append(shape)
    stack = [keras.Input({shape}), keras.layers.Flatten(), keras.layers.Dense(classes)]
    return keras.Sequential(stack)
"""


def building(**settings_):
    return lambda subject, rng: model_checks.build_for(subject, "build", (4, 5, 1), 2, **settings_)


def test_a_network_is_built_once_for_all_parts_of_a_question():
    subject = work(BUILD.format(shape="shape"))
    question = asking(building(), building(strict=False), building(), needs=("build",))
    assert verdict(question, subject, 1).points == 3
    assert subject.get("calls") == [(4, 5, 1)]
    assert verdict(question, subject, 1).points == 3
    assert len(subject.get("calls")) == 2


def test_the_first_outputs_of_a_network_are_computed_once_for_each_question(monkeypatch):
    subject = work(BUILD.format(shape="shape"))
    asked, outputs = [], subject.model_outputs

    def counted(*args):
        asked.append(args)
        return outputs(*args)

    monkeypatch.setattr(subject, "model_outputs", counted)

    def look(subject, rng):
        what, shape = model_checks.build_for(subject, "build", (4, 5, 1), 2)
        assert model_checks.first_outputs(subject, what, shape).shape == (model_checks.ROWS, 2)

    for number in (1, 2):
        assert verdict(asking(look, look, needs=("build",)), subject, 1).points == 2
        assert len(asked) == number


def test_a_network_of_another_shape_costs_each_part_that_judges_the_shape():
    subject = work(BUILD.format(shape="(6, 6, 3)"))
    judged = verdict(asking(building(strict=False), building(), building()), subject, 1)
    assert [part.points for part in judged.parts] == [1, 0, 0]


def test_a_forbidden_helper_is_noticed_in_each_part_that_uses_the_network():
    shape = "(int(convolution.relu(np.array(shape[0]))), *shape[1:])"
    judged = verdict(
        asking(building(), building(), forbids=("course_utils.convolution.relu",)),
        work(BUILD.format(shape=shape)),
        1,
    )
    assert [part.mistake for part in judged.parts] == ["helper used", "helper used"]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("drop", "mistake"),
    [
        (("Dropout", 0.5), None),
        (("Dropout", 0.45), "dropout rate wrong"),
        (("Dropout", 0.52), "dropout rate wrong"),
        (("GaussianDropout", 0.5), "another kind of noise"),
        (("GaussianNoise", 0.5), "another kind of noise"),
        (("Identity",), "dropout missing"),
    ],
)
def test_dropout_is_told_by_what_it_drops(drop, mistake, seed):
    import keras
    from keras import layers

    layer = getattr(layers, drop[0])(*drop[1:])
    stack = [layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(128, "relu"), layer]
    network = keras.Sequential([keras.Input((8, 8, 3)), *stack, layers.Dense(100)])
    subject = student_work.Namespace({"m": network}, 60)

    def ask():
        rng = np.random.default_rng(seed)
        model_checks.drops(subject, student_work.Ref("m"), (8, 8, 3), rng, rate=0.5)

    if mistake is None:
        ask()
    else:
        assert said(ask)[1] == mistake


@pytest.mark.parametrize("last", ["Rescaling", "LeakyReLU"])
def test_dropout_is_seen_before_an_end_that_is_wrong(last):
    import keras
    from keras import layers

    stack = [layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(128, "relu")]
    behind = [layers.Dropout(0.5), layers.Dense(100), getattr(layers, last)(0.5)]
    network = keras.Sequential([keras.Input((8, 8, 3)), *stack, *behind])
    subject, what, rng = work(m=network), student_work.Ref("m"), np.random.default_rng(0)
    end = model_checks.activation_at_end(subject, what, (8, 8, 3), rng)
    assert end == model_checks.UNKNOWN_END
    model_checks.drops(subject, what, (8, 8, 3), rng, rate=0.5, end=end)
    with pytest.raises(IncorrectAnswer):
        model_checks.drops(subject, what, (8, 8, 3), rng, rate=0.4, end=end)


@pytest.mark.parametrize("factor", [1.0, 1 / 255, 1 / 255**2, 255.0, 1 / 100])
@pytest.mark.parametrize("kind", ["Conv2D", "SeparableConv2D"])
def test_what_is_done_to_pixels_is_seen(factor, kind):
    import keras
    from keras import layers

    first = getattr(layers, kind)(6, 3, strides=2, padding="same", activation="relu")
    stack = [layers.Rescaling(factor), first, layers.GlobalAveragePooling2D()]
    network = keras.Sequential([keras.Input((16, 16, 3)), *stack, layers.Dense(1, "sigmoid")])
    subject = student_work.Namespace({"m": network}, 60)
    rng = np.random.default_rng(0)
    found = model_checks.pixel_factor(subject, student_work.Ref("m"), (16, 16, 3), rng)
    assert found == (None if factor == 1 / 100 else factor)


def test_errors_of_keras_are_told_in_plain_words():
    told = model_checks.without_keras(
        "\x1b[1mInput 0 with name 'None' of layer 'dense_73' is incompatible with the layer: "
        "expected axis -1 of input shape to have value 1152, but received input with shape (2, 8)"
    )
    assert told == "the shape that comes into a layer is not the one that it was made for."
    assert "\x1b" not in model_checks.without_keras("\x1b[1mWrong.\x1b[0m")


def test_networks_that_learn_and_that_do_not():
    import keras

    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 1, (6, 8, 8, 3)).astype("float32"), np.arange(6) % 3

    def compiled(rate):
        network = plain_network()
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile(keras.optimizers.Adam(rate), loss)
        return student_work.Namespace({"m": network}, 60)

    good = compiled(0.01)
    before = good.model_weights("m", (8, 8, 3))
    model_checks.trains(good, "m", x, y)
    for old, new in zip(before, good.model_weights("m", (8, 8, 3)), strict=True):
        assert np.array_equal(old, new)
    assert "hardly learns" in said(lambda: model_checks.trains(compiled(1e-7), "m", x, y))[0]
    bare = student_work.Namespace({"m": plain_network()}, 60)
    assert said(lambda: model_checks.trains(bare, "m", x, y))[1] == "not compiled"


# --- what is shown and remembered --------------------------------------------------------------


@pytest.fixture
def toy(monkeypatch):
    """One exercise with one question, known to the registry."""

    def run(subject, rng):
        compare.number(subject, "answer", 42)

    ask = Question(
        "99.1",
        "the answer",
        2,
        (Part("the value", 1, run), Part("its half", 1, lambda s, r: compare.number(s, "h", 21))),
        needs=("answer",),
        hints=("Think.", "It is 6 × 7."),
        kind="value",
    )
    exercise = checks.Exercise("99_toy", "Toy", (ask,))
    from course_utils.checks import _notebook, _registry

    monkeypatch.setattr(_registry, "_modules", lambda: {"99": "toy"})
    monkeypatch.setattr(_registry, "_load", lambda number: exercise)
    monkeypatch.setattr(_notebook, "exercises", lambda: (exercise,))
    return exercise


def test_checking_shows_words_and_remembers(toy, capsys, monkeypatch):
    monkeypatch.setitem(globals(), "answer", None)
    checks.check("99.1")
    assert "○ 99.1: Not attempted yet (0 of 2 points)" in capsys.readouterr().out
    monkeypatch.setitem(globals(), "answer", 1)
    monkeypatch.setitem(globals(), "h", 1)
    checks.check("99.1")
    shown = capsys.readouterr().out
    assert "✗ 99.1: Incorrect (0 of 2 points)" in shown
    assert 'hint("99.1")' in shown
    monkeypatch.setitem(globals(), "answer", 42)
    checks.check("99.1")
    assert "◐ 99.1: Partly correct (1 of 2 points)" in capsys.readouterr().out
    monkeypatch.setitem(globals(), "h", 21)
    checks.check("99.1")
    assert "✓ 99.1: Correct (2 of 2 points)" in capsys.readouterr().out
    monkeypatch.setitem(globals(), "h", 1)
    checks.check("99.1")  # what was reached stays reached
    capsys.readouterr()
    checks.progress()
    shown = capsys.readouterr().out
    assert "99_toy" in shown
    assert "1 of 1" in shown
    assert "2 of 2" in shown
    assert json.loads(_record.file().read_text())["questions"]["99.1"]["tries"] == 4
    assert settings.work_root() in _record.file().parents


def test_hints_come_one_by_one(toy, capsys):
    checks.hint("99.1")
    assert "Think." in capsys.readouterr().out
    checks.hint("99.1")
    shown = capsys.readouterr().out
    assert "6 × 7" in shown
    assert "the last hint" in shown
    checks.hint("99.1")
    shown = capsys.readouterr().out
    assert "Think." in shown
    assert "6 × 7" in shown


def test_the_solution_waits_for_three_tries(toy, capsys, monkeypatch):
    monkeypatch.setitem(globals(), "answer", 1)
    for left in ("3 more times", "2 more times", "once more"):
        checks.solution("99.1")
        assert left in capsys.readouterr().out
        checks.check("99.1")
    checks.solution("99.1")
    assert "ask your instructor" in capsys.readouterr().out


def test_a_check_that_builds_many_networks_shows_no_warning_of_tensorflow(toy, monkeypatch):
    import keras

    def run(subject, rng):
        for _ in range(7):
            network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
            network.predict(np.zeros((1, 2)), verbose=0)

    object.__setattr__(toy.questions[0], "parts", (Part("a part", 2, run),))
    monkeypatch.setitem(globals(), "answer", 42)
    said = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lambda record: said.append(record.getMessage()))
    logging.getLogger("tensorflow").addHandler(handler)
    try:
        checks.check("99.1")
    finally:
        logging.getLogger("tensorflow").removeHandler(handler)
    assert not said


def test_nbgrader_sees_what_is_wrong(toy, capsys, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setitem(globals(), "answer", 1)
    monkeypatch.setitem(globals(), "h", 1)
    with pytest.raises(AssertionError, match=r"99\.1: Incorrect"):
        checks.check("99.1")
    monkeypatch.setitem(globals(), "answer", 42)
    assert checks.check("99.1") == 1.0
    monkeypatch.setitem(globals(), "h", 21)
    assert checks.check("99.1") is None
    assert not _record.file().exists(), "grading is not the student's progress"


@pytest.mark.parametrize("by_nbgrader", [True, False])
def test_what_libraries_say_is_no_failure_for_nbgrader(toy, capfd, monkeypatch, by_nbgrader):
    if by_nbgrader:
        monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")

    def run(subject, rng):
        os.write(2, b"a library says something")

    object.__setattr__(toy.questions[0], "parts", (Part("a part", 2, run),))
    monkeypatch.setitem(globals(), "answer", 42)
    checks.check("99.1")
    assert capfd.readouterr().err == ("" if by_nbgrader else "a library says something")


def test_a_damaged_progress_file_is_named(toy):
    _record.change("99.1", points=1.0)
    _record.file().write_text("{")
    with pytest.raises(InvalidInput, match="is damaged"):
        checks.progress()


def test_unknown_questions_are_told_apart(toy):
    with pytest.raises(InvalidInput, match=r"questions of this exercise are 99\.1"):
        checks.check("99.7")
    with pytest.raises(InvalidInput, match="There is no question 'what'"):
        checks.check("what")
    for forgotten in (checks.check, checks.hint, checks.solution):
        with pytest.raises(InvalidInput, match="There is no question ''; a question is named"):
            forgotten()


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("those that **are** roses", "those that <b>are</b> roses"),
        ("use `a ** 2 ** b`, `**x**`", "use <code>a ** 2 ** b</code>, <code>**x**</code>"),
        ("x**2 + y**2 and 2 ** 3 ** 4", "x**2 + y**2 and 2 ** 3 ** 4"),
        ("<b> & `<i>`", "&lt;b&gt; &amp; <code>&lt;i&gt;</code>"),
    ],
)
def test_marks_in_a_line_become_html_and_code_stays_code(line, shown):
    assert wording.marked(line) == shown


def test_boxes_say_the_same_in_html_and_text():
    box = _feedback.Box("incorrect", "01.1: Incorrect", ("use `a < b`",), table=(("x",), ("1",)))
    assert "✗ 01.1: Incorrect" in repr(box)
    shown = box._repr_html_()
    assert "<strong>✗ 01.1: Incorrect</strong>" in shown
    assert "<code>a &lt; b</code>" in shown
