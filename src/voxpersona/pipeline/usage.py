"""Usage: how much stands in the store, by bucket, kind and month. Counted from the listing, not from the database."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from voxpersona.model import Usage
from voxpersona.pipeline import layout
from voxpersona.ports import Blobs


def usage(buckets: Iterable[tuple[str, Blobs]]) -> Sequence[Usage]:
    """One line for each bucket, kind and month in which something was written, in that order.

    `stored` counts what the store keeps: bytes as encrypted, without old versions and unfinished writes.
    """
    blobs: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    stored: defaultdict[tuple[str, str, str], int] = defaultdict(int)
    for name, bucket in buckets:
        for listed in bucket.list():
            place = (name, layout.kind(listed.key), f"{listed.written_at:%Y-%m}")
            blobs[place] += 1
            stored[place] += listed.stored
    return [
        Usage(
            bucket=bucket, kind=kind, month=month, blobs=blobs[bucket, kind, month], stored=stored[bucket, kind, month]
        )
        for bucket, kind, month in sorted(blobs)
    ]
