"""Which sentences speak about which topic of a template, and what they think of it. By word lists, without a model.

Questions decide what short answers are about; they are never evidence themselves.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from voxpersona.model import Building, Role, Scenario
from voxpersona.pipeline.polarity import (
    Clause,
    Judge,
    Mark,
    Marks,
    Phrases,
    Reply,
    clauses,
    general,
    goes_on,
    phrases,
    reply,
    soft_parts,
    tokens,
)
from voxpersona.pipeline.quote import Sentence
from voxpersona.templates import Kind, Topic

_FRAGMENT = 3
"""A sentence of so few words has no subject of its own: "Very friendly."."""
_NOTHING_SAID = 2
"""So few words without judgement are no answer yet: "Well, you see."."""
_ASKS = frozenset({Role.INTERVIEWER})
_ANSWERS = frozenset({Role.CLIENT, Role.EMPLOYEE, Role.OTHER, None})
_WALKS = frozenset({Role.AUDITOR})
_SIGNS = {
    Building.HOTEL: phrases(["hotel", "hostel", "inn", "отель", "гостиница", "хостел"]),
    Building.RESTAURANT: phrases(["restaurant", "cafe", "café", "bistro", "ресторан", "кафе", "столовая"]),
    Building.HEALTH_CENTRE: phrases(
        [
            *["clinic", "hospital", "health centre", "health center", "medical centre", "medical center", "patient"],
            *["клиника", "поликлиника", "больница", "медицинский центр", "медцентр", "пациент"],
        ]
    ),
}
"""How a building type is named when people speak of it."""


@dataclass(frozen=True)
class Heard:
    """One sentence about one topic. `marks` is empty where it judges nothing."""

    sentence: Sentence
    marks: Marks


@dataclass(frozen=True)
class Lens:
    """A topic made ready to be looked for."""

    topic: Topic
    words: Phrases
    judge: Judge


def lenses(topics: Iterable[Topic]) -> tuple[Lens, ...]:
    return tuple(
        Lens(topic, phrases(topic.words, topic.unless), Judge(topic.praise, topic.complaint)) for topic in topics
    )


def gather(spoken: Sequence[Sentence], looked_for: Sequence[Lens], scenario: Scenario) -> Mapping[str, Sequence[Heard]]:
    """The evidence by topic key, in order of time; topics nobody spoke about are left out."""
    listener = _Listener(looked_for, scenario)
    heard_from = _heard_from({_role(sentence) for sentence in spoken}, scenario)
    for sentence in spoken:
        role = _role(sentence)
        if role in heard_from and not (role is None and _asks(sentence)):
            listener.hear(sentence)
        elif role in _ASKS:
            listener.question.append(sentence)
    return listener.found


def buildings(spoken: Sequence[Sentence], looked_for: Sequence[Lens]) -> frozenset[Building]:
    """The building types whose topics, or whose name, come up most; several where that leaves it open."""
    scores = dict.fromkeys(Building, 0)
    read = [tokens(sentence.text) for sentence in spoken]
    for lens in looked_for:
        if lens.topic.buildings and any(lens.words.find(sentence) for sentence in read):
            for building in lens.topic.buildings:
                scores[building] += 1
    for building, signs in _SIGNS.items():
        scores[building] += any(signs.find(sentence) for sentence in read)
    return frozenset(building for building, score in scores.items() if score == max(scores.values()))


@dataclass
class _Listener:
    """Follows a conversation: what was asked, what is being spoken of, what was said about it."""

    lenses: Sequence[Lens]
    scenario: Scenario
    found: dict[str, list[Heard]] = field(default_factory=dict)
    question: list[Sentence] = field(default_factory=list)
    """What the asking side said since the last answer."""
    asked: tuple[Lens, ...] = ()
    asked_text: Clause = ()
    is_first: bool = False
    """Whether the question still waits for its answer."""
    subjects: tuple[Lens, ...] = ()

    def hear(self, sentence: Sentence) -> None:
        """Take in one sentence of those whose words are evidence."""
        self._take_question()
        read = tokens(sentence.text)
        parts = self._parts(read)
        if not parts:
            return
        begun = reply(parts[0]) if self.is_first else Reply(None, parts[0])
        found = _Found()
        context = self._opening(parts[0], begun, self._context(read), found)
        for part in parts[1:]:
            context = self._part(part, context, found)
        for key, marks in found.items():
            self.found.setdefault(key, []).append(Heard(sentence, frozenset() if _asks(sentence) else frozenset(marks)))
        self.subjects = context if found or self.scenario is Scenario.SITE_AUDIT else ()
        is_bare = begun.sign is not None and not _count(begun.rest)
        is_nothing = not found and _count(read) <= _NOTHING_SAID
        self.is_first = self.is_first and len(parts) == 1 and (is_bare or is_nothing)

    def _take_question(self) -> None:
        """The last question that names a topic counts; the last sentence, where nothing ends in a question mark."""
        if not self.question:
            return
        questions = [sentence for sentence in self.question if _asks(sentence)] or self.question[-1:]
        self.question = []
        for sentence in reversed(questions):
            self.asked_text = tokens(sentence.text)
            self.asked = self._named(self.asked_text)
            if self.asked:
                break
        self.is_first = bool(self.asked)

    def _context(self, read: Clause) -> tuple[Lens, ...]:
        """What a sentence is about as long as it names no subject of its own."""
        if self.is_first:
            return tuple(lens for lens in self.asked if lens.topic.kind is not Kind.WISH)
        goes_back = self.scenario is Scenario.SITE_AUDIT or goes_on(read) or _count(read) <= _FRAGMENT
        return self.subjects if goes_back else ()

    def _opening(self, part: Clause, begun: Reply, context: tuple[Lens, ...], found: "_Found") -> tuple[Lens, ...]:
        """Read the first part of a sentence, which may be the answer to what was asked."""
        if not self.is_first:
            return self._part(part, context, found)
        is_named = any(lens.topic.kind is Kind.SUBJECT for lens in self._named(begun.rest))
        for lens in self.asked:
            if lens.topic.kind is Kind.WISH:
                self._answer_to_wish(lens, begun, found, is_named=is_named)
            elif begun.sign is not None:
                found.add(lens, _signed(begun.sign, lens.judge.marks(self.asked_text)))
            elif not is_named and _count(begun.rest) > _NOTHING_SAID:
                found.add(lens, frozenset())
        # "Everything was fine", said about the room, is about the room.
        return self._part(begun.rest, context, found, is_overall_apart=not context)

    def _answer_to_wish(self, lens: Lens, begun: Reply, found: "_Found", *, is_named: bool) -> None:
        marks = general().marks(begun.rest)
        if begun.sign is Mark.COMPLAINT and Mark.SUGGESTION not in marks:
            if not is_named:
                found.add(lens, frozenset())
        elif marks != {Mark.PRAISE} and _count(begun.rest) > _NOTHING_SAID:
            found.add(lens, frozenset({Mark.SUGGESTION}))

    def _part(
        self, part: Clause, context: tuple[Lens, ...], found: "_Found", *, is_overall_apart: bool = True
    ) -> tuple[Lens, ...]:
        """Add what one part of a sentence says; returns the subjects that the next part may go on about."""
        own = self._named(part)
        subjects = tuple(lens for lens in own if lens.topic.kind is Kind.SUBJECT)
        if is_overall_apart:
            subjects += tuple(lens for lens in own if lens.topic.kind is Kind.OVERALL)
        for lens in own:
            if lens.topic.kind is Kind.ASPECT:
                found.add(lens, _aspect_marks(lens, part))
            if lens.topic.kind is Kind.WISH:
                found.add(lens, frozenset({Mark.SUGGESTION}))
        for lens in subjects:
            found.add(lens, lens.judge.marks(part))
        for lens in () if subjects else context:
            if marks := lens.judge.marks(part):
                found.add(lens, marks)
        if Mark.SUGGESTION in general().marks(part):
            for lens in self.lenses:
                if lens.topic.kind is Kind.WISH:
                    found.add(lens, frozenset({Mark.SUGGESTION}))
        return subjects or context

    def _named(self, clause: Clause) -> tuple[Lens, ...]:
        """The topics a clause names; the visit as a whole only where no subject is named."""
        named = tuple(lens for lens in self.lenses if lens.words.find(clause))
        has_subject = any(lens.topic.kind is Kind.SUBJECT for lens in named)
        return tuple(lens for lens in named if not (has_subject and lens.topic.kind is Kind.OVERALL))

    def _parts(self, read: Clause) -> list[Clause]:
        """Clauses, cut further at commas and "and" where both sides name a subject and judge it."""
        found: list[Clause] = []
        for clause in clauses(read):
            held: Clause = ()
            for part in soft_parts(clause):
                if held and self._judges_a_subject(held) and self._judges_a_subject(part):
                    found.append(held)
                    held = ()
                held += part
            found.append(held)
        return [part for part in found if _count(part)]

    def _judges_a_subject(self, part: Clause) -> bool:
        subjects = [lens for lens in self._named(part) if lens.topic.kind is Kind.SUBJECT]
        return any(lens.judge.marks(part) for lens in subjects)


class _Found(dict[str, set[Mark]]):
    """What one sentence says, by topic key."""

    def add(self, lens: Lens, marks: Marks) -> None:
        self.setdefault(lens.topic.key, set()).update(marks)


def _aspect_marks(lens: Lens, clause: Clause) -> Marks:
    """What is thought of an aspect where it is named: "clean and noisy" praises the one and not the other."""
    parts = [part for part in soft_parts(clause) if lens.words.find(part)]
    marks = frozenset[Mark]().union(*(lens.judge.marks(part) for part in parts))
    return marks or lens.judge.marks(clause)


def _signed(sign: Mark, asked: Marks) -> Marks:
    """Yes or no, to a question that praises ("Did you like ...?") or one that does not ("Any problems ...?")."""
    if asked == {Mark.PRAISE}:
        return frozenset({sign})
    if asked == {Mark.COMPLAINT}:
        return frozenset({Mark.COMPLAINT if sign is Mark.PRAISE else Mark.PRAISE})
    return frozenset()


def _heard_from(present: set[Role | None], scenario: Scenario) -> set[Role | None]:
    """Whose words are evidence; where nobody has the role expected, everybody who does not ask."""
    expected = _WALKS if scenario is Scenario.SITE_AUDIT else _ANSWERS
    return (present & expected) or (present - _ASKS)


def _role(sentence: Sentence) -> Role | None:
    return None if sentence.role is None else Role(sentence.role)


def _asks(sentence: Sentence) -> bool:
    return sentence.text.rstrip("\"'»”’) ").endswith("?")


def _count(clause: Clause) -> int:
    return sum(1 for token in clause if token.word)
