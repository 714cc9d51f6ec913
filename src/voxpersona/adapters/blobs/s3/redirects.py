"""boto3 follows a store into another region by itself; obstore does not. So neither shall: a wrong region is told."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def staying(client: "S3Client") -> "S3Client":
    """The same client, which now raises what a store of another region answers. Doing it twice is doing it once."""
    client.meta.events.register("before-call.s3", _mark, unique_id="voxpersona-stay-in-region")
    return client


def _mark(*, params: dict[str, Any], **_: object) -> None:
    """Its redirector leaves alone what was redirected once."""
    params["context"].setdefault("s3_redirect", {})["redirected"] = True
