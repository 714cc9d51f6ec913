"""Server programs that run for a test session: started, waited for, shown when they fail, never left behind."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_KEEPER = Path(__file__).with_name("keeper.py")
_ROOM = 2 << 30
_TRIES = 4
_LOOK_EVERY = 0.03  # seconds
_LOOKS = 2000


@dataclass(frozen=True)
class Start:
    """How a server is started and when it is there. The environment is all it gets."""

    command: Sequence[str | Path]
    environment: Mapping[str, str]
    is_ready: Callable[[], bool]


class DidNotStartError(Exception):
    """The server ended, or never answered; the message holds its log."""


@contextmanager
def kept(prepare: Callable[[Path], tuple[Start, T]], *, name: str, under: Path | None = None) -> Iterator[T]:
    """A running server, in a directory of its own: `under` another one, else in memory where there is plenty.
    `prepare` is asked again, for other ports, where a start fails: between the choice of a free port and its use
    somebody else may take it."""
    with ExitStack() as running:
        for left in reversed(range(_TRIES)):
            directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=under or fast()))
            try:
                start, server = prepare(directory)
                running.enter_context(_running(directory, start))
                break
            except DidNotStartError:
                if not left:
                    raise
        yield server


def fast() -> Path | None:
    """Memory where there is plenty: durability is tested elsewhere."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < _ROOM:
        return None
    return memory


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_block(length: int, twin: int) -> int:
    """The first of `length` ports in a row that are free, each also at `+ twin`; all below the ephemeral range, from
    which the machine hands out ports by itself."""
    while True:
        first = 10_500 + secrets.randbelow(10_000)
        with ExitStack() as probes, suppress(OSError):
            for port in range(first, first + length):
                for each in (port, port + twin):
                    probe = probes.enter_context(socket.socket())
                    probe.bind(("127.0.0.1", each))
            return first


@contextmanager
def _running(directory: Path, start: Start) -> Iterator[None]:
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", _KEEPER, directory, *start.command],
        stdin=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory), "TMPDIR": str(directory), **start.environment},
        start_new_session=True,  # Ctrl-C is for the tests, which then end it in order
    )
    assert keeper.stdin is not None
    try:
        _wait_until_ready(keeper, directory, start)
        yield
    finally:
        keeper.stdin.close()
        keeper.wait(30)
        shutil.rmtree(directory, ignore_errors=True)  # gone already, but for a server that ended by itself


def _wait_until_ready(keeper: "subprocess.Popen[bytes]", directory: Path, start: Start) -> None:
    for _ in range(_LOOKS):
        if start.is_ready():
            return
        with suppress(subprocess.TimeoutExpired):
            keeper.wait(_LOOK_EVERY)
            raise DidNotStartError(f"{start.command[0]} ended with {keeper.returncode}\n{_log(directory)}")
    raise DidNotStartError(f"{start.command[0]} never got ready\n{_log(directory)}")


def _log(directory: Path) -> str:
    return "\n".join(log.read_text(errors="replace")[-8000:] for log in sorted(directory.glob("*.log")))
