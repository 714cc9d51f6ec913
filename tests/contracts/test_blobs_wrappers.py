"""Every wrapper of a store, and all of them together, promise what a store promises (ports.Blobs)."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders_blobs import content_of, keys_of, some_bytes
from tests.builders_wrappers import retrying, stack
from tests.contracts.test_blobs import ADAPTERS, BlobsContract
from tests.hostile import Fault, FaultyBlobs, FlippingBlobs, PassingBlobs
from voxpersona.adapters.blobs.memory import MemoryBlobs
from voxpersona.adapters.blobs.metering import Meter, MeteringBlobs
from voxpersona.adapters.blobs.retrying import Budget
from voxpersona.adapters.blobs.verifying import VerifyingBlobs
from voxpersona.errors import Code, Integrity
from voxpersona.model import BlobFacts
from voxpersona.ports import Blobs


class TwiceBlobs(PassingBlobs):
    """Takes content twice where it can be had twice, as a store does that hashes it before it sends it."""

    def __init__(self, inner: Blobs) -> None:
        super().__init__(inner)
        self.twice: dict[str, bool] = {}

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
        if not key.startswith(".voxpersona/"):
            self.twice[key] = iter(content) is not content
            if self.twice[key]:
                assert b"".join(content) == b"".join(content)
        return super().put(key, content, sha256=sha256, size=size, content_type=content_type, metadata=metadata)


WRAPPERS: dict[str, Callable[[Blobs], Blobs]] = {
    "retrying": retrying,
    "metering": lambda inner: MeteringBlobs(inner, Meter()),
    "verifying": VerifyingBlobs,
    "verifying odd segments": lambda inner: VerifyingBlobs(inner, segment=10_007),
    "the whole stack": stack,
}


class TestWrappers(BlobsContract):
    """Every wrapper over every store that needs no server."""

    subject: ClassVar[str] = "{blobs} over {inner}"

    @pytest.fixture(params=ADAPTERS.keys())
    def inner(self, request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
        return ADAPTERS[request.param](tmp_path)

    @pytest.fixture(params=WRAPPERS.keys())
    def blobs(self, request: pytest.FixtureRequest, inner: Blobs) -> Blobs:
        return WRAPPERS[request.param](inner)


@pytest.mark.parametrize("wrapper", WRAPPERS.values(), ids=WRAPPERS.keys())
def test_content_is_to_the_store_below_what_it_is_to_the_wrapper(wrapper: Callable[[Blobs], Blobs]) -> None:
    store = TwiceBlobs(MemoryBlobs())
    blobs = wrapper(store)
    parts = [some_bytes(700_000), some_bytes(700_000, 2)]
    for key, content in (("again", parts), ("once", iter(parts)), ("once more", (part for part in parts))):
        blobs.put(key, content)
        assert content_of(blobs, key) == b"".join(parts)
    assert store.twice == {"again": True, "once": False, "once more": False}


def test_a_store_that_flips_bits_passes_the_suite_no_more_for_being_wrapped() -> None:
    blobs = stack(FlippingBlobs(MemoryBlobs()))
    with pytest.raises(Integrity) as caught:
        BlobsContract().test_what_was_put_comes_back(blobs, 3 << 20)
    assert caught.value.code is Code.BLOB_CORRUPT


KEYS = st.sampled_from(["a", "b/b", "b/c/c", "a-b", "я"])
CONTENTS = st.sampled_from([b"", b"one", b"two", b"a longer one, of several segments and parts" * 3])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, CONTENTS),
        st.tuples(st.just("delete"), KEYS, st.just(b"")),
        st.tuples(st.just("label"), KEYS, CONTENTS),
        st.tuples(st.just("look"), KEYS, st.just(b"")),
    ),
    min_size=5,
    max_size=20,
)
FAULTS = st.lists(
    st.builds(
        Fault,
        of=st.sampled_from(["put", "put", "read", "read", "stat", "list", "delete", "relabel"]),
        call=st.integers(1, 12),
        after=st.booleans(),
        at_byte=st.one_of(st.none(), st.integers(0, 140)),
    ),
    max_size=30,
)


@pytest.mark.parametrize("wrapped", ["retrying", "stack"])
@pytest.mark.parametrize("adapter", ADAPTERS.keys())
@settings(max_examples=30, deadline=None)
@given(steps=STEPS, plan=FAULTS)
def test_whatever_fails_within_the_budget_any_history_ends_as_a_plain_dictionary_would(
    wrapped: str, adapter: str, steps: list[tuple[str, str, bytes]], plan: list[Fault]
) -> None:
    with TemporaryDirectory() as path:
        faulty = FaultyBlobs(ADAPTERS[adapter](Path(path)), plan)
        attempts, budget = len(plan) + 1, Budget(len(plan))
        blobs: Blobs = retrying(faulty, attempts=attempts, budget=budget)
        if wrapped == "stack":
            blobs = stack(faulty, segment=16, attempts=attempts, budget=budget)
        model: dict[str, bytes] = {}
        labels: dict[str, str] = {}
        for verb, key, content in steps:
            if verb == "delete":
                blobs.delete(key)
                model.pop(key, None)
                labels.pop(key, None)
            elif verb == "label":
                if key in model:
                    labels[key] = content.decode()
                    assert blobs.relabel(key, {"kind": labels[key]}).metadata == {"kind": labels[key]}
            elif verb == "put":
                parts = [content[at : at + 7] for at in range(0, len(content), 7)]
                if model.setdefault(key, content) == content:
                    labels.setdefault(key, "new")
                    assert blobs.put(key, parts, metadata={"kind": "new"}).metadata == {"kind": labels[key]}
                else:
                    with pytest.raises(Integrity):
                        blobs.put(key, parts)
            elif key in model:
                assert content_of(blobs, key) == model[key]
                assert b"".join(blobs.read(key, 2, 20)) == model[key][2:20]
                assert blobs.stat(key).size == len(model[key])
        assert keys_of(blobs) == sorted(model)
        assert {key: content_of(blobs, key) for key in model} == model
        assert {key: blobs.stat(key).metadata["kind"] for key in model} == labels
