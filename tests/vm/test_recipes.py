# SPDX-License-Identifier: MIT
"""Tests of the recipes in docs/memory.md."""

import errno
import mmap
import os
import resource
import select

import lib
import v4l2
from declare import Machine, vm_test
from test_carveout import KINDS
from test_dmabuf import sent
from test_unplug import remove, rescan

FULL_HD = (1920, 1080)
UHD = (3840, 2160)


def vm_flags(address_of):
    """VmFlags (proc_pid_smaps(5)) of the mapping whose line in smaps contains the text."""
    with open("/proc/self/smaps") as f:
        inside = False
        for line in f:
            if address_of in line:
                inside = True
            if inside and line.startswith("VmFlags:"):
                return set(line.split()[1:])
    raise AssertionError(f"no mapping of {address_of}")


def faults_while_touching(pixels):
    """Number of page faults when one byte of each page is read."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    pixels[::mmap.PAGESIZE]
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


@vm_test(needs=["cma"])
def user_mapping_is_cached():
    """Frames are mapped as ordinary, cached pages. backend=coherent maps them as the DMA API does."""
    for backend, special in (("cma", False), ("contig", False), ("coherent", True)):
        lib.vb2_cma(backend=backend)
        queue = v4l2.Queue()
        queue.request(1)
        fd = queue.export(0)
        with v4l2.map_dmabuf(fd, queue.size):
            flags = vm_flags("dmabuf")
            assert ("pf" in flags or "io" in flags) == special, (backend, flags)
        os.close(fd)
        queue.close()


@vm_test()
def whole_buffer_mapped_at_once():
    """By default, no page of a mapping faults. With mmap=fault, each page faults."""
    pages = v4l2.page_align(FULL_HD[0] * FULL_HD[1] * 3 // 2) // mmap.PAGESIZE
    for mode, least, most in (("populate", 0, 16), ("fault", pages, pages + 16)):
        lib.vb2_cma(mmap=mode)
        queue = v4l2.Queue(*FULL_HD)
        queue.request(1)
        with queue.map(0) as pixels:
            count = faults_while_touching(pixels)
        print(mode, count, "faults for", pages, "pages")
        assert least <= count <= most, (mode, count)
        queue.close()


@vm_test(machine=Machine(noncoherent=True), settings={"digest": "sha256"}, needs=["cma"])
def large_frames_without_snooping():
    """12 MB in one piece, cached, on a board that does not snoop: exact, with CMA and without CMA."""
    for backend in ("cma", "contig"):
        lib.vb2_cma(backend=backend)
        frames, _ = lib.probe("--width", UHD[0], "--height", UHD[1], "--frames", 2, "--digest")
        written, _ = lib.Board.session()
        assert len(frames) == 2
        for frame in frames:
            assert frame["sha256"] == written[int(frame["seq"])]["sha256"], (backend, frame)


@vm_test(machine=KINDS["huge"], settings={"digest": "sha256"}, needs=["huge"])
def memory_outside_the_kernel_is_sent_zero_copy():
    """RAM that the kernel does not use: a zero-copy socket sends a frame in this RAM."""
    lib.vb2_cma(backend="carveout")
    queue = v4l2.Queue(*UHD)
    queue.request(1)
    fd = queue.export(0)
    queue.queue(0)
    queue.stream()
    _, sequence, used = queue.dequeue()
    assert sent(fd, used) == lib.Board.session()[0][sequence]["sha256"]
    os.close(fd)
    queue.close()


@vm_test(settings={"digest": "sha256", "fps": "sensor"})
def mmap_poll_nonblocking_read_unplug():
    """One driver has poll(), a read() that does not block, mmap, and an unplug while frames are mapped."""
    v4l2.Queue().close()    # sets the format
    fd = os.open(lib.video(), os.O_RDWR | os.O_NONBLOCK)
    for _ in range(100):
        try:
            os.read(fd, 1 << 20)
        except BlockingIOError:
            break
    else:
        raise AssertionError("a read that does not block always had a frame")
    assert select.select([fd], [], [], v4l2.LIMIT)[0]
    frame = os.read(fd, 1 << 20)
    os.close(fd)
    written, _ = lib.Board.session()
    assert lib.sha256(frame) in {entry["sha256"] for entry in written.values()}

    queue = v4l2.Queue()
    queue.request(2)
    mappings = [queue.map(index) for index in range(2)]
    for index in range(2):
        queue.queue(index)
    queue.stream()
    index, sequence, used = queue.dequeue()
    digest = lib.sha256(mappings[index][:used])
    assert digest == lib.Board.session()[0][sequence]["sha256"]

    remove()
    try:
        queue.queue(index)
        raise AssertionError("queued to a board that is gone")
    except OSError as error:
        assert error.errno == errno.ENODEV, error
    assert lib.sha256(mappings[index][:used]) == digest, "the frame is still there"
    for mapping in mappings:
        mapping.close()
    queue.close()
    rescan()
    frames, _ = lib.probe("--frames", 3)
    assert len(frames) == 3
