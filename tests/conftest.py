"""Fixtures that every ring of tests may ask for, and the lines about contracts at the end of a run."""

from hypothesis import HealthCheck, settings

from tests.libraries import migrated_postgres, migrated_sqlite, records, sql
from tests.servers.juicefs import juicefs
from tests.servers.minio import minio_plain, minio_program, minio_tls
from tests.servers.postgres import postgres_server
from tests.servers.seaweedfs import seaweedfs
from tests.servers.tls import authority
from tests.shared_database import database_url
from tests.summary import pytest_itemcollected, pytest_terminal_summary

__all__ = [
    "authority",
    "database_url",
    "juicefs",
    "migrated_postgres",
    "migrated_sqlite",
    "minio_plain",
    "minio_program",
    "minio_tls",
    "postgres_server",
    "pytest_itemcollected",
    "pytest_terminal_summary",
    "records",
    "seaweedfs",
    "sql",
]

# A busy machine is no failure: how fast something is a benchmark tells.
settings.register_profile("ours", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ours")
