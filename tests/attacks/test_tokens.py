"""Attacks on the running program by clients that have no token and guess one.

All of 127.0.0.0/8 is this host, so the attackers have one address, or a thousand, other than the honest viewer's.
"""

from __future__ import annotations

import re

from tests.attacks.target import Target
from tests.attacks.wire import bearer, dial, exchange, head, statuses
from tests.websocket.peer import Peer, handshake

TOKEN = "the-honest-viewers.Own_token~1"
WRONG = "nobody-ever-had-this-token"

TRIES = 100  # of each kind of guess


def ask(target: Target, *headers: str, source: str = "") -> int:
    """Request a sample; return the status of the answer."""
    request = head("GET /api/v1/sample HTTP/1.1", *headers)
    (status,) = statuses(exchange(target.address, request, half_close=True, source=source))
    return status


def log_in(target: Target, source: str) -> str:
    """Log in with the right token from this address; return the Cookie header of that browser."""
    request = head(f"GET /?token={TOKEN} HTTP/1.1", "Connection: close")
    found = re.search(rb"Set-Cookie: ([^;]+);", exchange(target.address, request, source=source))
    assert found
    return f"Cookie: {found[1].decode()}"


def forged(cookie: str) -> str:
    """Return the header with a wrong signature."""
    return cookie[:-64] + cookie[-64:][::-1]


def with_unknown_token(cookie: str) -> str:
    """Return the header with the id of another token."""
    name, _, value = cookie.partition("=")
    return f"{name}={'0' * 16}{value[16:]}"


def assert_kept_secret(log: str, *secrets: str) -> None:
    """Check that the log has none of them, nor the first half of one, in any case."""
    for secret in secrets:
        assert secret[: len(secret) // 2].lower() not in log.lower()


def test_flood_of_wrong_tokens(target: Target) -> None:
    """After a few tries an address has to wait, but not with the right token, nor a browser that is logged in there."""
    cookie = log_in(target, "127.0.0.2")
    guesses = (
        head("GET /api/v1/sample HTTP/1.1", bearer(WRONG)),
        head("GET /api/v1/stream HTTP/1.1", bearer(WRONG * 9)),
        head("GET /metrics HTTP/1.1", bearer(TOKEN[:-1])),
        head("GET / HTTP/1.1", bearer(TOKEN.upper())),
        head("GET / HTTP/1.1", bearer("")),
        head("GET / HTTP/1.1", bearer(WRONG), cookie),
        head("GET / HTTP/1.1", "Authorization: BEARER \xe9\xff"),
        head(f"GET /?token={WRONG} HTTP/1.1"),
        head(f"GET /?token={TOKEN}&token={WRONG} HTTP/1.1"),
        head("GET /?token=%ff%00 HTTP/1.1"),
        handshake(headers=f"{bearer(WRONG)}\r\n"),
        handshake(f"/ws?token={TOKEN}"),
        head("GET /api/v1/clients HTTP/1.1", forged(cookie)),
        head("GET /api/v1/clients HTTP/1.1", with_unknown_token(cookie)),
    )
    for source, guess in ((f"127.0.0.{i}", guess) for i, guess in enumerate(guesses, 2)):
        answered = statuses(exchange(target.address, guess * TRIES, half_close=True, source=source))
        assert len(answered) == TRIES, guess
        assert answered[0] == 401, guess
        assert set(answered) <= {401, 429}, guess
        assert ask(target, bearer(TOKEN)) == 200
        assert ask(target, cookie, source=source) == 200
    right = head("GET /api/v1/sample HTTP/1.1", bearer(TOKEN))
    answers = exchange(
        target.address, guesses[0] * TRIES + right, half_close=True, source="127.0.0.99"
    )
    assert statuses(answers)[-2:] == [429, 200]
    with Peer(dial(target.address, source="127.0.0.2"), headers=f"{cookie}\r\n") as peer:
        assert peer.message()["user"] == "honest"
    log = target.program.log
    assert log.count("Wrong token from") == 1  # of more than a thousand
    assert_kept_secret(log, TOKEN, WRONG, cookie[-64:], forged(cookie)[-64:])


def test_guesses_from_everywhere(target: Target) -> None:
    """More addresses than are remembered, each with one try: all are refused, and no other client has to wait."""
    for i in range(1100):
        source = f"127.1.{i // 250}.{i % 250 + 1}"
        assert ask(target, bearer(f"{WRONG}-{i}"), source=source) == 401
    assert ask(target, bearer(TOKEN), source="127.2.0.1") == 200
    assert_kept_secret(target.program.log, TOKEN, WRONG)
