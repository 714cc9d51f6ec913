"""Copying an archive between stores, and counting what stands in one."""

from datetime import UTC, datetime

import pytest

from tests.builders_blobs import content_of, keys_of, some_bytes
from tests.hostile import Fault, FaultyBlobs, FlippingBlobs
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.errors import Code, Unavailable
from voxpersona.pipeline.migrate import migrate
from voxpersona.pipeline.usage import usage

CONTENTS = {
    "forgotten/x.json": b"{}",
    "recordings/a/manifest.json": b"{1}",
    "recordings/a/original/a.ogg": some_bytes(3_000_000),
    "recordings/b/manifest.json": b"{2}",
    "recordings/b/original/b.ogg": some_bytes(10),
}


def archive() -> MemoryBlobs:
    blobs = MemoryBlobs()
    for key, content in CONTENTS.items():
        blobs.put(key, [content], content_type="audio/ogg", metadata={"name": f"Имя {key}", "kind": "original"})
    return blobs


def everything(blobs: MemoryBlobs) -> dict[str, tuple[bytes, str, object]]:
    facts = {key: blobs.stat(key) for key in keys_of(blobs)}
    return {key: (content_of(blobs, key), fact.content_type, fact.metadata) for key, fact in facts.items()}


def test_everything_arrives_with_what_is_known_of_it() -> None:
    source, target = archive(), MemoryBlobs()
    told: list[float] = []
    migration = migrate(source, target, on_progress=told.append)
    assert everything(target) == everything(source)
    assert (migration.copied, migration.skipped, migration.problems) == (5, 0, [])
    assert migration.size == sum(map(len, CONTENTS.values()))
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_a_second_run_copies_nothing_again() -> None:
    source, target = archive(), FaultyBlobs(MemoryBlobs())
    migrate(source, target, on_progress=lambda _: None)
    calls = dict(target.calls)
    migration = migrate(source, target, on_progress=lambda _: None)
    assert (migration.copied, migration.skipped) == (0, 5)
    assert target.calls["put"] == calls["put"]


@pytest.mark.parametrize("call", range(1, 6))
def test_an_interrupted_run_promises_no_original_it_lacks_and_is_finished_later(call: int) -> None:
    source, inner = archive(), MemoryBlobs()
    with pytest.raises(Unavailable):
        migrate(source, FaultyBlobs(inner, [Fault("put", call=call)]), on_progress=lambda _: None)
    present = keys_of(inner)
    for owner in "ab":
        if f"recordings/{owner}/manifest.json" in present:
            assert f"recordings/{owner}/original/{owner}.ogg" in present
    migration = migrate(source, inner, on_progress=lambda _: None)
    assert migration.skipped == call - 1
    assert everything(inner) == everything(source)


def test_a_damaged_blob_is_told_and_never_copied() -> None:
    target = MemoryBlobs()
    migration = migrate(FlippingBlobs(archive()), target, on_progress=lambda _: None)
    assert {problem.kind for problem in migration.problems} == {Code.BLOB_CORRUPT}
    assert sorted(problem.key for problem in migration.problems) == sorted(CONTENTS)
    assert keys_of(target) == []


def test_other_bytes_at_the_target_are_told_and_stay() -> None:
    target = MemoryBlobs()
    target.put("recordings/a/original/a.ogg", [b"other"])
    migration = migrate(archive(), target, on_progress=lambda _: None)
    assert [(problem.kind, problem.recording) for problem in migration.problems] == [(Code.BLOB_CONFLICT, "a")]
    assert content_of(target, "recordings/a/original/a.ogg") == b"other"
    assert migration.copied == 4


def test_usage_counts_blobs_and_bytes_by_bucket_kind_and_month() -> None:
    month = f"{datetime.now(UTC):%Y-%m}"
    counted = usage([("audio", archive()), ("main", MemoryBlobs())])
    assert [(one.bucket, one.kind, one.blobs, one.stored) for one in counted] == [
        ("audio", "forgotten", 1, 2),
        ("audio", "manifest", 2, 6),
        ("audio", "original", 2, 3_000_010),
    ]
    assert {one.month for one in counted} == {month}
