"""Both buckets of an archive with every wrapper in its place.

directory or S3  ->  metering  ->  retrying  ->  verifying                      what everybody reads and writes
                                   retrying  ->  encrypting (plain: verifying)  the same, where there is a key file
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.directory_bucket import DirectoryBucket
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring, agree
from voxpersona.adapters.blobs.metering import Meter, MeteringBlobs
from voxpersona.adapters.blobs.retrying import Budget, RetryingBlobs
from voxpersona.adapters.blobs.verifying import VerifyingBlobs
from voxpersona.model import Action, Rule
from voxpersona.ports import Blobs, Bucket
from voxpersona.settings import StoreSettings

if TYPE_CHECKING:
    from voxpersona.adapters.blobs.s3.connection import Connection

_MIB = 1 << 20


@dataclass(frozen=True)
class Bare:
    """One bucket below encryption: its blobs as they are stored, the bucket as its keeper sees it, what it cost."""

    stored: Blobs
    bucket: Bucket
    meter: Meter
    rules: Sequence[Rule]


@dataclass(frozen=True)
class Room(Bare):
    """One bucket with its blobs as everybody sees them."""

    blobs: Blobs


@dataclass(frozen=True)
class Store:
    """The two buckets of one archive. `place` tells a person, and a comparison, where they are."""

    place: str
    audio: Room
    archive: Room
    keyring: Keyring | None

    @property
    def rooms(self) -> tuple[Room, Room]:
        """The bucket of originals and the bucket of everything made from them."""
        return self.audio, self.archive


def open_bare(settings: StoreSettings | None, *, directory: Path, scratch: Path) -> tuple[Bare, Bare]:
    """Open the audio and the main bucket of the object store, or of the directory where there are no settings of one.

    Both are checked, and made where they are missing; errors are those of `Bucket.prepare`.
    """
    if settings is None:
        return _in_directory(directory / "audio"), _in_directory(directory / "main")
    connection = _connection(settings)
    audio = _in_s3(connection, settings, settings.audio_bucket_name, scratch, rules_of(settings, is_audio=True))
    return audio, _in_s3(connection, settings, settings.bucket_name, scratch, rules_of(settings, is_audio=False))


def open_store(
    place: str, bare: tuple[Bare, Bare], keyring: Keyring | None, *, scratch: Path, accept_plain: bool = True
) -> Store:
    """Put what everybody reads and writes before the bare buckets.

    Configuration MASTER_KEY_ABSENT or MASTER_KEY_WRONG where the archive was encrypted with other master keys.
    """
    for room in bare:
        agree(keyring, room.stored)
    audio, archive = (Room(**vars(room), blobs=_seen(room.stored, keyring, scratch, accept_plain)) for room in bare)
    return Store(place, audio, archive, keyring)


def place_of(settings: StoreSettings | None, directory: Path) -> str:
    """Where the store is, as a person knows it."""
    if settings is None:
        return str(directory)
    return f"{settings.url}/{settings.audio_bucket_name} + {settings.bucket_name}"


def _seen(stored: Blobs, keyring: Keyring | None, scratch: Path, accept_plain: bool) -> Blobs:
    plain = VerifyingBlobs(stored)
    if keyring is None:
        return plain
    return EncryptingBlobs(stored, keyring, plain=plain, accept_plain=accept_plain, scratch=scratch)


def _in_directory(root: Path) -> Bare:
    blobs = DirectoryBlobs(root)
    meter = Meter()
    return Bare(MeteringBlobs(blobs, meter), DirectoryBucket(blobs, root), meter, ())


def _connection(settings: StoreSettings) -> "Connection":
    # Imported here and below: boto3 takes a quarter of a second, and a directory needs none of it.
    from voxpersona.adapters.blobs.s3.connection import Connection

    return Connection(
        endpoint=settings.url,
        access_key=settings.access_key.get_secret_value(),
        secret_key=settings.secret_key.get_secret_value(),
        region=settings.region,
        ca_file=settings.ca_file,
        path_style=settings.path_style,
        connect_timeout=settings.connect_timeout,
        read_timeout=settings.read_timeout,
    )


def _in_s3(connection: "Connection", settings: StoreSettings, name: str, scratch: Path, rules: Sequence[Rule]) -> Bare:
    from voxpersona.adapters.blobs.s3.blobs import S3Blobs
    from voxpersona.adapters.blobs.s3.bucket import S3Bucket

    bucket = S3Bucket(connection, name, create=settings.create_buckets, versioning=settings.versioning)
    bucket.prepare()
    meter = Meter()
    blobs = S3Blobs(
        connection,
        name,
        abilities=cache(bucket.abilities),
        spool=scratch,
        part_size=settings.part_size_mb * _MIB,
        verified_above=True,
    )
    stored = RetryingBlobs(
        MeteringBlobs(blobs, meter),
        deadline=settings.retry_seconds,
        attempts=settings.retry_attempts,
        budget=Budget(),
        verified_above=True,
    )
    return Bare(stored, bucket, meter, rules)


def rules_of(settings: StoreSettings, *, is_audio: bool) -> tuple[Rule, ...]:
    """The lifecycle rules that the settings ask for in one of the buckets."""
    rules = []
    if settings.abandon_uploads_days is not None:
        rules.append(Rule(action=Action.ABANDON, days=settings.abandon_uploads_days))
    if is_audio:
        if settings.move_originals_days is not None:
            rules.append(
                Rule(
                    action=Action.MOVE,
                    days=settings.move_originals_days,
                    kind="original",
                    target=settings.move_originals_to,
                )
            )
        if settings.expire_originals_days is not None:
            rules.append(Rule(action=Action.EXPIRE, days=settings.expire_originals_days, kind="original"))
    elif settings.expire_derived_days is not None:
        rules += [Rule(action=Action.EXPIRE, days=settings.expire_derived_days, kind=kind) for kind in _DERIVED]
    return tuple(rules)


_DERIVED = ("piece", "voices", "sound", "peaks")
"""What can be made again from the originals; transcripts and reports are results, and stay."""
