"""The command ``course``: one thin function per verb.

``course --help`` lists the verbs; ``python -m course_utils.cli`` is the same command. What a verb
does lives in :mod:`course_utils.project` and :mod:`course_utils.datasets`, which are imported when
they are needed, so that the help appears at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from course_utils.exceptions import CourseError, MissingData

if TYPE_CHECKING:
    from course_utils.grading.engine import Report
    from course_utils.project.lessons import Outcome

app = typer.Typer(
    name="course",
    help="Classifying images with convolutional networks: the command of the course.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(
    help="See, fetch and choose the pictures that the lessons work on.", no_args_is_help=True
)
app.add_typer(data_app, name="data")

console = Console(highlight=False)

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="[LESSON]...", help="03, or 03_building_a_cnn; all where none is named"),
]


@app.command()
def check() -> None:
    """Check whether this machine is ready for the lessons; say what to do where it is not."""
    from course_utils.project import check as checking

    with console.status("Looking at this machine ..."):
        findings = checking.judge(checking.gather())
    table = Table(box=None, show_header=False, pad_edge=False)
    words = {"ok": "[green]OK[/]", "note": "[yellow]note[/]", "stop": "[red]stop[/]"}
    for finding in findings:
        table.add_row(words[finding.verdict], finding.what, _plain(finding.text))
    console.print(table)
    if not checking.ready(findings):
        console.print("A lesson could not run here: put right what is marked with stop.")
        raise typer.Exit(1)
    console.print("The lessons can run here.")


@app.command()
def lab(
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
) -> None:
    """Copy lessons and exercises to work/ (never over your changes); open them in JupyterLab."""
    from course_utils.project import student

    for copy in student.update():
        if copy.state == "backed up":
            console.print(
                f"{copy.path.name} was updated; the one you had run is kept as {copy.extra}."
            )
        elif copy.state == "beside":
            console.print(
                f"{copy.path.name} stays as you changed it; there is a newer lesson, which is "
                f"beside it as {copy.extra.name if copy.extra else ''}."
            )
    raise typer.Exit(student.open_lab(browser=browser))


@app.command()
def reset(
    lesson: Annotated[str, typer.Argument(help="03, or 03_building_a_cnn")],
    exercise: Annotated[
        bool, typer.Option("--exercise", help="The lesson's exercise, not the lesson.")
    ] = False,
) -> None:
    """Put your copy of a lesson back to the original; what you had is kept as a dated backup."""
    from course_utils.project import student

    copy, backup = student.reset(lesson, exercise=exercise)
    console.print(f"{copy} is the original again.")
    if backup is not None:
        console.print(f"What you had is kept as {backup}.")


@app.command()
def lessons(
    names: Names = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most so many epochs per training.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="The dataset to take, as listed by 'course data list'.")
    ] = None,
    keep_cache: Annotated[
        bool, typer.Option("--keep-cache", help="Use the models that are in work/ already.")
    ] = False,
) -> None:
    """Run lessons from top to bottom without a browser, and list what they reached.

    The executed lessons are written to build/lessons/ as HTML. A lesson that fails does not keep
    the others from running.
    """
    from course_utils import settings
    from course_utils.project import lessons as running

    chosen = running.find(names or [])
    if dataset is not None:
        _known_dataset(dataset)
    if epochs is None and settings.reduced():
        console.print(f"COURSE_EPOCHS shortens each training to {settings.epochs(10**6)} epochs.")
    outcomes: list[Outcome] = []
    stopped = False
    with _CellBars(len(chosen)) as bars:

        def end(outcome: Outcome) -> None:
            outcomes.append(outcome)
            bars.end(outcome.ok)

        try:
            running.run_lessons(
                chosen,
                epochs=epochs,
                dataset=dataset,
                keep_cache=keep_cache,
                on_start=bars.start,
                on_cell=bars.cell,
                on_end=end,
            )
        except KeyboardInterrupt:
            stopped = True
    if stopped:
        if outcomes:
            _print_outcomes(outcomes)
        console.print(
            f"Stopped: {len(chosen) - len(outcomes)} of {len(chosen)} lessons did not run."
        )
        raise typer.Exit(130)
    _print_outcomes(outcomes)
    if not all(outcome.ok for outcome in outcomes):
        raise typer.Exit(1)


def _print_outcomes(outcomes: list[Outcome]) -> None:
    table = Table(title="Lessons", title_justify="left")
    table.add_column("lesson")
    table.add_column("seconds", justify="right")
    table.add_column("peak memory", justify="right")
    table.add_column("reached")
    for outcome in outcomes:
        run = outcome.run
        reached = [_plain(f"{result['name']}: {result['text']}") for result in run.results]
        table.add_row(
            outcome.lesson,
            f"{run.seconds:.0f}",
            f"{run.peak_bytes / 1e9:.2f} GB",
            "\n".join([*reached, *([] if outcome.ok else ["[red]failed[/]"])]) or "-",
        )
    console.print(table)
    seconds = sum(outcome.run.seconds for outcome in outcomes)
    where = outcomes[0].html.parent if outcomes else "build/lessons"
    failed = [outcome for outcome in outcomes if not outcome.ok]
    for outcome in failed:
        console.print(f"[red]{outcome.lesson}[/] failed in {_plain(str(outcome.run.error))}")
    console.print(
        f"{len(outcomes) - len(failed)} of {len(outcomes)} lessons ran, in {seconds:.0f} s; "
        f"they are in {where} as HTML."
    )


@app.command()
def build(
    names: Names = None,
    derived: Annotated[
        bool, typer.Option("--derived", help="Only the derived files; run no lesson.")
    ] = False,
    keep_cache: Annotated[
        bool, typer.Option("--keep-cache", help="Use the models that are in work/ already.")
    ] = False,
) -> None:
    """For authors: run lessons, store their outputs, and rebuild every derived file.

    The lessons run on paper_flowers, with no other data and no graphics card, so that they store
    the same everywhere. Outputs that did not change stay byte for byte.
    """
    from course_utils.project import build as building
    from course_utils.project import derived as deriving
    from course_utils.project import lessons as running

    failed = False
    if not derived:
        chosen = running.find(names or [])
        with _CellBars(len(chosen)) as bars:
            for path in chosen:
                bars.start(path.stem)
                try:
                    changed = building.build_lesson(path, keep_cache=keep_cache, on_cell=bars.cell)
                    bars.end(True, "stored" if changed else "unchanged")
                except CourseError as error:
                    failed = True
                    bars.end(False)
                    console.print(_plain(str(error)), style="red")
    for name in deriving.rebuild():
        console.print(f"{name}: made anew")
    if failed:
        raise typer.Exit(1)


@app.command()
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ROW]...", help="a row, or a part of its name; all where none"),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="In at most 5 minutes.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Only list the rows.")] = False,
) -> None:
    """Measure the course against other ways of doing the same; write build/bench.json."""
    from course_utils.project import bench as benching

    rows = benching.find(names or [])
    if listed:
        for row in rows:
            console.print(f"{row.name}: {row.about}")
        return
    minutes = None if names else (5 if quick else 25)
    results = benching.run_rows(rows, quick=quick, say=console.print, minutes=minutes)
    console.print(benching.table_of(results))
    if len(results) < len(rows):  # stopped
        raise typer.Exit(130)


@app.command()
def release(
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    names: Names = None,
    solutions: Annotated[
        bool, typer.Option("--with-solutions", help="Let the solutions go along.")
    ] = False,
) -> None:
    """For instructors: write the zip that students get, without solutions, tests and grader."""
    from course_utils.project import lessons as running
    from course_utils.project import release as releasing

    count = releasing.release(running.find(names or []), out, solutions)
    console.print(f"{out} is written: {count} files, {out.stat().st_size / 1e6:.1f} MB.")


@app.command()
def pretrain(
    out: Annotated[
        Path | None, typer.Option(help="Where to; the course's own data/backbones by default.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="The full recipe where none is given.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides weights, order and shifts.")] = 42,
) -> None:
    """For authors: train the small backbone of lesson 08 on CIFAR-10 (half an hour on 2 cores).

    An interrupted training goes on where it stopped.
    """
    from course_utils.project import pretrain as pretraining

    path = pretraining.pretrain(out, epochs or pretraining.EPOCHS, seed)
    console.print(f"{path} is written, and beside it its card, README.md.")


@app.command()
def grade(
    submissions: Annotated[
        list[Path], typer.Argument(metavar="SUBMISSION...", help="Notebooks, folders, zips.")
    ],
    out: Annotated[Path, typer.Option(help="The folder for the reports.")],
    exercise: Annotated[
        str | None, typer.Option(help="Take all notebooks to be of this one, such as 01.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Decides the inputs tried.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes on this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Let this Dask scheduler do the work.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most so many epochs per training.")
    ] = None,
    marks: Annotated[
        Path | None, typer.Option(help="Merge marks that a person wrote into to_mark.csv.")
    ] = None,
    attempts: Annotated[
        str, typer.Option(help="Which attempt counts: last, best, first.")
    ] = "last",
    due: Annotated[
        datetime | None, typer.Option(help="Until when it was to be handed in, local time.")
    ] = None,
    late: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the points that each late day costs.")
    ] = 0.0,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Ids in place of names.")] = False,
    form: Annotated[
        list[str] | None, typer.Option("--format", help="Also nbgrader or gradescope.")
    ] = None,
    require_sandbox: Annotated[
        bool, typer.Option("--require-sandbox", help="Refuse to run code outside bubblewrap.")
    ] = False,
    isolation: Annotated[
        str | None, typer.Option(help="bubblewrap, namespaces or limits; the best by default.")
    ] = None,
) -> None:
    """For instructors: grade exercises, each student's code in a sandbox.

    A second run into the same folder runs only the notebooks that changed.
    """
    try:
        from course_utils.grading import command, engine, policies
    except ModuleNotFoundError as error:
        if error.name != "course_utils.grading":
            raise
        raise MissingData("The grader is not part of a copy for students.") from error

    options = engine.Options(
        seed=engine.SEED if seed is None else seed,
        level=isolation,
        require_sandbox=require_sandbox,
        epochs=epochs,
        workers=workers,
        scheduler=scheduler,
        exercise=exercise,
    )
    chosen = command.Policies(
        attempts=attempts,
        lateness=policies.Lateness(due, late),
        marks=marks,
        anonymous=anonymous,
        formats=tuple(form or ()),
    )
    with _bar("notebooks") as (start, advance):
        report = command.grade(submissions, out, options, chosen, start, advance)
    _print_grades(report, out)


def _print_grades(report: Report, out: Path) -> None:
    from course_utils.checks.wording import points
    from course_utils.grading.command import SLOTS

    table = Table(box=None, pad_edge=False)
    for heading in ("student", "exercise", "points", "look at"):
        table.add_column(heading)
    for one in report.graded:
        result = f"{points(one.points)} of {points(one.maximum)}"
        table.add_row(_plain(one.student), one.exercise, result, _plain(" ".join(one.flags)))
    console.print(table)
    for refused in report.refused:
        console.print(f"[red]not graded:[/] {_plain(refused.name)}: {_plain(refused.sentence)}")
    unchanged = f", {report.reused} of them unchanged" if report.reused else ""
    console.print(
        f"{len(report.graded)} notebooks graded{unchanged}; isolation: {report.level}; seed: "
        f"{report.seed}; reports: {_plain(str(out))}"
    )
    waiting = sum(bool(one.waits) for one in report.graded)
    if waiting:
        console.print(
            f"Written answers of {waiting} notebooks wait for you in {_plain(str(out / SLOTS))}; "
            f"fill in the points, and run this again with --marks."
        )


@contextmanager
def _bar(unit: str) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """A progress bar: a function that is told the total, and one that is told what is done."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield (
            lambda total: progress.update(task, total=total),
            lambda name: progress.update(task, advance=1, description=_plain(name)),
        )


