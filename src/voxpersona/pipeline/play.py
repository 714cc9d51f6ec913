"""The verb play: a recording's sound as a browser plays it and its peaks, made once and kept beside the results.

Both are derived: what a lifecycle rule removed is made again when somebody asks for it. The original is not touched.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from voxpersona.errors import Code, Integrity, NotFound
from voxpersona.model import BlobFacts, Peaks, Recording
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.blob_source import proven_source
from voxpersona.pipeline.scratch import scratch_file
from voxpersona.pipeline.spool import Spooled
from voxpersona.ports import Blobs, Library, Media, OnProgress

CONTENT_TYPE = "audio/mp4"


@dataclass(frozen=True)
class Playable:
    """What stands in the main bucket: the sound, to be read by ranges, and its outline."""

    sound: BlobFacts
    peaks: Peaks


def play(
    recording: Recording,
    *,
    library: Library,
    media: Media,
    audio: Blobs,
    archive: Blobs,
    scratch: Path,
    on_progress: OnProgress,
) -> Playable:
    """The recording's playable sound, made now unless it stands there. Several may ask at once; one's is kept.

    `scratch` is a directory of this machine. NotFound RECORDING_UNKNOWN where the recording is forgotten meanwhile:
    nothing is left of it then. Integrity BLOB_CORRUPT where the original is not as it was kept.
    """
    settings = hashlib.sha256(media.playable_name.encode()).hexdigest()[:16]
    sound_key, peaks_key = layout.sound(recording.id, settings), layout.peaks(recording.id, settings)
    with suppress(NotFound):
        return Playable(archive.stat(sound_key), documents.read(archive, peaks_key, Peaks))
    original = recording.original
    with scratch_file(scratch, recording.id, "m4a") as target:
        with proven_source(audio, original.key) as source:
            made = media.playable(source, name=original.name, target=target, on_progress=on_progress)
        _keep(target, sound_key, archive)
    peaks = documents.first_of(archive, peaks_key, made)
    try:
        # After it was written, because `forget` hides first and lists then: one of the two sees the other.
        library.recording(recording.id)
    except NotFound:
        archive.delete(sound_key)
        archive.delete(peaks_key)
        raise
    return Playable(archive.stat(sound_key), peaks)


def _keep(made: Path, key: str, archive: Blobs) -> None:
    with made.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    content = Spooled(made, digest, made.stat().st_size)
    metadata = {"kind": layout.kind(key)}
    try:
        archive.put(
            key,
            content,
            sha256=content.sha256,
            size=content.size,
            content_type=CONTENT_TYPE,
            metadata=metadata,
        )
    except Integrity as conflict:
        if conflict.code is not Code.BLOB_CONFLICT:  # another release of the encoder made it before: as good as this
            raise
