"""Read a submitted notebook, and find the questions in it."""

from __future__ import annotations

import builtins
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from course_staff.grading import platforms
from course_utils import settings
from course_utils.checks import Exercise, Question
from course_utils.exceptions import InvalidInput

#: The most cells that are run.
MOST_CELLS = 20_000
#: Bytes of the largest cell that is run, as it is sent into the sandbox.
LARGEST_CELL = 15 * 2**20
#: The most lines of a cell that is run.
MOST_LINES = 200_000
#: The most characters of a cell in which names are looked for, and that are compared.
_MOST_READ = 200_000
_MOST_READ_OF_ALL = 2_000_000

_GRADE_ID = re.compile(r"^(?P<number>\d\d)-(?P<question>\d+)(?:-(?P<role>prompt|check|written))?$")
_GIVEN_ID = re.compile(r"^E(?P<number>\d\d)-(?:(?P<question>\d+)(?:-[\w-]+)?|[a-z][\w-]*)$")


@dataclass(frozen=True)
class Cell:
    """A cell: its kind, its text, and its place in the exercise.

    Attributes
    ----------
    kind : str
        ``"code"``, ``"markdown"`` or ``"raw"``.
    source : str
        Its text.
    question : str
        The id of its question, such as ``"01.2"``, or "".
    role : str
        ``"answer"``, ``"written"``, ``"check"``, ``"prompt"``, or "" for all other cells.
    id : str
        The id that the course gave to it, such as ``"E01-setup"``, or "".
    language : str
        What it is written in where that is not Python, as the platform says.
    attachments : mapping
        The attached files as they are stored: name to types to base64 text. Not checked.
    """

    kind: str
    source: str
    question: str = ""
    role: str = ""
    id: str = ""
    language: str = ""
    attachments: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True)
class Step:
    """One thing to do with a notebook: run a cell, or ask a question."""

    cell: int | None = None
    question: Question | None = None


@dataclass
class Plan:
    """What is done with a notebook, in order, and what was noticed about it.

    Attributes
    ----------
    cells : list of Cell
        All cells; those that were code when the exercise was handed out are code again.
    steps : list of Step
        The cells to run and the questions to ask. A question is asked after its answer cell and
        the student's own cells behind it, before the next question begins.
    answered : dict
        The place of the answer cell of each question that has one.
    flags : list of str
        One sentence each: test cells that are gone, edited, doubled or moved; cells that are not
        run, or are run although they are no code cells.
    own : set of int
        The places of the cells that are the student's own: answer cells, and cells that were not
        handed out.
    sections : list of str
        For each cell the id of the question in whose section it stands, or "".
    setup : list of int
        The places of the code cells that were handed out and that later cells depend on.
    prepare : bool
        Whether :data:`platforms.PREPARE` has to run before the first cell.
    retaken : set of int
        The places of cells that are taken for answer cells because of where they stand.
    handed_out : dict
        For each cell of `setup` that the student changed, its text as it was handed out. It is run
        where the changed one stops.
    """

    cells: list[Cell]
    steps: list[Step] = field(default_factory=list)
    answered: dict[str, int] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    own: set[int] = field(default_factory=set)
    sections: list[str] = field(default_factory=list)
    setup: list[int] = field(default_factory=list)
    prepare: bool = False
    retaken: set[int] = field(default_factory=set)
    handed_out: dict[int, str] = field(default_factory=dict)

    def defining(self, names: Iterable[str], without: str = "") -> list[int]:
        """Return the places of the student's own code cells that define one of these names.

        Parameters
        ----------
        names : iterable of str
            Names at the top level.
        without : str
            The id of a question of which the answer cell is not meant.
        """
        wanted = set(names)
        return [
            index
            for index, names_there in self._bound.items()
            if self.cells[index].question != without and not wanted.isdisjoint(names_there)
        ]

    def defines(self, index: int, names: Iterable[str]) -> bool:
        """Return whether the cell at a place gives a value to one of these names."""
        return not set(names).isdisjoint(self._bound.get(index, ()))

    def own_code(self, without: str = "") -> list[int]:
        """Return the places of the student's cells that are run, except those of one question."""
        return [index for index in self._bound if self.cells[index].question != without]

    @cached_property
    def _bound(self) -> dict[int, list[str]]:
        """The names that each of the student's own cells defines, of those that are run."""
        found, left = {}, _MOST_READ_OF_ALL
        run = {step.cell for step in self.steps if step.cell is not None}
        for index in sorted(run & self.own):
            source = self.cells[index].source[: min(left, _MOST_READ)]
            found[index] = bound_names(source)
            left -= len(source)
        return found

    def shadows(self) -> dict[str, int]:
        """Return the builtins of Python to which a cell gives another value, with its place."""
        found: dict[str, int] = {}
        for index, names in self._bound.items():
            for name in names:
                if hasattr(builtins, name) and not name.startswith("_"):
                    found.setdefault(name, index)
        return found


