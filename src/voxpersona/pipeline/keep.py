"""Keep: put a recording whose bytes are on our disk into the archive: store first, then row and start of its work.

What `receive` and `deliver` have in common. A kill at any line leaves either nothing, or an original or a manifest or
both, that the next delivery of the same bytes finds in their places.
"""

from concurrent.futures import ThreadPoolExecutor

from voxpersona.errors import Code, Integrity, NotFound
from voxpersona.model import Manifest, Recording, Source
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.spool import Spooled
from voxpersona.ports import Blobs, Library

_SMALL = 8 << 20
"""Bytes. What takes longer may break off after minutes, and then must not have left a manifest behind."""


def keep(
    recording: Recording, content: Spooled, *, audio: Blobs, library: Library, is_new: bool = False
) -> tuple[Recording, bool]:
    """Put the original, verified, and the manifest; then row and start of the work in ONE commit.

    `is_new`: the library was asked a moment ago and knew nothing of it; what came between the two, the commit sees.
    Returns the recording that stands and whether it is new: of what is here already nothing is put but what the store
    has lost, and the way it came. Errors as of store and library: Rejected FORGOTTEN, Integrity BLOB_CONFLICT, ...
    """
    source = recording.source
    if not is_new and (standing := library.known(source, content.sha256)) is not None:
        standing, _ = library.add(standing.model_copy(update={"source": source}))
        _heal(standing, content, audio)
        keep_source(standing, source, library=library, audio=audio)
        return standing, False
    standing, is_new = library.add(_put_both(recording, content, audio))
    keep_source(standing, source, library=library, audio=audio)
    return standing, is_new


def _put_both(recording: Recording, content: Spooled, audio: Blobs) -> Recording:
    """The original and the manifest. Of a small recording at once: whoever waits for the acknowledgement waits for the
    longer of the two. A row is made when both stand; a manifest alone is of nothing that was acknowledged."""
    if content.size > _SMALL:
        _put(recording, content, audio)
        return _manifest(recording, audio)
    with ThreadPoolExecutor(1, thread_name_prefix="manifest") as beside:
        manifest = beside.submit(_manifest, recording, audio)
        _put(recording, content, audio)
        return manifest.result()


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
    written = documents.first_of(audio, key, Manifest(recording=recording)).recording
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
