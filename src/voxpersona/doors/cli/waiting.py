"""What commands show and do of recordings that wait in the spool because the store did not answer."""

from collections.abc import Container, Sequence
from typing import Any

from voxpersona.doors.cli.console import Console, printable
from voxpersona.doors.texts import say
from voxpersona.errors import Code, NotFound, Rejected, known_code
from voxpersona.pipeline.forget import forget_spooled
from voxpersona.pipeline.render import clock
from voxpersona.pipeline.spool import Entry
from voxpersona.wiring import House

SPOOLED = "spooled"
"""The state, in JSON, of what waits; no row tells of it, so it is none of `State`."""


def spooled_word(console: Console) -> str:
    """The state as a person reads it."""
    return console.pick("kept here, not yet in the store", "сохранено здесь, в хранилище пока нет")


def waiting(house: House, standing: Container[str]) -> Sequence[Entry]:
    """What waits, newest first, without what stands in the archive already and is about to be let go of."""
    entries = [entry for entry in house.spool.entries() if entry.refused or entry.recording.id not in standing]
    return entries[::-1]


def why_refused(entry: Entry, console: Console) -> str | None:
    """Why the archive would not take it, in plain words; None where it has not said so."""
    if entry.refused is None:
        return None
    return say(
        known_code(entry.refused.code), console.language, {"reason": entry.refused.detail, **entry.refused.facts}
    )


def waiting_json(entry: Entry, console: Console) -> dict[str, Any]:
    """One that waits, as `list` and `show` tell of it."""
    recording, original = entry.recording, entry.recording.original
    refused = entry.refused
    return {
        "id": recording.id,
        "name": original.name,
        "state": SPOOLED,
        "received_at": recording.received_at.isoformat(),
        "seconds": original.media.seconds,
        "bytes": original.bytes,
        "sha256": original.sha256,
        "details": recording.details.model_dump(mode="json"),
        "refused": None if refused is None else {"code": refused.code, "reason": why_refused(entry, console)},
    }


def show_waiting(entry: Entry, console: Console) -> None:
    """The same as lines."""
    recording, original = entry.recording, entry.recording.original
    day = recording.received_at.astimezone().strftime("%Y-%m-%d %H:%M")
    length = clock(original.media.seconds)
    console.line(f"{recording.id}  {day}  {length:>8}  {spooled_word(console)}  {printable(original.name)}")
    if entry.refused is not None:
        refused = console.pick("refused by the archive", "архив не принял")
        dropped = console.pick("to drop it", "чтобы удалить")
        console.line(f"              {refused}: {why_refused(entry, console)}")
        console.line(f"              {dropped}: voxpersona forget {recording.id} --spooled")


def one_waiting(house: House, identity: str) -> str:
    """The name of the entry whose recording's id begins so. NotFound RECORDING_UNKNOWN, Rejected AMBIGUOUS_ID."""
    names = house.spool.names(identity.lower()) if identity else []
    if not names:
        raise NotFound(Code.RECORDING_UNKNOWN, "nothing of that id waits", id=identity)
    if len(names) > 1:
        raise Rejected(Code.AMBIGUOUS_ID, f"{identity!r} is the start of several ids", id=identity)
    return names[0]


def drop_waiting(house: House, name: str) -> bool:
    """Forget what waits under that name; False where it came into the archive meanwhile."""
    return forget_spooled(name, spool=house.spool, library=house.library, archive=lambda: house.archive)
