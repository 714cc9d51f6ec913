"""What each speaker was doing there: rules over who asks, who answers and how they speak of the place.

The rules know the tables of `role_signs` and nothing of sound. They would rather say `other` than guess: a role's
confidence grows with the distance to the next best role, and everything that speaks for it is quoted as evidence.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from voxpersona.model import Details, Evidence, Role, Scenario, Segment, Speaker
from voxpersona.pipeline.quote import Sentence, sentences
from voxpersona.pipeline.role_signs import ASKED, FIRST_PERSON, QUESTION_STARTS, SECOND_PERSON, SIGNS

FEW_WORDS = 6
"""Words under which nothing is said about somebody who answers."""
UNSURE = 0.2
"""Confidence of `other` where nothing speaks for a role."""
HIGHEST = 0.95
"""Rules are never certain."""
EVIDENCE = 4
"""Lines of evidence kept for a speaker."""

_HITS = 3  # how often one sign counts for one speaker: a habit of speech is not proof
_HINT = 0.75  # weight of what the details tell
_ASKS_LEAST = 2.0  # lead in asking that makes an interviewer
_CLEAR = 0.75  # lead of one role over the other that makes an answerer
_DICTATES = 2.0  # signs of dictation that make a lone voice an auditor
_NOTES = 2.0  # weight of speaking in notes
_NOTE_WORDS = 9  # mean length of a sentence up to which they may be notes
_ALONE = 0.6  # a lone voice is placed with this share of the confidence it would have in a conversation


@dataclass(frozen=True)
class _Mark:
    """One sentence that speaks for a role."""

    role: Role
    weight: float
    reason: str
    sentence: Sentence


@dataclass
class _Profile:
    """Everything the rules look at of one speaker."""

    label: str
    seconds: float = 0.0
    words: int = 0
    sentences: list[Sentence] = field(default_factory=list)
    marks: list[_Mark] = field(default_factory=list)
    asked: float = 0.0
    """Questions put to somebody count whole, others half."""

    def score(self, role: Role) -> float:
        """Sum of the weights of the role's signs, each at most `_HITS` times."""
        hits: dict[str, list[float]] = {}
        for mark in self.marks:
            if mark.role is role and mark.reason != _ASKS:
                hits.setdefault(mark.reason, []).append(mark.weight)
        return sum(sum(weights[:_HITS]) for weights in hits.values())


_ASKS = "asks a question"


def cast(segments: Sequence[Segment], details: Details) -> tuple[Speaker, ...]:
    """The speakers by first appearance, each with a role, its confidence and the lines that speak for it.

    Every segment has its speaker set. One speaker leads at most: the interviewer, or the auditor of a site audit.
    """
    profiles = _profiles(segments)
    if len(profiles) < 2:
        return tuple(_alone(profile, details) for profile in profiles)
    leader = _leader(profiles, details)
    if leader:
        _hear_questions(leader[0], [profile for profile in profiles if profile is not leader[0]])
    return tuple(
        _placed(profile, *leader[1:]) if leader and profile is leader[0] else _answering(profile, details)
        for profile in profiles
    )


def _profiles(segments: Sequence[Segment]) -> list[_Profile]:
    found: dict[str, _Profile] = {}
    for segment in segments:
        profile = found.setdefault(segment.speaker or "", _Profile(segment.speaker or ""))
        profile.seconds += segment.end - segment.start
    for sentence in sentences(segments):
        _read(found[sentence.speaker or ""], sentence)
    return list(found.values())


def _read(profile: _Profile, sentence: Sentence) -> None:
    """Add one sentence and what it gives away."""
    plain = _plain(sentence.text)
    is_question = sentence.text.rstrip("\"'»”’)] ").endswith("?") or bool(_starts(QUESTION_STARTS).search(plain))
    profile.sentences.append(sentence)
    profile.words += len(sentence.text.split())
    if is_question:
        weight = 1.0 if _anywhere(SECOND_PERSON).search(plain) else 0.5
        profile.asked += weight
        profile.marks.append(_Mark(Role.INTERVIEWER, weight, _ASKS, sentence))
    for sign in SIGNS:
        # "How was your room?" says nothing of the asker's own room.
        if (sign.role is Role.INTERVIEWER or not is_question) and _anywhere(sign.phrases).search(plain):
            profile.marks.append(_Mark(sign.role, sign.weight, sign.reason, sentence))


def _leader(profiles: Sequence[_Profile], details: Details) -> tuple[_Profile, Role, float] | None:
    """Who leads, as what, and how sure; None where nobody stands out."""
    is_audit = details.scenario is Scenario.SITE_AUDIT
    role = Role.AUDITOR if is_audit else Role.INTERVIEWER
    asked = sum(profile.asked for profile in profiles) or 1.0

    def leads(profile: _Profile) -> float:
        share = profile.asked / (len(profile.sentences) + 1)
        asking = 3 * share + 2 * profile.asked / asked * min(1.0, asked / 2) + min(profile.score(Role.INTERVIEWER), 4)
        return asking + (min(profile.score(Role.AUDITOR), 6) if is_audit else 0.0)

    first, second = sorted(profiles, key=leads, reverse=True)[:2]
    lead = leads(first) - leads(second)
    if leads(first) < _ASKS_LEAST or lead < _ASKS_LEAST / 2:
        return None
    return first, role, _sure(lead)


