"""Command line, unit and I/O of a process: parsing, when they are read again, and a process that hangs its reader."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_stream.metrics.sources import process_details
from telemetry_stream.metrics.sources.container_path import MAX_DEPTH
from telemetry_stream.metrics.sources.process_details import (
    DENIED_SECONDS,
    IO_TURNS,
    LABELS_SECONDS,
    MAX_COMMAND_CHARACTERS,
    READ_BYTES,
    TURN_SECONDS,
    Detail,
    ProcessDetails,
    parse_command,
    parse_io,
    parse_unit,
)
from telemetry_stream.metrics.sources.process_table import Row
from tests.conftest import eventually
from tests.metrics.sources.test_process_table import put
from tests.metrics.trees import Tree, odd

ID = "3f2ab1c05d6e" + "0123456789abcdef" * 3 + "0123"
IO = "rchar: 9\nwchar: 9\nsyscr: 1\nsyscw: 1\nread_bytes: {}\nwrite_bytes: {}\ncancelled_write_bytes: 0\n"


@pytest.mark.parametrize(
    ("content", "name", "full"),
    [
        (b"/usr/bin/mysql\0-psecret\0", "/usr/bin/mysql", "/usr/bin/mysql -psecret"),
        (b"nginx: worker process\0\0\0", "nginx", "nginx: worker process"),
        # A program that writes its arguments into its title.
        (b"/opt/chrome --token=secret", "/opt/chrome", "/opt/chrome --token=secret"),
        (b"sh\0-c\0echo a\nb\0", "sh", "sh -c echo a\nb"),
        (b"\xff\xfe\0", "��", "��"),
        (b"", None, None),
        (b"\0\0", None, None),
        (b" \0x\0", None, "x"),
    ],
)
def test_only_the_program_is_shown_without_its_arguments(
    content: bytes, name: str | None, full: str | None
) -> None:
    """Whatever the process has made of its command line."""
    assert (parse_command(content, "name"), parse_command(content, "full")) == (name, full)


@given(st.binary(max_size=60))
def test_no_argument_is_shown_as_the_name(arguments: bytes) -> None:
    """Of any bytes behind the program."""
    for separator in (b"\0", b" ", b"\n"):
        assert parse_command(b"/bin/x" + separator + arguments, "name") == "/bin/x"


def test_a_long_command_line_is_cut() -> None:
    """To a bounded number of characters. A mark shows it, also if only its beginning was read."""
    cut = parse_command(b"x" * (MAX_COMMAND_CHARACTERS + 1), "full")
    assert cut == "x" * MAX_COMMAND_CHARACTERS + "…"
    assert parse_command("ü".encode() * (READ_BYTES // 2), "full") == "ü" * 1024 + "…"
    assert parse_command(b"x" * MAX_COMMAND_CHARACTERS, "full") == "x" * MAX_COMMAND_CHARACTERS


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("0::/system.slice/ssh.service", "ssh.service"),
        ("0::/user.slice/user-1000.slice/session-3.scope", "session-3.scope"),
        (
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/pulse.service",
            "pulse.service",
        ),
        ("0::/init.scope", "init.scope"),
        ("0::/", None),
        ("", None),
        (f"0::/system.slice/docker-{ID}.scope", "docker 3f2ab1c05d6e"),
        # systemd in a container: the container is what runs on this host.
        (f"0::/system.slice/docker-{ID}.scope/system.slice/nginx.service", "docker 3f2ab1c05d6e"),
        (f"0::/docker/{ID}", "docker 3f2ab1c05d6e"),
        (f"0::/machine.slice/libpod-{ID}.scope/container", "podman 3f2ab1c05d6e"),
        (
            f"0::/kubepods.slice/kubepods-burstable.slice/cri-containerd-{ID}.scope",
            "kubernetes 3f2ab1c05d6e",
        ),
        (f"0::/kubepods/burstable/pod1f0c/{ID}", "kubernetes 3f2ab1c05d6e"),
        ("0::/lxc.payload.web/system.slice/nginx.service", "lxc web"),
        ("0::/machine.slice/systemd-nspawn@web.service/payload", "nspawn web"),
        (r"0::/machine.slice/machine-db\x2done.scope/init.scope", "nspawn db-one"),
        # As in the section `containers`: monitors and virtual machines are not containers.
        (f"0::/machine.slice/libpod-conmon-{ID}.scope", f"libpod-conmon-{ID}.scope"),
        (r"0::/machine.slice/machine-qemu\x2d1\x2dvm.scope", r"machine-qemu\x2d1\x2dvm.scope"),
        (f"0::/default/{ID}", "other 3f2ab1c05d6e"),
        # Beyond the depth in which the containers are searched.
        (f"0::{'/d' * MAX_DEPTH}/docker/{ID}", None),
        # Version 1 and hybrid hosts: the hierarchy of systemd, else any that has a unit or a container.
        (
            "3:memory:/user.slice\n1:name=systemd:/system.slice/cron.service\n0::/",
            "cron.service",
        ),
        (f"5:cpu,cpuacct:/docker/{ID}\n0::/", "docker 3f2ab1c05d6e"),
        # Outside of our namespace.
        ("0::/../ssh.service", "ssh.service"),
    ],
)
def test_units_and_containers(content: str, expected: str | None) -> None:
    """By the path of the control group."""
    assert parse_unit(content.encode() + b"\n") == expected


@given(odd(b"0::/system.slice/ssh.service\n", f"1:name=systemd:/docker/{ID}\n".encode()))
def test_any_control_group_is_parsed(content: bytes) -> None:
    """Anything else has no unit."""
    assert parse_unit(content) is None or isinstance(parse_unit(content), str)


@given(odd(IO.format(7, 8).encode()))
def test_any_io_is_parsed(content: bytes) -> None:
    """A number that is not a count is unknown."""
    assert all(count is None or count >= 0 for count in parse_io(content))


KEY = (7, 50)


class Reader:
    """Details of process 7 of a tree."""

    def __init__(self, tree: Tree, *, arguments: str = "full", timeout_seconds: float = 10) -> None:
        self.tree = tree
        self.details = ProcessDetails(
            tree.proc,
            tree.clock,
            "ts-process",
            arguments=arguments,
            timeout_seconds=timeout_seconds,
        )
        put(tree, 7)
        tree.put("proc/7/cmdline", "cat\0-n\0")
        tree.put("proc/7/cgroup", "0::/system.slice/cat.service\n")

    def read(self, seconds: float = 1.0, *, is_running: bool = False, runs: bytes = b"") -> Detail:
        """Return what is known after this time."""
        self.tree.advance(seconds)
        row = Row()
        row.used, row.runs = int(is_running), runs
        return self.details.update([KEY], {KEY: row})[KEY]

    def wait(self) -> None:
        """Wait until the worker has read what was requested. The next ``read`` takes it."""
        waiting = self.details._details[KEY].waiting
        result = self.details._blocking.maybe_result
        assert eventually(
            lambda: all(result((name, *KEY)) is not before for name, before in waiting.items())
        )


@pytest.fixture
def reader(tree: Tree) -> Iterator[Reader]:
    """A reader that waits for its worker."""
    made = Reader(tree)
    yield made
    made.details.close()


def test_labels_are_read_once_and_rarely_again(reader: Reader) -> None:
    """A process may change its title, and systemd moves it to another group."""
    first = reader.read()
    assert (first.command, first.unit) == ("cat -n", "cat.service")
    reader.tree.put("proc/7/cmdline", "dog\0")
    reader.tree.put("proc/7/cgroup", "0::/system.slice/dog.service\n")
    assert reader.read(LABELS_SECONDS / 2).command == "cat -n"
    last = reader.read(LABELS_SECONDS / 2)
    assert (last.command, last.unit) == ("dog", "dog.service")


def test_command_lines_are_not_read_by_default(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is not even opened. The unit is not secret."""
    opened: list[str] = []
    real = process_details._read_start

    def note(path: str, size: int) -> bytes:
        opened.append(os.path.basename(path))
        return real(path, size)

    monkeypatch.setattr(process_details, "_read_start", note)
    reader = Reader(tree, arguments="none")
    detail = reader.read()
    reader.details.close()
    assert (detail.command, detail.unit) == (None, "cat.service")
    assert set(opened) == {"cgroup", "stat", "io"}


