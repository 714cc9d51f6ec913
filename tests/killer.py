"""Run the real program and SIGKILL it when it enters or leaves a given function for the nth time.

    python -m tests.killer MODULE:QUALNAME:call|return:N ARGUMENTS...

Watches from outside through the interpreter's profiling hook: no line of the program is changed for it.
"""

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from voxpersona.doors.cli import main


def _watch(point: str) -> Any:
    module, name, event, nth = point.rsplit(":", 3)
    left = int(nth)
    lock = threading.Lock()

    def hook(frame: FrameType, happened: str, _argument: Any) -> None:
        nonlocal left
        if happened != event or frame.f_code.co_qualname != name or frame.f_globals.get("__name__") != module:
            return
        with lock:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return hook


if __name__ == "__main__":
    watch = _watch(sys.argv[1])
    sys.argv = ["voxpersona", *sys.argv[2:]]
    threading.setprofile(watch)
    sys.setprofile(watch)
    main()
