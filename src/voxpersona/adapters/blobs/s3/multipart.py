"""Large blobs: sent in parts as the bytes arrive, several at once, with flat memory, and gone on with after a break.

Each part bears a checksum that the store verifies: a CRC-32 where it knows checksums, else Content-MD5. That is against
damage on the way; the SHA-256 of the whole is ours, and a second one per part would cost as much as sending it. An
upload that broke off is left as it is. Whoever puts the same bytes again finds it by its mark and sends only the parts
that the store does not hold already, by their ETags: MD5s of our bytes.
"""

import base64
import hashlib
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from voxpersona.adapters.blobs.s3 import marker
from voxpersona.adapters.blobs.s3.edge import answer_of, is_condition
from voxpersona.adapters.blobs.s3.metadata import Wanted
from voxpersona.adapters.blobs.s3.objects import Objects, Taken, Written, bare, condition, tagging
from voxpersona.adapters.blobs.s3.sending import Sending
from voxpersona.adapters.blobs.verify import Tally
from voxpersona.errors import VoxPersonaError
from voxpersona.model import Checksum

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

MOST_PARTS = 10_000
"""What S3 allows in one upload."""

_MIB = 1 << 20


class Vanished(Exception):
    """The store does not know the upload: it was completed or given up, here or elsewhere."""


@dataclass(frozen=True)
class Part:
    """One part that the store holds; `crc32` and `md5` are digests of our bytes where they were needed."""

    number: int
    size: int
    etag: str
    crc32: bytes = b""
    md5: bytes = b""

    def completed(self) -> "CompletedPartTypeDef":
        told: CompletedPartTypeDef = {"PartNumber": self.number, "ETag": f'"{self.etag}"'}
        if self.crc32:
            told["ChecksumCRC32"] = _base64(self.crc32)
        return told


class Upload:
    """One upload under way. Its methods are called in this order: `send`, `complete`, `end`."""

    def __init__(
        self, objects: Objects, wanted: Wanted, checksum: Checksum, upload: str, part_size: int, held: dict[int, "Held"]
    ) -> None:
        self._objects = objects
        self._wanted = wanted
        self._crc32 = checksum is Checksum.SHA256
        self._upload = upload
        self._part_size = part_size
        self._held = held
        self._completed = False

    def send(self, content: Iterator[bytes], tally: Tally, concurrency: int) -> list[Part]:
        """Send the content, which is added to `tally` on its way; in memory are `concurrency` parts and one.

        It ends early where there is more than was told. The upload stands as it is after an error. Vanished.
        """
        with ThreadPoolExecutor(concurrency, "part") as threads:
            sending = Sending(threads, self._part, self._part_size, concurrency + 1)
            try:
                for part in content:
                    tally.add(part)
                    if tally.size > self._wanted.size:
                        break
                    sending.add(part)
                return sorted(sending.finish(), key=lambda part: part.number)
            except BaseException:
                threads.shutdown(wait=True, cancel_futures=True)
                raise

    def complete(self, parts: Sequence[Part], *, create: bool) -> Written:
        """Make the blob visible. Taken; Vanished."""
        with self._objects.errors("complete an upload", self._wanted.key):
            try:
                written = self._objects.client.complete_multipart_upload(
                    **self._objects.address(self._wanted.key),
                    UploadId=self._upload,
                    MultipartUpload={"Parts": [part.completed() for part in parts]},
                    **condition(create),
                )
            except ClientError as error:
                if create and is_condition(error):
                    raise Taken from error
                raise _vanished(error) from error
        self._completed = True
        return Written(bare(written["ETag"]), checksum=self._composite(parts), md5=_composite_md5(parts))

    def end(self) -> None:
        """Free what the store holds of it, unless it was completed, and remove its mark; as far as that can be had
        now: a sweeper has the rest."""
        if not self._completed:
            with suppress(VoxPersonaError), self._objects.errors("give up an upload"):
                self._objects.client.abort_multipart_upload(
                    **self._objects.address(self._wanted.key), UploadId=self._upload
                )
        with suppress(VoxPersonaError):
            marker.remove(self._objects, self._wanted)

    def _part(self, number: int, body: bytes | bytearray) -> Part:
        held = self._held.get(number)
        crc32 = zlib.crc32(body).to_bytes(4, "big") if self._crc32 else b""
        md5 = b"" if self._crc32 and held is None else hashlib.md5(body, usedforsecurity=False).digest()
        if held is not None and (held.size, held.etag) == (len(body), md5.hex()):
            return Part(number, len(body), held.etag, crc32, md5)
        proof: dict[str, Any] = {"ChecksumCRC32": _base64(crc32)} if self._crc32 else {"ContentMD5": _base64(md5)}
        with self._objects.errors("send a part of a blob", self._wanted.key):
            try:
                sent = self._objects.client.upload_part(
                    **self._objects.address(self._wanted.key),
                    UploadId=self._upload,
                    PartNumber=number,
                    Body=cast("bytes", body),  # a bytearray does as well, and spares a copy
                    **proof,
                )
            except ClientError as error:
                raise _vanished(error) from error
        return Part(number, len(body), bare(sent["ETag"]), crc32, md5)

    def _composite(self, parts: Sequence[Part]) -> str:
        if not self._crc32:
            return ""
        joined = zlib.crc32(b"".join(part.crc32 for part in parts)).to_bytes(4, "big")
        return f"{_base64(joined)}-{len(parts)}"


