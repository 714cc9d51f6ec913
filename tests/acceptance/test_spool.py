"""The real program while its object store is down: intake goes on, and whatever is killed, every recording comes in."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_store_outage import Kept, installed, start
from tests.builders_media import flac_of
from tests.program import Program
from tests.servers.seaweedfs import SeaweedFS

_SPOOL = "voxpersona.pipeline.spool"
_KEEP = "voxpersona.pipeline.keep"

KEEPING = {
    "before anything": f"{_SPOOL}:Spool.keep:call:1",
    "bytes in their place": f"{_SPOOL}:Spool._settle:call:1",
    "their name on the disk": f"{_SPOOL}:Spool._settle:return:1",
    "document begun": f"{_SPOOL}:_create:return:2",
    "document in its place": f"{_SPOOL}:Spool._settle:call:2",
    "kept, not acknowledged": f"{_SPOOL}:Spool.keep:return:1",
}
DELIVERING = {
    "before anything": "voxpersona.pipeline.deliver:_bring_in:call:1",
    "original in the store": f"{_KEEP}:_put:return:1",
    "manifest in the store": f"{_KEEP}:_manifest:return:1",
    "row not committed": "voxpersona.adapters.library.sql:SqlLibrary._insert:return:1",
    "row committed": "voxpersona.adapters.library.sql:SqlLibrary.add:return:1",
    "before it is let go of": f"{_SPOOL}:Spool._unlink:call:1",
    "document gone": f"{_SPOOL}:Spool._settle:call:1",
    "bytes gone": f"{_SPOOL}:Spool._unlink:return:1",
}


@pytest.fixture(scope="module")
def interview(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "Интервью.flac"
    path.write_bytes(flac_of(start=0.0, end=21.6))
    return path


@pytest.fixture
def kept(seaweedfs: SeaweedFS, tmp_path: Path) -> Iterator[Kept]:
    with installed(seaweedfs.plain, tmp_path / "data") as kept:
        kept.program.json("receive", str(_other(tmp_path, 3.0)))
        yield kept


def _other(directory: Path, end: float) -> Path:
    """A recording beside the matter."""
    path = directory / f"other {end}.flac"
    path.write_bytes(flac_of(start=0.0, end=end))
    return path


def _spooled(program: Program) -> list[dict[str, Any]]:
    return [one for one in program.json("list")["recordings"] if one["state"] == "spooled"]


def _is_there_once(kept: Kept, interview: Path, target: Path) -> str:
    found = [one for one in kept.program.json("list")["recordings"] if one["name"] == interview.name]
    assert [one["state"] for one in found] == ["received"]
    identity: str = found[0]["id"]
    kept.program.json("original", identity, "--output", str(target))
    assert target.read_bytes() == interview.read_bytes()
    assert sum("/original/Intervyu" in key for key in kept.visible()) == 1
    assert kept.program.json("check", "--read") == {"ok": True, "problems": []}
    left = [path.name for path in (kept.program.data / "spool" / "waiting").iterdir() if path.name[0] != "."]
    assert [name for name in left if name.endswith(".json")] == []
    return identity


@pytest.mark.parametrize("where", KEEPING)
def test_a_receive_killed_while_it_keeps_an_entry_leaves_a_whole_one_or_none(
    where: str, kept: Kept, interview: Path, tmp_path: Path
) -> None:
    kept.proxy.down()
    killed = kept.program.killed_at(KEEPING[where], "receive", str(interview))
    assert (killed.code, killed.out) == (-signal.SIGKILL, ""), killed
    (told,) = kept.program.json("receive", str(interview))["recordings"]
    assert told["state"] == "spooled"
    assert [one["id"] for one in _spooled(kept.program)] == [told["id"]]
    assert kept.program.json("status")["spooled"] == {
        "recordings": 1,
        "bytes": interview.stat().st_size,
        "refused": 0,
    }
    kept.proxy.up()
    kept.program.json("receive", str(_other(tmp_path, 4.0)))
    assert _is_there_once(kept, interview, tmp_path / "back.flac") == told["id"]


@pytest.mark.parametrize("where", DELIVERING)
def test_whoever_is_killed_while_it_brings_an_entry_in_is_followed_by_another(
    where: str, kept: Kept, interview: Path, tmp_path: Path
) -> None:
    kept.proxy.down()
    (told,) = kept.program.json("receive", str(interview))["recordings"]
    kept.proxy.up()
    killed = kept.program.killed_at(DELIVERING[where], "receive", str(interview))
    assert killed.code == -signal.SIGKILL, killed
    (again,) = kept.program.json("receive", str(interview))["recordings"]
    assert (again["state"], again["duplicate_of"]) == ("received", told["id"])
    assert _is_there_once(kept, interview, tmp_path / "back.flac") == told["id"]


def test_a_worker_brings_in_what_came_while_the_store_was_down_and_gets_it_ready(
    seaweedfs: SeaweedFS, interview: Path, tmp_path: Path
) -> None:
    with installed(seaweedfs.plain, tmp_path / "data") as kept, start(kept, "worker") as worker:
        while not kept.program.json("status")["worker"]:
            assert worker.poll() is None
            time.sleep(0.2)
        kept.proxy.down()
        (told,) = kept.program.json("receive", str(interview), "--wait")["recordings"]
        shown = kept.program.json("show", told["id"])
        assert (told["state"], shown["state"], shown["refused"]) == ("spooled", "spooled", None)
        time.sleep(6)  # so that it has met the store that is down
        kept.proxy.up()
        deadline = time.monotonic() + 120
        while kept.program.json("status")["counts"]["ready"] == 0:
            assert worker.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.5)
        worker.terminate()
        _, said = worker.communicate(timeout=60)
        assert worker.returncode == 0, said.decode()
        assert _spooled(kept.program) == []
        target = tmp_path / "back.flac"
        kept.program.json("original", told["id"], "--output", str(target))
        assert target.read_bytes() == interview.read_bytes()


def test_a_worker_that_returns_when_idle_brings_it_in_first(kept: Kept, interview: Path) -> None:
    kept.proxy.down()
    (told,) = kept.program.json("receive", str(interview))["recordings"]
    kept.proxy.up()
    assert kept.program.json("worker", "--until-idle") == {"stopped": False, "idle": True}
    assert kept.program.json("show", told["id"])["state"] == "ready"
    assert _spooled(kept.program) == []


def test_more_than_may_wait_is_refused_and_a_person_can_drop_what_waits(
    kept: Kept, interview: Path, tmp_path: Path
) -> None:
    tight = Program(kept.program.data, **dict(kept.program.environment) | {"VOXPERSONA_SPOOL_MAX_MB": "1"})
    kept.proxy.down()
    big = tmp_path / "big.flac"
    big.write_bytes(flac_of(start=0.0, end=59.0, times=3))
    assert big.stat().st_size > 1 << 20
    (told,) = tight.json("receive", str(interview))["recordings"]
    (refused,) = tight.json("receive", str(big), code=5)["rejected"]
    assert refused["code"] == "no-space"
    assert "VOXPERSONA_SPOOL_MAX_MB" in refused["reason"]
    assert len(_spooled(tight)) == 1
    assert tight.run("forget", told["id"][:6]).code == 2
    assert tight.json("forget", told["id"]) == {"id": told["id"], "forgotten": True}
    assert _spooled(tight) == []
    (forgotten,) = tight.json("receive", str(interview), code=3)["rejected"]
    assert forgotten["code"] == "forgotten"
    kept.proxy.up()
    assert tight.json("worker", "--until-idle")["idle"]
    assert tight.json("check", "--read") == {"ok": True, "problems": []}


def test_what_rotted_is_told_and_dropped_only_by_a_person(kept: Kept, interview: Path) -> None:
    kept.proxy.down()
    (told,) = kept.program.json("receive", str(interview))["recordings"]
    (sound,) = (kept.program.data / "spool" / "waiting").glob("*.sound")
    content = bytearray(sound.read_bytes())
    content[1000] ^= 1
    sound.write_bytes(content)
    kept.proxy.up()
    assert kept.program.json("worker", "--until-idle")["idle"]
    (listed,) = _spooled(kept.program)
    assert listed["refused"]["code"] == "blob-corrupt"
    for arguments in (["check"], ["check", "--read"], ["check", "--repair"]):
        problems = kept.program.json(*arguments, code=6)["problems"]
        assert [(one["kind"], one["recording"]) for one in problems if one["kind"].startswith("spool")] != []
    kept.program.json("forget", told["id"], "--spooled")
    assert kept.program.json("check")["ok"]
    (again,) = kept.program.json("receive", str(interview))["recordings"]
    assert (again["state"], again["duplicate_of"]) == ("received", None)


def test_a_store_that_takes_connections_and_says_nothing_holds_nobody_up(tmp_path: Path, interview: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        program = Program(
            tmp_path / "data",
            MINIO_ENDPOINT=f"http://127.0.0.1:{deaf.getsockname()[1]}",
            MINIO_ACCESS_KEY="voxpersona",
            MINIO_SECRET_KEY="no secret",
            MINIO_AUDIO_BUCKET_NAME="audio",
            MINIO_BUCKET_NAME="main",
        )
        begun = time.monotonic()
        outcome = program.run("receive", str(interview), "--json")
        took = time.monotonic() - begun
    assert outcome.code == 0, outcome
    assert [one["state"] for one in json.loads(outcome.out)["recordings"]] == ["spooled"]
    assert took < 30
