"""Where somebody is heard to speak: Silero's voice activity, which comes with faster-whisper."""

from functools import cached_property

import numpy as np

from voxpersona.ports import RATE, Floats

_HOP = 512  # samples the model judges at a time
_NEAR = 0.2  # seconds: engines draw the edges of words no more exactly


class Voice:
    """The voice in samples of shape (n,), RATE Hz. It is looked for when it is first asked after: two milliseconds
    for a second of sound."""

    def __init__(self, sound: Floats) -> None:
        self._sound = sound

    def loudest(self, start: float, end: float) -> float:
        """How surely somebody speaks (0..1) where it is surest between two times in seconds, or just beside them."""
        first = max(int((start - _NEAR) * RATE // _HOP), 0)
        return float(self._shares[first : int((end + _NEAR) * RATE // _HOP) + 1].max(initial=0.0))

    def spoken(self) -> float:
        """Seconds in which somebody speaks, with the short pauses between."""
        from faster_whisper.vad import get_speech_timestamps

        return float(sum(each["end"] - each["start"] for each in get_speech_timestamps(self._sound)) / RATE)

    @cached_property
    def _shares(self) -> Floats:
        # Imported here: seldom needed, and it costs more than half a second.
        from faster_whisper.vad import get_vad_model

        padded = np.pad(np.asarray(self._sound, dtype=np.float32), (0, -len(self._sound) % _HOP))
        if not len(padded):
            return np.zeros(0, np.float32)
        return np.asarray(get_vad_model()(padded), dtype=np.float32).ravel()
