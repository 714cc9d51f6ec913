"""Ciphertext on its way to the store: made again as often as the store asks for it, or kept aside."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile

from voxpersona.adapters.blobs.filesystem import store_errors
from voxpersona.adapters.blobs.streamed import Streamed, tags
from voxpersona.adapters.blobs.verify import PART, Tally
from voxpersona.errors import Code, Integrity


class Again:
    """The ciphertext of a content, as often as it is asked for, and never any other."""

    def __init__(self, key: str, content: Iterable[bytes], cipher: Streamed, marks: Sequence[bytes]) -> None:
        """`marks` are those of the parts as they were when the content was verified."""
        self._key = key
        self._content = content
        self._cipher = cipher
        self._marks = marks

    def __iter__(self) -> Iterator[bytes]:
        for place, part in enumerate(self._cipher.encrypt(self._content)):
            # A content that ends earlier differs in its last part: the nonce says that it is the last.
            if place >= len(self._marks) or mark(part) != self._marks[place]:
                raise Integrity(Code.BLOB_CORRUPT, "the content was another when it was read again", key=self._key)
            yield part


def mark(part: bytes) -> bytes:
    """16 bytes that stand for a part of a ciphertext."""
    return blake2b(tags(part), digest_size=16).digest()


@contextmanager
def aside(parts: Iterable[bytes], tally: Tally, directory: Path | None) -> Iterator[Iterable[bytes]]:
    """The parts, written to a file without a name, to be iterated as often as wanted. Errors of their source pass.
    Unavailable NO_SPACE, STORE_UNAVAILABLE."""
    with store_errors():
        opened = TemporaryFile(dir=directory, buffering=0)  # noqa: SIM115  # closed below; the try must end before
    with opened:
        for part in parts:
            tally.add(part)
            rest = memoryview(part)
            with store_errors():
                while rest:
                    rest = rest[opened.write(rest) :]
        yield _Spooled(opened.fileno())


def counted(content: Iterable[bytes], tally: Tally) -> Iterator[bytes]:
    """The content, added to the tally on its way."""
    for part in content:
        tally.add(part)
        yield part


def tallied(content: Iterable[bytes]) -> Tally:
    """The tally of the whole content."""
    tally = Tally()
    for part in content:
        tally.add(part)
    return tally


class _Spooled:
    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __iter__(self) -> Iterator[bytes]:
        at = 0
        while True:
            with store_errors():
                part = os.pread(self._descriptor, PART, at)
            if not part:
                return
            yield part
            at += len(part)
