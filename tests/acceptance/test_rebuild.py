"""The bucket is the archive: database and index are deleted, and everything is answered as before."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.builders_archive import SUBJECTS, Archive
from tests.program import Program
from voxpersona.adapters.library.database import open_engine
from voxpersona.adapters.library.journal import SqlJournal
from voxpersona.adapters.library.sql import SqlLibrary
from voxpersona.adapters.library.transactions import Transactions
from voxpersona.errors import Code, Rejected
from voxpersona.model import Recording, Stage, WorkOrder
from voxpersona.settings import read_settings
from voxpersona.wiring import House

COUNT = 200
MUTE = frozenset({7, 31, 77})
HEARD_AGAIN, HEARD_IN_VAIN, REPORTED_AGAIN, MUTE_NO_MORE, FORGOTTEN, CAME_TWICE, WAITING = 11, 12, 13, 31, 20, 22, 21
QUESTIONS = (
    "Was the breakfast cold on Monday?",
    "Did the elevator smell of paint at night?",
    "Who watered the orchids?",
    "Did the cardiologist take forty minutes after the conference?",
    "Was the parking wonderful on Monday?",
    "Что сказали про бассейн?",
    "Пахнет ли краской?",
    "Понравился ли массаж?",
    "What does a ticket to the moon cost?",
)
"""Questions with a clear answer, and one without."""

OF_EVERYTHING = tuple(
    question
    for english, russian in SUBJECTS[::6]
    for question in (f"How was the {english} at the Astoria?", f"Что не так: {russian} после конференции?")
)
"""Many sentences of the archive fit each of them equally well: the same ones are cited all the same."""


def build(archive: Archive) -> None:
    """Two hundred recordings with everything that can happen to one."""
    for number in range(COUNT + 1):
        if number != WAITING:
            archive.receive(number)
    archive.receive(CAME_TWICE, source="telegram:7:8:22")
    archive.receive(FORGOTTEN, source="telegram:7:8:20")
    archive.work()
    archive.version = 2
    archive.journal.restart(archive.known[HEARD_AGAIN].id, Stage.TRANSCRIBE)
    archive.journal.restart(archive.known[MUTE_NO_MORE].id, Stage.TRANSCRIBE)
    archive.journal.restart(archive.known[REPORTED_AGAIN].id, Stage.REPORT)
    archive.work()
    archive.version = 3
    archive.journal.restart(archive.known[HEARD_IN_VAIN].id, Stage.TRANSCRIBE)
    archive.work()
    archive.forget(FORGOTTEN)
    archive.receive(WAITING)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, migrated_sqlite: Path) -> Iterator[Archive]:
    data = tmp_path_factory.mktemp("archive") / "data"
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("VOXPERSONA_DATA", str(data))
        environment.setenv("VOXPERSONA_MODELS", Program(data).environment["VOXPERSONA_MODELS"])
        house = House(read_settings())
    archive = Archive(data, migrated_sqlite, house.embedder, house.passages, mute=MUTE)
    build(archive)
    yield archive
    archive.close()


def answers(program: Program, recordings: list[Recording]) -> list[Any]:
    """All that the program tells of its archive, but for the room left on the disk."""
    commands = [["list"], ["status"], *(["ask", question] for question in QUESTIONS + OF_EVERYTHING)]
    commands += [["show", recording.id] for recording in recordings]
    commands += [["export", recordings[number].id, "--format", "md"] for number in (HEARD_AGAIN, HEARD_IN_VAIN)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.commands"],
        env=dict(program.environment),
        input="".join(json.dumps(command) + "\n" for command in commands).encode(),
        capture_output=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr.decode()
    told = json.loads(done.stdout)
    assert [code for code, _ in told] == [0] * len(commands)
    del told[1][1]["free_bytes"]
    return [[command, document] for command, (_, document) in zip(commands, told, strict=True)]


def test_an_archive_without_database_and_index_answers_as_before_once_it_is_rebuilt(built: Archive) -> None:
    program = Program(built.data)
    recordings = [built.known[number] for number in sorted(built.known) if number != FORGOTTEN]
    before = answers(program, recordings)
    listed, status, *asked = (document for _, document in before)
    assert len(listed["recordings"]) == COUNT
    assert status["counts"] == {"received": 1, "working": 0, "ready": COUNT - 4, "failed": 3}
    assert [one["found"] for one in asked[: len(QUESTIONS)]] == [True] * (len(QUESTIONS) - 1) + [False]
    assert program.json("check") == {"ok": True, "problems": []}

    for path in [*built.data.glob("voxpersona.db*"), built.data / "index"]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    for point in (
        "voxpersona.adapters.library.sql:SqlLibrary.restore:return:60",
        "voxpersona.adapters.index.lance:LancePassageIndex.upsert:return:40",
    ):
        assert program.killed_at(point, "rebuild").code == -signal.SIGKILL
    rebuilt = program.json("rebuild")
    assert (rebuilt["ok"], rebuilt["recordings"], rebuilt["forgotten"]) == (True, COUNT, 2)
    assert program.json("check", "--read") == {"ok": True, "problems": []}
    after = answers(program, recordings)
    assert [one for one, other in zip(after, before, strict=True) if one != other] == []

    assert program.json("rebuild") == {**rebuilt, "indexed": 0}
    remembers_what_was_forgotten_and_what_waits(built)


def remembers_what_was_forgotten_and_what_waits(built: Archive) -> None:
    engine = open_engine(f"sqlite:///{built.data / 'voxpersona.db'}")
    transactions = Transactions(engine)
    library, journal = (
        SqlLibrary(transactions, lambda _connection, _order: None),
        SqlJournal(transactions, lambda _connection, _order: None),
    )
    for source in (built.known[FORGOTTEN].source, "telegram:7:8:20"):
        with pytest.raises(Rejected) as refused:
            library.known(source, "0" * 64)
        assert refused.value.code is Code.FORGOTTEN
    assert library.known("telegram:7:8:22", "0" * 64) == built.known[CAME_TWICE]
    waiting = WorkOrder(recording=built.known[WAITING].id, run=1)
    assert journal.open_orders() == [waiting]
    assert [library.transcript(built.known[HEARD_AGAIN].id, number).number for number in (1, 2)] == [1, 2]
    with engine.connect() as connection:
        started = connection.exec_driver_sql("SELECT workflow_uuid, status FROM workflow_status").all()
    engine.dispose()
    assert [tuple(row) for row in started] == [(f"{waiting.recording}:1", "ENQUEUED")]
