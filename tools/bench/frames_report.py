# SPDX-License-Identifier: MIT
"""From the figures of ./dev bench frames to ratios, itemised costs, aims and charts.

Times are those of an emulated CPU, so only their ratios mean anything; counts are exact.
"""

import dataclasses

import frames_plan
from bench import memory_report, plot

LOOP, OURS, THEIRS, DIRECT = frames_plan.LOOP, frames_plan.OURS, frames_plan.THEIRS, frames_plan.DIRECT
OURS_MANUAL, THEIRS_MANUAL = frames_plan.OURS_MANUAL, frames_plan.THEIRS_MANUAL
CALM = [consumer.name for consumer in frames_plan.CONSUMERS if not consumer.touches]
RARE = 0.05   # per frame: less often is not worth a line
as_json = memory_report.as_json


class Figures:
    """Looks a cell up, and turns its counts into what one frame takes."""

    def __init__(self, result):
        self._cells = {(c["boot"], c["consumer"], c["size"]): c for c in result["cells"]}
        self.sizes = list(result["sizes"])
        seen = {key[1] for key in self._cells}
        self.consumers = [c.name for c in frames_plan.CONSUMERS if c.name in seen]

    def cell(self, boot, consumer, size):
        """The figures of a cell, or None if it has none."""
        cell = self._cells.get((boot, consumer, size))
        return None if cell is None or "not_run" in cell else cell

    def value(self, question, consumer, size):
        cell = self.cell(question.boot, consumer, size)
        value = None if cell is None else question.formula(cell)
        if value is None or question.one is None:
            return value
        base_consumer, base_size = question.one(consumer, size, self.sizes)
        base = self.cell(question.boot, base_consumer, base_size)
        return None if base is None or not question.base(base) else value / question.base(base)


def cpu(cell):
    return cell["cpu_ns"] / cell["frames"]


def written(cell):
    size = next(size for size in frames_plan.SIZES if size.name == cell["size"])
    return None if cell["written_bytes"] is None else cell["written_bytes"] / size.frame_bytes


def calls(cell):
    return sum(cell["syscalls"].values()) / cell["traced_frames"]


def loop_of_size(_consumer, size, _sizes):
    return LOOP, size


def itself_at_first(consumer, _size, sizes):
    return consumer, sizes[0]


@dataclasses.dataclass(frozen=True)
class Question:
    """A table with one row for each consumer and one column for each size. The parameter one names the cell that counts as 1."""

    name: str
    title: str
    unit: str
    formula: object
    one: object = None
    base_formula: object = None   # of that cell, where it is not formula
    boot: str = "cost"
    logarithmic: bool = False

    @property
    def base(self):
        return self.base_formula or self.formula


def latency(name):
    return Question(f"frames-latency-{name}", f"Latency, {name}: from the frame's last interrupt to the consumer",
                    f"1 = p50 of the {LOOP}; a rough figure that is not repeatable", lambda cell: cell[f"{name}_ns"],
                    loop_of_size, lambda cell: cell["p50_ns"], "latency", logarithmic=True)


QUESTIONS = (
    Question("frames-cpu", "CPU time of all threads", f"per frame, 1 = {LOOP}", cpu, loop_of_size, logarithmic=True),
    Question("frames-growth", "How CPU time grows with the frame", "per frame, 1 = the same consumer at the first size",
             cpu, itself_at_first, logarithmic=True),
    Question("frames-switches", "Voluntary context switches", "per frame",
             lambda cell: cell["voluntary"] / cell["frames"]),
    Question("frames-preempted", "Involuntary context switches", "per frame",
             lambda cell: cell["involuntary"] / cell["frames"]),
    Question("frames-calls", "System calls", "per frame", calls),
    Question("frames-copied", "Bytes written by the CPU, such as copied or converted pixels",
             "NV12 frames per frame; only runs of 16 or more written pages count", written),
    Question("frames-faults", "Page faults", "per frame", lambda cell: cell["faults"] / cell["frames"]),
    latency("p50"), latency("p99"), latency("max"),
)


@dataclasses.dataclass(frozen=True)
class Aim:
    """What the camera stack wants to reach: the quotient of two consumers, or sizes, at most limit."""

    text: str
    limit: float
    pairs: object   # of sizes: [(name, (consumer, size), (consumer, size))]


def against(ours, limit, other):
    return Aim(f"{ours} takes at most {limit} of the CPU time of {other}", limit,
               lambda sizes: [(size, (ours, size), (other, size)) for size in sizes])


AIMS = (
    against(OURS, 0.8, THEIRS), against(OURS_MANUAL, 0.8, THEIRS_MANUAL),
    against(OURS, 2, LOOP), against(OURS_MANUAL, 2, LOOP),
    Aim("a consumer that touches no pixel takes at 8K at most 1.1 times its CPU time at VGA", 1.1,
        lambda sizes: [(name, (name, "8K"), (name, "VGA")) for name in CALM if {"8K", "VGA"} <= set(sizes)]),
)


def judge(figures):
    """[(aim, [(name, quotient or None)])]; None where a figure is missing."""
    judged = []
    for aim in AIMS:
        found = []
        for name, upper, lower in aim.pairs(figures.sizes):
            cells = [figures.cell("cost", *place) for place in (upper, lower)]
            found.append((name, None if None in cells else cpu(cells[0]) / cpu(cells[1])))
        judged.append((aim, found))
    return judged


