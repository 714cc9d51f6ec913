"""The judge: reads buckets and database by its own hand and says what became of every acknowledged recording.

It imports nothing of the program it judges: boto3 for the buckets, sqlite3 or psycopg for the database, json.
"""

import hashlib
import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Acknowledged:
    """What a sender was told: that the recording with these bytes is kept under this id."""

    id: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Evidence:
    """Where to look, and what is known from outside. `database` is a path of an SQLite file or a PostgreSQL URL.

    `paid` says how often the transcription server was paid for each piece, `interruptions` how often a worker ended or
    was held up, for whatever reason; `checked` is what `voxpersona check --read --json` printed.
    """

    keeper: "S3Client"
    audio: str
    main: str
    database: str
    acknowledged: Sequence[Acknowledged]
    paid: Mapping[str, int]
    interruptions: int
    checked: Any
    at_once: int = 1
    """How many pieces a worker may be paying for when it is interrupted."""


@dataclass
class Verdict:
    recordings: int = 0
    lost: list[str] = field(default_factory=list)
    altered: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    """Everything else that must not be."""
    orphans: int = 0
    """Originals that were never acknowledged and that no row knows: left by killed deliveries that nobody repeated."""
    unfinished: int = 0
    """Uploads in parts that were begun and never completed."""
    steps: int = 0
    """Stages and pieces that had to be done."""
    again: int = 0
    """How often one of them was begun or paid for once more."""
    paid_again: int = 0
    """Of these, pieces that the transcription server was paid for once more."""

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.altered or self.twice or self.problems)


def rows(database: str, query: str) -> list[Row]:
    """What the database answers."""
    if "://" in database:
        with closing(psycopg.connect(database)) as server:
            return server.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(f"{Path(database).absolute().as_uri()}?mode=ro", uri=True, timeout=30)) as file:
        return file.execute(query).fetchall()


