"""A transcription server that answers the same to the same piece, counts what it was paid for, and has bad days."""

import hashlib
import json
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.builders_media import ogg_pages
from tests.speech_server import Reply, Request, serving

_MOST_SEGMENTS = 12
_SAID = "the room was clean and quiet but the breakfast was cold"


@dataclass
class Speech:
    """`paid` says how often each piece was answered in full, `spoilt` how many answers broke off or never came."""

    url: str = ""
    paid: Counter[str] = field(default_factory=Counter)
    spoilt: int = 0
    mood: random.Random | None = None
    """On a bad day, what it does to whom is drawn from this."""
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, request: Request) -> Reply:
        piece, seconds = _known(request.sound)
        body = json.dumps(_heard(piece, seconds)).encode()
        with self._turn:
            does = "well" if self.mood is None else self.mood.choice(["well", "well", "hang", "busy", "half", "broken"])
            if does == "well":
                self.paid[piece] += 1
            elif does in ("half", "hang"):
                self.spoilt += 1
        match does:
            case "hang":
                return Reply(hangs=True)
            case "busy":
                return Reply(429, b'{"error": {"code": "rate_limit_exceeded"}}', {"Retry-After": "1"})
            case "broken":
                return Reply(500, b"{}")
            case "half":
                return Reply(body=body, cut=len(body) // 2)
        return Reply(body=body)


@contextmanager
def torture_speech() -> Iterator[Speech]:
    """One that runs, with its address."""
    speech = Speech()
    with serving(speech.answer) as server:
        speech.url = server.url
        yield speech


def _known(sound: bytes) -> tuple[str, float]:
    """A name for the piece, and its length. The pages' heads carry a serial number that is drawn anew each time."""
    pages = ogg_pages(sound)
    bodies = [page[27 + page[26] :] for page in pages]
    granule = int.from_bytes(pages[-1][6:14], "little")
    return hashlib.sha256(b"".join(bodies)).hexdigest()[:12], granule / 48_000


def token(piece: str) -> str:
    """The word that is said in this piece and in no other."""
    return f"room{piece}"


def _heard(piece: str, seconds: float) -> dict[str, object]:
    """OpenAI's `verbose_json`."""
    said = [token(piece), *_SAID.split()]
    count = max(1, min(_MOST_SEGMENTS, int(seconds // 3)))
    length = seconds / count
    step = length / (len(said) + 1)
    return {
        "task": "transcribe",
        "language": "english",
        "duration": seconds,
        "text": " ".join(said * count),
        "words": [
            {"word": word, "start": round(n * length + at * step, 2), "end": round(n * length + (at + 0.9) * step, 2)}
            for n in range(count)
            for at, word in enumerate(said)
        ],
        "segments": [
            {
                "id": n,
                "start": round(n * length, 2),
                "end": round((n + 1) * length, 2),
                "text": f" {' '.join(said)}.",
                "avg_logprob": -0.1,
            }
            for n in range(count)
        ],
    }
