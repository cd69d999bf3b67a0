"""docs/recipes: what they name exists, and each tells how it was tested."""

from __future__ import annotations

import configparser
import re
import textwrap
from pathlib import Path

import pytest
import yaml

from telemetry_stream import Settings
from telemetry_stream.cli import main
from tests.notify.servers import http_receiver

RECIPES = Path(__file__).parent.parent / "docs/recipes"
INDEX = RECIPES / "README.md"
NAMES = sorted(path.name for path in RECIPES.glob("*.md") if path != INDEX)
FIELDS = set(Settings.__dataclass_fields__)
# Variables and options of the command line that are not fields of the settings.
OTHERS = {"token", "version", "help", "config"}


def test_index_lists_every_recipe() -> None:
    """Once."""
    assert sorted(re.findall(r"\]\(([^)]+)\)", INDEX.read_text())) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_recipe_tells_how_it_was_tested(name: str) -> None:
    """In its last paragraph."""
    last = (RECIPES / name).read_text().strip().split("\n\n")[-1]
    assert re.match(r"Tested: |Not run", last), last


@pytest.mark.parametrize("name", NAMES)
def test_links_and_files_exist(name: str) -> None:
    """Relative links, and files of the repository that are named as code."""
    text = (RECIPES / name).read_text()
    for link in re.findall(r"\]\(([^)#:]+)", text):
        assert (RECIPES / link).exists(), link
    for path in re.findall(r"`((?:scripts|deploy|tests|web|docs)/[^` ]*)`", text):
        assert (RECIPES.parent.parent / path).exists(), path


@pytest.mark.parametrize("name", NAMES)
def test_settings_exist(name: str) -> None:
    """The variables, and the options of telemetry-stream."""
    text = (RECIPES / name).read_text()
    named = {found.lower() for found in re.findall(r"TELEMETRY_STREAM_([A-Z_]+)", text)}
    for command in re.findall(r"telemetry-stream (--(?:[^\n`]|\\\n)*)", text):
        named |= {option.replace("-", "_") for option in re.findall(r"(?<!\S)--([a-z-]+)", command)}
    assert named - OTHERS <= FIELDS


def test_openwrt_gets_a_version_that_the_package_allows() -> None:
    """pip does not look at the requirements there."""
    setup = configparser.ConfigParser()
    setup.read(RECIPES.parents[1] / "setup.cfg")
    lines = setup["options"]["install_requires"].splitlines()
    limits = [line.replace(" ", "").partition(",")[2] for line in lines if "," in line]
    assert limits == ["<1.2"]
    assert "'simple-websocket<1.2'" in (RECIPES / "openwrt.md").read_text()


def test_the_service_of_the_recipe_for_traefik_has_one_network() -> None:
    """Docker refuses a service with both network_mode and networks."""
    text = (RECIPES / "traefik.md").read_text()
    changes, networks = (
        yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    )
    compose = yaml.safe_load((RECIPES.parents[1] / "docker-compose.yml").read_text())
    replaced = "network_mode: host"
    assert compose["services"]["telemetry-stream"]["network_mode"] == "host"
    assert f"replace `{replaced}` of the service by" in text
    assert set(changes["networks"]) == set(networks["networks"])


@pytest.mark.parametrize(("name", "path"), [("ntfy", "/"), ("slack", "/secret")])
def test_notifications_are_sent(
    name: str, path: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file of the recipe sends a test message, and the output does not show the URL."""
    text = (RECIPES / f"{name}.md").read_text()
    block = re.search(r"```toml\n(.*?)```", text, re.DOTALL)
    assert block is not None
    content = textwrap.dedent(block[1]).replace("/etc/telemetry-stream", str(tmp_path))
    (tmp_path / "notify.toml").write_text(content)
    with http_receiver() as server:
        (tmp_path / f"{name}-url").write_text(f"{server.url}/secret\n")
        assert main(["notify", "test", "--notify", str(tmp_path / "notify.toml")]) == 0
        (request,) = server.requests
    assert request.path == path
    assert "secret" not in capsys.readouterr().out
