# SPDX-License-Identifier: MIT
"""Direct V4L2, dma-buf and dma-heap calls, for tests that need a special order of calls or special flags.

The numbers are those of linux/videodev2.h, linux/v4l2-subdev.h, linux/dma-buf.h, linux/dma-heap.h and linux/vb2-cma.h. On
32 bits, a structure with a pointer is smaller, and so its ioctls have other numbers.
"""

import collections
import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import select
import struct

import lib

VIDEO_CAPTURE, VIDEO_OUTPUT, META_CAPTURE = 1, 2, 13    # enum v4l2_buf_type
MMAP, DMABUF = 1, 4                 # enum v4l2_memory
ERROR = 0x40                        # V4L2_BUF_FLAG_ERROR
CROP, CROP_DEFAULT, CROP_BOUNDS = 0, 1, 2       # V4L2_SEL_TGT_*
COMPOSE_BOUNDS = 0x102
DISCRETE, CONTINUOUS, STEPWISE = 1, 2, 3        # enum v4l2_frmsizetypes, enum v4l2_frmivaltypes
NO_CACHE_INVALIDATE, NO_CACHE_CLEAN = 0x800, 0x1000
DONE, LAST = 0x4, 0x100000          # V4L2_BUF_FLAG_DONE, ..._LAST
NON_COHERENT = 1                    # V4L2_MEMORY_FLAG_NON_COHERENT
READ, WRITE, RW = 1, 2, 3           # DMA_BUF_SYNC_*
START, END = 0, 4
LIMIT = 60

_64_BITS = struct.calcsize("P") == 8
# Before the union with pointers in struct v4l2_format, and before that structure in struct v4l2_create_buffers
_GAP = "4x" if _64_BITS else ""
_PIX = 8 if _64_BITS else 4         # where struct v4l2_pix_format begins in struct v4l2_format
_FORMAT_SIZE = _PIX + 200


def _both_ways(number, size):
    """_IOWR('V', number, a structure of `size` bytes)."""
    return 0xc0005600 | size << 16 | number


_BUFFER = struct.Struct("=5I4xqq16sIIqIIi4x" if _64_BITS else "=5I4xqq16sIIiIIi")
Buffer = collections.namedtuple("Buffer", "index kind used flags field seconds microseconds timecode sequence memory place "
                                "length reserved request")       # struct v4l2_buffer
_EXT_CONTROLS = struct.Struct("=IIIiI4xQ" if _64_BITS else "=IIIiII")
_CREATE = struct.Struct(f"=III{_GAP}{_FORMAT_SIZE}s32x")

_G_FMT, _S_FMT = _both_ways(0x04, _FORMAT_SIZE), _both_ways(0x05, _FORMAT_SIZE)
_TRY_FMT = _both_ways(0x40, _FORMAT_SIZE)
_REQBUFS = 0xc0145608
_QUERYBUF = _both_ways(0x09, _BUFFER.size)
QBUF = _both_ways(0x0f, _BUFFER.size)
_EXPBUF = 0xc0405610
_DQBUF = _both_ways(0x11, _BUFFER.size)
_G_PARM, _S_PARM = 0xc0cc5615, 0xc0cc5616
_ENUM_FRAMESIZES, _ENUM_FRAMEINTERVALS = 0xc02c564a, 0xc034564b
_G_SELECTION, _S_SELECTION = 0xc040565e, 0xc040565f
STREAMON, _STREAMOFF = 0x40045612, 0x40045613
_CREATE_BUFS = _both_ways(0x5c, _CREATE.size)
_G_CTRL, S_EXT_CTRLS = 0xc008561b, _both_ways(0x48, _EXT_CONTROLS.size)
_DQEVENT, _SUBSCRIBE = 0x80885659, 0x4020565a
_SUBDEV_S_SELECTION = 0xc040563e
_DMA_BUF_SYNC = 0x40086200
_HEAP_ALLOC = 0xc0184800
_CMA_SYNC = 0x4020ca40              # VB2_CMA_IOC_SYNC
_CMA_READER = 0x4008ca41            # VB2_CMA_IOC_READER
_CMA = struct.Struct("=iIQIIII")


