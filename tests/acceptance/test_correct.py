"""People correct a transcript with the real program: it flows on, and survives kills and a lost database."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.builders_media import flac_of
from tests.program import Program

_CORRECT = "voxpersona.adapters.library.sql:SqlLibrary.correct"
BEFORE_THE_COMMIT = f"{_CORRECT}:call:1"
BETWEEN_COMMIT_AND_BUCKET = f"{_CORRECT}:return:1"
_REJECTED = 3
WAS, NOW = "afternoon", "morning"


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory in which some seconds of an interview were worked through."""
    place = tmp_path_factory.mktemp("heard")
    path = place / "interview.flac"
    path.write_bytes(flac_of(start=0.0, end=7.0))
    Program(place / "data").json("receive", str(path), "--scenario", "interview", "--wait")
    return place / "data"


@pytest.fixture
def program(heard: Path, tmp_path: Path) -> Program:
    shutil.copytree(heard, tmp_path / "data")
    return Program(tmp_path / "data")


def identity(program: Program) -> str:
    (found,) = (program.data / "store" / "main" / "recordings").iterdir()
    return found.name


def answers(program: Program, *commands: tuple[str, ...], refused: int | None = None) -> list[Any]:
    """The documents of commands in one process: a start of the interpreter costs more than most of them do. `refused`
    is the one that is to be rejected."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.commands"],
        env=dict(program.environment),
        input="".join(json.dumps(command) + "\n" for command in commands).encode(),
        capture_output=True,
        check=False,
        timeout=540,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr.decode()
    ended = json.loads(done.stdout)
    wanted = [_REJECTED if place == refused else 0 for place in range(len(commands))]
    assert [code for code, _ in ended] == wanted, (ended, done.stderr.decode())
    return [document for _, document in ended]


def words(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [word for segment in document["transcript"]["segments"] for word in segment["words"]]


def test_a_correction_flows_on_and_outlives_a_lost_database(program: Program, tmp_path: Path) -> None:
    name, path = identity(program), tmp_path / "talk.txt"
    before, _ = answers(program, ("show", name), ("export", name, "--format", "txt", "--output", str(path)))
    exported = path.read_text(encoding="utf-8")
    path.write_text(exported.replace(WAS, NOW), encoding="utf-8")
    done = program.json("correct", name, "--from", str(path), "--by", "Anna", "--wait")
    assert (done["state"], done["run"], done["correction"]["by"]) == ("ready", 2, "Anna")

    path.write_text(exported.replace(WAS, "evening"), encoding="utf-8")
    after, heard, markdown, refused = answers(
        program,
        ("show", name),
        ("show", name, "--as-heard"),
        ("export", name, "--format", "md"),
        ("correct", name, "--from", str(path)),
        refused=3,
    )
    expected = [
        {**old, "text": f"{NOW},", "confidence": 1.0, "correction": 2} if WAS in old["text"] else old
        for old in words(before)
    ]
    assert words(after) == expected != words(before)
    assert words(heard) == words(before)
    assert f"Good {NOW}, and thank you for joining us today. *(corrected by a person)*" in markdown["text"]

    assert refused["error"]["code"] == "correction-stale"
    assert "Nothing was overwritten" in refused["error"]["message"]

    for lost in program.data.glob("voxpersona.db*"):
        lost.unlink()
    shutil.rmtree(program.data / "index")
    rebuilt, again, checked = answers(program, ("rebuild",), ("show", name), ("check", "--read"))
    assert rebuilt["ok"]
    assert (again["run"], words(again)) == (2, expected)
    assert checked == {"ok": True, "problems": []}


def test_a_kill_before_the_commit_corrects_nothing_and_one_after_it_loses_nothing(program: Program) -> None:
    name = identity(program)
    document = program.data / "store" / "main" / "recordings" / name / "roles" / "2.json"
    arguments = ("correct", name, "--was", WAS, "--is", NOW)
    assert program.killed_at(BEFORE_THE_COMMIT, *arguments).code == -signal.SIGKILL
    shown, checked = answers(program, ("show", name), ("check", "--read"))
    assert (shown["run"], shown["transcript"]["corrections"]) == (1, [])
    assert checked == {"ok": True, "problems": []}

    assert program.killed_at(BETWEEN_COMMIT_AND_BUCKET, *arguments).code == -signal.SIGKILL
    assert not document.exists()
    refused, _, shown, checked = answers(
        program, arguments, ("worker", "--until-idle"), ("show", name), ("check", "--read"), refused=0
    )
    assert refused["error"]["code"] == "busy-recording"
    assert document.exists()
    assert f"{NOW}," in [word["text"] for word in words(shown)]
    assert checked == {"ok": True, "problems": []}
