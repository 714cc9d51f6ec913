"""A short or unsure piece does not flip the language; a sure one in another language is believed."""

import pytest

from tests.builders_speech import a_piece_text
from voxpersona.model import PieceText
from voxpersona.pipeline.languages import unsure


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
