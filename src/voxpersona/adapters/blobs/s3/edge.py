"""Errors of S3 clients, turned into ours. Everything that talks to a store does so inside `s3_errors`.

boto3 and urllib3 raise typed errors; obstore tells everything but a few cases in one text, which holds the status, the
store's answer and the cause. What is read here was seen at obstore 0.12.1, boto3 1.44.5 and urllib3 2.8.
"""

import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import botocore.exceptions as boto
import urllib3.exceptions as web
from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError
from urllib3.util.ssl_match_hostname import CertificateError

from voxpersona.adapters.blobs.s3.connection import Connection
from voxpersona.errors import Code, Configuration, Integrity, NotFound, Unavailable, VoxPersonaError


class Refused(Unavailable):
    """The store understood the request and will not do it: the same call fails again."""

    retryable = False


@dataclass(frozen=True)
class Answer:
    """What a store said where it did not do as it was told. `code` is empty where it gave none, as to any HEAD."""

    status: int
    code: str
    message: str = ""
    retry_after: float = 0.0
    """Seconds the store asks us to wait before we come again."""

    def __str__(self) -> str:
        return f"{self.code} ({self.status})" if self.code else f"status {self.status}"


def answer_of(error: BaseException) -> Answer | None:
    """What the store said; None where it said nothing (or nothing that is known to be its own words)."""
    if isinstance(error, boto.ClientError):
        told = error.response.get("Error", {})
        about = error.response.get("ResponseMetadata", {})
        code = told.get("Code", "")
        wait = about.get("HTTPHeaders", {}).get("retry-after", "")
        return Answer(
            about.get("HTTPStatusCode", 0),
            "" if code.isdecimal() else code,
            told.get("Message", ""),
            float(wait) if wait.isdecimal() else 0.0,
        )
    if isinstance(error, BaseError | FileNotFoundError):
        return answer_in(str(error))
    return None


def answer_in(text: str) -> Answer | None:
    """The same from the text of an obstore error, or from the body of an answer with its status put before it."""
    words = text.partition("\n\nDebug source:")[0]
    status = _STATUS.search(words)
    code = _CODE.search(words)
    message = _MESSAGE.search(words)
    if status is None and code is None:
        return None
    return Answer(int(status[1]) if status else 200, code[1] if code else "", message[1] if message else "")


def is_condition(error: BaseException) -> bool:
    """Whether a condition of the request did not hold: something stands there, or it is not what it was."""
    answer = answer_of(error)
    if answer is None:
        return isinstance(error, AlreadyExistsError | PreconditionError)
    return answer.status == 412 or answer.code == "PreconditionFailed"


def says_absent(error: BaseException) -> bool:
    """Whether the store answered 404. Only with `NoSuchKey` is it certain that it speaks of the object."""
    answer = answer_of(error)
    return answer is not None and answer.status == 404


@contextmanager
def s3_errors(connection: Connection, bucket: str, *, doing: str, key: str | None = None) -> Iterator[None]:
    """Turn the errors of boto3, obstore and urllib3 raised inside into ours; others pass, ours among them.

    `doing` is a few English words for the sentence shown to a person. NotFound BLOB_ABSENT comes out only with a `key`
    and where the store said `NoSuchKey`. The answer to a HEAD has no words: a caller who wants certainty asks again
    by GET.
    """
    try:
        yield
    except (boto.BotoCoreError, boto.ClientError, BaseError, web.HTTPError, FileNotFoundError) as error:
        if isinstance(error, FileNotFoundError) and error.errno is not None:
            raise  # of the file system, not of obstore
        operation = error.operation_name if isinstance(error, boto.ClientError) else ""
        raise _turned(error, _Place(connection.endpoint, bucket, doing, key, operation)) from _quotable(error)


