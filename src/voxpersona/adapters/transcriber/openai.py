"""Speech to text by any server that speaks OpenAI's `/v1/audio/transcriptions`."""

import email.utils
import hashlib
import math
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from voxpersona.adapters.transcriber import openai_answer, opus
from voxpersona.adapters.transcriber.languages import UNTOLD
from voxpersona.adapters.transcriber.openai_keys import Keys
from voxpersona.adapters.transcriber.voice import Voice
from voxpersona.errors import Code, Configuration, Fact, Integrity, Unavailable
from voxpersona.model import PieceText
from voxpersona.ports import RATE, Floats, OnProgress

_ENDPOINT = "/audio/transcriptions"
_LARGEST_PIECE = 24 << 20
_LARGEST_ANSWER = 32 << 20
_CONNECT = 10.0
# A server that wants another format says so with one of these; 404 and 405 are a wrong address.
_UNLIKED = frozenset({400, 415, 422, 501})
_LATER = frozenset({408, 409, 425, 429})
_KEY_REFUSED = frozenset({401, 403})
_SPEECH_MISSED = 5.0
_SMALLEST = 10.0
"""Seconds: a server that finds so little too large has another complaint."""
_WHY = {
    "refused": "connection refused",
    "name or service": "its name is not known",
    "nodename": "its name is not known",
    "name resolution": "its name is not known",
    "no address": "its name is not known",
    "certificate": "its certificate is not to be trusted",
    "wrong version number": "no TLS there",
    "unreachable": "no route to it",
}
"""What the system says where there is no connection, and what we say."""


InHalves = Callable[[Floats, Callable[[Floats], PieceText]], PieceText]


class _TooLargeError(Exception):
    """The server would not take so many bytes."""


