"""Attribute: give every word of a transcript to a speaker and every speaker a role. No word is altered but by people.

words -> the turn they overlap -> borders moved to sentence ends near by -> segments of one speaker each
      -> what people corrected -> roles
Where two speak at once the words go to the likelier one, and their segment is marked.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from math import inf

from voxpersona.model import Attribution, Change, Correction, Details, Gap, Overlap, Segment, Transcript, Turn, Word
from voxpersona.pipeline.corrections import put_in
from voxpersona.pipeline.quote import CLOSERS, ENDS
from voxpersona.pipeline.roles import cast

METHOD = "rules"
NOBODY = "SPEAKER_00"
"""The label of all words where nobody was told apart."""

ISLAND = 0.4
"""Seconds under which a lone word of one voice inside another's sentence is a slip of the diarizer."""
REACH = 0.5
"""Seconds over which a change of speaker moves to the end of a sentence: turns are no more exact than that."""
READABLE = 15.0
"""Seconds above which a segment is cut between sentences."""
ENDLESS = 2 * READABLE
"""Seconds above which a segment without sentence ends is cut at its widest pause."""
STRETCHED = 0.6
"""Seconds above which a word at the edge of a sentence is taken to reach into the pause beside it."""
SPOKEN = 0.4
"""Seconds of such a word that are believed."""
NEAR = 0.5
"""Seconds beside words that count as heard: engines and voice detectors draw their edges differently."""
LONG_UNHEARD = 3.0
"""Seconds of voice without a word from which on it is told; less may be a cough or a laugh."""
BREATH = 1.0
"""Seconds of pause over which a sentence cut in two by the engine is not joined again."""
AT_ONCE = 0.5
"""Share of a word from which on it counts as spoken while another voice speaks."""


def attribute(
    transcript: Transcript,
    turns: Sequence[Turn],
    details: Details,
    *,
    number: int,
    diarizer: str,
    corrections: Sequence[Correction] = (),
) -> Attribution:
    """The transcript's words, each exactly once and in order, in segments of one speaker with a role.

    `number` is the run that asks, `diarizer` the name of what made the turns. A word outside all turns goes to the
    nearest one in time, one within several to that which goes on longer on both its sides; no turns at all make one
    speaker. Labels count from SPEAKER_00 by first appearance in the text. A segment's confidence is that of its words.
    `corrections` are put in again, oldest first.
    """
    plain = Attribution(
        recording=transcript.recording,
        number=number,
        transcript=transcript.number,
        diarizer=diarizer,
        method=METHOD,
        speakers=(),
        segments=tuple(_renamed(_recut(transcript.segments, _Voices(turns)))),
        unheard=unheard(turns, transcript.segments),
        overlaps=overlaps(turns),
    )
    return correct(plain, corrections, details)


def correct(attribution: Attribution, corrections: Sequence[Correction], details: Details) -> Attribution:
    """The attribution with corrections beside those it has, and the roles that follow from all its words."""
    segments: Sequence[Segment] = attribution.segments
    unplaced: list[Change] = []
    for correction in corrections:
        is_same = correction.transcript == attribution.transcript
        segments, left = put_in(segments, correction, is_same=is_same)
        unplaced += left
    segments = _marked(segments, attribution.overlaps)
    speakers = cast(segments, details)
    roles = {speaker.label: speaker.role for speaker in speakers}
    changed = {
        "speakers": speakers,
        "segments": tuple(
            segment.model_copy(update={"role": roles[segment.speaker or NOBODY].value}) for segment in segments
        ),
        "corrections": (*attribution.corrections, *corrections),
        "unplaced": (*attribution.unplaced, *unplaced),
    }
    return attribution.model_copy(update=changed)


def overlaps(turns: Sequence[Turn]) -> tuple[Overlap, ...]:
    """Where turns of several speakers overlap."""
    found: list[Overlap] = []
    reached = 0.0
    for turn in sorted(turns, key=lambda turn: (turn.start, turn.end)):
        end = min(turn.end, reached)
        if found and turn.start <= found[-1].end:
            found[-1] = Overlap(start=found[-1].start, end=max(end, found[-1].end))
        elif turn.start < end:
            found.append(Overlap(start=turn.start, end=end))
        reached = max(reached, turn.end)
    return tuple(found)


