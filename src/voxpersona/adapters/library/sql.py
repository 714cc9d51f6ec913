"""SqlLibrary: recordings, sources and results on SQLAlchemy."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from voxpersona.adapters.library import schema
from voxpersona.adapters.library.edge import Clash
from voxpersona.adapters.library.results import newest_first, save_result
from voxpersona.adapters.library.transactions import Transactions, instant, now
from voxpersona.adapters.library.writable import (
    refuse_unwritable_recording,
    refuse_unwritable_result,
    refuse_unwritable_source,
)
from voxpersona.errors import Code, NotFound, Rejected, Unavailable
from voxpersona.model import (
    Attribution,
    Details,
    MediaFacts,
    Original,
    Recording,
    RecordingId,
    Report,
    State,
    Transcript,
    WorkOrder,
)

Enqueue = Callable[[sa.Connection, WorkOrder], None]
"""Starts the work of an order inside the transaction of the given connection."""

Result = TypeVar("Result", Transcript, Attribution)

_SEARCHED = schema.recording.join(schema.details, schema.details.c.recording_id == schema.recording.c.id)


def _recording_of(row: sa.RowMapping) -> Recording:
    named = {name: row[f"details_{name}"] for name in Details.model_fields}
    return Recording(
        id=RecordingId(row["recording_id"]),
        source=row["recording_source_key"],
        received_at=datetime.fromisoformat(row["recording_received_at"]),
        details=Details.model_validate(named),
        original=Original(
            name=row["recording_name"],
            key=row["recording_blob_key"],
            sha256=row["recording_sha256"],
            bytes=row["recording_bytes"],
            media=MediaFacts.model_validate_json(row["recording_media"]),
        ),
    )


def _select_recordings(*, forgotten: bool = False) -> sa.Select[Any]:
    columns = [c.label(f"recording_{c.name}") for c in schema.recording.c]
    columns += [c.label(f"details_{c.name}") for c in schema.details.c if c.name != "recording_id"]
    marked = schema.recording.c.forgotten_at
    return sa.select(*columns).select_from(_SEARCHED).where(marked.is_not(None) if forgotten else marked.is_(None))


def _one(connection: sa.Connection, where: sa.ColumnElement[bool], *, held: bool) -> Recording | None:
    query = _select_recordings().where(where)
    if held:
        query = query.with_for_update(of=schema.recording, key_share=True)
    row = connection.execute(query).mappings().first()
    return None if row is None else _recording_of(row)


def hold(connection: sa.Connection, recording: RecordingId) -> None:
    """Lock the recording's row until the transaction ends. NotFound where it is forgotten or was never there.

    Whatever writes for a recording takes this first: on PostgreSQL two of them would else decide on what the other is
    about to change. On SQLite every write transaction is alone anyway.
    """
    row = sa.select(schema.recording.c.id).where(
        schema.recording.c.id == recording, schema.recording.c.forgotten_at.is_(None)
    )
    if connection.execute(row.with_for_update(key_share=True)).first() is None:
        raise NotFound(Code.RECORDING_UNKNOWN, f"no recording {recording!r}", id=recording)


def _standing_for(connection: sa.Connection, source: str, sha256: str, *, held: bool = False) -> Recording | None:
    """The recording of these bytes or of this delivery; Rejected where the delivery was forgotten.
    `held`: nobody can forget it before the transaction ends."""
    found = _one(connection, schema.recording.c.sha256 == sha256, held=held)
    if found is not None:
        return found
    seen = connection.execute(sa.select(schema.source).where(schema.source.c.key == source)).mappings().first()
    if seen is None:
        return None
    if seen["forgotten_at"] is not None:
        day = seen["forgotten_at"][:10]
        raise Rejected(Code.FORGOTTEN, f"this delivery was forgotten on {day}", day=day)
    return _one(connection, schema.recording.c.id == seen["recording_id"], held=held)


class SqlLibrary:
    """See `ports.Library`. `enqueue` is how an order's work is started in the same commit."""

    def __init__(self, transactions: Transactions, enqueue: Enqueue) -> None:
        self._transactions = transactions
        self._enqueue = enqueue

    def known(self, source: str, sha256: str) -> Recording | None:
        refuse_unwritable_source(source)
        with self._transactions.reading() as connection:
            return _standing_for(connection, source, sha256)

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
            standing = _standing_for(connection, recording.source, recording.original.sha256, held=True)
            if standing is not None:
                _remember(connection, recording.source, standing.id)
                return standing, False
            _remember(connection, recording.source, recording.id)
            self._insert(connection, recording)
        return recording, True

    def _insert(self, connection: sa.Connection, recording: Recording) -> None:
        original = recording.original
        connection.execute(
            schema.recording.insert().values(
                id=recording.id,
                source_key=recording.source,
                received_at=instant(recording.received_at),
                name=original.name,
                blob_key=original.key,
                sha256=original.sha256,
                bytes=original.bytes,
                seconds=original.media.seconds,
                media=original.media.model_dump_json(),
            )
        )
        told = recording.details.model_dump(mode="json")
        connection.execute(schema.details.insert().values(recording_id=recording.id, **told))
        order = WorkOrder(recording=recording.id, run=1)
        open_run(connection, order)
        self._enqueue(connection, order)

    def recording(self, identity: str) -> Recording:
        rows: Sequence[sa.RowMapping] = ()
        if identity and identity.isascii() and identity.isprintable():
            prefixed = schema.recording.c.id.startswith(identity.lower(), autoescape=True)
            with self._transactions.reading() as connection:
                rows = connection.execute(_select_recordings().where(prefixed).limit(2)).mappings().all()
        if not rows:
            raise NotFound(Code.RECORDING_UNKNOWN, f"no recording {identity!r}", id=identity)
        if len(rows) > 1:
            raise Rejected(Code.AMBIGUOUS_ID, f"{identity!r} is the start of several ids", id=identity)
        return _recording_of(rows[0])

    def recordings(self) -> Sequence[Recording]:
        newest_first = _select_recordings().order_by(schema.recording.c.received_at.desc(), schema.recording.c.id)
        with self._transactions.reading() as connection:
            return [_recording_of(row) for row in connection.execute(newest_first).mappings()]

    def save(self, result: Transcript | Attribution | Report) -> int:
        refuse_unwritable_result(result)
        with self._transactions.writing() as connection:
            hold(connection, result.recording)
            return save_result(connection, result)

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

    def reports(self, recording: RecordingId) -> Sequence[Report]:
        with self._transactions.reading() as connection:
            documents = connection.execute(newest_first(schema.audit, recording)).scalars().all()
        current: dict[str, Report] = {}
        for document in documents:
            report = Report.model_validate_json(document)
            current.setdefault(report.template, report)
        return [current[template] for template in sorted(current)]

    def forget(self, recording: RecordingId) -> None:
        with self._transactions.writing() as connection:
            # The recording first: its row's lock makes us wait for those who are adding a source to it.
            for table, of in ((schema.recording, schema.recording.c.id), (schema.source, schema.source.c.recording_id)):
                unmarked = table.update().where(of == recording, table.c.forgotten_at.is_(None))
                connection.execute(unmarked.values(forgotten_at=now()))

    def half_forgotten(self) -> Sequence[Recording]:
        with self._transactions.reading() as connection:
            return [_recording_of(row) for row in connection.execute(_select_recordings(forgotten=True)).mappings()]

    def erase(self, recording: RecordingId) -> None:
        forgotten = schema.recording.c.forgotten_at.is_not(None)
        with self._transactions.writing() as connection:
            connection.execute(schema.recording.delete().where(schema.recording.c.id == recording, forgotten))


def _remember(connection: sa.Connection, key: str, recording: RecordingId) -> None:
    if connection.execute(sa.select(schema.source.c.key).where(schema.source.c.key == key)).first() is None:
        connection.execute(schema.source.insert().values(key=key, recording_id=recording, seen_at=now()))


def open_run(connection: sa.Connection, order: WorkOrder) -> None:
    """The row of a run that is about to start."""
    connection.execute(
        schema.run.insert().values(
            recording_id=order.recording,
            number=order.run,
            start=order.start,
            state=State.RECEIVED,
            started_at=now(),
        )
    )
