"""What workers of one database know of each other, on every database."""

import time
from collections.abc import Callable

import pytest

from tests.libraries import SqlRecords, at_once
from voxpersona.adapters.library import schema
from voxpersona.adapters.library.leases import Leases, Pace, Switch


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_worker_lives_while_it_renews_its_lease(sql: SqlRecords) -> None:
    leases = Leases(sql.transactions, 60.0)
    assert leases.alive() == set()
    leases.renew("one")
    leases.renew("other")
    leases.renew("one")
    assert leases.alive() == {"one", "other"}
    leases.end("one")
    leases.end("one")
    assert leases.alive() == {"other"}


def test_a_lease_that_is_not_renewed_runs_out_and_can_be_taken_out_again(sql: SqlRecords) -> None:
    leases = Leases(sql.transactions, 0.2)
    leases.renew("one")
    _until(lambda: leases.alive() == set())
    Leases(sql.transactions, 60.0).renew("one")
    assert leases.alive() == {"one"}


def test_a_switch_is_off_at_first_and_seen_by_all(sql: SqlRecords) -> None:
    switch, seen, another = (Switch(sql.transactions, name) for name in ("paused", "paused", "another"))
    assert not switch.is_on()
    switch.turn(on=True)
    switch.turn(on=True)
    assert seen.is_on()
    assert not another.is_on()
    switch.turn(on=False)
    assert not seen.is_on()


def test_turns_are_evenly_spaced_and_each_is_taken_once(sql: SqlRecords) -> None:
    waits = at_once(6, lambda _: Pace(sql.transactions, "server", per_minute=6).turn())
    told = sorted(wait for wait in waits if not isinstance(wait, BaseException))
    assert told == pytest.approx([0.0, 10.0, 20.0, 30.0, 40.0, 50.0], abs=5.0)
    assert Pace(sql.transactions, "another", per_minute=6).turn() == 0.0


def test_a_turn_that_nobody_waited_for_is_at_once(sql: SqlRecords) -> None:
    pace = Pace(sql.transactions, "server", per_minute=6000)
    assert pace.turn() == 0.0
    time.sleep(0.1)
    assert pace.turn() == 0.0


def test_a_clock_that_was_set_back_does_not_hold_everybody_up(sql: SqlRecords) -> None:
    pace = Pace(sql.transactions, "server", per_minute=60)
    pace.turn()
    with sql.transactions.writing() as connection:
        connection.execute(schema.pace.update().values(due=schema.pace.c.due + 1e6, told=schema.pace.c.told + 1e6))
    assert pace.turn() == 0.0
    assert pace.turn() <= 1.0
