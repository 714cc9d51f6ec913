"""Errors of the clients, as they were seen, and ours."""

import ssl

import botocore.exceptions as boto
import pytest
import urllib3.exceptions as web
from botocore.exceptions import ClientError
from obstore.exceptions import AlreadyExistsError, GenericError, PermissionDeniedError

from voxpersona.adapters.blobs.s3.connection import Connection
from voxpersona.adapters.blobs.s3.edge import Refused, answer_of, is_condition, s3_errors
from voxpersona.doors.texts import explain
from voxpersona.errors import Code, Configuration, NotFound, Unavailable, VoxPersonaError

CONNECTION = Connection("http://store.example:9000", "an-access-key", "a-secret-key")


def turned(error: Exception, key: str | None = "a/b") -> VoxPersonaError:
    with pytest.raises(VoxPersonaError) as caught, s3_errors(CONNECTION, "audio", doing="read a blob", key=key):
        raise error
    return caught.value


def client_error(status: int, code: str = "", message: str = "", **headers: str) -> ClientError:
    about = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return ClientError(
        {"Error": {"Code": code or str(status), "Message": message}, "ResponseMetadata": about},  # type: ignore[typeddict-item]  # the rest of it is not read
        "GetObject",
    )


def obstore_text(status: str, code: str = "", message: str = "") -> str:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>" if code else ""
    return (
        f"Error performing GET http://store.example:9000/audio/a/b in 1ms - Server returned non-2xx status code: "
        f"{status}: {body}\n\nDebug source:\nNotFound {{ retries: 0 }}"
    )


ANSWERS = [
    (404, "NoSuchKey", Code.BLOB_ABSENT),
    (404, "NoSuchBucket", Code.STORE_BUCKET),
    (404, "", Code.STORE_UNAVAILABLE),
    (404, "NoSuchUpload", Code.STORE_UNAVAILABLE),
    (403, "AccessDenied", Code.STORE_PERMISSION),
    (403, "", Code.STORE_PERMISSION),
    (403, "InvalidAccessKeyId", Code.STORE_KEYS),
    (403, "SignatureDoesNotMatch", Code.STORE_KEYS),
    (403, "RequestTimeTooSkewed", Code.STORE_CLOCK),
    (400, "AuthorizationHeaderMalformed", Code.STORE_REGION),
    (301, "PermanentRedirect", Code.STORE_REGION),
    (400, "InvalidBucketName", Code.STORE_BUCKET),
    (507, "", Code.NO_SPACE),
    (507, "XMinioStorageFull", Code.NO_SPACE),
    (500, "InternalError", Code.STORE_UNAVAILABLE),
    (503, "SlowDown", Code.STORE_UNAVAILABLE),
    (429, "TooManyRequests", Code.STORE_UNAVAILABLE),
    (400, "BadDigest", Code.STORE_UNAVAILABLE),
    (409, "ConditionalRequestConflict", Code.STORE_UNAVAILABLE),
]


@pytest.mark.parametrize(("status", "code", "ours"), ANSWERS)
def test_an_answer_means_the_same_through_both_clients(status: int, code: str, ours: Code) -> None:
    errors: list[Exception] = [client_error(status, code), GenericError(obstore_text(f"{status} Words", code))]
    if status == 404:
        errors.append(FileNotFoundError(obstore_text("404 Not Found", code)))
    if status == 403:
        errors.append(PermissionDeniedError(obstore_text("403 Forbidden", code)))
    for error in errors:
        assert turned(error).code is ours
        assert turned(error).__cause__ is error


def test_absence_is_told_only_of_a_key_that_was_asked_for() -> None:
    assert isinstance(turned(client_error(404, "NoSuchKey")), NotFound)
    assert turned(client_error(404, "NoSuchKey"), key=None).code is Code.STORE_UNAVAILABLE


def test_a_full_disk_is_recognised_by_its_words_too() -> None:
    assert turned(client_error(500, "InternalError", "write: no space left on device")).code is Code.NO_SPACE


@pytest.mark.parametrize(
    ("status", "code"), [(400, "InvalidRequest"), (405, "MethodNotAllowed"), (501, "NotImplemented")]
)
def test_what_fails_again_is_not_for_another_try(status: int, code: str) -> None:
    error = turned(client_error(status, code))
    assert isinstance(error, Refused)
    assert not error.retryable


@pytest.mark.parametrize(
    ("status", "code"), [(400, "RequestTimeout"), (408, ""), (400, "BadDigest"), (503, "SlowDown")]
)
def test_what_may_pass_is_for_another_try(status: int, code: str) -> None:
    error = turned(client_error(status, code))
    assert isinstance(error, Unavailable)
    assert error.retryable


def test_a_store_that_says_when_to_come_again_is_heard() -> None:
    assert turned(client_error(503, "SlowDown", **{"retry-after": "7"})).facts["retry_after"] == 7.0
    assert "retry_after" not in turned(client_error(503, "SlowDown")).facts


@pytest.mark.parametrize(
    ("status", "code", "holds"), [(412, "PreconditionFailed", False), (409, "ConditionalRequestConflict", True)]
)
def test_a_writer_at_the_same_moment_is_not_taken_for_a_blob_that_stands(status: int, code: str, holds: bool) -> None:
    for error in (client_error(status, code), AlreadyExistsError(obstore_text(f"{status} Words", code))):
        assert is_condition(error) is not holds


def test_transport_errors_of_boto3_are_told_apart() -> None:
    url = "http://store.example:9000/audio"
    refused = boto.EndpointConnectionError(endpoint_url=url, error="[Errno 111] Connection refused")
    cases: list[tuple[Exception, Code]] = [
        (refused, Code.STORE_UNREACHABLE),
        (boto.ConnectTimeoutError(endpoint_url=url, error="timed out"), Code.STORE_UNREACHABLE),
        (boto.ReadTimeoutError(endpoint_url=url, error="read timed out"), Code.STORE_UNAVAILABLE),
        (boto.ConnectionClosedError(endpoint_url=url), Code.STORE_UNAVAILABLE),
        (web.ProtocolError("broken"), Code.STORE_UNAVAILABLE),
        (boto.SSLError(endpoint_url=url, error=ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER]")), Code.STORE_CERTIFICATE),
        (boto.ParamValidationError(report="x"), Code.INTERNAL),
    ]
    assert [turned(error).code for error, _ in cases] == [code for _, code in cases]
    assert turned(refused).facts["reason"] == "connection refused"


def test_every_fact_of_the_sentences_is_there() -> None:
    for status, code, _ in ANSWERS:
        for language in ("en", "ru"):
            assert "—" not in explain(turned(client_error(status, code)), language)


def test_a_presigned_address_is_quoted_nowhere() -> None:
    error = web.ProtocolError("lost http://store.example/audio/a?X-Amz-Signature=0123")
    ours = turned(error)
    assert ours.__cause__ is None
    assert "0123" not in f"{ours} {ours.detail} {ours.facts}"


def test_errors_that_are_nobodys_here_pass() -> None:
    for error in (ValueError("x"), FileNotFoundError(2, "No such file"), Configuration(Code.STORE_KEYS, "x")):
        with pytest.raises(type(error)) as caught, s3_errors(CONNECTION, "audio", doing="x", key="a"):
            raise error
        assert caught.value is error


def test_the_connection_shows_no_keys() -> None:
    assert "secret" not in repr(CONNECTION)
    assert "access" not in repr(CONNECTION)


def test_the_answer_of_no_store_is_none() -> None:
    assert answer_of(ValueError("status code: 404")) is None
