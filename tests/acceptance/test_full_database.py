"""A database that answers and can keep nothing, as on a full disk: runs wait for it and none of them fails."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.builders_media import flac_of
from tests.program import Program
from tests.rooms import the_talk
from tests.shared_database import SOON, rows, until
from tests.speech_server import SpeechServer, hearing
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber


@pytest.fixture
def speech() -> Iterator[SpeechServer]:
    with hearing(ScriptedTranscriber(lambda *_: the_talk())) as server:
        yield server


def _do(url: str, *statements: str) -> None:
    with closing(psycopg.connect(url, autocommit=True)) as connection:
        for statement in statements:
            connection.execute(statement.encode())


@contextmanager
def _refusing(url: str, when: str) -> Iterator[None]:
    """PostgreSQL's own error for a full disk, raised where a trigger says so; it keeps count of that."""
    name, table, condition = when.split(" ", 2)
    _do(
        url,
        "CREATE SEQUENCE refused",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('refused'); "
        "RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$",
        f"CREATE TRIGGER full_disk BEFORE {name} ON {table} FOR EACH ROW {condition} EXECUTE FUNCTION refuse()",
    )
    yield
    _do(url, f"DROP TRIGGER full_disk ON {table}", "DROP FUNCTION refuse", "DROP SEQUENCE refused")


REFUSED = {
    "outcomes of steps": "INSERT dbos.operation_outputs WHEN (true)",
    "a later outcome of a step": "INSERT dbos.operation_outputs WHEN (NEW.function_id > 3)",
    "results with their checkpoint": "INSERT transcription WHEN (true)",
    "ends of runs": "UPDATE dbos.workflow_status WHEN (NEW.status = 'SUCCESS')",
}


@pytest.mark.parametrize("when", REFUSED.values(), ids=REFUSED.keys())
def test_a_run_waits_for_the_database_to_have_room_again(
    database_url: str, speech: SpeechServer, tmp_path: Path, when: str
) -> None:
    program = Program(
        tmp_path / "data",
        VOXPERSONA_DATABASE_URL=database_url,
        VOXPERSONA_TRANSCRIBER_URL=speech.url,
        VOXPERSONA_THREADS="1",
    )
    path = tmp_path / "a.flac"
    path.write_bytes(flac_of(start=0.0, end=6.0))
    program.json("receive", str(path))
    worker = program.start("worker")
    try:
        with _refusing(database_url, when):
            until(lambda: rows(database_url, "SELECT 1 FROM refused WHERE is_called"), SOON, "refused once")
            time.sleep(5)
            assert rows(database_url, "SELECT state FROM run WHERE state = 'failed'") == []
        until(lambda: rows(database_url, "SELECT 1 FROM run WHERE state IN ('ready', 'failed')"), SOON, "done")
        assert rows(database_url, "SELECT state FROM run") == [("ready",)]
        ended = "SELECT 1 FROM dbos.workflow_status WHERE status <> 'SUCCESS'"
        until(lambda: not rows(database_url, ended), SOON, "the engine knows too that all has ended")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(SOON) == 0
    finally:
        worker.kill()
        worker.wait()
    assert program.json("check") == {"ok": True, "problems": []}
