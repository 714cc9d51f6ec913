"""Cut a recording into pieces where it is quiet, and join their texts again."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxpersona.errors import Code, Integrity
from voxpersona.model import Dropped, Piece, PieceText, Segment, Word
from voxpersona.pipeline.languages import seconds_of_speech, spoken
from voxpersona.pipeline.seams import seam
from voxpersona.ports import RATE, Floats, Sound

UNTOLD = "und"
"""ISO 639-2 for undetermined: nobody spoke, or no engine told the language."""

_HOP = 0.05
_WINDOW = 6  # hops: 300 ms, shorter than a pause between sentences, longer than one between syllables
_SMOOTHING = 4
_BLOCK = 60.0
_QUIET = 1e-9  # mean square of -90 dBFS: below it all silence is alike
_ALIKE = 2.0  # 3 dB: so much louder still belongs to the same quiet stretch
_MIDDLE = 0.4

_CONTEXT = 3.0
"""Seconds of sound on the other side of a cut that are heard, too, where it is not in a pause."""
_PAUSE = 0.4
"""Seconds of quiet around a cut that are enough of a pause: no word reaches over it."""
_HUSH = 0.01
"""20 dB: a pause is so much less loud than the loud parts around it."""


@dataclass(frozen=True)
class Joined:
    """What the pieces of a recording give together; times are seconds from its start."""

    language: str
    """The one most is spoken in; `und` only where no piece with speech tells another."""
    segments: tuple[Segment, ...]
    dropped: tuple[Dropped, ...]


def plan(sound: Sound, *, shortest: float = 180.0, longest: float = 300.0) -> tuple[Piece, ...]:
    """Pieces that cover `[0, seconds)` without gap or overlap, each at most `longest` seconds and its context.

    Every cut is in the middle of the quietest stretch between `shortest` and `longest` after the one before; of equally
    quiet ones the later. The end is shared out: the last two pieces may be shorter than `shortest`, but are at least
    two fifths of what was left. A recording of at most `longest` is one piece, an empty one none.
    A cut that is not in a pause, because there is none, gets context on both sides.
    The sound is read in blocks of a minute at most, and only where a cut may fall.
    """
    if not 0 < shortest <= longest:
        raise ValueError(f"shortest {shortest} and longest {longest} are no bounds")
    cuts = [_Cut(0.0, is_pause=True)]
    while sound.seconds - cuts[-1].at > longest:
        cuts.append(_cut(sound, *_bounds(cuts[-1].at, sound.seconds, shortest, longest)))
    if sound.seconds > 0:
        cuts.append(_Cut(sound.seconds, is_pause=True))
    # Contexts never meet: no more than two pieces hear the same.
    context = min([_CONTEXT, *((end.at - start.at) / 2 for start, end in itertools.pairwise(cuts))])
    return tuple(
        Piece(
            index=index,
            start=start.at,
            end=end.at,
            before=0.0 if start.is_pause else context,
            after=0.0 if end.is_pause else context,
        )
        for index, (start, end) in enumerate(itertools.pairwise(cuts))
    )


@dataclass(frozen=True)
class _Cut:
    at: float
    is_pause: bool


def join(pieces: Sequence[Piece], texts: Sequence[PieceText]) -> Joined:
    """All segments in order, and what was dropped, with times from the start of the recording.

    `texts` are those of `pieces`, in their order. Times are kept to the millisecond and inside what was heard. What two
    pieces heard of the sound around the cut between them stands once.
    Integrity RESULT_INVALID where there is not one text for each piece.
    """
    if len(pieces) != len(texts):
        raise Integrity(Code.RESULT_INVALID, f"{len(texts)} texts for {len(pieces)} pieces")
    placed = [_placed(piece, text) for piece, text in zip(pieces, texts, strict=True)]
    words = [[word for segment in segments for word in segment.words] for segments, _ in placed]
    skip, keep = [0] * len(pieces), [len(each) for each in words]
    for right, (one, next_one) in enumerate(itertools.pairwise(pieces), 1):
        if one.after or next_one.before:
            found = seam(words[right - 1], words[right], cut=one.end, before=next_one.before, after=one.after)
            keep[right - 1], skip[right] = found.keep, found.skip
    segments: list[Segment] = []
    dropped: list[Dropped] = []
    for piece, (heard, traces), start, end in zip(pieces, placed, skip, keep, strict=True):
        since = segments[-1].end if segments else 0.0
        segments += [_not_before(segment, since) for segment in _between(heard, piece, start, end)]
        dropped += [each for each in traces if _is_inside(each, piece)]
    return Joined(language=_language(texts), segments=tuple(segments), dropped=tuple(dropped))


class _Samples:
    """A Sound of samples that are in memory."""

    def __init__(self, samples: Floats) -> None:
        self._samples = samples

    @property
    def seconds(self) -> float:
        return len(self._samples) / RATE

    @property
    def sides(self) -> None:
        return None

    def read(self, start: float, end: float) -> Floats:
        return self._samples[max(0, round(start * RATE)) : round(end * RATE)]


def in_halves(samples: Floats, hear: Callable[[Floats], PieceText]) -> PieceText:
    """What `hear` gives of samples that are too many at once: cut near the middle as `plan` cuts, and joined."""
    sound = _Samples(samples)
    pieces = plan(sound, shortest=_MIDDLE * sound.seconds, longest=(1.01 - _MIDDLE) * sound.seconds)
    texts = [hear(sound.read(*piece.heard)) for piece in pieces]
    whole = join(pieces, texts)
    found = [each for piece, text in zip(pieces, texts, strict=True) for each in spoken(piece, text)]
    return PieceText(
        language=whole.language,
        language_confidence=max((each.confidence for each in found if each.language == whole.language), default=0.0),
        segments=whole.segments,
        dropped=whole.dropped,
        spoken=tuple(found) if len({each.language for each in found} - {UNTOLD}) > 1 else (),
    )


def _bounds(last: float, end: float, shortest: float, longest: float) -> tuple[float, float]:
    """Between which times the next cut may fall, so that what remains can be cut well too."""
    left = end - last
    if left >= 2 * shortest:
        return last + shortest, last + min(longest, left - shortest)
    early = max(_MIDDLE * left, left - longest)
    return last + early, last + left - early


def _cut(sound: Sound, start: float, end: float) -> _Cut:
    """The middle of the quietest stretch of `[start, end)`, on a sample, and whether it is a pause."""
    power = _power(sound, start, end)
    if len(power) < 2:
        return _Cut(round((start + end) / 2 * RATE) / RATE, is_pause=False)
    smooth = np.convolve(np.ones(_WINDOW) / _WINDOW, np.ones(_SMOOTHING) / _SMOOTHING)
    margin = len(smooth) // 2
    level = np.convolve(np.pad(power, margin, mode="edge"), smooth)[2 * margin :][: len(power)]
    quietest = len(level) - 1 - int(np.argmin(np.maximum(level, _QUIET)[::-1]))
    is_quiet = level <= max(float(level[quietest]), _QUIET) * _ALIKE
    first = last = quietest
    while first > 0 and is_quiet[first - 1]:
        first -= 1
    while last < len(level) - 1 and is_quiet[last + 1]:
        last += 1
    middle = (first + last + 1) / 2
    return _Cut(
        round(min(start + middle * _HOP, end) * RATE) / RATE,
        is_pause=_is_pause(power, int(middle)),
    )


def _is_pause(power: NDArray[np.float64], middle: int) -> bool:
    """Whether it stays quiet for long enough around the hop `middle`: by itself, or beside what is loud near it."""
    reach = round(_PAUSE / 2 / _HOP)
    around = power[max(middle - reach, 0) : middle + reach]
    loud = float(np.quantile(power, 0.9))
    return len(around) == 2 * reach and float(around.max()) <= max(loud * _HUSH, _QUIET)


def _power(sound: Sound, start: float, end: float) -> NDArray[np.float64]:
    """Mean square of each hop of `[start, end)`, the last one perhaps shorter; shape (hops,)."""
    size = round(_HOP * RATE)
    blocks = [np.zeros(0)]
    at = start
    while at < end:
        until = min(at + _BLOCK, end)
        samples = sound.read(at, until)[: round((until - at) * RATE)]
        if len(samples):
            hops = np.arange(0, len(samples), size)
            energy = np.add.reduceat(np.square(samples, dtype=np.float64), hops)
            blocks.append(energy / np.minimum(size, len(samples) - hops))
        at = until
    return np.concatenate(blocks)


def _placed(piece: Piece, text: PieceText) -> tuple[tuple[Segment, ...], tuple[Dropped, ...]]:
    """Segments and traces with times of the recording, inside what was heard."""
    since, until = piece.heard

    def at(time: float) -> float:
        return min(max(round(since + time, 3), since), until)

    def moved(segment: Segment) -> Segment:
        words = tuple(
            Word(start=at(word.start), end=at(word.end), text=word.text, confidence=word.confidence)
            for word in segment.words
        )
        return segment.model_copy(update={"start": at(segment.start), "end": at(segment.end), "words": words})

    traces = tuple(each.model_copy(update={"start": at(each.start), "end": at(each.end)}) for each in text.dropped)
    return tuple(moved(segment) for segment in text.segments), traces


def _between(segments: Sequence[Segment], piece: Piece, start: int, end: int) -> Iterator[Segment]:
    """What stands of the segments where only the words `[start, end)` of them all do."""
    at = 0
    for segment in segments:
        if not segment.words:
            if _is_inside(segment, piece):
                yield segment
            continue
        words = segment.words[max(start - at, 0) : max(end - at, 0)]
        at += len(segment.words)
        if len(words) == len(segment.words):
            yield segment
        elif words:
            text = " ".join(word.text for word in words)
            yield segment.model_copy(
                update={"start": words[0].start, "end": words[-1].end, "text": text, "words": words}
            )


def _is_inside(stretch: Segment | Dropped, piece: Piece) -> bool:
    middle = (stretch.start + stretch.end) / 2
    return (not piece.before or middle >= piece.start) and (not piece.after or middle < piece.end)


def _not_before(segment: Segment, since: float) -> Segment:
    """Two pieces may tell times for neighbouring words that overlap by some milliseconds."""
    if segment.start >= since:
        return segment
    words = tuple(
        word.model_copy(update={"start": max(word.start, since), "end": max(word.end, since)}) for word in segment.words
    )
    return segment.model_copy(update={"start": since, "end": max(segment.end, since), "words": words})


def _language(texts: Sequence[PieceText]) -> str:
    """By seconds of speech; a tie goes to the language heard first. Without speech, the surest guess."""
    total: dict[str, float] = defaultdict(float)
    for text in texts:
        for language, seconds in seconds_of_speech(text).items():
            if language != UNTOLD:
                total[language] += seconds
    if total:
        return max(total, key=lambda language: total[language])
    silent = [text for text in texts if not text.segments]
    if len(silent) < len(texts) or not silent:
        return UNTOLD
    return max(silent, key=lambda text: text.language_confidence).language
