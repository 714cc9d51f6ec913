"""The real program and a transcription server that fails in every way it can: the right outcome, and no lost text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.builders_media import flac_of
from tests.program import Program
from tests.rooms import the_talk
from tests.speech_server import Reply, Request, serving, verbose

SAID = " ".join(segment.text for segment in the_talk().segments)
GOOD = Reply(body=json.dumps(verbose(the_talk(), 6.0)).encode())
EXPIRED = Reply(status=401, body=b'{"error": {"code": "token_expired"}}')
READY = ("ready", None)


@dataclass(frozen=True)
class Fault:
    """What is answered to one recording, and what becomes of it; one that failed is then done again."""

    replies: Sequence[Reply]
    outcome: tuple[str, str | None] = READY
    seconds: float = 6.0
    said: str = SAID


FAULTS = {
    "throttled": Fault([Reply(status=429, headers={"Retry-After": "1"}), GOOD]),
    "errors": Fault([Reply(status=500), Reply(status=502, body=b"<html>"), GOOD]),
    "hang": Fault([Reply(hangs=True), GOOD]),
    "cut answer": Fault([Reply(body=GOOD.body, cut=len(GOOD.body) // 2), GOOD]),
    "wrong JSON": Fault([Reply(body=GOOD.body[:-20])], ("failed", "transcriber-answer")),
    "other JSON": Fault([Reply(body=b'{"result": []}')], ("failed", "transcriber-answer")),
    "too large": Fault([Reply(status=413), GOOD, GOOD], seconds=14.0, said=f"{SAID} {SAID}"),
    "no such model": Fault([Reply(status=404)], ("failed", "transcriber-refused")),
    "one key expired": Fault([EXPIRED, GOOD]),
    "both keys expired": Fault([EXPIRED], ("failed", "transcriber-refused")),
}
"""In this order, for one recording after the other: the key that has expired first is set aside."""


@dataclass(frozen=True)
class Outcome:
    first: tuple[str, str | None]
    last: tuple[str, str | None]
    said: str


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """All recordings, worked on one after the other, those that failed once more when the server was well."""
    place = tmp_path_factory.mktemp("faults")
    script = [reply for fault in FAULTS.values() for reply in fault.replies]
    asked: list[Request] = []

    def serve(request: Request) -> Reply:
        asked.append(request)
        return script[len(asked) - 1] if len(asked) <= len(script) else GOOD

    with serving(serve) as server:
        program = Program(
            place / "data",
            VOXPERSONA_TRANSCRIBER_URL=server.url,
            VOXPERSONA_TRANSCRIBER_KEY="sk-first,sk-second",
            VOXPERSONA_TRANSCRIBER_TIMEOUT="3",
        )
        paths = []
        for number, (name, fault) in enumerate(FAULTS.items()):
            paths.append(place / f"{name}.flac")
            paths[-1].write_bytes(flac_of(start=0.3 * number, end=0.3 * number + fault.seconds))
        received = program.json("receive", *map(str, paths))["recordings"]
        program.json("worker", "--until-idle")
        database = sa.create_engine(f"sqlite:///{program.data / 'voxpersona.db'}")
        first = _states(database)
        program.json("retry", "--failed", "--wait")
        last = _states(database)
        with database.begin() as connection:
            texts = connection.execute(sa.text("SELECT recording_id, text FROM transcription"))
            said = {row.recording_id: row.text for row in texts}
        database.dispose()
        assert program.json("check", "--read") == {"ok": True, "problems": []}
    by_name = {Path(one["name"]).stem: one["id"] for one in received}
    return {name: Outcome(first[key], last[key], said[key]) for name, key in by_name.items()}


def _states(database: sa.Engine) -> dict[str, tuple[str, str | None]]:
    """State and reason of each recording's newest run. Not asked of the program, which takes longer to start."""
    query = sa.text("SELECT recording_id, state, failed_code FROM run ORDER BY number")
    with database.begin() as connection:
        return {identity: (state, code) for identity, state, code in connection.execute(query)}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_has_its_outcome_and_no_text_is_lost(name: str, ended: Mapping[str, Outcome]) -> None:
    outcome, fault = ended[name], FAULTS[name]
    assert outcome == Outcome(first=fault.outcome, last=READY, said=fault.said)