def read(content: bytes) -> list[Cell]:
    """Read the cells of a notebook of any format.

    Parameters
    ----------
    content : bytes
        The file.

    Raises
    ------
    InvalidInput
        If it is no notebook.
    """
    cells = [_cell(cell) for cell in _stored(content)]
    if len(cells) > MOST_CELLS:
        raise InvalidInput(f"It has {len(cells):,} cells; at most {MOST_CELLS:,} are run.")
    return cells


def _stored(content: bytes) -> list[dict[str, Any]]:
    if not content.strip(b"\0 \t\r\n"):
        raise InvalidInput("It is empty; save the notebook in Jupyter and hand it in again.")
    try:
        stored = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            "It is no notebook: its text is not JSON. Save it in Jupyter and hand it in again."
        ) from error
    if not isinstance(stored, dict):
        raise InvalidInput("It is no notebook: there are no cells in it.")
    form = stored.get("nbformat", 4 if "cells" in stored else 3)
    if type(form) is not int or not 1 <= form <= 4:
        raise InvalidInput(
            f"It is in the notebook format {str(form)[:20]!r}, which is not known here."
        )
    if form < 4:
        stored = _converted(stored, form)
    cells = stored.get("cells")
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise InvalidInput("It is no notebook: there are no cells in it.")
    return cells


def _converted(stored: dict[str, Any], form: int) -> dict[str, Any]:
    import nbformat

    stored.setdefault("nbformat", form)
    stored.setdefault("nbformat_minor", 0)
    stored.setdefault("metadata", {})
    try:
        fresh = nbformat.convert(nbformat.from_dict(stored), 4)
        return json.loads(json.dumps(fresh))
    except Exception as error:  # whatever is wrong with an old format, it is one sentence
        raise InvalidInput(
            f"It is in the old notebook format {form} and cannot be read; open and save it in "
            f"Jupyter and hand it in again."
        ) from error


def _cell(stored: dict[str, Any]) -> Cell:
    source = stored.get("source", "")
    if isinstance(source, list):
        lines = [line for line in source if isinstance(line, str)]
        # Some converters leave the line ends out.
        source = ("" if any("\n" in line for line in lines) else "\n").join(lines)
    source = _SURROGATE.sub("\ufffd", str(source)).replace("\r\n", "\n")
    kind = stored.get("cell_type", "code")
    kind = kind if kind in ("code", "markdown") else "raw"
    metadata = stored.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    attached = stored.get("attachments")
    more: dict[str, Any] = {
        "id": next((name for name in _ids(stored, metadata) if _GIVEN_ID.match(name)), ""),
        "language": platforms.language(metadata) if kind == "code" else "",
        "attachments": attached if isinstance(attached, dict) else {},
    }
    nbgrader = metadata.get("nbgrader")
    grade_id = nbgrader.get("grade_id") if isinstance(nbgrader, dict) else None
    if grade_id is None:  # a platform that keeps no metadata may keep the ids
        grade_id = more["id"].removeprefix("E")
    match = _GRADE_ID.match(grade_id) if isinstance(grade_id, str) else None
    if match is None:
        return Cell(kind, source, **more)
    role = match["role"] or "answer"
    if role == "answer" and kind == "markdown":
        role = "written"
    return Cell(kind, source, f"{match['number']}.{match['question']}", role, **more)


#: Half of a character of two halves: no text that can be written into a file.
_SURROGATE = re.compile("[\ud800-\udfff]")


def _ids(stored: dict[str, Any], metadata: dict[str, Any]) -> list[str]:
    """Return the ids of a cell; Colab keeps them in the metadata."""
    return [name for name in (stored.get("id"), metadata.get("id")) if isinstance(name, str)]


def which_exercise(
    cells: Sequence[Cell], file_name: str, exercises: Sequence[Exercise]
) -> Exercise:
    """Return the exercise of a notebook, found by its grade_ids, else by its name.

    Raises
    ------
    InvalidInput
        If it is of none.
    """
    known = {exercise.number: exercise for exercise in exercises}
    votes = Counter(cell.question[:2] for cell in cells if cell.question[:2] in known)
    if votes:
        return known[votes.most_common(1)[0][0]]
    stem = file_name.lower().removesuffix(".ipynb")
    for exercise in exercises:
        if (
            exercise.name in stem
            or exercise.name[3:] in stem
            or stem.startswith(f"{exercise.number}_")
        ):
            return exercise
    names = ", ".join(exercise.name for exercise in exercises)
    raise InvalidInput(
        f"It is of no exercise that is known here ({names}): neither its cells nor its name say "
        f"of which."
    )


