"""The fault proxy does what it is told, before real servers, and nothing else. Its clients are not the product's."""

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
)

from tests.builders_blobs import some_bytes
from tests.servers import faults
from tests.servers.faults import Fault
from tests.servers.minio import NEEDS_MINIO
from tests.servers.proxy import Proxy, proxied
from tests.servers.s3 import REGION, S3Server
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.tls import Authority

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CONTENT = some_bytes(200_000)
SERVERS = [
    "seaweedfs",
    "seaweedfs, TLS",
    "juicefs",
    pytest.param("minio", marks=NEEDS_MINIO),
    pytest.param("minio, TLS", marks=NEEDS_MINIO),
]


@pytest.fixture(params=SERVERS)
def upstream(request: pytest.FixtureRequest) -> S3Server:
    """Every server there is."""
    take: dict[str, Callable[[], S3Server]] = {
        "seaweedfs": lambda: request.getfixturevalue("seaweedfs").plain,
        "seaweedfs, TLS": lambda: request.getfixturevalue("seaweedfs").tls,
        "juicefs": lambda: request.getfixturevalue("juicefs"),
        "minio": lambda: request.getfixturevalue("minio_plain"),
        "minio, TLS": lambda: request.getfixturevalue("minio_tls"),
    }
    return take[request.param]()


@pytest.fixture(scope="module")
def bucket(seaweedfs: SeaweedFS) -> str:
    return seaweedfs.plain.bucket()


@pytest.fixture
def proxy(seaweedfs: SeaweedFS) -> Iterator[Proxy]:
    with proxied(seaweedfs.plain) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: Proxy) -> Iterator["S3Client"]:
    """It tries once, so that what it tells is what happened."""
    client = _client(proxy.server)
    yield client
    client.close()


def _client(server: S3Server, *, read_timeout: float = 20) -> "S3Client":
    client: S3Client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        aws_access_key_id=server.access_key,
        aws_secret_access_key=server.secret_key,
        region_name=REGION,
        verify=str(server.ca_file) if server.ca_file else True,
        config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}, read_timeout=read_timeout),
    )
    return client


def _code(error: ClientError) -> tuple[int, str]:
    return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]


def test_without_a_plan_every_server_is_as_it_is_and_signatures_hold(upstream: S3Server) -> None:
    bucket = upstream.bucket()
    with proxied(upstream) as proxy:
        client = _client(proxy.server)
        for key, content in {"a/b c+d%20e/ё?x=1&y": CONTENT, "empty": b""}.items():
            client.put_object(Bucket=bucket, Key=key, Body=content)
            assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == content
            assert client.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(content)
        assert [found["Key"] for found in client.list_objects_v2(Bucket=bucket)["Contents"]] == upstream.keys(bucket)
        with pytest.raises(client.exceptions.NoSuchKey):
            client.get_object(Bucket=bucket, Key="absent")
        client.delete_object(Bucket=bucket, Key="empty")
        client.close()
        assert proxy.counts() == {"PUT": 2, "GET": 4, "HEAD": 2, "DELETE": 1}
        assert proxy.sent("PUT") == len(CONTENT)
        assert all(dict(request.headers)["Host"] == proxy.server.endpoint.partition("//")[2] for request in proxy.seen)


def test_it_speaks_tls_with_the_certificate_it_is_given(seaweedfs: SeaweedFS, authority: Authority) -> None:
    for certificate, trusted in (
        (authority.good, True),
        (authority.expired, False),
        (authority.other_host, False),
        (authority.unknown_ca, False),
    ):
        with proxied(seaweedfs.plain, certificate=certificate, ca_file=authority.ca_file) as proxy:
            client = _client(proxy.server)
            if trusted:
                client.list_buckets()
            else:
                with pytest.raises(SSLError):
                    client.list_buckets()
            client.close()
            assert len(proxy.seen) == trusted


def test_a_planned_answer_comes_as_often_as_planned_and_the_server_is_not_asked(
    proxy: Proxy, client: "S3Client", bucket: str, seaweedfs: SeaweedFS
) -> None:
    answer = faults.Answer(503, "SlowDown", (("Retry-After", "3"),))
    proxy.plan.append(Fault(answer, method="PUT", target="planned$", times=2, skip=1))
    outcomes: list[object] = []
    for number in range(4):
        try:
            client.put_object(Bucket=bucket, Key=f"{number}/planned", Body=CONTENT)
            outcomes.append("ok")
        except ClientError as error:
            outcomes.append((*_code(error), error.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]))
        client.put_object(Bucket=bucket, Key=f"{number}/other", Body=b"x")
    assert outcomes == ["ok", (503, "SlowDown", "3"), (503, "SlowDown", "3"), "ok"]
    stood = [key for key in seaweedfs.plain.keys(bucket) if key.endswith("planned")]
    assert stood == ["0/planned", "3/planned"]


