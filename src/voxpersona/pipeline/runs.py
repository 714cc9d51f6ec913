"""How runs ended, written down in the bucket: which results are current follows from it, without any database."""

import logging
from datetime import UTC, datetime

from voxpersona.errors import NotFound, VoxPersonaError
from voxpersona.model import Run, State, WorkOrder
from voxpersona.pipeline import documents, layout
from voxpersona.ports import Blobs, Journal, Library

_log = logging.getLogger("voxpersona.runs")


def conclude(order: WorkOrder, *, library: Library, journal: Journal, archive: Blobs) -> None:
    """Write down that the run ended well: the last thing done before the journal says so.

    Whatever is killed in between is repeated: the document of the first time stands, and the journal follows it.
    NotFound RECORDING_UNKNOWN where the recording was forgotten meanwhile; nothing is left then.
    """

    def make() -> Run:
        now = datetime.now(UTC)
        standing = journal.standing(order.recording)
        stages = tuple(
            progress if progress.finished_at else progress.model_copy(update={"share": 1.0, "finished_at": now})
            for progress in standing.stages
        )
        ended = {"state": State.READY, "share": 1.0, "stages": stages, "failed_code": None, "failed_reason": None}
        return Run(order=order, standing=standing.model_copy(update=ended), ended_at=now)

    key = layout.run(order.recording, order.run, State.READY)
    journal.close(documents.made_for(order.recording, archive, key, Run, make, library=library))


def end_as_noted(order: WorkOrder, *, journal: Journal, archive: Blobs) -> bool:
    """Where the bucket says that the run ended well, the journal says so too from now on. Whether that was so.

    For a run that was given up between the two, by an engine that was killed too often or has lost its work.
    """
    try:
        run = documents.read(archive, layout.run(order.recording, order.run, State.READY), Run)
    except NotFound:
        return False
    journal.claim(order)
    journal.close(run)
    journal.ready(order)
    return True


def note_failure(order: WorkOrder, *, library: Library, journal: Journal, archive: Blobs) -> None:
    """Write down how a run failed, which the journal says already. As well as can be: the store may be what failed.

    Without the document a rebuilt archive does the run again, and the next upkeep writes it. A run that had ended well
    before, which the journal never heard, has ended well.
    """
    try:
        if end_as_noted(order, journal=journal, archive=archive):
            return
        run = next((run for run in journal.ended(order.recording) if run.order.run == order.run), None)
        if run is None or run.standing.state is not State.FAILED:
            return
        key = layout.run(order.recording, order.run, State.FAILED)
        written = documents.made_for(order.recording, archive, key, Run, lambda: run, library=library)
        if written != run:  # the engine was killed after the first time, and has come to the failure again
            told = written.standing
            journal.fail(order, told.stage or order.start, told.failed_code or "", told.failed_reason or "")
            journal.close(written)
    except NotFound:
        pass  # forgotten meanwhile
    except VoxPersonaError as error:
        _log.warning("%s:%s failed, which could not be written down: %s", order.recording, order.run, error.code)
