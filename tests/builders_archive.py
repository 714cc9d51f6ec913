"""An archive as the real rooms keep it, with scripted speech: database, store, search index of a data directory.

Everything but the engines is real: SqlLibrary, SqlJournal, DirectoryBlobs, LanceDB, the embedder. Which recording is
heard is told by its length, so that every one says something of its own.
"""

import io
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa

from tests.rooms import a_spoken_segment
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.diarizer.memory import ScriptedDiarizer
from voxpersona.adapters.engine.memory import MemoryDurably, MemoryEngine
from voxpersona.adapters.library.database import open_engine
from voxpersona.adapters.library.journal import SqlJournal
from voxpersona.adapters.library.sql import SqlLibrary
from voxpersona.adapters.library.transactions import Transactions
from voxpersona.adapters.media.memory import MemoryMedia, memory_recording
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.errors import Code, Integrity, Unavailable, VoxPersonaError
from voxpersona.model import Building, Details, PieceText, Recording, Scenario, Turn, WorkOrder
from voxpersona.pipeline import whole_way_v2
from voxpersona.pipeline.forget import forget
from voxpersona.pipeline.receive import Delivery, Receipt, receive
from voxpersona.pipeline.runs import note_failure
from voxpersona.pipeline.spool import Spool
from voxpersona.pipeline.stages import PortStages
from voxpersona.ports import RATE, Embedder, Floats, PassageIndex
from voxpersona.templates import load

SUBJECTS = (
    ("breakfast", "завтрак"),
    ("swimming pool", "бассейн"),
    ("reception", "ресепшен"),
    ("mushroom soup", "грибной суп"),
    ("parking", "парковка"),
    ("massage", "массаж"),
    ("elevator", "лифт"),
    ("bathroom", "ванная"),
    ("waiter", "официант"),
    ("cardiologist", "кардиолог"),
    ("balcony", "балкон"),
    ("wine list", "винная карта"),
    ("pillow", "подушка"),
    ("queue", "очередь"),
)
_SAID = (
    ("was cold when it came", "не устроил совсем, всё было холодное"),
    ("was wonderful and very clean", "очень понравился, чисто и уютно"),
    ("took forty minutes", "заставил ждать сорок минут"),
    ("smelled of paint", "пахнет краской"),
    ("was closed without a word", "закрыт без объявления"),
)
_WHEN = (("on Monday", "в понедельник"), ("at night", "ночью"), ("after the conference", "после конференции"))
_PLACES = ("Astoria", "Волна", "Seaside", "Берёзка", "Orion")
FIRST_SECONDS = 8.0
_STEP = 0.01
_WORKERS = 6
BROKEN = "unspeakable"
"""A word that the embedder cannot take."""


