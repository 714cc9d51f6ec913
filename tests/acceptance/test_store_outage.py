"""The real program on bad days of its object store: acknowledged is only what is safe, and nothing is lost."""

import json
import os
import signal
import subprocess
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import SecretStr

from tests.builders_blobs import MIB
from tests.integration.bad_days import NOTHING, Meanwhile
from tests.program import PROGRAM, SAMPLE, Program
from tests.servers.faults import BreakRequest
from tests.servers.minio import NEEDS_MINIO
from tests.servers.proxy import Proxy, proxied
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS
from voxpersona.errors import Code, Integrity
from voxpersona.settings import Settings, StoreSettings
from voxpersona.wiring import House

PART_THREE = ("PUT", r"/original/[^?]*\?.*partNumber=3(&|$)")
COMPLETION = ("POST", r"/original/[^?]*\?uploadId")


@dataclass(frozen=True)
class Kept:
    """An installation whose store is behind a proxy."""

    program: Program
    server: S3Server
    proxy: Proxy
    audio: str
    main: str

    def visible(self) -> list[str]:
        """Every blob of the audio bucket, by the hand of its keeper."""
        return [key for key in self.server.keys(self.audio) if not key.startswith(".voxpersona/")]

    def parts_sent(self) -> list[int]:
        """The lengths of the parts of originals that were sent since the plan was made."""
        return [seen.body for seen in self.proxy.seen if seen.method == "PUT" and "/original/" in seen.target]

    def plan(self, deed: Meanwhile | None = None) -> None:
        self.proxy.plan[:] = [deed] if deed else []
        self.proxy.seen.clear()


@contextmanager
def installed(server: S3Server, data: Path, **environment: str) -> Iterator[Kept]:
    audio, main = server.bucket(), server.bucket()
    with proxied(server) as proxy:
        program = Program(
            data,
            MINIO_ENDPOINT=proxy.server.endpoint,
            MINIO_ACCESS_KEY=server.access_key,
            MINIO_SECRET_KEY=server.secret_key,
            MINIO_AUDIO_BUCKET_NAME=audio,
            MINIO_BUCKET_NAME=main,
            MINIO_PART_SIZE_MB="5",
            **environment,
        )
        yield Kept(program, server, proxy, audio, main)


@pytest.fixture(scope="module")
def long_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three parts, the last one short: half a minute of noise."""
    path = tmp_path_factory.mktemp("sound") / "Обход «Отель» №7.wav"
    noise = np.random.default_rng(7).integers(-(2**29), 2**29, size=11 * MIB // 4, dtype=np.int32)
    with wave.open(str(path), "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(4)
        written.setframerate(96_000)
        written.writeframes(noise.tobytes())
    return path


def start(kept: Kept, *arguments: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [PROGRAM, *arguments],
        env=kept.program.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@contextmanager
def down_at(kept: Kept, request: tuple[str, str], path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A `receive` whose store goes down when it is asked that, and does not do it any more."""
    reached = threading.Event()
    kept.plan(Meanwhile(BreakRequest(), *request, times=None, deed=reached.set))
    with start(kept, "receive", str(path), "--json") as process:
        try:
            assert reached.wait(60)
            kept.proxy.down()
            yield process
        finally:
            process.kill()


