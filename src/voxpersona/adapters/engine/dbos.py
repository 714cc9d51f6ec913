"""DbosEngine: the whole way as a DBOS workflow, in the same database as the library.

Remedies for the traps of DBOS 3.4 that were reproduced (docs/design.md, Durability): a constant application version,
a JSON serialiser, one embedded worker behind a file lock with a fixed executor id, write-ahead logging set by us,
tiny workflow bodies that pass ids only, and row + start as well as result + checkpoint in one commit.
"""

import fcntl
import logging
import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID, SQLAlchemyDatasource, WorkflowHandle
from dbos import error as dbos_error

from voxpersona.adapters.engine.durably import POLL_SECONDS, DbosDurably, Join
from voxpersona.adapters.engine.starter import APPLICATION, QUEUE, VERSION, WORKFLOW, DbosStarter, workflow_id
from voxpersona.errors import Code, Unavailable, VoxPersonaError
from voxpersona.model import Stage, WorkOrder
from voxpersona.ports import Journal

_EXECUTOR = "embedded"
_BESIDE = "beside_v1"
_DRAIN_SECONDS = 20
_RECONCILE_POLLS = 20
_LOCK_TRIES = 5
_OVER = {
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "it ended the worker again and again",
    "ERROR": "the engine gave it up",
    "CANCELLED": "it was cancelled",
    "SUCCESS": "the engine ended it without a result",
}
"""What DBOS calls the end of a workflow, and the reason kept for a run that was still open then."""
_CRASHES = 3  # a recording that kills the worker this often is put aside

Walk = Callable[[WorkOrder, DbosDurably], None]

_log = logging.getLogger("voxpersona.engine")


def _is_taken(lock: IO[str]) -> bool:
    """Take the lock for this process; True where another one has it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


@contextmanager
def worker_lock(path: Path) -> Iterator[None]:
    """Hold the lock that makes this process the one worker of the data directory. Unavailable WORKER_RUNNING."""
    with path.open("a+") as lock:
        # Those who only look whether it is held hold it for a moment, too: wait that moment out.
        for _ in range(_LOCK_TRIES):
            if not _is_taken(lock):
                break
            time.sleep(POLL_SECONDS)
        else:
            raise Unavailable(Code.WORKER_RUNNING, f"{path} is held by another worker")
        lock.truncate(0)
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


class DbosEngine:
    """See `ports.Engine`. `walk(order, durably)` is the way; `open_orders()` what the library thinks is not over;
    `on_failed(order)` is told of each run that failed, once the journal knows, and must not fail itself."""

    def __init__(
        self,
        url: str,
        *,
        lock: Path,
        starter: DbosStarter,
        journal: Journal,
        open_orders: Callable[[], Sequence[WorkOrder]],
        writing: Callable[[], AbstractContextManager[sa.Connection]],
        join: Join,
        walk: Walk,
        beside: Mapping[str, Callable[[WorkOrder], None]],
        on_failed: Callable[[WorkOrder], None] = lambda _: None,
        concurrency: int = 1,
    ) -> None:
        self._url = url
        self._lock = lock
        self._starter = starter
        self._journal = journal
        self._open_orders = open_orders
        self._writing = writing
        self._join = join
        self._walk = walk
        self._beside = beside
        self._on_failed = on_failed
        self._concurrency = concurrency
        self._stopping = threading.Event()

    def stop(self) -> None:
        if self._stopping.is_set():
            os._exit(130)  # asked twice: leave at once; every step can be killed anyway
        self._stopping.set()

    def is_running(self) -> bool:
        with self._lock.open("a+") as lock:
            return _is_taken(lock)

    def run(self, *, until: Callable[[], bool] | None = None) -> None:
        with worker_lock(self._lock):
            self._launch()
            try:
                looked = 0
                while not self._stopping.is_set() and not (until is not None and until()):
                    if looked % _RECONCILE_POLLS == 0:
                        self._reconcile()
                    looked += 1
                    self._stopping.wait(POLL_SECONDS)
            finally:
                DBOS.destroy(workflow_completion_timeout_sec=_DRAIN_SECONDS, destroy_registry=True)

    def cancel(self, order: WorkOrder) -> None:
        self._starter.cancel(order)

    def _launch(self) -> None:
        config: DBOSConfig = {
            "name": APPLICATION,
            "system_database_url": self._url,
            "application_version": VERSION,
            "executor_id": _EXECUTOR,
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
            return self._work_beside(WorkOrder.model_validate(told), verb)

        def start_beside(order: WorkOrder, verb: str) -> WorkflowHandle[str]:
            with SetWorkflowID(f"{workflow_id(order)}:{verb}"):
                return DBOS.start_workflow(beside_v1, order.model_dump(mode="json"), verb)

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=_CRASHES)
        def whole_way_v1(told: dict[str, Any]) -> str:
            order = WorkOrder.model_validate(told)
            durably = DbosDurably(
                order, datasource=datasource, join=self._join, journal=self._journal, start_beside=start_beside
            )
            return self._work(order, durably)

        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._concurrency,
            polling_interval_sec=POLL_SECONDS,
            on_conflict="always_update",
        )

    def _work_beside(self, order: WorkOrder, verb: str) -> str:
        try:
            DBOS.run_step({"name": verb}, self._beside[verb], order)
        except VoxPersonaError as error:
            return f"left to its step: {error.code}"
        return "ready"

    def _work(self, order: WorkOrder, durably: DbosDurably) -> str:
        """One run, ended in the journal whatever happens; the outcome is for DBOS's own listing only."""
        try:
            self._walk(order, durably)
        except VoxPersonaError as error:
            return self._failed(order, durably.stage, error.code, error.detail)
        except dbos_error.DBOSMaxStepRetriesExceeded as error:
            last = error.errors[-1] if error.errors else error
            code = last.code if isinstance(last, VoxPersonaError) else Code.INTERNAL
            return self._failed(order, durably.stage, code, str(last))
        except dbos_error.DBOSException:
            raise  # cancelled, or another owner: not ours to end
        except Exception as error:  # noqa: BLE001  # the edge of a worker: one recording's fault must not end the others
            # Never the exception's own text: it may quote what was said.
            where = " <- ".join(
                f"{frame.name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)[:-6:-1]
            )
            _log.error("%s failed in %s: %s at %s", workflow_id(order), durably.stage, type(error).__name__, where)
            # A failure replayed after a crash comes back as DBOS's own error that carries our code.
            return self._failed(
                order, durably.stage, getattr(error, "code", None) or Code.INTERNAL, type(error).__name__
            )
        self._journal.ready(order)
        return "ready"

    def _failed(self, order: WorkOrder, stage: Stage, code: str, reason: str) -> str:
        self._journal.fail(order, stage, code, reason)
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
                self._failed(order, self._stage_of(order), Code.INTERNAL, _OVER[statuses[workflow_id(order)]])

    def _stage_of(self, order: WorkOrder) -> Stage:
        return self._journal.standing(order.recording).stage or order.start
