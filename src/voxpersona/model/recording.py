"""Recording: one conversation or walk-through given to us to keep. It carries no segmentation and no speakers."""

import datetime as dt
from enum import StrEnum
from typing import NewType

from pydantic import Field

from voxpersona.model.noun import Noun

RecordingId = NewType("RecordingId", str)
"""12 characters of lower-case base 32, made from the source key: the same delivery always gets the same id."""


class Scenario(StrEnum):
    INTERVIEW = "interview"
    SITE_AUDIT = "site-audit"


class Building(StrEnum):
    HOTEL = "hotel"
    RESTAURANT = "restaurant"
    HEALTH_CENTRE = "health-centre"


class Details(Noun):
    """What is known about a recording beside its sound; every field may be unknown (None)."""

    scenario: Scenario | None = None
    number: str | None = None
    date: dt.date | None = None
    employee: str | None = None
    client: str | None = None
    place: str | None = None
    building: Building | None = None
    zone: str | None = None
    city: str | None = None
    language: str | None = None
    """ISO 639-1 code spoken in the recording, if told; None lets the engine find out."""
    speakers: int | None = Field(default=None, ge=1, le=20)
    """How many people speak, if told; None lets the diarizer estimate it."""


class State(StrEnum):
    """How far a recording has come. Only a `ready` one has everything; a `failed` one names stage and reason."""

    RECEIVED = "received"
    WORKING = "working"
    READY = "ready"
    FAILED = "failed"


class Stage(StrEnum):
    """The stages of the whole way, in order."""

    TRANSCRIBE = "transcribe"
    ATTRIBUTE = "attribute"
    REPORT = "report"
    INDEX = "index"


STAGES = tuple(Stage)


CLIPPED = 0.001
"""Share of samples without their tops from which on a recording sounds distorted."""


class MediaFacts(Noun):
    """What the decoder found: duration in seconds as decoded, sample rate in Hz, the container and codec names.

    `damage` is None for a whole recording, else one English line saying what is missing.
    `content_type` is sniffed from the bytes, never believed from the sender. `examined`: where the decoder was told to
    stop early, how many seconds it went through; `seconds` is then what the container declares, `peak` and `damage`
    what could be seen so far.
    """

    seconds: float
    container: str
    codec: str
    rate: int
    channels: int
    content_type: str
    peak: float
    damage: str | None = None
    examined: float | None = None
    clipped: float = 0.0
    """Share of the samples that were too loud for the recorder and lost their tops; from CLIPPED on it is heard."""


class Original(Noun):
    """The bytes as they came. `name` is the true Unicode name; `key` is where they stand in the audio bucket."""

    name: str
    key: str
    sha256: str
    bytes: int
    media: MediaFacts


class Recording(Noun):
    id: RecordingId
    source: str
    """The source key: names the delivery (`path:...`, `telegram:...`), unique for ever."""
    received_at: dt.datetime
    details: Details
    original: Original


class Manifest(Noun):
    """Stands beside the original in the audio bucket: enough to bring the recording back into an empty database."""

    format: int = 1
    recording: Recording


class WorkOrder(Noun):
    """One run of the whole way (or its tail) over one recording. Runs are numbered from 1; results carry the number."""

    recording: RecordingId
    run: int
    start: Stage = Stage.TRANSCRIBE

    def covers(self, stage: Stage) -> bool:
        """Whether this run does the stage, or leaves the current result of an earlier run in place."""
        return STAGES.index(stage) >= STAGES.index(self.start)


_ENOUGH_SHARE = 0.02
"""Below which a stage's pace says nothing: opening a model takes as long as hearing some minutes."""


_PATIENCE = dt.timedelta(hours=1)
_SLOWEST = 10.0
"""A stage that takes so many times as long as its sound, and more than the patience, has come to a stop: the slowest
machine that can be worked with needs a third of that for the largest model."""


class Progress(Noun):
    """One stage of one run as seen from outside. `share` is 0..1; `attempts` counts how often its work was begun."""

    recording: RecordingId
    run: int
    stage: Stage
    share: float
    attempts: int
    started_at: dt.datetime
    finished_at: dt.datetime | None = None


class Waiting(Noun):
    """What a run waits for outside, by an error's code and reason, since when, and when it is tried next."""

    code: str
    reason: str
    since: dt.datetime
    until: dt.datetime


class Standing(Noun):
    """Where a recording stands: its state, the latest run, its stages, why it failed if it did, and what it waits for
    where something outside does not do what it should."""

    state: State
    run: int
    stage: Stage | None = None
    share: float = 0.0
    stages: tuple[Progress, ...] = ()
    failed_code: str | None = None
    failed_reason: str | None = None
    waiting: Waiting | None = None

    def seconds_left(self, now: dt.datetime) -> float | None:
        """How long the stage under way will take from now, at the pace it had so far; None where that cannot be told
        yet, or where something outside is waited for."""
        under_way = self._under_way()
        if under_way is None or under_way.share < _ENOUGH_SHARE:
            return None
        return max(0.0, (now - under_way.started_at).total_seconds() * (1 / under_way.share - 1))

    def is_overdue(self, now: dt.datetime, sound: float) -> bool:
        """Whether the stage under way takes longer than it ever should for so many seconds of sound, and is not known
        to wait for anything."""
        under_way = self._under_way()
        return under_way is not None and now - under_way.started_at > max(
            _PATIENCE, dt.timedelta(seconds=_SLOWEST * sound)
        )

    def _under_way(self) -> Progress | None:
        if self.state is not State.WORKING or self.waiting is not None:
            return None
        return next((one for one in self.stages if one.stage is self.stage and one.finished_at is None), None)


class Run(Noun):
    """How one run ended: well or not, with its stages and the reason of a failure, as its `Standing` was then.

    Stands in the main bucket, written when the run is over and never altered, so that the archive can be brought back
    from its buckets alone.
    """

    format: int = 1
    order: WorkOrder
    standing: Standing
    ended_at: dt.datetime


class Source(Noun):
    """The key that names a delivery for ever. `forgotten_at` where its recording was forgotten: it is refused then."""

    format: int = 1
    key: str
    recording: RecordingId
    seen_at: dt.datetime
    forgotten_at: dt.datetime | None = None
