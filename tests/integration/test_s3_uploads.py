"""Uploads to real servers: gone on with after a kill, with flat memory, whatever is known of the bytes beforehand."""

import hashlib
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.builders_blobs import MIB, content_of, keys_of, some_bytes
from tests.integration.s3_process import DIGEST, LARGE, PART, pieces, until
from tests.servers.faults import Answer, Fault, FlipRequest, LoseAnswer, Rewrite
from tests.servers.minio import NEEDS_MINIO
from tests.servers.proxy import Proxy, proxied
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS
from voxpersona.adapters.blobs.s3 import relabelling
from voxpersona.adapters.blobs.s3.blobs import S3Blobs
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.s3.metadata import Wanted
from voxpersona.adapters.blobs.s3.objects import Objects
from voxpersona.errors import Code, Configuration, Integrity, NotFound, Unavailable
from voxpersona.model import Abilities

MARKS = ".voxpersona/uploads/"


@dataclass(frozen=True)
class Place:
    """A bucket of a server, and the way there through a proxy that counts."""

    server: S3Server
    proxy: Proxy
    bucket: str
    spool: Path
    abilities: Callable[[], Abilities]
    """Asked once, and not through the proxy: the probe's own writes are no part of what is counted."""

    def blobs(self, server: S3Server | None = None) -> S3Blobs:
        connection = (server or self.server).connection()
        return S3Blobs(
            connection, self.bucket, abilities=self.abilities, spool=self.spool, part_size=PART, concurrency=2
        )

    @property
    def watched(self) -> S3Blobs:
        """Behind the proxy."""
        return self.blobs(self.proxy.server)

    def uploads(self, key: str) -> list[str]:
        found = self.server.keeper.list_multipart_uploads(Bucket=self.bucket, Prefix=key).get("Uploads", [])
        return [upload["UploadId"] for upload in found]

    def held(self, key: str) -> int:
        """Bytes of finished parts of the one unfinished upload."""
        (upload,) = self.uploads(key)
        parts = self.server.keeper.list_parts(Bucket=self.bucket, Key=key, UploadId=upload).get("Parts", [])
        return sum(part["Size"] for part in parts)

    def sent(self) -> int:
        """Bytes of parts that went through the proxy."""
        return sum(seen.body for seen in self.proxy.seen if seen.method == "PUT" and "partNumber" in seen.target)

    def is_tidy(self, key: str) -> bool:
        """No upload is left, no mark of one, no spool file."""
        marks = [found for found in self.server.keys(self.bucket) if found.startswith(MARKS)]
        spooled = list(self.spool.iterdir()) if self.spool.exists() else []
        return (self.uploads(key), marks, spooled) == ([], [], [])


