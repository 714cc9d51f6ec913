"""Speech to text by `onnx-asr`: GigaAM for Russian, NVIDIA's Parakeet and others, on onnxruntime without torch.

The library comes with the extra `onnx`. It was driven with a model made for the tests in the form it loads; the real
weights were never run where this was written.
"""

import hashlib
import importlib.metadata
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from voxpersona.adapters.transcriber.invented import sift
from voxpersona.adapters.transcriber.languages import UNTOLD
from voxpersona.adapters.transcriber.voice import Voice
from voxpersona.adapters.transcriber.wording import Line, letters, sentences, settle, share, spread
from voxpersona.errors import Code, Configuration, Integrity, Unavailable
from voxpersona.model import PieceText, Word
from voxpersona.ports import RATE, Floats, OnProgress

_LONGEST = 20.0
"""Seconds that are heard in one go: GigaAM was made for less than half a minute."""
_LAST_TOKEN = 0.2
"""Seconds a word goes on after its last token began, where nothing follows at once: these engines tell beginnings."""
_LANGUAGES = {
    "gigaam-v": "ru",
    "nemo-fastconformer-ru-": "ru",
    "nemo-parakeet-ctc-": "en",
    "nemo-parakeet-rnnt-": "en",
    "nemo-parakeet-tdt-0.6b-v2": "en",
    "alphacep/vosk-model-": "ru",
    "t-tech/t-one": "ru",
}
"""Which models know one language only, by the beginnings of their names."""


class OnnxTranscriber:
    """A Transcriber over a directory with the files of a model that `onnx-asr` knows by `model_name`.

    The piece is cut in its pauses into stretches of at most 20 s. Hints of words are not taken: these engines have no
    place for them. A model of several languages finds the language out by itself and does not tell it, so it is `und`
    unless it was told. Confidences are those of the tokens, which such engines overrate; where a model gives no times
    or no probabilities, times are estimated and confidences 0. Safe to call from several threads, one piece at a time.
    """

    def __init__(self, model_path: Path, *, model_name: str, quantization: str = "", threads: int = 2) -> None:
        """`quantization`: the ending of the files' names before `.onnx`, as `int8`; empty for the plain ones."""
        self._path = model_path
        self._model_name = model_name
        self._quantization = quantization
        self._threads = threads
        self._turn = threading.Lock()

    @cached_property
    def name(self) -> str:
        try:
            version = importlib.metadata.version("onnx-asr")
        except importlib.metadata.PackageNotFoundError as error:
            raise _not_installed() from error
        runtime = importlib.metadata.version("onnxruntime")
        kind = f" {self._quantization}" if self._quantization else ""
        return f"onnx-asr {version}/{runtime} {self._model_name}{kind} {self._fingerprint()}, vad {_LONGEST:.0f} s, 1"

    def transcribe(
        self,
        sound: Floats,
        *,
        language: str | None,
        words: Sequence[str] = (),  # noqa: ARG002  # no place for hints in these engines
        on_progress: OnProgress,
    ) -> PieceText:
        seconds = len(sound) / RATE
        spoken = self._language(language)
        lines: list[Line] = []
        if len(sound):
            with self._turn:
                model = self._model
                for start, end in _stretches(sound):
                    part = np.ascontiguousarray(sound[start:end], dtype=np.float32)
                    with _vendor_errors():
                        found = model.recognize(part, **({} if language is None else {"language": language}))
                    lines += sentences(_words(found, start / RATE, end / RATE))
                    on_progress(min(end / len(sound), 1.0))
        kept, dropped = sift(lines, Voice(sound).loudest, seconds)
        on_progress(1.0)
        return PieceText(language=spoken, language_confidence=0.0, segments=settle(kept, seconds), dropped=dropped)

    def _language(self, told: str | None) -> str:
        known = next((each for begin, each in _LANGUAGES.items() if self._model_name.startswith(begin)), None)
        if told is not None and known is not None and told != known:
            raise _refused(f"the model {self._model_name} does not know the language {told}")
        return told or known or UNTOLD

    @cached_property
    def _model(self) -> Any:
        try:
            import onnx_asr
            import onnxruntime
            from onnx_asr.utils import ModelFileNotFoundError, ModelLoadingError
        except ImportError as error:
            raise _not_installed() from error
        if not self._path.is_dir():  # the library would go to the hub for it
            raise _absent(self._path, "is no directory")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        try:
            return onnx_asr.load_model(
                self._model_name,
                self._path,
                quantization=self._quantization or None,
                sess_options=options,
                providers=["CPUExecutionProvider"],
            ).with_timestamps()
        except ModelFileNotFoundError as error:
            raise _absent(self._path, "lacks a file of the model") from error
        except ModelLoadingError as error:
            raise _refused(f"onnx-asr cannot load {self._model_name}: {type(error).__name__}") from error
        except MemoryError as error:
            raise _no_memory() from error
        except _failures() as error:
            raise _refused(f"what is in {self._path} is no model {self._model_name}") from error

    def _fingerprint(self) -> str:
        """Tells weights apart that go by one name: names, sizes and beginnings of the files."""
        hashed = hashlib.sha256()
        try:
            for path in sorted(self._path.iterdir()):
                if path.suffix in (".onnx", ".ort", ".txt", ".json"):
                    hashed.update(f"{path.name} {path.stat().st_size} ".encode())
                    with path.open("rb") as file:
                        hashed.update(file.read(1 << 20))
        except OSError as error:
            raise _absent(self._path, error.strerror or "cannot be read") from error
        return hashed.hexdigest()[:8]