def unheard(turns: Sequence[Turn], segments: Sequence[Segment]) -> tuple[Gap, ...]:
    """Where a voice is heard for long and no word stands: engines leave out what they do not understand."""
    spoken = sorted((segment.start - NEAR, segment.end + NEAR) for segment in segments)
    gaps: list[Gap] = []
    for turn in sorted(turns, key=lambda turn: turn.start):
        at = turn.start
        for start, end in spoken:
            if end > at and start < turn.end:
                gaps.append(Gap(start=at, end=max(at, start)))
                at = max(at, end)
        gaps.append(Gap(start=at, end=max(at, turn.end)))
    joined: list[Gap] = []
    for gap in sorted(gaps, key=lambda gap: gap.start):
        if gap.end <= gap.start:
            continue
        if joined and gap.start - joined[-1].end < BREATH:
            before = joined.pop()
            gap = Gap(start=before.start, end=max(before.end, gap.end))
        joined.append(gap)
    return tuple(gap for gap in joined if gap.end - gap.start >= LONG_UNHEARD)


def _marked(segments: Iterable[Segment], at_once: Sequence[Overlap]) -> list[Segment]:
    """Segments with a word that is spoken while another voice speaks say so."""
    ends = [overlap.end for overlap in at_once]

    def is_overlapped(start: float, end: float) -> bool:
        shared = 0.0
        for overlap in at_once[bisect_right(ends, start) :]:
            if overlap.start >= end:
                break
            shared += min(end, overlap.end) - max(start, overlap.start)
        return shared > 0 and shared >= AT_ONCE * (end - start)

    found = []
    for segment in segments:
        spans = [(word.start, word.end) for word in segment.words] or [(segment.start, segment.end)]
        marked = any(is_overlapped(*span) for span in spans)
        found.append(segment.model_copy(update={"overlapped": marked}) if marked != segment.overlapped else segment)
    return found


class _Voices:
    """Who speaks in a span of time."""

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = sorted(turns, key=lambda turn: (turn.start, turn.end))
        self._furthest: list[Turn] = list(accumulate(self._turns, _later_end))
        """Of the turns so far the one that ends last: with turns that overlap it need not be the last one."""
        self._reached = [turn.end for turn in self._furthest]

    def at(self, start: float, end: float) -> str:
        """The voice heard longest in `[start, end)`, else the nearest in time."""
        if not self._turns:
            return NOBODY
        first = bisect_right(self._reached, start)
        heard: defaultdict[str, tuple[float, float]] = defaultdict(lambda: (0.0, -inf))
        for turn in self._turns[first:]:
            if turn.start >= end:
                break
            if turn.end > start:
                seconds, around = heard[turn.speaker]
                seconds += min(end, turn.end) - max(start, turn.start)
                heard[turn.speaker] = round(seconds, 6), max(around, min(start - turn.start, turn.end - end))
        if heard:
            return max(heard, key=lambda voice: heard[voice])
        near = [*self._furthest[max(0, first - 1) : first], *self._turns[first : first + 1]]
        return min(near, key=lambda turn: max(turn.start - end, start - turn.end, 0.0)).speaker


def _later_end(one: Turn, next_: Turn) -> Turn:
    return one if one.end > next_.end else next_


def _recut(segments: Sequence[Segment], voices: _Voices) -> list[Segment]:
    """Segments of one voice each; those without words are kept as they are."""
    found: list[Segment] = []
    for has_words, group in groupby(segments, key=lambda segment: bool(segment.words)):
        if has_words:
            found += _from_words(list(group), voices)
        else:
            found += [
                segment.model_copy(update={"speaker": voices.at(segment.start, segment.end)}) for segment in group
            ]
    return found


def _from_words(segments: Sequence[Segment], voices: _Voices) -> Iterator[Segment]:
    words = [word for segment in segments for word in segment.words]
    labels = _at_sentences(words, _without_islands(words, [voices.at(*_heart(words, at)) for at in range(len(words))]))
    cuts = {0}
    for segment in segments:
        cuts.add(max(cuts) + len(segment.words))
    for place in range(1, len(words)):
        if labels[place] != labels[place - 1]:
            cuts.add(place)
        elif place in cuts and _runs_on(words[place - 1], words[place]):
            cuts.remove(place)
    for first, last in pairwise(sorted(cuts)):
        for part in _readable(words[first:last]):
            yield Segment(
                start=part[0].start,
                end=max(word.end for word in part),
                text=" ".join(word.text for word in part),
                words=tuple(part),
                confidence=sum(word.confidence for word in part) / len(part),
                speaker=labels[first],
            )


