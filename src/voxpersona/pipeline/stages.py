"""The stages of the whole way over the real ports: what `whole_way` calls, one small method per durable step."""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from voxpersona.errors import Code, NotFound
from voxpersona.model import (
    Attribution,
    Details,
    MediaFacts,
    Piece,
    PieceText,
    Recording,
    RecordingId,
    Report,
    Stage,
    Transcript,
    Voices,
    WorkOrder,
)
from voxpersona.model.noun import Noun
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.attribute import attribute
from voxpersona.pipeline.blob_source import blob_source, proven_source
from voxpersona.pipeline.correct import corrections_of
from voxpersona.pipeline.hot_words import hot_words
from voxpersona.pipeline.index import index
from voxpersona.pipeline.known_voices import recognise
from voxpersona.pipeline.languages import spoken, unsure
from voxpersona.pipeline.pieces import join, plan
from voxpersona.pipeline.render import render_markdown
from voxpersona.pipeline.report import report
from voxpersona.pipeline.runs import conclude
from voxpersona.ports import (
    Blobs,
    Diarizer,
    Embedder,
    Journal,
    Library,
    Media,
    OnProgress,
    PassageIndex,
    Sound,
    Transcriber,
    VoicePrinter,
)
from voxpersona.templates import Template, fitting

N = TypeVar("N", bound=Noun)

_PROGRESS_EVERY = 1.0  # seconds between two writes of a stage's share: each is a commit
_PIECES_VERSION = "2"  # raise it when pieces are cut or joined differently: old texts of pieces are then left alone


class _Throttled:
    """Tells the journal how far a stage is, at most once a second."""

    def __init__(self, journal: Journal, order: WorkOrder, stage: Stage) -> None:
        self._journal = journal
        self._order = order
        self._stage = stage
        self._next = 0.0

    def part(self, start: float, end: float) -> OnProgress:
        """Progress of a part of the stage, which goes from share `start` to share `end`."""

        def told(share: float) -> None:
            if time.monotonic() >= self._next or share >= 1:
                self._next = time.monotonic() + _PROGRESS_EVERY
                reached = start + (end - start) * min(1.0, max(0.0, share))
                self._journal.progress(self._order, self._stage, reached)

        return told


def _piece(spans: list[list[float]], index: int) -> Piece:
    """From `[start, end]`, or `[start, end, before, after]`: work under way remembers what it was begun with."""
    start, end, *context = spans[index]
    before, after = context or (0.0, 0.0)
    return Piece(index=index, start=start, end=end, before=before, after=after)


