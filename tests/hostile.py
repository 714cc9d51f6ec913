"""Stores that misbehave, with the port of the store they stand before.

Some merely fail, for tests of those who use a store: `FaultyBlobs` on order, `DownBlobs` for a while, `BreakingBlobs`
in the middle of reads, `SlowBlobs` takes its time. The others lie, and the contract suite and everything that verifies
must catch them.
"""

import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from voxpersona.errors import Code, Unavailable, VoxPersonaError
from voxpersona.model import BlobFacts, Listed
from voxpersona.ports import Blobs


@dataclass(frozen=True)
class Fault:
    """One planned fault: at the `call`-th use (from 1) of the method `of`.

    `after` is the worse kind: the work was done, only its answer was lost.
    `at_byte` of a `put` or `read` lets that many bytes pass first.
    """

    of: str
    call: int = 1
    error: VoxPersonaError | None = None
    after: bool = False
    at_byte: int | None = None

    def strike(self) -> None:
        raise self.error or Unavailable(Code.STORE_UNAVAILABLE, f"planned fault {self.call} of {self.of}")


class PassingBlobs:
    """Everything as the inner store has it. `_called` is told of every call before it is passed on."""

    def __init__(self, inner: Blobs) -> None:
        self._inner = inner

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
        self._called("put")
        return self._inner.put(key, content, sha256=sha256, size=size, content_type=content_type, metadata=metadata)

    def stat(self, key: str) -> BlobFacts:
        self._called("stat")
        return self._inner.stat(key)

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self._called("read")
        return self._inner.read(key, start, end)

    def list(self, prefix: str = "") -> Iterator[Listed]:
        self._called("list")
        return self._inner.list(prefix)

    def delete(self, key: str) -> None:
        self._called("delete")
        self._inner.delete(key)

    def link(self, key: str, seconds: int, name: str) -> str:
        self._called("link")
        return self._inner.link(key, seconds, name)

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        self._called("relabel")
        return self._inner.relabel(key, metadata)

    def _called(self, method: str) -> None:
        """Nothing."""


class FaultyBlobs(PassingBlobs):
    """Fails as planned, each planned fault once, and works otherwise. `calls` counts the uses of each method."""

    def __init__(self, inner: Blobs, plan: Iterable[Fault] = ()) -> None:
        super().__init__(inner)
        self._plan = {(fault.of, fault.call): fault for fault in plan}
        self.calls: dict[str, int] = {}

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
        fault = self._begin("put")
        if fault is not None and fault.at_byte is not None:
            content = _breaking(content, fault.at_byte, fault)
        facts = super().put(key, content, sha256=sha256, size=size, content_type=content_type, metadata=metadata)
        self._end(fault)
        return facts

    def stat(self, key: str) -> BlobFacts:
        fault = self._begin("stat")
        facts = super().stat(key)
        self._end(fault)
        return facts

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        fault = self._begin("read")
        parts = super().read(key, start, end)
        return parts if fault is None else _breaking(parts, fault.at_byte or 0, fault)

    def list(self, prefix: str = "") -> Iterator[Listed]:
        fault = self._begin("list")
        yield from super().list(prefix)
        self._end(fault)

    def delete(self, key: str) -> None:
        fault = self._begin("delete")
        super().delete(key)
        self._end(fault)

    def link(self, key: str, seconds: int, name: str) -> str:
        fault = self._begin("link")
        address = super().link(key, seconds, name)
        self._end(fault)
        return address

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        fault = self._begin("relabel")
        facts = super().relabel(key, metadata)
        self._end(fault)
        return facts

    def _begin(self, method: str) -> Fault | None:
        """The fault of this call, if it does not strike at once."""
        self.calls[method] = self.calls.get(method, 0) + 1
        fault = self._plan.pop((method, self.calls[method]), None)
        if fault is not None and not fault.after and fault.at_byte is None:
            fault.strike()
        return fault

    @staticmethod
    def _end(fault: Fault | None) -> None:
        if fault is not None:
            fault.strike()


class DownBlobs(PassingBlobs):
    """Is down for the first `calls` calls, whichever they are: nobody answers. `left` may be set to go down again."""

    def __init__(self, inner: Blobs, calls: int) -> None:
        super().__init__(inner)
        self.left = calls
        self.asked = 0

    def _called(self, method: str) -> None:
        self.asked += 1
        if self.left > 0:
            self.left -= 1
            raise Unavailable(Code.STORE_UNREACHABLE, f"planned: nobody answers {method}")


