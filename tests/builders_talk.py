"""Talks as an engine and a diarizer would hand them over: plain lines in, a transcript and turns out."""

from collections.abc import Sequence

from voxpersona.model import RecordingId, Segment, Transcript, Turn, Word

WORD = 0.4
PAUSE = 0.6


def words(text: str, start: float = 0.0) -> tuple[Word, ...]:
    """Evenly long words without pauses between."""
    return tuple(
        Word(start=round(start + n * WORD, 3), end=round(start + (n + 1) * WORD, 3), text=each, confidence=0.8)
        for n, each in enumerate(text.split())
    )


def a_segment(spoken: Sequence[Word]) -> Segment:
    return Segment(
        start=spoken[0].start,
        end=spoken[-1].end,
        text=" ".join(word.text for word in spoken),
        words=tuple(spoken),
        confidence=0.8,
    )


def a_turn(start: float, end: float, speaker: int) -> Turn:
    return Turn(start=start, end=end, speaker=f"SPEAKER_{speaker:02d}")


def a_transcript(*segments: Segment, number: int = 1, language: str = "en") -> Transcript:
    return Transcript(
        recording=RecordingId("abcdefghijkl"),
        number=number,
        language=language,
        engine="by hand",
        seconds=max([segment.end for segment in segments], default=0.0),
        segments=segments,
    )


def a_talk(script: str) -> tuple[Transcript, list[Turn]]:
    """`A: How was it?` per line: one segment and one turn each, a pause between."""
    segments: list[Segment] = []
    turns: list[Turn] = []
    at = 0.5
    for line in script.strip().splitlines():
        letter, text = line.strip().split(": ", 1)
        segment = a_segment(words(text, at))
        segments.append(segment)
        turns.append(a_turn(segment.start, segment.end, ord(letter) - ord("A")))
        at = round(segment.end + PAUSE, 3)
    return a_transcript(*segments), turns
