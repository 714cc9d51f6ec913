"""Where a recording stands, put together from its newest run and that run's stages."""

from collections.abc import Sequence

from voxpersona.errors import Code, Rejected
from voxpersona.model import Attribution, Progress, Report, Stage, Standing, State, Transcript, Waiting, WorkOrder

Result = Transcript | Attribution | Report

_ORDER: tuple[type[Result], ...] = (Transcript, Attribution, Report)

OVER = (State.READY, State.FAILED)
"""States of a run that nobody works on any more."""


def standing_of(
    *,
    state: State,
    run: int,
    stages: Sequence[Progress],
    failed_stage: str | None,
    failed_code: str | None,
    failed_reason: str | None,
    waiting: Waiting | None,
) -> Standing:
    """The standing of a run from its parts; the stage under way is the last one begun."""
    under_way = Stage(failed_stage) if failed_stage else (stages[-1].stage if stages else None)
    shares = {progress.stage: progress.share for progress in stages}
    return Standing(
        state=state,
        run=run,
        stage=under_way,
        share=shares.get(under_way, 0.0) if under_way else 0.0,
        stages=tuple(stages),
        failed_code=failed_code,
        failed_reason=failed_reason,
        waiting=waiting,
    )


def in_order(results: Sequence[Result]) -> Sequence[Result]:
    """Results in an order in which each finds what it was made from."""
    return sorted(results, key=lambda result: (_ORDER.index(type(result)), result.number))


def refuse_late(order: WorkOrder, newest: int, state: State) -> None:
    """A correction's run has to follow the newest one, which is over. Rejected CORRECTION_STALE, BUSY_RECORDING."""
    if newest >= order.run:
        raise Rejected(Code.CORRECTION_STALE, "somebody else's work came first", id=order.recording)
    if state not in OVER:
        raise Rejected(Code.BUSY_RECORDING, "its run is not over yet", id=order.recording)
