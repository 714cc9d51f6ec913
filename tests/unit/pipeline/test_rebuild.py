"""The buckets alone bring everything back, and what is damaged in them hinders nothing else."""

from pathlib import Path

import pytest

from tests.damage import Place, a_place
from tests.hostile import Fault, FaultyBlobs
from voxpersona.adapters.media.memory import memory_recording
from voxpersona.adapters.transcriber.memory import ScriptedTranscriber
from voxpersona.errors import Code, Integrity, Rejected, Unavailable
from voxpersona.model import Manifest, RecordingId, Run, Stage, State, WorkOrder
from voxpersona.pipeline import documents, layout
from voxpersona.pipeline.ask import ask
from voxpersona.pipeline.check import Kind
from voxpersona.pipeline.forget import forget
from voxpersona.pipeline.rebuild import rebuild

NONSENSE = Integrity(Code.TRANSCRIBER_ANSWER, "cut answer", reason="cut answer")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return a_place(tmp_path)


def received(place: Place, seconds: float = 10.0) -> RecordingId:
    return place.receive(memory_recording(seconds), source=f"path:{{sha256}}:/visits/{seconds}.ogg").recording.id


def worked(place: Place, seconds: float = 10.0) -> RecordingId:
    identity = received(place, seconds)
    place.engine.run()
    return identity


def redone(place: Place, identity: RecordingId, start: Stage = Stage.TRANSCRIBE) -> WorkOrder:
    order = place.journal.restart(identity, start)
    place.engine.run()
    return order


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


def told(place: Place) -> dict[str, object]:
    """What can be asked of an archive."""
    recordings = place.library.recordings()
    return {
        "recordings": recordings,
        "standings": [place.journal.standing(recording.id) for recording in recordings],
        "ended": [place.journal.ended(recording.id) for recording in recordings],
        "made": [place.library.made(recording.id) for recording in recordings],
        "reports": [place.library.reports(recording.id) for recording in recordings],
        "attributions": [
            place.library.attribution(recording.id)
            for recording in recordings
            if (Stage.ATTRIBUTE, 1, "") in place.library.made(recording.id)
        ],
        "sources": place.library.sources(),
        "passages": dict(place.passages.counts()),
        "answer": ask("What was wrong with the breakfast?", place.passages, place.embedder, place.library.attribution),
    }


class TestHowARunEnded:
    def test_stands_in_the_bucket_as_the_journal_tells_it(self, place: Place) -> None:
        identity = worked(place)
        redone(place, identity, Stage.REPORT)
        written = [documents.read(place.archive, layout.run(identity, number, State.READY), Run) for number in (1, 2)]
        assert place.journal.ended(identity) == written

    def test_stands_there_when_it_failed_too(self, place: Place) -> None:
        place.transcriber = ScriptedTranscriber([NONSENSE])
        identity = worked(place)
        (run,) = place.journal.ended(identity)
        assert run.standing.failed_code == Code.TRANSCRIBER_ANSWER
        assert documents.read(place.archive, layout.run(identity, 1, State.FAILED), Run) == run

    def test_is_what_its_document_says_when_it_is_written_down_again_after_a_kill(self, place: Place) -> None:
        identity = received(place)
        order = WorkOrder(recording=identity, run=1)
        place.journal.begin(order, Stage.INDEX)
        for _ in range(2):
            place.stages.tidy(order)
            place.journal.begin(order, Stage.INDEX)
        place.stages.tidy(order)
        place.journal.ready(order)
        (run,) = place.journal.ended(identity)
        assert run == documents.read(place.archive, layout.run(identity, 1, State.READY), Run)
        assert [progress.attempts for progress in run.standing.stages] == [1]

    def test_that_cannot_be_written_down_is_a_failure_all_the_same(self, place: Place) -> None:
        """The store may be what failed: its failure must not hide the first one."""
        place.transcriber = ScriptedTranscriber([NONSENSE])
        store = place.archive
        identity = received(place)
        place.archive = FaultyBlobs(store, [Fault("put", call=call) for call in range(1, 9)])
        place.engine.run()
        assert place.journal.standing(identity).failed_code == Code.TRANSCRIBER_ANSWER
        assert [one for one in store.list() if "/runs/" in one.key] == []

    def test_of_a_recording_that_is_forgotten_meanwhile_leaves_nothing(self, place: Place) -> None:
        identity = received(place)
        order = WorkOrder(recording=identity, run=1)
        place.journal.begin(order, Stage.INDEX)
        place.library.forget(identity)
        with pytest.raises(Exception, match="no recording"):
            place.stages.tidy(order)
        assert list(place.archive.list()) == []


