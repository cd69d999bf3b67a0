"""Imports point one way, and every module has its tests. This reads the sources and imports nothing."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "telemetry_stream"

# What each part of the package may import, beside itself. A part is a subpackage or a module at the top level.
MAY_IMPORT: dict[str, set[str]] = {
    "threads": set(),
    "hub": {"threads"},
    "metrics": {"threads"},
    "permissions": set(),
    "net": {"threads", "permissions"},
    "toml_file": set(),
    "state_file": {"threads"},
    "settings": set(),
    "access": {"net", "permissions"},
    "descriptors": set(),
    "signals": {"threads"},
    "websocket": {"threads", "hub", "net"},
    "stream": {"threads", "hub", "metrics"},
    "fleet": {
        "threads",
        "escape",
        "permissions",
        "stream",
        "websocket",
        "hub",
        "metrics",
        "net",
        "alerts",
    },
    "prometheus": {"hub", "metrics", "net", "stream", "fleet"},
    "alerts": {"escape", "metrics", "net", "state_file", "stream", "toml_file"},
    "notify": {
        "alerts",
        "escape",
        "net",
        "permissions",
        "state_file",
        "stream",
        "threads",
        "toml_file",
    },
    "mqtt": {"threads", "permissions", "metrics", "net", "stream", "fleet"},
    "assembly": {
        "access",
        "alerts",
        "notify",
        "hub",
        "metrics",
        "net",
        "stream",
        "fleet",
        "mqtt",
        "prometheus",
        "server",
        "settings",
        "websocket",
    },
    "server": {
        "threads",
        "access",
        "escape",
        "fleet",
        "notify",
        "stream",
        "websocket",
        "hub",
        "metrics",
        "net",
        "prometheus",
    },
    "app": {"access", "assembly", "hub", "metrics", "net", "settings", "stream", "threads"},
    "systemd": {"threads"},
    "escape": set(),
    "logs": {"escape"},
    "output": set(),
    "cli": {
        "threads",
        "net",
        "escape",
        "app",
        "alerts",
        "notify",
        "toml_file",
        "access",
        "settings",
        "descriptors",
        "signals",
        "systemd",
        "logs",
        "output",
    },
    "__main__": {"cli"},
}
# Every part may import the version. App and Settings are for other programs only.
FROM_THE_PACKAGE = {"__version__"}
# telemetry_stream/__init__.py imports App and Settings only for the type checker.
THE_PACKAGE = "__init__"

# Modules without a test module of their own, each with the tests that cover it.
TESTED_ELSEWHERE = {
    "telemetry_stream/__init__.py": "tests/test_packaging.py",
    "telemetry_stream/__main__.py": "tests/test_cli.py",
    "telemetry_stream/assembly/alerts.py": "tests/test_app_alerts.py",
    "telemetry_stream/assembly/broker.py": "tests/test_app_mqtt.py",
    "telemetry_stream/assembly/errors.py": "tests/test_app_start.py",
    "telemetry_stream/assembly/hosts.py": "tests/test_app_fleet.py",
    "telemetry_stream/assembly/server.py": "tests/test_app_limits.py",
    "telemetry_stream/toml_file.py": "tests/alerts/test_rules.py",
    "telemetry_stream/alerts/hosts.py": "tests/alerts/test_fleet_monitor.py",
    "telemetry_stream/alerts/rule.py": "tests/alerts/test_rules.py",
    "telemetry_stream/alerts/tracked.py": "tests/alerts/test_engine.py",
    "telemetry_stream/fleet/overviews.py": "tests/fleet/test_fleet.py",
    "telemetry_stream/metrics/setup.py": "tests/metrics/test_collector.py",
    "telemetry_stream/stream/choice.py": "tests/stream/test_feed.py",
    "telemetry_stream/notify/channel.py": "tests/notify/test_notifier.py",
    "telemetry_stream/notify/choice.py": "tests/notify/test_config.py",
    "telemetry_stream/notify/connection.py": "tests/notify/test_webhook.py",
    "telemetry_stream/notify/entry.py": "tests/notify/test_outbox.py",
    "telemetry_stream/notify/message.py": "tests/notify/test_templates.py",
    "telemetry_stream/notify/secret.py": "tests/notify/test_config.py",
    "telemetry_stream/notify/silence_command.py": "tests/test_app_notify.py",
    "telemetry_stream/notify/table.py": "tests/notify/test_config.py",
    "telemetry_stream/notify/worker.py": "tests/notify/test_notifier.py",
    "telemetry_stream/server/notifications.py": "tests/test_app_notify.py",
    "telemetry_stream/prometheus/own.py": "tests/prometheus/test_page.py",
    **{
        f"telemetry_stream/prometheus/kernel/{name}.py": "tests/prometheus/kernel/test_proc.py"
        for name in (
            "clock",
            "diskstats",
            "host",
            "identity",
            "meminfo",
            "netdev",
            "netstat",
            "network",
            "scheduler",
            "sockstat",
            "stat",
            "system",
            "vmstat",
        )
    },
    **{
        f"telemetry_stream/prometheus/kernel/{name}.py": "tests/prometheus/kernel/test_sys.py"
        for name in ("cpufreq", "filesystem", "hardware", "hwmon", "netclass")
    },
}


def modules() -> list[Path]:
    """Return every source file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def part_of(module: Path) -> str:
    """Return the part that a file belongs to."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(module: Path, source: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, part and name of each import of this package, anywhere in a file. Relative imports are resolved."""
    package = ["telemetry_stream", *module.relative_to(PACKAGE).parent.parts]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            targets = [(alias.name.split("."), "") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            path = above + (node.module.split(".") if node.module else [])
            targets = [(path, alias.name) for alias in node.names]
        else:
            continue
        for path, name in targets:
            if path[0] == "telemetry_stream":
                below = [*path[1:], name] if name else path[1:]
                yield node.lineno, below[0] if below else THE_PACKAGE, name


def violations(module: Path, source: str) -> list[str]:
    """Return one sentence for each import that the table does not allow."""
    part = part_of(module)
    if part == THE_PACKAGE:
        return []
    if part not in MAY_IMPORT:
        return [f"{module}: the part {part!r} is not in MAY_IMPORT"]
    allowed = {part, *MAY_IMPORT[part]}
    found = {
        f"{module.relative_to(ROOT)}:{line}: {part} may not import {target}"
        for line, target, name in imports(module, source)
        if target not in allowed and name not in FROM_THE_PACKAGE
    }
    return sorted(found)


def test_imports_follow_the_table() -> None:
    """For example, hub, metrics and net import only threads, and only cli, app and assembly read the settings."""
    found = [line for module in modules() for line in violations(module, module.read_text("utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("module", "source", "target"),
    [
        ("hub/hub.py", "from ..net.transport import Transport", "net"),
        ("hub/hub.py", "from .. import metrics", "metrics"),
        ("hub/hub.py", "import telemetry_stream.settings", "settings"),
        ("metrics/sources/cpu.py", "from ...hub import Hub", "hub"),
        (
            "net/http.py",
            "def later() -> None:\n    from telemetry_stream.server import routes",
            "server",
        ),
        ("server/routes.py", "from ..settings import Settings", "settings"),
        ("server/routes.py", "from .. import Settings", "Settings"),
        ("threads.py", "from . import hub", "hub"),
        ("cli.py", "from .server import routes", "server"),
    ],
)
def test_a_forbidden_import_is_found(module: str, source: str, target: str) -> None:
    """Relative, absolute, or inside a function."""
    found = violations(PACKAGE / module, source)
    assert len(found) == 1
    assert found[0].endswith(f"may not import {target}")


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("hub/hub.py", "from .. import threads\nfrom .client import Client\nimport queue"),
        ("metrics/sources/cpu.py", "from ..files import Files\nfrom . import memory"),
        ("server/routes.py", "from .. import __version__\nfrom telemetry_stream.net import http"),
        ("cli.py", "from . import app\nfrom .settings import load"),
    ],
)
def test_an_allowed_import_is_not_reported(module: str, source: str) -> None:
    """Of the same part, of a lower part, of the version, and of another package."""
    assert violations(PACKAGE / module, source) == []


def test_every_module_has_its_tests() -> None:
    """telemetry_stream/a/b.py is tested by tests/a/test_b.py, or by the module in TESTED_ELSEWHERE."""
    missing = []
    for module in modules():
        below = module.relative_to(PACKAGE)
        if below.name == "__init__.py" and below.parent != Path():
            continue  # the __init__ of a subpackage only lists names of its modules
        mirror = Path("tests") / below.parent / f"test_{below.name}"
        tests = Path(TESTED_ELSEWHERE.get(str(module.relative_to(ROOT)), mirror))
        if not (ROOT / tests).is_file():
            missing.append(f"{module.relative_to(ROOT)} has no {tests}")
    assert not missing, "\n".join(missing)


def test_the_exceptions_are_still_needed() -> None:
    """Each module in TESTED_ELSEWHERE exists and has no test module of its own."""
    for module in TESTED_ELSEWHERE:
        mirror = ROOT / "tests" / Path(module).parent.relative_to("telemetry_stream")
        assert (ROOT / module).is_file(), f"{module} is gone"
        assert not (mirror / f"test_{Path(module).name}").is_file(), f"{module} has its own tests"
