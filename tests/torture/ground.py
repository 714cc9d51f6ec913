"""What a run stands on: a real S3 server behind the fault proxy, a database, a transcription server, the program."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.program import Program
from tests.servers.minio import binary, running_minio
from tests.servers.postgres import PostgresServer, binaries, running_server
from tests.servers.proxy import Proxy, proxied
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import running_seaweedfs
from tests.servers.tls import make_authority
from tests.torture.disk import Disk, new_disk
from tests.torture.programs import Zygote, zygote
from tests.torture.speech import Speech, torture_speech

SQLITE, POSTGRESQL = "sqlite", "postgresql"
AT_ONCE = 2
"""How many pieces are sent to the transcription server at a time."""


@dataclass
class Clock:
    """Programs whose clock can be set while they run."""

    program: Zygote
    file: Path

    def set(self, seconds: int) -> None:
        """So far ahead of the true time."""
        fresh = self.file.with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        fresh.replace(self.file)


@dataclass
class Ground:
    """`kept_at` is the database as the checker reads it. The disks are those of the data directory, of the store and
    of PostgreSQL."""

    kept_at: str
    server: S3Server
    proxy: Proxy
    audio: str
    main: str
    speech: Speech
    postgres: PostgresServer | None
    program: Zygote
    environment: Mapping[str, str]
    data_disk: Disk
    store_disk: Disk
    postgres_disk: Disk | None
    base: Path

    @property
    def inbox(self) -> Path:
        return self.base / "inbox"

    @property
    def logs(self) -> Path:
        return self.base / "logs"

    @contextmanager
    def clock(self) -> Iterator[Clock]:
        file = self.base / "clock"
        file.write_text("+0\n")
        faked = {
            "LD_PRELOAD": str(_faketime()),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        with zygote(self.logs / "clock", **faked) as program:
            yield Clock(program, file)


@contextmanager
def ground(database: str, store: str, base: Path) -> Iterator[Ground]:
    """A new one, gone afterwards but for what stands in `base`."""
    base.chmod(0o755)  # PostgreSQL may run as somebody else
    (base / "inbox").mkdir()
    data_disk, store_disk = new_disk(base / "data"), new_disk(base / "store")
    with ExitStack() as running:
        server = running.enter_context(_store(store, store_disk.path, base))
        proxy = running.enter_context(proxied(server))
        speech = running.enter_context(torture_speech())
        audio, main = server.bucket(), server.bucket()
        named: dict[str, str] = {}
        postgres = postgres_disk = None
        kept_at = str(data_disk.path / "data" / "voxpersona.db")
        if database == POSTGRESQL:
            programs = binaries()
            if programs is None:
                raise RuntimeError("no PostgreSQL on this machine")
            postgres_disk = new_disk(base / "pg")
            postgres = running.enter_context(running_server(programs, under=postgres_disk.path))
            url = running.enter_context(postgres.database())
            kept_at = named["VOXPERSONA_DATABASE_URL"] = url.replace("+psycopg", "")
        environment = Program(
            data_disk.path / "data",
            MINIO_ENDPOINT=proxy.server.endpoint,
            MINIO_ACCESS_KEY=server.access_key,
            MINIO_SECRET_KEY=server.secret_key,
            MINIO_AUDIO_BUCKET_NAME=audio,
            MINIO_BUCKET_NAME=main,
            MINIO_PART_SIZE_MB="5",
            # Impatient: what is waited for for minutes in real life is to happen often here.
            MINIO_RETRY_ATTEMPTS="3",
            MINIO_RETRY_SECONDS="8",
            MINIO_CONNECT_TIMEOUT="2",
            MINIO_READ_TIMEOUT="8",
            VOXPERSONA_TRANSCRIBER_URL=speech.url,
            VOXPERSONA_TRANSCRIBER_TIMEOUT="4",
            VOXPERSONA_TRANSCRIBER_AT_ONCE=str(AT_ONCE),
            VOXPERSONA_THREADS="1",
            OPENBLAS_NUM_THREADS="1",
            OMP_NUM_THREADS="1",
            **named,
        ).environment
        program = running.enter_context(zygote(base / "logs"))
        yield Ground(
            kept_at=kept_at,
            server=server,
            proxy=proxy,
            audio=audio,
            main=main,
            speech=speech,
            postgres=postgres,
            program=program,
            environment=environment,
            data_disk=data_disk,
            store_disk=store_disk,
            postgres_disk=postgres_disk,
            base=base,
        )
        if postgres is not None and not postgres.is_running():
            postgres.start()  # so that its database can be removed


@contextmanager
def _store(name: str, under: Path, base: Path) -> Iterator[S3Server]:
    if name == "seaweedfs":
        certificates = base / "tls"
        certificates.mkdir()
        with running_seaweedfs(make_authority(certificates), under=under) as both:
            yield both.plain
        return
    built = binary()
    if built is None:
        raise RuntimeError("no MinIO on this machine: scripts/build-minio makes one, or SERVER=seaweedfs")
    with running_minio(built, under=under) as server:
        yield server


def _faketime() -> Path:
    """What answers when a program asks for the time. Only the library of the package is wanted, none of its Python."""
    found = find_spec("libfaketime")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name("vendor") / "libfaketime" / "src" / "libfaketime.so.1"
