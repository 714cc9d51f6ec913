"""Text that an engine invented where nobody spoke: found by several signs that agree, dropped with a trace.

Whisper learned from subtitles, and where it hears no words it writes what stands at their ends, or goes round in
circles. Measured with Whisper base: twelve voices at once gave "Редактор субтитров ..." (no speech 0.78, sureness
-0.61); told to expect names, it wrote "Север, Север, Сочи, Сочи" instead (0.55, -0.60), and told that it is English, a
screen of nonsense (0.39, -2.13). But real Russian at 8 kHz had a no speech of 0.68 (sureness -0.25) in one window and a
sureness of -1.95 (no speech 0.05) in another. What people really said must not be lost, so one sign alone is never
enough, but for a piece in which no voice is heard at all.
"""

import re
from collections.abc import Callable, Sequence, Set
from dataclasses import replace

from voxpersona.adapters.transcriber.wording import Line, letters, mean
from voxpersona.model import Doubt, Dropped, Word

_NO_SPEECH = 0.6
_UNSURE = -1.0
_LOOPS = 2.4
"""The three limits of Whisper's own, by which it tries again."""
_MUTE = 0.35
"""The voice activity model itself takes less for silence, once it heard somebody."""
_PERHAPS_NO_SPEECH = 0.35
_DOUBTFUL = -0.5
_HOPELESS = -2.0
_GUESSED = 0.4
_ROUNDS = 4
_LONGEST_ROUND = 20
_HURRIED = 0.1  # seconds a word: nobody speaks so fast for long, engines that loop do

_PHANTOM = re.compile(
    r"""^\W*(?:
    субтитры\b.* | (?:редактор|корректор|перевод(?:чик)?)\W+субтитр\w+\b.* | редактор\W+.{1,40}корректор\b.*
    | .*\bdimatorzok\b.* | спасибо\W+за\W+просмотр | продолжение\W+следует
    | (?:не\W+забудьте\W+)?(?:подписывайтесь|подпишитесь|подписаться)\b.{0,40}\bканал\w* | ставьте\W+лайк\w*\b.*
    | до\W+встречи\W+в\W+(?:следующ\w+\W+(?:видео|серии|выпуске)) | .*\bamara\W*org\b.*
    | (?:[а-яё]+\W+){0,2}(?:музыка|аплодисменты|смех|тишина|шум|пение|песня)
    | (?:sub)?titles?\W+by\b.* | subtitl\w+\W+(?:by|from)\b.* | (?:caption\w*|transcri\w+|translat\w+)\W+by\b.*
    | thank(?:s|\W+you)(?:\W+(?:so|very)\W+much)?\W+for\W+(?:watching|viewing)\b.{0,12}
    | (?:please\W+)?(?:like\W+and\W+|don\W?t\W+forget\W+to\W+)?subscribe\b.{0,30}
    | see\W+you\W+(?:in\W+the\W+)?next\W+(?:time|video)
    | (?:[a-z]+\W+){0,2}(?:music|applause|laughter|silence|singing)(?:\W+playing)? | you | ♪.*
    )\W*$""",
    re.IGNORECASE | re.VERBOSE,
)


def sift(
    lines: Sequence[Line], loudest: Callable[[float, float], float], seconds: float, prompt: Sequence[str] = ()
) -> tuple[list[Line], tuple[Dropped, ...]]:
    """Lines that were said, and what was not, in order; no word is lost between the two.

    `loudest` tells how surely somebody speaks (0..1) between two times; it is asked only where a line is doubtful.
    `prompt` is what the engine was told to expect: some say it back where they hear nothing.
    Where times of words were only estimated (their confidence is 0) the whole piece of that many `seconds` is asked.
    """
    is_round = _rounds(lines, loudest)
    prompted = frozenset(letters(word) for told in prompt for word in told.split()) - {""}
    kept: list[Line] = []
    dropped: list[Dropped] = []
    at = 0
    for line in lines:
        circling = is_round[at : at + len(line.words)]
        at += len(line.words)
        doubt = _doubt(line, loudest, seconds, prompted) if line.words else None
        if doubt is not None:
            dropped.append(_traced(line.words, doubt, seconds))
            continue
        stays = tuple(word for word, goes in zip(line.words, circling, strict=True) if not goes)
        goes = tuple(word for word, goes in zip(line.words, circling, strict=True) if goes)
        if goes:
            dropped.append(_traced(goes, Doubt.REPEATED, seconds))
        if stays:
            kept.append(replace(line, words=stays, confidence=mean(stays)) if goes else line)
    return kept, tuple(dropped)


