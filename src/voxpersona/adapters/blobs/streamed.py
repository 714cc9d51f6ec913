"""Tink's streaming format AES256-GCM-HKDF with segments of 64 KiB, written with `cryptography`.

    header      one byte, its own length (40); 32 bytes salt; 7 bytes nonce prefix
    key         HKDF-SHA256 of the data key, with the salt and, as info, the associated data: 32 bytes
    segments    65,536 bytes each, the header counted with the first; the last one is what remains and never empty,
                but of an empty message; each is AES-256-GCM with its tag of 16 bytes, without associated data
    nonce       prefix; number of the segment, 4 bytes big-endian; 1 for the last segment, else 0

So a segment can be read alone, and none can be changed, left out, exchanged, added or come after the end unnoticed.
Source: developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming. The tests hold it against Tink itself, both
ways. One data key is for one message: salt and prefix need not be random then, only the same for the same message.
"""

from collections.abc import Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY = 32
"""Bytes of a data key."""

SEGMENT = 65_536
"""Bytes of a segment as it is stored."""

SALT = 32
PREFIX = 7
HEADER = 1 + SALT + PREFIX

_TAG = 16
_PLAIN = SEGMENT - _TAG
_SEGMENTS = 16
_PART = _SEGMENTS * SEGMENT
"""What is written and read at once: 1 MiB, the longest part the port allows."""


class NotAuthentic(Exception):
    """What was read is not what was written: changed, cut off, exchanged, or written with another key."""


def segments(size: int) -> int:
    """How many segments hold that many bytes; one at least."""
    return max(1, -(-(HEADER + size) // _PLAIN))


def sealed_size(size: int) -> int:
    """Bytes of ciphertext for that many bytes."""
    return HEADER + size + _TAG * segments(size)


def reach(size: int, start: int, stop: int) -> tuple[int, int]:
    """The range of the ciphertext that holds the bytes `[start, stop)` of a message of `size` bytes: whole segments,
    one at least. 0 <= start <= stop <= size."""
    first = min((HEADER + start) // _PLAIN, segments(size) - 1)
    last = max(first, (HEADER + stop - 1) // _PLAIN)
    return first * SEGMENT, min((last + 1) * SEGMENT, sealed_size(size))


def tags(part: bytes) -> bytes:
    """The tags of a part as `encrypt` yields it: they stand for its bytes before anybody who has not the key."""
    ends = (min(at + SEGMENT, len(part)) for at in range(0, len(part), SEGMENT))
    return b"".join(part[end - _TAG : end] for end in ends)


def expand(key: bytes, label: bytes, about: bytes, length: int = KEY) -> bytes:
    """Another key made of a key, for one purpose and one thing: HKDF-SHA256 (RFC 5869), salt `label`."""
    return HKDF(algorithm=SHA256(), length=length, salt=label, info=about).derive(key)


def header(salt: bytes, prefix: bytes) -> bytes:
    """The first 40 bytes of a ciphertext."""
    return bytes([HEADER]) + salt + prefix


class Streamed:
    """One message under one data key, either way. Safe for threads."""

    def __init__(self, data_key: bytes, associated: bytes, header: bytes) -> None:
        """`associated` is what the message is bound to. `header`: 40 bytes; NotAuthentic where they are none."""
        if len(header) != HEADER or header[0] != HEADER:
            raise NotAuthentic
        self._header = header
        self._prefix = header[1 + SALT :]
        self._cipher = AESGCM(expand(data_key, header[1 : 1 + SALT], associated))

    def encrypt(self, parts: Iterable[bytes]) -> Iterator[bytes]:
        """The ciphertext in parts of exactly 1 MiB, the last one shorter; memory for three of them."""
        plain, stored = memoryview(bytearray(_SEGMENTS * _PLAIN)), memoryview(bytearray(_PART))
        room, filled, number = len(plain) - HEADER, 0, 0
        for part in parts:
            rest = memoryview(part)
            while rest:
                if filled == room:  # and there is more: none of these is the last segment
                    yield self._sealed(plain[:filled], stored, number, is_end=False)
                    room, filled, number = len(plain), 0, number + _SEGMENTS
                taken = min(room - filled, len(rest))
                plain[filled : filled + taken] = rest[:taken]
                filled, rest = filled + taken, rest[taken:]
        yield self._sealed(plain[:filled], stored, number, is_end=True)

    def decrypt(self, parts: Iterable[bytes], size: int, start: int, stop: int) -> Iterator[bytes]:
        """The bytes `[start, stop)` of the message of `size` bytes, in parts of less than 1 MiB.

        `parts` is the ciphertext of the range that `reach` tells. NotAuthentic before the first byte that is not.
        """
        begin, finish = reach(size, start, stop)
        number, end = begin // SEGMENT, segments(size) - 1
        plain = memoryview(bytearray(min(_PART, finish - begin)))
        for stored in _regrouped(parts, finish - begin):
            at = max(0, number * _PLAIN - HEADER)
            filled = self._opened(stored, plain, number, end)
            wanted = plain[:filled][max(0, start - at) : stop - at]
            if wanted:
                yield bytes(wanted)
            number += _SEGMENTS

    def _sealed(self, plain: memoryview, stored: memoryview, number: int, *, is_end: bool) -> bytes:
        """Up to 16 segments of ciphertext, made in `stored`; `number` is the first one's."""
        filled, at = 0, 0
        if number == 0:
            filled = HEADER
            stored[:HEADER] = self._header
        while True:
            segment = plain[at : at + _PLAIN - filled % SEGMENT]  # the first one has the header to carry
            at += len(segment)
            is_over = at == len(plain)
            nonce = self._nonce(number, is_last=is_end and is_over)
            filled += self._cipher.encrypt_into(nonce, segment, None, stored[filled : filled + len(segment) + _TAG])
            number += 1
            if is_over:
                return bytes(stored[:filled])

    def _opened(self, stored: memoryview, plain: memoryview, number: int, end: int) -> int:
        """Open whole segments into `plain`, and tell how many bytes that made; `number` is the first one's, `end` the
        number of the message's last. What stands in `plain` after NotAuthentic is not authentic."""
        at, filled = 0, 0
        if number == 0:
            at = HEADER
            if stored[:HEADER] != self._header:
                raise NotAuthentic
        while at < len(stored):
            segment = stored[at : (at // SEGMENT + 1) * SEGMENT]
            room = plain[filled : filled + len(segment) - _TAG]
            try:
                filled += self._cipher.decrypt_into(self._nonce(number, is_last=number == end), segment, None, room)
            except InvalidTag as error:
                raise NotAuthentic from error
            at += len(segment)
            number += 1
        return filled

    def _nonce(self, number: int, *, is_last: bool) -> bytes:
        return self._prefix + number.to_bytes(4, "big") + bytes([is_last])


def _regrouped(parts: Iterable[bytes], length: int) -> Iterator[memoryview]:
    """The parts as whole segments, 1 MiB at a time, each to be used before the next is asked for. NotAuthentic where
    they are not as many bytes as they should be."""
    gathered = memoryview(bytearray(min(_PART, length)))
    room, filled = len(gathered), 0
    for part in parts:
        rest = memoryview(part)
        while rest:
            if filled == room:
                yield gathered[:room]
                length -= room
                room, filled = min(_PART, length), 0
                if not room:
                    raise NotAuthentic
            taken = min(room - filled, len(rest))
            gathered[filled : filled + taken] = rest[:taken]
            filled, rest = filled + taken, rest[taken:]
    if filled != length:
        raise NotAuthentic
    yield gathered[:filled]
