"""Forget: remove a recording and everything made from it, for good. Only its source keys stay, marked.

Hidden first, erased last: whatever is interrupted in between is out of sight and is finished later. The marks are
written into the bucket before anything is removed from it: a rebuilt archive has to know them, too.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from voxpersona.errors import Integrity, Unavailable
from voxpersona.model import Recording, RecordingId, Source, WorkOrder
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.known_voices import erase_of
from voxpersona.pipeline.spool import Entry, Spool
from voxpersona.ports import Blobs, Engine, Journal, Library, PassageIndex


def forget(
    recording: Recording,
    *,
    library: Library,
    journal: Journal,
    engine: Engine,
    passages: PassageIndex,
    audio: Blobs,
    archive: Blobs,
    spool: Spool | None = None,
) -> None:
    """Forget the recording. May be called again on one that was interrupted, and by several at once.

    The same bytes that wait in this machine's `spool` since before go with it.
    """
    library.forget(recording.id)
    if spool is not None:
        _let_go(recording, spool, library)
    for source in library.sources(recording.id):
        bury(source, archive)
    # After hiding it: no run can be opened any more, so none escapes.
    for run in range(1, journal.standing(recording.id).run + 1):
        engine.cancel(WorkOrder(recording=recording.id, run=run))
    passages.delete(recording.id)
    erase_of(recording.id, archive)
    for bucket in (archive, audio):
        keys = [blob.key for blob in bucket.list(layout.everything(recording.id))]
        # The manifest last: as long as anything is left, a rebuilt archive can tell whose it is and finish this.
        for key in sorted(keys, key=lambda key: (layout.kind(key) == "manifest", key)):
            bucket.delete(key)
    library.erase(recording.id)


def forget_spooled(name: str, *, spool: Spool, library: Library, archive: Callable[[], Blobs]) -> bool:
    """Drop what waits in the spool under that name; False where it is in the archive by now, or nowhere.

    What was to come into the archive stays known as forgotten; what the archive refused may be delivered again.
    A store that does not answer hears of it by the next upkeep.
    """
    with spool.delivering(wait=True):
        entry = spool.entry(name)
        if entry is None and name not in spool.unreadable():
            return False
        marks = [] if entry is None or entry.refused is not None else _marks(entry, entry.recording.id)
        library.remember(marks)
        spool.drop(name)
    with suppress(Unavailable):
        for mark in marks:
            bury(mark, archive())
    return True


def _let_go(recording: Recording, spool: Spool, library: Library) -> None:
    forgotten_at = max(
        (known.forgotten_at for known in library.sources(recording.id) if known.forgotten_at), default=None
    )

    def same() -> list[Entry]:
        entries = [entry for entry in spool.entries() if entry.recording.original.sha256 == recording.original.sha256]
        return [entry for entry in entries if forgotten_at is None or entry.recording.received_at <= forgotten_at]

    if same():
        with spool.delivering(wait=True):
            for entry in same():
                library.remember(_marks(entry, recording.id))
                spool.drop(entry.name)


def _marks(entry: Entry, recording: RecordingId) -> list[Source]:
    now = datetime.now(UTC)
    seen_at = entry.recording.received_at
    keys = (entry.recording.source, *entry.sources)
    return [Source(key=key, recording=recording, seen_at=seen_at, forgotten_at=now) for key in keys]


def bury(source: Source, archive: Blobs) -> None:
    """Write down that a source key was forgotten. Idempotent: the day of the first time stands."""
    # Not hindered by one that was damaged since: `check` tells of it.
    with suppress(Integrity):
        documents.made_once(archive, layout.forgotten(source.key), Source, lambda: source)
