"""Builders for encrypted blobs: a store with its keys, and stores that are tampered with."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.hostile import PassingBlobs
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.blobs.streamed import SEGMENT
from voxpersona.model import BlobFacts
from voxpersona.ports import Blobs

FIRST = SEGMENT - 40 - 16
"""Bytes of a message in the first segment."""

NEXT = SEGMENT - 16
"""Bytes of a message in every further one."""

BOUNDARIES = sorted(
    {
        *(0, 1, 2, FIRST - 1, FIRST, FIRST + 1, SEGMENT - 1, SEGMENT, SEGMENT + 1),
        *(FIRST + many * NEXT + more for many in (1, 14, 15, 16, 31) for more in (-1, 0, 1)),
        5 * 1024 * 1024 + 3,
    }
)
"""Sizes of messages at which something changes: a segment more, a part more."""


@dataclass
class Tampered:
    """What a store says and gives of one key, instead of the truth."""

    content: bytes | None = None
    metadata: dict[str, str] | None = None


class TamperedBlobs(PassingBlobs):
    """Gives other bytes and other metadata under some keys, and believes in them: size and hash are told to match."""

    def __init__(self, inner: Blobs) -> None:
        super().__init__(inner)
        self.tampered: dict[str, Tampered] = {}
        self.ranges: list[tuple[int, int | None]] = []

    def tamper(self, key: str, content: bytes | None = None, metadata: dict[str, str] | None = None) -> None:
        self.tampered[key] = Tampered(content, metadata)

    def raw(self, key: str) -> bytes:
        """The ciphertext as it truly is."""
        return b"".join(self._inner.read(key))

    def stat(self, key: str) -> BlobFacts:
        facts = super().stat(key)
        told = self.tampered.get(key, Tampered())
        size = facts.size if told.content is None else len(told.content)
        metadata = facts.metadata if told.metadata is None else told.metadata
        return facts.model_copy(update={"size": size, "metadata": metadata})

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        self.ranges.append((start, end))
        told = self.tampered.get(key, Tampered())
        if told.content is None:
            return super().read(key, start, end)
        wanted = told.content[start:end]
        return iter([wanted[at : at + 100_000] for at in range(0, len(wanted), 100_000)])


@dataclass
class Locked:
    """An encrypting store over memory, with everything that can be looked at and changed below it."""

    path: Path
    below: MemoryBlobs = field(default_factory=MemoryBlobs)

    def __post_init__(self) -> None:
        self.keyring = Keyring.generate(self.path / "keys.json")
        self.inner = TamperedBlobs(self.below)
        self.blobs = EncryptingBlobs(self.inner, self.keyring, plain=self.inner, scratch=self.path)
