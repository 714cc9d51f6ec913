"""What is particular to buckets on S3 servers: set-up, the probe, rules beside those of others, locked versions."""

import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.builders_blobs import content_of, keys_of
from tests.servers.faults import Answer, Fault
from tests.servers.minio import NEEDS_MINIO
from tests.servers.proxy import Proxy, proxied
from tests.servers.s3 import S3Server
from voxpersona.adapters.blobs.s3.blobs import S3Blobs
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.s3.marker import MARKS, Mark
from voxpersona.adapters.blobs.s3.policy import policy
from voxpersona.adapters.blobs.s3.probe import PROBES
from voxpersona.errors import Code, Configuration, Unavailable
from voxpersona.model import Action, Checksum, Rule

MINIO = pytest.param("minio_plain", marks=NEEDS_MINIO)
MODERN = ["seaweedfs", MINIO]
ALL = [*MODERN, "juicefs"]

EXPIRE = Rule(action=Action.EXPIRE, days=30, kind="report")
THEIRS = {"ID": "theirs", "Status": "Enabled", "Filter": {"Prefix": "logs/"}, "Expiration": {"Days": 9}}


@pytest.fixture
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    server = found.plain if request.param == "seaweedfs" else found
    assert isinstance(server, S3Server)
    return server


@pytest.fixture
def proxy(server: S3Server) -> Iterator[Proxy]:
    with proxied(server) as proxy:
        yield proxy


def new_name() -> str:
    return f"new-{secrets.token_hex(4)}"


def as_user(server: S3Server, name: str, *, setup: bool = False, **changes: Any) -> S3Bucket:
    return S3Bucket(server.connection(*server.user(policy([name], setup=setup))), name, **changes)


