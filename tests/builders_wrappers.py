"""Builders for the wrappers of a store: a time that only passes when somebody sleeps, and the whole stack."""

from voxpersona.adapters.blobs.metering import Meter, MeteringBlobs
from voxpersona.adapters.blobs.retrying import Budget, RetryingBlobs
from voxpersona.adapters.blobs.verifying import VerifyingBlobs
from voxpersona.ports import Blobs


class Time:
    """Seconds that pass by sleeping only; `slept` are the pauses."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def retrying(
    inner: Blobs,
    *,
    attempts: int = 5,
    deadline: float = 600.0,
    budget: Budget | None = None,
    time: Time | None = None,
    random: float = 0.5,
    verified_above: bool = False,
) -> RetryingBlobs:
    """Tries again without waiting for it."""
    passing = time or Time()
    return RetryingBlobs(
        inner,
        deadline=deadline,
        attempts=attempts,
        budget=budget or Budget(),
        verified_above=verified_above,
        sleep=passing.sleep,
        clock=passing.clock,
        random=lambda: random,
    )


def stack(inner: Blobs, *, segment: int = 1 << 20, attempts: int = 5, budget: Budget | None = None) -> Blobs:
    """As the house wires it, inside out: metering, retrying, verifying."""
    metering = MeteringBlobs(inner, Meter())
    return VerifyingBlobs(retrying(metering, attempts=attempts, budget=budget, verified_above=True), segment=segment)
