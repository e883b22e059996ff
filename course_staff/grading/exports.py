"""Read the names that learning platforms give to exported files.

Each function parses names of files or folders. A student chooses only the end of such a name, so of
several interpretations the one with the shortest front part is taken.
Names are those that :func:`course_staff.grading.unpack.clean` made: short, and without control
characters.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from course_staff.grading.naming import is_assignment, shared_front


@dataclass(frozen=True)
class Label:
    """What a platform wrote into a name of a file or folder.

    Attributes
    ----------
    platform : str
        Its name.
    who : str
        The name or the user name of the student.
    number : str
        The platform's number that distinguishes students of the same name, or "".
    rest : str
        The name that the student gave to the file; "" for a folder.
    late : bool
        Whether the platform marked it as late.
    time : str or None
        The time of submission: ISO 8601, local time.
    steady : bool
        Whether a person has the same `number` in every assignment.
    blind : bool
        Whether `who` is the same word for everybody, as in blind marking.
    note : str
        ``"text"`` for a text that was typed on the platform, ``"receipt"`` for a file that the
        platform wrote itself, else "".
    front : int
        The number of characters that the platform wrote.
    """

    platform: str
    who: str
    number: str = ""
    rest: str = ""
    late: bool = False
    time: str | None = None
    steady: bool = False
    blind: bool = False
    note: str = ""
    front: int = 0


@dataclass(frozen=True)
class Handed:
    """An entry of Gradescope's ``submission_metadata.yml``: students, and time of submission."""

    people: tuple[tuple[str, str], ...]
    time: str | None


#: Words that platforms write in place of a name.
_BLIND = {
    *("participant", "anonymous", "anon", "teilnehmer", "teilnehmerin", "teilnehmer in"),
    *("participante", "partecipante", "deelnemer", "uczestnik", "student"),
}


def labels(names: Iterable[str], handed: Mapping[str, Handed] | None = None) -> dict[str, Label]:
    """Read the names of all entries of one folder.

    Parameters
    ----------
    names : iterable of str
        Names of files and folders.
    handed : mapping, optional
        What :func:`read_metadata` found beside them.

    Returns
    -------
    dict
        A label for each name that a platform made.
    """
    names = list(names)
    found: dict[str, Label] = {}
    for read in (*(parse(names) for parse in _PARSERS), _gradescope(names, handed or {})):
        for name, label in read.items():
            if name not in found or label.front < found[name].front:
                found[name] = label
    return found


def _each(parse: Callable[[str], Label | None]) -> Callable[[list[str]], dict[str, Label]]:
    """Make a parser of many names from one of a single name."""
    return lambda names: {name: label for name in names if (label := parse(name))}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


_MOODLE = ("_assignsubmission_", "_assignfeedback_")


def _moodle(name: str) -> Label | None:
    """Parse ``Ada Lovelace_12345_assignsubmission_file_topic.ipynb``, or a folder ``…_file_``.

    Files of feedback have ``assignfeedback`` there.
    """
    mark = next((mark for mark in _MOODLE if mark in name), "")
    front, _, back = name.partition(mark or "\n")
    who, _, number = front.rpartition("_")
    if not mark or not who.strip() or not _is_number(number):
        return None
    kind, _, rest = back.partition("_")
    blind = _is_blind(who)
    text = "text" if kind.startswith("onlinetext") else ""
    return Label("Moodle", who, number, rest, blind=blind, note=text, front=len(front))


def _is_blind(who: str) -> bool:
    return " ".join(re.findall(r"[^\W\d_]+", who.casefold())) in _BLIND


# --- Blackboard ----------------------------------------------------------------------------------

_ATTEMPT = re.compile(r"_attempt_(\d{4}(?:-\d\d){5})(?=[_.]|$)")


def _blackboard(names: list[str]) -> dict[str, Label]:
    """Parse ``Assignment 1_username_attempt_2024-03-01-10-15-00_topic.ipynb``."""
    matches = {name: match for name in names if (match := _ATTEMPT.search(name))}
    users = _users({match.string[: match.start()] for match in matches.values()})
    found = {}
    for name, match in matches.items():
        try:
            when = datetime.strptime(match[1], "%Y-%m-%d-%H-%M-%S").isoformat()
        except ValueError:
            continue
        rest = name[match.end() :].lstrip("_")
        label = Label("Blackboard", users[name[: match.start()]], time=when, front=match.end())
        receipt = name[match.end() :].casefold() == ".txt"
        found[name] = replace(label, note="receipt") if receipt else replace(label, rest=rest)
    return found


