"""The contract suite can fail: hostile stores do not pass it. And the hostile stores fail just as they are told."""

from collections.abc import Callable

import pytest

from tests import hostile
from tests.builders_blobs import MIB, content_of, keys_of, some_bytes
from tests.builders_wrappers import retrying, stack
from tests.contracts.test_blobs import BlobsContract
from tests.hostile import Fault, FaultyBlobs, FlippingBlobs, PassingBlobs, TruncatingBlobs
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.errors import Code, Integrity, NotFound, Unavailable, VoxPersonaError
from voxpersona.ports import Blobs

SUITE = BlobsContract()
CAUGHT_BY: list[tuple[type[PassingBlobs], Callable[[Blobs], None]]] = [
    (TruncatingBlobs, lambda blobs: SUITE.test_what_was_put_comes_back(blobs, MIB + 1)),
    (TruncatingBlobs, lambda blobs: SUITE.test_what_was_put_comes_back(blobs, 1)),
    (TruncatingBlobs, lambda blobs: SUITE.test_a_range_yields_what_there_is(blobs, 1, None)),
    (TruncatingBlobs, SUITE.test_the_facts_are_told_alike_by_put_stat_and_list),
    (TruncatingBlobs, lambda blobs: SUITE.test_bytes_that_are_not_the_announced_ones_leave_nothing(blobs, None, 4)),
    (FlippingBlobs, lambda blobs: SUITE.test_what_was_put_comes_back(blobs, 1)),
    (FlippingBlobs, lambda blobs: SUITE.test_a_range_yields_what_there_is(blobs, MIB - 1, MIB + 1)),
    (hostile.ForgetfulBlobs, SUITE.test_the_facts_are_told_alike_by_put_stat_and_list),
    (hostile.ClobberingBlobs, SUITE.test_other_bytes_under_a_taken_key_are_refused_and_harm_nothing),
    (hostile.ClobberingBlobs, SUITE.test_the_same_bytes_again_give_the_first_facts),
    (hostile.ClobberingBlobs, SUITE.test_of_many_writers_with_different_bytes_one_wins),
    (hostile.UnorderedBlobs, SUITE.test_listing_is_by_prefix_in_the_order_of_code_points),
    (hostile.LateListingBlobs, SUITE.test_listing_is_by_prefix_in_the_order_of_code_points),
    (hostile.LateListingBlobs, SUITE.test_the_facts_are_told_alike_by_put_stat_and_list),
    (hostile.LateListingBlobs, SUITE.test_a_deleted_blob_is_gone_and_its_key_is_free),
]


@pytest.mark.parametrize(("wrapper", "check"), CAUGHT_BY)
def test_the_suite_catches_a_store_that_lies(wrapper: type[PassingBlobs], check: Callable[[Blobs], None]) -> None:
    with pytest.raises((AssertionError, VoxPersonaError, pytest.fail.Exception)):
        check(wrapper(MemoryBlobs()))
    check(PassingBlobs(MemoryBlobs()))  # it is the lie that is caught, not the wrapping


HONEST: list[Callable[[Blobs], None]] = [
    lambda blobs: SUITE.test_what_was_put_comes_back(blobs, 3 * MIB + 7),
    lambda blobs: SUITE.test_a_range_yields_what_there_is(blobs, MIB - 1, MIB + 1),
    SUITE.test_the_facts_are_told_alike_by_put_stat_and_list,
    SUITE.test_other_bytes_under_a_taken_key_are_refused_and_harm_nothing,
    SUITE.test_an_absent_blob_is_not_found_at_the_call,
    SUITE.test_listing_is_by_prefix_in_the_order_of_code_points,
    SUITE.test_a_deleted_blob_is_gone_and_its_key_is_free,
    SUITE.test_relabelling_replaces_the_metadata_and_nothing_else,
]
FAILING: dict[str, Callable[[], Blobs]] = {
    "down for some calls": lambda: hostile.DownBlobs(MemoryBlobs(), 4),
    "answers lost": lambda: FaultyBlobs(
        MemoryBlobs(), [Fault(of, call=call, after=True) for of in ("stat", "list", "delete") for call in (1, 3)]
    ),
    "reads that break": lambda: hostile.BreakingBlobs(MemoryBlobs(), 1000, 20),
    "reads that break at once": lambda: hostile.BreakingBlobs(MemoryBlobs(), 0, 4),
}


