"""What a MemoryLibrary keeps of one recording, as a database keeps it in rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from voxpersona.adapters.library.standing import standing_of
from voxpersona.adapters.library.writable import writable
from voxpersona.errors import Code, NotFound
from voxpersona.model import (
    STAGES,
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

Result = TypeVar("Result", Transcript, Attribution, Report)


@dataclass
class KeptRun:
    """One run with its stages."""

    order: WorkOrder
    state: State = State.RECEIVED
    failed_stage: Stage | None = None
    failed_code: str | None = None
    failed_reason: str | None = None
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    finished_at: datetime | None = None
    worker: str | None = None
    waiting: Waiting | None = None
    stages: dict[Stage, Progress] = field(default_factory=dict)

    def end_stages(self, *, but: Stage | None = None) -> None:
        for stage, progress in self.stages.items():
            if stage is not but and progress.finished_at is None:
                ended = {"share": 1.0, "finished_at": datetime.now(UTC)}
                self.stages[stage] = progress.model_copy(update=ended)

    @property
    def standing(self) -> Standing:
        return standing_of(
            state=self.state,
            run=self.order.run,
            stages=sorted(self.stages.values(), key=lambda progress: STAGES.index(progress.stage)),
            failed_stage=self.failed_stage,
            failed_code=self.failed_code,
            failed_reason=self.failed_reason,
            waiting=self.waiting,
        )


@dataclass
class Kept:
    """A recording with everything that belongs to it."""

    recording: Recording
    runs: dict[int, KeptRun]
    is_forgotten: bool = False
    transcripts: dict[int, Transcript] = field(default_factory=dict)
    attributions: dict[int, Attribution] = field(default_factory=dict)
    reports: dict[str, dict[int, Report]] = field(default_factory=dict)
    ids: dict[tuple[str, str, int], int] = field(default_factory=dict)

    def current(self, results: Mapping[int, Result]) -> Result | None:
        """That of the newest run that ended well, else the newest there is."""
        ready = {number for number, run in self.runs.items() if run.state is State.READY}
        return results[max(results, key=lambda number: (number in ready, number))] if results else None

    @property
    def newest_run(self) -> KeptRun:
        return self.runs[max(self.runs)]


def first_source(recording: Recording) -> Source:
    """The source key of the delivery that brought a recording."""
    return Source(key=recording.source, recording=recording.id, seen_at=recording.received_at)


def over(run: Run) -> KeptRun:
    """The row of a run that its document tells of."""
    standing = run.standing
    has_failed = standing.state is State.FAILED
    return KeptRun(
        run.order,
        state=standing.state,
        failed_stage=(standing.stage or run.order.start) if has_failed else None,
        failed_code=writable(standing.failed_code or Code.INTERNAL) if has_failed else None,
        failed_reason=writable(standing.failed_reason or "") if has_failed else None,
        started_at=min((progress.started_at for progress in standing.stages), default=run.ended_at),
        finished_at=run.ended_at,
        stages={progress.stage: progress for progress in standing.stages},
    )


def result_of(
    kept: Kept | None, results: Mapping[int, Result], recording: RecordingId, number: int | None, kind: str
) -> Result:
    """The result of that number, or the current one. NotFound RESULT_ABSENT."""
    found = None
    if kept is not None and not kept.is_forgotten:
        found = kept.current(results) if number is None else results.get(number)
    if found is None:
        raise NotFound(Code.RESULT_ABSENT, f"{recording} has no {kind} yet", id=recording, kind=kind)
    return found


def refuse_report_on_nothing(kept: Kept, report: Report) -> None:
    """NotFound RESULT_ABSENT where a report has no attribution to stand on."""
    attributed = any(
        made.number <= report.number and made.transcript in kept.transcripts for made in kept.attributions.values()
    )
    if not attributed:
        detail = f"{report.recording} has no attribution to report on"
        raise NotFound(Code.RESULT_ABSENT, detail, id=report.recording, kind="attribution")
