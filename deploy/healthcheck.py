"""Health check of the container: exits with 0 if /healthz answers 200, and otherwise with 1 and the reason.

Run it with ``python -IS``. It is executed every 30 s, so it imports next to nothing: the C part of ``socket``, and ssl
only if the program uses TLS. Port and TLS come from the environment, because flags are not visible here. The
certificate is not verified: it has another name than 127.0.0.1.
"""

import os
import sys

SECONDS = 4
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


def plain(port):
    """Return a connection."""
    import _socket  # `socket` adds enumerations and classes, which take most of the time

    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    connection.settimeout(SECONDS)
    connection.connect(("127.0.0.1", port))
    return connection


def encrypted(port):
    """Return a connection with TLS."""
    import socket
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context.wrap_socket(socket.create_connection(("127.0.0.1", port), SECONDS))


def main():
    """Return None if the program works, else the reason."""
    port = int(os.environ.get("TELEMETRY_STREAM_PORT") or "8750")
    connect = encrypted if os.environ.get("TELEMETRY_STREAM_TLS_CERT") else plain
    try:
        connection = connect(port)
        connection.sendall(REQUEST)
        answer = connection.recv(4096)
    except OSError as error:
        return f"no answer on port {port}: {error}"
    return None if answer.startswith(b"HTTP/1.1 200 ") else answer.decode(errors="replace")


sys.exit(main())
