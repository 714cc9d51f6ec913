"""Speech to text by any server that speaks OpenAI's `/v1/audio/transcriptions`."""

import email.utils
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
_SPEECH_MISSED = 5.0
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


class OpenAITranscriber:
    """A Transcriber over HTTP. `url` may be the server's, end in `/v1`, or be the whole path.

    Sends a piece as Ogg/Opus and asks for words and segments with times (`verbose_json`); a server or model that
    refuses that format is asked once more for the plain text, and from then on at once. Then word times are estimated
    and have confidence 0, and the language is `und` unless it was told.
    The sound leaves this machine for `url` and nowhere else: no redirect is followed, no proxy of the environment used.
    Neither key nor text stands in an error, a name or a log.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None,
        model: str,
        timeout: float = 600.0,
        ca_file: Path | None = None,
        wait_turn: Callable[[], None] = lambda: None,
    ) -> None:
        """`timeout` in seconds is for one whole piece. `wait_turn` is called before each request, repeated ones too,
        and returns when it may be sent. Configuration SETTING_INVALID: a URL, key or CA file unfit."""
        self._endpoint, auth = _endpoint(url)
        self._model = model
        self._timeout = timeout
        self._is_plain = False
        self._wait_turn = wait_turn
        headers = {"Accept": "application/json"}
        if key:
            if not key.isascii() or not key.isprintable() or " " in key:
                # The HTTP library would quote it in its own error.
                raise Configuration(Code.SETTING_INVALID, "the transcriber's key has blanks or line breaks in it")
            headers["Authorization"] = f"Bearer {key}"
        self._client = httpx.Client(
            headers=headers,
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
        encoded = opus.encode(sound)
        if len(encoded) > _LARGEST_PIECE:
            raise Integrity(
                Code.INTERNAL, f"a piece of {len(encoded)} bytes is too large to be sent", bytes=len(encoded)
            )
        on_progress(0.0)
        form = {} if language is None else {"language": language}
        if words:
            form["prompt"] = ", ".join(words)
        body = self._ask(encoded, form)
        voice = Voice(sound)
        heard = openai_answer.read(
            body, seconds=len(sound) / RATE, language=language, loudest=voice.loudest, words=words
        )
        if not heard.segments and not heard.dropped:
            _check_silence(voice)
        on_progress(1.0)
        return heard

    def _ask(self, encoded: bytes, told: Mapping[str, str]) -> bytes:
        if not self._is_plain:
            status, headers, body = self._post(encoded, told, is_plain=False)
            if status not in _UNLIKED:
                return self._accepted(status, headers, body)
        status, headers, body = self._post(encoded, told, is_plain=True)
        body = self._accepted(status, headers, body)
        self._is_plain = True
        return body

    def _post(self, encoded: bytes, told: Mapping[str, str], *, is_plain: bool) -> tuple[int, httpx.Headers, bytes]:
        form: dict[str, str | list[str]] = {"model": self._model, "temperature": "0", **told}
        if is_plain:
            form["response_format"] = "json"
        else:
            form["response_format"] = "verbose_json"
            form["timestamp_granularities[]"] = ["word", "segment"]
        self._wait_turn()
        deadline = time.monotonic() + self._timeout
        body = bytearray()
        sound = {"file": ("piece.ogg", encoded, "audio/ogg")}
        with (
            self._http_errors(),
            self._client.stream("POST", self._endpoint, data=form, files=sound) as response,
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
        said = openai_answer.error_code(body)
        reason = f"HTTP {status} {said}".strip()
        if status in _LATER or status >= 500:
            raise self._unavailable(reason, **_retry_after(headers))
        raise Configuration(
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
