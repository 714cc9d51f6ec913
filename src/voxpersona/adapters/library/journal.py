"""SqlJournal: runs and stages on SQLAlchemy."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from voxpersona.adapters.library import schema
from voxpersona.adapters.library.restoring import Enqueue
from voxpersona.adapters.library.rows import hold, newest_run, open_run
from voxpersona.adapters.library.standing import OVER, standing_of
from voxpersona.adapters.library.transactions import Transactions, instant, now
from voxpersona.adapters.library.writable import writable
from voxpersona.errors import Code, NotFound, Rejected
from voxpersona.model import STAGES, Progress, RecordingId, Run, Stage, Standing, State, Waiting, WorkOrder

_NOT_FAILED: Mapping[str, None] = {"failed_stage": None, "failed_code": None, "failed_reason": None}
_NOT_WAITING: Mapping[str, None] = dict.fromkeys(
    ("waiting_code", "waiting_reason", "waiting_since", "waiting_until"), None
)


def _run_is(order: WorkOrder) -> sa.ColumnElement[bool]:
    return sa.and_(schema.run.c.recording_id == order.recording, schema.run.c.number == order.run)


def _stage_is(order: WorkOrder, stage: Stage) -> sa.ColumnElement[bool]:
    table = schema.stage
    return sa.and_(table.c.recording_id == order.recording, table.c.run == order.run, table.c.stage == stage)


def _progress_of(row: sa.RowMapping) -> Progress:
    ended = row["finished_at"]
    return Progress(
        recording=RecordingId(row["recording_id"]),
        run=row["run"],
        stage=Stage(row["stage"]),
        share=row["share"],
        attempts=row["attempts"],
        started_at=datetime.fromisoformat(row["started_at"]),
        finished_at=None if ended is None else datetime.fromisoformat(ended),
    )


class SqlJournal:
    """See `ports.Journal`. `enqueue` is how a new run's work is started in the same commit as its row.

    `worker` is who writes, unlike any other process that ever was; by default a new name.
    """

    def __init__(self, transactions: Transactions, enqueue: Enqueue, worker: str | None = None) -> None:
        self._transactions = transactions
        self._enqueue = enqueue
        self._worker = worker or str(uuid.uuid4())

    def claim(self, order: WorkOrder) -> State:
        with self._transactions.writing() as connection:
            claimed = connection.execute(schema.run.update().where(_run_is(order)).values(worker=self._worker))
            if claimed.rowcount == 0:
                raise NotFound(Code.RECORDING_UNKNOWN, f"no run {order.run} of it", id=order.recording)
            return State(connection.execute(sa.select(schema.run.c.state).where(_run_is(order))).scalar_one())

    def _lock(self, connection: sa.Connection, order: WorkOrder) -> bool:
        """Hold the run's row until the transaction ends; False where it is not there. Rejected SUPERSEDED where
        another worker claimed it: one that was paused and wakes up finds that it has lost it."""
        row = sa.select(schema.run.c.worker).where(_run_is(order)).with_for_update()
        found = connection.execute(row).first()
        if found is not None and found.worker not in (None, self._worker):
            reason = f"{order.recording}:{order.run} belongs to another worker"
            raise Rejected(Code.SUPERSEDED, reason, id=order.recording)
        return found is not None

    def begin(self, order: WorkOrder, stage: Stage) -> None:
        with self._transactions.writing() as connection:
            hold(connection, order.recording)
            if not self._lock(connection, order):
                raise NotFound(Code.RECORDING_UNKNOWN, f"no run {order.run} of it", id=order.recording)
            connection.execute(
                schema.run.update()
                .where(_run_is(order))
                .values(state=State.WORKING, finished_at=None, **_NOT_FAILED, **_NOT_WAITING)
            )
            _end_stages(connection, order, but=stage)
            again = schema.stage.update().where(_stage_is(order, stage))
            touched = connection.execute(again.values(attempts=schema.stage.c.attempts + 1, finished_at=None))
            if touched.rowcount == 0:
                connection.execute(
                    schema.stage.insert().values(
                        recording_id=order.recording,
                        run=order.run,
                        stage=stage,
                        share=0.0,
                        attempts=1,
                        started_at=now(),
                    )
                )

    def progress(self, order: WorkOrder, stage: Stage, share: float) -> None:
        with self._transactions.writing() as connection:
            row = sa.select(schema.run.c.state).where(_run_is(order))
            if connection.execute(row).scalar() in OVER:
                raise Rejected(Code.SUPERSEDED, "the run is over", id=order.recording)
            table = schema.stage
            under_way = table.update().where(_stage_is(order, stage), table.c.finished_at.is_(None))
            connection.execute(under_way.where(table.c.share < share).values(share=share))

    def wait(self, order: WorkOrder, code: str, reason: str, until: datetime) -> None:
        with self._transactions.writing() as connection:
            row = sa.select(schema.run.c.state).where(_run_is(order)).with_for_update()
            if connection.execute(row).scalar() in OVER:
                raise Rejected(Code.SUPERSEDED, "the run is over", id=order.recording)
            connection.execute(
                schema.run.update()
                .where(_run_is(order))
                .values(
                    waiting_code=writable(code),
                    waiting_reason=writable(reason),
                    waiting_since=sa.func.coalesce(schema.run.c.waiting_since, now()),
                    waiting_until=instant(until),
                )
            )

    def go_on(self, order: WorkOrder) -> None:
        with self._transactions.writing() as connection:
            tried = schema.run.update().where(_run_is(order), schema.run.c.waiting_until <= now())
            connection.execute(tried.values(**_NOT_WAITING))

    def close(self, run: Run) -> None:
        with self._transactions.writing() as connection:
            self._lock(connection, run.order)
            for progress in run.standing.stages:
                ended = progress.finished_at
                connection.execute(
                    schema.stage.update()
                    .where(_stage_is(run.order, progress.stage))
                    .values(
                        share=progress.share,
                        attempts=progress.attempts,
                        started_at=instant(progress.started_at),
                        finished_at=None if ended is None else instant(ended),
                    )
                )
            closed = schema.run.update().where(_run_is(run.order))
            connection.execute(closed.values(finished_at=instant(run.ended_at)))

    def ready(self, order: WorkOrder) -> None:
        with self._transactions.writing() as connection:
            self._lock(connection, order)
            _end_stages(connection, order)
            ended = schema.run.update().where(_run_is(order))
            connection.execute(
                ended.values(
                    state=State.READY,
                    finished_at=sa.func.coalesce(schema.run.c.finished_at, now()),
                    **_NOT_FAILED,
                    **_NOT_WAITING,
                )
            )

    def fail(self, order: WorkOrder, stage: Stage, code: str, reason: str) -> None:
        with self._transactions.writing() as connection:
            self._lock(connection, order)
            connection.execute(
                schema.run.update()
                .where(_run_is(order))
                .values(
                    state=State.FAILED,
                    failed_stage=stage,
                    failed_code=writable(code),
                    failed_reason=writable(reason),
                    finished_at=now(),
                    **_NOT_WAITING,
                )
            )

    def standing(self, recording: RecordingId) -> Standing:
        # Also of a half-forgotten one: `forget` has to know which runs to cancel when it is called again.
        with self._transactions.reading() as connection:
            run = newest_run(connection, recording)
            return _standing_of(run, _stages_of(connection, recording))

    def ended(self, recording: RecordingId) -> Sequence[Run]:
        run, kept = schema.run, schema.recording
        query = sa.select(run).join(kept, kept.c.id == run.c.recording_id)
        query = query.where(run.c.recording_id == recording, run.c.state.in_(OVER), kept.c.forgotten_at.is_(None))
        with self._transactions.reading() as connection:
            rows = connection.execute(query.order_by(run.c.number)).mappings().all()
            stages = _stages_of(connection, recording)
        return [
            Run(
                order=_order_of(row),
                standing=_standing_of(row, stages),
                ended_at=datetime.fromisoformat(row["finished_at"] or row["started_at"]),
            )
            for row in rows
        ]

    def restart(self, recording: RecordingId, start: Stage) -> WorkOrder:
        with self._transactions.writing() as connection:
            hold(connection, recording)
            run = newest_run(connection, recording)
            if run["state"] not in OVER:
                raise Rejected(Code.BUSY_RECORDING, "its run is not over yet", id=recording)
            order = WorkOrder(recording=recording, run=run["number"] + 1, start=start)
            open_run(connection, order)
            self._enqueue(connection, order)
        return order

    def open_orders(self) -> Sequence[WorkOrder]:
        """Runs that are not over, oldest first: what the engine compares with its own list when it starts. Those of
        forgotten recordings are nobody's work any more."""
        run, recording = schema.run, schema.recording
        query = sa.select(run).join(recording, recording.c.id == run.c.recording_id)
        query = query.where(run.c.state.not_in(OVER), recording.c.forgotten_at.is_(None)).order_by(run.c.started_at)
        with self._transactions.reading() as connection:
            return [_order_of(row) for row in connection.execute(query).mappings()]


