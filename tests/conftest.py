"""Fixtures that every ring of tests may ask for."""

from tests.libraries import migrated_postgres, migrated_sqlite, records, sql
from tests.servers.postgres import postgres_server

__all__ = ["migrated_postgres", "migrated_sqlite", "postgres_server", "records", "sql"]
