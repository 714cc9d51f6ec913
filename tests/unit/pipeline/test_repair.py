"""What one side has lost is mended from the other; nothing is deleted, nothing is claimed that is not so."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.damage import Place, a_place
from tests.hostile import Fault, FaultyBlobs, PassingBlobs
from voxpersona.adapters.media.memory import memory_recording
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.errors import Code, Integrity, Unavailable
from voxpersona.model import (
    Abilities,
    BlobFacts,
    Details,
    Manifest,
    RecordingId,
    Rule,
    Run,
    Stage,
    State,
    Unfinished,
    WorkOrder,
)
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.check import Kind, check
from voxpersona.pipeline.forget import forget
from voxpersona.ports import Blobs

NONSENSE = Integrity(Code.TRANSCRIBER_ANSWER, "cut answer", reason="cut answer")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return a_place(tmp_path)


def worked(place: Place, seconds: float = 10.0) -> RecordingId:
    source = f"path:{{sha256}}:/visits/{seconds}.ogg"
    identity = place.receive(memory_recording(seconds), source=source).recording.id
    place.engine.run()
    return identity


def forgotten(place: Place, identity: RecordingId) -> None:
    forget(
        place.library.recording(identity),
        library=place.library,
        journal=place.journal,
        engine=place.engine,
        passages=place.passages,
        audio=place.audio,
        archive=place.archive,
    )


def kinds(place: Place) -> list[str]:
    return [problem.kind for problem in place.check()]


def assert_mended(place: Place, *expected: Kind) -> None:
    """These kinds are found, in this order, all of them repaired, and the archive is whole then."""
    assert kinds(place) == list(expected)
    assert [(seen.problem.kind, seen.repaired) for seen in place.repair()] == [(kind, True) for kind in expected]
    assert place.check() == []


def assert_left(place: Place, *expected: Kind) -> None:
    """These kinds are found, and repair leaves them all, and every blob, as they are."""
    before = place.content
    assert kinds(place) == list(expected)
    assert [(seen.problem.kind, seen.repaired) for seen in place.repair(read=True)] == [
        (kind, False) for kind in expected
    ]
    assert place.content == before


class TestTheDatabaseTellsTheBuckets:
    @pytest.mark.parametrize("lost", ["transcript", "roles", "report", "report text", "run", "manifest"])
    def test_what_is_written_again_is_what_stood_there_byte_for_byte(self, lost: str, place: Place) -> None:
        identity = worked(place)
        key = {
            "transcript": layout.transcript(identity, 1),
            "roles": layout.roles(identity, 1),
            "report": layout.report(identity, "interview", 1),
            "report text": layout.report_text(identity, "interview", 1),
            "run": layout.run(identity, 1, State.READY),
            "manifest": layout.manifest(identity),
        }[lost]
        before = place.content
        place.lose(key)
        kind = {"run": Kind.RUN_MISSING, "manifest": Kind.MANIFEST_MISSING}.get(lost, Kind.RESULT_MISSING)
        assert_mended(place, kind)
        assert place.content == before

    def test_older_versions_and_failed_runs_are_written_again_too(self, place: Place) -> None:
        identity = worked(place)
        place.transcriber = ScriptedTranscriber([NONSENSE], name="other")
        place.journal.restart(identity, Stage.TRANSCRIBE)
        place.engine.run()
        place.journal.restart(identity, Stage.REPORT)
        place.engine.run()
        before = place.content
        for key in place.archive.list():
            if layout.kind(key.key) in ("transcript", "roles", "report", "run"):
                place.lose(key.key)
        assert {seen.problem.kind for seen in place.repair()} == {Kind.RESULT_MISSING, Kind.RUN_MISSING}
        assert place.content == before

    def test_source_keys_and_marks_of_the_forgotten_are_written_again(self, place: Place) -> None:
        identity = worked(place)
        place.receive(source="telegram:7:8:9")
        gone = worked(place, 11.0)
        source = place.library.recording(gone).source
        forgotten(place, gone)
        before = place.content
        place.lose(layout.source(identity, "telegram:7:8:9"))
        place.lose(layout.forgotten(source))
        assert_mended(place, Kind.SOURCE_MISSING, Kind.SOURCE_MISSING)
        assert place.content == before

    def test_what_both_have_lost_stays_a_problem_that_says_what_to_do(self, place: Place) -> None:
        identity = worked(place)
        place.lose(layout.roles(identity, 1))
        place.library.kept[identity].attributions.clear()
        (problem,) = place.check()
        assert problem.kind == Kind.RESULT_MISSING
        assert "retry" in problem.detail
        assert_left(place, Kind.RESULT_MISSING)


class TestTheBucketsTellTheDatabase:
    def test_a_recording_without_its_row_comes_back_whole(self, place: Place) -> None:
        identity = worked(place)
        before = (place.journal.ended(identity), place.library.attribution(identity), dict(place.passages.counts()))
        del place.library.kept[identity]
        place.passages.clear()
        found = place.repair()
        assert {(seen.problem.kind, seen.repaired) for seen in found} == {(Kind.BLOB_WITHOUT_ROW, True)}
        assert (
            place.journal.ended(identity),
            place.library.attribution(identity),
            dict(place.passages.counts()),
        ) == before
        assert place.journal.open_orders() == []
        assert place.check() == []

    def test_one_that_was_not_worked_on_yet_is_worked_on(self, place: Place) -> None:
        recording = place.receive(details=Details(city="Сочи")).recording
        del place.library.kept[recording.id]
        assert_mended(place, Kind.BLOB_WITHOUT_ROW, Kind.BLOB_WITHOUT_ROW)
        assert place.library.recordings() == [recording]
        place.engine.run()
        assert place.journal.standing(recording.id).state is State.READY

    def test_results_that_were_not_saved_are_taken_over(self, place: Place) -> None:
        identity = worked(place)
        reports = place.library.reports(identity)
        place.library.kept[identity].reports.clear()
        assert_mended(place, Kind.RESULT_UNSAVED)
        assert place.library.reports(identity) == reports

    def test_results_of_a_failed_run_are_not_made_current(self, place: Place) -> None:
        identity = worked(place)
        place.transcriber = ScriptedTranscriber([NONSENSE], name="other")
        place.journal.restart(identity, Stage.TRANSCRIBE)
        place.engine.run()
        stray = place.library.transcript(identity).model_copy(update={"number": 2})
        documents.write(place.archive, layout.transcript(identity, 2), documents.bytes_of(stray))
        assert place.repair() == []
        assert place.library.made(identity) == {
            (Stage.TRANSCRIBE, 1, ""),
            (Stage.ATTRIBUTE, 1, ""),
            (Stage.REPORT, 1, "interview"),
        }

    def test_runs_that_an_older_copy_of_the_database_does_not_know_are_taken_over(self, place: Place) -> None:
        identity = worked(place)
        place.journal.restart(identity, Stage.ATTRIBUTE)
        place.engine.run()
        kept = place.library.kept[identity]
        del kept.runs[2], kept.attributions[2], kept.reports["interview"][2]
        assert_mended(place, Kind.RESULT_UNSAVED, Kind.RESULT_UNSAVED, Kind.RUN_DIFFERS)
        assert place.journal.standing(identity).run == 2
        assert place.library.attribution(identity).number == 2

    def test_a_run_that_wrote_down_its_good_end_and_was_given_up_then_ended_well(self, place: Place) -> None:
        identity = worked(place)
        order = WorkOrder(recording=identity, run=1)
        place.journal.fail(order, Stage.INDEX, "internal", "the engine gave it up")
        assert_mended(place, Kind.RUN_DIFFERS)
        written = documents.read(place.archive, layout.run(identity, 1, State.READY), Run)
        assert place.journal.ended(identity) == [written]

    def test_marks_and_source_keys_that_only_the_bucket_knows_are_remembered(self, place: Place) -> None:
        worked(place)
        older = place.without_memory()
        older.rebuild()
        place.receive(source="telegram:7:8:9")
        forgotten(place, worked(place, 11.0))
        assert_mended(older, Kind.SOURCE_MISSING, Kind.SOURCE_MISSING)
        assert older.library.sources() == place.library.sources()

    def test_a_recording_that_cannot_be_searched_is_indexed(self, place: Place) -> None:
        worked(place)
        counts = dict(place.passages.counts())
        place.passages.clear()
        assert_mended(place, Kind.INDEX_BEHIND)
        assert place.passages.counts() == counts


class TestWhatWasLeftOver:
    def test_an_original_without_a_manifest_is_taken_in_by_what_its_blob_tells(self, place: Place) -> None:
        """As a receive leaves it that was killed between its two puts."""
        recording = place.receive(details=Details(city="Сочи")).recording
        place = place.without_memory()
        place.lose(layout.manifest(recording.id))
        assert_mended(place, Kind.BLOB_WITHOUT_ROW)
        (adopted,) = place.library.recordings()
        assert (adopted.id, adopted.source, adopted.original) == (recording.id, recording.source, recording.original)
        assert adopted.details == Details()
        assert documents.read(place.audio, layout.manifest(recording.id), Manifest).recording == adopted
        place.engine.run()
        assert place.journal.standing(recording.id).state is State.READY
        assert place.receive().is_duplicate

    def test_a_young_one_is_left_alone_because_its_manifest_may_be_on_the_way(self, place: Place) -> None:
        recording = place.receive().recording
        place = place.without_memory()
        place.lose(layout.manifest(recording.id))
        (seen,) = place.repair(settled=dt.timedelta(hours=1))
        assert (seen.problem.kind, seen.repaired) == (Kind.BLOB_WITHOUT_ROW, False)
        assert place.library.recordings() == []

    def test_one_with_a_damaged_manifest_can_be_seen_again_and_the_manifest_stays_a_problem(self, place: Place) -> None:
        recording = place.receive().recording
        place = place.without_memory()
        place.flip(layout.manifest(recording.id))
        before = place.content
        place.repair()
        assert [one.id for one in place.library.recordings()] == [recording.id]
        assert kinds(place) == [Kind.MANIFEST_DIFFERS]
        assert place.content == before

    @pytest.mark.parametrize("content", [b"no sound at all", b""])
    def test_what_no_decoder_can_use_stays_a_problem(self, content: bytes, place: Place) -> None:
        place.audio.put("recordings/nobody000000/original/a.ogg", [content])
        assert_left(place, Kind.BLOB_WITHOUT_ROW)

    def test_a_damaged_original_is_not_taken_in(self, place: Place) -> None:
        recording = place.receive().recording
        place = place.without_memory()
        place.lose(layout.manifest(recording.id))
        place.flip(recording.original.key)
        assert_left(place, Kind.BLOB_WITHOUT_ROW, Kind.HASH_DIFFERS)

    def test_a_folder_of_nobody_stays_a_problem(self, place: Place) -> None:
        place.audio.put("recordings/alone", [b"x"])
        place.archive.put("recordings/a-b/transcript/1.json", [b"x"])
        place.archive.put("recordings/a/transcript/1.json", [b"x"])
        assert_left(place, *[Kind.BLOB_WITHOUT_ROW] * 3)

    def test_the_same_bytes_under_another_id_stay_a_problem_and_no_second_recording(self, place: Place) -> None:
        recording = place.receive().recording
        key = layout.original(RecordingId("zzzzzzzzzzzz"), "a.ogg")
        place.audio.put(key, [memory_recording(10.0)], metadata={"source": "telegram:7:8:9", "name": "a.ogg"})
        assert_left(place, Kind.BLOB_WITHOUT_ROW)
        assert place.library.recordings() == [recording]

    def test_what_was_forgotten_does_not_come_back_but_can_be_forgotten_to_the_end(self, place: Place) -> None:
        identity = worked(place)
        copy = place.copied()
        forgotten(place, identity)
        for store, other in zip(place.stores, copy.stores, strict=True):
            for one in other.list():
                store.put(one.key, other.read(one.key))
        assert kinds(place) == [Kind.FORGET_UNFINISHED]
        place.repair()
        assert place.library.recordings() == []
        (hidden,) = place.library.half_forgotten()
        assert hidden.id == identity

    def test_what_an_older_copy_of_the_database_does_not_know_to_be_forgotten_is_told(self, place: Place) -> None:
        identity = worked(place)
        older = place.without_memory()
        older.rebuild()
        forgotten(place, identity)
        assert Kind.FORGET_UNFINISHED in kinds(older)
        older.repair()
        assert Kind.FORGET_UNFINISHED in kinds(older)


class TestDamage:
    @pytest.mark.parametrize("of", ["original", "manifest", "transcript", "run", "piece"])
    def test_of_bytes_is_found_when_they_are_read_and_never_mended(self, of: str, place: Place) -> None:
        worked(place)
        key = next(key for key in place.content if layout.kind(key) == of)
        place.flip(key)
        found = place.repair(read=True)
        assert {(seen.problem.key, seen.repaired) for seen in found} == {(key, False)}

    def test_that_the_store_itself_reports_is_a_problem_of_that_blob_and_the_walk_goes_on(self, place: Place) -> None:
        first, second = worked(place, 10.0), worked(place, 11.0)
        damaged = place.library.recording(first).original.key
        place.lose(layout.transcript(second, 1))
        place.audio = CorruptBlobs(place.audio, damaged)
        found = {(problem.kind, problem.recording) for problem in place.check(read=False)}
        assert found == {(Kind.HASH_DIFFERS, first), (Kind.RESULT_MISSING, second)}

    def test_of_bytes_that_a_store_passes_on_unchecked_is_found_by_their_hash(self, place: Place) -> None:
        first = worked(place)
        flipped = place.library.recording(first).original.key
        place.audio = LaxBlobs(place.audio, flipped)
        assert [(one.kind, one.key) for one in place.check()] == [(Kind.HASH_DIFFERS, flipped)]

    @pytest.mark.parametrize("of", ["stat", "read", "list"])
    def test_a_store_that_is_away_ends_the_check_with_its_error(self, of: str, place: Place) -> None:
        worked(place)
        place.audio = FaultyBlobs(place.audio, [Fault(of)])
        with pytest.raises(Unavailable):
            place.check()
        place.audio = FaultyBlobs(place.audio, [Fault(of)])
        with pytest.raises(Unavailable):
            place.repair()


class CorruptBlobs(PassingBlobs):
    """A store that finds out itself that a blob is damaged."""

    def __init__(self, inner: Blobs, key: str) -> None:
        super().__init__(inner)
        self._key = key

    def stat(self, key: str) -> BlobFacts:
        if key == self._key:
            raise Integrity(Code.BLOB_CORRUPT, "the blob is not as long as recorded", key=key)
        return super().stat(key)


class LaxBlobs(PassingBlobs):
    """Gives out wrong bytes of one blob as if they were right."""

    def __init__(self, inner: Blobs, key: str) -> None:
        super().__init__(inner)
        self._key = key

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        for part in super().read(key, start, end):
            yield bytes(byte ^ 1 for byte in part) if key == self._key else part


class LeftOpen:
    """A bucket with writes that were begun and never completed."""

    name = "audio"

    def __init__(self, *begun: Unfinished) -> None:
        self._begun = begun

    def prepare(self) -> None: ...

    def abilities(self) -> Abilities:
        raise NotImplementedError

    def unfinished(self) -> Sequence[Unfinished]:
        return self._begun

    def abandon(self, older_than_seconds: float) -> int:
        raise AssertionError("check and repair delete nothing")

    def rules(self) -> Sequence[Rule]:
        return ()

    def apply(self, rules: Sequence[Rule]) -> None: ...

    def free_bytes(self) -> int | None:
        return None


def test_a_write_begun_over_a_day_ago_and_never_completed_is_told_and_left(place: Place) -> None:
    now = dt.datetime.now(dt.UTC)
    key = "recordings/rec000000001/original/a.ogg"
    old, young = (
        Unfinished(key=key, upload=str(hours), stored=7, begun_at=now - dt.timedelta(hours=hours)) for hours in (25, 23)
    )
    (problem,) = check(
        library=place.library,
        journal=place.journal,
        passages=place.passages,
        audio=place.audio,
        archive=place.archive,
        read=False,
        on_progress=lambda _: None,
        buckets=[LeftOpen(old, young), LeftOpen()],
    )
    assert (problem.kind, problem.recording, problem.key) == (Kind.STALE_UPLOAD, "rec000000001", key)


@pytest.fixture(scope="module")
def archive() -> Iterator[Place]:
    """Three recordings: one twice worked on, one that failed, one that waits; and one that was forgotten."""
    with tempfile.TemporaryDirectory() as scratch:
        place = a_place(Path(scratch))
        place.journal.restart(worked(place, 10.0), Stage.TRANSCRIBE)
        place.engine.run()
        place.receive(memory_recording(10.0), source="telegram:7:8:9")
        forgotten(place, worked(place, 13.0))
        place.transcriber = ScriptedTranscriber([NONSENSE], name="other")
        worked(place, 11.0)
        place.receive(memory_recording(12.0), source="path:{sha256}:/visits/12.ogg")
        yield place


def lose(place: Place, at: int) -> None:
    keys = sorted(place.content)
    place.lose(keys[at % len(keys)])


def flip(place: Place, at: int) -> None:
    keys = sorted(key for key, content in place.content.items() if content)
    place.flip(keys[at % len(keys)])


def lose_row(place: Place, at: int) -> None:
    for identity in sorted(place.library.kept)[at % 4 : at % 4 + 1]:
        del place.library.kept[identity]


def lose_result(place: Place, at: int) -> None:
    kept = place.library.kept[sorted(place.library.kept)[at % len(place.library.kept)]] if place.library.kept else None
    if kept is not None:
        kept.transcripts.pop(at % 2 + 1, None)
        kept.attributions.pop(at % 2 + 1, None)
        for reports in kept.reports.values():
            reports.pop(at % 2 + 1, None)


def lose_run(place: Place, at: int) -> None:
    for kept in [place.library.kept[identity] for identity in sorted(place.library.kept)][at % 3 : at % 3 + 1]:
        kept.runs.pop(at // 3 % 2 + 1, None)


def lose_index(place: Place, _at: int) -> None:
    place.passages.clear()


def add_original(place: Place, at: int) -> None:
    key = layout.original(RecordingId(f"stray{at % 5:07d}"), f"{at % 4}.ogg")
    place.audio.put(key, [memory_recording(10.0 + at % 4)], metadata={"source": f"telegram:{at % 3}", "name": "a.ogg"})


def add_stray(place: Place, at: int) -> None:
    owner = sorted(place.library.kept)[0] if place.library.kept and at % 2 else RecordingId(f"stray{at % 5:07d}")
    folder = ("transcript/7.json", "runs/8.json", "runs/9.failed.json", "sources/x.json", "manifest.json")[at % 5]
    store = place.audio if at % 5 > 2 else place.archive
    if f"recordings/{owner}/{folder}" not in place.content:
        store.put(f"recordings/{owner}/{folder}", [b"nobody's"])


HARM: Sequence[Callable[[Place, int], None]] = (
    lose,
    flip,
    lose_row,
    lose_result,
    lose_run,
    lose_index,
    add_original,
    add_stray,
)


@settings(max_examples=300, deadline=None)
@given(harm=st.lists(st.tuples(st.sampled_from(HARM), st.integers(0, 59)), max_size=8))
def test_whatever_was_done_to_an_archive_repair_deletes_nothing_and_claims_nothing_that_is_not_so(
    archive: Place, harm: list[tuple[Callable[[Place, int], None], int]]
) -> None:
    place = archive.copied()
    for do, at in harm:
        do(place, at)
    before = place.content
    whole = {key for store in place.stores for key in store.keys() if store.is_whole(key)}  # noqa: SIM118
    found = place.repair(read=True)
    assert {key: content for key, content in place.content.items() if key in before} == before
    left = {(problem.kind, problem.recording, problem.key) for problem in place.check()}
    for seen in found:
        identity = (seen.problem.kind, seen.problem.recording, seen.problem.key)
        assert (identity in left) is not seen.repaired, identity
    for key in whole:
        if layout.kind(key) == "manifest" and before[key] != b"nobody's":
            recording = documents.read(place.audio, key, Manifest).recording
            if recording.original.key in whole:
                assert recording in place.library.recordings(), "an original with its manifest is never out of sight"
    assert [seen for seen in place.repair() if seen.repaired] == []
