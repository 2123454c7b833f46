# SPDX-License-Identifier: MIT
"""The pages of a frame are ordinary pages: what may pin them, who may keep them, what becomes of them.

frame_memory_test (tests/vm/memory/) does the work, on the backend and in the mode that these set. All
backends share one machine, with an area of the same size for each.
"""

import contextlib
import dataclasses
import inspect
import os

import lib
from declare import Machine, vm_test

AREA = 64 << 20
# The kernel clears nothing for us, as it does by Debian's default: old pixels would show, and so would
# memory given away too early. The poison in free pages has one more reason. The emulator keeps its
# translation of a code page until the machine's CPU writes to that page; virtiofs, which writes from
# outside, would put other code into a page that neither cleared nor poisoned, and programs crash.
UNCLEARED = "init_on_alloc=0 page_poison=1"
KEPT = f"reserve_mem={AREA >> 20}M:2M:cmacam"
CARVEOUT = "carveout=cmacam"
MEMORY = Machine(cma=f"{AREA >> 20}M", append=f"{UNCLEARED} {KEPT}", allocator_params=CARVEOUT)
DEBIAN = Machine(cma=f"{AREA >> 20}M", append=KEPT, allocator_params=CARVEOUT)
# One boot for all that want much memory: 256 MB of each kind, and 64 MB at an address.
ROOMY = Machine(memory="6G", append="reserve_mem=256M:2M:cmacam memmap=64M$0x60000000")
LARGE = dataclasses.replace(ROOMY, board=("--sensor", "7680x4320"), allocator_params=CARVEOUT)
COMPARISON = Machine(allocator="dma-contig")
BACKENDS = ("cma", "contig", "carveout")
REFUSED = r"bytes of contiguous memory needed"

DISK = "/run/disk"
PARAMETERS = "/sys/module/vb2_cma/parameters"


def on_each_backend(machine=MEMORY, suffix="", plainly=BACKENDS, long=False, **options):
    """Declare a test that is given the name of a backend, once for each; the plain run has those named plainly."""
    def mark(function):
        for backend in BACKENDS:
            def test(backend=backend):
                with parameters(backend=backend):
                    function(backend)
            test.__doc__ = f"{backend}: {inspect.getdoc(function)}"
            globals()[f"{function.__name__}{suffix}_{backend}"] = vm_test(
                machine, long=long or backend not in plainly, **options)(test)
        return function
    return mark


@contextlib.contextmanager
def parameters(**settings):
    """Parameters of vb2-cma for a while."""
    before = {}
    try:
        for name, value in settings.items():
            with open(f"{PARAMETERS}/{name}", "r+") as f:
                before[name] = f.read().strip()
                f.write(value)
        yield
    finally:
        for name, value in before.items():
            with open(f"{PARAMETERS}/{name}", "w") as f:
                f.write(value)


def disk():
    """A real file system, without what earlier tests left there: tmpfs would take direct I/O for granted."""
    if not os.path.ismount(DISK):
        os.makedirs(DISK, exist_ok=True)
        lib.run(["modprobe", "-a", "loop", "ext4"])
        lib.run(f"truncate -s 96M {DISK}.img && mkfs.ext4 -q {DISK}.img && busybox mount -o loop {DISK}.img {DISK}")
    for entry in os.scandir(DISK):
        if entry.is_file():
            os.unlink(entry)
    return DISK


def cases(pattern, minimum, pins="0", long_term="0", rounds=0, limit=110, frame="720p"):
    """Run the cases whose names fit; at least so many there must be."""
    lib.gtest(f"{lib.PROBES}/frame_memory_test", pattern, minimum, limit, VIDEO_NODE=lib.video(),
              BOARD_LOG=lib.Board.log_path(), DISK=disk(), PINS=pins, LONG_TERM=long_term, AREA=str(AREA),
              ROUNDS=str(rounds), FRAME=frame, MODULES="/build/drivers/media")


def long_term(backend):
    return "EOPNOTSUPP" if backend == "cma" else "0"


@on_each_backend(plainly=["cma"], settings={"digest": "sha256"})
def every_mover_takes_a_whole_frame(backend):
    """O_DIRECT write and pwrite, io_uring, vmsplice, MSG_ZEROCOPY, process_vm_readv: 720p, exact at the far end."""
    cases("Each/Movers*:Each/ReadInto*", 14)


