"""Finding out what a store really does. Several accept a condition or a checksum and take no notice of it.

Each answer is an effect that was seen, on temporary keys below `.voxpersona/probe/`, which are removed in every case.
"""

import base64
import hashlib
import time
import uuid
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypedDict

from botocore.exceptions import BotoCoreError, ClientError

from voxpersona.adapters.blobs.keys import OWN
from voxpersona.adapters.blobs.s3.edge import answer_of
from voxpersona.adapters.blobs.s3.lifecycle import has_no_such_thing
from voxpersona.errors import Code, Configuration
from voxpersona.model import Abilities, Checksum

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PROBES = f"{OWN}probe/"
"""Where the temporary keys are. What a killed probe leaves is swept with unfinished writes."""

MOST_SKEW = 15 * 60
"""Seconds between two clocks beyond which stores refuse a signature; those that do not are refused by us."""

_FIRST, _SECOND = b"first", b"second"
_LABEL = "0123456789" * 180
"""As long as metadata gets once it is written in ASCII: see keys.MOST_METADATA."""

_ABSENT_HERE = frozenset({"NoSuchLifecycleConfiguration"})
_PASSING = frozenset({408, 425, 429})


class Extras(TypedDict, total=False):
    """What may go with a put."""

    ChecksumSHA256: str
    ContentMD5: str
    IfNoneMatch: str
    Tagging: str


def probe(client: "S3Client", bucket: str) -> Abilities:
    """Some 25 small calls. Errors of boto3 come out where a plain put, get or delete fails, or the store gives no
    clear answer; what the key may not do counts as not there, or as not known.

    Configuration STORE_CLOCK where the clocks differ by more than a store may allow; STORE_BUCKET where what was put
    does not come back.
    """
    with _room(client, bucket) as room:
        server, skew = _round_trip(room)
        return Abilities(
            server=server,
            create_only=_creates_only(room),
            checksum=_checksum(room),
            tags=_tags(room),
            versioning=versioning(client, bucket),
            lifecycle=_lifecycle(client, bucket),
            clock_skew=skew,
            probed_at=datetime.now(UTC),
        )


def versioning(client: "S3Client", bucket: str) -> bool | None:
    """Whether the bucket keeps old versions; None where this key may not ask. Errors of boto3."""
    try:
        return client.get_bucket_versioning(Bucket=bucket).get("Status") == "Enabled"
    except ClientError as error:
        return _known(error)


def _lifecycle(client: "S3Client", bucket: str) -> bool | None:
    try:
        client.get_bucket_lifecycle_configuration(Bucket=bucket)
    except ClientError as error:
        answer = answer_of(error)
        return True if answer is not None and answer.code in _ABSENT_HERE else _known(error)
    return True


def _known(error: ClientError) -> bool | None:
    """False where the store has no such thing, None where the key may not ask; everything else is raised."""
    answer = answer_of(error)
    if answer is not None and answer.status == 403:
        return None
    if has_no_such_thing(error):
        return False
    raise error


@dataclass(frozen=True)
class _Room:
    """Temporary keys, and what was put under them."""

    client: "S3Client"
    bucket: str
    prefix: str
    written: list[tuple[str, str | None]]
    begun: list[tuple[str, str]]

    def put(self, name: str, content: bytes, extras: Extras) -> bool:
        """Whether the store took it; refusals of any clear kind are False."""
        key = self.prefix + name
        self.written.append((key, None))
        try:
            reply = self.client.put_object(Bucket=self.bucket, Key=key, Body=content, **extras)
        except ClientError as error:
            _refused(error)
            self.written.pop()  # else its removal would leave a mark of its own in a bucket with versions
            return False
        self.written[-1] = (key, reply.get("VersionId"))
        return True

    def get(self, name: str) -> bytes:
        with self.client.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"] as body:
            return body.read()

    def clear(self) -> None:
        """Remove everything, with its old versions where the key may; what fails is left to the sweeper."""
        for key, upload in self.begun:
            with suppress(ClientError, BotoCoreError):
                self.client.abort_multipart_upload(Bucket=self.bucket, Key=key, UploadId=upload)
        for key, version in dict.fromkeys(self.written):
            with suppress(ClientError, BotoCoreError):
                self._remove(key, version)

    def _remove(self, key: str, version: str | None) -> None:
        if version is not None:
            try:
                self.client.delete_object(Bucket=self.bucket, Key=key, VersionId=version)
            except ClientError as error:
                _refused(error)
            else:
                return
        self.client.delete_object(Bucket=self.bucket, Key=key)


@contextmanager
def _room(client: "S3Client", bucket: str) -> Iterator[_Room]:
    room = _Room(client, bucket, f"{PROBES}{uuid.uuid4().hex}/", [], [])
    try:
        yield room
    finally:
        room.clear()


def _refused(error: ClientError) -> bool:
    """False, where the store said no. What is no clear answer (5xx, too busy) is raised."""
    answer = answer_of(error)
    if answer is None or not (400 <= answer.status < 500 or answer.status == 501) or answer.status in _PASSING:
        raise error
    return False


