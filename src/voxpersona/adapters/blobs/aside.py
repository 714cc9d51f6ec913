"""Hashing in a thread of its own, while the next bytes are made."""

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from voxpersona.adapters.blobs.verify import Tally

_BEHIND = 4
"""Parts that may wait to be hashed: memory stays flat."""


_WORTH_A_THREAD = 8 << 20
"""Bytes: what is smaller is hashed sooner than a thread is started."""


class AsideTally(Tally):
    """A tally whose parts are hashed beside what else is done. Leaving it early drops what still waits."""

    def __init__(self) -> None:
        super().__init__()
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
        if not self._waiting and self.size < _WORTH_A_THREAD:
            super().add(part)
            return
        self._waiting.append(self._thread.submit(super().add, part))
        if len(self._waiting) > _BEHIND:
            self._waiting.popleft().result()

    def settle(self) -> None:
        """Wait until every part is counted and hashed: before that, size and hash are of fewer."""
        while self._waiting:
            self._waiting.popleft().result()
