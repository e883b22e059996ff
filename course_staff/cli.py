"""The verbs of the command ``course`` for instructors and authors.

:mod:`course_utils.cli` imports this module if course_staff is installed. A new verb is a function
with ``@app.command()`` here; its name goes to ``STAFF_VERBS`` of :mod:`course_utils.cli` too.
"""

from __future__ import annotations

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


@app.command()
def build(
    names: Names = None,
    derived: Annotated[
        bool, typer.Option("--derived", help="Write the derived files only; run no lesson.")
    ] = False,
    keep_cache: Annotated[
        bool, typer.Option("--keep-cache", help="Use the models that are already in work/.")
    ] = False,
) -> None:
    """For authors: run lessons, store their outputs, and write all derived files.

    The lessons run on paper_flowers and on the CPU, so that every machine stores the same outputs.
    Outputs that did not change keep their bytes.
    """
    from course_staff.authoring import build as building
    from course_staff.authoring import derived as deriving
    from course_staff.authoring import lesson_model
    from course_utils.workspace import lessons as running

    failed = False
    if not derived:
        chosen = running.find(names or [])
        lesson_model.update()
        with CellBars(len(chosen)) as bars:
            for path in chosen:
                try:
                    changed = building.build_lesson(path, keep_cache=keep_cache, on_cell=bars.cell)
                    bars.end(True, "stored" if changed else "unchanged")
                except CourseError as error:
                    failed = True
                    bars.end(False)
                    console.print(plain(str(error)), style="red")
    for name in deriving.rebuild():
        console.print(f"{name}: written")
    if failed:
        raise typer.Exit(1)


@app.command()
def bench(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ROW]...", help="A row, or a part of its name; by default all."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Take at most 5 minutes.")] = False,
    listed: Annotated[bool, typer.Option("--list", help="Only list the rows.")] = False,
) -> None:
    """Compare the course with alternatives in speed and memory; write build/bench.json."""
    from course_staff import benchmarks

    rows = benchmarks.find(names or [])
    if listed:
        for row in rows:
            console.print(f"{row.name}: {row.about}")
        return
    minutes = None if names else (5 if quick else 25)
    results = benchmarks.run_rows(rows, quick=quick, say=console.print, minutes=minutes)
    console.print(benchmarks.table_of(results))
    if len(results) < len(rows):  # stopped
        raise typer.Exit(130)


@app.command()
def release(
    out: Annotated[Path, typer.Option(help="The zip to write.")],
    names: Names = None,
    solutions: Annotated[
        bool, typer.Option("--with-solutions", help="Include the solutions.")
    ] = False,
) -> None:
    """For instructors: write the zip for students, without solutions, outputs and grader."""
    from course_staff.authoring import release as releasing
    from course_utils.workspace import lessons as running

    count = releasing.release(running.find(names or []), out, solutions)
    console.print(f"{out} is written: {count} files, {out.stat().st_size / 1e6:.1f} MB.")


@app.command()
def slides(
    names: Names = None,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("build/slides"),
    pdf: Annotated[bool, typer.Option(help="Print PDFs, too; needs Chromium.")] = True,
) -> None:
    """For instructors: write the slides of lessons as HTML and PDF."""
    from course_staff.site import slides as making

    making.make_slides(out, names, pdf, console.print)