def _round_trip(room: _Room) -> tuple[str, float]:
    """A plain put, get and delete. The server's name, and how far its clock is ahead of ours in seconds."""
    key = f"{room.prefix}plain"
    before = time.time()
    reply = room.client.put_object(Bucket=room.bucket, Key=key, Body=_FIRST, Metadata={"probe": _LABEL})
    now = (before + time.time()) / 2
    room.written.append((key, reply.get("VersionId")))
    headers = reply["ResponseMetadata"]["HTTPHeaders"]
    skew = _skew(headers.get("date"), now)
    if abs(skew) > MOST_SKEW:
        raise Configuration(
            Code.STORE_CLOCK, f"clocks differ by {skew:.0f} s", reason=f"{abs(skew) / 60:.0f} min", bucket=room.bucket
        )
    found = room.client.get_object(Bucket=room.bucket, Key=key)
    with found["Body"] as body:
        if body.read() != _FIRST:
            raise _unfit(room, "it gives back other bytes than were put")
    if found["Metadata"] != {"probe": _LABEL}:
        raise _unfit(room, "it does not keep metadata")
    room.client.delete_object(Bucket=room.bucket, Key=key)
    return headers.get("server", "unknown"), skew


def _skew(date: str | None, now: float) -> float:
    """Seconds; 0 where the store does not tell. Its header counts whole seconds: on average half of one is lost."""
    if not date:
        return 0.0
    try:
        return parsedate_to_datetime(date).timestamp() + 0.5 - now
    except ValueError:
        return 0.0


def _creates_only(room: _Room) -> bool:
    """Whether a second put under the same key is refused, in one piece and in parts, and harms nothing."""
    return (
        room.put("once", _FIRST, {"IfNoneMatch": "*"})
        and not room.put("once", _SECOND, {"IfNoneMatch": "*"})
        and not _completes(room, "once")
        and room.get("once") == _FIRST
    )


def _completes(room: _Room, name: str) -> bool:
    """Whether an upload in parts is taken under a key that is taken. Refused parts are no answer: then True."""
    key = room.prefix + name
    try:
        upload = _begin(room, key)
        part = room.client.upload_part(Bucket=room.bucket, Key=key, UploadId=upload, PartNumber=1, Body=_SECOND)
    except ClientError as error:
        return not _refused(error)
    try:
        reply = room.client.complete_multipart_upload(
            Bucket=room.bucket,
            Key=key,
            UploadId=upload,
            IfNoneMatch="*",
            MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
        )
    except ClientError as error:
        return _refused(error)
    room.written.append((key, reply.get("VersionId")))
    return True


def _checksum(room: _Room) -> Checksum:
    """The best that is really checked: the right sum must be taken, a wrong one refused, of a part as of a whole."""
    right, wrong = (_base64(hashlib.sha256(content).digest()) for content in (_FIRST, _SECOND))
    if (
        room.put("sha256", _FIRST, {"ChecksumSHA256": right})
        and not room.put("sha256-wrong", _FIRST, {"ChecksumSHA256": wrong})
        and not _takes_part(room)
    ):
        return Checksum.SHA256
    right, wrong = (_base64(hashlib.md5(content, usedforsecurity=False).digest()) for content in (_FIRST, _SECOND))
    if room.put("md5", _FIRST, {"ContentMD5": right}) and not room.put("md5-wrong", _FIRST, {"ContentMD5": wrong}):
        return Checksum.MD5
    return Checksum.NONE


def _takes_part(room: _Room) -> bool:
    """Whether a part with a CRC-32 of other bytes is taken. Where parts are refused altogether: as in `_completes`."""
    key = f"{room.prefix}parts"
    wrong = _base64(zlib.crc32(_SECOND).to_bytes(4, "big"))
    try:
        upload = _begin(room, key, crc32=True)
    except ClientError as error:
        return not _refused(error)
    try:
        room.client.upload_part(
            Bucket=room.bucket, Key=key, UploadId=upload, PartNumber=1, Body=_FIRST, ChecksumCRC32=wrong
        )
    except ClientError as error:
        return _refused(error)
    return True


def _begin(room: _Room, key: str, *, crc32: bool = False) -> str:
    if crc32:
        reply = room.client.create_multipart_upload(Bucket=room.bucket, Key=key, ChecksumAlgorithm="CRC32")
    else:
        reply = room.client.create_multipart_upload(Bucket=room.bucket, Key=key)
    room.begun.append((key, reply["UploadId"]))
    return reply["UploadId"]


def _tags(room: _Room) -> bool:
    if not room.put("tags", _FIRST, {"Tagging": "kind=probe"}):
        return False
    try:
        found = room.client.get_object_tagging(Bucket=room.bucket, Key=f"{room.prefix}tags")
    except ClientError as error:
        return _refused(error)
    return found["TagSet"] == [{"Key": "kind", "Value": "probe"}]


def _unfit(room: _Room, reason: str) -> Configuration:
    return Configuration(Code.STORE_BUCKET, reason, bucket=room.bucket, reason=reason)


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
