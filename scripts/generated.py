"""The files that are generated from the declarations of the sources (telemetry_stream/metrics/sources/).

docs/metrics.md describes every field. The two modules in web/src/protocol/ decode the sections and explain them; their
TypeScript is formatted as oxfmt formats it. scripts/update-golden writes all three, and a test compares them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from telemetry_stream.metrics.definitions import GROUPS, SECTION_GROUPS, Definition, Group
from telemetry_stream.metrics.section import Section

ROOT = Path(__file__).resolve().parent.parent

DOCUMENT_HEAD = """\
# Metrics

Every field of a sample: its name on the wire and in Python, its meaning, and its name on the Prometheus page. This file
is generated from the declarations in `telemetry_stream/metrics/sources/`; `scripts/update-golden` writes it.

- **null is not zero.** null means "unknown": the first sample, a new device, a reset, a missing file, no permission.
  0 was measured. Fields marked ° are never null.
- No count, rate or percentage is negative. A percentage is at most 100, except where 100 is one core or a limit.
- A rate is the difference of two reads of the same file, divided by the measured time between them (monotonic clock). A
  total is the sum of valid rates, never the difference of two sums.
- A name ends in its unit: `_bytes`, `_percent` (0 to 100), `_seconds`, `_ms`, `_us`, `_celsius`, `_cores`,
  `_watts`, `_volts`, `_mhz`, `_per_second`. The column "unit" has the unit of the other numbers.
- The Prometheus page has base units: ratios instead of percent, seconds instead of milliseconds, bytes per second
  instead of Mbit/s. A name that ends in `_total` is a counter. Everything else is a gauge, rates too. null has no
  series. The page also has the kernel's counters under the names of node_exporter: see `protocol.md`.
- `sources` has the state of each section: `ok`, `absent` (this host does not have it), `failed` (with the reason),
  `stale` (with the age) or `psutil` (with the reason why the file was not used).
- An on-demand section is collected only while a viewer names it.

## When a value is null

A number of the kernel is published only if it can be true. Each rule is in one module, and all sources use it.

- **A count has no sign.** What is negative, 2^63 or more (2^64 - n), or not a number is null. So are more than 2^22
  tasks, and more than 2^31 sockets or requests. Many sums are made without a lock and may be below 0 for a moment, and
  the kernel prints some of them as unsigned.
- **A part is at most the whole.** A part of the memory, the swap space or a filesystem that exceeds it is null, and so
  is what is computed from it: "0 used" would be the opposite of the truth. Containers subtract use from a limit. What
  is available of a filesystem is a part of what is free.
- **A counter that falls was reset.** Its rate is null once. All rates of a disk or an interface are null if one of its
  counts fell, because all of them began anew. A time of a disk (wait, queue, busy) is null alone: the kernel counts it
  without a lock.
- **A counter of 32 bits wraps only near 2^32.** It must have been in its last quarter, and what it counted since then
  must be possible at 10 Gbit/s, and at the speed of the link. Otherwise the rate is null: a counter that fell by one
  did not wrap.
- **No counter rises faster than hardware allows.** The limits are 200 GB/s for a device, 3e9 packets per second for an
  interface and 1e8 requests for a disk, and 1e7 context switches or interrupts and 1e6 forks per second for a core.
  Above them the rate is null, and so are the bytes of an interface above 10 times the speed of its link.
- **A disk has at most 65536 requests under way,** and no request takes longer than the uptime. Otherwise the queue or
  the wait is null.
- **A process uses at most all cores,** with the margin of a core below, and at most all memory. Otherwise its CPU or
  its memory is null.
- **A state of a core gains at most the time that passed,** × 1.25 + 0.25 s, and falls by at most 3 s. If only steal,
  iowait or the time of virtual machines breaks this, its own share is null; otherwise all shares of the core are.
  Without iowait, which may be most of the time, the other shares divide by the clock. Hypervisors let steal leap by
  days. A fall of a few ticks is rounding and counts as 0.
- **What the kernel does not have was not measured.** Shares of missing columns of /proc/stat are null.
- **A missing or unreadable file loses its own fields.** A section fails only without all of its files.
- **psutil's zeros may be made up.** It puts 0 in the place of what it cannot read. Swap rates are null while both
  counters are 0, and parts of the memory that are 0 are null.
- **A speed is that of a link.** `speed_mbps` is null for 0, -1, 65535, 2^31 - 1, 2^32 - 1, and for interfaces without a
  device at their lowest end: tun, veth and dummy report a constant.
- **Boot and start times agree with the clocks,** within 5 s. Otherwise `boot_time_unix` and `started_at` are null:
  lxcfs shows the boot of the container in one file and that of the host in another.
- **A sensor of a device that sleeps is not read.** Its temperature is null.

