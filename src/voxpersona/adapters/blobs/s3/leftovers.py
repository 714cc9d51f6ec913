"""What was begun in a bucket and never completed: uploads in parts, their marks, the keys of killed probes.

A store lists its unfinished uploads; MinIO only those begun since its last start. Those before it are found by their
marks (marker.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError
from pydantic import ValidationError

from voxpersona.adapters.blobs.s3.edge import answer_of
from voxpersona.adapters.blobs.s3.marker import MARKS, Mark
from voxpersona.adapters.blobs.s3.names import key_of, object_name
from voxpersona.adapters.blobs.s3.probe import PROBES
from voxpersona.model import Unfinished

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Leftover:
    """An upload under the object's `name`, with its `mark` where it has one; or an object of ours, with no `upload`.
    `seen_at` is its last sign of life."""

    name: str
    upload: str
    stored: int
    begun_at: datetime
    seen_at: datetime
    mark: str = ""

    def told(self) -> Unfinished:
        key = key_of(self.name) or self.name
        return Unfinished(key=key, upload=self.upload, stored=self.stored, begun_at=self.begun_at)


class Leftovers:
    """Those of one bucket. Errors of boto3 come out."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def find(self) -> list[Leftover]:
        """All of them, oldest first."""
        uploads = {(left.name, left.upload): left for left in self._listed()}
        marks = []
        for left in self._objects(MARKS):
            mark = self._mark(left.name)
            place = None if mark is None else (object_name(mark.key), mark.upload)
            if mark is not None and place is not None and place not in uploads:
                unlisted = self._upload(*place, mark.begun_at)
                uploads |= {place: unlisted} if unlisted else {}
            if place in uploads:
                uploads[place] = replace(uploads[place], mark=left.name)
            else:
                marks.append(left)
        found = [*uploads.values(), *marks, *self._objects(PROBES)]
        return sorted(found, key=lambda left: (left.begun_at, left.name))

    def remove(self, older_than_seconds: float) -> int:
        """Remove those that gave no sign of life for so long, by the store's own clock; how many."""
        before = self._now() - timedelta(seconds=older_than_seconds)
        stale = [left for left in self.find() if left.seen_at <= before]
        for left in stale:
            self._remove(left)
        return len(stale)

    def _remove(self, left: Leftover) -> None:
        if left.upload:
            try:
                self._client.abort_multipart_upload(Bucket=self._bucket, Key=left.name, UploadId=left.upload)
            except ClientError as error:
                if not _is_gone(error):  # completed, or swept by somebody else
                    raise
        for name in filter(None, (left.mark, "" if left.upload else left.name)):
            self._client.delete_object(Bucket=self._bucket, Key=name)

    def _listed(self) -> Iterator[Leftover]:
        for page in self._client.get_paginator("list_multipart_uploads").paginate(Bucket=self._bucket):
            for upload in page.get("Uploads", []):
                left = self._upload(upload["Key"], upload["UploadId"], upload["Initiated"].astimezone(UTC))
                if left is not None:
                    yield left

    def _upload(self, name: str, upload: str, begun_at: datetime) -> Leftover | None:
        """None where it was completed or abandoned meanwhile."""
        stored, seen_at = 0, begun_at
        pages = self._client.get_paginator("list_parts").paginate(Bucket=self._bucket, Key=name, UploadId=upload)
        try:
            for part in (part for page in pages for part in page.get("Parts", [])):
                stored += part["Size"]
                seen_at = max(seen_at, part["LastModified"].astimezone(UTC))
        except ClientError as error:
            if _is_gone(error):
                return None
            raise
        return Leftover(name, upload, stored, begun_at, seen_at)

    def _objects(self, prefix: str) -> Iterator[Leftover]:
        for page in self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for found in page.get("Contents", []):
                written_at = found["LastModified"].astimezone(UTC)
                yield Leftover(found["Key"], "", found["Size"], written_at, written_at)

    def _mark(self, name: str) -> Mark | None:
        """None for one that makes no sense, or is gone meanwhile."""
        try:
            with self._client.get_object(Bucket=self._bucket, Key=name)["Body"] as body:
                return Mark.model_validate_json(body.read())
        except ValidationError:
            return None
        except ClientError as error:
            if _is_gone(error):
                return None
            raise

    def _now(self) -> datetime:
        """By the store's clock, which it tells in whole seconds: one more, at most. Where it does not tell, by ours."""
        reply = self._client.list_objects_v2(Bucket=self._bucket, Prefix=PROBES, MaxKeys=1)
        date = reply["ResponseMetadata"]["HTTPHeaders"].get("date")
        return parsedate_to_datetime(date).astimezone(UTC) + timedelta(seconds=1) if date else datetime.now(UTC)


def _is_gone(error: ClientError) -> bool:
    answer = answer_of(error)
    return answer is not None and answer.code in ("NoSuchUpload", "NoSuchKey")
