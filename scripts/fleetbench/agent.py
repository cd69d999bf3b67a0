"""What publishing over MQTT costs an agent: two programs side by side, one with a broker and one without.

Both are measured during the same time, so that other work on the machine disturbs both.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import threading
import time
from argparse import Namespace

from telemetry_stream.hub import Hub
from telemetry_stream.metrics.collector import Collector
from telemetry_stream.mqtt.waiter import Waiter
from telemetry_stream.stream import Demand, HistoryLimits, Stream

from .figures import Figure
from .programs import PROGRAM, ROOT, cpu_percent, mosquitto, resident_mib, running

SETTLE_SECONDS = 12.0  # after this, memory and name lookups do not change any more
CPU_PERCENT = 0.05
RESIDENT_MIB = 2.5
TRANSFER_US = 50.0
COUNT_PAHO = """
import sys
from telemetry_stream import App, Settings
with App(Settings(port=0)):
    print(sum(name.partition(".")[0] == "paho" for name in sys.modules))
"""


def agent(arguments: Namespace) -> list[Figure]:
    """An agent with a broker, compared with one without."""
    with contextlib.ExitStack() as stack:
        _, port = stack.enter_context(mosquitto())
        pids = [
            stack.enter_context(running([*PROGRAM, *flags]))[0]
            for flags in ([], ["--mqtt-broker", f"mqtt://127.0.0.1:{port}"])
        ]
        time.sleep(SETTLE_SECONDS)
        rounds = [cpu_percent(pids, arguments.seconds) for _ in range(arguments.rounds)]
        memory = [resident_mib(pid) for pid in pids]
    without, used = (statistics.median(column) for column in zip(*rounds, strict=True))
    more = statistics.median(one[1] - one[0] for one in rounds)
    return [
        Figure("without MQTT, percent of a core", without),
        Figure("with MQTT, percent of a core", used),
        Figure("more with MQTT, percent of a core", more, CPU_PERCENT),
        Figure("without MQTT, resident MiB", memory[0]),
        Figure("more with MQTT, resident MiB", memory[1] - memory[0], RESIDENT_MIB),
        Figure("transfer on the tick, microseconds", transfer_us(), TRANSFER_US),
        Figure("modules of paho imported without MQTT", paho_modules(), 0),
    ]


def paho_modules() -> int:
    """Return how many modules of paho a running program without a broker has imported."""
    command = [sys.executable, "-c", COUNT_PAHO]
    return int(subprocess.run(command, stdout=subprocess.PIPE, cwd=ROOT, check=True).stdout)


def transfer_us(count: int = 2000) -> float:
    """Return the median time in which the hub's thread gives a frame to a publisher that waits."""
    hub = Hub()
    stream = Stream(hub, version="bench", history=HistoryLimits(1.0))
    collector = Collector()
    demand = Demand(
        default_sections=(),
        interval_seconds=1.0,
        idle_interval_seconds=0.0,
        on_interval=lambda _: None,
    )
    stream.add(collector.host, section_names=collector.section_names, demand=demand)
    waiter = Waiter()
    waiter.open()
    consumer = stream.attach("bench", sections=["vitals"], wake=waiter.wake)
    while consumer.take(0.0) is not None:
        pass
    taken = threading.Semaphore(0)

    def publisher() -> None:
        for _ in range(count):
            waiter.wait(10.0)
            while consumer.take(0.0) is None:
                pass
            taken.release()

    thread = threading.Thread(target=publisher)
    thread.start()
    frame, times = b"x" * 300, []
    for _ in range(count):
        time.sleep(0.0005)
        began = time.thread_time_ns()
        consumer.client.offer(frame)
        times.append(time.thread_time_ns() - began)
        taken.acquire(timeout=10.0)
    thread.join()
    consumer.close()
    waiter.close()
    collector.close()
    return statistics.median(times) / 1000
