"""What a sentence thinks of its subject: cut into clauses, each judged by the word lists, with negation.

A word list knows no irony, no comparison with other places and no world: "Great, cold soup again" is praise and
complaint here. What it says is a hint where to listen, and every hint carries the words it was made from.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import pairwise

from voxpersona.pipeline import lexicon
from voxpersona.pipeline.stems import stem, words

_REACH = 4
"""Words over which a negation reaches forward."""
_REACH_BACK = 3
"""Words over which an absence reaches back: "замечаний пока нет"."""
_PARTS = re.compile(r"([,;:.!?…()«»\"“”]+|\s[-–—]+\s)")
_BREAK = ""


class Mark(StrEnum):
    """One sign found in a clause."""

    PRAISE = "praise"
    COMPLAINT = "complaint"
    SUGGESTION = "suggestion"
    NEUTRAL = "neutral"
    NEGATION = "negation"
    ABSENCE = "absence"
    EXCESS = "excess"


Marks = frozenset[Mark]
"""What a clause says: any of praise, complaint, suggestion; empty where it judges nothing."""


@dataclass(frozen=True)
class Token:
    """A word and its stem; both are empty for punctuation that ends the reach of a negation."""

    word: str
    stem: str


Clause = tuple[Token, ...]


class Phrases:
    """Phrases that can be looked up at any place of a clause; the longest wins, an exact form before a stem."""

    def __init__(self, listed: Iterable[tuple[str, Mark]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], Mark]]] = {}
        for phrase, mark in listed:
            keys = _keys(phrase)
            self._by_first.setdefault(keys[0], []).append((keys, mark))
        for entries in self._by_first.values():
            # Of equally long ones the earlier wins.
            entries.sort(key=lambda entry: -len(entry[0]))

    def at(self, clause: Clause, place: int) -> tuple[int, Mark] | None:
        """How many tokens the best phrase beginning at `place` takes, and its mark."""
        best: tuple[int, Mark] | None = None
        for first in ("=" + clause[place].word, clause[place].stem):
            for keys, mark in self._by_first.get(first, ()):
                if best is not None and len(keys) <= best[0]:
                    break
                if _fits(keys, clause, place):
                    best = len(keys), mark
                    break
        return best

    def find(self, clause: Clause) -> bool:
        """Whether any phrase stands in the clause, other than inside a longer one marked neutral."""
        place = 0
        while place < len(clause):
            match = self.at(clause, place)
            if match is not None and match[1] is not Mark.NEUTRAL:
                return True
            place += match[0] if match else 1
        return False


def tokens(text: str) -> Clause:
    """The words of a text with breaks where punctuation stands between them."""
    found: list[Token] = []
    for part in _PARTS.split(text):
        inside = [Token(word, stem(word)) for word in words(part)]
        found += inside or ([Token(_BREAK, _BREAK)] if part.strip() else [])
    return tuple(found)


def clauses(sentence: Clause) -> list[Clause]:
    """Cut where a contrast begins ("..., but ...") and after a condition ("..., as long as ...")."""
    before, after = _list(lexicon.CONTRAST), _list(lexicon.CONDITION)
    cuts = {0, len(sentence)}
    for place in range(len(sentence)):
        if before.at(sentence, place) and not general().is_neutral(sentence, place):
            cuts.add(place)
        if condition := after.at(sentence, place):
            cuts.add(place + condition[0])
    edges = sorted(cuts)
    parts = [sentence[start:end] for start, end in pairwise(edges)]
    return [part for part in parts if any(token.word for token in part)]


def soft_parts(clause: Clause) -> list[Clause]:
    """Cut a clause at commas and at "and": candidates only, the caller decides which cuts hold."""
    parts: list[list[Token]] = [[]]
    for token in clause:
        if token.word in ("and", "и", _BREAK) and parts[-1]:
            parts.append([])
        parts[-1].append(token)
    return [tuple(part) for part in parts]


class Judge:
    """The general word list, with a topic's own words before it."""

    def __init__(self, praise: Iterable[str] = (), complaint: Iterable[str] = ()) -> None:
        own = [(phrase, Mark.PRAISE) for phrase in praise] + [(phrase, Mark.COMPLAINT) for phrase in complaint]
        self._own = Phrases(own)
        self._general = _general_phrases()

    def is_neutral(self, clause: Clause, place: int) -> bool:
        match = self._at(clause, place)
        return match is not None and match[1] is Mark.NEUTRAL

    def marks(self, clause: Clause) -> Marks:
        """Praise, complaint, suggestion: whichever the clause holds, negation reckoned with."""
        signs = self._signs(clause)
        found: set[Mark] = set()
        spent: set[int] = set()
        for nth, (place, mark) in enumerate(signs):
            if mark is Mark.ABSENCE:
                turned = _near(signs, nth, clause, both_ways=True)
                spent.update(turned)
                found.update(_turned(signs[other][1]) for other in turned)
                if not turned and _says_more(clause, place):
                    found.add(Mark.COMPLAINT)
            elif mark is Mark.NEGATION:
                turned = _near(signs, nth, clause, both_ways=False)
                spent.update(turned)
                found.update(_turned(signs[other][1]) for other in turned)
        for nth, (place, mark) in enumerate(signs):
            if nth in spent:
                continue
            if mark in (Mark.PRAISE, Mark.COMPLAINT, Mark.SUGGESTION):
                found.add(mark)
            if mark is Mark.EXCESS and place + 1 < len(clause) and clause[place + 1].word != _BREAK:
                found.add(Mark.COMPLAINT)
        # A wish speaks of what is not there yet: "would be nice to have a good kettle" praises nothing.
        return frozenset(found - {Mark.PRAISE}) if Mark.SUGGESTION in found else frozenset(found)

    def _at(self, clause: Clause, place: int) -> tuple[int, Mark] | None:
        own, listed = self._own.at(clause, place), self._general.at(clause, place)
        return own if own and (not listed or own[0] >= listed[0]) else listed

    def _signs(self, clause: Clause) -> list[tuple[int, Mark]]:
        signs: list[tuple[int, Mark]] = []
        place = 0
        while place < len(clause):
            match = self._at(clause, place)
            if match is not None:
                if match[1] is not Mark.NEUTRAL:
                    signs.append((place + match[0] - 1, match[1]))
                place += match[0]
                continue
            if clause[place].word.endswith("n't"):
                signs.append((place, Mark.NEGATION))
            place += 1
        return signs


