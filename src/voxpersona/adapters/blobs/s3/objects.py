"""The objects of one bucket as the rest of this room needs them: single requests, our errors, nothing decided."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import obstore
from botocore.exceptions import ClientError
from obstore.exceptions import BaseError

from voxpersona.adapters.blobs.s3.connection import Connection, transfer
from voxpersona.adapters.blobs.s3.edge import answer_of, is_condition, s3_errors, says_absent
from voxpersona.adapters.blobs.s3.metadata import Wanted, facts_of
from voxpersona.adapters.blobs.s3.names import object_name
from voxpersona.adapters.blobs.s3.probe import probe
from voxpersona.adapters.blobs.verify import PART
from voxpersona.model import Abilities, BlobFacts, Checksum

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from obstore import GetOptions, GetResult
    from obstore.store import S3Store

_DAY = 86_400.0
"""Seconds a read may take as a whole: its reader may be slow. A stalled one ends by the connection's read timeout."""

_GATHER = 768 << 10
"""Bytes that a read gathers before it yields; with what the network brings in one go, about a part."""


class Taken(Exception):
    """A create-only write was refused: something stands under the key, or is being written this moment."""


@dataclass(frozen=True)
class Standing:
    """An object as it stands. `etag` without quotes; `checksum` as the store spells it, where asked for and kept."""

    facts: BlobFacts
    etag: str
    checksum: str = ""


@dataclass(frozen=True)
class Written:
    """What a store answered to a write, and what it must say of the object afterwards if it holds our bytes: its
    `checksum` where it keeps one, and `md5` as its ETag where its ETags are that. Empty is not known."""

    etag: str
    checksum: str = ""
    md5: str = ""