@dataclass(frozen=True)
class _Place:
    endpoint: str
    bucket: str
    doing: str
    key: str | None
    operation: str = ""
    """Which of several calls it was, where that is known: permissions are called much the same."""

    def unavailable(self, reason: str, *, final: bool = False, retry_after: float = 0.0) -> Unavailable:
        kind = Refused if final else Unavailable
        error = kind(Code.STORE_UNAVAILABLE, f"{self.doing}: {reason}", **self.facts(reason))
        if retry_after:
            error.facts["retry_after"] = retry_after
        return error

    def unreachable(self, reason: str) -> Unavailable:
        return Unavailable(Code.STORE_UNREACHABLE, f"{self.doing}: {reason}", **self.facts(reason))

    def configuration(self, code: Code, reason: str) -> Configuration:
        return Configuration(code, f"{self.doing}: {reason}", **self.facts(reason))

    def facts(self, reason: str) -> dict[str, str]:
        facts = {"endpoint": self.endpoint, "bucket": self.bucket, "doing": self.doing, "reason": reason}
        facts |= {"where": self.bucket, "operation": self.operation, "key": self.key or ""}
        return {name: told for name, told in facts.items() if told}


def _turned(error: Exception, place: _Place) -> VoxPersonaError:
    answer = answer_of(error)
    if answer is not None:
        return _of_answer(answer, place)
    if isinstance(error, boto.ParamValidationError):
        return Integrity(Code.INTERNAL, f"{place.doing}: boto3 was asked for something that cannot be")
    if isinstance(error, boto.InvalidDNSNameError | boto.InvalidEndpointConfigurationError):
        return place.configuration(Code.STORE_BUCKET, "its name is not allowed")
    if isinstance(error, BaseError):
        return _of_transport(str(error), place)
    return _of_typed(error, place)


def _of_answer(answer: Answer, place: _Place) -> VoxPersonaError:
    said = str(answer)
    for code, words in _CONFIGURATION.items():
        if answer.code in words:
            # The one message that says more than its code: it names the right region.
            return place.configuration(code, answer.message if code is Code.STORE_REGION and answer.message else said)
    if "region" in answer.message.lower() or answer.status in (301, 307):
        return place.configuration(Code.STORE_REGION, answer.message or said)
    if answer.status == 507 or answer.code in _SPACE or _FULL.search(answer.message):
        return Unavailable(Code.NO_SPACE, f"{place.doing}: {said}", **place.facts(said))
    if answer.code == "NoSuchKey" and place.key is not None:
        return NotFound(Code.BLOB_ABSENT, "no such blob", key=place.key)
    if answer.code in _DAMAGED:
        return place.unavailable(f"the bytes were damaged on the way, {said}")
    if answer.status in (401, 403):
        return place.configuration(Code.STORE_PERMISSION, said)
    if answer.status == 400 and "HTTPS server" in answer.message:
        return place.configuration(Code.STORE_CERTIFICATE, "it speaks TLS only")
    final = answer.status in _FINAL and answer.code not in _PASSING
    return place.unavailable(said, final=final, retry_after=answer.retry_after)


def _of_typed(error: Exception, place: _Place) -> VoxPersonaError:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            told = getattr(cause, "verify_message", "") or "not to be trusted"
            return place.configuration(Code.STORE_CERTIFICATE, told)
        if isinstance(cause, CertificateError):  # urllib3's own, of a name that is not in the certificate
            return place.configuration(Code.STORE_CERTIFICATE, str(cause))
        if isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return place.unavailable("the connection broke")
        if isinstance(cause, ssl.SSLError):
            return place.configuration(Code.STORE_CERTIFICATE, getattr(cause, "reason", "") or "no TLS there")
        if isinstance(cause, _UNREACHABLE):
            return place.unreachable(_why_unreachable(" ".join(f"{each} {_told(each)}" for each in _causes(error))))
        if isinstance(cause, _TIMEOUT):
            return place.unavailable("no answer in time")
    if isinstance(error, boto.SSLError):  # raised before any connection
        return place.configuration(Code.STORE_CERTIFICATE, "the file of authorities cannot be read")
    return place.unavailable("the connection broke" if isinstance(error, _BROKEN) else type(error).__name__)


