"""SqlLibrary: recordings, sources and results on SQLAlchemy."""

from collections.abc import Iterable, Sequence, Set
from contextlib import suppress
from typing import TypeVar

import sqlalchemy as sa

from voxpersona.adapters.library import schema
from voxpersona.adapters.library.edge import Clash
from voxpersona.adapters.library.restoring import Enqueue, restore
from voxpersona.adapters.library.results import made_of, newest_first, save_result
from voxpersona.adapters.library.rows import (
    first_source,
    hold,
    insert_recording,
    newest_run,
    open_run,
    recording_of,
    remember,
    remember_now,
    select_recordings,
    source_of,
    standing_for,
)
from voxpersona.adapters.library.standing import refuse_late
from voxpersona.adapters.library.transactions import Transactions, now
from voxpersona.adapters.library.writable import (
    is_writable_result,
    refuse_unwritable_recording,
    refuse_unwritable_result,
    refuse_unwritable_source,
)
from voxpersona.errors import Code, NotFound, Rejected, Unavailable
from voxpersona.model import Attribution, Recording, RecordingId, Report, Run, Source, Stage, Transcript, WorkOrder
from voxpersona.ports import Made

Result = TypeVar("Result", Transcript, Attribution)


class SqlLibrary:
    """See `ports.Library`. `enqueue` is how an order's work is started in the same commit."""

    def __init__(self, transactions: Transactions, enqueue: Enqueue) -> None:
        self._transactions = transactions
        self._enqueue = enqueue

    def known(self, source: str, sha256: str) -> Recording | None:
        refuse_unwritable_source(source)
        with self._transactions.reading() as connection:
            return standing_for(connection, source, sha256)

    def add(self, recording: Recording) -> tuple[Recording, bool]:
        refuse_unwritable_recording(recording)
        # Refused once: another process added the same between our look and our insert; now it stands, so look again.
        with suppress(Clash):
            return self._add(recording)
        try:
            return self._add(recording)
        except Clash as error:
            reason = "the same bytes are being forgotten right now"
            raise Unavailable(Code.LIBRARY_UNAVAILABLE, reason, reason=reason) from error

    def _add(self, recording: Recording) -> tuple[Recording, bool]:
        with self._transactions.writing() as connection:
            standing = standing_for(connection, recording.source, recording.original.sha256, held=True)
            if standing is not None:
                remember_now(connection, recording.source, standing.id)
                return standing, False
            remember(connection, first_source(recording))
            self._insert(connection, recording)
        return recording, True

    def _insert(self, connection: sa.Connection, recording: Recording) -> None:
        insert_recording(connection, recording)
        order = WorkOrder(recording=recording.id, run=1)
        open_run(connection, order)
        self._enqueue(connection, order)

    def recording(self, identity: str) -> Recording:
        rows: Sequence[sa.RowMapping] = ()
        if identity and identity.isascii() and identity.isprintable():
            prefixed = schema.recording.c.id.startswith(identity.lower(), autoescape=True)
            with self._transactions.reading() as connection:
                rows = connection.execute(select_recordings().where(prefixed).limit(2)).mappings().all()
        if not rows:
            raise NotFound(Code.RECORDING_UNKNOWN, f"no recording {identity!r}", id=identity)
        if len(rows) > 1:
            raise Rejected(Code.AMBIGUOUS_ID, f"{identity!r} is the start of several ids", id=identity)
        return recording_of(rows[0])

    def recordings(self) -> Sequence[Recording]:
        newest_first = select_recordings().order_by(schema.recording.c.received_at.desc(), schema.recording.c.id)
        with self._transactions.reading() as connection:
            return [recording_of(row) for row in connection.execute(newest_first).mappings()]

    def save(self, result: Transcript | Attribution | Report) -> int:
        refuse_unwritable_result(result)
        with self._transactions.writing() as connection:
            hold(connection, result.recording)
            return save_result(connection, result)

    def correct(self, corrected: Attribution) -> WorkOrder:
        refuse_unwritable_result(corrected)
        order = WorkOrder(recording=corrected.recording, run=corrected.number, start=Stage.ATTRIBUTE)
        with self._transactions.writing() as connection:
            hold(connection, corrected.recording)
            newest = newest_run(connection, corrected.recording)
            refuse_late(order, newest["number"], newest["state"])
            open_run(connection, order)
            save_result(connection, corrected)
            self._enqueue(connection, order)
        return order

    def transcript(self, recording: RecordingId, number: int | None = None) -> Transcript:
        return self._result(schema.transcription, Transcript, recording, number)

    def attribution(self, recording: RecordingId, number: int | None = None) -> Attribution:
        return self._result(schema.attribution, Attribution, recording, number)

    def _result(self, table: sa.Table, noun: type[Result], recording: RecordingId, number: int | None) -> Result:
        query = newest_first(table, recording)
        if number is not None:
            query = query.where(table.c.number == number)
        with self._transactions.reading() as connection:
            document = connection.execute(query).scalars().first()
        if document is None:
            kind = table.name
            raise NotFound(Code.RESULT_ABSENT, f"{recording} has no {kind} yet", id=recording, kind=kind)
        return noun.model_validate_json(document)

    def reports(self, recording: RecordingId, number: int | None = None) -> Sequence[Report]:
        query = newest_first(schema.audit, recording)
        if number is not None:
            query = query.where(schema.audit.c.number == number)
        with self._transactions.reading() as connection:
            documents = connection.execute(query).scalars().all()
        current: dict[str, Report] = {}
        for document in documents:
            report = Report.model_validate_json(document)
            current.setdefault(report.template, report)
        return [current[template] for template in sorted(current)]

    def made(self, recording: RecordingId) -> Set[Made]:
        with self._transactions.reading() as connection:
            return made_of(connection, recording)

    def forget(self, recording: RecordingId) -> None:
        with self._transactions.writing() as connection:
            # The recording first: its row's lock makes us wait for those who are adding a source to it.
            for table, of in ((schema.recording, schema.recording.c.id), (schema.source, schema.source.c.recording_id)):
                unmarked = table.update().where(of == recording, table.c.forgotten_at.is_(None))
                connection.execute(unmarked.values(forgotten_at=now()))

    def half_forgotten(self) -> Sequence[Recording]:
        with self._transactions.reading() as connection:
            return [recording_of(row) for row in connection.execute(select_recordings(forgotten=True)).mappings()]

    def erase(self, recording: RecordingId) -> None:
        forgotten = schema.recording.c.forgotten_at.is_not(None)
        with self._transactions.writing() as connection:
            connection.execute(schema.recording.delete().where(schema.recording.c.id == recording, forgotten))

    def sources(self, recording: RecordingId | None = None) -> Sequence[Source]:
        query = sa.select(schema.source)
        if recording is not None:
            query = query.where(schema.source.c.recording_id == recording)
        with self._transactions.reading() as connection:
            return sorted(map(source_of, connection.execute(query).mappings()), key=lambda source: source.key)

    def remember(self, sources: Iterable[Source]) -> None:
        told = list(sources)
        for source in told:
            refuse_unwritable_source(source.key)
        if not told:
            return
        try:
            self._remember(told)
        except Clash:  # another process kept one of them between our look and our insert
            self._remember(told)

    def _remember(self, sources: Sequence[Source]) -> None:
        with self._transactions.writing() as connection:
            for source in sources:
                remember(connection, source)

    def restore(
        self,
        recording: Recording,
        runs: Sequence[Run] = (),
        results: Sequence[Transcript | Attribution | Report] = (),
        work: WorkOrder | None = None,
    ) -> Recording:
        refuse_unwritable_recording(recording)
        kept = [result for result in results if is_writable_result(result)]

        def once() -> Recording:
            with self._transactions.writing() as connection:
                return restore(connection, recording, runs, kept, work, self._enqueue)

        with suppress(Clash):  # another process restored the same between our look and our insert; so look again
            return once()
        return once()