class Objects:
    """One bucket. Making it opens no connection; safe for threads."""

    def __init__(self, connection: Connection, bucket: str) -> None:
        self.bucket = bucket
        self._connection = connection

    @property
    def client(self) -> "S3Client":
        """boto3, for what obstore cannot."""
        return self._connection.client

    @cached_property
    def _reading(self) -> "S3Store":
        return transfer(self._connection, self.bucket, seconds=_DAY)

    @cached_property
    def _writing(self) -> "S3Store":
        return transfer(self._connection, self.bucket, sha256=True, tags=True)

    def probe(self) -> Abilities:
        """What the store really does; see probe.py."""
        with self.errors("put, read and delete a blob"):
            return probe(self.client, self.bucket)

    def errors(self, doing: str, key: str | None = None) -> AbstractContextManager[None]:
        return s3_errors(self._connection, self.bucket, doing=doing, key=key)

    def address(self, key: str) -> dict[str, Any]:
        """Bucket and name for calls of boto3."""
        return {"Bucket": self.bucket, "Key": object_name(key)}

    # Reading

    def head(self, key: str) -> Standing:
        """NotFound BLOB_ABSENT, FactsLost, Integrity BLOB_CORRUPT."""
        with self.errors("read what is known of a blob", key):
            try:
                return standing(key, obstore.get(self._reading, object_name(key), options={"head": True}))
            except (BaseError, FileNotFoundError) as error:
                if not _is_wordless(error):
                    raise
        # The answer to a HEAD has no words, and its 404 may come of anything: a stranger at the same address, a bucket
        # that is gone. The answer to a GET tells.
        return standing(key, self.get(key))

    def head_with_checksum(self, key: str) -> Standing:
        """The same with the checksum that the store keeps, at more cost to us."""
        with self.errors("verify what was written", key):
            try:
                found = self.client.head_object(**self.address(key), ChecksumMode="ENABLED")
            except ClientError as error:
                if not says_absent(error):
                    raise
                found = None
        if found is None:
            return self.head(key)
        facts = facts_of(
            key,
            found["Metadata"],
            stored=found["ContentLength"],
            content_type=found["ContentType"],
            written_at=found["LastModified"],
        )
        return Standing(facts, bare(found["ETag"]), found.get("ChecksumSHA256", found.get("ChecksumCRC32", "")))

    def get(self, key: str, start: int = 0, end: int | None = None) -> "GetResult":
        """The bytes `[start, end)`, not yet fetched, and what is known of the object. NotFound BLOB_ABSENT.
        `OutOfRange` where there are none."""
        with self.errors("read a blob", key):
            try:
                return obstore.get(self._reading, object_name(key), options=_range(start, end))
            except BaseError as error:
                answer = answer_of(error)
                if answer is not None and answer.status == 416:
                    raise OutOfRange from error
                raise

    def stream(self, stands: "Standing", start: int, end: int) -> Iterator[bytes]:
        """The bytes `[start, end)` of the very object that was seen, in parts of 1 MiB; Unavailable where another
        stands there by now, or where they break off.

        By boto3: a long stretch on one connection costs it a third of what it costs obstore (docs/benchmarks.md).
        """
        key = stands.facts.key
        with self.errors("read a blob", key):
            found = self.client.get_object(
                **self.address(key), Range=f"bytes={start}-{end - 1}", IfMatch=f'"{stands.etag}"'
            )
        with closing(found["Body"]) as body:
            while True:
                with self.errors("read a blob", key):
                    part = body.read(PART)
                if not part:
                    return
                yield part

    def parts(self, found: "GetResult") -> Iterator[bytes]:
        """The bytes of an answer, in parts of at most 1 MiB."""
        with self.errors("read a blob"):
            stream = iter(found.stream(_GATHER))
        while True:
            with self.errors("read a blob"):
                gathered = next(stream, b"")
            if not gathered:
                return
            for at in range(0, len(gathered), PART):
                yield gathered[at : at + PART]

    def listed(self, prefix: str) -> Iterator[tuple[str, int, datetime]]:
        """Name, size and time of every object whose name begins so. Not by obstore: it shows the mark of a folder
        (`a/`) as an object `a`, and fails as a whole where one name in the bucket is not to its liking."""
        pages = iter(self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix))
        while True:
            with self.errors("list the bucket"):
                page = next(pages, None)
            if page is None:
                return
            for line in page.get("Contents", []):
                yield line["Key"], line["Size"], line["LastModified"]

    # Writing

    def put(self, wanted: Wanted, body: bytes, *, create: bool, checksum: Checksum, tags: Mapping[str, str]) -> Written:
        """Write a small object by one request. Taken, where `create` and something stands there."""
        with self.errors("write a blob", wanted.key):
            try:
                if checksum is Checksum.MD5:
                    return self._put_with_md5(wanted, body, create, tags)
                written = obstore.put(
                    self._writing,
                    object_name(wanted.key),
                    body,
                    attributes={**wanted.headers(), "Content-Type": wanted.content_type},
                    tags=dict(tags) or None,
                    mode="create" if create else "overwrite",
                    use_multipart=False,
                )
            except (BaseError, ClientError) as error:
                if create and is_condition(error):
                    raise Taken from error
                raise
        sha256 = base64.b64encode(bytes.fromhex(wanted.sha256)).decode()
        md5 = hashlib.md5(body, usedforsecurity=False).hexdigest()
        return Written(bare(written["e_tag"]), checksum=sha256, md5=md5)

    def _put_with_md5(self, wanted: Wanted, body: bytes, create: bool, tags: Mapping[str, str]) -> Written:
        """obstore cannot send a Content-MD5, the one checksum that older stores know."""
        md5 = hashlib.md5(body, usedforsecurity=False)
        written = self.client.put_object(
            **self.address(wanted.key),
            Body=body,
            ContentMD5=base64.b64encode(md5.digest()).decode(),
            ContentType=wanted.content_type,
            Metadata=wanted.headers(),
            **tagging(tags),
            **condition(create),
        )
        return Written(bare(written["ETag"]), md5=md5.hexdigest())

    def remove(self, key: str) -> None:
        """Idempotent."""
        with self.errors("remove a blob", key):
            try:
                self.client.delete_object(**self.address(key))
            except ClientError as error:
                answer = answer_of(error)
                if answer is None or answer.code != "NoSuchKey":
                    raise

    def remove_ours(self, key: str, etag: str) -> None:
        """Remove an object that we wrote and that is not what it should be, unless another stands there already."""
        with self.errors("remove a damaged blob", key):
            try:
                self.client.delete_object(**self.address(key), IfMatch=f'"{etag}"')
            except ClientError as error:
                if not is_condition(error) and not says_absent(error):
                    raise


class OutOfRange(Exception):
    """The object stands, but has no byte in the range."""


def standing(key: str, found: "GetResult") -> Standing:
    """What an answer to HEAD or GET says of the object."""
    meta, attributes = found.meta, dict(found.attributes)
    content_type = attributes.pop("Content-Type", "application/octet-stream")
    for name in ("Content-Disposition", "Content-Encoding", "Content-Language", "Cache-Control", "Storage-Class"):
        attributes.pop(name, None)
    facts = facts_of(key, attributes, stored=meta["size"], content_type=content_type, written_at=meta["last_modified"])
    return Standing(facts, bare(meta["e_tag"]))


def bare(etag: str | None) -> str:
    """An ETag without its quotes."""
    return (etag or "").removeprefix("W/").strip('"')


def tagging(tags: Mapping[str, str]) -> dict[str, Any]:
    """The argument of boto3 calls that writes tags; none where there are none."""
    return {"Tagging": urlencode(dict(tags))} if tags else {}


def condition(create: bool) -> dict[str, Any]:
    """The argument of boto3 calls that writes only where nothing stands."""
    return {"IfNoneMatch": "*"} if create else {}


def _range(start: int, end: int | None) -> "GetOptions":
    if end is not None:
        return {"range": (start, end)}
    return {"range": {"offset": start}} if start else {}


def _is_wordless(error: BaseException) -> bool:
    answer = answer_of(error)
    return answer is not None and not answer.code and answer.status in (400, 401, 403, 404)
