"""A stretch of a seekable source, seen as a file of its own."""

import io
from typing import BinaryIO


class Window:
    """The bytes `[start, end)` of `source`; positions count from `start`.

    The source's own position is moved freely. An error of the source while the decoder reads is kept in `failure` and
    looks like the end of the file meanwhile: the C library that calls `read` cannot carry it.
    """

    def __init__(self, source: BinaryIO, start: int = 0, end: int | None = None) -> None:
        self._source = source
        self._start = start
        self._end = source.seek(0, io.SEEK_END) if end is None else end
        self._at = 0
        self.failure: BaseException | None = None

    @property
    def size(self) -> int:
        return self._end - self._start

    def part(self, start: int, end: int) -> "Window":
        """The bytes `[start, end)` of this window as a window."""
        return Window(self._source, self._start + start, self._start + end)

    def at(self, position: int, count: int) -> bytes:
        """Up to `count` bytes from `position`; fewer only at the end. Errors of the source pass."""
        wanted = min(count, self.size - position)
        if wanted <= 0:
            return b""
        self._source.seek(self._start + position)
        parts = []
        while wanted > 0 and (part := self._source.read(wanted)):
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)

    def read(self, count: int = -1) -> bytes:
        """For the decoder."""
        if self.failure is not None:
            return b""
        try:
            found = self.at(self._at, self.size if count < 0 else count)
        except BaseException as failure:  # noqa: BLE001 - kept, and raised by the one who asked the decoder
            self.failure = failure
            return b""
        self._at += len(found)
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """For the decoder."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.size}[whence]
        self._at = max(0, origin + offset)
        return self._at

    def tell(self) -> int:
        """For the decoder."""
        return self._at
