# SPDX-License-Identifier: MIT
"""From the figures of ./dev bench memory to ratios: a table and a chart per question.

Times are those of an emulated CPU, so only their ratios mean anything; each question names
what its ratios are of.
"""

import json

import memory_plan
from bench import plot

BASE = memory_plan.ALLOCATORS[0].name
READERS = memory_plan.READERS
READ = memory_plan.MAPPING_READER


class Figures:
    """Looks a cell up and turns its counts into what one frame takes."""

    def __init__(self, result):
        self._cells = {(c["boot"], c["allocator"], c["size"], c["reader"]): c for c in result["cells"]}
        self.sizes = list(result["sizes"])

    def cell(self, boot, allocator, size, reader):
        """The cell, or None if the plan does not have it."""
        return self._cells.get((boot, allocator, size, reader))

    def value(self, boot, allocator, size, reader, formula):
        """formula(cell), or None where there are no figures."""
        cell = self.cell(boot, allocator, size, reader)
        return None if cell is None or "not_run" in cell else formula(cell)

    def allocators(self, boot):
        seen = {key[1] for key in self._cells if key[0] == boot}
        return [a.name for a in memory_plan.ALLOCATORS if a.name in seen]

    def stale(self, allocator, size, reader):
        """The share of stale lines among the lines that were read."""
        return self.value("traffic", allocator, size, reader,
                          lambda c: c["stale_lines"] / c["lines"] if c["lines"] else 0) or 0


def maintenance(cell):
    return (cell["for_cpu_bytes"] + cell["for_device_bytes"]) / cell["frames"] / cell["frame_bytes"]


def calls(cell):
    return (cell["for_cpu_calls"] + cell["for_device_calls"]) / cell["frames"]


def cpu(cell):
    return cell["stream_cpu_ns"] / cell["frames"]


def mapping(cell):
    """The time to map the buffers, until every page could be read."""
    return cell["map_ns"] + cell["touch_ns"]


def mapping_faults(cell):
    return (cell["map_faults"] + cell["touch_faults"]) / cell["buffers"]


def allocation(cell):
    return cell["allocate_ns"]


# Of each reader: (name of the chart, boot, title, what the numbers are, formula, whether relative to BASE)
BY_READER = (
    ("memory-maintenance", "traffic", "Cache maintenance, by the part of the frame that is read",
     "bytes for_cpu + for_device per frame, 1 = one frame", maintenance, False),
    ("memory-calls", "traffic", "Number of synchronisation calls", "synchronisation calls per frame", calls, False),
    ("memory-cpu", "time", "CPU time of the reader",
     f"per frame, 1 = {BASE} reading each frame once; without the costs of caches", cpu, True),
    ("memory-stream-faults", "time", "Page faults while frames flow", "per frame",
     lambda cell: cell["stream_faults"] / cell["frames"], False),
)
# Of the buffers themselves: the same, by size
BY_SIZE = (
    ("memory-map", "time", "How the time to map grows with size",
     f"until every page was read, 1 = {BASE} at the smallest size", mapping, True),
    ("memory-faults", "time", "Page faults to map a buffer", "until every page was read", mapping_faults, False),
    ("memory-allocate", "time", "How the time to allocate grows with size",
     f"four buffers, 1 = {BASE} at the smallest size", allocation, True),
)


def by_reader(figures, question, size):
    """{allocator: [value or None for each reader]} of one size."""
    _, boot, _, _, formula, relative = question
    unit = (figures.value(boot, BASE, size, READ, formula) if relative else 1) or None
    return {allocator: [ratio(figures.value(boot, allocator, size, reader, formula), unit) for reader in READERS]
            for allocator in figures.allocators(boot)
            # Not those that are here for allocating and mapping only.
            if any(figures.cell(boot, allocator, size, reader) for reader in READERS if reader != READ)}


def by_size(figures, question):
    """{allocator: [value or None for each size]}"""
    _, boot, _, _, formula, relative = question
    unit = (figures.value(boot, BASE, figures.sizes[0], READ, formula) if relative else 1) or None
    return {allocator: [ratio(figures.value(boot, allocator, size, READ, formula), unit) for size in figures.sizes]
            for allocator in figures.allocators(boot)}


def ratio(value, unit):
    return None if value is None or unit is None else value / unit


