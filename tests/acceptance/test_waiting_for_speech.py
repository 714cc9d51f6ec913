"""A transcription server that is down: recordings wait and say so, go on by themselves, and can be left at any time."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from tests.acceptance.test_limits import answer
from tests.builders_media import encoded
from tests.builders_media import speech as speech_of
from tests.program import PROGRAM, Program
from tests.servers.postgres import POSTGRESQL, PostgresServer
from tests.shared_database import SOON, until
from tests.speech_server import Reply, Request, serving

AT_ONCE = 15.0
"""Seconds; the machine may have other work. A step under way would be given twenty."""


@dataclass
class Speech:
    """A transcription server that throttles for an hour, or has trouble, until it is well."""

    url: str = ""
    trouble: Reply | None = field(default_factory=lambda: Reply(status=429, headers={"Retry-After": "3600"}))

    def serve(self, _request: Request) -> Reply:
        return answer() if self.trouble is None else self.trouble


@pytest.fixture
def speech() -> Iterator[Speech]:
    speech = Speech()
    with serving(speech.serve) as server:
        speech.url = server.url
        yield speech


def received(program: Program, directory: Path, *, seconds: float = 6.0) -> str:
    """Some speech, then silence."""
    path = directory / "a.flac"
    sound = np.concatenate([speech_of(6.0), np.zeros(round((seconds - 6.0) * 48_000), np.float32)])
    path.write_bytes(encoded("flac", "flac", sound))
    told = program.json("receive", str(path))
    return str(told["recordings"][0]["id"])


@contextmanager
def a_worker(program: Program) -> Iterator["subprocess.Popen[bytes]"]:
    worker = program.start("worker")
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


def stopped_at_once(process: "subprocess.Popen[Any]", by: signal.Signals) -> None:
    begun = time.monotonic()
    process.send_signal(by)
    process.wait(SOON)
    assert process.returncode == 0
    assert time.monotonic() - begun < AT_ONCE


@dataclass
class Installation:
    """The program over a database, and what that says."""

    program: Program
    engine: sa.Engine
    workflows: str
    """Where DBOS has its rows."""

    def ask(self, query: str) -> list[Any]:
        with self.engine.begin() as connection:
            return list(connection.execute(sa.text(query)).scalars())

    def waits(self) -> bool:
        return self.ask("SELECT waiting_code FROM run ORDER BY number DESC LIMIT 1") == ["transcriber-unavailable"]

    def is_new(self) -> bool:
        """Whether the engine thinks that everything it is at was begun once; five times it may be."""
        return set(self.ask(f"SELECT recovery_attempts FROM {self.workflows} WHERE status = 'PENDING'")) == {1}


@pytest.fixture(params=["sqlite", POSTGRESQL])
def installed(request: pytest.FixtureRequest, speech: Speech, tmp_path: Path) -> Iterator[Installation]:
    with ExitStack() as opened:
        environment, workflows = {"VOXPERSONA_TRANSCRIBER_URL": speech.url}, "workflow_status"
        url = f"sqlite:///{tmp_path / 'data' / 'voxpersona.db'}"
        if request.param != "sqlite":
            postgres: PostgresServer = request.getfixturevalue("postgres_server")
            url = opened.enter_context(postgres.database())
            environment["VOXPERSONA_DATABASE_URL"], workflows = url.replace("+psycopg", ""), "dbos.workflow_status"
        engine = sa.create_engine(url)
        opened.callback(engine.dispose)
        yield Installation(Program(tmp_path / "data", **environment), engine, workflows)


def test_pieces_wait_over_a_restart_are_cancelled_at_once_and_heard_after_all(
    installed: Installation, speech: Speech, tmp_path: Path
) -> None:
    program = installed.program
    identity = received(program, tmp_path, seconds=320.0)
    with a_worker(program) as worker:
        until(installed.waits, SOON, "it waits")
        stopped_at_once(worker, signal.SIGTERM)
    assert installed.waits()
    with a_worker(program) as worker:
        until(lambda: installed.waits() and installed.is_new(), SOON, "begun again, and not held against it")
        assert program.json("cancel", identity)["state"] == "failed"
        assert not installed.waits()
        speech.trouble = None
        program.json("retry", identity)
        ready = "SELECT 1 FROM run WHERE state = 'ready'"
        until(lambda: installed.ask(ready), SOON, "done, although its pieces were to wait for an hour")
        stopped_at_once(worker, signal.SIGTERM)
    assert program.json("check", "--read") == {"ok": True, "problems": []}


def test_who_waits_for_it_is_told_and_may_leave(speech: Speech, tmp_path: Path) -> None:
    speech.trouble = Reply(status=503)
    program = Program(tmp_path / "data", VOXPERSONA_TRANSCRIBER_URL=speech.url)
    path = tmp_path / "short.flac"
    path.write_bytes(encoded("flac", "flac", speech_of(6.0)))
    command = [PROGRAM, "receive", str(path), "--wait"]
    with subprocess.Popen(
        command, env=program.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr
        told = next(line for line in process.stderr if "waits for" in line)
        assert "waits for the transcription engine (it has trouble: HTTP 503) since" in told
        assert "nothing is lost" in told
        stopped_at_once(process, signal.SIGINT)
    (recording,) = program.json("status")["recordings"]
    assert recording["state"] == "working"
    assert recording["waiting"]["reason"] == "HTTP 503"
    assert recording["seconds_left"] is None
    for line in (program.run("status").out, program.run("show", recording["id"]).out):
        assert "waits for the transcription engine (it has trouble: HTTP 503) since" in line
    assert program.json("show", recording["id"])["waiting"]["code"] == "transcriber-unavailable"
    russian = Program(program.data, VOXPERSONA_LANGUAGE="ru").run("status").out
    assert "ждёт движка распознавания (у него неполадки: HTTP 503) с " in russian
    speech.trouble = None
    again = program.run("receive", str(path), "--wait")
    assert (again.code, program.json("status")["counts"]["ready"]) == (0, 1), again.err