@app.command()
def handouts(
    names: Names = None,
    out: Annotated[Path, typer.Option(help="The folder to write.")] = Path("build/handouts"),
    pdf: Annotated[bool, typer.Option(help="Print PDFs, too; needs Chromium.")] = True,
) -> None:
    """For instructors: write a handout of one page for each lesson, as HTML and PDF."""
    from course_staff.site import handouts as making

    making.make_handouts(out, names, pdf, console.print)


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
        bool, typer.Option("--list", help="List students and files; grade nothing.")
    ] = False,
    exercise: Annotated[
        str | None, typer.Option(help="The exercise of all notebooks, such as 01.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the random inputs; by default a new one.")
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Parallel notebooks; by default from CPU cores and memory."),
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Use this Dask scheduler.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of epochs per training.")
    ] = None,
    marks: Annotated[
        Path | None,
        typer.Option(help="Another table of marks, beside OUT/to_mark.csv."),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="STUDENT", help="Grade only this student, again."),
    ] = None,
    attempts: Annotated[
        str, typer.Option(help="The attempt that counts: last, best or first.")
    ] = "last",
    due: Annotated[datetime | None, typer.Option(help="Deadline, in local time.")] = None,
    times: Annotated[
        Path | None, typer.Option(help="A CSV of submission times: student, time, exercise.")
    ] = None,
    late: Annotated[
        float, typer.Option(min=0, max=1, help="Fraction of the points subtracted per late day.")
    ] = 0.0,
    anonymous: Annotated[bool, typer.Option("--anonymous", help="Ids instead of names.")] = False,
    form: Annotated[
        list[str] | None, typer.Option("--format", help="A further format: nbgrader or gradescope.")
    ] = None,
    isolation: Annotated[
        str | None,
        typer.Option(help="bubblewrap, or limits with less protection (see INSTRUCTORS.md)."),
    ] = None,
) -> None:
    """For instructors: grade exercises, with the code of each student in a sandbox.

    A second run with the same folder grades only the notebooks that changed.
    """
    from tqdm import tqdm

    from course_staff.grading import command, engine, listing, policies, stopping

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
        _print_listing(listing.listing(submissions, exercise, chosen.lateness, times, out))
        return
    if out is None:
        raise InvalidInput("Name a folder for the reports with --out, or use --list first.")
    with tqdm(unit=" notebooks", disable=not console.is_terminal) as bar:

        def graded(name: str) -> None:
            bar.set_postfix_str(name, refresh=False)
            bar.update()

        try:
            with stopping.at_signals():
                report = command.grade(submissions, out, options, chosen, bar.reset, graded)
        except stopping.Stopped as stopped:
            bar.close()
            console.print("Stopped. Finished results are kept; the same command continues.")
            raise typer.Exit(stopped.code) from None
    _print_grades(report, out)


def _print_listing(listed: Listing) -> None:
    headings = ("student", "exercise", "file", "attempt", "handed in", "look at")
    table = Table(*headings, box=None, pad_edge=False)
    for work in listed.found:
        source = f"({work.time_source})" if work.time_source else ""
        time = f"{(work.time or '').replace('T', ' ')} {source}".strip() or "not known"
        fields = (work.student, work.exercise or "?", work.name, str(work.attempt or ""), time)
        table.add_row(*(plain(text) for text in (*fields, " ".join(work.flags))))
    console.print(table)
    for refused in listed.refused:
        _print_refused(refused)
    students = {work.student for work in listed.found} | {
        refused.student for refused in listed.refused
    }
    console.print(
        f"Notebooks: {len(listed.found)}; students: {len(students - {''})}. Nothing was graded."
    )


def _print_refused(refused: Refused) -> None:
    whose = f"{plain(refused.student)}: " if refused.student else ""
    console.print(f"[red]not graded:[/] {whose}{plain(refused.name)}: {plain(refused.sentence)}")


def _print_grades(report: Report, out: Path) -> None:
    from course_staff.grading.marks import MANUAL_GRADES
    from course_utils.checks.wording import points

    table = Table("student", "exercise", "points", "look at", box=None, pad_edge=False)
    for work in report.graded:
        result = f"{points(work.points)} of {points(work.maximum)}"
        table.add_row(plain(work.student), work.exercise, result, plain(" ".join(work.flags)))
    console.print(table)
    for refused in report.refused:
        _print_refused(refused)
    if report.damaged:
        console.print(
            f"{report.damaged} results of earlier runs were damaged or incomplete; their notebooks "
            f"were graded again."
        )
    unchanged = f", {report.reused} of them unchanged" if report.reused else ""
    console.print(
        f"{len(report.graded)} notebooks graded{unchanged}; isolation: {report.level}; "
        f"reports: {plain(str(out))}"
    )
    for note in report.notes:
        console.print(f"[yellow]note:[/] {plain(note)}")
    unmarked = sum(bool(work.waits) for work in report.graded)
    if unmarked:
        console.print(
            f"Mark the written answers of {unmarked} notebooks: fill in the points in "
            f"{plain(str(out / MANUAL_GRADES))}, and run this command again."
        )
