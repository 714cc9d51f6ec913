"""Transcript: ordered segments, language, engine and format version of one recording.

All times are float seconds from the start of the recording; every span is half-open, `[start, end)`.
"""

from voxpersona.model.noun import Noun
from voxpersona.model.recording import RecordingId


class Piece(Noun):
    """A stretch of the recording that is transcribed in one go, cut where it is quiet."""

    index: int
    start: float
    end: float


class Word(Noun):
    """One word as the engine gave it, punctuation included, without surrounding blanks; `confidence` is 0..1."""

    start: float
    end: float
    text: str
    confidence: float


class Segment(Noun):
    """Text between two times. `text` is the words joined by single blanks where `words` is not empty.

    `speaker` and `role` are None until the recording was attributed.
    """

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()
    confidence: float = 0.0
    speaker: str | None = None
    role: str | None = None


class PieceText(Noun):
    """What an engine made of one piece; times are relative to the piece's start. No segments means no speech."""

    language: str
    language_confidence: float
    segments: tuple[Segment, ...]


class Transcript(Noun):
    """What was said, as one engine heard it. `number` is the run that made it; a new run never alters an old one."""

    format: int = 1
    recording: RecordingId
    number: int
    language: str
    language_confidence: float = 0.0
    """0..1; below a half the engine was guessing."""
    engine: str
    seconds: float
    segments: tuple[Segment, ...]
    damage: str | None = None
    """One English line on what is missing of the sound, all of which was decoded for this."""
    clipped: float = 0.0
    """As in MediaFacts, over all of the sound."""

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)
