"""Run the real program and SIGKILL it when it enters or leaves a given function for the nth time, or reaches a line.

    python -m tests.killer MODULE:QUALNAME:call|return|line:N ARGUMENTS...

Watches from outside through the interpreter's profiling hook (its tracing hook for lines, of which the nth that is
reached in the function counts): no line of the program is changed for it.
"""

import os
import signal
import sys
import threading
from types import FrameType
from typing import Any

from voxpersona.doors.cli import main


class _Countdown:
    """Kills this process when it was called for the nth time, by whatever thread."""

    def __init__(self, nth: int) -> None:
        self._left = nth
        self._turn = threading.Lock()

    def __call__(self) -> None:
        with self._turn:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def install(point: str) -> None:
    """Watch for the point, in this thread and in all that are started from now on."""
    module, name, event, nth = point.rsplit(":", 3)
    reached = _Countdown(int(nth))

    def is_there(frame: FrameType) -> bool:
        return frame.f_code.co_qualname == name and frame.f_globals.get("__name__") == module

    def profile(frame: FrameType, happened: str, _argument: Any) -> None:
        if happened == event and is_there(frame):
            reached()

    def inside(_frame: FrameType, happened: str, _argument: Any) -> Any:
        if happened == "line":
            reached()
        return inside

    def trace(frame: FrameType, _happened: str, _argument: Any) -> Any:
        return inside if is_there(frame) else None

    if event == "line":
        threading.settrace(trace)
        sys.settrace(trace)
    else:
        threading.setprofile(profile)
        sys.setprofile(profile)


if __name__ == "__main__":
    point, sys.argv = sys.argv[1], ["voxpersona", *sys.argv[2:]]
    install(point)
    main()
