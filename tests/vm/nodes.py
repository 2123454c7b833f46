# SPDX-License-Identifier: MIT
"""Several nodes of the board at once: frames with their timestamps, events, controls and the crop by hand.

The numbers are those of linux/videodev2.h, linux/v4l2-subdev.h and linux/cmacam.h on 64 bits.
"""

import ctypes
import dataclasses
import fcntl
import mmap
import os
import select
import struct

import lib

VIDEO, META = 1, 13                 # V4L2_BUF_TYPE_*
LIMIT = 60

BRIGHTNESS, CONTRAST, SATURATION = 0x980900, 0x980901, 0x980902
RED_BALANCE, BLUE_BALANCE = 0x98090e, 0x98090f
HFLIP, VFLIP = 0x980914, 0x980915
EXPOSURE, VBLANK, ANALOGUE_GAIN = 0x980911, 0x9e0901, 0x9e0903
TEST_PATTERN = 0x9f0903
FRAMES_LOST, LAST_ERROR, LINKED = 0x981bb0, 0x981bb1, 0x981bb2
LOST = 0x8000000 + 0x434d0000       # V4L2_EVENT_CMACAM_LOST
CROP = 0                            # V4L2_SEL_TGT_CROP

_S_FMT = 0xc0d05605
_REQBUFS = 0xc0145608
_QUERYBUF = 0xc0585609
_QBUF, _DQBUF = 0xc058560f, 0xc0585611
_STREAMON, _STREAMOFF = 0x40045612, 0x40045613
_G_CTRL, _S_EXT_CTRLS = 0xc008561b, 0xc0205648
_DQEVENT, _SUBSCRIBE = 0x80885659, 0x4020565a
_S_SELECTION = 0xc040563e
_BUFFER = struct.Struct("=5I4xqq16sIIqIIi4x")
_ERROR = 0x40                       # V4L2_BUF_FLAG_ERROR

# struct cmacam_frame_meta
_RECORD = struct.Struct("=IIQ15IiII16x")
_RECORD_FIELDS = ("size sequence timestamp flags exposure gain pattern line_length frame_length pixel_rate lost flip "
                  "crop_left crop_top crop_width crop_height red_gain blue_gain brightness contrast saturation").split()


@dataclasses.dataclass
class Frame:
    sequence: int
    time: tuple         # seconds, microseconds
    error: bool
    index: int
    data: bytes

    @property
    def mark(self):
        """(magic, sequence, nonce, channel) that the board wrote over the first bytes."""
        return struct.unpack_from("=IIQI", self.data)

    @property
    def record(self):
        """The fields of a record of the metadata node."""
        return dict(zip(_RECORD_FIELDS, _RECORD.unpack_from(self.data)))


