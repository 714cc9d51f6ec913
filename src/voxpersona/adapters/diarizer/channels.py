"""Who speaks when in a recorded call: each channel carries one side, so that nobody has to be told apart by voice.

Voices are heard in the mix, as ever; whose they are is told by the channel that is louder there, each measured against
its own loud parts. Where both speak at once the louder one has the turn. Several people at one end of a line are one
speaker: whoever knows better says how many there are, and then they are told apart by voice.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from voxpersona.adapters.diarizer.speech import stretches
from voxpersona.model import Turn
from voxpersona.ports import RATE, Diarizer, Floats, OnProgress, Sound

RECIPE = 1
"""Counts changes that alter turns: part of the name, so that results of different recipes are told apart."""

STEPS = 100
"""Levels a second, as the port gives them."""
_SMOOTH = 25
_SHORTEST = 30
"""Steps. A side that is louder for less than that only made a noise while the other one spoke."""
_UNDER_LOUD = 30.0
"""Decibels under a channel's loud parts where it says nothing about who speaks."""


class ChannelDiarizer:
    """A Diarizer that goes by the channels where they carry different voices, and asks `otherwise` elsewhere.

    `block` is how many seconds of sound are held at a time, at least 8.
    """

    def __init__(self, otherwise: Diarizer, *, block: float = 120.0) -> None:
        self._otherwise = otherwise
        self._block = block

    @property
    def name(self) -> str:
        return f"channels-recipe{RECIPE}-or-{self._otherwise.name}"

    def diarize(self, sound: Sound, *, speakers: int | None, on_progress: OnProgress) -> Sequence[Turn]:
        """As the port says; channels are two speakers at most."""
        sides = sound.sides
        if sides is None or speakers not in (None, 2):
            return self._otherwise.diarize(sound, speakers=speakers, on_progress=on_progress)
        nearer = _nearer(sides)
        runs: list[tuple[float, float, int]] = []
        on_progress(0.0)
        for start, samples in stretches(sound, block=self._block):
            end = min(sound.seconds, start + len(samples) / RATE)
            _append_runs(runs, start, end, nearer[int(start * STEPS) : max(int(start * STEPS) + 1, int(end * STEPS))])
            on_progress(min(1.0, end / sound.seconds))
        on_progress(1.0)
        order = {side: number for number, side in enumerate(dict.fromkeys(side for _, _, side in runs))}
        return [Turn(start=start, end=end, speaker=f"SPEAKER_{order[side]:02d}") for start, end, side in runs]


def _nearer(sides: Floats) -> Floats:
    """Which channel speaks in every step: 0, 1, or -1 where neither does."""
    loud = np.percentile(sides, 98, axis=0) if len(sides) else np.zeros(2)
    powers = 10 ** ((sides - loud) / 10)
    window = np.full(_SMOOTH, 1 / _SMOOTH)
    smooth = np.stack([np.convolve(powers[:, side], window, "same")[: len(sides)] for side in (0, 1)], axis=1)
    nearer: Floats = smooth.argmax(axis=1)
    nearer[smooth.max(axis=1, initial=0.0) < 10 ** (-_UNDER_LOUD / 10)] = -1
    return nearer


def _append_runs(runs: list[tuple[float, float, int]], start: float, end: float, nearer: Floats) -> None:
    """Add one stretch of speech, cut where the other side goes on; a run that goes on where the last one ended makes it
    longer."""
    sides = _settled(nearer)
    edges = [0, *(np.flatnonzero(np.diff(sides)) + 1).tolist(), len(sides)]
    for first, last in pairwise(edges):
        since = round(start + first / STEPS, 3)
        until = round(end if last == len(sides) else start + last / STEPS, 3)
        side = int(sides[first])
        if runs and runs[-1][2] == side and since <= runs[-1][1]:
            since = runs.pop()[0]
        runs.append((since, until, side))


def _settled(nearer: Floats) -> Floats:
    """Each step given to a side: what is short or undecided goes to the side before it, at the start to the next."""
    edges = [0, *(np.flatnonzero(np.diff(nearer)) + 1).tolist(), len(nearer)]
    kept = [(first, last) for first, last in pairwise(edges) if nearer[first] >= 0 and last - first >= _SHORTEST]
    if not kept:  # short altogether: whoever is nearer for most of it
        decided = nearer[nearer >= 0]
        return np.full(len(nearer), round(float(decided.mean())) if len(decided) else 0)
    settled = np.full(len(nearer), nearer[kept[0][0]])
    for first, _ in kept:
        settled[first:] = nearer[first]
    return settled
