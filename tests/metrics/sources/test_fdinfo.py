"""The use of GPUs by processes."""

from __future__ import annotations

import os

import pytest
from hypothesis import given

from telemetry_stream.metrics.sources import fdinfo
from telemetry_stream.metrics.sources.fdinfo import DeviceUse, GpuClients, parse, shares_of
from telemetry_stream.metrics.sources.gpu_devices import Device
from tests.metrics.trees import Tree, odd, opened_below

ADDRESS = "0000:00:02.0"
I915 = """\
pos:\t0
flags:\t02100002
drm-driver:\ti915
drm-client-id:\t7
drm-pdev:\t0000:00:02.0
drm-engine-render:\t9288864723 ns
drm-engine-copy:\t0 ns
drm-engine-video:\t1000 ns
drm-engine-capacity-video:\t2
drm-memory-local0:\t512 MiB
drm-resident-local0:\t256 MiB
drm-resident-system0:\t64 KiB
"""
XE = """\
drm-driver: xe
drm-client-id: 9
drm-pdev: 0000:00:02.0
drm-cycles-rcs: 1000
drm-total-cycles-rcs: 100000
drm-resident-vram0: 3 MiB
"""


def client(tree: Tree, pid: int, number: int, content: str, device: str = "card0") -> None:
    """Make or change one descriptor of a process."""
    link = f"proc/{pid}/fd/{number}"
    if not os.path.islink(f"{tree.proc}/{pid}/fd/{number}"):
        tree.link(link, f"/dev/dri/{device}")
    tree.put(f"proc/{pid}/fdinfo/{number}", content)


def i915(render_ns: int, id: int = 7, video_ns: int = 0) -> str:  # noqa: A002 (the kernel's name)
    """Return the fdinfo of a client."""
    return (
        f"drm-client-id: {id}\ndrm-pdev: {ADDRESS}\ndrm-engine-render: {render_ns} ns\n"
        f"drm-engine-video: {video_ns} ns\ndrm-engine-capacity-video: 2\n"
        "drm-resident-local0: 1 MiB\n"
    )


def read(tree: Tree, clients: GpuClients, seconds: float = 1.0) -> DeviceUse:
    """Return the use after some seconds."""
    tree.advance(seconds)
    return clients.read()


@pytest.fixture
def clients(tree: Tree) -> GpuClients:
    """The clients of one GPU, on a host whose processes can be read."""
    tree.link("proc/1/fd/0", "/dev/null")
    for node in ("card0", "renderD128"):
        tree.put(f"sys/devices/gpu/drm/{node}/dev", "")
    device = Device(ADDRESS, f"{tree.sys}/devices/gpu", "i915")
    return GpuClients(tree.proc, device, tree.clock.monotonic)


def test_a_descriptor_of_i915() -> None:
    """Memory is that of the card, the larger of the two numbers that a driver has of a region."""
    found = parse(I915.encode())
    assert found is not None
    assert (found.device, found.id) == (ADDRESS, 7)
    assert found.busy == {"render": 9288864723, "copy": 0, "video": 1000}
    assert (found.capacity, found.memory) == ({"video": 2}, {b"local0": 512 << 20})


def test_a_descriptor_of_xe() -> None:
    """Cycles of the engine beside all cycles that passed."""
    found = parse(XE.encode())
    assert found is not None
    assert (found.busy, found.passed) == ({"rcs": 1000}, {"rcs": 100000})
    later = parse(XE.replace("1000\n", "41000\n").replace("100000", "200000").encode())
    assert later is not None
    assert shares_of(later, found, 1.0) == {"rcs": 0.4}


@pytest.mark.parametrize(
    "content", ["", "pos: 0\n", "drm-driver: x\ndrm-client-id: 1\n", "drm-pdev: 0000:00:02.0\n"]
)
def test_other_descriptors(content: str) -> None:
    """A file, and a GPU without an address or without clients."""
    assert parse(content.encode()) is None


@given(odd(I915.encode(), XE.encode()))
def test_any_content_is_harmless(content: bytes) -> None:
    """Shares are never negative."""
    found = parse(content)
    before = parse(I915.encode())
    if found is not None:
        assert all(share >= 0 for share in (shares_of(found, before, 1.0) or {}).values())