@dataclass(frozen=True)
class PortStages:
    """See `pipeline.Stages`. `scratch` is a directory of this machine for decoded sound; losing it loses nothing."""

    audio: Blobs
    archive: Blobs
    library: Library
    journal: Journal
    media: Media
    transcriber: Transcriber
    diarizer: Diarizer
    embedder: Embedder
    passages: PassageIndex
    templates: Sequence[Template]
    scratch: Path
    words: Sequence[str] = ()
    """Names and terms that may be said in any recording."""
    hint_names: bool = False
    """Whether those of a recording's details are told to the transcriber, too."""
    printer: VoicePrinter | None = None
    """What recognises known voices; None where nobody asked for that. With it `archive` must be encrypted."""
    project: str = ""
    """Whose known voices are compared."""
    decoding: threading.Lock = field(default_factory=threading.Lock)

    def plan(self, order: WorkOrder) -> list[list[float]]:
        """Where to cut: `[start, end, before, after]` of each piece in seconds; before 0.1.0 there was no context."""
        found = plan(self._sound(order.recording))
        return [[piece.start, piece.end, piece.before, piece.after] for piece in found]

    def hear(self, order: WorkOrder, spans: list[list[float]], index: int) -> None:
        """Text of one piece into the bucket; found there, it is not made again."""
        self._heard(order, spans, index)

    def _heard(self, order: WorkOrder, spans: list[list[float]], index: int, language: str | None = None) -> PieceText:
        """In the language told for the recording, or else for this piece alone."""
        recording = self.library.recording(order.recording)
        language = recording.details.language or language
        piece = _piece(spans, index)
        seconds = spans[-1][1] or 1.0
        progress = _Throttled(self.journal, order, Stage.TRANSCRIBE).part(piece.start / seconds, piece.end / seconds)

        def make() -> PieceText:
            samples = self._sound(recording.id).read(*piece.heard)
            return self.transcriber.transcribe(
                samples,
                language=language,
                words=self._hints(recording),
                on_progress=progress,
            )

        text = self._made_once(recording.id, self._piece_key(recording, language, spans[index], index), PieceText, make)
        progress(1.0)
        return text

    def transcribe(self, order: WorkOrder, spans: list[list[float]]) -> None:
        """Join the pieces to this run's transcript. What another version or engine had heard is heard anew."""
        recording = self.library.recording(order.recording)

        def make() -> Transcript:
            pieces = [_piece(spans, index) for index in range(len(spans))]
            texts = [self._heard(order, spans, index) for index in range(len(spans))]
            found = [spoken(piece, text) for piece, text in zip(pieces, texts, strict=True)]
            guessed = {} if recording.details.language else unsure(texts)
            for at, language in guessed.items():
                texts[at] = self._heard(order, spans, at, language)
                found[at] = [each.model_copy(update={"heard_as": language}) for each in found[at]]
            languages = [each for one in found for each in one]
            joined = join(pieces, texts)
            facts = self._facts(recording)
            return Transcript(
                recording=recording.id,
                number=order.run,
                language=joined.language,
                language_confidence=max(
                    (each.confidence for each in languages if each.language == joined.language), default=0.0
                ),
                engine=self.transcriber.name,
                seconds=spans[-1][1],
                segments=joined.segments,
                damage=facts.damage,
                clipped=facts.clipped,
                dropped=joined.dropped,
                spoken=() if recording.details.language else tuple(languages),
            )

        self._made_once(recording.id, layout.transcript(recording.id, order.run), Transcript, make)

    def diarize(self, order: WorkOrder) -> None:
        """Find out who spoke when; `attribute` would do it itself, but may as well find it done."""
        self._voices(self.library.recording(order.recording), lambda _: None)

    def attribute(self, order: WorkOrder) -> None:
        """Give this run's (or the current) transcript its speakers and roles, and put in what people corrected.

        That of a run which brings in a correction was saved when the run was opened.
        """
        recording = self.library.recording(order.recording)

        def make() -> Attribution:
            if (Stage.ATTRIBUTE, order.run, "") in self.library.made(recording.id):
                return self.library.attribution(recording.id, order.run)
            number = order.run if order.covers(Stage.TRANSCRIBE) else None
            transcript = self.library.transcript(recording.id, number)
            voices = self._voices(recording, _Throttled(self.journal, order, Stage.ATTRIBUTE).part(0.0, 1.0))
            return attribute(
                transcript,
                voices.turns,
                recording.details,
                number=order.run,
                diarizer=voices.diarizer,
                corrections=corrections_of(recording.id, library=self.library),
            )

        made = self._made_once(recording.id, layout.roles(recording.id, order.run), Attribution, make)
        if self.printer is not None:
            self._recognise(made, self.printer)

    def _recognise(self, attribution: Attribution, printer: VoicePrinter) -> None:
        """Whom the speakers sound like. Roles may be given anew long after a rule removed the original: then nobody is
        recognised."""

        @contextmanager
        def sound() -> Iterator[Sound]:
            yield self._sound(attribution.recording)

        try:
            recognise(
                attribution,
                project=self.project,
                sound=sound,
                printer=printer,
                library=self.library,
                archive=self.archive,
                on_progress=lambda _: None,
            )
        except NotFound as gone:
            if gone.code is not Code.BLOB_ABSENT:
                raise

    def report(self, order: WorkOrder) -> list[str]:
        """Write the reports that fit; returns the names of their templates."""
        recording = self.library.recording(order.recording)
        attribution = self._attribution(order)
        language = self._language(attribution)
        chosen = fitting(self.templates, recording.details, language=language, speakers=len(attribution.speakers))
        for template in chosen:
            self._write_report(recording, attribution, template, order.run)
        return [template.name for template in chosen]

    def _write_report(self, recording: Recording, attribution: Attribution, template: Template, number: int) -> None:
        def make() -> Report:
            return report(attribution, recording.details, template, number=number)

        key = layout.report(recording.id, template.name, number)
        written = self._made_once(recording.id, key, Report, make)
        text = render_markdown(written, recording).encode()
        documents.write(self.archive, layout.report_text(recording.id, template.name, number), text, documents.MARKDOWN)

    def index(self, order: WorkOrder) -> None:
        """Make the current words searchable."""
        recording = self.library.recording(order.recording)
        attribution = self._attribution(order)
        progress = _Throttled(self.journal, order, Stage.INDEX).part(0.0, 1.0)
        index(
            recording,
            attribution,
            self.embedder,
            self.passages,
            language=self._language(attribution),
            on_progress=progress,
        )

    def save(self, order: WorkOrder, stage: Stage, template: str = "") -> Callable[[], None]:
        """Load what the stage made; calling what comes back writes it to the library."""
        made: Transcript | Attribution | Report
        if stage is Stage.TRANSCRIBE:
            made = documents.read(self.archive, layout.transcript(order.recording, order.run), Transcript)
        elif stage is Stage.ATTRIBUTE:
            made = documents.read(self.archive, layout.roles(order.recording, order.run), Attribution)
        else:
            made = documents.read(self.archive, layout.report(order.recording, template, order.run), Report)

        def write() -> None:
            self.library.save(made)

        return write

    def tidy(self, order: WorkOrder) -> None:
        """Remove the decoded sound, which can be made again, and write down that the run ended well."""
        for path in (self._scratch_path(order.recording), self._facts_path(order.recording)):
            path.unlink(missing_ok=True)
        conclude(order, library=self.library, journal=self.journal, archive=self.archive)

    def _made_once(self, recording: RecordingId, key: str, noun: type[N], make: Callable[[], N]) -> N:
        """As `documents.made_once`; what was made of a recording that was forgotten meanwhile is thrown away."""

        def make_unless_forgotten() -> N:
            made = make()
            self.library.recording(recording)
            return made

        return documents.made_once(self.archive, key, noun, make_unless_forgotten)

    def _attribution(self, order: WorkOrder) -> Attribution:
        return self.library.attribution(order.recording, order.run if order.covers(Stage.ATTRIBUTE) else None)

    def _language(self, attribution: Attribution) -> str:
        return self.library.transcript(attribution.recording, attribution.transcript).language

    def _piece_key(self, recording: Recording, language: str | None, span: list[float], index: int) -> str:
        told = language or "auto"
        words = self._hints(recording)
        settings = f"{_PIECES_VERSION}|{self.transcriber.name}|{told}|{'-'.join(map(repr, span))}|{words!r}"
        return layout.piece(recording.id, hashlib.sha256(settings.encode()).hexdigest()[:16], index)

    def _hints(self, recording: Recording) -> tuple[str, ...]:
        return hot_words(recording.details if self.hint_names else Details(), self.words)

    def _voices(self, recording: Recording, progress: OnProgress) -> Voices:
        told = recording.details.speakers
        settings = f"{self.diarizer.name}|{told}"
        key = layout.voices(recording.id, hashlib.sha256(settings.encode()).hexdigest()[:16])

        def make() -> Voices:
            turns = self.diarizer.diarize(self._sound(recording.id), speakers=told, on_progress=progress)
            return Voices(recording=recording.id, diarizer=self.diarizer.name, turns=tuple(turns))

        return self._made_once(recording.id, key, Voices, make)

    def _scratch_path(self, recording: RecordingId) -> Path:
        return self.scratch / f"{recording}.pcm"

    def _sound(self, identity: RecordingId) -> Sound:
        """The decoded sound, decoded once per worker; the original is checked against its hash before."""
        path = self._scratch_path(identity)
        with self.decoding:  # one writer a file; those who come second find it done
            try:
                return self.media.sound(path)
            except NotFound as absent:
                if absent.code is not Code.PATH_ABSENT:
                    raise
            original = self.library.recording(identity).original
            with proven_source(self.audio, original.key) as source:
                facts = self.media.decode(source, name=original.name, target=path)
            self._facts_path(identity).write_bytes(documents.bytes_of(facts))
            return self.media.sound(path)

    def _facts(self, recording: Recording) -> MediaFacts:
        """What the decoder found, going through all of it."""
        told = recording.original.media
        if told.examined is None:
            return told
        self._sound(recording.id)
        try:
            return MediaFacts.model_validate_json(self._facts_path(recording.id).read_bytes())
        except (OSError, ValidationError):  # this machine lost it, or was killed before it was written
            with blob_source(self.audio, recording.original.key) as source:
                return self.media.decode(source, name=recording.original.name)

    def _facts_path(self, recording: RecordingId) -> Path:
        return self._scratch_path(recording).with_suffix(".json")
