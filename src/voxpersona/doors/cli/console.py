"""What the command line shows: one JSON document or plain lines on standard output, everything else on the other."""

import json
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from voxpersona.doors.counts import counted
from voxpersona.doors.texts import Language, explain
from voxpersona.errors import (
    Configuration,
    Forbidden,
    Integrity,
    NotFound,
    Rejected,
    Unavailable,
    VoxPersonaError,
)
from voxpersona.ports import OnProgress

EXIT_CODES: Mapping[type[VoxPersonaError], int] = {
    Rejected: 3,
    NotFound: 4,
    Unavailable: 5,
    Integrity: 6,
    Configuration: 7,
    Forbidden: 8,
}
"""0 is done, 2 is wrong use; docs/commands.md says the same."""


def exit_code(kind: type[VoxPersonaError]) -> int:
    """The process exit code for a kind of error."""
    return next(code for known, code in EXIT_CODES.items() if issubclass(kind, known))


def size(count: int) -> str:
    """Bytes as a person reads them."""
    amount, unit = float(count), "B"
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if amount < 1000 or unit == "TB":
            break
        amount /= 1000
    return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"


def printable(text: str) -> str:
    """A name as one line: control and direction characters, which could fool the reader's eye, are shown escaped."""
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)


class Console:
    """Where a command writes. `wants_json`: the document is all that standard output gets."""

    def __init__(self, *, wants_json: bool, language: Language) -> None:
        self.wants_json = wants_json
        self.language: Language = language

    def document(self, content: Mapping[str, Any]) -> None:
        """The command's one JSON document, where JSON was asked for."""
        if self.wants_json:
            sys.stdout.write(json.dumps(content, ensure_ascii=False, indent=2) + "\n")

    def line(self, text: str = "") -> None:
        """A line for a person, on standard output."""
        if not self.wants_json:
            sys.stdout.write(text + "\n")

    def note(self, text: str) -> None:
        """A line beside the matter: progress, hints, warnings. Standard error, in both modes."""
        sys.stdout.flush()
        sys.stderr.write(text + "\n")
        sys.stderr.flush()

    def failure(self, error: VoxPersonaError) -> None:
        """Say what is wrong and what to do; in JSON mode also as the document."""
        message = explain(error, self.language)
        self.note(message)
        self.document({"error": {"code": error.code, "message": message}})

    def pick(self, english: str, russian: str) -> str:
        return english if self.language == "en" else russian

    def count(self, number: int, noun: str) -> str:
        """So many of them, as doors/counts.py names them."""
        return counted(number, noun, self.language)

    @contextmanager
    def progress(self, title: str) -> Iterator[OnProgress]:
        """A bar on a terminal, a line for every tenth elsewhere, both on standard error."""
        if sys.stderr.isatty():
            with self._bar(title) as told:
                yield told
        else:
            yield _Lines(self, title)

    @contextmanager
    def _bar(self, title: str) -> Iterator[OnProgress]:
        from rich.console import Console as Terminal
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Terminal(stderr=True), transient=True) as bar:
            task = bar.add_task(title, total=1.0)
            yield lambda share: bar.update(task, completed=share)


class _Lines:
    """Progress where there is no terminal: a plain line for every tenth of the way."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._next = 1  # that it has begun is said by what was said before
        self._lock = threading.Lock()

    def __call__(self, share: float) -> None:
        tenth = int(share * 10 + 1e-6)
        with self._lock:
            if tenth < self._next:
                return
            self._next = tenth + 1
        self._console.note(f"{self._title}: {tenth * 10} %")
