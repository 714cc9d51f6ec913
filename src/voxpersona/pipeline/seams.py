"""Where two pieces were heard over the same cut: each word of both stands exactly once in what they give together.

The same words are looked for in both, by text and time. Between those of them that lie around the cut, the piece counts
in which the place is further from its edge, because engines mishear what is cut off.
"""

import difflib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from voxpersona.model import Word

_JITTER = 0.8
"""Seconds by which an engine may tell other times for the same word, heard with other sound around it."""
_SURE_RUN = 3
_FAR = 40
"""Where times were only estimated: so many words on each side are compared, and so many in a row must be the same."""


@dataclass(frozen=True)
class Seam:
    """So many words of the left piece are kept, and so many of the right one skipped."""

    keep: int
    skip: int


def seam(left: Sequence[Word], right: Sequence[Word], *, cut: float, before: float, after: float) -> Seam:
    """How to join the words of two pieces, which are in order and have times of the recording.

    The right one was heard from `before` seconds before the `cut` on, the left one to `after` seconds after it.
    """
    first = next((at for at, word in enumerate(left) if _middle(word) >= cut - before - _JITTER), len(left))
    last = next((at for at, word in enumerate(right) if _middle(word) > cut + after + _JITTER), len(right))
    tail, head = left[first:], right[:last]
    if sum(not word.confidence for word in (*tail, *head)) * 2 > len(tail) + len(head):
        found = _by_text(left[-_FAR:], right[:_FAR])
        if found is not None:
            return Seam(keep=max(len(left) - _FAR, 0) + found.keep, skip=found.skip)
    pairs = _same(tail, head)
    early = [pair for pair in pairs if _middle(tail[pair[0]]) < cut]
    late = pairs[len(early) :]
    start = (early[-1][0] + 1, early[-1][1] + 1) if early else (0, 0)
    end = late[0] if late else (len(tail), len(head))
    ours, theirs = tail[start[0] : end[0]], head[start[1] : end[1]]
    if early and late and not (ours and theirs):
        # One of them skipped what the other heard.
        found = Seam(*end) if ours else Seam(*start)
    elif early and late:
        found = Seam(*end) if _middle(tail[start[0] - 1]) + _middle(tail[end[0]]) < 2 * cut else Seam(*start)
    else:
        by_time = _by_time(ours, theirs, cut)
        found = Seam(keep=start[0] + by_time.keep, skip=start[1] + by_time.skip)
    return Seam(keep=first + found.keep, skip=found.skip)


def _middle(word: Word) -> float:
    return (word.start + word.end) / 2


def _letters(word: Word) -> str:
    return "".join(sign for sign in word.text.casefold().replace("ё", "е") if sign.isalnum())


def _same(tail: Sequence[Word], head: Sequence[Word]) -> list[tuple[int, int]]:
    """Pairs of places with the same word at about the same time, in order: as many as there can be, the nearest."""
    ours, theirs = [_letters(word) for word in tail], [_letters(word) for word in head]
    best = [[0.0] * (len(head) + 1) for _ in range(len(tail) + 1)]
    worth = [[0.0] * len(head) for _ in tail]
    for i, j in itertools.product(reversed(range(len(tail))), reversed(range(len(head)))):
        apart = abs(_middle(tail[i]) - _middle(head[j]))
        if ours[i] and ours[i] == theirs[j] and apart <= _JITTER:
            worth[i][j] = 1.0 - 0.5 * apart / _JITTER
        best[i][j] = max(best[i + 1][j], best[i][j + 1], worth[i][j] + best[i + 1][j + 1] if worth[i][j] else 0.0)
    pairs, i, j = [], 0, 0
    while i < len(tail) and j < len(head):
        if worth[i][j] and best[i][j] == worth[i][j] + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _by_text(tail: Sequence[Word], head: Sequence[Word]) -> Seam | None:
    """The middle of the longest run of the same words; None where it is too short to be sure."""
    ours, theirs = [_letters(word) for word in tail], [_letters(word) for word in head]
    run = difflib.SequenceMatcher(a=ours, b=theirs, autojunk=False).find_longest_match()
    if run.size < _SURE_RUN:
        return None
    return Seam(keep=run.a + run.size // 2, skip=run.b + run.size // 2)


def _by_time(ours: Sequence[Word], theirs: Sequence[Word], cut: float) -> Seam:
    """Words that are not the same: those before the cut are the left piece's, the others the right one's."""
    keep = next((at for at, word in enumerate(ours) if _middle(word) >= cut), len(ours))
    skip = next((at for at, word in enumerate(theirs) if _middle(word) >= cut), len(theirs))
    if keep > 0 and skip < len(theirs) and _is_one(ours[keep - 1], theirs[skip]):
        skip += 1  # heard as two different words, one on each side of the cut
    elif keep < len(ours) and skip > 0 and _is_one(ours[keep], theirs[skip - 1]):
        keep += 1  # the same, and neither would be left
    return Seam(keep, skip)


def _is_one(left: Word, right: Word) -> bool:
    """Whether they are the same sound: most of the shorter one lies in the other."""
    shared = min(left.end, right.end) - max(left.start, right.start)
    return shared > 0.5 * min(left.end - left.start, right.end - right.start)
