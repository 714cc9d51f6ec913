"""Real servers on this machine that speak `/v1/audio/transcriptions`: one that hears, one that fails as told."""

import io
import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from faster_whisper import decode_audio

from voxpersona.model import PieceText
from voxpersona.ports import RATE, Transcriber

PATH = "/v1/audio/transcriptions"


@dataclass(frozen=True)
class Request:
    """What arrived: form fields by name, the sound's bytes, the headers."""

    path: str
    fields: dict[str, list[str]]
    sound: bytes
    headers: Message


@dataclass(frozen=True)
class Reply:
    """What goes back. `cut` sends that many bytes of the body and hangs up; `hangs` sends nothing until the end."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    hangs: bool = False


@dataclass
class SpeechServer:
    url: str
    requests: list[Request] = field(default_factory=list)


@contextmanager
def hearing(transcriber: Transcriber, *, most: int | None = None) -> Iterator[SpeechServer]:
    """A server that answers as OpenAI does: language by its English name, words beside the segments, unpunctuated. It
    takes `most` bytes of sound."""

    def answer(request: Request) -> Reply:
        if most is not None and len(request.sound) > most:
            return Reply(status=413)
        sound = np.asarray(decode_audio(io.BytesIO(request.sound), sampling_rate=RATE), dtype=np.float32)
        language = request.fields.get("language", [None])[0]
        words = request.fields.get("prompt", [])
        heard = transcriber.transcribe(sound, language=language, words=words, on_progress=lambda _: None)
        return Reply(body=json.dumps(verbose(heard, len(sound) / RATE)).encode())

    with serving(answer) as server:
        yield server


@contextmanager
def failing(replies: Sequence[Reply]) -> Iterator[SpeechServer]:
    """A server that gives these replies, one for each request; the last one for ever."""
    left = list(replies)
    turn = threading.Lock()

    def answer(_request: Request) -> Reply:
        with turn:
            return left.pop(0) if len(left) > 1 else left[0]

    with serving(answer) as server:
        yield server


def verbose(heard: PieceText, seconds: float) -> dict[str, Any]:
    """OpenAI's `verbose_json`."""
    return {
        "task": "transcribe",
        "language": {"en": "english", "ru": "russian"}.get(heard.language, heard.language),
        "duration": seconds,
        "text": " ".join(segment.text for segment in heard.segments),
        "words": [
            {"word": word.text.strip(".,?!"), "start": word.start, "end": word.end}
            for segment in heard.segments
            for word in segment.words
        ],
        "segments": [
            {"id": number, "start": each.start, "end": each.end, "text": f" {each.text}", "avg_logprob": -0.1}
            for number, each in enumerate(heard.segments)
        ],
    }


@contextmanager
def serving(answer: Callable[[Request], Reply]) -> Iterator[SpeechServer]:
    """A server that answers each request as told."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = _request(self)
            server.requests.append(request)
            reply = answer(request)
            if reply.hangs:
                over.wait()
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body[: reply.cut])
            self.close_connection = reply.cut is not None

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name for it
            """Says nothing: the default prints every request."""

    http = _Quiet(("127.0.0.1", 0), Handler)
    server = SpeechServer(url=f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        over.set()
        http.shutdown()
        thread.join()
        http.server_close()


class _Quiet(ThreadingHTTPServer):
    """Says nothing of a client that was killed or gave up."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _request(handler: BaseHTTPRequestHandler) -> Request:
    body = handler.rfile.read(int(handler.headers["Content-Length"]))
    form = BytesParser().parsebytes(b"Content-Type: " + handler.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
    fields: dict[str, list[str]] = {}
    sound = b""
    for part in form.walk():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if name == "file":
            assert isinstance(content, bytes)
            sound = content
        elif isinstance(name, str):
            assert isinstance(content, bytes)
            fields.setdefault(name, []).append(content.decode())
    return Request(handler.path, fields, sound, handler.headers)