def show(value):
    if value is None:
        return "n/a"
    return f"{value:.2f}" if value < 9.995 else f"{value:.0f}"


def table(result):
    """All results as text: one table for each question and size, with one row for each allocator."""
    figures = Figures(result)
    blocks = []
    for question in BY_READER:
        if silent(figures, question):
            blocks.append(f"{question[2]}: none in any cell\n")
            continue
        rows = [["", *(memory_plan.READER_TEXT[reader] for reader in READERS)]]
        for size in figures.sizes:
            rows.append([size])
            for allocator, values in by_reader(figures, question, size).items():
                rows.append([f"  {allocator}", *(show(value) + mark(figures, allocator, size, reader)
                                                 for value, reader in zip(values, READERS))])
        blocks.append(block(question, rows))
    for question in BY_SIZE:
        rows = [["", *figures.sizes]]
        rows += [[f"  {allocator}", *map(show, values)] for allocator, values in by_size(figures, question).items()]
        blocks.append(block(question, rows))
    return "\n".join([*blocks, *footnotes(figures, result)]) + "\n"


def silent(figures, question):
    """Whether all measured figures of a question are 0. The report then has no table and no chart of it."""
    values = [value for size in figures.sizes for row in by_reader(figures, question, size).values()
              for value in row if value is not None]
    return bool(values) and not any(values)


def mark(figures, allocator, size, reader):
    return " !" if figures.stale(allocator, size, reader) else ""


def block(question, rows):
    widths = [max((len(row[i]) for row in rows if i < len(row)), default=0) for i in range(max(map(len, rows)))]
    lines = ["  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                       for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
    return f"{question[2]} ({question[3]})\n" + "\n".join(lines) + "\n"


def footnotes(figures, result):
    stale = [(allocator, size, reader) for allocator in figures.allocators("traffic") for size in figures.sizes
             for reader in READERS if figures.stale(allocator, size, reader)]
    if stale:
        worst = max(figures.stale(*key) for key in stale)
        yield (f"! these readers saw stale pixels, up to {100 * worst:.0f} % of the cache lines that they read. "
               "Their costs are low only because synchronisation is missing.")
    yield "Buffers end at the end of a page, so the maintenance of a VGA frame counts as 1.01 frames."
    yield ("An emulated CPU has no caches. So these figures do not include the time of uncached reads and of cache "
           "maintenance.")
    reasons = {}
    for cell in result["cells"]:
        if "not_run" in cell:
            reasons.setdefault(cell["not_run"], []).append(cell)
    for reason, cells in reasons.items():
        names = dict.fromkeys(f"{cell['allocator']}, {cell['size']}" for cell in cells)
        yield f"n/a, {len(cells)} cells not run: {reason} ({'; '.join(names)})"


def charts(result):
    """{name: svg}"""
    figures = Figures(result)
    size = "1080p" if "1080p" in figures.sizes else figures.sizes[-1]
    made = {}
    for question in BY_READER:
        if silent(figures, question):
            continue
        series = [(allocator, [entry(value, mark(figures, allocator, size, reader))
                               for value, reader in zip(values, READERS)])
                  for allocator, values in by_reader(figures, question, size).items()]
        made[question[0]] = plot.bars(question[2], f"{question[3]}; {size}" + legend(figures, size),
                                      [memory_plan.READER_TEXT[reader] for reader in READERS], series)
    for question in BY_SIZE:
        series = [(allocator, [entry(value) for value in values])
                  for allocator, values in by_size(figures, question).items()]
        made[question[0]] = plot.bars(question[2], question[3], figures.sizes, series, logarithmic=True)
    return made


def entry(value, suffix=""):
    return None if value is None else (value, show(value) + suffix)


def legend(figures, size):
    stale = any(figures.stale(allocator, size, reader) for allocator in figures.allocators("traffic")
                for reader in READERS)
    return "; ! = the reader saw stale pixels" if stale else ""


def as_json(result):
    """The figures as JSON, with one line for each cell. So a diff of two runs shows the cells that changed."""
    head = {key: value for key, value in result.items() if key != "cells"}
    lines = ",\n".join("  " + json.dumps(cell) for cell in result["cells"])
    return json.dumps(head)[:-1] + ', "cells": [\n' + lines + "\n]}\n"
