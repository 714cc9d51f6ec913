"""A short run of the torture (`make torture`) from a seed: judged by safety alone, not by what it hit or how fast."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.minio import NEEDS_MINIO
from tests.servers.postgres import POSTGRESQL

_LONGEST = 840.0


@NEEDS_MINIO
@pytest.mark.parametrize(("database", "seed"), [("sqlite", 11), pytest.param("postgresql", 12, marks=POSTGRESQL.marks)])
def test_nothing_is_lost_altered_or_there_twice(database: str, seed: int, minio_program: Path, tmp_path: Path) -> None:
    settings = {"KILLS": "6", "RECORDINGS": "4", "SEED": str(seed), "DATABASE": database, "RESULTS": ""}
    ended = subprocess.run(
        [sys.executable, "-m", "tests.torture"],
        env={**os.environ, **settings, "TMPDIR": str(tmp_path) if database == "sqlite" else "/tmp"},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=_LONGEST,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    last = ended.stdout.splitlines()[-1]
    assert re.fullmatch(r"\d+ kills, 4 recordings: 0 lost, 0 altered, 0 twice, \d+\.\d % steps repeated", last), last
