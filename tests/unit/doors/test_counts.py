"""Counts with their nouns, in both languages."""

import pytest

from voxpersona.doors.counts import NOUNS, counted


@pytest.mark.parametrize(
    ("number", "english", "russian"),
    [
        (0, "0 recordings", "0 записей"),
        (1, "1 recording", "1 запись"),
        (2, "2 recordings", "2 записи"),
        (4, "4 recordings", "4 записи"),
        (5, "5 recordings", "5 записей"),
        (11, "11 recordings", "11 записей"),
        (12, "12 recordings", "12 записей"),
        (21, "21 recordings", "21 запись"),
        (104, "104 recordings", "104 записи"),
        (111, "111 recordings", "111 записей"),
    ],
)
def test_the_noun_agrees_with_the_number(number: int, english: str, russian: str) -> None:
    assert counted(number, "recording", "en") == english
    assert counted(number, "recording", "ru") == russian


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_is_itself_for_one(noun: str) -> None:
    assert counted(1, noun, "en") == f"1 {noun}"
