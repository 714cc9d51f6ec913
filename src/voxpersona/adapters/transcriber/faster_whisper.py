"""Whisper on this machine, by CTranslate2.

Settings and their reasons were measured: `condition_on_previous_text` makes it loop, a beam of 1 lost half a recording,
and a whole file handed over at once costs gigabytes. Feed it pieces of a few minutes.
"""

import hashlib
import importlib.metadata
import itertools
import math
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from voxpersona.adapters.transcriber import devices
from voxpersona.adapters.transcriber.invented import sift
from voxpersona.adapters.transcriber.language_runs import Stretch, most, runs, whole
from voxpersona.adapters.transcriber.languages import UNTOLD
from voxpersona.adapters.transcriber.voice import Voice
from voxpersona.adapters.transcriber.wording import Line, Signs, letters, mean, sentences, settle, share, spread
from voxpersona.errors import Code, Configuration, Integrity, Unavailable
from voxpersona.model import PieceText, Spoken, Word
from voxpersona.ports import RATE, Floats, OnProgress

_NEEDED = ("model.bin", "config.json", "tokenizer.json")
_HEAD = 1 << 20
_OUT_OF_MEMORY = ("out of memory", "bad_alloc", "failed to allocate", "cannot allocate")
_VOICE = {"min_silence_duration_ms": 300, "min_speech_duration_ms": 250, "speech_pad_ms": 100}
"""Pauses between two who talk to each other are shorter than those the vendor cuts out."""
_LONGEST_STRETCH = 5.0
_SURE = 0.8
_LITTLE = 5.0
_Part = tuple[float, float, str | None]
"""From when to when, in seconds of the piece, and the language it is in, if that is known."""
# Written without blanks between words: there every word stands alone, however it begins.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})


