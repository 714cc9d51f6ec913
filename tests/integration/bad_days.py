"""The store behind a fault proxy, every wrapper before it, and what must hold after a bad day."""

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.loaders import create_loader

from tests.builders_blobs import MIB, content_of, some_bytes
from tests.builders_wrappers import retrying
from tests.servers.faults import Act, Fault, Rewrite
from tests.servers.proxy import Proxy, proxied
from tests.servers.s3 import S3Server
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.blobs.metering import Meter, MeteringBlobs
from voxpersona.adapters.blobs.s3.blobs import S3Blobs
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.verifying import VerifyingBlobs
from voxpersona.doors.texts import explain
from voxpersona.errors import Code, VoxPersonaError
from voxpersona.model import Abilities, BlobFacts
from voxpersona.ports import Blobs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PART = 5 * MIB
SMALL = some_bytes(20_000)
TWO_PARTS = some_bytes(PART + 20_000)
LARGE = some_bytes(11 * MIB + 7)
"""Three parts, the last one short."""

METADATA = {"kind": "original", "source": "голос №7"}
TYPE = "audio/ogg"

TRIES = 3
"""How often the clients below the port try by themselves."""

ATTEMPTS = 3
"""How often the retrying wrapper tries, each time with as many tries below."""

BARE, FULL, SEALED = "bare", "full", "sealed"
"""S3Blobs alone; with every wrapper; with every wrapper and encryption."""

OK = "ok"


@dataclass(frozen=True)
class Blob:
    """A blob as it shall stand."""

    content: bytes
    key: str = field(default_factory=lambda: f"recordings/{secrets.token_hex(6)}/original/a.ogg")
    metadata: Mapping[str, str] = field(default_factory=lambda: METADATA)

    @property
    def folder(self) -> str:
        return self.key.rpartition("/")[0]

    @property
    def itself(self) -> str:
        """The pattern of requests for the object as a whole."""
        return f"/{re.escape(self.key)}$"

    @property
    def upload(self) -> str:
        """The pattern of requests for an upload of it in parts."""
        return rf"/{re.escape(self.key)}\?"

    def put(self, blobs: Blobs) -> BlobFacts:
        parts = [self.content[at : at + MIB] for at in range(0, len(self.content), MIB)]
        return blobs.put(self.key, parts, content_type=TYPE, metadata=self.metadata)


@dataclass(frozen=True)
class Place:
    """A bucket: the direct way to it, of its keeper, and the way through the proxy, of the product."""

    server: S3Server
    proxy: Proxy
    bucket: str
    path: Path
    abilities: Callable[[], Abilities]
    keyring: Keyring

    def bare(self, *, verified_above: bool = False, **changes: Any) -> S3Blobs:
        """A new one, as a new process has it. `changes` are fields of its connection."""
        return S3Blobs(
            self.proxy.server.connection(**changes),
            self.bucket,
            abilities=self.abilities,
            spool=self.path / "spool",
            part_size=PART,
            verified_above=verified_above,
        )

    def blobs(self, stack: str, **changes: Any) -> Blobs:
        """The store as the house wires it; the pauses between tries take no time."""
        if stack == BARE:
            return self.bare(**changes)
        metering = MeteringBlobs(self.bare(verified_above=True, **changes), Meter())
        stored = retrying(metering, attempts=ATTEMPTS, verified_above=True)
        verifying = VerifyingBlobs(stored)
        if stack == FULL:
            return verifying
        return EncryptingBlobs(stored, self.keyring, plain=verifying, scratch=self.path)

    @cached_property
    def keeper(self) -> S3Bucket:
        """What the product sees of leftovers, past the proxy."""
        return S3Bucket(self.server.connection(), self.bucket)

    def strike(self, act: Act, method: str, target: str, *, times: int | None = 1, skip: int = 0) -> Fault:
        """Plan a fault, and nothing else."""
        fault = Fault(act, method=method, target=target, times=times, skip=skip)
        self.proxy.plan[:] = [fault]
        return fault

    def calm(self) -> None:
        """The bad day is over; what was seen so far is forgotten."""
        self.proxy.plan.clear()
        self.proxy.seen.clear()

    def asked(self, method: str, target: str) -> int:
        """Requests of the kind since the last calm."""
        return sum(seen.method == method and bool(re.search(target, seen.target)) for seen in self.proxy.seen)

    # What stands there, by another hand than the product's

    @property
    def admin(self) -> "S3Client":
        return self.server.keeper

    def visible(self, below: str) -> list[str]:
        """Every object that anybody sees whose key begins so."""
        found = self.admin.list_objects_v2(Bucket=self.bucket, Prefix=below)
        return [one["Key"] for one in found.get("Contents", [])]

    def unfinished(self, key: str) -> list[str]:
        found = self.admin.list_multipart_uploads(Bucket=self.bucket, Prefix=key).get("Uploads", [])
        return [upload["UploadId"] for upload in found]

    def raw(self, key: str) -> bytes:
        return self.admin.get_object(Bucket=self.bucket, Key=key)["Body"].read()