@lru_cache(maxsize=32)
def released(exercise: str) -> tuple[Cell, ...]:
    """Return the cells of an exercise as they are handed out; none if it is not installed.

    Parameters
    ----------
    exercise : str
        Its name, such as ``"01_convolution_by_hand"``.
    """
    path = settings.course_root() / "exercises" / exercise / f"{exercise[3:]}.ipynb"
    return tuple(read(path.read_bytes())) if path.is_file() else ()


def plan(cells: Sequence[Cell], exercise: Exercise) -> Plan:
    """Decide which cells are run and when each question is asked.

    Test cells are never run: whether they are there, edited, doubled or moved, the questions are
    the same. It is only noted.
    """
    questions = {question.id: question for question in exercise.questions}
    handed_out = released(exercise.name)
    result = Plan(_restored(cells, questions, handed_out))
    cells = result.cells
    result.sections = _sections(cells, questions, handed_out)
    result.own = _own(cells, handed_out)
    _take_for_answers(result, questions)
    places: dict[str, list[int]] = {name: [] for name in questions}
    for index, cell in enumerate(cells):
        if cell.question in questions and cell.role in ("answer", "written"):
            places[cell.question].append(index)
    result.answered = {name: found[-1] for name, found in places.items() if found}
    _note(result, cells, questions, places)
    asked: dict[int, list[Step]] = defaultdict(list)  # by the cell after which they are asked
    for name, question in questions.items():
        if question.kind != "written":
            start = result.answered.get(name)
            end = len(cells) if start is None else _end_of(cells, start, name)
            asked[end].append(Step(question=question))
    for index, cell in enumerate(cells):
        if _is_run(result, index, cell):
            result.steps.append(Step(cell=index))
        result.steps += asked[index]
    result.steps += asked[len(cells)]
    result.setup = _setup(result)
    result.handed_out = _before(result, handed_out)
    return result


def _restored(
    cells: Sequence[Cell], questions: Mapping[str, Question], handed_out: Sequence[Cell]
) -> list[Cell]:
    """Return the cells with the roles that their questions give them."""
    bare_checks = {f'check("{name}")': name for name in questions}
    were_code = {cell.id for cell in handed_out if cell.id and cell.kind == "code"}
    made = []
    for cell in cells:
        question = questions.get(cell.question)
        if question is not None and cell.role in ("answer", "written"):
            role = "written" if question.kind == "written" else "answer"
            cell = replace(cell, role=role)
        if not cell.role and cell.kind == "code" and _bare(cell.source) in bare_checks:
            cell = replace(cell, question=bare_checks[_bare(cell.source)], role="check")
        lost = cell.role == "answer" or (cell.id in were_code and cell.role != "written")
        if cell.kind != "code" and lost and cell.role != "check":
            cell = replace(cell, kind=f"{cell.kind} as code", source=_unfenced(cell.source))
        made.append(cell)
    return made


_FENCE = re.compile(r"\s{0,9}(?:```|~~~)[^\n]*\n(?P<code>.*?)\n?(?:```|~~~)\s*", re.S)


def _unfenced(source: str) -> str:
    match = _FENCE.fullmatch(source) if len(source) <= _MOST_READ else None
    return match["code"] if match else source


def _is_run(result: Plan, index: int, cell: Cell) -> bool:
    """Return whether a cell is run, and note what is unusual about that."""
    number = index + 1
    if cell.role in ("check", "written") or not cell.source.strip():
        return False
    if cell.kind.endswith(" as code"):
        kind = cell.kind.removesuffix(" as code")
        result.flags.append(
            f"Cell {number} is a {kind} cell that should be code: it was run as code."
        )
    elif cell.kind != "code":
        return False
    if cell.language:
        result.flags.append(f"Cell {number} is {cell.language} and no Python: it was not run.")
        return False
    if _is_too_large(cell.source):
        result.flags.append(
            f"Cell {number} holds {len(cell.source):,} characters in "
            f"{cell.source.count(chr(10)) + 1:,} lines, which is more than can be run: it was left "
            f"out, and a person should look at it."
        )
        return False
    if platforms.needs_preparing(cell.source):
        result.prepare = True
        sentence = platforms.noticed(number, cell.source)
        if sentence:
            result.flags.append(sentence)
    return True


