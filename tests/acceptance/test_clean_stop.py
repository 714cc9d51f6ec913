"""Asked to stop in the middle of a step that does not end: a worker leaves within its bound, asked twice at once, and
what it was at is gone on with."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.builders_media import flac_of
from tests.program import Program
from tests.rooms import the_talk
from tests.shared_database import SOON, until
from tests.speech_server import Reply, SpeechServer, hearing, serving
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber

BOUND = 20.0
"""Seconds that a step under way is given."""


@contextmanager
def at_work(program: Program, server: SpeechServer) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker that waits for the answer to its first request."""
    worker = program.start("worker")
    try:
        until(lambda: server.requests, SOON, "the server was asked")
        yield worker
    finally:
        worker.kill()
        worker.wait()


@pytest.fixture
def hung() -> Iterator[SpeechServer]:
    with serving(lambda _: Reply(hangs=True)) as server:
        yield server


@pytest.fixture
def program(hung: SpeechServer, tmp_path: Path) -> Program:
    path = tmp_path / "a.flac"
    path.write_bytes(flac_of(start=0.0, end=6.0))
    program = Program(tmp_path / "data", VOXPERSONA_TRANSCRIBER_URL=hung.url, VOXPERSONA_TRANSCRIBER_TIMEOUT="600")
    program.json("receive", str(path))
    return program


def gone_on_with(program: Program) -> None:
    with hearing(ScriptedTranscriber(the_talk)) as server:
        again = Program(program.data, VOXPERSONA_TRANSCRIBER_URL=server.url)
        assert again.json("worker", "--until-idle")
        assert again.json("status")["counts"]["ready"] == 1
        assert again.json("check", "--read")["problems"] == []


def test_a_step_that_does_not_end_is_left_after_its_bound(program: Program, hung: SpeechServer) -> None:
    with at_work(program, hung) as worker:
        begun = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        worker.wait(SOON)
        took = time.monotonic() - begun
    assert BOUND <= took < 2 * BOUND
    gone_on_with(program)


def test_asked_twice_it_leaves_at_once(program: Program, hung: SpeechServer) -> None:
    with at_work(program, hung) as worker:
        worker.send_signal(signal.SIGTERM)
        time.sleep(1.0)
        begun = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SOON) == 130
        assert time.monotonic() - begun < BOUND / 2
    gone_on_with(program)
