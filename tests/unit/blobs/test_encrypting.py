"""Encryption over the port: what the store may see, what is found out, and how a put goes on or loses a race."""

import hashlib
import logging
import threading
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders_blobs import MIB, content_of, in_parts, keys_of, some_bytes
from tests.builders_encrypted import BOUNDARIES, FIRST, NEXT, Locked
from tests.hostile import DamagedOnceBlobs, Fault, FaultyBlobs, ForgetfulBlobs, PassingBlobs
from tests.tink_oracle import decrypted
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.encrypting import EncryptingBlobs
from voxpersona.adapters.blobs.keyring import Keyring
from voxpersona.adapters.blobs.keys import MOST_METADATA
from voxpersona.adapters.blobs.sealed import seal_of
from voxpersona.adapters.blobs.streamed import SEGMENT, reach, sealed_size
from voxpersona.adapters.blobs.verifying import VerifyingBlobs
from voxpersona.errors import Code, Configuration, Integrity, NotFound, Unavailable
from voxpersona.model import BlobFacts
from voxpersona.ports import Blobs

KEY = "recordings/0123456789/original/interview.mp3"
SECRET = "Интервью с Анной Петровой"
METADATA = {"kind": "original", "name": f"{SECRET}.mp3", "source": "telegram:4711"}


@pytest.fixture
def locked(tmp_path: Path) -> Locked:
    return Locked(tmp_path)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def is_corrupt(call: Callable[[], object], key: str = KEY) -> None:
    with pytest.raises(Integrity) as caught:
        call()
    assert (caught.value.code, caught.value.facts["key"]) == (Code.BLOB_CORRUPT, key)


def whole(blobs: Blobs, key: str = KEY) -> Callable[[], bytes]:
    return lambda: content_of(blobs, key)


class Source:
    """Content that can be iterated again; `turns` is what each pass gives, the last one for ever."""

    def __init__(self, *turns: bytes) -> None:
        self.turns = turns
        self.passes = 0

    def __iter__(self) -> Iterator[bytes]:
        content = self.turns[min(self.passes, len(self.turns) - 1)]  # not before a part is asked for
        self.passes += 1
        yield from in_parts(content)


# What the store sees


def test_the_store_sees_ciphertext_size_key_and_kind_and_nothing_else(locked: Locked) -> None:
    content = SECRET.encode() * 5000
    locked.blobs.put(KEY, [content], content_type="audio/mpeg", metadata=METADATA)
    facts = locked.below.stat(KEY)
    assert facts.content_type == "application/octet-stream"
    assert set(facts.metadata) == {"kind", "sealed"}
    assert facts.metadata["kind"] == "original"
    assert facts.sha256 != sha256(content)
    seen = repr(facts).encode() + locked.inner.raw(KEY)
    for hidden in (SECRET.encode(), b"telegram", b"audio/mpeg", sha256(content).encode(), content[1000:1016]):
        assert hidden not in seen
    assert locked.blobs.stat(KEY).metadata == METADATA


@pytest.mark.parametrize("kind", ["", "Original", SECRET, "a b", "k" * 41])
def test_a_kind_of_another_form_is_sealed_too(locked: Locked, kind: str) -> None:
    locked.blobs.put(KEY, [b"x"], metadata={"kind": kind})
    assert set(locked.below.stat(KEY).metadata) == {"sealed"}
    assert locked.blobs.stat(KEY).metadata == {"kind": kind}


@pytest.mark.parametrize("size", BOUNDARIES)
@pytest.mark.parametrize("is_announced", [True, False])
def test_tink_can_read_a_blob_with_its_data_key(locked: Locked, size: int, is_announced: bool) -> None:
    content = some_bytes(size)
    announced = sha256(content) if is_announced else None
    facts = locked.blobs.put(KEY, in_parts(content), sha256=announced, size=size)
    assert (facts.size, facts.sha256) == (size, sha256(content))
    seal = seal_of(locked.below.stat(KEY))
    assert seal is not None
    data_key = locked.keyring.current.unwrap(seal.wrapped)
    assert decrypted(data_key, KEY.encode(), locked.inner.raw(KEY)) == content == content_of(locked.blobs, KEY)


