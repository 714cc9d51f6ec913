"""The command correct: what the engine misheard, put right by a person, as a version of its own."""

import getpass
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from voxpersona.doors.cli.app import Identity, Json, app, opened
from voxpersona.doors.cli.console import Console, exit_code, printable
from voxpersona.doors.cli.taking import Wait, hint_at_worker, why
from voxpersona.doors.cli.working import work_until_over
from voxpersona.errors import Code, NotFound, Rejected, kind_of, known_code
from voxpersona.model import Attribution, Change, Recording
from voxpersona.pipeline.correct import correct as correct_recording
from voxpersona.pipeline.edits import give, mend, read_back
from voxpersona.pipeline.render import clock

_CLOCK = re.compile(r"(?:(?:(\d+):)?([0-5]?\d):([0-5]\d)|(\d+))(\.\d+)?")
_LARGEST = 64 << 20
"""Bytes of an edited export: a day of speech as JSON has fewer."""
_LONGEST_NAME = 100


def _seconds(told: str | None) -> float | None:
    if told is None:
        return None
    found = _CLOCK.fullmatch(told.strip())
    if found is None:
        raise typer.BadParameter(f"{told!r} is no time like 1:23, 1:02:03 or 83", param_hint="--at")
    hours, minutes, seconds, plain, rest = found.groups()
    whole = int(plain) if plain else 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
    return whole + float(rest or 0)


def _name(told: str | None) -> str:
    """Who corrects: as told, else who is logged in."""
    name = told if told is not None else _logged_in()
    if not name.strip() or not name.isprintable() or len(name) > _LONGEST_NAME:
        raise typer.BadParameter("give a name of one line, 100 letters at most", param_hint="--by")
    return name.strip()


def _logged_in() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return ""


def _content(path: Path) -> bytes:
    try:
        if str(path) == "-":
            return sys.stdin.buffer.read(_LARGEST)
        with path.open("rb") as file:
            return file.read(_LARGEST)
    except FileNotFoundError:
        raise NotFound(Code.PATH_ABSENT, "no such file", path=str(path)) from None
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise Rejected(Code.UNREADABLE, reason, path=str(path), reason=reason) from error


@app.command()
def correct(
    identity: Identity,
    was: Annotated[str | None, typer.Option("--was", help="The words that stand there and are wrong.")] = None,
    now: Annotated[str | None, typer.Option("--is", help="The words that were really said.")] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="When, as `show` tells it: 1:23, 1:02:03 or seconds.")
    ] = None,
    everywhere: Annotated[bool, typer.Option("--everywhere", help="Wherever the words stand.")] = False,
    speaker: Annotated[
        str | None, typer.Option("--speaker", help="Who says it: SPEAKER_01, or a role that only one has.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="An edited export, txt or json; - is standard input.")
    ] = None,
    by: Annotated[str | None, typer.Option("--by", help="Who corrects; else who is logged in.")] = None,
    wait: Wait = False,
    wants_json: Json = False,
) -> None:
    """Put right what the engine misheard, or who said it: a new version; `show --as-heard` still tells the old one."""
    if (file is None) is (now is None and speaker is None) or (
        file is not None and (was, at, everywhere) != (None, None, False)
    ):
        raise typer.BadParameter(
            "give --was with --is, or --speaker, or --from with an edited export and nothing else",
            param_hint="what to correct",
        )
    if file is None and was is None and (now is not None or at is None):
        raise typer.BadParameter("give the words that stand there, or for --speaker the time", param_hint="--was")
    seconds, name = _seconds(at), _name(by)
    with opened(wants_json=wants_json) as (house, console):
        recording = house.library.recording(identity)
        content = b"" if file is None else _content(file)

        def find(attribution: Attribution) -> Sequence[Change]:
            known = house.known_speakers(attribution)
            if file is not None:
                return read_back(recording, attribution, content, known)
            changes = (
                []
                if speaker is None
                else give(attribution, speaker, was or "", at=seconds, everywhere=everywhere, known=known)
            )
            if now is not None:
                changes += mend(attribution, was or "", now, at=seconds, everywhere=everywhere)
            return changes

        order, correction = correct_recording(
            recording, find, by=name, library=house.library, journal=house.journal, archive=house.archive
        )
        if wait:
            work_until_over(house, console, [recording])
        standing = house.journal.standing(recording.id)
        console.document(
            {
                "id": recording.id,
                "run": order.run,
                "state": standing.state,
                "correction": correction.model_dump(mode="json"),
            }
        )
        _show(recording, correction.changes, console)
        if not wait:
            hint_at_worker(house, console)
        elif standing.failed_code is not None:
            console.note(why(standing, console))
            raise typer.Exit(exit_code(kind_of(known_code(standing.failed_code))))


def _show(recording: Recording, changes: Sequence[Change], console: Console) -> None:
    for change in sorted(changes, key=lambda one: one.start):
        console.line(f"{recording.id}  {changed(change)}")


def changed(change: Change) -> str:
    """A change on one line."""
    if change.speaker is None:
        return f"[{clock(change.start)}] {printable(change.was)} → {printable(change.now)}"
    return f"[{clock(change.start)}] {change.was_speaker or '?'} → {change.speaker}: {printable(change.now)}"
