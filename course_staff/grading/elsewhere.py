"""Ask questions again after a whole notebook has run: answers elsewhere, shadowed builtins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from course_staff.grading import notebook
from course_staff.grading.results import QuestionResult, Status
from course_staff.grading.sandbox import Worker
from course_utils.checks import Question


class SecondLook:
    """The questions that are asked again after all cells of a notebook have run, each once.

    Parameters
    ----------
    plan : Plan
        The notebook.

    Attributes
    ----------
    asked : set of str
        The questions that were asked again.
    flags : list of str
        A sentence for each result that comes from another place, and for each answer that would
        be right if a variable did not have the name of a builtin.
    missing : list of str or None
        The names of the set-up that are not there at the end; None where nobody has looked.
    """

    def __init__(self, plan: notebook.Plan) -> None:
        self._plan = plan
        self.asked: set[str] = set()
        self._unshadowed: set[str] = set()
        self.flags: list[str] = []
        self.missing: list[str] | None = None

    def is_wanted(self, question: Question, known: QuestionResult) -> bool:
        """Return whether a part was not attempted, but may be answered elsewhere."""
        statuses = {known.status, *(part.status for part in known.parts)}
        return (
            question.id not in self.asked
            and Status.NOT_ATTEMPTED in statuses
            and bool(self._plan.own_code(without=question.id))
        )

    def forget(self, question: str) -> None:
        """Forget that a question was asked again; it is now asked in another process."""
        self.asked.discard(question)
        self._unshadowed.discard(question)

    def at(
        self,
        worker: Worker,
        ask: Callable[[Question], QuestionResult],
        questions: Iterable[Question],
        found: dict[str, QuestionResult],
        ended: Iterable[int] = (),
    ) -> None:
        """Ask again, and put better results in the place of what was found.

        Parameters
        ----------
        worker : Worker
            The process in which all cells have run.
        ask : callable
            Asks a question there.
        questions : iterable of Question
            Those that may be asked in this process.
        found : dict
            The results by the id of the question; they are replaced.
        ended : iterable of int
            The places of cells that are not run again.
        """
        questions = [question for question in questions if question.id in found]
        for question in questions:
            if self.is_wanted(question, found[question.id]):
                self.asked.add(question.id)
                found[question.id] = self._ask_elsewhere(
                    question, found[question.id], worker, ask, set(ended)
                )
        shadows = self._plan.shadows()
        for question in questions if shadows else []:
            names = self._in_the_way(question, found[question.id], shadows)
            if names and question.id not in self._unshadowed:
                self._unshadowed.add(question.id)
                self._ask_unshadowed(question, found[question.id], worker, ask, names)

    def _ask_elsewhere(
        self,
        question: Question,
        before: QuestionResult,
        worker: Worker,
        ask: Callable[[Question], QuestionResult],
        ended: set[int],
    ) -> QuestionResult:
        """Ask a question after all cells have run, and once more with its definitions run again.

        The definitions may stand above an answer cell that nobody filled in: running this cell has
        replaced them by functions that raise NotImplementedError.
        """
        found = ask(question)
        places = self._plan.defining(question.needs, without=question.id)
        answer = self._plan.answered.get(question.id)
        is_stub = answer is not None and self._plan.defines(answer, question.needs)
        if found.points <= before.points and places and is_stub:
            for index in places:
                if index not in ended:
                    worker.run(self._plan.cells[index].source)
            found = ask(question)
        attempted = before.status == Status.NOT_ATTEMPTED != found.status
        if not (found.points > before.points or (attempted and places)):
            return before
        where = ", ".join(str(index + 1) for index in places[:20])
        where = f" (cell {where})" if places else ""
        self.flags.append(
            f"{question.id} is not answered at its place; its names are defined elsewhere in the "
            f"notebook{where}, and that was graded."
        )
        return found

    def _in_the_way(
        self, question: Question, known: QuestionResult, shadows: Mapping[str, int]
    ) -> dict[str, int]:
        """Return the variables with names of builtins that the code of a question uses, by cell."""
        bad = (Status.INCORRECT, Status.ERROR, Status.PARTLY, Status.NOT_ATTEMPTED)
        if known.points >= known.maximum or known.status not in bad:
            return {}
        plan = self._plan
        code = "\n".join(
            plan.cells[index].source[:20_000]
            for index in sorted(plan.own)
            if question.id in (plan.cells[index].question, plan.sections[index])
        )[:200_000]
        used = set(re.findall(r"\w+", code))
        return {name: index for name, index in shadows.items() if name in used}

    def _ask_unshadowed(
        self,
        question: Question,
        known: QuestionResult,
        worker: Worker,
        ask: Callable[[Question], QuestionResult],
        names: Mapping[str, int],
    ) -> None:
        for name in names:
            worker.run(f"del {name}")
        answer = self._plan.answered.get(question.id)
        if known.status == Status.ERROR and answer is not None:
            worker.run(self._plan.cells[answer].source)
        found = ask(question)
        if found.points <= known.points:
            return
        where = ", ".join(f"{name} (cell {index + 1})" for name, index in names.items())
        self.flags.append(
            f"{question.id} got {known.points:g} of {known.maximum:g} points because the notebook "
            f"gives another value to what Python calls {where}; without that it gets "
            f"{found.points:g}. A person should decide."
        )

    # --- the set-up --------------------------------------------------------------------------

    def stopped(self, errors: Mapping[int, Exception]) -> list[int]:
        """Return the places of the set-up's cells that stopped, out of all cells that did."""
        return [index for index in self._plan.setup if index in errors]

    def note_missing(
        self, stopped: Iterable[int], exercise: str, is_there: Callable[[str], bool]
    ) -> None:
        """Record which names of the set-up are not defined at the end.

        Parameters
        ----------
        stopped : iterable of int
            The places of the cells that stopped.
        exercise : str
            The name of the exercise, for the set-up as it was handed out.
        is_there : callable
            Says of a name whether it is defined.
        """
        given = [
            name
            for index in stopped
            for name in notebook.given_names(self._plan.cells[index], exercise)
        ]
        self.missing = [name for name in dict.fromkeys(given) if not is_there(name)]

    def about(self, errors: Mapping[int, Exception]) -> list[str]:
        """Return the sentences on the set-up, missing names, and questions asked again."""
        stopped = self.stopped(errors)
        flags = []
        if stopped:
            first, *others = stopped
            why = as_sentence(errors[first])
            flags.append(f"Cell {first + 1}, on which later cells depend, stopped: {why}")
            if others:
                numbers = ", ".join(str(index + 1) for index in others[:20])
                flags.append(f"Further cells that the exercise gives stopped: {numbers}.")
            if self.missing:
                names = ", ".join(self.missing[:20])
                flags.append(f"These names are missing therefore: {names}.")
        return flags + self.flags


def as_sentence(error: Exception) -> str:
    """Return the text of an error, with a full stop."""
    text = str(error)
    return text if text.endswith((".", "?", "!", "…")) else f"{text}."
