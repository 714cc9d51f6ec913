"""Subtitle cues: words put on the screen when they are said, two short lines at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voxpersona.model import Segment, Word

LINE = 42
"""Characters of a line, LINES of which make a cue: the usual house rule of broadcasters."""
LINES = 2
READING = 17
"""Characters a second that most people can read beside looking at the picture."""
_LONGEST_MS = 7_000
_SHORTEST_MS = 700
_GAP_MS = 80
_PAUSE_MS = 1_200
_ENDS = (".", "?", "!", "…")


@dataclass(frozen=True)
class Cue:
    """What is shown from `start` until `end`, in milliseconds; `segment` is its place in the transcript."""

    start: int
    end: int
    lines: tuple[str, ...]
    segment: int


@dataclass(frozen=True)
class _Timed:
    """Words that belong together, before they are fitted between their neighbours."""

    start: int
    end: int
    words: tuple[str, ...]
    segment: int


def cues(segments: Sequence[Segment]) -> list[Cue]:
    """Every word of the segments once, in order, in cues that begin in ascending order and do not overlap.

    A cue holds words of one segment only: two lines of 42 characters at most where the segment has word times, else
    the whole segment in as many lines as it takes. A single longer word stays whole on its line. Neighbouring cues
    are at least 80 ms apart unless they begin closer together than twice that. A cue that was said faster than it can
    be read stays on the screen as long as that takes, or until the next one.
    """
    groups = [group for place, segment in enumerate(segments) for group in _groups(place, segment)]
    starts: list[int] = []
    for group in groups:
        starts.append(max(group.start, starts[-1] + 1 if starts else 0))
    shown = []
    for place, (group, start) in enumerate(zip(groups, starts, strict=True)):
        lines = tuple(wrap(group.words))
        end = max(group.end, start + _SHORTEST_MS, start + reading_ms(lines))
        if place + 1 < len(groups):
            distance = starts[place + 1] - start
            end = min(end, starts[place + 1] - min(_GAP_MS, distance // 2))
        shown.append(Cue(start, max(end, start + 1), lines, group.segment))
    return shown


def reading_ms(lines: Sequence[str]) -> int:
    """How long it takes to read them, in milliseconds, begun ones counted; the end of a line counts as a blank."""
    return math.ceil((sum(len(line) for line in lines) + len(lines) - 1) * 1000 / READING)


def wrap(words: Sequence[str]) -> list[str]:
    """Lines of at most LINE characters; two lines are balanced, the upper one not the longer where it can be."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= LINE:
            lines[-1] += " " + word
        else:
            lines.append(word)
    if len(lines) != LINES:
        return lines
    splits = [[" ".join(words[:cut]), " ".join(words[cut:])] for cut in range(1, len(words))]
    fitting = [split for split in splits if all(len(line) <= LINE for line in split)]
    return min(fitting, default=lines, key=lambda split: (abs(len(split[0]) - len(split[1])), len(split[0])))


def _groups(place: int, segment: Segment) -> Iterator[_Timed]:
    timed = [word for word in segment.words if word.text.strip()]
    if not timed:
        if words := tuple(segment.text.split()):
            yield _Timed(_ms(segment.start), _ms(segment.end), words, place)
        return
    held: list[Word] = []
    for word in timed:
        if held and _is_full(held, word):
            yield _timed(held, place)
            held = []
        held.append(word)
    yield _timed(held, place)


def _is_full(held: Sequence[Word], word: Word) -> bool:
    """Whether a new cue begins with this word: no room, too long on the screen, a pause, or a sentence that ended."""
    texts = [text for one in (*held, word) for text in one.text.split()]
    is_sentence_over = held[-1].text.rstrip("\"'»”’)").endswith(_ENDS)
    shown = sum(len(one.text) + 1 for one in held)
    return (
        len(wrap(texts)) > LINES
        or _ms(word.end) - _ms(held[0].start) > _LONGEST_MS
        or _ms(word.start) - _ms(held[-1].end) > _PAUSE_MS
        or (is_sentence_over and shown > LINE)
    )


def _timed(held: Sequence[Word], place: int) -> _Timed:
    texts = tuple(text for word in held for text in word.text.split())
    return _Timed(_ms(held[0].start), _ms(held[-1].end), texts, place)


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