def _stretches(sound: Floats) -> Iterator[tuple[int, int]]:
    """Where somebody speaks, in samples, with the pauses between: none longer than the model may hear in one go."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(min_silence_duration_ms=300, speech_pad_ms=200, max_speech_duration_s=_LONGEST - 1)
    with _vendor_errors():
        voices = get_speech_timestamps(sound, options)
    start = end = 0
    for voice in voices:
        if end and voice["end"] - start > _LONGEST * RATE:
            yield start, end
            end = 0
        start, end = start if end else voice["start"], voice["end"]
    if end:
        yield start, end


def _words(found: Any, since: float, until: float) -> list[Word]:
    """The words with times of the piece; estimated, where the engine's do not tell every one of its text."""
    words = []
    if found.tokens and found.timestamps:
        sureness = found.logprobs or [-math.inf] * len(found.tokens)
        heard = zip(found.tokens, found.timestamps, sureness, strict=True)
        words = _joined([(token, since + at, told) for token, at, told in heard], until)
    if letters("".join(word.text for word in words)) != letters(found.text):
        return list(spread(found.text, since, until))
    return words


def _joined(tokens: Sequence[tuple[str, float, float]], until: float) -> list[Word]:
    """A token that begins with a blank, or follows one that is nothing else, begins a word."""
    groups: list[list[tuple[str, float, float]]] = []
    ends: list[float] = []
    begins = True
    for token in tokens:
        text, at, _ = token
        if text.strip():
            if begins or text[0].isspace():
                groups.append([])
                ends.append(until)
            groups[-1].append(token)
            begins = False
        elif not begins:
            begins = True
            ends[-1] = at
    words = []
    for place, group in enumerate(groups):
        following = groups[place + 1][0][1] if place + 1 < len(groups) else until
        end = min(group[-1][1] + _LAST_TOKEN, ends[place], following)
        told = sum(sureness for _, _, sureness in group) / len(group)
        text = "".join(text for text, _, _ in group).strip()
        words.append(Word(start=group[0][1], end=max(end, group[0][1]), text=text, confidence=share(math.exp(told))))
    return words


def _failures() -> tuple[type[Exception], ...]:
    """What onnxruntime raises, of which nothing is the common parent, and what the library stumbles over where a model,
    its vocabulary or its answer is not of the form it expects."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    kinds = (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NoSuchFile)
    stumbles = (AssertionError, IndexError, KeyError, OSError, RuntimeError, TypeError, ValueError)
    return (*kinds, state.NotImplemented, state.RuntimeException, *stumbles)


@contextmanager
def _vendor_errors() -> Iterator[None]:
    try:
        yield
    except MemoryError as error:
        raise _no_memory() from error
    except _failures() as error:
        reason = f"onnx-asr failed on a piece: {type(error).__name__}"
        raise Integrity(Code.TRANSCRIBER_ANSWER, reason, reason=reason) from error


def _no_memory() -> Unavailable:
    return Unavailable(Code.TRANSCRIBER_UNAVAILABLE, "no memory left for onnx-asr", reason="memory")


def _refused(reason: str) -> Configuration:
    return Configuration(Code.TRANSCRIBER_REFUSED, reason, reason=reason)


def _not_installed() -> Configuration:
    return _refused("onnx-asr is not installed: install voxpersona[onnx]")


def _absent(path: Path, reason: str) -> Configuration:
    return Configuration(Code.MODEL_ABSENT, f"{path} {reason}", directory=str(path), reason=reason)
