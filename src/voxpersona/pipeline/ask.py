"""Answer a question from the archive, in the archive's own words, or say that it does not say."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from voxpersona.errors import NotFound
from voxpersona.model import Answer, Attribution, Citation, Hit, Passage, RecordingId, Role
from voxpersona.pipeline.concepts import alike
from voxpersona.pipeline.evidence import Evidence, asked_for, evidence, is_question, rarity
from voxpersona.pipeline.nearness import nearness
from voxpersona.pipeline.render import clock
from voxpersona.pipeline.stems import stems, words
from voxpersona.ports import Embedder, PassageIndex

_HITS = 24
_MOST_READ = 40
"""Sentences embedded for one question: about half a second of work."""

# Chosen on the even half of tests/quality/archive.py, judged on the odd half; see the test beside it.
COVERED = 0.72
"""Share of the question that words alone must meet."""
PARTLY_COVERED = 0.55
"""Share that is enough where the meaning is clearly near."""
CLEARLY_NEAR = 0.74
"""Nearness (see nearness.py) that is clear."""
SURELY_NEAR = 0.82
"""Nearness that is enough where no word is shared."""
_STRETCH = 0.53
"""Nearness that counts as much as meeting the whole question when sentences are put in order."""
_ADDED = 0.25
"""What it counts that a sentence says more than the question did: "I enter the bathroom" answers nothing about it."""
_ASKED = 0.5
"""What it costs a sentence to be a question itself: it may say something, but seldom answers."""
_BEHIND = 0.6
"""Sentences this far behind the best are not cited."""

_CYRILLIC = re.compile(r"[а-яё]", re.IGNORECASE)
_ROLES_RU = {
    Role.INTERVIEWER: "интервьюер",
    Role.EMPLOYEE: "сотрудник",
    Role.CLIENT: "клиент",
    Role.AUDITOR: "аудитор",
    Role.OTHER: "другой голос",
}
_SILENT = {"en": "The archive does not say.", "ru": "В архиве об этом не сказано."}


@dataclass(frozen=True)
class _Judged:
    """Evidence with the share of the question it meets, how near it lies and whether it says more."""

    evidence: Evidence
    coverage: float
    nearness: float
    added: float

    @property
    def fits(self) -> bool:
        return (
            self.coverage >= COVERED
            or (self.coverage >= PARTLY_COVERED and self.nearness >= CLEARLY_NEAR)
            or self.nearness >= SURELY_NEAR
        )

    @property
    def score(self) -> float:
        asked = _ASKED if is_question(self.evidence.sentence) else 0.0
        return self.coverage + self.nearness / _STRETCH + self.added * _ADDED - asked


def ask(
    question: str,
    index: PassageIndex,
    embedder: Embedder,
    find_attribution: Callable[[RecordingId], Attribution],
    *,
    recordings: Sequence[RecordingId] | None = None,
    most: int = 5,
) -> Answer:
    """Quotes that answer the question, at most `most`, the best first; `found` is False where nothing fits.

    Everything cited is read from the recordings' current attributions, so words, times and roles are exact even
    where the index is older. Recordings that have none any more are left out. `recordings` narrows the search.
    Errors: those of the index and the embedder.
    """
    language = "ru" if _CYRILLIC.search(question) else "en"
    best = _judged(question, index, embedder, find_attribution, recordings)[: max(most, 0)] if question.strip() else []
    if not best:
        return Answer(question=question, text=_SILENT[language], found=False)
    citations = tuple(_citation(one.evidence) for one in best)
    lines = (_line(number, citation, language) for number, citation in enumerate(citations, start=1))
    return Answer(question=question, text="\n".join(lines), found=True, citations=citations)


def _judged(
    question: str,
    index: PassageIndex,
    embedder: Embedder,
    find_attribution: Callable[[RecordingId], Attribution],
    recordings: Sequence[RecordingId] | None,
) -> list[_Judged]:
    """What fits, best first."""
    vector = embedder.query(question)
    hits = index.search(_search_words(question), vector, limit=_HITS, recordings=recordings)
    pool = _pool(hits, find_attribution)
    if not pool:
        return []
    weights = rarity(asked_for(question), pool)
    pool = sorted(pool, key=lambda one: -one.coverage(weights))[:_MOST_READ]  # stable: the hits' order breaks ties
    near = nearness(vector, pool, embedder)
    judged = [
        _Judged(one, one.coverage(weights), nearby, one.added(weights)) for one, nearby in zip(pool, near, strict=True)
    ]
    fitting = sorted((one for one in judged if one.fits), key=lambda one: -one.score)
    return [one for one in fitting if one.score >= fitting[0].score - _BEHIND]


def _search_words(question: str) -> str:
    """The question's own words and those that stand for the same in the other language, without its frame."""
    about = [word for word in words(question) if stems(word) and asked_for(word)]
    return " ".join([*about, *alike(" ".join(about))]) or question


def _pool(hits: Sequence[Hit], find_attribution: Callable[[RecordingId], Attribution]) -> list[Evidence]:
    """The sentences behind the hits, recording by recording, the recording of the best hit first."""
    passages: dict[RecordingId, list[Passage]] = {}
    for hit in hits:
        passages.setdefault(hit.passage.recording, []).append(hit.passage)
    pool = []
    for recording, found in passages.items():
        try:
            pool += evidence(find_attribution(recording), found)
        except NotFound:
            continue  # forgotten since it was indexed
    return pool


def _citation(one: Evidence) -> Citation:
    sentence = one.sentence
    return Citation(
        recording=one.recording,
        start=sentence.start,
        end=sentence.end,
        role=sentence.role,
        speaker=sentence.speaker,
        text=sentence.text,
        corrections=sentence.corrections,
    )


def _line(number: int, citation: Citation, language: str) -> str:
    role = citation.role or citation.speaker or ""
    if language == "ru" and citation.role in list(Role):
        role = _ROLES_RU[Role(citation.role)]
    quoted = f"«{citation.text}»" if language == "ru" else f"“{citation.text}”"
    who = f"{role}, " if role else ""
    return f"[{number}] {who}{clock(citation.start)}: {quoted}"
