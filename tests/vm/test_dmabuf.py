# SPDX-License-Identifier: MIT
"""Memory that is shared: our dma-bufs with other drivers, those of others with ours, and the heap."""

import fcntl
import glob
import hashlib
import os
import socket
import struct
import threading

import lib
import v4l2
from declare import Machine, Skip, vm_test

UDMABUF_CREATE, UDMABUF_CREATE_LIST = 0x40187542, 0x40087543
MFD_HUGETLB = 0x0004
F_ADD_SEALS, F_SEAL_SHRINK = 1033, 2
SO_ZEROCOPY, MSG_ZEROCOPY = 60, 0x4000000
BUFFERS = 3
FRAMES = 9


def udmabuf(size, flags=0):
    """A dma-buf of the pages of a memfd."""
    memfd = pages(size, flags)
    with open("/dev/udmabuf", "rb+", buffering=0) as device:
        return fcntl.ioctl(device, UDMABUF_CREATE, bytearray(struct.pack("=IIQQ", memfd, 1, 0, size)), True)


def scattered_udmabuf(size):
    """The same with its halves in the wrong order: in one piece by no chance."""
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
    """SHA-256 of each frame that the board wrote into the given dma-bufs, by its sequence, synchronised."""
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
    """QBUF of this dma-buf fails, and the node says why."""
    queue = v4l2.Queue()
    queue.request(1, v4l2.DMABUF)
    try:
        queue.queue(0, fd)
        raise AssertionError("the dma-buf was taken")
    except OSError as error:
        print(error)
    finally:
        queue.close()
    lib.expect(lib.run(["v4l2-ctl", "-d", lib.video(), "-C", "last_error"]), reason)
    exact(capture_into([v4l2.heap_allocate(460800) for _ in range(BUFFERS)]))


@vm_test()
def exports_have_a_name():
    """A dma-buf says whose it is in fdinfo, and its exporter's name."""
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
    """udmabuf of ordinary pages: refused, with the exporter's name, bytes needed and the first piece."""
    lib.heap()
    refused(scattered_udmabuf(1 << 20), r"dma-buf of udmabuf is not contiguous: 1048576 bytes needed in one piece, "
            r"the first piece has \d+")


@vm_test(settings={"digest": "sha256"}, provokes="not contiguous")
def scattered_system_heap_is_refused():
    """The system heap's memory has pieces: refused in the same words."""
    lib.heap()
    # A size that no single block of the heap has.
    refused(v4l2.heap_allocate(460800, "system"),
            r"dma-buf of system is not contiguous: 462848 bytes needed in one piece, the first piece has \d+")


@vm_test(machine=Machine(memory="2G"), settings={"digest": "sha256"})
def contiguous_udmabuf_is_taken():
    """udmabuf of a huge page is in one piece: frames arrive there."""
    not_where_the_dma_api_is_checked("udmabuf")
    with open("/proc/sys/vm/nr_hugepages", "w") as f:
        f.write(str(BUFFERS))
    try:
        exact(capture_into([udmabuf(2 << 20, MFD_HUGETLB) for _ in range(BUFFERS)]))
    finally:
        with open("/proc/sys/vm/nr_hugepages", "w") as f:
            f.write("0")


@vm_test(settings={"digest": "sha256"})
def heap_buffers_take_frames():
    """Buffers of /dev/dma_heap/cmacam, imported by the capture queue: exact."""
    lib.heap()
    exact(capture_into([v4l2.heap_allocate(460800) for _ in range(BUFFERS)]))


@vm_test(machine=Machine(noncoherent=True), settings={"digest": "sha256"})
def heap_buffers_of_a_board_that_does_not_snoop():
    """The same where the board's DMA is not coherent: the sync reaches the device that imported."""
    lib.heap()
    for backend in ("cma", "contig"):
        lib.vb2_cma(backend=backend)
        exact(capture_into([v4l2.heap_allocate(460800) for _ in range(BUFFERS)]))


@vm_test(machine=Machine(noncoherent=True), settings={"digest": "sha256"})
def buffers_of_every_backend_are_exact():
    """Exported, re-imported and synchronised on a board that does not snoop, from each backend there is."""
    for backend in ("cma", "contig", "coherent"):
        lib.vb2_cma(backend=backend)
        frames, _ = lib.probe("--frames", FRAMES, "--io", "dmabuf", "--sync", "--digest")
        exact({int(f["seq"]): f["sha256"] for f in frames})


def not_where_the_dma_api_is_checked(driver):
    """A driver of the kernel's own whose mappings the DMA API's checks complain of."""
    if os.path.exists("/sys/kernel/debug/dma-api"):
        raise Skip(f"{driver} does not state its segment size, which the DMA API's checks report each time")


def vivid(allocator):
    """The capture node of the kernel's test driver, which imports as it allocates: 0 vmalloc, 1 dma-contig."""
    if allocator:
        not_where_the_dma_api_is_checked("vivid")
    lib.run(["modprobe", "vivid", "n_devs=1", "node_types=0x1", "num_inputs=1", "input_types=0x0",
             f"allocators={allocator}"])
    return lib.wait_until(lambda: next((f"/dev/{path.split('/')[-2]}"
                                        for path in glob.glob("/sys/class/video4linux/*/name")
                                        if "vivid" in open(path).read()), None), "vivid's node is there")


@vm_test(settings={"digest": "sha256"})
def one_heap_buffer_board_vivid_socket():
    """Board and vivid write into the same heap buffer, by DMA, by vmap and by another import; a zero-copy
    socket sends each picture."""
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
    """SHA-256 of what vivid, told to show a still picture, writes into each buffer."""
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
    """SHA-256 at the far end of a socket to which the buffer was sent without a copy."""
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
