"""Move a library from its SQLite file into a PostgreSQL database: all or nothing, and never two of them afterwards."""

from collections.abc import Callable

import sqlalchemy as sa

from voxpersona.adapters.library import schema
from voxpersona.adapters.library.database import MOVED, VERSION_TABLE
from voxpersona.adapters.library.edge import translated
from voxpersona.adapters.library.restoring import Enqueue
from voxpersona.adapters.library.standing import OVER
from voxpersona.errors import Code, Configuration
from voxpersona.model import RecordingId, Stage, WorkOrder

_OF_ONE_DATABASE = frozenset({schema.lease.name, schema.switch.name, schema.pace.name})
_ROWS = 500  # copied at a time
_KEYS = ((schema.recording, "id"), (schema.source, "key"))
"""What makes a row of the old database known in the new one."""

OnCopied = Callable[[float], None]


def move(source: sa.Engine, target: sa.Engine, enqueue: Enqueue, *, on_progress: OnCopied) -> int:
    """Copy all rows, start the work that is not over anew, then close the old database for good. How many recordings.

    Both are migrated to the newest schema. Nobody can write to the old one meanwhile; afterwards it is refused by
    `migrate`, and whoever still has it open finds its tables gone. Killed between the two commits it is called again,
    and closes the old one where the new one has everything. Configuration DATABASE_NOT_EMPTY where the new one holds
    anything that did not come from the old one.
    """
    with translated(), source.begin() as old:
        recordings = _count(old, schema.recording)
        with target.begin() as new:
            if _count(new, schema.recording) or _count(new, schema.source):
                _refuse_missing(old, new)
            else:
                _copy(old, new, on_progress)
                for order in _open_orders(new):
                    enqueue(new, order)
        _close(old)
    return recordings


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _refuse_missing(old: sa.Connection, new: sa.Connection) -> None:
    for table, key in _KEYS:
        known = set(new.execute(sa.select(table.c[key])).scalars())
        missing = [name for name in old.execute(sa.select(table.c[key])).scalars() if name not in known]
        if missing:
            reason = f"it holds an archive already, and {len(missing)} rows of {table.name} are not in it"
            raise Configuration(Code.DATABASE_NOT_EMPTY, reason, reason=reason)


def _copy(old: sa.Connection, new: sa.Connection, on_progress: OnCopied) -> None:
    tables = [table for table in schema.metadata.sorted_tables if table.name not in _OF_ONE_DATABASE]
    for place, table in enumerate(tables, 1):
        for rows in old.execute(sa.select(table)).mappings().partitions(_ROWS):
            new.execute(table.insert(), [dict(row) for row in rows])
        if table.c.get("id") is not None and isinstance(table.c.id.type, sa.Integer):
            # The next row must not get a number that was copied.
            highest = sa.select(sa.func.max(table.c.id)).scalar_subquery()
            sequence = sa.func.pg_get_serial_sequence(table.name, "id")
            new.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(highest, 0) + 1, sa.false())))
        on_progress(place / len(tables))
    # Whoever was at it, in the old database's worker, is not any more.
    new.execute(schema.run.update().values(worker=None))


def _open_orders(connection: sa.Connection) -> list[WorkOrder]:
    run, recording = schema.run, schema.recording
    query = sa.select(run).join(recording, recording.c.id == run.c.recording_id)
    query = query.where(run.c.state.not_in(OVER), recording.c.forgotten_at.is_(None)).order_by(run.c.started_at)
    return [
        WorkOrder(recording=RecordingId(row["recording_id"]), run=row["number"], start=Stage(row["start"]))
        for row in connection.execute(query).mappings()
    ]


def _close(old: sa.Connection) -> None:
    for name in (schema.recording.name, schema.source.name):
        old.exec_driver_sql(f"ALTER TABLE {name} RENAME TO moved_{name}")
    version = sa.table(VERSION_TABLE, sa.column("version_num"))
    old.execute(version.update().values(version_num=MOVED))
    old.exec_driver_sql("PRAGMA user_version=0")  # so that the schema is looked at when it is opened next
