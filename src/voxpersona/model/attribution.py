"""Who spoke when, and what they were doing there."""

from enum import StrEnum

from pydantic import Field

from voxpersona.model.correction import Change, Correction
from voxpersona.model.noun import Noun, is_empty
from voxpersona.model.recording import RecordingId
from voxpersona.model.transcript import Segment


class Role(StrEnum):
    """What a speaker was doing there."""

    INTERVIEWER = "interviewer"
    EMPLOYEE = "employee"
    CLIENT = "client"
    AUDITOR = "auditor"
    OTHER = "other"


class Turn(Noun):
    """One stretch of speech by one voice. `speaker` is a label (`SPEAKER_00`): it says nothing about who."""

    start: float
    end: float
    speaker: str


class Voices(Noun):
    """All turns of one recording as one diarizer heard them, in order of time."""

    format: int = 1
    recording: RecordingId
    diarizer: str
    turns: tuple[Turn, ...]


class Gap(Noun):
    """A stretch `[start, end)` that sounds like speech and for which the engine gave no words."""

    start: float
    end: float


class Overlap(Noun):
    """A stretch `[start, end)` in which several voices speak at once: words may be missing, or another's."""

    start: float
    end: float


class Evidence(Noun):
    """A line of the transcript that speaks for a role, and why."""

    start: float
    end: float
    text: str
    reason: str


class Speaker(Noun):
    """One voice of the recording with its role, how sure we are (0..1) and what speaks for it."""

    label: str
    role: Role
    confidence: float
    seconds: float
    evidence: tuple[Evidence, ...] = ()


class Attribution(Noun):
    """The transcript's words given to speakers and roles. The words are the transcript's, in its order, unaltered but
    where a person corrected them; `corrections` are all of those, oldest first."""

    format: int = 1
    recording: RecordingId
    number: int
    transcript: int
    """Number of the transcript whose words these are."""
    diarizer: str
    method: str
    """How roles were found: `rules`, or the model's name."""
    speakers: tuple[Speaker, ...]
    segments: tuple[Segment, ...]
    unheard: tuple[Gap, ...] = ()
    """Told so that nobody takes silence of the transcript for silence in the room."""
    corrections: tuple[Correction, ...] = Field(default=(), exclude_if=is_empty)
    unplaced: tuple[Change, ...] = Field(default=(), exclude_if=is_empty)
    """Changes of those corrections for which this transcript, heard anew, has no place: told, as they do nothing."""
    overlaps: tuple[Overlap, ...] = ()
    """In order of time, none touching the next; empty also where the diarizer cannot hear such."""
