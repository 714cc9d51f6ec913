"""Builders for the search room: attributions from lines such as `client: It was good.`, with exact word times."""

import json
import re

from tests.sound_arrays import SAMPLES
from voxpersona.model import Attribution, Passage, RecordingId, Role, Segment, Speaker, Word

WORD_SECONDS = 0.4
PAUSE_SECONDS = 0.5
SAMPLE = SAMPLES / "en_interview_two_speakers.json"


def a_recording_id(number: int = 0) -> RecordingId:
    return RecordingId(f"rec{number:09d}")


def a_segment(text: str, *, start: float = 0.0, speaker: str | None = None, role: str | None = None) -> Segment:
    """A segment whose words last 0.4 s each, without gaps."""
    words = tuple(
        Word(start=start + place * WORD_SECONDS, end=start + (place + 1) * WORD_SECONDS, text=word, confidence=0.9)
        for place, word in enumerate(text.split())
    )
    end = words[-1].end if words else start
    return Segment(start=start, end=end, text=" ".join(text.split()), words=words, speaker=speaker, role=role)


def an_attribution(recording: RecordingId, lines: str) -> Attribution:
    """One segment per turn `role: text`, which may go on over several lines; each role is one speaker."""
    segments: list[Segment] = []
    labels: dict[str, str] = {}
    clock = 0.5
    for turn in re.split(r"\n(?=\w+: )", lines.strip()):
        role, _, text = turn.partition(": ")
        label = labels.setdefault(role, f"SPEAKER_{len(labels):02d}")
        segments.append(a_segment(text, start=clock, speaker=label, role=Role(role).value))
        clock = segments[-1].end + PAUSE_SECONDS
    return _attribution(recording, segments)


def the_sample() -> Attribution:
    """The sample interview as its truth has it: one segment per turn, words spread evenly over it, roles by hand."""
    truth = json.loads(SAMPLE.read_text(encoding="utf-8"))
    roles = {"af_heart": ("SPEAKER_00", Role.INTERVIEWER), "am_michael": ("SPEAKER_01", Role.CLIENT)}
    segments = []
    for turn in truth["turns"]:
        label, role = roles[turn["speaker"]]
        words = turn["text"].split()
        step = (turn["end"] - turn["start"]) / len(words)
        timed = tuple(
            Word(start=turn["start"] + at * step, end=turn["start"] + (at + 1) * step, text=word, confidence=1.0)
            for at, word in enumerate(words)
        )
        segments.append(
            Segment(
                start=turn["start"], end=turn["end"], text=turn["text"], words=timed, speaker=label, role=role.value
            )
        )
    return _attribution(RecordingId("sampleenhotl"), segments)


def a_passage(recording: RecordingId, number: int = 0, text: str = "The breakfast was cold.") -> Passage:
    return Passage(
        id=f"{recording}:{number}",
        recording=recording,
        start=number * 10.0,
        end=number * 10.0 + 4.321,
        speaker="SPEAKER_01",
        role="client",
        text=text,
        language="en",
    )


def _attribution(recording: RecordingId, segments: list[Segment]) -> Attribution:
    speakers = {
        segment.speaker: Speaker(label=segment.speaker, role=Role(segment.role), confidence=1.0, seconds=1.0)
        for segment in segments
        if segment.speaker is not None and segment.role is not None
    }
    return Attribution(
        recording=recording,
        number=1,
        transcript=1,
        diarizer="by hand",
        method="rules",
        speakers=tuple(speakers.values()),
        segments=tuple(segments),
    )
