# SPDX-License-Identifier: MIT
"""The debug kernel's detectors work: each detector finds a planted fault."""

import re

import detectors
import lib
from declare import Machine, vm_test
from kernel_log import KernelLog

MODULE = f"{lib.PROBES}/planted/cmacam-planted.ko"
# A report of lockdep or KASAN is lockdep's last word: the one that needs it comes first, and no
# other test shares this machine.
PLANTED = Machine(no_board=True, planted=True)


def complaints_about(fault):
    """The kernel messages that make a test with this fault fail."""
    log = KernelLog()
    log.complaints()
    lib.run(["insmod", MODULE, f"fault={fault}"])
    lib.run(["rmmod", "cmacam-planted"])
    return "\n".join(log.complaints())


# The fault's own report is no failure here, whatever it says: that it comes is the test.
@vm_test(machine=PLANTED, debug_kernel=True, provokes=".")
def every_detector_is_on():
    """Lockdep, the DMA API's checks and kmemleak are on, and report nothing if there is no fault."""
    assert detectors.arm() == []
    log = KernelLog()
    log.complaints()
    lib.run(["insmod", MODULE, "fault=none-of-these"], status=1)
    assert log.complaints() == [] and detectors.verdict() == []


@vm_test(machine=PLANTED, debug_kernel=True, provokes=".")
def lockdep_finds_an_inversion():
    """Two mutexes that are taken in opposite orders make a test fail, even without a deadlock."""
    lib.expect(complaints_about("lock-inversion"), r"possible circular locking dependency detected")
    assert detectors.asleep() == ["lockdep is off"], "after its report, which the end of a run must tell"


@vm_test(machine=PLANTED, debug_kernel=True, provokes=".")
def dma_debug_finds_a_sync_outside_a_mapping():
    """dma_sync_single_for_cpu() after dma_unmap makes a test fail."""
    detectors.arm()
    lib.expect(complaints_about("sync-unmapped"),
               r"DMA-API: .*device driver tries to sync DMA memory it has not allocated")


@vm_test(machine=PLANTED, debug_kernel=True, provokes=".")
def dma_debug_finds_a_wrong_size():
    """An unmap of less than was mapped makes a test fail, although it is not the first such report."""
    detectors.arm()
    lib.expect(complaints_about("unmap-wrong-size"),
               r"DMA-API: .*device driver frees DMA memory with different size.*\[map size=256 bytes\] "
               r"\[unmap size=128 bytes\]")


@vm_test(machine=PLANTED, debug_kernel=True, provokes=".")
def kmemleak_finds_lost_memory():
    """16 unreferenced pieces of memory are reported, with the module that lost them."""
    lib.run(["insmod", MODULE, "fault=leak"])
    found = [report for report in detectors.leaks() if "[cmacam_planted]" in report]
    print("".join(found))
    lib.run(["rmmod", "cmacam-planted"])
    assert len(found) > 8 and all(re.search(r"size 256\b", report) for report in found), len(found)


@vm_test(machine=PLANTED, debug_kernel=True, provokes=".")
def kasan_finds_a_use_after_free():
    """Each read of a byte in freed memory makes a test fail, also the second one."""
    for _ in range(2):
        lib.expect(complaints_about("use-after-free"), r"BUG: KASAN: slab-use-after-free in use_after_free")
