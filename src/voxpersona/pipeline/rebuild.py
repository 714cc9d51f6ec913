"""Rebuild: from the two buckets alone, an empty database and index come back complete.

Adds what is missing and alters nothing, so it may be killed and started again, and harms no database that has rows
already. What cannot be read is told as a problem of its own; the rest goes on.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from voxpersona.errors import Code, Integrity, NotFound, Rejected
from voxpersona.model import (
    Attribution,
    Manifest,
    Problem,
    Recording,
    RecordingId,
    Report,
    Run,
    Source,
    Stage,
    Standing,
    State,
    Transcript,
    WorkOrder,
)
from voxpersona.model.noun import Noun
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.check import Kind, problem
from voxpersona.pipeline.holdings import Holding, holding, holdings
from voxpersona.pipeline.index import catch_up
from voxpersona.ports import Blobs, Embedder, Journal, Library, Made, OnProgress, PassageIndex

N = TypeVar("N", bound=Noun)
Result = Transcript | Attribution | Report

_NOUNS: dict[Stage, type[Result]] = {
    Stage.TRANSCRIBE: Transcript,
    Stage.ATTRIBUTE: Attribution,
    Stage.REPORT: Report,
}
_OF_EVERY_RUN = (Stage.TRANSCRIBE, Stage.ATTRIBUTE)
"""What a run that covers them has made when it ended well; reports there may be none of."""

_READ, _ROWS = 0.1, 0.5
"""Share of the progress after which the manifests are read, and the rows are there."""


@dataclass
class Rebuilt:
    """What became of an archive. `recordings` are all that stand now, `indexed` how many were made searchable anew."""

    recordings: int = 0
    forgotten: int = 0
    indexed: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass
class _Found:
    """A recording as its manifest tells it. `rank` puts the one that was worked on before others of the same bytes."""

    recording: Recording
    rank: tuple[bool, bool, dt.datetime]


def rebuild(
    *,
    library: Library,
    journal: Journal,
    passages: PassageIndex,
    embedder: Embedder,
    audio: Blobs,
    archive: Blobs,
    on_progress: OnProgress,
) -> Rebuilt:
    """Bring everything back that the buckets hold. Errors: those of stores, library, index and embedder that no
    single recording is to blame for."""
    rebuilt = Rebuilt()
    rebuilt.problems += remember_forgotten(library=library, archive=archive)
    found = dict(_manifests(audio, archive, rebuilt.problems))
    on_progress(_READ)
    # Of the same bytes kept under two ids, the one that was worked on comes first and stands.
    order = sorted(found.values(), key=lambda one: one.rank)
    total = len(order) or 1
    for done, one in enumerate(order, 1):
        held = holding(one.recording.id, audio, archive)
        problems = bring_back(one.recording, held, library=library, audio=audio, archive=archive)
        if not problems:
            _end_as_told(one.recording, held, library=library, journal=journal, archive=archive)
        rebuilt.problems += problems
        on_progress(_READ + (_ROWS - _READ) * done / total)
    _index_all(rebuilt, library, journal, passages, embedder, lambda share: on_progress(_ROWS + (1 - _ROWS) * share))
    rebuilt.recordings = len(library.recordings())
    rebuilt.forgotten = sum(source.forgotten_at is not None for source in library.sources())
    return rebuilt


def remember_forgotten(*, library: Library, archive: Blobs) -> Sequence[Problem]:
    """Let the library know every delivery that the bucket says was forgotten; what could not be read."""
    known = {layout.forgotten(source.key) for source in library.sources()}
    problems: list[Problem] = []
    for listed in archive.list(layout.FORGOTTEN):
        if listed.key not in known:
            source = _read(archive, listed.key, Source, "", problems)
            if source is not None:
                library.remember([source])
    return problems


def read_manifest(held: Holding, audio: Blobs) -> Recording:
    """The recording that a manifest tells. NotFound where there is none; Integrity where it is damaged, or tells of
    another recording than the one it stands beside."""
    key = layout.manifest(held.recording)
    recording = documents.read(audio, key, Manifest).recording
    if recording.id != held.recording or not recording.original.key.startswith(layout.everything(recording.id)):
        raise Integrity(Code.RESULT_INVALID, f"{key} tells of another recording", key=key)
    return recording


def bring_back(
    recording: Recording,
    held: Holding,
    *,
    library: Library,
    audio: Blobs,
    archive: Blobs,
    is_wanted: Callable[[int], bool] = lambda _: True,
) -> Sequence[Problem]:
    """Make the library know what the buckets hold of a recording; what could not be read, or not be kept.

    `is_wanted` chooses by their number the runs whose results are taken over; all of them, unless told.
    """
    problems: list[Problem] = []
    made = library.made(recording.id)
    runs = list(_runs(held, archive, problems))
    results = [
        result
        for one in sorted(held.made - made)
        if is_wanted(one[1])
        and (result := _read(archive, layout.result(held.recording, one), _NOUNS[one[0]], recording.id, problems))
        and _is_its_own(result, recording.id, one, problems)
    ]
    sources = [source for key in held.sources if (source := _read(audio, key, Source, recording.id, problems))]
    try:
        standing = library.restore(recording, runs, results, _unfinished(held, runs))
        library.remember(source for source in sources if source.recording == recording.id)
    except (Integrity, Rejected) as error:
        key = layout.manifest(recording.id)
        return [*problems, problem(Kind.MANIFEST_DIFFERS, recording.id, key, error.detail)]
    if standing.id != recording.id:
        detail = f"the same bytes are kept as {standing.id}; nothing was deleted"
        return [*problems, problem(Kind.BLOB_WITHOUT_ROW, recording.id, recording.original.key, detail)]
    try:
        library.recording(recording.id)
    except NotFound:
        detail = "run `voxpersona forget` on it again"
        return [*problems, problem(Kind.FORGET_UNFINISHED, recording.id, "", detail)]
    kept = library.made(recording.id)
    for result in results:
        one = _name(result)
        if one not in kept:
            key, detail = layout.result(recording.id, one), "the library cannot keep it"
            problems.append(problem(Kind.RESULT_UNSAVED, recording.id, key, detail))
    return problems


def _end_as_told(recording: Recording, held: Holding, *, library: Library, journal: Journal, archive: Blobs) -> None:
    """A run that nobody has begun here and that ended well elsewhere, from another data directory, is over here too.

    Its order stays in the queue: who comes to it finds everything made. A worker that is at it by now loses it.
    """
    standing = journal.standing(recording.id)
    if standing.state is not State.RECEIVED or held.ended.get(standing.run) is not State.READY:
        return
    run = documents.read(archive, layout.run(recording.id, standing.run, State.READY), Run)
    made = library.made(recording.id)
    if any(run.order.covers(stage) and (stage, run.order.run, "") not in made for stage in _OF_EVERY_RUN):
        return  # a result is lost: the run that waits makes it again
    journal.claim(run.order)
    for progress in run.standing.stages:
        journal.begin(run.order, progress.stage)
    journal.close(run)
    journal.ready(run.order)


def _manifests(audio: Blobs, archive: Blobs, problems: list[Problem]) -> Iterator[tuple[RecordingId, _Found]]:
    for held in holdings(audio, archive):
        key = layout.manifest(held.recording)
        try:
            recording = read_manifest(held, audio)
        except NotFound:
            detail = "the manifest is gone; `voxpersona check --repair` takes in what stands there"
            problems.append(problem(Kind.MANIFEST_MISSING, held.recording, key, detail))
        except Integrity as error:
            problems.append(problem(Kind.MANIFEST_DIFFERS, held.recording, key, error.detail))
        else:
            rank = (not held.ended, not held.made, recording.received_at)
            yield recording.id, _Found(recording, rank)


def _read(blobs: Blobs, key: str, noun: type[N], recording: str, problems: list[Problem]) -> N | None:
    """The noun under the key; None, and a problem, where it is damaged or went while we looked."""
    try:
        return documents.read(blobs, key, noun)
    except (Integrity, NotFound) as error:
        problems.append(problem(Kind.HASH_DIFFERS, recording, key, error.detail))
        return None


def _runs(held: Holding, archive: Blobs, problems: list[Problem]) -> Iterator[Run]:
    """How the runs ended. Of one whose document is damaged its key still tells that it ended well."""
    for number, state in held.ended.items():
        key = layout.run(held.recording, number, state)
        run = _read(archive, key, Run, held.recording, problems)
        if run is not None and (run.order.recording, run.order.run, run.standing.state) == (
            held.recording,
            number,
            state,
        ):
            yield run
        elif state is State.READY:
            order = WorkOrder(recording=held.recording, run=number, start=_start(held, number))
            yield Run(order=order, standing=Standing(state=state, run=number), ended_at=dt.datetime.now(dt.UTC))


def _unfinished(held: Holding, runs: Sequence[Run]) -> WorkOrder | None:
    """The run that was under way: the newest that made something, where nothing tells how it ended; the first, where
    nothing tells of any. It finds what was made and goes on from there."""
    ended = max((run.order.run for run in runs), default=0)
    newest = max((number for _, number, _ in held.made), default=0)
    if ended and newest <= ended:
        return None
    number = max(newest, 1)
    return WorkOrder(recording=held.recording, run=number, start=_start(held, number))


def _start(held: Holding, number: int) -> Stage:
    """The first stage of a run, by what it made: a run begins with what it does first."""
    return min(
        (stage for stage, made, _ in held.made if made == number), key=list(Stage).index, default=Stage.TRANSCRIBE
    )


def _name(result: Result) -> Made:
    stage = next(stage for stage, noun in _NOUNS.items() if isinstance(result, noun))
    return stage, result.number, result.template if isinstance(result, Report) else ""


def _is_its_own(result: Result, recording: RecordingId, made: Made, problems: list[Problem]) -> bool:
    """Whether the document is of the recording and the run that its key says."""
    if result.recording == recording and _name(result) == made:
        return True
    key = layout.result(recording, made)
    problems.append(problem(Kind.HASH_DIFFERS, recording, key, f"{key} is another result"))
    return False


def _index_all(
    rebuilt: Rebuilt,
    library: Library,
    journal: Journal,
    passages: PassageIndex,
    embedder: Embedder,
    on_progress: OnProgress,
) -> None:
    """Make searchable what a run that ended well had made so, oldest first, as it was."""
    counts = passages.counts()
    recordings = sorted(library.recordings(), key=lambda recording: recording.received_at)
    for done, recording in enumerate(recordings, 1):
        try:
            rebuilt.indexed += catch_up(
                recording,
                counts.get(recording.id, 0),
                library=library,
                journal=journal,
                embedder=lambda: embedder,
                passages=passages,
            )
        except NotFound as error:
            rebuilt.problems.append(problem(Kind.INDEX_BEHIND, recording.id, "", error.detail))
        on_progress(done / len(recordings))
    on_progress(1.0)
