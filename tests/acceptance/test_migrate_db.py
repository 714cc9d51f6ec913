"""An embedded installation moves to PostgreSQL: nothing is lost on the way, and there is one library afterwards."""

import shutil
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders_media import flac_of
from tests.program import Program


@dataclass(frozen=True)
class Moving:
    """The installation as it was and as it will be, with the ids of what it keeps."""

    embedded: Program
    shared: Program
    ready: str
    waiting: str
    forgotten: Path
    known: Path


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Moving:
    """One recording ready, one not begun, one forgotten: made once, and copied for each test."""
    place = tmp_path_factory.mktemp("embedded")
    paths = [place / f"{number}.flac" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(flac_of(start=7.0 * number, end=7.0 * number + 6.0))
    program = Program(place / "data")
    ready = program.json("receive", str(paths[0]), "--wait")["recordings"][0]["id"]
    gone = program.json("receive", str(paths[1]))["recordings"][0]["id"]
    program.json("forget", gone)
    waiting = program.json("receive", str(paths[2]))["recordings"][0]["id"]
    return Moving(program, program, ready, waiting, paths[1], paths[0])


@pytest.fixture
def moving(embedded: Moving, database_url: str, tmp_path: Path) -> Moving:
    data = tmp_path / "data"
    shutil.copytree(embedded.embedded.data, data)
    shared = Program(data, VOXPERSONA_DATABASE_URL=database_url)
    return replace(embedded, embedded=Program(data), shared=shared)


def told(program: Program, moving: Moving) -> list[Any]:
    return [program.json("list"), program.json("show", moving.ready), program.json("ask", "What about the breakfast?")]


def test_everything_is_there_afterwards_and_what_was_not_over_goes_on(moving: Moving) -> None:
    before = told(moving.embedded, moving)
    assert moving.shared.json("migrate-db") == {"moved": True, "recordings": 2}
    assert told(moving.shared, moving) == before
    assert moving.shared.run("worker", "--until-idle").code == 0
    assert moving.shared.json("show", moving.waiting)["state"] == "ready"
    assert moving.shared.json("receive", str(moving.known))["recordings"][0]["duplicate_of"] == moving.ready
    refused = moving.shared.json("receive", str(moving.forgotten), code=3)
    assert [one["code"] for one in refused["rejected"]] == ["forgotten"]
    moving.shared.json("retry", moving.ready, "--wait")
    assert moving.shared.json("check", "--read") == {"ok": True, "problems": []}


def test_the_old_database_is_closed_and_says_where_its_recordings_are(moving: Moving) -> None:
    moving.shared.json("migrate-db")
    refused = moving.embedded.json("list", code=7)["error"]
    assert refused["code"] == "data-directory"
    assert "VOXPERSONA_DATABASE_URL" in refused["message"]
    assert moving.shared.json("migrate-db") == {"moved": False, "recordings": 2}


def test_killed_between_the_two_commits_it_is_finished_by_doing_it_again(moving: Moving) -> None:
    before = told(moving.embedded, moving)
    killed = moving.shared.killed_at("voxpersona.adapters.library.moving:_close:call:1", "migrate-db")
    assert killed.code == -signal.SIGKILL
    assert told(moving.embedded, moving) == before
    assert moving.shared.json("migrate-db") == {"moved": True, "recordings": 2}
    assert told(moving.shared, moving) == before


def test_killed_while_it_copies_nothing_was_copied(moving: Moving) -> None:
    killed = moving.shared.killed_at("voxpersona.adapters.library.moving:_copy:return:1", "migrate-db")
    assert killed.code == -signal.SIGKILL
    assert moving.shared.json("list")["recordings"] == []
    assert moving.shared.json("migrate-db") == {"moved": True, "recordings": 2}


def test_a_database_with_another_archive_is_refused_and_nothing_is_closed(moving: Moving, tmp_path: Path) -> None:
    path = tmp_path / "another.flac"
    path.write_bytes(flac_of(start=24.0, end=30.0))
    elsewhere = Program(
        tmp_path / "elsewhere",
        **{name: value for name, value in moving.shared.environment.items() if name == "VOXPERSONA_DATABASE_URL"},
    )
    elsewhere.json("receive", str(path))
    assert moving.shared.json("migrate-db", code=7)["error"]["code"] == "database-not-empty"
    assert len(moving.embedded.json("list")["recordings"]) == 2


def test_it_needs_a_target_a_source_and_no_worker(moving: Moving, tmp_path: Path) -> None:
    assert moving.embedded.json("migrate-db", code=7)["error"]["code"] == "setting-missing"
    url = moving.shared.environment["VOXPERSONA_DATABASE_URL"]
    new = Program(tmp_path / "new", VOXPERSONA_DATABASE_URL=url)
    assert new.json("migrate-db", code=4)["error"]["code"] == "path-absent"
