"""The command ``course``: one thin function per verb.

``course --help`` lists the verbs; ``python -m course_utils.cli`` is the same command. What a verb
does is in :mod:`course_utils.workspace` and :mod:`course_utils.datasets`, which are imported when
they are needed, so that the help appears at once. The verbs for instructors and authors are in
:mod:`course_staff.cli`; copies for students do not have it.
"""

from __future__ import annotations

import platform
import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from course_utils import __version__
from course_utils.exceptions import CourseError, InvalidInput, MissingData

if TYPE_CHECKING:
    from course_utils.workspace.lessons import Outcome

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


def _print_version(wanted: bool) -> None:
    if wanted:
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
    typer.Argument(metavar="[LESSON]...", help="03, or 03_building_a_cnn; all where none is named"),
]


@app.command()
def check() -> None:
    """Check whether this machine is ready for the lessons; say what to do where it is not."""
    from course_utils.workspace import machine as checking

    with console.status("Looking at this machine ..."):
        findings = checking.judge(checking.gather())
    table = Table(box=None, show_header=False, pad_edge=False)
    words = {"ok": "[green]OK[/]", "note": "[yellow]note[/]", "stop": "[red]stop[/]"}
    for finding in findings:
        table.add_row(words[finding.verdict], finding.what, plain(finding.text))
    console.print(table)
    if not checking.ready(findings):
        console.print("A lesson could not run here: put right what is marked with stop.")
        raise typer.Exit(1)
    console.print("The lessons can run here.")


@app.command()
def lab(
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    with_outputs: Annotated[
        bool | None,
        typer.Option(
            "--with-outputs/--without-outputs",
            help="Let the lessons show the outputs they are stored with, before you run them.",
            show_default="as before; at first without",
        ),
    ] = None,
) -> None:
    """Copy lessons and exercises to work/ (never over your changes); open them in JupyterLab."""
    from course_utils.workspace import copies

    for copy in copies.update(with_outputs=with_outputs):
        if copy.state == "backed up":
            console.print(
                f"{copy.path.name} was updated; the one you had run is kept as {copy.extra}."
            )
        elif copy.state == "beside":
            console.print(
                f"{copy.path.name} stays as you changed it; there is a newer lesson, which is "
                f"beside it as {copy.extra.name if copy.extra else ''}."
            )
    raise typer.Exit(copies.open_lab(browser=browser))


@app.command()
def reset(
    lesson: Annotated[str, typer.Argument(help="03, or 03_building_a_cnn")],
    exercise: Annotated[
        bool, typer.Option("--exercise", help="The lesson's exercise, not the lesson.")
    ] = False,
    with_outputs: Annotated[
        bool, typer.Option("--with-outputs", help="With the outputs the lesson is stored with.")
    ] = False,
) -> None:
    """Put your copy of a lesson back to the original; what you had is kept as a dated backup."""
    from course_utils.workspace import copies

    copy, backup = copies.reset(lesson, exercise=exercise, with_outputs=with_outputs)
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
    from course_utils.workspace import lessons as running

    chosen = running.find(names or [])
    if dataset is not None:
        dataset = _known_dataset(dataset)
    if epochs is None and settings.is_quick_run():
        console.print(f"COURSE_EPOCHS shortens each training to {settings.epochs(10**6)} epochs.")
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
        reached = [plain(f"{result['name']}: {result['text']}") for result in run.results]
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
        console.print(f"[red]{outcome.lesson}[/] failed in {plain(str(outcome.run.error))}")
    console.print(
        f"{len(outcomes) - len(failed)} of {len(outcomes)} lessons ran, in {seconds:.0f} s; "
        f"they are in {where} as HTML."
    )


@data_app.command("list")
def data_list() -> None:
    """List the datasets: which are here, how to get the others, and what lies in work/."""
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
        table.add_row(mark, *(plain(str(field)) for field in fields))
    if chosen is not None and chosen not in set(frame["name"]):
        table.add_row(*_own_folder_row(chosen))
    console.print(table)
    _print_work()


def _own_folder_row(chosen: str) -> tuple[str, ...]:
    """The row of a folder of one's own; what is wrong with it stands in its place."""
    from course_utils.datasets import folder, registry

    place = registry.own_folder(chosen)
    if place is None:
        return ("[red]missing[/] [bold]in use[/]", plain(chosen), "", "", "", "no such folder")
    try:
        listing = folder.scan(place)
        images, classes = str(len(listing.images)), str(len(listing.class_names))
        text = str(place)
    except CourseError as error:
        images, classes, text = "", "", str(error)
    mark = "[green]here[/] [bold]in use[/]"
    return (mark, plain(place.name), images, classes, "your own", plain(text))


