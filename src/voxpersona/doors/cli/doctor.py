"""doctor: walk through what can be wrong with a set-up; say what each failure means and how to mend it."""

import os
import sys
import tempfile
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlsplit

import typer

from voxpersona.doors.cli.app import Json, app, opened
from voxpersona.doors.cli.console import Console, exit_code, size
from voxpersona.doors.texts import explain
from voxpersona.errors import Code, Configuration, Unavailable, VoxPersonaError
from voxpersona.model import State
from voxpersona.wiring import House, file_system_of

_DEADLINE = 10.0  # seconds
_LITTLE_ROOM = 1_000_000_000  # bytes: about ten hours of voice messages


@dataclass(frozen=True)
class _Look:
    """One thing to look at: returns a line on what was found, raises one of our errors where it is wrong.

    Where the look it `needs` went wrong it is left out: one cause, one sentence.
    """

    name: str
    look: Callable[[], str]
    needs: str = ""


@app.command()
def doctor(wants_json: Json = False) -> None:
    """Look at everything a set-up needs and say what is wrong, what it means and how to mend it."""
    with opened(wants_json=wants_json) as (house, console):
        house = _impatient(house)
        results: list[dict[str, object]] = []
        wrong: dict[str, VoxPersonaError] = {}
        for thing in _looks(house, console):
            if thing.needs in wrong:
                wrong[thing.name] = wrong[thing.needs]
                continue
            try:
                found, error = thing.look(), None
            except VoxPersonaError as caught:
                found, error = explain(caught, console.language), caught
                wrong[thing.name] = caught
            results.append(
                {"name": thing.name, "ok": error is None, "code": error.code if error else None, "detail": found}
            )
            mark = console.pick("ok   ", "ок   ") if error is None else console.pick("WRONG", "ПЛОХО")
            console.line(f"{mark}  {thing.name}: {found}")
        console.document({"ok": not wrong, "checks": results})
        if wrong:
            raise typer.Exit(max(exit_code(type(error)) for error in wrong.values()))


def _impatient(house: House) -> House:
    """The same house, whose store is given up after a few seconds: a person waits for the doctor."""
    settings = house.store_settings
    if settings is None:
        return house
    waits = {"retry_seconds": min(settings.retry_seconds, _DEADLINE), "retry_attempts": 2}
    waits |= {"read_timeout": min(settings.read_timeout, _DEADLINE)}
    return House(house.settings, settings.model_copy(update=waits))


def _looks(house: House, console: Console) -> list[_Look]:
    rooms = [
        _Look(f"{what} {name}", partial(look, house, place, console), needs="store")
        for place, name in enumerate(("audio", "main"))
        for what, look in _OF_A_BUCKET.items()
    ]
    return [
        _Look("python", lambda: sys.version.split()[0]),
        _Look("data", lambda: f"{house.data} ({file_system_of(house.data)})"),
        _Look("room", lambda: _room(house), needs="data"),
        _Look("scratch", lambda: _scratch(house), needs="data"),
        _Look("keys", lambda: _keys(house, console)),
        _Look("store", lambda: _store(house, console), needs="keys"),
        *rooms,
        _Look("database", lambda: _database(house), needs="data"),
        _Look("worker", lambda: _worker(house, console), needs="database"),
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


def _scratch(house: House) -> str:
    """Spool and scratch are written for real: a read-only or full disk shows itself here."""
    for directory in (house.spool, house.data / "scratch"):
        try:
            with tempfile.TemporaryFile(dir=directory) as tried:
                tried.write(b"x" * 4096)
                tried.flush()
                os.fsync(tried.fileno())
        except OSError as error:
            reason = error.strerror or "cannot be written"
            raise Unavailable(Code.NO_SPACE, reason, where=f"{directory}: {reason}") from error
    return "spool and scratch can be written"


def _keys(house: House, console: Console) -> str:
    keyring = house.keyring
    if keyring is None:
        return console.pick("nothing is encrypted before it is stored", "до сохранения ничего не шифруется")
    key = keyring.current.id
    return console.pick(f"everything new is encrypted under {key}", f"всё новое шифруется ключом {key}")


def _store(house: House, console: Console) -> str:
    """Opening it checks address, TLS, keys, clock, buckets and the master key."""
    place = house.store.place
    settings = house.store_settings
    if settings is not None and settings.url.startswith("http://") and not _is_here(settings.url):
        return console.pick(f"{place}, NOT encrypted on the way", f"{place}, по пути НЕ шифруется")
    return place


def _is_here(url: str) -> bool:
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


def _bucket(house: House, place: int, console: Console) -> str:
    """What the store really does; a store that lies about something is worked around, and it is said here."""
    bucket = house.store.rooms[place].bucket
    found = bucket.abilities()
    create_only = (
        console.pick("yes", "да") if found.create_only else console.pick("no, looked after by us", "нет, следим сами")
    )
    told = [
        f"{bucket.name}",
        found.server,
        console.pick(f"never overwrites: {create_only}", f"не перезаписывает: {create_only}"),
        console.pick(f"verifies uploads: {found.checksum}", f"сверяет загрузки: {found.checksum}"),
        console.pick(f"clock {found.clock_skew:+.0f} s", f"часы {found.clock_skew:+.0f} с"),
    ]
    if found.versioning:
        told.append(console.pick("versions kept", "версии хранятся"))
    free = bucket.free_bytes()
    if free is not None:
        told.append(console.pick(f"{size(free)} free", f"свободно {size(free)}"))
    return ", ".join(part for part in told if part)


def _round_trip(house: House, place: int, console: Console) -> str:
    """A real put, read and delete, through every wrapper."""
    blobs = house.store.rooms[place].blobs
    key = f"doctor/{uuid.uuid4().hex}"
    sent = uuid.uuid4().bytes
    blobs.put(key, [sent])
    try:
        if b"".join(blobs.read(key)) != sent:
            raise Unavailable(Code.STORE_UNAVAILABLE, "other bytes came back", reason="other bytes came back")
    finally:
        blobs.delete(key)
    return console.pick("put, read and delete work", "запись, чтение и удаление работают")


def _leftovers(house: House, place: int, console: Console) -> str:
    found = house.store.rooms[place].bucket.unfinished()
    if not found:
        return console.pick("no unfinished writes", "незавершённых записей нет")
    room = size(sum(one.stored for one in found))
    return console.pick(
        f"{len(found)} unfinished writes, {room}; `voxpersona storage sweep` drops them",
        f"незавершённых записей: {len(found)}, {room}; их удалит `voxpersona storage sweep`",
    )


def _lifecycle(house: House, place: int, console: Console) -> str:
    room = house.store.rooms[place]
    standing = room.bucket.rules()
    missing = [rule for rule in room.rules if rule not in standing]
    if missing:
        return console.pick(
            f"{len(missing)} configured rules do not stand: `voxpersona storage lifecycle --apply`",
            f"не действуют настроенные правила: {len(missing)}; `voxpersona storage lifecycle --apply`",
        )
    return console.pick(f"{len(standing)} rules stand", f"действует правил: {len(standing)}")


_OF_A_BUCKET: dict[str, Callable[[House, int, Console], str]] = {
    "bucket": _bucket,
    "round trip": _round_trip,
    "lifecycle": _lifecycle,
    "leftovers": _leftovers,
}


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
