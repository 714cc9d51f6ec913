"""Several workers on one PostgreSQL and one store: dead and paused ones are taken over from, nothing is done twice."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.test_object_store import Kept, installed
from tests.builders_media import flac_of
from tests.rooms import the_talk
from tests.servers.seaweedfs import SeaweedFS
from tests.shared_database import SOON, rows, until
from tests.speech_server import SpeechServer, hearing
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.model import PieceText

RECORDINGS = 6
SECONDS_A_PIECE = 3.0
HANDED_OVER_WITHIN = 30.0


@pytest.fixture
def speech() -> Iterator[SpeechServer]:
    """One that takes its time, so that workers can be caught at work."""

    def heard(*_: object) -> PieceText:
        time.sleep(SECONDS_A_PIECE)
        return the_talk()

    with hearing(ScriptedTranscriber(heard)) as server:
        yield server


@pytest.fixture
def kept(seaweedfs: SeaweedFS, database_url: str, speech: SpeechServer, tmp_path: Path) -> Kept:
    return installed(
        seaweedfs.plain,
        tmp_path / "data",
        VOXPERSONA_DATABASE_URL=database_url,
        VOXPERSONA_TRANSCRIBER_URL=speech.url,
        VOXPERSONA_THREADS="1",
    )


@contextmanager
def workers(kept: Kept, count: int) -> Iterator[list["subprocess.Popen[bytes]"]]:
    started = [kept.program.start("worker") for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.send_signal(signal.SIGCONT)
            process.wait()


def owners(url: str) -> dict[str, str]:
    """Which worker is at which recording now."""
    return dict(rows(url, "SELECT recording_id, worker FROM run WHERE state = 'working'"))


def test_a_killed_and_a_paused_worker_are_taken_over_from_and_all_work_is_done_once(
    kept: Kept, database_url: str, speech: SpeechServer, tmp_path: Path
) -> None:
    for number in range(RECORDINGS):
        path = tmp_path / f"{number}.flac"
        path.write_bytes(flac_of(start=0.5 * number, end=0.5 * number + 6.0))
        kept.program.json("receive", str(path))
    with workers(kept, 3) as (killed, paused, left):
        until(lambda: len(set(owners(database_url).values())) == 3, SOON, "three workers at work")
        until(lambda: rows(database_url, "SELECT 1 FROM run WHERE state = 'ready'"), SOON, "one recording ready")
        until(lambda: len(owners(database_url)) == 3, SOON, "three recordings under way")
        before = owners(database_url)
        killed.kill()
        paused.send_signal(signal.SIGSTOP)
        at_work = {worker for worker, state in _leases(database_url).items() if state}
        assert len(at_work) == 3

        def handed_over() -> bool:
            now: dict[str, str] = dict(rows(database_url, "SELECT recording_id, worker FROM run"))
            return len({now[recording] for recording in before}) == 1

        taken = until(handed_over, HANDED_OVER_WITHIN, "the work of both begun again by the third")
        print(f"taken over after {taken:.1f} s")
        until(lambda: not rows(database_url, "SELECT 1 FROM run WHERE state <> 'ready'"), SOON, "all ready")
        ended = rows(database_url, "SELECT * FROM run ORDER BY recording_id")
        paused.send_signal(signal.SIGCONT)
        # It wakes in the middle of its step, tells what it made and is refused; then it takes part again.
        left.send_signal(signal.SIGTERM)
        assert left.wait(SOON) == 0
        path = tmp_path / "late.flac"
        path.write_bytes(flac_of(start=20.0, end=26.0))
        late = kept.program.json("receive", str(path))["recordings"][0]["id"]
        until(
            lambda: rows(database_url, "SELECT 1 FROM run WHERE state = 'ready' AND recording_id = " + f"'{late}'"),
            SOON,
            "late",
        )
        paused.send_signal(signal.SIGTERM)
        assert paused.wait(SOON) == 0

    after = rows(database_url, f"SELECT * FROM run WHERE recording_id <> '{late}' ORDER BY recording_id")
    assert after == ended
    for table in ("transcription", "attribution"):
        counted = rows(database_url, f"SELECT count(*), count(DISTINCT recording_id) FROM {table}")
        assert counted == [(RECORDINGS + 1, RECORDINGS + 1)], table
    assert max(attempts for (attempts,) in rows(database_url, "SELECT attempts FROM stage")) <= 2
    # Paid for twice only what was under way in the two.
    assert RECORDINGS + 1 <= len(speech.requests) <= RECORDINGS + 1 + 2
    assert kept.program.json("check", "--read") == {"ok": True, "problems": []}


def _leases(url: str) -> dict[str, bool]:
    return dict(rows(url, "SELECT worker, until > extract(epoch FROM clock_timestamp()) FROM lease"))


def test_pause_holds_back_what_waits_and_resume_lets_it_go_on(kept: Kept, database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(flac_of(start=0.0, end=6.0))
    kept.program.json("pause")
    kept.program.json("receive", str(path))
    with workers(kept, 1) as (worker,):
        until(lambda: kept.program.json("status")["worker"], SOON, "the worker is there")
        time.sleep(3)  # it would have begun by now
        status = kept.program.json("status")
        assert (status["paused"], status["counts"]["received"]) == (True, 1)
        kept.program.json("resume")
        until(lambda: rows(database_url, "SELECT 1 FROM run WHERE state = 'ready'"), SOON, "done")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SOON) == 0
    assert kept.program.json("status")["worker"] is False


def test_a_run_under_way_is_cancelled_and_can_be_done_after_all(kept: Kept, database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(flac_of(start=0.0, end=6.0))
    identity = kept.program.json("receive", str(path))["recordings"][0]["id"]
    with workers(kept, 1):
        until(lambda: owners(database_url), SOON, "under way")
        assert kept.program.json("cancel", identity)["state"] == "failed"
        assert kept.program.json("cancel", identity, code=3)["error"]["code"] == "idle-recording"
        time.sleep(SECONDS_A_PIECE + 2)
        assert rows(database_url, "SELECT state, failed_code FROM run") == [("failed", "cancelled")]
        assert kept.program.json("retry", "--failed") == {"recordings": []}
        kept.program.json("retry", identity)
        until(lambda: rows(database_url, "SELECT 1 FROM run WHERE state = 'ready'"), SOON, "done after all")
    assert kept.program.json("check", "--read") == {"ok": True, "problems": []}
