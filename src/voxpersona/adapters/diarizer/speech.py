"""Where somebody speaks: Silero voice detection over a recording of any length, with flat memory.

The recording is read in blocks. A stretch of speech that reaches a block's edge is left to the next block, which
begins with it, so every stretch comes out whole wherever the edges fall. Speech without a pause for half a block is
cut where it is quietest.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from voxpersona.ports import RATE, Floats, Sound

# Thresholds as measured in docs/models.md. 0.35 and more lose quiet talkers and, with them, the right speaker count.
THRESHOLD = 0.2
MIN_SILENCE_MS = 200
MIN_SPEECH_MS = 150
PAD_MS = 100

EDGE = RATE * 6 // 10
"""Samples before a block's end where the detector cannot know yet: its silence, both paddings and some frames more."""
LEAD = RATE * 2
"""Samples heard before a block's own, so that the detector is not deaf at its start."""
QUIET = RATE // 20
"""Samples of one measurement of loudness when unbroken speech has to be cut."""


class Stretch(NamedTuple):
    """Unbroken speech: where it starts (seconds) and its samples, shape (samples,)."""

    start: float
    samples: Floats


def stretches(sound: Sound, *, block: float) -> Iterator[Stretch]:
    """Yield every stretch of speech in order, none overlapping; `block` is in seconds and at least 8.

    Holds one block and one stretch at a time.
    """
    total, size = round(sound.seconds * RATE), round(block * RATE)
    settled = 0  # everything before this sample was dealt with
    while settled < total:
        first, last = max(0, settled - LEAD), min(total, settled + size)
        heard = sound.read(first / RATE, last / RATE)
        found = [(max(settled, first + a), min(last, first + b)) for a, b in _detect(heard) if first + b > settled]
        settled = last
        if last < total:
            settled = last - EDGE
            if found and found[-1][1] > settled:
                start, _ = found.pop()
                settled = start
                if last - start > size // 2:
                    settled = _quietest(heard, max(start, last - size // 4) - first, last - EDGE - first) + first
                    found.append((start, settled))
        for start, end in found:
            yield Stretch(start / RATE, heard[start - first : end - first])


def _detect(heard: Floats) -> list[tuple[int, int]]:
    """Spans of speech in samples, ascending, not overlapping."""
    if len(heard) == 0:
        return []
    # Imported late: the package brings the whole of faster-whisper along, seconds on a cold disk.
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(
        threshold=THRESHOLD,
        min_silence_duration_ms=MIN_SILENCE_MS,
        min_speech_duration_ms=MIN_SPEECH_MS,
        speech_pad_ms=PAD_MS,
    )
    return [(int(span["start"]), int(span["end"])) for span in get_speech_timestamps(heard, options)]


def _quietest(heard: Floats, first: int, last: int) -> int:
    """The middle of the quietest 50 ms between two samples."""
    parts = (last - first) // QUIET
    loudness = np.square(heard[first : first + parts * QUIET].reshape(parts, QUIET)).mean(axis=1)
    return first + int(loudness.argmin()) * QUIET + QUIET // 2
