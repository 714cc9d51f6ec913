"""Certificates made for a test session by a CA of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import trustme

LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Certificate:
    """PEM files: the chain and its private key."""

    chain: Path
    key: Path


@dataclass(frozen=True)
class Authority:
    """`ca_file` is what a client must trust. All certificates are for servers and for clients."""

    ca_file: Path
    good: Certificate
    """For this machine's loopback names."""
    expired: Certificate
    other_host: Certificate
    unknown_ca: Certificate
    """For the right host and in time, by a CA that is not `ca_file`."""


def make_authority(directory: Path) -> Authority:
    """Writes everything below the directory."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(directory / "ca.crt"))
    now = datetime.now(UTC)
    long_ago = ca.issue_cert(*LOOPBACK, not_before=now - timedelta(days=3), not_after=now - timedelta(days=1))
    return Authority(
        ca_file=directory / "ca.crt",
        good=_written(directory, "good", ca.issue_cert(*LOOPBACK)),
        expired=_written(directory, "expired", long_ago),
        other_host=_written(directory, "other-host", ca.issue_cert("store.example")),
        unknown_ca=_written(directory, "unknown-ca", trustme.CA().issue_cert(*LOOPBACK)),
    )


def _written(directory: Path, name: str, leaf: trustme.LeafCert) -> Certificate:
    chain, key = directory / f"{name}.crt", directory / f"{name}.key"
    for number, blob in enumerate(leaf.cert_chain_pems):
        blob.write_to_path(str(chain), append=number > 0)
    leaf.private_key_pem.write_to_path(str(key))
    return Certificate(chain, key)


@pytest.fixture(scope="session")
def authority() -> Iterator[Authority]:
    with TemporaryDirectory(prefix="tls-") as directory:
        yield make_authority(Path(directory))
