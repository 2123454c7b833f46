# SPDX-License-Identifier: MIT
"""Shared memory: our dma-bufs in other drivers, dma-bufs of others in our driver, and the heap."""

import contextlib
import errno
import fcntl
import glob
import grp
import hashlib
import mmap
import os
import pwd
import re
import socket
import stat
import struct
import threading

import lib
import v4l2
from attributes import NOT_CACHED, Reader
from declare import Machine, Skip, vm_test

UDMABUF_CREATE, UDMABUF_CREATE_LIST = 0x40187542, 0x40087543
MFD_HUGETLB = 0x0004
F_ADD_SEALS, F_SEAL_SHRINK = 1033, 2
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
BUFFERS = 3
FRAMES = 9
SMALL = mmap.PAGESIZE


def udmabuf(size, flags=0):
    """A dma-buf of the pages of a memfd."""
    memfd = pages(size, flags)
    with open("/dev/udmabuf", "rb+", buffering=0) as device:
        return fcntl.ioctl(device, UDMABUF_CREATE, bytearray(struct.pack("=IIQQ", memfd, 1, 0, size)), True)


def scattered_udmabuf(size):
    """A udmabuf whose two halves are in the wrong order, so that it is never contiguous."""
    memfd, half = pages(size), size // 2
    items = bytearray(struct.pack("=IIIIQQIIQQ", 1, 2, memfd, 0, half, half, memfd, 0, 0, half))
    with open("/dev/udmabuf", "rb+", buffering=0) as device:
        return fcntl.ioctl(device, UDMABUF_CREATE_LIST, items, True)


def pages(size, flags=0):
    memfd = os.memfd_create("pages", flags | os.MFD_ALLOW_SEALING)
    os.ftruncate(memfd, size)
    fcntl.fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK)
    return memfd


def capture_into(fds, frames=FRAMES, queue=None):
    """SHA-256 of each frame that the board wrote into the given dma-bufs, by sequence number, after a sync."""
    queue = queue or v4l2.Queue()
    queue.request(len(fds), v4l2.DMABUF)
    for index, fd in enumerate(fds):
        queue.queue(index, fd)
    queue.stream()
    seen = {}
    while len(seen) < frames:
        index, sequence, used = queue.dequeue()
        v4l2.sync(fds[index], v4l2.START | v4l2.READ)
        with v4l2.map_dmabuf(fds[index], used) as pixels:
            seen[sequence] = lib.sha256(pixels[:used])
        v4l2.sync(fds[index], v4l2.END | v4l2.READ)
        queue.queue(index, fds[index])
    queue.stream(False)
    queue.close()
    return seen


def exact(seen):
    written, _ = lib.Board.session()
    assert len(seen) == FRAMES
    for sequence, digest in seen.items():
        assert digest == written[sequence]["sha256"], f"frame {sequence} is not what the board wrote"


def refused(fd, reason):
    """Check that QBUF of this dma-buf fails, and that the node gives the reason."""
    queue = v4l2.Queue()
    queue.request(1, v4l2.DMABUF)
    try:
        queue.queue(0, fd)
        raise AssertionError("the dma-buf was taken")
    except OSError as error:
        print(error)
    finally:
        queue.close()
    lib.expect(lib.last_error(), reason)
    exact(capture_into([v4l2.heap_allocate(460800) for _ in range(BUFFERS)]))


@vm_test()
def exports_have_a_name():
    """A dma-buf has its owner and the name of its exporter in fdinfo."""
    queue = v4l2.Queue()
    queue.request(2)
    fd = queue.export(1)
    with open(f"/proc/self/fdinfo/{fd}") as f:
        info = f.read()
    print(info)
    lib.expect(info, r"exp_name:\s+vb2-cma\n")
    lib.expect(info, r"name:\s+[0-9a-f:.]+ capture #\d+\n")


