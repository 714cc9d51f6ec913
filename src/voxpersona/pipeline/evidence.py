"""Which sentences of one recording could answer a question, and how much of the question each one meets.

A sentence is read with what surrounds it: an answer rarely repeats the words of the question put to it. "They were
very friendly" answers for the staff because the interviewer asked about the staff.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from voxpersona.model import Attribution, Passage, RecordingId, Role
from voxpersona.pipeline.concepts import concept
from voxpersona.pipeline.quote import Sentence, sentences
from voxpersona.pipeline.stems import stem, stems, words

_PROMPT_SHARE = (0.85, 0.75, 0.5)
"""What a concept counts that stands only in the question put before: for the first, second and later sentences."""
_NEIGHBOUR_SHARE = 0.5
"""What a concept counts that stands only in the sentence before or after, of the same turn."""

_PLENTY = 4
_OF_ROLE = {Role.EMPLOYEE.value: frozenset({concept("staff")})}
"""What a sentence is about because of who says it: staff speak of staff without the word."""

_PRICE = re.compile(r"\bhow much (is|are|was|were)\b|\bпоч[её]м\b", re.IGNORECASE)
"""Asks for a price without naming it."""
_INVITATION = re.compile(
    r"^(and |so |а |и |ну )?(please |пожалуйста,? )?(tell|describe|расскажите|опишите|скажите)\b", re.I
)

_FRAMING = """
wrong problem issue trouble say said says tell told think thought like liked love hate guest client customer visitor
people person somebody someone anybody anyone something anything everything everybody about what mention opinion view
complain complaint feel feeling find found feedback describe report recording interview archive know long much many
often good bad well badly okay fine nice better best worse worst happen happened experience respondent there was get
got give gave make made come came go went really quite still ever actually us one thing kind way answer talk speak
want need use using show work worked working per shall might must interviewee during any okay english russian
проблема проблемы не так сказать сказал говорить говорят говорил рассказать рассказывать думать думает считать нравиться
понравиться гость гости клиент посетитель люди человек кто-то кто-нибудь что-то что-нибудь мнение отзыв отзываться
впечатление жаловаться пожаловаться жалоба замечание хороший хорошо плохой плохо лучше хуже нормально случиться
случилось произойти произошло запись интервью архив известно знать долго сколько часто опыт упоминать упомянуть
отметить отмечать быть стать оказаться оказался иметь делать сделать дать вопрос ответ чувствовать собеседник вообще
ли нибудь то каков каково каким каких какого какому какими работать работал работает работают английский русский
"""
_FRAMING_STEMS = frozenset(stem(word) for word in words(_FRAMING))


@dataclass(frozen=True)
class Evidence:
    """One sentence that may be cited. `prompt` is the question it came after, empty where there was none."""

    recording: RecordingId
    sentence: Sentence
    prompt: str
    own: frozenset[str]
    around: Mapping[str, float] = field(hash=False)
    """Concepts that stand near the sentence but not in it, and what each counts."""

    def coverage(self, weights: Mapping[str, float]) -> float:
        """The share (0..1) of the question that is met, concepts counting by weight."""
        whole = sum(weights.values())
        met = sum(
            weight * (1.0 if name in self.own else self.around.get(name, 0.0)) for name, weight in weights.items()
        )
        return met / whole if whole else 0.0

    def added(self, weights: Mapping[str, float]) -> float:
        """Whether the sentence says something the question did not (0..1; four concepts are plenty)."""
        return min(1.0, len(self.own - weights.keys()) / _PLENTY)


def asked_for(question: str) -> frozenset[str]:
    """What the question is about: its concepts without the words that only frame it ("what did people say about")."""
    about = {concept(word) for word in words(question) if stems(word) and stem(word) not in _FRAMING_STEMS}
    if _PRICE.search(question):
        about.add(concept("price"))
    return frozenset(about)


def evidence(attribution: Attribution, passages: Sequence[Passage]) -> list[Evidence]:
    """The sentences that the passages point to: those they hold, and the answers to the questions they hold.

    A question put by the interviewer is never evidence, nor is a bare invitation to talk.
    """
    turns = _turns(sentences(attribution.segments))
    found = []
    for place, turn in enumerate(turns):
        before = turns[place - 1] if place else []
        prompt = " ".join(sentence.text for sentence in before if is_question(sentence))
        answers_one_found = bool(prompt) and any(_overlaps(sentence, passages) for sentence in before)
        for at, sentence in enumerate(turn):
            if _is_put_by_interviewer(sentence) or not (answers_one_found or _overlaps(sentence, passages)):
                continue
            own = _concepts(sentence.text) | _OF_ROLE.get(sentence.role or "", frozenset())
            around = _around(turn, at, prompt)
            found.append(Evidence(attribution.recording, sentence, prompt, own, around))
    return found


def rarity(concepts: Iterable[str], pool: Sequence[Evidence]) -> dict[str, float]:
    """What each concept of a question weighs: the fewer sentences hold it, the more. One in none weighs most."""
    holders = {name: sum(name in one.own for one in pool) for name in concepts}
    return {name: math.log(1.0 + (len(pool) + 1.0) / (count + 1.0)) for name, count in holders.items()}


def is_question(sentence: Sentence) -> bool:
    """Whether the sentence asks, or invites to talk."""
    return sentence.text.rstrip("\"'»”’)]").endswith("?") or bool(_INVITATION.match(sentence.text))


def _is_put_by_interviewer(sentence: Sentence) -> bool:
    """Nobody's question is an answer; a guest's own question may still be what the guest had to say."""
    return is_question(sentence) and sentence.role in (Role.INTERVIEWER, None)


def _concepts(text: str) -> frozenset[str]:
    return frozenset(concept(word) for word in words(text) if stems(word))


def _around(turn: Sequence[Sentence], at: int, prompt: str) -> dict[str, float]:
    neighbours = [turn[place].text for place in (at - 1, at + 1) if 0 <= place < len(turn)]
    around = dict.fromkeys(_concepts(" ".join(neighbours)), _NEIGHBOUR_SHARE)
    share = _PROMPT_SHARE[min(at, len(_PROMPT_SHARE) - 1)]
    around |= {name: max(share, around.get(name, 0.0)) for name in _concepts(prompt)}
    if at and is_question(turn[at - 1]):  # one speaker's own, or of voices nobody told apart
        around |= dict.fromkeys(_concepts(turn[at - 1].text), _PROMPT_SHARE[0])
    return around


def _overlaps(sentence: Sentence, passages: Sequence[Passage]) -> bool:
    return any(sentence.start < passage.end and passage.start < sentence.end for passage in passages)


def _turns(all_sentences: Sequence[Sentence]) -> list[list[Sentence]]:
    turns: list[list[Sentence]] = []
    for sentence in all_sentences:
        if turns and (turns[-1][-1].speaker, turns[-1][-1].role) == (sentence.speaker, sentence.role):
            turns[-1].append(sentence)
        else:
            turns.append([sentence])
    return turns
