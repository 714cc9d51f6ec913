"""What `voxpersona doctor` says, of many set-ups at once."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.program import PROGRAM, Outcome, Program
from voxpersona.doors.cli.console import exit_code
from voxpersona.errors import Code, kind_of

_AT_ONCE = 2


class Confined(Program):
    """The program behind the start of another command, which takes something away from it."""

    def __init__(self, before: Sequence[str], data: Path, **environment: str) -> None:
        super().__init__(data, **environment)
        self._before = before

    def run(self, *arguments: str, stdin: bytes | None = None, cwd: Path | None = None) -> Outcome:
        """Run a command to its end."""
        return self._run([*self._before, PROGRAM, *arguments], stdin, cwd)


@dataclass(frozen=True)
class Told:
    """What the doctor said with --json."""

    code: int
    document: dict[str, Any]
    err: str

    @property
    def checks(self) -> dict[str, dict[str, Any]]:
        return {check["name"]: check for check in self.document["checks"]}

    @property
    def wrong(self) -> dict[str, str]:
        """The codes of what is wrong."""
        return {name: check["code"] for name, check in self.checks.items() if not check["ok"]}

    def sentence(self, name: str) -> str:
        return str(self.checks[name]["detail"])


def examined(programs: Mapping[str, Program], *arguments: str) -> dict[str, Outcome]:
    """Each set-up looked at by the doctor, a few at a time: most of them wait."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        outcomes = threads.map(lambda program: program.run("doctor", *arguments), programs.values())
        return dict(zip(programs, outcomes, strict=True))


def told(programs: Mapping[str, Program]) -> dict[str, Told]:
    """The same, as documents."""
    outcomes = examined(programs, "--json")
    assert all(one.out for one in outcomes.values()), outcomes
    return {name: Told(one.code, json.loads(one.out), one.err) for name, one in outcomes.items()}


def assert_says(told: Told, expected: Mapping[str, tuple[Code, str]]) -> None:
    """This is wrong and nothing else; each sentence has these words, parted by `…`, in this order."""
    assert told.wrong == {name: code.value for name, (code, _) in expected.items()}, told
    assert told.document["ok"] is False
    assert told.code == max(exit_code(kind_of(code)) for code, _ in expected.values())
    for name, (_, words) in expected.items():
        sentence = told.sentence(name)
        assert re.search(".*".join(re.escape(word) for word in words.split("…")), sentence, re.DOTALL), sentence
        assert "—" not in sentence, sentence  # stands where a fact is missing


def english_in(text: str) -> list[str]:
    """English phrases in a Russian text: two words at least, which are no command, path, address or setting."""
    text = re.sub(r"`[^`]*`|\S*[/_]\S*|https?:\S+|chmod \d+|\b[A-Z]\w*\b", " . ", text)
    return re.findall(r"[a-z]{2,}(?: [a-z]{2,})+", text)
