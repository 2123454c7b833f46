# SPDX-License-Identifier: MIT
"""./dev bench: measurements that compare, in one run, what can be had for the same frames."""

import glob
import json
import os
import shutil
import sys
import time

import bench_report
import cma_heap
import paths
import plot
import rootfs
import vm
from ui import Fail, duration, say, step

sys.path.insert(0, os.path.join(paths.CHECKOUT, "bench"))
import memory_plan  # noqa: E402  (found through the line above)

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
        raise Fail(f"{args.bench}: no such bench; there is {', '.join(BENCHES)}")
    return BENCHES[args.bench](args, ready())


def memory(args, box):
    """What buffers cost that are only passed on, looked at in part, or read: 5 allocators side by side."""
    start = time.monotonic()
    sizes = memory_plan.QUICK if args.quick else tuple(size.name for size in memory_plan.SIZES)
    with step("Building the kernel's CMA heap"):
        cma_heap.ensure(box)
    traffic = boot(box, "traffic", sizes, "Counting cache maintenance, under the shim",
                   vm.Options(board=(*BOARD, "--mark", "lines"), cma=CMA, memory=MEMORY, noncoherent=True, limit=LIMIT))
    timed = boot(box, "time", sizes, "Counting CPU time and page faults, by a clock that counts instructions",
                 vm.Options(board=BOARD, cma=CMA, memory=MEMORY, repeatable=True, limit=LIMIT))
    result = {"bench": "memory", "kernel": rootfs.versions(box.root)["kernel"], "cma": CMA, "sizes": sizes,
              "cells": traffic + timed}
    folder = os.path.join(paths.OUT, "bench")
    os.makedirs(folder, exist_ok=True)
    for old in glob.glob(os.path.join(folder, "memory*")):
        os.unlink(old)
    report(result, folder)
    plot.write_png(box, folder, bench_report.charts(result))
    say(f"{paths_of(folder)}; all in {duration(time.monotonic() - start)}")
    missing = sum("not_run" in cell for cell in result["cells"])
    if missing:
        say(f"{missing} of {len(result['cells'])} cells were not run; the table says why")
    return 1 if missing else 0


BENCHES = {"memory": memory}


def report(result, folder):
    """Table on the terminal; table, figures and charts into a folder."""
    with open(os.path.join(folder, "memory.json"), "w") as f:
        f.write(bench_report.as_json(result))
    table = bench_report.table(result)
    with open(os.path.join(folder, "memory.txt"), "w") as f:
        f.write(table)
    say("\n" + table)
    plot.write(folder, bench_report.charts(result))


def paths_of(folder):
    return f"memory.json, memory.txt and a chart per question (SVG, PNG) are in {folder}"


def boot(box, name, sizes, what, options):
    """One machine; what it counted in each cell. One that it did not reach says so."""
    with step(what):
        with vm.Machine(box, options) as machine:
            try:
                status = machine.run(f"exec python3 -B /src/bench/memory_guest.py {name} {' '.join(sizes)}")
                died = f"the machine ended with status {status}"
            except Fail as error:
                status, died = 1, str(error)
            found = read_results(os.path.join(machine.state, "results"))
            if status != 0:
                console = os.path.join(paths.LOGS, f"bench-{name}-console.log")
                shutil.copy(os.path.join(machine.state, "console.log"), console)
                died += f"; its kernel's messages are in {console}"
                say(f"    {died}")
    return [found.get(cell.key) or {"boot": name, "allocator": cell.allocator.name, "size": cell.size.name,
                                    "reader": cell.reader, "not_run": died}
            for cell in memory_plan.cells(name, sizes)]


def read_results(path):
    """{(allocator, size, reader): figures}"""
    if not os.path.exists(path):
        return {}
    with open(path) as f:
        cells = [json.loads(line) for line in f if line.endswith("\n")]
    return {(cell["allocator"], cell["size"], cell["reader"]): cell for cell in cells}
