"""Voices that a person named, and speakers that sound like them. Biometric: none of it is ever stored in plain."""

from datetime import datetime

from pydantic import Field

from voxpersona.model.noun import Noun
from voxpersona.model.recording import RecordingId


class KnownVoice(Noun):
    """The print of a voice with the name a person gave to it, and the speaker it was made from. Kept encrypted only."""

    format: int = 1
    identity: str
    """Its own, made up; says nothing of who it is."""
    project: str
    name: str = Field(repr=False)
    printer: str
    """What made the print: those of different printers are never compared."""
    vector: tuple[float, ...] = Field(repr=False)
    """The print: a unit vector."""
    recording: RecordingId
    transcript: int
    diarizer: str
    speaker: str
    """A label: it means the same in all attributions of that transcript by that diarizer, corrected ones too."""
    named_at: datetime


class Likeness(Noun):
    """That a speaker of an attribution sounds like a known voice, and how much (cosine). Who that is, only the known
    voice tells: where it is erased, this says nothing any more."""

    format: int = 1
    recording: RecordingId
    transcript: int
    diarizer: str
    speaker: str
    origin: RecordingId
    """The recording from which the known voice is."""
    voice: str
    """Its identity."""
    score: float


class Suggestion(Noun):
    """Whom a speaker sounds like, and how much; nobody has confirmed it."""

    name: str
    score: float


class KnownSpeaker(Noun):
    """Who a speaker is: by the name a person gave, or else only by whom the voice sounds like, nearest first."""

    speaker: str
    name: str | None = None
    sounds_like: tuple[Suggestion, ...] = ()
