# SPDX-License-Identifier: MIT
"""The part of ./dev bench memory that runs inside the machine: memory_guest.py traffic|time SIZE...

traffic: counts cache maintenance in the kernel's trace, under the shim. time: measures times and page faults.
The program prints one line per cell, and appends one JSON object per cell to /run/cmacam/results.
"""

import json
import os
import subprocess
import sys

import dma_trace
import memory_plan

sys.path.insert(0, "/src/tests/vm")
import lib  # noqa: E402  (the tests have the functions that find the board and its nodes)

READER = "/build/bench/memory_reader"
HEAP_MODULE = "/build/foreign/cma_heap/cma_heap.ko"
HEAP_PROBLEM = "/build/foreign/cma_heap.problem"
MODULES = "/build/drivers/media"
TRACING = "/sys/kernel/tracing"
CELL_LIMIT = 120


class NotRun(Exception):
    """A cell cannot be measured. The message is the reason."""


def run(*command):
    """Runs a program and ignores its output. Raises NotRun if the program fails."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=CELL_LIMIT)
    if done.returncode:
        raise NotRun(f"{' '.join(command)}: {done.stderr.strip()}")


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


class Trace:
    """Records the kernel's DMA events in its trace buffer."""

    def __init__(self):
        write(f"{TRACING}/tracing_on", "0")
        write(f"{TRACING}/buffer_size_kb", "16384")
        for event in dma_trace.EDGES:
            write(f"{TRACING}/events/dma/{event}/enable", "1")

    def start(self):
        write(f"{TRACING}/trace", "")
        write(f"{TRACING}/tracing_on", "1")

    def stop(self, device):
        write(f"{TRACING}/tracing_on", "0")
        with open(f"{TRACING}/trace", errors="replace") as f:
            return dma_trace.totals(f, device)


class Drivers:
    """Loads cmacam with the allocator of a cell. Reloads the driver only if the allocator changes."""

    def __init__(self):
        self._module = "vb2-cma"

    def use(self, allocator):
        if allocator.module != self._module:
            self._module = None
            if os.path.exists("/sys/module/cmacam"):
                run("rmmod", "cmacam")
            run("insmod", f"{MODULES}/cmacam.ko", f"allocator={allocator.module}")
            run("udevadm", "settle")
            self._module = allocator.module
        if allocator.module == "vb2-cma":
            self._parameter("sync", allocator.sync, "auto")
            self._parameter("mmap", allocator.mmap, "populate")
        if allocator.source == "heap" and not os.path.exists(memory_plan.HEAP):
            self._load_heap()

    @staticmethod
    def _parameter(name, value, default):
        path = f"/sys/module/vb2_cma/parameters/{name}"
        if os.path.exists(path):
            try:
                write(path, value)
            except OSError as error:
                raise NotRun(f"vb2-cma does not take {name}={value}: {error.strerror}") from None
        elif value != default:
            raise NotRun(f"vb2-cma has no parameter {name}")

    @staticmethod
    def _load_heap():
        if not os.path.exists(HEAP_MODULE):
            with open(HEAP_PROBLEM) as f:
                raise NotRun(f.read().strip())
        run("insmod", HEAP_MODULE)
        lib.wait_until(lambda: os.path.exists(memory_plan.HEAP), memory_plan.HEAP)


def read(cell, boot, *options):
    """Runs the reader and returns the values that it prints, by name."""
    command = [READER, "--device", lib.video(), "--width", cell.size.width, "--height", cell.size.height,
               "--frames", cell.size.frames, "--buffers", cell.buffers(boot), "--source", cell.allocator.source,
               "--heap", memory_plan.HEAP, "--reader", cell.reader, *options]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=CELL_LIMIT)
    if done.returncode:
        raise NotRun(f"{done.stderr.strip().splitlines()[-1]}{last_error()}")
    return {key: value if key == "sync" else int(value) for line in done.stdout.splitlines()
            for key, value in lib.fields(line).items()}


def last_error():
    """Returns the driver's control last_error in parentheses, to be appended to a sentence; empty if there is none."""
    said = subprocess.run(["v4l2-ctl", "-d", lib.video(), "-C", "last_error"], capture_output=True, text=True).stdout
    reason = said.partition(":")[2].strip().strip("'")
    return f" ({reason})" if reason else ""


def traffic(cell, trace):
    trace.start()
    figures = read(cell, "traffic", "--check", "--marker", f"{TRACING}/trace_marker")
    # Times under the shim are left out, because they measure the shim.
    figures = {key: value for key, value in figures.items() if not key.endswith(("_ns", "_faults"))}
    figures.update(trace.stop(os.path.basename(lib.pci_device())))
    per_frame = (figures["for_cpu_bytes"] + figures["for_device_bytes"]) / figures["frames"] / figures["frame_bytes"]
    said = f"{per_frame:.2f} frames of maintenance per frame"
    stale = figures["stale_lines"]
    return figures, said + (f", {100 * stale / figures['lines']:.0f} % of what it read was stale" if stale else "")


def timed(cell):
    figures = read(cell, "time")
    return figures, f"{figures['stream_cpu_ns'] / figures['frames'] / 1e6:.3f} ms of CPU time per frame"


def main(boot, sizes):
    trace = Trace() if boot == "traffic" else None
    drivers = Drivers()
    plan = memory_plan.cells(boot, sizes)
    with open("/run/cmacam/results", "a", buffering=1) as results:
        for number, cell in enumerate(plan, 1):
            result = {"boot": boot, "allocator": cell.allocator.name, "size": cell.size.name, "reader": cell.reader}
            try:
                drivers.use(cell.allocator)
                figures, said = traffic(cell, trace) if trace else timed(cell)
                result.update(figures)
            except (NotRun, dma_trace.Broken, subprocess.TimeoutExpired, AssertionError, OSError) as reason:
                said = f"not run: {reason}"
                result["not_run"] = str(reason)
            json.dump(result, results)
            results.write("\n")
            print(f"    {number:3}/{len(plan)} {cell.size.name:5} {cell.allocator.name}, reader of "
                  f"{memory_plan.READER_TEXT[cell.reader]}: {said}", flush=True)


main(sys.argv[1], sys.argv[2:])
