"""Where the language changes inside one piece, from what an engine takes each stretch of voice for.

Whisper hears a window of half a minute in one language. Told the wrong one it does not stumble: Whisper base translated
a minute and a half of Russian between English turns, and left out half a minute of it. For one stretch of a few seconds
it is often wrong (of 24 minutes of Russian, one stretch in ten; Ukrainian, Polish and Latin above all), but never for
long: in half an hour of one language no second one is found, and turns of five seconds in two are all told apart.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from voxpersona.adapters.transcriber.wording import share
from voxpersona.model import Spoken
from voxpersona.ports import RATE, Floats

_SURE = 0.8
_ESTABLISHED = 6.0
"""Seconds of voice in a row, in two stretches at least, that are surely in a language before it is believed to be
spoken here at all."""
_TELLING = 0.1
_HEARD_WELL = 3.0
"""Seconds from which on a stretch counts in full."""
_LEAST = 0.02
"""No stretch alone tells more against a language than this share of it."""
_NEAR = 2.5
_CHANGE = 1.0
"""What a change costs, as the logarithm of how much likelier it must make what is heard: three times."""


@dataclass(frozen=True)
class Stretch:
    """Voice between two times in seconds, and the shares (0..1) of the languages it is taken for."""

    start: float
    end: float
    shares: Mapping[str, float]

    @property
    def seconds(self) -> float:
        return self.end - self.start

    @property
    def likeliest(self) -> str:
        return max(self.shares, key=lambda language: self.shares[language])


def runs(stretches: Sequence[Stretch]) -> tuple[Spoken, ...]:
    """The languages in the order they are spoken, from the first stretch of each to its last; neighbours differ.
    No stretches give none."""
    if not stretches:
        return ()
    languages = _languages(stretches)
    path = _likeliest_path(stretches, languages)
    found = []
    for language, group in itertools.groupby(zip(path, stretches, strict=True), key=lambda pair: pair[0]):
        run = [stretch for _, stretch in group]
        found.append(
            Spoken(start=run[0].start, end=run[-1].end, language=language, confidence=_confidence(run, language))
        )
    return tuple(found)


def whole(found: Sequence[Spoken], sound: Floats) -> tuple[Spoken, ...]:
    """The same over all of the sound, without gap: the borders are in the middle of the pauses. Where a voice goes on
    over a change, one is where it is quietest nearby."""
    if not found:
        return ()
    borders = [0.0]
    for before, after in itertools.pairwise(found):
        if after.start > before.end:
            borders.append((before.end + after.start) / 2)
        else:
            borders.append(_quietest(sound, max(before.start, before.end - _NEAR), min(after.end, before.end + _NEAR)))
    borders.append(len(sound) / RATE)
    return tuple(
        each.model_copy(update={"start": start, "end": end})
        for each, (start, end) in zip(found, itertools.pairwise(borders), strict=True)
    )


def most(found: Sequence[Spoken]) -> tuple[str, float]:
    """The language that is spoken longest, and how sure that is."""
    seconds: dict[str, float] = defaultdict(float)
    told: dict[str, float] = defaultdict(float)
    for each in found:
        seconds[each.language] += each.end - each.start
        told[each.language] += each.confidence * (each.end - each.start)
    language = max(seconds, key=lambda each: seconds[each])
    return language, share(told[language] / seconds[language])


def _quietest(sound: Floats, start: float, end: float) -> float:
    """The middle of the tenth of a second with the least energy."""
    hop = RATE // 10
    samples = sound[round(start * RATE) : round(end * RATE)]
    energy = [
        float(np.square(samples[at : at + hop]).sum()) for at in range(0, max(len(samples) - hop, 0) + 1, hop // 4)
    ]
    return round(start + (int(np.argmin(energy)) * (hop // 4) + hop / 2) / RATE, 3)


def _languages(stretches: Sequence[Stretch]) -> list[str]:
    """The one most is spoken in, and every other that is surely spoken for a while."""
    spoken: dict[str, float] = defaultdict(float)
    for stretch in stretches:
        for language, told in stretch.shares.items():
            spoken[language] += told * stretch.seconds
    first = max(spoken, key=lambda language: spoken[language])
    others = {stretch.likeliest for stretch in stretches} - {first}
    return [first, *sorted(other for other in others if _is_established(stretches, other, first))]


def _is_established(stretches: Sequence[Stretch], language: str, first: str) -> bool:
    """Whether it is surely spoken for a while; stretches that are neither this nor the first tell nothing."""

    def told(stretch: Stretch) -> tuple[float, float]:
        return stretch.shares.get(language, 0.0), stretch.shares.get(first, 0.0)

    telling = [stretch for stretch in stretches if max(told(stretch)) >= _TELLING]
    for is_ours, group in itertools.groupby(telling, key=lambda stretch: told(stretch)[0] > told(stretch)[1]):
        run = list(group)
        is_long = len(run) > 1 and sum(stretch.seconds for stretch in run) >= _ESTABLISHED
        if is_ours and is_long and _confidence(run, language) >= _SURE:
            return True
    return False


def _likeliest_path(stretches: Sequence[Stretch], languages: Sequence[str]) -> list[str]:
    """The language of each stretch, such that all of them together are likeliest (Viterbi)."""
    costs = dict.fromkeys(languages, 0.0)
    came_from: list[dict[str, str]] = []
    for stretch in stretches:
        arriving = {
            language: min(languages, key=lambda other: costs[other] + _CHANGE * (other != language))
            for language in languages
        }
        costs = {
            language: costs[before] + _CHANGE * (before != language) + _cost(stretch, language, languages)
            for language, before in arriving.items()
        }
        came_from.append(arriving)
    path = [min(languages, key=lambda language: costs[language])]
    for arriving in reversed(came_from[1:]):
        path.append(arriving[path[-1]])
    return path[::-1]


def _cost(stretch: Stretch, language: str, languages: Iterable[str]) -> float:
    """How much speaks against this language of those that are spoken here."""
    whole = sum(stretch.shares.get(each, 0.0) for each in languages)
    told = stretch.shares.get(language, 0.0) / whole if whole > 0 else 1.0
    return -math.log(max(told, _LEAST)) * min(stretch.seconds / _HEARD_WELL, 1.0)


def _confidence(run: Sequence[Stretch], language: str) -> float:
    seconds = sum(stretch.seconds for stretch in run)
    told = sum(stretch.shares.get(language, 0.0) * stretch.seconds for stretch in run)
    return share(told / seconds) if seconds > 0 else 0.0
