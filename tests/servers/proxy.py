"""A proxy that stands before a real server and does to requests what a bad day does (tests/servers/faults.py).

Every header passes unchanged, `Host` above all: the signature covers it. Each request goes to the server on a
connection of its own. With a certificate the proxy speaks TLS to its clients, whatever the server speaks.
"""

import socket
import socketserver
import ssl
import struct
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from tests.servers import faults
from tests.servers.faults import Act, Fault
from tests.servers.s3 import S3Server
from tests.servers.tls import Certificate

_PART = 16_384
_PATIENCE = 60
"""Seconds that the real server may take between two bytes."""
_RESET = struct.pack("ii", 1, 0)

Headers = list[tuple[str, str]]


@dataclass
class Seen:
    """A request as it came: `target` is path and query, `body` the bytes that came after its head."""

    method: str
    target: str
    headers: Headers
    body: int = 0


class _EndError(Exception):
    """The connection is to be closed."""


class _ResetError(Exception):
    """The connection is to be reset: its client sees no orderly end."""


class Proxy:
    """Up from the start. The plan may be changed at any time: of its faults the first that takes a request strikes."""

    def __init__(
        self, upstream: S3Server, *, certificate: Certificate | None = None, ca_file: Path | None = None
    ) -> None:
        """`ca_file`: what its clients trust, where it has a certificate."""
        self._upstream = upstream
        self._trust = ssl.create_default_context(cafile=upstream.ca_file) if upstream.ca_file else None
        self._context = None
        if certificate is not None:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(certificate.chain, certificate.key)
        self._address = ("127.0.0.1", 0)
        self._held = _socket()
        self._clients: set[socket.socket] = set()
        self._turn = threading.Lock()
        self.plan: list[Fault] = []
        self.seen: list[Seen] = []
        self.up()
        scheme = "https" if certificate else "http"
        self.server = upstream.behind(f"{scheme}://127.0.0.1:{self._address[1]}", ca_file if certificate else None)
        """The server as it is reached through here."""

    def up(self) -> None:
        """Take connections, always at the same port."""
        self._over = threading.Event()
        self._listener = _Listener(self._address, self)
        self._address = ("127.0.0.1", self._listener.server_address[1])
        self._held.close()
        self._accepting = threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02})
        self._accepting.start()

    def down(self) -> None:
        """Drop every connection and refuse new ones."""
        self._over.set()
        self._listener.shutdown()
        self._accepting.join()
        with self._turn:
            for client in self._clients:
                with suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
        self._listener.server_close()  # waits for the threads of the connections
        # Bound and not listening, it refuses connections, and nobody else is given the port meanwhile.
        self._held = _socket()
        self._held.bind(self._address)

    def close(self) -> None:
        """Down for good. Closing twice is no error, nor is closing what is down."""
        if not self._over.is_set():
            self.down()
        self._held.close()

    def counts(self) -> Counter[str]:
        """Requests by method."""
        return Counter(request.method for request in self.seen)

    def sent(self, method: str) -> int:
        """Bytes of request bodies by method."""
        return sum(request.body for request in self.seen if request.method == method)

    # One connection

    def serve(self, client: socket.socket) -> None:
        """Answer the requests of one connection, in a thread of its own."""
        with suppress(OSError, HTTPException, _EndError):
            if self._context is not None:
                client = self._context.wrap_socket(client, server_side=True)
            with client, client.makefile("rb") as reader, self._known(client):
                try:
                    while not self._over.is_set() and (request := _request(reader)):
                        self._exchange(client, reader, request)
                except _ResetError:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)

    @contextmanager
    def _known(self, client: socket.socket) -> Iterator[None]:
        """So that `down` finds it."""
        with self._turn:
            self._clients.add(client)
        try:
            yield
        finally:
            with self._turn:
                self._clients.discard(client)

    def _exchange(self, client: socket.socket, reader: BinaryIO, request: Seen) -> None:
        with self._turn:
            self.seen.append(request)
            act = next((fault.act for fault in self.plan if fault.takes(request.method, request.target)), None)
        body = self._shaken(_body(client, reader, request), act, request=True)
        match act:
            case faults.Answer():
                for _ in body:
                    pass
                client.sendall(_answer(act, request.method))
                return
            case faults.Stall(after=None):
                self._over.wait()
                raise _ResetError
            case faults.BreakRequest(after=None):
                raise _ResetError
        with self._asked(request, body) as response:
            match act:
                case faults.LoseAnswer():
                    response.read()
                    raise _ResetError
                case _:
                    self._reply(client, request, response, act)

    @contextmanager
    def _asked(self, request: Seen, body: Iterable[bytes]) -> Iterator[HTTPResponse]:
        address = urlsplit(self._upstream.endpoint)
        assert address.hostname
        assert address.port
        if self._trust is None:
            upstream = HTTPConnection(address.hostname, address.port, timeout=_PATIENCE)
        else:
            upstream = HTTPSConnection(address.hostname, address.port, timeout=_PATIENCE, context=self._trust)
        try:
            upstream.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, text in request.headers:
                if name.lower() != "expect":  # answered here
                    upstream.putheader(name, text)
            upstream.endheaders()
            for part in body:
                with suppress(BrokenPipeError, ConnectionResetError):  # it has answered early, and says why
                    upstream.send(part)
            with upstream.getresponse() as response:
                yield response
        finally:
            upstream.close()

    def _reply(self, client: socket.socket, request: Seen, response: HTTPResponse, act: Act | None) -> None:
        headers = response.getheaders()
        if isinstance(act, faults.Rewrite):
            named = {name.lower() for name, _ in act.headers}
            headers = [each for each in headers if each[0].lower() not in named]
            headers += [(name, text) for name, text in act.headers if text is not None]
        client.sendall(_head(response.status, response.reason, headers))
        chunked = response.chunked and request.method != "HEAD"
        open_ended = response.length is None and not chunked
        parts = iter(lambda: response.read(_PART), b"")
        for part in self._shaken(parts, act, request=False):
            client.sendall(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
        if chunked:
            client.sendall(b"0\r\n\r\n")
        if open_ended:
            raise _EndError

    def _shaken(self, parts: Iterable[bytes], act: Act | None, *, request: bool) -> Iterator[bytes]:
        """The bytes of a body as the fault leaves them."""
        at = 0
        for part in parts:
            match act:
                case faults.BreakRequest(after=int(end)) if request and at + len(part) >= end:
                    yield part[: end - at]
                    raise _ResetError
                case faults.Cut(after=end) | faults.Stall(after=int(end)) if not request and at + len(part) >= end:
                    yield part[: end - at]
                    if isinstance(act, faults.Stall):
                        self._over.wait()
                    raise _EndError
                case faults.FlipRequest(at=place) if request and at <= place < at + len(part):
                    yield _flipped(part, place - at)
                case faults.FlipAnswer(at=place) if not request and at <= place < at + len(part):
                    yield _flipped(part, place - at)
                case faults.Slow(bytes_per_second=speed):
                    self._over.wait(len(part) / speed)
                    yield part
                case _:
                    yield part
            at += len(part)


def _socket() -> socket.socket:
    """One that may be bound where others were, or are and do not listen."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made


class _Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], proxy: Proxy) -> None:
        self._proxy = proxy
        super().__init__(address, socketserver.BaseRequestHandler)

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        self._proxy.serve(request)


@contextmanager
def proxied(
    upstream: S3Server,
    plan: Sequence[Fault] = (),
    *,
    certificate: Certificate | None = None,
    ca_file: Path | None = None,
) -> Iterator[Proxy]:
    """A proxy before the server, gone afterwards."""
    proxy = Proxy(upstream, certificate=certificate, ca_file=ca_file)
    proxy.plan += plan
    try:
        yield proxy
    finally:
        proxy.close()


# HTTP/1.1, as far as S3 needs it


def _request(reader: BinaryIO) -> Seen | None:
    line = reader.readline()
    if not line.strip():
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3:
        raise _EndError  # the rest of a body whose sender gave up: nothing on this connection makes sense any more
    method, target, _ = words
    headers: Headers = []
    while line := reader.readline().strip():
        name, _, text = line.decode("latin-1").partition(":")
        headers.append((name, text.strip()))
    return Seen(method, target, headers)


def _body(client: socket.socket, reader: BinaryIO, request: Seen) -> Iterator[bytes]:
    """The body, asked for where the client waits to be asked; counted in the request. One of chunks comes as it is."""
    told = {name.lower(): text for name, text in request.headers}
    if told.get("expect", "").lower() == "100-continue":
        client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if told.get("transfer-encoding", "").lower() == "chunked":
        parts = _chunks(reader)
    else:
        parts = _exactly(reader, int(told.get("content-length", "0")))
    for part in parts:
        request.body += len(part)
        yield part


def _exactly(reader: BinaryIO, length: int) -> Iterator[bytes]:
    while length:
        part = reader.read(min(_PART, length))
        if not part:
            raise _EndError
        length -= len(part)
        yield part


def _chunks(reader: BinaryIO) -> Iterator[bytes]:
    size = 1
    while size:
        line = reader.readline()
        size = int(line.split(b";")[0], 16)
        yield line
        yield from _exactly(reader, size + 2)


def _head(status: int, reason: str, headers: Headers) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {text}" for name, text in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def _answer(act: faults.Answer, method: str) -> bytes:
    body = b""
    if act.code and method != "HEAD":
        text = f"<Error><Code>{act.code}</Code><Message>planned</Message></Error>"
        body = b'<?xml version="1.0" encoding="UTF-8"?>' + text.encode()
    headers = [*act.headers, ("Content-Type", "application/xml"), ("Content-Length", str(len(body)))]
    return _head(act.status, "Planned", headers) + body


def _flipped(part: bytes, at: int) -> bytes:
    return part[:at] + bytes([part[at] ^ 1]) + part[at + 1 :]
