"""Facts as the metadata of an object."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voxpersona.adapters.blobs.keys import MOST_METADATA, check_metadata
from voxpersona.adapters.blobs.s3.metadata import Wanted, facts_of
from voxpersona.adapters.blobs.sidecar import FactsLost
from voxpersona.errors import Code, Integrity
from voxpersona.model import BlobFacts

SHA256 = "0123456789abcdef" * 4
NAMES = st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True) | st.sampled_from(["sha256", "size", "of-caller-x", "kind"])
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
METADATA = st.dictionaries(NAMES, TEXTS, max_size=5).filter(
    lambda metadata: sum(len(name) + len(text.encode()) for name, text in metadata.items()) <= MOST_METADATA
)
AT = datetime(2026, 11, 23, 18, 0, 7, 999, tzinfo=timezone(timedelta(hours=3)))


def wanted(metadata: dict[str, str]) -> Wanted:
    return Wanted("a/b", 5, SHA256, "audio/ogg", check_metadata(metadata))


def told(headers: dict[str, str], stored: int = 5) -> BlobFacts:
    return facts_of("a/b", headers, stored=stored, content_type="audio/ogg", written_at=AT)


@given(METADATA)
def test_metadata_comes_back_through_headers_of_plain_ascii(metadata: dict[str, str]) -> None:
    headers = wanted(metadata).headers()
    assert all(text and text.isascii() and text.isprintable() and " " not in text for text in headers.values())
    facts = told({name.title(): text for name, text in headers.items()})  # some stores change the case
    assert (facts.metadata, facts.sha256, facts.size) == (metadata, SHA256, 5)


@given(METADATA)
def test_metadata_of_any_kind_fits_in_what_every_store_holds(metadata: dict[str, str]) -> None:
    headers = wanted(metadata).headers()
    assert sum(len(name) + len(text) for name, text in headers.items()) <= 2048


def test_the_longest_metadata_fits_too() -> None:
    headers = wanted({"n": "щ" * ((MOST_METADATA - 1) // 2)}).headers()
    assert sum(len(name) + len(text) for name, text in headers.items()) <= 2048


def test_metadata_of_our_own_names_does_not_pass_for_the_hash() -> None:
    facts = told(wanted({"sha256": "f" * 64, "size": "7", "of-caller-size": "8"}).headers())
    assert (facts.sha256, facts.size) == (SHA256, 5)
    assert facts.metadata == {"sha256": "f" * 64, "size": "7", "of-caller-size": "8"}


@pytest.mark.parametrize("headers", [{}, {"sha256": SHA256}, {"sha256": "nonsense", "size": "5"}, {"size": "5"}])
def test_an_object_without_our_hash_has_lost_its_facts(headers: dict[str, str]) -> None:
    with pytest.raises(FactsLost) as caught:
        told(headers)
    assert caught.value.code is Code.BLOB_CORRUPT


def test_an_object_shorter_than_recorded_is_corrupt_and_not_merely_without_facts() -> None:
    with pytest.raises(Integrity) as caught:
        told(wanted({}).headers(), stored=4)
    assert caught.value.code is Code.BLOB_CORRUPT
    assert not isinstance(caught.value, FactsLost)


def test_times_are_whole_seconds_of_utc() -> None:
    assert told(wanted({}).headers()).written_at == datetime(2026, 11, 23, 15, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("metadata", "tags"),
    [
        ({"kind": "original", "source": "x"}, {"kind": "original"}),
        ({"kind": ""}, {"kind": ""}),
        ({"kind": "оригинал"}, {}),
        ({"kind": "a&b"}, {}),
        ({"kind": "x" * 257}, {}),
        ({}, {}),
    ],
)
def test_only_what_a_tag_can_hold_becomes_one(metadata: dict[str, str], tags: dict[str, str]) -> None:
    assert wanted(metadata).tags(["kind"]) == tags
