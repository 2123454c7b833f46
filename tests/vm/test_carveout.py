# SPDX-License-Identifier: MIT
"""Memory that the kernel does not use (backend=carveout): by name, by address, and by address in large pieces."""

import ctypes
import dataclasses
import fcntl
import inspect
import itertools
import mmap
import os
import re
import resource
import struct

import lib
import v4l2
from declare import vm_test
from libc import Libc, map_buffer
from test_errors import SMALL_CMA
from test_memory import MEMORY, ROOMY

MB = 1 << 20
AREA = 64 * MB
PIECE = 2 * MB
BUFFER = 4 * MB
KINDS = {"by_name": MEMORY,
         "by_address": dataclasses.replace(ROOMY, allocator_params="carveout=64M@0x60000000"),
         "huge": dataclasses.replace(ROOMY, allocator_params="carveout=64M@0x60000000,huge")}
NEEDED = r"bytes of contiguous memory needed"
VB2_CMA = "/build/drivers/media/vb2-cma.ko"
CMACAM = "/build/drivers/media/cmacam.ko"

PAGEMAP_SCAN, PAGE_IS_HUGE = 0xc0606610, 1 << 6


def on_each_kind(noncoherent=False, plainly=("by_name", "huge"), **options):
    """Declare a test on each kind of carve-out. The plain run has only the kinds in `plainly`."""
    def mark(function):
        for kind in KINDS:
            def test():
                lib.vb2_cma(backend="carveout")
                function()
            test.__doc__ = f"{kind}: {inspect.getdoc(function)}"
            globals()[f"{function.__name__}_{kind}"] = vm_test(
                dataclasses.replace(KINDS[kind], noncoherent=noncoherent), long=kind not in plainly,
                needs=["huge"] if kind == "huge" else (), **options)(test)
        return function
    return mark


