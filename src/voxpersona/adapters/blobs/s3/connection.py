"""How to reach a store, and the clients made from it. Making one opens no connection."""

import os
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import boto3.session
import botocore.session
from botocore.config import Config
from obstore.store import S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore.store import ClientConfig, S3Config, S3Credential

THREADS = 32
"""Connections a client keeps open at most; more threads than that wait for one another's."""


@dataclass(frozen=True)
class Connection:
    """Where a store is and who we are there. The secret never shows in a repr."""

    endpoint: str
    """With its scheme: `http://127.0.0.1:9000`."""
    access_key: str = field(repr=False)
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    ca_file: Path | None = None
    """PEM certificates to trust besides the public ones; None for those alone."""
    path_style: bool = True
    connect_timeout: float = 5.0
    """Seconds."""
    read_timeout: float = 60.0
    """Seconds without a byte, in either direction."""

    @cached_property
    def client(self) -> "S3Client":
        """The one boto3 client of this connection, safe for threads: making another takes a seventh of a second."""
        return control(self)


def control(connection: Connection, *, tries: int = 3) -> "S3Client":
    """A boto3 client, safe for threads. It tries a call `tries` times where its answer was lost or was a 5xx.

    Nothing of the environment or of `~/.aws` takes part but the HTTP proxy. Checksums are sent where a caller gives
    one, and bodies are not hashed a second time for the signature. A store of another region is not followed there:
    a wrong region is told.
    """
    session = boto3.session.Session(
        aws_access_key_id=connection.access_key,
        aws_secret_access_key=connection.secret_key,
        region_name=connection.region,
        botocore_session=_own_session(),
    )
    client: S3Client = session.client(
        "s3",
        endpoint_url=connection.endpoint,
        verify=True if connection.ca_file is None else str(connection.ca_file),
        config=Config(
            signature_version="s3v4",
            s3={
                "addressing_style": "path" if connection.path_style else "virtual",
                "payload_signing_enabled": False,
                "use_accelerate_endpoint": False,
            },
            connect_timeout=connection.connect_timeout,
            read_timeout=connection.read_timeout,
            retries={"mode": "standard", "total_max_attempts": tries},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            max_pool_connections=THREADS,
            tcp_keepalive=True,
        ),
    )
    client.meta.events.register("before-call.s3", _stay)
    return client


def _stay(*, params: dict[str, Any], **_: object) -> None:
    """boto3 follows a store into another region by itself, but not where it has followed once; obstore does not."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True


def transfer(
    connection: Connection,
    bucket: str,
    *,
    sha256: bool = False,
    tags: bool = True,
    tries: int = 3,
    seconds: float = 600,
) -> S3Store:
    """An obstore client of one bucket, safe for threads.

    `sha256`: send `x-amz-checksum-sha256` with each put. `tags`: send tags with a put (else they are dropped).
    `tries` as in `control`; a broken download is resumed by range as often. `seconds` bounds one whole request, its
    body included.
    """
    config: S3Config = {
        "endpoint": _endpoint(connection, bucket),
        "aws_endpoint_url_s3": _endpoint(connection, bucket),  # or that of the environment goes before
        "region": connection.region,
        "virtual_hosted_style_request": not connection.path_style,
        "disable_tagging": not tags,
        "disable_bulk_delete": True,  # its request needs a Content-MD5 on older MinIO, and obstore sends none
        "unsigned_payload": False,
        "skip_signature": False,
        "request_payer": False,
        "s3_express": False,
    }
    if sha256:
        config["checksum_algorithm"] = "SHA256"
    return S3Store(
        bucket,
        config=config,
        credential_provider=_Credentials(connection),
        client_options=_client_options(connection, seconds),
        retry_config={
            "max_retries": tries - 1,
            "retry_timeout": timedelta(seconds=seconds),
            "backoff": {
                "init_backoff": timedelta(milliseconds=200),
                "max_backoff": timedelta(seconds=5),
                "base": 2,
            },
        },
    )


class _Credentials:
    """The keys, and no session token: obstore would take one from the environment, and every call would fail."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __call__(self) -> "S3Credential":
        return {
            "access_key_id": self._connection.access_key,
            "secret_access_key": self._connection.secret_key,
            "token": None,
            "expires_at": None,
        }


def _client_options(connection: Connection, seconds: float) -> "ClientConfig":
    options: ClientConfig = {
        "allow_http": connection.endpoint.startswith("http:"),
        "connect_timeout": timedelta(seconds=connection.connect_timeout),
        "read_timeout": timedelta(seconds=connection.read_timeout),
        "timeout": timedelta(seconds=seconds),
    }
    if connection.ca_file is not None:
        options["root_certificate"] = connection.ca_file.read_bytes()
    return options


def _endpoint(connection: Connection, bucket: str) -> str:
    """obstore wants the bucket in the host's name already, where it belongs there."""
    if connection.path_style:
        return connection.endpoint
    parts = urlsplit(connection.endpoint)
    return urlunsplit(parts._replace(netloc=f"{bucket}.{parts.netloc}"))


def _own_session() -> botocore.session.Session:
    """A session that reads no profile, no configuration and no credentials of the machine's user."""
    unread = (None, None, os.devnull, None)
    return botocore.session.Session(
        session_vars={"profile": (None, None, None, None), "config_file": unread, "credentials_file": unread}
    )
