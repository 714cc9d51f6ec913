"""Open the database: pragmas, write locks, schema migrations, backup before an upgrade.

SQLite's driver commits DDL behind one's back and starts transactions late; both are turned off here, so that a failed
migration rolls back whole and a writer waits for the lock instead of failing half-way (facts: a failed migration left
a half-made table behind before this).
"""

import logging
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from voxpersona.adapters.library.edge import translated
from voxpersona.errors import Code, Configuration, Integrity, Unavailable

if TYPE_CHECKING:
    from alembic.config import Config

READ_ONLY = "voxpersona_read_only"
"""Execution option of connections that only read: they begin deferred and never wait for a writer."""

NEWEST = "m004"
"""The schema revision this program needs; a test holds it equal to the head of the migrations."""

VERSION_TABLE = "voxpersona_schema"

MOVED = "moved"
"""Stands for the revision in an SQLite database whose rows were moved into a server's."""

MIGRATIONS = Path(__file__).with_name("migrations")
"""Alembic's directory of ours."""

_BUSY_MS = 30_000
_MIGRATION_LOCK = 0x566F7850_6572736F  # of PostgreSQL's advisory locks; the bytes spell "VoxPerso"


def driven(url: str) -> str:
    """A PostgreSQL URL with the driver that we and DBOS share."""
    scheme, separator, rest = url.partition("://")
    return f"{'postgresql+psycopg' if scheme in ('postgres', 'postgresql') else scheme}{separator}{rest}"


