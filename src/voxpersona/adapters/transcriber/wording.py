"""From what engines answer to the model's words: complete, in order, inside the piece.

The text is never the loser: where an engine gave text without usable word times, the times are estimated and those
words have confidence 0.
"""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from voxpersona.model import Segment, Word

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”»)\]]*$")
_PAUSE = 1.0
_LONGEST_SENTENCE = 60


@dataclass(frozen=True)
class Signs:
    """What an engine tells of its own text: nothing, where it does not.

    `no_speech`: the probability (0..1) that nobody speaks. `sureness`: the mean logarithm of the probability of its
    words. `compression`: how much shorter the text gets when packed; loops pack well.
    """

    no_speech: float = 0.0
    sureness: float = 0.0
    compression: float = 0.0


@dataclass(frozen=True)
class Line:
    """Words that belong together, in the order they were said, and how sure the engine is of them (0..1)."""

    words: tuple[Word, ...]
    confidence: float
    signs: Signs = Signs()

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)


def letters(text: str) -> str:
    """The letters and digits alone, lower-cased: what two spellings of the same words have in common."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def share(value: float) -> float:
    """A confidence: 0..1, four decimals. What is not a number is 0."""
    return round(min(max(value, 0.0), 1.0), 4) if value == value else 0.0


def spread(text: str, start: float, end: float) -> tuple[Word, ...]:
    """The words of a text, their times estimated by their lengths between `start` and `end`; confidence 0."""
    texts = text.split()
    step = max(end - start, 0.0) / max(sum(len(each) for each in texts), 1)
    words, at = [], start
    for each in texts:
        words.append(Word(start=at, end=at + step * len(each), text=each, confidence=0.0))
        at += step * len(each)
    return tuple(words)


def timed(text: str, heard: Sequence[Word], start: float, end: float) -> tuple[Word, ...]:
    """The words of `text` with the times of those `heard` that are the same word; the rest is spread between them.

    Servers give word times without punctuation, split differently or leave words out: the text says what stands,
    the words heard only say when. `start` and `end` bound what has no neighbour to lean on.
    """
    texts = text.split()
    ours, theirs = [letters(each) for each in texts], [letters(word.text) for word in heard]
    found: dict[int, Word] = {}
    for block in difflib.SequenceMatcher(a=ours, b=theirs, autojunk=False).get_matching_blocks():
        for offset in range(block.size):
            if ours[block.a + offset]:
                source = heard[block.b + offset]
                found[block.a + offset] = source.model_copy(update={"text": texts[block.a + offset]})
    words: list[Word] = []
    known = sorted(found)
    for left, right in zip([-1, *known], [*known, len(texts)], strict=True):
        since = found[left].end if left >= 0 else start
        until = found[right].start if right < len(texts) else max(end, since)
        words.extend(spread(" ".join(texts[left + 1 : right]), since, until))
        if right < len(texts):
            words.append(found[right])
    return tuple(words)


def sentences(words: Iterable[Word]) -> list[Line]:
    """Lines made from a bare run of words: ended by a full stop, a pause, or length. Confidence: the words' mean."""
    lines: list[list[Word]] = [[]]
    for word in words:
        line = lines[-1]
        if line and (
            _SENTENCE_END.search(line[-1].text) or word.start - line[-1].end > _PAUSE or len(line) >= _LONGEST_SENTENCE
        ):
            lines.append([])
        lines[-1].append(word)
    return [Line(tuple(line), mean(line)) for line in lines if line]


def mean(words: Sequence[Word]) -> float:
    return share(sum(word.confidence for word in words) / len(words)) if words else 0.0


def settle(lines: Iterable[Line], seconds: float) -> tuple[Segment, ...]:
    """Segments whose words lie inside `[0, seconds]`, start in order and do not overlap, to the millisecond."""
    kept = [line for line in lines if line.words]
    flat = [word for line in kept for word in line.words]
    if not flat:
        return ()
    starts: list[float] = []
    for word in flat:
        starts.append(max(_clip(word.start, seconds), starts[-1] if starts else 0.0))
    following = [*starts[1:], seconds]
    settled = iter(
        [
            word.model_copy(update={"start": start, "end": max(start, min(_clip(word.end, seconds), after))})
            for word, start, after in zip(flat, starts, following, strict=True)
        ]
    )
    segments = []
    for line in kept:
        words = tuple(next(settled) for _ in line.words)
        segments.append(
            Segment(
                start=words[0].start,
                end=words[-1].end,
                text=" ".join(word.text for word in words),
                words=words,
                confidence=share(line.confidence),
            )
        )
    return tuple(segments)


def _clip(at: float, seconds: float) -> float:
    return min(max(round(at, 3), 0.0), seconds)
