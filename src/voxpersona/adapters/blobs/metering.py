"""A store whose use is counted: the port `Blobs` over another store.

Seconds are the store's own: what a caller takes to produce content or to take in parts is not counted. A read, a put
or a listing is under way until its last part, or until it is given up; parts are counted as they pass.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from voxpersona.adapters.blobs.content import Watch, tapped
from voxpersona.errors import Code, VoxPersonaError
from voxpersona.model import BlobFacts, Listed
from voxpersona.model.noun import Noun
from voxpersona.ports import Blobs

T = TypeVar("T")

OPERATIONS = ("put", "stat", "read", "list", "delete", "link", "relabel")

OK = "ok"
GIVEN_UP = "given-up"
"""The outcome of a read that was not taken to its end, and of a put whose content broke off: no fault of the store."""


class Metered(Noun):
    """The use of one operation so far. `outcomes` counts the calls that are over, by OK, GIVEN_UP or error code.

    `sent` and `received` are bytes of content; `seconds` of all calls, `slowest` of the longest one.
    """

    operation: str
    outcomes: Mapping[str, int]
    under_way: int
    sent: int
    received: int
    seconds: float
    slowest: float

    @property
    def calls(self) -> int:
        """Those over and those under way."""
        return sum(self.outcomes.values()) + self.under_way


class Meter:
    """The counts of one bucket; safe for threads, and to be shared by several wrappers. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._counts = {operation: _Counts() for operation in OPERATIONS}

    def snapshot(self) -> tuple[Metered, ...]:
        """All operations in the order of OPERATIONS, also those never used; of one moment."""
        with self._lock:
            return tuple(
                Metered(
                    operation=operation,
                    outcomes=dict(counts.outcomes),
                    under_way=counts.under_way,
                    sent=counts.sent,
                    received=counts.received,
                    seconds=counts.seconds,
                    slowest=counts.slowest,
                )
                for operation, counts in self._counts.items()
            )

    @contextmanager
    def call(self, operation: str) -> Iterator["Call"]:
        """One call, from here to its end."""
        call = Call(self._clock)
        counts = self._counts[operation]
        with self._lock:
            counts.under_way += 1
        outcome = GIVEN_UP
        try:
            yield call
            outcome = OK
        except VoxPersonaError as error:
            outcome = str(error.code)
            raise
        except Exception:
            outcome = str(Code.INTERNAL)
            raise
        finally:
            with self._lock:
                counts.under_way -= 1
                counts.outcomes[GIVEN_UP if call.given_up else outcome] += 1
                counts.seconds += call.seconds
                counts.slowest = max(counts.slowest, call.seconds)

    def moved(self, operation: str, *, sent: int = 0, received: int = 0) -> None:
        """So many bytes passed."""
        with self._lock:
            self._counts[operation].sent += sent
            self._counts[operation].received += received


@dataclass
class _Counts:
    outcomes: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    sent: int = 0
    received: int = 0
    seconds: float = 0.0
    slowest: float = 0.0


class Call:
    """The seconds of one call that were the store's; safe for threads, as a store may draw content in its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._seconds = 0.0
        self.given_up = False

    @property
    def seconds(self) -> float:
        return max(0.0, self._seconds)

    @contextmanager
    def waiting(self, *, for_caller: bool = False) -> Iterator[None]:
        """What happens inside is waiting for the store, or inside of that, for its caller."""
        begun = self._clock()
        try:
            yield
        finally:
            took = self._clock() - begun
            with self._lock:
                self._seconds += -took if for_caller else took


class MeteringBlobs:
    """See the module. Changes nothing: every argument, answer and error passes as it is."""

    def __init__(self, inner: Blobs, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    def put(
        self,
        key: str,
        content: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> BlobFacts:
        """See the port. Content that the store draws twice (to hash it before it is sent) is counted once."""
        watch = Watch()
        most = 0

        def counted(content: Iterable[bytes]) -> Iterator[bytes]:
            nonlocal most
            size = 0
            parts = watch(content)
            while True:
                with call.waiting(for_caller=True):
                    part = next(parts, None)
                if part is None:
                    return
                size += len(part)
                if size > most:
                    self._meter.moved("put", sent=size - most)
                    most = size
                yield part

        with self._meter.call("put") as call:
            try:
                with call.waiting():
                    return self._inner.put(
                        key,
                        tapped(content, counted),
                        sha256=sha256,
                        size=size,
                        content_type=content_type,
                        metadata=metadata,
                    )
            finally:
                call.given_up = watch.broke

    def stat(self, key: str) -> BlobFacts:
        """See the port."""
        return self._measured("stat", lambda: self._inner.stat(key))

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See the port."""
        reading = self._reading(key, start, end)
        next(reading)  # makes the inner call now
        return reading

    def list(self, prefix: str = "") -> Iterator[Listed]:
        """See the port. Counted from its first line on."""
        with self._meter.call("list") as call:
            yield from _timed(call, lambda: self._inner.list(prefix))

    def delete(self, key: str) -> None:
        """See the port."""
        self._measured("delete", lambda: self._inner.delete(key))

    def link(self, key: str, seconds: int, name: str) -> str:
        """See the port."""
        return self._measured("link", lambda: self._inner.link(key, seconds, name))

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        """See the port."""
        return self._measured("relabel", lambda: self._inner.relabel(key, metadata))

    def _measured(self, operation: str, ask: Callable[[], T]) -> T:
        with self._meter.call(operation) as call, call.waiting():
            return ask()

    def _reading(self, key: str, start: int, end: int | None) -> Iterator[bytes]:
        with self._meter.call("read") as call:
            with call.waiting():
                inner = self._inner.read(key, start, end)
            yield b""  # taken by `read`
            for part in _timed(call, lambda: inner):
                self._meter.moved("read", received=len(part))
                yield part


def _timed(call: Call, begin: Callable[[], Iterator[T]]) -> Iterator[T]:
    with call.waiting():
        lines = begin()
    while True:
        with call.waiting():
            try:
                line = next(lines)
            except StopIteration:
                return
        yield line
