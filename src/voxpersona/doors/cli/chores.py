"""What a worker process sees to beside its engine, in threads of their own: the spool, and upkeep."""

import logging
import threading
import traceback
from collections.abc import Callable

from voxpersona.errors import VoxPersonaError
from voxpersona.model import RecordingId
from voxpersona.pipeline.deliver import deliver
from voxpersona.pipeline.upkeep import Upkeep
from voxpersona.wiring import House

_LOOK_SECONDS = 5.0
"""Between two looks into the spool; a store that did not answer is left alone for longer (pipeline/spool.py)."""

_UPKEEP_SECONDS = 3600.0
_PATIENCE = 20.0
"""Seconds to wait for a thread at the end; whatever it is at may be killed."""

_log = logging.getLogger("voxpersona.upkeep")


class Chores:
    """Two threads, from `begin` until the end of the block. What fails is logged and tried again: it hinders nobody."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._over = threading.Event()
        self._is_hindered = False
        self._given_up: set[RecordingId] = set()
        self._seen = {chore: threading.Event() for chore in (self._deliver, self._keep_up)}
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "Chores":
        return self

    def __exit__(self, *_exception: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def begin(self) -> None:
        """Once is enough: a worker that is refused, since another one runs, does not come to it."""
        if not self._threads:
            for chore, seconds in ((self._deliver, _LOOK_SECONDS), (self._keep_up, _UPKEEP_SECONDS)):
                thread = threading.Thread(
                    target=self._repeat, args=(chore, seconds), name=chore.__name__.strip("_"), daemon=True
                )
                self._threads.append(thread)
                thread.start()

    def is_idle(self) -> bool:
        """Whether everything was seen to once, and nothing is left in the spool but what the store, which does not
        answer, or a person must see to first."""
        if not all(seen.is_set() for seen in self._seen.values()):
            return False
        return self._is_hindered or all(entry.refused for entry in self._house.spool.entries())

    def _repeat(self, chore: Callable[[], None], seconds: float) -> None:
        while not self._over.is_set():
            try:
                chore()
            except VoxPersonaError as error:
                _log.warning("looking again later: %s", error.code)
            except Exception as error:  # noqa: BLE001  # the edge of a thread: a fault of ours must not end the chores
                where = traceback.extract_tb(error.__traceback__)[-1]
                # Never the exception's own text: it may quote what was said.
                _log.error("%s failed: %s at %s:%s", chore.__name__, type(error).__name__, where.name, where.lineno)
            self._seen[chore].set()
            self._over.wait(seconds)

    def _deliver(self) -> None:
        house = self._house
        if not house.spool.has_entries():
            return
        is_first = not self._seen[self._deliver].is_set()
        try:
            told = deliver(house.spool, audio=lambda: house.audio, library=lambda: house.library, refused=is_first)
        except VoxPersonaError:
            self._is_hindered = True
            raise
        self._is_hindered = told.because is not None

    def _keep_up(self) -> None:
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
            given_up=self._given_up,
        ).once(self._over.is_set)
