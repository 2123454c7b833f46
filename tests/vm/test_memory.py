# SPDX-License-Identifier: MIT
"""The pages of a frame are ordinary pages: which calls can pin them, what keeps them, and when they are freed.

The program frame_memory_test (tests/vm/memory/) does the work. These tests set its backend and its mode. All backends share
one machine, with areas of the same size.
"""

import concurrent.futures
import contextlib
import dataclasses
import errno
import inspect
import os
import struct
import subprocess

import lib
import v4l2
from declare import Machine, vm_test
from drivers import unload
from libc import Libc, map_buffer

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
WITHOUT_FS_DAX = dataclasses.replace(MEMORY, allocator_fault="no-fs-dax", allocator_params="")
COMPARISON = Machine(allocator="dma-contig")
WITHOUT_SNOOPING = dataclasses.replace(MEMORY, noncoherent=True)
LATE_UNMAP = dataclasses.replace(MEMORY, allocator_fault="late-unmap")
BACKENDS = ("cma", "contig", "carveout")
REFUSED = r"bytes of contiguous memory needed"
PINS_FOR_WRITING = "LongTerm.RegisteredBuffers*:LongTerm.XdpMemory:LongTerm.UserPointersForCapture"

DISK = "/run/disk"
PARAMETERS = "/sys/module/vb2_cma/parameters"
WALKER = f"{lib.PROBES}/planted/cmacam-walker.ko"
WALKING = "/sys/module/cmacam_walker/parameters/walking"


def on_each_backend(machine=MEMORY, suffix="", plainly=BACKENDS, long=False, needs=(), **options):
    """Declare a test once for each backend, whose name it gets. The plain run has only the backends in `plainly`."""
    def mark(function):
        for backend in BACKENDS:
            def test(backend=backend):
                with parameters(backend=backend):
                    function(backend)
            test.__doc__ = f"{backend}: {inspect.getdoc(function)}"
            globals()[f"{function.__name__}{suffix}_{backend}"] = vm_test(
                machine, long=long or backend not in plainly,
                needs=[*needs, *(["cma"] if backend == "cma" else [])], **options)(test)
        return function
    return mark


@contextlib.contextmanager
def parameters(**settings):
    """Set parameters of vb2-cma while a block runs."""
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
    """An empty, real file system. A tmpfs would not test direct I/O."""
    if not os.path.ismount(DISK):
        os.makedirs(DISK, exist_ok=True)
        lib.run(["modprobe", "-a", "loop", "ext4"])
        lib.run(f"truncate -s 96M {DISK}.img && mkfs.ext4 -q {DISK}.img && busybox mount -o loop {DISK}.img {DISK}")
    for entry in os.scandir(DISK):
        if entry.is_file():
            os.unlink(entry)
    return DISK


def cases(pattern, minimum, limit=110, **settings):
    """Run the cases whose names fit the pattern. There must be at least `minimum` cases."""
    lib.gtest(f"{lib.PROBES}/frame_memory_test", pattern, minimum, limit, **settings_of_cases(**settings))


def settings_of_cases(pins="0", long_term="0", rounds=0, frame="720p"):
    """The environment of frame_memory_test."""
    return {"VIDEO_NODE": lib.video(), "BOARD_LOG": lib.Board.log_path(), "DISK": disk(), "PINS": pins,
            "LONG_TERM": long_term, "AREA": str(AREA), "ROUNDS": str(rounds), "FRAME": frame,
            "MODULES": "/build/drivers/media"}


def long_term(backend):
    """The error of a long-term pin for writing."""
    if backend != "cma":
        return "0"
    return "EOPNOTSUPP" if lib.has_fs_dax() else "EFAULT"


@on_each_backend(plainly=["cma"], settings={"digest": "sha256"})
def every_mover_takes_a_whole_frame(backend):
    """O_DIRECT write and pwrite, io_uring, vmsplice, MSG_ZEROCOPY, process_vm_readv: a 720p frame arrives unchanged."""
    cases("Each/Movers*:Each/ReadInto*", 14)