def with_actions(server: S3Server, name: str, *actions: str) -> S3Bucket:
    """As a user who may do these things only."""
    resources = [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    statement = {"Effect": "Allow", "Action": [f"s3:{action}" for action in actions], "Resource": resources}
    keys = server.user({"Version": "2012-10-17", "Statement": [statement]})
    return S3Bucket(server.connection(*keys), name)


# Set-up


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_a_bucket_that_stands_needs_no_right_to_make_one(server: S3Server) -> None:
    as_user(server, server.bucket()).prepare()


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_a_missing_bucket_is_made_where_that_is_allowed(server: S3Server) -> None:
    name = new_name()
    as_user(server, name, setup=True).prepare()
    assert server.keys(name) == []


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_a_missing_bucket_is_not_made_where_that_is_not_wanted(server: S3Server) -> None:
    with pytest.raises(Configuration) as caught:
        as_user(server, new_name(), setup=True, create=False).prepare()
    assert caught.value.code is Code.STORE_BUCKET
    assert caught.value.facts["reason"] == "it does not exist"


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
def test_a_bucket_is_made_in_the_region_of_the_connection(proxy: Proxy) -> None:
    S3Bucket(proxy.server.connection(region="eu-north-1"), new_name()).prepare()
    made = [request for request in proxy.seen if request.method == "PUT"]
    assert len(made) == 1
    assert made[0].body > 0
    S3Bucket(proxy.server.connection(region="us-east-1"), new_name()).prepare()
    made = [request for request in proxy.seen if request.method == "PUT"]
    assert [request.body > 0 for request in made] == [True, False]


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_versioning_is_switched_on_where_it_is_wanted(server: S3Server) -> None:
    name = new_name()
    bucket = as_user(server, name, setup=True, versioning=True)
    for _ in range(2):
        bucket.prepare()
        assert bucket.abilities().versioning is True
    other = as_user(server, server.bucket())
    other.prepare()
    assert other.abilities().versioning is False


@pytest.mark.parametrize("server", ["juicefs"], indirect=True)
def test_wanting_versions_of_a_store_that_has_none_is_no_error(server: S3Server) -> None:
    bucket = as_user(server, new_name(), setup=True, versioning=True)
    bucket.prepare()
    assert bucket.abilities().versioning is False


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_wanting_versions_without_the_right_to_is_told(server: S3Server) -> None:
    with pytest.raises(Configuration) as caught:
        as_user(server, server.bucket(), versioning=True).prepare()
    assert caught.value.code is Code.STORE_PERMISSION
    assert caught.value.facts["doing"] == "switch versioning on"


# The probe


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_what_the_key_may_not_do_is_not_counted_on(server: S3Server) -> None:
    name = server.bucket()
    bucket = with_actions(server, name, "ListBucket", "GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload")
    found = bucket.abilities()
    assert (found.tags, found.versioning, found.lifecycle) == (False, None, None)
    assert (found.create_only, found.checksum) == (True, Checksum.SHA256)
    assert server.keys(name) == []


@pytest.mark.parametrize("server", ALL, indirect=True)
@pytest.mark.parametrize("right", ["GetObject", "PutObject", "DeleteObject"])
def test_a_key_that_may_not_even_put_get_and_delete_is_told(server: S3Server, right: str) -> None:
    rest = {"ListBucket", "GetObject", "PutObject", "DeleteObject"} - {right}
    with pytest.raises(Configuration) as caught:
        with_actions(server, server.bucket(), *rest).abilities()
    assert caught.value.code is Code.STORE_PERMISSION


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_the_probe_of_a_keeper_leaves_no_old_versions(server: S3Server) -> None:
    name = server.bucket()
    bucket = S3Bucket(server.connection(), name, versioning=True)
    bucket.prepare()
    assert bucket.abilities().create_only is True
    found = server.keeper.list_object_versions(Bucket=name)
    assert len(found.get("Versions", [])) <= 1  # of the blob whose plain delete was tried
    assert len(found.get("DeleteMarkers", [])) <= 1


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
def test_a_probe_that_gets_no_clear_answer_tells_so_and_cleans_up(server: S3Server, proxy: Proxy) -> None:
    name = server.bucket()
    proxy.plan.append(Fault(Answer(503, "SlowDown"), "GET", "versioning", times=None))
    with pytest.raises(Unavailable) as caught:
        S3Bucket(proxy.server.connection(), name).abilities()
    assert caught.value.code is Code.STORE_UNAVAILABLE
    assert server.keys(name) == []
    assert server.keeper.list_multipart_uploads(Bucket=name).get("Uploads", []) == []


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
@pytest.mark.parametrize(
    ("name", "fault", "expected"),
    [
        ("create_only", Fault(Answer(501, "NotImplemented"), "POST", "uploads", skip=1), True),
        ("create_only", Fault(Answer(501, "NotImplemented"), "POST", "uploads"), False),
        ("create_only", Fault(Answer(501, "NotImplemented"), "PUT", "/once"), False),
        ("create_only", Fault(Answer(200, headers=(("ETag", '"x"'),)), "PUT", "/once", skip=1), False),
        ("create_only", Fault(Answer(200), "POST", "/once.uploadId"), False),
        ("checksum", Fault(Answer(501, "NotImplemented"), "PUT", "/sha256$"), Checksum.MD5),
        ("checksum", Fault(Answer(200), "PUT", "/sha256-wrong"), Checksum.MD5),
        ("checksum", Fault(Answer(200, headers=(("ETag", '"x"'),)), "PUT", "/parts.uploadId"), Checksum.MD5),
        ("checksum", Fault(Answer(200), "PUT", "-wrong", times=None), Checksum.NONE),
        ("tags", Fault(Answer(200, headers=(("ETag", '"x"'),)), "PUT", "/tags"), False),
        ("tags", Fault(Answer(501, "NotImplemented"), "GET", "tagging"), False),
        ("lifecycle", Fault(Answer(501, "NotImplemented"), "GET", "lifecycle"), False),
        ("versioning", Fault(Answer(405, "MethodNotAllowed"), "GET", "versioning"), False),
    ],
)
def test_an_ability_is_believed_only_where_its_effect_was_seen(
    server: S3Server, proxy: Proxy, name: str, fault: Fault, expected: object
) -> None:
    proxy.plan.append(fault)
    assert getattr(S3Bucket(proxy.server.connection(), server.bucket()).abilities(), name) == expected


# Leftovers


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_what_a_killed_probe_left_is_found_and_swept(server: S3Server) -> None:
    name = server.bucket()
    server.keeper.put_object(Bucket=name, Key=f"{PROBES}0123/plain", Body=b"first")
    bucket = as_user(server, name)
    assert [(left.key, left.upload, left.stored) for left in bucket.unfinished()] == [(f"{PROBES}0123/plain", "", 5)]
    assert bucket.abandon(3600) == 0
    assert bucket.abandon(0) == 1
    assert server.keys(name) == []


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_an_upload_goes_with_its_mark_and_a_mark_without_one_by_itself(server: S3Server) -> None:
    name = server.bucket()
    upload = server.keeper.create_multipart_upload(Bucket=name, Key="a/50%25")["UploadId"]
    server.keeper.upload_part(Bucket=name, Key="a/50%25", UploadId=upload, PartNumber=1, Body=b"half")
    leave_mark(server, name, "1", "a/50%", upload)
    leave_mark(server, name, "2", "b", upload[:-6] + "000000")
    server.keeper.put_object(Bucket=name, Key=f"{MARKS}3/x.json", Body=b"no mark at all")
    bucket = as_user(server, name)
    found = {(left.key, bool(left.upload), left.stored > 4) for left in bucket.unfinished()}
    assert found == {("a/50%", True, False), (f"{MARKS}2/x.json", False, True), (f"{MARKS}3/x.json", False, True)}
    assert bucket.abandon(0) == 3
    assert bucket.unfinished() == []
    assert server.keys(name) == []


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_an_upload_that_the_store_does_not_list_is_found_by_its_mark(server: S3Server, proxy: Proxy) -> None:
    """As with a MinIO that was started again."""
    name = server.bucket()
    upload = server.keeper.create_multipart_upload(Bucket=name, Key="a")["UploadId"]
    server.keeper.upload_part(Bucket=name, Key="a", UploadId=upload, PartNumber=1, Body=b"half")
    leave_mark(server, name, "1", "a", upload)
    proxy.plan.append(Fault(Answer(200), "GET", r"\?uploads", times=None))
    bucket = S3Bucket(proxy.server.connection(), name)
    assert [(left.key, left.upload, left.stored) for left in bucket.unfinished()] == [("a", upload, 4)]
    assert bucket.abandon(0) == 1
    proxy.plan.clear()
    assert bucket.unfinished() == []
    assert server.keys(name) == []


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_many_uploads_are_all_found(server: S3Server) -> None:
    name = server.bucket()
    for number in range(12):
        server.keeper.create_multipart_upload(Bucket=name, Key=f"a/{number // 3}")
    bucket = as_user(server, name)
    assert len({(left.key, left.upload) for left in bucket.unfinished()}) == 12
    assert bucket.abandon(0) == 12


def leave_mark(server: S3Server, name: str, place: str, key: str, upload: str) -> None:
    when = server.keeper.list_buckets()["Buckets"][0]["CreationDate"]
    mark = Mark(key=key, upload=upload, sha256="0" * 64, size=9, part_size=4, labels="", begun_at=when)
    server.keeper.put_object(Bucket=name, Key=f"{MARKS}{place}/x.json", Body=mark.model_dump_json().encode())


# Rules


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_rules_of_others_stay_as_they_are(server: S3Server) -> None:
    name = server.bucket()
    configuration = {"Rules": [THEIRS]}
    server.keeper.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration=configuration)  # type: ignore[arg-type]  # a plain dictionary reads better here
    bucket = as_user(server, name, setup=True)
    for rules in ([EXPIRE], [], [EXPIRE, Rule(action=Action.EXPIRE, days=400)]):
        bucket.apply(rules)
        assert [*bucket.rules()] == rules
        found = server.keeper.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        assert [rule for rule in found if not rule["ID"].startswith("voxpersona-")] == [THEIRS]
        assert len(found) == 1 + len(rules)


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
def test_the_same_rules_again_are_not_written(proxy: Proxy, server: S3Server) -> None:
    bucket = S3Bucket(proxy.server.connection(), server.bucket())
    rules = [EXPIRE, Rule(action=Action.ABANDON, days=2)]
    bucket.apply(rules)
    written = proxy.counts()["PUT"]
    bucket.apply([*reversed(rules)])
    assert proxy.counts()["PUT"] == written == 1


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
def test_a_rule_that_is_taken_and_not_kept_is_told(proxy: Proxy, server: S3Server) -> None:
    bucket = S3Bucket(proxy.server.connection(), server.bucket())
    bucket.apply([EXPIRE])
    proxy.plan.append(Fault(Answer(200), "PUT", "lifecycle"))
    other = Rule(action=Action.EXPIRE, days=4, kind="piece")
    with pytest.raises(Configuration) as caught:
        bucket.apply([EXPIRE, other])
    assert caught.value.code is Code.LIFECYCLE_UNSUPPORTED
    assert caught.value.facts["rule"] == "voxpersona-expire-piece-4"
    assert [*bucket.rules()] == [EXPIRE]