def test_a_lost_answer_leaves_the_work_done(
    proxy: Proxy, client: "S3Client", bucket: str, seaweedfs: SeaweedFS
) -> None:
    proxy.plan.append(Fault(faults.LoseAnswer(), method="PUT"))
    with pytest.raises(ConnectionClosedError):
        client.put_object(Bucket=bucket, Key="lost", Body=CONTENT)
    assert "lost" in seaweedfs.plain.keys(bucket)


@pytest.mark.parametrize("after", [None, 0, 100_000])
def test_a_broken_request_does_no_work(
    proxy: Proxy, client: "S3Client", bucket: str, seaweedfs: SeaweedFS, after: int | None
) -> None:
    proxy.plan.append(Fault(faults.BreakRequest(after)))
    with pytest.raises(BotoCoreError):
        client.put_object(Bucket=bucket, Key="broken", Body=CONTENT)
    assert "broken" not in seaweedfs.plain.keys(bucket)
    assert len(CONTENT) > proxy.sent("PUT") >= (after or 0)


def test_an_answer_is_cut_flipped_or_rewritten_as_told(proxy: Proxy, client: "S3Client", bucket: str) -> None:
    client.put_object(Bucket=bucket, Key="a", Body=CONTENT)
    proxy.plan.append(Fault(faults.Cut(150_000), method="GET"))
    with pytest.raises(ResponseStreamingError):
        client.get_object(Bucket=bucket, Key="a")["Body"].read()
    proxy.plan.append(Fault(faults.FlipAnswer(70_000), method="GET"))
    body = client.get_object(Bucket=bucket, Key="a", Range="bytes=0-")["Body"].read()
    assert [at for at in range(len(CONTENT)) if body[at] != CONTENT[at]] == [70_000]
    proxy.plan.append(Fault(faults.Rewrite((("etag", '"0"'), ("last-modified", None))), method="HEAD"))
    told = client.head_object(Bucket=bucket, Key="a")
    assert (told["ETag"], "LastModified" in told) == ('"0"', False)
    assert client.get_object(Bucket=bucket, Key="a")["Body"].read() == CONTENT


def test_a_byte_flipped_on_its_way_in_is_found_by_the_server(proxy: Proxy, client: "S3Client", bucket: str) -> None:
    proxy.plan.append(Fault(faults.FlipRequest(123_456), method="PUT"))
    with pytest.raises(ClientError) as caught:
        client.put_object(Bucket=bucket, Key="flipped", Body=CONTENT)
    assert _code(caught.value)[0] == 400


def test_a_stalled_answer_never_comes(proxy: Proxy, bucket: str) -> None:
    client = _client(proxy.server, read_timeout=0.3)
    client.put_object(Bucket=bucket, Key="a", Body=CONTENT)
    proxy.plan += [Fault(faults.Stall()), Fault(faults.Stall(after=1000))]
    with pytest.raises(ReadTimeoutError):
        client.get_object(Bucket=bucket, Key="a")
    body = client.get_object(Bucket=bucket, Key="a")["Body"]
    assert body.read(1000) == CONTENT[:1000]
    with pytest.raises(ReadTimeoutError):
        body.read()
    client.close()


def test_a_slow_body_comes_whole(proxy: Proxy, client: "S3Client", bucket: str) -> None:
    proxy.plan.append(Fault(faults.Slow(4_000_000), times=None))
    client.put_object(Bucket=bucket, Key="slow", Body=CONTENT)
    assert client.get_object(Bucket=bucket, Key="slow")["Body"].read() == CONTENT


def test_down_is_refused_and_up_is_there_again(proxy: Proxy, client: "S3Client") -> None:
    client.list_buckets()
    proxy.down()
    with pytest.raises(EndpointConnectionError):
        client.list_buckets()
    proxy.up()
    client.list_buckets()


def test_many_clients_are_served_at_once(proxy: Proxy, client: "S3Client", bucket: str) -> None:
    together = threading.Barrier(8)

    def write(number: int) -> None:
        together.wait()
        client.put_object(Bucket=bucket, Key=f"many/{number}", Body=CONTENT)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert client.list_objects_v2(Bucket=bucket, Prefix="many/")["KeyCount"] == 8
