"""DbosEngine: the whole way as a DBOS workflow, in the same database as the library.

Remedies for the traps of DBOS 3.4 that were reproduced (docs/design.md, Durability): a constant application version,
a JSON serialiser, one embedded worker with a fixed executor id or many with leases, write-ahead logging set by us,
tiny workflow bodies that pass ids only, and row + start as well as result + checkpoint in one commit. DBOS takes over
nothing from an executor that died while others live: here each worker looks for such work.
"""

import datetime as dt
import logging
import os
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol, TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, SQLAlchemyDatasource, WorkflowHandle
from dbos import error as dbos_error

from voxpersona.adapters.engine.durably import (
    POLL_SECONDS,
    DbosDurably,
    Interrupted,
    Join,
    Lines,
    Patience,
    StartBeside,
    StartPart,
    in_line,
    patiently,
    refuse_unwanted,
)
from voxpersona.adapters.engine.presence import Presence
from voxpersona.adapters.engine.starter import APPLICATION, PARTS_QUEUE, QUEUE, VERSION, DbosStarter, workflow_id
from voxpersona.errors import Code, NotFound, Rejected, Unavailable, VoxPersonaError, known_code
from voxpersona.model import Stage, WorkOrder
from voxpersona.ports import Journal

_BESIDE = "beside_v1"
_PART = "part_v1"
_DRAIN_SECONDS = 20
_RECONCILE_POLLS = 20
_NEXT_SECONDS = 0.05  # until the next recording is looked for: the most that a worker idles between two
_UNATTENDED_LOOKS = 3  # at what is begun and nobody is at: between two lines of DBOS that may be so for a moment
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 10.0  # seconds between two tries to tell the journal
_FORGET_EVERY = 3600.0  # seconds
_FORGOTTEN_AT_ONCE = 200
_OVER = {
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "it ended the worker again and again",
    "ERROR": "the engine gave it up",
    "CANCELLED": "it was cancelled",
    "SUCCESS": "the engine ended it without a result",
}
"""What DBOS calls the end of a workflow, and the reason kept for a run that was still open then."""
_CRASHES = 3  # a recording that kills the worker this often is put aside

R = TypeVar("R")
Walk = Callable[[WorkOrder, DbosDurably], None]


class Switch(Protocol):
    """Something that all workers see switched on or off."""

    def is_on(self) -> bool: ...
    def turn(self, on: bool) -> None: ...


_log = logging.getLogger("voxpersona.engine")


