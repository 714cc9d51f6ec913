"""What cannot be reached or trusted, told alike by both clients: obstore (stat, read, put) and boto3 (list, delete)."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.builders_blobs import MIB, keys_of, some_bytes
from tests.servers.faults import Cut, Fault, FlipAnswer, Stall
from tests.servers.proxy import proxied
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.tls import Authority, Certificate
from voxpersona.adapters.blobs.s3.blobs import S3Blobs
from voxpersona.adapters.blobs.s3.connection import Connection
from voxpersona.errors import Code, Integrity, Unavailable, VoxPersonaError
from voxpersona.model import Abilities, Checksum

ABILITIES = Abilities(
    server="none",
    create_only=True,
    checksum=Checksum.SHA256,
    tags=True,
    versioning=None,
    lifecycle=None,
    clock_skew=0.0,
    probed_at=datetime.now(UTC),
)
NOBODY = Connection("http://127.0.0.1:9", "an-access-key", "a-secret-key", connect_timeout=0.5, read_timeout=0.5)


def told(connection: Connection) -> set[tuple[Code, str]]:
    """The codes and reasons of every verb."""
    blobs = S3Blobs(connection, "audio", abilities=lambda: ABILITIES)
    calls: list[Callable[[], object]] = [
        lambda: blobs.stat("a"),
        lambda: blobs.read("a"),
        lambda: blobs.put("a", [b"x"]),
        lambda: keys_of(blobs),
        lambda: blobs.delete("a"),
    ]
    found = set()
    for call in calls:
        with pytest.raises(VoxPersonaError) as caught:
            call()
        found.add((caught.value.code, str(caught.value.facts["reason"])))
    return found


@contextmanager
def server(does: Callable[[socket.socket], None]) -> Iterator[str]:
    """Takes connections and does that to each."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    taken, _ = listener.accept()
                except OSError:
                    return
                with taken:
                    does(taken)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _reset(taken: socket.socket) -> None:
    taken.recv(1000)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _say_nothing(taken: socket.socket) -> None:
    while taken.recv(1000):
        pass


def test_nobody_at_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert told(replace(NOBODY, endpoint=f"http://127.0.0.1:{port}")) == {
        (Code.STORE_UNREACHABLE, "connection refused")
    }


def test_a_name_nobody_has() -> None:
    assert told(replace(NOBODY, endpoint="http://store.invalid:9000")) == {
        (Code.STORE_UNREACHABLE, "its name is not known")
    }


def test_connections_that_are_reset() -> None:
    with server(_reset) as endpoint:
        assert told(replace(NOBODY, endpoint=endpoint)) == {(Code.STORE_UNAVAILABLE, "the connection broke")}


def test_a_server_that_says_nothing() -> None:
    with server(_say_nothing) as endpoint:
        assert told(replace(NOBODY, endpoint=endpoint)) == {(Code.STORE_UNAVAILABLE, "no answer in time")}


def test_tls_spoken_to_a_server_that_has_none(seaweedfs: SeaweedFS) -> None:
    connection = seaweedfs.plain.connection()
    found = told(replace(connection, endpoint=connection.endpoint.replace("http:", "https:")))
    assert {code for code, _ in found} == {Code.STORE_CERTIFICATE}


@pytest.mark.parametrize("which", ["expired", "other_host", "unknown_ca"])
def test_a_certificate_not_to_be_trusted(seaweedfs: SeaweedFS, authority: Authority, which: str) -> None:
    certificate: Certificate = getattr(authority, which)
    with proxied(seaweedfs.plain, certificate=certificate, ca_file=authority.ca_file) as proxy:
        assert {code for code, _ in told(proxy.server.connection())} == {Code.STORE_CERTIFICATE}
        assert proxy.seen == []


def test_an_own_authority_is_not_trusted_unless_it_was_named(seaweedfs: SeaweedFS) -> None:
    connection = replace(seaweedfs.tls.connection(), ca_file=None)
    assert {code for code, _ in told(connection)} == {Code.STORE_CERTIFICATE}


def test_nothing_of_the_environment_takes_part(
    seaweedfs: SeaweedFS, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[default]\nregion = nowhere\nendpoint_url = http://127.0.0.1:9\n")
    for name, text in {
        "AWS_SESSION_TOKEN": "a-token",
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_ACCESS_KEY_ID": "another",
        "AWS_REGION": "nowhere",
        "AWS_SKIP_SIGNATURE": "true",
        "AWS_CA_BUNDLE": str(tmp_path / "none"),
    }.items():
        monkeypatch.setenv(name, text)
    blobs = S3Blobs(seaweedfs.tls.connection(), seaweedfs.tls.bucket())
    blobs.put("a", [b"x"])
    assert keys_of(blobs) == ["a"]
    assert b"".join(blobs.read("a")) == b"x"


# Downloads


def test_a_download_that_breaks_off_is_resumed(seaweedfs: SeaweedFS) -> None:
    content = some_bytes(3 * MIB)  # one request, undisturbed
    bucket = seaweedfs.plain.bucket()
    S3Blobs(seaweedfs.plain.connection(), bucket).put("a", [content])
    with proxied(seaweedfs.plain, [Fault(Cut(2 * MIB), method="GET", target="/a$")]) as proxy:
        assert b"".join(S3Blobs(proxy.server.connection(), bucket).read("a")) == content
        ranges = [dict(seen.headers).get("range") for seen in proxy.seen]
        assert len(ranges) == 2
        assert MIB < int(str(ranges[1]).removeprefix("bytes=").partition("-")[0]) <= 2 * MIB


def test_a_download_that_stalls_for_ever_ends(seaweedfs: SeaweedFS) -> None:
    bucket = seaweedfs.plain.bucket()
    S3Blobs(seaweedfs.plain.connection(), bucket).put("a", [some_bytes(7 * MIB)])
    with proxied(seaweedfs.plain, [Fault(Stall(MIB), method="GET", target="/a$", times=None)]) as proxy:
        blobs = S3Blobs(replace(proxy.server.connection(), read_timeout=0.5), bucket)
        with pytest.raises(Unavailable) as caught:
            list(blobs.read("a"))
        assert caught.value.facts["reason"] == "no answer in time"


@pytest.mark.parametrize("size", [MIB, 20 * MIB])
def test_a_byte_changed_on_its_way_to_us_is_never_taken_for_the_blob(seaweedfs: SeaweedFS, size: int) -> None:
    bucket = seaweedfs.plain.bucket()
    S3Blobs(seaweedfs.plain.connection(), bucket).put("a", [some_bytes(size)])
    with proxied(seaweedfs.plain, [Fault(FlipAnswer(MIB - 1), method="GET", target="/a$")]) as proxy:
        with pytest.raises(Integrity) as caught:
            list(S3Blobs(proxy.server.connection(), bucket).read("a"))
        assert caught.value.code is Code.BLOB_CORRUPT


def test_every_part_of_a_long_read_is_plain_bytes(seaweedfs: SeaweedFS) -> None:
    blobs = S3Blobs(seaweedfs.plain.connection(), seaweedfs.plain.bucket())
    blobs.put("a", [some_bytes(20 * MIB)])
    assert {type(part) for part in blobs.read("a")} == {bytes}
