"""Opening the database: who may read it, and what a broken one is called."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.libraries import at_once
from voxpersona.adapters.library.database import migrate, open_engine, prepare_sqlite
from voxpersona.adapters.library.transactions import Transactions
from voxpersona.errors import Code, Integrity, Unavailable


def test_the_database_and_its_journals_are_their_owner_s_alone(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    prepare_sqlite(path)
    engine = open_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (c)")
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM t")
        modes = {found.name: stat.S_IMODE(found.stat().st_mode) for found in tmp_path.iterdir()}
    engine.dispose()
    assert modes == {"library.db": 0o600, "library.db-wal": 0o600, "library.db-shm": 0o600}


def test_write_ahead_logging_stays_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    for _ in range(2):
        prepare_sqlite(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_many_can_prepare_one_file_at_once(tmp_path: Path) -> None:
    for number in range(40):
        path = tmp_path / f"{number}.db"
        assert at_once(4, lambda _, path=path: prepare_sqlite(path)) == [None] * 4  # type: ignore[misc]  # a default


def test_a_file_that_is_no_database_is_a_broken_promise(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(Integrity) as broken:
        prepare_sqlite(path)
    assert broken.value.code is Code.INTERNAL
    assert path.read_bytes() == b"this is no database" * 100
    engine = open_engine(f"sqlite:///{path}")
    with pytest.raises(Integrity):
        migrate(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all/library.db", "postgresql+psycopg://u@/d?host=/nowhere"])
def test_a_database_that_cannot_be_reached_is_unavailable(url: str) -> None:
    engine = open_engine(url)
    transactions = Transactions(engine)
    for opened in (transactions.reading, transactions.writing):
        with pytest.raises(Unavailable) as failed, opened() as connection:
            connection.execute(sa.text("SELECT 1"))
        assert failed.value.code is Code.LIBRARY_UNAVAILABLE
        assert failed.value.retryable
    with pytest.raises(Unavailable):
        migrate(engine)
    engine.dispose()
