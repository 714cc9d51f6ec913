"""A Transcriber that says what it was told to say: for tests of everything that stands on one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from threading import Lock

from voxpersona.errors import Code, Unavailable, VoxPersonaError
from voxpersona.model import PieceText
from voxpersona.ports import Floats, OnProgress

Hear = Callable[[Floats, str | None], PieceText]


class ScriptedTranscriber:
    """Made for tests, and kept to the same contract as the others.

    The script is either a function of the sound and the language, or the answers in the order of the calls; an error
    among the answers is raised. A script that has run out is Unavailable, as a server that is gone would be.
    `calls` remembers the length in samples and the language of every piece, in order, `words` the hints to each. Safe
    to call from several threads.
    """

    def __init__(self, script: Hear | Iterable[PieceText | VoxPersonaError], *, name: str = "scripted 1") -> None:
        self._hear = script if callable(script) else _in_turn(iter(script))
        self._name = name
        self._turn = Lock()
        self.calls: list[tuple[int, str | None]] = []
        self.words: list[tuple[str, ...]] = []

    @property
    def name(self) -> str:
        return self._name

    def transcribe(
        self, sound: Floats, *, language: str | None, words: Sequence[str] = (), on_progress: OnProgress
    ) -> PieceText:
        with self._turn:
            self.calls.append((len(sound), language))
            self.words.append(tuple(words))
            text = self._hear(sound, language)
        on_progress(1.0)
        return text


def _in_turn(answers: Iterator[PieceText | VoxPersonaError]) -> Hear:
    def hear(_sound: Floats, _language: str | None) -> PieceText:
        answer = next(answers, None)
        if answer is None:
            raise Unavailable(Code.TRANSCRIBER_UNAVAILABLE, "the script has run out")
        if isinstance(answer, VoxPersonaError):
            raise answer
        return answer

    return hear