@contextmanager
def opened(server: S3Server, path: Path) -> Iterator[Place]:
    """A new bucket of the server, behind a new proxy."""
    bucket = server.bucket()
    abilities = cache(S3Bucket(server.connection(), bucket).abilities)
    with proxied(server) as proxy:
        yield Place(server, proxy, bucket, path, abilities, Keyring.generate(path / "keys.json"))


@contextmanager
def no_pauses() -> Iterator[None]:
    """boto3 waits up to two seconds between its tries, and reads its own files anew for each client. Not here."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("botocore.endpoint.time", SimpleNamespace(**vars(time) | {"sleep": lambda _seconds: None}))
        patched.setattr("botocore.loaders.create_loader", cache(create_loader))
        yield


@dataclass(frozen=True)
class Outcome:
    """`told`: OK, or the code of the error; `says`: what a person reads then."""

    told: str
    says: str = ""


def outcome_of(call: Callable[[], object]) -> Outcome:
    """An error that is not ours comes out: nothing of a vendor may pass the edge."""
    try:
        call()
    except VoxPersonaError as error:
        return Outcome(str(error.code), _told(error))
    return Outcome(OK)


def _told(error: VoxPersonaError) -> str:
    """What a person reads, in which no fact is missing."""
    says = explain(error, "en")
    assert "—" not in says, f"{says}: {error.facts}"
    return says


def assert_whole(place: Place, blobs: Blobs, blob: Blob) -> None:
    """The blob stands there once, with all its bytes and all that is known of it."""
    assert place.visible(blob.folder) == [blob.key]
    assert content_of(blobs, blob.key) == blob.content
    facts = blobs.stat(blob.key)
    found = (facts.size, dict(facts.metadata), facts.content_type)
    assert found == (len(blob.content), dict(blob.metadata), TYPE)


def assert_swept(place: Place, blob: Blob) -> None:
    """Whatever a bad day left half-done is known, and gone when it is asked for."""
    left = place.unfinished(blob.key)
    keeper = place.keeper
    assert {each.upload for each in keeper.unfinished() if each.key == blob.key} == set(left)
    keeper.abandon(0)
    assert place.unfinished(blob.key) == []
    assert place.visible(".voxpersona/uploads/") == []


UNAVAILABLE, UNREACHABLE = str(Code.STORE_UNAVAILABLE), str(Code.STORE_UNREACHABLE)
CORRUPT, ABSENT = str(Code.BLOB_CORRUPT), str(Code.BLOB_ABSENT)


@dataclass
class Meanwhile(Fault):
    """Before the request goes on, `deed` is done: by somebody else, past the proxy. It may say what happens then."""

    deed: Callable[[], Act | None] = lambda: None

    def takes(self, method: str, target: str) -> bool:
        if not super().takes(method, target):
            return False
        self.act = self.deed() or self.act
        return True


NOTHING = Rewrite(())
"""The request goes on as it is."""
