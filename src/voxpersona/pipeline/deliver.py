"""Deliver: bring into the archive what waits in the spool, oldest first.

May be killed at any line and begun again, and by several at once: an entry is let go of only when the archive has it,
and what the archive has already is recognised. What it refuses stays in the spool with the reason, for a person.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from voxpersona.errors import Code, Integrity, NotFound, Rejected, Unavailable
from voxpersona.pipeline.keep import keep
from voxpersona.pipeline.spool import Entry, Spool
from voxpersona.ports import Blobs, Library

_log = logging.getLogger("voxpersona.spool")


@dataclass
class Delivered:
    """How many entries are in the archive now, how many were refused, and what did not answer, if something did not."""

    delivered: int = 0
    refused: int = 0
    because: Unavailable | None = None


def deliver(
    spool: Spool,
    *,
    audio: Callable[[], Blobs],
    library: Callable[[], Library],
    seconds: float = float("inf"),
    refused: bool = False,
) -> Delivered:
    """Bring in what can be brought in; begin with no entry after so many `seconds`. `refused` tries those again, too.

    Unavailable that may pass ends it and is told; nothing is asked of a store that did not answer a moment ago.
    Configuration and every other error that no single entry is to blame for is raised.
    """
    told = Delivered(because=spool.resting)
    until = time.monotonic() + seconds
    for entry in spool.entries():
        if told.because is not None or time.monotonic() > until:
            break
        if entry.refused is not None and not refused:
            continue
        with spool.delivering(wait=False) as is_ours:
            if not is_ours:
                break  # somebody does it already
            _deliver_one(entry.name, spool, audio, library, told)
    return told


def _deliver_one(
    name: str, spool: Spool, audio: Callable[[], Blobs], library: Callable[[], Library], told: Delivered
) -> None:
    try:
        entry = spool.entry(name)
        if entry is None:
            return  # another one was faster
        opened, known = audio(), library()
        try:
            _bring_in(entry, spool, opened, known)
        except Unavailable as error:
            if error.retryable:
                raise
            _refuse(entry, error, spool, told)
        except (Rejected, Integrity, NotFound) as error:
            if error.code is Code.INTERNAL:
                raise  # a damaged database: no entry is to blame
            _refuse(entry, error, spool, told)
        else:
            told.delivered += 1
    except Unavailable as error:
        told.because = error
        spool.rest(error)
        _log.info("the spool waits: %s", error.code)


def _bring_in(entry: Entry, spool: Spool, audio: Blobs, library: Library) -> None:
    """The entry, by every way it came; those it came by meanwhile, too, before it is let go of."""
    recording = entry.recording
    spool.verify(entry)
    content = spool.content(entry)
    known = library.known(recording.source, content.sha256)
    if known is not None and known.original.sha256 != content.sha256:
        raise Integrity(Code.BLOB_CONFLICT, "the same delivery is kept with other bytes", key=known.original.key)
    while True:
        for source in (recording.source, *entry.sources):
            standing, _ = keep(recording.model_copy(update={"source": source}), content, audio=audio, library=library)
        if spool.remove(entry):
            break
        entry = spool.entry(entry.name) or entry
    _log.info("%s is in the archive as %s", entry.name, standing.id)


def _refuse(entry: Entry, error: Rejected | Integrity | NotFound | Unavailable, spool: Spool, told: Delivered) -> None:
    spool.set_aside(entry, error)
    told.refused += 1
    _log.warning("%s waits in the spool and was refused: %s", entry.name, error.code)
