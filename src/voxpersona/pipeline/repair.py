"""Repair: mend what `check` finds wrong where one side knows what the other has lost. Nothing is deleted.

The buckets tell the database what it does not know, and the database the buckets. Whether that mended anything is
not believed but looked at: a problem counts as repaired when the next check does not find it any more.
"""

import datetime as dt
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from voxpersona.errors import Code, Integrity, NotFound, Rejected
from voxpersona.model import Manifest, Problem, Recording, RecordingId, Run, Stage, State
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.adopt import adopt
from voxpersona.pipeline.check import Kind, every_byte, in_spool, is_absent, quick_check, result_keys, untold
from voxpersona.pipeline.deliveries import Deliveries
from voxpersona.pipeline.forget import bury
from voxpersona.pipeline.holdings import Holding, holding
from voxpersona.pipeline.index import index_current
from voxpersona.pipeline.keep import write_source
from voxpersona.pipeline.rebuild import bring_back, read_manifest, remember_forgotten
from voxpersona.pipeline.render import render_markdown
from voxpersona.pipeline.runs import end_as_noted
from voxpersona.pipeline.spool import Spool
from voxpersona.ports import Blobs, Bucket, Embedder, Journal, Library, Made, Media, OnProgress, PassageIndex

SETTLED = dt.timedelta(hours=1)
"""How long an original without a manifest is left alone: its receive may be about to write one, which knows more."""

_ROUNDS = 3
"""What is brought back may itself want mending: a row of old, then the documents that it knows."""


@dataclass(frozen=True)
class Seen:
    """A problem, and whether it is gone now."""

    problem: Problem
    repaired: bool = False


def repair(
    *,
    library: Library,
    journal: Journal,
    passages: PassageIndex,
    embedder: Callable[[], Embedder],
    media: Media,
    audio: Blobs,
    archive: Blobs,
    read: bool,
    on_progress: OnProgress,
    buckets: Sequence[Bucket] = (),
    settled: dt.timedelta = SETTLED,
    spool: Spool | None = None,
) -> Sequence[Seen]:
    """Check, mend, and check again. `embedder` is asked for when something has to be indexed.

    Errors as of `check`; what only one recording is to blame for stays its problem.
    """
    mender = _Mender(library, journal, passages, embedder, media, audio, archive, settled)
    seen: dict[tuple[str, str, str], Problem] = {}
    left: Sequence[Problem] = ()
    share = 0.5 if read else 1.0
    for turn in range(_ROUNDS + 1):
        before = _identities(left)
        left = quick_check(
            library=library,
            journal=journal,
            passages=passages,
            audio=audio,
            archive=archive,
            on_progress=_part(on_progress, share * turn / (_ROUNDS + 1), share / (_ROUNDS + 1)),
            buckets=buckets,
        )
        seen |= {_identity(problem): problem for problem in left}
        if turn == _ROUNDS or _identities(left) == before or not left:
            break
        mender.mend(left)
    still = _identities(left)
    found = [Seen(problem, repaired=identity not in still) for identity, problem in seen.items()]
    if read:
        damaged = every_byte((audio, archive), library, lambda done: on_progress(share + done * (1 - share)))
        found += [Seen(problem) for problem in untold(damaged, left)]
    if spool is not None:
        found += [Seen(problem) for problem in in_spool(spool, read=read)]
    on_progress(1.0)
    return found


def _part(on_progress: OnProgress, start: float, length: float) -> OnProgress:
    return lambda done: on_progress(start + done * length)


def _identity(problem: Problem) -> tuple[str, str, str]:
    return problem.kind, problem.recording, problem.key


def _identities(problems: Sequence[Problem]) -> frozenset[tuple[str, str, str]]:
    return frozenset(map(_identity, problems))


def tell_forgotten(*, library: Library, archive: Blobs) -> None:
    """What was forgotten, which only the database tells, or only the bucket, both tell from now on."""
    remember_forgotten(library=library, archive=archive)
    for source in Deliveries.of(library, archive).unburied:
        bury(source, archive)


def take_in(
    held: Holding, *, library: Library, media: Media, audio: Blobs, archive: Blobs, settled: dt.timedelta = SETTLED
) -> None:
    """Make a row of what stands in the buckets: by its manifest, else by the original itself, if it is `settled`.

    NotFound where that is too young or there is neither; Integrity, Rejected where it is damaged.
    """
    try:
        recording = read_manifest(held, audio)
    except (NotFound, Integrity):
        oldest = dt.datetime.now(dt.UTC) - settled
        for key in held.originals:
            if audio.stat(key).written_at > oldest:
                raise NotFound(Code.BLOB_ABSENT, "too young to be taken for left over", key=key) from None
        recording = adopt(held, audio=audio, media=media)
    bring_back(recording, held, library=library, audio=audio, archive=archive)


def write_notes(
    recording: Recording, held: Holding, *, library: Library, journal: Journal, audio: Blobs, archive: Blobs
) -> int:
    """Make bucket and database tell the same of how runs ended and how else the recording came; how many of these were
    told by one of them only. What a worker does that is killed between the two, a moment later.

    NotFound where it was forgotten meanwhile; nothing is left then.
    """
    told = 0
    for run in journal.ended(recording.id):
        noted, state = held.ended.get(run.order.run), run.standing.state
        if noted is state:
            continue
        if noted is State.READY:
            told += end_as_noted(run.order, journal=journal, archive=archive)
        else:
            key = layout.run(recording.id, run.order.run, state)
            documents.made_for(recording.id, archive, key, Run, partial(Run.model_copy, run), library=library)
            told += 1
    for source in library.sources(recording.id):
        came_again = source.forgotten_at is None and source.key != recording.source
        if came_again and layout.source(recording.id, source.key) not in held.sources:
            write_source(recording, source, library=library, audio=audio)
            told += 1
    return told


