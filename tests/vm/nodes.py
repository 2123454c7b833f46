# SPDX-License-Identifier: MIT
"""Several nodes of the board at the same time: frames with their timestamps, events, controls and the crop.

The numbers are those of linux/v4l2-controls.h and linux/cmacam.h.
"""

import dataclasses
import os
import select
import struct

import lib
import v4l2

BRIGHTNESS, CONTRAST, SATURATION = 0x980900, 0x980901, 0x980902
RED_BALANCE, BLUE_BALANCE, SHARPNESS = 0x98090e, 0x98090f, 0x98091b
HFLIP, VFLIP = 0x980914, 0x980915
EXPOSURE, VBLANK, ANALOGUE_GAIN = 0x980911, 0x9e0901, 0x9e0903
TEST_PATTERN = 0x9f0903
FRAMES_LOST, LAST_ERROR, LINKED = 0x981bb0, 0x981bb1, 0x981bb2
LOST = 0x8000000 + 0x434d0000       # V4L2_EVENT_CMACAM_LOST

# struct cmacam_frame_meta
_RECORD = struct.Struct("=II4Q15IiIII44x")
_RECORD_FIELDS = ("version flags timestamp realtime tai pixel_rate sequence exposure gain pattern line_length frame_length "
                  "lost overrun flip crop_left crop_top crop_width crop_height red_gain blue_gain brightness contrast "
                  "saturation sharpness").split()
RECORD_SIZE, RECORDS = _RECORD.size, 32
# struct cmacam_frame_stats
_STATS = struct.Struct("=QII16x2592s")
BOTH_SIZE = RECORD_SIZE + _STATS.size
HAS_STATS, STATS_READS = 2, 16


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


class Node(v4l2.Queue):
    """A node that streams into buffers that are mapped in this process."""

    def __init__(self, name, kind=v4l2.VIDEO_CAPTURE, events=True, path=None):
        super().__init__(node=path or lib.node(name), pixels=None, kind=kind)
        self.name, self.lost, self.maps = name, [], []
        if events:
            v4l2.subscribe(self.fd, LOST)

    def close(self):
        for mapping in self.maps:
            mapping.close()
        super().close()

    def format(self, pixels, width, height):
        self.set_format(width, height, pixels)
        return self

    def prepare(self, count=4):
        """Map `count` buffers, and queue all of them."""
        self.request(count)
        for index in range(count):
            self.maps.append(self.map(index))
            self.queue(index)
        return self

    def start(self):
        self.stream()
        return self

    def stop(self):
        self.stream(False)

    def ready(self):
        return bool(select.select([self.fd], [], [], 0)[0])

    def dequeue(self):
        """The next frame. The caller has its buffer until it queues the buffer again."""
        buffer = self.take_out()
        return Frame(buffer.sequence, (buffer.seconds, buffer.microseconds), bool(buffer.flags & v4l2.ERROR), buffer.index,
                     self.maps[buffer.index][:buffer.used])

    def take(self):
        """The next frame. Its buffer is queued again."""
        frame = self.dequeue()
        self.queue(frame.index)
        return frame

    def drain_events(self):
        """Numbers of the frames that the driver reported as lost since the node was opened."""
        for event in v4l2.events(self.fd):
            first, count, self.total = struct.unpack_from("=3I", event)
            self.lost += range(first, first + count)
        return self.lost

    def await_loss(self, above):
        """Wait until more than `above` frames were lost."""
        while len(self.drain_events()) <= above:
            if not select.select([], [], [self.fd], v4l2.LIMIT * lib.SLOWER)[2]:
                raise AssertionError(f"{self.name}: no loss within {v4l2.LIMIT} s")

    def get(self, control):
        return v4l2.get_control(self.fd, control)

    def set(self, values):
        v4l2.set_controls(self.fd, values)


class Records:
    """A file of the metadata node whose records are read by read()."""

    def __init__(self, flags=os.O_NONBLOCK):
        self.fd = os.open(lib.metadata(), os.O_RDONLY | os.O_CLOEXEC | flags)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        os.close(self.fd)

    def read(self, size=RECORD_SIZE):
        """(record, statistics) of one read(). statistics: (timestamp, exposure, gain, bytes), or None."""
        data = os.read(self.fd, size)
        record = dict(zip(_RECORD_FIELDS, _RECORD.unpack_from(data)))
        has_stats = bool(record["flags"] & HAS_STATS)
        assert len(data) == (BOTH_SIZE if has_stats else RECORD_SIZE), (len(data), record)
        return record, _STATS.unpack_from(data, RECORD_SIZE) if has_stats else None

    def start_statistics(self):
        """Make the driver take statistics, for as long as this file asks for them. A machine that stands still has one already."""
        try:
            self.read(BOTH_SIZE)
        except BlockingIOError:
            pass

    def ready(self, seconds=0):
        return bool(select.select([self.fd], [], [], seconds)[0])

    def take(self, size=RECORD_SIZE):
        """Wait for a record, and read it."""
        if not self.ready(v4l2.LIMIT * lib.SLOWER):
            raise AssertionError(f"no record within {v4l2.LIMIT} s")
        return self.read(size)


class Sensor:
    """The sensor subdevice."""

    def __init__(self):
        self.fd = os.open(lib.sensor(), os.O_RDWR | os.O_CLOEXEC)

    def close(self):
        os.close(self.fd)

    def set(self, values):
        v4l2.set_controls(self.fd, values)

    def get(self, control):
        return v4l2.get_control(self.fd, control)

    def crop(self, left, top, width, height):
        """Set a crop rectangle. Returns the rectangle that the driver has set."""
        return v4l2.crop_sensor(self.fd, left, top, width, height)


def main():
    return Node("cmacam-capture")


def lores(linked=False):
    node = Node("cmacam-lores")
    node.set({LINKED: linked})
    return node


def stats():
    return Node("cmacam-stats", v4l2.META_CAPTURE)


def metadata():
    return Node("cmacam-metadata", v4l2.META_CAPTURE, events=False)


def join(*streams):
    """One frame of each node, all with the same timestamp. Frames that another node does not have are skipped."""
    frames = [node.take() for node in streams]
    while len({frame.time for frame in frames}) > 1:
        oldest = min(range(len(frames)), key=lambda i: frames[i].time)
        frames[oldest] = streams[oldest].take()
    return frames


def close(*all_nodes):
    """Stop streaming on all nodes, and close them."""
    for node in all_nodes:
        node.stop()
    for node in all_nodes:
        node.close()
