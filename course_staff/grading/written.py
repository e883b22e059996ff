"""Collect a student's written answer to a question, with its pictures."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from course_staff.grading.notebook import Cell, Plan, released
from course_staff.grading.results import clean_sentence, clean_text
from course_utils.checks import Exercise, Question

#: The most pictures of one answer, the most characters of one as base64, and of all together.
MOST_PICTURES = 12
LARGEST_PICTURE = 8 * 2**20
LARGEST_PICTURES = 20 * 2**20
#: The most pixels of a picture that a browser is given.
MOST_PIXELS = 60_000_000

#: The types of pictures that pages show, by the names of the formats in Pillow.
TYPES = {name: f"image/{name.lower()}" for name in ("PNG", "JPEG", "GIF", "WEBP")}

#: The text of the cell of a written answer before it is filled in.
_PLACEHOLDER = re.compile(r"[ \t*_.#>]*(WRITE )?YOUR ANSWER HERE[ \t*_.#>]*", re.I)


@dataclass(frozen=True)
class Picture:
    """A picture in an answer.

    Attributes
    ----------
    name : str
        Its name, for people.
    uri : str
        The picture as a data URI of a checked type and size, or "" where it cannot be shown.
    sentence : str
        Why it cannot be shown.
    """

    name: str
    uri: str = ""
    sentence: str = ""


@dataclass(frozen=True)
class Piece:
    """One cell of an answer.

    Attributes
    ----------
    cell : int
        The number of the cell in the notebook, counted from 1.
    kind : str
        What is said of it: "" for the text of an answer cell or of a cell with text.
    text : str
        Its text, at most :data:`~course_staff.grading.results.LONGEST_ANSWER` characters.
    pictures : tuple of Picture
        The pictures in it, in their order; ``(picture 1: name)`` in the text refers to them.
    digest : str
        A checksum of the whole text and of the pictures.
    """

    cell: int
    kind: str
    text: str
    pictures: tuple[Picture, ...] = ()
    digest: str = ""


@dataclass
class Answer:
    """Everything that a student wrote for a question.

    Attributes
    ----------
    pieces : list of Piece
        The cells that hold it.
    elsewhere : bool
        Whether nothing stands at the place of the question, and these are the student's own texts
        in other places of the notebook.
    digest : str
        A checksum of all of it; "" where there is nothing.
    """

    pieces: list[Piece] = field(default_factory=list)
    elsewhere: bool = False
    digest: str = ""

    @property
    def text(self) -> str:
        """All texts as one, with a word about cells of other kinds."""
        parts = [
            f"[{piece.kind}]\n{piece.text}" if piece.kind else piece.text for piece in self.pieces
        ]
        return clean_text("\n\n".join(parts))


def answers(plan: Plan, exercise: Exercise) -> dict[str, Answer]:
    """Collect the answers to all written questions of an exercise.

    To an answer belong its own cell, wherever it stands, and all cells of the student's own up to
    the next question: text, raw cells, and code. Where all of these are empty, the student's texts
    elsewhere in the notebook are taken, so that a person can look whether the answer is there.

    Parameters
    ----------
    plan : Plan
        The notebook.
    exercise : Exercise
        Its exercise.

    Returns
    -------
    dict
        An :class:`Answer` for each question of the kind "written".
    """
    budget = [LARGEST_PICTURES]
    before = {cell.id: cell.source for cell in released(exercise.name) if cell.id}
    asked = {question.id: question for question in exercise.questions if question.kind == "written"}
    found = {
        name: _at_its_place(plan, question, before, budget) for name, question in asked.items()
    }
    for answer in found.values():
        if not answer.pieces:
            places = _elsewhere(plan, set(asked))
            answer.pieces = list(_pieces(plan, places, before, budget))
            answer.elsewhere = bool(answer.pieces)
        if answer.pieces:
            parts = " ".join(piece.digest for piece in answer.pieces)
            answer.digest = hashlib.sha256(parts.encode()).hexdigest()
    return found


def _at_its_place(
    plan: Plan, question: Question, before: Mapping[str, str], budget: list[int]
) -> Answer:
    places = [
        index
        for index, cell in enumerate(plan.cells)
        if (cell.question == question.id and cell.role == "written")
        or (plan.sections[index] == question.id and cell.role not in ("answer", "check"))
    ]
    return Answer(list(_pieces(plan, places, before, budget)))


def _elsewhere(plan: Plan, written: set[str]) -> list[int]:
    """Return the student's own cells of text behind the beginning of the first question."""
    first = next((k for k, name in enumerate(plan.sections) if name), len(plan.cells))
    return [
        index
        for index in sorted(plan.own)
        if index >= first
        and plan.cells[index].kind in ("markdown", "raw")
        and not plan.cells[index].role
        and plan.sections[index] not in written
    ]


