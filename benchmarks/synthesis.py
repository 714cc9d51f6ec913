"""Speak texts with Kokoro: a process of its own, as its packages are none of ours (benchmarks/corpora.py runs it).

python -m benchmarks.synthesis MODEL.onnx VOICES.npz < [[TARGET.wav, VOICE, TEXT], ...]
"""

import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.corpora import write


def main(model: str, voices: str, wanted: list[list[str]]) -> None:
    """Write each text as 24 kHz mono WAV."""
    from kokoro_onnx import Kokoro  # only on the path of this process

    speaking: Any = Kokoro(model, voices)
    for target, voice, text in wanted:
        sound, rate = speaking.create(text, voice=voice, lang="en-gb" if voice.startswith("b") else "en-us")
        write(Path(target), sound, rate)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.load(sys.stdin))