class _Bucket:
    """Every object of a bucket but the adapters' own."""

    def __init__(self, keeper: "S3Client", name: str) -> None:
        self._keeper = keeper
        self._name = name
        pages = keeper.get_paginator("list_objects_v2").paginate(Bucket=name)
        every = {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", [])}
        self.sizes = {key: size for key, size in every.items() if not key.startswith(".voxpersona/")}

    def read(self, key: str) -> bytes:
        return self._keeper.get_object(Bucket=self._name, Key=key)["Body"].read()

    def document(self, key: str) -> Any:
        """None where it is not there or no JSON."""
        try:
            return json.loads(self.read(key))
        except (ClientError, ValueError):
            return None

    def unfinished(self) -> list[str]:
        return [upload["Key"] for upload in self._keeper.list_multipart_uploads(Bucket=self._name).get("Uploads", [])]


def examine(evidence: Evidence) -> Verdict:
    """Look at everything. Nothing is changed."""
    audio, main = _Bucket(evidence.keeper, evidence.audio), _Bucket(evidence.keeper, evidence.main)
    verdict = Verdict(recordings=len({one.sha256 for one in evidence.acknowledged}))
    verdict.unfinished = len(audio.unfinished()) + len(main.unfinished())
    known = _originals(evidence, audio, verdict)
    _results(evidence, main, known, verdict)
    _repeats(evidence, verdict)
    _own_check(evidence, verdict, known)
    return verdict


def _owner(key: str) -> str:
    return key.split("/")[1] if key.startswith("recordings/") else ""


def _originals(evidence: Evidence, audio: _Bucket, verdict: Verdict) -> set[str]:
    """Every acknowledged recording stands once, unaltered, in database and bucket. Returns the ids of all rows."""
    table = rows(evidence.database, "SELECT id, sha256, bytes, blob_key FROM recording")
    by_id = {row[0]: row for row in table}
    standing: dict[str, str] = {}
    for key in audio.sizes:
        if "/original/" in key:
            standing[key] = hashlib.sha256(audio.read(key)).hexdigest()
    for told in evidence.acknowledged:
        row = by_id.get(told.id)
        if row is None:
            verdict.lost.append(f"{told.id}: acknowledged, and no row of it")
            continue
        if (row[1], row[2]) != (told.sha256, told.bytes):
            verdict.altered.append(f"{told.id}: the row tells of other bytes than were sent")
        if row[3] not in standing:
            verdict.lost.append(f"{told.id}: acknowledged, and no original under {row[3]}")
        elif standing[row[3]] != told.sha256 or audio.sizes[row[3]] != told.bytes:
            verdict.altered.append(f"{told.id}: the original is not what was sent")
        manifest = audio.document(f"recordings/{told.id}/manifest.json") or {}
        if manifest.get("recording", {}).get("original", {}).get("sha256") != told.sha256:
            verdict.problems.append(f"{told.id}: no manifest of it")
    ids = defaultdict(set)
    for told in evidence.acknowledged:
        ids[told.sha256].add(told.id)
    verdict.twice += [f"{sha}: acknowledged under {sorted(found)}" for sha, found in ids.items() if len(found) > 1]
    for sha, count in Counter(row[1] for row in table).items():
        if count > 1:
            verdict.twice.append(f"{sha}: {count} rows")
    with_row = Counter(sha for key, sha in standing.items() if _owner(key) in by_id)
    verdict.twice += [f"{sha}: {count} originals" for sha, count in with_row.items() if count > 1]
    acknowledged = {told.id for told in evidence.acknowledged}
    for key in audio.sizes:
        owner = _owner(key)
        if owner in by_id:
            continue
        if "/original/" in key:
            verdict.orphans += 1
        if owner in acknowledged:
            verdict.problems.append(f"{key}: half visible: no row knows it")
    verdict.problems += [f"{identity}: a row that nobody was told of" for identity in by_id.keys() - acknowledged]
    return set(by_id)


_RESULT = re.compile(r"recordings/([^/]+)/(transcript|roles|reports/[^/]+)/(\d+)\.(json|md)")


def _results(evidence: Evidence, main: _Bucket, known: set[str], verdict: Verdict) -> None:
    """One current transcript, every result in both places, every run ended well."""
    runs: defaultdict[str, dict[int, str]] = defaultdict(dict)
    for identity, number, state in rows(evidence.database, "SELECT recording_id, number, state FROM run"):
        runs[identity][number] = state
    expected: dict[str, str | None] = {}
    transcripts: defaultdict[str, list[int]] = defaultdict(list)
    for table, folder in (("transcription", "transcript"), ("attribution", "roles")):
        found = rows(evidence.database, f"SELECT recording_id, number, document FROM {table}")
        for identity, number, document in found:
            expected[f"recordings/{identity}/{folder}/{number}.json"] = document
            if table == "transcription":
                transcripts[identity].append(number)
        for (identity, number), count in Counter((row[0], row[1]) for row in found).items():
            if count > 1:
                verdict.twice.append(f"{identity}: {count} rows of {table} {number}")
    for identity, number, template, document in rows(
        evidence.database, "SELECT recording_id, number, template, document FROM audit"
    ):
        expected[f"recordings/{identity}/reports/{template}/{number}.json"] = document
        expected[f"recordings/{identity}/reports/{template}/{number}.md"] = None
    for key, document in expected.items():
        if key not in main.sizes:
            verdict.problems.append(f"{key}: saved in the database, not in the bucket")
        elif document is not None and main.document(key) != json.loads(document):
            verdict.problems.append(f"{key}: not what the database says")
    for key in main.sizes:
        owner, matched = _owner(key), _RESULT.fullmatch(key)
        if owner and owner not in known:
            verdict.problems.append(f"{key}: half visible: no row knows its recording")
        elif matched and key not in expected and runs[matched[1]].get(int(matched[3])) == "ready":
            verdict.problems.append(f"{key}: half visible: in the bucket, not in the database")
    said: dict[str, str] = {}
    for identity in sorted(known):
        _ended_well(identity, runs[identity], transcripts[identity], main, verdict)
        current = _current(transcripts[identity], runs[identity])
        text = json.dumps(main.document(f"recordings/{identity}/transcript/{current}.json"))
        tokens = set(re.findall(r"room[0-9a-f]{12}", text))
        if not tokens:
            verdict.problems.append(f"{identity}: no current transcript with what was heard")
        for token in tokens:
            if said.setdefault(token, identity) != identity:
                verdict.problems.append(f"{identity}: says what was said in {said[token]}")


def _current(numbers: Sequence[int], runs: Mapping[int, str]) -> int:
    return max(numbers, key=lambda number: (runs.get(number) == "ready", number), default=0)


def _ended_well(
    identity: str, runs: Mapping[int, str], transcripts: Sequence[int], main: _Bucket, verdict: Verdict
) -> None:
    newest = max(runs, default=0)
    if runs.get(newest) != "ready":
        verdict.problems.append(f"{identity}: its newest run is {runs.get(newest)}")
    elif f"recordings/{identity}/runs/{newest}.json" not in main.sizes:
        verdict.problems.append(f"{identity}: the bucket does not say that run {newest} ended well")
    if not transcripts:
        verdict.problems.append(f"{identity}: no transcript")


def _repeats(evidence: Evidence, verdict: Verdict) -> None:
    """What was done more often than once; each such repeat needs an interruption that explains it."""
    begun: Counter[tuple[str, str]] = Counter()
    for identity, stage, attempts in rows(evidence.database, "SELECT recording_id, stage, attempts FROM stage"):
        begun[identity, stage] += attempts
    verdict.paid_again = sum(evidence.paid.values()) - len(evidence.paid)
    begun_again = sum(begun.values()) - len(begun)
    verdict.steps = len(begun) + len(evidence.paid)
    verdict.again = begun_again + verdict.paid_again
    bounds = (
        ("stages were begun", begun_again, evidence.interruptions),
        ("pieces were paid for", verdict.paid_again, evidence.interruptions * evidence.at_once),
    )
    for what, count, most in bounds:
        if count > most:
            verdict.problems.append(f"{count} {what} again, and only {evidence.interruptions} interruptions")
    unfinished = rows(
        evidence.database,
        "SELECT s.recording_id, s.stage FROM stage s JOIN run r ON r.recording_id = "
        "s.recording_id AND r.number = s.run WHERE r.state = 'ready' AND s.finished_at IS NULL",
    )
    verdict.problems += [f"{identity}: ready, and {stage} is not finished" for identity, stage in unfinished]


def _own_check(evidence: Evidence, verdict: Verdict, known: set[str]) -> None:
    """What the program says of itself; it may tell of orphans."""
    if not isinstance(evidence.checked, dict) or "problems" not in evidence.checked:
        verdict.problems.append("`check` did not end")
        return
    acknowledged = {told.id for told in evidence.acknowledged}
    for told in evidence.checked["problems"]:
        is_orphan = told["kind"] == "blob-without-row" and told["recording"] not in acknowledged | known
        if not is_orphan:
            verdict.problems.append(f"check: {told['kind']} {told['recording']} {told['key']}")