class DbosEngine:
    """See `ports.Engine`.

    `ways` are those by name on which orders may be. `beside` and `parts` are verbs by name, done beside a way (with
    the stage that they make ready) and in parts of it; each worker does `parts_at_once` of these. `at_once` is how many
    recordings (or parts of one) each worker has in a stage at once; the others wait in line. Of work that is over for
    `kept` DBOS's own rows are removed.
    `open_orders()` is what the library thinks is not over; `on_failed(order)` is told of each run that failed, once the
    journal knows, and must not fail itself.
    """

    def __init__(
        self,
        url: str,
        *,
        presence: Presence,
        paused: Switch,
        starter: DbosStarter,
        journal: Journal,
        open_orders: Callable[[], Sequence[WorkOrder]],
        writing: Callable[[], AbstractContextManager[sa.Connection]],
        join: Join,
        ways: Mapping[str, Walk],
        beside: Mapping[str, tuple[Stage, Callable[[WorkOrder], None]]],
        parts: Mapping[str, Callable[..., None]],
        on_failed: Callable[[WorkOrder], None] = lambda _: None,
        concurrency: int = 1,
        parts_at_once: int = 1,
        at_once: Mapping[Stage, int] | None = None,
        kept: dt.timedelta = dt.timedelta(days=30),
    ) -> None:
        self._url = url
        self._presence = presence
        self._paused = paused
        self._starter = starter
        self._journal = journal
        self._open_orders = open_orders
        self._writing = writing
        self._join = join
        self._ways = ways
        self._beside = beside
        self._parts = parts
        self._on_failed = on_failed
        self._concurrency = concurrency
        self._parts_at_once = parts_at_once
        self._lines: Lines = {stage: threading.BoundedSemaphore(room) for stage, room in (at_once or {}).items()}
        self._kept = kept
        self._forgot_at: float | None = None
        self._stopping = threading.Event()
        self._leaving = threading.Event()
        self._is_open_for: int | None = None
        self._attended: Counter[str] = Counter()
        self._attending = threading.Lock()
        self._unattended: Mapping[str, int] = {}

    def stop(self) -> None:
        if self._stopping.is_set():
            os._exit(130)  # asked twice: leave at once; every step can be killed anyway
        self._stopping.set()

    def is_running(self) -> bool:
        return self._presence.is_anyone_there()

    def pause(self) -> None:
        self._paused.turn(True)

    def resume(self) -> None:
        self._paused.turn(False)

    def is_paused(self) -> bool:
        return self._paused.is_on()

    def run(self, *, until: Callable[[], bool] | None = None) -> None:
        with self._presence.held():
            self._leaving.clear()
            self._launch()
            try:
                looked = 0
                while not self._stopping.is_set() and not (until is not None and until()):
                    if looked % _RECONCILE_POLLS == 0:
                        self._look_around()
                    looked += 1
                    self._stopping.wait(POLL_SECONDS)
            finally:
                self._leaving.set()
                DBOS.destroy(workflow_completion_timeout_sec=_DRAIN_SECONDS, destroy_registry=True)

    def _look_around(self) -> None:
        try:
            self._open_queue(0 if self.is_paused() else self._concurrency)
            self._take_over()
            self._reconcile()
            self._forget_old()
        except Unavailable as error:
            _log.warning("the database does not answer, looking again: %s", error.code)
        except sa.exc.DBAPIError as error:  # of DBOS's own tables
            _log.warning("the database does not answer, looking again: %s", type(error.orig).__name__)

    def _take_over(self) -> None:
        """What an executor has begun that lives no more is begun again by whoever comes to it first.

        Asked of the work, not of the leases: so nothing is left behind by one that died long ago, or whose lease was
        lost with an older copy of the database.
        """
        begun = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        dead = {str(one.executor_id) for one in begun} - self._presence.alive()
        if dead:
            _log.warning("taking over from workers that live no more: %d", len(dead))
            DBOS._recover_pending_workflows(sorted(dead))
        self._begin_again([one.workflow_id for one in begun if one.executor_id == self._presence.executor])

    def _begin_again(self, mine: Sequence[str]) -> None:
        """What this worker has begun and is not at any more: it was interrupted, or its end could not be kept."""
        with self._attending:
            attended = +self._attended
        self._unattended = {one: self._unattended.get(one, 0) + 1 for one in mine if one not in attended}
        for one, looks in self._unattended.items():
            if looks >= _UNATTENDED_LOOKS:
                _log.warning("beginning again what the database could not keep: %s", one)
                DBOS.resume_workflow(one)

    @contextmanager
    def _at(self) -> Iterator[None]:
        """Within this, the workflow is attended; it is interrupted where the database cannot keep what it does."""
        workflow = str(DBOS.workflow_id)
        with self._attending:
            self._attended[workflow] += 1
        try:
            yield
        except sa.exc.OperationalError as error:
            _log.warning("interrupted, the database cannot keep it: %s: %s", workflow, type(error.orig).__name__)
            raise Interrupted from error
        finally:
            with self._attending:
                self._attended[workflow] -= 1
                self._attended = +self._attended

    def cancel(self, order: WorkOrder) -> None:
        self._starter.cancel(order)

    def _launch(self) -> None:
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._url,
            "application_version": VERSION,
            "executor_id": self._presence.executor,
            "serializer": DBOSPortableJSONSerializer(),
            "notification_listener_polling_interval_sec": POLL_SECONDS,
            "log_level": "ERROR",
        }
        DBOS(config=config)
        datasource = SQLAlchemyDatasource.create(
            self._url,
            serializer=DBOSPortableJSONSerializer(),
            engine_kwargs={"hide_parameters": True},  # parameters are what people said
        )

        @DBOS.workflow(name=_BESIDE, max_recovery_attempts=_CRASHES)
        def beside_v1(told: dict[str, Any], verb: str) -> str:
            with self._at():
                return self._work_beside(WorkOrder.model_validate(told), verb)

        def start_beside(order: WorkOrder, verb: str) -> WorkflowHandle[str]:
            with SetWorkflowID(f"{workflow_id(order)}:{verb}"):
                return DBOS.start_workflow(beside_v1, order.model_dump(mode="json"), verb)

        @DBOS.workflow(name=_PART, max_recovery_attempts=_CRASHES)
        def part_v1(told: dict[str, Any], name: str, arguments: list[Any], index: int) -> None:
            with self._at():
                self._work_on_part(WorkOrder.model_validate(told), name, arguments, index)

        def start_part(order: WorkOrder, name: str, arguments: Sequence[object], index: int) -> WorkflowHandle[None]:
            with SetWorkflowID(f"{workflow_id(order)}:{name}:{index}"):
                told = order.model_dump(mode="json")
                return DBOS.enqueue_workflow(PARTS_QUEUE, part_v1, told, name, list(arguments), index)

        def register(name: str, walk: Walk) -> None:
            @DBOS.workflow(name=name, max_recovery_attempts=_CRASHES)
            def whole_way(told: dict[str, Any]) -> str:
                with self._at():
                    return self._walk(WorkOrder.model_validate(told), walk, datasource, start_beside, start_part)

        for name, walk in self._ways.items():
            register(name, walk)
        self._is_open_for = None
        DBOS.launch()

    def _open_queue(self, concurrency: int) -> None:
        """So many recordings at a time may be begun by each worker; none while paused."""
        if self._is_open_for != concurrency:
            DBOS.register_queue(
                QUEUE, worker_concurrency=concurrency, polling_interval_sec=_NEXT_SECONDS, on_conflict="always_update"
            )
            DBOS.register_queue(
                PARTS_QUEUE,
                worker_concurrency=self._parts_at_once,
                polling_interval_sec=POLL_SECONDS,
                on_conflict="always_update",
            )
            self._is_open_for = concurrency

    def _walk(
        self,
        order: WorkOrder,
        walk: Walk,
        datasource: SQLAlchemyDatasource,
        start_beside: StartBeside,
        start_part: StartPart,
    ) -> str:
        if not self._claim(order):
            return "forgotten"
        durably = DbosDurably(
            order,
            datasource=datasource,
            join=self._join,
            journal=self._journal,
            start_beside=start_beside,
            start_part=start_part,
            is_over=lambda workflow: self._starter.status(workflow) in _OVER,
            lines=self._lines,
            patience=self._patience(order),
        )
        return self._work(order, durably, walk)

    def _claim(self, order: WorkOrder) -> bool:
        """Make the run this worker's, before anything is written on it. False where it was forgotten.

        Rejected SUPERSEDED where DBOS gave it to another one since: this process was paused between its two looks.
        """

        def claim() -> None:
            with self._writing() as connection, self._join(connection):
                if self._starter.executor_of(connection, order) != self._presence.executor:
                    raise Rejected(Code.SUPERSEDED, f"{workflow_id(order)} is another's", id=order.recording)
                self._journal.claim(order)

        try:
            self._told(claim)
        except NotFound:
            return False
        return True

    def _patience(self, order: WorkOrder) -> Patience:
        """Also what it waits for in the workflow that this is called in, one of the order's."""

        def tell(code: Code, reason: str, until: dt.datetime) -> None:
            with self._writing() as connection, self._join(connection):
                # In this order, as `_claim` has it: else two of them could wait for each other's rows.
                self._starter.forgive(connection, {workflow_id(order), str(DBOS.workflow_id)})
                self._journal.wait(order, code, reason, until)

        return Patience(
            is_wanted=lambda: refuse_unwanted(order, self._journal),
            tell=tell,
            go_on=lambda: self._journal.go_on(order),
            leaving=self._leaving,
        )

    def _told(self, tell: Callable[[], R]) -> R:
        """What `tell` returns, once the database answers: nothing else can be done before it knows."""
        pause = _SHORTEST_PAUSE
        while True:
            try:
                return tell()
            except Unavailable as error:
                _log.warning("the database does not answer, trying again: %s", error.code)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _work_on_part(self, order: WorkOrder, name: str, arguments: list[Any], index: int) -> None:
        stage, patience = Stage(name.partition(".")[0]), self._patience(order)

        def turn() -> None:
            with in_line(self._lines, stage, patience):
                self._parts[name](order, *arguments, index)

        def run() -> None:
            patiently(turn, patience)
            with suppress(Unavailable):  # for what a worker before has waited
                patience.go_on()

        DBOS.run_step({"name": name}, run)

    def _work_beside(self, order: WorkOrder, verb: str) -> str:
        stage, run = self._beside[verb]

        def in_its_turn() -> None:
            with in_line(self._lines, stage, self._patience(order)):
                run(order)

        try:
            DBOS.run_step({"name": verb}, in_its_turn)
        except VoxPersonaError as error:
            return f"left to its step: {error.code}"
        return "ready"

    def _work(self, order: WorkOrder, durably: DbosDurably, walk: Walk) -> str:
        """One run, ended in the journal whatever happens; the outcome is for DBOS's own listing only."""
        try:
            walk(order, durably)
        except VoxPersonaError as error:
            if error.code is Code.SUPERSEDED:
                raise
            return self._failed(order, durably.stage, error.code, error.detail)
        except dbos_error.DBOSException:
            raise  # cancelled, or another owner: not ours to end
        except sa.exc.OperationalError:
            raise  # of DBOS's own tables: no fault of the recording
        except Exception as error:  # noqa: BLE001  # the edge of a worker: one recording's fault must not end the others
            # Never the exception's own text: it may quote what was said.
            where = " <- ".join(
                f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[:-6:-1]
            )
            _log.error("%s failed in %s: %s at %s", workflow_id(order), durably.stage, type(error).__name__, where)
            # A failure replayed after a crash comes back as DBOS's own error that carries our code.
            return self._failed(order, durably.stage, known_code(getattr(error, "code", None)), type(error).__name__)
        self._told(lambda: self._journal.ready(order))
        return "ready"

    def _failed(self, order: WorkOrder, stage: Stage, code: str, reason: str) -> str:
        self._told(lambda: self._journal.fail(order, stage, code, reason))
        self._on_failed(order)
        return f"failed: {code}"

    def _reconcile(self) -> None:
        """Compare what the library thinks is open with DBOS's own list: start what it lost, end what it gave up.

        Not only at the start: DBOS finds out that a recording has crashed the worker too often a moment later.
        """
        orders = self._open_orders()
        statuses = self._starter.statuses(orders)
        for order in orders:
            if workflow_id(order) not in statuses:
                with self._writing() as connection:
                    self._starter(connection, order)
        given_up = [order for order in orders if statuses.get(workflow_id(order)) in _OVER]
        if not given_up:
            return
        # Looked at again: one that ended well between our two looks has closed its run before it told DBOS.
        still_open = self._open_orders()
        for order in given_up:
            if order in still_open:
                self._journal.claim(order)
                self._failed(order, self._stage_of(order), Code.INTERNAL, _OVER[statuses[workflow_id(order)]])

    def _forget_old(self) -> None:
        """Remove DBOS's rows of work that is long over; after `_reconcile`, which has told the journal of each end.

        DBOS forgets the ids with them. So it is the library's rows that tell a delivery or a run that comes again.
        """
        if self._forgot_at is not None and time.monotonic() < self._forgot_at + _FORGET_EVERY:
            return
        before = (dt.datetime.now(dt.UTC) - self._kept).isoformat()
        while old := DBOS.list_workflows(
            status=list(_OVER),
            completed_before=before,
            has_parent=False,
            limit=_FORGOTTEN_AT_ONCE,
            load_input=False,
            load_output=False,
        ):
            DBOS.delete_workflows([one.workflow_id for one in old], delete_children=True)
        self._forgot_at = time.monotonic()

    def _stage_of(self, order: WorkOrder) -> Stage:
        return self._journal.standing(order.recording).stage or order.start
