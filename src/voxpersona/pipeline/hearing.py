"""The decoded sound of a recording for those who come after its work, when what the work had decoded is gone."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from voxpersona.model import Recording
from voxpersona.pipeline.blob_source import blob_source
from voxpersona.ports import Blobs, Media, Sound

_ABANDONED = 86_400.0
"""Seconds: nobody listens for so long."""


@contextmanager
def heard(recording: Recording, *, audio: Blobs, media: Media, scratch: Path) -> Iterator[Sound]:
    """The sound, decoded now, for as long as it is held. Integrity BLOB_CORRUPT where the original is not as it was
    kept, NotFound BLOB_ABSENT where it is gone."""
    _sweep(scratch)
    target = scratch / f"{recording.id}-{uuid.uuid4().hex}.heard"
    original = recording.original
    try:
        for _ in audio.read(original.key):
            pass  # reading to the end is what compares the hash
        with blob_source(audio, original.key) as source:
            media.decode(source, name=original.name, target=target)
        yield media.sound(target)
    finally:
        target.unlink(missing_ok=True)


def _sweep(scratch: Path) -> None:
    """Remove what was left by those that were killed long ago."""
    for left in scratch.glob("*.heard*"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                left.unlink()
