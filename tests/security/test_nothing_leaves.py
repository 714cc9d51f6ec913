"""Nothing leaves the machine: the whole way is walked while the kernel's calls are watched.

Found the hard way: official builds of ONNX Runtime report to their maker by default and leave a device id behind.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.builders_media import flac_of
from tests.program import PROGRAM, Program


@pytest.fixture
def program(tmp_path: Path) -> Program:
    (tmp_path / "home").mkdir()
    return Program(tmp_path / "data", HOME=str(tmp_path / "home"), ORT_DISABLE_TELEMETRY="0")


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "short.flac"
    path.write_bytes(flac_of(start=6.5, end=16.2))
    return path


def test_nobody_leaves_anything_in_the_users_home(program: Program, recording: Path, tmp_path: Path) -> None:
    received = program.json("receive", str(recording), "--wait")["recordings"][0]
    assert received["state"] == "ready"
    assert program.json("ask", "How was the breakfast?")["found"]
    assert list((tmp_path / "home").rglob("*")) == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="NOT TESTED HERE: no strace to watch connections with")
def test_no_connection_is_even_tried(program: Program, recording: Path, tmp_path: Path) -> None:
    seen = tmp_path / "calls"
    command = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg", "-o", str(seen), PROGRAM]
    watched = [*command, "receive", str(recording), "--wait", "--json"]
    subprocess.run(watched, env={**os.environ, **program.environment}, check=True, capture_output=True, timeout=300)
    calls = seen.read_text(encoding="utf-8", errors="replace").splitlines()
    assert [call for call in calls if re.search("AF_INET6?", call)] == []


def test_nothing_that_was_said_is_logged_at_any_level(recording: Path, tmp_path: Path) -> None:
    program = Program(tmp_path / "data", VOXPERSONA_LOG_LEVEL="DEBUG")
    outcome = program.run("receive", str(recording), "--wait")
    assert outcome.code == 0
    assert "breakfast" not in (outcome.out + outcome.err).lower()