@on_each_backend(long=True, settings={"digest": "sha256"})
def every_mover_takes_a_whole_4k_frame(backend):
    """The same with 4K."""
    cases("Each/Movers*:Each/ReadInto*", 14, frame="4K")


@on_each_backend(plainly=["cma"], settings={"digest": "sha256"})
def movers_fault_pages_in(backend):
    """mmap=fault: the same from a mapping whose pages nobody has touched."""
    with parameters(mmap="fault"):
        cases("Each/*FromV4l2", 6)


@vm_test(machine=COMPARISON, settings={"digest": "sha256"})
def stock_memory_cannot_be_pinned():
    """The kernel's own allocator, for comparison: every one of these calls fails with EFAULT."""
    cases("Each/Movers*:Each/ReadInto*", 14, pins="EFAULT")


@on_each_backend(limit=60)
def long_term_pins(backend):
    """io_uring, AF_XDP and USERPTR pins, writable and read-only: work, or on cma fail at once with EOPNOTSUPP."""
    lib.run(["modprobe", "vivid", "n_devs=1", "node_types=0x101"])
    try:
        cases("LongTerm.*", 8, long_term=long_term(backend), limit=50)
    finally:
        lib.run(["rmmod", "vivid"])


@on_each_backend(plainly=["cma"], provokes=REFUSED, settings={"digest": "sha256"})
def pages_in_flight_keep_their_frame(backend):
    """Spliced or being sent, all closed, driver unloaded, all memory overwritten: unchanged (twice; with --soak 200 times)."""
    drill(backend, 2)


@on_each_backend(suffix="_200_times", provokes=REFUSED, soak=True, limit=1800, settings={"digest": "sha256"})
def pages_in_flight_keep_their_frame(backend):
    """The same 200 times, on memory that nobody clears."""
    drill(backend, 200)


@on_each_backend(machine=DEBIAN, suffix="_200_times_cleared", provokes=REFUSED, soak=True, limit=1800,
                 settings={"digest": "sha256"})
def pages_in_flight_keep_their_frame(backend):
    """The same 200 times with init_on_alloc=1, Debian's default."""
    drill(backend, 200)


def drill(backend, rounds):
    # The module is loaded anew in each round, and with it go its parameters.
    os.environ["PARAMETERS"] = f"{MEMORY.allocator_params} backend={backend}"
    cases("Reuse.PagesInFlightKeepTheirFrame", 1, rounds=rounds, limit=1790)


@on_each_backend(provokes=REFUSED)
def fresh_buffers_are_black(backend):
    """What another process captured, freed or parked, is gone from a new buffer before the first capture."""
    cases("Reuse.FreshBuffersAreBlack:Reuse.BuffersThatWereParkedAreBlack", 2)


@on_each_backend()
def mappings_are_well_defined(backend):
    """fork, mremap, mprotect, munmap, madvise, /proc/pid/mem: no byte is lost, no leak, whole or by faults."""
    for mode in ("populate", "fault"):
        with parameters(mmap=mode):
            cases("Each/Mappings.*:Each/DmaBufMappings.*", 26)


@on_each_backend(machine=LARGE, plainly=["cma"], settings={"digest": "sha256"})
def four_buffers_of_8k(backend):
    """7680x4320 NV12: each of four buffers is one piece, and where the board wrote is what the process sees."""
    cases("Sizes.FourBuffersOf8KAreContiguous", 1)


@on_each_backend(plainly=["cma"], provokes=REFUSED)
def rounds_leave_nothing(backend):
    """16 rounds of allocate and free: no buffer is left, and 90 % of the area can be allocated, also in one piece."""
    cases("Sizes.NothingIsLostInRounds:Sizes.ASingleBufferOf90Percent", 2, rounds=16)


@on_each_backend(provokes=REFUSED, long=True)
def a_hundred_rounds_leave_nothing(backend):
    """The same after 100 rounds."""
    cases("Sizes.NothingIsLostInRounds", 1, rounds=100)


@on_each_backend(provokes=REFUSED)
def a_refusal_names_what_is_parked(backend):
    """Too much asked for while a pipe holds a frame: one sentence with bytes needed and bytes parked."""
    cases("Sizes.ARefusalNamesWhatIsParked", 1)
