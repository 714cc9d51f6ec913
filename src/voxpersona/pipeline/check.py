"""Check: prove the archive whole. Compares what the library believes with the bytes that exist; changes nothing."""

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

from voxpersona.errors import Code, Integrity, NotFound
from voxpersona.model import Manifest, Problem, Recording, RecordingId, Stage, State
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.deliveries import Deliveries
from voxpersona.pipeline.holdings import Holding, holdings
from voxpersona.pipeline.spool import Spool
from voxpersona.ports import Blobs, Bucket, Journal, Library, OnProgress, PassageIndex

STALE = dt.timedelta(days=1)
"""After which a write that was begun and never completed is taken for abandoned."""


class Kind(StrEnum):
    """What can be wrong with an archive; docs/commands.md says what to do about each."""

    BLOB_MISSING = "blob-missing"
    SIZE_DIFFERS = "size-differs"
    HASH_DIFFERS = "hash-differs"
    MANIFEST_MISSING = "manifest-missing"
    MANIFEST_DIFFERS = "manifest-differs"
    RESULT_MISSING = "result-missing"
    RESULT_UNSAVED = "result-unsaved"
    RUN_MISSING = "run-missing"
    RUN_DIFFERS = "run-differs"
    SOURCE_MISSING = "source-missing"
    BLOB_WITHOUT_ROW = "blob-without-row"
    INDEX_BEHIND = "index-behind"
    FORGET_UNFINISHED = "forget-unfinished"
    STALE_UPLOAD = "stale-upload"
    SPOOL_DAMAGED = "spool-damaged"
    SPOOL_REFUSED = "spool-refused"


def check(
    *,
    library: Library,
    journal: Journal,
    passages: PassageIndex,
    audio: Blobs,
    archive: Blobs,
    read: bool,
    on_progress: OnProgress,
    buckets: Sequence[Bucket] = (),
    spool: Spool | None = None,
) -> Sequence[Problem]:
    """All problems found. Fast by default (presence and sizes); `read` reads every byte and compares every hash.

    A damaged blob is a problem of that blob. A store that is Unavailable ends the check: it could not tell.
    """
    share = 0.1 if read else 1.0
    problems = quick_check(
        library=library,
        journal=journal,
        passages=passages,
        audio=audio,
        archive=archive,
        on_progress=lambda done: on_progress(done * share),
        buckets=buckets,
    )
    if read:
        found = every_byte((audio, archive), library, lambda done: on_progress(share + done * (1 - share)))
        problems = [*problems, *untold(found, problems)]
    return problems if spool is None else [*problems, *in_spool(spool, read=read)]


def in_spool(spool: Spool, *, read: bool) -> Iterator[Problem]:
    """What waits for the archive and is damaged, or was refused by it. That something waits is no problem."""
    drop = "`voxpersona forget` with --spooled drops it"
    for name in spool.unreadable():
        yield problem(Kind.SPOOL_DAMAGED, name.partition("-")[0], name, f"its document cannot be read; {drop}")
    for entry in spool.entries():
        owner = entry.recording.id
        try:
            spool.verify(entry, read=read)
        except Integrity as error:
            if spool.entry(entry.name) is not None:  # else it was brought in while we looked
                yield problem(Kind.SPOOL_DAMAGED, owner, entry.name, f"{error.detail}; {drop}")
            continue
        if entry.refused is not None:
            detail = f"{entry.refused.code}: {entry.refused.detail}; it stays here; {drop}"
            yield problem(Kind.SPOOL_REFUSED, owner, entry.name, detail)


def untold(found: Iterable[Problem], told: Sequence[Problem]) -> Iterator[Problem]:
    """Of what reading every byte found, that which presence and sizes have not told of the same blob already."""
    damaged = {one.key for one in told if one.kind in (Kind.HASH_DIFFERS, Kind.SIZE_DIFFERS, Kind.MANIFEST_DIFFERS)}
    return (one for one in found if one.key not in damaged)


def quick_check(
    *,
    library: Library,
    journal: Journal,
    passages: PassageIndex,
    audio: Blobs,
    archive: Blobs,
    on_progress: OnProgress,
    buckets: Sequence[Bucket] = (),
) -> Sequence[Problem]:
    """What presence and sizes tell, both ways."""
    rows = {recording.id: recording for recording in library.recordings()}
    hidden = {recording.id for recording in library.half_forgotten()}
    deliveries = Deliveries.of(library, archive)
    indexed = passages.counts()
    total, done = len(rows) or 1, 0
    problems = [
        problem(Kind.FORGET_UNFINISHED, recording, "", "run `voxpersona forget` on it again") for recording in hidden
    ]

    def of_one(recording: Recording, held: Holding) -> Iterator[Problem]:
        yield from _original(recording, audio)
        yield from _results(held, library, journal, archive)
        yield from _runs(held, journal, archive)
        yield from _sources(recording, held, deliveries)
        if not indexed.get(recording.id):
            yield from _unsearchable(recording, library, journal)

    for held in holdings(audio, archive):
        recording = rows.pop(held.recording, None)
        if recording is None:
            if held.recording not in hidden:
                problems += _strange(held, library, audio, deliveries)
            continue
        problems += _while_it_stands(recording, of_one(recording, held), library)
        done += 1
        on_progress(done / total)
    for recording in rows.values():
        problems += _while_it_stands(recording, of_one(recording, Holding(recording.id)), library)
    problems += _forgotten(deliveries, archive)
    problems += _stale(buckets)
    on_progress(1.0)
    return problems


