"""Alerts in scripts/soak-fleet: each that is switched on must appear on the front ends, as one alert, and end.

Each program has a rule that is always true, in its own rules file: an agent for itself, a front end for each of its
hosts. It is added and removed, each time with another name. What is found wrong:

    missed      it did not appear on a front end within a minute
    stuck       it did not end there within a minute after the rule was removed
    twice       it had two times at which it fired, or appeared again after its end
    false       a host was reported as lost, as a duplicate or with a wrong clock

If a program is killed within a second after an alert has fired, the alert may not be on the disk yet. It may then fire
again.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from soak_disturbed import Program

LIMIT_SECONDS = 60.0
RELOAD_SECONDS = 2.0
HOLD_SECONDS = (0.5, 10.0)
SAVED_SECONDS = 1.0
NO_RULES = "defaults = false\n"
NEVER = ("host_lost", "host_duplicate", "clock_skew")
# The times of a front end's default rules are longer than any disturbance. They stay, with those of the agents removed.
NO_RULES_OF_FRONTS = ""


class Alerts:
    """What is expected, and what the front ends show. Any thread may call any method."""

    def __init__(self, folder: Path, agents: Sequence[Program], fronts: Sequence[Program]) -> None:
        self.wrong: list[str] = []
        self.count = 0  # that appeared and ended
        self._lock = threading.Lock()
        self._firing: dict[tuple[str, str], set[str]] = {}  # by front end and host
        self._since: dict[tuple[str, str], set[float]] = {}  # by host and rule
        self._ended: set[tuple[str, str, str]] = set()
        self._programs = {one.name: one for one in (*agents, *fronts)}
        hosts, names = [one.name for one in agents], [one.name for one in fronts]
        self.switches = [
            *(Switch(self, folder, one, names, [one.name], "") for one in agents),
            *(Switch(self, folder, one, [one.name], hosts, 'each = "hosts"\n') for one in fronts),
        ]

    def note(self, front: str, host: str, alerts: Sequence[dict[str, Any]] | None) -> None:
        """Note what a front end shows for a host. None: unknown, because the host has just been started."""
        if alerts is None:
            return
        with self._lock:
            before = self._firing.get((front, host), set())
            now = {alert["rule"] for alert in alerts}
            self._firing[front, host] = now
            self._ended |= {(front, host, rule) for rule in before - now}
            for alert in alerts:
                self._check_locked(front, host, alert["rule"], alert["since_unix"])

    def _check_locked(self, front: str, host: str, rule: str, since: float) -> None:
        where = f"{rule} of {host} on {front}"
        if rule in NEVER:
            self._report_locked(f"false: {where}")
            return
        known = self._since.setdefault((host, rule), set())
        known.add(since)
        may_repeat = self._may_repeat(rule, min(known))
        if len(known) > 1 and not may_repeat:
            self._report_locked(f"twice: {where}: {sorted(known)}")
        if (front, host, rule) in self._ended and not may_repeat:
            self._report_locked(f"twice: {where}, after its end")

    def _may_repeat(self, rule: str, since: float) -> bool:
        program = self._programs[rule.rpartition("_")[0].replace("_", "-")]
        return any(0 <= at - since <= SAVED_SECONDS for at in program.killed_at)

    def _report_locked(self, wrong: str) -> None:
        if wrong not in self.wrong:
            self.wrong.append(wrong)

    def report(self, wrong: str) -> None:
        """Note what is wrong, once."""
        with self._lock:
            self._report_locked(wrong)

    def shown(self, rule: str, fronts: Sequence[str], hosts: Sequence[str]) -> list[bool]:
        """Return for each front end and host whether it shows the alert."""
        with self._lock:
            return [
                rule in self._firing.get((front, host), ()) for front in fronts for host in hosts
            ]


class Switch(threading.Thread):
    """Switches the alert of one program on and off, on its own thread."""

    def __init__(
        self,
        alerts: Alerts,
        folder: Path,
        program: Program,
        fronts: Sequence[str],
        hosts: Sequence[str],
        each: str,
    ) -> None:
        super().__init__(name=f"switch-{program.name}", daemon=True)
        self._alerts, self._program = alerts, program
        self._fronts, self._hosts, self._each = fronts, hosts, each
        self._path = folder / f"{program.name}.toml"
        self._chance = random.Random(program.name)  # noqa: S311
        self._stopping = threading.Event()

    def run(self) -> None:
        """Switch until ``stop``."""
        number = 0
        while not self._stopping.is_set():
            number += 1
            rule = f"{self._program.name.replace('-', '_')}_{number}"
            # Both are unknown, not false, until a program that was restarted has values again.
            condition = "age_seconds >= 0" if self._each else "system.uptime_seconds > 0"
            self._write(
                f'{self._base}[[rule]]\nname = "{rule}"\n{self._each}critical = "{condition}"\n'
                'for = "0s"\nresolve_after = "0s"\n'
            )
            self._wait(lambda rule=rule: all(self._shown(rule)), f"missed: {rule}")  # type: ignore[misc]
            self._stopping.wait(self._chance.uniform(*HOLD_SECONDS))
            self._write(self._base)
            if self._wait(lambda rule=rule: not any(self._shown(rule)), f"stuck: {rule}"):  # type: ignore[misc]
                self._alerts.count += 1

    @property
    def _base(self) -> str:
        return NO_RULES_OF_FRONTS if self._each else NO_RULES

    def _shown(self, rule: str) -> list[bool]:
        return self._alerts.shown(rule, self._fronts, self._hosts)

    def _write(self, rules: str) -> None:
        """Replace the file in one step: a program may be starting."""
        draft = self._path.with_suffix(".new")
        draft.write_text(rules)
        draft.rename(self._path)

    def _wait(self, condition: Callable[[], bool], wrong: str) -> bool:
        """Wait for a condition, and have the rules read again until then. Return whether it became true."""
        until, reload_at = time.monotonic() + LIMIT_SECONDS, 0.0
        while not condition():
            now = time.monotonic()
            if now > until:
                self._alerts.report(wrong)
                return False
            if now > reload_at:
                reload_at = now + RELOAD_SECONDS
                self._program.reload()
            if self._stopping.wait(0.1):
                return False
        return True

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