def _hear_questions(leader: _Profile, others: Sequence[_Profile]) -> None:
    """Mark everybody who answers with what they are asked about."""
    for asked in [mark.sentence for mark in leader.marks if mark.reason == _ASKS]:
        plain = _plain(asked.text)
        for sign in ASKED:
            if _anywhere(sign.phrases).search(plain):
                for other in others:
                    other.marks.append(_Mark(sign.role, sign.weight, sign.reason, asked))


def _answering(profile: _Profile, details: Details) -> Speaker:
    """An employee or a client by how they speak of the place; `other` where that is not clear."""
    employee = profile.score(Role.EMPLOYEE) + _told(details, Role.EMPLOYEE)
    client = profile.score(Role.CLIENT) + _told(details, Role.CLIENT)
    lead = abs(employee - client)
    if profile.words < FEW_WORDS or lead < _CLEAR:
        return _placed(profile, Role.OTHER, UNSURE)
    return _placed(profile, Role.EMPLOYEE if employee > client else Role.CLIENT, _sure(lead))


def _alone(profile: _Profile, details: Details) -> Speaker:
    """A lone voice dictates, or tells; who tells without being asked is placed with little confidence."""
    dictation = profile.score(Role.AUDITOR) + (_NOTES if _is_notes(profile.sentences) else 0.0)
    telling = max(profile.score(Role.EMPLOYEE), profile.score(Role.CLIENT))
    if details.scenario is Scenario.SITE_AUDIT:
        return _placed(profile, Role.AUDITOR, max(0.7, _sure(dictation + 2)))
    if details.scenario is None and dictation >= _DICTATES and dictation > telling:
        return _placed(profile, Role.AUDITOR, _sure(dictation - telling))
    speaker = _answering(profile, details)
    if speaker.role is Role.OTHER:
        return speaker
    return speaker.model_copy(update={"confidence": round(speaker.confidence * _ALONE, 2)})


def _is_notes(spoken: Sequence[Sentence]) -> bool:
    """Short sentences, hardly one with I or we: how people dictate."""
    personal = sum(bool(_anywhere(FIRST_PERSON).search(_plain(sentence.text))) for sentence in spoken)
    words = sum(len(sentence.text.split()) for sentence in spoken)
    return len(spoken) >= 4 and personal * 4 <= len(spoken) and words <= _NOTE_WORDS * len(spoken)


def _told(details: Details, role: Role) -> float:
    """What the details say about whom to expect. With a client named, the named employee is the one who asks."""
    if details.client:
        return _HINT if role is Role.CLIENT else 0.0
    is_staff = details.employee or details.scenario is Scenario.SITE_AUDIT
    return _HINT if is_staff and role is Role.EMPLOYEE else 0.0


def _placed(profile: _Profile, role: Role, confidence: float) -> Speaker:
    return Speaker(
        label=profile.label,
        role=role,
        confidence=round(confidence, 2),
        seconds=round(profile.seconds, 3),
        evidence=tuple(_evidence(profile.marks, role)),
    )


def _evidence(marks: Iterable[_Mark], role: Role) -> list[Evidence]:
    """The strongest marks of a role, a sentence at most once, in order of time. Who audits may ask as well."""
    wanted = (role, Role.INTERVIEWER) if role is Role.AUDITOR else (role,)
    strongest: dict[Sentence, _Mark] = {}
    for mark in sorted((mark for mark in marks if mark.role in wanted), key=lambda mark: -mark.weight):
        strongest.setdefault(mark.sentence, mark)
    kept = sorted(list(strongest.values())[:EVIDENCE], key=lambda mark: (mark.sentence.start, mark.sentence.segment))
    return [
        Evidence(start=mark.sentence.start, end=mark.sentence.end, text=mark.sentence.text, reason=mark.reason)
        for mark in kept
    ]


def _sure(lead: float) -> float:
    """Confidence from a lead in weight: 1 gives 0.37, 3 gives 0.74, never above HIGHEST."""
    return HIGHEST * (1 - math.exp(-lead / 2))


def _plain(text: str) -> str:
    """Lower-case words with single blanks between, ё as е."""
    return " ".join(re.findall(r"[\w*]+", text.casefold().replace("ё", "е")))


@cache
def _anywhere(phrases: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{_alternatives(phrases)})(?!\w)")


@cache
def _starts(phrases: str) -> re.Pattern[str]:
    """The phrases at the start of a sentence, after a word or two to open it ("So,", "И")."""
    opening = "(?:(?:and|so|well|now|but|а|и|ну|так|тогда|хорошо|скажите|пожалуйста) ){0,2}"
    return re.compile(rf"^{opening}(?:{_alternatives(phrases)})(?!\w)")


def _alternatives(phrases: str) -> str:
    plain = (_plain(phrase) for phrase in phrases.split("|"))
    return "|".join(re.escape(phrase).replace(r"\*", r"\w*") for phrase in plain if phrase)
