# SPDX-License-Identifier: MIT
"""Finds stale 64-byte lines in frames, as each kind of reader sees them. The board runs in its mark mode `lines`.

A reader takes a Size and a number of frames, and returns a Seen for each frame. The board loses no frame (starved=hold),
so the n-th frame that arrives at a sink is frame n.
"""

import ctypes
import dataclasses
import fcntl
import mmap
import os
import select
import struct
import subprocess
import tempfile
import time

import lib
import v4l2

LINE = 64
STAMP = 4                       # byte of a line at which its frame's number lies
PROBE = ["/build/libcam-pipeline/cmacam-run", "/build/tests/vm/mapped_probe"]
LIMIT = 60
PIDFD_GETFD = 438


@dataclasses.dataclass(frozen=True)
class Size:
    width: int
    height: int

    @property
    def bytes(self):
        return self.width * self.height * 3 // 2

    @property
    def lines(self):
        """Number of lines with a stamp. The last one may be incomplete."""
        return (self.bytes - STAMP - 4) // LINE + 1


@dataclasses.dataclass
class Seen:
    """The lines of one frame that a reader saw."""

    sequence: int
    lines: int
    stale: int
    sha256: str = ""


VGA = Size(640, 480)
FULL_HD = Size(1920, 1080)
PACKED = Size(322, 242)         # hardly a line of it begins with one of a cache


def stale_lines(data, sequence):
    """(number of lines, number of lines without this frame's number)."""
    columns = [bytes(data[STAMP + i::LINE]) for i in range(4)]
    number = struct.pack("<I", sequence)
    count = len(columns[3])
    if all(column == number[i:i + 1] * count for i, column in enumerate(columns)):
        return count, 0
    return count, sum(bytes(stamp) != number for stamp in zip(*columns))


def look(data, sequence, digest):
    return Seen(sequence, *stale_lines(data, sequence), lib.sha256(data) if digest else "")


# Programs of this project.

def probe(*options, name="cmacam-capture"):
    """Reads by v4l2_probe, from the node with this name."""
    def read(size, count, digest=False):
        frames, lost = lib.probe("--lines", "--frames", count, "--width", size.width, "--height", size.height,
                                 *(["--digest"] if digest else []), *options, device=lib.node(name))
        assert not lost, lost
        return from_lines(frames)
    return read


def mapped_frame(*rectangles):
    """Reads by MappedFrame: whole frames, or rectangles as fractions of the frame (left, top, width, height)."""
    def read(size, count, digest=False):
        options = ["--lines", "--frames", count, "--width", size.width, "--height", size.height]
        options += [] if digest else ["--no-digest"]
        for x, y, width, height in rectangles:
            options += ["--roi", "%d,%d,%d,%d" % (x * size.width, y * size.height, width * size.width,
                                                  height * size.height)]
        out = lib.run([*PROBE, *map(str, options)])
        return from_lines([lib.fields(line) for line in out.splitlines() if line.startswith("frame ")])
    return read


def from_lines(frames):
    return [Seen(int(f["seq"]), int(f["lines"]), int(f["stale_lines"]), f.get("sha256", "")) for f in frames]


# Unmodified programs that write files.

class Sink:
    """A program that writes frames, one after the other, into a FIFO. This class reads the FIFO.

    room: size of the FIFO in bytes. If it is less than half a frame, the program still reads a frame's buffer when this class
    has read the first half of the frame.
    """

    def __init__(self, size, command, room=1 << 20):
        self._size = size
        self._folder = tempfile.TemporaryDirectory()
        path = self._folder.name + "/fifo"
        os.mkfifo(path)
        # For writing too: cam opens and closes it for each frame, which is no end of file then.
        self._fifo = os.open(path, os.O_RDWR)
        fcntl.fcntl(self._fifo, fcntl.F_SETPIPE_SZ, room)
        self._said = tempfile.TemporaryFile()
        self.child = subprocess.Popen([word.replace("FIFO", path) for word in command],
                                      stdout=self._said, stderr=subprocess.STDOUT)

    def read(self, length):
        data = bytearray()
        waited = 0
        while len(data) < length:
            if select.select([self._fifo], [], [], 1)[0]:
                data += os.read(self._fifo, length - len(data))
                waited = 0
                continue
            waited += 1
            if self.child.poll() is not None or waited > LIMIT:
                raise AssertionError(f"{len(data)} of {length} bytes, status {self.child.poll()}\n{self.said()}")
        return data

    def said(self):
        self._said.seek(0)
        return self._said.read().decode(errors="replace")[-6000:]

    def end(self):
        """Check after the last frame: no more data, and status 0."""
        status = self.child.wait(LIMIT)
        assert status == 0, f"status {status}\n{self.said()}"
        assert not select.select([self._fifo], [], [], 0)[0], f"more than was asked for\n{self.said()}"

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        os.close(self._fifo)
        self._said.close()
        self._folder.cleanup()


