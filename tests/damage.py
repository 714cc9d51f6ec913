"""Archives with something wrong, for tests of what finds and mends it."""

import datetime as dt
import hashlib
from dataclasses import dataclass
from pathlib import Path

from tests.rooms import Rooms
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.model import Problem
from voxpersona.pipeline.check import check
from voxpersona.pipeline.rebuild import Rebuilt, rebuild
from voxpersona.pipeline.repair import Seen, repair


class DamageableBlobs(MemoryBlobs):
    """A store whose disk can be made to rot."""

    def flip(self, key: str) -> None:
        """Turn one bit of the blob; what is recorded of it stays."""
        facts, content = self._kept[key]
        self._kept[key] = (facts, bytes([content[0] ^ 1]) + content[1:])

    def copy(self) -> "DamageableBlobs":
        """Another store that holds the same now."""
        other = DamageableBlobs()
        other._kept = dict(self._kept)
        return other

    def is_whole(self, key: str) -> bool:
        facts, content = self._kept[key]
        return hashlib.sha256(content).hexdigest() == facts.sha256

    def keys(self) -> list[str]:
        return sorted(self._kept)

    def content(self) -> dict[str, bytes]:
        """All there is, damaged or not."""
        return {key: content for key, (_, content) in self._kept.items()}


@dataclass
class Place(Rooms):
    """Rooms over damageable stores."""

    def __post_init__(self) -> None:
        super().__post_init__()
        assert isinstance(self.audio, DamageableBlobs)
        assert isinstance(self.archive, DamageableBlobs)
        self.stores = (self.audio, self.archive)

    @property
    def content(self) -> dict[str, bytes]:
        return {key: content for store in self.stores for key, content in store.content().items()}

    def flip(self, key: str) -> None:
        next(store for store in self.stores if key in store.keys()).flip(key)  # noqa: SIM118  # no mapping

    def lose(self, key: str) -> None:
        for store in self.stores:
            store.delete(key)

    def without_memory(self) -> "Place":
        """The same stores beside an empty library, journal and index."""
        return Place(self.scratch, audio=self.audio, archive=self.archive, transcriber=self.transcriber)

    def copied(self) -> "Place":
        """Another archive of the same content, which comes to no harm by what is done to this one."""
        assert isinstance(self.audio, DamageableBlobs)
        assert isinstance(self.archive, DamageableBlobs)
        other = Place(self.scratch, audio=self.audio.copy(), archive=self.archive.copy())
        assert other.rebuild().problems == []
        return other

    def rebuild(self) -> Rebuilt:
        return rebuild(
            library=self.library,
            journal=self.journal,
            passages=self.passages,
            embedder=self.embedder,
            audio=self.audio,
            archive=self.archive,
            on_progress=lambda _: None,
        )

    def check(self, *, read: bool = True) -> list[Problem]:
        found = check(
            library=self.library,
            journal=self.journal,
            passages=self.passages,
            audio=self.audio,
            archive=self.archive,
            read=read,
            on_progress=lambda _: None,
        )
        return list(found)

    def repair(self, *, read: bool = False, settled: dt.timedelta = dt.timedelta(0)) -> list[Seen]:
        found = repair(
            library=self.library,
            journal=self.journal,
            passages=self.passages,
            embedder=lambda: self.embedder,
            media=self.media,
            audio=self.audio,
            archive=self.archive,
            read=read,
            on_progress=lambda _: None,
            settled=settled,
        )
        return list(found)


def a_place(scratch: Path) -> Place:
    return Place(scratch, audio=DamageableBlobs(), archive=DamageableBlobs())
