"""The command ``course``, with one short function per verb.

``course --help`` lists the verbs; ``python -m course_utils.cli`` is the same command. The work is
done in :mod:`course_utils.workspace` and :mod:`course_utils.datasets`, which are imported when they
are needed, so that the help appears quickly. The verbs for instructors and authors are in
:mod:`course_staff.cli`, which copies for students do not have.
"""

from __future__ import annotations

import platform
import sys
from importlib import import_module
from importlib.util import find_spec
from io import TextIOWrapper
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from course_utils import __version__
from course_utils.exceptions import CourseError, InvalidInput, MissingData

if TYPE_CHECKING:
    from course_utils.workspace.lessons import Outcome

app = typer.Typer(
    name="course",
    help="Work with the course on classifying images with convolutional networks.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
data_app = typer.Typer(
    help="List, download and choose the dataset of the lessons.", no_args_is_help=True
)
app.add_typer(data_app, name="data")

console = Console(highlight=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        from course_utils.workspace.machine import installed_version

        console.print(f"course-utils {__version__}")
        console.print(f"Python {platform.python_version()} on {platform.system()}")
        console.print(f"TensorFlow {installed_version('tensorflow') or 'is not installed'}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the versions of the course, Python and TensorFlow.",
        ),
    ] = False,
) -> None:
    """Take the options of the command itself, which come before the verb."""


Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[LESSON]...", help="A lesson such as 03 or 03_building_a_cnn; by default all."
    ),
]


@app.command()
def check() -> None:
    """Check that the lessons can run on this machine."""
    from course_utils.workspace import machine

    with console.status("Checking this machine ..."):
        findings = machine.judge(machine.gather())
    table = Table(box=None, show_header=False, pad_edge=False)
    words = {"ok": "[green]OK[/]", "note": "[yellow]note[/]", "stop": "[red]stop[/]"}
    for finding in findings:
        table.add_row(words[finding.verdict], finding.what, plain(finding.text))
    console.print(table)
    if not machine.ready(findings):
        console.print("The lessons cannot run here yet: fix what is marked with stop.")
        raise typer.Exit(1)
    console.print("The lessons can run here.")


@app.command()
def lab(
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    with_outputs: Annotated[
        bool | None,
        typer.Option(
            "--with-outputs/--without-outputs",
            help="Keep the stored outputs in your copies of the lessons.",
            show_default="as before; at first without",
        ),
    ] = None,
) -> None:
    """Copy the lessons to work/ without overwriting your changes, and open JupyterLab."""
    from course_utils.workspace import copies

    for copy in copies.update(with_outputs=with_outputs):
        if copy.state == "backed up":
            console.print(
                f"{copy.path.name} was updated; the copy that you had run is now {copy.extra}."
            )
        elif copy.state == "beside":
            console.print(
                f"{copy.path.name} was not updated, because you changed it; the new version is "
                f"beside it as {copy.extra.name if copy.extra else ''}."
            )
    raise typer.Exit(copies.open_lab(browser=browser))


@app.command()
def reset(
    lesson: Annotated[str, typer.Argument(help="A lesson such as 03 or 03_building_a_cnn.")],
    exercise: Annotated[
        bool, typer.Option("--exercise", help="Reset the exercise of the lesson.")
    ] = False,
    with_outputs: Annotated[
        bool, typer.Option("--with-outputs", help="Keep the stored outputs.")
    ] = False,
) -> None:
    """Replace your copy of a lesson by the original, and keep a backup of your copy."""
    from course_utils.workspace import copies

    copy, backup = copies.reset(lesson, exercise=exercise, with_outputs=with_outputs)
    console.print(f"{copy} is the original again.")
    if backup is not None:
        console.print(f"Your copy is kept as {backup}.")


@app.command()
def lessons(
    names: Names = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Maximum number of epochs per training.")
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="The dataset, as listed by 'course data list'.")
    ] = None,
    keep_cache: Annotated[
        bool, typer.Option("--keep-cache", help="Use the models that are already in work/.")
    ] = False,
) -> None:
    """Run lessons without a browser, and list their results.

    The executed lessons are written to build/lessons/ as HTML. If one fails, the others run all the
    same.
    """
    from course_utils import settings
    from course_utils.workspace import lessons as running

    chosen = running.find(names or [])
    if dataset is not None:
        dataset = _known_dataset(dataset)
    if epochs is None and settings.is_quick_run():
        console.print(f"COURSE_EPOCHS limits each training to {settings.epochs(10**6)} epochs.")
    outcomes: list[Outcome] = []
    stopped = False
    with CellBars(len(chosen)) as bars:

        def end(outcome: Outcome) -> None:
            outcomes.append(outcome)
            bars.end(outcome.ok)

        try:
            running.run_lessons(
                chosen,
                epochs=epochs,
                dataset=dataset,
                keep_cache=keep_cache,
                on_cell=bars.cell,
                on_end=end,
            )
        except KeyboardInterrupt:
            stopped = True
    if outcomes:
        _print_outcomes(outcomes)
    if stopped:
        console.print(
            f"Stopped: {len(chosen) - len(outcomes)} of {len(chosen)} lessons did not run."
        )
        raise typer.Exit(130)
    if not all(outcome.ok for outcome in outcomes):
        raise typer.Exit(1)


