# SPDX-License-Identifier: MIT
"""./dev bench frames: compares the ways to read the same frames from one driver."""

import json
import os

import frames_plan
import rootfs
import vm
from bench import frames_report, machine
from ui import Fail, say

CMA, MEMORY = "512M", "4G"
LIMIT = 2 * 3600
# Before the machine's own wrappers: the handler is for those only who need it.
PATH = "/build/libcam-pipeline:/usr/sbin:/usr/bin:/sbin:/bin"
# No frame is lost, however slow its reader: all see the same ones.
BOARD = ("--sensor", "7680x4320", "--starved", "hold")
WHAT = {"cost": "Counting CPU time, switches and system calls, with a clock that counts instructions",
        "latency": "Measuring latency, with the real-time clock"}


def main(args, ready):
    """Compares the cost of a frame for cmacamsrc, libcamerasrc, v4l2src, cam, V4L2, OpenCV and MappedFrame."""
    if args.from_file:
        return publish(machine.read_report("frames", args.from_file) or of_a_board(args.from_file), None)
    box = ready()
    sizes = frames_plan.QUICK if args.quick else tuple(size.name for size in frames_plan.SIZES)
    cells = [cell for boot in frames_plan.BOOTS for cell in boot_of(box, boot, sizes)]
    return publish({"bench": "frames", "kernel": rootfs.versions(box.root)["kernel"], "where": frames_plan.EMULATED,
                    "sizes": sizes, "cells": cells}, box)


def boot_of(box, boot, sizes):
    """Run one machine and return its figures for each cell. A cell that was not measured has the reason."""
    options = vm.Options(board=BOARD, cma=CMA, memory=MEMORY, repeatable=boot == "cost", limit=LIMIT)
    command = (f"PATH={PATH} exec python3 -B /src/bench/frames.py {boot} {' '.join(sizes)} "
               "--programs /build/bench --results /run/cmacam/results")
    found, died = machine.run(box, f"frames-{boot}", WHAT[boot], options, command)
    by_key = {(cell["consumer"], cell["size"]): cell for cell in found}
    return [by_key.get(cell.key) or {"boot": boot, "consumer": cell.consumer.name, "size": cell.size.name,
                                     "not_run": died} for cell in frames_plan.cells(sizes)]


def of_a_board(path):
    """The results of bench/frames.py on a real board."""
    try:
        with open(path) as f:
            cells = [json.loads(line) for line in f]
    except (OSError, ValueError) as error:
        raise Fail(f"{path}: {error}") from None
    there = {cell["size"] for cell in cells}
    return {"bench": "frames", "kernel": "", "where": os.path.basename(path),
            "sizes": [size.name for size in frames_plan.SIZES if size.name in there], "cells": cells}


def publish(result, box):
    folder = machine.report("frames", result, frames_report, box)
    missing = sum("not_run" in cell for cell in result["cells"])
    say(f"frames.json, frames.txt and one chart for each question are in {folder}")
    if missing:
        say(f"{missing} of {len(result['cells'])} cells were not run; the table gives the reasons")
    return 1 if missing else 0