@data_app.command("list")
def data_list() -> None:
    """List the datasets: which are here, and how to get the others."""
    from course_utils import datasets, settings

    frame = datasets.available()
    chosen = settings.dataset_name()
    table = Table(box=None, pad_edge=False)
    for heading in ("", "name", "images", "classes", "licence", "where, or how to get it"):
        table.add_column(heading)
    for row in frame.to_dict("records"):
        mark = "[green]here[/]" if row["here"] else ""
        if row["name"] == chosen:
            mark += " [bold]in use[/]"
        place = row["where"] if row["here"] else row["how to get"]
        fields = (row["name"], row["images"], row["classes"], row["licence"], place)
        table.add_row(mark, *(_plain(str(field)) for field in fields))
    console.print(table)


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="A name from 'course data list'.")],
) -> None:
    """Download a dataset, verify it, and put it where the lessons find it."""
    from course_utils import datasets

    _known_dataset(name)
    place = datasets.download(name)
    console.print(f"{name} is here: {place}")
    console.print(f"'course data use {name}' makes it the dataset of the lessons.")


@data_app.command("use")
def data_use(
    name: Annotated[
        str | None, typer.Argument(help="A name from 'course data list'; none: say which is used.")
    ] = None,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget the choice; the course chooses again.")
    ] = False,
) -> None:
    """Choose the dataset that the lessons take (the variable COURSE_DATASET wins over it)."""
    from course_utils import settings

    if forget:
        settings.choose_dataset(None)
        console.print("The lessons choose again: tf_flowers if it is here, else paper_flowers.")
        return
    if name is None:
        chosen = settings.dataset_name()
        console.print(
            f"The lessons take {chosen}."
            if chosen
            else "Nothing is chosen: the lessons take tf_flowers if it is here, else paper_flowers."
        )
        return
    _known_dataset(name, must_be_here=True)
    settings.choose_dataset(name)
    console.print(f"The lessons take {name} from now on.")
    if settings.dataset_name() != name:
        console.print(f"But COURSE_DATASET is {settings.dataset_name()} and wins; unset it.")


