"""The areas that read /sys, and those that come from the newest sample, with the series that node_exporter has."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_stream.metrics.sources.filesystem import Filesystem
from telemetry_stream.metrics.sources.power import Fan, Power, PowerMeter
from telemetry_stream.metrics.sources.temperature import Temperature
from tests.prometheus.areas import MadeHost


def test_properties_of_interfaces(made: MadeHost) -> None:
    """An unknown speed has no series: node_exporter shows -1 Mbit/s as -125000 bytes."""
    made.put_all(
        "sys/class/net/eth0",
        {
            "address": "02:00:00:00:00:01",
            "carrier": "1",
            "carrier_changes": "2",
            "dev_id": "0x1f",
            "duplex": "full",
            "flags": "0x1003",
            "ifindex": "4",
            "mtu": "1500",
            "operstate": "up",
            "speed": "1000",
            "statistics/rx_nohandler": "6",
            "tx_queue_len": "1000",
        },
    )
    made.put_all("sys/class/net/tun0", {"operstate": "down", "speed": "-1", "flags": "0x2"})
    made.put("sys/class/net/bonding_masters", "")
    assert made.lines("netclass") == [
        'node_network_carrier{device="eth0"} 1',
        'node_network_carrier_changes_total{device="eth0"} 2',
        'node_network_device_id{device="eth0"} 31',
        'node_network_flags{device="eth0"} 4099',
        'node_network_flags{device="tun0"} 2',
        'node_network_iface_id{device="eth0"} 4',
        'node_network_mtu_bytes{device="eth0"} 1500',
        'node_network_transmit_queue_length{device="eth0"} 1000',
        'node_network_receive_nohandler_total{device="eth0"} 6',
        'node_network_speed_bytes{device="eth0"} 125000000',
        'node_network_up{device="eth0"} 1',
        'node_network_up{device="tun0"} 0',
        (
            'node_network_info{address="02:00:00:00:00:01",broadcast="",duplex="full",adminstate="up",'
            'device="eth0",ifalias="",operstate="up"} 1'
        ),
        (
            'node_network_info{address="",broadcast="",duplex="",adminstate="down",device="tun0",'
            'ifalias="",operstate="down"} 1'
        ),
    ]


def test_the_speed_of_a_device_that_sleeps_is_not_read(made: MadeHost) -> None:
    """Reading it would wake the device."""
    made.put_all("sys/class/net/eth0", {"operstate": "down", "speed": "1000", "duplex": "full"})
    made.put_all("sys/devices/pci0/0000:01:00.0", {"power_state": "D3hot"})
    made.tree.link("sys/class/net/eth0/device", "../../../devices/pci0/0000:01:00.0")
    text = "\n".join(made.lines("netclass"))
    assert "speed" not in text
    assert 'duplex=""' in text


def test_bonds(made: MadeHost) -> None:
    """Their links, and those that are up."""
    made.put("sys/class/net/bonding_masters", "bond0\n")
    made.put("sys/class/net/bond0/bonding/slaves", "eth0 eth1\n")
    made.put("sys/class/net/bond0/lower_eth0/bonding_slave/mii_status", "up\n")
    made.put("sys/class/net/bond0/lower_eth1/bonding_slave/mii_status", "down\n")
    assert made.lines("netclass")[-2:] == [
        'node_bonding_slaves{master="bond0"} 2',
        'node_bonding_active{master="bond0"} 1',
    ]


def test_frequencies_and_governors(made: MadeHost) -> None:
    """kHz become Hz. The governor in use has the value 1."""
    made.put_all(
        "sys/devices/system/cpu/cpu1/cpufreq",
        {
            "scaling_cur_freq": "1800000",
            "cpuinfo_max_freq": "3600000",
            "scaling_governor": "powersave",
            "scaling_available_governors": "performance powersave",
        },
    )
    made.put("sys/devices/system/cpu/cpuidle/current_driver", "x\n")
    assert made.lines("cpufreq") == [
        'node_cpu_frequency_max_hertz{cpu="1"} 3600000000',
        'node_cpu_scaling_frequency_hertz{cpu="1"} 1800000000',
        'node_cpu_scaling_governor{cpu="1",governor="performance"} 0',
        'node_cpu_scaling_governor{cpu="1",governor="powersave"} 1',
    ]


def test_throttling_is_counted_once_for_a_core_and_a_package(made: MadeHost) -> None:
    """Two threads of one core repeat its count."""
    for thread in ("0", "1"):
        made.put_all(
            f"sys/devices/system/cpu/cpu{thread}",
            {
                "thermal_throttle/core_throttle_count": "5",
                "thermal_throttle/package_throttle_count": "30",
                "topology/physical_package_id": "0",
                "topology/core_id": "0",
            },
        )
    assert made.lines("throttles") == [
        'node_cpu_core_throttles_total{core="0",package="0"} 5',
        'node_cpu_package_throttles_total{package="0"} 30',
    ]


def test_cooling_devices(made: MadeHost) -> None:
    """Thermal zones are in the same directory."""
    files = {"type": "Processor", "cur_state": "0", "max_state": "3"}
    made.put_all("sys/class/thermal/cooling_device0", files)
    made.put_all("sys/class/thermal/thermal_zone0", {"type": "acpitz", "temp": "40000"})
    assert made.lines("cooling") == [
        'node_cooling_device_cur_state{name="0",type="Processor"} 0',
        'node_cooling_device_max_state{name="0",type="Processor"} 3',
    ]


def test_memory_errors(made: MadeHost) -> None:
    """Of a controller, of its rows and their channels, and those whose row is unknown."""
    counts = {"ce_count": "1", "ue_count": "5", "ce_noinfo_count": "2", "ue_noinfo_count": "6"}
    made.put_all("sys/devices/system/edac/mc/mc0", counts)
    row = {"ce_count": "3", "ue_count": "4", "ch0_ce_count": "7", "ch0_ue_count": "8"}
    label = {"ch0_dimm_label": "mc#0csrow#0channel#0"}
    made.put_all("sys/devices/system/edac/mc/mc0/csrow0", row | label)
    channel = 'controller="0",csrow="0",channel="0",dimm_label="mc0_csrow0_channel0"'
    assert made.lines("edac") == [
        'node_edac_correctable_errors_total{controller="0"} 1',
        'node_edac_csrow_correctable_errors_total{controller="0",csrow="unknown"} 2',
        'node_edac_csrow_correctable_errors_total{controller="0",csrow="0"} 3',
        'node_edac_uncorrectable_errors_total{controller="0"} 5',
        'node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="unknown"} 6',
        'node_edac_csrow_uncorrectable_errors_total{controller="0",csrow="0"} 4',
        f"node_edac_channel_correctable_errors_total{{{channel}}} 7",
        f"node_edac_channel_uncorrectable_errors_total{{{channel}}} 8",
    ]


def test_energy_of_processors(made: MadeHost) -> None:
    """A zone without a number in its name is counted. One that only root may read has no series."""
    for zone, files in {
        "intel-rapl:0": {"name": "package-0", "energy_uj": "2500000"},
        "intel-rapl:0:0": {"name": "core", "energy_uj": "1000000"},
        "intel-rapl:1:0": {"name": "core", "energy_uj": "3000000"},
        "intel-rapl:1": {"name": "package-1"},
        "intel-rapl": {"enabled": "1"},
    }.items():
        made.put_all(f"sys/class/powercap/{zone}", files)
    path = f"{made.tree.sys}/class/powercap/intel-rapl"
    assert sorted(made.lines("rapl")) == [
        f'node_rapl_core_joules_total{{index="0",path="{path}:0:0"}} 1.0',
        f'node_rapl_core_joules_total{{index="1",path="{path}:1:0"}} 3.0',
        f'node_rapl_package_joules_total{{index="0",path="{path}:0"}} 2.5',
    ]


def test_nvme_controllers(made: MadeHost) -> None:
    """Texts, as labels."""
    made.put_all(
        "sys/class/nvme/nvme0", {"firmware_rev": "1B2QEXP7", "model": "X 970", "state": "live"}
    )
    assert made.lines("nvme") == [
        (
            'node_nvme_info{device="nvme0",firmware_revision="1B2QEXP7",model="X 970",serial="",'
            'state="live",cntlid=""} 1'
        )
    ]


def test_the_board(made: MadeHost) -> None:
    """sys_vendor is called system_vendor. Other files of the directory are no labels."""
    made.put_all(
        "sys/class/dmi/id", {"bios_date": "04/12/2021", "sys_vendor": "Dell Inc.", "uevent": "X"}
    )
    assert made.lines("dmi") == [
        'node_dmi_info{bios_date="04/12/2021",system_vendor="Dell Inc."} 1'
    ]


@pytest.mark.parametrize("area", ["netclass", "cpufreq", "cooling", "edac", "rapl", "nvme", "dmi"])
def test_a_host_without_the_directory(made: MadeHost, area: str) -> None:
    """It does not have the area."""
    with pytest.raises(FileNotFoundError):
        made.families(area)


def filesystem(mountpoint: str, **fields: Any) -> Filesystem:
    """Return a row of the section filesystems."""
    known: dict[str, Any] = {
        "size_bytes": 1000,
        "used_bytes": 400,
        "available_bytes": 500,
        "inodes": 64,
        "inodes_free": 60,
    }
    values: dict[str, Any] = dict.fromkeys(("used_percent", "inodes_used_percent", "age_seconds"))
    values |= {"read_only": False, "stale": False, **known, **fields}
    return Filesystem(mountpoint, "/dev/sda1", "ext4", **values)


def test_filesystems_come_from_the_sample(made: MadeHost) -> None:
    """Free space includes what is reserved for root. One that does not answer has an error and its last values."""
    assert made.lines("filesystem") == []
    made.host.sections = {
        "filesystems": (filesystem("/"), filesystem("/srv", stale=True, read_only=True))
    }
    root = '{device="/dev/sda1",fstype="ext4",mountpoint="/",device_error=""}'
    lines = made.lines("filesystem")
    assert [line for line in lines if root in line] == [
        f"node_filesystem_size_bytes{root} 1000",
        f"node_filesystem_free_bytes{root} 600",
        f"node_filesystem_avail_bytes{root} 500",
        f"node_filesystem_files{root} 64",
        f"node_filesystem_files_free{root} 60",
        f"node_filesystem_readonly{root} 0",
        f"node_filesystem_device_error{root} 0",
    ]
    srv = root.replace('"/"', '"/srv"')
    assert {f"node_filesystem_readonly{srv} 1", f"node_filesystem_device_error{srv} 1"} < set(lines)


def test_a_filesystem_that_never_answered_has_an_error(made: MadeHost) -> None:
    """And no sizes."""
    unknown = dict.fromkeys(
        ("size_bytes", "used_bytes", "available_bytes", "inodes", "inodes_free")
    )
    made.host.sections = {"filesystems": (filesystem("/", **unknown),)}
    names = [line.partition("{")[0] for line in made.lines("filesystem")]
    assert names == ["node_filesystem_readonly", "node_filesystem_device_error"]


def temperature(
    chip: str, device: str | None, sensor: str, celsius: float | None, label: str | None = None
) -> Temperature:
    """Return a row of the section temperatures."""
    return Temperature(chip, device, sensor, label, celsius, 80.0, None, 1.0)


def test_temperatures_come_from_the_sample(made: MadeHost) -> None:
    """Chips have node_exporter's names: the bus and the device. A zone has a family of its own."""
    assert made.lines("hwmon") == []
    made.put("sys/class/hwmon/hwmon3/name", "coretemp\n")
    made.put("sys/devices/platform/coretemp.0/uevent", "")
    made.tree.link("sys/class/hwmon/hwmon3/device", "../../../devices/platform/coretemp.0")
    made.host.sections = {
        "temperatures": (
            temperature("coretemp", "coretemp.0", "temp1", 45.5, "Core 0"),
            temperature("nct6779", None, "temp2", None),
            temperature("acpitz", "thermal_zone0", "temp", 40.0),
        )
    }
    assert made.lines("hwmon") == [
        'node_hwmon_chip_names{chip="platform_coretemp_0",chip_name="coretemp"} 1',
        'node_hwmon_chip_names{chip="nct6779",chip_name="nct6779"} 1',
        'node_hwmon_sensor_label{chip="platform_coretemp_0",label="Core 0",sensor="temp1"} 1',
        'node_hwmon_temp_celsius{chip="platform_coretemp_0",sensor="temp1"} 45.5',
        'node_hwmon_temp_max_celsius{chip="platform_coretemp_0",sensor="temp1"} 80.0',
        'node_hwmon_temp_max_celsius{chip="nct6779",sensor="temp2"} 80.0',
        'node_thermal_zone_temp{type="acpitz",zone="0"} 40.0',
    ]


def test_fans_and_power_meters_come_from_the_sample(made: MadeHost) -> None:
    """With the labels of their chip."""
    fan = Fan("nct6779", None, "fan1", "CPU fan", 1200, 1.0)
    meter = PowerMeter("amdgpu", None, "power1", None, None, 1.0)
    made.host.sections = {"power": Power((), (), (fan,), (meter,))}
    assert made.lines("hwmon") == [
        'node_hwmon_chip_names{chip="nct6779",chip_name="nct6779"} 1',
        'node_hwmon_chip_names{chip="amdgpu",chip_name="amdgpu"} 1',
        'node_hwmon_sensor_label{chip="nct6779",label="CPU fan",sensor="fan1"} 1',
        'node_hwmon_fan_rpm{chip="nct6779",sensor="fan1"} 1200',
    ]
