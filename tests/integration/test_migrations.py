"""Schema migrations, on SQLite and PostgreSQL: whole or not at all, once, and never over what people kept."""

import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tests.builders import a_recording, a_transcript
from tests.servers.postgres import POSTGRESQL, PostgresServer
from voxpersona.adapters.library import schema
from voxpersona.adapters.library.database import MIGRATIONS, NEWEST, migrate, open_engine, prepare_sqlite
from voxpersona.adapters.library.journal import SqlJournal
from voxpersona.adapters.library.sql import SqlLibrary
from voxpersona.adapters.library.transactions import Transactions
from voxpersona.errors import Code, Configuration, Integrity, Unavailable
from voxpersona.model import Recording, WorkOrder

NEXT = "m999"
OPTIONS: dict[str, Any] = {"version_table": "voxpersona_schema", "compare_type": True, "compare_server_default": True}

REVISIONS = [script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()]

HALF_WAY = """
    op.create_table("half", sa.Column("made", sa.Integer()))
    with op.batch_alter_table("recording") as recording:
        recording.add_column(sa.Column("half", sa.Text()))
    op.execute("UPDATE recording SET name = 'overwritten'")
"""
RAISES = HALF_WAY + '    raise ValueError("broken on purpose")\n'
WRONG_SQL = HALF_WAY + '    op.execute("SELECT nothing FROM nowhere")\n'
# SQLite can change no column's type: Alembic rebuilds the table there.
SOUND = """
    with op.batch_alter_table("recording") as recording:
        recording.add_column(sa.Column("mood", sa.Text()))
        recording.alter_column("blob_key", existing_type=sa.Text(), type_=sa.String(2000))
"""
ORPHANS = """
    op.execute("DELETE FROM recording")
"""

MIGRATE = """
import sys
from pathlib import Path
from alembic import command
from voxpersona.adapters.library.database import migrate, open_engine
url, backup, scripts, newest = sys.argv[1:]
engine = open_engine(url)
print("ready", flush=True)
sys.stdin.readline()
migrate(engine, backup=Path(backup), scripts=Path(scripts), newest=newest)
engine.dispose()
"""


@pytest.fixture(params=["sqlite", POSTGRESQL])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        path = tmp_path / "library.db"
        prepare_sqlite(path)
        yield f"sqlite:///{path}"
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        with server.database() as url:
            yield url


@contextmanager
def opened(url: str) -> Iterator[sa.Engine]:
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


def scripts_with(directory: Path, upgrade: str) -> Path:
    """Our migrations and one more that does `upgrade`."""
    scripts = directory / "50% more migrations"
    shutil.copytree(MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    head = f'"""{NEXT}"""\nimport sqlalchemy as sa\nfrom alembic import op\n\n'
    names = f'revision = "{NEXT}"\ndown_revision = "{NEWEST}"\nbranch_labels = None\ndepends_on = None\n\n'
    (scripts / "versions" / "m999_next.py").write_text(f"{head}{names}\ndef upgrade() -> None:\n{upgrade}")
    return scripts


def library_of(engine: sa.Engine) -> SqlLibrary:
    return SqlLibrary(Transactions(engine), lambda _connection, _order: None)


def lived_in(engine: sa.Engine) -> Recording:
    """Bring the database to today's schema and keep one recording with a transcript in it."""
    migrate(engine)
    recording, _ = library_of(engine).add(a_recording())
    library_of(engine).save(a_transcript(recording.id))
    return recording


def revision(engine: sa.Engine) -> str | None:
    with engine.begin() as connection:
        return MigrationContext.configure(connection, opts=OPTIONS).get_current_revision()


def shape(engine: sa.Engine) -> dict[str, Any]:
    """Everything the database itself tells of its tables."""
    inspector = sa.inspect(engine)
    return {
        table: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)},
            "primary": inspector.get_pk_constraint(table)["constrained_columns"],
            "foreign": sorted(str(sorted(key.items())) for key in inspector.get_foreign_keys(table)),
            "unique": sorted(
                (key["name"] or "", *key["column_names"]) for key in inspector.get_unique_constraints(table)
            ),
            "indexes": sorted(str(sorted(index.items())) for index in inspector.get_indexes(table)),
        }
        for table in sorted(inspector.get_table_names())
        if table != "voxpersona_schema"
    }