class FasterWhisperTranscriber:
    """A Transcriber over a model directory in CTranslate2 form.

    The model is loaded at the first piece and stays (Whisper base in int8: about 0.2 GB, 0.6 GB while it works). Safe
    to call from several threads; pieces are taken one at a time, so memory stays that of one.
    Where no language is told and one piece is in two, each part is heard in its own.
    Where the model is unsure of a stretch it tries again by chance (temperature), so two runs may differ there.
    """

    def __init__(
        self,
        model_path: Path,
        *,
        model_name: str,
        device: str = "cpu",
        compute_type: str = devices.AUTO,
        threads: int = 2,
        beam: int = 5,
        batch: int = 1,
    ) -> None:
        """`device` is `cpu`, `cuda`, or `auto`: the card where there is one. `compute_type` is one of CTranslate2's, or
        `auto`. `batch` windows of up to half a minute are heard at once; more than one is another way of cutting them,
        without a second try where the model is unsure."""
        self._path = model_path
        self._model_name = model_name
        self._device_asked = device
        self._compute_type_asked = compute_type
        self._threads = threads
        self._beam = beam
        self._batch = batch
        self._turn = threading.Lock()

    @cached_property
    def name(self) -> str:
        version = importlib.metadata.version("faster-whisper")
        runtime = importlib.metadata.version("ctranslate2")
        return (
            f"faster-whisper {version}/{runtime} {self._model_name} {self._fingerprint()} "
            f"{self._compute_type} on {self._device}, beam {self._beam}, vad, words 3, languages 1"
            + (f", batch {self._batch}" if self._batch > 1 else "")
        )

    @cached_property
    def _device(self) -> str:
        return devices.device(self._device_asked)

    @cached_property
    def _compute_type(self) -> str:
        return devices.compute_type(self._compute_type_asked, self._device)

    def transcribe(
        self, sound: Floats, *, language: str | None, words: Sequence[str] = (), on_progress: OnProgress
    ) -> PieceText:
        seconds = len(sound) / RATE
        if not len(sound):
            return PieceText(language=language or UNTOLD, language_confidence=0.0, segments=())
        with self._turn:
            model = self._model
            self._check_language(model, language)
            spoken = _spoken(model, sound) if language is None else ()
            parts: list[_Part] = [(each.start, each.end, each.language) for each in spoken]
            lines, facts = self._heard(sound, parts or [(0.0, seconds, language)], words, on_progress)
        kept, dropped = sift(lines, Voice(sound).loudest, seconds, words)
        on_progress(1.0)
        found, sureness = most(spoken) if spoken else (facts.language, share(float(facts.language_probability)))
        return PieceText(
            language=found,
            language_confidence=sureness,
            segments=settle(kept, seconds),
            dropped=dropped,
            spoken=spoken if len(spoken) > 1 else (),
        )

    def _heard(
        self, sound: Floats, parts: Sequence[_Part], words: Sequence[str], on_progress: OnProgress
    ) -> tuple[list[Line], Any]:
        """What is said in the parts of a piece, one after the other, and what the vendor tells of the last one."""
        lines: list[Line] = []
        facts, reached = None, 0.0
        for start, end, language in parts:
            with _vendor_errors():
                segments, facts = self._hearing(
                    np.ascontiguousarray(sound[round(start * RATE) : round(end * RATE)], dtype=np.float32),
                    language=language,
                    beam_size=self._beam,
                    vad_filter=True,
                    word_timestamps=True,
                    condition_on_previous_text=False,
                    hotwords=", ".join(words) or None,
                )
            for segment in _drawn(segments):
                line = _line(segment, facts.language, start)
                lines += (
                    [line] if self._batch == 1 else [replace(each, signs=line.signs) for each in sentences(line.words)]
                )
                reached = max(reached, min((start + float(segment.end)) * RATE / len(sound), 1.0))
                on_progress(reached)
        return lines, facts

    @cached_property
    def _hearing(self) -> Callable[..., tuple[Any, Any]]:
        """The vendor's way from sound to segments."""
        if self._batch == 1:
            return self._model.transcribe  # type: ignore[no-any-return]
        from faster_whisper import BatchedInferencePipeline

        # A window is one line then. Asked for time stamps between, Whisper base got ten times as many words wrong.
        return partial(
            BatchedInferencePipeline(self._model).transcribe, batch_size=self._batch, without_timestamps=True
        )

    @cached_property
    def _model(self) -> Any:
        lacking = [name for name in _NEEDED if not (self._path / name).is_file()]
        if lacking:  # the vendor would go to the hub for them
            raise _absent(self._path, ", ".join(lacking))
        # Imported here: it costs more than half a second, which only those who transcribe should pay.
        from faster_whisper import WhisperModel

        try:
            return WhisperModel(
                str(self._path), device=self._device, compute_type=self._compute_type, cpu_threads=self._threads
            )
        except ValueError as error:
            raise devices.unsupported(self._compute_type, self._device) from error
        except (RuntimeError, MemoryError) as error:
            if _is_out_of_memory(error):
                raise _no_memory() from error
            if why := devices.why_not_there(error):
                raise devices.absent(why) from error
            raise Configuration(
                Code.TRANSCRIBER_REFUSED,
                f"the model in {self._path} cannot be loaded on {self._device}",
                path=str(self._path),
                device=self._device,
            ) from error

    def _check_language(self, model: Any, language: str | None) -> None:
        """The vendor would quietly transcribe as English what an English-only model is told to hear as Russian."""
        if language is not None and language not in model.supported_languages:
            reason = f"the model {self._model_name} does not know the language {language}"
            raise Configuration(Code.TRANSCRIBER_REFUSED, reason, reason=reason, language=language)

    def _fingerprint(self) -> str:
        """Tells weights apart that go by one name: size and both ends of them, without reading all."""
        weights = self._path / "model.bin"
        try:
            size = weights.stat().st_size
            with weights.open("rb") as file:
                head = file.read(_HEAD)
                file.seek(max(size - _HEAD, 0))
                tail = file.read(_HEAD)
        except OSError as error:
            raise _absent(self._path, "model.bin") from error
        return hashlib.sha256(b"%d" % size + head + tail).hexdigest()[:8]


