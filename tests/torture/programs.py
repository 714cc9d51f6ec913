"""Runs of the real program, forked by a zygote (see there), as objects that can be waited for and killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_START = 60.0
_ROOT = Path(__file__).parents[2]


@dataclass
class Running:
    """One run of the program. `code` is None while it lives; negative: the signal that ended it."""

    _zygote: "Zygote"
    _out: Path
    _err: Path
    pid: int = 0
    code: int | None = None
    _started: threading.Event = field(default_factory=threading.Event)
    _ended: threading.Event = field(default_factory=threading.Event)

    def wait(self, seconds: float | None = None) -> int | None:
        """Its exit code; None where it still lives after so many seconds."""
        self._ended.wait(seconds)
        return self.code

    def signal(self, number: signal.Signals) -> None:
        """Nothing happens where it is over."""
        self._zygote.signal(self.pid, number)

    def killed(self) -> bool:
        """SIGKILL it, wait; whether that is what it died of."""
        self.signal(signal.SIGKILL)
        self.wait()
        return self.was_killed

    @property
    def was_killed(self) -> bool:
        return self.code == -signal.SIGKILL

    @property
    def out(self) -> str:
        return self._out.read_text(errors="replace")

    @property
    def err(self) -> str:
        return self._err.read_text(errors="replace")

    @property
    def document(self) -> Any:
        """The JSON it printed; None where it is none."""
        try:
            return json.loads(self.out)
        except json.JSONDecodeError:
            return None


class Zygote:
    """The driver's end of one."""

    def __init__(self, control: socket.socket, directory: Path) -> None:
        self._control = control
        self._directory = directory
        self._turn = threading.Lock()
        self._asked: dict[int, Running] = {}
        self._living: dict[int, Running] = {}
        self._count = 0
        self._ready = threading.Event()
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        if not self._ready.wait(_START):
            raise RuntimeError("the zygote did not start")

    def start(
        self,
        environment: Mapping[str, str],
        *arguments: str,
        point: str | None = None,
        poison: Sequence[str] = (),
    ) -> Running:
        """Fork a run of the program; `point` is where it is to be killed (tests/killer.py), `poison` the recordings
        that kill it when they are decoded."""
        with self._turn:
            self._count += 1
            number = self._count
            out, err = (self._directory / f"{number}.{stream}" for stream in ("out", "err"))
            running = self._asked[number] = Running(self, out, err)
            self._tell(
                number=number,
                arguments=arguments,
                environment=dict(environment),
                out=str(out),
                err=str(err),
                point=point,
                poison=list(poison),
            )
        running._started.wait()
        return running

    def signal(self, pid: int, number: signal.Signals) -> None:
        with self._turn:
            self._tell(pid=pid, signal=number)

    def _tell(self, **what: object) -> None:
        self._control.sendall(json.dumps(what).encode() + b"\n")

    def _listen(self) -> None:
        with self._control.makefile("rb") as lines:
            for line in lines:
                told = json.loads(line)
                if "ready" in told:
                    self._ready.set()
                elif "number" in told:
                    running = self._living[told["pid"]] = self._asked.pop(told["number"])
                    running.pid = told["pid"]
                    running._started.set()
                else:
                    running = self._living.pop(told["pid"])
                    running.code = told["code"]
                    running._ended.set()
        # The zygote is gone, and with it everything it started.
        for running in [*self._living.values(), *self._asked.values()]:
            running.code = -signal.SIGKILL
            running._started.set()
            running._ended.set()


@contextmanager
def zygote(directory: Path, **environment: str) -> Iterator[Zygote]:
    """A new one, gone afterwards with all it started; `directory` is for what its children print."""
    directory.mkdir(parents=True, exist_ok=True)
    ours, its = socket.socketpair()
    with (directory / "zygote.err").open("wb") as log, its:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.torture.zygote", str(its.fileno())],
            pass_fds=[its.fileno()],
            cwd=_ROOT,
            # Its numerical libraries must start no threads: see there.
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    try:
        with ours:
            yield Zygote(ours, directory)
            ours.shutdown(socket.SHUT_RDWR)
    finally:
        process.wait(30)