def _order_of(row: sa.RowMapping) -> WorkOrder:
    return WorkOrder(recording=RecordingId(row["recording_id"]), run=row["number"], start=Stage(row["start"]))


def _stages_of(connection: sa.Connection, recording: RecordingId) -> Sequence[Progress]:
    """Of all its runs, each run's in the order of the way."""
    rows = connection.execute(sa.select(schema.stage).where(schema.stage.c.recording_id == recording)).mappings()
    return sorted(map(_progress_of, rows), key=lambda progress: STAGES.index(progress.stage))


def _standing_of(run: sa.RowMapping, stages: Sequence[Progress]) -> Standing:
    return standing_of(
        state=State(run["state"]),
        run=run["number"],
        stages=[progress for progress in stages if progress.run == run["number"]],
        failed_stage=run["failed_stage"],
        failed_code=run["failed_code"],
        failed_reason=run["failed_reason"],
        waiting=_waiting_of(run),
    )


def _waiting_of(run: sa.RowMapping) -> Waiting | None:
    if run["waiting_code"] is None:
        return None
    return Waiting(
        code=run["waiting_code"],
        reason=run["waiting_reason"],
        since=datetime.fromisoformat(run["waiting_since"]),
        until=datetime.fromisoformat(run["waiting_until"]),
    )


def _end_stages(connection: sa.Connection, order: WorkOrder, *, but: Stage | None = None) -> None:
    table = schema.stage
    open_ones = sa.and_(
        table.c.recording_id == order.recording, table.c.run == order.run, table.c.finished_at.is_(None)
    )
    ended = table.update().where(open_ones).values(share=1.0, finished_at=now())
    connection.execute(ended if but is None else ended.where(table.c.stage != but))
