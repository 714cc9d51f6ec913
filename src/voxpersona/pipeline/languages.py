"""Which language a piece is in, where its engine was unsure: that of the speech around it."""

from collections.abc import Mapping, Sequence

from voxpersona.model import PieceText

_SURE = 0.8
_UNSURE = 0.5
_LITTLE = 5.0
"""Seconds of speech below which a guess has to be sure to be believed, and counts for nobody else."""


def unsure(texts: Sequence[PieceText]) -> Mapping[int, str]:
    """Pieces, by index, whose language was guessed and is another than that of the sure piece nearest to them; that
    language. An engine that does not tell how sure it is (confidence 0) is believed."""
    sure = [at for at, text in enumerate(texts) if text.language_confidence >= _SURE and _seconds(text) >= _LITTLE]
    found: dict[int, str] = {}
    for at, text in enumerate(texts):
        if not sure or not (text.segments or text.dropped) or not _is_guess(text):
            continue
        nearest = min(sure, key=lambda other: abs(other - at))
        if texts[nearest].language != text.language:
            found[at] = texts[nearest].language
    return found


def _is_guess(text: PieceText) -> bool:
    return 0.0 < text.language_confidence < (_UNSURE if _seconds(text) >= _LITTLE else _SURE)


def _seconds(text: PieceText) -> float:
    return sum(segment.end - segment.start for segment in text.segments)
