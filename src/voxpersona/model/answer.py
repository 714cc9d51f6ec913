"""Passage: the piece that is embedded, searched and cited. Answer: quotes with citations, or an honest no."""

from pydantic import Field

from voxpersona.model.noun import Noun, is_empty
from voxpersona.model.recording import RecordingId


class Passage(Noun):
    """A bounded stretch of one recording's transcript, kept whole by speaker turn where it fits.

    `id` is `{recording}:{n}`, n counting from 0 in the order of time.
    """

    id: str
    recording: RecordingId
    start: float
    end: float
    speaker: str | None
    role: str | None
    text: str
    language: str


class Hit(Noun):
    """A passage that a search brought up; the higher the score the better, comparable within one search only."""

    passage: Passage
    score: float


class Citation(Noun):
    """Words of the archive and where they can be heard. `text` stands in the transcript, letter by letter;
    `corrections` as in Quote."""

    recording: RecordingId
    start: float
    end: float
    role: str | None
    speaker: str | None
    text: str
    corrections: tuple[int, ...] = Field(default=(), exclude_if=is_empty)


class Answer(Noun):
    """What the archive says to a question. `found` is False where it says nothing; then there are no citations."""

    question: str
    text: str
    found: bool
    citations: tuple[Citation, ...] = ()