def _print_work() -> None:
    """Say what lies in work/ and among the downloads, and how large it is."""
    from course_utils import settings
    from course_utils.datasets import removal

    places = [settings.downloads_root()]
    work = settings.work_root()
    if work.is_dir():
        places += sorted(path for path in work.iterdir() if path.name != "cache")
        if (work / "cache").is_dir():
            places += sorted((work / "cache").iterdir())
    table = Table(box=None, pad_edge=False)
    table.add_column("on this disk")
    table.add_column("size", justify="right")
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
    """Download a dataset, verify it, and put it where the lessons find it."""
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
            help="A name from 'course data list', or a folder of your own; none: say which.",
        ),
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
            f"The lessons take {plain(chosen)}."
            if chosen
            else "Nothing is chosen: the lessons take tf_flowers if it is here, else paper_flowers."
        )
        return
    name = _known_dataset(name, must_be_here=True)
    settings.choose_dataset(name)
    console.print(f"The lessons take {plain(name)} from now on.")
    if settings.dataset_name() != name:
        console.print(
            f"But COURSE_DATASET is {plain(str(settings.dataset_name()))} and wins; unset it."
        )


@data_app.command("remove")
def data_remove(
    name: Annotated[str, typer.Argument(help="A name from 'course data list'.")],
) -> None:
    """Remove what the course downloaded of a dataset; never a folder of your own."""
    from course_utils import datasets, settings

    paths, size = datasets.remove(name)
    for path in paths:
        console.print(f"{plain(str(path))} is removed.")
    console.print(f"{_size(size)} are free again.")
    if settings.chosen_dataset() == name and name not in _here():
        settings.choose_dataset(None)
        console.print("It was the dataset of the lessons: they choose again.")


def _here() -> set[str]:
    """The names of the datasets that are on this machine."""
    from course_utils import datasets

    frame = datasets.available()
    return set(frame["name"][frame["here"]])


def _known_dataset(name: str, must_be_here: bool = False) -> str:
    """Return a known name, or the path of a folder of one's own that can be loaded.

    Refuses a name that no dataset has, the name of one that is not here, and a folder that cannot
    be loaded.
    """
    import difflib

    from course_utils import datasets
    from course_utils.datasets import folder, registry

    own = registry.own_folder(name)
    if own is not None:
        folder.check(own)
        return str(own)
    known = set(datasets.available()["name"])
    if name not in known:
        nearest = difflib.get_close_matches(name, sorted(known), 1, cutoff=0)
        raise InvalidInput(
            f"There is no dataset and no folder called {name!r}; did you mean {nearest[0]!r}? "
            f"'course data list' lists them all."
        )
    if must_be_here and name not in _here():
        raise MissingData(f"{name} is not on this machine; fetch it with 'course data get {name}'.")
    return name


class CellBars:
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

    def __enter__(self) -> CellBars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def start(self, name: str) -> None:
        """Begin with a lesson."""
        self._name = name
        self._done += 1
        self._task = self._progress.add_task(name, total=None, state="")
        if not console.is_terminal:
            console.print(f"[{self._done}/{self._count}] {name} ...".replace("[", r"\["))

    def cell(self, done: int, total: int) -> None:
        """Say how many cells of it ran."""
        self._progress.update(self._task, completed=done, total=total)  # type: ignore[arg-type]

    def end(self, ok: bool, word: str = "ran") -> None:
        """Say how the lesson ended."""
        task = self._progress.tasks[-1]
        state = f"[green]{word}[/]" if ok else "[red]failed[/]"
        if ok:
            self._progress.update(task.id, completed=task.total)
        self._progress.update(task.id, state=state)
        self._progress.stop_task(task.id)
        if not console.is_terminal:
            console.print(f"      {self._name}: {state}")


def installed_version(package: str) -> str | None:
    """Return the version of an installed package without importing it, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def plain(text: str) -> str:
    """Text in which Rich sees no markup."""
    from rich.markup import escape

    return escape(text)


#: Verbs that only course_staff has.
STAFF_VERBS = ("build", "bench", "release", "pretrain", "links", "grade")


def add_staff_verbs() -> None:
    """Add the verbs of instructors and authors; without course_staff, they say that it is missing.

    The latter are hidden from the help.
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


def main() -> None:
    """Run the command; an error that is written for the reader is shown as its one sentence."""
    if __name__ == "__main__":  # course_staff.cli has to find this module, not a second one
        sys.modules["course_utils.cli"] = sys.modules[__name__]
    add_staff_verbs()
    try:
        app()
    except CourseError as error:
        Console(stderr=True, highlight=False).print(f"[red]course:[/] {plain(str(error))}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
