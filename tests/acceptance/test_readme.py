"""The README's terminal session, typed literally into a shell: what it prints is what the README shows."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.program import Program

_ROOT = Path(__file__).parents[2]
_ID = re.compile(r"\b[0-9a-hjkmnp-tv-z]{12}\b")


def _session() -> list[tuple[str, str]]:
    """(command, what it prints) in order."""
    readme = (_ROOT / "README.md").read_text(encoding="utf-8")
    block = readme.split("```console\n")[1].split("```")[0]
    pairs = []
    for part in block.split("$ ")[1:]:
        command, _, printed = part.partition("\n")
        pairs.append((command, printed))
    return pairs


def _is_shown(real: str, printed: str) -> bool:
    """A line `...` stands for any lines, also none: engines hear the same words a little differently elsewhere."""
    pattern = "".join("(?:.*\n)*" if line == "..." else re.escape(line) + "\n" for line in printed.splitlines() if line)
    return re.fullmatch(pattern, real) is not None


def test_the_readme_session_prints_what_it_shows(tmp_path: Path) -> None:
    program = Program(tmp_path / "data")
    session = _session()
    shown = _ID.findall(session[1][1])[0]
    clone = tmp_path / "clone"
    clone.mkdir()
    # A clone as `make run` leaves it, as far as the session touches it.
    (clone / "src").symlink_to(_ROOT / "src")
    (clone / ".venv").symlink_to(Path(sys.prefix))
    path = os.environ["PATH"]
    real = ""
    for command, printed in session:
        typed = command.replace(shown[:4], real[:4]) if real else command
        exported = re.fullmatch(r'export PATH="\$PWD/(.*):\$PATH"', typed)
        if exported:
            path = f"{clone / exported[1]}:{path}"
            continue
        done = subprocess.run(
            ["/bin/sh", "-c", typed],
            cwd=clone,
            env={**program.environment, "PATH": path},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        if not real:
            real = _ID.findall(done.stdout)[0]
        assert _is_shown(done.stdout.replace(real, shown), printed), (done.stdout, printed)
    assert (clone / "interview.srt").read_text(encoding="utf-8").startswith("1\n00:00:00,")