NAMES = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=1, max_size=40).filter(lambda name: name != "sealed")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    metadata=st.dictionaries(NAMES, st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=200))
    | st.just({"name": "\x01" * 596})
    | st.just({"name": "щ" * 298})
    | st.just({f"{a}{b}": "" for a in "abcdefghij" for b in "klmnopqrst"})
)
def test_all_metadata_the_port_allows_fits_what_a_store_holds(locked: Locked, metadata: dict[str, str]) -> None:
    if sum(len(name) + len(text.encode()) for name, text in metadata.items()) > MOST_METADATA:
        return
    locked.blobs.delete(KEY)
    facts = locked.blobs.put(KEY, [b"x"], content_type="application/vnd.some-long-type", metadata=metadata)
    assert facts == locked.blobs.stat(KEY)
    assert facts.metadata == metadata
    seen = locked.below.stat(KEY).metadata
    assert all(text.isascii() and not set(text) & set(' %"&<>+/=') for text in seen.values())
    # As MinIO counts, which is more than S3 does: the prefix of every name too. 2,048 less what an adapter adds.
    assert sum(len("x-amz-meta-" + name) + len(text) for name, text in seen.items()) <= 2048 - 250


def test_metadata_named_as_the_seal_is_refused(locked: Locked) -> None:
    locked.blobs.put("a", [b"x"])
    calls: list[Callable[[], object]] = [
        lambda: locked.blobs.put(KEY, [b"x"], metadata={"sealed": "v1"}),
        lambda: locked.blobs.relabel("a", {"sealed": "v1"}),
    ]
    for call in calls:
        with pytest.raises(Integrity) as caught:
            call()
        assert caught.value.code is Code.INTERNAL
    assert keys_of(locked.blobs) == ["a"]


# What is found out

SIZE = FIRST + 2 * NEXT + 500


def put_some(locked: Locked, key: str = KEY, seed: int = 1) -> bytes:
    content = some_bytes(SIZE, seed)
    locked.blobs.put(key, [content], metadata=METADATA)
    return content


@settings(max_examples=200, deadline=None)
@given(size=st.integers(0, 2 * SEGMENT + 9) | st.sampled_from(BOUNDARIES), place=st.data())
def test_any_range_equals_the_plain_slice(size: int, place: st.DataObject) -> None:
    with TemporaryDirectory() as path:
        locked = Locked(Path(path))
        content = some_bytes(size)
        locked.blobs.put(KEY, [content])
        for _ in range(4):
            start = place.draw(st.integers(0, size + 10))
            end = place.draw(st.none() | st.integers(0, size + 10))
            parts = [*locked.blobs.read(KEY, start, end)]
            assert b"".join(parts) == content[start : max(start, size if end is None else end)]
            assert all(0 < len(part) <= MIB for part in parts)


def test_a_range_fetches_only_its_segments(locked: Locked) -> None:
    put_some(locked)
    locked.inner.ranges.clear()
    for start, end in ((0, 1), (FIRST - 1, FIRST), (FIRST, FIRST + 1), (FIRST - 1, FIRST + 1), (SIZE - 1, None)):
        [*locked.blobs.read(KEY, start, end)]
    assert locked.inner.ranges == [
        (0, SEGMENT),
        (0, SEGMENT),
        (SEGMENT, 2 * SEGMENT),
        (0, 2 * SEGMENT),
        (3 * SEGMENT, sealed_size(SIZE)),
    ]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.data())
