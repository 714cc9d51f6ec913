"""Which workers live, and what is switched off: the little that workers of one database know of each other."""

import sqlalchemy as sa

from voxpersona.adapters.library import schema
from voxpersona.adapters.library.transactions import Transactions, now

_FORGOTTEN_AFTER = 24 * 3600.0
"""Seconds after which a lease that ran out is of no interest to anybody."""


def _clock(connection: sa.Connection) -> sa.ColumnElement[float]:
    """Seconds since 1970 by the database's clock: those of the machines may differ, or be set back."""
    if connection.dialect.name == "sqlite":
        return sa.literal_column("(julianday('now') - 2440587.5) * 86400.0", sa.Float())
    return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float())


class Leases:
    """The leases of all workers of a database; `seconds` is how long one lasts without being renewed."""

    def __init__(self, transactions: Transactions, seconds: float) -> None:
        self._transactions = transactions
        self.seconds = seconds

    def renew(self, worker: str) -> None:
        """The worker lives. Takes out its lease where it has none."""
        lease = schema.lease
        with self._transactions.writing() as connection:
            clock = _clock(connection)
            until = clock + self.seconds
            renewed = connection.execute(lease.update().where(lease.c.worker == worker).values(until=until))
            if renewed.rowcount == 0:
                connection.execute(lease.insert().values(worker=worker, until=until))
            connection.execute(lease.delete().where(lease.c.until < clock - _FORGOTTEN_AFTER))

    def end(self, worker: str) -> None:
        """The worker works no more. Idempotent."""
        with self._transactions.writing() as connection:
            connection.execute(schema.lease.delete().where(schema.lease.c.worker == worker))

    def alive(self) -> frozenset[str]:
        """Workers whose lease has not run out."""
        lease = schema.lease
        with self._transactions.reading() as connection:
            found = connection.execute(sa.select(lease.c.worker).where(lease.c.until >= _clock(connection)))
            return frozenset(found.scalars())


class Switch:
    """A named switch that all processes of a database see; off at first."""

    def __init__(self, transactions: Transactions, name: str) -> None:
        self._transactions = transactions
        self._name = name

    def is_on(self) -> bool:
        table = schema.switch
        with self._transactions.reading() as connection:
            return connection.execute(sa.select(table.c.name).where(table.c.name == self._name)).first() is not None

    def turn(self, on: bool) -> None:
        """Idempotent."""
        table = schema.switch
        with self._transactions.writing() as connection:
            connection.execute(table.delete().where(table.c.name == self._name))
            if on:
                connection.execute(table.insert().values(name=self._name, since=now()))
