"""The real MinIO server, built from its module by scripts/build-minio where Go is; plain, or with TLS."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.servers.kept import Start, free_port, kept
from tests.servers.s3 import S3Server, by_minio_admin, new_keys
from tests.servers.tls import Authority, Certificate

NOT_INSTALLED = "MinIO IS NOT TESTED HERE: no Go on this machine to build it with, and none built (scripts/build-minio)"

_ROOT = Path(__file__).parents[2]
_BUILT = "*/minio"


def binary() -> Path | None:
    """The server that stands built; None where none does."""
    return max((_ROOT / ".cache/minio").glob(_BUILT), default=None)


# A mark, not only the fixture's own skip: pytest then folds many skips into one line. Best on a fixture's parameter.
NEEDS_MINIO = pytest.mark.skipif(binary() is None and shutil.which("go") is None, reason=NOT_INSTALLED)


@contextmanager
def running_minio(
    program: Path,
    certificate: Certificate | None = None,
    ca_file: Path | None = None,
    *,
    under: Path | None = None,
) -> Iterator[S3Server]:
    """A new server without buckets, gone afterwards. With a certificate it speaks TLS and nothing else."""
    with kept(partial(start_minio, program, certificate, ca_file), name="minio", under=under) as server:
        yield server


def start_minio(
    program: Path, certificate: Certificate | None, ca_file: Path | None, directory: Path
) -> tuple[Start, S3Server]:
    """What `kept` needs to run one in the directory, its blobs in the folder `store`."""
    access_key, secret_key = new_keys()
    address = f"127.0.0.1:{free_port()}"
    certificates = directory / "certs"
    certificates.mkdir()
    if certificate:
        shutil.copy(certificate.chain, certificates / "public.crt")
        shutil.copy(certificate.key, certificates / "private.key")
    endpoint = f"{'https' if certificate else 'http'}://{address}"
    server = S3Server("minio", endpoint, by_minio_admin, access_key, secret_key, ca_file)
    command: list[str | Path] = [
        program,
        "server",
        "--quiet",
        "--address",
        address,
        "--certs-dir",
        certificates,
        directory / "store",
    ]
    environment = {
        "MINIO_ROOT_USER": access_key,
        "MINIO_ROOT_PASSWORD": secret_key,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "MINIO_CALLHOME_ENABLE": "off",
        "GOMEMLIMIT": "768MiB",
    }
    return Start(command, environment, server.answers), server


@pytest.fixture(scope="session")
def minio_program() -> Path:
    """The server, built now where it is not yet; waits for a build under way; skips, loudly, where it cannot be had."""
    built = binary()
    if built is not None:
        return built
    if shutil.which("go") is None:
        pytest.skip(NOT_INSTALLED)
    built_now = subprocess.run([_ROOT / "scripts/build-minio"], capture_output=True, text=True, check=False)
    built = binary()
    if built is None:
        said = "; ".join((built_now.stdout + built_now.stderr).splitlines()[-3:])
        pytest.skip(f"MinIO IS NOT TESTED HERE: {said}")
    return built


@pytest.fixture(scope="session")
def minio_plain(minio_program: Path) -> Iterator[S3Server]:
    """One server for the session."""
    with running_minio(minio_program) as server:
        yield server


@pytest.fixture(scope="session")
def minio_tls(minio_program: Path, authority: Authority) -> Iterator[S3Server]:
    """One server for the session that speaks TLS only."""
    with running_minio(minio_program, authority.good, authority.ca_file) as server:
        yield server
