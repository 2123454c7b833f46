# SPDX-License-Identifier: MIT
"""./dev bench: each benchmark compares, in one run, several ways to handle the same frames."""

import time

import foreign_modules
import memory_plan
import rootfs
import vm
from bench import frames, machine, memory_report
from ui import Fail, duration, say, step

CMA, MEMORY = "512M", "4G"
LIMIT = 1200
# Every frame comes as soon as there is a buffer, and none is lost: both boots see the same ones.
BOARD = ("--sensor", "7680x4320", "--fps", "max", "--starved", "hold")


def main(args, ready):
    if not args.bench:
        for name, bench in BENCHES.items():
            say(f"{name}: {bench.__doc__.splitlines()[0]}")
        return 0
    if args.bench not in BENCHES:
        raise Fail(f"{args.bench}: there is no such benchmark; the benchmarks are {', '.join(BENCHES)}")
    start = time.monotonic()
    status = BENCHES[args.bench](args, ready)
    say(f"all in {duration(time.monotonic() - start)}")
    return status


def memory(args, ready):
    """Compares the cost of buffers of 5 allocators, for frames that are passed on, read in part, or read completely."""
    if args.from_file:
        result = machine.read_report("memory", args.from_file)
        if not result:
            raise Fail(f"{args.from_file}: this file is not a memory.json of ./dev bench memory")
        return publish(result, None)
    box = ready()
    sizes = memory_plan.QUICK if args.quick else tuple(size.name for size in memory_plan.SIZES)
    with step("Building the kernel's CMA heap"):
        foreign_modules.ensure(box, "cma_heap")
    traffic = boot(box, "traffic", sizes, "Counting cache maintenance, with the noncoherent shim",
                   vm.Options(board=(*BOARD, "--mark", "lines"), cma=CMA, memory=MEMORY, noncoherent=True, limit=LIMIT))
    timed = boot(box, "time", sizes, "Counting CPU time and page faults, with a clock that counts instructions",
                 vm.Options(board=BOARD, cma=CMA, memory=MEMORY, repeatable=True, limit=LIMIT))
    return publish({"bench": "memory", "kernel": rootfs.versions(box.root)["kernel"], "cma": CMA, "sizes": sizes,
                    "cells": traffic + timed}, box)


def publish(result, box):
    folder = machine.report("memory", result, memory_report, box)
    say(f"memory.json, memory.txt and one chart for each question (SVG, PNG) are in {folder}")
    missing = sum("not_run" in cell for cell in result["cells"])
    if missing:
        say(f"{missing} of {len(result['cells'])} cells were not run; the table gives the reasons")
    return 1 if missing else 0


BENCHES = {"memory": memory, "frames": frames.main}


def boot(box, name, sizes, what, options):
    """Run one machine and return its counts for each cell. A cell that was not measured has the reason."""
    command = f"exec python3 -B /src/bench/memory_guest.py {name} {' '.join(sizes)}"
    found, died = machine.run(box, name, what, options, command)
    by_key = {(cell["allocator"], cell["size"], cell["reader"]): cell for cell in found}
    return [by_key.get(cell.key) or {"boot": name, "allocator": cell.allocator.name, "size": cell.size.name,
                                     "reader": cell.reader, "not_run": died}
            for cell in memory_plan.cells(name, sizes)]
