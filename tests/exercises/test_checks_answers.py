"""The checks of the exercises, tested with right answers, wrong ones, and mutants.

``make test`` tries a sample of each, always the same; ``make test-all`` (``--all``) tries every
one. The rates go to ``build/checks.json``.
"""

from __future__ import annotations

import json
import tempfile
import zlib
from dataclasses import dataclass, field
from typing import ClassVar, TypeVar

import numpy as np
import pytest
from answers import Answers, answers_of, gives_arrays, judge, mutants_of, names, run, solution
from answers.mutate import mutants
from answers.variants import value_variants, variants
from filelock import FileLock

from course_utils import error_analysis, settings
from course_utils.checks import Question, exercise, exercises
from course_utils.evaluation import Predictions
from course_utils.files import write_atomic

#: How many ``make test`` tries beside the solution: of each question, of each that takes long to
#: judge, and of each whose answer trains networks.
RIGHT, WRONG, MUTANTS, VARIANTS = (5, 1, 0), (10, 2, 1), (3, 1, 0), (2, 1, 0)

#: Questions that take half a second or more for each answer, beside those that ask for a network.
TAKE_LONG = ("02.5", "04.3", "04.4", "07.3", "08.3")

#: Questions whose answer trains networks: what is invented there would have to be trained again.
TRAINED = ("03.6", "04.5")

T = TypeVar("T")


def sample(
    question: Question,
    known: dict[str, T],
    everything: bool,
    numbers: tuple[int, int, int],
) -> dict[str, T]:
    """All answers, or always the same few; `numbers` as in :data:`RIGHT`."""
    takes_long = question.kind == "model" or question.id in TAKE_LONG
    number = numbers[2 if question.id in TRAINED else takes_long]
    if everything or len(known) <= number:
        return known
    rng = np.random.default_rng(zlib.crc32(question.id.encode()))
    chosen = sorted(rng.permutation(len(known))[:number])
    keys = list(known)
    return {keys[k]: known[keys[k]] for k in chosen}


#: Questions whose text wants NumPy alone.
NUMPY_ALONE = ("01.2", "03.5", "04.1")


def other_ways(question: Question) -> dict[str, str]:
    """The solution in other forms; without TensorFlow where the question forbids it."""
    if question.id in TRAINED:
        return {}
    if question.kind not in ("code", "model"):
        return value_variants(solution(question), question.needs)
    return variants(
        solution(question),
        arrays=gives_arrays(question),
        tensors=question.id not in NUMPY_ALONE,
    )


@dataclass
class Tally:
    """What was tried, and what the checks said wrongly."""

    questions: int = 0
    right: int = 0
    variants: int = 0
    wrong: int = 0
    mutants: int = 0
    refused: list[str] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)


@pytest.fixture(scope="class", autouse=True)
def _counted(request):
    """Count what is tried for an exercise, and record it in the end."""
    if request.cls is None:
        yield
        return
    request.cls.tally = Tally()
    yield
    if request.cls.tally.questions:
        everything = request.config.getoption("--all")
        _record(request.cls.module, request.cls.tally, everything)