@pytest.mark.parametrize("check", HONEST)
@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING.keys())
@pytest.mark.parametrize("wrapped", [retrying, stack])
def test_the_wrappers_survive_a_store_that_merely_fails(
    wrapped: Callable[[Blobs], Blobs], failing: Callable[[], Blobs], check: Callable[[Blobs], None]
) -> None:
    check(wrapped(failing()))


def test_without_its_wrapper_a_store_that_fails_does_not_pass() -> None:
    for failing in FAILING.values():
        failed = []
        for check in HONEST:
            try:
                check(failing())
            except Unavailable as error:
                failed.append(error)
        assert failed


def test_a_store_that_takes_its_time_does_not_lie() -> None:
    slow = hostile.SlowBlobs(MemoryBlobs(), 5)
    slow.go.set()
    SUITE.test_the_facts_are_told_alike_by_put_stat_and_list(stack(slow))
    assert slow.waiting.acquire(blocking=False)


def test_a_late_listing_is_right_in_the_end() -> None:
    blobs = hostile.LateListingBlobs(MemoryBlobs(), late=2)
    blobs.put("a", [b"x"])
    assert [keys_of(blobs) for _ in range(3)] == [[], [], ["a"]]
    assert content_of(blobs, "a") == b"x"


def test_a_store_whose_answer_is_lost_has_done_its_work() -> None:
    blobs = FaultyBlobs(MemoryBlobs(), [Fault("put", after=True)])
    with pytest.raises(Unavailable):
        blobs.put("a", [b"x"], metadata={"try": "1"})
    assert blobs.put("a", [b"x"], metadata={"try": "2"}).metadata == {"try": "1"}


def test_a_store_that_breaks_off_leaves_nothing_and_works_the_next_time() -> None:
    blobs = FaultyBlobs(MemoryBlobs(), [Fault("put", at_byte=10), Fault("put", call=2)])
    for _ in range(2):
        with pytest.raises(Unavailable):
            blobs.put("a", [some_bytes(100)])
        with pytest.raises(NotFound):
            blobs.stat("a")
    blobs.put("a", [some_bytes(100)])
    assert (content_of(blobs, "a"), blobs.calls["put"]) == (some_bytes(100), 3)


def test_a_read_breaks_off_after_the_planned_byte() -> None:
    blobs = FaultyBlobs(MemoryBlobs(), [Fault("read", call=2, at_byte=7)])
    blobs.put("a", [some_bytes(20)])
    assert content_of(blobs, "a") == some_bytes(20)
    parts = blobs.read("a")
    assert next(parts) == some_bytes(20)[:7]
    with pytest.raises(Unavailable):
        next(parts)


@pytest.mark.parametrize("of", ["stat", "list", "delete", "link"])
def test_every_method_fails_with_the_planned_error(of: str) -> None:
    planned = Integrity(Code.BLOB_CORRUPT, "planned")
    blobs = FaultyBlobs(MemoryBlobs(), [Fault(of, error=planned)])
    blobs.put("a", [b"x"])
    calls: dict[str, Callable[[], object]] = {
        "stat": lambda: blobs.stat("a"),
        "list": lambda: keys_of(blobs),
        "delete": lambda: blobs.delete("a"),
        "link": lambda: blobs.link("a", 1, "n"),
    }
    with pytest.raises(Integrity) as caught:
        calls[of]()
    assert caught.value is planned
    assert content_of(blobs, "a") == b"x"
