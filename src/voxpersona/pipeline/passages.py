"""Cut one recording's attributed words into passages: what is embedded, searched and cited. Pure."""

from collections.abc import Iterator, Sequence

from voxpersona.model import Attribution, Passage
from voxpersona.pipeline.quote import LONGEST_WORDS, Sentence, sentences

VERSION = 1
"""Raise it when the same words come out in other passages: an index of the old ones has to be built again."""

LONGEST_PASSAGE_WORDS = 110


def passages(
    attribution: Attribution, *, language: str, longest_words: int = LONGEST_PASSAGE_WORDS
) -> tuple[Passage, ...]:
    """Every word of the attribution, in order, in passages of one speaker and at most `longest_words` words.

    A turn that fits is one passage. A longer one is cut between sentences into parts of about equal length, and only
    a sentence that is too long by itself is cut inside. A question and the answer to it stay two passages, so that
    each has one role. As one passage the answer came first more often (43 against 36 of 48 questions of
    tests/quality), but `ask` reads 24 hits, among which both ways had all 48, and it leads from questions to answers.
    """
    if longest_words < 1:
        raise ValueError("a passage holds at least one word")
    all_sentences = sentences(attribution.segments, longest_words=min(longest_words, LONGEST_WORDS))
    groups = (group for turn in _turns(all_sentences) for group in _bounded(turn, longest_words))
    return tuple(
        Passage(
            id=f"{attribution.recording}:{number}",
            recording=attribution.recording,
            start=min(sentence.start for sentence in group),
            end=max(sentence.end for sentence in group),
            speaker=group[0].speaker,
            role=group[0].role,
            text=" ".join(sentence.text for sentence in group),
            language=language,
        )
        for number, group in enumerate(groups)
    )


def _turns(all_sentences: Sequence[Sentence]) -> Iterator[list[Sentence]]:
    turn: list[Sentence] = []
    for sentence in all_sentences:
        if turn and (turn[-1].speaker, turn[-1].role) != (sentence.speaker, sentence.role):
            yield turn
            turn = []
        turn.append(sentence)
    if turn:
        yield turn


def _bounded(turn: Sequence[Sentence], longest_words: int) -> Iterator[list[Sentence]]:
    """Parts of about equal length: a last passage of three words is found by nothing."""
    left = sum(_length(sentence) for sentence in turn)
    part: list[Sentence] = []
    held = 0
    for sentence in turn:
        goal = left / -(-left // longest_words)  # what is left, over the passages it needs
        length = _length(sentence)
        if part and (held + length > longest_words or held + length / 2 > goal):
            yield part
            left -= held
            part, held = [], 0
        part.append(sentence)
        held += length
    if part:
        yield part


def _length(sentence: Sentence) -> int:
    return len(sentence.text.split())
