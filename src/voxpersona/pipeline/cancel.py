"""Cancel: end the run of a recording that is waiting or under way. What was made before stands."""

from voxpersona.errors import Code, Rejected
from voxpersona.model import Recording, State, WorkOrder
from voxpersona.pipeline.runs import note_failure
from voxpersona.ports import Blobs, Engine, Journal, Library


def cancel(recording: Recording, *, library: Library, journal: Journal, engine: Engine, archive: Blobs) -> None:
    """End the newest run as failed, with the reason `cancelled`; a new one can be opened at once.

    From the claim on nobody else writes on the run: whoever is at it finds out by the next thing it tells.
    Rejected IDLE_RECORDING where the run is over already.
    """
    run = journal.standing(recording.id).run
    opened = [one for one in journal.open_orders() if (one.recording, one.run) == (recording.id, run)]
    order = opened[0] if opened else WorkOrder(recording=recording.id, run=run)
    if journal.claim(order) in (State.READY, State.FAILED):
        raise Rejected(Code.IDLE_RECORDING, "its run is over", id=recording.id)
    stage = journal.standing(recording.id).stage or order.start
    engine.cancel(order)
    journal.fail(order, stage, Code.CANCELLED, "")
    note_failure(order, library=library, journal=journal, archive=archive)