def _known_dataset(name: str, must_be_here: bool = False) -> None:
    """Refuse a name that no dataset has, or the name of one that is not here."""
    import difflib

    from course_utils import datasets
    from course_utils.exceptions import InvalidInput

    here = {row["name"]: row["here"] for row in datasets.available().to_dict("records")}
    if name not in here:
        nearest = difflib.get_close_matches(name, here, 1, cutoff=0)
        raise InvalidInput(
            f"There is no dataset called {name!r}; did you mean {nearest[0]!r}? "
            f"'course data list' lists them all."
        )
    if must_be_here and not here[name]:
        raise MissingData(f"{name} is not on this machine; fetch it with 'course data get {name}'.")


class _CellBars:
    """A progress bar over the cells of each lesson; plain lines where there is no terminal."""

    def __init__(self, count: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
        from rich.progress import TimeElapsedColumn as Elapsed

        self._progress = Progress(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("cells"),
            Elapsed(),
            TextColumn("{task.fields[state]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._count = count
        self._done = 0
        self._name = ""
        self._task: object = None

    def __enter__(self) -> _CellBars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, name: str) -> None:
        self._name = name
        self._done += 1
        self._task = self._progress.add_task(name, total=None, state="")
        if not console.is_terminal:
            console.print(f"[{self._done}/{self._count}] {name} ...".replace("[", r"\["))

    def cell(self, done: int, total: int) -> None:
        self._progress.update(self._task, completed=done, total=total)  # type: ignore[arg-type]

    def end(self, ok: bool, word: str = "ran") -> None:
        task = self._progress.tasks[-1]
        state = f"[green]{word}[/]" if ok else "[red]failed[/]"
        if ok:
            self._progress.update(task.id, completed=task.total)
        self._progress.update(task.id, state=state)
        self._progress.stop_task(task.id)
        if not console.is_terminal:
            console.print(f"      {self._name}: {state}")


def _plain(text: str) -> str:
    """Text in which Rich sees no markup."""
    from rich.markup import escape

    return escape(text)


def main() -> None:
    """Run the command; an error that is written for the reader is shown as its one sentence."""
    try:
        app()
    except CourseError as error:
        Console(stderr=True, highlight=False).print(f"[red]course:[/] {_plain(str(error))}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
