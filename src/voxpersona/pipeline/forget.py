"""Forget: remove a recording and everything made from it, for good. Only its source keys stay, marked.

Hidden first, erased last: whatever is interrupted in between is out of sight and is finished later. The marks are
written into the bucket before anything is removed from it: a rebuilt archive has to know them, too.
"""

from contextlib import suppress

from voxpersona.errors import Integrity
from voxpersona.model import Recording, Source, WorkOrder
from voxpersona.pipeline import documents, layout
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
) -> None:
    """Forget the recording. May be called again on one that was interrupted."""
    library.forget(recording.id)
    for source in library.sources(recording.id):
        bury(source, archive)
    # After hiding it: no run can be opened any more, so none escapes.
    for run in range(1, journal.standing(recording.id).run + 1):
        engine.cancel(WorkOrder(recording=recording.id, run=run))
    passages.delete(recording.id)
    for bucket in (archive, audio):
        keys = [blob.key for blob in bucket.list(layout.everything(recording.id))]
        # The manifest last: as long as anything is left, a rebuilt archive can tell whose it is and finish this.
        for key in sorted(keys, key=lambda key: (layout.kind(key) == "manifest", key)):
            bucket.delete(key)
    library.erase(recording.id)


def bury(source: Source, archive: Blobs) -> None:
    """Write down that a source key was forgotten. Idempotent: the day of the first time stands."""
    # Not hindered by one that was damaged since: `check` tells of it.
    with suppress(Integrity):
        documents.made_once(archive, layout.forgotten(source.key), Source, lambda: source)