def a_row_in_each(engine: sa.Engine) -> dict[str, dict[str, Any]]:
    """One row in every table as it is now, whatever its columns: the values, by table."""
    tables = sa.MetaData()
    tables.reflect(engine, only=lambda name, _: name != "voxpersona_schema")
    filled: dict[str, dict[str, Any]] = {}
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            row = {}
            for column in table.columns:
                for key in column.foreign_keys:
                    row[column.name] = filled[key.column.table.name][key.column.name]
                row.setdefault(column.name, "a" if column.type.python_type is str else column.type.python_type(1))
            connection.execute(table.insert().values(row))
            filled[table.name] = row
    return filled


def test_there_is_one_newest_migration_and_the_program_asks_for_it() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [NEWEST]


def test_an_empty_database_becomes_what_the_tables_say(empty: str) -> None:
    with opened(empty) as engine:
        migrate(engine)
        with engine.begin() as connection:
            assert compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), schema.metadata) == []
        migrated = shape(engine)
        with engine.begin() as connection:
            schema.metadata.drop_all(connection)
            schema.metadata.create_all(connection)
        assert shape(engine) == migrated
    assert "transcription" in migrated


def test_migrating_again_changes_nothing(empty: str, tmp_path: Path) -> None:
    with opened(empty) as engine:
        recording = lived_in(engine)
        migrate(engine, backup=tmp_path / "backups")
        assert library_of(engine).recordings() == [recording]
    assert not (tmp_path / "backups").exists()


@pytest.mark.parametrize(("upgrade", "error"), [(RAISES, ValueError), (WRONG_SQL, Unavailable)])
def test_a_migration_that_fails_leaves_nothing_behind(
    empty: str, tmp_path: Path, upgrade: str, error: type[Exception]
) -> None:
    scripts = scripts_with(tmp_path, upgrade)
    with opened(empty) as engine:
        recording = lived_in(engine)
        before = shape(engine)
        with pytest.raises(error):
            migrate(engine, scripts=scripts, newest=NEXT)
        assert shape(engine) == before
        assert revision(engine) == NEWEST
        assert library_of(engine).recordings() == [recording]


def test_a_first_migration_that_fails_leaves_an_empty_database(empty: str, tmp_path: Path) -> None:
    scripts = scripts_with(tmp_path, RAISES)
    with opened(empty) as engine:
        with pytest.raises(ValueError, match="on purpose"):
            migrate(engine, scripts=scripts, newest=NEXT)
        assert sa.inspect(engine).get_table_names() == []
        migrate(engine)
        assert revision(engine) == NEWEST


def test_a_table_that_is_rebuilt_keeps_the_rows_that_belong_to_its_own(empty: str, tmp_path: Path) -> None:
    scripts = scripts_with(tmp_path, SOUND)
    with opened(empty) as engine:
        recording = lived_in(engine)
        migrate(engine, scripts=scripts, newest=NEXT)
        assert revision(engine) == NEXT
        library = library_of(engine)
        assert library.recordings() == [recording]
        assert library.transcript(recording.id) == a_transcript(recording.id)
        library.forget(recording.id)
        library.erase(recording.id)  # foreign keys are on again: the children go along
        with engine.begin() as connection:
            assert connection.execute(sa.select(schema.transcription.c.id)).all() == []


@pytest.mark.parametrize("version", REVISIONS)
def test_from_every_version_there_was_each_row_comes_along(empty: str, version: str) -> None:
    with opened(empty) as engine:
        migrate(engine, newest=version)
        filled = a_row_in_each(engine)
        migrate(engine)
        assert revision(engine) == NEWEST
        with engine.begin() as connection:
            assert compare_metadata(MigrationContext.configure(connection, opts=OPTIONS), schema.metadata) == []
            for table, told in filled.items():
                kept = connection.execute(
                    sa.select(sa.Table(table, sa.MetaData(), autoload_with=connection))
                ).mappings()
                assert [{name: row[name] for name in told} for row in kept] == [told]


