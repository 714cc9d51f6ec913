"""What every place behind a store promises to its keeper (ports.Bucket), over directories and S3 servers.

On a server it acts as the user that the product's own policy allows, setting up included.
"""

import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers.minio import NEEDS_MINIO
from tests.servers.s3 import S3Server
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.directory_bucket import DirectoryBucket
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.s3.policy import policy
from voxpersona.errors import Code, Configuration
from voxpersona.model import Action, Checksum, Rule
from voxpersona.ports import Bucket

PROCESSES = 8

EXPIRE = Rule(action=Action.EXPIRE, days=30, kind="report")
MOVE = Rule(action=Action.MOVE, days=90, kind="original", target="COLD")

_PREPARE = """
import os, sys
from pathlib import Path
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.directory_bucket import DirectoryBucket
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.s3.connection import Connection

def prepare(processes, where, *connection):
    if connection:
        bucket = S3Bucket(Connection(*connection), where)
        os.read(gate, 1)
    else:
        os.read(gate, 1)
        bucket = DirectoryBucket(DirectoryBlobs(Path(where)), Path(where))
    bucket.prepare()

gate, closed_when_all_are_there = os.pipe()
children = []
for _ in range(int(sys.argv[1])):
    child = os.fork()
    if child == 0:
        os.close(closed_when_all_are_there)
        prepare(*sys.argv[1:])
        sys.exit(0)
    children.append(child)
os.close(closed_when_all_are_there)
sys.exit(sum(os.waitpid(child, 0)[1] != 0 for child in children))
"""


@dataclass(frozen=True)
class Place:
    """A place and what a test must know of it."""

    bucket: Bucket
    arguments: tuple[str, ...]
    """For processes of their own that prepare it."""
    begin: Callable[[str], None]
    """Leaves half a write there, of the four bytes `half`."""
    remains: Callable[[], list[str]]
    """All that lies there, ours and others'."""
    can: Mapping[str, object]


def in_directory(path: Path) -> Place:
    root = path / "store"

    def begin(key: str) -> None:
        (root / ".voxpersona/incoming" / key).write_bytes(b"half")

    def remains() -> list[str]:
        return [str(found) for found in root.rglob("*") if found.is_file() and found.parent.name != "locks"]

    can = {"server": "directory", "create_only": True, "checksum": Checksum.SHA256, "tags": False, "lifecycle": False}
    return Place(DirectoryBucket(DirectoryBlobs(root), root), (str(root),), begin, remains, can)


def on_server(server: S3Server, can: Mapping[str, object]) -> Place:
    name = f"new-{secrets.token_hex(4)}"
    keys = server.user(policy([name], setup=True))

    def begin(key: str) -> None:
        upload = server.keeper.create_multipart_upload(Bucket=name, Key=key)["UploadId"]
        server.keeper.upload_part(Bucket=name, Key=key, UploadId=upload, PartNumber=1, Body=b"half")

    bucket = S3Bucket(server.connection(*keys), name)
    return Place(bucket, (name, server.endpoint, *keys), begin, lambda: server.keys(name), can)


MODERN = {"create_only": True, "checksum": Checksum.SHA256, "tags": True, "lifecycle": True}
OLD = {"server": "MinIO", "create_only": False, "checksum": Checksum.MD5, "tags": True, "lifecycle": False}
SERVERS = {"seaweedfs": MODERN, "juicefs": OLD, "minio_plain": {"server": "MinIO", **MODERN}}

WHERE = ["directory", "seaweedfs", "juicefs", pytest.param("minio_plain", marks=NEEDS_MINIO)]


class TestBucket:
    contract: str = "Bucket"
    subject: str = "{place}"

    @pytest.fixture(params=WHERE)
    def place(self, request: pytest.FixtureRequest, tmp_path: Path) -> Place:
        if request.param == "directory":
            return in_directory(tmp_path)
        found = request.getfixturevalue(request.param)
        return on_server(found.plain if request.param == "seaweedfs" else found, SERVERS[request.param])

    @pytest.fixture
    def bucket(self, place: Place) -> Bucket:
        place.bucket.prepare()
        return place.bucket

    def test_preparing_again_is_no_error(self, bucket: Bucket) -> None:
        bucket.prepare()
        assert bucket.unfinished() == [] == [*bucket.rules()]

    def test_many_processes_that_prepare_at_once_all_succeed(self, place: Place) -> None:
        command = [sys.executable, "-c", _PREPARE, str(PROCESSES), *place.arguments]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")
        place.bucket.prepare()

    def test_the_probe_tells_what_the_store_does_and_leaves_nothing(self, place: Place, bucket: Bucket) -> None:
        before = place.remains()
        found = bucket.abilities()
        assert {name: getattr(found, name) for name in place.can} == place.can
        assert found.server
        assert found.versioning is False
        assert abs(found.clock_skew) < 5
        assert place.remains() == before
        assert bucket.unfinished() == []

    def test_a_write_that_broke_off_is_found_and_abandoned(self, place: Place, bucket: Bucket) -> None:
        for name in ("one", "two"):
            place.begin(name)
        found = bucket.unfinished()
        assert sorted(left.key.rpartition("/")[2] for left in found) == ["one", "two"]
        assert [left.stored for left in found] == [4, 4]
        assert [left.begun_at for left in found] == sorted(left.begun_at for left in found)
        assert len({left.upload for left in found} - {""}) == 2
        assert bucket.abandon(0) == 2
        assert bucket.unfinished() == []
        assert bucket.abandon(0) == 0

    def test_a_young_write_is_left_alone(self, place: Place, bucket: Bucket) -> None:
        place.begin("one")
        assert bucket.abandon(3600) == 0
        assert len(bucket.unfinished()) == 1

    def test_rules_stand_as_they_were_applied_or_are_refused(self, place: Place, bucket: Bucket) -> None:
        bucket.apply([])
        if place.can["lifecycle"]:
            bucket.apply([EXPIRE])
            bucket.apply([EXPIRE])
            assert [*bucket.rules()] == [EXPIRE]
        else:
            with pytest.raises(Configuration) as caught:
                bucket.apply([EXPIRE])
            assert caught.value.code is Code.LIFECYCLE_UNSUPPORTED
            assert caught.value.facts["bucket"] == bucket.name
            assert "expire" in str(caught.value.facts["rule"])
        bucket.apply([])
        assert [*bucket.rules()] == []

    def test_a_rule_that_cannot_be_had_is_named_and_changes_nothing(self, place: Place, bucket: Bucket) -> None:
        standing = [EXPIRE] if place.can["lifecycle"] else []
        bucket.apply(standing)
        with pytest.raises(Configuration) as caught:
            bucket.apply([Rule(action=Action.EXPIRE, days=5, kind="piece"), MOVE] if standing else [MOVE])
        assert caught.value.code is Code.LIFECYCLE_UNSUPPORTED
        assert str(caught.value.facts["rule"]).startswith(("voxpersona-move-original-90", "move"))
        assert [*bucket.rules()] == standing

    def test_room_is_told_or_it_is_said_that_it_is_not_known(self, bucket: Bucket) -> None:
        room = bucket.free_bytes()
        assert room is None or room > 0
