"""What the doctor looks at besides the store. A look returns a line on what it found and raises what is wrong."""

import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxpersona.adapters.library.database import NEWEST
from voxpersona.adapters.library.edge import translated
from voxpersona.adapters.library.examine import examine
from voxpersona.adapters.weights.files import altered, digest
from voxpersona.doors.cli.console import Console, size
from voxpersona.doors.cli.look import Chain, Look
from voxpersona.doors.cli.store_looks import of_the_store
from voxpersona.errors import Code, Configuration, Unavailable, VoxPersonaError
from voxpersona.model import RecordingId, State, WorkOrder
from voxpersona.ports import RATE
from voxpersona.wiring import House, file_system_of

_LITTLE_ROOM = 1_000_000_000  # bytes: about ten hours of voice messages
_FULL = (errno.ENOSPC, errno.EDQUOT)
_EXAMINED = 8.0  # seconds


def ground(house: House, console: Console) -> Chain:
    """What everything else stands on."""
    directory = house.settings.data
    return Chain(
        (
            Look("settings", lambda: _settings(console)),
            Look("python", lambda: sys.version.split()[0]),
            Look("data", lambda: f"{house.data} ({file_system_of(house.data)})"),
            Look("disk", lambda: _written(house.data, house, console), needs=("data",)),
            Look("room", lambda: _room(house), needs=("disk",)),
            Look("scratch", lambda: _scratch(house, console), needs=("disk",)),
        ),
        hung=Configuration(
            Code.DATA_DIRECTORY,
            "the disk hangs",
            name="VOXPERSONA_DATA",
            path=str(directory),
            reason="no answer in time",
        ),
    )


def chains(house: House, console: Console) -> list[Chain]:
    """All the rest; these do not wait for one another."""
    return [
        of_the_store(house, console),
        _of_the_database(house, console),
        Chain((Look("speech", lambda: _speech(house, console)),), hung=_no_transcriber(house), patience=25.0),
        Chain(
            (
                Look("voices", _voices),
                Look("search", lambda: f"{house.embedder.name} ({house.embedder_file()})"),
            ),
            hung=Unavailable(
                Code.TRANSCRIBER_UNAVAILABLE, "the disk with the models hangs", reason="no answer in time"
            ),
        ),
        Chain(
            (Look("index", lambda: _index(house, console), needs=("disk",)),),
            hung=Unavailable(Code.INDEX_UNAVAILABLE, "no answer", reason="no answer in time"),
        ),
        Chain(
            (Look("templates", lambda: ", ".join(sorted({template.name for template in house.templates}))),),
            hung=Configuration(Code.TEMPLATE_INVALID, "no answer", problem="no answer in time"),
        ),
    ]


def _settings(console: Console) -> str:
    file = Path(".env").absolute()
    if file.exists():
        return console.pick(f"environment, then {file}", f"окружение, затем {file}")
    return console.pick("environment; no .env here", "окружение; файла .env здесь нет")


def _written(directory: Path, house: House, console: Console) -> str:
    """Written for real: a read-only or full disk shows itself here."""
    try:
        with tempfile.TemporaryFile(dir=directory) as tried:
            tried.write(b"x" * 4096)
            tried.flush()
            os.fsync(tried.fileno())
    except OSError as error:
        reason = error.strerror or "cannot be written"
        if error.errno in _FULL:
            raise Unavailable(Code.NO_SPACE, reason, where=str(directory)) from error
        raise Configuration(
            Code.DATA_DIRECTORY, reason, name="VOXPERSONA_DATA", path=str(directory), reason=reason
        ) from error
    return console.pick(
        f"can be written, {size(house.free_bytes())} free", f"пишется, {size(house.free_bytes())} свободно"
    )


def _room(house: House) -> str:
    free = house.free_bytes()
    if free < _LITTLE_ROOM:
        raise Unavailable(Code.NO_SPACE, "little room", where=f"{house.data}: {size(free)}")
    return size(free)


def _scratch(house: House, console: Console) -> str:
    for directory in (house.spool.directory, house.scratch):
        _written(directory, house, console)
    return console.pick("spool and scratch can be written", "spool и scratch пишутся")