class TestWhatComesBack:
    def test_is_everything(self, place: Place) -> None:
        first, second, third = (worked(place, seconds) for seconds in (10.0, 11.0, 12.0))
        place.receive(memory_recording(11.0), source="telegram:7:8:9")
        redone(place, first)
        place.transcriber = ScriptedTranscriber([NONSENSE], name="other")
        redone(place, second)
        forgotten(place, third)
        received(place, 13.0)
        before = told(place)
        again = place.without_memory()
        rebuilt = again.rebuild()
        assert (rebuilt.problems, rebuilt.recordings, rebuilt.forgotten, rebuilt.indexed) == ([], 3, 1, 2)
        assert told(again) == before
        assert again.check() == []

    def test_comes_back_once_however_often_it_is_rebuilt(self, place: Place) -> None:
        worked(place)
        again = place.without_memory()
        again.rebuild()
        before = told(again)
        rebuilt = again.rebuild()
        assert (rebuilt.problems, rebuilt.indexed) == ([], 0)
        assert told(again) == before

    def test_harms_nothing_that_stands(self, place: Place) -> None:
        worked(place)
        received(place, 11.0)
        before = told(place)
        assert place.rebuild().problems == []
        assert told(place) == before

    def test_has_what_waits_worked_on(self, place: Place) -> None:
        identity = received(place)
        again = place.without_memory()
        again.rebuild()
        again.engine.run()
        assert again.journal.standing(identity).state is State.READY

    def test_is_worked_on_again_for_nothing_where_no_end_was_written_down(self, place: Place) -> None:
        """As in an archive of a version that wrote none."""
        identity = worked(place, 900.0)
        heard = len(place.transcriber.calls)
        made = place.library.made(identity)
        place.lose(layout.run(identity, 1, State.READY))
        again = place.without_memory()
        assert again.rebuild().problems == []
        assert again.library.made(identity) == made
        again.engine.run()
        assert again.journal.standing(identity).state is State.READY
        assert again.library.made(identity) == made
        assert len(again.transcriber.calls) == heard

    def test_goes_on_with_a_run_that_was_under_way_from_its_first_stage(self, place: Place) -> None:
        identity = worked(place)
        redone(place, identity, Stage.ATTRIBUTE)
        place.lose(layout.run(identity, 2, State.READY))
        again = place.without_memory()
        again.rebuild()
        assert again.journal.open_orders() == [WorkOrder(recording=identity, run=2, start=Stage.ATTRIBUTE)]
        assert again.library.attribution(identity).number == 1

    def test_is_not_worked_on_again_where_it_was_received_again_before(self, place: Place) -> None:
        """As from a fresh data directory over the buckets of an archive that another one has filled."""
        identity = worked(place)
        before = told(place)
        heard = len(place.transcriber.calls)
        again = place.without_memory()
        assert received(again) == identity
        assert again.journal.standing(identity).state is State.RECEIVED
        assert again.rebuild().problems == []
        assert told(again) == before
        again.engine.run()  # the order that was queued by the receive
        assert again.journal.standing(identity).state is State.READY
        assert len(again.transcriber.calls) == heard

    def test_is_made_again_where_it_was_lost_before_it_was_received_again(self, place: Place) -> None:
        identity = worked(place)
        place.lose(layout.result(identity, (Stage.ATTRIBUTE, 1, "")))
        again = place.without_memory()
        received(again)
        again.rebuild()
        assert again.journal.standing(identity).state is State.RECEIVED
        again.engine.run()
        assert again.library.attribution(identity).number == 1

    def test_keeps_a_failed_run_failed(self, place: Place) -> None:
        place.transcriber = ScriptedTranscriber([NONSENSE])
        identity = worked(place)
        again = place.without_memory()
        again.rebuild()
        assert again.journal.standing(identity) == place.journal.standing(identity)
        assert again.journal.open_orders() == []

    def test_refuses_what_was_forgotten_by_every_way_it_came(self, place: Place) -> None:
        identity = received(place)
        place.receive(source="telegram:7:8:9")
        forgotten(place, identity)
        again = place.without_memory()
        again.rebuild()
        for source in ("path:{sha256}:/visits/10.0.ogg", "telegram:7:8:9"):
            with pytest.raises(Rejected) as refused:
                again.receive(source=source)
            assert refused.value.code is Code.FORGOTTEN
        assert not again.receive(source="telegram:7:8:9", again=True).is_duplicate

    def test_takes_in_again_what_was_forgotten_and_received_anew(self, place: Place) -> None:
        forgotten(place, received(place))
        anew = place.receive(source="path:{sha256}:/visits/10.0.ogg", again=True).recording
        again = place.without_memory()
        assert again.rebuild().problems == []
        assert again.library.recordings() == [anew]