def _take_for_answers(result: Plan, questions: Mapping[str, Question]) -> None:
    """Take the student's code in a question's section for its answer if its cell is missing."""
    there = {cell.question for cell in result.cells if cell.role in ("answer", "written")}
    for index in sorted(result.own):
        cell, section = result.cells[index], result.sections[index]
        open_ = section in questions and section not in there
        if open_ and questions[section].kind != "written" and cell.kind == "code":
            result.cells[index] = replace(cell, question=section, role="answer")
            result.retaken.add(index)


def _is_too_large(source: str) -> bool:
    if source.count("\n") >= MOST_LINES:
        return True
    # A character takes at most 12 bytes on its way into the sandbox.
    return len(source) > LARGEST_CELL // 12 and len(json.dumps(source)) > LARGEST_CELL


# --- whose a cell is, and to which question it belongs ------------------------------------------


def _key(source: str) -> str:
    return "".join(source[:_MOST_READ].split())


def _own(cells: Sequence[Cell], handed_out: Sequence[Cell]) -> set[int]:
    """Return the cells that the student wrote or could have written."""
    ids = {cell.id for cell in handed_out if cell.id}
    texts = {_key(cell.source) for cell in handed_out}
    own = set()
    for index, cell in enumerate(cells):
        if cell.role in ("check", "prompt"):
            continue
        known = cell.id in ids if ids else bool(cell.id)
        if cell.role in ("answer", "written") or not (known or _key(cell.source) in texts):
            own.add(index)
    return own


_PROMPT = re.compile(r"\*\*Question (?P<question>\d\d\.\d+)\*\*")
_CHECK = re.compile(r"""\s*check\(["'](?P<question>\d\d\.\d+)["']\)""")


def _sections(
    cells: Sequence[Cell], questions: Mapping[str, Question], handed_out: Sequence[Cell]
) -> list[str]:
    """Return for each cell the question in whose section it stands.

    A section begins with whatever is known to belong to a question: a cell with its number in the
    metadata or the id, its text as it was handed out, or its test cell.
    """
    texts = {_key(cell.source): cell.id for cell in handed_out if cell.kind == "markdown"}
    sections, now = [], ""
    for cell in cells:
        here = _belongs_to(cell, texts)
        if here is not None:
            now = here if here in questions else ""
        sections.append(now)
    return sections


def _belongs_to(cell: Cell, texts: Mapping[str, str]) -> str | None:
    """Return the question to which a cell belongs; "" for none, None if unknown."""
    if cell.question:
        return cell.question
    name = cell.id or texts.get(_key(cell.source), "")
    match = _GIVEN_ID.match(name)
    if match:
        return f"{match['number']}.{match['question']}" if match["question"] else ""
    found = _CHECK.match(cell.source) if cell.kind == "code" else _PROMPT.search(cell.source[:5000])
    return found["question"] if found else None


def _setup(result: Plan) -> list[int]:
    """Return the places of code cells that were handed out for the others to build on."""
    run = [step.cell for step in result.steps if step.cell is not None]
    first = next((k for k, section in enumerate(result.sections) if section), len(result.cells))
    return [
        index
        for index in run
        if not (cell := result.cells[index]).role
        and (cell.id.endswith(("-setup", "-given")) or (index < first and not cell.id))
    ]


def _before(result: Plan, handed_out: Sequence[Cell]) -> dict[int, str]:
    """Return the texts of changed cells of the set-up as they were handed out.

    Without its id a cell is known by the lines that were handed out, if all of them are there.
    """
    known = {cell.id: cell.source for cell in handed_out if cell.id and cell.kind == "code"}
    setups = [source for name, source in known.items() if name.endswith("-setup")]
    found = {}
    for index in result.setup:
        cell = result.cells[index]
        source = known.get(cell.id, "")
        if not cell.id:
            there = _lines(cell.source)
            source = next((text for text in setups if _lines(text) <= there), "")
        if source and _key(source) != _key(cell.source):
            found[index] = source
    return found


def _lines(source: str) -> set[str]:
    return {"".join(line.split()) for line in source[:_MOST_READ].splitlines()} - {""}


_IDENTIFIER = r"[^\W\d]\w{0,99}"
_BOUND = re.compile(
    rf"""^(?:
        (?:async[ ]+)?(?:def|class)[ ]+(?P<defined>{_IDENTIFIER}) |
        import[ ]+(?P<imported>[\w., ]{{1,300}}) |
        from[ ]+[\w.]{{1,200}}[ ]+import[ ]+
            (?:\((?P<several>[^)]{{1,3000}})\)|(?P<names>[\w, ]{{1,1000}})) |
        (?P<targets>{_IDENTIFIER}(?:[ ]?[,=][ ]?{_IDENTIFIER}){{0,20}})
            [ ]?(?::[^=\n]{{1,200}})?=(?!=) |
        for[ ]+(?P<loop>{_IDENTIFIER}(?:[ ]?,[ ]?{_IDENTIFIER}){{0,9}})[ ]+in\b |
        with[ ][^\n]{{1,300}}?[ ]as[ ](?P<context>{_IDENTIFIER})
    )""",
    re.M | re.X,
)


