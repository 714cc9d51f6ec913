"""Builders for the report room: conversations written as lines, with times for every word."""

import datetime as dt
from collections.abc import Sequence

from voxpersona.model import (
    Attribution,
    Details,
    MediaFacts,
    Original,
    Recording,
    RecordingId,
    Role,
    Segment,
    Speaker,
    Word,
)

RECORDING = RecordingId("abcdefghijkl")
WORD_SECONDS = 0.4
PAUSE_SECONDS = 0.4
_LETTERS = {
    "Q": Role.INTERVIEWER,
    "A": Role.CLIENT,
    "E": Role.EMPLOYEE,
    "O": Role.OTHER,
    "W": Role.AUDITOR,
}


def words(text: str, start: float, seconds: float = WORD_SECONDS) -> tuple[Word, ...]:
    """One word each `seconds`, gapless, rounded to milliseconds."""
    return tuple(
        Word(start=round(start + n * seconds, 3), end=round(start + (n + 1) * seconds, 3), text=word, confidence=0.9)
        for n, word in enumerate(text.split())
    )


def a_segment(text: str, start: float = 0.0, role: Role | None = None, speaker: str | None = None) -> Segment:
    spoken = words(text, start)
    return Segment(
        start=start,
        end=spoken[-1].end,
        text=" ".join(text.split()),
        words=spoken,
        confidence=0.9,
        speaker=speaker,
        role=role,
    )


def segments(script: str) -> tuple[Segment, ...]:
    """`Q: How was it?` per line: Q interviewer, A client, E employee, O other, W auditor; each line one segment."""
    made: list[Segment] = []
    at = 0.5
    for line in script.strip().splitlines():
        letter, text = line.strip().split(": ", 1)
        speaker = f"SPEAKER_{list(_LETTERS).index(letter):02d}"
        made.append(a_segment(text, at, _LETTERS[letter], speaker))
        at = round(made[-1].end + PAUSE_SECONDS, 3)
    return tuple(made)


def an_attribution(spoken: Sequence[Segment], number: int = 1) -> Attribution:
    seconds: dict[tuple[str, str], float] = {}
    for segment in spoken:
        if segment.speaker is not None and segment.role is not None:
            key = (segment.speaker, segment.role)
            seconds[key] = seconds.get(key, 0.0) + segment.end - segment.start
    return Attribution(
        recording=RECORDING,
        number=number,
        transcript=number,
        diarizer="written",
        method="rules",
        speakers=tuple(
            Speaker(label=label, role=Role(role), confidence=0.9, seconds=total)
            for (label, role), total in seconds.items()
        ),
        segments=tuple(spoken),
    )


def a_conversation(script: str) -> Attribution:
    return an_attribution(segments(script))


def a_recording(name: str = "interview.ogg", details: Details | None = None) -> Recording:
    return Recording(
        id=RECORDING,
        source="path:made-by-a-test",
        received_at=dt.datetime(2026, 11, 23, 9, 30, tzinfo=dt.UTC),
        details=details or Details(),
        original=Original(
            name=name,
            key=f"recordings/{RECORDING}/original/interview.ogg",
            sha256="0f" * 32,
            bytes=237_895,
            media=MediaFacts(
                seconds=59.113,
                container="ogg",
                codec="opus",
                rate=48_000,
                channels=1,
                content_type="audio/ogg",
                peak=0.8,
            ),
        ),
    )
