"""A PostgreSQL database of its own for a program under test, and what a test asks it directly."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from tests.servers.postgres import PostgresServer

SOON = 240.0
"""Seconds for what only a hung program takes: the machine may have other work."""

Row = tuple[Any, ...]


@pytest.fixture
def database_url(postgres_server: PostgresServer) -> Iterator[str]:
    """As a user writes it into VOXPERSONA_DATABASE_URL; dropped afterwards."""
    with postgres_server.database() as found:
        yield found.replace("+psycopg", "")


def rows(url: str, query: str) -> list[Row]:
    with closing(psycopg.connect(url)) as connection:
        return connection.execute(query.encode()).fetchall()


def until(holds: Callable[[], object], seconds: float, what: str) -> float:
    """Wait for it; how many seconds that took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - begun