def cam_command(size, count):
    return ["cam", "-c1", "--stream", f"width={size.width},height={size.height},pixelformat=NV12",
            f"--capture={count}", "--file=FIFO"]


def gst_command(source, size, *elements):
    pipeline = [source, f"video/x-raw,format=NV12,width={size.width},height={size.height}", *elements,
                "filesink location=FIFO"]
    return ["gst-launch-1.0", *" ! ".join(pipeline).split()]


def libcamerasrc_command(size, count):
    return gst_command("libcamerasrc", size, f"identity eos-after={count + 1}")


def cmacamsrc_command(size, count):
    return gst_command(f"cmacamsrc num-buffers={count}", size)


def sink(command):
    def read(size, count, digest=False):
        with Sink(size, command(size, count)) as program:
            frames = [look(program.read(size.bytes), n, digest) for n in range(count)]
            program.end()
        return frames
    return read


# A second reader of the buffers of a program that knows nothing of it.

class Borrowed:
    """Another process's dma-bufs, mapped here. A reader of these mappings begins and ends CPU access."""

    def __init__(self, pid, size):
        self._buffers = {}
        libc = ctypes.CDLL(None, use_errno=True)
        pidfd = os.pidfd_open(pid)
        for name in os.listdir(f"/proc/{pid}/fd"):
            if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("/dmabuf:"):
                continue
            fd = libc.syscall(PIDFD_GETFD, pidfd, int(name), 0)
            assert fd >= 0, os.strerror(ctypes.get_errno())
            inode = os.fstat(fd).st_ino
            if inode in self._buffers or os.lseek(fd, 0, os.SEEK_END) < size.bytes:
                os.close(fd)
                continue
            self._buffers[inode] = (fd, v4l2.map_dmabuf(fd, size.bytes))
        os.close(pidfd)
        assert self._buffers, "no dma-buf in the process"
        self._size = size

    def read(self, sequence, digest):
        """Read the buffer that has this frame, between begin and end of CPU access."""
        for fd, mapping in self._buffers.values():
            if struct.unpack_from("<I", mapping, STAMP)[0] != sequence:
                continue
            v4l2.sync(fd, v4l2.START | v4l2.READ)
            seen = look(mapping[:self._size.bytes], sequence, digest)
            v4l2.sync(fd, v4l2.END | v4l2.READ)
            return seen
        return Seen(sequence, self._size.lines, self._size.lines)

    def close(self):
        for fd, mapping in self._buffers.values():
            mapping.close()
            os.close(fd)


