# SPDX-License-Identifier: MIT
"""Loading the drivers as a test wants them, without another boot.

A machine has all the boards that its tests name. The drivers see those of the next test only: on the others
driver_override names no driver, which holds over unloading and loading.
"""

import os

import lib

NOBODY = "nobody"


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def allocator_file(fault):
    """vb2-cma as it is, or built with a fault (planted/)."""
    return f"{lib.PROBES}/planted/vb2-cma-{fault}.ko" if fault else "/build/drivers/media/vb2-cma.ko"


def is_loaded(module):
    return os.path.isdir(f"/sys/module/{module}")


class Drivers:
    """The modules of one machine, none of which is loaded at first."""

    def __init__(self):
        self._now = None
        self._allocator = "", ""

    def forget(self):
        """Load them anew the next time, so that no subject finds controls and formats as another one left them."""
        self._now = None

    def suit(self, machine, numbers):
        """Load them for a machine whose boards have these numbers; nothing happens where they suit already.

        A test that failed may have left them unloaded.
        """
        if (machine, numbers) == self._now and is_loaded("cmacam"):
            return
        self._now = None
        unload("cmacam", "noncoherent")
        # The heap of vb2-cma cannot be taken back, and holds it.
        allocator = machine.allocator_fault, machine.allocator_params
        if allocator != self._allocator:
            unload("vb2_cma")
        self._allocator = allocator
        show(numbers)
        lib.mark_log("drivers")
        lib.run(["/src/tools/guest/load-drivers", f"allocator={machine.allocator}", *machine.driver_params],
                env={**os.environ, "VB2_CMA": allocator_file(machine.allocator_fault),
                     "ALLOCATOR_PARAMS": machine.allocator_params, "EVICT": str(machine.evict),
                     "NONCOHERENT": "yes" if machine.noncoherent else "no", "UDEV_LIMIT": str(20 * lib.SLOWER)})
        self._now = (machine, numbers)


def unload(*modules):
    for module in modules:
        if is_loaded(module):
            # udev may still look at a node of it.
            lib.wait_until(lambda: lib.run(["rmmod", module], status=None) == "", f"{module} unloads")


def show(numbers):
    """Leave these boards to the driver; without any, take the boards off the bus."""
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
