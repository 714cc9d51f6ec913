"""A process killed between parts, and a disk that is full, before real servers."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from tests.builders_blobs import MIB, content_of, some_bytes
from tests.integration.bad_days import (
    FULL,
    LARGE,
    NOTHING,
    OK,
    PART,
    SEALED,
    Blob,
    Meanwhile,
    Place,
    assert_swept,
    assert_whole,
    no_pauses,
    opened,
    outcome_of,
)
from tests.servers.kept import Start, kept
from tests.servers.minio import NEEDS_MINIO, start_minio
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS


@pytest.fixture(params=["seaweedfs", pytest.param("minio", marks=NEEDS_MINIO)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "minio":
        server: S3Server = request.getfixturevalue("minio_plain")
    else:
        weed: SeaweedFS = request.getfixturevalue("seaweedfs")
        server = weed.plain
    with no_pauses(), opened(server, tmp_path) as place:
        yield place


def _process(place: Place, blob: Blob, stack: str) -> "subprocess.Popen[bytes]":
    server = place.proxy.server
    key_file = [str(place.path / "keys.json")] if stack == SEALED else []
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.integration.store_process", server.endpoint, server.access_key),
            *(server.secret_key, place.bucket, blob.key, str(place.path), *key_file),
        ],
        cwd=Path(__file__).parents[2],
        stderr=subprocess.PIPE,
    )


def _killed_at_part_three(place: Place, blob: Blob, stack: str) -> None:
    """Two parts are with the store, of the third not a byte."""
    living: list[subprocess.Popen[bytes]] = []
    place.proxy.plan.append(
        Meanwhile(
            NOTHING,
            "PUT",
            rf"{blob.upload}.*partNumber=3(&|$)",
            deed=lambda: os.kill(living[0].pid, signal.SIGKILL),
        )
    )
    with _process(place, blob, stack) as process:
        living.append(process)
        _, said = process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL, said.decode()


def _sent(place: Place, blob: Blob) -> list[int]:
    """The lengths of the parts that were sent, since the last calm."""
    part = re.compile(f"{blob.upload}.*partNumber=")
    return [seen.body for seen in place.proxy.seen if seen.method == "PUT" and part.search(seen.target)]


@pytest.mark.parametrize("stack", [FULL, SEALED])
def test_a_killed_upload_shows_nothing_is_listed_and_gone_on_with_by_the_next_process(place: Place, stack: str) -> None:
    blob = Blob(LARGE)
    _killed_at_part_three(place, blob, stack)
    assert place.visible("recordings/") == []
    (left,) = place.keeper.unfinished()
    assert (left.key, left.stored) == (blob.key, 2 * PART)

    place.calm()
    with _process(place, blob, stack) as process:
        _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said.decode()
    sent = _sent(place, blob)
    assert len(sent) == 1, f"finished parts were sent again: {sent}"
    assert len(LARGE) - 2 * PART <= sent[0] < PART
    assert_whole(place, place.blobs(stack), blob)
    assert place.keeper.unfinished() == []
    assert stack == FULL or LARGE[:100] not in place.raw(blob.key)


def test_a_killed_upload_that_nobody_goes_on_with_is_swept_when_it_is_old(place: Place) -> None:
    blob = Blob(LARGE)
    _killed_at_part_three(place, blob, FULL)
    assert place.keeper.abandon(3600) == 0
    assert place.keeper.abandon(0) == 1
    assert place.keeper.unfinished() == []
    place.calm()
    blobs = place.blobs(FULL)
    blob.put(blobs)
    assert sum(_sent(place, blob)) >= len(LARGE)
    assert_whole(place, blobs, blob)
    assert_swept(place, blob)


# A disk that is full


@dataclass(frozen=True)
class SmallDisk:
    """A server whose disk of 128 MiB somebody else has half filled."""

    server: S3Server
    room: Path

    def make_room(self) -> None:
        """Somebody else clears up. What is deleted through MinIO would not do: for minutes it stays in a trash on the
        same disk."""
        self.room.touch()


@contextmanager
def minio_on_a_small_disk(program: Path, path: Path) -> Iterator[SmallDisk]:
    """A new server on such a disk; skips, loudly, where nobody may mount one."""
    as_root = () if os.geteuid() == 0 else ("--map-root-user",)
    before = ("unshare", "--mount", *as_root, "sh", "-c")
    mount = 'mount -t tmpfs -o size=128m tmpfs "$0" && mkdir "$0/store" || exit 1; '
    fill = 'head -c 64M /dev/zero > "$0/other"; '
    clear = 'room=$1; shift; (while [ ! -e "$room" ] && kill -0 $$; do sleep 0.1; done; rm "$0/other") & '
    room = path / "room"

    def prepare(directory: Path) -> tuple[Start, S3Server]:
        tried = subprocess.run([*before, mount + "true", directory], capture_output=True, check=False)
        if tried.returncode != 0:
            pytest.skip("A FULL DISK UNDER MINIO IS NOT TESTED HERE: this machine lets nobody mount a small one")
        start, server = start_minio(program, None, None, directory)
        command = [*before, mount + fill + clear + 'exec "$@"', directory, room, *start.command]
        return replace(start, command=command), server

    if shutil.which("unshare") is None:
        pytest.skip("A FULL DISK UNDER MINIO IS NOT TESTED HERE: there is no `unshare`")
    with kept(prepare, name="minio-small") as server:
        yield SmallDisk(server, room)


@NEEDS_MINIO
def test_a_full_disk_is_told_keeps_what_stood_and_takes_the_blob_once_there_is_room(
    minio_program: Path, tmp_path: Path
) -> None:
    with (
        no_pauses(),
        minio_on_a_small_disk(minio_program, tmp_path) as disk,
        opened(disk.server, tmp_path) as place,
    ):
        blobs = place.blobs(FULL)
        ballast = [Blob(some_bytes(4 * MIB, seed)) for seed in range(20)]
        stood = []
        for blob in ballast:
            outcome = outcome_of(partial(blob.put, blobs))
            if outcome.told != OK:
                break
            stood.append(blob)
        else:
            pytest.fail("80 MiB went into 64")
        small, large = Blob(some_bytes(4 * MIB, 99)), Blob(LARGE)  # a smaller one might fit in what is left
        for blob in (small, large):
            place.calm()
            outcome = outcome_of(partial(blob.put, blobs))
            assert outcome.told == "no-space"
            assert f"no room left ({place.bucket})" in outcome.says
            assert place.visible(blob.folder) == []
        disk.make_room()
        while outcome_of(partial(small.put, blobs)).told == "no-space":
            time.sleep(0.2)  # MinIO looks at its disk once a second; the time limit of the test bounds it
        for blob in (small, large):
            blob.put(blobs)
            assert_whole(place, blobs, blob)
        assert all(content_of(blobs, blob.key) == blob.content for blob in stood)