def aims(figures):
    lines = ["Aims"]
    for aim, found in judge(figures):
        if not found:
            lines.append(f"  not measured  {aim.text}")
            continue
        missed = [name for name, quotient in found if quotient is None or quotient > aim.limit]
        lines.append(f"  {'not met' if missed else 'met'}  {aim.text}: "
                     + ", ".join(f"{name} {memory_report.show(quotient)}" for name, quotient in found))
        if missed:
            lines.append(f"           missed by: {', '.join(missed)}")
    return "\n".join(lines) + "\n"


def distance(figures):
    """How far ours is from the element that has no thread between driver and pipeline: told, not judged."""
    size = figures.sizes[0]
    ours, direct = figures.cell("cost", OURS_MANUAL, size), figures.cell("cost", DIRECT, size)
    if not ours or not direct:
        return f"{OURS_MANUAL}, against {DIRECT}: not measured\n"
    more = {"system calls": calls(ours) - calls(direct),
            "voluntary switches": ours["voluntary"] / ours["frames"] - direct["voluntary"] / direct["frames"],
            "involuntary": ours["involuntary"] / ours["frames"] - direct["involuntary"] / direct["frames"]}
    return (f"{OURS_MANUAL}, against {DIRECT} at {size}: {memory_report.show(cpu(ours) / cpu(direct))} times the CPU time, "
            + ", ".join(f"{value:+.1f} {name}" for name, value in more.items()) + " per frame; see the tables above\n")


def answers(figures, question):
    """{consumer: [value or None for each size]}"""
    return {consumer: [figures.value(question, consumer, size) for size in figures.sizes]
            for consumer in figures.consumers}


def silence(figures, question):
    """Why there is no table and no chart; empty if there are."""
    values = [value for row in answers(figures, question).values() for value in row if value is not None]
    if not values:
        return "not measured"
    if question.one == itself_at_first and len(figures.sizes) == 1:
        return "one size says nothing of it"
    return "" if any(values) else "none in any cell"


def itemised(figures):
    """The costs of the smallest size in detail: calls by name, switches and CPU time by thread."""
    size = figures.sizes[0]
    cells = {name: figures.cell("cost", name, size) for name in figures.consumers}
    cells = {name: cell for name, cell in cells.items() if cell}
    rows = [["", "per frame"]]
    for name, cell in cells.items():
        rows.append([name])
        rows += [[f"  {call}", f"{count / cell['traced_frames']:.2f}"] for call, count in cell["syscalls"].items()
                 if count / cell["traced_frames"] >= RARE]
    parts = [memory_report.block(("", "", f"System calls at {size}, by name", "rarer calls are left out"),
                                rows)]
    rows = [["", "CPU time, % of all", "voluntary switches", "involuntary"]]
    for name, cell in cells.items():
        rows.append([name])
        frames, total = cell["frames"], sum(thread[1] for thread in cell["threads"]) or 1
        rows += [[f"  {thread}", f"{100 * ns / total:.0f}", f"{voluntary / frames:.2f}", f"{involuntary / frames:.2f}"]
                 for thread, ns, voluntary, involuntary in cell["threads"] if ns]
    parts.append(memory_report.block(("", "", f"Threads at {size}", "per frame"), rows))
    return "\n".join(parts)


def table(result):
    figures = Figures(result)
    blocks = []
    for question in QUESTIONS:
        if reason := silence(figures, question):
            blocks.append(f"{question.title}: {reason}\n")
            continue
        rows = [["", *figures.sizes]]
        rows += [[f"  {name}", *map(memory_report.show, values)] for name, values in answers(figures, question).items()]
        blocks.append(memory_report.block(("", "", question.title, question.unit), rows))
    return "\n".join([*blocks, itemised(figures), aims(figures), distance(figures), *footnotes(result)]) + "\n"


def footnotes(result):
    yield "The figures of CPU time do not include the work of an interrupt before the interrupt wakes the consumer."
    if result["where"] == frames_plan.EMULATED:
        yield "An emulated CPU has no caches. So no figure includes the costs or savings of caches."
    if any(cell.get("written_bytes", 0) is None for cell in result["cells"]):
        yield ("n/a bytes written: there was not enough time between two frames to inspect the memory, or the kernel "
               "does not report which pages were written (CONFIG_MEM_SOFT_DIRTY).")
    reasons = {}
    for cell in result["cells"]:
        if "not_run" in cell:
            reasons.setdefault(cell["not_run"], []).append(f"{cell['consumer']}, {cell['size']}")
    for reason, names in reasons.items():
        yield f"n/a, {len(names)} cells not run: {reason} ({'; '.join(dict.fromkeys(names))})"


def charts(result):
    """{name: svg}"""
    figures = Figures(result)
    made = {}
    for question in QUESTIONS:
        if silence(figures, question):
            continue
        series = [(name, [None if value is None else (value, memory_report.show(value)) for value in values])
                  for name, values in answers(figures, question).items()]
        made[question.name] = plot.bars(question.title, question.unit, figures.sizes, series, question.logarithmic)
    return made
