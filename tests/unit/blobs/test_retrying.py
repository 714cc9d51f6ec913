"""Asking a failing store again: when, how often, with what pauses; and going on where it broke. No second passes."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping

import pytest

from tests.builders_blobs import content_of, keys_of, some_bytes
from tests.builders_wrappers import Time, retrying
from tests.hostile import BreakingBlobs, DownBlobs, Fault, FaultyBlobs, PassingBlobs
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.blobs.retrying import LONGEST, Budget
from voxpersona.adapters.blobs.verifying import VerifyingBlobs
from voxpersona.errors import (
    Code,
    Configuration,
    Forbidden,
    Integrity,
    NotFound,
    Rejected,
    Unavailable,
    VoxPersonaError,
)
from voxpersona.model import BlobFacts, Listed
from voxpersona.ports import Blobs

CALLS: dict[str, Callable[[Blobs], object]] = {
    "put": lambda blobs: blobs.put("new", [b"x"]),
    "stat": lambda blobs: blobs.stat("a"),
    "read": lambda blobs: content_of(blobs, "a"),
    "list": keys_of,
    "delete": lambda blobs: blobs.delete("a"),
    "relabel": lambda blobs: blobs.relabel("a", {}),
}


def filled(**blobs: bytes) -> MemoryBlobs:
    inner = MemoryBlobs()
    for key, content in blobs.items():
        inner.put(key, [content])
    return inner


def fails(error: VoxPersonaError, times: int) -> FaultyBlobs:
    """A store with blob `a` whose every method fails so often."""
    return FaultyBlobs(filled(a=b"x"), [Fault(of, call, error) for of in CALLS for call in range(1, times + 1)])


class Final(Unavailable):
    """As an adapter says that the same call will fail again."""

    retryable = False


class TestWhen:
    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
    @pytest.mark.parametrize("code", [Code.STORE_UNAVAILABLE, Code.STORE_UNREACHABLE])
    def test_a_store_that_is_out_of_reach_is_asked_again(self, call: Callable[[Blobs], object], code: Code) -> None:
        time = Time()
        call(retrying(fails(Unavailable(code, "planned"), 2), time=time))
        assert len(time.slept) == 2

    @pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
    @pytest.mark.parametrize(
        "error",
        [
            Unavailable(Code.NO_SPACE, "planned", where="the bucket"),
            Unavailable(Code.LIBRARY_UNAVAILABLE, "planned"),
            Final(Code.STORE_UNAVAILABLE, "planned"),
            NotFound(Code.BLOB_ABSENT, "planned"),
            Forbidden(Code.FORBIDDEN, "planned"),
            Integrity(Code.BLOB_CORRUPT, "planned"),
            Configuration(Code.STORE_KEYS, "planned"),
            Rejected(Code.EMPTY, "planned"),
        ],
    )
    def test_an_answer_and_a_full_disk_come_out_at_once_and_untouched(
        self, call: Callable[[Blobs], object], error: VoxPersonaError
    ) -> None:
        time = Time()
        facts = dict(error.facts)
        with pytest.raises(type(error)) as caught:
            call(retrying(fails(error, 1), time=time))
        assert (caught.value, error.detail, error.facts, time.slept) == (error, "planned", facts, [])

    def test_links_are_asked_for_again_too(self) -> None:
        store = DownBlobs(MemoryBlobs(), 2)
        with pytest.raises(Configuration):
            retrying(store).link("a", 60, "a.mp3")
        assert store.asked == 3


class TestHowOften:
    def test_pauses_double_up_to_a_ceiling(self) -> None:
        time = Time()
        retrying(DownBlobs(filled(a=b"x"), 8), attempts=9, time=time, random=1.0).stat("a")
        assert time.slept == [0.5, 1, 2, 4, 8, 16, LONGEST, LONGEST]

    def test_pauses_are_anywhere_between_nothing_and_all_of_it(self) -> None:
        for share in (0.0, 0.25):
            time = Time()
            retrying(DownBlobs(filled(a=b"x"), 3), time=time, random=share).stat("a")
            assert time.slept == [0.5 * share, 1 * share, 2 * share]

    def test_the_last_error_comes_out_and_says_how_often_and_how_long_it_was_tried(self) -> None:
        store = DownBlobs(filled(a=b"x"), 100)
        with pytest.raises(Unavailable) as caught:
            retrying(store, attempts=4, random=1.0).stat("a")
        assert store.asked == 4
        assert caught.value.code is Code.STORE_UNREACHABLE
        assert caught.value.detail == str(caught.value) == "planned: nobody answers stat (tried 4 times in 3.5 s)"
        assert caught.value.facts == {"tries": 4, "seconds": 3.5}

    def test_no_try_is_begun_after_the_deadline_and_the_last_pause_ends_with_it(self) -> None:
        store, time = DownBlobs(filled(a=b"x"), 100), Time()
        with pytest.raises(Unavailable) as caught:
            retrying(store, attempts=50, deadline=10, time=time, random=1.0).stat("a")
        assert time.slept == [0.5, 1, 2, 4, 2.5]
        assert caught.value.facts["seconds"] == 10

    def test_the_server_is_given_the_time_it_asks_for(self) -> None:
        time = Time()
        asks = Unavailable(Code.STORE_UNAVAILABLE, "planned", retry_after=7.5)
        retrying(fails(asks, 2), time=time).stat("a")
        assert time.slept == [7.5, 7.5]

    def test_a_server_that_asks_for_more_time_than_there_is_is_left_alone(self) -> None:
        store, time = fails(Unavailable(Code.STORE_UNAVAILABLE, "planned", retry_after=60), 2), Time()
        with pytest.raises(Unavailable):
            retrying(store, deadline=59, time=time).stat("a")
        assert (time.slept, store.calls) == ([], {"stat": 1})

    def test_a_storm_of_callers_does_not_multiply_the_load_of_a_sick_store(self) -> None:
        store, budget = DownBlobs(filled(a=b"x"), 10_000), Budget(10)
        blobs = [retrying(store, budget=budget) for _ in range(2)]
        failed: list[str] = []

        def storm(number: int) -> None:
            for _ in range(25):
                try:
                    blobs[number % 2].stat("a")
                except Unavailable as error:
                    failed.append(error.detail)

        callers = [threading.Thread(target=storm, args=(number,)) for number in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert (len(failed), store.asked) == (100, 110)
        assert failed[-1].endswith("(tried 1 times in 0.0 s; too many calls fail to ask again)")

    @pytest.mark.parametrize("call", [CALLS[of] for of in ("put", "stat", "read", "list", "delete")])
    def test_each_success_gives_a_part_of_a_retry_back(self, call: Callable[[Blobs], object]) -> None:
        store, budget = DownBlobs(filled(a=b"x"), 0), Budget(1, share=0.25)
        blobs = retrying(store, budget=budget)
        assert budget.take()
        for _ in range(3):
            retrying(filled(a=b"x"), budget=budget).stat("a")
        store.left = 1
        with pytest.raises(Unavailable):
            blobs.stat("a")
        call(blobs)
        store.left = 1
        blobs.put("b", [b"y"])  # three and one make a whole one

    def test_a_budget_holds_no_more_than_at_first(self) -> None:
        budget = Budget(2)
        for _ in range(100):
            budget.give_back()
        assert [budget.take() for _ in range(3)] == [True, True, False]


class Drawing(PassingBlobs):
    """Fails each put after it drew some parts, so often; remembers what it could draw."""

    def __init__(self, inner: Blobs, times: int, parts: int) -> None:
        super().__init__(inner)
        self._times, self._parts = times, parts
        self.again: list[bool] = []

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
        self.again.append(iter(content) is not content)
        if len(self.again) <= self._times:
            parts = iter(content)
            for _ in range(self._parts):
                next(parts)
            raise Unavailable(Code.STORE_UNAVAILABLE, "planned")
        list(content)  # to hash it before it is sent, where it can be drawn again
        return super().put(key, content, sha256=sha256, size=size, content_type=content_type, metadata=metadata)


class TestPut:
    def test_content_that_can_be_iterated_again_is_and_stays_so_for_the_store_below(self) -> None:
        store = Drawing(MemoryBlobs(), 2, 1)
        retrying(store).put("a", [b"one", b"two"])
        assert store.again == [True] * 3
        assert content_of(store, "a") == b"onetwo"

    def test_an_iterator_that_was_begun_is_not_sent_again(self) -> None:
        store = Drawing(MemoryBlobs(), 1, 1)
        with pytest.raises(Unavailable) as caught:
            retrying(store).put("a", iter([b"one", b"two"]))
        assert (store.again, caught.value.facts["tries"]) == ([False], 1)
        assert keys_of(store) == []

    def test_an_iterator_nobody_has_begun_is_as_good_as_new(self) -> None:
        store = DownBlobs(MemoryBlobs(), 3)
        retrying(store).put("a", iter([b"one", b"two"]))
        assert content_of(store, "a") == b"onetwo"

    def test_a_put_that_succeeded_and_lost_its_answer_gives_the_first_facts(self) -> None:
        store = FaultyBlobs(MemoryBlobs(), [Fault("put", after=True), Fault("put", 2, after=True)])
        facts = retrying(store).put("a", [b"one"], metadata={"who": "me"})
        assert facts == store.stat("a")

    def test_an_error_of_the_content_itself_passes_at_once_and_untouched(self) -> None:
        begun = []

        class FromElsewhere:
            def __iter__(self) -> Iterator[bytes]:
                begun.append(1)
                yield b"x"
                raise Unavailable(Code.STORE_UNAVAILABLE, "another store failed")

        with pytest.raises(Unavailable, match=r"^another store failed$"):
            retrying(MemoryBlobs()).put("a", FromElsewhere())
        assert begun == [1]

    def test_tries_of_a_put_are_counted_whatever_it_sent(self) -> None:
        store = Drawing(MemoryBlobs(), 10, 1)
        with pytest.raises(Unavailable):
            retrying(store, attempts=3).put("a", [b"one", b"two"])
        assert len(store.again) == 3

    def test_a_put_that_takes_long_is_still_tried_again_while_bytes_move(self) -> None:
        time = Time()

        class Slow:
            def __iter__(self) -> Iterator[bytes]:
                for _ in range(3):
                    time.now += 50
                    yield b"x"

        retrying(Drawing(MemoryBlobs(), 1, 3), deadline=60, time=time).put("a", Slow())
        assert time.now > 1300

    def test_bytes_read_once_more_are_no_progress_and_the_deadline_holds(self) -> None:
        time = Time()

        class Slow:
            def __iter__(self) -> Iterator[bytes]:
                for _ in range(3):
                    time.now += 10
                    yield b"x"

        with pytest.raises(Unavailable):
            retrying(Drawing(MemoryBlobs(), 100, 3), attempts=100, deadline=60, time=time).put("a", Slow())
        assert 1060 <= time.now <= 1130


class TestRead:
    def test_a_read_goes_on_at_the_byte_where_it_broke(self) -> None:
        store = BreakingBlobs(filled(a=some_bytes(1000)), 300, 3)
        assert content_of(retrying(store), "a") == some_bytes(1000)
        assert store.reads == [(0, None), (300, None), (600, None), (900, None)]

    def test_a_range_goes_on_too(self) -> None:
        store = BreakingBlobs(filled(a=some_bytes(1000)), 30, 2)
        assert b"".join(retrying(store).read("a", 100, 170)) == some_bytes(1000)[100:170]
        assert store.reads == [(100, 170), (130, 170), (160, 170)]

    def test_tries_and_pauses_begin_anew_where_bytes_came(self) -> None:
        time = Time()
        blobs = retrying(
            BreakingBlobs(filled(a=some_bytes(1000)), 10, 40), attempts=2, deadline=1, time=time, random=1.0
        )
        assert content_of(blobs, "a") == some_bytes(1000)
        assert time.slept == [0.5] * 40

    def test_a_read_that_brings_nothing_is_given_up(self) -> None:
        store = BreakingBlobs(filled(a=some_bytes(1000)), 0, 100)
        with pytest.raises(Unavailable) as caught:
            content_of(retrying(store, attempts=3), "a")
        assert (len(store.reads), caught.value.facts["tries"]) == (3, 3)

    def test_the_time_the_caller_takes_is_not_counted(self) -> None:
        time = Time()
        parts = retrying(BreakingBlobs(filled(a=some_bytes(100)), 30, 9), deadline=5, time=time).read("a")
        gathered = b""
        for part in parts:
            gathered += part
            time.now += 3600
        assert gathered == some_bytes(100)

    def test_absence_is_told_at_the_call_also_of_a_store_that_was_down(self) -> None:
        store = DownBlobs(filled(a=b"x"), 2)
        with pytest.raises(NotFound):
            retrying(store).read("b")

    def test_a_break_after_the_last_byte_loses_nothing(self) -> None:
        store = FaultyBlobs(filled(a=some_bytes(100)), [Fault("read", at_byte=100), Fault("read", 2, at_byte=0)])
        assert content_of(retrying(store), "a") == some_bytes(100)

    @pytest.mark.parametrize("other", [some_bytes(length, 2) for length in (1000, 500, 200, 2000)])
    @pytest.mark.parametrize("end", [None, 3000])
    def test_a_blob_exchanged_meanwhile_gives_no_mixture(self, other: bytes, end: int | None) -> None:
        inner = filled(a=some_bytes(1000))
        parts = retrying(BreakingBlobs(inner, 300, 1)).read("a", 0, end)
        next(parts)
        inner.delete("a")
        inner.put("a", [other])
        with pytest.raises(Integrity) as caught:
            list(parts)
        assert (caught.value.code, caught.value.facts) == (Code.BLOB_CORRUPT, {"key": "a"})

    def test_where_a_wrapper_above_verifies_the_mixture_is_found_there(self) -> None:
        inner = filled(a=some_bytes(1000))
        below = retrying(BreakingBlobs(inner, 300, 1), verified_above=True)
        parts = below.read("a")
        gathered = next(parts)
        inner.delete("a")
        inner.put("a", [some_bytes(1000, 2)])
        assert gathered + b"".join(parts) == some_bytes(1000)[:300] + some_bytes(1000, 2)[300:]

        breaking = FaultyBlobs(inner, [Fault("read", 2, at_byte=300)])
        above = VerifyingBlobs(retrying(breaking, verified_above=True), segment=250)
        VerifyingBlobs(inner, segment=250).put("a", [some_bytes(1000, 2)])
        parts = above.read("a")
        assert next(parts) == some_bytes(1000, 2)[:250]
        inner.delete("a")
        inner.put("a", [some_bytes(1000)])
        with pytest.raises(Unavailable, match="exchanged"):
            list(parts)

    def test_a_blob_deleted_meanwhile_is_absent(self) -> None:
        inner = filled(a=some_bytes(1000))
        parts = retrying(BreakingBlobs(inner, 300, 1)).read("a")
        next(parts)
        inner.delete("a")
        with pytest.raises(NotFound):
            list(parts)

    def test_a_part_of_a_blob_is_not_mistaken_for_the_whole(self) -> None:
        store = BreakingBlobs(filled(a=some_bytes(1000)), 300, 1)
        assert b"".join(retrying(store).read("a", 0, 999)) == some_bytes(1000)[:999]

    def test_a_store_that_fails_while_it_goes_on_is_asked_again_as_well(self) -> None:
        plan = [Fault("read", at_byte=5), Fault("stat"), Fault("read", 2), Fault("read", 3, at_byte=5)]
        assert content_of(retrying(FaultyBlobs(filled(a=some_bytes(100)), plan)), "a") == some_bytes(100)


class Growing(PassingBlobs):
    """Breaks each of its first two listings after three lines, and changes between them."""

    def __init__(self) -> None:
        super().__init__(filled(b=b"", d=b"", f=b"", h=b"", j=b""))
        self._listings = 0

    def list(self, prefix: str = "") -> Iterator[Listed]:
        self._listings += 1
        for number, listed in enumerate(super().list(prefix)):
            if self._listings <= 2 and number == 3:
                for key in ("a", "g"):
                    self._inner.put(f"{key}{self._listings}", [b""])
                self._inner.delete("b")
                raise Unavailable(Code.STORE_UNAVAILABLE, "planned")
            yield listed


class TestList:
    def test_a_listing_goes_on_after_the_last_key_it_yielded(self) -> None:
        assert keys_of(retrying(Growing())) == ["b", "d", "f", "g1", "g2", "h", "j"]

    def test_a_listing_that_never_comes_on_is_given_up(self) -> None:
        store = FaultyBlobs(filled(a=b"", b=b""), [Fault("list", call, after=True) for call in range(1, 9)])
        listing = retrying(store, attempts=3).list()
        assert [next(listing).key, next(listing).key] == ["a", "b"]
        with pytest.raises(Unavailable):
            next(listing)
        assert store.calls["list"] == 3


def test_each_retry_is_logged_without_anybodys_name(caplog: pytest.LogCaptureFixture) -> None:
    key = "recordings/abc/original/intervyu-s-annoy.mp3"
    inner = MemoryBlobs()
    inner.put(key, [b"x"])
    with caplog.at_level(logging.INFO, "voxpersona"):
        retrying(DownBlobs(inner, 2), random=1.0).stat(key)
    assert [(record.levelno, record.getMessage()) for record in caplog.records] == [
        (logging.INFO, "stat failed: store-unreachable; try 2 in 0.5 s"),
        (logging.INFO, "stat failed: store-unreachable; try 3 in 1.0 s"),
    ]
