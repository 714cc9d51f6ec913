"""A store that lies, a bucket that goes away under way, a clock that is wrong, and any history of faults."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders_blobs import MIB, content_of, keys_of, some_bytes
from tests.builders_wrappers import retrying
from tests.integration.bad_days import (
    BARE,
    CORRUPT,
    FULL,
    LARGE,
    METADATA,
    NOTHING,
    OK,
    SEALED,
    SMALL,
    TWO_PARTS,
    TYPE,
    UNAVAILABLE,
    Blob,
    Meanwhile,
    Place,
    assert_swept,
    assert_whole,
    no_pauses,
    opened,
    outcome_of,
)
from tests.servers.faults import Act, Answer, BreakRequest, Cut, Fault, FlipRequest, LoseAnswer, Rewrite
from tests.servers.minio import NEEDS_MINIO
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS
from voxpersona.adapters.blobs.s3.blobs import S3Blobs
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.s3.metadata import Wanted
from voxpersona.errors import Code, Integrity, VoxPersonaError
from voxpersona.ports import Blobs

BUCKET, CLOCK, CONFLICT = str(Code.STORE_BUCKET), str(Code.STORE_CLOCK), str(Code.BLOB_CONFLICT)
MIDDLE = some_bytes(3 * MIB)
"""Sent by one request, but asked for first."""


@pytest.fixture(params=["seaweedfs", pytest.param("minio", marks=NEEDS_MINIO)])
def server(request: pytest.FixtureRequest) -> S3Server:
    if request.param == "minio":
        found: S3Server = request.getfixturevalue("minio_plain")
        return found
    weed: SeaweedFS = request.getfixturevalue("seaweedfs")
    return weed.plain


@pytest.fixture
def place(server: S3Server, tmp_path: Path) -> Iterator[Place]:
    with no_pauses(), opened(server, tmp_path) as place:
        yield place


# A store that says that all is well


def _flipped(content: bytes) -> bytes:
    return content[:100] + bytes([content[100] ^ 1]) + content[101:]


def _kept(place: Place, blob: Blob, content: bytes, *, metadata: bool = True) -> str:
    """What the store keeps instead of the blob, with all that is known of the true one; its ETag."""
    sha256 = hashlib.sha256(blob.content).hexdigest()
    told = Wanted(blob.key, len(blob.content), sha256, TYPE, blob.metadata).headers() if metadata else {}
    kept = place.admin.put_object(Bucket=place.bucket, Key=blob.key, Body=content, Metadata=told, ContentType=TYPE)
    return kept["ETag"]


def _says_ok(etag: str) -> Act:
    return Answer(200, headers=(("ETag", etag),))


def _keep_flipped_and_tell_the_true_etag(place: Place, blob: Blob) -> Act:
    _kept(place, blob, _flipped(blob.content))
    return _says_ok(f'"{hashlib.md5(blob.content).hexdigest()}"')


LIES: dict[str, tuple[Callable[[Place, Blob], Act | None], str, str]] = {
    "keeps nothing": (
        lambda place, blob: _says_ok(f'"{hashlib.md5(blob.content).hexdigest()}"'),
        UNAVAILABLE,
        "what was written does not stand there",
    ),
    "keeps all but the last byte": (
        lambda place, blob: _says_ok(_kept(place, blob, blob.content[:-1])),
        CORRUPT,
        "no longer holds the bytes",
    ),
    "keeps a byte too many": (
        lambda place, blob: _says_ok(_kept(place, blob, blob.content + b"x")),
        CORRUPT,
        "no longer holds the bytes",
    ),
    "flips a bit": (
        lambda place, blob: _says_ok(_kept(place, blob, _flipped(blob.content))),
        CORRUPT,
        "no longer holds the bytes",
    ),
    "flips a bit and tells the true ETag": (
        _keep_flipped_and_tell_the_true_etag,
        CORRUPT,
        "no longer holds the bytes",
    ),
    "forgets the metadata": (
        lambda place, blob: _says_ok(_kept(place, blob, blob.content, metadata=False)),
        CORRUPT,
        "no longer holds the bytes",
    ),
}


@pytest.mark.parametrize("stack", [BARE, FULL])
@pytest.mark.parametrize("content", [SMALL, MIDDLE], ids=["small", "middle"])
@pytest.mark.parametrize("lie", LIES)
def test_a_store_that_says_ok_and_keeps_something_else_is_found_out(
    place: Place, lie: str, content: bytes, stack: str
) -> None:
    deed, code, says = LIES[lie]
    blob, blobs = Blob(content), place.blobs(stack)
    place.proxy.plan.append(Meanwhile(NOTHING, "PUT", blob.itself, times=None, deed=lambda: deed(place, blob)))
    outcome = outcome_of(lambda: blob.put(blobs))
    assert outcome.told == code, "the lie was acknowledged"
    assert says in outcome.says
    assert place.visible(blob.folder) == []
    place.calm()
    blob.put(blobs)
    assert_whole(place, blobs, blob)


@pytest.mark.parametrize(
    "kept", [_flipped(TWO_PARTS), TWO_PARTS[:-1], TWO_PARTS + b"x"], ids=["a bit flipped", "cut off", "too long"]
)
def test_an_upload_that_becomes_something_else_when_it_is_completed_is_found_out(place: Place, kept: bytes) -> None:
    blob = Blob(TWO_PARTS)

    def exchange() -> None:
        _kept(place, blob, kept)

    place.proxy.plan.append(Meanwhile(NOTHING, "HEAD", blob.itself, skip=1, deed=exchange))
    outcome = outcome_of(lambda: blob.put(place.blobs(FULL)))
    assert outcome.told == CORRUPT, "the lie was acknowledged"
    assert "no longer holds the bytes" in outcome.says


@pytest.mark.parametrize("stack", [BARE, FULL])
def test_what_a_store_altered_later_is_never_served(place: Place, stack: str) -> None:
    blob, blobs = Blob(MIDDLE), place.blobs(stack)
    blob.put(blobs)
    for altered in (_flipped(blob.content), blob.content[:-1], b""):
        _kept(place, blob, altered)
        got: list[bytes] = []
        outcome = outcome_of(partial(_take, blobs, blob.key, got))
        assert outcome.told == CORRUPT
        assert stack == BARE or got == []
    blobs.delete(blob.key)
    assert place.visible(blob.folder) == []


def _take(blobs: Blobs, key: str, got: list[bytes]) -> None:
    got.extend(blobs.read(key))


# A bucket that goes away


def _remove_bucket(place: Place) -> None:
    place.server.empty(place.bucket)
    place.admin.delete_bucket(Bucket=place.bucket)


def _puts_into_nowhere(place: Place, blobs: Blobs, blob: Blob) -> None:
    """The put fails and says so, and succeeds once the bucket is there again."""
    outcome = outcome_of(lambda: blob.put(blobs))
    if outcome.told != OK or place.server.name != "seaweedfs":  # which makes a bucket anew that it has known just now
        assert outcome.told == BUCKET, outcome.says
        assert f"bucket {place.bucket} cannot be used" in outcome.says
        assert "NoSuchBucket" in outcome.says
        place.admin.create_bucket(Bucket=place.bucket)
        place.calm()
        blob.put(blobs)
    assert_whole(place, blobs, blob)
    assert_swept(place, blob)


@pytest.mark.parametrize("stack", [FULL, SEALED])
def test_a_bucket_removed_between_parts_is_told_and_one_made_anew_takes_the_blob(place: Place, stack: str) -> None:
    blob, blobs = Blob(TWO_PARTS), place.blobs(stack)
    place.proxy.plan.append(
        Meanwhile(NOTHING, "PUT", rf"{blob.upload}.*partNumber=2(&|$)", deed=lambda: _remove_bucket(place))
    )
    _puts_into_nowhere(place, blobs, blob)


def test_a_bucket_removed_before_a_small_put_is_told_and_one_made_anew_takes_the_blob(place: Place) -> None:
    blob, blobs = Blob(SMALL), place.blobs(FULL)
    Blob(SMALL).put(blobs)
    _remove_bucket(place)
    _puts_into_nowhere(place, blobs, blob)


def test_a_bucket_that_is_gone_is_never_an_absent_blob_nor_an_empty_listing(place: Place) -> None:
    blob, blobs = Blob(SMALL), place.blobs(FULL)
    blob.put(blobs)
    _remove_bucket(place)
    calls: dict[str, Callable[[], object]] = {
        "stat": lambda: blobs.stat(blob.key),
        "read": lambda: content_of(blobs, blob.key),
        "list": lambda: keys_of(blobs),
        "delete": lambda: blobs.delete(blob.key),
        "relabel": lambda: blobs.relabel(blob.key, {}),
        "link": lambda: blobs.link(blob.key, 60, "a.ogg"),
    }
    assert {what: outcome_of(call).told for what, call in calls.items()} == dict.fromkeys(calls, BUCKET)


def test_a_bucket_removed_in_the_middle_of_a_read_ends_it_with_an_error(place: Place) -> None:
    blob, blobs = Blob(LARGE), place.blobs(FULL)
    blob.put(blobs)
    place.proxy.plan += [
        Fault(Cut(2 * MIB), "GET", blob.itself),
        Meanwhile(NOTHING, "GET", blob.itself, deed=lambda: _remove_bucket(place)),
    ]
    got: list[bytes] = []
    outcome = outcome_of(lambda: got.extend(blobs.read(blob.key)))
    assert outcome.told == BUCKET, outcome.says
    assert LARGE.startswith(b"".join(got))


# A clock


def test_a_store_whose_clock_is_far_off_is_told_and_nothing_is_written(place: Place) -> None:
    connection = place.proxy.server.connection()
    keeper = S3Bucket(connection, place.bucket)
    bare = S3Blobs(connection, place.bucket, abilities=keeper.abilities, spool=place.path)
    blob = Blob(SMALL)
    place.strike(Rewrite((("Date", "Mon, 02 Nov 2020 10:00:00 GMT"),)), "", "", times=None)
    outcome = outcome_of(lambda: blob.put(retrying(bare)))
    assert outcome.told == CLOCK
    assert "clock" in outcome.says
    assert place.visible("") == []
    place.calm()
    blob.put(bare)
    assert_whole(place, bare, blob)


# Any history

KEYS = ["recordings/1/original/a.ogg", "recordings/1/manifest.json", "recordings/2/original/b.ogg"]
CONTENTS = [b"", b"one", some_bytes(2000), some_bytes(6 * MIB)]
VERBS = ["put", "put", "read", "stat", "list", "delete", "relabel"]
ACTS = [
    Answer(503, "SlowDown"),
    Answer(500, "InternalError"),
    Answer(200, "InternalError"),
    BreakRequest(),
    BreakRequest(100),
    LoseAnswer(),
    FlipRequest(10),
    Cut(40),
]
PLANS = st.lists(
    st.builds(
        Fault,
        st.sampled_from(ACTS),
        method=st.sampled_from(["", "PUT", "PUT", "POST", "GET", "HEAD", "DELETE"]),
        times=st.integers(1, 4),
        skip=st.integers(0, 8),
    ),
    min_size=2,
    max_size=6,
)
STEPS = st.lists(
    st.tuples(st.sampled_from(VERBS), st.sampled_from(KEYS), st.sampled_from(CONTENTS)), min_size=3, max_size=9
)
PASSING = {Code.STORE_UNAVAILABLE, Code.STORE_UNREACHABLE, Code.BLOB_CORRUPT}
"""The last one comes of answers of 200 that are none."""

PASSES = 12
"""How often a step is taken at most: every plan comes to its end."""


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
def test_any_history_of_faults_ends_as_a_plain_dictionary_would(place: Place) -> None:
    @settings(max_examples=8, deadline=None, derandomize=True, database=None, suppress_health_check=[*HealthCheck])
    @given(steps=STEPS, plan=PLANS)
    def lived_through(steps: list[tuple[str, str, bytes]], plan: list[Fault]) -> None:
        place.calm()
        place.server.empty(place.bucket)
        place.proxy.plan += plan
        blobs = place.blobs(FULL)
        model: dict[str, bytes] = {}
        labels: dict[str, dict[str, str]] = {}
        for verb, key, content in steps:
            for _ in range(PASSES):
                try:
                    _step(blobs, verb, key, content, model, labels)
                    break
                except VoxPersonaError as error:
                    if error.code not in PASSING:
                        raise
            else:
                pytest.fail(f"{verb} {key} never succeeded")
        place.calm()
        assert keys_of(blobs) == sorted(model)
        assert {key: content_of(blobs, key) for key in model} == model
        assert {key: blobs.stat(key).metadata for key in model} == labels
        place.keeper.abandon(0)
        assert {key for key in place.visible("") if not key.startswith(".voxpersona/sums/")} == set(model)

    lived_through()


def _step(
    blobs: Blobs, verb: str, key: str, content: bytes, model: dict[str, bytes], labels: dict[str, dict[str, str]]
) -> None:
    """One step, which succeeds as it would with a dictionary, or raises what may be tried again."""
    if verb == "put":
        if model.get(key, content) == content:
            blobs.put(key, [content], metadata=METADATA)
            labels.setdefault(key, METADATA)
            model[key] = content
        else:
            with pytest.raises(Integrity) as caught:
                blobs.put(key, [content], metadata=METADATA)
            assert caught.value.code is Code.BLOB_CONFLICT
    elif verb == "delete":
        blobs.delete(key)
        model.pop(key, None)
        labels.pop(key, None)
    elif verb == "list":
        assert keys_of(blobs) == sorted(model)
    elif key not in model:
        _absent(blobs, verb, key)
    elif verb == "read":
        assert content_of(blobs, key) == model[key]
    elif verb == "stat":
        assert blobs.stat(key).sha256 == hashlib.sha256(model[key]).hexdigest()
    else:
        blobs.relabel(key, {"kind": "manifest"})
        labels[key] = {"kind": "manifest"}


def _absent(blobs: Blobs, verb: str, key: str) -> None:
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: content_of(blobs, key),
        "stat": lambda: blobs.stat(key),
        "relabel": lambda: blobs.relabel(key, {}),
    }
    try:
        calls[verb]()
    except VoxPersonaError as error:
        if error.code is not Code.BLOB_ABSENT:
            raise
    else:
        pytest.fail("it is not there")
