"""DbosDurably: one work order walked inside its workflow, step by remembered step."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import TypeVar

import sqlalchemy as sa
from dbos import DBOS, SQLAlchemyDatasource, WorkflowHandle
from dbos import error as dbos_error

from voxpersona.errors import Unavailable
from voxpersona.model import Stage, WorkOrder
from voxpersona.ports import Journal

_ATTEMPTS = 6  # of a step whose outside failed: waits of 1, 2, 4, 8 and 16 s between them
POLL_SECONDS = 0.1

R = TypeVar("R")
Join = Callable[[sa.Connection], AbstractContextManager[None]]
"""Makes everything the library writes within part of the connection's transaction."""


class DbosDurably:
    """See `pipeline.Durably`: one order walked inside its workflow."""

    def __init__(
        self,
        order: WorkOrder,
        *,
        datasource: SQLAlchemyDatasource,
        join: Join,
        journal: Journal,
        start_beside: Callable[[WorkOrder, str], "WorkflowHandle[str]"],
    ) -> None:
        self._order = order
        self._datasource = datasource
        self._join = join
        self._journal = journal
        self._start_beside = start_beside
        self._begun: set[Stage] = set()
        self.stage = order.start

    def _begin(self, stage: Stage) -> None:
        """Counted only where a step really runs: replayed ones never come here."""
        if stage not in self._begun:
            self._begun.add(stage)
            self._journal.begin(self._order, stage)

    def step(self, stage: Stage, verb: Callable[..., R], *arguments: object) -> R:
        self.stage = stage

        def run() -> R:
            self._begin(stage)
            return verb(*arguments)

        return DBOS.run_step(
            {
                "name": f"{stage}.{verb.__name__}",
                "retries_allowed": True,
                "max_attempts": _ATTEMPTS,
                "interval_seconds": 1.0,
                "backoff_rate": 2.0,
                "should_retry": lambda error: isinstance(error, Unavailable),
            },
            run,
        )

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
        write = verb(*arguments)

        def run() -> None:
            with self._join(self._datasource.sql_session().connection()):
                write()

        self._datasource.run_tx_step({"name": f"{stage}.{verb.__name__}"}, run)
