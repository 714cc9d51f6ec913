"""New metadata for an object that stays: the store copies it onto itself."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from voxpersona.adapters.blobs.s3.edge import is_condition
from voxpersona.adapters.blobs.s3.metadata import Wanted
from voxpersona.adapters.blobs.s3.objects import Objects, bare, tagging
from voxpersona.adapters.blobs.verify import check_same
from voxpersona.errors import Code, Integrity, Unavailable
from voxpersona.model import BlobFacts

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef, TagTypeDef

LARGEST = 5 << 30
"""Bytes that S3 copies by one request."""

_PIECE = 1 << 30


def relabel(
    objects: Objects, wanted: Wanted, tags: Mapping[str, str], *, were: Mapping[str, str], largest: int = LARGEST
) -> BlobFacts:
    """Give the object the metadata, type and tags of `wanted`; `were` are the tags it has. Its bytes stay.

    Unavailable STORE_UNAVAILABLE where somebody else changed the object at the same time, or the store kept something
    else: then the call may be made again.
    """
    with objects.errors("relabel a blob", wanted.key):
        try:
            found = objects.client.head_object(**objects.address(wanted.key))
            if found["Metadata"].get("sha256", wanted.sha256) != wanted.sha256:
                raise Integrity(Code.BLOB_CONFLICT, "other bytes stand under this key", key=wanted.key)
            source = _source(objects, wanted.key, bare(found["ETag"]))
            labels = _labels(wanted, tags, found.get("StorageClass"))
            if tags != were:
                # Before the metadata: where this fails they still differ, and the next try comes here again.
                _retag(objects, wanted.key, tags)
            if wanted.size <= largest:
                _copy(objects, wanted, source, labels)
            else:
                _copy_in_parts(objects, wanted, source, labels)
        except ClientError as error:
            if is_condition(error):
                raise _unsettled("the blob was changed by another at the same time") from error
            raise
    facts = check_same(objects.head(wanted.key).facts, wanted.sha256)
    if (facts.metadata, facts.content_type) != (wanted.metadata, wanted.content_type):
        raise _unsettled("the store holds other labels than it was given")
    return facts


def _source(objects: Objects, key: str, etag: str) -> dict[str, Any]:
    return {"CopySource": objects.address(key), "CopySourceIfMatch": f'"{etag}"'}


def _labels(wanted: Wanted, tags: Mapping[str, str], storage_class: str | None) -> dict[str, Any]:
    """A copy would be moved back to the usual storage class, if it were not told its own."""
    kept = {"StorageClass": storage_class} if storage_class else {}
    return {"Metadata": wanted.headers(), "ContentType": wanted.content_type, **tagging(tags), **kept}


def _copy(objects: Objects, wanted: Wanted, source: dict[str, Any], labels: dict[str, Any]) -> None:
    objects.client.copy_object(
        **objects.address(wanted.key), **source, **labels, MetadataDirective="REPLACE", TaggingDirective="REPLACE"
    )


def _copy_in_parts(objects: Objects, wanted: Wanted, source: dict[str, Any], labels: dict[str, Any]) -> None:
    address = objects.address(wanted.key)
    upload = objects.client.create_multipart_upload(**address, **labels)["UploadId"]
    try:
        parts: list[CompletedPartTypeDef] = []
        for number, at in enumerate(range(0, wanted.size, _PIECE), start=1):
            last = min(at + _PIECE, wanted.size) - 1
            copied = objects.client.upload_part_copy(
                **address, **source, UploadId=upload, PartNumber=number, CopySourceRange=f"bytes={at}-{last}"
            )
            parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
        objects.client.complete_multipart_upload(**address, UploadId=upload, MultipartUpload={"Parts": parts})
    except BaseException:
        objects.client.abort_multipart_upload(**address, UploadId=upload)
        raise


def _retag(objects: Objects, key: str, tags: Mapping[str, str]) -> None:
    """Once more by itself: older MinIO keeps the tags of an object that is copied onto itself."""
    if tags:
        pairs: list[TagTypeDef] = [{"Key": name, "Value": text} for name, text in tags.items()]
        objects.client.put_object_tagging(**objects.address(key), Tagging={"TagSet": pairs})
    else:
        objects.client.delete_object_tagging(**objects.address(key))


def _unsettled(reason: str) -> Unavailable:
    return Unavailable(Code.STORE_UNAVAILABLE, reason, reason=reason)
