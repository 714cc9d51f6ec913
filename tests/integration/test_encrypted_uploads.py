"""Encryption over a real S3 server: an upload that was broken off is gone on with, and the labels fit."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders_blobs import MIB, content_of, some_bytes
from tests.contracts.blobs_on_s3 import Place, place_on
from tests.servers.s3 import S3Server
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring, agree
from voxpersona.adapters.blobs.rewrapping import census, rewrap

CONTENT = some_bytes(40 * MIB)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def place(juicefs: S3Server, tmp_path: Path) -> Place:
    return place_on(juicefs, tmp_path / "spool")


@pytest.fixture
def keys(tmp_path: Path, place: Place) -> Path:
    agree(Keyring.generate(tmp_path / "keys.json"), place.blobs)
    return tmp_path / "keys.json"


def encrypting(place: Place, keys: Path) -> EncryptingBlobs:
    """As a new process has it."""
    keyring = Keyring(keys)
    agree(keyring, place.blobs)
    return EncryptingBlobs(place.blobs, keyring, plain=place.blobs)


class Breaking:
    """Content that breaks off in its second reading, which is the one that is sent."""

    def __init__(self) -> None:
        self.passes = 0

    def __iter__(self) -> Iterator[bytes]:
        self.passes += 1
        for at in range(0, len(CONTENT), MIB):
            if self.passes == 2 and at == 36 * MIB:
                raise ConnectionResetError
            yield CONTENT[at : at + MIB]


def test_an_upload_that_was_broken_off_is_gone_on_with_by_another_process(place: Place, keys: Path) -> None:
    metadata = {"kind": "original", "name": "Интервью.mp3"}
    with pytest.raises(ConnectionResetError):
        encrypting(place, keys).put("a/b", Breaking(), sha256=SHA256, size=len(CONTENT), metadata=metadata)
    begun = place.server.keeper.list_multipart_uploads(Bucket=place.bucket, Prefix="a/b")["Uploads"]
    blobs = encrypting(place, keys)
    facts = blobs.put("a/b", [CONTENT], sha256=SHA256, size=len(CONTENT), metadata=metadata)
    assert (facts.sha256, facts.metadata) == (SHA256, metadata)
    assert content_of(blobs, "a/b") == CONTENT
    assert len(begun) == 1  # and it was that one which became the blob: nothing is left over
    left = place.server.keeper.list_multipart_uploads(Bucket=place.bucket, Prefix="a/b")
    assert "Uploads" not in left


@pytest.mark.parametrize(
    "metadata", [{"name": "\x01" * 596}, {"name": "щ" * 298}, {"kind": "original", "n": "%" * 580}]
)
def test_all_metadata_the_port_allows_is_kept(place: Place, keys: Path, metadata: dict[str, str]) -> None:
    blobs = encrypting(place, keys)
    assert blobs.put("a", [b"x"], content_type="audio/mpeg", metadata=metadata) == blobs.stat("a")
    assert blobs.stat("a").metadata == metadata


def test_rotation_leaves_the_blobs_where_they_are(place: Place, keys: Path) -> None:
    blobs = encrypting(place, keys)
    for number in range(3):
        blobs.put(f"a/{number}", [CONTENT[:MIB]], metadata={"kind": "original"})
    before = [(listed.key, listed.stored) for listed in blobs.list()]
    keyring = Keyring(keys)
    keyring.rotate()
    agree(keyring, place.blobs)
    assert rewrap(place.blobs, keyring) == 3
    assert census(place.blobs).under == {"k2": 3}
    assert [(listed.key, listed.stored) for listed in blobs.list()] == before
    assert content_of(blobs, "a/1") == CONTENT[:MIB]  # the running process finds the new key by itself
