"""Cut a recording into pieces where it is quiet, and join their texts again."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxpersona.errors import Code, Integrity
from voxpersona.model import Dropped, Piece, PieceText, Segment, Word
from voxpersona.ports import RATE, Sound

UNTOLD = "und"
"""ISO 639-2 for undetermined: nobody spoke, or no engine told the language."""

_HOP = 0.05
_WINDOW = 6  # hops: 300 ms, shorter than a pause between sentences, longer than one between syllables
_SMOOTHING = 4
_BLOCK = 60.0
_QUIET = 1e-9  # mean square of -90 dBFS: below it all silence is alike
_ALIKE = 2.0  # 3 dB: so much louder still belongs to the same quiet stretch
_MIDDLE = 0.4


@dataclass(frozen=True)
class Joined:
    """What the pieces of a recording give together; times are seconds from its start."""

    language: str
    """The one most is spoken in; `und` only where no piece with speech tells another."""
    segments: tuple[Segment, ...]
    dropped: tuple[Dropped, ...]


def plan(sound: Sound, *, shortest: float = 180.0, longest: float = 300.0) -> tuple[Piece, ...]:
    """Pieces that cover `[0, seconds)` without gap or overlap, each at most `longest` seconds.

    Every cut is in the middle of the quietest stretch between `shortest` and `longest` after the one before; of equally
    quiet ones the later. The end is shared out: the last two pieces may be shorter than `shortest`, but are at least
    two fifths of what was left. A recording of at most `longest` is one piece, an empty one none.
    The sound is read in blocks of a minute at most, and only where a cut may fall.
    """
    if not 0 < shortest <= longest:
        raise ValueError(f"shortest {shortest} and longest {longest} are no bounds")
    cuts = [0.0]
    while sound.seconds - cuts[-1] > longest:
        cuts.append(_cut(sound, *_bounds(cuts[-1], sound.seconds, shortest, longest)))
    if sound.seconds > 0:
        cuts.append(sound.seconds)
    return tuple(
        Piece(index=index, start=start, end=end) for index, (start, end) in enumerate(itertools.pairwise(cuts))
    )


def join(pieces: Sequence[Piece], texts: Sequence[PieceText]) -> Joined:
    """All segments in order, and what was dropped, with times from the start of the recording.

    `texts` are those of `pieces`, in their order. Times are kept to the millisecond and inside their piece.
    Integrity RESULT_INVALID where there is not one text for each piece.
    """
    if len(pieces) != len(texts):
        raise Integrity(Code.RESULT_INVALID, f"{len(texts)} texts for {len(pieces)} pieces")
    together = list(zip(pieces, texts, strict=True))
    return Joined(
        language=_language(texts),
        segments=tuple(_shifted(segment, piece) for piece, text in together for segment in text.segments),
        dropped=tuple(_shifted_trace(each, piece) for piece, text in together for each in text.dropped),
    )


def _bounds(last: float, end: float, shortest: float, longest: float) -> tuple[float, float]:
    """Between which times the next cut may fall, so that what remains can be cut well too."""
    left = end - last
    if left >= 2 * shortest:
        return last + shortest, last + min(longest, left - shortest)
    early = max(_MIDDLE * left, left - longest)
    return last + early, last + left - early


def _cut(sound: Sound, start: float, end: float) -> float:
    """The middle of the quietest stretch of `[start, end)`, on a sample."""
    power = _power(sound, start, end)
    if len(power) < 2:
        return round((start + end) / 2 * RATE) / RATE
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
    middle = start + (first + last + 1) / 2 * _HOP
    return round(min(middle, end) * RATE) / RATE


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


def _shifted(segment: Segment, piece: Piece) -> Segment:
    words = tuple(
        Word(start=_at(word.start, piece), end=_at(word.end, piece), text=word.text, confidence=word.confidence)
        for word in segment.words
    )
    times = {"start": _at(segment.start, piece), "end": _at(segment.end, piece)}
    return segment.model_copy(update={**times, "words": words})


def _shifted_trace(dropped: Dropped, piece: Piece) -> Dropped:
    return dropped.model_copy(update={"start": _at(dropped.start, piece), "end": _at(dropped.end, piece)})


def _at(time: float, piece: Piece) -> float:
    return min(max(round(piece.start + time, 3), piece.start), piece.end)


def _language(texts: Sequence[PieceText]) -> str:
    """By seconds of speech; a tie goes to the language heard first. Without speech, the surest guess."""
    spoken: dict[str, float] = defaultdict(float)
    for text in texts:
        if text.language != UNTOLD and text.segments:
            spoken[text.language] += sum(segment.end - segment.start for segment in text.segments)
    if spoken:
        return max(spoken, key=lambda language: spoken[language])
    silent = [text for text in texts if not text.segments]
    if len(silent) < len(texts) or not silent:
        return UNTOLD
    return max(silent, key=lambda text: text.language_confidence).language
