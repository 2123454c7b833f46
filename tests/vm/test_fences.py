# SPDX-License-Identifier: MIT
"""If a device still reads a frame when its buffer is queued again, the engine waits for the device's fence."""

import concurrent.futures
import os
import re
import subprocess

import lib
import nodes
import v4l2
import vgem
from declare import vm_test
from test_unplug import remove, rescan

COUNT = 4
# Frames of the other buffers, while one of them waits.
OTHERS = 12
CHECK = ("/build/libcam-pipeline/cmacam-run", "/build/tests/libcam-pipeline/session_check")


class Stream:
    """The capture node, streaming, with some buffers queued and all buffers exported.

    imported: the dma-bufs of another file of the node are queued, instead of this queue's own buffers.
    """

    def __init__(self, imported=False, count=COUNT):
        self.queue = v4l2.Queue()
        self._exporter = v4l2.Queue() if imported else self.queue
        self._exporter.request(count)
        self.dmabufs = [self._exporter.export(index) for index in range(count)]
        self._maps = [v4l2.map_dmabuf(fd, self.queue.size) for fd in self.dmabufs]
        self._imported = imported
        if imported:
            self._exporter.close()
            self.queue.request(count, v4l2.DMABUF)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.queue.close()
        for picture in self._maps:
            picture.close()
        for fd in self.dmabufs:
            os.close(fd)

    def give(self, index):
        self.queue.queue(index, self.dmabufs[index] if self._imported else -1)

    def start(self):
        for index in range(len(self.dmabufs)):
            self.give(index)
        self.queue.stream()
        return self

    def picture(self, index):
        v4l2.sync(self.dmabufs[index], v4l2.READ | v4l2.START)
        data = bytes(self._maps[index][:65536])
        v4l2.sync(self.dmabufs[index], v4l2.READ | v4l2.END)
        return data

    def take(self, wanted=None):
        """The next frame, or the next frame in the buffer `wanted`. Other buffers are queued again. (index, sequence, bytes)"""
        for _ in range(100):
            frame = self.queue.dequeue()
            if wanted is None or frame[0] == wanted:
                return frame
            self.give(frame[0])
        raise AssertionError(f"buffer {wanted} does not come back")

    def go_round(self, without):
        """Take frames in other buffers than this one. Returns the sequence number of the last frame."""
        for _ in range(OTHERS):
            index, sequence, _ = self.queue.dequeue()
            assert index != without, f"buffer {index} was filled with frame {sequence} while a device reads it"
            self.give(index)
        return sequence


def held_back(imported):
    with vgem.Vgem() as gpu, Stream(imported).start() as stream:
        _, sequence, _ = stream.take(0)
        picture = stream.picture(0)
        readers = [gpu.use(stream.dmabufs[0]) for _ in range(2)]
        stream.give(0)
        for fence in readers:
            last = stream.go_round(without=0)
            assert vgem.is_read(stream.dmabufs[0]) and stream.picture(0) == picture
            gpu.signal(fence)
        assert stream.take(0)[1] > last > sequence
        assert stream.picture(0) != picture


@vm_test()
def a_frame_that_is_read_is_not_overwritten():
    """QBUF succeeds with two open fences. Other buffers get frames; this one gets a frame after the second signal."""
    held_back(imported=False)


@vm_test()
def an_imported_frame_neither():
    """A dma-buf that is queued with V4L2_MEMORY_DMABUF, as libcamera does, is also not overwritten while a fence is open."""
    held_back(imported=True)


@vm_test()
def a_writer_is_waited_for_too():
    """A device that writes to the buffer has one fence, a writer's, and the engine waits for it."""
    with vgem.Vgem() as gpu, Stream().start() as stream:
        stream.take(0)
        fence = gpu.use(stream.dmabufs[0], write=True)
        stream.give(0)
        stream.go_round(without=0)
        gpu.signal(fence)
        stream.take(0)


@vm_test()
def a_signal_while_the_buffer_is_queued_is_heard():
    """50 times, another thread signals the fence during QBUF: the buffer gets a frame each time."""
    with vgem.Vgem() as gpu, Stream().start() as stream, concurrent.futures.ThreadPoolExecutor() as pool:
        for _ in range(50):
            stream.take(0)
            fence = gpu.use(stream.dmabufs[0])
            signalled = pool.submit(gpu.signal, fence)
            stream.give(0)
            signalled.result()
        stream.take(0)


