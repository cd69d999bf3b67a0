"""The areas that read /proc: what the kernel writes becomes the series that node_exporter has."""

from __future__ import annotations

import os

import pytest

from telemetry_stream.metrics.files import ParseError
from telemetry_stream.prometheus.kernel.clock import read_timex
from tests.prometheus.areas import MadeHost

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def stat(*cores: str, rest: str = "") -> str:
    """Return /proc/stat with these cores."""
    rows = "".join(f"cpu{number} {ticks}\n" for number, ticks in enumerate(cores))
    return f"cpu  1 2 3\n{rows}intr 400 1 2\nctxt 500\nbtime 1764000000\nprocesses 60\n{rest}"


def test_times_of_the_cores_are_counters_in_seconds(made: MadeHost) -> None:
    """Guest times have their own family. An old kernel has no column for them."""
    made.put("proc/stat", stat(*("100 0 50 1000 0 0 0 7 20 0",), rest="procs_running 2\n"))
    lines = made.lines("stat")
    assert f'node_cpu_seconds_total{{cpu="0",mode="idle"}} {1000 / TICKS}' in lines
    assert f'node_cpu_seconds_total{{cpu="0",mode="steal"}} {7 / TICKS}' in lines
    assert f'node_cpu_guest_seconds_total{{cpu="0",mode="user"}} {20 / TICKS}' in lines
    assert lines[-5:] == [
        "node_intr_total 400",
        "node_context_switches_total 500",
        "node_forks_total 60",
        "node_boot_time_seconds 1764000000",
        "node_procs_running 2",
    ]
    made.put("proc/stat", stat("100 0 50 1000 0 0 0"))
    assert not any("guest" in line or "steal" in line for line in made.lines("stat"))


def test_a_counter_that_falls_a_little_keeps_its_value(made: MadeHost) -> None:
    """Prometheus would take each fall for a reset, and count the time since boot again."""

    def idle(ticks: int) -> str:
        made.put("proc/stat", stat(f"100 0 50 {ticks} 0 0 0 0 0 0"))
        (line,) = [line for line in made.lines("stat") if 'mode="idle"' in line]
        return line.partition(" ")[2]

    assert idle(1000 * TICKS) == "1000.0"
    assert idle(1000 * TICKS - 5) == "1000.0"
    assert idle(1001 * TICKS) == "1001.0"
    assert idle(900 * TICKS) == "900.0"  # the core was taken out and is back


def test_all_fields_of_meminfo(made: MadeHost) -> None:
    """kB are 1024 bytes. Counts have no unit, and a line that is not one loses only itself."""
    made.put(
        "proc/meminfo",
        "MemTotal:  1000 kB\nActive(anon):  3 kB\nHugePages_Free:   4\nBroken: x kB\n"
        "Negative: 18446744073709551615 kB\nDirectMap4k: 8 kB\n",
    )
    assert made.lines("meminfo") == [
        "node_memory_MemTotal_bytes 1024000",
        "node_memory_Active_anon_bytes 3072",
        "node_memory_HugePages_Free 4",
        "node_memory_DirectMap4k_bytes 8192",
    ]


def test_all_fields_of_vmstat(made: MadeHost) -> None:
    """They are untyped: the file does not distinguish levels from counters."""
    made.put("proc/vmstat", "nr_free_pages 12\npgpgin 345\nodd-name 1\nbroken x\n")
    assert made.lines("vmstat") == ["node_vmstat_nr_free_pages 12", "node_vmstat_pgpgin 345"]
    assert {family.kind for family in made.families("vmstat")} == {"untyped"}


def test_all_fields_of_netstat_snmp_and_snmp6(made: MadeHost) -> None:
    """MaxConn is negative. Lines that do not match are skipped."""
    made.put(
        "proc/net/netstat", "TcpExt: SyncookiesSent ListenDrops\nTcpExt: 3 4\nIpExt: A\nOdd: 1\n"
    )
    made.put("proc/net/snmp", "Tcp: RtoMin MaxConn\nTcp: 200 -1\n")
    made.put("proc/net/snmp6", "Ip6InReceives \t12\nUdpLite6InErrors 5\nbroken x\n")
    assert made.lines("netstat") == [
        "node_netstat_TcpExt_SyncookiesSent 3",
        "node_netstat_TcpExt_ListenDrops 4",
        "node_netstat_Tcp_RtoMin 200",
        "node_netstat_Tcp_MaxConn -1",
        "node_netstat_Ip6_InReceives 12",
        "node_netstat_UdpLite6_InErrors 5",
    ]