@pytest.fixture(params=["seaweedfs", "juicefs", pytest.param("minio_plain", marks=NEEDS_MINIO)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    found = request.getfixturevalue(request.param)
    with opened(found.plain if isinstance(found, SeaweedFS) else found, tmp_path) as place:
        yield place


@contextmanager
def opened(server: S3Server, path: Path) -> Iterator[Place]:
    bucket = server.bucket()
    abilities = cache(S3Bucket(server.connection(), bucket).abilities)
    with proxied(server) as proxy:
        yield Place(server, proxy, bucket, path / "spool", abilities)


def key() -> str:
    return f"recordings/{secrets.token_hex(4)}/original/a.ogg"


def put_large(blobs: S3Blobs, name: str, content: list[bytes] | Iterator[bytes] | None = None) -> None:
    facts = blobs.put(
        name, pieces() if content is None else content, sha256=DIGEST, size=len(LARGE), metadata={"kind": "original"}
    )
    assert (facts.sha256, facts.size, facts.metadata) == (DIGEST, len(LARGE), {"kind": "original"})


def _process(program: str, place: Place, name: str, *more: str) -> "subprocess.CompletedProcess[str]":
    server = place.server
    return subprocess.run(
        [
            *(sys.executable, "-m", f"tests.integration.{program}"),
            *(server.endpoint, server.access_key, server.secret_key, place.bucket, name, *more),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


# Gone on with


def test_a_killed_upload_is_gone_on_with_by_another_process(place: Place) -> None:
    name = key()
    assert _process("s3_process", place, name).returncode == -signal.SIGKILL
    assert keys_of(place.blobs()) == []
    held = place.held(name)
    assert held >= 2 * PART
    put_large(place.watched, name)
    assert place.sent() == len(LARGE) - held
    assert content_of(place.blobs(), name) == LARGE
    assert place.is_tidy(name)


def test_an_upload_whose_source_broke_is_gone_on_with(place: Place) -> None:
    name = key()

    def broken() -> None:
        raise ConnectionResetError("the sender went away")

    with pytest.raises(ConnectionResetError):
        put_large(place.blobs(), name, until(4 * PART - 1, broken))
    assert keys_of(place.blobs()) == []
    held = place.held(name)
    assert held >= PART
    put_large(place.watched, name, iter(pieces()))
    assert place.sent() == len(LARGE) - held
    assert place.is_tidy(name)


def test_an_upload_that_the_store_refused_halfway_is_gone_on_with(place: Place) -> None:
    name = key()
    place.proxy.plan.append(Fault(Answer(507, "XMinioStorageFull"), method="PUT", target="partNumber=4", times=None))
    with pytest.raises(Unavailable) as caught:
        put_large(place.watched, name)
    assert caught.value.code is Code.NO_SPACE
    held = place.held(name)
    assert held >= PART
    place.proxy.plan.clear()
    place.proxy.seen.clear()
    put_large(place.watched, name)
    assert place.sent() == len(LARGE) - held
    assert place.is_tidy(name)


def test_an_upload_of_other_bytes_is_not_gone_on_with(place: Place) -> None:
    name = key()
    assert _process("s3_process", place, name).returncode == -signal.SIGKILL
    other = some_bytes(len(LARGE), seed=9)
    place.watched.put(name, pieces(other), sha256=hashlib.sha256(other).hexdigest(), size=len(other))
    assert place.sent() == len(other)
    assert content_of(place.blobs(), name) == other


def test_an_upload_with_other_labels_is_not_gone_on_with(place: Place) -> None:
    name = key()
    assert _process("s3_process", place, name).returncode == -signal.SIGKILL
    labels = {"kind": "original", "source": "web"}
    facts = place.watched.put(name, pieces(), sha256=DIGEST, size=len(LARGE), metadata=labels)
    assert facts.metadata == labels
    assert place.sent() == len(LARGE)


def test_an_upload_that_was_abandoned_meanwhile_is_begun_anew(place: Place) -> None:
    name = key()
    assert _process("s3_process", place, name).returncode == -signal.SIGKILL
    for upload in place.uploads(name):
        place.server.keeper.abort_multipart_upload(Bucket=place.bucket, Key=name, UploadId=upload)
    put_large(place.watched, name)
    assert place.sent() == len(LARGE)
    assert content_of(place.blobs(), name) == LARGE
    assert place.is_tidy(name)


def test_a_mark_that_makes_no_sense_is_no_obstacle(place: Place) -> None:
    name = key()
    assert _process("s3_process", place, name).returncode == -signal.SIGKILL
    (mark,) = [found for found in place.server.keys(place.bucket) if found.startswith(MARKS)]
    place.server.keeper.put_object(Bucket=place.bucket, Key=mark, Body=b"{")
    put_large(place.blobs(), name)
    assert content_of(place.blobs(), name) == LARGE


def test_two_that_upload_the_same_at_once_both_end_well(place: Place) -> None:
    name = key()
    together = threading.Barrier(2)
    errors: list[BaseException] = []

    def meet() -> None:
        together.wait()

    def upload() -> None:
        try:
            put_large(place.blobs(), name, until(3 * PART, meet))
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test shall say so
            errors.append(error)

    threads = [threading.Thread(target=upload) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert content_of(place.blobs(), name) == LARGE
    assert keys_of(place.blobs()) == [name]


def test_an_upload_that_another_completed_is_a_success_of_both(place: Place) -> None:
    name = key()
    put_large(place.blobs(), name, until(3 * PART, lambda: put_large(place.blobs(), name)))
    assert content_of(place.blobs(), name) == LARGE
    assert place.is_tidy(name)


def test_an_upload_that_another_completed_is_still_checked_to_its_end(place: Place) -> None:
    name = key()
    wrong = [*pieces(LARGE[:-1]), b"?"]

    def parts() -> Iterator[bytes]:
        for number, piece in enumerate(wrong):
            if number == len(wrong) // 2:
                put_large(place.blobs(), name)
            yield piece

    with pytest.raises(Integrity) as caught:
        put_large(place.blobs(), name, parts())
    assert caught.value.code is Code.BLOB_CORRUPT
    assert content_of(place.blobs(), name) == LARGE


# What is announced, and what is not


@pytest.mark.parametrize("size", [len(LARGE), len(LARGE) - 1, len(LARGE) + 1])
def test_bytes_that_turn_out_wrong_at_the_end_leave_nothing(place: Place, size: int) -> None:
    name = key()
    wrong = [*pieces(LARGE[:-1]), b"?"]
    with pytest.raises(Integrity) as caught:
        place.blobs().put(name, iter(wrong), sha256=DIGEST, size=size)
    assert caught.value.code is Code.BLOB_CORRUPT
    assert place.server.keys(place.bucket) == []
    assert place.is_tidy(name)


def test_large_content_that_can_be_had_again_is_not_spooled(place: Place) -> None:
    passes = 0

    class Again:
        def __iter__(self) -> Iterator[bytes]:
            nonlocal passes
            passes += 1
            return iter(pieces())

    name = key()
    assert place.blobs().put(name, Again()).sha256 == DIGEST
    assert passes == 2
    assert not place.spool.exists()
    assert content_of(place.blobs(), name) == LARGE


def test_large_content_that_changes_between_its_passes_leaves_nothing(place: Place) -> None:
    class Changing:
        content = LARGE

        def __iter__(self) -> Iterator[bytes]:
            found, Changing.content = Changing.content, LARGE[:-1] + b"?"
            return iter(pieces(found))

    name = key()
    with pytest.raises(Integrity) as caught:
        place.blobs().put(name, Changing())
    assert caught.value.code is Code.BLOB_CORRUPT
    assert place.server.keys(place.bucket) == []
    assert place.is_tidy(name)


@pytest.mark.parametrize("told", [{}, {"size": len(LARGE)}, {"sha256": DIGEST}])
def test_large_content_that_comes_once_is_spooled_where_nobody_else_can_read_it(
    place: Place, told: dict[str, object]
) -> None:
    name = key()
    modes: list[int] = []

    def parts() -> Iterator[bytes]:
        for piece in pieces():
            modes.extend(_modes_of_open_files(place.spool))
            yield piece

    assert place.blobs().put(name, parts(), **told).sha256 == DIGEST  # type: ignore[arg-type]  # a choice of arguments
    assert set(modes) == {0o600}
    assert place.spool.stat().st_mode & 0o777 == 0o700
    assert content_of(place.blobs(), name) == LARGE
    assert place.is_tidy(name)


def _modes_of_open_files(folder: Path) -> list[int]:
    modes = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            if str(descriptor.readlink()).startswith(f"{folder}/"):
                modes.append(descriptor.stat().st_mode & 0o777)
        except FileNotFoundError:  # the one that lists them
            continue
    return modes


def test_what_stands_already_is_not_sent_again(place: Place) -> None:
    name = key()
    put_large(place.blobs(), name)
    place.proxy.seen.clear()
    put_large(place.watched, name)
    other = some_bytes(len(LARGE), seed=9)
    with pytest.raises(Integrity) as caught:
        place.watched.put(name, pieces(other), sha256=hashlib.sha256(other).hexdigest(), size=len(other))
    assert caught.value.code is Code.BLOB_CONFLICT
    assert place.proxy.sent("PUT") == 0
    assert content_of(place.blobs(), name) == LARGE


# Answers that got lost, and bytes that were changed


@pytest.mark.parametrize(
    ("method", "target", "content"),
    [("PUT", r"a\.ogg$", b"small" * 100), ("POST", "uploadId=", LARGE)],
    ids=["small", "large"],
)
def test_a_write_whose_answer_was_lost_is_found_out_to_have_worked(
    place: Place, method: str, target: str, content: bytes
) -> None:
    name = key()
    place.proxy.plan.append(Fault(LoseAnswer(), method=method, target=target, times=None))
    facts = place.watched.put(name, pieces(content))
    assert facts.sha256 == hashlib.sha256(content).hexdigest()
    assert content_of(place.blobs(), name) == content
    assert place.is_tidy(name)


@pytest.mark.parametrize("content", [b"small" * 100, LARGE], ids=["small", "large"])
def test_a_write_that_never_came_through_is_not_taken_for_one_that_did(place: Place, content: bytes) -> None:
    name = key()
    blobs = place.watched
    place.proxy.plan.append(Fault(Answer(503, "SlowDown", (("Retry-After", "1"),)), target=r"a\.ogg", times=None))
    with pytest.raises(Unavailable) as caught:
        blobs.put(name, pieces(content))
    assert caught.value.code is Code.STORE_UNAVAILABLE
    place.proxy.plan.clear()
    assert keys_of(place.blobs()) == []


@pytest.mark.parametrize("content", [b"small" * 100, LARGE], ids=["small", "large"])
def test_a_byte_changed_on_its_way_never_becomes_visible(place: Place, content: bytes) -> None:
    name = key()
    blobs = place.watched
    place.proxy.plan.append(Fault(FlipRequest(7), method="PUT", target=r"a\.ogg", times=None))
    with pytest.raises((Unavailable, Integrity)):
        blobs.put(name, pieces(content))
    assert keys_of(place.blobs()) == []


@pytest.mark.parametrize("content", [b"small" * 100, LARGE], ids=["small", "large"])
def test_a_store_that_tells_another_etag_afterwards_is_asked_for_the_bytes(place: Place, content: bytes) -> None:
    name = key()
    place.proxy.plan.append(Fault(Rewrite((("ETag", '"0123"'),)), method="HEAD", target=r"a\.ogg$", skip=0, times=None))
    facts = place.watched.put(name, pieces(content))
    assert facts.size == len(content)
    assert any(seen.method == "GET" and seen.target.endswith("a.ogg") for seen in place.proxy.seen)


# Absent, or not to be told


def test_a_404_of_a_stranger_is_not_absence(place: Place) -> None:
    place.blobs().put("a", [b"x"])
    place.proxy.plan.append(Fault(Answer(404), target="/a$", times=None))
    for call in (place.watched.stat, place.watched.read):
        with pytest.raises(Unavailable) as caught:
            call("a")
        assert caught.value.code is Code.STORE_UNAVAILABLE


def test_a_bucket_that_is_gone_is_not_an_absent_blob(place: Place) -> None:
    blobs = place.blobs()
    place.server.keeper.delete_bucket(Bucket=place.bucket)
    calls: list[Callable[[], object]] = [lambda: blobs.stat("a"), lambda: blobs.read("a"), lambda: keys_of(blobs)]
    for call in calls:
        with pytest.raises(Configuration) as caught:
            call()
        assert caught.value.code is Code.STORE_BUCKET
    place.server.keeper.create_bucket(Bucket=place.bucket)


def test_wrong_keys_are_told_from_missing_permission(place: Place) -> None:
    wrong = S3Blobs(place.server.connection(secret_key="not-the-secret-key"), place.bucket)
    calls: list[Callable[[], object]] = [
        lambda: wrong.stat("a"),
        lambda: wrong.read("a"),
        lambda: wrong.put("a", [b"x"]),
        lambda: keys_of(wrong),
        lambda: wrong.delete("a"),
    ]
    for call in calls:
        with pytest.raises(Configuration) as caught:
            call()
        assert caught.value.code is Code.STORE_KEYS


# Objects of others


def test_an_object_of_somebody_else_is_told_from_a_blob_and_adopted_by_a_put_of_its_bytes(place: Place) -> None:
    place.server.keeper.put_object(Bucket=place.bucket, Key="a/b", Body=b"theirs", Metadata={"made-by": "another"})
    blobs = place.blobs()
    for call in (blobs.stat, blobs.read):
        with pytest.raises(Integrity) as caught:
            call("a/b")
        assert caught.value.code is Code.BLOB_CORRUPT
    assert keys_of(blobs) == ["a/b"]
    with pytest.raises(Integrity) as caught:
        blobs.put("a/b", [b"ours"])
    assert caught.value.code is Code.BLOB_CONFLICT
    facts = blobs.put("a/b", [b"theirs"], content_type="text/plain", metadata={"kind": "original"})
    assert (facts.content_type, facts.metadata) == ("text/plain", {"kind": "original"})
    assert content_of(blobs, "a/b") == b"theirs"


def test_folders_and_odd_names_of_others_do_not_disturb_a_listing(place: Place) -> None:
    blobs = place.blobs()
    blobs.put("a/b", [b"x"])
    for odd in ("marked/", "100%.mp3"):
        place.server.keeper.put_object(Bucket=place.bucket, Key=odd, Body=b"")
    assert keys_of(blobs) == ["a/b"]


def test_a_blob_too_large_for_one_copy_is_relabelled_in_parts(place: Place) -> None:
    name = key()
    put_large(place.blobs(), name)
    objects = Objects(place.server.connection(), place.bucket)
    wanted = Wanted(name, len(LARGE), DIGEST, "audio/ogg", {"kind": "derived"})
    facts = relabelling.relabel(objects, wanted, {"kind": "derived"}, were={"kind": "original"}, largest=PART)
    assert (facts.metadata, facts.content_type) == ({"kind": "derived"}, "audio/ogg")
    assert content_of(place.blobs(), name) == LARGE
    tags = place.server.keeper.get_object_tagging(Bucket=place.bucket, Key=name)["TagSet"]
    assert tags == [{"Key": "kind", "Value": "derived"}]


def test_the_kind_is_a_tag_however_a_blob_came_and_after_it_was_relabelled(place: Place) -> None:
    blobs = place.blobs()
    put_large(blobs, "large")
    blobs.put("small", [b"x"], metadata={"kind": "original", "source": "web"})

    def kinds() -> list[dict[str, str]]:
        keeper = place.server.keeper
        found = [keeper.get_object_tagging(Bucket=place.bucket, Key=name)["TagSet"] for name in ("large", "small")]
        return [{tag["Key"]: tag["Value"] for tag in tags} for tags in found]

    assert kinds() == [{"kind": "original"}] * 2
    for name in ("large", "small"):
        blobs.relabel(name, {"kind": "derived"})
    assert kinds() == [{"kind": "derived"}] * 2
    for name in ("large", "small"):
        blobs.relabel(name, {"source": "web"})
    assert kinds() == [{}, {}]


def test_what_is_relabelled_must_be_there(place: Place) -> None:
    with pytest.raises(NotFound):
        place.blobs().relabel("a", {})


# Memory


def test_two_gigabytes_go_up_and_come_down_in_flat_memory(seaweedfs: SeaweedFS, tmp_path: Path) -> None:
    with opened(seaweedfs.plain, tmp_path) as place:
        done = _process("s3_flat", place, "large", "2048")
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) < 200 * MIB
        assert place.is_tidy("large")