@vm_test(settings={"digest": "sha256"}, provokes="not contiguous")
def scattered_udmabuf_is_refused():
    """A udmabuf of ordinary pages is refused. The error has the exporter, the bytes needed, and the first piece."""
    lib.heap()
    refused(scattered_udmabuf(1 << 20), r"dma-buf of udmabuf is not contiguous: 1048576 bytes needed in one piece, "
            r"the first piece has \d+")


@vm_test(settings={"digest": "sha256"}, provokes="not contiguous")
def scattered_system_heap_is_refused():
    """Memory of the system heap is not contiguous: it is refused with the same sentence."""
    lib.heap()
    # A size that no single block of the heap has.
    refused(v4l2.heap_allocate(460800, lib.SYSTEM_HEAP),
            rf"dma-buf of system is not contiguous: {v4l2.page_align(460800)} bytes needed in one piece, the first piece has \d+")


@vm_test(machine=Machine(memory="2G"), settings={"digest": "sha256"})
def contiguous_udmabuf_is_taken():
    """A udmabuf of a huge page is contiguous: it is imported, and frames arrive in it."""
    not_where_the_dma_api_is_checked("udmabuf")
    with open("/proc/meminfo") as f:
        size = re.search(r"^Hugepagesize: +(\d+) kB$", f.read(), re.M)
    if not size:
        raise Skip("this kernel has no huge pages")
    with open("/proc/sys/vm/nr_hugepages", "w") as f:
        f.write(str(BUFFERS))
    try:
        exact(capture_into([udmabuf(int(size[1]) << 10, MFD_HUGETLB) for _ in range(BUFFERS)]))
    finally:
        with open("/proc/sys/vm/nr_hugepages", "w") as f:
            f.write("0")


@vm_test(settings={"digest": "sha256"})
def heap_buffers_take_frames():
    """Buffers of vb2-cma's dma-heap that the capture queue imports: frames are exact."""
    lib.heap()
    exact(capture_into([v4l2.heap_allocate(460800) for _ in range(BUFFERS)]))


@vm_test(settings={"digest": "sha256"})
def heap_buffers_can_be_write_combining():
    """attribute=wc: the mappings of a heap buffer are write-combining, and frames in such buffers are exact."""
    lib.heap()
    lib.vb2_cma(attribute="wc")
    fds = [v4l2.heap_allocate(460800) for _ in range(BUFFERS)]
    with Reader() as reader, v4l2.map_dmabuf(fds[0], 460800, mmap.PROT_READ | mmap.PROT_WRITE) as pixels:
        assert (reader.user(pixels), reader.vmap(fds[0])) == (NOT_CACHED, NOT_CACHED)
    exact(capture_into(fds))


def refused_and_given_back(queue, size):
    """A queue refuses a heap buffer of this size. After its close(), the buffer is gone, although the queue stays."""
    lib.heap()
    fd = v4l2.heap_allocate(size)
    queue.request(1, v4l2.DMABUF)
    lib.refused(queue.queue, 0, fd, 0, 2 * size)
    os.close(fd)
    lib.wait_until(lambda: not lib.vb2_cma_buffers(), "no buffer is left")
    queue.close()


@vm_test(provokes="buffer too small|cannot be mapped")
def a_refused_import_is_given_back():
    """QBUF states more bytes than the dma-buf has, and is refused: the buffer is free when its descriptor is closed."""
    queue = v4l2.Queue()
    refused_and_given_back(queue, queue.size)


@vm_test()
def a_refused_import_of_metadata_is_given_back():
    """The same on the metadata node, whose buffers are no memory of vb2-cma."""
    refused_and_given_back(v4l2.Queue(node=lib.metadata(), pixels=None, kind=v4l2.META_CAPTURE), SMALL)