def test_netstat_without_some_of_its_files(made: MadeHost) -> None:
    """Only a host without all of them does not have the area."""
    with pytest.raises(FileNotFoundError):
        made.families("netstat")
    made.put("proc/net/snmp", "Tcp: InSegs\nTcp: 7\n")
    assert made.lines("netstat") == ["node_netstat_Tcp_InSegs 7"]


def test_the_host_of_another_procfs_has_its_own_network(made: MadeHost) -> None:
    """/proc/net there is that of this program; /proc/1/net is the host's."""
    made.put("proc/net/arp", "IP address\n1.2.3.4 0x1 0x2 00:00:00:00:00:01 * mine\n")
    made.put("proc/1/net/dev", "h\nh\n")
    made.put("proc/1/net/arp", "IP address\n1.2.3.4 0x1 0x2 00:00:00:00:00:01 * host\n")
    assert MadeHost(made.tree).lines("arp") == ['node_arp_entries{device="host"} 1']


def test_sockets(made: MadeHost) -> None:
    """Memory is in pages, and also in bytes. A host without IPv6 has no second file."""
    made.put("proc/net/sockstat", "sockets: used 34\nTCP: inuse 6 orphan 0 mem 3\nFRAG: memory 9\n")
    expected = [
        "node_sockstat_sockets_used 34",
        "node_sockstat_TCP_inuse 6",
        "node_sockstat_TCP_orphan 0",
        "node_sockstat_TCP_mem 3",
        f"node_sockstat_TCP_mem_bytes {3 * PAGE}",
        "node_sockstat_FRAG_memory 9",
    ]
    assert made.lines("sockstat") == expected
    made.put("proc/net/sockstat6", "TCP6: inuse 1\n")
    assert made.lines("sockstat") == [*expected, "node_sockstat_TCP6_inuse 1"]


def test_queues_of_udp(made: MadeHost) -> None:
    """The sums of the hexadecimal numbers of all sockets."""
    row = " 1: 00000000:0044 00000000:0000 07 0000000A:0000000{} 00:00000000 0 0 0 1 2 0 0\n"
    made.put("proc/net/udp", f"  sl  local_address\n{row.format(1)}{row.format(2)}")
    assert made.lines("udp_queues") == [
        'node_udp_queues{ip="v4",queue="tx"} 20',
        'node_udp_queues{ip="v4",queue="rx"} 3',
    ]


def test_neighbours_are_counted_by_device(made: MadeHost) -> None:
    """A heading, then a line for each."""
    made.put(
        "proc/net/arp",
        "IP address HW type Flags HW address Mask Device\n"
        "10.0.0.1 0x1 0x2 00:00:00:00:00:01 * eth0\n"
        "10.0.0.2 0x1 0x0 00:00:00:00:00:00 * eth0\n"
        "10.1.0.1 0x1 0x2 00:00:00:00:00:02 * br0\n",
    )
    assert made.lines("arp") == [
        'node_arp_entries{device="eth0"} 2',
        'node_arp_entries{device="br0"} 1',
    ]


def test_tracked_connections(made: MadeHost) -> None:
    """The statistics are hexadecimal, with a line for each core."""
    with pytest.raises(FileNotFoundError):
        made.families("conntrack")
    made.put("proc/sys/net/netfilter/nf_conntrack_count", "5\n")
    made.put("proc/sys/net/netfilter/nf_conntrack_max", "262144\n")
    made.put("proc/net/stat/nf_conntrack", "entries  found new drop\n05 0a 00 01\n05 10 00 00\n")
    assert made.lines("conntrack") == [
        "node_nf_conntrack_entries 5",
        "node_nf_conntrack_entries_limit 262144",
        "node_nf_conntrack_stat_found 26",
        "node_nf_conntrack_stat_drop 1",
    ]


