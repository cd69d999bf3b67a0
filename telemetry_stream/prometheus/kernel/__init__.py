"""What node_exporter reads, in its terms: one visible table of areas, each with its name and its function.

A function yields the families of one of node_exporter's default collectors, with the same names, labels, units and
types. It reads the host's files itself. Some series of mdadm, zfs, btrfs, systemd and powersupplyclass come from the
sections of a sample, whose fields declare these names. Collectors for special hardware or services are not served:
bcache, fibrechannel, infiniband, ipvs, nfs, nfsd, tapestats, watchdog, xfs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..exposition import Family, Fields
from . import (
    clock,
    cpufreq,
    diskstats,
    filesystem,
    hardware,
    hwmon,
    identity,
    meminfo,
    netclass,
    netdev,
    netstat,
    network,
    scheduler,
    sockstat,
    stat,
    system,
    vmstat,
)
from .host import Host

Collect = Callable[[Host], Iterator[Family | Fields]]

# Their files are answered from the kernel's memory.
AREAS: Mapping[str, Collect] = {
    "stat": stat.collect,
    "meminfo": meminfo.collect,
    "loadavg": system.collect_loadavg,
    "pressure": scheduler.collect_pressure,
    "schedstat": scheduler.collect_schedstat,
    "diskstats": diskstats.collect,
    "filesystem": filesystem.collect,
    "netdev": netdev.collect,
    "netstat": netstat.collect,
    "sockstat": sockstat.collect,
    "udp_queues": sockstat.collect_udp_queues,
    "softnet": network.collect_softnet,
    "conntrack": network.collect_conntrack,
    "arp": network.collect_arp,
    "vmstat": vmstat.collect,
    "hwmon": hwmon.collect,
    "filefd": system.collect_filefd,
    "entropy": system.collect_entropy,
    "kernel_hung": system.collect_kernel_hung,
    "selinux": system.collect_selinux,
    "time": clock.collect_time,
    "timex": clock.collect_timex,
    "uname": identity.collect_uname,
    "os": identity.collect_os,
    "dmi": identity.collect_dmi,
}
# Their files may ask a driver, a bus or the firmware, so that they are read on a worker.
SLOW_AREAS: Mapping[str, Collect] = {
    "netclass": netclass.collect,
    "cpufreq": cpufreq.collect_cpufreq,
    "throttles": cpufreq.collect_throttles,
    "edac": hardware.collect_edac,
    "rapl": hardware.collect_rapl,
    "nvme": hardware.collect_nvme,
    "cooling": cpufreq.collect_cooling,
}
