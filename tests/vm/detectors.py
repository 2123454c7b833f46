# SPDX-License-Identifier: MIT
"""The results of the debug kernel's detectors that are not in the kernel's log."""

import re
import time

DMA_API = "/sys/kernel/debug/dma-api"
KMEMLEAK = "/sys/kernel/debug/kmemleak"
# kmemleak does not report younger objects (MSECS_MIN_AGE), nor any that changed since the scan before.
MINIMUM_AGE = 6
# A module that is gone has no symbols any more: only its place is left, above the kernel's own text.
OUR_MEMORY = re.compile(r"\[(cmacam\w*|vb2_cma|noncoherent)\b|^ +0xffffffff[a-f][0-9a-f]{7}$", re.M)


def read(path):
    with open(path) as f:
        return f.read()


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def arm():
    """Called before the first test: makes the DMA API's checks report every fault, and not only the first."""
    write(f"{DMA_API}/all_errors", "1")
    return asleep()


def asleep():
    """The detectors that do not work. A detector can switch itself off, and no test fails then."""
    wrong = []
    if read(f"{DMA_API}/disabled").strip() != "N":
        wrong.append("the DMA API's checks are off")
    locks = re.search(r"debug_locks:\s+(\d)", read("/proc/lockdep_stats"))
    if not locks or locks[1] != "1":
        wrong.append("lockdep is off")
    try:
        write(KMEMLEAK, "scan")
    except OSError as error:
        wrong.append(f"kmemleak is off: {error}")
    return wrong


def leaks():
    """Reports of unreferenced memory that our modules allocated."""
    old_enough = time.monotonic() + MINIMUM_AGE
    scans, begun = 0, 0
    while scans < 2 or begun < old_enough:
        begun = time.monotonic()
        write(KMEMLEAK, "scan")
        scans += 1
    reports = re.split(r"^(?=unreferenced object)", read(KMEMLEAK), flags=re.M)
    return [report for report in reports if OUR_MEMORY.search(report)]


def verdict():
    """Called after the last test: the faults that the detectors have found but no test has reported."""
    wrong = asleep()
    errors = int(read(f"{DMA_API}/error_count"))
    if errors:
        wrong.append(f"the DMA API's checks counted {errors} errors")
    return wrong or leaks()
