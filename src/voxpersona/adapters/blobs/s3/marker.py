"""Marks of uploads under way, so that whoever puts the same bytes again goes on where another stopped.

    .voxpersona/uploads/SHA256 OF THE KEY/SHA256 OF THE BYTES.json

A store lists its unfinished uploads, but not of which bytes they are, and MinIO lists them only by the whole key. A
mark is written once the upload is begun and removed once it is over; one that stayed behind leads to an upload that
the store does not know any more, and does no harm.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime

from botocore.exceptions import ClientError
from pydantic import ValidationError

from voxpersona.adapters.blobs.keys import OWN, digest
from voxpersona.adapters.blobs.s3.edge import answer_of
from voxpersona.adapters.blobs.s3.metadata import Wanted
from voxpersona.adapters.blobs.s3.objects import Objects
from voxpersona.model.noun import Noun

MARKS = f"{OWN}uploads/"


class Mark(Noun):
    """`labels` stands for content type, metadata and tags, which an upload is given at its beginning."""

    key: str
    upload: str
    sha256: str
    size: int
    part_size: int
    labels: str
    begun_at: datetime

    def serves(self, wanted: Wanted, part_size: int) -> bool:
        """Whether the upload becomes just this blob, in parts of this length."""
        mine = (wanted.key, wanted.sha256, wanted.size, part_size, labels_of(wanted))
        return (self.key, self.sha256, self.size, self.part_size, self.labels) == mine


def labels_of(wanted: Wanted) -> str:
    told = json.dumps([wanted.content_type, wanted.headers()], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()


def find(objects: Objects, wanted: Wanted) -> Mark | None:
    """The mark of an upload of these bytes under this key; None for none, or none that makes sense."""
    return _read(objects, _place(wanted.key, wanted.sha256))


def write(objects: Objects, mark: Mark) -> None:
    with objects.errors("begin an upload"):
        objects.client.put_object(
            Bucket=objects.bucket,
            Key=_place(mark.key, mark.sha256),
            Body=mark.model_dump_json().encode(),
            ContentType="application/json",
        )


def remove(objects: Objects, wanted: Wanted) -> None:
    """Idempotent."""
    with objects.errors("end an upload"):
        objects.client.delete_object(Bucket=objects.bucket, Key=_place(wanted.key, wanted.sha256))


def all_marks(objects: Objects) -> Iterator[Mark]:
    """Every mark that makes sense, in no order."""
    pages = objects.client.get_paginator("list_objects_v2").paginate(Bucket=objects.bucket, Prefix=MARKS)
    with objects.errors("list the uploads under way"):
        names = [found["Key"] for page in pages for found in page.get("Contents", [])]
    for name in names:
        mark = _read(objects, name)
        if mark is not None:
            yield mark


def _place(key: str, sha256: str) -> str:
    return f"{MARKS}{digest(key)}/{sha256}.json"


def _read(objects: Objects, name: str) -> Mark | None:
    with objects.errors("look for an upload under way"):
        try:
            answer = objects.client.get_object(Bucket=objects.bucket, Key=name)
        except ClientError as error:
            told = answer_of(error)
            if told is not None and told.code == "NoSuchKey":
                return None
            raise
        with answer["Body"] as body:
            content = body.read()
    try:
        return Mark.model_validate_json(content)
    except ValidationError:
        return None