def _heart(words: Sequence[Word], place: int) -> tuple[float, float]:
    """The span of a word that is surely spoken. Whisper stretches the first word of a sentence back over the pause
    before it, and the last one on over the pause behind it, far into another's turn."""
    word = words[place]
    if word.end - word.start > STRETCHED:
        if place == 0 or _ends_sentence(words[place - 1]):
            return word.end - SPOKEN, word.end
        if _ends_sentence(word):
            return word.start, word.start + SPOKEN
    return word.start, word.end


def _without_islands(words: Sequence[Word], labels: Sequence[str]) -> list[str]:
    """Give a short lone word inside somebody's sentence to that somebody. A word that is a sentence stays ("Yes.")."""
    mended = list(labels)
    for place in range(1, len(words) - 1):
        before, word, after = mended[place - 1], words[place], mended[place + 1]
        is_island = before == after != mended[place] and word.end - word.start < ISLAND
        if is_island and not (_ends_sentence(words[place - 1]) and _ends_sentence(word)):
            mended[place] = before
    return mended


def _at_sentences(words: Sequence[Word], labels: Sequence[str]) -> list[str]:
    """Move every change of speaker to the nearest sentence end within REACH; nobody loses all words by it."""
    mended = list(labels)
    changes = [place for place in range(1, len(words)) if labels[place] != labels[place - 1]]
    lowest = 1
    for nth, place in enumerate(changes):
        highest = (changes[nth + 1] if nth + 1 < len(changes) else len(words)) - 1
        target = _sentence_start(words, place, lowest, highest)
        for moved in range(min(place, target), max(place, target)):
            mended[moved] = labels[place] if target < place else labels[place - 1]
        lowest = target + 1
    return mended


def _sentence_start(words: Sequence[Word], place: int, lowest: int, highest: int) -> int:
    """The place from `lowest` to `highest`, both included, that begins a sentence and is nearest to `place` in time."""

    def distance(other: int) -> float:
        return abs(_gap_middle(words, other) - border)

    border = _gap_middle(words, place)
    best, least = place, REACH
    for step in (-1, 1):
        other = place
        while lowest <= other <= highest and distance(other) <= least:
            if _ends_sentence(words[other - 1]):
                best, least = other, distance(other)
                break
            other += step
    return best


def _gap_middle(words: Sequence[Word], place: int) -> float:
    return (words[place - 1].end + words[place].start) / 2


def _runs_on(before: Word, after: Word) -> bool:
    """Whether the engine cut here in the middle of a sentence."""
    return not _ends_sentence(before) and after.start - before.end < BREATH


def _readable(words: Sequence[Word]) -> list[Sequence[Word]]:
    """Cut what is too long to read at a sentence end near its middle; without one, at the widest pause."""
    long = words[-1].end - words[0].start
    if long <= READABLE or len(words) < 2:
        return [words]
    middle = (words[0].start + words[-1].end) / 2
    ends = [place for place in range(1, len(words)) if _ends_sentence(words[place - 1])]
    if ends:
        cut = min(ends, key=lambda place: abs(_gap_middle(words, place) - middle))
    elif long > ENDLESS:
        third = len(words) // 3
        inner = range(max(1, third), max(2, len(words) - third))
        cut = max(inner, key=lambda place: words[place].start - words[place - 1].end)
    else:
        return [words]
    return [*_readable(words[:cut]), *_readable(words[cut:])]


def _ends_sentence(word: Word) -> bool:
    return word.text.rstrip(CLOSERS).endswith(tuple(ENDS))


def _renamed(segments: Iterable[Segment]) -> list[Segment]:
    """Labels by first appearance in the text."""
    names: dict[str, str] = {}
    found = []
    for segment in segments:
        name = names.setdefault(segment.speaker or NOBODY, f"SPEAKER_{len(names):02d}")
        found.append(segment.model_copy(update={"speaker": name}))
    return found
