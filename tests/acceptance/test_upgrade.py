"""A recording under way survives an upgrade: begun and killed on the code of before, finished by the code of now."""

import io
import shutil
import signal
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.builders_media import flac_of
from tests.program import Program

BEFORE = "0eb7ec4"
"""The last commit with the schema m001 and the first way."""

_ROOT = Path(__file__).parents[2]
_STAGES = "voxpersona.pipeline.stages:PortStages"
_POINTS = {
    "hearing": f"{_STAGES}.hear:call:1",
    "all done, not yet told": "voxpersona.adapters.library.journal:SqlJournal.ready:call:1",
}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source of before; skips, loudly, where the history is not there."""
    git = shutil.which("git")
    archived = subprocess.run([git or "git", "archive", BEFORE, "src"], cwd=_ROOT, capture_output=True, check=False)
    if archived.returncode != 0:
        pytest.skip(f"AN UPGRADE IS NOT TESTED HERE: the history of this clone does not hold {BEFORE}")
    place = tmp_path_factory.mktemp("before")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(place, filter="data")
    return place / "src"


@pytest.mark.parametrize("where", _POINTS)
def test_what_was_begun_before_an_upgrade_is_finished_after_it(where: str, before: Path, tmp_path: Path) -> None:
    path = tmp_path / "interview.flac"
    path.write_bytes(flac_of(start=0.0, end=14.0))
    old = Program(tmp_path / "data", PYTHONPATH=str(before))
    identity = old.json("receive", str(path), "--scenario", "interview")["recordings"][0]["id"]
    killed = old.killed_at(_POINTS[where], "worker", "--until-idle")
    assert killed.code == -signal.SIGKILL, killed

    new = Program(tmp_path / "data")
    assert len(new.json("list")["recordings"]) == 1
    assert len(list((tmp_path / "data" / "backups").iterdir())) == 1
    assert new.run("worker", "--until-idle").code == 0
    shown = new.json("show", identity)
    assert shown["state"] == "ready"
    assert all(stage["attempts"] <= 2 for stage in shown["stages"])
    assert new.json("receive", str(path))["recordings"][0]["duplicate_of"] == identity
    assert new.json("check", "--read") == {"ok": True, "problems": []}
    refused = old.json("list", code=7)["error"]
    assert refused["code"] == "data-directory"