def bound_names(source: str) -> list[str]:
    """Return the names that a cell gives a value at its top level; by its text alone.

    The text is not compiled: it comes from a student, and this runs outside the sandbox.
    """
    found: dict[str, None] = {}
    for match in _BOUND.finditer(source[:_MOST_READ]):
        text = next(group for group in match.groups() if group)
        for part in re.split(r"[,=]", re.sub(r"#[^\n]*", "", text)):
            whole, _, other = part.strip().partition(" as ")
            name = other.strip() or (whole.partition(".")[0] if match["imported"] else whole)
            if name.isidentifier():
                found[name] = None
    return list(found)


def given_names(cell: Cell, exercise: str) -> list[str]:
    """Return the names that a cell of the set-up defines, as it was handed out."""
    known = {given.id: given.source for given in released(exercise) if given.id}
    return bound_names(known.get(cell.id, cell.source))


def _end_of(cells: Sequence[Cell], start: int, question: str) -> int:
    """Return the last cell that belongs to the answer which begins at `start`."""
    end = start
    for index, cell in enumerate(cells[start + 1 :], start + 1):
        if cell.role == "prompt" or cell.question not in ("", question):
            break
        end = index
    return end


def _note(
    result: Plan,
    cells: Sequence[Cell],
    questions: Mapping[str, Question],
    places: Mapping[str, list[int]],
) -> None:
    """Add flags about answer cells and test cells that are not as they were handed out."""
    for name, question in questions.items():
        found = places[name]
        if not found:
            result.flags.append(f"The answer cell of {name} is missing.")
        elif result.retaken.issuperset(found):
            result.flags.append(
                f"The answer cell of {name} is no longer marked as such; the code after its "
                f"question was taken."
            )
        elif len(found) > 1:
            result.flags.append(f"The answer cell of {name} is there {len(found)} times; all ran.")
        if question.kind != "written":
            changes = _changes_of_tests(cells, name, found)
            result.flags += [
                f"The test cell of {name} was {how}, which changes nothing." for how in changes
            ]
    strange = sorted({cell.question for cell in cells if cell.question} - questions.keys())
    if strange:
        result.flags.append(f"There are cells of unknown questions: {', '.join(strange[:5])}.")


def _changes_of_tests(cells: Sequence[Cell], name: str, found: list[int]) -> list[str]:
    """Return how the test cells of a question differ from the one that was handed out."""
    tests = [k for k, cell in enumerate(cells) if (cell.question, cell.role) == (name, "check")]
    changes = {
        "deleted": not tests,
        "doubled": len(tests) > 1,
        "edited": any(_bare(cells[k].source) != f'check("{name}")' for k in tests),
        "moved": bool(tests and found) and tests[0] < found[0],
    }
    return [how for how, is_so in changes.items() if is_so]


def _bare(source: str) -> str:
    source = source[:2000]
    lines = [line.partition("#")[0].strip() for line in source.splitlines()]
    return "".join(line for line in lines if line).replace("'", '"').replace(" ", "")


#: Rooms of the course that notebooks use.
_ROOMS = """
augmentation convolution datasets error_analysis evaluation explain models plots quality settings
training transfer
"""
#: Modules that many notebooks import, and that are worth importing once for all.
_SHARED = {
    *("numpy", "pandas", "matplotlib.pyplot", "tensorflow", "keras"),
    *(f"course_utils.{room}" for room in _ROOMS.split()),
}
_IMPORT = re.compile(
    r"^[ \t]*(?:import|from)[ \t]+([\w.]+)(?:[ \t]+import[ \t]+\(?([\w, \t]+))?", re.M
)


def imports(cells: Sequence[Cell]) -> tuple[str, ...]:
    """Return the well-known modules that a notebook imports, in a fixed order."""
    found: set[str] = set()
    for cell in cells:
        if cell.kind != "code":
            continue
        for module, names in _IMPORT.findall(cell.source[:_MOST_READ]):
            found |= {module, module.partition(".")[0], ".".join(module.split(".")[:2])}
            found |= {f"{module}.{name.strip()}" for name in names.split(",")}
    return tuple(sorted(found & _SHARED))
