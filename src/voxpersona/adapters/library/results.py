"""Rows of results: each is written once and never altered; which one is current is a matter of order."""

from collections.abc import Set
from typing import Any

import sqlalchemy as sa

from voxpersona.adapters.library import schema
from voxpersona.adapters.library.transactions import now
from voxpersona.errors import Code, NotFound
from voxpersona.model import Attribution, RecordingId, Report, Stage, State, Transcript
from voxpersona.ports import Made

_TABLES = {
    Stage.TRANSCRIBE: schema.transcription,
    Stage.ATTRIBUTE: schema.attribution,
    Stage.REPORT: schema.audit,
}


def newest_first(table: sa.Table, recording: RecordingId) -> sa.Select[Any]:
    """Documents of a recording that is not forgotten: those of runs that ended well first, newest first."""
    joined = table.join(schema.recording, schema.recording.c.id == table.c.recording_id).outerjoin(
        schema.run, sa.and_(schema.run.c.recording_id == table.c.recording_id, schema.run.c.number == table.c.number)
    )
    chosen = sa.select(table.c.document).select_from(joined).where(table.c.recording_id == recording)
    return chosen.where(schema.recording.c.forgotten_at.is_(None)).order_by(*_ended_well_first(table))


def _ended_well_first(table: sa.Table) -> tuple[sa.ColumnElement[Any], ...]:
    """The order that makes a result current, in a select that joins its run."""
    return sa.case((schema.run.c.state == State.READY, 1), else_=0).desc(), table.c.number.desc()


def made_of(connection: sa.Connection, recording: RecordingId) -> Set[Made]:
    """Which results a recording that is not forgotten has."""
    stands = sa.exists().where(schema.recording.c.id == recording, schema.recording.c.forgotten_at.is_(None))
    found: set[Made] = set()
    for stage, table in _TABLES.items():
        template = table.c.template if stage is Stage.REPORT else sa.literal("")
        rows = sa.select(table.c.number, template).where(table.c.recording_id == recording, stands)
        found |= {(stage, number, name) for number, name in connection.execute(rows)}
    return found


def save_result(connection: sa.Connection, result: Transcript | Attribution | Report) -> int:
    """The id of the row that keeps the result, new or found. NotFound where a report has no attribution."""
    if isinstance(result, Transcript):
        return _save_transcript(connection, result)
    if isinstance(result, Attribution):
        return _save_attribution(connection, result)
    return _save_report(connection, result)


def _saved(
    connection: sa.Connection, table: sa.Table, same: dict[str, Any], values: dict[str, Any]
) -> tuple[int, bool]:
    """The id of the row that `same` names, and whether it is new. A result saved twice is saved once."""
    where = [table.c[name] == value for name, value in same.items()]
    found = connection.execute(sa.select(table.c.id).where(*where)).scalar()
    if found is not None:
        return int(found), False
    inserted = connection.execute(table.insert().values(**same, **values, saved_at=now()))
    key = inserted.inserted_primary_key
    assert key is not None
    return int(key[0]), True


def _save_transcript(connection: sa.Connection, result: Transcript) -> int:
    values = {
        "language": result.language,
        "engine": result.engine,
        "text": result.text,
        "document": result.model_dump_json(),
    }
    same = {"recording_id": result.recording, "number": result.number}
    return _saved(connection, schema.transcription, same, values)[0]


def _save_attribution(connection: sa.Connection, result: Attribution) -> int:
    values = {
        "transcription_number": result.transcript,
        "diarizer": result.diarizer,
        "method": result.method,
        "document": result.model_dump_json(),
    }
    same = {"recording_id": result.recording, "number": result.number}
    row, is_new = _saved(connection, schema.attribution, same, values)
    if is_new and result.speakers:
        voices = [
            {
                "attribution_id": row,
                "label": speaker.label,
                "role": speaker.role.value,
                "confidence": speaker.confidence,
                "seconds": speaker.seconds,
            }
            for speaker in result.speakers
        ]
        connection.execute(schema.speaker.insert(), voices)
    return row


def _transcription_of(connection: sa.Connection, report: Report) -> int | None:
    """The transcript a report was written from: that of its own run's attribution, else of the current one."""
    table, run = schema.attribution, schema.run
    joined = table.join(
        schema.transcription,
        sa.and_(
            schema.transcription.c.recording_id == table.c.recording_id,
            schema.transcription.c.number == table.c.transcription_number,
        ),
    ).outerjoin(run, sa.and_(run.c.recording_id == table.c.recording_id, run.c.number == table.c.number))
    attributed = sa.select(schema.transcription.c.id).select_from(joined)
    attributed = attributed.where(table.c.recording_id == report.recording, table.c.number <= report.number)
    own_first = sa.case((table.c.number == report.number, 1), else_=0).desc()
    return connection.execute(attributed.order_by(own_first, *_ended_well_first(table))).scalars().first()


def _save_report(connection: sa.Connection, result: Report) -> int:
    transcription = _transcription_of(connection, result)
    if transcription is None:
        detail = f"{result.recording} has no attribution to report on"
        raise NotFound(Code.RESULT_ABSENT, detail, id=result.recording, kind=schema.attribution.name)
    values = {
        "transcription_id": transcription,
        "version": result.version,
        "language": result.language,
        "method": result.method,
        "title": result.title,
        "document": result.model_dump_json(),
    }
    same = {"recording_id": result.recording, "template": result.template, "number": result.number}
    return _saved(connection, schema.audit, same, values)[0]
