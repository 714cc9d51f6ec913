"""Receive: take a recording in so that "acknowledged" means "safe".

The order is the promise (docs/design.md, Durability): spool and hash -> fsync -> look whether it is sound -> put the
original, verified -> put the manifest -> one transaction: row + start of the work -> acknowledge. A kill at any line
leaves either nothing, or an unacknowledged original that the next delivery of the same bytes finds in its place.
"""

import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from voxpersona.errors import Code, Integrity, NotFound, Rejected, Unavailable
from voxpersona.model import Details, Manifest, MediaFacts, Original, Recording, Source
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.naming import new_recording_id, safe_name
from voxpersona.ports import Blobs, Library, Media

_PART = 1 << 20


@dataclass(frozen=True)
class Spooled:
    """Bytes as they came, fsynced on our disk. Iterating over it reads them, from the start each time."""

    path: Path
    sha256: str
    size: int

    def __iter__(self) -> Iterator[bytes]:
        with self.path.open("rb") as spooled:
            while part := spooled.read(_PART):
                yield part


@dataclass(frozen=True)
class Receipt:
    """What became of one delivery. `is_duplicate`: the bytes or the delivery were here already."""

    recording: Recording
    is_duplicate: bool


@contextmanager
def spool(source: BinaryIO, directory: Path) -> Iterator[Spooled]:
    """Copy `source` to a private file, hashing as it comes; the file is gone afterwards. No room: Unavailable."""
    path = directory / f"{uuid.uuid4().hex}.part"
    digest, size = hashlib.sha256(), 0
    try:
        try:
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as spooled:
                while part := source.read(_PART):
                    digest.update(part)
                    size += len(part)
                    spooled.write(part)
                spooled.flush()
                os.fsync(spooled.fileno())
        except OSError as error:
            raise Unavailable(Code.NO_SPACE, f"spool: {error.strerror}", where="spool") from error
        yield Spooled(path, digest.hexdigest(), size)
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


@dataclass(frozen=True)
class Delivery:
    """One recording at the door: its bytes, the name it came with, and what is known of it.

    `source` names the delivery for ever; "{sha256}" in it is filled in once the bytes are known.
    `again` takes in what was forgotten before, as a new delivery. `accept_damaged` keeps a recording cut off short.
    """

    content: BinaryIO
    name: str
    source: str
    details: Details
    again: bool = False
    accept_damaged: bool = False


def receive(delivery: Delivery, *, spool_directory: Path, audio: Blobs, library: Library, media: Media) -> Receipt:
    """Keep a recording. Returns only when it is safe; raises Rejected for what cannot be taken."""
    with spool(delivery.content, spool_directory) as spooled:
        received_at = datetime.now(UTC)
        source = delivery.source.replace("{sha256}", spooled.sha256)
        if delivery.again:
            source = f"{source}#again-{received_at.isoformat()}"
        if (standing := library.known(source, spooled.sha256)) is not None:
            recording, _ = library.add(standing.model_copy(update={"source": source}))
            _heal(recording, spooled, audio)
            keep_source(recording, source, library=library, audio=audio)
            return Receipt(recording, is_duplicate=True)
        facts = _sound(delivery, spooled, media)
        identity = new_recording_id(source)
        original = Original(
            name=delivery.name,
            key=layout.original(identity, safe_name(delivery.name)),
            sha256=spooled.sha256,
            bytes=spooled.size,
            media=facts,
        )
        recording = Recording(
            id=identity, source=source, received_at=received_at, details=delivery.details, original=original
        )
        _put(recording, spooled, audio)
        recording = _manifest(recording, audio)
        standing, is_new = library.add(recording)
        keep_source(standing, source, library=library, audio=audio)
        return Receipt(standing, is_duplicate=not is_new)


def _sound(delivery: Delivery, spooled: Spooled, media: Media) -> MediaFacts:
    with spooled.path.open("rb") as content:
        facts = media.decode(content, name=delivery.name)
    if facts.damage is not None and not delivery.accept_damaged:
        raise Rejected(Code.TRUNCATED, facts.damage, name=delivery.name, damage=facts.damage)
    return facts


def _put(recording: Recording, spooled: Spooled, audio: Blobs) -> None:
    original = recording.original
    audio.put(
        original.key,
        spooled,
        sha256=spooled.sha256,
        size=spooled.size,
        content_type=original.media.content_type,
        metadata={
            "kind": layout.kind(original.key),
            "source": _cut(recording.source, 200),
            "name": _cut(original.name, 255),
            "seconds": f"{original.media.seconds:.3f}",
        },
    )


def _cut(text: str, most: int) -> str:
    """The text, or so much of it as fits into that many bytes of UTF-8: the manifest has it whole."""
    return text.encode(errors="replace")[:most].decode(errors="ignore").replace("\0", "")


def _heal(recording: Recording, spooled: Spooled, audio: Blobs) -> None:
    """Where the store has lost an original and the same bytes are delivered again, they take its place."""
    if spooled.sha256 != recording.original.sha256:
        return
    try:
        audio.stat(recording.original.key)
    except NotFound:
        _put(recording, spooled, audio)
    _manifest(recording, audio)


def _manifest(recording: Recording, audio: Blobs) -> Recording:
    """Write the manifest; where an earlier, unacknowledged try of the same delivery wrote one, that one stands."""
    key = layout.manifest(recording.id)
    written = documents.made_once(audio, key, Manifest, lambda: Manifest(recording=recording)).recording
    if written.original.sha256 != recording.original.sha256:
        raise Integrity(Code.BLOB_CONFLICT, f"{key} is of other bytes", key=key)
    return written


def keep_source(recording: Recording, source: str, *, library: Library, audio: Blobs) -> None:
    """Write down the source key of a delivery that brought nothing new; the manifest names the first one only."""
    if source == recording.source:
        return
    known = next((known for known in library.sources(recording.id) if known.key == source), None)
    if known is not None:
        write_source(recording, known, library=library, audio=audio)


def write_source(recording: Recording, source: Source, *, library: Library, audio: Blobs) -> None:
    """Put a source key beside the recording that it names. Idempotent."""
    key = layout.source(recording.id, source.key)
    documents.made_for(recording.id, audio, key, Source, lambda: source, library=library)


def sweep_spool(directory: Path, older_than_seconds: float) -> int:
    """Remove what killed receivers left in the spool; nothing in there was ever acknowledged. Returns how many."""
    oldest = datetime.now(UTC).timestamp() - older_than_seconds
    swept = 0
    for path in directory.glob("*.part"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < oldest:
                path.unlink()
                swept += 1
    return swept
