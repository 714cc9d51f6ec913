"""Stores that misbehave, with the port of the store they stand before.

`FaultyBlobs` fails on order, for tests of those who use a store. `TruncatingBlobs` and `FlippingBlobs` lie about
bytes: the contract suite and everything that verifies must catch them.
"""

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
    """Everything as the inner store has it."""

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
        return self._inner.put(key, content, sha256=sha256, size=size, content_type=content_type, metadata=metadata)

    def stat(self, key: str) -> BlobFacts:
        return self._inner.stat(key)

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        return self._inner.read(key, start, end)

    def list(self, prefix: str = "") -> Iterator[Listed]:
        return self._inner.list(prefix)

    def delete(self, key: str) -> None:
        self._inner.delete(key)

    def link(self, key: str, seconds: int, name: str) -> str:
        return self._inner.link(key, seconds, name)

    def relabel(self, key: str, metadata: Mapping[str, str]) -> BlobFacts:
        return self._inner.relabel(key, metadata)


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