def _users(fronts: set[str]) -> dict[str, str]:
    """Remove the assignment, which is the same for all, from the front of the user names."""
    split = {front: front.split("_") for front in fronts}
    if len({tuple(tokens[:-1]) for tokens in split.values()}) <= 1:
        return {front: tokens[-1] for front, tokens in split.items()}
    shared = shared_front([*split.values()])
    users = {front: tokens[shared:] for front, tokens in split.items()}
    if all(len(tokens) > 1 and is_assignment(tokens[0]) for tokens in users.values()):
        users = {front: tokens[1:] for front, tokens in users.items()}  # of several assignments
    return {front: "_".join(tokens) for front, tokens in users.items()}


# --- Brightspace, nbgrader -----------------------------------------------------------------------

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAY = re.compile(
    r"(?:(?P<m1>[a-z]{3,9})\.? (?P<d1>\d{1,2})|(?P<d2>\d{1,2}) (?P<m2>[a-z]{3,9})\.?),? "
    r"(?P<year>\d{4}),? (?P<hour>\d{1,2})[:.]?(?P<minute>\d\d) ?(?P<half>[ap]\.?m\.?)?",
    re.I,
)


def read_day(text: str) -> str | None:
    """Read a time such as ``Mar 1, 2024 1015 AM`` or ``1 March 2024, 10:15 AM``."""
    match = _DAY.fullmatch(text.strip())
    name = (match["m1"] or match["m2"])[:3].casefold() if match else ""
    if match is None or name not in _MONTHS:
        return None
    month = _MONTHS.index(name) + 1
    hour = int(match["hour"])
    if match["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if match["half"][0] in "pP" else 0)
    day = int(match["d1"] or match["d2"])
    try:
        return datetime(int(match["year"]), month, day, hour, int(match["minute"])).isoformat()
    except ValueError:
        return None


def _brightspace(names: list[str]) -> dict[str, Label]:
    """Keep of two numbers the one of the person: the first that no two names have in common."""
    found = _each(_brightspace_one)(names)
    if found and "index.html" in names:  # a table of contents that the platform wrote
        return {**_brightspace([*found]), "index.html": Label("Brightspace", "", note="receipt")}
    numbers = [label.number.split("-") for label in found.values()]
    whose = {label.who for label in found.values()}
    for place in (0, 1):
        people: dict[str, set[str]] = defaultdict(set)
        for label in found.values():
            people[label.number.split("-")[place]].add(label.who)
        same = len(people) == 1 and len({tuple(pair) for pair in numbers}) > 1
        if not (same and len(whose) == 1) and all(len(who) == 1 for who in people.values()):
            return {
                name: replace(label, number=label.number.split("-")[place])
                for name, label in found.items()
            }
    return found


def _brightspace_one(name: str) -> Label | None:
    """Parse ``123-456 - Ada Lovelace - Mar 1, 2024 1015 AM - topic.ipynb``, or a folder."""
    number, *parts = name.split(" - ")
    first, _, second = number.partition("-")
    if not (_is_number(first) and _is_number(second)) or len(parts) < 2:
        return None
    place = next((k for k in range(1, len(parts)) if read_day(parts[k])), 1)
    who = " - ".join(parts[:place])
    front = len(" - ".join([number, *parts[: place + 1]]))
    rest = " - ".join(parts[place + 1 :])
    when = read_day(parts[place])
    return Label("Brightspace", who, number, rest, time=when, steady=True, front=front)


def _nbgrader(name: str) -> Label | None:
    """Parse ``ada+assignment+2024-03-01 10:15:00 UTC+random``, a folder of the exchange."""
    parts = name.split("+")
    when = read_time("+".join(parts[2:])) or read_time("+".join(parts[2:-1]))
    if when is None or not parts[0]:
        return None
    return Label("nbgrader", parts[0], time=when, front=len(name))


_SAKAI = re.compile(r"(?P<who>[^()]{1,100}, [^()]{1,100})\((?P<user>[^()\s]{2,60})\)")


def _sakai(name: str) -> Label | None:
    """Parse ``Lovelace, Ada(ada1)``, a folder of Sakai."""
    match = _SAKAI.fullmatch(name)
    if match is None or (_is_number(match["user"]) and len(match["user"]) < 4):
        return None
    return Label("Sakai", match["who"], match["user"], steady=True, front=len(name))


# --- Canvas --------------------------------------------------------------------------------------


def _canvas(names: list[str]) -> dict[str, Label]:
    """Parse ``lovelaceada_LATE_1234_5678_topic.ipynb``: numbers of the person and of the file.

    Other names look similar, such as ``week_1_2_ada.ipynb``. In names of Canvas each person has one
    number, and each file a unique one; otherwise they are not of Canvas.
    """
    found: dict[str, Label] = {}
    files: Counter[str] = Counter()
    people: dict[str, set[str]] = defaultdict(set)
    for name in names:
        if read := _canvas_one(name):
            label, file = read
            found[name] = label
            files[file] += bool(file)
            people[label.number].add(label.who)
    late = {name: label for name, label in found.items() if label.late}
    if any(count > 1 for count in files.values()) or any(
        len(who) > 1 for number, who in people.items() if number
    ):
        return late
    several = late or len({label.who for label in found.values()}) > 1
    return {name: label for name, label in found.items() if several or len(label.number) > 1}


def _canvas_one(name: str) -> tuple[Label, str] | None:
    tokens = name.split("_")
    blind = tokens[0].casefold() in ("anon", "anonymous") and len(tokens) > 3
    if blind and tokens[1].isalnum() and not _is_number(tokens[1]):
        return _canvas_numbers(["_".join(tokens[:2]), *tokens[2:]], needed=1)
    return _canvas_numbers(tokens, needed=2)


def _canvas_numbers(tokens: list[str], needed: int) -> tuple[Label, str] | None:
    for place in range(1, len(tokens) - 1):
        late = tokens[place] == "LATE"
        numbers = tokens[place + late : place + late + 2]
        after = tokens[place + late + 2 :]
        who = "_".join(tokens[:place])
        if not who or not numbers or not _is_number(numbers[0]):
            continue
        if after and _is_number(numbers[-1]):
            person, file = numbers
        elif needed == 1 and len(numbers) > 1:
            person, file, after = "", numbers[0], tokens[place + late + 1 :]
        elif numbers[-1] in ("text.html", "link.html") and not after:
            person, file = numbers[0], ""
        else:
            continue
        rest = "_".join(after)
        front = len("_".join(tokens)) - len(rest)
        label = Label("Canvas", who, person, rest, late, steady=True, front=front)
        return replace(label, blind=_is_blind(who), note="" if after else "text"), file
    return None


# --- Gradescope ----------------------------------------------------------------------------------


def _gradescope(names: list[str], handed: Mapping[str, Handed]) -> dict[str, Label]:
    """Parse ``submission_12345``, and add the names in the metadata beside it."""
    found = {}
    for name in names:
        start, _, number = name.partition("_")
        if start != "submission" or not _is_number(number):
            continue
        label = Label("Gradescope", name, front=len(name))
        if known := handed.get(name):
            label = replace(
                label,
                who=" & ".join(who for who, _ in known.people),
                number=", ".join(number for _, number in known.people),
                time=known.time,
                steady=True,
            )
        found[name] = label
    return found


#: The parsers of all platforms whose names say everything; of two labels for a name the one with
#: the shorter front counts.
_PARSERS = (
    *(_each(_moodle), _each(_nbgrader), _each(_sakai)),
    *(_brightspace, _blackboard, _canvas),
)


def read_metadata(text: str) -> dict[str, Handed]:
    """Return the students and times in Gradescope's ``submission_metadata.yml``.

    Four keys are read of this fixed form of YAML; entries without a name are left out. A student
    may have written the file, and a general parser of YAML is slow or fails on deep nesting.
    """
    found: dict[str, tuple[list[dict[str, str]], dict[str, str]]] = {}
    people: list[dict[str, str]] = []
    facts: dict[str, str] = {}
    among_people = False
    for line in text.splitlines():
        bare = line.strip()
        indent = len(line) - len(line.lstrip(" "))
        begins = bare.startswith("- ")
        key, _, value = bare.removeprefix("- ").strip().lstrip(":").partition(":")
        if indent == 0 and not begins:
            people, facts, among_people = [], {}, False
            if key.startswith("submission_"):
                found[key] = (people, facts)
        elif indent <= 2 and not begins:
            among_people = key == "submitters"
            facts[key] = value.strip()
        elif among_people:
            if begins:
                people.append({})
            if people:
                people[-1][key.strip()] = _scalar(value.strip())
    return {
        name: Handed(
            tuple(
                (person["name"], person.get("email") or person.get("sid", "")) for person in several
            ),
            read_time(facts.get("created_at", "")),
        )
        for name, (several, facts) in found.items()
        if several and all(person.get("name") for person in several)
    }


def _scalar(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(re.sub(r"\\x([0-9A-Fa-f]{2})", r"\\u00\1", text)))
        except ValueError:
            return text[1:-1]
    return "" if text in ("null", "~") else text


_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T](\d\d):?(\d\d)(?::?(\d\d)(?:[.,]\d{1,9})?)?"
    r" ?(Z|UTC|GMT|[+-]\d\d:?\d\d)?"
)


def read_time(text: str) -> str | None:
    """Read a time such as ``2024-03-01 10:15`` or ``2024-03-01T10:15:00+01:00`` as local time."""
    match = _ISO.fullmatch(text.strip().strip("'\""))
    if match is None:
        return None
    day, hour, minute, second, zone = match.groups()
    if zone in ("Z", "UTC", "GMT"):
        zone = "+00:00"
    try:
        when = datetime.fromisoformat(f"{day}T{hour}:{minute}:{second or '00'}{zone or ''}")
        if when.tzinfo is not None:
            when = when.astimezone().replace(tzinfo=None)
    except (ValueError, OverflowError, OSError):
        return None
    return when.isoformat()
