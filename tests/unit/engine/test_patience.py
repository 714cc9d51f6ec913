"""How a run waits for what is outside: as long as it takes, but not for what will never be."""

import threading
from collections.abc import Callable, Iterator

import pytest

from voxpersona.adapters.engine.durably import Interrupted, Patience, patiently
from voxpersona.errors import Code, Rejected, Unavailable

DOWN = Unavailable(Code.TRANSCRIBER_UNAVAILABLE, "refused", reason="connection refused")
FAILS = Unavailable(Code.TRANSCRIBER_UNAVAILABLE, "HTTP 500", reason="HTTP 500", is_up=True)
DAMAGED = Unavailable(Code.INDEX_UNAVAILABLE, "damaged", reason="damaged")


class Outside:
    """Fails as told, then answers; notes what the waiting one says of it."""

    def __init__(self, *failures: Unavailable) -> None:
        self._failures: Iterator[Unavailable] = iter(failures)
        self.told: list[str] = []
        self.went_on = 0

    def ask(self) -> str:
        failure = next(self._failures, None)
        if failure is not None:
            raise failure
        return "answer"

    def patience(self, is_wanted: Callable[[], None] = lambda: None) -> Patience:
        return Patience(
            is_wanted=is_wanted,
            tell=lambda _code, reason, _until: self.told.append(reason),
            go_on=self._go_on,
            leaving=threading.Event(),
            shortest=0.001,
            longest=0.002,
        )

    def _go_on(self) -> None:
        self.went_on += 1


def test_what_is_down_is_waited_for_as_long_as_it_takes_and_told() -> None:
    outside = Outside(*[DOWN] * 50)
    assert patiently(outside.ask, outside.patience()) == "answer"
    assert outside.told == ["connection refused"] * 50
    assert outside.went_on == 1


def test_who_answers_at_once_is_not_told_of() -> None:
    outside = Outside()
    assert patiently(outside.ask, outside.patience()) == "answer"
    assert (outside.told, outside.went_on) == ([], 0)


def test_a_server_that_is_there_and_fails_at_this_is_given_up() -> None:
    outside = Outside(*[FAILS] * 50)
    with pytest.raises(Unavailable) as ended:
        patiently(outside.ask, outside.patience())
    assert ended.value is FAILS
    assert len(outside.told) == 11


def test_one_that_comes_and_goes_is_not() -> None:
    outside = Outside(*[*[FAILS] * 10, DOWN] * 5)
    assert patiently(outside.ask, outside.patience()) == "answer"


def test_what_cannot_be_waited_for_is_given_up_soon() -> None:
    outside = Outside(*[DAMAGED] * 50)
    with pytest.raises(Unavailable):
        patiently(outside.ask, outside.patience())
    assert len(outside.told) == 5


def test_nobody_waits_for_what_is_not_wanted_any_more() -> None:
    def is_wanted() -> None:
        raise Rejected(Code.SUPERSEDED, "the run is over")

    outside = Outside(DOWN)
    with pytest.raises(Rejected):
        patiently(outside.ask, outside.patience(is_wanted))


def test_a_worker_that_leaves_does_not_wait() -> None:
    outside = Outside(*[DOWN] * 50)
    patience = outside.patience()
    patience.leaving.set()
    with pytest.raises(Interrupted):
        patiently(outside.ask, patience)
    assert len(outside.told) == 1
