"""The verbs of the command ``course`` for instructors and authors.

:mod:`course_utils.cli` imports this module where course_staff is there, which adds the verbs to its
command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from course_utils.cli import CellBars, Names, app, console, plain
from course_utils.exceptions import CourseError, InvalidInput

if TYPE_CHECKING:
    from course_staff.grading.engine import Report
    from course_staff.grading.intake import Refused
    from course_staff.grading.listing import Listing
    from course_staff.grading.results import Graded


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
    from course_staff.authoring import build as building
    from course_staff.authoring import derived as deriving
    from course_utils.workspace import lessons as running

    failed = False
    if not derived:
        chosen = running.find(names or [])
        with CellBars(len(chosen)) as bars:
            for path in chosen:
                bars.start(path.stem)
                try:
                    changed = building.build_lesson(path, keep_cache=keep_cache, on_cell=bars.cell)
                    bars.end(True, "stored" if changed else "unchanged")
                except CourseError as error:
                    failed = True
                    bars.end(False)
                    console.print(plain(str(error)), style="red")
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
    from course_staff import benchmarks as benching

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
    """For instructors: write the zip that students get, without solutions, outputs and grader."""
    from course_staff.authoring import release as releasing
    from course_utils.workspace import lessons as running

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
    from course_staff.authoring import pretrain as pretraining

    path = pretraining.pretrain(out, epochs or pretraining.EPOCHS, seed)
    console.print(f"{path} is written, and beside it its card, README.md.")


@app.command()
def links(
    offline: Annotated[
        bool, typer.Option("--offline", help="Only links inside the repository.")
    ] = False,
) -> None:
    """For authors: check the links of the documents, the lessons and the solutions."""
    from course_staff.authoring import links as linking

    found = linking.find_links()
    answers = linking.check_inside(found)
    if not offline:
        with console.status("Requesting the addresses on the web ..."):
            answers += linking.check_web(found)
    words = {"broken": "[red]broken[/]", "unknown": "[yellow]unknown[/]"}
    for answer in answers:
        if answer.verdict != "ok":
            link = f"{answer.link.file}: {answer.link.target}: {answer.reason}"
            console.print(f"{words[answer.verdict]} {plain(link)}", soft_wrap=True)
    broken = sum(answer.verdict == "broken" for answer in answers)
    console.print(f"{len(answers)} links checked, {broken} broken.")
    if broken:
        raise typer.Exit(1)


@app.command()
def grade(
    submissions: Annotated[
        list[Path], typer.Argument(metavar="SUBMISSION...", help="Notebooks, folders, zips.")
    ],
    out: Annotated[Path | None, typer.Option(help="The folder for the reports.")] = None,
    only_list: Annotated[
        bool, typer.Option("--list", help="Show who was found with which file; grade nothing.")
    ] = False,
    exercise: Annotated[
        str | None, typer.Option(help="Take all notebooks to be of this one, such as 01.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Decides the inputs; drawn anew by default.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Notebooks at once; by processors and memory where not given."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Let this Dask scheduler do the work.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="At most so many epochs per training.")
    ] = None,
    marks: Annotated[
        Path | None,
        typer.Option(help="A further table of marks; OUT/to_mark.csv is used in any case."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="STUDENT", help="Grade this student again, and nobody else."),
    ] = None,
    attempts: Annotated[
        str, typer.Option(help="Which attempt counts: last, best, first.")
    ] = "last",
    due: Annotated[
        datetime | None, typer.Option(help="Until when it was to be handed in, local time.")
    ] = None,
    times: Annotated[
        Path | None, typer.Option(help="A CSV with student and time, and exercise where needed.")
    ] = None,
    late: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the points that each late day costs.")
    ] = 0.0,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Ids in place of names.")] = False,
    form: Annotated[
        list[str] | None, typer.Option("--format", help="Also nbgrader or gradescope.")
    ] = None,
    isolation: Annotated[
        str | None,
        typer.Option(help="bubblewrap, or with less protection limits (see INSTRUCTORS.md)."),
    ] = None,
) -> None:
    """For instructors: grade exercises, each student's code in a sandbox.

    A second run into the same folder runs only the notebooks that changed.
    """
    from course_staff.grading import command, engine, listing, policies

    options = engine.Options(
        seed=seed,
        level=isolation,
        epochs=epochs,
        workers=workers,
        scheduler=scheduler,
        exercise=exercise,
        only=tuple(only or ()),
    )
    chosen = command.Policies(
        attempts=attempts,
        lateness=policies.Lateness(due, late),
        times=times,
        marks=marks,
        anonymous=anonymous,
        formats=tuple(form or ()),
    )
    if only_list:
        _print_listing(listing.listing(submissions, exercise, chosen.lateness, times))
        return
    if out is None:
        raise InvalidInput("Name a folder for the reports with --out, or look first with --list.")
    with _bar("notebooks") as (start, advance):
        report = command.grade(submissions, out, options, chosen, start, advance)
    _print_grades(report, out)


def _print_listing(listed: Listing) -> None:
    table = Table(box=None, pad_edge=False)
    for heading in ("student", "exercise", "file", "attempt", "handed in", "look at"):
        table.add_column(heading)
    for one in listed.found:
        when = " ".join(filter(None, [(one.time or "").replace("T", " "), _bracket(one)]))
        table.add_row(
            plain(one.student),
            plain(one.exercise or "?"),
            plain(one.name),
            str(one.attempt or ""),
            plain(when or "not known"),
            plain(" ".join(one.flags)),
        )
    console.print(table)
    for refused in listed.refused:
        _print_refused(refused)
    people = {one.student for one in listed.found}
    people |= {one.student for one in listed.refused} - {""}
    console.print(f"Notebooks: {len(listed.found)}; students: {len(people)}. Nothing was graded.")


def _bracket(one: Graded) -> str:
    return f"({one.time_source})" if one.time_source else ""


def _print_refused(refused: Refused) -> None:
    whose = f"{plain(refused.student)}: " if refused.student else ""
    console.print(f"[red]not graded:[/] {whose}{plain(refused.name)}: {plain(refused.sentence)}")


def _print_grades(report: Report, out: Path) -> None:
    from course_staff.grading.command import SLOTS
    from course_utils.checks.wording import points

    table = Table(box=None, pad_edge=False)
    for heading in ("student", "exercise", "points", "look at"):
        table.add_column(heading)
    for one in report.graded:
        result = f"{points(one.points)} of {points(one.maximum)}"
        table.add_row(plain(one.student), one.exercise, result, plain(" ".join(one.flags)))
    console.print(table)
    for refused in report.refused:
        _print_refused(refused)
    if report.damaged:
        console.print(
            f"Of the results of earlier runs {report.damaged} were damaged or written only in "
            f"part; their notebooks were graded again."
        )
    unchanged = f", {report.reused} of them unchanged" if report.reused else ""
    console.print(
        f"{len(report.graded)} notebooks graded{unchanged}; isolation: {report.level}; "
        f"reports: {plain(str(out))}"
    )
    for note in report.notes:
        console.print(f"[yellow]note:[/] {plain(note)}")
    waiting = sum(bool(one.waits) for one in report.graded)
    if waiting:
        console.print(
            f"Written answers of {waiting} notebooks wait for you in {plain(str(out / SLOTS))}; "
            f"fill in the points, and run this again."
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
            lambda name: progress.update(task, advance=1, description=plain(name)),
        )