def problem(kind: Kind, recording: str, key: str, detail: str) -> Problem:
    """One problem; `recording` and `key` are empty where it is of neither."""
    return Problem(kind=kind, recording=recording, key=key, detail=detail)


def _while_it_stands(recording: Recording, found: Iterator[Problem], library: Library) -> Sequence[Problem]:
    """The problems of a recording; none where it was forgotten while we looked."""
    try:
        problems = list(found)
        if problems:
            library.recording(recording.id)
    except NotFound as gone:
        if gone.code is not Code.RECORDING_UNKNOWN:
            raise
        return []
    return problems


def _original(recording: Recording, audio: Blobs) -> Iterator[Problem]:
    original = recording.original
    try:
        facts = audio.stat(original.key)
    except NotFound:
        yield problem(Kind.BLOB_MISSING, recording.id, original.key, "the original is gone")
    except Integrity as error:
        yield problem(Kind.HASH_DIFFERS, recording.id, original.key, error.detail)
    else:
        if facts.size != original.bytes:
            detail = f"{facts.size} bytes stand there, {original.bytes} were received"
            yield problem(Kind.SIZE_DIFFERS, recording.id, original.key, detail)
        elif facts.sha256 != original.sha256:
            yield problem(Kind.HASH_DIFFERS, recording.id, original.key, "the store records another hash")
    key = layout.manifest(recording.id)
    try:
        manifest = documents.read(audio, key, Manifest)
    except NotFound:
        yield problem(Kind.MANIFEST_MISSING, recording.id, key, "the manifest is gone")
    except Integrity as error:
        yield problem(Kind.MANIFEST_DIFFERS, recording.id, key, error.detail)
    else:
        if manifest.recording.original.sha256 != original.sha256:
            yield problem(Kind.MANIFEST_DIFFERS, recording.id, key, "the manifest names other bytes")


def _results(held: Holding, library: Library, journal: Journal, archive: Blobs) -> Iterator[Problem]:
    """Saved results without a document, documents without a saved result, and what stands nowhere."""
    recording = held.recording
    made = library.made(recording)
    for result in sorted(made):
        for key in result_keys(recording, result):
            if is_absent(key, held, archive):
                detail = "saved in the database, gone from the bucket"
                yield problem(Kind.RESULT_MISSING, recording, key, detail)
    ended = [run.order for run in journal.ended(recording) if run.standing.state is State.READY]
    well = {order.run for order in ended} | {number for number, state in held.ended.items() if state is State.READY}
    for result in sorted(held.made - made):
        if result[1] in well:
            detail = "in the bucket, not in the database"
            yield problem(Kind.RESULT_UNSAVED, recording, layout.result(recording, result), detail)
    for order in ended:
        for stage in (Stage.TRANSCRIBE, Stage.ATTRIBUTE):
            result = (stage, order.run, "")
            if order.covers(stage) and result not in made | held.made:
                detail = f"gone from database and bucket; run `voxpersona retry` with --from {stage}"
                yield problem(Kind.RESULT_MISSING, recording, layout.result(recording, result), detail)


def result_keys(recording: RecordingId, made: tuple[Stage, int, str]) -> Sequence[str]:
    """Where a result stands in the main bucket: its document, and of a report also the text."""
    stage, number, template = made
    key = layout.result(recording, made)
    return [key, layout.report_text(recording, template, number)] if stage is Stage.REPORT else [key]


def is_absent(key: str, held: Holding, blobs: Blobs) -> bool:
    """Whether the blob is gone: the listing leaves it out, and the store says so when it is asked for it."""
    if key in held.keys:
        return False
    try:
        blobs.stat(key)
    except NotFound:
        return True
    except Integrity:
        return False
    return False


def _runs(held: Holding, journal: Journal, archive: Blobs) -> Iterator[Problem]:
    recording = held.recording
    ended = {run.order.run: run.standing.state for run in journal.ended(recording)}
    for number, state in ended.items():
        key = layout.run(recording, number, state)
        if held.ended.get(number) is not State.READY and is_absent(key, held, archive):
            yield problem(Kind.RUN_MISSING, recording, key, "how the run ended stands in the database only")
    newest = _newest_run(recording, journal)
    if not newest:
        yield problem(Kind.RUN_DIFFERS, recording, "", "the database knows no run of it")
    for number, state in held.ended.items():
        is_known = number == newest or number in ended
        has_risen = state is State.READY and ended.get(number) is State.FAILED
        if not is_known or has_risen:
            key = layout.run(recording, number, state)
            yield problem(Kind.RUN_DIFFERS, recording, key, "the database does not know that the run ended so")


