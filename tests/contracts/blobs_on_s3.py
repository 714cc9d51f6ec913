"""What every S3 server must pass: the contract of `Blobs` as the user that the product's own policy allows, links that
need no keys, and refusals. The files test_blobs_SERVER.py run it, one server each."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import pytest
import urllib3
from hypothesis import HealthCheck, given, settings

from tests.builders_blobs import MIB, content_of, keys_of, some_bytes
from tests.contracts.test_blobs import STEPS, BlobsContract
from tests.servers.s3 import RefusedError, S3Server
from voxpersona.adapters.blobs.s3.blobs import S3Blobs
from voxpersona.adapters.blobs.s3.bucket import S3Bucket
from voxpersona.adapters.blobs.s3.connection import Connection, control
from voxpersona.adapters.blobs.s3.edge import s3_errors
from voxpersona.adapters.blobs.s3.policy import policy
from voxpersona.errors import Code, Configuration, Integrity, NotFound, VoxPersonaError
from voxpersona.ports import Blobs

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = 'Интервью №5 «Отель» "Заря"; 100%.mp3'


@dataclass(frozen=True)
class Place:
    """A bucket that the keeper made, and the application's way into it."""

    server: S3Server
    bucket: str
    connection: Connection
    blobs: S3Blobs

    @contextmanager
    def as_application(self) -> Iterator["S3Client"]:
        """The product's own client, of the application's user."""
        client = control(self.connection)
        try:
            yield client
        finally:
            client.close()

    def code_of(self, call: Callable[[], object]) -> Code | None:
        """What our edge makes of the server's answer; None where the server did as it was told."""
        try:
            with s3_errors(self.connection, self.bucket, doing="try something"):
                call()
        except VoxPersonaError as error:
            return error.code
        return None


def place_on(server: S3Server, spool: Path) -> Place:
    """With a user of least privilege."""
    bucket = server.bucket()
    connection = server.connection(*server.user(policy([bucket])))
    abilities = S3Bucket(connection, bucket, create=False).abilities
    return Place(server, bucket, connection, S3Blobs(connection, bucket, abilities=abilities, spool=spool))


