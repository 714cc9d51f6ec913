"""Corrections of a transcript: what differs, and putting it where it belongs. Pure; the engine's words are not touched.

A change names its stretch by time and by the words that stood there. So it can be put into the words it was made on,
and again into those of the same recording when it was transcribed, or told apart by voice, anew.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate, groupby, pairwise

from voxpersona.model import Change, Correction, Segment, Word

NEAR = 1.0
"""Seconds by which another engine may time the same words differently."""


def differences(segment: Segment, text: str) -> list[Change]:
    """What has to change so that the segment reads `text`, which is not blank; nothing where it does already.

    Each change is as small as can be, and has at least one word that stood there and one that stands there since.
    """
    old, new = texts(segment), text.split()
    if " ".join(old).split() == new:
        return []
    spans: list[list[int]] = []
    for kind, first, last, begin, stop in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        span = [first, last, begin, stop]
        if first == last or begin == stop:  # only added, or only removed: its neighbour tells the place
            span = [first - 1, last, begin - 1, stop] if first else [first, last + 1, begin, stop + 1]
        if spans and span[0] < spans[-1][1]:
            spans[-1][1], spans[-1][3] = span[1], span[3]
        else:
            spans.append(span)
    return [change(segment, first, last, now=" ".join(new[begin:stop])) for first, last, begin, stop in spans]


def change(segment: Segment, first: int, last: int, *, now: str) -> Change:
    """The words `[first, last)` of a segment are to read `now`."""
    timed = segment.words[first:last]
    return Change(
        start=timed[0].start if timed else segment.start,
        end=max(word.end for word in timed) if timed else segment.end,
        was=" ".join(texts(segment)[first:last]),
        now=now,
        was_speaker=segment.speaker,
    )


def texts(segment: Segment) -> list[str]:
    """The words of a segment as they are written."""
    return [word.text for word in segment.words] or segment.text.split()


def put_in(segments: Sequence[Segment], correction: Correction, *, is_same: bool) -> tuple[list[Segment], list[Change]]:
    """The segments with a correction's changes, and those changes for which there is no place. Roles stay as they are:
    they follow from all words.

    `is_same`: these are the very words that the person saw. Else a change goes where its old words stand at about its
    time. Where its new words do, the engine hears it right by now. Where neither do, the person is believed: the new
    words take the place of those that are heard in its time.
    Whatever is outside the stretches of the changes stays as it is, word for word and time for time.
    """
    labels = [_label(one, segments) for one in correction.changes]  # as the person saw them, before any of these
    placed, unplaced = list(segments), []
    for one, label in zip(correction.changes, labels, strict=True):
        stretch = _found(placed, one, is_same=is_same) if label or one.speaker is None else None
        if stretch is None:
            unplaced.append(one)
        elif one.speaker is not None:
            placed = _given(placed, stretch, label, correction.number)
        elif not stretch.is_right:
            placed = _reworded(placed, stretch, one, correction.number)
    return placed, unplaced


def _label(one: Change, segments: Sequence[Segment]) -> str:
    """Who is meant by the speaker that was given; empty where none was, or nobody is heard there any more."""
    if one.speaker is None or one.voice is None:
        return one.speaker or ""
    start, end = one.voice
    heard: defaultdict[str, float] = defaultdict(float)
    for segment in segments:
        for spoken in segment.words or (segment,):
            if spoken.start < end and start < spoken.end:
                heard[segment.speaker or ""] += min(end, spoken.end) - max(start, spoken.start)
    return max(heard, key=lambda label: heard[label], default="")


@dataclass(frozen=True)
class _Stretch:
    """Words `[first, last)` of all that have times, or of the segment `without` them; `is_right` where the new words
    stand there already."""

    first: int
    last: int
    without: int | None = None
    is_right: bool = False


@dataclass(frozen=True)
class _Placed:
    """A word with times, and the place of its segment."""

    segment: int
    word: Word


def _row(segments: Sequence[Segment]) -> list[_Placed]:
    return [_Placed(place, word) for place, segment in enumerate(segments) for word in segment.words]


def _found(segments: Sequence[Segment], one: Change, *, is_same: bool) -> _Stretch | None:
    """Where the change belongs. None is no failure here but the answer: nowhere."""
    row = _row(segments)
    for read in (str, _bare):
        old, new = (_nearest(row, wanted, one, read) for wanted in (one.was, one.now))
        if old is not None:
            # A word that was added is heard by now, where the words with it stand over those without.
            is_right = not is_same and new is not None and new[0] <= old[0] and old[1] <= new[1] and new != old
            return _Stretch(*old, is_right=is_right)
        if new is not None:
            return _Stretch(*new, is_right=True)
    for place, segment in enumerate(segments):
        if not segment.words and segment.start < one.end and one.start < segment.end:
            for wanted in (one.was, one.now):
                at = _place(texts(segment), wanted.split())
                if at is not None:
                    return _Stretch(at, at + len(wanted.split()), without=place, is_right=wanted != one.was)
    inside = [at for at, each in enumerate(row) if one.start <= (each.word.start + each.word.end) / 2 < one.end]
    return _Stretch(inside[0], inside[-1] + 1) if inside else None


def _nearest(row: Sequence[_Placed], wanted: str, one: Change, read: Callable[[str], str]) -> tuple[int, int] | None:
    """The words `[first, last)` that read as wanted and are nearest to the change's time."""
    count, looked_for = len(wanted.split()), read(wanted)
    best, least = None, (NEAR, NEAR)
    for first in range(len(row) - count + 1):
        start, end = row[first].word.start, row[first + count - 1].word.end
        distance = abs(start - one.start), abs(end - one.end)
        if distance[0] > NEAR or (best is not None and distance >= least):
            continue
        if looked_for and read(" ".join(each.word.text for each in row[first : first + count])) == looked_for:
            best, least = (first, first + count), distance
    return best