def _of_the_database(house: House, console: Console) -> Chain:
    path = str(house.settings.data / "voxpersona.db")
    return Chain(
        (
            Look("database", lambda: _database(house, console), needs=("disk",)),
            Look("engine", lambda: _engine(house, console), needs=("database",), about="database"),
        ),
        hung=Unavailable(Code.LIBRARY_UNAVAILABLE, "no answer in time", path=path, reason="no answer in time"),
    )


def _database(house: House, console: Console) -> str:
    """Opened as always (made or brought up to date where that is due), then written and read through."""
    if house.is_shared:
        with translated():
            house.database_url  # noqa: B018
            name, read = house.database_server, ""
            kept = len(house.library.recordings())
    else:
        path = house.data / "voxpersona.db"
        with _about(path=str(path)), translated():  # what DBOS says of its tables comes as it is
            name = house.database_url.rsplit("/", 1)[1]
            is_whole = examine(path, seconds=_EXAMINED)
            kept = len(house.library.recordings())
        read = (
            "" if is_whole else console.pick(", too large to be read through here", ", велика, прочитана не до конца")
        )
    return (
        console.pick(f"{name}, schema {NEWEST}, recordings: {kept}", f"{name}, схема {NEWEST}, записей: {kept}") + read
    )


def _engine(house: House, console: Console) -> str:
    """Its tables are asked for an order that never was."""
    engine = house.engine()
    with _about(path=str(house.data / "voxpersona.db")), translated():
        engine.cancel(WorkOrder(recording=RecordingId("0" * 12), run=1))
        if engine.is_running():
            return console.pick("worker is running", "worker работает")
        waiting = sum(
            house.journal.standing(recording.id).state in (State.RECEIVED, State.WORKING)
            for recording in house.library.recordings()
        )
    return console.pick(
        f"worker is not running, waiting: {waiting}" + ("; start `voxpersona worker`" if waiting else ""),
        f"worker не запущен, ждут: {waiting}" + ("; запустите `voxpersona worker`" if waiting else ""),
    )


def _index(house: House, console: Console) -> str:
    counts = house.passages.counts()
    passages = sum(counts.values())
    return console.pick(
        f"passages: {passages}, recordings: {len(counts)}", f"отрывков: {passages}, записей: {len(counts)}"
    )


def _no_transcriber(house: House) -> VoxPersonaError:
    reason = "no answer in time"
    return Unavailable(Code.TRANSCRIBER_UNAVAILABLE, reason, url=_shown(house.settings.transcriber_url), reason=reason)


def _shown(url: str | None) -> str:
    """An address without who is asking."""
    scheme, _, rest = (url or "").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _speech(house: House, console: Console) -> str:
    """A model of this machine is looked at and not loaded: its hash says as much. A server is asked for real."""
    settings = house.settings
    if settings.transcriber_url is None:
        found = (
            f"onnx-asr {settings.onnx_model} ({house.onnx_directory()})"
            if settings.onnx_model
            else f"Whisper {settings.whisper_model} ({house.whisper_directory()})"
        )
        _ = house.transcriber.name  # told only where the library and the device are there
        return found
    with _about(name="VOXPERSONA_TRANSCRIBER_URL, _KEY", url=_shown(settings.transcriber_url)):
        import numpy as np

        silence = np.zeros(RATE, dtype=np.float32)
        house.transcriber.transcribe(silence, language="en", on_progress=lambda _: None)
    return console.pick(f"{house.transcriber.name}: answers", f"{house.transcriber.name}: отвечает")


def _voices() -> str:
    """Not by the diarizer itself, which takes half a second to import."""
    from voxpersona.adapters.diarizer.voices import MODEL, SHA256

    try:
        found = digest(MODEL)
    except OSError as error:
        raise altered(MODEL, SHA256, error.strerror or "") from error
    if found != SHA256:
        raise altered(MODEL, SHA256, found)
    return str(MODEL)


@contextmanager
def _about(**facts: str) -> Iterator[None]:
    """Errors that do not say what they are about get these facts."""
    try:
        yield
    except VoxPersonaError as error:
        for name, fact in facts.items():
            error.facts.setdefault(name, fact)
        raise