def test_the_use_of_each_process_and_of_all(tree: Tree, clients: GpuClients) -> None:
    """Unknown at first. The busiest kind of engine counts; two engines of a kind have twice the time."""
    client(tree, 10, 3, i915(0))
    client(tree, 10, 4, i915(0))  # the same client, duplicated
    client(tree, 20, 3, i915(5_000_000, 8))
    tree.link("proc/20/fd/1", "/dev/null")
    assert read(tree, clients).usage_percent is None
    client(tree, 10, 3, i915(400_000_000, 7, 1_000_000_000))
    client(tree, 10, 4, i915(400_000_000, 7, 1_000_000_000))
    client(tree, 20, 3, i915(205_000_000, 8))
    use = read(tree, clients, 2.0)
    assert [(one.pid, one.usage_percent, one.memory_bytes) for one in use.processes] == [
        (10, 25.0, 1 << 20),
        (20, 10.0, 1 << 20),
    ]
    assert use.usage_percent == 30.0


def test_processes_that_may_not_be_read(
    tree: Tree, clients: GpuClients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then the use by all of them is unknown, and those that can be read are listed."""
    client(tree, 10, 3, i915(0))
    tree.put("proc/30/stat", "")
    listdir = os.listdir

    def refuse(path: str) -> list[str]:
        if path.endswith("/30/fd"):
            raise PermissionError(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", refuse)
    read(tree, clients)
    client(tree, 10, 3, i915(100_000_000))
    use = read(tree, clients)
    assert (use.usage_percent, use.processes[0].usage_percent) == (None, 10.0)


def test_processes_that_are_hidden(tree: Tree, clients: GpuClients) -> None:
    """With hidepid=2, /proc lists only our own processes. Then the use by all of them is unknown."""
    client(tree, 10, 3, i915(0))
    tree.remove("proc/1/fd/0")
    tree.remove("proc/1/fd")
    tree.remove("proc/1")
    read(tree, clients)
    assert read(tree, clients).usage_percent is None


@pytest.mark.parametrize(("name", "most"), [("MAX_CLIENTS", 2), ("MAX_DESCRIPTORS", 1)])
def test_more_descriptors_than_are_read(
    tree: Tree, clients: GpuClients, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    """Then the use by all processes is unknown."""
    for pid in (10, 20, 30):
        client(tree, pid, 3, i915(0, pid))
        client(tree, pid, 4, i915(0, pid + 1))
    read(tree, clients)
    assert read(tree, clients).usage_percent == 0.0
    monkeypatch.setattr(fdinfo, name, most)
    assert read(tree, clients, 10.0).usage_percent is None


def test_the_descriptors_of_another_gpu_are_not_read(tree: Tree, clients: GpuClients) -> None:
    """Its driver could wake it up for that."""
    client(tree, 10, 3, i915(0), "renderD128")
    client(tree, 10, 4, i915(0, 9).replace(ADDRESS, "0000:03:00.0"), "renderD129")
    with opened_below(f"{tree.proc}/10/fdinfo") as opened:
        assert [one.pid for one in read(tree, clients).processes] == [10]
    assert [os.path.basename(path) for path in opened] == ["3"]


def test_descriptors_are_looked_for_every_10_seconds(tree: Tree, clients: GpuClients) -> None:
    """A process that ended has no row at once, a new one within 10 s. An idle GPU has 0 %."""
    client(tree, 10, 3, i915(0))
    read(tree, clients)
    tree.remove("proc/10/fdinfo/3")
    with opened_below(f"{tree.proc}/10/fd/") as opened:
        use = read(tree, clients)
    assert (use.processes, use.usage_percent, opened) == ([], 0.0, [])
    client(tree, 20, 3, i915(0, 8))
    assert read(tree, clients).processes == []
    assert [one.pid for one in read(tree, clients, 10.0).processes] == [20]


def test_another_gpu_and_a_counter_that_fell(tree: Tree, clients: GpuClients) -> None:
    """Its clients are not ours. A counter that fell is unknown."""
    client(tree, 10, 3, i915(900_000_000).replace(ADDRESS, "0000:03:00.0"))
    client(tree, 20, 3, i915(900_000_000, 8))
    read(tree, clients)
    client(tree, 20, 3, i915(0, 8))
    use = read(tree, clients)
    assert [(one.pid, one.usage_percent) for one in use.processes] == [(20, 0.0)]