class BreakingBlobs(PassingBlobs):
    """Breaks the first `times` reads off after `at_byte` bytes of each; one that asks for fewer ends well."""

    def __init__(self, inner: Blobs, at_byte: int, times: int) -> None:
        super().__init__(inner)
        self._at_byte = at_byte
        self._left = times
        self.reads: list[tuple[int, int | None]] = []

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self.reads.append((start, end))
        return self._broken(super().read(key, start, end))

    def _broken(self, parts: Iterator[bytes]) -> Iterator[bytes]:
        passed = 0
        for part in parts:
            if self._left > 0 and passed + len(part) > self._at_byte:
                yield part[: self._at_byte - passed]
                self._left -= 1
                raise Unavailable(Code.STORE_UNAVAILABLE, "planned: the connection broke")
            passed += len(part)
            yield part


class SlowBlobs(PassingBlobs):
    """Its first `calls` calls wait until the test sets `go`, and release `waiting` when they begin to."""

    def __init__(self, inner: Blobs, calls: int) -> None:
        super().__init__(inner)
        self._left = calls
        self._lock = threading.Lock()
        self.go = threading.Event()
        self.waiting = threading.Semaphore(0)

    def _called(self, method: str) -> None:
        with self._lock:
            slow = self._left > 0
            self._left -= slow
        if slow:
            self.waiting.release()
            if not self.go.wait(60):
                raise AssertionError(f"the test never let {method} go")


class TruncatingBlobs(PassingBlobs):
    """Keeps all but the last byte of what it is given, and says that all is well."""

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
        del sha256, size  # it would be found out
        return super().put(key, [b"".join(content)[:-1]], content_type=content_type, metadata=metadata)


class FlippingBlobs(PassingBlobs):
    """Flips one bit of the first byte of every read."""

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        return _flipped(super().read(key, start, end))


class DamagedOnceBlobs(PassingBlobs):
    """Flips a bit of the first byte of the next read of the blob from `start` on: damage on the way, not in the store.
    `start` is -1 where there is none to come."""

    def __init__(self, inner: Blobs, key: str) -> None:
        super().__init__(inner)
        self._key = key
        self.start = -1

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        parts = super().read(key, start, end)
        if (key, start) != (self._key, self.start):
            return parts
        self.start = -1
        return _flipped(parts)


class ForgetfulBlobs(PassingBlobs):
    """Loses the metadata."""

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
        del metadata
        return super().put(key, content, sha256=sha256, size=size, content_type=content_type)


class ClobberingBlobs(PassingBlobs):
    """Overwrites: what several servers do that accept a condition and ignore it."""

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
        whole = b"".join(content)
        self._inner.delete(key)
        return super().put(key, [whole], sha256=sha256, size=size, content_type=content_type, metadata=metadata)


class UnorderedBlobs(PassingBlobs):
    """Lists in the wrong order."""

    def list(self, prefix: str = "") -> Iterator[Listed]:
        yield from reversed([*super().list(prefix)])


class LateListingBlobs(PassingBlobs):
    """Lists eventually: a key that was put appears in a listing only after `late` others that missed it."""

    def __init__(self, inner: Blobs, late: int = 1) -> None:
        super().__init__(inner)
        self._late = late
        self._unseen: dict[str, int] = {}

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
        facts = super().put(key, content, sha256=sha256, size=size, content_type=content_type, metadata=metadata)
        self._unseen.setdefault(key, self._late)
        return facts

    def list(self, prefix: str = "") -> Iterator[Listed]:
        hidden = {key for key, listings in self._unseen.items() if listings > 0}
        self._unseen = {key: listings - 1 for key, listings in self._unseen.items()}
        return (listed for listed in super().list(prefix) if listed.key not in hidden)


def _breaking(parts: Iterable[bytes], at_byte: int, fault: Fault) -> Iterator[bytes]:
    left = at_byte
    for part in parts:
        if len(part) > left:
            yield part[:left]
            break
        left -= len(part)
        yield part
    fault.strike()


def _flipped(parts: Iterable[bytes]) -> Iterator[bytes]:
    flip = 1
    for part in parts:
        yield bytes([part[0] ^ flip]) + part[1:]
        flip = 0
