# SPDX-License-Identifier: MIT
"""Frames for processes that are not trusted: read-only dma-bufs, and a FrameServer beside a reader that misbehaves."""

import errno
import mmap
import os
import re
import subprocess
import sys

import lib
import v4l2
from declare import vm_test
from libc import Libc
from test_dmabuf import udmabuf
from test_library import EXAMPLES, SOCKET, end, failure, module, server
from test_unplug import PACED

NODE = "/dev/vb2-cma"
SIZE = 64 << 10
WRITES = (v4l2.WRITE, v4l2.READ | v4l2.WRITE)


def denied(call, *arguments, error=errno.EACCES):
    found = lib.refused(call, *arguments)
    assert found.errno == error, (call, arguments, found)


def write_through_proc(address):
    """A write by way of /proc/self/mem, which ignores the protection of private mappings."""
    with open("/proc/self/mem", "rb+", buffering=0) as memory:
        memory.seek(address)
        memory.write(b"x")


@vm_test()
def a_reader_s_dmabuf_cannot_be_written():
    """VB2_CMA_IOC_READER: a read-only view of the same memory. Each way to write is refused, with EACCES where it has a name."""
    lib.heap()
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    fd = v4l2.heap_allocate(SIZE)
    reader = v4l2.reader_of(node, fd)
    assert os.fstat(reader).st_ino != os.fstat(fd).st_ino
    assert not os.get_inheritable(reader)

    pixels = v4l2.map_dmabuf(fd, SIZE, mmap.PROT_READ | mmap.PROT_WRITE)
    seen = v4l2.map_dmabuf(reader, SIZE)
    pixels[4097] = 77
    assert seen[4097] == 77, "it is one memory"

    denied(v4l2.map_dmabuf, reader, SIZE, mmap.PROT_READ | mmap.PROT_WRITE)
    denied(v4l2.map_dmabuf, reader, SIZE, mmap.PROT_WRITE)
    denied(lambda: mmap.mmap(reader, SIZE, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_WRITE))
    address = Libc.map_to_read(SIZE, reader)
    denied(Libc.protect, address, SIZE, mmap.PROT_READ | mmap.PROT_WRITE)
    denied(write_through_proc, address, error=errno.EIO)
    Libc.unmap(address, SIZE)
    lib.refused(os.open, f"/proc/self/fd/{reader}", os.O_RDWR)
    denied(os.write, reader, b"x", error=errno.EBADF)

    for flags in WRITES:
        denied(v4l2.sync, reader, v4l2.START | flags)
        denied(v4l2.sync, reader, v4l2.END | flags)
        denied(v4l2.sync_part, node, reader, v4l2.START | flags, 0, 64, 64, 1)
        denied(v4l2.sync_part, node, reader, v4l2.END | flags, 0, 64, 64, 1)
    v4l2.sync(reader, v4l2.START | v4l2.READ)
    v4l2.sync_part(node, reader, v4l2.START | v4l2.READ, 0, 64, 64, 1)
    v4l2.sync_part(node, reader, v4l2.END | v4l2.READ, 0, 64, 64, 1)
    v4l2.sync(reader, v4l2.END | v4l2.READ)

    again = v4l2.reader_of(node, reader)
    denied(v4l2.sync, again, v4l2.START | v4l2.WRITE)

    # The memory lives as long as any dma-buf of it.
    pixels.close()
    for descriptor in (fd, again):
        os.close(descriptor)
    assert seen[4097] == 77
    seen.close()
    with v4l2.map_dmabuf(reader, SIZE) as later:
        assert later[4097] == 77
    for descriptor in (reader, node):
        os.close(descriptor)


@vm_test(provokes="is for reading only")
def a_device_does_not_write_to_a_reader_s_dmabuf():
    """The board's node, which would write, cannot queue the dma-buf of VB2_CMA_IOC_READER, but queues the exported one."""
    lib.heap()
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    queue = v4l2.Queue()
    queue.request(1, v4l2.DMABUF)
    fd = v4l2.heap_allocate(queue.size)
    reader = v4l2.reader_of(node, fd)
    denied(queue.queue, 0, reader)
    lib.expect(lib.last_error(), "dma-buf of vb2-cma is for reading only: no device may write to it")
    queue.queue(0, fd)
    queue.close()
    for descriptor in (reader, fd, node):
        os.close(descriptor)


@vm_test()
def what_has_no_reader_s_dmabuf():
    """VB2_CMA_IOC_READER refuses wrong arguments with the errors in its header. An EXPBUF with O_RDONLY is as it was."""
    node = os.open(NODE, os.O_RDWR | os.O_CLOEXEC)
    denied(v4l2.reader_of, node, 1 << 20, error=errno.EBADF)
    denied(v4l2.reader_of, node, node, error=errno.EINVAL)
    foreign = udmabuf(SIZE)
    denied(v4l2.reader_of, node, foreign, error=errno.EOPNOTSUPP)
    os.close(foreign)

    queue = v4l2.Queue()
    queue.request(2)
    exported = queue.export(0, os.O_RDONLY | os.O_CLOEXEC)
    denied(v4l2.reader_of, node, exported, 1, error=errno.EINVAL)
    v4l2.sync(exported, v4l2.START | v4l2.READ | v4l2.WRITE)
    v4l2.sync(exported, v4l2.END | v4l2.READ | v4l2.WRITE)

    # Its memory outlives the queue that it was allocated for.
    reader = v4l2.reader_of(node, exported)
    os.close(exported)
    queue.close()
    with v4l2.map_dmabuf(reader, SIZE) as pixels:
        assert len(pixels[:SIZE]) == SIZE
    for descriptor in (reader, node):
        os.close(descriptor)


def rude_reader():
    """Start rude_reader.py, and wait until it has tried to write."""
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "rude_reader.py")
    child = subprocess.Popen([sys.executable, program, SOCKET], stdout=subprocess.PIPE, text=True)
    line = child.stdout.readline().strip()
    if line != "read-only":
        child.kill()
        raise AssertionError(f"a reader can write: {line or 'it failed'}")
    return child


@vm_test(settings=PACED, limit=200)
def a_rude_reader_disturbs_nobody():
    """A reader floods, stalls, lies, sends descriptors, dies and connects again: a good reader goes on, and no frame is lost."""
    child = server("--buffers", 8, "--patience", 30)
    rude = rude_reader()
    try:
        assert rude.stdout.readline() == "misbehaves\n"
        good = lib.run([f"{EXAMPLES}/share-client", "--socket", SOCKET, "--frames", "90"])
        assert rude.poll() is None, "the rude reader has ended"
    finally:
        rude.kill()
        rude.communicate()
    seen = [int(number) for number in re.findall(r"^frame sequence=(\d+)", good, re.M)]
    assert len(seen) == 90, good
    assert seen[-1] - seen[0] < 3 * 90, "most frames went to the rude reader"
    said = end(child)
    lib.expect(said, r"was disconnected: .*is not expected here")
    lib.expect(said, r"was disconnected: a message is longer than the protocol allows")
    lib.expect(said, r", lost 0, starved 0\n")


@vm_test(settings=PACED)
def readers_do_not_write():
    """A frame of FrameClient cannot be mapped for writing (EACCES), unless the server was started with --writable."""
    child = server()
    with module().FrameClient(SOCKET) as client:
        frame = client.next()
        failure(errno.EACCES, frame.map, write=True)
        with frame.map() as pixels:
            assert pixels.gray.shape[1] == 640
    end(child)

    child = server("--writable")
    with module().FrameClient(SOCKET) as client, client.next().map(write=True) as pixels:
        pixels.gray[0, 0] = 1
    end(child)
