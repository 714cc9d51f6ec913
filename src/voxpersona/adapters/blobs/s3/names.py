"""Keys as objects are named, and names as browsers read them."""

import re
from urllib.parse import quote

from voxpersona.adapters.blobs.keys import is_key

_AWKWARD = re.compile(r"[%\\\x01-\x1f\x7f]")
_ESCAPED = re.compile(r"%(25|5C|[01][0-9A-F]|7F)")


def object_name(key: str) -> str:
    r"""The name of the object that holds the blob: the key itself, but for `%`, `\` and control characters.

    Servers on Windows' side of the world split names at a backslash and refuse `..\a`; control characters break the
    listings of some. Those are percent-encoded, and `%` with them, so that no two keys meet in one name.
    """
    return _AWKWARD.sub(lambda found: f"%{ord(found[0]):02X}", key)


def key_of(name: str) -> str | None:
    """The key of an object; None for one that no key leads to: somebody else's, or the mark of a folder."""
    key = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name)
    return key if object_name(key) == name and is_key(key) else None


def asked_prefix(prefix: str) -> str | None:
    """The prefix to ask a store for, to see every key that begins with `prefix`; None where no key can.

    It may be shorter: MinIO refuses one that ends in a `.` or `..` as if it were a path.
    """
    *folders, last = prefix.split("/")
    if any(folder in ("", ".", "..") for folder in folders):
        return None
    return object_name(prefix[: -len(last)] if last in (".", "..") else prefix)


def disposition(name: str) -> str:
    """`Content-Disposition` of a download under a Unicode name: ASCII for old readers, RFC 5987 beside it."""
    plain = re.sub(r'[^ -~]|["\\%]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