def test_rates_of_a_running_process(reader: Reader) -> None:
    """1000 bytes read and 500 written in one turn, and nothing in the next one. Between turns, the rates stay."""
    reader.tree.put("proc/7/io", IO.format(100, 50))
    assert reader.read(TURN_SECONDS).io_rates == (None, None)
    reader.tree.put("proc/7/io", IO.format(1100, 550))
    assert reader.read(TURN_SECONDS - 1.0, is_running=True).io_rates == (None, None)
    assert reader.read(1.0, is_running=True).io_rates == (500.0, 250.0)
    assert reader.read(TURN_SECONDS - 1.0, is_running=True).io_rates == (500.0, 250.0)
    assert reader.read(1.0, is_running=True).io_rates == (0.0, 0.0)


def test_the_io_of_a_process_that_has_not_run_is_not_read(reader: Reader) -> None:
    """It is the same. After the process has run, its rate is that of the time since the last turn."""
    reader.tree.put("proc/7/io", IO.format(100, 50))
    pause = IO_TURNS * TURN_SECONDS
    assert reader.read(TURN_SECONDS, runs=b"9 0 1").io_rates == (None, None)
    os.unlink(f"{reader.tree.proc}/7/io")
    for _ in range(2):
        assert reader.read(pause, runs=b"9 0 1").io_rates == (0.0, 0.0)
    reader.tree.put("proc/7/io", IO.format(100 + int(400 * pause), 50))
    assert reader.read(pause, runs=b"9 0 2").io_rates == (400.0, 0.0)