class TestDown:
    """SeaweedFS behind a proxy that takes no connections."""

    @pytest.fixture
    def kept(self, seaweedfs: SeaweedFS, tmp_path: Path) -> Iterator[Kept]:
        with installed(
            seaweedfs.plain,
            tmp_path / "data",
            MINIO_RETRY_ATTEMPTS="30",
            MINIO_RETRY_SECONDS="90",
            VOXPERSONA_LOG_LEVEL="INFO",
        ) as kept:
            yield kept

    def test_a_store_that_comes_back_gets_the_recording_and_nothing_is_acknowledged_before(
        self, kept: Kept, long_recording: Path
    ) -> None:
        with down_at(kept, PART_THREE, long_recording) as process:
            assert process.stderr
            for line in process.stderr:
                if b"put failed: store-unreachable" in line:
                    break
            else:
                pytest.fail("it did not even try again")
            assert kept.program.json("list")["recordings"] == []
            kept.plan()
            kept.proxy.up()
            out, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
        (received,) = json.loads(out)["recordings"]
        assert received["bytes"] == long_recording.stat().st_size
        assert kept.program.json("check", "--read") == {"ok": True, "problems": []}

    def test_a_store_that_is_down_for_good_leaves_it_in_the_spool_and_the_next_receive_goes_on(
        self, kept: Kept, long_recording: Path
    ) -> None:
        with down_at(kept, COMPLETION, long_recording) as process:
            out, said = process.communicate(timeout=120)
            assert process.returncode == 0, said.decode()
            again = kept.program.json("receive", str(long_recording))
            kept.plan()
            kept.proxy.up()
        told = [document["recordings"][0] for document in (json.loads(out), again)]
        assert [(one["state"], one["duplicate_of"]) for one in told] == [("spooled", None), ("spooled", told[0]["id"])]
        assert b"Nobody answers at the object store" in said
        assert b"Safe, and waiting on this machine: 1 recording." in said
        assert kept.visible() == []
        (received,) = kept.program.json("receive", str(long_recording))["recordings"]
        assert (received["id"], received["duplicate_of"]) == (told[0]["id"], told[0]["id"])
        assert received["state"] == "received"
        assert kept.parts_sent() == [], "finished parts were sent again"
        assert kept.program.json("check", "--read") == {"ok": True, "problems": []}


class TestWorkerWithoutStore:
    """A machine that starts, its services in any order."""

    @pytest.fixture
    def kept(self, seaweedfs: SeaweedFS, tmp_path: Path) -> Iterator[Kept]:
        with installed(seaweedfs.plain, tmp_path / "data", MINIO_RETRY_ATTEMPTS="2") as kept:
            yield kept

    def test_it_waits_and_works_once_the_store_is_there(self, kept: Kept) -> None:
        (received,) = kept.program.json("receive", str(SAMPLE))["recordings"]
        kept.proxy.down()
        with start(kept, "worker") as process:
            _until_it_waits(process)
            kept.proxy.up()
            while kept.program.json("status")["counts"]["ready"] == 0:
                assert process.poll() is None
                time.sleep(0.5)
            process.terminate()
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()
        assert kept.program.json("show", received["id"])["state"] == "ready"

    def test_a_signal_ends_the_waiting(self, kept: Kept) -> None:
        kept.program.json("list")
        kept.proxy.down()
        with start(kept, "worker", "--json") as process:
            _until_it_waits(process)
            process.terminate()
            out, _ = process.communicate(timeout=20)
        assert (process.returncode, json.loads(out)) == (0, {"stopped": True, "idle": True})

    def test_one_that_returns_when_idle_does_not_wait(self, kept: Kept) -> None:
        kept.proxy.down()
        told = kept.program.json("worker", "--until-idle", code=5)
        assert told["error"]["code"] == "store-unreachable"


def _until_it_waits(process: "subprocess.Popen[bytes]") -> None:
    assert process.stderr
    for line in process.stderr:
        if b"Waiting for the store" in line:
            return
    pytest.fail("it does not wait")


def test_a_receive_killed_between_parts_is_gone_on_with_and_leaves_no_double(
    seaweedfs: SeaweedFS, long_recording: Path, tmp_path: Path
) -> None:
    """With encryption: without it the same is tested below the program."""
    with installed(seaweedfs.plain, tmp_path / "data", VOXPERSONA_KEY_FILE=str(tmp_path / "keys.json")) as kept:
        kept.program.json("keys", "generate")
        living: list[subprocess.Popen[bytes]] = []
        kept.plan(
            Meanwhile(NOTHING, *PART_THREE, deed=lambda: os.kill(living[0].pid, signal.SIGKILL)),
        )
        with start(kept, "receive", str(long_recording), "--json") as process:
            living.append(process)
            out, _ = process.communicate(timeout=120)
        assert (process.returncode, out) == (-signal.SIGKILL, b"")
        assert kept.visible() == []

        kept.plan()
        (received,) = kept.program.json("receive", str(long_recording))["recordings"]
        assert received["duplicate_of"] is None
        assert [key.split("/")[1] for key in kept.visible() if "/original/" in key] == [received["id"]]
        assert kept.program.json("check", "--read") == {"ok": True, "problems": []}
        target = tmp_path / "back.wav"
        kept.program.json("original", received["id"], "--output", str(target))
        assert target.read_bytes() == long_recording.read_bytes()


