"""A recording brought back into the database from what its buckets hold; adds only, in the caller's transaction."""

from collections.abc import Callable, Sequence

import sqlalchemy as sa

from voxpersona.adapters.library import schema
from voxpersona.adapters.library.results import save_result
from voxpersona.adapters.library.rows import (
    find_one,
    first_source,
    insert_recording,
    open_run,
    remember,
)
from voxpersona.adapters.library.standing import OVER, in_order
from voxpersona.adapters.library.transactions import instant
from voxpersona.adapters.library.writable import writable
from voxpersona.errors import Code, Integrity, NotFound
from voxpersona.model import Attribution, Recording, RecordingId, Report, Run, State, Transcript, WorkOrder

Enqueue = Callable[[sa.Connection, WorkOrder], None]
"""Starts the work of an order inside the transaction of the given connection."""


def restore(
    connection: sa.Connection,
    recording: Recording,
    runs: Sequence[Run],
    results: Sequence[Transcript | Attribution | Report],
    work: WorkOrder | None,
    enqueue: Enqueue,
) -> Recording:
    """See `ports.Library.restore`."""
    same_bytes = schema.recording.c.sha256 == recording.original.sha256
    same = find_one(connection, same_bytes, held=True, forgotten=None)
    if same is not None and same.id != recording.id:
        return same
    standing = same or find_one(connection, schema.recording.c.id == recording.id, held=True, forgotten=None)
    if standing is not None and standing.original.sha256 != recording.original.sha256:
        key = recording.original.key
        raise Integrity(Code.BLOB_CONFLICT, f"{key} is kept with other bytes", key=key)
    if standing is None:
        remember(connection, first_source(recording))
        insert_recording(connection, recording, forgotten_at=_forgotten_at(connection, recording.source))
        standing = recording
    _insert_runs(connection, runs)
    is_hidden = _is_hidden(connection, recording.id)
    if not is_hidden:
        _save(connection, results)
    _start(connection, recording.id, work, None if is_hidden else enqueue)
    return standing


def _forgotten_at(connection: sa.Connection, source: str) -> str | None:
    marked: str | None = connection.execute(
        sa.select(schema.source.c.forgotten_at).where(schema.source.c.key == source)
    ).scalar()
    return marked


def _is_hidden(connection: sa.Connection, recording: RecordingId) -> bool:
    marked = sa.select(schema.recording.c.forgotten_at).where(schema.recording.c.id == recording)
    return connection.execute(marked).scalar() is not None


def _insert_runs(connection: sa.Connection, runs: Sequence[Run]) -> None:
    for run in runs:
        same = (schema.run.c.recording_id == run.order.recording, schema.run.c.number == run.order.run)
        if connection.execute(sa.select(schema.run.c.number).where(*same)).first() is None:
            _insert_run(connection, run)


def _insert_run(connection: sa.Connection, run: Run) -> None:
    order, standing = run.order, run.standing
    begun = min((progress.started_at for progress in standing.stages), default=run.ended_at)
    has_failed = standing.state is State.FAILED
    connection.execute(
        schema.run.insert().values(
            recording_id=order.recording,
            number=order.run,
            start=order.start,
            state=standing.state,
            failed_stage=(standing.stage or order.start) if has_failed else None,
            failed_code=writable(standing.failed_code or Code.INTERNAL) if has_failed else None,
            failed_reason=writable(standing.failed_reason or "") if has_failed else None,
            started_at=instant(begun),
            finished_at=instant(run.ended_at),
        )
    )
    for progress in standing.stages:
        ended = progress.finished_at
        connection.execute(
            schema.stage.insert().values(
                recording_id=order.recording,
                run=order.run,
                stage=progress.stage,
                share=progress.share,
                attempts=progress.attempts,
                started_at=instant(progress.started_at),
                finished_at=None if ended is None else instant(ended),
            )
        )


def _save(connection: sa.Connection, results: Sequence[Transcript | Attribution | Report]) -> None:
    for result in in_order(results):
        try:
            with connection.begin_nested():
                save_result(connection, result)
        except (NotFound, sa.exc.IntegrityError, sa.exc.DataError):
            continue  # a report on nothing, or one that contradicts itself: it was never in a database


def _start(connection: sa.Connection, recording: RecordingId, work: WorkOrder | None, enqueue: Enqueue | None) -> None:
    """Open the run of `work`; without `enqueue` its row only, which a hidden recording needs to be forgotten."""
    found = sa.select(schema.run.c.number, schema.run.c.state).where(schema.run.c.recording_id == recording)
    standing = [(row.number, row.state) for row in connection.execute(found)]
    if work is None and not standing:
        work = WorkOrder(recording=recording, run=1)
    if work is None or any(number >= work.run or state not in OVER for number, state in standing):
        return
    open_run(connection, work)
    if enqueue is not None:
        enqueue(connection, work)
