"""Transcript: ordered segments, language, engine and format version of one recording.

All times are float seconds from the start of the recording; every span is half-open, `[start, end)`.
"""

from enum import StrEnum

from pydantic import Field

from voxpersona.model.noun import Noun, is_empty
from voxpersona.model.recording import RecordingId


class Piece(Noun):
    """A stretch of the recording that is transcribed in one go, cut where it is quiet.

    Where it had to be cut through sound, `before` and `after` are seconds of its neighbours that are heard with it, so
    that no word at the cut is heard by halves only.
    """

    index: int
    start: float
    end: float
    before: float = 0.0
    after: float = 0.0

    @property
    def heard(self) -> tuple[float, float]:
        """Between which times of the recording the engine hears, context included."""
        return self.start - self.before, self.end + self.after


class Word(Noun):
    """One word as the engine gave it, punctuation included, without surrounding blanks; `confidence` is 0..1.

    `correction` is the number of the correction by which a person put it there; None for the engine's own words.
    """

    start: float
    end: float
    text: str
    confidence: float
    correction: int | None = Field(default=None, exclude_if=is_empty)


class Segment(Noun):
    """Text between two times. `text` is the words joined by single blanks where `words` is not empty.

    `speaker` and `role` are None until the recording was attributed. `corrections` are the numbers of those that
    changed a word of it, or who says it. `overlapped`: somebody else speaks during at least one of its words, so that
    it may not be complete, and not all this speaker's.
    """

    start: float
    end: float
    text: str
    words: tuple[Word, ...] = ()
    confidence: float = 0.0
    speaker: str | None = None
    role: str | None = None
    corrections: tuple[int, ...] = Field(default=(), exclude_if=is_empty)
    overlapped: bool = False


class Doubt(StrEnum):
    """Why text counts as invented by the engine; never one sign alone, but for a stretch without any voice."""

    NO_VOICE = "no voice"
    """Nobody is heard where it stands."""
    PHANTOM = "phantom"
    """Words that engines are known to put where nobody speaks: credits of subtitles, thanks for watching."""
    ECHO = "echo"
    """Nothing but names and terms the engine was told to expect."""
    UNSURE = "unsure"
    """The engine itself takes it for no speech and does not believe its own words."""
    REPEATED = "repeated"
    """The same words again and again: the engine went round in circles. Its first round stands."""


class Dropped(Noun):
    """Text the engine gave for `[start, end)` that was taken for invented: kept as a trace, part of no segment."""

    start: float
    end: float
    text: str
    reason: Doubt


class Spoken(Noun):
    """The language an engine found in `[start, end)`, and how sure it was (0..1; 0: not told)."""

    start: float
    end: float
    language: str
    confidence: float
    heard_as: str | None = None
    """The language it was then heard in, where the engine was unsure and the speech around it tells another."""


class PieceText(Noun):
    """What an engine made of one piece; times are from the start of what it heard. No segments means no speech."""

    language: str
    language_confidence: float
    segments: tuple[Segment, ...]
    dropped: tuple[Dropped, ...] = ()
    spoken: tuple[Spoken, ...] = ()
    """Where its engine heard more than one language in it: which from when to when. `language` is the one most is
    spoken in."""


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
    dropped: tuple[Dropped, ...] = ()
    """What was taken for invented, in order of time: it stands in no report, index or answer."""
    spoken: tuple[Spoken, ...] = ()
    """The language found in each piece, or in each part of one; empty where the language was told."""

    @property
    def text(self) -> str:
        return " ".join(segment.text for segment in self.segments)
