"""The real program as a subprocess, with a data directory of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import voxpersona.samples

SAMPLES = Path(voxpersona.samples.__file__).parent
SAMPLE = SAMPLES / "en_interview_two_speakers.ogg"
PROGRAM = str(Path(sys.executable).parent / "voxpersona")
_DEADLINE = 540  # seconds a command may take before the test gives up


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as the one JSON document it has to be."""
        return json.loads(self.out)


class Program:
    """Runs `voxpersona` commands over one data directory."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("VOXPERSONA_", "MINIO_"))}
        models = os.environ.get("VOXPERSONA_MODELS", str(Path(__file__).parents[1] / ".cache" / "models"))
        self.environment: Mapping[str, str] = {
            **kept,
            "VOXPERSONA_DATA": str(data),
            "VOXPERSONA_MODELS": models,
            "VOXPERSONA_LANGUAGE": "en",
            "HF_HUB_OFFLINE": "1",
            **environment,
        }

    def run(self, *arguments: str, stdin: bytes | None = None, cwd: Path | None = None) -> Outcome:
        """Run a command to its end."""
        return self._run([PROGRAM, *arguments], stdin, cwd)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json, expect its exit code, return its document."""
        outcome = self.run(*arguments, "--json")
        assert outcome.code == code, outcome
        return outcome.document

    def killed_at(self, point: str, *arguments: str) -> Outcome:
        """Run a command that is SIGKILLed at the point (see tests/killer.py)."""
        return self._run([sys.executable, "-m", "tests.killer", point, *arguments], None, Path(__file__).parents[1])

    def start(self, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command and leave it running; the caller ends it."""
        return subprocess.Popen(
            [PROGRAM, *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _run(self, command: list[str], stdin: bytes | None, cwd: Path | None) -> Outcome:
        done = subprocess.run(
            command,
            env=self.environment,
            input=stdin if stdin is not None else b"",
            capture_output=True,
            timeout=_DEADLINE,
            check=False,
            cwd=cwd,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())
