"""The application: options every command takes, and the one place where errors become exit codes."""

import io
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from voxpersona import __version__
from voxpersona.doors.cli.console import Console, exit_code
from voxpersona.errors import Code, Integrity, VoxPersonaError
from voxpersona.settings import Settings, language_asked_for, read_settings, read_store_settings, strangers
from voxpersona.wiring import House

WRONG_USE = 2
"""Exit code of the command line parser."""

app = typer.Typer(
    name="voxpersona",
    help="Spoken evidence, kept, transcribed, reported on and answered from, on your own machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="One JSON document on standard output, nothing else there.")]
Identity = Annotated[str, typer.Argument(metavar="ID", help="Id of a recording, or a unique start of one.")]


@contextmanager
def opened(*, wants_json: bool) -> Iterator[tuple[House, Console]]:
    """Read the settings and open the house."""
    with answering(wants_json=wants_json) as (settings, console):
        yield House(settings, read_store_settings()), console


@contextmanager
def answering(*, wants_json: bool) -> Iterator[tuple[Settings, Console]]:
    """Read the settings but the store's; errors of ours end the process with their exit code and no traceback."""
    console = Console(wants_json=wants_json, language=language_asked_for())
    try:
        settings = read_settings()
        console.language = settings.language
        quiet(settings)
        for name in strangers():
            console.note(console.pick(f"{name} is no setting and was ignored", f"{name} — не настройка, пропущено"))
        yield settings, console
        sys.stdout.flush()
    except VoxPersonaError as error:
        console.failure(error)
        raise typer.Exit(exit_code(type(error))) from None
    except BrokenPipeError:
        # The reader has had enough (`| head`): no fault of ours, and nothing is left to tell it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except OSError as error:
        # What no adapter owns: standard output on a full disk, an unreadable working directory.
        reason = error.strerror or type(error).__name__
        console.failure(Integrity(Code.INTERNAL, reason, reason=reason))
        raise typer.Exit(exit_code(Integrity)) from None


def quiet(settings: Settings) -> None:
    """Send our log to standard error at the level asked for; libraries speak only when something is wrong."""
    logging.basicConfig(stream=sys.stderr, level=logging.ERROR, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("voxpersona").setLevel(settings.log_level)


def main() -> None:
    """Entry point of the `voxpersona` command."""
    # Importing registers the commands.
    from voxpersona.doors.cli import (  # noqa: F401  # working is used
        correcting,
        doctor,
        keeping,
        keys,
        reading,
        showing,
        steering,
        storage,
        taking,
        voices,
        working,
    )

    for stream in (sys.stdout, sys.stderr):
        # A terminal or pipe that cannot show a letter must not end the program.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        app()
    except SystemExit as ended:
        if ended.code == WRONG_USE and "--json" in sys.argv:
            # The parser has said on standard error what is wrong; a script gets its document all the same.
            told = {"code": "wrong-use", "message": "Wrong use: standard error says what. See --help."}
            Console(wants_json=True, language="en").document({"error": told})
        if not working.was_stopped.is_set():
            raise
        # A model may be at work in a thread for minutes yet; its step is repeated anyway, so nobody waits for it.
        sys.stdout.flush()
        os._exit(ended.code if isinstance(ended.code, int) else 1)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Show the program's version and leave.")] = False,
) -> None:
    """Spoken evidence, kept, transcribed, reported on and answered from, on your own machine."""
    if version:
        typer.echo(f"voxpersona {__version__}")
        raise typer.Exit