@dataclass(frozen=True)
class Held:
    """A part that the store held when we came. Where its ETag is no MD5 it is not known again: then it is sent."""

    size: int
    etag: str


def begin(objects: Objects, wanted: Wanted, checksum: Checksum, tags: dict[str, str], part_size: int) -> Upload:
    """Go on with an upload of the same bytes, or begin one."""
    part_size = fitting(part_size, wanted.size)
    mark = marker.find(objects, wanted)
    if mark is not None and mark.serves(wanted, part_size):
        with suppress(Vanished):
            return Upload(objects, wanted, checksum, mark.upload, part_size, _held(objects, mark))
    with objects.errors("begin an upload", wanted.key):
        begun = objects.client.create_multipart_upload(
            **objects.address(wanted.key),
            ContentType=wanted.content_type,
            Metadata=wanted.headers(),
            **tagging(tags),
            **_algorithm(checksum),
        )
    marker.write(
        objects,
        marker.Mark(
            key=wanted.key,
            upload=begun["UploadId"],
            sha256=wanted.sha256,
            size=wanted.size,
            part_size=part_size,
            labels=marker.labels_of(wanted),
            begun_at=datetime.now(UTC),
        ),
    )
    return Upload(objects, wanted, checksum, begun["UploadId"], part_size, {})


def fitting(part_size: int, size: int) -> int:
    """The length of a part: the usual one, or as much more as `MOST_PARTS` of them need, in whole MiB."""
    needed = -(-size // MOST_PARTS)
    return max(part_size, -(-needed // _MIB) * _MIB)


def _held(objects: Objects, mark: marker.Mark) -> dict[int, Held]:
    """The parts of an upload that the store holds, by number. Vanished."""
    pages = objects.client.get_paginator("list_parts").paginate(**objects.address(mark.key), UploadId=mark.upload)
    with objects.errors("look for the parts of an upload", mark.key):
        try:
            return {
                part["PartNumber"]: Held(part["Size"], bare(part["ETag"]))
                for page in pages
                for part in page.get("Parts", [])
            }
        except ClientError as error:
            raise _vanished(error) from error


def _vanished(error: ClientError) -> Exception:
    answer = answer_of(error)
    return Vanished() if answer is not None and answer.code == "NoSuchUpload" else error


def _algorithm(checksum: Checksum) -> dict[str, Any]:
    return {"ChecksumAlgorithm": "CRC32"} if checksum is Checksum.SHA256 else {}


def _composite_md5(parts: Sequence[Part]) -> str:
    """The ETag of a blob of these parts, on stores whose ETags are MD5; empty where we know no MD5."""
    if not all(part.md5 for part in parts):
        return ""
    joined = hashlib.md5(b"".join(part.md5 for part in parts), usedforsecurity=False).hexdigest()
    return f"{joined}-{len(parts)}"


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
