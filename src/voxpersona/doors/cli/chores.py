"""What a worker process sees to beside its engine, in a thread of its own: the spool, and upkeep."""

import logging
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from voxpersona.errors import VoxPersonaError
from voxpersona.model import RecordingId
from voxpersona.pipeline.deliver import deliver
from voxpersona.pipeline.upkeep import Upkeep
from voxpersona.wiring import House

_LOOK_SECONDS = 5.0
"""Between two looks into the spool; a store that did not answer is left alone for longer (pipeline/spool.py)."""

_UPKEEP_SECONDS = 3600.0
_PATIENCE = 20.0
"""Seconds to wait for the thread at the end; whatever it is at may be killed."""

_log = logging.getLogger("voxpersona.upkeep")


class Chores:
    """Runs while it is entered. Whatever fails is logged and tried again: no recording is hindered by it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._over = threading.Event()
        self._saw_all = threading.Event()
        self._is_hindered = False
        self._thread = threading.Thread(target=self._run, name="chores", daemon=True)

    def __enter__(self) -> "Chores":
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        self._thread.join(_PATIENCE)

    def is_idle(self) -> bool:
        """Whether everything was seen to once, and nothing is left in the spool but what the store, which does not
        answer, or a person must see to first."""
        waits = any(entry.refused is None for entry in self._house.spool.entries())
        return self._saw_all.is_set() and (self._is_hindered or not waits)

    def _run(self) -> None:
        given_up: set[RecordingId] = set()
        upkeep_at = time.monotonic()
        is_first = True
        while not self._over.is_set():
            with self._told():
                self._deliver(refused=is_first)
            if time.monotonic() >= upkeep_at:
                upkeep_at = time.monotonic() + _UPKEEP_SECONDS
                with self._told():
                    self._keep_up(given_up)
            is_first = False
            self._saw_all.set()
            self._over.wait(_LOOK_SECONDS)

    def _deliver(self, *, refused: bool) -> None:
        house = self._house
        if house.spool.has_entries():
            self._is_hindered = True  # until it is known better: an error leaves it so
            told = deliver(house.spool, audio=lambda: house.audio, library=lambda: house.library, refused=refused)
            self._is_hindered = told.because is not None

    def _keep_up(self, given_up: set[RecordingId]) -> None:
        house = self._house
        Upkeep(
            library=house.library,
            journal=house.journal,
            engine=house.engine(),
            passages=house.passages,
            embedder=lambda: house.embedder,
            media=house.media,
            audio=house.audio,
            archive=house.archive,
            buckets=house.buckets_control,
            spool=house.spool,
            given_up=given_up,
        ).once(self._over.is_set)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except VoxPersonaError as error:
            _log.warning("looking again later: %s", error.code)
        except Exception as error:  # noqa: BLE001  # the edge of a thread: a fault of ours must not end the chores
            where = traceback.extract_tb(error.__traceback__)[-1]
            # Never the exception's own text: it may quote what was said.
            _log.error("upkeep failed: %s at %s:%s", type(error).__name__, where.name, where.lineno)