def _of_transport(text: str, place: _Place) -> VoxPersonaError:
    """From the text of an obstore error that holds no answer."""
    certificate = _CERTIFICATE.search(text)
    if certificate is not None:
        return place.configuration(Code.STORE_CERTIFICATE, certificate[1])
    if _NO_TLS.search(text):
        return place.configuration(Code.STORE_CERTIFICATE, "no TLS there")
    if _CONNECTING.search(text):
        return place.unreachable(_why_unreachable(text))
    if "kind: Timeout" in text:
        return place.unavailable("no answer in time")
    if "kind: Interrupted" in text or "kind: Request" in text:
        return place.unavailable("the connection broke")
    return place.unavailable("an answer that makes no sense")


def _why_unreachable(text: str) -> str:
    for pattern, words in _WHY.items():
        if re.search(pattern, text, re.IGNORECASE):
            return words
    return "no connection"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what is behind it, outermost first."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        cause = waiting.pop(0)
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        waiting += [_told(cause), getattr(cause, "reason", None), cause.__cause__, cause.__context__]


def _told(error: BaseException) -> object:
    """What an error of boto3 says that it is made from: it does not say so in its text."""
    return (getattr(error, "kwargs", None) or {}).get("error")


def _quotable(error: Exception) -> Exception | None:
    """The error, unless it quotes a presigned address: that is a key for as long as it holds."""
    return None if "X-Amz-Signature" in str(error) else error


_STATUS = re.compile(r"status code: (\d{3})")
_CODE = re.compile(r"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")
_FULL = re.compile(r"no space left|no free volumes|not enough (space|volumes)|disk (is )?full|storage (is )?full", re.I)
_CERTIFICATE = re.compile(r"(?:InvalidCertificate\(\s*|invalid peer certificate: )(\w+)")
_CONNECTING = re.compile(r"kind: Connect,|legacy::Error\(\s*Connect,")  # a reset is `kind: ConnectionReset,`
_NO_TLS = re.compile(r"InvalidContentType|InvalidMessage\(|AlertReceived\(|HandshakeFailure|PeerIncompatible")

_CONFIGURATION = {
    Code.STORE_KEYS: {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidToken",
        "ExpiredToken",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidSecurity",
        "NotSignedUp",
        "AccountProblem",
        "XMinioInvalidAccessKey",
    },
    Code.STORE_CLOCK: {"RequestTimeTooSkewed", "RequestInTheFuture", "RequestExpired"},
    Code.STORE_REGION: {
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
        "IncorrectEndpoint",
        "InvalidRegion",
        "XMinioInvalidRegion",
    },
    Code.STORE_BUCKET: {"NoSuchBucket", "InvalidBucketName", "BucketAlreadyExists", "InvalidBucketState"},
    Code.STORE_PERMISSION: {"AccessDenied", "AllAccessDisabled", "UnauthorizedAccess"},
}
_SPACE = {
    "XMinioStorageFull",
    "InsufficientStorage",
    "QuotaExceeded",
    "XMinioAdminBucketQuotaExceeded",
    "ServiceQuotaExceeded",
    "EntityTooLargeForQuota",
}
_DAMAGED = {"BadDigest", "XAmzContentChecksumMismatch", "XAmzContentSHA256Mismatch", "IncompleteBody"}
_FINAL = {400, 405, 411, 413, 414, 416, 501}
_PASSING = {"RequestTimeout", "RequestTimeoutException", "SlowDown", "InternalError", "InvalidPart"}
"""The last one: the next try looks which parts the store really holds."""
_UNREACHABLE = (
    boto.EndpointConnectionError,
    boto.ConnectTimeoutError,
    boto.ProxyConnectionError,
    web.NewConnectionError,
    web.NameResolutionError,
    web.ConnectTimeoutError,
    web.ProxyError,
)
_TIMEOUT = (boto.ReadTimeoutError, web.TimeoutError, TimeoutError)
_BROKEN = (
    boto.ConnectionClosedError,
    boto.HTTPClientError,
    boto.ResponseStreamingError,
    boto.IncompleteReadError,
    web.ProtocolError,
    web.MaxRetryError,
)
_WHY = {
    r"refused": "connection refused",
    r"dns error|resolve|name or service|name resolution|nodename|getaddrinfo": "its name is not known",
    r"timed ?out|(?<!retry_)timeout": "no answer in time",
    r"unreachable|no route": "no route to it",
}