@vm_test()
def all_exports_of_a_buffer_tell_of_the_reader():
    """A fence on one dma-buf of a buffer is on all its dma-bufs, but not on those of other buffers."""
    with vgem.Vgem() as gpu, Stream() as stream:
        second = stream.queue.export(0)
        fence = gpu.use(stream.dmabufs[0])
        assert vgem.is_read(second) and not vgem.is_read(stream.dmabufs[1])
        gpu.signal(fence)
        assert not vgem.is_read(second) and not vgem.is_read(stream.dmabufs[0])
        os.close(second)


@vm_test()
def a_fence_may_be_there_before_the_stream():
    """A device reads some buffers at STREAMON: the first frame goes into the buffer without a fence."""
    with vgem.Vgem() as gpu, Stream(count=3) as stream:
        fences = [gpu.use(stream.dmabufs[index]) for index in (0, 1)]
        stream.start()
        index, sequence, _ = stream.take()
        assert (index, sequence) == (2, 0)
        gpu.signal(fences[0])
        index, sequence, _ = stream.take()
        assert (index, sequence) == (0, 1)
        gpu.signal(fences[1])
        assert stream.take()[:2] == (1, 2)


@vm_test()
def linked_channels_keep_the_order():
    """Main and lores are linked: while a device reads main's next buffer, both wait. Then their n-th frames are the same."""
    lores = nodes.lores().format("NV12", 160, 120)
    lores.set({nodes.LINKED: 1})
    with vgem.Vgem() as gpu, Stream() as stream:
        fence = gpu.use(stream.dmabufs[1])
        lores.prepare(COUNT).start()
        stream.start()
        assert stream.take()[:2] == (0, 0)
        assert lores.take().sequence == 0
        assert vgem.is_read(stream.dmabufs[1])
        gpu.signal(fence)
        assert [stream.take()[:2] for _ in range(COUNT - 1)] == [(1, 1), (2, 2), (3, 3)]
        assert [lores.take().sequence for _ in range(COUNT - 1)] == [1, 2, 3]
    nodes.close(lores)


def ends(how):
    with vgem.Vgem() as gpu, Stream().start() as stream:
        stream.take(0)
        fence = gpu.use(stream.dmabufs[0])
        stream.give(0)
        stream.go_round(without=0)
        how(stream)
        # Nobody has waited for it.
        assert vgem.is_read(stream.dmabufs[0])
        gpu.signal(fence)


@vm_test()
def the_stream_ends_without_the_fence():
    """STREAMOFF, close and unplug return a waiting buffer while the fence is open. A later signal does no harm."""
    def off(stream):
        stream.queue.stream(False)
        # All of them can be queued again, and the one is waited for again.
        stream.start()
        stream.go_round(without=0)

    def close(stream):
        stream.queue.close()
        stream.queue.fd = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    ends(off)
    ends(close)
    ends(lambda stream: remove())
    rescan()
    assert len(lib.probe("--frames", 3)[0]) == 3


@vm_test(provokes="has waited 5 s for a fence")
def a_late_fence_is_named():
    """A fence is open for 5 s: last_error and the log name the buffer and the device, once, and the buffer returns."""
    with vgem.Vgem() as gpu, Stream().start() as stream:
        stream.take(2)
        fence = gpu.use(stream.dmabufs[2])
        stream.give(2)
        told = ["v4l2-ctl", "-d", lib.video(), "-C", "last_error"]
        said = lib.wait_until(lambda: re.search("buffer.*", lib.run(told)), "last_error", 30)
        lib.expect(said[0], r"^buffer 2 has waited 5 s for a fence of vgem \(.*\): ")
        gpu.signal(fence)
        stream.take(2)
    assert lib.dmesg().count("has waited") == 1


@vm_test()
def libcamera_waits_for_a_request_s_fence():
    """The first request has a Fence of libcamera: this request and the later ones complete in order, after the signal."""
    with vgem.Vgem() as gpu:
        dmabuf = gpu.buffer()
        fence = gpu.use(dmabuf)
        file = vgem.sync_file(dmabuf)
        child = subprocess.Popen([*CHECK, "fence", str(file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, pass_fds=(file,))
        said = [child.stdout.readline().strip()]
        while said[-1] != "queued":
            assert said[-1] or child.poll() is None, said
            said.append(child.stdout.readline().strip())
        assert vgem.is_read(dmabuf)
        gpu.signal(fence)
        out, _ = child.communicate(timeout=60 * lib.SLOWER)
        print(out)
        assert child.returncode == 0
        assert [line for line in out.splitlines() if line.startswith("complete")] == \
            [f"complete {n} seq={n}" for n in range(4)], out
        os.close(file)
        os.close(dmabuf)