def _doubt(line: Line, loudest: Callable[[float, float], float], seconds: float, prompted: Set[str]) -> Doubt | None:
    is_no_speech = line.signs.no_speech > _NO_SPEECH
    is_unsure = line.signs.sureness < _UNSURE
    is_phantom = _PHANTOM.match(line.text) is not None
    heard = {letters(word.text) for word in line.words} - {""}
    is_echo = bool(heard) and heard <= prompted
    is_perhaps_none = line.signs.no_speech > _PERHAPS_NO_SPEECH
    if is_phantom and (is_unsure or (is_no_speech and line.signs.sureness < _DOUBTFUL)):
        return Doubt.PHANTOM
    if is_echo and (is_unsure or (is_perhaps_none and line.signs.sureness < _DOUBTFUL)):
        return Doubt.ECHO
    if (is_no_speech and is_unsure) or (is_perhaps_none and line.signs.sureness < _HOPELESS):
        return Doubt.UNSURE
    is_timed = any(word.confidence for word in line.words)
    is_guessed = is_timed and mean(line.words) < _GUESSED
    if is_timed and not (is_no_speech or is_unsure or is_phantom or is_echo or is_guessed):
        return None
    start, end = (line.words[0].start, line.words[-1].end) if is_timed else (0.0, seconds)
    return Doubt.NO_VOICE if loudest(start, end) < _MUTE else None


def _rounds(lines: Sequence[Line], loudest: Callable[[float, float], float]) -> list[bool]:
    """Of every word, whether it only repeats a round of words that was gone before."""
    words = [word for line in lines for word in line.words]
    signs = [line.signs for line in lines for _ in line.words]
    keys = [letters(word.text) for word in words]
    found = [False] * len(words)
    at = 0
    while at < len(words):
        length, rounds = _longest_run(keys, at)
        again = slice(at + length, at + length * rounds)
        if (
            rounds >= _ROUNDS
            and signs[at].compression > _LOOPS
            and (
                length > 2
                or any(each.no_speech > _NO_SPEECH or each.sureness < _UNSURE for each in signs[again])
                or _is_hurried(words[again])
                or loudest(words[again][0].start, words[again][-1].end) < _MUTE
            )
        ):
            found[again] = [True] * (length * (rounds - 1))
            at += length * rounds
        else:
            at += 1
    return found


def _longest_run(keys: Sequence[str], at: int) -> tuple[int, int]:
    """Of how many words a round from here on is, and how often it is gone; (1, 1) where nothing is repeated."""
    for length in range(1, min(_LONGEST_ROUND, (len(keys) - at) // _ROUNDS) + 1):
        pattern, rounds = keys[at : at + length], 1
        while keys[at + length * rounds : at + length * (rounds + 1)] == pattern:
            rounds += 1
        if rounds >= _ROUNDS and any(pattern):
            return length, rounds
    return 1, 1


def _is_hurried(words: Sequence[Word]) -> bool:
    return words[-1].end - words[0].start < _HURRIED * len(words)


def _traced(words: Sequence[Word], reason: Doubt, seconds: float) -> Dropped:
    start = min(max(round(words[0].start, 3), 0.0), seconds)
    return Dropped(
        start=start,
        end=min(max(round(words[-1].end, 3), start), seconds),
        text=" ".join(word.text for word in words),
        reason=reason,
    )