class Node:
    """A node that streams into buffers mapped here."""

    def __init__(self, name, kind=VIDEO, events=True, path=None):
        self.name, self.kind = name, kind
        self.fd = os.open(path or lib.node(name), os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self.lost, self.maps = [], []
        if events:
            fcntl.ioctl(self.fd, _SUBSCRIBE, struct.pack("=8I", LOST, *[0] * 7))

    def close(self):
        for mapping in self.maps:
            mapping.close()
        os.close(self.fd)

    def format(self, pixels, width, height):
        wanted = struct.pack("=I4xII4s188x", self.kind, width, height, pixels.encode())
        got = struct.unpack_from("=I4xII4sII", fcntl.ioctl(self.fd, _S_FMT, wanted))
        assert got[1:4] == (width, height, pixels.encode()), got
        self.stride = got[5]
        return self

    def prepare(self, count=4):
        """Map count buffers and queue all of them."""
        fcntl.ioctl(self.fd, _REQBUFS, struct.pack("=IIIIB3x", count, self.kind, 1, 0, 0))
        for index in range(count):
            buffer = _BUFFER.unpack(self._buffer(_QUERYBUF, index))
            self.maps.append(mmap.mmap(self.fd, buffer[11], mmap.MAP_SHARED, mmap.PROT_READ,
                                       offset=buffer[10] & 0xffffffff))
            self.queue(index)
        return self

    def start(self):
        fcntl.ioctl(self.fd, _STREAMON, struct.pack("=i", self.kind))
        return self

    def stop(self):
        fcntl.ioctl(self.fd, _STREAMOFF, struct.pack("=i", self.kind))

    def queue(self, index):
        self._buffer(_QBUF, index)

    def ready(self):
        return bool(select.select([self.fd], [], [], 0)[0])

    def dequeue(self):
        """The next frame; its buffer stays out until it is queued again."""
        if not select.select([self.fd], [], [], LIMIT * lib.SLOWER)[0]:
            raise AssertionError(f"{self.name}: no frame within {LIMIT} s")
        index, _, used, flags, _, seconds, us, _, sequence, *_ = _BUFFER.unpack(self._buffer(_DQBUF))
        return Frame(sequence, (seconds, us), bool(flags & _ERROR), index, self.maps[index][:used])

    def take(self):
        """The next frame, its buffer queued again."""
        frame = self.dequeue()
        self.queue(frame.index)
        return frame

    def drain_events(self):
        """Numbers of the frames that the driver said were lost, since the node was opened."""
        while True:
            try:
                event = fcntl.ioctl(self.fd, _DQEVENT, bytes(136))
            except OSError:
                return self.lost
            first, count, self.total = struct.unpack_from("=3I", event, 8)
            self.lost += range(first, first + count)

    def await_loss(self, above):
        """Until more frames than that were lost."""
        while len(self.drain_events()) <= above:
            if not select.select([], [], [self.fd], LIMIT * lib.SLOWER)[2]:
                raise AssertionError(f"{self.name}: no loss within {LIMIT} s")

    def get(self, control):
        return get_control(self.fd, control)

    def set(self, values):
        set_controls(self.fd, values)

    def _buffer(self, request, index=0):
        return fcntl.ioctl(self.fd, request, _BUFFER.pack(index, self.kind, 0, 0, 0, 0, 0, b"", 0, 1, 0, 0, 0, 0))


class Sensor:
    """The sensor subdevice."""

    def __init__(self):
        self.fd = os.open(lib.sensor(), os.O_RDWR | os.O_CLOEXEC)

    def close(self):
        os.close(self.fd)

    def set(self, values):
        set_controls(self.fd, values)

    def get(self, control):
        return get_control(self.fd, control)

    def crop(self, left, top, width, height):
        """What the driver made of the rectangle."""
        asked = struct.pack("=4I4i8I", 1, 0, CROP, 0, left, top, width, height, *[0] * 8)
        return struct.unpack_from("=4i", fcntl.ioctl(self.fd, _S_SELECTION, asked), 16)


def get_control(fd, control):
    return struct.unpack("=Ii", fcntl.ioctl(fd, _G_CTRL, struct.pack("=Ii", control, 0)))[1]


def set_controls(fd, values):
    """Several controls in one VIDIOC_S_EXT_CTRLS: {id: value}."""
    controls = b"".join(struct.pack("=IIIq", key, 0, 0, value) for key, value in values.items())
    memory = ctypes.create_string_buffer(controls, len(controls))
    fcntl.ioctl(fd, _S_EXT_CTRLS, struct.pack("=IIIiI4xQ", 0, len(values), 0, 0, 0, ctypes.addressof(memory)))


def main():
    return Node("cmacam-capture")


def lores(linked=False):
    node = Node("cmacam-lores")
    node.set({LINKED: linked})
    return node


def stats():
    return Node("cmacam-stats", META)


def metadata():
    return Node("cmacam-metadata", META, events=False)


def join(*streams):
    """A frame of each node, all of the same instant; what some of them do not have is passed over."""
    frames = [node.take() for node in streams]
    while len({frame.time for frame in frames}) > 1:
        oldest = min(range(len(frames)), key=lambda i: frames[i].time)
        frames[oldest] = streams[oldest].take()
    return frames


def close(*all_nodes):
    """End streaming on all of them, and let go of them."""
    for node in all_nodes:
        node.stop()
    for node in all_nodes:
        node.close()
