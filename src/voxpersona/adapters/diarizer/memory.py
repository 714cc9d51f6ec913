"""A diarizer and a voice printer that say what they were told: for tests of everything behind them."""

from collections.abc import Mapping, Sequence

import numpy as np

from voxpersona.model import Turn
from voxpersona.ports import Floats, OnProgress, Sound


class ScriptedDiarizer:
    """Answers every sound with the same turns, cut to the sound's length; keeps what it was asked in `asked`."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = tuple(turns)
        self.asked: list[int | None] = []

    @property
    def name(self) -> str:
        return "scripted"

    def diarize(self, sound: Sound, *, speakers: int | None, on_progress: OnProgress) -> Sequence[Turn]:
        self.asked.append(speakers)
        on_progress(0.0)
        turns = [
            turn.model_copy(update={"end": min(turn.end, sound.seconds)})
            for turn in self._turns
            if turn.start < sound.seconds
        ]
        on_progress(1.0)
        return turns


class ScriptedPrinter:
    """A VoicePrinter that knows voices by where they speak: `voices` are `(start, end, vector)` in seconds, the print
    of a speaker is that in which most of the turns lie, none where they lie in none."""

    def __init__(self, voices: Sequence[tuple[float, float, Sequence[float]]], *, name: str = "scripted") -> None:
        self._voices = tuple(voices)
        self._name = name

    @property
    def name(self) -> str:
        return self._name

    @property
    def alike(self) -> float:
        return 0.85

    def prints(self, sound: Sound, turns: Sequence[Turn], *, on_progress: OnProgress) -> Mapping[str, Floats]:
        on_progress(0.0)
        found: dict[str, Floats] = {}
        for speaker in dict.fromkeys(turn.speaker for turn in turns):
            own = [turn for turn in turns if turn.speaker == speaker]
            shares = [
                sum(max(0.0, min(end, turn.end, sound.seconds) - max(start, turn.start)) for turn in own)
                for start, end, _ in self._voices
            ]
            if max(shares, default=0.0) > 0:
                vector = np.asarray(self._voices[shares.index(max(shares))][2], np.float32)
                found[speaker] = vector / np.linalg.norm(vector)
        on_progress(1.0)
        return found
