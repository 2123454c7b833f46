# SPDX-License-Identifier: MIT
"""Counts cache maintenance in the kernel's trace events of the group dma, whichever code caused it.

The events of synchronisation and of mapping contain the number of bytes. The event dma_unmap_sg contains
only addresses, so the number of bytes is taken from the event of the mapping at the same address. Mapping
and unmapping with SKIP_CPU_SYNC maintain nothing.
"""

import re

LINE = re.compile(r": (dma_\w+): (\S+) (.*)$")
MARK = re.compile(r": tracing_mark_write: memory_reader (\w+)")
FOR_CPU, FOR_DEVICE = "for_cpu", "for_device"
EDGES = {"dma_sync_single_for_cpu": FOR_CPU, "dma_sync_sg_for_cpu": FOR_CPU,
         "dma_sync_single_for_device": FOR_DEVICE, "dma_sync_sg_for_device": FOR_DEVICE,
         "dma_map_phys": FOR_DEVICE, "dma_map_sg": FOR_DEVICE, "dma_unmap_phys": FOR_CPU, "dma_unmap_sg": FOR_CPU}


class Broken(Exception):
    """The trace is incomplete, so its events cannot be counted."""


def words(text):
    return dict(word.split("=", 1) for word in re.findall(r"\w+=(?:\{[^}]*\}|\S*)", text))


def numbers(text):
    """Returns the numbers in a list such as "{0x1000,0x2000}"."""
    return [int(number, 16) for number in text.strip("{}").split(",") if number]


def size_of(event, entry, mapped):
    """Returns the number of bytes that an event maintains. mapped: {address: bytes} of earlier mappings."""
    if "size" in entry:
        return int(entry["size"])
    if event != "dma_unmap_sg":
        return sum(numbers(entry["sizes"]))
    try:
        return sum(mapped[address] for address in numbers(entry["phys_addrs"]))
    except KeyError as address:
        raise Broken(f"{event} of address {address.args[0]:#x}, but the trace has no mapping of this address") from None


def totals(lines, device):
    """Returns the number of bytes and of calls between the reader's two marks, for one device."""
    counted = {f"{edge}_{what}": 0 for edge in (FOR_CPU, FOR_DEVICE) for what in ("bytes", "calls")}
    mapped, marks = {}, []
    for line in lines:
        if "LOST" in line and "EVENTS" in line:
            raise Broken("the kernel's trace buffer overran")
        mark = MARK.search(line)
        if mark:
            marks.append(mark[1])
            continue
        event = LINE.search(line)
        if not event or event[1] not in EDGES or event[2] != device:
            continue
        entry = words(event[3])
        if event[1] == "dma_map_sg":
            mapped.update(zip(numbers(entry["phys_addrs"]), numbers(entry["sizes"])))
        if marks != ["begin"] or "SKIP_CPU_SYNC" in entry.get("attrs", ""):
            continue
        counted[f"{EDGES[event[1]]}_bytes"] += size_of(event[1], entry, mapped)
        counted[f"{EDGES[event[1]]}_calls"] += 1
    if marks != ["begin", "end"]:
        raise Broken(f"the reader's marks are {marks}")
    return counted
