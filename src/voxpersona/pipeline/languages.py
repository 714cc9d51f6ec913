"""Which languages are spoken where, and which one a piece is in where its engine was unsure: that of the speech around
it."""

from collections.abc import Mapping, Sequence

from voxpersona.model import Piece, PieceText, Spoken

_SURE = 0.8
_UNSURE = 0.5
_LITTLE = 5.0
"""Seconds of speech below which a guess has to be sure to be believed, and counts for nobody else."""


def spoken(piece: Piece, text: PieceText) -> list[Spoken]:
    """The languages an engine found in one piece, with times of the recording; what it heard beyond the piece's cuts is
    its neighbours'."""
    if not text.spoken:
        return [Spoken(start=piece.start, end=piece.end, language=text.language, confidence=text.language_confidence)]
    since = piece.heard[0]
    placed = (
        each.model_copy(
            update={
                "start": max(round(since + each.start, 3), piece.start),
                "end": min(round(since + each.end, 3), piece.end),
            }
        )
        for each in text.spoken
    )
    return [each for each in placed if each.start < each.end]


def seconds_of_speech(text: PieceText) -> Mapping[str, float]:
    """How long each language is spoken in a piece, its pauses left out."""
    found: dict[str, float] = {}
    for segment in text.segments:
        middle = (segment.start + segment.end) / 2
        language = next((each.language for each in text.spoken if each.start <= middle < each.end), text.language)
        found[language] = found.get(language, 0.0) + segment.end - segment.start
    return found


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
    if text.spoken:
        return False
    return 0.0 < text.language_confidence < (_UNSURE if _seconds(text) >= _LITTLE else _SURE)


def _seconds(text: PieceText) -> float:
    return sum(segment.end - segment.start for segment in text.segments)
