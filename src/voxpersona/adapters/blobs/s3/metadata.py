"""Facts of a blob as the metadata of its object, and back.

    x-amz-meta-sha256, x-amz-meta-size     of the bytes
    x-amz-meta-NAME                        the caller's metadata, percent-encoded UTF-8

A caller's name that is one of ours, or begins with `of-caller-`, is kept as `of-caller-NAME`. An empty text is kept as
`%00` (NUL may not stand in one): some stores drop empty headers.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from voxpersona.adapters.blobs.sidecar import FactsLost
from voxpersona.errors import Code, Integrity
from voxpersona.model import BlobFacts

_OURS = ("sha256", "size")
_APART = "of-caller-"
_EMPTY = "%00"
_PLAIN = "/:,+=@"
"""Characters that need no encoding in a header, besides letters, digits and `_.-~`."""
_TAG = re.compile(r"[A-Za-z0-9 +\-=._:/@]{0,256}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Wanted:
    """A blob as it shall stand; `sha256` in lower-case hex."""

    key: str
    size: int
    sha256: str
    content_type: str
    metadata: Mapping[str, str] = field(repr=False)

    def headers(self) -> dict[str, str]:
        """The object's user metadata, names without `x-amz-meta-`."""
        kept = {_outside(name): quote(text, safe=_PLAIN) or _EMPTY for name, text in self.metadata.items()}
        return {**kept, "sha256": self.sha256, "size": str(self.size)}

    def tags(self, names: Sequence[str]) -> dict[str, str]:
        """Those of the metadata that shall be tags too, for lifecycle rules to go by; what no tag can hold is none."""
        return {name: self.metadata[name] for name in names if _TAG.fullmatch(self.metadata.get(name, "\0"))}


def facts_of(
    key: str, headers: Mapping[str, str], *, stored: int, content_type: str, written_at: datetime
) -> BlobFacts:
    """The facts of an object of `stored` bytes with this user metadata.

    FactsLost where it bears no hash: somebody else put it there. Integrity BLOB_CORRUPT where it is not as long as
    recorded.
    """
    kept = {name.lower(): text for name, text in headers.items()}
    sha256, size = kept.pop("sha256", ""), kept.pop("size", "")
    if not _SHA256.fullmatch(sha256) or not size.isdecimal():
        raise FactsLost(Code.BLOB_CORRUPT, "the object bears no hash of its bytes", key=key)
    if int(size) != stored:
        raise Integrity(Code.BLOB_CORRUPT, f"the object has {stored} bytes, not {size} as recorded", key=key)
    return BlobFacts(
        key=key,
        size=stored,
        sha256=sha256,
        content_type=content_type,
        metadata={_inside(name): "" if text == _EMPTY else unquote(text) for name, text in kept.items()},
        written_at=whole_second(written_at),
    )


def whole_second(time: datetime) -> datetime:
    """UTC, cut to what an HTTP date can say: listings of some stores are finer."""
    return time.astimezone(UTC).replace(microsecond=0)


def _outside(name: str) -> str:
    return _APART + name if name in _OURS or name.startswith(_APART) else name


def _inside(name: str) -> str:
    return name.removeprefix(_APART)
