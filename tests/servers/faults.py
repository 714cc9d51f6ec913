"""What can happen to a request on its way to an S3 server and back: the words in which tests plan a bad day."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """The server is not asked: this comes back, with an S3 error in the body where there is a `code`."""

    status: int
    code: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class BreakRequest:
    """The connection is reset after `after` bytes of the request's body. The server got those, but no more.
    With `after` None it was not asked at all."""

    after: int | None = None


@dataclass(frozen=True)
class LoseAnswer:
    """The server does its work; the connection is reset instead of its answer."""


@dataclass(frozen=True)
class Cut:
    """The answer ends after `after` bytes of its body."""

    after: int


@dataclass(frozen=True)
class FlipRequest:
    """The lowest bit of byte `at` of the request's body is flipped on its way."""

    at: int = 0


@dataclass(frozen=True)
class FlipAnswer:
    """The lowest bit of byte `at` of the answer's body is flipped on its way."""

    at: int = 0


@dataclass(frozen=True)
class Stall:
    """Nothing more comes after `after` bytes of the answer's body, as long as the proxy is up. With `after` None the
    server is not even asked."""

    after: int | None = None


@dataclass(frozen=True)
class Slow:
    """The bodies of request and answer trickle."""

    bytes_per_second: int


@dataclass(frozen=True)
class Rewrite:
    """Headers of the answer are replaced or added, or dropped where the text is None."""

    headers: tuple[tuple[str, str | None], ...]


Act = Answer | BreakRequest | LoseAnswer | Cut | FlipRequest | FlipAnswer | Stall | Slow | Rewrite


@dataclass
class Fault:
    """`act` happens to requests of this method ("" for all) in whose path and query the pattern is found: not to the
    first `skip` of them, then to `times` (None for all that follow)."""

    act: Act
    method: str = ""
    target: str = ""
    times: int | None = 1
    skip: int = 0

    def takes(self, method: str, target: str) -> bool:
        """Whether it happens to this request. Counts."""
        if self.method not in ("", method) or not re.search(self.target, target) or self.times == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True
