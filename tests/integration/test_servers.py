"""The servers that the tests run against: closed to strangers, and gone with the tests however those end."""

import socket
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from tests.builders import a_recording
from tests.servers.kept import DidNotStartError, Start, kept
from tests.servers.postgres import NOT_INSTALLED, binaries, packaged, running_server
from tests.servers.seaweedfs import SeaweedFS
from voxpersona.adapters.library.database import migrate, open_engine
from voxpersona.adapters.library.sql import SqlLibrary
from voxpersona.adapters.library.transactions import Transactions

_IS_KILLED = """
import os, signal, socket, sys
from tests.servers.kept import Start, free_port, kept

def prepare(directory):
    port = free_port()
    def is_ready():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    return Start(command, {}, is_ready), (directory, port)

with kept(prepare, name="killed") as (directory, port):
    print(directory, port, directory.exists(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_server_and_its_directory_are_gone_when_the_tests_are_killed() -> None:
    # Ends when nobody holds the other end of the output any more: neither the killed process nor the server's keeper.
    killed = subprocess.run([sys.executable, "-c", _IS_KILLED], stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -9
    directory, port, stood = killed.stdout.split()
    assert stood == "True"
    assert not Path(directory).exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0


def test_a_server_that_does_not_start_shows_its_log_and_leaves_nothing() -> None:
    rooms: list[Path] = []

    def prepare(directory: Path) -> tuple[Start, None]:
        rooms.append(directory)
        return Start([sys.executable, "-c", "raise SystemExit('no room here')"], {}, lambda: False), None

    with pytest.raises(DidNotStartError, match="no room here"), kept(prepare, name="fails"):
        pass
    assert len(rooms) > 1
    assert not any(room.exists() for room in rooms)


def test_seaweedfs_opens_nothing_but_s3_to_a_stranger(seaweedfs: SeaweedFS) -> None:
    s3 = int(seaweedfs.plain.endpoint.rpartition(":")[2])
    with urllib3.PoolManager(retries=False, timeout=20) as http:
        # What a stranger gets of the filer where it is not locked: every object, and the secret keys of all users.
        for path in ("/", "/buckets/", "/etc/iam/identities"):
            assert http.request("GET", f"http://127.0.0.1:{s3 + 1}{path}").status == 401
        assert http.request("GET", seaweedfs.plain.endpoint).status == 403
    with socket.create_connection(("127.0.0.1", s3 + 10_001), timeout=20) as grpc:
        grpc.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")  # gRPC without TLS
        assert b"\x04\0" not in _answer(grpc)[:6], "the filer speaks gRPC to anybody"


def _answer(connection: socket.socket) -> bytes:
    try:
        return connection.recv(100)
    except ConnectionResetError:
        return b""


_IS_KILLED_WITH_POSTGRESQL = """
import os, signal
from tests.servers.postgres import binaries, running_server

with running_server(binaries()) as server:
    print(server.directory, (server.directory / "cluster/postmaster.pid").read_text().split()[0], flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(binaries() is None, reason=NOT_INSTALLED)
def test_so_is_postgresql() -> None:
    killed = subprocess.run(
        [sys.executable, "-c", _IS_KILLED_WITH_POSTGRESQL], stdout=subprocess.PIPE, text=True, check=False
    )
    assert killed.returncode == -9
    directory, server = killed.stdout.split()
    assert not Path(directory).exists()
    assert not Path("/proc", server).exists()


def test_the_packaged_postgresql_serves_where_the_machine_has_none() -> None:
    programs = packaged()
    if programs is None:
        pytest.skip(NOT_INSTALLED)
    with running_server(programs) as server, server.database() as url:
        engine = open_engine(url)
        migrate(engine)
        library = SqlLibrary(Transactions(engine), lambda _connection, _order: None)
        recording, is_new = library.add(a_recording())
        assert is_new
        assert library.recordings() == [recording]
        engine.dispose()
