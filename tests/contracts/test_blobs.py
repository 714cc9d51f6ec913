"""What every object store promises (ports.Blobs). `BlobsContract` is plain: tests/hostile.py is run through it too."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_blobs import MIB, content_of, in_parts, keys_of, some_bytes
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.errors import Code, Configuration, Integrity, NotFound, Rejected, VoxPersonaError
from voxpersona.ports import Blobs

ADAPTERS: dict[str, Callable[[Path], Blobs]] = {
    "memory": lambda _: MemoryBlobs(),
    "directory": lambda path: DirectoryBlobs(path / "store"),
}

SIZES = [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 7]

BAD_KEYS = {
    "empty": "",
    "root": "/",
    "absolute": "/a",
    "trailing slash": "a/",
    "empty segment": "a//b",
    "dot": "a/./b",
    "parent": "../a",
    "parent inside": "a/../../b",
    "parent at the end": "a/..",
    "NUL": "a\0b",
    "newline": "a\nb",
    "carriage return": "a\r",
    "line separator": "a\u2028b",
    "next line": "a\x85b",
    "too long": "a/" * 450 + "b",
    "too long in bytes": "/".join(["щ" * 100] * 5),
    "over-long segment": "a/" + "b" * 256 + "/c",
    "over-long Cyrillic segment": "щ" * 128,
    "lone surrogate": "a\udc80",
}

ODD_KEYS = {
    "Cyrillic": "записи/Интервью №5.mp3",
    "emoji": "🎤/😀",
    "blanks": " a / b ",
    "hidden": ".hidden/.x",
    "three dots": ".../a...",
    "percent": "a%2Fb/%00?x=1&y=2#z+",
    "backslash": "..\\..\\a",
    "tilde": "~/.ssh",
    "longest segment": "a/" + "b" * 255,
    "longest Cyrillic segment": "щ" * 127,
    "longest key": "/".join(["k" * 99] * 9),
    "not composed": "и\u0306/e\u0301",
}


METADATA_REFUSED = [
    *[{"a": "x\0y"}, {"a\0": "x"}, {"a": "\udc80"}, {"A": "x"}, {"": "x"}, {"a b": "x"}, {"имя": "x"}],
    *[{"a": "x" * 600}, {"a": "щ" * 300}, {"a" * 41: "x"}, {f"n{number}": "x" * 60 for number in range(10)}],
]


class BlobsContract:
    """The checks. Each takes a store that is empty. Their outcomes are counted by store: tests/summary.py."""

    contract: ClassVar[str] = "Blobs"

    @pytest.mark.parametrize("size", SIZES)
    def test_what_was_put_comes_back(self, blobs: Blobs, size: int) -> None:
        content = some_bytes(size)
        blobs.put("a/b.bin", in_parts(content), sha256=hashlib.sha256(content).hexdigest(), size=size)
        parts = list(blobs.read("a/b.bin"))
        assert b"".join(parts) == content
        assert all(0 < len(part) <= MIB for part in parts)

    def test_the_facts_are_told_alike_by_put_stat_and_list(self, blobs: Blobs) -> None:
        content = some_bytes(5000)
        before = datetime.now(UTC) - timedelta(seconds=2)  # a store's clock may count whole seconds
        metadata = {"name": "Интервью «Отель» 😀\n2.mp3", "empty": "", "source": "telegram:1"}
        facts = blobs.put("a/b", in_parts(content), content_type="audio/mpeg", metadata=metadata)
        assert (facts.key, facts.size, facts.sha256) == ("a/b", 5000, hashlib.sha256(content).hexdigest())
        assert (facts.content_type, facts.metadata) == ("audio/mpeg", metadata)
        assert facts.written_at.utcoffset() == timedelta(0)
        assert before <= facts.written_at <= datetime.now(UTC) + timedelta(seconds=2)
        assert blobs.stat("a/b") == facts
        assert [(listed.key, listed.written_at) for listed in blobs.list()] == [("a/b", facts.written_at)]
        assert all(5000 <= listed.stored <= 5200 for listed in blobs.list())

    def test_the_same_bytes_again_give_the_first_facts(self, blobs: Blobs) -> None:
        first = blobs.put("a", [b"one"], content_type="text/plain", metadata={"who": "first"})
        again = blobs.put("a", in_parts(b"one", 1), metadata={"who": "second"})
        assert again == first == blobs.stat("a")

    def test_other_bytes_under_a_taken_key_are_refused_and_harm_nothing(self, blobs: Blobs) -> None:
        first = blobs.put("a", [b"one"], metadata={"n": "1"})
        for other in (b"two", b"", b"one more"):
            with pytest.raises(Integrity) as caught:
                blobs.put("a", [other], metadata={"n": "2"})
            assert caught.value.code is Code.BLOB_CONFLICT
        assert content_of(blobs, "a") == b"one"
        assert blobs.stat("a") == first

    @pytest.mark.parametrize(
        ("sha256", "size"),
        [("0" * 64, None), (None, 2), (None, 4), ("0" * 64, 3), (hashlib.sha256(b"one").hexdigest(), 4)],
    )
    def test_bytes_that_are_not_the_announced_ones_leave_nothing(
        self, blobs: Blobs, sha256: str | None, size: int | None
    ) -> None:
        with pytest.raises(Integrity) as caught:
            blobs.put("a/b", [b"one"], sha256=sha256, size=size)
        assert caught.value.code is Code.BLOB_CORRUPT
        assert keys_of(blobs) == []
        self._is_absent(blobs, "a/b")

    def test_announced_bytes_are_checked_for_a_standing_blob_too(self, blobs: Blobs) -> None:
        blobs.put("a", [b"one"])
        with pytest.raises(Integrity) as caught:
            blobs.put("a", [b"one"], sha256="0" * 64)
        assert caught.value.code is Code.BLOB_CORRUPT

    def test_an_error_of_the_source_passes_through_and_leaves_nothing(self, blobs: Blobs) -> None:
        def broken() -> Iterator[bytes]:
            yield b"x" * MIB
            raise ConnectionResetError("the sender went away")

        with pytest.raises(ConnectionResetError):
            blobs.put("a/b", broken())
        assert keys_of(blobs) == []
        self._is_absent(blobs, "a/b")
        blobs.put("a/b", [b"whole"])
        assert content_of(blobs, "a/b") == b"whole"

    def test_nothing_is_visible_while_the_bytes_are_still_coming(self, blobs: Blobs) -> None:
        seen: list[list[str]] = []

        def slow() -> Iterator[bytes]:
            yield b"x" * 100
            self._is_absent(blobs, "a/b")
            seen.append(keys_of(blobs))
            yield b"y"

        blobs.put("a/b", slow())
        assert seen == [[]]

    def test_an_absent_blob_is_not_found_at_the_call(self, blobs: Blobs) -> None:
        blobs.put("a/b/c", [b"x"])
        for key in ("b", "a", "a/b", "a/b/d", "a/b/c/d", "A/b/c", "a/b/c "):
            self._is_absent(blobs, key)

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            *[(0, 0), (0, 1), (5, 5), (5, 3), (1, None), (2 * MIB, None), (2 * MIB + 4, 2 * MIB + 9)],
            *[(MIB - 1, MIB + 1), (0, 2 * MIB + 5), (0, 9 * MIB), (2 * MIB + 5, None), (2 * MIB + 6, 9 * MIB)],
            *[(7, 2 * MIB + 1)],
        ],
    )
    def test_a_range_yields_what_there_is(self, blobs: Blobs, start: int, end: int | None) -> None:
        content = some_bytes(2 * MIB + 5)
        blobs.put("a", [content])
        parts = list(blobs.read("a", start, end))
        assert b"".join(parts) == content[start : max(start, len(content) if end is None else end)]
        assert all(0 < len(part) <= MIB for part in parts)

    def test_a_negative_start_is_the_callers_mistake(self, blobs: Blobs) -> None:
        blobs.put("a", [b"x"])
        with pytest.raises((ValueError, VoxPersonaError)):
            blobs.read("a", -1)

    def test_a_read_that_is_given_up_does_no_harm(self, blobs: Blobs) -> None:
        blobs.put("a", [some_bytes(3 * MIB)])
        blobs.read("a")
        assert len(next(blobs.read("a"))) <= MIB
        blobs.delete("a")
        assert keys_of(blobs) == []

    def test_listing_is_by_prefix_in_the_order_of_code_points(self, blobs: Blobs) -> None:
        keys = ["b", "a/b", "a-b", "a.b", "a0", "a/b0/c", "a/b-", "ａ", "😀", "я", "Z", "a/b.c/d", "ab/c"]
        for key in keys:
            blobs.put(key, [key.encode()])
        assert keys_of(blobs) == sorted(keys)
        for prefix in ("a", "a/", "a/b", "a/b0", "a/b0/", "a/b0/c", "a/b0/cc", "ab", "z", "😀", "/", "../", "a//"):
            assert keys_of(blobs, prefix) == sorted(key for key in keys if key.startswith(prefix))

    def test_a_deleted_blob_is_gone_and_its_key_is_free(self, blobs: Blobs) -> None:
        blobs.put("a/b", [b"one"], metadata={"n": "1"})
        blobs.put("a/c", [b"stays"])
        for _ in range(2):
            blobs.delete("a/b")
            self._is_absent(blobs, "a/b")
        assert keys_of(blobs) == ["a/c"]
        second = blobs.put("a/b", [b"two"])
        assert (second.metadata, content_of(blobs, "a/b"), content_of(blobs, "a/c")) == ({}, b"two", b"stays")

    def test_deleting_what_never_was_is_no_error(self, blobs: Blobs) -> None:
        for key in ("never", "never/was", "a/b/c"):
            blobs.delete(key)
        assert keys_of(blobs) == []

    @pytest.mark.parametrize("key", BAD_KEYS.values(), ids=BAD_KEYS.keys())
    def test_a_bad_key_is_refused_before_a_byte_is_taken(self, blobs: Blobs, key: str) -> None:
        def untouched() -> Iterator[bytes]:
            raise AssertionError("the content was asked for")
            yield b""

        calls: list[Callable[[], object]] = [
            lambda: blobs.put(key, untouched()),
            lambda: blobs.stat(key),
            lambda: blobs.read(key),
            lambda: blobs.delete(key),
        ]
        for call in calls:
            with pytest.raises((Rejected, Integrity)):
                call()
        assert keys_of(blobs) == []

    @pytest.mark.parametrize("key", ODD_KEYS.values(), ids=ODD_KEYS.keys())
    def test_an_odd_key_is_a_key(self, blobs: Blobs, key: str) -> None:
        facts = blobs.put(key, [key.encode()])
        assert content_of(blobs, key) == key.encode()
        assert blobs.stat(key) == facts
        assert keys_of(blobs) == keys_of(blobs, key) == keys_of(blobs, key[:2]) == [key]
        with pytest.raises(Integrity):
            blobs.put(key, [b"other"])
        blobs.delete(key)
        self._is_absent(blobs, key)
        assert keys_of(blobs) == []

    @pytest.mark.parametrize("metadata", METADATA_REFUSED)
    def test_metadata_that_cannot_be_kept_is_refused(self, blobs: Blobs, metadata: dict[str, str]) -> None:
        with pytest.raises((Rejected, Integrity)):
            blobs.put("a", [b"x"], metadata=metadata)
        assert keys_of(blobs) == []

    def test_metadata_changed_by_the_caller_afterwards_is_not_ours(self, blobs: Blobs) -> None:
        metadata = {"a": "1"}
        blobs.put("a", [b"x"], metadata=metadata)
        metadata["a"] = "2"
        assert blobs.stat("a").metadata == {"a": "1"}

    def test_relabelling_replaces_the_metadata_and_nothing_else(self, blobs: Blobs) -> None:
        content = some_bytes(3000)
        first = blobs.put("a/b", [content], content_type="audio/ogg", metadata={"kind": "original", "name": "старое"})
        changed = blobs.relabel("a/b", {"kind": "original", "key": "k2"})
        assert changed == blobs.stat("a/b")
        assert changed.metadata == {"kind": "original", "key": "k2"}
        kept = (changed.key, changed.size, changed.sha256, changed.content_type)
        assert kept == (first.key, first.size, first.sha256, first.content_type)
        assert content_of(blobs, "a/b") == content
        assert blobs.put("a/b", [content]).metadata == {"kind": "original", "key": "k2"}

    def test_what_is_absent_cannot_be_relabelled(self, blobs: Blobs) -> None:
        with pytest.raises(NotFound) as caught:
            blobs.relabel("a/b", {})
        assert caught.value.code is Code.BLOB_ABSENT
        assert keys_of(blobs) == []

    @pytest.mark.parametrize("metadata", METADATA_REFUSED)
    def test_metadata_that_cannot_be_kept_is_no_label(self, blobs: Blobs, metadata: dict[str, str]) -> None:
        first = blobs.put("a", [b"x"], metadata={"kind": "report"})
        with pytest.raises((Rejected, Integrity)):
            blobs.relabel("a", metadata)
        assert blobs.stat("a") == first

    def test_what_an_adapter_keeps_for_itself_is_not_listed(self, blobs: Blobs) -> None:
        blobs.put(".voxpersona/of-a-wrapper/x", [b"x"])
        blobs.put("a", [b"y"])
        assert keys_of(blobs) == keys_of(blobs, "") == ["a"]
        assert keys_of(blobs, ".voxpersona/") == keys_of(blobs, ".") == []
        assert content_of(blobs, ".voxpersona/of-a-wrapper/x") == b"x"
        blobs.delete(".voxpersona/of-a-wrapper/x")
        self._is_absent(blobs, ".voxpersona/of-a-wrapper/x")

    def test_content_that_can_be_iterated_again_may_be(self, blobs: Blobs) -> None:
        content = some_bytes(3 * MIB + 7)
        parts = in_parts(content)
        again = [*parts]
        blobs.put("a", again)
        blobs.put("a", again)
        assert content_of(blobs, "a") == content

    def test_of_many_writers_with_different_bytes_one_wins(self, blobs: Blobs) -> None:
        outcomes = self._race(blobs, [b"%d" % number * 1000 for number in range(6)])
        winners = [number for number, code in enumerate(outcomes) if code is None]
        assert len(winners) == 1
        assert sorted(map(str, outcomes)) == sorted(["None"] + [str(Code.BLOB_CONFLICT)] * 5)
        assert content_of(blobs, "race/x") == b"%d" % winners[0] * 1000
        assert blobs.stat("race/x").metadata == {"writer": str(winners[0])}

    def test_of_many_writers_with_the_same_bytes_all_succeed(self, blobs: Blobs) -> None:
        assert self._race(blobs, [b"same"] * 6) == [None] * 6
        assert content_of(blobs, "race/x") == b"same"

    @staticmethod
    def _is_absent(blobs: Blobs, key: str) -> None:
        for call in (blobs.stat, blobs.read):
            with pytest.raises(NotFound) as caught:
                call(key)
            assert caught.value.code is Code.BLOB_ABSENT

    @staticmethod
    def _race(blobs: Blobs, contents: list[bytes]) -> list[Code | None]:
        outcomes: list[Code | None] = [Code.INTERNAL] * len(contents)
        together = threading.Barrier(len(contents))

        def write(number: int) -> None:
            def parts() -> Iterator[bytes]:
                together.wait()
                yield contents[number]

            try:
                blobs.put("race/x", parts(), metadata={"writer": str(number)})
                outcomes[number] = None
            except VoxPersonaError as error:
                outcomes[number] = error.code

        writers = [threading.Thread(target=write, args=(number,)) for number in range(len(contents))]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        return outcomes


class TestBlobs(BlobsContract):
    """Every adapter."""

    subject: ClassVar[str] = "{blobs}"

    @pytest.fixture(params=ADAPTERS.keys())
    def blobs(self, request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
        return ADAPTERS[request.param](tmp_path)

    def test_a_store_without_addresses_says_so(self, blobs: Blobs) -> None:
        blobs.put("a", [b"x"])
        with pytest.raises(Configuration) as caught:
            blobs.link("a", 60, "Интервью.mp3")
        assert caught.value.code is Code.LINK_UNSUPPORTED

    def test_a_key_and_keys_below_it_live_side_by_side(self, blobs: Blobs) -> None:
        for key in ("a", "a/b", "x/y/z", "x/y", "x"):
            blobs.put(key, [key.encode()])
        assert keys_of(blobs) == ["a", "a/b", "x", "x/y", "x/y/z"]
        assert {key: content_of(blobs, key) for key in keys_of(blobs)} == {key: key.encode() for key in keys_of(blobs)}
        for key in ("a", "x/y"):
            blobs.delete(key)
        assert keys_of(blobs) == ["a/b", "x", "x/y/z"]
        self._is_absent(blobs, "a")


# None is a folder of another test's keys: SeaweedFS keeps a folder that was left empty, and an empty blob put in its
# place is there to HEAD and not to GET.
KEYS = st.sampled_from(["one", "b/b", "b/c/c", "a-b", "b/d", "c/" + "x" * 255, ".hidden/x", "я"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.sampled_from([b"", b"one", b"two"])),
        st.tuples(st.just("delete"), KEYS, st.just(b"")),
    ),
    max_size=25,
)


@pytest.mark.parametrize("adapter", ADAPTERS.keys())
@settings(max_examples=30, deadline=None)
@given(steps=STEPS)
def test_any_history_ends_as_a_plain_dictionary_would(adapter: str, steps: list[tuple[str, str, bytes]]) -> None:
    with TemporaryDirectory() as path:
        blobs = ADAPTERS[adapter](Path(path))
        model: dict[str, bytes] = {}
        for verb, key, content in steps:
            if verb == "delete":
                blobs.delete(key)
                model.pop(key, None)
            elif model.setdefault(key, content) == content:
                blobs.put(key, [content])
            else:
                with pytest.raises(Integrity):
                    blobs.put(key, [content])
        assert keys_of(blobs) == sorted(model)
        assert {key: content_of(blobs, key) for key in model} == model
