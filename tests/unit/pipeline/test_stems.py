"""Forms of a word meet in one stem, in both languages, from any thread."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from voxpersona.pipeline.concepts import alike, concept
from voxpersona.pipeline.stems import stem, stems, words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("завтрак", "завтраками"),
        ("перчаток", "перчатки"),
        ("полотенец", "полотенце"),
        ("budget", "budgets"),
        ("dropping", "dropped"),
        ("Ёлка", "елки"),
    ],
)
def test_forms_of_a_word_share_a_stem(one: str, other: str) -> None:
    assert stems(one) == stems(other)
    assert len(stems(one)) == 1


@pytest.mark.parametrize(("one", "other"), [("завтрак", "завтра"), ("hotel", "hot"), ("кот", "код")])
def test_other_words_do_not(one: str, other: str) -> None:
    assert stems(one) != stems(other)


def test_stop_words_of_both_languages_are_left_out_and_numbers_are_kept() -> None:
    assert stems("It was на 15 and не 3") == ["15", "3"]


def test_words_fold_case_apostrophes_and_yo() -> None:
    assert words("Anna’s ЁЖИК, wi-fi_x") == ["anna's", "ежик", "wi", "fi", "x"]


def test_threads_do_not_mix_each_others_words() -> None:
    said = [f"работающими{letter} dropping{letter}" for letter in "абвгдежзик"] * 50
    stem.cache_clear()
    expected = [stems(text) for text in said]
    stem.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert expected == list(pool.map(stems, said))


@pytest.mark.parametrize(
    ("english", "russian"), [("breakfast", "завтрака"), ("noisy", "шумели"), ("price", "стоит"), ("staff", "персонал")]
)
def test_a_concept_has_one_name_in_both_languages(english: str, russian: str) -> None:
    assert concept(english) == concept(russian)


def test_unlisted_words_are_their_own_concept() -> None:
    assert concept("платформами") == stem("платформа")
    assert alike("платформа zeppelin") == []
    assert "завтрак" in alike("What about the breakfast?")
