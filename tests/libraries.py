"""Every adapter of `ports.Library` and `ports.Journal`, opened empty for one test.

A database is migrated once per session and copied for each test: the copy is much faster than the migration.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import pytest
import sqlalchemy as sa

from tests.servers.postgres import POSTGRESQL, PostgresServer
from voxpersona.adapters.library.database import migrate, open_engine, prepare_sqlite
from voxpersona.adapters.library.journal import SqlJournal
from voxpersona.adapters.library.memory import MemoryJournal, MemoryLibrary
from voxpersona.adapters.library.sql import SqlLibrary
from voxpersona.adapters.library.transactions import Transactions
from voxpersona.model import RecordingId, Stage, WorkOrder
from voxpersona.ports import Journal, Library

T = TypeVar("T")

SQL = ("sqlite", POSTGRESQL)
EVERY = ("memory", *SQL)

_started = sa.Table(
    "started",
    sa.MetaData(),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("recording", sa.Text),
    sa.Column("run", sa.Integer),
    sa.Column("start", sa.Text),
)


class CannotStart(Exception):
    """The work of an order could not be started."""


@dataclass
class Records:
    """One adapter pair. `started()` are the orders whose start was committed; `cannot_start` makes starting fail."""

    library: Library
    journal: Journal
    started: Callable[[], list[WorkOrder]]
    rival: Journal
    """Another worker's, over the same rows."""
    cannot_start: threading.Event = field(default_factory=threading.Event)


@dataclass
class SqlRecords(Records):
    transactions: Transactions = field(kw_only=True)
    engine: sa.Engine = field(kw_only=True)

    def count(self, table: sa.Table) -> int:
        with self.engine.begin() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def memory_records() -> Records:
    orders: list[WorkOrder] = []
    cannot_start = threading.Event()

    def enqueue(order: WorkOrder) -> None:
        if cannot_start.is_set():
            raise CannotStart
        orders.append(order)

    library = MemoryLibrary(enqueue)
    journals = [MemoryJournal(library, enqueue, worker) for worker in ("one", "other")]
    return Records(library, journals[0], lambda: list(orders), journals[1], cannot_start)


@contextmanager
def sql_records(url: str) -> Iterator[SqlRecords]:
    """Over a migrated database. An order's start is a row, written before starting fails."""
    engine = open_engine(url)
    cannot_start = threading.Event()

    def enqueue(connection: sa.Connection, order: WorkOrder) -> None:
        told = {"recording": order.recording, "run": order.run, "start": order.start.value}
        connection.execute(_started.insert().values(**told))
        if cannot_start.is_set():
            raise CannotStart

    def started() -> list[WorkOrder]:
        with engine.begin() as connection:
            rows = connection.execute(sa.select(_started).order_by(_started.c.place)).mappings().all()
        return [
            WorkOrder(recording=RecordingId(row["recording"]), run=row["run"], start=Stage(row["start"]))
            for row in rows
        ]

    with engine.begin() as connection:
        _started.create(connection)
    transactions = Transactions(engine)
    try:
        yield SqlRecords(
            SqlLibrary(transactions, enqueue),
            SqlJournal(transactions, enqueue),
            started,
            SqlJournal(transactions, enqueue),
            cannot_start,
            transactions=transactions,
            engine=engine,
        )
    finally:
        engine.dispose()


def _migrate(url: str) -> None:
    engine = open_engine(url)
    migrate(engine)
    engine.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.db"
    prepare_sqlite(path)
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: PostgresServer) -> Iterator[str]:
    """Name of a migrated, empty database to be a template."""
    with postgres_server.database() as url:
        _migrate(url)
        yield sa.make_url(url).database or ""


@contextmanager
def _sql_records_of(request: pytest.FixtureRequest) -> Iterator[SqlRecords]:
    if request.param == "sqlite":
        path = request.getfixturevalue("tmp_path") / "library.db"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        with sql_records(f"sqlite:///{path}") as records:
            yield records
    else:
        server: PostgresServer = request.getfixturevalue("postgres_server")
        template: str = request.getfixturevalue("migrated_postgres")
        with server.database(template=template) as url, sql_records(url) as records:
            yield records


@pytest.fixture(params=EVERY)
def records(request: pytest.FixtureRequest) -> Iterator[Records]:
    """Each adapter in turn."""
    if request.param == "memory":
        yield memory_records()
    else:
        with _sql_records_of(request) as opened:
            yield opened


@pytest.fixture(params=SQL)
def sql(request: pytest.FixtureRequest) -> Iterator[SqlRecords]:
    """Each database in turn, for what only a database can promise."""
    with _sql_records_of(request) as opened:
        yield opened


def at_once(threads: int, verb: Callable[[int], T]) -> list[T | BaseException]:
    """Call `verb(0)`, `verb(1)`, ... in threads that all start together; what each returned or raised."""
    together = threading.Barrier(threads)
    ended: list[T | BaseException] = [AssertionError("did not end")] * threads

    def run(number: int) -> None:
        together.wait()
        try:
            ended[number] = verb(number)
        except Exception as error:  # noqa: BLE001  # the test judges it
            ended[number] = error

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return ended
