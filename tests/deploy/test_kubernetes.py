"""The DaemonSet: its settings are those of the program, and its paths are those of the image."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from telemetry_stream import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pod() -> dict[str, Any]:
    """The specification of the pod."""
    manifest = yaml.safe_load((ROOT / "deploy/kubernetes.yaml").read_text())
    assert (manifest["apiVersion"], manifest["kind"]) == ("apps/v1", "DaemonSet")
    spec = manifest["spec"]
    assert spec["selector"]["matchLabels"] == spec["template"]["metadata"]["labels"]
    found: dict[str, Any] = spec["template"]["spec"]
    return found


def test_variables_are_settings(pod: dict[str, Any]) -> None:
    """The token comes from a secret. With the address of the other variables it is required."""
    (container,) = pod["containers"]
    variables = {entry["name"]: entry for entry in container["env"]}
    fields = {name.removeprefix("TELEMETRY_STREAM_").lower() for name in variables}
    assert fields - {"token"} <= set(Settings.__dataclass_fields__)
    assert "value" not in variables["TELEMETRY_STREAM_TOKEN"]
    assert variables["TELEMETRY_STREAM_HOST"]["value"] == "0.0.0.0"


def test_host_is_mounted_read_only_where_the_image_reads_it(pod: dict[str, Any]) -> None:
    """Each volume is mounted once."""
    (container,) = pod["containers"]
    volumes = {volume["name"]: volume["hostPath"]["path"] for volume in pod["volumes"]}
    mounts = {volumes[mount["name"]]: mount for mount in container["volumeMounts"]}
    dockerfile = (ROOT / "Dockerfile").read_text()
    for host, variable in (("/proc", "PROC_ROOT"), ("/sys", "SYS_ROOT")):
        assert mounts[host]["readOnly"]
        assert f"TELEMETRY_STREAM_{variable}={mounts[host]['mountPath']}" in dockerfile
    assert len(mounts) == len(volumes)


def test_probes_are_the_health_check_of_the_image(pod: dict[str, Any]) -> None:
    """The same command as in the Dockerfile."""
    (container,) = pod["containers"]
    found = re.search(r"HEALTHCHECK .*CMD \[(.*)\]", (ROOT / "Dockerfile").read_text())
    assert found is not None
    command = re.findall(r'"([^"]+)"', found[1])
    for probe in ("readinessProbe", "livenessProbe"):
        assert container[probe]["exec"]["command"] == command


def test_pod_has_no_privileges(pod: dict[str, Any]) -> None:
    """Neither in the node nor in the cluster."""
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
