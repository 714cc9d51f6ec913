"""Doing the work, or waiting for whoever does it, with progress to look at."""

import math
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import FrameType

from voxpersona.doors.cli.console import Console, printable
from voxpersona.doors.cli.outside import waits_for
from voxpersona.errors import Code, NotFound, Unavailable
from voxpersona.model import Recording, RecordingId, Stage, Standing, State
from voxpersona.ports import Engine, Journal, OnProgress
from voxpersona.wiring import House

_LOOK_SECONDS = 0.25
_TELL_SECONDS = 300.0  # between two lines on what is waited for
_OVER = (State.READY, State.FAILED)


was_stopped = threading.Event()
"""Set once a signal asked this process to stop its work."""


def stop_on_signals(engine: Engine, console: Console) -> threading.Event:
    """SIGTERM and SIGINT drain the engine and set the event; a second one leaves at once. Both are safe."""

    def asked(_number: int, _frame: FrameType | None) -> None:
        if not was_stopped.is_set():
            console.note(
                console.pick(
                    "Stopping: the step under way may end (20 s at most); once more leaves at once. Nothing is lost.",
                    "Останавливаюсь: текущий шаг закончится (до 20 с); ещё раз — сразу. Ничего не потеряется.",
                )
            )
        was_stopped.set()
        engine.stop()

    signal.signal(signal.SIGTERM, asked)
    signal.signal(signal.SIGINT, asked)
    return was_stopped


def work_until_over(house: House, console: Console, recordings: Sequence[Recording]) -> bool:
    """Return when the newest runs of these recordings are over, working here if nobody else does.

    False where a signal stopped it before.
    """
    engine = house.engine()
    stopped = stop_on_signals(engine, console)
    with _Watch(house.journal, console, recordings) as watch:
        while not watch.is_over() and not stopped.is_set():
            try:
                engine.run(until=watch.is_over)
            except Unavailable as busy:
                if busy.code is not Code.WORKER_RUNNING:
                    raise
                # Another process is the worker and does our work, too; it may end before, so try again.
                stopped.wait(_LOOK_SECONDS)
    return not stopped.is_set()


class _Watch:
    """Looks at the journal a few times a second from a thread of its own and shows how far things are."""

    def __init__(self, journal: Journal, console: Console, recordings: Sequence[Recording]) -> None:
        self._journal = journal
        self._console = console
        self._waiting = {recording.id: recording for recording in recordings}
        self._told: dict[tuple[RecordingId, Stage], OnProgress] = {}
        self._waits: dict[RecordingId, tuple[str, float]] = {}
        self._bars = ExitStack()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="watch", daemon=True)

    def is_over(self) -> bool:
        return self._over.is_set()

    def __enter__(self) -> "_Watch":
        if not self._waiting:
            self._over.set()
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join()
        self._bars.close()

    def _look(self) -> None:
        while not self._over.is_set():
            for recording in list(self._waiting.values()):
                self._look_at(recording)
            if not self._waiting:
                self._over.set()
            self._over.wait(_LOOK_SECONDS)

    def _look_at(self, recording: Recording) -> None:
        try:
            standing = self._journal.standing(recording.id)
        except NotFound:  # forgotten while we waited
            del self._waiting[recording.id]
            return
        except Unavailable:
            return  # the database is busy; look again
        self._show(recording, standing)
        self._show_waiting(recording, standing)
        if standing.state in _OVER:
            del self._waiting[recording.id]

    def _show_waiting(self, recording: Recording, standing: Standing) -> None:
        """What it waits for, when that is new and every few minutes; and that it goes on, after that."""
        waiting = standing.waiting
        if waiting is None:
            if self._waits.pop(recording.id, None) is not None and standing.state not in _OVER:
                self._console.note(f"{recording.id} {self._console.pick('goes on', 'работа продолжается')}")
            return
        what, told_at = self._waits.get(recording.id, ("", -math.inf))
        now = time.monotonic()
        if what != waiting.code or now > told_at + _TELL_SECONDS:
            self._waits[recording.id] = waiting.code, now
            safe = self._console.pick("nothing is lost, Ctrl-C may leave", "ничего не потеряно, можно выйти: Ctrl-C")
            self._console.note(f"{recording.id} {waits_for(waiting, self._console)}; {safe}")

    def _show(self, recording: Recording, standing: Standing) -> None:
        if standing.stage is None:
            return
        one = recording.id, standing.stage
        if one not in self._told:
            for (owner, _), told in self._told.items():
                if owner == recording.id:
                    told(1.0)  # a stage before, which nobody saw end
            self._bars.close()
            title = f"{recording.id} {standing.stage} {printable(recording.original.name)[:40]}"
            self._told[one] = self._bars.enter_context(self._console.progress(title))
        self._told[one](standing.share)
