"""The texts of the exercises: every message that a check can tell is there, and is used."""

from __future__ import annotations

import ast
import inspect
import re
import string
import sys
from dataclasses import fields
from types import ModuleType

import pytest

from course_utils.checks import Question, _texts, compare, exercises, model_checks, wrong

QUESTIONS = [question for exercise in exercises() for question in exercise.questions]
IDS = [question.id for question in QUESTIONS]


def file_of(question: Question) -> dict:
    return _texts.read(f"e{question.id[:2]}")


def own(question: Question) -> dict[str, str]:
    return file_of(question)[question.id].get("messages", {})


def module_of(number: str) -> ModuleType:
    (name,) = [n for n in sys.modules if n.startswith(f"course_utils.checks.questions.e{number}_")]
    return sys.modules[name]


def definitions(module: ModuleType) -> dict[str, ast.stmt]:
    """What a module defines, by name."""
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
            found.update(dict.fromkeys(names, node))
    return found


def reached(start: list[str], known: dict[str, ast.stmt]) -> list[ast.stmt]:
    """The definitions that some functions use, directly or not."""
    names, waiting = set(), list(start)
    while waiting:
        name = waiting.pop()
        if name in names or name not in known:
            continue
        names.add(name)
        for node in ast.walk(known[name]):
            if isinstance(node, ast.Name):
                waiting.append(node.id)
    return [known[name] for name in sorted(names)]


def pattern(node: ast.expr) -> str | None:
    """A regular expression for a text, in which braces of an f-string stand for anything."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            pattern(one) if isinstance(one, ast.Constant) else ".+" for one in node.values
        )
    return None


def keys_told(nodes: list[ast.stmt]) -> set[str]:
    """Patterns of the keys of messages that some code tells."""
    found = set()
    for call in (n for node in nodes for n in ast.walk(node) if isinstance(n, ast.Call)):
        name = ast.unparse(call.func).removeprefix("model_checks.")
        if name == "Fault" and any(k.arg == "elsewhere" for k in call.keywords):
            continue
        if name == "compare.choice":
            _, holder, right, letters = (
                a.value if isinstance(a, ast.Constant) else None for a in call.args[:4]
            )
            told = letters if len(right) > 1 else set(letters) - set(right)
            found |= {re.escape(f"{holder} {letter}") for letter in told}
        elif name in ("wrong", "NetworkMistake"):
            found |= {told for one in call.args if (told := pattern(one))}
        elif name in ("Mistake", "Fault"):
            found |= {told for one in call.args[:1] if (told := pattern(one))}
    return found


def texts_in(nodes: list[ast.stmt]) -> set[str]:
    """Patterns of all texts in some code."""
    return {
        t for node in nodes for n in ast.walk(node) if isinstance(n, ast.expr) and (t := pattern(n))
    }


def code_of(question: Question) -> list[ast.stmt]:
    known = definitions(module_of(question.id[:2]))
    return reached([part.run.__name__ for part in question.parts], known)


@pytest.mark.parametrize("question", QUESTIONS, ids=IDS)
def test_every_message_that_a_question_tells_is_there_and_every_one_is_told(question):
    code = code_of(question)
    told = keys_told(code)
    missing = [k for k in told if not any(re.fullmatch(k, key) for key in question.messages)]
    assert not missing, f"{question.id} has no message {missing}"
    known = told | texts_in(code)
    unused = [key for key in own(question) if not any(re.fullmatch(k, key) for k in known)]
    unused = [key for key in unused if key not in _texts.common()]
    assert not unused, f"{question.id} never tells {unused}"


@pytest.mark.parametrize("question", QUESTIONS, ids=IDS)
def test_the_values_that_stand_in_a_message_are_given(question):
    calls = [n for node in code_of(question) for n in ast.walk(node) if isinstance(n, ast.Call)]
    for call in calls:
        name = ast.unparse(call.func)
        told = call.args if name == "wrong" else call.args[:1]
        keys = [a.value for a in told if isinstance(a, ast.Constant)]
        given = {k.arg for k in call.keywords} | {"advice"}
        if name not in ("wrong", "Mistake") or None in given:
            continue
        for key in keys:
            asked = {f for _, f, _, _ in string.Formatter().parse(question.messages[key]) if f}
            assert asked <= given, f"{question.id}: {key!r} lacks values for {asked - given}"


@pytest.mark.parametrize("number", sorted({id[:2] for id in IDS}))
def test_shared_messages_are_told_by_two_questions(number):
    shared = _texts.read(f"e{number}").get("messages", {})
    texts = [texts_in(code_of(q)) for q in QUESTIONS if q.id.startswith(number)]
    for key in set(shared) - set(_texts.common()):
        users = sum(any(re.fullmatch(k, key) for k in known) for known in texts)
        assert users > 1, f"{number}: {key!r} belongs to one question, or to none"


def test_messages_of_all_exercises_are_told():
    trees = [ast.parse(inspect.getsource(one)) for one in (compare, model_checks)]
    assert all(
        any(re.fullmatch(k, key) for key in _texts.common()) for k in keys_told(trees) - {".+ .+"}
    )
    trees += [ast.parse(inspect.getsource(module_of(n))) for n in sorted({id[:2] for id in IDS})]
    known = texts_in(trees)
    unused = [key for key in _texts.common() if not any(re.fullmatch(k, key) for k in known)]
    assert not unused


@pytest.mark.parametrize("question", QUESTIONS, ids=IDS)
def test_texts_are_whole_and_fields_have_names(question):
    texts = [question.title, *question.hints, *question.rubric, *question.messages.values()]
    for text in [*texts, *question.advice.values()]:
        assert text.strip()
        assert "  " not in text
    for text in question.messages.values():
        assert all(
            name is None or name.isidentifier() for _, name, _, _ in string.Formatter().parse(text)
        )
    assert set(question.advice) <= set(question.needs)
    known = {field.name for field in fields(Question)} - {"id"}
    assert set(file_of(question)[question.id]) <= known


def test_a_file_holds_its_questions_and_nothing_else():
    for exercise in exercises():
        file = _texts.read(f"e{exercise.number}")
        assert set(file) - {"title", "messages"} == {q.id for q in exercise.questions}


def test_a_sentence_is_filled_in_and_broken_lines_are_joined():
    messages = {"a": "`{name}` is {got:g}. {advice}", "b": "Look again."}
    fields = {"name": "x", "got": 2.0}
    assert _texts.sentence(["a"], fields, messages, {}) == "`x` is 2."
    assert _texts.sentence(["a"], fields, messages, {"x": "Try."}) == "`x` is 2. Try."
    both = _texts.sentence(["a", "b"], fields, messages, {})
    assert both == "There are 2 mistakes. (1) `x` is 2. (2) Look again."
    with pytest.raises(KeyError):
        _texts.sentence(["c"], fields, messages, {})


def test_a_key_tells_the_mistake():
    assert wrong("nothing returned", name="f").mistake == "nothing returned"
    assert wrong("not finite: number", name="x").mistake == "not finite"
    assert wrong("other: no letter", name="x").mistake is None
    assert wrong("unfit b", mistake="flip kept").mistake == "flip kept"