def test_packets_of_each_core(made: MadeHost) -> None:
    """The last column of a new kernel is the number of the core. An old one has fewer columns."""
    made.put("proc/net/softnet_stat", f"0000000a 00000001 00000002{' 0' * 6} 3 4 5 00000007 0 0\n")
    assert made.lines("softnet") == [
        'node_softnet_processed_total{cpu="7"} 10',
        'node_softnet_dropped_total{cpu="7"} 1',
        'node_softnet_times_squeezed_total{cpu="7"} 2',
        'node_softnet_cpu_collision_total{cpu="7"} 0',
        'node_softnet_received_rps_total{cpu="7"} 3',
        'node_softnet_flow_limit_count_total{cpu="7"} 4',
        'node_softnet_backlog_len{cpu="7"} 5',
    ]
    made.put("proc/net/softnet_stat", "0000000a 00000001 00000002\n")
    assert len(made.lines("softnet")) == 3


def test_counters_of_disks(made: MadeHost) -> None:
    """Sectors become bytes, ms seconds. Partitions and ram disks have no series; old kernels have fewer columns."""
    made.put(
        "proc/diskstats",
        "8 0 sda 10 1 4 1500 20 2 8 2500 3 4000 5000 6 1 64 7 9 10\n"
        "8 1 sda1 10 1 4 1500 20 2 8 2500 3 4000 5000\n"
        "1 0 ram0 0 0 0 0 0 0 0 0 0 0 0\n"
        "253 0 dm-0 1 0 2 3 4 0 5 6 0 7 8\n",
    )
    made.put("sys/block/sda/queue/rotational", "1\n")
    lines = made.lines("diskstats")
    assert [line for line in lines if "sda" in line and "info" not in line] == [
        'node_disk_reads_completed_total{device="sda"} 10',
        'node_disk_reads_merged_total{device="sda"} 1',
        'node_disk_read_bytes_total{device="sda"} 2048',
        'node_disk_read_time_seconds_total{device="sda"} 1.5',
        'node_disk_writes_completed_total{device="sda"} 20',
        'node_disk_writes_merged_total{device="sda"} 2',
        'node_disk_written_bytes_total{device="sda"} 4096',
        'node_disk_write_time_seconds_total{device="sda"} 2.5',
        'node_disk_io_now{device="sda"} 3',
        'node_disk_io_time_seconds_total{device="sda"} 4.0',
        'node_disk_io_time_weighted_seconds_total{device="sda"} 5.0',
        'node_disk_discards_completed_total{device="sda"} 6',
        'node_disk_discards_merged_total{device="sda"} 1',
        'node_disk_discarded_sectors_total{device="sda"} 64',
        'node_disk_discard_time_seconds_total{device="sda"} 0.007',
        'node_disk_flush_requests_total{device="sda"} 9',
        'node_disk_flush_requests_time_seconds_total{device="sda"} 0.01',
    ]
    assert sum("dm-0" in line for line in lines) == 11 + 1
    assert not any("sda1" in line or "ram0" in line for line in lines)
    assert (
        'node_disk_info{device="sda",major="8",minor="0",path="",wwn="",model="",serial="",'
        'revision="",rotational="1"} 1' in lines
    )


def test_counters_of_interfaces(made: MadeHost) -> None:
    """All sixteen, of every interface."""
    numbers = " ".join(map(str, range(1, 17)))
    made.put("proc/net/dev", f"heading|\nheading|\n  eth0: {numbers}\n    lo: {numbers}\n")
    lines = made.lines("netdev")
    assert len(lines) == 32
    assert 'node_network_receive_multicast_total{device="eth0"} 8' in lines
    assert 'node_network_transmit_carrier_total{device="lo"} 15' in lines


def test_pressure(made: MadeHost) -> None:
    """Microseconds become seconds. A kernel with PSI switched off has no files to read."""
    some, full = (
        "{} avg10=0.00 avg60=0.00 avg300=0.00 total={}\n".format(*of)
        for of in (("some", 1500000), ("full", 7))
    )
    made.put("proc/pressure/io", some + full)
    made.put("proc/pressure/cpu", some)
    assert made.lines("pressure") == [
        "node_pressure_cpu_waiting_seconds_total 1.5",
        "node_pressure_io_waiting_seconds_total 1.5",
        "node_pressure_io_stalled_seconds_total 7e-06",
    ]


def test_schedstat(made: MadeHost) -> None:
    """Nanoseconds become seconds. Lines of domains are not cores."""
    made.put(
        "proc/schedstat", "version 15\ntimestamp 1\ncpu0 0 0 0 0 0 0 2500000000 1 30\ndomain0 3 0\n"
    )
    assert made.lines("schedstat") == [
        'node_schedstat_running_seconds_total{cpu="0"} 2.5',
        'node_schedstat_waiting_seconds_total{cpu="0"} 1e-09',
        'node_schedstat_timeslices_total{cpu="0"} 30',
    ]


