"""MemoryLibrary and MemoryJournal: the relational memory for tests and try-outs. Gone when the process is."""

import itertools
import threading
from collections.abc import Callable, Iterable, Sequence, Set
from contextlib import suppress
from datetime import UTC, datetime

from voxpersona.adapters.library.memory_rows import (
    Kept,
    KeptRun,
    first_source,
    over,
    refuse_report_on_nothing,
    result_of,
)
from voxpersona.adapters.library.standing import OVER, in_order, refuse_late
from voxpersona.adapters.library.writable import (
    refuse_unwritable_recording,
    refuse_unwritable_result,
    refuse_unwritable_source,
    writable,
)
from voxpersona.errors import Code, Integrity, NotFound, Rejected, Unavailable
from voxpersona.model import (
    Attribution,
    Progress,
    Recording,
    RecordingId,
    Report,
    Run,
    Source,
    Stage,
    Standing,
    State,
    Transcript,
    Waiting,
    WorkOrder,
)
from voxpersona.ports import Made

Enqueue = Callable[[WorkOrder], None]
"""Starts the work of an order. Where it raises, nothing of what asked for it is kept."""


class MemoryLibrary:
    """See `ports.Library`. One lock around everything; `enqueue` is called while it is held."""

    def __init__(self, enqueue: Enqueue) -> None:
        self._enqueue = enqueue
        self._ids = itertools.count(1)
        self._sources: dict[str, Source] = {}
        self.lock = threading.RLock()
        self.kept: dict[RecordingId, Kept] = {}

    def visible(self, recording: RecordingId) -> Kept:
        """NotFound RECORDING_UNKNOWN."""
        kept = self.kept.get(recording)
        if kept is None or kept.is_forgotten:
            raise NotFound(Code.RECORDING_UNKNOWN, f"no recording {recording!r}", id=recording)
        return kept

    def known(self, source: str, sha256: str) -> Recording | None:
        refuse_unwritable_source(source)
        with self.lock:
            for kept in self.kept.values():
                if kept.recording.original.sha256 == sha256 and not kept.is_forgotten:
                    return kept.recording
            seen = self._sources.get(source)
            if seen is None:
                return None
            if seen.forgotten_at is not None:
                day = seen.forgotten_at.astimezone(UTC).date().isoformat()
                raise Rejected(Code.FORGOTTEN, f"this delivery was forgotten on {day}", day=day)
            return self.visible(seen.recording).recording

    def add(self, recording: Recording) -> tuple[Recording, bool]:
        refuse_unwritable_recording(recording)
        with self.lock:
            standing = self.known(recording.source, recording.original.sha256)
            if standing is not None:
                self._remember_now(recording.source, standing.id)
                return standing, False
            if any(kept.recording.original.sha256 == recording.original.sha256 for kept in self.kept.values()):
                reason = "the same bytes are being forgotten right now"
                raise Unavailable(Code.LIBRARY_UNAVAILABLE, reason, reason=reason)
            order = WorkOrder(recording=recording.id, run=1)
            self._enqueue(order)
            self._sources[recording.source] = first_source(recording)
            self.kept[recording.id] = Kept(recording, {1: KeptRun(order)})
            return recording, True

    def recording(self, identity: str) -> Recording:
        prefix = identity.lower() if identity.isascii() else ""
        with self.lock:
            found = [r for r in self.recordings() if prefix and r.id.startswith(prefix)]
        if not found:
            raise NotFound(Code.RECORDING_UNKNOWN, f"no recording {identity!r}", id=identity)
        if len(found) > 1:
            raise Rejected(Code.AMBIGUOUS_ID, f"{identity!r} is the start of several ids", id=identity)
        return found[0]

    def recordings(self) -> Sequence[Recording]:
        with self.lock:
            by_id = sorted((kept.recording for kept in self.kept.values() if not kept.is_forgotten), key=lambda r: r.id)
        return sorted(by_id, key=lambda recording: recording.received_at, reverse=True)

    def save(self, result: Transcript | Attribution | Report) -> int:
        refuse_unwritable_result(result)
        with self.lock:
            kept = self.visible(result.recording)
            template = ""
            if isinstance(result, Transcript):
                kept.transcripts.setdefault(result.number, result)
            elif isinstance(result, Attribution):
                kept.attributions.setdefault(result.number, result)
            else:
                template = result.template
                refuse_report_on_nothing(kept, result)
                kept.reports.setdefault(template, {}).setdefault(result.number, result)
            key = (type(result).__name__, template, result.number)
            if key not in kept.ids:
                kept.ids[key] = next(self._ids)
            return kept.ids[key]

    def correct(self, corrected: Attribution) -> WorkOrder:
        refuse_unwritable_result(corrected)
        order = WorkOrder(recording=corrected.recording, run=corrected.number, start=Stage.ATTRIBUTE)
        with self.lock:
            kept = self.visible(corrected.recording)
            refuse_late(order, kept.newest_run.order.run, kept.newest_run.state)
            self._enqueue(order)
            kept.runs[order.run] = KeptRun(order)
            self.save(corrected)
        return order

    def transcript(self, recording: RecordingId, number: int | None = None) -> Transcript:
        with self.lock:
            kept = self.kept.get(recording)
            results = {} if kept is None else kept.transcripts
            return result_of(kept, results, recording, number, "transcription")

    def attribution(self, recording: RecordingId, number: int | None = None) -> Attribution:
        with self.lock:
            kept = self.kept.get(recording)
            results = {} if kept is None else kept.attributions
            return result_of(kept, results, recording, number, "attribution")

    def reports(self, recording: RecordingId, number: int | None = None) -> Sequence[Report]:
        with self.lock:
            kept = self.kept.get(recording)
            if kept is None or kept.is_forgotten:
                return []
            by_template = [kept.reports[template] for template in sorted(kept.reports)]
            found = (kept.current(made) if number is None else made.get(number) for made in by_template)
            return [report for report in found if report is not None]

    def made(self, recording: RecordingId) -> Set[Made]:
        with self.lock:
            kept = self.kept.get(recording)
            if kept is None or kept.is_forgotten:
                return set()
            reports = {(Stage.REPORT, number, name) for name, made in kept.reports.items() for number in made}
            transcripts = {(Stage.TRANSCRIBE, number, "") for number in kept.transcripts}
            return reports | transcripts | {(Stage.ATTRIBUTE, number, "") for number in kept.attributions}

    def forget(self, recording: RecordingId) -> None:
        with self.lock:
            if recording in self.kept:
                self.kept[recording].is_forgotten = True
            for key, source in self._sources.items():
                if source.recording == recording and source.forgotten_at is None:
                    self._sources[key] = source.model_copy(update={"forgotten_at": datetime.now(UTC)})

    def half_forgotten(self) -> Sequence[Recording]:
        with self.lock:
            return [kept.recording for kept in self.kept.values() if kept.is_forgotten]

    def erase(self, recording: RecordingId) -> None:
        with self.lock:
            if recording in self.kept and self.kept[recording].is_forgotten:
                del self.kept[recording]

    def sources(self, recording: RecordingId | None = None) -> Sequence[Source]:
        with self.lock:
            found = [source for source in self._sources.values() if recording in (None, source.recording)]
        return sorted(found, key=lambda source: source.key)

    def remember(self, sources: Iterable[Source]) -> None:
        told = list(sources)
        for source in told:
            refuse_unwritable_source(source.key)
        with self.lock:
            for source in told:
                self._sources.setdefault(source.key, source)

    def _remember_now(self, key: str, recording: RecordingId) -> None:
        self._sources.setdefault(key, Source(key=key, recording=recording, seen_at=datetime.now(UTC)))

    def restore(
        self,
        recording: Recording,
        runs: Sequence[Run] = (),
        results: Sequence[Transcript | Attribution | Report] = (),
        work: WorkOrder | None = None,
    ) -> Recording:
        refuse_unwritable_recording(recording)
        with self.lock:
            for kept in self.kept.values():
                if kept.recording.original.sha256 == recording.original.sha256 and kept.recording.id != recording.id:
                    return kept.recording
            found = self.kept.get(recording.id)
            if found is not None and found.recording.original.sha256 != recording.original.sha256:
                key = recording.original.key
                raise Integrity(Code.BLOB_CONFLICT, f"{key} is kept with other bytes", key=key)
            marked = self._sources.get(recording.source)
            is_hidden = found.is_forgotten if found else marked is not None and marked.forgotten_at is not None
            kept = found or Kept(recording, {}, is_forgotten=is_hidden)
            runs_then = {run.order.run: over(run) for run in runs} | kept.runs
            if work is None and not runs_then:
                work = WorkOrder(recording=recording.id, run=1)
            standing = [(number, run.state) for number, run in runs_then.items()]
            if work is not None and all(number < work.run and state in OVER for number, state in standing):
                if not is_hidden:
                    self._enqueue(work)
                runs_then[work.run] = KeptRun(work)
            self._sources.setdefault(recording.source, first_source(recording))
            kept.runs = dict(sorted(runs_then.items()))
            self.kept[recording.id] = kept
            for result in in_order(results):
                with suppress(NotFound, Integrity):  # hidden, on nothing, or never to be kept
                    self.save(result)
            return kept.recording


