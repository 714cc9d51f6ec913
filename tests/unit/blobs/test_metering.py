"""Counting what a store does and how long it takes, without changing any of it."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest

from tests.builders_blobs import content_of, keys_of, some_bytes
from tests.builders_wrappers import Time
from tests.hostile import Fault, FaultyBlobs, PassingBlobs, SlowBlobs
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.blobs.metering import OPERATIONS, Meter, Metered, MeteringBlobs
from voxpersona.errors import Code, Configuration, Integrity, NotFound, Unavailable
from voxpersona.model import BlobFacts


def of(meter: Meter, operation: str) -> Metered:
    return {one.operation: one for one in meter.snapshot()}[operation]


def filled(size: int = 3 << 20) -> MemoryBlobs:
    inner = MemoryBlobs()
    inner.put("a", [some_bytes(size)])
    return inner


def test_every_call_is_counted_by_what_came_of_it() -> None:
    meter = Meter()
    blobs = MeteringBlobs(FaultyBlobs(MemoryBlobs(), [Fault("put", 2), Fault("delete")]), meter)
    blobs.put("a", [b"x"])
    failing: list[tuple[type[Exception], Callable[[], object]]] = [
        (Unavailable, lambda: blobs.put("b", [b"x"])),
        (Integrity, lambda: blobs.put("a", [b"other"])),
        (NotFound, lambda: blobs.stat("b")),
        (NotFound, lambda: blobs.read("b")),
        (Unavailable, lambda: blobs.delete("a")),
        (Configuration, lambda: blobs.link("a", 1, "a")),
        (NotFound, lambda: blobs.relabel("b", {})),
        (ValueError, lambda: blobs.read("a", -1)),
    ]
    for error, call in failing:
        with pytest.raises(error):
            call()
    assert content_of(blobs, "a") == b"x"
    assert keys_of(blobs) == ["a"]
    assert {one.operation: one.outcomes for one in meter.snapshot()} == {
        "put": {"ok": 1, "store-unavailable": 1, "blob-conflict": 1},
        "stat": {"blob-absent": 1},
        "read": {"blob-absent": 1, "internal": 1, "ok": 1},
        "list": {"ok": 1},
        "delete": {"store-unavailable": 1},
        "link": {"link-unsupported": 1},
        "relabel": {"blob-absent": 1},
    }
    assert [one.operation for one in meter.snapshot()] == list(OPERATIONS)
    assert all(one.under_way == 0 for one in meter.snapshot())
    assert of(meter, "put").calls == 3


class Hashing(PassingBlobs):
    """Draws content twice where it can: to hash it, then to send it."""

    drawn: int = 0

    def put(
        self,
        key: str,
        content: Iterable[bytes],
        *,
        sha256: str | None = None,
        size: int | None = None,
        content_type: str = "application/octet-stream",
        metadata: Mapping[str, str] | None = None,
    ) -> BlobFacts:
        if iter(content) is not content:
            self.drawn += sum(len(part) for part in content)
        return super().put(key, content, sha256=sha256, size=size, content_type=content_type, metadata=metadata)


def test_bytes_are_counted_once_however_often_the_store_draws_them() -> None:
    meter, store = Meter(), Hashing(MemoryBlobs())
    blobs = MeteringBlobs(store, meter)
    blobs.put("a", [b"one", b"", b"two"])
    assert (of(meter, "put").sent, store.drawn) == (6, 6)
    blobs.put("b", iter([b"four"]))
    assert (of(meter, "put").sent, store.drawn) == (10, 6)
    assert content_of(blobs, "a") + b"".join(blobs.read("b", 1, 3)) == b"onetwoou"
    assert (of(meter, "read").received, of(meter, "read").sent) == (8, 0)


def test_what_was_drawn_stays_counted_where_the_second_time_fails() -> None:
    meter = Meter()
    blobs = MeteringBlobs(Hashing(FaultyBlobs(MemoryBlobs(), [Fault("put", at_byte=2)])), meter)
    with pytest.raises(Unavailable):
        blobs.put("a", [b"one", b"two"])
    assert (of(meter, "put").outcomes, of(meter, "put").sent) == ({"store-unavailable": 1}, 6)


def test_content_that_breaks_off_is_no_fault_of_the_store() -> None:
    def broken() -> Iterator[bytes]:
        yield b"1234"
        raise Unavailable(Code.STORE_UNAVAILABLE, "another store failed")

    meter = Meter()
    with pytest.raises(Unavailable):
        MeteringBlobs(MemoryBlobs(), meter).put("a", broken())
    assert (of(meter, "put").outcomes, of(meter, "put").sent) == ({"given-up": 1}, 4)


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_read_is_under_way_until_it_is_given_up(taken: int) -> None:
    meter = Meter()
    parts = MeteringBlobs(filled(), meter).read("a")
    for _ in range(taken):
        next(parts)
    assert (of(meter, "read").under_way, of(meter, "read").outcomes) == (1, {})
    assert of(meter, "read").received == taken << 20
    del parts
    assert (of(meter, "read").under_way, of(meter, "read").outcomes) == (0, {"given-up": 1})


def test_a_read_that_breaks_is_counted_by_its_error_and_with_what_came() -> None:
    meter = Meter()
    blobs = MeteringBlobs(FaultyBlobs(filled(), [Fault("read", at_byte=1000)]), meter)
    with pytest.raises(Unavailable):
        content_of(blobs, "a")
    assert (of(meter, "read").outcomes, of(meter, "read").received) == ({"store-unavailable": 1}, 1000)


def test_a_listing_that_is_given_up_is_over() -> None:
    meter = Meter()
    listing = MeteringBlobs(filled(1), meter).list()
    assert of(meter, "list").calls == 0
    next(listing)
    assert of(meter, "list").under_way == 1
    del listing
    assert of(meter, "list").outcomes == {"given-up": 1}


def test_calls_under_way_are_seen_from_other_threads() -> None:
    meter, slow = Meter(), SlowBlobs(filled(1), 3)
    blobs = MeteringBlobs(slow, meter)
    callers = [threading.Thread(target=blobs.stat, args=("a",)) for _ in range(3)]
    for caller in callers:
        caller.start()
    for _ in callers:
        assert slow.waiting.acquire(timeout=60)
    assert (of(meter, "stat").under_way, of(meter, "stat").calls) == (3, 3)
    slow.go.set()
    for caller in callers:
        caller.join()
    assert (of(meter, "stat").under_way, of(meter, "stat").outcomes) == (0, {"ok": 3})


def test_no_count_is_lost_between_threads() -> None:
    meter = Meter()
    stores = [MeteringBlobs(filled(1000), meter) for _ in range(4)]

    def work(number: int) -> None:
        for turn in range(50):
            stores[number].put(f"{turn}", [b"ab"] * 5)
            content_of(stores[number], f"{turn}")

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert (of(meter, "put").outcomes, of(meter, "put").sent) == ({"ok": 200}, 2000)
    assert (of(meter, "read").outcomes, of(meter, "read").received) == ({"ok": 200}, 2000)


class Taking(PassingBlobs):
    """Each call takes three seconds, and so does each part of a read."""

    def __init__(self, time: Time) -> None:
        super().__init__(filled())
        self._time = time

    def _called(self, method: str) -> None:
        self._time.sleep(3)

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        parts = super().read(key, start, end)

        def slowly() -> Iterator[bytes]:
            for part in parts:
                self._time.sleep(3)
                yield part

        return slowly()


def test_seconds_are_the_stores_own_and_not_its_callers() -> None:
    time = Time()
    meter = Meter(time.clock)
    blobs = MeteringBlobs(Taking(time), meter)

    def dawdling() -> Iterator[bytes]:
        for _ in range(4):
            time.sleep(1000)
            yield b"x"

    blobs.put("b", dawdling())
    for _ in blobs.read("a"):
        time.sleep(1000)
    for _ in range(2):
        blobs.stat("a")
    times = {one.operation: (one.seconds, one.slowest) for one in meter.snapshot() if one.calls}
    assert times == {"put": (3, 3), "read": (12, 12), "stat": (6, 3)}
