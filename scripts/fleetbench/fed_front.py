"""A front end whose hosts are fed inside its process, as a broker's thread would feed them. Runs until SIGTERM."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from functools import partial
from typing import Any

from telemetry_stream import App, Settings, assembly, cli
from telemetry_stream.fleet.fleet import Fleet
from telemetry_stream.fleet.remote import identity_of, maybe_vitals
from telemetry_stream.stream.received import decode
from telemetry_stream.threads import small_stacks

from .invented import hello, sample


class Invented:
    """A remote that the feeding thread of the front end stands for."""

    is_discovered = True

    def __init__(self, number: int) -> None:
        self.key = f"{number:016x}"
        self.report: Any = None

    def start(self, report: object) -> None:
        """Keep what it reports to."""
        self.report = report

    def watch(self, _: object) -> None:
        """Do nothing."""

    def unwatch(self) -> None:
        """Do nothing."""

    def identify_again(self) -> None:
        """Do nothing."""

    def link(self, _: float) -> str:
        """Our own link works."""
        return "up"

    def close(self) -> None:
        """Do nothing."""

    def join(self, _: float) -> None:
        """Do nothing."""


def serve(count: int) -> None:
    """Feed so many hosts from one thread until SIGTERM."""
    remotes = [Invented(number) for number in range(count)]

    def feed() -> None:
        for number, remote in enumerate(remotes):
            remote.report.identified(identity_of(decode(hello(number).decode())))
        begin, sent = time.monotonic(), 0
        while True:
            time.sleep(0.01)
            while begin + sent / count <= time.monotonic():
                number, seq = sent % count, sent // count + 1
                remote = remotes[number]
                remote.report.vitals(
                    sample(number, seq).decode(), partial(maybe_vitals, host=remote.key)
                )
                sent += 1

    assembly.maybe_fleet = lambda _, hub, labels, *__: Fleet(
        hub,
        remotes,  # type: ignore[arg-type]
        own_labels=labels,
        max_hosts=count,
        max_watched=32,
        forget_seconds=86_400,
    )
    sys.setswitchinterval(cli.SWITCH_SECONDS)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    with small_stacks(), App(Settings(port=0, watch="http://localhost", no_collect=True)) as front:
        threading.Thread(target=feed, daemon=True).start()
        print(front.url, flush=True)
        front.wait()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
