"""How workers know of each other: one alone behind a file lock, or many with leases in the shared database."""

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator, Set
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol

from voxpersona.errors import Code, Unavailable, VoxPersonaError

_LOCK_TRIES = 5
_LOCK_PAUSE = 0.1
_BEATS_A_LEASE = 5

_log = logging.getLogger("voxpersona.engine")


class Presence(Protocol):
    """Being one of the workers of a database."""

    @property
    def executor(self) -> str:
        """The name under which DBOS notes what this process has begun."""

    def held(self) -> AbstractContextManager[None]:
        """Within this, the process is a worker. Unavailable WORKER_RUNNING where there may be only one and is one."""

    def alive(self) -> Set[str]:
        """Executors that live; what others have begun is to be taken over."""

    def is_anyone_there(self) -> bool: ...


def _is_taken(lock: IO[str]) -> bool:
    """Take the lock for this process; True where another one has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


class Alone:
    """The one worker of a data directory, behind a lock on a file. Its name is always the same: whoever holds the lock
    goes on with what the last one left."""

    executor = "embedded"

    def __init__(self, lock: Path) -> None:
        self._lock = lock

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock.open("a+") as lock:
            # Those who only look whether it is held hold it for a moment, too: wait that moment out.
            for _ in range(_LOCK_TRIES):
                if not _is_taken(lock):
                    break
                time.sleep(_LOCK_PAUSE)
            else:
                raise Unavailable(Code.WORKER_RUNNING, f"{self._lock} is held by another worker")
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield

    def alive(self) -> Set[str]:
        return {self.executor}

    def is_anyone_there(self) -> bool:
        with self._lock.open("a+") as lock:
            return _is_taken(lock)


class Leases(Protocol):
    """The leases in the shared database."""

    seconds: float

    def renew(self, worker: str) -> None: ...
    def end(self, worker: str) -> None: ...
    def alive(self) -> frozenset[str]: ...


class Among:
    """One of many workers: it lives as long as it renews its lease. `executor` is unlike any other there ever was."""

    def __init__(self, leases: Leases, executor: str) -> None:
        self.executor = executor
        self._leases = leases

    @contextmanager
    def held(self) -> Iterator[None]:
        self._leases.renew(self.executor)
        over = threading.Event()
        beating = threading.Thread(target=self._beat, args=(over,), name="lease", daemon=True)
        beating.start()
        try:
            yield
        finally:
            over.set()
            beating.join()
            try:
                self._leases.end(self.executor)  # what did not end in time is taken over at once
            except VoxPersonaError as error:
                _log.warning("the lease is left to run out: %s", error.code)

    def _beat(self, over: threading.Event) -> None:
        while not over.wait(self._leases.seconds / _BEATS_A_LEASE):
            try:
                self._leases.renew(self.executor)
            except VoxPersonaError as error:
                # Nobody else can take anything over either while the database does not answer.
                _log.warning("the lease could not be renewed: %s", error.code)

    def alive(self) -> Set[str]:
        return self._leases.alive()

    def is_anyone_there(self) -> bool:
        return bool(self._leases.alive())
