"""Elements of Matroska and WebM (RFC 8794, RFC 9559): is the file whole, is the sound locked?"""

from voxpersona.adapters.media.window import Window

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_TRACKS, _TRACK, _TRACK_TYPE = 0x1654AE6B, 0xAE, 0x83
_ENCODINGS, _ENCODING, _ENCRYPTION = 0x6D80, 0x6240, 0x5035
_DOC_TYPE = 0x4282
_SOUND = b"\x02"
_HEADER = 0x1A45DFA3
_MOST_TRACKS_BYTES = 1 << 20


def doc_type(head: bytes) -> str:
    """`webm` or `matroska`, as the header says; empty where it does not."""
    header = _element(head, 0)
    if header is None or header[2] is None:
        return ""
    found = _children(head[header[1] : header[1] + header[2]]).get(_DOC_TYPE, [b""])
    return found[0].rstrip(b"\0").decode("ascii", "replace")


def is_cut(window: Window) -> bool:
    """Whether the last element ends beyond the file. Live recordings declare no sizes: there blocks are walked."""
    at = 0
    while at < window.size:
        element = _element(window.at(at, 16), 0)
        if element is None:
            # Too few bytes for a header are a cut; a first byte that starts none is padding or garbage.
            return window.size - at < 12 and any(window.at(at, 12))
        identity, header, size = element
        if size is None and identity not in (_SEGMENT, _CLUSTER):
            return False
        at += header + (size or 0)
    return at > window.size


def locked_tracks(window: Window) -> tuple[bool, ...]:
    """For each sound track in order, whether it is encrypted."""
    at = 0
    for _ in range(1000):
        element = _element(window.at(at, 16), 0)
        if element is None or element[0] == _CLUSTER:
            break
        identity, header, size = element
        if identity == _TRACKS and size is not None:
            tracks = _children(window.at(at + header, min(size, _MOST_TRACKS_BYTES))).get(_TRACK, [])
            return tuple(_is_locked(track) for track in tracks if _number(track) == _SOUND)
        at += header + (0 if identity == _SEGMENT else size or 0)
    return ()


def _number(track: bytes) -> bytes:
    return _children(track).get(_TRACK_TYPE, [b""])[0].lstrip(b"\0")


def _is_locked(track: bytes) -> bool:
    for encodings in _children(track).get(_ENCODINGS, []):
        for encoding in _children(encodings).get(_ENCODING, []):
            if _ENCRYPTION in _children(encoding):
                return True
    return False


def _children(body: bytes) -> dict[int, list[bytes]]:
    found: dict[int, list[bytes]] = {}
    at = 0
    while (element := _element(body, at)) is not None:
        identity, header, size = element
        end = len(body) if size is None else at + header + size
        found.setdefault(identity, []).append(body[at + header : end])
        at = end
    return found


def _element(body: bytes, at: int) -> tuple[int, int, int | None] | None:
    """(identity, bytes of header, bytes of content or None if unknown) of the element at `at`; None: there is none."""
    if at >= len(body) or body[at] < 0x10:
        return None
    identity_length = 9 - body[at].bit_length()
    after = at + identity_length
    if after >= len(body) or body[after] == 0:
        return None
    size_length = 9 - body[after].bit_length()
    if after + size_length > len(body):
        return None
    unmarked = int.from_bytes(body[after : after + size_length], "big") & ((1 << 7 * size_length) - 1)
    size = None if unmarked == (1 << 7 * size_length) - 1 else unmarked
    return int.from_bytes(body[at:after], "big"), identity_length + size_length, size
