# SPDX-License-Identifier: MIT
"""Sequences of calls that once lost data of the CPU, or showed old pixels to a reader. A review found them."""

import mmap
import os
import signal

import lib
import v4l2
from costs import Costs
from declare import Machine, vm_test
from test_dmabuf import vivid

SIZE = 460800
WRITABLE = mmap.PROT_READ | mmap.PROT_WRITE


def one_frame(queue, fd, flags=0):
    """The board writes one frame into the buffer with index 0."""
    queue.queue(0, fd, flags)
    queue.stream()
    assert queue.dequeue()[0] == 0
    queue.stream(False)


@vm_test(machine=Machine(noncoherent=True))
def an_import_that_ends_keeps_what_was_drawn():
    """A program draws on a frame in a heap buffer. When the import ends, the drawing is still there."""
    lib.heap()
    fd = v4l2.heap_allocate(SIZE)
    queue = v4l2.Queue()
    queue.request(1, v4l2.DMABUF)
    one_frame(queue, fd)
    with v4l2.map_dmabuf(fd, SIZE, WRITABLE) as pixels:
        v4l2.sync(fd, v4l2.START | v4l2.RW)
        frame = bytearray(pixels[:SIZE])
        frame[1000:1100] = pixels[1000:1100] = b"x" * 100
        v4l2.sync(fd, v4l2.END | v4l2.RW)
        queue.request(0, v4l2.DMABUF)
        v4l2.sync(fd, v4l2.START | v4l2.READ)
        assert pixels[:SIZE] == frame, "torn down, the import took the drawing along"
        v4l2.sync(fd, v4l2.END | v4l2.READ)
    queue.close()
    os.close(fd)


@vm_test(machine=Machine(noncoherent=True), settings={"digest": "sha256"})
def a_frame_nobody_read_outlives_its_import():
    """An import ends while its buffer is stale: the frame can still be read."""
    lib.heap()
    fd = v4l2.heap_allocate(SIZE)
    queue = v4l2.Queue()
    queue.request(1, v4l2.DMABUF)
    one_frame(queue, fd)
    queue.request(0, v4l2.DMABUF)
    v4l2.sync(fd, v4l2.START | v4l2.READ)
    with v4l2.map_dmabuf(fd, SIZE) as pixels:
        assert lib.sha256(pixels[:SIZE]) == lib.Board.session()[0][0]["sha256"]
    v4l2.sync(fd, v4l2.END | v4l2.READ)
    queue.close()
    os.close(fd)


@vm_test(machine=Machine(noncoherent=True))
def what_a_hint_spared_is_not_forgotten():
    """Written, queued with NO_CACHE_CLEAN, then queued without the flag: the second QBUF cleans the buffer."""
    queue = v4l2.Queue()
    queue.request(1)
    fd = queue.export(0)
    one_frame(queue, -1)    # the kernel's zeroes are out
    with queue.map(0, WRITABLE) as pixels:
        v4l2.sync(fd, v4l2.START | v4l2.RW)
        pixels[0] = 1
        v4l2.sync(fd, v4l2.END | v4l2.RW)
    for flags, cleans in ((v4l2.NO_CACHE_CLEAN, 0), (0, 1), (0, 0)):
        with Costs() as costs:
            one_frame(queue, -1, flags)
        assert costs.syncs("device", reason="qbuf") == cleans, (flags, costs.summary())
    queue.close()
    os.close(fd)


@vm_test(machine=Machine(noncoherent=True))
def the_kernels_zeroes_are_cleaned_whatever_is_promised():
    """NO_CACHE_CLEAN on the first use of a buffer: it is cleaned anyway, because the kernel wrote the zeroes."""
    queue = v4l2.Queue()
    queue.request(1)
    with Costs() as costs:
        one_frame(queue, -1, v4l2.NO_CACHE_CLEAN)
    assert costs.syncs("device", reason="qbuf") == 1, costs.summary()
    queue.close()


@vm_test()
def a_dead_reader_hides_nothing_from_a_stock_importer():
    """A process dies during its access to a buffer that vivid imports: later begins and ends still synchronise with vivid."""
    lib.heap()
    queue = v4l2.Queue(node=vivid(1))
    fd = v4l2.heap_allocate(SIZE)
    queue.request(1, v4l2.DMABUF)
    one_frame(queue, fd)

    begun, told = os.pipe()
    child = os.fork()
    if child == 0:
        v4l2.map_dmabuf(fd, SIZE)
        v4l2.sync(fd, v4l2.START | v4l2.RW)
        os.write(told, b"x")
        signal.pause()
    assert os.read(begun, 1) == b"x"
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    with Costs() as costs:
        v4l2.sync(fd, v4l2.START | v4l2.RW)
        v4l2.sync(fd, v4l2.END | v4l2.RW)
    assert costs.syncs("cpu", reason="begin") == 1, costs.summary()
    assert costs.syncs("device", reason="end") == 1, costs.summary()
    queue.close()
    os.close(fd)
    lib.run(["rmmod", "vivid"])


@vm_test()
def a_dma_buf_to_read_can_be_mapped():
    """A buffer that is exported without O_RDWR can be mapped for reading, but not for writing."""
    queue = v4l2.Queue()
    queue.request(1)
    fd = queue.export(0, os.O_CLOEXEC)
    with v4l2.map_dmabuf(fd, SIZE) as pixels:
        assert pixels[:SIZE] == bytes(SIZE)
    try:
        v4l2.map_dmabuf(fd, SIZE, WRITABLE)
        raise AssertionError("mapped to write what was opened to read")
    except PermissionError:
        pass
    os.close(fd)
    queue.close()