def _pieces(
    plan: Plan, places: list[int], before: Mapping[str, str], budget: list[int]
) -> Iterator[Piece]:
    for index in places:
        cell = plan.cells[index]
        text, pictures = _with_pictures(cell, budget)
        if index not in plan.own or cell.role == "written":
            text = _added(text, before.get(cell.id, ""), cell)
        text = text.strip("\n")
        if not text.strip() and not pictures:
            continue
        kind = "" if cell.kind == "markdown" else f"{cell.kind} cell"
        if index not in plan.own:
            kind = "written into a cell of the exercise"
        yield Piece(index + 1, kind, clean_text(text), pictures, _digest_of(text, pictures))


def _added(text: str, handed_out: str, cell: Cell) -> str:
    """Return the lines of a cell that were not there when the exercise was handed out.

    In a cell of the exercise that is no place for answers, further lines count only where all that
    was handed out is still there: else it may be another edition of the exercise.
    """
    known = {"".join(line.split()) for line in handed_out.splitlines()}
    if cell.role != "written":
        there = {"".join(line.split()) for line in text.splitlines()}
        if not handed_out or not known <= there:
            return ""
    return "\n".join(
        line
        for line in text.splitlines()
        if not line.strip()
        or not ("".join(line.split()) in known or _PLACEHOLDER.fullmatch(line[:200]))
    )


def _digest_of(text: str, pictures: tuple[Picture, ...]) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    whole = hashlib.sha256("\n".join(lines).encode())
    for picture in pictures:
        whole.update(hashlib.sha256((picture.uri or picture.sentence).encode()).digest())
    return whole.hexdigest()


# --- pictures ------------------------------------------------------------------------------------

_DATA = r"data:image/[\w.+-]{1,30}(?:;[\w=.-]{1,60}){0,3};base64,[A-Za-z0-9+/=%]*+"
_LABEL = r"!\[(?P<label>[^\]\n]{0,80})\]\([ \t]{0,9}"
_PICTURE = re.compile(
    rf"""(?:{_LABEL})(?:
            attachment:(?P<attached>[^()\n]{{1,300}}(?:\([^()\n]{{0,99}}\)[^()\n]{{0,99}}){{0,3}})
            | (?P<inline>{_DATA})[^)\n]{{0,300}}
         )\)
         | attachment:(?P<bare>[\w.%()-]{{1,300}})
         | (?P<loose>{_DATA})""",
    re.X,
)


def _with_pictures(cell: Cell, budget: list[int]) -> tuple[str, tuple[Picture, ...]]:
    """Return the text of a cell with a short name in place of each picture, and the pictures."""
    found: list[Picture] = []
    used: set[str] = set()
    most = 2 * MOST_PICTURES

    def take(match: re.Match[str]) -> str:
        if len(found) >= most:
            return "(a picture)"
        name = match["attached"] or match["bare"] or ""
        name = name.split(' "')[0].strip()
        data = match["inline"] or match["loose"]
        if name:
            used.update((name, unquote(name)))
            found.append(_attached(cell, name, budget))
        else:
            found.append(_inline(match["label"] or "picture", str(data), budget))
        return f"(picture {len(found)}: {found[-1].name})"

    text = _PICTURE.sub(take, cell.source)
    for name in list(cell.attachments)[:most]:
        if name not in used and isinstance(name, str):  # attached, and not referred to
            found.append(_attached(cell, name, budget))
    kept = found[:MOST_PICTURES]
    if len(found) > len(kept):
        more = f"{len(found) - len(kept)} more pictures of this cell are not shown; open it."
        kept.append(Picture("more", "", more))
    return text, tuple(kept)


def _attached(cell: Cell, name: str, budget: list[int]) -> Picture:
    bundle = cell.attachments.get(name, cell.attachments.get(unquote(name)))
    for kind, data in bundle.items() if isinstance(bundle, Mapping) else ():
        if isinstance(data, list):
            data = "".join(entry for entry in data if isinstance(entry, str))
        if isinstance(kind, str) and isinstance(data, str):
            return _checked(name, data, budget)
    return Picture(clean_sentence(name, 100), "", "The notebook does not contain this picture.")


def _inline(name: str, uri: str, budget: list[int]) -> Picture:
    data = uri.partition("base64,")[2].replace("%2B", "+").replace("%2F", "/")
    return _checked(name, data, budget)


def _checked(name: str, data: str, budget: list[int]) -> Picture:
    """Return a picture that is of one of the allowed types, whatever it says of itself."""
    name = clean_sentence(name, 100) or "picture"
    if len(data) > LARGEST_PICTURE or len(data) > budget[0]:
        large = f"It is too large to be shown here ({len(data) * 3 // 4 / 1e6:.1f} MB)."
        return Picture(name, "", f"{large} Open the notebook.")
    budget[0] -= len(data)
    try:
        content = base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        return Picture(name, "", "It is damaged: it is no base64 text.")
    kind = _type_of(content)
    if not kind:
        return Picture(name, "", "It is no PNG, JPEG, GIF or WEBP file of a usual size.")
    return Picture(name, f"data:{kind};base64,{base64.b64encode(content).decode()}")


def _type_of(content: bytes) -> str:
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content), formats=[*TYPES]) as picture:
            width, height = picture.size
            kind = TYPES.get(str(picture.format), "")
    except Exception:  # whatever is wrong with the file of a student, it is not shown
        return ""
    return kind if width * height <= MOST_PIXELS else ""