def _newest_run(recording: RecordingId, journal: Journal) -> int:
    try:
        return journal.standing(recording).run
    except NotFound:
        return 0


def _sources(recording: Recording, held: Holding, deliveries: Deliveries) -> Iterator[Problem]:
    for source in deliveries.came_again(recording):
        key = layout.source(recording.id, source.key)
        if key not in held.sources:
            yield problem(Kind.SOURCE_MISSING, recording.id, key, "a source key stands in the database only")
    for key in held.sources:
        if not deliveries.is_known(key):
            yield problem(Kind.SOURCE_MISSING, recording.id, key, "a source key stands in the bucket only")


def _forgotten(deliveries: Deliveries, archive: Blobs) -> Iterator[Problem]:
    for source in deliveries.unburied:
        key = layout.forgotten(source.key)
        if is_absent(key, Holding(source.recording), archive):
            yield problem(Kind.SOURCE_MISSING, source.recording, key, "it was forgotten, which only the database tells")
    for key in deliveries.strange:
        yield problem(Kind.SOURCE_MISSING, "", key, "it was forgotten, which only the bucket tells")
    for source in deliveries.risen:
        detail = "the bucket says it was forgotten; run `voxpersona forget` on it again"
        yield problem(Kind.FORGET_UNFINISHED, source.recording, layout.forgotten(source.key), detail)


def _unsearchable(recording: Recording, library: Library, journal: Journal) -> Iterator[Problem]:
    if not any(run.standing.state is State.READY for run in journal.ended(recording.id)):
        return  # under way or failed: nothing was promised yet
    try:
        attribution = library.attribution(recording.id)
    except NotFound:
        return  # told already: a result is missing
    if attribution.segments:
        yield problem(Kind.INDEX_BEHIND, recording.id, "", "not searchable; run `voxpersona reindex`")


def _strange(held: Holding, library: Library, audio: Blobs, deliveries: Deliveries) -> Iterator[Problem]:
    """What nobody knows of: left over, or of a database that is younger or older than the bucket."""
    try:
        library.recording(held.recording)
    except NotFound:
        pass
    else:
        return  # received while we looked
    try:
        source = documents.read(audio, layout.manifest(held.recording), Manifest).recording.source
    except (NotFound, Integrity):
        source = None
    if source is not None and deliveries.is_forgotten(source):
        detail = "forgotten, and not all of it is gone; `voxpersona check --repair`, then `voxpersona forget` on it"
        yield problem(Kind.FORGET_UNFINISHED, held.recording, layout.manifest(held.recording), detail)
        return
    for key in held.keys:
        yield problem(Kind.BLOB_WITHOUT_ROW, held.recording, key, "no row knows it; nothing was deleted")


def _stale(buckets: Sequence[Bucket]) -> Iterator[Problem]:
    oldest = dt.datetime.now(dt.UTC) - STALE
    for bucket in buckets:
        for begun in bucket.unfinished():
            if begun.begun_at < oldest:
                parts = begun.key.split("/")
                owner = parts[1] if len(parts) > 2 and parts[0] == "recordings" else ""
                since = f"begun on {begun.begun_at:%Y-%m-%d} and never completed, {begun.stored} bytes"
                detail = f"{since}; `voxpersona storage sweep` drops it"
                yield problem(Kind.STALE_UPLOAD, owner, begun.key, detail)


def every_byte(buckets: Sequence[Blobs], library: Library, on_progress: OnProgress) -> Iterator[Problem]:
    """Read everything; what is not as it was kept is a problem of that blob."""
    total = sum(one.stored for bucket in buckets for one in bucket.list()) or 1
    done = 0
    for bucket in buckets:
        for one in bucket.list():
            parts = one.key.split("/")
            owner = parts[1] if len(parts) > 2 else ""
            try:
                # Stores prove long reads by sums of their own; this is the one place that hashes all of it anew.
                kept, now = bucket.stat(one.key), hashlib.sha256()
                for part in bucket.read(one.key):
                    now.update(part)
                    done += len(part)
                    on_progress(min(1.0, done / total))
                if now.hexdigest() != kept.sha256 and bucket.stat(one.key).sha256 == kept.sha256:
                    yield problem(Kind.HASH_DIFFERS, owner, one.key, "its bytes have another sha256 than recorded")
            except Integrity as error:
                yield problem(Kind.HASH_DIFFERS, owner, one.key, error.detail)
            except NotFound as error:
                if _stands(owner, library):
                    yield problem(Kind.BLOB_MISSING, owner, one.key, error.detail)


def _stands(owner: str, library: Library) -> bool:
    try:
        library.recording(owner)
    except NotFound:
        return False  # forgotten between the listing and the reading
    return True
