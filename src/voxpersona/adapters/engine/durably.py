"""DbosDurably: one work order walked inside its workflow, step by remembered step."""

import datetime as dt
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import sqlalchemy as sa
from dbos import DBOS, SQLAlchemyDatasource, WorkflowHandle
from dbos import error as dbos_error
from dbos._serialization import PortableWorkflowError

from voxpersona.errors import Code, Rejected, Unavailable
from voxpersona.model import Stage, State, WorkOrder
from voxpersona.ports import Journal

_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0  # seconds between two tries of what needs an outside that failed
_LONGEST_ASKED = 3600.0
"""Seconds that a server which tells when to come again (Retry-After) is left alone at most."""
_LOOK_SECONDS = 1.0  # who waits looks this often whether it is still wanted
_ATTEMPTS = 6
"""After which what cannot be waited for, as a damaged index, ends the run: `retry` revives it."""
_FAILURES = 12
"""After so many in a row a server that is there and fails at this one thing will fail at it for ever; the run ends, for
others wait behind it. With the pauses between that takes some six minutes."""
_WAITED_FOR = frozenset(
    {
        Code.STORE_UNAVAILABLE,
        Code.STORE_UNREACHABLE,
        Code.LIBRARY_UNAVAILABLE,
        Code.NO_SPACE,
        Code.TRANSCRIBER_UNAVAILABLE,
    }
)
"""Nothing can be done for any recording without these: waited for, however long it takes."""
POLL_SECONDS = 0.1

R = TypeVar("R")
_log = logging.getLogger("voxpersona.engine")
StartBeside = Callable[[WorkOrder, str], "WorkflowHandle[str]"]
StartPart = Callable[[WorkOrder, str, Sequence[object], int], "WorkflowHandle[None]"]
Lines = Mapping[Stage, threading.BoundedSemaphore]
"""How many there is room for in a stage at once; where a stage is not named there is room for all."""
Join = Callable[[sa.Connection], AbstractContextManager[None]]
"""Makes everything the library writes within part of the connection's transaction."""


class Interrupted(BaseException):
    """Leaves a workflow as if its worker had died: the database could not keep what was done. See `DbosEngine`.

    No Exception, because DBOS takes each of these for the end of the workflow, or the outcome of the step.
    """


def is_refusing(error: sa.exc.OperationalError) -> bool:
    """Whether the database answers and cannot do it now: a full disk, no memory. Lost connections DBOS sees to."""
    # SQLSTATE class 53, insufficient resources: https://www.postgresql.org/docs/current/errcodes-appendix.html
    state, text = getattr(error.orig, "sqlstate", None) or "", str(error.orig)
    return state.startswith("53") or "disk is full" in text or "disk I/O error" in text


@dataclass(frozen=True)
class Patience:
    """How one run waits for what is outside.

    `is_wanted` raises where nobody wants it any more. `tell` is told what is waited for, by code and reason, and when
    it is tried again, `go_on` that it did what it should. Once `leaving` is set the waiting ends as by a kill.
    Between two tries `shortest` seconds pass at first, then twice as many each time, up to `longest`.
    """

    is_wanted: Callable[[], None]
    tell: Callable[[Code, str, dt.datetime], None]
    go_on: Callable[[], None]
    leaving: threading.Event
    shortest: float = _SHORTEST_PAUSE
    longest: float = _LONGEST_PAUSE

    def sleep(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if self.leaving.wait(min(left, _LOOK_SECONDS)):
                raise Interrupted
            with suppress(Unavailable):
                self.is_wanted()

    def tell_of(self, error: Unavailable, seconds: float) -> None:
        """What is waited for so long, where the database is there to be told."""
        _log.warning("waiting for what is outside, %.0f s: %s", seconds, error.code)
        if error.code is not Code.LIBRARY_UNAVAILABLE:
            reason = str(error.facts.get("reason") or error.facts.get("where") or "")
            with suppress(Unavailable):
                self.tell(error.code, reason, dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds))


def patiently(call: Callable[[], R], patience: Patience) -> R:
    """What `call` returns, once what it needs answers. Unavailable where it never will."""
    pause, failures, failed_at = patience.shortest, 0, 0
    while True:
        try:
            done = call()
        except Unavailable as error:
            failures += 1
            failed_at = failed_at + 1 if error.facts.get("is_up") else 0
            if failed_at == _FAILURES or (error.code not in _WAITED_FOR and failures == _ATTEMPTS):
                raise
            seconds = max(pause, min(float(error.facts.get("retry_after", 0.0)), _LONGEST_ASKED))
            patience.tell_of(error, seconds)
        else:
            if failures:
                with suppress(Unavailable):
                    patience.go_on()
            return done
        patience.sleep(seconds)
        pause = min(2 * pause, patience.longest)


