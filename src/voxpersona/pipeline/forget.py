"""Forget: remove a recording and everything made from it, for good. Only its source key stays, marked.

Hidden first, erased last: whatever is interrupted in between is out of sight and is finished later.
"""

from voxpersona.model import Recording, WorkOrder
from voxpersona.pipeline import layout
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
    # After hiding it: no run can be opened any more, so none escapes.
    for run in range(1, journal.standing(recording.id).run + 1):
        engine.cancel(WorkOrder(recording=recording.id, run=run))
    passages.delete(recording.id)
    for bucket in (archive, audio):
        for blob in list(bucket.list(layout.everything(recording.id))):
            bucket.delete(blob.key)
    library.erase(recording.id)