@pytest.mark.parametrize(
    ("area", "files", "expected"),
    [
        (
            "loadavg",
            {"loadavg": "0.50 1.25 2.00 1/300 4242"},
            ["node_load1 0.5", "node_load5 1.25", "node_load15 2.0"],
        ),
        (
            "entropy",
            {"sys/kernel/random/entropy_avail": "256", "sys/kernel/random/poolsize": "4096"},
            ["node_entropy_available_bits 256", "node_entropy_pool_size_bits 4096"],
        ),
        (
            "filefd",
            {"sys/fs/file-nr": "669\t0\t9223372036854775807"},
            ["node_filefd_allocated 669", "node_filefd_maximum 9223372036854775807"],
        ),
        (
            "kernel_hung",
            {"sys/kernel/hung_task_detect_count": "3"},
            ["node_kernel_hung_tasks_total 3"],
        ),
    ],
)
def test_single_numbers(
    made: MadeHost, area: str, files: dict[str, str], expected: list[str]
) -> None:
    """A host without the file does not have the area."""
    with pytest.raises(FileNotFoundError):
        made.families(area)
    made.put_all("proc", files)
    assert made.lines(area) == expected


def test_selinux(made: MadeHost) -> None:
    """Most hosts do not have it."""
    assert made.lines("selinux") == ["node_selinux_enabled 0"]
    made.put("sys/fs/selinux/enforce", "1")
    assert made.lines("selinux") == ["node_selinux_enabled 1", "node_selinux_current_mode 1"]


def test_names_of_the_kernel_and_the_system(made: MadeHost) -> None:
    """uname comes from /proc, so that it is that of the host. os-release is quoted as in a shell."""
    kernel = {
        "domainname": "(none)",
        "hostname": 'b"x',
        "osrelease": "6.1",
        "ostype": "Linux",
        "version": "#1",
    }
    made.put_all("proc/sys/kernel", kernel)
    assert made.lines("uname") == [
        (
            f'node_uname_info{{domainname="(none)",machine="{os.uname().machine}",nodename="b\\"x",'
            'release="6.1",sysname="Linux",version="#1"} 1'
        )
    ]
    assert made.lines("os") == []
    made.put(
        "proc/1/root/etc/os-release", 'ID=debian\nNAME="Debian GNU/Linux"\nVERSION_ID="12.5"\nX=1\n'
    )
    info, version = made.lines("os")
    assert 'id="debian"' in info
    assert 'name="Debian GNU/Linux"' in info
    assert info.count("=") == 12
    assert version == 'node_os_version{id="debian",id_like="",name="Debian GNU/Linux"} 12.5'


def test_time(made: MadeHost) -> None:
    """With the clock sources that the kernel has."""
    made.put_all(
        "sys/devices/system/clocksource/clocksource0",
        {"available_clocksource": "tsc hpet ", "current_clocksource": "tsc"},
    )
    now, zone, *sources = made.lines("time")
    assert now == f"node_time_seconds {made.tree.realtime}"
    assert zone.startswith("node_time_zone_offset_seconds{time_zone=")
    assert sources == [
        'node_time_clocksource_available_info{clocksource="tsc",device="0"} 1',
        'node_time_clocksource_available_info{clocksource="hpet",device="0"} 1',
        'node_time_clocksource_current_info{clocksource="tsc",device="0"} 1',
    ]


def test_the_state_of_the_clock(made: MadeHost) -> None:
    """The structure is the kernel's: a tick is about 10 ms (9000 to 11000 µs) whatever else is true."""
    found, state = read_timex()
    assert 9000 <= found.tick <= 11000
    assert 0 <= state <= 5
    names = [line.split()[0] for line in made.lines("timex")]
    assert len(names) == len(set(names)) == 17
    assert {"node_timex_sync_status", "node_timex_pps_error_total"} <= set(names)


@pytest.mark.parametrize("path", ["stat", "net/dev"])
def test_a_malformed_file_is_an_error(made: MadeHost, path: str) -> None:
    """It costs only its area: see test_scrape."""
    made.put(f"proc/{path}", "eth0: 1 2\n")
    with pytest.raises(ParseError):
        made.families({"stat": "stat", "net/dev": "netdev"}[path])
