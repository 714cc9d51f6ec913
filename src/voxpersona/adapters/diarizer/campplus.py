"""The embedded diarizer: Silero voice detection, CAM++ vectors, spectral clustering. No torch, no network.

    stretches of speech -> windows of 1.5 s -> vectors -> groups -> votes every 10 ms -> turns

Only the vectors (192 numbers every 0.75 s of speech) grow with the length.
Limits: one speaker at a time, as a window of two voices at once looks less like both than one in which they follow each
other; eight found by itself, far microphones with several people stay poor, and under half a minute of speech the
estimated number is a guess. What it was measured on, overlap too: docs/benchmarks.md.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from voxpersona.adapters.diarizer.clustering import voices
from voxpersona.adapters.diarizer.fbank import BANDS, STEP
from voxpersona.adapters.diarizer.speech import stretches
from voxpersona.adapters.diarizer.voices import (
    BATCH,
    DIMENSIONS,
    HOP,
    MODEL,
    SHA256,
    WINDOW,
    VoiceModel,
    Window,
    windows,
)
from voxpersona.errors import Code, Rejected
from voxpersona.model import Turn
from voxpersona.ports import RATE, Floats, OnProgress, Sound

RECIPE = 1
"""Counts changes that alter turns: part of the name, so that results of different recipes are told apart."""

HOP_SECONDS = HOP * STEP / RATE
SURE = 1.0
"""Seconds a window needs to take part in the clustering; shorter ones are given to the nearest voice afterwards."""
FEW_SURE = 5
"""Long windows under which the short ones have to take part as well."""
GRID = 100
"""Votes a second."""
SHARPNESS = 5.0
"""How strongly a window prefers the nearest voice: shares are the softmax of this times the cosines."""


class Heard(NamedTuple):
    """One stretch of speech in seconds and how many windows, in order, belong to it."""

    start: float
    end: float
    windows: int


class CamPlusDiarizer:
    """A Diarizer on CAM++. `model` replaces the path of the network, not its content: the hash is pinned.

    `block` is how many seconds of sound are held at a time, at least 8; it does not change the turns but by chance
    at the edge of unbroken speech. Loading is left to the first use: Configuration MODEL_ABSENT, MODEL_ALTERED.
    """

    def __init__(self, *, threads: int = 2, model: Path | None = None, block: float = 120.0) -> None:
        self._block = block
        self._model = VoiceModel(model or MODEL, threads=threads)

    @property
    def name(self) -> str:
        return f"campplus-int8-{SHA256[:12]}-recipe{RECIPE}"

    def diarize(self, sound: Sound, *, speakers: int | None, on_progress: OnProgress) -> Sequence[Turn]:
        """As the port says. `speakers` below 1: Rejected BAD_DETAIL; more than there are windows gives fewer."""
        if speakers is not None and speakers < 1:
            raise Rejected(Code.BAD_DETAIL, "a recording has at least one speaker", speakers=speakers)
        heard, spans, vectors = self._listen(sound, on_progress)
        turns: list[Turn] = []
        if spans:
            turns = _turns(heard, spans, _belonging(spans, vectors, speakers))
        on_progress(1.0)
        return turns

    def _listen(self, sound: Sound, on_progress: OnProgress) -> tuple[list[Heard], list[Window], Floats]:
        """Every stretch of speech, its windows and their vectors, shape (windows, DIMENSIONS)."""
        heard: list[Heard] = []
        spans: list[Window] = []
        vectors: list[Floats] = [np.zeros((0, DIMENSIONS), np.float32)]
        waiting = np.zeros((0, WINDOW, BANDS), np.float32)
        on_progress(0.0)
        for start, samples in stretches(sound, block=self._block):
            cut, features = windows(start, samples)
            end = start + len(samples) / RATE
            heard.append(Heard(start, end, len(cut)))
            spans += cut
            waiting = np.concatenate([waiting, features])
            while len(waiting) >= BATCH:
                vectors.append(self._model.vectors(waiting[:BATCH]))
                waiting = waiting[BATCH:]
            on_progress(0.95 * min(1.0, end / sound.seconds))
        if len(waiting):
            vectors.append(self._model.vectors(waiting))
        return heard, spans, np.concatenate(vectors)


def _belonging(spans: Sequence[Window], vectors: Floats, speakers: int | None) -> Floats:
    """How far each window belongs to each voice, shape (windows, voices), rows add up to 1.

    Voices are clustered from the long windows only. A window over a change of speakers belongs to both.
    """
    sure = np.array([span.end - span.start >= SURE for span in spans])
    if sure.sum() < max(FEW_SURE, speakers or 0):
        sure[:] = True
    middles = voices(vectors[sure], HOP_SECONDS, number=speakers)
    shares: Floats = np.exp(SHARPNESS * (vectors @ middles.T))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _turns(heard: Sequence[Heard], spans: Sequence[Window], shares: Floats) -> list[Turn]:
    """Turns from the votes of the windows, labelled by first appearance."""
    runs: list[tuple[float, float, int]] = []
    at = 0
    for stretch in heard:
        mine = slice(at, at + stretch.windows)
        at += stretch.windows
        if stretch.windows:
            _append_runs(runs, stretch, spans[mine], shares[mine])
    order = {voice: number for number, voice in enumerate(dict.fromkeys(voice for _, _, voice in runs))}
    return [Turn(start=start, end=end, speaker=f"SPEAKER_{order[voice]:02d}") for start, end, voice in runs]


def _append_runs(runs: list[tuple[float, float, int]], stretch: Heard, spans: Sequence[Window], shares: Floats) -> None:
    """Add one stretch's runs of one voice; a run that goes on where the last one ended makes it longer.

    Every window votes on every 10 ms it covers with its shares, the nearer to its middle the louder. Measured on
    mixed dialogues: 0.6 % of the time goes to the wrong speaker, against 2.6 % with one equal vote a window.
    """
    count = max(1, round((stretch.end - stretch.start) * GRID))
    times = stretch.start + (np.arange(count) + 0.5) / GRID
    votes = np.zeros((count, shares.shape[1]))
    for span, share in zip(spans, shares, strict=True):
        first, last = np.searchsorted(times, (span.start, span.end))
        middle, half = (span.start + span.end) / 2, (span.end - span.start) / 2
        loudness = np.maximum(1 - np.abs(times[first:last] - middle) / half, 0.0)
        votes[first:last] += loudness[:, None] * share
    winner = votes.argmax(axis=1)
    edges = [0, *(np.flatnonzero(np.diff(winner)) + 1).tolist(), count]
    for first, last in pairwise(edges):
        start = round(stretch.start + first / GRID, 3)
        end = round(stretch.end if last == count else stretch.start + last / GRID, 3)
        voice = int(winner[first])
        if runs and runs[-1][2] == voice and start <= runs[-1][1]:
            start = runs.pop()[0]
        runs.append((start, end, voice))
