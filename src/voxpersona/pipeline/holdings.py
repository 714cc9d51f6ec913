"""What stands of each recording in the two buckets, told from their listings alone."""

import heapq
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from voxpersona.model import RecordingId, State
from voxpersona.pipeline import layout
from voxpersona.ports import Blobs, Made


@dataclass(frozen=True)
class Holding:
    """The keys of one recording, or of whatever else has a folder where recordings stand."""

    recording: RecordingId
    audio: tuple[str, ...] = ()
    archive: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """All, those of the audio bucket first."""
        return self.audio + self.archive

    @property
    def originals(self) -> tuple[str, ...]:
        """One, in every recording that is whole."""
        return tuple(key for key in self.audio if layout.kind(key) == "original")

    @property
    def has_manifest(self) -> bool:
        return layout.manifest(self.recording) in self.audio

    @property
    def sources(self) -> tuple[str, ...]:
        """Keys of the documents that tell how else it came."""
        return tuple(key for key in self.audio if layout.kind(key) == "source")

    @cached_property
    def made(self) -> frozenset[Made]:
        """Which results have a document."""
        return frozenset(made for made in map(layout.made, self.archive) if made is not None)

    @cached_property
    def ended(self) -> Mapping[int, State]:
        """The runs that are over, by number: one that failed and then went on to end well, ended well."""
        found = [ended for ended in map(layout.ended, self.archive) if ended is not None]
        return dict(sorted(found, key=lambda one: (one[0], one[1] is State.READY)))


def holdings(audio: Blobs, archive: Blobs) -> Iterator[Holding]:
    """Of every recording that has a blob, ascending. Nothing is read but the listings; memory is that of one."""
    listed = heapq.merge(*(_placed(bucket, place) for place, bucket in enumerate((audio, archive))))
    for folder, keys in itertools.groupby(listed, key=lambda one: one[0]):
        found = list(keys)
        owner = RecordingId(folder.split("/")[1])
        of_audio, of_archive = (tuple(key for _, place, key in found if place == wanted) for wanted in (0, 1))
        yield Holding(owner, of_audio, of_archive)


def holding(recording: RecordingId, audio: Blobs, archive: Blobs) -> Holding:
    """Of one recording, as it stands now."""
    prefix = layout.everything(recording)
    of_audio, of_archive = (tuple(one.key for one in bucket.list(prefix)) for bucket in (audio, archive))
    return Holding(recording, of_audio, of_archive)


def _placed(bucket: Blobs, place: int) -> Iterator[tuple[str, int, str]]:
    """Each key with its recording's folder, ascending; a blob without a folder stands for itself."""
    for one in bucket.list("recordings/"):
        parts = one.key.split("/", 2)
        yield ("/".join([*parts[:2], ""]) if len(parts) > 2 else one.key), place, one.key
