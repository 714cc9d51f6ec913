"""`voxpersona doctor` on an object store in which one thing is wrong: it is named, once, with its code and remedy."""

import dataclasses
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.test_object_store import settings
from tests.examined import Told, assert_says, english_in, examined, told
from tests.program import Program
from tests.servers.faults import Answer, Fault, Rewrite, Slow, Stall
from tests.servers.kept import free_port
from tests.servers.minio import NEEDS_MINIO
from tests.servers.proxy import Proxy, proxied
from tests.servers.s3 import S3Server
from tests.servers.seaweedfs import SeaweedFS
from tests.servers.tls import Authority, Certificate
from tests.speech_server import Reply, failing
from voxpersona.adapters.blobs.s3.policy import policy
from voxpersona.errors import Code

Environment = dict[str, str]


@dataclasses.dataclass(frozen=True)
class Place:
    """A server with two buckets and the settings of somebody who may use them."""

    server: S3Server
    authority: Authority
    stack: ExitStack
    audio: str
    main: str
    good: Environment

    def behind(self, *plan: Fault, certificate: Certificate | None = None) -> Environment:
        """The settings, by way of a proxy; to be trusted by the tests' own authority where it has a certificate."""
        ca_file = self.authority.ca_file
        proxy: Proxy = self.stack.enter_context(proxied(self.server, plan, certificate=certificate, ca_file=ca_file))
        return self.good | {"MINIO_ENDPOINT": proxy.server.endpoint, "MINIO_CA_FILE": str(ca_file)}

    def without(self, action: str) -> Environment:
        """The settings with the key of somebody who may not do just this."""
        allowed: Any = policy([self.audio, self.main])
        for statement in allowed["Statement"]:
            statement["Action"] = [one for one in statement["Action"] if one != action]
        return settings(self.server, *self.server.user(allowed), self.audio, self.main)

    def made_nowhere(self) -> Environment:
        """The settings with names of buckets that are not there, and the key of somebody who may not make them."""
        names = [f"absent-{secrets.token_hex(4)}" for _ in range(2)]
        return settings(self.server, *self.server.user(policy(names)), *names)

    def of_others(self) -> Environment:
        """The settings with the key of somebody who may use other buckets."""
        return settings(self.server, *self.server.user(policy(["elsewhere"])), self.audio, self.main)


def place(server: S3Server, authority: Authority, stack: ExitStack) -> Place:
    audio, main = server.bucket(), server.bucket()
    keys = server.user(policy([audio, main]))
    return Place(server, authority, stack, audio, main, settings(server, *keys, audio, main))


def always(act: Any, method: str = "") -> Fault:
    return Fault(act, method=method, times=None)


LONG_AGO = Rewrite((("Date", "Mon, 05 Jan 2026 10:00:00 GMT"),))
SKEWED = Answer(403, "RequestTimeTooSkewed")
ELSEWHERE = Answer(400, "AuthorizationHeaderMalformed")
FULL = Answer(507, "XMinioStorageFull")
AN_HOUR = "3600"
PATIENT = {"MINIO_READ_TIMEOUT": AN_HOUR, "MINIO_CONNECT_TIMEOUT": AN_HOUR, "MINIO_RETRY_SECONDS": AN_HOUR}