def _print_outcomes(outcomes: list[Outcome]) -> None:
    right = [Column(name, justify="right") for name in ("seconds", "peak memory")]
    table = Table("lesson", *right, "results", title="Lessons", title_justify="left")
    failed = [outcome for outcome in outcomes if not outcome.ok]
    for outcome in outcomes:
        run = outcome.run
        lines = [plain(f"{result['name']}: {result['text']}") for result in run.results]
        lines += [] if outcome.ok else ["[red]failed[/]"]
        memory = f"{run.peak_bytes / 1e9:.2f} GB"
        table.add_row(outcome.lesson, f"{run.seconds:.0f}", memory, "\n".join(lines) or "-")
    console.print(table)
    for outcome in failed:
        console.print(f"[red]{outcome.lesson}[/] failed in {plain(str(outcome.run.error))}")
    console.print(
        f"{len(outcomes) - len(failed)} of {len(outcomes)} lessons ran, in "
        f"{sum(outcome.run.seconds for outcome in outcomes):.0f} s; their HTML is in "
        f"{outcomes[0].html.parent}."
    )


@app.command()
def serve(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="The folder of an exported network, or a file in it; by default the newest one in "
            "work/, and the lesson model if there is none.",
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen at: 0.0.0.0 lets a phone in the same network use the service, "
            "with the token in the address that is printed."
        ),
    ] = "127.0.0.1",
) -> None:
    """Classify pictures on a web page, and for programs at /predict; stop it with Ctrl-C."""
    from course_utils import deployment
    from course_utils.quiet import quiet

    console.print("Loading the network ...")
    with quiet():  # TensorFlow writes about the machine
        service = deployment.Service(model, host, port)
    service.serve(lambda line: console.print(plain(line), soft_wrap=True))


@data_app.command("list")
def data_list() -> None:
    """List the datasets, how to get them, and the disk space that is used."""
    from course_utils import datasets, settings

    frame = datasets.available()
    chosen = settings.dataset_name()
    headings = ("", "name", "images", "classes", "license", "where, or how to get it")
    table = Table(*headings, box=None, pad_edge=False)
    for row in frame.to_dict("records"):
        mark = "[green]here[/]" if row["here"] else ""
        if row["name"] == chosen:
            mark += " [bold]in use[/]"
        place = row["where"] if row["here"] else row["how to get"]
        fields = (row["name"], row["images"], row["classes"], row["license"], place)
        table.add_row(mark, *(plain(str(field)) for field in fields))
    if chosen is not None and chosen not in set(frame["name"]):
        table.add_row(*_own_folder_row(chosen))
    console.print(table)
    _print_work()


def _own_folder_row(chosen: str) -> tuple[str, ...]:
    """Return the table row of the student's own folder, or of what is wrong with it."""
    from course_utils.datasets import folder, registry

    place = registry.own_folder(chosen)
    if place is None:
        return ("[red]missing[/] [bold]in use[/]", plain(chosen), "", "", "", "no such folder")
    images, classes, text = "", "", str(place)
    try:
        listing = folder.scan(place)
        images, classes = str(len(listing.images)), str(len(listing.class_names))
    except CourseError as error:
        text = str(error)
    mark = "[green]here[/] [bold]in use[/]"
    return (mark, plain(place.name), images, classes, "your own", plain(text))


def _print_work() -> None:
    """Print the folders in work/ and the downloads with their sizes."""
    from course_utils import settings
    from course_utils.datasets import removal

    work = settings.work_root()
    inside = [path for path in work.glob("*") if path.name != "cache"]
    places = [settings.downloads_root(), *sorted(inside), *sorted((work / "cache").glob("*"))]
    table = Table("on this disk", Column("size", justify="right"), box=None, pad_edge=False)
    for place in places:
        size = removal.size_of(place) if place.exists() else 0
        if size:
            table.add_row(plain(str(place)), _size(size))
    if table.rows:
        console.print()
        console.print(table)


def _size(number: int) -> str:
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if number >= factor:
            return f"{number / factor:.1f} {unit}"
    return f"{number} bytes"


@data_app.command("get")
def data_get(
    name: Annotated[str, typer.Argument(help="A name from 'course data list'.")],
) -> None:
    """Download a dataset and verify it."""
    from course_utils import datasets

    place = datasets.download(_known_dataset(name))
    console.print(f"{name} is here: {place}")
    console.print(f"'course data use {name}' makes it the dataset of the lessons.")


