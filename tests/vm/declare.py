# SPDX-License-Identifier: MIT
"""The declaration of the machine's tests. Host and guest read the same list.

A subject is a module in this folder. Its tests are functions decorated with vm_test. Each has a docstring that says
in one sentence what the test proves. Tests whose machines boot in the same way share one boot. Between tests, the
drivers are loaded again with the boards that the next test names.
"""

import dataclasses
import importlib
import inspect
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


# How the board plays unless a test says otherwise: content does not depend on how busy the
# host is, and every frame can be told from every other.
SETTINGS = {"starved": "hold", "fps": "max", "mark": "frame", "digest": "none"}


@dataclasses.dataclass(frozen=True)
class Boot:
    """The properties of a machine that cannot change while a kernel runs."""

    cma: str
    memory: str
    append: str
    hotplug: bool
    planted: bool
    patched: bool


@dataclasses.dataclass(frozen=True)
class Machine:
    """The properties of the machine that a test needs."""

    board: tuple = ()   # further options of cmacam-board
    more_boards: tuple = ()     # further boards: the options of each, a tuple
    no_board: bool = False
    allocator: str = "vb2-cma"
    allocator_params: str = ""  # module parameters of vb2-cma
    allocator_fault: str = ""   # vb2-cma is built with this fault (planted/); no test of such a boot loads the heap
    driver_params: tuple = ()   # further ones of cmacam
    noncoherent: bool = False   # the board does not snoop: by the shim, if the machine's own bus does
    noncoherent_importer: bool = False  # with it: test-importer does not snoop either
    evict: int = 0      # with it: milliseconds between evictions of dirty lines, 0: none
    # Machines that differ in the following fields need separate boots.
    cma: str = "256M"
    memory: str = "2G"
    append: str = ""            # further kernel parameters
    hotplug: bool = False       # lib.Host can kill a board and put another in its place
    planted: bool = False       # faults are planted here: the detectors are not asked at the end
    patched: bool = False       # the stock allocator has our patches (patches/linux/)

    @property
    def boot(self):
        return Boot(self.cma, self.memory, self.append, self.hotplug, self.planted, self.patched)

    @property
    def boards(self):
        """The options of each board that the test sees, in the order of the PCI bus."""
        return () if self.no_board else (self.board, *self.more_boards)


def place(boards, among):
    """The numbers of a test's boards among the boards of a boot, in the same order.

    Boards that the boot does not have yet are added at the end.
    """
    numbers, start = [], 0
    for options in boards:
        try:
            number = among.index(options, start)
        except ValueError:
            number = len(among)
            among.append(options)
        numbers.append(number)
        start = number + 1
    return numbers


@dataclasses.dataclass(frozen=True)
class Test:
    subject: str
    name: str
    function: object
    machine: Machine
    settings: dict
    long: bool
    limit: int
    provokes: str
    debug_kernel: bool
    soak: bool
    needs: tuple

    @property
    def full_name(self):
        return f"{self.subject}.{self.name}"

    @property
    def purpose(self):
        return inspect.getdoc(self.function).splitlines()[0]


class Skip(Exception):
    """A test that cannot run here, with the reason."""


def vm_test(machine=Machine(), settings=None, long=False, limit=120, provokes="", debug_kernel=False, soak=False, needs=()):
    """Declare a test.

    settings: settings of the board while the test runs, if they differ from SETTINGS.
    limit: time limit in seconds. provokes: a regular expression for kernel messages that the test causes on purpose. Other
    messages from the modules make the test fail.
    debug_kernel: the test needs the debug kernel. long: the test needs --long. soak: the test needs --soak.
    needs: what the test needs and not every machine has; the test is skipped there. "shim": data that is not synchronised
    reads as 0xdb. "cma": the kernel can have a CMA area. "huge": it can map a carve-out by large entries. "memmap":
    the kernel's parameter memmap= reserves RAM. "udmabuf": it has CONFIG_UDMABUF. "6G": the machine can have 6 GB of RAM.
    "patched-linux", "patched-libcamera": our patches for these projects are for the versions in use.
    """
    def mark(function):
        function.vm_test = (machine, {**SETTINGS, **(settings or {})}, long, limit, provokes, debug_kernel, soak, tuple(needs))
        return function
    return mark


def subjects():
    return sorted(name[5:-3] for name in os.listdir(HERE) if name.startswith("test_") and name.endswith(".py"))


def tests_of(subject):
    sys.path.insert(0, HERE)
    try:
        module = importlib.import_module(f"test_{subject}")
    finally:
        sys.path.remove(HERE)
    return [Test(subject, name, function, *function.vm_test)
            for name, function in vars(module).items()
            if hasattr(function, "vm_test") and not inspect.ismodule(function)]
