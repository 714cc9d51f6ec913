"""Counts as a person reads them: 1 recording, 2 recordings; 1 запись, 2 записи, 5 записей."""

from collections.abc import Mapping

from voxpersona.doors.texts import Language

NOUNS: Mapping[str, tuple[tuple[str, str], tuple[str, str, str]]] = {
    "recording": (("recording", "recordings"), ("запись", "записи", "записей")),
    "problem": (("problem", "problems"), ("проблема", "проблемы", "проблем")),
    "blob": (("blob", "blobs"), ("объект", "объекта", "объектов")),
    "data key": (("data key", "data keys"), ("ключ данных", "ключа данных", "ключей данных")),
    "text": (("text", "texts"), ("текст", "текста", "текстов")),
    "print": (("print", "prints"), ("отпечаток", "отпечатка", "отпечатков")),
    "day": (("day", "days"), ("день", "дня", "дней")),
    "minute": (("minute", "minutes"), ("минута", "минуты", "минут")),
}
"""For one and more in English; in Russian for what ends in 1, in 2 to 4, and the rest."""


def counted(number: int, noun: str, language: Language) -> str:
    """So many of them."""
    english, russian = NOUNS[noun]
    form = english[number != 1] if language == "en" else russian[_russian_form(number)]
    return f"{number} {form}"


def _russian_form(number: int) -> int:
    last, tens = number % 10, number % 100
    if last == 1 and tens != 11:
        return 0
    return 1 if last in (2, 3, 4) and tens not in (12, 13, 14) else 2
