"""What OpenAI-compatible servers answer, read with suspicion: each tells a different part of it.

OpenAI's own gives words without punctuation in a list of their own; others put words into the segments, or give
segments only, or nothing but the text.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from voxpersona.adapters.transcriber import languages
from voxpersona.adapters.transcriber.invented import sift
from voxpersona.adapters.transcriber.wording import Line, Signs, letters, sentences, settle, share, spread, timed
from voxpersona.errors import Code, Integrity
from voxpersona.model import PieceText, Word

_Object = Mapping[str, Any]

_OVERSHOOT = 30.0
"""Whisper works in windows of 30 seconds and may end its last segment with the window, not with the sound."""


def read(
    body: bytes,
    *,
    seconds: float,
    language: str | None,
    loudest: Callable[[float, float], float],
    words: Sequence[str] = (),
) -> PieceText:
    """The answer to one piece of that many seconds. Integrity TRANSCRIBER_ANSWER where it makes no sense.

    `loudest` tells how surely somebody speaks between two times of the piece (0..1);
    `words` is what the server was prompted with.
    Where the text and the segments differ, the one with more letters stands. Word times a server did not tell are
    estimated, with confidence 0; confidences it did not tell are 0 too. No language told either way gives `und`.
    """
    answer = _object(body)
    text = answer.get("text")
    if not isinstance(text, str):
        _refuse("it has no text")
    segments = _objects(answer, "segments")
    if not all(_is_timed(each) for each in segments):
        _refuse("one of its segments has no times")
    heard = [word for word in _all_words(answer, segments) if _is_timed(word)]
    _check_times([*segments, *heard], seconds)
    kept, dropped = sift(_lines(text, segments, heard, seconds), loudest, seconds, words)
    return PieceText(
        language=language or languages.code(answer.get("language")),
        language_confidence=1.0 if language else share(_number(answer, "language_probability", 0.0)),
        segments=settle(kept, seconds),
        dropped=dropped,
    )


def _all_words(answer: _Object, segments: Sequence[_Object]) -> list[_Object]:
    """OpenAI lists the words beside the segments, others inside them, some do both."""
    return _objects(answer, "words") or [word for segment in segments for word in _objects(segment, "words")]


def _lines(text: str, segments: Sequence[_Object], heard: Sequence[_Object], seconds: float) -> list[Line]:
    told = [str(each.get("text", "")) for each in segments]
    words = [_word(each, segments) for each in heard]
    if len(letters("".join(told))) < len(letters(text)) or not any(told):
        return sentences(timed(text, words, 0.0, seconds))
    if words:
        found = iter(timed(" ".join(told), words, 0.0, seconds))
        settled = [tuple(next(found) for _ in each.split()) for each in told]
    else:
        bounds = [(each["start"], min(each["end"], seconds)) for each in segments]
        settled = [spread(each, start, end) for each, (start, end) in zip(told, bounds, strict=True)]
    return [Line(each, _sureness(segment), _signs(segment)) for each, segment in zip(settled, segments, strict=True)]


def _word(each: _Object, segments: Sequence[_Object]) -> Word:
    """A word with its own confidence, or that of the segment it lies in."""
    middle = (each["start"] + each["end"]) / 2
    around = (_sureness(segment) for segment in segments if segment["start"] <= middle <= segment["end"])
    sure = share(each["probability"]) if _is_number(each.get("probability")) else next(around, 0.0)
    text = str(each.get("word", each.get("text", "")))
    return Word(start=each["start"], end=max(each["end"], each["start"]), text=text, confidence=sure)


def _signs(segment: _Object) -> Signs:
    return Signs(
        _number(segment, "no_speech_prob", 0.0),
        _number(segment, "avg_logprob", 0.0),
        _number(segment, "compression_ratio", 0.0),
    )


def _sureness(segment: _Object) -> float:
    return share(math.exp(min(_number(segment, "avg_logprob", -math.inf), 0.0)))


def _objects(answer: _Object, field: str) -> list[_Object]:
    found = answer.get(field)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        _refuse(f"its {field} are no list of objects")
    return found


def _is_timed(each: _Object) -> bool:
    return _is_number(each.get("start")) and _is_number(each.get("end"))


def _check_times(found: Sequence[_Object], seconds: float) -> None:
    """Milliseconds for seconds, or another recording's answer."""
    if any(not -1.0 <= each["start"] <= seconds + _OVERSHOOT for each in found):
        _refuse("its times lie outside the sound")


def _number(answer: _Object, field: str, otherwise: float) -> float:
    value = answer.get(field, otherwise)
    return float(value) if _is_number(value) else otherwise


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _object(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        # Not `from error`: that one carries the body, and the body is what somebody said.
        raise Integrity(
            Code.TRANSCRIBER_ANSWER, f"the server's answer is no JSON: {type(error).__name__}", reason="no JSON"
        ) from None
    if not isinstance(answer, dict):
        _refuse("it is no object")
    return answer


def _refuse(reason: str) -> NoReturn:
    raise Integrity(Code.TRANSCRIBER_ANSWER, f"the server's answer makes no sense: {reason}", reason=reason)


def error_code(body: bytes) -> str:
    """The machine's word for an error, or an empty text. Never the sentence: that may quote the key or the sound."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return next(_codes(answer), "")


def _codes(answer: object) -> Iterator[str]:
    error = answer.get("error") if isinstance(answer, dict) else None
    for field in ("code", "type"):
        word = error.get(field) if isinstance(error, dict) else None
        if isinstance(word, str) and word.replace("_", "").isalpha() and len(word) <= 40:
            yield word
