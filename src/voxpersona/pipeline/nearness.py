"""How near a sentence lies to a question in meaning, on a scale that holds for any embedder."""

import re
from collections.abc import Sequence

import numpy as np

from voxpersona.pipeline.evidence import Evidence
from voxpersona.ports import Embedder, Floats

_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)

_ORDINARY = {
    "en": (
        "Yes, everything was fine, thank you.",
        "We came here for the first time last year.",
        "I would say it was about average.",
        "The staff told us about it when we arrived.",
        "We had to ask twice before anybody came.",
        "It is not very convenient, but one gets used to it.",
        "They brought it quickly and it was quite good.",
        "The place is nice, only a little worn.",
        "I did not use it, so I cannot say.",
        "There were several people in front of us.",
        "It works, but it should be checked.",
        "My wife noticed it before I did.",
    ),
    "ru": (
        "Да, всё было в порядке, спасибо.",
        "В прошлом году мы приехали сюда впервые.",
        "Я бы сказал, что это средний уровень.",
        "Сотрудники рассказали нам об этом при заезде.",
        "Пришлось просить дважды, прежде чем кто-то подошёл.",
        "Это не очень удобно, но привыкаешь.",
        "Принесли быстро, и было вполне хорошо.",
        "Место приятное, только немного запущенное.",
        "Я этим не пользовался, сказать не могу.",
        "Перед нами было несколько человек.",
        "Работает, но стоило бы проверить.",
        "Жена заметила это раньше меня.",
    ),
}
"""What people say anywhere and that answers no question."""


def nearness(vector: Floats, pool: Sequence[Evidence], embedder: Embedder) -> list[float]:
    """0 for a sentence as near to the question as ordinary ones of its language, 1 for the distance between those.

    E5 squeezes all cosines into a narrow band and favours the question's own language, so a cosine alone says
    nothing. What it has over ordinary sentences does, measured by the room this embedder leaves between sentences
    that have nothing to do with each other. A sentence after a question is also read together with that question,
    and the better of the two counts.
    """
    ordinary = {language: embedder.passages(texts) for language, texts in _ORDINARY.items()}
    level = {language: float(np.mean(vectors @ vector)) for language, vectors in ordinary.items()}
    room = max(_room(np.concatenate(list(ordinary.values()))), 1e-6)
    readings = [(place, text) for place, one in enumerate(pool) for text in _readings(one)]
    cosines = embedder.passages([text for _, text in readings]) @ vector
    best = [-1.0] * len(pool)
    for (place, _), cosine in zip(readings, cosines, strict=True):
        best[place] = max(best[place], float(cosine))
    return [
        (cosine - level["ru" if _CYRILLIC.search(one.sentence.text) else "en"]) / room
        for one, cosine in zip(pool, best, strict=True)
    ]


def _readings(one: Evidence) -> list[str]:
    alone = one.sentence.text
    return [alone, f"{one.prompt} {alone}"] if one.prompt else [alone]


def _room(vectors: Floats) -> float:
    """1 minus the mean cosine of any two of the vectors."""
    above = np.triu_indices(len(vectors), k=1)
    return 1.0 - float(np.mean((vectors @ vectors.T)[above]))
