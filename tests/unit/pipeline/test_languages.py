"""A short or unsure piece does not flip the language; a sure one in another language is believed, and so are two in
one piece."""

import pytest

from tests.builders_speech import a_piece_text
from voxpersona.model import Piece, PieceText, Spoken
from voxpersona.pipeline.languages import seconds_of_speech, spoken, unsure


def heard(language: str, confidence: float, seconds: float = 60.0) -> PieceText:
    text = a_piece_text((0.0, seconds, "so it was"), language=language)
    return text.model_copy(update={"language_confidence": confidence})


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([heard("ru", 0.99), heard("cy", 0.3), heard("ru", 0.98)], {1: "ru"}),
        ([heard("cy", 0.3), heard("ru", 0.9)], {0: "ru"}),
        ([heard("ru", 0.99), heard("en", 0.97), heard("ru", 0.98)], {}),
        ([heard("ru", 0.99), heard("uk", 0.7, seconds=2.0)], {1: "ru"}),
        ([heard("ru", 0.99), heard("en", 0.7)], {}),
        ([heard("ru", 0.99), heard("ru", 0.2)], {}),
        ([heard("ru", 0.99), heard("en", 0.95), heard("cy", 0.2)], {2: "en"}),
        ([heard("ru", 0.4), heard("cy", 0.3)], {}),
        ([heard("ru", 0.99, seconds=2.0), heard("cy", 0.3)], {}),
        ([heard("ru", 0.99), heard("en", 0.0)], {}),
        ([heard("ru", 0.99), PieceText(language="cy", language_confidence=0.3, segments=())], {}),
        ([], {}),
    ],
)
def test_the_nearest_sure_piece_tells_the_language_of_one_that_was_guessed(
    texts: list[PieceText], expected: dict[int, str]
) -> None:
    assert unsure(texts) == expected


def mixed(*languages: tuple[str, float, float], confidence: float = 0.9) -> PieceText:
    """A piece of which these are spoken between these times, and all of it is."""
    text = a_piece_text(*((start, end, "so it was") for _, start, end in languages), language=languages[0][0])
    told = tuple(Spoken(start=start, end=end, language=each, confidence=0.9) for each, start, end in languages)
    return text.model_copy(update={"spoken": told, "language_confidence": confidence})


def test_a_piece_in_two_languages_is_no_guess_and_not_heard_again_in_one() -> None:
    assert unsure([heard("ru", 0.99), mixed(("en", 0.0, 9.0), ("ru", 9.0, 12.0), confidence=0.4)]) == {}


def test_where_each_language_is_spoken_is_told_in_times_of_the_recording() -> None:
    piece = Piece(index=1, start=100.0, end=112.0, before=3.0, after=2.0)
    text = mixed(("en", 0.0, 3.0), ("ru", 3.0, 9.0), ("en", 9.0, 15.5), ("ru", 15.5, 17.0))
    assert [(each.language, each.start, each.end) for each in spoken(piece, text)] == [
        ("ru", 100.0, 106.0),
        ("en", 106.0, 112.0),
    ]
    (one,) = spoken(piece, heard("en", 0.7))
    assert (one.start, one.end, one.language, one.confidence) == (100.0, 112.0, "en", 0.7)


def test_seconds_of_speech_go_to_the_language_they_are_in() -> None:
    assert seconds_of_speech(mixed(("en", 0.0, 4.0), ("ru", 4.0, 9.0), ("en", 9.0, 11.0))) == {"en": 6.0, "ru": 5.0}
    assert seconds_of_speech(heard("en", 0.9, seconds=7.0)) == {"en": 7.0}
