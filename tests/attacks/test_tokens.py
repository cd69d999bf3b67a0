"""Attacks on the running program by those who have no token, and guess.

All of 127.0.0.0/8 is this host, so that whoever guesses has an address, or a thousand, beside the honest viewer's.
"""

from __future__ import annotations

import re

from tests.attacks.target import Target
from tests.attacks.wire import bearer, dial, head, say, statuses
from tests.websocket.peer import Peer, handshake

TOKEN = "the-honest-viewers.Own_token~1"
WRONG = "nobody-ever-had-this-token"

TRIES = 100  # of each kind of guess


def ask(target: Target, *headers: str, source: str = "") -> int:
    """The status of the answer to a request for a sample."""
    words = head("GET /api/v1/sample HTTP/1.1", *headers)
    (status,) = statuses(say(target.address, words, and_listen=False, source=source))
    return status


def log_in(target: Target, source: str) -> str:
    """The Cookie header of a browser at this address, which has shown the right token."""
    words = head(f"GET /?token={TOKEN} HTTP/1.1", "Connection: close")
    found = re.search(rb"Set-Cookie: ([^;]+);", say(target.address, words, source=source))
    assert found
    return f"Cookie: {found[1].decode()}"


def forged(cookie: str) -> str:
    """The same with a signature that is not."""
    return cookie[:-64] + cookie[-64:][::-1]


def assert_kept_secret(log: str, *secrets: str) -> None:
    """None of them is in the log, in whatever case, nor the better part of one."""
    for secret in secrets:
        assert secret[: len(secret) // 2].lower() not in log.lower()


def test_flood_of_wrong_tokens(target: Target) -> None:
    """After a few tries the address waits; who has logged in there before, or comes from elsewhere, does not."""
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
        head("GET /api/v1/clients HTTP/1.1", cookie.replace("honest", WRONG)),
    )
    for source, guess in ((f"127.0.0.{i}", guess) for i, guess in enumerate(guesses, 2)):
        heard = statuses(say(target.address, guess * TRIES, and_listen=False, source=source))
        assert len(heard) == TRIES, guess
        assert heard[0] == 401, guess
        assert set(heard) <= {401, 429}, guess
        assert ask(target, bearer(TOKEN)) == 200
        assert ask(target, cookie, source=source) == 200
    right = head("GET /api/v1/sample HTTP/1.1", bearer(TOKEN))
    answers = say(target.address, guesses[0] * TRIES + right, and_listen=False, source="127.0.0.99")
    assert statuses(answers)[-1] == 429
    with Peer(dial(target.address, source="127.0.0.2"), headers=f"{cookie}\r\n") as peer:
        assert peer.message()["user"] == "honest"
    log = target.program.log
    assert (
        log.count("wrong token from") == 1
    )  # of a thousand, from as many addresses as there are guesses
    assert_kept_secret(log, TOKEN, WRONG, cookie[-64:], forged(cookie)[-64:])


def test_guesses_from_everywhere(target: Target) -> None:
    """More addresses than are remembered, each with one try: none is let in, and nobody else waits for that."""
    for i in range(1100):
        source = f"127.1.{i // 250}.{i % 250 + 1}"
        assert ask(target, bearer(f"{WRONG}-{i}"), source=source) == 401
    assert ask(target, bearer(TOKEN), source="127.2.0.1") == 200
    assert_kept_secret(target.program.log, TOKEN, WRONG)
