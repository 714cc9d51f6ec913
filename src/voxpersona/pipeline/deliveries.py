"""The source keys of an archive as its database and its bucket know them, held against each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from voxpersona.model import Recording, RecordingId, Source
from voxpersona.pipeline import layout
from voxpersona.ports import Blobs, Library


@dataclass(frozen=True)
class Deliveries:
    """`by_recording` are those of the database, `buried` the keys of what the bucket says was forgotten."""

    by_recording: Mapping[RecordingId, Sequence[Source]]
    buried: Set[str]

    @classmethod
    def of(cls, library: Library, archive: Blobs) -> "Deliveries":
        """As they stand now. The bucket first: what is forgotten in between is known to the database already."""
        buried = {one.key for one in archive.list(layout.FORGOTTEN)}
        found: defaultdict[RecordingId, list[Source]] = defaultdict(list)
        for source in library.sources():
            found[source.recording].append(source)
        return cls(found, buried)

    def came_again(self, recording: Recording) -> Sequence[Source]:
        """The source keys of a recording beside its first, which its manifest names; without forgotten ones."""
        found = self.by_recording.get(recording.id, ())
        return [source for source in found if source.forgotten_at is None and source.key != recording.source]

    def is_known(self, key: str) -> bool:
        """Whether the database knows the source key whose document stands under this key."""
        return layout.FORGOTTEN + key.rsplit("/", 1)[1] in self._known

    def is_forgotten(self, source: str) -> bool:
        """Whether the bucket says so."""
        return layout.forgotten(source) in self.buried

    @property
    def unburied(self) -> Sequence[Source]:
        """What is forgotten in the database only."""
        return [source for key, source in self._known.items() if source.forgotten_at and key not in self.buried]

    @property
    def risen(self) -> Sequence[Source]:
        """What is forgotten in the bucket, and stands in the database as if it were not."""
        return [source for key, source in self._known.items() if not source.forgotten_at and key in self.buried]

    @property
    def strange(self) -> Sequence[str]:
        """Keys of documents of forgotten deliveries that the database never heard of."""
        return sorted(self.buried - self._known.keys())

    @cached_property
    def _known(self) -> Mapping[str, Source]:
        """Every source of the database, by the key that its document has or would have once it is forgotten."""
        return {layout.forgotten(source.key): source for found in self.by_recording.values() for source in found}
