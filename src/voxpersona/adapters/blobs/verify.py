"""Counting and hashing bytes on their way, and what follows where they are not the right ones."""

import hashlib
from collections.abc import Iterable, Iterator

from voxpersona.errors import Code, Integrity
from voxpersona.model import BlobFacts

PART = 1 << 20
"""The longest part that a read yields, in bytes."""


class Tally:
    """Size and SHA-256 of the bytes seen so far."""

    def __init__(self) -> None:
        self.size = 0
        self._hash = hashlib.sha256()

    def add(self, part: bytes) -> None:
        self.size += len(part)
        self._hash.update(part)

    @property
    def sha256(self) -> str:
        """Hex, of all bytes so far."""
        return self._hash.hexdigest()

    def check(self, key: str, *, sha256: str | None, size: int | None) -> None:
        """Integrity BLOB_CORRUPT where the bytes are not the announced ones; None announces nothing."""
        if size is not None and size != self.size:
            raise Integrity(Code.BLOB_CORRUPT, f"blob has {self.size} bytes, not {size}", key=key)
        if sha256 is not None and sha256.lower() != self.sha256:
            raise Integrity(Code.BLOB_CORRUPT, f"blob of {self.size} bytes has another sha256 than told", key=key)


def verified(parts: Iterable[bytes], facts: BlobFacts) -> Iterator[bytes]:
    """The parts of a whole blob; after the last one, Integrity BLOB_CORRUPT where they are not what was recorded."""
    tally = Tally()
    for part in parts:
        tally.add(part)
        yield part
    tally.check(facts.key, sha256=facts.sha256, size=facts.size)


def check_same(standing: BlobFacts, sha256: str) -> BlobFacts:
    """The facts of the blob that stands, if it holds these bytes; else Integrity BLOB_CONFLICT."""
    if standing.sha256 != sha256:
        raise Integrity(Code.BLOB_CONFLICT, "other bytes stand under this key", key=standing.key)
    return standing


def is_whole(facts: BlobFacts, start: int, end: int | None) -> bool:
    """Whether the range `[start, end)` takes in the whole blob, so that its hash can be checked."""
    return start == 0 and (end is None or end >= facts.size)


def check_start(start: int) -> None:
    """A negative start is a mistake of the caller: ValueError."""
    if start < 0:
        raise ValueError("a range starts at 0 or later")
