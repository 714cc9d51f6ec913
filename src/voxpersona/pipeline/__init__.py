"""The whole way of one recording.

    receive -> transcribe -> attribute -> report -> index -> ask -> export

`receive` ends with an acknowledged recording and a work order; where the store is down `deliver` brings it in later.
`whole_way_v2` below carries the order out; `ask`, `export`, `upkeep`, `check`, `repair`, `rebuild` and `forget` are for
those who come later. One verb per file.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from voxpersona.model import Stage, WorkOrder
from voxpersona.model.noun import Noun

Span = Sequence[float]
"""`[start, end, before, after]` of a piece in seconds, as JSON keeps it; once it was `[start, end]`."""

N = TypeVar("N", bound=Noun)
R = TypeVar("R")


class Stages(Protocol):
    """What is done to a recording, each cut so that it may be killed and repeated: results are found, not remade.

    The makers put their result in the bucket; the loaders read it back to be saved.
    """

    def plan(self, order: WorkOrder) -> list[list[float]]: ...
    def hear(self, order: WorkOrder, spans: list[list[float]], index: int) -> None: ...
    def transcribe(self, order: WorkOrder, spans: list[list[float]]) -> None: ...
    def diarize(self, order: WorkOrder) -> None: ...
    def attribute(self, order: WorkOrder) -> None: ...
    def report(self, order: WorkOrder) -> list[str]: ...
    def index(self, order: WorkOrder) -> None: ...
    def save(self, order: WorkOrder, stage: Stage, template: str = "") -> "Callable[[], None]": ...
    def tidy(self, order: WorkOrder) -> None: ...


class Durably(Protocol):
    """How the way is walked: each call is done once and remembered, whatever is killed in between."""

    def step(self, stage: Stage, verb: Callable[..., R], *arguments: object) -> R:
        """Do `verb(*arguments)`; remember what it returned (JSON)."""

    def each(self, stage: Stage, verb: Callable[..., None], *arguments: object, count: int) -> None:
        """Do `verb(order, *arguments, index)` for each index below `count`, each done once and remembered like a step,
        several side by side where there is room, on whatever machine; returns when all are done."""

    def beside(self, verb: Callable[[WorkOrder], None]) -> Callable[[], None]:
        """Begin `verb(order)` beside the way, done once and remembered like a step; returns how to wait for its end.
        It only makes ready what a later step would make itself: its failure is left to that step."""

    def commit(self, stage: Stage, verb: Callable[..., Callable[[], None]], *arguments: object) -> None:
        """Load with `verb(*arguments)`, then call what it returned; its writes and the memory are ONE commit."""


def whole_way_v2(order: WorkOrder, do: Stages, durably: Durably) -> None:
    """Carry out one work order.

    Replayed by position after a crash: never edit this body once it was released. Add `whole_way_v3` and keep this
    one registered; a test holds its digest.
    """
    if order.covers(Stage.TRANSCRIBE):
        spans = durably.step(Stage.TRANSCRIBE, do.plan, order)
        wait_for_voices = durably.beside(do.diarize)  # hearing what is said leaves room to hear who says it
        durably.each(Stage.TRANSCRIBE, do.hear, spans, count=len(spans))
        durably.step(Stage.TRANSCRIBE, do.transcribe, order, spans)
        durably.commit(Stage.TRANSCRIBE, do.save, order, Stage.TRANSCRIBE)
        wait_for_voices()
    if order.covers(Stage.ATTRIBUTE):
        durably.step(Stage.ATTRIBUTE, do.attribute, order)
        durably.commit(Stage.ATTRIBUTE, do.save, order, Stage.ATTRIBUTE)
    if order.covers(Stage.REPORT):
        for template in durably.step(Stage.REPORT, do.report, order):
            durably.commit(Stage.REPORT, do.save, order, Stage.REPORT, template)
    durably.step(Stage.INDEX, do.index, order)
    durably.step(Stage.INDEX, do.tidy, order)


def whole_way_v1(order: WorkOrder, do: Stages, durably: Durably) -> None:
    """The first way, for orders that were begun on it: it hears one piece after the other."""
    if order.covers(Stage.TRANSCRIBE):
        spans = durably.step(Stage.TRANSCRIBE, do.plan, order)
        wait_for_voices = durably.beside(do.diarize)  # hearing what is said leaves room to hear who says it
        for index in range(len(spans)):
            durably.step(Stage.TRANSCRIBE, do.hear, order, spans, index)
        durably.step(Stage.TRANSCRIBE, do.transcribe, order, spans)
        durably.commit(Stage.TRANSCRIBE, do.save, order, Stage.TRANSCRIBE)
        wait_for_voices()
    if order.covers(Stage.ATTRIBUTE):
        durably.step(Stage.ATTRIBUTE, do.attribute, order)
        durably.commit(Stage.ATTRIBUTE, do.save, order, Stage.ATTRIBUTE)
    if order.covers(Stage.REPORT):
        for template in durably.step(Stage.REPORT, do.report, order):
            durably.commit(Stage.REPORT, do.save, order, Stage.REPORT, template)
    durably.step(Stage.INDEX, do.index, order)
    durably.step(Stage.INDEX, do.tidy, order)
