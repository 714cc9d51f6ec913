"""MemoryEngine: walks work orders at once, in this process, and remembers nothing. For unit tests, never a default."""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from voxpersona.errors import Code, Unavailable, VoxPersonaError
from voxpersona.model import Stage, WorkOrder
from voxpersona.ports import Journal

R = TypeVar("R")
Walk = Callable[[WorkOrder, "MemoryDurably"], None]


class MemoryDurably:
    """See `pipeline.Durably`: calls straight through; a step whose outside failed is tried `attempts` times."""

    def __init__(self, order: WorkOrder, journal: Journal, attempts: int = 3) -> None:
        self._order = order
        self._journal = journal
        self._attempts = attempts
        self._begun: set[Stage] = set()
        self.stage = order.start

    def step(self, stage: Stage, verb: Callable[..., R], *arguments: object) -> R:
        self.stage = stage
        if stage not in self._begun:
            self._begun.add(stage)
            self._journal.begin(self._order, stage)
        for _ in range(self._attempts - 1):
            try:
                return verb(*arguments)
            except Unavailable:
                continue
        return verb(*arguments)

    def each(self, stage: Stage, verb: Callable[..., None], *arguments: object, count: int) -> None:
        for index in range(count):
            self.step(stage, verb, self._order, *arguments, index)

    def beside(self, verb: Callable[[WorkOrder], None]) -> Callable[[], None]:
        with suppress(VoxPersonaError):
            verb(self._order)
        return lambda: None

    def commit(self, stage: Stage, verb: Callable[..., Callable[[], None]], *arguments: object) -> None:
        self.step(stage, verb, *arguments)()


class MemoryEngine:
    """See `ports.Engine`. `enqueue` is what a MemoryLibrary is given to start work with."""

    def __init__(self) -> None:
        self._orders: deque[WorkOrder] = deque()
        self._cancelled: set[tuple[str, int]] = set()
        self._is_stopping = False
        self._is_paused = False
        self._journal: Journal | None = None
        self._walk: Walk | None = None
        self._on_failed: Callable[[WorkOrder], None] = lambda _: None

    def enqueue(self, order: WorkOrder) -> None:
        """Start an order's work: it is done by the next `run`."""
        self._orders.append(order)

    def furnish(self, journal: Journal, walk: Walk, on_failed: Callable[[WorkOrder], None] = lambda _: None) -> None:
        """Give the engine what it works with; the journal needs `enqueue` first. `on_failed` is told of each run that
        failed, once the journal knows."""
        self._journal, self._walk, self._on_failed = journal, walk, on_failed

    def run(self, *, until: Callable[[], bool] | None = None) -> None:
        """Do all orders there are, then return: nothing can become due without a caller."""
        if self._journal is None or self._walk is None:
            raise Unavailable(Code.LIBRARY_UNAVAILABLE, "the engine was not furnished", reason="not furnished")
        while self._orders and not self._is_stopping and not self._is_paused and not (until is not None and until()):
            order = self._orders.popleft()
            if (order.recording, order.run) in self._cancelled:
                continue
            durably = MemoryDurably(order, self._journal)
            try:
                self._walk(order, durably)
            except VoxPersonaError as error:
                if error.code is Code.SUPERSEDED:
                    continue
                self._journal.fail(order, durably.stage, error.code, error.detail)
                self._on_failed(order)
            else:
                self._journal.ready(order)

    def cancel(self, order: WorkOrder) -> None:
        self._cancelled.add((order.recording, order.run))

    def stop(self) -> None:
        self._is_stopping = True

    def is_running(self) -> bool:
        return False

    def pause(self) -> None:
        self._is_paused = True

    def resume(self) -> None:
        self._is_paused = False

    def is_paused(self) -> bool:
        return self._is_paused
