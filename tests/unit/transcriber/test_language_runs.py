"""Two languages in one piece are told apart; one language never becomes two for a stretch that is misheard."""

from collections.abc import Sequence

import numpy as np
import pytest

from voxpersona.adapters.transcriber.language_runs import Stretch, most, runs, whole
from voxpersona.model import Spoken
from voxpersona.ports import RATE


def heard(*told: tuple[float, dict[str, float]]) -> list[Stretch]:
    """Stretches of so many seconds, with half a second of pause between."""
    stretches, at = [], 0.0
    for seconds, shares in told:
        stretches.append(Stretch(at, at + seconds, shares))
        at += seconds + 0.5
    return stretches


def languages(found: Sequence[Spoken]) -> list[tuple[str, float, float]]:
    return [(each.language, each.start, each.end) for each in found]


EN = {"en": 0.98, "ja": 0.01}
RU = {"ru": 0.97, "uk": 0.02}


def test_nothing_heard_is_in_no_language() -> None:
    assert runs([]) == ()
    assert whole((), np.zeros(RATE, np.float32)) == ()


def test_languages_that_take_turns_are_told_apart() -> None:
    found = runs(heard((4, EN), (4, EN), (4, RU), (4, RU), (3, EN), (2, RU)))
    assert languages(found) == [("en", 0.0, 8.5), ("ru", 9.0, 17.5), ("en", 18.0, 21.0), ("ru", 21.5, 23.5)]
    assert [each.confidence for each in found] == [0.98, 0.97, 0.98, 0.97]


@pytest.mark.parametrize(
    "misheard",
    [
        pytest.param([(3.7, {"uk": 0.97, "ru": 0.03}), (5, RU), (2.4, {"uk": 0.81, "ru": 0.18})], id="twice, apart"),
        pytest.param([(5, {"uk": 1.0})], id="once, surely"),
        pytest.param([(2, {"pl": 0.9}), (2, {"pl": 0.9})], id="for a moment"),
        pytest.param([(5, {"pl": 0.5, "ru": 0.4}), (5, {"pl": 0.6, "ru": 0.3})], id="for long, unsurely"),
    ],
)
def test_what_is_misheard_for_a_while_is_no_second_language(misheard: list[tuple[float, dict[str, float]]]) -> None:
    found = runs(heard((5, RU), (5, RU), *misheard, (5, RU), (5, RU)))
    assert [each.language for each in found] == ["ru"]


def test_a_stretch_taken_for_neither_goes_to_the_likelier_of_the_two() -> None:
    sure = [(4.0, EN), (4.0, EN), (4.0, RU), (4.0, RU)]
    found = runs(heard(*sure, (2, {"zh": 0.4, "fi": 0.12, "en": 0.12}), (4.0, EN)))
    assert languages(found)[-1] == ("en", 18.0, 24.5)


def test_a_stretch_that_tells_nothing_changes_nothing() -> None:
    found = runs(heard((4, EN), (4, EN), (4, RU), (0.5, {"fi": 0.3}), (4, RU)))
    assert [each.language for each in found] == ["en", "ru"]


def test_the_whole_piece_is_shared_out_and_cut_in_the_pauses() -> None:
    found = whole(runs(heard((4, EN), (4, EN), (4, RU), (4, RU))), np.zeros(20 * RATE, np.float32))
    assert languages(found) == [("en", 0.0, 8.75), ("ru", 8.75, 20.0)]


def test_a_voice_that_goes_on_is_cut_where_it_is_quietest_nearby() -> None:
    stretches = [Stretch(0, 5, EN), Stretch(5, 10, EN), Stretch(10, 15, RU), Stretch(15, 20, RU)]
    sound = np.full(20 * RATE, 0.2, np.float32)
    sound[round(11.2 * RATE) : round(11.4 * RATE)] = 0.01
    sound[round(4.2 * RATE) : round(4.4 * RATE)] = 0.0
    (_, _, border), _ = languages(whole(runs(stretches), sound))
    assert 11.2 < border < 11.4


def test_the_one_most_is_spoken_in_leads_as_sure_as_it_is_over_all() -> None:
    found = [
        Spoken(start=0, end=10, language="en", confidence=0.9),
        Spoken(start=10, end=25, language="ru", confidence=1.0),
        Spoken(start=25, end=30, language="en", confidence=0.6),
        Spoken(start=30, end=45, language="ru", confidence=0.8),
    ]
    assert most(found) == ("ru", 0.9)
