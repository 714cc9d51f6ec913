"""A recorded call, each side on a channel of its own, through the real decoder and the real diarization step."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.builders_media import call_channels, encoded, speech
from tests.builders_speech import sample_truth
from tests.rooms import Rooms, a_spoken_segment
from voxpersona.adapters.diarizer.campplus import CamPlusDiarizer
from voxpersona.adapters.diarizer.channels import ChannelDiarizer
from voxpersona.adapters.media import PyAVMedia
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.model import Attribution, PieceText, Segment


def _what_is_said(*_: object) -> PieceText:
    segments = tuple(a_spoken_segment(turn["start"], turn["end"], turn["text"]) for turn in sample_truth()["turns"])
    return PieceText(language="en", language_confidence=0.99, segments=segments)


def _attributed(tmp_path: Path, content: bytes) -> Attribution:
    rooms = Rooms(tmp_path, transcriber=ScriptedTranscriber(_what_is_said))
    rooms.media, rooms.diarizer = PyAVMedia(), ChannelDiarizer(CamPlusDiarizer())
    receipt = rooms.receive(content, name="call.flac")
    rooms.engine.run()
    return rooms.library.attribution(receipt.recording.id)


def _rightly_given(segments: Sequence[Segment]) -> float:
    """Share of the words whose speaker is the truth's, speakers numbered by first appearance."""
    names: dict[str, str] = {}
    right = total = 0
    for turn in sample_truth()["turns"]:
        label = names.setdefault(turn["speaker"], f"SPEAKER_{len(names):02d}")
        for segment in segments:
            for word in segment.words:
                if turn["start"] <= (word.start + word.end) / 2 < turn["end"]:
                    total += 1
                    right += segment.speaker == label
    return right / total


def _call() -> bytes:
    return encoded("flac", "flac", call_channels(), channels=2)


def _both_alike() -> bytes:
    return encoded("flac", "flac", speech(59, start=0), channels=2)


@pytest.mark.parametrize("make", [_call, _both_alike])
def test_every_word_is_given_to_who_said_it(make: Callable[[], bytes], tmp_path: Path) -> None:
    attribution = _attributed(tmp_path, make())
    assert len(attribution.speakers) == 2
    assert _rightly_given(attribution.segments) >= 0.98