@dataclass(frozen=True)
class _Mender:
    library: Library
    journal: Journal
    passages: PassageIndex
    embedder: Callable[[], Embedder]
    media: Media
    audio: Blobs
    archive: Blobs
    settled: dt.timedelta

    def mend(self, problems: Sequence[Problem]) -> None:
        """Whatever can be done about them. What one recording is to blame for does not hinder the others."""
        if any(problem.kind in (Kind.SOURCE_MISSING, Kind.FORGET_UNFINISHED) for problem in problems):
            tell_forgotten(library=self.library, archive=self.archive)
        owners = {RecordingId(problem.recording) for problem in problems if problem.recording}
        for owner in sorted(owners, key=self._rank):
            self._tried(self._mend_recording, owner, problems)

    def _rank(self, owner: RecordingId) -> tuple[bool, bool, bool, RecordingId]:
        """Of the same bytes under two ids only one comes back: rather the one with a manifest, which was worked on."""
        held = holding(owner, self.audio, self.archive)
        return not held.has_manifest, not held.ended, not held.made, owner

    def _tried(self, verb: Callable[..., None], *arguments: object) -> None:
        """A stopped store or library ends the repair; what was damaged or is not to be had stays a problem."""
        with suppress(Integrity, NotFound, Rejected):
            verb(*arguments)

    def _mend_recording(self, owner: RecordingId, problems: Sequence[Problem]) -> None:
        held = holding(owner, self.audio, self.archive)
        recording = self._standing(owner)
        if any(hidden.id == owner for hidden in self.library.half_forgotten()):
            return
        if recording is None:
            take_in(
                held,
                library=self.library,
                media=self.media,
                audio=self.audio,
                archive=self.archive,
                settled=self.settled,
            )
        elif _has(problems, owner, Kind.RESULT_UNSAVED, Kind.RUN_DIFFERS, Kind.SOURCE_MISSING):
            self._tell_library(recording, held)
        recording = self._standing(owner)
        if recording is None:
            return
        held = holding(owner, self.audio, self.archive)
        for verb in (self._write_manifest, self._write_results, self._write_notes):
            self._tried(verb, recording, held)
        if _has(problems, owner, Kind.INDEX_BEHIND, Kind.BLOB_WITHOUT_ROW):
            self._tried(self._index, recording)

    def _standing(self, owner: RecordingId) -> Recording | None:
        try:
            found = self.library.recording(owner)
        except (NotFound, Rejected):
            return None
        return found if found.id == owner else None

    # The buckets tell the database.

    def _tell_library(self, recording: Recording, held: Holding) -> None:
        """What the buckets know beside the row: runs, the results of those that ended well, source keys."""
        rows = [run.order.run for run in self.journal.ended(recording.id) if run.standing.state is State.READY]
        well = {*rows, *(number for number, state in held.ended.items() if state is State.READY)}
        bring_back(
            recording,
            held,
            library=self.library,
            audio=self.audio,
            archive=self.archive,
            is_wanted=well.__contains__,
        )

    # The database tells the buckets.

    def _write_manifest(self, recording: Recording, held: Holding) -> None:
        if not held.has_manifest:
            key = layout.manifest(recording.id)
            documents.made_once(self.audio, key, Manifest, lambda: Manifest(recording=recording))

    def _write_results(self, recording: Recording, held: Holding) -> None:
        for made in sorted(self.library.made(recording.id)):
            for key in result_keys(recording.id, made):
                if is_absent(key, held, self.archive):
                    self._tried(self._write_result, recording, made, key)

    def _write_result(self, recording: Recording, made: Made, key: str) -> None:
        """Byte for byte what stood there: the row keeps the very document."""
        stage, number, template = made
        if stage is Stage.TRANSCRIBE:
            documents.write(self.archive, key, documents.bytes_of(self.library.transcript(recording.id, number)))
        elif stage is Stage.ATTRIBUTE:
            documents.write(self.archive, key, documents.bytes_of(self.library.attribution(recording.id, number)))
        else:
            reports = self.library.reports(recording.id, number)
            written = next(report for report in reports if report.template == template)
            if key == layout.report_text(recording.id, template, number):
                text = render_markdown(written, recording).encode()
                documents.write(self.archive, key, text, documents.MARKDOWN)
            else:
                documents.write(self.archive, key, documents.bytes_of(written))

    def _write_notes(self, recording: Recording, held: Holding) -> None:
        write_notes(recording, held, library=self.library, journal=self.journal, audio=self.audio, archive=self.archive)

    def _index(self, recording: Recording) -> None:
        has_ended_well = any(run.standing.state is State.READY for run in self.journal.ended(recording.id))
        if has_ended_well and not self.passages.counts().get(recording.id):
            index_current(
                recording,
                library=self.library,
                embedder=self.embedder(),
                passages=self.passages,
                on_progress=lambda _: None,
            )


def _has(problems: Sequence[Problem], owner: str, *kinds: Kind) -> bool:
    return any(problem.recording == owner and problem.kind in kinds for problem in problems)
