"""What people put right in a transcript: the engine's own words stay beside it for ever."""

import datetime as dt

from voxpersona.model.noun import Noun


class Change(Noun):
    """What a person put right in one stretch, `[start, end)` in seconds: its words, or who says them.

    `was` are the words that stood there and `now` those that stand there since, joined by single blanks; they are the
    same where another speaker was given, whose label `speaker` is. As labels mean nothing in another diarization,
    `voice` is a stretch in which that speaker is heard.
    """

    start: float
    end: float
    was: str
    now: str
    was_speaker: str | None = None
    speaker: str | None = None
    voice: tuple[float, float] | None = None


class Correction(Noun):
    """The changes that one person made at once. `number` is that of the run which brought them in."""

    number: int
    by: str
    """A name, as it was told."""
    at: dt.datetime
    transcript: int
    """Number of the transcript whose words the person saw."""
    changes: tuple[Change, ...]
