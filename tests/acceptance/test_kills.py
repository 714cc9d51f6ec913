"""SIGKILL in every stage of the real program, then start it again: nothing lost, nothing altered, little repeated."""

import hashlib
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.builders_media import flac_of
from tests.points import COMMITTED, DIRECTORY_PUT, HEARD_HERE, receive_points, work_points
from tests.program import Program
from tests.servers.postgres import POSTGRESQL, PostgresServer

RECEIVE_POINTS = receive_points(DIRECTORY_PUT)
WORK_POINTS = work_points(HEARD_HERE)
_IN_BETWEEN = [where for where in WORK_POINTS if ", not" in where]
"""Between what is done and what is remembered of it: where databases could differ."""
_ORDER = ["transcribe", "attribute", "report", "index"]


@pytest.fixture(scope="module")
def interview(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's first three turns: short, so that every point can be tried with the real engines."""
    path = tmp_path_factory.mktemp("sound") / "interview.flac"
    path.write_bytes(flac_of(start=0.0, end=21.6))
    return path


@pytest.fixture(scope="module")
def undisturbed(interview: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What comes out when nothing is killed."""
    program = Program(tmp_path_factory.mktemp("undisturbed"))
    program.json("receive", str(interview), "--scenario", "interview", "--wait")
    shown = _only(program)
    assert [stage["attempts"] for stage in shown["stages"]] == [1, 1, 1, 1]
    return shown


@contextmanager
def _installed(database: str, request: pytest.FixtureRequest, data: Path) -> Iterator[Program]:
    """The program over an SQLite file or a new PostgreSQL database."""
    if database == "sqlite":
        yield Program(data)
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        yield Program(data, VOXPERSONA_DATABASE_URL=url.replace("+psycopg", ""))


def _only(program: Program) -> dict[str, Any]:
    listed = program.json("list")["recordings"]
    assert len(listed) == 1
    shown: dict[str, Any] = program.json("show", listed[0]["id"])
    return shown


def _result(shown: dict[str, Any]) -> dict[str, Any]:
    return {key: shown[key] for key in ("state", "details", "original", "transcript", "speakers", "reports")}


@pytest.mark.parametrize("database", ["sqlite", POSTGRESQL])
@pytest.mark.parametrize("point", RECEIVE_POINTS)
def test_a_receive_killed_before_its_acknowledgement_can_simply_be_repeated(
    point: str, database: str, interview: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    with _installed(database, request, tmp_path / "data") as program:
        killed = program.killed_at(point, "receive", str(interview))
        assert killed.code == -signal.SIGKILL, killed
        assert killed.out == ""
        (received,) = program.json("receive", str(interview))["recordings"]
        assert received["duplicate_of"] is None
        assert received["sha256"] == hashlib.sha256(interview.read_bytes()).hexdigest()
        assert len(program.json("list")["recordings"]) == 1
        assert program.json("check", "--read") == {"ok": True, "problems": []}


def test_a_receive_killed_after_its_commit_is_recognised_when_it_is_repeated(interview: Path, tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    assert program.killed_at(COMMITTED, "receive", str(interview)).code == -signal.SIGKILL
    recording = program.json("receive", str(interview))["recordings"][0]
    assert recording["duplicate_of"] == recording["id"]
    assert program.json("check", "--read") == {"ok": True, "problems": []}


@pytest.mark.parametrize("where", WORK_POINTS)
def test_a_killed_worker_loses_nothing_and_repeats_only_the_stage_it_was_in(
    where: str, interview: Path, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    _kill_and_go_on(where, Program(tmp_path / "data"), interview, undisturbed)


@pytest.mark.parametrize("where", _IN_BETWEEN)
@pytest.mark.parametrize("database", [POSTGRESQL])
def test_so_it_is_on_a_server(
    where: str,
    database: str,
    interview: Path,
    undisturbed: dict[str, Any],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    with _installed(database, request, tmp_path / "data") as program:
        _kill_and_go_on(where, program, interview, undisturbed)


def _kill_and_go_on(where: str, program: Program, interview: Path, undisturbed: dict[str, Any]) -> None:
    point, stage = WORK_POINTS[where]
    identity = program.json("receive", str(interview), "--scenario", "interview")["recordings"][0]["id"]
    killed = program.killed_at(point, "worker", "--until-idle")
    assert killed.code == -signal.SIGKILL, killed

    again = program.run("worker", "--until-idle")
    assert again.code == 0, again

    shown = program.json("show", identity)
    assert _result(shown) == _result(undisturbed)
    attempts = {entry["stage"]: entry["attempts"] for entry in shown["stages"]}
    finished_before = _ORDER if stage is None else _ORDER[: _ORDER.index(stage)]
    assert {name: attempts[name] for name in finished_before} == dict.fromkeys(finished_before, 1)
    assert all(count <= 2 for count in attempts.values()), attempts
    # That every byte is as it came: the digest is part of the result above, and `check --read` compares it.
    assert program.json("check", "--read") == {"ok": True, "problems": []}


def test_a_recording_that_kills_the_worker_again_and_again_is_put_aside_and_can_be_revived(
    interview: Path, tmp_path: Path
) -> None:
    program = Program(tmp_path / "data")
    identity = program.json("receive", str(interview))["recordings"][0]["id"]
    point, _ = WORK_POINTS["hearing a piece"]
    crashes = 0
    while program.killed_at(point, "worker", "--until-idle").code == -signal.SIGKILL:
        crashes += 1
        assert crashes < 8
    shown = program.json("show", identity)
    assert shown["state"] == "failed"
    assert shown["failed"]["code"] == "internal"
    assert program.json("retry", identity, "--wait")["state"] == "ready"


def test_pieces_already_heard_are_not_paid_for_again(tmp_path: Path) -> None:
    """Two pieces and a bit; killed while the second is heard."""
    path = tmp_path / "long.flac"
    path.write_bytes(flac_of(start=0.0, end=59.0, times=6))
    program = Program(tmp_path / "data")
    program.json("receive", str(path))
    point, _ = WORK_POINTS["hearing a piece"]
    killed = program.killed_at(point.replace(":1", ":2"), "worker", "--until-idle")
    assert killed.code == -signal.SIGKILL, killed
    pieces = {piece: piece.stat().st_mtime_ns for piece in _pieces(program)}
    assert len(pieces) == 1
    assert program.run("worker", "--until-idle").code == 0
    after = _pieces(program)
    assert len(after) == 2
    assert {piece: piece.stat().st_mtime_ns for piece in pieces} == pieces


def _pieces(program: Program) -> list[Path]:
    return sorted((program.data / "store" / "main").glob("recordings/*/pieces/*/*.json"))
