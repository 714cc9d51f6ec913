"""Content on its way through a wrapper: seen part by part, and iterated again below where it could be above."""

from collections.abc import Callable, Iterable, Iterator

Tap = Callable[[Iterable[bytes]], Iterator[bytes]]
"""One pass over a content: yields its parts unchanged and sees them go by."""


def is_again(content: Iterable[bytes]) -> bool:
    """Whether the content can be iterated more than once: a list can, an iterator or an open file cannot."""
    return iter(content) is not content


def tapped(content: Iterable[bytes], tap: Tap) -> Iterable[bytes]:
    """The content with `tap` around every pass over it. It can be iterated again just where `content` can."""
    return _Again(content, tap) if is_again(content) else tap(content)


class Watch:
    """A tap that tells whether the content was begun, and whether it broke off by an error of its own."""

    def __init__(self) -> None:
        self.begun = False
        self.broke = False

    def __call__(self, content: Iterable[bytes]) -> Iterator[bytes]:
        # No `yield from`: it would close the caller's iterator where the layer below gives its pass up.
        self.begun = True
        parts = iter(content)
        while True:
            try:
                part = next(parts)
            except StopIteration:
                return
            except BaseException:
                self.broke = True
                raise
            yield part


class _Again:
    def __init__(self, content: Iterable[bytes], tap: Tap) -> None:
        self._content = content
        self._tap = tap

    def __iter__(self) -> Iterator[bytes]:
        return self._tap(self._content)
