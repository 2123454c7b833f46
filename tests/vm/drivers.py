# SPDX-License-Identifier: MIT
"""Loads the drivers as a test needs them, without another boot.

A machine has all boards that its tests name. The drivers see only the boards of the next test. On the other boards,
driver_override names a driver that does not exist. This setting remains when drivers are unloaded and loaded.
"""

import glob
import os

import lib

NOBODY = "nobody"
# In the device tree of a machine whose PCI bus does not snoop the CPU's caches: there, the drivers need no shim.
NOT_SNOOPING = "/proc/device-tree/pcie@*/dma-noncoherent"


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def allocator_file(fault):
    """The file of vb2-cma, either the normal one or one that was built with a fault (planted/)."""
    return f"{lib.PROBES}/planted/vb2-cma-{fault}.ko" if fault else "/build/drivers/media/vb2-cma.ko"


def dma_contig_file():
    """The file of the stock allocator with our patches (patches/linux/)."""
    problem = "/build/foreign/dma_contig.problem"
    if os.path.exists(problem):
        with open(problem) as f:
            raise AssertionError(f.read())
    return "/build/foreign/dma_contig/videobuf2-dma-contig.ko"


def is_loaded(module):
    return os.path.isdir(f"/sys/module/{module}")


class Drivers:
    """The modules of one machine. No module is loaded at first."""

    def __init__(self):
        self._now = None
        self._allocator = "", ""
        self._again = "no"

    def forget(self):
        """Make the next suit() load the modules again, so that a subject starts with default controls and formats."""
        self._now = None

    def suit(self, machine, numbers):
        """Load the modules for a machine whose boards have these numbers. If suitable modules are loaded, do nothing.

        A test that failed may have left the modules unloaded.
        """
        if (machine, numbers) == self._now and is_loaded("cmacam"):
            return
        self._now = None
        # An adopted queue holds vb2-cma-adopt until its driver is gone.
        unload("test_importer", "minicam", "cmacam", "vb2_cma_adopt", "noncoherent")
        # The heap of vb2-cma cannot be taken back, and holds it.
        allocator = machine.allocator_fault, machine.allocator_params
        if allocator != self._allocator:
            unload("vb2_cma")
        self._allocator = allocator
        show(numbers)
        shim = machine.noncoherent and not glob.glob(NOT_SNOOPING)
        lib.mark_log("drivers")
        lib.run(["/src/tools/guest/load-drivers", f"allocator={machine.allocator}", *machine.driver_params],
                env={**os.environ, "VB2_CMA": allocator_file(machine.allocator_fault),
                     "ALLOCATOR_PARAMS": machine.allocator_params, "EVICT": str(machine.evict),
                     "NONCOHERENT_TOO": ",test-importer" if machine.noncoherent_importer else "",
                     "NONCOHERENT": "yes" if shim else "no", "UDEV_LIMIT": str(20 * lib.SLOWER),
                     "DMA_CONTIG": dma_contig_file() if machine.patched else "", "AGAIN": self._again})
        self._now = (machine, numbers)
        # A machine loads the drivers dozens of times. No test unloads the modules that they stand on.
        self._again = "yes"


def unload(*modules):
    for module in modules:
        if is_loaded(module):
            # udev may still look at a node of it.
            lib.wait_until(lambda: lib.run(["rmmod", module], status=None) == "", f"{module} unloads")


def show(numbers):
    """Give these boards to the driver. Without numbers, remove the boards from the bus."""
    # A board that was plugged in again is the last to be probed: of several, each is to have its place in the order.
    if len(numbers) != 1:
        for path in lib.pci_boards():
            write(f"{os.path.realpath(path)}/remove", "1")
    if not numbers:
        return
    if len(lib.pci_boards()) < lib.all_boards():
        write("/sys/bus/pci/rescan", "1")
    for number, path in enumerate(lib.pci_boards()):
        # An empty line stands for no name at all.
        write(f"{path}/driver_override", "\n" if number in numbers else NOBODY)
