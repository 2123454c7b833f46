# SPDX-License-Identifier: MIT
"""How a test of the machine is declared, so that host and guest read the same list.

A subject is a module in this folder; its tests are functions decorated with vm_test, each
with a docstring that says in one sentence what it proves. Tests whose machines boot alike
share one boot: between them the drivers are loaded anew, on the boards that the next test names.
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
    """What cannot change while a kernel runs."""

    cma: str
    memory: str
    append: str
    hotplug: bool
    planted: bool


@dataclasses.dataclass(frozen=True)
class Machine:
    """What a test needs the machine to be."""

    board: tuple = ()   # further options of cmacam-board
    more_boards: tuple = ()     # further boards: the options of each, a tuple
    no_board: bool = False
    allocator: str = "vb2-cma"
    allocator_params: str = ""  # module parameters of vb2-cma
    allocator_fault: str = ""   # vb2-cma is built with this fault (planted/); no test of such a boot loads the heap
    driver_params: tuple = ()   # further ones of cmacam
    noncoherent: bool = False   # with the shim: unsynchronised reads see poison
    evict: int = 0      # with it: milliseconds between evictions of dirty lines, 0: none
    # What follows takes a boot of its own where it differs.
    cma: str = "256M"
    memory: str = "2G"
    append: str = ""            # further kernel parameters
    hotplug: bool = False       # lib.Host can kill a board and put another in its place
    planted: bool = False       # faults are planted here: the detectors are not asked at the end

    @property
    def boot(self):
        return Boot(self.cma, self.memory, self.append, self.hotplug, self.planted)

    @property
    def boards(self):
        """The options of each board that the test sees, in the order of the PCI bus."""
        return () if self.no_board else (self.board, *self.more_boards)


def place(boards, among):
    """Where the boards of a test stand among those of a boot, in the same order: their numbers.

    Those that are not there yet are added at the end.
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

    @property
    def full_name(self):
        return f"{self.subject}.{self.name}"

    @property
    def purpose(self):
        return inspect.getdoc(self.function).splitlines()[0]


class Skip(Exception):
    """A test that cannot say anything here, with the reason."""


def vm_test(machine=Machine(), settings=None, long=False, limit=120, provokes="", debug_kernel=False, soak=False):
    """Declare a test.

    settings: of the board while the test runs, where they differ from SETTINGS.
    limit: seconds after which it has hung. provokes: regular expression of the kernel
    messages that the test causes on purpose; any other from the modules fails it.
    debug_kernel: it can run on the debug kernel only. long: it runs with --long only; soak: with --soak only.
    """
    def mark(function):
        function.vm_test = (machine, {**SETTINGS, **(settings or {})}, long, limit, provokes, debug_kernel, soak)
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
