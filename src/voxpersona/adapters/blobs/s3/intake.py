"""Content on its way in: gathered while it is small, else told by its size and hash before it is sent."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from voxpersona.adapters.blobs.filesystem import store_errors
from voxpersona.adapters.blobs.verify import PART, Tally


class Intake:
    """The content of one put. Its own errors pass through; a context manager, as it may hold a spool file."""

    def __init__(
        self, key: str, content: Iterable[bytes], *, sha256: str | None, size: int | None, spool: Path | None
    ) -> None:
        self._key = key
        self._content = content
        self._told_sha256 = sha256.lower() if sha256 is not None else None
        self._told_size = size
        self._spool = spool
        self._stack = ExitStack()
        self._tally = Tally()
        self._gathered: list[bytes] = []
        self._parts = iter(content)
        self._is_again = self._parts is not content

    def __enter__(self) -> "Intake":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def size(self) -> int:
        """Of the bytes seen so far."""
        return self._tally.size

    @property
    def sha256(self) -> str:
        """Of the bytes seen so far, hex."""
        return self._tally.sha256

    def gather(self, limit: int) -> bytes | None:
        """The whole content, checked, where it is not longer than `limit`; else None. Integrity BLOB_CORRUPT."""
        if self._told_size is not None and self._told_size > limit:
            return None
        for part in self._parts:
            self._tally.add(part)
            self._gathered.append(part)
            if self._told_size is not None and self._tally.size > self._told_size:
                break
            if self._tally.size > limit:
                return None
        self._check()
        return b"".join(self._gathered)

    def drain(self) -> None:
        """See the rest go by. Integrity BLOB_CORRUPT where it is not what was announced."""
        self._gathered.clear()
        for part in self._parts:
            self._tally.add(part)
        self._check()

    def announced(self) -> tuple[str, int]:
        """Hash and size of the whole, as told or found out now: in a first pass, or on the way to a spool file."""
        if self._told_sha256 is None or self._told_size is None:
            if self._is_again:
                self.drain()
                self._parts = iter(self._content)
            else:
                self._parts = self._spooled()
            self._told_sha256, self._told_size = self._tally.sha256, self._tally.size
        return self._told_sha256, self._told_size

    def again(self) -> Iterator[bytes]:
        """The whole content, to be sent; once."""
        self._parts = chain(_emptied(self._gathered), self._parts)
        return self._parts

    def rest(self) -> Iterator[bytes]:
        """What `again` has not yielded yet."""
        return self._parts

    def _check(self) -> None:
        self._tally.check(self._key, sha256=self._told_sha256, size=self._told_size)

    def _spooled(self) -> Iterator[bytes]:
        with store_errors():
            if self._spool is not None:
                self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = tempfile.TemporaryFile(dir=self._spool, buffering=0)  # noqa: SIM115  # closed with the intake
        self._stack.callback(file.close)
        for part in _emptied(self._gathered):
            _write(file, part)
        for part in self._parts:
            self._tally.add(part)
            _write(file, part)
        self._check()
        file.seek(0)
        return _read(file)


def _emptied(gathered: list[bytes]) -> Iterator[bytes]:
    """The parts, let go one by one."""
    gathered.reverse()
    while gathered:
        yield gathered.pop()


def _write(file: BinaryIO, part: bytes) -> None:
    left = memoryview(part)
    with store_errors():
        while left:
            left = left[os.write(file.fileno(), left) :]


def _read(file: BinaryIO) -> Iterator[bytes]:
    while True:
        with store_errors():
            part = file.read(PART)
        if not part:
            return
        yield part
