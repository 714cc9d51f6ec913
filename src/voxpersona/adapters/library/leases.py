"""Which workers live, what is switched off and whose turn it is: the little that workers of one database know of each
other."""

import sqlalchemy as sa

from voxpersona.adapters.library import schema
from voxpersona.adapters.library.edge import Clash
from voxpersona.adapters.library.transactions import Transactions, now

_FORGOTTEN_AFTER = 24 * 3600.0
"""Seconds after which a lease that ran out is of no interest to anybody."""

_CLOCK_DIFFERS = 5.0
"""Seconds by which a clock may go back without having been set back."""


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


class Pace:
    """A line that all processes of a database stand in, to do something at most so often a minute.

    Turns are evenly spaced, so that any sixty seconds see at most `per_minute` of them, however the provider counts.
    """

    def __init__(self, transactions: Transactions, name: str, per_minute: int) -> None:
        self._transactions = transactions
        self._name = name
        self._seconds = 60.0 / per_minute

    def turn(self) -> float:
        """Take the next turn; seconds until it comes. One that is taken and not used is lost."""
        pace = schema.pace
        while True:
            try:
                with self._transactions.writing() as connection:
                    clock = _clock(connection)
                    # Told later than now: the clock was set back, and what it said before is of no use.
                    is_due = sa.or_(pace.c.due < clock, pace.c.told > clock + _CLOCK_DIFFERS)
                    due = sa.case((is_due, clock), else_=pace.c.due) + self._seconds
                    found = connection.execute(
                        pace.update()
                        .where(pace.c.name == self._name)
                        .values(due=due, told=clock)
                        .returning(pace.c.due - self._seconds - clock)
                    ).scalar()
                    if found is not None:
                        return max(0.0, float(found))
                    connection.execute(pace.insert().values(name=self._name, due=clock + self._seconds, told=clock))
                    return 0.0
            except Clash:  # another process took the very first turn at the same moment
                continue