@contextmanager
def in_line(lines: Lines, stage: Stage, patience: Patience) -> Iterator[None]:
    """Within this there is room in the stage; before, it is waited for."""
    line = lines.get(stage)
    if line is None:
        yield
        return
    while not line.acquire(timeout=_LOOK_SECONDS):
        if patience.leaving.is_set():
            raise Interrupted
        with suppress(Unavailable):
            patience.is_wanted()
    try:
        yield
    finally:
        line.release()


def refuse_unwanted(order: WorkOrder, journal: Journal) -> None:
    """Rejected SUPERSEDED where the run was cancelled, NotFound where its recording was forgotten."""
    standing = journal.standing(order.recording)
    if standing.run != order.run or standing.state is State.FAILED:
        raise Rejected(Code.SUPERSEDED, "the run is over", id=order.recording)


class DbosDurably:
    """See `pipeline.Durably`: one order walked inside its workflow."""

    def __init__(
        self,
        order: WorkOrder,
        *,
        datasource: SQLAlchemyDatasource,
        join: Join,
        journal: Journal,
        start_beside: StartBeside,
        start_part: StartPart,
        is_over: Callable[[str], bool],
        lines: Lines,
        patience: Patience,
    ) -> None:
        self._order = order
        self._datasource = datasource
        self._join = join
        self._journal = journal
        self._start_beside = start_beside
        self._start_part = start_part
        self._is_over = is_over
        self._lines = lines
        self._patience = patience
        self._begun: set[Stage] = set()
        self.stage = order.start

    def _begin(self, stage: Stage) -> None:
        """Counted only where a step really runs: replayed ones never come here."""
        if stage not in self._begun:
            self._journal.begin(self._order, stage)
            self._begun.add(stage)

    def step(self, stage: Stage, verb: Callable[..., R], *arguments: object) -> R:
        self.stage = stage

        def turn() -> R:
            with in_line(self._lines, stage, self._patience):
                self._begin(stage)
                return verb(*arguments)

        # Who waits for what is outside leaves the room in the stage to others meanwhile.
        return DBOS.run_step({"name": f"{stage}.{verb.__name__}"}, lambda: patiently(turn, self._patience))

    def each(self, stage: Stage, verb: Callable[..., None], *arguments: object, count: int) -> None:
        if count == 1:
            # As most recordings have it: nothing to share out, so none of the waiting that this takes. The count is
            # the same whenever this is replayed: it comes from a step.
            self.step(stage, verb, self._order, *arguments, 0)
            return
        self.stage = stage
        name = f"{stage}.{verb.__name__}"
        parts = [self._start_part(self._order, name, arguments, index) for index in range(count)]
        for part in parts:
            while not self._is_over(part.workflow_id):  # asked first, since `get_result` cannot be left
                if self._patience.leaving.wait(POLL_SECONDS):
                    raise Interrupted
            part.get_result(polling_interval_sec=POLL_SECONDS)

    def beside(self, verb: Callable[[WorkOrder], None]) -> Callable[[], None]:
        handle = self._start_beside(self._order, verb.__name__)

        def wait() -> None:
            # Its failure, whatever it is, is left to the step that needs the result; and where this order itself
            # was cancelled, its next step says so.
            with suppress(dbos_error.DBOSException):
                handle.get_result(polling_interval_sec=POLL_SECONDS)

        return wait

    def commit(self, stage: Stage, verb: Callable[..., Callable[[], None]], *arguments: object) -> None:
        self.stage = stage
        write = patiently(lambda: verb(*arguments), self._patience)

        def run() -> None:
            try:
                with self._join(self._datasource.sql_session().connection()):
                    write()
            except sa.exc.OperationalError as error:
                if is_refusing(error):
                    raise Interrupted from error
                raise

        while True:
            try:
                self._datasource.run_tx_step({"name": f"{stage}.{verb.__name__}"}, run)
            except PortableWorkflowError as error:
                # The commit itself was refused, and that could be written down as the outcome. So this is replayed
                # for ever, and the next step is the one that counts.
                if error.name != sa.exc.OperationalError.__name__:
                    raise
            else:
                return
