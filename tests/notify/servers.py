"""Real receivers for tests: an HTTP server, with or without TLS, and an SMTP server. Each records what it gets."""

from __future__ import annotations

import base64
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

CERTIFICATE = Path(__file__).parent.parent / "fixtures/tls/localhost.pem"
OTHER_CERTIFICATE = Path(__file__).parent.parent / "fixtures/tls/other.pem"


class Request(NamedTuple):
    """One request as the server got it."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Answer(NamedTuple):
    """What the server answers."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


def server_context(certificate: Path = CERTIFICATE) -> ssl.SSLContext:
    """Return a context with a certificate and its key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


class HttpReceiver:
    """An HTTP server. ``answer(request)`` decides about each answer; it may write to the socket and return None."""

    def __init__(self, certificate: Path | None = None, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.answer: Callable[[Request, socket.socket], Answer | None] = lambda *_: Answer()
        self.released = threading.Event()  # set at the end, so that answers that hang end
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Request(self.command, self.path, dict(self.headers), body)
                receiver.requests.append(request)
                answer = receiver.answer(request, self.connection)
                if answer is None:
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in (*answer.headers, ("Content-Length", "0")):
                    self.send_header(name, value)
                self.end_headers()

            do_PUT = do_POST  # noqa: N815

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        class Server(ThreadingHTTPServer):
            allow_reuse_address = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # a client that has gone

        self._server = Server(("127.0.0.1", port), Handler)
        self.port: int = self._server.server_address[1]
        self.is_tls = certificate is not None
        if certificate is not None:
            context = server_context(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self.is_tls else 'http'}://localhost:{self.port}"

    def hang(self, request: Request, connection: socket.socket) -> Answer | None:
        """Never answer."""
        self.released.wait(30)
        return None

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def http_receiver(certificate: Path | None = None, port: int = 0) -> Iterator[HttpReceiver]:
    """Run an HTTP server."""
    receiver = HttpReceiver(certificate, port)
    try:
        yield receiver
    finally:
        receiver.close()


class SmtpReceiver:
    """An SMTP server (RFC 5321) with STARTTLS (RFC 3207) and AUTH PLAIN (RFC 4616).

    ``mails`` has what was accepted: the login, the addresses and the text. ``replies`` overrides the reply to a verb
    or to a whole line, in capital letters.
    """

    def __init__(self, security: str = "none") -> None:
        self.mails: list[tuple[str, list[str], str]] = []
        self.replies: dict[str, str] = {}
        self.verbs: list[str] = []
        receiver = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                receiver.serve(self.request, security)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            block_on_close = False
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def serve(self, sock: socket.socket, security: str) -> None:
        sock.settimeout(10)
        try:
            if security == "tls":
                sock = server_context().wrap_socket(sock, server_side=True)
            self._talk(sock, security)
        except OSError:
            pass  # the client has gone
        finally:
            sock.close()

    def _talk(self, sock: socket.socket, security: str) -> None:
        is_secure = security == "tls"
        login, addresses = "", []
        file = sock.makefile("rb")
        sock.sendall(b"220 test ESMTP\r\n")
        try:
            while line := file.readline(1000):
                text = line.decode().strip()
                verb = text.partition(" ")[0].upper()
                self.verbs.append(verb)
                if verb == "STARTTLS":
                    sock.sendall(b"220 go ahead\r\n")
                    file.close()
                    sock = server_context().wrap_socket(sock, server_side=True)
                    file, is_secure = sock.makefile("rb"), True
                    continue
                if verb == "AUTH":
                    login = base64.b64decode(text.split(" ")[2]).decode()
                elif verb == "RCPT":
                    addresses.append(text.upper())
                elif verb == "DATA" and verb not in self.replies:
                    sock.sendall(b"354 end with .\r\n")
                    content = b""
                    while (part := file.readline()) not in (b".\r\n", b""):
                        content += part
                    self.mails.append((login, addresses, content.decode()))
                offers = [] if is_secure or security == "none" else ["250-STARTTLS"]
                hello = "\r\n".join(["250-test", *offers, "250 AUTH PLAIN"])
                usual = {"EHLO": hello, "AUTH": "235 welcome"}.get(verb, "250 ok")
                reply = self.replies.get(text.upper(), self.replies.get(verb, usual))
                sock.sendall(f"{reply}\r\n".encode())
                if verb == "QUIT":
                    return
        finally:
            file.close()
            sock.close()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def smtp_receiver(security: str = "none") -> Iterator[SmtpReceiver]:
    """Run an SMTP server. ``security`` is that of the receiver's settings."""
    receiver = SmtpReceiver(security)
    try:
        yield receiver
    finally:
        receiver.close()
