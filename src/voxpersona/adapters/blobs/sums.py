r"""The sums of a blob's segments, by which any part of it can be checked without the rest; and how they are kept.

    voxpersona sums 1\n
    {"segment":1048576,"sha256":"<of the blob>","size":2147483648}\n
    16 bytes for each segment: its sum, in order; the last segment may be shorter
    32 bytes: SHA-256 of everything before

A sum is an AES-GMAC under a key that everybody knows, the segment's number as nonce: it finds damage, a segment in the
wrong place too, as surely as SHA-256 at a tenth of the cost, and it is the second pass over every byte. Against forgery
neither would help, as whoever can write the blob can write its sums: encryption does. 2 GiB in segments of 1 MiB take
32 KiB of sums. They are derived: whoever has the whole blob can make the very same again.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import AEADEncryptionContext, Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import GCM
from pydantic import Field

from voxpersona.model import BlobFacts
from voxpersona.model.noun import Noun

_MAGIC = b"voxpersona sums 1\n"
_PROOF = hashlib.sha256().digest_size
_SUM = 16
_KEY = hashlib.sha256(_MAGIC).digest()[:16]

LONGEST_SEGMENT = 16 << 20
"""Bytes: sums of longer segments are not believed, as one segment is held in memory to be checked."""


class NoSums(Exception):
    """These bytes are not the sums of that blob."""


def _summing(number: int) -> AEADEncryptionContext:
    return Cipher(AES(_KEY), GCM(number.to_bytes(12, "big"))).encryptor()


def _finished(summing: AEADEncryptionContext) -> bytes:
    summing.finalize()
    return summing.tag


@dataclass(frozen=True)
class Sums:
    """The sum of each segment of `segment` bytes, in order; the last one may be shorter."""

    segment: int
    size: int
    digests: bytes

    def holds(self, number: int, content: bytes | bytearray | memoryview) -> bool:
        """Whether these are the bytes of that segment, counted from 0."""
        summing = _summing(number)
        summing.authenticate_additional_data(content)
        return _finished(summing) == self.digests[number * _SUM : (number + 1) * _SUM]


class Summing:
    """Sums up segments as the parts of a blob go by; `size` is the bytes seen so far."""

    def __init__(self, segment: int) -> None:
        self.size = 0
        self._segment = segment
        self._digests = bytearray()
        self._current = _summing(0)

    def add(self, part: bytes) -> None:
        left = memoryview(part)
        while left:
            taken = left[: self._segment - self.size % self._segment]
            self._current.authenticate_additional_data(taken)
            self.size += len(taken)
            if self.size % self._segment == 0:
                self._digests += _finished(self._current)
                self._current = _summing(self.size // self._segment)
            left = left[len(taken) :]

    def sums(self) -> Sums:
        """Of the bytes so far, as the whole blob; nothing can be added afterwards."""
        last = _finished(self._current) if self.size % self._segment else b""
        return Sums(self._segment, self.size, bytes(self._digests) + last)


def segments(parts: Iterable[bytes], length: int) -> Iterator[bytes]:
    """The same bytes in parts of `length` each; the last may be shorter. Holds one of them and one part."""
    held: list[memoryview] = []
    room = length
    for part in parts:
        if not held and len(part) == length:
            yield part
            continue
        left = memoryview(part)
        while left:
            held.append(left[:room])
            room -= len(held[-1])
            left = left[len(held[-1]) :]
            if room == 0:
                yield b"".join(held)
                held, room = [], length
    if held:
        yield b"".join(held)


class _Head(Noun):
    segment: int = Field(ge=1, le=LONGEST_SEGMENT)
    sha256: str
    size: int


def kept(sums: Sums, sha256: str) -> bytes:
    """The sums of the blob with that hash, as they are kept."""
    head = _Head(segment=sums.segment, sha256=sha256, size=sums.size)
    content = _MAGIC + head.model_dump_json().encode() + b"\n" + sums.digests
    return content + hashlib.sha256(content).digest()


def unpacked(content: bytes, facts: BlobFacts) -> Sums:
    """The sums of this blob. NoSums where they are damaged, or are those of other bytes."""
    body, proof = content[:-_PROOF], content[-_PROOF:]
    if not body.startswith(_MAGIC) or hashlib.sha256(body).digest() != proof:
        raise NoSums
    first, _, digests = body.removeprefix(_MAGIC).partition(b"\n")
    try:
        head = _Head.model_validate_json(first)
    except ValueError as error:
        raise NoSums from error
    of_the_blob = (head.sha256, head.size) == (facts.sha256, facts.size)
    if not of_the_blob or len(digests) != _SUM * -(-head.size // head.segment):
        raise NoSums
    return Sums(head.segment, head.size, digests)