def cam_and_a_disciplined_reader(size, count, digest=False):
    """While cam writes a frame, another process begins CPU access to this frame, reads the frame, and ends access.

    Returns the Seen of both, cam's first.
    """
    frames, borrowed = [], None
    with Sink(size, cam_command(size, count), room=1 << 16) as program:
        for n in range(count):
            first = program.read(size.bytes // 2)
            borrowed = borrowed or Borrowed(program.child.pid, size)
            other = borrowed.read(n, digest)
            frames += [look(first + program.read(size.bytes - len(first)), n, digest), other]
        program.end()
        borrowed.close()
    return frames


def read_call(size, count, digest=False):
    """read() of the video node."""
    queue = v4l2.Queue(size.width, size.height)
    frames = []
    for n in range(count):
        assert select.select([queue.fd], [], [], LIMIT)[0], "no frame"
        frames.append(look(os.read(queue.fd, size.bytes), n, digest))
    queue.close()
    return frames


# Buffers that were not allocated by the queue.

def heap(disciplined):
    """Buffers of the dma-heap, imported by the capture queue and mapped here."""
    def read(size, count, digest=False):
        lib.heap()
        queue = v4l2.Queue(size.width, size.height)
        queue.request(4, v4l2.DMABUF)
        fds = [v4l2.heap_allocate(size.bytes) for _ in range(queue.count)]
        maps = [v4l2.map_dmabuf(fd, size.bytes) for fd in fds]
        frames = capture(queue, fds, maps, count, disciplined, lambda data, n, _: look(data, n, digest))
        close(queue, fds, maps)
        return frames
    return read


def capture(queue, fds, maps, count, disciplined, function, access=v4l2.READ, flags=0, finished=lambda: None):
    """Stream `count` frames, and call function with (bytes, sequence, mapping) of each. Returns the list of its results.

    finished: called when a frame is complete, before it is dequeued.
    """
    for index in range(queue.count):
        queue.queue(index, fds[index] if fds else -1, flags)
    queue.stream()
    results = []
    for _ in range(count):
        queue.wait()
        finished()
        index, sequence, used = queue.dequeue()
        if disciplined:
            v4l2.sync(fds[index], v4l2.START | access)
        results.append(function(maps[index][:used], sequence, maps[index]))
        if disciplined:
            v4l2.sync(fds[index], v4l2.END | access)
        queue.queue(index, fds[index] if fds else -1, flags)
    queue.stream(False)
    return results


def close(queue, fds, maps):
    for mapping in maps:
        mapping.close()
    for fd in fds:
        os.close(fd)
    queue.close()


def await_evictions(rounds=3):
    """Wait until the shim has done this number of further evictions."""
    def count():
        with open("/sys/module/noncoherent/parameters/evictions") as f:
            return int(f.read())
    end = count() + rounds
    limit = time.monotonic() + LIMIT
    while count() < end:
        assert time.monotonic() < limit, f"not {rounds} evictions within {LIMIT} s"
        os.sched_yield()


# Programs that write into the frames they have looked at.

def store(mapping, data):
    mapping[:len(data)] = data


def store_from_file(mapping, data):
    """The kernel writes to the mapping, from a file."""
    with tempfile.TemporaryFile() as f:
        f.write(data)
        f.seek(0)
        f.readinto(memoryview(mapping)[:len(data)])


def store_from_outside(mapping, data):
    """Another process writes to the mapping, through this process's page tables."""
    address = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
    child = os.fork()
    if child == 0:
        with open(f"/proc/{os.getppid()}/mem", "wb", buffering=0) as memory:
            memory.seek(address)
            os._exit(memory.write(data) != len(data))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def store_from_child(mapping, data):
    """A child process writes to the mapping. The child and its mapping end before the buffer is queued."""
    child = os.fork()
    if child == 0:
        store(mapping, data)
        os._exit(0)
    os.waitpid(child, 0)


def scribbler(disciplined, flags=0, memory_flags=0, write=store, **options):
    """A reader that overwrites each frame after reading it. vb2-cma must clean these dirty lines before the engine writes."""
    def read(size, count, digest=False):
        queue = v4l2.Queue(size.width, size.height)
        queue.request(4, v4l2.MMAP, memory_flags)
        fds = [queue.export(n) for n in range(queue.count)] if disciplined else []
        writable = mmap.PROT_READ | mmap.PROT_WRITE
        maps = [v4l2.map_dmabuf(fds[n], size.bytes, writable) if disciplined else queue.map(n, writable)
                for n in range(queue.count)]

        def scribble(data, sequence, mapping):
            seen = look(data, sequence, digest)
            write(mapping, b"\x5a" * len(data))
            return seen

        frames = capture(queue, fds, maps, count, disciplined, scribble, v4l2.RW, flags, **options)
        close(queue, fds, maps)
        return frames
    return read