@on_each_backend(long=True, settings={"digest": "sha256"})
def every_mover_takes_a_whole_4k_frame(backend):
    """O_DIRECT write and pwrite, io_uring, vmsplice, MSG_ZEROCOPY, process_vm_readv: a 4K frame arrives unchanged."""
    cases("Each/Movers*:Each/ReadInto*", 14, frame="4K")


@on_each_backend(plainly=["cma"], settings={"digest": "sha256"})
def movers_fault_pages_in(backend):
    """mmap=fault: the same calls (O_DIRECT, io_uring and others) work on a mapping whose pages were not accessed before."""
    with parameters(mmap="fault"):
        cases("Each/*FromV4l2", 6)


@vm_test(machine=COMPARISON, settings={"digest": "sha256"})
def stock_memory_cannot_be_pinned():
    """For comparison, with the kernel's own allocator each of these calls fails with EFAULT."""
    cases("Each/Movers*:Each/ReadInto*", 14, pins="EFAULT")


@on_each_backend(limit=60)
def long_term_pins(backend):
    """io_uring, AF_XDP and USERPTR pins, writable and read-only: they work, but fail at once with EOPNOTSUPP on cma.

    On a kernel without FS_DAX, the writable ones fail with EFAULT on cma, and the others do not return.
    """
    expected = long_term(backend)
    with vivid():
        if expected == "EFAULT":
            cases(PINS_FOR_WRITING, 4, long_term=expected, limit=50)
        else:
            cases("LongTerm.*", 8, long_term=expected, limit=50)


@vm_test(machine=MEMORY, needs=["cma"])
def debugfs_says_which_pins_succeed():
    """/sys/kernel/debug/vb2-cma/buffers says for each buffer which pins succeed: any, only short ones, or none."""
    short = "short" if lib.has_fs_dax() else "short,no-fs-dax"
    for backend, pins in (("cma", short), ("contig", "any"), ("carveout", "any"), ("coherent", "none")):
        assert pins_in_debugfs(backend) == pins, backend


def pins_in_debugfs(backend):
    """The word about pins of a buffer that this backend allocates."""
    with parameters(backend=backend), contextlib.closing(v4l2.Queue()) as queue:
        queue.request(1)
        return lib.fields(lib.vb2_cma_buffers())["pins"]


@contextlib.contextmanager
def vivid():
    lib.run(["modprobe", "vivid", "n_devs=1", "node_types=0x101"])
    try:
        yield
    finally:
        lib.run(["rmmod", "vivid"])


@vm_test(machine=WITHOUT_FS_DAX, settings={"digest": "sha256"}, needs=["cma"])
def without_fs_dax_frames_move_and_pins_fail():
    """On a kernel without FS_DAX, a frame arrives unchanged by each call, and a long-term pin for writing fails with EFAULT."""
    lib.expect(lib.dmesg("drivers"), "vb2-cma: this kernel has no FS_DAX")
    assert pins_in_debugfs("cma") == "short,no-fs-dax"
    cases("Each/Movers*:Each/ReadInto*", 14)
    with vivid():
        cases(PINS_FOR_WRITING, 4, long_term="EFAULT")