class Queue:
    """The capture queue or the output queue of a video node, by default of the board's node.

    pixels: None keeps the current format. fd: the descriptor of a node that another queue has opened and will close.
    """

    def __init__(self, width=640, height=480, node=None, pixels="NV12", kind=VIDEO_CAPTURE, fd=None, stride=0):
        self.kind = kind
        self.name = node or "the capture node"
        self.fd = os.open(node or lib.video(), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC) if fd is None else fd
        if pixels:
            self.set_format(width, height, pixels, stride)

    def set_format(self, width, height, pixels="NV12", stride=0):
        """Set exactly this size, and a stride of at least `stride` bytes; pixels is a fourcc."""
        wanted = struct.pack(f"=I{_GAP}II4s4xI180x", self.kind, width, height, pixels.encode(), stride)
        got = struct.unpack_from(f"=I{_GAP}II4sIII", fcntl.ioctl(self.fd, _S_FMT, wanted))
        assert got[1:4] == (width, height, pixels.encode()), got
        self.stride, self.size = got[5], got[6]

    def close(self):
        os.close(self.fd)

    def request(self, count, memory=MMAP, flags=0):
        """Allocate buffers, or free them (0). Returns the number of buffers and the flags that the driver has set."""
        self.memory = memory
        answer = fcntl.ioctl(self.fd, _REQBUFS, struct.pack("=IIIIB3x", count, self.kind, memory, 0, flags))
        self.count, *_, flags = struct.unpack("=IIIIB3x", answer)
        return self.count, flags

    def create(self, size):
        """Add a buffer of `size` bytes, at least a frame's size. Returns its index."""
        layout = bytearray(fcntl.ioctl(self.fd, _G_FMT, struct.pack(f"=I{_GAP}200x", self.kind)))
        struct.pack_into("=I", layout, _PIX + 5 * 4, size)
        self.memory = MMAP
        return struct.unpack_from("=I", fcntl.ioctl(self.fd, _CREATE_BUFS, _CREATE.pack(0, 1, MMAP, layout)))[0]

    def query(self, index):
        """The Buffer that VIDIOC_QUERYBUF returns."""
        return self._buffer(_QUERYBUF, index)

    def export(self, index, flags=os.O_RDWR | os.O_CLOEXEC):
        answer = fcntl.ioctl(self.fd, _EXPBUF, struct.pack("=IIIIi44x", self.kind, index, 0, flags, -1))
        return struct.unpack_from("=i", answer, 16)[0]

    def map(self, index, protection=mmap.PROT_READ):
        buffer = self.query(index)
        return mmap.mmap(self.fd, page_align(buffer.length), mmap.MAP_SHARED, protection, offset=offset_of(buffer))

    def queue(self, index, dmabuf=-1, flags=0, length=0):
        """Queue a buffer. A buffer of an output queue is queued as full. length: of the dma-buf, if it differs from its size."""
        self._buffer(QBUF, index, dmabuf, flags, length)

    def wait(self):
        """Wait until a frame is complete."""
        if not select.select([self.fd], [], [], LIMIT * lib.SLOWER)[0]:
            raise AssertionError(f"{self.name}: no frame within {LIMIT} s")

    def dequeue(self):
        """(index, sequence, bytes used) of the next frame."""
        buffer = self.take_out()
        return buffer.index, buffer.sequence, buffer.used

    def first_frame(self):
        """Start the queue with two buffers. Returns (index, sequence, bytes used) of its first frame."""
        self.request(2)
        for index in range(self.count):
            self.queue(index)
        self.stream()
        return self.dequeue()

    def take_out(self):
        """Dequeue the next frame. Returns its Buffer."""
        self.wait()
        return self._buffer(_DQBUF)

    def take_out_now(self, flags=0):
        """Dequeue a frame without waiting for it. flags: those that the program passes to the kernel."""
        return self._buffer(_DQBUF, flags=flags)

    def stream(self, on=True):
        fcntl.ioctl(self.fd, STREAMON if on else _STREAMOFF, struct.pack("=i", self.kind))

    def _buffer(self, request, index=0, dmabuf=-1, flags=0, length=0):
        place = dmabuf if self.memory == DMABUF else 0
        full = self.size if self.kind == VIDEO_OUTPUT else 0
        asked = _BUFFER.pack(index, self.kind, full, flags, 0, 0, 0, b"", 0, self.memory, place, full or length, 0, 0)
        return Buffer._make(_BUFFER.unpack(fcntl.ioctl(self.fd, request, asked)))


def offset_of(buffer):
    """The offset for mmap() of a Buffer that the queue allocated."""
    return buffer.place & 0xffffffff


def try_format(fd, pixels, width, height, stride=0, kind=VIDEO_CAPTURE):
    """(width, height, stride, size) that VIDIOC_TRY_FMT returns for these values; pixels is a fourcc."""
    wanted = struct.pack(f"=I{_GAP}II4s4xI180x", kind, width, height, pixels.encode(), stride)
    got = struct.unpack_from(f"=I{_GAP}II4s4xII", fcntl.ioctl(fd, _TRY_FMT, wanted))
    assert got[3] == pixels.encode(), got
    return got[1], got[2], got[4], got[5]


def _all(fd, request, format_, *wanted):
    """(type, six numbers) of every entry of an enumeration."""
    found = []
    while True:
        try:
            answer = fcntl.ioctl(fd, request, struct.pack(f"={format_}I24x8x", len(found), *wanted, 0))
        except OSError as end:
            assert end.errno == errno.EINVAL, end
            return found
        entry = struct.unpack_from("=I6I", answer, struct.calcsize(f"={format_}"))
        found.append((entry[0], entry[1:]))