@pytest.fixture(autouse=True)
def _short_training(monkeypatch, tmp_path):
    """Where an answer trains, one epoch on the drawn flowers is enough here."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # answers save networks
    monkeypatch.setenv("COURSE_EPOCHS", "1")
    monkeypatch.setenv("COURSE_DATASET", "paper_flowers")
    monkeypatch.setenv("COURSE_DATA", "")


class CheckedByAnswers:
    """The tests of one exercise; a subclass names its module in ``answers``."""

    module: ClassVar[str]
    tally: ClassVar[Tally]

    def test_every_question_has_answers(self):
        exercise, known = answers_of(self.module)
        asked = [q for q in exercise.questions if q.kind != "written"]
        assert sorted(known) == [q.id for q in asked]
        for question in asked:
            answers = known[question.id]
            if question.kind in ("code", "model"):
                assert len(answers.right) >= 4, f"{question.id} needs more right answers"
                assert len(answers.wrong) >= 8, f"{question.id} needs more wrong answers"
            else:
                assert answers.wrong, f"{question.id} needs wrong answers"

    def test_right_answers_get_full_marks(self, request):
        everything = request.config.getoption("--all")
        for question, answers in _asked(self.module):
            self.tally.questions += 1
            tried = sample(question, answers.right, everything, RIGHT)
            for name, source in {"the solution": solution(question), **tried}.items():
                judged = judge(question, source, answers.needs)
                self.tally.right += 1
                if judged.status != "correct":
                    said = f"{question.id}, {name}: {judged.status}: {judged.sentence}"
                    self.tally.refused.append(said)
        assert not self.tally.refused, "\n".join(self.tally.refused)

    def test_other_ways_to_write_the_solution_get_full_marks(self, request):
        everything = request.config.getoption("--all")
        refused = []
        for question, answers in _asked(self.module):
            known = other_ways(question)
            tried = sample(question, known, everything, VARIANTS)
            for name, source in tried.items():
                judged = judge(question, source, answers.needs)
                self.tally.variants += 1
                if judged.status != "correct":
                    said = f"{question.id}, {name}: {judged.status}: {judged.sentence}"
                    refused.append(said)
        self.tally.refused += refused
        assert not refused, "\n".join(refused)

    def test_wrong_answers_lose_marks_and_hear_why(self, request):
        everything = request.config.getoption("--all")
        unheard = []
        for question, answers in _asked(self.module):
            tried = sample(question, answers.wrong, everything, WRONG)
            for name, (source, mistake) in tried.items():
                judged = judge(question, source, answers.needs, seconds=30.0)
                self.tally.wrong += 1
                said = f"{question.id}, {name}"
                if judged.points >= question.points:
                    self.tally.accepted.append(said)
                found = {part.mistake for part in judged.parts}
                if mistake is not None and mistake not in found:
                    heard = f"{judged.status}, {sorted(map(str, found))}: {judged.sentence}"
                    unheard.append(f"{said} should be told {mistake!r}, but is told {heard}")
        assert not self.tally.accepted, "\n".join(self.tally.accepted)
        assert not unheard, "\n".join(unheard)

    def test_mutants_lose_marks(self, request):
        everything = request.config.getoption("--all")
        survived, stale = [], []
        for question, answers in _asked(self.module):
            if not answers.mutants:
                continue
            known = mutants_of(question)
            stale += [f"{question.id}: {n}" for n in answers.stale(known)]
            tried = {n: text for n, text in known.items() if not answers.sets_aside(n)}
            for name, source in sample(question, tried, everything, MUTANTS).items():
                judged = judge(question, source, answers.needs, seconds=20.0)
                self.tally.mutants += 1
                if judged.points >= question.points:
                    survived.append(f"{question.id}, {name}")
        self.tally.accepted += survived
        assert not stale, "set aside, but there are no such mutants: " + "\n".join(stale)
        assert not survived, "\n".join(survived)

    def test_what_is_empty_is_not_attempted(self):
        for question, _ in _asked(self.module):
            judged = judge(question, "")
            assert (judged.status, judged.points) == ("not attempted", 0), question.id
            hints = question.hints
            assert len(hints) >= (2 if question.points > 1 else 1), f"{question.id} needs hints"


def _asked(module: str) -> list[tuple]:
    exercise, known = answers_of(module)
    answers: dict[str, Answers] = known
    return [(q, answers[q.id]) for q in exercise.questions if q.kind != "written"]


def _record(module: str, tally: Tally, everything: bool) -> None:
    """Add the numbers of one exercise to ``build/checks.json``."""
    path = settings.course_root() / "build" / "checks.json"
    path.parent.mkdir(exist_ok=True)
    with FileLock(str(path) + ".lock"):
        known = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        by_exercise = known.get("exercises", {})
        wrong = tally.wrong + tally.mutants
        by_exercise[module[1:]] = {
            "questions": tally.questions,
            "right answers": tally.right,
            "other ways to write the solution": tally.variants,
            "wrong answers": tally.wrong,
            "mutants": tally.mutants,
            "every mutant": bool(everything),
            "right refused": tally.refused,
            "wrong accepted": tally.accepted,
        }
        ways = "other ways to write the solution"
        right = sum(one["right answers"] + one.get(ways, 0) for one in by_exercise.values())
        wrong = sum(one["wrong answers"] + one["mutants"] for one in by_exercise.values())
        refused = sum(len(one["right refused"]) for one in by_exercise.values())
        accepted = sum(len(one["wrong accepted"]) for one in by_exercise.values())
        rates = {
            "share of right answers refused": refused / right if right else None,
            "share of wrong answers accepted": accepted / wrong if wrong else None,
        }
        text = json.dumps({**rates, "exercises": dict(sorted(by_exercise.items()))}, indent=1)
        write_atomic(path, text + "\n")


# One class per exercise, so that two workers can share the exercises between them.
for _module in names():
    _name = "Test" + "".join(word.title() for word in _module.split("_"))
    globals()[_name] = type(_name, (CheckedByAnswers,), {"module": _module})


def test_every_exercise_has_answers():
    assert [f"e{one.name}" for one in exercises()] == names()


# --- what is asked is what the course does ------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_exercise_06_disputes_the_labels_that_the_course_disputes(seed):
    rng = np.random.default_rng(seed)
    classes, pictures = int(rng.integers(2, 7)), 120
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, pictures - classes)])
    table = rng.dirichlet(np.full(classes, 0.6), pictures)
    ids, names = [tuple(str(k) for k in range(n)) for n in (pictures, classes)]
    images = np.zeros((pictures, 2, 2, 3), np.uint8)
    predictions = Predictions(ids, images, labels, table, names)
    theirs = error_analysis.suspect_labels(predictions).sort_values("position")["disputed"].to_numpy()
    (question,) = [q for q in exercise("06").questions if q.id == "06.4"]
    values = {"np": np}
    run(solution(question), values, "<solution 06.4>")
    ours = values["disputed"](predictions.probabilities.astype(float), labels)
    assert 0 < theirs.sum() < pictures
    assert np.array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("name", "disputes_rightly"),
    [
        ("over all", True),
        ("median", True),
        ("sum", True),
        ("disputed over all", False),  # right thresholds, but others are used
        ("one of the two", False),
    ],
)
def test_wrong_thresholds_do_not_cost_what_is_right_with_them(name, disputes_rightly):
    (question,) = [q for q in exercise("06").questions if q.id == "06.4"]
    source, _ = answers_of("e06_error_analysis")[1]["06.4"].wrong[name]
    limits, disputed, _ = judge(question, source).parts
    assert limits.status == ("incorrect" if name in ("over all", "median", "sum") else "correct")
    assert (disputed.status == "correct") is disputes_rightly


#: Wrong answers with one mistake each, which must cost one part only.
ONE_PART = {
    "01.1": ("first and second exchanged",),
    "01.2": ("last row and column missing", "map turned"),
    "01.3": ("stride ignored", "padding exchanged"),
    "01.4": ("windows overlap", "always 2 × 2"),
    "06.2": ("columns true", "turned round"),
    "01.6": (
        *("an array of whole numbers", "reader: whole numbers", "rounded", "no ReLU at all"),
        "bias behind the hidden ReLU",
    ),
    "04.1": (
        *("a class", "no mean of the loss", "categorical always", "sparse always"),
        "logits the wrong way round",
    ),
    "04.4": ("seldom flipped",),
    "05.3": ("mean of no pictures", "shares of no pictures", "errors for hits"),
    "07.2": (
        *("rows and maps", "weights not written", "weights that stop", "weights summed"),
        "weights summed in both",
    ),
    "07.3": ("enlarged", "enlarged without a curve", "always the last class"),
    "09.3": (
        *("one half", "eight tenths", "three quarters, where there is a threshold"),
        *("the example's threshold", "the other way round", "more is unsure", "logits by their sum"),
    ),
}


@pytest.mark.parametrize(
    ("number", "name"), [(number, name) for number, names in ONE_PART.items() for name in names]
)
def test_one_mistake_costs_one_part(number, name):
    (module,) = [one for one in names() if one[1:3] == number[:2]]
    found, known = answers_of(module)
    (question,) = [one for one in found.questions if one.id == number]
    source, _ = known[number].wrong[name]
    parts = judge(question, source, known[number].needs).parts
    assert len([part for part in parts if part.status != "correct"]) == 1, parts


# --- the mutants themselves --------------------------------------------------------------------


def test_mutants_differ_in_one_place():
    made = mutants("def f(a, b=1):\n    c = max(a, b)\n    return c + 1 if a < b else -c\n")
    texts = set(made.values())
    assert len(texts) == len(made) >= 8
    assert "def f(a, b=2):\n    c = max(a, b)\n    return c + 1 if a < b else -c\n" in texts
    assert "def f(a, b=1):\n    c = min(a, b)\n    return c + 1 if a < b else -c\n" in texts
    assert "def f(a, b=1):\n    c = max(a, b)\n    return c - 1 if a < b else -c\n" in texts
    assert "def f(a, b=1):\n    c = max(a, b)\n    return c + 1 if a <= b else -c\n" in texts
    assert "def f(a, b=1):\n    c = max(a, b)\n    return c + 1 if a < b else c\n" in texts
    assert "def f(a, b=1):\n    return c + 1 if a < b else -c\n" in texts


def test_mutants_of_networks():
    made = mutants('keras.Sequential([Conv2D(8, 3, activation="relu"), Flatten(), Dense(5)])')
    texts = "".join(made.values())
    assert "activation='linear'" in texts
    assert "Conv2D(8, 3)," in texts
    assert "Conv2D(9, 3" in texts
    assert "GlobalAveragePooling2D()" in texts
    assert "[Flatten(), Dense(5)]" in texts