@vm_test(provokes="buffer too small")
def one_buffer_at_two_indices():
    """A heap buffer is queued at two indices, and refused at a third: each call synchronises it for every import."""
    lib.heap()
    queue = v4l2.Queue()
    fd = v4l2.heap_allocate(queue.size)
    queue.request(3, v4l2.DMABUF)
    for _ in range(2):
        queue.queue(0, fd)
        queue.queue(1, fd)
        lib.refused(queue.queue, 2, fd, 0, 2 * queue.size)
        queue.stream()
        assert {queue.dequeue()[0], queue.dequeue()[0]} == {0, 1}
        queue.stream(False)
        with v4l2.map_dmabuf(fd, queue.size, mmap.PROT_READ | mmap.PROT_WRITE) as pixels:
            v4l2.sync(fd, v4l2.START | v4l2.RW)
            pixels[:9] = b"a drawing"
            v4l2.sync(fd, v4l2.END | v4l2.RW)
    queue.close()
    os.close(fd)


def allocate_and_free(times):
    """Start a process that allocates and frees pieces of a page block. Returns its ID."""
    child = os.fork()
    if child == 0:
        status = 1
        with contextlib.suppress(OSError):
            for number in range(times):
                os.close(v4l2.heap_allocate((1 + number % 16) << 16))
            status = 0
        os._exit(status)
    return child


@vm_test()
def processes_allocate_at_once():
    """Three processes allocate small buffers anywhere in RAM: no call ends the isolation of another one's page blocks."""
    lib.heap()
    lib.vb2_cma(backend="contig")
    children = [allocate_and_free(300) for _ in range(3)]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]


def error_as_nobody(groups, call):
    """Call a function in another process, as the user nobody with these groups. Returns the errno of its OSError, or 0."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 255
    try:
        user = pwd.getpwnam("nobody")
        os.setgroups(groups)
        os.setresgid(*[user.pw_gid] * 3)
        os.setresuid(*[user.pw_uid] * 3)
        call()
        status = 0
    except OSError as error:
        status = error.errno
    finally:
        os._exit(status)


@vm_test()
def the_group_video_may_use_the_heap():
    """By the udev rule, members of the group video write to a buffer of the heap. Other users cannot open the heap."""
    def write_to_a_buffer():
        fd = v4l2.heap_allocate(SMALL)
        v4l2.sync(fd, v4l2.START | v4l2.WRITE)
        with v4l2.map_dmabuf(fd, SMALL, mmap.PROT_READ | mmap.PROT_WRITE) as content:
            content[:] = bytes(SMALL)
        v4l2.sync(fd, v4l2.END | v4l2.WRITE)

    lib.heap()
    lib.run(["udevadm", "settle", f"--timeout={20 * lib.SLOWER}"])
    video = grp.getgrnam("video").gr_gid
    node = os.stat(lib.HEAP)
    assert (node.st_uid, node.st_gid, stat.S_IMODE(node.st_mode)) == (0, video, 0o660), node
    assert error_as_nobody([video], write_to_a_buffer) == 0
    assert error_as_nobody([], write_to_a_buffer) == errno.EACCES


@vm_test(provokes=r"a buffer can have at most")
def a_heap_buffer_of_4_gib_is_refused():
    """4 GiB from the heap, more than an importer can be given in one piece: EINVAL, and the log has the limit."""
    lib.heap()
    error = lib.refused(v4l2.heap_allocate, 1 << 32)
    assert error.errno == errno.EINVAL, error
    lib.expect(lib.dmesg(), r"0 of 1 buffers allocated: 4294967296 bytes needed for each buffer, but a buffer can have at most "
                            rf"{(1 << 32) - mmap.PAGESIZE} bytes")


@vm_test(machine=Machine(noncoherent=True), settings={"digest": "sha256"}, needs=["cma"])
def heap_buffers_of_a_board_that_does_not_snoop():
    """Heap buffers on a board that does not snoop: a sync reaches the device that imported them."""
    lib.heap()
    for backend in ("cma", "contig"):
        lib.vb2_cma(backend=backend)
        exact(capture_into([v4l2.heap_allocate(460800) for _ in range(BUFFERS)]))


@vm_test(machine=Machine(noncoherent=True), settings={"digest": "sha256"}, needs=["cma"])
def buffers_of_every_backend_are_exact():
    """Buffers of each backend, exported, imported again and synchronised, on a board that does not snoop: exact."""
    for backend in ("cma", "contig", "coherent"):
        lib.vb2_cma(backend=backend)
        frames, _ = lib.probe("--frames", FRAMES, "--io", "dmabuf", "--sync", "--digest")
        exact({int(f["seq"]): f["sha256"] for f in frames})


def not_where_the_dma_api_is_checked(driver):
    """Skip the test on the debug kernel, because the DMA API's checks report this kernel driver's mappings."""
    if os.path.exists("/sys/kernel/debug/dma-api"):
        raise Skip(f"{driver} does not state its segment size, which the DMA API's checks report each time")


def vivid(allocator):
    """The capture node of the kernel's test driver. Its allocator also decides how it imports: 0 vmalloc, 1 dma-contig."""
    if allocator:
        not_where_the_dma_api_is_checked("vivid")
    lib.run(["modprobe", "vivid", "n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0x0",
             f"allocators={allocator}"])
    return lib.wait_until(lambda: next((f"/dev/{path.split('/')[-2]}"
                                        for path in glob.glob("/sys/class/video4linux/*/name")
                                        if "vivid" in open(path).read()), None), "vivid's node is there")


