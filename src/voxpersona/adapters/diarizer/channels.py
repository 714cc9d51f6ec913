"""Who speaks when in a recorded call: each channel carries one side, so that nobody has to be told apart by voice.

Voices are heard in the mix, as ever; whose they are is told by the channel that is louder there, each measured against
its own loud parts. Where both are clearly heard at once, each beyond what leaks over from the other end, both have a
turn. Several people at one end of a line are one speaker: whoever knows better says how many there are, and then they
are told apart by voice.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from voxpersona.adapters.diarizer.speech import stretches
from voxpersona.model import Turn
from voxpersona.ports import RATE, Diarizer, Floats, OnProgress, Sound

Span = tuple[float, float]
Steps = NDArray[np.int64]
Booleans = NDArray[np.bool_]

RECIPE = 2
"""Counts changes that alter turns: part of the name, so that results of different recipes are told apart."""

STEPS = 100
"""Levels a second, as the port gives them."""
_SMOOTH = 25
_SHORTEST = 30
"""Steps. A side that is louder for less than that only made a noise while the other one spoke."""
_UNDER_LOUD = 30.0
"""Decibels under a channel's loud parts where it says nothing about who speaks."""
_BOTH_UNDER_LOUD = 20.0
_BOTH_OVER_LEAK = 5.0
_BOTH_OVER_NOISE = 9.0
"""Decibels. Both speak where each is so near its own loud parts, so far over what is heard of the other end on its
channel, and so far over its noise."""


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
        smooth = _smoothed(sides)
        nearer = _nearer(smooth)
        both = _both(smooth, nearer)
        runs: tuple[list[Span], list[Span]] = [], []
        on_progress(0.0)
        for start, samples in stretches(sound, block=self._block):
            end = min(sound.seconds, start + len(samples) / RATE)
            steps = slice(int(start * STEPS), max(int(start * STEPS) + 1, int(end * STEPS)))
            settled = _settled(nearer[steps])
            for side in (0, 1):
                _append_runs(runs[side], start, end, (settled == side) | both[steps])
            on_progress(min(1.0, end / sound.seconds))
        on_progress(1.0)
        spoken = sorted((since, until, side) for side in (0, 1) for since, until in runs[side])
        order = {side: number for number, side in enumerate(dict.fromkeys(side for _, _, side in spoken))}
        return [Turn(start=start, end=end, speaker=f"SPEAKER_{order[side]:02d}") for start, end, side in spoken]


def _smoothed(sides: Floats) -> Floats:
    """Decibels under each channel's own loud parts over a quarter of a second, shape (steps, 2)."""
    loud = np.percentile(sides, 98, axis=0) if len(sides) else np.zeros(2)
    powers = 10 ** ((sides - loud) / 10)
    window = np.full(_SMOOTH, 1 / _SMOOTH)
    smooth = [np.convolve(powers[:, side], window, "same")[: len(sides)] for side in (0, 1)]
    decibels: Floats = 10 * np.log10(np.maximum(np.stack(smooth, axis=1), 1e-12))
    return decibels


def _nearer(smooth: Floats) -> Steps:
    """Which channel speaks in every step: 0, 1, or -1 where neither does."""
    nearer: Steps = smooth.argmax(axis=1)
    nearer[smooth.max(axis=1, initial=-np.inf) < -_UNDER_LOUD] = -1
    return nearer


def _both(smooth: Floats, nearer: Steps) -> Booleans:
    """Whether both speak in every step. A side is silent for most of the time the other one speaks, and what is on its
    channel then is leak: three quarters of that is no more. Where both speak more often less is found, not more."""
    found = np.ones(len(smooth), np.bool_)
    for side, other in ((0, 1), (1, 0)):
        others = smooth[nearer == other]
        if not len(others):
            return np.zeros(len(smooth), np.bool_)
        leak = smooth[:, other] + np.percentile(others[:, side] - others[:, other], 75)
        noise = np.percentile(smooth[:, side], 10)
        least = np.maximum(leak + _BOTH_OVER_LEAK, max(float(noise) + _BOTH_OVER_NOISE, -_BOTH_UNDER_LOUD))
        found &= smooth[:, side] > least
    edges = [0, *(np.flatnonzero(np.diff(found)) + 1).tolist(), len(found)]
    for first, last in pairwise(edges):
        if last - first < _SHORTEST:
            found[first:last] = False
    return found


def _append_runs(runs: list[Span], start: float, end: float, speaks: Booleans) -> None:
    """Add what one side says in a stretch of speech; a run that goes on where the last one ended makes it longer."""
    edges = [0, *(np.flatnonzero(np.diff(speaks)) + 1).tolist(), len(speaks)]
    for first, last in pairwise(edges):
        if not len(speaks) or not speaks[first]:
            continue
        since = round(start + first / STEPS, 3)
        until = round(end if last == len(speaks) else start + last / STEPS, 3)
        if runs and since <= runs[-1][1]:
            since = runs.pop()[0]
        runs.append((since, until))


def _settled(nearer: Steps) -> Steps:
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