def frame_sizes(fd, pixels):
    """VIDIOC_ENUM_FRAMESIZES of a format: (type, numbers) of each entry. If the type is DISCRETE, two numbers are used."""
    return _all(fd, _ENUM_FRAMESIZES, "I4s", pixels.encode())


def frame_intervals(fd, pixels, width, height):
    """VIDIOC_ENUM_FRAMEINTERVALS of a format and size: (type, numbers) of each entry."""
    return _all(fd, _ENUM_FRAMEINTERVALS, "I4sII", pixels.encode(), width, height)


def _interval(answer):
    return struct.unpack_from("=II", answer, 12)


def set_interval(fd, numerator, denominator):
    """The interval that VIDIOC_S_PARM returns for these values, in seconds as (numerator, denominator)."""
    wanted = struct.pack("=IIIII184x", VIDEO_CAPTURE, 0, 0, numerator, denominator)
    return _interval(fcntl.ioctl(fd, _S_PARM, wanted))


def interval(fd):
    """The current frame interval."""
    return _interval(fcntl.ioctl(fd, _G_PARM, struct.pack("=I200x", VIDEO_CAPTURE)))


def selection(fd, target):
    """(left, top, width, height) of a target of VIDIOC_G_SELECTION."""
    answer = fcntl.ioctl(fd, _G_SELECTION, struct.pack("=III52x", VIDEO_CAPTURE, target, 0))
    return struct.unpack_from("=iiII", answer, 12)


def select_part(fd, target, *rectangle, kind=VIDEO_CAPTURE):
    """VIDIOC_S_SELECTION."""
    fcntl.ioctl(fd, _S_SELECTION, struct.pack("=IIIiiII36x", kind, target, 0, *rectangle))


def crop_sensor(fd, *rectangle):
    """VIDIOC_SUBDEV_S_SELECTION on pad 0: the rectangle that the driver sets for (left, top, width, height)."""
    asked = struct.pack("=4I4i8I", 1, 0, CROP, 0, *rectangle, *[0] * 8)
    return struct.unpack_from("=4i", fcntl.ioctl(fd, _SUBDEV_S_SELECTION, asked), 16)


def get_control(fd, control):
    return struct.unpack("=Ii", fcntl.ioctl(fd, _G_CTRL, struct.pack("=Ii", control, 0)))[1]


def set_controls(fd, values):
    """Several controls in one VIDIOC_S_EXT_CTRLS: {id: value}."""
    controls = b"".join(struct.pack("=IIIq", key, 0, 0, value) for key, value in values.items())
    memory = ctypes.create_string_buffer(controls, len(controls))
    fcntl.ioctl(fd, S_EXT_CTRLS, _EXT_CONTROLS.pack(0, len(values), 0, 0, 0, ctypes.addressof(memory)))


def subscribe(fd, event):
    """VIDIOC_SUBSCRIBE_EVENT."""
    fcntl.ioctl(fd, _SUBSCRIBE, struct.pack("=8I", event, *[0] * 7))


def events(fd):
    """The payload (64 bytes) of each pending event."""
    while True:
        try:
            event = fcntl.ioctl(fd, _DQEVENT, bytes(136))
        except OSError:
            return
        yield event[8:72]


def page_align(size):
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE


def map_dmabuf(fd, size, protection=mmap.PROT_READ):
    return mmap.mmap(fd, page_align(size), mmap.MAP_SHARED, protection)


def sync(fd, flags):
    """DMA_BUF_IOCTL_SYNC."""
    fcntl.ioctl(fd, _DMA_BUF_SYNC, struct.pack("=Q", flags))


def digest_of(dmabuf, used):
    """The SHA-256 of the first bytes of a dma-buf, which are read between SYNC ioctls."""
    with contextlib.closing(map_dmabuf(dmabuf, used)) as mapped:
        sync(dmabuf, START | READ)
        digest = lib.sha256(mapped[:used])
        sync(dmabuf, END | READ)
    return digest


def sync_part(node, fd, flags, offset, stride, line_bytes, lines, reserved=0):
    """VB2_CMA_IOC_SYNC on /dev/vb2-cma."""
    fcntl.ioctl(node, _CMA_SYNC, _CMA.pack(fd, flags, offset, stride, line_bytes, lines, reserved))


def reader_of(node, fd, flags=0):
    """VB2_CMA_IOC_READER on /dev/vb2-cma: a dma-buf of the same buffer, to read it."""
    # With a buffer that can change, Python returns the result of the call.
    return fcntl.ioctl(node, _CMA_READER, bytearray(struct.pack("=iI", fd, flags)), True)


def heap_allocate(size, heap=lib.HEAP):
    """A dma-buf from a dma-heap."""
    fd = os.open(heap, os.O_RDWR | os.O_CLOEXEC)
    try:
        answer = fcntl.ioctl(fd, _HEAP_ALLOC, struct.pack("=QIIQ", page_align(size), 0, os.O_RDWR | os.O_CLOEXEC, 0))
    finally:
        os.close(fd)
    return struct.unpack_from("=I", answer, 8)[0]