class OpenAITranscriber:
    """A Transcriber over HTTP. `url` may be the server's, end in `/v1`, or be the whole path.

    Sends a piece as Ogg/Opus and asks for words and segments with times (`verbose_json`); a server or model that
    refuses that format is asked once more for the plain text, and from then on at once. Then word times are estimated
    and have confidence 0, and the language is `und` unless it was told. What is too large for it is sent in halves.
    Of several keys a throttled one rests as long as the server says, and a refused one is set aside: the next is used.
    The same piece sent again carries the same `Idempotency-Key`, so a server that knows the header is paid once.
    The sound leaves this machine for `url` and nowhere else: no redirect is followed, no proxy of the environment used.
    Neither key nor text stands in an error, a name or a log.
    """

    def __init__(
        self,
        url: str,
        *,
        keys: Sequence[str],
        model: str,
        in_halves: InHalves,
        timeout: float = 600.0,
        ca_file: Path | None = None,
        wait_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """`timeout` in seconds is for one whole piece. `in_halves` gives what its second argument hears of a piece that
        is too large to be sent at once, and must cut it near its middle. `wait_turn` is called before each request,
        repeated ones too, and returns when it may be sent. Configuration SETTING_INVALID: a URL, key or CA file unfit.
        """
        self._endpoint, auth = _endpoint(url)
        self._in_halves = in_halves
        self._largest = _LARGEST_PIECE
        self._model = model
        self._timeout = timeout
        self._is_plain = False
        self._wait_turn = wait_turn
        if not all(key.isascii() and key.isprintable() and " " not in key for key in keys):
            # The HTTP library would quote it in its own error.
            raise Configuration(Code.SETTING_INVALID, "the transcriber's key has blanks or line breaks in it")
        self._keys = Keys(keys)
        self._client = httpx.Client(
            headers={"Accept": "application/json"},
            auth=auth,
            timeout=httpx.Timeout(timeout, connect=min(_CONNECT, timeout)),
            trust_env=False,
            follow_redirects=False,
            verify=_trusted(ca_file),
        )

    @property
    def name(self) -> str:
        return f"openai {self._model} at {self._endpoint}, opus {opus.BITS_PER_SECOND}, temperature 0, 2"

    def __repr__(self) -> str:
        return f"OpenAITranscriber({self.name})"

    def close(self) -> None:
        """Give the connections back. Afterwards it cannot be used."""
        self._client.close()

    def transcribe(
        self, sound: Floats, *, language: str | None, words: Sequence[str] = (), on_progress: OnProgress
    ) -> PieceText:
        if not len(sound):
            return PieceText(language=language or UNTOLD, language_confidence=0.0, segments=())
        on_progress(0.0)
        heard = self._heard(sound, language, words)
        on_progress(1.0)
        return heard

    def _heard(self, sound: Floats, language: str | None, words: Sequence[str]) -> PieceText:
        """What is said in it; in halves where it is too large, and in halves of those."""
        encoded = opus.encode(sound)
        told = {} if language is None else {"language": language}
        if words:
            told["prompt"] = ", ".join(words)
        try:
            if len(encoded) > self._largest:
                raise _TooLargeError
            body = self._ask(encoded, told)
        except _TooLargeError:
            if len(sound) < _SMALLEST * RATE:
                raise self._refused(f"HTTP 413 to {len(encoded)} bytes") from None
            # What was too large once is not sent again only to be told so.
            self._largest = min(self._largest, len(encoded) - 1)
            return self._in_halves(sound, lambda half: self._heard(half, language, words))
        voice = Voice(sound)
        heard = openai_answer.read(
            body, seconds=len(sound) / RATE, language=language, loudest=voice.loudest, words=words
        )
        if not heard.segments and not heard.dropped:
            _check_silence(voice)
        return heard

    def _ask(self, encoded: bytes, told: Mapping[str, str]) -> bytes:
        if not self._is_plain:
            status, headers, body = self._send(encoded, told, is_plain=False)
            if status not in _UNLIKED:
                return self._accepted(status, headers, body)
        status, headers, body = self._send(encoded, told, is_plain=True)
        body = self._accepted(status, headers, body)
        self._is_plain = True
        return body

    def _send(self, encoded: bytes, told: Mapping[str, str], *, is_plain: bool) -> tuple[int, httpx.Headers, bytes]:
        """The answer to the first key that is neither throttled nor refused."""
        reason = "HTTP 429"
        for key in self._keys.usable():
            status, headers, body = self._post(encoded, told, key, is_plain=is_plain)
            if status == httpx.codes.TOO_MANY_REQUESTS:
                self._keys.rest(key, float(_retry_after(headers).get("retry_after", 0.0)))
            elif status not in _KEY_REFUSED or not key:
                return status, headers, body
            elif not self._keys.refuse(key):
                raise self._refused(_said(status, body))
            else:
                continue
            reason = _said(status, body)
        rest = self._keys.shortest_rest()
        raise self._unavailable(reason, **({"retry_after": rest} if rest else {}))

    def _post(
        self, encoded: bytes, told: Mapping[str, str], key: str, *, is_plain: bool
    ) -> tuple[int, httpx.Headers, bytes]:
        form: dict[str, str | list[str]] = {"model": self._model, "temperature": "0", **told}
        if is_plain:
            form["response_format"] = "json"
        else:
            form["response_format"] = "verbose_json"
            form["timestamp_granularities[]"] = ["word", "segment"]
        sent = hashlib.sha256(f"{sorted(form.items())}".encode() + encoded).hexdigest()
        headers = {"Idempotency-Key": f"voxpersona-{sent[:32]}"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._wait_turn()
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        sound = {"file": ("piece.ogg", encoded, "audio/ogg")}
        with (
            self._http_errors(),
            self._client.stream("POST", self._endpoint, data=form, files=sound, headers=headers) as response,
        ):
            for part in response.iter_bytes():
                body += part
                if len(body) > _LARGEST_ANSWER:
                    raise Integrity(Code.TRANSCRIBER_ANSWER, "the server's answer has no end", reason="too long")
                if time.monotonic() > deadline:  # the client's own limit is for each part, not for all
                    raise self._unavailable("timed out")
            return response.status_code, response.headers, bytes(body)

    def _accepted(self, status: int, headers: httpx.Headers, body: bytes) -> bytes:
        """The body of an answer that is one; the error that any other status means."""
        if status == httpx.codes.OK:
            return body
        if status == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise _TooLargeError
        reason = _said(status, body)
        if status == httpx.codes.INTERNAL_SERVER_ERROR:
            # It is there and failed at this: who waits for it may want to know.
            raise self._unavailable(reason, is_up=True, **_retry_after(headers))
        if status in _LATER or status >= 500:
            raise self._unavailable(reason, **_retry_after(headers))
        raise self._refused(reason)

    def _refused(self, reason: str) -> Configuration:
        return Configuration(
            Code.TRANSCRIBER_REFUSED,
            f"the server at {self._endpoint} refused: {reason}",
            url=self._endpoint,
            model=self._model,
            reason=reason,
        )

    @contextmanager
    def _http_errors(self) -> Iterator[None]:
        try:
            yield
        except httpx.TimeoutException as error:
            raise self._unavailable("timed out") from error
        except httpx.DecodingError as error:
            raise Integrity(
                Code.TRANSCRIBER_ANSWER, "the server's answer cannot be unpacked", reason="encoding"
            ) from error
        except httpx.RemoteProtocolError as error:
            # Hung up in the middle: the connection's fault, so the same call may succeed.
            raise self._unavailable("hung up") from error
        except httpx.TransportError as error:
            raise self._unavailable(_why(error)) from error

    def _unavailable(self, reason: str, **facts: Fact) -> Unavailable:
        return Unavailable(
            Code.TRANSCRIBER_UNAVAILABLE,
            f"the server at {self._endpoint}: {reason}",
            url=self._endpoint,
            reason=reason,
            **facts,
        )


def _endpoint(url: str) -> tuple[str, tuple[str, str] | None]:
    """The full address without who is asking, and the latter: addresses are shown and logged."""
    try:
        parsed = httpx.URL(url.strip())
    except httpx.InvalidURL as error:
        raise Configuration(Code.SETTING_INVALID, "the transcriber's URL cannot be read") from error
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.fragment:
        raise Configuration(
            Code.SETTING_INVALID, "the transcriber's URL must be http(s)://server[:port][/path], without a query"
        )
    path = parsed.path.rstrip("/")
    if not path.endswith(_ENDPOINT):
        path += _ENDPOINT if path.endswith("/v1") else f"/v1{_ENDPOINT}"
    auth = (parsed.username, parsed.password) if parsed.userinfo else None
    return str(parsed.copy_with(path=path, username=None, password=None)), auth


def _said(status: int, body: bytes) -> str:
    """Status and the server's word for it."""
    return f"HTTP {status} {openai_answer.error_code(body)}".strip()


def _why(error: httpx.TransportError) -> str:
    told = str(error).lower()
    return next((reason for sign, reason in _WHY.items() if sign in told), "no connection")


def _trusted(ca_file: Path | None) -> ssl.SSLContext | bool:
    if ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise Configuration(Code.SETTING_INVALID, f"{ca_file} holds no certificates", value=str(ca_file)) from error


def _retry_after(headers: httpx.Headers) -> dict[str, Fact]:
    """`retry_after` in seconds, told as such or as a date; empty where the server tells none that makes sense."""
    told = headers.get("Retry-After", "").strip()
    try:
        seconds = float(told)
    except ValueError:
        try:
            at = email.utils.parsedate_to_datetime(told)
        except ValueError:
            return {}
        seconds = (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds()
    return {"retry_after": max(seconds, 0.0)} if math.isfinite(seconds) else {}


def _check_silence(voice: Voice) -> None:
    """No text at all is believed only where nobody is heard to speak: text is never dropped silently."""
    spoken = voice.spoken()
    if spoken > _SPEECH_MISSED:
        raise Integrity(
            Code.TRANSCRIBER_ANSWER,
            f"the server answered no text to a piece with {spoken:.0f} seconds of speech",
            reason="no text for speech",
            seconds=round(spoken, 1),
        )
