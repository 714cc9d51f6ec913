"""MemoryMedia: a decoder for tests whose recordings are a line of text. Never a default."""

import math
from pathlib import Path
from typing import BinaryIO

import numpy as np

from voxpersona.errors import Code, NotFound, Rejected
from voxpersona.model import MediaFacts, Peaks
from voxpersona.ports import RATE, Floats, OnProgress, Sound

_MARK = b"SOUND "
_MOST_PEAKS = 8_192
_LATER = "could not be decoded"
"""Damage that says so is found by going through the whole recording only."""


def memory_recording(seconds: float, *, damage: str = "", salt: str = "") -> bytes:
    """The bytes of a recording that MemoryMedia can decode; `salt` makes them differ from others as long."""
    return _MARK + f"{seconds};{damage};{salt}".encode()


class _Hum:
    """A steady tone of the given length."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.sides: Floats | None = None

    def read(self, start: float, end: float) -> Floats:
        first, last = round(max(0.0, start) * RATE), round(min(self.seconds, end) * RATE)
        wave: Floats = np.sin(np.arange(first, max(first, last), dtype=np.float32) * np.float32(0.2))
        return wave


class MemoryMedia:
    """See `ports.Media`. Knows `memory_recording` bytes; everything else is NOT_AUDIO, and no bytes are EMPTY."""

    def decode(
        self, source: BinaryIO, *, name: str, target: Path | None = None, most: float | None = None
    ) -> MediaFacts:
        content = source.read()
        if not content:
            raise Rejected(Code.EMPTY, "no bytes", name=name)
        if not content.startswith(_MARK):
            raise Rejected(Code.NOT_AUDIO, "no mark", name=name)
        seconds, damage, _ = content[len(_MARK) :].decode().split(";")
        if target is not None:
            target.write_bytes(content)
        is_examined = most is not None and float(seconds) > most and (not damage or _LATER in damage)
        return MediaFacts(
            seconds=float(seconds),
            container="memory",
            codec="memory",
            rate=RATE,
            channels=1,
            content_type="audio/x-memory",
            peak=1.0,
            damage=None if is_examined else damage or None,
            examined=1.0 if is_examined else None,
        )

    @property
    def playable_name(self) -> str:
        return "memory-1"

    def playable(self, source: BinaryIO, *, name: str, target: Path, on_progress: OnProgress) -> Peaks:
        facts = self.decode(source, name=name, target=target)
        stretch = max(RATE // 100, math.ceil(facts.seconds * RATE / _MOST_PEAKS))
        length = math.ceil(facts.seconds * RATE / stretch)
        on_progress(1.0)
        return Peaks(channels=1, sample_rate=RATE, samples_per_pixel=stretch, length=length, data=(-127, 127) * length)

    def sound(self, target: Path) -> Sound:
        try:
            content = target.read_bytes()
        except FileNotFoundError as error:
            raise NotFound(Code.PATH_ABSENT, "not decoded yet", path=str(target)) from error
        return _Hum(float(content[len(_MARK) :].split(b";")[0]))