@vm_test(machine=WITHOUT_FS_DAX, needs=["cma"])
def without_fs_dax_a_pin_to_read_can_be_killed():
    """On a kernel without FS_DAX, a long-term pin for reading only does not return: its process can be killed, and leaves nothing."""
    with vivid():
        child = subprocess.Popen([f"{lib.PROBES}/frame_memory_test", "--gtest_filter=LongTerm.UserPointersForOutputReadOnly"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 env={**os.environ, **settings_of_cases(long_term="EFAULT")})
        try:
            lib.wait_until(lambda: system_seconds(child.pid) > 2, "the kernel tries to move the pages")
            assert child.poll() is None
        finally:
            child.kill()
            print(child.communicate(timeout=30)[0].decode(errors="replace"))
    assert lib.vb2_cma_buffers() == ""


def system_seconds(pid):
    """The time that a process has spent in the kernel."""
    with open(f"/proc/{pid}/stat") as f:
        return int(f.read().rpartition(")")[2].split()[12]) / os.sysconf("SC_CLK_TCK")


@vm_test(machine=WITHOUT_SNOOPING, settings={"digest": "sha256"})
def pinned_pages_see_each_frame():
    """contig, carveout: a pin without a mapping (io_uring) reads each frame unchanged, on a board that does not snoop."""
    for backend in ("contig", "carveout"):
        with parameters(backend=backend):
            cases("PinnedFrames.*", 1)


@vm_test(machine=MEMORY, needs=["cma"])
def a_mapping_does_not_keep_the_node():
    """Each backend: a program closes a streaming node and keeps a mapping; the node is free, and the frame stays."""
    for backend in (*BACKENDS, "coherent"):
        with parameters(backend=backend):
            cases("Node.IsFreeWhileAFrameIsMapped", 1)


@on_each_backend(plainly=["cma"], provokes=REFUSED, settings={"digest": "sha256"})
def pages_in_flight_keep_their_frame(backend):
    """Frames in pipes and sockets are unchanged after all is closed and unloaded, and memory overwritten (--soak: 200 times)."""
    drill(backend, 2)


@on_each_backend(suffix="_200_times", provokes=REFUSED, soak=True, limit=1800, settings={"digest": "sha256"})
def pages_in_flight_keep_their_frame(backend):
    """Frames in pipes and sockets are unchanged, 200 times, on memory that is not cleared."""
    drill(backend, 200)


@on_each_backend(machine=DEBIAN, suffix="_200_times_cleared", provokes=REFUSED, soak=True, limit=1800,
                 settings={"digest": "sha256"})
def pages_in_flight_keep_their_frame(backend):
    """Frames in pipes and sockets are unchanged, 200 times, with init_on_alloc=1, Debian's default."""
    drill(backend, 200)


def drill(backend, rounds):
    # The module is loaded anew in each round, and with it go its parameters.
    os.environ["PARAMETERS"] = f"{MEMORY.allocator_params} backend={backend}"
    cases("Reuse.PagesInFlightKeepTheirFrame", 1, rounds=rounds, limit=1790)


@on_each_backend(provokes=REFUSED)
def fresh_buffers_are_black(backend):
    """A new buffer has no pixels that another process captured and then freed or parked."""
    cases("Reuse.FreshBuffersAreBlack:Reuse.BuffersThatWereParkedAreBlack", 2)


@on_each_backend()
def mappings_are_well_defined(backend):
    """fork, mremap, mprotect, munmap, madvise, /proc/pid/mem: no byte is lost, and no page leaks, in both mmap modes."""
    for mode in ("populate", "fault"):
        with parameters(mmap=mode):
            cases("Each/Mappings.*:Each/DmaBufMappings.*", 26)


@on_each_backend(machine=LARGE, long=True, needs=["6G"], settings={"digest": "sha256"})
def four_buffers_of_8k(backend):
    """7680x4320 NV12: each of four buffers is contiguous, and the process sees the memory that the board wrote."""
    cases("Sizes.FourBuffersOf8KAreContiguous", 1)


@on_each_backend(plainly=["cma"], provokes=REFUSED)
def rounds_leave_nothing(backend):
    """16 rounds of allocate and free: no buffer is left, and 90 % of the area can be allocated, also in one piece."""
    cases("Sizes.NothingIsLostInRounds:Sizes.ASingleBufferOf90Percent", 2, rounds=16)


@on_each_backend(provokes=REFUSED, long=True)
def a_hundred_rounds_leave_nothing(backend):
    """100 rounds of allocate and free: no buffer is left, and 90 % of the area can be allocated, also in one piece."""
    cases("Sizes.NothingIsLostInRounds", 1, rounds=100)


@on_each_backend(provokes=REFUSED)
def a_refusal_names_what_is_parked(backend):
    """An allocation is too large while a pipe holds a frame: one sentence has the bytes needed and the bytes parked."""
    cases("Sizes.ARefusalNamesWhatIsParked", 1)


def walk(address):
    """Let the slow walker (planted/cmacam-walker.c) walk to a page. Returns 0 if the page had an owner until the end."""
    walker = os.open("/dev/cmacam-walker", os.O_WRONLY)
    try:
        os.write(walker, struct.pack("=Q", address))
        return 0
    except OSError as error:
        return error.errno
    finally:
        os.close(walker)


def is_walking():
    with open(WALKING) as f:
        return f.read().strip() == "Y"


def stop_walking():
    with open(WALKING, "w") as f:
        f.write("N")


def free_under_a_walk(queue):
    """Free the first buffer of a queue while the walker is on its way to a page of it. Returns the result of the walk."""
    address, size = map_buffer(queue, 0)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        walker = pool.submit(walk, address)
        lib.wait_until(lambda: is_walking() or walker.done(), "the walker has found the page")
        Libc.unmap(address, size)
        queue.request(0)
        stop_walking()
        return walker.result()


@vm_test(machine=MEMORY, needs=["cma"])
def a_walk_ends_before_its_page_is_freed():
    """cma: get_user_pages_fast(), slowed down, is on its way to a page while the buffer is freed: the page waits for it.

    The next allocation, which needs the same memory, waits as well, and does not fail.
    """
    most = AREA // 10 * 9
    lib.run(["insmod", WALKER])
    queue = v4l2.Queue()
    try:
        lib.wait_until(lambda: os.path.exists("/dev/cmacam-walker"), "the walker's node")
        with parameters(backend="cma"):
            for _ in range(5):
                queue.create(most)
                result = free_under_a_walk(queue)
                assert result == 0, f"{errno.errorcode[result]}: ESTALE if the page was freed meanwhile"
            queue.create(most)
            queue.request(0)
    finally:
        queue.close()
        lib.run(["rmmod", "cmacam-walker"])


@vm_test(machine=MEMORY, needs=["cma"])
def freed_memory_does_not_keep_the_module():
    """Modules are unloaded right after buffers were freed: they wait for the memory, and are not in use."""
    lib.vb2_cma(backend="cma")
    queue = v4l2.Queue()
    queue.request(4)
    address, size = map_buffer(queue, 0)
    Libc.unmap(address, size)
    queue.close()
    unload("cmacam")
    lib.run(["rmmod", "vb2_cma"])
    lib.run(["insmod", "/build/drivers/media/vb2-cma.ko", CARVEOUT])
    lib.run(["insmod", "/build/drivers/media/cmacam.ko"])
    lib.run(["udevadm", "settle"])


def hold_a_frame(ready, end):
    """In a child: map a frame, close the node, and wait for a byte."""
    queue = v4l2.Queue()
    queue.request(1)
    map_buffer(queue, 0)
    queue.close()
    os.write(ready, b"1")
    os.read(end, 1)


@vm_test(machine=LATE_UNMAP)
def a_driver_outlasts_its_mappings():
    """The driver is unbound while a process that ends frees a frame: the engine's mapping is undone first (planted delay)."""
    is_ready, ready = os.pipe()
    end, to_end = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            hold_a_frame(ready, end)
        finally:
            os._exit(0)
    os.close(ready)
    assert os.read(is_ready, 1) == b"1" and lib.vb2_cma_buffers(), "the child holds a frame"
    os.write(to_end, b"1")
    lib.wait_until(lambda: not lib.vb2_cma_buffers(), "the buffer is not listed any more")
    for what in ("unbind", "bind"):
        with open(f"/sys/bus/pci/drivers/cmacam/{what}", "w") as f:
            f.write(os.path.basename(lib.pci_device()))
    os.waitpid(child, 0)
    lib.run(["udevadm", "settle"])
    lib.wait_until(lambda: lib.nodes("cmacam-capture"), "the node is back")
