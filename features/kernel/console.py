"""How every command speaks: one JSON document or readable text on stdout, progress and errors on stderr, exit codes."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from features.kernel.errors import MscoreError

DONE, OUR_FAULT, WRONG_CALL = 0, 1, 2
UNUSABLE_PATH = (FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
CLICK_EXCEPTION = typer.BadParameter.__mro__[2]  # the root of usage errors, which Typer does not export

HomeOption = Annotated[
    Path,
    typer.Option(
        "--home", envvar="MSCORE_HOME", help="Folder that holds all state.", show_default="./var", file_okay=False
    ),
]
SeedOption = Annotated[
    int, typer.Option(min=0, max=2**32 - 1, help="Random seed; equal seeds and data give equal results.")
]
TrackingOption = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri", envvar="MLFLOW_TRACKING_URI", help="MLflow tracking URI.", show_default="under --home"
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document to stdout and nothing else.")]
DEFAULT_HOME = Path("var")
LONG_SECONDS = 2.0

ReportProgress = Callable[[str, float], None]
PIPE_WIDTH = 160
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else PIPE_WIDTH)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def application(help_text: str) -> typer.Typer:
    """A group of commands that look and fail alike."""
    return typer.Typer(help=help_text, add_completion=False, pretty_exceptions_enable=False)


def emit(document: Mapping[str, Any], as_json: bool, human: Callable[[], None]) -> None:
    """Ends a command: the document as JSON, or whatever `human` prints."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY) + b"\n")
        sys.stdout.buffer.flush()
    else:
        human()


def show_rows(columns: Sequence[str], rows: Sequence[Mapping[str, Any]], nothing: str) -> None:
    """Prints these columns of the rows, or the sentence that says that there is none."""
    if not rows:
        out.print(nothing)
        return
    table(columns, [["" if row[column] is None else str(row[column]) for column in columns] for row in rows])


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], title: str | None = None) -> None:
    """Prints rows under headings; numbers right-aligned."""
    grid = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for position, heading in enumerate(headings):
        numeric = bool(rows) and all(isinstance(row[position], int | float) for row in rows)
        grid.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(_cell(value) for value in row))
    out.print(grid)


def show_ceilings(ceilings: Iterable[Mapping[str, Any]]) -> None:
    """Says what the derivation left out, a line a limit that was met."""
    for ceiling in ceilings:
        out.print(f"  left out of {ceiling['step']}: {ceiling['what']}", markup=False)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


@contextmanager
def progress(title: str) -> Iterator[ReportProgress]:
    """Shows how far a long work is, on stderr: a bar on a terminal, elsewhere a line a step once it takes long."""
    if not err.is_terminal:
        yield _lines(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bars:
        task = bars.add_task(title, total=1.0)

        def report(what: str, share: float) -> None:
            bars.update(task, description=f"{title}: {what}", completed=share)

        yield report


def _lines(title: str) -> ReportProgress:
    reported: set[str] = set()
    began = time.monotonic()

    def report(what: str, _share: float) -> None:
        if what not in reported and time.monotonic() - began >= LONG_SECONDS:
            reported.add(what)
            err.print(f"{title}: {what}", markup=False)

    return report


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Runs one command line and returns the exit code; what went wrong is one sentence on stderr."""
    command = typer.main.get_group(app)
    try:
        code = command.main(args=list(arguments), prog_name="mscore", standalone_mode=False)
    except MscoreError as error:
        return wrong_call(str(error))
    except UNUSABLE_PATH as error:
        return wrong_call(f"{error.filename or 'a path'} cannot be used: {error.strerror or error}.")
    except typer.Abort:
        complain("aborted.")
        return OUR_FAULT
    except Exception as error:
        if isinstance(error, CLICK_EXCEPTION):
            speak = getattr(error, "format_message", None)
            return wrong_call(f"{speak() if speak else error} (try --help)")
        raise
    return int(code or DONE)


def wrong_call(sentence: str) -> int:
    """Says what was wrong with the call; gives back the exit code that says so too."""
    complain(sentence)
    return WRONG_CALL


def complain(sentence: str) -> None:
    """Says on stderr, in one line, what went wrong."""
    err.print(f"mscore: {' '.join(sentence.split())}")
