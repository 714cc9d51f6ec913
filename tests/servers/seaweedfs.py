"""SeaweedFS from its wheel, locked down: loopback, no telemetry, JWT keys inside, mTLS on gRPC, only S3 open to users.

One process serves plain HTTP and HTTPS side by side.
"""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
import urllib3

from tests.servers.kept import Start, free_block, free_port, kept
from tests.servers.s3 import S3Server, by_iam, new_keys
from tests.servers.tls import Authority

_WEED = Path(sys.executable).with_name("weed")
_GRPC = 10_000
"""How far above each port its gRPC twin listens."""
_PARTS = ("MASTER", "VOLUME", "FILER", "S3", "CLIENT", "ADMIN", "WORKER")


@dataclass(frozen=True)
class SeaweedFS:
    plain: S3Server
    tls: S3Server


@contextmanager
def running_seaweedfs(authority: Authority, *, under: Path | None = None) -> Iterator[SeaweedFS]:
    """A new server without buckets, gone afterwards."""
    with kept(partial(_prepare, authority), name="weed", under=under) as server:
        yield server


def _prepare(authority: Authority, directory: Path) -> tuple[Start, SeaweedFS]:
    access_key, secret_key = new_keys()
    s3, filer, master, volume, admin = range(first := free_block(5, _GRPC), first + 5)
    https = free_port()
    plain = S3Server("seaweedfs", f"http://127.0.0.1:{s3}", by_iam, access_key, secret_key)
    tls = S3Server("seaweedfs", f"https://127.0.0.1:{https}", by_iam, access_key, secret_key, authority.ca_file)
    store = directory / "store"
    store.mkdir()
    command: list[str | Path] = [
        *(_WEED, "-logtostderr=true", "mini", f"-dir={store}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"),
        *(f"-s3.port={s3}", f"-filer.port={filer}", f"-master.port={master}", f"-volume.port={volume}"),
        *(f"-admin.port={admin}", f"-s3.port.https={https}"),
        *(f"-s3.cert.file={authority.good.chain}", f"-s3.key.file={authority.good.key}"),
        *("-master.telemetry=false", "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        "-s3.iam.readOnly=false",
        "-volume.max=5000",  # each bucket takes some, which stay empty files; by itself it would allow few
        *(f"-filer.localSocket={directory}/filer.sock", f"-s3.localSocket={directory}/s3.sock"),
    ]
    environment = {
        "AWS_ACCESS_KEY_ID": access_key,
        "AWS_SECRET_ACCESS_KEY": secret_key,
        "GOMEMLIMIT": "768MiB",
        **{
            f"WEED_JWT_{name}_KEY": secrets.token_hex(32) for name in ("SIGNING", "FILER_SIGNING", "FILER_SIGNING_READ")
        },
        "WEED_GRPC_CA": str(authority.ca_file),
        **{f"WEED_GRPC_{part}_CERT": str(authority.good.chain) for part in _PARTS},
        **{f"WEED_GRPC_{part}_KEY": str(authority.good.key) for part in _PARTS},
    }
    return Start(command, environment, lambda: _is_healthy(plain) and plain.answers() and tls.answers()), SeaweedFS(
        plain, tls
    )


def _is_healthy(server: S3Server) -> bool:
    with urllib3.PoolManager(retries=False, timeout=5) as http:
        try:
            return http.request("GET", f"{server.endpoint}/healthz").status == 200
        except urllib3.exceptions.HTTPError:
            return False


@pytest.fixture(scope="session")
def seaweedfs(authority: Authority) -> Iterator[SeaweedFS]:
    """One server for the session."""
    with running_seaweedfs(authority) as server:
        yield server
