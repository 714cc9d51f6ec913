"""A whole house of memory adapters: the real pipeline, no disk beyond a scratch directory, no sockets, no models."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.diarizer.memory import ScriptedDiarizer
from voxpersona.adapters.embedder.memory import HashingEmbedder
from voxpersona.adapters.engine.memory import MemoryDurably, MemoryEngine
from voxpersona.adapters.index.memory import MemoryPassageIndex
from voxpersona.adapters.library.memory import MemoryJournal, MemoryLibrary
from voxpersona.adapters.media.memory import MemoryMedia, memory_recording
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.errors import VoxPersonaError
from voxpersona.model import Details, PieceText, Segment, Turn, Word, WorkOrder
from voxpersona.pipeline import whole_way_v2
from voxpersona.pipeline.receive import Delivery, Receipt, receive
from voxpersona.pipeline.runs import note_failure
from voxpersona.pipeline.spool import Spool
from voxpersona.pipeline.stages import PortStages
from voxpersona.pipeline.stems import stems
from voxpersona.ports import Blobs, Diarizer, Media, VoicePrinter
from voxpersona.templates import Template, load

_TALK = (
    (0.5, 3.0, "SPEAKER_00", "How did you like the breakfast?"),
    (3.5, 7.0, "SPEAKER_01", "The breakfast was cold and the room was clean."),
    (7.5, 9.0, "SPEAKER_00", "Thank you for your time."),
)


def a_spoken_segment(start: float, end: float, text: str) -> Segment:
    """The words of the text spread evenly over the time."""
    words = text.split()
    step = (end - start) / len(words)
    timed = tuple(
        Word(start=start + step * place, end=start + step * (place + 1), text=word, confidence=0.9)
        for place, word in enumerate(words)
    )
    return Segment(start=start, end=end, text=text, words=timed, confidence=0.9)


TURNS = [Turn(start=start, end=end, speaker=who) for start, end, who, _ in _TALK]


def the_talk(*_: object) -> PieceText:
    """What the scripted transcriber hears in every piece."""
    return PieceText(
        language="en",
        language_confidence=0.99,
        segments=tuple(a_spoken_segment(start, end, text) for start, end, _, text in _TALK),
    )


@cache
def _templates() -> Sequence[Template]:
    return load()


@dataclass
class Rooms:
    """Everything one archive needs."""

    scratch: Path
    audio: Blobs = field(default_factory=MemoryBlobs)
    archive: Blobs = field(default_factory=MemoryBlobs)
    transcriber: ScriptedTranscriber = field(default_factory=lambda: ScriptedTranscriber(the_talk))
    spool_limit: int = 1 << 30
    words: tuple[str, ...] = ()
    hint_names: bool = False
    printer: VoicePrinter | None = None

    def __post_init__(self) -> None:
        self._library_error: VoxPersonaError | None = None
        self.engine = MemoryEngine()
        self.library = MemoryLibrary(self.engine.enqueue)
        self.journal = MemoryJournal(self.library, self.engine.enqueue)
        self.media: Media = MemoryMedia()
        self.diarizer: Diarizer = ScriptedDiarizer(TURNS)
        self.embedder = HashingEmbedder()
        self.passages = MemoryPassageIndex(dimensions=self.embedder.dimensions, stem=stems)
        self.engine.furnish(self.journal, self._walk, self._note_failure)

    @property
    def stages(self) -> PortStages:
        return PortStages(
            audio=self.audio,
            archive=self.archive,
            library=self.library,
            journal=self.journal,
            media=self.media,
            transcriber=self.transcriber,
            diarizer=self.diarizer,
            embedder=self.embedder,
            passages=self.passages,
            templates=_templates(),
            scratch=self.scratch,
            words=self.words,
            hint_names=self.hint_names,
            printer=self.printer,
            project="default",
        )

    def _note_failure(self, order: WorkOrder) -> None:
        note_failure(order, library=self.library, journal=self.journal, archive=self.archive)

    def _walk(self, order: WorkOrder, durably: MemoryDurably) -> None:
        whole_way_v2(order, self.stages, durably)

    def receive(
        self,
        content: bytes = b"",
        *,
        name: str = "Интервью.ogg",
        source: str = "path:{sha256}:/visit/a.ogg",
        details: Details | None = None,
        again: bool = False,
        accept_damaged: bool = False,
    ) -> Receipt:
        """Receive ten seconds of memory recording, or `content`."""
        delivery = Delivery(
            content=io.BytesIO(content or memory_recording(10.0)),
            name=name,
            source=source,
            details=details or Details(),
            again=again,
            accept_damaged=accept_damaged,
        )
        return receive(
            delivery,
            spool=self.spool,
            audio=lambda: self.audio,
            library=self.open_library,
            media=self.media,
        )

    @contextmanager
    def without_library(self, error: VoxPersonaError) -> Iterator[None]:
        """The database cannot be opened within this."""
        self._library_error = error
        try:
            yield
        finally:
            self._library_error = None

    def open_library(self) -> MemoryLibrary:
        if self._library_error is not None:
            raise self._library_error
        return self.library

    @property
    def spool(self) -> Spool:
        """As another process sees it: it does not know that the store was down a moment ago."""
        return Spool(self.scratch, limit=self.spool_limit, spare=0)