def test_any_flipped_bit_of_the_ciphertext_is_found(locked: Locked, place: st.DataObject) -> None:
    if not keys_of(locked.blobs):
        put_some(locked)
    stored = bytearray(locked.inner.raw(KEY))
    at = place.draw(st.integers(0, len(stored) - 1) | st.integers(0, 60))
    stored[at] ^= 1 << place.draw(st.integers(0, 7))
    locked.inner.tamper(KEY, bytes(stored))
    is_corrupt(whole(locked.blobs))
    begin = max(0, at // SEGMENT * NEXT - 40)
    if at >= 40:  # the header is not needed for a range: it is made of the data key
        is_corrupt(lambda: b"".join(locked.blobs.read(KEY, begin, begin + 1)))


@pytest.mark.parametrize("name", ["sealed", "kind"])
def test_any_changed_letter_of_what_is_sealed_is_found(locked: Locked, name: str) -> None:
    content = put_some(locked)
    labels = dict(locked.below.stat(KEY).metadata)
    text = labels[name]
    for at in range(len(text)):
        # The letter after: at an end that may be another spelling of the same bytes.
        for other in {chr(ord(text[at]) ^ 1), chr(ord(text[at]) + 1), "A", "_", ".", "7"} - {text[at]}:
            changed = labels | {name: text[:at] + other + text[at + 1 :]}
            locked.inner.tamper(KEY, metadata=changed)
            for call in (lambda: locked.blobs.stat(KEY), whole(locked.blobs), lambda: locked.blobs.read(KEY, 5, 6)):
                with pytest.raises((Integrity, Configuration)) as caught:
                    call()
                is_absent = changed["sealed"].startswith(("v1.k2.", "v1.k7."))  # other master keys, not there
                assert caught.value.code is (Code.MASTER_KEY_ABSENT if is_absent else Code.BLOB_CORRUPT)
    locked.inner.tamper(KEY)
    assert content_of(locked.blobs, KEY) == content


def test_a_kind_added_or_taken_away_is_found(locked: Locked) -> None:
    put_some(locked)
    labels = dict(locked.below.stat(KEY).metadata)
    locked.inner.tamper(KEY, metadata={"sealed": labels["sealed"]})
    is_corrupt(lambda: locked.blobs.stat(KEY))
    locked.blobs.put("b", [b"x"])
    locked.inner.tamper("b", metadata={**locked.below.stat("b").metadata, "kind": "original"})
    is_corrupt(lambda: locked.blobs.stat("b"), "b")


@pytest.mark.parametrize("length", [0, 39, 40, 56, SEGMENT, 2 * SEGMENT, 3 * SEGMENT, sealed_size(SIZE) - 1])
def test_a_blob_cut_off_is_found_by_stat_and_by_every_read(locked: Locked, length: int) -> None:
    put_some(locked)
    locked.inner.tamper(KEY, locked.inner.raw(KEY)[:length])
    for call in (lambda: locked.blobs.stat(KEY), whole(locked.blobs), lambda: [*locked.blobs.read(KEY, 0, 1)]):
        is_corrupt(call)


def test_a_blob_with_more_at_its_end_is_found(locked: Locked) -> None:
    put_some(locked)
    locked.inner.tamper(KEY, locked.inner.raw(KEY) + b"x")
    is_corrupt(lambda: locked.blobs.stat(KEY))
    is_corrupt(whole(locked.blobs))


class ShortBlobs(PassingBlobs):
    """Gives a whole blob but for its last bytes, and says nothing."""

    def __init__(self, inner: Blobs, lost: int) -> None:
        super().__init__(inner)
        self._lost = lost

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        return iter([b"".join(super().read(key, start, end))[: -self._lost]])


@pytest.mark.parametrize("lost", [1, 16, 499, SEGMENT, SIZE])
def test_a_store_that_gives_less_than_it_says_is_found(locked: Locked, lost: int) -> None:
    put_some(locked)
    short = ShortBlobs(locked.below, lost)
    is_corrupt(whole(EncryptingBlobs(short, locked.keyring, plain=short)))


@pytest.mark.parametrize("start", [0, SEGMENT + 1, SIZE - 1])
def test_bytes_damaged_on_the_way_are_read_once_more(locked: Locked, start: int) -> None:
    content = put_some(locked)
    wire = DamagedOnceBlobs(locked.below, KEY)
    wire.start = reach(SIZE, start, SIZE)[0]
    assert b"".join(EncryptingBlobs(wire, locked.keyring, plain=wire).read(KEY, start)) == content[start:]
    assert wire.start == -1


def test_two_blobs_exchanged_by_the_store_are_both_found(locked: Locked) -> None:
    put_some(locked, "a", 1)
    put_some(locked, "b", 2)
    stored = {key: (locked.inner.raw(key), dict(locked.below.stat(key).metadata)) for key in ("a", "b")}
    locked.inner.tamper("a", *stored["b"])
    locked.inner.tamper("b", *stored["a"])
    for key in ("a", "b"):
        is_corrupt(lambda key=key: locked.blobs.stat(key), key)  # type: ignore[misc]  # mypy and default arguments
        is_corrupt(whole(locked.blobs, key), key)
    locked.inner.tamper("a", stored["b"][0])  # the bytes alone
    is_corrupt(whole(locked.blobs, "a"), "a")


def test_a_store_that_loses_the_seal_is_found_at_the_put(locked: Locked) -> None:
    forgetful = ForgetfulBlobs(locked.below)
    is_corrupt(lambda: EncryptingBlobs(forgetful, locked.keyring, plain=forgetful).put(KEY, [b"x"]))


@pytest.mark.parametrize("is_put_again", [True, False])
def test_a_blob_exchanged_between_looking_and_reading_is_not_called_damaged(locked: Locked, is_put_again: bool) -> None:
    put_some(locked)
    other = locked.blobs

    class Slow(PassingBlobs):
        def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
            other.delete(KEY)
            if is_put_again:
                other.put(KEY, [some_bytes(SIZE, 2)])
                return super().read(key, start, end)
            return iter([b"what was there"])

    slow = Slow(locked.below)
    with pytest.raises(Unavailable):
        content_of(EncryptingBlobs(slow, locked.keyring, plain=slow), KEY)


def test_a_blob_under_a_key_that_is_not_there_names_the_key(locked: Locked, tmp_path: Path) -> None:
    locked.keyring.rotate()
    put_some(locked)
    alone = Keyring.generate(tmp_path / "alone.json")
    with pytest.raises(Configuration) as caught:
        EncryptingBlobs(locked.below, alone, plain=locked.below).stat(KEY)
    assert (caught.value.code, caught.value.facts["key"]) == (Code.MASTER_KEY_ABSENT, "k2")


# How a put goes


@pytest.mark.parametrize("is_announced", [True, False])
def test_the_same_content_again_gives_the_same_ciphertext_and_the_same_metadata(
    locked: Locked, is_announced: bool
) -> None:
    content = some_bytes(3 * MIB)
    announced = sha256(content) if is_announced else None
    stored = []
    for _ in range(2):
        locked.blobs.put(KEY, Source(content), sha256=announced, metadata=METADATA)
        facts = locked.below.stat(KEY)
        stored.append((locked.inner.raw(KEY), facts.sha256, facts.metadata))
        locked.blobs.delete(KEY)
    assert stored[0] == stored[1]
    locked.blobs.put("elsewhere", Source(content), sha256=announced)
    assert locked.inner.raw("elsewhere")[40:] not in stored[0][0]


def test_content_that_comes_once_has_another_data_key_each_time(locked: Locked) -> None:
    seen = set()
    for size in (None, 4, None, 4):
        locked.blobs.put(KEY, iter([b"same"]), sha256=sha256(b"same"), size=size)
        seen.add(locked.inner.raw(KEY))
        assert locked.blobs.stat(KEY).sha256 == sha256(b"same")
        locked.blobs.delete(KEY)
    assert len(seen) == 4


class WatchingBlobs(PassingBlobs):
    """Remembers what it was announced and every part that came, and asks for the content once more at the end."""

    def __init__(self, inner: Blobs) -> None:
        super().__init__(inner)
        self.came: list[bytes] = []
        self.again = b""
        self.announced: tuple[str | None, int | None] = (None, None)

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
        def watched() -> Iterator[bytes]:
            for part in content:
                self.came.append(part)
                yield part

        self.announced = (sha256, size)
        facts = super().put(key, watched(), sha256=sha256, size=size, content_type=content_type, metadata=metadata)
        self.again = b"".join(content)
        return facts


@pytest.mark.parametrize("is_again", [True, False])
def test_the_store_is_told_hash_and_size_and_may_begin_again(locked: Locked, is_again: bool) -> None:
    content = some_bytes(2 * MIB)
    inner = WatchingBlobs(locked.below)
    blobs = EncryptingBlobs(inner, locked.keyring, plain=inner)
    blobs.put(KEY, Source(content) if is_again else in_parts(content))
    assert inner.announced == (sha256(inner.again), len(inner.again))
    assert inner.again == b"".join(inner.came) == locked.inner.raw(KEY)
    assert content_of(locked.blobs, KEY) == content


@pytest.mark.parametrize("size", [5, MIB, 3 * MIB])
@pytest.mark.parametrize("changed", [lambda was: was[:-1] + b"!", lambda was: b"!" + was[1:], lambda was: was[:-1]])
def test_content_that_changes_between_its_readings_never_leaves(
    locked: Locked, size: int, changed: Callable[[bytes], bytes]
) -> None:
    content = some_bytes(size)
    inner = WatchingBlobs(locked.below)
    blobs = EncryptingBlobs(inner, locked.keyring, plain=inner)
    is_corrupt(lambda: blobs.put(KEY, Source(content, changed(content)), sha256=sha256(content)))
    assert keys_of(locked.below) == []
    left = b"".join(inner.came)
    locked.blobs.put(KEY, Source(content), sha256=sha256(content))
    assert locked.inner.raw(KEY).startswith(left)
    assert len(left) < sealed_size(size)  # the part with the change never left


@pytest.mark.parametrize("announced", ["0" * 64, "zz" * 32, "short", "ё" * 64])
def test_a_wrong_hash_sends_nothing(locked: Locked, announced: str) -> None:
    for content in ([b"one"], iter([b"one"])):
        is_corrupt(lambda content=content: locked.blobs.put(KEY, content, sha256=announced, size=3))  # type: ignore[misc]
    assert keys_of(locked.below) == []


def test_a_hash_in_capitals_is_the_same_hash(locked: Locked) -> None:
    for content in ([b"one"], iter([b"one"])):
        locked.blobs.put(KEY, content, sha256=sha256(b"one").upper(), size=3)
        assert locked.blobs.stat(KEY).sha256 == sha256(b"one")
        locked.blobs.delete(KEY)


@pytest.mark.parametrize("size", [None, 3 * MIB])
def test_of_two_writers_with_different_data_keys_both_succeed(locked: Locked, size: int | None) -> None:
    content = some_bytes(3 * MIB)
    together = threading.Barrier(2)
    outcomes: list[object] = []

    def write() -> None:
        def slow() -> Iterator[bytes]:
            together.wait()
            yield from in_parts(content)

        announced = None if size is None else sha256(content)
        outcomes.append(locked.blobs.put(KEY, slow(), sha256=announced, size=size).sha256)

    threads = [threading.Thread(target=write) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [sha256(content)] * 2


def test_a_writer_who_loses_to_other_bytes_is_told(locked: Locked) -> None:
    def overtaken() -> Iterator[bytes]:
        locked.blobs.put(KEY, [b"faster"])
        yield b"slower"

    for source, size in ((overtaken, None), (overtaken, 6)):
        with pytest.raises(Integrity) as caught:
            locked.blobs.put(KEY, source(), sha256=sha256(b"slower"), size=size)
        assert caught.value.code is Code.BLOB_CONFLICT
        assert content_of(locked.blobs, KEY) == b"faster"
        locked.blobs.delete(KEY)


class OvertakenBlobs(PassingBlobs):
    """Another writer puts the bytes first; that is said before a byte of the content is read."""

    def __init__(self, inner: Blobs, other: Blobs) -> None:
        super().__init__(inner)
        self._other = other

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
        self._other.put(key, [b"same"])
        raise Integrity(Code.BLOB_CONFLICT, "other bytes stand under this key", key=key)


def test_content_the_store_did_not_read_is_still_held_to_what_was_announced(locked: Locked) -> None:
    inner = OvertakenBlobs(locked.below, locked.blobs)
    blobs = EncryptingBlobs(inner, locked.keyring, plain=inner)
    is_corrupt(lambda: blobs.put(KEY, iter([b"lies"]), sha256=sha256(b"same"), size=4))
    locked.blobs.delete(KEY)
    assert blobs.put(KEY, iter([b"same"]), sha256=sha256(b"same"), size=4).sha256 == sha256(b"same")


def test_an_answer_lost_after_the_put_is_made_good_by_a_second_put(locked: Locked) -> None:
    faulty = FaultyBlobs(locked.below, [Fault("put", after=True)])
    blobs = EncryptingBlobs(faulty, locked.keyring, plain=faulty)
    with pytest.raises(Unavailable):
        blobs.put(KEY, in_parts(b"content"), metadata={"try": "1"})
    assert blobs.put(KEY, in_parts(b"content"), metadata={"try": "2"}).metadata == {"try": "1"}


@pytest.mark.parametrize("is_once", [True, False])
def test_memory_stays_flat_whatever_the_size(tmp_path: Path, is_once: bool) -> None:
    size = 48 * MIB
    part = some_bytes(MIB)
    store = DirectoryBlobs(tmp_path / "store")
    blobs = EncryptingBlobs(store, Keyring.generate(tmp_path / "keys"), plain=store, scratch=tmp_path)

    class Long:
        def __iter__(self) -> Iterator[bytes]:
            return (part for _ in range(size // MIB))

    tracemalloc.start()
    try:
        blobs.put(KEY, iter(Long()) if is_once else Long())
        assert sum(map(len, blobs.read(KEY))) == size
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 10 * MIB


def test_a_put_leaves_nothing_in_the_scratch_directory(locked: Locked, tmp_path: Path) -> None:
    locked.blobs.put(KEY, in_parts(some_bytes(2 * MIB)))
    assert [*tmp_path.iterdir()] == [locked.keyring.path]


# Side by side


def test_plain_blobs_are_read_beside_encrypted_ones(tmp_path: Path) -> None:
    store = DirectoryBlobs(tmp_path / "store")
    old = store.put("old", [b"plain"], content_type="text/plain", metadata=METADATA)
    blobs = EncryptingBlobs(store, Keyring.generate(tmp_path / "keys"), plain=store)
    new = blobs.put("new", [b"secret"], metadata=METADATA)
    assert (blobs.stat("old"), blobs.stat("new")) == (old, new)
    assert (content_of(blobs, "old"), content_of(blobs, "new")) == (b"plain", b"secret")
    assert b"".join(blobs.read("old", 1, 3)) == b"la"
    assert keys_of(blobs) == ["new", "old"]
    assert blobs.put("old", [b"plain"]) == old
    with pytest.raises(Integrity):
        blobs.put("old", [b"other"])
    assert blobs.relabel("old", {"kind": "x"}) == store.stat("old")
    assert content_of(store, "new") != b"secret"
    for key in ("old", "new"):
        blobs.delete(key)
    assert keys_of(store) == []


def test_what_is_kept_beside_a_plain_blob_goes_with_it(locked: Locked) -> None:
    verifying = VerifyingBlobs(locked.below)
    blobs = EncryptingBlobs(locked.below, locked.keyring, plain=verifying)
    verifying.put("old", [some_bytes(3 * MIB)])
    assert content_of(blobs, "old") == some_bytes(3 * MIB)
    beside = f".voxpersona/sums/{sha256(b'old')}"
    locked.below.stat(beside)
    blobs.delete("old")
    with pytest.raises(NotFound):
        locked.below.stat(beside)


def test_where_plain_blobs_are_not_accepted_none_is_served(locked: Locked) -> None:
    locked.below.put("plain", [b"x"])
    put_some(locked)
    strict = EncryptingBlobs(locked.inner, locked.keyring, plain=locked.inner, accept_plain=False)
    calls: list[Callable[[], object]] = [
        lambda: strict.stat("plain"),
        lambda: strict.read("plain"),
        lambda: strict.put("plain", [b"x"]),
        lambda: strict.relabel("plain", {}),
        lambda: strict.link("plain", 1, "n"),
    ]
    for call in calls:
        is_corrupt(call, "plain")
    assert content_of(strict, KEY) == some_bytes(SIZE)
    locked.inner.tamper(KEY, metadata={"kind": "original"})  # a store that takes the seal off
    is_corrupt(whole(strict))


class Linking(PassingBlobs):
    def link(self, key: str, seconds: int, name: str) -> str:
        return f"http://store/{key}"


def test_only_a_plain_blob_has_a_link(locked: Locked) -> None:
    inner = Linking(locked.below)
    blobs = EncryptingBlobs(inner, locked.keyring, plain=inner)
    locked.below.put("plain", [b"x"])
    blobs.put(KEY, [b"x"])
    assert blobs.link("plain", 60, "n") == "http://store/plain"
    with pytest.raises(Configuration) as caught:
        blobs.link(KEY, 60, "n")
    assert caught.value.code is Code.LINK_UNSUPPORTED
    with pytest.raises(NotFound):
        blobs.link("absent", 60, "n")


def test_relabelling_seals_the_facts_anew_and_keeps_the_data_key(locked: Locked) -> None:
    content = put_some(locked)
    before, stored = seal_of(locked.below.stat(KEY)), locked.inner.raw(KEY)
    locked.blobs.relabel(KEY, {"kind": "report", "name": "другое"})
    after = seal_of(locked.below.stat(KEY))
    assert before is not None
    assert after is not None
    assert (after.wrapped, locked.inner.raw(KEY)) == (before.wrapped, stored)
    assert after.facts != before.facts
    assert locked.below.stat(KEY).metadata["kind"] == "report"
    assert content_of(locked.blobs, KEY) == content


def test_nothing_of_a_blob_and_no_key_is_shown_or_logged(locked: Locked, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    put_some(locked)
    seal = seal_of(locked.below.stat(KEY))
    assert seal is not None
    data_key = locked.keyring.current.unwrap(seal.wrapped)
    locked.inner.tamper(KEY, bytes(sealed_size(SIZE)))
    with pytest.raises(Integrity) as caught:
        content_of(locked.blobs, KEY)
    shown = f"{caught.value!r} {vars(caught.value)} {caught.value.__cause__!r} {seal!r} {locked.blobs!r} {caplog.text}"
    for hidden in (SECRET, data_key.hex(), repr(data_key)[2:-1], repr(locked.keyring.current.secret)[2:-1]):
        assert hidden not in shown
