"""What of an encrypted blob stands in its metadata, under the one name `sealed`:

    v1.k2.<data key, wrapped by master key k2>.<facts, encrypted with a key made of the data key>

Both in base64 of the URL kind without padding, so that nobody need escape it. The facts are the blob's true SHA-256,
size, content type and metadata. They are bound to the blob's key and to the one label that stays in the open, `kind`.
They are joined by NUL, which none of them can hold: JSON would make six bytes of a control character, and a store
holds 2 KB in all. The same facts of the same blob are sealed alike (AES-SIV, RFC 5297, which needs no nonce): a store
goes on with an interrupted upload only where its metadata is the same.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from voxpersona.adapters.blobs.keys import MOST_SEALED, SEALED
from voxpersona.adapters.blobs.streamed import HEADER, KEY, PREFIX, SALT, NotAuthentic, Streamed, expand, header
from voxpersona.errors import Code, Integrity
from voxpersona.model import BlobFacts

_VERSION = "v1"
_FORM = re.compile(r"v1\.(k[1-9][0-9]{0,5})\.([A-Za-z0-9_-]{54})\.([A-Za-z0-9_-]+)")
_KIND = "kind"
_OPEN_KIND = re.compile(r"[a-z0-9-]{1,40}")


@dataclass(frozen=True)
class Facts:
    """What only those with the key may know of a blob."""

    sha256: str
    size: int
    content_type: str
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class Seal:
    """The metadata `sealed`, taken apart."""

    master: str
    wrapped: bytes = field(repr=False)
    facts: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return ".".join((_VERSION, self.master, _encode(self.wrapped), _encode(self.facts)))


def seal_of(blob: BlobFacts) -> Seal | None:
    """The seal of a blob as the store tells it; None where it has none. Integrity BLOB_CORRUPT where it is damaged."""
    text = blob.metadata.get(SEALED)
    if text is None:
        return None
    found = _FORM.fullmatch(text)
    if found is None:
        raise damaged(blob.key)
    try:
        return Seal(found[1], _decode(found[2]), _decode(found[3]))
    except NotAuthentic as error:
        raise damaged(blob.key) from error


def damaged(key: str) -> Integrity:
    """What is said of an encrypted blob that does not open."""
    return Integrity(Code.BLOB_CORRUPT, "an encrypted blob does not open: it is not what was written", key=key)


def labelled(seal: Seal, metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata as the store sees it."""
    kind = open_kind(metadata)
    return {SEALED: seal.text, **({_KIND: kind} if kind else {})}


def open_kind(metadata: Mapping[str, str]) -> str:
    """The `kind` that stays in the open for lifecycle rules; empty where there is none of their form."""
    kind = metadata.get(_KIND, "")
    return kind if _OPEN_KIND.fullmatch(kind) else ""


def seal_facts(data_key: bytes, key: str, facts: Facts) -> bytes:
    """The facts, encrypted. Integrity INTERNAL where there are too many for a store to hold."""
    kind = open_kind(facts.metadata)
    hidden = {name: text for name, text in facts.metadata.items() if not (kind and name == _KIND)}
    if not facts.content_type.isascii() or "\0" in facts.content_type:
        raise Integrity(Code.INTERNAL, "a content type is not of ASCII without NUL")
    told = [facts.sha256, str(facts.size), facts.content_type]
    for name, text in hidden.items():
        told += [name, text]
    sealed = _cipher(data_key).encrypt("\0".join(told).encode(), [_bound(key, kind)])
    if len(_encode(sealed)) > MOST_SEALED - 80:
        raise Integrity(Code.INTERNAL, "the metadata of an encrypted blob is longer than a store can hold")
    return sealed


def open_facts(data_key: bytes, key: str, sealed: bytes, metadata: Mapping[str, str]) -> Facts:
    """The facts again, from what the store tells. NotAuthentic."""
    kind = open_kind(metadata)
    try:
        told = _cipher(data_key).decrypt(sealed, [_bound(key, kind)]).decode().split("\0")
    except InvalidTag as error:
        raise NotAuthentic from error
    sha256, size, content_type, *rest = told
    hidden = dict(zip(rest[::2], rest[1::2], strict=True))
    return Facts(sha256, int(size), content_type, {**({_KIND: kind} if kind else {}), **hidden})


def stream(data_key: bytes, key: str) -> Streamed:
    """The blob's bytes under its data key, bound to the blob's key. Salt and prefix are made of the data key, so that a
    range can be read without fetching the header first: a data key is for one blob only."""
    made = expand(data_key, b"voxpersona header", b"", HEADER)
    return Streamed(data_key, key.encode(), header(made[:SALT], made[SALT : SALT + PREFIX]))


def _cipher(data_key: bytes) -> AESSIV:
    return AESSIV(expand(data_key, b"voxpersona facts", b"", 2 * KEY))


def _bound(key: str, kind: str) -> bytes:
    return "\0".join((_VERSION, key, kind)).encode()


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """NotAuthentic also for another spelling of the same bytes."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise NotAuthentic from error
    if _encode(raw) != text:
        raise NotAuthentic
    return raw