BROKEN: Mapping[str, tuple[Callable[[Place], Environment], str, Code, str]] = {
    "nobody at the endpoint": (
        lambda place: place.good | {"MINIO_ENDPOINT": f"http://127.0.0.1:{free_port()}"},
        *("store", Code.STORE_UNREACHABLE, "Nobody answers…http://127.0.0.1:…connection refused…MINIO_ENDPOINT"),
    ),
    "a name that nobody knows": (
        lambda place: place.good | {"MINIO_ENDPOINT": "https://store.invalid:9000"},
        *("store", Code.STORE_UNREACHABLE, "store.invalid…its name is not known…MINIO_ENDPOINT"),
    ),
    "an expired certificate": (
        lambda place: place.behind(certificate=place.authority.expired),
        *("store", Code.STORE_CERTIFICATE, "https://127.0.0.1:…has expired…Nothing was sent. Renew its certificate"),
    ),
    "an unknown authority": (
        lambda place: place.behind(certificate=place.authority.unknown_ca),
        *("store", Code.STORE_CERTIFICATE, "signed by an authority that is not trusted here…MINIO_CA_FILE"),
    ),
    "a certificate of another host": (
        lambda place: place.behind(certificate=place.authority.other_host),
        *("store", Code.STORE_CERTIFICATE, "its certificate is for 'store.example', not for 127.0.0.1"),
    ),
    "a file of authorities that is not there": (
        lambda place: place.behind(certificate=place.authority.good) | {"MINIO_CA_FILE": "/nowhere/ca.pem"},
        *("store", Code.STORE_CERTIFICATE, "the file in MINIO_CA_FILE is missing or holds no certificate"),
    ),
    "http against https": (
        lambda place: _with_scheme(place.behind(certificate=place.authority.good), "http"),
        *("store", Code.STORE_CERTIFICATE, "http://127.0.0.1:…it speaks https only…MINIO_USE_SSL"),
    ),
    "https against http": (
        lambda place: _with_scheme(place.good, "https"),
        *("store", Code.STORE_CERTIFICATE, "https://127.0.0.1:…it speaks plain http there…MINIO_USE_SSL"),
    ),
    "a wrong access key": (
        lambda place: place.good | {"MINIO_ACCESS_KEY": "somebody-else"},
        *("store", Code.STORE_KEYS, "refuses the keys (InvalidAccessKeyId (403))…MINIO_ACCESS_KEY"),
    ),
    "a wrong secret key": (
        lambda place: place.good | {"MINIO_SECRET_KEY": "mistyped-secret"},
        *("store", Code.STORE_KEYS, "refuses the keys (SignatureDoesNotMatch (403))…MINIO_SECRET_KEY"),
    ),
    "a clock the store complains about": (
        lambda place: place.behind(always(SKEWED)),
        *("store", Code.STORE_CLOCK, "clock…differ too much…NTP"),
    ),
    "a clock the store does not look at": (
        lambda place: place.behind(always(LONG_AGO)),
        *("bucket audio", Code.STORE_CLOCK, "clock…differ too much (…min)…NTP"),
    ),
    "a bucket nobody may make": (
        lambda place: (
            place.good | {"MINIO_AUDIO_BUCKET_NAME": "mistyped", "MINIO_CREATE_BUCKETS": "false"} | _keeper(place)
        ),
        *("store", Code.STORE_BUCKET, "mistyped cannot be used: it does not exist…MINIO_AUDIO_BUCKET_NAME"),
    ),
    "a bucket this key may not make": (
        lambda place: place.made_nowhere(),
        *(
            "store",
            Code.STORE_PERMISSION,
            "absent-…does not exist, and the access key may not create it…policy --setup",
        ),
    ),
    "a key for other buckets": (
        lambda place: place.of_others(),
        *("store", Code.STORE_PERMISSION, "may not do this in bucket…ListObjectsV2…bucket is the right one"),
    ),
    "a key that may not delete": (
        lambda place: place.without("s3:DeleteObject"),
        *("bucket audio", Code.STORE_PERMISSION, "may not…refused DeleteObject…`voxpersona storage policy`"),
    ),
    "a key that may not put": (
        lambda place: place.without("s3:PutObject"),
        *("bucket audio", Code.STORE_PERMISSION, "may not…refused PutObject…`voxpersona storage policy`"),
    ),
    "a key that may not read": (
        lambda place: place.without("s3:GetObject"),
        *("bucket audio", Code.STORE_PERMISSION, "may not…refused GetObject…`voxpersona storage policy`"),
    ),
    "a key that may not list": (
        lambda place: place.without("s3:ListBucket"),
        *("store", Code.STORE_PERMISSION, "list the bucket…refused ListObjectsV2…`voxpersona storage policy`"),
    ),
    "another region": (
        lambda place: place.behind(always(ELSEWHERE)),
        *("store", Code.STORE_REGION, "another region…MINIO_REGION"),
    ),
    "rules that do not stand": (
        lambda place: place.good | {"MINIO_EXPIRE_DERIVED_DAYS": "30"},
        *(
            "lifecycle main",
            Code.LIFECYCLE_UNSUPPORTED,
            "does not carry out 4 of…`voxpersona storage lifecycle --apply`",
        ),
    ),
    "a full store": (
        lambda place: place.behind(always(FULL, "PUT")),
        *("bucket audio", Code.NO_SPACE, "no room left…Nothing was lost…Make room"),
    ),
    "a store in trouble": (
        lambda place: place.behind(always(Answer(503, "SlowDown"))),
        *("store", Code.STORE_UNAVAILABLE, "http://127.0.0.1:…SlowDown (503)…Look at the server"),
    ),
    "a store that takes no write to its end": (
        lambda place: place.behind(always(Stall(), "PUT")) | PATIENT,
        *("bucket audio", Code.STORE_UNAVAILABLE, "no answer in time…Look at the server"),
    ),
    "a store that trickles": (
        lambda place: place.behind(always(Slow(20))) | PATIENT,
        *("store", Code.STORE_UNAVAILABLE, "no answer in time…Look at the server"),
    ),
}
IN_RUSSIAN = ("a name that nobody knows", "an expired certificate", "a key that may not delete", "a wrong secret key")


def _with_scheme(environment: Environment, scheme: str) -> Environment:
    address = environment["MINIO_ENDPOINT"].partition("://")[2]
    return environment | {"MINIO_ENDPOINT": f"{scheme}://{address}"}