class LateReader(Reader):
    """The worker answers between two readings, however fast it is."""

    def __init__(self, tree: Tree) -> None:
        super().__init__(tree, timeout_seconds=0.0)
        self._may_answer = threading.Event()
        call = self.details._blocking._call

        def answer(key: tuple[str, int, int]) -> bytes:
            assert self._may_answer.wait(30.0)
            return call(key)

        self.details._blocking._call = answer

    def read(self, seconds: float = 1.0, *, is_running: bool = False, runs: bytes = b"") -> Detail:
        self._may_answer.clear()
        try:
            return super().read(seconds, is_running=is_running, runs=runs)
        finally:
            self._may_answer.set()


@pytest.fixture
def late(tree: Tree) -> Iterator[Reader]:
    """A reader of the stream, whose results come one reading later. That of the last reading is still to come.

    The process has run before each reading, and has written 500 bytes per second, then 1000.
    """
    made = LateReader(tree)
    for runs, written in enumerate((0, 0, 2000, 2000, 6000), 1):
        tree.put("proc/7/io", IO.format(0, written))
        made.read(2.0, is_running=True, runs=b"9 0 %d" % runs)
        made.wait()
    yield made
    made.details.close()


def test_the_rate_of_a_process_that_sleeps_before_the_result_comes(late: Reader) -> None:
    """It is that of the time before the request, and 0 from then on."""
    rates = [late.read(2.0, runs=b"9 0 5").io_rates for _ in range(2)]
    assert rates == [(0.0, 1000.0), (0.0, 0.0)]


def test_the_rate_of_a_process_that_runs_before_the_result_comes(late: Reader) -> None:
    """What it writes then is in the next rate, although it has not run since."""
    late.tree.put("proc/7/io", IO.format(0, 14000))
    rates = []
    for _ in range(4):
        rates.append(late.read(2.0, runs=b"9 0 6").io_rates)
        late.wait()
    assert rates == [(0.0, 1000.0), (0.0, 1000.0), (0.0, 2000.0), (0.0, 0.0)]


def test_rates_from_before_a_pause_are_unknown() -> None:
    """A process that was not shown for longer than its I/O is valid, until the next reading."""
    detail = Detail()
    detail.is_io_due(100.0, uses_cpu=False)
    detail.io, detail.io_rates = ((5, 5), 100.0), (1.0, 2.0)
    detail.is_io_due(100.0 + IO_TURNS * TURN_SECONDS, uses_cpu=False)
    assert any(detail.io_rates)
    detail.is_io_due(200.0, uses_cpu=False)
    assert not any(detail.io_rates)


