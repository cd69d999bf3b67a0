"""The dashboard's files: exactly those of the build, with the right headers."""

from __future__ import annotations

import errno
import gzip
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from telemetry_stream.server.pages import HASHED, STATIC_ROOT
from tests.server.service import Service

SCRIPT = "/assets/index-K8gCgLwg.js"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The result of a build, and a file beside it."""
    root = tmp_path / "static"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("<!doctype html><title>größe</title>", "utf-8")
    (root / "icon.svg").write_text("<svg/>")
    (root / SCRIPT[1:]).write_text("let x = 1;" * 100)
    (root / f"{SCRIPT[1:]}.gz").write_bytes(gzip.compress(b"let x = 1;" * 100))
    (root / "assets/plain.css").write_text("a{}")
    (tmp_path / "secret").write_text("secret")
    return root


@pytest.fixture
def service(root: Path) -> Iterator[Service]:
    """A service that serves them."""
    with Service(static_root=str(root)) as service:
        yield service


def test_the_index_is_revalidated_each_time(service: Service) -> None:
    """It names the assets of the current build, so no cache may use an old one."""
    index = service.ask("/")
    assert (index.status, index.headers["Content-Type"]) == (200, 'text/html; charset="utf-8"')
    assert index.headers["Cache-Control"] == "max-age=0, public"
    assert "größe" in index.body.decode()
    again = service.ask("/", If_Modified_Since=index.headers["Last-Modified"])
    assert (again.status, again.body) == (304, b"")


def test_the_page_may_load_its_own_files_only(service: Service) -> None:
    """No other page may embed it."""
    for path in ("/", SCRIPT, "/icon.svg"):
        headers = service.ask(path).headers
        policy = headers["Content-Security-Policy"].split("; ")
        assert {"default-src 'self'", "frame-ancestors 'none'", "object-src 'none'"} <= set(policy)
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "Access-Control-Allow-Origin" not in headers


def test_hashed_assets_are_immutable(service: Service) -> None:
    """Their names change with their content. Other files are revalidated."""
    script = service.ask(SCRIPT)
    assert script.status == 200
    assert "immutable" in script.headers["Cache-Control"]
    assert script.headers["Content-Type"].startswith("text/javascript")
    for path in ("/icon.svg", "/assets/plain.css"):
        assert service.ask(path).headers["Cache-Control"] == "max-age=0, public"


@pytest.mark.parametrize(
    ("url", "is_hashed"),
    [
        ("/assets/index-C4_fYFrw.css", True),
        ("/assets/a-b-c-12345678.woff2", True),
        ("/assets/index.css", False),
        ("/assets/index-1234567.css", False),
        ("/index-C4_fYFrw.css", False),
        ("/", False),
    ],
)
def test_hashed_names_are_those_of_vite(url: str, is_hashed: bool) -> None:
    """Below assets/, with eight characters before the extension."""
    assert (HASHED.match(url) is not None) == is_hashed


def test_a_client_that_accepts_gzip_gets_the_compressed_file(service: Service) -> None:
    """Other clients get the plain file. Vary makes caches separate the two."""
    packed = service.ask(SCRIPT, Accept_Encoding="gzip")
    plain = service.ask(SCRIPT, Accept_Encoding="identity")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"


def test_head_and_range_requests(service: Service) -> None:
    """HEAD returns the length, and a range request a part of the file."""
    head = service.ask(SCRIPT, "HEAD", Accept_Encoding="identity")
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", "1000")
    part = service.ask("/icon.svg", Range="bytes=1-3")
    assert (part.status, part.body) == (206, b"svg")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing", "/assets", "/assets/", "/assets/../../secret", "/../secret", "/..%2fsecret",
        "/%2e%2e/secret", "/assets/%2e%2e/%2e%2e/secret", "/..\\secret", "/..%5csecret", "//secret", "//etc/passwd",
        "/./icon.svg", "//icon.svg", "/icon.svg/", "/icon.svg/.", "/%2ficon.svg", "/ICON.SVG", "/.git/config",
        "/assets/index-K8gCgLwg.js.gz", "/index.html/..", "/%ff%fe", "/gr%C3%B6%C3%9Fe",
    ],
)  # fmt: skip
def test_every_other_path_is_a_404(service: Service, path: str) -> None:
    """No path is joined to the directory. The answer is JSON."""
    answer = service.ask(path)
    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json["error"].startswith("Not found: ")
    assert b"secret" not in answer.body or "secret" in path
    assert service.ask(path, "HEAD").status == 404


@pytest.mark.parametrize("path", ["/%00", "/icon.svg%00", "/a%0d%0ab", "/icon.svg%7f"])
def test_control_characters_are_refused(service: Service, path: str) -> None:
    """They never reach the lookup of files."""
    answer = service.ask(path)
    assert answer.status == 400
    assert "error" in answer.json


def test_the_index_by_its_name_redirects_to_the_root(service: Service) -> None:
    """The address is relative, because a proxy may have added a prefix."""
    answer = service.ask("/index.html")
    assert (answer.status, answer.headers["Location"]) == (302, "./")


def test_a_front_end_serves_its_own_page(root: Path) -> None:
    """As ``/``, and only a front end does. A build without it is too old for a front end."""
    with Service(static_root=str(root), front_end=True) as service:
        assert "npm run build" in service.ask("/").json["error"]
    (root / "front-end.html").write_text("<!doctype html><title>hosts</title>")
    for front_end, title in ((True, "hosts"), (False, "größe")):
        with Service(static_root=str(root), front_end=front_end) as service:
            index = service.ask("/")
            assert (index.status, index.headers["Cache-Control"]) == (200, "max-age=0, public")
            assert f"<title>{title}" in index.body.decode()


def test_files_that_are_added_later_are_not_served(service: Service, root: Path) -> None:
    """The list of files is made at the first request."""
    assert service.ask("/").status == 200
    (root / "late.txt").write_text("late")
    assert service.ask("/late.txt").status == 404


@pytest.mark.parametrize("missing", ["module", "list of files"])
def test_a_first_request_that_fails_is_the_only_one(
    missing: str, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """WhiteNoise and the list of files are read for it. There may be no descriptor for them at that moment."""

    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        if missing == "module":
            patch.setitem(sys.modules, "whitenoise", None)
        else:
            patch.setattr(os, "scandir", refuse)
        assert service.ask("/").status == 500
    assert service.ask("/").status == 200
    assert service.ask(SCRIPT).status == 200


def test_without_a_build_the_message_states_how_to_make_one(tmp_path: Path) -> None:
    """The directory is empty or missing. The stream is served nevertheless."""
    for root in (tmp_path, tmp_path / "none"):
        with Service(static_root=str(root)) as service:
            service.publish()
            answer = service.ask("/")
            assert answer.status == 404
            assert "npm run build" in answer.json["error"]
            assert "/ws" in answer.json["error"]
            assert service.ask("/api/v1/sample").status == 200


def test_the_built_files_are_in_the_package() -> None:
    """The wheel has them there."""
    assert Path(STATIC_ROOT).name == "static"
    assert os.path.dirname(STATIC_ROOT).endswith("telemetry_stream")