class Queue(v4l2.Queue):
    """Buffers of the capture node, of any size."""

    def __init__(self):
        super().__init__(pixels=None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.release()
        self.close()

    def create(self, size):
        """Add one more buffer. Returns its index, or None if there is no room."""
        try:
            return super().create(size)
        except OSError:
            return None

    def map(self, index, address=0):
        return map_buffer(self, index, address)

    def release(self):
        self.request(0)


def parameter():
    with open("/sys/module/vb2_cma/parameters/carveout") as f:
        return "carveout=" + f.read().strip()


def load(*parameters):
    lib.run(["insmod", VB2_CMA, *parameters])
    lib.run(["insmod", CMACAM])
    lib.run(["udevadm", "settle"])


def carved():
    """The first and last address of the carve-out, from the module's message."""
    lines = re.findall(r"carve-out from (0x[0-9a-f]+) to (0x[0-9a-f]+)", lib.run("dmesg | grep carve-out"))
    return [int(word, 16) for word in lines[-1]]


def exact(*options, count=6):
    """Capture frames. Every byte is the board's, and the board wrote the frames into the carve-out (or its shadow)."""
    frames, _ = lib.probe("--frames", count, "--digest", *options)
    written, _ = lib.Board.session()
    first, last = carved()
    assert len(frames) == count
    for frame in frames:
        board = written[int(frame["seq"])]
        assert frame["sha256"] == board["sha256"], f"{options}: frame {frame['seq']}"
        inside = first <= int(board["addr"], 16) <= last
        assert inside != os.path.exists("/sys/module/noncoherent"), f"{board['addr']} and {first:#x} to {last:#x}"


@on_each_kind(settings={"digest": "sha256"})
def frames_are_exact():
    """V4L2 mmap, exported and imported again, and 4K: every byte of every frame is right, and lies in the carve-out."""
    exact("--io", "mmap")
    exact("--io", "dmabuf", "--sync")
    exact("--width", 3840, "--height", 2160, count=3)
    lib.vb2_cma(mmap="fault")
    exact("--io", "mmap")


@on_each_kind(noncoherent=True, plainly=(), settings={"digest": "sha256"})
def frames_are_exact_without_snooping():
    """Every byte of every frame is right on a machine whose board does not snoop the caches."""
    exact("--io", "mmap")
    exact("--io", "dmabuf", "--sync")
    exact("--width", 3840, "--height", 2160, count=3)


def fill(rounds):
    with Queue() as queue:
        for _ in range(rounds):
            made = [queue.create(BUFFER) for _ in range(AREA // BUFFER)]
            assert None not in made, made
            queue.release()
        made = [queue.create(BUFFER) for _ in range(AREA // BUFFER)]
        assert None not in made and queue.create(mmap.PAGESIZE) is None, "more than there is"
        queue.release()
        assert queue.create(AREA) == 0
        address, size = queue.map(0)
        ctypes.memset(address, 0xaa, size)
        Libc.unmap(address, size)
        queue.release()
        assert queue.create(AREA * 9 // 10) == 0
        address, size = queue.map(0)
        assert ctypes.string_at(address, size) == bytes(size), "old pixels"
        Libc.unmap(address, size)


@on_each_kind(provokes=NEEDED)
def full_and_back():
    """10 rounds: the carve-out is filled, then freed. After that, 90 % is free in one piece, and old pixels are gone."""
    fill(10)


@on_each_kind(plainly=(), provokes=NEEDED)
def full_and_back_100_times():
    """100 rounds: the carve-out is filled, then freed. After that, 90 % is free in one piece, and old pixels are gone."""
    fill(100)


@on_each_kind(provokes=NEEDED)
def a_full_area_is_explained():
    """An allocation that is too large: one sentence gives the bytes needed and free, the largest piece, and the cure."""
    with Queue() as queue:
        assert queue.create(2 * AREA) is None
        lib.expect(lib.last_error(),
                   rf"0 of 1 buffers allocated: 1 x {2 * AREA} = {2 * AREA} {NEEDED}, {AREA} of {AREA} carve-out bytes "
                   rf"free, {AREA} in one piece, 0 parked; (boot with reserve_mem=128M:2M:cmacam|"
                   r"set carveout=128M@0x60000000 and keep this RAM from the kernel)'?\s*$")


def reload(rounds):
    carveout = parameter()
    for _ in range(rounds):
        lib.run(["rmmod", "cmacam", "vb2_cma"])
        with open("/proc/iomem") as f:
            assert "vb2-cma" not in f.read()
        load(carveout, "backend=carveout")
        exact(count=1)


@on_each_kind(plainly=["huge"], settings={"digest": "sha256"})
def unload_and_load():
    """Twice: the modules are unloaded, which frees the memory, and loaded again. Then a frame is exact."""
    reload(2)


@on_each_kind(plainly=(), settings={"digest": "sha256"})
def unload_and_load_10_times():
    """Ten times: the modules are unloaded, which frees the memory, and loaded again. Then a frame is exact."""
    reload(10)


@on_each_kind()
def a_page_in_a_pipe_keeps_the_memory():
    """A pipe still has a page when all else is closed: unloading is refused, and the bytes stay until the pipe is closed."""
    carveout = parameter()
    out, into = os.pipe()
    with Queue() as queue:
        assert queue.create(BUFFER) == 0
        address, size = queue.map(0)
        ctypes.memset(address, 0x5a, size)
        # Not the first page of its piece.
        Libc.vmsplice(into, address + 5 * mmap.PAGESIZE, mmap.PAGESIZE)
        Libc.unmap(address, size)
    lib.run(["rmmod", "cmacam"])
    lib.expect(lib.run(["rmmod", "vb2_cma"], status=1), r"in use")
    with open("/sys/kernel/debug/vb2-cma/parked") as f:
        lib.expect(f.read(), rf"bytes={BUFFER} buffers=1\n")
    assert os.read(out, mmap.PAGESIZE) == b"\x5a" * mmap.PAGESIZE
    lib.wait_until(lambda: "in use" not in lib.run(["rmmod", "vb2_cma"], status=None), "the last reference is gone")
    load(carveout)


def huge_bytes(address, size):
    """Number of bytes in a range that are mapped by entries larger than a page."""
    regions = ctypes.create_string_buffer(24 * 64)
    request = struct.pack("=12Q", 96, 0, address, address + size, 0, ctypes.addressof(regions), 64, 0, 0,
                          PAGE_IS_HUGE, 0, PAGE_IS_HUGE)
    with open("/proc/self/pagemap") as pagemap:
        count = fcntl.ioctl(pagemap, PAGEMAP_SCAN, bytearray(request))
    found = [struct.unpack_from("=3Q", regions, 24 * i) for i in range(count)]
    return sum(end - start for start, end, _ in found)


def faults_of(function):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    function()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def stays_one_of_pages(address, size, fitting, content):
    """Move a mapping by pages to an address where large entries fit, drop its pages, read it, and unmap it in two parts.

    It must stay a mapping by pages: the kernel could not split a large entry of it.
    """
    Libc.move(address, size, fitting)
    Libc.forget(fitting, size)
    assert ctypes.string_at(fitting, size) == content
    assert huge_bytes(fitting, size) == 0, "a large entry"
    Libc.unmap(fitting, mmap.PAGESIZE)
    Libc.unmap(fitting + mmap.PAGESIZE, size - mmap.PAGESIZE)


@vm_test(KINDS["huge"], provokes=NEEDED, needs=["huge"])
def large_pieces_are_mapped_as_such():
    """If the address of a mapping fits, one entry maps 2 MB: it is written, pinned, split and unmapped without loss."""
    lib.vb2_cma(backend="carveout")
    size, most = 16 * MB, 16 * MB // PIECE
    place = Libc.reserve(2 * size + 2 * PIECE)
    aligned = (place + PIECE - 1) // PIECE * PIECE
    out, into = os.pipe()
    with Queue() as queue:
        # The buffer's last piece is not a whole one.
        assert queue.create(size - mmap.PAGESIZE) == 0
        address, length = queue.map(0, aligned)
        assert (address, length) == (aligned, size - mmap.PAGESIZE)
        faults = faults_of(lambda: ctypes.memset(address, 0x33, (most - 1) * PIECE))
        assert faults < 100, f"{faults} faults, Python's own among them"
        assert huge_bytes(address, length) == (most - 1) * PIECE
        ctypes.memset(address, 0x44, length)

        Libc.vmsplice(into, address + PIECE - mmap.PAGESIZE, 2 * mmap.PAGESIZE)
        assert os.read(out, 2 * mmap.PAGESIZE) == b"\x44" * 2 * mmap.PAGESIZE
        Libc.unmap(address, 3 * mmap.PAGESIZE)
        assert ctypes.string_at(address + 3 * mmap.PAGESIZE, PIECE) == b"\x44" * PIECE
        assert huge_bytes(address, length) == (most - 2) * PIECE, "the rest of the first one is mapped by pages"
        child = os.fork()
        if child == 0:
            same = ctypes.string_at(address + PIECE, 4 * PIECE) == b"\x44" * 4 * PIECE
            os._exit(0 if same and huge_bytes(address, length) == 4 * PIECE else 1)
        assert os.waitpid(child, 0)[1] == 0, "a child sees the same, by large entries of its own"

        # One that does not fit: by pages, all at once.
        other, _ = queue.map(0, aligned + size + mmap.PAGESIZE)
        faults = faults_of(lambda: ctypes.memset(other, 0x44, length))
        assert faults < 100, f"{faults} faults, Python's own among them, for {length // mmap.PAGESIZE} pages"
        assert huge_bytes(other, length) == 0
        assert ctypes.string_at(other, length) == b"\x44" * length
        Libc.unmap(address, length)
        stays_one_of_pages(other, length, aligned, b"\x44" * length)
    with Queue() as queue:
        assert queue.create(AREA) == 0, "no reference was left behind"


@vm_test(KINDS["huge"], provokes=NEEDED, needs=["huge"])
def a_moved_dma_buf_stays_mapped_by_pages():
    """A dma-buf is mapped by pages and moved to an address where large entries fit: it stays so, and no page is lost."""
    lib.vb2_cma(backend="carveout")
    size = 8 * MB
    place = Libc.reserve(2 * size + 2 * PIECE)
    aligned = (place + PIECE - 1) // PIECE * PIECE
    with Queue() as queue:
        assert queue.create(size) == 0
        dmabuf = queue.export(0)
        address = Libc.map(aligned + size + mmap.PAGESIZE, size, dmabuf, 0)
        os.close(dmabuf)
        ctypes.memset(address, 0x44, size)
        stays_one_of_pages(address, size, aligned, b"\x44" * size)
    with Queue() as queue:
        assert queue.create(AREA) == 0, "no reference was left behind"


def iomem():
    """(depth, first address, last address, name) of each resource in the kernel's list."""
    with open("/proc/iomem") as f:
        lines = re.findall(r"^( *)([0-9a-f]+)-([0-9a-f]+) : (.*)$", f.read(), re.M)
    return [(len(depth), int(first, 16), int(last, 16), name) for depth, first, last, name in lines]


def next_piece(last):
    return (last + PIECE) // PIECE * PIECE


def in_a_bus():
    """The address of a piece in a window of the PCI bus in which no device has registers."""
    resources = iomem()
    for number, (depth, first, last, name) in enumerate(resources):
        if depth or not name.startswith("PCI Bus"):
            continue
        children = itertools.takewhile(lambda resource: resource[0], resources[number + 1:])
        piece = next_piece(max([first - 1, *(child[2] for child in children)]))
        if piece + PIECE - 1 <= last:
            return piece
    raise AssertionError(f"no window of a bus has room: {resources}")


def hole_below_ram():
    """The address of a piece that is in no resource, and that has RAM above it."""
    top = [resource for resource in iomem() if not resource[0]]
    ram = max(last for _, _, last, name in top if name == "System RAM")
    for (_, _, last, _), (_, first, _, _) in itertools.pairwise(top):
        if next_piece(last) + PIECE <= first < ram:
            return next_piece(last)
    raise AssertionError(f"no hole: {top}")


def refuses(value, reason):
    """Check that the module does not load with this value of carveout=, and gives the reason in one sentence."""
    lib.mark_log(value)
    lib.run(["insmod", VB2_CMA, f"carveout={value}"], status=1)
    said = [line for line in lib.dmesg(value).splitlines() if "vb2-cma" in line]
    assert len(said) == 1 and f"carveout={value}" in said[0], said
    lib.expect(said[0], reason)


@vm_test(KINDS["by_name"], settings={"digest": "sha256"}, provokes="carveout=")
def bad_values():
    """A value that does not name usable memory: one sentence gives the reason, and the module does not load."""
    lib.run(["rmmod", "cmacam", "vb2_cma"])
    for value, reason in (
            ("nosuch", r"no memory of this name was reserved; boot with reserve_mem=SIZE:ALIGN:nosuch"),
            ("64M", r"no memory of this name"),
            ("64M@", r"is not valid: use SIZE@START, SIZE@START,huge or the NAME"),
            ("@0x60000000", r"is not valid"),
            ("64M@0x60000000,large", r"is not valid"),
            ("64M@0x60001000", r"size and start must be multiples of 2097152 bytes"),
            ("0@0x60000000", r"size and start must be multiples"),
            ("0xffffffffffe00000@0x60000000", r"size and start must be multiples"),
            ("64M@0x60000000", r"the kernel itself uses this RAM; boot with memmap=64M\$0x60000000 or with a mem="),
            ("2M@0xfec00000", r"this range is in use"),
            ("64M@0xffffffff00000000", r"this range is in use, or its addresses do not exist"),
            (f"2M@{in_a_bus():#x}", r"this range belongs to PCI Bus [0-9a-f:]+ in /proc/iomem, so it is not RAM"),
            ("64M@0x8000000000", r"there is no RAM from 0x8000000000 to 0x8003ffffff")):
        refuses(value, reason)
    load("carveout=cmacam", "backend=carveout")
    exact(count=1)


@vm_test(KINDS["by_address"], provokes="carveout=")
def a_hole_below_ram():
    """Addresses that are in no resource, below RAM that the kernel uses: refused, and nothing is written there."""
    carveout = parameter()
    lib.run(["rmmod", "cmacam", "vb2_cma"])
    hole = hole_below_ram()
    refuses(f"2M@{hole:#x}", r"nothing is known about this range, and the kernel uses RAM above it, so mem= has not "
            rf"excluded it; if RAM is there, boot with memmap=2M\${hole:#x}")
    load(carveout)


@vm_test(provokes=NEEDED)
def without_a_carve_out():
    """backend=carveout without carveout=: the error names the missing parameter, and how to set it."""
    lib.vb2_cma(backend="carveout")
    with Queue() as queue:
        assert queue.create(BUFFER) is None
        lib.expect(lib.last_error(),
                   r"there is no carve-out, 0 parked; boot with reserve_mem=16M:2M:cmacam, "
                   r"load vb2-cma with carveout=cmacam")


@vm_test(dataclasses.replace(SMALL_CMA, allocator_params="carveout=128M@0x60000000"), settings={"digest": "sha256"})
def memory_beyond_mem():
    """RAM above a mem= limit, which the kernel does not use: frames are exact."""
    lib.vb2_cma(backend="carveout")
    exact("--io", "mmap")
    exact("--width", 3840, "--height", 2160, count=3)