Whose bytes the totals count is in the section [network](#network), and which mount has a row in
[filesystems](#filesystems). `view` is decided by the pid namespace, not by the type of the root filesystem.

Reading must not disturb the host. A PCI device in D3 and a device that runtime power management suspended are not read.
Adapters of I2C, SPI and 1-Wire sleep between two transfers; the sensors on them are read. The temperature of a disk
(drivetemp) is read only if the disk did something since the last reading, because reading restarts the timer of its
standby. A filesystem that was mounted on demand is called every 5 minutes, or at three times its timeout, so that it
can expire.
"""

DECODERS_HEAD = """\
/**
 * The decoders of all sections, in the order of the wire. Null means "unknown"; zero was measured.
 *
 * Generated by scripts/update-golden from telemetry_stream/metrics/sources/. Do not edit.
 */
import { dict, flag, list, maybe, number, record, text, type Infer } from "./shape";

const maybeNumber = maybe(number);
"""

DECODERS_TAIL = """
export type Sections = { [K in keyof typeof SECTIONS]?: Infer<(typeof SECTIONS)[K]> };
export type SectionName = keyof typeof SECTIONS;
"""

EXPLANATIONS_HEAD = """\
/**
 * What each section and each field means, what is normal, and which files of the kernel it comes from.
 *
 * Generated by scripts/update-golden from telemetry_stream/metrics/sources/. Do not edit.
 */
export interface Explanation {
  readonly name: string;
  readonly text: string;
  readonly from: string;
}

export const EXPLANATIONS = {
"""


def document() -> str:
    """Return docs/metrics.md."""
    return DOCUMENT_HEAD + "".join(map(_chapter, GROUPS))


def _chapter(group: Group) -> str:
    """Return the heading, the paragraph and the table of one group."""
    part = group.part
    sentences = [part.text, f"From {group.files}."]
    if isinstance(part, Section) and part.is_on_demand:
        sentences.append("On demand.")
    sentences.append(part.nulls)
    if group.name_label:
        sentences = [f"Each field of `{group.path.removesuffix('.*')}`."]
    return "".join(
        [
            f"\n## {group.path}\n\n{' '.join(sentences).strip()}\n\n",
            "| field | unit | meaning | Prometheus |\n|---|---|---|---|\n",
            *(_table_row(group, field) for field in group.fields),
        ]
    )


def _table_row(group: Group, field: Definition) -> str:
    mark = "" if field.is_nullable else "°"
    unit = field.unit if field.type == "number" else field.type
    text = f"{field.text} See `{field.group.path}`." if field.group else field.text
    prometheus = f"label `{field.label}`" if field.label else ""
    if field.series:
        prometheus = f"`{field.series.name}{_labels(group, field)}`"
    return f"| `{field.name}`{mark} | {unit} | {text} | {prometheus} |\n"


def _labels(group: Group, field: Definition) -> str:
    if group.enumerates:
        return f'{{{group.enumerates}="{field.name}"}}'
    labels = [group.name_label] if group.name_label else [*group.labels]
    if field.series and field.series.label:
        labels.append('{}="{}"'.format(*field.series.label))
    return "{" + ",".join(labels) + "}" if labels else ""


def decoders() -> str:
    """Return web/src/protocol/sections.ts."""
    records = {text: None for group in SECTION_GROUPS for text in _records(group)}
    sections = "".join(f"  {_section(group)}: {_shape_of(group)},\n" for group in SECTION_GROUPS)
    return "".join(
        [
            DECODERS_HEAD,
            *records,
            "\n/** Every section of which this page has a type. */\n",
            f"export const SECTIONS = {{\n{sections}}};\n",
            DECODERS_TAIL,
        ]
    )


def _records(group: Group) -> Iterator[str]:
    """Yield the declaration and the type of each record of a group, inner ones first."""
    for field in group.fields:
        if field.group and field.is_on_page:
            yield from _records(field.group)
    if not group.enumerates:
        fields = "".join(
            f"  {field.name}: {_shape(field)},\n" for field in group.fields if field.is_on_page
        )
        name = _record_name(group)
        yield f"\nconst {name} = record({{\n{fields}}});\n"
        yield f"export type {group.record.__name__} = Infer<typeof {name}>;\n"


def _record_name(group: Group) -> str:
    name = group.record.__name__
    return f"{name[0].lower()}{name[1:]}Record"


def _section(group: Group) -> str:
    return group.path.removesuffix("[]")


def _shape_of(group: Group) -> str:
    if group.enumerates:
        return "dict(maybeNumber)"
    return f"list({_record_name(group)})" if group.is_list else _record_name(group)


def _shape(field: Definition) -> str:
    """Return the decoder of a field. Only an identity is required: an older server may not send the other fields."""
    if field.group:
        return f"maybe({_shape_of(field.group)})"
    shape = {"number": "number", "text": "text", "true or false": "flag"}[field.type]
    if field.is_identity and not field.is_nullable:
        return shape
    return "maybeNumber" if shape == "number" else f"maybe({shape})"


def explanations() -> str:
    """Return web/src/protocol/explanations.ts."""
    entries: list[str] = []
    for group in GROUPS:
        if isinstance(group.part, Section) and not group.name_label:
            part = group.part
            entries.append(_entry(_section(group), part.title, part.text, group.files))
        entries += [
            _entry(
                f"{group.path}.{field.name}",
                field.title,
                field.text,
                field.group.files if field.group else group.files,
            )
            for field in group.fields
            if field.is_on_page
        ]
    return f"{EXPLANATIONS_HEAD}{''.join(entries)}}} satisfies Readonly<Record<string, Explanation>>;\n"


def _entry(path: str, name: str, text: str, files: str) -> str:
    key = path if re.fullmatch(r"\w+", path) else json.dumps(path)
    members = {"name": name, "text": text, "from": files}
    lines = "".join(
        f"    {member}: {json.dumps(value, ensure_ascii=False)},\n"
        for member, value in members.items()
    )
    return f"  {key}: {{\n{lines}  }},\n"


FILES = {
    ROOT / "docs/metrics.md": document,
    ROOT / "web/src/protocol/sections.ts": decoders,
    ROOT / "web/src/protocol/explanations.ts": explanations,
}
