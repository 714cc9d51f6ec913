"""The sample interview as sound and truth, pieces of text, and how word errors are counted."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
from faster_whisper import decode_audio

from tests.sound_arrays import SAMPLES
from voxpersona.model import PieceText, Segment, Word
from voxpersona.ports import RATE, Floats

SHORT = (16.2, 28.8)
"""The sample's third and fourth turn lie between these seconds, which are in pauses."""


@cache
def sample_sound() -> Floats:
    """The whole sample, 59.1 s."""
    path: Path = SAMPLES / "en_interview_two_speakers.ogg"
    return np.asarray(decode_audio(str(path), sampling_rate=RATE), dtype=np.float32)


@cache
def sample_truth() -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((SAMPLES / "en_interview_two_speakers.json").read_text())
    return truth


def short_piece() -> Floats:
    """A short piece of the sample, 12.6 s."""
    return sample_sound()[round(SHORT[0] * RATE) : round(SHORT[1] * RATE)]


def short_turns() -> list[tuple[float, float, str]]:
    """Start and end in the short piece, and the words, of what is said in it."""
    return [
        (turn["start"] - SHORT[0], turn["end"] - SHORT[0], turn["text"])
        for turn in sample_truth()["turns"]
        if turn["start"] >= SHORT[0] and turn["end"] <= SHORT[1]
    ]


def word_error_rate(truth: str, heard: str) -> float:
    """Share of wrong words; case and punctuation do not count."""
    return float(jiwer.wer(_plain(truth), _plain(heard)))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split())


def text_of(piece: PieceText) -> str:
    return " ".join(segment.text for segment in piece.segments)


def words_of(piece: PieceText) -> list[Word]:
    return [word for segment in piece.segments for word in segment.words]


def a_piece_text(*lines: tuple[float, float, str], language: str = "en") -> PieceText:
    """Segments of evenly long words: `(start, end, text)`."""
    return PieceText(
        language=language,
        language_confidence=0.9,
        segments=tuple(_a_segment(start, end, text) for start, end, text in lines),
    )


def _a_segment(start: float, end: float, text: str) -> Segment:
    texts = text.split()
    step = (end - start) / len(texts)
    words = tuple(
        Word(start=start + step * index, end=start + step * (index + 1), text=each, confidence=0.9)
        for index, each in enumerate(texts)
    )
    return Segment(start=start, end=end, text=" ".join(texts), words=words, confidence=0.9)
