# SPDX-License-Identifier: MIT
"""Helpers of the tests of cache maintenance costs: counters, a camera, and other processes."""

import collections
import contextlib
import mmap
import os
import signal

import lib
import maintenance
import stale
import v4l2
from tracefs import Trace

SIZE = stale.VGA
BUFFER = v4l2.page_align(SIZE.bytes)
BUFFERS = 4
WARM_UP = 2 * BUFFERS               # frames until the kernel knows who keeps to the rules


class Costs(Trace):
    """Counts cache maintenance while a block runs: from our trace events, and from those of the DMA API.

    Where the architecture has functions for it, they have to be called for exactly the ranges that the DMA API was told.
    """

    def __init__(self):
        super().__init__("vb2_cma", "dma:dma_sync_single_for_cpu", "dma:dma_sync_single_for_device",
                         "dma:dma_sync_sg_for_cpu", "dma:dma_sync_sg_for_device", *maintenance.events())
        self._buffers = {}      # {address: bytes} of those that existed at the beginning

    def __enter__(self):
        lines = map(lib.fields, lib.vb2_cma_buffers().splitlines())
        self._buffers = {int(each["dma"], 0): int(each["size"]) for each in lines}
        return super().__enter__()

    def __exit__(self, kind, *exc):
        super().__exit__(kind, *exc)
        if kind is None and maintenance.exists():
            for target in maintenance.FUNCTIONS:
                told, done = collections.Counter(self.told(target)), collections.Counter(maintenance.done(self, target))
                asked = collections.Counter(maintenance.done(self, target, to_device=not maintenance.writes_back()))
                assert not told - done and not asked - told, \
                    f"for_{target}: not done {dict(told - done)}, done without being told {dict(asked - told)}"

    def told(self, target):
        """[(address, bytes)] that the DMA API was told to synchronise."""
        return [(int(e.fields["dma_addr"], 16), int(e.fields["size"])) for e in self.named(f"dma_sync_single_for_{target}")]

    def lines(self, target):
        """Numbers of the cache lines that the DMA API was told to synchronise, each in its buffer."""
        buffers = self._buffers | {int(e.fields["dma"], 0): int(e.fields["size"]) for e in self.named("vb2_cma_alloc")}
        lines = set()
        for address, size in self.told(target):
            start = max(each for each in buffers if each <= address)
            assert address + size <= start + buffers[start], f"{size} bytes at {address:#x} are in no buffer: {buffers}"
            lines |= set(range((address - start) // stale.LINE, (address - start + size - 1) // stale.LINE + 1))
        return lines

    def bytes(self, target, **fields):
        return sum(int(e.fields["bytes"]) for e in self.named("vb2_cma_sync", target=target, **fields))

    def syncs(self, target, **fields):
        return len(self.named("vb2_cma_sync", target=target, **fields))

    def allocated(self):
        return sum(int(e.fields["size"]) for e in self.named("vb2_cma_alloc"))

    def check(self, cpu, device):
        """Compare the bytes with our events and with those of the DMA API. Only the board's frames may be synchronised."""
        assert (self.bytes("cpu"), self.bytes("device")) == (cpu, device), self.summary()
        for target, wanted in (("cpu", cpu), ("device", device)):
            self.lines(target)      # fails if a range is in no buffer
            told = sum(size for _, size in self.told(target))
            assert told == wanted, f"for_{target}: our events say {wanted} bytes, the DMA API's {told}"
            assert not self.named(f"dma_sync_sg_for_{target}")

    def summary(self):
        counts = {}
        for e in self.events:
            key = (e.name, *(e.fields.get(k, "") for k in ("target", "reason")))
            number, total = counts.get(key, (0, 0))
            counts[key] = number + 1, total + int(e.fields.get("bytes", e.fields.get("size", 0)))
        return "\n".join(f"{key}: {number} times, {total} bytes" for key, (number, total) in counts.items())


class Camera:
    """A queue that streams. Each buffer is exported the wanted number of times. No buffer is mapped yet."""

    def __init__(self, size=SIZE):
        self.size = size
        self.queue = v4l2.Queue(size.width, size.height)
        self.queue.request(BUFFERS)
        self.fds = []
        self.maps = []

    def export(self):
        self.fds = [self.queue.export(n) for n in range(BUFFERS)]

    def map(self, protection=mmap.PROT_READ):
        """Map the buffers: through the dma-bufs if they were exported, else through the video node."""
        self.maps = [v4l2.map_dmabuf(self.fds[n], self.size.bytes, protection) if self.fds
                     else self.queue.map(n, protection) for n in range(BUFFERS)]

    def start(self):
        for n in range(BUFFERS):
            self.queue.queue(n)
        self.queue.stream()

    def frames(self, count, flags=0):
        """(index, sequence) of each frame. After the loop's body, the buffer is queued again."""
        for _ in range(count):
            index, sequence, _ = self.queue.dequeue()
            yield index, sequence
            self.queue.queue(index, flags=flags)

    def stale(self, index, sequence):
        return stale.stale_lines(self.maps[index][:self.size.bytes], sequence)[1]

    def fresh(self, index, sequence):
        """Numbers of the cache lines that have the stamp of this frame."""
        stamp = sequence.to_bytes(4, "little")
        places = range(stale.STAMP, stale.LINE * self.size.lines, stale.LINE)
        return {place // stale.LINE for place in places if self.maps[index][place:place + 4] == stamp}

    def close(self):
        self.queue.stream(False)
        stale.close(self.queue, self.fds, self.maps)


@contextlib.contextmanager
def camera(exported=False, mapped=False, protection=mmap.PROT_READ, size=SIZE):
    it = Camera(size)
    if exported:
        it.export()
    if mapped:
        it.map(protection)
    it.start()
    yield it
    it.close()


def read_whole(it, index, sequence):
    v4l2.sync(it.fds[index], v4l2.START | v4l2.READ)
    assert not it.stale(index, sequence)
    v4l2.sync(it.fds[index], v4l2.END | v4l2.READ)


class Reader:
    """A process with its own mappings. It begins access, checks the lines, and ends access when a test tells it to."""

    def __init__(self, it, mapped=True):
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                if mapped:
                    it.map()
                os.write(answers, b"ready")
                while (words := os.read(commands, 64).decode().split()) != ["end"]:
                    os.write(answers, self._obey(it, *words))
            finally:
                os._exit(0)
        os.close(commands)
        os.close(answers)
        # A mapping that comes later synchronises what the engine has written by then, which no test expects.
        assert os.read(self._from, 64) == b"ready"

    @staticmethod
    def _obey(it, what, index, sequence):
        index, sequence = int(index), int(sequence)
        if what != "look":
            v4l2.sync(it.fds[index], (v4l2.START if what == "begin" else v4l2.END) | v4l2.READ)
            return b"done"
        return b"stale" if it.stale(index, sequence) else b"fresh"

    def ask(self, what, index, sequence):
        os.write(self._to, f"{what} {index} {sequence}".encode())
        return os.read(self._from, 64).decode()

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        self._reap()

    def end(self):
        os.write(self._to, b"end")
        self._reap()

    def _reap(self):
        os.waitpid(self.pid, 0)
        os.close(self._from)
        os.close(self._to)
