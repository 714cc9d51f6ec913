"""Check: prove the archive whole. Compares what the library believes with the bytes that exist; changes nothing."""

from collections.abc import Iterator, Sequence
from enum import StrEnum

from voxpersona.errors import Integrity, NotFound
from voxpersona.model import Manifest, Problem, Recording, RecordingId, State
from voxpersona.pipeline import documents, layout
from voxpersona.ports import Blobs, Journal, Library, OnProgress, PassageIndex


class Kind(StrEnum):
    """What can be wrong with an archive; docs/commands.md says what to do about each."""

    BLOB_MISSING = "blob-missing"
    SIZE_DIFFERS = "size-differs"
    HASH_DIFFERS = "hash-differs"
    MANIFEST_MISSING = "manifest-missing"
    MANIFEST_DIFFERS = "manifest-differs"
    RESULT_MISSING = "result-missing"
    BLOB_WITHOUT_ROW = "blob-without-row"
    INDEX_BEHIND = "index-behind"
    FORGET_UNFINISHED = "forget-unfinished"


def check(
    *,
    library: Library,
    journal: Journal,
    passages: PassageIndex,
    audio: Blobs,
    archive: Blobs,
    read: bool,
    on_progress: OnProgress,
) -> Sequence[Problem]:
    """All problems found. Fast by default (presence and sizes); `read` reads every byte and compares every hash."""
    recordings = library.recordings()
    unfinished = library.half_forgotten()
    problems = [
        _problem(Kind.FORGET_UNFINISHED, recording.id, "", "run `voxpersona forget` on it again")
        for recording in unfinished
    ]
    indexed = passages.counts()
    for done, recording in enumerate(recordings, 1):
        problems += _original(recording, audio)
        problems += _results(recording, library, journal, archive, indexed.get(recording.id, 0))
        on_progress(done / len(recordings) * (0.1 if read else 1.0))
    rows = {recording.id for recording in [*recordings, *unfinished]}
    problems += _strangers(rows, (audio, archive))
    if read:
        problems += _every_byte((audio, archive), on_progress)
    return problems


def _problem(kind: Kind, recording: str, key: str, detail: str) -> Problem:
    return Problem(kind=kind, recording=recording, key=key, detail=detail)


def _original(recording: Recording, audio: Blobs) -> Iterator[Problem]:
    original = recording.original
    try:
        facts = audio.stat(original.key)
    except NotFound:
        yield _problem(Kind.BLOB_MISSING, recording.id, original.key, "the original is gone")
    else:
        if facts.size != original.bytes:
            detail = f"{facts.size} bytes stand there, {original.bytes} were received"
            yield _problem(Kind.SIZE_DIFFERS, recording.id, original.key, detail)
        elif facts.sha256 != original.sha256:
            yield _problem(Kind.HASH_DIFFERS, recording.id, original.key, "the store records another hash")
    key = layout.manifest(recording.id)
    try:
        manifest = documents.read(audio, key, Manifest)
    except NotFound:
        yield _problem(Kind.MANIFEST_MISSING, recording.id, key, "the manifest is gone")
    except Integrity as error:
        yield _problem(Kind.MANIFEST_DIFFERS, recording.id, key, error.detail)
    else:
        if manifest.recording.original.sha256 != original.sha256:
            yield _problem(Kind.MANIFEST_DIFFERS, recording.id, key, "the manifest names other bytes")


def _results(
    recording: Recording, library: Library, journal: Journal, archive: Blobs, indexed: int
) -> Iterator[Problem]:
    if journal.standing(recording.id).state is not State.READY:
        return  # under way or failed: its results are not promised yet
    attribution = library.attribution(recording.id)
    keys = [layout.transcript(recording.id, attribution.transcript), layout.roles(recording.id, attribution.number)]
    for report in library.reports(recording.id):
        keys.append(layout.report(recording.id, report.template, report.number))
    for key in keys:
        try:
            archive.stat(key)
        except NotFound:
            yield _problem(Kind.RESULT_MISSING, recording.id, key, "saved in the database, gone from the bucket")
    if attribution.segments and not indexed:
        yield _problem(Kind.INDEX_BEHIND, recording.id, "", "not searchable; run `voxpersona reindex`")


def _strangers(rows: set[RecordingId], buckets: Sequence[Blobs]) -> Iterator[Problem]:
    for bucket in buckets:
        for blob in bucket.list("recordings/"):
            owner = RecordingId(blob.key.split("/")[1])
            if owner not in rows:
                yield _problem(Kind.BLOB_WITHOUT_ROW, owner, blob.key, "no row knows it; nothing was deleted")


def _every_byte(buckets: Sequence[Blobs], on_progress: OnProgress) -> Iterator[Problem]:
    blobs = [(bucket, facts) for bucket in buckets for facts in bucket.list()]
    total = sum(facts.stored for _, facts in blobs) or 1
    done = 0
    for bucket, facts in blobs:
        parts = facts.key.split("/")
        owner = parts[1] if len(parts) > 1 else ""
        try:
            for part in bucket.read(facts.key):
                done += len(part)
                on_progress(0.1 + 0.9 * min(1.0, done / total))
        except (Integrity, NotFound) as error:
            yield _problem(Kind.HASH_DIFFERS, owner, facts.key, error.detail)
