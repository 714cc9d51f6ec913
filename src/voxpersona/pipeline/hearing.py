"""The decoded sound of a recording for those who come after its work, when what the work had decoded is gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voxpersona.model import Recording
from voxpersona.pipeline.blob_source import proven_source
from voxpersona.pipeline.scratch import scratch_file
from voxpersona.ports import Blobs, Media, Sound


@contextmanager
def heard(recording: Recording, *, audio: Blobs, media: Media, scratch: Path) -> Iterator[Sound]:
    """The sound, decoded now, for as long as it is held. Integrity BLOB_CORRUPT where the original is not as it was
    kept, NotFound BLOB_ABSENT where it is gone."""
    original = recording.original
    with scratch_file(scratch, recording.id, "heard") as target:
        with proven_source(audio, original.key) as source:
            media.decode(source, name=original.name, target=target)
        yield media.sound(target)