def _place(words: Sequence[str], wanted: Sequence[str]) -> int | None:
    places = range(len(words) - len(wanted) + 1)
    return next((at for at in places if list(words[at : at + len(wanted)]) == list(wanted)), None)


def _bare(text: str) -> str:
    """Letters and digits only: what another engine writes differently may be the same word."""
    return "".join(filter(str.isalnum, text.casefold().replace("ё", "е")))


def _reworded(segments: Sequence[Segment], stretch: _Stretch, one: Change, number: int) -> list[Segment]:
    """Other words in a stretch; where it spans segments they all go to the first of them."""
    new = one.now.split()
    if stretch.without is not None:
        segment = segments[stretch.without]
        words = texts(segment)
        words[stretch.first : stretch.last] = new
        return _replaced(segments, stretch.without, [_marked(segment, number, text=" ".join(words))])
    row = _row(segments)
    old = row[stretch.first : stretch.last]
    place, last = old[0].segment, old[-1].segment
    head, tail = _around(row, stretch)
    until = tail[0].start if tail else segments[last].end
    spoken = (*head, *_aligned([each.word for each in old], new, number, until))
    if place == last:
        return _replaced(segments, place, [_marked(segments[place], number, words=(*spoken, *tail))])
    changed = _marked(segments[place], number, words=spoken, end=max(word.end for word in spoken))
    rest = [_marked(segments[last], number, words=tail, start=tail[0].start)] if tail else []
    return [*segments[:place], changed, *rest, *segments[last + 1 :]]


def _given(segments: Sequence[Segment], stretch: _Stretch, label: str, number: int) -> list[Segment]:
    """The words of a stretch are another's: what is before and behind them in their segments stays a segment."""
    if stretch.without is not None:
        segment = segments[stretch.without]
        return _replaced(segments, stretch.without, [_marked(segment, number, speaker=label)])
    given = list(segments)
    numbered = enumerate(_row(segments)[stretch.first : stretch.last], stretch.first)
    parts = [[at for at, _ in part] for _, part in groupby(numbered, key=lambda one: one[1].segment)]
    for part in reversed(parts):  # the last first: a segment that is cut moves those behind it
        row = _row(given)
        whole = given[row[part[0]].segment]
        if whole.speaker == label:
            continue
        head, tail = _around(row, _Stretch(part[0], part[-1] + 1))
        words = tuple(row[at].word for at in part)
        cut = [_marked(whole, words=head, end=max(word.end for word in head))] if head else []
        start = words[0].start if head else whole.start
        end = max(word.end for word in words) if tail else whole.end
        cut.append(_marked(whole, number, words=words, speaker=label, start=start, end=end))
        if tail:
            cut.append(_marked(whole, words=tail, start=tail[0].start))
        given = _replaced(given, row[part[0]].segment, cut)
    return given


def _around(row: Sequence[_Placed], stretch: _Stretch) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The words of the same segments before and behind a stretch."""
    first, last = row[stretch.first].segment, row[stretch.last - 1].segment
    before = tuple(each.word for each in row[: stretch.first] if each.segment == first)
    return before, tuple(each.word for each in row[stretch.last :] if each.segment == last)


def _replaced(segments: Sequence[Segment], place: int, by: Sequence[Segment]) -> list[Segment]:
    return [*segments[:place], *by, *segments[place + 1 :]]


def _marked(segment: Segment, number: int | None = None, **changed: object) -> Segment:
    """The segment with what changed of it, and the mark of the correction that did it."""
    words = changed.get("words")
    if isinstance(words, tuple) and words != segment.words:
        changed["text"] = " ".join(word.text for word in words)
        changed["confidence"] = sum(word.confidence for word in words) / len(words)
    if number is not None and number not in segment.corrections:
        changed["corrections"] = (*segment.corrections, number)
    return segment.model_copy(update=changed)


def _aligned(old: Sequence[Word], new: Sequence[str], number: int, until: float) -> list[Word]:
    """The new words over the times of the old ones. Words that stay are the old ones; what is added stands in the pause
    behind what is before it, which ends `until` behind the last, and takes no time where there is no pause."""
    aligned: list[Word] = []
    matcher = SequenceMatcher(None, [word.text for word in old], list(new), autojunk=False)
    for kind, first, last, begin, stop in matcher.get_opcodes():
        if kind == "equal":
            aligned += old[first:last]
        elif kind == "replace" and last - first == stop - begin:
            pairs = zip(old[first:last], new[begin:stop], strict=True)
            aligned += [_word(word.start, word.end, text, number) for word, text in pairs]
        elif kind == "replace":
            end = max(word.end for word in old[first:last])
            aligned += _spread(old[first].start, end, new[begin:stop], number)
        elif kind == "insert":
            start = old[first - 1].end if first else old[0].start
            end = old[first].start if first < len(old) else until
            aligned += _spread(start, max(start, end), new[begin:stop], number)
    return aligned


def _spread(start: float, end: float, new: Sequence[str], number: int) -> list[Word]:
    """Words one after the other, each as long as its letters."""
    letters = list(accumulate(map(len, new), initial=0))
    edges = [start, *(start + (end - start) * said / letters[-1] for said in letters[1:-1]), end]
    return [_word(begin, stop, text, number) for (begin, stop), text in zip(pairwise(edges), new, strict=True)]


def _word(start: float, end: float, text: str, number: int) -> Word:
    return Word(start=start, end=end, text=text, confidence=1.0, correction=number)
