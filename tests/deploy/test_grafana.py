"""deploy/grafana: a real Prometheus that scrapes us answers every query of the dashboard, and evaluates every rule."""

from __future__ import annotations

import json
import re
import shutil
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from telemetry_stream import App, Settings
from tests.conftest import eventually
from tests.metrics.replay import HOSTS
from tests.prometheus.programs import get, program, serving
from tests.viewers import address_of

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana/telemetry_stream.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
EXPRESSIONS: list[str] = [target["expr"] for panel in PANELS for target in panel.get("targets", ())]
# It answers 503 between the two lines.
READY = re.compile(
    rb'msg="Listening on" address=([\d.]+):(\d+).*msg="Server is ready to receive', re.DOTALL
)
CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{rules}]
scrape_configs:
  - job_name: node
    static_configs: [targets: [{targets}]]
"""
# Two scrapes, and an evaluation of the rules, on a machine under load.
SECONDS = 90.0
# Captured hosts with sensors and with thermal zones, in addition to this one.
CAPTURED = ("server", "laptop")

pytestmark = pytest.mark.timeout(SECONDS + 60)


class Answers(NamedTuple):
    """What Prometheus answered: the queries without a result, the health of rules, and health and error of targets."""

    empty: set[str]
    rules: set[str]
    targets: set[tuple[str, str]]


def filled(expression: str, instance: str) -> str:
    """Return a query as Grafana sends it. A wait is unknown while no request completes, which is a result here, too."""
    expression = expression.replace("$instance", instance).replace("> 0", ">= 0")
    return expression.replace("$__rate_interval", "60s")


def ask(prometheus: tuple[str, int], instances: list[str]) -> Answers:
    """Repeat each query until it has a result for one of the instances."""

    def api(path: str) -> Any:
        return json.loads(get(prometheus, f"/api/v1/{path}"))["data"]

    def health() -> set[str]:
        return {rule["health"] for group in api("rules")["groups"] for rule in group["rules"]}

    def has_result(expression: str) -> bool:
        queries = [f"query?query={quote(filled(expression, of))}" for of in instances]
        return any(api(query)["result"] for query in queries)

    deadline = time.monotonic() + SECONDS
    eventually(lambda: health() == {"ok"}, SECONDS)
    empty = {
        expression
        for expression in EXPRESSIONS
        if not eventually(partial(has_result, expression), deadline - time.monotonic())
    }

    def targets() -> set[tuple[str, str]]:
        return {(one["health"], one["lastError"]) for one in api("targets")["activeTargets"]}

    # A scrape that a busy machine has delayed for a second is down until the next one.
    eventually(lambda: targets() == {("up", "")}, deadline - time.monotonic())
    return Answers(empty, health(), targets())


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Prometheus scrapes this host and the captured ones, and answers."""
    place = tmp_path_factory.mktemp("prometheus")
    with ExitStack() as stack:
        apps = [stack.enter_context(App(Settings(port=0)))]
        for name in CAPTURED:
            tree = place / name
            shutil.copytree(HOSTS / name / "t1", tree, symlinks=True)
            settings = Settings(port=0, proc_root=str(tree / "proc"), sys_root=str(tree / "sys"))
            apps.append(stack.enter_context(App(settings)))
        instances = ["{}:{}".format(*address_of(app.url)) for app in apps]
        config = place / "prometheus.yml"
        targets = ", ".join(f'"{instance}"' for instance in instances)
        config.write_text(CONFIG.format(rules=DEPLOY / "prometheus/rules.yml", targets=targets))
        command = [
            program("prometheus", "prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={place / 'data'}",
            "--web.listen-address=127.0.0.1:0",
        ]
        prometheus = stack.enter_context(serving(command, READY, place / "log"))
        return ask(prometheus, instances)


def test_prometheus_answers_each_query(answers: Answers) -> None:
    """For this host, or for one with sensors."""
    assert answers.empty == set()


def test_prometheus_evaluates_each_rule(answers: Answers) -> None:
    """Without an error."""
    assert answers.rules == {"ok"}


def test_prometheus_reads_the_whole_page(answers: Answers) -> None:
    """No series is there twice, and none is malformed."""
    assert answers.targets == {("up", "")}


def test_panels_are_complete() -> None:
    """Ids are unique, every query belongs to the chosen host and data source, and no two panels overlap."""
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    assert all('instance="$instance"' in expression for expression in EXPRESSIONS)
    taken: set[tuple[int, int]] = set()
    for panel in PANELS:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"


def test_the_compose_file_mounts_what_exists() -> None:
    """The dashboard, the provisioning, and the configuration of Prometheus."""
    directory = DEPLOY / "grafana"
    text = (directory / "docker-compose.yml").read_text()
    mounted = re.findall(r"^ +- (\.[^:]*):", text, re.MULTILINE)
    assert mounted == ["../prometheus", "./provisioning", "./telemetry_stream.json"]
    assert all((directory / path).exists() for path in mounted)
    provider = (directory / "provisioning/dashboards/telemetry_stream.yml").read_text()
    path = re.search(r"path: (\S+)", provider)
    assert path
    assert f"{path[1]}/telemetry_stream.json" in text