@cache
def general() -> Judge:
    """The judge without any topic's words."""
    return Judge()


@dataclass(frozen=True)
class Reply:
    """How an answer begins. `sign`: PRAISE for yes, COMPLAINT for no, None for neither; `rest`: what follows it."""

    sign: Mark | None
    rest: Clause


def reply(clause: Clause) -> Reply:
    """Read the yes or no at the beginning of an answer, over fillers: "Well, yes, I would, ..."."""
    firm = {Mark.PRAISE: _list(lexicon.YES), Mark.COMPLAINT: _list(lexicon.NO)}
    alone = {Mark.PRAISE: _list(lexicon.YES_ALONE), Mark.COMPLAINT: _list(lexicon.NO_ALONE)}
    sign: Mark | None = None
    settled: Mark | None = None
    place = rested = 0
    while place < len(clause):
        if clause[place].word == _BREAK:
            place += 1
            rested, settled = place, sign
            continue
        options = [(found[0], mark, True) for mark, listed in firm.items() if (found := listed.at(clause, place))]
        options += [
            (found[0], mark, False)
            for mark, listed in alone.items()
            if (found := listed.at(clause, place)) and _is_over(clause, place + found[0])
        ]
        if options:
            taken, mark, _ = max(options)
            sign = sign or mark
            place += taken
        elif filler := _list(lexicon.FILLER).at(clause, place):
            place += filler[0]
        else:
            break
    if _is_over(clause, place):
        return Reply(sign, clause[place:])
    rest = clause[rested:]
    # "No one was rude" is no refusal: what judges by itself needs no sign.
    return Reply(settled if general().marks(rest) else sign, rest)


def _is_over(clause: Clause, place: int) -> bool:
    return place >= len(clause) or clause[place].word == _BREAK


def goes_on(sentence: Clause) -> bool:
    """Whether a sentence begins with a word that points back to what was spoken of before."""
    return bool(sentence) and _list(lexicon.BACKWARD).at(sentence, 0) is not None


def phrases(plain: Sequence[str], unless: Sequence[str] = ()) -> Phrases:
    """Phrases to be looked for; those of `unless` hide what stands inside them."""
    return Phrases([*((entry, Mark.NEUTRAL) for entry in unless), *((entry, Mark.PRAISE) for entry in plain)])


def entries(text: str) -> list[str]:
    """The entries of a word list of `lexicon`."""
    return [entry for entry in (" ".join(part.split()) for part in text.split(",")) if entry]


@cache
def _list(text: str) -> Phrases:
    return Phrases((entry, Mark.PRAISE) for entry in entries(text))


@cache
def _general_phrases() -> Phrases:
    lists = (
        (lexicon.NEUTRAL, Mark.NEUTRAL),
        (lexicon.SUGGESTION, Mark.SUGGESTION),
        (lexicon.COMPLAINT, Mark.COMPLAINT),
        (lexicon.PRAISE, Mark.PRAISE),
        (lexicon.ABSENCE, Mark.ABSENCE),
        (lexicon.NEGATION, Mark.NEGATION),
        (lexicon.EXCESS, Mark.EXCESS),
    )
    return Phrases((entry, mark) for text, mark in lists for entry in entries(text))


def _keys(phrase: str) -> tuple[str, ...]:
    found = [stem(word) for word in words(phrase)]
    if phrase.startswith("=") and found:
        found = ["=" + word for word in words(phrase)]
    if not found:
        raise ValueError(f"no word in the phrase {phrase!r}")
    return tuple(found)


def _fits(keys: tuple[str, ...], clause: Clause, place: int) -> bool:
    if place + len(keys) > len(clause):
        return False
    pairs = zip(keys, clause[place : place + len(keys)], strict=True)
    return all(("=" + token.word if key[0] == "=" else token.stem) == key for key, token in pairs)


def _near(signs: Sequence[tuple[int, Mark]], nth: int, clause: Clause, *, both_ways: bool) -> list[int]:
    """Places in `signs` of the judgements that the negation `nth` turns round."""
    place = signs[nth][0]
    turned = []
    for other, (at, mark) in enumerate(signs):
        if mark not in (Mark.PRAISE, Mark.COMPLAINT, Mark.EXCESS):
            continue
        distance = at - place
        behind = both_ways and mark is Mark.COMPLAINT and -_REACH_BACK <= distance < 0
        if not (0 < distance <= _REACH or behind):
            continue
        between = clause[min(at, place) : max(at, place)]
        if all(token.word != _BREAK for token in between):
            turned.append(other)
    return turned


def _turned(mark: Mark) -> Mark:
    return Mark.COMPLAINT if mark is Mark.PRAISE else Mark.PRAISE


def _says_more(clause: Clause, place: int) -> bool:
    """Whether an absence names what is absent: "нет мыла", "no soap", "мыла нет"; not "No, ..." alone."""
    after = place + 1 < len(clause) and clause[place + 1].word != _BREAK
    before = place > 0 and clause[place - 1].word != _BREAK
    return after or before