@vm_test(settings={"digest": "sha256"})
def one_heap_buffer_board_vivid_socket():
    """Board and vivid write into one heap buffer (by DMA, vmap, another import); a zero-copy socket sends each picture."""
    lib.heap()
    for allocator in (0, 1):
        node = vivid(allocator)
        fds = [v4l2.heap_allocate(460800) for _ in range(BUFFERS)]
        exact(capture_into(fds))
        test_picture = vivid_frames(node, fds)
        assert len(set(test_picture)) == 1 and test_picture[0] not in \
            {frame["sha256"] for frame in lib.Board.session()[0].values()}, test_picture
        for fd in fds:
            assert sent(fd, 460800) == test_picture[0]
        exact(capture_into(fds))
        assert {sent(fd, 460800) for fd in fds} <= \
            {frame["sha256"] for frame in lib.Board.session()[0].values()}
        for fd in fds:
            os.close(fd)
        lib.run(["rmmod", "vivid"])


def vivid_frames(node, fds):
    """SHA-256 of the still picture that vivid writes into each buffer."""
    lib.run(["v4l2-ctl", "-d", node, "-c", "horizontal_movement=3,osd_text_mode=2,test_pattern=0"])
    queue = v4l2.Queue(node=node)
    queue.request(len(fds), v4l2.DMABUF)
    for index, fd in enumerate(fds):
        queue.queue(index, fd)
    queue.stream()
    seen = []
    for _ in fds:
        index, _, used = queue.dequeue()
        v4l2.sync(fds[index], v4l2.START | v4l2.READ)
        with v4l2.map_dmabuf(fds[index], used) as pixels:
            seen.append(lib.sha256(pixels[:used]))
        v4l2.sync(fds[index], v4l2.END | v4l2.READ)
    queue.stream(False)
    queue.close()
    return seen


def sent(fd, size):
    """SHA-256 at the receiving end of a socket to which the buffer was sent without a copy."""
    here = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(here.getsockname())
    near.setsockopt(socket.SOL_SOCKET, SO_ZEROCOPY, 1)
    far, _ = here.accept()
    digest = hashlib.sha256()

    def receive():
        while data := far.recv(1 << 20):
            digest.update(data)
    peer = threading.Thread(target=receive)
    peer.start()
    v4l2.sync(fd, v4l2.START | v4l2.READ)
    with v4l2.map_dmabuf(fd, size) as pixels, memoryview(pixels) as view:
        done = 0
        while done < size:
            done += near.send(view[done:size], MSG_ZEROCOPY)
    near.shutdown(socket.SHUT_WR)
    peer.join(60)
    assert not peer.is_alive()
    v4l2.sync(fd, v4l2.END | v4l2.READ)
    for end in (here, near, far):
        end.close()
    return digest.hexdigest()