@pytest.mark.parametrize("server", [MINIO], indirect=True)
def test_what_only_minio_knows_in_the_rules_of_others_is_kept(server: S3Server) -> None:
    """boto3 would drop it: then MinIO would keep for ever what its administrator wants gone, or the other way."""
    name = server.bucket()
    bucket = S3Bucket(server.connection(), name)
    theirs = (
        b'<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule><ID>theirs</ID>'
        b"<Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status>"
        b"<DelMarkerExpiration><Days>5</Days></DelMarkerExpiration></Rule></LifecycleConfiguration>"
    )

    def verbatim(*, params: dict[str, object], **_: object) -> None:
        params["body"] = theirs

    event = "before-call.s3.PutBucketLifecycleConfiguration"
    server.keeper.meta.events.register(event, verbatim)
    try:
        server.keeper.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": []})
    finally:
        server.keeper.meta.events.unregister(event, verbatim)
    bucket.apply([EXPIRE])
    bucket.apply([])
    seen: list[bytes] = []

    def look(*, http_response: object, **_: object) -> None:
        seen.append(getattr(http_response, "content", b""))

    event = "after-call.s3.GetBucketLifecycleConfiguration"
    server.keeper.meta.events.register(event, look)
    try:
        server.keeper.get_bucket_lifecycle_configuration(Bucket=name)
    finally:
        server.keeper.meta.events.unregister(event, look)
    assert b"<DelMarkerExpiration><Days>5</Days></DelMarkerExpiration>" in seen[-1]


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_rules_without_the_right_to_set_them_are_told(server: S3Server) -> None:
    bucket = as_user(server, server.bucket())
    assert [*bucket.rules()] == []
    with pytest.raises(Configuration) as caught:
        bucket.apply([EXPIRE])
    assert caught.value.code is Code.STORE_PERMISSION
    assert caught.value.facts["doing"] == "set the lifecycle rules"


