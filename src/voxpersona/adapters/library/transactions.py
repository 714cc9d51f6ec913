"""Transactions shared by library and journal."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

import sqlalchemy as sa

from voxpersona.adapters.library.database import READ_ONLY
from voxpersona.adapters.library.edge import translated


def now() -> str:
    """UTC, ISO 8601 with microseconds: sorts as text, the same on every database."""
    return instant(datetime.now(UTC))


def instant(at: datetime) -> str:
    """As `now`, of any aware time."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


class Transactions:
    """Opens transactions on one engine, or joins the one the durable engine holds open for a step's checkpoint."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._joined: ContextVar[sa.Connection | None] = ContextVar("joined", default=None)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        joined = self._joined.get()
        if joined is not None:
            yield joined
            return
        with translated(), self._engine.connect().execution_options(**{READ_ONLY: True}) as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        joined = self._joined.get()
        if joined is not None:
            # Errors pass untranslated: the engine that owns the transaction knows which of them to try again.
            yield joined
            return
        with translated(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def joined(self, connection: sa.Connection) -> Iterator[None]:
        """Within this, everything written through this object is part of the given connection's transaction."""
        token = self._joined.set(connection)
        try:
            yield
        finally:
            self._joined.reset(token)
