"""Over sixty odd names and contents through the real program: each is kept right or refused clearly, nothing else.

The table stands in tests/sounds.py.
"""

import hashlib
import os
from pathlib import Path

import pytest

from tests.program import Program
from tests.sounds import OddInput, odd_inputs

_INPUTS = {odd.label: odd for odd in odd_inputs()}


class _Visit:
    """All odd inputs of one directory, received by one command, and what came of them."""

    def __init__(self, directory: Path) -> None:
        self.program = Program(directory / "data")
        self.paths: dict[str, bytes] = {}
        for number, odd in enumerate(_INPUTS.values()):
            # One directory each: some names differ in their Unicode form only.
            shelf = directory / "visit" / f"{number:03d}"
            shelf.mkdir(parents=True)
            self.paths[odd.label] = os.fsencode(shelf) + b"/" + os.fsencode(odd.name)
            with open(self.paths[odd.label], "wb") as file:  # noqa: PTH123  # names that no Path can be trusted with
                file.write(odd.make())
        outcome = self.program.run("receive", str(directory / "visit"), "--json")
        assert outcome.code == 3, outcome.err
        assert "Traceback" not in outcome.err
        document = outcome.document
        self.refused = {entry["path"]: entry for entry in document["rejected"]}
        self.listed = {entry["sha256"]: entry for entry in self.program.json("list")["recordings"]}
        self.count = len(document["recordings"]) + len(document["rejected"])

    def shown_path(self, odd: OddInput) -> str:
        return self.paths[odd.label].decode("utf-8", "replace")


@pytest.fixture(scope="module")
def visit(tmp_path_factory: pytest.TempPathFactory) -> _Visit:
    return _Visit(tmp_path_factory.mktemp("odd"))


def test_there_are_enough_of_them_and_none_is_passed_over(visit: _Visit) -> None:
    assert len(_INPUTS) >= 60
    assert visit.count == len(_INPUTS)


@pytest.mark.parametrize("label", [label for label, odd in _INPUTS.items() if odd.is_kept])
def test_it_is_kept_as_it_came(label: str, visit: _Visit) -> None:
    """Under its true name and with the hash of its bytes; the last test reads every stored byte against its hash."""
    odd = _INPUTS[label]
    content = _content(visit, odd)
    entry = visit.listed[_sha256(content)]
    assert entry["name"] == os.fsencode(odd.name).decode("utf-8", "replace")
    assert odd.seconds is not None
    assert entry["seconds"] == pytest.approx(odd.seconds, abs=odd.tolerance)
    assert entry["bytes"] == len(content)


@pytest.mark.parametrize("label", [label for label, odd in _INPUTS.items() if not odd.is_kept])
def test_it_is_refused_with_its_reason(label: str, visit: _Visit) -> None:
    odd = _INPUTS[label]
    (refused,) = [entry for path, entry in visit.refused.items() if path == visit.shown_path(odd)]
    assert refused["code"] in odd.codes
    assert len(refused["reason"]) > 20


def test_what_is_cut_off_is_kept_when_asked(visit: _Visit) -> None:
    odd = next(odd for odd in _INPUTS.values() if odd.is_cut)
    path = os.fsdecode(visit.paths[odd.label])
    received = visit.program.json("receive", path, "--accept-damaged")["recordings"]
    assert visit.program.json("show", received[0]["id"])["original"]["damage"]


def test_the_archive_is_whole_afterwards(visit: _Visit) -> None:
    assert visit.program.json("check", "--read") == {"ok": True, "problems": []}
    assert list((visit.program.data / "spool").iterdir()) == []


def _content(visit: _Visit, odd: OddInput) -> bytes:
    with open(visit.paths[odd.label], "rb") as file:  # noqa: PTH123  # see above
        return file.read()


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
