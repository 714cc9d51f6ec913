"""A program of its own: keeps one server running for as long as its standard input stays open.

    python keeper.py DIRECTORY PROGRAM ARGUMENT ...

The test process holds the other end of that input. However it ends, also by `kill -9`, the input closes: then the
server is killed (its directory goes too, so there is nothing it could lose) and nothing stays behind. A server that
ends by itself leaves its directory, with `server.log` in it. The keeper killed takes the server with it (Linux).
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def _die_with_the_keeper() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _keep(directory: Path, command: list[str]) -> int:
    with (directory / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=_die_with_the_keeper,  # safe: there are no threads yet
        )
    over = threading.Event()

    def wait_for_the_end() -> None:
        while os.read(sys.stdin.fileno(), 1):  # not through its buffer, whose lock the interpreter wants at its end
            pass
        over.set()
        server.kill()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    ended = server.wait()
    if not over.is_set():
        return ended or 1
    shutil.rmtree(directory)
    return 0


if __name__ == "__main__":
    sys.exit(_keep(Path(sys.argv[1]), sys.argv[2:]))
