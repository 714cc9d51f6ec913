"""Builders for blobs: bytes in parts, and what a store holds, read back."""

import random
from collections.abc import Iterator

from voxpersona.ports import Blobs

MIB = 1 << 20


def some_bytes(size: int, seed: int = 1) -> bytes:
    """Bytes that differ everywhere and are the same on every run."""
    return random.Random(seed).randbytes(size)


def in_parts(content: bytes, length: int = 100_000) -> Iterator[bytes]:
    """The bytes as they come from a network: in odd parts, some of them empty."""
    for at in range(0, len(content), length):
        yield content[at : at + length]
        yield b""


def content_of(blobs: Blobs, key: str) -> bytes:
    return b"".join(blobs.read(key))


def keys_of(blobs: Blobs, prefix: str = "") -> list[str]:
    return [facts.key for facts in blobs.list(prefix)]