def test_a_migration_that_leaves_orphans_is_rolled_back(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    prepare_sqlite(path)
    scripts = scripts_with(tmp_path, ORPHANS)
    with opened(f"sqlite:///{path}") as engine:
        recording = lived_in(engine)
        with pytest.raises(Integrity) as broken:
            migrate(engine, scripts=scripts, newest=NEXT)
        assert "transcription" in broken.value.detail
        assert library_of(engine).recordings() == [recording]
        assert revision(engine) == NEWEST


def test_a_database_of_a_newer_program_is_left_alone(empty: str, tmp_path: Path) -> None:
    with opened(empty) as engine:
        recording = lived_in(engine)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE voxpersona_schema SET version_num = 'm998'")
        with pytest.raises(Configuration) as refused:
            migrate(engine, backup=tmp_path / "backups")
        assert refused.value.code is Code.DATA_DIRECTORY
        assert library_of(engine).recordings() == [recording]
    assert not (tmp_path / "backups").exists()


def test_tables_of_others_are_left_alone(empty: str, tmp_path: Path) -> None:
    scripts = scripts_with(tmp_path, SOUND)
    with opened(empty) as engine:
        with engine.begin() as connection:
            connection.exec_driver_sql("CREATE TABLE workflow_status (id INTEGER)")
            connection.exec_driver_sql("INSERT INTO workflow_status VALUES (7)")
        migrate(engine)
        migrate(engine, scripts=scripts, newest=NEXT)
        with engine.begin() as connection:
            assert connection.exec_driver_sql("SELECT id FROM workflow_status").scalar_one() == 7


def test_a_backup_is_made_before_an_upgrade_and_opens(tmp_path: Path) -> None:
    path, backups = tmp_path / "library.db", tmp_path / "backups"
    prepare_sqlite(path)
    scripts = scripts_with(tmp_path, SOUND)
    with opened(f"sqlite:///{path}") as engine:
        migrate(engine, backup=backups)
        assert not backups.exists(), "there was nothing to back up yet"
        recording = lived_in(engine)
        migrate(engine, backup=backups, scripts=scripts, newest=NEXT)
    (backup,) = backups.iterdir()
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    with closing(sqlite3.connect(backup)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with opened(f"sqlite:///{backup}") as engine:
        assert revision(engine) == NEWEST
        assert library_of(engine).transcript(recording.id) == a_transcript(recording.id)
        assert SqlJournal(Transactions(engine), lambda _connection, _order: None).open_orders() == [
            WorkOrder(recording=recording.id, run=1)
        ]


def test_a_backup_stays_where_the_upgrade_fails(tmp_path: Path) -> None:
    path, backups = tmp_path / "library.db", tmp_path / "backups"
    prepare_sqlite(path)
    scripts = scripts_with(tmp_path, RAISES)
    with opened(f"sqlite:///{path}") as engine:
        recording = lived_in(engine)
        for _ in range(2):
            with pytest.raises(ValueError, match="on purpose"):
                migrate(engine, backup=backups, scripts=scripts, newest=NEXT)
    assert len(list(backups.iterdir())) == 2
    for backup in backups.iterdir():
        with opened(f"sqlite:///{backup}") as engine:
            assert library_of(engine).recordings() == [recording]


def test_a_server_s_database_is_not_taken_for_a_file(
    postgres_server: PostgresServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = scripts_with(tmp_path, SOUND)
    somewhere = tmp_path / "somewhere"
    somewhere.mkdir()
    monkeypatch.chdir(somewhere)
    with postgres_server.database() as url, opened(url) as engine:
        lived_in(engine)
        migrate(engine, backup=somewhere / "backups", scripts=scripts, newest=NEXT)
        assert revision(engine) == NEXT
    assert list(somewhere.iterdir()) == []


@pytest.mark.parametrize("starts", ["empty", "older"])
def test_processes_that_start_at_once_migrate_once(empty: str, tmp_path: Path, starts: str) -> None:
    scripts, backups = scripts_with(tmp_path, SOUND), tmp_path / "backups"
    if starts == "older":
        with opened(empty) as engine:
            lived_in(engine)
    command = [sys.executable, "-c", MIGRATE, empty, str(backups), str(scripts), NEXT]
    running = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [(process.communicate()[1], process.returncode) for process in running] == [("", 0)] * 2
    with opened(empty) as engine:
        assert revision(engine) == NEXT
        assert len(library_of(engine).recordings()) == (1 if starts == "older" else 0)
        is_backed_up = starts == "older" and engine.dialect.name == "sqlite"
    assert len(list(backups.glob("*"))) == (1 if is_backed_up else 0)
