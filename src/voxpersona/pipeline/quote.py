"""Words of a transcript and where they stand: sentences to quote from, and the check that a quote is one.

Everything here works on runs: neighbouring segments of one speaker, read as one text. A sentence the engine cut in
two segments is whole again, and no quote can be stitched together from the words of two people.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from voxpersona.model import Quote, Segment

LONGEST_WORDS = 60
"""Longest sentence, in words. Engines now and then give minutes of speech without one full stop."""

ENDS = ".?!…"
CLOSERS = "\"'»”’)]"
_LEADING_EN = ("mr", "mrs", "ms", "dr", "prof", "st", "vs", "eg", "ie", "e.g", "i.e")
_LEADING_RU = ("т.е", "т.к", "т.н", "г", "ул", "просп", "д", "кв", "им", "гр", "г-н", "г-жа", "напр")
_LEADING = frozenset((*_LEADING_EN, *_LEADING_RU))
"""Abbreviations that always lead on to the next word."""
_MAYBE_LAST = frozenset(("inc", "ltd", "т.д", "т.п", "т.о", "руб", "тыс", "млн", "млрд", "стр", "пр", "др"))
"""Abbreviations that end a sentence only before a capital letter."""
_WORD = re.compile(r"\S+")


@dataclass(frozen=True)
class Sentence:
    """One sentence of one speaker; `text` is letter by letter what the segments say, words joined by single blanks.

    `start` and `end` are seconds from the start of the recording: of the first and the last word, or of the whole
    segment where it has no words. `segment` is the place of the segment in which the sentence begins. `corrections` are
    the numbers of those that changed one of its words, or who says them.
    """

    text: str
    start: float
    end: float
    speaker: str | None
    role: str | None
    segment: int
    corrections: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Token:
    """A blank-separated word, where it stands in its run's text (`[begin, stop)`) and in the recording."""

    text: str
    begin: int
    stop: int
    start: float
    end: float
    segment: int
    corrections: tuple[int, ...]


@dataclass(frozen=True)
class _Run:
    """Neighbouring segments of one speaker as one text."""

    text: str
    speaker: str | None
    role: str | None
    tokens: tuple[_Token, ...]

    def sentence(self, first: int, last: int) -> Sentence:
        """The words from `first` to `last`, both included."""
        opening, closing = self.tokens[first], self.tokens[last]
        text = self.text[opening.begin : closing.stop]
        corrections = _corrections(self.tokens[first : last + 1])
        return Sentence(text, opening.start, closing.end, self.speaker, self.role, opening.segment, corrections)


def sentences(segments: Sequence[Segment], *, longest_words: int = LONGEST_WORDS) -> list[Sentence]:
    """Every word of the segments, in order, in sentences of at most `longest_words` words.

    A sentence ends at `.`, `?`, `!` or `…`, and where the speaker changes. What is longer than allowed is cut at its
    widest pause, or after a comma where the segments have no word times.
    """
    found = []
    for run in _runs(segments):
        for first, last in _spans(run.tokens):
            found += [run.sentence(*part) for part in _bounded(run.tokens, first, last, longest_words)]
    return found


def locate(text: str, segments: Sequence[Segment]) -> Quote | None:
    """Find words in the segments and tell who said them and when.

    First letter by letter, then without regard to case, punctuation, blanks and ё. Digits keep their points, signs
    and neighbours: 1.5 is not 15. Whole words only; words of one speaker only. The first place found is given.

    The quote's `text` is as it stands in the transcript, its times are the start of the first and the end of the
    last word (of the whole segment where it has no words), and `verified` is True: this function is the machine
    that may set it. None is no failure here but the answer "that does not stand there".
    """
    runs = list(_runs(segments))
    exact = " ".join(text.split())
    for run in runs if exact else ():
        for match in re.finditer(re.escape(exact), run.text):
            begin, stop = match.span()
            if _at_borders(run.text, begin, stop) and _key(exact):
                return _quote(run, begin, stop)
    wanted = _concatenated([_key(word) for word in text.split()])
    for run in runs if wanted.text else ():
        span = _tolerant(wanted.text, run)
        if span is not None:
            return _quote(run, *span)
    return None


def _runs(segments: Sequence[Segment]) -> Iterator[_Run]:
    group: list[tuple[int, Segment]] = []
    for place, segment in enumerate(segments):
        if group and (group[-1][1].speaker, group[-1][1].role) != (segment.speaker, segment.role):
            yield _run(group)
            group = []
        group.append((place, segment))
    if group:
        yield _run(group)