def _spoken(model: Any, sound: Floats) -> tuple[Spoken, ...]:
    """The languages of a piece, one after the other from its start to its end; none where they are not sure. Then the
    vendor's own look at its first half minute of speech counts, which is surer where there is little."""
    if not model.model.is_multilingual:
        return ()
    with _vendor_errors():
        stretches = list(_stretches(model, sound))
    found = runs(stretches)
    spoken = sum(stretch.seconds for stretch in stretches)
    if len(found) == 1 and (found[0].confidence < _SURE or spoken < _LITTLE):
        return ()
    return whole(found, sound)


def _stretches(model: Any, sound: Floats) -> Iterator[Stretch]:
    """Voice between pauses, what is long in equal parts, each with the shares of the languages it may be in."""
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    for voice in get_speech_timestamps(sound, VadOptions(**_VOICE)):
        parts = math.ceil((voice["end"] - voice["start"]) / (_LONGEST_STRETCH * RATE))
        edges = [round(edge) for edge in np.linspace(voice["start"], voice["end"], parts + 1)]
        for start, end in itertools.pairwise(edges):
            # Not filled up with silence to half a minute, as the vendor's own detection is: it takes a tenth as long.
            encoded = model.encode(model.feature_extractor(sound[start:end]))
            shares = {token[2:-2]: float(told) for token, told in model.model.detect_language(encoded)[0]}
            yield Stretch(start / RATE, end / RATE, shares)


def _drawn(segments: Iterator[Any]) -> Iterator[Any]:
    """The segments one by one. Only the vendor's own work is inside its errors, not what the caller does between."""
    while True:
        with _vendor_errors():
            segment = next(segments, None)
        if segment is None:
            return
        yield segment


def _line(segment: Any, language: str, since: float) -> Line:
    """What was heard from `since` seconds of the piece on, with times of the piece."""
    words = _joined(segment.words or (), since, glue=language not in _UNSPACED)
    if not words or letters("".join(word.text for word in words)) != letters(segment.text):
        # No alignment, or one that lost something: the text stands, its times are estimated.
        words = spread(segment.text, since + segment.start, since + segment.end)
    signs = Signs(float(segment.no_speech_prob), float(segment.avg_logprob), float(segment.compression_ratio))
    return Line(words, mean(words), signs)


def _joined(heard: Any, since: float, *, glue: bool) -> tuple[Word, ...]:
    """Whisper's bits as words: what does not begin with a blank belongs to the one before (" check", "-in")."""
    words: list[Word] = []
    for each in heard:
        text = " ".join(each.word.split())
        if not text:
            continue
        start, end = since + float(each.start), since + float(each.end)
        word = Word(start=start, end=end, text=text, confidence=share(float(each.probability)))
        if glue and words and not each.word[0].isspace():
            last = words.pop()
            word = Word(
                start=last.start,
                end=word.end,
                text=last.text + text,
                confidence=min(last.confidence, word.confidence) if letters(text) else last.confidence,
            )
        words.append(word)
    return tuple(words)


@contextmanager
def _vendor_errors() -> Iterator[None]:
    # Not subclasses of RuntimeError, and named nowhere else: what the voice activity model raises.
    from onnxruntime.capi.onnxruntime_pybind11_state import Fail, InvalidArgument, RuntimeException

    try:
        yield
    except (RuntimeError, MemoryError, ValueError, IndexError, Fail, InvalidArgument, RuntimeException) as error:
        if _is_out_of_memory(error):
            raise _no_memory() from error
        if why := devices.why_not_there(error):
            raise devices.absent(why) from error
        raise Integrity(Code.TRANSCRIBER_ANSWER, f"Whisper failed on a piece: {type(error).__name__}") from error


def _is_out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _OUT_OF_MEMORY)


def _no_memory() -> Unavailable:
    return Unavailable(Code.TRANSCRIBER_UNAVAILABLE, "no memory left for Whisper", reason="memory")


def _absent(path: Path, lacking: str) -> Configuration:
    return Configuration(Code.MODEL_ABSENT, f"{path} lacks {lacking}", directory=str(path), reason=f"lacks {lacking}")