# Object lock


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_a_locked_version_survives_every_delete(server: S3Server) -> None:
    name = new_name()
    server.keeper.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    bucket = S3Bucket(server.connection(), name)
    assert bucket.object_lock() is True
    assert bucket.abilities().versioning is True
    blobs = S3Blobs(server.connection(), name)
    blobs.put("a", [b"evidence"])
    server.keeper.put_object_legal_hold(Bucket=name, Key="a", LegalHold={"Status": "ON"})
    held = server.keeper.head_object(Bucket=name, Key="a")["VersionId"]
    blobs.delete("a")
    assert keys_of(blobs) == []
    with pytest.raises(ClientError):
        server.keeper.delete_object(Bucket=name, Key="a", VersionId=held)
    with server.keeper.get_object(Bucket=name, Key="a", VersionId=held)["Body"] as body:
        assert body.read() == b"evidence"


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_a_bucket_without_object_lock_says_so(server: S3Server) -> None:
    assert as_user(server, server.bucket()).object_lock() is False


@pytest.mark.parametrize("server", MODERN, indirect=True)
def test_whether_there_is_object_lock_may_be_secret(server: S3Server) -> None:
    assert with_actions(server, server.bucket(), "ListBucket").object_lock() is None


# Both paths


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_the_keeper_and_the_blobs_of_one_bucket_do_not_meet(server: S3Server) -> None:
    name = server.bucket()
    keys = server.user(policy([name]))
    blobs, bucket = S3Blobs(server.connection(*keys), name), S3Bucket(server.connection(*keys), name)
    blobs.put("recordings/a", [b"kept"], metadata={"kind": "original"})
    bucket.abilities()
    bucket.abandon(0)
    assert keys_of(blobs) == ["recordings/a"]
    assert content_of(blobs, "recordings/a") == b"kept"
