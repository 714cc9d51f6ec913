"""A database that is written and read through: whole, damaged, locked, large."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from voxpersona.adapters.library.examine import examine
from voxpersona.errors import Code, Integrity, Unavailable

ROWS = 20_000


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "some.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE told (number INTEGER PRIMARY KEY, text TEXT)")
        connection.execute("CREATE INDEX by_text ON told (text)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO told (text) VALUES (?)", ((f"row {number}",) for number in range(ROWS)))
        connection.execute("COMMIT")
        connection.execute("PRAGMA user_version = 7")
    return path


def test_a_whole_database_is_written_and_stays_what_it_is(database: Path) -> None:
    before = database.stat().st_mtime_ns
    assert examine(database, seconds=30)
    assert database.stat().st_mtime_ns > before
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (7,)
        assert connection.execute("SELECT count(*) FROM told").fetchone() == (ROWS,)


def test_damage_in_a_page_that_nobody_reads_is_found(database: Path) -> None:
    with database.open("r+b") as opened:
        opened.seek(-2048, 2)
        opened.write(b"\xff" * 2048)
    with pytest.raises(Integrity) as caught:
        examine(database, seconds=30)
    assert (caught.value.code, caught.value.facts["reason"]) == (Code.INTERNAL, "database disk image is malformed")


def test_a_file_that_is_no_database_is_damage(tmp_path: Path) -> None:
    (tmp_path / "some.db").write_bytes(b"no database " * 1000)
    with pytest.raises(Integrity):
        examine(tmp_path / "some.db", seconds=1)


def test_a_lock_that_is_not_given_back_is_told(database: Path) -> None:
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as caught:
            examine(database, seconds=0.1)
    assert caught.value.code is Code.LIBRARY_UNAVAILABLE


def test_what_cannot_be_read_through_in_time_is_not_called_whole(database: Path) -> None:
    assert not examine(database, seconds=0)
