"""Run many commands of the real program in one process, one after another.

    python -m tests.commands < LINES

Each line is a JSON list of arguments; standard output gets one JSON list of `[exit code, document]`. A test that asks
two hundred recordings saves two hundred starts of an interpreter.
"""

import io
import json
import sys
from contextlib import redirect_stdout
from typing import Any

from voxpersona.doors.cli import correcting, doctor, keeping, reading, showing, taking, voices  # noqa: F401  # importing registers them
from voxpersona.doors.cli.app import app


def run(arguments: list[str]) -> tuple[int, Any]:
    """One command with --json: its exit code and its document."""
    written = io.StringIO()
    with redirect_stdout(written):
        code = app([*arguments, "--json"], standalone_mode=False)
    return code or 0, json.loads(written.getvalue())


if __name__ == "__main__":
    json.dump([run(json.loads(line)) for line in sys.stdin], sys.stdout)