class TestAnInterruptedForget:
    @pytest.mark.parametrize("call", range(1, 10))
    def test_is_never_undone_by_a_rebuild_and_can_be_finished(self, call: int, place: Place) -> None:
        identity = worked(place)
        stores = (place.audio, place.archive)
        derived = len(list(place.archive.list()))
        place.archive = FaultyBlobs(stores[1], [Fault("delete", call=call)])
        place.audio = FaultyBlobs(stores[0], [Fault("delete", call=call - derived)])
        with pytest.raises(Unavailable):
            forgotten(place, identity)
        place.audio, place.archive = stores
        again = place.without_memory()
        rebuilt = again.rebuild()
        assert again.library.recordings() == []
        assert [problem.kind for problem in rebuilt.problems] == [Kind.FORGET_UNFINISHED]
        (hidden,) = again.library.half_forgotten()
        forget(
            hidden,
            library=again.library,
            journal=again.journal,
            engine=again.engine,
            passages=again.passages,
            audio=again.audio,
            archive=again.archive,
        )
        assert [key for key in again.content if key.startswith("recordings/")] == []
        assert again.check() == []


class TestDamage:
    def test_to_a_manifest_is_told_and_the_others_come_back(self, place: Place) -> None:
        damaged, whole = worked(place, 10.0), worked(place, 11.0)
        place.flip(layout.manifest(damaged))
        again = place.without_memory()
        rebuilt = again.rebuild()
        assert [(one.kind, one.recording) for one in rebuilt.problems] == [(Kind.MANIFEST_DIFFERS, damaged)]
        assert [recording.id for recording in again.library.recordings()] == [whole]

    def test_to_a_result_is_told_and_the_other_results_come_back(self, place: Place) -> None:
        identity = worked(place)
        key = layout.report(identity, "interview", 1)
        place.flip(key)
        again = place.without_memory()
        rebuilt = again.rebuild()
        assert [(one.kind, one.key) for one in rebuilt.problems] == [(Kind.HASH_DIFFERS, key)]
        assert again.library.attribution(identity) == place.library.attribution(identity)
        assert again.library.reports(identity) == []
        assert again.journal.standing(identity).state is State.READY

    def test_to_the_transcript_leaves_reports_that_would_stand_on_nothing_out_and_says_so(self, place: Place) -> None:
        identity = worked(place)
        key = layout.transcript(identity, 1)
        place.flip(key)
        again = place.without_memory()
        kinds = [(one.kind, one.key) for one in again.rebuild().problems]
        assert kinds == [
            (Kind.HASH_DIFFERS, key),
            (Kind.RESULT_UNSAVED, layout.report(identity, "interview", 1)),
            (Kind.INDEX_BEHIND, ""),
        ]

    def test_to_the_end_of_a_run_that_ended_well_does_not_make_older_results_current(self, place: Place) -> None:
        identity = worked(place)
        redone(place, identity, Stage.ATTRIBUTE)
        key = layout.run(identity, 2, State.READY)
        place.flip(key)
        again = place.without_memory()
        rebuilt = again.rebuild()
        assert [(one.kind, one.key) for one in rebuilt.problems] == [(Kind.HASH_DIFFERS, key)]
        assert again.library.attribution(identity).number == 2
        assert again.journal.open_orders() == []

    def test_to_the_mark_of_a_forgotten_delivery_is_told(self, place: Place) -> None:
        identity = received(place)
        source = place.library.recording(identity).source
        forgotten(place, identity)
        place.flip(layout.forgotten(source))
        rebuilt = place.without_memory().rebuild()
        assert [(one.kind, one.key) for one in rebuilt.problems] == [(Kind.HASH_DIFFERS, layout.forgotten(source))]

    def test_a_manifest_that_tells_of_another_recording_is_not_believed(self, place: Place) -> None:
        identity = received(place)
        manifest = documents.read(place.audio, layout.manifest(identity), Manifest)
        place.lose(layout.manifest(identity))
        other = manifest.recording.model_copy(update={"id": RecordingId("other0000000")})
        documents.write(place.audio, layout.manifest(identity), documents.bytes_of(Manifest(recording=other)))
        again = place.without_memory()
        assert [one.kind for one in again.rebuild().problems] == [Kind.MANIFEST_DIFFERS]
        assert again.library.recordings() == []

    def test_of_the_same_bytes_under_two_ids_the_one_that_was_worked_on_stands(self, place: Place) -> None:
        """As a receive leaves behind that was killed before its acknowledgement and then came by another way."""
        identity = worked(place)
        recording = place.library.recording(identity)
        for twin in ("000000000000", "zzzzzzzzzzzz"):
            key = layout.original(RecordingId(twin), "a.ogg")
            place.audio.put(key, [memory_recording(10.0)])
            original = recording.original.model_copy(update={"key": key})
            changed = {"id": twin, "source": f"path:{twin}", "original": original}
            manifest = Manifest(recording=recording.model_copy(update=changed))
            documents.write(place.audio, layout.manifest(RecordingId(twin)), documents.bytes_of(manifest))
        again = place.without_memory()
        rebuilt = again.rebuild()
        assert [recording.id for recording in again.library.recordings()] == [identity]
        assert [one.kind for one in rebuilt.problems] == [Kind.BLOB_WITHOUT_ROW] * 2


def test_a_store_that_is_away_ends_the_rebuild_with_its_error_and_the_next_one_goes_on(place: Place) -> None:
    for seconds in (10.0, 11.0, 12.0):
        worked(place, seconds)
    again = place.without_memory()
    away = FaultyBlobs(again.archive, [Fault("read", call=6)])
    with pytest.raises(Unavailable):
        rebuild(
            library=again.library,
            journal=again.journal,
            passages=again.passages,
            embedder=again.embedder,
            audio=again.audio,
            archive=away,
            on_progress=lambda _: None,
        )
    assert len(again.library.recordings()) == 1
    assert again.rebuild().problems == []
    assert told(again) == told(place)


def test_progress_never_falls_and_ends_at_the_end(place: Place) -> None:
    for seconds in (10.0, 11.0, 12.0):
        worked(place, seconds)
    again = place.without_memory()
    shares: list[float] = []
    rebuild(
        library=again.library,
        journal=again.journal,
        passages=again.passages,
        embedder=again.embedder,
        audio=again.audio,
        archive=again.archive,
        on_progress=shares.append,
    )
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
