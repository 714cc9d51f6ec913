"""The contract of `ports.Journal`, over every adapter."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.builders import a_recording
from tests.libraries import CannotStart, Records, SqlRecords, at_once
from voxpersona.errors import Code, NotFound, Rejected
from voxpersona.model import RecordingId, Run, Stage, Standing, State, WorkOrder

NOBODY = RecordingId("nobody")


def an_order(records: Records, number: int = 1) -> WorkOrder:
    """The first run of a recording just taken in."""
    recording, _ = records.library.add(a_recording(number))
    return WorkOrder(recording=recording.id, run=1)


class TestStanding:
    def test_a_new_recording_is_received(self, records: Records) -> None:
        order = an_order(records)
        assert records.journal.standing(order.recording) == Standing(state=State.RECEIVED, run=1)

    def test_nobody_s_recording_has_none(self, records: Records) -> None:
        with pytest.raises(NotFound) as absent:
            records.journal.standing(NOBODY)
        assert absent.value.code is Code.RECORDING_UNKNOWN

    def test_that_of_a_half_forgotten_recording_still_tells_forget_which_runs_to_cancel(self, records: Records) -> None:
        order = an_order(records)
        records.library.forget(order.recording)
        assert records.journal.standing(order.recording).run == 1
        records.library.erase(order.recording)
        with pytest.raises(NotFound):
            records.journal.standing(order.recording)

    def test_recordings_stand_each_for_itself(self, records: Records) -> None:
        first, second = an_order(records, 1), an_order(records, 2)
        records.journal.begin(first, Stage.TRANSCRIBE)
        records.journal.fail(second, Stage.INDEX, "internal", "broke")
        assert records.journal.standing(first.recording).state is State.WORKING
        assert records.journal.standing(second.recording).state is State.FAILED


class TestClaims:
    def test_a_claim_tells_how_it_found_the_run_and_changes_nothing_else(self, records: Records) -> None:
        order = an_order(records)
        assert records.journal.claim(order) is State.RECEIVED
        assert records.journal.standing(order.recording) == Standing(state=State.RECEIVED, run=1)
        records.journal.begin(order, Stage.TRANSCRIBE)
        assert records.journal.claim(order) is State.WORKING
        records.journal.ready(order)
        assert records.rival.claim(order) is State.READY

    def test_there_is_nothing_to_claim_where_there_is_no_run(self, records: Records) -> None:
        order = an_order(records)
        for unknown in (WorkOrder(recording=NOBODY, run=1), WorkOrder(recording=order.recording, run=2)):
            with pytest.raises(NotFound) as absent:
                records.journal.claim(unknown)
            assert absent.value.code is Code.RECORDING_UNKNOWN

    def test_what_another_worker_claimed_since_can_no_longer_be_written_on(self, records: Records) -> None:
        order = an_order(records)
        records.journal.claim(order)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.rival.claim(order)
        before = records.journal.standing(order.recording)
        ended = before.model_copy(update={"state": State.READY})
        run = Run(order=order, standing=ended, ended_at=datetime.now(UTC))
        writes: list[Callable[[], None]] = [
            lambda: records.journal.begin(order, Stage.ATTRIBUTE),
            lambda: records.journal.close(run),
            lambda: records.journal.ready(order),
            lambda: records.journal.fail(order, Stage.TRANSCRIBE, "internal", "broke"),
        ]
        for write in writes:
            with pytest.raises(Rejected) as refused:
                write()
            assert refused.value.code is Code.SUPERSEDED
        assert records.journal.standing(order.recording) == before

    def test_progress_is_told_by_whoever_does_a_part(self, records: Records) -> None:
        order = an_order(records)
        records.journal.claim(order)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.rival.progress(order, Stage.TRANSCRIBE, 0.5)
        records.journal.progress(order, Stage.TRANSCRIBE, 0.25)
        assert records.journal.standing(order.recording).share == 0.5

    def test_who_does_a_part_of_a_run_that_is_over_is_told_so(self, records: Records) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.journal.fail(order, Stage.TRANSCRIBE, "cancelled", "")
        before = records.journal.standing(order.recording)
        for journal in (records.journal, records.rival):
            with pytest.raises(Rejected) as refused:
                journal.progress(order, Stage.TRANSCRIBE, 0.5)
            assert refused.value.code is Code.SUPERSEDED
        assert records.journal.standing(order.recording) == before

    def test_who_claimed_last_goes_on(self, records: Records) -> None:
        order = an_order(records)
        records.journal.claim(order)
        records.rival.claim(order)
        records.rival.begin(order, Stage.TRANSCRIBE)
        records.journal.claim(order)
        records.journal.ready(order)
        assert records.journal.standing(order.recording).state is State.READY

    def test_the_claim_on_a_run_says_nothing_of_the_next_one(self, records: Records) -> None:
        order = an_order(records)
        records.rival.claim(order)
        records.rival.ready(order)
        again = records.journal.restart(order.recording, Stage.REPORT)
        records.journal.begin(again, Stage.REPORT)
        assert records.journal.standing(order.recording).run == 2


class TestStages:
    def test_a_stage_that_begins_is_under_way(self, records: Records) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        standing = records.journal.standing(order.recording)
        assert (standing.state, standing.stage, standing.share) == (State.WORKING, Stage.TRANSCRIBE, 0.0)
        (progress,) = standing.stages
        assert (progress.recording, progress.run, progress.stage) == (order.recording, 1, Stage.TRANSCRIBE)
        assert (progress.attempts, progress.finished_at) == (1, None)
        assert progress.started_at.utcoffset() is not None

    def test_its_share_is_told(self, records: Records) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.journal.progress(order, Stage.TRANSCRIBE, 0.25)
        standing = records.journal.standing(order.recording)
        assert (standing.share, standing.stages[0].share) == (0.25, 0.25)

    def test_the_next_one_ends_it(self, records: Records) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.journal.progress(order, Stage.TRANSCRIBE, 0.9)
        records.journal.begin(order, Stage.ATTRIBUTE)
        standing = records.journal.standing(order.recording)
        assert (standing.stage, standing.share) == (Stage.ATTRIBUTE, 0.0)
        ended, begun = standing.stages
        assert ended.finished_at is not None
        assert ended.started_at <= ended.finished_at <= begun.started_at
        assert (ended.share, begun.finished_at) == (1.0, None)

    def test_they_are_told_in_the_order_of_the_way(self, records: Records) -> None:
        order = an_order(records)
        for stage in Stage:
            records.journal.begin(order, stage)
        assert [progress.stage for progress in records.journal.standing(order.recording).stages] == list(Stage)

    def test_each_beginning_counts_one_attempt(self, records: Records) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        (first,) = records.journal.standing(order.recording).stages
        records.journal.progress(order, Stage.TRANSCRIBE, 0.5)
        for _ in range(2):
            records.journal.begin(order, Stage.TRANSCRIBE)
            assert records.journal.standing(order.recording).share == 0.5, "what is done is not done again"
        records.journal.begin(order, Stage.ATTRIBUTE)
        again, other = records.journal.standing(order.recording).stages
        assert (again.attempts, again.started_at) == (3, first.started_at)
        assert other.attempts == 1

    def test_a_beginning_is_counted_whoever_begins_at_once(self, records: Records) -> None:
        order = an_order(records)
        assert at_once(8, lambda _: records.journal.begin(order, Stage.TRANSCRIBE)) == [None] * 8
        assert records.journal.standing(order.recording).stages[0].attempts == 8

    def test_late_progress_does_not_reopen_a_stage(self, records: Records) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.journal.begin(order, Stage.ATTRIBUTE)
        records.journal.progress(order, Stage.TRANSCRIBE, 0.5)
        assert records.journal.standing(order.recording).stages[0].share == 1.0

    def test_progress_of_nothing_is_nothing(self, records: Records) -> None:
        order = an_order(records)
        records.journal.progress(order, Stage.INDEX, 0.5)
        records.journal.progress(WorkOrder(recording=NOBODY, run=1), Stage.INDEX, 0.5)
        assert records.journal.standing(order.recording).stages == ()

    def test_no_stage_begins_for_what_is_not_there(self, records: Records) -> None:
        order = an_order(records)
        for unknown in (WorkOrder(recording=NOBODY, run=1), WorkOrder(recording=order.recording, run=2)):
            with pytest.raises(NotFound) as absent:
                records.journal.begin(unknown, Stage.TRANSCRIBE)
            assert absent.value.code is Code.RECORDING_UNKNOWN

    @pytest.mark.parametrize("erased", [False, True])
    def test_no_stage_begins_once_the_recording_was_forgotten(self, records: Records, erased: bool) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.library.forget(order.recording)
        if erased:
            records.library.erase(order.recording)
        with pytest.raises(NotFound) as absent:
            records.journal.begin(order, Stage.ATTRIBUTE)
        assert absent.value.code is Code.RECORDING_UNKNOWN


class TestEnds:
    def test_a_ready_run_is_over_with_all_its_stages(self, records: Records) -> None:
        order = an_order(records)
        for stage in Stage:
            records.journal.begin(order, stage)
        records.journal.ready(order)
        standing = records.journal.standing(order.recording)
        assert (standing.state, standing.stage, standing.share) == (State.READY, Stage.INDEX, 1.0)
        assert all(progress.share == 1.0 and progress.finished_at for progress in standing.stages)
        assert (standing.failed_code, standing.failed_reason) == (None, None)

    def test_a_failed_run_names_stage_and_reason(self, records: Records) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.journal.progress(order, Stage.TRANSCRIBE, 0.5)
        records.journal.fail(order, Stage.TRANSCRIBE, Code.TRANSCRIBER_UNAVAILABLE, "503 — нет места 👩‍🍳")
        standing = records.journal.standing(order.recording)
        assert (standing.state, standing.stage, standing.share) == (State.FAILED, Stage.TRANSCRIBE, 0.5)
        assert standing.failed_code == "transcriber-unavailable"
        assert standing.failed_reason == "503 — нет места 👩‍🍳"

    def test_a_failure_before_its_stage_began_has_no_share(self, records: Records) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.journal.begin(order, Stage.ATTRIBUTE)
        records.journal.progress(order, Stage.ATTRIBUTE, 0.7)
        records.journal.fail(order, Stage.REPORT, "internal", "broke")
        standing = records.journal.standing(order.recording)
        assert (standing.stage, standing.share) == (Stage.REPORT, 0.0)

    @pytest.mark.parametrize(
        ("reason", "told"), [("nul\0here", "nul\\x00here"), ("/in/caf\udce9.wav", "/in/caf\\udce9.wav")]
    )
    def test_no_reason_is_too_odd_to_be_told(self, records: Records, reason: str, told: str) -> None:
        order = an_order(records)
        records.journal.fail(order, Stage.TRANSCRIBE, "internal", reason)
        assert records.journal.standing(order.recording).failed_reason == told

    def test_a_run_that_goes_on_after_all_is_no_failure_any_more(self, records: Records) -> None:
        order = an_order(records)
        records.journal.fail(order, Stage.TRANSCRIBE, "internal", "broke")
        records.journal.begin(order, Stage.TRANSCRIBE)
        standing = records.journal.standing(order.recording)
        assert (standing.state, standing.failed_code, standing.failed_reason) == (State.WORKING, None, None)

    def test_ends_of_what_was_erased_are_no_error(self, records: Records) -> None:
        order = an_order(records)
        records.library.forget(order.recording)
        records.library.erase(order.recording)
        records.journal.progress(order, Stage.INDEX, 1.0)
        records.journal.fail(order, Stage.INDEX, "recording-unknown", "the recording was forgotten")
        records.journal.ready(order)
        with pytest.raises(NotFound):
            records.journal.standing(order.recording)


class TestWaiting:
    LATER = datetime(2126, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
    NOW = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)

    def a_waiting_run(self, records: Records, until: datetime = LATER) -> WorkOrder:
        order = an_order(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.journal.wait(order, Code.TRANSCRIBER_UNAVAILABLE, "503 — нет\0места", until)
        return order

    def test_a_run_that_waits_tells_for_what_since_when_and_until_when(self, records: Records) -> None:
        before = datetime.now(UTC)
        order = self.a_waiting_run(records)
        standing = records.journal.standing(order.recording)
        assert (standing.state, standing.stage, standing.failed_code) == (State.WORKING, Stage.TRANSCRIBE, None)
        waiting = standing.waiting
        assert waiting is not None
        assert (waiting.code, waiting.reason, waiting.until) == (
            "transcriber-unavailable",
            "503 — нет\\x00места",
            self.LATER,
        )
        assert before <= waiting.since <= datetime.now(UTC)

    def test_it_waits_since_the_first_time_from_whatever_worker_that_is_told(self, records: Records) -> None:
        order = self.a_waiting_run(records, self.NOW)
        records.journal.claim(order)
        first = records.journal.standing(order.recording).waiting
        records.rival.wait(order, Code.STORE_UNREACHABLE, "", self.LATER)
        second = records.journal.standing(order.recording).waiting
        assert first is not None
        assert second == first.model_copy(update={"code": "store-unreachable", "reason": "", "until": self.LATER})

    def test_it_goes_on_from_whatever_worker_once_that_was_tried(self, records: Records) -> None:
        order = self.a_waiting_run(records, self.NOW)
        records.journal.claim(order)
        records.rival.go_on(order)
        assert records.journal.standing(order.recording).waiting is None
        records.journal.go_on(order)

    def test_what_another_part_is_to_try_later_is_still_waited_for(self, records: Records) -> None:
        order = self.a_waiting_run(records)
        records.journal.go_on(order)
        assert records.journal.standing(order.recording).waiting is not None

    def test_nothing_is_waited_for_once_a_stage_begins_or_the_run_is_over(self, records: Records) -> None:
        order = self.a_waiting_run(records)
        records.journal.begin(order, Stage.TRANSCRIBE)
        assert records.journal.standing(order.recording).waiting is None
        records.journal.wait(order, Code.STORE_UNREACHABLE, "", self.LATER)
        records.journal.fail(order, Stage.TRANSCRIBE, "internal", "broke")
        assert records.journal.standing(order.recording).waiting is None
        with pytest.raises(Rejected) as refused:
            records.journal.wait(order, Code.STORE_UNREACHABLE, "", self.LATER)
        assert refused.value.code is Code.SUPERSEDED
        again = records.journal.restart(order.recording, Stage.TRANSCRIBE)
        records.journal.wait(again, Code.STORE_UNREACHABLE, "", self.LATER)
        records.journal.ready(again)
        assert records.journal.standing(order.recording).waiting is None
        assert [run.standing.waiting for run in records.journal.ended(order.recording)] == [None, None]

    def test_of_what_was_erased_there_is_nothing_to_tell(self, records: Records) -> None:
        order = self.a_waiting_run(records)
        records.library.forget(order.recording)
        records.library.erase(order.recording)
        records.journal.wait(order, Code.STORE_UNREACHABLE, "", self.LATER)
        records.journal.go_on(order)


class TestClose:
    def a_closed_run(self, records: Records) -> Run:
        """The document of a run whose last stage is about to end."""
        order = an_order(records)
        for stage in Stage:
            records.journal.begin(order, stage)
        standing = records.journal.standing(order.recording)
        ended_at = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
        stages = tuple(
            progress.model_copy(update={"share": 1.0, "finished_at": progress.finished_at or ended_at})
            for progress in standing.stages
        )
        over = standing.model_copy(update={"state": State.READY, "share": 1.0, "stages": stages})
        return Run(order=order, standing=over, ended_at=ended_at)

    def test_the_journal_tells_to_the_microsecond_what_the_document_does(self, records: Records) -> None:
        run = self.a_closed_run(records)
        records.journal.close(run)
        assert records.journal.standing(run.order.recording).state is State.WORKING
        assert records.journal.ended(run.order.recording) == []
        records.journal.ready(run.order)
        assert records.journal.standing(run.order.recording) == run.standing
        assert records.journal.ended(run.order.recording) == [run]

    def test_it_does_so_too_where_the_last_stage_was_begun_again_after_a_kill(self, records: Records) -> None:
        run = self.a_closed_run(records)
        for _ in range(2):
            records.journal.close(run)
            records.journal.begin(run.order, Stage.INDEX)
        records.journal.close(run)
        records.journal.ready(run.order)
        assert records.journal.ended(run.order.recording) == [run]

    def test_a_run_that_failed_and_ended_well_after_all_has_no_failure(self, records: Records) -> None:
        run = self.a_closed_run(records)
        records.journal.fail(run.order, Stage.INDEX, "internal", "the engine gave it up")
        records.journal.close(run)
        records.journal.ready(run.order)
        assert records.journal.ended(run.order.recording) == [run]

    def test_closing_what_was_erased_is_no_error(self, records: Records) -> None:
        run = self.a_closed_run(records)
        records.library.forget(run.order.recording)
        records.library.erase(run.order.recording)
        records.journal.close(run)


class TestEnded:
    def test_runs_that_are_over_are_told_by_number_each_with_its_own_stages(self, records: Records) -> None:
        order = an_order(records)
        assert records.journal.ended(order.recording) == []
        records.journal.begin(order, Stage.TRANSCRIBE)
        records.journal.fail(order, Stage.TRANSCRIBE, "internal", "broke")
        again = records.journal.restart(order.recording, Stage.REPORT)
        records.journal.begin(again, Stage.REPORT)
        records.journal.ready(again)
        third = records.journal.restart(order.recording, Stage.INDEX)
        failed, ready = records.journal.ended(order.recording)
        assert (failed.order, ready.order) == (order, again)
        assert (failed.standing.state, failed.standing.stage, failed.standing.failed_reason) == (
            State.FAILED,
            Stage.TRANSCRIBE,
            "broke",
        )
        assert [progress.stage for progress in failed.standing.stages] == [Stage.TRANSCRIBE]
        assert [progress.stage for progress in ready.standing.stages] == [Stage.REPORT]
        assert ready.ended_at >= failed.ended_at
        assert records.journal.standing(order.recording).run == third.run

    def test_none_is_told_of_nobody_or_of_the_forgotten(self, records: Records) -> None:
        order = an_order(records)
        records.journal.ready(order)
        records.library.forget(order.recording)
        assert records.journal.ended(order.recording) == []
        assert records.journal.ended(NOBODY) == []


class TestRestart:
    @pytest.mark.parametrize("ready", [True, False])
    def test_a_run_that_is_over_can_be_followed_by_the_next(self, records: Records, ready: bool) -> None:
        order = an_order(records)
        if ready:
            records.journal.ready(order)
        else:
            records.journal.fail(order, Stage.INDEX, "internal", "broke")
        again = records.journal.restart(order.recording, Stage.REPORT)
        assert again == WorkOrder(recording=order.recording, run=2, start=Stage.REPORT)
        assert records.started() == [order, again]
        assert records.journal.standing(order.recording) == Standing(state=State.RECEIVED, run=2)

    def test_a_recording_whose_run_is_not_over_is_busy(self, records: Records) -> None:
        order = an_order(records)
        for _ in ("received", "working"):
            with pytest.raises(Rejected) as refused:
                records.journal.restart(order.recording, Stage.TRANSCRIBE)
            assert refused.value.code is Code.BUSY_RECORDING
            assert refused.value.facts == {"id": order.recording}
            records.journal.begin(order, Stage.TRANSCRIBE)
        assert records.started() == [order]

    def test_eight_restarts_at_once_open_one_run(self, records: Records) -> None:
        order = an_order(records)
        records.journal.ready(order)
        ended = at_once(8, lambda _: records.journal.restart(order.recording, Stage.INDEX))
        again = WorkOrder(recording=order.recording, run=2, start=Stage.INDEX)
        assert ended.count(again) == 1
        refused = [error for error in ended if isinstance(error, Rejected)]
        assert [error.code for error in refused] == [Code.BUSY_RECORDING] * 7
        assert records.started() == [order, again]

    def test_no_run_is_opened_where_the_work_cannot_be_started(self, records: Records) -> None:
        order = an_order(records)
        records.journal.ready(order)
        records.cannot_start.set()
        with pytest.raises(CannotStart):
            records.journal.restart(order.recording, Stage.INDEX)
        assert records.journal.standing(order.recording).run == 1
        assert records.started() == [order]
        records.cannot_start.clear()
        assert records.journal.restart(order.recording, Stage.INDEX).run == 2

    def test_a_late_write_of_the_run_before_does_not_touch_the_next(self, records: Records) -> None:
        order = an_order(records)
        records.journal.begin(order, Stage.INDEX)
        records.journal.fail(order, Stage.INDEX, "internal", "broke")
        again = records.journal.restart(order.recording, Stage.INDEX)
        records.journal.begin(again, Stage.INDEX)
        records.journal.ready(order)
        standing = records.journal.standing(order.recording)
        assert (standing.run, standing.state, standing.share) == (2, State.WORKING, 0.0)

    @pytest.mark.parametrize("erased", [False, True])
    def test_a_forgotten_recording_is_not_restarted(self, records: Records, erased: bool) -> None:
        order = an_order(records)
        records.journal.ready(order)
        records.library.forget(order.recording)
        if erased:
            records.library.erase(order.recording)
        for recording in (order.recording, NOBODY):
            with pytest.raises(NotFound) as absent:
                records.journal.restart(recording, Stage.TRANSCRIBE)
            assert absent.value.code is Code.RECORDING_UNKNOWN
        assert records.started() == [order]


class TestOpenOrders:
    def test_runs_that_are_not_over_are_open_oldest_first(self, records: Records) -> None:
        first, second, third = (an_order(records, number) for number in (3, 1, 2))
        assert records.journal.open_orders() == [first, second, third]
        records.journal.begin(third, Stage.TRANSCRIBE)
        records.journal.ready(second)
        records.journal.fail(first, Stage.INDEX, "internal", "broke")
        again = records.journal.restart(first.recording, Stage.INDEX)
        assert records.journal.open_orders() == [third, again]

    def test_those_of_a_forgotten_recording_are_nobody_s_work(self, records: Records) -> None:
        order = an_order(records)
        records.library.forget(order.recording)
        assert records.journal.open_orders() == []


class TestDatabase:
    """What only a database can promise."""

    def test_a_journal_entry_is_rolled_back_with_the_transaction_it_joined(self, sql: SqlRecords) -> None:
        order = an_order(sql)
        with sql.engine.connect() as connection, connection.begin() as outer, sql.transactions.joined(connection):
            sql.journal.begin(order, Stage.TRANSCRIBE)
            sql.journal.ready(order)
            assert sql.journal.standing(order.recording).state is State.READY
            outer.rollback()
        assert sql.journal.standing(order.recording) == Standing(state=State.RECEIVED, run=1)

    def test_readers_do_not_wait_for_a_writer(self, sql: SqlRecords) -> None:
        order = an_order(sql)
        with sql.engine.begin() as connection, sql.transactions.joined(connection):
            sql.journal.begin(order, Stage.TRANSCRIBE)
            (standing,) = at_once(1, lambda _: sql.journal.standing(order.recording))
        assert standing == Standing(state=State.RECEIVED, run=1)