# A byte flipped in the store


def _flip(kept: Kept, key: str) -> None:
    """The store has other bytes of the same length now, and tells of them as of the true ones."""
    found = kept.server.keeper.get_object(Bucket=kept.audio, Key=key)
    content = bytearray(found["Body"].read())
    content[len(content) // 2] ^= 1
    kept.server.keeper.put_object(
        Bucket=kept.audio,
        Key=key,
        Body=bytes(content),
        Metadata=found["Metadata"],
        ContentType=found["ContentType"],
    )


def _house(kept: Kept, **more: Any) -> House:
    """The program's own rooms, in this process."""
    store = StoreSettings(
        endpoint=kept.server.endpoint,
        access_key=SecretStr(kept.server.access_key),
        secret_key=SecretStr(kept.server.secret_key),
        bucket_name=kept.main,
        audio_bucket_name=kept.audio,
    )
    return House(Settings(data=kept.program.data, **more), store)


@NEEDS_MINIO
@pytest.mark.parametrize("sealed", [False, True], ids=["plain", "sealed"])
def test_a_flipped_byte_is_reported_and_refused_by_everyone_who_reads(
    minio_plain: S3Server, long_recording: Path, tmp_path: Path, sealed: bool
) -> None:
    key_file = tmp_path / "keys.json"
    named = {"VOXPERSONA_KEY_FILE": str(key_file)} if sealed else {}
    with installed(minio_plain, tmp_path / "data", **named) as kept:
        program = kept.program
        if sealed:
            program.json("keys", "generate")
        paths = [long_recording] if sealed else [long_recording, SAMPLE]
        ids = [one["id"] for one in program.json("receive", *map(str, paths))["recordings"]]
        originals = {
            identity: key
            for identity in ids
            for key in kept.visible()
            if key.startswith(f"recordings/{identity}/original/")
        }
        for key in originals.values():
            _flip(kept, key)

        problems = program.json("check", "--read", code=6)["problems"]
        assert {(one["recording"], one["key"]) for one in problems} == set(originals.items())
        assert {one["kind"] for one in problems} == {"hash-differs"}

        target = tmp_path / "served.wav"
        refused = program.json("original", ids[0], "--output", str(target), code=6)["error"]
        assert refused["code"] == "blob-corrupt"
        assert "no longer holds the bytes" in refused["message"]
        assert not target.exists()

        audio = _house(kept, key_file=key_file if sealed else None).audio
        key, middle = originals[ids[0]], long_recording.stat().st_size // 2
        for start_at, end in ((middle - 1000, middle + 1000), (middle, middle + 1), (middle - 3 * MIB, None)):
            got: list[bytes] = []
            with pytest.raises(Integrity) as caught:
                got.extend(audio.read(key, start_at, end))
            assert caught.value.code is Code.BLOB_CORRUPT
            assert sum(map(len, got)) <= max(0, middle - start_at)
        assert b"".join(audio.read(key, 0, 1000)) == long_recording.read_bytes()[:1000]

        if sealed:
            return
        elsewhere = tmp_path / "elsewhere.env"
        elsewhere.write_text("")
        moved = program.json("storage", "migrate", "--to", str(elsewhere), code=6)
        assert {one["key"] for one in moved["problems"]} == set(originals.values())
        assert [*(program.data / "store" / "audio").glob("recordings/*/original/*")] == []

        program.json("worker", "--until-idle")
        shown = [program.json("show", identity) for identity in ids]
        assert [(one["state"], one["failed"]["code"], one["transcript"]) for one in shown] == [
            ("failed", "blob-corrupt", None)
        ] * 2