@data_app.command("use")
def data_use(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME or FOLDER]",
            help="A name from 'course data list' or your own folder; without it, print the choice.",
        ),
    ] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Delete the choice.")] = False,
) -> None:
    """Choose the dataset of the lessons (COURSE_DATASET, if set, has priority)."""
    from course_utils import settings

    by_default = "the lessons use tf_flowers if it is on this machine, else paper_flowers."
    if forget:
        settings.choose_dataset(None)
        console.print(f"The choice is deleted: {by_default}")
    elif name is None:
        chosen = settings.dataset_name()
        use = f"The lessons use {plain(chosen)}." if chosen else f"Nothing is chosen: {by_default}"
        console.print(use)
    else:
        name = _known_dataset(name, must_be_here=True)
        settings.choose_dataset(name)
        console.print(f"The lessons use {plain(name)} from now on.")
        if (variable := settings.dataset_name()) != name:
            console.print(
                f"But COURSE_DATASET is {plain(str(variable))} and has priority; unset it."
            )


@data_app.command("remove")
def data_remove(
    name: Annotated[str, typer.Argument(help="A name from 'course data list'.")],
) -> None:
    """Delete the downloaded files of a dataset; your own folders are never deleted."""
    from course_utils import datasets, settings

    paths, size = datasets.remove(name)
    for path in paths:
        console.print(f"{plain(str(path))} is deleted.")
    console.print(f"Disk space freed: {_size(size)}.")
    if settings.chosen_dataset() == name and name not in _here():
        settings.choose_dataset(None)
        console.print("It was the dataset of the lessons; the choice is deleted too.")


def _here() -> set[str]:
    """Return the names of the datasets that are on this machine."""
    from course_utils import datasets

    frame = datasets.available()
    return set(frame["name"][frame["here"]])


def _known_dataset(name: str, must_be_here: bool = False) -> str:
    """Return the name of a dataset, or the path of a folder that can be loaded.

    Raises
    ------
    InvalidInput
        If there is no such dataset, or the folder cannot be loaded.
    MissingData
        If `must_be_here` and the dataset is not on this machine.
    """
    from course_utils import datasets, validate
    from course_utils.datasets import folder, registry

    own = registry.own_folder(name)
    if own is not None:
        folder.check(own)
        return str(own)
    known = set(datasets.available()["name"])
    if name not in known:
        raise InvalidInput(
            f"There is no dataset and no folder called {name!r}"
            f"{validate.nearest(name, sorted(known))}; 'course data list' lists them all."
        )
    if must_be_here and name not in _here():
        raise MissingData(f"{name} is not on this machine; fetch it with 'course data get {name}'.")
    return name


class CellBars:
    """Progress bars over the cells of each lesson; plain lines if there is no terminal."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._started: list[str] = []
        self._bar: Any = None

    def __enter__(self) -> CellBars:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def cell(self, lesson: str, done: int, total: int) -> None:
        """Show the number of cells that ran; the first call of a lesson starts its bar."""
        from tqdm import tqdm

        if lesson not in self._started:
            self._started.append(lesson)
            terminal = console.is_terminal
            self._bar = tqdm(desc=f"{lesson:<28}", total=total, unit=" cells", disable=not terminal)
            if not terminal:
                console.print(rf"\[{len(self._started)}/{self._count}] {lesson} ...")
        self._bar.update(done - self._bar.n)

    def end(self, ok: bool, word: str = "ran") -> None:
        """Show how the lesson ended, and close its bar."""
        state = f"[green]{word}[/]" if ok else "[red]failed[/]"
        if ok and self._bar.total is not None:
            self._bar.update(self._bar.total - self._bar.n)
        self._bar.set_postfix_str(word if ok else "failed")
        self._bar.close()
        if not console.is_terminal:
            console.print(f"      {self._started[-1]}: {state}")


def plain(text: str) -> str:
    """Return `text` with the markup characters of Rich escaped."""
    from rich.markup import escape

    return escape(text)


#: Verbs that only course_staff has.
STAFF_VERBS = ("build", "bench", "release", "links", "slides", "handouts", "grade")


def add_staff_verbs() -> None:
    """Add the verbs for instructors and authors.

    Without course_staff, these verbs are hidden from the help and refuse to run.
    """
    if find_spec("course_staff") is not None:
        import_module("course_staff.cli")
        return
    for verb in STAFF_VERBS:
        app.command(
            verb,
            hidden=True,
            context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
        )(_not_for_students)


def _not_for_students() -> None:
    raise MissingData("This command is for instructors and is not part of a copy for students.")


def _print_error(sentence: str) -> None:
    Console(stderr=True, highlight=False).print(f"[red]course:[/] {plain(sentence)}")


def main() -> None:
    """Run the command, and print a :class:`CourseError` as one sentence without a traceback."""
    if __name__ == "__main__":  # course_staff.cli must import this module, not a second copy
        sys.modules["course_utils.cli"] = sys.modules[__name__]
    add_staff_verbs()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal that lacks a character shows its code
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except CourseError as error:
        _print_error(str(error))
        sys.exit(1)
    except OSError as error:
        if error.filename is None or error.strerror is None:
            raise
        _print_error(
            f"{error.filename} cannot be used ({error.strerror}); change its permissions, free "
            f"some space, or set COURSE_WORK to another folder."
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
