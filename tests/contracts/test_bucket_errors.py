"""What can be wrong with a store at set-up, each told by its own code, with the facts that its sentence needs."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from tests.servers.faults import Answer, BreakRequest, Fault, Rewrite, Stall
from tests.servers.kept import Start, free_port, kept
from tests.servers.minio import NEEDS_MINIO, start_minio
from tests.servers.proxy import proxied
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.tls import Authority, Certificate
from voxpersona.adapters.blobs.directory import DirectoryBlobs
from voxpersona.adapters.blobs.directory_bucket import DirectoryBucket
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.s3.connection import Connection
from voxpersona.adapters.blobs.s3.policy import policy
from voxpersona.doors.texts import say
from voxpersona.errors import Code, Unavailable, VoxPersonaError, kind_of

MINIO = pytest.param("minio_plain", marks=NEEDS_MINIO)
ALL = ["seaweedfs", MINIO, "juicefs"]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> S3Server:
    found = request.getfixturevalue(request.param)
    server = found.plain if request.param == "seaweedfs" else found
    assert isinstance(server, S3Server)
    return server


def refused(call: Callable[[], object], code: Code) -> VoxPersonaError:
    """The error of the call: of this code and its kind, its sentences whole, and no secret in it."""
    with pytest.raises(VoxPersonaError) as caught:
        call()
    error = caught.value
    assert error.code is code, error.detail
    assert isinstance(error, kind_of(code))
    for language in ("en", "ru"):
        assert "—" not in say(code, language, {"reason": error.detail, **error.facts}), error.facts
    return error


def new_name() -> str:
    return f"new-{secrets.token_hex(4)}"


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_wrong_keys_are_told(server: S3Server) -> None:
    name = server.bucket()
    for connection in (
        server.connection(access_key="nobody-here"),
        server.connection(secret_key="not-the-secret-of-it"),
    ):
        for bucket in (S3Bucket(connection, name), S3Bucket(connection, new_name())):
            error = refused(bucket.prepare, Code.STORE_KEYS)
            assert connection.secret_key not in f"{error} {error.facts}"
            refused(bucket.abilities, Code.STORE_KEYS)
            refused(bucket.unfinished, Code.STORE_KEYS)
            refused(bucket.rules, Code.STORE_KEYS) if server.name != "juicefs" else None


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_a_key_without_rights_is_told_and_makes_nothing(server: S3Server) -> None:
    keys = server.user(policy([server.bucket()]))
    for name in (server.bucket(), new_name()):
        error = refused(S3Bucket(server.connection(*keys), name).prepare, Code.STORE_PERMISSION)
        assert (error.facts["bucket"], error.facts["doing"]) == (name, "list the bucket")


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_a_key_that_may_not_make_the_bucket_is_told(server: S3Server) -> None:
    name = new_name()
    error = refused(S3Bucket(server.connection(*server.user(policy([name]))), name).prepare, Code.STORE_PERMISSION)
    assert error.facts["doing"] == "create the bucket"


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
def test_a_name_that_somebody_else_has_is_told(server: S3Server) -> None:
    with proxied(server) as proxy:
        proxy.plan += [Fault(Answer(403, "AccessDenied"), "GET", times=None)]
        proxy.plan += [Fault(Answer(409, "BucketAlreadyExists"), "PUT", times=None)]
        error = refused(S3Bucket(proxy.server.connection(), new_name()).prepare, Code.STORE_BUCKET)
        assert "somebody else" in str(error.facts["reason"])


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
@pytest.mark.parametrize("code", ["BucketAlreadyExists", "BucketAlreadyOwnedByYou", "OperationAborted"])
def test_a_race_that_was_lost_is_no_error(server: S3Server, code: str) -> None:
    with proxied(server) as proxy:
        proxy.plan += [Fault(Answer(404, "NoSuchBucket"), "GET"), Fault(Answer(409, code), "PUT")]
        S3Bucket(proxy.server.connection(), server.bucket()).prepare()


@pytest.mark.parametrize("server", ALL, indirect=True)
@pytest.mark.parametrize("name", ["Upper_Case", "with blank", "ab", "x" * 64, "имя", "a/b", ""])
def test_a_name_that_no_bucket_can_have_is_told(server: S3Server, name: str) -> None:
    error = refused(S3Bucket(server.connection(), name).prepare, Code.STORE_BUCKET)
    assert error.facts["bucket"] == name


# Region


@contextmanager
def minio_in(region: str, program: Path) -> Iterator[S3Server]:
    def prepare(directory: Path) -> tuple[Start, S3Server]:
        start, server = start_minio(program, None, None, directory)
        return replace(start, environment={**start.environment, "MINIO_SITE_REGION": region}), server

    with kept(prepare, name="minio") as server:
        yield server


@NEEDS_MINIO
def test_a_store_of_another_region_is_told_and_not_followed(minio_program: Path) -> None:
    """boto3 would follow it by itself, and obstore then fail on the first blob."""
    with minio_in("eu-west-1", minio_program) as server:
        name = new_name()
        S3Bucket(server.connection(region="eu-west-1"), name).prepare()
        for each in (name, new_name()):
            error = refused(S3Bucket(server.connection(region="us-east-1"), each).prepare, Code.STORE_REGION)
            assert "eu-west-1" in str(error.facts["reason"])
        refused(S3Bucket(server.connection(region="us-east-1"), name).abilities, Code.STORE_REGION)


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
@pytest.mark.parametrize(("status", "code"), [(301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")])
def test_an_answer_that_sends_us_to_another_region_is_told(server: S3Server, status: int, code: str) -> None:
    name = server.bucket()
    with proxied(server) as proxy:
        proxy.plan += [Fault(Answer(status, code, (("x-amz-bucket-region", "eu-west-1"),)))]
        refused(S3Bucket(proxy.server.connection(), name).prepare, Code.STORE_REGION)
        assert len(proxy.seen) == 1


# Clock


@pytest.mark.parametrize("server", [MINIO, "juicefs"], indirect=True)
@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_clock_that_the_store_refuses_is_told(
    server: S3Server, minutes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = server.bucket()
    shift(monkeypatch, minutes)
    refused(S3Bucket(server.connection(), name).prepare, Code.STORE_CLOCK)


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
@pytest.mark.parametrize(("minutes", "is_wrong"), [(-20, True), (20, True), (-13, False), (13, False)])
def test_a_clock_that_the_store_does_not_mind_is_told_all_the_same(
    server: S3Server, minutes: int, is_wrong: bool
) -> None:
    name = server.bucket()
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    with proxied(server, [Fault(Rewrite((("Date", date),)), times=None)]) as proxy:
        bucket = S3Bucket(proxy.server.connection(), name)
        if is_wrong:
            error = refused(bucket.abilities, Code.STORE_CLOCK)
            assert "20 min" in str(error.facts["reason"])
        else:
            assert abs(bucket.abilities().clock_skew - minutes * 60) < 5
    assert server.keys(name) == []


def shift(monkeypatch: pytest.MonkeyPatch, minutes: int) -> None:
    """Set the clock by which boto3 signs: the machine's own cannot be."""

    def shifted(remove_tzinfo: bool = True) -> datetime:
        now = datetime.now(UTC) + timedelta(minutes=minutes)
        return now.replace(tzinfo=None) if remove_tzinfo else now

    monkeypatch.setattr("botocore.auth.get_current_datetime", shifted)


