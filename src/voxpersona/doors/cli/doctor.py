"""doctor: walk through what can be wrong with a set-up; say what each failure means and how to mend it."""

import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import typer

from voxpersona.doors.cli.app import Json, app, opened
from voxpersona.doors.cli.console import Console, exit_code, size
from voxpersona.doors.texts import explain
from voxpersona.errors import Code, Configuration, Unavailable, VoxPersonaError
from voxpersona.model import State
from voxpersona.ports import Blobs
from voxpersona.wiring import House, file_system_of

_LITTLE_ROOM = 1_000_000_000  # bytes: about ten hours of voice messages


@dataclass(frozen=True)
class _Look:
    """One thing to look at: returns a line on what was found, raises one of our errors where it is wrong."""

    name: str
    look: Callable[[], str]


@app.command()
def doctor(wants_json: Json = False) -> None:
    """Look at everything a set-up needs and say what is wrong, what it means and how to mend it."""
    with opened(wants_json=wants_json) as (house, console):
        results = []
        worst: type[VoxPersonaError] | None = None
        for thing in _looks(house, console):
            try:
                found, error = thing.look(), None
            except VoxPersonaError as wrong:
                found, error = explain(wrong, console.language), wrong
                if worst is None or exit_code(type(wrong)) > exit_code(worst):
                    worst = type(wrong)
            results.append(
                {"name": thing.name, "ok": error is None, "code": error.code if error else None, "detail": found}
            )
            mark = console.pick("ok   ", "ок   ") if error is None else console.pick("WRONG", "ПЛОХО")
            console.line(f"{mark}  {thing.name}: {found}")
        console.document({"ok": worst is None, "checks": results})
        if worst is not None:
            raise typer.Exit(exit_code(worst))


def _looks(house: House, console: Console) -> list[_Look]:
    return [
        _Look("python", lambda: sys.version.split()[0]),
        _Look("data", lambda: f"{house.data} ({file_system_of(house.data)})"),
        _Look("room", lambda: _room(house)),
        _Look("store", lambda: _store(house)),
        _Look("database", lambda: _database(house)),
        _Look("worker", lambda: _worker(house, console)),
        _Look("speech", lambda: _speech(house)),
        _Look("voices", lambda: house.diarizer.name),
        _Look("search", lambda: f"{house.embedder.name} ({house.embedder_file()})"),
        _Look("index", lambda: f"{sum(house.passages.counts().values())} passages"),
        _Look("templates", lambda: ", ".join(sorted({template.name for template in house.templates}))),
    ]


def _room(house: House) -> str:
    free = house.free_bytes()
    if free < _LITTLE_ROOM:
        raise Unavailable(Code.NO_SPACE, "little room", where=f"{house.data}: {size(free)}")
    return size(free)


def _store(house: House) -> str:
    """A real put, get and delete in both buckets."""
    for bucket in (house.audio, house.archive):
        _round_trip(bucket)
    return "put, get and delete work in both buckets"


def _round_trip(bucket: Blobs) -> None:
    key = f"doctor/{uuid.uuid4().hex}"
    sent = uuid.uuid4().bytes
    bucket.put(key, [sent])
    try:
        if b"".join(bucket.read(key)) != sent:
            raise Unavailable(Code.STORE_UNAVAILABLE, "other bytes came back", reason="other bytes came back")
    finally:
        bucket.delete(key)


def _database(house: House) -> str:
    return f"{house.database_url.rsplit('/', 1)[1]}, {len(house.library.recordings())} recordings"


def _worker(house: House, console: Console) -> str:
    if house.engine().is_running():
        return console.pick("running", "работает")
    waiting = sum(
        house.journal.standing(recording.id).state in (State.RECEIVED, State.WORKING)
        for recording in house.library.recordings()
    )
    return console.pick(
        f"not running, {waiting} waiting" + (": start `voxpersona worker`" if waiting else ""),
        f"не запущен, ждут: {waiting}" + (": запустите `voxpersona worker`" if waiting else ""),
    )


def _speech(house: House) -> str:
    if house.settings.transcriber_url is None:
        return f"Whisper {house.settings.whisper_model} ({house.whisper_directory()})"
    if house.settings.transcriber_key is None and "127.0.0.1" not in house.settings.transcriber_url:
        raise Configuration(
            Code.SETTING_INVALID,
            "no key",
            name="VOXPERSONA_TRANSCRIBER_KEY",
            reason="the server is not on this machine and there is no key for it",
        )
    return house.transcriber.name
