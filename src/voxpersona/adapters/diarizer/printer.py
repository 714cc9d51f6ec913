"""Voice prints by CAM++: the mean of the vectors of a speaker's longest turns. Figures: docs/benchmarks.md."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from voxpersona.adapters.diarizer.voices import BATCH, DIMENSIONS, MODEL, SHA256, VoiceModel, windows
from voxpersona.model import Turn
from voxpersona.ports import Floats, OnProgress, Sound

RECIPE = 1
"""Counts changes that alter prints: part of the name, so that prints of different recipes are never compared."""

ALIKE = 0.82
"""Measured: one voice in other words, codecs and noise is mostly above, other voices were at most 0.78."""
MOST = 60.0
"""Seconds of speech a print is made of at most: more makes it no surer."""
ENOUGH = 4.0
"""Seconds of speech under which there is no print."""
SURE = 1.0
"""Seconds of a turn under which it tells too little of its voice."""


class CamPlusPrinter:
    """A VoicePrinter on CAM++. `model` replaces the path of the network, not its content: the hash is pinned.

    Loading is left to the first use: Configuration MODEL_ABSENT, MODEL_ALTERED.
    """

    def __init__(self, *, threads: int = 2, model: Path | None = None) -> None:
        self._model = VoiceModel(model or MODEL, threads=threads)

    @property
    def name(self) -> str:
        return f"campplus-int8-{SHA256}-print{RECIPE}"

    @property
    def alike(self) -> float:
        return ALIKE

    def prints(self, sound: Sound, turns: Sequence[Turn], *, on_progress: OnProgress) -> Mapping[str, Floats]:
        speakers = list(dict.fromkeys(turn.speaker for turn in turns))
        found: dict[str, Floats] = {}
        on_progress(0.0)
        for done, speaker in enumerate(speakers, 1):
            own = _longest([turn for turn in turns if turn.speaker == speaker], sound.seconds)
            if sum(end - start for start, end in own) >= ENOUGH:
                found[speaker] = self._print(sound, own)
            on_progress(done / len(speakers))
        on_progress(1.0)
        return found

    def _print(self, sound: Sound, spans: Sequence[tuple[float, float]]) -> Floats:
        total = np.zeros(DIMENSIONS, np.float32)
        for batch in _batches(sound, spans):
            total += self._model.vectors(batch).sum(axis=0)
        unit: Floats = total / max(float(np.linalg.norm(total)), 1e-9)
        return unit


def _longest(turns: Sequence[Turn], seconds: float) -> list[tuple[float, float]]:
    """Where the longest turns are, until they are MOST seconds long together."""
    spans = sorted(((max(0.0, turn.start), min(seconds, turn.end)) for turn in turns), key=lambda s: (s[0] - s[1], s))
    chosen: list[tuple[float, float]] = []
    left = MOST
    for start, end in spans:
        if min(end - start, left) < SURE:
            break
        chosen.append((start, min(end, start + left)))
        left -= chosen[-1][1] - start
    return chosen


def _batches(sound: Sound, spans: Sequence[tuple[float, float]]) -> Iterator[Floats]:
    """The features of all windows, BATCH at a time."""
    waiting: list[Floats] = []
    for start, end in spans:
        waiting += [*windows(start, sound.read(start, end))[1]]
        while len(waiting) >= BATCH:
            yield np.stack(waiting[:BATCH])
            waiting = waiting[BATCH:]
    if waiting:
        yield np.stack(waiting)