def talk_of(number: int, version: int = 1) -> PieceText:
    """What is said in a recording; a later version of the engine hears one sentence more."""
    english, russian = SUBJECTS[number % len(SUBJECTS)]
    said, said_ru = _SAID[number // len(SUBJECTS) % len(_SAID)]
    when, when_ru = _WHEN[number // (len(SUBJECTS) * len(_SAID)) % len(_WHEN)]
    place = _PLACES[number % len(_PLACES)]
    if number % 2:
        asked, said = f"Как вам {russian} в отеле {place}?", f"{russian.capitalize()} {said_ru} {when_ru}."
        lines = [asked, f"{said} Комната номер {number}."]
    else:
        asked, said = f"How did you like the {english} at the {place}?", f"The {english} {said} {when}."
        lines = [asked, f"{said} It was room {number}."]
    if version > 1:
        lines[1] += f" The gardener of house {number} watered the orchids." if version == 2 else f" {BROKEN}"
    segments = tuple(a_spoken_segment(0.5 + 3.5 * at, 3.5 + 3.5 * at, line) for at, line in enumerate(lines))
    return PieceText(language="ru" if number % 2 else "en", language_confidence=0.98, segments=segments)


class BreakingEmbedder:
    """The embedder, but for passages with a certain word."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self.name = inner.name
        self.dimensions = inner.dimensions

    def passages(self, texts: Sequence[str]) -> Floats:
        if any(BROKEN in text for text in texts):
            raise Unavailable(Code.INDEX_UNAVAILABLE, "the model broke", remedy="try again")
        return self._inner.passages(texts)

    def query(self, text: str) -> Floats:
        return self._inner.query(text)


@dataclass
class Archive:
    """One data directory. `migrated` is an empty database to begin with."""

    data: Path
    migrated: Path
    embedder: Embedder
    passages: PassageIndex
    mute: frozenset[int] = frozenset()
    """The recordings in which the engine of the first version hears only nonsense."""
    version: int = 1
    """Of the transcription engine."""
    known: dict[int, Recording] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        for name in ("spool", "scratch"):
            (self.data / name).mkdir(exist_ok=True)
        shutil.copy(self.migrated, self.data / "voxpersona.db")
        self.engine = MemoryEngine()  # only asked to cancel
        self._database = open_engine(f"sqlite:///{self.data / 'voxpersona.db'}")
        transactions = Transactions(self._database)
        self.library = SqlLibrary(transactions, self._enqueue)
        self.journal = SqlJournal(transactions, self._enqueue)
        self.audio = DirectoryBlobs(self.data / "store" / "audio")
        self.archive = DirectoryBlobs(self.data / "store" / "main")
        self._media = MemoryMedia()
        self._orders: list[WorkOrder] = []
        self._templates = load()

    def close(self) -> None:
        self._database.dispose()

    def receive(self, number: int, *, source: str = "path:{{sha256}}:/visits/{name}") -> Receipt:
        """Receive the recording of that number, under a Russian name where it is odd."""
        name = f"Интервью № {number} «{_PLACES[number % 5]}».ogg" if number % 2 else f"visit {number}.ogg"
        details = Details(
            scenario=Scenario.SITE_AUDIT if number % 7 == 3 else Scenario.INTERVIEW,
            number=str(number),
            employee="Анна Петрова" if number % 3 == 0 else None,
            building=list(Building)[number % 3] if number % 4 else None,
            city="Сочи" if number % 2 else "Lübeck",
        )
        damage = "declares 20 s, holds less" if number % 50 == 23 else ""
        delivery = Delivery(
            content=io.BytesIO(memory_recording(FIRST_SECONDS + number * _STEP, damage=damage)),
            name=name,
            source=source.format(name=name),
            details=details,
            accept_damaged=bool(damage),
        )
        receipt = receive(
            delivery,
            spool=Spool(self.data / "spool", limit=1 << 30),
            audio=lambda: self.audio,
            library=lambda: self.library,
            media=self._media,
        )
        self.known[number] = receipt.recording
        return receipt

    def work(self) -> None:
        """Do everything that is due, several recordings at a time: most of it is waiting for the disk."""
        due, self._orders = self._orders, []
        with ThreadPoolExecutor(_WORKERS) as workers:
            list(workers.map(self._carry_out, due))

    def forget(self, number: int) -> None:
        forget(
            self.known[number],
            library=self.library,
            journal=self.journal,
            engine=self.engine,
            passages=self.passages,
            audio=self.audio,
            archive=self.archive,
        )

    def _enqueue(self, _connection: sa.Connection, order: WorkOrder) -> None:
        self._orders.append(order)

    def _carry_out(self, order: WorkOrder) -> None:
        durably = MemoryDurably(order, self.journal)
        try:
            self._walk(order, durably)
        except VoxPersonaError as error:
            self.journal.fail(order, durably.stage, error.code, error.detail)
            note_failure(order, library=self.library, journal=self.journal, archive=self.archive)
        else:
            self.journal.ready(order)

    def _hear(self, sound: Floats, _language: str | None) -> PieceText:
        number = round((len(sound) / RATE - FIRST_SECONDS) / _STEP)
        if self.version == 1 and number in self.mute:
            raise Integrity(Code.TRANSCRIBER_ANSWER, "cut answer", reason="cut answer")
        return talk_of(number, self.version)

    def _walk(self, order: WorkOrder, durably: MemoryDurably) -> None:
        stages = PortStages(
            audio=self.audio,
            archive=self.archive,
            library=self.library,
            journal=self.journal,
            media=self._media,
            transcriber=ScriptedTranscriber(self._hear, name=f"scripted {self.version}"),
            diarizer=ScriptedDiarizer(
                [Turn(start=0.5, end=3.5, speaker="SPEAKER_00"), Turn(start=4.0, end=7.0, speaker="SPEAKER_01")]
            ),
            embedder=BreakingEmbedder(self.embedder),
            passages=self.passages,
            templates=self._templates,
            scratch=self.data / "scratch",
        )
        whole_way_v2(order, stages, durably)
