"""The recordings that are delivered: each of other bytes; most are short, some have several pieces or parts."""

import hashlib
import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.builders_media import encoded, flac_of, speech, wav

_RATE = 48_000
_LONG_EVERY = 25
_LONG_SECONDS = 310


@dataclass(frozen=True)
class Recorded:
    """A file at the sender's."""

    path: Path
    sha256: str
    bytes: int


def record(number: int, inbox: Path, rng: random.Random) -> Recorded:
    """The file of that number."""
    if number % _LONG_EVERY == _LONG_EVERY // 2:
        # Two pieces, in turn as a small file and as one that is uploaded in several parts.
        is_flac = number // _LONG_EVERY % 2 == 0
        name, content = (f"long-{number}.flac", _long(number)) if is_flac else (f"long-{number}.wav", _long_wav(number))
    else:
        start = 0.3 + 0.0731 * number
        name, content = f"talk-{number}.flac", flac_of(start=start, end=start + rng.uniform(2.0, 6.0))
    path = inbox / name
    path.write_bytes(content)
    return Recorded(path, hashlib.sha256(content).hexdigest(), len(content))


def _sound(number: int, rate: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Some words here and there in a quiet room."""
    sound = np.random.default_rng(number).normal(0.0, 1e-4, rate * _LONG_SECONDS).astype(np.float32)
    for at in range(3, _LONG_SECONDS - 10, 75):
        said = speech(4.0, start=(at + number) % 50, rate=rate)
        sound[at * rate : at * rate + len(said)] += said
    return sound


def _long(number: int) -> bytes:
    return encoded("flac", "flac", _sound(number, _RATE))


def _long_wav(number: int) -> bytes:
    return wav(_sound(number, 16_000), rate=16_000)