class S3BlobsContract(BlobsContract):
    """The contract and more. Who runs it has a fixture `server` and says in `subject` which that is."""

    creates_only: ClassVar[bool] = True
    """Whether the server heeds the condition that nothing may stand there yet."""

    @pytest.fixture(scope="class")
    @classmethod
    def place(cls, server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Place:
        return place_on(server, tmp_path_factory.mktemp("spool"))

    @pytest.fixture
    def blobs(self, place: Place) -> Blobs:
        place.server.empty(place.bucket)
        return place.blobs

    # What the server is

    def test_the_probe_knows_whether_the_server_heeds_conditions(self, place: Place) -> None:
        place.server.empty(place.bucket)
        # A key of its own: on SeaweedFS the empty folder that a deleted "a/b" leaves counts as something that stands.
        put = partial(place.server.keeper.put_object, Bucket=place.bucket, Key="conditions", IfNoneMatch="*")
        put(Body=b"one")
        heeded = place.code_of(lambda: put(Body=b"two")) is not None
        stands = place.server.keeper.get_object(Bucket=place.bucket, Key="conditions")["Body"].read()
        assert (heeded, stands) == ((True, b"one") if self.creates_only else (False, b"two"))
        assert S3Bucket(place.connection, place.bucket, create=False).abilities().create_only is self.creates_only

    # Links

    def test_a_link_gives_the_bytes_without_keys_under_the_true_name(self, blobs: Blobs, place: Place) -> None:
        content = some_bytes(MIB + 3)
        blobs.put("записи/a b+c%.mp3", [content], content_type="audio/mpeg")
        answer = _fetched(place, blobs.link("записи/a b+c%.mp3", 600, NAME))
        assert (answer.status, answer.data) == (200, content)
        assert answer.headers["Content-Type"] == "audio/mpeg"
        assert f"filename*=UTF-8''{quote(NAME, safe='')}" in answer.headers["Content-Disposition"]
        assert answer.headers["Content-Disposition"].startswith("attachment")

    def test_a_link_bears_no_secret(self, blobs: Blobs, place: Place) -> None:
        blobs.put("a", [b"x"])
        assert place.connection.secret_key not in blobs.link("a", 60, NAME)

    def test_a_forged_link_is_refused(self, blobs: Blobs, place: Place) -> None:
        blobs.put("a", [b"one"])
        blobs.put("b", [b"two"])
        link = blobs.link("a", 60, NAME)
        assert _fetched(place, link).status == 200
        forged = {
            "of another blob": link.replace(f"/{place.bucket}/a?", f"/{place.bucket}/b?"),
            "for longer": re.sub(r"X-Amz-Expires=\d+", "X-Amz-Expires=6000", link),
            "under another name": re.sub(r"mp3", "exe", link),
            "with another signature": re.sub(r"(X-Amz-Signature=)\w{6}", r"\g<1>000000", link),
            "without a signature": link.partition("?")[0],
        }
        assert all(each != link for each in forged.values())
        answers = {what: _fetched(place, each) for what, each in forged.items()}
        assert {what: answer.status for what, answer in answers.items()} == dict.fromkeys(forged, 403)
        assert all(b"two" not in answer.data for answer in answers.values())

    def test_a_link_expires(self, blobs: Blobs, place: Place) -> None:
        blobs.put("a", [b"x"])
        link = blobs.link("a", 1, NAME)
        while (status := _fetched(place, link).status) == 200:
            pass  # for a second or two; the time limit of the test bounds it
        assert status == 403

    def test_there_is_no_link_to_what_is_absent(self, blobs: Blobs) -> None:
        with pytest.raises(NotFound) as caught:
            blobs.link("a", 60, NAME)
        assert caught.value.code is Code.BLOB_ABSENT

    # Histories

    def test_any_history_ends_as_a_plain_dictionary_would(self, place: Place) -> None:
        @settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
        @given(steps=STEPS)
        def replayed(steps: list[tuple[str, str, bytes]]) -> None:
            place.server.empty(place.bucket)
            model: dict[str, bytes] = {}
            for verb, key, content in steps:
                if verb == "delete":
                    place.blobs.delete(key)
                    model.pop(key, None)
                elif model.setdefault(key, content) == content:
                    place.blobs.put(key, [content])
                else:
                    with pytest.raises(Integrity):
                        place.blobs.put(key, [content])
            assert keys_of(place.blobs) == sorted(model)
            assert {key: content_of(place.blobs, key) for key in model} == model

        replayed()

    # What the application's user may not do

    def test_the_application_may_do_nothing_but_its_work(self, place: Place) -> None:
        other = place.server.bucket()
        place.server.keeper.put_object(Bucket=other, Key="a", Body=b"of another")
        document = '{"Version": "2012-10-17", "Statement": []}'
        calls: dict[str, Callable[[S3Client], object]] = {
            "read another's object": lambda s3: s3.get_object(Bucket=other, Key="a"),
            "look at another's object": lambda s3: s3.head_object(Bucket=other, Key="a"),
            "look whether another has an object": lambda s3: s3.get_object(Bucket=other, Key="absent"),
            "write to another's bucket": lambda s3: s3.put_object(Bucket=other, Key="b", Body=b""),
            "copy from another's bucket": lambda s3: s3.copy_object(
                Bucket=place.bucket, Key="a", CopySource={"Bucket": other, "Key": "a"}
            ),
            "list another's bucket": lambda s3: s3.list_objects_v2(Bucket=other),
            "delete another's object": lambda s3: s3.delete_object(Bucket=other, Key="a"),
            "make a bucket": lambda s3: s3.create_bucket(Bucket=f"{other}-more"),
            "remove its bucket": lambda s3: s3.delete_bucket(Bucket=place.bucket),
            "remove another's bucket": lambda s3: s3.delete_bucket(Bucket=other),
            "open its bucket to the world": lambda s3: s3.put_bucket_policy(Bucket=place.bucket, Policy=document),
            "read its bucket's policy": lambda s3: s3.get_bucket_policy(Bucket=place.bucket),
        }
        with place.as_application() as s3:
            codes = {what: place.code_of(partial(call, s3)) for what, call in calls.items()}
        assert codes == dict.fromkeys(calls, Code.STORE_PERMISSION)
        assert place.server.keys(other) == ["a"]

    def test_the_application_sees_no_bucket_but_its_own(self, place: Place) -> None:
        place.server.bucket()
        with place.as_application() as s3:
            assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == [place.bucket]

    def test_the_application_cannot_make_users(self, place: Place) -> None:
        application = place.server.known_as(place.connection.access_key, place.connection.secret_key)
        with pytest.raises(RefusedError):
            application.user(policy([place.bucket]))
        place.server.user(policy([place.bucket]))  # the keeper can

    def test_another_bucket_is_forbidden_not_empty(self, place: Place, tmp_path: Path) -> None:
        able = S3Bucket(place.connection, place.bucket, create=False).abilities
        other = S3Blobs(place.connection, place.server.bucket(), abilities=able, spool=tmp_path)
        calls: list[Callable[[], object]] = [
            lambda: other.stat("a"),
            lambda: other.read("a"),
            lambda: keys_of(other),
            lambda: other.put("a", [b"x"]),
            lambda: other.delete("a"),
            lambda: other.link("a", 60, NAME),
        ]
        for call in calls:
            with pytest.raises(Configuration) as caught:
                call()
            assert caught.value.code is Code.STORE_PERMISSION


def _fetched(place: Place, link: str) -> urllib3.BaseHTTPResponse:
    """What anybody gets who has nothing but the link."""
    ca_file = place.server.ca_file
    with urllib3.PoolManager(retries=False, timeout=30, ca_certs=str(ca_file) if ca_file else None) as http:
        return http.request("GET", link)