def open_engine(url: str) -> sa.Engine:
    """An engine for our own tables; every transaction of it is a write transaction unless marked READ_ONLY."""
    # hide_parameters: SQLAlchemy's texts, which tracebacks print, would quote what people said.
    if not url.startswith("sqlite"):
        return sa.create_engine(url, pool_pre_ping=True, hide_parameters=True)
    engine = sa.create_engine(url, hide_parameters=True)

    @sa.event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def _on_begin(connection: sa.Connection) -> None:
        read_only = connection.get_execution_options().get(READ_ONLY, False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def prepare_sqlite(path: Path) -> None:
    """Turn write-ahead logging on, once; it stays with the file. DBOS does not do it.

    The file is its owner's alone from its first byte on. Integrity where it is no database, Unavailable where it is
    locked for long.
    """
    path.touch(mode=0o600)
    path.chmod(0o600)
    with translated(), closing(sqlite3.connect(path, timeout=_BUSY_MS / 1000)) as connection:
        until = time.monotonic() + _BUSY_MS / 1000
        while not _is_write_ahead(connection):
            if time.monotonic() > until:
                reason = "write-ahead logging cannot be turned on"
                raise Unavailable(Code.LIBRARY_UNAVAILABLE, f"{path}: {reason}", reason=reason)
            time.sleep(0.05)


def _is_write_ahead(connection: sqlite3.Connection) -> bool:
    """Turn it on. False where another process is at it: SQLite does not wait for its lock in this one case."""
    try:
        mode: str = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        return False
    return mode == "wal"


def prepared_for(path: Path) -> int:
    """The mark of what the database was last prepared for; 0 for a new one. Costs no import.

    It stands inside the file (`user_version`), so that an older copy put back brings its own mark along.
    """
    if not path.exists():
        return 0
    with translated(), closing(sqlite3.connect(path, timeout=_BUSY_MS / 1000)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def mark_prepared(path: Path, mark: int) -> None:
    """Write the mark that `prepared_for` reads."""
    with translated(), closing(sqlite3.connect(path, timeout=_BUSY_MS / 1000)) as connection:
        connection.execute(f"PRAGMA user_version={int(mark)}")


def server_prepared_for(engine: sa.Engine) -> int:
    """As `prepared_for`, of a PostgreSQL database: there the mark is the comment on our version table, which a dump
    brings along."""
    with translated(), engine.connect() as connection:
        comment = sa.text("SELECT obj_description(to_regclass(:table), 'pg_class')")
        told: str | None = connection.execute(comment, {"table": VERSION_TABLE}).scalar()
    return int(told) if told is not None and told.isdecimal() else 0


def mark_server_prepared(engine: sa.Engine, mark: int) -> None:
    """Write the mark that `server_prepared_for` reads."""
    with translated(), engine.begin() as connection:
        connection.exec_driver_sql(f"COMMENT ON TABLE {VERSION_TABLE} IS '{int(mark)}'")


def migrate(engine: sa.Engine, *, backup: Path | None = None, scripts: Path = MIGRATIONS, newest: str = NEWEST) -> None:
    """Bring the schema to the newest revision, in one transaction. Safe when several processes start at once.

    `backup`, a directory: where a copy of an SQLite database goes before an existing schema is changed.
    A schema of a newer program: Configuration DATA_DIRECTORY, untouched. A migration that leaves rows pointing
    nowhere: Integrity, rolled back.
    """
    from alembic import command

    # Alembic logs every step at INFO through its own loggers; an upgrade is told once, by us.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with translated():
        with engine.connect().execution_options(**{READ_ONLY: True}) as reader:
            if _revision(reader) == newest:
                return
        with _sole_migrator(engine) as connection:
            current = _revision(connection)
            if current == newest:
                return  # another process did it while we waited
            config = _alembic(connection, scripts)
            _refuse_unknown(config, current, engine.url.database or "")
            if current is not None and backup is not None and engine.dialect.name == "sqlite":
                _back_up(Path(engine.url.database or ""), backup, newest)
            command.upgrade(config, newest)


def is_moved(engine: sa.Engine) -> bool:
    """Whether the database is what is left where its rows were moved into a server's."""
    with translated(), engine.connect().execution_options(**{READ_ONLY: True}) as reader:
        return _revision(reader) == MOVED


def _alembic(connection: sa.Connection, scripts: Path) -> "Config":
    # Imported when needed: only a new or outdated database pays for it.
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _revision(connection: sa.Connection) -> str | None:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()


def _refuse_unknown(config: "Config", current: str | None, database: str) -> None:
    from alembic.script import ScriptDirectory

    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if current == MOVED:
        reason = "its recordings were moved into a PostgreSQL database: set VOXPERSONA_DATABASE_URL to that one"
        raise Configuration(Code.DATA_DIRECTORY, reason, path=database, reason=reason)
    if current is not None and current not in known:
        reason = f"its database has the schema {current}, of a newer version of this program"
        raise Configuration(Code.DATA_DIRECTORY, reason, path=database, reason=reason)


@contextmanager
def _sole_migrator(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A write transaction beside which no other migration runs.

    SQLite's foreign keys rest meanwhile: a migration that rebuilds a table drops the old one, and with them on that
    would delete the rows of all its children. They can only be switched outside a transaction; what the migration
    left is checked before the commit.
    """
    with engine.connect() as connection:
        if engine.dialect.name != "sqlite":
            with connection.begin():
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATION_LOCK)))
                yield connection
            return
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys=OFF")
        try:
            with connection.begin():
                yield connection
                broken = {row[0] for row in connection.exec_driver_sql("PRAGMA foreign_key_check")}
                if broken:
                    reason = f"a migration left rows pointing nowhere in {', '.join(sorted(broken))}"
                    raise Integrity(Code.INTERNAL, reason, reason=reason)
        finally:
            driver.execute("PRAGMA foreign_keys=ON")


def _back_up(database: Path, directory: Path, newest: str) -> None:
    """Copy the database as it was last committed; durable and complete when this returns, or not there."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = directory / f"before-{newest}-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}.db"
    target.touch(mode=0o600, exist_ok=False)  # VACUUM INTO takes an empty file, and leaves its permissions
    try:
        with closing(sqlite3.connect(database)) as source:
            source.execute("VACUUM INTO ?", (str(target),))
        with target.open("rb") as written:
            os.fsync(written.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise
