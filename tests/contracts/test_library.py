"""The contract of `ports.Library`, over every adapter."""

import datetime as dt
import traceback
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from tests.builders import RECEIVED, a_recording, a_report, a_transcript, an_attribution, details
from tests.libraries import CannotStart, Records, SqlRecords, at_once
from voxpersona.adapters.library import schema
from voxpersona.errors import Code, Integrity, NotFound, Rejected, Unavailable
from voxpersona.model import (
    Attribution,
    Change,
    Correction,
    Details,
    Progress,
    Recording,
    RecordingId,
    Report,
    Run,
    Source,
    Stage,
    Standing,
    State,
    Transcript,
    WorkOrder,
)

FIRST = WorkOrder(recording=RecordingId("rec000000001"), run=1)


def kept(records: Records, number: int = 1) -> Recording:
    recording, is_new = records.library.add(a_recording(number))
    assert is_new
    return recording


def walked(records: Records, order: WorkOrder, *, ready: bool = True) -> None:
    """All results of a run, and its end."""
    for stage, make in ((Stage.TRANSCRIBE, a_transcript), (Stage.ATTRIBUTE, an_attribution), (Stage.REPORT, a_report)):
        records.journal.begin(order, stage)
        records.library.save(make(order.recording, order.run))
    if ready:
        records.journal.ready(order)
    else:
        records.journal.fail(order, Stage.REPORT, "internal", "broke")


def retried(records: Records, recording: RecordingId) -> WorkOrder:
    return records.journal.restart(recording, Stage.TRANSCRIBE)


class TestAdd:
    def test_a_new_recording_is_kept_and_its_first_run_started(self, records: Records) -> None:
        recording = a_recording()
        assert records.library.add(recording) == (recording, True)
        assert records.library.recordings() == [recording]
        assert records.started() == [WorkOrder(recording=recording.id, run=1, start=Stage.TRANSCRIBE)]

    def test_the_same_delivery_again_starts_nothing(self, records: Records) -> None:
        recording = kept(records)
        assert records.library.add(a_recording()) == (recording, False)
        assert len(records.started()) == 1

    def test_the_same_delivery_with_other_bytes_gives_the_one_that_stands(self, records: Records) -> None:
        recording = kept(records)
        other = a_recording(2, source=recording.source)
        assert records.library.add(other) == (recording, False)
        assert records.library.recordings() == [recording]

    def test_the_same_bytes_by_another_way_give_the_one_that_stands(self, records: Records) -> None:
        recording = kept(records)
        again = a_recording(2, source="telegram:7:8:9", content=b"bytes of 1")
        assert records.library.add(again) == (recording, False)
        assert len(records.started()) == 1

    def test_every_way_a_recording_came_is_remembered(self, records: Records) -> None:
        recording = kept(records)
        records.library.add(a_recording(2, source="telegram:7:8:9", content=b"bytes of 1"))
        assert records.library.known("telegram:7:8:9", "0" * 64) == recording

    def test_nothing_is_left_where_the_work_cannot_be_started(self, records: Records) -> None:
        recording = a_recording()
        records.cannot_start.set()
        with pytest.raises(CannotStart):
            records.library.add(recording)
        assert records.library.recordings() == []
        assert records.started() == []
        assert records.library.known(recording.source, recording.original.sha256) is None
        with pytest.raises(NotFound):
            records.journal.standing(recording.id)
        records.cannot_start.clear()
        assert records.library.add(recording) == (recording, True)

    def test_eight_that_add_the_same_delivery_at_once_start_it_once(self, records: Records) -> None:
        added = at_once(8, lambda _: records.library.add(a_recording()))
        assert sorted(added, key=str) == sorted([(a_recording(), True), *[(a_recording(), False)] * 7], key=str)
        assert records.started() == [FIRST]

    def test_eight_that_add_the_same_bytes_by_eight_ways_keep_one(self, records: Records) -> None:
        added = at_once(8, lambda number: records.library.add(a_recording(number, content=b"the same")))
        (standing,) = records.library.recordings()
        assert sorted(added, key=str) == sorted([(standing, True), *[(standing, False)] * 7], key=str)
        assert len(records.started()) == 1
        for number in range(8):
            assert records.library.known(a_recording(number).source, "0" * 64) == standing

    def test_eight_that_add_eight_recordings_at_once_keep_eight(self, records: Records) -> None:
        at_once(8, lambda number: records.library.add(a_recording(number)))
        assert len(records.library.recordings()) == 8
        assert len(records.started()) == 8


class TestCorrect:
    def test_it_is_saved_and_its_run_started_and_current_once_that_ended_well(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        order = records.library.correct(an_attribution(recording.id, 2, transcript=1))
        assert order == WorkOrder(recording=recording.id, run=2, start=Stage.ATTRIBUTE)
        assert records.started() == [FIRST, order]
        assert records.library.attribution(recording.id).number == 1
        assert records.library.attribution(recording.id, 2) == an_attribution(recording.id, 2, transcript=1)
        assert records.journal.standing(recording.id).state is State.RECEIVED
        records.journal.begin(order, Stage.ATTRIBUTE)
        records.journal.ready(order)
        assert records.library.attribution(recording.id).number == 2

    def test_what_people_corrected_comes_back_with_all_that_is_known_of_it(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        change = Change(start=0.5, end=1.0, was="вас", now="Вас", speaker="SPEAKER_01", voice=(10.0, 12.0))
        correction = Correction(number=2, by="Анна", at=RECEIVED, transcript=1, changes=(change,))
        told = an_attribution(recording.id, 2, transcript=1).model_copy(
            update={"corrections": (correction,), "unplaced": (change,)}
        )
        records.library.correct(told)
        assert records.library.attribution(recording.id, 2) == told

    def test_a_run_that_came_first_makes_it_stale_and_nothing_is_kept(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        retried(records, recording.id)
        for over in (False, True):
            if over:
                walked(records, WorkOrder(recording=recording.id, run=2))
            with pytest.raises(Rejected) as caught:
                records.library.correct(an_attribution(recording.id, 2, transcript=1, lines=("Other.",)))
            assert caught.value.code is Code.CORRECTION_STALE
        assert records.library.attribution(recording.id) == an_attribution(recording.id, 2)
        assert len(records.started()) == 2

    def test_it_is_refused_while_a_run_is_under_way(self, records: Records) -> None:
        recording = kept(records)
        records.journal.begin(FIRST, Stage.TRANSCRIBE)
        records.library.save(a_transcript(recording.id))
        with pytest.raises(Rejected) as caught:
            records.library.correct(an_attribution(recording.id, 2, transcript=1))
        assert caught.value.code is Code.BUSY_RECORDING
        assert records.library.made(recording.id) == {(Stage.TRANSCRIBE, 1, "")}
        assert records.journal.standing(recording.id).run == 1

    def test_of_a_forgotten_recording_it_is_not_found(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        records.library.forget(recording.id)
        with pytest.raises(NotFound) as caught:
            records.library.correct(an_attribution(recording.id, 2, transcript=1))
        assert caught.value.code is Code.RECORDING_UNKNOWN

    def test_nothing_is_left_where_the_work_cannot_be_started(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        records.cannot_start.set()
        with pytest.raises(CannotStart):
            records.library.correct(an_attribution(recording.id, 2, transcript=1))
        assert records.journal.standing(recording.id).run == 1
        assert (Stage.ATTRIBUTE, 2, "") not in records.library.made(recording.id)
        assert records.started() == [FIRST]

    def test_of_eight_at_once_one_is_kept(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        ended = at_once(
            8,
            lambda number: records.library.correct(
                an_attribution(recording.id, 2, transcript=1, lines=(f"By {number}.",))
            ),
        )
        order = WorkOrder(recording=recording.id, run=2, start=Stage.ATTRIBUTE)
        (first,) = [number for number, one in enumerate(ended) if one == order]
        others = [one for one in ended if one != order]
        assert {getattr(one, "code", one) for one in others} == {Code.CORRECTION_STALE}
        assert records.library.attribution(recording.id, 2).segments[0].text == f"By {first}."
        assert records.started() == [FIRST, order]


class TestKnown:
    def test_a_new_delivery_of_new_bytes_is_unknown(self, records: Records) -> None:
        kept(records)
        other = a_recording(2)
        assert records.library.known(other.source, other.original.sha256) is None

    def test_bytes_are_known_whatever_way_they_come(self, records: Records) -> None:
        recording = kept(records)
        assert records.library.known("telegram:1:2:3", recording.original.sha256) == recording

    def test_asking_remembers_nothing(self, records: Records) -> None:
        recording = kept(records)
        records.library.known("telegram:1:2:3", recording.original.sha256)
        assert records.library.known("telegram:1:2:3", "0" * 64) is None


class TestWhatIsKept:
    @pytest.mark.parametrize(
        "text",
        [
            "Беседа №5 «Волна» — é",
            "👩‍🍳🏨 1️⃣",
            "مقابلة مع الضيف \u202eabc",
            "e\u0301 vs é",
            'O\'Brien; DROP TABLE recording; -- "x" %s :name ?',
            "  blanks \t and\nlines\r\n",
            "\\u0000 \\ \x01\x7f\ufffe",
            "x" * 100_000,
        ],
    )
    def test_every_letter_comes_back(self, records: Records, text: str) -> None:
        told = details(place=text, client=text, employee=text)
        recording = a_recording(told=told, name=text, source=f"path:{text[:500]}")
        records.library.add(recording)
        assert records.library.recording(recording.id) == recording
        transcript = a_transcript(recording.id, lines=(text, "second"))
        records.library.save(transcript)
        assert records.library.transcript(recording.id) == transcript

    def test_details_may_all_be_unknown(self, records: Records) -> None:
        recording = a_recording(told=Details())
        records.library.add(recording)
        assert records.library.recording(recording.id).details == Details()

    def test_a_recording_larger_than_four_gigabytes_keeps_its_size(self, records: Records) -> None:
        small = a_recording()
        original = small.original.model_copy(update={"bytes": 5_000_000_000})
        records.library.add(small.model_copy(update={"original": original}))
        assert records.library.recording(small.id).original.bytes == 5_000_000_000

    @pytest.mark.parametrize("text", ["nul\0here", "half \ud83d pair"])
    def test_what_no_database_can_keep_is_refused_by_all(self, records: Records, text: str) -> None:
        for recording in (a_recording(told=details(city=text)), a_recording(name=text), a_recording(source=text)):
            with pytest.raises(Rejected) as refused:
                records.library.add(recording)
            assert refused.value.code is Code.BAD_DETAIL
        with pytest.raises(Rejected):
            records.library.known(text, "0" * 64)
        recording = kept(records)
        results: tuple[Transcript | Attribution | Report, ...] = (
            a_transcript(recording.id, lines=(text,)),
            an_attribution(recording.id, lines=(text,)),
            a_report(recording.id, quote=text),
        )
        for result in results:
            with pytest.raises(Integrity) as invalid:
                records.library.save(result)
            assert invalid.value.code is Code.RESULT_INVALID
            assert "here" not in str(invalid.value)


class TestRecording:
    def test_an_id_or_the_start_of_one_finds_it(self, records: Records) -> None:
        recording = a_recording(identity="k3xw7q2mzp4a")
        other = a_recording(2, identity="k4aaaaaaaaaa")
        records.library.add(recording)
        records.library.add(other)
        for identity in ("k3xw7q2mzp4a", "k3", "K3XW", "k3xw7q2mzp4"):
            assert records.library.recording(identity) == recording

    def test_the_start_of_several_ids_is_ambiguous(self, records: Records) -> None:
        kept(records, 1)
        kept(records, 2)
        with pytest.raises(Rejected) as refused:
            records.library.recording("rec0")
        assert refused.value.code is Code.AMBIGUOUS_ID
        assert refused.value.facts == {"id": "rec0"}

    @pytest.mark.parametrize(
        "identity",
        [
            "",
            "zz",
            "%",
            "_",
            "rec%",
            "re_000000001",
            "\\",
            "/",
            "rec0000000010",
            "ec0",
            "\0",
            "rec\0",
            "\ud83d",
            "кот",
            " ",
        ],
    )
    def test_what_is_no_start_of_an_id_finds_nothing(self, records: Records, identity: str) -> None:
        kept(records)
        with pytest.raises(NotFound) as absent:
            records.library.recording(identity)
        assert absent.value.code is Code.RECORDING_UNKNOWN

    def test_wildcards_in_ids_stand_for_themselves(self, records: Records) -> None:
        under, percent, plain = (a_recording(n, identity=f"a{c}b000000000") for n, c in enumerate("_%x"))
        for recording in (under, percent, plain):
            records.library.add(recording)
        assert records.library.recording("a_b") == under
        assert records.library.recording("a%b") == percent

    def test_all_are_listed_newest_first_whatever_clock_they_came_by(self, records: Records) -> None:
        moscow = dt.timezone(dt.timedelta(hours=3))
        early = a_recording(1, received_at=dt.datetime(2026, 3, 14, 11, 0, tzinfo=moscow))  # 08:00 UTC
        late = a_recording(2, received_at=dt.datetime(2026, 3, 14, 9, 0, tzinfo=dt.UTC))
        latest = a_recording(3, received_at=dt.datetime(2026, 3, 14, 9, 0, 0, 1, tzinfo=dt.UTC))
        for recording in (late, early, latest):
            records.library.add(recording)
        assert records.library.recordings() == [latest, late, early]


class TestResults:
    def test_saving_twice_saves_once(self, records: Records) -> None:
        recording = kept(records)
        results: tuple[Transcript | Attribution | Report, ...] = (
            a_transcript(recording.id),
            an_attribution(recording.id),
            a_report(recording.id, template="a"),
            a_report(recording.id, template="b"),
        )
        first = [records.library.save(result) for result in results]
        assert [records.library.save(result) for result in results] == first
        assert first[2] != first[3]

    def test_a_result_saved_again_is_not_altered(self, records: Records) -> None:
        recording = kept(records)
        records.library.save(a_transcript(recording.id, engine="first"))
        records.library.save(a_transcript(recording.id, engine="second"))
        assert records.library.transcript(recording.id).engine == "first"

    def test_eight_that_save_the_same_at_once_save_it_once(self, records: Records) -> None:
        recording = kept(records)
        saved = at_once(8, lambda _: records.library.save(a_transcript(recording.id)))
        assert saved == [records.library.save(a_transcript(recording.id))] * 8

    def test_what_was_never_made_is_absent(self, records: Records) -> None:
        recording = kept(records)
        library = records.library
        reads: tuple[Callable[[RecordingId], object], ...] = (library.transcript, library.attribution)
        for read in reads:
            for identity in (recording.id, RecordingId("nobody")):
                with pytest.raises(NotFound) as absent:
                    read(identity)
                assert absent.value.code is Code.RESULT_ABSENT
                assert set(absent.value.facts) == {"id", "kind"}
        assert library.reports(recording.id) == []
        assert library.reports(RecordingId("nobody")) == []

    def test_results_of_a_first_run_under_way_are_current(self, records: Records) -> None:
        recording = kept(records)
        records.library.save(a_transcript(recording.id))
        assert records.library.transcript(recording.id).number == 1

    def test_results_of_a_first_run_that_failed_are_current(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST, ready=False)
        assert records.library.transcript(recording.id).number == 1
        assert [report.number for report in records.library.reports(recording.id)] == [1]

    def test_a_run_that_failed_leaves_the_older_results_current(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        walked(records, retried(records, recording.id), ready=False)
        assert records.library.transcript(recording.id) == a_transcript(recording.id, 1)
        assert records.library.attribution(recording.id) == an_attribution(recording.id, 1)
        assert records.library.reports(recording.id) == [a_report(recording.id, 1)]

    def test_a_run_under_way_leaves_the_older_results_current(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        retried(records, recording.id)
        records.library.save(a_transcript(recording.id, 2))
        assert records.library.transcript(recording.id).number == 1

    def test_a_run_that_ended_well_makes_its_results_current(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        walked(records, retried(records, recording.id), ready=False)
        walked(records, retried(records, recording.id))
        assert records.library.transcript(recording.id) == a_transcript(recording.id, 3)
        assert records.library.attribution(recording.id) == an_attribution(recording.id, 3)
        assert records.library.reports(recording.id) == [a_report(recording.id, 3)]

    def test_each_run_s_results_can_be_had_by_its_number(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        walked(records, retried(records, recording.id), ready=False)
        for number in (1, 2):
            assert records.library.transcript(recording.id, number) == a_transcript(recording.id, number)
            assert records.library.attribution(recording.id, number) == an_attribution(recording.id, number)
        with pytest.raises(NotFound):
            records.library.transcript(recording.id, 3)

    def test_a_run_of_the_tail_leaves_the_transcript_of_the_run_before(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        order = records.journal.restart(recording.id, Stage.ATTRIBUTE)
        records.library.save(an_attribution(recording.id, 2, transcript=1))
        records.journal.ready(order)
        assert records.library.transcript(recording.id).number == 1
        assert records.library.attribution(recording.id).number == 2

    def test_reports_are_current_by_template_and_come_in_its_order(self, records: Records) -> None:
        recording = kept(records)
        records.library.save(a_transcript(recording.id))
        records.library.save(an_attribution(recording.id))
        for template in ("zebra", "Alpha", "ёлка", "audit"):
            records.library.save(a_report(recording.id, template=template))
        records.journal.ready(FIRST)
        order = records.journal.restart(recording.id, Stage.REPORT)
        records.library.save(a_report(recording.id, 2, template="audit"))
        records.journal.ready(order)
        found = [(report.template, report.number) for report in records.library.reports(recording.id)]
        assert found == [("Alpha", 1), ("audit", 2), ("zebra", 1), ("ёлка", 1)]

    def test_a_report_on_nothing_is_refused(self, records: Records) -> None:
        recording = kept(records)
        with pytest.raises(NotFound) as absent:
            records.library.save(a_report(recording.id))
        assert absent.value.code is Code.RESULT_ABSENT
        assert records.library.reports(recording.id) == []

    def test_results_of_nobody_s_recording_are_refused(self, records: Records) -> None:
        with pytest.raises(NotFound) as absent:
            records.library.save(a_transcript(RecordingId("nobody")))
        assert absent.value.code is Code.RECORDING_UNKNOWN


class TestForget:
    def test_a_half_forgotten_recording_is_hidden_from_every_read(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        library = records.library
        library.forget(recording.id)
        assert library.recordings() == []
        assert library.reports(recording.id) == []
        for read in (
            lambda: library.recording(recording.id),
            lambda: library.transcript(recording.id),
            lambda: library.transcript(recording.id, 1),
            lambda: library.attribution(recording.id),
            lambda: library.attribution(recording.id, 1),
        ):
            with pytest.raises(NotFound):
                read()
        assert library.known("telegram:1:2:3", recording.original.sha256) is None

    def test_the_others_stay(self, records: Records) -> None:
        recording, other = kept(records, 1), kept(records, 2)
        records.library.save(a_transcript(other.id))
        records.library.forget(recording.id)
        records.library.erase(recording.id)
        assert records.library.recordings() == [other]
        assert records.library.transcript(other.id).recording == other.id
        assert records.library.known(other.source, other.original.sha256) == other

    def test_half_forgotten_ones_are_told_until_they_are_erased(self, records: Records) -> None:
        recording = kept(records)
        kept(records, 2)
        assert records.library.half_forgotten() == []
        records.library.forget(recording.id)
        assert records.library.half_forgotten() == [recording]
        records.library.erase(recording.id)
        assert records.library.half_forgotten() == []

    def test_what_is_not_forgotten_cannot_be_erased(self, records: Records) -> None:
        recording = kept(records)
        records.library.erase(recording.id)
        assert records.library.recordings() == [recording]

    def test_forgetting_and_erasing_may_be_repeated(self, records: Records) -> None:
        recording = kept(records)
        for _ in range(2):
            records.library.forget(recording.id)
        for _ in range(2):
            records.library.erase(recording.id)
        records.library.forget(recording.id)
        records.library.forget(RecordingId("nobody"))
        records.library.erase(RecordingId("nobody"))
        assert records.library.half_forgotten() == []

    @pytest.mark.parametrize("erased", [False, True])
    def test_a_late_result_of_a_forgotten_recording_is_refused(self, records: Records, erased: bool) -> None:
        recording = kept(records)
        walked(records, FIRST)
        records.library.forget(recording.id)
        if erased:
            records.library.erase(recording.id)
        with pytest.raises(NotFound) as absent:
            records.library.save(a_transcript(recording.id, 2))
        assert absent.value.code is Code.RECORDING_UNKNOWN

    @pytest.mark.parametrize("erased", [False, True])
    def test_a_forgotten_delivery_is_refused_by_every_way_it_came(self, records: Records, erased: bool) -> None:
        recording = kept(records)
        alias = a_recording(2, source="telegram:7:8:9", content=b"bytes of 1")
        records.library.add(alias)
        records.library.forget(recording.id)
        if erased:
            records.library.erase(recording.id)
        today = dt.datetime.now(dt.UTC).date()
        for again in (recording, alias):
            for verb in (
                lambda told: records.library.add(told),
                lambda told: records.library.known(told.source, told.original.sha256),
            ):
                with pytest.raises(Rejected) as refused:
                    verb(again)
                assert refused.value.code is Code.FORGOTTEN
                day = dt.date.fromisoformat(str(refused.value.facts["day"]))
                assert today - dt.timedelta(days=1) <= day <= today + dt.timedelta(days=1)
        assert len(records.started()) == 1

    def test_forgotten_bytes_may_come_again_as_a_new_delivery(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        records.library.forget(recording.id)
        records.library.erase(recording.id)
        again = a_recording(2, content=b"bytes of 1")
        assert records.library.known(again.source, again.original.sha256) is None
        assert records.library.add(again) == (again, True)
        with pytest.raises(NotFound):
            records.library.transcript(again.id)
        assert records.library.known(recording.source, recording.original.sha256) == again
        assert records.library.add(recording) == (again, False)

    def test_bytes_that_are_being_forgotten_can_be_added_a_little_later(self, records: Records) -> None:
        recording = kept(records)
        records.library.forget(recording.id)
        again = a_recording(2, content=b"bytes of 1")
        with pytest.raises(Unavailable):
            records.library.add(again)
        assert len(records.started()) == 1
        records.library.erase(recording.id)
        assert records.library.add(again) == (again, True)

    def test_one_who_adds_while_another_forgets_leaves_no_source_unmarked(self, records: Records) -> None:
        for number in range(10):
            recording = kept(records, number)
            alias = a_recording(100 + number, content=f"bytes of {number}".encode())

            def verb(thread: int, recording: Recording = recording, alias: Recording = alias) -> object:
                if thread:
                    return records.library.add(alias)
                records.library.forget(recording.id)
                return None

            _, added = at_once(2, verb)
            records.library.erase(recording.id)
            if added == (recording, False):
                with pytest.raises(Rejected):
                    records.library.known(alias.source, "0" * 64)
            else:
                assert isinstance(added, Unavailable)
                assert records.library.known(alias.source, "0" * 64) is None

    def test_one_who_saves_while_another_erases_leaves_nothing(self, records: Records) -> None:
        for number in range(10):
            recording = kept(records, number)

            def verb(thread: int, recording: Recording = recording) -> object:
                if thread:
                    return records.library.save(a_transcript(recording.id))
                records.library.forget(recording.id)
                records.library.erase(recording.id)
                return None

            _, saved = at_once(2, verb)
            assert isinstance(saved, int | NotFound)
            assert records.library.half_forgotten() == []


class TestMade:
    def test_every_saved_result_is_named_whatever_its_run(self, records: Records) -> None:
        recording = kept(records)
        assert records.library.made(recording.id) == set()
        walked(records, FIRST)
        walked(records, retried(records, recording.id), ready=False)
        kinds = ((Stage.TRANSCRIBE, ""), (Stage.ATTRIBUTE, ""), (Stage.REPORT, "interview"))
        assert records.library.made(recording.id) == {
            (stage, number, name) for stage, name in kinds for number in (1, 2)
        }

    def test_nothing_of_others_and_nothing_of_the_forgotten_is_named(self, records: Records) -> None:
        recording, other = kept(records, 1), kept(records, 2)
        records.library.save(a_transcript(other.id))
        assert records.library.made(recording.id) == set()
        records.library.forget(other.id)
        assert records.library.made(other.id) == set()

    def test_reports_can_be_had_by_the_number_of_their_run(self, records: Records) -> None:
        recording = kept(records)
        walked(records, FIRST)
        walked(records, retried(records, recording.id), ready=False)
        assert records.library.reports(recording.id) == [a_report(recording.id, 1)]
        assert records.library.reports(recording.id, 2) == [a_report(recording.id, 2)]
        assert records.library.reports(recording.id, 3) == []


class TestSources:
    def test_every_way_a_recording_came_is_told_by_key(self, records: Records) -> None:
        recording = kept(records)
        records.library.add(a_recording(2, source="email:1", content=b"bytes of 1"))
        other = kept(records, 3)
        assert [source.key for source in records.library.sources(recording.id)] == ["email:1", recording.source]
        assert {source.key: source.recording for source in records.library.sources()} == {
            "email:1": recording.id,
            recording.source: recording.id,
            other.source: other.id,
        }
        assert all(source.forgotten_at is None for source in records.library.sources())

    def test_forgotten_ones_are_told_with_their_time_for_ever(self, records: Records) -> None:
        recording = kept(records)
        records.library.forget(recording.id)
        (hidden,) = records.library.sources(recording.id)
        records.library.erase(recording.id)
        assert records.library.sources(recording.id) == [hidden]
        assert hidden.forgotten_at is not None
        assert hidden.forgotten_at.utcoffset() is not None

    def test_what_one_library_tells_another_can_remember(self, records: Records) -> None:
        forgotten_at = dt.datetime(2026, 5, 6, 23, 59, 58, 7, tzinfo=dt.UTC)
        seen_at = dt.datetime(2026, 5, 5, tzinfo=dt.UTC)
        told = [
            Source(key="path:a", recording=RecordingId("rec000000009"), seen_at=seen_at, forgotten_at=forgotten_at),
            Source(key="path:ä", recording=RecordingId("rec000000008"), seen_at=seen_at),
        ]
        for _ in range(2):
            records.library.remember(told)
        assert records.library.sources() == told
        with pytest.raises(Rejected) as refused:
            records.library.known("path:a", "0" * 64)
        assert refused.value.facts["day"] == "2026-05-06"

    def test_what_is_known_is_not_altered_by_remembering(self, records: Records) -> None:
        recording = kept(records)
        before = records.library.sources()
        now = dt.datetime.now(dt.UTC)
        records.library.remember(
            [Source(key=recording.source, recording=RecordingId("rec000000009"), seen_at=now, forgotten_at=now)]
        )
        assert records.library.sources() == before
        assert records.library.known(recording.source, "0" * 64) == recording

    def test_eight_that_remember_the_same_at_once_keep_one(self, records: Records) -> None:
        source = Source(key="path:a", recording=RecordingId("rec000000009"), seen_at=dt.datetime.now(dt.UTC))
        assert at_once(8, lambda _: records.library.remember([source])) == [None] * 8
        assert records.library.sources() == [source]


def an_end(order: WorkOrder, *, ready: bool = True) -> Run:
    """How a run ended that took a minute for each stage."""
    begun = dt.datetime(2026, 3, 14, 10, order.run, tzinfo=dt.UTC)
    stages = tuple(
        Progress(
            recording=order.recording,
            run=order.run,
            stage=stage,
            share=1.0 if ready or stage is not Stage.REPORT else 0.25,
            attempts=2,
            started_at=begun + dt.timedelta(minutes=place),
            finished_at=begun + dt.timedelta(minutes=place + 1) if ready or stage is not Stage.REPORT else None,
        )
        for place, stage in enumerate(list(Stage) if ready else list(Stage)[:3])
    )
    return Run(
        order=order,
        standing=Standing(
            state=State.READY if ready else State.FAILED,
            run=order.run,
            stage=stages[-1].stage,
            share=stages[-1].share,
            stages=stages,
            failed_code=None if ready else "internal",
            failed_reason=None if ready else "сломалось",
        ),
        ended_at=begun + dt.timedelta(minutes=9),
    )


def results_of(order: WorkOrder) -> list[Transcript | Attribution | Report]:
    """All of a run, in an order in which none finds what it was made from."""
    make: tuple[Callable[[RecordingId, int], Transcript | Attribution | Report], ...] = (
        a_report,
        an_attribution,
        a_transcript,
    )
    return [one(order.recording, order.run) for one in make]


SECOND = WorkOrder(recording=FIRST.recording, run=2, start=Stage.TRANSCRIBE)
THIRD = WorkOrder(recording=FIRST.recording, run=3, start=Stage.REPORT)


class TestRestore:
    def test_a_recording_comes_back_with_its_runs_and_results_and_nothing_is_started(self, records: Records) -> None:
        recording = a_recording()
        runs = [an_end(FIRST), an_end(SECOND, ready=False)]
        results = results_of(SECOND) + results_of(FIRST)
        assert records.library.restore(recording, runs, results) == recording
        assert records.library.recordings() == [recording]
        assert records.library.known(recording.source, "0" * 64) == recording
        assert records.journal.ended(recording.id) == runs
        assert records.journal.standing(recording.id) == runs[1].standing
        assert records.library.transcript(recording.id) == a_transcript(recording.id, 1)
        assert records.library.attribution(recording.id, 2) == an_attribution(recording.id, 2)
        assert records.library.reports(recording.id) == [a_report(recording.id, 1)]
        assert records.started() == []
        assert records.journal.open_orders() == []

    def test_it_comes_back_as_it_was(self, records: Records) -> None:
        """What a library tells of itself, restored into it, changes nothing."""
        recording = kept(records)
        walked(records, FIRST)
        walked(records, retried(records, recording.id), ready=False)
        ended = records.journal.ended(recording.id)
        started = records.started()
        assert records.library.restore(recording, ended, results_of(SECOND)) == recording
        assert records.journal.ended(recording.id) == ended
        assert records.started() == started

    def test_work_is_started_where_it_is_asked_for(self, records: Records) -> None:
        recording = a_recording()
        records.library.restore(recording, [an_end(FIRST, ready=False)], (), SECOND)
        assert records.started() == [SECOND]
        assert records.journal.open_orders() == [SECOND]
        assert records.journal.standing(recording.id) == Standing(state=State.RECEIVED, run=2)

    def test_a_recording_without_any_run_gets_its_first(self, records: Records) -> None:
        records.library.restore(a_recording())
        assert records.started() == [FIRST]

    def test_nothing_is_started_twice(self, records: Records) -> None:
        recording = a_recording()
        for work in (FIRST, FIRST, SECOND, None):
            records.library.restore(recording, (), (), work)
        assert records.started() == [FIRST]
        records.journal.ready(FIRST)
        records.library.restore(recording, (), (), FIRST)
        assert records.started() == [FIRST]
        records.library.restore(recording, (), (), THIRD)
        assert records.started() == [FIRST, THIRD]

    def test_nothing_is_left_where_the_work_cannot_be_started(self, records: Records) -> None:
        recording = a_recording()
        records.cannot_start.set()
        with pytest.raises(CannotStart):
            records.library.restore(recording)
        assert records.library.recordings() == []
        assert records.library.sources() == []

    def test_what_stands_is_not_touched_and_what_is_missing_is_added(self, records: Records) -> None:
        recording = kept(records)
        records.library.save(a_transcript(recording.id, engine="that stands"))
        records.journal.fail(FIRST, Stage.ATTRIBUTE, "internal", "that stands")
        (before,) = records.journal.ended(recording.id)
        other = recording.model_copy(update={"details": details(city="elsewhere")})
        records.library.restore(other, [an_end(FIRST), an_end(SECOND)], results_of(FIRST))
        assert records.library.recording(recording.id) == recording
        assert records.journal.ended(recording.id) == [before, an_end(SECOND)]
        assert records.library.transcript(recording.id, 1).engine == "that stands"
        assert records.library.attribution(recording.id) == an_attribution(recording.id)

    def test_the_same_bytes_under_another_id_are_no_second_recording(self, records: Records) -> None:
        recording = kept(records)
        twin = a_recording(2, content=b"bytes of 1")
        assert records.library.restore(twin, [an_end(WorkOrder(recording=twin.id, run=1))]) == recording
        assert records.library.recordings() == [recording]
        assert records.library.known(twin.source, "0" * 64) is None

    def test_other_bytes_under_the_same_id_are_refused(self, records: Records) -> None:
        recording = kept(records)
        other = a_recording(2, identity=recording.id)
        with pytest.raises(Integrity) as refused:
            records.library.restore(other)
        assert refused.value.code is Code.BLOB_CONFLICT
        assert records.library.recordings() == [recording]

    def test_a_forgotten_one_comes_back_hidden_and_can_be_erased(self, records: Records) -> None:
        recording = a_recording()
        now = dt.datetime.now(dt.UTC)
        records.library.remember([Source(key=recording.source, recording=recording.id, seen_at=now, forgotten_at=now)])
        records.library.restore(recording, (), results_of(FIRST))
        assert records.library.recordings() == []
        assert records.library.half_forgotten() == [recording]
        assert records.started() == []
        assert records.journal.standing(recording.id).run == 1, "forget asks which runs to cancel"
        assert records.journal.ended(recording.id) == []
        records.library.erase(recording.id)
        assert records.library.half_forgotten() == []
        with pytest.raises(Rejected):
            records.library.known(recording.source, "0" * 64)

    def test_one_that_is_being_forgotten_stays_so(self, records: Records) -> None:
        recording = kept(records)
        records.library.forget(recording.id)
        assert records.library.restore(recording, [an_end(FIRST)], results_of(FIRST)) == recording
        assert records.library.half_forgotten() == [recording]
        assert records.library.made(recording.id) == set()

    def test_results_that_no_library_can_hold_are_left_out_and_the_rest_stays(self, records: Records) -> None:
        recording = a_recording()
        results: list[Transcript | Attribution | Report] = [
            a_transcript(recording.id),
            a_report(recording.id),
            a_transcript(recording.id, 2, lines=("\0",)),
        ]
        records.library.restore(recording, [an_end(FIRST)], results)
        assert records.library.made(recording.id) == {(Stage.TRANSCRIBE, 1, "")}

    def test_eight_that_restore_the_same_at_once_start_it_once(self, records: Records) -> None:
        assert at_once(8, lambda _: records.library.restore(a_recording())) == [a_recording()] * 8
        assert records.library.recordings() == [a_recording()]
        assert records.started() == [FIRST]


class TestDatabase:
    """What only a database can promise."""

    def test_a_result_that_contradicts_itself_does_not_keep_its_recording_from_coming_back(
        self, sql: SqlRecords
    ) -> None:
        recording = a_recording()
        sound = an_attribution(recording.id)
        twice = sound.model_copy(update={"speakers": (sound.speakers[0], sound.speakers[0])})
        sql.library.restore(recording, [an_end(FIRST)], [a_transcript(recording.id), twice, a_report(recording.id)])
        assert sql.library.made(recording.id) == {(Stage.TRANSCRIBE, 1, "")}
        assert sql.count(schema.speaker) == 0

    def test_erasing_leaves_no_row_but_the_marked_sources(self, sql: SqlRecords) -> None:
        recording = kept(sql)
        walked(sql, FIRST)
        sql.library.forget(recording.id)
        sql.library.erase(recording.id)
        left = {name: sql.count(table) for name, table in schema.metadata.tables.items()}
        assert left == {**dict.fromkeys(left, 0), "source": 1}

    def test_an_audit_row_names_the_transcription_it_was_written_from(self, sql: SqlRecords) -> None:
        recording = kept(sql)
        walked(sql, FIRST)
        walked(sql, retried(sql, recording.id), ready=False)
        order = sql.journal.restart(recording.id, Stage.REPORT)
        sql.library.save(a_report(recording.id, order.run))
        assert numbers_of_audits(sql) == {1: 1, 2: 2, 3: 1}

    def test_a_saved_result_is_rolled_back_with_the_transaction_it_joined(self, sql: SqlRecords) -> None:
        recording = kept(sql)
        with sql.engine.connect() as connection, connection.begin() as outer, sql.transactions.joined(connection):
            sql.library.save(a_transcript(recording.id))
            assert sql.library.transcript(recording.id).number == 1
            outer.rollback()
        with pytest.raises(NotFound):
            sql.library.transcript(recording.id)

    def test_a_saved_result_is_committed_with_the_transaction_it_joined(self, sql: SqlRecords) -> None:
        recording = kept(sql)
        with sql.engine.begin() as connection, sql.transactions.joined(connection):
            sql.library.save(a_transcript(recording.id))
        assert sql.library.transcript(recording.id).number == 1

    def test_a_thread_does_not_join_another_s_transaction(self, sql: SqlRecords) -> None:
        kept(sql)
        with sql.engine.connect() as connection, sql.transactions.joined(connection):
            (listed,) = at_once(1, lambda _: [recording.id for recording in sql.library.recordings()])
            assert not connection.in_transaction()
        assert listed == ["rec000000001"]

    def test_an_error_inside_a_joined_transaction_ends_the_joining(self, sql: SqlRecords) -> None:
        kept(sql)
        with sql.engine.connect() as connection:
            with pytest.raises(NotFound), connection.begin(), sql.transactions.joined(connection):
                sql.library.save(a_transcript(RecordingId("nobody")))
            sql.library.save(a_transcript(FIRST.recording))
            assert not connection.in_transaction()
        assert sql.count(schema.transcription) == 1

    def test_no_error_text_nor_traceback_quotes_what_was_said(self, sql: SqlRecords) -> None:
        recording = kept(sql)
        with sql.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE transcription DROP COLUMN engine")
        said = "".join(reversed("ятсог анйат"))  # backwards: a traceback quotes this line
        with pytest.raises(Unavailable) as broken:
            sql.library.save(a_transcript(recording.id, lines=(said,)))
        assert "engine" in broken.value.detail
        assert said not in "".join(traceback.format_exception(broken.value))

    def test_a_result_that_contradicts_itself_is_refused_whole(self, sql: SqlRecords) -> None:
        recording = kept(sql)
        sound = an_attribution(recording.id)
        twice = sound.model_copy(update={"speakers": (sound.speakers[0], sound.speakers[0])})
        with pytest.raises(Integrity):
            sql.library.save(twice)
        assert sql.count(schema.attribution) == 0
        assert sql.count(schema.speaker) == 0


def numbers_of_audits(sql: SqlRecords) -> dict[int, int]:
    """For each audit's number, that of its transcription."""
    joined = schema.audit.join(schema.transcription, schema.transcription.c.id == schema.audit.c.transcription_id)
    with sql.engine.begin() as connection:
        rows = connection.execute(sa.select(schema.audit.c.number, schema.transcription.c.number).select_from(joined))
        return {row[0]: row[1] for row in rows}
