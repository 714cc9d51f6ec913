"""A diarizer that says what it was told: for tests of everything behind it."""

from collections.abc import Sequence

from voxpersona.model import Turn
from voxpersona.ports import OnProgress, Sound


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