# The way there


def test_a_store_that_does_not_run_is_told() -> None:
    bucket = S3Bucket(Connection(f"http://127.0.0.1:{free_port()}", "access", "secret"), "bucket")
    error = refused(bucket.prepare, Code.STORE_UNREACHABLE)
    assert error.facts["reason"] == "connection refused"
    refused(bucket.abilities, Code.STORE_UNREACHABLE)


def test_a_name_that_leads_nowhere_is_told() -> None:
    bucket = S3Bucket(Connection("http://no-such-store.invalid:9000", "access", "secret"), "bucket")
    error = refused(bucket.prepare, Code.STORE_UNREACHABLE)
    assert error.facts["endpoint"] == "http://no-such-store.invalid:9000"


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
@pytest.mark.parametrize("act", [BreakRequest(), Stall(), Answer(500, "InternalError"), Answer(503, "SlowDown")])
def test_a_store_that_does_not_answer_as_it_should_is_told(
    server: S3Server, act: BreakRequest | Stall | Answer
) -> None:
    with proxied(server, [Fault(act, times=None)]) as proxy:
        bucket = S3Bucket(proxy.server.connection(read_timeout=0.3), new_name())
        assert isinstance(refused(bucket.prepare, Code.STORE_UNAVAILABLE), Unavailable)


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
def test_a_server_of_something_else_is_told(server: S3Server) -> None:
    codes = {Code.STORE_UNAVAILABLE, Code.STORE_PERMISSION, Code.STORE_REGION, Code.STORE_BUCKET}
    for act in (Answer(404), Answer(200), Answer(403), Answer(302, headers=(("Location", "/login"),))):
        with proxied(server, [Fault(act, times=None)]) as proxy, pytest.raises(VoxPersonaError) as caught:
            _prepared_and_probed(S3Bucket(proxy.server.connection(), new_name()))
        assert caught.value.code in codes


