"""What the work is held to: so many at once in a stage, so many requests a minute, and a memory that ends."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.builders_media import flac_of
from tests.program import Program
from tests.rooms import the_talk
from tests.servers.postgres import POSTGRESQL, PostgresServer
from tests.shared_database import SOON, until
from tests.speech_server import Reply, Request, hearing, serving, verbose
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber

A_MONTH = 31 * 24 * 3600 * 1000  # in milliseconds


def received(program: Program, directory: Path, count: int) -> list[str]:
    """So many recordings of six seconds, all different."""
    identities = []
    for number in range(count):
        path = directory / f"{number}.flac"
        path.write_bytes(flac_of(start=0.5 * number, end=0.5 * number + 6.0))
        identities.append(program.json("receive", str(path))["recordings"][0]["id"])
    return identities


def answer(seconds: float = 6.0) -> Reply:
    return Reply(body=json.dumps(verbose(the_talk(), seconds)).encode())


class Crowd:
    """A server that takes its time and counts how many it serves at once."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._here = 0
        self.most = 0

    def serve(self, _request: Request) -> Reply:
        with self._turn:
            self._here += 1
            self.most = max(self.most, self._here)
        time.sleep(0.7)
        with self._turn:
            self._here -= 1
        return answer()


@pytest.mark.parametrize("room", [1, 2])
def test_no_more_recordings_than_there_is_room_for_are_in_a_stage_at_once(tmp_path: Path, room: int) -> None:
    crowd = Crowd()
    with serving(crowd.serve) as server:
        program = Program(
            tmp_path / "data",
            VOXPERSONA_TRANSCRIBER_URL=server.url,
            VOXPERSONA_TRANSCRIBER_AT_ONCE=str(room),
            VOXPERSONA_WORK_AT_ONCE="4",
        )
        received(program, tmp_path, 4)
        program.json("worker", "--until-idle")
        assert program.json("status")["counts"]["ready"] == 4
    assert crowd.most == room


def test_all_workers_together_send_no_more_requests_a_minute_than_allowed(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    """Recordings of one piece and of several: each request counts."""
    at: list[float] = []

    def serve(_request: Request) -> Reply:
        at.append(time.monotonic())
        return answer()

    with serving(serve) as server, postgres_server.database() as url:
        environment = {
            "VOXPERSONA_DATABASE_URL": url.replace("+psycopg", ""),
            "VOXPERSONA_TRANSCRIBER_URL": server.url,
            "VOXPERSONA_TRANSCRIBER_PER_MINUTE": "20",
        }
        program = Program(tmp_path / "data", **environment)
        received(program, tmp_path, 4)
        workers = [program.start("worker") for _ in range(2)]
        try:
            until(lambda: program.json("status")["counts"].get("ready") == 4, SOON, "all ready")
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
    # Four turns of three seconds lie nine apart; the first may have come late to the server.
    assert len(at) == 4
    assert at[-1] - at[0] > 6.0


def test_a_server_that_says_when_to_come_again_is_left_alone_until_then(tmp_path: Path) -> None:
    at: list[float] = []

    def serve(_request: Request) -> Reply:
        at.append(time.monotonic())
        return answer() if len(at) > 1 else Reply(status=429, headers={"Retry-After": "5"})

    with serving(serve) as server:
        program = Program(tmp_path / "data", VOXPERSONA_TRANSCRIBER_URL=server.url)
        received(program, tmp_path, 1)
        program.json("worker", "--until-idle")
        assert program.json("status")["counts"]["ready"] == 1
    assert at[1] - at[0] > 4.5


@pytest.fixture(params=["sqlite", POSTGRESQL])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Program, sa.Engine, str]]:
    """The program over each database, the database itself, and where the engine's rows stand in it."""
    with ExitStack() as opened:
        server = opened.enter_context(hearing(ScriptedTranscriber(the_talk)))
        environment, table = {"VOXPERSONA_TRANSCRIBER_URL": server.url}, "workflow_status"
        url = f"sqlite:///{tmp_path / 'data' / 'voxpersona.db'}"
        if request.param != "sqlite":
            postgres: PostgresServer = request.getfixturevalue("postgres_server")
            url = opened.enter_context(postgres.database())
            environment["VOXPERSONA_DATABASE_URL"], table = url.replace("+psycopg", ""), "dbos.workflow_status"
        engine = sa.create_engine(url)
        opened.callback(engine.dispose)
        yield Program(tmp_path / "data", **environment), engine, table


def test_a_delivery_and_a_run_are_recognised_when_the_engine_has_long_forgotten_them(
    kept: tuple[Program, sa.Engine, str], tmp_path: Path
) -> None:
    program, engine, table = kept
    (identity,) = received(program, tmp_path, 1)
    program.json("worker", "--until-idle")
    shown = program.json("show", identity)
    count = sa.text(f"SELECT count(*) FROM {table}")
    with engine.begin() as connection:
        assert connection.execute(count).scalar_one() > 0
        connection.execute(sa.text(f"UPDATE {table} SET completed_at = completed_at - {A_MONTH}"))
    program.json("worker", "--until-idle")
    with engine.begin() as connection:
        assert connection.execute(count).scalar_one() == 0
    (again,) = program.json("receive", str(tmp_path / "0.flac"))["recordings"]
    assert (again["id"], again["duplicate_of"]) == (identity, identity)
    program.json("worker", "--until-idle")
    with engine.begin() as connection:
        assert connection.execute(count).scalar_one() == 0
    assert program.json("show", identity) == shown
    program.json("retry", identity)
    program.json("worker", "--until-idle")
    assert program.json("status")["counts"]["ready"] == 1
    assert program.json("check", "--read") == {"ok": True, "problems": []}
