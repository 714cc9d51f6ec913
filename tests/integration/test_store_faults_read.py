"""Reads, listings, deletes and new labels on bad days, before a real server: the truth comes out, or an error says why.

A table: what happens to which request, how often, what the store alone makes of it and what the whole stack.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from _pytest.mark import ParameterSet

from tests.builders_blobs import MIB
from tests.integration.bad_days import (
    ABSENT,
    ATTEMPTS,
    BARE,
    CORRUPT,
    FULL,
    LARGE,
    METADATA,
    OK,
    SEALED,
    SMALL,
    TRIES,
    UNAVAILABLE,
    UNREACHABLE,
    Blob,
    Place,
    assert_whole,
    no_pauses,
    opened,
    outcome_of,
)
from tests.servers.faults import Act, Answer, BreakRequest, Cut, FlipAnswer, LoseAnswer, Rewrite, Slow, Stall
from tests.servers.seaweedfs import SeaweedFS
from voxpersona.errors import Code, Configuration, kind_of
from voxpersona.ports import Blobs

START, END = 3 * MIB + 5, 8 * MIB + 9
RELABELLED = {"kind": "original", "source": "другой"}


def _read(blobs: Blobs, blob: Blob, start: int = 0, end: int | None = None) -> None:
    """Whatever comes out before an error is true, and without one it is all there is."""
    wanted = blob.content[start:end]
    got = b""
    for part in blobs.read(blob.key, start, end):
        got += part
        assert wanted.startswith(got), "bytes came out that were never put"
    assert got == wanted


def _listed(blobs: Blobs, blob: Blob) -> None:
    assert [listed.key for listed in blobs.list(blob.folder)] == [blob.key]


def _stat(blobs: Blobs, blob: Blob) -> None:
    facts = blobs.stat(blob.key)
    assert (facts.size, facts.metadata) == (len(blob.content), METADATA)


@dataclass(frozen=True)
class Use:
    """A call of the port that only looks, and the request of it that is struck."""

    content: bytes
    method: str
    target: Callable[[Blob], str]
    call: Callable[[Blobs, Blob], object]


LOOKS = {
    "small": Use(SMALL, "GET", lambda blob: blob.itself, _read),
    "large": Use(LARGE, "GET", lambda blob: blob.itself, _read),
    "range": Use(LARGE, "GET", lambda blob: blob.itself, lambda blobs, blob: _read(blobs, blob, START, END)),
    "sums": Use(LARGE, "GET", lambda _: r"/\.voxpersona/sums/", _read),
    "stat": Use(SMALL, "HEAD", lambda blob: blob.itself, _stat),
    "list": Use(SMALL, "GET", lambda _: "list-type=2", _listed),
    "link": Use(SMALL, "HEAD", lambda blob: blob.itself, lambda blobs, blob: blobs.link(blob.key, 60, "ё.ogg")),
}
READS = ("small", "large", "range")

SICK = Answer(503, "SlowDown")
OTHER_HASH = Rewrite((("x-amz-meta-sha256", "0" * 64),))
NO_HASH = Rewrite((("x-amz-meta-sha256", None),))
SHORTER = Rewrite((("Content-Length", "1000"),))


@dataclass(frozen=True)
class Day:
    """`act` happens `times` (None: for ever) to each of `uses`, one call each; `bare` and `full` come of it, and an
    error `says` so. Where `bare` is None the store alone cannot notice: that is what the wrappers are for."""

    name: str
    act: Act
    times: int | None
    uses: tuple[str, ...]
    bare: str | None
    full: str
    says: str = ""


def for_good(name: str, act: Act, uses: tuple[str, ...], code: str, says: str) -> Day:
    """For ever, and nothing can be done about it here."""
    return Day(name, act, None, uses, code, code, says)


DAYS = (
    Day("503 once", SICK, 1, ("small", "large", "stat", "list"), OK, OK),
    Day("a storm of 503", SICK, TRIES, (*READS, "list"), UNAVAILABLE, OK, "SlowDown (503)"),
    Day("a storm of wordless 503", SICK, TRIES, ("stat", "link"), UNAVAILABLE, OK, "status 503"),
    Day("503 for ever", SICK, None, ("small", "range", "list"), UNAVAILABLE, UNAVAILABLE, "SlowDown (503)"),
    Day("429", Answer(429, "TooManyRequests"), TRIES, ("small", "list"), UNAVAILABLE, OK, "TooManyRequests (429)"),
    Day("many resets", BreakRequest(), TRIES, (*READS, "stat", "list"), UNAVAILABLE, OK, "the connection broke"),
    Day("resets for ever", BreakRequest(), None, ("large", "list"), UNAVAILABLE, UNAVAILABLE, "the connection broke"),
    Day("cut off at half", Cut(10_000), 1, ("small",), OK, OK),
    Day("cut off at half, large", Cut(6 * MIB), 1, ("large",), OK, OK),
    Day("cut off in a range", Cut(2 * MIB), 1, ("range",), OK, OK),
    Day("every answer cut off", Cut(MIB + 11), None, ("large", "range"), UNAVAILABLE, OK, "the connection broke"),
    Day("listing cut off", Cut(200), 1, ("list",), OK, OK),
    Day("listing always cut off", Cut(200), None, ("list",), UNAVAILABLE, UNAVAILABLE),
    Day("a bit flipped on the way", FlipAnswer(10_000), 1, ("small", "large", "range"), None, OK),
    Day("a bit flipped", FlipAnswer(10_000), None, ("small",), None, CORRUPT, "hash differs"),
    Day("a bit flipped, large", FlipAnswer(99), None, ("large",), None, CORRUPT, "hash differs"),
    Day("a bit flipped in a range", FlipAnswer(99), None, ("range",), None, CORRUPT, "hash differs"),
    Day("sums damaged", FlipAnswer(30), None, ("sums",), OK, OK),
    Day("sums cut off", Cut(30), None, ("sums",), OK, UNAVAILABLE),
    Day("sums out of reach for a while", SICK, TRIES, ("sums",), OK, OK),
    Day("another hash told", OTHER_HASH, 1, ("small",), CORRUPT, OK, "hash differs"),
    Day("no hash told", NO_HASH, None, ("small",), CORRUPT, CORRUPT, "hash differs"),
    Day("another size told", SHORTER, None, ("small",), CORRUPT, CORRUPT),
    Day("a stall", Stall(), 1, ("small", "stat", "list"), OK, OK),
    Day("a stall at half", Stall(after=10_000), 1, ("small",), OK, OK),
    Day("slow", Slow(60_000), 1, ("small", "list"), OK, OK),
    Day("a stranger's 404", Answer(404), None, ("small", "list"), UNAVAILABLE, UNAVAILABLE, "404"),
    Day("a stranger's 404 to HEAD", Answer(404), None, ("stat", "link"), OK, OK),
    Day("gone", Answer(404, "NoSuchKey"), None, ("small",), ABSENT, ABSENT, "not in the store"),
    for_good("bucket gone", Answer(404, "NoSuchBucket"), ("small", "list"), "store-bucket", "NoSuchBucket"),
    for_good("clock", Answer(403, "RequestTimeTooSkewed"), ("small", "list"), "store-clock", "clock"),
    for_good("forbidden", Answer(403, "AccessDenied"), ("small", "list"), "store-permission", "may not"),
    for_good("keys", Answer(403, "InvalidAccessKeyId"), ("small", "list"), "store-keys", "refuses the keys"),
)

IN_CIPHER = {
    *("a bit flipped on the way", "a bit flipped", "a bit flipped, large", "a bit flipped in a range"),
    *("every answer cut off", "many resets"),
}


def cells() -> Iterator[ParameterSet]:
    for stack in (BARE, FULL, SEALED):
        for day in DAYS:
            for use in day.uses:
                if (day.name in IN_CIPHER and use != "list") if stack == SEALED else (stack == FULL or day.bare):
                    yield pytest.param(day, use, stack, id=f"{day.name}: {use}: {stack}")


@pytest.fixture(scope="module")
def place(seaweedfs: SeaweedFS, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with no_pauses(), opened(seaweedfs.plain, tmp_path_factory.mktemp("place")) as place:
        yield place


@pytest.fixture(scope="module")
def standing(place: Place) -> dict[tuple[bool, bytes], Blob]:
    """A small and a large blob, plain and encrypted."""
    stood = {}
    for stack in (FULL, SEALED):
        for content in (SMALL, LARGE):
            stood[stack == SEALED, content] = blob = Blob(content)
            blob.put(place.blobs(stack))
    return stood


@pytest.mark.parametrize(("day", "name", "stack"), [*cells()])
def test_the_truth_comes_out_or_an_error_says_why(
    place: Place, standing: dict[tuple[bool, bytes], Blob], day: Day, name: str, stack: str
) -> None:
    use = LOOKS[name]
    blob = standing[stack == SEALED, use.content]
    blobs = place.blobs(stack, **({"read_timeout": 1.0} if isinstance(day.act, Stall) else {}))
    place.calm()
    place.strike(day.act, use.method, use.target(blob), times=day.times)

    outcome = outcome_of(lambda: use.call(blobs, blob))

    expected = day.bare if stack == BARE else day.full
    asked = place.asked(use.method, use.target(blob))
    assert outcome.told == expected, outcome.says
    assert asked or (name, stack) == ("sums", BARE), "the fault never struck"
    if expected != OK:
        assert day.says in outcome.says
        assert asked <= TRIES * ATTEMPTS
        assert kind_of(Code(outcome.told)) is not Configuration or asked == 1, "what cannot get better was tried again"
    place.calm()
    use.call(blobs, blob)


@pytest.mark.parametrize("stack", [FULL, SEALED])
@pytest.mark.parametrize("name", READS)
def test_no_byte_of_a_damaged_place_comes_out_before_the_error(
    place: Place, standing: dict[tuple[bool, bytes], Blob], name: str, stack: str
) -> None:
    blob = standing[stack == SEALED, LOOKS[name].content]
    blobs = place.blobs(stack)
    place.strike(FlipAnswer(200), "GET", blob.itself, times=None)
    start, end = (START, END) if name == "range" else (0, None)
    got: list[bytes] = []
    outcome = outcome_of(lambda: got.extend(blobs.read(blob.key, start, end)))
    place.calm()
    assert (outcome.told, got) == (CORRUPT, [])


# What changes something


CHANGES: dict[str, tuple[str, Callable[[Blob], str]]] = {
    "delete": ("DELETE", lambda blob: blob.itself),
    "relabel": ("PUT", lambda blob: blob.itself),
    "retag": ("PUT", lambda blob: rf"/{blob.key}\?tagging"),
}

CHANGING_DAYS = (
    Day("503 once", SICK, 1, ("delete", "relabel"), OK, OK),
    Day("a storm of 503", SICK, TRIES, ("delete", "relabel", "retag"), UNAVAILABLE, OK, "SlowDown (503)"),
    Day("503 for ever", SICK, None, ("delete", "relabel", "retag"), UNAVAILABLE, UNAVAILABLE, "SlowDown (503)"),
    Day("many resets", BreakRequest(), TRIES, ("delete", "relabel"), UNAVAILABLE, OK, "the connection broke"),
    Day("answer lost", LoseAnswer(), 1, ("delete", "relabel", "retag"), OK, OK),
    for_good("every answer lost", LoseAnswer(), ("delete", "relabel"), UNAVAILABLE, "the connection broke"),
    Day("200 with an error in it", Answer(200, "InternalError"), 1, ("relabel",), OK, OK),
    for_good("always 200 with an error", Answer(200, "InternalError"), ("relabel",), UNAVAILABLE, "Internal"),
    Day("answer cut off", Cut(60), 1, ("relabel",), OK, OK),
    Day("a stall", Stall(), 1, ("delete", "relabel"), OK, OK),
    for_good("forbidden", Answer(403, "AccessDenied"), ("delete", "relabel"), "store-permission", "may not"),
    for_good("disk full", Answer(507, "XMinioStorageFull"), ("relabel",), "no-space", "no room left"),
    for_good("bucket gone", Answer(404, "NoSuchBucket"), ("delete", "relabel"), "store-bucket", "NoSuchBucket"),
)


@pytest.mark.parametrize(
    ("day", "name", "stack"),
    [
        pytest.param(day, name, stack, id=f"{day.name}: {name}: {stack}")
        for day in CHANGING_DAYS
        for name in day.uses
        for stack in (BARE, FULL)
        if stack == BARE or day.bare != OK
    ],
)
def test_a_change_is_made_whole_or_not_at_all_and_can_be_made_again(
    place: Place, day: Day, name: str, stack: str
) -> None:
    blob = Blob(SMALL, metadata={"kind": "manifest", "source": "первый"})
    blob.put(place.blobs(BARE))
    blobs = place.blobs(stack, **({"read_timeout": 1.0} if isinstance(day.act, Stall) else {}))
    method, target = CHANGES[name]
    after = Blob(SMALL, blob.key, RELABELLED)

    def change() -> None:
        if name == "delete":
            blobs.delete(blob.key)
        else:
            assert blobs.relabel(blob.key, RELABELLED).metadata == RELABELLED

    place.calm()
    place.strike(day.act, method, target(blob), times=day.times)
    outcome = outcome_of(change)
    expected = day.bare if stack == BARE else day.full
    assert outcome.told == expected, outcome.says
    assert day.says in outcome.says or expected == OK
    assert 0 < place.asked(method, target(blob)) <= TRIES * ATTEMPTS
    place.calm()
    if name != "delete":
        seen = blobs.stat(blob.key).metadata
        assert seen == (RELABELLED if expected == OK else seen)
        assert_whole(place, blobs, after if seen == RELABELLED else blob)
    elif place.visible(blob.folder):
        assert expected != OK
        assert_whole(place, blobs, blob)
    change()
    if name == "delete":
        assert place.visible(blob.folder) == []
    else:
        assert_whole(place, blobs, after)


@pytest.mark.parametrize("name", ["small", "stat", "list"])
def test_a_store_that_is_down_is_unreachable_not_empty_and_answers_when_it_is_up(
    place: Place, standing: dict[tuple[bool, bytes], Blob], name: str
) -> None:
    use, blob, blobs = LOOKS[name], standing[False, SMALL], place.blobs(FULL)
    place.calm()
    place.proxy.down()
    try:
        outcome = outcome_of(lambda: use.call(blobs, blob))
    finally:
        place.proxy.up()
    assert outcome.told == UNREACHABLE
    assert "connection refused" in outcome.says
    use.call(blobs, blob)