def test_processes_that_are_shown_again_are_known(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here one is kept, that which was needed last."""
    opened: list[str] = []
    real = process_details._read_start

    def note(path: str, size: int) -> bytes:
        opened.append(path.removeprefix(tree.proc))
        return real(path, size)

    monkeypatch.setattr(process_details, "_read_start", note)
    details = ProcessDetails(tree.proc, tree.clock, "ts-process", most_kept=1, timeout_seconds=10)
    for pid in (7, 8, 9):
        put(tree, pid)
        tree.put(f"proc/{pid}/cgroup", f"0::/system.slice/{pid}.service\n")
    units = []
    for pid in (7, 8, 7, 9, 8):
        tree.advance(1.0)
        units.append(details.update([(pid, 50)], {})[pid, 50].unit)
    details.close()
    assert units == ["7.service", "8.service", "7.service", "9.service", "8.service"]
    assert [path for path in opened if path.endswith("cgroup")] == [
        f"/{pid}/cgroup" for pid in (7, 8, 9, 8)
    ]


def test_io_of_a_sleeping_process_is_read_rarely(reader: Reader) -> None:
    """The rate is the average since the reading before. While it is not 0, it is read at each turn."""
    reader.tree.put("proc/7/io", IO.format(0, 0))
    reader.read()
    reader.tree.put("proc/7/io", IO.format(1000, 0))
    for _ in range(IO_TURNS - 1):
        assert reader.read(TURN_SECONDS).io_rates == (None, None)
    assert reader.read(TURN_SECONDS).io_rates == (round(1000.0 / (IO_TURNS * TURN_SECONDS), 3), 0.0)
    assert reader.read(TURN_SECONDS).io_rates == (0.0, 0.0)


def test_counts_that_fall_have_no_rate(reader: Reader) -> None:
    """And so has an impossible rise."""
    reader.tree.put("proc/7/io", IO.format(1000, 0))
    reader.read()
    reader.tree.put("proc/7/io", IO.format(10, 1 << 60))
    assert reader.read(TURN_SECONDS, is_running=True).io_rates == (None, None)


def test_io_that_may_not_be_read_is_null(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again after a minute, not at each tick. The rest is known."""
    real, tries = process_details._read_start, []

    def refuse(path: str, size: int) -> bytes:
        if path.endswith("/io"):
            tries.append(path)
            raise PermissionError(13, "Permission denied")
        return real(path, size)

    monkeypatch.setattr(process_details, "_read_start", refuse)
    for _ in range(9):
        reader.read(1.0, is_running=True)
    detail = reader.read(1.0, is_running=True)
    assert (detail.io_rates, detail.unit, len(tries)) == ((None, None), "cat.service", 1)
    reader.read(DENIED_SECONDS)
    assert len(tries) == 2


def test_a_reused_pid_is_not_mistaken(reader: Reader) -> None:
    """The files belong to a process with another start time."""
    put(reader.tree, 7, start=900)
    detail = reader.read()
    assert (detail.command, detail.unit, detail.io_rates) == (None, None, (None, None))


def test_a_process_that_ends_while_it_is_read_has_no_details(reader: Reader) -> None:
    """The directory is empty."""
    for name in ("stat", "cmdline", "cgroup"):
        os.unlink(f"{reader.tree.proc}/7/{name}")
    detail = reader.read()
    assert (detail.command, detail.unit) == (None, None)


def test_a_process_that_hangs_its_reader_delays_nobody(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ps hangs when a process holds its memory lock. The others are read by another worker."""
    release = threading.Event()
    real = process_details._read_start

    def hang(path: str, size: int) -> bytes:
        if path.endswith("/7/cmdline"):
            release.wait(30)
        return real(path, size)

    monkeypatch.setattr(process_details, "_read_start", hang)
    monkeypatch.setattr("telemetry_stream.metrics.blocking.HUNG_SECONDS", 0.01)
    reader = Reader(tree, timeout_seconds=0.0)
    put(tree, 8)
    tree.put("proc/8/cmdline", "dog\0")
    tree.put("proc/8/cgroup", "0::/dog.service\n")
    keys = [KEY, (8, 50)]

    def other() -> str | None:
        return reader.details.update(keys, {})[8, 50].command

    assert eventually(lambda: other() == "dog")
    assert reader.details.update(keys, {})[KEY].command is None
    release.set()
    assert eventually(lambda: reader.details.update(keys, {})[KEY].command == "cat -n")
    reader.details.close()
