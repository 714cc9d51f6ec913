"""Rows of recordings, source keys and runs: how each is found, locked and written."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from voxpersona.adapters.library import schema
from voxpersona.adapters.library.transactions import instant, now
from voxpersona.errors import Code, NotFound, Rejected
from voxpersona.model import (
    Details,
    MediaFacts,
    Original,
    Recording,
    RecordingId,
    Source,
    State,
    WorkOrder,
)

_SEARCHED = schema.recording.join(schema.details, schema.details.c.recording_id == schema.recording.c.id)


def recording_of(row: sa.RowMapping) -> Recording:
    """The noun of a row that `select_recordings` found."""
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


def select_recordings(*, forgotten: bool | None = False) -> sa.Select[Any]:
    """Recordings with their details: those that stand, the half forgotten ones, or both (None)."""
    columns = [c.label(f"recording_{c.name}") for c in schema.recording.c]
    columns += [c.label(f"details_{c.name}") for c in schema.details.c if c.name != "recording_id"]
    marked = schema.recording.c.forgotten_at
    found = sa.select(*columns).select_from(_SEARCHED)
    if forgotten is None:
        return found
    return found.where(marked.is_not(None) if forgotten else marked.is_(None))


def find_one(
    connection: sa.Connection, where: sa.ColumnElement[bool], *, held: bool, forgotten: bool | None = False
) -> Recording | None:
    """The recording, if there is one; `held` locks its row until the transaction ends."""
    query = select_recordings(forgotten=forgotten).where(where)
    if held:
        query = query.with_for_update(of=schema.recording, key_share=True)
    row = connection.execute(query).mappings().first()
    return None if row is None else recording_of(row)


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


def standing_for(connection: sa.Connection, source: str, sha256: str, *, held: bool = False) -> Recording | None:
    """The recording of these bytes or of this delivery; Rejected where the delivery was forgotten.
    `held`: nobody can forget it before the transaction ends."""
    found = find_one(connection, schema.recording.c.sha256 == sha256, held=held)
    if found is not None:
        return found
    seen = connection.execute(sa.select(schema.source).where(schema.source.c.key == source)).mappings().first()
    if seen is None:
        return None
    if seen["forgotten_at"] is not None:
        day = seen["forgotten_at"][:10]
        raise Rejected(Code.FORGOTTEN, f"this delivery was forgotten on {day}", day=day)
    return find_one(connection, schema.recording.c.id == seen["recording_id"], held=held)


def source_of(row: sa.RowMapping) -> Source:
    """The noun of a row of the table `source`."""
    forgotten = row["forgotten_at"]
    return Source(
        key=row["key"],
        recording=RecordingId(row["recording_id"]),
        seen_at=datetime.fromisoformat(row["seen_at"]),
        forgotten_at=None if forgotten is None else datetime.fromisoformat(forgotten),
    )


def remember(connection: sa.Connection, source: Source) -> None:
    """Keep a source key; one that is known stays as it is."""
    table = schema.source
    if connection.execute(sa.select(table.c.key).where(table.c.key == source.key)).first() is None:
        forgotten = source.forgotten_at
        connection.execute(
            table.insert().values(
                key=source.key,
                recording_id=source.recording,
                seen_at=instant(source.seen_at),
                forgotten_at=None if forgotten is None else instant(forgotten),
            )
        )


def first_source(recording: Recording) -> Source:
    """The source key of the delivery that brought a recording."""
    return Source(key=recording.source, recording=recording.id, seen_at=recording.received_at)


def remember_now(connection: sa.Connection, key: str, recording: RecordingId) -> None:
    """Keep the source key of a delivery that has just come."""
    remember(connection, Source(key=key, recording=recording, seen_at=datetime.now(UTC)))


def insert_recording(connection: sa.Connection, recording: Recording, *, forgotten_at: str | None = None) -> None:
    """The rows of a new recording and its details; hidden where it comes back half forgotten."""
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
            forgotten_at=forgotten_at,
        )
    )
    told = recording.details.model_dump(mode="json")
    connection.execute(schema.details.insert().values(recording_id=recording.id, **told))


def newest_run(connection: sa.Connection, recording: RecordingId) -> sa.RowMapping:
    """The row of the recording's latest run. NotFound RECORDING_UNKNOWN."""
    runs = sa.select(schema.run).where(schema.run.c.recording_id == recording)
    newest = connection.execute(runs.order_by(schema.run.c.number.desc())).mappings().first()
    if newest is None:
        raise NotFound(Code.RECORDING_UNKNOWN, f"no recording {recording!r}", id=recording)
    return newest


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