class MemoryJournal:
    """See `ports.Journal`; over what the library holds, under the library's lock."""

    def __init__(self, library: MemoryLibrary, enqueue: Enqueue, worker: str = "") -> None:
        self._library = library
        self._enqueue = enqueue
        self._worker = worker

    def claim(self, order: WorkOrder) -> State:
        with self._library.lock:
            run = self._run(order)
            if run is None:
                raise NotFound(Code.RECORDING_UNKNOWN, f"no run {order.run} of it", id=order.recording)
            run.worker = self._worker
            return run.state

    def _own(self, order: WorkOrder) -> KeptRun | None:
        run = self._run(order)
        if run is not None and run.worker not in (None, self._worker):
            reason = f"{order.recording}:{order.run} belongs to another worker"
            raise Rejected(Code.SUPERSEDED, reason, id=order.recording)
        return run

    def _run(self, order: WorkOrder) -> KeptRun | None:
        kept = self._library.kept.get(order.recording)
        return None if kept is None else kept.runs.get(order.run)

    def begin(self, order: WorkOrder, stage: Stage) -> None:
        with self._library.lock:
            run = self._library.visible(order.recording).runs.get(order.run)
            if run is None:
                raise NotFound(Code.RECORDING_UNKNOWN, f"no run {order.run} of it", id=order.recording)
            self._own(order)
            run.state = State.WORKING
            run.failed_stage = run.failed_code = run.failed_reason = run.finished_at = run.waiting = None
            run.end_stages(but=stage)
            again = run.stages.get(stage)
            run.stages[stage] = (
                Progress(
                    recording=order.recording,
                    run=order.run,
                    stage=stage,
                    share=0.0,
                    attempts=1,
                    started_at=datetime.now(UTC),
                )
                if again is None
                else again.model_copy(update={"attempts": again.attempts + 1, "finished_at": None})
            )

    def progress(self, order: WorkOrder, stage: Stage, share: float) -> None:
        with self._library.lock:
            run = self._run(order)
            if run is None:
                return
            if run.state in OVER:
                raise Rejected(Code.SUPERSEDED, "the run is over", id=order.recording)
            if stage in run.stages and run.stages[stage].finished_at is None:
                reached = max(share, run.stages[stage].share)
                run.stages[stage] = run.stages[stage].model_copy(update={"share": reached})

    def wait(self, order: WorkOrder, code: str, reason: str, until: datetime) -> None:
        with self._library.lock:
            run = self._run(order)
            if run is None:
                return
            if run.state in OVER:
                raise Rejected(Code.SUPERSEDED, "the run is over", id=order.recording)
            since = datetime.now(UTC) if run.waiting is None else run.waiting.since
            run.waiting = Waiting(code=writable(code), reason=writable(reason), since=since, until=until)

    def go_on(self, order: WorkOrder) -> None:
        with self._library.lock:
            run = self._run(order)
            if run is not None and run.waiting is not None and run.waiting.until <= datetime.now(UTC):
                run.waiting = None

    def close(self, run: Run) -> None:
        with self._library.lock:
            standing = self._own(run.order)
            if standing is not None:
                told = {progress.stage: progress for progress in run.standing.stages}
                standing.stages |= {stage: told[stage] for stage in standing.stages if stage in told}
                standing.finished_at = run.ended_at

    def ready(self, order: WorkOrder) -> None:
        with self._library.lock:
            run = self._own(order)
            if run is not None:
                run.end_stages()
                run.state = State.READY
                run.failed_stage = run.failed_code = run.failed_reason = run.waiting = None
                run.finished_at = run.finished_at or datetime.now(UTC)

    def fail(self, order: WorkOrder, stage: Stage, code: str, reason: str) -> None:
        with self._library.lock:
            run = self._own(order)
            if run is not None:
                run.state = State.FAILED
                run.finished_at, run.waiting = datetime.now(UTC), None
                run.failed_stage, run.failed_code, run.failed_reason = stage, writable(code), writable(reason)

    def standing(self, recording: RecordingId) -> Standing:
        # Also of a half-forgotten one: `forget` has to know which runs to cancel when it is called again.
        with self._library.lock:
            kept = self._library.kept.get(recording)
            if kept is None or not kept.runs:
                raise NotFound(Code.RECORDING_UNKNOWN, f"no recording {recording!r}", id=recording)
            return kept.newest_run.standing

    def ended(self, recording: RecordingId) -> Sequence[Run]:
        with self._library.lock:
            kept = self._library.kept.get(recording)
            if kept is None or kept.is_forgotten:
                return []
            return [
                Run(order=run.order, standing=run.standing, ended_at=run.finished_at or run.started_at)
                for _, run in sorted(kept.runs.items())
                if run.state in OVER
            ]

    def restart(self, recording: RecordingId, start: Stage) -> WorkOrder:
        with self._library.lock:
            kept = self._library.visible(recording)
            if kept.newest_run.state not in OVER:
                raise Rejected(Code.BUSY_RECORDING, "its run is not over yet", id=recording)
            order = WorkOrder(recording=recording, run=kept.newest_run.order.run + 1, start=start)
            self._enqueue(order)
            kept.runs[order.run] = KeptRun(order)
            return order

    def open_orders(self) -> Sequence[WorkOrder]:
        """Runs that are not over, oldest first. Those of forgotten recordings are nobody's work any more."""
        with self._library.lock:
            visible = [kept for kept in self._library.kept.values() if not kept.is_forgotten]
            runs = [run for kept in visible for run in kept.runs.values() if run.state not in OVER]
        return [run.order for run in sorted(runs, key=lambda run: run.started_at)]