def _keeper(place: Place) -> Environment:
    return {"MINIO_ACCESS_KEY": place.server.access_key, "MINIO_SECRET_KEY": place.server.secret_key}


@pytest.fixture(scope="module")
def healthy(seaweedfs: SeaweedFS, authority: Authority) -> Iterator[Place]:
    with ExitStack() as stack:
        yield place(seaweedfs.plain, authority, stack)


@pytest.fixture(scope="module")
def prepared(healthy: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory that all set-ups share: what is wrong is not there."""
    data = tmp_path_factory.mktemp("prepared") / "data"
    first = Program(data, **healthy.good).json("doctor")
    assert first["ok"], first
    return data


@pytest.fixture(scope="module")
def sayings(healthy: Place, prepared: Path) -> Mapping[str, Told]:
    return told({name: Program(prepared, **broken(healthy)) for name, (broken, *_) in BROKEN.items()})


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_with_the_store_is_said_once_with_its_remedy(name: str, sayings: Mapping[str, Told]) -> None:
    _, look, code, words = BROKEN[name]
    assert_says(sayings[name], {look: (code, words)})
    assert sayings[name].checks["database"]["ok"]


def test_no_key_is_ever_shown(sayings: Mapping[str, Told], healthy: Place) -> None:
    for one in sayings.values():
        assert healthy.good["MINIO_SECRET_KEY"] not in f"{one.document} {one.err}"
        assert "mistyped-secret" not in f"{one.document} {one.err}"


def test_both_buckets_are_named_where_both_have_the_trouble(sayings: Mapping[str, Told], healthy: Place) -> None:
    assert f"{healthy.audio}, {healthy.main}" in sayings["a key that may not delete"].sentence("bucket audio")


def test_a_russian_reads_russian(healthy: Place, prepared: Path) -> None:
    programs = {name: Program(prepared, **BROKEN[name][0](healthy), VOXPERSONA_LANGUAGE="ru") for name in IN_RUSSIAN}
    said = {name: outcome.out for name, outcome in examined(programs).items()}
    for name, out in said.items():
        assert english_in(out) == [], name
        assert "Из-за этого не проверено: " in out, name
    assert "ПЛОХО  хранилище: Объектное хранилище https://store.invalid" in said["a name that nobody knows"]
    assert "такое имя неизвестно" in said["a name that nobody knows"]
    assert "срок его сертификата истёк" in said["an expired certificate"]
    assert "записать, прочесть и удалить объект. Хранилище отказало в DeleteObject" in said["a key that may not delete"]
    assert "не принимает ключи (SignatureDoesNotMatch (403))" in said["a wrong secret key"]


def test_it_ends_whatever_hangs(healthy: Place, prepared: Path) -> None:
    environment = healthy.behind(always(Stall())) | PATIENT | {"VOXPERSONA_TRANSCRIBER_TIMEOUT": AN_HOUR}
    with failing([Reply(hangs=True)]) as server:
        program = Program(prepared, **environment, VOXPERSONA_TRANSCRIBER_URL=server.url)
        said = told({"all": program})["all"]
    assert_says(
        said,
        {
            "store": (Code.STORE_UNAVAILABLE, "no answer in time"),
            "speech": (Code.TRANSCRIBER_UNAVAILABLE, f"{server.url}…no answer in time"),
        },
    )


@NEEDS_MINIO
def test_minio_refuses_in_words_that_are_understood(
    minio_plain: S3Server, minio_tls: S3Server, authority: Authority, prepared: Path, tmp_path: Path
) -> None:
    """Each set-up has a data directory that has not met its store yet."""

    def fresh(name: str) -> Path:
        without = shutil.ignore_patterns("archive.id")
        return Path(shutil.copytree(prepared, tmp_path / name, ignore=without))

    with ExitStack() as stack:
        plain, tls = place(minio_plain, authority, stack), place(minio_tls, authority, stack)
        said = told(
            {
                "good": Program(fresh("good"), **tls.good),
                "access": Program(fresh("access"), **plain.good | {"MINIO_ACCESS_KEY": "somebody-else"}),
                "secret": Program(fresh("secret"), **plain.good | {"MINIO_SECRET_KEY": "mistyped-secret"}),
                "tls": Program(fresh("tls"), **_with_scheme(tls.good, "http")),
                "delete": Program(fresh("delete"), **plain.without("s3:DeleteObject")),
            }
        )
    assert said["good"].document["ok"], said["good"]
    assert_says(said["access"], {"store": (Code.STORE_KEYS, "InvalidAccessKeyId")})
    assert_says(said["secret"], {"store": (Code.STORE_KEYS, "SignatureDoesNotMatch")})
    assert_says(said["tls"], {"store": (Code.STORE_CERTIFICATE, "it speaks https only")})
    assert_says(said["delete"], {"bucket audio": (Code.STORE_PERMISSION, "DeleteObject")})