def _run(group: Sequence[tuple[int, Segment]]) -> _Run:
    texts: list[str] = []
    tokens: list[_Token] = []
    offset = 0
    for place, segment in group:
        words = [word for word in segment.words if word.text.strip()]
        text = " ".join(word.text for word in words) if words else segment.text.strip()
        if not text:
            continue
        if words:
            at = offset
            # Of a correction that left no word of its own, as a removed word or another speaker, any word tells.
            unmarked = tuple(set(segment.corrections) - {word.correction for word in words})
            for word in words:
                stop = at + len(word.text)
                marks = unmarked if word.correction is None else (*unmarked, word.correction)
                tokens.append(_Token(word.text, at, stop, word.start, word.end, place, marks))
                at = stop + 1
        else:
            for match in _WORD.finditer(text):
                begin, stop = offset + match.start(), offset + match.end()
                times = segment.start, segment.end
                tokens.append(_Token(match.group(), begin, stop, *times, place, segment.corrections))
        texts.append(text)
        offset += len(text) + 1
    first = group[0][1]
    return _Run(" ".join(texts), first.speaker, first.role, tuple(tokens))


def _corrections(tokens: Sequence[_Token]) -> tuple[int, ...]:
    return tuple(sorted({number for token in tokens for number in token.corrections}))


def _spans(tokens: Sequence[_Token]) -> Iterator[tuple[int, int]]:
    """First and last word of every sentence."""
    first = 0
    for place, token in enumerate(tokens):
        following = tokens[place + 1].text if place + 1 < len(tokens) else None
        if following is None or _ends_sentence(token.text, following):
            yield first, place
            first = place + 1


def _ends_sentence(word: str, following: str) -> bool:
    naked = word.rstrip(CLOSERS)
    if not naked or naked[-1] not in ENDS:
        return False
    if naked.endswith(("…", "...")):
        return not following[:1].islower()
    if naked[-1] != ".":
        return True
    stem = naked[:-1].lstrip("\"'«“‘([").casefold()
    is_initial = len(stem) == 1 and naked[-2].isupper() and stem not in "iя"
    leads_on = is_initial or stem in _LEADING or (stem in _MAYBE_LAST and following[:1].islower())
    return not leads_on


def _bounded(tokens: Sequence[_Token], first: int, last: int, longest: int) -> Iterator[tuple[int, int]]:
    """Cut an overlong span where the speaker paused longest, not near its ends; commas break ties."""

    def pause(place: int) -> tuple[float, bool, int]:
        gap = tokens[place + 1].start - tokens[place].end
        return round(gap, 2), tokens[place].text.endswith((",", ";", ":", "—", "–")), place

    while (count := last - first + 1) > longest:
        margin = max(1, min(longest, count - 1) // 3)
        highest = min(last - margin, first + longest - 1)
        cut = max(range(min(first + margin - 1, highest), highest + 1), key=pause)
        yield first, cut
        first = cut + 1
    yield first, last


def _at_borders(text: str, begin: int, stop: int) -> bool:
    """Whether `[begin, stop)` cuts no word in two, nor a number: "5" is not found inside "1.5"."""
    word_begin = text.rfind(" ", 0, begin) + 1
    word_stop = text.find(" ", stop)
    before = text[word_begin:begin]
    after = text[stop : word_stop if word_stop >= 0 else len(text)]
    return not _key(before) and not _key(after) and (not before or before[-1] not in "-−–")


def _key(word: str) -> str:
    """A word stripped to what carries meaning: letters, digits, and marks that change a number."""
    folded = unicodedata.normalize("NFKC", word).casefold().replace("ё", "е")
    kept = []
    for place, letter in enumerate(folded):
        before, after = folded[place - 1 : place], folded[place + 1 : place + 2]
        between_digits = before.isdigit() and after.isdigit()
        is_sign = letter in "-−+" and place == 0 and after.isdigit()
        if letter.isalnum() or unicodedata.category(letter)[0] == "M" or letter in "%$€£₽" or between_digits or is_sign:
            kept.append(letter)
    return "".join(kept)


@dataclass(frozen=True)
class _Concatenated:
    """Keys run together, so that blanks do not matter, with the place where each word begins and stops."""

    text: str
    begins: dict[int, int]
    stops: dict[int, int]


def _concatenated(keys: Sequence[str]) -> _Concatenated:
    text = ""
    begins: dict[int, int] = {}
    stops: dict[int, int] = {}
    for place, key in enumerate(keys):
        if not key:
            continue
        if text and text[-1].isdigit() and key[0].isdigit():
            text += " "  # "1 5" is not "15"
        begins[len(text)] = place
        text += key
        stops[len(text)] = place
    return _Concatenated(text, begins, stops)


def _tolerant(wanted: str, run: _Run) -> tuple[int, int] | None:
    said = _concatenated([_key(token.text) for token in run.tokens])
    at = said.text.find(wanted)
    while at >= 0:
        first, last = said.begins.get(at), said.stops.get(at + len(wanted))
        if first is not None and last is not None:
            return run.tokens[first].begin, run.tokens[last].stop
        at = said.text.find(wanted, at + 1)
    return None


def _quote(run: _Run, begin: int, stop: int) -> Quote:
    inside = [token for token in run.tokens if token.begin < stop and begin < token.stop]
    return Quote(
        text=run.text[begin:stop],
        start=inside[0].start,
        end=inside[-1].end,
        speaker=run.speaker,
        role=run.role,
        verified=True,
        corrections=_corrections(inside),
    )
