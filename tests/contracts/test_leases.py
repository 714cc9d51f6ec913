"""What workers of one database know of each other, on every database."""

import time
from collections.abc import Callable

from tests.libraries import SqlRecords
from voxpersona.adapters.library.leases import Leases, Switch


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
