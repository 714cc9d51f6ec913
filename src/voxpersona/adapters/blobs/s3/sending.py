"""Bytes gathered into parts of one length and sent several at once, with a fixed number of buffers."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")


class Sending(Generic[T]):
    """Parts on their way: bytes go in, `send(number, body)` is called in `threads` for each part, numbers from 1.

    There are as many buffers as may be filled or on the wire at once, and they are used again and again.
    """

    def __init__(
        self, threads: ThreadPoolExecutor, send: Callable[[int, bytes | bytearray], T], part_size: int, buffers: int
    ) -> None:
        self._threads = threads
        self._send = send
        self._size = part_size
        self._unmade = buffers
        self._free: SimpleQueue[bytearray] = SimpleQueue()
        self._filling: bytearray | None = None
        self._filled = 0
        self._number = 0
        self._under_way: list[Future[T]] = []
        self._sent: list[T] = []

    def add(self, part: bytes) -> None:
        """Waits while all buffers are under way. The error of a part that failed comes out here."""
        left = memoryview(part)
        while left:
            if self._filling is None:
                self._filling = self._buffer()
            taken = left[: self._size - self._filled]
            self._filling[self._filled : self._filled + len(taken)] = taken
            self._filled += len(taken)
            left = left[len(taken) :]
            if self._filled == self._size:
                self._submit()

    def finish(self) -> list[T]:
        """Send what is left, wait for everything, and give what `send` returned, in no order."""
        if self._filled:
            self._submit()
        self._sent += [under_way.result() for under_way in self._under_way]
        return self._sent

    def _buffer(self) -> bytearray:
        self._collect()
        if self._unmade and self._free.empty():
            self._unmade -= 1
            return bytearray(self._size)
        buffer = self._free.get()
        self._collect()
        return buffer

    def _collect(self) -> None:
        """Take the results there are; the error of a part that failed comes out here."""
        done = [under_way for under_way in self._under_way if under_way.done()]
        self._under_way = [under_way for under_way in self._under_way if not under_way.done()]
        self._sent += [under_way.result() for under_way in done]

    def _submit(self) -> None:
        assert self._filling is not None
        self._number += 1
        self._under_way.append(self._threads.submit(self._one, self._number, self._filling, self._filled))
        self._filling, self._filled = None, 0

    def _one(self, number: int, buffer: bytearray, filled: int) -> T:
        try:
            return self._send(number, buffer if filled == self._size else bytes(memoryview(buffer)[:filled]))
        finally:
            self._free.put(buffer)
