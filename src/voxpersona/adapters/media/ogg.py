"""Ogg pages (RFC 3533): where chained recordings begin, and whether the last page is whole.

A missing end-of-stream flag is no damage: browsers and live recorders never set it. A page that ends early is.
"""

from dataclasses import dataclass

from voxpersona.adapters.media.window import Window

_CAPTURE = b"OggS"
_FIXED = 27
_BEGINS = 2
_STRIDE = 1 << 16


@dataclass(frozen=True)
class Chain:
    """Recordings joined end to end, as `[start, end)` byte ranges; `cut`: the file ends inside a page."""

    links: tuple[tuple[int, int], ...]
    cut: bool


def chain(window: Window) -> Chain:
    """Walk all pages by their headers."""
    starts, cut, was_beginning, at = [0], False, True, 0
    while at < window.size:
        head = window.at(at, _FIXED + 255)
        if not head.startswith(_CAPTURE):
            if _CAPTURE.startswith(head):
                cut = True  # a page of which only the first letters are there
                break
            at = _next_page(window, at + 1)
            continue
        length = _page_length(head)
        if length is None or at + length > window.size:
            cut = True
            break
        is_beginning = bool(head[5] & _BEGINS)
        if is_beginning and not was_beginning:
            starts.append(at)
        was_beginning = is_beginning
        at += length
    return Chain(tuple(zip(starts, [*starts[1:], window.size], strict=True)), cut)


def _page_length(head: bytes) -> int | None:
    if len(head) < _FIXED or len(head) < _FIXED + head[26]:
        return None
    return _FIXED + head[26] + sum(head[_FIXED : _FIXED + head[26]])


def _next_page(window: Window, at: int) -> int:
    """The next capture pattern from `at` on, or the end."""
    while at < window.size:
        found = window.at(at, _STRIDE + len(_CAPTURE) - 1).find(_CAPTURE)
        if found >= 0:
            return at + found
        at += _STRIDE
    return window.size