def _prepared_and_probed(bucket: S3Bucket) -> None:
    bucket.prepare()
    bucket.abilities()


@pytest.mark.parametrize("server", ["seaweedfs"], indirect=True)
@pytest.mark.parametrize(("status", "code"), [(507, "XMinioStorageFull"), (507, ""), (403, "QuotaExceeded")])
def test_a_full_store_is_told(server: S3Server, status: int, code: str) -> None:
    name = server.bucket()
    with proxied(server, [Fault(Answer(status, code), "PUT", times=None)]) as proxy:
        error = refused(S3Bucket(proxy.server.connection(), name).abilities, Code.NO_SPACE)
        assert error.facts["where"] == name
        refused(S3Bucket(proxy.server.connection(), new_name()).prepare, Code.NO_SPACE)


# TLS


def test_a_good_certificate_of_our_own_authority_is_trusted(seaweedfs: SeaweedFS) -> None:
    name = seaweedfs.tls.bucket()
    bucket = S3Bucket(seaweedfs.tls.connection(), name)
    bucket.prepare()
    assert bucket.abilities().create_only is True


def test_a_certificate_of_an_unknown_authority_is_told(seaweedfs: SeaweedFS) -> None:
    bucket = S3Bucket(seaweedfs.tls.connection(ca_file=None), new_name())
    error = refused(bucket.prepare, Code.STORE_CERTIFICATE)
    assert error.facts["endpoint"] == seaweedfs.tls.endpoint


@pytest.mark.parametrize("which", ["expired", "other_host", "unknown_ca"])
def test_a_certificate_that_is_not_right_is_told_and_nothing_is_sent(
    seaweedfs: SeaweedFS, authority: Authority, which: str
) -> None:
    certificate: Certificate = getattr(authority, which)
    with proxied(seaweedfs.plain, certificate=certificate, ca_file=authority.ca_file) as proxy:
        bucket = S3Bucket(proxy.server.connection(), new_name())
        for call in (bucket.prepare, bucket.abilities):
            refused(call, Code.STORE_CERTIFICATE)
        assert proxy.seen == []


@pytest.mark.parametrize("minio", [False, pytest.param(True, marks=NEEDS_MINIO)], ids=["seaweedfs", "minio"])
def test_http_where_https_is_spoken_is_told(request: pytest.FixtureRequest, seaweedfs: SeaweedFS, minio: bool) -> None:
    server = request.getfixturevalue("minio_tls") if minio else seaweedfs.tls
    plain = server.endpoint.replace("https:", "http:")
    refused(S3Bucket(server.connection(endpoint=plain), new_name()).prepare, Code.STORE_CERTIFICATE)


@pytest.mark.parametrize("server", ALL, indirect=True)
def test_https_where_http_is_spoken_is_told(server: S3Server) -> None:
    secure = server.endpoint.replace("http:", "https:")
    refused(S3Bucket(server.connection(endpoint=secure), new_name()).prepare, Code.STORE_CERTIFICATE)


# Directories


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(Unavailable) as caught:
        DirectoryBlobs(tmp_path / "file" / "store")
    assert caught.value.code is Code.STORE_UNAVAILABLE


def test_a_directory_that_went_away_is_made_again_or_told(tmp_path: Path) -> None:
    root = tmp_path / "store"
    bucket = DirectoryBucket(DirectoryBlobs(root), root)
    root.rename(tmp_path / "elsewhere")
    for call in (bucket.abilities, bucket.unfinished, bucket.free_bytes):
        with pytest.raises(Unavailable):
            call()
    bucket.prepare()
    assert bucket.abilities().create_only is True
