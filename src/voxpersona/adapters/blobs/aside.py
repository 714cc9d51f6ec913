"""Hashing in a thread of its own, while the next bytes come."""

import hashlib
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from voxpersona.errors import Code, Integrity
from voxpersona.model import BlobFacts

_BEHIND = 4
"""Parts that may wait to be hashed: memory stays flat."""


class Aside:
    """SHA-256 of the parts added, in order. Leaving it early drops what still waits."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._waiting: deque[Future[None]] = deque()
        self._thread = ThreadPoolExecutor(1, "hashing")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def add(self, part: bytes) -> None:
        """The part must not change afterwards."""
        self._waiting.append(self._thread.submit(self._hash.update, part))
        if len(self._waiting) > _BEHIND:
            self._waiting.popleft().result()

    def sha256(self) -> str:
        """Hex, of all parts so far."""
        while self._waiting:
            self._waiting.popleft().result()
        return self._hash.hexdigest()


def verified_aside(parts: Iterable[bytes], facts: BlobFacts) -> Iterator[bytes]:
    """As `verify.verified`, for long blobs: they are hashed while the next bytes come."""
    size = 0
    with Aside() as whole:
        for part in parts:
            whole.add(part)
            size += len(part)
            yield part
        if (size, whole.sha256()) != (facts.size, facts.sha256):
            raise Integrity(Code.BLOB_CORRUPT, "the blob does not hold the bytes that were put", key=facts.key)
