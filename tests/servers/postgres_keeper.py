"""A program of its own: ends a PostgreSQL server and removes its directory when its standard input closes.

    python postgres_keeper.py DIRECTORY

As keeper.py; but this server puts itself into the background, is stopped and started by tests, and is nobody's child.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_PATIENCE = 100  # tenths of a second

if __name__ == "__main__":
    directory = Path(sys.argv[1])
    while os.read(sys.stdin.fileno(), 1):
        pass
    with suppress(OSError, ValueError, IndexError):  # there is none any more
        server = int((directory / "cluster" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(server, signal.SIGQUIT)  # at once, its own children too
        for _ in range(_PATIENCE):
            os.kill(server, 0)
            time.sleep(0.1)
    shutil.rmtree(directory, ignore_errors=True)
